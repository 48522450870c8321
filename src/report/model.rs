//! What a page shows, whoever found it: a verdict, facts, findings, ladders and the messages in them.

use super::Place;
use super::ladder::Ladder;
use crate::verify::Severity;

/// One page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The heading.
    pub title: String,
    /// True when nothing is wrong.
    pub good: bool,
    /// The verdict in one sentence.
    pub verdict: String,
    /// Numbers beside the verdict.
    pub facts: Vec<Fact>,
    /// The captures, in the order of [`Place::capture`].
    pub captures: Vec<Capture>,
    /// What was found, in order.
    pub findings: Vec<Finding>,
    /// How many findings there are of each kind, those not listed included as far as they were kept.
    pub kinds: Vec<Kind>,
    /// Findings that are not listed.
    pub findings_left_out: u64,
    /// The heading of the ladders, such as `UEs`.
    pub sections_title: String,
    /// Ladders, one after the other.
    pub sections: Vec<Section>,
    /// Ladders that are not drawn.
    pub sections_left_out: u64,
    /// Messages that can be opened, by their places.
    pub messages: Vec<Message>,
    /// Messages whose content is left out, for the page would grow too large.
    pub messages_left_out: u64,
}

/// A number and what it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it counts.
    pub label: String,
    /// How many.
    pub value: String,
}

/// One capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// Its name.
    pub name: String,
    /// What is in it, in a few words; why it could not be read.
    pub words: String,
    /// True when nothing is wrong with it.
    pub good: bool,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The id of its kind.
    pub id: String,
    /// What is wrong, in a few words.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Where; the frame is 0 where no single one is meant.
    pub place: Place,
    /// The AVP, groups around it first; empty when no single one is meant.
    pub path: String,
    /// What was found.
    pub found: String,
    /// What was expected; empty when there is nothing to say.
    pub expected: String,
    /// The clause.
    pub clause: String,
    /// The section it is about, from 1: a UE.
    pub section: Option<u32>,
}

/// Findings of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The id.
    pub id: String,
    /// What is wrong, in a few words.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// How many.
    pub count: u64,
}

/// A ladder and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its number, from 1: that of the UE.
    pub number: u32,
    /// The heading.
    pub title: String,
    /// What became of it, in a few words.
    pub words: String,
    /// True when nothing is wrong with it.
    pub good: bool,
    /// Who said what to whom.
    pub ladder: Ladder,
}

/// A message that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it is.
    pub place: Place,
    /// `5 XAR PC3`.
    pub label: String,
    /// Who sent it, by the name in a ladder or its address.
    pub from: String,
    /// To whom.
    pub to: String,
    /// When, as RFC 3339.
    pub time: String,
    /// Its AVPs as HTML: [`super::tree::Tree::write_html`]; empty where it is left out.
    pub tree: String,
}
