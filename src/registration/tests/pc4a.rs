//! PC4a command by command, between our function and our HSS: TS 29.344. And the MME against ULAs as real HSSs send them.

use std::time::Duration;

use super::network::{APPLICATION, Network, Place, REALM, imsi};
use super::requests::{append, envelope};
use super::standard::{both_registered, detail, guest, news, two_networks};
use crate::avp::dictionary::{
    self, ExperimentalResultCode as Code, PnrFlags, ProseInitialLocationInformation, ResetId, ResultCode,
    SupportedFeatures, TGPP, UprFlags, UserId, VisitedPlmnId, group, write_avp, write_raw,
};
use crate::avp::{AvpFlags, Key};
use crate::interfaces::pc4::hss as pc4a;
use crate::message::{Command, find};
use crate::registration::exchange::{NO_STATE, vendor_specific};
use crate::registration::hss::AllowedNetwork;
use crate::registration::reply::{Outcome, body};
use crate::store::{ContextReader, UserReader};

fn outcome(network: &mut Network, from: Place, to: Place, message: &[u8]) -> Outcome {
    Outcome::of(&network.ask(&from.sender(), to, message)).unwrap()
}

const MISSING: Outcome = Outcome::Result(ResultCode::DIAMETER_MISSING_AVP);
const BAD: Outcome = Outcome::Result(ResultCode::DIAMETER_INVALID_AVP_VALUE);

#[test]
fn pir_pia_gives_the_subscription_and_5611_where_the_network_is_not_allowed() {
    let mut network = Network::with(|plan| {
        let subscriber = &mut plan.hss.subscribers[0];
        subscriber.reset_ids = vec!["disk-1".into(), "disk-2".into()];
        let plmn = "001-01".parse().unwrap();
        subscriber.allowed_plmns = vec![AllowedNetwork { plmn, discovery_range: Some(2), direct_allowed: Some(3) }];
    });
    network.register();
    let subscription = network.context().unwrap().subscription;
    assert_eq!(subscription.reset_ids, [Box::from(&b"disk-1"[..]), Box::from(&b"disk-2"[..])]);
    assert_eq!(subscription.allowed_plmns[0].direct_allowed, Some(3));
    assert_eq!(subscription.visited_plmn, Some("001-01".parse().unwrap()));
    // Direct services alone, and none of the networks is the one the UE is in.
    let mut network = Network::with(|plan| {
        let subscriber = &mut plan.hss.subscribers[0];
        subscriber.prose_permission = Some(1);
        let plmn = "001-09".parse().unwrap();
        subscriber.allowed_plmns = vec![AllowedNetwork { plmn, discovery_range: None, direct_allowed: Some(3) }];
    });
    network.register();
    assert_eq!(network.outcome("PIA"), Outcome::tgpp(Code::DIAMETER_ERROR_PROSE_NOT_ALLOWED));
    assert_eq!(network.outcome("IAA"), Outcome::tgpp(Code::DIAMETER_ERROR_PROSE_NOT_ALLOWED));
    assert_eq!(network.count("URR"), 0);
}

#[test]
fn pc4a_refuses_features_that_a_request_insists_on_with_5011() {
    let mut network = Network::new();
    network.allocate();
    let insist = |list: u32, flags: u8| {
        let features =
            group::SupportedFeatures { vendor_id: TGPP, feature_list_id: 1, feature_list: list, extra: Vec::new() };
        let mut avp = Vec::new();
        write_avp::<SupportedFeatures>(&features, &mut avp);
        avp[4] = flags;
        avp
    };
    let unsupported = Outcome::tgpp(Code::DIAMETER_ERROR_FEATURE_UNSUPPORTED);
    let change = |it: &mut Network, _, actions: &mut Vec<_>| it.hss.change_permission(imsi(), Some(3), actions);
    assert!(network.call(Place::Hss, change));
    for (name, from, to) in [("PIR", Place::Function, Place::Hss), ("UPR", Place::Hss, Place::Function)] {
        let message = network.last(name).message.clone();
        let mandatory = AvpFlags::VENDOR | AvpFlags::MANDATORY;
        for (list, flags, expected) in
            [(2, mandatory, unsupported), (1, mandatory, Outcome::SUCCESS), (2, AvpFlags::VENDOR, Outcome::SUCCESS)]
        {
            let mut message = message.clone();
            append(&mut message, &insist(list, flags));
            let answer = network.ask(&from.sender(), to, &message);
            assert_eq!(Outcome::of(&answer), Some(expected), "{name} {list} {flags:#x}");
            let ours = find::<SupportedFeatures>(body(&answer)).map(|it| it.feature_list);
            assert_eq!(ours, (expected == unsupported).then_some(1));
        }
    }
}

