//! The order of DATA chunks in one direction of an association: TSNs without gaps, stream sequence numbers one by one.
//! RFC 9260 sections 6.2 and 6.6.

use super::oddity::OddityKind;

/// Gaps remembered in a direction.
const MAXIMUM_GAPS: usize = 32;
/// Streams whose sequence is followed.
const MAXIMUM_STREAMS: usize = 256;
/// A TSN further ahead than this is no gap, but another association.
const FURTHEST: u32 = 1 << 16;
/// A TSN that was seen, not longer ago than this, is certainly remembered with its content.
const REMEMBERED: u32 = 16;

/// Where one direction stands.
#[derive(Default)]
pub(super) struct Order {
    /// The TSN expected next; none before the first chunk.
    next: Option<u32>,
    /// The first TSN seen.
    first: u32,
    /// The sequence number expected next in each stream; more than 16 bits where it is not known.
    streams: Vec<u32>,
    /// What a stream that is new begins with: zero where the association is known from its beginning.
    begins: u32,
    /// Missing TSNs: the first and how many.
    missing: Vec<(u32, u32)>,
}

const UNKNOWN: u32 = u32::MAX;

impl Order {
    /// The association begins with this TSN.
    pub fn begin(&mut self, tsn: u32) {
        if self.next.is_none() {
            *self = Self { next: Some(tsn), first: tsn, begins: 0, ..Self::default() };
        }
    }

    /// The sender gives up all TSNs before `next`. RFC 3758.
    pub fn forward(&mut self, next: u32) {
        if self.next.is_some_and(|expected| next.wrapping_sub(expected) < FURTHEST) {
            self.next = Some(next);
            self.streams.clear();
            self.begins = UNKNOWN;
        }
        self.missing.retain(|(first, _)| next.wrapping_sub(*first) > FURTHEST);
    }

    /// Takes a chunk that is no copy. `place` is stream and sequence number of an ordered message that begins in it.
    #[inline]
    pub fn follow(&mut self, tsn: u32, place: Option<(u16, u16)>) -> Option<OddityKind> {
        if self.next != Some(tsn) {
            return self.out_of_order(tsn, place);
        }
        self.next = Some(tsn.wrapping_add(1));
        self.in_stream(place?)
    }

    #[inline]
    fn in_stream(&mut self, (stream, found): (u16, u16)) -> Option<OddityKind> {
        let index = usize::from(stream);
        if index >= self.streams.len() {
            if index >= MAXIMUM_STREAMS {
                return None;
            }
            self.streams.resize(index + 1, self.begins);
        }
        let expected = std::mem::replace(self.streams.get_mut(index)?, u32::from(found.wrapping_add(1)));
        (expected != u32::from(found) && expected != UNKNOWN).then_some(OddityKind::StreamSequence {
            stream,
            expected: expected as u16,
            found,
        })
    }

    #[cold]
    fn out_of_order(&mut self, tsn: u32, place: Option<(u16, u16)>) -> Option<OddityKind> {
        let Some(next) = self.next else {
            // The trace begins in the middle.
            *self = Self { next: Some(tsn.wrapping_add(1)), first: tsn, begins: UNKNOWN, ..Self::default() };
            return place.and_then(|place| self.in_stream(place));
        };
        let ahead = tsn.wrapping_sub(next);
        if ahead < FURTHEST {
            self.next = Some(tsn.wrapping_add(1));
            // What stood in the gap went on counting.
            self.streams.clear();
            self.begins = UNKNOWN;
            place.and_then(|place| self.in_stream(place));
            if self.missing.len() < MAXIMUM_GAPS {
                self.missing.push((next, ahead));
            }
            return Some(OddityKind::TsnGap { first: next, missing: ahead });
        }
        let behind = next.wrapping_sub(tsn);
        if behind > FURTHEST {
            *self = Self::default();
            return self.out_of_order(tsn, place);
        }
        if let Some(at) = self.missing.iter().position(|(first, count)| tsn.wrapping_sub(*first) < *count) {
            let (first, count) = self.missing.swap_remove(at);
            let before = tsn.wrapping_sub(first);
            for gap in [(first, before), (tsn.wrapping_add(1), count - before - 1)] {
                if gap.1 > 0 && self.missing.len() < MAXIMUM_GAPS {
                    self.missing.push(gap);
                }
            }
            return Some(OddityKind::TsnFilled { tsn });
        }
        (behind <= REMEMBERED && tsn.wrapping_sub(self.first) < FURTHEST).then_some(OddityKind::TsnReused { tsn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_order_is_not_told() {
        let mut order = Order::default();
        order.begin(u32::MAX - 2);
        for n in 0..10_u16 {
            assert_eq!(order.follow(u32::MAX.wrapping_add(u32::from(n)).wrapping_sub(2), Some((n % 2, n / 2))), None);
        }
        let mut middle = Order::default();
        assert_eq!(middle.follow(77, Some((3, 9))), None);
        assert_eq!(middle.follow(78, Some((3, 10))), None);
    }

    #[test]
    fn gaps_are_told_and_so_is_what_fills_them() {
        let mut order = Order::default();
        order.begin(10);
        assert_eq!(order.follow(10, Some((0, 0))), None);
        assert_eq!(order.follow(14, Some((0, 4))), Some(OddityKind::TsnGap { first: 11, missing: 3 }));
        for tsn in [12, 11, 13] {
            assert_eq!(order.follow(tsn, None), Some(OddityKind::TsnFilled { tsn }));
        }
        assert_eq!(order.follow(15, Some((0, 5))), None);
        assert_eq!(order.follow(13, None), Some(OddityKind::TsnReused { tsn: 13 }));
    }

    #[test]
    fn a_sequence_number_that_is_not_the_next_is_told_once() {
        let mut order = Order::default();
        order.begin(1);
        let odd = OddityKind::StreamSequence { stream: 0, expected: 0, found: 7 };
        assert_eq!(order.follow(1, Some((0, 7))), Some(odd));
        assert_eq!(order.follow(2, Some((0, 8))), None);
    }
}
