//! A UE between two functions: whatever is lost on the way, one of them owns it, and its registrations are there.

use std::time::Duration;

use super::network::{APPLICATION, Network, Place};
use super::requests::{append, message_g1, release};
use crate::avp::dictionary::{
    ExperimentalResultCode as Code, OldPduid, OldProseFunctionId, Pduid as PduidAvp, UserName, write_avp,
};
use crate::message::find;
use crate::registration::Function;
use crate::registration::reply::{Outcome, body};
use crate::store::{ContextReader, UeState};

/// A registered UE, and message 5 of its move as it reaches the other function.
fn registered() -> (Network, Vec<u8>) {
    let mut network = Network::new();
    network.register();
    let mut message = network.last("MIR").message.clone();
    let mut old = Vec::new();
    write_avp::<OldPduid>(&network.id1().to_octets().as_slice(), &mut old);
    write_avp::<OldProseFunctionId>(&Place::Function.host().as_bytes(), &mut old);
    append(&mut message, &old);
    (network, message)
}

fn states(network: &Network) -> [Option<UeState>; 2] {
    [network.context(), network.other_context()].map(|context| context.map(|context| context.state))
}

/// The user as the app server and the owner know them.
fn binding_follows(network: &Network, place: Place) {
    let context = if place == Place::Function { network.context() } else { network.other_context() }.unwrap();
    let binding = context.binding(APPLICATION).unwrap();
    assert!(!binding.update_pending);
    let bound = network.bound(APPLICATION, binding.id2.as_str());
    assert_eq!((bound.len(), bound[0].id1, &*bound[0].function), (1, context.id1.id1, &*place.host()));
}

#[test]
fn f_6_a_ue_that_never_heard_of_its_move_is_fetched_back_whole() {
    let (mut network, message) = registered();
    let id1 = network.id1();
    // Message 6 of the move is lost on its way to the UE, which stays where it was.
    let answer = network.ask(&Place::Mme.sender(), Place::Other, &message);
    assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
    assert!(matches!(states(&network), [Some(UeState::Moved { .. }), Some(UeState::Registered)]));
    network.allocate();
    assert!(matches!(states(&network), [Some(UeState::Registered), Some(UeState::Moved { .. })]));
    assert_ne!(network.id1(), id1, "the app server has been told of another since");
    network.pass(Duration::from_secs(5));
    binding_follows(&network, Place::Function);
}

#[test]
fn f_6_the_same_while_the_app_server_cannot_be_told() {
    let (mut network, message) = registered();
    network.down.insert(Place::AppServer);
    let answer = network.ask(&Place::Mme.sender(), Place::Other, &message);
    assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
    network.allocate();
    assert!(matches!(states(&network), [Some(UeState::Registered), Some(UeState::Moved { .. })]));
    // It knows the UE as it was before both moves.
    network.down.clear();
    network.pass(Duration::from_secs(100));
    binding_follows(&network, Place::Function);
}

#[test]
fn f_6_a_ue_is_not_given_to_two_functions_while_the_other_cannot_be_asked() {
    let (mut network, _) = registered();
    network.ask(&Place::Other.sender(), Place::Function, &message_g1(&Place::Other.host(), network.id1()));
    network.down.insert(Place::Other);
    network.allocate();
    // Nobody knows whether the other function has it.
    assert!(!network.outcome("IAA").is_success());
    assert!(matches!(states(&network), [Some(UeState::Moving { .. }), None]));
    network.down.clear();
    network.allocate();
    assert_eq!(network.outcome("IAA"), Outcome::SUCCESS);
    assert_eq!(states(&network), [Some(UeState::Registered), None]);
    binding_follows(&network, Place::Function);
}

#[test]
fn f_6_a_function_that_fetches_a_ue_does_not_hand_it_out() {
    let (mut network, message) = registered();
    // G1 is under way the one way, held up by the old function's disk. Now it comes the other way.
    network.hold_writes = true;
    let ticket = network.ask_later(&Place::Mme.sender(), Place::Other, &message);
    let mut back = message_g1(&Place::Function.host(), network.id1());
    let mut user = Vec::new();
    write_avp::<UserName>(&super::network::imsi().reveal().as_str(), &mut user);
    append(&mut back, &user);
    let answer = network.ask(&Place::Function.sender(), Place::Other, &back);
    assert_eq!(Outcome::of(&answer), Some(Outcome::TOO_BUSY));
    network.hold_writes = false;
    network.write();
    assert_eq!(Outcome::of(&network.answer(ticket)), Some(Outcome::SUCCESS));
    let answer = network.ask(&Place::Function.sender(), Place::Other, &back);
    assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS), "the fetching is over");
}

#[test]
fn f_6_a_release_that_comes_late_is_of_no_use() {
    let (mut network, message) = registered();
    let id1 = network.id1();
    network.ask(&Place::Mme.sender(), Place::Other, &message);
    network.allocate();
    // The UE is on its way once more when the release of its first move is repeated.
    let (other, id1_now) = (Place::Other, network.id1());
    network.ask(&other.sender(), Place::Function, &message_g1(&other.host(), id1_now));
    let answer = network.ask(&other.sender(), Place::Function, &release(&other.host(), id1));
    assert_eq!(Outcome::of(&answer), Some(Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN)));
    assert!(matches!(network.context().unwrap().state, UeState::Moving { .. }));
}

#[test]
fn f_6_a_function_that_restarts_goes_on_releasing() {
    let (mut network, _) = registered();
    network.hold_writes = true;
    network.change_function();
    network.write();
    network.settle();
    // The old function falls silent behind G2.
    network.silent.insert(Place::Function);
    network.hold_writes = false;
    network.write();
    network.settle();
    assert!(matches!(states(&network), [Some(UeState::Moving { .. }), Some(UeState::Registered)]));
    let plan = super::network::Plan::default();
    let (identity, store) = (Place::Other.identity(), network.other_store.clone());
    network.other = Function::new(identity, plan.other, store, [7; 16]).unwrap();
    network.silent.clear();
    network.start(Place::Other);
    network.settle();
    assert!(matches!(states(&network), [Some(UeState::Moved { .. }), Some(UeState::Registered)]));
    assert!(network.other_store.values("release/", None, 9).unwrap().is_empty(), "answered, and no mark is left");
}

#[test]
fn message_5_twice_at_two_functions_gives_one_id1() {
    let (mut network, message) = registered();
    let answer = network.ask(&Place::Mme.sender(), Place::Other, &message);
    let first = find::<PduidAvp>(body(&answer)).unwrap().to_vec();
    let answer = network.ask(&Place::Mme.sender(), Place::Other, &message);
    assert_eq!(find::<PduidAvp>(body(&answer)), Some(&first[..]));
}
