//! The ProSe Function: allocates ID1, authenticates the UE by it, records ID2, hands the context over and takes it.
//!
//! ```text
//! message 5 ─► PIR to the HSS ─► [G1 to the old function] ─► write ─► message 6     allocate.rs, moving.rs
//! message 2 ─► judge ─► write ─► message 3                                          bind.rs
//! G1, CRR   ─► judge ─► write ─► G2, CRA;   U1 to the app servers until all know    moving.rs
//! UPR, RSR  ─► write ─► UPA, RSA;   PNR, PSR to the HSS                             subscription.rs
//! ```
//! Whatever changes a context is a `Job`: it reads the context, judges, and asks for a write on the condition that the
//! context is still the one that was read. What must be said after the write (the answer above all) is held back until
//! the write is durable. When somebody else was faster the job runs again from the start, so the requests of one UE
//! need no lock and no queue.

mod allocate;
mod bind;
mod moving;
mod subscription;
pub mod view;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde::Deserialize;

use super::ALL_SERVICES;
use super::config::{self, ConfigError, FunctionPeer, Identity, same_host};
use super::element::{Action, Destination, Element, Event, Now};
use super::exchange::{Entropy, Pending, Sessions, failure, report};
use super::identifiers::{
    Fqdn, FunctionAddress, Id1Allocator, Id1Layout, Id1Space, Imsi, NetworkKey, PlmnId, Reservation, UnixSeconds,
};
use super::reply::{Asked, Outcome};
use crate::interfaces::{pc2, pc4};
use crate::store::{self, Condition, ContextReader, StoreError, Stored, UeContext, UeState, Write, WriteOutcome};

use allocate::Allocation;
use moving::{Release, Update};

/// What a function is configured with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionConfig {
    /// The network it belongs to, e.g. `001-01`; stands in every ID1.
    #[serde(deserialize_with = "config::parsed")]
    pub plmn: PlmnId,
    /// ID3, what message 6 tells the UE: a name or an IP address. Absent: the Origin-Host.
    #[serde(default, deserialize_with = "config::parsed_option")]
    pub address: Option<FunctionAddress>,
    /// Number of this function among those of the network, 0 to 63; no two may have the same.
    pub allocator: u16,
    /// Secret of the network that makes ID1s unguessable, 32 hexadecimal digits, the same in all its functions.
    #[serde(deserialize_with = "config::sixteen")]
    pub network_key: [u8; 16],
    /// For how many seconds an ID1 is good.
    #[serde(default = "id1_validity")]
    pub id1_validity: u32,
    /// The HSS.
    pub hss: Destination,
    /// Origin-Hosts of the MMEs that may send message 5.
    pub mmes: Vec<String>,
    /// App servers that may send message 2, and the applications each may register users for.
    pub app_servers: Vec<AppServerPeer>,
    /// The other functions of the same network.
    #[serde(default)]
    pub functions: Vec<FunctionPeer>,
    /// The bits of ProSe-Permission that count; one is enough.
    #[serde(default = "all_services")]
    pub services: u32,
    /// Seconds after which a context that was handed over, and that the new function never confirmed, is forgotten.
    #[serde(default = "move_hold")]
    pub move_hold: u64,
    /// Seconds for which a context that has moved is remembered, to name the new function to late requests.
    #[serde(default = "moved_memory")]
    pub moved_memory: u64,
    /// Seconds for which a context outlives its ID1, so that the UE may renew it.
    #[serde(default = "retention")]
    pub retention: u64,
    /// Seconds before an app server or function that is down is tried again; doubled each time.
    #[serde(default = "retry_first")]
    pub retry_first: u64,
    /// Seconds between tries at the most.
    #[serde(default = "retry_most")]
    pub retry_most: u64,
    /// The PC2 application to use: 16777350, or 16777337 for app servers of release 12.
    #[serde(default = "pc2_application")]
    pub pc2_application: u32,
    /// Applications one UE may have users bound in.
    #[serde(default = "most_bindings")]
    pub most_bindings: usize,
    /// Requests that may be under way at a time; further ones are answered DIAMETER_TOO_BUSY.
    #[serde(default = "most_pending")]
    pub most_pending: usize,
}

