//! SCTP packets to user messages. RFC 9260, I-DATA of RFC 8260, UDP encapsulation of RFC 6951.
//!
//! A packet belongs to an association by its path (addresses and ports) and verification tag; a tag seen on a new path
//! with the same ports is the same association on another of its addresses. Chunks are walked where they lie. A message
//! is delivered when its last fragment is there; order between messages is not waited for.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::checksum::Checksum;
use super::detect::{self, Bar};
use super::found::{Carrier, Path, Sink};
use super::oddity::OddityKind;
use super::order::Order;
use super::reassembly::{Key, Partial, Piece, Seen};
use super::table::Slots;
use super::{Observer, Options, Timestamp, Transport};
use crate::folding::Folding;

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

/// Tags below this are no random numbers: on another path they prove nothing.
const RANDOM_TAG: u32 = 0x1_0000;
/// Paths and announced addresses remembered for an association.
const MAXIMUM_PATHS: usize = 16;
/// Slots for TSNs in all associations together: 8 MiB.
const TSN_SLOTS: usize = 1 << 20;

/// Two sides that talk, and what each has sent.
struct Association {
    id: u32,
    /// By direction: 0 from the side that was seen first.
    directions: [Direction; 2],
    /// Paths leading here in the index, each in one direction.
    paths: Vec<Path>,
    /// Addresses announced in INIT and INIT ACK.
    announced: Vec<IpAddr>,
    data_seen: bool,
    ended: bool,
}

#[derive(Default)]
struct Direction {
    /// Ports and verification tag of the packets that go this way.
    tag: Option<Tag>,
    seen: Seen,
    order: Order,
    partial: Partial,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Tag {
    ports: u32,
    tag: u32,
}

impl Tag {
    fn new(path: &Path, tag: u32) -> Self {
        Self { ports: u32::from(path.source_port) << 16 | u32::from(path.destination_port), tag }
    }
}

type Place = (u32, u8);

/// All associations of a capture.
pub(super) struct Associations {
    slots: Slots<Association>,
    by_path: HashMap<Path, Place, Folding>,
    by_tag: HashMap<Tag, Place, Folding>,
    recent: Recent,
    budget: usize,
    /// Octets of fragments held.
    held: usize,
    max_memory: usize,
    max_message: usize,
}

/// Where packets of late belonged, by path and tag: a packet looks here first, which spares it both indexes. A fixed
/// number of places, one for each remainder of the tag; what is newer takes the place of what is older.
struct Recent {
    places: Box<[Option<Belonging>]>,
    /// Entries of earlier generations no longer hold.
    generation: u32,
}

/// The generation of an entry, path and tag of a packet, and where they lead.
type Belonging = (u32, Path, u32, Place);

impl Default for Recent {
    fn default() -> Self {
        Self { places: vec![None; Self::PLACES].into(), generation: 0 }
    }
}

impl Recent {
    const PLACES: usize = 2048;

    const fn place(tag: u32) -> usize {
        (tag ^ tag >> 16) as usize % Self::PLACES
    }

    #[inline]
    fn get(&self, path: &Path, tag: u32) -> Option<Place> {
        match &self.places[Self::place(tag)] {
            Some((generation, known, of, place)) if *of == tag && *generation == self.generation && known == path => {
                Some(*place)
            }
            _ => None,
        }
    }

    fn put(&mut self, path: Path, tag: u32, place: Place) {
        self.places[Self::place(tag)] = Some((self.generation, path, tag, place));
    }

    /// Forgets all, in no time.
    fn forget(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.places.fill(None);
        }
    }
}

impl Associations {
    pub fn new(options: &Options) -> Self {
        Self {
            slots: Slots::new(options.max_flows),
            by_path: HashMap::default(),
            by_tag: HashMap::default(),
            recent: Recent::default(),
            budget: TSN_SLOTS,
            held: 0,
            max_memory: options.max_memory / 2,
            max_message: options.max_message,
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
        let checksum = if packet.len() < envelope.sent { Checksum::Unjudged } else { Checksum::judge(packet) };
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
            Some(&(DATA | SACK | I_DATA)) => self.recent.get(&path, tag),
            _ => None,
        };
        let place = known.unwrap_or_else(|| {
            let place = self.locate(&path, tag, chunks, sink);
            self.recent.put(path, tag, place);
            place
        });
        let Some(association) = self.slots.get(place.0) else { return };
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
                    data_chunk(direction, chunk, &mut self.budget, self.max_message, carrier, sink);
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
        for direction in self.slots.iter_mut().flat_map(|association| &mut association.directions) {
            sink.statistics.sctp_incomplete += direction.partial.clear();
        }
        self.held = 0;
    }

    #[cold]
    fn release_some(&mut self, sink: &mut Sink) {
        // Two rounds of the clock hand come by every association.
        for _ in 0..2 * self.slots.len() {
            if self.held <= self.max_memory / 2 {
                return;
            }
            let Some(association) = self.slots.least_used() else { return };
            for direction in &mut association.directions {
                self.held = self.held.saturating_sub(direction.partial.octets());
                sink.statistics.sctp_incomplete += direction.partial.clear();
            }
        }
        self.held = 0;
    }

