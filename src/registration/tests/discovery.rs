//! Direct discovery between the functions of two networks: PDR, PMR and PIR of TS 29.345, open and restricted, each with a
//! story that plays both sides and a test of its result codes.

use std::time::Duration;

use super::network::{APPLICATION, Network, Place, imsi};
use super::networks::{BAD, INVALID_TYPE, MISSING, judged, number, ours};
use super::requests::{append, envelope};
use super::standard::{detail, guest, news, two_networks};
use crate::avp::dictionary;
use crate::avp::dictionary::{ExperimentalResultCode as Code, MatchReport, ProseDirectAllowed as Direct, group};
use crate::interfaces::pc6;
use crate::message::{Command, find};
use crate::registration::exchange::NO_STATE;
use crate::registration::function::standard::{Model, Procedure};
use crate::registration::reply::{Outcome, body};

/// Bob announces in his network, and alice looks for him there.
fn announced(roams: Option<&str>) -> (Network, String) {
    let mut network = two_networks(|_| {});
    let plmn = roams.map(|plmn| plmn.parse().unwrap());
    let procedure = network.call(Place::Foreign, |it, now, actions| {
        it.foreign.announce(now, guest(), APPLICATION, plmn, Some("bob likes chess"), actions)
    });
    let told = news(&mut network, Place::Foreign, procedure);
    assert!(told.success, "{told:?}");
    (network, detail(&told, "ProSe-App-Code").to_owned())
}

#[test]
fn pdr_pda_types_0_and_1_pmr_pma_and_pir_pia_from_announcing_to_the_match() {
    let (mut network, code) = announced(Some("001-01"));
    assert_eq!(network.ladder(), ["PDR", "PDA"], "bob roams in our network and announces there");
    assert_eq!((network.function.announced_codes(), network.foreign.announced_codes()), ((0, 1), (1, 0)));
    let there = "001-02".parse().unwrap();
    let procedure =
        network.call(Place::Function, |it, now, actions| it.function.monitor(now, imsi(), APPLICATION, there, actions));
    let filters = news(&mut network, Place::Function, procedure);
    assert_eq!(detail(&filters, "ProSe-App-Code"), code);
    assert_eq!(network.ladder(), ["PDR", "PDA"]);
    let octets = data_encoding::HEXLOWER.decode(code.as_bytes()).unwrap();
    let met = |network: &mut Network, octets: &[u8]| {
        let here = "001-01".parse().unwrap();
        let procedure = network.call(Place::Function, |it, now, actions| {
            it.function.report_match(now, imsi(), octets, ([1, 2, 3, 4], 5), here, actions)
        });
        news(network, Place::Function, procedure)
    };
    let told = met(&mut network, &octets);
    assert_eq!((detail(&told, "ProSe-App-Id"), detail(&told, "ProSe-Match-Refresh-Timer")), (APPLICATION, "600"));
    assert_eq!(detail(&told, "ProSe-Application-Metadata"), "bob likes chess");
    // Bob roams in our own network, so nobody else has to know of the match.
    assert_eq!(network.ladder(), ["PMR", "PMA"]);
    network.pass(Duration::from_secs(3601));
    assert!(!met(&mut network, &octets).success, "the code has run out");
    assert_eq!(network.outcome("PMA"), Outcome::tgpp(Code::DIAMETER_ERROR_INVALID_APPLICATION_CODE));
    assert!(!met(&mut network, b"?").success);
    assert!(!met(&mut network, &[0xff; 23]).success, "of a network that nobody configured");
}

