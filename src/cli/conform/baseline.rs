//! Failures that are known: a line each, `SUITE/CASE VERDICT # why`. In place of a verdict, `sometimes` is for what a peer does
//! by chance.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::report::CaseReport;
use crate::conform::Verdict;

/// In place of a verdict: it fails now and then.
const SOMETIMES: &str = "sometimes";

/// What is known.
#[derive(Debug, Default)]
pub struct Baseline {
    /// By suite and case: the verdict, and why it is so.
    known: BTreeMap<String, (String, String)>,
    /// The lines before the first case.
    head: String,
}

impl Baseline {
    /// Reads a file.
    ///
    /// # Errors
    /// The first line that is none of a baseline.
    pub fn parse(file: &str, text: &str) -> Result<Self, String> {
        let mut baseline = Self::default();
        for (number, line) in text.lines().enumerate() {
            let (said, why) = line.split_once('#').unwrap_or((line, ""));
            let words: Vec<&str> = said.split_whitespace().collect();
            match words[..] {
                [] => {
                    if baseline.known.is_empty() {
                        let _ = writeln!(baseline.head, "{line}");
                    }
                }
                [name, verdict @ ("fail" | "inconclusive" | "error" | SOMETIMES)] if name.contains('/') => {
                    baseline.known.insert(name.to_owned(), (verdict.to_owned(), why.trim().to_owned()));
                }
                _ => {
                    let expected = "SUITE/CASE and fail, inconclusive, error or sometimes are expected, then # and why";
                    return Err(format!("{file}:{}: {expected}, not {:?}", number + 1, line.trim()));
                }
            }
        }
        Ok(baseline)
    }

    /// With what another one knows, too.
    pub fn and(mut self, other: Self) -> Self {
        self.known.extend(other.known);
        self.head.push_str(&other.head);
        self
    }

    /// Whether a case is known to end so.
    pub fn holds(&self, report: &CaseReport) -> bool {
        let is_so = |known: &str| known == report.verdict.name() || known == SOMETIMES && report.is_bad();
        self.known.get(&report.id()).is_some_and(|(known, _)| is_so(known))
    }

    /// Why a case is known to end so.
    pub fn why(&self, report: &CaseReport) -> Option<&str> {
        self.known.get(&report.id()).map(|(_, why)| why.as_str()).filter(|why| !why.is_empty())
    }

    /// What is known to fail and does not.
    pub fn mended<'r>(&self, reports: &'r [CaseReport]) -> Vec<&'r CaseReport> {
        let always = |(verdict, _): &(String, String)| verdict != SOMETIMES;
        let is_known = |report: &&CaseReport| self.known.get(&report.id()).is_some_and(always);
        reports.iter().filter(|report| report.verdict == Verdict::Pass).filter(is_known).collect()
    }

    /// The file with what fails now; what was not played stays as it is, and reasons stay.
    pub fn with(&self, reports: &[CaseReport]) -> String {
        let mut known = self.known.clone();
        for report in reports {
            match report.verdict {
                Verdict::NotRun => continue,
                _ if known.get(&report.id()).is_some_and(|(verdict, _)| verdict == SOMETIMES) => continue,
                Verdict::Pass => {
                    known.remove(&report.id());
                    continue;
                }
                Verdict::Fail | Verdict::Inconclusive | Verdict::Error => {}
            }
            let why = self.why(report).map(str::to_owned);
            let why = why.unwrap_or_else(|| format!("{}: {}", report.clause, report.words.replace(['\n', '\r'], " ")));
            known.insert(report.id(), (report.verdict.name().to_owned(), why));
        }
        let mut out = match self.head.is_empty() {
            true => {
                "# Failures that are known, for proselink conform --baseline: SUITE/CASE VERDICT # why\n\n".to_owned()
            }
            false => self.head.clone(),
        };
        for (name, (verdict, why)) in known {
            let _ = writeln!(out, "{name} {verdict} # {why}");
        }
        out
    }
}
