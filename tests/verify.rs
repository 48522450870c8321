//! What `verify` must find: a registration as the demo records it, with one thing changed at a time.
//!
//! Every AVP of every message of the procedure is taken out once, and identifiers are exchanged for others; each change
//! must be found in the frame of the changed message. What may go without harm is listed by name, with the reason.

mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use proselink::avp::dictionary::{Declared, OldPduid, OriginAppLayerUserId, Pduid, ProseFunctionId, UserName};
use proselink::avp::fault::name_of;
use proselink::avp::{Avp, Avps, Key};
use proselink::capture::Reader;
use proselink::capture::write::{CaptureWriter, Direction, Message, SctpConversation};
use proselink::interfaces;
use proselink::message::{HEADER_LENGTH, Header};
use proselink::verify::{Report, Severity, verify};

/// A message of the recorded registration.
#[derive(Clone)]
struct Recorded {
    association: u32,
    source: std::net::SocketAddr,
    destination: std::net::SocketAddr,
    bytes: Vec<u8>,
}

impl Recorded {
    fn header(&self) -> Header {
        Header::parse(&self.bytes).expect("a captured message has a header")
    }

    fn name(&self) -> &'static str {
        interfaces::command_of(&self.header()).map_or("unknown", |command| command.name)
    }

    fn avps(&self) -> Vec<Avp<'_>> {
        Avps::new(&self.bytes[HEADER_LENGTH..]).map(|avp| avp.expect("a sound message")).collect()
    }

    /// The message without its AVP number `at`.
    fn without(&self, at: usize) -> Vec<u8> {
        let avps = self.avps();
        self.assemble(avps.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, avp)| avp.whole.to_vec()))
    }

    /// The message with the data of the first AVP of `key` replaced by as many other octets.
    fn with_data(&self, key: Key, data: &[u8]) -> Vec<u8> {
        let mut done = false;
        self.assemble(self.avps().iter().map(|avp| {
            let mut whole = avp.whole.to_vec();
            if avp.key == key && !done {
                done = true;
                assert_eq!(avp.data.len(), data.len());
                whole[avp.header_length()..avp.length()].copy_from_slice(data);
            }
            whole
        }))
    }

    fn assemble(&self, avps: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
        let mut out = self.bytes[..HEADER_LENGTH].to_vec();
        avps.for_each(|avp| out.extend(avp));
        let length = out.len() as u32;
        out[..4].copy_from_slice(&((1 << 24) | length).to_be_bytes());
        out
    }
}

/// The registration and move of one UE, run for real.
fn registration(folder: &Path) -> (PathBuf, Vec<Recorded>) {
    let path = folder.join("demo.pcapng");
    let output = support::proselink().args(["demo", "-w"]).arg(&path).args(support::port_arguments()).output();
    let output = output.expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut reader = Reader::open(&path).expect("the capture is there");
    let mut messages = Vec::new();
    while let Some(message) = reader.next_message().expect("the capture is sound") {
        messages.push(Recorded {
            association: message.association,
            source: message.source,
            destination: message.destination,
            bytes: message.bytes.to_vec(),
        });
    }
    (path, messages)
}

/// Writes the messages as a capture of whole associations; begins with a frame number for each message.
fn capture(messages: &[Recorded]) -> (Vec<u64>, Vec<u8>) {
    let mut writer = CaptureWriter::new(Vec::new(), "made by a test").expect("memory takes all");
    let mut time = 1_700_000_000_000_000_000;
    let mut conversations: HashMap<u32, (std::net::SocketAddr, SctpConversation)> = HashMap::new();
    for message in messages {
        let mut emit = |packet: &[u8], comment: Option<&str>| {
            time += 1000;
            writer.write_packet(time, packet, comment)
        };
        let (client, conversation) = conversations.entry(message.association).or_insert_with(|| {
            let seed = u64::from(message.association) + 7;
            let mut conversation = SctpConversation::new(message.source, message.destination, Some((9899, 9899)), seed);
            conversation.open(&mut emit).expect("a handshake");
            (message.source, conversation)
        });
        let direction = if message.source == *client { Direction::ToServer } else { Direction::ToClient };
        let message = Message { direction, bytes: &message.bytes, ppid: 46, stream: 0, comment: None };
        conversation.message(&message, &mut emit).expect("a packet");
    }
    let file = writer.finish().expect("memory takes all");
    let mut frames = Vec::new();
    let mut reader = Reader::from_bytes(&file);
    while let Some(message) = reader.next_message().expect("what we write is sound") {
        frames.push(message.frame);
    }
    drop(reader);
    assert_eq!(frames.len(), messages.len());
    (frames, file)
}

/// The verdict on a registration of which message number `at` has other octets, and the frame of that message.
fn changed(messages: &[Recorded], at: usize, bytes: Vec<u8>) -> (u64, Report) {
    let mut messages = messages.to_vec();
    messages[at].bytes = bytes;
    let (frames, file) = capture(&messages);
    (frames[at], verify(&mut Reader::from_bytes(&file)).expect("what we write is sound"))
}

