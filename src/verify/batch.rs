//! Messages by the batch, on their way from the reader of a capture to the [`Verifier`](super::Verifier).
//!
//! A batch owns its octets, so that reading and judging may be done by two threads. What packets told between the messages
//! keeps its place among them.

use crate::capture::{CaptureError, CapturedMessage, Reader};

use super::transport::{News, Watch};

/// Octets of messages with which a batch is full: with what belongs to them they stay in a near cache.
pub(super) const OCTETS: usize = 32 << 10;
/// So many octets count for a message, however few it has.
const LEAST: usize = 64;

/// Messages of one capture, one after another.
#[derive(Default)]
pub struct Batch {
    octets: Vec<u8>,
    /// Messages without their octets, and where those end.
    messages: Vec<(CapturedMessage<'static>, usize)>,
    /// What was told before the message of a number.
    news: Vec<(usize, News)>,
    /// With the last batch.
    pub(super) end: Option<End>,
}

/// What is left when a capture has been read.
pub(super) struct End {
    pub watch: Watch,
    pub frames: u64,
    /// Why it was not read to its end.
    pub error: Option<CaptureError>,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({} messages)", self.messages.len())
    }
}

impl Batch {
    /// The last batch of a capture that can not be read, or not further.
    #[must_use]
    pub fn ended(error: CaptureError) -> Self {
        Self { end: Some(End { watch: Watch::default(), frames: 0, error: Some(error) }), ..Self::default() }
    }

    /// True for the last one of a capture.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.end.is_some()
    }

    /// Makes it as good as new, but keeps its room.
    fn clear(&mut self) {
        self.octets.clear();
        self.messages.clear();
        self.news.clear();
        self.end = None;
    }

    /// Message number `at`.
    #[inline]
    pub(super) fn message(&self, at: usize) -> Option<CapturedMessage<'_>> {
        let (message, end) = self.messages.get(at)?;
        let start = match at.checked_sub(1) {
            Some(before) => self.messages.get(before)?.1,
            None => 0,
        };
        Some(CapturedMessage { bytes: self.octets.get(start..*end)?, ..*message })
    }

    /// What was told before message number `at`, from number `from` of it on.
    #[inline]
    pub(super) fn news(&self, from: usize, at: usize) -> &[(usize, News)] {
        let news = self.news.get(from..).unwrap_or_default();
        let count = news.iter().take_while(|(before, _)| *before <= at).count();
        news.get(..count).unwrap_or_default()
    }
}

/// Reads a capture by the batch.
pub struct Batches<'r> {
    reader: Reader<'r>,
    watch: Watch,
    octets: usize,
}

impl std::fmt::Debug for Batches<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batches").field("reader", &self.reader).finish_non_exhaustive()
    }
}

impl<'r> Batches<'r> {
    /// All of the messages that a reader gives.
    #[must_use]
    pub fn new(reader: Reader<'r>) -> Self {
        Self::with_octets(reader, OCTETS)
    }

    /// Likewise, in batches of about so many octets.
    #[must_use]
    pub fn with_octets(reader: Reader<'r>, octets: usize) -> Self {
        Self { reader, watch: Watch::default(), octets }
    }

    /// Fills a batch with what comes next. After the last one all are empty.
    pub fn fill(&mut self, batch: &mut Batch) {
        fill(&mut self.reader, &mut self.watch, self.octets, batch);
    }
}

/// Fills a batch with what comes next from a reader; the last one takes the watch with it.
pub(super) fn fill(reader: &mut Reader<'_>, watch: &mut Watch, octets: usize, batch: &mut Batch) {
    batch.clear();
    let error = loop {
        if batch.octets.len().max(batch.messages.len() * LEAST) >= octets {
            return;
        }
        // The watch sees packets before the messages in them.
        let message = match reader.next_message_with(watch) {
            Ok(Some(message)) => message,
            Ok(None) => break None,
            Err(error) => break Some(error),
        };
        batch.octets.extend_from_slice(message.bytes);
        if !watch.news.is_empty() {
            let at = batch.messages.len();
            batch.news.extend(watch.news.drain(..).map(|news| (at, news)));
        }
        batch.messages.push((CapturedMessage { bytes: &[], ..message }, batch.octets.len()));
    };
    batch.end = Some(End { watch: std::mem::take(watch), frames: reader.statistics().frames, error });
}
