//! Group commit: many tasks, one disk.
//!
//! ```text
//! task ─┐                                    ┌─► reply
//! task ─┼─► bounded queue ─► committer thread ┼─► reply      all that waits goes into one transaction;
//! task ─┘                    (owns the store) └─► reply      while it syncs, the next one gathers
//! ```
//! A disk syncs a few hundred times a second whatever is written, so the rate of registrations is set by how many
//! share a sync. Nobody waits for company: a lone write is committed at once.

use super::{ContextStore, StoreError, Write, WriteOutcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// Hands writes to the committer thread. Cheap to clone; when the last one is dropped the thread commits what it has
/// and ends.
#[derive(Clone, Debug)]
pub struct Committer {
    queue: mpsc::Sender<Job>,
    counters: Arc<Counters>,
}

/// Reads what a [`Committer`]'s thread has done, without keeping the thread from ending.
#[derive(Clone, Debug)]
pub struct CommitterCounter(Arc<Counters>);

/// The thread behind a [`Committer`].
#[derive(Debug)]
pub struct CommitterThread<S>(thread::JoinHandle<S>);

/// An answer on its way: resolves when the writes are durable, or are known not to be.
#[derive(Debug)]
#[must_use = "only this tells whether the writes are durable"]
pub struct Pending(oneshot::Receiver<Result<Vec<WriteOutcome>, StoreError>>);

/// What the thread has done since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitterCounts {
    /// Transactions committed.
    pub commits: u64,
    /// Writes in them.
    pub writes: u64,
    /// Transactions that failed.
    pub failures: u64,
}

#[derive(Debug, Default)]
struct Counters {
    commits: AtomicU64,
    writes: AtomicU64,
    failures: AtomicU64,
}

#[derive(Debug)]
struct Job {
    writes: Vec<Write>,
    reply: oneshot::Sender<Result<Vec<WriteOutcome>, StoreError>>,
}

/// Writes in one transaction before the rest waits for the next: bounds the memory and the time of one.
const MOST_WRITES: usize = 8192;

impl Committer {
    /// Starts the thread that owns `store`. At most `queue` batches wait for it.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start<S>(store: S, queue: usize) -> Result<(Committer, CommitterThread<S>), StoreError>
    where
        S: ContextStore + Send + 'static,
    {
        Self::start_bounded(store, queue, MOST_WRITES)
    }

    /// As [`Committer::start`], but no batch joins a transaction that has `most_writes` writes already: with 1 every
    /// batch is a commit of its own, which shows what group commit is worth.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start_bounded<S>(
        store: S,
        queue: usize,
        most_writes: usize,
    ) -> Result<(Committer, CommitterThread<S>), StoreError>
    where
        S: ContextStore + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(queue.max(1));
        let counters = Arc::new(Counters::default());
        let of_thread = Arc::clone(&counters);
        let handle = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || commit_all(store, receiver, &of_thread, most_writes))
            .map_err(|error| StoreError::Io { action: "starting the store's thread", detail: error.to_string() })?;
        Ok((Committer { queue: sender, counters }, CommitterThread(handle)))
    }

    /// Makes `writes` durable, waiting for a place in the queue when it is full.
    ///
    /// # Errors
    /// As [`ContextStore::apply`], or the thread has ended.
    pub async fn apply(&self, writes: Vec<Write>) -> Result<Vec<WriteOutcome>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Job { writes, reply }).await.map_err(|_| StoreError::Closed)?;
        Pending(answer).outcome().await
    }

    /// Queues `writes` without waiting: for callers that would rather say DIAMETER_TOO_BUSY.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the queue is full, [`StoreError::Closed`] when the thread has ended.
    pub fn submit(&self, writes: Vec<Write>) -> Result<Pending, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Job { writes, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        Ok(Pending(answer))
    }

    /// What has been committed so far.
    #[must_use]
    pub fn counts(&self) -> CommitterCounts {
        self.counter().counts()
    }

    /// Another way to read [`Committer::counts`].
    #[must_use]
    pub fn counter(&self) -> CommitterCounter {
        CommitterCounter(Arc::clone(&self.counters))
    }
}

impl CommitterCounter {
    /// What has been committed so far.
    #[must_use]
    pub fn counts(&self) -> CommitterCounts {
        CommitterCounts {
            commits: self.0.commits.load(Ordering::Relaxed),
            writes: self.0.writes.load(Ordering::Relaxed),
            failures: self.0.failures.load(Ordering::Relaxed),
        }
    }
}

impl Pending {
    /// One outcome a write, once all of them are durable.
    ///
    /// # Errors
    /// As [`ContextStore::apply`], or the thread has ended.
    pub async fn outcome(self) -> Result<Vec<WriteOutcome>, StoreError> {
        self.0.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl<S> CommitterThread<S> {
    /// Waits until every [`Committer`] is dropped and everything queued is committed, and gives the store back. Blocks
    /// its thread.
    ///
    /// # Errors
    /// The thread panicked.
    pub fn join(self) -> Result<S, StoreError> {
        self.0.join().map_err(|_| StoreError::Closed)
    }
}

fn commit_all<S: ContextStore>(
    mut store: S,
    mut queue: mpsc::Receiver<Job>,
    counters: &Counters,
    most_writes: usize,
) -> S {
    while let Some(first) = queue.blocking_recv() {
        let mut writes = first.writes;
        let mut waiting = vec![(writes.len(), first.reply)];
        while writes.len() < most_writes
            && let Ok(job) = queue.try_recv()
        {
            waiting.push((job.writes.len(), job.reply));
            writes.extend(job.writes);
        }
        // A caller that has gone away still has its write done: it may have been told nothing, but others were.
        match store.apply(&writes) {
            Ok(outcomes) => {
                counters.commits.fetch_add(1, Ordering::Relaxed);
                counters.writes.fetch_add(writes.len() as u64, Ordering::Relaxed);
                let mut outcomes = outcomes.into_iter();
                for (length, reply) in waiting {
                    let _ = reply.send(Ok(outcomes.by_ref().take(length).collect()));
                }
            }
            Err(error) => {
                counters.failures.fetch_add(1, Ordering::Relaxed);
                for (_, reply) in waiting {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }
    store
}
