//! The move when messages are lost and parties die in the middle of it: a UE has one owner, and everybody hears of it in the
//! end. Requirements F-6 and F3-1.

use std::time::Duration;

use proptest::prelude::*;

use super::network::{APPLICATION, GAMES, Network, Place, imsi};
use super::requests::{Message2, message_5};
use crate::avp::dictionary::{Pduid as PduidAvp, ProseFunctionId};
use crate::message::find;
use crate::registration::hss::Subscriber;
use crate::registration::identifiers::{Imsi, Pduid};
use crate::registration::reply::{Outcome, body};
use crate::store::memory::Fault;
use crate::store::{ContextReader, UeState};

fn registered() -> Network {
    let mut network = Network::new();
    network.register();
    network.ladder();
    network
}

/// Message 5 of the UE's move to the other function, whose message 6 never reaches the UE.
fn lost_message_6(network: &mut Network, to: Place) {
    let held = network.ue.attachment(0).cloned();
    let old = held.and_then(|held| Some((held.id1, held.id3?.to_string())));
    let message = message_5(imsi(), old.as_ref().map(|(id1, id3)| (*id1, id3.as_str())), &[]);
    network.ask(&Place::Mme.sender(), to, &message);
}

fn owners(network: &Network) -> Vec<Place> {
    let contexts = [(Place::Function, network.context()), (Place::Other, network.other_context())];
    contexts
        .into_iter()
        .filter(|(_, context)| context.as_ref().is_some_and(|context| context.state == UeState::Registered))
        .map(|(place, _)| place)
        .collect()
}

/// What the app server knows of the UE is what its function does.
fn app_server_follows(network: &Network) -> bool {
    let context = match owners(network).as_slice() {
        [Place::Function] => network.context(),
        [Place::Other] => network.other_context(),
        _ => None,
    };
    context.is_some_and(|context| context.binding(APPLICATION).is_some_and(|binding| !binding.update_pending))
}

#[test]
fn f_6_a_ue_that_never_got_its_id4_comes_back_and_is_fetched_back_with_its_bindings() {
    let mut network = registered();
    lost_message_6(&mut network, Place::Other);
    assert_eq!(owners(&network), [Place::Other]);
    // The UE knows nothing of that and asks where it was.
    network.ladder();
    network.allocate();
    assert_eq!(network.outcome("IAA"), Outcome::SUCCESS);
    assert_eq!((network.count("CTR"), network.outcome("CRA")), (1, Outcome::SUCCESS));
    assert_eq!(owners(&network), [Place::Function]);
    assert!(app_server_follows(&network), "{:?}", network.context());
    network.register();
    assert_eq!(network.outcome("URA"), Outcome::SUCCESS);
}

#[test]
fn f_6_a_ue_that_comes_back_before_the_old_function_heard_of_the_move_has_one_owner() {
    let mut network = registered();
    network.hold_writes = true;
    let held = network.ue.attachment(0).cloned().unwrap();
    let id3 = held.id3.unwrap().to_string();
    let message = message_5(imsi(), Some((held.id1, &id3)), &[]);
    let ticket = network.ask_later(&Place::Mme.sender(), Place::Other, &message);
    network.write();
    network.settle();
    // The old function is cut off just before the new one has recorded the UE: it never hears of that.
    network.down.insert(Place::Function);
    network.hold_writes = false;
    network.write();
    assert_eq!(Outcome::of(&network.answer(ticket)), Some(Outcome::SUCCESS));
    assert!(matches!(network.context().unwrap().state, UeState::Moving { .. }), "it still answers for the UE");
    network.down.clear();
    network.allocate();
    network.pass(Duration::from_secs(100));
    assert_eq!(owners(&network), [Place::Function]);
    assert!(app_server_follows(&network));
    assert!(network.store.values("release/", None, 9).unwrap().is_empty());
    assert!(network.other_store.values("release/", None, 9).unwrap().is_empty());
    assert!(network.other_store.values("move/", None, 9).unwrap().is_empty());
}

#[test]
fn f_6_the_old_function_hears_of_the_move_also_when_the_new_one_dies_before_it_could_say_so() {
    let mut network = registered();
    network.hold_writes = true;
    network.change_function();
    network.write();
    network.settle();
    network.down.insert(Place::Function);
    network.hold_writes = false;
    network.write();
    network.settle();
    assert!(matches!(network.context().unwrap().state, UeState::Moving { .. }));
    let moves = network.other.moves(network.now(), None, 10).unwrap();
    let release = moves.moves[0].release.clone().unwrap();
    assert_eq!((release.state, release.attempts, release.host), ("waiting", 1, Place::Function.host()));
    network.restart(Place::Other);
    network.down.clear();
    network.pass(Duration::from_secs(5));
    assert!(matches!(network.context().unwrap().state, UeState::Moved { .. }));
    assert_eq!(owners(&network), [Place::Other]);
    assert_eq!(network.other.moves(network.now(), None, 10).unwrap().moves, []);
}

