//! The function's requirements and its rows of the failure table.

use std::time::Duration;

use super::network::{APPLICATION, GAMES, Network, Place, REALM, imsi};
use super::requests::{Message2, message_g1, release};
use crate::avp::dictionary::{
    ExperimentalResultCode as Code, FailedAvp, OriginAppLayerUserId, Pduid as PduidAvp, ProseFunctionId,
    ProseRequestType, RefusalCause, ResultCode,
};
use crate::message::find;
use crate::registration::element::Sender;
use crate::registration::reply::{Outcome, body};
use crate::registration::ue::Phase;
use crate::store::memory::Fault;
use crate::store::{ContextReader, UeState};

fn bind(network: &mut Network, message: &Message2) -> Outcome {
    let answer = network.ask(&message.from.sender(), Place::Function, &message.bytes());
    Outcome::of(&answer).unwrap()
}

fn attached() -> Network {
    let mut network = Network::new();
    network.allocate();
    network
}

const REJECT: Outcome = Outcome::tgpp(Code::DIAMETER_ERROR_APP_REGISTER_REJECT);

#[test]
fn f_1_the_same_ue_gets_the_same_id1_its_validity_renewed() {
    let mut network = attached();
    let first = network.ue.attachment(0).unwrap().clone();
    network.pass(Duration::from_secs(1800));
    network.allocate();
    let second = network.ue.attachment(0).unwrap().clone();
    assert_eq!(first.id1, second.id1);
    assert_eq!(second.valid_until.0, first.valid_until.0 + 1800);
    // Even when it has run out, as long as the function remembers the UE.
    network.pass(Duration::from_secs(5000));
    network.allocate();
    assert_eq!(network.id1(), first.id1);
}

#[test]
fn f_1_a_ue_that_never_renews_is_forgotten_and_the_hss_is_told() {
    let mut network = attached();
    let first = network.id1();
    network.pass(Duration::from_secs(3600 + 7200 + 60));
    assert_eq!(network.context(), None);
    assert_eq!(network.count("PNR"), 1);
    assert_eq!(network.hss.serving_function(imsi()), None);
    network.allocate();
    assert_ne!(network.id1(), first, "an ID1 never comes again");
}

#[test]
fn f_1_message_5_waits_for_the_first_block_to_be_durable() {
    let mut network = Network::new();
    // A function that was never started reserves its block when it is first asked.
    network.function = super::super::Function::new(
        Place::Function.identity(),
        super::network::Plan::default().function,
        network.store.clone(),
        [9; 16],
    )
    .unwrap();
    network.hold_writes = true;
    network.allocate();
    assert_eq!(network.count("MIA"), 0);
    network.write();
    network.settle();
    assert_eq!(network.outcome("MIA"), Outcome::SUCCESS);
}

#[test]
fn failures_function_on_5_passes_on_what_the_hss_says() {
    for (permission, outcome, cause) in [
        (None, Code::DIAMETER_ERROR_UNKNOWN_PROSE_SUBSCRIPTION, RefusalCause::UNKNOWN_SUBSCRIPTION),
        (Some(0), Code::DIAMETER_ERROR_PROSE_NOT_ALLOWED, RefusalCause::PROSE_NOT_ALLOWED),
    ] {
        let mut network = Network::with(|plan| {
            // An MME that knows less than the HSS, else no message 5 would leave.
            plan.mme.hss = None;
            plan.mme.subscribers = vec![super::super::mme::KnownSubscriber { imsi: imsi(), prose_permission: 0xff }];
            plan.hss.subscribers[0].prose_permission = permission;
        });
        network.register();
        assert_eq!(network.outcome("MIA"), Outcome::tgpp(outcome));
        assert_eq!(network.outcome("IAA"), Outcome::tgpp(outcome));
        assert_eq!(network.ue.refused(0).unwrap().cause, Some(cause));
        assert_eq!((network.count("URR"), network.context()), (0, None));
    }
}

