//! The flow when all goes well, and the move.

use super::network::{APPLICATION, IMSI, Network, Place, address_of, imsi};
use crate::avp::dictionary::{self, Pduid as PduidAvp, ProseFunctionAddress, ProseFunctionId};
use crate::interfaces::{pc2, pc3};
use crate::message::{Command, find};
use crate::registration::identifiers::FunctionAddress;
use crate::registration::reply::{Outcome, body, optional};
use crate::registration::ue::Phase;
use crate::store::{ContextReader, UeState};

#[test]
fn ue_1_ue_2_a_ue_asks_for_id1_before_it_registers() {
    let mut network = Network::new();
    network.register();
    assert_eq!(network.ladder(), ["IAR", "ULR", "ULA", "MIR", "PIR", "PIA", "MIA", "IAA", "URR", "XAR", "XAA", "URA"]);
    let Some(Phase::Registered { id2 }) = network.ue.phase(0).cloned() else { panic!("registered") };
    let context = network.context().unwrap();
    assert_eq!(context.binding(APPLICATION).unwrap().id2, id2);
    let bound = network.bound(APPLICATION, id2.as_str());
    assert_eq!((bound[0].id1, &*bound[0].function), (context.id1.id1, Place::Function.host().as_str()));
    assert_eq!(network.app_server.tentative(), 0);
}

#[test]
fn the_identifiers_are_carried_from_message_to_message() {
    let mut network = Network::new();
    network.register();
    let id1 = network.id1().to_octets();
    for name in ["MIA", "IAA", "URR", "XAR"] {
        assert_eq!(find::<PduidAvp>(body(&network.last(name).message)), Some(&id1[..]), "{name}");
    }
    let id2 = find::<dictionary::OriginAppLayerUserId>(body(&network.last("XAR").message)).unwrap();
    assert_eq!(find::<dictionary::OriginAppLayerUserId>(body(&network.last("URA").message)), Some(id2));
    assert_eq!(find::<dictionary::UserName>(body(&network.last("MIR").message)), Some(IMSI));
}

#[test]
fn the_move_brings_id4_and_id5_to_the_app_server() {
    let mut network = Network::new();
    network.register();
    network.ladder();
    let (id1, id2) = (network.id1(), network.context().unwrap().bindings[0].id2.clone());
    network.change_function();
    assert_eq!(
        network.ladder(),
        [
            "IAR", "ULR", "ULA", "MIR", "PIR", "PIA", "CTR", "CTA", "MIA", "IAA", "PXR", "PXA", "CRR", "CRA", "PNR",
            "PNA"
        ]
    );
    let id4 = network.id1();
    assert_ne!(id4, id1);
    let bound = network.bound(APPLICATION, id2.as_str());
    assert_eq!((bound.len(), bound[0].id1, &*bound[0].function), (1, id4, Place::Other.host().as_str()));
    let context = network.other_context().unwrap();
    assert_eq!((context.id1.id1, &context.moved_from), (id4, &None));
    assert!(!context.bindings[0].update_pending);
    assert!(matches!(network.context().unwrap().state, UeState::Moved { .. }));
    assert_eq!(network.hss.serving_function(imsi()), Some(Place::Other.host().as_str()));
    assert!(matches!(network.ue.phase(0), Some(Phase::Registered { .. })));
    assert!(network.other_store.values("move/", None, 10).unwrap().is_empty());
}

#[test]
fn ue_3_as_3_id3_travels_as_name_ipv4_and_ipv6_or_not_at_all() {
    let id3 = |network: &Network, name: &str| {
        let message = &network.last(name).message;
        let avps: Vec<_> = body(message).map(Result::unwrap).collect();
        let name = optional::<ProseFunctionId>(&avps, message).unwrap().map(<[u8]>::to_vec);
        (name, optional::<ProseFunctionAddress>(&avps, message).unwrap().and_then(|address| address.ip()))
    };
    // A name.
    let mut network = Network::new();
    network.register();
    assert_eq!(id3(&network, "URR"), (Some(Place::Function.host().into_bytes()), None));
    assert_eq!(network.outcome("URA"), Outcome::SUCCESS);
    // Addresses of both families; message 2 goes to the host they stand for.
    for place in [Place::Function, Place::Other] {
        let address = address_of(place);
        let mut network = Network::with(|plan| {
            let config = if place == Place::Function { &mut plan.function } else { &mut plan.other };
            config.address = Some(FunctionAddress::from(address));
            plan.mme.functions.retain(|function| function.addresses == [address]);
        });
        network.register();
        assert_eq!(id3(&network, "URR"), (None, Some(address)));
        assert_eq!(network.last("XAR").to, place);
        assert_eq!(network.outcome("URA"), Outcome::SUCCESS);
    }
    // Without ID3: by the realm of the network in ID1.
    let mut network = Network::with(|plan| plan.ue.tell_id3 = false);
    network.register();
    assert_eq!(id3(&network, "URR"), (None, None));
    let request = pc2::ProXimityApplicationRequest::decode(&network.last("XAR").message).unwrap();
    assert_eq!((request.destination_host, request.destination_realm), (None, super::network::REALM));
    assert_eq!(network.outcome("URA"), Outcome::SUCCESS);
}