#[test]
fn f_6_a_mark_that_a_refused_write_left_behind_releases_nobody() {
    let mut network = registered();
    let id1 = network.id1();
    let host = Place::Function.host().into_bytes();
    let key = format!("release/{:016x}/{id1}", imsi().packed());
    let write = crate::store::Write::PutValue { key, value: host, expected: None };
    let _ = crate::store::ContextStore::apply(&mut *network.other_store.0.borrow_mut(), &[write]).unwrap();
    network.ladder();
    network.restart(Place::Other);
    assert_eq!(network.count("CRR"), 0);
    assert!(network.other_store.values("release/", None, 9).unwrap().is_empty());
    assert_eq!(owners(&network), [Place::Function]);
}

#[test]
fn f3_1_a_function_that_asks_the_wrong_one_is_told_the_right_one() {
    let mut network = registered();
    network.change_function();
    // The UE is back here; whoever still asks the other function with the first ID1 learns where it is.
    let here = Place::Function;
    let first = network.other_context().unwrap().previous_id1[0].id1;
    network.change_function();
    assert_eq!(owners(&network), [here]);
    let answer = network.ask(&here.sender(), Place::Other, &super::requests::message_g1(&here.host(), first));
    let unknown = crate::avp::dictionary::ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN;
    assert_eq!(Outcome::of(&answer), Some(Outcome::tgpp(unknown)), "who has it itself may go on with nothing");
    let other = Place::Other;
    let answer = network.ask(&other.sender(), here, &super::requests::release(&other.host(), network.id1()));
    assert_eq!(Outcome::of(&answer), Some(Outcome::MOVING));
    assert_eq!(find::<ProseFunctionId>(body(&answer)), Some(here.host().as_bytes()));
}

/// UEs of which the second app server has users, and the other function's bound of what it keeps in memory.
fn strangers_in_games(devices: usize, most_untold: usize) -> (Network, Vec<(Imsi, Pduid)>) {
    let stranger = |number: usize| format!("0010100000{number:05}").parse::<Imsi>().unwrap();
    let mut network = Network::with(|plan| {
        plan.other.overload.most_untold = most_untold;
        let known = plan.hss.subscribers[0].clone();
        plan.hss.subscribers.extend((0..devices).map(|number| Subscriber { imsi: stranger(number), ..known.clone() }));
    });
    let mut all = Vec::new();
    for number in 0..devices {
        let answer = network.ask(&Place::Mme.sender(), Place::Function, &message_5(stranger(number), None, &[]));
        let id1 = Pduid::from_octets(find::<PduidAvp>(body(&answer)).unwrap()).unwrap();
        let mut bind = Message2::new(id1, &format!("user {number}"));
        (bind.from, bind.application) = (Place::SecondAppServer, Some(GAMES.to_owned()));
        network.ask(&bind.from.sender(), Place::Function, &bind.bytes());
        all.push((stranger(number), id1));
    }
    (network, all)
}

#[test]
fn f3_1_an_app_server_that_is_down_takes_its_share_of_the_places_and_no_more() {
    let (mut network, moved) = strangers_in_games(12, 16);
    network.register();
    network.down.insert(Place::SecondAppServer);
    for (imsi, id1) in moved {
        let old = Place::Function.host();
        network.ask(&Place::Mme.sender(), Place::Other, &message_5(imsi, Some((id1, &old)), &[]));
    }
    assert!(network.other.untold() <= 5, "{}", network.other.untold());
    network.change_function();
    assert_eq!((network.count("PXR"), network.outcome("PXA")), (1, Outcome::SUCCESS), "the others are told at once");
    network.down.clear();
    network.pass(Duration::from_secs(300));
    assert_eq!(network.other.moves(network.now(), None, 10).unwrap().moves, []);
}

