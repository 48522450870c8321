//! PC2 as TS 29.343 has it: PXR of every type, XAR type 11, and each of their result codes. Also what the tests of PC6
//! share: two networks, a user in each.

use super::network::{APPLICATION, FOREIGN_REALM, GAMES, Network, Place, Plan, REALM, imsi};
use super::requests::envelope;
use crate::avp::dictionary::{
    ExperimentalResultCode as Code, FailedAvp, MonitorTarget, Pduid as PduidAvp, ProseAppCodeSuffixRange,
    ProseFunctionId, ProseRequestType as Type, ProseRestrictedCodeSuffixRange, ResultCode, TargetPduid, TargetedEpuid,
    group,
};
use crate::interfaces::{pc2, pc4::mme as pc4};
use crate::message::{Command, find};
use crate::registration::app_server::Account;
use crate::registration::exchange::{NO_STATE, vendor_specific};
use crate::registration::function::standard::{Model, News, Procedure, Question};
use crate::registration::identifiers::{Imsi, Pduid};
use crate::registration::reply::{Outcome, body};
use crate::store::ContextReader;

/// The subscriber of the other network.
pub const GUEST: &str = "001020000000002";

pub fn guest() -> Imsi {
    GUEST.parse().unwrap()
}

fn account(name: &str, found_by: &str) -> Account {
    Account {
        application: APPLICATION.to_owned(),
        aluid: format!("{name}@chat.example"),
        found_by: Some(vec![format!("{found_by}@chat.example")]),
        rpauid: Some(format!("{name}.r")),
        discovered_by: vec![format!("{found_by}.r")],
        announce: true,
        user: Some(name.to_owned()),
        pduids: Vec::new(),
        metadata: Some(format!("{name} likes chess")),
    }
}

/// Two networks with one app server: alice in ours, registered by the patent's messages; bob, attached in the other.
pub fn two_networks(change: impl Fn(&mut Plan)) -> Network {
    let plan = |pduids: Vec<Pduid>| {
        let mut plan = Plan::default();
        let alice = &mut plan.hss.subscribers[0];
        alice.prose_permission = Some(0xff);
        let bob = super::super::hss::Subscriber {
            imsi: guest(),
            msisdn: Some("4917098765432".parse().unwrap()),
            ..alice.clone()
        };
        plan.hss.subscribers.push(bob);
        let silent = Account { announce: false, ..account("carol", "alice") };
        plan.app_server.account = vec![account("alice", "bob"), Account { pduids, ..account("bob", "alice") }, silent];
        change(&mut plan);
        plan
    };
    // Which ID1 the other function gives first follows from its key: found out in a rehearsal.
    let id1 = attach(&mut Network::build(plan(Vec::new())));
    let mut network = Network::build(plan(vec![id1]));
    network.register();
    assert_eq!(attach(&mut network), id1);
    network.ladder();
    network
}

/// Message 5 of bob's UE.
fn attach(network: &mut Network) -> Pduid {
    let host = Place::Mme.host();
    let message = pc4::IdentifierAllocationRequest {
        session_id: "mme;1;1",
        vendor_specific_application_id: vendor_specific(pc4::APPLICATION),
        auth_session_state: NO_STATE,
        origin_host: &host,
        origin_realm: REALM,
        destination_realm: FOREIGN_REALM,
        user_name: GUEST,
        ue_prose_capability: 0xff,
        ..Default::default()
    }
    .to_bytes(envelope(pc4::APPLICATION));
    let answer = network.ask(&Place::Mme.sender(), Place::Foreign, &message);
    Pduid::from_octets(find::<PduidAvp>(body(&answer)).expect("an ID1")).unwrap()
}

pub fn news(network: &mut Network, place: Place, procedure: Procedure) -> News {
    let function = match place {
        Place::Foreign => &mut network.foreign,
        Place::Other => &mut network.other,
        _ => &mut network.function,
    };
    function.news(procedure).expect("news of the procedure")
}

pub fn detail<'n>(news: &'n News, name: &str) -> &'n str {
    news.details
        .iter()
        .find(|(of, _)| *of == name)
        .map(|(_, value)| value.as_str())
        .unwrap_or_else(|| panic!("{news:?}"))
}

