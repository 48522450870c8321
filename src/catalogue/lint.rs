//! What is wrong in one dictionary, and what two say differently.

use std::collections::HashMap;

use super::{Catalogue, Entry};
use crate::avp::Key;
use crate::avp::dictionary::Rule;
use crate::avp::format::Kind;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; both readings read the same octets.
    Note,
    /// Both can not be true.
    Error,
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing, for machines: `code`, `name`, `format`, `flags`, `value`, `member`.
    pub id: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The AVP that it is about, `NAME (VENDOR/CODE)`.
    pub at: String,
    /// What is wrong.
    pub text: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = if self.severity == Severity::Error { "error" } else { "note" };
        write!(f, "{severity}: {}: {}: {}", self.id, self.at, self.text)
    }
}

/// The AVPs of a catalogue by number and by name.
pub struct Known<'c> {
    by_key: HashMap<Key, &'c Entry>,
    by_name: HashMap<(u32, &'c str), &'c Entry>,
}

impl<'c> Known<'c> {
    /// Of two entries alike the first is known.
    #[must_use]
    pub fn new(catalogue: &'c Catalogue) -> Self {
        let mut known = Self { by_key: HashMap::new(), by_name: HashMap::new() };
        for entry in &catalogue.avps {
            known.add(entry);
        }
        known
    }

    fn add(&mut self, entry: &'c Entry) {
        self.by_key.entry(entry.key()).or_insert(entry);
        self.by_name.entry((entry.vendor, &entry.name)).or_insert(entry);
    }
}

fn place(entry: &Entry) -> String {
    format!("{} ({}/{})", entry.name, entry.vendor, entry.code)
}

/// Formats of one width and sign of reading can stand for one another; others read different things from the same octets.
const fn family(kind: Kind) -> u8 {
    match kind {
        Kind::Unsigned32 | Kind::Integer32 | Kind::Enumerated | Kind::Time => 0,
        Kind::Unsigned64 | Kind::Integer64 => 1,
        Kind::Float32 => 2,
        Kind::Float64 => 3,
        Kind::Grouped => 4,
        _ => 5,
    }
}

/// Letters and digits of a name: what different spellings have in common.
fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// What `new` says otherwise than what is known of its number and name.
fn compare(known: &Known<'_>, new: &Entry, out: &mut Vec<Finding>) {
    let mut say = |id, severity, text| out.push(Finding { id, severity, at: place(new), text });
    if let Some(old) = known.by_name.get(&(new.vendor, new.name.as_str()))
        && old.code != new.code
    {
        // 3GPP gives some names twice, in specifications that do not meet: User-Data of Cx and of Sh.
        let apart = old.defined_in != new.defined_in && !old.defined_in.is_empty() && !new.defined_in.is_empty();
        let severity = if apart { Severity::Note } else { Severity::Error };
        say("name", severity, format!("the name has code {} already", old.code));
    }
    let Some(old) = known.by_key.get(&new.key()) else { return };
    if old.name != new.name {
        let severity = if bare(&old.name) == bare(&new.name) { Severity::Note } else { Severity::Error };
        say("code", severity, format!("the code has the name `{}` already", old.name));
    }
    if old.kind != new.kind {
        let severity = if family(old.kind) == family(new.kind) { Severity::Note } else { Severity::Error };
        say("format", severity, format!("{} here, {} before", new.kind.name(), old.kind.name()));
    }
    if matches!((old.mandatory, new.mandatory), (Rule::Must, Rule::MustNot) | (Rule::MustNot, Rule::Must)) {
        let word = super::json::rule_word;
        let text = format!("the M flag {} be set here, {} before", word(new.mandatory), word(old.mandatory));
        say("flags", Severity::Note, text);
    }
    for value in &new.values {
        if let Some(other) = old.values.iter().find(|other| other.name == value.name && other.value != value.value) {
            let text = format!("{} is {} here, {} before", value.name, value.value, other.value);
            say("value", Severity::Error, text);
        }
        if let Some(other) = old.values.iter().find(|other| other.value == value.value)
            && bare(&other.name) != bare(&value.name)
        {
            let text = format!("{} is {} here, {} before", value.value, value.name, other.name);
            say("value", Severity::Note, text);
        }
    }
}

