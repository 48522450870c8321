//! Indexes made at once from all records, at the start of a store.

use super::super::encoding::{self, RecordFault};
use super::{Index, Indexes, PARTS, Pair, Spread, Unordered};
use std::collections::BTreeSet;
use std::collections::hash_map::Entry;

/// What goes into a [`Spread`] at once. One part after the other is filled, which stays in the cache of a processor: where
/// all of them grow at the same time, each entry is a walk to memory.
#[derive(Debug)]
pub(in super::super) struct Gathered<V> {
    parts: [Vec<(u64, V)>; PARTS],
}

impl<V> Gathered<V> {
    /// With room for so many.
    pub(in super::super) fn with_capacity(entries: usize) -> Self {
        // Parts are not all of the same size.
        Gathered { parts: std::array::from_fn(|_| Vec::with_capacity(entries / PARTS + entries / PARTS / 16)) }
    }

    pub(in super::super) fn push(&mut self, key: u64, value: V) {
        if let Some(part) = self.parts.get_mut(Spread::<V>::place(key)) {
            part.push((key, value));
        }
    }

    /// `again` is called with what is there and what comes, for a key that comes again; the first stays.
    pub(in super::super) fn spread(self, mut again: impl FnMut(u64, &V, V)) -> Spread<V> {
        let mut spread = Spread::default();
        for (part, entries) in spread.parts.iter_mut().zip(self.parts) {
            part.reserve(entries.len());
            for (key, value) in entries {
                match part.entry(key) {
                    Entry::Vacant(place) => drop(place.insert(value)),
                    Entry::Occupied(place) => again(key, place.get(), value),
                }
            }
        }
        spread
    }
}

impl Unordered {
    fn of_gathered(gathered: Gathered<u64>) -> Self {
        let mut more = BTreeSet::new();
        let first = gathered.spread(|first, found, second| {
            if *found != second {
                more.insert((first, second));
            }
        });
        Unordered { first, more }
    }
}

impl Indexes {
    pub(in super::super) fn with_users(self, users: Unordered) -> Self {
        Indexes { users, ..self }
    }
}

/// What the indexes are made from at once.
#[derive(Debug)]
pub(in super::super) struct IndexEntries {
    id1s: Gathered<u64>,
    expiry: Vec<Pair>,
    changes: Vec<Pair>,
}

/// What the index of the users is made from: most of all, so that another thread may do it.
#[derive(Debug)]
pub(in super::super) struct UserEntries(Gathered<u64>);

impl IndexEntries {
    /// With room for so many contexts.
    pub(in super::super) fn with_capacity(contexts: usize) -> (Self, UserEntries) {
        let id1s = Gathered::with_capacity(contexts);
        let entries =
            IndexEntries { id1s, expiry: Vec::with_capacity(contexts), changes: Vec::with_capacity(contexts) };
        (entries, UserEntries(Gathered::with_capacity(contexts)))
    }

    /// Takes what the record of a context says, and returns its version and IMSI.
    ///
    /// # Errors
    /// The record cannot be read.
    pub(in super::super) fn add_record(&mut self, users: &mut UserEntries, record: &[u8]) -> Result<Pair, RecordFault> {
        let mut version_and_imsi = (0, 0);
        encoding::index(record, |index, pair| match index {
            Index::Id1s => self.id1s.push(pair.0, pair.1),
            Index::Users => users.0.push(pair.0, pair.1),
            Index::Expiry => self.expiry.push(pair),
            Index::Changes => {
                version_and_imsi = pair;
                self.changes.push(pair);
            }
        })?;
        Ok(version_and_imsi)
    }

    /// The indexes but for the users. Made from a sorted list a set is packed without gaps.
    pub(in super::super) fn index(self) -> Indexes {
        let IndexEntries { id1s, expiry, changes } = self;
        let (expiry, changes) = (expiry.into_iter().collect(), changes.into_iter().collect());
        Indexes { id1s: Unordered::of_gathered(id1s), users: Unordered::default(), expiry, changes }
    }
}

impl UserEntries {
    pub(in super::super) fn index(self) -> Unordered {
        Unordered::of_gathered(self.0)
    }
}
