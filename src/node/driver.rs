//! The one task of a node.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Span;

use super::{Observation, Observer, PeerView, Settings};
use crate::message::Header;
use crate::net::{self, Association, Incoming, Listener, Net, NetError, Outgoing, Remote};
use crate::peer::requests::{
    Arrival, Duplicates, EndToEnd, RequestKey, set_end_to_end, set_hop_by_hop, set_retransmitted,
};
use crate::peer::routing::{self, RealmRoute};
use crate::peer::{
    ConnectionId, Expected, Lane, Local, Output, Peer, State, Status, Unanswered, answers, capabilities,
};
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
    connect_to: Option<Remote>,
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
                connect_to: peer.connect_to,
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
            .flatten();
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
        for connection in self.connections.values().filter(|one| one.peer.is_none()) {
            if connection.deadline <= now.elapsed {
                tracing::warn!(remote = %connection.sender.info().remote, "no CER came; the connection is dropped");
                connection.sender.abort();
            }
        }
        self.settle();
    }

    // Connections.

    fn adopt(&mut self, now: Now, id: ConnectionId, association: Association, peer: Option<usize>) {
        let connection = Connection { sender: association.sender(), peer, deadline: now.elapsed + IDENTIFY_SPAN };
        self.connections.insert(id, connection);
        let inputs = self.inputs.clone();
        tokio::spawn(read(id, association, inputs));
    }

    fn new_connection(&mut self) -> ConnectionId {
        self.next_connection += 1;
        ConnectionId(self.next_connection)
    }

    fn handle_accepted(&mut self, now: Now, association: Association) {
        let remote = association.info().remote;
        if self.stopping.is_some() || self.unidentified >= self.settings.unidentified_limit {
            tracing::warn!(%remote, "too many connections whose peer has not said who it is; this one is dropped");
            association.abort();
            return;
        }
        // Strangers are not worth a handshake: no peer may come from that address.
        let ip = remote.ip();
        let known = self
            .settings
            .peers
            .iter()
            .any(|peer| peer.expected.addresses.is_empty() || peer.expected.addresses.contains(&ip));
        if !known {
            tracing::warn!(
                %remote,
                "no peer may come from this address; to let one in, add \"{ip}\" to the addresses of its [[peer]]"
            );
        }
        self.unidentified += 1;
        let id = self.new_connection();
        self.adopt(now, id, association, None);
    }

    fn handle_connected(&mut self, now: Now, peer: usize, id: ConnectionId, result: Result<Association, NetError>) {
        let Some(entry) = self.peers.get_mut(peer) else { return };
        match result {
            Ok(association) => {
                let info = association.info();
                entry.span.in_scope(|| tracing::debug!(local = %info.local, remote = %info.remote, "connected"));
                self.adopt(now, id, association, Some(peer));
                self.peers[peer].machine.handle_connected(now.elapsed, id);
            }
            Err(error) => {
                entry.trouble = Some(error.to_string());
                entry.machine.handle_connect_failed(now.elapsed, &error.to_string());
                self.views_stale = true;
            }
        }
    }

    fn handle_closed(&mut self, now: Now, id: ConnectionId, words: &str) {
        let Some(connection) = self.connections.remove(&id) else { return };
        match connection.peer {
            Some(peer) => self.peers[peer].machine.handle_closed(now.elapsed, id, words),
            None => self.unidentified = self.unidentified.saturating_sub(1),
        }
    }

    fn handle_message(&mut self, now: Now, id: ConnectionId, message: Incoming) {
        let Some(connection) = self.connections.get(&id) else { return };
        match connection.peer {
            Some(peer) => {
                self.peers[peer].machine.handle_message(now.elapsed, id, message.bytes);
                self.drain_peer(now, peer, Some(message.stream));
            }
            None => self.identify(now, id, &message.bytes),
        }
    }

    /// The first message of a connection that a peer has opened: it must be a CER that may stand.
    fn identify(&mut self, now: Now, id: ConnectionId, message: &Bytes) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let remote = connection.sender.info().remote;
        let cer = Header::parse(message)
            .filter(|header| header.is_request() && header.code == 257 && header.application == 0);
        let Some(header) = cer else {
            tracing::warn!(%remote, "the first message is no CER; the connection is dropped");
            connection.sender.abort();
            return;
        };
        let peers = &self.peers;
        let mut found = None;
        let judged = capabilities::judge_cer(&self.local, remote.ip(), message, &header, |identity| {
            found = peers.iter().position(|peer| is_named(peer.machine.expected(), identity));
            found.map(|at| peers[at].machine.expected())
        });
        match (judged, found) {
            (Ok(capabilities), Some(peer)) => {
                connection.peer = Some(peer);
                self.unidentified = self.unidentified.saturating_sub(1);
                self.peers[peer].machine.handle_cer(now.elapsed, id, header, capabilities);
                self.drain_peer(now, peer, None);
            }
            (Err(refusal), found) => {
                tracing::warn!(%remote, "peer refused: {refusal}");
                if let Some(peer) = found {
                    self.peers[peer].trouble = Some(refusal.to_string());
                    self.views_stale = true;
                }
                if let Some(answer) = refusal.answer {
                    let _ = connection.sender.try_send(Outgoing::new(answer.into()));
                }
                connection.sender.begin_close();
            }
            // A CER is only good when a peer was found for it.
            (Ok(_), None) => connection.sender.abort(),
        }
    }

    fn send(&mut self, id: ConnectionId, message: Bytes, stream: u16) {
        let Some(connection) = self.connections.get(&id) else { return };
        match connection.sender.try_send(Outgoing::new(message).on_stream(stream)) {
            Ok(()) | Err(NetError::Closed { .. }) => {}
            Err(NetError::QueueFull { remote }) => {
                tracing::error!(%remote, "the peer takes nothing any more; the connection is dropped");
                connection.sender.abort();
            }
            Err(error) => tracing::warn!("a message was not sent: {error}"),
        }
    }

    // Peers.

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
        let Some(remote) = self.peers[at].connect_to else { return };
        let id = self.new_connection();
        let (net, transport, inputs) = (self.net.clone(), self.settings.transport, self.inputs.clone());
        let local = self.local.addresses.iter().copied().find(|ip| ip.is_ipv4() == remote.address.is_ipv4());
        tokio::spawn(async move {
            let result = net.connect(transport, local, remote).await;
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

    // The element.

    fn handle_request(
        &mut self,
        now: Now,
        at: usize,
        connection: ConnectionId,
        stream: u16,
        header: Header,
        message: &[u8],
    ) {
        let key = Duplicates::<Ticket>::key(message, header.end_to_end);
        let ticket = Ticket(self.next_ticket);
        let back = Return { connection, stream, hop_by_hop: header.hop_by_hop, key };
        match key.map(|key| self.duplicates.arrive(now.elapsed, key, ticket)) {
            Some(Arrival::InProgress(earlier)) if self.tickets.contains_key(&earlier) => {
                self.tickets.insert(earlier, back);
                return;
            }
            Some(Arrival::Answered(answer)) => {
                let mut answer = answer.to_vec();
                set_hop_by_hop(&mut answer, header.hop_by_hop);
                self.send(connection, answer.into(), stream);
                return;
            }
            Some(Arrival::New | Arrival::InProgress(_)) | None => {}
        }
        self.forget_tickets(now.elapsed);
        if self.tickets.len() >= self.settings.ticket_limit || self.stopping.is_some() {
            let (identity, realm) = (&self.local.identity, &self.local.realm);
            let busy = crate::avp::dictionary::ResultCode::DIAMETER_TOO_BUSY;
            let answer =
                answers::refuse(identity, realm, message, &header, busy, "more requests wait than are allowed");
            self.send(connection, answer.into(), stream);
            return;
        }
        self.next_ticket += 1;
        self.tickets.insert(ticket, back);
        self.ticket_ages.push_back((now.elapsed + TICKET_SPAN, ticket));
        let sender = Arc::clone(&self.peers[at].sender);
        let event = Event::Request { ticket, sender: &sender, header, message };
        self.element.handle(now, event, &mut self.actions);
    }

    fn forget_tickets(&mut self, now: Duration) {
        while let Some(&(until, ticket)) = self.ticket_ages.front()
            && (until <= now || !self.tickets.contains_key(&ticket))
        {
            self.ticket_ages.pop_front();
            self.tickets.remove(&ticket);
        }
    }

    fn carry_out(&mut self, now: Now, action: Action) {
        match action {
            Action::Send { token, destination, mut message } => {
                set_end_to_end(&mut message, self.end_to_end.allocate());
                self.send_request(now, Errand { token, destination }, message, true);
            }
            Action::Answer { ticket, mut message } => {
                let Some(back) = self.tickets.remove(&ticket) else {
                    tracing::warn!("an answer comes too late: nobody waits for it");
                    return;
                };
                set_hop_by_hop(&mut message, back.hop_by_hop);
                let message = Bytes::from(message);
                if let Some(key) = back.key {
                    self.duplicates.answered(key, message.clone());
                }
                if let Some(peer) = self.connections.get(&back.connection).and_then(|one| one.peer) {
                    self.observe_sent(peer, &message);
                }
                self.send(back.connection, message, back.stream);
            }
            Action::Store { token, writes } => self.store(token, writes),
            Action::SetTimer { token, after } => {
                let at = now.elapsed + after;
                if let Some(old) = self.timers.insert(token, at) {
                    self.timer_order.remove(&(old, token));
                }
                self.timer_order.insert((at, token));
            }
            Action::CancelTimer { token } => {
                if let Some(old) = self.timers.remove(&token) {
                    self.timer_order.remove(&(old, token));
                }
            }
            Action::Report(report) => match &self.observer {
                Some(observer) => observer(&self.local.identity, &Observation::Report(&report)),
                None if report.failure => {
                    tracing::warn!(node = %self.local.identity, step = report.step, "{}", report.text);
                }
                None => tracing::info!(node = %self.local.identity, step = report.step, "{}", report.text),
            },
        }
    }

    fn store(&mut self, token: Token, writes: Vec<crate::store::Write>) {
        let inputs = self.inputs.clone();
        let submitted = match &self.store {
            Some(store) => store.submit(writes).map_err(|error| error.to_string()),
            None => Err("this node has no store".to_owned()),
        };
        tokio::spawn(async move {
            let result = match submitted {
                Ok(pending) => pending.outcome().await.map_err(|error| error.to_string()),
                Err(error) => Err(error),
            };
            let _ = inputs.send(Input::Stored { token, result }).await;
        });
    }

    /// Sends a request to the peer that leads to its destination. One that is coming up is waited for when `patient`.
    fn send_request(&mut self, now: Now, errand: Errand, message: Vec<u8>, patient: bool) {
        let application = Header::parse(&message).map_or(0, |header| header.application);
        let (host, realm) = (errand.destination.host.as_deref(), errand.destination.realm.as_str());
        let candidates: Vec<_> = self.peers.iter().map(|peer| peer.machine.candidate(application)).collect();
        let found = routing::route(host, realm, application, &self.routes, &candidates);
        let (errand, message) = match found {
            Ok(at) => match self.peers[at].machine.send_request(now.elapsed, errand, message) {
                Ok(()) => {
                    self.drain_peer(now, at, None);
                    return;
                }
                Err(back) => back,
            },
            Err(_) => (errand, message),
        };
        let coming = patient && self.parked.len() < PARKED_LIMIT && self.is_coming(&errand.destination);
        if coming {
            self.parked.push_back((now.elapsed + PATIENCE, errand, message));
        } else {
            tracing::debug!(node = %self.local.identity, realm = %errand.destination.realm, "no peer leads there");
            self.no_answer(now, errand.token, NoAnswer::Unreachable);
        }
    }

    /// True when a peer that may lead there has not been up yet, or is on its way back.
    fn is_coming(&self, destination: &Destination) -> bool {
        self.peers.iter().any(|peer| {
            let expected = peer.machine.expected();
            let there = match &destination.host {
                Some(host) => is_named(expected, host),
                None => expected.realm.as_ref().is_none_or(|realm| realm.eq_ignore_ascii_case(&destination.realm)),
            };
            there && matches!(peer.machine.status(), Status::Initial | Status::Reopen)
        })
    }

    /// Tries again what waits for a peer.
    fn unpark(&mut self, now: Now) {
        for (deadline, errand, message) in std::mem::take(&mut self.parked) {
            let waits = self.parked.len();
            self.send_request(now, errand, message, true);
            // What still waits keeps its deadline.
            if self.parked.len() > waits
                && let Some(last) = self.parked.back_mut()
            {
                last.0 = deadline;
            }
        }
    }

    fn no_answer(&mut self, now: Now, token: Token, why: NoAnswer) {
        self.element.handle(now, Event::Answer { token, result: Err(why) }, &mut self.actions);
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

/// Carries an association's messages to the task until it ends.
async fn read<E>(id: ConnectionId, mut association: Association, inputs: mpsc::Sender<Input<E>>) {
    let words = loop {
        match association.recv().await {
            Ok(Some(message)) => {
                if inputs.send(Input::Message { id, message }).await.is_err() {
                    return;
                }
            }
            Ok(None) => break "the connection was closed".to_owned(),
            Err(error) => break error.to_string(),
        }
    };
    // Closed from our side too, and over: a shutdown is not cut short by the end of the process.
    let _ = association.close().await;
    let _ = inputs.send(Input::Closed { id, words }).await;
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
