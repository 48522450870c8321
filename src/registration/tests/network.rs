//! Six elements and a network in memory: real octets between them, a store that can fail, a clock that jumps.
//!
//! Every message that crosses is held against its grammar. Nothing sleeps: when no message is under way the clock jumps
//! to the next timer.

mod place;
mod plan;
mod shared;
mod users;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use super::super::app_server::{PublicKey, Question, User};
use super::super::config::{FunctionPeer, Identity, same_host};
use super::super::credential::{Credential, SIGNATURE_OCTETS, Secret, Signer};
use super::super::element::{
    Action, Destination, Element, Event, Inquiry, NoAnswer, NoReply, Now, Report, Sender, Ticket, Token,
};
use super::super::function::standard::{self, StandardConfig};
use super::super::function::{AppServerPeer, Function, FunctionConfig, OverloadSettings};
use super::super::hss::{Hss, HssConfig, Subscriber};
use super::super::identifiers::{Id2, Imsi, Pduid, UnixSeconds};
use super::super::mme::{Mme, MmeConfig};
use super::super::reply::Outcome;
use super::super::ue::{Device, Ue, UeConfig};
use super::super::{AppServer, AppServerConfig};
use crate::avp::Key;
use crate::avp::dictionary::FailedAvp;
use crate::interfaces;
use crate::message::check::{Strictness, check};
use crate::message::{CommandFlags, Header};
use crate::store::{
    BoundUe, Change, ContextReader, ContextStore, Cursor, MemoryStore, StoreError, Stored, StoredUser, UeContext,
    UserReader,
};

pub use place::{PLACES, Place};
pub use plan::{Plan, address_of};
pub use shared::Shared;
use users::judge;
pub use users::{ToyKey, user};

pub const REALM: &str = "epc.mnc001.mcc001.3gppnetwork.org";
pub const FOREIGN_REALM: &str = "epc.mnc002.mcc001.3gppnetwork.org";
pub const APPLICATION: &str = "mcc001.mnc01.ProSeApp.Chat";
pub const GAMES: &str = "mcc001.mnc01.ProSeApp.Games";
pub const IMSI: &str = "001010123456789";
pub const PASSWORD: &str = "correct horse";
const UNIX: u64 = 1_793_000_000;

pub fn host(name: &str) -> String {
    format!("{name}.{REALM}")
}

pub fn imsi() -> Imsi {
    IMSI.parse().unwrap()
}

/// A message that crossed.
#[derive(Clone, Debug)]
pub struct Crossed {
    pub to: Place,
    pub message: Vec<u8>,
    /// `PIR`, `MIR` and so on; unknown commands by their number.
    pub name: String,
}

enum Delivery {
    Request { from: Place, to: Place, token: Token, message: Vec<u8> },
    Answer { to: Place, token: Token, result: Result<Vec<u8>, NoAnswer> },
}

/// Where an answer goes: to an element that asked, or to the test itself.
enum Asker {
    Element(Place, Token, Header),
    Test(Header),
}

type Spoil = Box<dyn FnMut(&mut Vec<u8>)>;

pub struct Network {
    pub ue: Ue,
    pub mme: Mme,
    pub hss: Hss,
    pub function: Function<Shared>,
    pub other: Function<Shared>,
    pub foreign: Function<Shared>,
    pub app_server: AppServer<Shared>,
    pub second_app_server: AppServer<Shared>,
    app_server_config: AppServerConfig,
    /// Of the function, and of the one of the other network.
    function_configs: [FunctionConfig; 2],
    /// Stores of the app servers.
    pub users: Shared,
    pub second_users: Shared,
    pub store: Shared,
    pub other_store: Shared,
    pub foreign_store: Shared,
    /// Elements no peer leads to.
    pub down: HashSet<Place>,
    /// Elements that take requests and never answer.
    pub silent: HashSet<Place>,
    /// Every message that crossed, in order.
    pub crossed: Vec<Crossed>,
    pub reports: Vec<(Place, Report)>,
    /// Writes are carried out at once, unless held: then [`Network::write`] does it.
    pub hold_writes: bool,
    /// Whether proofs of users are left unanswered: then [`Network::judge`] answers them.
    pub hold_proofs: bool,
    proofs: VecDeque<(Place, Token, Box<Question>)>,
    /// What happens to answers on their way.
    pub spoil: Option<Spoil>,
    held: VecDeque<(Place, Token, Vec<crate::store::Write>)>,
    elapsed: Duration,
    queue: VecDeque<Delivery>,
    timers: BTreeMap<(Duration, u64), (Place, Token)>,
    askers: BTreeMap<u64, (Place, Asker)>,
    answers: BTreeMap<u64, Vec<u8>>,
    next: u64,
}

