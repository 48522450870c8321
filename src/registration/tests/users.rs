//! How the app server knows its users, and that it knows them after a restart: AS-1, AS-2 and AS-5 over time.

use std::sync::Arc;
use std::time::Duration;

use super::super::ue::Device;
use super::network::{APPLICATION, GAMES, Network, PASSWORD, Place, Plan, REALM, ToyKey, user};
use super::requests::{Message1, MessageU1, Signed};
use crate::avp::Address;
use crate::avp::dictionary::{
    ExperimentalResultCode as Code, FailedAvp, ProofNonce, ProofTime, RefusalCause, ResultCode,
};
use crate::message::find;
use crate::registration::app_server::User;
use crate::registration::credential::{Credential, Proof, Secret, Signer as _};
use crate::registration::element::Sender;
use crate::registration::identifiers::{FunctionAddress, Pduid};
use crate::registration::reply::{Outcome, body};
use crate::registration::ue::Phase;
use crate::store::{UserReader as _, memory::Fault};

const KEY: [u8; 32] = *b"alice's own key, thirty-two long";

/// Alice proves herself by a key, and passwords are not taken in the clear.
fn with_key(plan: &mut Plan) {
    plan.ue.devices[0].credential = Credential::Key(Arc::new(ToyKey(KEY)));
    plan.app_server.users = vec![User::with_key("alice", ToyKey(KEY).public())];
    plan.app_server.lab = false;
}

fn id2(network: &Network) -> String {
    match network.ue.phase(0) {
        Some(Phase::Registered { id2 }) => id2.to_string(),
        other => panic!("{other:?}, {:?}", network.ue.refused(0)),
    }
}

/// The signed proof of alice's message 1, as the UE makes it.
fn signed(network: &Network, id3: Option<&FunctionAddress>, time: u64, nonce: u8) -> Signed {
    let nonce = [nonce; 16];
    let id1 = network.id1();
    let proof = Proof { user: "alice", id1, id3, application: APPLICATION, realm: REALM, time, nonce };
    Signed { time: Some(time), nonce: Some(nonce), signature: ToyKey(KEY).sign(&proof.octets()) }
}

fn milliseconds(network: &Network) -> u64 {
    network.now().unix.as_millis() as u64
}

fn words(answer: &[u8]) -> &str {
    find::<crate::avp::dictionary::ErrorMessage>(body(answer)).unwrap_or_default()
}

#[test]
fn as_1_a_user_is_proved_by_a_key_and_every_attempt_makes_another_proof() {
    let mut network = Network::with(with_key);
    network.register();
    let first = id2(&network);
    network.pass(Duration::from_secs(600));
    network.register();
    assert_eq!(id2(&network), first);
    assert_eq!(network.count("XAR"), 2);
    // Another key: no ID2, no message 2.
    let mut network = Network::with(|plan| {
        with_key(plan);
        plan.ue.devices[0].credential = Credential::Key(Arc::new(ToyKey([7; 32])));
    });
    network.register();
    assert_eq!(network.ue.refused(0).unwrap().cause, Some(RefusalCause::BAD_CREDENTIAL));
    assert_eq!((network.count("XAR"), network.counts()), (0, (0, 0)));
}

#[test]
fn as_1_a_key_that_was_never_read_proves_nothing() {
    let mut network = Network::with(|plan| plan.ue.devices[0].credential = Credential::KeyFile("x.pem".into()));
    network.register();
    assert!(network.ue.refused(0).unwrap().text.contains("key has not been read"));
    assert!(network.ue.is_idle(0));
    assert_eq!(network.count("URR"), 0);
}

