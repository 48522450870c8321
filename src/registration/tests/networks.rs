//! PC6 and PC7 between the functions of two networks, command by command: TS 29.345. Each has a story that plays both
//! sides with real octets, and a test of its result codes. Discovery is in `discovery.rs`.

use std::time::Duration;

use super::network::{APPLICATION, GAMES, Network, Place, imsi};
use super::requests::{append, envelope};
use super::standard::{both_registered, detail, guest, news, two_networks};
use crate::avp::dictionary;
use crate::avp::dictionary::{
    ExperimentalResultCode as Code, LocationEstimate, ProseDirectAllowed as Direct, RequestingEpuid, ResultCode,
    TargetedEpuid, group,
};
use crate::interfaces::pc6;
use crate::message::{Command, find};
use crate::registration::element::Sender;
use crate::registration::exchange::NO_STATE;
use crate::registration::function::standard::location::Point;
use crate::registration::function::standard::{Procedure, ProximityWish, Trigger};
use crate::registration::reply::{Outcome, body};

pub const MISSING: Outcome = Outcome::Result(ResultCode::DIAMETER_MISSING_AVP);
pub const BAD: Outcome = Outcome::Result(ResultCode::DIAMETER_INVALID_AVP_VALUE);
pub const INVALID_TYPE: Outcome = Outcome::tgpp(Code::DIAMETER_ERROR_INVALID_DISCOVERY_TYPE);
pub const NUMBER: &[u8] = &[0x94, 0x71, 0x90];

/// So many metres east of a place in Berlin.
pub fn east(metres: f64) -> [u8; 7] {
    Point { latitude: 52.52, longitude: 13.4 + metres / 67_700.0 }.to_estimate()
}

pub fn wish() -> ProximityWish {
    ProximityWish {
        imsi: imsi(),
        application: APPLICATION.to_owned(),
        target: "bob@chat.example".to_owned(),
        window: 3600,
        range: None,
        location: east(0.0).to_vec(),
        trigger: None,
        wlan: false,
    }
}

pub fn request(network: &mut Network, wish: ProximityWish) -> Procedure {
    network.call(Place::Function, |it, _, actions| it.function.request_proximity(wish, actions))
}

pub fn bob_is(network: &mut Network, metres: f64) -> bool {
    network.call(Place::Foreign, |it, now, actions| it.foreign.report_location(now, guest(), &east(metres), actions))
}

/// Alice waits for bob, who is far away.
pub fn waiting() -> (Network, Procedure) {
    let mut network = two_networks(|_| {});
    both_registered(&mut network);
    assert!(bob_is(&mut network, 20_000.0));
    let procedure = request(&mut network, wish());
    let first = news(&mut network, Place::Function, procedure);
    assert!(first.success && !first.over, "{first:?}");
    (network, procedure)
}

pub fn judged(network: &mut Network, to: Place, message: &[u8]) -> Outcome {
    let from = if to == Place::Foreign { Place::Function } else { Place::Foreign };
    Outcome::of(&network.ask(&from.sender(), to, message)).unwrap()
}

/// A request from ours to the other network's function, of a test's own making.
macro_rules! ours {
    ($command:ident { $($field:ident : $value:expr),* $(,)? }) => {{
        let (host, target): (&'static str, &'static str) = (Place::Function.host().leak(), Place::Foreign.host().leak());
        pc6::$command {
            session_id: "pf1;1;1",
            auth_session_state: NO_STATE,
            origin_host: host,
            origin_realm: Place::Function.realm(),
            destination_host: Some(target),
            destination_realm: Place::Foreign.realm(),
            $($field: $value,)*
            ..Default::default()
        }
        .to_bytes(envelope(pc6::APPLICATION))
    }};
}
pub(super) use ours;

pub fn number<'a>() -> group::UserIdentity<'a> {
    group::UserIdentity { msisdn: Some(NUMBER), ..Default::default() }
}

