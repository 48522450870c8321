//! `proselink conform` against real peers: freeDiameter and Erlang/OTP's diameter, and our own node beside them. What they do
//! otherwise than the RFC says stands in `tests/conform/*.baseline`, each with the clause; anything else fails.
//!
//! `scripts/test interop` installs them and runs these; what begins with `kernel_sctp` in a guest whose kernel has it.

#![cfg(feature = "net")]

#[path = "support/interop/mod.rs"]
mod interop;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use interop::erlang::{self, Erlang};
use interop::freediameter::{self, FreeDiameter};
use interop::program::Program;
use interop::stories::RealPeer;
use interop::{REALM, folder, free_port, missing_transport, name};
use proselink::net::Transport;

/// Cases in which the peer calls us.
const CALLED: [&str; 6] = ["--case", "peer-*", "--case", "election*", "--case", "second-connection-beside-its-own"];
/// Those of them that depend on which of two names is the greater.
const ELECTION: [&str; 2] = ["--case", "election-*"];

/// A peer to be judged.
struct Judged<'a> {
    transport: Transport,
    port: u16,
    folder: &'a Path,
    baselines: &'a [&'a str],
}

impl Judged<'_> {
    /// The suite under a name of ours, against a baseline that must hold to the letter: nothing in it passes.
    async fn conforms(&self, identity: &str, arguments: &[&str]) {
        let baselines = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conform");
        let (scheme, at) = (self.transport.to_string(), "127.0.0.1");
        let mut command = Command::new(env!("CARGO_BIN_EXE_proselink"));
        command.args(["conform", "--peer", &format!("{scheme}:{at}:{}", self.port), "--identity", &name(identity)]);
        command.arg("--captures").arg(self.folder.join("captures")).args(arguments);
        for baseline in self.baselines {
            command.arg("--baseline").arg(baselines.join(baseline));
        }
        let played = tokio::task::spawn_blocking(move || command.output()).await.expect("it is played");
        let Output { status, stdout, stderr } = played.expect("proselink runs");
        let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        println!("--- as {identity} {}\n{said}", arguments.join(" "));
        assert!(status.success(), "what fails is not in {:?}", self.baselines);
        assert!(!said.contains("is in the baseline and passes"), "{:?} is too long", self.baselines);
    }

    /// The same with certificates, that of a freeDiameter's folder.
    async fn conforms_in_tls(&self, identity: &str, arguments: &[&str]) {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let (certificate, key) = (file(&format!("{identity}.pem")), file(&format!("{identity}.key")));
        let authority = file("authority.pem");
        let tls = ["--certificate", &certificate, "--key", &key, "--ca", &authority];
        self.conforms(identity, &[&tls[..], arguments].concat()).await;
    }
}

/// A freeDiameter that lets `a` and `z` in, a name before its own and one behind, and calls them where it is told to.
async fn free_diameter(
    story: &str,
    transport: Transport,
    watchdog: u32,
    calls: &[(&str, u16)],
) -> Option<(FreeDiameter, Program)> {
    if let Some(why) = freediameter::missing().or_else(|| missing_transport(transport)) {
        println!("skipped: {why}");
        return None;
    }
    let peer = FreeDiameter {
        identity: name("peer"),
        transport,
        port: free_port(),
        watchdog,
        connects: calls.iter().map(|(party, port)| (name(party), *port)).collect(),
        admits: vec![name("a"), name("z")],
        asks: vec![name("a")],
        folder: folder(story),
    };
    peer.write();
    let program = peer.start();
    program.says(1, "freeDiameterd daemon initialized").await;
    Some((peer, program))
}

impl FreeDiameter {
    fn judged(&self) -> Judged<'_> {
        let Self { transport, port, folder, .. } = self;
        let baselines: &[&str] = match transport {
            Transport::Tls => &["freediameter.baseline", "freediameter-tls.baseline"],
            _ => &["freediameter.baseline"],
        };
        Judged { transport: *transport, port: *port, folder, baselines }
    }
}

