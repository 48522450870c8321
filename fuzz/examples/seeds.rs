//! Writes the seeds into `corpus/TARGET/` beside the manifest: `cargo run --example seeds --no-default-features`.

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    for (name, _, seeds) in proselink_fuzz::seeds::all() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        fs::create_dir_all(&folder)?;
        for (at, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{at:03}")), seed)?;
        }
        println!("{name}: {} seeds", seeds.len());
    }
    Ok(())
}