#[test]
fn par_paa_tells_what_a_user_may_do_in_the_other_network() {
    let mut network = two_networks(|plan| {
        plan.foreign.standard.networks[0].direct_allowed = Direct::ANNOUNCE | Direct::COMMUNICATION;
    });
    let plmn = "001-02".parse().unwrap();
    let procedure = network.call(Place::Function, |it, _, actions| it.function.authorize(imsi(), plmn, actions));
    assert_eq!(network.ladder(), ["PAR", "PAA"]);
    let told = news(&mut network, Place::Function, procedure);
    assert_eq!(detail(&told, "ProSe-Direct-Allowed"), "0x5");
    assert_eq!((detail(&told, "Validity-Time-Announce"), detail(&told, "Authorized-Discovery-Range")), ("1800", "2"));
    assert!(told.details.iter().all(|(name, _)| *name != "Validity-Time-Monitor"), "what is not allowed has no time");
    assert_eq!(network.function.granted(network.now(), imsi(), plmn), Some(5));
    network.pass(Duration::from_secs(1801));
    assert_eq!(network.function.granted(network.now(), imsi(), plmn), None);
}

fn par<'a>(user: group::UserIdentity<'a>, plmn: &'a [u8]) -> Vec<u8> {
    ours!(ProseAuthorizationRequest { user_identity: user, visited_plmn_id: plmn })
}

#[test]
fn par_is_refused_by_5636_5003_5004_and_5011() {
    let here = &[0x00, 0xf1, 0x20][..];
    let refused = Outcome::tgpp(Code::DIAMETER_ERROR_UNAUTHORIZED_SERVICE_IN_THIS_PLMN);
    let mut network = two_networks(|_| {});
    let two = group::UserIdentity { public_identity: Some("sip:alice@example.org"), ..number() };
    let cases = [
        (par(number(), &[0x00, 0xf1, 0x10]), refused),
        (par(number(), b"no"), BAD),
        (par(two, here), BAD),
        (par(group::UserIdentity::default(), here), BAD),
        (par(number(), here), Outcome::SUCCESS),
    ];
    for (message, outcome) in cases {
        assert_eq!(judged(&mut network, Place::Foreign, &message), outcome);
    }
    let mut message = par(number(), here);
    let stranger = Sender { realm: "example.org".into(), ..Place::Function.sender() };
    for sender in [Place::Mme.sender(), Place::Other.sender(), stranger] {
        let answer = network.ask(&sender, Place::Foreign, &message);
        assert_eq!(Outcome::of(&answer), Some(Outcome::REJECTED));
    }
    let features =
        group::SupportedFeatures { vendor_id: 10415, feature_list_id: 1, feature_list: 4, extra: Vec::new() };
    let mut avp = Vec::new();
    dictionary::write_avp::<dictionary::SupportedFeatures>(&features, &mut avp);
    avp[4] = 0xc0;
    append(&mut message, &avp);
    let unsupported = Outcome::tgpp(Code::DIAMETER_ERROR_FEATURE_UNSUPPORTED);
    assert_eq!(judged(&mut network, Place::Foreign, &message), unsupported);
    // Nothing is allowed at all.
    let mut network = two_networks(|plan| plan.foreign.standard.networks[0].direct_allowed = 0);
    assert_eq!(judged(&mut network, Place::Foreign, &par(number(), here)), refused);
    // And on our side: networks that nobody configured, users without a number, nobody there.
    network.down.insert(Place::Foreign);
    for (plmn, why) in [("001-09", "no function"), ("001-02", "no peer leads there")] {
        let plmn = plmn.parse().unwrap();
        let procedure = network.call(Place::Function, |it, _, actions| it.function.authorize(imsi(), plmn, actions));
        let told = news(&mut network, Place::Function, procedure);
        assert!(!told.success && told.text.contains(why), "{told:?}");
    }
}