#[test]
fn upr_upa_change_the_subscription_the_network_and_the_reset_ids() {
    let mut network = Network::new();
    network.register();
    network.call(Place::Hss, |it, _, actions| it.hss.change_permission(imsi(), Some(7), actions));
    assert_eq!((network.outcome("UPA"), network.context().unwrap().subscription.permission), (Outcome::SUCCESS, 7));
    network.call(Place::Hss, |it, _, actions| it.hss.change_reset_ids(imsi(), vec!["disk-9".into()], actions));
    assert_eq!(network.context().unwrap().subscription.reset_ids, [Box::from(&b"disk-9"[..])]);
    assert_eq!(network.context().unwrap().subscription.permission, 7, "what was not sent stays");
    network.call(Place::Hss, |it, _, actions| it.hss.change_reset_ids(imsi(), Vec::new(), actions));
    assert!(network.context().unwrap().subscription.reset_ids.is_empty());
    // The UE is in another network now: the MME there tells the HSS, and the HSS the function.
    let mut location = network.last("ULR").message.clone();
    let at = location.windows(3).rposition(|window| window == [0x00, 0xf1, 0x10]).unwrap();
    location[at + 2] = 0x20;
    network.ask(&Place::Mme.sender(), Place::Hss, &location);
    assert_eq!(network.context().unwrap().subscription.visited_plmn, Some("001-02".parse().unwrap()));
    assert_eq!(network.count("UPR"), 4);
    // Not for a subscription that nobody has.
    let unknown = "001010000000000".parse().unwrap();
    assert!(!network.call(Place::Hss, |it, _, actions| it.hss.change_reset_ids(unknown, Vec::new(), actions)));
}

#[test]
fn upr_is_refused_by_5001_5003_5004_and_5005_and_changes_nothing() {
    let mut network = Network::new();
    network.register();
    network.call(Place::Hss, |it, _, actions| it.hss.change_permission(imsi(), Some(7), actions));
    let good = network.last("UPR").message.clone();
    let without = |key: u64, add: &[u8]| {
        let mut message = good[..20].to_vec();
        for avp in body(&good).map(Result::unwrap).filter(|avp| avp.key.0 != key) {
            message.extend_from_slice(avp.whole);
        }
        append(&mut message, add);
        message
    };
    assert_eq!(outcome(&mut network, Place::Mme, Place::Function, &good), Outcome::REJECTED);
    let unknown = Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN);
    assert_eq!(outcome(&mut network, Place::Hss, Place::Other, &good), unknown);
    let mut network_of = Vec::new();
    write_avp::<VisitedPlmnId>(&b"no".as_slice(), &mut network_of);
    assert_eq!(outcome(&mut network, Place::Hss, Place::Function, &without(VisitedPlmnId::KEY, &network_of)), BAD);
    // Update says that there is new data, and there is none.
    let mut flags = without(dictionary::ProseSubscriptionData::KEY, &[]);
    let at = body(&flags).map(Result::unwrap).position(|avp| avp.key.0 == VisitedPlmnId::KEY);
    if at.is_some() {
        let copy = flags.clone();
        flags.truncate(20);
        for avp in body(&copy).map(Result::unwrap).filter(|avp| avp.key.0 != VisitedPlmnId::KEY) {
            flags.extend_from_slice(avp.whole);
        }
        append(&mut flags, &[]);
    }
    assert_eq!(outcome(&mut network, Place::Hss, Place::Function, &flags), MISSING);
    assert_eq!(outcome(&mut network, Place::Hss, Place::Function, &without(UprFlags::KEY, &[])), MISSING);
    assert_eq!(network.context().unwrap().subscription.permission, 7);
}

