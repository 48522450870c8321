//! `proselink verify`: does a capture hold what it should?

pub(super) mod reports;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{self, Output};
use super::{Globals, exit};
use crate::message::json::write_text;
use crate::message::text::Palette;
use crate::verify::{Report, Severity};
use reports::{Judged, ReportArgs};

/// The arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// Captures (pcap, pcapng, also gzip); `-` for standard input
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
  gzip -dc trace.pcap.gz | proselink verify -
  proselink verify --html report.html demo.pcapng
                                           a page with findings, ladders and messages, for any browser
  proselink verify --junit verify.xml --sarif verify.sarif *.pcapng
                                           for a CI server

What is judged: the grammar and formats of every known command; each request answered once and by the same
ids; a capabilities exchange first on every association; the registration procedure, its identifiers
followed through PC3, PC4 and PC2.";

/// Runs the verb.
pub fn run(args: VerifyArgs, globals: &Globals) -> u8 {
    let mut output = Output::new();
    let palette = output::palette(globals);
    let mut worst = exit::GOOD;
    let mut judged = Judged::default();
    for path in args.read.iter().chain(&args.files) {
        let verdict = args.reports.input(path).and_then(|input| Ok((args.reports.judge(&input)?, input)));
        let code = match verdict {
            Ok((report, input)) => {
                if args.json {
                    to_json(path, &report, args.quiet, &mut output.text);
                } else {
                    to_text(path, &report, args.quiet, &palette, &mut output.text);
                }
                let code = if report.is_good() { exit::GOOD } else { exit::DIFFERS };
                if args.reports.any() {
                    judged.add(path, input, report);
                }
                code
            }
            Err(error) => {
                judged.add_unread(path, &error);
                eprintln!("proselink: {}: {error}", path.display());
                exit::of_capture(&error)
            }
        };
        worst = worst.max(code);
        if let Err(error) = output.flush() {
            return exit::of_output(&error);
        }
    }
    worst.max(args.reports.write(&judged))
}

/// The findings, then the verdict in a few lines. The demo closes with the same words.
pub fn to_text(path: &Path, report: &Report, quiet: bool, palette: &Palette, out: &mut String) {
    if !quiet {
        for finding in &report.findings {
            let ink = match finding.severity() {
                Severity::Error => &palette.fault,
                Severity::Note => &palette.detail,
            };
            let _ = writeln!(out, "{}{finding}{}", ink.on, ink.off);
        }
        let kept = report.findings.len() as u64;
        if kept < report.errors + report.notes {
            let _ = writeln!(out, "... and {} findings more", report.errors + report.notes - kept);
        }
    }
    let (ink, verdict) = if report.is_good() { (&palette.meaning, "good") } else { (&palette.fault, "not good") };
    let _ = writeln!(
        out,
        "{}: {}{verdict}{}: {} in {}, {} of {} answered; {}, {}, {}; {}, {}",
        path.display(),
        ink.on,
        ink.off,
        count(report.messages, "message"),
        count(report.associations, "association"),
        report.answered,
        count(report.requests, "request"),
        count(report.registrations, "registration"),
        count(report.moves, "move"),
        count(report.refusals, "refusal"),
        count(report.errors, "error"),
        count(report.notes, "note"),
    );
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn to_json(path: &Path, report: &Report, quiet: bool, out: &mut String) {
    let file = path.display().to_string();
    if !quiet {
        for finding in &report.findings {
            let _ = write!(out, r#"{{"v":1,"type":"finding","file":"#);
            write_text(&file, out);
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
            out.push_str(r#","avp":"#);
            write_text(&finding.path, out);
            out.push_str(r#","text":"#);
            write_text(&finding.text(), out);
            out.push_str(r#","found":"#);
            write_text(&finding.found, out);
            out.push_str(r#","expected":"#);
            write_text(&finding.expected, out);
            if let Some(ue) = finding.ue {
                let _ = write!(out, r#","ue":{ue}"#);
            }
            out.push_str("}\n");
        }
    }
    out.push_str(r#"{"v":1,"type":"summary","file":"#);
    write_text(&file, out);
    let _ = writeln!(
        out,
        r#","good":{},"frames":{},"messages":{},"requests":{},"answered":{},"associations":{},"registrations":{},"moves":{},"refusals":{},"errors":{},"notes":{}}}"#,
        report.is_good(),
        report.frames,
        report.messages,
        report.requests,
        report.answered,
        report.associations,
        report.registrations,
        report.moves,
        report.refusals,
        report.errors,
        report.notes
    );
}
