//! `replay` in its roles and over its transports: client and server over SCTP and TLS, both sides with a relay in the middle, a
//! server that ends by itself, rules of the user's, and what is said when something cannot be.

#![cfg(feature = "net")]

#[path = "support/party.rs"]
#[allow(dead_code, reason = "each test file uses a part")]
mod party;
#[path = "support/source.rs"]
mod source;
#[path = "support/traces.rs"]
#[allow(dead_code, reason = "each test file uses a part")]
mod traces;

use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use party::{Lab, Node, both, proselink, text, word};
use proselink::capture::write::{CaptureWriter, TcpSegment, tcp_packet};
use serde_json::Value;
use traces::{CLIENT, REALM, SERVER, TRACES, Trace};

fn s6a() -> &'static Trace {
    &TRACES[0]
}

/// The trace as a file of the lab.
fn file(lab: &Lab, trace: &Trace) -> PathBuf {
    let path = lab.path(&format!("{}.pcapng", trace.name));
    std::fs::write(&path, trace.capture("sctp")).unwrap();
    path
}

fn told(lines: &str) -> Vec<Value> {
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    lines.filter(|line: &Value| line["type"] == "step").collect()
}

fn outcomes(steps: &[Value]) -> Vec<&str> {
    steps.iter().map(|step| step["outcome"].as_str().unwrap()).collect()
}

/// The captured server at an address, which says where it listens.
fn server(capture: &Path, listen: &str, more: &[&str]) -> (Node, String) {
    let mut node = Node::start(&[&["replay", word(capture), "--listen", listen, "--json"], more].concat());
    let line: Value = serde_json::from_str(&node.says("listening")).unwrap();
    let address = line["address"].as_str().unwrap().to_owned();
    (node, address)
}

fn ended(mut server: Node) -> (Option<i32>, Vec<Value>) {
    let (code, lines) = server.end();
    (code, told(&lines.join("\n")))
}

/// Each trace between the captured client and the captured server, ours both.
fn both_sides(lab: &Lab, listen: &str, peer: &str, of_server: &[&str], of_client: &[&str]) {
    for trace in &TRACES {
        let capture = file(lab, trace);
        let (server, address) = server(&capture, listen, of_server);
        let port = address.rsplit_once(':').unwrap().1;
        let peer = if peer.ends_with(':') { format!("{peer}{port}") } else { peer.to_owned() };
        let live = lab.path("live.pcapng");
        let words = ["replay", word(&capture), "--peer", &peer, "--json", "-w", word(&live)];
        let client = proselink(&[&words[..], of_client].concat());
        assert_eq!(client.status.code(), Some(0), "{}: {}", trace.name, both(&client));
        let steps = told(text(&client.stdout));
        assert_eq!(outcomes(&steps), vec!["same"; trace.requests()], "{}", trace.name);
        let (code, steps) = ended(server);
        assert_eq!((code, outcomes(&steps)), (Some(0), vec!["asked"; trace.requests()]), "{}", trace.name);
        let verdict = proselink(&["verify", word(&live)]);
        assert_eq!(verdict.status.code(), Some(0), "{}: {}", trace.name, both(&verdict));
    }
}

#[test]
fn both_sides_over_embedded_sctp() {
    let lab = Lab::new();
    let address = lab.address(1);
    let port = UdpSocket::bind((address.as_str(), 0)).unwrap().local_addr().unwrap().port().to_string();
    let endpoint = format!("sctp-embedded:{address}");
    both_sides(&lab, &endpoint, &endpoint, &["--udp-port", &port], &["--udp-port", &port]);
}

/// Makes the lab's certificates; `None` where openssl is not there.
fn certificates(lab: &Lab) -> Option<()> {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: openssl is not installed");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/lab-certificates");
    let made = Command::new(script).args(["lab", CLIENT, SERVER]).current_dir(lab.folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", both(&made));
    Some(())
}

fn credentials(lab: &Lab, name: &str) -> Vec<String> {
    let at = |file: String| word(&lab.path("lab").join(file)).to_owned();
    let files = [("--certificate", format!("{name}.pem")), ("--key", format!("{name}.key")), ("--ca", "ca.pem".into())];
    files.into_iter().flat_map(|(option, file)| [option.to_owned(), at(file)]).collect()
}

