//! The ladder: a column a party, an arrow a message, drawn as it happens. Fits 100 columns; colour where it is wanted.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::describe::Described;

/// The columns, from left to right.
pub const PARTIES: [&str; 6] = ["UE", "MME", "HSS", "function", "app server", "function2"];

/// Where the first party's lifeline stands, and how far the next one is.
const FIRST: usize = 11;
const APART: usize = 15;

/// The width that nothing exceeds.
const WIDTH: usize = 100;

/// Draws lines; they end without a line feed.
#[derive(Clone, Copy, Debug)]
pub struct Ladder {
    /// Use colour.
    pub colour: bool,
}

impl Ladder {
    /// The names of the parties.
    #[must_use]
    pub fn head(self) -> String {
        let mut line = vec![b' '; WIDTH];
        for (at, name) in PARTIES.iter().enumerate() {
            let start = column(at).saturating_sub(name.len() / 2);
            put(&mut line, start, name);
        }
        let text = finish(line);
        self.paint(Style::new().bold(), &text)
    }

    /// The lifelines alone.
    #[must_use]
    pub fn pause(self) -> String {
        finish(lifelines())
    }

    /// A message from one party to another: an arrow with its name, and under it what it carries.
    #[must_use]
    pub fn message(self, at: Duration, from: usize, to: usize, message: &Described) -> Vec<String> {
        let (left, right) = (column(from.min(to)), column(from.max(to)));
        let mut arrow = vec![b'-'; right.saturating_sub(left + 1)];
        if let Some(head) = if to > from { arrow.last_mut() } else { arrow.first_mut() } {
            *head = if to > from { b'>' } else { b'<' };
        }
        let label = message.label();
        let start = (arrow.len().saturating_sub(label.len())).div_ceil(2);
        put(&mut arrow, start, &label);
        let mut before = vec![b' '; left + 1];
        for (at, octet) in lifelines().into_iter().enumerate().take(left + 1) {
            before[at] = octet;
        }
        put(&mut before, 0, &format!("{:>8.1} ", at.as_secs_f64() * 1e3));
        let after = lifelines().split_off(right);
        let mut line = String::from_utf8_lossy(&before).into_owned();
        let style = if message.refused { Style::new().fg_color(Some(AnsiColor::Red.into())) } else { ink(message) };
        line.push_str(&self.paint(style.bold(), &String::from_utf8_lossy(&arrow)));
        line.push_str(String::from_utf8_lossy(&after).trim_end());

        let mut lines = vec![line];
        lines.extend(wrap(&message.identifiers, WIDTH - left - 2).iter().map(|words| self.under(left, words)));
        if lines.len() == 1 {
            lines.push(self.pause());
        }
        lines
    }

    /// What a message carries, under its arrow: from the left end on, or further left where the line is too short.
    fn under(self, left: usize, words: &str) -> String {
        let mut before = lifelines();
        let length = words.chars().count();
        let start = (left + 2).min(WIDTH.saturating_sub(length));
        let after = before.split_off((start + length).min(WIDTH));
        before.truncate(start);
        let mut line = String::from_utf8_lossy(&before).into_owned();
        line.push_str(&self.paint(Style::new().dimmed(), words));
        // A lifeline right behind the words would read as one of them.
        let after = String::from_utf8_lossy(&after).into_owned();
        line.push_str(after.strip_prefix('|').map_or(after.clone(), |after| format!(" {after}")).trim_end());
        line
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.colour { format!("{}{text}{}", style.render(), style.render_reset()) } else { text.to_owned() }
    }
}

fn ink(message: &Described) -> Style {
    let colour = match message.reference_point {
        "PC3" => AnsiColor::Green,
        "PC2" => AnsiColor::Magenta,
        "PC4" => AnsiColor::Cyan,
        _ => AnsiColor::Blue,
    };
    Style::new().fg_color(Some(colour.into()))
}

/// Breaks words at their commas into lines that fit: the room there is, or what one line may take at the most.
fn wrap(words: &str, room: usize) -> Vec<String> {
    let most = room.max(WIDTH - 42);
    let mut lines: Vec<String> = Vec::new();
    for item in words.split(", ").filter(|item| !item.is_empty()) {
        let item: String = item.chars().take(most).collect();
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

const fn column(party: usize) -> usize {
    FIRST + party * APART
}

fn lifelines() -> Vec<u8> {
    let mut line = vec![b' '; WIDTH];
    for party in 0..PARTIES.len() {
        put(&mut line, column(party), "|");
    }
    line
}

fn put(line: &mut [u8], start: usize, text: &str) {
    for (to, from) in line.iter_mut().skip(start).zip(text.bytes()) {
        *to = from;
    }
}

fn finish(line: Vec<u8>) -> String {
    String::from_utf8_lossy(&line).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(abbreviation: &str, identifiers: &str) -> Described {
        Described {
            number: "2",
            abbreviation: abbreviation.to_owned(),
            reference_point: "PC2",
            identifiers: identifiers.to_owned(),
            refused: false,
        }
    }

    #[test]
    fn an_arrow_points_where_the_message_goes() {
        let ladder = Ladder { colour: false };
        let lines = ladder.message(Duration::from_micros(12_345), 4, 3, &message("XAR", "ID1 00, ID2 x"));
        let [arrow, under] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(arrow, "    12.3   |              |              |              |<--2 XAR PC2--|              |");
        assert_eq!(under, "           |              |              |              | ID1 00, ID2 x               |");
        let lines = ladder.message(Duration::ZERO, 0, 4, &message("URR", ""));
        assert!(lines[0].contains("|-----") && lines[0].contains("->|"), "{lines:?}");
    }

    #[test]
    fn nothing_is_wider_than_a_hundred_columns() {
        let ladder = Ladder { colour: false };
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
        let plain = Ladder { colour: false }.message(Duration::ZERO, 0, 1, &message("XAR", "x"));
        assert!(plain.iter().all(|line| !line.contains('\x1b')));
        let coloured = Ladder { colour: true }.message(Duration::ZERO, 0, 1, &message("XAR", "x"));
        assert!(coloured[0].contains('\x1b'));
    }
}
