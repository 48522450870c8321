//! `demo.pcapng`, each side of it, against live elements: one party of the demo is the capture, the five others are processes of
//! their own. What was said verifies clean, and its identifiers are not those of the capture.

#![cfg(feature = "net")]

#[path = "support/party.rs"]
#[allow(dead_code, reason = "each test file uses a part")]
mod party;

use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};

use party::{Node, both, proselink, text, word};
use serde_json::Value;

/// The parties, each with the last octet of its address, in the order in which they can start: nobody calls who is not there.
const PARTIES: [(&str, u8); 5] = [("hss", 13), ("function", 14), ("function2", 16), ("mme", 12), ("app-server", 15)];
/// Whom they call.
const CALLS: [(&str, &[&str]); 6] = [
    ("hss", &[]),
    ("function", &["hss"]),
    ("function2", &["hss", "function"]),
    ("mme", &["hss", "function", "function2"]),
    ("app-server", &["function", "function2"]),
    ("ue", &["mme", "app-server"]),
];
const REALM: &str = "epc.mnc001.mcc001.3gppnetwork.org";
/// The user of the demo and of the samples.
const USER: &str = "user1@demo.example";

fn calls(name: &str) -> &'static [&'static str] {
    CALLS.iter().find(|(party, _)| *party == name).map(|(_, calls)| *calls).unwrap()
}

fn address(name: &str) -> String {
    let last = PARTIES.iter().find(|(party, _)| *party == name).map_or(11, |(_, last)| *last);
    format!("127.0.0.{last}")
}

/// The samples in a folder of their own, at a UDP port of their own, and a demo that was recorded there before.
struct Lab {
    folder: tempfile::TempDir,
    port: String,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = (0..100)
            .map(|_| UdpSocket::bind(("127.0.0.11", 0)).unwrap().local_addr().unwrap().port())
            .find(|port| (11..17).all(|last| UdpSocket::bind((format!("127.0.0.{last}"), *port)).is_ok()))
            .expect("some port is free")
            .to_string();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        for (name, _) in CALLS {
            let file = format!("{name}.toml");
            let text = std::fs::read_to_string(examples.join(&file)).unwrap();
            assert!(text.contains("udp_port = 9899") && text.contains("tc = 2 "), "{file}");
            let text = text.replace("udp_port = 9899", &format!("udp_port = {port}")).replace("tc = 2 ", "tc = 0.2 ");
            if name == "ue" {
                let (_, key) = text.split_once("key = \"\"\"\n").unwrap();
                std::fs::write(folder.path().join("user1.key"), key.split_once("\"\"\"").unwrap().0).unwrap();
            }
            std::fs::write(folder.path().join(&file), text).unwrap();
        }
        let lab = Self { folder, port };
        let demo = proselink(&["demo", "--port", &lab.port, "--json", "-w", word(&lab.path("demo.pcapng"))]);
        assert_eq!(demo.status.code(), Some(0), "{}", both(&demo));
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A live party, when all that it calls are there.
    fn live(&self, name: &str) -> Node {
        let mut node = Node::start(&["run", "-c", word(&self.path(&format!("{name}.toml")))]);
        let listens = " listens at ".to_owned();
        let up = calls(name).iter().map(|other| format!("peer {other}.{REALM} is up"));
        node.all(&std::iter::once(listens).chain(up).collect::<Vec<_>>());
        node
    }

    /// The words that replay a party of the demo.
    fn replay(&self, name: &str, more: &[&str]) -> Vec<String> {
        let mut words: Vec<String> =
            ["replay", word(&self.path("demo.pcapng")), "--json", "--as", name].map(str::to_owned).into();
        for other in calls(name) {
            words.extend(["--peer".to_owned(), format!("{other}@sctp-embedded:{}", address(other))]);
        }
        if name != "ue" {
            words.extend(["--listen".to_owned(), format!("sctp-embedded:{}", address(name))]);
        }
        let more = more.iter().map(|word| (*word).to_owned());
        let live = self.path("live.pcapng");
        words.extend(["--udp-port", &self.port, "--from", &address(name), "-w", word(&live)].map(str::to_owned));
        words.extend(more);
        words
    }