/// AVPs that may be missing without anything being wrong: (message, AVP, why).
const HARMLESS: &[(&str, &str, &str)] = &[
    ("Capabilities-Exchange-Request", "*", "what a peer supports is its own affair, as long as the grammar holds"),
    ("Capabilities-Exchange-Answer", "*", "likewise"),
    ("Disconnect-Peer-Request", "*", "the grammar asks for all that is needed"),
    ("Disconnect-Peer-Answer", "*", "likewise"),
    ("*", "Origin-State-Id (278)", "optional everywhere"),
    ("*", "Destination-Host (293)", "optional; where ID3 names a host it must be there, which message 2 shows"),
    ("*", "Supported-Features (628)", "optional"),
    ("*", "OC-Supported-Features (621)", "optional"),
    ("*", "DRMP (301)", "optional"),
    ("Context-Transfer-Request", "User-Name (1)", "optional in the grammar"),
    ("Update-Location-Request", "Vendor-Specific-Application-Id (260)", "optional since release 12"),
    ("Update-Location-Answer", "Vendor-Specific-Application-Id (260)", "likewise"),
    ("Update-Location-Answer", "ULA-Flags (1406)", "optional in the grammar"),
    ("ProSe-Subscriber-Information-Request", "Vendor-Specific-Application-Id (260)", "optional in the grammar"),
    ("ProSe-Subscriber-Information-Answer", "Vendor-Specific-Application-Id (260)", "optional in the grammar"),
    ("ProSe-Subscriber-Information-Answer", "MSISDN (701)", "a subscriber may have none"),
    ("ProSe-Subscriber-Information-Answer", "Visited-PLMN-Id (1407)", "optional in the grammar"),
    ("ProSe-Notify-Request", "*", "PC4a lets everything of it be absent but what the grammar asks for"),
    ("ProSe-Notify-Answer", "Vendor-Specific-Application-Id (260)", "optional in the grammar"),
    (
        "ProXimity-Action-Request",
        "ProSe-App-Id (3811)",
        "message U1 names the user by ID2, which is of one application",
    ),
    ("Context-Transfer-Request", "User-Name (1)", "optional: ID1 names the UE"),
    ("UE-Identifier-Allocation-Request", "Visited-PLMN-Id (1407)", "optional: the MME knows where it is"),
    ("Identifier-Allocation-Request", "Visited-PLMN-Id (1407)", "optional"),
];

/// AVPs whose absence shows in a later message only: the MME may be told nothing, but may not act on it.
const SHOWS_LATER: &[(&str, &str)] = &[("Update-Location-Answer", "Subscription-Data (1400)")];

fn is_harmless(message: &str, avp: &str) -> bool {
    HARMLESS.iter().any(|(name, harmless, _)| {
        (*name == "*" || *name == message) && (*harmless == "*" || *harmless == avp)
            // The one place where a Destination-Host is asked for.
            && !(message == "ProXimity-Application-Request" && avp == "Destination-Host (293)")
    })
}

#[test]
fn the_registration_itself_is_good_written_anew_or_as_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, messages) = registration(folder.path());
    let (_, file) = capture(&messages);
    for report in [
        verify(&mut Reader::from_bytes(&file)).expect("sound"),
        verify(&mut Reader::open(&path).expect("there")).expect("sound"),
    ] {
        assert_eq!(report.findings, []);
        assert_eq!((report.registrations, report.moves, report.requests), (1, 1, report.answered));
    }
}

#[test]
fn each_avp_that_is_taken_out_is_missed_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, messages) = registration(folder.path());
    let (mut taken, mut overlooked) = (0, Vec::new());
    for (at, message) in messages.iter().enumerate() {
        for (index, avp) in message.avps().iter().enumerate() {
            let name = name_of(avp.key);
            if is_harmless(message.name(), &name) {
                continue;
            }
            taken += 1;
            let (frame, report) = changed(&messages, at, message.without(index));
            let later = SHOWS_LATER.contains(&(message.name(), name.as_str()));
            let found = report.findings.iter().any(|finding| {
                (finding.frame == frame || later && finding.frame > frame) && !finding.clause.is_empty()
            });
            if report.is_good() || !found {
                overlooked.push(format!("{} without {name}: {:?}", message.name(), report.findings));
            }
        }
    }
    assert!(overlooked.is_empty(), "{} of {taken}:\n{}", overlooked.len(), overlooked.join("\n"));
    assert!(taken > 200, "{taken} AVPs were taken out");
}

/// The messages of a command, by number.
fn all_of(messages: &[Recorded], name: &str) -> Vec<usize> {
    let found: Vec<_> = (0..messages.len()).filter(|at| messages[*at].name() == name).collect();
    assert!(!found.is_empty(), "the registration has no {name}");
    found
}