#[test]
fn pir_pia_of_pc6_tells_the_network_in_which_the_announcing_ue_roams() {
    let (mut network, code) = announced(None);
    let octets = data_encoding::HEXLOWER.decode(code.as_bytes()).unwrap();
    // The filters say that bob roams in the network where they came from.
    network.spoil = Some(Box::new(|answer: &mut Vec<u8>| {
        if answer[5..8] == 8_388_669u32.to_be_bytes()[1..] {
            let before = answer.clone();
            answer.truncate(20);
            for avp in body(&before).map(Result::unwrap) {
                if avp.key.0 == dictionary::DiscoveryAuthResponse::KEY {
                    let mut data = avp.data.to_vec();
                    dictionary::write_avp::<dictionary::VisitedPlmnId>(&[0x00, 0xf1, 0x20].as_slice(), &mut data);
                    dictionary::write_raw(avp.key, avp.flags, &data, answer);
                } else {
                    answer.extend_from_slice(avp.whole);
                }
            }
            append(answer, &[]);
        }
    }));
    network.call(Place::Function, |it, now, actions| {
        it.function.monitor(now, imsi(), APPLICATION, "001-02".parse().unwrap(), actions)
    });
    network.ladder();
    network.call(Place::Function, |it, now, actions| {
        let here = "001-01".parse().unwrap();
        it.function.report_match(now, imsi(), &octets, ([1, 2, 3, 4], 5), here, actions)
    });
    assert_eq!(network.ladder(), ["PMR", "PMA", "PIR", "PIA"]);
    assert!(network.reported("PC6 PIR"));
}

fn pdr(wish: group::DiscoveryAuthRequest<'_>) -> Vec<u8> {
    ours!(ProseDiscoveryRequest { discovery_auth_request: wish, discovery_entry_id: Some(7) })
}

fn discovery<'a>(kind: u32) -> group::DiscoveryAuthRequest<'a> {
    group::DiscoveryAuthRequest { discovery_type: kind, user_identity: Some(number()), ..Default::default() }
}

#[test]
fn pdr_of_open_discovery_is_refused_by_5630_5631_5636_5641_5004_and_5005() {
    let mut network = two_networks(|_| {});
    let announce = |code: Option<&'static [u8]>| group::DiscoveryAuthRequest {
        prose_app_id: Some(APPLICATION),
        prose_app_code: code,
        prose_validity_timer: Some(60),
        ..discovery(0)
    };
    let code = Some(&[9u8; 23][..]);
    let nobody = Outcome::tgpp(Code::DIAMETER_ERROR_NO_ASSOCIATED_DISCOVERY_FILTER);
    let cases = [
        (pdr(announce(code)), Outcome::SUCCESS),
        (pdr(announce(None)), MISSING),
        (pdr(announce(Some(b"abc"))), BAD),
        (pdr(group::DiscoveryAuthRequest { user_identity: None, ..announce(code) }), MISSING),
        (pdr(group::DiscoveryAuthRequest { prose_app_id: None, ..announce(code) }), MISSING),
        (pdr(group::DiscoveryAuthRequest { prose_validity_timer: None, ..announce(code) }), MISSING),
        (pdr(discovery(1)), MISSING),
        (pdr(group::DiscoveryAuthRequest { prose_app_id: Some(APPLICATION), ..discovery(1) }), nobody),
        (pdr(discovery(9)), INVALID_TYPE),
    ];
    for (message, outcome) in cases {
        assert_eq!(judged(&mut network, Place::Foreign, &message), outcome);
    }
    let mut network = two_networks(|plan| plan.foreign.standard.networks[0].direct_allowed = Direct::COMMUNICATION);
    let announcing = Outcome::tgpp(Code::DIAMETER_ERROR_ANNOUNCING_UNAUTHORIZED_IN_PLMN);
    let service = Outcome::tgpp(Code::DIAMETER_ERROR_UNAUTHORIZED_SERVICE_IN_THIS_PLMN);
    assert_eq!(judged(&mut network, Place::Foreign, &pdr(announce(code))), announcing);
    let monitor = pdr(group::DiscoveryAuthRequest { prose_app_id: Some(APPLICATION), ..discovery(1) });
    assert_eq!(judged(&mut network, Place::Foreign, &monitor), service);
    // The asking side says it.
    let there = "001-02".parse().unwrap();
    let announce = network.call(Place::Function, |it, now, actions| {
        it.function.announce(now, imsi(), APPLICATION, Some(there), None, actions)
    });
    let monitor =
        network.call(Place::Function, |it, now, actions| it.function.monitor(now, imsi(), APPLICATION, there, actions));
    for (procedure, why) in [(announce, "5631"), (monitor, "5636")] {
        let told = news(&mut network, Place::Function, procedure);
        assert!(!told.success && told.text.contains(why), "{told:?}");
    }
    assert_eq!(network.function.announced_codes(), (0, 0));
}