    /// The association and direction of a packet; a new one when none fits.
    fn locate(&mut self, path: &Path, tag: u32, chunks: &[u8], sink: &mut Sink) -> Place {
        let first = chunks.first().copied();
        let init = match first {
            Some(INIT | INIT_ACK) => Init::parse(chunks),
            _ => None,
        };
        let place = match &init {
            Some(init) if first == Some(INIT) => self.locate_init(path, init, sink),
            _ => self.locate_tag(path, tag, chunks, sink),
        };
        if let Some(init) = init {
            // What INIT and INIT ACK announce is the tag of the packets that come back.
            self.bind((place.0, 1 - place.1), Tag::new(&path.reversed(), init.tag));
            if let Some(association) = self.slots.get(place.0) {
                for address in init.addresses() {
                    if association.announced.len() < MAXIMUM_PATHS && !association.announced.contains(&address) {
                        association.announced.push(address);
                    }
                }
            }
        }
        place
    }

    fn locate_init(&mut self, path: &Path, init: &Init<'_>, sink: &mut Sink) -> Place {
        let by_tag = self.find_tag(&path.reversed(), init.tag).map(|(index, direction)| (index, 1 - direction));
        let by_path = self.by_path.get(path).copied();
        for place in [by_tag, by_path].into_iter().flatten() {
            let Some(association) = self.slots.get(place.0) else { continue };
            if association.ended {
                // It is over: its tags mean nothing any more.
                for tag in association.directions.iter_mut().filter_map(|direction| direction.tag.take()) {
                    if self.by_tag.get(&tag).is_some_and(|other| other.0 == place.0) {
                        self.by_tag.remove(&tag);
                    }
                }
                continue;
            }
            if by_tag == Some(place) {
                // The INIT is sent again, perhaps to another address.
                self.add_path(path, place);
                return place;
            }
            if !association.data_seen {
                // Both sides began at once, or a failed attempt is repeated. On a path that reads the same both ways the
                // direction is told by what is known already.
                let other = (place.0, 1 - place.1);
                let is_other = *path == path.reversed() && association.directions[usize::from(other.1)].tag.is_some();
                return if is_other { other } else { place };
            }
        }
        self.create(path, sink)
    }

    fn locate_tag(&mut self, path: &Path, tag: u32, chunks: &[u8], sink: &mut Sink) -> Place {
        let wanted = Tag::new(path, tag);
        let by_path = self.by_path.get(path).copied();
        if let Some(place) = by_path
            && let Some(association) = self.slots.get(place.0)
            && association.directions[usize::from(place.1)].tag == Some(wanted)
        {
            return place;
        }
        if let Some(place) = self.find_tag(path, tag) {
            if let Some(other) = by_path
                && other.0 != place.0
            {
                self.join(place, other, sink);
            }
            self.add_path(path, place);
            return place;
        }
        if let Some((index, direction)) = by_path
            && let Some(association) = self.slots.get(index)
        {
            // The T bit: the sender had no association and returns the tag it was sent.
            let reflected = matches!(chunks, [ABORT | SHUTDOWN_COMPLETE, flags, ..] if flags & 1 != 0);
            if reflected {
                return (index, direction);
            }
            if association.directions[usize::from(direction)].tag.is_none() {
                self.bind((index, direction), wanted);
                return (index, direction);
            }
            if *path == path.reversed() && association.directions[1 - usize::from(direction)].tag.is_none() {
                self.bind((index, 1 - direction), wanted);
                return (index, 1 - direction);
            }
        }
        let agreed = by_path.and_then(|(index, direction)| {
            let association = self.slots.get(index)?;
            let tag = association.directions[usize::from(direction)].tag?;
            let alive = !association.ended && association.data_seen;
            alive.then_some((association.id, tag.tag))
        });
        let place = self.create(path, sink);
        self.bind(place, wanted);
        if let (Some((of, expected)), Some(association)) = (agreed, self.slots.get(place.0)) {
            let carrier = Carrier {
                transport: Transport::Sctp,
                source: path.sender(),
                destination: path.receiver(),
                ppid: None,
                stream: None,
                association: association.id,
                direction: place.1,
            };
            sink.odd(&carrier, OddityKind::VerificationTag { found: tag, expected, of });
        }
        place
    }