#[test]
fn a_move_works_when_functions_are_known_by_addresses() {
    let mut network = Network::with(|plan| {
        plan.function.address = Some(FunctionAddress::from(address_of(Place::Function)));
        plan.other.address = Some(FunctionAddress::from(address_of(Place::Other)));
    });
    network.register();
    network.change_function();
    assert_eq!(network.outcome("PXA"), Outcome::SUCCESS);
    let attachment = network.ue.attachment(0).unwrap();
    assert_eq!(attachment.id3, Some(FunctionAddress::from(address_of(Place::Other))));
    // And back again: the first function takes the context in anew.
    let id4 = network.id1();
    network.change_function();
    assert_eq!(network.outcome("PXA"), Outcome::SUCCESS);
    let context = network.context().unwrap();
    assert_eq!(context.state, UeState::Registered);
    assert!(context.grant(id4).is_some());
    assert_eq!(network.bound(APPLICATION, context.bindings[0].id2.as_str())[0].id1, network.id1());
}

#[test]
fn mme_1_mme_2_never_sends_message_5_after_a_negative_judgement() {
    use dictionary::RefusalCause as Cause;
    type Change = fn(&mut super::network::Plan);
    let refused: [(Change, i32); 5] = [
        (|plan| plan.ue.devices[0].capability = 0, Cause::UE_NOT_CAPABLE),
        (|plan| plan.hss.subscribers[0].prose_permission = None, Cause::NOT_SUBSCRIBED),
        (|plan| plan.hss.subscribers[0].prose_permission = Some(0), Cause::NOT_SUBSCRIBED),
        (|plan| plan.hss.subscribers.clear(), Cause::UNKNOWN_SUBSCRIPTION),
        (
            |plan| (plan.ue.devices[0].capability, plan.hss.subscribers[0].prose_permission) = (4, Some(3)),
            Cause::NOT_SUBSCRIBED,
        ),
    ];
    for (change, cause) in refused {
        let mut network = Network::with(change);
        network.register();
        assert_eq!(network.count("MIR"), 0);
        assert_eq!(network.count("URR"), 0);
        let answer = pc3::UeIdentifierAllocationAnswer::decode(&network.last("IAA").message).unwrap();
        assert_eq!((answer.refusal_cause, answer.pduid), (Some(cause), None));
        assert_eq!(network.ue.phase(0), Some(&Phase::Detached));
        assert_eq!(network.ue.refused(0).unwrap().cause, Some(cause));
    }
}

#[test]
fn mme_1_the_configured_list_judges_where_there_is_no_hss() {
    let known = |permission| {
        Network::with(|plan| {
            plan.mme.hss = None;
            let imsi = imsi();
            plan.mme.subscribers =
                vec![crate::registration::mme::KnownSubscriber { imsi, prose_permission: permission }];
        })
    };
    let mut network = known(1);
    network.register();
    assert_eq!((network.count("ULR"), network.outcome("URA")), (0, Outcome::SUCCESS));
    let mut network = known(0);
    network.register();
    assert_eq!((network.count("MIR"), network.count("IAA")), (0, 1));
}

#[test]
fn mme_2_no_message_5_leaves_while_the_hss_does_not_answer() {
    for down in [true, false] {
        let mut network = Network::new();
        if down {
            network.down.insert(Place::Hss)
        } else {
            network.silent.insert(Place::Hss)
        };
        network.register();
        assert_eq!((network.count("MIR"), network.count("IAA")), (0, 1));
        assert_eq!(network.ue.phase(0), Some(&Phase::Detached));
    }
}

#[test]
fn mme_3_a_function_that_does_not_answer_gives_a_refused_message_6() {
    for down in [true, false] {
        let mut network = Network::new();
        if down {
            network.down.insert(Place::Function)
        } else {
            network.silent.insert(Place::Function)
        };
        network.allocate();
        let expected = if down { Outcome::UNABLE_TO_DELIVER } else { Outcome::UNABLE_TO_COMPLY };
        assert_eq!(network.outcome("IAA"), expected);
        assert_eq!(network.ue.refused(0).unwrap().cause, Some(dictionary::RefusalCause::FUNCTION_UNREACHABLE));
    }
}

#[test]
fn mme_3_a_ue_that_has_moved_renews_its_id1_at_the_function_that_serves_it() {
    let mut network = Network::new();
    network.register();
    network.change_function();
    let id4 = network.id1();
    network.allocate();
    assert_eq!(network.last("MIR").to, Place::Other);
    assert_eq!(network.id1(), id4);
}

#[test]
fn ue_1_an_id1_that_has_run_out_is_renewed_before_message_1() {
    let mut network = Network::new();
    network.allocate();
    network.ladder();
    network.register();
    assert_eq!(network.ladder(), ["URR", "XAR", "XAA", "URA"]);
    network.pass(std::time::Duration::from_secs(3600));
    network.register();
    assert_eq!(network.count("IAR"), 1);
    assert_eq!(network.outcome("URA"), Outcome::SUCCESS);
}

#[test]
fn ue_4_a_ue_has_one_message_under_way_at_a_time() {
    let mut network = Network::new();
    network.register();
    network.ladder();
    let mut actions = Vec::new();
    let now = network.now();
    network.ue.change_function(0, &mut actions);
    network.ue.change_function(0, &mut actions);
    network.ue.register(now, 0, &mut actions);
    network.ue.allocate(7, &mut actions);
    network.carry(Place::Ue, actions);
    network.settle();
    assert_eq!((network.count("IAR"), network.count("URR")), (1, 0));
}
