//! Does a capture hold what it should? Grammar, transactions, the life of each association, and the registration
//! procedure followed from message to message, from the file alone.
//!
//! [`Verifier`] takes messages one by one and keeps what is open: requests that await answers, and the identifiers that
//! the procedure hands on. Each [`Finding`] says which frame, which AVP, which requirement, and what was expected.

pub mod checks;
mod finding;
mod grammar;
mod procedure;
mod transactions;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use crate::capture::{
    AssociationEvent, AssociationStep, CaptureError, CapturedMessage, Checksum, Observer, Reader, SctpPacket, Timestamp,
};
use crate::message::Header;

use checks::Check;
use procedure::Procedure;
use transactions::{Exchange, Remembered, Transactions};

pub use checks::{Area, CHECKS, Severity};
pub use finding::{CaptureSummary, FINDING_LIMIT, Finding, Report, STEP_LIMIT, Step, UE_LIMIT, Ue};

/// What a verification is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Keep the steps of each UE: [`Ue::steps`].
    pub steps: bool,
}

/// Where a message stands, for findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    pub capture: u32,
    pub frame: u64,
    pub index: u32,
    pub time: Timestamp,
}

impl Spot {
    fn finding(self, check: &'static Check, path: String, found: String, expected: String) -> Finding {
        Finding {
            check,
            capture: self.capture,
            frame: self.frame,
            index: self.index,
            path,
            clause: check.clause.into(),
            expected,
            found,
            ue: None,
        }
    }

    fn told(self) -> Told {
        Told { capture: self.capture, frame: self.frame }
    }
}

/// Where something was told, to be named in a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    capture: u32,
    frame: u64,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {}", self.frame)?;
        if self.capture > 0 { write!(f, " of capture {}", self.capture + 1) } else { Ok(()) }
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
    /// A verifier that is asked for more than the usual.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let mut verifier = Self::default();
        verifier.procedure.keeps_steps = options.steps;
        verifier
    }

    /// Takes one message.
    pub fn message(&mut self, message: &CapturedMessage<'_>) {
        let spot = Spot { capture: 0, frame: message.frame, index: message.index, time: message.time };
        let summary = self.report.capture_mut(spot.capture);
        summary.messages += 1;
        summary.first.get_or_insert(message.time);
        summary.last = Some(message.time);
        self.report.messages += 1;
        let Some(header) = Header::parse(message.bytes) else { return };
        if header.is_request() {
            self.report.requests += 1;
            self.report.capture_mut(spot.capture).requests += 1;
        }
        let before = self.report.findings.len();
        self.life(message, &header, spot);
        let clean = grammar::judge(message.bytes, &header, spot, &mut self.report);
        let exchange = self.transactions.message(message, &header, spot, &mut self.report, self.watch.begun.len());
        match exchange {
            // What does not follow its grammar is told already; the procedure reads the rest.
            _ if !clean => {}
            Exchange::Request(key) => {
                let (asked, ue) = self.procedure.request(message, &header, spot, &mut self.report);
                if asked.is_some() || ue.is_some() {
                    self.procedure.step(ue, message, &header, spot, None, &mut self.report);
                    let by = self.procedure.asker(message);
                    self.transactions.remember(key, Remembered { asked, ue, by });
                }
            }
            Exchange::Answer(Some(remembered)) => {
                let Remembered { asked, ue, by } = *remembered;
                self.procedure.step(ue, message, &header, spot, by.as_deref(), &mut self.report);
                if let Some(asked) = asked {
                    self.procedure.answer(asked, ue, message, &header, spot, &mut self.report);
                }
            }
            Exchange::Answer(None) | Exchange::Other => {}
        }
        if self.report.findings.len() > before {
            self.attribute(before, message.bytes);
        }
    }

    /// Says which UE the findings from `before` on are about, as far as the message tells.
    #[cold]
    fn attribute(&mut self, before: usize, bytes: &[u8]) {
        let Some(ue) = self.procedure.ue_of(bytes) else { return };
        let (mut errors, mut notes) = (0, 0);
        for finding in self.report.findings[before..].iter_mut().filter(|finding| finding.ue.is_none()) {
            finding.ue = Some(ue);
            *(if finding.severity() == Severity::Error { &mut errors } else { &mut notes }) += 1;
        }
        if let Some(ue) = self.report.ue_mut(Some(ue)) {
            ue.errors += errors;
            ue.notes += notes;
        }
    }

    /// A capability exchange comes first on an association that is whole in the capture. RFC 6733 section 5.3.
    fn life(&mut self, message: &CapturedMessage<'_>, header: &Header, spot: Spot) {
        let life = self.lives.entry(message.association).or_default();
        if !life.greeted {
            life.greeted = true;
            self.report.capture_mut(spot.capture).associations += 1;
            let begun = self.watch.begun.contains_key(&message.association);
            if begun && !(header.application == 0 && header.code == 257 && header.is_request()) {
                self.report.push(spot.finding(
                    checks::CAPABILITIES_FIRST,
                    String::new(),
                    format!(
                        "the first message of the association is command {} of application {}",
                        header.code, header.application
                    ),
                    "a Capabilities-Exchange-Request".to_owned(),
                ));
            }
        }
    }

    /// Ends the capture: what is still open is told.
    #[must_use]
    pub fn finish(mut self, frames: u64) -> Report {
        self.transactions.finish(&mut self.report);
        self.report.frames = frames;
        self.report.associations = self.lives.len() as u64;
        self.report.capture_mut(0).frames = frames;
        if self.watch.bad_checksums > 0 {
            let spot = Spot { frame: self.watch.first_bad, ..Spot::default() };
            let found = format!(
                "{} SCTP packets, this one first, have a wrong or empty CRC32c: checksum offload, or damage",
                self.watch.bad_checksums
            );
            self.report.push(spot.finding(checks::CHECKSUM, String::new(), found, "a right one".to_owned()));
        }
        for (frame, association) in std::mem::take(&mut self.watch.aborted) {
            if self.lives.contains_key(&association) {
                let spot = Spot { frame, ..Spot::default() };
                let found = format!("association {association} ends with ABORT");
                self.report.push(spot.finding(checks::ABORT, String::new(), found, "SHUTDOWN".to_owned()));
            }
        }
        self.report.findings.sort_by_key(|finding| (finding.capture, finding.frame, finding.index));
        self.report
    }
}

/// Verifies all messages that a reader gives.
///
/// # Errors
/// What the reader says of the file; findings before the damage are lost with it.
pub fn verify(reader: &mut Reader<'_>) -> Result<Report, CaptureError> {
    verify_with(reader, Options::default())
}

/// [`verify`], asked for more than the usual.
///
/// # Errors
/// As [`verify`].
pub fn verify_with(reader: &mut Reader<'_>, options: Options) -> Result<Report, CaptureError> {
    let mut verifier = Verifier::new(options);
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
