//! Erlang/OTP's diameter as the peer, in both roles at once: a node of ours connects to it, and it connects to another
//! node of ours. Over TCP on any machine, over the kernel's SCTP where there is one (`scripts/kernel-sctp`).
//!
//! `scripts/test interop` installs it and runs these.

#![cfg(feature = "net")]

#[path = "support/interop/mod.rs"]
mod interop;

use interop::erlang::{self, Erlang};
use interop::missing_transport;
use interop::stories::Stage;
use proselink::net::Transport;

fn set(story: &str, transport: Transport, ours: u32, its: u32) -> Option<(Stage, Erlang)> {
    if let Some(why) = missing_transport(transport).or_else(erlang::missing) {
        println!("skipped: {why}");
        return None;
    }
    let stage = Stage::new(&format!("erlang-{story}"), transport, ours);
    let (port, peer_port, folder) = (stage.port, stage.port_of_b, stage.folder.clone());
    Some((stage, Erlang { transport, port, peer_port, watchdog: its, folder }))
}

stories_over!(tcp, proselink::net::Transport::Tcp, super::set);
stories_over!(kernel_sctp, proselink::net::Transport::KernelSctp, super::set);
