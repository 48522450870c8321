//! The walker of `captures/`: every case folder tells a story of two peers, and this test holds the program to it.
//!
//! `UPDATE_CAPTURES=1 cargo test --test captures` writes `input.pcapng` of hand-written cases and every `messages.jsonl`
//! anew; the diff is the review. Expectations in `case.toml` are people's, and never rewritten, but for the cases under
//! `captures/failures/`: `RECORD_CAPTURES=1` has the failure tour play each of them again.

#![cfg(feature = "net")]

#[path = "support/case.rs"]
mod case;
#[path = "support/failures.rs"]
mod failures;
#[path = "support/source.rs"]
mod source;

use std::fs;

use case::{Case, Faults, Held, INPUT, MESSAGES, Origin, SOURCE, Strict};
use proselink::avp::{Avps, Fault, dictionary};
use proselink::capture::{CapturedMessage, Reader};
use proselink::interfaces::{self, base, pc2, pc3, pc4, pc6, s6a};
use proselink::message::{Envelope, HEADER_LENGTH, Header, json};

#[test]
fn every_case_holds() {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| value != "0");
    let record = set("RECORD_CAPTURES");
    if record {
        failures::record(typed);
    }
    let update = record || set("UPDATE_CAPTURES");
    let (cases, errors) = case::cases();
    let mut complaints: Vec<String> = errors;
    for case in &cases {
        let mut told = Vec::new();
        if let Err(reason) = judge(case, update, &mut told) {
            told.push(reason);
        }
        complaints.extend(told.into_iter().map(|reason| format!("{}: {reason}", case.name)));
    }
    let few = complaints.len();
    assert!(complaints.is_empty(), "{few} complaints about {} cases:\n\n{}\n", cases.len(), complaints.join("\n\n"));
    assert!(cases.len() >= 20, "only {} cases were found", cases.len());
    println!("{} cases hold", cases.len());
}

fn judge(case: &Case, update: bool, told: &mut Vec<String>) -> Result<(), String> {
    files(case, told);
    made_from_its_source(case, update, told)?;
    held(case, update, told)?;
    let octets = fs::read(case.folder.join(INPUT)).map_err(|error| format!("{INPUT}: {error}"))?;
    let mut faults = Vec::new();
    let mut reader = Reader::from_bytes(&octets);
    let mut count = 0;
    while let Some(message) = reader.next_message().map_err(|error| format!("{INPUT}: {error}"))? {
        count += 1;
        if let Err(reason) = comes_back(&message) {
            told.push(format!("frame {}, message {}: {reason}", message.frame, message.index + 1));
        }
        match typed(&message) {
            Ok(found) => faults.extend(found),
            Err(reason) => told.push(format!("frame {}, message {}: {reason}", message.frame, message.index + 1)),
        }
    }
    if count == 0 {
        told.push(format!("{INPUT} has no message"));
    }
    if faults != case.about.faults {
        told.push(format!(
            "the typed decode finds other faults\n  expected {:?}\n  found    {faults:?}",
            case.about.faults
        ));
    }
    Ok(())
}

/// A folder has what it must have, and nothing that nobody looks at.
fn files(case: &Case, told: &mut Vec<String>) {
    let about = &case.about;
    let recorded = about.origin != Origin::Hand;
    if recorded != about.recorded.is_some() {
        told.push("`recorded` says how a capture of the demo was made; a hand-written case has none".to_owned());
    }
    if about.story.trim().is_empty() || about.role.trim().is_empty() || about.clauses.is_empty() {
        told.push("`story`, `role` and `clauses` are to be filled".to_owned());
    }
    let known: &[&str] = if recorded { &[INPUT, MESSAGES, case::CASE] } else { &[INPUT, MESSAGES, case::CASE, SOURCE] };
    for entry in fs::read_dir(&case.folder).expect("the folder was just read").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !known.contains(&name.as_str()) {
            told.push(format!("{name} is no file of a case: {}", known.join(", ")));
        }
    }
}

