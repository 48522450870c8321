//! The app server's requirements and its rows of the failure table.

use super::network::{APPLICATION, Network, PASSWORD, Place};
use super::requests::{Message1, MessageU1};
use crate::avp::Address;
use crate::avp::dictionary::{
    ExperimentalResultCode as Code, FailedAvp, Pduid as PduidAvp, ProseAppId, ProseFunctionAddress, ProseFunctionId,
    RefusalCause, ResultCode,
};
use crate::interfaces::pc3;
use crate::message::{Command, find};
use crate::registration::credential::{Credential, Secret};
use crate::registration::element::Sender;
use crate::registration::identifiers::Pduid;
use crate::registration::reply::{Outcome, body};
use crate::registration::ue::Phase;

fn failed(answer: &[u8]) -> u64 {
    find::<FailedAvp>(body(answer)).unwrap().extra[0].key.0
}

fn registered() -> (Network, String) {
    let mut network = Network::new();
    network.register();
    let Some(Phase::Registered { id2 }) = network.ue.phase(0) else { panic!("registered") };
    let id2 = id2.to_string();
    (network, id2)
}

#[test]
fn as_1_a_bad_credential_is_refused_before_message_2_leaves() {
    let mut network = Network::with(|plan| plan.ue.devices[0].credential = Credential::Password(Secret::new("wrong")));
    network.register();
    let answer = pc3::UserRegistrationAnswer::decode(&network.last("URA").message).unwrap();
    assert_eq!(answer.result_code, Some(ResultCode::DIAMETER_AUTHENTICATION_REJECTED));
    assert_eq!(answer.refusal_cause, Some(RefusalCause::BAD_CREDENTIAL));
    assert_eq!((answer.origin_app_layer_user_id, network.count("XAR")), (None, 0));
    assert_eq!(network.counts(), (0, 0));
    assert_eq!(network.ue.phase(0), Some(&Phase::Attached));
}

#[test]
fn as_1_an_unknown_user_is_told_no_more_than_one_with_a_wrong_password() {
    let mut unknown = Network::with(|plan| plan.ue.devices[0].user = "mallory".into());
    let mut wrong = Network::with(|plan| plan.ue.devices[0].credential = Credential::Password(Secret::new("wrong")));
    unknown.register();
    wrong.register();
    assert_eq!(unknown.ue.refused(0), wrong.ue.refused(0));
}

#[test]
fn as_2_as_4_the_id2_is_tentative_until_message_3_and_message_4_comes_after_it() {
    let mut network = Network::new();
    network.allocate();
    network.hold_writes = true;
    network.register();
    assert_eq!(network.counts(), (1, 0));
    assert_eq!((network.count("XAR"), network.count("URA")), (1, 0));
    network.write_of(Place::Function);
    assert_eq!((network.count("XAA"), network.count("URA"), network.counts()), (1, 0, (1, 0)), "not written yet");
    network.write();
    network.settle();
    assert_eq!(network.counts(), (0, 1));
    let ladder = network.ladder();
    assert_eq!(ladder[ladder.len() - 2..], ["XAA", "URA"]);
}

#[test]
fn as_2_a_user_who_registers_again_keeps_the_id2() {
    let (mut network, id2) = registered();
    network.register();
    assert!(matches!(network.ue.phase(0), Some(Phase::Registered { id2: again }) if again.as_str() == id2));
    assert_eq!(network.bound(APPLICATION, &id2).len(), 1);
    assert!(network.reported("F-5"));
}

#[test]
fn as_2_one_user_with_two_ues_has_one_id2() {
    let second = "001010000000002";
    let mut network = Network::with(|plan| {
        let imsi = second.parse().unwrap();
        plan.ue.devices.push(super::super::ue::Device { imsi, ..plan.ue.devices[0].clone() });
        plan.hss.subscribers.push(super::super::hss::Subscriber { imsi, ..plan.hss.subscribers[0].clone() });
    });
    network.register();
    let mut actions = Vec::new();
    let now = network.now();
    network.ue.register(now, 1, &mut actions);
    network.carry(Place::Ue, actions);
    network.settle();
    assert_eq!(network.ue.phase(0), network.ue.phase(1));
    let Some(Phase::Registered { id2 }) = network.ue.phase(1) else { panic!("registered") };
    assert_eq!(network.bound(APPLICATION, id2.as_str()).len(), 2);
}

