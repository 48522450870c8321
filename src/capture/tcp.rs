//! TCP segments to octets in order, and those to Diameter messages. RFC 9293, RFC 6733 section 2.1.
//!
//! Each direction of a connection stands at a sequence number. What lies before it is a retransmission; what lies beyond
//! leaves a hole. Behind a hole, whole messages at the start of a segment are delivered at once, the rest waits. A hole
//! that is not filled in time is given up, and the next plausible message is searched for.

use std::collections::HashMap;

use super::detect::{self, Bar, Judgement};
use super::found::{Carrier, Path, Sink};
use super::ip::Datagram;
use super::oddity::OddityKind;
use super::table::Slots;
use super::{AssociationStep, Observer, Options, TcpPayload, Timestamp, Transport};
use crate::folding::Folding;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// Segments waiting behind a hole of one direction.
const MAXIMUM_WAITING: usize = 64;
/// A segment further than this from where the stream stands belongs to another connection on the same ports.
const WINDOW: u32 = 8 << 20;
/// Octets of an unknown stream that are searched for a message that does not begin where a segment does.
const SEARCHED: usize = 16 << 10;

struct Connection {
    id: u32,
    path: Path,
    /// By direction: 0 as `path`.
    streams: [Stream; 2],
}

#[derive(Default)]
struct Stream {
    /// Sequence number of the octet expected next; none before the first segment.
    next: Option<u32>,
    /// Where the trace begins, when it begins in the middle of the connection.
    first: Option<u32>,
    /// Initial sequence number, when the SYN was seen.
    initial: Option<u32>,
    /// The beginning of a message of which the rest has not come.
    buffer: Vec<u8>,
    /// Segments behind a hole, in order, not overlapping.
    waiting: Vec<Waiting>,
    /// Octets still to be passed over: of a message that is too long, or was cut.
    skip: usize,
    /// True while message boundaries are known.
    synchronised: bool,
    /// True once a message was found.
    proven: bool,
    /// Octets searched in vain.
    searched: usize,
}

struct Waiting {
    sequence: u32,
    /// Octets at its start that were delivered already.
    delivered: usize,
    /// The octets after these.
    data: Vec<u8>,
    /// Octets after these that were not captured.
    missing: usize,
    frame: u64,
    time: Timestamp,
    /// Messages of the frame delivered before.
    index: u32,
}

impl Waiting {
    fn length(&self) -> usize {
        self.delivered + self.data.len() + self.missing
    }

    fn end(&self) -> u32 {
        self.sequence.wrapping_add(self.length() as u32)
    }
}

/// All connections of a capture.
pub(super) struct Connections {
    slots: Slots<Connection>,
    by_path: HashMap<Path, (u32, u8), Folding>,
    /// Octets held in all streams.
    held: usize,
    max_memory: usize,
    max_message: usize,
}

impl Connections {
    pub fn new(options: &Options) -> Self {
        Self {
            slots: Slots::new(options.max_flows),
            by_path: HashMap::default(),
            held: 0,
            max_memory: options.max_memory / 2,
            max_message: options.max_message,
        }
    }

