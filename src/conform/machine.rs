//! A case as it runs: events and the time in, actions out, and in the end what it has shown.

mod around;
mod line;
mod step;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::build::Variables;
use super::script;
use super::suite::{Case, Suite};
use super::{Outcome, Verdict};
use crate::message::Header;
use line::{Heard, Line, Link};

/// The payload protocol identifier of Diameter. RFC 6733 section 11.5.
const PPID: u32 = 46;
/// The most messages kept of one case.
const MOST_MESSAGES: usize = 10_000;

/// Who somebody is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// Origin-Host.
    pub host: String,
    /// Origin-Realm.
    pub realm: String,
}

/// What all cases of a run have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who we are, where a party is nobody else.
    pub own: Who,
    /// Who the peer is, as far as it is known.
    pub peer: Option<Who>,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// How long nothing must come to be called silence.
    pub silence: Duration,
    /// What our identifiers and Session-Ids begin with: others in every run.
    pub seed: u64,
    /// Parameters, those of the suite not among them.
    pub parameters: BTreeMap<String, Value>,
}

/// What happens to a case.
#[derive(Clone, Debug)]
pub enum Event {
    /// The connection is up; our address, and the peer's.
    Up(SocketAddr, SocketAddr),
    /// It did not come up.
    Refused(String),
    /// A whole message, the SCTP stream it came on, its payload protocol identifier.
    Message(Vec<u8>, u16, u32),
    /// It has ended: in order, or why not.
    Down(Option<String>),
    /// Time has passed.
    Tick,
}

/// What a case wants, of the party named beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A connection, called or waited for.
    Open,
    /// These octets sent, on this SCTP stream, with this payload protocol identifier.
    Send(Vec<u8>, u16, u32),
    /// The connection ended in order.
    Close,
    /// The connection ended at once.
    Abort,
}

/// What was said, for reports and captures.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// Since the case began.
    pub at: Duration,
    /// The party.
    pub party: String,
    /// What.
    pub what: Said,
}

/// See [`Spoken`].
#[derive(Clone, Debug)]
pub enum Said {
    /// A connection came up.
    Up { we_called: bool, local: SocketAddr, remote: SocketAddr },
    /// A message; whether it is ours, its stream and payload protocol identifier.
    Message(bool, Vec<u8>, u16, u32),
    /// The connection ended, and why when not in order.
    Down(bool, Option<String>),
}

#[derive(Clone, Debug)]
enum Task {
    Pause,
    Connect(String),
    Greet(String),
    /// A peer may take requests only some time after its CEA; when it answers a watchdog it does.
    Settle(String),
    Step(usize),
    /// Everything is played: what is left is asked whether it lives.
    Ending,
    Watch(String),
    /// Nothing is judged any more.
    Part(String),
}

enum Play {
    Done,
    Wait,
    /// These first.
    First(Vec<Task>),
}

/// Why a case is over early.
struct Stop(Verdict, String, Option<String>);

/// A case that runs.
pub struct Machine {
    suite: Arc<Suite>,
    case: usize,
    settings: Settings,
    variables: Variables,
    lines: BTreeMap<String, Line>,
    labels: BTreeMap<String, Vec<u8>>,
    tasks: VecDeque<Task>,
    /// When the first task began, and when it must be done.
    begun: Option<(Duration, Duration)>,
    identifier: u32,
    outcome: Option<Outcome>,
    captured: Vec<(String, Value)>,
    spoken: Vec<Spoken>,
    actions: Vec<(String, Action)>,
    /// The step that is played.
    step: Option<usize>,
    /// When the first step was done.
    started: Option<Duration>,
    /// Since when the step that is played waits for the peer's watchdogs to stop.
    calming: Option<Duration>,
    now: Duration,
}

