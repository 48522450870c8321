//! Where packets enter and leave the embedded SCTP stack. Pure: packet in, packet out.
//!
//! `sctp-proto` 0.10.8 was made for WebRTC. What a Diameter peer on the other side of a wire needs beyond that is put
//! right here, in one place, both ways; the checksum is verified first and set again last:
//!
//! | fault of the stack | what is done |
//! |---|---|
//! | its payload protocol identifier is an enum of six | [`PpidTable`]: 46, 47, 0 and two others have their place in it |
//! | an INIT with a parameter it does not know is ignored (peers list their addresses) | only the state cookie passes |
//! | an unknown chunk spoils the packet, an ERROR chunk or an odd ABORT cause the association | taken out, ABORT made plain |
//! | the streams of INIT and INIT ACK are mixed up, any number of incoming streams is opened | counted and enforced here |
//! | SHUTDOWN acknowledges the wrong direction | the last cumulative TSN sent in a SACK is put there |
//! | it offers stream reset and partial reliability, which Diameter has no use for | not offered, not accepted |
//! | SACK and DATA leave in separate packets | [`bundle`] |
//! | it sends no heartbeats and spoils the packet with an answer to one | the pump sends them, HEARTBEAT ACK is taken out |

use sctp_proto::PayloadProtocolIdentifier;

use crate::capture::write::{Data, Init, SctpPacketBuilder, set_crc32c};

/// Octets of the common header.
pub const COMMON_HEADER: usize = 12;

/// Chunk types. RFC 9260 section 3.2.
pub mod chunk {
    #![allow(missing_docs)]
    pub const DATA: u8 = 0;
    pub const INIT: u8 = 1;
    pub const INIT_ACK: u8 = 2;
    pub const SACK: u8 = 3;
    pub const HEARTBEAT: u8 = 4;
    pub const HEARTBEAT_ACK: u8 = 5;
    pub const ABORT: u8 = 6;
    pub const SHUTDOWN: u8 = 7;
    pub const SHUTDOWN_ACK: u8 = 8;
    pub const ERROR: u8 = 9;
    pub const COOKIE_ECHO: u8 = 10;
    pub const COOKIE_ACK: u8 = 11;
    pub const SHUTDOWN_COMPLETE: u8 = 14;
}

/// The causes of ABORT used here. RFC 9260 section 3.3.10.
pub mod cause {
    #![allow(missing_docs)]
    pub const INVALID_STREAM: u16 = 1;
    pub const OUT_OF_RESOURCE: u16 = 4;
    pub const NO_USER_DATA: u16 = 9;
    pub const RESTARTED: u16 = 11;
    pub const USER_INITIATED: u16 = 12;
}

/// The common header, and what the first chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// SCTP port of the sender.
    pub source_port: u16,
    /// SCTP port here.
    pub destination_port: u16,
    /// Verification tag.
    pub tag: u32,
    /// Type of the first chunk.
    pub kind: u8,
    /// The fixed part of INIT or INIT ACK, when the first chunk is one.
    pub init: Option<Init>,
}

/// Why a packet is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Shorter than a common header and a chunk header, or a port is zero.
    #[error("no SCTP packet")]
    NotSctp,
    /// Lost or changed on its way.
    #[error("the CRC32c is wrong")]
    Checksum,
    /// A chunk's length does not fit the packet.
    #[error("a chunk of type {kind} states a length of {length}")]
    ChunkLength {
        /// Chunk type.
        kind: u8,
        /// Stated length in octets.
        length: usize,
    },
    /// An INIT that may not be answered: a zero where none may be, a tiny window, company in the packet, a tag.
    #[error("an INIT that breaks RFC 9260 section 3.3.2")]
    BadInit,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

/// Reads a packet's head after judging its checksum. Nothing behind the first chunk is looked at.
///
/// # Errors
/// See [`Refusal`].
pub fn inspect(packet: &[u8]) -> Result<Head, Refusal> {
    let (source_port, destination_port) = (u16_at(packet, 0), u16_at(packet, 2));
    if packet.len() < COMMON_HEADER + 4 || source_port == 0 || destination_port == 0 {
        return Err(Refusal::NotSctp);
    }
    let stated = u32::from_le_bytes([packet[8], packet[9], packet[10], packet[11]]);
    let sum = crc32c::crc32c_append(crc32c::crc32c(&packet[..8]), &[0; 4]);
    if crc32c::crc32c_append(sum, &packet[COMMON_HEADER..]) != stated {
        return Err(Refusal::Checksum);
    }
    let (kind, length) = (packet[12], usize::from(u16_at(packet, 14)));
    if length < 4 || COMMON_HEADER + length > packet.len() {
        return Err(Refusal::ChunkLength { kind, length });
    }
    let tag = u32_at(packet, 4);
    let init = if kind == chunk::INIT || kind == chunk::INIT_ACK {
        let init = Init {
            tag: u32_at(packet, 16),
            window: u32_at(packet, 20),
            outgoing_streams: u16_at(packet, 24),
            incoming_streams: u16_at(packet, 26),
            tsn: u32_at(packet, 28),
        };
        let alone = COMMON_HEADER + length.next_multiple_of(4) >= packet.len();
        let tagged = (tag == 0) == (kind == chunk::INIT);
        if length < 20
            || init.tag == 0
            || init.window < 1500
            || init.outgoing_streams == 0
            || init.incoming_streams == 0
            || !alone
            || !tagged
        {
            return Err(Refusal::BadInit);
        }
        Some(init)
    } else {
        None
    };
    Ok(Head { source_port, destination_port, tag, kind, init })
}

