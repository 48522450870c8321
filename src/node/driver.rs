//! The one task of a node.

mod authenticate;
mod connections;
mod errands;
mod exchange;
mod forward;
mod linger;
mod outputs;
mod protection;
mod reload;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Span;

use super::metrics::{Metrics, Tally};
use super::{Heartbeat, Observation, Observer, PeerSettings, PeerView, Settings};
use crate::folding::Folding;
use crate::net::{self, Association, Endpoint, Incoming, Listener, Net, NetError};
use crate::peer::redirect::Redirects;
use crate::peer::requests::{Duplicates, EndToEnd, RequestKey};
use crate::peer::routing::{Table, Unroutable};
use crate::peer::{ConnectionId, Expected, Local, Peer, State};
use crate::registration::element::{Action, Destination, Element, Event, Now, Sender, Ticket, Token};
use crate::store::{Committer, WriteOutcome};

use forward::Tried;
use linger::Linger;

/// Inputs that wait for the task. When the queue is full the transports wait, and with them the peers.
pub(super) const QUEUE: usize = 1024;

/// Inputs handled before time is looked at again.
const BATCH: usize = 256;

/// Messages handled before the transports have their turn. A whole crowd at once would leave as one crowd: one side then
/// waits while the other works. Fewer, and each write carries less.
const PORTION: usize = 24;

/// How long a request may wait for a peer that is about to come up.
const PATIENCE: Duration = Duration::from_secs(3);

/// Requests that wait so, at most.
const PARKED_LIMIT: usize = 1024;

/// Redirects that are remembered, at most.
const REDIRECT_LIMIT: usize = 4096;

/// How long a request that our element does not answer is remembered.
const TICKET_SPAN: Duration = Duration::from_secs(60);

/// How long a peer may take to say who it is.
const IDENTIFY_SPAN: Duration = Duration::from_secs(10);

/// What happens often is told so often.
const TELL_SPAN: Duration = Duration::from_secs(10);

/// How long closing may take once every peer has been told.
const CLOSE_SPAN: Duration = Duration::from_secs(10);

/// REBOOTING: the peers may come back after Tc. RFC 6733 section 5.4.3.
const REBOOTING: i32 = crate::avp::dictionary::DisconnectCause::REBOOTING;

pub(super) use reload::Reload;

type Call<E> = Box<dyn FnOnce(&mut E, Now, &mut Vec<Action>) + Send>;
type Follow<E> = Box<dyn FnMut(&mut E, Now, &mut Vec<Action>) -> bool + Send>;

/// What comes to the task.
pub(super) enum Input<E> {
    Accepted(Association),
    Connected { peer: usize, id: ConnectionId, result: Result<Association, NetError> },
    Stored { token: Token, result: Result<Vec<WriteOutcome>, String> },
    Authenticated { token: Token, result: Result<bool, String> },
    Call(Call<E>),
    Follow(Follow<E>),
    Reload(Box<reload::Reload>),
    Stop,
}

impl<E> fmt::Debug for Input<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Input")
    }
}

/// A request of ours or one that we forward: what is needed to send it again another way.
#[derive(Clone, Debug)]
struct Errand {
    token: Token,
    /// `None`: it is forwarded, to where its AVPs say.
    destination: Option<Destination>,
    tried: Tried,
    /// The log's view of it, from when it first leaves.
    span: Span,
}

/// Where an answer of ours leaves.
#[derive(Clone, Debug)]
struct Return {
    connection: ConnectionId,
    stream: u16,
    hop_by_hop: u32,
    key: Option<RequestKey>,
    /// When the request came.
    since: Duration,
    span: Span,
}

/// The connections that have something to be read, each once.
#[derive(Debug, Default)]
struct Ready {
    connections: Mutex<Vec<ConnectionId>>,
    told: Notify,
}

impl Ready {
    fn push(&self, id: ConnectionId) {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        self.told.notify_one();
    }