#[test]
fn failures_function_on_5_when_the_hss_is_down_or_silent() {
    for down in [true, false] {
        let mut network = Network::with(|plan| {
            plan.mme.hss = None;
            plan.mme.subscribers = vec![super::super::mme::KnownSubscriber { imsi: imsi(), prose_permission: 0xff }];
        });
        if down {
            network.down.insert(Place::Hss)
        } else {
            network.silent.insert(Place::Hss)
        };
        network.allocate();
        let expected = if down { Outcome::UNABLE_TO_DELIVER } else { Outcome::UNABLE_TO_COMPLY };
        assert_eq!(network.outcome("IAA"), expected);
        assert_eq!(network.context(), None);
    }
}

#[test]
fn f_2_unknown_expired_and_withdrawn_ues_are_rejected_and_nothing_is_recorded() {
    let mut network = attached();
    let id1 = network.id1();
    let unknown = Message2::new(crate::registration::identifiers::Pduid::from(u64::from(id1) ^ 1), "user");
    assert_eq!(bind(&mut network, &unknown), REJECT);
    let mut games = Message2::new(id1, "user");
    games.application = Some(GAMES.to_owned());
    assert_eq!(bind(&mut network, &games), REJECT);
    // The subscription is taken away: UPR reaches the function.
    let mut actions = Vec::new();
    assert!(network.hss.change_permission(imsi(), Some(0), &mut actions));
    network.carry(Place::Hss, actions);
    network.settle();
    assert_eq!(network.outcome("UPA"), Outcome::SUCCESS);
    assert_eq!(bind(&mut network, &Message2::new(id1, "user")), REJECT);
    let mut actions = Vec::new();
    network.hss.change_permission(imsi(), Some(1), &mut actions);
    network.carry(Place::Hss, actions);
    network.settle();
    // It has run out.
    network.pass(Duration::from_secs(3600));
    assert_eq!(bind(&mut network, &Message2::new(id1, "user")), REJECT);
    assert!(network.context().unwrap().bindings.is_empty());
    network.allocate();
    assert_eq!(bind(&mut network, &Message2::new(id1, "user")), Outcome::SUCCESS);
}

#[test]
fn f_2_message_2_of_a_stranger_is_refused() {
    let mut network = attached();
    let message = Message2::new(network.id1(), "user");
    for sender in [
        Sender { peer: "evil.example.org".into(), realm: REALM.into(), protected: true },
        // A known peer that speaks for another.
        Place::SecondAppServer.sender(),
    ] {
        let answer = network.ask(&sender, Place::Function, &message.bytes());
        assert_eq!(Outcome::of(&answer), Some(Outcome::REJECTED));
    }
    assert!(network.context().unwrap().bindings.is_empty());
}

#[test]
fn failures_function_on_2_names_the_missing_identifier() {
    let mut network = attached();
    let whole = Message2::new(network.id1(), "user");
    let failed = |answer: &[u8]| find::<FailedAvp>(body(answer)).unwrap().extra[0].key.0;
    let no_id1 = Message2 { id1: None, ..whole.clone() };
    let no_id2 = Message2 { id2: None, ..whole.clone() };
    for (message, key) in [(no_id1, PduidAvp::KEY), (no_id2, OriginAppLayerUserId::KEY)] {
        let answer = network.ask(&Place::AppServer.sender(), Place::Function, &message.bytes());
        assert_eq!(Outcome::of(&answer), Some(Outcome::Result(ResultCode::DIAMETER_MISSING_AVP)));
        assert_eq!(failed(&answer), key);
    }
    let short = Message2 { id1: Some(vec![1, 2, 3]), ..whole.clone() };
    let answer = network.ask(&Place::AppServer.sender(), Place::Function, &short.bytes());
    assert_eq!(Outcome::of(&answer), Some(Outcome::Result(ResultCode::DIAMETER_INVALID_AVP_VALUE)));
    assert_eq!(failed(&answer), PduidAvp::KEY);
    let mut twice = whole.clone();
    crate::avp::dictionary::write_avp::<OriginAppLayerUserId>(&"second", &mut twice.more);
    let answer = network.ask(&Place::AppServer.sender(), Place::Function, &twice.bytes());
    assert_eq!(Outcome::of(&answer), Some(Outcome::Result(ResultCode::DIAMETER_AVP_OCCURS_TOO_MANY_TIMES)));
    let strange = Message2 { request_type: 999, ..whole };
    let answer = network.ask(&Place::AppServer.sender(), Place::Function, &strange.bytes());
    assert_eq!(Outcome::of(&answer), Some(Outcome::Result(ResultCode::DIAMETER_INVALID_AVP_VALUE)));
    assert_eq!(failed(&answer), ProseRequestType::KEY);
}