#[test]
fn f3_1_a_lane_of_an_app_server_that_is_down_is_tried_by_one_message_however_many_wait() {
    let devices = 20;
    let (mut network, moved) = strangers_in_games(devices, 65_536);
    network.silent.insert(Place::SecondAppServer);
    network.ladder();
    for (imsi, id1) in moved {
        let old = Place::Function.host();
        network.ask(&Place::Mme.sender(), Place::Other, &message_5(imsi, Some((id1, &old)), &[]));
    }
    assert_eq!(network.count("PXR"), 1);
    network.pass(Duration::from_secs(1));
    assert_eq!(network.count("PXR"), 2, "one message asks whether it is back");
    let moves = network.other.moves(network.now(), None, 7).unwrap();
    assert_eq!((moves.moves.len(), moves.next.is_some()), (7, true));
    let lane = moves.app_servers.iter().find(|lane| lane.host == Place::SecondAppServer.host()).unwrap();
    assert_eq!((lane.state, lane.attempts, lane.queued, lane.next_attempt_in), ("down", 2, devices, Some(2)));
    assert_eq!(lane.last_cause.as_deref(), Some("no answer in time"));
    let mut seen = 0;
    let mut after = None;
    loop {
        let page = network.other.moves(network.now(), after.as_deref(), 7).unwrap();
        seen += page.moves.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, devices);
    network.silent.clear();
    network.pass(Duration::from_secs(3));
    assert!(network.count("PXR") >= devices + 2, "and then all are told");
    assert_eq!(network.other.moves(network.now(), None, 10).unwrap().moves, []);
}

#[test]
fn f3_1_what_finds_no_place_in_memory_is_read_from_the_store_later() {
    let mut network = Network::with(|plan| plan.other.overload.most_untold = 1);
    network.register();
    let mut games = Message2::new(network.id1(), "alice in games");
    (games.from, games.application) = (Place::SecondAppServer, Some(GAMES.to_owned()));
    network.ask(&games.from.sender(), Place::Function, &games.bytes());
    network.down.extend([Place::AppServer, Place::SecondAppServer]);
    network.change_function();
    assert_eq!(network.other.untold(), 1);
    network.down.clear();
    network.pass(Duration::from_secs(200));
    assert_eq!(network.other.untold(), 0);
    assert!(network.other_store.values("move/", None, 9).unwrap().is_empty());
    assert!(network.other_store.values("release/", None, 9).unwrap().is_empty());
    assert_eq!(owners(&network), [Place::Other]);
}

#[derive(Clone, Debug)]
enum Step {
    Register,
    Move,
    /// A message 5 whose message 6 is lost, to the function or the other one.
    Lost(bool),
    Down(bool),
    Silent(bool),
    AppServerDown,
    Up,
    Restart(bool),
    Disk(bool, u64),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Register),
        3 => Just(Step::Move),
        3 => any::<bool>().prop_map(Step::Lost),
        1 => any::<bool>().prop_map(Step::Down),
        1 => any::<bool>().prop_map(Step::Silent),
        1 => Just(Step::AppServerDown),
        3 => Just(Step::Up),
        2 => any::<bool>().prop_map(Step::Restart),
        1 => (any::<bool>(), 1u64..4).prop_map(|(which, nth)| Step::Disk(which, nth)),
        2 => (1u64..50).prop_map(Step::Pass),
    ]
}

const fn place(other: bool) -> Place {
    if other { Place::Other } else { Place::Function }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn f_6_f3_1_whatever_is_lost_a_ue_has_one_owner_in_the_end(steps in prop::collection::vec(step(), 1..30)) {
        let mut network = registered();
        for step in steps {
            match step {
                Step::Register => network.register(),
                Step::Move => network.change_function(),
                Step::Lost(to) => {
                    if !network.down.contains(&place(to)) && !network.silent.contains(&place(to)) {
                        lost_message_6(&mut network, place(to));
                    }
                }
                Step::Down(which) => { network.down.insert(place(which)); }
                Step::Silent(which) => { network.silent.insert(place(which)); }
                Step::AppServerDown => { network.down.insert(Place::AppServer); }
                Step::Up => { network.down.clear(); network.silent.clear(); }
                Step::Restart(which) => network.restart(place(which)),
                Step::Disk(other, nth) => {
                    let store = if other { &network.other_store } else { &network.store };
                    store.0.borrow_mut().inject(nth, Fault::Refused);
                }
                Step::Pass(seconds) => network.pass(Duration::from_secs(seconds)),
            }
        }
        network.down.clear();
        network.silent.clear();
        network.pass(Duration::from_secs(300));
        prop_assert!(owners(&network).len() <= 1, "{:?} {:?}", network.context(), network.other_context());
        // The user may register wherever the UE is; refusals of the disks that no write has met yet are met first.
        for _ in 0..8 {
            network.allocate();
            network.register();
        }
        network.pass(Duration::from_secs(300));
        prop_assert_eq!(owners(&network).len(), 1);
        prop_assert!(app_server_follows(&network), "{:?} {:?}", network.context(), network.other_context());
        prop_assert!(network.function.is_idle() && network.other.is_idle(), "nobody waits for ever");
        prop_assert_eq!((network.function.untold(), network.other.untold()), (0, 0));
    }
}
