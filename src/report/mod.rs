//! What was found, for people and for other tools: ladders as text, SVG and Mermaid, and verdicts as JUnit, SARIF and one
//! HTML page.
//!
//! ```text
//! message  -> describe.rs, tree.rs            what it is called and carries; all of it, line by line
//! messages -> ladder/                         who said what to whom -> text.rs, svg.rs, mermaid.rs
//! verdict  -> gather.rs -> model.rs -> html.rs; junit.rs; sarif.rs
//! cases    -> cases.rs                    what was played against a live peer, as a page
//! ```
//!
//! Values in, strings out. Whatever comes from the network is escaped where it is written, and what is drawn is bounded:
//! every picture and page says what it leaves out.

#[cfg(feature = "net")]
pub mod cases;
pub mod describe;
pub mod gather;
#[cfg(feature = "net")]
pub mod html;
#[cfg(feature = "net")]
pub mod junit;
pub mod ladder;
pub mod model;
pub mod sarif;
pub mod tree;

use std::fmt::Write as _;

use crate::capture::Timestamp;

/// Where a message is: capture, frame and place in the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Index of the capture among those that were read together, from 0.
    pub capture: u32,
    /// Frame, from 1; 0 where no single frame is meant.
    pub frame: u64,
    /// The message's place within the frame, from 0.
    pub index: u32,
}

/// Appends text to XML or HTML, within an element or an attribute in quotes. What XML cannot hold becomes U+FFFD.
pub fn write_xml(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(letter),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
}

/// [`write_xml`] into a string of its own.
#[must_use]
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    write_xml(text, &mut out);
    out
}

/// The first letters of a text, with an ellipsis where there are more than `most`.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A number and what it counts, in the plural where it must be: `1 error`, `2 errors`.
#[must_use]
pub fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Milliseconds with one decimal between two times; negative where the second is the earlier.
pub(crate) fn write_milliseconds(begun: Timestamp, at: Timestamp, out: &mut String) {
    let tenths = at.as_nanoseconds().saturating_sub(begun.as_nanoseconds()) / 100_000;
    let sign = if tenths < 0 { "-" } else { "" };
    let _ = write!(out, "{sign}{}.{}", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
}

/// RFC 3339 in UTC, to the microsecond.
#[must_use]
pub fn moment(time: Timestamp) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(time.as_nanoseconds())) {
        Ok(moment) => format!("{moment:.6}"),
        Err(_) => format!("{time} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_network_is_markup() {
        assert_eq!(
            xml("<a href='x' b=\"&\">\u{0}\u{1b}"),
            "&lt;a href=&#39;x&#39; b=&quot;&amp;&quot;&gt;\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn what_is_shortened_says_so() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abcde…");
    }

    #[test]
    fn times_are_told_to_a_tenth_of_a_millisecond() {
        let mut out = String::new();
        write_milliseconds(Timestamp(1_000_000), Timestamp(13_345_678), &mut out);
        out.push(' ');
        write_milliseconds(Timestamp(1_000_000), Timestamp(500_000), &mut out);
        assert_eq!(out, "12.3 -0.5");
    }
}
