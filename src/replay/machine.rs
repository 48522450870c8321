//! The replay itself: what happens and the time in, messages to send and outcomes out.
//!
//! Steps are gone through in the order of the capture. One of ours is said when all before it have been said and heard (or
//! are given up) and its time has come; one of the live peer's is waited for. An answer of ours leaves as soon as its request
//! has come, but for one before which the captured node asked something itself: that waits for its turn.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;

use super::answer::{self, Index};
use super::script::{Script, Side, Step};
use super::table::{Setting, Table};
use crate::avp::dictionary::{ExperimentalResult, ResultCode, SessionId};
use crate::avp::{Avps, Key};
use crate::diff::{Comparer, Difference, Rules};
use crate::message::{HEADER_LENGTH, Header, find};
use crate::peer::requests::{set_end_to_end, set_hop_by_hop};

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As fast as the live peer answers.
    Answered,
    /// The pauses of the capture, divided by this.
    Scaled(f64),
}

/// A connection: which side of which conversation we play on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkPlan {
    /// Place in [`Script::conversations`].
    pub conversation: usize,
    /// Our side.
    pub side: Side,
}

/// What is settled beforehand.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The connections, each with a number: its place here.
    pub links: Vec<LinkPlan>,
    /// How fast.
    pub pace: Pace,
    /// How long an answer is waited for.
    pub answer_wait: Duration,
    /// How long a request of the live peer is waited for; without an end when `None`.
    pub request_wait: Option<Duration>,
    /// A request that the capture has no more of is answered as one before it that is alike.
    pub again: bool,
    /// AVPs that a live request must have as the captured one, beside the command.
    pub matching: Vec<Key>,
    /// Seconds since 1970, for Session-Ids.
    pub serial: u64,
    /// Where identifiers begin.
    pub random: u32,
    /// Our Origin-State-Id.
    pub origin_state: u32,
}

/// Us on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// Origin-Host.
    pub identity: String,
    /// Origin-Realm.
    pub realm: String,
    /// Host-IP-Address.
    pub address: IpAddr,
}

/// The node that our messages are for: the live peer, or whoever plays the other side behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Far {
    /// Its Origin-Host.
    pub identity: String,
    /// Its Origin-Realm.
    pub realm: String,
}

/// What is to be done.
#[derive(Debug)]
pub enum Action {
    /// Send a message.
    Send {
        /// On which connection.
        link: usize,
        /// On which SCTP stream.
        stream: u16,
        /// The whole message.
        message: Bytes,
    },
    /// Tell the user.
    Tell(Box<Report>),
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Our request was answered as in the capture.
    Same,
    /// It was answered otherwise.
    Differs,
    /// It was not answered in time, or the connection ended before.
    Unanswered,
    /// The capture has no answer to it, the live peer gave one.
    Surplus,
    /// It was not sent: there was no connection any more.
    NotSent,
    /// The live peer asked as in the capture.
    Asked,
    /// It asked otherwise.
    AskedOtherwise,
    /// It did not ask what it asked in the capture.
    NotAsked,
    /// It asked once more what the capture has, and was answered in the same way.
    Again,
    /// It asked what the capture does not have, and was refused.
    Refused,
    /// It answered what nobody had asked.
    Stray,
}

impl Outcome {
    /// The word in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::Unanswered => "unanswered",
            Self::Surplus => "surplus-answer",
            Self::NotSent => "not-sent",
            Self::Asked => "asked",
            Self::AskedOtherwise => "asked-otherwise",
            Self::NotAsked => "not-asked",
            Self::Again => "again",
            Self::Refused => "refused",
            Self::Stray => "stray-answer",
        }
    }

    /// As in the capture.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Same | Self::Asked | Self::Again)
    }
}

/// What became of a message, in full.
#[derive(Clone, Debug)]
pub struct Report {
    /// The frame of the captured request; 0 for what the capture does not have.
    pub frame: u64,
    /// Its place in the frame.
    pub index: u32,
    /// The frame of the captured answer.
    pub answer_frame: Option<u64>,
    /// The association in the capture.
    pub association: u32,
    /// Who asks.
    pub from: Side,
    /// The header of the request.
    pub header: Header,
    /// What became of it.
    pub outcome: Outcome,
    /// Result-Code, or the code of Experimental-Result, in the captured answer.
    pub expected: Option<u32>,
    /// That in the live one.
    pub actual: Option<u32>,
    /// From the request to its answer.
    pub took: Option<Duration>,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// How many of each outcome.
#[derive(Clone, Debug, Default)]
pub struct Totals(HashMap<Outcome, u64>);

impl Totals {
    /// How many had that outcome.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0.get(&outcome).copied().unwrap_or(0)
    }

