//! Where the octets of each stream lie in the file: an observer of the reader's own layers.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::super::sctp::{CHUNK_HEADER, SctpPacket};
use super::super::{IpFragment, Observer, TcpPayload};
use super::spans::{Spans, offset_in};

/// Stream, message, whether it is unordered, whether it is I-DATA.
pub(super) type MessageKey = (u16, u32, bool, bool);

/// A DATA or I-DATA chunk.
pub(super) struct Chunk {
    pub frame: usize,
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
}

/// The payload of a TCP segment.
pub(super) struct Segment {
    pub sequence: u32,
    pub spans: Spans,
}

/// All pieces, by direction in the order met.
pub(super) struct Collector<'f> {
    file: &'f [u8],
    /// The frame at hand, from 0.
    pub frame: usize,
    pub chunks: Vec<Vec<Chunk>>,
    by_tag: HashMap<(u32, u32, u32), usize>,
    pub segments: Vec<Vec<Segment>>,
    by_sender: HashMap<(u32, SocketAddr), usize>,
    /// Fragments of IP packets by what tells packets apart, and the packet met last.
    fragments: HashMap<Packet, Vec<(usize, Spans)>>,
    last: Option<Packet>,
}

type Packet = (IpAddr, IpAddr, u8, u32);

const DATA: u8 = 0;
const I_DATA: u8 = 64;
/// Fragmented packets that are remembered.
const PACKETS: usize = 4096;

impl<'f> Collector<'f> {
    pub fn new(file: &'f [u8]) -> Self {
        Self {
            file,
            frame: 0,
            chunks: Vec::new(),
            by_tag: HashMap::new(),
            segments: Vec::new(),
            by_sender: HashMap::new(),
            fragments: HashMap::new(),
            last: None,
        }
    }

    /// Where a slice lies that ends where its IP packet does.
    fn place(&self, octets: &[u8]) -> Spans {
        if let Some(start) = offset_in(self.file, octets) {
            return Spans::one(start..start + octets.len());
        }
        // It was put together from fragments: those met last.
        let Some(fragments) = self.last.and_then(|packet| self.fragments.get(&packet)) else { return Spans::default() };
        let whole = assemble(fragments);
        let length = whole.len();
        whole.sub(length.saturating_sub(octets.len())..length)
    }
}

/// The payload of a packet from its fragments; what came later lies on top.
pub(super) fn assemble(fragments: &[(usize, Spans)]) -> Spans {
    let mut sorted: Vec<&(usize, Spans)> = fragments.iter().collect();
    sorted.sort_by_key(|(offset, _)| *offset);
    let mut whole = Spans::default();
    for (offset, spans) in sorted {
        let have = whole.len();
        if *offset <= have {
            whole.extend(&spans.sub(have - offset..spans.len()));
        }
    }
    whole
}

impl Observer for Collector<'_> {
    fn sctp_packet(&mut self, packet: &SctpPacket<'_>) {
        let place = self.place(packet.chunks);
        if place.len() != packet.chunks.len() {
            return;
        }
        let ports = u32::from(packet.source.port()) << 16 | u32::from(packet.destination.port());
        let direction = (packet.association, ports, packet.verification_tag);
        let mut at = 0;
        while let Some(head) = packet.chunks.get(at..).and_then(<[u8]>::first_chunk::<CHUNK_HEADER>) {
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            if length < CHUNK_HEADER {
                return;
            }
            let end = (at + length).min(packet.chunks.len());
            if let Some(mut chunk) = packet.chunks.get(at..end).and_then(|chunk| parse(head, chunk)) {
                chunk.frame = self.frame;
                chunk.cut = at + length > packet.chunks.len();
                let header = if head[0] == I_DATA { 20 } else { 16 };
                chunk.spans = place.sub(at + header..end);
                let next = self.chunks.len();
                let index = *self.by_tag.entry(direction).or_insert(next);
                if index == next {
                    self.chunks.push(Vec::new());
                }
                if let Some(chunks) = self.chunks.get_mut(index) {
                    chunks.push(chunk);
                }
            }
            at += length.next_multiple_of(4);
        }
    }

    fn tcp_payload(&mut self, payload: &TcpPayload<'_>) {
        let spans = self.place(payload.data);
        if spans.len() != payload.data.len() || payload.data.is_empty() {
            return;
        }
        let next = self.segments.len();
        let index = *self.by_sender.entry((payload.connection, payload.source)).or_insert(next);
        if index == next {
            self.segments.push(Vec::new());
        }
        if let Some(segments) = self.segments.get_mut(index) {
            segments.push(Segment { sequence: payload.sequence, spans });
        }
    }

    fn ip_fragment(&mut self, fragment: &IpFragment<'_>) {
        let packet = (fragment.source, fragment.destination, fragment.protocol, fragment.identification);
        let Some(start) = offset_in(self.file, fragment.data) else { return };
        if self.fragments.len() >= PACKETS && !self.fragments.contains_key(&packet) {
            self.fragments.clear();
        }
        let fragments = self.fragments.entry(packet).or_default();
        if fragment.offset == 0 && fragments.iter().any(|(offset, _)| *offset == 0) {
            // The identification has come round, or the packet was captured twice.
            fragments.clear();
        }
        fragments.push((fragment.offset, Spans::one(start..start + fragment.data.len())));
        self.last = Some(packet);
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
    Some(Chunk { frame: 0, spans: Spans::default(), sequence, key, begin, end, ppid, cut: false })
}
