//! The ProSe application server: authenticates the user, allots ID2, registers it with the function.
//!
//! ```text
//! message 1 ─► well-formed? ─► user proved? ─► ID3 allowed? ─► tentative ID2 ─► message 2 to the function
//!                  5004            4001            5004                               │
//! message 4 ◄── ID2 kept ◄── durable write ◄────────────────────────── success ◄── message 3
//! message 4 ◄── ID2 dropped ◄─────────────────────────── refused, unreachable, silent ◄──┘
//! ```
//! `register.rs` has messages 1 to 4; `authenticate.rs` and the two ways to prove a user stand beside it. `update.rs` has
//! the move of a UE (U1), which the function sends by PXR, and `standard.rs` the procedures of TS 29.343.
//!
//! Whatever changes a registration is a `Job`: it reads, judges, and asks for a write on the condition that nothing has
//! changed since. What must be said after the write is held back until the write is durable; when somebody else was
//! faster the job runs again.

mod authenticate;
mod farewell;
mod passwords;
mod proofs;
mod register;
mod standard;
mod update;
pub mod users;

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;

pub use authenticate::{Claim, Inquiry, NotProved, Pledge, Question, UserAuthenticator};
pub use passwords::Passwords;
pub use proofs::{Nonce, SignedProofs};
pub use standard::Account;
pub use users::{PasswordHash, PublicKey, User, UserError};

use super::config::{ConfigError, FunctionPeer, Identity};
use super::element::{self, Action, Element, Event, NoAnswer, NoReply, Now, Token};
use super::exchange::{Entropy, Pending, Sessions, failure};
use super::identifiers::{Id2, UnixSeconds};
use super::overload::{Guard, Load, priority_of};
use super::reply::{Asked, Outcome};
use crate::interfaces::{pc2, pc3};
use crate::store::{ContextReader, StoreError, UserReader, Write, WriteOutcome};

use register::{Attempt, Tentative, Wish};

/// What an app server is configured with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppServerConfig {
    /// The applications it serves, ProSe Application IDs.
    pub applications: Vec<String>,
    /// Its users, with their public keys and password hashes.
    #[serde(default)]
    pub users: Vec<User>,
    /// A file of further users with public keys: `NAME:KEY` a line.
    #[serde(default)]
    pub keys: Option<String>,
    /// A file of further users with argon2id hashes of their passwords: `NAME:HASH` a line.
    #[serde(default)]
    pub passwords: Option<String>,
    /// A lab: passwords are taken over connections that nothing protects.
    #[serde(default)]
    pub lab: bool,
    /// By how many seconds the time of a signed proof may be off; for twice as long its nonce is remembered.
    #[serde(default = "proof_window")]
    pub proof_window: u64,
    /// Signed proofs that are remembered at a time; further ones are answered DIAMETER_TOO_BUSY.
    #[serde(default = "most_proofs")]
    pub most_proofs: usize,
    /// Passwords that may wait to be judged; further ones are answered DIAMETER_TOO_BUSY.
    #[serde(default = "most_passwords")]
    pub most_passwords: usize,
    /// Functions it knows, with the addresses that may stand for them in ID3. Message 2 goes to no other address.
    #[serde(default)]
    pub functions: Vec<FunctionPeer>,
    /// Realms any host of which ID3 may name.
    #[serde(default)]
    pub id3_realms: Vec<String>,
    /// The PC2 application to use: 16777350, or 16777337 for functions of release 12.
    #[serde(default = "pc2_application")]
    pub pc2_application: u32,
    /// Registrations that may be under way at a time; further ones are answered DIAMETER_TOO_BUSY.
    #[serde(default = "most_pending")]
    pub most_pending: usize,
    /// From which percentage of `most_pending` the least important requests (DRMP 15) are answered DIAMETER_TOO_BUSY and
    /// functions are asked by OC-OLR to send less, 1 to 100. RFC 7683, RFC 7944.
    #[serde(default = "shed_from")]
    pub shed_from: u8,
    /// Users that may be registered at a time; further ones are answered DIAMETER_RESOURCES_EXCEEDED.
    #[serde(default = "most_users")]
    pub most_users: usize,
    /// Users as the standard knows them.
    #[serde(default)]
    pub account: Vec<Account>,
}

