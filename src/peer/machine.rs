//! One peer: the state table, the watchdog and the request table together.

mod neighbour;
mod open;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::capabilities::{self, Capabilities, Expected, Local};
use super::output::{ConnectionId, DownReason, Lane, Output, Settings, Unanswered};
use super::requests::Requests;
use super::routing;
use super::table::{Event, State, Step, transition, wins_election};
use super::watchdog::{Status, Watchdog, WatchdogEvent, WatchdogStep};
use super::{answers, explain};
use crate::avp::Avps;
use crate::avp::dictionary::{ResultCode, SessionId};
use crate::message::{HEADER_LENGTH, Header, find};

/// Codes of the three commands between neighbours.
const CAPABILITIES_EXCHANGE: u32 = 257;
const DEVICE_WATCHDOG: u32 = 280;
const DISCONNECT_PEER: u32 = 282;

/// The peer's connection while it is ours to answer.
#[derive(Clone, Debug)]
struct Responder {
    connection: ConnectionId,
    cer: Header,
    capabilities: Capabilities,
}

/// Why no connection is to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    None,
    /// The peer does not want to talk to us until there is traffic for it.
    UntilTraffic,
    /// We have been stopped.
    Stopped,
}

/// What an event brings along.
#[derive(Debug)]
enum Input<'a> {
    None,
    Responder(Responder),
    Cea(Capabilities),
    Request(&'a Header),
    Cause(i32),
}

/// One peer. See the module's contract.
#[derive(Debug)]
pub struct Peer<T> {
    local: Arc<Local>,
    expected: Expected,
    settings: Settings,
    state: State,
    watchdog: Watchdog,
    initiator: Option<ConnectionId>,
    responder: Option<Responder>,
    capabilities: Capabilities,
    requests: Requests<T>,
    /// Identifiers of the messages between neighbours.
    identifier: u32,
    /// When the present state has lasted too long.
    timeout: Option<Duration>,
    hold: Hold,
    outputs: VecDeque<Output<T>>,
}

impl<T> Peer<T> {
    /// A peer in Closed; its first deadline is `now`, so that the connection is opened at once when it is ours to open.
    /// Jitter and identifiers follow from `seed`.
    #[must_use]
    pub fn new(local: Arc<Local>, expected: Expected, settings: Settings, seed: u64, now: Duration) -> Self {
        let requests = Requests::new(settings.answer_wait, settings.pending_limit, seed as u32);
        Self {
            local,
            expected,
            watchdog: Watchdog::new(settings.intervals, seed, now),
            settings,
            state: State::Closed,
            initiator: None,
            responder: None,
            capabilities: Capabilities::default(),
            requests,
            identifier: (seed >> 32) as u32,
            timeout: None,
            hold: Hold::None,
            outputs: VecDeque::new(),
        }
    }

