//! tshark as the judge of our bytes: it reads what the program writes without a complaint, finds every checksum good, and
//! sees the same messages in the same frames.
//!
//! Without tshark the tests say so and pass, unless `PROSELINK_REQUIRE_TSHARK` is set.

#![cfg(feature = "net")]

#[path = "support/case.rs"]
mod case;
mod support;

use std::path::Path;
use std::process::Command;

use case::{INPUT, Verdict};
use proselink::capture::Reader;
use proselink::message::Header;

/// What tshark may complain about: that its dictionary lacks PC2, our private numbers, or what a case made up. The whole
/// sentence goes on "..., if you know what this is you can add it to dictionary.xml".
const TOLERATED: [&str; 4] = ["Unknown AVP ", "Unknown command,", "Unknown Application Id (", "Unknown Vendor,"];

/// Expert severities of Wireshark: warning and above are complaints.
const WARNING: u64 = 0x0060_0000;

/// A message as both sides see it, as a text for the sake of readable differences.
type Seen = String;

/// What tshark makes of a capture.
#[derive(Debug, Default)]
struct Opinion {
    messages: Vec<Seen>,
    /// Frame, and what is wrong in it.
    complaints: Vec<(u64, String)>,
    /// Frame, and which checksum is not good.
    checksums: Vec<(u64, String)>,
}

fn tshark_is_there() -> bool {
    if Command::new("tshark").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    let required = std::env::var_os("PROSELINK_REQUIRE_TSHARK").is_some_and(|value| value != "0");
    assert!(!required, "PROSELINK_REQUIRE_TSHARK is set, and there is no tshark");
    println!("skipped: tshark is not installed");
    false
}

/// The columns that tshark is asked for.
const FIELDS: [&str; 14] = [
    "frame.number",
    "diameter.cmd.code",
    "diameter.applicationId",
    "diameter.flags",
    "diameter.hopbyhopid",
    "diameter.endtoendid",
    "diameter.length",
    "_ws.expert.severity",
    "_ws.expert.message",
    "_ws.malformed",
    "sctp.checksum.status",
    "ip.checksum.status",
    "udp.checksum.status",
    "tcp.checksum.status",
];

/// Asks tshark. `port` is the UDP port of SCTP where it is not the registered one.
fn opinion(capture: &Path, port: Option<&str>) -> Opinion {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(capture).args([
        "-T",
        "fields",
        "-E",
        "aggregator=~",
        "-o",
        "sctp.checksum:CRC-32C",
    ]);
    for layer in ["ip", "udp", "tcp"] {
        command.args(["-o", &format!("{layer}.check_checksum:TRUE")]);
    }
    if let Some(port) = port {
        command.args(["-d", &format!("udp.port=={port},sctp")]);
    }
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark was there a moment ago");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: tshark: {told}", capture.display());
    let mut opinion = Opinion::default();
    for line in String::from_utf8(output.stdout).expect("tshark writes UTF-8").lines() {
        let columns: Vec<Vec<&str>> = line.split('\t').map(|column| column.split('~').collect()).collect();
        let [frame, codes, applications, flags, hops, ends, lengths, severities, words, malformed, sums @ ..] =
            columns.as_slice()
        else {
            panic!("{}: tshark printed {line}", capture.display());
        };
        let frame: u64 = frame[0].parse().expect("a frame has a number");

        if !codes[0].is_empty() {
            let counts = [applications, flags, hops, ends, lengths].map(Vec::len);
            assert_eq!(counts, [codes.len(); 5], "{} frame {frame}: a header in parts", capture.display());
            for at in 0..codes.len() {
                let message = [codes, applications, flags, hops, ends, lengths].map(|column| number(column[at]));
                opinion.messages.push(seen(frame, message));
            }
        }
        assert_eq!(severities.len(), words.len(), "{} frame {frame}", capture.display());
        for (severity, words) in severities.iter().zip(words).filter(|(severity, _)| number(severity) >= WARNING) {
            let tolerated = words.ends_with("you can add it to dictionary.xml")
                && TOLERATED.iter().any(|start| words.starts_with(start));
            if !tolerated {
                opinion.complaints.push((frame, format!("{severity}: {words}")));
            }
        }
        if !malformed[0].is_empty() {
            opinion.complaints.push((frame, "malformed".to_owned()));
        }
        for (name, statuses) in ["SCTP", "IP", "UDP", "TCP"].iter().zip(sums) {
            // 1 is good; a layer that is not there has no status.
            if statuses.iter().any(|status| !matches!(*status, "" | "1")) {
                opinion.checksums.push((frame, format!("{name} {statuses:?}")));
            }
        }
    }
    opinion
}