impl AppServerConfig {
    /// The defaults, for `applications`; nobody is a user and no function is known.
    #[must_use]
    pub fn new(applications: Vec<String>) -> Self {
        Self {
            applications,
            users: Vec::new(),
            keys: None,
            passwords: None,
            lab: false,
            proof_window: proof_window(),
            most_proofs: most_proofs(),
            most_passwords: most_passwords(),
            functions: Vec::new(),
            id3_realms: Vec::new(),
            pc2_application: pc2_application(),
            most_pending: most_pending(),
            shed_from: shed_from(),
            most_users: most_users(),
            account: Vec::new(),
        }
    }
}

const fn proof_window() -> u64 {
    60
}

const fn most_proofs() -> usize {
    1_000_000
}

const fn most_passwords() -> usize {
    256
}

const fn pc2_application() -> u32 {
    pc2::APPLICATION
}

const fn most_pending() -> usize {
    65_536
}

const fn shed_from() -> u8 {
    80
}

const fn most_users() -> usize {
    4_000_000
}

/// How often a job runs again when others are faster, before the request is answered DIAMETER_TOO_BUSY.
const MOST_ATTEMPTS: u8 = 8;

/// A change of a registration.
#[derive(Debug)]
enum Job {
    /// Message 3 has said success.
    Bind { attempt: Box<Attempt>, function: Box<str>, realm: Box<str> },
    /// U1.
    Move(Asked),
    /// A UE has gone.
    Farewell(Asked),
    /// PXR type 0.
    Register(Asked),
}

/// What a job asks for once it has judged.
enum Step {
    /// Nothing is to be written; what had to be said is among the actions.
    Over,
    /// The write, and what is held back until it is durable.
    Write { write: Write, held: Vec<Action> },
}

/// What waits for an event.
#[derive(Debug)]
enum Waiting {
    /// Whether the user is proved.
    Proof { asked: Asked, wish: Box<Wish>, kind: i32, pledge: Pledge, costly: bool },
    /// Message 3.
    Message3(Box<Attempt>),
    /// The write of a job.
    Write { job: Job, attempt: u8, held: Vec<Action> },
}

/// The app server as an element. `R` reads the store that carries out its writes: it must see every write whose
/// [`Event::Stored`] has come.
#[derive(Debug)]
pub struct AppServer<R> {
    identity: Identity,
    config: AppServerConfig,
    authenticators: Vec<Box<dyn UserAuthenticator>>,
    reader: R,
    /// By (application, user).
    tentative: HashMap<(Box<str>, Box<str>), Tentative>,
    pending: Pending<Waiting>,
    standard: standard::Standard,
    /// Passwords that are being judged.
    judging: usize,
    sessions: Sessions,
    entropy: Entropy,
    guard: Guard,
}

const APPLICATIONS: &[u32] = &[pc3::APPLICATION, pc2::APPLICATION, pc2::APPLICATION_FIRST];

impl<R: UserReader + ContextReader> AppServer<R> {
    /// An app server over the store that `reader` reads, whose users prove themselves by the keys and passwords of
    /// `config`. `seed` comes from the operating system's randomness.
    ///
    /// # Errors
    /// See [`AppServer::with_authenticators`].
    pub fn new(identity: Identity, config: AppServerConfig, reader: R, seed: [u8; 16]) -> Result<Self, ConfigError> {
        let mut entropy = Entropy::new(seed);
        let (users, window) = (&config.users, Duration::from_secs(config.proof_window));
        let authenticators: Vec<Box<dyn UserAuthenticator>> = vec![
            Box::new(SignedProofs::new(users, window, config.most_proofs, entropy.sixteen())),
            Box::new(Passwords::new(users, config.lab, entropy.sixteen())),
        ];
        Self::with_authenticators(identity, config, authenticators, reader, entropy.sixteen())
    }

