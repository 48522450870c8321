//! Hash tables in parts: one part grows at a time, which takes milliseconds, and not all of it at once.

use hashbrown::HashTable;
use std::hash::{BuildHasher as _, RandomState};

/// Entries found by the hash of a number that stands in them, or where they lead.
#[derive(Debug)]
pub(super) struct Spread<E> {
    parts: [HashTable<E>; PARTS],
}

/// How numbers are hashed: not as somebody else might foresee.
#[derive(Clone, Debug, Default)]
pub(super) struct Hashes(RandomState);

pub(super) const PARTS: usize = 32;

/// The part of a hash; a table uses the bits at both ends.
pub(super) fn part_of(hash: u64) -> usize {
    (hash >> 36) as usize % PARTS
}

impl Hashes {
    pub(super) fn of(&self, number: u64) -> u64 {
        self.0.hash_one(number)
    }
}

impl<E> Default for Spread<E> {
    fn default() -> Self {
        Spread { parts: std::array::from_fn(|_| HashTable::new()) }
    }
}

impl<E> Spread<E> {
    pub(super) fn parts_mut(&mut self) -> &mut [HashTable<E>; PARTS] {
        &mut self.parts
    }

    pub(super) fn find(&self, hash: u64, is_it: impl FnMut(&E) -> bool) -> Option<&E> {
        self.parts.get(part_of(hash))?.find(hash, is_it)
    }

    /// All that may have the hash, and some others.
    pub(super) fn all(&self, hash: u64) -> impl Iterator<Item = &E> {
        self.parts.get(part_of(hash)).into_iter().flat_map(move |part| part.iter_hash(hash))
    }

    /// `hash_of` is of those that are there already: the table may grow.
    pub(super) fn insert(&mut self, hash: u64, entry: E, hash_of: impl Fn(&E) -> u64) {
        if let Some(part) = self.parts.get_mut(part_of(hash)) {
            part.insert_unique(hash, entry, hash_of);
        }
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, hash: u64, is_it: impl FnMut(&E) -> bool) -> bool {
        let part = self.parts.get_mut(part_of(hash));
        part.and_then(|part| part.find_entry(hash, is_it).ok()).map(|found| drop(found.remove())).is_some()
    }
}
