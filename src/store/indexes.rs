//! The indexes of the contexts, in memory.
//!
//! They say nothing that the contexts do not say, so they are not stored: an index on disk whose keys come in no order
//! (ID1s are random, so are hashes) costs a page of 4 KiB, copied, checksummed, written and synced, for every entry, five
//! of them a UE, as soon as it has outgrown the writes of one commit. Read from the contexts they cost a second or two at
//! the start of a store of a million UEs, and they can never part from the contexts.
//!
//! What a transaction changes is gathered beside them and taken over once it is durable.

use super::encoding::{self, RecordFault};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Bound, RangeInclusive};

/// A set of pairs of numbers; the second is an IMSI, packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Index {
    /// ID1, present or previous. One pair an ID1.
    Id1s,
    /// Hash of application and ID2.
    Users,
    /// Moment of expiry, in seconds. Ordered.
    Expiry,
    /// Version of the context. One pair a context. Ordered.
    Changes,
}

pub(super) type Pair = (u64, u64);

/// All indexes at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Indexes {
    id1s: Unordered,
    users: Unordered,
    expiry: BTreeSet<Pair>,
    changes: BTreeSet<Pair>,
}

/// What a transaction changes: `true` for a pair that is put in.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed(BTreeMap<(Index, Pair), bool>);

/// A map from numbers in several parts: one part grows at a time, which takes milliseconds, and not all of it at once.
#[derive(Clone, Debug)]
pub(super) struct Spread<V> {
    parts: [HashMap<u64, V>; PARTS],
}

const PARTS: usize = 32;

/// Pairs that are found by the first number alone, in one or two steps however many there are.
#[derive(Clone, Debug, Default)]
struct Unordered {
    first: Spread<u64>,
    /// Pairs whose first number was there already: a user on two UEs.
    more: BTreeSet<Pair>,
}

fn all_of(first: u64) -> RangeInclusive<Pair> {
    (first, 0)..=(first, u64::MAX)
}

impl<V> Default for Spread<V> {
    fn default() -> Self {
        Spread { parts: std::array::from_fn(|_| HashMap::new()) }
    }
}

impl<V> Spread<V> {
    fn place(key: u64) -> usize {
        // The upper bits of a product depend on all bits of the key.
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % PARTS
    }

    pub(super) fn get(&self, key: u64) -> Option<&V> {
        self.parts.get(Self::place(key))?.get(&key)
    }

    /// What was there before.
    pub(super) fn insert(&mut self, key: u64, value: V) -> Option<V> {
        self.parts.get_mut(Self::place(key))?.insert(key, value)
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<V> {
        self.parts.get_mut(Self::place(key))?.remove(&key)
    }

    /// Makes room for so many at once.
    #[cfg(feature = "net")]
    pub(super) fn reserve(&mut self, entries: usize) {
        // Parts are not all of the same size.
        self.parts.iter_mut().for_each(|part| part.reserve(entries / PARTS + entries / PARTS / 16));
    }
}

impl Unordered {
    fn add(&mut self, (first, second): Pair) {
        match self.first.get(first) {
            None => drop(self.first.insert(first, second)),
            Some(found) if *found == second => {}
            Some(_) => drop(self.more.insert((first, second))),
        }
    }

    fn discard(&mut self, (first, second): Pair) {
        if self.first.get(first) != Some(&second) {
            self.more.remove(&(first, second));
            return;
        }
        let next = self.more.range(all_of(first)).next().copied();
        match next {
            None => drop(self.first.remove(first)),
            Some(next) => {
                self.more.remove(&next);
                self.first.insert(first, next.1);
            }
        }
    }

