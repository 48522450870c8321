//! A bounded table of flows, and the cheap hash for its keys.

use std::hash::{BuildHasherDefault, Hasher};

/// The hasher of all tables in this room.
pub(super) type Folding = BuildHasherDefault<FoldingHasher>;

/// Multiplies and folds each word: a few cycles for an address, and good enough where tables are bounded.
#[derive(Default)]
pub(super) struct FoldingHasher(u64);

impl FoldingHasher {
    #[inline]
    fn word(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ 0x9e37_79b9_7f4a_7c15) * 0xda94_2042_e4dd_58b5;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

impl Hasher for FoldingHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.word(chunk.first_chunk().map_or(0, |word| u64::from_le_bytes(*word)));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            self.word(rest.iter().fold(rest.len() as u64, |word, octet| word << 8 | u64::from(*octet)));
        }
    }
    #[inline]
    fn write_u8(&mut self, n: u8) {
        self.word(n.into());
    }
    #[inline]
    fn write_u16(&mut self, n: u16) {
        self.word(n.into());
    }
    #[inline]
    fn write_u32(&mut self, n: u32) {
        self.word(n.into());
    }
    #[inline]
    fn write_u64(&mut self, n: u64) {
        self.word(n);
    }
    #[inline]
    fn write_usize(&mut self, n: usize) {
        self.word(n as u64);
    }
    // The discriminant of an address: the octets that follow differ in number anyway.
    #[inline]
    fn write_isize(&mut self, _: isize) {}
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

/// Entries under small stable indexes. When full, one that was not touched for a round of the clock hand makes room.
pub(super) struct Slots<T> {
    entries: Vec<(bool, T)>,
    hand: usize,
    limit: usize,
}

impl<T> Slots<T> {
    pub fn new(limit: usize) -> Self {
        Self { entries: Vec::new(), hand: 0, limit: limit.clamp(1, u32::MAX as usize) }
    }

    /// Adds an entry; returns its index, and the entry that had to leave from there.
    pub fn insert(&mut self, entry: T) -> (u32, Option<T>) {
        if self.entries.len() < self.limit {
            self.entries.push((true, entry));
            return ((self.entries.len() - 1) as u32, None);
        }
        let index = self.advance();
        let (_, old) = std::mem::replace(&mut self.entries[index], (true, entry));
        (index as u32, Some(old))
    }

    #[inline]
    pub fn get(&mut self, index: u32) -> Option<&mut T> {
        let (touched, entry) = self.entries.get_mut(index as usize)?;
        *touched = true;
        Some(entry)
    }

    /// The entry the clock hand comes to next, passing over those that were touched lately.
    pub fn least_used(&mut self) -> Option<&mut T> {
        if self.entries.is_empty() {
            return None;
        }
        let index = self.advance();
        Some(&mut self.entries[index].1)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|(_, entry)| entry)
    }

    /// `entries` is not empty.
    fn advance(&mut self) -> usize {
        loop {
            let index = self.hand % self.entries.len();
            self.hand = index + 1;
            if !std::mem::replace(&mut self.entries[index].0, false) {
                return index;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_untouched_entry_makes_room() {
        let mut slots = Slots::new(3);
        for name in ["a", "b", "c"] {
            assert_eq!(slots.insert(name).1, None);
        }
        assert_eq!(slots.insert("d"), (0, Some("a")));
        slots.get(1);
        assert_eq!(slots.insert("e"), (2, Some("c")));
    }
}