/// An app server as the function knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppServerPeer {
    /// Its Origin-Host.
    pub host: String,
    /// Its Origin-Realm.
    pub realm: String,
    /// The ProSe Application IDs it may register users for.
    pub applications: Vec<String>,
}

const fn id1_validity() -> u32 {
    12 * 3600
}
const fn all_services() -> u32 {
    ALL_SERVICES
}
const fn move_hold() -> u64 {
    600
}
const fn moved_memory() -> u64 {
    120
}
const fn retention() -> u64 {
    24 * 3600
}
const fn retry_first() -> u64 {
    1
}
const fn retry_most() -> u64 {
    60
}
const fn pc2_application() -> u32 {
    pc2::APPLICATION
}
const fn most_bindings() -> usize {
    64
}
const fn most_pending() -> usize {
    65_536
}

/// How often a job runs again when others are faster, before the request is answered DIAMETER_TOO_BUSY.
const MOST_ATTEMPTS: u8 = 8;
/// How often contexts that have run out are looked for.
const HOUSEKEEPING: Duration = Duration::from_secs(30);
/// How many of them are forgotten at a time.
const MOST_FORGOTTEN: usize = 256;

/// A change of a context.
#[derive(Debug)]
enum Job {
    /// Message 5, after the HSS and the old function have been asked.
    Allocate(Box<Allocation>),
    /// Message 2.
    Bind(Asked),
    /// G1.
    HandOut(Asked),
    /// CRR.
    LetGo(Asked),
    /// UPR.
    Subscription(Asked),
    /// The HSS has refused a UE that has a context.
    Withdraw(Imsi),
    /// U2: an app server knows of the move; with `gone` it does not know the user.
    Confirm { imsi: Imsi, application: Box<str>, gone: bool },
    /// A context has run out.
    Forget(Imsi),
}

/// What a job asks for once it has judged.
enum Step {
    /// Nothing is to be written; what had to be said is among the actions.
    Over,
    /// The writes, and what is held back until they are durable.
    Write { writes: Vec<Write>, held: Vec<Action>, after: After },
}

/// What follows a durable write besides the actions held back.
#[derive(Debug)]
enum After {
    Nothing,
    /// A UE has moved here: the old function has to know, and the app servers unless they are `told`.
    Moved {
        imsi: Imsi,
        told: bool,
        release: Release,
    },
    /// A UE has gone: the HSS has to know.
    Gone(Imsi),
}

/// What waits for an event.
#[derive(Debug)]
enum Waiting {
    /// PIR.
    Profile(Box<Allocation>),
    /// G1.
    Context(Box<Allocation>),
    /// A write of a context.
    Write {
        job: Job,
        attempt: u8,
        held: Vec<Action>,
        after: After,
    },
    /// The write that reserves a block of ID1s.
    Block(Reservation),
    /// A write on which nothing depends.
    Tidied,
    /// U1, or the timer before its next try.
    Update(Update),
    UpdateAgain(Update),
    /// CRR, or the timer before its next try.
    Release(Release),
    ReleaseAgain(Release),
    /// PNR, PSR, PXR: only told.
    Told {
        step: &'static str,
        what: String,
    },
    Housekeeping,
}

/// The function as an element. `R` reads the store that carries out its writes: it must see every write whose
/// [`Event::Stored`] has come.
#[derive(Debug)]
pub struct Function<R> {
    identity: Identity,
    config: FunctionConfig,
    address: FunctionAddress,
    reader: R,
    allocator: Id1Allocator,
    reserving: bool,
    /// Messages 5 that wait for the first block of ID1s.
    waits_for_block: VecDeque<Box<Allocation>>,
    /// UEs whose context is being fetched from another function, and how many messages 5 do so.
    taking: HashMap<Imsi, usize>,
    pending: Pending<Waiting>,
    sessions: Sessions,
    entropy: Entropy,
}

