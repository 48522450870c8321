//! Display filters with the field names and the meaning that Wireshark 4 gives them.
//!
//! ```text
//! filter  = term { ("||" | "or") term }
//! term    = factor { ("&&" | "and") factor }
//! factor  = ("!" | "not") factor | "(" filter ")" | test
//! test    = field                                        the field is there, whatever its value
//!         | field [ "&" mask ] operator value            == eq  != ne  > gt  < lt  >= ge  <= le  === !==  contains
//!         | field "in" "{" value { "," value } "}"       a value may be a range: 5..9
//! ```
//!
//! A field may have several values (an AVP that repeats, the two ports of a packet). A comparison holds when it holds for
//! any of them. The exceptions are `!=`, which wants the field to be there and every value to differ, and `===`, which
//! wants every value to be equal; `!==` holds when any value differs. `diameter.NAME` finds an AVP at any depth, in
//! groups that the dictionary knows.
//!
//! A bare flag such as `diameter.flags.request` asks for the field, which every message has; to ask for the bit write
//! `diameter.flags.request == 1`. This is Wireshark's reading, and surprises there too.
//!
//! Filters are parsed once. Judging a message allocates nothing.

use std::net::{IpAddr, SocketAddr};

use super::check::NESTING_LIMIT;
use super::header::{HEADER_LENGTH, Header};
use crate::avp::dictionary::{self, Definition};
use crate::avp::format::{Address, Kind, Time};
use crate::avp::{Avp, Avps};

mod field;
mod parse;

pub use parse::FilterError;

use field::{Field, Flow};

/// A message and what is known of its way; what is not known has no field.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The octets of the message.
    pub message: &'a [u8],
    /// Its header.
    pub header: Header,
    /// Number of the frame in which it is complete, from 1.
    pub frame: u64,
    /// When it was captured, in nanoseconds since 1970.
    pub time: Option<i64>,
    /// True for SCTP, false for TCP.
    pub sctp: Option<bool>,
    /// Sender.
    pub source: Option<SocketAddr>,
    /// Receiver.
    pub destination: Option<SocketAddr>,
    /// SCTP payload protocol identifier.
    pub ppid: Option<u32>,
    /// SCTP stream.
    pub stream: Option<u16>,
}

/// A display filter.
#[derive(Clone, Debug)]
pub struct Filter {
    root: Node,
}

#[derive(Clone, Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Test(Test),
}

/// One field against what is asked of it.
#[derive(Clone, Debug)]
struct Test {
    field: Field,
    mask: Option<i128>,
    ask: Ask,
}

#[derive(Clone, Debug)]
enum Ask {
    Exists,
    Compare { operator: Operator, all: bool, literal: Literal },
    In(Vec<(Literal, Option<Literal>)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Greater,
    Less,
    AtLeast,
    AtMost,
    Contains,
}

/// A value as written in the filter, in the type of its field.
#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Number(i128),
    /// A name that stands for several numbers.
    OneOf(Vec<i128>),
    Octets(Vec<u8>),
    Network(IpAddr, u8),
}

/// A value as found in a message.
#[derive(Clone, Copy, Debug)]
enum Datum<'a> {
    Number(i128),
    Octets(&'a [u8]),
    Ip(IpAddr),
    /// Something is there that has no value to compare.
    Opaque,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The column and what was expected there.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(|root| Self { root })
    }

    /// True when the filter accepts the message.
    #[must_use]
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.root.holds(subject)
    }
}

impl Node {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.holds(subject)),
            Self::Any(nodes) => nodes.iter().any(|node| node.holds(subject)),
            Self::Not(node) => !node.holds(subject),
            Self::Test(test) => test.holds(subject),
        }
    }
}

