//! Two stores side by side: the same work on both, one round after the other.
//!
//! A side keeps its size: in each round as many UEs come as go, the ones that came first. A round begins with work that is not
//! told, so that a side does not pay for what the other has left in the caches; who goes first changes from round to round.
//! Every commit is on the disk before the next begins, so that neither side waits for what the other has written.

use std::path::Path;
use std::time::Duration;

use proselink::registration::identifiers::UnixSeconds;
use proselink::store::embedded::{EmbeddedStore, Options};
use proselink::store::{Condition, ContextReader as _, ContextStore as _, Cursor, StoreError, Write, WriteOutcome};

use crate::Lap;
use crate::subscriber::{APPLICATIONS, Subscriber};

/// UEs of the smaller side.
pub const SMALL: u64 = 10_000;
/// UEs whose writes share a commit.
const TOGETHER: u64 = 512;
/// UEs registered and expired in a round, and not told before that.
const SAMPLE: u64 = 4 * TOGETHER;
const WARM_UP: u64 = TOGETHER;
/// UEs looked up in a round, each way, and as many before that.
const LOOKED_UP: u64 = 5 * 1024;

const STEPS: [&str; 5] = ["register, 3 applications", "look up by IMSI", "look up by ID1", "look up by ID2", "expire"];

/// A store and the subscribers in it, by number: a window that moves on.
pub struct Side {
    pub store: EmbeddedStore,
    pub oldest: u64,
    next: u64,
    /// Of the walk through the subscribers: each is as likely.
    walk: u64,
}

impl Side {
    /// A store of `ues` UEs.
    pub fn fill(path: &Path, options: &Options, ues: u64) -> Result<Self, StoreError> {
        let lap = Lap::start();
        let mut store = EmbeddedStore::open(path, options.clone())?;
        for from in (0..ues).step_by(4096) {
            let writes: Vec<Write> =
                (from..(from + 4096).min(ues)).map(|number| Subscriber(number).complete()).collect();
            done(store.apply(&writes)?);
        }
        println!(
            "{} UEs in a store after {:.1} s (CPU {:.1} s)",
            store.count()?,
            lap.wall().as_secs_f64(),
            lap.cpu().as_secs_f64()
        );
        Ok(Side { store, oldest: 0, next: ues, walk: 0 })
    }

    /// What each of [`STEPS`] costs a UE, in CPU time.
    fn round(&mut self) -> Result<[Duration; STEPS.len()], StoreError> {
        self.register(WARM_UP)?;
        let register = self.register(SAMPLE)?;
        let mut looked_up = [Duration::ZERO; 3];
        for (way, spent) in looked_up.iter_mut().enumerate() {
            self.look_up(way)?;
            *spent = self.look_up(way)?;
        }
        self.expire(WARM_UP)?;
        let expire = self.expire(SAMPLE)?;
        let [by_imsi, by_id1, by_id2] = looked_up;
        Ok([register, by_imsi, by_id1, by_id2, expire])
    }

    /// Registers as a function does: message 5, then message 2 of each application, each its own write.
    fn register(&mut self, ues: u64) -> Result<Duration, StoreError> {
        let mut spent = Duration::ZERO;
        for _ in 0..ues / TOGETHER {
            let numbers = self.next..self.next + TOGETHER;
            self.next = numbers.end;
            let mut versions: Vec<Cursor> = Vec::new();
            for bound in 0..=APPLICATIONS.len() {
                let conditions = (numbers.clone().zip(0..)).map(|(number, place): (u64, usize)| {
                    (number, versions.get(place).map_or(Condition::Absent, |version| Condition::Version(*version)))
                });
                let writes: Vec<Write> =
                    conditions.map(|(number, condition)| Subscriber(number).bound(bound, condition)).collect();
                let lap = Lap::start();
                let outcomes = self.store.apply(&writes)?;
                spent += lap.cpu();
                versions = done(outcomes);
            }
        }
        Ok(spent / ues as u32)
    }

    fn look_up(&mut self, way: usize) -> Result<Duration, StoreError> {
        // The oldest may have gone before older ones of the same second.
        let first = self.oldest + 24;
        let ues = self.next - first;
        let walk = self.walk;
        self.walk = walk.wrapping_add(LOOKED_UP);
        let [application, ..] = APPLICATIONS;
        let sought = (walk..self.walk).map(|at| Subscriber(first + at.wrapping_mul(7_919_777) % ues));
        let sought: Vec<_> = sought.map(|it| (it.imsi(), it.id1(), it.id2(application))).collect();
        let lap = Lap::start();
        for (imsi, id1, id2) in &sought {
            let found = match way {
                0 => self.store.get(*imsi)?.is_some(),
                1 => self.store.get_by_id1(*id1)?.is_some(),
                _ => !self.store.find_by_id2(application, id2, 8)?.is_empty(),
            };
            assert!(found, "a UE is lost");
        }
        Ok(lap.cpu() / LOOKED_UP as u32)
    }

    /// As a function does: asks for those that are due, and forgets them.
    fn expire(&mut self, ues: u64) -> Result<Duration, StoreError> {
        let lap = Lap::start();
        for _ in 0..ues / TOGETHER {
            let due = self.store.due(UnixSeconds(u64::MAX), TOGETHER as usize)?;
            let writes: Vec<Write> =
                due.iter().map(|(_, imsi)| Write::Delete { imsi: *imsi, condition: Condition::Always }).collect();
            self.oldest += done(self.store.apply(&writes)?).len() as u64;
        }
        Ok(lap.cpu() / ues as u32)
    }
}

/// The versions made; all writes were done, or this is no measurement.
fn done(outcomes: Vec<WriteOutcome>) -> Vec<Cursor> {
    let version = |outcome| match outcome {
        WriteOutcome::Done { version } => version,
        other => panic!("a write was refused: {other:?}"),
    };
    outcomes.into_iter().map(version).collect()
}

/// Median, least and most.
fn spread(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    [at(values.len() / 2), at(0), at(values.len().saturating_sub(1))]
}

/// Lets both sides take turns, and tells the medians, the extremes, and those of the ratio of each round.
pub fn compare(small: &mut Side, large: &mut Side, rounds: usize) -> Result<(), StoreError> {
    let lap = Lap::start();
    let mut told = Vec::new();
    // One that is not told.
    for round in 0..=rounds {
        let costs = if round % 2 == 0 {
            let first = small.round()?;
            (first, large.round()?)
        } else {
            let first = large.round()?;
            (small.round()?, first)
        };
        if round > 0 {
            told.push(costs);
        }
    }
    println!("{rounds} rounds in {:.1} s; CPU time a UE, median (least to most):", lap.wall().as_secs_f64());
    println!("{:26}{:>28}{:>28}{:>24}", "", "at 10,000", "at full size", "ratio of a round");
    for (step, what) in STEPS.into_iter().enumerate() {
        let micros = |costs: &[Duration; STEPS.len()]| costs.get(step).map_or(f64::NAN, |it| it.as_secs_f64() * 1e6);
        let [low, least, most] = spread(told.iter().map(|(small, _)| micros(small)));
        let [high, large_least, large_most] = spread(told.iter().map(|(_, large)| micros(large)));
        let [ratio, ratio_least, ratio_most] = spread(told.iter().map(|(small, large)| micros(large) / micros(small)));
        println!(
            "{what:26}{:>28}{:>28}{:>24}",
            format!("{low:.2} us ({least:.2} to {most:.2})"),
            format!("{high:.2} us ({large_least:.2} to {large_most:.2})"),
            format!("{ratio:.2} ({ratio_least:.2} to {ratio_most:.2})")
        );
    }
    Ok(())
}
