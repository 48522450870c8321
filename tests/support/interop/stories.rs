//! What every peer goes through, in both roles at once: node `a` connects to the peer, and the peer connects to node `b`.

use std::path::{Path, PathBuf};
use std::process::Command;

use proselink::net::{Net, Options, Transport};
use proselink::node::{self, Handle, config};
use proselink::verify;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::messages::{CAPABILITIES_EXCHANGE, DISCONNECT, Messages, WATCHDOG};
use super::program::Program;
use super::subscriber::{Came, Subscriber, ask, is_asked};
use super::{PATIENCE, REALM, free_port, name};

/// A peer of the real world.
pub trait RealPeer {
    /// Starts it; it connects to `b` and lets `a` in.
    fn start(&self) -> Program;
    /// Makes it ask `a` and `b`; gives the numbers of octets that its requests carry, one request each.
    fn make_it_ask(&self, program: &mut Program) -> &'static [usize];
    /// What it says when `host` has answered with so many octets.
    fn answered(&self, host: &str, octets: usize) -> String;
    /// What it says when it takes requests of `host`, where that is later than its CEA.
    fn takes_requests(&self, _host: &str) -> Option<String> {
        None
    }
    /// Tells it to stop in order: DPR to all.
    fn stop(&self, program: &mut Program);
    /// The Disconnect-Cause it gives.
    fn cause(&self) -> i32;
    /// True when it passes a request on to another peer.
    fn relays(&self) -> bool;
}

/// The stage: where everyone listens, and our two nodes.
#[derive(Debug)]
pub struct Stage {
    /// Where the files are.
    pub folder: PathBuf,
    /// Over what.
    pub transport: Transport,
    /// Where the peer listens.
    pub port: u16,
    /// Where `b` listens.
    pub port_of_b: u16,
    /// Tw of our nodes in seconds.
    pub watchdog: u32,
}

/// A node of ours and what it sees.
#[derive(Debug)]
pub struct Node {
    /// The node.
    pub handle: Handle<Subscriber>,
    /// Its messages.
    pub messages: Messages,
}

impl Stage {
    /// A new one.
    pub fn new(story: &str, transport: Transport, watchdog: u32) -> Self {
        let folder = super::folder(&format!("{story}-{transport}"));
        let port = free_port();
        let port_of_b = std::iter::repeat_with(free_port).find(|other| *other != port).expect("many ports are free");
        Self { folder, transport, port, port_of_b, watchdog }
    }

    /// The configuration of `a` or `b`.
    fn configuration(&self, who: &str) -> String {
        let Self { transport, watchdog, port, port_of_b, .. } = self;
        let (place, connect) = if who == "a" {
            ("addresses = [\"127.0.0.1\"]".to_owned(), format!("connect_to = \"127.0.0.1:{port}\""))
        } else {
            (format!("listen = [\"127.0.0.1:{port_of_b}\"]"), String::new())
        };
        let tls = match transport {
            Transport::Tls => {
                format!("[tls]\ncertificate = \"{who}.pem\"\nkey = \"{who}.key\"\nca = \"authority.pem\"\n")
            }
            _ => String::new(),
        };
        format!(
            r#"identity = "{identity}"
realm = "{REALM}"
transport = "{transport}"
{place}
tc = 1
tw = {watchdog}

[[peer]]
identity = "{peer}"
{connect}

{tls}
[hss]
"#,
            identity = name(who),
            peer = name("peer"),
        )
    }

    /// Starts `a` or `b`.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(&self, who: &str) -> Node {
        let path = self.folder.join(format!("{who}.toml"));
        std::fs::write(&path, self.configuration(who)).expect("a configuration");
        let config = config::load(&path).unwrap_or_else(|error| panic!("{error}"));
        let messages = Messages::record(&self.folder.join(format!("{who}.pcapng")));
        let net = Net::new(Options {
            tls: config.tls.clone(),
            recorder: Some(messages.recorder.clone()),
            ..Options::default()
        });
        let element = Subscriber::new(&name(who));
        let handle =
            node::start(config.settings, net, element, None, None).await.unwrap_or_else(|error| panic!("{error}"));
        Node { handle, messages }
    }

    /// Starts both.
    pub async fn start_both(&self) -> [Node; 2] {
        [self.start("a").await, self.start("b").await]
    }

    /// Ends the captures and has them judged. A killed process ends TCP in order, but not TLS: of `kills`, each is recorded
    /// as a reset there.
    pub fn judge(&self, nodes: [Messages; 2], kills: usize) {
        for messages in nodes {
            let capture = &messages.capture;
            messages.recorder.finish().unwrap_or_else(|error| panic!("{}: {error}", capture.display()));
            let resets = if self.transport == Transport::Tls { kills } else { 0 };
            judge(capture, &[self.port, self.port_of_b], messages.all().len(), resets);
        }
    }
}

