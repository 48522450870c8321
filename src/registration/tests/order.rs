//! Turns, priorities and overload: requests of one UE in order, the important ones first, and nobody beyond the bounds. RFC
//! 7683, RFC 7944.

use super::network::{Network, Place, Shared, imsi};
use super::requests::{Message2, append, message_5};
use crate::avp::dictionary::{Drmp, OcOlr, OcSupportedFeatures, group, write_avp};
use crate::message::{Header, find};
use crate::registration::element::{Action, Element, Event, NoAnswer, Ticket, Token};
use crate::registration::function::{Function, OverloadSettings};
use crate::registration::identifiers::Imsi;
use crate::registration::reply::{Outcome, body};
use crate::store::{ContextStore, Write};

/// A function alone, whose neighbours answer when the test wants.
struct Alone {
    function: Function<Shared>,
    store: Shared,
    network: Network,
    next: u64,
    sent: Vec<(Token, Vec<u8>)>,
    answered: Vec<(u64, Outcome, Vec<u8>)>,
    writes: Vec<(Token, Vec<Write>)>,
}

impl Alone {
    /// With one UE that has an ID1.
    fn new(change: impl FnOnce(&mut OverloadSettings, &mut usize)) -> Self {
        let mut plan = super::network::Plan::default();
        let mut network = Network::new();
        network.allocate();
        change(&mut plan.function.overload, &mut plan.function.most_pending);
        let store = network.store.clone();
        let function = Function::new(Place::Function.identity(), plan.function, store.clone(), [9; 16]).unwrap();
        let (sent, answered, writes) = (Vec::new(), Vec::new(), Vec::new());
        let mut alone = Self { function, store, network, next: 1000, sent, answered, writes };
        let mut actions = Vec::new();
        alone.function.start(alone.network.now(), &mut actions);
        alone.carry(actions);
        alone.write();
        alone
    }

    fn carry(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send { token, message, .. } => self.sent.push((token, message)),
                Action::Answer { ticket, message } => {
                    self.answered.push((ticket.0, Outcome::of(&message).unwrap(), message));
                }
                Action::Store { token, writes } => self.writes.push((token, writes)),
                _ => {}
            }
        }
    }

    fn event(&mut self, event: Event<'_>) {
        let mut actions = Vec::new();
        self.function.handle(self.network.now(), event, &mut actions);
        self.carry(actions);
    }

    fn request(&mut self, from: Place, message: &[u8]) -> u64 {
        self.next += 1;
        let header = Header::parse(message).unwrap();
        let sender = from.sender();
        self.event(Event::Request { ticket: Ticket(self.next), sender: &sender, header, message });
        self.next
    }

    fn write(&mut self) {
        for (token, writes) in std::mem::take(&mut self.writes) {
            let result = self.store.0.borrow_mut().apply(&writes).map_err(|why| why.to_string());
            self.event(Event::Stored { token, result });
        }
    }

    /// The HSS answers the oldest PIR.
    fn hss_answers(&mut self, result: Result<&[u8], NoAnswer>) {
        let (token, _) = self.sent.remove(0);
        self.event(Event::Answer { token, result });
    }

    fn pia(&self) -> Vec<u8> {
        self.network.last("PIA").message.clone()
    }

    fn outcomes(&mut self) -> Vec<(u64, Outcome)> {
        std::mem::take(&mut self.answered).into_iter().map(|(ticket, outcome, _)| (ticket, outcome)).collect()
    }
}

fn drmp(priority: i32) -> Vec<u8> {
    let mut avp = Vec::new();
    write_avp::<Drmp>(&priority, &mut avp);
    avp
}

fn features() -> Vec<u8> {
    let mut avp = Vec::new();
    let group = group::OcSupportedFeatures { oc_feature_vector: Some(1), ..Default::default() };
    write_avp::<OcSupportedFeatures>(&group, &mut avp);
    avp
}

fn stranger(number: u32) -> Imsi {
    format!("0010100000{number:05}").parse().unwrap()
}

#[test]
fn requests_of_one_ue_keep_their_order_while_the_hss_and_the_disk_take_their_time() {
    let mut alone = Alone::new(|_, _| {});
    let id1 = alone.network.id1();
    let first = alone.request(Place::Mme, &message_5(imsi(), None, &[]));
    let second = alone.request(Place::AppServer, &Message2::new(id1, "alice").bytes());
    let third = alone.request(Place::AppServer, &Message2::new(id1, "bob").bytes());
    assert_eq!((alone.sent.len(), alone.writes.len()), (1, 0), "the HSS is asked, the others wait");
    let pia = alone.pia();
    alone.hss_answers(Ok(&pia));
    assert_eq!((alone.answered.len(), alone.writes.len()), (0, 1), "message 5 is being written, the others wait");
    alone.write();
    assert_eq!(alone.outcomes(), [(first, Outcome::SUCCESS)]);
    assert_eq!(alone.writes.len(), 1, "and now alice is written");
    alone.write();
    assert_eq!(alone.outcomes(), [(second, Outcome::SUCCESS)]);
    alone.write();
    assert_eq!(alone.outcomes(), [(third, Outcome::SUCCESS)], "bob came last and has the place");
    let context = crate::store::ContextReader::get(&alone.store, imsi()).unwrap().unwrap().context;
    assert_eq!(context.bindings[0].id2.as_str(), "bob");
}

