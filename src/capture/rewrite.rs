//! Rewriting what is said in a capture, length by length: the same file with other octets in its messages.
//!
//! ```text
//! window.rs    the part of the file at hand
//! collect.rs   where the octets of each stream lie in it          -> pieces
//! streams.rs   pieces put in order, messages found and rewritten  -> octets written back, copies included
//! walk.rs      what of each frame is understood; addresses; chunks.rs: control chunks of SCTP
//! repair.rs    checksums of every layer
//! blocks.rs    headers, blocks and options of the file itself
//! ```
//!
//! **Nothing changes its length.** A rewriter gives each value as many octets as it had; so no AVP, message, chunk, segment
//! or packet changes its size, sequence numbers stay right, and a message over several segments or chunks is written back to
//! where each of its octets came from, retransmissions included. IP, UDP and TCP checksums are changed by the difference
//! alone (RFC 1624): a right one stays right, a wrong one wrong, also where the snap length cut the packet. A CRC32c that
//! was right is counted anew.
//!
//! **What is not understood does not pass by accident.** Each octet of a frame is a header or field known to name no one, an
//! address, part of a Diameter message, or other; [`Other`] says what becomes of the last, and [`Rewritten`] names it.
//!
//! The file is read and written once, in order. What is held of it is a window: some megabytes behind the place at hand, for
//! retransmissions, and ahead of what is written as much as messages that are not whole reach back, at most
//! [`Settings::reach`].

mod blocks;
mod chunks;
mod collect;
mod repair;
mod spans;
mod streams;
mod tally;
mod walk;
mod window;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::IpAddr;

use thiserror::Error;

use super::file::Source;
use super::flows::Flows;
use super::found::Sink;
use super::{CaptureError, Options};

use blocks::{Blocks, Record};
use collect::{Collecting, Pieces};
use tally::Tally;
use walk::Walk;
use window::{Frame, MESSAGE, OTHER, Window};

/// Says what becomes of messages and addresses. The same octets must become the same octets each time.
pub trait Rewriter {
    /// A Diameter message, or with `whole` false its beginning, where the rest was not captured.
    fn message(&mut self, message: &mut [u8], whole: bool);

    /// An address of packets; `None` leaves it.
    fn address(&mut self, address: IpAddr) -> Option<IpAddr>;

    /// An address of Ethernet.
    fn hardware(&mut self, address: [u8; 6]) -> [u8; 6];

    /// What else is kept, with [`Other::Keep`]: other protocols, comments.
    fn rest(&mut self, octets: &mut [u8]);
}

/// What becomes of octets that are not understood: other protocols, texts, cookies, padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Other {
    /// They become zeros; packets keep their size and place.
    #[default]
    Blank,
    /// Packets that carry another protocol are left out; other octets become zeros.
    Drop,
    /// They stay, and are shown to [`Rewriter::rest`]. Comments and names of interfaces stay, too.
    Keep,
}

/// How to rewrite.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Limits of the reader.
    pub reader: Options,
    /// What becomes of what is not understood.
    pub other: Other,
    /// Octets of the file that the parts of one message may lie apart at most. 32 MiB unless changed.
    pub reach: usize,
    /// Octets of the file that are remembered for what may be sent again, and read at a time. 4 MiB unless changed.
    pub step: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { reader: Options::default(), other: Other::Blank, reach: 32 << 20, step: 4 << 20 }
    }
}