#[test]
fn as_1_a_proof_is_good_once_for_what_it_was_made_for_and_for_a_while() {
    let mut network = Network::with(with_key);
    network.pass(Duration::from_secs(100));
    network.allocate();
    let (host, id1) = (Place::Function.host(), network.id1().to_octets());
    let id3: FunctionAddress = host.parse().unwrap();
    let message =
        Message1 { id1: &id1, name: Some(host.as_bytes()), address: None, application: APPLICATION, password: "" };
    let now = milliseconds(&network);
    let good = signed(&network, Some(&id3), now, 1);
    let ask = |network: &mut Network, message: Message1<'_>, signed: Signed| {
        let answer = network.ask(&Place::Ue.sender(), Place::AppServer, &message.signed(&signed));
        (Outcome::of(&answer).unwrap(), words(&answer).to_owned())
    };
    let refused = Outcome::Result(ResultCode::DIAMETER_AUTHENTICATION_REJECTED);

    // For another UE, another function, another time or nonce: the signature is not of that.
    let other = Pduid::from(u64::from(network.id1()) ^ 1).to_octets();
    let v4 = Address::V4("192.0.2.1".parse().unwrap());
    for (message, signed) in [
        (Message1 { id1: &other, ..message }, good),
        (Message1 { name: None, ..message }, good),
        (Message1 { name: None, address: Some(v4), ..message }, good),
        (message, Signed { time: Some(now + 1), ..good }),
        (message, Signed { nonce: Some([2; 16]), ..good }),
        (message, Signed { signature: [0; 64], ..good }),
    ] {
        assert_eq!(ask(&mut network, message, signed), (refused, "user and credential do not belong together".into()));
    }
    // Stale, in either direction.
    for (off, direction) in [(now - 61_000, "61 s ago"), (now + 61_000, "61 s in the future")] {
        let stale = signed(&network, Some(&id3), off, 3);
        let (outcome, words) = ask(&mut network, message, stale);
        assert!(outcome == refused && words.contains(direction), "{words}");
    }
    assert_eq!(network.count("XAR"), 0);
    // The good one, and then again.
    assert_eq!(ask(&mut network, message, good).0, Outcome::SUCCESS);
    let (outcome, words) = ask(&mut network, message, good);
    assert!(outcome == refused && words.contains("used before"), "{words}");
    assert_eq!(network.count("XAR"), 1);
    // Up to the end of its window nobody can use it again, and nobody after.
    for _ in 0..4 {
        network.pass(Duration::from_secs(30));
        assert_eq!(ask(&mut network, message, good).0, refused);
    }
}

#[test]
fn as_1_two_copies_of_a_proof_at_once_count_once() {
    let mut network = Network::with(with_key);
    network.allocate();
    let id1 = network.id1().to_octets();
    let message = Message1 { id1: &id1, name: None, address: None, application: APPLICATION, password: "" };
    let octets = message.signed(&signed(&network, None, milliseconds(&network), 1));
    network.hold_proofs = true;
    let tickets = [0; 2].map(|_| network.ask_later(&Place::Ue.sender(), Place::AppServer, &octets));
    network.judge();
    let outcomes = tickets.map(|ticket| Outcome::of(&network.answer(ticket)).unwrap());
    assert_eq!(outcomes, [Outcome::SUCCESS, Outcome::Result(ResultCode::DIAMETER_AUTHENTICATION_REJECTED)]);
}

#[test]
fn as_1_a_proof_from_before_a_restart_is_refused_since_it_may_have_been_used() {
    let mut network = Network::with(with_key);
    network.allocate();
    let id1 = network.id1().to_octets();
    let message = Message1 { id1: &id1, name: None, address: None, application: APPLICATION, password: "" };
    let octets = message.signed(&signed(&network, None, milliseconds(&network), 1));
    assert_eq!(Outcome::of(&network.ask(&Place::Ue.sender(), Place::AppServer, &octets)), Some(Outcome::SUCCESS));
    network.pass(Duration::from_secs(1));
    network.restart_app_server();
    let answer = network.ask(&Place::Ue.sender(), Place::AppServer, &octets);
    assert!(words(&answer).contains("before this server started"), "{}", words(&answer));
    network.register();
    id2(&network);
}

