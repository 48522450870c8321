//! The ladder for terminals: drawn line by line, as it happens or of a whole [`Ladder`]. Six parties fit 100 columns.

use std::time::Duration;

use super::super::describe::Described;
use super::super::{count, shortened};
use super::Ladder;
use crate::message::text::Ink;

/// Where the first party's lifeline stands, and how far the next one is.
const FIRST: usize = 11;
const APART: usize = 15;

/// The least width; it grows with more than six parties.
const WIDTH: usize = 100;

/// What is written before and after words, where there is colour.
#[derive(Clone, Debug, Default)]
pub struct Inks {
    /// Names of parties.
    pub head: Ink,
    /// What a message carries.
    pub carried: Ink,
    /// Messages of PC2.
    pub pc2: Ink,
    /// Messages of PC3.
    pub pc3: Ink,
    /// Messages of PC4 but for PC4a.
    pub pc4: Ink,
    /// All other messages.
    pub other: Ink,
    /// Answers that refuse.
    pub refused: Ink,
}

/// Draws lines; they end without a line feed.
#[derive(Clone, Debug)]
pub struct TextLadder {
    names: Vec<String>,
    inks: Inks,
    width: usize,
}

impl TextLadder {
    /// A ladder of these parties, from left to right.
    #[must_use]
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>, inks: Inks) -> Self {
        let names: Vec<String> = names.into_iter().map(|name| shortened(name, APART - 1)).collect();
        let width = WIDTH.max(column(names.len()) - 1);
        Self { names, inks, width }
    }

    /// A whole ladder, each line with its line feed.
    #[must_use]
    pub fn draw(ladder: &Ladder, inks: Inks) -> String {
        let drawer = Self::new(ladder.participants.iter().map(|party| party.name.as_str()), inks);
        let mut out = String::new();
        let mut say = |line: String| {
            out.push_str(&line);
            out.push('\n');
        };
        if !ladder.title.is_empty() {
            say(ladder.title.clone());
        }
        say(drawer.head());
        say(drawer.pause());
        let begun = ladder.begun().as_nanoseconds();
        for arrow in &ladder.arrows {
            let at = Duration::from_nanos(u64::try_from(arrow.time.as_nanoseconds() - begun).unwrap_or_default());
            drawer.message(at, arrow.from, arrow.to, &arrow.described).into_iter().for_each(&mut say);
        }
        if ladder.left_out > 0 {
            say(format!("... and {} more", count(ladder.left_out, "message")));
        }
        out
    }

    /// The names of the parties.
    #[must_use]
    pub fn head(&self) -> String {
        let mut line = vec![' '; self.width];
        for (at, name) in self.names.iter().enumerate() {
            put(&mut line, column(at).saturating_sub(name.chars().count() / 2), name);
        }
        paint(&self.inks.head, &finish(line))
    }

    /// The lifelines alone.
    #[must_use]
    pub fn pause(&self) -> String {
        finish(self.lifelines())
    }

    /// A message from one party to another: an arrow with its name, and under it what it carries.
    #[must_use]
    pub fn message(&self, at: Duration, from: usize, to: usize, message: &Described) -> Vec<String> {
        let left = column(from.min(to));
        // A party that talks to itself gets a stub as wide as the way to its neighbour.
        let right = if from == to { left + APART } else { column(from.max(to)) };
        let mut arrow = vec!['-'; right.saturating_sub(left + 1)];
        if let Some(head) = if to > from { arrow.last_mut() } else { arrow.first_mut() } {
            *head = if to > from { '>' } else { '<' };
        }
        let label = shortened(&message.label(), arrow.len().saturating_sub(2));
        let start = arrow.len().saturating_sub(label.chars().count()).div_ceil(2);
        put(&mut arrow, start, &label);
        let mut before = self.lifelines();
        let after = before.split_off(right.min(before.len()));
        before.truncate(left + 1);
        put(&mut before, 0, &format!("{:>8.1} ", at.as_secs_f64() * 1e3));
        let mut line: String = before.into_iter().collect();
        line.push_str(&paint(self.ink(message), &arrow.into_iter().collect::<String>()));
        line.push_str(&finish(after));

        let mut lines = vec![line];
        lines.extend(self.wrap(&message.identifiers, left).iter().map(|words| self.under(left, words)));
        if lines.len() == 1 {
            lines.push(self.pause());
        }
        lines
    }

    /// What a message carries, under its arrow: from the left end on, or further left where the line is too short.
    fn under(&self, left: usize, words: &str) -> String {
        let mut before = self.lifelines();
        let length = words.chars().count();
        let start = (left + 2).min(self.width.saturating_sub(length));
        let after = before.split_off((start + length).min(self.width));
        before.truncate(start);
        let mut line: String = before.into_iter().collect();
        line.push_str(&paint(&self.inks.carried, words));
        // A lifeline right behind the words would read as one of them.
        let after: String = after.into_iter().collect();
        line.push_str(after.strip_prefix('|').map_or(after.clone(), |after| format!(" {after}")).trim_end());
        line
    }

    fn ink(&self, message: &Described) -> &Ink {
        match message.reference_point {
            _ if message.refused => &self.inks.refused,
            "PC3" => &self.inks.pc3,
            "PC2" => &self.inks.pc2,
            "PC4" => &self.inks.pc4,
            _ => &self.inks.other,
        }
    }

    /// Breaks words at their commas into lines that fit: the room there is, or what one line may take at the most.
    fn wrap(&self, words: &str, left: usize) -> Vec<String> {
        let most = self.width.saturating_sub(left + 2).max(WIDTH - 42);
        let mut lines: Vec<String> = Vec::new();
        for item in words.split(", ").filter(|item| !item.is_empty()) {
            let item = shortened(item, most);
            match lines.last_mut() {
                Some(line) if line.chars().count() + 2 + item.chars().count() <= most => {
                    line.push_str(", ");
                    line.push_str(&item);
                }
                _ => lines.push(item),
            }
        }
        lines
    }

    fn lifelines(&self) -> Vec<char> {
        let mut line = vec![' '; self.width];
        for party in 0..self.names.len() {
            put(&mut line, column(party), "|");
        }
        line
    }
}

