//! One connection under load: requests leave when they are due, answers are matched and timed.
//!
//! With a rate each request has its moment, whatever the answers before it do, and its latency counts from that moment:
//! a peer that stalls is charged for all that was due meanwhile (no coordinated omission). Without a rate a request
//! leaves as soon as an answer has made room.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use hdrhistogram::Histogram;
use tokio::sync::Notify;

use super::template::Template;
use crate::avp::dictionary::{Declared as _, ExperimentalResult, ResultCode};
use crate::avp::{Avps, Key};
use crate::cli::call::{Dialogue, Heard};
use crate::message::{HEADER_LENGTH, Header};
use crate::net::{NetError, Outgoing, Sender};

/// Octets of requests that are made at once.
const SLAB: usize = 256 << 10;

/// Requests made or answers read before the other side is looked after.
const BATCH: usize = 256;

/// How often the wait for late answers is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What one connection is to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Requests a second on this connection; as fast as answers make room when `None`.
    pub rate: Option<f64>,
    /// Requests that may wait for their answers.
    pub outstanding: usize,
    /// For how long requests leave.
    pub span: Duration,
    /// What is not counted at the beginning.
    pub warm_up: Duration,
    /// The most requests.
    pub count: u64,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// Number of the first request, and the step to the next: connections take turns.
    pub first: u64,
    pub step: u64,
}

/// What all connections show while they work.
#[derive(Debug, Default)]
pub struct Progress {
    pub sent: AtomicU64,
    pub answered: AtomicU64,
    /// Set to end early.
    pub stop: AtomicBool,
}

/// What came of it. Requests of the warm-up are in none of the counts.
#[derive(Clone, Debug)]
pub struct Tally {
    pub sent: u64,
    pub answered: u64,
    /// Answers that did not come in time.
    pub timed_out: u64,
    /// Requests whose connection ended before their answer came.
    pub cut_off: u64,
    /// Requests that were due and did not leave, because too many waited for their answers.
    pub overdue: u64,
    /// Answers that came after their time or twice.
    pub stray: u64,
    /// Answers by Vendor-Id (0 for Result-Code) and code; `None` for answers without either.
    pub results: Vec<(Option<(u32, u32)>, u64)>,
    /// From the moment a request was due, in nanoseconds.
    pub latency: Histogram<u64>,
    /// From the moment it left, in nanoseconds.
    pub service: Histogram<u64>,
    /// From the first counted request to the last answer.
    pub elapsed: Duration,
    /// What keeping the rate took of the processor, beside the connection's own thread.
    pub pacing: Duration,
    /// Why the connection ended early.
    pub end: Option<String>,
}

impl Tally {
    /// Nothing yet.
    ///
    /// # Errors
    /// Never: the bounds are constants that fit.
    pub fn new() -> Result<Self, String> {
        // Three digits, from a nanosecond to an hour.
        let histogram = || Histogram::new_with_bounds(1, 3_600_000_000_000, 3).map_err(|error| error.to_string());
        Ok(Self {
            sent: 0,
            answered: 0,
            timed_out: 0,
            cut_off: 0,
            overdue: 0,
            stray: 0,
            results: Vec::new(),
            latency: histogram()?,
            service: histogram()?,
            elapsed: Duration::ZERO,
            pacing: Duration::ZERO,
            end: None,
        })
    }

    /// Adds what another connection did.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.answered += other.answered;
        self.timed_out += other.timed_out;
        self.cut_off += other.cut_off;
        self.overdue += other.overdue;
        self.stray += other.stray;
        for (result, count) in &other.results {
            self.count(*result, *count);
        }
        // Both have the same bounds, so neither can fail.
        let _ = self.latency.add(&other.latency);
        let _ = self.service.add(&other.service);
        self.elapsed = self.elapsed.max(other.elapsed);
        self.pacing += other.pacing;
        self.end = self.end.take().or_else(|| other.end.clone());
    }

    /// Requests without an answer.
    pub const fn lost(&self) -> u64 {
        self.timed_out + self.cut_off
    }

    fn count(&mut self, result: Option<(u32, u32)>, count: u64) {
        if let Some((_, so_far)) = self.results.iter_mut().find(|(known, _)| *known == result) {
            *so_far += count;
        } else if self.results.len() < 1024 {
            self.results.push((result, count));
        }
    }
}

/// A request that waits, by the low bits of its Hop-by-Hop Identifier.
#[derive(Clone, Copy, Debug)]
struct Slot {
    identifier: u32,
    waits: bool,
    due: Duration,
    sent: Duration,
}

struct Engine<'p> {
    plan: &'p Plan,
    templates: Vec<Template>,
    progress: &'p Progress,
    begun: Instant,
    tally: Tally,
    slots: Vec<Slot>,
    free: Vec<u32>,
    mask: u32,
    /// Identifiers in the order of sending.
    order: VecDeque<u32>,
    end_to_end: u32,
    /// Requests that have left, those of the warm-up included.
    made: u64,
    /// SCTP streams; the first is left to messages between neighbours, as a node does.
    streams: u16,
    slab: BytesMut,
}