#[test]
fn as_3_an_id3_that_is_malformed_or_not_ours_is_refused_by_name_and_nothing_is_sent() {
    let mut network = Network::new();
    network.allocate();
    let id1 = network.id1().to_octets();
    let good = || Message1 { id1: &id1, name: None, address: None, application: APPLICATION, password: PASSWORD };
    let value = ResultCode::DIAMETER_INVALID_AVP_VALUE;
    let other = [0x99, 0xf9, 0x99, 1, 2, 3, 4, 5];
    let outside = Some(RefusalCause::FUNCTION_NOT_ALLOWED);
    let cases = [
        (Message1 { name: Some(b"not a name"), ..good() }, value, ProseFunctionId::KEY, None),
        (Message1 { name: Some(b"pf.\xff\xfe"), ..good() }, value, ProseFunctionId::KEY, None),
        (Message1 { name: Some(b"pf1.evil.example.org"), ..good() }, value, ProseFunctionId::KEY, outside),
        (Message1 { name: Some(b"evil3gppnetwork.org"), ..good() }, value, ProseFunctionId::KEY, outside),
        (
            Message1 { address: Some(Address::V4("198.51.100.7".parse().unwrap())), ..good() },
            value,
            ProseFunctionAddress::KEY,
            outside,
        ),
        (
            Message1 { address: Some(Address::V6("2001:db8::bad".parse().unwrap())), ..good() },
            value,
            ProseFunctionAddress::KEY,
            outside,
        ),
        (Message1 { address: Some(Address::Other(8, b"491511")), ..good() }, value, ProseFunctionAddress::KEY, None),
        (
            Message1 {
                name: Some(b"pf1.example.org"),
                address: Some(Address::V4("192.0.2.1".parse().unwrap())),
                ..good()
            },
            ResultCode::DIAMETER_AVP_NOT_ALLOWED,
            ProseFunctionAddress::KEY,
            None,
        ),
        (Message1 { id1: b"short", ..good() }, value, PduidAvp::KEY, None),
        // Without ID3: a network that this server knows nothing of, and octets that are no network.
        (Message1 { id1: &other, ..good() }, value, PduidAvp::KEY, outside),
        (Message1 { id1: &[0xff; 8], ..good() }, value, PduidAvp::KEY, outside),
        (Message1 { application: "mcc001.mnc01.ProSeApp.None", ..good() }, value, ProseAppId::KEY, None),
    ];
    for (message, code, key, cause) in cases {
        let answer = network.ask(&Place::Ue.sender(), Place::AppServer, &message.bytes());
        assert_eq!(Outcome::of(&answer), Some(Outcome::Result(code)), "{:?}", message.name);
        assert_eq!(failed(&answer), key);
        assert_eq!(find::<RefusalCause>(body(&answer)), cause);
    }
    assert_eq!((network.count("XAR"), network.app_server.tentative()), (0, 0));
    // A wrong password learns nothing of the realms that are allowed.
    let blind = Message1 { name: Some(b"pf1.evil.example.org"), password: "wrong", ..good() };
    let answer = network.ask(&Place::Ue.sender(), Place::AppServer, &blind.bytes());
    assert_eq!(find::<RefusalCause>(body(&answer)), Some(RefusalCause::BAD_CREDENTIAL));
}

#[test]
fn failures_app_server_on_1_when_the_function_is_unreachable_or_silent() {
    for down in [true, false] {
        let mut network = Network::new();
        network.allocate();
        if down {
            network.down.insert(Place::Function)
        } else {
            network.silent.insert(Place::Function)
        };
        network.register();
        let expected = if down { Outcome::UNABLE_TO_DELIVER } else { Outcome::UNABLE_TO_COMPLY };
        assert_eq!(network.outcome("URA"), expected);
        assert_eq!(network.ue.refused(0).unwrap().cause, Some(RefusalCause::FUNCTION_UNREACHABLE));
        assert_eq!(network.counts(), (0, 0));
    }
}