    /// An app server with its own ways to prove users, one for each kind of credential that it takes.
    ///
    /// # Errors
    /// No application is configured, the window of proofs is none, or the PC2 application is none.
    pub fn with_authenticators(
        identity: Identity,
        config: AppServerConfig,
        authenticators: Vec<Box<dyn UserAuthenticator>>,
        reader: R,
        seed: [u8; 16],
    ) -> Result<Self, ConfigError> {
        let wrong = |field, why: String| Err(ConfigError::Value { field, why });
        if config.applications.is_empty() {
            return wrong("applications", "at least one ProSe Application ID is needed".to_owned());
        }
        if !(1..=3600).contains(&config.proof_window) {
            return wrong("proof_window", format!("{} is written, expected 1 to 3600 seconds", config.proof_window));
        }
        if ![pc2::APPLICATION, pc2::APPLICATION_FIRST].contains(&config.pc2_application) {
            let why = format!("{} is no PC2: write 16777350 or 16777337", config.pc2_application);
            return wrong("pc2_application", why);
        }
        let mut entropy = Entropy::new(seed);
        Ok(Self {
            sessions: Sessions::new(&identity.host, &mut entropy),
            pending: Pending::new(config.most_pending),
            standard: standard::Standard::new(config.most_pending),
            identity,
            config,
            authenticators,
            reader,
            tentative: HashMap::new(),
            judging: 0,
            entropy,
            guard: Guard::default(),
        })
    }

    /// What the app server reads its registrations from.
    pub const fn reader(&self) -> &R {
        &self.reader
    }

    /// How many ID2s wait for their message 3, or for the write after it.
    #[must_use]
    pub fn tentative(&self) -> usize {
        self.tentative.len()
    }

    /// How many exchanges are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.pending.len()
    }

    fn load(&self) -> Load {
        Load { used: self.pending.len(), most: self.config.most_pending, shed_from: self.config.shed_from }
    }

    /// After every event: overload is told and heeded.
    fn conclude(&mut self, now: Now, from: usize, actions: &mut Vec<Action>) {
        let mut at = from;
        while at < actions.len() {
            let load = self.load();
            let abated = self.guard.departing(now, &self.identity, load, actions, at, &mut self.entropy);
            at = actions.len();
            for abated in abated {
                self.answer(now, abated.token, Ok(&abated.answer), actions);
            }
        }
    }

    fn answer(&mut self, now: Now, token: Token, result: Result<&[u8], NoAnswer>, actions: &mut Vec<Action>) {
        if self.standard_answer(token, result, actions) {
            return;
        }
        if let Some(Waiting::Message3(attempt)) = self.pending.take(token) {
            self.message_3(now, attempt, result, actions);
        }
    }

    fn request(&mut self, now: Now, asked: Asked, actions: &mut Vec<Action>) {
        if !self.load().admits(priority_of(&asked.message)) {
            failure(actions, "overload", format!("{} requests are under way", self.pending.len()));
            return asked.reply(&self.identity, Outcome::TOO_BUSY).send(actions);
        }
        match (asked.header.application, asked.header.code) {
            (pc3::APPLICATION, super::COMMAND_B) => self.message_1(now, asked, actions),
            (pc2::APPLICATION | pc2::APPLICATION_FIRST, 8_388_676) => self.action_request(now, asked, actions),
            _ => asked.unknown(&self.identity, APPLICATIONS, actions),
        }
    }

    /// Runs a job up to its write.
    fn run(&mut self, now: Now, job: Job, attempt: u8, actions: &mut Vec<Action>) {
        let step = match &job {
            Job::Bind { attempt, function, realm } => self.bind(now, attempt, function, realm, actions),
            Job::Move(asked) => self.context_move(now, asked, actions),
            Job::Farewell(asked) => self.farewell(asked, actions),
            Job::Register(asked) => self.application_registration(asked, actions),
        };
        match step {
            Ok(Step::Over) => self.settle(&job),
            Ok(Step::Write { write, held }) => {
                let token = self.pending.insert(Waiting::Write { job, attempt, held });
                actions.push(Action::Store { token, writes: vec![write] });
            }
            Err(why) => self.give_up(&job, Outcome::UNABLE_TO_COMPLY, &why.to_string(), actions),
        }
    }

    /// The outcome of a job's write.
    fn written(
        &mut self,
        now: Now,
        (job, attempt, held): (Job, u8, Vec<Action>),
        result: Result<Vec<WriteOutcome>, String>,
        actions: &mut Vec<Action>,
    ) {
        match result.as_ref().map(|outcomes| outcomes.first().copied()) {
            Ok(Some(WriteOutcome::Done { .. })) => {
                actions.extend(held);
                self.settle(&job);
            }
            Ok(Some(WriteOutcome::Conflict { .. })) if attempt < MOST_ATTEMPTS => {
                self.run(now, job, attempt + 1, actions);
            }
            Ok(Some(WriteOutcome::Conflict { .. })) => {
                self.give_up(&job, Outcome::TOO_BUSY, "others change the same registration all the time", actions);
            }
            Ok(_) => self.give_up(&job, Outcome::UNABLE_TO_COMPLY, "the store did not do the write", actions),
            Err(why) => self.give_up(&job, Outcome::UNABLE_TO_COMPLY, why, actions),
        }
    }

    /// A job could not be done: whoever asked is told so, and nothing was recorded.
    fn give_up(&mut self, job: &Job, outcome: Outcome, why: &str, actions: &mut Vec<Action>) {
        let (step, asked) = match job {
            Job::Bind { attempt, .. } => ("AS-2", &attempt.asked),
            Job::Move(asked) => ("AS-5", asked),
            Job::Farewell(asked) => ("farewell", asked),
            Job::Register(asked) => ("PXR type 0", asked),
        };
        failure(actions, step, format!("nothing was recorded: {why}"));
        self.settle(job);
        // What is wrong with our disk is not for the other side to know.
        asked.reply(&self.identity, outcome).because("the app server could not record it").send(actions);
    }

    /// The store cannot be read.
    fn unreadable(&self, asked: &Asked, step: &'static str, why: &StoreError, actions: &mut Vec<Action>) {
        failure(actions, step, format!("the store cannot be read: {why}"));
        asked.reply(&self.identity, Outcome::UNABLE_TO_COMPLY).send(actions);
    }
}

