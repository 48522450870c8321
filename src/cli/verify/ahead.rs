//! Captures that are read ahead by another thread, while what was read is judged by this one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use crate::capture::{CaptureError, Reader};
use crate::verify::{Batch, Batches, Feed, feed};

/// Batches that wait to be judged, of one capture.
const AHEAD: usize = 4;
/// Octets of messages in a batch: a thread is woken that seldom.
const OCTETS: usize = 512 << 10;

/// Reads captures, by threads of their own as long as there are processors for them.
#[derive(Clone)]
pub struct Ahead {
    /// Threads that may still be started.
    threads: Arc<AtomicUsize>,
}

impl Ahead {
    /// As many threads as there are processors beside the one that judges.
    pub fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads(processors - 1)
    }

    /// As many threads as that.
    pub fn with_threads(threads: usize) -> Self {
        Self { threads: Arc::new(AtomicUsize::new(threads)) }
    }

    /// Where the batches of a capture come from. The order of messages is the same whoever reads.
    pub fn feed(&self, reader: Reader<'static>) -> Feed<'static> {
        let taken = self.threads.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok();
        if !taken {
            return feed(reader);
        }
        let given_back = GiveBack(Arc::clone(&self.threads));
        let (full, filled) = sync_channel::<Batch>(AHEAD);
        let (spare, empty) = channel::<Batch>();
        let mut batches = Batches::with_octets(reader, OCTETS);
        let read = move || {
            let _given_back = given_back;
            loop {
                let mut batch = empty.try_recv().unwrap_or_default();
                batches.fill(&mut batch);
                let last = batch.is_last();
                if full.send(batch).is_err() || last {
                    break;
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("capture".to_owned()).spawn(read) {
            let mut error = Some(error);
            return Box::new(move |_| {
                let source = error.take().unwrap_or_else(|| io::Error::other("the capture was not read"));
                Batch::ended(CaptureError::Io { offset: 0, source })
            });
        }
        Box::new(move |done| {
            // A reader that is done with takes no more of them.
            let _ = spare.send(done);
            filled.recv().unwrap_or_else(|_| {
                let source = io::Error::other("the thread that read the capture ended");
                Batch::ended(CaptureError::Io { offset: 0, source })
            })
        })
    }
}

/// A thread that may be started again.
struct GiveBack(Arc<AtomicUsize>);

impl Drop for GiveBack {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Input, Options, Report, verify_batches, verify_captures_with, verify_with};

    const CASES: [&str; 2] = ["registered-and-moved", "refused"];

    fn path(case: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/registration").join(case).join("input.pcapng")
    }

    fn judged(case: &str, ahead: &Ahead) -> Report {
        verify_batches(Options { steps: true }, case, ahead.feed(Reader::open(path(case)).expect("a capture")))
            .expect("sound")
    }

    #[test]
    fn the_verdict_is_the_same_whoever_reads() {
        for case in CASES {
            let alone = verify_with(&mut Reader::open(path(case)).expect("a capture"), Options { steps: true }, case);
            let alone = alone.expect("sound");
            for threads in 0..2 {
                assert_eq!(judged(case, &Ahead::with_threads(threads)), alone, "{case} with {threads} threads");
            }
        }
    }

    #[test]
    fn several_captures_share_the_threads_there_are() {
        let inputs: Vec<_> = CASES
            .iter()
            .map(|case| Input { name: (*case).to_owned(), open: Box::new(|| Reader::open(path(case))) })
            .collect();
        let together = |threads| {
            let ahead = Ahead::with_threads(threads);
            let options = Options { steps: true };
            verify_captures_with(
                &inputs,
                options,
                |reader| ahead.feed(reader),
                |capture, error| panic!("capture {capture}: {error}"),
            )
        };
        let alone = together(0);
        for threads in 1..4 {
            assert_eq!(together(threads), alone, "with {threads} threads");
        }
    }

    #[test]
    fn damage_is_told_after_what_came_before_it() {
        let mut octets = std::fs::read(path(CASES[0])).expect("a capture");
        octets.truncate(octets.len() - 10);
        let feed = |threads| {
            let octets = io::Cursor::new(octets.clone());
            let mut feed = Ahead::with_threads(threads).feed(Reader::from_read(octets));
            verify_batches(Options::default(), "-", &mut feed).map_err(|error| error.to_string())
        };
        assert!(feed(0).is_err());
        assert_eq!(feed(1), feed(0));
    }
}
