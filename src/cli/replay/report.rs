//! What a replay tells: a line a request with what differs, and a summary of each command.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::diff::{write_differences, write_json};
use crate::message::json::write_text;
use crate::message::text::{self, Palette};
use crate::replay::{Outcome, Report, Side, Totals};

/// Differences of one message that are printed; JSON has them all.
const SHOWN: usize = 20;

/// What became of each command: (association's side that asks, application, code) and the results then and now.
#[derive(Debug, Default)]
pub struct Summary {
    commands: BTreeMap<(String, Side), Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    outcomes: BTreeMap<Outcome, u64>,
    results: BTreeMap<(Option<u32>, Option<u32>), u64>,
}

impl Summary {
    /// Counts one.
    pub fn add(&mut self, report: &Report) {
        let counts = self.commands.entry((command(report), report.from)).or_default();
        *counts.outcomes.entry(report.outcome).or_default() += 1;
        if matches!(report.outcome, Outcome::Same | Outcome::Differs) {
            *counts.results.entry((report.expected, report.actual)).or_default() += 1;
        }
    }

    /// The summary for people.
    pub fn text(&self, totals: &Totals, palette: &Palette, out: &mut String) {
        for ((command, from), counts) in &self.commands {
            let outcomes = counts.outcomes.iter().map(|(outcome, count)| format!("{count} {}", outcome.name()));
            let _ = write!(out, "{command} of the {}: {}", from.name(), outcomes.collect::<Vec<_>>().join(", "));
            for ((then, now), count) in counts.results.iter().filter(|((then, now), _)| then != now) {
                let _ = write!(out, "; {} instead of {} in {count}", result(*now), result(*then));
            }
            out.push('\n');
        }
        let (ink, verdict) =
            if totals.is_good() { (&palette.meaning, "as captured") } else { (&palette.fault, "not as captured") };
        let _ = writeln!(out, "{}{verdict}{}: {}", ink.on, ink.off, words(totals));
    }

