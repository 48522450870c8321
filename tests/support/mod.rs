//! What the tests of the binary share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

/// The binary under test.
pub fn proselink() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proselink"));
    command.env_remove("PROSELINK_LOG").env("NO_COLOR", "1");
    command
}

/// `--port` with a UDP port of this test's own, so that tests may run side by side: the demo's elements share 127.0.0.x.
pub fn port_arguments() -> [String; 2] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test binaries are processes: each begins at a place of its own, below the ports that the system hands out.
    let start = 10_000 + (std::process::id() % 700) as u16 * 31;
    ["--port".to_owned(), (start + NEXT.fetch_add(1, Ordering::Relaxed)).to_string()]
}