/// What is wrong in one entry by itself.
fn judge(entry: &Entry, out: &mut Vec<Finding>) {
    let mut say = |id, severity, text| out.push(Finding { id, severity, at: place(entry), text });
    if entry.name.chars().any(|letter| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter)) {
        say("name", Severity::Note, "letters, digits, `-`, `_` and `.` only can be typed in a filter".to_owned());
    }
    if !entry.members.is_empty() && entry.kind != Kind::Grouped {
        say("member", Severity::Error, format!("{} has members; only Grouped has", entry.kind.name()));
    }
    let mut names: HashMap<&str, i64> = HashMap::new();
    let mut numbers: HashMap<i64, &str> = HashMap::new();
    let range = match entry.kind {
        Kind::Unsigned32 => 0..=i64::from(u32::MAX),
        Kind::Unsigned64 => 0..=i64::MAX,
        Kind::Integer64 => i64::MIN..=i64::MAX,
        // Texts and octets have no numbers; Wireshark names some of them all the same, as it does 32 bits unsigned.
        _ => i64::from(i32::MIN)..=i64::from(u32::MAX),
    };
    for value in &entry.values {
        if !range.contains(&value.value) {
            let text = format!("{} is {}, which {} can not hold", value.name, value.value, entry.kind.name());
            say("value", Severity::Error, text);
        }
        if entry.bits && value.value.count_ones() != 1 {
            say("value", Severity::Error, format!("{} is {:#x}, which is no single bit", value.name, value.value));
        }
        if let Some(other) = names.insert(&value.name, value.value)
            && other != value.value
        {
            say("value", Severity::Error, format!("{} is {other} and {}", value.name, value.value));
        }
        if let Some(other) = numbers.insert(value.value, &value.name) {
            say("value", Severity::Note, format!("{} is {other} and {}", value.value, value.name));
        }
    }
}

/// What is wrong in a catalogue: a code or a name with two meanings, a format, flag or value that is told twice and
/// differently, members that are no AVPs.
#[must_use]
pub fn lint(catalogue: &Catalogue, beside: &Catalogue) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut known = Known { by_key: HashMap::new(), by_name: HashMap::new() };
    for entry in &catalogue.avps {
        if known.by_key.contains_key(&entry.key()) {
            let text = "defined twice".to_owned();
            out.push(Finding { id: "code", severity: Severity::Error, at: place(entry), text });
        }
        compare(&known, entry, &mut out);
        judge(entry, &mut out);
        known.add(entry);
    }
    let others = Known::new(beside);
    for entry in &catalogue.avps {
        for member in &entry.members {
            let name = (member.vendor, member.avp.as_str());
            if !known.by_name.contains_key(&name) && !others.by_name.contains_key(&name) {
                let text = format!("the member `{}` of vendor {} is no AVP", member.avp, member.vendor);
                out.push(Finding { id: "member", severity: Severity::Note, at: place(entry), text });
            }
        }
    }
    out
}

/// What comes of putting two catalogues together.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// What the second adds to the first, without what conflicts.
    pub added: Catalogue,
    /// AVPs that both know.
    pub known: usize,
    /// AVPs left out because they conflict.
    pub refused: usize,
    /// Conflicts and differences.
    pub findings: Vec<Finding>,
}

impl Merged {
    /// How many findings are conflicts.
    #[must_use]
    pub fn conflicts(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }
}

/// Holds `more` against `base`. What both know stays as `base` has it.
#[must_use]
pub fn merge(base: &Catalogue, more: &Catalogue) -> Merged {
    let mut merged = Merged::default();
    let mut known = Known::new(base);
    for entry in &more.avps {
        let before = merged.findings.len();
        compare(&known, entry, &mut merged.findings);
        judge(entry, &mut merged.findings);
        let wrong = merged.findings.iter().skip(before).any(|finding| finding.severity == Severity::Error);
        if wrong {
            merged.refused += 1;
        } else if known.by_key.contains_key(&entry.key()) {
            merged.known += 1;
        } else {
            merged.added.avps.push(entry.clone());
            known.add(entry);
        }
    }
    let vendors: std::collections::HashSet<_> = base.vendors.iter().map(|vendor| vendor.id).collect();
    let applications: std::collections::HashSet<_> = base.applications.iter().map(|it| it.id).collect();
    let commands: std::collections::HashSet<_> = base.commands.iter().map(|it| (it.code, it.application)).collect();
    let any: std::collections::HashSet<_> = base.commands.iter().map(|it| it.code).collect();
    let fresh = |vendor: &&super::Vendor| !vendors.contains(&vendor.id);
    merged.added.vendors = more.vendors.iter().filter(fresh).cloned().collect();
    let fresh = |it: &&super::Application| !applications.contains(&it.id);
    merged.added.applications = more.applications.iter().filter(fresh).cloned().collect();
    let fresh = |it: &&super::Command| match it.application {
        None => !any.contains(&it.code),
        application => !commands.contains(&(it.code, application)) && !commands.contains(&(it.code, None)),
    };
    merged.added.commands = more.commands.iter().filter(fresh).cloned().collect();
    merged
}
