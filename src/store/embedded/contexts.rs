//! The contexts in memory and what leads to them.
//!
//! ```text
//! IMSI ─► hash ─► place ─► record             the record names its IMSI and its ID1: the tables of both hold four octets a UE,
//! ID1 ──► hash ─► place ─► record             and whether it is the one is seen where one has to go anyhow
//! user ─► hash ─► slot ─► place ─► record     of these there are several a UE: they are not told when its record moves
//!
//! records.rs   slots, places and records
//! spread.rs    the hash tables
//! loading.rs   all of it made at once, at the start of a store
//! ```
//! With a million UEs what a look-up costs is the walks to memory that wait for one another, so there are few of them:
//! tables and places are small, the record is the one long way. Where many UEs are changed together, a first pass
//! ([`Contexts::approach`]) touches what the second needs, so that the ways to it are walked side by side.

mod loading;
mod records;
mod spread;

use super::super::indexes::{Index, Pair};
use super::changed::Changed;
use records::{Head, Move, Place, Records};
use spread::{Hashes, Spread};
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::ops::RangeInclusive;

pub(super) use loading::Loading;

/// The contexts and their indexes as of one commit.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    records: Records,
    hashes: Hashes,
    by_imsi: Spread<Place>,
    /// By the present ID1 of each.
    by_id1: Spread<Place>,
    /// Of [`Index::Id1s`] the pairs of the previous ID1s.
    previous_id1s: BTreeSet<Pair>,
    by_user: Spread<User>,
    /// Hash and slot of further UEs of a user.
    more_of_user: BTreeSet<Pair>,
    imsis: BTreeSet<u64>,
    expiry: BTreeSet<Pair>,
    changes: BTreeSet<Pair>,
}

/// A pair of [`Index::Users`] with the slot of the UE in the place of its IMSI.
#[derive(Clone, Copy, Debug)]
struct User {
    /// In halves, so that an entry takes twelve octets and not sixteen.
    hash: [u32; 2],
    slot: u32,
}

/// The record of a context, and the ID1 that it holds.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id1: u64,
    pub(super) octets: Box<[u8]>,
}

/// What a transaction changes; `None` for a context that goes.
pub(super) type ChangedContexts = BTreeMap<u64, Option<Record>>;

/// Approached at once: their records fit into the nearest cache but one.
pub(super) const TOGETHER: usize = 256;

fn all_of(first: u64) -> RangeInclusive<Pair> {
    (first, 0)..=(first, u64::MAX)
}

impl User {
    fn new(hash: u64, slot: u32) -> Self {
        User { hash: Self::halves(hash), slot }
    }

    fn halves(hash: u64) -> [u32; 2] {
        [(hash >> 32) as u32, hash as u32]
    }

    fn hash(&self) -> u64 {
        let [high, low] = self.hash;
        u64::from(high) << 32 | u64::from(low)
    }
}

impl Contexts {
    fn head_of(&self, imsi: u64) -> Option<Head> {
        self.found(imsi).map(|(head, _)| head)
    }

    fn found(&self, imsi: u64) -> Option<(Head, &[u8])> {
        let mut found = None;
        self.by_imsi.find(self.hashes.of(imsi), |place| {
            found = self.records.at(*place).filter(|(head, _)| head.imsi == imsi);
            found.is_some()
        });
        found
    }

    /// The record of an IMSI.
    pub(super) fn record(&self, imsi: u64) -> Option<&[u8]> {
        self.found(imsi).map(|(_, record)| record)
    }

    /// Heads and records of the UEs of the pairs with `first` of an index that is not ordered.
    fn all_of(&self, index: Index, first: u64) -> impl Iterator<Item = (Head, &[u8])> {
        let hash = self.hashes.of(first);
        let (id1, user) = (index == Index::Id1s, index == Index::Users);
        let present = id1.then(|| self.by_id1.all(hash).filter_map(|place| self.records.at(*place)));
        let present = present.into_iter().flatten().filter(move |(head, _)| head.id1 == first);
        let previous = id1.then(|| self.previous_id1s.range(all_of(first))).into_iter().flatten();
        let previous = previous.filter_map(|(_, imsi)| self.found(*imsi));
        let halves = User::halves(first);
        let users = user.then(|| self.by_user.find(hash, |it| it.hash == halves)).flatten();
        let more = user.then(|| self.more_of_user.range(all_of(first))).into_iter().flatten();
        let slots = users.map(|it| it.slot).into_iter().chain(more.map(|(_, slot)| *slot as u32));
        present.chain(previous).chain(slots.filter_map(|slot| self.records.get(slot)))
    }