    /// Moves what there is behind what `into` has.
    fn take(&self, into: &mut VecDeque<ConnectionId>) {
        into.extend(self.connections.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
    }
}

type Connections = HashMap<ConnectionId, Connection, Folding>;

#[derive(Debug)]
struct Connection {
    association: Association,
    sender: net::Sender,
    peer: Option<usize>,
    /// A stranger that is sent away.
    dropped: bool,
}

#[derive(Debug)]
struct PeerEntry {
    machine: Peer<Errand>,
    connect_to: Option<Endpoint>,
    udp_port: Option<u16>,
    sender: Arc<Sender>,
    trouble: Option<String>,
    span: Span,
    tally: Tally,
    /// It is in no configuration, and goes when its place is wanted.
    guest: bool,
    /// Attempts to connect whose end is not known yet.
    connecting: usize,
    /// It is no peer any more, or not with these settings: it goes once its connection has ended.
    retired: bool,
    /// What takes its place then.
    successor: Option<Box<PeerSettings>>,
}

impl PeerEntry {
    fn new(local: &Arc<Local>, peer: &PeerSettings, metrics: Option<&Metrics>, now: Duration) -> Self {
        let settings = crate::peer::Settings { connect: peer.connect_to.is_some(), ..peer.settings.clone() };
        let identity = &peer.expected.identity;
        Self {
            machine: Peer::new(Arc::clone(local), peer.expected.clone(), settings, random(), now),
            connect_to: peer.connect_to.clone(),
            udp_port: peer.udp_port,
            sender: Arc::new(Sender { peer: identity.clone(), realm: String::new(), protected: false }),
            trouble: None,
            span: tracing::info_span!("peer", node = %local.identity, peer = %identity),
            tally: Metrics::peer(metrics, identity),
            guest: false,
            connecting: 0,
            retired: false,
            successor: None,
        }
    }

    /// True for a peer of the configuration, also while it is made anew.
    fn is_listed(&self) -> bool {
        !self.retired || self.successor.is_some()
    }
}

pub(super) struct Driver<E> {
    local: Arc<Local>,
    settings: Settings,
    net: Net,
    element: E,
    store: Option<Committer>,
    judges: authenticate::Judges,
    observer: Option<Observer>,
    inputs: mpsc::Sender<Input<E>>,
    views: watch::Sender<Vec<PeerView>>,
    metrics: Option<Metrics>,
    heartbeat: Option<Heartbeat>,
    /// When the next beat is due.
    next_beat: Duration,
    listeners: Vec<(Endpoint, JoinHandle<()>)>,
    begun: Instant,
    /// A place is never given up, so that numbers of peers stay good; it is used again once nothing refers to it.
    peers: Vec<PeerEntry>,
    /// Peers that wait for their connection to end.
    retiring: usize,
    table: Table,
    redirects: Redirects,
    connections: Connections,
    next_connection: u64,
    ready: Arc<Ready>,
    /// Connections whose turn is yet to come.
    turns: VecDeque<ConnectionId>,
    /// Messages of the connection whose turn it is; empty between turns.
    inbox: Vec<Incoming>,
    /// Connections whose peer has not said who it is, by address; no address has none.
    stranger_hosts: HashMap<IpAddr, usize>,
    /// Connections that were dropped because too many were there, and when that is told again.
    turned_away: u64,
    turned_away_told: Duration,
    /// Connections that peers have opened, and until when they must have said who they are. Those that have are skipped.
    strangers: VecDeque<(Duration, ConnectionId)>,
    /// No peer is due before.
    peers_due: Duration,
    end_to_end: EndToEnd,
    duplicates: Duplicates<Ticket>,
    tickets: HashMap<Ticket, Return, Folding>,
    ticket_ages: VecDeque<(Duration, Ticket)>,
    next_ticket: u64,
    timers: HashMap<Token, Duration, Folding>,
    timer_order: BTreeSet<(Duration, Token)>,
    parked: VecDeque<(Duration, Errand, Vec<u8>)>,
    follows: Vec<Follow<E>>,
    actions: Vec<Action>,
    spare_actions: Vec<Action>,
    /// Set by a stop: until when answers are waited for.
    stopping: Option<Duration>,
    /// The peers have been told of the stop.
    parting: bool,
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
        let named = settings.peers.iter().map(|peer| &peer.expected);
        let table = Table::new(named.map(|peer| (&*peer.identity, peer.realm.as_deref())), &settings.routes);
        let metrics = settings.metrics.clone();
        if let (Some(metrics), Some(store)) = (&metrics, &store) {
            metrics.watch_store(store.counter());
        }
        let entry = |peer| PeerEntry::new(&local, peer, metrics.as_ref(), Duration::ZERO);
        let peers = settings.peers.iter().map(entry).collect();
        let unix = unix_time();
        Self {
            local,
            net,
            element,
            store,
            judges: authenticate::Judges::default(),
            observer,
            inputs,
            views,
            begun: Instant::now(),
            peers,
            table,
            redirects: Redirects::new(REDIRECT_LIMIT, random()),
            metrics,
            heartbeat: settings.heartbeat.clone(),
            next_beat: Duration::ZERO,
            listeners: Vec::new(),
            retiring: 0,
            settings,
            connections: HashMap::default(),
            next_connection: 0,
            ready: Arc::default(),
            turns: VecDeque::new(),
            inbox: Vec::with_capacity(PORTION),
            stranger_hosts: HashMap::new(),
            turned_away: 0,
            turned_away_told: Duration::ZERO,
            strangers: VecDeque::new(),
            peers_due: Duration::ZERO,
            end_to_end: EndToEnd::new(unix, random() as u32),
            duplicates: Duplicates::new(65_536, 32 << 20, Duration::from_secs(240)),
            tickets: HashMap::default(),
            ticket_ages: VecDeque::new(),
            next_ticket: 0,
            timers: HashMap::default(),
            timer_order: BTreeSet::new(),
            parked: VecDeque::new(),
            follows: Vec::new(),
            actions: Vec::new(),
            spare_actions: Vec::new(),
            stopping: None,
            parting: false,
            views_stale: true,
        }
    }