    /// All is as in the capture.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.0.iter().all(|(outcome, count)| outcome.is_good() || *count == 0)
    }
}

#[derive(Clone, Debug, Default)]
struct State {
    sent: Option<Duration>,
    came: bool,
    given_up: bool,
    /// The live request, until it is answered.
    live: Option<Bytes>,
}

#[derive(Clone, Debug)]
struct Link {
    plan: LinkPlan,
    up: Option<Near>,
    /// It was up and has ended.
    over: bool,
}

/// The replay.
#[derive(Debug)]
pub struct Machine<'r> {
    script: Script,
    plan: Plan,
    table: Table,
    comparer: Comparer<'r>,
    links: Vec<Link>,
    states: Vec<State>,
    /// Which link plays a side of a conversation.
    players: HashMap<(usize, Side), usize>,
    index: Index,
    pending: HashMap<(usize, u32), usize>,
    /// Captured End-to-End Identifiers: a repetition keeps that of its request.
    repeated: HashMap<(usize, Side, u32), u32>,
    /// Answers that leave later.
    due: BTreeSet<(Duration, usize)>,
    cursor: usize,
    since: Option<Duration>,
    next_identifier: u32,
    next_session: u64,
    totals: Totals,
}

enum Look {
    Go,
    Wait(Option<Duration>),
}

impl<'r> Machine<'r> {
    /// A replay that has not begun.
    #[must_use]
    pub fn new(script: Script, plan: Plan, table: Table, rules: &'r Rules) -> Self {
        let players = plan.links.iter().enumerate().map(|(at, link)| ((link.conversation, link.side), at)).collect();
        let links = plan.links.iter().map(|plan| Link { plan: *plan, up: None, over: false }).collect();
        Self {
            states: vec![State::default(); script.steps.len()],
            index: Index::new(&script),
            next_identifier: plan.random,
            next_session: 0,
            script,
            plan,
            table,
            comparer: Comparer::new(rules),
            links,
            players,
            pending: HashMap::new(),
            repeated: HashMap::new(),
            due: BTreeSet::new(),
            cursor: 0,
            since: None,
            totals: Totals::default(),
        }
    }

    /// The script.
    #[must_use]
    pub const fn script(&self) -> &Script {
        &self.script
    }

