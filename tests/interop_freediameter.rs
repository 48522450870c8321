//! freeDiameter 1.2.1 of Debian as the peer, in both roles at once: a node of ours connects to it, and it connects to
//! another node of ours. Over TCP on any machine, over the kernel's SCTP where there is one (`scripts/kernel-sctp`).
//!
//! `scripts/test interop` installs it and runs these.

#![cfg(feature = "net")]

#[path = "support/interop/mod.rs"]
mod interop;

use interop::freediameter::{self, FreeDiameter};
use interop::missing_transport;
use interop::program::Program;
use interop::stories::{self, RealPeer, Stage};
use proselink::net::Transport;

/// freeDiameter says REBOOTING when it is told to end.
const REBOOTING: i32 = 0;

impl RealPeer for FreeDiameter {
    fn start(&self) -> Program {
        self.start()
    }

    fn make_it_ask(&self, program: &mut Program) -> &'static [usize] {
        program.signal("USR1");
        &freediameter::SIZES
    }

    fn answered(&self, host: &str, octets: usize) -> String {
        format!("purge: {host} answered 2001, {octets} octets")
    }

    fn stop(&self, program: &mut Program) {
        program.signal("TERM");
    }

    fn cause(&self) -> i32 {
        REBOOTING
    }

    fn relays(&self) -> bool {
        true
    }
}

/// The stage and the peer, or nothing where something is missing: that is said.
fn set(story: &str, transport: Transport, ours: u32, theirs: u32) -> Option<(Stage, FreeDiameter)> {
    if let Some(why) = missing_transport(transport).or_else(freediameter::missing) {
        println!("skipped: {why}");
        return None;
    }
    let stage = Stage::new(&format!("freediameter-{story}"), transport, ours);
    let peer = freediameter::between(&stage.folder, transport, theirs, stage.port, stage.port_of_b);
    peer.write();
    Some((stage, peer))
}

async fn talk(transport: Transport) {
    if let Some((stage, peer)) = set("talk", transport, 30, 30) {
        stories::talk(&stage, &peer).await;
    }
}

async fn we_watch(transport: Transport) {
    if let Some((stage, peer)) = set("we-watch", transport, 6, 60) {
        stories::watch(&stage, &peer, true).await;
    }
}

async fn it_watches(transport: Transport) {
    if let Some((stage, peer)) = set("it-watches", transport, 60, 6) {
        stories::watch(&stage, &peer, false).await;
    }
}

async fn part(transport: Transport) {
    if let Some((stage, peer)) = set("part", transport, 6, 6) {
        stories::part(&stage, &peer).await;
    }
}

macro_rules! over {
    ($module:ident, $transport:expr) => {
        mod $module {
            use super::Transport;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "scripts/test interop"]
            async fn talk() {
                super::talk($transport).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "scripts/test interop"]
            async fn we_watch() {
                super::we_watch($transport).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "scripts/test interop"]
            async fn it_watches() {
                super::it_watches($transport).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "scripts/test interop"]
            async fn part() {
                super::part($transport).await;
            }
        }
    };
}

over!(tcp, Transport::Tcp);
over!(kernel_sctp, Transport::KernelSctp);
