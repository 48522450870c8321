//! Randomness that can be had again: all of a run follows from one seed, which is printed.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `end - 1`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// The seed of this run: that of PROSELINK_KILL_SEED, or a new one.
pub fn seed(what: &str) -> u64 {
    let given = std::env::var("PROSELINK_KILL_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| {
        let mut octets = [0; 8];
        getrandom::fill(&mut octets).expect("the system has randomness");
        u64::from_le_bytes(octets)
    });
    println!("{what}: PROSELINK_KILL_SEED={seed} gives the same moments again");
    seed
}