#[test]
fn a_ue_waits_for_itself_alone() {
    let mut alone = Alone::new(|_, _| {});
    alone.request(Place::Mme, &message_5(stranger(1), None, &[]));
    let bound = alone.request(Place::AppServer, &Message2::new(alone.network.id1(), "alice").bytes());
    alone.write();
    assert_eq!(alone.outcomes(), [(bound, Outcome::SUCCESS)]);
}

#[test]
fn requests_of_one_ue_are_bounded_and_no_way_out_keeps_a_turn() {
    let mut alone = Alone::new(|overload, _| overload.most_of_a_ue = 1);
    let id1 = alone.network.id1();
    let first = alone.request(Place::Mme, &message_5(imsi(), None, &[]));
    let second = alone.request(Place::AppServer, &Message2::new(id1, "alice").bytes());
    let third = alone.request(Place::AppServer, &Message2::new(id1, "bob").bytes());
    assert_eq!(alone.outcomes(), [(third, Outcome::TOO_BUSY)]);
    alone.hss_answers(Err(NoAnswer::Timeout));
    alone.write();
    assert_eq!(alone.outcomes(), [(first, Outcome::UNABLE_TO_COMPLY), (second, Outcome::SUCCESS)]);
    assert!(alone.function.is_idle());
}

#[test]
fn rfc_7944_what_waits_begins_by_priority_and_then_by_arrival() {
    let mut alone = Alone::new(|overload, _| overload.most_under_way = 1);
    let first = alone.request(Place::Mme, &message_5(stranger(1), None, &drmp(15)));
    let others: Vec<_> = [12, 2, 12, 0]
        .into_iter()
        .zip(2..)
        .map(|(priority, number)| alone.request(Place::Mme, &message_5(stranger(number), None, &drmp(priority))))
        .collect();
    let none = alone.request(Place::Mme, &message_5(stranger(9), None, &[]));
    let mut order = Vec::new();
    while !alone.sent.is_empty() {
        assert_eq!(alone.sent.len(), 1, "one at a time");
        alone.hss_answers(Err(NoAnswer::Timeout));
        order.extend(alone.outcomes().into_iter().map(|(ticket, _)| ticket));
    }
    assert_eq!(order, [first, others[3], others[1], none, others[0], others[2]]);
}

#[test]
fn rfc_7944_the_hss_learns_how_important_it_is() {
    let mut alone = Alone::new(|_, _| {});
    alone.request(Place::Mme, &message_5(stranger(1), None, &drmp(3)));
    assert_eq!(find::<Drmp>(body(&alone.sent[0].1)), Some(3));
}

#[test]
fn rfc_7944_the_least_important_are_turned_away_first() {
    let mut alone = Alone::new(|overload, most| (overload.shed_from, *most) = (50, 4));
    let mut ask = |number, priority| alone.request(Place::Mme, &message_5(stranger(number), None, &drmp(priority)));
    ask(1, 15);
    ask(2, 15);
    let refused = ask(3, 15);
    ask(4, 10);
    let refused_too = ask(5, 10);
    ask(6, 0);
    let last = ask(7, 0);
    assert_eq!(alone.outcomes(), [refused, refused_too, last].map(|ticket| (ticket, Outcome::TOO_BUSY)));
}

#[test]
fn rfc_7683_overload_is_told_to_those_who_ask_and_ended_when_it_is_over() {
    let mut alone = Alone::new(|overload, most| (overload.shed_from, *most) = (50, 4));
    let id1 = alone.network.id1();
    let mut asking = Message2::new(id1, "alice");
    asking.more = features();
    let olr = |alone: &mut Alone, message: &Message2| {
        alone.request(Place::AppServer, &message.bytes());
        alone.write();
        let (_, _, answer) = alone.answered.pop().unwrap();
        let told = find::<OcSupportedFeatures>(body(&answer)).is_some();
        let olr = find::<OcOlr>(body(&answer));
        (told, olr.map(|olr| (olr.oc_sequence_number, olr.oc_reduction_percentage, olr.oc_validity_duration)))
    };
    assert_eq!(olr(&mut alone, &asking), (true, None), "there is nothing to report");
    assert_eq!(olr(&mut alone, &Message2::new(id1, "alice")), (false, None), "nor anything for who did not ask");
    for number in 1..4 {
        alone.request(Place::Mme, &message_5(stranger(number), None, &[]));
    }
    asking.id2 = Some("bob".to_owned());
    let (_, report) = olr(&mut alone, &asking);
    let (sequence, percentage, validity) = report.unwrap();
    assert_eq!((percentage, validity), (Some(50), Some(30)));
    for _ in 0..3 {
        alone.hss_answers(Err(NoAnswer::Timeout));
    }
    asking.id2 = Some("carol".to_owned());
    let (_, report) = olr(&mut alone, &asking);
    assert_eq!(report.map(|(_, percentage, validity)| (percentage, validity)), Some((Some(0), Some(0))));
    assert!(report.unwrap().0 > sequence);
}