#[test]
fn prr_pra_plr_pla_alr_ala_from_a_request_to_the_alert() {
    let mut network = two_networks(|_| {});
    let (alice, bob) = both_registered(&mut network);
    network.ladder();
    let procedure = request(&mut network, wish());
    // Nobody knows where bob is: his function asks the HSS before it answers.
    assert_eq!(network.ladder(), ["PXR", "PXA", "PRR", "PSR", "PSA", "PRA"]);
    assert!(!news(&mut network, Place::Function, procedure).over);
    assert_eq!((network.function.proximity_requests(), network.foreign.proximity_requests()), ((1, 0), (0, 1)));
    bob_is(&mut network, 20_000.0);
    assert_eq!(network.outcome("PLA"), Outcome::SUCCESS);
    assert_eq!(find::<TargetedEpuid>(body(&network.last("PLR").message)), Some(bob.as_str()));
    assert_eq!(network.ladder(), ["PLR", "PLA"]);
    // Alice moves, and then bob comes near.
    assert!(network.call(Place::Function, |it, now, actions| it.function.report_location(
        now,
        imsi(),
        &east(50.0),
        actions
    )));
    assert!(network.ladder().is_empty());
    bob_is(&mut network, 400.0);
    let mut crossed = network.ladder();
    crossed.sort();
    assert_eq!(crossed, ["ALA", "ALR", "PLA", "PLR"]);
    let told = news(&mut network, Place::Function, procedure);
    assert!(told.success && told.over && told.text.contains("350 m") || told.text.contains("349 m"), "{told:?}");
    assert_eq!((network.function.proximity_requests(), network.foreign.proximity_requests()), ((0, 0), (0, 0)));
    // Nobody is told any more.
    bob_is(&mut network, 30_000.0);
    assert!(network.ladder().is_empty());
    assert_ne!(alice, bob);
}

#[test]
fn pra_carries_where_the_target_is_and_an_alert_may_follow_at_once() {
    let mut network = two_networks(|_| {});
    let (alice, _) = both_registered(&mut network);
    bob_is(&mut network, 100.0);
    network.ladder();
    let procedure = request(&mut network, wish());
    assert_eq!(find::<RequestingEpuid>(body(&network.last("PRR").message)), Some(alice.as_str()));
    assert_eq!(find::<LocationEstimate>(body(&network.last("PRA").message)), Some(&east(100.0)[..]));
    assert_eq!(network.ladder(), ["PXR", "PXA", "PRR", "PRA", "ALR", "ALA"]);
    let first = news(&mut network, Place::Function, procedure);
    detail(&first, "Location-Estimate");
    assert!(news(&mut network, Place::Function, procedure).over);
}

#[test]
fn a_request_for_a_user_of_the_same_function_needs_no_pc6() {
    let mut network = two_networks(|plan| plan.app_server.account[0].found_by = None);
    both_registered(&mut network);
    network.ladder();
    let procedure = request(&mut network, ProximityWish { target: "alice@chat.example".to_owned(), ..wish() });
    assert!(!news(&mut network, Place::Function, procedure).over);
    assert_eq!(network.ladder(), ["PXR", "PXA"]);
    network.call(Place::Function, |it, now, actions| it.function.report_location(now, imsi(), &east(1.0), actions));
    let told = news(&mut network, Place::Function, procedure);
    assert!(told.over && told.success, "{told:?}");
    assert!(network.ladder().is_empty());
}

