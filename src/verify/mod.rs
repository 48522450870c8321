//! Does a capture hold what it should? Grammar, transactions, the life of each association, and the registration
//! procedure followed from message to message, from the file alone.
//!
//! [`Verifier`] takes messages one by one and keeps what is open: requests that await answers, and the identifiers that
//! the procedure hands on. Each [`Finding`] says which frame, which AVP, which requirement, and what was expected.

mod procedure;
mod transactions;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use crate::capture::{
    AssociationEvent, AssociationStep, CaptureError, CapturedMessage, Checksum, Observer, Reader, SctpPacket,
};
use crate::interfaces;
use crate::message::check::{Strictness, check};
use crate::message::{HEADER_LENGTH, Header};

use procedure::Procedure;
use transactions::{Exchange, Transactions};

/// Findings kept whole; more are counted.
pub const FINDING_LIMIT: usize = 10_000;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; the verdict does not change.
    Note,
    /// Something that must not be.
    Error,
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind, stable: `grammar`, `unanswered`, `procedure`, ...
    pub id: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Frame of the message, from 1.
    pub frame: u64,
    /// Its place within the frame, from 0.
    pub index: u32,
    /// The requirement or clause, e.g. `F-3 [0019]` or `RFC 6733 section 7.1.5`.
    pub requirement: String,
    /// The AVP by name and code, groups around it first; empty when no single AVP is meant.
    pub avp: String,
    /// What is there, and what was expected.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Note => "note",
        };
        write!(f, "frame {}", self.frame)?;
        if self.index > 0 {
            write!(f, ", message {}", self.index + 1)?;
        }
        write!(f, ": {severity}: ")?;
        if !self.avp.is_empty() {
            write!(f, "{}: ", self.avp)?;
        }
        write!(f, "{} [{}]", self.text, self.requirement)
    }
}

/// The verdict on one capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
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
    /// What was found, in the order met; at most [`FINDING_LIMIT`].
    pub findings: Vec<Finding>,
    /// Errors found, those not kept included.
    pub errors: u64,
    /// Notes found, those not kept included.
    pub notes: u64,
}

impl Report {
    /// True when nothing is wrong.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.errors == 0
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        match finding.severity {
            Severity::Error => self.errors += 1,
            Severity::Note => self.notes += 1,
        }
        if self.findings.len() < FINDING_LIMIT {
            self.findings.push(finding);
        }
    }
}

/// Where a message stands, for findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub frame: u64,
    pub index: u32,
}

impl Spot {
    pub(crate) fn error(
        self,
        id: &'static str,
        requirement: impl Into<String>,
        avp: impl Into<String>,
        text: impl Into<String>,
    ) -> Finding {
        Finding {
            id,
            severity: Severity::Error,
            frame: self.frame,
            index: self.index,
            requirement: requirement.into(),
            avp: avp.into(),
            text: text.into(),
        }
    }
}

/// Takes the messages of a capture, in order, and gives the [`Report`].
#[derive(Default)]
pub struct Verifier {
    report: Report,
    transactions: Transactions,
    procedure: Procedure,
    /// Associations that carried Diameter, and what is known of their beginning.
    lives: HashMap<u32, Life>,
    watch: Watch,
}

/// The life of one association as far as the capture shows it.
#[derive(Default)]
struct Life {
    /// The capability exchange has begun.
    greeted: bool,
}

/// What the transport shows beside messages.
#[derive(Default)]
struct Watch {
    /// Associations whose INIT is in the capture.
    begun: HashMap<u32, u64>,
    bad_checksums: u64,
    first_bad: u64,
    aborted: Vec<(u64, u32)>,
}

impl Observer for Watch {
    fn sctp_packet(&mut self, packet: &SctpPacket<'_>) {
        if !matches!(packet.checksum, Checksum::Good | Checksum::Unjudged) {
            if self.bad_checksums == 0 {
                self.first_bad = packet.frame;
            }
            self.bad_checksums += 1;
        }
    }

    fn association(&mut self, event: &AssociationEvent) {
        match event.step {
            AssociationStep::Init => {
                self.begun.entry(event.association).or_insert(event.frame);
            }
            AssociationStep::Abort if self.aborted.len() < FINDING_LIMIT => {
                self.aborted.push((event.frame, event.association));
            }
            _ => {}
        }
    }
}