#[test]
fn both_sides_over_tls() {
    let lab = Lab::new();
    if certificates(&lab).is_none() {
        return;
    }
    let (of_server, of_client) = (credentials(&lab, SERVER), credentials(&lab, CLIENT));
    let [of_server, of_client] =
        [&of_server, &of_client].map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
    let listen = format!("tls:{}:{}", lab.address(1), free_port());
    both_sides(&lab, &listen, &listen, &of_server, &of_client);
    // Without certificates, and to somebody who speaks no TLS: both are told with what to change.
    let capture = file(&lab, s6a());
    let without = proselink(&["replay", word(&capture), "--peer", &listen]);
    assert_eq!(without.status.code(), Some(2), "{}", both(&without));
    assert!(text(&without.stderr).contains("--certificate FILE"), "{}", both(&without));
    let (server, address) = server(&capture, &format!("tcp:{}:{}", lab.address(1), free_port()), &[]);
    let words = ["replay", word(&capture), "--peer", &format!("tls:{address}"), "--timeout", "5s"];
    let refused = proselink(&[&words[..], &of_client[..]].concat());
    assert_eq!(refused.status.code(), Some(3), "{}", both(&refused));
    assert!(text(&refused.stderr).contains("TLS"), "{}", both(&refused));
    drop(server);
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A relay agent of ours stands between the captured client and the captured server: all goes through it and comes back.
#[test]
fn both_ends_of_a_capture_with_a_relay_in_the_middle() {
    let lab = Lab::new();
    let (relay, listen) = (format!("tcp:{}", lab.address(2)), format!("tcp:{}:{}", lab.address(1), free_port()));
    let configuration = lab.write(
        "relay.toml",
        &format!(
            "identity = \"relay.{REALM}\"\nrealm = \"{REALM}\"\nlisten = [\"{relay}\"]\ntc = 0.2\n\
             [[peer]]\nidentity = \"{CLIENT}\"\n[[peer]]\nidentity = \"{SERVER}\"\nconnect_to = \"{listen}\"\n\
             [[route]]\nrealm = \"{REALM}\"\nhosts = [\"{SERVER}\"]\n[relay]\n"
        ),
    );
    for trace in &TRACES {
        let mut node = Node::start(&["run", "-c", word(&configuration)]);
        node.says("listens at");
        let capture = file(&lab, trace);
        let words = ["replay", word(&capture), "--as", "both", "--peer", &relay, "--listen", &listen, "--json"];
        let replay = proselink(&words);
        assert_eq!(replay.status.code(), Some(0), "{}: {}", trace.name, both(&replay));
        let steps = told(text(&replay.stdout));
        let of = |outcome| outcomes(&steps).into_iter().filter(|one| *one == outcome).count();
        assert_eq!((of("same"), of("asked")), (trace.requests(), trace.requests()), "{}", both(&replay));
    }
    // Nobody connects: told in time, with what to change.
    let capture = file(&lab, s6a());
    let (alone, port) = (lab.address(3), free_port());
    let (_server, address) = server(&capture, &format!("tcp:{alone}:{port}"), &[]);
    let words = ["replay", word(&capture), "--as", "both", "--listen", &listen, "--timeout", "1s", "--peer"];
    let replay = proselink(&[&words[..], &[&format!("tcp:{address}")]].concat());
    assert_eq!(replay.status.code(), Some(3), "{}", both(&replay));
    assert!(text(&replay.stderr).contains("--listen"), "{}", both(&replay));
}

#[test]
fn a_server_that_nobody_asks_ends_after_its_time_and_tells_what_was_not_asked() {
    let lab = Lab::new();
    let capture = file(&lab, s6a());
    let (server, _) = server(&capture, &format!("tcp:{}:{}", lab.address(1), free_port()), &["--idle", "300ms"]);
    let (code, steps) = ended(server);
    assert_eq!((code, outcomes(&steps)), (Some(1), vec!["not-asked"; s6a().requests()]));
}

#[test]
fn a_server_that_stays_answers_one_client_after_the_other() {
    let lab = Lab::new();
    let capture = file(&lab, s6a());
    let listen = format!("tcp:{}:{}", lab.address(1), free_port());
    let (mut server, _) = server(&capture, &listen, &["--stay"]);
    for _ in 0..2 {
        let client = proselink(&["replay", word(&capture), "--peer", &listen]);
        assert_eq!(client.status.code(), Some(0), "{}", both(&client));
    }
    for outcome in ["asked", "again"] {
        let _ = (0..s6a().requests()).map(|_| server.says(&format!("\"outcome\":\"{outcome}\""))).count();
    }
    server.signal("INT");
    assert_eq!(server.end().0, Some(130));
}

#[test]
fn rules_of_the_user_say_what_does_not_count() {
    let lab = Lab::new();
    let capture = file(&lab, s6a());
    let rules =
        lab.write("rules.toml", "ignore = [\"User-Name\", \"Origin-State-Id\"]\n[normalise]\nids = [\"Session-Id\"]\n");
    let listen = format!("tcp:{}:{}", lab.address(1), free_port());
    let words = ["replay", word(&capture), "--peer", &listen, "--set", "User-Name=001010000000099", "--json"];
    for (more, wanted) in
        [(&[][..], 1), (&["--ignore", "User-Name"], 0), (&["--rules", word(&rules)], 0), (&["--quiet"], 1)]
    {
        let (server, _) = server(&capture, &listen, more);
        let client = proselink(&words);
        assert_eq!(client.status.code(), Some(0), "{}", both(&client));
        let (code, steps) = ended(server);
        assert_eq!(code, Some(wanted), "{more:?}: {steps:?}");
        assert_eq!(steps.is_empty(), more.contains(&"--quiet"));
    }
    // What must match and does not is not in the capture: 3001, and what is there has not been asked when the client leaves.
    let (server, _) = server(&capture, &listen, &["--match", "User-Name"]);
    let client = proselink(&words);
    assert_eq!(client.status.code(), Some(1), "{}", both(&client));
    assert!(told(text(&client.stdout)).iter().all(|step| step["actual"] == 3001), "{}", both(&client));
    let (code, steps) = ended(server);
    let all = s6a().requests();
    assert_eq!((code, outcomes(&steps)), (Some(1), [vec!["refused"; all], vec!["not-asked"; all]].concat()));
    let bad = lab.write("bad.toml", "ignore = [\"No-Such-AVP\"]\n");
    let output = proselink(&["replay", word(&capture), "--peer", "tcp:127.0.0.1:1", "--rules", word(&bad)]);
    assert_eq!(output.status.code(), Some(2), "{}", both(&output));
    assert!(text(&output.stderr).contains("No-Such-AVP"), "{}", both(&output));
}

/// A capture of one TCP segment towards a Diameter port.
fn segment(path: &Path, payload: &[u8], cut: usize) {
    let mut frame = Vec::new();
    let segment = TcpSegment { sequence: 1, acknowledgement: 1, flags: TcpSegment::ACK };
    let (from, to) = ("192.0.2.1:40000".parse().unwrap(), "192.0.2.2:3868".parse().unwrap());
    tcp_packet(&mut frame, from, to, segment, payload).unwrap();
    // Classic pcap of raw IP (link type 101), whose records say how long the packet was.
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65_535, 101] {
        out.extend(if word == 0x0002_0004 { [2, 0, 4, 0] } else { word.to_le_bytes() });
    }
    let captured = frame.len() - cut;
    for word in [1_793_610_000, 0, captured as u32, frame.len() as u32] {
        out.extend(word.to_le_bytes());
    }
    out.extend(&frame[..captured]);
    std::fs::File::create(path).unwrap().write_all(&out).unwrap();
}