    /// What became of the messages so far.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// All steps are done or given up, and no answer of ours is held back.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.cursor >= self.script.steps.len() && self.due.is_empty()
    }

    /// A connection is up.
    pub fn up(&mut self, link: usize, near: Near, far: &Far) {
        let Some(entry) = self.links.get_mut(link) else { return };
        let LinkPlan { conversation, side } = entry.plan;
        self.table.name(conversation, side, &near.identity, &near.realm);
        if !self.players.contains_key(&(conversation, side.other())) {
            self.table.name(conversation, side.other(), &far.identity, &far.realm);
        }
        entry.up = Some(near);
        entry.over = false;
    }

    /// A connection has ended.
    pub fn down(&mut self, link: usize) {
        if let Some(entry) = self.links.get_mut(link) {
            entry.up = None;
            entry.over = true;
        }
    }

    /// Goes on as far as it can; says when it is to be called at the latest, should nothing happen before.
    /// `unix`: seconds since 1970.
    pub fn advance(&mut self, now: Duration, unix: i64, actions: &mut Vec<Action>) -> Option<Duration> {
        while let Some((at, step)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, step));
            self.answer(step, now, unix, actions);
        }
        let mut until = None;
        while self.cursor < self.script.steps.len() {
            let since = *self.since.get_or_insert(now);
            match self.look(self.cursor, since, now, unix, actions) {
                Look::Go => {
                    self.cursor += 1;
                    self.since = None;
                }
                Look::Wait(wait) => {
                    until = wait;
                    break;
                }
            }
        }
        let due = self.due.first().map(|(at, _)| *at);
        match (until, due) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// The pause before a step, as the pace has it.
    fn pause(&self, from: usize, to: usize) -> Duration {
        let at = |step: usize| self.script.steps.get(step).map_or(Duration::ZERO, |step| step.at);
        match self.plan.pace {
            Pace::Answered => Duration::ZERO,
            Pace::Scaled(speed) => {
                Duration::try_from_secs_f64(at(to).saturating_sub(at(from)).as_secs_f64() / speed).unwrap_or_default()
            }
        }
    }

    fn look(&mut self, at: usize, since: Duration, now: Duration, unix: i64, actions: &mut Vec<Action>) -> Look {
        let (Some(step), Some(state)) = (self.script.steps.get(at), self.states.get(at)) else { return Look::Go };
        let sayer = self.players.get(&(step.conversation, step.from)).copied();
        let hearer = self.players.get(&(step.conversation, step.from.other())).copied();
        let over = |link: Option<usize>| link.and_then(|link| self.links.get(link)).is_none_or(|link| link.over);
        if state.given_up {
            return Look::Go;
        }
        let is_request = step.header.is_request();
        match (is_request, sayer, step.partner) {
            (true, Some(link), _) if state.sent.is_none() => {
                if over(sayer) {
                    return self.give_up(at, Outcome::NotSent, actions);
                }
                let due = since + self.pause(at.saturating_sub(1), at);
                if now < due {
                    return Look::Wait(Some(due));
                }
                if self.links.get(link).is_none_or(|link| link.up.is_none()) {
                    return Look::Wait(None);
                }
                self.ask(at, link, now, unix, actions);
                self.look(at, since, now, unix, actions)
            }
            (true, sayer, _) => {
                if state.came || hearer.is_none() {
                    return Look::Go;
                }
                let wait = if sayer.is_some() { Some(self.plan.answer_wait) } else { self.plan.request_wait };
                let deadline = wait.map(|wait| state.sent.unwrap_or(since) + wait);
                if over(hearer) || deadline.is_some_and(|deadline| now >= deadline) {
                    return self.give_up(at, Outcome::NotAsked, actions);
                }
                Look::Wait(deadline)
            }
            // An answer to what was asked before the capture began.
            (false, _, None) => Look::Go,
            (false, Some(_), Some(request)) => {
                if state.sent.is_none() && self.states.get(request).is_some_and(|request| request.live.is_some()) {
                    if !self.due.iter().any(|(_, due)| *due == at) {
                        let due = since + self.pause(at.saturating_sub(1), at);
                        if now < due {
                            return Look::Wait(Some(due));
                        }
                        self.answer(at, now, unix, actions);
                    } else {
                        return Look::Wait(None);
                    }
                }
                if hearer.is_some() { self.await_answer(at, request, now, actions) } else { Look::Go }
            }
            (false, None, Some(request)) => self.await_answer(at, request, now, actions),
        }
    }

    fn await_answer(&mut self, at: usize, request: usize, now: Duration, actions: &mut Vec<Action>) -> Look {
        let came = self.states.get(at).is_none_or(|state| state.came);
        let Some(sent) = self.states.get(request).and_then(|state| state.sent).filter(|_| !came) else {
            return Look::Go;
        };
        let deadline = sent + self.plan.answer_wait;
        let asker = self.script.steps.get(request).map(|step| (step.conversation, step.from));
        let link = asker.and_then(|asker| self.players.get(&asker)).and_then(|link| self.links.get(*link));
        if now >= deadline || link.is_none_or(|link| link.over) {
            self.tell(request, Outcome::Unanswered, actions);
            if let Some(state) = self.states.get_mut(at) {
                state.given_up = true;
            }
            return Look::Go;
        }
        Look::Wait(Some(deadline))
    }

    fn give_up(&mut self, at: usize, outcome: Outcome, actions: &mut Vec<Action>) -> Look {
        if let Some(state) = self.states.get_mut(at) {
            state.given_up = true;
        }
        self.tell(at, outcome, actions);
        Look::Go
    }

    /// A report on a request of the script.
    fn report(&self, at: usize, outcome: Outcome) -> Option<Report> {
        let step = self.script.steps.get(at)?;
        let answer = step.partner.and_then(|partner| self.script.steps.get(partner));
        Some(Report {
            frame: step.frame,
            index: step.index,
            answer_frame: answer.map(|answer| answer.frame),
            association: self.script.conversations.get(step.conversation)?.association,
            from: step.from,
            header: step.header,
            outcome,
            expected: answer.and_then(|answer| result_of(&answer.bytes)),
            actual: None,
            took: None,
            differences: Vec::new(),
        })
    }

    fn tell(&mut self, at: usize, outcome: Outcome, actions: &mut Vec<Action>) {
        if let Some(report) = self.report(at, outcome) {
            self.push(report, actions);
        }
    }

    fn push(&mut self, report: Report, actions: &mut Vec<Action>) {
        *self.totals.0.entry(report.outcome).or_default() += 1;
        actions.push(Action::Tell(Box::new(report)));
    }

    fn setting<'s>(
        &self,
        step: &Step,
        link: Option<usize>,
        unix: i64,
        echo: Option<(&'s [u8], &'s [u8])>,
    ) -> Setting<'s> {
        let near = link.and_then(|link| self.links.get(link)).and_then(|link| link.up.as_ref());
        Setting {
            conversation: step.conversation,
            from: step.from,
            address: near.map(|near| near.address),
            origin_state: near.map(|_| self.plan.origin_state),
            shift: if step.unix == 0 { 0 } else { unix - step.unix },
            echo,
        }
    }

    /// Sends a request of the script.
    fn ask(&mut self, at: usize, link: usize, now: Duration, unix: i64, actions: &mut Vec<Action>) {
        let Some(step) = self.script.steps.get(at).cloned() else { return };
        if let Some(session) = find::<SessionId>(step.body())
            && self.table.session(session.as_bytes()).is_none()
        {
            let near = self.links.get(link).and_then(|link| link.up.as_ref());
            let identity = near.map(|near| near.identity.as_str()).unwrap_or_default();
            self.next_session += 1;
            let live = format!("{identity};{};{}", self.plan.serial as u32, self.next_session);
            self.table.set_session(session.as_bytes(), live.as_bytes());
        }
        let mut message = self.table.rewrite(&step.bytes, &self.setting(&step, Some(link), unix, None));
        self.next_identifier = self.next_identifier.wrapping_add(1);
        let hop_by_hop = self.next_identifier;
        let end_to_end =
            *self.repeated.entry((step.conversation, step.from, step.header.end_to_end)).or_insert(hop_by_hop);
        set_hop_by_hop(&mut message, hop_by_hop);
        set_end_to_end(&mut message, end_to_end);
        self.pending.insert((link, hop_by_hop), at);
        if let Some(state) = self.states.get_mut(at) {
            state.sent = Some(now);
        }
        actions.push(Action::Send { link, stream: step.stream, message: message.into() });
    }

    /// Sends an answer of the script to the live request that has come.
    fn answer(&mut self, at: usize, now: Duration, unix: i64, actions: &mut Vec<Action>) {
        let Some(step) = self.script.steps.get(at).cloned() else { return };
        let Some(&link) = self.players.get(&(step.conversation, step.from)) else { return };
        let Some(request) = step.partner else { return };
        let live = self.states.get_mut(request).and_then(|state| state.live.take());
        let captured = self.script.steps.get(request).map(|step| step.bytes.clone());
        let (Some(live), Some(captured)) = (live, captured) else { return };
        if let Some(state) = self.states.get_mut(at) {
            state.sent = Some(now);
        }
        let Some(header) = Header::parse(&live) else { return };
        let setting = self.setting(&step, Some(link), unix, Some((&live, &captured)));
        let mut message = self.table.rewrite(&step.bytes, &setting);
        set_hop_by_hop(&mut message, header.hop_by_hop);
        set_end_to_end(&mut message, header.end_to_end);
        actions.push(Action::Send { link, stream: step.stream, message: message.into() });
    }

    /// A message has come, no base message of the connection.
    pub fn hear(&mut self, link: usize, message: Bytes, now: Duration, unix: i64, actions: &mut Vec<Action>) {
        let Some(header) = Header::parse(&message) else { return };
        if header.is_request() {
            self.hear_request(link, message, &header, now, unix, actions);
        } else {
            self.hear_answer(link, &message, &header, now, unix, actions);
        }
    }

    fn hear_answer(
        &mut self,
        link: usize,
        message: &[u8],
        header: &Header,
        now: Duration,
        unix: i64,
        actions: &mut Vec<Action>,
    ) {
        let asked = self
            .pending
            .remove(&(link, header.hop_by_hop))
            .filter(|at| self.script.steps.get(*at).is_some_and(|step| step.header.code == header.code));
        let Some(at) = asked else {
            return self.push(self.foreign(link, header, Outcome::Stray), actions);
        };
        let Some(mut report) = self.report(at, Outcome::Surplus) else { return };
        report.actual = result_of(message);
        report.took = self.states.get(at).and_then(|state| state.sent).map(|sent| now.saturating_sub(sent));
        let partner = self.script.steps.get(at).and_then(|step| step.partner);
        if let Some(step) = partner.and_then(|at| self.script.steps.get(at)).cloned() {
            let given_up = partner.and_then(|at| self.states.get_mut(at)).map(|state| {
                state.came = true;
                state.given_up
            });
            if given_up == Some(true) {
                // Told already that it did not come in time.
                return;
            }
            self.table.learn(&step.bytes, message, step.from);
            let expected = self.table.rewrite(&step.bytes, &self.setting(&step, None, unix, None));
            report.differences = self.comparer.compare(&expected, message);
            report.outcome = if report.differences.is_empty() { Outcome::Same } else { Outcome::Differs };
        }
        self.push(report, actions);
    }

    /// A report on what the capture does not have.
    fn foreign(&self, link: usize, header: &Header, outcome: Outcome) -> Report {
        let plan = self.links.get(link).map(|link| link.plan);
        let conversation = plan.and_then(|plan| self.script.conversations.get(plan.conversation));
        Report {
            frame: 0,
            index: 0,
            answer_frame: None,
            association: conversation.map_or(0, |conversation| conversation.association),
            from: plan.map_or(Side::Client, |plan| plan.side.other()),
            header: *header,
            outcome,
            expected: None,
            actual: None,
            took: None,
            differences: Vec::new(),
        }
    }

    fn hear_request(
        &mut self,
        link: usize,
        message: Bytes,
        header: &Header,
        now: Duration,
        unix: i64,
        actions: &mut Vec<Action>,
    ) {
        let Some(LinkPlan { conversation, side }) = self.links.get(link).map(|link| link.plan) else { return };
        let candidates = self.index.of(conversation, side.other(), header);
        let settings = |step: &Step| self.setting(step, None, unix, None);
        let expected = |step: &Step| self.table.rewrite(&step.bytes, &settings(step));
        let fresh = candidates
            .iter()
            .copied()
            .filter(|at| self.states.get(*at).is_some_and(|state| !state.came && !state.given_up));
        let steps = &self.script.steps;
        let search = answer::Search { live: &message, matching: &self.plan.matching };
        let mut again = false;
        let mut found = search.best(fresh.filter_map(|at| Some((at, steps.get(at)?))), &expected);
        if found.is_none() && self.plan.again {
            again = true;
            found = search.best(candidates.iter().filter_map(|at| Some((*at, steps.get(*at)?))), &expected);
        }
        let Some((at, step)) = found.and_then(|at| Some((at, self.script.steps.get(at)?.clone()))) else {
            self.push(self.foreign(link, header, Outcome::Refused), actions);
            let Some(near) = self.links.get(link).and_then(|link| link.up.as_ref()) else { return };
            actions.push(Action::Send { link, stream: 0, message: answer::refuse(near, &message, header).into() });
            return;
        };
        let body = Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
        if let (Some(captured), Some(live)) = (find::<SessionId>(step.body()), find::<SessionId>(body)) {
            self.table.set_session(captured.as_bytes(), live.as_bytes());
        }
        let Some(mut report) = self.report(at, Outcome::Again) else { return };
        if !again {
            self.table.learn(&step.bytes, &message, step.from);
            let expected = self.table.rewrite(&step.bytes, &self.setting(&step, None, unix, None));
            report.differences = self.comparer.compare(&expected, &message);
            report.outcome = if report.differences.is_empty() { Outcome::Asked } else { Outcome::AskedOtherwise };
        }
        report.actual = report.expected;
        self.push(report, actions);
        if let Some(state) = self.states.get_mut(at) {
            state.came = true;
            state.live = Some(message);
        }
        // Where the capture has no answer there is none to give.
        let Some(partner) = step.partner else { return };
        let nested = self.script.steps.get(partner).is_some_and(|answer| answer.nested);
        if nested && !again {
            return;
        }
        match self.plan.pace {
            Pace::Answered => self.answer(partner, now, unix, actions),
            Pace::Scaled(_) => {
                self.due.insert((now + self.pause(at, partner), partner));
            }
        }
    }
}

/// The code of an answer.
fn result_of(answer: &[u8]) -> Option<u32> {
    let body = Avps::new(answer.get(HEADER_LENGTH..)?);
    find::<ResultCode>(body).or_else(|| find::<ExperimentalResult>(body).map(|group| group.experimental_result_code))
}
