//! What a node counts, for Prometheus and for whoever asks whether it is well.
//!
//! ```text
//! the node's task ──► tally.rs (a peer's counters, found once) ──► atomics ◄── exposition.rs ◄── http.rs ◄── /metrics
//! ```
//! Only the node's task writes, so a count costs a load and a store: no lock, no look-up of labels, no allocation once a
//! kind of message has been seen. Labels are bounded: peers are those of the configuration, applications and commands
//! those that have a name here, the rest is `other`. No label and no value tells of a subscriber.

mod exposition;
pub mod http;
mod tally;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::net::path::Path;
use crate::peer::{State, Status};
use crate::store::CommitterCounter;

pub(super) use tally::Tally;

/// The counters of one node; clones are the same counters.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    begun: Instant,
    /// Since 1970; the start of the process as far as we know it.
    begun_unix: Duration,
    peers: Mutex<Vec<Arc<PeerCounts>>>,
    connections: ConnectionCounts,
    /// Requests of peers that our element has not answered yet.
    in_progress: Level,
    /// Requests of ours that wait for a peer to come up.
    parked: Level,
    /// Copies of requests that were answered from memory, or not acted on twice.
    duplicates: Count,
    reloads: Count,
    reloads_refused: Count,
    store: Mutex<Option<CommitterCounter>>,
    /// Milliseconds since `begun` at the last beat of the node's task; 0 before the first.
    beat: AtomicU64,
    listening: AtomicBool,
    stopping: AtomicBool,
}

/// Connections that peers open, before and after they say who they are.
#[derive(Debug, Default)]
pub(super) struct ConnectionCounts {
    /// All that are open, ours included.
    pub open: Level,
    /// Taken by a listener.
    pub accepted: Count,
    /// Dropped: too many had not said who they are.
    pub over_limit: Count,
    /// Dropped: the first message was no CER.
    pub no_cer: Count,
    /// Dropped: no message came in time.
    pub silent: Count,
    /// Refused with a CEA: unknown, wrong address, no common application, and so on.
    pub refused: Count,
}

/// What is counted of one peer.
#[derive(Debug)]
struct PeerCounts {
    identity: String,
    commands: Mutex<Vec<Arc<CommandCounts>>>,
    results: Mutex<Vec<Arc<ResultCounts>>>,
    spans: Mutex<Vec<Arc<Spans>>>,
    paths: Mutex<Option<watch::Receiver<Vec<Path>>>>,
    octets_received: Count,
    octets_sent: Count,
    malformed: Count,
    unanswered_timeout: Count,
    unanswered_failover: Count,
    connects: Count,
    connects_failed: Count,
    refusals: Count,
    watchdog_failures: Count,
    pending: Level,
    state: AtomicUsize,
    status: AtomicUsize,
}

/// Messages of one command of one application, a request or an answer.
#[derive(Debug)]
struct CommandCounts {
    application: &'static str,
    command: String,
    received: Count,
    sent: Count,
}

/// Answers of one application with one result.
#[derive(Debug)]
struct ResultCounts {
    application: &'static str,
    /// A code that has a name, or `other`.
    result: String,
    /// `base` for Result-Code, else the vendor of Experimental-Result.
    kind: &'static str,
    received: Count,
    sent: Count,
}

/// How long one peer's answers take in one application.
#[derive(Debug)]
struct Spans {
    application: &'static str,
    times: Histogram,
}

/// A number that only grows. One writer at a time.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub fn add(&self, more: u64) {
        // The node's task alone writes: no locked instruction is needed.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down. One writer at a time.
#[derive(Debug, Default)]
pub(super) struct Level(AtomicUsize);

