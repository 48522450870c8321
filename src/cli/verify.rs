//! `proselink verify`: does a capture hold what it should?

mod ahead;
pub(super) mod reports;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::output::{self, Output};
use super::{Globals, exit};
use crate::message::json::write_text;
use crate::message::text::Palette;
use crate::verify::{CaptureSummary, Finding, Report, Severity};
use reports::{Judged, ReportArgs};

/// The arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// Captures (pcap, pcapng, also gzip), or directories of them; `-` alone for standard input
    #[arg(value_name = "FILE", required_unless_present = "read")]
    files: Vec<PathBuf>,
    /// A capture to read, as with tshark; may be repeated
    #[arg(short = 'r', long = "read", value_name = "FILE")]
    read: Vec<PathBuf>,
    /// One JSON object a line: a finding each, and a summary for each file
    #[arg(long)]
    json: bool,
    /// No findings, only the verdict
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    reports: ReportArgs,
}

const EXAMPLES: &str = "\
Examples:
  proselink verify demo.pcapng             the verdict on a capture; exit code 1 when something is wrong
  proselink verify --json a.pcap b.pcapng  findings for machines
  proselink verify mme.pcap function.pcap  both together: their messages in the order of time
  proselink verify traces/                 all captures in a directory and those below it
  gzip -dc trace.pcap.gz | proselink verify -
  proselink verify --html report.html demo.pcapng
                                           a page with findings, ladders and messages, for any browser
  proselink verify --junit verify.xml --sarif verify.sarif *.pcapng
                                           for a CI server

What is judged: checksums, payload protocol, streams, gaps and copies; the header; grammar, flags and formats
of every known command; each request answered once, in time and by the same ids; capabilities first,
watchdogs, disconnect; the registration procedure, its identifiers followed through PC3, PC4 and PC2, over
all captures given. docs/verify.md lists every check.";

/// Runs the verb.
pub fn run(args: VerifyArgs, globals: &Globals) -> u8 {
    let mut output = Output::new();
    let palette = output::palette(globals);
    let given: Vec<&PathBuf> = args.read.iter().chain(&args.files).collect();
    let judged = match Judged::of(&given, args.reports.html()) {
        Ok(judged) => judged,
        Err(code) => return code,
    };
    let report = judged.report();
    let read = |capture: &CaptureSummary| judged.was_read(capture);
    if args.json {
        to_json(report, args.quiet, read, &mut output.text);
    } else {
        text_of(report, args.quiet, read, &palette, &mut output.text);
    }
    let good = if report.is_good() { exit::GOOD } else { exit::DIFFERS };
    if let Err(error) = output.flush() {
        return exit::of_output(&error);
    }
    good.max(judged.code()).max(args.reports.write(&judged))
}

/// The findings, then the verdict in a few lines. The demo closes with the same words.
pub fn to_text(report: &Report, quiet: bool, palette: &Palette, out: &mut String) {
    text_of(report, quiet, |_| true, palette, out);
}

fn text_of(report: &Report, quiet: bool, read: impl Fn(&CaptureSummary) -> bool, palette: &Palette, out: &mut String) {
    let several = report.captures.len() > 1;
    if !quiet {
        for finding in &report.findings {
            let ink = match finding.severity() {
                Severity::Error => &palette.fault,
                Severity::Note => &palette.detail,
            };
            let _ = write!(out, "{}", ink.on);
            if several {
                let _ = write!(out, "{}: ", report.capture_name(finding.capture));
            }
            let _ = writeln!(out, "{finding}{}", ink.off);
        }
        let kept = report.findings.len() as u64;
        if kept < report.errors + report.notes {
            let _ = writeln!(out, "... and {} findings more", report.errors + report.notes - kept);
        }
    }
    for summary in report.captures.iter().filter(|summary| read(summary)) {
        verdict(&summary.name, summary, palette, out);
    }
    if several {
        verdict(&count(report.captures.len() as u64, "capture"), &total(report), palette, out);
    }
}

/// All captures as one.
fn total(report: &Report) -> CaptureSummary {
    CaptureSummary {
        frames: report.frames,
        messages: report.messages,
        requests: report.requests,
        answered: report.answered,
        associations: report.associations,
        registrations: report.registrations,
        moves: report.moves,
        refusals: report.refusals,
        errors: report.errors,
        notes: report.notes,
        ..CaptureSummary::default()
    }
}

fn verdict(name: &str, summary: &CaptureSummary, palette: &Palette, out: &mut String) {
    let good = summary.errors == 0;
    let (ink, verdict) = if good { (&palette.meaning, "good") } else { (&palette.fault, "not good") };
    let copies =
        if summary.copies > 0 { format!(" ({} in another capture too)", summary.copies) } else { String::new() };
    let _ = writeln!(
        out,
        "{name}: {}{verdict}{}: {}{copies} in {}, {} of {} answered; {}, {}, {}; {}, {}",
        ink.on,
        ink.off,
        count(summary.messages, "message"),
        count(summary.associations, "association"),
        summary.answered,
        count(summary.requests, "request"),
        count(summary.registrations, "registration"),
        count(summary.moves, "move"),
        count(summary.refusals, "refusal"),
        count(summary.errors, "error"),
        count(summary.notes, "note"),
    );
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn to_json(report: &Report, quiet: bool, read: impl Fn(&CaptureSummary) -> bool, out: &mut String) {
    if !quiet {
        for finding in &report.findings {
            finding_to_json(report, finding, out);
        }
    }
    for summary in report.captures.iter().filter(|summary| read(summary)) {
        summary_to_json("summary", &summary.name, summary, out);
    }
    if report.captures.len() > 1 {
        summary_to_json("total", "", &total(report), out);
    }
}

fn finding_to_json(report: &Report, finding: &Finding, out: &mut String) {
    out.push_str(r#"{"v":1,"type":"finding","file":"#);
    write_text(report.capture_name(finding.capture), out);
    let _ = write!(
        out,
        r#","id":"{}","area":"{}","severity":"{}","frame":{},"index":{},"requirement":"#,
        finding.check.id,
        finding.check.area.name(),
        finding.severity().name(),
        finding.frame,
        finding.index
    );
    write_text(&finding.clause, out);
    for (key, text) in
        [("avp", &finding.path), ("text", &finding.text()), ("found", &finding.found), ("expected", &finding.expected)]
    {
        let _ = write!(out, r#","{key}":"#);
        write_text(text, out);
    }
    if let Some(ue) = finding.ue {
        let _ = write!(out, r#","ue":{ue}"#);
    }
    out.push_str("}\n");
}

fn summary_to_json(kind: &str, name: &str, summary: &CaptureSummary, out: &mut String) {
    let _ = write!(out, r#"{{"v":1,"type":"{kind}","file":"#);
    write_text(name, out);
    let _ = writeln!(
        out,
        r#","good":{},"frames":{},"messages":{},"requests":{},"answered":{},"associations":{},"registrations":{},"moves":{},"refusals":{},"errors":{},"notes":{},"copies":{}}}"#,
        summary.errors == 0,
        summary.frames,
        summary.messages,
        summary.requests,
        summary.answered,
        summary.associations,
        summary.registrations,
        summary.moves,
        summary.refusals,
        summary.errors,
        summary.notes,
        summary.copies
    );
}