/// Gives payload protocol identifiers a place in the stack's enum and takes them back out.
///
/// 46 (Diameter), 47 (Diameter over DTLS) and 0 (said by freeDiameter) have a fixed place, any two others a place in the
/// order they appear. On the way in a third other one takes the last place, so that its label may be given to a message of
/// the second: nothing is refused for its identifier, and no association uses five.
#[derive(Clone, Copy, Debug, Default)]
pub struct PpidTable {
    others: [Option<u32>; 2],
}

impl PpidTable {
    /// The place of an identifier that is to be sent; `None` when both free places are taken by others.
    pub fn place(&mut self, ppid: u32) -> Option<PayloadProtocolIdentifier> {
        use PayloadProtocolIdentifier::{Binary, BinaryEmpty, String, StringEmpty, Unknown};
        match ppid {
            46 => return Some(String),
            47 => return Some(Binary),
            0 => return Some(StringEmpty),
            _ => {}
        }
        for (slot, place) in self.others.iter_mut().zip([BinaryEmpty, Unknown]) {
            if *slot.get_or_insert(ppid) == ppid {
                return Some(place);
            }
        }
        None
    }

    /// The place of an identifier that came in.
    fn place_received(&mut self, ppid: u32) -> PayloadProtocolIdentifier {
        self.place(ppid).unwrap_or_else(|| {
            self.others[1] = Some(ppid);
            PayloadProtocolIdentifier::Unknown
        })
    }

    /// The identifier a place stands for.
    #[must_use]
    pub fn identifier(&self, place: PayloadProtocolIdentifier) -> u32 {
        self.wire(place as u32)
    }

    fn wire(&self, place: u32) -> u32 {
        match place {
            51 => 46,
            53 => 47,
            57 => self.others[0].unwrap_or_default(),
            58 => self.others[1].unwrap_or_default(),
            _ => 0,
        }
    }
}

/// What the edge knows of one association.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Identifiers of messages that came in.
    pub received: PpidTable,
    /// Identifiers of messages that go out.
    pub sent: PpidTable,
    /// The tag in packets from the peer; zero until the INIT or INIT ACK has left.
    pub local_tag: u32,
    /// The tag in packets to the peer; zero until its INIT or INIT ACK has come.
    pub peer_tag: u32,
    /// Streams to the peer: what we offer, then what both agree on.
    pub outgoing_streams: u16,
    /// Streams from the peer: what we allow, then what both agree on.
    pub incoming_streams: u16,
    /// What we offer in INIT and INIT ACK: outgoing, incoming.
    offer: (u16, u16),
    /// Everything up to this TSN of the peer has been acknowledged.
    acknowledged: u32,
    /// The largest receive window ever advertised, in octets.
    window: u32,
    /// Asks the stack for a SACK at once.
    immediate_sack: bool,
}

/// What was in a packet that came in, apart from what the stack is to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// Octets left for the stack, at the front of the buffer; [`COMMON_HEADER`] when nothing is.
    pub length: usize,
    /// The peer aborts, for this cause (0 when it names none).
    pub abort: Option<u16>,
    /// The peer asks for shutdown.
    pub shutdown: bool,
    /// The shutdown is complete.
    pub shutdown_complete: bool,
    /// The peer breaks the rules: abort for this cause.
    pub violation: Option<u16>,
}

/// What was in a packet that goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dispatched {
    /// Octets of the packet.
    pub length: usize,
    /// Its one chunk is a SACK.
    pub only_sack: bool,
    /// It begins with DATA.
    pub data: bool,
    /// The shutdown is complete as soon as this has left.
    pub shutdown_complete: bool,
}