/// PXR type 0 for both; gives their EPUIDs.
pub fn both_registered(network: &mut Network) -> (String, String) {
    let alice = network.call(Place::Function, |it, _, actions| {
        it.function.register_application(imsi(), APPLICATION, "alice@chat.example", actions)
    });
    let bob = network.call(Place::Foreign, |it, _, actions| {
        it.foreign.register_application(guest(), APPLICATION, "bob@chat.example", actions)
    });
    let (alice, bob) = (news(network, Place::Function, alice), news(network, Place::Foreign, bob));
    assert!(alice.success && bob.success, "{alice:?} {bob:?}");
    (detail(&alice, "Requesting-EPUID").to_owned(), detail(&bob, "Requesting-EPUID").to_owned())
}

#[test]
fn pxr_type_0_registers_an_application_and_type_1_finds_the_other_user() {
    let mut network = two_networks(|_| {});
    let (alice, bob) = both_registered(&mut network);
    assert_ne!(alice, bob);
    assert_eq!(network.ladder(), ["PXR", "PXA", "PXR", "PXA"]);
    // Durable: found by the EPUID and by the UE.
    assert_eq!(network.store.values("epuid/", None, 9).unwrap().len(), 1);
    assert_eq!(network.store.values("standard/", None, 9).unwrap().len(), 1);
    // Once more is the same EPUID.
    assert_eq!(both_registered(&mut network), (alice, bob.clone()));
    let answer = network.ask(&Place::Function.sender(), Place::AppServer, &map("alice", "bob"));
    assert_eq!(find::<TargetedEpuid>(body(&answer)), Some(bob.as_str()));
    assert_eq!(find::<ProseFunctionId>(body(&answer)), Some(Place::Foreign.host().as_bytes()));
}

/// PXR of a test's own making.
fn pxr(place: Place, change: impl FnOnce(&mut pc2::ProXimityActionRequest<'_>)) -> Vec<u8> {
    let host = place.host();
    let mut request = pc2::ProXimityActionRequest {
        session_id: "pf;1;1",
        auth_application_id: pc2::APPLICATION,
        auth_session_state: NO_STATE,
        origin_host: &host,
        origin_realm: place.realm(),
        destination_realm: REALM,
        ..Default::default()
    };
    change(&mut request);
    request.to_bytes(envelope(pc2::APPLICATION))
}

fn map(origin: &str, target: &str) -> Vec<u8> {
    let (origin, target) = (format!("{origin}@chat.example"), format!("{target}@chat.example"));
    let (origin, target): (&'static str, &'static str) = (origin.leak(), target.leak());
    pxr(Place::Function, |it| {
        it.prose_request_type = Type::PROSE_MAP_REQUEST;
        it.origin_app_layer_user_id = Some(origin);
        it.target_app_layer_user_id = Some(target);
    })
}

fn judged(network: &mut Network, message: &[u8]) -> Outcome {
    let answer = network.ask(&Place::Function.sender(), Place::AppServer, message);
    Outcome::of(&answer).unwrap()
}

const MISSING: Outcome = Outcome::Result(ResultCode::DIAMETER_MISSING_AVP);

const TOO_LONG: &str = "00000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn pxr_type_0_is_refused_by_5590_5592_5593_and_5005() {
    let mut network = two_networks(|_| {});
    let register = |aluid: Option<&'static str>, application, pfid: &'static str, epuid| {
        pxr(Place::Function, |it| {
            it.origin_app_layer_user_id = aluid;
            it.prose_app_id = application;
            it.prose_function_id = Some(pfid.as_bytes());
            it.requesting_epuid = epuid;
        })
    };
    let (alice, epuid) = (Some("alice@chat.example"), Some("0000BEEF"));
    let own: &'static str = Place::Function.host().leak();
    let cases = [
        (register(Some("nobody"), None, own, epuid), Outcome::tgpp(Code::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN)),
        (register(alice, None, "pf9.example.org", epuid), Outcome::tgpp(Code::DIAMETER_ERROR_PFID_UNKNOWN)),
        (register(alice, Some(GAMES), own, epuid), Outcome::tgpp(Code::DIAMETER_ERROR_APP_REGISTER_REJECT)),
        (register(None, None, own, epuid), MISSING),
        (register(alice, None, own, None), MISSING),
        (register(alice, Some(APPLICATION), own, epuid), Outcome::SUCCESS),
        (register(alice, None, own, Some(TOO_LONG)), Outcome::tgpp(Code::DIAMETER_ERROR_APP_REGISTER_REJECT)),
    ];
    for (message, outcome) in cases {
        assert_eq!(judged(&mut network, &message), outcome);
    }
}

