//! `proselink diff`: what differs between two conversations, or two messages, by meaning.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::conversation::{Conversation, Place, text_of};
use super::output::{self, Output};
use super::{Globals, exit};
use crate::avp::Key;
use crate::diff::{self, Comparer, Difference, Pair, Pattern, Rules, pair};
use crate::interfaces::names;
use crate::message::filter::Filter;
use crate::message::json::write_text;
use crate::message::text::{self, Palette};
use crate::message::{Header, json};

/// The arguments of `diff`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DiffArgs {
    /// What was expected: a capture, messages in JSON as `decode --json` prints them, raw or hexadecimal; `-` for
    /// standard input
    #[arg(value_name = "EXPECTED")]
    expected: PathBuf,
    /// What there is, in any of these forms
    #[arg(value_name = "ACTUAL")]
    actual: PathBuf,
    /// A TOML file that says what does not count; see docs/cases.md
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The same conversation held twice: new sessions, identifiers and times are no difference
    #[arg(long, conflicts_with = "rules")]
    renewed: bool,
    /// An AVP that does not count, e.g. `Origin-State-Id` or `Subscription-Data/APN-Configuration[2]`; may be repeated
    #[arg(long, value_name = "PATH")]
    ignore: Vec<Pattern>,
    /// Only messages that this display filter accepts, with the field names of Wireshark
    #[arg(short = 'Y', long = "filter", value_name = "FILTER")]
    filter: Option<String>,
    /// One JSON object a line: a difference each, and a summary
    #[arg(long)]
    json: bool,
    /// No differences, only the summary
    #[arg(short, long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  proselink diff before.pcapng after.pcapng                 every AVP that differs, as a patch
  proselink diff --renewed monday.pcap tuesday.pcap         the same test on two days
  proselink diff --rules lab.toml golden.jsonl fresh.pcapng what counts is said by a file
  proselink diff --json -Y 'diameter.cmd.code == 316' a.pcapng b.pcapng | jq .path
  proselink diff --ignore Origin-State-Id one.json other.json

Messages pair by association and side, by command, by session and in order. The order of AVPs counts where the
grammar fixes it; letters of host names, padding and what follows from it do not.
Exit codes: 0 both mean the same, 1 they differ, 2 the rules cannot be used, 4 an input is malformed.";

/// Runs the verb; the result is the exit code.
pub fn run(args: DiffArgs, globals: &Globals) -> u8 {
    match perform(&args, globals) {
        Ok(code) => code,
        Err((words, code)) => {
            if !words.is_empty() {
                eprintln!("proselink diff: {words}");
            }
            code
        }
    }
}

type Early = (String, u8);

fn perform(args: &DiffArgs, globals: &Globals) -> Result<u8, Early> {
    let usage = |words: String| (words, exit::USAGE);
    let filter = args
        .filter
        .as_deref()
        .map(|text| Filter::parse(text).map_err(|error| usage(format!("-Y: {error}"))))
        .transpose()?;
    let mut rules = match (&args.rules, args.renewed) {
        (Some(path), _) => read_rules(path).map_err(usage)?,
        (None, true) => Rules::renewed(),
        (None, false) => Rules::default(),
    };
    rules.ignore.extend(args.ignore.iter().cloned());
    if args.expected == args.actual && args.expected == Path::new("-") {
        return Err(usage("standard input can be read once only".to_owned()));
    }
    let expected = Conversation::read(&args.expected, filter.as_ref())?;
    let actual = Conversation::read(&args.actual, filter.as_ref())?;
    if expected.is_empty() && actual.is_empty() && expected.damage.is_none() && actual.damage.is_none() {
        // Nothing is the same as nothing, and whoever compares it has named the wrong files.
        let which = if filter.is_some() { " that the filter accepts" } else { "" };
        let words = format!(
            "neither {} nor {} has a Diameter message{which}; there is nothing to compare",
            args.expected.display(),
            args.actual.display()
        );
        return Err((words, exit::MALFORMED));
    }
    let mut output = Output::new();
    let mut report =
        Report { quiet: args.quiet, json: args.json, palette: output::palette(globals), tally: Tally::default() };
    let told = compare(&expected, &actual, &rules, |found| {
        report.show(&found, &mut output.text);
        output.message_done()
    });
    let code = told.and_then(|()| {
        report.close(args, &mut output.text);
        output.flush()
    });
    if let Err(error) = code {
        let code = exit::of_output(&error);
        return Err((if code == exit::GOOD { String::new() } else { format!("standard output: {error}") }, code));
    }
    let mut code = if report.tally.is_same() { exit::GOOD } else { exit::DIFFERS };
    for (words, of_damage) in [expected.damage, actual.damage].into_iter().flatten() {
        eprintln!("proselink diff: {words}");
        code = code.max(of_damage);
    }
    Ok(code)
}

