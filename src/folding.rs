//! A cheap hash for tables.

use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// For tables whose keys are ours, or that are bounded and whose owner alone suffers from collisions.
pub(crate) type Folding = BuildHasherDefault<FoldingHasher>;

/// Likewise, for keys that a stranger chooses: each table starts from a number of its own, which nobody can know.
#[derive(Clone, Copy)]
pub(crate) struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }
}

impl BuildHasher for Seeded {
    type Hasher = FoldingHasher;

    #[inline]
    fn build_hasher(&self) -> FoldingHasher {
        FoldingHasher(self.0)
    }
}

/// Multiplies and folds each word: a few cycles for an address, and good enough where tables are bounded.
#[derive(Default)]
pub(crate) struct FoldingHasher(u64);

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
