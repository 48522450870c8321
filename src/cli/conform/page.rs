//! The report as one HTML page: what [`crate::report::cases`] is to show.

use std::io;

use super::capture;
use super::report::{CaseReport, count, sentence};
use crate::capture::Timestamp;
use crate::conform::{Said, Spoken, Verdict};
use crate::report::cases::{CaseEntry, CasesPage, SuiteSummary};
use crate::report::describe::{Described, describe};
use crate::report::ladder::{self, Ladder};
use crate::report::model::{Fact, Message};
use crate::report::tree::Tree;
use crate::report::{Place, moment, shortened};

/// Octets of opened messages, as HTML. What does not pass comes first.
const OCTETS: usize = 6 << 20;

/// What the page shows of a run against `peer`.
pub fn page(reports: &[CaseReport], peer: &str, sctp: bool) -> CasesPage {
    let good = reports.iter().all(|report| !report.is_bad() || report.known);
    let counts = count(reports.iter());
    let known = reports.iter().filter(|report| report.known).count();
    let number = |label: &str, value: usize| Fact { label: label.to_owned(), value: value.to_string() };
    let mut facts: Vec<Fact> = counts.iter().map(|(verdict, count)| number(verdict.name(), *count)).collect();
    facts.push(number("known", known));
    let columns = facts.iter().map(|fact| fact.label.clone()).collect();
    let mut suites: Vec<SuiteSummary> = Vec::new();
    for report in reports {
        if suites.iter().any(|suite| suite.name == report.suite) {
            continue;
        }
        let of = reports.iter().filter(|other| other.suite == report.suite);
        let mut numbers: Vec<usize> = count(of.clone()).iter().map(|(_, count)| *count).collect();
        numbers.push(of.filter(|report| report.known).count());
        suites.push(SuiteSummary { name: report.suite.clone(), title: report.suite_title.clone(), numbers });
    }
    let mut page = CasesPage {
        title: format!("Conformance of {peer}"),
        good,
        verdict: sentence(reports),
        facts,
        columns,
        suites,
        ..CasesPage::default()
    };
    let mut bad_first: Vec<(usize, &CaseReport)> = reports.iter().enumerate().collect();
    bad_first.sort_by_key(|(_, report)| !report.is_bad());
    let mut octets = 0;
    let mut cases: Vec<(usize, CaseEntry)> = Vec::with_capacity(reports.len());
    for (at, report) in bad_first {
        let frames = capture::write(report, sctp, io::sink()).unwrap_or_default();
        let (ladder, messages) = conversation(report, at, &frames, &mut octets, &mut page.messages_left_out);
        page.messages.extend(messages);
        cases.push((at, entry(report, ladder)));
    }
    cases.sort_by_key(|(at, _)| *at);
    page.cases = cases.into_iter().map(|(_, case)| case).collect();
    page
}

fn entry(report: &CaseReport, ladder: Ladder) -> CaseEntry {
    let mut facts = Vec::new();
    let mut fact = |label: &str, value: String| {
        if !value.is_empty() {
            facts.push(Fact { label: label.to_owned(), value });
        }
    };
    let judged = if report.verdict == Verdict::NotRun { "why not" } else { "what came" };
    fact(judged, if report.verdict == Verdict::NotRun { format!("it {}", report.words) } else { report.words.clone() });
    fact("known", report.why.clone().filter(|_| report.known).unwrap_or_default());
    let level = if report.level == "must" { String::new() } else { format!(", a {}", report.level) };
    fact("clause", format!("{}{level}", report.clause));
    fact("step", report.line.map(|line| format!("line {line} of the suite")).unwrap_or_default());
    fact("capture", report.capture.as_ref().map(|path| path.display().to_string()).unwrap_or_default());
    if report.verdict != Verdict::NotRun {
        fact("took", format!("{:.3} s", report.took.as_secs_f64()));
    }
    let file =
        report.capture.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    CaseEntry {
        suite: report.suite.clone(),
        name: report.name.clone(),
        title: report.title.clone(),
        verdict: if report.known { "known" } else { report.verdict.name() }.to_owned(),
        bad: report.is_bad() && !report.known,
        facts,
        capture: file.unwrap_or_else(|| "the conversation".to_owned()),
        ladder,
    }
}

