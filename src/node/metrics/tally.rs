//! The writing side: a peer's counters as the node's task holds them, each found once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::{CommandCounts, Count, Metrics, PeerCounts, ResultCounts, Spans, lock};
use crate::avp::Avps;
use crate::avp::dictionary::{Declared as _, ExperimentalResult, ExperimentalResultCode, ResultCode, TGPP};
use crate::interfaces::names;
use crate::message::{HEADER_LENGTH, Header, find};
use crate::net::path::Path;
use crate::peer::{State, Status, Unanswered};

/// What has no name of its own, in every label.
const OTHER: &str = "other";

/// Commands and results of one peer that are told apart; what comes on top is `other`.
const MOST_SERIES: usize = 256;

/// The counters of one peer, in the hands of their only writer. Without metrics it does nothing.
#[derive(Debug)]
pub(in crate::node) struct Tally(Option<Box<Inner>>);

#[derive(Debug)]
struct Inner {
    peer: Arc<PeerCounts>,
    /// By Application-Id, code and R bit: few, so that a walk finds them soonest.
    commands: Vec<((u32, u32, bool), Arc<CommandCounts>)>,
    /// By Application-Id, vendor (0 for Result-Code) and code.
    results: Vec<((u32, u32, u32), Arc<ResultCounts>)>,
    spans: Vec<(u32, Arc<Spans>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Received,
    Sent,
}

impl Way {
    const fn of<'c>(self, received: &'c Count, sent: &'c Count) -> &'c Count {
        match self {
            Self::Received => received,
            Self::Sent => sent,
        }
    }
}

impl Metrics {
    /// The counters of a peer; those it had before when it comes back.
    pub(in crate::node) fn peer(metrics: Option<&Self>, identity: &str) -> Tally {
        let Some(metrics) = metrics else { return Tally(None) };
        let mut peers = metrics.peers();
        let known = peers.iter().find(|peer| peer.identity.eq_ignore_ascii_case(identity));
        let peer = known.map(Arc::clone).unwrap_or_else(|| {
            let peer = Arc::new(PeerCounts::new(identity));
            peers.push(Arc::clone(&peer));
            peer
        });
        Tally(Some(Box::new(Inner { peer, commands: Vec::new(), results: Vec::new(), spans: Vec::new() })))
    }

    /// A peer is none any more: its counters go.
    pub(in crate::node) fn forget(&self, identity: &str) {
        self.peers().retain(|peer| !peer.identity.eq_ignore_ascii_case(identity));
    }
}

impl Tally {
    /// A message has come, as this node numbers applications and commands.
    pub fn received(&mut self, message: &[u8]) {
        if let Some(inner) = &mut self.0 {
            inner.message(message, Way::Received);
        }
    }

    /// A message is about to leave.
    pub fn sent(&mut self, message: &[u8]) {
        if let Some(inner) = &mut self.0 {
            inner.message(message, Way::Sent);
        }
    }

    /// An answer to a request of ours took so long.
    pub fn took(&mut self, application: u32, time: Duration) {
        let Some(inner) = &mut self.0 else { return };
        if let Some((_, spans)) = inner.spans.iter().find(|(id, _)| *id == application) {
            spans.times.observe(time);
            return;
        }
        let name = application_name(application);
        let spans = shared(
            &inner.peer.spans,
            |spans| spans.application == name,
            || Spans { application: name, times: super::Histogram::default() },
        );
        spans.times.observe(time);
        if inner.spans.len() < MOST_SERIES {
            inner.spans.push((application, spans));
        }
    }

    /// A request of ours will not be answered by this peer.
    pub fn unanswered(&self, why: Unanswered) {
        if let Some(inner) = &self.0 {
            match why {
                Unanswered::Timeout => inner.peer.unanswered_timeout.add(1),
                Unanswered::Failover => inner.peer.unanswered_failover.add(1),
            }
        }
    }

    /// Octets or a message that cannot be read.
    pub fn malformed(&self) {
        self.with(|peer| peer.malformed.add(1));
    }

    /// A connection to the peer is being opened.
    pub fn connects(&self) {
        self.with(|peer| peer.connects.add(1));
    }

    /// It could not be opened.
    pub fn connect_failed(&self) {
        self.with(|peer| peer.connects_failed.add(1));
    }

    /// The peer has refused us, or we have refused it.
    pub fn refused(&self) {
        self.with(|peer| peer.refusals.add(1));
    }

    /// A watchdog was not answered in time.
    pub fn watchdog_failed(&self) {
        self.with(|peer| peer.watchdog_failures.add(1));
    }

    /// So many requests wait for answers.
    pub fn pending(&self, pending: usize) {
        self.with(|peer| peer.pending.set(pending));
    }

    /// Where the peer stands.
    pub fn standing(&self, state: State, status: Status) {
        self.with(|peer| {
            peer.state.store(state as usize, std::sync::atomic::Ordering::Relaxed);
            peer.status.store(status as usize, std::sync::atomic::Ordering::Relaxed);
        });
    }

