//! The indexes of the contexts, in memory.
//!
//! They say nothing that the contexts do not say, so they are not stored: an index on disk whose keys come in no order
//! (ID1s are random, so are hashes) costs a page of 4 KiB, copied, checksummed, written and synced, for every entry, five
//! of them a UE, as soon as it has outgrown the writes of one commit. Read from the contexts they cost a second or two at
//! the start of a store of a million UEs, and they can never part from the contexts.
//!
//! What a transaction changes is gathered beside them and taken over once it is durable.

use super::encoding::{self, RecordFault};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// An ordered set of pairs of numbers; the second is an IMSI, packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Index {
    /// ID1, present or previous. One pair an ID1.
    Id1s,
    /// Hash of application and ID2.
    Users,
    /// Moment of expiry, in seconds.
    Expiry,
    /// Version of the context. One pair a context.
    Changes,
}

pub(super) type Pair = (u64, u64);

const INDEXES: usize = 4;

/// All indexes at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Indexes {
    sets: [BTreeSet<Pair>; INDEXES],
}

/// What a transaction changes: `true` for a pair that is put in.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed(BTreeMap<(Index, Pair), bool>);

impl Indexes {
    /// The indexes of contexts, from their records in any order.
    ///
    /// # Errors
    /// A record cannot be read: the place of the record and why.
    pub(super) fn of_records<E: From<RecordFault>>(
        records: impl Iterator<Item = Result<impl AsRef<[u8]>, E>>,
    ) -> Result<Self, E> {
        let mut gathered: [Vec<Pair>; INDEXES] = Default::default();
        for record in records {
            encoding::index(record?.as_ref(), |index, pair| {
                if let Some(set) = gathered.get_mut(index as usize) {
                    set.push(pair);
                }
            })?;
        }
        // Made from a sorted list a set is packed without gaps.
        Ok(Indexes { sets: gathered.map(|pairs| pairs.into_iter().collect()) })
    }

    fn set(&self, index: Index) -> &BTreeSet<Pair> {
        let [id1s, users, expiry, changes] = &self.sets;
        match index {
            Index::Id1s => id1s,
            Index::Users => users,
            Index::Expiry => expiry,
            Index::Changes => changes,
        }
    }

    fn set_mut(&mut self, index: Index) -> &mut BTreeSet<Pair> {
        let [id1s, users, expiry, changes] = &mut self.sets;
        match index {
            Index::Id1s => id1s,
            Index::Users => users,
            Index::Expiry => expiry,
            Index::Changes => changes,
        }
    }

    /// Pairs from `from` on, in order.
    pub(super) fn from(&self, index: Index, from: Pair) -> impl Iterator<Item = Pair> {
        self.set(index).range(from..).copied()
    }

    pub(super) fn add(&mut self, index: Index, pair: Pair) {
        self.set_mut(index).insert(pair);
    }

    pub(super) fn discard(&mut self, index: Index, pair: Pair) {
        self.set_mut(index).remove(&pair);
    }

    /// Takes over what a transaction has changed.
    pub(super) fn take_over(&mut self, changed: Changed) {
        for ((index, pair), is_in) in changed.0 {
            if is_in { self.add(index, pair) } else { self.discard(index, pair) }
        }
    }
}

impl Changed {
    pub(super) fn add(&mut self, index: Index, pair: Pair) {
        self.0.insert((index, pair), true);
    }

    pub(super) fn discard(&mut self, index: Index, pair: Pair) {
        self.0.insert((index, pair), false);
    }

    /// Pairs of `indexes` as they will be, from `from` on, in order.
    pub(super) fn from(&self, indexes: &Indexes, index: Index, from: Pair) -> impl Iterator<Item = Pair> {
        let range = (Bound::Included((index, from)), Bound::Included((index, (u64::MAX, u64::MAX))));
        let mut added = self.0.range(range).filter(|(_, is_in)| **is_in).map(|((_, pair), _)| *pair).peekable();
        // What the transaction has touched is told by it alone.
        let mut kept = indexes.from(index, from).filter(move |pair| !self.0.contains_key(&(index, *pair))).peekable();
        std::iter::from_fn(move || match (added.peek(), kept.peek()) {
            (Some(new), Some(old)) if new < old => added.next(),
            (Some(_), None) => added.next(),
            _ => kept.next(),
        })
    }
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
        indexes.add(Index::Users, (2, 0));
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
        assert_eq!(indexes.from(Index::Users, (0, 0)).count(), 1);
    }
}
