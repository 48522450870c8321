//! What the tests against real peers share: their processes, a view of the messages, an element that asks and answers,
//! and the stories that each peer goes through.
//!
//! ```text
//! program.rs       a process: its lines, its signals, its end      messages.rs   what crossed the wire, as it happens
//! freediameter.rs  freeDiameter's configuration and start          subscriber.rs asks for purges and answers them (S6a)
//! erlang.rs        Erlang/OTP's diameter, the same                 stories.rs    what every peer goes through
//! ```
#![allow(dead_code, reason = "each test file uses a part")]

pub mod freediameter;
pub mod messages;
pub mod program;
pub mod stories;
pub mod subscriber;

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use proselink::net::{Backend, Net, Options, Transport};

/// How long anything may take; user-mode Linux is slow, and so is a machine that does many things at once.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The realm of all.
pub const REALM: &str = "example.net";

/// The name of a party in that realm.
pub fn name(party: &str) -> String {
    format!("{party}.{REALM}")
}

/// Where each test keeps its files: below the project, so that the captures of a guest are there afterwards.
pub fn folder(story: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/interop").join(story);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

/// A port that is free now, of TCP; those of the kernel's SCTP are taken by nobody else in a guest.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// What is missing here for `transport`, or nothing.
pub fn missing_transport(transport: Transport) -> Option<String> {
    if transport != Transport::KernelSctp {
        return None;
    }
    let net = Net::new(Options::default());
    let (backend, reason) = net.sctp_backend();
    (backend != Backend::KernelSctp).then(|| format!("no SCTP in this kernel: {reason}"))
}
