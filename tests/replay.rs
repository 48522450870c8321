//! `replay` as users meet it: one binary plays the captured server, another the captured client.

#![cfg(feature = "net")]

#[path = "support/command.rs"]
#[allow(dead_code, reason = "each test file uses a part")]
mod command;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Stdio};

use command::{err, out, proselink, run};
use proselink::capture::Reader;
use serde_json::Value;

/// The server's side of a capture, in a process of its own.
struct Server {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Server {
    fn of(capture: &str, more: &[&str]) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let address = format!("tcp:127.0.0.1:{port}");
        let arguments = [&["replay", capture, "--listen", &address, "--json"], more].concat();
        let mut process = proselink(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        assert!(first.contains("listening"), "{first}");
        Self { process, output, address }
    }

    /// What it has told once the client has left, and its exit code.
    fn ended(mut self) -> (Vec<Value>, Option<i32>) {
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        (objects(&text), self.process.wait().unwrap().code())
    }
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn capture(case: &str) -> String {
    format!("{}/captures/{case}/input.pcapng", env!("CARGO_MANIFEST_DIR"))
}

/// Session-Id and End-to-End Identifier of each request.
fn identifiers(path: &Path) -> Vec<(String, u32)> {
    let mut reader = Reader::open(path).unwrap();
    let mut found = Vec::new();
    while let Some(message) = reader.next_message().unwrap() {
        let header = proselink::message::Header::parse(message.bytes).unwrap();
        let body = proselink::avp::Avps::new(&message.bytes[20..]);
        if let Some(session) = proselink::message::find::<proselink::avp::dictionary::SessionId>(body)
            && header.is_request()
        {
            found.push((session.to_owned(), header.end_to_end));
        }
    }
    found
}

/// Both sides of a capture are replayed against one another: each sees what was captured, with other identifiers.
fn both_sides(capture: &str, choice: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live.pcapng");
    let server = Server::of(capture, choice);
    let address = server.address.clone();
    let arguments =
        [&["replay", capture, "--peer", &address, "--json", "-w", live.to_str().unwrap()][..], choice].concat();
    let client = run(&arguments);
    assert_eq!(client.status.code(), Some(0), "{capture}: {}{}", out(&client), err(&client));
    let steps = objects(out(&client));
    assert!(steps.iter().filter(|step| step["type"] == "step").all(|step| step["frame"].as_u64() > Some(0)));
    let (told, code) = server.ended();
    assert_eq!(code, Some(0), "{told:?}");
    let verified = run(&["verify", live.to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0), "{capture}: {}", out(&verified));
    let (then, now) = (identifiers(Path::new(capture)), identifiers(&live));
    assert!(!now.is_empty());
    assert!(now.iter().all(|(session, id)| !then.iter().any(|(old, other)| old == session || other == id)), "{now:?}");
}

#[test]
fn an_update_location_is_replayed_on_both_sides() {
    both_sides(&capture("s6a/update-location"), &[]);
}

#[test]
fn what_the_mme_said_to_the_hss_in_the_demo_is_replayed_on_both_sides() {
    both_sides(&capture("s6a/update-location-of-the-demo"), &[]);
}

/// Another subscriber than the captured one: the answer is still the captured one, and the server tells what was asked
/// otherwise.
#[test]
fn a_change_is_told_by_the_other_side() {
    let capture = capture("s6a/update-location");
    let server = Server::of(&capture, &[]);
    let client = run(&["replay", &capture, "--peer", &server.address, "--set", "User-Name=001010000000099", "--json"]);
    assert_eq!(client.status.code(), Some(0), "{}", err(&client));
    let (told, code) = server.ended();
    assert_eq!(code, Some(1), "{told:?}");
    let differs: Vec<&Value> = told.iter().filter(|step| step["outcome"] == "asked-otherwise").collect();
    let paths: Vec<&Value> = differs.iter().flat_map(|step| step["differences"].as_array().unwrap()).collect();
    assert!(paths.iter().any(|difference| difference["path"] == "User-Name"), "{told:?}");
}

#[test]
fn without_a_peer_it_is_the_transport_that_failed() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let peer = format!("tcp:127.0.0.1:{port}");
    let client = run(&["replay", &capture("s6a/update-location"), "--peer", &peer]);
    assert_eq!(client.status.code(), Some(3), "{}", err(&client));
    let several = run(&["replay", &capture("registration/registered-and-moved"), "--peer", &peer]);
    assert_ne!(several.status.code(), Some(0));
}
