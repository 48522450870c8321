//! Rewriting what is said in a capture, length by length: the same file with other octets in its messages.
//!
//! ```text
//! collect.rs   where the octets of each stream lie in the file   -> pieces
//! streams.rs   pieces put in order, messages found and rewritten -> octets written back, copies included
//! repair.rs    addresses of packets, checksums of every layer
//! ```
//!
//! **Nothing changes its length.** A rewriter gives each value as many octets as it had; so no AVP, message, chunk, segment
//! or packet changes its size, sequence numbers stay right, and a message over several segments or chunks is written back to
//! where each of its octets came from, retransmissions included. IP, UDP and TCP checksums are changed by the difference
//! alone (RFC 1624): a right one stays right, a wrong one wrong, also where the snap length cut the packet. A CRC32c that
//! was right is counted anew.
//!
//! The file is held in memory, twice.

mod collect;
mod repair;
mod spans;
mod streams;

use std::net::IpAddr;
use std::ops::Range;

use super::file::Source;
use super::flows::Flows;
use super::found::Sink;
use super::{CaptureError, Options};

use collect::Collector;

/// Says what becomes of messages and addresses. The same octets must become the same octets each time.
pub trait Rewriter {
    /// A Diameter message, or with `whole` false its beginning, where the rest was not captured.
    fn message(&mut self, message: &mut [u8], whole: bool);

    /// An address of packets; `None` leaves it.
    fn address(&mut self, address: IpAddr) -> Option<IpAddr>;

    /// The whole file when all messages are rewritten, for what stands elsewhere; lengths and headers must stay.
    fn rest(&mut self, file: &mut [u8]);
}

/// What was done.
#[derive(Debug, Default)]
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
    /// IP, UDP and TCP checksums changed.
    pub checksums: u64,
    /// CRC32c of SCTP counted anew.
    pub crc32c: u64,
    /// SCTP packets that changed and whose checksum was not right before, or not whole: left.
    pub crc32c_left: u64,
    /// Packets in fragments that did not become whole: their checksums were left.
    pub fragments_left: u64,
    /// Blocks of the file taken out: names of addresses, secrets of TLS.
    pub blocks: u64,
    /// What is wrong with the file; all behind it is as it was.
    pub damage: Option<CaptureError>,
}

/// One frame of the file.
struct Frame {
    link: u32,
    range: Range<usize>,
}

/// Rewrites a capture, which must not be compressed.
///
/// # Errors
/// When it is no capture that is read here. Damage within is no error: see [`Rewritten::damage`].
pub fn rewrite(
    file: &[u8],
    options: Options,
    rewriter: &mut impl Rewriter,
) -> Result<(Vec<u8>, Rewritten), CaptureError> {
    if file.starts_with(&[0x1f, 0x8b]) {
        return Err(CaptureError::Unsupported { format_name: "gzip (where a capture is rewritten)" });
    }
    let mut done = Rewritten::default();
    let mut frames: Vec<Frame> = Vec::new();
    let mut source = Source::new(Box::new(file));
    let mut flows = Flows::new(options);
    let mut sink = Sink::default();
    let mut collector = Collector::new(file);
    loop {
        match source.next() {
            Ok(Some(record)) => {
                let start = source.position(record.range.start);
                let range = start..start + record.range.len();
                // The same octets, where they lie in the file.
                let Some(frame) = file.get(range.clone()) else { break };
                sink.begin(record.time, frame);
                collector.frame = frames.len();
                flows.frame(record.link, frame, &mut sink, &mut collector);
                frames.push(Frame { link: record.link, range });
            }
            Ok(None) => break,
            Err(error) if frames.is_empty() => return Err(error),
            Err(error) => {
                done.damage = Some(error);
                break;
            }
        }
    }
    done.frames = frames.len() as u64;
    let mut fresh = file.to_vec();
    streams::rewrite(&collector, file, &mut fresh, options.max_message, rewriter, &mut done);
    rewriter.rest(&mut fresh);
    repair::repair(&frames, file, &mut fresh, rewriter, &mut done);
    done.changed_frames =
        frames.iter().filter(|frame| file.get(frame.range.clone()) != fresh.get(frame.range.clone())).count() as u64;
    Ok((without_names(fresh, &mut done.blocks), done))
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const NAME_RESOLUTION: u32 = 4;
const DECRYPTION_SECRETS: u32 = 10;

/// A pcapng file without the blocks that name addresses or open what is encrypted.
fn without_names(file: Vec<u8>, taken: &mut u64) -> Vec<u8> {
    if !file.starts_with(&SECTION_HEADER.to_be_bytes()) {
        return file;
    }
    let mut kept = Vec::with_capacity(file.len());
    let mut rest = file.as_slice();
    let mut big = false;
    while let Some(head) = rest.first_chunk::<12>() {
        let word = |at: usize| {
            let field = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            if big { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }
        };
        if word(0) == SECTION_HEADER {
            big = head[8..] == [0x1a, 0x2b, 0x3c, 0x4d];
        }
        let word = |at: usize| {
            let field = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            if big { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }
        };
        let (kind, length) = (word(0), word(4) as usize);
        let Some((block, after)) = rest.split_at_checked(length).filter(|_| length >= 12) else { break };
        if matches!(kind, NAME_RESOLUTION | DECRYPTION_SECRETS) {
            *taken += 1;
        } else {
            kept.extend_from_slice(block);
        }
        rest = after;
    }
    kept.extend_from_slice(rest);
    kept
}
