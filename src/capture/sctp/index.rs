//! Which association a packet belongs to: by path and verification tag, wherever its addresses change.

use std::collections::HashMap;
use std::net::IpAddr;

use super::init::Init;
use super::{ABORT, INIT, INIT_ACK, SHUTDOWN_COMPLETE};
use crate::capture::Transport;
use crate::capture::found::{Carrier, Path, Sink};
use crate::capture::oddity::OddityKind;
use crate::capture::order::Order;
use crate::capture::reassembly::{Partial, Seen};
use crate::capture::table::Slots;
use crate::folding::Folding;

/// Tags below this are no random numbers: on another path they prove nothing.
const RANDOM_TAG: u32 = 0x1_0000;
/// Paths and announced addresses remembered for an association.
const MAXIMUM_PATHS: usize = 16;
/// Slots for TSNs in all associations together: 8 MiB.
const TSN_SLOTS: usize = 1 << 20;

/// Two sides that talk, and what each has sent.
pub(super) struct Association {
    pub id: u32,
    /// By direction: 0 from the side that was seen first.
    pub directions: [Direction; 2],
    /// Paths leading here in the index, each in one direction.
    paths: Vec<Path>,
    /// Addresses announced in INIT and INIT ACK.
    announced: Vec<IpAddr>,
    pub data_seen: bool,
    pub ended: bool,
}

#[derive(Default)]
pub(super) struct Direction {
    /// Ports and verification tag of the packets that go this way.
    tag: Option<Tag>,
    /// The path that a packet of this tag took last.
    path: Option<Path>,
    pub seen: Seen,
    pub order: Order,
    pub partial: Partial,
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

/// Index of an association, and direction.
pub(super) type Place = (u32, u8);

/// All associations of a capture, and what leads to them.
pub(super) struct Index {
    pub slots: Slots<Association>,
    by_path: HashMap<Path, Place, Folding>,
    by_tag: HashMap<Tag, Place, Folding>,
    recent: Recent,
    /// Slots for TSNs that may still be added.
    pub budget: usize,
    /// Octets of fragments that associations took with them when they made room.
    pub released: usize,
}

/// Where packets of late belonged, by tag: a packet looks here first, which spares it both indexes. A fixed number of places;
/// what is newer takes the place of what is older. The association has the path.
struct Recent {
    /// Tag, the generation of the entry (zero in none), and where it leads.
    places: Box<[(u32, u32, Place)]>,
    /// Entries of earlier generations no longer hold.
    generation: u32,
}

impl Default for Recent {
    fn default() -> Self {
        Self { places: vec![(0, 0, (0, 0)); Self::PLACES].into(), generation: 1 }
    }
}

impl Recent {
    const PLACES: usize = 1 << 14;

    const fn place(tag: u32) -> usize {
        (tag.wrapping_mul(0x9e37_79b1) >> 18) as usize % Self::PLACES
    }

    #[inline]
    fn get(&self, tag: u32) -> Option<Place> {
        let (known, generation, place) = *self.places.get(Self::place(tag))?;
        (known == tag && generation == self.generation).then_some(place)
    }

    fn put(&mut self, tag: u32, place: Place) {
        if let Some(entry) = self.places.get_mut(Self::place(tag)) {
            *entry = (tag, self.generation, place);
        }
    }

    /// Forgets all, in no time.
    fn forget(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.places.fill((0, 0, (0, 0)));
            self.generation = 1;
        }
    }
}

impl Index {
    pub fn new(limit: usize) -> Self {
        Self {
            slots: Slots::new(limit),
            by_path: HashMap::default(),
            by_tag: HashMap::default(),
            recent: Recent::default(),
            budget: TSN_SLOTS,
            released: 0,
        }
    }

    /// The association and direction of a packet whose chunks neither begin nor end one, if it is as the last one of its tag.
    #[inline]
    pub fn known(&mut self, path: &Path, tag: u32) -> Option<Place> {
        let place = self.recent.get(tag)?;
        let direction = &self.slots.get(place.0)?.directions[usize::from(place.1)];
        (direction.tag == Some(Tag::new(path, tag)) && direction.path.as_ref() == Some(path)).then_some(place)
    }

    /// The association and direction of a packet; a new one when none fits.
    #[inline(never)]
    pub fn find(&mut self, path: &Path, tag: u32, chunks: &[u8], sink: &mut Sink) -> Place {
        let place = self.locate(path, tag, chunks, sink);
        if let Some(association) = self.slots.get(place.0) {
            association.directions[usize::from(place.1)].path = Some(*path);
            self.recent.put(tag, place);
        }
        place
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
            self.released += direction.partial.octets();
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
