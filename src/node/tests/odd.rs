//! One odd message never drops a peer: each fault of RFC 6733 section 7 is answered with its Result-Code and Failed-AVP, and
//! the association goes on. What a peer would see, octet by octet, over TCP.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::avp::dictionary::{
    self, AuthSessionState, DestinationRealm, FailedAvp, OriginHost, OriginRealm, ResultCode, RouteRecord, SessionId,
    UserName, write_avp, write_raw,
};
use crate::avp::{AvpFlags, Avps, Key};
use crate::interfaces::base::DeviceWatchdogRequest;
use crate::interfaces::pc4::hss as pc4a;
use crate::message::declare::finish_message;
use crate::message::{CommandFlags, HEADER_LENGTH, find};
use crate::peer::capabilities;
use crate::registration::{Hss, HssConfig, Identity};

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 79, 1, 1));
const FUNCTION: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 79, 1, 2));

/// A function that has connected to an HSS of ours and says what it likes.
struct Function {
    stream: TcpStream,
    next: u32,
}

impl Function {
    async fn connect(to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(FUNCTION, 0)).unwrap();
        let mut function = Self { stream: socket.connect(to).await.unwrap(), next: 1 };
        let mut local = settings("function.example", FUNCTION).local;
        local.applications = vec![pc4a::APPLICATION];
        let cea = function.ask(&capabilities::cer(&local, 1, 1)).await;
        assert_eq!(find::<ResultCode>(body(&cea)), Some(2001));
        function
    }

    async fn ask(&mut self, message: &[u8]) -> Vec<u8> {
        self.stream.write_all(message).await.unwrap();
        let mut answer = vec![0; HEADER_LENGTH];
        self.stream.read_exact(&mut answer).await.unwrap();
        let length = Header::parse(&answer).unwrap().length as usize;
        answer.resize(length, 0);
        self.stream.read_exact(&mut answer[HEADER_LENGTH..]).await.unwrap();
        answer
    }

    /// The same connection still answers the watchdog, and nothing else comes before.
    async fn is_watched(&mut self) -> bool {
        self.next += 1;
        let request =
            DeviceWatchdogRequest { origin_host: "function.example", origin_realm: "example", ..Default::default() };
        let envelope = Envelope { application: 0, hop_by_hop: self.next, end_to_end: self.next };
        let answer = self.ask(&request.to_bytes(envelope)).await;
        let header = Header::parse(&answer).unwrap();
        (header.code, header.hop_by_hop, find::<ResultCode>(body(&answer))) == (280, self.next, Some(2001))
    }
}

fn body(message: &[u8]) -> Avps<'_> {
    Avps::new(&message[HEADER_LENGTH..])
}

/// PIR, with its AVPs changed.
fn request(end_to_end: u32, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    fn avp<A: dictionary::Declared>(value: &A::Value<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        write_avp::<A>(value, &mut out);
        out
    }
    let mut avps = vec![
        avp::<SessionId>(&"function.example;1;1"),
        avp::<AuthSessionState>(&1),
        avp::<OriginHost>(&"function.example"),
        avp::<OriginRealm>(&"example"),
        avp::<DestinationRealm>(&"example"),
        avp::<UserName>(&"001010000000001"),
    ];
    change(&mut avps);
    let header = Header {
        version: 1,
        length: 0,
        flags: CommandFlags(CommandFlags::REQUEST | CommandFlags::PROXIABLE),
        code: 8_388_664,
        application: pc4a::APPLICATION,
        hop_by_hop: 77,
        end_to_end,
    };
    let mut message = header.to_bytes().to_vec();
    avps.iter().for_each(|avp| message.extend_from_slice(avp));
    finish_message(0, &mut message);
    message
}

fn raw(key: Key, flags: u8, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_raw(key, AvpFlags(flags), data, &mut out);
    out
}