/// Runs a plan over a dialogue, from the moment `begun`.
pub async fn run(
    plan: &Plan,
    templates: Vec<Template>,
    dialogue: &mut Dialogue,
    progress: &Progress,
    begun: Instant,
) -> Result<Tally, String> {
    let size = plan.outstanding.next_power_of_two();
    let empty = Slot { identifier: 0, waits: false, due: Duration::ZERO, sent: Duration::ZERO };
    let mut engine = Engine {
        plan,
        templates,
        progress,
        begun,
        tally: Tally::new()?,
        slots: vec![empty; size],
        free: (0..plan.outstanding as u32).rev().collect(),
        mask: size as u32 - 1,
        order: VecDeque::with_capacity(plan.outstanding * 2),
        end_to_end: dialogue.next_identifier() & 0xfff0_0000,
        made: 0,
        streams: dialogue.info().outgoing_streams,
        slab: BytesMut::with_capacity(SLAB),
    };
    let pacer = plan.rate.map(|_| Pacer::start()).transpose()?;
    let sender = dialogue.sender();
    loop {
        let mut more = false;
        for _ in 0..BATCH {
            let Some((header, answer)) = dialogue.hear_now() else { break };
            engine.answer(&header, &answer);
        }
        match engine.send_due(&sender) {
            Ok(busy) => more |= busy,
            Err(words) => engine.tally.end = Some(words),
        }
        let now = engine.now();
        engine.expire(now);
        if engine.tally.end.is_some() || engine.is_over(now) {
            break;
        }
        if more {
            tokio::task::yield_now().await;
            continue;
        }
        let next = engine.next_due(now).filter(|_| !engine.free.is_empty());
        let due = async {
            match (&pacer, next) {
                (Some(pacer), Some(at)) => pacer.until(begun + at).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            heard = dialogue.hear() => match heard {
                Heard::Answer(header, answer) => engine.answer(&header, &answer),
                Heard::End(words) => engine.tally.end = Some(words),
            },
            () = due => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    engine.finish();
    engine.tally.pacing = pacer.map(|pacer| pacer.cpu()).unwrap_or_default();
    Ok(engine.tally)
}

impl Engine<'_> {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// When the next request is due; `None` when there is no further one.
    fn next_due(&self, now: Duration) -> Option<Duration> {
        if self.made >= self.plan.count {
            return None;
        }
        let due = match self.plan.rate {
            Some(rate) => Duration::from_secs_f64(self.made as f64 / rate),
            None => now,
        };
        (due < self.plan.span).then_some(due)
    }

    /// Sends what is due; true when there was more than one batch of it.
    fn send_due(&mut self, sender: &Sender) -> Result<bool, String> {
        if self.progress.stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let mut left = 0;
        for _ in 0..BATCH {
            let now = self.now();
            // A moment that has passed while there was no room stays the request's own.
            let Some(due) = self.next_due(now).filter(|due| *due <= now) else { break };
            if now >= self.plan.span + self.plan.timeout {
                break;
            }
            let Some(slot) = self.free.pop() else { break };
            let identifier = self.identify(slot);
            self.end_to_end = self.end_to_end.wrapping_add(1);
            let number = self.plan.first + self.made * self.plan.step;
            let Some(template) = self.templates.get(self.made as usize % self.templates.len().max(1)) else { break };
            if self.slab.capacity() - self.slab.len() < template.len() {
                self.slab = BytesMut::with_capacity(SLAB.max(template.len()));
            }
            template.write(number, identifier, self.end_to_end, &mut self.slab);
            let stream = if self.streams < 2 { 0 } else { 1 + (self.made % u64::from(self.streams - 1)) as u16 };
            let message = Outgoing::new(self.slab.split().freeze()).on_stream(stream);
            match sender.try_send(message) {
                Ok(()) => {}
                Err(NetError::QueueFull { .. }) => {
                    // The transport is behind; the request keeps its moment.
                    self.free.push(slot);
                    break;
                }
                Err(error) => return Err(error.to_string()),
            }
            if let Some(entry) = self.slots.get_mut(slot as usize) {
                *entry = Slot { identifier, waits: true, due, sent: now };
            }
            self.order.push_back(identifier);
            self.made += 1;
            left += 1;
            if due >= self.plan.warm_up {
                self.tally.sent += 1;
            }
        }
        self.progress.sent.fetch_add(left as u64, Ordering::Relaxed);
        Ok(left == BATCH)
    }

    /// The next identifier of a slot: its number in the low bits, the turn above.
    fn identify(&self, slot: u32) -> u32 {
        let before = self.slots.get(slot as usize).map_or(0, |entry| entry.identifier);
        (before & !self.mask).wrapping_add(self.mask.wrapping_add(1)) | slot
    }

    fn answer(&mut self, header: &Header, answer: &[u8]) {
        let slot = header.hop_by_hop & self.mask;
        let now = self.now();
        let Some(entry) = self.slots.get_mut(slot as usize) else { return };
        if !entry.waits || entry.identifier != header.hop_by_hop {
            self.tally.stray += 1;
            return;
        }
        entry.waits = false;
        let (due, sent) = (entry.due, entry.sent);
        self.free.push(slot);
        self.progress.answered.fetch_add(1, Ordering::Relaxed);
        if due < self.plan.warm_up {
            return;
        }
        let nanoseconds = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX).max(1);
        self.tally.latency.saturating_record(nanoseconds(now.saturating_sub(due)));
        self.tally.service.saturating_record(nanoseconds(now.saturating_sub(sent)));
        self.tally.answered += 1;
        self.tally.elapsed = now.saturating_sub(self.plan.warm_up);
        self.tally.count(result_of(answer), 1);
    }

    /// Gives up on requests whose time is over, and forgets those that were answered.
    fn expire(&mut self, now: Duration) {
        while let Some(&identifier) = self.order.front() {
            let slot = identifier & self.mask;
            if let Some(entry) = self.slots.get_mut(slot as usize)
                && entry.waits
                && entry.identifier == identifier
            {
                if entry.sent + self.plan.timeout > now {
                    break;
                }
                entry.waits = false;
                if entry.due >= self.plan.warm_up {
                    self.tally.timed_out += 1;
                }
                self.free.push(slot);
            }
            self.order.pop_front();
        }
    }

    fn is_over(&self, now: Duration) -> bool {
        let stopped = self.progress.stop.load(Ordering::Relaxed);
        let nothing_waits = self.free.len() == self.plan.outstanding;
        let nothing_comes = stopped || now >= self.plan.span || self.made >= self.plan.count;
        // With a rate, what was due before the end and had no room still leaves while answers come.
        let backlog = !stopped
            && self.next_due(now).is_some()
            && self.plan.rate.is_some()
            && now < self.plan.span + self.plan.timeout;
        nothing_comes && nothing_waits && !backlog
    }

    fn finish(&mut self) {
        for entry in &self.slots {
            if entry.waits && entry.due >= self.plan.warm_up {
                self.tally.cut_off += 1;
            }
        }
        if let Some(rate) = self.plan.rate
            && !self.progress.stop.load(Ordering::Relaxed)
        {
            let all = (self.plan.span.as_secs_f64() * rate).ceil() as u64;
            self.tally.overdue = all.min(self.plan.count).saturating_sub(self.made);
        }
    }
}

/// The result of an answer: Result-Code, or Experimental-Result with its vendor.
fn result_of(answer: &[u8]) -> Option<(u32, u32)> {
    for avp in Avps::new(answer.get(HEADER_LENGTH..)?).map_while(Result::ok) {
        if avp.key == Key(ResultCode::KEY) {
            return Some((0, u32::from_be_bytes(avp.data.try_into().ok()?)));
        }
        if avp.key == Key(ExperimentalResult::KEY) {
            let result = ExperimentalResult::read(avp.data)?;
            return Some((result.vendor_id, result.experimental_result_code));
        }
    }
    None
}

/// What a thread has had of the processor, by its folder in /proc; zero where the system does not say.
pub fn cpu_of(thread: &str) -> Duration {
    let text = std::fs::read_to_string(format!("{thread}/schedstat")).unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0))
}

