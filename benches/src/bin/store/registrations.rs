//! Whole registrations a second through the committer: message 5 and message 2, each answered when it is durable.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proselink::store::embedded::{EmbeddedStore, Options};
use proselink::store::{Committer, Condition, StoreError, WriteOutcome};

use crate::Lap;
use crate::subscriber::Subscriber;

/// Registrations under way at a time.
const UNDER_WAY: usize = 1024;

/// Registers for `length` with group commit and for `length` with a commit a write, in the store at `path`.
pub fn compare(path: &Path, options: &Options, first: u64, length: Duration) -> Result<(), StoreError> {
    println!("whole registrations (2 writes each) for {length:?} each, {UNDER_WAY} under way at a time:");
    let next = Arc::new(AtomicU64::new(first));
    let mut rates = Vec::new();
    for (what, most_writes) in [("group commit", 8192), ("a commit a write", 1)] {
        let store = EmbeddedStore::open(path, options.clone().verify(false))?;
        let (committer, thread) = Committer::start_bounded(store, 4096, most_writes)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| StoreError::Io { action: "starting tokio", detail: error.to_string() })?;
        let (lap, started) = (Lap::start(), Instant::now());
        let mut taken = runtime.block_on(async {
            let tasks: Vec<_> = (0..UNDER_WAY)
                .map(|_| tokio::spawn(register_on(committer.clone(), Arc::clone(&next), started, length)))
                .collect();
            let mut all = Vec::new();
            for task in tasks {
                all.extend(task.await.unwrap_or(Err(StoreError::Closed))?);
            }
            Ok::<_, StoreError>(all)
        })?;
        taken.sort_unstable();
        let (wall, cpu, counts) = (lap.wall(), lap.cpu(), committer.counts());
        drop(committer);
        drop(thread.join()?);
        let at = |share: f64| taken.get((taken.len() as f64 * share) as usize).copied().unwrap_or_default();
        let rate = taken.len() as f64 / wall.as_secs_f64();
        println!(
            "  {what:18}{rate:>9.0} a second, p50 {:.1?}, p99 {:.1?}, {:.1} writes a commit, CPU {:.0} us each",
            at(0.5),
            at(0.99),
            counts.writes as f64 / counts.commits as f64,
            cpu.as_secs_f64() * 1e6 / taken.len() as f64
        );
        rates.push(rate);
    }
    if let [group, single] = rates.as_slice() {
        println!("  group commit registers {:.1} times as many", group / single);
    }
    Ok(())
}

async fn register_on(
    committer: Committer,
    next: Arc<AtomicU64>,
    started: Instant,
    length: Duration,
) -> Result<Vec<Duration>, StoreError> {
    let mut taken = Vec::new();
    while started.elapsed() < length {
        let subscriber = Subscriber(next.fetch_add(1, Ordering::Relaxed));
        let begun = Instant::now();
        let outcomes = committer.apply(vec![subscriber.bound(0, Condition::Absent)]).await?;
        let Some(WriteOutcome::Done { version }) = outcomes.first() else { panic!("refused: {outcomes:?}") };
        let outcomes = committer.apply(vec![subscriber.bound(1, Condition::Version(*version))]).await?;
        assert!(outcomes.iter().all(|outcome| outcome.is_done()), "refused: {outcomes:?}");
        taken.push(begun.elapsed());
    }
    Ok(taken)
}