#[test]
fn f_3_message_3_leaves_only_after_the_write_is_durable() {
    let mut network = attached();
    network.hold_writes = true;
    network.register();
    assert_eq!((network.count("XAR"), network.count("XAA"), network.count("URA")), (1, 0, 0));
    assert!(network.context().unwrap().bindings.is_empty());
    network.write();
    network.settle();
    assert_eq!(network.outcome("XAA"), Outcome::SUCCESS);
    assert_eq!(network.context().unwrap().bindings.len(), 1);
}

#[test]
fn f_3_a_disk_that_refuses_records_nothing_and_message_3_says_so() {
    for fault in [Fault::Refused, Fault::Full] {
        let mut network = attached();
        network.store.0.borrow_mut().inject(1, fault);
        network.register();
        assert_eq!(network.outcome("XAA"), Outcome::UNABLE_TO_COMPLY);
        assert!(network.context().unwrap().bindings.is_empty());
        assert_eq!(network.counts(), (0, 0));
        // The disk is well again, and so is the next attempt.
        network.register();
        assert!(matches!(network.ue.phase(0), Some(Phase::Registered { .. })));
    }
}

#[test]
fn f_5_repeats_are_idempotent_and_another_user_replaces_the_first() {
    let mut network = attached();
    let id1 = network.id1();
    assert_eq!(bind(&mut network, &Message2::new(id1, "alice")), Outcome::SUCCESS);
    let cursor = network.store.cursor().unwrap();
    assert_eq!(bind(&mut network, &Message2::new(id1, "alice")), Outcome::SUCCESS);
    assert_eq!(network.store.cursor().unwrap(), cursor, "nothing is written twice");
    network.reports.clear();
    assert_eq!(bind(&mut network, &Message2::new(id1, "bob")), Outcome::SUCCESS);
    let context = network.context().unwrap();
    assert_eq!((context.bindings.len(), context.binding(APPLICATION).unwrap().id2.as_str()), (1, "bob"));
    assert!(network.reported("F-5"));
}

#[test]
fn f_5_two_binds_at_once_both_hold() {
    let mut network = attached();
    let id1 = network.id1();
    network.hold_writes = true;
    let mut games = Message2::new(id1, "alice in games");
    (games.from, games.application) = (Place::SecondAppServer, Some(GAMES.to_owned()));
    let first = network.ask_later(&Place::AppServer.sender(), Place::Function, &Message2::new(id1, "alice").bytes());
    let second = network.ask_later(&Place::SecondAppServer.sender(), Place::Function, &games.bytes());
    network.hold_writes = false;
    network.write();
    for ticket in [first, second] {
        assert_eq!(Outcome::of(&network.answer(ticket)), Some(Outcome::SUCCESS));
    }
    assert_eq!(network.context().unwrap().bindings.len(), 2);
}

#[test]
fn the_number_of_bindings_of_a_ue_is_bounded() {
    let applications: Vec<String> = (0..5).map(|number| format!("mcc001.mnc01.ProSeApp.{number}")).collect();
    let mut network = Network::with(|plan| plan.function.app_servers[0].applications = applications.clone());
    network.allocate();
    let id1 = network.id1();
    let outcomes: Vec<_> = applications
        .iter()
        .map(|application| {
            bind(&mut network, &Message2 { application: Some(application.clone()), ..Message2::new(id1, "user") })
        })
        .collect();
    assert_eq!(outcomes[..4], [Outcome::SUCCESS; 4]);
    assert_eq!(outcomes[4], Outcome::Result(ResultCode::DIAMETER_RESOURCES_EXCEEDED));
}

