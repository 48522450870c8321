//! The cases of `captures/`, found by the walker that `proselink case run` has. `captures/README.md` is the guide.

#![allow(unused_imports, reason = "each test reads the part of a case that it judges")]

use std::path::Path;

pub use proselink::cli::case::folder::{
    About, CASE, Case, Faults, Finding, INPUT, MESSAGES, Origin, SOURCE, Verdict, first_difference,
};
#[allow(unused_imports)]
pub use proselink::cli::case::judge::{Held, Strict, judge};

/// Every case, in the order of their names.
///
/// # Errors
/// Each folder that is not as it should be, in a sentence.
pub fn cases() -> (Vec<Case>, Vec<String>) {
    proselink::cli::case::folder::cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"))
}
