//! From a verdict to a page: which messages are shown, collected in a second reading of the captures.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ladder::{Collector, Ladder, Said};
use super::model::{Capture, Fact, Finding, Kind, Message, Page, Section};
use super::tree::Tree;
use super::{Place, count, moment};
use crate::avp::Avps;
use crate::capture::CapturedMessage;
use crate::message::HEADER_LENGTH;
use crate::message::text::write_escaped;
use crate::verify::{CaptureSummary, Report, Severity, Step, Ue};

/// What a page holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// UEs drawn; those with errors come first. 50 unless changed.
    pub ues: usize,
    /// Messages drawn, all UEs together. 2,000 unless changed.
    pub messages: usize,
    /// Messages drawn where there is no UE to follow: the first ones. 200 unless changed.
    pub first: usize,
    /// Findings listed. 1,000 unless changed.
    pub findings: usize,
    /// Octets of opened messages, as HTML. 4 MiB unless changed.
    pub octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ues: 50, messages: 2000, first: 200, findings: 1000, octets: 4 << 20 }
    }
}

/// Chooses what a page shows of a verdict, and takes it from the captures.
pub struct Gatherer<'r> {
    report: &'r Report,
    limits: Limits,
    /// UEs that are drawn.
    ues: Vec<&'r Ue>,
    wanted: HashSet<Place>,
    /// The first messages, where there is no UE to follow.
    first: Vec<Place>,
    collector: Collector,
    trees: HashMap<Place, String>,
    octets: usize,
    left_out: u64,
}

/// The UE that is meant by a text: its number, or an identifier in one of its messages, which are `messages` with their
/// places: IMSI, ID2 and so on as text, ID1 in hexadecimal.
#[derive(Debug)]
pub struct Finder<'t> {
    text: &'t str,
    octets: Option<Vec<u8>>,
    ues: HashMap<Place, u32>,
}

impl<'t> Finder<'t> {
    /// Looks for `text` in the messages of the UEs of a verdict that kept their steps.
    #[must_use]
    pub fn new(report: &Report, text: &'t str) -> Self {
        let places = |ue: &'_ Ue| ue.steps.iter().map(|step| (place_of(step), ue.number)).collect::<Vec<_>>();
        let octets = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok().filter(|octets| octets.len() >= 4);
        Self { text, octets, ues: report.ues.iter().flat_map(places).collect() }
    }

    /// The number of the UE whose message this is, where it carries the identifier.
    #[must_use]
    pub fn message(&self, capture: u32, message: &CapturedMessage<'_>) -> Option<u32> {
        let ue = self.ues.get(&Place { capture, frame: message.frame, index: message.index })?;
        let body = Avps::new(message.bytes.get(HEADER_LENGTH..)?);
        let mut avps = body.map_while(Result::ok);
        avps.any(|avp| avp.data == self.text.as_bytes() || self.octets.as_deref() == Some(avp.data)).then_some(*ue)
    }
}

/// Where the messages of a UE are.
#[must_use]
pub fn places_of(ue: &Ue) -> HashSet<Place> {
    ue.steps.iter().map(place_of).collect()
}

fn place_of(step: &Step) -> Place {
    Place { capture: step.capture, frame: step.frame, index: step.index }
}

fn place_of_finding(finding: &crate::verify::Finding) -> Place {
    Place { capture: finding.capture, frame: finding.frame, index: finding.index }
}