/// Capabilities exchange, requests and answers both ways, long ones too, then DPR from us.
pub async fn talk(stage: &Stage, peer: &dyn RealPeer) {
    let [a, b] = stage.start_both().await;
    let mut program = peer.start();
    for node in [&a, &b] {
        ready(node, &program).await;
        if let Some(words) = peer.takes_requests(node.handle.identity()) {
            program.says(1, &words).await;
        }
        let capabilities = |request| {
            node.messages.count(|seen| {
                let good = request || seen.result == Some(2001);
                seen.code == CAPABILITIES_EXCHANGE && seen.request == request && good
            })
        };
        assert_eq!((capabilities(true), capabilities(false)), (1, 1), "one CER and one CEA");
        // We ask, and the answer brings back what went.
        for length in [500, 5_000, 60_000] {
            let answer = ask(&node.handle, &name("peer"), length).await.expect("an answer");
            let Came { from, result, octets } = answer;
            assert_eq!((from.as_str(), result), (name("peer").as_str(), 2001), "{length} octets");
            let whole = octets.is_some_and(|octets| octets < length && octets + 300 > length);
            assert!(whole, "{octets:?} of {length} octets came back");
            let there = |request| node.messages.count(|seen| seen.request == request && seen.length + 100 > length);
            assert!(there(true) > 0 && there(false) > 0, "both are that long");
        }
    }
    // It asks us both.
    let sizes = peer.make_it_ask(&mut program);
    assert!(sizes.contains(&5_000) && sizes.contains(&60_000));
    for (node, who) in [(&a, name("a")), (&b, name("b"))] {
        is_asked(&node.handle, &name("peer"), sizes).await;
        for size in sizes {
            program.says(1, &peer.answered(&who, *size)).await;
        }
    }
    // Through it, from one to the other and back.
    if peer.relays() {
        for (node, to) in [(&a, name("b")), (&b, name("a"))] {
            for length in [500, 60_000] {
                let answer = ask(&node.handle, &to, length).await.expect("an answer");
                assert_eq!((answer.from.as_str(), answer.result), (to.as_str(), 2001));
                assert!(answer.octets.is_some(), "the octets came back whole");
            }
        }
    }
    // We stop: it takes the DPR, answers and closes.
    let [a, b] = [a, b].map(|Node { handle, messages }| async move {
        let us = handle.identity().to_owned();
        handle.stop().await.expect("the node ends in order");
        let dpr = messages.count(|seen| seen.code == DISCONNECT && seen.request && seen.from == us);
        let dpa = messages.count(|seen| seen.code == DISCONNECT && !seen.request && seen.from == name("peer"));
        assert_eq!((dpr, dpa), (1, 1), "{us}: one DPR of ours and its DPA");
        messages
    });
    let nodes = tokio::join!(a, b);
    stage.judge(nodes.into(), 0);
}

/// At least three watchdog periods: `ours` say whether our nodes ask, or the peer does.
pub async fn watch(stage: &Stage, peer: &dyn RealPeer, ours: bool) {
    let [a, b] = stage.start_both().await;
    let program = peer.start();
    for (node, us) in [(&a, name("a")), (&b, name("b"))] {
        ready(node, &program).await;
        let (asks, answers) = if ours { (us, name("peer")) } else { (name("peer"), us) };
        node.messages
            .come(3, &format!("a DWR of {asks}"), |seen| seen.code == WATCHDOG && seen.request && seen.from == asks)
            .await;
        node.messages
            .come(3, &format!("a DWA of {answers}"), |seen| {
                seen.code == WATCHDOG && !seen.request && seen.from == answers && seen.result == Some(2001)
            })
            .await;
        assert!(node.handle.peers().iter().all(node::PeerView::is_usable));
    }
    stop_and_judge(stage, [a, b], 0).await;
}

/// The peer stops in order and comes back, is killed and comes back: each time we find together again.
pub async fn part(stage: &Stage, peer: &dyn RealPeer) {
    let [a, b] = stage.start_both().await;
    let mut program = peer.start();
    for node in [&a, &b] {
        ready(node, &program).await;
    }

    // It disconnects: DPR with its cause, our DPA.
    peer.stop(&mut program);
    for (node, us) in [(&a, name("a")), (&b, name("b"))] {
        let dpr =
            |seen: &super::messages::Seen| seen.code == DISCONNECT && seen.request && seen.cause == Some(peer.cause());
        node.messages.come(1, "its DPR", |seen| dpr(seen) && seen.from == name("peer")).await;
        let dpa = |seen: &super::messages::Seen| seen.code == DISCONNECT && !seen.request && seen.result == Some(2001);
        node.messages.come(1, "our DPA", |seen| dpa(seen) && seen.from == us).await;
        down(node).await;
    }
    program.ended().await;

    // It starts again.
    program = peer.start();
    for node in [&a, &b] {
        ready(node, &program).await;
    }

    // It is killed, and starts again.
    program.kill();
    for node in [&a, &b] {
        down(node).await;
    }
    program = peer.start();
    for node in [&a, &b] {
        ready(node, &program).await;
        let answer = ask(&node.handle, &name("peer"), 5_000).await.expect("an answer");
        assert_eq!((answer.result, answer.octets.is_some()), (2001, true));
        let exchanges = node.messages.count(|seen| seen.code == CAPABILITIES_EXCHANGE && !seen.request);
        assert_eq!(exchanges, 3, "one connection for each time it ran");
    }
    stop_and_judge(stage, [a, b], 1).await;
}