impl Machine {
    /// The case of this number; `None` when there is none.
    #[must_use]
    pub fn new(suite: Arc<Suite>, case: usize, settings: Settings) -> Option<Self> {
        let steps = suite.cases.get(case)?.get_ref().steps.len();
        let mut values = suite.parameters.clone();
        values.extend(settings.parameters.clone());
        let mut tasks: VecDeque<Task> = (0..steps).map(Task::Step).collect();
        tasks.push_back(Task::Ending);
        let identifier = (settings.seed as u32).wrapping_add((case as u32).wrapping_mul(1 << 12));
        Some(Self {
            variables: Variables::new(values),
            suite,
            case,
            settings,
            lines: BTreeMap::new(),
            labels: BTreeMap::new(),
            tasks,
            begun: None,
            identifier,
            outcome: None,
            captured: Vec::new(),
            spoken: Vec::new(),
            actions: Vec::new(),
            step: None,
            started: None,
            calming: None,
            now: Duration::ZERO,
        })
    }

    /// Connects as this party once more and parts in order, whatever comes of it: a peer whose connection has broken may
    /// throw away requests of the next one for a while, RFC 3539 section 3.4.1, but not after a DPR.
    #[must_use]
    pub fn mending(suite: Arc<Suite>, case: usize, settings: Settings, party: &str) -> Option<Self> {
        let mut machine = Self::new(suite, case, settings)?;
        machine.tasks =
            [Task::Connect(party.to_owned()), Task::Greet(party.to_owned()), Task::Part(party.to_owned())].into();
        Some(machine)
    }

    /// The parties that called and whose connection has ended without DPR and DPA.
    pub fn broken(&self) -> impl Iterator<Item = &str> {
        let broken = |(party, line): &(&String, &Line)| line.peer.is_some() && !line.parted && !self.listens(party);
        self.lines.iter().filter(broken).map(|(party, _)| party.as_str())
    }

    /// What was said so far.
    #[must_use]
    pub fn spoken(&self) -> &[Spoken] {
        &self.spoken
    }

    /// Who the peer of a party is, when the connection is open still.
    #[must_use]
    pub fn open_peer(&self, party: &str) -> Option<&Who> {
        self.lines.get(party).filter(|line| line.link == Link::Open).and_then(|line| line.peer.as_ref())
    }