#[test]
fn upr_that_leaves_no_service_reaches_the_app_servers() {
    let mut network = Network::new();
    network.register();
    network.ladder();
    network.call(Place::Hss, |it, _, actions| it.hss.change_permission(imsi(), Some(1), actions));
    assert_eq!(network.ladder(), ["UPR", "UPA"], "a service is left: the registration stays");
    assert_eq!(network.context().unwrap().bindings.len(), 1);
    network.down.insert(Place::AppServer);
    network.call(Place::Hss, |it, _, actions| it.hss.change_permission(imsi(), Some(0), actions));
    assert!(network.context().unwrap().bindings.is_empty());
    let ues = |network: &Network| network.users.users(None, 9).unwrap()[0].registration.ues.len();
    assert_eq!((network.ladder(), ues(&network)), (vec!["UPR".to_owned(), "UPA".to_owned()], 1));
    // The app server hears it as soon as it is back.
    network.down.clear();
    network.pass(Duration::from_secs(120));
    assert_eq!((network.outcome("PXA"), ues(&network)), (Outcome::SUCCESS, 0));
    assert!(network.context().is_some(), "the UE keeps its ID1");
}

#[test]
fn upr_removal_ends_all_that_the_ue_had() {
    let mut network = two_networks(|_| {});
    both_registered(&mut network);
    network.call(Place::Hss, |it, _, actions| it.hss.change_permission(imsi(), None, actions));
    assert_eq!((network.outcome("UPA"), network.context()), (Outcome::SUCCESS, None));
    assert!(network.store.values("epuid/", None, 9).unwrap().is_empty(), "the EPUID is free");
    assert!(network.store.values("standard/", None, 9).unwrap().is_empty());
    assert_eq!(network.hss.serving_function(imsi()), None);
}

#[test]
fn pnr_pna_after_a_move_purges_the_old_function_alone() {
    let mut network = Network::new();
    network.register();
    network.change_function();
    assert_eq!((network.count("PNR"), network.outcome("PNA")), (1, Outcome::SUCCESS));
    assert_eq!(network.hss.serving_function(imsi()), Some(Place::Other.host().as_str()));
}

#[test]
fn pnr_of_a_revocation_is_recorded_and_refused_by_5001_5003_5004_and_5005() {
    let mut network = Network::new();
    network.register();
    let plmn = "001-02".parse().unwrap();
    let flags = PnrFlags::DIRECT_DISCOVERY_REVOKED | PnrFlags::PURGED_UE;
    network.call(Place::Function, |it, _, actions| it.function.revocation(imsi(), plmn, flags, actions));
    assert_eq!(network.outcome("PNA"), Outcome::SUCCESS);
    assert_eq!(network.hss.revoked(imsi(), plmn), PnrFlags::DIRECT_DISCOVERY_REVOKED, "a revocation purges nobody");
    let host = Place::Function.host();
    let notify = |user: Option<&str>, flags, visited: Option<&[u8]>| {
        pc4a::ProseNotifyRequest {
            session_id: "pf1;1;1",
            vendor_specific_application_id: Some(vendor_specific(pc4a::APPLICATION)),
            auth_session_state: NO_STATE,
            origin_host: &host,
            origin_realm: REALM,
            destination_realm: REALM,
            user_name: user,
            visited_plmn_id: visited,
            pnr_flags: Some(flags),
            ..Default::default()
        }
        .to_bytes(envelope(pc4a::APPLICATION))
    };
    let user = Some(super::network::IMSI);
    let visited = Some(&[0x00, 0xf1, 0x20][..]);
    let unknown = Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN);
    let cases = [
        (Place::Function, notify(Some("001010000000000"), 4, None), unknown),
        (Place::Mme, notify(user, 4, None), Outcome::REJECTED),
        (Place::Function, notify(user, 5, visited), BAD),
        (Place::Function, notify(user, 1, None), MISSING),
        (Place::Function, notify(user, 1, Some(b"no")), BAD),
        (Place::Function, notify(None, 4, None), MISSING),
        (Place::Function, notify(user, 2, visited), Outcome::SUCCESS),
    ];
    for (from, message, expected) in cases {
        assert_eq!(outcome(&mut network, from, Place::Hss, &message), expected);
    }
    assert_eq!(network.hss.revoked(imsi(), plmn), 3);
}