#[test]
fn as_1_a_proof_without_time_or_nonce_names_what_is_missing() {
    let mut network = Network::with(with_key);
    network.allocate();
    let id1 = network.id1().to_octets();
    let message = Message1 { id1: &id1, name: None, address: None, application: APPLICATION, password: "" };
    let good = signed(&network, None, milliseconds(&network), 1);
    for (signed, key) in
        [(Signed { time: None, ..good }, ProofTime::KEY), (Signed { nonce: None, ..good }, ProofNonce::KEY)]
    {
        let answer = network.ask(&Place::Ue.sender(), Place::AppServer, &message.signed(&signed));
        assert_eq!(Outcome::of(&answer), Some(Outcome::Result(ResultCode::DIAMETER_MISSING_AVP)));
        assert_eq!(find::<FailedAvp>(body(&answer)).unwrap().extra[0].key.0, key);
    }
}

#[test]
fn as_1_the_memory_of_proofs_is_bounded_and_a_full_one_says_so() {
    let mut network = Network::with(|plan| {
        with_key(plan);
        plan.app_server.most_proofs = 1;
    });
    network.register();
    network.register();
    assert_eq!(network.outcome("URA"), Outcome::TOO_BUSY);
    network.pass(Duration::from_secs(240));
    network.register();
    id2(&network);
}

#[test]
fn as_1_a_password_is_taken_over_a_protected_association_or_in_a_lab() {
    let mut network = Network::with(|plan| plan.app_server.lab = false);
    network.register();
    assert_eq!(network.outcome("URA"), Outcome::Result(ResultCode::DIAMETER_AUTHENTICATION_REJECTED));
    assert_eq!(network.ue.refused(0).unwrap().cause, Some(RefusalCause::CREDENTIAL_UNPROTECTED));
    assert_eq!(network.count("XAR"), 0);
    let id1 = network.id1().to_octets();
    let message = Message1 { id1: &id1, name: None, address: None, application: APPLICATION, password: PASSWORD };
    let protected = Sender { protected: true, ..Place::Ue.sender() };
    let answer = network.ask(&protected, Place::AppServer, &message.bytes());
    assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
    // Where nobody has a password none is taken at all.
    let mut network = Network::with(|plan| {
        with_key(plan);
        plan.ue.devices[0].credential = Credential::Password(Secret::new(PASSWORD));
        plan.app_server.lab = true;
    });
    network.register();
    assert!(network.ue.refused(0).unwrap().text.contains("not taken here"));
}

#[test]
fn as_1_while_passwords_are_judged_others_are_served_and_too_many_are_turned_away() {
    let mut network = Network::with(|plan| {
        plan.app_server.most_passwords = 1;
        plan.app_server.users.push(User::with_key("alice", ToyKey(KEY).public()));
    });
    network.allocate();
    let id1 = network.id1().to_octets();
    let message = Message1 { id1: &id1, name: None, address: None, application: APPLICATION, password: PASSWORD };
    network.hold_proofs = true;
    let waits = network.ask_later(&Place::Ue.sender(), Place::AppServer, &message.bytes());
    let answer = network.ask(&Place::Ue.sender(), Place::AppServer, &message.bytes());
    assert_eq!(Outcome::of(&answer), Some(Outcome::TOO_BUSY));
    network.judge();
    assert_eq!(Outcome::of(&network.answer(waits)), Some(Outcome::SUCCESS));
    network.hold_proofs = false;
    let proof = signed(&network, None, milliseconds(&network), 1);
    let answer = network.ask(&Place::Ue.sender(), Place::AppServer, &message.signed(&proof));
    assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
    assert_eq!(network.app_server.under_way(), 0);
}

#[test]
fn as_1_where_nobody_can_tell_message_4_says_no_and_not_why() {
    let mut network = Network::with(|plan| plan.app_server.users = vec![user("alice", "damaged")]);
    network.register();
    assert_eq!(network.outcome("URA"), Outcome::UNABLE_TO_COMPLY);
    assert_eq!((network.count("XAR"), network.app_server.under_way()), (0, 0));
}

#[test]
fn as_2_as_4_message_4_waits_for_the_disk_and_a_disk_that_refuses_keeps_no_id2() {
    let mut network = Network::new();
    network.allocate();
    network.users.0.borrow_mut().inject(1, Fault::Refused);
    network.register();
    assert_eq!(network.outcome("XAA"), Outcome::SUCCESS);
    assert_eq!(network.outcome("URA"), Outcome::UNABLE_TO_COMPLY);
    assert_eq!(network.counts(), (0, 0));
    // The disk is well again: the user registers, and the function takes the new ID2 for the old.
    network.register();
    assert_eq!(network.counts(), (0, 1));
    let context = network.context().unwrap();
    assert_eq!(context.binding(APPLICATION).unwrap().id2.as_str(), id2(&network));
}