impl Test {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        let masked = |datum| match (datum, self.mask) {
            (Datum::Number(number), Some(mask)) => Datum::Number(number & mask),
            (datum, _) => datum,
        };
        match &self.ask {
            Ask::Exists => match self.mask {
                None => self.field.visit(subject, &mut |_| true),
                Some(mask) => {
                    self.field.visit(subject, &mut |datum| matches!(datum, Datum::Number(number) if number & mask != 0))
                }
            },
            Ask::Compare { operator, all: false, literal } => {
                self.field.visit(subject, &mut |datum| literal.compare(masked(datum), *operator))
            }
            Ask::Compare { operator, all: true, literal } => {
                let mut any = false;
                let failed = self.field.visit(subject, &mut |datum| {
                    any = true;
                    !literal.compare(masked(datum), *operator)
                });
                any && !failed
            }
            Ask::In(ranges) => self.field.visit(subject, &mut |datum| {
                let datum = masked(datum);
                ranges.iter().any(|(first, last)| match last {
                    None => first.compare(datum, Operator::Equal),
                    Some(last) => first.compare(datum, Operator::AtLeast) && last.compare(datum, Operator::AtMost),
                })
            }),
        }
    }
}

impl Literal {
    /// Compares `datum operator self`; false for what can not be compared.
    fn compare(&self, datum: Datum<'_>, operator: Operator) -> bool {
        match (datum, self) {
            (Datum::Number(left), Self::Number(right)) => order(&left, right, operator),
            (Datum::Number(left), Self::OneOf(right)) => right.contains(&left) == (operator == Operator::Equal),
            (Datum::Octets(left), Self::Octets(right)) if operator == Operator::Contains => {
                right.is_empty() || left.windows(right.len()).any(|part| part == right)
            }
            (Datum::Octets(left), Self::Octets(right)) => order(&left, &&right[..], operator),
            (Datum::Ip(left), Self::Network(right, bits)) => match operator {
                Operator::Equal => is_within(left, *right, *bits),
                Operator::Unequal => !is_within(left, *right, *bits),
                operator => left.is_ipv4() == right.is_ipv4() && order(&left, right, operator),
            },
            _ => false,
        }
    }
}

fn order<T: PartialOrd>(left: &T, right: &T, operator: Operator) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::Unequal => left != right,
        Operator::Greater => left > right,
        Operator::Less => left < right,
        Operator::AtLeast => left >= right,
        Operator::AtMost => left <= right,
        Operator::Contains => false,
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(left), IpAddr::V4(right)) => {
            let differ = left.to_bits() ^ right.to_bits();
            differ.checked_shr(32 - u32::from(bits.min(32))).unwrap_or(0) == 0
        }
        (IpAddr::V6(left), IpAddr::V6(right)) => {
            let differ = left.to_bits() ^ right.to_bits();
            differ.checked_shr(128 - u32::from(bits.min(128))).unwrap_or(0) == 0
        }
        _ => false,
    }
}

impl Field {
    /// Hands each value to `see` until that returns true; true when it did.
    fn visit<'a>(&self, subject: &Subject<'a>, see: &mut dyn FnMut(Datum<'a>) -> bool) -> bool {
        let header = &subject.header;
        let ends = [subject.source, subject.destination];
        match self {
            Self::Always => see(Datum::Opaque),
            Self::Sctp => subject.sctp == Some(true) && see(Datum::Opaque),
            Self::Tcp => subject.sctp == Some(false) && see(Datum::Opaque),
            Self::Ip { v6 } => ends[0].is_some_and(|end| end.is_ipv6() == *v6) && see(Datum::Opaque),
            Self::Version => see(Datum::Number(header.version.into())),
            Self::Length => see(Datum::Number(header.length.into())),
            Self::Flags => see(Datum::Number(header.flags.0.into())),
            Self::FlagBit(bit) => see(Datum::Number(i128::from(header.flags.0 & bit != 0))),
            Self::Command => see(Datum::Number(header.code.into())),
            Self::Application => see(Datum::Number(header.application.into())),
            Self::HopByHop => see(Datum::Number(header.hop_by_hop.into())),
            Self::EndToEnd => see(Datum::Number(header.end_to_end.into())),
            Self::Frame => see(Datum::Number(subject.frame.into())),
            Self::FrameTime => subject.time.is_some_and(|time| see(Datum::Number(time.into()))),
            Self::Ppid => subject.ppid.is_some_and(|ppid| see(Datum::Number(ppid.into()))),
            Self::Stream => subject.stream.is_some_and(|stream| see(Datum::Number(stream.into()))),
            Self::IpAddress { v6, flow } => {
                flow.pick(&ends).iter().flatten().filter(|end| end.is_ipv6() == *v6).any(|end| see(Datum::Ip(end.ip())))
            }
            Self::Port { sctp, flow } => {
                subject.sctp == Some(*sctp)
                    && flow.pick(&ends).iter().flatten().any(|end| see(Datum::Number(end.port().into())))
            }
            Self::AvpAny => visit_avps(subject, &mut |_| see(Datum::Opaque)),
            Self::AvpCode => visit_avps(subject, &mut |avp| see(Datum::Number(avp.code().into()))),
            Self::AvpVendor => {
                visit_avps(subject, &mut |avp| avp.flags.has_vendor() && see(Datum::Number(avp.vendor().into())))
            }
            Self::AvpLength => visit_avps(subject, &mut |avp| see(Datum::Number(avp.length() as i128))),
            Self::AvpFlags => visit_avps(subject, &mut |avp| see(Datum::Number(avp.flags.0.into()))),
            Self::AvpFlagBit(bit) => {
                visit_avps(subject, &mut |avp| see(Datum::Number(i128::from(avp.flags.0 & bit != 0))))
            }
            Self::AvpUnknown => {
                visit_avps(subject, &mut |avp| dictionary::lookup(avp.key).is_none() && see(Datum::Opaque))
            }
            Self::Named(definitions) => visit_avps(subject, &mut |avp| {
                definitions
                    .iter()
                    .any(|definition| definition.key == avp.key && see(datum_of(definition.kind, avp.data)))
            }),
        }
    }
}

