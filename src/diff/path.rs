//! Where an AVP stands in a message, and patterns for such places.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::HeaderField;
use crate::avp::{Key, dictionary};

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A field of the header; alone in its path.
    Header(HeaderField),
    /// An AVP: vendor and code, which of its kind it is on its level from 1, and whether there are several.
    Avp {
        /// Vendor and code.
        key: Key,
        /// The first of its kind on its level is 1.
        number: u32,
        /// More than one of its kind stand there, on either side.
        several: bool,
    },
    /// The flags of the AVP before.
    Flags,
    /// The octets behind the last AVP.
    Rest,
}

/// The way from the message to an AVP, e.g. `Subscription-Data/APN-Configuration[2]/Service-Selection`. Empty for a
/// message as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The AVPs on the way, the outermost first.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.0.iter().filter_map(|step| match step {
            Step::Avp { key, .. } => Some(*key),
            _ => None,
        })
    }

    /// True when the pattern meets this place, or a group around it.
    #[must_use]
    pub fn is_within(&self, pattern: &Pattern) -> bool {
        let steps: Vec<(Key, u32)> = self
            .0
            .iter()
            .filter_map(|step| match step {
                Step::Avp { key, number, .. } => Some((*key, *number)),
                _ => None,
            })
            .collect();
        (1..=steps.len()).any(|length| steps.get(..length).is_some_and(|steps| pattern.meets(steps)))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("message");
        }
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Header(field) => write!(f, "header/{}", field.name())?,
                Step::Avp { key, number, several } => {
                    if at > 0 {
                        f.write_str("/")?;
                    }
                    match dictionary::lookup(*key) {
                        Some(definition) => f.write_str(definition.name)?,
                        None => write!(f, "{}:{}", key.vendor(), key.code())?,
                    }
                    if *several {
                        write!(f, "[{number}]")?;
                    }
                }
                Step::Flags => f.write_str(" (flags)")?,
                Step::Rest => f.write_str("(octets behind the last AVP)")?,
            }
        }
        Ok(())
    }
}

/// A pattern of paths: steps parted by `/`, each an AVP by name, code or `vendor:code`, with `[2]` for the second of its
/// kind, `*` for any AVP, `**` for any number of groups. It may begin at any depth unless it begins with `/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    anchored: bool,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Any,
    AnyDepth,
    Avp(Vec<Key>, Option<u32>),
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// It has an empty step.
    #[error("`{0}`: a step is empty; expected e.g. `Subscription-Data/APN-Configuration[2]/Service-Selection`")]
    Empty(String),
    /// A name that no AVP has.
    #[error("`{pattern}`: no AVP is called `{name}`; expected a name, a code, `vendor:code`, `*` or `**`")]
    Unknown {
        /// The whole pattern.
        pattern: String,
        /// The name.
        name: String,
    },
    /// What stands in brackets is no number from 1 up.
    #[error("`{pattern}`: `[{index}]` is no number from 1 up")]
    Index {
        /// The whole pattern.
        pattern: String,
        /// What stands in the brackets.
        index: String,
    },
    /// More steps than groups may be nested.
    #[error("`{0}`: more steps than AVPs can be nested ({limit})", limit = SEGMENT_LIMIT)]
    TooLong(String),
}

/// Steps in a pattern: as many as groups can be nested.
const SEGMENT_LIMIT: usize = crate::message::check::NESTING_LIMIT + 1;

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (anchored, steps) = match text.strip_prefix('/') {
            Some(steps) => (true, steps),
            None => (false, text),
        };
        let segments = steps.split('/').map(|step| segment(step, text)).collect::<Result<Vec<_>, _>>()?;
        if segments.len() > SEGMENT_LIMIT {
            return Err(PatternError::TooLong(text.to_owned()));
        }
        Ok(Self { text: text.to_owned(), anchored, segments })
    }
}

fn segment(step: &str, text: &str) -> Result<Segment, PatternError> {
    match step {
        "" => return Err(PatternError::Empty(text.to_owned())),
        "*" => return Ok(Segment::Any),
        "**" => return Ok(Segment::AnyDepth),
        _ => {}
    }
    let (name, number) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
        Some((name, index)) => match index.parse() {
            Ok(number @ 1..) => (name, Some(number)),
            _ => return Err(PatternError::Index { pattern: text.to_owned(), index: index.to_owned() }),
        },
        None => (step, None),
    };
    let coded = match name.split_once(':') {
        Some((vendor, code)) => vendor.parse().ok().zip(code.parse().ok()).map(|(vendor, code)| Key::new(vendor, code)),
        None => name.parse().ok().map(|code| Key::new(dictionary::IETF, code)),
    };
    let keys = match coded {
        Some(key) => vec![key],
        None => super::named(name).map(|definition| definition.key).collect(),
    };
    if keys.is_empty() {
        return Err(PatternError::Unknown { pattern: text.to_owned(), name: name.to_owned() });
    }
    Ok(Segment::Avp(keys, number))
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pattern {
    /// The AVPs that its last step names; `None` where that is any.
    pub(super) fn last(&self) -> Option<&[Key]> {
        match self.segments.last() {
            Some(Segment::Avp(keys, _)) => Some(keys),
            _ => None,
        }
    }

    /// True when a step says which of its kind is meant.
    pub(super) fn is_numbered(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::Avp(_, Some(_))))
    }

    /// True when the way to an AVP, as (key, number of its kind) from the outermost on, fits to its end.
    #[must_use]
    pub fn meets(&self, steps: &[(Key, u32)]) -> bool {
        meets(&self.segments, steps, self.anchored)
    }
}

/// Compares from the end on: the last step decides most often.
fn meets(segments: &[Segment], steps: &[(Key, u32)], anchored: bool) -> bool {
    let Some((segment, before)) = segments.split_last() else { return !anchored || steps.is_empty() };
    if *segment == Segment::AnyDepth {
        return (0..=steps.len()).any(|length| meets(before, &steps[..length], anchored));
    }
    let Some(((key, number), around)) = steps.split_last() else { return false };
    let fits = match segment {
        Segment::Avp(keys, wanted) => keys.contains(key) && wanted.is_none_or(|wanted| wanted == *number),
        Segment::Any | Segment::AnyDepth => true,
    };
    fits && meets(before, around, anchored)
}
