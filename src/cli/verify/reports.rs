//! Captures judged together, and the reports of `verify` that are files: an HTML page, JUnit, SARIF.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::ahead::Ahead;
use crate::capture::{CaptureError, CapturedMessage, Reader};
use crate::cli::exit;
use crate::cli::ladder::to_file;
use crate::report::gather::{Gatherer, Limits};
use crate::report::{html, junit, sarif};
use crate::verify::{CaptureSummary, Input, Options, Report, feed, verify_batches, verify_captures_with, verify_with};

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

/// Directories are looked into this deep.
const DEPTH: usize = 16;

/// Where the messages are that a report shows.
enum Source {
    /// In a file.
    File(PathBuf),
    /// On standard input, kept because it is read twice.
    Kept(Vec<u8>),
    /// On standard input, which was read once.
    Gone,
}

/// Captures that were judged together, and the verdict.
pub struct Judged {
    sources: Vec<Source>,
    report: Report,
    /// Captures that could not be read, or not to their end, and why.
    unread: Vec<(String, String)>,
    /// The worst exit code of these.
    code: u8,
}

impl ReportArgs {
    /// True when messages are shown, which have to be read again.
    pub const fn html(&self) -> bool {
        self.html.is_some()
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
    /// Judges what was given, all together: files, directories, or `-` alone for standard input. With `again` the steps of
    /// each UE are kept, and the messages can be read once more.
    ///
    /// # Errors
    /// The exit code when there is nothing to judge; why was told.
    pub fn of(given: &[&PathBuf], again: bool) -> Result<Self, u8> {
        let options = Options { steps: again };
        let ahead = Ahead::new();
        if given.iter().any(|path| path.as_path() == Path::new("-")) {
            if given.len() > 1 {
                eprintln!("proselink: standard input is judged alone: write it to a file to judge it with others");
                return Err(exit::USAGE);
            }
            let judged = if again {
                standard_input().and_then(|octets| {
                    let report = verify_with(&mut Reader::from_bytes(&octets), options, "-")?;
                    Ok((report, Source::Kept(octets)))
                })
            } else {
                let feed = ahead.feed(Reader::from_read(io::stdin()));
                verify_batches(options, "-", feed).map(|report| (report, Source::Gone))
            };
            let (report, source) = judged.map_err(|error| told(Path::new("-"), &error))?;
            return Ok(Self { sources: vec![source], report, unread: Vec::new(), code: exit::GOOD });
        }
        let mut paths = Vec::new();
        for path in given {
            if path.is_dir() {
                walk(path, 0, &mut paths).map_err(|error| {
                    eprintln!("proselink: {}: {error}", path.display());
                    exit::MALFORMED
                })?;
            } else {
                paths.push((*path).clone());
            }
        }
        if paths.is_empty() {
            eprintln!("proselink: no captures (*.pcap, *.pcapng, *.cap, also with .gz) in what was given");
            return Err(exit::MALFORMED);
        }
        let (mut unread, mut code) = (Vec::new(), exit::GOOD);
        let mut fail = |path: &Path, error: &CaptureError| {
            code = code.max(told(path, error));
            unread.push((path.display().to_string(), error.to_string()));
        };
        let report = if let [path] = &paths[..] {
            let read = Reader::open(path).and_then(|reader| {
                // One plain file is read so fast that a second thread costs more than it gains.
                let feed = if is_compressed(path) { ahead.feed(reader) } else { feed(reader) };
                verify_batches(options, &path.display().to_string(), feed)
            });
            read.unwrap_or_else(|error| {
                fail(path, &error);
                Report::default()
            })
        } else {
            let inputs: Vec<_> = paths
                .iter()
                .map(|path| Input { name: path.display().to_string(), open: Box::new(move || Reader::open(path)) })
                .collect();
            verify_captures_with(
                &inputs,
                options,
                |reader| ahead.feed(reader),
                |capture, error| {
                    if let Some(path) = paths.get(capture as usize) {
                        fail(path, &error);
                    }
                },
            )
        };
        Ok(Self { sources: paths.into_iter().map(Source::File).collect(), report, unread, code })
    }

    /// The verdict on all.
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// False for a capture of which nothing could be read: it has no verdict.
    pub fn was_read(&self, capture: &CaptureSummary) -> bool {
        capture.frames > 0 || self.unread.iter().all(|(name, _)| *name != capture.name)
    }

    /// The worst exit code of captures that could not be read.
    pub const fn code(&self) -> u8 {
        self.code
    }

    /// Reads all messages again, capture by capture. What could not be read the first time ends where it ended.
    ///
    /// # Errors
    /// The capture that can not be read again, and why.
    pub fn read(&self, mut take: impl FnMut(u32, &CapturedMessage<'_>)) -> Result<(), String> {
        for (capture, source) in (0..).zip(&self.sources) {
            let mut read = || -> Result<(), CaptureError> {
                let mut reader = match source {
                    Source::File(path) => Reader::open(path)?,
                    Source::Kept(octets) => Reader::from_bytes(octets),
                    Source::Gone => return Ok(()),
                };
                while let Some(message) = reader.next_message()? {
                    take(capture, &message);
                }
                Ok(())
            };
            let Err(error) = read() else { continue };
            let name = match source {
                Source::File(path) => path.display().to_string(),
                Source::Kept(_) | Source::Gone => "-".to_owned(),
            };
            if !self.unread.iter().any(|(unread, _)| *unread == name) {
                return Err(format!("{name}: {error}"));
            }
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

fn told(path: &Path, error: &CaptureError) -> u8 {
    eprintln!("proselink: {}: {error}", path.display());
    exit::of_capture(error)
}

/// Standard input, kept because it is read twice.
fn standard_input() -> Result<Vec<u8>, CaptureError> {
    let io = |source| CaptureError::Io { offset: 0, source };
    let mut octets = Vec::new();
    io::stdin().take(STANDARD_INPUT_LIMIT + 1).read_to_end(&mut octets).map_err(io)?;
    if octets.len() as u64 > STANDARD_INPUT_LIMIT {
        let why = format!("more than {STANDARD_INPUT_LIMIT} octets, which must be read twice: save it to a file first");
        return Err(io(io::Error::other(why)));
    }
    Ok(octets)
}

/// The captures in a directory, by name, those below it included.
fn walk(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() && depth < DEPTH {
            walk(&path, depth + 1, found)?;
        } else if !kind.is_dir() && is_capture(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// True for a file in gzip, which takes longer to unpack than to judge.
fn is_compressed(path: &Path) -> bool {
    let mut magic = [0; 2];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == [0x1f, 0x8b]
}

fn is_capture(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".pcap", ".pcapng", ".cap"].iter().any(|end| name.ends_with(end))
}