fn prr(target: &str, change: impl FnOnce(&mut pc6::ProseProximityRequest<'_>)) -> Vec<u8> {
    let place = east(0.0);
    let (host, peer): (&'static str, &'static str) = (Place::Function.host().leak(), Place::Foreign.host().leak());
    let mut request = pc6::ProseProximityRequest {
        session_id: "pf1;1;1",
        auth_session_state: NO_STATE,
        origin_host: host,
        origin_realm: Place::Function.realm(),
        destination_host: Some(peer),
        destination_realm: Place::Foreign.realm(),
        requesting_epuid: "0000BEEF",
        targeted_epuid: target,
        time_window: 60,
        location_estimate: &place,
        ..Default::default()
    };
    change(&mut request);
    request.to_bytes(envelope(pc6::APPLICATION))
}

fn trigger<'a>(event: u32) -> group::LocationUpdateTrigger<'a> {
    group::LocationUpdateTrigger { location_update_event_type: event, ..Default::default() }
}

#[test]
fn prr_is_refused_by_5001_5633_5634_5004_and_too_busy() {
    let mut network = two_networks(|plan| {
        plan.hss.subscribers[1].prose_permission = Some(0x02);
        plan.foreign.standard.most_entries = 1;
    });
    let (_, bob) = both_registered(&mut network);
    let unauthorized = Outcome::tgpp(Code::DIAMETER_ERROR_PROXIMITY_UNAUTHORIZED);
    let unknown = Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN);
    let wrong_trigger = |message: &mut pc6::ProseProximityRequest<'_>, event| {
        message.location_update_trigger = Some(trigger(event));
    };
    let cases = [
        (prr("0BADCAFE", |_| {}), unknown),
        (prr("no EPUID", |_| {}), unknown),
        // WLAN direct is not in bob's subscription.
        (prr(&bob, |it| it.prr_flags = 1), unauthorized),
        (prr(&bob, |it| it.location_estimate = b"where"), BAD),
        (prr(&bob, |it| it.time_window = 0), BAD),
        (prr(&bob, |it| it.time_window = u32::MAX), BAD),
        (prr(&bob, |it| wrong_trigger(it, 1)), BAD),
        (prr(&bob, |it| wrong_trigger(it, 2)), BAD),
        (prr(&bob, |it| wrong_trigger(it, 7)), BAD),
        (prr(&bob, |_| {}), Outcome::SUCCESS),
        (prr(&bob, |it| it.requesting_epuid = "0000CAFE"), Outcome::TOO_BUSY),
    ];
    for (message, outcome) in cases {
        assert_eq!(judged(&mut network, Place::Foreign, &message), outcome);
    }
    // Renewed or ended, there is room again.
    network.pass(Duration::from_secs(61));
    assert_eq!(
        judged(&mut network, Place::Foreign, &prr(&bob, |it| it.requesting_epuid = "0000CAFE")),
        Outcome::SUCCESS
    );
    // Too far away to meet in a minute.
    let mut network = two_networks(|_| {});
    let (_, bob) = both_registered(&mut network);
    bob_is(&mut network, 60_000.0);
    let rejected = Outcome::tgpp(Code::DIAMETER_ERROR_PROXIMITY_REJECTED);
    assert_eq!(judged(&mut network, Place::Foreign, &prr(&bob, |_| {})), rejected);
    assert_eq!(judged(&mut network, Place::Foreign, &prr(&bob, |it| it.time_window = 3600)), Outcome::SUCCESS);
    // The operator does not want it at all.
    let mut network = two_networks(|plan| plan.foreign.standard.networks[0].proximity = false);
    let (_, bob) = both_registered(&mut network);
    assert_eq!(judged(&mut network, Place::Foreign, &prr(&bob, |_| {})), unauthorized);
    let procedure = request(&mut network, wish());
    let told = news(&mut network, Place::Function, procedure);
    assert!(!told.success && told.over && told.text.contains("5633"), "{told:?}");
    assert_eq!(network.function.proximity_requests(), (0, 0));
}

#[test]
fn prr_waits_for_psa_and_5001_of_the_hss_is_passed_on() {
    let mut network = two_networks(|_| {});
    both_registered(&mut network);
    network.spoil = Some(Box::new(|answer: &mut Vec<u8>| {
        // 5612 becomes 5001 on its way.
        if let Some(at) = answer.windows(4).position(|it| it == Code::DIAMETER_ERROR_UE_LOCATION_UNKNOWN.to_be_bytes())
        {
            answer[at..at + 4].copy_from_slice(&Code::DIAMETER_ERROR_USER_UNKNOWN.to_be_bytes());
        }
    }));
    let procedure = request(&mut network, wish());
    assert_eq!(network.outcome("PRA"), Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN));
    assert!(!news(&mut network, Place::Function, procedure).success);
    // An HSS that says nothing keeps nobody from waiting.
    network.spoil = None;
    network.silent.insert(Place::Hss);
    let procedure = request(&mut network, wish());
    assert!(news(&mut network, Place::Function, procedure).success);
}

#[test]
fn a_proximity_request_that_cannot_be_made_says_why() {
    let mut network = two_networks(|plan| plan.hss.subscribers[0].prose_permission = Some(0x03));
    let refused = |network: &mut Network, wish: ProximityWish, why: &str| {
        let procedure = request(network, wish);
        let told = news(network, Place::Function, procedure);
        assert!(!told.success && told.text.contains(why), "{why}: {told:?}");
    };
    refused(&mut network, wish(), "has not registered");
    both_registered(&mut network);
    refused(&mut network, ProximityWish { window: 0, ..wish() }, "a window lasts");
    refused(&mut network, ProximityWish { location: b"where".to_vec(), ..wish() }, "no shape");
    refused(&mut network, ProximityWish { wlan: true, ..wish() }, "does not allow");
    refused(&mut network, ProximityWish { application: GAMES.to_owned(), ..wish() }, "has not registered");
    refused(&mut network, ProximityWish { imsi: guest(), ..wish() }, "not registered here");
    refused(&mut network, ProximityWish { target: "nobody".to_owned(), ..wish() }, "5591");
    network.down.insert(Place::Foreign);
    refused(&mut network, wish(), "no peer leads there");
    assert_eq!(network.function.proximity_requests(), (0, 0));
    // A function that is not configured is not asked.
    let mut network = two_networks(|plan| plan.function.standard.networks.clear());
    both_registered(&mut network);
    refused(&mut network, wish(), "no function of a network known here");
    assert_eq!(network.count("PRR"), 0);
}

