//! The ProSe Function: allocates ID1, authenticates the UE by it, records ID2, hands the context over and takes it.
//!
//! ```text
//! message 5 ─► PIR to the HSS ─► [G1 to the old function] ─► write ─► message 6     allocate.rs, moving.rs
//! message 2 ─► judge ─► write ─► message 3                                          bind.rs
//! G1, CRR   ─► judge ─► write ─► G2, CRA                                            handover.rs
//! U1, CRR, farewells to whom they concern, until all have heard                     tell.rs, deliveries.rs
//! UPR, RSR  ─► write ─► UPA, RSA;   PNR, PSR to the HSS                             subscription.rs
//! the end of a UE: by itself, the operator, the HSS, time                           lifecycle.rs
//! who is let in and whose turn it is                                                admit.rs, order.rs
//! ```
//! Whatever changes a context is a `Job`: it reads the context, judges, and asks for a write on the condition that the
//! context is still the one that was read. What must be said after the write (the answer above all) is held back until
//! the write is durable. When somebody else was faster the job runs again from the start. Requests of one UE wait for one
//! another; what the function does of itself (a confirmation, an expiry, an operator's wish) rests on the condition alone.

mod admit;
mod allocate;
mod bind;
mod config;
mod deliveries;
mod handover;
mod inspect;
mod lifecycle;
mod moving;
mod order;
pub mod standard;
mod subscription;
mod tell;
pub mod view;

use std::collections::VecDeque;
use std::time::Duration;

use super::config::{ConfigError, FunctionPeer, Identity, same_host};
use super::element::{Action, Element, Event, Inquiry, NoReply, Now};
use super::exchange::{Entropy, Pending, Sessions, failure, report};
use super::identifiers::{
    Fqdn, FunctionAddress, Id1Allocator, Id1Layout, Id1Space, Imsi, NetworkKey, Pduid, Reservation, UnixSeconds,
};
use super::overload::{Guard, priority_of};
use super::reply::{Asked, Outcome};
use crate::interfaces::{pc2, pc4, pc6};
use crate::store::{
    self, Condition, ContextReader, Cursor, StoreError, Stored, UeContext, UeState, Write, WriteOutcome,
};

pub use config::{AppServerPeer, FunctionConfig, OverloadSettings};

use allocate::Allocation;
use deliveries::{Deliveries, Parcel};
use lifecycle::{Cause, KeyAndHost};
use order::Turns;
use tell::Sweep;

/// Key of the fingerprint of what ID1s are made with.
const FINGERPRINT: &str = "id1/fingerprint";
/// How often a job runs again when others are faster, before the request is answered DIAMETER_TOO_BUSY.
const MOST_ATTEMPTS: u8 = 8;
/// How often contexts that have run out are looked for.
const HOUSEKEEPING: Duration = Duration::from_secs(30);
/// When there are more than are forgotten at a time: as fast as UEs may come, with room for requests in between.
const MORE_HOUSEKEEPING: Duration = Duration::from_millis(100);
/// How many of them are forgotten at a time.
const MOST_FORGOTTEN: usize = 256;

/// A change of a context.
#[derive(Debug)]
enum Job {
    /// Message 5, after the HSS and the old function have been asked.
    Allocate(Box<Allocation>),
    /// Message 2, and the context that its ID1 has just led to.
    Bind(Asked, Option<Box<Stored>>),
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
    /// A UE gives its ID1 back, or the operator ends it.
    Depart { imsi: Imsi, cause: Cause, asked: Option<Asked> },
    /// Another function serves a UE that we took over under `id1`, when our copy had this version.
    Yield { imsi: Imsi, id1: Pduid, version: Cursor, to: FunctionAddress },
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
    /// A UE has moved here: the app servers and the old function have to know.
    Moved {
        imsi: Imsi,
        /// The ID1 it had there.
        id1: Pduid,
        /// The old function.
        host: String,
    },
    /// A UE has gone to another function: the HSS has to know, under the key of its mark.
    Gone(Imsi, Box<str>),
    /// Users are no longer bound to a UE, or it has gone altogether: app servers have to know, by key and host, and for most
    /// causes the HSS, under the key of its mark.
    Parted {
        imsi: Imsi,
        gone: bool,
        purge: Option<Box<str>>,
        farewells: Vec<KeyAndHost>,
    },
    /// What a UE may do has changed; with nothing left its app servers have to know.
    Changed {
        imsi: Imsi,
        permission: u32,
        farewells: Vec<KeyAndHost>,
    },
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
    /// U1, CRR or a farewell, and the version of the context when it left.
    Parcel(Parcel, Cursor),
    /// The timer before its next try.
    ParcelAgain(Parcel),
    /// The timer before a node that was silent is tried again.
    Lane(Box<str>),
    /// The timer before the next page of what an earlier run left untold.
    Sweep(Sweep),
    /// PNR, PSR, PXR: only told.
    Told {
        step: &'static str,
        what: String,
    },
    /// A procedure of 3GPP.
    Standard(Box<standard::Pause>),
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
    standard: standard::State,
    pending: Pending<Waiting>,
    sessions: Sessions,
    entropy: Entropy,
    turns: Turns,
    deliveries: Deliveries,
    sweeping: bool,
    guard: Guard,
}