impl Level {
    pub fn set(&self, value: usize) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper ends of the buckets of a [`Histogram`] in microseconds: 100 us to 10 s.
const BOUNDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// Times in buckets. One writer at a time.
#[derive(Debug, Default)]
struct Histogram {
    /// The last one takes what is above all bounds.
    buckets: [Count; BOUNDS.len() + 1],
    nanoseconds: Count,
}

impl Histogram {
    fn observe(&self, time: Duration) {
        let microseconds = time.as_nanos().div_ceil(1000) as u64;
        let at = BOUNDS.partition_point(|bound| *bound < microseconds);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.add(1);
        }
        self.nanoseconds.add(time.as_nanos() as u64);
    }
}

/// Whether a node can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// It listens, does not stop, and requests may go to at least one peer, if it has any.
    pub ready: bool,
    /// Why, in one line a fact.
    pub words: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            begun: Instant::now(),
            begun_unix: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            peers: Mutex::default(),
            connections: ConnectionCounts::default(),
            in_progress: Level::default(),
            parked: Level::default(),
            duplicates: Count::default(),
            reloads: Count::default(),
            reloads_refused: Count::default(),
            store: Mutex::default(),
            beat: AtomicU64::new(0),
            listening: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        }))
    }

    /// All of it in the OpenMetrics text format, which Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        exposition::text(self)
    }

    /// Notes that the node's task is alive. See [`Settings::heartbeat`](super::Settings::heartbeat).
    pub fn beat(&self) {
        let since = self.0.begun.elapsed().as_millis() as u64;
        self.0.beat.store(since.max(1), Ordering::Relaxed);
    }

    /// How long ago the node's task gave a sign of life; `None` when it has not yet.
    #[must_use]
    pub fn last_beat(&self) -> Option<Duration> {
        let beat = self.0.beat.load(Ordering::Relaxed);
        (beat > 0).then(|| self.0.begun.elapsed().saturating_sub(Duration::from_millis(beat)))
    }

    /// Counts a reading of the configuration, taken or refused.
    pub fn reloaded(&self, taken: bool) {
        if taken { self.0.reloads.add(1) } else { self.0.reloads_refused.add(1) }
    }

    /// Whether the node can be used now.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        if self.0.stopping.load(Ordering::Relaxed) {
            return Readiness { ready: false, words: "stopping\n".to_owned() };
        }
        if !self.0.listening.load(Ordering::Relaxed) {
            return Readiness { ready: false, words: "starting\n".to_owned() };
        }
        let peers = self.peers();
        let usable = peers.iter().filter(|peer| peer.is_usable()).count();
        let ready = peers.is_empty() || usable > 0;
        let mut words = format!("{usable} of {} peers can be used\n", peers.len());
        for peer in peers.iter() {
            let (state, status) = peer.standing();
            words.push_str(&format!("{} {state}, watchdog {status}\n", peer.identity));
        }
        Readiness { ready, words }
    }

    pub(super) fn connections(&self) -> &ConnectionCounts {
        &self.0.connections
    }

    /// Shows the writes of a store.
    pub(super) fn watch_store(&self, counter: CommitterCounter) {
        *lock(&self.0.store) = Some(counter);
    }

    pub(super) fn listens(&self) {
        self.0.listening.store(true, Ordering::Relaxed);
    }

    pub(super) fn stops(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn duplicate(&self) {
        self.0.duplicates.add(1);
    }

    pub(super) fn set_waiting(&self, in_progress: usize, parked: usize) {
        self.0.in_progress.set(in_progress);
        self.0.parked.set(parked);
    }

    fn peers(&self) -> MutexGuard<'_, Vec<Arc<PeerCounts>>> {
        lock(&self.0.peers)
    }
}

impl PeerCounts {
    fn standing(&self) -> (State, Status) {
        let state = State::ALL.get(self.state.load(Ordering::Relaxed)).copied().unwrap_or(State::Closed);
        let status = Status::ALL.get(self.status.load(Ordering::Relaxed)).copied().unwrap_or(Status::Initial);
        (state, status)
    }

    fn is_usable(&self) -> bool {
        let (state, status) = self.standing();
        state.is_open() && status == Status::Okay
    }
}

/// A lock that is only held for a look or a push; what a panic left behind is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