impl Verifier {
    /// Takes one message.
    pub fn message(&mut self, message: &CapturedMessage<'_>) {
        let spot = Spot { frame: message.frame, index: message.index };
        self.report.messages += 1;
        let Some(header) = Header::parse(message.bytes) else { return };
        if header.is_request() {
            self.report.requests += 1;
        }
        self.life(message, &header, spot);
        let clean = self.grammar(message.bytes, &header, spot);
        let exchange = self.transactions.message(message, &header, spot, &mut self.report, self.watch.begun.len());
        match exchange {
            // What does not follow its grammar is told already; the procedure reads the rest.
            _ if !clean => {}
            Exchange::Request(key) => {
                if let Some(asked) = self.procedure.request(message, &header, spot, &mut self.report) {
                    self.transactions.remember(key, asked);
                }
            }
            Exchange::Answer(asked) => {
                if let Some(asked) = asked {
                    self.procedure.answer(*asked, message, &header, spot, &mut self.report);
                }
            }
            Exchange::Other => {}
        }
    }

    /// A capability exchange comes first on an association that is whole in the capture. RFC 6733 section 5.3.
    fn life(&mut self, message: &CapturedMessage<'_>, header: &Header, spot: Spot) {
        let life = self.lives.entry(message.association).or_default();
        if !life.greeted {
            life.greeted = true;
            let begun = self.watch.begun.contains_key(&message.association);
            if begun && !(header.application == 0 && header.code == 257 && header.is_request()) {
                self.report.push(spot.error(
                    "capabilities-first",
                    "RFC 6733 section 5.3",
                    "",
                    format!(
                        "the first message of the association is command {} of application {}, expected a \
                         Capabilities-Exchange-Request",
                        header.code, header.application
                    ),
                ));
            }
        }
    }

    /// Formats and grammar. Unknown commands are judged by their header and known AVPs alone. True when all is well.
    fn grammar(&mut self, bytes: &[u8], header: &Header, spot: Spot) -> bool {
        let command = interfaces::command_of(header);
        // In an application that we do not type, an AVP that we do not know is no fault of the sender.
        let typed = interfaces::of_application(header.application).is_some();
        let faults = check(bytes, command, Strictness { unknown_mandatory: typed && command.is_some() });
        for fault in &faults {
            let whole = fault.to_string();
            // The fault's own words begin with the AVP; the finding has a place of its own for it.
            let (avp, text) = match whole.split_once(" at octet ") {
                Some((avp, text)) if !fault.path.is_empty() => (avp.to_owned(), format!("at octet {text}")),
                _ => (String::new(), whole.clone()),
            };
            let requirement = command.map_or("RFC 6733 sections 3 and 4".to_owned(), |command| {
                format!("{}, {}", command.clause, command.name)
            });
            self.report.push(spot.error("grammar", requirement, avp, text));
        }
        faults.is_empty() && bytes.len() >= HEADER_LENGTH
    }

    /// Ends the capture: what is still open is told.
    #[must_use]
    pub fn finish(mut self, frames: u64) -> Report {
        self.transactions.finish(&mut self.report);
        self.report.frames = frames;
        self.report.associations = self.lives.len() as u64;
        if self.watch.bad_checksums > 0 {
            self.report.push(Finding {
                id: "checksum",
                severity: Severity::Note,
                frame: self.watch.first_bad,
                index: 0,
                requirement: "RFC 9260 section 6.8".to_owned(),
                avp: String::new(),
                text: format!(
                    "{} SCTP packets, this one first, have a wrong or empty CRC32c: checksum offload, or damage",
                    self.watch.bad_checksums
                ),
            });
        }
        for (frame, association) in std::mem::take(&mut self.watch.aborted) {
            if self.lives.contains_key(&association) {
                self.report.push(Finding {
                    id: "abort",
                    severity: Severity::Note,
                    frame,
                    index: 0,
                    requirement: "RFC 9260 section 9.1".to_owned(),
                    avp: String::new(),
                    text: format!("association {association} ends with ABORT, not with SHUTDOWN"),
                });
            }
        }
        self.report.findings.sort_by_key(|finding| (finding.frame, finding.index));
        self.report
    }
}

/// Verifies all messages that a reader gives.
///
/// # Errors
/// What the reader says of the file; findings before the damage are lost with it.
pub fn verify(reader: &mut Reader<'_>) -> Result<Report, CaptureError> {
    let mut verifier = Verifier::default();
    loop {
        // The watch sees packets before the messages in them.
        let mut watch = std::mem::take(&mut verifier.watch);
        let next = reader.next_message_with(&mut watch);
        verifier.watch = watch;
        match next? {
            Some(message) => verifier.message(&message),
            None => break,
        }
    }
    let frames = reader.statistics().frames;
    Ok(verifier.finish(frames))
}

/// Verifies a file.
///
/// # Errors
/// When it cannot be opened or read as a capture.
pub fn verify_file(path: impl AsRef<Path>) -> Result<Report, CaptureError> {
    verify(&mut Reader::open(path)?)
}
