//! Where the octets of each stream lie in the window: an observer of the reader's own layers.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

use super::super::sctp::{CHUNK_HEADER, SctpPacket};
use super::super::{IpFragment, Observer, TcpPayload};
use super::spans::{Spans, offset_in};

/// Stream, message, whether it is unordered, whether it is I-DATA.
pub(super) type MessageKey = (u16, u32, bool, bool);

/// A DATA or I-DATA chunk.
pub(super) struct Chunk {
    /// The lowest place of the packet it came in.
    pub at: usize,
    /// The user data.
    pub spans: Spans,
    /// TSN, or with I-DATA the fragment's number.
    pub sequence: u32,
    /// What the fragments of one message share. With DATA the TSN tells.
    pub key: MessageKey,
    pub begin: bool,
    pub end: bool,
    pub ppid: u32,
    /// The snap length took some of it.
    pub cut: bool,
    /// It was rewritten, or given up.
    pub done: bool,
}

/// The payload of a TCP segment.
pub(super) struct Segment {
    pub at: usize,
    /// Its sequence number without the wrap.
    pub start: i64,
    pub spans: Spans,
    pub done: bool,
}

/// One direction of a connection.
#[derive(Default)]
pub(super) struct Stream {
    pub segments: Vec<Segment>,
    /// The sequence number met last, with and without its wrap.
    last: Option<(u32, i64)>,
    /// Up to where octets were read for messages.
    pub resume: Option<i64>,
    /// A message begins there.
    pub synchronised: bool,
    /// Diameter was met.
    pub proven: bool,
}

/// All pieces that wait or may be met again, by direction in the order met.
#[derive(Default)]
pub(super) struct Pieces {
    pub associations: BTreeMap<(u32, u32, u32), Vec<Chunk>>,
    pub connections: BTreeMap<(u32, SocketAddr), Stream>,
    /// Fragments of IP packets by what tells packets apart, and the packet met last.
    fragments: HashMap<Packet, Vec<Piece>>,
    last: Option<Packet>,
}

pub(super) type Packet = (IpAddr, IpAddr, u8, u32);
/// Where a fragment belongs, where it lies, and whether more follow.
pub(super) type Piece = (usize, Spans, bool);

const DATA: u8 = 0;
const I_DATA: u8 = 64;
/// Fragmented packets, and silent connections of Diameter, that are remembered.
const REMEMBERED: usize = 4096;

impl Pieces {
    /// Forgets what lies in the first `by` octets of the window, which go.
    pub fn slide(&mut self, by: usize) {
        for chunks in self.associations.values_mut() {
            chunks.retain_mut(|chunk| {
                let stays = chunk.at >= by;
                chunk.at = chunk.at.saturating_sub(by);
                chunk.spans.shift(by);
                stays
            });
        }
        self.associations.retain(|_, chunks| !chunks.is_empty());
        for stream in self.connections.values_mut() {
            stream.segments.retain_mut(|segment| {
                let stays = segment.at >= by;
                segment.at = segment.at.saturating_sub(by);
                segment.spans.shift(by);
                stays
            });
        }
        let mut silent = self.connections.values().filter(|stream| stream.segments.is_empty() && stream.proven).count();
        self.connections.retain(|_, stream| {
            let is_silent = stream.segments.is_empty();
            let stays = !is_silent || stream.proven && silent <= REMEMBERED;
            silent -= usize::from(!stays && stream.proven && silent > 0);
            stays
        });
        self.fragments.retain(|_, fragments| fragments.iter().all(|(_, spans, _)| spans.lowest() >= by));
        for (_, spans, _) in self.fragments.values_mut().flatten() {
            spans.shift(by);
        }
        if self.last.is_some_and(|packet| !self.fragments.contains_key(&packet)) {
            self.last = None;
        }
    }

    /// The first place of a piece that waits for others.
    pub fn first_waiting(&self) -> Option<usize> {
        let chunks = self.associations.values().flatten().filter(|chunk| !chunk.done).map(|chunk| chunk.at);
        let streams = self.connections.values().flat_map(|stream| &stream.segments);
        let segments = streams.filter(|segment| !segment.done).map(|segment| segment.at);
        chunks.chain(segments).min()
    }

    /// The place up to which may be written, at most `end`, without parting the fragments of an IP packet.
    pub fn whole_packets(&self, end: usize) -> usize {
        let mut end = end;
        let bounds: Vec<(usize, usize)> = self
            .fragments
            .values()
            .filter_map(|fragments| {
                let places = || fragments.iter().map(|(_, spans, _)| spans.lowest());
                let last = if whole_of(fragments).is_some() { places().max()? } else { usize::MAX };
                Some((places().min()?, last))
            })
            .collect();
        while let Some((first, _)) = bounds.iter().find(|(first, last)| *first < end && end <= *last) {
            end = *first;
        }
        end
    }
}

/// Collects the pieces of one frame.
pub(super) struct Collecting<'f> {
    /// The octets of the window.
    pub old: &'f [u8],
    /// Where the frame begins in them.
    pub at: usize,
    pub pieces: &'f mut Pieces,
}

