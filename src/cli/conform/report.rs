//! What a run says: lines and JSON as it goes, JUnit and an HTML page at its end, captures of what did not pass.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;

use super::baseline::Baseline;
use super::drive::Played;
use crate::capture::write::{CaptureWriter, Direction, Message, SctpConversation, TcpConversation, WriteError};
use crate::conform::{Case, Outcome, Said, Spoken, Suite, Verdict, essence};
use crate::message::text::Palette;

/// A case that was played.
#[derive(Debug)]
pub struct CaseReport {
    pub suite: String,
    pub name: String,
    pub title: String,
    pub level: String,
    pub clause: String,
    pub verdict: Verdict,
    pub words: String,
    /// Where in the suite the failed step is.
    pub line: Option<usize>,
    pub took: Duration,
    /// It is in the baseline.
    pub known: bool,
    pub capture: Option<PathBuf>,
    spoken: Vec<Spoken>,
    /// When the case began.
    began: Duration,
}

impl CaseReport {
    /// Of a case and what it came to.
    pub fn new(suite: &Suite, case: &Case, played: Played) -> Self {
        let Played { outcome, spoken, .. } = played;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            suite: suite.suite.clone(),
            name: case.name.clone(),
            title: case.title.clone(),
            level: case.level.clone(),
            clause: outcome.clause,
            verdict: outcome.verdict,
            words: outcome.words,
            line: outcome.line,
            took: outcome.took,
            known: false,
            capture: None,
            spoken,
            began: now.saturating_sub(outcome.took),
        }
    }

    /// Of a case that is left out.
    pub fn not_run(suite: &Suite, case: &Case, why: String) -> Self {
        let outcome = Outcome {
            verdict: Verdict::NotRun,
            words: why,
            clause: case.clause.clone(),
            line: None,
            took: Duration::ZERO,
            captured: Vec::new(),
        };
        Self::new(suite, case, Played { outcome, spoken: Vec::new(), peer: None })
    }

    /// It counts, unless it is known.
    pub fn is_bad(&self) -> bool {
        !matches!(self.verdict, Verdict::Pass | Verdict::NotRun)
    }

    /// As baselines name it.
    pub fn id(&self) -> String {
        format!("{}/{}", self.suite, self.name)
    }

    /// What was said, a line each.
    fn conversation(&self) -> Vec<String> {
        let line = |spoken: &Spoken| {
            let what = match &spoken.what {
                Said::Up { local, remote, .. } => format!("connection of {local} and {remote}"),
                Said::Message(true, bytes, ..) => format!("-> {}", essence(bytes)),
                Said::Message(false, bytes, ..) => format!("<- {}", essence(bytes)),
                Said::Down(true, _) => "we end the connection".to_owned(),
                Said::Down(false, None) => "the peer ends the connection".to_owned(),
                Said::Down(false, Some(why)) => format!("the connection ends: {why}"),
            };
            format!("{:7.3}  {}  {what}", spoken.at.as_secs_f64(), spoken.party)
        };
        self.spoken.iter().map(line).collect()
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "suite": self.suite, "case": self.name, "verdict": self.verdict.name(), "known": self.known,
            "clause": self.clause, "level": self.level, "title": self.title, "words": self.words, "line": self.line,
            "took": self.took.as_secs_f64(), "capture": self.capture.as_ref().map(|path| path.display().to_string()),
            "conversation": self.conversation(),
        })
    }
}

/// How often each verdict came.
fn count(reports: &[CaseReport]) -> [(Verdict, usize); 5] {
    [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::Error, Verdict::NotRun]
        .map(|verdict| (verdict, reports.iter().filter(|report| report.verdict == verdict).count()))
}

/// Standard output.
pub struct Paper {
    palette: Palette,
    json: bool,
    peer: String,
}

/// Cases that were not run, by why.
fn left_out(reports: &[CaseReport]) -> BTreeMap<&str, usize> {
    let mut found = BTreeMap::new();
    for report in reports.iter().filter(|report| report.verdict == Verdict::NotRun) {
        *found.entry(report.words.as_str()).or_default() += 1;
    }
    found
}

/// Why nothing was played.
pub fn nothing(reports: &[CaseReport]) -> String {
    if reports.is_empty() {
        return "no case has this name; --list shows them".to_owned();
    }
    let why: Vec<&str> = left_out(reports).into_keys().collect();
    format!("no case can be played here: each {}", why.join(", or "))
}