const APPLICATIONS: &[u32] = &[
    pc2::APPLICATION,
    pc2::APPLICATION_FIRST,
    pc4::hss::APPLICATION,
    pc4::mme::APPLICATION,
    pc4::function::APPLICATION,
];

/// A function that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<R: ContextReader> Function<R> {
    /// A function over the store that `reader` reads. `seed` comes from the operating system's randomness.
    ///
    /// # Errors
    /// The configuration cannot work, or the store cannot be read.
    pub fn new(identity: Identity, config: FunctionConfig, reader: R, seed: [u8; 16]) -> Result<Self, StartError> {
        let wrong = |field, why: String| ConfigError::Value { field, why };
        let address = match config.address.clone() {
            Some(address) => address,
            None => Fqdn::new(&identity.host)
                .map(FunctionAddress::Fqdn)
                .map_err(|why| wrong("address", format!("the identity cannot stand for it: {why}")))?,
        };
        if config.id1_validity == 0 {
            return Err(wrong("id1_validity", "write at least one second".to_owned()).into());
        }
        if ![pc2::APPLICATION, pc2::APPLICATION_FIRST].contains(&config.pc2_application) {
            let why = format!("{} is no PC2: write 16777350 or 16777337", config.pc2_application);
            return Err(wrong("pc2_application", why).into());
        }
        let space = Id1Space::new(config.plmn, &NetworkKey(config.network_key), Id1Layout::default());
        let next_block = store::next_block(&reader, config.allocator)?;
        let allocator = Id1Allocator::resume(space, config.allocator, next_block)
            .map_err(|why| wrong("allocator", why.to_string()))?;
        let mut entropy = Entropy::new(seed);
        Ok(Self {
            sessions: Sessions::new(&identity.host, &mut entropy),
            pending: Pending::new(config.most_pending),
            identity,
            config,
            address,
            reader,
            allocator,
            reserving: false,
            waits_for_block: VecDeque::new(),
            taking: HashMap::new(),
            entropy,
        })
    }

    /// What the function reads its contexts from.
    pub const fn reader(&self) -> &R {
        &self.reader
    }

    /// ID3.
    #[must_use]
    pub const fn address(&self) -> &FunctionAddress {
        &self.address
    }

    /// How many exchanges are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.pending.len()
    }

    fn request(&mut self, now: Now, asked: Asked, actions: &mut Vec<Action>) {
        if self.pending.is_full() || self.waits_for_block.len() >= self.config.most_pending {
            failure(actions, "overload", format!("{} requests are under way", self.pending.len()));
            return asked.reply(&self.identity, Outcome::TOO_BUSY).send(actions);
        }
        match (asked.header.application, asked.header.code) {
            (pc4::mme::APPLICATION, super::COMMAND_A) => self.message_5(asked, actions),
            (pc2::APPLICATION | pc2::APPLICATION_FIRST, 8_388_727) => self.application_request(now, asked, actions),
            (pc4::function::APPLICATION, super::COMMAND_A) => self.run(now, Job::HandOut(asked), 0, actions),
            (pc4::function::APPLICATION, super::COMMAND_B) => self.run(now, Job::LetGo(asked), 0, actions),
            (pc4::hss::APPLICATION, 8_388_665) => self.run(now, Job::Subscription(asked), 0, actions),
            (pc4::hss::APPLICATION, 322 | pc4::hss::RESET_SECOND_CODE) => self.reset_request(&asked, actions),
            _ => asked.unknown(&self.identity, APPLICATIONS, actions),
        }
    }

    /// Runs a job up to its write.
    fn run(&mut self, now: Now, mut job: Job, attempt: u8, actions: &mut Vec<Action>) {
        let step = match &mut job {
            Job::Allocate(allocation) => self.allocate(now, allocation, actions),
            Job::Bind(asked) => self.bind(now, asked, actions),
            Job::HandOut(asked) => self.hand_out(now, asked, actions),
            Job::LetGo(asked) => self.let_go(now, asked, actions),
            Job::Subscription(asked) => self.subscription_change(asked, actions),
            Job::Withdraw(imsi) => self.withdraw(*imsi),
            Job::Confirm { imsi, application, gone } => self.confirm(*imsi, application, *gone, actions),
            Job::Forget(imsi) => self.forget(now, *imsi, actions),
        };
        match step {
            Ok(Step::Over) => {}
            Ok(Step::Write { writes, held, after }) => {
                let token = self.pending.insert(Waiting::Write { job, attempt, held, after });
                actions.push(Action::Store { token, writes });
            }
            Err(Stop::NoBlock) => {
                if let Job::Allocate(allocation) = job {
                    self.waits_for_block.push_back(allocation);
                    self.reserve_block(actions);
                }
            }
            Err(Stop::AskBack) => {
                if let Job::Allocate(allocation) = job {
                    self.context_request(now, allocation, actions);
                }
            }
            Err(Stop::Overtaken) => {
                self.give_up(&job, Outcome::TOO_BUSY, "another function asked for the context meanwhile", actions);
            }
            Err(Stop::Store(why)) => self.give_up(&job, Outcome::UNABLE_TO_COMPLY, &why.to_string(), actions),
            Err(Stop::Exhausted(why)) => self.give_up(&job, Outcome::UNABLE_TO_COMPLY, &why, actions),
        }
    }

    /// The outcome of a job's write. All of its writes must be done; the context's stands first.
    fn written(
        &mut self,
        now: Now,
        (job, attempt): (Job, u8),
        (held, after): (Vec<Action>, After),
        result: Result<Vec<WriteOutcome>, String>,
        actions: &mut Vec<Action>,
    ) {
        match result.as_ref().map(|outcomes| outcomes.first().copied()) {
            Ok(Some(WriteOutcome::Done { .. } | WriteOutcome::Absent)) => {
                self.end_taking(&job);
                actions.extend(held);
                match after {
                    After::Nothing => {}
                    After::Moved { imsi, told, release } => self.tell_of_move(imsi, told, release, actions),
                    After::Gone(imsi) => self.purge_notification(imsi, actions),
                }
            }
            Ok(Some(WriteOutcome::Conflict { .. })) if attempt < MOST_ATTEMPTS => {
                self.run(now, job, attempt + 1, actions);
            }
            Ok(Some(WriteOutcome::Conflict { .. })) => {
                self.give_up(&job, Outcome::TOO_BUSY, "others change the same context all the time", actions);
            }
            Ok(Some(WriteOutcome::Id1Taken { id1, by })) => {
                let why = format!("ID1 {id1} belongs to {by}");
                self.give_up(&job, Outcome::UNABLE_TO_COMPLY, &why, actions);
            }
            Ok(Some(WriteOutcome::ValueConflict) | None) => {
                self.give_up(&job, Outcome::UNABLE_TO_COMPLY, "the store did not do the write", actions);
            }
            Err(why) => self.give_up(&job, Outcome::UNABLE_TO_COMPLY, why, actions),
        }
    }

    /// A job could not be done: whoever asked is told so, and nothing was recorded.
    fn give_up(&mut self, job: &Job, outcome: Outcome, why: &str, actions: &mut Vec<Action>) {
        self.end_taking(job);
        let (step, asked) = match job {
            Job::Allocate(allocation) => ("F-1", Some(&allocation.asked)),
            Job::Bind(asked) => ("F-3", Some(asked)),
            Job::HandOut(asked) | Job::LetGo(asked) => ("F-6", Some(asked)),
            Job::Subscription(asked) => ("UPR", Some(asked)),
            Job::Withdraw(_) => ("F-2", None),
            Job::Confirm { .. } => ("F3-1", None),
            Job::Forget(_) => ("expiry", None),
        };
        failure(actions, step, format!("nothing was recorded: {why}"));
        if let Job::Confirm { imsi, application, .. } = job {
            // The app server is told once more, which changes nothing there and brings this job again.
            let update = Update { imsi: *imsi, application: application.clone(), attempt: 1, candidates: 1 };
            let after = self.back_off(1);
            self.timer(Waiting::UpdateAgain(update), after, actions);
        }
        if let Some(asked) = asked {
            // What is wrong with our disk is not for the other side to know.
            asked.reply(&self.identity, outcome).because("the function could not record it").send(actions);
        }
    }

    /// Asks for the next block of ID1s to be made durable, when one is needed.
    fn reserve_block(&mut self, actions: &mut Vec<Action>) {
        if self.reserving {
            return;
        }
        if let Some(reservation) = self.allocator.reservation() {
            self.reserving = true;
            let token = self.pending.insert(Waiting::Block(reservation));
            actions.push(Action::Store { token, writes: vec![store::reserve(reservation)] });
        }
    }

    fn block_written(
        &mut self,
        now: Now,
        reservation: Reservation,
        result: Result<Vec<WriteOutcome>, String>,
        actions: &mut Vec<Action>,
    ) {
        self.reserving = false;
        let why = match result {
            Ok(outcomes) if outcomes.first().is_some_and(|outcome| outcome.is_done()) => {
                self.allocator.reserved(reservation);
                None
            }
            Ok(_) => Some("another function uses the same allocator number or the same store".to_owned()),
            Err(why) => Some(why),
        };
        if let Some(why) = &why {
            failure(actions, "F-1", format!("no ID1s can be reserved: {why}"));
        }
        for allocation in std::mem::take(&mut self.waits_for_block) {
            let job = Job::Allocate(allocation);
            match &why {
                None => self.run(now, job, 0, actions),
                Some(why) => self.give_up(&job, Outcome::UNABLE_TO_COMPLY, why, actions),
            }
        }
    }

    /// Forgets what has run out, and comes again.
    fn housekeeping(&mut self, now: Now, actions: &mut Vec<Action>) {
        let mut again = HOUSEKEEPING;
        match self.reader.due(seconds(now), MOST_FORGOTTEN) {
            Ok(due) => {
                if due.len() == MOST_FORGOTTEN {
                    again = Duration::from_secs(1);
                }
                for (_, imsi) in due {
                    self.run(now, Job::Forget(imsi), 0, actions);
                }
            }
            Err(why) => failure(actions, "expiry", why.to_string()),
        }
        self.timer(Waiting::Housekeeping, again, actions);
    }

    /// A context has run out: its ID1 and the time to renew it, or the time after a move.
    fn forget(&self, now: Now, imsi: Imsi, actions: &mut Vec<Action>) -> Result<Step, Stop> {
        let Some(stored) = self.reader.get(imsi)? else { return Ok(Step::Over) };
        if stored.expires_at.is_none_or(|at| at > seconds(now)) {
            return Ok(Step::Over);
        }
        let (text, after) = match &stored.context.state {
            UeState::Registered => (format!("{imsi} is forgotten: its ID1 was not renewed"), After::Gone(imsi)),
            UeState::Moving { to, .. } => {
                (format!("{imsi} is forgotten: {to} fetched its context and never confirmed"), After::Nothing)
            }
            UeState::Moved { to, .. } => (format!("{imsi} is forgotten: it has moved to {to}"), After::Nothing),
        };
        report(actions, "expiry", text);
        let writes = vec![Write::Delete { imsi, condition: Condition::Version(stored.version) }];
        Ok(Step::Write { writes, held: Vec::new(), after })
    }

    /// The other function whose proven identity is `host`.
    fn function_peer(&self, host: &str) -> Option<&FunctionPeer> {
        self.config.functions.iter().find(|function| same_host(&function.host, host))
    }

    /// Whether `address` is this function's own.
    fn is_own(&self, address: &FunctionAddress) -> bool {
        *address == self.address || address.fqdn().is_some_and(|name| same_host(name.as_str(), &self.identity.host))
    }

    fn until(&self, now: Now) -> UnixSeconds {
        seconds(now).plus(u64::from(self.config.id1_validity))
    }

    /// The write of a context that was read before.
    fn put(&self, context: UeContext, read: Option<&Stored>, expires_at: Option<UnixSeconds>) -> Write {
        let condition = read.map_or(Condition::Absent, |stored| Condition::Version(stored.version));
        Write::Put { context: Box::new(context), expires_at, condition }
    }

    /// How long to wait before try number `attempt` (from 1): doubled each time, up to the bound.
    fn back_off(&self, attempt: u32) -> Duration {
        let factor = 1u64.checked_shl(attempt.saturating_sub(1).min(32)).unwrap_or(u64::MAX);
        Duration::from_secs(self.config.retry_first.saturating_mul(factor).clamp(1, self.config.retry_most.max(1)))
    }

    /// Sets a timer. What waits for one takes no request's place: an app server that is down for long must not make the
    /// function turn others away.
    fn timer(&mut self, waiting: Waiting, after: Duration, actions: &mut Vec<Action>) {
        let token = self.pending.insert_patient(waiting);
        actions.push(Action::SetTimer { token, after });
    }
}