fn info<'a>(code: &'a [u8], mic: &'a [u8]) -> group::ProseAppCodeInfo<'a> {
    group::ProseAppCodeInfo { prose_app_code: code, mic, utc_based_counter: 1, extra: Vec::new() }
}

fn pmr<'a>(kind: u32, user: Option<group::UserIdentity<'a>>, infos: Vec<group::ProseAppCodeInfo<'a>>) -> Vec<u8> {
    let wish = group::MatchRequest {
        discovery_type: kind,
        user_identity: user,
        prose_app_code_info: infos,
        ..Default::default()
    };
    ours!(ProseMatchRequest { match_request: wish })
}

fn pir<'a>(kind: u32, user: Option<group::UserIdentity<'a>>, applications: Vec<&'a str>) -> Vec<u8> {
    let info = group::MatchReportInfo {
        discovery_type: kind,
        user_identity: user,
        prose_app_id: applications,
        extra: Vec::new(),
    };
    ours!(ProseMatchReportInfoRequest { match_report_info: info })
}

#[test]
fn pmr_and_pir_are_refused_by_5632_5641_5004_and_5005() {
    let (mut network, code) = announced(None);
    let code = data_encoding::HEXLOWER.decode(code.as_bytes()).unwrap();
    let (known, mic) = (code.as_slice(), &b"mic!"[..]);
    let user = || Some(number());
    let invalid = Outcome::tgpp(Code::DIAMETER_ERROR_INVALID_APPLICATION_CODE);
    let cases = [
        (pmr(1, user(), vec![info(known, mic)]), Outcome::SUCCESS),
        (pmr(1, user(), vec![info(&[9; 23], mic), info(known, mic)]), Outcome::SUCCESS),
        (pmr(1, user(), vec![info(&[9; 23], mic)]), invalid),
        (pmr(1, user(), vec![info(b"abc", mic)]), BAD),
        (pmr(1, user(), vec![info(known, b"mic")]), BAD),
        (pmr(1, user(), Vec::new()), MISSING),
        (pmr(1, None, vec![info(known, mic)]), MISSING),
        (pmr(3, user(), vec![info(known, mic)]), INVALID_TYPE),
        (pir(1, user(), vec![APPLICATION]), Outcome::SUCCESS),
        (pir(1, user(), Vec::new()), MISSING),
        (pir(1, None, vec![APPLICATION]), MISSING),
        (pir(0, user(), vec![APPLICATION]), INVALID_TYPE),
    ];
    for (message, outcome) in cases {
        assert_eq!(judged(&mut network, Place::Foreign, &message), outcome);
    }
    // Metadata goes to those alone who ask for it.
    let answer = network.ask(&Place::Function.sender(), Place::Foreign, &pmr(1, user(), vec![info(known, mic)]));
    let report = find::<MatchReport>(body(&answer)).unwrap();
    assert_eq!((report.prose_app_id, report.prose_application_metadata), (Some(APPLICATION), None));
}

/// Bob may be discovered and alice looks for him; gives what she was told.
pub fn discovered() -> (Network, Procedure) {
    let mut network = two_networks(|_| {});
    let procedure = network.call(Place::Foreign, |it, _, actions| {
        it.foreign.announce_restricted(guest(), APPLICATION, "bob.r", None, Model::A, actions)
    });
    let told = news(&mut network, Place::Foreign, procedure);
    assert!(told.success, "{told:?}");
    let procedure = network.call(Place::Function, |it, _, actions| {
        it.function.monitor_restricted(imsi(), APPLICATION, ("alice.r", "bob.r"), None, Model::A, actions)
    });
    (network, procedure)
}

