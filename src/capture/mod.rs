//! Captures: from a file to the Diameter messages in it.
//!
//! ```text
//! file.rs    pcap, pcapng, gzip            -> frames
//! link.rs    Ethernet, VLAN, MPLS, cooked  -> IP packets
//! ip.rs      fragments, GTP-U, VXLAN, UDP  -> SCTP packets, TCP segments
//! sctp.rs    associations, chunks          -> user messages   \
//! tcp.rs     connections, streams          -> octets in order  > detect.rs -> Diameter messages
//! ```
//!
//! ```no_run
//! let mut reader = proselink::capture::Reader::open("trace.pcapng")?;
//! while let Some(message) = reader.next_message()? {
//!     println!("{} {} -> {}: {} octets", message.time, message.source, message.destination, message.bytes.len());
//! }
//! # Ok::<(), proselink::capture::CaptureError>(())
//! ```
//!
//! Checksums are judged and counted, never a reason to drop. Memory stays bounded whatever the file holds: tables have a
//! limit, the least used entry makes room, and [`Statistics`] says so.

mod checksum;
mod detect;
mod file;
mod flows;
mod found;
mod gzip;
mod ip;
mod link;
mod oddity;
mod order;
mod reassembly;
pub mod rewrite;
mod sctp;
mod table;
mod tcp;
#[cfg(test)]
mod tests;
pub mod write;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::Path;

use thiserror::Error;

use file::Source;
use flows::Flows;
use found::{Place, Sink, Told};

pub use checksum::Checksum;
pub use oddity::{Oddity, OddityKind};
pub use sctp::{AssociationEvent, AssociationStep, SctpPacket};

/// Why a capture can not be read, or not further.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file could not be opened.
    #[error("the capture can not be opened: {0}")]
    Open(#[source] io::Error),
    /// The system failed to read.
    #[error("reading failed at offset {offset}: {source}")]
    Io {
        /// Octets read before.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The file has a format that is known but not read.
    #[error("{format_name} is not a format this reader supports; convert it to pcapng first")]
    Unsupported {
        /// The format's name.
        format_name: &'static str,
    },
    /// The file states a version of its format that is not read.
    #[error("{format_name} version {major}.{minor} is not supported")]
    UnsupportedVersion {
        /// The format's name.
        format_name: &'static str,
        /// Major version in the file.
        major: u16,
        /// Minor version in the file.
        minor: u16,
    },
    /// The first octets are those of no capture format.
    #[error("not a capture: it begins with {magic:08x}, which is neither pcap nor pcapng")]
    NotACapture {
        /// The first four octets.
        magic: u32,
    },
    /// The file is damaged; all before the damage was delivered.
    #[error("the capture is damaged at offset {offset}: {what}")]
    Damaged {
        /// Where the damaged record or block begins; in the decompressed data where the file is compressed.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
}

/// Limits of a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Longest message delivered, in octets. 1 MiB unless changed.
    pub max_message: usize,
    /// Octets held at most for messages, segments and packets that are not whole yet. 16 MiB unless changed.
    pub max_memory: usize,
    /// SCTP associations and TCP connections, each, followed at the same time. 8,192 unless changed.
    pub max_flows: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_message: crate::message::DEFAULT_MESSAGE_LIMIT, max_memory: 16 << 20, max_flows: 8192 }
    }
}

/// A time in nanoseconds since 1970-01-01 UTC. Displays as seconds with nine decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanoseconds(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (seconds, rest) = (self.0.unsigned_abs() / 1_000_000_000, self.0.unsigned_abs() % 1_000_000_000);
        write!(f, "{sign}{seconds}.{rest:09}")
    }
}

/// What carried a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// SCTP, over IP or over UDP.
    Sctp,
    /// TCP.
    Tcp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sctp => "sctp",
            Self::Tcp => "tcp",
        })
    }
}

/// A Diameter message of a capture.
#[derive(Clone, Copy, Debug)]
pub struct CapturedMessage<'a> {
    /// Number of the frame in which it is complete, from 1.
    pub frame: u64,
    /// Its place among the messages of that frame, from 0.
    pub index: u32,
    /// When that frame was captured; zero where the file does not say.
    pub time: Timestamp,
    /// SCTP or TCP.
    pub transport: Transport,
    /// Sender: IP address and SCTP or TCP port.
    pub source: SocketAddr,
    /// Receiver: IP address and SCTP or TCP port.
    pub destination: SocketAddr,
    /// SCTP payload protocol identifier.
    pub ppid: Option<u32>,
    /// SCTP stream.
    pub stream: Option<u16>,
    /// Number of the SCTP association or TCP connection, unique in this capture, from 0.
    pub association: u32,
    /// The way it went on the association: 0 from the side that was seen first, else 1.
    pub direction: u8,
    /// The message from its version octet on. As long as its header says, except for an SCTP message under PPID 46 or 47
    /// whose length field contradicts the user message: then it is the user message.
    pub bytes: &'a [u8],
}

