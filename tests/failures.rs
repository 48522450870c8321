//! The failure tour: every row of the procedure's failure table on the wire, judged from the capture.

#![cfg(feature = "net")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use proselink::capture::Reader;
use proselink::message::Header;
use serde_json::Value;

/// Where and which: the rows of the table, taken apart where a row has several cases.
const TABLE: [(&str, usize); 7] = [
    ("MME", 2),
    ("function on 5", 2),
    ("app server on 1", 6),
    ("function on 2", 5),
    ("function on G1", 3),
    ("app server on U1", 2),
    ("any", 7),
];

fn tour(folder: &Path, arguments: &[&str]) -> Output {
    support::proselink()
        .args(["demo", "--failures"])
        .args(support::port_arguments())
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn failures_every_row_of_the_table_happens_on_the_wire_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let output = tour(folder.path(), &["--json"]);
    let told = String::from_utf8(output.stdout).unwrap();
    let summary: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
    let rows = summary["rows"].as_array().unwrap();
    for row in rows {
        assert_eq!(row["good"], true, "{row:#}");
        assert_eq!(texts(&row["came"]), texts(&row["expected"]), "{}", row["row"]);
    }
    assert!(output.status.success() && summary["good"] == true, "{told}");
    for (place, cases) in TABLE {
        assert_eq!(rows.iter().filter(|row| row["place"] == place).count(), cases, "{place}");
    }
    let all: usize = TABLE.iter().map(|(_, cases)| cases).sum();
    assert_eq!(rows.len(), all);

    // verify, as a user runs it, names what the rows broke, in the frames of the rows, and nothing else.
    let verdict = support::proselink()
        .args(["verify", "--json", "demo.pcapng"])
        .current_dir(folder.path())
        .output()
        .expect("the binary runs");
    assert_eq!(verdict.status.code(), Some(1));
    let found: Vec<Value> = String::from_utf8(verdict.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["type"] == "finding")
        .collect();
    let claimed: Vec<_> = rows.iter().flat_map(|row| row["findings"].as_array().unwrap()).collect();
    assert_eq!(found.len(), claimed.len());
    for (found, claimed) in found.iter().zip(claimed) {
        for key in ["frame", "requirement", "avp", "id"] {
            assert_eq!(found[key], claimed[key], "{found:#}");
        }
    }

    // Where the table wants silence the capture has none of it: no message 5 of the MME, no message 2 of the app server.
    let silent = |name: &str, application: u32, code: u32, source: [u8; 4]| {
        let row = rows.iter().find(|row| row["row"] == name).unwrap_or_else(|| panic!("no row {name}"));
        let frames = row["first_frame"].as_u64().unwrap()..=row["last_frame"].as_u64().unwrap();
        let mut reader = Reader::open(folder.path().join("demo.pcapng")).unwrap();
        let mut seen = 0;
        while let Some(message) = reader.next_message().unwrap() {
            if !frames.contains(&message.frame) {
                continue;
            }
            seen += 1;
            let header = Header::parse(message.bytes).unwrap();
            let is_it = header.is_request() && (header.application, header.code) == (application, code);
            assert!(
                !(is_it && message.source.ip() == std::net::IpAddr::from(source)),
                "{name}: frame {}",
                message.frame
            );
        }
        assert!(seen >= 4, "{name}: {seen} messages");
    };
    const MESSAGE_5: (u32, u32) = (4_278_190_084, 16_777_214);
    const MESSAGE_2: (u32, u32) = (16_777_350, 8_388_727);
    for name in ["mme-not-capable", "mme-not-subscribed"] {
        silent(name, MESSAGE_5.0, MESSAGE_5.1, [127, 0, 0, 12]);
    }
    for name in [
        "app-server-bad-credential",
        "app-server-id3-malformed",
        "app-server-id3-outside-realms",
        "app-server-id3-outside-addresses",
    ] {
        silent(name, MESSAGE_2.0, MESSAGE_2.1, [127, 0, 0, 15]);
    }
}

#[test]
fn failures_a_row_is_told_with_its_ladder_and_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let output = tour(folder.path(), &["--row", "app-server-bad-credential"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    for part in [
        "app server on 1: bad credential",
        "1 URR PC3",
        "<------------------------4 URA PC3-------------------------|",
        "expected  a refused message 4, no ID2, no message 2",
        "came      app-server > ue: 4 4001 BAD_CREDENTIAL; 8 messages in all",
        "verdict   as it should be, and nothing else crossed",
        "1 of 1 rows went as the failure table says.",
    ] {
        assert!(told.contains(part), "{part} is missing:\n{told}");
    }
    assert!(!told.contains("2 XAR") && told.lines().all(|line| line.chars().count() < 200), "{told}");
    assert!(folder.path().join("demo.pcapng").exists());
}

#[test]
fn failures_what_is_no_row_is_refused_with_the_names_of_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let output = tour(folder.path(), &["--row", "nothing"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("there is no row nothing; the rows are mme-not-capable, mme-not-subscribed"), "{told}");
    let names: BTreeSet<_> = told.split(", ").collect();
    assert!(names.len() > 27, "{told}");
}

/// Requirements that cross the wire and that no row of the table shows, each a row of its own.
#[test]
fn f_1_f_5_f_6_ue_3_rows_beyond_the_table_go_as_they_should() {
    let folder = tempfile::tempdir().unwrap();
    for row in ["f-1-renewed", "f-5-repeated", "f-5-replaced", "f-6-bind-during-a-move", "ue-3-id3-as-an-address"] {
        let output = tour(folder.path(), &["--row", row]);
        assert!(output.status.success(), "{row}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
