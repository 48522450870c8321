//! What the fuzz targets assert. Each target is a function here, so that `cargo test` walks the seeds and the findings
//! of the past through it on any machine; `cargo fuzz run` lets libFuzzer look for new ones.

mod capture;
mod codec;
pub mod seeds;

pub use capture::{capture_file, sctp_chunk};
pub use codec::{avp, framing, message};

#[cfg(test)]
mod tests {
    /// The seeds of every target, and each of them cut short and with single octets changed.
    #[test]
    fn the_seeds_pass() {
        for (name, target, seeds) in super::seeds::all() {
            for (at, seed) in seeds.iter().enumerate() {
                eprintln!("{name} {at}: {} octets", seed.len());
                target(seed);
                for cut in 0..seed.len().min(200) {
                    target(&seed[..cut]);
                    let mut changed = seed.clone();
                    changed[cut] ^= 0x81;
                    target(&changed);
                }
            }
        }
    }
}
