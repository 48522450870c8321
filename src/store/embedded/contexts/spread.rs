//! Hash tables in parts: one part grows at a time, which takes milliseconds, and not all of it at once.

use hashbrown::HashTable;
use std::hash::{BuildHasher as _, RandomState};
use std::hint::black_box;

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

    pub(super) fn find(&self, hash: u64, is_it: impl FnMut(&E) -> bool) -> Option<&E>
    where
        E: Copy,
    {
        let part = self.parts.get(part_of(hash))?;
        approach(part, hash);
        part.find(hash, is_it)
    }

    /// All that may have the hash, and some others.
    pub(super) fn all(&self, hash: u64) -> impl Iterator<Item = &E>
    where
        E: Copy,
    {
        let part = self.parts.get(part_of(hash));
        part.into_iter().flat_map(move |part| {
            approach(part, hash);
            part.iter_hash(hash)
        })
    }

    /// `hash_of` is of those that are there already: the table may grow.
    pub(super) fn insert(&mut self, hash: u64, entry: E, hash_of: impl Fn(&E) -> u64) {
        if let Some(part) = self.parts.get_mut(part_of(hash)) {
            part.insert_unique(hash, entry, hash_of);
        }
    }

    /// Puts `with` in the place of `entry`, which has the same hash, if it is there.
    pub(super) fn replace(&mut self, hash: u64, entry: &E, with: E)
    where
        E: PartialEq,
    {
        let part = self.parts.get_mut(part_of(hash));
        if let Some(there) = part.and_then(|part| part.find_mut(hash, |it| it == entry)) {
            *there = with;
        }
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, hash: u64, is_it: impl FnMut(&E) -> bool) -> bool {
        let part = self.parts.get_mut(part_of(hash));
        part.and_then(|part| part.find_entry(hash, is_it).ok()).map(|found| drop(found.remove())).is_some()
    }
}

/// A table first reads which of its entries may be the one, and then that entry: two walks to memory. The entry is most often
/// where its hash points or in the same line, so that line is asked for without waiting for the first.
fn approach<E: Copy>(table: &HashTable<E>, hash: u64) {
    let first = hash as usize & table.num_buckets().wrapping_sub(1);
    black_box(table.get_bucket(first).copied());
}
