//! The replay itself: what happens and the time in, messages to send and outcomes out.
//!
//! Steps are gone through in the order of the capture. One of ours is said when all before it have been said and heard (or
//! are given up) and its time has come; one of the live peer's is waited for. An answer of ours leaves as soon as its request
//! has come, but for one before which the captured node asked something itself: that waits for its turn, though no longer
//! than an answer is waited for.
//!
//! ```text
//! plan.rs      what is settled beforehand, what is to be done      hear.rs      what the live peer says
//! outcome.rs   what became of each message
//! ```

mod hear;
mod outcome;
mod plan;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;

pub use self::outcome::{Outcome, Report, Totals};
pub use self::plan::{Action, Far, LinkPlan, Near, Pace, Plan};
use super::answer::Index;
use super::script::{Script, Side, Step};
use super::sign::Signers;
use super::table::{Setting, Table};
use crate::avp::Avps;
use crate::avp::dictionary::{ExperimentalResult, OriginHost, ResultCode, SessionId};
use crate::diff::{Comparer, Rules};
use crate::message::{HEADER_LENGTH, Header, find};
use crate::peer::requests::{set_end_to_end, set_hop_by_hop};

#[derive(Clone, Debug, Default)]
struct State {
    sent: Option<Duration>,
    came: bool,
    given_up: bool,
    /// The live request, until it is answered.
    live: Option<Bytes>,
    /// When this answer leaves at the latest.
    due: Option<Duration>,
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
    signers: Signers,
    comparer: Comparer<'r>,
    links: Vec<Link>,
    states: Vec<State>,
    /// Which link plays a side of a conversation.
    players: HashMap<(usize, Side), usize>,
    index: Index,
    pending: HashMap<(usize, u32), usize>,
    /// Captured End-to-End Identifiers: a repetition keeps that of its request.
    repeated: HashMap<(usize, Side, u32), u32>,
    /// Requests of ours that the capture has no answer to: when none is expected any more.
    open: BTreeSet<(Duration, usize)>,
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
    /// A replay that has not begun. `signers` sign anew what is proved by a signature.
    #[must_use]
    pub fn new(script: Script, plan: Plan, table: Table, signers: Signers, rules: &'r Rules) -> Self {
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
            signers,
            comparer: Comparer::new(rules),
            links,
            players,
            pending: HashMap::new(),
            repeated: HashMap::new(),
            open: BTreeSet::new(),
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

    /// All steps are done or given up, no answer of ours is held back, and none of the live peer can be expected.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.cursor >= self.script.steps.len() && self.due.is_empty() && self.open.is_empty()
    }

    /// All steps are done or given up; at most it is still awaited whether anybody answers what nobody answered in the capture.
    #[must_use]
    pub fn is_through(&self) -> bool {
        self.cursor >= self.script.steps.len() && self.due.is_empty()
    }

    /// A connection is up.
    pub fn up(&mut self, link: usize, near: Near, far: &Far) {
        let Some(entry) = self.links.get_mut(link) else { return };
        let LinkPlan { conversation, side } = entry.plan;
        let Some(ends) = self.script.conversations.get(conversation) else { return };
        let (own, other) = (ends.end(side), ends.end(side.other()));
        // With a node in the middle both sides are ours, and nobody stands for others.
        let both = self.players.contains_key(&(conversation, side.other()));
        self.table.name(conversation, side, own, (&near.identity, &near.realm), both, true);
        if !both {
            self.table.name(conversation, side.other(), other, (&far.identity, &far.realm), far.relays, false);
        }
        entry.up = Some(near);
        entry.over = false;
    }

    /// A connection has ended, and does not come back.
    pub fn down(&mut self, link: usize) {
        if let Some(entry) = self.links.get_mut(link) {
            entry.up = None;
            entry.over = true;
        }
    }

    /// Nothing more is expected: what has not happened yet is given up by the next [`Machine::advance`].
    pub fn abandon(&mut self) {
        for entry in &mut self.links {
            entry.up = None;
            entry.over = true;
        }
    }

