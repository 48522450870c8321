//! How a UE ends: by itself, by the operator, by time; and what its app servers hear. Requirements F-1 and F-5.

use std::time::Duration;

use super::network::{APPLICATION, GAMES, IMSI, Network, Place, imsi};
use super::requests::Message2;
use crate::avp::dictionary::{ContextMove, ExperimentalResultCode as Code, Pduid as PduidAvp};
use crate::message::find;
use crate::registration::element::{Inquiry, NoReply};
use crate::registration::reply::{Outcome, body};
use crate::store::memory::Fault;
use crate::store::{ContextReader, UeState};

const REJECT: Outcome = Outcome::tgpp(Code::DIAMETER_ERROR_APP_REGISTER_REJECT);

fn registered() -> Network {
    let mut network = Network::new();
    network.register();
    network.ladder();
    network
}

/// As [`registered`], and with a second application, whose app server never heard of the user.
fn registered_twice() -> Network {
    let mut network = registered();
    let mut games = Message2::new(network.id1(), "alice in games");
    (games.from, games.application) = (Place::SecondAppServer, Some(GAMES.to_owned()));
    let answer = network.ask(&games.from.sender(), Place::Function, &games.bytes());
    assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
    network.ladder();
    network
}

fn leave(network: &mut Network) {
    let mut actions = Vec::new();
    network.ue.deregister(0, &mut actions);
    network.carry(Place::Ue, actions);
    network.settle();
}

fn bind_again(network: &mut Network, id1: crate::registration::identifiers::Pduid) -> Outcome {
    let answer = network.ask(&Place::AppServer.sender(), Place::Function, &Message2::new(id1, "late").bytes());
    Outcome::of(&answer).unwrap()
}

fn untold(network: &Network) -> usize {
    network.store.values("farewell/", None, 10).unwrap().len()
}

#[test]
fn f_1_a_ue_gives_its_id1_back_and_all_hear_of_it() {
    let mut network = registered();
    let id1 = network.id1();
    let id2 = network.context().unwrap().bindings[0].id2.as_str().to_owned();
    assert_eq!(network.bound(APPLICATION, &id2).len(), 1);
    leave(&mut network);
    assert_eq!(network.context(), None);
    assert_eq!((network.count("PNR"), network.count("PXR"), network.count("PIR")), (1, 1, 0));
    let farewell = network.last("PXR").message.clone();
    assert_eq!(find::<ContextMove>(body(&farewell)), Some(ContextMove::DEREGISTERED));
    assert_eq!(find::<PduidAvp>(body(&farewell)), Some(&id1.to_octets()[..]));
    assert_eq!((network.ue.attachment(0), untold(&network)), (None, 0));
    assert_eq!(network.outcome("PXA"), Outcome::SUCCESS);
    assert_eq!(network.bound(APPLICATION, &id2), [], "the user has that UE no more");
    assert_eq!(bind_again(&mut network, id1), REJECT);
    // The same message 5 once more, as if message 6 had been lost.
    let message = network.crossed.iter().find(|it| it.name == "MIR").unwrap().message.clone();
    network.ladder();
    let answer = network.ask(&Place::Mme.sender(), Place::Function, &message);
    assert_eq!((Outcome::of(&answer), network.count("PXR")), (Some(Outcome::SUCCESS), 0));
    network.allocate();
    assert_ne!(network.id1(), id1, "an ID1 never comes again");
}

#[test]
fn f_1_the_operator_revokes_an_id1_and_the_ue_gets_another() {
    let mut network = registered();
    let id1 = network.id1();
    let answer = network.operate(&Inquiry::Revoke { ue: id1.to_string() }).unwrap();
    assert_eq!(answer["farewells"], 1);
    assert_eq!(bind_again(&mut network, id1), REJECT);
    assert_eq!((network.count("PXR"), network.count("PNR")), (1, 0), "the HSS still has a UE to serve");
    network.allocate();
    assert_ne!(network.id1(), id1);
    assert_eq!(network.operate(&Inquiry::Revoke { ue: id1.to_string() }), Err(NoReply::Unknown));
}

#[test]
fn f_1_the_operator_deregisters_a_ue_with_many_applications() {
    let mut network = registered_twice();
    network.operate(&Inquiry::Deregister { ue: IMSI.to_owned() }).unwrap();
    assert_eq!(network.context(), None);
    assert_eq!((network.count("PXR"), network.count("PNR"), untold(&network)), (2, 1, 0));
    assert_eq!(network.operate(&Inquiry::Deregister { ue: IMSI.to_owned() }), Err(NoReply::Unknown));
    assert_eq!(network.operate(&Inquiry::Deregister { ue: "alice".to_owned() }), Err(NoReply::NoUe));
}

#[test]
fn f_1_an_id1_that_is_never_renewed_ends_at_the_app_servers_too() {
    let mut network = registered_twice();
    network.pass(Duration::from_secs(3600 + 60));
    assert_eq!((network.count("PXR"), network.context().is_some()), (0, true), "there is time to renew it");
    network.pass(Duration::from_secs(7200));
    assert_eq!((network.count("PXR"), network.count("PNR")), (2, 1));
    assert_eq!((network.context(), untold(&network)), (None, 0));
}

