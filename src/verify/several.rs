//! Several captures as one: their messages in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::finding::Report;
use super::{Batch, Batches, Options, Verifier};
use crate::capture::{CaptureError, Reader, Timestamp};

/// A capture to be read: its name, and how to open it. It is opened twice: once for the time it begins at, and again when
/// the others have come as far, so that a folder of a thousand captures does not need a thousand open files.
pub struct Input<'i> {
    /// Its name in the report.
    pub name: String,
    /// Opens it from the start.
    #[allow(clippy::type_complexity, reason = "a closure that opens")]
    pub open: Box<dyn Fn() -> Result<Reader<'static>, CaptureError> + 'i>,
}

/// Where batches of a capture come from: it takes a batch that is done with, and gives the next one.
pub type Feed<'f> = Box<dyn FnMut(Batch) -> Batch + 'f>;

/// Batches of a capture that are read as they are asked for.
#[must_use]
pub fn feed<'f>(reader: Reader<'f>) -> Feed<'f> {
    let mut batches = Batches::new(reader);
    Box::new(move |mut batch| {
        batches.fill(&mut batch);
        batch
    })
}

/// A capture that is being read, and its message at hand.
struct Open<'f> {
    capture: u32,
    feed: Feed<'f>,
    batch: Batch,
    /// The message at hand within the batch.
    at: usize,
    /// How much of what packets told was taken.
    told: usize,
}

impl Open<'_> {
    /// The time of the message at hand; reads on where there is none, and is `None` at the end of the capture.
    fn time(&mut self, verifier: &mut Verifier, damaged: &mut impl FnMut(u32, CaptureError)) -> Option<Timestamp> {
        loop {
            if let Some(message) = self.batch.message(self.at) {
                return Some(message.time);
            }
            if let Some(end) = self.batch.end.take() {
                if let Some(error) = verifier.end(self.capture, end) {
                    damaged(self.capture, error);
                }
                return None;
            }
            self.batch = (self.feed)(std::mem::take(&mut self.batch));
            (self.at, self.told) = (0, 0);
        }
    }

    /// Gives the message at hand to be judged.
    fn judge(&mut self, verifier: &mut Verifier) {
        if let Some(message) = self.batch.message(self.at) {
            self.told = verifier.news(self.capture, &self.batch, self.told, self.at);
            verifier.message(self.capture, &message);
            self.at += 1;
        }
    }
}

/// Verifies several captures as one: messages in the order of time, associations and UEs followed from one to the other. A
/// capture that cannot be read, or not to its end, is told to `damaged`, and what it gave before counts.
pub fn verify_captures(inputs: &[Input<'_>], options: Options, damaged: impl FnMut(u32, CaptureError)) -> Report {
    verify_captures_with(inputs, options, feed, damaged)
}

/// Likewise; `feed` says how a reader is read, perhaps by another thread.
pub fn verify_captures_with<'f>(
    inputs: &[Input<'_>],
    options: Options,
    mut feed: impl FnMut(Reader<'static>) -> Feed<'f>,
    mut damaged: impl FnMut(u32, CaptureError),
) -> Report {
    let mut verifier = Verifier::new(options);
    if inputs.len() > 1 {
        verifier.seats.expect_several();
    }
    // By the time of the first message; those without any are read for their packets all the same.
    let mut waiting: Vec<(Timestamp, u32)> = Vec::new();
    for (input, capture) in inputs.iter().zip(0..) {
        let first = (input.open)().and_then(|mut reader| Ok(reader.next_message()?.map(|message| message.time)));
        match first {
            Ok(first) => waiting.push((first.unwrap_or(Timestamp(i64::MAX)), capture)),
            Err(error) => damaged(capture, error),
        }
    }
    waiting.sort_unstable_by(|a, b| b.cmp(a));
    let mut open: Vec<Option<Open<'f>>> = inputs.iter().map(|_| None).collect();
    // Captures that are open, by the time of the message at hand.
    let mut heads: BinaryHeap<Reverse<(Timestamp, u32)>> = BinaryHeap::new();
    loop {
        let soonest = heads.peek().map(|Reverse((time, _))| *time);
        if let Some((begins, capture)) = waiting.last().copied()
            && soonest.is_none_or(|time| begins <= time)
        {
            waiting.pop();
            let (Some(input), Some(slot)) = (inputs.get(capture as usize), open.get_mut(capture as usize)) else {
                continue;
            };
            match (input.open)() {
                Ok(reader) => {
                    let mut new = Open { capture, feed: feed(reader), batch: Batch::default(), at: 0, told: 0 };
                    if let Some(time) = new.time(&mut verifier, &mut damaged) {
                        heads.push(Reverse((time, capture)));
                        *slot = Some(new);
                    }
                }
                Err(error) => damaged(capture, error),
            }
            continue;
        }
        let Some(mut head) = heads.peek_mut() else { break };
        let Reverse((time, capture)) = &mut *head;
        let Some(slot) = open.get_mut(*capture as usize) else { break };
        let next = slot.as_mut().and_then(|open| {
            open.judge(&mut verifier);
            open.time(&mut verifier, &mut damaged)
        });
        match next {
            Some(next) => *time = next,
            None => {
                *slot = None;
                PeekMut::pop(head);
            }
        }
    }
    let names: Vec<_> = inputs.iter().map(|input| input.name.clone()).collect();
    verifier.finish(&names)
}
