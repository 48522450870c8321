//! The cases under `captures/failures/`: the failure tour plays each row by itself, and what it tells of the row becomes
//! `case.toml`. A person reads the diff.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use proselink::capture::{CapturedMessage, Reader};
use serde_json::Value;

use super::case::{CASE, Faults, Finding, INPUT};

/// Rows that are no rows of the failure table.
const BEYOND: [&str; 5] =
    ["f-1-renewed", "f-5-repeated", "f-5-replaced", "f-6-bind-during-a-move", "ue-3-id3-as-an-address"];

fn tour(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_proselink"))
        .args(["demo", "--failures", "--json"])
        .args(arguments)
        .output()
        .expect("the binary runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{arguments:?}: {told}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&told).expect("JSON")
}

/// Plays every row, each into a folder of its own.
pub fn record(typed: impl Fn(&CapturedMessage<'_>) -> Result<Option<Faults>, String>) {
    let scratch = tempfile::tempdir().expect("a folder");
    let all = tour(&["-w", &scratch.path().join("all.pcapng").to_string_lossy()]);
    let names = all["rows"].as_array().into_iter().flatten().filter_map(|row| row["row"].as_str());
    for name in names.chain(BEYOND) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/failures").join(name);
        fs::create_dir_all(&folder).expect("the folder can be made");
        let input = folder.join(INPUT);
        let told = tour(&["--row", name, "-w", &input.to_string_lossy()]);
        let about = describe(name, &told["rows"][0], faults(&input, &typed));
        fs::write(folder.join(CASE), about).expect("the case can be written");
    }
}

fn faults(input: &Path, typed: &impl Fn(&CapturedMessage<'_>) -> Result<Option<Faults>, String>) -> Vec<Faults> {
    let mut reader = Reader::open(input).expect("the capture was just written");
    let mut faults = Vec::new();
    while let Some(message) = reader.next_message().expect("the capture is sound") {
        faults.extend(typed(&message).ok().flatten());
    }
    faults
}

fn describe(name: &str, row: &Value, faults: Vec<Faults>) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings: Vec<_> = row["findings"].as_array().cloned().unwrap_or_default();
    let mut about = format!("story = \"\"\"\n{}\n", wrap(&text(&row["story"])));
    let _ = writeln!(about, "{}\n\"\"\"", wrap(&format!("Answer: {}.", text(&row["answer"]))));
    let _ = writeln!(about, "role = {:?}", text(&row["place"]));
    let _ = writeln!(
        about,
        "clauses = [{:?}]",
        format!("registration procedure, {}: {}", text(&row["place"]), text(&row["case"]))
    );
    let _ = writeln!(about, "requirements = {}", row["requirements"]);
    let _ = writeln!(about, "origin = \"demo\"");
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(about, "recorded = \"`proselink demo --failures --row {name} -w input.pcapng` of {version}\"");
    let _ = writeln!(about, "verdict = {:?}", if findings.is_empty() { "good" } else { "not-good" });
    for finding in &findings {
        let number = |key: &str| finding[key].as_u64().unwrap_or_default();
        let finding = Finding {
            id: text(&finding["id"]),
            frame: number("frame"),
            index: number("index"),
            requirement: text(&finding["requirement"]),
            avp: text(&finding["avp"]),
        };
        let _ = write!(about, "\n{finding}");
    }
    for fault in faults {
        let _ = writeln!(about, "\n[[faults]]\nframe = {}\nresult_codes = {:?}", fault.frame, fault.result_codes);
    }
    about
}

/// Lines of at most 120 columns.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let long = lines.last().is_some_and(|line| line.len() + 1 + word.len() > 120);
        if long {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}