/// Why a capture could not be rewritten.
#[derive(Debug, Error)]
pub enum RewriteError {
    /// The capture can not be read, or not further; what is before the damage was written.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Writing failed.
    #[error("{0}")]
    Write(#[source] io::Error),
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Frames read.
    pub frames: u64,
    /// Messages handed to the rewriter; copies of segments and chunks count once where they are part of one stream.
    pub messages: u64,
    /// Of these, not whole.
    pub cut: u64,
    /// SCTP fragments and TCP octets in which no message was found: lost beginnings, other protocols, TLS.
    pub unread: u64,
    /// Frames in which an octet changed.
    pub changed_frames: u64,
    /// Frames left out.
    pub dropped_frames: u64,
    /// IP, UDP and TCP checksums changed.
    pub checksums: u64,
    /// CRC32c of SCTP counted anew.
    pub crc32c: u64,
    /// SCTP packets that changed and whose checksum was not right before, or not whole: left.
    pub crc32c_left: u64,
    /// Packets in fragments that did not become whole: their checksums were left.
    pub fragments_left: u64,
    /// Frames by what in them is not understood and became zeros.
    pub blanked: BTreeMap<String, u64>,
    /// Frames that were left out, by what they carried.
    pub dropped: BTreeMap<String, u64>,
    /// Frames by what in them is not understood and stayed.
    pub kept: BTreeMap<String, u64>,
    /// Blocks and options of the file that were taken out, by what they were.
    pub removed: BTreeMap<String, u64>,
}

/// Rewrites a capture, compressed or not, and writes it uncompressed.
///
/// # Errors
/// When it is no capture that is read here, is damaged, or writing fails.
pub fn rewrite(
    input: impl Read + Send,
    output: &mut dyn Write,
    settings: &Settings,
    rewriter: &mut impl Rewriter,
) -> Result<Rewritten, RewriteError> {
    Rewriting::new(settings, rewriter).run(input, Some(output))
}

/// Shows the rewriter each message that [`rewrite`] will, and writes nothing.
///
/// # Errors
/// As [`rewrite`].
pub fn survey(
    input: impl Read + Send,
    settings: &Settings,
    rewriter: &mut impl Rewriter,
) -> Result<Rewritten, RewriteError> {
    Rewriting::new(settings, rewriter).run(input, None)
}

struct Rewriting<'r, R> {
    settings: &'r Settings,
    rewriter: &'r mut R,
    window: Window,
    pieces: Pieces,
    tally: Tally,
    blocks: Blocks,
    done: Rewritten,
}

impl<'r, R: Rewriter> Rewriting<'r, R> {
    fn new(settings: &'r Settings, rewriter: &'r mut R) -> Self {
        Self {
            settings,
            rewriter,
            window: Window::default(),
            pieces: Pieces::default(),
            tally: Tally::default(),
            blocks: Blocks::new(settings.other == Other::Keep),
            done: Rewritten::default(),
        }
    }

    fn run(mut self, input: impl Read + Send, mut output: Option<&mut dyn Write>) -> Result<Rewritten, RewriteError> {
        let mut source = Source::keeping(Box::new(input));
        let mut flows = Flows::new(self.settings.reader);
        let mut sink = Sink::default();
        let mut ready = Vec::new();
        loop {
            let (from, end) = self.read(&mut source);
            self.window.grow();
            self.collect(from, &mut flows, &mut sink);
            let ended = !matches!(end, Ok(true));
            let front = self.window.old.len();
            let force = if ended { usize::MAX } else { front.saturating_sub(self.settings.reach) };
            let limit = self.settings.reader.max_message;
            streams::rewrite(&mut self.pieces, &mut self.window, force, limit, self.rewriter, &mut self.done);
            let mut until = front;
            if !ended {
                until = self.pieces.first_waiting().unwrap_or(front).min(front);
                // A packet whose fragments are too far apart is parted.
                until = self.pieces.whole_packets(until).max(force);
            }
            self.finish(until, ended, output.is_some(), &mut ready);
            if let Some(output) = &mut output {
                output.write_all(&ready).map_err(RewriteError::Write)?;
            }
            ready.clear();
            let by = self.window.slide(self.settings.step);
            if by > 0 {
                self.pieces.slide(by);
            }
            if ended {
                end?;
                break;
            }
        }
        self.done.blanked = self.tally.told(Other::Blank);
        self.done.dropped = self.tally.told(Other::Drop);
        self.done.kept = self.tally.told(Other::Keep);
        self.done.removed = self.blocks.removed;
        Ok(self.done)
    }

