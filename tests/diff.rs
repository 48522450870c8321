//! `proselink diff` as people and scripts use it.

#![cfg(feature = "net")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const REGISTRATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/s6a/update-location");

fn proselink(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proselink")).args(arguments).output().expect("the binary runs")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// A case's messages, with one replaced by what `change` makes of it.
fn changed(folder: &Path, change: impl Fn(usize, &mut Value) -> bool) -> String {
    let golden = fs::read_to_string(Path::new(REGISTRATION).join("messages.jsonl")).expect("golden messages");
    let mut lines = Vec::new();
    for (at, line) in golden.lines().enumerate() {
        let mut message: Value = serde_json::from_str(line).expect("JSON");
        if change(at, &mut message) {
            lines.push(message.to_string());
        }
    }
    let path = folder.join("changed.jsonl");
    fs::write(&path, lines.join("\n")).expect("a file");
    path.to_string_lossy().into_owned()
}

fn input() -> String {
    Path::new(REGISTRATION).join("input.pcapng").to_string_lossy().into_owned()
}

/// The members of the first group of that name, at any depth.
fn avps<'v>(avps: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    let list = avps.as_array_mut()?;
    for avp in list {
        if avp["name"] == name {
            return Some(avp);
        }
        if avp.get("avps").is_some()
            && let Some(found) = self::avps(&mut avp["avps"], name)
        {
            return Some(found);
        }
    }
    None
}

#[test]
fn a_capture_and_its_messages_in_json_mean_the_same() {
    let golden = Path::new(REGISTRATION).join("messages.jsonl");
    let output = proselink(&["diff", &input(), &golden.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).starts_with("the same: "), "{}", text(&output.stdout));
}

#[test]
fn one_value_deep_inside_is_a_patch_and_an_object() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = changed(folder.path(), |_, message| {
        if let Some(avp) = avps(&mut message["avps"], "ProSe-Permission") {
            avp["value"] = 1.into();
        }
        true
    });
    let output = proselink(&["diff", &input(), &other]);
    assert_eq!(output.status.code(), Some(1));
    let patch = text(&output.stdout);
    assert!(patch.contains("Update-Location-Answer of S6a, session "), "{patch}");
    assert!(patch.contains("\n- Subscription-Data/"), "{patch}");
    assert!(patch.contains("ProSe-Permission: "), "{patch}");
    assert!(!patch.contains('\u{1b}'), "colour is for terminals: {patch}");
    assert!(text(&proselink(&["--color", "always", "diff", &input(), &other]).stdout).contains("\u{1b}["));

    let output = proselink(&["diff", "--json", &input(), &other]);
    let lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("NDJSON")).collect();
    let [difference, summary] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(difference["kind"], "changed");
    assert_eq!(difference["command"], "Update-Location-Answer");
    assert_eq!(difference["actual"]["value"], 1);
    assert_eq!((&summary["same"], &summary["differences"]), (&Value::from(false), &Value::from(1)));
    let path = difference["path"].as_str().expect("a path");

    let output = proselink(&["diff", &input(), &other, "--ignore", path]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn a_lost_message_and_its_answer_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = changed(folder.path(), |_, message| message["code"] != 316);
    let output = proselink(&["diff", &input(), &other]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("Update-Location-Request of S6a") && told.contains(" is missing"), "{told}");
    assert!(told.contains("; 2 missing"), "{told}");
    let output = proselink(&["diff", &other, &input()]);
    assert!(text(&output.stdout).contains("; 2 added"), "{}", text(&output.stdout));
    // What no filter accepts is not compared.
    let output = proselink(&["diff", "-Y", "diameter.cmd.code != 316", &input(), &other]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn rules_come_from_a_file_and_say_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = changed(folder.path(), |at, message| {
        if let Some(avp) = avps(&mut message["avps"], "Session-Id") {
            avp["value"] = "mme.other;1;1".into();
        }
        if let Some(avp) = avps(&mut message["avps"], "Origin-State-Id") {
            avp["value"] = (at as u64 + 1000).into();
        }
        true
    });
    assert_eq!(proselink(&["diff", "-q", &input(), &other]).status.code(), Some(1));
    assert_eq!(proselink(&["diff", "-q", "--renewed", &input(), &other]).status.code(), Some(0));
    let rules: PathBuf = folder.path().join("rules.toml");
    let write = |content: &str| fs::write(&rules, content).expect("a file");
    write("ignore = [\"Origin-State-Id\"]\n[normalise]\nids = [\"Session-Id\"]\n");
    let name = rules.to_string_lossy().into_owned();
    let output = proselink(&["diff", "--rules", &name, &input(), &other]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    write("ignore = [\"Origin-Stat-Id\"]\n");
    let output = proselink(&["diff", "--rules", &name, &input(), &other]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("rules.toml") && told.contains("no AVP is called `Origin-Stat-Id`"), "{told}");
}

#[test]
fn two_messages_in_hexadecimal() {
    let one = "0100001c8000011800000000000000010000000200000116400000080000";
    let one = &one[..56];
    let other = one.replace("00000116", "00000108");
    let output = proselink(&["diff", one, &other]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}{}", text(&output.stderr));
    assert!(told.contains("- Origin-State-Id: ") && told.contains("+ Origin-Host: "), "{told}");
}

#[test]
fn inputs_that_can_not_be_read_have_their_exit_codes() {
    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("bad.json");
    fs::write(&bad, "{\"avps\": [}").expect("a file");
    let bad = bad.to_string_lossy().into_owned();
    for (arguments, code, words) in [
        (vec!["diff", "-", "-"], 2, "read once"),
        (vec!["diff", "nowhere.pcap", &input()], 3, "nowhere.pcap"),
        (vec!["diff", &bad, &input()], 4, "bad.json:1:"),
        (vec!["diff", "--ignore", "Nobody", &bad, &bad], 2, "no AVP is called `Nobody`"),
        (vec!["diff", "-Y", "(", &bad, &bad], 2, "-Y: "),
    ] {
        let output = proselink(&arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}

#[test]
fn decode_reads_json_too() {
    let golden = Path::new(REGISTRATION).join("messages.jsonl");
    let output = proselink(&["decode", "--oneline", &golden.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("Update-Location-Answer"), "{}", text(&output.stdout));
}

#[test]
fn nothing_is_not_the_same_as_nothing() {
    let output = proselink(&["diff", "-Y", "diameter.cmd.code == 9999", &input(), &input()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("that the filter accepts"), "{}", text(&output.stderr));
}
