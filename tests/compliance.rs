//! `docs/compliance.md` keeps its word: every row of the registration procedure names tests that are there and cases that
//! are there, and no paragraph, requirement or row of the failure table is left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const PAPER: &str = "docs/compliance.md";

fn read(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// The rows of the table under a heading, their cells trimmed.
fn table(paper: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, rest) = paper.split_once(&format!("### {heading}\n")).unwrap_or_else(|| panic!("{PAPER}: no {heading}"));
    rest.lines()
        .skip_while(|line| !line.starts_with("|--"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The `path::function` that stand between backticks.
fn tests(text: &str) -> Vec<(&str, &str)> {
    text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once(".rs::")).collect()
}

/// The folders that are linked to.
fn cases(text: &str) -> Vec<&str> {
    text.split("](../captures/").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

#[test]
fn every_test_and_case_that_the_paper_names_is_there() {
    let paper = read(PAPER).expect("the paper is there");
    let mut sources: BTreeMap<String, String> = BTreeMap::new();
    let mut complaints = Vec::new();
    let named = tests(&paper);
    for (file, function) in &named {
        let file = format!("{file}.rs");
        let source = sources.entry(file.clone()).or_insert_with(|| read(&file).unwrap_or_default());
        let (test, is) = match source.split_once(&format!("fn {function}(")) {
            Some((before, _)) => (before.lines().rev().take(4).any(|line| line.contains("test")), true),
            None => (false, false),
        };
        if !(test && is) {
            complaints.push(format!("{file}::{function} is no test"));
        }
    }
    let folders = cases(&paper);
    for folder in folders.iter().filter(|folder| !folder.ends_with(".md")) {
        if read(&format!("captures/{folder}/case.toml")).is_none() {
            complaints.push(format!("captures/{folder} is no case"));
        }
    }
    assert!(complaints.is_empty(), "{PAPER}:\n{}", complaints.join("\n"));
    assert!(named.len() > 100 && folders.len() > 100, "{} tests, {} cases", named.len(), folders.len());
}

#[test]
fn no_row_is_empty_and_none_is_left_out() {
    let paper = read(PAPER).expect("the paper is there");
    let tables =
        ["The patent, paragraph by paragraph", "Requirements", "Failures"].map(|heading| table(&paper, heading));
    for row in tables.iter().flatten() {
        let [first, second, test, case] = row.as_slice() else { panic!("{row:?} has other cells than four") };
        assert!(!second.is_empty() && !tests(test).is_empty() && !cases(case).is_empty(), "{first} is empty");
    }
    let [paragraphs, requirements, failures] = tables;

    let mut next = 5;
    for row in &paragraphs {
        let (from, to) = row[0].split_once('-').unwrap_or((&row[0], &row[0]));
        let [from, to] = [from, to].map(|number| number.parse::<u32>().unwrap_or_else(|_| panic!("{:?}", row[0])));
        assert!(from == next && to >= from, "{}: expected {next:04}", row[0]);
        next = to + 1;
    }
    assert_eq!(next, 73, "the text ends at 0072");

    let ids: Vec<_> = requirements.iter().map(|row| row[0].as_str()).collect();
    let counted = [("UE", 4), ("MME", 3), ("F", 6), ("AS", 6), ("F3", 1)];
    let all: Vec<_> =
        counted.iter().flat_map(|(party, count)| (1..=*count).map(move |at| format!("{party}-{at}"))).collect();
    assert_eq!(ids, all);
    for row in &requirements {
        let prefix = format!("{}_", row[0].to_ascii_lowercase().replace('-', "_"));
        let named = tests(&row[2]);
        assert!(named.iter().any(|(_, test)| test.contains(&prefix)), "{}: no test carries the id: {named:?}", row[0]);
    }

    // Each case that the failure tour has made is named, and shows the row that it is named for.
    let shown: Vec<_> = failures.iter().flat_map(|row| cases(&row[3])).map(str::to_owned).collect();
    let elsewhere = requirements.iter().flat_map(|row| cases(&row[3])).map(str::to_owned);
    let all: Vec<_> = shown.iter().cloned().chain(elsewhere).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/failures");
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        let name = format!("failures/{}", entry.file_name().to_string_lossy());
        assert!(all.contains(&name), "captures/{name} is named nowhere");
    }
    assert_eq!(failures.len(), 27);
}

#[test]
fn every_command_of_pc2_pc4a_and_pc6_has_a_row() {
    let paper = read(PAPER).expect("the paper is there");
    let tables = [
        ("TS 29.343, command by command", &["PXR/PXA", "XAR/XAA"][..]),
        ("TS 29.344, command by command", &["PIR/PIA", "UPR/UPA", "PNR/PNA", "RSR/RSA", "PSR/PSA"]),
        (
            "TS 29.345, command by command",
            &["PAR/PAA", "PDR/PDA", "PMR/PMA", "PIR/PIA", "PRR/PRA", "PLR/PLA", "ALR/ALA", "PCR/PCA"],
        ),
    ];
    for (heading, commands) in tables {
        let rows = table(&paper, heading);
        for row in &rows {
            let [first, second, test, case] = row.as_slice() else { panic!("{row:?} has other cells than four") };
            assert!(!second.is_empty() && !tests(test).is_empty() && !cases(case).is_empty(), "{first} is empty");
        }
        for command in commands {
            assert!(rows.iter().any(|row| row[0].starts_with(command)), "{heading}: {command} is left out");
        }
    }
}

/// All sources below a folder.
fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push_str(&fs::read_to_string(path).expect("a source"));
        }
    }
}

/// The other tables name tests without their files.
#[test]
fn no_row_is_empty_and_each_test_that_is_named_alone_is_there() {
    let paper = read(PAPER).expect("the paper is there");
    let mut all = String::new();
    for folder in ["src", "tests"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut all);
    }
    let (mut named, mut complaints) = (0, Vec::new());
    for (at, line) in paper.lines().enumerate().filter(|(_, line)| line.starts_with('|')) {
        if line.trim_matches('|').split('|').any(|cell| cell.trim().is_empty()) {
            complaints.push(format!("line {}: a cell is empty", at + 1));
        }
        // The names of tests are sentences; words of the specifications are shorter.
        for name in line.split('`').skip(1).step_by(2) {
            let is_name =
                name.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'_');
            if is_name && name.matches('_').count() >= 3 {
                named += 1;
                if !all.contains(&format!("fn {name}(")) {
                    complaints.push(format!("line {}: no test is called {name}", at + 1));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{PAPER}:\n{}", complaints.join("\n"));
    assert!(named > 30, "{named} tests are named alone");
}
