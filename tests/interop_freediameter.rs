//! freeDiameter 1.2.1 of Debian as the peer, in both roles at once: a node of ours connects to it, and it connects to
//! another node of ours. Over TCP and TLS on any machine, over the kernel's SCTP where there is one (`scripts/kernel-sctp`).
//!
//! `scripts/test interop` installs it and runs these.

#![cfg(feature = "net")]

#[path = "support/interop/mod.rs"]
mod interop;

use std::process::Command;

use interop::freediameter::{self, FreeDiameter};
use interop::messages::{CAPABILITIES_EXCHANGE, Messages, Seen, WATCHDOG};
use interop::program::Program;
use interop::stories::{self, RealPeer, Stage};
use interop::subscriber::{Subscriber, ask};
use interop::{missing_transport, name};
use proselink::generic::Responder;
use proselink::net::{Net, Options, Transport};
use proselink::node::agent::RelayElement;
use proselink::node::config::Role;
use proselink::node::{self, config};

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

/// The configurations of docs/interop.md, as they stand there but for ports and folders, bring the binary and freeDiameter
/// together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_as_the_documentation_says() {
    if let Some(why) = freediameter::missing() {
        println!("skipped: {why}");
        return;
    }
    let folder = interop::folder("freediameter-documentation");
    let (ours, its) = (interop::free_port().to_string(), interop::free_port().to_string());
    freediameter::certificates(&folder, &[("peer", name("peer"))]);
    let text = include_str!("../docs/interop.md");
    for (language, file) in [("toml", "node.toml"), ("conf", "fd.conf")] {
        let (_, block) = text.split_once(&format!("```{language}\n")).expect("a block");
        let (block, _) = block.split_once("```").expect("its end");
        let block = block.replace("3870", &ours).replace("3868", &its);
        let block = block.replace("/etc/freeDiameter", &folder.display().to_string());
        std::fs::write(folder.join(file), block).expect("a file");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_proselink"));
    command.args(["run", "-v", "-c"]).arg(folder.join("node.toml"));
    let node = Program::start("proselink", &command, &folder.join("node.log"));
    let mut command = Command::new(freediameter::DAEMON);
    command.arg("-c").arg(folder.join("fd.conf"));
    let peer = Program::start("freeDiameter", &command, &folder.join("fd.log"));
    node.says(1, "peer is up").await;
    peer.says(1, "STATE_OPEN").await;
    // SIGTERM: DPR to all, then the end, and nothing to complain about.
    node.signal("TERM");
    assert!(node.ended().await.success());
    peer.says(1, "sent a DPR with cause").await;
}

