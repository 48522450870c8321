//! Three and four nodes over TCP: what goes through a relay, what a redirect leads to, and what is said when nothing does.

use std::net::TcpListener;

use super::*;
use crate::avp::dictionary::{
    ErrorMessage, ErrorReportingHost, OriginHost, ProxyHost, ProxyInfo, RedirectHostUsage, ResultCode, RouteRecord,
};
use crate::avp::{Avps, Key};
use crate::message::HEADER_LENGTH;
use crate::message::declare::finish_message;
use crate::node::agent::{RedirectElement, RelayElement};
use crate::peer::redirect::RedirectRow;
use crate::registration::Identity;
use crate::registration::element::Ticket;

/// Asks; keeps whole answers.
struct Client {
    identity: String,
    next: u64,
    answers: HashMap<u64, Result<Vec<u8>, NoAnswer>>,
}

impl Client {
    fn new(identity: &str) -> Self {
        Self { identity: identity.to_owned(), next: 0, answers: HashMap::new() }
    }

    /// A purge for a realm, with AVPs added.
    fn ask(&mut self, host: Option<&str>, realm: &str, more: &[u8], actions: &mut Vec<Action>) -> u64 {
        self.next += 1;
        let mut message = purge_request(&self.identity, self.next, host, realm);
        message.extend_from_slice(more);
        finish_message(0, &mut message);
        let destination = Destination { host: host.map(str::to_owned), realm: realm.to_owned() };
        actions.push(Action::Send { token: Token(self.next), destination, message });
        self.next
    }
}

impl Element for Client {
    fn applications(&self) -> &[u32] {
        &[s6a::APPLICATION]
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, _actions: &mut Vec<Action>) {
        if let Event::Answer { token, result } = event {
            self.answers.insert(token.0, result.map(<[u8]>::to_vec));
        }
    }
}

/// Answers with a Result-Code, or holds requests back.
struct Server {
    identity: String,
    code: Option<u32>,
    received: Vec<Vec<u8>>,
    held: Vec<Ticket>,
}

impl Server {
    fn new(identity: &str, code: Option<u32>) -> Self {
        Self { identity: identity.to_owned(), code, received: Vec::new(), held: Vec::new() }
    }
}

impl Element for Server {
    fn applications(&self) -> &[u32] {
        &[s6a::APPLICATION]
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        let Event::Request { ticket, header, message, .. } = event else { return };
        self.received.push(message.to_vec());
        match self.code {
            Some(code) => {
                let message = peer::answers::refuse(&self.identity, "far", message, &header, code, "");
                actions.push(Action::Answer { ticket, message });
            }
            None => self.held.push(ticket),
        }
    }
}

/// A node at an address of its own, with a port that is free.
fn node(identity: &str, host: u8) -> Settings {
    let address = IpAddr::V4(Ipv4Addr::new(127, 78, 1, host));
    let mut node = settings(identity, address);
    node.transport = Transport::Tcp;
    node.listen = vec![TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().into()];
    node.drain = Duration::ZERO;
    node
}

/// Makes peers of two nodes: the first connects.
fn join(from: &mut Settings, to: &mut Settings) {
    let intervals = peer::Intervals {
        connect: Duration::from_millis(50),
        connect_limit: Duration::from_millis(50),
        reopen: Duration::from_millis(10),
        ..Default::default()
    };
    let of = |node: &Settings, connect: bool| PeerSettings {
        expected: Expected {
            identity: node.local.identity.clone(),
            realm: None,
            addresses: node.local.addresses.clone(),
        },
        connect_to: connect.then(|| node.listen[0].clone()),
        udp_port: None,
        settings: peer::Settings { intervals, ..Default::default() },
    };
    let (one, other) = (of(to, true), of(from, false));
    from.peers.push(one);
    to.peers.push(other);
}

fn route(realm: &str, hosts: &[&str]) -> peer::routing::RealmRoute {
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    peer::routing::RealmRoute { realm: realm.to_owned(), application: None, hosts, share: false }
}

async fn run<E: Element + Send + 'static>(settings: Settings, element: E) -> Handle<E> {
    start(settings, Net::new(Options::default()), element, None, None).await.unwrap()
}

