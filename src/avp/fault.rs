//! What is wrong with a message: which AVP, where, and what a receiver answers.
//!
//! A fault is a value, not an error: one message may have many, all are collected, and each knows the Result-Code and
//! the content of Failed-AVP that RFC 6733 section 7 asks for.

use std::fmt;

use super::dictionary::{self, Definition, ResultCode};
use super::{Avp, AvpFlags, Key, Malformed};

/// The kinds of faults, each with what is needed to say it in words.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// The version is not 1. 5011.
    UnsupportedVersion(u8),
    /// Message Length is below 20, no multiple of four, or not the number of octets there are. 5015.
    MessageLength {
        /// Message Length as stated.
        stated: usize,
        /// Octets present.
        present: usize,
    },
    /// A reserved bit is set in the command flags. 5013.
    ReservedBits(u8),
    /// The command flags contradict each other or the command. 3008.
    ContradictoryFlags(&'static str),
    /// The command is unknown in its application. 3001.
    UnknownCommand(u32),
    /// The application is unknown. 3007.
    UnknownApplication(u32),
    /// The AVP's length cannot be. 5014.
    Malformed(Malformed),
    /// The data has a length that its format cannot have. 5014.
    BadLength {
        /// Name of the format.
        format: &'static str,
        /// Octets of data present.
        present: usize,
        /// Octets that the format asks for, when it is one number.
        expected: Option<usize>,
    },
    /// The data is no value of its format. 5004.
    BadValue {
        /// Name of the format, or what was expected.
        expected: &'static str,
    },
    /// The AVP is unknown and its M flag is set. 5001.
    UnknownMandatory,
    /// The AVP is required and absent. 5005.
    Missing,
    /// The AVP stands there too often. 5009.
    TooMany {
        /// The most that the grammar allows.
        most: u32,
    },
    /// The grammar does not allow the AVP here. 5008.
    NotAllowed,
    /// Groups are nested deeper than we read. 5012.
    TooDeep {
        /// The limit.
        limit: usize,
    },
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// The groups around the AVP, outermost first, then the AVP. Empty for faults of the header.
    pub path: Vec<Key>,
    /// Where the AVP begins (a missing one: where its group or message begins), in octets from the message's start.
    pub offset: usize,
    /// The content of Failed-AVP, groups around the AVP included; empty when none is due.
    pub failed: Vec<u8>,
}

impl Fault {
    /// A fault of the header, which has no AVP.
    #[must_use]
    pub const fn of_header(kind: FaultKind) -> Self {
        Self { kind, path: Vec::new(), offset: 0, failed: Vec::new() }
    }

    /// The Result-Code that a receiver answers. RFC 6733 section 7.1.
    #[must_use]
    pub const fn result_code(&self) -> u32 {
        match self.kind {
            FaultKind::UnsupportedVersion(_) => ResultCode::DIAMETER_UNSUPPORTED_VERSION,
            FaultKind::MessageLength { .. } => ResultCode::DIAMETER_INVALID_MESSAGE_LENGTH,
            FaultKind::ReservedBits(_) => ResultCode::DIAMETER_INVALID_BIT_IN_HEADER,
            FaultKind::ContradictoryFlags(_) => ResultCode::DIAMETER_INVALID_HDR_BITS,
            FaultKind::UnknownCommand(_) => ResultCode::DIAMETER_COMMAND_UNSUPPORTED,
            FaultKind::UnknownApplication(_) => ResultCode::DIAMETER_APPLICATION_UNSUPPORTED,
            FaultKind::Malformed(_) | FaultKind::BadLength { .. } => ResultCode::DIAMETER_INVALID_AVP_LENGTH,
            FaultKind::BadValue { .. } => ResultCode::DIAMETER_INVALID_AVP_VALUE,
            FaultKind::UnknownMandatory => ResultCode::DIAMETER_AVP_UNSUPPORTED,
            FaultKind::Missing => ResultCode::DIAMETER_MISSING_AVP,
            FaultKind::TooMany { .. } => ResultCode::DIAMETER_AVP_OCCURS_TOO_MANY_TIMES,
            FaultKind::NotAllowed => ResultCode::DIAMETER_AVP_NOT_ALLOWED,
            FaultKind::TooDeep { .. } => ResultCode::DIAMETER_UNABLE_TO_COMPLY,
        }
    }

    /// True when the answer is a protocol error and carries the E bit. RFC 6733 section 7.1.3.
    #[must_use]
    pub const fn is_protocol_error(&self) -> bool {
        self.result_code() / 1000 == 3
    }
}

