//! A case folder: what its `case.toml` says, and where its files are. `captures/README.md` is the guide.

#![allow(dead_code, reason = "each test reads the part of a case that it judges")]

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The name of the capture in every folder.
pub const INPUT: &str = "input.pcapng";
/// The golden file: what `decode --json input.pcapng` prints.
pub const MESSAGES: &str = "messages.jsonl";
/// What `input.pcapng` of a hand-written case is made from.
pub const SOURCE: &str = "source.json";
/// What the case is about.
pub const CASE: &str = "case.toml";

/// A case of `captures/<interface>/<name>/`.
#[derive(Debug)]
pub struct Case {
    pub folder: PathBuf,
    /// `<interface>/<name>`.
    pub name: String,
    pub about: About,
}

/// `case.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// What happens, as one would tell it to a colleague.
    pub story: String,
    /// Who of the two sides the case is of use to.
    pub role: String,
    /// Clauses that the messages are built by.
    pub clauses: Vec<String>,
    /// Requirements of the registration procedure that the case shows.
    #[serde(default)]
    pub requirements: Vec<String>,
    pub origin: Origin,
    /// How a capture of the demo was recorded and cut.
    pub recorded: Option<String>,
    pub verdict: Verdict,
    /// All findings of `verify`, notes included, in its order.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Messages of known commands whose typed decode fails, and the Result-Codes of their faults.
    #[serde(default)]
    pub faults: Vec<Faults>,
    /// Frames that tshark complains about, rightly, beyond what its dictionary lacks.
    #[serde(default)]
    pub tshark_complains: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Recorded from `proselink demo`; `input.pcapng` stays as it is.
    Demo,
    /// Written by hand; `input.pcapng` follows from `source.json`.
    Hand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Good,
    NotGood,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub id: String,
    pub frame: u64,
    #[serde(default)]
    pub index: u64,
    pub requirement: String,
    #[serde(default)]
    pub avp: String,
}

impl std::fmt::Display for Finding {
    /// As `case.toml` wants it, to be copied from a failed test.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, frame, index, requirement, avp } = self;
        write!(f, "[[findings]]\nid = {id:?}\nframe = {frame}\n")?;
        if *index > 0 {
            writeln!(f, "index = {index}")?;
        }
        writeln!(f, "requirement = {requirement:?}")?;
        if avp.is_empty() { Ok(()) } else { writeln!(f, "avp = {avp:?}") }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    pub frame: u64,
    #[serde(default)]
    pub index: u64,
    pub result_codes: Vec<u32>,
}

/// Every case, in the order of their names.
///
/// # Errors
/// Each folder that is not as it should be, in a sentence.
pub fn cases() -> (Vec<Case>, Vec<String>) {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut cases = Vec::new();
    let mut errors = Vec::new();
    for interface in folders(&captures) {
        for folder in folders(&interface) {
            match load(folder) {
                Ok(case) => cases.push(case),
                Err(error) => errors.push(error),
            }
        }
    }
    (cases, errors)
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(parent)
        .unwrap_or_else(|error| panic!("{}: {error}", parent.display()))
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn load(folder: PathBuf) -> Result<Case, String> {
    let part = |path: Option<&Path>| {
        path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let name = format!("{}/{}", part(folder.parent()), part(Some(&folder)));
    let text = fs::read_to_string(folder.join(CASE)).map_err(|error| format!("{name}/{CASE}: {error}"))?;
    let about: About = toml::from_str(&text).map_err(|error| format!("{name}/{CASE}: {error}"))?;
    Ok(Case { folder, name, about })
}

/// The first line that differs, with its number, in words for people; `None` when there is none.
pub fn first_difference(expected: &str, found: &str) -> Option<String> {
    let (mut wanted, mut had) = (expected.lines(), found.lines());
    for number in 1.. {
        match (wanted.next(), had.next()) {
            (None, None) => break,
            (wanted, had) if wanted == had => {}
            (wanted, had) => {
                let none = "(no such line)";
                let (wanted, had) = (wanted.unwrap_or(none), had.unwrap_or(none));
                let same = wanted.char_indices().zip(had.chars()).take_while(|((_, a), b)| a == b);
                let at = same.last().map_or(0, |((at, _), _)| at);
                let around = |line: &str| {
                    let from = line.char_indices().map(|(at, _)| at).take_while(|from| *from + 60 <= at).last();
                    line.get(from.unwrap_or(0)..).unwrap_or_default().chars().take(160).collect::<String>()
                };
                return Some(format!(
                    "line {number}:\n    expected ... {}\n    found    ... {}",
                    around(wanted),
                    around(had)
                ));
            }
        }
    }
    None
}