impl Network {
    pub fn new() -> Self {
        Self::build(Plan::default())
    }

    pub fn with(change: impl FnOnce(&mut Plan)) -> Self {
        let mut plan = Plan::default();
        change(&mut plan);
        Self::build(plan)
    }

    pub fn build(plan: Plan) -> Self {
        let (store, other_store, foreign_store) = (Shared::default(), Shared::default(), Shared::default());
        let (users, second_users) = (Shared::default(), Shared::default());
        let app_server_config = plan.app_server.clone();
        let function_configs = [plan.function.clone(), plan.foreign.clone()];
        let seed = |place: Place| [place as u8 + 1; 16];
        let mut network = Self {
            ue: Ue::new(Place::Ue.identity(), plan.ue, seed(Place::Ue)),
            mme: Mme::new(Place::Mme.identity(), plan.mme, seed(Place::Mme)).unwrap(),
            hss: Hss::new(Place::Hss.identity(), plan.hss, seed(Place::Hss)),
            function: Function::new(Place::Function.identity(), plan.function, store.clone(), seed(Place::Function))
                .unwrap(),
            other: Function::new(Place::Other.identity(), plan.other, other_store.clone(), seed(Place::Other)).unwrap(),
            foreign: Function::new(
                Place::Foreign.identity(),
                plan.foreign,
                foreign_store.clone(),
                seed(Place::Foreign),
            )
            .unwrap(),
            app_server: AppServer::new(
                Place::AppServer.identity(),
                plan.app_server,
                users.clone(),
                seed(Place::AppServer),
            )
            .unwrap(),
            second_app_server: AppServer::new(
                Place::SecondAppServer.identity(),
                plan.second_app_server,
                second_users.clone(),
                seed(Place::SecondAppServer),
            )
            .unwrap(),
            app_server_config,
            function_configs,
            users,
            second_users,
            hold_proofs: false,
            proofs: VecDeque::new(),
            store,
            other_store,
            foreign_store,
            down: HashSet::new(),
            silent: HashSet::new(),
            crossed: Vec::new(),
            reports: Vec::new(),
            hold_writes: false,
            spoil: None,
            held: VecDeque::new(),
            elapsed: Duration::ZERO,
            queue: VecDeque::new(),
            timers: BTreeMap::new(),
            askers: BTreeMap::new(),
            answers: BTreeMap::new(),
            next: 1,
        };
        for place in PLACES {
            network.start(place);
        }
        network.settle();
        network
    }

    pub fn start(&mut self, place: Place) {
        let now = self.now();
        let mut actions = Vec::new();
        self.element(place).start(now, &mut actions);
        self.carry(place, actions);
    }

    pub fn now(&self) -> Now {
        Now { elapsed: self.elapsed, unix: Duration::from_secs(UNIX) + self.elapsed }
    }

