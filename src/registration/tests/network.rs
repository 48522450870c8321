//! Six elements and a network in memory: real octets between them, a store that can fail, a clock that jumps.
//!
//! Every message that crosses is held against its grammar. Nothing sleeps: when no message is under way the clock jumps
//! to the next timer.

use std::cell::RefCell;
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

/// Where an element stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    Ue,
    Mme,
    Hss,
    Function,
    Other,
    AppServer,
    SecondAppServer,
    /// The function of another network.
    Foreign,
}

pub const PLACES: [Place; 8] = [
    Place::Ue,
    Place::Mme,
    Place::Hss,
    Place::Function,
    Place::Other,
    Place::AppServer,
    Place::SecondAppServer,
    Place::Foreign,
];

impl Place {
    pub fn host(self) -> String {
        host(match self {
            Self::Ue => "ue",
            Self::Mme => "mme",
            Self::Hss => "hss",
            Self::Function => "pf1",
            Self::Other => "pf2",
            Self::AppServer => "as1",
            Self::SecondAppServer => "as2",
            Self::Foreign => return format!("pf.{FOREIGN_REALM}"),
        })
    }

    pub fn realm(self) -> &'static str {
        if self == Self::Foreign { FOREIGN_REALM } else { REALM }
    }

    fn of(host: &str) -> Option<Self> {
        PLACES.into_iter().find(|place| same_host(&place.host(), host))
    }

    pub fn identity(self) -> Identity {
        Identity { host: self.host(), realm: self.realm().to_owned() }
    }

    pub fn sender(self) -> Sender {
        Sender { peer: self.host(), realm: self.realm().to_owned(), protected: false }
    }
}

/// A store that an element reads and the network writes.
#[derive(Clone, Debug, Default)]
pub struct Shared(pub Rc<RefCell<MemoryStore>>);

impl ContextReader for Shared {
    fn get(&self, imsi: Imsi) -> Result<Option<Stored>, StoreError> {
        self.0.borrow().get(imsi)
    }
    fn get_by_id1(&self, id1: Pduid) -> Result<Option<Stored>, StoreError> {
        self.0.borrow().get_by_id1(id1)
    }
    fn find_by_id2(&self, application: &str, id2: &Id2, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.0.borrow().find_by_id2(application, id2, limit)
    }
    fn due(&self, now: UnixSeconds, limit: usize) -> Result<Vec<(UnixSeconds, Imsi)>, StoreError> {
        self.0.borrow().due(now, limit)
    }
    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.0.borrow().changes(after, limit)
    }
    fn contexts(&self, after: Option<Imsi>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.0.borrow().contexts(after, limit)
    }
    fn count(&self) -> Result<u64, StoreError> {
        self.0.borrow().count()
    }
    fn cursor(&self) -> Result<Cursor, StoreError> {
        self.0.borrow().cursor()
    }
    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.borrow().value(key)
    }
    fn values(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.0.borrow().values(prefix, after, limit)
    }
}

impl UserReader for Shared {
    fn user(&self, application: &str, id2: &Id2) -> Result<Option<StoredUser>, StoreError> {
        self.0.borrow().user(application, id2)
    }
    fn user_named(&self, application: &str, user: &str) -> Result<Option<StoredUser>, StoreError> {
        self.0.borrow().user_named(application, user)
    }
    fn user_on(&self, application: &str, id1: Pduid) -> Result<Option<StoredUser>, StoreError> {
        self.0.borrow().user_on(application, id1)
    }
    fn users(&self, after: Option<(&str, &Id2)>, limit: usize) -> Result<Vec<StoredUser>, StoreError> {
        self.0.borrow().users(after, limit)
    }
    fn user_count(&self) -> Result<u64, StoreError> {
        self.0.borrow().user_count()
    }
}

/// A user whose password stands where its hash should: what hashes are worth is tested where they are made.
pub fn user(name: &str, password: &str) -> User {
    User::with_password(name, format!("$argon2id$v=19$m=8,t=1,p=1$none${password}").parse().unwrap())
}

/// A key that signs with SipHash and is its own public half, in the place of Ed25519.
pub struct ToyKey(pub [u8; 32]);

impl ToyKey {
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0)
    }
}