impl<'r> Gatherer<'r> {
    /// Chooses by a verdict that kept the steps of UEs.
    #[must_use]
    pub fn new(report: &'r Report, limits: Limits) -> Self {
        let mut ues: Vec<&Ue> = report.ues.iter().filter(|ue| !ue.steps.is_empty()).collect();
        ues.sort_by_key(|ue| (ue.errors == 0, ue.number));
        ues.truncate(limits.ues);
        let mut wanted: HashSet<Place> =
            report.findings.iter().take(limits.findings.min(limits.messages)).map(place_of_finding).collect();
        // Whole UEs: one whose messages do not all fit is not drawn, unless it is the first.
        let mut room = limits.messages;
        let mut full = false;
        ues.retain(|ue| {
            full |= ue.steps.len() > room && room < limits.messages;
            room = room.saturating_sub(ue.steps.len());
            !full
        });
        ues.sort_by_key(|ue| ue.number);
        for ue in &ues {
            wanted.extend(ue.steps.iter().take(limits.messages).map(place_of));
        }
        let first = if ues.is_empty() { limits.first } else { 0 };
        let collector = Collector::new(wanted.len() + first);
        Self {
            report,
            limits: Limits { first, ..limits },
            ues,
            wanted,
            first: Vec::new(),
            collector,
            trees: HashMap::new(),
            octets: 0,
            left_out: 0,
        }
    }

    /// Takes a message of the captures, in the same order and by the same numbers as the verdict did.
    pub fn message(&mut self, capture: u32, message: &CapturedMessage<'_>) {
        let place = Place { capture, frame: message.frame, index: message.index };
        let first = self.first.len() < self.limits.first;
        if first {
            self.first.push(place);
        }
        let wanted = first || self.wanted.contains(&place);
        self.collector.message(capture, message, wanted);
        if !wanted {
            return;
        }
        if self.octets >= self.limits.octets {
            self.left_out += 1;
            return;
        }
        let mut html = String::new();
        Tree::of(message.bytes).write_html(&mut html);
        self.octets += html.len();
        self.trees.insert(place, html);
    }

