//! The fields: their names in Wireshark, and the type of their values.

use super::definitions_of;
use crate::avp::dictionary::{self, Definition, TGPP};
use crate::avp::format::Kind;
use crate::avp::{AvpFlags, Key};
use crate::message::CommandFlags;

/// Which end of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Source,
    Destination,
    Either,
}

/// What can be asked for.
#[derive(Clone, Debug)]
pub enum Field {
    /// `diameter`: there in every message.
    Always,
    Sctp,
    Tcp,
    Ip {
        v6: bool,
    },
    Version,
    Length,
    Flags,
    FlagBit(u8),
    Command,
    Application,
    HopByHop,
    EndToEnd,
    Frame,
    FrameTime,
    Ppid,
    Stream,
    IpAddress {
        v6: bool,
        flow: Flow,
    },
    Port {
        sctp: bool,
        flow: Flow,
    },
    AvpAny,
    AvpCode,
    AvpVendor,
    AvpLength,
    AvpFlags,
    AvpFlagBit(u8),
    AvpUnknown,
    Named(Vec<&'static Definition>),
}

/// The type of a field's values, which says how a literal is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Only existence can be asked.
    Presence,
    Boolean,
    Number,
    /// Seconds since 1970.
    Time,
    /// Seconds since 1970 with decimals, kept in nanoseconds.
    FrameTime,
    Text,
    Octets,
    Address,
}

const FIXED: &[(&str, Field)] = &[
    ("diameter", Field::Always),
    ("diameter.version", Field::Version),
    ("diameter.length", Field::Length),
    ("diameter.flags", Field::Flags),
    ("diameter.flags.request", Field::FlagBit(CommandFlags::REQUEST)),
    ("diameter.flags.proxyable", Field::FlagBit(CommandFlags::PROXIABLE)),
    ("diameter.flags.error", Field::FlagBit(CommandFlags::ERROR)),
    ("diameter.flags.T", Field::FlagBit(CommandFlags::RETRANSMITTED)),
    ("diameter.cmd.code", Field::Command),
    ("diameter.applicationId", Field::Application),
    ("diameter.hopbyhopid", Field::HopByHop),
    ("diameter.endtoendid", Field::EndToEnd),
    ("diameter.avp", Field::AvpAny),
    ("diameter.avp.code", Field::AvpCode),
    ("diameter.avp.vendorId", Field::AvpVendor),
    ("diameter.avp.len", Field::AvpLength),
    ("diameter.avp.flags", Field::AvpFlags),
    ("diameter.avp.flags.vendor-specific", Field::AvpFlagBit(AvpFlags::VENDOR)),
    ("diameter.avp.flags.mandatory", Field::AvpFlagBit(AvpFlags::MANDATORY)),
    ("diameter.avp.flags.protected", Field::AvpFlagBit(AvpFlags::PROTECTED)),
    ("diameter.avp.unknown", Field::AvpUnknown),
    ("frame", Field::Always),
    ("frame.number", Field::Frame),
    ("frame.time_epoch", Field::FrameTime),
    ("sctp", Field::Sctp),
    ("sctp.port", Field::Port { sctp: true, flow: Flow::Either }),
    ("sctp.srcport", Field::Port { sctp: true, flow: Flow::Source }),
    ("sctp.dstport", Field::Port { sctp: true, flow: Flow::Destination }),
    ("sctp.data_payload_proto_id", Field::Ppid),
    ("sctp.data_sid", Field::Stream),
    ("tcp", Field::Tcp),
    ("tcp.port", Field::Port { sctp: false, flow: Flow::Either }),
    ("tcp.srcport", Field::Port { sctp: false, flow: Flow::Source }),
    ("tcp.dstport", Field::Port { sctp: false, flow: Flow::Destination }),
    ("ip", Field::Ip { v6: false }),
    ("ip.addr", Field::IpAddress { v6: false, flow: Flow::Either }),
    ("ip.src", Field::IpAddress { v6: false, flow: Flow::Source }),
    ("ip.dst", Field::IpAddress { v6: false, flow: Flow::Destination }),
    ("ipv6", Field::Ip { v6: true }),
    ("ipv6.addr", Field::IpAddress { v6: true, flow: Flow::Either }),
    ("ipv6.src", Field::IpAddress { v6: true, flow: Flow::Source }),
    ("ipv6.dst", Field::IpAddress { v6: true, flow: Flow::Destination }),
];

