//! Nodes with a small element on real sockets: who gets in, what comes back, how they part.

mod protection;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Mutex;

mod agents;
mod odd;

use super::*;
use crate::interfaces::s6a;
use crate::message::{Command, Envelope, find};
use crate::net::Options;
use crate::registration::element::{Destination, Event, NoAnswer, Token};

mod reload;

const PATIENCE: Duration = Duration::from_secs(20);

/// Asks for purges and answers them.
struct Purger {
    identity: String,
    next: u64,
    answered: HashMap<u64, Result<u32, NoAnswer>>,
    asked: u32,
}

impl Purger {
    fn new(identity: &str) -> Self {
        Self { identity: identity.to_owned(), next: 0, answered: HashMap::new(), asked: 0 }
    }

    fn purge(&mut self, host: &str, actions: &mut Vec<Action>) -> u64 {
        self.next += 1;
        let message = purge_request(&self.identity, self.next, Some(host), "example");
        let destination = Destination { host: Some(host.to_owned()), realm: "example".to_owned() };
        actions.push(Action::Send { token: Token(self.next), destination, message });
        self.next
    }
}

/// A PUR of a node in the realm example, its session by number.
fn purge_request(identity: &str, number: u64, host: Option<&str>, realm: &str) -> Vec<u8> {
    let request = s6a::PurgeUeRequest {
        session_id: &format!("{identity};{number}"),
        auth_session_state: 1,
        origin_host: identity,
        origin_realm: "example",
        destination_host: host,
        destination_realm: realm,
        user_name: "001010000000001",
        ..Default::default()
    };
    request.to_bytes(Envelope { application: s6a::APPLICATION, hop_by_hop: 0, end_to_end: 0 })
}

impl Element for Purger {
    fn applications(&self) -> &[u32] {
        &[s6a::APPLICATION]
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Request { ticket, header, message, .. } => {
                self.asked += 1;
                let answer = crate::peer::answers::refuse(&self.identity, "example", message, &header, 2001, "");
                actions.push(Action::Answer { ticket, message: answer });
            }
            Event::Answer { token, result } => {
                let result = result.map(|answer| {
                    let body = crate::avp::Avps::new(&answer[crate::message::HEADER_LENGTH..]);
                    find::<crate::avp::dictionary::ResultCode>(body).unwrap()
                });
                self.answered.insert(token.0, result);
            }
            Event::Undelivered { .. } | Event::Stored { .. } | Event::Authenticated { .. } | Event::Timer { .. } => {}
        }
    }
}

/// A UDP port that is free now on the address.
fn free_port(address: IpAddr) -> u16 {
    UdpSocket::bind((address, 0)).unwrap().local_addr().unwrap().port()
}

fn settings(identity: &str, address: IpAddr) -> Settings {
    Settings::new(Local { origin_state: 1, ..Local::new(identity, "example", vec![address]) })
}

fn peer(identity: &str, address: IpAddr, connect: bool) -> PeerSettings {
    let connect_to = connect.then(|| SocketAddr::new(address, 3868).into());
    let expected = Expected { identity: identity.to_owned(), realm: None, addresses: vec![address] };
    PeerSettings { expected, connect_to, udp_port: None, settings: peer::Settings::default() }
}

const A: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 1, 1));
const B: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 1, 2));

fn net(transport: Transport) -> Net {
    let options = Options { udp_port: free_port(A), ..Options::default() };
    assert!(matches!(transport, Transport::EmbeddedSctp | Transport::Tcp));
    Net::new(options)
}