impl Edge {
    /// For an association that offers so many streams, whose receive window is never shown larger than `window`.
    #[must_use]
    pub fn new(outgoing_streams: u16, incoming_streams: u16, window: u32, immediate_sack: bool) -> Self {
        Self {
            received: PpidTable::default(),
            sent: PpidTable::default(),
            local_tag: 0,
            peer_tag: 0,
            outgoing_streams,
            incoming_streams,
            offer: (outgoing_streams, incoming_streams),
            acknowledged: 0,
            window: window.max(1500),
            immediate_sack,
        }
    }

    /// Prepares a packet from the peer for the stack, in place: `buffer[..length]` has passed [`inspect`]; up to three
    /// octets behind it may be used for padding. `hold_shutdown` keeps SHUTDOWN back (there is data to be sent first).
    pub fn admit(&mut self, buffer: &mut [u8], length: usize, head: &Head, hold_shutdown: bool) -> Admitted {
        let mut admitted = Admitted::default();
        if let Some(init) = head.init {
            self.peer_tag = init.tag;
            self.acknowledged = init.tsn.wrapping_sub(1);
            self.outgoing_streams = self.offer.0.min(init.incoming_streams);
            self.incoming_streams = self.offer.1.min(init.outgoing_streams);
        }
        let (mut read, mut write) = (COMMON_HEADER, COMMON_HEADER);
        while read + 4 <= length {
            let (kind, size) = (buffer[read], usize::from(u16_at(buffer, read + 2)));
            if size < 4 || read + size > length {
                break;
            }
            let mut kept = size;
            match kind {
                chunk::DATA => {
                    if size <= 16 {
                        admitted.violation = Some(cause::NO_USER_DATA);
                        break;
                    }
                    if u16_at(buffer, read + 8) >= self.incoming_streams {
                        admitted.violation = Some(cause::INVALID_STREAM);
                        break;
                    }
                    let place = self.received.place_received(u32_at(buffer, read + 12)) as u32;
                    buffer[read + 12..read + 16].copy_from_slice(&place.to_be_bytes());
                    if self.immediate_sack {
                        buffer[read + 1] |= Data::IMMEDIATE;
                    }
                }
                // A parameter the stack does not know spoils the chunk, and none but the cookie is of use to it.
                chunk::INIT | chunk::INIT_ACK => {
                    kept = keep_parameters(&mut buffer[read..read + size], 20, |kind| kind == 7);
                    buffer[read + 1] = 0;
                }
                // The causes may not parse; the code of the first is all that is told anyway.
                chunk::ABORT => {
                    admitted.abort = Some(if size >= 8 { u16_at(buffer, read + 4) } else { 0 });
                    buffer[read + 2..read + 4].copy_from_slice(&4u16.to_be_bytes());
                    kept = 4;
                }
                chunk::SHUTDOWN => {
                    admitted.shutdown = true;
                    kept = if hold_shutdown { 0 } else { size };
                }
                chunk::SHUTDOWN_COMPLETE => admitted.shutdown_complete = true,
                chunk::SACK | chunk::HEARTBEAT | chunk::SHUTDOWN_ACK | chunk::COOKIE_ECHO | chunk::COOKIE_ACK => {}
                // The stack sends no heartbeats; that the peer lives is known from the packet's tag.
                chunk::HEARTBEAT_ACK => kept = 0,
                // An ERROR reports something of ours the peer does without; to the stack it would be the end.
                chunk::ERROR => kept = 0,
                // The two highest bits say what to do with the unknown. RFC 9260 section 3.2.
                _ if kind & 0x80 != 0 => kept = 0,
                _ => break,
            }
            if kept > 0 {
                buffer.copy_within(read..read + kept, write);
                let end = write + kept.next_multiple_of(4);
                if let Some(padding) = buffer.get_mut(write + kept..end) {
                    padding.fill(0);
                }
                write = end.min(buffer.len());
            }
            read += size.next_multiple_of(4);
            if admitted.abort.is_some() {
                break;
            }
        }
        set_crc32c(&mut buffer[..write]);
        admitted.length = write;
        admitted
    }