fn relay(settings: &Settings, proxy_info: bool) -> RelayElement {
    let Local { identity, realm, .. } = &settings.local;
    RelayElement::new(&Identity { host: identity.clone(), realm: realm.clone() }, proxy_info, [3; 16])
}

/// Asks for a realm and waits for the answer.
async fn ask(client: &Handle<Client>, host: Option<&str>, realm: &str, more: &[u8]) -> Result<Vec<u8>, NoAnswer> {
    let (host, realm, more) = (host.map(str::to_owned), realm.to_owned(), more.to_vec());
    let token = client.call(move |one, _, actions| one.ask(host.as_deref(), &realm, &more, actions)).await.unwrap();
    client.follow(move |one, _, _| one.answers.remove(&token)).await.unwrap()
}

fn code(answer: &[u8]) -> u32 {
    find::<ResultCode>(body(answer)).unwrap()
}

fn body(message: &[u8]) -> Avps<'_> {
    Avps::new(&message[HEADER_LENGTH..])
}

/// The names in AVPs of this code, Route-Record or Proxy-Info.
fn names(message: &[u8], key: u64) -> Vec<String> {
    let avps = body(message).map(Result::unwrap).filter(|avp| avp.key == Key(key));
    let name = |avp: crate::avp::Avp<'_>| match find::<ProxyHost>(avp.members()) {
        Some(host) if key == ProxyInfo::KEY => host.to_owned(),
        _ => String::from_utf8(avp.data.to_vec()).unwrap(),
    };
    avps.map(name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_goes_through_two_relays_and_its_answer_comes_back() {
    let (mut c, mut r1, mut r2, mut s) =
        (node("client.example", 1), node("relay1.example", 2), node("relay2.example", 3), node("server.far", 4));
    join(&mut c, &mut r1);
    join(&mut r1, &mut r2);
    join(&mut r2, &mut s);
    s.local.realm = "far".to_owned();
    let (relay1, relay2) = (relay(&r1, true), relay(&r2, false));
    let server = run(s, Server::new("server.far", Some(2001))).await;
    let relays = (run(r2, relay2).await, run(r1, relay1).await);
    let client = run(c, Client::new("client.example")).await;
    client.ready(PATIENCE).await.unwrap();
    relays.1.ready(PATIENCE).await.unwrap();
    let answer = ask(&client, Some("server.far"), "far", &[]).await.unwrap();
    assert_eq!((code(&answer), find::<OriginHost>(body(&answer))), (2001, Some("server.far")));
    assert!(names(&answer, ProxyInfo::KEY).is_empty() && names(&answer, RouteRecord::KEY).is_empty());
    let server = server.stop().await.unwrap();
    let [request] = &server.received[..] else { panic!() };
    assert_eq!(names(request, RouteRecord::KEY), ["client.example", "relay1.example"]);
    assert_eq!(names(request, ProxyInfo::KEY), ["relay1.example"]);
    assert_eq!(Header::parse(request).unwrap().end_to_end, Header::parse(&answer).unwrap().end_to_end);
    tokio::join!(async { client.stop().await.unwrap() }, async { relays.0.stop().await.unwrap() }, async {
        relays.1.stop().await.unwrap()
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_relay_cannot_deliver_it_answers_and_says_why() {
    let (mut c, mut r, mut s) = (node("client.example", 11), node("relay.example", 12), node("server.far", 13));
    join(&mut c, &mut r);
    join(&mut r, &mut s);
    c.routes = vec![route("*", &["relay.example"])];
    r.routes = vec![route("far", &["server.far"]), route("back", &["client.example"])];
    r.peers[1].expected.realm = Some("far".to_owned());
    s.local.realm = "far".to_owned();
    let element = relay(&r, true);
    let server = run(s, Server::new("server.far", Some(2001))).await;
    let relay = run(r, element).await;
    let client = run(c, Client::new("client.example")).await;
    relay.ready(PATIENCE).await.unwrap();
    client.ready(PATIENCE).await.unwrap();
    let mut record = Vec::new();
    crate::avp::dictionary::write_avp::<RouteRecord>(&"relay.example", &mut record);
    for (host, realm, more, result, why) in [
        (None, "nowhere", &[][..], 3003, "relay.example has no route for realm nowhere"),
        (None, "back", &[], 3002, "no peer of relay.example that is up leads to realm back"),
        (Some("client.example"), "back", &[], 3002, "leads to client.example in realm back"),
        (None, "far", &record, 3005, "relay.example stands in Route-Record"),
    ] {
        let answer = ask(&client, host, realm, more).await.unwrap();
        let words = find::<ErrorMessage>(body(&answer)).unwrap();
        assert_eq!(code(&answer), result, "{words}");
        assert!(words.contains(why), "{words}");
        assert!(Header::parse(&answer).unwrap().flags.is_error());
        assert_eq!(find::<ErrorReportingHost>(body(&answer)), Some("relay.example"));
        assert!(names(&answer, ProxyInfo::KEY).is_empty(), "none of ours comes back");
    }
    server.stop().await.unwrap();
    let answer = ask(&client, None, "far", &[]).await.unwrap();
    assert_eq!(code(&answer), 3002, "the server is gone");
    tokio::join!(async { client.stop().await.unwrap() }, async { relay.stop().await.unwrap() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_server_that_fails_goes_to_another_and_comes_home_when_it_is_back() {
    let (mut c, mut r, mut s1, mut s2) =
        (node("client.example", 21), node("relay.example", 22), node("one.far", 23), node("two.far", 24));
    join(&mut c, &mut r);
    join(&mut r, &mut s1);
    join(&mut r, &mut s2);
    for server in [&mut s1, &mut s2] {
        server.local.realm = "far".to_owned();
    }
    c.routes = vec![route("far", &["relay.example"])];
    r.routes = vec![route("far", &["one.far", "two.far"])];
    let element = relay(&r, true);
    let one = run(s1.clone(), Server::new("one.far", None)).await;
    let two = run(s2, Server::new("two.far", Some(2001))).await;
    let relay = run(r, element).await;
    let client = run(c, Client::new("client.example")).await;
    relay.ready(PATIENCE).await.unwrap();
    client.ready(PATIENCE).await.unwrap();
    let tokens = client.call(|one, _, actions| [0; 20].map(|_| one.ask(None, "far", &[], actions))).await.unwrap();
    one.follow(|one, _, _| (one.held.len() == 20).then_some(())).await.unwrap();
    let first = one.stop().await.unwrap();
    let answers = client
        .follow(move |one, _, _| {
            let all = tokens.iter().all(|token| one.answers.contains_key(token));
            all.then(|| tokens.map(|token| one.answers.remove(&token).unwrap().unwrap()))
        })
        .await
        .unwrap();
    assert!(answers.iter().all(|answer| code(answer) == 2001 && names(answer, ProxyInfo::KEY).is_empty()));
    let second = two.call(|two, _, _| std::mem::take(&mut two.received)).await.unwrap();
    let identifiers = |messages: &[Vec<u8>]| {
        messages.iter().map(|message| Header::parse(message).unwrap().end_to_end).collect::<Vec<_>>()
    };
    assert_eq!(identifiers(&second), identifiers(&first.received), "each once, with its End-to-End Identifier");
    assert!(second.iter().all(|message| Header::parse(message).unwrap().flags.is_retransmitted()), "with the T flag");
    assert!(second.iter().all(|message| names(message, RouteRecord::KEY) == ["client.example"]));
    // The preferred server comes back through REOPEN, and with it what is asked from then on.
    let one = run(s1, Server::new("one.far", Some(2001))).await;
    relay.ready(PATIENCE).await.unwrap();
    let answer = ask(&client, None, "far", &[]).await.unwrap();
    assert_eq!(find::<OriginHost>(body(&answer)), Some("one.far"));
    tokio::join!(
        async { client.stop().await.unwrap() },
        async { relay.stop().await.unwrap() },
        async { one.stop().await.unwrap() },
        async { two.stop().await.unwrap() }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_too_busy_sends_requests_to_its_neighbour() {
    let (mut c, mut r, mut s1, mut s2) =
        (node("client.example", 31), node("relay.example", 32), node("one.far", 33), node("two.far", 34));
    join(&mut c, &mut r);
    join(&mut r, &mut s1);
    join(&mut r, &mut s2);
    for server in [&mut s1, &mut s2] {
        server.local.realm = "far".to_owned();
    }
    c.routes = vec![route("*", &["relay.example"])];
    r.routes = vec![route("far", &["one.far", "two.far"])];
    r.peers[1].settings.pending_limit = 5;
    let element = relay(&r, false);
    let one = run(s1, Server::new("one.far", Some(3004))).await;
    let two = run(s2, Server::new("two.far", Some(2001))).await;
    let relay = run(r, element).await;
    let client = run(c, Client::new("client.example")).await;
    relay.ready(PATIENCE).await.unwrap();
    client.ready(PATIENCE).await.unwrap();
    let answer = ask(&client, None, "far", &[]).await.unwrap();
    assert_eq!((code(&answer), find::<OriginHost>(body(&answer))), (2001, Some("two.far")));
    let answer = ask(&client, Some("one.far"), "far", &[]).await.unwrap();
    assert_eq!((code(&answer), find::<OriginHost>(body(&answer))), (3004, Some("one.far")), "no other will do");
    // A server that says nothing: what may wait for it is bounded.
    one.call(|one, _, _| one.code = None).await.unwrap();
    client.call(|one, _, actions| [0; 5].map(|_| one.ask(Some("one.far"), "far", &[], actions))).await.unwrap();
    one.follow(|one, _, _| (one.held.len() == 5).then_some(())).await.unwrap();
    let answer = ask(&client, None, "far", &[]).await.unwrap();
    assert_eq!((code(&answer), find::<OriginHost>(body(&answer))), (2001, Some("two.far")));
    two.stop().await.unwrap();
    let answer = ask(&client, None, "far", &[]).await.unwrap();
    assert_eq!((code(&answer), find::<OriginHost>(body(&answer))), (3004, Some("relay.example")));
    tokio::join!(async { client.stop().await.unwrap() }, async { relay.stop().await.unwrap() }, async {
        one.stop().await.unwrap()
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_followed_remembered_and_never_to_a_stranger() {
    let (mut c, mut a, mut s) = (node("client.example", 41), node("agent.example", 42), node("server.far", 43));
    join(&mut c, &mut a);
    join(&mut c, &mut s);
    s.local.realm = "far".to_owned();
    c.routes = ["far", "strange", "round"].map(|realm| route(realm, &["agent.example"])).to_vec();
    let row = |realm: &str, host: &str| RedirectRow {
        realm: realm.to_owned(),
        application: None,
        hosts: vec![format!("aaa://{host};transport=tcp").parse().unwrap()],
        usage: RedirectHostUsage::ALL_REALM,
        cache_time: 3600,
    };
    let rows = vec![row("far", "server.far"), row("strange", "stranger.far"), row("round", "agent.example")];
    let agent_name = Identity { host: "agent.example".to_owned(), realm: "example".to_owned() };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let observer: Observer = Arc::new(move |_, observation| {
        if let Observation::Sent { message, .. } = observation {
            log.lock().unwrap().push(code(message));
        }
    });
    let net = Net::new(Options::default());
    let agent = RedirectElement::new(&agent_name, rows);
    let agent = start(a, net, agent, None, Some(observer)).await.unwrap();
    let server = run(s, Server::new("server.far", Some(2001))).await;
    let client = run(c, Client::new("client.example")).await;
    client.ready(PATIENCE).await.unwrap();
    for _ in 0..3 {
        let answer = ask(&client, None, "far", &[]).await.unwrap();
        assert_eq!((code(&answer), find::<OriginHost>(body(&answer))), (2001, Some("server.far")));
    }
    assert_eq!(*seen.lock().unwrap(), [3006], "the agent was asked once, the second and third time nobody had to");
    for realm in ["strange", "round"] {
        let answer = ask(&client, None, realm, &[]).await.unwrap();
        assert_eq!((code(&answer), find::<OriginHost>(body(&answer))), (3006, Some("agent.example")), "{realm}");
    }
    tokio::join!(async { client.stop().await.unwrap() }, async { agent.stop().await.unwrap() }, async {
        server.stop().await.unwrap()
    });
}
