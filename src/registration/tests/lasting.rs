//! What the standard procedures have acknowledged outlives a restart: proximity requests, announced codes, monitors and bans.

use std::time::Duration;

use super::discovery::discovered;
use super::network::{APPLICATION, Network, Place, Shared, imsi};
use super::networks::{bob_is, request, waiting, wish};
use super::standard::{both_registered, detail, guest, news, two_networks};
use crate::registration::function::standard::Procedure;
use crate::registration::reply::Outcome;
use crate::store::memory::Fault;
use crate::store::{Condition, ContextReader, ContextStore as _, Write};

fn kept(network: &Network) -> (usize, usize) {
    let count = |store: &Shared| store.values("lasting/", None, 999).unwrap().len();
    (count(&network.store), count(&network.foreign_store))
}

#[test]
fn a_proximity_request_outlives_a_restart_of_both_functions() {
    let (mut network, procedure) = waiting();
    assert_eq!(kept(&network), (1, 1));
    network.restart_both();
    assert_eq!((network.function.proximity_requests(), network.foreign.proximity_requests()), ((1, 0), (0, 1)));
    network.ladder();
    assert!(bob_is(&mut network, 100.0));
    assert_eq!(network.ladder(), ["PLR", "PLA", "ALR", "ALA"]);
    let told = news(&mut network, Place::Function, procedure);
    assert!(told.success && told.over && told.text.contains("apart"), "{told:?}");
    // What is over stays over.
    assert_eq!(kept(&network), (0, 0));
    network.restart_both();
    assert_eq!((network.function.proximity_requests(), network.foreign.proximity_requests()), ((0, 0), (0, 0)));
}

#[test]
fn a_window_goes_on_counting_while_nobody_runs() {
    let (mut network, procedure) = waiting();
    network.pass(Duration::from_secs(3000));
    network.restart_both();
    assert_eq!(network.function.proximity_requests(), (1, 0));
    network.pass(Duration::from_secs(700));
    let told = news(&mut network, Place::Function, procedure);
    assert!(told.over && told.text.contains("window"), "{told:?}");
    assert_eq!((network.foreign.proximity_requests(), kept(&network)), ((0, 0), (0, 0)));
}

#[test]
fn a_cancelled_request_does_not_come_back() {
    let (mut network, _) = waiting();
    let cancelled = network.call(Place::Function, |it, now, actions| {
        it.function.cancel_proximity(now, imsi(), APPLICATION, "bob@chat.example", actions)
    });
    assert!(cancelled);
    network.restart_both();
    assert_eq!((network.function.proximity_requests(), network.foreign.proximity_requests()), ((0, 0), (0, 0)));
    assert_eq!(kept(&network), (0, 0));
}

#[test]
fn pra_and_the_news_wait_for_the_disk_and_a_disk_that_refuses_keeps_nothing() {
    let mut network = two_networks(|_| {});
    both_registered(&mut network);
    assert!(bob_is(&mut network, 20_000.0));
    network.ladder();
    network.foreign_store.0.borrow_mut().inject(1, Fault::Refused);
    let procedure = request(&mut network, wish());
    assert_eq!(network.outcome("PRA"), Outcome::UNABLE_TO_COMPLY);
    assert!(!news(&mut network, Place::Function, procedure).success);
    network.hold_writes = true;
    request(&mut network, wish());
    assert_eq!(network.count("PRA"), 1, "the second waits for its write");
    network.hold_writes = false;
    network.write_of(Place::Foreign);
    assert_eq!((network.count("PRA"), network.outcome("PRA")), (2, Outcome::SUCCESS));
}

fn announced(network: &mut Network, plmn: Option<&str>) -> (Procedure, String) {
    let plmn = plmn.map(|plmn| plmn.parse().unwrap());
    let procedure = network.call(Place::Function, |it, now, actions| {
        it.function.announce(now, imsi(), APPLICATION, plmn, Some("likes chess"), actions)
    });
    let told = news(network, Place::Function, procedure);
    assert!(told.success, "{told:?}");
    (procedure, detail(&told, "ProSe-App-Code").to_owned())
}

#[test]
fn announced_codes_outlive_a_restart_and_run_out_as_they_would_have() {
    let mut network = two_networks(|_| {});
    let (_, code) = announced(&mut network, Some("001-02"));
    assert_eq!((network.function.announced_codes(), network.foreign.announced_codes()), ((1, 0), (0, 1)));
    network.restart_both();
    assert_eq!((network.function.announced_codes(), network.foreign.announced_codes()), ((1, 0), (0, 1)));
    let procedure = network.call(Place::Foreign, |it, now, actions| {
        it.foreign.monitor(now, guest(), APPLICATION, "001-01".parse().unwrap(), actions)
    });
    let told = news(&mut network, Place::Foreign, procedure);
    assert_eq!((told.success, detail(&told, "ProSe-App-Code")), (true, code.as_str()), "{told:?}");
    network.pass(Duration::from_secs(3700));
    assert_eq!((network.function.announced_codes(), network.foreign.announced_codes()), ((0, 0), (0, 0)));
    assert_eq!(kept(&network), (0, 0));
}

#[test]
fn what_a_ue_announced_that_has_gone_is_not_taken_up() {
    let mut network = two_networks(|_| {});
    announced(&mut network, None);
    let gone = Write::Delete { imsi: imsi(), condition: Condition::Always };
    assert!(network.store.0.borrow_mut().apply(&[gone]).unwrap().iter().all(|outcome| outcome.is_done()));
    network.restart_both();
    assert_eq!((network.function.announced_codes(), kept(&network)), ((0, 0), (0, 0)));
}

#[test]
fn a_monitor_outlives_a_restart_and_can_be_banned_after_it() {
    let (mut network, _) = discovered();
    network.restart_both();
    network.ladder();
    assert!(network.call(Place::AppServer, |it, _, actions| it.app_server.ban("bob.r", "alice.r", actions)));
    assert_eq!(network.ladder(), ["XAR", "XAA", "PDR", "PDA", "PDR", "PDA", "PXR", "PXA"]);
    // Neither the monitor nor the ban is kept any longer: bob announces, alice is told so no more.
    let (ours, theirs) = kept(&network);
    assert_eq!((ours, theirs), (0, 1), "the code that bob announces");
}

#[test]
fn a_ban_that_nobody_has_reported_is_sent_again_after_a_restart() {
    let (mut network, _) = discovered();
    network.ladder();
    network.silent.insert(Place::Function);
    network.call(Place::AppServer, |it, _, actions| it.app_server.ban("bob.r", "alice.r", actions));
    network.silent.clear();
    network.restart_both();
    network.ladder();
    network.pass(Duration::from_secs(40));
    let ladder = network.ladder();
    assert_eq!(ladder, ["PDR", "PDA", "PDR", "PDA", "PXR", "PXA"], "{ladder:?}");
    assert_eq!(kept(&network), (0, 1));
}
