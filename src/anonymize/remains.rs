//! Identities that stand outside of their AVPs: in documents, comments of packets, other protocols, lost fragments.

use std::collections::HashMap;

/// Digits at least, of which a text is sure to be no accident.
const SURE: usize = 12;
/// Shorter texts are words as any other.
const LEAST: usize = 5;

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

/// A text and what it became.
type Replacement<'t> = (&'t [u8], &'t [u8]);

/// Replaces every text of `spoken` that stands alone in `file` by what it became; returns how many were.
pub(super) fn replace(spoken: &HashMap<Vec<u8>, Vec<u8>>, file: &mut [u8]) -> u64 {
    // By the first octets, so that one look decides at nearly every place.
    let mut by_start: HashMap<[u8; LEAST], Vec<Replacement<'_>>> = HashMap::new();
    let mut begins = vec![false; 1 << 16];
    for (before, after) in spoken {
        if before.len() != after.len() || COMMON.contains(&before.to_ascii_lowercase().as_slice()) {
            continue;
        }
        let (Some(start), [a, b, ..]) = (before.first_chunk(), before.as_slice()) else { continue };
        by_start.entry(*start).or_default().push((before, after));
        if let Some(begins) = begins.get_mut(usize::from(*a) << 8 | usize::from(*b)) {
            *begins = true;
        }
    }
    for texts in by_start.values_mut() {
        texts.sort_by_key(|(before, _)| (std::cmp::Reverse(before.len()), *before));
    }
    let mut count = 0;
    let mut at = 0;
    while let Some(start) = file.get(at..).and_then(<[u8]>::first_chunk::<LEAST>) {
        let [a, b, ..] = *start;
        let candidates = match begins.get(usize::from(a) << 8 | usize::from(b)) {
            Some(true) => by_start.get(start),
            _ => None,
        };
        let found = candidates.into_iter().flatten().find(|(before, _)| {
            let end = at + before.len();
            file.get(at..end) == Some(*before) && (before.len() >= SURE && digits(before) || alone(file, at, end))
        });
        match found {
            Some((before, after)) => {
                if let Some(place) = file.get_mut(at..at + before.len()) {
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

fn digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

/// Neither letter nor digit is next to it.
fn alone(file: &[u8], start: usize, end: usize) -> bool {
    let joins = |at: Option<usize>| at.and_then(|at| file.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    !joins(start.checked_sub(1)) && !joins(Some(end))
}