#[test]
fn f_1_a_removal_by_the_hss_reaches_the_app_servers() {
    let mut network = registered();
    let mut actions = Vec::new();
    network.hss.change_permission(imsi(), None, &mut actions);
    network.carry(Place::Hss, actions);
    network.settle();
    assert_eq!((network.count("PXR"), network.count("PNR"), network.context()), (1, 0, None));
}

#[test]
fn f_1_a_farewell_waits_for_an_app_server_that_is_down_and_outlives_a_restart() {
    let mut network = registered_twice();
    network.down.insert(Place::AppServer);
    network.operate(&Inquiry::Deregister { ue: IMSI.to_owned() }).unwrap();
    assert_eq!((network.count("PXR"), untold(&network)), (1, 1), "the other one is told");
    network.pass(Duration::from_secs(2));
    let moves = network.function.moves(network.now(), None, 10).unwrap();
    let farewell = &moves.moves[0];
    assert_eq!((farewell.kind, farewell.app_servers[0].state), ("farewell", "waiting"));
    assert!(farewell.app_servers[0].last_cause.is_some() && farewell.app_servers[0].attempts == 2);
    assert!(!serde_json::to_string(&farewell).unwrap().contains(IMSI));
    network.restart(Place::Function);
    assert_eq!(untold(&network), 1);
    network.down.clear();
    network.pass(Duration::from_secs(2));
    assert_eq!((network.count("PXR"), untold(&network)), (2, 0));
    assert_eq!(network.function.moves(network.now(), None, 10).unwrap().moves, []);
}

#[test]
fn f_1_a_farewell_that_nobody_wants_any_more_is_not_said() {
    let mut network = Network::with(|plan| plan.function.app_servers[1].applications.push(APPLICATION.to_owned()));
    network.register();
    network.ladder();
    // A user of another app server takes the place of alice, and alice takes it back, while neither can be reached.
    network.down.extend([Place::AppServer, Place::SecondAppServer]);
    let alice = network.context().unwrap().bindings[0].id2.clone();
    for (from, user) in [(Place::SecondAppServer, "bob"), (Place::AppServer, alice.as_str())] {
        let message = Message2 { from, ..Message2::new(network.id1(), user) }.bytes();
        let answer = network.ask(&from.sender(), Place::Function, &message);
        assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
    }
    network.down.clear();
    network.pass(Duration::from_secs(10));
    assert_eq!(network.count("PXR"), 1, "bob's alone");
    assert_eq!(untold(&network), 0);
}

#[test]
fn f_5_the_user_who_is_replaced_is_reported_and_another_app_server_hears_of_it() {
    let mut network = Network::with(|plan| plan.function.app_servers[1].applications.push(APPLICATION.to_owned()));
    network.register();
    let first = network.context().unwrap().bindings[0].id2.clone();
    network.ladder();
    let mut message = Message2::new(network.id1(), "bob");
    let mut bind = |network: &mut Network, from: Place| {
        message.from = from;
        Outcome::of(&network.ask(&from.sender(), Place::Function, &message.bytes()))
    };
    assert_eq!(bind(&mut network, Place::SecondAppServer), Some(Outcome::SUCCESS));
    assert!(network.reported("F-5"));
    assert_eq!((network.count("PXR"), network.bound(APPLICATION, first.as_str()).len()), (1, 0));
    assert_eq!(bind(&mut network, Place::SecondAppServer), Some(Outcome::SUCCESS));
    assert_eq!(network.count("PXR"), 1, "a repeat");
    let message = Message2 { from: Place::SecondAppServer, ..Message2::new(network.id1(), "carol") }.bytes();
    let answer = network.ask(&Place::SecondAppServer.sender(), Place::Function, &message);
    assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
    assert_eq!(network.count("PXR"), 1, "an app server that replaces its own user knows");
}

#[test]
fn f_1_a_disk_that_refuses_keeps_the_ue_and_no_farewell_leaves() {
    let mut network = registered();
    network.store.0.borrow_mut().inject(1, Fault::Refused);
    leave(&mut network);
    assert_eq!(network.outcome("IAA"), Outcome::UNABLE_TO_COMPLY);
    assert_eq!(network.context().unwrap().state, UeState::Registered);
    assert_eq!((network.count("PXR"), network.count("PNR")), (0, 0));
    leave(&mut network);
    assert_eq!((network.outcome("IAA"), network.context()), (Outcome::SUCCESS, None));
}

