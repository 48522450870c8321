//! The records of the contexts in memory: a few hundred octets each, of changing length, a million of them.
//!
//! Each with an allocation of its own they would leave the heap full of gaps that fit nothing, and most of the time of a
//! write would be spent looking for one. So they stand one behind the other in segments; what is replaced leaves a gap, and
//! a segment that is more gap than record is cleared: what is left in it moves to the end.

use super::super::indexes::Spread;
use super::super::indexes::gathered::Gathered;

/// Records by IMSI, packed.
#[derive(Debug, Default)]
pub(super) struct Records {
    places: Spread<Place>,
    segments: Vec<Segment>,
    /// Segments that are empty, for use again.
    empty: Vec<u32>,
    /// The one that is being filled.
    current: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    segment: u32,
    at: u32,
    length: u32,
}

/// Entries: IMSI in 8 octets, length in 4, the record.
#[derive(Debug, Default)]
struct Segment {
    octets: Vec<u8>,
    /// Octets of entries that are not replaced.
    live: usize,
}

const SEGMENT: usize = 256 << 10;
const HEAD: usize = 12;

impl Records {
    pub(super) fn get(&self, imsi: u64) -> Option<&[u8]> {
        let Place { segment, at, length } = *self.places.get(imsi)?;
        let from = at as usize + HEAD;
        self.segments.get(segment as usize)?.octets.get(from..from + length as usize)
    }

    /// Whether the IMSI is a new one.
    pub(super) fn insert(&mut self, imsi: u64, record: &[u8]) -> bool {
        let place = self.append(imsi, record);
        let before = self.places.insert(imsi, place);
        if let Some(before) = before {
            self.gap(before);
        }
        before.is_none()
    }

    pub(super) fn remove(&mut self, imsi: u64) {
        if let Some(before) = self.places.remove(imsi) {
            self.gap(before);
        }
    }

    fn append(&mut self, imsi: u64, record: &[u8]) -> Place {
        let needed = HEAD + record.len();
        let fits = |segment: &Segment| segment.octets.len() + needed <= SEGMENT.max(needed);
        let mut left = None;
        if !self.segments.get(self.current as usize).is_some_and(fits) {
            left = Some(self.current);
            self.current = self.empty.pop().unwrap_or_else(|| {
                self.segments.push(Segment::default());
                (self.segments.len() - 1) as u32
            });
        }
        let place = Place { segment: self.current, at: 0, length: record.len() as u32 };
        let Some(segment) = self.segments.get_mut(self.current as usize) else { return place };
        let at = segment.octets.len() as u32;
        if segment.octets.capacity() == 0 {
            segment.octets.reserve_exact(SEGMENT.max(needed));
        }
        segment.octets.extend_from_slice(&imsi.to_be_bytes());
        segment.octets.extend_from_slice(&place.length.to_be_bytes());
        segment.octets.extend_from_slice(record);
        segment.live += needed;
        if let Some(left) = left {
            self.clear_if_gaps(left);
        }
        Place { at, ..place }
    }

    /// What stood at `place` is replaced or gone.
    fn gap(&mut self, place: Place) {
        let Some(segment) = self.segments.get_mut(place.segment as usize) else { return };
        segment.live = segment.live.saturating_sub(HEAD + place.length as usize);
        self.clear_if_gaps(place.segment);
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
        while let Some((imsi, record)) = entry(&octets, at) {
            let place = Place { segment: number, at: at as u32, length: record.len() as u32 };
            if self.places.get(imsi) == Some(&place) {
                let moved = self.append(imsi, record);
                self.places.insert(imsi, moved);
            }
            at += HEAD + record.len();
        }
        self.empty.push(number);
    }
}

/// Records that are put in at once.
#[derive(Debug)]
pub(super) struct Loading {
    records: Records,
    places: Gathered<Place>,
}

impl Loading {
    /// With room for so many.
    pub(super) fn with_capacity(records: usize) -> Self {
        Loading { records: Records::default(), places: Gathered::with_capacity(records) }
    }

    pub(super) fn push(&mut self, imsi: u64, record: &[u8]) {
        let place = self.records.append(imsi, record);
        self.places.push(imsi, place);
    }

    /// The records, unless two of them have the same IMSI.
    pub(super) fn finish(self) -> Option<Records> {
        let mut twice = false;
        let places = self.places.spread(|_, _, _| twice = true);
        (!twice).then_some(Records { places, ..self.records })
    }
}

/// The entry at a place in a segment, if that is not its end.
fn entry(octets: &[u8], at: usize) -> Option<(u64, &[u8])> {
    let (imsi, rest) = octets.get(at..)?.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let record = rest.get(..u32::from_be_bytes(*length) as usize)?;
    Some((u64::from_be_bytes(*imsi), record))
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
            let (mut records, mut expected) = (Records::default(), BTreeMap::new());
            for (number, (imsi, length)) in steps.into_iter().enumerate() {
                match length {
                    Some(length) => {
                        let record = vec![number as u8; length];
                        prop_assert_eq!(records.insert(imsi, &record), expected.insert(imsi, record).is_none());
                    }
                    None => {
                        records.remove(imsi);
                        expected.remove(&imsi);
                    }
                }
                for imsi in 0..40 {
                    prop_assert_eq!(records.get(imsi), expected.get(&imsi).map(Vec::as_slice));
                }
            }
            let live: usize = expected.values().map(|record| HEAD + record.len()).sum();
            prop_assert_eq!(records.segments.iter().map(|segment| segment.live).sum::<usize>(), live);
            let used: usize = records.segments.iter().map(|segment| segment.octets.len()).sum();
            prop_assert!(used <= 2 * live + 2 * SEGMENT, "{} for {}", used, live);
        }
    }

    #[test]
    fn records_put_in_at_once_are_found_and_replaced_as_others() {
        let mut loading = Loading::with_capacity(3);
        (0..5000u64).for_each(|imsi| loading.push(imsi, &imsi.to_le_bytes()));
        let mut records = loading.finish().unwrap();
        assert!((0..5000u64).all(|imsi| records.get(imsi) == Some(&imsi.to_le_bytes()[..])));
        assert!(!records.insert(4999, b"new"));
        assert!(records.insert(5000, b"another"));
        records.remove(0);
        assert_eq!((records.get(0), records.get(4999)), (None, Some(&b"new"[..])));
        let mut loading = Loading::with_capacity(0);
        [1, 2, 1].into_iter().for_each(|imsi| loading.push(imsi, b"record"));
        assert!(loading.finish().is_none(), "one IMSI has two");
    }

    #[test]
    fn a_record_longer_than_a_segment_has_one_of_its_own() {
        let mut records = Records::default();
        for length in [3, SEGMENT + 5, 7] {
            assert!(records.insert(length as u64, &vec![1; length]));
        }
        assert_eq!(records.get(SEGMENT as u64 + 5).map(<[u8]>::len), Some(SEGMENT + 5));
        assert_eq!(records.get(7), Some(&[1; 7][..]));
        records.remove(SEGMENT as u64 + 5);
        assert_eq!((records.get(SEGMENT as u64 + 5), records.get(3)), (None, Some(&[1; 3][..])));
    }
}
