//! One direction of an SCTP association: which TSNs were seen, and the fragments of user messages put together.

/// The TSNs of a direction seen lately, each with a fingerprint of its chunk.
///
/// A TSN alone would not do: traces lose an INIT, ports and tags are used again, test tools choose them by rule. A chunk
/// is a copy when TSN and content are the same. Slots are found by the low bits of the TSN, so that its wrap needs no care.
#[derive(Default)]
pub(super) struct Seen {
    /// TSN in the upper half, fingerprint (never zero) in the lower; zero is empty.
    slots: Vec<u64>,
}

/// Slots at first and at most: a copy is known when not more chunks than this came between.
const FIRST_SLOTS: usize = 16;
const MAXIMUM_SLOTS: usize = 4096;

impl Seen {
    /// Notes a chunk; true when it was seen before. `budget` is the number of slots all directions may still add.
    #[inline]
    pub fn is_copy(&mut self, tsn: u32, fingerprint: u32, budget: &mut usize) -> bool {
        let entry = u64::from(tsn) << 32 | u64::from(fingerprint | 1);
        loop {
            let mask = self.slots.len().wrapping_sub(1);
            if let Some(slot) = self.slots.get_mut(tsn as usize & mask) {
                if *slot == entry {
                    return true;
                }
                // Another TSN in this slot: more room, if there may be, keeps both.
                let is_other = *slot != 0 && *slot >> 32 != u64::from(tsn);
                if !is_other || mask + 1 >= MAXIMUM_SLOTS || *budget <= mask {
                    *slot = entry;
                    return false;
                }
            }
            self.grow(budget);
        }
    }

    /// Doubles the slots. The first few every direction gets; the number of directions is bounded itself.
    #[cold]
    fn grow(&mut self, budget: &mut usize) {
        let old = self.slots.len();
        let new = (old * 2).max(FIRST_SLOTS);
        *budget = budget.saturating_sub(new - old);
        let entries = std::mem::replace(&mut self.slots, vec![0; new]);
        for entry in entries.into_iter().filter(|entry| *entry != 0) {
            self.slots[(entry >> 32) as usize & (new - 1)] = entry;
        }
    }

    /// Gives back what was taken from the budget.
    pub fn release(&mut self, budget: &mut usize) {
        *budget += self.slots.len();
        *self = Self::default();
    }
}

/// A fragment of a user message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// Stream, and stream sequence number or message identifier; with the U bit, what tells messages apart.
    pub key: Key,
    /// TSN for DATA, fragment sequence number for I-DATA.
    pub sequence: u32,
    pub begin: bool,
    pub end: bool,
    /// As far as the fragment states one: with I-DATA only the first does.
    pub ppid: Option<u32>,
    pub data: &'a [u8],
}

/// What fragments of one message have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub stream: u16,
    pub message: u32,
    pub unordered: bool,
    pub interleaved: bool,
}

/// User messages of which fragments are here: runs of fragments without a gap.
#[derive(Default)]
pub(super) struct Partial {
    runs: Vec<Run>,
    octets: usize,
}

struct Run {
    key: Key,
    /// Sequence of the first fragment, and the one after the last.
    first: u32,
    next: u32,
    begin: bool,
    end: bool,
    ppid: Option<u32>,
    data: Vec<u8>,
}

/// A user message made whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub ppid: u32,
    pub data: Vec<u8>,
}

/// Runs kept in one direction.
const MAXIMUM_RUNS: usize = 128;

