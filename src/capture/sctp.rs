//! SCTP packets to user messages. RFC 9260, I-DATA of RFC 8260, UDP encapsulation of RFC 6951.
//!
//! A packet belongs to an association by its path (addresses and ports) and verification tag; a tag seen on a new path
//! with the same ports is the same association on another of its addresses. Chunks are walked where they lie. A message
//! is delivered when its last fragment is there; order between messages is not waited for.

mod index;
mod init;

use std::net::{IpAddr, SocketAddr};

use super::checksum::{Checksum, Scratch};
use super::detect::{self, Bar};
use super::found::{Carrier, Path, Sink};
use super::oddity::OddityKind;
use super::reassembly::{Key, Piece};
use super::{Observer, Options, Timestamp, Transport};
use index::{Direction, Index};

/// One SCTP packet as an [`Observer`] sees it.
#[derive(Clone, Copy, Debug)]
pub struct SctpPacket<'a> {
    /// Frame number, from 1.
    pub frame: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Sender.
    pub source: SocketAddr,
    /// Receiver.
    pub destination: SocketAddr,
    /// Verification tag.
    pub verification_tag: u32,
    /// Number of the association it belongs to.
    pub association: u32,
    /// Verdict on the checksum.
    pub checksum: Checksum,
    /// True when it came over UDP.
    pub encapsulated: bool,
    /// The chunks, as far as captured.
    pub chunks: &'a [u8],
}

/// A step in the life of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociationEvent {
    /// Frame number, from 1.
    pub frame: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Number of the association.
    pub association: u32,
    /// Who took the step.
    pub source: SocketAddr,
    /// The other side.
    pub destination: SocketAddr,
    /// Which step.
    pub step: AssociationStep,
}

/// What begins or ends an association or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AssociationStep {
    /// INIT.
    Init,
    /// INIT ACK.
    InitAck,
    /// COOKIE ECHO.
    CookieEcho,
    /// COOKIE ACK: the association is established.
    CookieAck,
    /// SHUTDOWN.
    Shutdown,
    /// SHUTDOWN ACK.
    ShutdownAck,
    /// SHUTDOWN COMPLETE: it ended in order.
    ShutdownComplete,
    /// ABORT: it ended at once.
    Abort,
    /// SYN: a TCP connection begins.
    Syn,
    /// FIN: one side of a TCP connection has no more to say.
    Fin,
    /// RST: a TCP connection ended at once.
    Reset,
}

/// What lies around an SCTP packet.
#[derive(Clone, Copy)]
pub(super) struct Envelope {
    pub source: IpAddr,
    pub destination: IpAddr,
    /// Carried over UDP.
    pub encapsulated: bool,
    /// Length of the packet as sent.
    pub sent: usize,
}

/// Ports, verification tag, checksum.
pub(super) const COMMON_HEADER: usize = 12;
/// Type, flags, length.
pub(super) const CHUNK_HEADER: usize = 4;

const DATA: u8 = 0;
const SACK: u8 = 3;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const ABORT: u8 = 6;
const SHUTDOWN: u8 = 7;
const SHUTDOWN_ACK: u8 = 8;
const COOKIE_ECHO: u8 = 10;
const COOKIE_ACK: u8 = 11;
const SHUTDOWN_COMPLETE: u8 = 14;
const I_DATA: u8 = 64;
const FORWARD_TSN: u8 = 192;

/// All associations of a capture.
pub(super) struct Associations {
    index: Index,
    /// Octets of fragments held.
    held: usize,
    max_memory: usize,
    max_message: usize,
    /// For the checksum: a packet with its field made zero.
    scratch: Scratch,
}

impl Associations {
    pub fn new(options: &Options) -> Self {
        Self {
            index: Index::new(options.max_flows),
            held: 0,
            max_memory: options.max_memory / 2,
            max_message: options.max_message,
            scratch: Scratch::default(),
        }
    }