/// Why a job cannot go on.
enum Stop {
    /// The context was handed out: the function it went to is asked first.
    AskBack,
    /// The context was handed out while another function was asked for it.
    Overtaken,
    /// No block of ID1s is reserved yet.
    NoBlock,
    /// There are no ID1s left.
    Exhausted(String),
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

/// The moment by the clock that validity times count.
fn seconds(now: Now) -> UnixSeconds {
    UnixSeconds(now.unix.as_secs())
}

impl<R: ContextReader> Element for Function<R> {
    fn applications(&self) -> &[u32] {
        APPLICATIONS
    }

    fn start(&mut self, now: Now, actions: &mut Vec<Action>) {
        self.reserve_block(actions);
        self.resume_moves(actions);
        self.housekeeping(now, actions);
    }

    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Request { ticket, sender, header, message } => {
                let asked = Asked { ticket, sender: sender.clone(), header, message: message.to_vec() };
                self.request(now, asked, actions);
            }
            Event::Answer { token, result } => match self.pending.take(token) {
                Some(Waiting::Profile(allocation)) => self.profile(now, allocation, result, actions),
                Some(Waiting::Context(allocation)) => self.context(now, allocation, result, actions),
                Some(Waiting::Update(update)) => self.updated(now, update, result, actions),
                Some(Waiting::Release(release)) => self.released(release, result, actions),
                Some(Waiting::Told { step, what }) => subscription::told(step, &what, result, actions),
                _ => {}
            },
            // It forwards nothing.
            Event::Undelivered { .. } | Event::Authenticated { .. } => {}
            Event::Stored { token, result } => match self.pending.take(token) {
                Some(Waiting::Write { job, attempt, held, after }) => {
                    self.written(now, (job, attempt), (held, after), result, actions);
                }
                Some(Waiting::Block(reservation)) => self.block_written(now, reservation, result, actions),
                _ => {}
            },
            Event::Timer { token } => match self.pending.take(token) {
                Some(Waiting::UpdateAgain(update)) => self.update(update, actions),
                Some(Waiting::ReleaseAgain(release)) => self.release(release, actions),
                Some(Waiting::Housekeeping) => self.housekeeping(now, actions),
                _ => {}
            },
        }
    }
}
