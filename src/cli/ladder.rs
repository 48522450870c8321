//! `proselink ladder`: who said what to whom, as a picture.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{self, Output};
use super::verify::reports::Judged;
use super::{Globals, exit};
use crate::capture::{CaptureError, CapturedMessage, Reader, Transport};
use crate::message::Header;
use crate::message::filter::{Filter, Subject};
use crate::message::text::write_escaped;
use crate::report::gather::{Finder, places_of};
use crate::report::ladder::{Collector, Ladder, TextLadder, mermaid, svg};
use crate::report::{Place, count};

/// The arguments of `ladder`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LadderArgs {
    /// Captures (pcap, pcapng, also gzip), drawn as one; `-` for standard input
    #[arg(value_name = "FILE", required_unless_present = "read")]
    files: Vec<PathBuf>,
    /// A capture to read, as with tshark; may be repeated
    #[arg(short = 'r', long = "read", value_name = "FILE")]
    read: Vec<PathBuf>,
    /// As lines for a terminal; this is the default
    #[arg(long, group = "form")]
    text: bool,
    /// As a picture, for light and dark
    #[arg(long, group = "form")]
    svg: bool,
    /// As a Mermaid diagram, for documents that draw it
    #[arg(long, group = "form")]
    mermaid: bool,
    /// Where to write; without it, to standard output
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only messages that this display filter accepts, with the field names of Wireshark
    #[arg(short = 'Y', long = "filter", value_name = "FILTER")]
    filter: Option<String>,
    /// Only the procedure of one UE, over all captures: its number in the verdict, its IMSI, ID1 in hexadecimal, or ID2
    #[arg(long, value_name = "UE")]
    ue: Option<String>,
    /// Draw at most this many messages; more are counted
    #[arg(short = 'c', long = "count", value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
}

const EXAMPLES: &str = "\
Examples:
  proselink ladder demo.pcapng                           on the terminal
  proselink ladder demo.pcapng --svg -o ladder.svg       a picture
  proselink ladder mme.pcap hss.pcap --mermaid           several captures as one, for a Markdown file
  proselink ladder demo.pcapng -Y 'diameter.applicationId != 0'
                                                         without capabilities and watchdogs
  proselink ladder demo.pcapng --ue 1 --svg -o ue.svg    what the procedure said of the first UE

A column is a peer: by the Origin-Host of its CER or CEA where the capture holds one, else by the Origin-Host of all
it sent, else by its address. `proselink decode --help` tells of filters.";

/// Runs the verb.
pub fn run(args: LadderArgs, globals: &Globals) -> u8 {
    let filter = match args.filter.as_deref().map(Filter::parse).transpose() {
        Ok(filter) => filter,
        Err(error) => {
            let filter = escaped(args.filter.as_deref().unwrap_or_default());
            eprintln!("proselink ladder: -Y: {error}\n  {filter}\n  {:>1$}", '^', error.column);
            return exit::USAGE;
        }
    };
    let paths: Vec<&PathBuf> = args.read.iter().chain(&args.files).collect();
    let names: Vec<String> =
        paths.iter().map(|path| escaped(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy())).collect();
    let names = names.join(", ");
    let mut collector = Collector::new(args.count as usize);
    let mut code = exit::GOOD;
    let title = match &args.ue {
        Some(ue) => match of_ue(&paths, ue, filter.as_ref(), &mut collector) {
            Ok(title) => format!("{title} of {names}"),
            Err((why, code)) => {
                eprintln!("proselink ladder: {why}");
                return code;
            }
        },
        None => {
            for (capture, path) in (0..).zip(&paths) {
                if let Err(error) = read(path, capture, filter.as_ref(), &mut collector) {
                    eprintln!("proselink ladder: {}: {error}", path.display());
                    code = code.max(exit::of_capture(&error));
                }
            }
            names.clone()
        }
    };
    if collector.is_empty() {
        let why = if filter.is_some() { "no message that the filter accepts" } else { "no Diameter message" };
        eprintln!("proselink ladder: {names}: {why}");
        return code.max(exit::DIFFERS);
    }
    let ladder = collector.finish(title);
    code.max(write(&args, &ladder, globals))
}

/// Takes the messages of one UE, as the verdict followed it. The error is what to say, and the exit code.
fn of_ue(
    paths: &[&PathBuf],
    ue: &str,
    filter: Option<&Filter>,
    collector: &mut Collector,
) -> Result<String, (String, u8)> {
    let judged = Judged::of(paths, true).map_err(|code| ("nothing to follow a UE in".to_owned(), code))?;
    let again = |why: String| (why, exit::ENVIRONMENT);
    let report = judged.report();
    let mut number = ue.parse().ok().filter(|number| report.ue(*number).is_some());
    if number.is_none() {
        let finder = Finder::new(report, ue);
        judged.read(|capture, message| number = number.or_else(|| finder.message(capture, message))).map_err(again)?;
    }
    let Some(found) = number.and_then(|number| report.ue(number)) else {
        let known = count(report.ues_followed, "UE");
        return Err((format!("--ue: no UE is known by that; {known} followed, numbered from 1"), exit::DIFFERS));
    };
    let places = places_of(found);
    judged
        .read(|capture, message| {
            let place = Place { capture, frame: message.frame, index: message.index };
            let drawn = places.contains(&place) && filter.is_none_or(|filter| accepts(filter, message));
            collector.message(capture, message, drawn);
        })
        .map_err(again)?;
    Ok(format!("UE {}", found.number))
}

fn write(args: &LadderArgs, ladder: &Ladder, globals: &Globals) -> u8 {
    let draw = |colour: bool| match args {
        LadderArgs { svg: true, .. } => svg::document(ladder),
        LadderArgs { mermaid: true, .. } => mermaid::draw(ladder),
        _ => TextLadder::draw(ladder, output::ladder_inks(colour)),
    };
    match &args.output {
        Some(path) => to_file(path, &draw(false)),
        None => {
            let mut output = Output::new();
            output.text = draw(globals.choice(&io::stdout()));
            output.flush().map_or_else(|error| exit::of_output(&error), |()| exit::GOOD)
        }
    }
}

/// Writes a file; what fails is told.
pub(super) fn to_file(path: &Path, text: &str) -> u8 {
    match std::fs::File::create(path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => exit::GOOD,
        Err(error) => {
            eprintln!("proselink: {}: it can not be written: {error}", path.display());
            exit::ENVIRONMENT
        }
    }
}

/// Takes the messages of one capture.
fn read(path: &Path, capture: u32, filter: Option<&Filter>, collector: &mut Collector) -> Result<(), CaptureError> {
    let mut reader = if path == Path::new("-") { Reader::from_read(io::stdin()) } else { Reader::open(path)? };
    while let Some(message) = reader.next_message()? {
        let drawn = filter.is_none_or(|filter| accepts(filter, &message));
        collector.message(capture, &message, drawn);
    }
    Ok(())
}

fn accepts(filter: &Filter, message: &CapturedMessage<'_>) -> bool {
    let Some(header) = Header::parse(message.bytes) else { return false };
    filter.matches(&Subject {
        message: message.bytes,
        header,
        frame: message.frame,
        time: Some(message.time.as_nanoseconds()),
        sctp: Some(message.transport == Transport::Sctp),
        source: Some(message.source),
        destination: Some(message.destination),
        ppid: message.ppid,
        stream: message.stream,
    })
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    write_escaped(text, &mut out);
    out
}