fn paint(ink: &Ink, text: &str) -> String {
    format!("{}{text}{}", ink.on, ink.off)
}

const fn column(party: usize) -> usize {
    FIRST + party * APART
}

fn put(line: &mut [char], start: usize, text: &str) {
    for (to, from) in line.iter_mut().skip(start).zip(text.chars()) {
        *to = from;
    }
}

fn finish(line: Vec<char>) -> String {
    line.into_iter().collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTIES: [&str; 6] = ["UE", "MME", "HSS", "function", "app server", "function2"];

    fn ladder() -> TextLadder {
        TextLadder::new(PARTIES, Inks::default())
    }

    fn message(abbreviation: &str, identifiers: &str) -> Described {
        Described {
            number: "2",
            abbreviation: abbreviation.to_owned(),
            reference_point: "PC2",
            identifiers: identifiers.to_owned(),
            request: true,
            refused: false,
        }
    }

    #[test]
    fn an_arrow_points_where_the_message_goes() {
        let ladder = ladder();
        let lines = ladder.message(Duration::from_micros(12_345), 4, 3, &message("XAR", "ID1 00, ID2 x"));
        let [arrow, under] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(arrow, "    12.3   |              |              |              |<--2 XAR PC2--|              |");
        assert_eq!(under, "           |              |              |              | ID1 00, ID2 x               |");
        let lines = ladder.message(Duration::ZERO, 0, 4, &message("URR", ""));
        assert!(lines[0].contains("|-----") && lines[0].contains("->|"), "{lines:?}");
    }

    #[test]
    fn nothing_is_wider_than_a_hundred_columns() {
        let ladder = ladder();
        let long = message("ABCDEFGH", &"identifier, ".repeat(20));
        for from in 0..PARTIES.len() {
            for to in (0..PARTIES.len()).filter(|to| *to != from) {
                for line in ladder.message(Duration::from_secs(99), from, to, &long) {
                    assert!(line.chars().count() <= WIDTH, "{line}");
                }
            }
        }
        assert!(ladder.head().len() <= WIDTH && ladder.pause().len() <= WIDTH);
    }

    #[test]
    fn colour_only_where_it_is_wanted() {
        let plain = ladder().message(Duration::ZERO, 0, 1, &message("XAR", "x"));
        assert!(plain.iter().all(|line| !line.contains('\x1b')));
        let inks = Inks { pc2: Ink { on: "\x1b[35m".to_owned(), off: "\x1b[0m".to_owned() }, ..Inks::default() };
        let coloured = TextLadder::new(PARTIES, inks).message(Duration::ZERO, 0, 1, &message("XAR", "x"));
        assert!(coloured[0].contains('\x1b'));
    }
}
