//! The nodes of these tests: one that answers purges, and one that asks and keeps a ledger of every request.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use proselink::avp::Avps;
use proselink::avp::dictionary::ResultCode;
use proselink::interfaces::s6a;
use proselink::message::{Command, Envelope, HEADER_LENGTH, find};
use proselink::net::{Net, Options, Transport};
use proselink::node::{self, Handle, PeerSettings, Settings};
use proselink::peer::watchdog::Intervals;
use proselink::peer::{self, Expected, Local};
use proselink::registration::element::{Action, Destination, Element, Event, NoAnswer, Now, Token};

pub const REALM: &str = "soak.example";

/// Answers every Purge-UE-Request.
pub struct Server(pub String);

impl Element for Server {
    fn applications(&self) -> &[u32] {
        &[s6a::APPLICATION]
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        let Event::Request { ticket, header, message, .. } = event else { return };
        let Ok(request) = s6a::PurgeUeRequest::decode(message) else { return };
        let answer = s6a::PurgeUeAnswer {
            session_id: request.session_id,
            result_code: Some(2001),
            auth_session_state: 1,
            origin_host: &self.0,
            origin_realm: REALM,
            ..Default::default()
        };
        actions.push(Action::Answer { ticket, message: answer.to_bytes(Envelope::answering(&header)) });
    }
}

/// How a request may end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// An answer with this Result-Code.
    Answer(u32),
    Unreachable,
    Timeout,
    /// Anything else that the node says.
    Other(String),
}

/// What a client does.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    Still,
    /// So many requests are always outstanding.
    Outstanding(usize),
    /// So many requests a second, whatever comes back.
    Rate(f64),
}

/// The tick of a steady rate, and the timer's name. Requests count from 1.
const TICK: Duration = Duration::from_millis(2);
const TIMER: Token = Token(0);

/// No more than this is outstanding: a request that would be is not sent, and counted.
const MOST: usize = 20_000;

/// Asks, and keeps a ledger: every request is sent once and ends once.
pub struct Client {
    identity: String,
    hosts: Vec<Option<String>>,
    pace: Pace,
    next: u64,
    open: HashMap<u64, Instant>,
    pub sent: u64,
    pub held_back: u64,
    pub ends: BTreeMap<End, u64>,
    /// Ends of requests that were not open: none, if all is well.
    pub astray: u64,
    /// Microseconds from handing a request over to its end by an answer, since the last look.
    latency: Histogram<u64>,
    due: f64,
    ticked: Duration,
}

impl Client {
    /// `hosts`: where requests go in turn; `None` leaves the choice to the realm.
    pub fn new(identity: &str, hosts: Vec<Option<String>>) -> Self {
        Self {
            identity: identity.to_owned(),
            hosts,
            pace: Pace::Still,
            next: 0,
            open: HashMap::new(),
            sent: 0,
            held_back: 0,
            ends: BTreeMap::new(),
            astray: 0,
            latency: Histogram::new_with_bounds(1, 60_000_000, 3).expect("these bounds are good"),
            due: 0.0,
            ticked: Duration::ZERO,
        }
    }

    pub fn set_pace(&mut self, now: Now, pace: Pace, actions: &mut Vec<Action>) {
        self.pace = pace;
        match pace {
            Pace::Still => {}
            Pace::Outstanding(wanted) => self.fill(wanted, actions),
            Pace::Rate(_) => {
                (self.due, self.ticked) = (0.0, now.elapsed);
                actions.push(Action::SetTimer { token: TIMER, after: TICK });
            }
        }
    }

    pub fn outstanding(&self) -> usize {
        self.open.len()
    }

    /// Takes the latencies since the last call.
    pub fn take_latency(&mut self) -> Histogram<u64> {
        let empty = Histogram::new_from(&self.latency);
        std::mem::replace(&mut self.latency, empty)
    }

    fn fill(&mut self, wanted: usize, actions: &mut Vec<Action>) {
        while self.open.len() < wanted {
            self.ask(actions);
        }
    }

    fn ask(&mut self, actions: &mut Vec<Action>) {
        self.next += 1;
        let host = &self.hosts[self.next as usize % self.hosts.len()];
        let session = format!("{};{}", self.identity, self.next);
        let request = s6a::PurgeUeRequest {
            session_id: &session,
            auth_session_state: 1,
            origin_host: &self.identity,
            origin_realm: REALM,
            destination_host: host.as_deref(),
            destination_realm: REALM,
            user_name: "001010000000001",
            ..Default::default()
        };
        let message = request.to_bytes(Envelope { application: s6a::APPLICATION, hop_by_hop: 0, end_to_end: 0 });
        let destination = Destination { host: host.clone(), realm: REALM.to_owned() };
        self.open.insert(self.next, Instant::now());
        self.sent += 1;
        actions.push(Action::Send { token: Token(self.next), destination, message });
    }