    /// Reads one segment.
    pub fn segment(&mut self, datagram: &Datagram<'_>, sink: &mut Sink, observer: &mut impl Observer) {
        let Some(head) = datagram.payload.first_chunk::<20>() else { return };
        let header = usize::from(head[12] >> 4) * 4;
        let Some(length) = datagram.sent.checked_sub(header).filter(|_| header >= 20) else { return };
        let data = datagram.payload.get(header..).unwrap_or_default();
        let path = Path {
            source: datagram.source,
            destination: datagram.destination,
            source_port: u16::from_be_bytes([head[0], head[1]]),
            destination_port: u16::from_be_bytes([head[2], head[3]]),
        };
        let sequence = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let flags = head[13];
        let is_bare = length == 0 && flags & (SYN | RST) == 0;
        let known = self.by_path.get(&path).copied();
        if is_bare && known.is_none() {
            return;
        }
        let (index, direction) = match known {
            Some((index, direction)) if !self.is_new(index, direction, flags, sequence) => (index, direction),
            _ => self.create(path, sink),
        };
        let Some(connection) = self.slots.get(index) else { return };
        let carrier = carrier(&path, connection.id, direction);
        if flags & (SYN | FIN | RST) != 0 {
            match flags {
                flags if flags & RST != 0 => sink.step(&carrier, AssociationStep::Reset),
                flags if flags & FIN != 0 => sink.step(&carrier, AssociationStep::Fin),
                flags if flags & ACK == 0 => sink.step(&carrier, AssociationStep::Syn),
                _ => {}
            }
        }
        let stream = &mut connection.streams[usize::from(direction)];
        let before = stream.held();
        let mut sequence = sequence;
        if flags & SYN != 0 {
            stream.initial = Some(sequence);
            sequence = sequence.wrapping_add(1);
            if stream.next.is_none() {
                stream.next = Some(sequence);
            }
        }
        if length > 0 {
            sink.statistics.tcp_segments += 1;
            observer.tcp_payload(&TcpPayload {
                connection: connection.id,
                source: path.sender(),
                destination: path.receiver(),
                sequence,
                data,
            });
            sink.statistics.cut += u64::from(data.len() < length);
            let missing = length.saturating_sub(data.len());
            stream.take(sequence, data, missing, self.max_message, carrier, sink);
        }
        self.held = (self.held + stream.held()).saturating_sub(before);
        if flags & RST != 0 {
            // What waits behind a hole is all there will be.
            self.held = self.held.saturating_sub(connection.streams.iter().map(Stream::held).sum());
            connection.close(self.max_message, sink);
        }
        if self.held > self.max_memory {
            self.release_some(sink);
        }
    }

    /// The file is at its end: holes will not be filled any more.
    pub fn finish(&mut self, sink: &mut Sink) {
        for connection in self.slots.iter_mut() {
            connection.close(self.max_message, sink);
        }
        self.held = 0;
    }

    /// True when the segment opens a new connection on ports that were in use before.
    fn is_new(&mut self, index: u32, direction: u8, flags: u8, sequence: u32) -> bool {
        let Some(connection) = self.slots.get(index) else { return true };
        if flags & SYN == 0 {
            return false;
        }
        let stream = &connection.streams[usize::from(direction)];
        match (stream.initial, stream.next) {
            (Some(initial), _) => initial != sequence,
            // Begun in the middle, or the side that answers. A SYN of an old connection can only be a late copy.
            (None, Some(next)) => next.wrapping_sub(sequence) > WINDOW,
            (None, None) => flags & ACK == 0 && connection.streams[usize::from(1 - direction)].next.is_some(),
        }
    }

    fn create(&mut self, path: Path, sink: &mut Sink) -> (u32, u8) {
        sink.statistics.connections += 1;
        let connection = Connection { id: sink.next_flow(), path, streams: Default::default() };
        let (index, evicted) = self.slots.insert(connection);
        if let Some(evicted) = evicted {
            sink.statistics.evicted += 1;
            for path in [evicted.path, evicted.path.reversed()] {
                if self.by_path.get(&path).is_some_and(|place| place.0 == index) {
                    self.by_path.remove(&path);
                }
            }
            let held: usize = evicted.streams.iter().map(Stream::held).sum();
            self.held = self.held.saturating_sub(held);
        }
        self.by_path.insert(path.reversed(), (index, 1));
        self.by_path.insert(path, (index, 0));
        (index, 0)
    }