    /// The end, once nothing more is to be done.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref().filter(|_| self.tasks.is_empty())
    }

    /// Who the peer is, if some connection has told.
    #[must_use]
    pub const fn peer(&self) -> Option<&Who> {
        self.settings.peer.as_ref()
    }

    /// A connection of a party is up since before, capabilities exchanged.
    pub fn keep(&mut self, party: &str, local: SocketAddr, remote: SocketAddr, who: Who) {
        self.say(party, Said::Up { we_called: !self.listens(party), local, remote });
        let line = self.line(party);
        line.link = Link::Open;
        line.local = Some(local);
        line.peer = Some(who);
    }

    /// Until when nothing need happen without an event.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Duration> {
        self.begun.map(|(_, until)| until)
    }

    /// Takes an event of a party at a time since the case began, and says what to do.
    pub fn handle(&mut self, now: Duration, party: &str, event: Event) -> Vec<(String, Action)> {
        self.now = now.max(self.now);
        match event {
            Event::Tick => {}
            Event::Up(local, remote) => {
                self.say(party, Said::Up { we_called: !self.listens(party), local, remote });
                let line = self.line(party);
                line.link = Link::Up;
                line.local = Some(local);
            }
            Event::Refused(reason) => {
                let line = self.line(party);
                line.link = Link::Down;
                line.reason = Some(reason);
            }
            Event::Down(reason) => {
                self.say(party, Said::Down(false, reason.clone()));
                let line = self.line(party);
                line.link = Link::Down;
                line.reason = reason;
            }
            Event::Message(bytes, stream, ppid) => self.hear(party, bytes, stream, ppid),
        }
        while let Some(task) = self.tasks.front().cloned() {
            match self.play(&task) {
                Ok(Play::Wait) => break,
                Ok(Play::Done) => {
                    if matches!(task, Task::Step(_)) {
                        self.started.get_or_insert(self.now);
                    }
                    self.tasks.pop_front();
                    self.begun = None;
                }
                Ok(Play::First(tasks)) => {
                    self.begun = None;
                    for task in tasks.into_iter().rev() {
                        self.tasks.push_front(task);
                    }
                }
                Err(Stop(verdict, words, clause)) => self.conclude(verdict, words, clause),
            }
        }
        if self.tasks.is_empty() {
            self.begun = None;
            if self.outcome.is_none() {
                self.set_outcome(Verdict::Pass, String::new(), None);
            }
        }
        std::mem::take(&mut self.actions)
    }

    fn case(&self) -> Option<&Case> {
        self.suite.cases.get(self.case).map(toml::Spanned::get_ref)
    }

    fn line(&mut self, party: &str) -> &mut Line {
        self.lines.entry(party.to_owned()).or_default()
    }

    fn link(&self, party: &str) -> Link {
        self.lines.get(party).map_or(Link::Idle, |line| line.link)
    }

    fn say(&mut self, party: &str, what: Said) {
        if self.spoken.len() < MOST_MESSAGES {
            self.spoken.push(Spoken { at: self.now, party: party.to_owned(), what });
        }
    }

    fn set_outcome(&mut self, verdict: Verdict, words: String, clause: Option<String>) {
        let case = self.suite.cases.get(self.case).map(toml::Spanned::get_ref);
        let step = self.step.and_then(|at| case.and_then(|case| case.steps.get(at)));
        let line = step.map(|step| self.suite.line(step.span().start)).filter(|_| verdict != Verdict::Pass);
        let clause = clause.unwrap_or_else(|| case.map(|case| case.clause.clone()).unwrap_or_default());
        let captured = std::mem::take(&mut self.captured);
        self.outcome = Some(Outcome { verdict, words, clause, line, took: self.now, captured });
    }

    /// The case is over; connections are left as politely as they still can be.
    fn conclude(&mut self, verdict: Verdict, words: String, clause: Option<String>) {
        if self.outcome.is_none() {
            self.set_outcome(verdict, words, clause);
        }
        self.tasks.clear();
        self.begun = None;
        self.part_all();
    }

    fn part_all(&mut self) {
        let parties: Vec<String> = self.lines.keys().cloned().collect();
        for party in parties {
            if self.keeps(&party) && self.outcome.as_ref().is_none_or(|outcome| outcome.verdict == Verdict::Pass) {
                continue;
            }
            self.tasks.push_back(Task::Part(party));
        }
    }

    /// The connection goes on to the next case: the peer would take its time to come back.
    fn keeps(&self, party: &str) -> bool {
        self.listens(party) && self.link(party) == Link::Open
    }

    fn listens(&self, party: &str) -> bool {
        self.suite.party(party).is_some_and(|party| party.listens)
    }

    /// A message has come: the base protocol's own requests are answered unless the case waits for them.
    fn hear(&mut self, party: &str, bytes: Vec<u8>, stream: u16, ppid: u32) {
        self.say(party, Said::Message(false, bytes.clone(), stream, ppid));
        if self.link(party) == Link::Up
            && !self.listens(party)
            && let Some(who) = script::peer_of(&bytes)
        {
            // Whoever has sent the CER, the machine or the case.
            let line = self.line(party);
            line.link = Link::Open;
            line.peer = Some(who);
        }
        // Before the first step and after the last one nothing is the case's own.
        let between = self.calming.is_some() || !matches!(self.tasks.front(), Some(Task::Step(_)));
        if self.link(party) == Link::Open
            && let Some(name) = script::base_request(&bytes)
            && (between || self.case().is_none_or(|case| case.automatic && !case.waits_for(name)))
        {
            if self.calming.is_some() {
                self.begun = None;
            }
            if self.line(party).halfway {
                self.line(party).held.push((bytes, stream));
            } else {
                self.answer(party, &bytes, stream);
            }
            return;
        }
        let line = self.line(party);
        if line.queue.len() < MOST_MESSAGES {
            line.queue.push_back(Heard { bytes, ppid });
        }
    }

    fn answer(&mut self, party: &str, request: &[u8], stream: u16) {
        if let Some(answer) = script::base_answer(&self.who(party), request) {
            self.send(party, answer, stream, PPID);
        }
    }

    fn send(&mut self, party: &str, bytes: Vec<u8>, stream: u16, ppid: u32) {
        self.say(party, Said::Message(true, bytes.clone(), stream, ppid));
        self.actions.push((party.to_owned(), Action::Send(bytes, stream, ppid)));
    }

    fn next_identifier(&mut self) -> u32 {
        self.identifier = self.identifier.wrapping_add(1);
        self.identifier
    }

    /// Who a party of ours is.
    fn who(&self, party: &str) -> Who {
        let declared = self.suite.party(party);
        let text = |written: Option<&String>, own: &str| match written {
            Some(text) => self.variables.text(text).ok().and_then(|value| value.as_str().map(str::to_owned)),
            None => Some(own.to_owned()),
        };
        let own = &self.settings.own;
        Who {
            host: text(declared.and_then(|it| it.identity.as_ref()), &own.host).unwrap_or_default(),
            realm: text(declared.and_then(|it| it.realm.as_ref()), &own.realm).unwrap_or_default(),
        }
    }

    /// The variables as a step of this party sees them.
    fn variables(&self, party: &str) -> Variables {
        let mut variables = self.variables.clone();
        let who = self.who(party);
        let line = self.lines.get(party);
        let session = |number: u32| {
            let (high, low) = ((self.settings.seed >> 32) as u32, (self.settings.seed as u32).wrapping_add(number));
            format!("{};{high};{low};{}", who.host, self.case)
        };
        variables.set("session", session(0));
        variables.set("session2", session(1));
        variables.set("session3", session(2));
        let digits = (self.settings.seed >> 32).wrapping_mul(1000).wrapping_add(self.case as u64) % 10_000_000_000;
        variables.set("digits", format!("{digits:010}"));
        if let Some(address) = line.and_then(|line| line.local) {
            variables.set("address", address.ip().to_string());
        }
        if let Some(peer) = line.and_then(|line| line.peer.clone()).or_else(|| self.settings.peer.clone()) {
            variables.set("peer_host", peer.host);
            variables.set("peer_realm", peer.realm);
        }
        if let Some(header) = line.and_then(|line| line.sent.as_deref()).and_then(Header::parse) {
            variables.set("last_hop_by_hop", header.hop_by_hop);
            variables.set("last_end_to_end", header.end_to_end);
        }
        variables.set("timeout", self.settings.timeout.as_secs_f64());
        variables.set("silence", self.settings.silence.as_secs_f64());
        variables.set("identity_in_capitals", who.host.to_ascii_uppercase());
        variables.set("identity", who.host);
        variables.set("realm", who.realm);
        variables
    }

    /// Since when the first task has been played, and whether its time is over; the first time it sets the time.
    fn clock(&mut self, patience: Duration) -> (bool, bool) {
        match self.begun {
            None => {
                self.begun = Some((self.now, self.now + patience));
                (true, false)
            }
            Some((_, until)) => (false, self.now >= until),
        }
    }

    fn play(&mut self, task: &Task) -> Result<Play, Stop> {
        match task {
            Task::Pause => Ok(self.pause()),
            Task::Connect(party) => self.connect(party),
            Task::Greet(party) => self.greet(party),
            Task::Step(number) => {
                let suite = Arc::clone(&self.suite);
                let case = suite.cases.get(self.case).map(toml::Spanned::get_ref);
                let step = case.and_then(|case| case.steps.get(*number)).map(toml::Spanned::get_ref);
                let (Some(case), Some(step)) = (case, step) else { return Ok(Play::Done) };
                self.step = Some(*number);
                self.play_step(case, step)
            }
            Task::Ending => {
                self.step = None;
                if self.case().is_some_and(|case| case.alive) {
                    let open = |line: &Line| line.link == Link::Open && line.used;
                    let parties = self.lines.iter().filter(|(_, line)| open(line)).map(|(party, _)| party.clone());
                    let watches: Vec<Task> = parties.map(Task::Watch).collect();
                    self.tasks.extend(watches);
                }
                self.part_all();
                Ok(Play::Done)
            }
            Task::Settle(party) => self.settle(party),
            Task::Watch(party) => self.watch(party),
            Task::Part(party) => Ok(self.part(party)),
        }
    }
}
