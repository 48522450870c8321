//! The reports of `verify` that are files: an HTML page, JUnit, SARIF.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::capture::{CaptureError, CapturedMessage, Reader};
use crate::cli::exit;
use crate::cli::ladder::to_file;
use crate::report::gather::{Gatherer, Limits};
use crate::report::{html, junit, sarif};
use crate::verify::{self, CaptureSummary, Options, Report, verify_with};

/// What a capture from standard input may have at most, where it must be read twice.
const STANDARD_INPUT_LIMIT: u64 = 512 << 20;

/// Reports beside the one on standard output.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Write one self-contained HTML page: findings, a ladder of each UE, every message in it to be opened
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write JUnit's XML: a suite a capture, a case a check
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write SARIF 2.1.0
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
}

/// A capture that is read once, and again where a report shows its messages.
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input, kept because it is read twice.
    Kept(Vec<u8>),
    /// Standard input, read once.
    Standard,
}

impl Input {
    /// What a path means; `again` where it is to be read a second time.
    ///
    /// # Errors
    /// When standard input, which must then be kept, fails or is too long.
    pub fn of(path: &Path, again: bool) -> Result<Self, CaptureError> {
        if path != Path::new("-") {
            return Ok(Self::File(path.to_owned()));
        }
        if !again {
            return Ok(Self::Standard);
        }
        let mut octets = Vec::new();
        let io = |source| CaptureError::Io { offset: 0, source };
        io::stdin().take(STANDARD_INPUT_LIMIT + 1).read_to_end(&mut octets).map_err(io)?;
        if octets.len() as u64 > STANDARD_INPUT_LIMIT {
            let why =
                format!("more than {STANDARD_INPUT_LIMIT} octets, which must be read twice: save it to a file first");
            return Err(io(io::Error::other(why)));
        }
        Ok(Self::Kept(octets))
    }

    /// Judges the capture; `steps` keeps those of each UE.
    ///
    /// # Errors
    /// As [`verify::verify`].
    pub fn judge(&self, steps: bool) -> Result<Report, CaptureError> {
        verify_with(&mut self.open()?, Options { steps })
    }

    fn open(&self) -> Result<Reader<'_>, CaptureError> {
        match self {
            Self::File(path) => Reader::open(path),
            Self::Kept(octets) => Ok(Reader::from_bytes(octets)),
            Self::Standard => Ok(Reader::from_read(io::stdin())),
        }
    }
}

/// What was judged: the captures, and the verdicts on them put together.
#[derive(Default)]
pub struct Judged {
    inputs: Vec<Input>,
    report: Report,
    unread: Vec<(String, String)>,
}

impl ReportArgs {
    /// True when a file is to be written.
    pub const fn any(&self) -> bool {
        self.html.is_some() || self.junit.is_some() || self.sarif.is_some()
    }

    /// Opens what a path means.
    ///
    /// # Errors
    /// As [`Input::of`].
    pub fn input(&self, path: &Path) -> Result<Input, CaptureError> {
        Input::of(path, self.html.is_some())
    }

    /// Judges a capture, for these reports and for the one on standard output.
    ///
    /// # Errors
    /// As [`Input::judge`].
    pub fn judge(&self, input: &Input) -> Result<Report, CaptureError> {
        input.judge(self.html.is_some())
    }

    /// Writes the files; the result is the worst exit code of it.
    pub fn write(&self, judged: &Judged) -> u8 {
        let mut code = exit::GOOD;
        if let Some(path) = &self.junit {
            code = code.max(written(path, junit::document(&judged.report, &judged.unread)));
        }
        if let Some(path) = &self.sarif {
            let document = sarif::document(&judged.report, &judged.unread);
            code = code.max(written(path, serde_json::to_string_pretty(&document)));
        }
        if let Some(path) = &self.html {
            code = code.max(written(path, judged.page()));
        }
        code
    }
}

fn written<E: std::fmt::Display>(path: &Path, text: Result<String, E>) -> u8 {
    match text {
        Ok(text) => to_file(path, &text),
        Err(error) => {
            eprintln!("proselink: {}: {error}", path.display());
            exit::ENVIRONMENT
        }
    }
}

impl Judged {
    /// Adds the verdict on one more capture.
    pub fn add(&mut self, path: &Path, input: Input, report: Report) {
        join(&mut self.report, report, &path.display().to_string());
        self.inputs.push(input);
    }

    /// Adds a capture that could not be read.
    pub fn add_unread(&mut self, path: &Path, error: &CaptureError) {
        self.unread.push((path.display().to_string(), error.to_string()));
    }

    /// The verdict on all.
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// Reads all messages again.
    ///
    /// # Errors
    /// The capture that can not be read again, and why.
    pub fn read(&self, mut take: impl FnMut(u32, &CapturedMessage<'_>)) -> Result<(), String> {
        for (capture, input) in (0..).zip(&self.inputs) {
            let mut read = || -> Result<(), CaptureError> {
                let mut reader = input.open()?;
                while let Some(message) = reader.next_message()? {
                    take(capture, &message);
                }
                Ok(())
            };
            read().map_err(|error| format!("{}: {error}", self.report.capture_name(capture)))?;
        }
        Ok(())
    }

    fn page(&self) -> Result<String, String> {
        let mut gatherer = Gatherer::new(&self.report, Limits::default());
        self.read(|capture, message| gatherer.message(capture, message))?;
        let names: Vec<&str> = self.report.captures.iter().map(|capture| file_name(&capture.name)).collect();
        let title = match names.as_slice() {
            [] => "Verification".to_owned(),
            [name] => format!("Verification of {name}"),
            names => format!("Verification of {} captures", names.len()),
        };
        html::page(&gatherer.finish(title, &self.unread)).map_err(|error| error.to_string())
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Puts the verdict on one capture behind those on others.
fn join(all: &mut Report, one: Report, name: &str) {
    let capture = u32::try_from(all.captures.len()).unwrap_or(u32::MAX);
    let ue = u32::try_from(all.ues.len()).unwrap_or(u32::MAX);
    let mut captures = one.captures;
    if captures.is_empty() {
        captures.push(CaptureSummary { frames: one.frames, ..CaptureSummary::default() });
    }
    for summary in &mut captures {
        if summary.name.is_empty() {
            name.clone_into(&mut summary.name);
        }
    }
    all.captures.extend(captures);
    all.frames += one.frames;
    all.messages += one.messages;
    all.requests += one.requests;
    all.answered += one.answered;
    all.associations += one.associations;
    all.registrations += one.registrations;
    all.moves += one.moves;
    all.refusals += one.refusals;
    all.errors += one.errors;
    all.notes += one.notes;
    all.ues_followed += one.ues_followed;
    let room = verify::FINDING_LIMIT.saturating_sub(all.findings.len());
    all.findings.extend(one.findings.into_iter().take(room).map(|mut finding| {
        finding.capture = finding.capture.saturating_add(capture);
        finding.ue = finding.ue.map(|number| number.saturating_add(ue));
        finding
    }));
    all.ues.extend(one.ues.into_iter().map(|mut this| {
        this.number = this.number.saturating_add(ue);
        for step in &mut this.steps {
            step.capture = step.capture.saturating_add(capture);
        }
        this
    }));
}
