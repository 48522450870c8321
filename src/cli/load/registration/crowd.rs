//! Many UEs that register: an element around [`Ue`] that begins each registration when it is due and times it.
//!
//! With a rate each registration has its moment, whatever became of those before, and its latency counts from that moment:
//! a function that stalls is charged for all that was due meanwhile (no coordinated omission).

use std::collections::HashMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::registration::element::{Action, Element, Event, Now, Token};
use crate::registration::ue::Phase;
use crate::registration::{Identity, Ue, UeConfig};

/// How often is looked at what is due.
const TICK: Duration = Duration::from_millis(1);

/// The token of our timer: those of [`Ue`] count from one, and it sets no timers.
const TIMER: Token = Token(u64::MAX);

/// Kinds of refusal that are told apart.
const MOST_REFUSALS: usize = 64;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// UEs, each of which registers once.
    pub ues: usize,
    /// Registrations a second; as fast as others end when `None`.
    pub rate: Option<f64>,
    /// Registrations that may be under way.
    pub outstanding: usize,
    /// The first registrations, which no figure shows.
    pub warm_up: usize,
}

/// What came of it, without the warm-up.
#[derive(Clone, Debug)]
pub struct Tally {
    pub registered: u64,
    pub refused: u64,
    /// Why, and how often.
    pub refusals: Vec<(String, u64)>,
    /// Whole registrations from the moment they were due, nanoseconds.
    pub whole: Histogram<u64>,
    /// From message 5 to message 6.
    pub allocating: Histogram<u64>,
    /// From message 1 to message 4.
    pub binding: Histogram<u64>,
    /// From the first moment that is counted to the last end.
    pub elapsed: Duration,
}

impl Tally {
    fn new() -> Result<Self, String> {
        // Three digits, from a nanosecond to an hour.
        let histogram = || Histogram::new_with_bounds(1, 3_600_000_000_000, 3).map_err(|error| error.to_string());
        Ok(Self {
            registered: 0,
            refused: 0,
            refusals: Vec::new(),
            whole: histogram()?,
            allocating: histogram()?,
            binding: histogram()?,
            elapsed: Duration::ZERO,
        })
    }

    fn refuse(&mut self, why: &str) {
        self.refused += 1;
        if let Some((_, count)) = self.refusals.iter_mut().find(|(known, _)| known == why) {
            *count += 1;
        } else if self.refusals.len() < MOST_REFUSALS {
            self.refusals.push((why.to_owned(), 1));
        }
    }
}

/// A registration under way.
#[derive(Clone, Copy, Debug)]
struct Course {
    device: usize,
    due: Duration,
    /// When the message under way left.
    left: Duration,
    /// Message 6 has come.
    has_id1: bool,
}

/// The UEs.
#[derive(Debug)]
pub struct Crowd {
    ue: Ue,
    plan: Plan,
    tally: Tally,
    under_way: HashMap<Token, Course>,
    /// When the first registration is due; `None` until the crowd is told to go.
    begun: Option<Duration>,
    /// The first moment that counts.
    counted: Option<Duration>,
    next: usize,
    ended: usize,
}

impl Crowd {
    /// All detached, waiting for [`Crowd::go`].
    ///
    /// # Errors
    /// Never: the bounds of the histograms are constants that fit.
    pub fn new(identity: Identity, config: UeConfig, seed: [u8; 16], plan: Plan) -> Result<Self, String> {
        Ok(Self {
            ue: Ue::new(identity, config, seed),
            plan,
            tally: Tally::new()?,
            under_way: HashMap::new(),
            begun: None,
            counted: None,
            next: 0,
            ended: 0,
        })
    }

    /// Begins.
    pub fn go(&mut self, now: Now, actions: &mut Vec<Action>) {
        self.begun = Some(now.elapsed);
        self.fill(now, actions);
        if self.plan.rate.is_some() {
            actions.push(Action::SetTimer { token: TIMER, after: TICK });
        }
    }

    /// Registrations that have ended, well or not.
    pub const fn ended(&self) -> usize {
        self.ended
    }

    /// What came of it, once all have ended.
    pub fn outcome(&self) -> Option<Tally> {
        (self.ended == self.plan.ues).then(|| self.tally.clone())
    }

    /// What has come of it so far.
    pub fn so_far(&self) -> Tally {
        self.tally.clone()
    }

    /// When a registration is due; `None` when it waits for others to end.
    fn due(&self, number: usize) -> Option<Duration> {
        Some(self.begun? + Duration::from_secs_f64(number as f64 / self.plan.rate?))
    }

    /// Begins what is due, as far as there is room.
    fn fill(&mut self, now: Now, actions: &mut Vec<Action>) {
        while self.next < self.plan.ues && self.under_way.len() < self.plan.outstanding {
            let due = match self.plan.rate {
                Some(_) => match self.due(self.next) {
                    Some(due) if due <= now.elapsed => due,
                    _ => return,
                },
                None => now.elapsed,
            };
            let device = self.next;
            self.next += 1;
            if device >= self.plan.warm_up {
                self.counted.get_or_insert(due);
            }
            let from = actions.len();
            self.ue.register(now, device, actions);
            self.follow(Course { device, due, left: now.elapsed, has_id1: false }, from, actions);
        }
    }

    /// Remembers the request that a registration goes on with, among the actions after `from`; false when it has ended.
    fn follow(&mut self, course: Course, from: usize, actions: &[Action]) -> bool {
        let sent = actions.iter().skip(from).find_map(|action| match action {
            Action::Send { token, .. } => Some(*token),
            _ => None,
        });
        sent.is_some_and(|token| {
            self.under_way.insert(token, course);
            true
        })
    }

    fn answered(&mut self, now: Now, course: Course, from: usize, actions: &mut Vec<Action>) {
        let counts = course.device >= self.plan.warm_up;
        let nanoseconds = |since: Duration| u64::try_from((now.elapsed - since).as_nanos()).unwrap_or(u64::MAX);
        if counts {
            let leg = if course.has_id1 { &mut self.tally.binding } else { &mut self.tally.allocating };
            leg.saturating_record(nanoseconds(course.left));
        }
        if self.follow(Course { left: now.elapsed, has_id1: true, ..course }, from, actions) {
            return;
        }
        self.ended += 1;
        if counts {
            if matches!(self.ue.phase(course.device), Some(Phase::Registered { .. })) {
                self.tally.registered += 1;
                self.tally.whole.saturating_record(nanoseconds(course.due));
            } else {
                let why = self.ue.refused(course.device).map_or("nobody says why", |refused| &*refused.text).to_owned();
                self.tally.refuse(&why);
            }
            self.tally.elapsed = now.elapsed - self.counted.unwrap_or(now.elapsed);
        }
        self.fill(now, actions);
    }
}

impl Element for Crowd {
    fn applications(&self) -> &[u32] {
        self.ue.applications()
    }

    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Timer { token: TIMER } => {
                self.fill(now, actions);
                if self.next < self.plan.ues {
                    actions.push(Action::SetTimer { token: TIMER, after: TICK });
                }
            }
            Event::Answer { token, result } => {
                let course = self.under_way.remove(&token);
                let from = actions.len();
                self.ue.handle(now, Event::Answer { token, result }, actions);
                if let Some(course) = course {
                    self.answered(now, course, from, actions);
                }
            }
            event => self.ue.handle(now, event, actions),
        }
        // Nobody reads a word on each of a million UEs.
        actions.retain(|action| !matches!(action, Action::Report(_)));
    }
}
