//! The records of the contexts in memory: a few hundred octets each, of changing length, a million of them.
//!
//! Each with an allocation of its own they would leave the heap full of gaps that fit nothing, and most of the time of a
//! write would be spent looking for one. So they stand one behind the other in segments; what is replaced leaves a gap, and
//! a segment that is more gap than record is cleared: what is left in it moves to the end. A record keeps its slot; whoever
//! knows its place instead is told of each move.

use std::hint::black_box;

/// Records by slot and by place.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// By slot.
    places: Vec<Place>,
    /// Slots whose record has gone, for use again.
    free: Vec<u32>,
    segments: Vec<Segment>,
    /// Segments that are empty, for use again.
    empty: Vec<u32>,
    /// The one that is being filled.
    current: u32,
    moves: Vec<Move>,
}

/// Where a record is: segment and place in it in one number of units of [`UNIT`] octets, which reaches 64 GiB, the records of
/// 200 million UEs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

const NOWHERE: Place = Place(u32::MAX);

/// A record is elsewhere now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub head: Head,
    pub from: Place,
    pub to: Place,
}

/// What stands in front of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub slot: u32,
    pub imsi: u64,
    /// The present ID1.
    pub id1: u64,
}

/// Entries: slot in 4 octets, length in 4, IMSI in 8, ID1 in 8, the record, and nothing up to the next unit.
#[derive(Debug, Default)]
struct Segment {
    octets: Vec<u8>,
    /// Octets of entries that are not replaced.
    live: usize,
}

const SEGMENT: usize = 256 << 10;
const UNIT: usize = 16;
const UNITS: u32 = (SEGMENT / UNIT) as u32;
const HEAD: usize = 24;
/// Of a line of a cache.
const LINE: usize = 64;
/// A record of three applications takes so many of them.
const LINES: usize = 5;

impl Place {
    /// `at` octets into a segment; a record longer than a segment has one of its own and begins it.
    fn new(segment: u32, at: usize) -> Self {
        Place(segment * UNITS + (at / UNIT) as u32)
    }

    fn segment(self) -> u32 {
        self.0 / UNITS
    }

    fn at(self) -> usize {
        (self.0 % UNITS) as usize * UNIT
    }
}

/// Octets that an entry takes.
fn taken(record: usize) -> usize {
    (HEAD + record).next_multiple_of(UNIT)
}

impl Records {
    /// Where the record of a slot is.
    pub(super) fn place(&self, slot: u32) -> Option<Place> {
        self.places.get(slot as usize).copied().filter(|place| *place != NOWHERE)
    }

    fn octets(&self, place: Place) -> Option<&[u8]> {
        self.segments.get(place.segment() as usize)?.octets.get(place.at()..)
    }

    /// Reads a little of each line that a record takes, and waits for none of it.
    pub(super) fn touch(&self, place: Place) {
        let octets = self.octets(place).unwrap_or_default();
        for octet in octets.iter().step_by(LINE).take(LINES) {
            black_box(*octet);
        }
    }

    /// The record at a place where there is one.
    pub(super) fn at(&self, place: Place) -> Option<(Head, &[u8])> {
        entry(self.octets(place)?)
    }

    /// Zeros where there is none.
    pub(super) fn head(&self, place: Place) -> Head {
        self.at(place).map(|(head, _)| head).unwrap_or_default()
    }

    pub(super) fn get(&self, slot: u32) -> Option<(Head, &[u8])> {
        self.at(self.place(slot)?)
    }

    /// The slot of a new record.
    pub(super) fn insert(&mut self, imsi: u64, id1: u64, record: &[u8]) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.places.push(NOWHERE);
            (self.places.len() - 1) as u32
        });
        let place = self.append(Head { slot, imsi, id1 }, record);
        self.put(slot, place);
        slot
    }

    /// Puts another record of the same IMSI in the place of `head`'s.
    pub(super) fn replace(&mut self, head: Head, id1: u64, record: &[u8]) {
        let to = self.append(Head { id1, ..head }, record);
        let from = self.put(head.slot, to);
        self.moves.push(Move { head, from, to });
        self.gap(from);
    }

    pub(super) fn remove(&mut self, slot: u32) {
        let before = self.put(slot, NOWHERE);
        if before != NOWHERE {
            self.free.push(slot);
            self.gap(before);
        }
    }

    /// The moves since the last time, in order.
    pub(super) fn take_moves(&mut self) -> Vec<Move> {
        std::mem::take(&mut self.moves)
    }

    /// The place before.
    fn put(&mut self, slot: u32, place: Place) -> Place {
        self.places.get_mut(slot as usize).map_or(NOWHERE, |there| std::mem::replace(there, place))
    }

    fn append(&mut self, head: Head, record: &[u8]) -> Place {
        let needed = taken(record.len());
        let fits = |segment: &Segment| segment.octets.len() + needed <= SEGMENT.max(needed);
        let mut left = None;
        if !self.segments.get(self.current as usize).is_some_and(fits) {
            left = Some(self.current);
            self.current = self.empty.pop().unwrap_or_else(|| {
                self.segments.push(Segment::default());
                (self.segments.len() - 1) as u32
            });
        }
        let Some(segment) = self.segments.get_mut(self.current as usize) else { return NOWHERE };
        let at = segment.octets.len();
        let place = Place::new(self.current, at);
        if segment.octets.capacity() == 0 {
            segment.octets.reserve_exact(SEGMENT.max(needed));
        }
        segment.octets.extend_from_slice(&head.slot.to_ne_bytes());
        segment.octets.extend_from_slice(&(record.len() as u32).to_ne_bytes());
        segment.octets.extend_from_slice(&head.imsi.to_ne_bytes());
        segment.octets.extend_from_slice(&head.id1.to_ne_bytes());
        segment.octets.extend_from_slice(record);
        segment.octets.resize(at + needed, 0);
        segment.live += needed;
        if let Some(left) = left {
            self.clear_if_gaps(left);
        }
        place
    }

    /// What stood at `place` is replaced or gone.
    fn gap(&mut self, place: Place) {
        let length = self.at(place).map(|(_, record)| taken(record.len()));
        let (Some(length), Some(segment)) = (length, self.segments.get_mut(place.segment() as usize)) else { return };
        segment.live = segment.live.saturating_sub(length);
        self.clear_if_gaps(place.segment());
    }

    fn clear_if_gaps(&mut self, number: u32) {
        let Some(segment) = self.segments.get(number as usize) else { return };
        if number != self.current && !segment.octets.is_empty() && segment.live <= segment.octets.len() / 2 {
            self.clear(number);
        }
    }

    /// Moves what is left in a segment to the end.
    fn clear(&mut self, number: u32) {
        let Some(segment) = self.segments.get_mut(number as usize) else { return };
        let octets = std::mem::take(&mut segment.octets);
        segment.live = 0;
        let mut at = 0;
        while let Some((head, record)) = octets.get(at..).and_then(entry) {
            let from = Place::new(number, at);
            if self.place(head.slot) == Some(from) {
                let to = self.append(head, record);
                self.put(head.slot, to);
                self.moves.push(Move { head, from, to });
            }
            at += taken(record.len());
        }
        self.empty.push(number);
    }
}