#[test]
fn as_2_as_5_after_a_restart_id2s_hold_and_tentative_ones_do_not() {
    let mut network = Network::new();
    network.register();
    let bound = id2(&network);
    network.restart_app_server();
    // An idempotent repeat, from the store alone.
    network.register();
    assert_eq!((id2(&network), network.counts()), (bound.clone(), (0, 1)));
    // U1 after another restart.
    network.restart_app_server();
    network.change_function();
    assert_eq!(network.outcome("PXA"), Outcome::SUCCESS);
    assert_eq!(network.bound(APPLICATION, &bound)[0].id1, network.id1());
    // Killed between message 3 and its write: nothing was promised, and nothing is left.
    let mut network = Network::new();
    network.allocate();
    network.hold_writes = true;
    network.register();
    network.write_of(Place::Function);
    assert_eq!((network.count("XAA"), network.count("URA"), network.counts()), (1, 0, (1, 0)));
    network.restart_app_server();
    assert_eq!(network.counts(), (0, 0));
}

#[test]
fn as_2_a_second_registration_while_the_first_is_written_shares_its_id2() {
    let mut network = Network::new();
    network.allocate();
    let id1 = network.id1().to_octets();
    let message = Message1 { id1: &id1, name: None, address: None, application: APPLICATION, password: PASSWORD };
    network.hold_writes = true;
    let tickets = [0; 2].map(|_| network.ask_later(&Place::Ue.sender(), Place::AppServer, &message.bytes()));
    network.write();
    network.settle();
    network.write();
    let outcomes = tickets.map(|ticket| Outcome::of(&network.answer(ticket)).unwrap());
    assert_eq!(outcomes, [Outcome::SUCCESS; 2]);
    assert_eq!((network.counts(), network.app_server.under_way()), ((0, 1), 0));
}

#[test]
fn f_5_another_user_on_the_same_ue_takes_the_place_of_the_first_at_the_app_server_too() {
    let mut network = Network::with(|plan| {
        plan.app_server.users.push(user("bob", "bob's own"));
        let device = plan.ue.devices[0].clone();
        let credential = Credential::Password(Secret::new("bob's own"));
        plan.ue.devices.push(Device { user: "bob".into(), credential, ..device });
    });
    network.register();
    let alice = id2(&network);
    let mut actions = Vec::new();
    let now = network.now();
    network.ue.register(now, 1, &mut actions);
    network.carry(Place::Ue, actions);
    network.settle();
    let Some(Phase::Registered { id2: bob }) = network.ue.phase(1).cloned() else { panic!("registered") };
    assert_ne!(alice, bob.as_str());
    assert_eq!((network.bound(APPLICATION, &alice).len(), network.bound(APPLICATION, bob.as_str()).len()), (0, 1));
    assert_eq!(network.context().unwrap().binding(APPLICATION).unwrap().id2, bob);
    assert!(network.reports.iter().any(|(place, report)| *place == Place::AppServer && report.step == "F-5"));
    // U1 for the one who was replaced is for nobody.
    let (old, new) = (Place::Function.host(), Place::Other.host());
    let (old_id1, id4) = (network.id1(), Pduid::from(7));
    let u1 = MessageU1 { origin: new.clone(), id2: &alice, id4, id5: &new, old_id1, old_id3: &old };
    let answer = network.ask(&Place::Other.sender(), Place::AppServer, &u1.bytes());
    assert_eq!(Outcome::of(&answer), Some(Outcome::tgpp(Code::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN)));
}