#[test]
fn failures_app_server_on_1_when_the_function_refuses_or_the_ue_moves() {
    let (mut network, id2) = registered();
    let id1 = network.id1();
    // Another UE's ID1 that the function never gave out.
    let unknown = Pduid::from(u64::from(id1) ^ 1).to_octets();
    let host = Place::Function.host();
    let message = |id1: &[u8]| {
        Message1 { id1, name: Some(host.as_bytes()), address: None, application: APPLICATION, password: PASSWORD }
            .bytes()
    };
    let answer = network.ask(&Place::Ue.sender(), Place::AppServer, &message(&unknown));
    assert_eq!(Outcome::of(&answer), Some(Outcome::tgpp(Code::DIAMETER_ERROR_APP_REGISTER_REJECT)));
    assert_eq!(find::<RefusalCause>(body(&answer)), Some(RefusalCause::FUNCTION_REFUSED));
    network.change_function();
    let answer = network.ask(&Place::Ue.sender(), Place::AppServer, &message(&id1.to_octets()));
    assert_eq!(Outcome::of(&answer), Some(Outcome::MOVING));
    assert_eq!(find::<RefusalCause>(body(&answer)), Some(RefusalCause::MOVING));
    assert_eq!(network.bound(APPLICATION, &id2).len(), 1);
}

#[test]
fn as_5_as_6_u1_is_taken_only_from_the_function_it_names_and_for_what_was_bound() {
    let (mut network, id2) = registered();
    let (old_id1, id4) = (network.id1(), Pduid::from(0x00f1_1012_3456_789a));
    let (old, new) = (Place::Function.host(), Place::Other.host());
    let good = || MessageU1 { origin: new.clone(), id2: &id2, id4, id5: &new, old_id1, old_id3: &old };
    let foreign = Sender { realm: "example.org".into(), ..Place::Other.sender() };
    let unknown = Outcome::tgpp(Code::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN);
    let pfid = Outcome::tgpp(Code::DIAMETER_ERROR_PFID_UNKNOWN);
    let reject = Outcome::tgpp(Code::DIAMETER_ERROR_APP_REGISTER_REJECT);
    let cases = [
        (Place::Other.sender(), MessageU1 { id2: "nobody", ..good() }, unknown),
        // ID5 names another than the peer, or the peer is not who it says.
        (Place::Other.sender(), MessageU1 { id5: &old, ..good() }, pfid),
        (Place::Other.sender(), MessageU1 { id5: "pf9.example.org", ..good() }, pfid),
        (Place::Mme.sender(), good(), pfid),
        (Place::Other.sender(), MessageU1 { origin: old.clone(), ..good() }, pfid),
        // The old ID1 and ID3 are not those of this user.
        (Place::Other.sender(), MessageU1 { old_id1: id4, ..good() }, reject),
        (Place::Other.sender(), MessageU1 { old_id3: &new, ..good() }, reject),
        (foreign, good(), Outcome::REJECTED),
    ];
    for (sender, message, outcome) in cases {
        let answer = network.ask(&sender, Place::AppServer, &message.bytes());
        assert_eq!(Outcome::of(&answer), Some(outcome));
        assert_eq!(network.bound(APPLICATION, &id2)[0].id1, old_id1);
    }
    // The good one, twice: U2 was lost and the function asked again.
    for _ in 0..2 {
        let answer = network.ask(&Place::Other.sender(), Place::AppServer, &good().bytes());
        assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
    }
    let bound = network.bound(APPLICATION, &id2);
    assert_eq!((bound.len(), bound[0].id1, &*bound[0].function), (1, id4, new.as_str()));
}

#[test]
fn the_release_12_application_of_pc2_works_too() {
    let first = crate::interfaces::pc2::APPLICATION_FIRST;
    let mut network = Network::with(|plan| {
        plan.app_server.pc2_application = first;
        plan.other.pc2_application = first;
    });
    // XAR came with the second allocation, so its grammar is judged by that one alone; the answer keeps the request's.
    network.register();
    assert_eq!(network.outcome("XAA"), Outcome::SUCCESS);
    network.change_function();
    assert_eq!(network.outcome("PXA"), Outcome::SUCCESS);
}

#[test]
fn users_are_bounded() {
    let mut network = Network::with(|plan| plan.app_server.most_users = 0);
    network.register();
    assert_eq!(network.outcome("URA"), Outcome::Result(ResultCode::DIAMETER_RESOURCES_EXCEEDED));
    assert_eq!(network.count("XAR"), 0);
}