    /// The paths of the peer's association, as they change.
    pub fn watch_paths(&self, paths: watch::Receiver<Vec<Path>>) {
        self.with(|peer| *lock(&peer.paths) = Some(paths));
    }

    /// The association is gone, and its paths with it.
    pub fn no_paths(&self) {
        self.with(|peer| *lock(&peer.paths) = None);
    }

    fn with(&self, write: impl FnOnce(&PeerCounts)) {
        if let Some(inner) = &self.0 {
            write(&inner.peer);
        }
    }
}

impl Inner {
    fn message(&mut self, message: &[u8], way: Way) {
        way.of(&self.peer.octets_received, &self.peer.octets_sent).add(message.len() as u64);
        let Some(header) = Header::parse(message) else { return };
        let key = (header.application, header.code, header.is_request());
        match self.commands.iter().find(|(known, _)| *known == key) {
            Some((_, counts)) => way.of(&counts.received, &counts.sent).add(1),
            None => {
                let counts = self.new_command(&header);
                way.of(&counts.received, &counts.sent).add(1);
            }
        }
        if header.is_request() {
            return;
        }
        let Some((vendor, code)) = result_of(message) else { return };
        let key = (header.application, vendor, code);
        match self.results.iter().find(|(known, _)| *known == key) {
            Some((_, counts)) => way.of(&counts.received, &counts.sent).add(1),
            None => {
                let counts = self.new_result(key);
                way.of(&counts.received, &counts.sent).add(1);
            }
        }
    }

    fn new_command(&mut self, header: &Header) -> Arc<CommandCounts> {
        let stem = names::command_stem(header.application, header.code);
        let room = self.commands.len() < MOST_SERIES;
        let (application, command) = match stem.filter(|_| room) {
            Some(stem) => {
                let ending = if header.is_request() { "Request" } else { "Answer" };
                (application_name(header.application), format!("{stem}-{ending}"))
            }
            None => (if room { application_name(header.application) } else { OTHER }, OTHER.to_owned()),
        };
        let counts = shared(
            &self.peer.commands,
            |counts| counts.application == application && counts.command == command,
            || CommandCounts {
                application,
                command: command.clone(),
                received: Default::default(),
                sent: Default::default(),
            },
        );
        // Only what has a name is remembered, so that no flood of numbers fills the list.
        if room && stem.is_some() {
            let key = (header.application, header.code, header.is_request());
            self.commands.push((key, Arc::clone(&counts)));
        }
        counts
    }

    fn new_result(&mut self, key: (u32, u32, u32)) -> Arc<ResultCounts> {
        let (application, vendor, code) = key;
        let room = self.results.len() < MOST_SERIES;
        let definition = if vendor == 0 { ResultCode::DEFINITION } else { ExperimentalResultCode::DEFINITION };
        let known = room && definition.value_name(i64::from(code)).is_some();
        let kind = match vendor {
            0 => "base",
            TGPP => "3gpp",
            _ => OTHER,
        };
        let result = if known { code.to_string() } else { OTHER.to_owned() };
        let application = if room { application_name(application) } else { OTHER };
        let counts = shared(
            &self.peer.results,
            |counts| counts.application == application && counts.kind == kind && counts.result == result,
            || ResultCounts {
                application,
                kind,
                result: result.clone(),
                received: Default::default(),
                sent: Default::default(),
            },
        );
        if known {
            self.results.push((key, Arc::clone(&counts)));
        }
        counts
    }
}

impl PeerCounts {
    fn new(identity: &str) -> Self {
        Self {
            identity: identity.to_owned(),
            commands: Default::default(),
            results: Default::default(),
            spans: Default::default(),
            paths: Default::default(),
            octets_received: Default::default(),
            octets_sent: Default::default(),
            malformed: Default::default(),
            unanswered_timeout: Default::default(),
            unanswered_failover: Default::default(),
            connects: Default::default(),
            connects_failed: Default::default(),
            refusals: Default::default(),
            watchdog_failures: Default::default(),
            pending: Default::default(),
            state: Default::default(),
            status: Default::default(),
        }
    }
}

/// The one of a list that fits, or a new one in it.
fn shared<C>(list: &Mutex<Vec<Arc<C>>>, fits: impl Fn(&C) -> bool, make: impl FnOnce() -> C) -> Arc<C> {
    let mut list = lock(list);
    if let Some(found) = list.iter().find(|one| fits(one)) {
        return Arc::clone(found);
    }
    let made = Arc::new(make());
    list.push(Arc::clone(&made));
    made
}

/// The name of an application as a label.
fn application_name(application: u32) -> &'static str {
    if application == 0 { "base" } else { names::application_name(application).unwrap_or(OTHER) }
}

/// Vendor (0 for Result-Code) and code of an answer.
fn result_of(answer: &[u8]) -> Option<(u32, u32)> {
    let body = Avps::new(answer.get(HEADER_LENGTH..)?);
    if let Some(code) = find::<ResultCode>(body) {
        return Some((0, code));
    }
    find::<ExperimentalResult>(body).map(|result| (result.vendor_id, result.experimental_result_code))
}