#[test]
fn what_cannot_be_replayed_is_told_with_what_to_change() {
    let lab = Lab::new();
    let capture = file(&lab, s6a());
    let [tls, cut, other, empty] = ["tls.pcap", "cut.pcap", "other.pcap", "empty.pcapng"].map(|name| lab.path(name));
    segment(&tls, &[&[0x16, 3, 3, 0, 80][..], &[7; 80]].concat(), 0);
    let mut message = vec![1, 0, 0, 120, 0xc0, 0, 1, 60];
    message.resize(120, 0);
    segment(&cut, &message, 60);
    segment(&other, b"GET / HTTP/1.1\r\nHost: example.net\r\n\r\n", 0);
    std::fs::write(&empty, CaptureWriter::new(Vec::new(), "test").unwrap().finish().unwrap()).unwrap();
    let nowhere = format!("tcp:{}:{}", lab.address(9), free_port());
    let say = |capture: &Path, more: &[&str]| -> Output {
        proselink(&[&["replay", word(capture), "--peer", &nowhere], more].concat())
    };
    for (capture, more, code, words) in [
        (&tls, &[][..], 4, "TLS"),
        (&cut, &[], 4, "tcpdump -s 0"),
        (&other, &[], 4, "no Diameter"),
        (&empty, &[], 4, "no packets"),
        (&capture, &[], 3, "check address, port and transport of --peer"),
        (&capture, &["--as", "nobody"], 4, CLIENT),
        (&capture, &["--association", "7"], 4, "no association 7"),
        (&capture, &["--peer", "nobody@tcp:127.0.0.1:1"], 2, SERVER),
        (&capture, &["--as", "both"], 2, "--listen"),
        (&capture, &["--sign", "alice"], 2, "USER=FILE"),
        (&capture, &["--speed", "0"], 2, "above 0"),
        (&capture, &["--learn", "No-Such"], 2, "No-Such"),
        (&capture, &["--idle", "1s"], 2, "--listen"),
    ] {
        let output = say(capture, more);
        assert_eq!(output.status.code(), Some(code), "{more:?}: {}", both(&output));
        assert!(text(&output.stderr).contains(words), "{more:?} should tell of {words:?}: {}", both(&output));
        assert_eq!(text(&output.stdout), "", "{more:?}");
    }
}