/// What a reader has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Frames read.
    pub frames: u64,
    /// Captured octets in them.
    pub octets: u64,
    /// Frames of link types that are not looked into.
    pub unknown_link: u64,
    /// IP packets, those in tunnels included.
    pub ip_packets: u64,
    /// IP fragments.
    pub ip_fragments: u64,
    /// Packets of which fragments were missing or that did not fit any more.
    pub ip_abandoned: u64,
    /// Packets in GTP-U or VXLAN tunnels.
    pub tunnelled: u64,
    /// SCTP packets.
    pub sctp_packets: u64,
    /// Of these, carried over UDP.
    pub sctp_over_udp: u64,
    /// SCTP packets with a right CRC32c.
    pub checksum_good: u64,
    /// With a wrong one.
    pub checksum_bad: u64,
    /// With a checksum of zero: not filled in, or RFC 9653.
    pub checksum_zero: u64,
    /// With the Adler-32 of RFC 2960.
    pub checksum_adler32: u64,
    /// Not wholly captured, so that there is nothing to judge.
    pub checksum_unjudged: u64,
    /// DATA and I-DATA chunks.
    pub data_chunks: u64,
    /// Of these, seen before: retransmissions, or captured at a second place.
    pub duplicate_chunks: u64,
    /// Chunks with an impossible length.
    pub bad_chunks: u64,
    /// SCTP associations.
    pub associations: u64,
    /// SCTP user messages of which fragments were missing when given up.
    pub sctp_incomplete: u64,
    /// TCP segments with payload.
    pub tcp_segments: u64,
    /// Of these, seen before as a whole.
    pub tcp_retransmissions: u64,
    /// TCP connections.
    pub connections: u64,
    /// Places where a TCP stream lacks octets that were never captured.
    pub tcp_gaps: u64,
    /// Times the beginning of a message had to be searched for in a TCP stream that carried Diameter.
    pub tcp_resynchronised: u64,
    /// DATA chunks and TCP segments cut by the snap length.
    pub cut: u64,
    /// Messages longer than [`Options::max_message`].
    pub too_long: u64,
    /// Associations and connections that made room for others.
    pub evicted: u64,
    /// Diameter messages over SCTP.
    pub sctp_messages: u64,
    /// Diameter messages over TCP.
    pub tcp_messages: u64,
}

impl Statistics {
    /// Diameter messages.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.sctp_messages + self.tcp_messages
    }
}

/// Sees what lies between frames and messages. Methods do nothing unless overridden, and then cost nothing.
pub trait Observer {
    /// An SCTP packet and the verdict on its checksum.
    fn sctp_packet(&mut self, packet: &SctpPacket<'_>) {
        let _ = packet;
    }

    /// A step in the life of an association.
    fn association(&mut self, event: &AssociationEvent) {
        let _ = event;
    }

    /// A gap, a copy, or disorder.
    fn oddity(&mut self, oddity: &Oddity) {
        let _ = oddity;
    }

    /// A TCP segment with payload.
    fn tcp_payload(&mut self, payload: &TcpPayload<'_>) {
        let _ = payload;
    }

    /// A fragment of an IP packet. What the whole packet carries follows the last of them.
    fn ip_fragment(&mut self, fragment: &IpFragment<'_>) {
        let _ = fragment;
    }
}

/// The payload of a TCP segment as an [`Observer`] sees it.
#[derive(Clone, Copy, Debug)]
pub struct TcpPayload<'a> {
    /// Number of the connection.
    pub connection: u32,
    /// Sender.
    pub source: SocketAddr,
    /// Receiver.
    pub destination: SocketAddr,
    /// Sequence number of its first octet.
    pub sequence: u32,
    /// As much of it as was captured.
    pub data: &'a [u8],
}

/// A fragment of an IP packet as an [`Observer`] sees it.
#[derive(Clone, Copy, Debug)]
pub struct IpFragment<'a> {
    /// Sender.
    pub source: std::net::IpAddr,
    /// Receiver.
    pub destination: std::net::IpAddr,
    /// The protocol of the packet.
    pub protocol: u8,
    /// Tells the packets of a sender apart.
    pub identification: u32,
    /// Where in the packet's payload it belongs.
    pub offset: usize,
    /// Others follow it in the packet.
    pub more: bool,
    /// As much of it as was captured.
    pub data: &'a [u8],
}

/// Observes nothing.
impl Observer for () {}

impl<O: Observer + ?Sized> Observer for &mut O {
    fn sctp_packet(&mut self, packet: &SctpPacket<'_>) {
        (**self).sctp_packet(packet);
    }

    fn association(&mut self, event: &AssociationEvent) {
        (**self).association(event);
    }

    fn oddity(&mut self, oddity: &Oddity) {
        (**self).oddity(oddity);
    }

    fn tcp_payload(&mut self, payload: &TcpPayload<'_>) {
        (**self).tcp_payload(payload);
    }

