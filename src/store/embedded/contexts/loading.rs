//! Contexts and indexes made at once from all records, at the start of a store.

use super::super::super::encoding::{self, RecordFault};
use super::super::super::indexes::{Index, Pair};
use super::records::{Place, Records};
use super::spread::{Hashes, PARTS, Spread, part_of};
use super::{Contexts, User};
use std::collections::BTreeSet;

/// What is put in at once.
#[derive(Debug)]
pub(in super::super) struct Loading {
    records: Records,
    hashes: Hashes,
    by_imsi: Gathered<Place>,
    by_id1: Gathered<Place>,
    previous_id1s: Vec<Pair>,
    by_user: Gathered<User>,
    imsis: Vec<u64>,
    expiry: Vec<Pair>,
    changes: Vec<Pair>,
    /// Of the record that is being read.
    users: Vec<u64>,
}

/// What goes into a [`Spread`] at once, with its hashes. One part after the other is filled, which stays in the cache of a
/// processor: where all of them grow at the same time, each entry is a walk to memory.
#[derive(Debug)]
struct Gathered<E> {
    parts: [Vec<(u64, E)>; PARTS],
}

impl<E> Gathered<E> {
    /// With room for so many.
    fn with_capacity(entries: usize) -> Self {
        // Parts are not all of the same size.
        Gathered { parts: std::array::from_fn(|_| Vec::with_capacity(entries / PARTS + entries / PARTS / 16)) }
    }

    fn push(&mut self, hash: u64, entry: E) {
        if let Some(part) = self.parts.get_mut(part_of(hash)) {
            part.push((hash, entry));
        }
    }

    /// Entries for which `again` is true are left out: it is told what is there with the same hash.
    fn spread(
        self,
        hash_of: impl Fn(&E) -> u64,
        is_same: impl Fn(&E, &E) -> bool,
        mut again: impl FnMut(&E, E),
    ) -> Spread<E> {
        let mut spread = Spread::default();
        for (part, entries) in spread.parts_mut().iter_mut().zip(self.parts) {
            part.reserve(entries.len(), &hash_of);
            for (hash, entry) in entries {
                match part.find(hash, |there| is_same(there, &entry)) {
                    Some(there) => again(there, entry),
                    None => drop(part.insert_unique(hash, entry, &hash_of)),
                }
            }
        }
        spread
    }
}

impl Loading {
    /// With room for so many contexts.
    pub(in super::super) fn with_capacity(contexts: usize) -> Self {
        Loading {
            records: Records::default(),
            hashes: Hashes::default(),
            by_imsi: Gathered::with_capacity(contexts),
            by_id1: Gathered::with_capacity(contexts),
            previous_id1s: Vec::new(),
            by_user: Gathered::with_capacity(contexts),
            imsis: Vec::with_capacity(contexts),
            expiry: Vec::with_capacity(contexts),
            changes: Vec::with_capacity(contexts),
            users: Vec::new(),
        }
    }

    /// Takes the record of a context, and returns its version.
    ///
    /// # Errors
    /// The record cannot be read.
    pub(in super::super) fn push(&mut self, record: &[u8]) -> Result<u64, RecordFault> {
        let (mut version, mut imsi, mut present) = (0, 0, None);
        self.users.clear();
        encoding::index(record, |index, pair| match index {
            Index::Changes => {
                (version, imsi) = pair;
                self.changes.push(pair);
            }
            Index::Expiry => self.expiry.push(pair),
            // The present one comes first.
            Index::Id1s if present.is_none() => present = Some(pair.0),
            Index::Id1s => self.previous_id1s.push(pair),
            Index::Users => self.users.push(pair.0),
        })?;
        let id1 = present.unwrap_or_default();
        let slot = self.records.insert(imsi, id1, record);
        self.imsis.push(imsi);
        // Nothing moves while nothing is replaced.
        if let Some(place) = self.records.place(slot) {
            self.by_imsi.push(self.hashes.of(imsi), place);
            self.by_id1.push(self.hashes.of(id1), place);
        }
        for user in self.users.drain(..) {
            self.by_user.push(self.hashes.of(user), User::new(user, slot));
        }
        Ok(version)
    }

    /// The contexts, unless two of them have the same IMSI.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub(in super::super) fn finish(self) -> std::io::Result<Option<Contexts>> {
        let Loading { records, hashes, by_imsi, by_id1, previous_id1s, by_user, mut imsis, expiry, changes, .. } = self;
        std::thread::scope(|scope| {
            // Half of the entries of all indexes are those of the users.
            let of_users = std::thread::Builder::new().name("store index".to_owned()).spawn_scoped(scope, || {
                let mut more = BTreeSet::new();
                let same = |there: &User, new: &User| there.hash == new.hash;
                let users = by_user.spread(
                    |user| hashes.of(user.hash()),
                    same,
                    |there, new| {
                        if there.slot != new.slot {
                            more.insert((new.hash(), u64::from(new.slot)));
                        }
                    },
                );
                (users, more)
            })?;
            imsis.sort_unstable();
            let twice = imsis.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
            // Reserved for all of them, so that nothing grows and nothing is hashed again; ID1s may come twice in a store that
            // is not as it should be, and then one of them leads to either.
            let by_imsi = by_imsi.spread(|place| hashes.of(records.head(*place).imsi), |_, _| false, |_, _| {});
            let by_id1 = by_id1.spread(|place| hashes.of(records.head(*place).id1), |_, _| false, |_, _| {});
            // Made from a sorted list a set is packed without gaps.
            let (imsis, expiry) = (imsis.into_iter().collect(), expiry.into_iter().collect());
            let (changes, previous_id1s) = (changes.into_iter().collect(), previous_id1s.into_iter().collect());
            let (by_user, more_of_user) = of_users.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let whole = (by_imsi, by_id1, by_user);
            Ok((!twice).then_some((whole, previous_id1s, more_of_user, imsis, expiry, changes)))
        })
        .map(|parts| {
            parts.map(|((by_imsi, by_id1, by_user), previous_id1s, more_of_user, imsis, expiry, changes)| Contexts {
                records,
                hashes,
                by_imsi,
                by_id1,
                previous_id1s,
                by_user,
                more_of_user,
                imsis,
                expiry,
                changes,
            })
        })
    }
}