async fn free_diameter_called(story: &str, transport: Transport) {
    let (port, other) = (free_port(), free_port());
    let calls = [("a", port), ("z", other)];
    let Some((peer, _program)) = free_diameter(story, transport, 30, &calls).await else { return };
    let listen = format!("{transport}:127.0.0.1:{port}");
    peer.judged().conforms("a", &[&["--listen", &listen, "--timeout", "5s"], &CALLED[..]].concat()).await;
    let listen = format!("{transport}:127.0.0.1:{other}");
    peer.judged().conforms("z", &[&["--listen", &listen, "--timeout", "5s"], &ELECTION[..]].concat()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_freediameter_conforms_to_the_base_protocol_but_for_what_is_known() {
    let set = free_diameter("conform-freediameter", Transport::Tcp, 30, &[]).await;
    let Some((peer, _program)) = set else { return };
    peer.judged().conforms("a", &["--timeout", "3s"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_freediameter_conforms_where_it_connects_to_us() {
    free_diameter_called("conform-freediameter-called", Transport::Tcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_freediameter_watches_as_it_should_but_for_what_is_known() {
    let port = free_port();
    let set = free_diameter("conform-freediameter-slow", Transport::Tcp, 6, &[("z", port)]).await;
    let Some((peer, _program)) = set else { return };
    let listen = format!("tcp:127.0.0.1:{port}");
    peer.judged().conforms("z", &["--tw", "6", "--slow=only", "--listen", &listen, "--timeout", "10s"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tls_freediameter_conforms_to_the_base_protocol_but_for_what_is_known() {
    let set = free_diameter("conform-freediameter-tls", Transport::Tls, 30, &[]).await;
    let Some((peer, _program)) = set else { return };
    peer.judged().conforms_in_tls("a", &["--timeout", "3s"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn kernel_sctp_freediameter_conforms_to_the_base_protocol_but_for_what_is_known() {
    let set = free_diameter("conform-freediameter-sctp", Transport::KernelSctp, 30, &[]).await;
    let Some((peer, _program)) = set else { return };
    peer.judged().conforms("a", &["--timeout", "20s", "--silence", "1s"]).await;
}

async fn erlang(story: &str, transport: Transport, watchdog: u32) -> Option<(Erlang, Program)> {
    if let Some(why) = erlang::missing().or_else(|| missing_transport(transport)) {
        println!("skipped: {why}");
        return None;
    }
    let (port, peer_port) = (free_port(), free_port());
    let peer = Erlang { transport, port, peer_port, watchdog, folder: folder(story) };
    let program = peer.start();
    program.says(1, "purge: ready").await;
    Some((peer, program))
}

impl Erlang {
    fn judged(&self) -> Judged<'_> {
        let Self { transport, port, folder, .. } = self;
        Judged { transport: *transport, port: *port, folder, baselines: &["erlang.baseline"] }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_erlang_conforms_to_the_base_protocol_but_for_what_is_known() {
    let Some((peer, _program)) = erlang("conform-erlang", Transport::Tcp, 30).await else { return };
    peer.judged().conforms("a", &["--timeout", "3s"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_erlang_conforms_where_it_connects_to_us() {
    let Some((peer, _program)) = erlang("conform-erlang-called", Transport::Tcp, 6).await else { return };
    let listen = format!("tcp:127.0.0.1:{}", peer.peer_port);
    peer.judged().conforms("a", &[&["--listen", &listen, "--timeout", "5s"], &CALLED[..]].concat()).await;
    peer.judged().conforms("z", &[&["--listen", &listen, "--timeout", "5s"], &ELECTION[..]].concat()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_erlang_watches_as_it_should_but_for_what_is_known() {
    let Some((peer, _program)) = erlang("conform-erlang-slow", Transport::Tcp, 6).await else { return };
    let listen = format!("tcp:127.0.0.1:{}", peer.peer_port);
    peer.judged().conforms("z", &["--tw", "6", "--slow=only", "--listen", &listen, "--timeout", "10s"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn kernel_sctp_erlang_conforms_to_the_base_protocol_but_for_what_is_known() {
    let Some((peer, _program)) = erlang("conform-erlang-sctp", Transport::KernelSctp, 30).await else { return };
    peer.judged().conforms("a", &["--timeout", "20s", "--silence", "1s"]).await;
}

/// Our own node with the shortest Tw that there is; it connects to `called`.
async fn ours(story: &str, transport: Transport, tw: u32, called: u16) -> (PathBuf, u16, Program) {
    let (folder, port) = (folder(story), free_port());
    let config = format!(
        "identity = \"{peer}\"\nrealm = \"{REALM}\"\nlisten = [\"{transport}:127.0.0.1:{port}\"]\n\
         tc = 1\ntw = {tw}\n\n\
         [[peer]]\nidentity = \"{a}\"\n\n\
         [[peer]]\nidentity = \"{z}\"\nconnect_to = \"{transport}:127.0.0.1:{called}\"\n\n\
         [responder]\napplications = [\"S6a\"]\nstrict = true\n",
        peer = name("peer"),
        a = name("a"),
        z = name("z"),
    );
    let file = folder.join("node.toml");
    std::fs::write(&file, config).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_proselink"));
    command.args(["run", "-c"]).arg(&file);
    let program = Program::start("our node", &command, &folder.join("node.log"));
    program.says(1, "listens at").await;
    (folder, port, program)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_our_node_watches_as_it_should() {
    let called = free_port();
    let (folder, port, _program) = ours("conform-ours-slow", Transport::Tcp, 6, called).await;
    let judged = Judged { transport: Transport::Tcp, port, folder: &folder, baselines: &[] };
    let listen = format!("tcp:127.0.0.1:{called}");
    judged.conforms("z", &["--tw", "6", "--slow=only", "--listen", &listen, "--timeout", "10s"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn kernel_sctp_our_node_conforms_to_the_base_protocol() {
    if let Some(why) = missing_transport(Transport::KernelSctp) {
        println!("skipped: {why}");
        return;
    }
    let called = free_port();
    let (folder, port, _program) = ours("conform-ours-sctp", Transport::KernelSctp, 30, called).await;
    let judged = Judged { transport: Transport::KernelSctp, port, folder: &folder, baselines: &[] };
    judged.conforms("a", &["--timeout", "20s", "--silence", "1s"]).await;
}
