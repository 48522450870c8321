//! `proselink case`: a lab's captures as its regression tests.

#![cfg(feature = "net")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn proselink(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proselink")).args(arguments).output().expect("the binary runs")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name)
}

fn word(path: &Path) -> &str {
    path.to_str().expect("a path")
}

#[test]
fn our_own_cases_hold_by_the_command_as_well() {
    let output = proselink(&["case", "run", "--json", "--exact", word(&ours(""))]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let told = text(&output.stdout);
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("NDJSON")).collect();
    let (summary, cases) = lines.split_last().expect("a summary");
    assert_eq!(summary["type"], "summary");
    assert_eq!(summary["hold"], Value::from(cases.len()));
    assert!(cases.len() >= 20);
    assert!(cases.iter().any(|case| case["name"] == "s6a/update-location"), "{told}");
}

/// Record, make a case, break the network, see it, mend it.
#[test]
fn the_life_of_a_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let capture = ours("s6a/update-location/input.pcapng");
    let cases = folder.path().join("cases");
    let case = cases.join("attach");
    let output = proselink(&["case", "new", word(&capture), "-o", word(&case), "--story", "A UE attaches."]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("verdict good"), "{}", text(&output.stdout));
    let about = fs::read_to_string(case.join("case.toml")).expect("case.toml");
    for expected in [
        "story = \"A UE attaches.\"",
        "origin = \"lab\"",
        "verdict = \"good\"",
        "[rules]",
        "[[roles]]\nhost = \"mme.epc.mnc001.mcc001.3gppnetwork.org\"",
        "side = \"client\"",
        "side = \"server\"",
    ] {
        assert!(about.contains(expected), "{expected} in\n{about}");
    }
    // It is not written over by accident.
    let output = proselink(&["case", "new", word(&capture), "-o", word(&case)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--force"));

    let output = proselink(&["case", "run", word(&cases)]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "1 of 1 cases hold\n"));
    // The same conversation, with pseudonyms: another subscriber is another conversation.
    let fresh = folder.path().join("fresh.pcapng");
    let key = "a key for the tests of the project";
    let output = proselink(&["anonymize", word(&capture), word(&fresh), "--key", key]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let output = proselink(&["case", "run", word(&case), "--capture", word(&fresh)]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("- User-Name: 001010000000007\n+ User-Name: 00101"), "{told}");
    assert!(!told.contains("Host-IP-Address"), "the built-in rules leave addresses out: {told}");
    // What differs is right: it becomes what is expected.
    let output = proselink(&["case", "run", "--update", word(&case), "--capture", word(&fresh)]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("1 of them written anew"), "{}", text(&output.stdout));
    assert_eq!(fs::read(case.join("input.pcapng")).expect("a file"), fs::read(&fresh).expect("a file"));
    assert_eq!(proselink(&["case", "run", word(&cases)]).status.code(), Some(0));
    let about = fs::read_to_string(case.join("case.toml")).expect("case.toml");
    assert!(about.starts_with("story = \"A UE attaches.\""), "what people wrote stays: {about}");
}

#[test]
fn a_golden_file_that_says_something_else_is_shown_as_a_patch() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = folder.path().join("attach");
    let output = proselink(&["case", "new", word(&ours("s6a/update-location/input.pcapng")), "-o", word(&case)]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let golden = case.join("messages.jsonl");
    let kept = fs::read_to_string(&golden).expect("golden messages");
    // A name that the dictionary gives differently is no difference in meaning, unless asked for.
    fs::write(&golden, kept.replace("\"name\":\"User-Name\"", "\"name\":\"Username\"")).expect("a file");
    assert_eq!(proselink(&["case", "run", word(&case)]).status.code(), Some(0));
    assert_eq!(proselink(&["case", "run", "--exact", word(&case)]).status.code(), Some(1));
    fs::write(&golden, kept.replace("001010000000007", "001010000000008")).expect("a file");
    let output = proselink(&["case", "run", word(&case)]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("- User-Name: 001010000000008\n+ User-Name: 001010000000007"), "{told}");
    assert!(told.contains("0 of 1 cases hold"), "{told}");
    // And back again, by the command.
    assert_eq!(proselink(&["case", "run", "--update", word(&case)]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&golden).expect("golden messages"), kept);
}

#[test]
fn findings_and_a_verdict_that_is_not_good_are_part_of_a_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = folder.path().join("unanswered");
    let output =
        proselink(&["case", "new", word(&ours("pc4a/request-without-answer/input.pcapng")), "-o", word(&case)]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let about = fs::read_to_string(case.join("case.toml")).expect("case.toml");
    assert!(about.contains("verdict = \"not-good\"") && about.contains("[[findings]]"), "{about}");
    assert_eq!(proselink(&["case", "run", word(&case)]).status.code(), Some(0));
    fs::write(case.join("case.toml"), about.replace("verdict = \"not-good\"", "verdict = \"good\"")).expect("a file");
    let output = proselink(&["case", "run", word(&case)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("verify says not-good, expected good"), "{}", text(&output.stdout));
    assert_eq!(proselink(&["case", "run", "--update", word(&case)]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(case.join("case.toml")).expect("case.toml"), about);
}

#[test]
fn folders_that_are_no_cases_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("a/b");
    fs::create_dir_all(&empty).expect("a folder");
    let output = proselink(&["case", "run", word(folder.path())]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("a/b: neither case.toml nor another folder"), "{}", text(&output.stderr));
    fs::write(empty.join("case.toml"), "story = \"x\"\nrole = \"y\"\norigin = \"lab\"\nverdict = \"good\"\nwhat = 1\n")
        .expect("a file");
    let output = proselink(&["case", "run", word(folder.path())]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("unknown field `what`"), "{}", text(&output.stderr));
    let output = proselink(&["case", "run", word(&ours("s6a")), word(&ours("pc6")), "--capture", "x.pcap"]);
    assert_eq!(output.status.code(), Some(2), "one capture is one case's");
    let output = proselink(&["case", "new", "nowhere.pcapng", "-o", word(&folder.path().join("new"))]);
    assert_eq!(output.status.code(), Some(3));
}

/// The guide stays true: its commands are run, in their order, as a user would. Two registrations of the demo, with new
/// identifiers each, are the same conversation.
#[test]
fn every_command_of_the_guide_succeeds() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut inside, mut run) = (false, 0);
    for line in include_str!("../docs/cases.md").lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ => {}
        }
        let Some(command) = line.strip_prefix("$ proselink ").filter(|_| inside) else { continue };
        let output = Command::new("sh")
            .args(["-c", &format!("\"{}\" {command}", env!("CARGO_BIN_EXE_proselink"))])
            .current_dir(folder.path())
            .output()
            .expect("a shell");
        let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "`{command}`: {told}");
        run += 1;
    }
    assert!(run >= 6, "{run} commands");
}