    #[cold]
    fn release_some(&mut self, sink: &mut Sink) {
        // Two rounds of the clock hand come by every connection.
        for _ in 0..2 * self.slots.len() {
            if self.held <= self.max_memory / 2 {
                return;
            }
            let Some(connection) = self.slots.least_used() else { return };
            let held: usize = connection.streams.iter().map(Stream::held).sum();
            if held == 0 {
                continue;
            }
            self.held = self.held.saturating_sub(held);
            sink.statistics.evicted += 1;
            for stream in &mut connection.streams {
                stream.lose_place();
                stream.waiting = Vec::new();
                stream.next = None;
            }
        }
        self.held = 0;
    }
}

impl Connection {
    /// Holes will not be filled any more: delivers what waits behind them.
    fn close(&mut self, limit: usize, sink: &mut Sink) {
        for (stream, (path, direction)) in self.streams.iter_mut().zip([(self.path, 0), (self.path.reversed(), 1)]) {
            stream.give_up(limit, carrier(&path, self.id, direction), sink, usize::MAX);
            stream.buffer = Vec::new();
        }
    }
}

fn carrier(path: &Path, association: u32, direction: u8) -> Carrier {
    Carrier {
        transport: Transport::Tcp,
        source: path.sender(),
        destination: path.receiver(),
        ppid: None,
        stream: None,
        association,
        direction,
    }
}

impl Stream {
    fn held(&self) -> usize {
        self.buffer.len() + self.waiting.iter().map(|waiting| waiting.data.len() + size_of::<Waiting>()).sum::<usize>()
    }

    /// Forgets where messages begin.
    fn lose_place(&mut self) {
        self.buffer = Vec::new();
        self.skip = 0;
        self.synchronised = false;
        self.searched = 0;
    }

    /// Takes in the payload of a segment; `missing` octets at its end were not captured.
    fn take(
        &mut self,
        mut sequence: u32,
        mut data: &[u8],
        mut missing: usize,
        limit: usize,
        carrier: Carrier,
        sink: &mut Sink,
    ) {
        let mut next = match self.next {
            Some(next) => next,
            None => {
                self.first = Some(sequence);
                sequence
            }
        };
        let distance = sequence.wrapping_sub(next);
        if distance.min(distance.wrapping_neg()) > WINDOW {
            // Nothing joins this to what was before.
            self.give_up(limit, carrier, sink, usize::MAX);
            self.lose_place();
            sink.statistics.tcp_gaps += 1;
            sink.odd(&carrier, OddityKind::TcpGap);
            (next, self.first) = (sequence, Some(sequence));
        }
        self.next = Some(next);
        let length = data.len() + missing;
        if is_before(sequence.wrapping_add(length as u32), next.wrapping_add(1)) {
            return self.old(sequence, data, limit, carrier, sink);
        }
        loop {
            let passed = next.wrapping_sub(sequence);
            if is_before(sequence, next) {
                let passed = passed as usize;
                missing = missing.saturating_sub(passed.saturating_sub(data.len()));
                data = data.get(passed..).unwrap_or_default();
                sequence = next;
            }
            if data.is_empty() && missing == 0 {
                return;
            }
            if sequence != next {
                self.put_aside(sequence, data, missing, limit, carrier, sink);
                if self.waiting.len() > MAXIMUM_WAITING {
                    self.give_up(limit, carrier, sink, 1);
                }
                return;
            }
            // Up to the first segment that waits; that one is taken from where it waits.
            let room = self.waiting.first().map_or(usize::MAX, |first| first.sequence.wrapping_sub(next) as usize);
            let (now, later) = data.split_at(room.min(data.len()));
            self.accept(now, limit, carrier, sink);
            let mut passed = now.len();
            if later.is_empty() && missing > 0 {
                let lost = missing.min(room - now.len());
                self.lose(lost);
                missing -= lost;
                passed += lost;
            }
            data = later;
            next = next.wrapping_add(passed as u32);
            sequence = next;
            self.next = Some(next);
            self.join(limit, carrier, sink, false);
            next = self.next.unwrap_or(next);
        }
    }

