//! The command `proselink`: parse, run, exit code. All else is in [`proselink::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(proselink::cli::main(std::env::args_os()))
}
