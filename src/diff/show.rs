//! Differences as a patch for people and as JSON for machines.

use std::fmt::{self, Write as _};

use super::{Difference, Kind, Side};
use crate::avp::format::Kind as Format;
use crate::avp::{Avp, Avps, dictionary};
use crate::message::check::NESTING_LIMIT;
use crate::message::json;
use crate::message::text::{self, Ink, Palette};

/// The most of one value that is shown, in octets of text.
const SHOWN: usize = 1024;

impl Difference {
    /// The AVP that is expected or added, where one is meant.
    #[must_use]
    pub fn avp(&self) -> Option<Avp<'_>> {
        match self.expected.as_ref().or(self.actual.as_ref()) {
            Some(Side::Avp(octets)) => Avps::new(octets).next()?.ok(),
            _ => None,
        }
    }
}

impl fmt::Display for Side {
    /// One line, without colour; long values are cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        match self {
            Self::Avp(octets) => match Avps::new(octets).next() {
                Some(Ok(avp)) => write_line(&avp, 0, &mut out),
                _ => data_encoding::HEXLOWER.encode_append(octets, &mut out),
            },
            Self::Number(number, meaning) if meaning.is_empty() => {
                let _ = write!(out, "{number}");
            }
            Self::Number(number, meaning) => {
                let _ = write!(out, "{number} {meaning}");
            }
            Self::Octets(octets) => data_encoding::HEXLOWER.encode_append(octets, &mut out),
            Self::Flags(flags) => {
                let _ = write!(out, "{flags}");
            }
            Self::Place(place) => {
                let _ = write!(out, "place {place}");
            }
        }
        cut(&mut out, 0);
        f.write_str(&out)
    }
}

impl fmt::Display for Difference {
    /// One line: the path, and what became of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.expected, &self.actual) {
            (Some(expected), Some(actual)) => write!(f, "{}: {expected} -> {actual}", self.path),
            (Some(expected), None) => write!(f, "{}: {expected} is missing", self.path),
            (None, Some(actual)) => write!(f, "{}: {actual} was added", self.path),
            (None, None) => write!(f, "{}: {}", self.path, self.kind.name()),
        }
    }
}

/// A group on one line: `{ Context-Identifier 1, Service-Selection internet }`.
fn write_line(avp: &Avp<'_>, depth: usize, out: &mut String) {
    match members(avp, depth) {
        Some(members) => {
            out.push('{');
            for (at, member) in members.iter().enumerate() {
                if out.len() > SHOWN {
                    break;
                }
                out.push_str(if at > 0 { ", " } else { " " });
                write_name(member, out);
                out.push(' ');
                write_line(member, depth + 1, out);
            }
            out.push_str(" }");
        }
        None => write_value(avp, &Palette::default(), out),
    }
}

fn write_name(avp: &Avp<'_>, out: &mut String) {
    match dictionary::lookup(avp.key) {
        Some(definition) => out.push_str(definition.name),
        None => {
            let _ = write!(out, "{}:{}", avp.vendor(), avp.code());
        }
    }
}

fn write_value(avp: &Avp<'_>, palette: &Palette, out: &mut String) {
    let start = out.len();
    text::write_value(avp, dictionary::lookup(avp.key), palette, out);
    if out.len() == start {
        out.push_str("(empty)");
    }
    cut(out, start);
}

fn cut(out: &mut String, start: usize) {
    if out.len() - start > SHOWN {
        let whole = out.len() - start;
        let end = (start + SHOWN..).find(|end| out.is_char_boundary(*end)).unwrap_or(out.len());
        out.truncate(end);
        let _ = write!(out, "... ({whole} letters)");
    }
}

/// The members of a group that is well formed.
fn members<'a>(avp: &Avp<'a>, depth: usize) -> Option<Vec<Avp<'a>>> {
    let grouped = dictionary::lookup(avp.key).is_some_and(|definition| definition.kind == Format::Grouped);
    if !grouped || depth >= NESTING_LIMIT {
        return None;
    }
    avp.members().collect::<Result<_, _>>().ok()
}

/// Appends the differences of one pair of messages as a patch: `-` what was expected, `+` what is there, `~` what moved.
pub fn write_differences(differences: &[Difference], palette: &Palette, out: &mut String) {
    for difference in differences {
        write_difference(difference, palette, out);
    }
}

/// Appends one difference as the lines of a patch.
pub fn write_difference(difference: &Difference, palette: &Palette, out: &mut String) {
    if difference.kind == Kind::Moved {
        out.push_str(&palette.detail.on);
        out.push_str("~ ");
        let _ = write!(out, "{difference}");
        out.push_str(&palette.detail.off);
        out.push('\n');
        return;
    }
    let path = difference.path.to_string();
    if let Some(side) = &difference.expected {
        write_side('-', &path, side, &palette.fault, out);
    }
    if let Some(side) = &difference.actual {
        write_side('+', &path, side, &palette.meaning, out);
    }
}

fn write_side(sign: char, path: &str, side: &Side, ink: &Ink, out: &mut String) {
    if let Side::Avp(octets) = side
        && let Some(Ok(avp)) = Avps::new(octets).next()
        && members(&avp, 0).is_some()
    {
        let _ = writeln!(out, "{}{sign} {path}:{}", ink.on, ink.off);
        write_members(sign, &avp, 1, ink, out);
        return;
    }
    let _ = writeln!(out, "{}{sign} {path}: {side}{}", ink.on, ink.off);
}

fn write_members(sign: char, group: &Avp<'_>, depth: usize, ink: &Ink, out: &mut String) {
    for avp in members(group, depth - 1).unwrap_or_default() {
        let _ = write!(out, "{}{sign} ", ink.on);
        out.extend(std::iter::repeat_n("  ", depth));
        write_name(&avp, out);
        out.push(':');
        let grouped = members(&avp, depth).is_some();
        if !grouped {
            out.push(' ');
            write_value(&avp, &Palette::default(), out);
        }
        out.push_str(&ink.off);
        out.push('\n');
        if grouped {
            write_members(sign, &avp, depth + 1, ink, out);
        }
    }
}

/// Appends one difference as the fields of a JSON object, without braces:
/// `"path":...,"kind":...,"expected":...,"actual":...`. An AVP is as `decode --json` prints it, a side that has nothing is
/// null.
pub fn write_json(difference: &Difference, out: &mut String) {
    out.push_str(r#""path":"#);
    json::write_text(&difference.path.to_string(), out);
    let _ = write!(out, r#","kind":"{}""#, difference.kind.name());
    for (name, side) in [("expected", &difference.expected), ("actual", &difference.actual)] {
        let _ = write!(out, r#","{name}":"#);
        match side {
            None => out.push_str("null"),
            Some(Side::Avp(octets)) => {
                let start = out.len();
                json::write_avps(octets, out);
                // One AVP, out of its array.
                if out.ends_with(']') && out.get(start..=start) == Some("[") {
                    out.truncate(out.len() - 1);
                    out.remove(start);
                }
            }
            Some(Side::Number(number, _)) => {
                let _ = write!(out, "{number}");
            }
            Some(Side::Octets(octets)) => {
                out.push('"');
                data_encoding::HEXLOWER.encode_append(octets, out);
                out.push('"');
            }
            Some(Side::Flags(flags)) => {
                let _ = write!(out, "{}", flags.0);
            }
            Some(Side::Place(place)) => {
                let _ = write!(out, "{place}");
            }
        }
    }
}
