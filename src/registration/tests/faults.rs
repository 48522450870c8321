//! The last row of the failure table: what is wrong with a message, whoever gets it. RFC 6733 section 7.

use proptest::prelude::*;

use super::network::{Crossed, Network, PLACES, Place};
use super::requests::append;
use crate::avp::dictionary::{
    self, AuthSessionState, FailedAvp, ProxyInfo, ResultCode, SessionId, UserName, write_avp, write_raw,
};
use crate::avp::{AvpFlags, Key};
use crate::message::{CommandFlags, HEADER_LENGTH, Header, find};
use crate::registration::element::{Event, Ticket};
use crate::registration::reply::{Outcome, body};

/// One request of each kind, as it crossed in a registration and a move.
fn requests() -> (Network, Vec<Crossed>) {
    let mut network = Network::new();
    network.register();
    network.change_function();
    let mut actions = Vec::new();
    network.hss.change_permission(super::network::imsi(), Some(1), &mut actions);
    network.carry(Place::Hss, actions);
    let mut actions = Vec::new();
    network.other.locate(super::network::imsi(), &mut actions);
    network.carry(Place::Other, actions);
    network.settle();
    let mut seen = std::collections::HashSet::new();
    let requests = network
        .crossed
        .iter()
        .filter(|it| Header::parse(&it.message).unwrap().is_request() && seen.insert((it.name.clone(), it.to)))
        .cloned()
        .collect();
    (network, requests)
}

fn outcome(network: &mut Network, request: &Crossed, message: &[u8]) -> (Outcome, Vec<u8>) {
    let answer = network.ask(&Place::Mme.sender(), request.to, message);
    (Outcome::of(&answer).unwrap(), answer)
}

fn failed(answer: &[u8]) -> Key {
    let failed = body(answer).map(Result::unwrap).find(|avp| avp.key.0 == FailedAvp::KEY).expect("a Failed-AVP");
    failed.members().next().unwrap().unwrap().key
}

#[test]
fn every_request_is_answered_for_each_fault_with_its_failed_avp() {
    let (mut network, requests) = requests();
    let kinds = requests.iter().map(|it| it.name.as_str()).collect::<std::collections::BTreeSet<_>>();
    let all = ["CRR", "CTR", "IAR", "MIR", "PIR", "PNR", "PSR", "PXR", "ULR", "UPR", "URR", "XAR"];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all);
    let origin = Key(dictionary::OriginHost::KEY);
    for request in &requests {
        // The MME may not send all of these; whoever judges the message judges its faults first, except where the
        // sender is turned away before the message is read.
        if ["MIR", "PIR", "PNR", "PSR"].contains(&request.name.as_str()) {
            continue;
        }
        let unknown = Key::new(99_999, 7);
        let mut message = request.message.clone();
        let mut avp = Vec::new();
        write_raw(unknown, AvpFlags(AvpFlags::VENDOR | AvpFlags::MANDATORY), b"what", &mut avp);
        append(&mut message, &avp);
        let (result, answer) = outcome(&mut network, request, &message);
        assert_eq!(result, Outcome::Result(ResultCode::DIAMETER_AVP_UNSUPPORTED), "{}", request.name);
        assert_eq!(failed(&answer), unknown);

        let mut message = request.message.clone();
        let mut avp = Vec::new();
        write_avp::<dictionary::OriginHost>(&"again", &mut avp);
        append(&mut message, &avp);
        let (result, answer) = outcome(&mut network, request, &message);
        assert_eq!(result, Outcome::Result(ResultCode::DIAMETER_AVP_OCCURS_TOO_MANY_TIMES), "{}", request.name);
        assert_eq!(failed(&answer), origin);

        let (result, answer) = outcome(&mut network, request, &without(&request.message, origin));
        assert_eq!(result, Outcome::Result(ResultCode::DIAMETER_MISSING_AVP), "{}", request.name);
        assert_eq!(failed(&answer), origin);

        // A length that no Enumerated and no Unsigned32 has.
        let key = Key(AuthSessionState::KEY);
        let mut message = without(&request.message, key);
        let mut avp = Vec::new();
        write_raw(key, AvpFlags(AvpFlags::MANDATORY), b"12345", &mut avp);
        append(&mut message, &avp);
        let (result, answer) = outcome(&mut network, request, &message);
        assert_eq!(result, Outcome::Result(ResultCode::DIAMETER_INVALID_AVP_LENGTH), "{}", request.name);
        assert_eq!(failed(&answer), key);
    }
}