    /// Goes on as far as it can; says when it is to be called at the latest, should nothing happen before.
    /// `unix`: since 1970.
    pub fn advance(&mut self, now: Duration, unix: Duration, actions: &mut Vec<Action>) -> Option<Duration> {
        while let Some((_, step)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
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
        while let Some((at, step)) = self.open.first().copied() {
            let side = self.script.steps.get(step).map(|step| (step.conversation, step.from));
            let link = side.and_then(|side| self.players.get(&side)).and_then(|link| self.links.get(*link));
            if at > now && link.is_some_and(|link| !link.over) {
                break;
            }
            self.open.remove(&(at, step));
            // Nobody answered then either.
            self.tell(step, Outcome::Same, actions);
        }
        let due = self.due.first().map(|(at, _)| *at);
        let open = self.open.first().map(|(at, _)| *at);
        [until, due, open].into_iter().flatten().min()
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

    fn look(&mut self, at: usize, since: Duration, now: Duration, unix: Duration, actions: &mut Vec<Action>) -> Look {
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
                    if state.due.is_some() && !step.nested {
                        return Look::Wait(None);
                    }
                    let due = since + self.pause(at.saturating_sub(1), at);
                    if now < due {
                        return Look::Wait(Some(due));
                    }
                    self.answer(at, now, unix, actions);
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
            conversation: step.conversation,
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
        unix: Duration,
        echo: Option<(&'s [u8], &'s [u8])>,
    ) -> Setting<'s> {
        let near = link.and_then(|link| self.links.get(link)).and_then(|link| link.up.as_ref());
        Setting {
            conversation: step.conversation,
            from: step.from,
            address: near.map(|near| near.address),
            origin_state: near.map(|_| self.plan.origin_state),
            shift: if step.unix == 0 { 0 } else { i64::try_from(unix.as_secs()).unwrap_or(i64::MAX) - step.unix },
            echo,
        }
    }

    /// Sends a request of the script.
    fn ask(&mut self, at: usize, link: usize, now: Duration, unix: Duration, actions: &mut Vec<Action>) {
        let Some(step) = self.script.steps.get(at).cloned() else { return };
        if let Some(session) = find::<SessionId>(step.body())
            && self.table.session(session.as_bytes()).is_none()
        {
            // Ours, or that of the node behind us whose request it is.
            let setting = self.setting(&step, Some(link), unix, None);
            let captured = find::<OriginHost>(step.body()).unwrap_or_default();
            let identity = self.table.host(&setting, captured.as_bytes());
            self.next_session += 1;
            let live = format!("{identity};{};{}", self.plan.serial as u32, self.next_session);
            self.table.set_session(session.as_bytes(), live.as_bytes());
        }
        let mut message = self.table.rewrite(&step.bytes, &self.setting(&step, Some(link), unix, None));
        if let Some(signed) = self.signers.sign(&message, unix) {
            message = signed;
        }
        self.next_identifier = self.next_identifier.wrapping_add(1);
        let hop_by_hop = self.next_identifier;
        let end_to_end =
            *self.repeated.entry((step.conversation, step.from, step.header.end_to_end)).or_insert(hop_by_hop);
        set_hop_by_hop(&mut message, hop_by_hop);
        set_end_to_end(&mut message, end_to_end);
        self.pending.insert((link, hop_by_hop), at);
        if step.partner.is_none() {
            self.open.insert((now + self.plan.answer_wait, at));
        }
        if let Some(state) = self.states.get_mut(at) {
            state.sent = Some(now);
        }
        actions.push(Action::Send { link, stream: step.stream, message: message.into() });
    }

    /// Sends an answer of the script to the live request that has come.
    fn answer(&mut self, at: usize, now: Duration, unix: Duration, actions: &mut Vec<Action>) {
        let Some(step) = self.script.steps.get(at).cloned() else { return };
        if let Some(due) = self.states.get_mut(at).and_then(|state| state.due.take()) {
            self.due.remove(&(due, at));
        }
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
}

/// The code of an answer.
fn result_of(answer: &[u8]) -> Option<u32> {
    let body = Avps::new(answer.get(HEADER_LENGTH..)?);
    find::<ResultCode>(body).or_else(|| find::<ExperimentalResult>(body).map(|group| group.experimental_result_code))
}