    /// Reads one packet.
    #[inline]
    pub fn packet(&mut self, envelope: &Envelope, packet: &[u8], sink: &mut Sink, observer: &mut impl Observer) {
        let Some(head) = packet.first_chunk::<COMMON_HEADER>() else {
            sink.statistics.cut += u64::from(packet.len() < envelope.sent);
            return;
        };
        let path = Path {
            source: envelope.source,
            destination: envelope.destination,
            source_port: u16::from_be_bytes([head[0], head[1]]),
            destination_port: u16::from_be_bytes([head[2], head[3]]),
        };
        let tag = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let chunks = &packet[COMMON_HEADER..];
        let checksum =
            if packet.len() < envelope.sent { Checksum::Unjudged } else { Checksum::judge(packet, &mut self.scratch) };
        let statistics = &mut sink.statistics;
        statistics.sctp_packets += 1;
        statistics.sctp_over_udp += u64::from(envelope.encapsulated);
        *match checksum {
            Checksum::Good => &mut statistics.checksum_good,
            Checksum::Bad => &mut statistics.checksum_bad,
            Checksum::Zero => &mut statistics.checksum_zero,
            Checksum::Adler32 => &mut statistics.checksum_adler32,
            Checksum::Unjudged => &mut statistics.checksum_unjudged,
        } += 1;

        // Chunks that neither begin nor end an association change nothing about where the packet belongs.
        let known = match chunks.first() {
            Some(&(DATA | SACK | I_DATA)) => self.index.known(&path, tag),
            _ => None,
        };
        let place = match known {
            Some(place) => place,
            None => {
                let place = self.index.find(&path, tag, chunks, sink);
                self.held = self.held.saturating_sub(std::mem::take(&mut self.index.released));
                place
            }
        };
        let Index { slots, budget, .. } = &mut self.index;
        let Some(association) = slots.get(place.0) else { return };
        let id = association.id;
        observer.sctp_packet(&SctpPacket {
            frame: sink.frame,
            time: sink.time,
            source: path.sender(),
            destination: path.receiver(),
            verification_tag: tag,
            association: id,
            checksum,
            encapsulated: envelope.encapsulated,
            chunks,
        });
        let carrier = Carrier {
            transport: Transport::Sctp,
            source: path.sender(),
            destination: path.receiver(),
            ppid: None,
            stream: None,
            association: id,
            direction: place.1,
        };
        let held = association.directions[usize::from(place.1)].partial.octets();
        let mut rest = chunks;
        let mut last_step = None;
        while let Some(head) = rest.first_chunk::<CHUNK_HEADER>() {
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            if length < CHUNK_HEADER {
                sink.statistics.bad_chunks += 1;
                sink.odd(&carrier, OddityKind::BadChunk);
                break;
            }
            let whole = length <= rest.len();
            let chunk = &rest[..length.min(rest.len())];
            match head[0] {
                DATA | I_DATA if !whole => {
                    if checksum == Checksum::Unjudged {
                        sink.statistics.cut += 1;
                    } else {
                        sink.statistics.bad_chunks += 1;
                        sink.odd(&carrier, OddityKind::BadChunk);
                    }
                }
                DATA | I_DATA => {
                    let direction = &mut association.directions[usize::from(place.1)];
                    association.data_seen = true;
                    data_chunk(direction, chunk, budget, self.max_message, carrier, sink);
                }
                kind => {
                    let direction = &mut association.directions[usize::from(place.1)];
                    match kind {
                        INIT | INIT_ACK => {
                            if let Some(tsn) = chunk.get(16..20).and_then(|tsn| tsn.first_chunk()) {
                                direction.order.begin(u32::from_be_bytes(*tsn));
                            }
                        }
                        FORWARD_TSN => {
                            if let Some(tsn) = chunk.get(4..8).and_then(|tsn| tsn.first_chunk()) {
                                direction.order.forward(u32::from_be_bytes(*tsn).wrapping_add(1));
                            }
                        }
                        _ => {}
                    }
                    if let Some(step) = step_of(kind)
                        && last_step != Some(step)
                    {
                        last_step = Some(step);
                        association.ended |= matches!(step, AssociationStep::Abort | AssociationStep::ShutdownComplete);
                        observer.association(&AssociationEvent {
                            frame: sink.frame,
                            time: sink.time,
                            association: id,
                            source: path.sender(),
                            destination: path.receiver(),
                            step,
                        });
                    }
                }
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        self.held = (self.held + association.directions[usize::from(place.1)].partial.octets()).saturating_sub(held);
        if self.held > self.max_memory {
            self.release_some(sink);
        }
    }

    /// Counts what never became whole.
    pub fn finish(&mut self, sink: &mut Sink) {
        for direction in self.index.slots.iter_mut().flat_map(|association| &mut association.directions) {
            sink.statistics.sctp_incomplete += direction.partial.clear();
        }
        self.held = 0;
    }

    #[cold]
    fn release_some(&mut self, sink: &mut Sink) {
        // Two rounds of the clock hand come by every association.
        for _ in 0..2 * self.index.slots.len() {
            if self.held <= self.max_memory / 2 {
                return;
            }
            let Some(association) = self.index.slots.least_used() else { return };
            for direction in &mut association.directions {
                self.held = self.held.saturating_sub(direction.partial.octets());
                sink.statistics.sctp_incomplete += direction.partial.clear();
            }
        }
        self.held = 0;
    }
}

/// Takes in a whole DATA or I-DATA chunk.
#[inline]
fn data_chunk(
    direction: &mut Direction,
    chunk: &[u8],
    budget: &mut usize,
    max_message: usize,
    carrier: Carrier,
    sink: &mut Sink,
) {
    sink.statistics.data_chunks += 1;
    let interleaved = chunk[0] == I_DATA;
    let header = if interleaved { 20 } else { 16 };
    let (Some(head), Some(data)) = (chunk.first_chunk::<16>(), chunk.get(header..)) else {
        sink.statistics.bad_chunks += 1;
        sink.odd(&carrier, OddityKind::BadChunk);
        return;
    };
    let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (flags, tsn, stream) = (head[1], word(4), (word(8) >> 16) as u16);
    let (begin, end) = (flags & 2 != 0, flags & 1 != 0);
    if direction.seen.is_copy(tsn, fingerprint(head, data), budget) {
        sink.statistics.duplicate_chunks += 1;
        sink.odd(&carrier, OddityKind::Retransmission { tsn });
        return;
    }
    let place = (begin && !interleaved && flags & 4 == 0).then_some((stream, word(8) as u16));
    if let Some(odd) = direction.order.follow(tsn, place) {
        sink.odd(&carrier, odd);
    }
    // For I-DATA the fifth word is the payload protocol of a first fragment, else the fragment sequence number.
    let (message, protocol_or_sequence) = if interleaved {
        (word(12), chunk.get(16..).and_then(|tail| tail.first_chunk()).map_or(0, |tail| u32::from_be_bytes(*tail)))
    } else {
        (word(8) & 0xffff, word(12))
    };
    if begin && end {
        deliver(data, protocol_or_sequence, stream, max_message, carrier, sink);
        return;
    }
    let (sequence, ppid) = match (interleaved, begin) {
        (false, _) => (tsn, Some(protocol_or_sequence)),
        (true, true) => (0, Some(protocol_or_sequence)),
        (true, false) => (protocol_or_sequence, None),
    };
    let piece = Piece {
        key: Key { stream, message, unordered: flags & 4 != 0, interleaved },
        sequence,
        begin,
        end,
        ppid,
        data,
    };
    if let Some(whole) = direction.partial.insert(piece, max_message, &mut sink.statistics.sctp_incomplete) {
        deliver(&whole.data, whole.ppid, stream, max_message, carrier, sink);
    }
}

/// Tells a chunk from another under the same TSN: its lengths, flags and identifiers and, for Diameter, the header.
#[inline]
fn fingerprint(head: &[u8; 16], data: &[u8]) -> u32 {
    let mut sum = u64::from_be_bytes([head[1], head[2], head[3], head[8], head[9], head[10], head[11], head[15]]);
    for at in [0, 8, 16] {
        let word = data.get(at..).and_then(|tail| tail.first_chunk()).map_or(0, |word| u64::from_be_bytes(*word));
        sum = (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    (sum >> 32) as u32
}

#[inline]
fn deliver(data: &[u8], ppid: u32, stream: u16, max_message: usize, carrier: Carrier, sink: &mut Sink) {
    let bar = detect::bar_of(ppid);
    if data.len() > max_message && bar == Bar::Announced {
        sink.statistics.too_long += 1;
    }
    let carrier = Carrier { ppid: Some(ppid), stream: Some(stream), ..carrier };
    detect::split(data, bar, max_message, |message| sink.add(carrier, message));
}

fn step_of(kind: u8) -> Option<AssociationStep> {
    Some(match kind {
        INIT => AssociationStep::Init,
        INIT_ACK => AssociationStep::InitAck,
        ABORT => AssociationStep::Abort,
        SHUTDOWN => AssociationStep::Shutdown,
        SHUTDOWN_ACK => AssociationStep::ShutdownAck,
        COOKIE_ECHO => AssociationStep::CookieEcho,
        COOKIE_ACK => AssociationStep::CookieAck,
        SHUTDOWN_COMPLETE => AssociationStep::ShutdownComplete,
        _ => return None,
    })
}
