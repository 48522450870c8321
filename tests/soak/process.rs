//! Child processes that play peers, and what /proc tells of a process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// What a child is to do: a role and its arguments, apart by spaces. Without it the test that plays peers does nothing.
pub const ORDER: &str = "PROSELINK_SOAK_ROLE";

/// A peer in a process of its own. Dropping it kills it.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts this test binary as a peer and waits until it says that it is ready.
    pub fn start(order: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this binary has a path"))
            .args(["plays_a_peer", "--exact", "--ignored", "--nocapture"])
            .env(ORDER, order)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child starts");
        let output = child.stdout.take().expect("its output is a pipe");
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        // libtest writes the test's name in front.
        assert!(lines.any(|line| line.ends_with("ready")), "the peer {order} does not start");
        // Nobody reads on: it writes nothing more.
        Self { child }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no DPR, no shutdown.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Memory of a process in RAM, in KiB.
pub fn resident(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Open file descriptors of a process.
pub fn descriptors(id: u32) -> usize {
    std::fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count)
}

/// Samples of one quantity over time.
#[derive(Default)]
pub struct Samples(Vec<u64>);

impl Samples {
    pub fn push(&mut self, sample: Option<u64>) {
        self.0.extend(sample);
    }

    fn median(samples: &[u64]) -> u64 {
        let mut sorted = samples.to_vec();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }

    /// Medians of the first and the last third.
    pub fn thirds(&self) -> (u64, u64) {
        let third = self.0.len().div_ceil(3).min(self.0.len());
        (Self::median(&self.0[..third]), Self::median(&self.0[self.0.len() - third..]))
    }

    pub fn highest(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or(0)
    }
}