    fn end(&mut self, token: u64, end: End) {
        match self.open.remove(&token) {
            Some(begun) => {
                if matches!(end, End::Answer(_)) {
                    self.latency.saturating_record(begun.elapsed().as_micros() as u64);
                }
                *self.ends.entry(end).or_default() += 1;
            }
            None => self.astray += 1,
        }
    }
}

impl Element for Client {
    fn applications(&self) -> &[u32] {
        &[s6a::APPLICATION]
    }

    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Answer { token, result } => {
                let end = match result {
                    Ok(answer) => {
                        let body = Avps::new(answer.get(HEADER_LENGTH..).unwrap_or_default());
                        End::Answer(find::<ResultCode>(body).unwrap_or(0))
                    }
                    Err(NoAnswer::Unreachable) => End::Unreachable,
                    Err(NoAnswer::Timeout) => End::Timeout,
                    #[allow(unreachable_patterns)]
                    Err(other) => End::Other(format!("{other:?}")),
                };
                let answered = matches!(end, End::Answer(_));
                self.end(token.0, end);
                // Without an answer the next one waits for another's: a peer that is gone refuses at once.
                if let Pace::Outstanding(wanted) = self.pace
                    && (answered || self.open.is_empty())
                {
                    self.fill(wanted, actions);
                }
            }
            Event::Timer { token: TIMER } => {
                let Pace::Rate(rate) = self.pace else { return };
                self.due += (now.elapsed - self.ticked).as_secs_f64() * rate;
                self.ticked = now.elapsed;
                while self.due >= 1.0 {
                    self.due -= 1.0;
                    if self.open.len() < MOST { self.ask(actions) } else { self.held_back += 1 }
                }
                actions.push(Action::SetTimer { token: TIMER, after: TICK });
            }
            _ => {}
        }
    }
}

/// A port that is free for TCP and UDP.
pub fn free_port(ip: IpAddr) -> u16 {
    loop {
        let port = std::net::TcpListener::bind((ip, 0)).and_then(|socket| socket.local_addr()).expect("a port").port();
        if std::net::UdpSocket::bind((ip, port)).is_ok() {
            return port;
        }
    }
}

fn settings(identity: &str, ip: IpAddr, transport: Transport) -> Settings {
    let mut settings = Settings::new(Local { origin_state: 1, ..Local::new(identity, REALM, vec![ip]) });
    settings.transport = transport;
    settings
}

fn peer_settings(identity: &str, from: IpAddr, connect_to: Option<SocketAddr>) -> PeerSettings {
    let intervals = Intervals {
        watchdog: Duration::from_secs(6),
        connect: Duration::from_millis(500),
        connect_limit: Duration::from_secs(2),
        reopen: Duration::from_millis(200),
    };
    PeerSettings {
        expected: Expected { identity: identity.to_owned(), realm: None, addresses: vec![from] },
        connect_to: connect_to.map(Into::into),
        udp_port: None,
        settings: peer::Settings { intervals, ..peer::Settings::default() },
    }
}

/// Starts a server that listens and lets these clients in.
pub async fn serve(
    identity: &str,
    at: SocketAddr,
    transport: Transport,
    net: Net,
    clients: &[(String, IpAddr)],
) -> Handle<Server> {
    let mut settings = settings(identity, at.ip(), transport);
    settings.listen = vec![at.into()];
    settings.peers = clients.iter().map(|(client, from)| peer_settings(client, *from, None)).collect();
    node::start(settings, net, Server(identity.to_owned()), None, None).await.expect("the server starts")
}

/// Starts a client of these servers and waits until all are there.
pub async fn connect(
    client: Client,
    ip: IpAddr,
    transport: Transport,
    net: Net,
    servers: &[(String, SocketAddr)],
) -> Handle<Client> {
    let mut settings = settings(&client.identity.clone(), ip, transport);
    settings.peers = servers.iter().map(|(server, at)| peer_settings(server, at.ip(), Some(*at))).collect();
    let node = node::start(settings, net, client, None, None).await.expect("the client starts");
    node.ready(Duration::from_secs(60)).await.expect("all servers are there");
    node
}

/// Transports with a UDP port of their own.
pub fn net(udp_port: u16) -> Net {
    Net::new(Options { udp_port, ..Options::default() })
}