const APPLICATIONS: &[u32] = &[
    pc2::APPLICATION,
    pc2::APPLICATION_FIRST,
    pc4::hss::APPLICATION,
    pc4::mme::APPLICATION,
    pc4::function::APPLICATION,
    pc6::APPLICATION,
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
        let fingerprint = space.fingerprint().to_be_bytes();
        if reader.value(FINGERPRINT)?.is_some_and(|written| written != fingerprint) {
            let why =
                "the store was filled under another network_key, plmn or layout: ID1s could come twice; write the old \
                       ones, or give this function an empty store"
                    .to_owned();
            return Err(wrong("network_key", why).into());
        }
        let next_block = store::next_block(&reader, config.allocator)?;
        let allocator = Id1Allocator::resume(space, config.allocator, next_block)
            .map_err(|why| wrong("allocator", why.to_string()))?;
        let mut entropy = Entropy::new(seed);
        let standard = standard::State::new(&config.standard);
        Ok(Self {
            sessions: Sessions::new(&identity.host, &mut entropy),
            pending: Pending::new(config.most_pending),
            turns: Turns::default(),
            deliveries: Deliveries::new(config.overload.most_untold),
            sweeping: false,
            guard: Guard::default(),
            identity,
            config,
            address,
            reader,
            allocator,
            reserving: false,
            waits_for_block: VecDeque::new(),
            standard,
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

    /// How many messages to app servers and other functions nobody has heard yet, as far as they are in memory.
    #[must_use]
    pub fn untold(&self) -> usize {
        self.deliveries.len()
    }

    /// Whether no request is under way or waits.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.len() == 0 && self.turns.is_idle()
    }

    /// Runs a job up to its write.
    fn run(&mut self, now: Now, mut job: Job, attempt: u8, actions: &mut Vec<Action>) {
        let step = match &mut job {
            Job::Allocate(allocation) => self.allocate(now, allocation, actions),
            Job::Bind(asked, found) => {
                let found = found.take().map(|found| *found);
                self.bind(now, asked, found, actions)
            }
            Job::HandOut(asked) => self.hand_out(now, asked, actions),
            Job::LetGo(asked) => self.let_go(now, asked, actions),
            Job::Subscription(asked) => self.subscription_change(now, asked, actions),
            Job::Withdraw(imsi) => self.withdraw(now, *imsi),
            Job::Confirm { imsi, application, gone } => self.confirm(*imsi, application, *gone, actions),
            Job::Forget(imsi) => self.forget(now, *imsi, actions),
            Job::Depart { imsi, cause, asked } => self.depart(now, *imsi, *cause, asked.as_ref(), actions),
            Job::Yield { imsi, id1, version, to } => self.give_way(now, (*imsi, *id1), *version, to, actions),
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
                actions.extend(held);
                match after {
                    After::Nothing => {}
                    After::Moved { imsi, id1, host } => self.tell_of_move(now, imsi, id1, &host, actions),
                    After::Gone(imsi, purge) => {
                        self.tell_of_parting(now, Some(purge), Vec::new(), actions);
                        self.standard_gone(now, imsi, actions);
                    }
                    After::Parted { imsi, gone, purge, farewells } => {
                        self.tell_of_parting(now, purge, farewells, actions);
                        if gone {
                            self.standard_gone(now, imsi, actions);
                        }
                    }
                    After::Changed { imsi, permission, farewells } => {
                        self.tell_of_parting(now, None, farewells, actions);
                        self.standard_changed(now, imsi, permission, actions);
                    }
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
            Err(why) if *why == StoreError::Busy.to_string() => self.give_up(&job, Outcome::TOO_BUSY, why, actions),
            Err(why) => self.give_up(&job, Outcome::UNABLE_TO_COMPLY, why, actions),
        }
    }

    /// A job could not be done: whoever asked is told so, and nothing was recorded.
    fn give_up(&mut self, job: &Job, outcome: Outcome, why: &str, actions: &mut Vec<Action>) {
        let (step, asked) = match job {
            Job::Allocate(allocation) => ("F-1", Some(&allocation.asked)),
            Job::Bind(asked, _) => ("F-3", Some(asked)),
            Job::HandOut(asked) | Job::LetGo(asked) => ("F-6", Some(asked)),
            Job::Subscription(asked) => ("UPR", Some(asked)),
            Job::Withdraw(_) => ("F-2", None),
            Job::Confirm { .. } => ("F3-1", None),
            Job::Forget(_) => ("expiry", None),
            Job::Depart { asked, .. } => ("deregistration", asked.as_ref()),
            Job::Yield { .. } => ("F-6", None),
        };
        failure(actions, step, format!("nothing was recorded: {why}"));
        // The other side is told once more, which changes nothing there and brings this job again.
        if matches!(job, Job::Confirm { .. } | Job::Yield { .. }) {
            self.sweep_later(actions);
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
            let value = self.allocator.space().fingerprint().to_be_bytes().to_vec();
            let key = FINGERPRINT.to_owned();
            let writes = vec![store::reserve(reservation), Write::PutValue { key, value, expected: None }];
            actions.push(Action::Store { token, writes });
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
        let mut waited: Vec<_> = std::mem::take(&mut self.waits_for_block).into();
        waited.sort_by_key(|allocation| priority_of(&allocation.asked.message));
        for allocation in waited {
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
                    again = MORE_HOUSEKEEPING;
                }
                for (_, imsi) in due {
                    self.run(now, Job::Forget(imsi), 0, actions);
                }
            }
            Err(why) => failure(actions, "expiry", why.to_string()),
        }
        self.standard_housekeeping(now, actions);
        self.timer(Waiting::Housekeeping, again, actions);
    }

    /// A context has run out: its ID1 and the time to renew it, or the time after a move.
    fn forget(&self, now: Now, imsi: Imsi, actions: &mut Vec<Action>) -> Result<Step, Stop> {
        let Some(stored) = self.reader.get(imsi)? else { return Ok(Step::Over) };
        if stored.expires_at.is_none_or(|at| at > seconds(now)) {
            return Ok(Step::Over);
        }
        let text = match &stored.context.state {
            UeState::Registered => return Ok(self.part(now, &stored, Cause::Expired, None)),
            UeState::Moving { to, .. } => {
                format!("{imsi} is forgotten: {to} fetched its context and never confirmed")
            }
            UeState::Moved { to, .. } => format!("{imsi} is forgotten: it has moved to {to}"),
        };
        report(actions, "expiry", text);
        let writes = vec![Write::Delete { imsi, condition: Condition::Version(stored.version) }];
        Ok(Step::Write { writes, held: Vec::new(), after: After::Nothing })
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
        let from = actions.len();
        self.reserve_block(actions);
        self.sweep(now, Sweep::default(), actions);
        self.resume_standard(now, actions);
        self.housekeeping(now, actions);
        self.conclude(now, from, actions);
    }

    fn operate(
        &mut self,
        now: Now,
        question: &Inquiry,
        actions: &mut Vec<Action>,
    ) -> Result<serde_json::Value, NoReply> {
        let from = actions.len();
        let answer = self.answer_operator(now, question, actions);
        self.conclude(now, from, actions);
        answer
    }

    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        let from = actions.len();
        match event {
            Event::Request { ticket, sender, header, message } => {
                self.guard.arrived(ticket, message);
                let asked = Asked { ticket, sender: sender.clone(), header, message: message.to_vec() };
                self.request(now, asked, actions);
            }
            Event::Answer { token, result } => {
                if let Ok(answer) = result {
                    self.guard.answered(now, answer);
                }
                self.answer(now, token, result, actions);
            }
            // It forwards nothing.
            Event::Undelivered { .. } | Event::Authenticated { .. } => {}
            Event::Stored { token, result } => match self.pending.take(token) {
                Some(Waiting::Write { job, attempt, held, after }) => {
                    self.written(now, (job, attempt), (held, after), result, actions);
                }
                Some(Waiting::Block(reservation)) => self.block_written(now, reservation, result, actions),
                Some(Waiting::Standard(pause)) => self.standard_stored(now, *pause, result, actions),
                _ => {}
            },
            Event::Timer { token } => match self.pending.take(token) {
                Some(Waiting::ParcelAgain(parcel)) => self.parcel_again(now, &parcel, actions),
                Some(Waiting::Lane(host)) => self.lane_again(now, &host, actions),
                Some(Waiting::Sweep(sweep)) => self.sweep(now, sweep, actions),
                Some(Waiting::Housekeeping) => self.housekeeping(now, actions),
                _ => {}
            },
        }
        self.conclude(now, from, actions);
    }
}