#[test]
fn an_identifier_that_is_another_is_told_with_its_avp_and_requirement() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, messages) = registration(folder.path());
    let id1 = Pduid::DEFINITION.key;
    // (command, AVP, AVP of the finding, requirement)
    for (command, key, avp, requirement) in [
        ("User-Registration-Request", id1, "PDUID (3604)", "UE-1"),
        ("ProXimity-Application-Request", id1, "PDUID (3604)", "AS-1"),
        ("UE-Identifier-Allocation-Answer", id1, "PDUID (3604)", "MME-3"),
        ("Context-Transfer-Request", id1, "PDUID (3604)", "F-4"),
        ("ProXimity-Action-Request", OldPduid::DEFINITION.key, "Old-PDUID (4)", "AS-5"),
        ("User-Registration-Answer", OriginAppLayerUserId::DEFINITION.key, "Origin-App-Layer-User-Id (3600)", "AS-2"),
        ("ProXimity-Action-Request", OriginAppLayerUserId::DEFINITION.key, "Origin-App-Layer-User-Id (3600)", "AS-5"),
        ("User-Registration-Request", ProseFunctionId::DEFINITION.key, "ProSe-Function-ID (3602)", "UE-3"),
        ("ProXimity-Action-Request", ProseFunctionId::DEFINITION.key, "ProSe-Function-ID (3602)", "AS-6"),
        ("Identifier-Allocation-Request", UserName::DEFINITION.key, "", "UE-2"),
    ] {
        let at = all_of(&messages, command)[0];
        let message = &messages[at];
        let avps = message.avps();
        let old = avps.iter().find(|avp| avp.key == key).unwrap_or_else(|| panic!("{command} has no {key:?}"));
        let mut other = old.data.to_vec();
        // Another digit or letter, or another octet of an ID1.
        let last = other.last_mut().expect("an identifier is not empty");
        *last = if *last == b'3' { b'4' } else { b'3' };
        let (frame, report) = changed(&messages, at, message.with_data(key, &other));
        let told = report.findings.iter().any(|finding| {
            finding.frame == frame
                && finding.severity() == Severity::Error
                && finding.path == avp
                && finding.clause.starts_with(requirement)
        });
        assert!(told, "{command} with another {}: {:#?}", name_of(key), report.findings);
    }
}

#[test]
fn two_identifiers_that_change_places_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, messages) = registration(folder.path());
    let at = all_of(&messages, "ProXimity-Action-Request")[0];
    let (new, old) = (Pduid::DEFINITION.key, OldPduid::DEFINITION.key);
    let data = |key: Key| {
        let avps = messages[at].avps();
        avps.iter().find(|avp| avp.key == key).expect("U1 carries both").data.to_vec()
    };
    let (first, second) = (data(new), data(old));
    let half = Recorded { bytes: messages[at].with_data(new, &second), ..messages[at].clone() };
    let (frame, report) = changed(&messages, at, half.with_data(old, &first));
    let told = |avp: &str| report.findings.iter().any(|finding| finding.frame == frame && finding.path == avp);
    assert!(told("Old-PDUID (4)"), "{:#?}", report.findings);
}

#[test]
fn a_message_that_is_lost_is_missed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, messages) = registration(folder.path());
    for at in 0..messages.len() {
        let mut fewer = messages.clone();
        let lost = fewer.remove(at);
        let (_, file) = capture(&fewer);
        let report = verify(&mut Reader::from_bytes(&file)).expect("sound");
        assert!(!report.is_good(), "{} was taken out and not missed", lost.name());
    }
}

#[test]
fn the_command_says_it_too_and_exits_with_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, messages) = registration(folder.path());
    let output = support::proselink().arg("verify").arg(&path).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));

    let at = all_of(&messages, "ProXimity-Application-Request")[0];
    let index = messages[at].avps().iter().position(|avp| avp.key == Pduid::DEFINITION.key).expect("message 2 has ID1");
    let mut fewer = messages.clone();
    fewer[at].bytes = messages[at].without(index);
    let (frames, file) = capture(&fewer);
    let path = folder.path().join("broken.pcapng");
    std::fs::write(&path, file).expect("a folder takes a file");
    let output = support::proselink().arg("verify").arg(&path).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let expected = format!(
        "frame {}: error: PDUID (3604): message 2 has no ID1 of 8 octets; expected the one of message 1 \
         [F-2 [0019]] (message-2-incomplete)",
        frames[at]
    );
    assert!(text.contains(&expected), "{expected}\n{text}");

    let output = support::proselink().args(["verify", "--json"]).arg(&path).output().expect("the binary runs");
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("each line is one object");
        assert!(value["type"] == "finding" || value["type"] == "summary");
    }
}

#[test]
fn the_list_of_checks_in_the_docs_is_that_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify.md");
    let text = std::fs::read_to_string(path).expect("the page is there");
    let written: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    let checks: Vec<String> = proselink::verify::CHECKS
        .iter()
        .map(|check| format!("| `{}` | {} | {} | {} |", check.id, check.severity.name(), check.clause, check.title))
        .collect();
    assert_eq!(written, checks);
}