impl Paper {
    pub fn new(palette: Palette, json: bool, peer: String) -> Self {
        Self { palette, json, peer }
    }

    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// A case has come to its end.
    pub fn case(&self, report: &CaseReport, out: &mut String) {
        if self.json {
            let _ = writeln!(out, "{}", report.json());
            return;
        }
        // The summary counts what was left out by its reason.
        if report.verdict == Verdict::NotRun {
            return;
        }
        let ink = match (report.verdict, report.known) {
            (Verdict::Pass, _) => &self.palette.meaning,
            (_, true) => &self.palette.detail,
            _ => &self.palette.fault,
        };
        let known = if report.known { " (known)" } else { "" };
        let _ = writeln!(out, "{}{:12}{} {}{known}", ink.on, report.verdict.name(), ink.off, report.id());
        if report.verdict == Verdict::Pass || report.known {
            return;
        }
        let line = report.line.map(|line| format!(", line {line} of the suite")).unwrap_or_default();
        let _ = writeln!(out, "             {}", report.title);
        let _ = writeln!(out, "             {} ({}{line})", report.words, report.clause);
        for line in report.conversation() {
            let _ = writeln!(out, "             {}{line}{}", self.palette.detail.on, self.palette.detail.off);
        }
        if let Some(path) = &report.capture {
            let _ = writeln!(out, "             captured in {}", path.display());
        }
    }

    /// All have.
    pub fn summary(&self, reports: &[CaseReport], known: &Baseline, out: &mut String) {
        let counts = count(reports);
        let known_now = reports.iter().filter(|report| report.known).count();
        let mended: Vec<String> = known.mended(reports).into_iter().map(CaseReport::id).collect();
        let left_out = left_out(reports);
        if self.json {
            let counts: serde_json::Map<_, _> =
                counts.iter().map(|(verdict, count)| (verdict.name().to_owned(), (*count).into())).collect();
            let line = json!({"cases": reports.len() - left_out.values().sum::<usize>(), "verdicts": counts, "known": known_now, "mended": mended,
                "left_out": left_out, "peer": self.peer});
            let _ = writeln!(out, "{line}");
            return;
        }
        let words: Vec<String> = counts
            .iter()
            .filter(|(verdict, count)| *count > 0 && *verdict != Verdict::NotRun || *verdict == Verdict::Pass)
            .map(|(verdict, count)| format!("{count} {}", verdict.name()))
            .collect();
        let known_now = if known_now > 0 { format!(", {known_now} known before") } else { String::new() };
        let skipped: usize = left_out.values().sum();
        let _ = writeln!(out, "\n{} cases: {}{known_now}", reports.len() - skipped, words.join(", "));
        for id in mended {
            let _ = writeln!(out, "{id} is in the baseline and passes");
        }
        if skipped > 0 {
            let _ = writeln!(out, "not run: {skipped}");
            for (why, count) in &left_out {
                let _ = writeln!(out, "  {count}: each {why}");
            }
        }
    }
}

/// The reports as JUnit's XML: known failures and what is inconclusive are told apart by their type.
///
/// # Errors
/// In words.
pub fn junit(reports: &[CaseReport]) -> Result<String, String> {
    let mut all = Report::new("proselink conform");
    let mut suites: Vec<(String, TestSuite)> = Vec::new();
    for report in reports {
        let mut status = match report.verdict {
            Verdict::Pass => TestCaseStatus::success(),
            Verdict::NotRun => TestCaseStatus::skipped(),
            _ if report.known => TestCaseStatus::skipped(),
            Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
            Verdict::Inconclusive | Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        };
        if report.verdict != Verdict::Pass {
            let known = if report.known { "known " } else { "" };
            status.set_type(format!("{known}{}", report.verdict.name()));
            status.set_message(format!("{} ({})", report.words, report.clause));
            status.set_description(report.conversation().join("\n"));
        }
        let mut case = TestCase::new(report.name.as_str(), status);
        case.set_classname(report.suite.as_str());
        case.set_time(report.took);
        case.add_property(("clause", report.clause.as_str()));
        case.add_property(("title", report.title.as_str()));
        match suites.iter_mut().find(|(name, _)| *name == report.suite) {
            Some((_, suite)) => {
                suite.add_test_case(case);
            }
            None => {
                let mut suite = TestSuite::new(report.suite.as_str());
                suite.add_test_case(case);
                suites.push((report.suite.clone(), suite));
            }
        }
    }
    all.add_test_suites(suites.into_iter().map(|(_, suite)| suite));
    all.to_string().map_err(|error| error.to_string())
}

