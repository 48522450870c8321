//! The part of a file that is held in memory, as it was and as it becomes.

use std::ops::Range;

use super::super::Timestamp;
use super::spans::Spans;

/// Not understood, so far.
pub(super) const OTHER: u8 = 0;
/// Understood: a header, or a field that names no one or was replaced.
pub(super) const SHOWN: u8 = 1;
/// Part of a Diameter message.
pub(super) const MESSAGE: u8 = 2;

/// One frame of the file.
#[derive(Debug)]
pub(super) struct Frame {
    pub link: u32,
    pub time: Timestamp,
    /// Its octets.
    pub range: Range<usize>,
    /// Where its record or block ends.
    pub end: usize,
    /// What was met in it that is not understood, as [`super::tally::Tally`] numbers it.
    pub others: Vec<u16>,
    /// One of them is a protocol of its own, not only a field.
    pub foreign: bool,
    /// It will not be written.
    pub dropped: bool,
}

/// Octets in the order of the file: first those that are written already and kept for what may repeat them.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// As they were read.
    pub old: Vec<u8>,
    /// As they are to be written.
    pub new: Vec<u8>,
    /// What is known of each: [`OTHER`], [`SHOWN`] or [`MESSAGE`].
    pub marks: Vec<u8>,
    /// The frames that are not written yet.
    pub frames: Vec<Frame>,
    /// How many octets are written already.
    pub written: usize,
}

impl Window {
    /// Takes over what was appended to `old`.
    pub fn grow(&mut self) {
        let from = self.new.len();
        self.new.extend_from_slice(self.old.get(from..).unwrap_or_default());
        self.marks.resize(self.old.len(), OTHER);
    }

    /// Forgets what is written already but for `kept` octets; returns how many went.
    pub fn slide(&mut self, kept: usize) -> usize {
        let by = self.written.saturating_sub(kept);
        // Seldom: moving the rest costs as much as there is of it.
        if by < kept.max(1) {
            return 0;
        }
        self.old.drain(..by);
        self.new.drain(..by);
        self.marks.drain(..by);
        self.written -= by;
        for frame in &mut self.frames {
            frame.range = frame.range.start - by..frame.range.end - by;
            frame.end -= by;
        }
        by
    }

    pub fn mark(&mut self, spans: &Spans, mark: u8) {
        for range in spans.ranges() {
            if let Some(marks) = self.marks.get_mut(range.clone()) {
                marks.fill(mark);
            }
        }
    }

    /// Gives marks one by one.
    pub fn mark_each(&mut self, spans: &Spans, marks: &[u8]) {
        spans.write(marks, &mut self.marks);
    }

    /// Octets among these that are not understood and not zero: zeros tell nothing.
    pub fn has_other(&self, spans: &Spans) -> bool {
        spans.ranges().iter().any(|range| self.other_in(range.clone()))
    }

    pub fn other_in(&self, range: Range<usize>) -> bool {
        let marks = self.marks.get(range.clone()).unwrap_or_default();
        let octets = self.old.get(range).unwrap_or_default();
        marks.iter().zip(octets).any(|(mark, octet)| *mark == OTHER && *octet != 0)
    }
}
