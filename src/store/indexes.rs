//! The indexes of the contexts, in memory.
//!
//! They say nothing that the contexts do not say, so they are not stored: an index on disk whose keys come in no order
//! (ID1s are random, so are hashes) costs a page of 4 KiB, copied, checksummed, written and synced, for every entry, five
//! of them a UE, as soon as it has outgrown the writes of one commit. Read from the contexts they cost a second or two at
//! the start of a store of a million UEs, and they can never part from the contexts.
//!
//! What a transaction of an engine on disk changes is gathered beside them and taken over once it is durable.

#[cfg(feature = "net")]
pub(super) mod gathered;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

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

/// A map from numbers in several parts: one part grows at a time, which takes milliseconds, and not all of it at once.
#[derive(Clone, Debug)]
pub(super) struct Spread<V> {
    parts: [HashMap<u64, V>; PARTS],
}

const PARTS: usize = 32;

/// Pairs that are found by the first number alone, in one or two steps however many there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Unordered {
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

    fn entry(&mut self, key: u64) -> Option<Entry<'_, u64, V>> {
        Some(self.parts.get_mut(Self::place(key))?.entry(key))
    }
}

impl Unordered {
    fn add(&mut self, (first, second): Pair) {
        match self.first.entry(first) {
            Some(Entry::Vacant(place)) => drop(place.insert(second)),
            Some(Entry::Occupied(found)) if *found.get() == second => {}
            _ => drop(self.more.insert((first, second))),
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
}

/// At most `limit` of `found`, in order.
pub(super) fn in_order(found: impl Iterator<Item = u64>, limit: usize) -> Vec<u64> {
    let mut found: Vec<u64> = found.take(limit).collect();
    found.sort_unstable();
    found
}