    /// Prepares a packet of the stack for the wire, in place; it may become shorter.
    pub fn dispatch(&mut self, packet: &mut [u8]) -> Dispatched {
        let mut dispatched = Dispatched::default();
        let mut at = COMMON_HEADER;
        let mut end = packet.len();
        while at + 4 <= end {
            let (kind, size) = (packet[at], usize::from(u16_at(packet, at + 2)));
            if size < 4 || at + size > end {
                break;
            }
            match kind {
                chunk::DATA if size >= 16 => {
                    dispatched.data |= at == COMMON_HEADER;
                    let ppid = self.sent.wire(u32_at(packet, at + 12));
                    packet[at + 12..at + 16].copy_from_slice(&ppid.to_be_bytes());
                }
                chunk::INIT | chunk::INIT_ACK if size >= 20 => {
                    self.local_tag = u32_at(packet, at + 4);
                    self.clamp(&mut packet[at + 8..at + 12]);
                    packet[at + 12..at + 14].copy_from_slice(&self.offer.0.to_be_bytes());
                    packet[at + 14..at + 16].copy_from_slice(&self.offer.1.to_be_bytes());
                    // 0x8008 would offer stream reset and FORWARD TSN.
                    let kept = keep_parameters(&mut packet[at..at + size], 20, |kind| kind != 0x8008);
                    end = at + kept.next_multiple_of(4);
                    break;
                }
                chunk::SACK if size >= 16 => {
                    self.acknowledged = u32_at(packet, at + 4);
                    self.clamp(&mut packet[at + 8..at + 12]);
                    dispatched.only_sack = at == COMMON_HEADER && at + size.next_multiple_of(4) >= end;
                }
                chunk::SHUTDOWN if size >= 8 => {
                    packet[at + 4..at + 8].copy_from_slice(&self.acknowledged.to_be_bytes());
                }
                chunk::SHUTDOWN_COMPLETE => dispatched.shutdown_complete = true,
                _ => {}
            }
            at += size.next_multiple_of(4);
        }
        set_crc32c(&mut packet[..end]);
        dispatched.length = end;
        dispatched
    }

    /// The peer may have no more under way than the socket's buffer holds, or the kernel drops it.
    fn clamp(&self, window: &mut [u8]) {
        let shown = u32_at(window, 0).min(self.window);
        window.copy_from_slice(&shown.to_be_bytes());
    }
}

/// Keeps the wanted parameters of a chunk whose fixed part has `fixed` octets, moves them together and sets the chunk's
/// length; answers it. Parameters that do not fit the chunk are dropped with all behind them.
fn keep_parameters(chunk: &mut [u8], fixed: usize, keep: impl Fn(u16) -> bool) -> usize {
    let (mut read, mut write, mut length) = (fixed, fixed, fixed);
    while read + 4 <= chunk.len() {
        let (kind, size) = (u16_at(chunk, read), usize::from(u16_at(chunk, read + 2)));
        if size < 4 || read + size > chunk.len() {
            break;
        }
        if keep(kind) {
            chunk.copy_within(read..read + size, write);
            length = write + size;
            write = length.next_multiple_of(4).min(chunk.len());
            chunk[length..write].fill(0);
        }
        read += size.next_multiple_of(4);
    }
    // At most what it was, so it fits 16 bits.
    chunk[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    length
}

/// Puts the chunk of a packet that holds nothing but a SACK in front of another packet's chunks: control first. The
/// result has its checksum; both must belong to one association.
pub fn bundle(into: &mut Vec<u8>, sack: &[u8], packet: &[u8]) {
    into.clear();
    into.extend_from_slice(sack);
    into.extend_from_slice(packet.get(COMMON_HEADER..).unwrap_or_default());
    set_crc32c(into);
}

/// The reply to a packet that belongs to no association here, if there is one. RFC 9260 section 8.4: a peer that missed
/// the end learns it, and one that does not know that this side has restarted learns that.
pub fn stray<'b>(head: &Head, builder: &'b mut SctpPacketBuilder) -> Option<&'b [u8]> {
    builder.restart(head.destination_port, head.source_port, head.tag);
    match head.kind {
        chunk::ABORT | chunk::SHUTDOWN_COMPLETE | chunk::ERROR | chunk::COOKIE_ACK | chunk::INIT_ACK => None,
        chunk::SHUTDOWN_ACK => Some(builder.shutdown_complete(true).finish()),
        chunk::INIT => None,
        _ => Some(builder.chunk(chunk::ABORT, 1, &[]).finish()),
    }
}

/// ABORT for an INIT that is not taken: its own tag says to whom it belongs.
pub fn refuse<'b>(head: &Head, cause: u16, builder: &'b mut SctpPacketBuilder) -> &'b [u8] {
    let tag = head.init.map_or(head.tag, |init| init.tag);
    builder.restart(head.destination_port, head.source_port, tag);
    builder.abort(cause, false).finish()
}

/// The words for a cause code in a report.
#[must_use]
pub fn cause_name(cause: u16) -> &'static str {
    match cause {
        0 => "no cause given",
        1 => "invalid stream identifier",
        2 => "missing mandatory parameter",
        3 => "stale cookie",
        4 => "out of resource",
        5 => "unresolvable address",
        6 => "unrecognised chunk type",
        7 => "invalid mandatory parameter",
        8 => "unrecognised parameters",
        9 => "no user data",
        10 => "cookie received while shutting down",
        11 => "restart with new addresses",
        12 => "user-initiated abort",
        13 => "protocol violation",
        _ => "unknown cause",
    }
}

#[cfg(test)]
#[path = "edge_tests.rs"]
mod tests;