impl Flow {
    fn pick<T>(self, ends: &[T; 2]) -> &[T] {
        match self {
            Self::Source => &ends[..1],
            Self::Destination => &ends[1..],
            Self::Either => ends,
        }
    }
}

/// Walks all AVPs of a message, those in groups included, until `see` returns true; true when it did.
fn visit_avps<'a>(subject: &Subject<'a>, see: &mut dyn FnMut(&Avp<'a>) -> bool) -> bool {
    visit_members(subject.message.get(HEADER_LENGTH..).unwrap_or_default(), 0, see)
}

fn visit_members<'a>(bytes: &'a [u8], depth: usize, see: &mut dyn FnMut(&Avp<'a>) -> bool) -> bool {
    Avps::new(bytes).map_while(Result::ok).any(|avp| {
        if see(&avp) {
            return true;
        }
        depth < NESTING_LIMIT
            && avp.data.len() >= 8
            && dictionary::lookup(avp.key).is_some_and(|known| known.kind == Kind::Grouped)
            && visit_members(avp.data, depth + 1, see)
    })
}

/// The value of data by its format; opaque when it does not fit.
fn datum_of(kind: Kind, data: &[u8]) -> Datum<'_> {
    let four = || <[u8; 4]>::try_from(data).ok();
    let eight = || <[u8; 8]>::try_from(data).ok();
    let number = match kind {
        Kind::Unsigned32 => four().map(|octets| u32::from_be_bytes(octets).into()),
        Kind::Integer32 | Kind::Enumerated => four().map(|octets| i32::from_be_bytes(octets).into()),
        Kind::Unsigned64 => eight().map(|octets| u64::from_be_bytes(octets).into()),
        Kind::Integer64 => eight().map(|octets| i64::from_be_bytes(octets).into()),
        Kind::Time => four().map(|octets| Time(u32::from_be_bytes(octets)).unix_seconds().into()),
        Kind::Address => return Address::parse(data).and_then(Address::ip).map_or(Datum::Opaque, Datum::Ip),
        Kind::Float32 | Kind::Float64 => None,
        Kind::OctetString
        | Kind::Grouped
        | Kind::UTF8String
        | Kind::DiameterIdentity
        | Kind::DiameterURI
        | Kind::IPFilterRule
        | Kind::QoSFilterRule => return Datum::Octets(data),
    };
    number.map_or(Datum::Opaque, Datum::Number)
}

/// All definitions of that name; names that two specifications use have several.
fn definitions_of(name: &str) -> Vec<&'static Definition> {
    dictionary::everything().filter(|definition| definition.name == name).collect()
}

#[cfg(test)]
mod tests;
