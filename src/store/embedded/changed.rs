//! What a transaction changes in the indexes, which others see as they were until it is durable.

use super::super::indexes::{Index, Pair};
use std::collections::{BTreeMap, btree_map};
use std::ops::Bound;

/// What a transaction changes: `true` for a pair that is put in.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed(BTreeMap<(Index, Pair), bool>);

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

    /// The IMSIs of the pairs with `first` as they will be; `kept` are those of them there are.
    pub(super) fn of(&self, kept: impl Iterator<Item = u64>, index: Index, first: u64) -> impl Iterator<Item = u64> {
        let kept = kept.filter(move |second| !self.0.contains_key(&(index, (first, *second))));
        self.added(index, (first, 0), (first, u64::MAX)).map(|(_, second)| second).chain(kept)
    }

    /// Pairs of an ordered index from `from` on as they will be; `kept` are those of them there are, in order.
    pub(super) fn from(
        &self,
        kept: impl Iterator<Item = Pair>,
        index: Index,
        from: Pair,
    ) -> impl Iterator<Item = Pair> {
        let mut added = self.added(index, from, (u64::MAX, u64::MAX)).peekable();
        // What the transaction has touched is told by it alone.
        let mut kept = kept.filter(move |pair| !self.0.contains_key(&(index, *pair))).peekable();
        std::iter::from_fn(move || match (added.peek(), kept.peek()) {
            (Some(new), Some(old)) if new < old => added.next(),
            (Some(_), None) => added.next(),
            _ => kept.next(),
        })
    }
}

impl IntoIterator for Changed {
    type Item = ((Index, Pair), bool);
    type IntoIter = btree_map::IntoIter<(Index, Pair), bool>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::indexes::Indexes;
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
        let seen = |from| {
            let kept = indexes.from(Index::Expiry, (from, 0));
            changed.from(kept, Index::Expiry, (from, 0)).map(|(number, _)| number).collect::<Vec<_>>()
        };
        assert_eq!(seen(0), [1, 2, 3, 7]);
        assert_eq!(seen(3), [3, 7]);
        assert_eq!(indexes.from(Index::Expiry, (0, 0)).map(|(number, _)| number).collect::<Vec<_>>(), [1, 3, 5]);
        let with = |second| changed.of([second].into_iter(), Index::Expiry, 5).collect::<Vec<_>>();
        assert_eq!((with(0), with(9)), (vec![], vec![9]));
    }
}