impl Signer for ToyKey {
    fn sign(&self, octets: &[u8]) -> [u8; SIGNATURE_OCTETS] {
        use std::hash::Hasher as _;
        let mut signature = [0; SIGNATURE_OCTETS];
        for (number, chunk) in signature.chunks_mut(8).enumerate() {
            let mut hasher = siphasher::sip::SipHasher24::new_with_keys(number as u64, 0);
            hasher.write(&self.0);
            hasher.write(octets);
            chunk.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        signature
    }
}

fn judge(question: &Question) -> Result<bool, String> {
    match question {
        Question::Password { hash, password } => {
            let expected = hash.as_str().rsplit('$').next().unwrap();
            if expected == "damaged" {
                Err("the hash is damaged".to_owned())
            } else {
                Ok(expected.as_bytes() == password.reveal())
            }
        }
        Question::Signature { key, octets, signature } => Ok(ToyKey(key.0).sign(octets) == *signature),
    }
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

/// What each element is configured with; change it before [`Network::build`].
pub struct Plan {
    pub ue: UeConfig,
    pub mme: MmeConfig,
    pub hss: HssConfig,
    pub function: FunctionConfig,
    pub other: FunctionConfig,
    pub foreign: FunctionConfig,
    pub app_server: AppServerConfig,
    pub second_app_server: AppServerConfig,
}

pub fn address_of(place: Place) -> std::net::IpAddr {
    match place {
        Place::Function => "192.0.2.1".parse().unwrap(),
        _ => "2001:db8::2".parse().unwrap(),
    }
}

impl Default for Plan {
    fn default() -> Self {
        let to = |place: Place| Destination { host: Some(place.host()), realm: REALM.to_owned() };
        let peer = |place: Place| FunctionPeer {
            host: place.host(),
            realm: REALM.to_owned(),
            addresses: vec![address_of(place)],
        };
        let network = |place: Place, plmn: &str| standard::Network {
            plmn: plmn.parse().unwrap(),
            host: place.host(),
            realm: place.realm().to_owned(),
            via: Vec::new(),
            direct_allowed: 0x3ff,
            discovery_range: Some(2),
            validity: 1800,
            proximity: true,
        };
        let function = |place: Place, allocator| FunctionConfig {
            plmn: "001-01".parse().unwrap(),
            address: None,
            allocator,
            network_key: *b"sixteen octets!!",
            id1_validity: 3600,
            hss: to(Place::Hss),
            mmes: vec![Place::Mme.host()],
            app_servers: [(Place::AppServer, APPLICATION), (Place::SecondAppServer, GAMES)]
                .map(|(place, application)| AppServerPeer {
                    host: place.host(),
                    realm: REALM.to_owned(),
                    applications: vec![application.to_owned()],
                })
                .to_vec(),
            functions: vec![peer(if place == Place::Function { Place::Other } else { Place::Function })],
            services: 0xff,
            move_hold: 600,
            moved_memory: 120,
            retention: 7200,
            retry_first: 1,
            retry_most: 60,
            pc2_application: crate::interfaces::pc2::APPLICATION,
            most_bindings: 4,
            most_pending: 64,
            overload: OverloadSettings::default(),
            standard: StandardConfig { networks: vec![network(Place::Foreign, "001-02")], ..StandardConfig::default() },
        };
        let app_server = |application: &str| AppServerConfig {
            users: vec![user("alice", PASSWORD)],
            lab: true,
            functions: vec![peer(Place::Function), peer(Place::Other)],
            id3_realms: vec![REALM.to_owned()],
            most_pending: 64,
            most_users: 1000,
            ..AppServerConfig::new(vec![application.to_owned()])
        };
        Self {
            ue: UeConfig {
                mme: to(Place::Mme),
                app_server: to(Place::AppServer),
                application: APPLICATION.to_owned(),
                tell_id3: true,
                devices: vec![Device {
                    imsi: imsi(),
                    capability: 0xff,
                    user: "alice".to_owned(),
                    credential: Credential::Password(Secret::new(PASSWORD)),
                }],
            },
            mme: MmeConfig {
                plmn: "001-01".parse().unwrap(),
                hss: Some(to(Place::Hss)),
                subscribers: Vec::new(),
                functions: vec![peer(Place::Function), peer(Place::Other)],
                services: 0xff,
                most_pending: 64,
            },
            hss: HssConfig {
                subscribers: vec![Subscriber {
                    imsi: imsi(),
                    msisdn: Some("4915112345678".parse().unwrap()),
                    prose_permission: Some(0x03),
                    allowed_plmns: Vec::new(),
                    reset_ids: Vec::new(),
                }],
                functions: vec![Place::Function.host(), Place::Other.host(), Place::Foreign.host()],
            },
            function: function(Place::Function, 1),
            other: function(Place::Other, 2),
            foreign: FunctionConfig {
                plmn: "001-02".parse().unwrap(),
                functions: Vec::new(),
                standard: StandardConfig {
                    networks: vec![network(Place::Function, "001-01")],
                    ..StandardConfig::default()
                },
                ..function(Place::Foreign, 1)
            },
            app_server: app_server(APPLICATION),
            second_app_server: app_server(GAMES),
        }
    }
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