    fn ip_fragment(&mut self, fragment: &IpFragment<'_>) {
        (**self).ip_fragment(fragment);
    }
}

/// Reads the Diameter messages of one capture, in the order in which they become complete. Over SCTP that is the order of
/// frames; over TCP a message behind octets that were never captured waits for them, and when they are given up it comes
/// with its own, earlier frame number.
pub struct Reader<'r> {
    source: Source<'r>,
    flows: Flows,
    sink: Sink,
    /// Offset of the frame at hand in the source's buffer.
    frame_start: usize,
    state: State,
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("statistics", self.statistics()).finish_non_exhaustive()
    }
}

enum State {
    Reading,
    /// The file is at its end, or damaged; what the flows still held is being handed out.
    Draining(Option<CaptureError>),
    Finished,
}

impl Reader<'static> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`CaptureError::Open`] when the system refuses. What is wrong with its content is told by
    /// [`Reader::next_message`].
    #[allow(clippy::disallowed_methods, reason = "the one door to a file, for those who do not bring an open one")]
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CaptureError> {
        let file = File::open(path).map_err(CaptureError::Open)?;
        Ok(Self::from_read(file))
    }
}

impl<'r> Reader<'r> {
    /// Reads a capture from anything, such as standard input. It is read in large pieces: a buffer before it only costs.
    pub fn from_read(input: impl Read + Send + 'r) -> Self {
        Self::with_options(input, Options::default())
    }

    /// Reads a capture that is in memory.
    #[must_use]
    pub fn from_bytes(bytes: &'r [u8]) -> Self {
        Self::from_read(bytes)
    }

    /// Reads a capture within limits of one's own.
    pub fn with_options(input: impl Read + Send + 'r, options: Options) -> Self {
        Self {
            source: Source::new(Box::new(input)),
            flows: Flows::new(options),
            sink: Sink::default(),
            frame_start: 0,
            state: State::Reading,
        }
    }

    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// When the file is not a capture, is damaged or can not be read. All messages before that place have been delivered;
    /// the error comes once, then `None`.
    pub fn next_message(&mut self) -> Result<Option<CapturedMessage<'_>>, CaptureError> {
        self.next_message_with(&mut ())
    }

    /// The next message, while `observer` sees the packets on the way to it.
    ///
    /// # Errors
    /// As [`Reader::next_message`].
    #[inline]
    pub fn next_message_with(
        &mut self,
        observer: &mut impl Observer,
    ) -> Result<Option<CapturedMessage<'_>>, CaptureError> {
        let found = loop {
            if let Some(found) = self.sink.take() {
                break found;
            }
            match &mut self.state {
                State::Reading => self.step(observer),
                State::Draining(error) => {
                    let error = error.take();
                    self.state = State::Finished;
                    if let Some(error) = error {
                        return Err(error);
                    }
                }
                State::Finished => return Ok(None),
            }
        };
        let bytes = match found.place {
            Place::Frame(range) => self.source.bytes(range.start + self.frame_start..range.end + self.frame_start),
            Place::Assembled(range) => self.sink.assembled(range),
        };
        let carrier = found.carrier;
        Ok(Some(CapturedMessage {
            frame: found.frame,
            index: found.index,
            time: found.time,
            transport: carrier.transport,
            source: carrier.source,
            destination: carrier.destination,
            ppid: carrier.ppid,
            stream: carrier.stream,
            association: carrier.association,
            direction: carrier.direction,
            bytes,
        }))
    }

    /// What was seen so far; final after the last message.
    #[must_use]
    pub fn statistics(&self) -> &Statistics {
        &self.sink.statistics
    }

    /// Tells the observer what the frame brought beside packets and messages.
    #[cold]
    fn tell(&mut self, observer: &mut impl Observer) {
        for told in self.sink.told.drain(..) {
            match told {
                Told::Oddity(oddity) => observer.oddity(&oddity),
                Told::Step(step) => observer.association(&step),
            }
        }
    }

    /// Reads one frame, or comes to the end.
    fn step(&mut self, observer: &mut impl Observer) {
        // Asked here first, a block of the usual kind needs no error to be carried beside it.
        let next = match self.source.next_enhanced() {
            Some(record) => Ok(record),
            None => match self.source.next() {
                Ok(Some(record)) => Ok(record),
                Ok(None) => Err(None),
                Err(error) => Err(Some(error)),
            },
        };
        let end = match next {
            Ok(record) => {
                self.frame_start = record.range.start;
                let frame = self.source.bytes(record.range);
                self.sink.begin(record.time, frame);
                self.sink.statistics.frames += 1;
                self.sink.statistics.octets += frame.len() as u64;
                self.flows.frame(record.link, frame, &mut self.sink, observer);
                if !self.sink.told.is_empty() {
                    self.tell(observer);
                }
                return;
            }
            Err(end) => end,
        };
        self.sink.leave_frame();
        self.flows.finish(&mut self.sink);
        self.tell(observer);
        self.state = State::Draining(end);
    }
}
