//! `proselink conform` against real peers: freeDiameter and Erlang/OTP's diameter, over TCP. What they do otherwise than the
//! RFC says stands in `tests/conform/*.baseline`, each with the clause; anything else fails.
//!
//! `scripts/test interop` installs them and runs these.

#![cfg(feature = "net")]

#[path = "support/interop/mod.rs"]
mod interop;

use std::path::Path;
use std::process::{Command, Output};

use interop::erlang::{self, Erlang};
use interop::freediameter::{self, FreeDiameter};
use interop::program::Program;
use interop::stories::RealPeer;
use interop::{folder, free_port, name};
use proselink::net::Transport;

/// The suite, against a baseline that must hold to the letter: nothing in it passes.
fn conform(folder: &Path, baseline: &str, port: u16, arguments: &[&str]) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let baseline = project.join("tests/conform").join(baseline);
    let mut command = Command::new(env!("CARGO_BIN_EXE_proselink"));
    command.args(["conform", "--peer", &format!("tcp:127.0.0.1:{port}"), "--identity", &name("a")]);
    command.arg("--captures").arg(folder.join("captures")).args(arguments);
    command.arg("--baseline").arg(&baseline);
    let Output { status, stdout, stderr } = command.output().expect("proselink runs");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    println!("{said}");
    assert!(status.success(), "what fails is not in {}", baseline.display());
    assert!(!said.contains("is in the baseline and passes"), "{} is too long", baseline.display());
}

fn free_diameter(story: &str, connects: Option<u16>) -> Option<(FreeDiameter, Program)> {
    if let Some(why) = freediameter::missing() {
        println!("skipped: {why}");
        return None;
    }
    let peer = FreeDiameter {
        identity: name("peer"),
        transport: Transport::Tcp,
        port: free_port(),
        watchdog: 30,
        connects: connects.map(|port| (name("a"), port)).into_iter().collect(),
        admits: vec![name("a")],
        asks: vec![name("a")],
        folder: folder(story),
    };
    peer.write();
    let program = peer.start();
    Some((peer, program))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_freediameter_conforms_to_the_base_protocol_but_for_what_is_known() {
    let Some((peer, program)) = free_diameter("conform-freediameter", None) else { return };
    program.says(1, "freeDiameterd daemon initialized").await;
    conform(&peer.folder, "freediameter.baseline", peer.port, &["--timeout", "3s"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_freediameter_conforms_where_it_connects_to_us() {
    let port = free_port();
    let Some((peer, program)) = free_diameter("conform-freediameter-called", Some(port)) else { return };
    program.says(1, "freeDiameterd daemon initialized").await;
    let listen = format!("tcp:127.0.0.1:{port}");
    // It comes back in its own time.
    let arguments = ["--listen", &listen, "--case", "peer-*", "--case", "election", "--timeout", "45s"];
    conform(&peer.folder, "freediameter.baseline", peer.port, &arguments);
}

async fn erlang(story: &str) -> Option<(Erlang, Program)> {
    if let Some(why) = erlang::missing() {
        println!("skipped: {why}");
        return None;
    }
    let (port, peer_port) = (free_port(), free_port());
    let peer = Erlang { transport: Transport::Tcp, port, peer_port, watchdog: 6, folder: folder(story) };
    let program = peer.start();
    program.says(1, "purge: ready").await;
    Some((peer, program))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_erlang_conforms_to_the_base_protocol_but_for_what_is_known() {
    let Some((peer, _program)) = erlang("conform-erlang").await else { return };
    conform(&peer.folder, "erlang.baseline", peer.port, &["--timeout", "3s"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_erlang_conforms_where_it_connects_to_us() {
    let Some((peer, _program)) = erlang("conform-erlang-called").await else { return };
    let listen = format!("tcp:127.0.0.1:{}", peer.peer_port);
    // It comes back in its own time.
    let arguments = ["--listen", &listen, "--case", "peer-*", "--case", "election", "--timeout", "45s"];
    conform(&peer.folder, "erlang.baseline", peer.port, &arguments);
}