fn plr<'a>(target: &'a str, place: &'a [u8]) -> Vec<u8> {
    let (host, peer): (&'static str, &'static str) = (Place::Foreign.host().leak(), Place::Function.host().leak());
    pc6::ProseLocationUpdateRequest {
        session_id: "pf2;1;1",
        auth_session_state: NO_STATE,
        origin_host: host,
        origin_realm: Place::Foreign.realm(),
        destination_host: Some(peer),
        destination_realm: Place::Function.realm(),
        targeted_epuid: target,
        location_estimate: place,
        ..Default::default()
    }
    .to_bytes(envelope(pc6::APPLICATION))
}

#[test]
fn plr_is_refused_by_5635_5637_and_5004_and_the_other_side_stops() {
    let (mut network, _) = waiting();
    let bob = find::<TargetedEpuid>(body(&network.last("PRR").message)).unwrap().to_owned();
    let none = Outcome::tgpp(Code::DIAMETER_ERROR_NO_PROXIMITY_REQUEST);
    assert_eq!(judged(&mut network, Place::Function, &plr("0BADCAFE", &east(0.0))), none);
    assert_eq!(judged(&mut network, Place::Function, &plr(&bob, b"where")), BAD);
    assert_eq!(judged(&mut network, Place::Function, &plr(&bob, &east(20_000.0))), Outcome::SUCCESS);
    // PCR is lost: the other side goes on and is told.
    network.down.insert(Place::Foreign);
    assert!(network.call(Place::Function, |it, now, actions| {
        it.function.cancel_proximity(now, imsi(), APPLICATION, "bob@chat.example", actions)
    }));
    network.down.clear();
    assert_eq!(network.foreign.proximity_requests(), (0, 1));
    bob_is(&mut network, 19_000.0);
    assert_eq!(network.outcome("PLA"), Outcome::tgpp(Code::DIAMETER_ERROR_PROXIMITY_CANCELLED));
    assert_eq!(network.foreign.proximity_requests(), (0, 0));
}

#[test]
fn plr_comes_as_the_trigger_wants_it() {
    let counts = |trigger: Trigger| {
        let mut network = two_networks(|_| {});
        both_registered(&mut network);
        bob_is(&mut network, 20_000.0);
        request(&mut network, ProximityWish { trigger: Some(trigger), ..wish() });
        assert_eq!(network.outcome("PRA"), Outcome::SUCCESS);
        // Every ten seconds: the same place thrice, then three others.
        for metres in [20_000.0, 20_000.0, 20_000.0, 19_000.0, 18_000.0, 17_000.0] {
            network.pass(Duration::from_secs(10));
            bob_is(&mut network, metres);
        }
        network.count("PLR")
    };
    assert_eq!(counts(Trigger::Available), 1);
    assert_eq!(counts(Trigger::ChangeOfArea { event: 2, repeat_after: None }), 1);
    assert_eq!(counts(Trigger::ChangeOfArea { event: 2, repeat_after: Some(0) }), 3);
    assert_eq!(counts(Trigger::ChangeOfArea { event: 0, repeat_after: Some(20) }), 2);
    assert_eq!(counts(Trigger::Periodic { interval: 10, reports: 4 }), 4);
    assert_eq!(counts(Trigger::Periodic { interval: 30, reports: 4 }), 2);
}

fn pcr<'a>(alice: &'a str, bob: &'a str) -> Vec<u8> {
    ours!(ProseCancellationRequest { requesting_epuid: alice, targeted_epuid: bob })
}

fn alr(bob: &str) -> Vec<u8> {
    ours!(ProseAlertRequest { app_layer_user_id: "alice@chat.example", targeted_epuid: bob })
}

