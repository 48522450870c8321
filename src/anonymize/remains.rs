//! Identities that stand outside of their AVPs: in documents and unknown AVPs, and where they are kept in comments and other
//! protocols.

use std::collections::HashMap;

/// Digits at least, of which a text is sure to be no accident.
const SURE: usize = 12;
/// Shorter texts are words as any other.
const LEAST: usize = 5;
/// The least digits that are searched for in half octets.
const PACKED: usize = 10;

/// Words that protocols use themselves; a subscriber who is called so is replaced in AVPs alone.
const COMMON: [&[u8]; 12] = [
    b"diameter",
    b"transport",
    b"protocol",
    b"example",
    b"localhost",
    b"internet",
    b"anonymous",
    b"server",
    b"client",
    b"subscriber",
    b"network",
    b"demo1",
];

/// Octets and what they became.
type Replacement = (Vec<u8>, Vec<u8>);

/// All that is known to name someone, in the forms in which other protocols say it.
#[derive(Default)]
pub(super) struct Remains {
    /// By the first octets, so that one look decides at nearly every place.
    by_start: HashMap<[u8; LEAST], Vec<Replacement>>,
    begins: Vec<bool>,
}

impl Remains {
    /// Of texts and what they became.
    pub fn new<'t>(texts: impl Iterator<Item = (&'t [u8], &'t [u8])>) -> Self {
        let mut remains = Self { by_start: HashMap::new(), begins: vec![false; 1 << 16] };
        for (before, after) in texts {
            if before.len() != after.len() || COMMON.contains(&before.to_ascii_lowercase().as_slice()) {
                continue;
            }
            remains.add(before.to_vec(), after.to_vec());
            if digits(before) && (PACKED..=15).contains(&before.len()) {
                remains.add(packed(before), packed(after));
                remains.add(mobile_identity(before), mobile_identity(after));
            }
            if before.contains(&b'.')
                && let (Some(before), Some(after)) = (labels(before), labels(after))
            {
                remains.add(before, after);
            }
        }
        for texts in remains.by_start.values_mut() {
            texts.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        }
        remains
    }

    fn add(&mut self, before: Vec<u8>, after: Vec<u8>) {
        let (Some(start), [a, b, ..]) = (before.first_chunk(), before.as_slice()) else { return };
        if let Some(begins) = self.begins.get_mut(usize::from(*a) << 8 | usize::from(*b)) {
            *begins = true;
        }
        self.by_start.entry(*start).or_default().push((before, after));
    }

    /// Replaces all that stands alone in `octets` by what it became; returns how many were.
    pub fn replace(&self, octets: &mut [u8]) -> u64 {
        let mut count = 0;
        let mut at = 0;
        while let Some(start) = octets.get(at..).and_then(<[u8]>::first_chunk::<LEAST>) {
            let [a, b, ..] = *start;
            let candidates = match self.begins.get(usize::from(a) << 8 | usize::from(b)) {
                Some(true) => self.by_start.get(start),
                _ => None,
            };
            let found = candidates.into_iter().flatten().find(|(before, _)| {
                let end = at + before.len();
                octets.get(at..end) == Some(before) && (is_sure(before) || alone(octets, at, end))
            });
            match found {
                Some((before, after)) => {
                    if let Some(place) = octets.get_mut(at..at + before.len()) {
                        place.copy_from_slice(after);
                    }
                    count += 1;
                    at += before.len();
                }
                None => at += 1,
            }
        }
        count
    }
}

/// No text that could be part of a word.
fn is_sure(octets: &[u8]) -> bool {
    octets.len() >= SURE && digits(octets) || !octets.iter().all(u8::is_ascii_graphic)
}

/// Half octets, the low one first, filled with 15. TS 29.002, TS 29.274.
fn packed(digits: &[u8]) -> Vec<u8> {
    let half = |digit: Option<&u8>| digit.map_or(15, |digit| digit & 15);
    digits.chunks(2).map(|pair| half(pair.get(1)) << 4 | half(pair.first())).collect()
}

/// The same as a mobile identity, behind the octet that has the first digit beside its type. TS 24.008 10.5.1.4.
fn mobile_identity(digits: &[u8]) -> Vec<u8> {
    packed(digits.get(1..).unwrap_or_default())
}

/// A host name as DNS writes it. RFC 1035 section 3.1.
fn labels(name: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(name.len() + 1);
    for label in name.split(|octet| *octet == b'.') {
        octets.push(u8::try_from(label.len()).ok().filter(|length| *length < 64)?);
        octets.extend_from_slice(label);
    }
    Some(octets)
}

fn digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

/// Neither letter nor digit is next to it.
fn alone(octets: &[u8], start: usize, end: usize) -> bool {
    let joins = |at: Option<usize>| at.and_then(|at| octets.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    !joins(start.checked_sub(1)) && !joins(Some(end))
}