impl<R: UserReader + ContextReader> Element for AppServer<R> {
    fn applications(&self) -> &[u32] {
        APPLICATIONS
    }

    fn start(&mut self, now: Now, _actions: &mut Vec<Action>) {
        self.authenticators.iter_mut().for_each(|authenticator| authenticator.start(now));
    }

    fn operate(
        &mut self,
        now: Now,
        question: &element::Inquiry,
        actions: &mut Vec<Action>,
    ) -> Result<serde_json::Value, NoReply> {
        let element::Inquiry::Begin { wish } = question else { return Err(NoReply::NotHere) };
        let from = actions.len();
        let begun = match wish {
            super::standard::Wish::Ban { rpauid, banned } => self.ban(rpauid, banned, actions),
            super::standard::Wish::Lift { rpauid, banned } => self.lift(rpauid, banned, actions),
            _ => return Err(NoReply::Refused("this node is an app server: a function begins that".to_owned())),
        };
        self.conclude(now, from, actions);
        match begun {
            true => Ok(serde_json::json!({ "begun": true })),
            false => Err(NoReply::Refused("one of them is unknown here, or there is no such ban".to_owned())),
        }
    }

    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        let from = actions.len();
        match event {
            Event::Request { ticket, sender, header, message } => {
                self.guard.arrived(ticket, message);
                let asked = Asked { ticket, sender: sender.clone(), header, message: message.to_vec() };
                self.request(now, asked, actions);
            }
            Event::Authenticated { token, result } => {
                if let Some(Waiting::Proof { asked, wish, kind, pledge, costly }) = self.pending.take(token) {
                    self.judging -= usize::from(costly);
                    self.authenticated(now, asked, *wish, (kind, pledge), result, actions);
                }
            }
            Event::Answer { token, result } => {
                if let Ok(answer) = result {
                    self.guard.answered(now, answer);
                }
                self.answer(now, token, result, actions);
            }
            Event::Stored { token, result } => {
                if self.standard_stored(token, &result, actions) {
                } else if let Some(Waiting::Write { job, attempt, held }) = self.pending.take(token) {
                    self.written(now, (job, attempt, held), result, actions);
                }
            }
            Event::Undelivered { .. } | Event::Timer { .. } => {}
        }
        self.conclude(now, from, actions);
    }
}

const fn seconds(now: Now) -> UnixSeconds {
    UnixSeconds(now.unix.as_secs())
}

/// An ID2 as another party wrote it; `None` for what can be none, and so belongs to nobody.
fn id2_of(text: &str) -> Option<Id2> {
    Id2::new(text).ok()
}
