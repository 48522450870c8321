//! Does a capture hold what it should? Grammar, transactions, the life of each association, and the registration
//! procedure followed from message to message, from the file alone.
//!
//! [`Verifier`] takes messages one by one and keeps what is open: requests that await answers, and the identifiers that
//! the procedure hands on. Each [`Finding`] says which frame, which AVP, which requirement, and what was expected.

mod batch;
pub mod checks;
mod finding;
mod forms;
mod grammar;
mod peer;
mod procedure;
mod seats;
mod several;
mod survey;
mod transactions;
mod transport;
mod values;

use std::fmt;
use std::path::Path;

use crate::capture::{CaptureError, CapturedMessage, Reader, Timestamp};
use crate::interfaces::{base, s6a};
use crate::message::Header;

use batch::End;
use checks::Check;
use grammar::{Grammar, Subject};
use procedure::Procedure;
use seats::Seats;
use survey::{Survey, digest};
use transactions::{Exchange, Remembered, Transactions};
use transport::Watch;

pub use batch::{Batch, Batches};
pub use checks::{Area, CHECKS, Severity};
pub use finding::{CaptureSummary, FINDING_LIMIT, Finding, Report, STEP_LIMIT, Step, UE_LIMIT, Ue};
pub use several::{Feed, Input, feed, verify_captures, verify_captures_with};

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

/// Takes the messages of a capture, or of several in the order of time, and gives the [`Report`].
#[derive(Default)]
pub struct Verifier {
    report: Report,
    grammar: Grammar,
    transactions: Transactions,
    procedure: Procedure,
    seats: Seats,
    /// By capture.
    watches: Vec<Option<Watch>>,
}