    /// The page. `title` is its heading; `unread` are captures that could not be read, with the reason.
    #[must_use]
    pub fn finish(mut self, title: impl Into<String>, unread: &[(String, String)]) -> Page {
        let report = self.report;
        let (said, parties, _) = self.collector.resolve();
        let said: HashMap<Place, Said> = said.into_iter().map(|said| (said.place, said)).collect();
        let mut flaws: HashMap<Place, usize> = HashMap::new();
        for finding in report.findings.iter().filter(|finding| finding.severity() == Severity::Error) {
            *flaws.entry(place_of_finding(finding)).or_default() += 1;
        }
        let mut sections = Vec::with_capacity(self.ues.len());
        for ue in &self.ues {
            let messages: Vec<Said> = ue.steps.iter().filter_map(|step| said.get(&place_of(step))).cloned().collect();
            let left_out = (ue.steps.len() - messages.len()) as u64 + ue.steps_dropped;
            let mut ladder = Ladder::new(String::new(), messages, left_out);
            parties.place(&mut ladder);
            for arrow in &mut ladder.arrows {
                arrow.errors = flaws.get(&arrow.place).copied().unwrap_or_default();
            }
            sections.push(Section {
                number: ue.number,
                title: format!("UE {}", ue.number),
                words: words_of_ue(ue),
                good: ue.errors == 0,
                ladder,
            });
        }
        let mut places: Vec<Place> = said.keys().copied().collect();
        places.sort_unstable();
        let messages = places
            .iter()
            .filter_map(|place| said.get(place))
            .map(|said| Message {
                place: said.place,
                label: said.described.label(),
                from: said.from.clone(),
                to: said.to.clone(),
                time: moment(said.time),
                tree: self.trees.remove(&said.place).unwrap_or_default(),
            })
            .collect();
        let listed = report.findings.len().min(self.limits.findings);
        let mut captures: Vec<Capture> = report.captures.iter().map(capture).collect();
        for (name, why) in unread {
            let words = format!("not read: {}", escaped(why));
            match report.captures.iter().position(|capture| capture.name == *name).and_then(|at| captures.get_mut(at)) {
                Some(known) if known.words.is_empty() => (known.words, known.good) = (words, false),
                Some(known) => (known.words, known.good) = (format!("{}; {words}", known.words), false),
                None => captures.push(Capture { name: escaped(name), words, good: false }),
            }
        }
        Page {
            title: title.into(),
            good: report.is_good() && unread.is_empty(),
            verdict: verdict(report, unread.len()),
            facts: facts(report),
            captures,
            findings: report.findings.iter().take(listed).map(finding).collect(),
            kinds: kinds(report),
            findings_left_out: report.errors + report.notes - listed as u64,
            sections_title: if self.ues.is_empty() { "Ladder" } else { "UEs" }.to_owned(),
            sections_left_out: report.ues_followed.max(report.ues.len() as u64) - self.ues.len() as u64,
            sections,
            messages,
            messages_left_out: self.left_out,
        }
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    write_escaped(text, &mut out);
    out
}

fn verdict(report: &Report, unread: usize) -> String {
    let mut words = if report.is_good() {
        format!("{} judged, nothing is wrong", count(report.messages, "message"))
    } else {
        format!("{} in {}", count(report.errors, "error"), count(report.messages, "message"))
    };
    if report.notes > 0 {
        words.push_str(", ");
        words.push_str(&count(report.notes, "note"));
    }
    if unread > 0 {
        words.push_str("; ");
        words.push_str(&count(unread as u64, "capture"));
        words.push_str(" could not be read");
    }
    words.push('.');
    words
}

fn facts(report: &Report) -> Vec<Fact> {
    let fact = |label: &str, value: u64| Fact { label: label.to_owned(), value: thousands(value) };
    vec![
        fact("frames", report.frames),
        fact("messages", report.messages),
        fact("requests", report.requests),
        fact("answered", report.answered),
        fact("associations", report.associations),
        fact("registrations", report.registrations),
        fact("moves", report.moves),
        fact("refusals", report.refusals),
    ]
}

/// With thin gaps between thousands.
fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

fn capture(summary: &CaptureSummary) -> Capture {
    let mut words = format!(
        "{} of {} in {}, {} of {} answered",
        count(summary.messages, "message"),
        count(summary.associations, "association"),
        count(summary.frames, "frame"),
        summary.answered,
        count(summary.requests, "request")
    );
    if summary.copies > 0 {
        words.push_str(", ");
        words.push_str(&count(summary.copies, "message"));
        words.push_str(" also in another capture");
    }
    if let (Some(first), Some(last)) = (summary.first, summary.last) {
        words.push_str(&format!("; {} to {}", moment(first), moment(last)));
    }
    words.push_str(&format!("; {}, {}", count(summary.errors, "error"), count(summary.notes, "note")));
    Capture { name: escaped(&summary.name), words, good: summary.errors == 0 }
}

fn words_of_ue(ue: &Ue) -> String {
    let mut words = Vec::new();
    if !ue.identity.is_empty() {
        words.push(escaped(&ue.identity));
    }
    for (number, what) in [
        (ue.registrations, "registration"),
        (ue.moves, "move"),
        (ue.refusals, "refusal"),
        (ue.errors, "error"),
        (ue.notes, "note"),
    ] {
        if number > 0 {
            words.push(count(number, what));
        }
    }
    words.join(", ")
}

fn finding(finding: &crate::verify::Finding) -> Finding {
    Finding {
        id: finding.check.id.to_owned(),
        title: finding.check.title.to_owned(),
        severity: finding.severity(),
        place: place_of_finding(finding),
        path: escaped(&finding.path),
        found: escaped(&finding.found),
        expected: escaped(&finding.expected),
        clause: finding.clause.clone().into_owned(),
        section: finding.ue,
    }
}

/// Errors first, then by how many there are.
fn kinds(report: &Report) -> Vec<Kind> {
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    for finding in &report.findings {
        let check = finding.check;
        let kind = kinds.entry(check.id).or_insert_with(|| Kind {
            id: check.id.to_owned(),
            title: check.title.to_owned(),
            severity: check.severity,
            count: 0,
        });
        kind.count += 1;
    }
    let mut kinds: Vec<Kind> = kinds.into_values().collect();
    kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.severity), std::cmp::Reverse(kind.count)));
    kinds
}
