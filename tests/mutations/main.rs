//! What `verify` finds, proved: a generator puts one fault of one kind at a time into clean captures, mends checksums and
//! lengths so that nothing else is wrong, and looks for the finding at its frame under its clause.

mod kinds;
mod procedure;
mod scene;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proselink::avp::dictionary;
use proselink::capture::{Reader, Transport};
use proselink::interfaces;
use proselink::message::HEADER_LENGTH;
use proselink::verify::{CHECKS, Input, Options, Report, checks, verify_captures};

use kinds::KINDS;
use procedure::PROCEDURE;
use scene::{Scene, Sent, key, put, whole};

/// Sites that a kind is injected at in one capture.
const SITES: usize = 6;

/// The messages of a capture, SCTP between two addresses a side at most, as they can be written anew.
fn read(path: &Path) -> Vec<Sent> {
    let mut reader = Reader::open(path).expect("the capture is there");
    let mut messages = Vec::new();
    while let Some(message) = reader.next_message().expect("the capture is sound") {
        if message.transport == Transport::Sctp && message.source.is_ipv4() {
            messages.push(Sent {
                association: message.association,
                source: message.source,
                destination: message.destination,
                bytes: message.bytes.to_vec(),
                ppid: 46,
                stream: 0,
                silence: 0,
            });
        }
    }
    messages
}

/// Captures of the repository that are clean when they are written anew.
fn clean() -> Vec<(String, Vec<Sent>)> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let folders = |path: &Path| -> Vec<PathBuf> {
        let mut found: Vec<_> =
            std::fs::read_dir(path).expect("a folder").flatten().map(|entry| entry.path()).collect();
        found.retain(|path| path.is_dir());
        found.sort();
        found
    };
    let mut found = Vec::new();
    for case in folders(&captures).iter().flat_map(|interface| folders(interface)) {
        let messages = read(&case.join("input.pcapng"));
        let known = messages.iter().all(|message| interfaces::command_of(&message.header()).is_some());
        if known && !messages.is_empty() && whole(&messages).judge().findings.is_empty() {
            found.push((case.strip_prefix(&captures).expect("within").display().to_string(), messages));
        }
    }
    found
}

#[test]
fn each_single_fault_is_found_in_its_frame_under_its_clause() {
    let clean = clean();
    assert!(clean.len() >= 10, "{} clean captures", clean.len());
    assert!(clean.iter().any(|(name, _)| name.ends_with("registered-and-moved")), "the demo's registration is clean");
    let mut table = format!("{:52} {:>8} {:>6}  checks\n", "kind", "injected", "found");
    let (mut overlooked, mut ids) = (Vec::new(), std::collections::BTreeSet::new());
    for (kind, expected, clause, inject) in KINDS.iter().chain(PROCEDURE) {
        let (mut injected, mut found) = (0, 0);
        for (name, messages) in &clean {
            let mut sites = 0;
            for at in 0..messages.len() {
                if sites >= SITES {
                    break;
                }
                let Some(fault) = inject(messages, at) else { continue };
                sites += 1;
                injected += 1;
                let report = fault.scene.judge();
                let frames: Vec<u64> = fault.at.iter().map(|packet| *packet as u64 + 1).collect();
                let hit = report.findings.iter().find(|finding| {
                    expected.contains(&finding.check.id)
                        && frames.contains(&finding.frame)
                        && finding.clause.starts_with(clause)
                        && !finding.clause.is_empty()
                });
                match hit {
                    Some(hit) => {
                        found += 1;
                        ids.insert(hit.check.id);
                    }
                    None => overlooked.push(format!(
                        "{kind} in {name}, message {at}, frames {frames:?}: {:#?}",
                        report.findings.iter().map(ToString::to_string).collect::<Vec<_>>()
                    )),
                }
            }
        }
        let _ = writeln!(table, "{kind:52} {injected:>8} {found:>6}  {}", expected.join(", "));
        if injected == 0 {
            overlooked.push(format!("{kind}: no site for it in any capture"));
        }
    }
    println!("{table}\n{} kinds, {} of {} checks", (KINDS.len() + PROCEDURE.len()), ids.len(), CHECKS.len());
    assert!(overlooked.is_empty(), "{} overlooked:\n{}", overlooked.len(), overlooked.join("\n"));
    assert!((KINDS.len() + PROCEDURE.len()) >= 40);
    assert!(
        KINDS.iter().chain(PROCEDURE).flat_map(|(_, expected, _, _)| *expected).all(|id| checks::by_id(id).is_some())
    );
}

