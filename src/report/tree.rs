//! A message as lines of AVPs, each word with its part: what [`crate::message::text`] writes, taken apart again.
//!
//! Marks go where a terminal would have colours. They are control characters, which the text never lets through from the
//! network, so that no value can pretend to be a mark.

use std::fmt::Write as _;

use super::write_xml;
use crate::interfaces;
use crate::message::check::{Strictness, check};
use crate::message::text::{Ink, Palette, write_message};
use crate::message::{HEADER_LENGTH, Header};

/// Lines kept of one message; more are counted.
pub const LINE_LIMIT: usize = 1000;

/// Letters kept of one value; more are counted.
pub const VALUE_LIMIT: usize = 2000;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A value, and what stands between words.
    Plain,
    /// The name of a command.
    Command,
    /// The name of an AVP.
    Name,
    /// Codes, flags, lengths.
    Detail,
    /// What a value means.
    Meaning,
    /// Private numbers.
    Private,
    /// A fault.
    Fault,
}

const PARTS: [(Part, &str); 6] = [
    (Part::Command, "\u{1}"),
    (Part::Name, "\u{2}"),
    (Part::Detail, "\u{3}"),
    (Part::Meaning, "\u{4}"),
    (Part::Private, "\u{5}"),
    (Part::Fault, "\u{6}"),
];
const OFF: char = '\u{e}';

/// One line: an AVP, the header, or a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How deep: 0 for the header, 1 for the message's own AVPs.
    pub depth: usize,
    /// The words.
    pub words: Vec<(Part, String)>,
}

/// The lines of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The lines kept.
    pub lines: Vec<Line>,
    /// Lines beyond [`LINE_LIMIT`].
    pub left_out: usize,
}

impl Tree {
    /// Reads a message, faults included; a command that we do not type is judged by what is known of its AVPs.
    #[must_use]
    pub fn of(message: &[u8]) -> Self {
        let command = Header::parse(message).and_then(|header| interfaces::command_of(&header));
        let faults = check(message, command, Strictness { unknown_mandatory: false });
        let ink = |part: Part| {
            let on = PARTS.iter().find(|(known, _)| *known == part).map_or("", |(_, mark)| mark);
            Ink { on: on.to_owned(), off: OFF.to_string() }
        };
        let palette = Palette {
            command: ink(Part::Command),
            name: ink(Part::Name),
            detail: ink(Part::Detail),
            meaning: ink(Part::Meaning),
            private: ink(Part::Private),
            fault: ink(Part::Fault),
        };
        let mut text = String::with_capacity(message.len() * 4 + HEADER_LENGTH);
        write_message(message, &faults, &palette, &mut text);
        let mut lines = text.lines();
        let kept = lines.by_ref().take(LINE_LIMIT).map(Line::parse).collect();
        Self { lines: kept, left_out: lines.count() }
    }

    /// Appends the tree as HTML: a `p` a line, its depth in `--d`.
    pub fn write_html(&self, out: &mut String) {
        for line in &self.lines {
            line.write_html(out);
        }
        if self.left_out > 0 {
            let _ = write!(out, "<p class=more>… {} lines more</p>", self.left_out);
        }
    }
}

impl Line {
    fn parse(text: &str) -> Self {
        let body = text.trim_start_matches(' ');
        let depth = (text.len() - body.len()) / 2;
        let mut words: Vec<(Part, String)> = Vec::new();
        let mut part = Part::Plain;
        let mut word = String::new();
        for letter in body.chars() {
            let mark = PARTS.iter().find(|(_, mark)| mark.starts_with(letter)).map(|(part, _)| *part);
            if mark.is_none() && letter != OFF {
                word.push(letter);
                continue;
            }
            push(&mut words, part, &mut word);
            part = mark.unwrap_or(Part::Plain);
        }
        push(&mut words, part, &mut word);
        Self { depth, words }
    }

