//! The one task of a node.

mod connections;
mod errands;
mod protection;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Span;

use super::{Observation, Observer, PeerView, Settings};
use crate::message::Header;
use crate::net::{self, Association, Endpoint, Incoming, Listener, Net, NetError};
use crate::peer::requests::{Duplicates, EndToEnd, RequestKey, set_retransmitted};
use crate::peer::routing::RealmRoute;
use crate::peer::{ConnectionId, Expected, Lane, Local, Output, Peer, State, Status, Unanswered, capabilities};
use crate::registration::element::{Action, Destination, Element, Event, NoAnswer, Now, Sender, Ticket, Token};
use crate::store::{Committer, WriteOutcome};

/// Inputs that wait for the task. When the queue is full the transports wait, and with them the peers.
pub(super) const QUEUE: usize = 1024;

/// Inputs handled before time is looked at again.
const BATCH: usize = 256;

/// How long a request may wait for a peer that is about to come up.
const PATIENCE: Duration = Duration::from_secs(3);

/// Requests that wait so, at most.
const PARKED_LIMIT: usize = 1024;

/// How long a request that our element does not answer is remembered.
const TICKET_SPAN: Duration = Duration::from_secs(60);

/// How long a peer may take to say who it is.
const IDENTIFY_SPAN: Duration = Duration::from_secs(10);

/// How long closing may take once every peer has been told.
const CLOSE_SPAN: Duration = Duration::from_secs(10);

/// REBOOTING: the peers may come back after Tc. RFC 6733 section 5.4.3.
const REBOOTING: i32 = crate::avp::dictionary::DisconnectCause::REBOOTING;

type Call<E> = Box<dyn FnOnce(&mut E, Now, &mut Vec<Action>) + Send>;
type Follow<E> = Box<dyn FnMut(&mut E, Now, &mut Vec<Action>) -> bool + Send>;

/// What comes to the task.
pub(super) enum Input<E> {
    Accepted(Association),
    Connected { peer: usize, id: ConnectionId, result: Result<Association, NetError> },
    Message { id: ConnectionId, message: Incoming },
    Closed { id: ConnectionId, words: String },
    Stored { token: Token, result: Result<Vec<WriteOutcome>, String> },
    Call(Call<E>),
    Follow(Follow<E>),
    Stop,
}

impl<E> fmt::Debug for Input<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Input")
    }
}

/// A request of ours: what is needed to send it again another way.
#[derive(Clone, Debug)]
struct Errand {
    token: Token,
    destination: Destination,
}

/// Where an answer of ours leaves.
#[derive(Clone, Copy, Debug)]
struct Return {
    connection: ConnectionId,
    stream: u16,
    hop_by_hop: u32,
    key: Option<RequestKey>,
}

#[derive(Debug)]
struct Connection {
    sender: net::Sender,
    peer: Option<usize>,
    /// When a peer that has not said who it is is dropped.
    deadline: Duration,
}

#[derive(Debug)]
struct PeerEntry {
    machine: Peer<Errand>,
    connect_to: Option<Endpoint>,
    udp_port: Option<u16>,
    sender: Arc<Sender>,
    trouble: Option<String>,
    span: Span,
}

pub(super) struct Driver<E> {
    local: Arc<Local>,
    settings: Settings,
    net: Net,
    element: E,
    store: Option<Committer>,
    observer: Option<Observer>,
    inputs: mpsc::Sender<Input<E>>,
    views: watch::Sender<Vec<PeerView>>,
    begun: Instant,
    peers: Vec<PeerEntry>,
    routes: Vec<RealmRoute>,
    connections: HashMap<ConnectionId, Connection>,
    next_connection: u64,
    unidentified: usize,
    end_to_end: EndToEnd,
    duplicates: Duplicates<Ticket>,
    tickets: HashMap<Ticket, Return>,
    ticket_ages: VecDeque<(Duration, Ticket)>,
    next_ticket: u64,
    timers: HashMap<Token, Duration>,
    timer_order: BTreeSet<(Duration, Token)>,
    parked: VecDeque<(Duration, Errand, Vec<u8>)>,
    follows: Vec<Follow<E>>,
    actions: Vec<Action>,
    spare_actions: Vec<Action>,
    /// Set by a stop: until when answers are waited for.
    stopping: Option<Duration>,
    views_stale: bool,
}