#[test]
fn pxr_type_1_is_refused_by_5590_5591_5594_5595_and_5005() {
    let mut network =
        two_networks(|plan| plan.app_server.account[1].found_by = Some(vec!["carol@chat.example".into()]));
    assert_eq!(
        judged(&mut network, &map("alice", "bob")),
        Outcome::tgpp(Code::DIAMETER_ERROR_MAP_REQUEST_REJECT),
        "alice is not registered by this function"
    );
    both_registered(&mut network);
    let cases = [
        (map("nobody", "bob"), Outcome::tgpp(Code::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN)),
        (map("alice", "nobody"), Outcome::tgpp(Code::DIAMETER_ERROR_TARGET_ALUID_UNKNOWN)),
        (map("alice", "carol"), Outcome::tgpp(Code::DIAMETER_ERROR_TARGET_ALUID_UNKNOWN)),
        (map("alice", "bob"), Outcome::tgpp(Code::DIAMETER_ERROR_PROSE_MAP_REQUEST_DISALLOWED)),
        (map("bob", "alice"), Outcome::tgpp(Code::DIAMETER_ERROR_MAP_REQUEST_REJECT)),
        (pxr(Place::Function, |it| it.prose_request_type = Type::PROSE_MAP_REQUEST), MISSING),
    ];
    for (message, outcome) in cases {
        assert_eq!(judged(&mut network, &message), outcome);
    }
}

#[test]
fn pxr_of_every_authorization_type_is_answered_and_the_function_tells_what_it_says() {
    let mut network = two_networks(|_| {});
    let ask = |network: &mut Network, question: Question| {
        let procedure = network.call(Place::Function, |it, _, actions| it.function.ask_app_server(&question, actions));
        news(network, Place::Function, procedure)
    };
    let question = |kind, target: Option<&str>, data: Option<&str>| Question {
        kind,
        application: APPLICATION.to_owned(),
        rpauid: Some("alice.r".to_owned()),
        target: target.map(str::to_owned),
        data: data.map(str::to_owned),
        suffixes: Some(4),
    };
    let told = [
        (question(2, None, None), "PDUID"),
        (question(3, None, Some("9")), "ProSe-Restricted-Code-Suffix-Range"),
        (question(4, None, Some("bob.r, nobody")), "Monitor-Target"),
        (question(5, None, Some("bob.r")), "Monitor-Target"),
        (question(6, Some("bob.r"), None), "Target-PDUID"),
        (question(7, None, None), "PDUID"),
        (question(8, None, Some("bob.r")), "Monitor-Target"),
        (question(9, Some("bob.r"), None), "ProSe-Application-Metadata"),
        (question(10, Some("bob.r"), None), "Target-PDUID"),
        (question(12, None, Some("2")), "ProSe-App-Code-Suffix-Range"),
        (question(13, None, Some("all")), "Suffix-Code"),
    ];
    for (question, name) in told {
        let kind = question.kind;
        let news = ask(&mut network, question);
        assert!(news.success && news.over, "{kind}: {news:?}");
        detail(&news, name);
    }
    // No more suffixes than are allowed, and never one twice.
    let answer = find::<ProseRestrictedCodeSuffixRange>(body(&network.crossed[3].message)).unwrap();
    assert_eq!((answer.beginning_suffix, answer.ending_suffix), (&[0, 0][..], Some(&[0, 3][..])));
    let answer = &network.crossed[network.crossed.len() - 3].message;
    let range = find::<ProseAppCodeSuffixRange>(body(answer)).unwrap();
    assert_eq!((range.beginning_suffix, range.ending_suffix), (&[0, 4][..], Some(&[0, 5][..])));
    let refused = ask(&mut network, question(6, Some("carol.r"), None));
    assert!(!refused.success && refused.text.contains("5600"), "{refused:?}");
    assert!(!ask(&mut network, question(1, None, None)).success, "no authorization type");
    let elsewhere = Question { application: "nothing".to_owned(), ..question(2, None, None) };
    assert!(!ask(&mut network, elsewhere).success, "no app server has it");
    network.down.insert(Place::AppServer);
    assert!(!ask(&mut network, question(2, None, None)).success);
}

