//! The command `proselink`: parse, run, exit code. All else is in [`proselink::cli`].

use std::process::ExitCode;

/// A store of a million UEs leaves the heap of the C library full of gaps, and most of a write was the search for one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(proselink::cli::main(std::env::args_os()))
}
