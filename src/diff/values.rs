//! When two values mean the same.

use std::borrow::Cow;
use std::collections::HashMap;

use super::rules::Compiled;
use super::tree::Node;
use crate::avp::dictionary::Definition;
use crate::avp::format::{DiameterUri, Kind, Time, Verdict};

/// The octets of a value in a form in which equal meaning is equal octets. Names of the expected side become those that
/// the actual side uses.
pub(super) fn canonical<'a>(
    definition: Option<&Definition>,
    data: &'a [u8],
    rules: &Compiled,
    expected: bool,
) -> Cow<'a, [u8]> {
    let Some(definition) = definition else { return Cow::Borrowed(data) };
    let renamed = expected && rules.has_identities();
    match definition.kind {
        // RFC 6733 section 4.3.1: names are compared without regard to case.
        Kind::DiameterIdentity => {
            let lower = data.to_ascii_lowercase();
            Cow::Owned(if renamed { rules.identity(&lower).to_vec() } else { lower })
        }
        Kind::DiameterURI => {
            let Some(mut uri) = str::from_utf8(data).ok().and_then(|text| text.parse::<DiameterUri>().ok()) else {
                return Cow::Borrowed(data);
            };
            uri.host.make_ascii_lowercase();
            if renamed && let Ok(name) = str::from_utf8(rules.identity(uri.host.as_bytes())) {
                uri.host = name.to_owned();
            }
            // The defaults of RFC 6733 section 4.3.1.
            let transport = uri.transport.get_or_insert_with(|| "tcp".to_owned());
            transport.make_ascii_lowercase();
            uri.protocol.get_or_insert_with(|| "diameter".to_owned()).make_ascii_lowercase();
            Cow::Owned(uri.to_string().into_bytes())
        }
        Kind::IPFilterRule | Kind::QoSFilterRule => {
            let words: Vec<&[u8]> = data.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
            Cow::Owned(words.join(&b' '))
        }
        Kind::UTF8String if renamed => rename(data, rules),
        _ => Cow::Borrowed(data),
    }
}

/// Renames the host before the first `;`, as in a Session-Id, and the realm behind the last `@`.
fn rename<'a>(data: &'a [u8], rules: &Compiled) -> Cow<'a, [u8]> {
    let end = data.iter().position(|octet| *octet == b';').unwrap_or(data.len());
    let (first, rest) = data.split_at(end);
    let at = first.iter().rposition(|octet| *octet == b'@').map_or(0, |at| at + 1);
    let (user, name) = first.split_at(at);
    let lower = name.to_ascii_lowercase();
    let other = rules.identity(&lower);
    if other == lower { Cow::Borrowed(data) } else { Cow::Owned([user, other, rest].concat()) }
}

/// Values that were given out anew: which expected value stands for which actual one, and how far moments are apart.
#[derive(Debug, Default)]
pub(super) struct Correspondence {
    forth: HashMap<(u32, Vec<u8>), Vec<u8>>,
    back: HashMap<(u32, Vec<u8>), Vec<u8>>,
    /// Seconds from expected to actual moments.
    apart: Option<i64>,
}

/// Pairs of values that are remembered; those beyond are new ones each time.
const REMEMBERED: usize = 1 << 20;

impl Correspondence {
    /// True when two values without members mean the same under the rules.
    pub fn same(&mut self, expected: &Node<'_>, actual: &Node<'_>, compiled: &Compiled) -> bool {
        let verdict = expected.verdict;
        let (ours, theirs) = (expected.avp.data, actual.avp.data);
        if let Some(class) = verdict.class {
            return self.stands_for(class, ours, theirs);
        }
        let kind = expected.definition.map(|definition| definition.kind);
        if verdict.time
            && let (Some(ours), Some(theirs)) = (seconds(kind, ours), seconds(kind, theirs))
        {
            let apart = *self.apart.get_or_insert(theirs - ours);
            return ((theirs - ours - apart).unsigned_abs() as f64) <= verdict.within.unwrap_or(1.0);
        }
        if let Some(within) = verdict.within
            && let (Some(ours), Some(theirs)) = (number(kind, ours), number(kind, theirs))
        {
            return (ours - theirs).abs() <= within;
        }
        canonical(expected.definition, ours, compiled, true) == canonical(actual.definition, theirs, compiled, false)
    }

    fn stands_for(&mut self, class: u32, expected: &[u8], actual: &[u8]) -> bool {
        let (ours, theirs) = ((class, expected.to_vec()), (class, actual.to_vec()));
        match (self.forth.get(&ours), self.back.get(&theirs)) {
            (Some(known), Some(other)) => known == actual && other == expected,
            (None, None) => {
                if self.forth.len() < REMEMBERED {
                    self.back.insert(theirs, expected.to_vec());
                    self.forth.insert(ours, actual.to_vec());
                }
                true
            }
            _ => false,
        }
    }
}

fn seconds(kind: Option<Kind>, data: &[u8]) -> Option<i64> {
    match kind {
        Some(Kind::Time) => Some(Time(u32::from_be_bytes(data.try_into().ok()?)).unix_seconds()),
        _ => None,
    }
}

fn number(kind: Option<Kind>, data: &[u8]) -> Option<f64> {
    let kind = kind?;
    if kind.judge(data) != Verdict::Good {
        return None;
    }
    Some(match kind {
        Kind::Unsigned32 => f64::from(u32::from_be_bytes(data.try_into().ok()?)),
        Kind::Integer32 | Kind::Enumerated => f64::from(i32::from_be_bytes(data.try_into().ok()?)),
        Kind::Unsigned64 => u64::from_be_bytes(data.try_into().ok()?) as f64,
        Kind::Integer64 => i64::from_be_bytes(data.try_into().ok()?) as f64,
        Kind::Float32 => f64::from(f32::from_be_bytes(data.try_into().ok()?)),
        Kind::Float64 => f64::from_be_bytes(data.try_into().ok()?),
        Kind::Time => Time(u32::from_be_bytes(data.try_into().ok()?)).unix_seconds() as f64,
        _ => return None,
    })
}
