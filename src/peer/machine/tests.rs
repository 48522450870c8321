//! Two peers and a link in memory, a clock that jumps: what each would see.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;
use crate::avp::dictionary::{DisconnectCause, OriginHost};
use crate::interfaces::{base, pc3, s6a};
use crate::message::{Command as _, CommandFlags, Envelope};

const SECOND: Duration = Duration::from_secs(1);
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) fn node(identity: &str, applications: &[u32]) -> Arc<Local> {
    Arc::new(Local {
        origin_state: 7,
        applications: applications.to_vec(),
        ..Local::new(identity, "example", vec![ADDRESS])
    })
}

pub(super) fn expected(identity: &str) -> Expected {
    Expected { identity: identity.to_owned(), realm: None, addresses: vec![ADDRESS] }
}

/// Two neighbours, `a.example` and `b.example`, and what is on its way between them.
struct World {
    now: Duration,
    nodes: [Arc<Local>; 2],
    peers: [Peer<u32>; 2],
    transit: VecDeque<(usize, Transit)>,
    /// Who opened a connection.
    opened: HashMap<u64, usize>,
    /// A link that loses everything.
    cut: bool,
    seen: [Vec<String>; 2],
    received: [Vec<(ConnectionId, Header, Bytes)>; 2],
    answers: Vec<u32>,
}

enum Transit {
    Opened(u64),
    Message(u64, Bytes),
    Closed(u64),
}

impl World {
    fn new(connect: [bool; 2]) -> Self {
        Self::with([node("a.example", &[s6a::APPLICATION]), node("b.example", &[s6a::APPLICATION])], connect)
    }

    fn with(nodes: [Arc<Local>; 2], connect: [bool; 2]) -> Self {
        let peer = |at: usize| {
            let settings = Settings { connect: connect[at], ..Settings::default() };
            let other = expected(&nodes[1 - at].identity);
            Peer::new(Arc::clone(&nodes[at]), other, settings, 1 + at as u64, Duration::ZERO)
        };
        Self {
            now: Duration::ZERO,
            peers: [peer(0), peer(1)],
            nodes,
            transit: VecDeque::new(),
            opened: HashMap::new(),
            cut: false,
            seen: [Vec::new(), Vec::new()],
            received: [Vec::new(), Vec::new()],
            answers: Vec::new(),
        }
    }

