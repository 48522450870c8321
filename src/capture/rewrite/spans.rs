//! Octets that belong together and lie in several places of a file.

use std::borrow::Cow;
use std::ops::Range;

/// Places in a file, in the order in which their octets are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans(Vec<Range<usize>>);

impl Spans {
    pub fn one(range: Range<usize>) -> Self {
        Self(vec![range])
    }

    pub fn push(&mut self, range: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ if range.is_empty() => {}
            _ => self.0.push(range),
        }
    }

    pub fn extend(&mut self, other: &Self) {
        other.0.iter().for_each(|range| self.push(range.clone()));
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(Range::len).sum()
    }

    /// The part that begins at `within.start` and ends before `within.end`, as far as it is there.
    pub fn sub(&self, within: Range<usize>) -> Self {
        let mut part = Self::default();
        let mut at = 0;
        for range in &self.0 {
            let from = within.start.clamp(at, at + range.len()) - at;
            let to = within.end.clamp(at, at + range.len()) - at;
            if from < to {
                part.push(range.start + from..range.start + to);
            }
            at += range.len();
        }
        part
    }

    /// The places.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.0
    }

    /// The lowest place.
    pub fn lowest(&self) -> usize {
        self.0.iter().map(|range| range.start).min().unwrap_or(usize::MAX)
    }

    /// The same octets when `by` octets before them have gone.
    pub fn shift(&mut self, by: usize) {
        for range in &mut self.0 {
            *range = range.start.saturating_sub(by)..range.end.saturating_sub(by);
        }
    }

    /// The octets, copied only when they lie apart.
    pub fn read<'f>(&self, file: &'f [u8]) -> Cow<'f, [u8]> {
        match self.0.as_slice() {
            [] => Cow::Borrowed(&[]),
            [range] => Cow::Borrowed(file.get(range.clone()).unwrap_or_default()),
            ranges => {
                let pieces = ranges.iter().filter_map(|range| file.get(range.clone()));
                Cow::Owned(pieces.collect::<Vec<_>>().concat())
            }
        }
    }

    /// Writes octets to where they lie; as many as there is room for.
    pub fn write(&self, octets: &[u8], file: &mut [u8]) {
        let mut rest = octets;
        for range in &self.0 {
            let (now, later) = rest.split_at(range.len().min(rest.len()));
            if let Some(place) = file.get_mut(range.start..range.start + now.len()) {
                place.copy_from_slice(now);
            }
            rest = later;
        }
    }
}

/// Where `part`, a slice of `whole`, begins in it; `None` when it is no slice of it.
pub(super) fn offset_in(whole: &[u8], part: &[u8]) -> Option<usize> {
    let offset = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (offset + part.len() <= whole.len()).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_octets_that_lie_apart() {
        let mut file = *b"..abc..defg.";
        let mut spans = Spans::one(2..5);
        spans.push(7..11);
        assert_eq!((spans.len(), &*spans.read(&file)), (7, &b"abcdefg"[..]));
        let part = spans.sub(1..5);
        assert_eq!(&*part.read(&file), b"bcde");
        part.write(b"BCDE", &mut file);
        assert_eq!(&file, b"..aBC..DEfg.");
        assert_eq!(spans.sub(9..12).len(), 0);
    }

    #[test]
    fn slices_and_where_they_begin() {
        let whole = [1, 2, 3, 4];
        assert_eq!(offset_in(&whole, &whole[1..3]), Some(1));
        assert_eq!(offset_in(&whole[..2], &whole[1..3]), None);
        assert_eq!(offset_in(&whole[1..], &whole[..1]), None);
    }
}