#[test]
fn rsr_rsa_on_both_codes_and_of_a_part_of_the_hss() {
    let mut network = Network::new();
    network.register();
    network.call(Place::Hss, |it, _, actions| it.hss.reset_of(&["00101"], &["disk-1"], actions));
    assert_eq!(network.outcome("RSA"), Outcome::SUCCESS);
    let message = network.last("RSR").message.clone();
    assert_eq!(find::<UserId>(body(&message)), Some("00101"));
    assert_eq!(find::<ResetId>(body(&message)), Some(&b"disk-1"[..]));
    let mut other = message.clone();
    other[5..8].copy_from_slice(&8_388_667u32.to_be_bytes()[1..]);
    assert_eq!(outcome(&mut network, Place::Hss, Place::Function, &other), Outcome::SUCCESS);
    assert_eq!(outcome(&mut network, Place::AppServer, Place::Function, &message), Outcome::REJECTED);
}

#[test]
fn psr_psa_tells_where_a_ue_is_with_5001_and_5612() {
    let mut network = two_networks(|_| {});
    network.pass(Duration::from_secs(600));
    let procedure = network.call(Place::Function, |it, _, actions| it.function.locate(imsi(), actions));
    let told = news(&mut network, Place::Function, procedure);
    assert_eq!(detail(&told, "MME-Name"), Place::Mme.host());
    assert_eq!(detail(&told, "Age-Of-Location-Information"), "10");
    let answer = network.last("PSA").message.clone();
    let location = find::<ProseInitialLocationInformation>(body(&answer)).unwrap();
    assert_eq!(location.mme_name, Some(Place::Mme.host().as_str()));
    assert_eq!(location.age_of_location_information, Some(10), "minutes");
    // Bob's UE came by a message 5 alone: no MME has told the HSS of it.
    let nowhere = Outcome::tgpp(Code::DIAMETER_ERROR_UE_LOCATION_UNKNOWN);
    let unknown = Outcome::tgpp(Code::DIAMETER_ERROR_USER_UNKNOWN);
    for (imsi, expected) in [(guest(), nowhere), ("001010000000000".parse().unwrap(), unknown)] {
        network.call(Place::Function, |it, _, actions| it.function.locate(imsi, actions));
        assert_eq!(network.outcome("PSA"), expected);
    }
}

/// A ULA as real HSSs send it: an access profile, charging, features, AVPs that no grammar here names, and among them
/// ProSe-Subscription-Data.
fn real_ula(ula: &mut Vec<u8>, permission: Option<u32>) {
    let mut data = Vec::new();
    write_avp::<dictionary::SubscriberStatus>(&0, &mut data);
    write_avp::<dictionary::Msisdn>(&[0x94, 0x51, 0x11].as_slice(), &mut data);
    write_avp::<dictionary::NetworkAccessMode>(&2, &mut data);
    // Subscription-Data of release 8 to 16 has dozens of members more: Context-Identifier, 3GPP-Charging-
    // Characteristics, Subscribed-VSRVCC, ... as octets here.
    for (code, octets) in [(13, &b"0800"[..]), (1433, b"\0\0\0\x01"), (1636, b"\0\0\0\0"), (9_999, b"vendor's own")] {
        write_raw(Key::new(TGPP, code), AvpFlags(AvpFlags::VENDOR), octets, &mut data);
    }
    if let Some(permission) = permission {
        let plmn = [0x00, 0xf1, 0x10];
        let allowed = group::ProseAllowedPlmn {
            visited_plmn_id: Some(&plmn),
            authorized_discovery_range: Some(2),
            prose_direct_allowed: Some(3),
            extra: Vec::new(),
        };
        let prose = group::ProseSubscriptionData {
            prose_permission: permission,
            prose_allowed_plmn: vec![allowed],
            tgpp_charging_characteristics: Some("0800"),
            extra: Vec::new(),
        };
        write_avp::<dictionary::ProseSubscriptionData>(&prose, &mut data);
    }
    let before = ula.clone();
    ula.truncate(20);
    for avp in body(&before).map(Result::unwrap) {
        if avp.key.0 == dictionary::SubscriptionData::KEY {
            write_raw(avp.key, avp.flags, &data, ula);
        } else {
            ula.extend_from_slice(avp.whole);
        }
    }
    let features =
        group::SupportedFeatures { vendor_id: TGPP, feature_list_id: 1, feature_list: 0x3fff, extra: Vec::new() };
    write_avp::<SupportedFeatures>(&features, ula);
    append(ula, &[]);
}