    /// Its state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// What the watchdog thinks of it.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.watchdog.status()
    }

    /// The name in the peer's certificate, where that is not its identity.
    #[must_use]
    pub fn certificate_name(&self) -> Option<&str> {
        self.settings.certificate_name.as_deref()
    }

    /// The configuration's words about it.
    #[must_use]
    pub const fn expected(&self) -> &Expected {
        &self.expected
    }

    /// What it said of itself when it was last open.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// How long its answers are waited for.
    #[must_use]
    pub const fn answer_wait(&self) -> Duration {
        self.settings.answer_wait
    }

    /// True when requests may be sent to it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.state.is_open() && self.watchdog.is_okay() && !self.requests.is_full()
    }

    /// Why it is down, as a paragraph for its operator where there is more to say than the reason.
    #[must_use]
    pub fn explain_down(&self, reason: &DownReason) -> String {
        match reason {
            DownReason::Watchdog => explain::silent(&self.local, &self.capabilities, self.settings.intervals.watchdog),
            other => other.to_string(),
        }
    }

    /// Until the next attempt to connect, should there be one.
    #[must_use]
    pub fn next_attempt(&self, now: Duration) -> Duration {
        self.watchdog.deadline().saturating_sub(now)
    }

    /// How many requests wait for its answers.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.requests.len()
    }

    /// What routing wants to know of it.
    #[must_use]
    pub fn candidate(&self, application: u32) -> routing::Candidate {
        let standing = if !self.state.is_open() || !self.watchdog.is_okay() {
            routing::Standing::Away
        } else if self.requests.is_full() {
            routing::Standing::Full
        } else {
            routing::Standing::Ready
        };
        routing::Candidate { standing, serves: self.capabilities.serves(application) }
    }

    /// When [`Peer::handle_timeout`] is due at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Duration {
        let others = [self.timeout, self.requests.next_deadline()];
        others.into_iter().flatten().fold(self.watchdog.deadline(), Duration::min)
    }

    /// The next thing to do or know, in order; `None` when all is done.
    pub fn poll_output(&mut self) -> Option<Output<T>> {
        self.outputs.pop_front()
    }

    /// Our connection is open.
    pub fn handle_connected(&mut self, now: Duration, connection: ConnectionId) {
        if transition(self.state, Event::IRcvConnAck).is_none() {
            // The attempt was given up meanwhile.
            self.outputs.push_back(Output::Close { connection });
            return;
        }
        self.initiator = Some(connection);
        self.apply(now, Event::IRcvConnAck, Input::None);
    }

    /// Our connection could not be opened.
    pub fn handle_connect_failed(&mut self, now: Duration, words: &str) {
        self.outputs.push_back(Output::Trouble(words.to_owned()));
        self.apply(now, Event::IRcvConnNack, Input::None);
    }

    /// The peer has opened a connection and sent a CER, which [`capabilities::judge_cer`] has found good.
    pub fn handle_cer(&mut self, now: Duration, connection: ConnectionId, cer: Header, capabilities: Capabilities) {
        if transition(self.state, Event::RConnCer).is_none() {
            self.note(format!("a connection that comes while {} is closed", self.state));
            self.outputs.push_back(Output::Close { connection });
            return;
        }
        let open = self.state.is_open();
        if open && capabilities.origin_state != self.capabilities.origin_state {
            self.note("a second connection with another Origin-State-Id: the peer has restarted".to_owned());
        }
        self.apply(now, Event::RConnCer, Input::Responder(Responder { connection, cer, capabilities }));
        if open && !self.watchdog.is_pending() {
            // A peer that restarted before its old connection was missed would be rejected until the watchdog notices.
            // Asking the old connection now makes that soon.
            self.send_watchdog();
            self.note("asking the present connection for a sign of life".to_owned());
        }
    }

    /// A connection has ended.
    pub fn handle_closed(&mut self, now: Duration, connection: ConnectionId, words: &str) {
        let event = if self.initiator == Some(connection) {
            Event::IPeerDisc
        } else if self.responder_id() == Some(connection) {
            Event::RPeerDisc
        } else {
            return;
        };
        self.lose(now, event, DownReason::Connection(words.to_owned()));
    }

    /// A message has come.
    pub fn handle_message(&mut self, now: Duration, connection: ConnectionId, message: Bytes) {
        let initiator = if self.initiator == Some(connection) {
            true
        } else if self.responder_id() == Some(connection) {
            false
        } else {
            return;
        };
        let header = Header::parse(&message);
        match self.state {
            State::WaitICea | State::WaitReturns if initiator => self.handle_cea(now, header, &message),
            State::ROpen | State::IOpen | State::Closing => {
                let Some(header) = header else {
                    self.malformed(format!("{} octets are no Diameter message", message.len()));
                    return;
                };
                self.handle_open(now, connection, initiator, header, message);
            }
            // Nothing may come before CEA: RFC 6733 section 5.6, events that a state does not list.
            state => {
                self.note(format!("a message in {state} ends its connection"));
                self.outputs.push_back(Output::Close { connection });
                let event = if initiator { Event::IPeerDisc } else { Event::RPeerDisc };
                self.lose(now, event, DownReason::Connection("a message came too early".to_owned()));
            }
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.timeout.is_some_and(|at| at <= now) {
            self.timeout = None;
            if self.state == State::WaitICea {
                let words = format!("nothing came in {} s", self.settings.timeout.as_secs());
                let words = explain::no_cea(&self.local, &self.expected.identity, &words);
                self.outputs.push_back(Output::Trouble(words));
            } else {
                self.note(format!("{} has lasted too long", self.state));
            }
            self.apply(now, Event::Timeout, Input::None);
        }
        for pending in self.requests.expire(now) {
            self.outputs.push_back(Output::NoAnswer { pending, why: Unanswered::Timeout });
        }
        if self.watchdog.deadline() <= now {
            self.watch(now, WatchdogEvent::Timer);
        }
    }

    /// Sends a request. Its End-to-End Identifier is in place.
    ///
    /// # Errors
    /// The token and the message come back when the peer is not usable.
    pub fn send_request(&mut self, now: Duration, token: T, message: Vec<u8>) -> Result<(), (T, Vec<u8>)> {
        let Some(connection) = self.connection().filter(|_| self.is_usable()) else {
            return Err((token, message));
        };
        let lane = Lane::Session(session_number(&message));
        let message = self.requests.insert(now, token, message);
        self.apply(now, Event::SendMessage, Input::None);
        self.outputs.push_back(Output::Send { connection, message, lane });
        Ok(())
    }

    /// What this node says of itself from the next capabilities exchange on. Identity and realm are to stay the same.
    pub fn set_local(&mut self, local: Arc<Local>) {
        self.local = local;
    }

    /// Takes other settings for the same peer; a connection that is there stays. Timers that run keep their end, and
    /// requests that wait theirs.
    pub fn reconfigure(&mut self, expected: Expected, settings: Settings) {
        self.expected = expected;
        self.watchdog.set_intervals(settings.intervals);
        self.requests.set_limits(settings.answer_wait, settings.pending_limit);
        self.settings = settings;
    }

    /// Disconnects with a Disconnect-Cause and opens no connection any more.
    pub fn stop(&mut self, now: Duration, cause: i32) {
        self.hold = Hold::Stopped;
        if self.state.is_open() {
            self.outputs.push_back(Output::Down(DownReason::WeDisconnect(cause)));
            self.apply(now, Event::Stop, Input::Cause(cause));
        } else if !matches!(self.state, State::Closed | State::Closing) {
            // Our addition: an attempt that is under way is given up.
            self.cleanup();
            self.enter(now, State::Closed, Event::Stop);
        }
    }

    /// There is traffic for the peer: one that said DO_NOT_WANT_TO_TALK_TO_YOU may be connected to again, after Tc since
    /// it said so. RFC 6733 section 5.4.3.
    pub fn invite(&mut self, now: Duration) {
        if self.hold == Hold::UntilTraffic {
            self.hold = Hold::None;
            self.watchdog.encourage(now);
        }
    }

    fn malformed(&mut self, words: String) {
        self.outputs.push_back(Output::Malformed(words));
    }

    fn note(&mut self, words: String) {
        self.outputs.push_back(Output::Note(words));
    }

    fn responder_id(&self) -> Option<ConnectionId> {
        self.responder.as_ref().map(|responder| responder.connection)
    }

    /// The connection that is open.
    #[must_use]
    pub fn connection(&self) -> Option<ConnectionId> {
        match self.state {
            State::IOpen => self.initiator,
            State::ROpen => self.responder_id(),
            State::Closing => self.initiator.or_else(|| self.responder_id()),
            _ => None,
        }
    }

    fn next_identifier(&mut self) -> u32 {
        self.identifier = self.identifier.wrapping_add(1);
        self.identifier
    }

    /// What comes on our connection while CEA is due.
    fn handle_cea(&mut self, now: Duration, header: Option<Header>, message: &[u8]) {
        let is_cea = header.is_some_and(|header| {
            !header.is_request() && header.code == CAPABILITIES_EXCHANGE && header.application == 0
        });
        let judged = if is_cea {
            match capabilities::judge_cea(&self.local, &self.expected, message) {
                Ok(capabilities) => Some(capabilities),
                Err(refusal) => {
                    self.outputs.push_back(Output::Refused(refusal));
                    None
                }
            }
        } else {
            let words = explain::no_cea(&self.local, &self.expected.identity, "what came is no CEA");
            self.outputs.push_back(Output::Trouble(words));
            None
        };
        match judged {
            Some(capabilities) => self.apply(now, Event::IRcvCea, Input::Cea(capabilities)),
            None if self.state == State::WaitICea => self.apply(now, Event::IRcvNonCea, Input::None),
            // Not listed for Wait-Returns: the connection is dropped, the other one stays.
            None => self.apply(now, Event::IPeerDisc, Input::None),
        }
    }

    fn refuse(&mut self, connection: ConnectionId, message: &[u8], header: &Header, code: u32, words: &str) {
        let answer = answers::refuse(&self.local.identity, &self.local.realm, message, header, code, words);
        self.reply(connection, answer);
    }

    fn reply(&mut self, connection: ConnectionId, answer: Vec<u8>) {
        self.outputs.push_back(Output::Send { connection, message: answer.into(), lane: Lane::Same });
    }

    fn send_base(&mut self, connection: ConnectionId, message: Vec<u8>) {
        self.outputs.push_back(Output::Send { connection, message: message.into(), lane: Lane::Base });
    }

    /// The event that a connection is gone, with the reason told when the peer was open.
    fn lose(&mut self, now: Duration, event: Event, reason: DownReason) {
        let open = self.state.is_open();
        if open {
            self.outputs.push_back(Output::Down(reason));
        } else if let (State::WaitICea, Event::IPeerDisc, DownReason::Connection(words)) = (self.state, event, &reason)
        {
            let words = explain::no_cea(&self.local, &self.expected.identity, words);
            self.outputs.push_back(Output::Trouble(words));
        } else if let DownReason::Connection(words) = reason {
            self.note(format!("the connection has ended in {}: {words}", self.state));
        }
        self.apply(now, event, Input::None);
    }

    /// Looks the row up and carries out its steps.
    fn apply(&mut self, now: Duration, event: Event, mut input: Input<'_>) {
        let Some((steps, next)) = transition(self.state, event) else {
            self.note(format!("{event} is ignored in {}", self.state));
            return;
        };
        let mut won = false;
        for &step in steps {
            won |= self.carry_out(step, &mut input);
        }
        self.enter(now, next, event);
        if won {
            self.apply(now, Event::WinElection, Input::None);
        }
    }

    /// Enters a state: its timer, and what follows from opening and closing.
    fn enter(&mut self, now: Duration, next: State, event: Event) {
        let from = self.state;
        if from == next {
            return;
        }
        self.state = next;
        self.outputs.push_back(Output::State { from, event, to: next });
        self.timeout = match next {
            State::Closed | State::ROpen | State::IOpen => None,
            _ => Some(now + self.settings.timeout),
        };
        if next.is_open() {
            if self.hold == Hold::UntilTraffic {
                self.hold = Hold::None;
            }
            self.outputs.push_back(Output::Up(self.capabilities.clone()));
            self.watch(now, WatchdogEvent::ConnectionUp);
        } else if next == State::Closed {
            self.watch(now, WatchdogEvent::ConnectionDown);
            self.fail_over();
        }
    }

    /// Carries out one step; true when the election is won.
    fn carry_out(&mut self, step: Step, input: &mut Input<'_>) -> bool {
        match step {
            Step::ISndConnReq => self.outputs.push_back(Output::Connect),
            Step::RAccept => {
                if let Input::Responder(responder) = std::mem::replace(input, Input::None) {
                    self.responder = Some(responder);
                }
            }
            Step::RReject => {
                if let Input::Responder(Responder { connection, .. }) = input {
                    self.outputs.push_back(Output::Note("a second connection is rejected".to_owned()));
                    self.outputs.push_back(Output::Close { connection: *connection });
                }
            }
            Step::ISndCer => {
                let identifier = self.next_identifier();
                let cer = capabilities::cer(&self.local, identifier, identifier);
                if let Some(connection) = self.initiator {
                    self.send_base(connection, cer);
                }
            }
            Step::RSndCea => {
                if let Some(responder) = &self.responder {
                    let cea = capabilities::cea(&self.local, &responder.cer, ResultCode::DIAMETER_SUCCESS, None);
                    self.capabilities = responder.capabilities.clone();
                    let connection = responder.connection;
                    // A connection of ours that failed meanwhile is none any more.
                    self.initiator = None;
                    self.send_base(connection, cea);
                }
            }
            Step::Elect => return wins_election(&self.local.identity, &self.expected.identity),
            // Judged by handle_cea and by judge_cer before the event.
            Step::ProcessCea | Step::ProcessCer => {}
            Step::Cleanup | Step::Error => self.cleanup(),
            Step::IDisc => {
                if let Some(connection) = self.initiator.take() {
                    self.outputs.push_back(Output::Close { connection });
                }
            }
            Step::RDisc => {
                if let Some(responder) = self.responder.take() {
                    self.outputs.push_back(Output::Close { connection: responder.connection });
                }
            }
            // Messages are sent and handed on by whoever raised the event; the row says that they may be.
            Step::RSndMessage | Step::ISndMessage | Step::Process | Step::ProcessDwr | Step::ProcessDwa => {}
            Step::RSndDwa | Step::ISndDwa => {
                if let (Some(connection), Input::Request(header)) = (self.connection(), &*input) {
                    self.send_dwa(connection, header);
                }
            }
            Step::RSndDpa | Step::ISndDpa => {
                if let (Some(connection), Input::Request(header)) = (self.connection(), &*input) {
                    self.send_dpa(connection, header);
                }
            }
            Step::RSndDpr | Step::ISndDpr => {
                if let (Some(connection), Input::Cause(cause)) = (self.connection(), &*input) {
                    self.send_dpr(connection, *cause);
                }
            }
        }
        if let Input::Cea(capabilities) = input {
            self.capabilities = std::mem::take(capabilities);
            *input = Input::None;
        }
        false
    }

    fn cleanup(&mut self) {
        let responder = self.responder.take().map(|responder| responder.connection);
        for connection in self.initiator.take().into_iter().chain(responder) {
            self.outputs.push_back(Output::Close { connection });
        }
    }

    fn fail_over(&mut self) {
        for pending in self.requests.take_all() {
            self.outputs.push_back(Output::NoAnswer { pending, why: Unanswered::Failover });
        }
    }

    /// Tells the watchdog and carries out its steps.
    fn watch(&mut self, now: Duration, event: WatchdogEvent) {
        let from = self.watchdog.status();
        let steps = self.watchdog.handle(event, now);
        let to = self.watchdog.status();
        if from != to {
            self.outputs.push_back(Output::Watchdog { from, to });
        }
        for step in steps {
            match step {
                WatchdogStep::AttemptOpen => {
                    if self.settings.connect && self.hold == Hold::None && self.state == State::Closed {
                        self.apply(now, Event::Start, Input::None);
                    }
                }
                WatchdogStep::SendWatchdog => self.send_watchdog(),
                WatchdogStep::Failover => self.fail_over(),
                WatchdogStep::CloseConnection if self.state != State::Closed => {
                    let event = if self.state == State::IOpen || self.initiator.is_some() {
                        Event::IPeerDisc
                    } else {
                        Event::RPeerDisc
                    };
                    self.lose(now, event, DownReason::Watchdog);
                }
                WatchdogStep::CloseConnection
                | WatchdogStep::SetWatchdog
                | WatchdogStep::Failback
                | WatchdogStep::Throwaway => {}
            }
        }
    }
}

/// A number that is the same for all requests of one session.
fn session_number(message: &[u8]) -> u64 {
    let session = find::<SessionId>(Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default()));
    routing::session_number(session.unwrap_or_default().as_bytes())
}
