//! `proselink anonymize`: nothing of the original is left, and the file is as sound as before.

#![cfg(feature = "net")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use proselink::avp::{Avps, dictionary};
use proselink::capture::{CapturedMessage, Reader};
use proselink::message::HEADER_LENGTH;
use serde_json::Value;

const KEY: &str = "a key for the tests of the project";

fn proselink(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proselink"));
    command.env_remove("PROSELINK_ANONYMIZE_KEY").args(arguments).output().expect("the binary runs")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn captures() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let (cases, errors) = proselink::cli::case::folder::cases(&root);
    assert_eq!(errors, [""; 0]);
    cases.iter().map(|case| case.folder.join(case.input).to_string_lossy().into_owned()).collect()
}

fn each_message(file: &Path, mut each: impl FnMut(&CapturedMessage<'_>)) -> u64 {
    let mut reader = Reader::open(file).expect("the capture is there");
    while let Some(message) = reader.next_message().expect("the capture is sound") {
        each(&message);
    }
    let statistics = *reader.statistics();
    assert_eq!(statistics.tcp_resynchronised, 0);
    statistics.checksum_bad
}

/// The values of identities, at any depth.
fn identities(octets: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    for avp in Avps::new(octets).map_while(Result::ok) {
        let Some(definition) = dictionary::lookup(avp.key) else { continue };
        match definition.name {
            "User-Name" | "MSISDN" | "User-Credential" | "Origin-App-Layer-User-Id" | "Public-Identity" => {
                found.insert(avp.data.to_vec());
            }
            _ if definition.kind == proselink::avp::format::Kind::Grouped => identities(avp.data, found),
            _ => {}
        }
    }
}

fn contains(file: &[u8], wanted: &[u8]) -> bool {
    file.windows(wanted.len()).any(|window| window == wanted)
}

fn verdict(file: &str) -> (Option<i32>, Vec<(String, u64, String)>) {
    let output = proselink(&["verify", "--json", file]);
    let findings = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("NDJSON"))
        .filter(|line| line["type"] == "finding")
        .map(|line| {
            let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            (word("id"), line["frame"].as_u64().unwrap_or_default(), word("requirement"))
        })
        .collect();
    (output.status.code(), findings)
}

/// Every case we have: SCTP over IP and UDP, fragments over several chunks, I-DATA, TCP segments, retransmissions.
#[test]
fn no_identity_is_left_and_the_verdict_is_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut looked, mut several) = (0, 0);
    for capture in captures() {
        let out = folder.path().join("out.pcapng");
        let name = out.to_string_lossy().into_owned();
        let output = proselink(&["anonymize", "--json", &capture, &name, "--key", KEY]);
        assert_eq!(output.status.code(), Some(0), "{capture}: {}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["crc32c_left"], 0, "{capture}");

        let mut before = BTreeSet::new();
        let mut lengths = Vec::new();
        each_message(Path::new(&capture), |message| {
            identities(&message.bytes[HEADER_LENGTH.min(message.bytes.len())..], &mut before);
            lengths.push((message.frame, message.index, message.bytes.len()));
        });
        let mut after = Vec::new();
        let bad = each_message(&out, |message| after.push((message.frame, message.index, message.bytes.len())));
        assert_eq!(lengths, after, "{capture}: the same messages in the same frames");
        assert_eq!(bad, each_message(Path::new(&capture), |_| {}), "{capture}: checksums are as good as before");

        let file = fs::read(&out).expect("the file was written");
        for identity in before.iter().filter(|identity| identity.len() >= 5) {
            assert!(!contains(&file, identity), "{capture}: {} is left", String::from_utf8_lossy(identity));
            looked += 1;
        }
        several += usize::from(report["crc32c"].as_u64() > Some(1));
        assert_eq!(verdict(&capture), verdict(&name), "{capture}");
    }
    assert!(looked > 50 && several > 5, "{looked} identities, {several} captures");
}