#[test]
fn mme_1_mme_2_mme_3_judge_by_a_real_ula_that_carries_prose_subscription_data() {
    // capability, permission in the ULA, and whether message 5 leaves: both must have a bit in common.
    let cases = [
        (0x03, Some(0x03), true),
        (0x02, Some(0x03), true),
        (0x04, Some(0x03), false),
        (0x00, Some(0xff), false),
        (0xff, Some(0x00), false),
        (0xff, None, false),
        // Bits of later releases mean nothing here.
        (0xffff_ff00, Some(0xffff_ffff), false),
    ];
    for (capability, permission, leaves) in cases {
        let mut network = Network::with(|plan| plan.ue.devices[0].capability = capability);
        network.spoil = Some(Box::new(move |answer: &mut Vec<u8>| {
            if answer[5..8] == 316u32.to_be_bytes()[1..] {
                real_ula(answer, permission);
            }
        }));
        network.register();
        assert_eq!(network.count("MIR"), usize::from(leaves), "{capability:#x} {permission:?}");
        assert_eq!(network.outcome("IAA").is_success(), leaves);
        assert_eq!(network.count("XAR"), usize::from(leaves), "message 6 is carried and the UE goes on");
    }
}

#[test]
fn paa_that_takes_back_what_was_allowed_is_told_to_the_hss() {
    let mut network = two_networks(|_| {});
    let plmn = "001-02".parse().unwrap();
    let ask = |network: &mut Network| {
        let procedure = network.call(Place::Function, |it, _, actions| it.function.authorize(imsi(), plmn, actions));
        news(network, Place::Function, procedure)
    };
    assert!(ask(&mut network).success);
    let now = network.now();
    assert_eq!(network.function.granted(now, imsi(), plmn), Some(0x3ff));
    network.spoil = Some(Box::new(|answer: &mut Vec<u8>| {
        if answer[5..8] == 8_388_668u32.to_be_bytes()[1..] {
            // The other operator has changed its mind: 5636 in place of 2001.
            let code = Code::DIAMETER_ERROR_UNAUTHORIZED_SERVICE_IN_THIS_PLMN;
            let before = answer.clone();
            answer.truncate(20);
            for avp in body(&before).map(Result::unwrap).filter(|avp| avp.key.0 != ResultCode::KEY) {
                answer.extend_from_slice(avp.whole);
            }
            let group =
                group::ExperimentalResult { vendor_id: TGPP, experimental_result_code: code, extra: Vec::new() };
            let mut avp = Vec::new();
            write_avp::<dictionary::ExperimentalResult>(&group, &mut avp);
            append(answer, &avp);
        }
    }));
    assert!(!ask(&mut network).success);
    assert_eq!((network.function.granted(now, imsi(), plmn), network.outcome("PNA")), (None, Outcome::SUCCESS));
    assert_eq!(network.hss.revoked(imsi(), plmn), 3);
    assert!(network.context().unwrap().binding(APPLICATION).is_some());
}