    /// The summary for machines.
    pub fn json(&self, totals: &Totals, out: &mut String) {
        let _ = write!(out, r#"{{"v":1,"type":"summary","good":{},"outcomes":{{"#, totals.is_good());
        for (at, (outcome, count)) in counted(totals).enumerate() {
            let _ = write!(out, r#"{}"{}":{count}"#, if at == 0 { "" } else { "," }, outcome.name());
        }
        out.push_str(r#"},"commands":["#);
        for (at, ((command, from), counts)) in self.commands.iter().enumerate() {
            out.push_str(if at == 0 { r#"{"command":"# } else { r#",{"command":"# });
            write_text(command, out);
            let _ = write!(out, r#","from":"{}","outcomes":{{"#, from.name());
            for (at, (outcome, count)) in counts.outcomes.iter().enumerate() {
                let _ = write!(out, r#"{}"{}":{count}"#, if at == 0 { "" } else { "," }, outcome.name());
            }
            out.push_str(r#"},"results":["#);
            for (at, ((then, now), count)) in counts.results.iter().enumerate() {
                let comma = if at == 0 { "" } else { "," };
                let (then, now) = (number(*then), number(*now));
                let _ = write!(out, r#"{comma}{{"expected":{then},"actual":{now},"count":{count}}}"#);
            }
            out.push_str("]}");
        }
        out.push_str("]}\n");
    }
}

const OUTCOMES: [Outcome; 11] = [
    Outcome::Same,
    Outcome::Differs,
    Outcome::Unanswered,
    Outcome::Surplus,
    Outcome::NotSent,
    Outcome::Asked,
    Outcome::AskedOtherwise,
    Outcome::NotAsked,
    Outcome::Again,
    Outcome::Refused,
    Outcome::Stray,
];

fn counted(totals: &Totals) -> impl Iterator<Item = (Outcome, u64)> {
    OUTCOMES.into_iter().map(|outcome| (outcome, totals.of(outcome))).filter(|(_, count)| *count > 0)
}

fn words(totals: &Totals) -> String {
    let all: Vec<_> = counted(totals).map(|(outcome, count)| format!("{count} {}", outcome.name())).collect();
    if all.is_empty() { "nothing was said".to_owned() } else { all.join(", ") }
}

fn command(report: &Report) -> String {
    let mut out = String::new();
    text::write_command_name(&report.header, &mut out);
    out
}

fn result(code: Option<u32>) -> String {
    code.map_or_else(|| "no result".to_owned(), |code| code.to_string())
}

fn number(code: Option<u32>) -> String {
    code.map_or_else(|| "null".to_owned(), |code| code.to_string())
}

/// Who asks whom in the capture.
#[derive(Clone, Copy, Debug)]
pub struct Between<'a> {
    pub asks: &'a str,
    pub asked: &'a str,
}

/// The first label of a host, or a dash.
fn label(host: &str) -> &str {
    host.split('.').next().filter(|label| !label.is_empty()).unwrap_or("-")
}

/// A connection that is up, for people.
pub fn connected_text(association: u32, us: &str, peer: &str, palette: &Palette, out: &mut String) {
    let _ = writeln!(
        out,
        "{}association {association}: we are {us}, the peer is {peer}{}",
        palette.detail.on, palette.detail.off
    );
}

/// A connection that is up, for machines.
pub fn connected_json(association: u32, us: &str, peer: &str, out: &mut String) {
    let _ = write!(out, r#"{{"v":1,"type":"connected","association":{association},"identity":"#);
    write_text(us, out);
    out.push_str(r#","peer":"#);
    write_text(peer, out);
    out.push_str("}\n");
}

/// One request for people; `between` where there are several associations.
pub fn step_text(report: &Report, between: Option<Between<'_>>, palette: &Palette, out: &mut String) {
    let ink = if report.outcome.is_good() { &palette.meaning } else { &palette.fault };
    let _ = match report.frame {
        0 => write!(out, "not in the capture  "),
        frame => write!(out, "frame {frame}  "),
    };
    if let Some(Between { asks, asked }) = between {
        let _ = write!(out, "{} > {}  ", label(asks), label(asked));
    }
    let _ = write!(out, "{}{}{}  ", palette.command.on, command(report), palette.command.off);
    let _ = write!(out, "{}{}{}", ink.on, report.outcome.name(), ink.off);
    match (report.expected, report.actual) {
        (then, Some(now)) if then == Some(now) => {
            let _ = write!(out, "  {now}");
        }
        (then, Some(now)) => {
            let _ = write!(out, "  {now} instead of {}", result(then));
        }
        (None, None) if report.outcome == Outcome::Same => out.push_str("  no answer, now as then"),
        (Some(then), None) => {
            let _ = write!(out, "  {then} in the capture");
        }
        _ => {}
    }
    if let Some(took) = report.took {
        let ms = took.as_secs_f64() * 1000.0;
        let _ = write!(out, "  {}{ms:.3} ms{}", palette.detail.on, palette.detail.off);
    }
    out.push('\n');
    let mut patch = String::new();
    let shown = report.differences.get(..SHOWN).unwrap_or(&report.differences);
    write_differences(shown, palette, &mut patch);
    for line in patch.lines() {
        let _ = writeln!(out, "    {line}");
    }
    if report.differences.len() > SHOWN {
        let _ = writeln!(out, "    ... and {} differences more", report.differences.len() - SHOWN);
    }
}

/// One request for machines.
pub fn step_json(report: &Report, between: Between<'_>, out: &mut String) {
    let answer = report.answer_frame.map_or_else(|| "null".to_owned(), |frame| frame.to_string());
    let _ = write!(
        out,
        r#"{{"v":1,"type":"step","frame":{},"index":{},"answer_frame":{answer},"association":{},"from":"{}","code":{},"application":{},"command":"#,
        report.frame,
        report.index,
        report.association,
        report.from.name(),
        report.header.code,
        report.header.application,
    );
    write_text(&command(report), out);
    out.push_str(r#","asks":"#);
    write_text(between.asks, out);
    out.push_str(r#","asked":"#);
    write_text(between.asked, out);
    let _ = write!(
        out,
        r#","outcome":"{}","expected":{},"actual":{},"took":"#,
        report.outcome.name(),
        number(report.expected),
        number(report.actual)
    );
    match report.took {
        Some(took) => {
            let _ = write!(out, "{:.6}", took.as_secs_f64());
        }
        None => out.push_str("null"),
    }
    out.push_str(r#","differences":["#);
    for (at, difference) in report.differences.iter().enumerate() {
        out.push_str(if at == 0 { "{" } else { ",{" });
        write_json(difference, out);
        out.push('}');
    }
    out.push_str("]}\n");
}