#[test]
fn pcr_pca_cancels_on_both_sides_and_is_refused_by_5001_5635_and_5637() {
    let (mut network, procedure) = waiting();
    let message = network.last("PRR").message.clone();
    let (alice, bob) =
        (find::<RequestingEpuid>(body(&message)).unwrap(), find::<TargetedEpuid>(body(&message)).unwrap());
    let cancel = |network: &mut Network, target: &str| {
        network.call(Place::Function, |it, now, actions| {
            it.function.cancel_proximity(now, imsi(), APPLICATION, target, actions)
        })
    };
    assert!(!cancel(&mut network, "nobody"));
    assert!(cancel(&mut network, "bob@chat.example"));
    assert!(!cancel(&mut network, "bob@chat.example"), "only once");
    assert_eq!(network.outcome("PCA"), Outcome::SUCCESS);
    let told = news(&mut network, Place::Function, procedure);
    assert!(told.success && told.over, "{told:?}");
    assert_eq!((network.function.proximity_requests(), network.foreign.proximity_requests()), ((0, 0), (0, 0)));
    let cases = [
        (pcr(alice, bob), Code::DIAMETER_ERROR_PROXIMITY_CANCELLED),
        (pcr("0000BEEF", bob), Code::DIAMETER_ERROR_NO_PROXIMITY_REQUEST),
        (pcr(alice, "0BADCAFE"), Code::DIAMETER_ERROR_USER_UNKNOWN),
    ];
    for (message, code) in cases {
        assert_eq!(judged(&mut network, Place::Foreign, &message), Outcome::tgpp(code));
    }
}

#[test]
fn alr_is_refused_by_5001_5635_and_5637() {
    let (mut network, _) = waiting();
    let bob = find::<TargetedEpuid>(body(&network.last("PRR").message)).unwrap().to_owned();
    assert_eq!(
        judged(&mut network, Place::Foreign, &alr("0BADCAFE")),
        Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN)
    );
    assert_eq!(judged(&mut network, Place::Foreign, &alr(&bob)), Outcome::SUCCESS);
    let none = Outcome::tgpp(Code::DIAMETER_ERROR_NO_PROXIMITY_REQUEST);
    assert_eq!(judged(&mut network, Place::Foreign, &alr(&bob)), none, "the alert ended it");
    // Bob may be found no longer: his function ends what asks for him.
    network.call(Place::Function, |it, now, actions| {
        it.function.cancel_proximity(now, imsi(), APPLICATION, "bob@chat.example", actions)
    });
    request(&mut network, wish());
    network.call(Place::Hss, |it, _, actions| it.hss.change_permission(guest(), Some(1), actions));
    assert_eq!(network.foreign.proximity_requests(), (0, 0));
    let cancelled = Outcome::tgpp(Code::DIAMETER_ERROR_PROXIMITY_CANCELLED);
    assert_eq!(judged(&mut network, Place::Foreign, &alr(&bob)), cancelled);
}

#[test]
fn requests_end_with_their_window_with_the_subscription_and_with_the_ue() {
    let (mut network, procedure) = waiting();
    network.pass(Duration::from_secs(3630));
    let told = news(&mut network, Place::Function, procedure);
    assert!(told.over && told.text.contains("window"), "{told:?}");
    assert_eq!((network.function.proximity_requests(), network.foreign.proximity_requests()), ((0, 0), (0, 0)));
    // Renewed, it lasts longer.
    let (mut network, _) = waiting();
    network.pass(Duration::from_secs(3000));
    request(&mut network, wish());
    network.pass(Duration::from_secs(3000));
    assert_eq!((network.function.proximity_requests(), network.foreign.proximity_requests()), ((1, 0), (0, 1)));
    // The asking UE may no longer, or is taken away by the HSS: PCR.
    for permission in [Some(1), None] {
        let (mut network, procedure) = waiting();
        network.call(Place::Hss, |it, _, actions| it.hss.change_permission(imsi(), permission, actions));
        assert_eq!(network.outcome("PCA"), Outcome::SUCCESS);
        assert!(news(&mut network, Place::Function, procedure).over);
        assert_eq!((network.function.proximity_requests(), network.foreign.proximity_requests()), ((0, 0), (0, 0)));
    }
    // It moves to another function of its network: the EPUID was the old one's.
    let (mut network, _) = waiting();
    network.change_function();
    assert_eq!((network.outcome("PCA"), network.function.proximity_requests()), (Outcome::SUCCESS, (0, 0)));
}
