//! The UE and its MME: what lets message 5 leave, and what comes back. The happy flow is in `flow.rs`.

use super::network::{Network, Place};
use crate::avp::dictionary::{
    self, AccessRestrictionData, Declared, ErrorMessage, NetworkAccessMode, Pduid as PduidAvp, PduidValidityTime,
    ProseFunctionId, RefusalCause, SubscriberStatus, SubscriptionData, write_avp, write_raw,
};
use crate::avp::{AvpFlags, Key};
use crate::message::declare::finish_message;
use crate::message::{HEADER_LENGTH, Header, find};
use crate::registration::reply::{Outcome, body};
use crate::registration::ue::Phase;

/// The AVPs of the answer that the UE got, as the function gave them.
fn of_message_6(network: &Network, name: &str) -> (Option<Vec<u8>>, Option<u32>, Option<Vec<u8>>) {
    let message = &network.last(name).message;
    (
        find::<PduidAvp>(body(message)).map(<[u8]>::to_vec),
        find::<PduidValidityTime>(body(message)),
        find::<ProseFunctionId>(body(message)).map(<[u8]>::to_vec),
    )
}

#[test]
fn ue_1_no_message_1_leaves_without_an_id1() {
    let mut network = Network::with(|plan| plan.function.mmes.clear());
    network.register();
    assert_eq!((network.count("MIR"), network.count("IAA"), network.count("URR")), (1, 1, 0));
    assert_eq!(network.ue.phase(0), Some(&Phase::Detached));
    assert!(network.ue.attachment(0).is_none());
}

#[test]
fn ue_2_the_ue_holds_what_message_6_brought_through_the_mme() {
    let mut network = Network::new();
    network.allocate();
    assert_eq!(network.last("IAR").to, Place::Mme, "message 5 goes to the MME and to nobody else");
    let (id1, validity, id3) = of_message_6(&network, "IAA");
    let held = network.ue.attachment(0).unwrap();
    assert_eq!(id1.unwrap(), held.id1.to_octets());
    assert_eq!(id3.as_deref(), held.id3.as_ref().and_then(|id3| id3.name_octets()));
    assert_eq!(held.valid_until.0, network.now().unix.as_secs() + u64::from(validity.unwrap()));
    assert_eq!(network.ue.phase(0), Some(&Phase::Attached));
}

#[test]
fn ue_4_message_4_is_the_result_and_nothing_else_is_asked_of_the_user() {
    let mut network = Network::new();
    network.register();
    // One message 5 and one message 1 are all that the UE has ever sent, and nobody has asked it for anything.
    let sent = network.crossed.iter().filter(|crossed| ["IAR", "URR"].contains(&crossed.name.as_str())).count();
    let asked = network
        .crossed
        .iter()
        .filter(|crossed| crossed.to == Place::Ue && Header::parse(&crossed.message).unwrap().is_request())
        .count();
    assert_eq!((sent, asked), (2, 0));
    let id2 = find::<dictionary::OriginAppLayerUserId>(body(&network.last("URA").message)).unwrap();
    assert!(matches!(network.ue.phase(0), Some(Phase::Registered { id2: held }) if held.as_str() == id2));
    assert_eq!(network.crossed.last().map(|crossed| crossed.name.as_str()), Some("URA"));

    // A refusal is a result as well: the UE keeps its ID1, says why, and does nothing of itself.
    let mut network = Network::new();
    network.allocate();
    network.down.insert(Place::Function);
    network.ladder();
    network.register();
    assert_eq!(network.ladder(), ["URR", "URA"]);
    assert_eq!(network.ue.phase(0), Some(&Phase::Attached));
    assert!(network.ue.refused(0).is_some() && network.ue.is_idle(0));
}

#[test]
fn mme_1_message_5_leaves_when_capability_and_subscription_share_a_service_and_only_then() {
    for capability in (0..8).map(|bit| 1 << bit).chain([0, 0xff]) {
        for permission in (0..8).map(|bit| 1 << bit).chain([0, 0xff]) {
            for services in [0xff, 0x0f] {
                let mut network = Network::with(|plan| {
                    plan.ue.devices[0].capability = capability;
                    plan.hss.subscribers[0].prose_permission = Some(permission);
                    plan.mme.services = services;
                });
                network.allocate();
                let shared = capability & permission & services != 0;
                let case = format!("capability {capability:#x}, subscription {permission:#x}, services {services:#x}");
                assert_eq!(network.count("MIR"), usize::from(shared), "{case}");
                assert_eq!(network.count("IAA"), 1, "{case}");
                // What the UE cannot do is not asked for either.
                assert_eq!(network.count("ULR"), usize::from(capability & services != 0), "{case}");
                let cause = match (capability & services, shared) {
                    (_, true) => None,
                    (0, false) => Some(RefusalCause::UE_NOT_CAPABLE),
                    (_, false) => Some(RefusalCause::NOT_SUBSCRIBED),
                };
                assert_eq!(network.ue.refused(0).and_then(|refused| refused.cause), cause, "{case}");
            }
        }
    }
}

