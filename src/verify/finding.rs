//! What a verdict is made of: findings, the captures they were found in, and the UEs that were followed.

use std::borrow::Cow;
use std::fmt;

use super::checks::{Check, Severity};
use crate::capture::Timestamp;

/// Findings kept whole; more are counted.
pub const FINDING_LIMIT: usize = 10_000;

/// UEs of which a summary is kept; more are counted.
pub const UE_LIMIT: usize = 4096;

/// Steps kept of one UE; more are counted.
pub const STEP_LIMIT: usize = 512;

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind, with its id and severity.
    pub check: &'static Check,
    /// Index of the capture in [`Report::captures`].
    pub capture: u32,
    /// Frame of the message or packet, from 1; 0 when no single frame is meant.
    pub frame: u64,
    /// The message's place within the frame, from 0.
    pub index: u32,
    /// The AVP by name and code, groups around it first; empty when no single AVP is meant.
    pub path: String,
    /// The requirement or clause, e.g. `F-3 [0019]` or `RFC 6733 section 7.1.5`.
    pub clause: Cow<'static, str>,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// The UE it is about: [`Ue::number`].
    pub ue: Option<u32>,
}

impl Finding {
    /// Found and expected in one sentence, without frame, path and clause.
    #[must_use]
    pub fn text(&self) -> String {
        if self.expected.is_empty() {
            self.found.clone()
        } else {
            format!("{}; expected {}", self.found, self.expected)
        }
    }

    /// How bad.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.check.severity
    }
}

impl fmt::Display for Finding {
    /// `frame 9: error: PDUID (3604): message 2 has no ID1; expected one of 8 octets [F-2 [0019]] (message-2-incomplete)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.frame > 0 {
            write!(f, "frame {}", self.frame)?;
            if self.index > 0 {
                write!(f, ", message {}", self.index + 1)?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{}: ", self.check.severity.name())?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.found)?;
        if !self.expected.is_empty() {
            write!(f, "; expected {}", self.expected)?;
        }
        write!(f, " [{}] ({})", self.clause, self.check.id)
    }
}

/// One capture of those judged together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureSummary {
    /// Its name, as it was given or found.
    pub name: String,
    /// Frames read.
    pub frames: u64,
    /// Diameter messages.
    pub messages: u64,
    /// Messages that another capture holds too; they are judged once.
    pub copies: u64,
    /// Requests among them.
    pub requests: u64,
    /// Requests of this capture with an answer in any.
    pub answered: u64,
    /// SCTP associations and TCP connections that carried Diameter and are met here first.
    pub associations: u64,
    /// Registrations followed to a message 4 of success, by the capture of message 4.
    pub registrations: u64,
    /// Moves followed to the update of an app server.
    pub moves: u64,
    /// Refusals seen: negative messages 6 and 4.
    pub refusals: u64,
    /// Errors in it.
    pub errors: u64,
    /// Notes on it.
    pub notes: u64,
    /// First message.
    pub first: Option<Timestamp>,
    /// Last message.
    pub last: Option<Timestamp>,
}

/// One UE that was followed through PC3, PC4 and PC2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ue {
    /// Its number, from 1, in the order met.
    pub number: u32,
    /// Its network and nothing that tells the subscriber, e.g. `001-01 subscriber`.
    pub identity: String,
    /// Registrations that came to a message 4 of success.
    pub registrations: u64,
    /// Updates of an app server after a move.
    pub moves: u64,
    /// Refusals it got.
    pub refusals: u64,
    /// Errors about it.
    pub errors: u64,
    /// Notes about it.
    pub notes: u64,
    /// The steps of the procedure, in the order of time; empty unless [`super::Options::steps`] is set.
    pub steps: Vec<Step>,
    /// Steps beyond [`STEP_LIMIT`], which are not kept.
    pub steps_dropped: u64,
}

/// One message of the procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name in the procedure: `1` to `6`, `G1`, `G2`, `U1`, `U2`, `release`, `released`, `subscription`, ...
    pub name: &'static str,
    /// The command, e.g. `User-Registration-Request`.
    pub command: &'static str,
    /// True for a request.
    pub request: bool,
    /// Index of the capture in [`Report::captures`].
    pub capture: u32,
    /// Frame, from 1.
    pub frame: u64,
    /// Place within the frame, from 0.
    pub index: u32,
    /// When it was captured.
    pub time: Timestamp,
    /// Who sent it: the peer's Diameter identity where the capture tells, else its address.
    pub from: String,
    /// To whom.
    pub to: String,
    /// Result-Code or Experimental-Result-Code of an answer.
    pub result: Option<u32>,
}

impl Step {
    /// True for an answer that says no.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        !self.request && self.result.is_none_or(|code| !(2000..3000).contains(&code))
    }
}

/// The verdict on one capture, or on several taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The captures, in the order in which they were given.
    pub captures: Vec<CaptureSummary>,
    /// Frames read.
    pub frames: u64,
    /// Diameter messages.
    pub messages: u64,
    /// Requests among them.
    pub requests: u64,
    /// Requests with an answer.
    pub answered: u64,
    /// SCTP associations and TCP connections that carried Diameter.
    pub associations: u64,
    /// Registrations followed to a message 4 of success.
    pub registrations: u64,
    /// Moves followed to the update of an app server.
    pub moves: u64,
    /// Refusals seen: negative messages 6 and 4.
    pub refusals: u64,
    /// What was found, by capture and frame; at most [`FINDING_LIMIT`].
    pub findings: Vec<Finding>,
    /// Errors found, those not kept included.
    pub errors: u64,
    /// Notes found, those not kept included.
    pub notes: u64,
    /// The UEs that were followed, in the order met; at most [`UE_LIMIT`].
    pub ues: Vec<Ue>,
    /// UEs that were followed, those without a summary included.
    pub ues_followed: u64,
}

impl Report {
    /// True when nothing is wrong.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.errors == 0
    }

    /// The name of the capture of a finding or step; empty when there is none.
    #[must_use]
    pub fn capture_name(&self, capture: u32) -> &str {
        self.captures.get(capture as usize).map_or("", |summary| &summary.name)
    }

    /// The UE of a number.
    #[must_use]
    pub fn ue(&self, number: u32) -> Option<&Ue> {
        self.ues.get((number as usize).checked_sub(1)?)
    }

    pub(super) fn capture_mut(&mut self, capture: u32) -> &mut CaptureSummary {
        let index = capture as usize;
        if self.captures.len() <= index {
            self.captures.resize_with(index + 1, CaptureSummary::default);
        }
        &mut self.captures[index]
    }

    pub(super) fn ue_mut(&mut self, number: Option<u32>) -> Option<&mut Ue> {
        self.ues.get_mut((number? as usize).checked_sub(1)?)
    }

    pub(super) fn push(&mut self, finding: Finding) {
        let (mut errors, mut notes) = (0, 0);
        *(if finding.severity() == Severity::Error { &mut errors } else { &mut notes }) += 1;
        self.errors += errors;
        self.notes += notes;
        let summary = self.capture_mut(finding.capture);
        summary.errors += errors;
        summary.notes += notes;
        if let Some(ue) = self.ue_mut(finding.ue) {
            ue.errors += errors;
            ue.notes += notes;
        }
        if self.findings.len() < FINDING_LIMIT {
            self.findings.push(finding);
        }
    }
}