/// Reads a file of rules.
///
/// # Errors
/// What is wrong with it, with its name.
pub fn read_rules(path: &Path) -> Result<Rules, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let rules: Rules = toml::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
    rules.judge().map_err(|error| format!("{name}: {error}"))?;
    Ok(rules)
}

/// What became of one message.
pub struct Found<'m> {
    /// Where it was expected, and its octets.
    pub expected: Option<(&'m Place, &'m [u8])>,
    /// Where it is.
    pub actual: Option<(&'m Place, &'m [u8])>,
    /// What differs, when both are there.
    pub differences: Vec<Difference>,
}

/// Compares two conversations and gives each pair and each message without a counterpart to `each`.
///
/// # Errors
/// Those of `each`.
pub fn compare<E>(
    expected: &Conversation,
    actual: &Conversation,
    rules: &Rules,
    mut each: impl FnMut(Found<'_>) -> Result<(), E>,
) -> Result<(), E> {
    // One message each: they are meant, whatever they are.
    let pairs = if expected.len() == 1 && actual.len() == 1 {
        vec![Pair { expected: Some(0), actual: Some(0) }]
    } else {
        pair(&expected.entries(), &actual.entries(), rules)
    };
    let mut comparer = Comparer::new(rules);
    for pair in pairs {
        let expected = pair.expected.and_then(|at| expected.get(at));
        let actual = pair.actual.and_then(|at| actual.get(at));
        let differences = match (expected, actual) {
            (Some((_, expected)), Some((_, actual))) => comparer.compare(expected, actual),
            _ => Vec::new(),
        };
        each(Found { expected, actual, differences })?;
    }
    Ok(())
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages with a counterpart.
    pub paired: u64,
    /// Of these, with differences.
    pub differing: u64,
    /// Differences in them.
    pub differences: u64,
    /// Expected messages that are not there.
    pub missing: u64,
    /// Messages that were not expected.
    pub added: u64,
}

impl Tally {
    /// Counts one.
    pub fn count(&mut self, found: &Found<'_>) {
        match (found.expected, found.actual) {
            (Some(_), Some(_)) => {
                self.paired += 1;
                self.differing += u64::from(!found.differences.is_empty());
                self.differences += found.differences.len() as u64;
            }
            (Some(_), None) => self.missing += 1,
            _ => self.added += 1,
        }
    }

    /// True when nothing differs.
    pub const fn is_same(&self) -> bool {
        self.differing == 0 && self.missing == 0 && self.added == 0
    }
}

impl fmt::Display for Tally {
    /// `14 pairs of messages, 2 of them with 3 differences; 1 missing`: what is none is not said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&counted(self.paired, "pair of messages", "pairs of messages"))?;
        if self.differing > 0 {
            write!(f, ", {} of them with {}", self.differing, counted(self.differences, "difference", "differences"))?;
        }
        let mut sign = "; ";
        for (count, what) in [(self.missing, "missing"), (self.added, "added")] {
            if count > 0 {
                write!(f, "{sign}{count} {what}")?;
                sign = ", ";
            }
        }
        Ok(())
    }
}