#[test]
fn f_4_a_context_is_handed_to_a_proven_function_of_the_same_network_alone() {
    let mut network = attached();
    let id1 = network.id1();
    let other = Place::Other.host();
    for (sender, origin) in [
        // Another network, an unknown peer, a known peer that speaks for another, one that is spoken for.
        (
            Sender { peer: other.clone(), realm: "epc.mnc002.mcc002.3gppnetwork.org".into(), protected: true },
            other.clone(),
        ),
        (Sender { peer: "pf9.example.org".into(), realm: REALM.into(), protected: true }, "pf9.example.org".into()),
        (Place::AppServer.sender(), Place::AppServer.host()),
        (Place::AppServer.sender(), other.clone()),
    ] {
        for message in [message_g1(&origin, id1), release(&origin, id1)] {
            let answer = network.ask(&sender, Place::Function, &message);
            assert_eq!(Outcome::of(&answer), Some(Outcome::REJECTED));
        }
    }
    assert_eq!(network.context().unwrap().state, UeState::Registered);
}

#[test]
fn failures_function_on_g1_does_not_know_the_ue() {
    let mut network = attached();
    let unknown = crate::registration::identifiers::Pduid::from(u64::from(network.id1()) ^ 1);
    let answer = network.ask(&Place::Other.sender(), Place::Function, &message_g1(&Place::Other.host(), unknown));
    assert_eq!(Outcome::of(&answer), Some(Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN)));
}

#[test]
fn f_6_binds_during_a_move_are_refused_for_now_and_the_new_function_is_named() {
    let mut network = attached();
    let id1 = network.id1();
    let other = Place::Other;
    let answer = network.ask(&other.sender(), Place::Function, &message_g1(&other.host(), id1));
    assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
    let refused = |network: &mut Network| {
        let bytes = Message2::new(id1, "user").bytes();
        let answer = network.ask(&Place::AppServer.sender(), Place::Function, &bytes);
        let outcome = Outcome::of(&answer).unwrap();
        assert!(outcome == Outcome::MOVING && outcome.is_transient());
        assert_eq!(find::<ProseFunctionId>(body(&answer)), Some(other.host().as_bytes()));
        assert_eq!(find::<RefusalCause>(body(&answer)), Some(RefusalCause::MOVING));
    };
    refused(&mut network);
    // G1 once more is answered alike. Only the function that fetched the context may confirm.
    let answer = network.ask(&other.sender(), Place::Function, &message_g1(&other.host(), id1));
    assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
    assert!(matches!(network.context().unwrap().state, UeState::Moving { .. }));
    for _ in 0..2 {
        let answer = network.ask(&other.sender(), Place::Function, &release(&other.host(), id1));
        assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
    }
    assert!(matches!(network.context().unwrap().state, UeState::Moved { .. }));
    assert_eq!(network.count("PNR"), 1);
    refused(&mut network);
    network.pass(Duration::from_secs(120 + 30));
    assert_eq!(network.context(), None);
}

#[test]
fn f_6_a_move_that_is_never_confirmed_ends_by_a_timer() {
    let mut network = attached();
    let other = Place::Other;
    let message = message_g1(&other.host(), network.id1());
    network.ask(&other.sender(), Place::Function, &message);
    network.pass(Duration::from_secs(590));
    assert!(matches!(network.context().unwrap().state, UeState::Moving { .. }));
    network.pass(Duration::from_secs(60));
    assert_eq!(network.context(), None);
    assert!(network.reported("expiry"));
}

#[test]
fn f_6_a_ue_that_comes_back_before_the_move_is_confirmed_is_registered_again() {
    let mut network = attached();
    let (id1, other) = (network.id1(), Place::Other);
    network.ask(&other.sender(), Place::Function, &message_g1(&other.host(), id1));
    network.allocate();
    assert_eq!(network.id1(), id1);
    assert_eq!(network.context().unwrap().state, UeState::Registered);
    let answer = network.ask(&other.sender(), Place::Function, &release(&other.host(), id1));
    assert_eq!(Outcome::of(&answer), Some(Outcome::REJECTED));
    assert_eq!(bind(&mut network, &Message2::new(id1, "user")), Outcome::SUCCESS);
}