impl Collecting<'_> {
    /// Where a slice lies that ends where its IP packet does.
    fn place(&self, octets: &[u8]) -> Spans {
        if let Some(start) = offset_in(self.old, octets) {
            return Spans::one(start..start + octets.len());
        }
        // It was put together from fragments: those met last.
        let packet = self.pieces.last.and_then(|packet| self.pieces.fragments.get(&packet));
        let Some(fragments) = packet else { return Spans::default() };
        let whole = assemble(fragments);
        let length = whole.len();
        whole.sub(length.saturating_sub(octets.len())..length)
    }
}

/// The payload of a packet from its fragments; what came later lies on top.
fn assemble(fragments: &[Piece]) -> Spans {
    let mut sorted: Vec<&Piece> = fragments.iter().collect();
    sorted.sort_by_key(|(offset, ..)| *offset);
    let mut whole = Spans::default();
    for (offset, spans, _) in sorted {
        let have = whole.len();
        if *offset <= have {
            whole.extend(&spans.sub(have - offset..spans.len()));
        }
    }
    whole
}

/// The payload of a packet when all its fragments are there.
pub(super) fn whole_of(fragments: &[Piece]) -> Option<Spans> {
    let total = fragments.iter().find(|(.., more)| !more).map(|(offset, spans, _)| offset + spans.len())?;
    Some(assemble(fragments)).filter(|whole| whole.len() >= total)
}

impl Observer for Collecting<'_> {
    fn sctp_packet(&mut self, packet: &SctpPacket<'_>) {
        let place = self.place(packet.chunks);
        if place.len() != packet.chunks.len() {
            return;
        }
        let ports = u32::from(packet.source.port()) << 16 | u32::from(packet.destination.port());
        let direction = (packet.association, ports, packet.verification_tag);
        let lowest = place.lowest().min(self.at);
        let mut at = 0;
        while let Some(head) = packet.chunks.get(at..).and_then(<[u8]>::first_chunk::<CHUNK_HEADER>) {
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            if length < CHUNK_HEADER {
                return;
            }
            let end = (at + length).min(packet.chunks.len());
            if let Some(mut chunk) = packet.chunks.get(at..end).and_then(|chunk| parse(head, chunk)) {
                chunk.at = lowest;
                chunk.cut = at + length > packet.chunks.len();
                let header = if head[0] == I_DATA { 20 } else { 16 };
                chunk.spans = place.sub(at + header..end);
                self.pieces.associations.entry(direction).or_default().push(chunk);
            }
            at += length.next_multiple_of(4);
        }
    }

    fn tcp_payload(&mut self, payload: &TcpPayload<'_>) {
        let spans = self.place(payload.data);
        if spans.len() != payload.data.len() || payload.data.is_empty() {
            return;
        }
        let stream = self.pieces.connections.entry((payload.connection, payload.source)).or_default();
        // By the distance from the one before.
        let (before, at) = stream.last.unwrap_or((payload.sequence, 0));
        let start = at + i64::from(payload.sequence.wrapping_sub(before).cast_signed());
        stream.last = Some((payload.sequence, start));
        stream.segments.push(Segment { at: spans.lowest().min(self.at), start, spans, done: false });
    }

    fn ip_fragment(&mut self, fragment: &IpFragment<'_>) {
        let packet = (fragment.source, fragment.destination, fragment.protocol, fragment.identification);
        let Some(start) = offset_in(self.old, fragment.data) else { return };
        let known = &mut self.pieces.fragments;
        if known.len() >= REMEMBERED && !known.contains_key(&packet) {
            known.clear();
        }
        let fragments = known.entry(packet).or_default();
        if fragment.offset == 0 && fragments.iter().any(|(offset, ..)| *offset == 0) {
            // The identification has come round, or the packet was captured twice.
            fragments.clear();
        }
        fragments.push((fragment.offset, Spans::one(start..start + fragment.data.len()), fragment.more));
        self.pieces.last = Some(packet);
    }
}

fn parse(head: &[u8; CHUNK_HEADER], chunk: &[u8]) -> Option<Chunk> {
    let word = |at: usize| Some(u32::from_be_bytes(*chunk.get(at..)?.first_chunk()?));
    let half = |at: usize| Some(u16::from_be_bytes(*chunk.get(at..)?.first_chunk()?));
    let (unordered, begin, end) = (head[1] & 4 != 0, head[1] & 2 != 0, head[1] & 1 != 0);
    let (stream, tsn) = (half(8)?, word(4)?);
    let (sequence, message, ppid, interleaved) = match head[0] {
        DATA => (tsn, 0, word(12)?, false),
        // The first fragment has the payload protocol identifier where the others have their number. RFC 8260 2.1.
        I_DATA => {
            let last = word(16)?;
            let (sequence, ppid) = if begin { (0, last) } else { (last, 0) };
            (sequence, word(12)?, ppid, true)
        }
        _ => return None,
    };
    let key = (stream, message, unordered, interleaved);
    Some(Chunk { at: 0, spans: Spans::default(), sequence, key, begin, end, ppid, cut: false, done: false })
}