impl<E: Element + Send + 'static> Driver<E> {
    pub(super) fn new(
        settings: Settings,
        net: Net,
        element: E,
        store: Option<Committer>,
        observer: Option<Observer>,
        inputs: mpsc::Sender<Input<E>>,
        views: watch::Sender<Vec<PeerView>>,
    ) -> Self {
        let local = Arc::new(settings.local.clone());
        let peers = settings
            .peers
            .iter()
            .map(|peer| PeerEntry {
                machine: Peer::new(
                    Arc::clone(&local),
                    peer.expected.clone(),
                    crate::peer::Settings { connect: peer.connect_to.is_some(), ..peer.settings.clone() },
                    random(),
                    Duration::ZERO,
                ),
                connect_to: peer.connect_to.clone(),
                udp_port: peer.udp_port,
                sender: Arc::new(Sender {
                    peer: peer.expected.identity.clone(),
                    realm: String::new(),
                    protected: false,
                }),
                trouble: None,
                span: tracing::info_span!("peer", node = %local.identity, peer = %peer.expected.identity),
            })
            .collect();
        let unix = unix_time();
        Self {
            local,
            net,
            element,
            store,
            observer,
            inputs,
            views,
            begun: Instant::now(),
            peers,
            routes: settings.routes.clone(),
            settings,
            connections: HashMap::new(),
            next_connection: 0,
            unidentified: 0,
            end_to_end: EndToEnd::new(unix, random() as u32),
            duplicates: Duplicates::new(65_536, 32 << 20, Duration::from_secs(240)),
            tickets: HashMap::new(),
            ticket_ages: VecDeque::new(),
            next_ticket: 0,
            timers: HashMap::new(),
            timer_order: BTreeSet::new(),
            parked: VecDeque::new(),
            follows: Vec::new(),
            actions: Vec::new(),
            spare_actions: Vec::new(),
            stopping: None,
            views_stale: true,
        }
    }

    /// Runs until a stop is complete, and gives the element back.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Input<E>>, listeners: Vec<Listener>) -> E {
        let listeners: Vec<_> = listeners.into_iter().map(|listener| self.listen(listener)).collect();
        let now = self.now();
        self.element.start(now, &mut self.actions);
        loop {
            self.settle();
            if self.views_stale {
                self.show_peers();
            }
            if self.is_finished() {
                break;
            }
            let deadline = self.begun + self.next_deadline();
            if deadline <= Instant::now() {
                self.handle_timeout();
                // Time must not starve the queue: fall through to what waits there.
                tokio::task::yield_now().await;
            }
            tokio::select! {
                input = queue.recv() => {
                    let Some(input) = input else { break };
                    self.take(input, &listeners);
                    for _ in 1..BATCH {
                        let Ok(input) = queue.try_recv() else { break };
                        self.take(input, &listeners);
                    }
                }
                () = tokio::time::sleep_until(deadline) => self.handle_timeout(),
            }
        }
        for listener in &listeners {
            listener.abort();
        }
        for connection in self.connections.values() {
            connection.sender.abort();
        }
        self.element
    }

    fn now(&self) -> Now {
        Now { elapsed: self.begun.elapsed(), unix: unix_time() }
    }

    fn listen(&self, mut listener: Listener) -> JoinHandle<()> {
        let inputs = self.inputs.clone();
        tokio::spawn(async move {
            while let Some(association) = listener.accept().await {
                if inputs.send(Input::Accepted(association)).await.is_err() {
                    return;
                }
            }
        })
    }

    fn take(&mut self, input: Input<E>, listeners: &[JoinHandle<()>]) {
        let now = self.now();
        match input {
            Input::Message { id, message } => self.handle_message(now, id, message),
            Input::Accepted(association) => self.handle_accepted(now, association),
            Input::Connected { peer, id, result } => self.handle_connected(now, peer, id, result),
            Input::Closed { id, words } => self.handle_closed(now, id, &words),
            Input::Stored { token, result } => {
                self.element.handle(now, Event::Stored { token, result }, &mut self.actions);
            }
            Input::Call(call) => call(&mut self.element, now, &mut self.actions),
            Input::Follow(follow) => self.follows.push(follow),
            Input::Stop => {
                if self.stopping.is_none() {
                    tracing::info!(node = %self.local.identity, "stopping");
                    self.stopping = Some(now.elapsed + self.settings.drain);
                    for listener in listeners {
                        listener.abort();
                    }
                }
            }
        }
        self.settle();
    }

    /// Carries out all that the element and the peers want, until they want nothing more.
    fn settle(&mut self) {
        let now = self.now();
        loop {
            for at in 0..self.peers.len() {
                self.drain_peer(now, at, None);
            }
            if !self.actions.is_empty() {
                let mut actions = std::mem::replace(&mut self.actions, std::mem::take(&mut self.spare_actions));
                for action in actions.drain(..) {
                    self.carry_out(now, action);
                }
                self.spare_actions = actions;
                continue;
            }
            let mut follows = std::mem::take(&mut self.follows);
            follows.retain_mut(|follow| !follow(&mut self.element, now, &mut self.actions));
            follows.append(&mut self.follows);
            self.follows = follows;
            if self.actions.is_empty() {
                break;
            }
        }
        self.stop_peers(now);
    }

    fn next_deadline(&self) -> Duration {
        let peers = self.peers.iter().map(|peer| peer.machine.next_deadline());
        let timers = self.timer_order.first().map(|(at, _)| *at);
        let parked = self.parked.front().map(|(at, ..)| *at);
        let unidentified = (self.unidentified > 0)
            .then(|| self.connections.values().filter(|one| one.peer.is_none()).map(|one| one.deadline).min())
            .flatten()
            .filter(|at| *at < Duration::MAX);
        let stopping = self.stopping.map(|at| if at > self.begun.elapsed() { at } else { at + CLOSE_SPAN });
        let others = [timers, parked, unidentified, stopping];
        peers.chain(others.into_iter().flatten()).min().unwrap_or(Duration::from_secs(3600))
    }

    fn handle_timeout(&mut self) {
        let now = self.now();
        for at in 0..self.peers.len() {
            if self.peers[at].machine.next_deadline() <= now.elapsed {
                self.peers[at].machine.handle_timeout(now.elapsed);
                self.drain_peer(now, at, None);
            }
        }
        while let Some(&(at, token)) = self.timer_order.first()
            && at <= now.elapsed
        {
            self.timer_order.pop_first();
            self.timers.remove(&token);
            self.element.handle(now, Event::Timer { token }, &mut self.actions);
        }
        while self.parked.front().is_some_and(|(at, ..)| *at <= now.elapsed) {
            if let Some((_, errand, _)) = self.parked.pop_front() {
                self.no_answer(now, errand.token, NoAnswer::Unreachable);
            }
        }
        for connection in self.connections.values_mut().filter(|one| one.peer.is_none()) {
            if connection.deadline <= now.elapsed {
                tracing::warn!(remote = %connection.sender.info().remote, "no CER came; the connection is dropped");
                connection.sender.abort();
                connection.deadline = Duration::MAX;
            }
        }
        self.settle();
    }

    /// Carries out what a peer wants; `stream` is that of the message it has just handled.
    fn drain_peer(&mut self, now: Now, at: usize, stream: Option<u16>) {
        while let Some(output) = self.peers[at].machine.poll_output() {
            match output {
                Output::Connect => self.connect(at),
                Output::Send { connection, message, lane } => {
                    let stream = match lane {
                        Lane::Base => 0,
                        Lane::Same => stream.unwrap_or(0),
                        Lane::Session(number) => self.spread(connection, number),
                    };
                    self.observe_sent(at, &message);
                    self.send(connection, message, stream);
                }
                Output::Close { connection } => {
                    if let Some(connection) = self.connections.get(&connection) {
                        connection.sender.begin_close();
                    }
                }
                Output::Request { connection, header, message } => {
                    self.handle_request(now, at, connection, stream.unwrap_or(0), header, &message);
                }
                Output::Answer { token, message, took } => {
                    if let Some(observer) = &self.observer
                        && let Some(header) = Header::parse(&message)
                    {
                        observer(&self.local.identity, &Observation::Answered { header: &header, took });
                    }
                    let event = Event::Answer { token: token.token, result: Ok(&message) };
                    self.element.handle(now, event, &mut self.actions);
                }
                Output::NoAnswer { pending, why } => match why {
                    Unanswered::Timeout => self.no_answer(now, pending.token.token, NoAnswer::Timeout),
                    Unanswered::Failover => {
                        let mut message = pending.message.to_vec();
                        set_retransmitted(&mut message);
                        self.send_request(now, pending.token, message, false);
                    }
                },
                Output::Up(capabilities) => {
                    let entry = &mut self.peers[at];
                    entry.trouble = None;
                    entry.span.in_scope(|| {
                        let applications = capabilities::list(&capabilities.applications);
                        tracing::info!(product = %capabilities.product, %applications, "peer is up");
                    });
                    entry.sender =
                        Arc::new(Sender { peer: capabilities.identity, realm: capabilities.realm, protected: false });
                    self.views_stale = true;
                    self.unpark(now);
                }
                Output::Down(reason) => {
                    let entry = &mut self.peers[at];
                    entry.span.in_scope(|| tracing::info!(%reason, "peer is down"));
                    entry.trouble = Some(reason.to_string());
                    self.views_stale = true;
                }
                Output::Refused(refusal) => {
                    let entry = &mut self.peers[at];
                    entry.span.in_scope(|| tracing::error!("{refusal}"));
                    entry.trouble = Some(refusal.to_string());
                    self.views_stale = true;
                }
                Output::State { from, event, to } => {
                    self.peers[at].span.in_scope(|| tracing::debug!(%from, %event, %to, "state"));
                    self.views_stale = true;
                }
                Output::Watchdog { from, to } => {
                    self.peers[at].span.in_scope(|| tracing::debug!(%from, %to, "watchdog"));
                    self.views_stale = true;
                    if to == Status::Okay {
                        self.unpark(now);
                    }
                }
                Output::Note(words) => self.peers[at].span.in_scope(|| tracing::debug!("{words}")),
            }
        }
    }

    fn connect(&mut self, at: usize) {
        let entry = &self.peers[at];
        let Some(endpoint) = entry.connect_to.clone() else { return };
        let udp_port = entry.udp_port;
        let id = self.new_connection();
        let (net, transport, inputs) = (self.net.clone(), self.settings.transport, self.inputs.clone());
        let locals = self.local.addresses.clone();
        tokio::spawn(async move {
            let result = net.connect_to(&endpoint, transport, &locals, udp_port).await;
            let _ = inputs.send(Input::Connected { peer: at, id, result }).await;
        });
    }

    /// Requests leave stream 0 to the messages between neighbours.
    fn spread(&self, id: ConnectionId, number: u64) -> u16 {
        let streams = self.connections.get(&id).map_or(1, |one| one.sender.info().outgoing_streams);
        if streams < 2 { 0 } else { 1 + (number % u64::from(streams - 1)) as u16 }
    }

    fn show_peers(&mut self) {
        self.views_stale = false;
        let views = self.peers.iter().map(|peer| PeerView {
            identity: peer.machine.expected().identity.clone(),
            state: peer.machine.state(),
            status: peer.machine.status(),
            trouble: peer.trouble.clone(),
        });
        self.views.send_replace(views.collect());
    }

    /// While stopping: DPR to each peer whose answers have come, or to all when the wait is over.
    fn stop_peers(&mut self, now: Now) {
        let Some(until) = self.stopping else { return };
        let busy = !self.tickets.is_empty() || self.peers.iter().any(|peer| peer.machine.pending() > 0);
        if busy && now.elapsed < until {
            return;
        }
        for at in 0..self.peers.len() {
            self.peers[at].machine.stop(now.elapsed, REBOOTING);
            self.drain_peer(now, at, None);
        }
        for connection in self.connections.values().filter(|one| one.peer.is_none()) {
            connection.sender.begin_close();
        }
    }

    fn is_finished(&self) -> bool {
        let Some(until) = self.stopping else { return false };
        let closed = self.peers.iter().all(|peer| peer.machine.state() == State::Closed);
        (closed && self.connections.is_empty()) || self.begun.elapsed() >= until + CLOSE_SPAN
    }

    fn observe_sent(&self, peer: usize, message: &[u8]) {
        if let Some(observer) = &self.observer
            && let Some(header) = Header::parse(message)
            && header.application != 0
        {
            let to = &self.peers[peer].machine.expected().identity;
            observer(&self.local.identity, &Observation::Sent { to, header: &header, message });
        }
    }
}

fn is_named(expected: &Expected, identity: &str) -> bool {
    expected.identity.eq_ignore_ascii_case(identity)
}

fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// From the system; a clock's nanoseconds where it gives none.
fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| unix_time().as_nanos() as u64)
}
