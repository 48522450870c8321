//! A case folder: what its `case.toml` says, where its files are, and the walk that finds all of them.
//! `captures/README.md` is the guide to ours, `docs/cases.md` to a lab's own.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::diff::Rules;

/// The capture in a folder; `case new` may find other formats, see [`INPUTS`].
pub const INPUT: &str = "input.pcapng";
/// The names a capture may have in a folder; the first that is there is taken.
pub const INPUTS: [&str; 4] = [INPUT, "input.pcap", "input.pcapng.gz", "input.pcap.gz"];
/// The golden file: what `decode --json` prints of the capture.
pub const MESSAGES: &str = "messages.jsonl";
/// What the capture of a hand-written case of ours is made from.
pub const SOURCE: &str = "source.json";
/// What the case is about.
pub const CASE: &str = "case.toml";

/// Folders are walked to this depth.
const DEPTH_LIMIT: usize = 16;

/// A case.
#[derive(Debug)]
pub struct Case {
    /// Where it lies.
    pub folder: PathBuf,
    /// The path from the folder that was searched, e.g. `<interface>/<name>`.
    pub name: String,
    /// The name of its capture, one of [`INPUTS`].
    pub input: &'static str,
    /// What it says.
    pub about: About,
}

/// `case.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// What happens, as one would tell it to a colleague.
    pub story: String,
    /// Who of the two sides the case is of use to.
    pub role: String,
    /// Clauses that the messages are built by.
    #[serde(default)]
    pub clauses: Vec<String>,
    /// Requirements of the registration procedure that the case shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<String>,
    /// Where the capture comes from.
    pub origin: Origin,
    /// How a capture that is no hand's work was recorded and cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    /// What `verify` says.
    pub verdict: Verdict,
    /// Frames that tshark complains about, rightly, beyond what its dictionary lacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tshark_complains: Vec<u64>,
    /// What counts when another conversation is compared with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// Who takes part; judged where it is stated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// All findings of `verify`, notes included, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Messages of known commands whose typed decode fails, and the Result-Codes of their faults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Faults>,
}

/// Where a capture comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Recorded from `proselink demo`; the capture stays as it is.
    Demo,
    /// Written by hand; the capture follows from `source.json`.
    Hand,
    /// Recorded in a lab, by `proselink case new`.
    Lab,
}

/// What `verify` says of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Exit code 0.
    Good,
    /// Exit code 1.
    NotGood,
}

impl Verdict {
    /// The word in `case.toml`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::NotGood => "not-good",
        }
    }
}

/// A node that takes part.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its Origin-Host, or its address when it never says one.
    pub host: String,
    /// Its Origin-Realm; empty when it never says one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub realm: String,
    /// Whether it opens associations, is opened to, or both.
    pub side: Side,
    /// Requests it sends.
    #[serde(default)]
    pub requests: u64,
    /// Answers it sends.
    #[serde(default)]
    pub answers: u64,
}

/// Who begins an association: whoever sends the CER, or speaks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// It begins.
    Client,
    /// The other begins.
    Server,
    /// Now the one, now the other.
    Both,
}

/// A finding as a case expects it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What kind.
    pub id: String,
    /// The frame, from 1.
    pub frame: u64,
    /// Its place within the frame, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub index: u64,
    /// Requirement or clause.
    pub requirement: String,
    /// The AVP; empty when none is meant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub avp: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl fmt::Display for Finding {
    /// As `case.toml` wants it, to be copied from what a failed run says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, frame, index, requirement, avp } = self;
        write!(f, "[[findings]]\nid = {id:?}\nframe = {frame}\n")?;
        if *index > 0 {
            writeln!(f, "index = {index}")?;
        }
        writeln!(f, "requirement = {requirement:?}")?;
        if avp.is_empty() { Ok(()) } else { writeln!(f, "avp = {avp:?}") }
    }
}

/// The faults of one message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// The frame, from 1.
    pub frame: u64,
    /// Its place within the frame, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub index: u64,
    /// What a receiver answers, a fault each.
    pub result_codes: Vec<u32>,
}

/// Every case below a folder, or the folder itself when it is one, in the order of their names.
///
/// # Errors
/// Beside the cases: each folder that is not as it should be, in a sentence.
#[must_use]
pub fn cases(root: &Path) -> (Vec<Case>, Vec<String>) {
    let (mut cases, mut errors) = (Vec::new(), Vec::new());
    walk(root, String::new(), 0, &mut cases, &mut errors);
    (cases, errors)
}

fn walk(folder: &Path, name: String, depth: usize, cases: &mut Vec<Case>, errors: &mut Vec<String>) {
    let told = if name.is_empty() { folder.display().to_string() } else { name.clone() };
    if folder.join(CASE).is_file() {
        let last = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = if name.is_empty() { last.unwrap_or(told) } else { name };
        match load(folder, name) {
            Ok(case) => cases.push(case),
            Err(error) => errors.push(error),
        }
        return;
    }
    if depth > DEPTH_LIMIT {
        errors.push(format!("{told}: folders are nested deeper than {DEPTH_LIMIT}"));
        return;
    }
    let within = match folders(folder) {
        Ok(within) => within,
        Err(error) => {
            errors.push(format!("{told}: {error}"));
            return;
        }
    };
    if within.is_empty() {
        errors.push(format!("{told}: neither {CASE} nor another folder is in it"));
    }
    for (path, last) in within {
        let name = if name.is_empty() { last } else { format!("{name}/{last}") };
        walk(&path, name, depth + 1, cases, errors);
    }
}

/// The folders in a folder, sorted; links are not followed, so that no walk is endless.
fn folders(parent: &Path) -> std::io::Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && !name.starts_with('.') {
            found.push((entry.path(), name));
        }
    }
    found.sort();
    Ok(found)
}

/// Reads one folder; `name` is how it is called.
///
/// # Errors
/// What is wrong with `case.toml`, or that there is no capture.
pub fn load(folder: &Path, name: String) -> Result<Case, String> {
    let text = fs::read_to_string(folder.join(CASE)).map_err(|error| format!("{name}/{CASE}: {error}"))?;
    let about: About = toml::from_str(&text).map_err(|error| format!("{name}/{CASE}: {error}"))?;
    if let Some(rules) = &about.rules {
        rules.judge().map_err(|error| format!("{name}/{CASE}: rules: {error}"))?;
    }
    let there = INPUTS.into_iter().find(|input| folder.join(input).is_file());
    // The capture of a hand-written case may have to be made yet.
    let input = there.or((about.origin == Origin::Hand).then_some(INPUT));
    let input = input.ok_or_else(|| format!("{name}: there is no capture, expected {}", INPUTS.join(" or ")))?;
    Ok(Case { folder: folder.to_owned(), name, input, about })
}

/// The first line that differs, with its number, in words for people; `None` when there is none.
#[must_use]
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
