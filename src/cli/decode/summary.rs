//! What was in the captures, counted: the whole output of `decode -q`.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::ONLOOKER;
use crate::avp::dictionary::{Declared as _, ExperimentalResult, ExperimentalResultCode, ResultCode};
use crate::avp::{Avps, Key};
use crate::capture::{CapturedMessage, Statistics, Transport};
use crate::interfaces::{self, names};
use crate::message::check::check;
use crate::message::header::VERSION;
use crate::message::text::Palette;
use crate::message::{HEADER_LENGTH, Header, json};

/// Kinds of commands that are counted apart; a hostile file could name four billion.
const KINDS_LIMIT: usize = 4096;

/// Results that are counted apart; the table is searched from its start.
const RESULTS_LIMIT: usize = 64;

const RESULT_CODE: Key = ResultCode::DEFINITION.key;
const EXPERIMENTAL_RESULT: Key = ExperimentalResult::DEFINITION.key;
const EXPERIMENTAL_RESULT_CODE: Key = ExperimentalResultCode::DEFINITION.key;

/// Counts of one command in one application.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    requests: u64,
    answers: u64,
    /// Answers with the E bit.
    errors: u64,
    /// Requests with the T bit.
    retransmitted: u64,
}

/// All counts.
#[derive(Debug, Default)]
pub struct Summary {
    kinds: HashMap<(u32, u32), usize>,
    counts: Vec<((u32, u32), Counts)>,
    /// Row of the message before: mostly the next one has the same command.
    last: usize,
    uncounted: u64,
    /// Result-Codes, and with true Experimental-Result-Codes, each with its count.
    results: Vec<((u32, bool), u64)>,
    /// Messages whose header does not add up, and answers whose AVPs do not up to their result.
    malformed: u64,
    /// True when every message is judged by its grammar; that takes as long again as all the rest.
    judges: bool,
    /// Messages with faults, and their faults.
    faulty: u64,
    faults: u64,
    messages: u64,
    octets: u64,
    sctp: u64,
    tcp: u64,
    /// Time of the first and the last message, in nanoseconds.
    span: Option<(i64, i64)>,
    captures: u64,
    totals: Totals,
}