    /// Runs until a stop is complete, and gives the element back.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Input<E>>, listeners: Vec<(Endpoint, Listener)>) -> E {
        self.listeners = listeners.into_iter().map(|(at, listener)| (at, self.listen(listener))).collect();
        if let Some(metrics) = &self.metrics {
            metrics.listens();
        }
        let now = self.now();
        self.element.start(now, &mut self.actions);
        self.settle(now);
        let ready = Arc::clone(&self.ready);
        let mut armed = self.begun;
        let mut linger = Linger::new(self.settings.linger);
        let mut alarm = pin!(tokio::time::sleep_until(armed));
        loop {
            if self.views_stale {
                self.show_peers();
            }
            if let Some(metrics) = &self.metrics {
                metrics.set_waiting(self.tickets.len(), self.parked.len());
            }
            if self.is_finished() {
                break;
            }
            let (deadline, now) = (self.begun + self.next_deadline(), Instant::now());
            if deadline <= now {
                self.handle_timeout();
                // Time must not starve what waits.
                tokio::task::yield_now().await;
                continue;
            }
            // Most deadlines move on before they come: an alarm that rings too early costs less than setting it each time.
            if deadline < armed || armed <= now {
                armed = deadline;
                alarm.as_mut().reset(armed);
            }
            let watched = linger.span();
            while self.turns.is_empty() && queue.is_empty() && now.elapsed() < watched {
                let giving = Instant::now();
                std::thread::yield_now();
                if !linger.gave_way(giving.elapsed()) {
                    break;
                }
                tokio::task::yield_now().await;
                self.ready.take(&mut self.turns);
            }
            if self.turns.is_empty() {
                // In this order, which costs no random number: the queue has its turn below in any case.
                tokio::select! {
                    biased;
                    () = ready.told.notified() => {}
                    input = queue.recv() => {
                        let Some(input) = input else { break };
                        self.take(input);
                    }
                    () = &mut alarm => {}
                }
            } else {
                // The transports must have their turn as well.
                tokio::task::yield_now().await;
            }
            linger.waited(now.elapsed());
            for _ in 0..BATCH {
                let Ok(input) = queue.try_recv() else { break };
                self.take(input);
            }
            self.take_turns();
        }
        self.stop_listening();
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

    fn stop_listening(&mut self) {
        for (_, listener) in self.listeners.drain(..) {
            listener.abort();
        }
    }