/// Head and record of the entry that `octets` begin with, if they do.
fn entry(octets: &[u8]) -> Option<(Head, &[u8])> {
    let (slot, rest) = octets.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (imsi, rest) = rest.split_first_chunk()?;
    let (id1, rest) = rest.split_first_chunk()?;
    let record = rest.get(..u32::from_ne_bytes(*length) as usize)?;
    let head = Head { slot: u32::from_ne_bytes(*slot), imsi: u64::from_ne_bytes(*imsi), id1: u64::from_ne_bytes(*id1) };
    Some((head, record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// As a map of vectors, and never with more gaps than records but for the segments in use.
        #[test]
        fn records_are_what_was_put_in_last(
            steps in proptest::collection::vec((0u64..40, proptest::option::of(1usize..60_000)), 0..300),
        ) {
            let (mut records, mut expected) = (Records::default(), BTreeMap::<u64, (u32, u64, Vec<u8>)>::new());
            let mut known = BTreeMap::new();
            for (number, (imsi, length)) in steps.into_iter().enumerate() {
                let id1 = number as u64;
                match (length, expected.remove(&imsi)) {
                    (Some(length), there) => {
                        let record = vec![number as u8; length];
                        let slot = match there {
                            None => records.insert(imsi, id1, &record),
                            Some((slot, ..)) => {
                                let (head, _) = records.get(slot).unwrap();
                                records.replace(head, id1, &record);
                                slot
                            }
                        };
                        expected.insert(imsi, (slot, id1, record));
                    }
                    (None, Some((slot, ..))) => {
                        records.remove(slot);
                        prop_assert_eq!((records.get(slot), records.place(slot)), (None, None));
                    }
                    (None, None) => {}
                }
                // Whoever follows the moves knows where each is.
                for Move { head, from, to } in records.take_moves() {
                    if let Some(place) = known.get_mut(&head.slot).filter(|place| **place == from) {
                        *place = to;
                    }
                }
                known.retain(|slot, _| records.place(*slot).is_some());
                for (imsi, (slot, id1, record)) in &expected {
                    let head = Head { slot: *slot, imsi: *imsi, id1: *id1 };
                    prop_assert_eq!(records.get(*slot), Some((head, record.as_slice())));
                    let place = records.place(*slot).unwrap();
                    prop_assert_eq!((*known.entry(*slot).or_insert(place), records.head(place)), (place, head));
                }
            }
            let live: usize = expected.values().map(|(.., record)| taken(record.len())).sum();
            prop_assert_eq!(records.segments.iter().map(|segment| segment.live).sum::<usize>(), live);
            let used: usize = records.segments.iter().map(|segment| segment.octets.len()).sum();
            prop_assert!(used <= 2 * live + 2 * SEGMENT, "{} for {}", used, live);
            prop_assert!(records.places.len() <= 40, "slots are used again");
        }
    }

    #[test]
    fn a_record_longer_than_a_segment_has_one_of_its_own() {
        let mut records = Records::default();
        let slots = [3, SEGMENT + 5, 7].map(|length| records.insert(length as u64, 0, &vec![1; length]));
        let length = |records: &Records, slot: u32| records.get(slot).map(|(_, record)| record.len());
        assert_eq!(slots.map(|slot| length(&records, slot)), [Some(3), Some(SEGMENT + 5), Some(7)]);
        let [first, long, last] = slots;
        records.remove(long);
        records.remove(long);
        assert_eq!([first, long, last].map(|slot| length(&records, slot)), [Some(3), None, Some(7)]);
        assert_eq!(records.insert(9, 0, b"another"), long);
        assert_eq!(records.insert(10, 0, b"one more"), 3, "a slot is free once");
    }
}