    /// Reads the next part of the file; gives the index of its first frame, and whether more may follow.
    fn read(&mut self, source: &mut Source<'_>) -> (usize, Result<bool, CaptureError>) {
        let (from, begin) = (self.window.frames.len(), self.window.old.len());
        let result = loop {
            if self.window.old.len() - begin >= self.settings.step {
                break Ok(true);
            }
            match source.next() {
                Ok(Some(record)) => {
                    source.take_kept(&mut self.window.old);
                    let end = self.window.old.len();
                    let start = end - source.since(&record);
                    let range = start..start + record.range.len();
                    let (link, time) = (record.link, record.time);
                    let others = Vec::new();
                    self.window.frames.push(Frame { link, time, range, end, others, foreign: false, dropped: false });
                }
                Ok(None) => break Ok(false),
                Err(error) => break Err(error),
            }
        };
        if result.is_ok() {
            source.take_kept(&mut self.window.old);
        }
        (from, result)
    }

    fn collect(&mut self, from: usize, flows: &mut Flows, sink: &mut Sink) {
        let old = &self.window.old;
        for frame in self.window.frames.get(from..).unwrap_or_default() {
            let Some(octets) = old.get(frame.range.clone()) else { continue };
            sink.begin(frame.time, octets);
            sink.told.clear();
            let mut collecting = Collecting { old, at: frame.range.start, pieces: &mut self.pieces };
            flows.frame(frame.link, octets, sink, &mut collecting);
            self.done.frames += 1;
        }
    }

    /// Makes ready for writing what is before `until`; with `ended` all there is.
    fn finish(&mut self, until: usize, ended: bool, wanted: bool, ready: &mut Vec<u8>) {
        let count = self.window.frames.partition_point(|frame| frame.end <= until);
        let last = count.checked_sub(1).and_then(|at| self.window.frames.get(at)).map(|frame| frame.end);
        let end = if ended { self.window.old.len() } else { last.unwrap_or(self.window.written) };
        if wanted {
            Walk::new(&mut self.window, self.rewriter, &mut self.tally).frames(count);
            for at in 0..count {
                self.treat(at);
            }
            repair::repair(&mut self.window, count, &mut self.done);
            self.write(count, end, ready);
        }
        self.window.frames.drain(..count);
        self.window.written = end;
    }

    /// Blanks what is not understood in a frame, or shows it to the rewriter.
    fn treat(&mut self, at: usize) {
        let Some(frame) = self.window.frames.get_mut(at) else { return };
        let range = frame.range.clone();
        let others = std::mem::take(&mut frame.others);
        let Some(marks) = self.window.marks.get(range.clone()) else { return };
        let treated = match self.settings.other {
            Other::Drop if frame.foreign && !marks.contains(&MESSAGE) => {
                frame.dropped = true;
                self.done.dropped_frames += 1;
                Other::Drop
            }
            Other::Keep => Other::Keep,
            _ => Other::Blank,
        };
        for number in others {
            self.tally.count(treated, number);
        }
        let Some(octets) = self.window.new.get_mut(range) else { return };
        match treated {
            Other::Drop => {}
            Other::Blank => {
                octets.iter_mut().zip(marks).filter(|(_, mark)| **mark == OTHER).for_each(|(octet, _)| *octet = 0);
            }
            Other::Keep => {
                let mut from = 0;
                for run in marks.chunk_by(|one, next| one == next) {
                    if run.first() == Some(&OTHER)
                        && let Some(octets) = octets.get_mut(from..from + run.len())
                    {
                        self.rewriter.rest(octets);
                    }
                    from += run.len();
                }
            }
        }
    }

    fn write(&mut self, count: usize, end: usize, ready: &mut Vec<u8>) {
        let Window { old, new, frames, written, .. } = &self.window;
        let begin = *written;
        let records: Vec<Record> = frames
            .iter()
            .take(count)
            .map(|frame| Record {
                range: frame.range.start - begin..frame.range.end - begin,
                end: frame.end - begin,
                dropped: frame.dropped,
            })
            .collect();
        let changed = |frame: &&Frame| !frame.dropped && old.get(frame.range.clone()) != new.get(frame.range.clone());
        self.done.changed_frames += frames.iter().take(count).filter(changed).count() as u64;
        let octets = new.get(begin..end).unwrap_or_default();
        self.blocks.write(octets, &records, |options| self.rewriter.rest(options), ready);
    }
}