/// What all threads of this process have had of the processor so far; those that have ended are left out.
pub fn cpu_of_all() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    threads.map(|thread| cpu_of(&thread.path().to_string_lossy())).sum()
}

/// Wakes a task at a moment, finer than the runtime's timer, whose steps are a millisecond.
struct Pacer {
    moments: std::sync::mpsc::Sender<Instant>,
    woken: Arc<Notify>,
    /// The moment it was last asked for.
    asked: Cell<Instant>,
    /// The number of its thread.
    thread: Arc<OnceLock<String>>,
}

impl Pacer {
    fn start() -> Result<Self, String> {
        let (moments, queue) = std::sync::mpsc::channel::<Instant>();
        let woken = Arc::new(Notify::new());
        let wake = Arc::clone(&woken);
        let thread = Arc::new(OnceLock::new());
        let own = Arc::clone(&thread);
        let work = move || {
            if let Ok(path) = std::fs::read_link("/proc/thread-self") {
                let _ = own.set(format!("/proc/{}", path.display()));
            }
            while let Ok(moment) = queue.recv() {
                std::thread::sleep(moment.saturating_duration_since(Instant::now()));
                wake.notify_one();
            }
        };
        let named = std::thread::Builder::new().name("pacer".to_owned());
        named.spawn(work).map_err(|error| format!("the system gives no thread: {error}"))?;
        Ok(Self { moments, woken, asked: Cell::new(Instant::now()), thread })
    }

    /// What its thread has had of the processor.
    fn cpu(&self) -> Duration {
        self.thread.get().map_or(Duration::ZERO, |thread| cpu_of(thread))
    }

    async fn until(&self, moment: Instant) {
        let now = Instant::now();
        if moment <= now {
            return;
        }
        // One that is asked for and comes before will do: the caller looks again.
        let asked = self.asked.get();
        if (asked <= now || asked > moment) && self.moments.send(moment).is_ok() {
            self.asked.set(moment);
        }
        self.woken.notified().await;
    }
}