/// The ladder of a case: our parties and the peer. The beginning and the end of a connection are arrows, too.
fn conversation(
    report: &CaseReport,
    case: usize,
    frames: &[u64],
    octets: &mut usize,
    left_out: &mut u64,
) -> (Ladder, Vec<Message>) {
    let mut frames = frames.iter();
    let (mut said, mut messages) = (Vec::new(), Vec::new());
    let mut details: Vec<(String, String)> = Vec::new();
    for (index, spoken) in report.spoken.iter().enumerate() {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let time = (report.began + spoken.at).as_nanos();
        let time = Timestamp::from_nanoseconds(i64::try_from(time).unwrap_or(i64::MAX));
        let (ours, described) = match &spoken.what {
            Said::Up { we_called, local, remote } => {
                for (who, address) in [(spoken.party.as_str(), local), (PEER, remote)] {
                    if !details.iter().any(|(known, _)| known == who) {
                        details.push((who.to_owned(), address.to_string()));
                    }
                }
                (*we_called, event("connects", String::new(), false))
            }
            Said::Message(ours, bytes, ..) => {
                let described = describe(bytes).unwrap_or_else(|| event("octets", format!("{}", bytes.len()), false));
                (*ours, described)
            }
            Said::Down(ours, None) => (*ours, event("closes", String::new(), false)),
            Said::Down(ours, Some(why)) => (*ours, event("breaks", shortened(why, 80), true)),
        };
        let (from, to) = if ours { (spoken.party.as_str(), PEER) } else { (PEER, spoken.party.as_str()) };
        let is_message = matches!(spoken.what, Said::Message(..));
        let frame = if is_message { frames.next().copied().unwrap_or_default() } else { 0 };
        // What is no message has no frame; the index tells one from the other.
        let place = Place {
            capture: u32::try_from(case).unwrap_or(u32::MAX),
            frame,
            index: if frame == 0 { index } else { 0 },
        };
        if let Said::Message(_, bytes, ..) = &spoken.what {
            messages.push(message(place, spoken, bytes, &described, (from, to), time, octets, left_out));
        }
        said.push(ladder::Said { place, time, from: from.to_owned(), to: to.to_owned(), described });
    }
    let mut ladder = Ladder::new(String::new(), said, 0);
    for participant in &mut ladder.participants {
        if let Some((_, detail)) = details.iter().find(|(who, _)| *who == participant.identity) {
            participant.detail.clone_from(detail);
        }
    }
    (ladder, messages)
}

/// The column of the peer.
const PEER: &str = "peer";

/// What is no message, as an arrow.
fn event(what: &str, more: String, refused: bool) -> Described {
    let (number, reference_point) = ("", "");
    Described { number, abbreviation: what.to_owned(), reference_point, identifiers: more, request: true, refused }
}

#[allow(clippy::too_many_arguments, reason = "used once")]
fn message(
    place: Place,
    spoken: &Spoken,
    bytes: &[u8],
    described: &Described,
    (from, to): (&str, &str),
    time: Timestamp,
    octets: &mut usize,
    left_out: &mut u64,
) -> Message {
    let mut tree = String::new();
    if *octets < OCTETS {
        Tree::of(bytes).write_html(&mut tree);
        *octets += tree.len();
    } else {
        *left_out += 1;
    }
    let time = format!("{}, {:.3} s after the beginning", moment(time), spoken.at.as_secs_f64());
    Message { place, label: described.label(), from: from.to_owned(), to: to.to_owned(), time, tree }
}