/// A registration and move as the demo records it, as often as it takes to make 100,000 messages, each time another UE.
#[test]
fn a_clean_capture_of_100000_messages_gives_no_finding() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let one = read(&captures.join("registration/registered-and-moved/input.pcapng"));
    let is_between_neighbours = |message: &Sent| message.header().application == 0;
    let ids: Vec<Vec<u8>> = {
        let mut found: Vec<Vec<u8>> = Vec::new();
        let keys =
            [key::<dictionary::Pduid>(), key::<dictionary::OldPduid>(), key::<dictionary::OriginAppLayerUserId>()];
        let imsi = |data: &[u8]| data.len() == 15 && data.iter().all(u8::is_ascii_digit);
        for avp in one.iter().flat_map(Sent::avps) {
            let named = keys.contains(&avp.key) || avp.key == key::<dictionary::UserName>() && imsi(avp.data);
            if named && !found.contains(&avp.data.to_vec()) {
                found.push(avp.data.to_vec());
            }
        }
        found
    };
    assert!(ids.len() >= 4, "{} identifiers", ids.len());
    let (mut head, rest): (Vec<Sent>, Vec<Sent>) =
        one.iter().cloned().partition(|m| m.is(257, true) || m.is(257, false));
    let (tail, body): (Vec<Sent>, Vec<Sent>) = rest.into_iter().partition(is_between_neighbours);
    let mut number = 0_u32;
    while head.len() + tail.len() < 100_000 {
        number += 1;
        for message in &body {
            let mut message = message.clone();
            for id in &ids {
                // The last digits or octets count the UEs: in base 64 where any letter will do.
                let mut new = id.clone();
                let length = new.len();
                if new.iter().all(u8::is_ascii_digit) {
                    let digits = format!("{number:05}");
                    new[length - 6..length - 1].copy_from_slice(digits.as_bytes());
                } else if length == 8 {
                    new[length - 4..length - 1].copy_from_slice(&number.to_be_bytes()[1..]);
                } else {
                    let letters = format!("{number:05}");
                    new[length - 5..].copy_from_slice(letters.as_bytes());
                }
                let mut at = HEADER_LENGTH;
                while let Some(step) = message.bytes[at..].windows(length).position(|octets| octets == id) {
                    message.bytes[at + step..at + step + length].copy_from_slice(&new);
                    at += step + length;
                }
            }
            for place in [12, 16] {
                let old = u32::from_be_bytes(message.bytes[place..place + 4].try_into().expect("four"));
                let new = old.wrapping_add(number.wrapping_mul(1 << 12));
                put(&mut message.bytes, place, &new.to_be_bytes());
            }
            head.push(message);
        }
    }
    head.extend(tail);
    let report = whole(&head).judge();
    let few: Vec<_> = report.findings.iter().take(5).map(ToString::to_string).collect();
    assert!(report.findings.is_empty(), "{} findings: {few:#?}", report.findings.len());
    assert!(report.messages >= 100_000, "{} messages", report.messages);
    assert_eq!((report.registrations, report.moves), (u64::from(number), u64::from(number)));
    let unknown = head.iter().filter(|message| interfaces::command_of(&message.header()).is_none()).count();
    assert_eq!(unknown, 0);
    println!("{} messages of {number} UEs, no finding", report.messages);
}

/// The captures are judged together, under names.
fn together(files: &[Vec<u8>]) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs: Vec<_> = files
        .iter()
        .enumerate()
        .map(|(number, octets)| {
            let path = folder.path().join(format!("{number}.pcapng"));
            std::fs::write(&path, octets).expect("a folder takes a file");
            Input { name: number.to_string(), open: Box::new(move || Reader::open(&path)) }
        })
        .collect();
    verify_captures(&inputs, Options { steps: true }, |capture, error| panic!("capture {capture}: {error}"))
}

fn file_of(packets: Vec<(u64, Vec<u8>)>) -> Vec<u8> {
    Scene { packets, of: Vec::new(), closing: HashMap::new() }.file()
}

#[test]
fn a_registration_is_followed_over_captures_of_each_leg_of_each_hour_and_of_both_ends() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let scene = whole(&read(&captures.join("registration/registered-and-moved/input.pcapng")));
    let mut legs: std::collections::BTreeMap<Vec<u8>, Vec<(u64, Vec<u8>)>> = std::collections::BTreeMap::new();
    for (time, packet) in &scene.packets {
        let (source, destination) =
            ([&packet[12..16], &packet[20..22]].concat(), [&packet[16..20], &packet[22..24]].concat());
        let ends = if source < destination { [source, destination] } else { [destination, source] }.concat();
        legs.entry(ends).or_default().push((*time, packet.clone()));
    }
    assert!(legs.len() > 5, "{} legs", legs.len());
    let (first, second) = scene.packets.split_at(scene.packets.len() / 2);
    for (files, copies) in [
        // Backwards, as the order in which they are given means nothing.
        (legs.into_values().rev().map(file_of).collect::<Vec<_>>(), 0),
        (vec![file_of(second.to_vec()), file_of(first.to_vec())], 0),
        (vec![scene.file(), scene.file()], scene.of.len() as u64),
    ] {
        let report = together(&files);
        assert_eq!(report.findings.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
        assert_eq!((report.registrations, report.moves, report.captures.len()), (1, 1, files.len()));
        assert_eq!(report.captures.iter().map(|capture| capture.copies).sum::<u64>(), copies);
        assert_eq!(report.ues.len(), 1);
        let steps: Vec<_> = report.ues[0].steps.iter().map(|step| step.name).collect();
        for name in ["5", "6", "1", "2", "3", "4", "G1", "G2", "U1", "U2"] {
            assert!(steps.contains(&name), "{name} is missing: {steps:?}");
        }
    }
}