    /// Lets the time come that the next deadline names, and all that follows happen.
    fn jump(&mut self) {
        let next = self.peers[0].next_deadline().min(self.peers[1].next_deadline());
        self.now = self.now.max(next);
        for at in 0..2 {
            if self.peers[at].next_deadline() <= self.now {
                self.peers[at].handle_timeout(self.now);
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            for at in 0..2 {
                while let Some(output) = self.peers[at].poll_output() {
                    self.output(at, output);
                }
            }
            let Some((to, what)) = self.transit.pop_front() else { return };
            match what {
                Transit::Opened(id) => self.peers[to].handle_connected(self.now, ConnectionId(id)),
                Transit::Closed(id) => self.peers[to].handle_closed(self.now, ConnectionId(id), "the peer closed it"),
                Transit::Message(id, bytes) => self.message(to, id, bytes),
            }
        }
    }

    fn message(&mut self, to: usize, id: u64, bytes: Bytes) {
        let connection = ConnectionId(id);
        let header = Header::parse(&bytes).unwrap();
        let first = header.is_request() && header.code == CAPABILITIES_EXCHANGE && self.opened[&id] != to;
        if !first {
            self.peers[to].handle_message(self.now, connection, bytes);
            return;
        }
        let expected = self.peers[to].expected().clone();
        match capabilities::judge_cer(&self.nodes[to], ADDRESS, &bytes, &header, |identity| {
            (identity == expected.identity).then_some(&expected)
        }) {
            Ok(capabilities) => self.peers[to].handle_cer(self.now, connection, header, capabilities),
            Err(refusal) => {
                self.seen[to].push(format!("refuses {}", refusal.result_code));
                self.transit.push_back((1 - to, Transit::Message(id, refusal.answer.unwrap().into())));
                self.transit.push_back((1 - to, Transit::Closed(id)));
            }
        }
    }

    fn output(&mut self, at: usize, output: Output<u32>) {
        match output {
            Output::Connect => {
                let id = self.opened.len() as u64;
                self.opened.insert(id, at);
                if !self.cut {
                    self.transit.push_back((at, Transit::Opened(id)));
                }
            }
            Output::Send { connection, message, .. } if !self.cut => {
                self.transit.push_back((1 - at, Transit::Message(connection.0, message)));
            }
            Output::Close { connection } if !self.cut => {
                self.transit.push_back((1 - at, Transit::Closed(connection.0)));
            }
            Output::Request { connection, header, message } => {
                self.received[at].push((connection, header, message));
            }
            Output::Answer { token, .. } => self.answers.push(token),
            Output::NoAnswer { pending, why } => self.seen[at].push(format!("{why:?} of {}", pending.token)),
            Output::Up(capabilities) => self.seen[at].push(format!("up {}", capabilities.identity)),
            Output::Down(reason) => self.seen[at].push(format!("down: {reason}")),
            Output::Trouble(words) => self.seen[at].push(format!("trouble: {words}")),
            Output::Refused(refusal) => self.seen[at].push(format!("refused: {refusal}")),
            Output::Watchdog { to, .. } => self.seen[at].push(to.to_string()),
            Output::State { .. }
            | Output::Malformed(_)
            | Output::Note(_)
            | Output::Send { .. }
            | Output::Close { .. } => {}
        }
    }

    fn states(&self) -> [State; 2] {
        [self.peers[0].state(), self.peers[1].state()]
    }

    /// An answer with DIAMETER_SUCCESS from node `at` to the request it received last.
    fn answer_last(&mut self, at: usize) {
        let (connection, header, message) = self.received[at].pop().unwrap();
        let answer = answers::refuse(&self.nodes[at].identity, "example", &message, &header, 2001, "");
        self.transit.push_back((1 - at, Transit::Message(connection.0, answer.into())));
        self.settle();
    }

    /// What node 0 gets for a message that it sends as it is.
    fn provoke(&mut self, message: Vec<u8>) -> Option<(u32, Header)> {
        let connection = self.peers[0].connection().unwrap();
        self.peers[1].handle_message(self.now, connection, message.into());
        let mut result = None;
        while let Some(output) = self.peers[1].poll_output() {
            match output {
                Output::Send { message, .. } => {
                    let code = find::<ResultCode>(Avps::new(&message[HEADER_LENGTH..])).unwrap();
                    result = Some((code, Header::parse(&message).unwrap()));
                }
                other => self.output(1, other),
            }
        }
        result
    }
}

pub(super) fn request(from: &str, end_to_end: u32) -> Vec<u8> {
    let request = s6a::PurgeUeRequest {
        session_id: "a.example;1;2",
        auth_session_state: 1,
        origin_host: from,
        origin_realm: "example",
        destination_realm: "example",
        user_name: "001010000000001",
        ..Default::default()
    };
    request.to_bytes(Envelope { application: s6a::APPLICATION, hop_by_hop: 0, end_to_end })
}

#[test]
fn two_nodes_meet_talk_and_part() {
    let mut world = World::new([true, false]);
    world.jump();
    assert_eq!(world.states(), [State::IOpen, State::ROpen]);
    assert_eq!(world.seen[0], ["up b.example", "OKAY"]);

    world.peers[0].send_request(world.now, 42, request("a.example", 5)).unwrap();
    world.settle();
    assert_eq!(world.received[1].len(), 1);
    world.answer_last(1);
    assert_eq!((&world.answers[..], world.peers[0].pending()), (&[42][..], 0));

    world.peers[0].stop(world.now, DisconnectCause::REBOOTING);
    world.settle();
    assert_eq!(world.states(), [State::Closed, State::Closed]);
    assert_eq!(world.seen[1].last().unwrap(), "DOWN");
    assert!(world.seen[1].contains(&"down: the peer disconnects: REBOOTING".to_owned()));
}

#[test]
fn both_disconnect_at_once_and_neither_waits() {
    let mut world = World::new([true, false]);
    world.jump();
    for at in 0..2 {
        world.peers[at].stop(world.now, DisconnectCause::REBOOTING);
    }
    world.settle();
    assert_eq!(world.states(), [State::Closed, State::Closed]);
}

#[test]
fn an_idle_peer_is_asked_and_answers_for_ever() {
    let mut world = World::new([true, false]);
    for _ in 0..100 {
        world.jump();
    }
    assert_eq!(world.states(), [State::IOpen, State::ROpen]);
    assert!(world.now > 600 * SECOND);
    assert_eq!(world.seen[0], ["up b.example", "OKAY"]);
}

#[test]
fn both_connect_at_once_and_the_greater_name_keeps_the_connection_it_accepted() {
    let mut world = World::new([true, true]);
    world.jump();
    assert_eq!(world.states(), [State::IOpen, State::ROpen], "b wins the election and drops its own connection");
    for at in 0..2 {
        assert_eq!(world.seen[at].iter().filter(|what| what.starts_with("up")).count(), 1);
    }
    world.peers[1].send_request(world.now, 1, request("b.example", 5)).unwrap();
    world.settle();
    assert_eq!(world.received[0].len(), 1);
}

#[test]
fn a_silent_peer_becomes_suspect_then_down_and_comes_back_through_reopen() {
    let mut world = World::new([true, false]);
    world.jump();
    world.peers[0].send_request(world.now, 9, request("a.example", 5)).unwrap();
    world.cut = true;
    world.transit.clear();
    for _ in 0..20 {
        world.jump();
    }
    assert_eq!(
        world.seen[0][1..6],
        ["OKAY", "Timeout of 9", "SUSPECT", "DOWN", "down: the peer did not answer the watchdog"].map(str::to_owned)
    );

    world.cut = false;
    world.seen = [Vec::new(), Vec::new()];
    while world.peers[0].status() != Status::Okay {
        assert!(world.now < 1000 * SECOND);
        assert!(!world.peers[0].is_usable());
        world.jump();
    }
    assert!(world.seen[0].contains(&"REOPEN".to_owned()));
}

#[test]
fn a_request_that_waits_when_the_connection_is_lost_may_go_another_way() {
    let mut world = World::new([true, false]);
    world.jump();
    world.peers[0].send_request(world.now, 9, request("a.example", 5)).unwrap();
    let connection = world.peers[0].connection().unwrap();
    world.peers[0].handle_closed(world.now, connection, "reset");
    world.transit.clear();
    world.settle();
    assert!(world.seen[0].contains(&"Failover of 9".to_owned()));
    let (token, _) = world.peers[0].send_request(world.now, 10, request("a.example", 6)).unwrap_err();
    assert_eq!(token, 10);
}

#[test]
fn one_odd_message_never_drops_the_peer() {
    let mut world = World::new([true, false]);
    world.jump();
    let good = request("a.example", 5);
    let bend = |at: usize, octet: u8| {
        let mut message = good.clone();
        message[at] = octet;
        message
    };
    let other_application = |application: u32, code: u32| {
        let mut message = good.clone();
        message[8..12].copy_from_slice(&application.to_be_bytes());
        message[4..8].copy_from_slice(&((0xc0 << 24) | code).to_be_bytes());
        message
    };
    for (message, code, why) in [
        (bend(0, 2), 5011, "version 2"),
        (bend(4, 0xc1), 5013, "a reserved bit"),
        (bend(4, 0xe0), 3008, "R with E"),
        (bend(4, 0x80), 3008, "P is clear in a proxiable command"),
        (bend(3, good.len() as u8 - 4), 5015, "a length that lies"),
        (other_application(s6a::APPLICATION, 999), 3001, "unknown command"),
        (other_application(pc3::APPLICATION, 321), 3007, "an application we have not"),
        (other_application(4711, 321), 3007, "an application nobody has"),
        (other_application(0, 275), 3001, "STR between neighbours"),
        (request("mallory.example", 5), 5012, "an Origin-Host that is not the peer's"),
    ] {
        let (found, header) = world.provoke(message).unwrap();
        assert_eq!(found, code, "{why}");
        assert_eq!(header.flags.is_error(), code / 1000 == 3, "{why}");
        assert!(!header.is_request() && header.end_to_end == 5, "{why}");
        assert_eq!(world.states(), [State::IOpen, State::ROpen], "{why}");
    }
    let unasked = bend(4, 0x40);
    assert!(world.provoke(unasked).is_none(), "an answer that nobody asked for is discarded");
    assert!(world.provoke(vec![1, 0, 0, 8, 0, 0, 0, 0]).is_none());
    let cer = capabilities::cer(&world.nodes[0], 1, 5);
    assert_eq!(world.provoke(cer).unwrap().0, 5012);
    assert_eq!(world.states(), [State::IOpen, State::ROpen]);
    assert!(world.received[1].is_empty());
}

#[test]
fn a_watchdog_without_origin_realm_is_answered_with_what_is_missing() {
    let mut world = World::new([true, false]);
    world.jump();
    let mut message = Header {
        version: 1,
        length: 0,
        flags: CommandFlags(CommandFlags::REQUEST),
        code: DEVICE_WATCHDOG,
        application: 0,
        hop_by_hop: 1,
        end_to_end: 5,
    }
    .to_bytes()
    .to_vec();
    crate::avp::dictionary::write_avp::<OriginHost>(&"a.example", &mut message);
    crate::message::declare::finish_message(0, &mut message);
    assert_eq!(world.provoke(message).unwrap().0, 5005);
}

#[test]
fn a_refusal_says_both_sides_applications_and_what_to_change() {
    let nodes = [node("a.example", &[pc3::APPLICATION]), node("b.example", &[s6a::APPLICATION])];
    let mut world = World::with(nodes, [true, false]);
    world.jump();
    assert_eq!(world.states(), [State::Closed, State::Closed]);
    assert_eq!(world.seen[1], ["refuses 5010"]);
    let words = &world.seen[0][0];
    assert!(words.starts_with("refused: ") && words.ends_with("[5010]"), "{words}");
    for part in ["PC3 (4278190083)", "S6a (16777251)", "b.example refuses a.example"] {
        assert!(words.contains(part), "{words}");
    }
}

#[test]
fn peers_are_refused_unless_configured() {
    let local = node("b.example", &[s6a::APPLICATION]);
    let stranger = node("mallory.example", &[s6a::APPLICATION]);
    let cer = capabilities::cer(&stranger, 1, 2);
    let header = Header::parse(&cer).unwrap();
    let refusal = capabilities::judge_cer(&local, ADDRESS, &cer, &header, |_| None).unwrap_err();
    assert_eq!(refusal.result_code, 3010);
    assert!(refusal.words.contains("identity = \"mallory.example\""), "{refusal}");
    let answer = refusal.answer.unwrap();
    assert!(Header::parse(&answer).unwrap().flags.is_error());

    let friend = expected("mallory.example");
    let elsewhere: IpAddr = "192.0.2.7".parse().unwrap();
    let refusal = capabilities::judge_cer(&local, elsewhere, &cer, &header, |_| Some(&friend)).unwrap_err();
    assert_eq!(refusal.result_code, 3010);
    assert!(refusal.words.contains("192.0.2.7"), "{refusal}");

    let other_realm = Expected { realm: Some("elsewhere".into()), ..friend.clone() };
    let refusal = capabilities::judge_cer(&local, ADDRESS, &cer, &header, |_| Some(&other_realm)).unwrap_err();
    assert!(refusal.words.contains("elsewhere"), "{refusal}");

    assert!(capabilities::judge_cer(&local, ADDRESS, &cer, &header, |_| Some(&friend)).is_ok());
}

#[test]
fn a_peer_that_insists_on_tls_inside_the_connection_is_refused() {
    let local = node("b.example", &[s6a::APPLICATION]);
    let presented = node("a.example", &[s6a::APPLICATION]);
    let request = base::CapabilitiesExchangeRequest {
        origin_host: &presented.identity,
        origin_realm: "example",
        host_ip_address: vec![ADDRESS.into()],
        product_name: "x",
        inband_security_id: vec![1],
        auth_application_id: vec![base::APPLICATION_RELAY],
        ..Default::default()
    };
    let cer = request.to_bytes(Envelope { application: 0, hop_by_hop: 1, end_to_end: 1 });
    let header = Header::parse(&cer).unwrap();
    let friend = expected("a.example");
    let refusal = capabilities::judge_cer(&local, ADDRESS, &cer, &header, |_| Some(&friend)).unwrap_err();
    assert_eq!(refusal.result_code, 5017);
    let both = base::CapabilitiesExchangeRequest { inband_security_id: vec![0, 1], ..request };
    let cer = both.to_bytes(Envelope { application: 0, hop_by_hop: 1, end_to_end: 1 });
    let header = Header::parse(&cer).unwrap();
    let capabilities = capabilities::judge_cer(&local, ADDRESS, &cer, &header, |_| Some(&friend)).unwrap();
    assert!(capabilities.is_relay() && capabilities.serves(4711), "a relay has every application in common");
}

#[test]
fn a_second_connection_is_rejected_and_the_first_one_asked() {
    let mut world = World::new([true, false]);
    world.jump();
    let cer = capabilities::cer(&node("a.example", &[s6a::APPLICATION]), 1, 2);
    world.opened.insert(99, 0);
    world.transit.push_back((1, Transit::Message(99, cer.into())));
    world.settle();
    assert_eq!(world.states(), [State::IOpen, State::ROpen]);
    assert!(!world.peers[1].watchdog.is_pending());
}

#[test]
fn nobody_listens_and_the_next_attempt_comes_after_tc() {
    let mut world = World::new([true, false]);
    world.cut = true;
    world.jump();
    assert_eq!(world.peers[0].state(), State::WaitConnAck);
    world.peers[0].handle_connect_failed(world.now, "connection refused");
    world.settle();
    assert_eq!(world.peers[0].state(), State::Closed);
    let after = world.peers[0].next_deadline();
    assert!((26 * SECOND..34 * SECOND).contains(&after), "Tc, an eighth more or less: {after:?}");
}

#[test]
fn what_a_peer_says_in_dpr_decides_when_it_is_connected_to_again() {
    // Disconnect-Cause, how long until the next attempt without traffic, and with traffic.
    for (cause, alone, invited) in [
        (DisconnectCause::REBOOTING, 26..34, 26..34),
        (DisconnectCause::BUSY, 105..136, 105..136),
        (DisconnectCause::DO_NOT_WANT_TO_TALK_TO_YOU, 1000..u64::MAX, 26..150),
    ] {
        let attempt = |traffic: bool| {
            let mut world = World::new([true, false]);
            world.jump();
            world.peers[1].stop(world.now, cause);
            world.settle();
            assert_eq!(world.states(), [State::Closed, State::Closed]);
            if traffic {
                world.peers[0].invite(world.now);
            }
            let parted = world.now;
            while world.peers[0].state() == State::Closed && world.now < parted + 1000 * SECOND {
                world.jump();
            }
            (world.now - parted).as_secs()
        };
        assert!(alone.contains(&attempt(false)), "{cause} without traffic: {} s", attempt(false));
        assert!(invited.contains(&attempt(true)), "{cause} with traffic: {} s", attempt(true));
    }
}

proptest! {
    #[test]
    fn any_octets_are_answered_or_noted(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20)) {
        let mut world = World::new([true, false]);
        world.jump();
        for message in messages {
            let _ = world.provoke(message);
        }
        prop_assert!(world.states()[1].is_open());
    }

    #[test]
    fn a_good_message_with_one_octet_bent_never_ends_the_connection(at in 0_usize..120, octet in any::<u8>()) {
        let mut world = World::new([true, false]);
        world.jump();
        let mut message = request("a.example", 5);
        let at = at % message.len();
        message[at] = octet;
        let _ = world.provoke(message);
        // DPR and DPA are two of the messages that one octet can make of it; only DPR closes.
        prop_assert!(world.states()[1].is_open());
    }
}