    /// A packet that `place` claims by its tag came by a path of `other`. Where the trace begins in the middle and a side has
    /// several addresses, the two directions of one association may have been taken for two associations: when each
    /// knows one direction alone, they are made one.
    fn join(&mut self, place: Place, other: Place, sink: &mut Sink) {
        let (this, back) = (usize::from(other.1), usize::from(1 - other.1));
        if self.slots.get(place.0).is_none_or(|one| one.directions[usize::from(1 - place.1)].tag.is_some()) {
            return;
        }
        let Some(two) = self.slots.get(other.0) else { return };
        if two.directions[this].tag.is_some() || two.ended {
            return;
        }
        let Some(tag) = two.directions[back].tag else { return };
        let direction = std::mem::take(&mut two.directions[back]);
        let paths = std::mem::take(&mut two.paths);
        let announced = std::mem::take(&mut two.announced);
        let (id, data_seen) = (two.id, two.data_seen);
        two.ended = true;
        let Some(one) = self.slots.get(place.0) else { return };
        let mut empty = std::mem::replace(&mut one.directions[usize::from(1 - place.1)], direction);
        empty.seen.release(&mut self.budget);
        // The number under which messages were handed out already stays.
        if data_seen && !one.data_seen {
            one.id = id;
        }
        one.data_seen |= data_seen;
        one.announced.extend(announced);
        one.announced.truncate(MAXIMUM_PATHS);
        self.by_tag.insert(tag, (place.0, 1 - place.1));
        for path in paths {
            if let Some(at) = self.by_path.get(&path).copied().filter(|at| at.0 == other.0) {
                let direction = if at.1 == other.1 { place.1 } else { 1 - place.1 };
                self.add_path(&path, (place.0, direction));
            }
        }
        self.recent.forget();
        sink.statistics.associations -= 1;
    }

    /// The association and direction in which `tag` is used between these ports, when it is sure enough.
    fn find_tag(&mut self, path: &Path, tag: u32) -> Option<Place> {
        let place = *self.by_tag.get(&Tag::new(path, tag))?;
        let association = self.slots.get(place.0)?;
        let knows = |address| {
            association.announced.contains(address)
                || association.paths.iter().any(|path| path.source == *address || path.destination == *address)
        };
        let sure = if tag < RANDOM_TAG { knows(&path.source) && knows(&path.destination) } else { true };
        sure.then_some(place)
    }

    fn create(&mut self, path: &Path, sink: &mut Sink) -> Place {
        sink.statistics.associations += 1;
        let association = Association {
            id: sink.next_flow(),
            directions: Default::default(),
            paths: Vec::with_capacity(2),
            announced: Vec::new(),
            data_seen: false,
            ended: false,
        };
        let (index, evicted) = self.slots.insert(association);
        if let Some(evicted) = evicted {
            sink.statistics.evicted += 1;
            self.forget(index, evicted, sink);
        }
        self.add_path(path, (index, 0));
        (index, 0)
    }

    fn forget(&mut self, index: u32, association: Association, sink: &mut Sink) {
        self.recent.forget();
        for path in association.paths {
            if self.by_path.get(&path).is_some_and(|place| place.0 == index) {
                self.by_path.remove(&path);
            }
        }
        for mut direction in association.directions {
            if let Some(tag) = direction.tag
                && self.by_tag.get(&tag).is_some_and(|place| place.0 == index)
            {
                self.by_tag.remove(&tag);
            }
            direction.seen.release(&mut self.budget);
            self.held = self.held.saturating_sub(direction.partial.octets());
            sink.statistics.sctp_incomplete += direction.partial.clear();
        }
    }

    /// From now on `path` and its way back lead to this association.
    fn add_path(&mut self, path: &Path, place: Place) {
        let Some(association) = self.slots.get(place.0) else { return };
        for (path, direction) in [(path.reversed(), 1 - place.1), (*path, place.1)] {
            if !association.paths.contains(&path) {
                if association.paths.len() >= MAXIMUM_PATHS {
                    return;
                }
                association.paths.push(path);
            }
            self.by_path.insert(path, (place.0, direction));
        }
    }

    fn bind(&mut self, place: Place, tag: Tag) {
        let Some(association) = self.slots.get(place.0) else { return };
        let direction = &mut association.directions[usize::from(place.1)];
        if direction.tag == Some(tag) {
            return;
        }
        if let Some(old) = direction.tag.replace(tag)
            && self.by_tag.get(&old).is_some_and(|other| other.0 == place.0)
        {
            self.by_tag.remove(&old);
        }
        self.by_tag.insert(tag, place);
        self.recent.forget();
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

/// The part of INIT and INIT ACK that identifies.
struct Init<'a> {
    tag: u32,
    parameters: &'a [u8],
}

impl<'a> Init<'a> {
    fn parse(chunk: &'a [u8]) -> Option<Self> {
        let length = usize::from(u16::from_be_bytes([*chunk.get(2)?, *chunk.get(3)?]));
        let chunk = chunk.get(..length.min(chunk.len()))?;
        Some(Self { tag: u32::from_be_bytes(*chunk.get(4..)?.first_chunk()?), parameters: chunk.get(20..)? })
    }

    /// Addresses listed in the parameters. RFC 9260 section 3.3.2.
    fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let mut rest = self.parameters;
        std::iter::from_fn(move || {
            loop {
                let head: &[u8; 4] = rest.first_chunk()?;
                let kind = u16::from_be_bytes([head[0], head[1]]);
                let length = usize::from(u16::from_be_bytes([head[2], head[3]])).max(4);
                let value = rest.get(4..length)?;
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
                match kind {
                    5 => return value.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets).into()),
                    6 => return value.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).into()),
                    _ => {}
                }
            }
        })
    }
}
