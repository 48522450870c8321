//! Does a capture hold what it should? Grammar, transactions, the life of each association, and the registration
//! procedure followed from message to message, from the file alone.
//!
//! [`Verifier`] takes messages one by one and keeps what is open: requests that await answers, and the identifiers that
//! the procedure hands on. Each [`Finding`] says which frame, which AVP, which requirement, and what was expected.

pub mod checks;
mod finding;
mod grammar;
mod peer;
mod procedure;
mod several;
mod survey;
mod transactions;
mod transport;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use crate::capture::{CaptureError, CapturedMessage, Reader, Timestamp};
use crate::folding::Folding;
use crate::interfaces::s6a;
use crate::message::Header;

use checks::Check;
use grammar::Commands;
use peer::Life;
use procedure::Procedure;
use several::Links;
use survey::{Survey, digest};
use transactions::{Exchange, Remembered, Transactions};
use transport::Watch;

pub use checks::{Area, CHECKS, Severity};
pub use finding::{CaptureSummary, FINDING_LIMIT, Finding, Report, STEP_LIMIT, Step, UE_LIMIT, Ue};
pub use several::{Input, verify_captures};

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

/// Lives that are remembered; beyond it those that are over make room.
const LIFE_LIMIT: usize = 1 << 16;

/// Takes the messages of a capture, or of several in the order of time, and gives the [`Report`].
#[derive(Default)]
pub struct Verifier {
    report: Report,
    commands: Commands,
    transactions: Transactions,
    procedure: Procedure,
    /// Which link an association of a capture is.
    links: Links,
    /// By link.
    lives: HashMap<u32, Life, Folding>,
    /// By capture.
    watches: Vec<Watch>,
}

impl Verifier {
    /// A verifier that is asked for more than the usual.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let mut verifier = Self::default();
        verifier.procedure.keeps_steps = options.steps;
        verifier
    }

    /// The observer of a capture's packets.
    fn watch(&mut self, capture: u32) -> &mut Watch {
        let index = capture as usize;
        if self.watches.len() <= index {
            self.watches.resize_with(index + 1, Watch::default);
        }
        &mut self.watches[index]
    }

    /// Takes one message of capture number `capture`, from 0.
    pub fn message(&mut self, capture: u32, message: &CapturedMessage<'_>) {
        let spot = Spot { capture, frame: message.frame, index: message.index, time: message.time };
        let summary = self.report.capture_mut(capture);
        summary.messages += 1;
        summary.first.get_or_insert(message.time);
        summary.last = Some(message.time);
        let Some(header) = Header::parse(message.bytes) else { return };
        let begun = self.watches.get(capture as usize).and_then(|watch| watch.begun.get(&message.association)).copied();
        let Some((link, flip)) = self.links.of(capture, message, begun.map(|begun| begun.time)) else {
            // Another capture has it too.
            self.report.capture_mut(capture).copies += 1;
            return;
        };
        let direction = (message.direction ^ flip) & 1;
        self.report.messages += 1;
        if header.is_request() {
            self.report.requests += 1;
            self.report.capture_mut(capture).requests += 1;
        }
        let before = self.report.findings.len();
        let survey = Survey::of(message.bytes);
        if self.lives.len() >= LIFE_LIMIT && !self.lives.contains_key(&link) {
            self.lives.retain(|_, life| life.is_open());
            self.lives.shrink_to(LIFE_LIMIT / 2);
        }
        let life = self.lives.entry(link).or_default();
        let whole = begun.is_some();
        life.begun |= whole;
        if let (Some(stream), Some(most)) = (message.stream, begun.and_then(|begun| begun.streams(message.direction)))
            && stream >= most
        {
            let found = format!("the message came on stream {stream}");
            self.report.push(spot.finding(checks::STREAM, String::new(), found, format!("one below {most}")));
        }
        life.message(message, direction, &header, &survey, spot, &mut self.report);
        let known = self.commands.of(&header);
        let clean = grammar::judge(message.bytes, known, spot, &mut self.report);
        peer::message(&header, &survey, known.typed, spot, &mut self.report);
        let report = &mut self.report;
        let exchange = if header.is_request() {
            self.transactions.request((link, direction), &header, &survey, spot, report)
        } else {
            self.transactions.answer((link, direction), &header, &survey, spot, whole, report)
        };
        match exchange {
            // What does not follow its grammar is told already; the procedure reads the rest.
            _ if !clean => {}
            Exchange::Request(key) => {
                // Most captures of S6a have nothing to do with proximity: only what is needed is kept.
                const ULR: u32 = 316;
                if (header.application, header.code) == (s6a::APPLICATION, ULR) {
                    self.transactions.remember_subscriber(key, digest(survey.user_name));
                }
                let (asked, ue) = self.procedure.request(message, &header, spot, report);
                if asked.is_some() || ue.is_some() {
                    self.procedure.step(ue, message, &header, spot, life.host(1 - direction), report);
                    let by = self.procedure.asker(message);
                    self.transactions.remember(key, Remembered { asked, ue, by });
                }
            }
            Exchange::Answer(subscriber, remembered) => {
                let success = survey.result.is_some_and(|code| code / 1000 == 2);
                if subscriber != 0 {
                    self.procedure.subscription(subscriber, success, message.bytes);
                }
                if let Some(remembered) = remembered {
                    let Remembered { asked, ue, by } = *remembered;
                    self.procedure.step(ue, message, &header, spot, by.as_deref(), report);
                    if let Some(asked) = asked {
                        self.procedure.answer(asked, ue, message, spot, report);
                    }
                }
            }
            Exchange::Other => {}
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

    /// Ends the captures: what is still open is told. `captures` has the name and the number of frames of each.
    #[must_use]
    pub fn finish(mut self, captures: &[(String, u64)]) -> Report {
        self.transactions.finish(&mut self.report);
        for ((name, frames), number) in captures.iter().zip(0..) {
            self.report.frames += frames;
            let summary = self.report.capture_mut(number);
            summary.name.clone_from(name);
            summary.frames = *frames;
        }
        for (watch, capture) in self.watches.iter().zip(0..) {
            let carried = |association| {
                let life = self.lives.get(&self.links.known(capture, association)?)?;
                Some(life.is_open() && life.begun && !life.is_leaving())
            };
            watch.finish(capture, carried, &mut self.report);
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
    verify_with(reader, Options::default(), "")
}

/// Verifies all messages that a reader gives, under a name; see [`Options`].
///
/// # Errors
/// What the reader says of the file; findings before the damage are lost with it.
pub fn verify_with(reader: &mut Reader<'_>, options: Options, name: &str) -> Result<Report, CaptureError> {
    let mut verifier = Verifier::new(options);
    // The watch sees packets before the messages in them.
    while let Some(message) = reader.next_message_with(verifier.watch(0))? {
        verifier.message(0, &message);
    }
    let frames = reader.statistics().frames;
    Ok(verifier.finish(&[(name.to_owned(), frames)]))
}

/// Verifies a file.
///
/// # Errors
/// When it cannot be opened or read as a capture.
pub fn verify_file(path: impl AsRef<Path>) -> Result<Report, CaptureError> {
    let name = path.as_ref().display().to_string();
    verify_with(&mut Reader::open(path)?, Options::default(), &name)
}