/// Our relay agent stands between two freeDiameters that do not know one another: it connects to the first, and the second
/// connects to it. Each asks the other.
async fn relayed(transport: Transport) {
    if let Some(why) = missing_transport(transport).or_else(freediameter::missing) {
        println!("skipped: {why}");
        return;
    }
    let stage = Stage::new("freediameter-relayed", transport, 30);
    let (first, second, port) = (name("first"), name("second"), stage.port_of_b);
    let [mut first_peer, mut second_peer] =
        [("first", stage.port), ("second", interop::free_port())].map(|(who, port)| {
            let folder = stage.folder.join(who);
            std::fs::create_dir_all(&folder).expect("a folder");
            let identity = name(who);
            let (connects, admits, asks) = (Vec::new(), vec![name("relay")], Vec::new());
            FreeDiameter { identity, transport, port, watchdog: 30, connects, admits, asks, folder }
        });
    first_peer.asks = vec![second.clone()];
    second_peer.asks = vec![first.clone()];
    second_peer.connects = vec![(name("relay"), port)];
    let configuration = format!(
        r#"identity = "{relay}"
realm = "{REALM}"
transport = "{transport}"
listen = ["127.0.0.1:{port}"]
tc = 1

[[peer]]
identity = "{first}"
connect_to = "127.0.0.1:{to}"

[[peer]]
identity = "{second}"

[relay]
"#,
        relay = name("relay"),
        to = stage.port,
        REALM = interop::REALM,
    );
    let file = stage.folder.join("relay.toml");
    std::fs::write(&file, configuration).expect("a file");
    let config = config::load(&file).unwrap_or_else(|error| panic!("{error}"));
    let messages = Messages::record(&stage.folder.join("relay.pcapng"));
    let net = Net::new(Options { recorder: Some(messages.recorder.clone()), ..Options::default() });
    let element = RelayElement::new(&config.identity(), true, [7; 16]);
    let relay = node::start(config.settings, net, element, None, None).await.unwrap_or_else(|error| panic!("{error}"));
    let peers = [first_peer, second_peer].map(|peer| {
        peer.write();
        (RealPeer::start(&peer), peer)
    });
    relay.ready(interop::PATIENCE).await.unwrap_or_else(|error| panic!("{error}"));
    let [(first_program, _), (second_program, _)] = &peers;
    for (program, host) in [(first_program, &second), (second_program, &first)] {
        program.signal("USR1");
        for size in freediameter::SIZES {
            program.says(1, &format!("purge: {host} answered 2001, {size} octets")).await;
        }
    }
    relay.stop().await.expect("the relay ends in order");
    messages.recorder.finish().expect("a capture");
    stories::judge(&messages.capture, &[stage.port, port], messages.all().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_two_of_them_beside_our_relay() {
    relayed(Transport::Tcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn kernel_sctp_two_of_them_beside_our_relay() {
    relayed(Transport::KernelSctp).await;
}

/// A node of ours that knows the peer, with the lines of `more` in its section.
fn node_beside(stage: &Stage, who: &str, place: &str, more: &str, role: &str) -> config::Config {
    let text = format!(
        "identity = \"{}\"\nrealm = \"{}\"\ntransport = \"{}\"\n{place}\ntc = 1\ntw = 6\n\n[[peer]]\nidentity = \"{}\"\n\
         {more}\n\n{role}\n",
        name(who),
        interop::REALM,
        stage.transport,
        name("peer"),
    );
    let file = stage.folder.join(format!("{who}.toml"));
    std::fs::write(&file, text).expect("a file");
    config::load(&file).unwrap_or_else(|error| panic!("{error}"))
}

/// Both connect at once: the election of RFC 6733 section 5.6.4 leaves one connection, and it stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_both_connect_and_one_connection_stays() {
    let Some((stage, peer)) = set("election", Transport::Tcp, 6, 6) else { return };
    let place = format!("listen = [\"127.0.0.1:{}\"]", stage.port_of_b);
    let connect = format!("connect_to = \"127.0.0.1:{}\"", stage.port);
    let config = node_beside(&stage, "b", &place, &connect, "[hss]");
    let messages = Messages::record(&stage.folder.join("b.pcapng"));
    let net = Net::new(Options { recorder: Some(messages.recorder.clone()), ..Options::default() });
    let program = RealPeer::start(&peer);
    let node = node::start(config.settings, net, Subscriber::new(&name("b")), None, None).await.expect("it starts");
    node.ready(interop::PATIENCE).await.unwrap_or_else(|error| panic!("{error}\n{}", program.lines().join("\n")));
    let watched = |seen: &Seen| seen.code == WATCHDOG && !seen.request;
    messages.come(messages.count(watched) + 1, "a DWA", watched).await;
    let exchanged = |seen: &Seen| seen.code == CAPABILITIES_EXCHANGE;
    let exchanges = messages.count(exchanged);
    // Whoever lost would have tried again by now: Tc is one second.
    messages.come(messages.count(watched) + 1, "another DWA", watched).await;
    assert_eq!(messages.count(exchanged), exchanges, "nobody tries again");
    let answer = ask(&node, &name("peer"), 5_000).await.expect("an answer");
    assert_eq!((answer.result, answer.octets.is_some()), (2001, true));
    node.stop().await.expect("the node ends in order");
}

/// No application in common, whoever connects: 5010, and what both sides advertise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_no_common_application_is_explained() {
    const SH: &str = "16777217";
    let Some((stage, peer)) = set("no-common-application", Transport::Tcp, 6, 6) else { return };
    // The relay application would be common with everybody.
    let file = peer.folder.join("fd.conf");
    let text = std::fs::read_to_string(&file).expect("its configuration");
    std::fs::write(&file, text + "NoRelay;\n").expect("a file");
    let _program = RealPeer::start(&peer);
    let listen = format!("listen = [\"127.0.0.1:{}\"]", stage.port_of_b);
    let connect = format!("connect_to = \"127.0.0.1:{}\"", stage.port);
    let role = format!("[responder]\napplications = [{SH}]\nany_command = true");
    for (who, place, more) in [("a", "addresses = [\"127.0.0.1\"]", connect.as_str()), ("b", listen.as_str(), "")] {
        let config = node_beside(&stage, who, place, more, &role);
        let identity = config.identity();
        let Role::Responder(role) = config.role else { panic!("a responder") };
        let element = Responder::new(identity, role);
        let net = Net::new(Options::default());
        let node = node::start(config.settings, net, element, None, None).await.expect("it starts");
        let told = |view: &node::PeerView| view.trouble.as_ref().is_some_and(|words| words.contains("5010"));
        tokio::time::timeout(interop::PATIENCE, node.until(|views| views.iter().any(told)))
            .await
            .expect("the refusal is told")
            .expect("the node runs");
        let words = node.peers().remove(0).trouble.unwrap_or_default();
        println!("{who}: {words}");
        assert!(words.contains(SH), "what we advertise: {words}");
        assert!(words.contains("16777251"), "what it advertises: {words}");
        node.stop().await.expect("the node ends in order");
    }
}

/// What a guest has recorded with this peer and with the other one is read by tshark afterwards, outside.
#[test]
#[ignore = "scripts/test interop"]
fn captures_of_a_guest_are_read_by_tshark() {
    stories::judge_later();
}
