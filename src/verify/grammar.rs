//! Faults of a message as findings.

use std::collections::HashMap;

use crate::avp::fault::{Fault, FaultKind, name_of};
use crate::folding::Folding;
use crate::interfaces;
use crate::message::check::{Strictness, check, header_fits};
use crate::message::{CommandDefinition, HEADER_LENGTH, Header};

use super::Spot;
use super::checks::{self, Area, Check};
use super::finding::{Finding, Report};
use super::forms::Forms;
use super::survey::Survey;
use super::values::Values;

/// A command by application, code and kind of message, and what is known of it.
type Slot = Option<((u32, u32, Kind), Known)>;

/// Commands whose forms are kept.
const COMMANDS: usize = 1024;

/// Requests, answers, and answers with the E bit have a grammar each.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Request,
    Answer,
    Error,
}

/// Commands by header, so that the lists of interfaces are looked through once a command, and the forms of their messages.
pub(super) struct Grammar {
    known: Box<[Slot]>,
    forms: Forms,
    values: Values,
    /// Where the forms of a command begin.
    roots: HashMap<(u32, u32, Kind), u32, Folding>,
}

/// What is known of a command: its definition, and whether its application is one that we type.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub command: Option<&'static CommandDefinition>,
    pub typed: bool,
    /// Where its forms begin, when they are kept.
    root: Option<u32>,
}

/// A message to be judged.
pub(super) struct Subject<'m> {
    pub bytes: &'m [u8],
    pub header: &'m Header,
    pub known: Known,
    /// Link and direction.
    pub sender: (u32, u8),
    pub spot: Spot,
}

impl Default for Grammar {
    fn default() -> Self {
        Self {
            known: vec![None; 256].into(),
            forms: Forms::default(),
            values: Values::default(),
            roots: HashMap::default(),
        }
    }
}

impl Grammar {
    /// What is known of the command of a header.
    #[inline]
    pub fn of(&mut self, header: &Header) -> Known {
        let kind = match (header.is_request(), header.flags.is_error()) {
            (true, _) => Kind::Request,
            (false, false) => Kind::Answer,
            (false, true) => Kind::Error,
        };
        let key = (header.code, header.application, kind);
        let mixed = (header.code ^ header.application.rotate_left(7)).wrapping_mul(0x9e37_79b1) >> 24;
        match self.known.get((mixed as usize ^ kind as usize) & 255) {
            Some(Some((of, known))) if *of == key => *known,
            _ => self.look_up(header, key, (mixed as usize ^ kind as usize) & 255),
        }
    }

    #[cold]
    fn look_up(&mut self, header: &Header, key: (u32, u32, Kind), slot: usize) -> Known {
        if self.forms.is_full() || self.roots.len() >= COMMANDS {
            self.forms = Forms::default();
            self.roots.clear();
            self.known.fill(None);
        }
        let root = match self.roots.get(&key) {
            Some(root) => Some(*root),
            None => self.forms.root().inspect(|root| {
                self.roots.insert(key, *root);
            }),
        };
        let known = Known {
            command: interfaces::command_of(header),
            typed: interfaces::of_application(header.application).is_some(),
            root,
        };
        if let Some(slot) = self.known.get_mut(slot) {
            *slot = Some((key, known));
        }
        known
    }

    /// Surveys a message of a form that is known to be good; false tells nothing about it.
    #[inline]
    pub fn read<'a>(&self, header: &Header, known: Known, bytes: &'a [u8], survey: &mut Survey<'a>) -> bool {
        header_fits(header, bytes.len(), known.command)
            && known.root.is_some_and(|root| self.forms.read(root, bytes, survey))
    }

    /// Judges formats and grammar, then what no grammar tells. Unknown commands are judged by their header and known AVPs
    /// alone. True when formats and grammar are well.
    pub fn judge(&mut self, message: &Subject<'_>, survey: &Survey<'_>, report: &mut Report) -> bool {
        let Subject { bytes, header, known: Known { command, typed, root }, spot, .. } = *message;
        // In an application that we do not type, an AVP that we do not know is no fault of the sender.
        let faults = check(bytes, command, Strictness { unknown_mandatory: typed && command.is_some() });
        for fault in &faults {
            report.push(finding(fault, command, spot));
        }
        let clean = faults.is_empty() && bytes.len() >= HEADER_LENGTH;
        let usual = self.values.judge(message, report);
        if clean
            && usual
            && !survey.session_late
            && let Some(root) = root
        {
            self.forms.keep(root, header, bytes);
            if self.forms.is_full() {
                self.known.fill(None);
            }
        }
        clean
    }
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