#[test]
fn pxr_authorizations_are_refused_by_5596_to_5602_and_5005() {
    let mut network = two_networks(|_| {});
    let ask = |kind, rpauid: Option<&'static str>, target: Option<&'static str>, data: Option<&'static str>| {
        pxr(Place::Function, |it| {
            it.prose_request_type = kind;
            it.requesting_rpauid = rpauid;
            it.target_rpauid = target;
            it.application_data = data;
            it.prose_app_id = Some(APPLICATION);
            it.allowed_suffixes_number = Some(3);
        })
    };
    let alice = Some("alice.r");
    let unknown = Outcome::tgpp(Code::DIAMETER_ERROR_REQUESTING_RPAUID_UNKNOWN);
    let no_data = Outcome::tgpp(Code::DIAMETER_ERROR_MISSING_APPLICATION_DATA);
    let bad_data = Outcome::tgpp(Code::DIAMETER_ERROR_INVALID_APPLICATION_DATA);
    let rejected = Outcome::tgpp(Code::DIAMETER_ERROR_AUTHORIZATION_REJECT);
    for kind in Type::AUTHORIZATION_ANNOUNCE..=Type::AUTHORIZATION_UPDATE {
        assert_eq!(judged(&mut network, &ask(kind, Some("nobody"), None, None)), unknown, "{kind}");
        assert_eq!(judged(&mut network, &ask(kind, None, None, None)), MISSING, "{kind}");
    }
    let cases = [
        (ask(2, Some("carol.r"), None, None), rejected),
        (ask(3, alice, None, None), no_data),
        (ask(3, alice, None, Some("many")), bad_data),
        (ask(4, alice, None, None), no_data),
        (ask(4, alice, None, Some(" , ")), bad_data),
        (
            ask(4, alice, None, Some("nobody,carol.r")),
            Outcome::tgpp(Code::DIAMETER_ERROR_UNKNOWN_OR_INVALID_TARGET_SET),
        ),
        (ask(6, alice, None, None), MISSING),
        (ask(6, alice, Some("nobody"), None), Outcome::tgpp(Code::DIAMETER_ERROR_TARGET_RPAUID_UNKNOWN)),
        (ask(6, Some("carol.r"), Some("bob.r"), None), Outcome::tgpp(Code::DIAMETER_ERROR_DISCOVERY_NOT_PERMITTED)),
        (ask(9, Some("carol.r"), Some("bob.r"), None), Outcome::tgpp(Code::DIAMETER_ERROR_DISCOVERY_NOT_PERMITTED)),
        (ask(10, alice, Some("nobody"), None), Outcome::tgpp(Code::DIAMETER_ERROR_TARGET_RPAUID_UNKNOWN)),
        (ask(11, alice, None, None), MISSING),
        (ask(12, None, None, None), no_data),
        (ask(12, None, None, Some("0")), bad_data),
        (ask(13, None, None, None), no_data),
        (ask(14, alice, None, None), Outcome::Result(ResultCode::DIAMETER_INVALID_AVP_VALUE)),
        (pxr(Place::Function, |it| (it.prose_request_type, it.prose_app_id) = (12, Some(GAMES))), rejected),
        (pxr(Place::Function, |it| it.prose_request_type = 13), MISSING),
    ];
    for (message, outcome) in cases {
        assert_eq!(judged(&mut network, &message), outcome);
    }
    // What may be discovered of the list is said.
    let answer = network.ask(&Place::Function.sender(), Place::AppServer, &ask(4, alice, None, Some("bob.r,carol.r")));
    let target = find::<MonitorTarget>(body(&answer)).unwrap();
    assert_eq!(target.target_rpauid, "bob.r");
    assert_eq!(find::<TargetPduid>(body(&answer)), None);
}