/// A UE registered with two applications, one app server of which goes down.
fn registered_twice() -> Network {
    let mut network = Network::new();
    network.register();
    let mut games = Message2::new(network.id1(), "alice in games");
    (games.from, games.application) = (Place::SecondAppServer, Some(GAMES.to_owned()));
    assert_eq!(bind(&mut network, &games), Outcome::SUCCESS);
    network.down.insert(Place::SecondAppServer);
    network
}

fn pending(network: &Network) -> Vec<bool> {
    network.other_context().unwrap().bindings.iter().map(|binding| binding.update_pending).collect()
}

#[test]
fn f3_1_an_app_server_that_is_down_does_not_hold_up_the_others() {
    let mut network = registered_twice();
    network.change_function();
    assert_eq!(pending(&network), [false, true]);
    assert_eq!((network.count("PXR"), network.outcome("PXA")), (1, Outcome::SUCCESS));
    assert_eq!(network.outcome("CRA"), Outcome::SUCCESS, "the old function is not held up either");
    network.reports.clear();
    network.pass(Duration::from_secs(100));
    let tries = network.reports.iter().filter(|(_, report)| report.step == "F3-1" && report.failure).count();
    assert_eq!(tries, 6, "after 1, 3, 7, 15, 31, 63 seconds");
    network.down.remove(&Place::SecondAppServer);
    network.pass(Duration::from_secs(60));
    // The second app server never bound this ID2 itself, says so, and the binding goes.
    assert_eq!(network.outcome("PXA"), Outcome::tgpp(Code::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN));
    let context = network.other_context().unwrap();
    assert_eq!((context.bindings.len(), context.moved_from), (1, None));
    assert!(network.other_store.values("move/", None, 10).unwrap().is_empty());
}

#[test]
fn f3_1_a_function_that_restarts_goes_on_telling_the_app_servers() {
    let mut network = registered_twice();
    network.change_function();
    let plan = super::network::Plan::default();
    network.other =
        super::super::Function::new(Place::Other.identity(), plan.other, network.other_store.clone(), [7; 16]).unwrap();
    network.down.clear();
    network.ladder();
    network.start(Place::Other);
    network.settle();
    assert_eq!(network.ladder(), ["PXR", "PXA"]);
    assert_eq!(network.other_context().unwrap().moved_from, None);
}

#[test]
fn f3_1_an_old_function_that_cannot_be_reached_makes_the_ue_try_again() {
    let mut network = Network::new();
    network.register();
    let id1 = network.id1();
    network.silent.insert(Place::Function);
    network.change_function();
    assert_eq!(network.outcome("IAA"), Outcome::UNABLE_TO_COMPLY);
    assert_eq!((network.id1(), network.other_context()), (id1, None));
    network.silent.clear();
    network.change_function();
    assert_eq!(network.outcome("PXA"), Outcome::SUCCESS);
    assert_eq!(network.other_context().unwrap().bindings.len(), 1);
}

#[test]
fn f3_1_a_ue_that_the_old_function_has_forgotten_starts_anew() {
    let mut network = Network::new();
    network.allocate();
    let mut actions = Vec::new();
    network.hss.change_permission(imsi(), None, &mut actions);
    network.carry(Place::Hss, actions);
    network.settle();
    assert_eq!(network.context(), None, "UPR with Removal drops the context");
    let mut actions = Vec::new();
    network.hss.change_permission(imsi(), Some(3), &mut actions);
    network.carry(Place::Hss, actions);
    network.change_function();
    assert_eq!(network.outcome("CTA"), Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN));
    assert_eq!(network.outcome("IAA"), Outcome::SUCCESS);
    assert_eq!(network.other_context().unwrap().moved_from, None);
}

