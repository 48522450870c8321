//! What a run says: lines and JSON as it goes. What it leaves behind is in `junit.rs`, `page.rs` and `capture.rs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::baseline::Baseline;
use super::drive::Played;
use crate::conform::{Case, Outcome, Said, Spoken, Suite, Verdict, essence};
use crate::message::text::Palette;

/// A case that was played.
#[derive(Debug)]
pub struct CaseReport {
    pub suite: String,
    /// What the suite judges.
    pub suite_title: String,
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
    /// Why it is.
    pub why: Option<String>,
    pub capture: Option<PathBuf>,
    pub spoken: Vec<Spoken>,
    /// When the case began, since 1970.
    pub began: Duration,
}

impl CaseReport {
    /// Of a case and what it came to.
    pub fn new(suite: &Suite, case: &Case, played: Played) -> Self {
        let Played { outcome, spoken, .. } = played;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            suite: suite.suite.clone(),
            suite_title: suite.title.clone(),
            name: case.name.clone(),
            title: case.title.clone(),
            level: case.level.clone(),
            clause: outcome.clause,
            verdict: outcome.verdict,
            words: outcome.words,
            line: outcome.line,
            took: outcome.took,
            known: false,
            why: None,
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
    pub fn conversation(&self) -> Vec<String> {
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
pub fn count<'r>(reports: impl Iterator<Item = &'r CaseReport> + Clone) -> [(Verdict, usize); 5] {
    [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::Error, Verdict::NotRun]
        .map(|verdict| (verdict, reports.clone().filter(|report| report.verdict == verdict).count()))
}

/// The numbers in a sentence.
pub fn sentence(reports: &[CaseReport]) -> String {
    let counts = count(reports.iter());
    let known = reports.iter().filter(|report| report.known).count();
    let words: Vec<String> = counts
        .iter()
        .filter(|(verdict, count)| *count > 0 && *verdict != Verdict::NotRun || *verdict == Verdict::Pass)
        .map(|(verdict, count)| format!("{count} {}", verdict.name()))
        .collect();
    let run = reports.iter().filter(|report| report.verdict != Verdict::NotRun).count();
    let known = if known > 0 { format!(", {known} known before") } else { String::new() };
    format!("{run} cases: {}{known}", words.join(", "))
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
        let counts = count(reports.iter());
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
        let _ = writeln!(out, "\n{}", sentence(reports));
        for id in mended {
            let _ = writeln!(out, "{id} is in the baseline and passes");
        }
        let skipped: usize = left_out.values().sum();
        if skipped > 0 {
            let _ = writeln!(out, "not run: {skipped}");
            for (why, count) in &left_out {
                let _ = writeln!(out, "  {count}: each {why}");
            }
        }
    }
}
