//! The command as people and scripts meet it: the real binary, its output, its exit codes.

#[path = "support/command.rs"]
mod command;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proselink::avp::AvpFlags;
use proselink::avp::Key;
use proselink::avp::dictionary::write_raw;
use proselink::message::{CommandFlags, Header};
use serde_json::Value;

use command::{err, lines, out, proselink, run, with_input};

/// A message with a host and, for answers, a result.
fn message(request: bool, code: u32, application: u32, result: Option<u32>, identifier: u32) -> Vec<u8> {
    let mut body = Vec::new();
    let mandatory = AvpFlags(AvpFlags::MANDATORY);
    write_raw(Key::new(0, 263), mandatory, b"host.example;1;2", &mut body);
    if let Some(result) = result {
        write_raw(Key::new(0, 268), mandatory, &result.to_be_bytes(), &mut body);
    }
    write_raw(Key::new(0, 264), mandatory, b"host.example", &mut body);
    write_raw(Key::new(0, 296), mandatory, b"example", &mut body);
    let header = Header {
        version: 1,
        length: 20 + body.len() as u32,
        flags: CommandFlags(if request { 0xc0 } else { 0x40 }),
        code,
        application,
        hop_by_hop: identifier,
        end_to_end: identifier + 1,
    };
    [&header.to_bytes()[..], &body].concat()
}

/// A capture of raw IP packets, each a TCP segment from 10.0.0.1 to 10.0.0.2, one message a packet.
fn capture(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65535, 101] {
        // Versions are two halves, the major one first.
        let word = if word == 0x0002_0004 { 0x0004_0002 } else { word };
        file.extend_from_slice(&word.to_le_bytes());
    }
    let mut sequence = 1_u32;
    for (at, message) in messages.iter().enumerate() {
        let length = 40 + message.len();
        let mut packet = vec![0x45, 0];
        packet.extend_from_slice(&(length as u16).to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend_from_slice(&40_000_u16.to_be_bytes());
        packet.extend_from_slice(&3868_u16.to_be_bytes());
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend_from_slice(message);
        sequence += message.len() as u32;
        for word in [1_700_000_000 + at as u32, 250_000, length as u32, length as u32] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(&packet);
    }
    file
}

/// An Update-Location that fails, a watchdog, and a command that nobody knows.
fn three() -> Vec<Vec<u8>> {
    vec![
        message(false, 316, 16_777_251, Some(5012), 7),
        message(true, 280, 0, None, 8),
        message(true, 9999, 4321, None, 9),
    ]
}

struct Files {
    _directory: tempfile::TempDir,
    good: PathBuf,
    cut: PathBuf,
    snoop: PathBuf,
}

