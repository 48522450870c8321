//! One page that needs nothing else: style and script are within, and its Content-Security-Policy lets nothing in.
//!
//! Every value of the network is escaped: by the template, or where trees and ladders are written.

use std::collections::{HashMap, HashSet};

use data_encoding::BASE64;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use serde::Serialize;

use super::ladder::svg::{self, DARK_STYLE, Layout, STYLE};
use super::ladder::{Arrow, Ladder};
use super::model::{Finding, Message, Page, Section};
use super::{Place, write_milliseconds};

const PAGE: &str = include_str!("page/page.html");
pub(super) const MESSAGE: &str = include_str!("page/message.html");
const PAGE_STYLE: &str = include_str!("page/page.css");
pub(super) const SCRIPT: &str = include_str!("page/page.js");

/// Messages of one drawing; longer ladders are drawn in pieces, each with the names above it, that fit on a page of paper.
const PIECE: usize = 20;

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the page could not be made: {0}")]
pub struct PageError(#[from] minijinja::Error);

#[derive(Serialize)]
struct FindingView<'a> {
    anchor: String,
    id: &'a str,
    title: &'a str,
    severity: &'static str,
    found: &'a str,
    expected: &'a str,
    path: &'a str,
    clause: &'a str,
    /// `frame 9 of demo.pcapng`.
    #[serde(rename = "where")]
    place: String,
    /// The anchor of its message, where that can be opened.
    message: Option<String>,
    section: Option<Link>,
}

#[derive(Serialize)]
struct Link {
    anchor: String,
    title: String,
}

#[derive(Serialize)]
struct Flaw {
    anchor: String,
    title: String,
    found: String,
}

#[derive(Serialize)]
struct KindView<'a> {
    id: &'a str,
    title: &'a str,
    severity: &'static str,
    count: u64,
    first: Option<String>,
}

#[derive(Serialize)]
struct MessageView {
    anchor: String,
    class: String,
    offset: String,
    label: String,
    from: String,
    to: String,
    way: String,
    carried: String,
    #[serde(rename = "where")]
    place: String,
    time: String,
    tree: Value,
    flaws: Vec<Flaw>,
}

#[derive(Serialize)]
pub(super) struct SectionView {
    anchor: String,
    number: u32,
    title: String,
    words: String,
    good: bool,
    drawing: Value,
    left_out: u64,
    messages: Vec<MessageView>,
}

/// Makes the page.
///
/// # Errors
/// When the template fails, which no value can bring about.
pub fn page(page: &Page) -> Result<String, PageError> {
    let mut environment = Environment::new();
    environment.add_template("page.html", PAGE)?;
    environment.add_template("message.html", MESSAGE)?;

    let mut builder = Builder::new(page);
    let views: Vec<SectionView> = page.sections.iter().map(|section| builder.section(section)).collect();
    let others: Vec<MessageView> = builder.others();
    let findings: Vec<FindingView<'_>> =
        page.findings.iter().enumerate().map(|(at, finding)| builder.finding(at, finding)).collect();
    let kinds: Vec<KindView<'_>> = page
        .kinds
        .iter()
        .map(|kind| KindView {
            id: &kind.id,
            title: &kind.title,
            severity: kind.severity.name(),
            count: kind.count,
            first: page.findings.iter().position(|finding| finding.id == kind.id).map(anchor_of_finding),
        })
        .collect();
    let facts: Vec<Value> =
        page.facts.iter().map(|fact| context! { label => fact.label.as_str(), value => fact.value.as_str() }).collect();
    let captures: Vec<Value> = page
        .captures
        .iter()
        .map(
            |capture| context! { name => capture.name.as_str(), words => capture.words.as_str(), good => capture.good },
        )
        .collect();
    let text = environment.get_template("page.html")?.render(context! {
        script_hash => script_hash(),
        generator => concat!("proselink ", env!("CARGO_PKG_VERSION")),
        style => Value::from_safe_string(style("")),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        title => page.title.as_str(),
        good => page.good,
        verdict => page.verdict.as_str(),
        facts => facts,
        captures => captures,
        kinds => Value::from(Serde(kinds)),
        findings => Value::from(Serde(findings)),
        findings_left_out => page.findings_left_out,
        section_name => page.sections_title.as_str(),
        sections => Value::from(Serde(views)),
        sections_left_out => page.sections_left_out,
        others => Value::from(Serde(others)),
        messages_left_out => page.messages_left_out,
    })?;
    Ok(text)
}

/// What the Content-Security-Policy lets run.
pub(super) fn script_hash() -> String {
    BASE64.encode(ring::digest::digest(&ring::digest::SHA256, SCRIPT.as_bytes()).as_ref())
}

/// The style of every page, with what one has of its own.
pub(super) fn style(own: &str) -> String {
    format!("{PAGE_STYLE}{STYLE}@media screen and (prefers-color-scheme:dark){{\n{DARK_STYLE}}}\n{own}")
}

fn anchor_of(place: Place) -> String {
    format!("m{}-{}-{}", place.capture, place.frame, place.index)
}

fn anchor_of_finding(at: usize) -> String {
    format!("f{}", at + 1)
}

fn anchor_of_section(number: u32) -> String {
    format!("ue{number}")
}