#[test]
fn pdr_pda_types_2_and_3_of_restricted_discovery_ask_the_app_server_first() {
    let (mut network, procedure) = discovered();
    assert_eq!(network.ladder(), ["PXR", "PXA", "PXR", "PXA", "PDR", "PXR", "PXA", "PDA"]);
    let told = news(&mut network, Place::Function, procedure);
    assert_eq!((told.success, detail(&told, "Target-RPAUID")), (true, "bob.r"));
    assert_eq!(detail(&told, "ProSe-Restricted-Code").len(), 16);
    // Alice, whose ID1 came by message 1, announces in bob's network.
    let there = "001-02".parse().unwrap();
    let procedure = network.call(Place::Function, |it, _, actions| {
        it.function.announce_restricted(imsi(), APPLICATION, "alice.r", Some(there), Model::A, actions)
    });
    assert_eq!(network.ladder(), ["PXR", "PXA", "PDR", "PDA"]);
    let told = news(&mut network, Place::Function, procedure);
    assert!(told.success, "{told:?}");
    // And bob discovers her.
    let procedure = network.call(Place::Foreign, |it, _, actions| {
        it.foreign.monitor_restricted(guest(), APPLICATION, ("bob.r", "alice.r"), None, Model::A, actions)
    });
    let found = news(&mut network, Place::Foreign, procedure);
    assert_eq!(detail(&found, "ProSe-Restricted-Code"), detail(&told, "ProSe-Restricted-Code"));
}

#[test]
fn xar_type_11_ends_a_monitor_in_the_other_network_by_pdr_types_7_and_8() {
    let (mut network, _) = discovered();
    network.ladder();
    assert!(network.call(Place::AppServer, |it, _, actions| it.app_server.ban("bob.r", "alice.r", actions)));
    assert_eq!(network.ladder(), ["XAR", "XAA", "PDR", "PDA", "PDR", "PDA", "PXR", "PXA"]);
    assert!(network.reported("XAA type 11") && network.reported("PXA type 11") && network.reported("PDA type 8"));
    // She may not find him again, and there is nothing left to ban.
    let procedure = network.call(Place::Function, |it, _, actions| {
        it.function.monitor_restricted(imsi(), APPLICATION, ("alice.r", "bob.r"), None, Model::A, actions)
    });
    let told = news(&mut network, Place::Function, procedure);
    assert!(!told.success && told.text.contains("5597"), "{told:?}");
    network.call(Place::AppServer, |it, _, actions| it.app_server.ban("bob.r", "alice.r", actions));
    assert_eq!(network.outcome("XAA"), Outcome::tgpp(Code::DIAMETER_ERROR_TARGET_RPAUID_UNKNOWN));
    assert!(!network.call(Place::AppServer, |it, _, actions| it.app_server.ban("bob.r", "nobody", actions)));
}

