//! What a transaction changes in the indexes, which others see as they were until it is durable.

use super::super::indexes::{Index, Indexes, Pair};
use std::collections::BTreeMap;
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

    /// Changes `indexes`: the transaction is durable.
    pub(super) fn apply_to(self, indexes: &mut Indexes) {
        for ((index, pair), is_in) in self.0 {
            if is_in { indexes.add(index, pair) } else { indexes.discard(index, pair) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

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
        changed.clone().apply_to(&mut indexes);
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
                changed.apply_to(&mut indexes);
                assert_eq!(sorted(&mut indexes.of(Index::Users, 7)), left.iter().copied().collect::<Vec<_>>());
            }
            // An ID1 that goes from one to the other in one transaction, in either order of the IMSIs.
            indexes.add(Index::Id1s, (5, order[0]));
            let mut changed = Changed::default();
            changed.add(Index::Id1s, (5, order[1]));
            changed.discard(Index::Id1s, (5, order[0]));
            changed.apply_to(&mut indexes);
            assert_eq!(sorted(&mut indexes.of(Index::Id1s, 5)), [order[1]]);
        }
    }
}