#[test]
fn a_function_that_cannot_register_an_application_says_why() {
    let mut network = two_networks(|plan| plan.hss.subscribers[1].prose_permission = Some(1));
    let mut register = |place: Place, imsi: Imsi, application: &str, aluid: &str| {
        let procedure = network.call(place, |it, _, actions| {
            let function = if place == Place::Foreign { &mut it.foreign } else { &mut it.function };
            function.register_application(imsi, application, aluid, actions)
        });
        news(&mut network, place, procedure)
    };
    let cases = [
        (Place::Function, guest(), APPLICATION, "alice@chat.example", "not registered here"),
        (Place::Foreign, guest(), APPLICATION, "bob@chat.example", "does not allow"),
        (Place::Function, imsi(), "nothing", "alice@chat.example", "no app server"),
        (Place::Function, imsi(), APPLICATION, "", "1 to 1024"),
        (Place::Function, imsi(), APPLICATION, "nobody", "5590"),
    ];
    for (place, imsi, application, aluid, why) in cases {
        let news = register(place, imsi, application, aluid);
        assert!(!news.success && news.text.contains(why), "{news:?}");
    }
    assert!(network.store.values("epuid/", None, 9).unwrap().is_empty(), "nothing is recorded");
}

/// XAR type 11 of a test's own making.
fn xar(requesting: Option<&str>, banned: &[(&str, &[u8])]) -> Vec<u8> {
    let host = Place::AppServer.host();
    pc2::ProXimityApplicationRequest {
        session_id: "as1;1;1",
        auth_application_id: pc2::APPLICATION,
        auth_session_state: NO_STATE,
        origin_host: &host,
        origin_realm: REALM,
        destination_realm: REALM,
        prose_request_type: Type::AUTHORIZATION_UPDATE,
        requesting_rpauid: requesting,
        banned_user_target: banned
            .iter()
            .map(|(target_rpauid, target_pduid)| group::BannedUserTarget {
                target_rpauid,
                target_pduid,
                extra: Vec::new(),
            })
            .collect(),
        ..Default::default()
    }
    .to_bytes(envelope(pc2::APPLICATION))
}

#[test]
fn xar_type_11_is_refused_by_5596_5599_5601_5003_5004_and_5005() {
    let mut network = two_networks(|plan| plan.function.app_servers[0].applications.push(GAMES.to_owned()));
    network.call(Place::Function, |it, _, actions| {
        it.function.announce_restricted(imsi(), APPLICATION, "alice.r", None, Model::A, actions)
    });
    let pduid = network.id1().to_octets();
    let mut judged = |place: Place, message: &[u8]| {
        let answer = network.ask(&place.sender(), Place::Function, message);
        (Outcome::of(&answer).unwrap(), find::<FailedAvp>(body(&answer)).map(|it| it.extra[0].key.0))
    };
    let somebody: (&str, &[u8]) = ("bob.r", &pduid);
    assert_eq!(judged(Place::Mme, &xar(Some("alice.r"), &[somebody])).0, Outcome::REJECTED);
    let unknown = Outcome::tgpp(Code::DIAMETER_ERROR_REQUESTING_RPAUID_UNKNOWN);
    assert_eq!(judged(Place::AppServer, &xar(Some("nobody"), &[somebody])).0, unknown);
    let nobody = Outcome::tgpp(Code::DIAMETER_ERROR_TARGET_RPAUID_UNKNOWN);
    assert_eq!(judged(Place::AppServer, &xar(Some("alice.r"), &[somebody])).0, nobody, "bob does not monitor her");
    assert_eq!(judged(Place::AppServer, &xar(None, &[somebody])).0, MISSING);
    assert_eq!(judged(Place::AppServer, &xar(Some("alice.r"), &[])).0, MISSING);
    let bad = judged(Place::AppServer, &xar(Some("alice.r"), &[("bob.r", b"short")]));
    assert_eq!(bad.0, Outcome::Result(ResultCode::DIAMETER_INVALID_AVP_VALUE));
    // An app server of other applications.
    let mut foreign = xar(Some("alice.r"), &[somebody]);
    let (own, other) = (Place::AppServer.host(), Place::SecondAppServer.host());
    let at = foreign.windows(own.len()).position(|window| window == own.as_bytes()).unwrap();
    foreign[at..at + own.len()].copy_from_slice(other.as_bytes());
    let rejected = Outcome::tgpp(Code::DIAMETER_ERROR_AUTHORIZATION_REJECT);
    assert_eq!(judged(Place::SecondAppServer, &foreign).0, rejected);
}