#[test]
fn rfc_7683_an_hss_that_asks_for_less_is_asked_less() {
    let mut alone = Alone::new(|_, _| {});
    alone.request(Place::Mme, &message_5(imsi(), None, &[]));
    assert!(find::<OcSupportedFeatures>(body(&alone.sent[0].1)).is_some(), "we say that we understand it");
    let mut pia = alone.pia();
    let mut report = Vec::new();
    let group = group::OcOlr {
        oc_sequence_number: 7,
        oc_reduction_percentage: Some(100),
        oc_validity_duration: Some(60),
        ..Default::default()
    };
    write_avp::<OcOlr>(&group, &mut report);
    append(&mut pia, &report);
    alone.hss_answers(Ok(&pia));
    alone.write();
    alone.outcomes();
    let refused = alone.request(Place::Mme, &message_5(stranger(1), None, &[]));
    assert_eq!((alone.sent.len(), alone.outcomes()), (0, vec![(refused, Outcome::UNABLE_TO_COMPLY)]));
    assert!(alone.function.is_idle());
}

#[test]
fn two_functions_that_ask_each_other_for_a_ue_do_not_wait_for_each_other() {
    let mut alone = Alone::new(|_, _| {});
    let (id1, other) = (alone.network.id1(), Place::Other);
    // The UE says that it comes from the other function, which asks us for it at the same moment.
    let host = other.host();
    let coming = crate::registration::identifiers::Pduid::from(u64::from(id1) ^ 1);
    alone.request(Place::Mme, &message_5(imsi(), Some((coming, &host)), &[]));
    let early = alone.request(other, &super::requests::message_g1(&host, id1));
    assert_eq!(alone.answered.len(), 0, "the HSS has not answered");
    let pia = alone.pia();
    alone.hss_answers(Ok(&pia));
    alone.write();
    assert_eq!(alone.outcomes(), [(early, Outcome::TOO_BUSY)], "G1 does not wait for message 5, which waits for G2");
    let again = alone.request(other, &super::requests::message_g1(&host, id1));
    assert_eq!(alone.outcomes(), [(again, Outcome::TOO_BUSY)]);
    // Message 2 with the ID1 that is on its way here waits for it.
    alone.request(Place::AppServer, &Message2::new(coming, "alice").bytes());
    assert_eq!(alone.outcomes(), []);
    alone.hss_answers(Err(NoAnswer::Timeout));
    assert_eq!(alone.outcomes().len(), 2);
    assert!(alone.function.is_idle());
}

#[test]
fn rfc_7683_an_app_server_tells_of_overload_and_heeds_it() {
    let mut network = Network::with(|plan| (plan.app_server.shed_from, plan.app_server.most_pending) = (50, 4));
    network.register();
    // U1 of a function that understands reports.
    let pxr = network.ask(&Place::Function.sender(), Place::AppServer, &{
        let mut message = super::requests::pxr(0, Some("nobody"), None, Some(&Place::Function.host()));
        append(&mut message, &features());
        message
    });
    assert!(find::<OcSupportedFeatures>(body(&pxr)).is_some() && find::<OcOlr>(body(&pxr)).is_none());
    // Message 3 asks for nothing more at all.
    let report = group::OcOlr {
        oc_sequence_number: 1,
        oc_reduction_percentage: Some(100),
        oc_validity_duration: Some(30),
        ..Default::default()
    };
    let mut avp = Vec::new();
    write_avp::<OcOlr>(&report, &mut avp);
    network.spoil = Some(Box::new(move |answer| append(answer, &avp)));
    network.register();
    network.spoil = None;
    network.ladder();
    network.register();
    assert_eq!((network.count("XAR"), network.outcome("URA")), (0, Outcome::TOO_BUSY));
    network.pass(std::time::Duration::from_secs(31));
    network.register();
    assert_eq!((network.count("XAR"), network.outcome("URA")), (1, Outcome::SUCCESS));
}
