//! Model B of restricted discovery between two networks: one UE asks, the other responds. TS 29.345 5.3, PDR types 4 to 6.

use super::network::{APPLICATION, Network, Place, imsi};
use super::standard::{detail, guest, news, two_networks};
use crate::avp::dictionary::{DiscoveryType as Type, ExperimentalResultCode as Code, ProseDirectAllowed as Direct};
use crate::interfaces::pc6;
use crate::message::Command;
use crate::registration::function::standard::{Model, News};
use crate::registration::reply::Outcome;

const RESPOND: u32 = Type::DISCOVEREE_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY;
const ASK: u32 = Type::DISCOVERER_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY;
const ASK_THERE: u32 = Type::DISCOVERER_ANNOUNCING_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY;

/// The types of the PDRs so far.
fn types(network: &Network) -> Vec<u32> {
    let requests = network.crossed.iter().filter(|it| it.name == "PDR");
    requests
        .map(|it| pc6::ProseDiscoveryRequest::decode(&it.message).unwrap().discovery_auth_request.discovery_type)
        .collect()
}

/// Bob responds to queries in his own network; gives what he responds with.
fn bob_responds(network: &mut Network) -> String {
    let procedure = network.call(Place::Foreign, |it, _, actions| {
        it.foreign.announce_restricted(guest(), APPLICATION, "bob.r", None, Model::B, actions)
    });
    let told = news(network, Place::Foreign, procedure);
    assert!(told.success, "{told:?}");
    detail(&told, "ProSe-Restricted-Code").to_owned()
}

/// Alice asks for bob, in the network `plmn`.
fn alice_asks(network: &mut Network, plmn: Option<&str>) -> News {
    let plmn = plmn.map(|plmn| plmn.parse().unwrap());
    let procedure = network.call(Place::Function, |it, _, actions| {
        it.function.monitor_restricted(imsi(), APPLICATION, ("alice.r", "bob.r"), plmn, Model::B, actions)
    });
    news(network, Place::Function, procedure)
}

#[test]
fn pdr_type_5_gives_the_discoverer_what_the_discoveree_responds_with() {
    let mut network = two_networks(|_| {});
    let code = bob_responds(&mut network);
    assert_eq!(network.ladder(), ["PXR", "PXA"]);
    let found = alice_asks(&mut network, None);
    assert_eq!((found.success, detail(&found, "ProSe-Restricted-Code")), (true, code.as_str()), "{found:?}");
    assert_eq!(types(&network), [ASK]);
    assert_eq!(network.ladder(), ["PXR", "PXA", "PDR", "PXR", "PXA", "PDA"]);
}

#[test]
fn pdr_type_6_asks_the_network_where_queries_are_sent_before_the_targets_are_sought() {
    let mut network = two_networks(|_| {});
    bob_responds(&mut network);
    network.ladder();
    let found = alice_asks(&mut network, Some("001-02"));
    assert!(found.success, "{found:?}");
    assert_eq!(types(&network), [ASK_THERE, ASK]);
    assert_eq!(network.ladder(), ["PXR", "PXA", "PDR", "PDA", "PDR", "PXR", "PXA", "PDA"]);
    assert!(!alice_asks(&mut network, Some("001-09")).success, "nobody is known there");
}

#[test]
fn pdr_type_6_that_is_refused_by_5631_seeks_nobody() {
    let mut network = two_networks(|plan| {
        plan.foreign.standard.networks[0].direct_allowed &= !Direct::DISCOVERER;
    });
    bob_responds(&mut network);
    let told = alice_asks(&mut network, Some("001-02"));
    assert!(!told.success && told.text.contains("5631"), "{told:?}");
    let refused = Outcome::tgpp(Code::DIAMETER_ERROR_ANNOUNCING_UNAUTHORIZED_IN_PLMN);
    assert_eq!((network.outcome("PDA"), types(&network)), (refused, vec![ASK_THERE]));
}

#[test]
fn pdr_type_4_lets_a_ue_respond_in_the_other_network_or_is_refused_by_5631() {
    for (allowed, success) in [(0x3ff, true), (0x3ff & !Direct::DISCOVEREE, false)] {
        let mut network = two_networks(|plan| plan.foreign.standard.networks[0].direct_allowed = allowed);
        let there = Some("001-02".parse().unwrap());
        let procedure = network.call(Place::Function, |it, _, actions| {
            it.function.announce_restricted(imsi(), APPLICATION, "alice.r", there, Model::B, actions)
        });
        let told = news(&mut network, Place::Function, procedure);
        assert_eq!((told.success, types(&network)), (success, vec![RESPOND]), "{told:?}");
        assert_eq!(network.ladder(), ["PXR", "PXA", "PDR", "PDA"]);
    }
}