/// The reports as one page that needs nothing else.
pub fn html(reports: &[CaseReport], peer: &str) -> String {
    let mut rows = String::new();
    for report in reports {
        let verdict = if report.known { "known" } else { report.verdict.name() };
        let _ = write!(
            rows,
            "<tr class=\"{verdict}\" id=\"{id}\"><td><b>{verdict}</b></td><td><a href=\"#{id}\">{id}</a></td>\
             <td>{}</td><td>{}",
            escaped(&report.clause),
            escaped(&report.title),
            id = escaped(&report.id()),
        );
        if report.verdict != Verdict::Pass {
            let _ = write!(rows, "<p>{}</p>", escaped(&report.words));
        }
        let lines = escaped(&report.conversation().join("\n"));
        let _ = writeln!(rows, "<details><summary>what was said</summary><pre>{lines}</pre></details></td></tr>");
    }
    let counts: Vec<String> =
        count(reports).iter().map(|(verdict, count)| format!("{count} {}", verdict.name())).collect();
    include_str!("report.html")
        .replace("{{peer}}", &escaped(peer))
        .replace("{{counts}}", &format!("{} cases: {}", reports.len(), counts.join(", ")))
        .replace("{{rows}}", &rows)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

enum Kind {
    Sctp(SctpConversation),
    Tcp(TcpConversation),
}

/// Writes what was said as packets of made-up connections: the messages are those of the wire, the packets are not.
///
/// # Errors
/// When the file cannot be written.
pub fn capture(report: &CaseReport, sctp: bool, path: &Path) -> Result<(), WriteError> {
    let mut writer = CaptureWriter::new(BufWriter::new(fs::File::create(path)?), "proselink")?;
    let mut lines: HashMap<&str, (Kind, bool)> = HashMap::new();
    let mut last = 0;
    for spoken in &report.spoken {
        let at = u64::try_from((report.began + spoken.at).as_nanos()).unwrap_or(u64::MAX);
        let mut emit = |packet: &[u8], comment: Option<&str>| {
            last = at.max(last + 1);
            writer.write_packet(last, packet, comment)
        };
        match &spoken.what {
            Said::Up { we_called, local, remote } => {
                let (client, server) = if *we_called { (*local, *remote) } else { (*remote, *local) };
                let seed = spoken.at.as_nanos() as u64;
                let mut kind = match sctp {
                    true => Kind::Sctp(SctpConversation::new(client, server, None, seed)),
                    false => Kind::Tcp(TcpConversation::new(client, server, seed)),
                };
                match &mut kind {
                    Kind::Sctp(line) => line.open(&mut emit)?,
                    Kind::Tcp(line) => line.open(&mut emit)?,
                }
                lines.insert(&spoken.party, (kind, *we_called));
            }
            Said::Message(ours, bytes, stream, ppid) => {
                let Some((kind, we_called)) = lines.get_mut(spoken.party.as_str()) else { continue };
                let direction = if ours == we_called { Direction::ToServer } else { Direction::ToClient };
                let message = Message { direction, bytes, ppid: *ppid, stream: *stream, comment: None };
                match kind {
                    Kind::Sctp(line) => line.message(&message, &mut emit)?,
                    Kind::Tcp(line) => line.message(&message, &mut emit)?,
                }
            }
            Said::Down(ours, why) => {
                let Some((mut kind, we_called)) = lines.remove(spoken.party.as_str()) else { continue };
                let direction = if *ours == we_called { Direction::ToServer } else { Direction::ToClient };
                match (&mut kind, why.is_some()) {
                    (Kind::Sctp(line), false) => line.close(direction, &mut emit)?,
                    (Kind::Tcp(line), false) => line.close(direction, &mut emit)?,
                    (Kind::Sctp(line), true) => line.abort(direction, &mut emit)?,
                    (Kind::Tcp(line), true) => line.abort(direction, &mut emit)?,
                }
            }
        }
    }
    writer.finish().map(drop)
}