    /// The IMSIs of the pairs with `first` of an index that is not ordered.
    pub(super) fn of(&self, index: Index, first: u64) -> impl Iterator<Item = u64> {
        self.all_of(index, first).map(|(head, _)| head.imsi)
    }

    /// The records of these, by IMSI, at most `limit`.
    pub(super) fn records_of(&self, index: Index, first: u64, limit: usize) -> Vec<Vec<u8>> {
        let mut found: Vec<(Head, &[u8])> = self.all_of(index, first).take(limit).collect();
        found.sort_unstable_by_key(|(head, _)| head.imsi);
        found.into_iter().map(|(_, record)| record.to_vec()).collect()
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

    /// IMSIs from `from` on, in order.
    pub(super) fn imsis(&self, from: u64) -> impl Iterator<Item = u64> {
        self.imsis.range(from..).copied()
    }

    /// Walks to what [`Contexts::record`] of these IMSIs and the look-up of these ID1s will need, to all at once: no step for
    /// one waits for a step for another.
    pub(super) fn approach(&self, imsis: &[u64], id1s: &[u64]) {
        let hashes: Vec<u64> = imsis.iter().map(|imsi| self.hashes.of(*imsi)).collect();
        // The first with the right bits; another one is rare, and then the way is walked when it is needed.
        let places: Vec<_> = hashes.iter().map(|hash| self.by_imsi.find(*hash, |_| true).copied()).collect();
        places.into_iter().flatten().for_each(|place| self.records.touch(place));
        let hashes: Vec<u64> = id1s.iter().map(|id1| self.hashes.of(*id1)).collect();
        for hash in hashes {
            black_box(self.by_id1.find(hash, |_| true));
        }
    }

    /// What was committed.
    pub(super) fn take_over(&mut self, contexts: ChangedContexts, changed: Changed) {
        let contexts: Vec<(u64, Option<Record>)> = contexts.into_iter().collect();
        for (imsi, record) in &contexts {
            if let Some(record) = record {
                self.put(*imsi, record);
            }
        }
        let changed: Vec<((Index, Pair), bool)> = changed.into_iter().collect();
        for some in changed.chunks(TOGETHER) {
            self.approach_users(some);
            for ((index, pair), is_in) in some {
                if *is_in { self.add(*index, *pair) } else { self.discard(*index, *pair) }
            }
        }
        // Behind their pairs, which are found by them.
        let mut gone = contexts.iter().filter(|(_, record)| record.is_none()).map(|(imsi, _)| *imsi).peekable();
        while gone.peek().is_some() {
            let some: Vec<u64> = gone.by_ref().take(TOGETHER).collect();
            let id1s: Vec<u64> = some.iter().filter_map(|imsi| self.present_id1(*imsi)).collect();
            self.approach(&[], &id1s);
            some.iter().for_each(|imsi| self.remove(*imsi));
        }
    }

    fn approach_users(&self, changed: &[((Index, Pair), bool)]) {
        let users = changed.iter().filter(|((index, _), _)| *index == Index::Users);
        let hashes: Vec<u64> = users.map(|((_, (first, _)), _)| self.hashes.of(*first)).collect();
        for hash in hashes {
            black_box(self.by_user.find(hash, |it| black_box(it.slot) < u32::MAX));
        }
    }

    fn present_id1(&self, imsi: u64) -> Option<u64> {
        self.head_of(imsi).map(|head| head.id1)
    }

    fn put(&mut self, imsi: u64, record: &Record) {
        let Record { id1, octets } = record;
        let found = self.head_of(imsi);
        let slot = match found {
            None => self.records.insert(imsi, *id1, octets),
            Some(head) => {
                if head.id1 != *id1 {
                    self.leave_id1(head);
                    // If it is no previous one either, its pair is discarded after this.
                    self.previous_id1s.insert((head.id1, imsi));
                    self.previous_id1s.remove(&(*id1, imsi));
                }
                self.records.replace(head, *id1, octets);
                head.slot
            }
        };
        self.follow_moves();
        // What is in the tables is where they say it is: they may grow.
        let Contexts { records, hashes, by_imsi, by_id1, .. } = self;
        let Some(place) = records.place(slot) else { return };
        if found.is_none() {
            by_imsi.insert(hashes.of(imsi), place, |place| hashes.of(records.head(*place).imsi));
            self.imsis.insert(imsi);
        }
        if found.is_none_or(|head| head.id1 != *id1) {
            by_id1.insert(hashes.of(*id1), place, |place| hashes.of(records.head(*place).id1));
        }
    }

    fn remove(&mut self, imsi: u64) {
        let Some(head) = self.head_of(imsi) else { return };
        self.leave_id1(head);
        let place = self.records.place(head.slot);
        self.by_imsi.remove(self.hashes.of(imsi), |it| Some(*it) == place);
        self.records.remove(head.slot);
        self.imsis.remove(&imsi);
        self.follow_moves();
    }

    fn leave_id1(&mut self, head: Head) {
        let place = self.records.place(head.slot);
        self.by_id1.remove(self.hashes.of(head.id1), |it| Some(*it) == place);
    }

    /// Tells the tables where records are now.
    fn follow_moves(&mut self) {
        let Contexts { hashes, by_imsi, by_id1, .. } = self;
        let moves = self.records.take_moves();
        for some in moves.chunks(TOGETHER) {
            let hashed: Vec<_> = some.iter().map(|it| (hashes.of(it.head.imsi), hashes.of(it.head.id1))).collect();
            if some.len() > 1 {
                for (imsi, id1) in &hashed {
                    black_box((by_imsi.find(*imsi, |_| true), by_id1.find(*id1, |_| true)));
                }
            }
            for (Move { from, to, .. }, (imsi, id1)) in some.iter().zip(hashed) {
                by_imsi.replace(imsi, from, *to);
                // One that has another ID1 now is put in by whoever gave it that.
                by_id1.replace(id1, from, *to);
            }
        }
    }

    fn add(&mut self, index: Index, pair: Pair) {
        let (first, imsi) = pair;
        match index {
            Index::Id1s if self.present_id1(imsi) == Some(first) => {}
            Index::Id1s => drop(self.previous_id1s.insert(pair)),
            Index::Users => {
                if let Some(Head { slot, .. }) = self.head_of(imsi) {
                    self.add_user(first, slot);
                }
            }
            Index::Expiry => drop(self.expiry.insert(pair)),
            Index::Changes => drop(self.changes.insert(pair)),
        }
    }

    fn discard(&mut self, index: Index, pair: Pair) {
        let (first, imsi) = pair;
        match index {
            Index::Id1s => drop(self.previous_id1s.remove(&pair)),
            Index::Users => {
                if let Some(Head { slot, .. }) = self.head_of(imsi) {
                    self.discard_user(first, slot);
                }
            }
            Index::Expiry => drop(self.expiry.remove(&pair)),
            Index::Changes => drop(self.changes.remove(&pair)),
        }
    }

    fn add_user(&mut self, first: u64, slot: u32) {
        let (hash, halves) = (self.hashes.of(first), User::halves(first));
        match self.by_user.find(hash, |it| it.hash == halves) {
            Some(found) if found.slot == slot => {}
            Some(_) => drop(self.more_of_user.insert((first, slot.into()))),
            None => self.by_user.insert(hash, User::new(first, slot), |it| self.hashes.of(it.hash())),
        }
    }

    fn discard_user(&mut self, first: u64, slot: u32) {
        let (hash, halves) = (self.hashes.of(first), User::halves(first));
        if !self.by_user.remove(hash, |it| it.hash == halves && it.slot == slot) {
            self.more_of_user.remove(&(first, slot.into()));
            return;
        }
        if let Some(next) = self.more_of_user.range(all_of(first)).next().copied() {
            self.more_of_user.remove(&next);
            self.by_user.insert(hash, User::new(first, next.1 as u32), |it| self.hashes.of(it.hash()));
        }
    }
}

#[cfg(test)]
mod tests;