fn made_from_its_source(case: &Case, update: bool, told: &mut Vec<String>) -> Result<(), String> {
    if case.about.origin != Origin::Hand {
        return Ok(());
    }
    let text = fs::read_to_string(case.folder.join(SOURCE)).map_err(|error| format!("{SOURCE}: {error}"))?;
    let made = source::capture(&text).map_err(|error| format!("{SOURCE}: {error}"))?;
    let input = case.folder.join(INPUT);
    if update {
        fs::write(input, made).map_err(|error| format!("{INPUT}: {error}"))
    } else {
        let found = fs::read(input).map_err(|error| format!("{INPUT}: {error}"))?;
        if let Some(at) = found.iter().zip(&made).position(|(a, b)| a != b).or((found.len() != made.len()).then_some(0))
        {
            told.push(format!("{INPUT} is not what {SOURCE} makes, from octet {at} on; UPDATE_CAPTURES=1 writes it"));
        }
        Ok(())
    }
}

/// What `proselink case run --exact` judges: golden messages letter by letter, findings, verdict, faults.
fn held(case: &Case, update: bool, told: &mut Vec<String>) -> Result<(), String> {
    let held = Held::read(&case.folder.join(INPUT), INPUT)?;
    if update {
        fs::write(case.folder.join(MESSAGES), &held.messages).map_err(|error| format!("{MESSAGES}: {error}"))?;
    }
    told.extend(case::judge(case, &held, Strict { exact: true, other: false }));
    Ok(())
}

/// Decoded and encoded again, a message has the same octets: AVP by AVP, and by way of its JSON.
fn comes_back(message: &CapturedMessage<'_>) -> Result<(), String> {
    let octets = message.bytes;
    let mut again = octets[..HEADER_LENGTH].to_vec();
    let mut walk = Avps::new(&octets[HEADER_LENGTH..]);
    let mut rest = walk.rest();
    while let Some(Ok(avp)) = walk.next() {
        let before = again.len();
        dictionary::write_raw(avp.key, avp.flags, avp.data, &mut again);
        again.truncate(before + avp.length());
        again.extend_from_slice(avp.padding());
        rest = walk.rest();
    }
    again.extend_from_slice(rest);
    if again != octets {
        return Err("encoded again, AVP by AVP, it has other octets".to_owned());
    }
    let text = json::message_to_json(octets).ok_or("no header")?;
    let value = serde_json::from_str(&text).map_err(|error| format!("its JSON does not parse: {error}"))?;
    let again = json::message_from_json(&value, &|_, _| None).map_err(|error| format!("its JSON: {error}"))?;
    if again != octets { Err("its JSON makes other octets".to_owned()) } else { Ok(()) }
}

/// The faults of a known command that its typed decode does not accept; what it does accept must come back as it was.
/// Error answers follow no command's grammar.
fn typed(message: &CapturedMessage<'_>) -> Result<Option<Faults>, String> {
    let header = Header::parse(message.bytes).ok_or("no header")?;
    if header.flags.is_error() || interfaces::command_of(&header).is_none() {
        return Ok(None);
    }
    match retell(message.bytes, &header) {
        Ok(true) => Ok(None),
        Ok(false) => Err("its typed command, encoded again, is another message".to_owned()),
        Err(faults) => {
            let result_codes = faults.iter().map(Fault::result_code).collect();
            Ok(Some(Faults { frame: message.frame, index: message.index.into(), result_codes }))
        }
    }
}

/// Decodes a message into its struct, encodes that, and decodes again: true when nothing was lost. AVPs may change places
/// on the way, into the order of the grammar.
fn retell(octets: &[u8], header: &Header) -> Result<bool, Vec<Fault>> {
    /// Through the enum of one interface, whose messages have one encode.
    macro_rules! through {
        ($($interface:ident)::+) => {{
            let first = $($interface)::+::Message::decode(octets)?;
            let mut again = Vec::new();
            first.encode(envelope(header), &mut again);
            again.len() == octets.len() && $($interface)::+::Message::decode(&again)? == first
        }};
    }
    Ok(match header.application {
        pc2::APPLICATION | pc2::APPLICATION_FIRST => through!(pc2),
        pc3::APPLICATION => through!(pc3),
        pc4::hss::APPLICATION => through!(pc4::hss),
        pc4::mme::APPLICATION => through!(pc4::mme),
        pc4::function::APPLICATION => through!(pc4::function),
        pc6::APPLICATION => through!(pc6),
        s6a::APPLICATION => through!(s6a),
        _ => through!(base),
    })
}

const fn envelope(header: &Header) -> Envelope {
    Envelope { application: header.application, hop_by_hop: header.hop_by_hop, end_to_end: header.end_to_end }
}