/// Decimal, or hexadecimal as tshark prints ids; nothing is zero.
fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).expect("hexadecimal digits"),
        None if text.is_empty() => 0,
        None => text.parse().unwrap_or_else(|_| panic!("{text} is no number")),
    }
}

fn seen(frame: u64, [code, application, flags, hop_by_hop, end_to_end, length]: [u64; 6]) -> Seen {
    format!(
        "frame {frame}: command {code} of {application}, flags {flags:#04x}, ids {hop_by_hop:#010x} {end_to_end:#010x}, \
         {length} octets"
    )
}

fn ours(capture: &Path) -> Vec<Seen> {
    let mut reader = Reader::open(capture).expect("the capture is there");
    let mut messages = Vec::new();
    while let Some(message) = reader.next_message().expect("the capture is sound") {
        let header = Header::parse(message.bytes).expect("a message has a header");
        let Header { code, application, flags, hop_by_hop, end_to_end, length, .. } = header;
        let numbers = [code, application, flags.0.into(), hop_by_hop, end_to_end, length].map(u64::from);
        messages.push(seen(message.frame, numbers));
    }
    messages
}

/// Where tshark and we differ, or a checksum is not good.
fn differences(opinion: &Opinion, capture: &Path) -> Vec<String> {
    let mut out: Vec<_> =
        opinion.checksums.iter().map(|(frame, what)| format!("frame {frame}: checksum {what}")).collect();
    let (theirs, ours) = (opinion.messages.join("\n"), ours(capture).join("\n"));
    out.extend(case::first_difference(&theirs, &ours).map(|words| format!("tshark is what is expected, {words}")));
    out
}

/// Runs the demo and has tshark judge its capture, which holds at least so many messages.
fn judge_the_demo(arguments: &[&str], least: usize) {
    if !tshark_is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let capture = folder.path().join("demo.pcapng");
    let port = support::port_arguments();
    let output = support::proselink()
        .arg("demo")
        .args(arguments)
        .args(&port)
        .arg("-w")
        .arg(&capture)
        .current_dir(folder.path())
        .output()
        .expect("the binary runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "demo {arguments:?}: {}: {told}", output.status);
    let opinion = opinion(&capture, Some(&port[1]));
    assert_eq!(opinion.complaints, [], "tshark complains");
    assert_eq!(differences(&opinion, &capture), [""; 0]);
    assert!(opinion.messages.len() >= least, "{} messages", opinion.messages.len());
}

#[test]
fn tshark_agrees_with_the_demo() {
    judge_the_demo(&[], 60);
}

#[test]
fn tshark_agrees_with_the_refusals() {
    judge_the_demo(&["--deny"], 40);
}

#[test]
fn tshark_agrees_with_the_demo_of_twenty() {
    judge_the_demo(&["--ues", "20"], 20 * 12);
}

/// What is broken on purpose is broken where a dissector without our private AVPs does not look.
#[test]
fn tshark_agrees_with_the_failure_tour() {
    judge_the_demo(&["--failures"], 400);
}

#[test]
fn tshark_agrees_with_every_case() {
    if !tshark_is_there() {
        return;
    }
    let (cases, errors) = case::cases();
    assert_eq!(errors, [""; 0]);
    let mut told = Vec::new();
    for case in &cases {
        let capture = case.folder.join(INPUT);
        let opinion = opinion(&capture, None);
        let mut frames: Vec<_> = opinion.complaints.iter().map(|(frame, _)| *frame).collect();
        frames.dedup();
        if frames != case.about.tshark_complains {
            told.push(format!(
                "{}: tshark complains about frames {frames:?}, expected {:?}: {:?}",
                case.name, case.about.tshark_complains, opinion.complaints
            ));
        }
        if case.about.verdict == Verdict::Good && !case.about.tshark_complains.is_empty() {
            told.push(format!("{}: of a case that is good tshark has nothing to complain about", case.name));
        }
        told.extend(differences(&opinion, &capture).into_iter().map(|words| format!("{}: {words}", case.name)));
    }
    assert!(told.is_empty(), "{} cases:\n{}", cases.len(), told.join("\n"));
    println!("{} cases", cases.len());
}