fn pair(transport: Transport) -> [Settings; 2] {
    let mut a = settings("a.example", A);
    let mut b = settings("b.example", B);
    (a.transport, b.transport) = (transport, transport);
    a.peers = vec![peer("b.example", B, true)];
    b.peers = vec![peer("a.example", A, false)];
    b.listen = vec![SocketAddr::new(B, 3868).into()];
    [a, b]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_elements_talk_over_embedded_sctp_and_part_in_order() {
    let net = net(Transport::EmbeddedSctp);
    let [a, b] = pair(Transport::EmbeddedSctp);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let observer: Observer = Arc::new(move |who, observation| {
        if let Observation::Sent { to, header, .. } = observation {
            log.lock().unwrap().push(format!("{who} {} {to}", if header.is_request() { "asks" } else { "answers" }));
        }
    });
    let b = start(b, net.clone(), Purger::new("b.example"), None, Some(Arc::clone(&observer))).await.unwrap();
    let a = start(a, net, Purger::new("a.example"), None, Some(observer)).await.unwrap();
    a.ready(PATIENCE).await.unwrap();
    b.ready(PATIENCE).await.unwrap();
    let token = a.call(|purger, _, actions| purger.purge("b.example", actions)).await.unwrap();
    let result = a.follow(move |purger, _, _| purger.answered.get(&token).copied()).await.unwrap();
    assert_eq!(result, Ok(2001));
    // The peer that was asked may ask back over the same association.
    let token = b.call(|purger, _, actions| purger.purge("a.example", actions)).await.unwrap();
    let result = b.follow(move |purger, _, _| purger.answered.get(&token).copied()).await.unwrap();
    assert_eq!(result, Ok(2001));
    let (a, b) = tokio::join!(a.stop(), b.stop());
    assert_eq!((a.unwrap().asked, b.unwrap().asked), (1, 1));
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "a.example asks b.example",
            "b.example answers a.example",
            "b.example asks a.example",
            "a.example answers b.example"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_refused_with_what_to_change() {
    let net = net(Transport::EmbeddedSctp);
    let [mut a, b] = pair(Transport::EmbeddedSctp);
    a.local.identity = "mallory.example".to_owned();
    let b = start(b, net.clone(), Purger::new("b.example"), None, None).await.unwrap();
    let a = start(a, net, Purger::new("mallory.example"), None, None).await.unwrap();
    let mut views = a.views.clone();
    let trouble = views.wait_for(|views| views.iter().any(|view| view.trouble.is_some())).await.unwrap()[0].clone();
    let words = trouble.trouble.unwrap();
    assert!(words.contains("3010") && words.contains("identity = \"mallory.example\""), "{words}");
    assert!(!b.peers()[0].is_usable());
    let (a, b) = tokio::join!(a.stop(), b.stop());
    assert_eq!(a.unwrap().asked + b.unwrap().asked, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_way_the_element_is_told_at_once() {
    let net = net(Transport::EmbeddedSctp);
    let [a, _] = pair(Transport::EmbeddedSctp);
    let a = start(a, net, Purger::new("a.example"), None, None).await.unwrap();
    let token = a.call(|purger, _, actions| purger.purge("nobody.example", actions)).await.unwrap();
    let result = a.follow(move |purger, _, _| purger.answered.get(&token).copied()).await.unwrap();
    assert_eq!(result, Err(NoAnswer::Unreachable));
    a.stop().await.unwrap();
}

/// The nodes a.example, which connects, and b.example, when requests may go.
async fn purgers_over_tcp() -> [Handle<Purger>; 2] {
    let net = net(Transport::Tcp);
    let [mut a, mut b] = pair(Transport::Tcp);
    let port = std::net::TcpListener::bind((B, 0)).unwrap().local_addr().unwrap();
    b.listen = vec![port.into()];
    a.peers[0].connect_to = Some(port.into());
    let b = start(b, net.clone(), Purger::new("b.example"), None, None).await.unwrap();
    let a = start(a, net, Purger::new("a.example"), None, None).await.unwrap();
    a.ready(PATIENCE).await.unwrap();
    [a, b]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_over_tcp_are_each_answered_once() {
    let [a, b] = purgers_over_tcp().await;
    a.call(|purger, _, actions| (0..4000).map(|_| purger.purge("b.example", actions)).count()).await.unwrap();
    a.follow(|purger, _, _| (purger.answered.len() == 4000).then_some(())).await.unwrap();
    let (a, b) = tokio::join!(a.stop(), b.stop());
    assert!(a.unwrap().answered.values().all(|result| *result == Ok(2001)));
    assert_eq!(b.unwrap().asked, 4000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_requests_at_once_than_a_queue_holds_are_refused_and_end_no_connection() {
    let [a, b] = purgers_over_tcp().await;
    // All in one step of the node: nothing of it leaves before the last is handed over.
    a.call(|purger, _, actions| (0..20_000).map(|_| purger.purge("b.example", actions)).count()).await.unwrap();
    a.follow(|purger, _, _| (purger.answered.len() == 20_000).then_some(())).await.unwrap();
    let up = a.peers()[0].is_usable();
    let (a, b) = tokio::join!(a.stop(), b.stop());
    let (good, refused): (Vec<_>, Vec<_>) = a.unwrap().answered.into_values().partition(|result| *result == Ok(2001));
    assert!(refused.iter().all(|result| *result == Err(NoAnswer::Unreachable)), "{refused:?}");
    // Three quarters of the queue; none was sent twice.
    assert_eq!((good.len(), b.unwrap().asked, up), (12_288, 12_288, true));
}