fn files() -> Files {
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let whole = capture(&three());
    let good = put("good.pcap", &whole);
    let cut = put("cut.pcap", &whole[..whole.len() - 10]);
    let snoop = put("old.pcap", b"snoop\0\0\0\0\0\0\x02\0\0\0\x04");
    Files { _directory: directory, good, cut, snoop }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_capture_reads_as_trees() {
    let files = files();
    let output = run(&["decode", text(&files.good)]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let shown = out(&output);
    for expected in [
        "frame 1  2023-11-14T22:13:20.250000000Z  tcp  10.0.0.1:40000 > 10.0.0.2:3868\n",
        "Update-Location-Answer (316)  S6a (16777251)  -P--  ",
        "5012  DIAMETER_UNABLE_TO_COMPLY",
        "Device-Watchdog-Request (280)  base (0)  RP--",
        "command 9999 request (9999)  application (4321)",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(!shown.contains('\x1b'), "colour in a pipe");
    assert_eq!(err(&output), "");
}

#[test]
fn colour_comes_when_asked_and_goes_with_no_color() {
    let files = files();
    let always = run(&["decode", "--color", "always", text(&files.good)]);
    assert!(out(&always).contains('\x1b'));
    let never = run(&["decode", "--colour=never", text(&files.good)]);
    assert!(!out(&never).contains('\x1b'));
    let asked = proselink(&["decode", text(&files.good)]).env("NO_COLOR", "1").output().unwrap();
    assert!(!out(&asked).contains('\x1b'));
}

#[test]
fn json_has_its_keys_in_order() {
    let files = files();
    let output = run(&["decode", "--json", text(&files.good)]);
    let messages = lines(&output);
    assert_eq!(messages.len(), 3);
    for message in &messages {
        let keys: Vec<&str> = message.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "v",
                "file",
                "frame",
                "index",
                "time",
                "transport",
                "src",
                "dst",
                "ppid",
                "stream",
                "flags",
                "code",
                "application",
                "hop_by_hop",
                "end_to_end",
                "length",
                "command",
                "application_name",
                "avps",
                "faults"
            ]
        );
    }
    let first = &messages[0];
    assert_eq!(first["v"], 1);
    assert_eq!(first["file"], text(&files.good));
    assert_eq!((&first["frame"], &first["index"]), (&1.into(), &0.into()));
    assert_eq!(first["time"], "1700000000.250000000");
    assert_eq!((&first["transport"], &first["src"]), (&"tcp".into(), &"10.0.0.1:40000".into()));
    assert_eq!((&first["ppid"], &first["stream"]), (&Value::Null, &Value::Null));
    assert_eq!(first["command"], "Update-Location-Answer");
    assert_eq!(first["application_name"], "S6a");
    assert_eq!(first["avps"][1]["name"], "Result-Code");
    assert_eq!(first["avps"][1]["value"], 5012);
    assert_eq!((&messages[2]["command"], &messages[2]["application_name"]), (&Value::Null, &Value::Null));
}

#[test]
fn filters_choose_messages() {
    let files = files();
    for (filter, frames) in [
        ("diameter.cmd.code == 316 && diameter.Result-Code != 2001", &[1][..]),
        ("diameter.flags.request == 1", &[2, 3]),
        ("diameter.Origin-Host == \"host.example\" && tcp.port == 3868", &[1, 2, 3]),
        ("ip.src == 10.0.0.2 or sctp", &[]),
    ] {
        let output = run(&["decode", "--json", "-Y", filter, "-r", text(&files.good)]);
        let found: Vec<u64> = lines(&output).iter().map(|message| message["frame"].as_u64().unwrap()).collect();
        assert_eq!(found, frames, "{filter}");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn a_bad_filter_shows_the_column() {
    let output = run(&["decode", "-Y", "diameter.Result-Cod == 2001", "nothing.pcap"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err(&output).contains("column 1: unknown field `diameter.Result-Cod`; did you mean `diameter.Result-Code`?")
    );
    assert!(err(&output).contains("\n  ^"), "{}", err(&output));
}

#[test]
fn counting_stops() {
    let files = files();
    assert_eq!(lines(&run(&["decode", "--json", "-c", "2", text(&files.good), text(&files.good)])).len(), 2);
    assert_eq!(lines(&run(&["decode", "--json", text(&files.good), text(&files.good)])).len(), 6);
    assert_eq!(run(&["decode", "-c", "0", text(&files.good)]).status.code(), Some(2));
}

#[test]
fn quiet_sums_up() {
    let files = files();
    let output = run(&["decode", "-q", text(&files.good)]);
    let shown = out(&output);
    assert!(shown.starts_with("3 Diameter messages, "), "{shown}");
    for expected in ["Update-Location (316)", "application 4321", "5012 DIAMETER_UNABLE_TO_COMPLY", "SCTP 0, TCP 3"] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let summary = &lines(&run(&["decode", "-q", "--check", "--json", text(&files.good)]))[0];
    assert_eq!((&summary["messages"], &summary["tcp"]), (&3.into(), &3.into()));
    assert!(summary["faults"].as_u64().unwrap() > 0);
}

#[test]
fn one_line_a_message() {
    let files = files();
    let output = run(&["decode", "--oneline", text(&files.good)]);
    assert_eq!(out(&output).lines().count(), 3);
    assert!(out(&output).lines().next().unwrap().ends_with("5012 DIAMETER_UNABLE_TO_COMPLY"));
}

#[test]
fn damage_comes_after_all_that_was_good() {
    let files = files();
    let output = run(&["decode", "--json", text(&files.cut)]);
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(lines(&output).len(), 2);
    assert!(err(&output).contains("cut.pcap: the capture is damaged at offset "), "{}", err(&output));
    // The other files are still read.
    let output = run(&["decode", "--json", text(&files.cut), text(&files.good)]);
    assert_eq!((lines(&output).len(), output.status.code()), (5, Some(4)));
}

#[test]
fn an_unsupported_format_is_named() {
    let files = files();
    let output = run(&["decode", text(&files.snoop)]);
    assert_eq!(output.status.code(), Some(4));
    assert!(err(&output).contains("snoop"), "{}", err(&output));
}

#[test]
fn a_missing_file_is_the_environment() {
    let output = run(&["decode", "no/such/file.pcap"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("no/such/file.pcap"));
}

#[test]
fn standard_input_is_read_with_and_without_a_dash() {
    let file = capture(&three());
    for arguments in [&["decode", "--json"][..], &["decode", "--json", "-"], &["decode", "--json", "-r", "-"]] {
        let output = with_input(arguments, &file);
        assert_eq!((lines(&output).len(), output.status.code()), (3, Some(0)), "{arguments:?}");
        assert_eq!(lines(&output)[0]["file"], "-");
    }
}

#[test]
fn one_message_in_hexadecimal() {
    let octets = message(false, 316, 16_777_251, Some(2001), 7);
    let hex = octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    let colons = octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":");
    let outputs = [
        run(&["decode", "--json", &hex]),
        run(&["decode", "--json", "--hex", &colons]),
        with_input(&["decode", "--json"], hex.as_bytes()),
        with_input(&["decode", "--json"], format!("0x{hex}\n").as_bytes()),
        with_input(&["decode", "--json"], &octets),
    ];
    for output in outputs {
        let messages = lines(&output);
        assert_eq!((messages.len(), output.status.code()), (1, Some(0)), "{}", err(&output));
        assert_eq!(messages[0]["command"], "Update-Location-Answer");
        assert_eq!(messages[0]["transport"], Value::Null);
    }
    // What is there of a message that is cut is shown.
    let output = run(&["decode", "--hex", &hex[..hex.len() - 8]]);
    assert_eq!(output.status.code(), Some(4));
    assert!(
        out(&output).contains("Result-Code (268)") && err(&output).contains("Message Length is"),
        "{}",
        err(&output)
    );
    let output = run(&["decode", "--hex", "01 00 0g"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(err(&output).contains("column 8: `g` is no hexadecimal digit"), "{}", err(&output));
}

#[test]
fn a_closed_pipe_is_success() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("long.pcap");
    fs::write(&path, capture(&vec![message(true, 280, 0, None, 1); 20_000])).unwrap();
    let mut child = proselink(&["decode", text(&path)]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 16];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), err(&output)), (Some(0), ""));
}

#[test]
fn help_and_usage() {
    let version = run(&["--version"]);
    assert_eq!(out(&version).trim(), format!("proselink {}", env!("CARGO_PKG_VERSION")));
    for arguments in [&["help"][..], &["--help"], &["help", "decode"], &["decode", "--help"]] {
        let output = run(arguments);
        assert_eq!((output.status.code(), err(&output)), (Some(0), ""), "{arguments:?}");
    }
    assert!(out(&run(&["decode", "--help"])).contains("Examples:"));
    for arguments in [&[][..], &["no-such-verb"], &["decode", "--no-such-flag"], &["--log", "a=b=c", "decode", "x"]] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

/// Where the shared captures are, if they are.
fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("PROSELINK_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    Some(root.join("captures")).filter(|path| path.is_dir())
}

/// AVPs of the shared captures that no specification has: made up by a test tool, or an IETF code that the tool sent
/// under the vendor of 3GPP.
fn is_made_up(vendor: u64, code: u64) -> bool {
    matches!(
        (vendor, code),
        (0, 3 | 1018 | 1026 | 999_990..=999_993)
            | (10415, 295 | 298 | 301 | 351 | 352 | 450 | 457 | 999_990..=999_993)
            | (13019, 400)
            | (50, 494)
    )
}

fn unnamed(avps: &Value, found: &mut Vec<(u64, u64)>) {
    for avp in avps.as_array().into_iter().flatten() {
        let (vendor, code) = (avp["vendor"].as_u64().unwrap(), avp["code"].as_u64().unwrap());
        if avp["name"].is_null() && !is_made_up(vendor, code) {
            found.push((vendor, code));
        }
        unnamed(&avp["avps"], found);
    }
}

#[test]
fn every_avp_of_real_traces_has_a_name() {
    let Some(captures) = shared() else {
        println!("skipped: no shared captures");
        return;
    };
    let mut found = Vec::new();
    let mut messages = 0;
    for entry in fs::read_dir(captures).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonl" || extension == "md") {
            continue;
        }
        let output = run(&["decode", "--json", text(&path)]);
        for message in lines(&output) {
            messages += 1;
            unnamed(&message["avps"], &mut found);
        }
    }
    found.sort_unstable();
    found.dedup();
    assert!(messages > 1000);
    assert_eq!(found, []);
}

/// Our filter and our values against tshark's, where it is installed.
#[test]
fn tshark_chooses_the_same_frames() {
    let Some(captures) = shared() else {
        println!("skipped: no shared captures");
        return;
    };
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("skipped: no tshark");
        return;
    }
    let file = captures.join("open5gs-testattach.pcapng");
    let file = text(&file);
    for filter in [
        "diameter.cmd.code == 316 && diameter.flags.request == 1",
        "diameter.cmd.code == 272 && diameter.CC-Request-Type == 1",
        "diameter.Result-Code == 2001 && !(diameter.applicationId == 0)",
        "diameter.Result-Code != 2001",
        "diameter.Session-Id contains \"smf\" or diameter.Session-Id contains \"pgw\"",
        "diameter.avp.code in {628, 1400..1410}",
        "diameter.Context-Identifier != 1",
        "diameter.Framed-IP-Address",
        "diameter.APN-Configuration && diameter.PDN-Type === 2",
        "diameter.flags & 0x20 or sctp.dstport == 3868",
    ] {
        let output = run(&["decode", "--json", "-r", file, "-Y", &format!("diameter && ({filter})")]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let mut ours: Vec<u64> = lines(&output).iter().map(|message| message["frame"].as_u64().unwrap()).collect();
        ours.dedup();
        let theirs = Command::new("tshark")
            .args(["-n", "-r", file, "-Y", &format!("diameter && ({filter})"), "-T", "fields", "-e", "frame.number"])
            .output()
            .unwrap();
        assert!(theirs.status.success(), "{filter}: {}", String::from_utf8_lossy(&theirs.stderr));
        let theirs: Vec<u64> = out(&theirs).lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(ours, theirs, "{filter}");
    }
}
