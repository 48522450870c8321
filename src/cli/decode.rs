//! `proselink decode`: any capture, or messages in hexadecimal, as text or JSON.

pub(super) mod input;
mod summary;

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use clap::Args;

use self::input::Input;
use self::summary::Summary;
use super::call::draft;
use super::output::{self, Output};
use super::{Globals, exit};
use crate::capture::{CapturedMessage, Reader, Transport};
use crate::interfaces::{self, names};
use crate::message::check::{Strictness, check};
use crate::message::filter::{Filter, Subject};
use crate::message::text::{self, Palette};
use crate::message::{HEADER_LENGTH, Header, json};

/// The version of the JSON lines. A key that changes its meaning or goes away raises it; a new key does not.
const JSON_VERSION: u32 = 1;

/// The arguments of `decode`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DecodeArgs {
    /// Captures (pcap, pcapng, also gzip), `-` for standard input, or one message in hexadecimal
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A capture to read, as with tshark; may be repeated
    #[arg(short = 'r', long = "read", value_name = "FILE")]
    read: Vec<PathBuf>,
    /// Messages in hexadecimal; blanks, colons and 0x are passed over
    #[arg(long, value_name = "HEX", conflicts_with_all = ["files", "read"])]
    hex: Vec<String>,
    /// Only messages that this display filter accepts, with the field names of Wireshark
    #[arg(short = 'Y', long = "filter", value_name = "FILTER")]
    filter: Option<String>,
    /// Stop after this many messages
    #[arg(short = 'c', long = "count", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// One JSON object a line for each message
    #[arg(long, conflicts_with_all = ["oneline", "tree"])]
    json: bool,
    /// One line for each message, without its AVPs
    #[arg(long, conflicts_with = "tree")]
    oneline: bool,
    /// The whole tree, as with tshark; this is the default
    #[arg(short = 'V', long)]
    tree: bool,
    /// No messages, only a closing summary
    #[arg(short, long)]
    quiet: bool,
    /// In the summary, judge every message by its grammar and count the faults
    #[arg(long, requires = "quiet")]
    check: bool,
}

const EXAMPLES: &str = "\
Examples:
  proselink decode trace.pcapng
      every Diameter message as a tree, whatever the port, over SCTP and TCP
  proselink decode --oneline *.pcap.gz
      one line for each message
  proselink decode trace.pcap -Y 'diameter.cmd.code == 316 && diameter.Result-Code != 2001'
      only the Update-Location messages whose result is not success
  tcpdump -w - sctp | proselink decode --json | jq 'select(.faults != [])'
      live, the messages with faults
  proselink decode -q big.pcapng
      what is in it: commands, transports, checksums, gaps
  proselink decode 01000014800001180000000000000001 00000002
      one message in hexadecimal

Filters:
  diameter.cmd.code, diameter.applicationId, diameter.flags.request, diameter.avp.code and so on;
  diameter.NAME for an AVP at any depth; frame.number, ip.addr, ipv6.addr, tcp.port, sctp.port;
  == != < > <= >= contains in {1, 5..9}, && || ! and parentheses. As in Wireshark 4, `!=` holds
  when the field is there and all its values differ.";