/// Appends what became of one message as a patch with its heading; nothing when it means the same.
pub fn write_found(found: &Found<'_>, palette: &Palette, out: &mut String) {
    let (sign, ink) = match (found.expected, found.actual) {
        (Some(_), Some(_)) if found.differences.is_empty() => return,
        (Some(_), Some(_)) => ("@@", &palette.command),
        (Some(_), None) => ("-", &palette.fault),
        _ => ("+", &palette.meaning),
    };
    out.push_str(&ink.on);
    out.push_str(sign);
    out.push(' ');
    match (found.expected, found.actual) {
        (Some((one, _)), Some((two, _))) => {
            let _ = write!(out, "{} | {}", one.name(), two.name());
        }
        (Some((place, _)), None) | (None, Some((place, _))) => out.push_str(&place.name()),
        (None, None) => {}
    }
    if let Some((_, bytes)) = found.expected.or(found.actual) {
        out.push_str(": ");
        out.push_str(&heading(bytes));
    }
    out.push_str(match (found.expected, found.actual) {
        (Some(_), None) => " is missing",
        (None, Some(_)) => " was not expected",
        _ => "",
    });
    out.push_str(&ink.off);
    out.push('\n');
    diff::write_differences(&found.differences, palette, out);
}

/// The command, its application and its session.
fn heading(bytes: &[u8]) -> String {
    let mut out = String::new();
    let Some(header) = Header::parse(bytes) else { return format!("{} octets without a header", bytes.len()) };
    text::write_command_name(&header, &mut out);
    match names::application_name(header.application) {
        Some(name) => out.push_str(&format!(" of {name}")),
        None => out.push_str(&format!(" of application {}", header.application)),
    }
    if let Some(session) = text_of(bytes, SESSION_ID) {
        out.push_str(", session ");
        text::write_escaped(&session, &mut out);
    }
    out
}

const SESSION_ID: Key = Key::new(0, 263);

/// Appends what became of one message as JSON lines.
pub fn write_found_json(found: &Found<'_>, out: &mut String) {
    let about = |bytes: &[u8], out: &mut String| {
        let Some(header) = Header::parse(bytes) else { return };
        let mut name = String::new();
        text::write_command_name(&header, &mut name);
        out.push_str(r#","command":"#);
        write_text(&name, out);
        let _ = write!(out, r#","application":{},"request":{},"session":"#, header.application, header.is_request());
        match text_of(bytes, SESSION_ID) {
            Some(session) => json::write_text(&session, out),
            None => out.push_str("null"),
        }
    };
    match (found.expected, found.actual) {
        (Some((one, bytes)), Some((two, _))) => {
            for difference in &found.differences {
                let _ = write!(
                    out,
                    r#"{{"v":1,"type":"difference","expected_frame":{},"expected_index":{},"actual_frame":{},"actual_index":{}"#,
                    one.frame, one.index, two.frame, two.index
                );
                about(bytes, out);
                out.push(',');
                diff::write_json(difference, out);
                out.push_str("}\n");
            }
        }
        (Some((place, bytes)), None) | (None, Some((place, bytes))) => {
            let kind = if found.expected.is_some() { "missing" } else { "added" };
            let _ = write!(out, r#"{{"v":1,"type":"{kind}","frame":{},"index":{}"#, place.frame, place.index);
            about(bytes, out);
            out.push_str("}\n");
        }
        (None, None) => {}
    }
}

struct Report {
    quiet: bool,
    json: bool,
    palette: Palette,
    tally: Tally,
}

impl Report {
    fn show(&mut self, found: &Found<'_>, out: &mut String) {
        self.tally.count(found);
        match (self.quiet, self.json) {
            (true, _) => {}
            (false, true) => write_found_json(found, out),
            (false, false) => write_found(found, &self.palette, out),
        }
    }

    fn close(&self, args: &DiffArgs, out: &mut String) {
        let Tally { paired, differing, differences, missing, added } = self.tally;
        let same = self.tally.is_same();
        if self.json {
            out.push_str(r#"{"v":1,"type":"summary","expected":"#);
            write_text(&args.expected.display().to_string(), out);
            out.push_str(r#","actual":"#);
            write_text(&args.actual.display().to_string(), out);
            let _ = writeln!(
                out,
                r#","same":{same},"paired":{paired},"differing":{differing},"differences":{differences},"missing":{missing},"added":{added}}}"#
            );
            return;
        }
        let ink = if same { &self.palette.meaning } else { &self.palette.fault };
        let verdict = if same { "the same" } else { "different" };
        let _ = writeln!(out, "{}{verdict}{}: {}", ink.on, ink.off, self.tally);
    }
}

/// A number with the word for so many.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
