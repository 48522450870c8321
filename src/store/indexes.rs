//! The indexes of the contexts, in memory.
//!
//! They say nothing that the contexts do not say, so they are not stored: an index on disk whose keys come in no order
//! (ID1s are random, so are hashes) costs a page of 4 KiB, copied, checksummed, written and synced, for every entry, five
//! of them a UE, as soon as it has outgrown the writes of one commit. Read from the contexts they cost a second or two at
//! the start of a store of a million UEs, and they can never part from the contexts.
//!
//! Here is what they mean, and the plainest way to keep them. The engine on disk keeps them where a million UEs are found
//! in few steps, see `embedded/contexts.rs`.

use std::collections::BTreeSet;

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
pub(super) struct Indexes(BTreeSet<(Index, Pair)>);

impl Indexes {
    /// The IMSIs of the pairs with `first`.
    pub(super) fn of(&self, index: Index, first: u64) -> impl Iterator<Item = u64> {
        let all = self.0.range((index, (first, 0))..=(index, (first, u64::MAX)));
        all.map(|(_, (_, second))| *second)
    }

    /// Pairs of an index from `from` on, in order.
    pub(super) fn from(&self, index: Index, from: Pair) -> impl Iterator<Item = Pair> {
        self.0.range((index, from)..=(index, (u64::MAX, u64::MAX))).map(|(_, pair)| *pair)
    }

    pub(super) fn add(&mut self, index: Index, pair: Pair) {
        self.0.insert((index, pair));
    }

    pub(super) fn discard(&mut self, index: Index, pair: Pair) {
        self.0.remove(&(index, pair));
    }
}

/// At most `limit` of `found`, in order.
pub(super) fn in_order(found: impl Iterator<Item = u64>, limit: usize) -> Vec<u64> {
    let mut found: Vec<u64> = found.take(limit).collect();
    found.sort_unstable();
    found
}