#[test]
fn as_2_one_ue_with_many_applications_has_an_id2_in_each() {
    let mut network = Network::with(|plan| {
        plan.app_server.applications.push(GAMES.to_owned());
        plan.function.app_servers[0].applications.push(GAMES.to_owned());
        plan.other.app_servers[0].applications.push(GAMES.to_owned());
    });
    network.register();
    let chat = id2(&network);
    let id1 = network.id1().to_octets();
    let message = Message1 { id1: &id1, name: None, address: None, application: GAMES, password: PASSWORD };
    let answer = network.ask(&Place::Ue.sender(), Place::AppServer, &message.bytes());
    let games = find::<crate::avp::dictionary::OriginAppLayerUserId>(body(&answer)).unwrap().to_owned();
    assert_ne!(chat, games);
    assert_eq!((network.bound(APPLICATION, &chat).len(), network.bound(GAMES, &games).len()), (1, 1));
    assert_eq!(network.context().unwrap().bindings.len(), 2);
    // A move brings both.
    network.change_function();
    for (application, id2) in [(APPLICATION, &chat), (GAMES, &games)] {
        assert_eq!(network.bound(application, id2)[0].id1, network.id1(), "{application}");
    }
}

#[test]
fn as_3_as_6_id3_and_id5_are_names_ipv4_and_ipv6() {
    for address in ["pf1.epc.mnc001.mcc001.3gppnetwork.org", "192.0.2.1", "2001:db8::1"] {
        for next in ["pf2.epc.mnc001.mcc001.3gppnetwork.org", "192.0.2.2", "2001:db8::2"] {
            let mut network = Network::with(|plan| {
                plan.function.address = Some(address.parse().unwrap());
                plan.other.address = Some(next.parse().unwrap());
                for known in [&mut plan.app_server.functions, &mut plan.mme.functions] {
                    known[0].addresses = ["192.0.2.1", "2001:db8::1"].map(|one| one.parse().unwrap()).to_vec();
                    known[1].addresses = ["192.0.2.2", "2001:db8::2"].map(|one| one.parse().unwrap()).to_vec();
                }
                plan.other.functions[0].addresses = plan.app_server.functions[0].addresses.clone();
                plan.function.functions[0].addresses = plan.app_server.functions[1].addresses.clone();
            });
            network.register();
            let user = id2(&network);
            network.change_function();
            assert_eq!(network.outcome("PXA"), Outcome::SUCCESS, "{address} to {next}");
            let bound = network.bound(APPLICATION, &user);
            assert_eq!((bound[0].id1, &*bound[0].function), (network.id1(), Place::Other.host().as_str()));
        }
    }
}

#[test]
fn as_3_without_id3_message_2_goes_to_the_realm_of_id1() {
    let mut network = Network::with(|plan| plan.ue.tell_id3 = false);
    network.register();
    id2(&network);
    let sent = &network.last("XAR").message;
    let realm = find::<crate::avp::dictionary::DestinationRealm>(body(sent));
    assert_eq!((find::<crate::avp::dictionary::DestinationHost>(body(sent)), realm), (None, Some(REALM)));
    assert_eq!(network.users.user_count(), Ok(1));
}

#[test]
fn as_5_u1_is_answered_once_its_change_is_durable() {
    let mut network = Network::new();
    network.register();
    let user = id2(&network);
    let (old, new) = (Place::Function.host(), Place::Other.host());
    let (old_id1, id4) = (network.id1(), Pduid::from(0x00f1_1012_3456_789a));
    let u1 = MessageU1 { origin: new.clone(), id2: &user, id4, id5: &new, old_id1, old_id3: &old }.bytes();
    network.users.0.borrow_mut().inject(1, Fault::Full);
    let answer = network.ask(&Place::Other.sender(), Place::AppServer, &u1);
    assert_eq!(Outcome::of(&answer), Some(Outcome::UNABLE_TO_COMPLY));
    assert_eq!(network.bound(APPLICATION, &user)[0].id1, old_id1);
    // Two at once: one is done, the other finds it done.
    network.hold_writes = true;
    let tickets = [0; 2].map(|_| network.ask_later(&Place::Other.sender(), Place::AppServer, &u1));
    network.write();
    assert_eq!(tickets.map(|ticket| Outcome::of(&network.answer(ticket)).unwrap()), [Outcome::SUCCESS; 2]);
    assert_eq!(network.bound(APPLICATION, &user)[0].id1, id4);
}
