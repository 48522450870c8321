//! freeDiameter 1.2.1 of Debian as the peer, in both roles at once: a node of ours connects to it, and it connects to
//! another node of ours. Over TCP and TLS on any machine, over the kernel's SCTP where there is one (`scripts/kernel-sctp`).
//!
//! `scripts/test interop` installs it and runs these.

#![cfg(feature = "net")]

#[path = "support/interop/mod.rs"]
mod interop;

use interop::freediameter::{self, FreeDiameter};
use interop::missing_transport;
use interop::stories::Stage;
use proselink::net::Transport;

fn set(story: &str, transport: Transport, ours: u32, its: u32) -> Option<(Stage, FreeDiameter)> {
    if let Some(why) = missing_transport(transport).or_else(freediameter::missing) {
        println!("skipped: {why}");
        return None;
    }
    let stage = Stage::new(&format!("freediameter-{story}"), transport, ours);
    let peer = freediameter::between(&stage.folder, transport, its, stage.port, stage.port_of_b);
    peer.write();
    Some((stage, peer))
}

stories_over!(tcp, proselink::net::Transport::Tcp, super::set);
stories_over!(tls, proselink::net::Transport::Tls, super::set);
stories_over!(kernel_sctp, proselink::net::Transport::KernelSctp, super::set);