/// Runs the verb.
pub fn run(args: DecodeArgs, globals: &Globals) -> u8 {
    let filter = match args.filter.as_deref().map(Filter::parse).transpose() {
        Ok(filter) => filter,
        Err(error) => {
            let filter = args.filter.as_deref().unwrap_or_default();
            eprintln!("proselink decode: -Y: {error}\n  {}\n  {:>2$}", escaped(filter), '^', error.column);
            return exit::USAGE;
        }
    };
    let inputs = match input::collect(&args.hex, args.read.iter().chain(&args.files)) {
        Ok(inputs) => inputs,
        Err(reason) => {
            eprintln!("proselink decode: {reason}");
            return exit::USAGE;
        }
    };
    let mode = match &args {
        DecodeArgs { quiet: true, .. } => Mode::Quiet,
        DecodeArgs { json: true, .. } => Mode::Json,
        DecodeArgs { oneline: true, .. } => Mode::OneLine,
        _ => Mode::Tree,
    };
    let mut decoder = Decoder {
        filter,
        mode,
        palette: output::palette(globals),
        several: inputs.len() > 1,
        left: args.count.unwrap_or(u64::MAX),
        output: Output::new(),
        summary: Summary::new(args.check),
        code: exit::GOOD,
    };
    let json_summary = args.quiet && args.json;
    match decoder.run(inputs).and_then(|()| decoder.close(json_summary)) {
        Ok(()) => decoder.code,
        Err(error) => {
            let code = exit::of_output(&error);
            if code != exit::GOOD {
                eprintln!("proselink decode: standard output: {error}");
            }
            code
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Tree,
    OneLine,
    Json,
    Quiet,
}

/// A message and where it was found.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub file: &'a str,
    pub bytes: &'a [u8],
    pub frame: u64,
    pub index: u32,
    /// What only a capture knows.
    pub captured: Option<&'a CapturedMessage<'a>>,
}

struct Decoder {
    filter: Option<Filter>,
    mode: Mode,
    palette: Palette,
    several: bool,
    /// How many messages may still be shown.
    left: u64,
    output: Output,
    summary: Summary,
    code: u8,
}

impl Decoder {
    /// Errors are those of standard output; what is wrong with an input is told and remembered in the exit code.
    fn run(&mut self, inputs: Vec<Input>) -> io::Result<()> {
        for input in inputs {
            if self.left == 0 {
                break;
            }
            let name = input.name().to_owned();
            self.output.live = input.is_live();
            if self.several && self.mode == Mode::Tree {
                let _ = writeln!(self.output.text, "== {} ==\n", escaped(&name));
            }
            match input.open() {
                Ok(input::Opened::Capture(mut reader)) => self.capture(&name, &mut reader)?,
                Ok(input::Opened::Messages(octets)) => self.messages(&name, &octets)?,
                Ok(input::Opened::Json(text)) => match json_messages(&name, &text) {
                    Ok(octets) => self.messages(&name, &octets)?,
                    Err(reason) => {
                        self.output.flush()?;
                        self.code = self.code.max(exit::MALFORMED);
                        eprintln!("proselink decode: {reason}");
                    }
                },
                Err(error) => self.complain(&name, &error, error.code())?,
            }
        }
        Ok(())
    }

    fn capture(&mut self, name: &str, reader: &mut Reader<'_>) -> io::Result<()> {
        let result = loop {
            if self.left == 0 {
                break Ok(());
            }
            match reader.next_message() {
                Ok(Some(captured)) => {
                    let Some(header) = Header::parse(captured.bytes) else { continue };
                    let found = Found {
                        file: name,
                        bytes: captured.bytes,
                        frame: captured.frame,
                        index: captured.index,
                        captured: Some(&captured),
                    };
                    if self.accepts(&found, &header) {
                        self.left -= 1;
                        self.show(&found, &header)?;
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.summary.capture_done(reader.statistics());
        match result {
            Ok(()) => Ok(()),
            Err(error) => self.complain(name, &error, exit::of_capture(&error)),
        }
    }

    /// Messages that lie end to end.
    fn messages(&mut self, name: &str, octets: &[u8]) -> io::Result<()> {
        let mut rest = octets;
        let mut index = 0;
        while !rest.is_empty() && self.left > 0 {
            let offset = octets.len() - rest.len();
            let Some(header) = Header::parse(rest) else {
                let what = format!("octet {offset}: {} octets are left, a Diameter header has 20", rest.len());
                return self.complain(name, &what, exit::MALFORMED);
            };
            let stated = (header.length as usize).max(HEADER_LENGTH);
            let (bytes, after) = rest.split_at_checked(stated).unwrap_or((rest, &[]));
            let found = Found { file: name, bytes, frame: 1, index, captured: None };
            if self.accepts(&found, &header) {
                self.left -= 1;
                self.show(&found, &header)?;
            }
            if bytes.len() != header.length as usize {
                let present = bytes.len();
                let what = format!("octet {offset}: Message Length is {}, {present} octets are there", header.length);
                return self.complain(name, &what, exit::MALFORMED);
            }
            rest = after;
            index += 1;
        }
        Ok(())
    }

    fn accepts(&self, found: &Found<'_>, header: &Header) -> bool {
        let Some(filter) = &self.filter else { return true };
        let captured = found.captured;
        filter.matches(&Subject {
            message: found.bytes,
            header: *header,
            frame: found.frame,
            time: captured.map(|it| it.time.as_nanoseconds()),
            sctp: captured.map(|it| it.transport == Transport::Sctp),
            source: captured.map(|it| it.source),
            destination: captured.map(|it| it.destination),
            ppid: captured.and_then(|it| it.ppid),
            stream: captured.and_then(|it| it.stream),
        })
    }

    #[inline]
    fn show(&mut self, found: &Found<'_>, header: &Header) -> io::Result<()> {
        if self.mode == Mode::Quiet {
            match found.captured {
                Some(captured) => self.summary.captured(captured, header),
                None => self.summary.message(header, found.bytes),
            }
            return Ok(());
        }
        let out = &mut self.output.text;
        match self.mode {
            Mode::Tree => {
                write_place(found, &self.palette, out);
                let faults = check(found.bytes, interfaces::command_of(header), ONLOOKER);
                text::write_message(found.bytes, &faults, &self.palette, out);
                out.push('\n');
            }
            Mode::OneLine => {
                if self.several {
                    let _ = write!(out, "{}: ", escaped(found.file));
                }
                write_line(found, header, &self.palette, out);
            }
            Mode::Json => write_json(found, header, out),
            Mode::Quiet => {}
        }
        self.output.message_done()
    }

    /// Tells what is wrong with an input, after all that came before it.
    fn complain(&mut self, name: &str, what: &dyn std::fmt::Display, code: u8) -> io::Result<()> {
        self.code = self.code.max(code);
        let flushed = self.output.flush();
        eprintln!("proselink decode: {}: {what}", escaped(name));
        flushed
    }

    fn close(&mut self, json: bool) -> io::Result<()> {
        if self.mode == Mode::Quiet {
            if json {
                self.summary.write_json(JSON_VERSION, &mut self.output.text);
            } else {
                self.summary.write(&self.palette, &mut self.output.text);
            }
        }
        self.output.flush()
    }
}

/// The messages of a JSON text, end to end.
fn json_messages(name: &str, text: &str) -> Result<Vec<u8>, String> {
    let documents = draft::parse(name, text)?;
    documents.iter().map(draft::Document::message).collect::<Result<Vec<_>, _>>().map(|messages| messages.concat())
}

/// An onlooker lacks dictionaries; that is no fault of the sender.
const ONLOOKER: Strictness = Strictness { unknown_mandatory: false };

fn escaped(name: &str) -> String {
    let mut out = String::new();
    text::write_escaped(name, &mut out);
    out
}

/// The line above a tree: frame, time, and the way the message took.
fn write_place(found: &Found<'_>, palette: &Palette, out: &mut String) {
    let Some(captured) = found.captured else {
        let _ = writeln!(out, "{}message {}{}", palette.detail.on, found.index + 1, palette.detail.off);
        return;
    };
    out.push_str(&palette.detail.on);
    let _ = write!(out, "frame {}", found.frame);
    if found.index > 0 {
        let _ = write!(out, ".{}", found.index);
    }
    out.push_str("  ");
    write_moment(captured.time.as_nanoseconds(), out);
    let _ = write!(out, "  {}  {} > {}", captured.transport, captured.source, captured.destination);
    if let Some(stream) = captured.stream {
        let _ = write!(out, "  stream {stream}");
    }
    if let Some(ppid) = captured.ppid {
        let _ = write!(out, "  ppid {ppid}");
    }
    out.push_str(&palette.detail.off);
    out.push('\n');
}

/// One message, one line.
fn write_line(found: &Found<'_>, header: &Header, palette: &Palette, out: &mut String) {
    let start = out.len();
    let _ = write!(out, "{}", found.frame);
    if found.index > 0 {
        let _ = write!(out, ".{}", found.index);
    }
    for _ in out.len() - start..7 {
        out.push(' ');
    }
    if let Some(captured) = found.captured {
        write_moment(captured.time.as_nanoseconds(), out);
        let _ = write!(out, "  {} {} > {}", captured.transport, captured.source, captured.destination);
    }
    out.push_str("  ");
    out.push_str(&palette.command.on);
    text::write_command_name(header, out);
    out.push_str(&palette.command.off);
    out.push_str("  ");
    match names::application_name(header.application) {
        Some(name) => out.push_str(name),
        None => {
            let _ = write!(out, "{}", header.application);
        }
    }
    let _ = write!(out, "{}  {} {}", palette.detail.on, header.flags, header.length);
    out.push_str(&palette.detail.off);
    if !header.is_request() {
        text::write_essence(found.bytes, palette, out);
    }
    out.push('\n');
}

/// RFC 3339 in UTC, to the nanosecond.
fn write_moment(nanoseconds: i64, out: &mut String) {
    let _ = match jiff::Timestamp::from_nanosecond(i128::from(nanoseconds)) {
        Ok(moment) => write!(out, "{moment:.9}"),
        Err(_) => write!(out, "{nanoseconds} ns"),
    };
}

/// One message as one JSON object. Keys and their order are fixed; see [`JSON_VERSION`].
pub(super) fn write_json(found: &Found<'_>, header: &Header, out: &mut String) {
    let _ = write!(out, r#"{{"v":{JSON_VERSION},"file":"#);
    json::write_text(found.file, out);
    let _ = write!(out, r#","frame":{},"index":{},"#, found.frame, found.index);
    match found.captured {
        Some(captured) => {
            let _ = write!(
                out,
                r#""time":"{}","transport":"{}","src":"{}","dst":"{}","ppid":"#,
                captured.time, captured.transport, captured.source, captured.destination
            );
            write_number(captured.ppid, out);
            out.push_str(r#","stream":"#);
            write_number(captured.stream.map(u32::from), out);
        }
        None => out.push_str(r#""time":null,"transport":null,"src":null,"dst":null,"ppid":null,"stream":null"#),
    }
    out.push(',');
    json::write_header(header, out);
    out.push_str(r#","command":"#);
    match names::command_name(header) {
        Some(name) => {
            let _ = write!(out, "\"{name}\"");
        }
        None => out.push_str("null"),
    }
    out.push_str(r#","application_name":"#);
    match names::application_name(header.application) {
        Some(name) => json::write_text(name, out),
        None => out.push_str("null"),
    }
    out.push_str(r#","avps":"#);
    let rest = json::write_avps(found.bytes.get(HEADER_LENGTH..).unwrap_or_default(), out);
    if !rest.is_empty() {
        out.push_str(r#","rest":""#);
        data_encoding::HEXLOWER.encode_append(rest, out);
        out.push('"');
    }
    out.push_str(r#","faults":"#);
    json::write_faults(&check(found.bytes, interfaces::command_of(header), ONLOOKER), out);
    out.push_str("}\n");
}

fn write_number(number: Option<u32>, out: &mut String) {
    let _ = match number {
        Some(number) => write!(out, "{number}"),
        None => write!(out, "null"),
    };
}
