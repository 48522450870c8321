//! Every message of every capture beside the project, those with unknown or broken content among them: decoded and
//! encoded again it has the same octets, by way of the borrowed walk and by way of JSON.
//!
//! The captures are not the project's (`../shared/captures`, or `$PROSELINK_SHARED/captures`); without them the test is
//! skipped.

use std::path::PathBuf;

use proselink::avp::{Avps, dictionary};
use proselink::capture::Reader;
use proselink::message::{CommandFlags, HEADER_LENGTH, json};

fn captures() -> Option<Vec<PathBuf>> {
    let shared = std::env::var_os("PROSELINK_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(folder) = std::fs::read_dir(shared.join("captures")) else {
        println!("skipped: {} is not there", shared.join("captures").display());
        return None;
    };
    let mut files: Vec<_> = folder
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "jsonl" && extension != "md"))
        .collect();
    files.sort();
    Some(files)
}

/// Walks a message and writes each AVP anew from its parts.
fn rebuild(message: &[u8]) -> Vec<u8> {
    let mut out = message[..HEADER_LENGTH].to_vec();
    let mut walk = Avps::new(&message[HEADER_LENGTH..]);
    let mut rest = walk.rest();
    while let Some(Ok(avp)) = walk.next() {
        let before = out.len();
        dictionary::write_raw(avp.key, avp.flags, avp.data, &mut out);
        out.truncate(before + avp.length());
        out.extend_from_slice(avp.padding());
        rest = walk.rest();
    }
    out.extend_from_slice(rest);
    out
}

fn no_names(_: &str, _: Option<u32>) -> Option<(u32, u32, CommandFlags)> {
    None
}

#[test]
fn every_message_comes_back_octet_by_octet() {
    let Some(files) = captures() else { return };
    let mut messages = 0;
    for file in &files {
        let mut reader = Reader::open(file).expect("the file is there");
        // Damaged and foreign files give their messages first, then an error, which another test judges.
        while let Ok(Some(message)) = reader.next_message() {
            let at = format!("{} frame {}", file.display(), message.frame);
            assert_eq!(rebuild(message.bytes), message.bytes, "{at}");
            let text = json::message_to_json(message.bytes).expect("a message has a header");
            let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{at}: {error}: {text}"));
            let back = json::message_from_json(&value, &no_names).unwrap_or_else(|error| panic!("{at}: {error}"));
            assert_eq!(back, message.bytes, "{at}: {text}");
            messages += 1;
        }
    }
    assert!(messages > 1800, "{messages} messages in {} files", files.len());
    println!("{messages} messages of {} files came back", files.len());
}