fn bent(mut message: Vec<u8>, at: usize, octets: &[u8]) -> Vec<u8> {
    message[at..at + octets.len()].copy_from_slice(octets);
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_odd_message_is_answered_and_the_watchdog_after_it() {
    let port = TcpListener::bind((HOST, 0)).await.unwrap().local_addr().unwrap();
    let mut hss = settings("hss.example", HOST);
    hss.transport = Transport::Tcp;
    hss.listen = vec![port.into()];
    hss.peers = vec![peer("function.example", FUNCTION, false)];
    let identity = Identity { host: "hss.example".to_owned(), realm: "example".to_owned() };
    let config: HssConfig = toml::from_str("").unwrap();
    let hss = start(hss, Net::new(Options::default()), Hss::new(identity, config, [1; 16]), None, None).await.unwrap();
    let mut function = Function::connect(port).await;
    assert!(function.is_watched().await);

    let user = Key(UserName::KEY);
    let unknown = Key::new(99_999, 7);
    let good = |end_to_end: u32| request(end_to_end, |_| ());
    let with = |end_to_end: u32, avp: Vec<u8>| request(end_to_end, |avps| avps.push(avp));
    let mandatory = AvpFlags::MANDATORY;
    // What is odd; the message; the Result-Code; which AVP is in Failed-AVP.
    let rows: Vec<(&str, Vec<u8>, u32, Option<Key>)> = vec![
        ("nothing, but the subscriber is unknown", good(1), 0, None),
        ("a command that nobody knows", bent(good(2), 5, &[0, 3, 0xe7]), 3001, None),
        ("a command of another application", bent(good(3), 5, &[0, 1, 60]), 3001, None),
        ("an application that nobody knows", bent(good(4), 8, &[0, 0, 0x12, 0x67]), 3007, None),
        ("the E bit in a request", bent(good(5), 4, &[0xe0]), 3008, None),
        ("no P bit in a proxiable command", bent(good(6), 4, &[0x80]), 3008, None),
        ("the request has been here", with(7, raw(Key(RouteRecord::KEY), mandatory, b"hss.example")), 3005, None),
        ("an unknown AVP with the M bit", with(8, raw(unknown, 0xc0, b"odd")), 5001, Some(unknown)),
        ("an unknown AVP without it", with(9, raw(unknown, 0x80, b"odd")), 0, None),
        ("reserved AVP bits, which a receiver ignores", with(10, raw(unknown, 0x9f, b"odd")), 0, None),
        (
            "a User-Name that is no UTF-8",
            request(11, |avps| avps[5] = raw(user, mandatory, &[0xff, 0xfe, 0xfd])),
            5004,
            Some(user),
        ),
        ("no User-Name", request(12, |avps| drop(avps.pop())), 5005, Some(user)),
        ("two User-Names", request(13, |avps| avps.push(avps[5].clone())), 5009, Some(user)),
        ("another version", bent(good(14), 0, &[2]), 5011, None),
        ("a reserved bit in the header", bent(good(15), 4, &[0xc1]), 5013, None),
        (
            "three octets of an Enumerated",
            request(16, |avps| avps[1] = raw(Key(AuthSessionState::KEY), mandatory, &[0; 3])),
            5014,
            Some(Key(AuthSessionState::KEY)),
        ),
        (
            "an AVP that is longer than the message",
            request(17, |avps| avps[5] = bent(avps[5].clone(), 5, &[1, 0, 0])),
            5014,
            Some(user),
        ),
        (
            "an AVP that is shorter than its header",
            request(18, |avps| avps[5] = bent(avps[5].clone(), 5, &[0, 0, 7])),
            5014,
            Some(user),
        ),
        (
            "another Origin-Host than the peer's",
            request(19, |avps| avps[2] = raw(Key(OriginHost::KEY), mandatory, b"mallory.example")),
            5012,
            None,
        ),
        (
            "a realm that is not ours",
            request(20, |avps| avps[4] = raw(Key(DestinationRealm::KEY), mandatory, b"elsewhere")),
            3003,
            None,
        ),
    ];
    for (what, message, code, failed) in rows {
        let answer = function.ask(&message).await;
        let (asked, header) = (Header::parse(&message).unwrap(), Header::parse(&answer).unwrap());
        let found = find::<ResultCode>(body(&answer));
        match code {
            0 => assert!(found.is_none(), "{what}: {found:?}, expected an Experimental-Result"),
            _ => assert_eq!(found, Some(code), "{what}"),
        }
        assert_eq!(header.flags.is_error(), code / 1000 == 3, "{what}: the E bit stands with protocol errors");
        assert!(!header.is_request() && !header.flags.is_retransmitted(), "{what}");
        assert_eq!(
            (header.code, header.application, header.hop_by_hop, header.end_to_end),
            (asked.code, asked.application, asked.hop_by_hop, asked.end_to_end),
            "{what}"
        );
        let found = body(&answer).map(Result::unwrap).find(|avp| avp.key.0 == FailedAvp::KEY);
        let found = found.map(|avp| avp.members().next().unwrap().unwrap().key);
        assert_eq!(found, failed, "{what}: Failed-AVP");
        assert!(function.is_watched().await, "{what}: the association goes on");
    }
    assert!(hss.peers()[0].is_usable());
    drop(function);
    hss.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_host_cannot_take_the_places_of_all() {
    let port = TcpListener::bind((HOST, 0)).await.unwrap().local_addr().unwrap();
    let mut hss = settings("hss.example", HOST);
    hss.transport = Transport::Tcp;
    hss.listen = vec![port.into()];
    hss.peers = vec![peer("function.example", FUNCTION, false)];
    hss.unidentified_limit = 5;
    hss.unidentified_host_limit = 3;
    let identity = Identity { host: "hss.example".to_owned(), realm: "example".to_owned() };
    let config: HssConfig = toml::from_str("").unwrap();
    let hss = start(hss, Net::new(Options::default()), Hss::new(identity, config, [1; 16]), None, None).await.unwrap();
    // Connections from one address, silent ones: the fourth and all after it are dropped, and are told so by their end.
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(port).await.unwrap());
    }
    for _ in 0..20 {
        // The end may come before the system has told us of the beginning.
        let Ok(mut dropped) = TcpStream::connect(port).await else { continue };
        let end = dropped.read(&mut [0; 1]).await;
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
    let mut function = Function::connect(port).await;
    assert!(function.is_watched().await, "another host comes in all the same");
    drop((silent, function));
    hss.stop().await.unwrap();
}