    fn of(&self, first: u64) -> impl Iterator<Item = u64> {
        let more = self.more.range(all_of(first)).map(|(_, second)| *second);
        self.first.get(first).copied().into_iter().chain(more)
    }
}

impl Indexes {
    /// Puts in what the record of a context says.
    ///
    /// # Errors
    /// The record cannot be read.
    #[cfg(feature = "net")]
    pub(super) fn add_record(&mut self, record: &[u8], ordered: &mut Ordered) -> Result<Pair, RecordFault> {
        let mut version_and_imsi = (0, 0);
        encoding::index(record, |index, pair| match index {
            Index::Id1s => self.id1s.add(pair),
            Index::Users => self.users.add(pair),
            Index::Expiry => ordered.expiry.push(pair),
            Index::Changes => {
                version_and_imsi = pair;
                ordered.changes.push(pair);
            }
        })?;
        Ok(version_and_imsi)
    }

    /// Makes room for so many contexts at once.
    #[cfg(feature = "net")]
    pub(super) fn reserve(&mut self, contexts: usize) {
        self.id1s.first.reserve(contexts);
        self.users.first.reserve(contexts);
    }

    /// Puts in what was gathered by [`Self::add_record`]: made from a sorted list a set is packed without gaps.
    #[cfg(feature = "net")]
    pub(super) fn set_ordered(&mut self, ordered: Ordered) {
        self.expiry = ordered.expiry.into_iter().collect();
        self.changes = ordered.changes.into_iter().collect();
    }

    /// The IMSIs of the pairs with `first`, in no order.
    pub(super) fn of(&self, index: Index, first: u64) -> impl Iterator<Item = u64> {
        let (unordered, ordered) = match index {
            Index::Id1s => (Some(self.id1s.of(first)), None),
            Index::Users => (Some(self.users.of(first)), None),
            Index::Expiry => (None, Some(self.expiry.range(all_of(first)))),
            Index::Changes => (None, Some(self.changes.range(all_of(first)))),
        };
        let ordered = ordered.into_iter().flatten().map(|(_, second)| *second);
        unordered.into_iter().flatten().chain(ordered)
    }

    /// Pairs of an ordered index from `from` on, in order; of the others none.
    pub(super) fn from(&self, index: Index, from: Pair) -> impl Iterator<Item = Pair> {
        let set = match index {
            Index::Expiry => Some(&self.expiry),
            Index::Changes => Some(&self.changes),
            Index::Id1s | Index::Users => None,
        };
        set.into_iter().flat_map(move |set| set.range(from..).copied())
    }

    pub(super) fn add(&mut self, index: Index, pair: Pair) {
        match index {
            Index::Id1s => self.id1s.add(pair),
            Index::Users => self.users.add(pair),
            Index::Expiry => drop(self.expiry.insert(pair)),
            Index::Changes => drop(self.changes.insert(pair)),
        }
    }

    pub(super) fn discard(&mut self, index: Index, pair: Pair) {
        match index {
            Index::Id1s => self.id1s.discard(pair),
            Index::Users => self.users.discard(pair),
            Index::Expiry => drop(self.expiry.remove(&pair)),
            Index::Changes => drop(self.changes.remove(&pair)),
        }
    }

    /// Takes over what a transaction has changed.
    pub(super) fn take_over(&mut self, changed: Changed) {
        for ((index, pair), is_in) in changed.0 {
            if is_in { self.add(index, pair) } else { self.discard(index, pair) }
        }
    }
}

/// Pairs of the ordered indexes while the records are read.
#[cfg(feature = "net")]
#[derive(Debug, Default)]
pub(super) struct Ordered {
    expiry: Vec<Pair>,
    changes: Vec<Pair>,
}

impl Changed {
    pub(super) fn add(&mut self, index: Index, pair: Pair) {
        self.0.insert((index, pair), true);
    }

    pub(super) fn discard(&mut self, index: Index, pair: Pair) {
        self.0.insert((index, pair), false);
    }

    fn added(&self, index: Index, from: Pair, to: Pair) -> impl Iterator<Item = Pair> {
        let range = (Bound::Included((index, from)), Bound::Included((index, to)));
        self.0.range(range).filter(|(_, is_in)| **is_in).map(|((_, pair), _)| *pair)
    }