    fn take(&mut self, input: Input<E>) {
        let now = self.now();
        match input {
            Input::Accepted(association) => self.handle_accepted(now, association),
            Input::Connected { peer, id, result } => self.handle_connected(now, peer, id, result),
            Input::Stored { token, result } => {
                self.element.handle(now, Event::Stored { token, result }, &mut self.actions);
            }
            Input::Authenticated { token, result } => {
                self.element.handle(now, Event::Authenticated { token, result }, &mut self.actions);
            }
            Input::Call(call) => call(&mut self.element, now, &mut self.actions),
            Input::Follow(follow) => self.follows.push(follow),
            Input::Reload(reload) => self.reload(now, *reload),
            Input::Stop => {
                if self.stopping.is_none() {
                    tracing::info!(node = %self.local.identity, "stopping");
                    self.stopping = Some(now.elapsed + self.settings.drain);
                    self.stop_listening();
                    if let Some(metrics) = &self.metrics {
                        metrics.stops();
                    }
                }
            }
        }
        self.settle(now);
    }

    /// Reads the connections that have something, a portion in all.
    fn take_turns(&mut self) {
        self.ready.take(&mut self.turns);
        let mut left = PORTION;
        while left > 0
            && let Some(id) = self.turns.pop_front()
        {
            left = left.saturating_sub(self.take_turn(id));
        }
    }

    /// Carries out all that the element wants, until it wants nothing more. What a peer wants is carried out whenever
    /// something has been said to it.
    fn settle(&mut self, now: Now) {
        loop {
            if !self.actions.is_empty() {
                let mut actions = std::mem::replace(&mut self.actions, std::mem::take(&mut self.spare_actions));
                for action in actions.drain(..) {
                    self.carry_out(now, action);
                }
                self.spare_actions = actions;
                continue;
            }
            if self.follows.is_empty() {
                break;
            }
            let mut follows = std::mem::take(&mut self.follows);
            follows.retain_mut(|follow| !follow(&mut self.element, now, &mut self.actions));
            follows.append(&mut self.follows);
            self.follows = follows;
            if self.actions.is_empty() {
                break;
            }
        }
        if self.retiring > 0 {
            self.replace_retired(now);
        }
        self.stop_peers(now);
    }

    fn next_deadline(&self) -> Duration {
        let timers = self.timer_order.first().map(|(at, _)| *at);
        let parked = self.parked.front().map(|(at, ..)| *at);
        let strangers = self.strangers.front().map(|(at, _)| *at);
        let stopping = self.stopping.map(|at| if self.parting { at + CLOSE_SPAN } else { at });
        let beat = self.heartbeat.as_ref().map(|_| self.next_beat);
        let others = [timers, parked, strangers, stopping, beat];
        others.into_iter().flatten().fold(self.peers_due, Duration::min)
    }

    fn handle_timeout(&mut self) {
        let now = self.now();
        if let Some(heartbeat) = self.heartbeat.as_ref().filter(|_| self.next_beat <= now.elapsed) {
            self.next_beat = now.elapsed + heartbeat.every;
            (heartbeat.beat)();
        }
        if self.peers_due <= now.elapsed {
            self.peers_due = now.elapsed + Duration::from_secs(3600);
            for at in 0..self.peers.len() {
                if self.peers[at].machine.next_deadline() <= now.elapsed {
                    self.peers[at].machine.handle_timeout(now.elapsed);
                }
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
            if let Some((_, errand, message)) = self.parked.pop_front() {
                self.undelivered(now, &errand, &message, Unroutable::UnableToDeliver);
            }
        }
        while let Some(&(at, id)) = self.strangers.front()
            && at <= now.elapsed
        {
            self.strangers.pop_front();
            if let Some(connection) = self.connections.get_mut(&id).filter(|one| one.peer.is_none()) {
                tracing::warn!(remote = %connection.sender.info().remote, "no CER came; the connection is dropped");
                if let Some(metrics) = &self.metrics {
                    metrics.connections().silent.add(1);
                }
                connection.drop_stranger();
            }
        }
        self.settle(now);
    }

    /// Requests leave stream 0 to the messages between neighbours.
    fn spread(&self, id: ConnectionId, number: u64) -> u16 {
        let streams = self.connections.get(&id).map_or(1, |one| one.sender.info().outgoing_streams);
        if streams < 2 { 0 } else { 1 + (number % u64::from(streams - 1)) as u16 }
    }

    fn show_peers(&mut self) {
        self.views_stale = false;
        for peer in self.peers.iter().filter(|peer| peer.is_listed()) {
            peer.tally.standing(peer.machine.state(), peer.machine.status());
        }
        let views = self.peers.iter().filter(|peer| peer.is_listed()).map(|peer| PeerView {
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
        self.parting = true;
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
