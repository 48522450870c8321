//! What others must be told until they have heard it: U1 and farewells to app servers, CRR to functions, PNR to the HSS.
//!
//! Each node has a lane of its own, so that one that is down holds up nobody else. While it answers, a number of messages
//! are under way at a time; once it does not, one message is tried at growing intervals until it answers again, however
//! many wait. A message that is answered, but not well, waits by itself and lets the others pass.
//!
//! What is here is lost with the process and found again in the store: the marks under [`MOVES`](super::moving),
//! [`RELEASES`](super::moving), [`FAREWELLS`](super::lifecycle) and [`PURGES`](super::subscription) stay until it is over. So the number kept in
//! memory may be bounded: what finds no place is read from the store later.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use super::view::{AppServerView, Delivery};
use crate::registration::identifiers::{Imsi, Pduid};

/// One message to be told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Parcel {
    /// U1 to the app server of an application.
    Update { imsi: Imsi, application: Box<str> },
    /// CRR to the function that had the UE under this ID1.
    Release { imsi: Imsi, id1: Pduid },
    /// A farewell, by its key in the store.
    Farewell { key: Box<str> },
    /// PNR to the HSS, by the key of its mark in the store.
    Purge { key: Box<str> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Queued,
    Sent,
    Waiting,
}

#[derive(Debug)]
struct Known {
    host: Box<str>,
    state: State,
    attempts: u32,
    /// How many ID1s U1 may have to quote, one after the other.
    candidates: usize,
    next: Option<Duration>,
    cause: Option<Box<str>>,
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Parcel>,
    sent: usize,
    /// Tries in vain since it last answered.
    attempts: u32,
    /// When it is tried again.
    next: Option<Duration>,
    cause: Option<Box<str>>,
}

impl Lane {
    fn is_open(&self) -> bool {
        let window = if self.attempts == 0 { WINDOW } else { 1 };
        self.next.is_none() && self.sent < window
    }
}

/// What waits for one node takes at most one part in so many of all places.
const LARGEST_SHARE: usize = 4;
/// Messages under way to one node at a time, while it answers.
const WINDOW: usize = 64;
/// Nodes shown at once.
const MOST_SHOWN: usize = 1000;

/// All that is to be told.
#[derive(Debug)]
pub(super) struct Deliveries {
    parcels: HashMap<Parcel, Known>,
    lanes: BTreeMap<Box<str>, Lane>,
    most: usize,
    /// Something found no place: the store has to be read again.
    pub left_out: bool,
}

impl Deliveries {
    pub fn new(most: usize) -> Self {
        Self { parcels: HashMap::new(), lanes: BTreeMap::new(), most: most.max(1), left_out: false }
    }

    pub fn has_room(&self) -> bool {
        self.parcels.len() < self.most
    }

    /// Whether enough has gone that it is worth reading the store again for what was left out.
    pub fn has_much_room(&self) -> bool {
        self.parcels.len() <= self.most / 2
    }

    /// Puts a message into the lane of its node; false when it is there already or there is no place.
    pub fn add(&mut self, parcel: Parcel, host: &str) -> bool {
        if self.parcels.contains_key(&parcel) {
            return false;
        }
        let host: Box<str> = host.to_ascii_lowercase().into();
        let waiting = self.lanes.get(&host).map_or(0, |lane| lane.queue.len());
        // A node that is down for long must not take the places of the others.
        if !self.has_room() || waiting >= (self.most / LARGEST_SHARE).max(1) {
            self.left_out = true;
            return false;
        }
        self.lanes.entry(host.clone()).or_default().queue.push_back(parcel.clone());
        let known = Known { host, state: State::Queued, attempts: 0, candidates: 1, next: None, cause: None };
        self.parcels.insert(parcel, known);
        true
    }

    /// The next message for a node, if one may leave now; it counts as sent.
    pub fn take(&mut self, host: &str) -> Option<Parcel> {
        let lane = self.lanes.get_mut(host).filter(|lane| lane.is_open())?;
        let parcel = lane.queue.pop_front()?;
        lane.sent += 1;
        if let Some(known) = self.parcels.get_mut(&parcel) {
            known.state = State::Sent;
            known.next = None;
        }
        Some(parcel)
    }

    /// Tries of this message in vain so far.
    pub fn attempts(&self, parcel: &Parcel) -> u32 {
        self.parcels.get(parcel).map_or(0, |known| known.attempts)
    }

    /// How many ID1s U1 may have to quote.
    pub fn set_candidates(&mut self, parcel: &Parcel, candidates: usize) {
        if let Some(known) = self.parcels.get_mut(parcel) {
            known.candidates = candidates;
        }
    }

    pub fn candidates(&self, parcel: &Parcel) -> usize {
        self.parcels.get(parcel).map_or(1, |known| known.candidates)
    }

    /// The node of a message.
    pub fn host(&self, parcel: &Parcel) -> Option<Box<str>> {
        self.parcels.get(parcel).map(|known| known.host.clone())
    }