/// Makes what the template shows, each message once.
pub(super) struct Builder<'p> {
    page: &'p Page,
    messages: HashMap<Place, &'p Message>,
    /// Findings by place.
    flaws: HashMap<Place, Vec<usize>>,
    shown: HashSet<Place>,
    /// The captures by their file names, or by their whole names where two files have the same.
    captures: Vec<&'p str>,
}

impl<'p> Builder<'p> {
    pub(super) fn new(page: &'p Page) -> Self {
        let messages = page.messages.iter().map(|message| (message.place, message)).collect();
        let mut flaws: HashMap<Place, Vec<usize>> = HashMap::new();
        for (at, finding) in page.findings.iter().enumerate() {
            flaws.entry(finding.place).or_default().push(at);
        }
        let file = |name: &'p str| name.rsplit('/').next().unwrap_or(name);
        let mut users: HashMap<&str, usize> = HashMap::new();
        for capture in &page.captures {
            *users.entry(file(&capture.name)).or_default() += 1;
        }
        let short = |name: &'p str| if users.get(file(name)) == Some(&1) { file(name) } else { name };
        let captures = page.captures.iter().map(|capture| short(&capture.name)).collect();
        Self { page, messages, flaws, shown: HashSet::new(), captures }
    }

    fn place(&self, place: Place) -> String {
        let name = self.captures.get(place.capture as usize).copied().unwrap_or_default();
        let mut words = if place.frame > 0 { format!("frame {}", place.frame) } else { "capture".to_owned() };
        if place.index > 0 {
            words.push_str(&format!(", message {}", place.index + 1));
        }
        if !name.is_empty() {
            words.push_str(if place.frame > 0 { " of " } else { " " });
            words.push_str(name);
        }
        words
    }

    pub(super) fn section(&mut self, section: &Section) -> SectionView {
        let ladder = &section.ladder;
        let mut drawing = String::new();
        let link = |arrow: &Arrow| self.messages.contains_key(&arrow.place).then(|| anchor_of(arrow.place));
        for layout in [Layout::wide(ladder), Layout::narrow(ladder)] {
            for start in (0..ladder.arrows.len()).step_by(PIECE) {
                let rows = start..(start + PIECE).min(ladder.arrows.len());
                svg::write_piece(ladder, &layout, rows, &link, &mut drawing);
            }
        }
        let mut messages = Vec::new();
        for arrow in &ladder.arrows {
            // A message that two UEs share is opened where it stands first.
            if let Some(message) = self.messages.get(&arrow.place).copied()
                && self.shown.insert(arrow.place)
            {
                messages.push(self.message(message, Some((ladder, arrow))));
            }
        }
        SectionView {
            anchor: anchor_of_section(section.number),
            number: section.number,
            title: section.title.clone(),
            words: section.words.clone(),
            good: section.good,
            drawing: Value::from_safe_string(drawing),
            left_out: ladder.left_out,
            messages,
        }
    }

    /// Messages of no ladder: what findings are about.
    fn others(&mut self) -> Vec<MessageView> {
        let page = self.page;
        let mut views = Vec::new();
        for message in &page.messages {
            if self.shown.insert(message.place) {
                views.push(self.message(message, None));
            }
        }
        views
    }

    fn message(&self, message: &Message, drawn: Option<(&Ladder, &Arrow)>) -> MessageView {
        let mut offset = String::new();
        let mut class = String::new();
        let (mut label, mut from, mut to) = (message.label.clone(), message.from.clone(), message.to.clone());
        let (mut way, mut carried) = (String::new(), String::new());
        match drawn {
            Some((ladder, arrow)) => {
                write_milliseconds(ladder.begun(), arrow.time, &mut offset);
                class.push_str(arrow.class());
                if arrow.described.refused {
                    class.push_str(" refused");
                }
                label = arrow.label();
                // The short names above, the identities within.
                way = format!("{from} → {to}");
                let name = |at: usize| ladder.participants.get(at).map(|party| party.name.clone()).unwrap_or_default();
                (from, to) = (name(arrow.from), name(arrow.to));
                carried.clone_from(&arrow.described.identifiers);
            }
            None => offset = message.place.frame.to_string(),
        }
        let flaws = self.flaws.get(&message.place).map(Vec::as_slice).unwrap_or_default();
        let flaws = flaws
            .iter()
            .filter_map(|at| {
                let finding = self.page.findings.get(*at)?;
                Some(Flaw {
                    anchor: anchor_of_finding(*at),
                    title: finding.title.clone(),
                    found: finding.found.clone(),
                })
            })
            .collect();
        MessageView {
            anchor: anchor_of(message.place),
            class,
            offset,
            label,
            from,
            to,
            way,
            carried,
            place: self.place(message.place),
            time: message.time.clone(),
            tree: Value::from_safe_string(message.tree.clone()),
            flaws,
        }
    }

    fn finding<'f>(&self, at: usize, finding: &'f Finding) -> FindingView<'f> {
        let section = finding.section.and_then(|number| {
            let section = self.page.sections.iter().find(|section| section.number == number)?;
            Some(Link { anchor: anchor_of_section(number), title: section.title.clone() })
        });
        FindingView {
            anchor: anchor_of_finding(at),
            id: &finding.id,
            title: &finding.title,
            severity: finding.severity.name(),
            found: &finding.found,
            expected: &finding.expected,
            path: &finding.path,
            clause: &finding.clause,
            place: self.place(finding.place),
            message: self.messages.contains_key(&finding.place).then(|| anchor_of(finding.place)),
            section,
        }
    }
}