#[test]
fn pdr_of_restricted_discovery_is_refused_by_5638_5639_5640_5631_5636_5004_and_5005() {
    let (mut network, _) = discovered();
    let pduid = |network: &Network| {
        let request = network.crossed.iter().find(|it| it.name == "PDR").unwrap();
        let request = pc6::ProseDiscoveryRequest::decode(&request.message).unwrap();
        request.discovery_auth_request.target_pduid.unwrap().to_vec()
    };
    let bob = pduid(&network);
    let seek = |kind, who, target, pduid| group::DiscoveryAuthRequest {
        requesting_rpauid: who,
        target_rpauid: target,
        target_pduid: pduid,
        ..discovery(kind)
    };
    let (alice, name) = (Some("alice.r"), Some("bob.r"));
    let id = Some(bob.as_slice());
    let no_code = Outcome::tgpp(Code::DIAMETER_ERROR_NO_ASSOCIATED_RESTRICTED_CODE);
    let no_pduid = Outcome::tgpp(Code::DIAMETER_ERROR_INVALID_TARGET_PDUID);
    let no_rpauid = Outcome::tgpp(Code::DIAMETER_ERROR_INVALID_TARGET_RPAUID);
    let code = Some(&[9u8; 8][..]);
    let announce = |kind, code| group::DiscoveryAuthRequest {
        requesting_rpauid: Some("alice.r"),
        prose_restricted_code: code,
        ..discovery(kind)
    };
    let ban = |code, who, id| group::DiscoveryAuthRequest {
        discovery_type: 7,
        prose_restricted_code: code,
        banned_rpauid: who,
        banned_pduid: id,
        ..Default::default()
    };
    let report = |result| group::DiscoveryAuthRequest {
        discovery_type: 8,
        banned_rpauid: Some("alice.r"),
        service_result: result,
        ..Default::default()
    };
    let cases = [
        (seek(3, alice, name, id), Outcome::SUCCESS),
        (seek(5, alice, name, id), Outcome::SUCCESS),
        (seek(3, alice, name, Some(&[7; 8])), no_pduid),
        (seek(3, alice, Some("carol.r"), id), no_code),
        // The app server does not know her, or does not allow it.
        (seek(3, Some("mallory.r"), name, id), no_rpauid),
        (seek(5, Some("carol.r"), name, id), no_rpauid),
        (seek(3, None, name, id), MISSING),
        (seek(3, alice, None, id), MISSING),
        (seek(3, alice, name, None), MISSING),
        (seek(3, alice, name, Some(b"short")), BAD),
        (announce(2, code), Outcome::SUCCESS),
        (announce(2, None), MISSING),
        (announce(2, Some(b"short")), BAD),
        (announce(4, None), Outcome::SUCCESS),
        (announce(6, None), Outcome::SUCCESS),
        (ban(code, alice, id), no_code),
        (ban(None, alice, id), MISSING),
        (ban(code, None, id), MISSING),
        (ban(code, alice, None), MISSING),
        (ban(Some(b"short"), alice, id), BAD),
        (report(None), MISSING),
        (report(Some(group::ServiceResult::default())), no_code),
    ];
    for (at, (wish, outcome)) in cases.into_iter().enumerate() {
        assert_eq!(judged(&mut network, Place::Foreign, &pdr(wish)), outcome, "{at}");
    }
    // Without the app server nobody is let in.
    network.down.insert(Place::AppServer);
    assert_eq!(judged(&mut network, Place::Foreign, &pdr(seek(3, alice, name, id))), Outcome::UNABLE_TO_DELIVER);
    network.down.clear();
    let mut network = two_networks(|plan| plan.foreign.standard.networks[0].direct_allowed = Direct::ANNOUNCE);
    let announcing = Outcome::tgpp(Code::DIAMETER_ERROR_ANNOUNCING_UNAUTHORIZED_IN_PLMN);
    for kind in [2, 4, 6] {
        assert_eq!(judged(&mut network, Place::Foreign, &pdr(announce(kind, code))), announcing);
    }
    let service = Outcome::tgpp(Code::DIAMETER_ERROR_UNAUTHORIZED_SERVICE_IN_THIS_PLMN);
    for kind in [3, 5] {
        assert_eq!(judged(&mut network, Place::Foreign, &pdr(seek(kind, alice, name, id))), service);
    }
    // An RPAUID with another PDUID than that of its announcement.
    let (mut network, _) = discovered();
    let procedure = network.call(Place::Foreign, |it, _, actions| {
        it.foreign.announce_restricted(guest(), APPLICATION, "carol.r", None, Model::A, actions)
    });
    assert!(!news(&mut network, Place::Foreign, procedure).success, "carol may not announce");
}

#[test]
fn all_that_is_kept_for_other_networks_is_bounded() {
    let mut network = two_networks(|plan| plan.foreign.standard.most_entries = 3);
    for at in 0..10u8 {
        let code = [at; 23];
        let wish = group::DiscoveryAuthRequest {
            prose_app_id: Some(APPLICATION),
            prose_app_code: Some(&code),
            prose_validity_timer: Some(60),
            ..discovery(0)
        };
        let expected = if at < 3 { Outcome::SUCCESS } else { Outcome::TOO_BUSY };
        assert_eq!(judged(&mut network, Place::Foreign, &pdr(wish)), expected);
    }
    assert_eq!(network.foreign.announced_codes(), (0, 3));
    network.pass(Duration::from_secs(120));
    assert_eq!(network.foreign.announced_codes(), (0, 0));
}