    fn element(&mut self, place: Place) -> &mut dyn Element {
        match place {
            Place::Ue => &mut self.ue,
            Place::Mme => &mut self.mme,
            Place::Hss => &mut self.hss,
            Place::Function => &mut self.function,
            Place::Other => &mut self.other,
            Place::Foreign => &mut self.foreign,
            Place::AppServer => &mut self.app_server,
            Place::SecondAppServer => &mut self.second_app_server,
        }
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Carries out what an element wants.
    pub fn carry(&mut self, place: Place, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Forward { .. } => unreachable!("no party of the procedure forwards"),
                Action::Send { token, destination, mut message } => {
                    let number = self.fresh() as u32;
                    message[12..16].copy_from_slice(&number.to_be_bytes());
                    message[16..20].copy_from_slice(&(number | 0x8000_0000).to_be_bytes());
                    match self.route(place, &destination, &message) {
                        Some(to) => self.queue.push_back(Delivery::Request { from: place, to, token, message }),
                        None => {
                            let result = Err(NoAnswer::Unreachable);
                            self.queue.push_back(Delivery::Answer { to: place, token, result });
                        }
                    }
                }
                Action::Answer { ticket, message } => {
                    let (from, asker) = self.askers.remove(&ticket.0).expect("an answer to a request, and only one");
                    assert_eq!(from, place, "an element answers its own requests");
                    match asker {
                        Asker::Element(to, token, asked) => {
                            self.cross(place, to, &message, Some(asked));
                            self.queue.push_back(Delivery::Answer { to, token, result: Ok(message) });
                        }
                        Asker::Test(asked) => {
                            self.cross(place, place, &message, Some(asked));
                            self.answers.insert(ticket.0, message);
                        }
                    }
                }
                Action::Store { token, writes } => {
                    self.held.push_back((place, token, writes));
                    if !self.hold_writes {
                        self.write();
                    }
                }
                Action::Authenticate { token, question } => {
                    self.proofs.push_back((place, token, question));
                    if !self.hold_proofs {
                        self.judge();
                    }
                }
                Action::SetTimer { token, after } => {
                    let order = self.fresh();
                    self.timers.insert((self.elapsed + after, order), (place, token));
                }
                Action::CancelTimer { token } => self.timers.retain(|_, timer| *timer != (place, token)),
                Action::Report(report) => {
                    let text = report.to_string();
                    assert!(!text.contains(IMSI) && !text.contains("4915112345678"), "in clear: {text}");
                    assert!(!text.contains(PASSWORD), "in clear: {text}");
                    self.reports.push((place, report));
                }
            }
        }
    }

    /// Carries out the writes that are held.
    pub fn write(&mut self) {
        self.write_those(|_| true);
    }

    /// Carries out the writes of one element, and what follows from them.
    pub fn write_of(&mut self, place: Place) {
        self.write_those(|held| held == place);
        self.settle();
    }

    fn write_those(&mut self, wanted: impl Fn(Place) -> bool) {
        while let Some(at) = self.held.iter().position(|(place, ..)| wanted(*place))
            && let Some((place, token, writes)) = self.held.remove(at)
        {
            let store = match place {
                Place::Other => &self.other_store,
                Place::Foreign => &self.foreign_store,
                Place::AppServer => &self.users,
                Place::SecondAppServer => &self.second_users,
                _ => &self.store,
            };
            let result = store.0.borrow_mut().apply(&writes).map_err(|why| why.to_string());
            self.event(place, Event::Stored { token, result });
        }
    }

    /// Answers the questions about users that are held.
    pub fn judge(&mut self) {
        while let Some((place, token, question)) = self.proofs.pop_front() {
            let shown = format!("{question:?}");
            assert!(!shown.contains(PASSWORD), "in clear: {shown}");
            self.event(place, Event::Authenticated { token, result: judge(&question) });
        }
    }

    /// The app server dies and comes back: what is under way is lost, what is in its store is not.
    pub fn restart_app_server(&mut self) {
        let config = self.app_server_config.clone();
        let seed = [self.fresh() as u8; 16];
        self.app_server = AppServer::new(Place::AppServer.identity(), config, self.users.clone(), seed).unwrap();
        self.held.retain(|(place, ..)| *place != Place::AppServer);
        self.proofs.retain(|(place, ..)| *place != Place::AppServer);
        self.queue.retain(|delivery| !matches!(delivery, Delivery::Answer { to: Place::AppServer, .. }));
        self.start(Place::AppServer);
    }

    fn route(&self, from: Place, destination: &Destination, message: &[u8]) -> Option<Place> {
        let header = Header::parse(message).unwrap();
        let to = match &destination.host {
            Some(host) => Place::of(host)?,
            // A realm leads to the first of its elements that serves the application and takes such requests.
            None => {
                let served = match header.application {
                    interfaces::s6a::APPLICATION | interfaces::pc4::hss::APPLICATION => Place::Hss,
                    interfaces::pc2::APPLICATION => Place::Function,
                    _ => return None,
                };
                if !same_host(&destination.realm, REALM) {
                    return None;
                }
                served
            }
        };
        (to != from && !self.down.contains(&to)).then_some(to)
    }

    /// An event whose actions nobody carries out.
    pub fn poke(&mut self, place: Place, event: Event<'_>) {
        let now = self.now();
        self.element(place).handle(now, event, &mut Vec::new());
    }

    fn event(&mut self, place: Place, event: Event<'_>) {
        let now = self.now();
        let mut actions = Vec::new();
        self.element(place).handle(now, event, &mut actions);
        self.carry(place, actions);
    }

    fn request(&mut self, from: &Sender, to: Place, asker: Asker, message: &[u8]) -> u64 {
        let header = Header::parse(message).unwrap();
        let ticket = self.fresh();
        self.askers.insert(ticket, (to, asker));
        self.event(to, Event::Request { ticket: Ticket(ticket), sender: from, header, message });
        ticket
    }

    /// A message is on the wire: it must follow its grammar, and an answer must fit its request.
    fn cross(&mut self, from: Place, to: Place, message: &[u8], asked: Option<Header>) {
        let header = Header::parse(message).unwrap();
        let command = interfaces::command_of(&header);
        let mut faults = check(message, command, Strictness { unknown_mandatory: true });
        // What stands in Failed-AVP is faulty by nature.
        faults.retain(|fault| fault.path.first() != Some(&Key(FailedAvp::KEY)));
        assert!(faults.is_empty(), "{from:?} to {to:?}: {faults:?}");
        match asked {
            None => assert!(header.is_request()),
            Some(asked) => {
                assert!(!header.is_request());
                assert_eq!(
                    (asked.code, asked.application, asked.hop_by_hop, asked.end_to_end),
                    (header.code, header.application, header.hop_by_hop, header.end_to_end)
                );
                let outcome = Outcome::of(message).expect("a result in every answer");
                let protocol_error = matches!(outcome, Outcome::Result(3000..=3999));
                assert!(!protocol_error || header.flags.0 & CommandFlags::ERROR != 0, "3xxx wants the E bit");
            }
        }
        let name = command.map_or_else(|| header.code.to_string(), |command| command.abbreviation.to_owned());
        self.crossed.push(Crossed { to, message: message.to_vec(), name });
    }

    /// Delivers what is under way, without the clock: true when something was.
    fn deliver(&mut self) -> bool {
        match self.queue.pop_front() {
            None => false,
            Some(Delivery::Request { from, to, token, message }) => {
                self.cross(from, to, &message, None);
                if self.silent.contains(&to) {
                    let result = Err(NoAnswer::Timeout);
                    self.queue.push_back(Delivery::Answer { to: from, token, result });
                    return true;
                }
                let header = Header::parse(&message).unwrap();
                self.request(&from.sender(), to, Asker::Element(from, token, header), &message);
                true
            }
            Some(Delivery::Answer { to, token, mut result }) => {
                if let (Some(spoil), Ok(answer)) = (&mut self.spoil, &mut result) {
                    spoil(answer);
                }
                let result = result.as_deref().map_err(|why| *why);
                self.event(to, Event::Answer { token, result });
                true
            }
        }
    }

    /// Delivers all messages under way; the clock stands.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.deliver() {
                return;
            }
        }
        panic!("the elements talk for ever");
    }

    /// Lets time pass: timers run out in their order, messages are delivered in between.
    pub fn pass(&mut self, time: Duration) {
        let end = self.elapsed + time;
        self.settle();
        while let Some((&(at, order), _)) = self.timers.first_key_value().filter(|((at, _), _)| *at <= end) {
            self.elapsed = at;
            let (place, token) = self.timers.remove(&(at, order)).unwrap();
            self.event(place, Event::Timer { token });
            self.settle();
        }
        self.elapsed = end;
    }

    /// Sends a request of the test's own making to an element, and gives back its answer.
    pub fn ask(&mut self, sender: &Sender, to: Place, message: &[u8]) -> Vec<u8> {
        let header = Header::parse(message).unwrap();
        let ticket = self.request(sender, to, Asker::Test(header), message);
        self.settle();
        self.answers.remove(&ticket).expect("an answer")
    }

    /// Sends a request whose answer takes its time: [`Network::answer`] gives it back.
    pub fn ask_later(&mut self, sender: &Sender, to: Place, message: &[u8]) -> u64 {
        let header = Header::parse(message).unwrap();
        let ticket = self.request(sender, to, Asker::Test(header), message);
        self.settle();
        ticket
    }

    pub fn answer(&mut self, ticket: u64) -> Vec<u8> {
        self.settle();
        self.answers.remove(&ticket).expect("an answer")
    }

    /// Calls an element, and delivers what comes of it.
    pub fn call<T>(&mut self, place: Place, call: impl FnOnce(&mut Self, Now, &mut Vec<Action>) -> T) -> T {
        let mut actions = Vec::new();
        let now = self.now();
        let given = call(self, now, &mut actions);
        self.carry(place, actions);
        self.settle();
        given
    }

    // What the stories do -----------------------------------------------------------------------------------------------

    pub fn allocate(&mut self) {
        let mut actions = Vec::new();
        self.ue.allocate(0, &mut actions);
        self.carry(Place::Ue, actions);
        self.settle();
    }

    pub fn register(&mut self) {
        let mut actions = Vec::new();
        let now = self.now();
        self.ue.register(now, 0, &mut actions);
        self.carry(Place::Ue, actions);
        self.settle();
    }

    pub fn change_function(&mut self) {
        let mut actions = Vec::new();
        self.ue.change_function(0, &mut actions);
        self.carry(Place::Ue, actions);
        self.settle();
    }

    /// Asks the function as its operator.
    pub fn operate(&mut self, question: &Inquiry) -> Result<serde_json::Value, NoReply> {
        let (now, mut actions) = (self.now(), Vec::new());
        let answer = self.function.operate(now, question, &mut actions);
        self.carry(Place::Function, actions);
        self.settle();
        answer
    }

    pub fn mme_operate(&mut self, question: &Inquiry) -> Result<serde_json::Value, NoReply> {
        let now = self.now();
        self.mme.operate(now, question, &mut Vec::new())
    }

    /// A function dies and comes back with what is in its store alone.
    pub fn restart(&mut self, place: Place) {
        self.timers.retain(|_, (of, _)| *of != place);
        self.held.retain(|(of, ..)| *of != place);
        let plan = Plan::default();
        self.next += 1;
        let seed = [self.next as u8; 16];
        match place {
            Place::Function => {
                self.function = Function::new(place.identity(), plan.function, self.store.clone(), seed).unwrap();
            }
            _ => self.other = Function::new(place.identity(), plan.other, self.other_store.clone(), seed).unwrap(),
        }
        self.start(place);
        self.settle();
    }

    /// Both functions of [`two_networks`](super::standard::two_networks) die and come back, as they were configured.
    pub fn restart_both(&mut self) {
        let [ours, foreign] = self.function_configs.clone();
        for place in [Place::Function, Place::Foreign] {
            self.timers.retain(|_, (of, _)| *of != place);
            self.held.retain(|(of, ..)| *of != place);
        }
        self.next += 1;
        let seed = [self.next as u8; 16];
        self.function = Function::new(Place::Function.identity(), ours, self.store.clone(), seed).unwrap();
        self.foreign = Function::new(Place::Foreign.identity(), foreign, self.foreign_store.clone(), seed).unwrap();
        for place in [Place::Function, Place::Foreign] {
            self.start(place);
        }
        self.settle();
    }

    // What they look at ------------------------------------------------------------------------------------------------

    pub fn context(&self) -> Option<UeContext> {
        self.store.get(imsi()).unwrap().map(|stored| stored.context)
    }

    pub fn other_context(&self) -> Option<UeContext> {
        self.other_store.get(imsi()).unwrap().map(|stored| stored.context)
    }

    /// The UEs that an ID2 is registered with at the app server.
    pub fn bound(&self, application: &str, id2: &str) -> Vec<BoundUe> {
        let stored = self.users.user(application, &id2.parse().unwrap()).unwrap();
        stored.map_or_else(Vec::new, |stored| stored.registration.ues)
    }

    /// Tentative ID2s and registered users of the app server.
    pub fn counts(&self) -> (usize, u64) {
        (self.app_server.tentative(), self.users.user_count().unwrap())
    }

    pub fn id1(&self) -> Pduid {
        self.ue.attachment(0).expect("an ID1").id1
    }

    /// The names of the messages that crossed since the last call, in order.
    pub fn ladder(&mut self) -> Vec<String> {
        std::mem::take(&mut self.crossed).into_iter().map(|crossed| crossed.name).collect()
    }

    pub fn count(&self, name: &str) -> usize {
        self.crossed.iter().filter(|crossed| crossed.name == name).count()
    }

    pub fn last(&self, name: &str) -> &Crossed {
        self.crossed.iter().rev().find(|crossed| crossed.name == name).unwrap_or_else(|| panic!("no {name} crossed"))
    }

    pub fn outcome(&self, name: &str) -> Outcome {
        Outcome::of(&self.last(name).message).expect("a result")
    }

    pub fn reported(&self, step: &str) -> bool {
        self.reports.iter().any(|(_, report)| report.step == step)
    }
}