    fn came_back(&mut self, parcel: &Parcel) -> Option<(&mut Known, &mut Lane)> {
        let known = self.parcels.get_mut(parcel)?;
        let lane = self.lanes.get_mut(&known.host)?;
        if known.state == State::Sent {
            lane.sent = lane.sent.saturating_sub(1);
        }
        Some((known, lane))
    }

    /// The node has answered: it is up.
    pub fn answered(&mut self, parcel: &Parcel) {
        if let Some((known, lane)) = self.came_back(parcel) {
            known.state = State::Waiting;
            (lane.attempts, lane.next, lane.cause) = (0, None, None);
        }
    }

    /// The matter is over.
    pub fn done(&mut self, parcel: &Parcel) {
        let Some((known, _)) = self.came_back(parcel) else { return };
        let host = known.host.clone();
        self.parcels.remove(parcel);
        if self.lanes.get(&host).is_some_and(|lane| lane.queue.is_empty() && lane.sent == 0 && lane.attempts == 0) {
            self.lanes.remove(&host);
        }
    }

    /// The node did not answer. Gives back the number of the try that went wrong, when a timer has to be set.
    pub fn silent(&mut self, parcel: &Parcel, cause: &str) -> Option<u32> {
        let (known, lane) = self.came_back(parcel)?;
        known.state = State::Queued;
        lane.queue.push_front(parcel.clone());
        // Of many under way together the first that fails tells all there is to know.
        if lane.next.is_some() || (lane.attempts > 0 && lane.sent > 0) {
            return None;
        }
        lane.attempts = lane.attempts.saturating_add(1);
        lane.cause = Some(cause.into());
        Some(lane.attempts)
    }

    /// The node is tried again at `next`.
    pub fn lane_waits(&mut self, parcel: &Parcel, next: Duration) {
        if let Some((_, lane)) = self.came_back(parcel) {
            lane.next = Some(next);
        }
    }

    /// It is time to try a node again.
    pub fn lane_wakes(&mut self, host: &str) {
        if let Some(lane) = self.lanes.get_mut(host) {
            lane.next = None;
        }
    }

    /// The answer was not the one wanted: this message waits by itself until `next`. Gives back the number of the try.
    pub fn waits(&mut self, parcel: &Parcel, next: Duration, cause: &str) {
        if let Some((known, _)) = self.came_back(parcel) {
            known.state = State::Waiting;
            known.next = Some(next);
            known.cause = Some(cause.into());
        }
    }

    /// One more try was in vain. Gives back their number.
    pub fn in_vain(&mut self, parcel: &Parcel) -> u32 {
        self.parcels.get_mut(parcel).map_or(1, |known| {
            known.attempts = known.attempts.saturating_add(1);
            known.attempts
        })
    }

    /// A message that waited by itself goes back into its lane.
    pub fn again(&mut self, parcel: &Parcel) -> Option<Box<str>> {
        let known = self.parcels.get_mut(parcel).filter(|known| known.state == State::Waiting)?;
        known.state = State::Queued;
        known.next = None;
        self.lanes.entry(known.host.clone()).or_default().queue.push_back(parcel.clone());
        Some(known.host.clone())
    }

    /// How far a message is, for the operator.
    pub fn delivery(&self, now: Duration, parcel: &Parcel, host: &str, application: &str) -> Delivery {
        let known = self.parcels.get(parcel);
        let lane = self.lanes.get(host.to_ascii_lowercase().as_str());
        let lane_attempts = lane.map_or(0, |lane| lane.attempts);
        let next = known.and_then(|known| known.next).or_else(|| lane.and_then(|lane| lane.next));
        let cause = known.and_then(|known| known.cause.clone()).or_else(|| lane.and_then(|lane| lane.cause.clone()));
        let state = match known.map(|known| known.state) {
            Some(State::Sent) => "sent",
            Some(State::Waiting) => "waiting",
            Some(State::Queued) if lane.is_some_and(|lane| lane.next.is_some()) => "waiting",
            Some(State::Queued) | None => "queued",
        };
        Delivery {
            host: host.to_owned(),
            application: application.to_owned(),
            state,
            attempts: known.map_or(0, |known| known.attempts).max(lane_attempts),
            next_attempt_in: next.map(|next| seconds(now, next)),
            last_cause: cause.map(Into::into),
        }
    }

    /// All nodes, for the operator.
    pub fn nodes(&self, now: Duration) -> Vec<AppServerView> {
        let view = |host: &str, lane: &Lane| AppServerView {
            host: host.to_owned(),
            state: if lane.attempts == 0 { "up" } else { "down" },
            sent: lane.sent,
            queued: lane.queue.len(),
            attempts: lane.attempts,
            next_attempt_in: lane.next.map(|next| seconds(now, next)),
            last_cause: lane.cause.as_deref().map(str::to_owned),
        };
        self.lanes.iter().take(MOST_SHOWN).map(|(host, lane)| view(host, lane)).collect()
    }

    /// Messages that nobody has heard yet.
    pub fn len(&self) -> usize {
        self.parcels.len()
    }
}

/// Whole seconds until `then`, rounded up.
fn seconds(now: Duration, then: Duration) -> u64 {
    let left = then.saturating_sub(now);
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}