#[test]
fn an_imsi_that_is_none_is_a_bad_value() {
    let (mut network, requests) = requests();
    let key = Key(UserName::KEY);
    let mut judged = 0;
    for request in requests.iter().filter(|it| find::<UserName>(body(&it.message)).is_some() && it.name != "URR") {
        let mut message = without(&request.message, key);
        let mut avp = Vec::new();
        write_avp::<UserName>(&"alice", &mut avp);
        append(&mut message, &avp);
        let sender = match request.name.as_str() {
            "UPR" => Place::Hss.sender(),
            "PIR" | "PNR" | "PSR" => Place::Function.sender(),
            "CTR" => Place::Other.sender(),
            _ => Place::Mme.sender(),
        };
        let answer = network.ask(&sender, request.to, &message);
        assert_eq!(Outcome::of(&answer), Some(Outcome::Result(ResultCode::DIAMETER_INVALID_AVP_VALUE)));
        assert_eq!(failed(&answer), key, "{}", request.name);
        judged += 1;
    }
    assert!(judged >= 7, "{judged}");
}

#[test]
fn unknown_commands_and_applications_are_protocol_errors() {
    let (mut network, requests) = requests();
    for place in PLACES {
        let request = requests.iter().find(|it| it.to == place).or_else(|| requests.first()).unwrap().clone();
        let request = Crossed { to: place, ..request };
        let mut message = request.message.clone();
        message[5..8].copy_from_slice(&[0, 0x12, 0x34]);
        let (result, answer) = outcome(&mut network, &request, &message);
        let expected = [3001, 3007].map(Outcome::Result);
        assert!(expected.contains(&result), "{place:?}: {result}");
        assert!(answer[4] & CommandFlags::ERROR != 0);
        message[8..12].copy_from_slice(&4711u32.to_be_bytes());
        assert_eq!(outcome(&mut network, &request, &message).0, expected[1]);
    }
    // A command of a known application that goes the other way: PIR to a function.
    let request = requests.iter().find(|it| it.name == "PIR").unwrap();
    let request = Crossed { to: Place::Function, ..request.clone() };
    let (result, _) = outcome(&mut network, &request, &request.message);
    assert_eq!(result, Outcome::Result(ResultCode::DIAMETER_COMMAND_UNSUPPORTED));
}

#[test]
fn session_and_proxy_information_come_back_as_they_were() {
    let (mut network, requests) = requests();
    let request = requests.iter().find(|it| it.name == "IAR").unwrap();
    let mut message = request.message.clone();
    let mut avp = Vec::new();
    for state in [&b"one"[..], b"two"] {
        let group =
            dictionary::group::ProxyInfo { proxy_host: "relay.example.org", proxy_state: state, extra: Vec::new() };
        write_avp::<ProxyInfo>(&group, &mut avp);
    }
    append(&mut message, &avp);
    let (result, answer) = outcome(&mut network, request, &message);
    assert_eq!(result, Outcome::SUCCESS);
    assert_eq!(find::<SessionId>(body(&answer)), find::<SessionId>(body(&message)));
    let states: Vec<_> = body(&answer)
        .map(Result::unwrap)
        .filter(|it| it.key.0 == ProxyInfo::KEY)
        .map(|it| <ProxyInfo as dictionary::Declared>::read(it.data).unwrap().proxy_state.to_vec())
        .collect();
    assert_eq!(states, [b"one", b"two"]);
}

/// The message without the AVPs `key`.
fn without(message: &[u8], key: Key) -> Vec<u8> {
    let mut out = message[..HEADER_LENGTH].to_vec();
    for avp in body(message).map(Result::unwrap).filter(|avp| avp.key != key) {
        out.extend_from_slice(avp.whole);
    }
    append(&mut out, &[]);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Octets changed at random: every element answers at once or asks somebody else, and nobody panics.
    #[test]
    fn any_damage_to_any_request_is_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let (mut network, requests) = requests();
        for request in requests {
            let mut message = request.message.clone();
            for (at, octet) in &changes {
                let at = HEADER_LENGTH + at.index(message.len() - HEADER_LENGTH);
                message[at] = *octet;
            }
            for place in PLACES {
                let header = Header::parse(&message).unwrap();
                network.poke(place, Event::Request {
                    ticket: Ticket(u64::MAX),
                    sender: &Place::Mme.sender(),
                    header,
                    message: &message,
                });
            }
        }
    }

    /// Answers damaged at random, to whatever waits for them.
    #[test]
    fn any_damage_to_any_answer_is_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut network = Network::new();
        let changes = changes.clone();
        network.spoil = Some(Box::new(move |message: &mut Vec<u8>| {
            for (at, octet) in &changes {
                let at = HEADER_LENGTH + at.index(message.len() - HEADER_LENGTH);
                message[at] = *octet;
            }
        }));
        network.register();
        network.change_function();
        prop_assert!(network.ue.is_idle(0));
        prop_assert_eq!(network.app_server.tentative(), 0);
    }
}
