//! Anything in any order: elements go down and come back, disks refuse, time passes. What must hold, holds.

use std::time::Duration;

use proptest::prelude::*;

use super::network::{APPLICATION, Network, PLACES};
use crate::registration::ue::Phase;
use crate::store::UeState;
use crate::store::memory::Fault;

#[derive(Clone, Debug)]
enum Step {
    Allocate,
    Register,
    Move,
    Down(usize),
    Silent(usize),
    Up,
    Pass(u64),
    /// The next write but some of the function, the other one, or the app server is refused.
    Disk(usize, u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Allocate),
        4 => Just(Step::Register),
        4 => Just(Step::Move),
        1 => (1..PLACES.len()).prop_map(Step::Down),
        1 => (1..PLACES.len()).prop_map(Step::Silent),
        3 => Just(Step::Up),
        2 => (1u64..100).prop_map(Step::Pass),
        1 => (0..3usize, 1u64..4).prop_map(|(which, nth)| Step::Disk(which, nth)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_ue_has_one_owner_at_the_most_and_success_was_recorded(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        let mut network = Network::new();
        for step in steps {
            match step {
                Step::Allocate => network.allocate(),
                Step::Register => network.register(),
                Step::Move => network.change_function(),
                Step::Down(place) => { network.down.insert(PLACES[place]); }
                Step::Silent(place) => { network.silent.insert(PLACES[place]); }
                Step::Up => { network.down.clear(); network.silent.clear(); }
                Step::Pass(seconds) => network.pass(Duration::from_secs(seconds)),
                Step::Disk(which, nth) => {
                    let store = [&network.store, &network.other_store, &network.users][which];
                    store.0.borrow_mut().inject(nth, Fault::Refused);
                }
            }
            // Nobody is left waiting, and no ID2 is left tentative.
            prop_assert!(network.ue.is_idle(0));
            prop_assert_eq!(network.app_server.tentative(), 0);
        }
        network.down.clear();
        network.silent.clear();
        network.pass(Duration::from_secs(200));
        let contexts = [network.context(), network.other_context()];
        let owners: Vec<_> =
            contexts.iter().flatten().filter(|context| context.state == UeState::Registered).collect();
        prop_assert!(owners.len() <= 1, "{contexts:?}");
        if let (Some(owner), Some(Phase::Registered { id2 })) = (owners.first(), network.ue.phase(0)) {
            // The app server follows the owner, where the owner knows of the user.
            if let Some(binding) = owner.binding(APPLICATION) {
                prop_assert!(!binding.update_pending);
                let bound = network.bound(APPLICATION, id2.as_str());
                prop_assert!(bound.iter().any(|ue| owner.grant(ue.id1).is_some()), "{bound:?} {owner:?}");
            }
        }
        // All is well again: the user registers, wherever the UE is, and nothing is left over. Refusals of the disks
        // that no write has met yet are met first.
        for _ in 0..8 {
            network.allocate();
            network.register();
        }
        prop_assert!(matches!(network.ue.phase(0), Some(Phase::Registered { .. })), "{:?}", network.ue.refused(0));
        prop_assert_eq!((network.function.under_way(), network.other.under_way()), (0, 0));
    }
}