impl Verifier {
    /// A verifier that is asked for more than the usual.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let mut verifier = Self::default();
        verifier.procedure.keeps_steps = options.steps;
        verifier
    }

    /// Takes all messages of a batch of capture number `capture`, from 0.
    fn batch(&mut self, capture: u32, batch: &Batch) {
        let mut told = 0;
        for at in 0.. {
            let Some(message) = batch.message(at) else { break };
            told = self.news(capture, batch, told, at);
            self.message(capture, &message);
        }
    }

    /// Takes what packets told before message number `at`, from number `from` of it on; the number of what comes next.
    #[inline]
    fn news(&mut self, capture: u32, batch: &Batch, from: usize, at: usize) -> usize {
        let news = batch.news(from, at);
        for (_, news) in news {
            self.seats.news(capture, *news);
        }
        from + news.len()
    }

    /// A capture is at its end; why it was not read further.
    fn end(&mut self, capture: u32, end: End) -> Option<CaptureError> {
        let index = capture as usize;
        if self.watches.len() <= index {
            self.watches.resize_with(index + 1, Option::default);
        }
        if let Some(watch) = self.watches.get_mut(index) {
            *watch = Some(end.watch);
        }
        self.report.capture_mut(capture).frames = end.frames;
        end.error
    }

    /// Takes one message of capture number `capture`, from 0.
    fn message(&mut self, capture: u32, message: &CapturedMessage<'_>) {
        let spot = Spot { capture, frame: message.frame, index: message.index, time: message.time };
        let header = Header::parse(message.bytes);
        let is_request = header.as_ref().is_some_and(Header::is_request);
        let seat = header.as_ref().and_then(|_| self.seats.of(capture, message));
        let summary = self.report.capture_mut(capture);
        summary.messages += 1;
        summary.first.get_or_insert(message.time);
        summary.last = Some(message.time);
        let Some(header) = header else { return };
        let Some((seat, life)) = seat else {
            // Another capture has it too.
            summary.copies += 1;
            return;
        };
        summary.requests += u64::from(is_request);
        let (link, direction) = (seat.link, (message.direction ^ seat.flip) & 1);
        self.report.messages += 1;
        self.report.requests += u64::from(is_request);
        let before = self.report.findings.len();
        let known = self.grammar.of(&header);
        let mut survey = Survey::default();
        let is_sound = self.grammar.read(&header, known, message.bytes, &mut survey);
        if !is_sound {
            survey = Survey::of(message.bytes);
        }
        let whole = seat.begun.is_some();
        life.begun |= whole;
        if let (Some(stream), Some(most)) =
            (message.stream, seat.begun.and_then(|begun| begun.streams(message.direction)))
            && stream >= most
        {
            let found = format!("the message came on stream {stream}");
            self.report.push(spot.finding(checks::STREAM, String::new(), found, format!("one below {most}")));
        }
        life.message(message, direction, &header, &survey, spot, &mut self.report);
        if !is_request
            && (header.application, header.code) == (base::APPLICATION, peer::CER)
            && life.is_open()
            && let (Some(one), Some(other)) = (life.host(0), life.host(1))
        {
            self.procedure.meet(one, other);
        }
        let clean = is_sound || {
            let subject = Subject { bytes: message.bytes, header: &header, known, sender: (link, direction), spot };
            self.grammar.judge(&subject, &survey, &mut self.report)
        };
        peer::message(&header, &survey, known.typed, spot, &mut self.report);
        let report = &mut self.report;
        let exchange = if is_request {
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
                let concerns = known.typed && !matches!(header.application, base::APPLICATION | s6a::APPLICATION);
                if concerns || self.procedure.keeps_steps {
                    let (asked, ue) = self.procedure.request(message, &header, spot, report);
                    if asked.is_some() || ue.is_some() {
                        self.procedure.step(ue, message, &header, spot, life.host(1 - direction), report);
                        let by = self.procedure.asker(message);
                        self.transactions.remember(key, Remembered { asked, ue, by });
                    }
                }
            }
            Exchange::Answer(subscriber, remembered) => {
                if subscriber != 0 {
                    let success = survey.result.is_some_and(|code| code / 1000 == 2);
                    self.procedure.subscription(subscriber, success, survey.subscription, message.bytes);
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

    /// Ends the captures: what is still open is told. `captures` has the name of each.
    fn finish(mut self, captures: &[String]) -> Report {
        self.transactions.finish(&mut self.report);
        self.procedure.finish(&mut self.report);
        for (name, number) in captures.iter().zip(0..) {
            let summary = self.report.capture_mut(number);
            summary.name.clone_from(name);
            self.report.frames += summary.frames;
        }
        for (watch, capture) in self.watches.iter().zip(0..) {
            let Some(watch) = watch else { continue };
            let carried = |association| {
                let life = self.seats.life(capture, association)?;
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
    let mut watch = Watch::default();
    verify_batches(options, name, |mut batch| {
        batch::fill(reader, &mut watch, batch::OCTETS, &mut batch);
        batch
    })
}

/// Verifies all messages of a capture, by the batch: `next` takes a batch that is done with, and gives the next one.
/// [`Batches`] makes them, here or in another thread.
///
/// # Errors
/// What the reader says of the file; findings before the damage are lost with it.
pub fn verify_batches(
    options: Options,
    name: &str,
    mut next: impl FnMut(Batch) -> Batch,
) -> Result<Report, CaptureError> {
    let mut verifier = Verifier::new(options);
    let mut batch = Batch::default();
    loop {
        batch = next(batch);
        verifier.batch(0, &batch);
        if let Some(end) = batch.end.take() {
            return match verifier.end(0, end) {
                None => Ok(verifier.finish(&[name.to_owned()])),
                Some(error) => Err(error),
            };
        }
    }
}

/// Verifies a file.
///
/// # Errors
/// When it cannot be opened or read as a capture.
pub fn verify_file(path: impl AsRef<Path>) -> Result<Report, CaptureError> {
    let name = path.as_ref().display().to_string();
    verify_with(&mut Reader::open(path)?, Options::default(), &name)
}