#[test]
fn an_operator_sees_ues_a_page_at_a_time_and_one_of_them_in_full() {
    let mut network = registered_twice();
    let page = network.function.ues(network.now(), None, 1).unwrap();
    assert_eq!((page.total, page.ues.len(), page.ues[0].bindings, page.ues[0].state), (1, 1, 2, "registered"));
    let next = page.next.unwrap();
    assert_eq!(network.function.ues(network.now(), Some(&next), 1).unwrap().ues, []);
    assert_eq!(network.function.ues(network.now(), Some("somewhere"), 1), Err(NoReply::NoPosition));
    let one = network.operate(&Inquiry::Ue { ue: IMSI.to_owned() }).unwrap();
    assert_eq!((&one["id1"], one["bindings"].as_array().unwrap().len()), (&network.id1().to_string().into(), 2));
    assert!(!one.to_string().contains(IMSI) && !one.to_string().contains("4915112345678"));
    let question: Inquiry = serde_json::from_str(r#"{"ask": "moves"}"#).unwrap();
    assert_eq!(network.operate(&question).unwrap()["moves"], serde_json::json!([]));
    assert_eq!(network.mme_operate(&question), Err(NoReply::NotHere));
}

#[test]
fn f_1_a_store_filled_under_another_key_is_not_gone_on_with() {
    let network = registered();
    let mut plan = super::network::Plan::default();
    plan.function.network_key = *b"sixteen others!!";
    let identity = Place::Function.identity();
    let wrong = super::super::Function::new(identity, plan.function, network.store.clone(), [7; 16]).unwrap_err();
    assert!(wrong.to_string().contains("network_key"), "{wrong}");
}

#[test]
fn as_5_a_farewell_is_taken_only_from_the_function_that_serves_the_ue() {
    let mut network = registered();
    let (id1, id2) = (network.id1(), network.context().unwrap().bindings[0].id2.as_str().to_owned());
    let ask = |network: &mut Network, from: Place, named: Place, id2: &str| {
        let message = super::requests::farewell(&from.host(), &named.host(), id2, id1);
        Outcome::of(&network.ask(&from.sender(), Place::AppServer, &message)).unwrap()
    };
    let pfid = Outcome::tgpp(Code::DIAMETER_ERROR_PFID_UNKNOWN);
    assert_eq!(ask(&mut network, Place::Other, Place::Other, &id2), pfid, "another function");
    assert_eq!(ask(&mut network, Place::Other, Place::Function, &id2), pfid, "in the name of another");
    let unknown = Outcome::tgpp(Code::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN);
    assert_eq!(ask(&mut network, Place::Function, Place::Function, "nobody"), unknown);
    assert_eq!(network.bound(APPLICATION, &id2).len(), 1);
    for _ in 0..2 {
        assert_eq!(ask(&mut network, Place::Function, Place::Function, &id2), Outcome::SUCCESS);
        assert_eq!(network.bound(APPLICATION, &id2), []);
    }
}

#[test]
fn f_1_a_user_who_replaces_a_ue_keeps_the_id2_on_the_new_one() {
    let mut network = Network::with(|plan| {
        let imsi = "001010000000002".parse().unwrap();
        plan.ue.devices.push(super::super::ue::Device { imsi, ..plan.ue.devices[0].clone() });
        plan.hss.subscribers.push(super::super::hss::Subscriber { imsi, ..plan.hss.subscribers[0].clone() });
    });
    network.register();
    let id2 = network.context().unwrap().bindings[0].id2.as_str().to_owned();
    let (now, mut actions) = (network.now(), Vec::new());
    network.ue.register(now, 1, &mut actions);
    network.carry(Place::Ue, actions);
    network.settle();
    assert_eq!(network.bound(APPLICATION, &id2).len(), 2);
    leave(&mut network);
    let bound = network.bound(APPLICATION, &id2);
    assert_eq!((bound.len(), bound[0].id1), (1, network.ue.attachment(1).unwrap().id1));
}

#[test]
fn pnr_waits_for_an_hss_that_is_down_and_outlives_a_restart() {
    let mut network = registered_twice();
    network.down.insert(Place::Hss);
    network.operate(&Inquiry::Deregister { ue: IMSI.to_owned() }).unwrap();
    network.pass(Duration::from_secs(2));
    assert_eq!(network.count("PNR"), 0, "nobody hears it");
    let moves = network.function.moves(network.now(), None, 10).unwrap();
    let purge = &moves.moves[0];
    let delivery = purge.release.as_ref().unwrap();
    assert_eq!((purge.kind, delivery.state), ("purge", "waiting"));
    assert!(!serde_json::to_string(&purge).unwrap().contains(IMSI));
    network.restart(Place::Function);
    network.down.clear();
    network.pass(Duration::from_secs(2));
    assert_eq!((network.count("PNR"), network.outcome("PNA")), (1, Outcome::SUCCESS));
    assert_eq!(network.function.moves(network.now(), None, 10).unwrap().moves, []);
    network.restart(Place::Function);
    network.pass(Duration::from_secs(2));
    assert_eq!(network.count("PNR"), 1, "said once");
}

#[test]
fn pnr_of_a_ue_that_has_come_back_is_not_said() {
    let mut network = registered_twice();
    network.down.insert(Place::Hss);
    network.operate(&Inquiry::Deregister { ue: IMSI.to_owned() }).unwrap();
    network.pass(Duration::from_secs(2));
    network.down.clear();
    network.allocate();
    network.pass(Duration::from_secs(600));
    assert_eq!(network.count("PNR"), 0, "the HSS would take the UE from the function that serves it");
    assert_eq!(network.function.moves(network.now(), None, 10).unwrap().moves, []);
}