    /// A segment that lies wholly before where the stream stands.
    fn old(&mut self, sequence: u32, data: &[u8], limit: usize, carrier: Carrier, sink: &mut Sink) {
        let end = sequence.wrapping_add(data.len() as u32);
        if let Some(first) = self.first
            && is_before(end, first.wrapping_add(1))
        {
            // Before all that was seen: the trace began with segments out of order.
            self.first = Some(sequence);
            whole_messages(data, limit, carrier, sink);
            return;
        }
        sink.statistics.tcp_retransmissions += 1;
        // One octet before all that is new keeps a connection alive.
        if data.len() > 1 {
            sink.odd(&carrier, OddityKind::TcpRetransmission);
        }
    }

    /// Keeps a segment behind a hole, after delivering the messages that are whole in it.
    fn put_aside(
        &mut self,
        mut sequence: u32,
        mut data: &[u8],
        mut missing: usize,
        limit: usize,
        carrier: Carrier,
        sink: &mut Sink,
    ) {
        loop {
            let mut at = 0;
            for waiting in &self.waiting {
                if is_before(sequence, waiting.sequence) {
                    break;
                }
                at += 1;
                // What is there already is not taken twice.
                if is_before(sequence, waiting.end()) {
                    let passed = waiting.end().wrapping_sub(sequence) as usize;
                    missing = missing.saturating_sub(passed.saturating_sub(data.len()));
                    data = data.get(passed..).unwrap_or_default();
                    sequence = waiting.end();
                }
            }
            if data.is_empty() && missing == 0 {
                return;
            }
            let room = self.waiting.get(at).map_or(usize::MAX, |next| next.sequence.wrapping_sub(sequence) as usize);
            let (now, later) = data.split_at(room.min(data.len()));
            let lost = if later.is_empty() { missing.min(room - now.len()) } else { 0 };
            let delivered = whole_messages(now, limit, carrier, sink);
            self.proven |= delivered > 0;
            let waiting = Waiting {
                sequence,
                delivered,
                data: now[delivered..].to_vec(),
                missing: lost,
                frame: sink.frame,
                time: sink.time,
                index: sink.index,
            };
            sequence = waiting.end();
            self.waiting.insert(at, waiting);
            data = later;
            missing -= lost;
            if (data.is_empty() && missing == 0) || self.waiting.len() > MAXIMUM_WAITING {
                return;
            }
        }
    }

    /// Takes the segments that are no longer behind a hole. What they hold became complete just now or, where the hole was
    /// `given_up`, when they were captured.
    fn join(&mut self, limit: usize, carrier: Carrier, sink: &mut Sink, given_up: bool) {
        while let (Some(next), Some(first)) = (self.next, self.waiting.first()) {
            if first.sequence != next {
                return;
            }
            let waiting = self.waiting.remove(0);
            if given_up {
                (sink.frame, sink.time, sink.index) = (waiting.frame, waiting.time, waiting.index);
            }
            if waiting.delivered > 0 {
                // A boundary was where that segment began, whatever was thought before.
                self.buffer.clear();
                self.skip = 0;
                self.synchronised = true;
            }
            self.accept(&waiting.data, limit, carrier, sink);
            self.lose(waiting.missing);
            self.next = Some(waiting.end());
        }
    }

    /// Gives up to `count` holes up and goes on behind them.
    fn give_up(&mut self, limit: usize, carrier: Carrier, sink: &mut Sink, count: usize) {
        let here = (sink.frame, sink.time, sink.index);
        for _ in 0..count {
            let Some(first) = self.waiting.first() else { break };
            sink.statistics.tcp_gaps += 1;
            let (frame, time) =
                (std::mem::replace(&mut sink.frame, first.frame), std::mem::replace(&mut sink.time, first.time));
            sink.odd(&carrier, OddityKind::TcpGap);
            (sink.frame, sink.time) = (frame, time);
            self.next = Some(first.sequence);
            self.lose_place();
            self.join(limit, carrier, sink, true);
        }
        (sink.frame, sink.time, sink.index) = here;
    }