impl Partial {
    /// Takes in a fragment that was not seen before. `limit` is the longest message, `lost` counts what is given up.
    pub fn insert(&mut self, piece: Piece<'_>, limit: usize, lost: &mut u64) -> Option<Whole> {
        let follows = |run: &Run| run.key == piece.key && run.next == piece.sequence && !run.end && !piece.begin;
        let after = piece.sequence.wrapping_add(1);
        let precedes = |run: &Run| run.key == piece.key && run.first == after && !run.begin && !piece.end;
        let at = match self.runs.iter().position(follows) {
            Some(at) => {
                let run = &mut self.runs[at];
                run.data.extend_from_slice(piece.data);
                run.next = after;
                run.end = piece.end;
                at
            }
            None => {
                if self.runs.len() >= MAXIMUM_RUNS {
                    self.octets -= self.runs.remove(0).data.len();
                    *lost += 1;
                }
                self.runs.push(Run {
                    key: piece.key,
                    first: piece.sequence,
                    next: after,
                    begin: piece.begin,
                    end: piece.end,
                    ppid: piece.ppid,
                    data: piece.data.to_vec(),
                });
                self.runs.len() - 1
            }
        };
        self.octets += piece.data.len();
        let at = match self.runs.iter().position(precedes) {
            Some(other) if other != at => {
                let later = self.runs.remove(other);
                let at = if other < at { at - 1 } else { at };
                let run = &mut self.runs[at];
                run.data.extend_from_slice(&later.data);
                run.next = later.next;
                run.end = later.end;
                at
            }
            _ => at,
        };
        let run = &self.runs[at];
        let (whole, too_long) = (run.begin && run.end, run.data.len() > limit);
        if !whole && !too_long {
            return None;
        }
        let run = self.runs.remove(at);
        self.octets -= run.data.len();
        if !whole || too_long {
            *lost += 1;
            return None;
        }
        Some(Whole { ppid: run.ppid.unwrap_or_default(), data: run.data })
    }

    /// Octets held.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// Gives everything up; returns the number of messages lost.
    pub fn clear(&mut self) -> u64 {
        let lost = self.runs.len() as u64;
        *self = Self::default();
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key { stream: 1, message: 5, unordered: false, interleaved: false };

    fn piece(sequence: u32, data: &[u8], begin: bool, end: bool) -> Piece<'_> {
        Piece { key: KEY, sequence, begin, end, ppid: Some(46), data }
    }

    #[test]
    fn a_copy_is_known_across_the_wrap_and_after_growth() {
        let (mut seen, mut budget) = (Seen::default(), 10_000);
        let tsns = || (0..1000).map(|n| (u32::MAX - 500).wrapping_add(n));
        for tsn in tsns() {
            assert!(!seen.is_copy(tsn, 1, &mut budget));
            assert!(seen.is_copy(tsn, 1, &mut budget));
        }
        assert!(tsns().all(|tsn| seen.is_copy(tsn, 1, &mut budget)));
        assert!(!seen.is_copy(7, 3, &mut budget), "the same TSN with other content is a new chunk");
        seen.release(&mut budget);
        assert_eq!(budget, 10_000);
    }

    #[test]
    fn without_budget_the_window_stays_small_but_works() {
        let (mut seen, mut budget) = (Seen::default(), 16);
        for tsn in 0..1000 {
            assert!(!seen.is_copy(tsn, 1, &mut budget));
            assert!(seen.is_copy(tsn, 1, &mut budget));
        }
        assert_eq!(seen.slots.len(), FIRST_SLOTS);
    }

    #[test]
    fn fragments_in_any_order_make_the_message_once() {
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for order in orders {
            let (mut partial, mut lost) = (Partial::default(), 0);
            let mut whole = Vec::new();
            for n in order {
                let tsn = u32::MAX.wrapping_add(n);
                let data = [b"ab", b"cd", b"ef"][n as usize];
                whole.extend(partial.insert(piece(tsn, data, n == 0, n == 2), 100, &mut lost));
            }
            assert_eq!(whole, [Whole { ppid: 46, data: b"abcdef".to_vec() }], "{order:?}");
            assert_eq!((partial.octets(), lost), (0, 0));
        }
    }

    #[test]
    fn neighbours_of_other_messages_do_not_join() {
        let (mut partial, mut lost) = (Partial::default(), 0);
        assert_eq!(partial.insert(piece(9, b"tail of one", false, true), 100, &mut lost), None);
        assert_eq!(partial.insert(piece(10, b"head of next", true, false), 100, &mut lost), None);
        assert_eq!(partial.insert(piece(8, b"x", false, false), 100, &mut lost), None);
        assert_eq!(partial.runs.len(), 2);
        assert_eq!(partial.clear(), 2);
    }

    #[test]
    fn a_message_without_end_is_given_up() {
        let (mut partial, mut lost) = (Partial::default(), 0);
        for n in 0..20 {
            assert_eq!(partial.insert(piece(n, &[0; 10], n == 0, false), 100, &mut lost), None);
            assert!(partial.octets() <= 110);
        }
        assert!(lost > 0);
    }
}
