//! Faults of a message as findings.

use crate::avp::fault::{Fault, FaultKind, name_of};
use crate::interfaces;
use crate::message::check::{Strictness, check};
use crate::message::{CommandDefinition, HEADER_LENGTH, Header};

use super::Spot;
use super::checks::{self, Area, Check};
use super::finding::{Finding, Report};

/// A command by application, code and whether it is a request, and what is known of it.
type Slot = Option<(u32, u32, bool, Known)>;

/// Commands by header, so that the lists of interfaces are looked through once a command.
pub(super) struct Commands {
    known: Box<[Slot]>,
}

/// What is known of a command: its definition, and whether its application is one that we type.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub command: Option<&'static CommandDefinition>,
    pub typed: bool,
}

impl Default for Commands {
    fn default() -> Self {
        Self { known: vec![None; 256].into() }
    }
}

impl Commands {
    #[inline]
    pub fn of(&mut self, header: &Header) -> Known {
        let (code, application, request) = (header.code, header.application, header.is_request());
        let mixed = (code ^ application.rotate_left(7)).wrapping_mul(0x9e37_79b1) >> 24;
        let Some(slot) = self.known.get_mut((mixed ^ u32::from(request)) as usize & 255) else {
            return Known { command: None, typed: false };
        };
        match slot {
            Some((a, b, c, known)) if (*a, *b, *c) == (code, application, request) => *known,
            _ => {
                let command = interfaces::command_of(header);
                let typed = interfaces::of_application(application).is_some();
                let known = Known { command, typed };
                *slot = Some((code, application, request, known));
                known
            }
        }
    }
}

/// Judges formats and grammar. Unknown commands are judged by their header and known AVPs alone. True when all is well.
pub(super) fn judge(bytes: &[u8], known: Known, spot: Spot, report: &mut Report) -> bool {
    let Known { command, typed } = known;
    // In an application that we do not type, an AVP that we do not know is no fault of the sender.
    let faults = check(bytes, command, Strictness { unknown_mandatory: typed && command.is_some() });
    for fault in &faults {
        report.push(finding(fault, command, spot));
    }
    faults.is_empty() && bytes.len() >= HEADER_LENGTH
}

fn finding(fault: &Fault, command: Option<&CommandDefinition>, spot: Spot) -> Finding {
    let (check, found, expected) = words(&fault.kind);
    let path = fault.path.iter().map(|key| name_of(*key)).collect::<Vec<_>>().join(" > ");
    let found = if path.is_empty() { found } else { format!("at octet {}: {found}", fault.offset) };
    let mut finding = spot.finding(check, path, found, expected);
    if let Some(command) = command
        && check.area == Area::Grammar
    {
        finding.clause = format!("{}, {}", command.clause, command.name).into();
    }
    finding
}

/// The check, what was found, what was expected.
fn words(kind: &FaultKind) -> (&'static Check, String, String) {
    let plain = |check, found: &str, expected: &str| (check, found.to_owned(), expected.to_owned());
    match kind {
        FaultKind::UnsupportedVersion(version) => {
            (checks::VERSION, format!("the version is {version}"), "1".to_owned())
        }
        FaultKind::MessageLength { stated, present } => (
            checks::MESSAGE_LENGTH,
            format!("Message Length is {stated}, {present} octets are there"),
            "those, at least 20, in fours".to_owned(),
        ),
        FaultKind::ReservedBits(bits) => (
            checks::COMMAND_FLAGS_RESERVED,
            format!("reserved bits {bits:#04x} of the command flags are set"),
            "zero".to_owned(),
        ),
        FaultKind::ContradictoryFlags(why) => plain(checks::COMMAND_FLAGS, why, "flags that fit the command"),
        FaultKind::UnknownCommand(code) => (
            checks::COMMAND_FLAGS,
            format!("command {code} is unknown in its application"),
            "a command of the application".to_owned(),
        ),
        FaultKind::UnknownApplication(id) => {
            (checks::COMMAND_FLAGS, format!("application {id} is unknown"), "a known application".to_owned())
        }
        FaultKind::Malformed(malformed) => {
            (checks::AVP_LENGTH, malformed.to_string(), "a length that fits what is there".to_owned())
        }
        FaultKind::BadLength { format, present, expected } => (
            checks::AVP_DATA_LENGTH,
            format!("{present} octets of data are no {format}"),
            expected.map_or_else(|| format!("a length that {format} can have"), |octets| octets.to_string()),
        ),
        FaultKind::BadValue { expected } => {
            (checks::AVP_DATA, "the data does not fit".to_owned(), (*expected).to_owned())
        }
        FaultKind::UnknownMandatory => {
            plain(checks::AVP_UNKNOWN, "the AVP is unknown and its M flag is set", "a known AVP, or no M flag")
        }
        FaultKind::Missing => plain(checks::AVP_MISSING, "the AVP is absent", "it: the grammar requires it"),
        FaultKind::TooMany { most } => {
            (checks::AVP_TOO_MANY, "the AVP stands there too often".to_owned(), format!("at most {most}"))
        }
        FaultKind::NotAllowed => {
            plain(checks::AVP_NOT_ALLOWED, "the AVP stands here", "none: the grammar does not allow it")
        }
        FaultKind::TooDeep { limit } => (
            checks::AVP_TOO_DEEP,
            "groups are nested deeper than is read".to_owned(),
            format!("at most {limit} groups"),
        ),
    }
}