    /// As [`Indexes::of`], of `indexes` as they will be.
    pub(super) fn of(&self, indexes: &Indexes, index: Index, first: u64) -> impl Iterator<Item = u64> {
        let kept = indexes.of(index, first).filter(move |second| !self.0.contains_key(&(index, (first, *second))));
        self.added(index, (first, 0), (first, u64::MAX)).map(|(_, second)| second).chain(kept)
    }

    /// As [`Indexes::from`], of `indexes` as they will be.
    pub(super) fn from(&self, indexes: &Indexes, index: Index, from: Pair) -> impl Iterator<Item = Pair> {
        let mut added = self.added(index, from, (u64::MAX, u64::MAX)).peekable();
        // What the transaction has touched is told by it alone.
        let mut kept = indexes.from(index, from).filter(move |pair| !self.0.contains_key(&(index, *pair))).peekable();
        std::iter::from_fn(move || match (added.peek(), kept.peek()) {
            (Some(new), Some(old)) if new < old => added.next(),
            (Some(_), None) => added.next(),
            _ => kept.next(),
        })
    }
}

/// At most `limit` of `found`, in order.
pub(super) fn in_order(found: impl Iterator<Item = u64>, limit: usize) -> Vec<u64> {
    let mut found: Vec<u64> = found.take(limit).collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_sees_what_it_has_changed_and_nobody_else_does() {
        let mut indexes = Indexes::default();
        for number in [1, 3, 5] {
            indexes.add(Index::Expiry, (number, 0));
        }
        indexes.add(Index::Changes, (2, 0));
        let mut changed = Changed::default();
        changed.add(Index::Expiry, (2, 0));
        changed.add(Index::Expiry, (3, 0));
        changed.discard(Index::Expiry, (5, 0));
        changed.add(Index::Expiry, (6, 0));
        changed.discard(Index::Expiry, (6, 0));
        changed.add(Index::Expiry, (7, 0));
        let seen =
            |from| changed.from(&indexes, Index::Expiry, (from, 0)).map(|(number, _)| number).collect::<Vec<_>>();
        assert_eq!(seen(0), [1, 2, 3, 7]);
        assert_eq!(seen(3), [3, 7]);
        assert_eq!(indexes.from(Index::Expiry, (0, 0)).map(|(number, _)| number).collect::<Vec<_>>(), [1, 3, 5]);
        let expected = seen(0);
        indexes.take_over(changed.clone());
        assert_eq!(indexes.from(Index::Expiry, (0, 0)).map(|(number, _)| number).collect::<Vec<_>>(), expected);
        assert_eq!(indexes.from(Index::Changes, (0, 0)).count(), 1);
    }

    #[test]
    fn what_shares_a_number_is_found_whichever_goes_first() {
        let sorted =
            |found: &mut dyn Iterator<Item = u64>| found.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
        for order in [[1, 2, 3], [3, 1, 2], [2, 3, 1]] {
            let mut indexes = Indexes::default();
            for imsi in [1, 2, 3, 2] {
                indexes.add(Index::Users, (7, imsi));
            }
            let mut left = BTreeSet::from([1, 2, 3]);
            for imsi in order {
                let mut changed = Changed::default();
                changed.discard(Index::Users, (7, imsi));
                changed.add(Index::Users, (7, 9));
                left.remove(&imsi);
                let with: Vec<u64> = left.iter().copied().chain([9]).collect();
                assert_eq!(sorted(&mut changed.of(&indexes, Index::Users, 7)), with);
                changed.discard(Index::Users, (7, 9));
                indexes.take_over(changed);
                assert_eq!(sorted(&mut indexes.of(Index::Users, 7)), left.iter().copied().collect::<Vec<_>>());
            }
            // An ID1 that goes from one to the other in one transaction, in either order of the IMSIs.
            indexes.add(Index::Id1s, (5, order[0]));
            let mut changed = Changed::default();
            changed.add(Index::Id1s, (5, order[1]));
            changed.discard(Index::Id1s, (5, order[0]));
            indexes.take_over(changed);
            assert_eq!(sorted(&mut indexes.of(Index::Id1s, 5)), [order[1]]);
        }
    }
}