#[test]
fn f3_1_message_5_once_more_gives_the_same_id4() {
    let mut network = registered_twice();
    let before = network.ue.attachment(0).unwrap().clone();
    network.change_function();
    let id4 = network.id1();
    // Message 6 was lost on the way: the UE asks again with what it had.
    let message = network.crossed.iter().find(|it| it.name == "MIR" && it.to == Place::Other).unwrap().message.clone();
    let answer = network.ask(&Place::Mme.sender(), Place::Other, &message);
    assert_eq!(find::<PduidAvp>(body(&answer)), Some(&id4.to_octets()[..]));
    assert_ne!(before.id1, id4);
    assert_eq!(pending(&network), [false, true]);
}

#[test]
fn the_old_id1_is_honoured_by_the_new_function_until_it_runs_out() {
    let mut network = Network::new();
    network.register();
    let id1 = network.id1();
    network.change_function();
    let message = Message2::new(id1, "bob");
    let answer = network.ask(&Place::AppServer.sender(), Place::Other, &message.bytes());
    assert_eq!(Outcome::of(&answer), Some(Outcome::SUCCESS));
}

#[test]
fn only_a_known_mme_gets_id1s() {
    let mut network = attached();
    let message = network.last("MIR").message.clone();
    let answer = network.ask(&Place::AppServer.sender(), Place::Function, &message);
    assert_eq!(Outcome::of(&answer), Some(Outcome::REJECTED));
}

#[test]
fn too_many_requests_at_once_are_turned_away() {
    let mut network = Network::with(|plan| plan.function.most_pending = 1);
    network.hold_writes = true;
    network.allocate();
    let message = network.last("MIR").message.clone();
    let answer = network.ask(&Place::Mme.sender(), Place::Function, &message);
    assert_eq!(Outcome::of(&answer), Some(Outcome::TOO_BUSY));
    network.write();
    network.settle();
    assert_eq!(network.outcome("IAA"), Outcome::SUCCESS);
}

#[test]
fn pc4a_reset_and_location_are_answered() {
    let mut network = attached();
    let mut actions = Vec::new();
    network.hss.reset(&mut actions);
    network.carry(Place::Hss, actions);
    network.settle();
    assert_eq!(network.outcome("RSA"), Outcome::SUCCESS);
    // The code that IANA lists is answered on the same code.
    let mut message = network.last("RSR").message.clone();
    message[5..8].copy_from_slice(&8_388_667u32.to_be_bytes()[1..]);
    let answer = network.ask(&Place::Hss.sender(), Place::Function, &message);
    assert_eq!((Outcome::of(&answer), &answer[5..8]), (Some(Outcome::SUCCESS), &message[5..8]));
    let answer = network.ask(&Place::AppServer.sender(), Place::Function, &message);
    assert_eq!(Outcome::of(&answer), Some(Outcome::REJECTED));
    let mut actions = Vec::new();
    network.function.locate(imsi(), &mut actions);
    network.function.locate("001010000000000".parse().unwrap(), &mut actions);
    network.carry(Place::Function, actions);
    network.settle();
    let answers: Vec<_> =
        network.crossed.iter().filter(|it| it.name == "PSA").map(|it| Outcome::of(&it.message).unwrap()).collect();
    assert_eq!(answers, [Outcome::SUCCESS, Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN)]);
}

#[test]
fn pc4a_an_update_of_an_unknown_ue_says_so() {
    let mut network = attached();
    let mut actions = Vec::new();
    network.hss.change_permission(imsi(), Some(1), &mut actions);
    network.carry(Place::Hss, actions);
    network.settle();
    assert_eq!(network.context().unwrap().subscription.permission, 1);
    let message = network.last("UPR").message.clone();
    let answer = network.ask(&Place::Hss.sender(), Place::Other, &message);
    assert_eq!(Outcome::of(&answer), Some(Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN)));
    let answer = network.ask(&Place::AppServer.sender(), Place::Function, &message);
    assert_eq!(Outcome::of(&answer), Some(Outcome::REJECTED));
}