/// The ULA as an HSS of an operator gives it: ProSe-Subscription-Data among all that a phone is subscribed to, AVPs that
/// TS 29.272 has and this project does not among them.
fn as_an_operator_would(ula: &mut Vec<u8>) {
    let key = SubscriptionData::DEFINITION.key;
    let mut out = ula[..HEADER_LENGTH].to_vec();
    let raw = |vendor: u32, code: u32, data: &[u8], out: &mut Vec<u8>| {
        let vendor_flag = if vendor == 0 { 0 } else { AvpFlags::VENDOR };
        write_raw(Key::new(vendor, code), AvpFlags(AvpFlags::MANDATORY | vendor_flag), data, out);
    };
    for avp in body(ula).map(Result::unwrap) {
        if avp.key != key {
            out.extend_from_slice(avp.whole);
            continue;
        }
        let mut members = Vec::new();
        write_avp::<SubscriberStatus>(&0, &mut members);
        write_avp::<NetworkAccessMode>(&2, &mut members);
        write_avp::<AccessRestrictionData>(&32, &mut members);
        // AMBR, and a profile of one APN. TS 29.272 sections 7.3.41 and 7.3.34.
        let mut ambr = Vec::new();
        raw(10415, 516, &50_000_000_u32.to_be_bytes(), &mut ambr);
        raw(10415, 515, &100_000_000_u32.to_be_bytes(), &mut ambr);
        raw(10415, 1435, &ambr, &mut members);
        let (mut apn, mut profile) = (Vec::new(), Vec::new());
        raw(10415, 1423, &1_u32.to_be_bytes(), &mut apn);
        raw(10415, 1456, &0_u32.to_be_bytes(), &mut apn);
        raw(0, 493, b"internet", &mut apn);
        raw(10415, 1423, &1_u32.to_be_bytes(), &mut profile);
        raw(10415, 1428, &0_u32.to_be_bytes(), &mut profile);
        raw(10415, 1430, &apn, &mut profile);
        raw(10415, 1429, &profile, &mut members);
        avp.members().map(Result::unwrap).for_each(|member| members.extend_from_slice(member.whole));
        // Subscribed-Periodic-RAU-TAU-Timer, behind what matters here.
        raw(10415, 1619, &720_u32.to_be_bytes(), &mut members);
        raw(10415, 1400, &members, &mut out);
    }
    finish_message(0, &mut out);
    *ula = out;
}

#[test]
fn mme_1_the_subscription_is_found_in_the_ula_of_an_operators_hss() {
    for (permission, leaves) in [(Some(1), 1), (Some(0), 0), (None, 0)] {
        let mut network = Network::with(|plan| plan.hss.subscribers[0].prose_permission = permission);
        network.spoil = Some(Box::new(|answer| {
            let header = Header::parse(answer).unwrap();
            if header.code == 316 {
                as_an_operator_would(answer);
            }
        }));
        network.allocate();
        assert_eq!(network.count("MIR"), leaves, "{permission:?}: {:?}", network.ue.refused(0));
        let cause = network.ue.refused(0).and_then(|refused| refused.cause);
        assert_eq!(cause, (leaves == 0).then_some(RefusalCause::NOT_SUBSCRIBED));
    }
}

#[test]
fn mme_3_message_6_is_carried_back_as_the_function_gave_it() {
    let mut network = Network::new();
    network.allocate();
    let given = of_message_6(&network, "MIA");
    assert!(given.0.is_some() && given.1.is_some() && given.2.is_some());
    assert_eq!(of_message_6(&network, "IAA"), given);

    // A refusal too: its result, its cause and its words.
    let mut network = Network::with(|plan| plan.function.mmes.clear());
    network.allocate();
    assert_eq!(network.outcome("IAA"), network.outcome("MIA"));
    assert_eq!(network.outcome("IAA"), Outcome::REJECTED);
    let words = |name: &str| find::<ErrorMessage>(body(&network.last(name).message)).map(str::to_owned);
    assert_eq!(words("IAA"), words("MIA"));
    assert_eq!(of_message_6(&network, "IAA").0, None);
}