    /// A party of the demo is the capture, the others are live: the UE registers and moves. What the replay told.
    fn play(&self, name: &str, more: &[&str]) -> Vec<Value> {
        let words = self.replay(name, more);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut replay = None;
        let mut live = Vec::new();
        for (party, _) in PARTIES {
            if party == name {
                let mut node = Node::start(&words);
                node.says("listening");
                replay = Some(node);
            } else {
                live.push(self.live(party));
            }
        }
        let Some(mut replay) = replay else {
            let output = proselink(&words);
            assert_eq!(output.status.code(), Some(0), "{}", both(&output));
            assert_eq!(text(&output.stderr), "");
            return objects(text(&output.stdout).lines());
        };
        let output = proselink(&["run", "-c", word(&self.path("ue.toml")), "--move"]);
        let (code, lines) = replay.end();
        assert_eq!(output.status.code(), Some(0), "{}\n{lines:?}", both(&output));
        assert!(text(&output.stdout).contains(" has moved: "), "{}", both(&output));
        assert_eq!(code, Some(0), "{lines:?}");
        objects(lines.iter().map(String::as_str))
    }

    /// What was said is clean, as much was said as told, and no identifier of the capture is in it but those of `kept`.
    fn judge(&self, told: &[Value], kept: &[&str]) {
        let steps: Vec<&Value> = told.iter().filter(|step| step["type"] == "step").collect();
        assert!(!steps.is_empty() && steps.iter().all(|step| step["outcome"] == "same" || step["outcome"] == "asked"));
        let live = self.path("live.pcapng");
        let verdict = proselink(&["verify", word(&live)]);
        assert_eq!(verdict.status.code(), Some(0), "{}", both(&verdict));
        let (then, now) = (identifiers(&self.path("demo.pcapng")), identifiers(&live));
        assert_eq!(now["request"].len(), steps.len(), "{steps:?}");
        assert!(now.contains_key("Session-Id"));
        for (kind, values) in &now {
            let old = values.intersection(&then[kind]).collect::<Vec<_>>();
            assert!(old.is_empty() || kept.contains(kind), "{kind}: {old:?} are those of the capture");
        }
    }
}

fn objects<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Value> {
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Session-Ids, End-to-End Identifiers of requests, ID1 under all its names, ID2: what the procedure makes anew.
fn identifiers(capture: &Path) -> BTreeMap<&'static str, BTreeSet<String>> {
    fn collect(avps: &Value, into: &mut BTreeMap<&'static str, BTreeSet<String>>) {
        for avp in avps.as_array().into_iter().flatten() {
            collect(&avp["avps"], into);
            let kind = match avp["name"].as_str() {
                Some("Session-Id") => "Session-Id",
                Some("PDUID" | "Target-PDUID" | "Banned-PDUID" | "Old-PDUID") => "ID1",
                Some("Origin-App-Layer-User-Id") => "ID2",
                _ => continue,
            };
            into.entry(kind).or_default().insert(avp["value"].to_string());
        }
    }
    let output = proselink(&["decode", "--json", word(capture)]);
    let mut found = BTreeMap::new();
    for message in objects(text(&output.stdout).lines()) {
        if message["application"] != 0 {
            collect(&message["avps"], &mut found);
            if message["command"].as_str().is_some_and(|name| name.ends_with("Request")) {
                found.entry("request").or_default().insert(message["end_to_end"].to_string());
            }
        }
    }
    found
}

/// The only value of a kind in a captured message.
fn handed_out(lab: &Lab, command: &str, name: &str) -> Vec<String> {
    let output = proselink(&["decode", "--json", word(&lab.path("demo.pcapng"))]);
    let messages = objects(text(&output.stdout).lines());
    let of = messages.iter().filter(|message| message["command"] == command);
    let avps = of.flat_map(|message| message["avps"].as_array().unwrap());
    avps.filter(|avp| avp["name"] == name).map(|avp| avp["value"].as_str().unwrap().to_owned()).collect()
}