    /// Octets of the stream that were never captured.
    fn lose(&mut self, missing: usize) {
        if missing == 0 {
            return;
        }
        // Where the message that is cut ends is known from its header.
        let open = match detect::judge(&self.buffer, Bar::Announced, usize::MAX) {
            Judgement::Message(length) if self.synchronised && self.skip == 0 => length.checked_sub(self.buffer.len()),
            _ if self.skip > 0 => Some(self.skip),
            _ => None,
        };
        self.lose_place();
        if let Some(rest) = open.and_then(|open| open.checked_sub(missing)) {
            self.skip = rest;
            self.synchronised = true;
        }
    }

    /// Takes octets in order.
    fn accept(&mut self, mut data: &[u8], limit: usize, carrier: Carrier, sink: &mut Sink) {
        let passed = self.skip.min(data.len());
        self.skip -= passed;
        data = &data[passed..];
        // First what completes the message at hand, copied; the rest is read where it lies.
        while !self.buffer.is_empty() && !data.is_empty() {
            let wanted = match detect::judge(&self.buffer, self.bar(), limit) {
                Judgement::Message(length) => length.saturating_sub(self.buffer.len()),
                // A few more octets, to see what it is.
                _ => HEAD,
            };
            let (now, later) = data.split_at(wanted.clamp(1, data.len()));
            self.buffer.extend_from_slice(now);
            data = later;
            let buffer = std::mem::take(&mut self.buffer);
            let used = self.messages(&buffer, limit, carrier, sink);
            if used == 0 {
                self.buffer = buffer;
            } else {
                self.buffer = buffer.get(used..).unwrap_or_default().to_vec();
            }
            let passed = self.skip.min(data.len());
            self.skip -= passed;
            data = &data[passed..];
        }
        if !data.is_empty() {
            let used = self.messages(data, limit, carrier, sink);
            self.buffer.extend_from_slice(data.get(used..).unwrap_or_default());
        }
    }

    fn bar(&self) -> Bar {
        if self.synchronised { Bar::Announced } else { Bar::Unknown }
    }

    /// Delivers the messages in `data`; returns the number of octets that are done with.
    fn messages(&mut self, data: &[u8], limit: usize, carrier: Carrier, sink: &mut Sink) -> usize {
        let mut at = 0;
        while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
            match detect::judge(rest, self.bar(), limit) {
                Judgement::Message(length) => {
                    let Some(message) = rest.get(..length) else { break };
                    sink.add(carrier, message);
                    self.synchronised = true;
                    self.proven = true;
                    at += length;
                }
                Judgement::More => break,
                Judgement::TooLong(length) => {
                    sink.statistics.too_long += 1;
                    self.skip = length.saturating_sub(rest.len());
                    at += length.min(rest.len());
                }
                Judgement::No => {
                    if std::mem::take(&mut self.synchronised) {
                        sink.statistics.tcp_resynchronised += 1;
                        sink.odd(&carrier, OddityKind::TcpPlaceLost);
                        self.searched = 0;
                        continue;
                    }
                    if self.searched > SEARCHED {
                        return data.len();
                    }
                    let Some(step) = detect::find(&rest[1..], limit) else {
                        self.searched += rest.len();
                        return data.len();
                    };
                    at += 1 + step;
                }
            }
        }
        at
    }
}

/// Octets that tell whether a message begins.
const HEAD: usize = 28;

/// Delivers the messages that are whole at the start of `data`; returns their length.
fn whole_messages(data: &[u8], limit: usize, carrier: Carrier, sink: &mut Sink) -> usize {
    let mut at = 0;
    while let Some(rest) = data.get(at..) {
        match detect::judge(rest, Bar::Unknown, limit) {
            Judgement::Message(length) if length <= rest.len() => {
                sink.add(carrier, &rest[..length]);
                at += length;
            }
            _ => break,
        }
    }
    at
}

/// Serial number order, RFC 1982: true when `a` comes before `b`.
#[inline]
fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}
