//! Real captures, and what tshark reads in them. The files are not part of this repository: they are looked for under
//! `$PROSELINK_SHARED` or `../shared`, and where they are missing the test says so and passes.
//!
//! tshark is a witness, not the law: every place where we differ on purpose is listed below with its reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proselink::capture::{CaptureError, Reader};
use proselink::message::Header;
use serde_json::Value;

/// Messages that only one of us and tshark finds: file, frame, index, and why that is right. At present there are none:
/// ports that tshark was told of (decode-as, see the captures' README) are found here by the header.
const DIFFERENCES: &[(&str, u64, u32, &str)] = &[];

/// Files that end in an error, and its sentence.
const ERRORS: &[(&str, &str)] = &[
    ("libpcap-pcap-invalid-version-1.pcap", "pcap version 1.4 is not supported"),
    (
        "libpcap-pcapng-block-len-not-mult4.pcapng",
        "damaged at offset 28: a block length of 21, expected a multiple of four",
    ),
    // tshark passes over the option with a warning; the times after it would be wrong, so libpcap and we do not.
    ("libpcap-pcapng-idb-tsoffset-badlen.pcapng", "damaged at offset 28: if_tsoffset of 3 octets, expected 8"),
    ("libpcap-pcapng-invalid-vers-1.pcapng", "pcapng version 0.1 is not supported"),
    ("libpcap-pcapng-packet-before-idb.pcapng", "damaged at offset 28: a packet of interface 0, but"),
    ("libpcap-pcapng-shb-len-insane.pcapng", "damaged at offset 0: the file ends within a block of 2097152 octets"),
    (
        "libpcap-shb-option-too-long.pcapng",
        "damaged at offset 0: the length at the end of a block is not the one at its start",
    ),
    ("mts-snoop-named.pcap", "snoop (RFC 1761) is not a format this reader supports"),
    ("scapy-cut-record.pcap", "damaged at offset 359: the file ends within a record header"),
];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    frame: u64,
    index: u32,
    time: String,
    transport: String,
    source: String,
    destination: String,
    command: u64,
    application: u64,
    flags: u64,
    hop_by_hop: u64,
    end_to_end: u64,
    length: u64,
    ppids: Vec<u64>,
}

fn captures() -> Option<PathBuf> {
    let shared = std::env::var_os("PROSELINK_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let captures = shared.join("captures");
    captures.is_dir().then_some(captures)
}

fn witness(path: &Path) -> Vec<Seen> {
    let number = |line: &Value, key: &str| match &line[key] {
        Value::String(hex) => u64::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap(),
        number => number.as_u64().unwrap_or_else(|| panic!("{key} in {line}")),
    };
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_else(|| panic!("{key} in {line}")).to_owned();
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let ppids = match (&line["ppid"], &line["ppids"]) {
                (Value::Number(one), _) => vec![one.as_u64().unwrap()],
                (_, Value::Array(several)) => several.iter().filter_map(Value::as_u64).collect(),
                _ => Vec::new(),
            };
            Seen {
                frame: number(&line, "frame"),
                index: number(&line, "i") as u32,
                time: text(&line, "t"),
                transport: text(&line, "tp"),
                source: text(&line, "src"),
                destination: text(&line, "dst"),
                command: number(&line, "cmd"),
                application: number(&line, "app"),
                flags: number(&line, "flags"),
                hop_by_hop: number(&line, "hbh"),
                end_to_end: number(&line, "e2e"),
                length: number(&line, "len"),
                ppids,
            }
        })
        .collect()
}

fn ours(path: &Path) -> (Vec<Seen>, Option<CaptureError>) {
    let mut reader = Reader::open(path).unwrap();
    let mut seen = Vec::new();
    loop {
        match reader.next_message() {
            Ok(Some(message)) => {
                let header = Header::parse(message.bytes).unwrap();
                seen.push(Seen {
                    frame: message.frame,
                    index: message.index,
                    time: message.time.to_string(),
                    transport: message.transport.to_string(),
                    source: message.source.to_string(),
                    destination: message.destination.to_string(),
                    command: header.code.into(),
                    application: header.application.into(),
                    flags: header.flags.0.into(),
                    hop_by_hop: header.hop_by_hop.into(),
                    end_to_end: header.end_to_end.into(),
                    length: header.length.into(),
                    ppids: message.ppid.map(u64::from).into_iter().collect(),
                });
            }
            Ok(None) => return (seen, None),
            Err(error) => {
                assert!(reader.next_message().unwrap().is_none(), "after an error comes the end");
                return (seen, Some(error));
            }
        }
    }
}

#[test]
fn every_capture_reads_as_tshark_reads_it() {
    let Some(captures) = captures() else {
        println!("skipped: no shared captures");
        return;
    };
    let mut faults = Vec::new();
    let mut files = 0;
    let mut names: Vec<_> = fs::read_dir(&captures).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let truth = captures.join(format!("{name}.tshark.jsonl"));
        if !truth.exists() {
            continue;
        }
        files += 1;
        let theirs = witness(&truth);
        let (mine, error) = ours(&path);
        let listed = |&(frame, index): &(u64, u32)| {
            DIFFERENCES.iter().any(|known| (known.0, known.1, known.2) == (name.as_str(), frame, index))
        };
        let by_place = |list: &[Seen]| -> BTreeMap<(u64, u32), Seen> {
            list.iter().map(|seen| ((seen.frame, seen.index), seen.clone())).collect()
        };
        let (mine_at, theirs_at) = (by_place(&mine), by_place(&theirs));
        for (place, expected) in &theirs_at {
            match mine_at.get(place) {
                Some(found) => {
                    let listed = found.ppids.iter().all(|ppid| expected.ppids.contains(ppid));
                    let alike =
                        Seen { ppids: Vec::new(), ..found.clone() } == Seen { ppids: Vec::new(), ..expected.clone() };
                    if !alike || !listed {
                        faults.push(format!("{name} {place:?}: ours {found:?}, tshark {expected:?}"));
                    }
                }
                None if listed(place) => {}
                None => faults.push(format!("{name} {place:?}: only tshark has {expected:?}")),
            }
        }
        for (place, found) in &mine_at {
            if !theirs_at.contains_key(place) && !listed(place) {
                faults.push(format!("{name} {place:?}: only we have {found:?}"));
            }
        }
        if !mine.is_sorted_by_key(|seen| (seen.frame, seen.index)) || mine.len() != mine_at.len() {
            faults.push(format!("{name}: not in file order, or a place twice"));
        }
        for (_, frame, index, reason) in DIFFERENCES.iter().filter(|known| known.0 == name) {
            if mine_at.contains_key(&(*frame, *index)) == theirs_at.contains_key(&(*frame, *index)) {
                faults.push(format!("{name} {frame}/{index}: the difference is gone: {reason}"));
            }
        }
        let expected = ERRORS.iter().find(|(file, _)| *file == name).map(|(_, sentence)| *sentence);
        match (expected, error.map(|error| error.to_string())) {
            (None, None) => {}
            (Some(sentence), Some(error)) if error.contains(sentence) => {}
            (expected, error) => faults.push(format!("{name}: error {error:?}, expected {expected:?}")),
        }
    }
    assert!(faults.is_empty(), "{} faults in {files} files:\n{}", faults.len(), faults.join("\n"));
    assert!(
        ERRORS.iter().all(|(file, _)| captures.join(file).exists()),
        "an error is listed for a file that is not there"
    );
    println!("{files} files");
}