/// Another value of the same kind: its last four digits are turned.
fn other(value: &str) -> String {
    let (head, tail) = value.split_at(value.len() - 4);
    let turned = tail.chars().map(|digit| if digit == 'a' { 'b' } else { 'a' });
    head.chars().chain(turned).collect()
}

/// The UE's proof is signed anew, over the ID1 that the live function has given.
#[test]
fn the_ue_of_the_demo_registers_and_moves_with_a_proof_of_its_own() {
    let lab = Lab::new();
    let key = format!("{USER}={}", word(&lab.path("user1.key")));
    let told = lab.play("ue", &["--sign", &key]);
    lab.judge(&told, &[]);
}

#[test]
fn the_mme_of_the_demo_serves_a_live_ue() {
    let lab = Lab::new();
    let told = lab.play("mme", &[]);
    lab.judge(&told, &[]);
}

#[test]
fn the_hss_of_the_demo_answers_live_functions_and_mme() {
    let lab = Lab::new();
    let told = lab.play("hss", &[]);
    lab.judge(&told, &[]);
}

/// ID2 is the app server's to give: it gives another than then.
#[test]
fn the_app_server_of_the_demo_registers_a_live_user() {
    let lab = Lab::new();
    let id2 = handed_out(&lab, "User-Registration-Answer", "Origin-App-Layer-User-Id").remove(0);
    let change = format!("Origin-App-Layer-User-Id={id2}=>{}", other(&id2));
    let told = lab.play("app-server", &["--set", &change]);
    lab.judge(&told, &[]);
}

/// ID1 is the function's to give: it gives another than then, and knows it under every name under which it comes back.
#[test]
fn the_function_of_the_demo_serves_live_neighbours() {
    let lab = Lab::new();
    let id1 = handed_out(&lab, "Identifier-Allocation-Answer", "PDUID").remove(0);
    let change = format!("PDUID={id1}=>{}", other(&id1));
    let told = lab.play("function", &["--set", &change]);
    lab.judge(&told, &[]);
}

#[test]
fn the_second_function_of_the_demo_takes_a_live_ue_over() {
    let lab = Lab::new();
    let id4 = handed_out(&lab, "Identifier-Allocation-Answer", "PDUID").remove(1);
    let change = format!("PDUID={id4}=>{}", other(&id4));
    let told = lab.play("function2", &["--set", &change]);
    lab.judge(&told, &[]);
}

/// A proof is good for one moment and one ID1: said before, refused by the app server, and told with the cause.
#[test]
fn a_captured_proof_is_refused_and_the_user_is_told_why() {
    let lab = Lab::new();
    let _live: Vec<Node> = PARTIES.iter().map(|(name, _)| lab.live(name)).collect();
    let words = lab.replay("ue", &[]);
    let output = proselink(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(1), "{}", both(&output));
    assert!(text(&output.stderr).contains(&format!("--sign {USER}=FILE")), "{}", both(&output));
    let told = objects(text(&output.stdout).lines());
    let outcomes: Vec<_> = told.iter().filter(|step| step["type"] == "step").map(|step| &step["outcome"]).collect();
    assert_eq!(outcomes, ["same", "differs", "same"], "{}", both(&output));
    // A key that is none, and a user that is named twice, are told before anything is sent.
    let key = format!("{USER}={}", word(&lab.path("mme.toml")));
    for (sign, wanted) in [(&[key.as_str()][..], "PRIVATE KEY"), (&["x"], "USER=FILE")] {
        let sign: Vec<&str> = sign.iter().flat_map(|sign| ["--sign", sign]).collect();
        let words = lab.replay("ue", &sign);
        let output = proselink(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(2), "{}", both(&output));
        assert!(text(&output.stderr).contains(wanted), "{}", both(&output));
    }
}