/// Waits until requests may go to the peer.
async fn ready(node: &Node, program: &Program) {
    let trouble = tokio::select! {
        result = node.handle.ready(PATIENCE) => match result {
            Ok(()) => return,
            Err(error) => error.to_string(),
        },
        () = program.falls_silent() => "the peer has ended".to_owned(),
    };
    panic!("{trouble}\n{}", program.lines().join("\n"));
}

/// Waits until the peer is not open any more.
async fn down(node: &Node) {
    let gone = node.handle.until(|peers| peers.iter().all(|view| !view.state.is_open()));
    timeout(PATIENCE, gone).await.expect("the peer is noticed to be gone").expect("the node runs");
}

async fn stop_and_judge(stage: &Stage, nodes: [Node; 2], kills: usize) {
    let [a, b] = nodes.map(|Node { handle, messages }| async move {
        handle.stop().await.expect("the node ends in order");
        messages
    });
    let nodes = tokio::join!(a, b);
    stage.judge(nodes.into(), kills);
}

/// Has a capture judged: all messages are in it, every request is answered, and neither `verify` nor tshark, which must be
/// told that these ports are Diameter's, finds anything wrong but so many resets.
///
/// # Panics
/// When something is wrong.
pub fn judge(capture: &Path, ports: &[u16], messages: usize, resets: usize) {
    let report = verify::verify_file(capture).unwrap_or_else(|error| panic!("{}: {error}", capture.display()));
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(report.is_good(), "{}: verify finds\n{}", capture.display(), findings.join("\n"));
    let messages = messages as u64;
    assert_eq!(report.messages, messages, "{}: verify sees as many messages as there were", capture.display());

    let expected = Expected { ports: ports.to_vec(), messages, resets };
    if std::env::var_os(LATER).is_some() {
        let text = serde_json::to_string(&expected).expect("numbers");
        std::fs::write(capture.with_extension(SIDECAR), text).expect("a file");
    } else {
        ask_tshark(capture, &expected);
    }
}

/// When it is set tshark is asked later, by [`judge_later`]: in user-mode Linux it takes a quarter of a minute to start.
const LATER: &str = "PROSELINK_TSHARK_LATER";

/// The extension of the files that say what tshark is to find.
const SIDECAR: &str = "expected";

/// What tshark is to find in a capture.
#[derive(Debug, Serialize, Deserialize)]
struct Expected {
    /// The ports of Diameter.
    ports: Vec<u16>,
    messages: u64,
    /// Connections that are cut off.
    resets: usize,
}

/// Asks tshark about the captures that a guest has left.
///
/// # Panics
/// When something is wrong, or there is none.
pub fn judge_later() {
    let mut judged = 0;
    for folder in files(&super::captures()) {
        for sidecar in files(&folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == SIDECAR)) {
            let text = std::fs::read_to_string(&sidecar).expect("a file");
            ask_tshark(&sidecar.with_extension("pcapng"), &serde_json::from_str(&text).expect("what was written"));
            std::fs::remove_file(&sidecar).expect("a file");
            judged += 1;
        }
    }
    assert!(judged > 0, "no guest has left captures");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    entries.unwrap_or_default()
}

fn ask_tshark(capture: &Path, Expected { ports, messages, resets }: &Expected) {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(capture);
    for port in ports {
        for layer in ["tcp", "sctp"] {
            command.args(["-d", &format!("{layer}.port=={port},diameter")]);
        }
    }
    command.args(["-o", "sctp.checksum:CRC-32C", "-T", "fields", "-E", "aggregator=~"]);
    for field in ["frame.number", "diameter.cmd.code", "_ws.malformed", "_ws.expert.severity", "_ws.expert.message"] {
        command.args(["-e", field]);
    }
    let Ok(output) = command.output() else {
        println!("skipped: tshark is not installed");
        return;
    };
    let (lines, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: tshark: {told}", capture.display());
    let (mut read, mut complaints) = (0, Vec::new());
    for line in lines.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [_, codes, malformed, severities, _] = columns[..] else { panic!("tshark printed {line}") };
        read += codes.split('~').filter(|code| !code.is_empty()).count() as u64;
        // Warning and above.
        let severe = severities.split('~').filter_map(|number| number.parse::<u32>().ok()).any(|one| one >= 0x60_0000);
        if severe || !malformed.is_empty() {
            complaints.push(line);
        }
    }
    let (cut, complaints): (Vec<_>, Vec<_>) =
        complaints.into_iter().partition(|line| *resets > 0 && line.contains("Connection reset (RST)"));
    assert_eq!(cut.len(), *resets, "{}: connections that were cut off", capture.display());
    assert!(complaints.is_empty(), "{}: tshark complains:\n{}", capture.display(), complaints.join("\n"));
    assert_eq!(read, *messages, "{}: tshark sees as many messages as there were", capture.display());
}