macro_rules! totals {
    ($($(#[doc = $doc:literal])* $field:ident,)*) => {
        /// The sums of the readers' statistics.
        #[derive(Debug, Default)]
        struct Totals { $($field: u64,)* }

        impl Totals {
            fn add(&mut self, statistics: &Statistics) {
                $( self.$field += statistics.$field; )*
            }

            fn write_json(&self, out: &mut String) {
                $( let _ = write!(out, concat!(r#","#, "\"", stringify!($field), "\":{}"), self.$field); )*
            }
        }
    };
}

totals! {
    frames, unknown_link, ip_packets, ip_fragments, ip_abandoned, tunnelled, sctp_packets, sctp_over_udp,
    checksum_good, checksum_bad, checksum_zero, checksum_adler32, checksum_unjudged, duplicate_chunks, bad_chunks,
    associations, sctp_incomplete, tcp_retransmissions, connections, tcp_gaps, tcp_resynchronised, cut, too_long,
    evicted,
}

impl Summary {
    /// Nothing counted yet; `judges` has every message judged by its grammar.
    pub fn new(judges: bool) -> Self {
        Self { judges, ..Self::default() }
    }

    /// Counts a message of a capture.
    #[inline]
    pub fn captured(&mut self, captured: &CapturedMessage<'_>, header: &Header) {
        match captured.transport {
            Transport::Sctp => self.sctp += 1,
            Transport::Tcp => self.tcp += 1,
        }
        let time = captured.time.as_nanoseconds();
        self.span = Some(self.span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
        self.message(header, captured.bytes);
    }

    /// Counts a message.
    #[inline]
    pub fn message(&mut self, header: &Header, message: &[u8]) {
        self.messages += 1;
        self.octets += message.len() as u64;
        if self.judges {
            let faults = check(message, interfaces::command_of(header), ONLOOKER);
            self.faulty += u64::from(!faults.is_empty());
            self.faults += faults.len() as u64;
        }
        self.survey(message, header);
        let kind = (header.application, header.code);
        let row = match self.counts.get_mut(self.last) {
            Some((known, row)) if *known == kind => row,
            _ => match self.row(kind) {
                Some(row) => row,
                None => {
                    self.uncounted += 1;
                    return;
                }
            },
        };
        if header.is_request() {
            row.requests += 1;
            row.retransmitted += u64::from(header.flags.is_retransmitted());
        } else {
            row.answers += 1;
            row.errors += u64::from(header.flags.is_error());
        }
    }

    /// Judges the header, and walks the AVPs of an answer up to its result, of which there is one. All else is for those
    /// who ask for every message to be judged.
    #[inline]
    fn survey(&mut self, message: &[u8], header: &Header) {
        let mut sound = header.version == VERSION && header.length as usize == message.len();
        let number = |data: &[u8]| data.try_into().ok().map(u32::from_be_bytes);
        let body = if header.is_request() { &[] } else { message.get(HEADER_LENGTH..).unwrap_or_default() };
        for avp in Avps::new(body) {
            let Ok(avp) = avp else {
                sound = false;
                break;
            };
            if avp.key == RESULT_CODE {
                if let Some(code) = number(avp.data) {
                    self.result(code, false);
                }
                break;
            } else if avp.key == EXPERIMENTAL_RESULT {
                let inner = avp.members().map_while(Result::ok).find(|member| member.key == EXPERIMENTAL_RESULT_CODE);
                if let Some(code) = inner.and_then(|member| number(member.data)) {
                    self.result(code, true);
                }
                break;
            }
        }
        self.malformed += u64::from(!sound);
    }

    fn result(&mut self, code: u32, experimental: bool) {
        let key = (code, experimental);
        if let Some((_, count)) = self.results.iter_mut().find(|(known, _)| *known == key) {
            *count += 1;
        } else if self.results.len() < RESULTS_LIMIT {
            self.results.push((key, 1));
        }
    }

    fn row(&mut self, kind: (u32, u32)) -> Option<&mut Counts> {
        let next = self.counts.len();
        let at = match self.kinds.get(&kind) {
            Some(at) => *at,
            None if next >= KINDS_LIMIT => return None,
            None => {
                self.kinds.insert(kind, next);
                self.counts.push((kind, Counts::default()));
                next
            }
        };
        self.last = at;
        self.counts.get_mut(at).map(|(_, counts)| counts)
    }

    /// Adds what a reader has seen.
    pub fn capture_done(&mut self, statistics: &Statistics) {
        self.captures += 1;
        self.totals.add(statistics);
    }

    fn sorted(&self) -> Vec<((u32, u32), Counts)> {
        let mut rows = self.counts.clone();
        rows.sort_unstable_by_key(|(kind, counts)| (u64::MAX - counts.requests - counts.answers, *kind));
        rows
    }

    /// Appends the summary for people.
    pub fn write(&self, palette: &Palette, out: &mut String) {
        let heading = &palette.command;
        let _ = write!(out, "{}{} Diameter messages{}", heading.on, self.messages, heading.off);
        let _ = write!(out, ", {} octets", self.octets);
        if self.captures > 0 {
            let _ = write!(out, ", in {} frames", self.totals.frames);
        }
        if self.captures > 1 {
            let _ = write!(out, " of {} captures", self.captures);
        }
        if let Some((first, last)) = self.span.filter(|_| self.captures == 1) {
            let seconds = (last - first) / 1_000_000_000;
            let _ = write!(out, ", over {seconds}.{:03} s", (last - first) / 1_000_000 % 1000);
        }
        out.push('\n');
        if !self.counts.is_empty() {
            let _ = writeln!(
                out,
                "\n{}{:<40} {:<28} {:>10} {:>10} {:>8} {:>8}{}",
                palette.detail.on,
                "command",
                "application",
                "requests",
                "answers",
                "error",
                "again",
                palette.detail.off
            );
        }
        for ((application, code), counts) in self.sorted() {
            let name = names::command_stem(application, code).unwrap_or("command");
            let command = format!("{name} ({code})");
            let application = match names::application_name(application) {
                Some(name) => format!("{name} ({application})"),
                None => format!("application {application}"),
            };
            let Counts { requests, answers, errors, retransmitted } = counts;
            let _ = writeln!(
                out,
                "{}{command:<40}{} {application:<28} {requests:>10} {answers:>10} {errors:>8} {retransmitted:>8}",
                palette.name.on, palette.name.off
            );
        }
        if self.uncounted > 0 {
            let _ = writeln!(out, "{} messages of further commands", self.uncounted);
        }
        self.write_results(palette, out);
        if self.malformed > 0 {
            let _ = writeln!(
                out,
                "{}malformed           messages {}{}",
                palette.fault.on, self.malformed, palette.fault.off
            );
        }
        if self.judges {
            let ink = if self.faulty > 0 { &palette.fault } else { &palette.meaning };
            let _ =
                writeln!(out, "{}faults              {} in {} messages{}", ink.on, self.faults, self.faulty, ink.off);
        }
        if self.captures == 0 {
            return;
        }
        let totals = &self.totals;
        self.line("transport", &[("SCTP", self.sctp), ("TCP", self.tcp)], 2, palette, out);
        let flows = [
            ("SCTP associations", totals.associations),
            ("TCP connections", totals.connections),
            ("SCTP packets over UDP", totals.sctp_over_udp),
            ("packets in tunnels", totals.tunnelled),
        ];
        self.line("flows", &flows, 2, palette, out);
        let checksums = [
            ("good", totals.checksum_good),
            ("wrong", totals.checksum_bad),
            ("zero", totals.checksum_zero),
            ("Adler-32", totals.checksum_adler32),
            ("not judged", totals.checksum_unjudged),
        ];
        if totals.sctp_packets > 0 {
            self.line("SCTP checksums", &checksums, 2, palette, out);
        }
        let copies = [("SCTP chunks", totals.duplicate_chunks), ("TCP segments", totals.tcp_retransmissions)];
        self.line("sent or seen again", &copies, 0, palette, out);
        let gaps = [
            ("TCP gaps", totals.tcp_gaps),
            ("TCP streams found again", totals.tcp_resynchronised),
            ("SCTP messages incomplete", totals.sctp_incomplete),
            ("IP packets incomplete", totals.ip_abandoned),
            ("cut by the snap length", totals.cut),
            ("impossible chunks", totals.bad_chunks),
            ("messages too long", totals.too_long),
            ("flows given up", totals.evicted),
            ("frames of unknown link types", totals.unknown_link),
        ];
        self.line("missing", &gaps, 0, palette, out);
    }

    fn write_results(&self, palette: &Palette, out: &mut String) {
        if self.results.is_empty() {
            out.push('\n');
            return;
        }
        let _ = writeln!(out, "\n{}{:<69} {:>10}{}", palette.detail.on, "result", "answers", palette.detail.off);
        let mut results = self.results.clone();
        results.sort_unstable_by_key(|(key, count)| (u64::MAX - count, *key));
        for ((code, experimental), count) in results {
            let definition = if experimental { ExperimentalResultCode::DEFINITION } else { ResultCode::DEFINITION };
            let name = definition.value_name(code.into()).unwrap_or_default();
            let result = format!("{code} {name}{}", if experimental { " (experimental)" } else { "" });
            let ink = if code / 1000 == 2 { &palette.meaning } else { &palette.fault };
            let _ = writeln!(out, "{}{result:<69}{} {count:>10}", ink.on, ink.off);
        }
        out.push('\n');
    }

    /// One line of counts; those that are zero are left out, save the first `always`.
    fn line(&self, title: &str, counts: &[(&str, u64)], always: usize, palette: &Palette, out: &mut String) {
        let mut shown = counts.iter().enumerate().filter(|(at, (_, count))| *at < always || *count > 0).peekable();
        if shown.peek().is_none() {
            return;
        }
        let _ = write!(out, "{}{title:<20}{}", palette.detail.on, palette.detail.off);
        for (at, (_, (name, count))) in shown.enumerate() {
            let _ = write!(out, "{}{name} {count}", if at > 0 { ", " } else { "" });
        }
        out.push('\n');
    }

    /// Appends the summary as one JSON object.
    pub fn write_json(&self, version: u32, out: &mut String) {
        let _ = write!(
            out,
            r#"{{"v":{version},"messages":{},"octets":{},"captures":{},"sctp":{},"tcp":{},"commands":["#,
            self.messages, self.octets, self.captures, self.sctp, self.tcp
        );
        for (at, ((application, code), counts)) in self.sorted().into_iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let _ = write!(out, r#"{comma}{{"application":{application},"code":{code},"command":"#);
            match names::command_stem(application, code) {
                Some(stem) => json::write_text(stem, out),
                None => out.push_str("null"),
            }
            out.push_str(r#","application_name":"#);
            match names::application_name(application) {
                Some(name) => json::write_text(name, out),
                None => out.push_str("null"),
            }
            let Counts { requests, answers, errors, retransmitted } = counts;
            let _ = write!(
                out,
                r#","requests":{requests},"answers":{answers},"errors":{errors},"retransmitted":{retransmitted}}}"#
            );
        }
        out.push_str(r#"],"results":["#);
        for (at, ((code, experimental), count)) in self.results.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let _ = write!(out, r#"{comma}{{"code":{code},"experimental":{experimental},"count":{count}}}"#);
        }
        let _ = write!(out, r#"],"malformed":{}"#, self.malformed);
        if self.judges {
            let _ = write!(out, r#","faults":{},"faulty":{}"#, self.faults, self.faulty);
        }
        self.totals.write_json(out);
        out.push_str("}\n");
    }
}