impl fmt::Display for Fault {
    /// `ProSe-Subscription-Data (3701) > ProSe-Permission (3702) at octet 84: ... [5014]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.path.iter().enumerate() {
            if at > 0 {
                f.write_str(" > ")?;
            }
            f.write_str(&name_of(*key))?;
        }
        if !self.path.is_empty() {
            write!(f, " at octet {}: ", self.offset)?;
        }
        match &self.kind {
            FaultKind::UnsupportedVersion(version) => write!(f, "the version is {version}, expected 1")?,
            FaultKind::MessageLength { stated, present } => write!(
                f,
                "Message Length is {stated}, {present} octets are there; expected those, at least 20, in fours"
            )?,
            FaultKind::ReservedBits(bits) => {
                write!(f, "reserved bits {:#04x} of the command flags are set, expected zero", bits)?;
            }
            FaultKind::ContradictoryFlags(why) => f.write_str(why)?,
            FaultKind::UnknownCommand(code) => write!(f, "command {code} is unknown in its application")?,
            FaultKind::UnknownApplication(id) => write!(f, "application {id} is unknown")?,
            FaultKind::Malformed(malformed) => malformed.fmt(f)?,
            FaultKind::BadLength { format, present, expected } => {
                write!(f, "{present} octets of data are no {format}")?;
                if let Some(expected) = expected {
                    write!(f, ", expected {expected}")?;
                }
            }
            FaultKind::BadValue { expected } => write!(f, "the data is no {expected}")?,
            FaultKind::UnknownMandatory => f.write_str("the AVP is unknown and its M flag is set")?,
            FaultKind::Missing => f.write_str("the AVP is required and absent")?,
            FaultKind::TooMany { most } => write!(f, "the AVP stands there too often, expected at most {most}")?,
            FaultKind::NotAllowed => f.write_str("the grammar does not allow the AVP here")?,
            FaultKind::TooDeep { limit } => write!(f, "groups are nested deeper than {limit}")?,
        }
        write!(f, " [{}]", self.result_code())
    }
}

/// An AVP by name and code for people: `ProSe-Permission (3702)`, or `AVP 99 of vendor 7`.
#[must_use]
pub fn name_of(key: Key) -> String {
    match (dictionary::lookup(key), key.vendor()) {
        (Some(definition), _) => format!("{} ({})", definition.name, key.code()),
        (None, 0) => format!("AVP {}", key.code()),
        (None, vendor) => format!("AVP {} of vendor {vendor}", key.code()),
    }
}

/// The groups around an AVP while a message is walked; lives on the stack, so a clean message costs nothing.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    /// The group around this one.
    pub parent: Option<&'p Place<'p>>,
    /// This group.
    pub key: Key,
    /// Its flags, which Failed-AVP repeats.
    pub flags: AvpFlags,
}

impl Place<'_> {
    /// How many groups there are, this one included.
    pub fn depth(this: Option<&Self>) -> usize {
        let mut depth = 0;
        let mut at = this;
        while let Some(place) = at {
            depth += 1;
            at = place.parent;
        }
        depth
    }

    /// The fault of an AVP in this place; `failed` is the AVP as Failed-AVP shows it.
    pub fn fault(this: Option<&Self>, kind: FaultKind, key: Key, offset: usize, mut failed: Vec<u8>) -> Fault {
        let mut path = vec![key];
        let mut at = this;
        while let Some(place) = at {
            path.push(place.key);
            let mut around = Vec::with_capacity(failed.len() + 12);
            dictionary::write_raw(place.key, place.flags, &failed, &mut around);
            failed = around;
            at = place.parent;
        }
        path.reverse();
        Fault { kind, path, offset, failed }
    }
}

/// The whole of an AVP, padded, for Failed-AVP.
pub(crate) fn copy_of(avp: &Avp<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(avp.whole.len() + 3);
    dictionary::write_whole(avp, &mut out);
    out
}

/// An AVP whose data cannot be shown (its length lies): its header with the least data that its format allows, zero
/// filled. RFC 6733 section 7.5. A header that is cut short is filled with zeros.
pub(crate) fn header_of(bytes: &[u8]) -> (Key, Vec<u8>) {
    let mut head = [0; 12];
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = *from;
    }
    let code = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
    let flags = AvpFlags(head[4]);
    let vendor = if flags.has_vendor() { u32::from_be_bytes([head[8], head[9], head[10], head[11]]) } else { 0 };
    let key = Key::new(vendor, code);
    let sample = dictionary::lookup(key).map_or(&[][..], |definition| definition.kind.sample());
    let mut out = Vec::new();
    dictionary::write_raw(key, flags, sample, &mut out);
    (key, out)
}

/// The fault of a required AVP that is absent.
pub(crate) fn missing(place: Option<&Place<'_>>, definition: &Definition, offset: usize) -> Fault {
    Place::fault(place, FaultKind::Missing, definition.key, offset, definition.sample())
}