#[test]
fn one_key_gives_one_pseudonym_in_every_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("lab.key");
    let key = key.to_string_lossy().into_owned();
    let mut names: Vec<BTreeMap<usize, BTreeSet<Vec<u8>>>> = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/s6a/update-location/input.pcapng");
    for (at, option) in ["--new-key", "--key-file", "--key-file"].iter().enumerate() {
        let out = folder.path().join(format!("{at}.pcapng.gz"));
        let name = out.to_string_lossy().into_owned();
        let mut arguments = vec!["anonymize", root.to_str().expect("a path"), &name, option, &key];
        if at == 2 {
            arguments.extend(["--hosts", "--addresses"]);
        }
        let output = proselink(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let mut found = BTreeMap::new();
        let mut at = 0;
        each_message(&out, |message| {
            identities(&message.bytes[HEADER_LENGTH..], found.entry(at).or_default());
            at += 1;
        });
        names.push(found);
    }
    assert_eq!(names[0], names[1]);
    assert_eq!(names[0], names[2], "hosts and addresses beside do not change who is who");
    // A key is not written over.
    let out = folder.path().join("more.pcapng");
    let output =
        proselink(&["anonymize", root.to_str().expect("a path"), out.to_str().expect("a path"), "--new-key", &key]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
}

/// Hosts, realms and the addresses of packets, in a capture of everything: IP and UDP checksums, CRC32c.
#[test]
fn hosts_and_addresses_go_where_asked_and_tshark_reads_the_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let tshark = Command::new("tshark").arg("--version").output().is_ok_and(|output| output.status.success());
    if !tshark {
        let required = std::env::var_os("PROSELINK_REQUIRE_TSHARK").is_some_and(|value| value != "0");
        assert!(!required, "PROSELINK_REQUIRE_TSHARK is set, and there is no tshark");
        println!("skipped: tshark is not installed; the result is judged by our own reader alone");
    }
    for (case, host) in [
        ("transport/tcp-segments", "mme"),
        ("transport/sctp-fragments", "mme"),
        ("transport/i-data", "mme"),
        ("transport/diameter-retransmission", "mme"),
        ("s6a/update-location", "mme"),
    ] {
        let input = root.join(case).join("input.pcapng");
        let out = folder.path().join("out.pcapng");
        let output = proselink(&[
            "anonymize",
            "--hosts",
            "--addresses",
            "--key",
            KEY,
            input.to_str().expect("a path"),
            out.to_str().expect("a path"),
        ]);
        assert_eq!(output.status.code(), Some(0), "{case}: {}", text(&output.stderr));
        let mut before = BTreeSet::new();
        let mut count = 0;
        each_message(&input, |message| {
            before.insert(message.source.ip());
            count += 1;
        });
        let mut after = BTreeSet::new();
        let mut again = 0;
        let bad = each_message(&out, |message| {
            after.insert(message.source.ip());
            again += 1;
            let told = String::from_utf8_lossy(message.bytes).into_owned();
            assert!(!told.contains(&format!("{host}.")), "{case}: {host} is left in a message");
        });
        assert_eq!((count, bad), (again, 0), "{case}");
        assert!(before.is_disjoint(&after) && before.len() == after.len(), "{case}: {before:?} {after:?}");
        if tshark {
            assert_eq!(complaints(&input), complaints(&out), "{case}");
        }
    }
}

/// What tshark thinks of checksums and messages, a line a frame.
fn complaints(file: &Path) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(file).args(["-T", "fields", "-o", "sctp.checksum:CRC-32C"]);
    for layer in ["ip", "udp", "tcp"] {
        command.args(["-o", &format!("{layer}.check_checksum:TRUE")]);
    }
    for field in [
        "frame.number",
        "sctp.checksum.status",
        "ip.checksum.status",
        "udp.checksum.status",
        "tcp.checksum.status",
        "diameter.cmd.code",
        "diameter.length",
        "_ws.expert.severity",
        "_ws.malformed",
    ] {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark was there a moment ago");
    assert!(output.status.success(), "{}", text(&output.stderr));
    // That a packet has a comment is among what tshark says of it; comments are taken out.
    const COMMENT: &str = "1048576";
    text(&output.stdout).lines().map(|line| line.replace(COMMENT, "")).collect()
}

#[test]
fn what_can_not_be_done_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/s6a/update-location/input.pcapng");
    let whole = fs::read(&input).expect("the capture is there");
    let cut = folder.path().join("cut.pcapng");
    fs::write(&cut, &whole[..whole.len() - 10]).expect("a file");
    let out = folder.path().join("out.pcapng");
    let [input, cut, out] = [&input, &cut, &out].map(|path| path.to_string_lossy().into_owned());
    for (arguments, code, words) in [
        (vec!["anonymize", &input, &out], 2, "a key is needed"),
        (vec!["anonymize", &input, &out, "--key", "short"], 2, "expected 16 or more"),
        (vec!["anonymize", &cut, &cut, "--key", KEY], 2, "OUT is IN"),
        (vec!["anonymize", "nowhere.pcap", &out, "--key", KEY], 3, "nowhere.pcap"),
        (vec!["anonymize", &cut, &out, "--key", KEY], 4, "nothing was written"),
    ] {
        let output = proselink(&arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
        assert!(!Path::new(&out).exists(), "{arguments:?}");
    }
}