    /// The line without its parts.
    #[must_use]
    pub fn text(&self) -> String {
        self.words.iter().map(|(_, word)| word.as_str()).collect()
    }

    fn write_html(&self, out: &mut String) {
        let _ = write!(out, "<p style=\"--d:{}\">", self.depth);
        // Name and code, then flags and length, then the value: a column each where there is room.
        let columns = matches!(
            self.words.as_slice(),
            [(Part::Name, _), (Part::Detail | Part::Private, _), (Part::Plain, gap), (Part::Detail, _), ..]
                if gap.trim().is_empty()
        );
        let rest = if columns {
            out.push_str("<span class=k>");
            self.words.iter().take(2).for_each(|word| write_word(word, out));
            out.push_str("</span> ");
            self.words.iter().skip(3).take(1).for_each(|(_, word)| write_word(&(Part::Detail, word.clone()), out));
            &self.words[4..]
        } else {
            &self.words[..]
        };
        rest.iter().for_each(|word| write_word(word, out));
        out.push_str("</p>");
    }
}

fn push(words: &mut Vec<(Part, String)>, part: Part, word: &mut String) {
    if word.is_empty() {
        return;
    }
    let mut word = std::mem::take(word);
    if let Some((at, _)) = word.char_indices().nth(VALUE_LIMIT) {
        let more = word[at..].chars().count();
        word.truncate(at);
        let _ = write!(word, "… {more} more");
    }
    words.push((part, word));
}

fn write_word((part, word): &(Part, String), out: &mut String) {
    let element = match part {
        Part::Plain => None,
        Part::Command => Some("strong"),
        Part::Name => Some("b"),
        Part::Detail => Some("i"),
        Part::Meaning => Some("em"),
        Part::Private => Some("u"),
        Part::Fault => Some("s"),
    };
    if let Some(element) = element {
        let _ = write!(out, "<{element}>");
    }
    write_xml(word, out);
    if let Some(element) = element {
        let _ = write!(out, "</{element}>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interfaces::base::DeviceWatchdogAnswer;
    use crate::message::{Command as _, Envelope};

    /// An answer with that Error-Message, whose text is free.
    fn watchdog(text: &str) -> Vec<u8> {
        DeviceWatchdogAnswer {
            result_code: 5012,
            origin_host: "a.example",
            origin_realm: "example",
            error_message: Some(text),
            ..Default::default()
        }
        .to_bytes(Envelope { application: 0, hop_by_hop: 1, end_to_end: 2 })
    }

    #[test]
    fn a_message_is_its_header_and_its_avps() {
        let tree = Tree::of(&watchdog("no"));
        assert_eq!(tree.lines.len(), 5);
        assert_eq!(tree.lines[0].words[0], (Part::Command, "Device-Watchdog-Answer".to_owned()));
        assert_eq!(tree.lines[1].depth, 1);
        assert_eq!(tree.lines[1].words[0], (Part::Name, "Result-Code".to_owned()));
        assert!(tree.lines[1].text().ends_with("DIAMETER_UNABLE_TO_COMPLY"), "{}", tree.lines[1].text());
    }

    #[test]
    fn a_hostile_text_stays_text() {
        let mut html = String::new();
        Tree::of(&watchdog("<script>alert(1)</script>\u{2}\u{e}")).write_html(&mut html);
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
        assert!(!html.contains("<script") && !html.contains('\u{2}'), "{html}");
        // The marks in the text became visible: they opened no part.
        assert_eq!(html.matches("<b>").count(), 4, "{html}");
    }

    #[test]
    fn what_is_too_long_is_counted() {
        let tree = Tree::of(&watchdog(&"x".repeat(VALUE_LIMIT + 50)));
        let longest = tree.lines.iter().map(|line| line.text().len()).max().unwrap_or_default();
        assert!((VALUE_LIMIT..VALUE_LIMIT + 200).contains(&longest), "{longest}");
        assert_eq!(Tree::of(&[1, 2, 3]).lines.len(), 1);
    }
}