impl Field {
    /// The field of a name.
    pub fn find(name: &str) -> Option<Self> {
        if let Some((_, field)) = FIXED.iter().find(|(known, _)| *known == name) {
            return Some(field.clone());
        }
        let name = name.strip_prefix("diameter.")?;
        let mut definitions = definitions_of(name);
        if definitions.is_empty() {
            definitions = definitions_with_prefix(name);
        }
        (!definitions.is_empty()).then_some(Self::Named(definitions))
    }

    /// The type of its values.
    pub fn kind(&self) -> Type {
        match self {
            Self::Always | Self::Sctp | Self::Tcp | Self::Ip { .. } | Self::AvpAny | Self::AvpUnknown => Type::Presence,
            Self::FlagBit(_) | Self::AvpFlagBit(_) => Type::Boolean,
            Self::FrameTime => Type::FrameTime,
            Self::IpAddress { .. } => Type::Address,
            Self::Named(definitions) => match definitions.first().map_or(Kind::Grouped, |first| first.kind) {
                Kind::Integer32 | Kind::Integer64 | Kind::Unsigned32 | Kind::Unsigned64 | Kind::Enumerated => {
                    Type::Number
                }
                Kind::Float32 | Kind::Float64 => Type::Presence,
                Kind::Grouped | Kind::OctetString => Type::Octets,
                Kind::Address => Type::Address,
                Kind::Time => Type::Time,
                Kind::UTF8String
                | Kind::DiameterIdentity
                | Kind::DiameterURI
                | Kind::IPFilterRule
                | Kind::QoSFilterRule => Type::Text,
            },
            _ => Type::Number,
        }
    }
}

/// Wireshark tells AVPs of the same name apart by a prefix that their specifications lack.
fn definitions_with_prefix(name: &str) -> Vec<&'static Definition> {
    let keys = |known: &str, vendor: u32| -> Vec<&'static Definition> {
        definitions_of(known).into_iter().filter(|definition| definition.vendor() == vendor).collect()
    };
    match name.split_once('-') {
        _ if name == "Cx-User-Data" => dictionary::lookup(Key::new(TGPP, 606)).into_iter().collect(),
        _ if name == "Sh-User-Data" => dictionary::lookup(Key::new(TGPP, 702)).into_iter().collect(),
        Some(("3GPP", known)) => keys(known, TGPP),
        Some(("ETSI", known)) => keys(known, 13019),
        _ => Vec::new(),
    }
}

/// The known name that is nearest to a wrong one, if any is near.
pub fn nearest(name: &str) -> Option<String> {
    let wanted = name.to_ascii_lowercase();
    let limit = wanted.len() / 4 + 2;
    let fixed = FIXED.iter().map(|(known, _)| (*known).to_owned());
    let named = dictionary::everything().map(|definition| format!("diameter.{}", definition.name));
    fixed
        .chain(named)
        .map(|known| (distance(&wanted, &known.to_ascii_lowercase()), known))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// How many letters must be put in, taken out or changed.
fn distance(left: &str, right: &str) -> usize {
    let right = right.as_bytes();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, a) in left.bytes().enumerate() {
        let mut corner = at;
        let mut before = at + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (b, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let value = (corner + usize::from(a != *b)).min(*cell + 1).min(before + 1);
            corner = std::mem::replace(cell, value);
            before = value;
        }
    }
    row.last().copied().unwrap_or(0)
}
