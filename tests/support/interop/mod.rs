//! What the tests against real peers share: their processes, a view of the messages, an element that asks and answers,
//! and the stories that each peer goes through.
//!
//! ```text
//! program.rs       a process: its lines, its signals, its end      messages.rs   what crossed the wire, as it happens
//! freediameter.rs  freeDiameter's configuration and start          subscriber.rs asks for purges and answers them (S6a)
//! erlang.rs        Erlang/OTP's diameter, the same                 stories.rs    what every peer goes through
//! ```
#![allow(dead_code, reason = "each test file uses a part")]

pub mod erlang;
pub mod freediameter;
pub mod messages;
pub mod program;
pub mod stories;
pub mod subscriber;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
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

/// Whether a program is there to be started.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Where all files of these tests are: below the project, so that the captures of a guest are there afterwards.
pub fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/interop")
}

/// Where a test keeps its files.
pub fn folder(story: &str) -> PathBuf {
    let folder = captures().join(story);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

/// A folder of compiled files that later runs, and those of a guest, find again: `build` fills it when one of `wanted` is
/// missing or older than one of `sources` (paths from the project).
pub fn built(name: &str, sources: &[&str], wanted: &[&str], build: impl FnOnce(&Path)) -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = captures().join(name);
    let changed = |path: PathBuf| path.metadata().and_then(|about| about.modified()).ok();
    let newest = sources.iter().filter_map(|source| changed(project.join(source))).max();
    let fresh = wanted.iter().all(|file| changed(folder.join(file)) > newest);
    if !fresh {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        build(&folder);
    }
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
    println!("{backend}: {reason}");
    (backend != Backend::KernelSctp).then(|| format!("no SCTP in this kernel: {reason}"))
}

/// The tests of a peer over one transport. `$set` prepares stage and peer from the story's name, the transport, and Tw of
/// our nodes and of the peer; it says what is missing and gives nothing when something is.
#[macro_export]
macro_rules! stories_over {
    ($module:ident, $transport:expr, $set:path) => {
        mod $module {
            use $crate::interop::stories;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "scripts/test interop"]
            async fn they_talk_and_we_disconnect() {
                if let Some((stage, peer)) = $set("talk", $transport, 30, 30) {
                    stories::talk(&stage, &peer).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "scripts/test interop"]
            async fn our_watchdog_is_answered_for_three_periods() {
                if let Some((stage, peer)) = $set("our-watchdog", $transport, 6, 60) {
                    stories::watch(&stage, &peer, true).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "scripts/test interop"]
            async fn its_watchdog_is_answered_for_three_periods() {
                if let Some((stage, peer)) = $set("its-watchdog", $transport, 60, 6) {
                    stories::watch(&stage, &peer, false).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "scripts/test interop"]
            async fn it_disconnects_or_is_killed_and_comes_back() {
                if let Some((stage, peer)) = $set("part", $transport, 6, 6) {
                    stories::part(&stage, &peer).await;
                }
            }
        }
    };
}
