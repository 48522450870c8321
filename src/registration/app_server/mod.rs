//! The ProSe application server: authenticates the user, allots ID2, registers it with the function.
//!
//! ```text
//! message 1 ─► well-formed? ─► user proved? ─► ID3 allowed? ─► tentative ID2 ─► message 2 to the function
//!                  5004            4001            5004                               │
//! message 4 ◄── ID2 kept ◄──────────────────────────────────────────── success ◄── message 3
//! message 4 ◄── ID2 dropped ◄─────────────────────────── refused, unreachable, silent ◄──┘
//! ```
//! In `update.rs`: what the function sends by PXR, the move of a UE (U1) and the standard registration and map request.

mod authenticate;
mod update;

use std::collections::HashMap;

use serde::Deserialize;

pub use authenticate::{Claim, NotProved, Passwords, User, UserAuthenticator};

use super::config::{ConfigError, FunctionPeer, Identity, same_host};
use super::element::{Action, Destination, Element, Event, NoAnswer, Now};
use super::exchange::{Entropy, NO_STATE, Pending, Sessions, failure, report, send};
use super::identifiers::{FunctionAddress, Id2, Pduid};
use super::reply::{Asked, Outcome, address_of, bad_value, silence};
use crate::avp::dictionary::{
    ErrorMessage, OriginAppLayerUserId, OriginHost, OriginRealm, Pduid as PduidAvp, ProseAppId, ProseFunctionAddress,
    ProseFunctionId, RefusalCause, ResultCode, private, write_avp,
};
use crate::avp::{Avps, Fault};
use crate::interfaces::{pc2, pc3};
use crate::message::{Command, find};

/// What an app server is configured with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppServerConfig {
    /// The applications it serves, ProSe Application IDs.
    pub applications: Vec<String>,
    /// Users who prove themselves with a password.
    #[serde(default)]
    pub users: Vec<User>,
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
    /// Users that may be registered at a time; further ones are answered DIAMETER_RESOURCES_EXCEEDED.
    #[serde(default = "most_users")]
    pub most_users: usize,
}

const fn pc2_application() -> u32 {
    pc2::APPLICATION
}

const fn most_pending() -> usize {
    65_536
}

const fn most_users() -> usize {
    4_000_000
}

/// UEs one user may be registered with in one application.
const MOST_UES: usize = 16;

/// A UE that a user is registered with, and the function that serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundUe {
    /// ID1, or ID4 after a move.
    pub id1: Pduid,
    /// Origin-Host of the function.
    pub function: String,
    /// Origin-Realm of the function.
    pub realm: String,
}

/// A user registered in an application.
#[derive(Debug)]
struct Registration {
    ues: Vec<BoundUe>,
    /// From the standard registration: Requesting-EPUID and the function that allotted it.
    epuid: Option<(String, String)>,
}

/// A user in an application: (ProSe Application ID, ID2) or (ProSe Application ID, user name).
type InApplication = (String, String);

/// An ID2 that no message 3 has confirmed yet, shared by the attempts of the same user under way.
#[derive(Debug)]
struct Tentative {
    id2: Id2,
    attempts: usize,
}

#[derive(Debug)]
struct Attempt {
    asked: Asked,
    application: String,
    user: String,
    id1: Pduid,
    id2: Id2,
}

/// The app server as an element.
#[derive(Debug)]
pub struct AppServer<A = Passwords> {
    identity: Identity,
    config: AppServerConfig,
    authenticator: A,
    /// By (application, ID2).
    registrations: HashMap<InApplication, Registration>,
    /// By (application, user): the ID2.
    users: HashMap<InApplication, Id2>,
    /// By (application, user).
    tentative: HashMap<InApplication, Tentative>,
    pending: Pending<Attempt>,
    sessions: Sessions,
    entropy: Entropy,
}

const APPLICATIONS: &[u32] = &[pc3::APPLICATION, pc2::APPLICATION, pc2::APPLICATION_FIRST];

impl AppServer {
    /// An app server whose users prove themselves with the passwords of `config`. `seed` comes from the operating
    /// system's randomness.
    ///
    /// # Errors
    /// See [`AppServer::with_authenticator`].
    pub fn new(identity: Identity, config: AppServerConfig, seed: [u8; 16]) -> Result<Self, ConfigError> {
        let passwords = Passwords::new(config.users.clone());
        Self::with_authenticator(identity, config, passwords, seed)
    }
}

impl<A: UserAuthenticator> AppServer<A> {
    /// An app server with its own way to prove users.
    ///
    /// # Errors
    /// No application is configured, or the PC2 application is none.
    pub fn with_authenticator(
        identity: Identity,
        config: AppServerConfig,
        authenticator: A,
        seed: [u8; 16],
    ) -> Result<Self, ConfigError> {
        if config.applications.is_empty() {
            let why = "at least one ProSe Application ID is needed".to_owned();
            return Err(ConfigError::Value { field: "applications", why });
        }
        if ![pc2::APPLICATION, pc2::APPLICATION_FIRST].contains(&config.pc2_application) {
            let why = format!("{} is no PC2: write 16777350 or 16777337", config.pc2_application);
            return Err(ConfigError::Value { field: "pc2_application", why });
        }
        let mut entropy = Entropy::new(seed);
        Ok(Self {
            sessions: Sessions::new(&identity.host, &mut entropy),
            pending: Pending::new(config.most_pending),
            identity,
            config,
            authenticator,
            registrations: HashMap::new(),
            users: HashMap::new(),
            tentative: HashMap::new(),
            entropy,
        })
    }

    /// The UEs that an ID2 is registered with; `None` for an ID2 that no message 3 confirmed.
    #[must_use]
    pub fn bound(&self, application: &str, id2: &str) -> Option<&[BoundUe]> {
        let key = (application.to_owned(), id2.to_owned());
        self.registrations.get(&key).map(|registration| registration.ues.as_slice())
    }

    /// How many ID2s wait for their message 3.
    #[must_use]
    pub fn tentative(&self) -> usize {
        self.tentative.len()
    }

    /// How many users are registered.
    #[must_use]
    pub fn registered(&self) -> usize {
        self.registrations.len()
    }

    /// Message 1.
    fn message_1(&mut self, now: Now, asked: Asked, actions: &mut Vec<Action>) {
        if self.pending.is_full() {
            return asked.reply(&self.identity, Outcome::TOO_BUSY).send(actions);
        }
        let (claimed, message_2) = {
            let request = match pc3::UserRegistrationRequest::decode(&asked.message) {
                Ok(request) => request,
                Err(faults) => return asked.refuse(&self.identity, &faults, actions),
            };
            let wish = match self.wish(&asked.message, &request) {
                Ok(wish) => wish,
                Err(fault) => {
                    failure(actions, "message 1", format!("refused: {fault}"));
                    return asked.refuse(&self.identity, &[fault], actions);
                }
            };
            // The user is proved before anything else is said or done on their behalf. Requirement AS-1.
            let claim = Claim {
                user: request.user_name,
                kind: request.user_credential_type,
                credential: request.user_credential,
                id1: wish.id1,
                id3: wish.id3.as_ref(),
                application: request.prose_app_id,
                protected: asked.sender.protected,
            };
            if let Err(why) = self.authenticator.authenticate(now, &claim) {
                failure(actions, "AS-1", format!("user refused: {why}; no ID2, no message 2"));
                return asked
                    .reply(&self.identity, Outcome::Result(ResultCode::DIAMETER_AUTHENTICATION_REJECTED))
                    .with::<RefusalCause>(&RefusalCause::BAD_CREDENTIAL)
                    .because(&why.to_string())
                    .send(actions);
            }
            report(actions, "AS-1", "user is proved");
            let destination = match self.route(&wish, &asked.message) {
                Ok(destination) => destination,
                Err(fault) => {
                    failure(actions, "AS-3", format!("refused: {fault}; no message 2"));
                    return asked
                        .reply(&self.identity, Outcome::Result(fault.result_code()))
                        .with::<RefusalCause>(&RefusalCause::FUNCTION_NOT_ALLOWED)
                        .fault(&fault)
                        .send(actions);
                }
            };
            let key = (request.prose_app_id.to_owned(), request.user_name.to_owned());
            if !self.users.contains_key(&key) && self.users.len() >= self.config.most_users {
                failure(actions, "AS-2", "no room for another user");
                let outcome = Outcome::Result(ResultCode::DIAMETER_RESOURCES_EXCEEDED);
                return asked.reply(&self.identity, outcome).send(actions);
            }
            ((key, wish.id1), destination)
        };
        let ((application, user), id1) = claimed;
        let id2 = self.allot(&application, &user, actions);
        let attempt = Attempt { asked, application, user, id1, id2 };
        self.message_2(attempt, message_2, actions);
    }

    /// What message 1 asks for, as far as it can be read.
    fn wish(&self, message: &[u8], request: &pc3::UserRegistrationRequest<'_>) -> Result<Wish, Fault> {
        let id1 = Pduid::from_octets(request.pduid).map_err(|_| bad_value::<PduidAvp>(message, "PDUID of 8 octets"))?;
        let id3 = address_of::<ProseFunctionId, ProseFunctionAddress>(
            message,
            request.prose_function_id,
            request.prose_function_address,
        )?;
        if !self.config.applications.iter().any(|application| application == request.prose_app_id) {
            return Err(bad_value::<ProseAppId>(message, "application of this server"));
        }
        Ok(Wish { id1, id3 })
    }

    /// Where message 2 goes: to the function that ID3 names, if it is one of ours; without ID3 to the realm of the
    /// network in ID1. A phone must not make the server call any host. Requirement AS-3.
    fn route(&self, wish: &Wish, message: &[u8]) -> Result<Destination, Fault> {
        match &wish.id3 {
            Some(id3) => {
                if let Some(function) = self.config.functions.iter().find(|function| function.is_at(id3)) {
                    return Ok(function.destination());
                }
                let Some(name) = id3.fqdn() else {
                    return Err(bad_value::<ProseFunctionAddress>(message, "address of a function known here"));
                };
                let realm = self.config.id3_realms.iter().find(|realm| name.is_within(realm));
                realm
                    .map(|realm| Destination { host: Some(name.as_str().to_owned()), realm: realm.clone() })
                    .ok_or_else(|| bad_value::<ProseFunctionId>(message, "name within the realms allowed here"))
            }
            None => {
                let ours = |realm: &str| {
                    self.config.id3_realms.iter().any(|known| same_host(known, realm))
                        || self.config.functions.iter().any(|function| same_host(&function.realm, realm))
                };
                let realm = wish.id1.plmn().map(super::identifiers::PlmnId::realm).ok();
                realm
                    .filter(|realm| ours(realm))
                    .map(|realm| Destination { host: None, realm })
                    .ok_or_else(|| bad_value::<PduidAvp>(message, "PDUID of a network known here"))
            }
        }
    }

    /// The user's ID2: the one they have, or a tentative one. Requirement AS-2.
    fn allot(&mut self, application: &str, user: &str, actions: &mut Vec<Action>) -> Id2 {
        let key = (application.to_owned(), user.to_owned());
        if let Some(id2) = self.users.get(&key) {
            report(actions, "AS-2", format!("the user has ID2 {id2} already"));
            return id2.clone();
        }
        let entropy = &mut self.entropy;
        let tentative = self
            .tentative
            .entry(key)
            .or_insert_with(|| Tentative { id2: Id2::from_random(entropy.sixteen()), attempts: 0 });
        tentative.attempts += 1;
        report(actions, "AS-2", format!("tentative ID2 {}", tentative.id2));
        tentative.id2.clone()
    }

    /// An attempt is over: its claim on a tentative ID2 is given up.
    fn settle(&mut self, application: &str, user: &str) {
        let key = (application.to_owned(), user.to_owned());
        if let Some(tentative) = self.tentative.get_mut(&key) {
            tentative.attempts = tentative.attempts.saturating_sub(1);
            if tentative.attempts == 0 {
                self.tentative.remove(&key);
            }
        }
    }

    fn message_2(&mut self, attempt: Attempt, destination: Destination, actions: &mut Vec<Action>) {
        let session = self.sessions.next();
        let mut own = Vec::with_capacity(128);
        write_avp::<PduidAvp>(&attempt.id1.to_octets().as_slice(), &mut own);
        write_avp::<OriginAppLayerUserId>(&attempt.id2.as_str(), &mut own);
        write_avp::<ProseAppId>(&attempt.application.as_str(), &mut own);
        let to = destination.host.as_deref().unwrap_or(&destination.realm);
        report(actions, "message 2", format!("ID2 {} for ID1 {} leaves for {to}", attempt.id2, attempt.id1));
        let token = self.pending.insert(attempt);
        let request = pc2::ProXimityApplicationRequest {
            session_id: &session,
            auth_application_id: self.config.pc2_application,
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_realm: &destination.realm,
            destination_host: destination.host.as_deref(),
            prose_request_type: private::REQUEST_TYPE_BIND_USER,
            extra: Avps::new(&own).map_while(Result::ok).collect(),
            ..Default::default()
        };
        send(self.config.pc2_application, &request, token, destination.clone(), actions);
    }

    /// Message 3, and after it message 4. Requirement AS-4.
    fn message_3(&mut self, attempt: Attempt, result: Result<&[u8], NoAnswer>, actions: &mut Vec<Action>) {
        self.settle(&attempt.application, &attempt.user);
        let outcome = Outcome::of_result(result);
        let answer = match result {
            Ok(answer) => answer,
            Err(why) => {
                let why = format!("function: {}", silence(why));
                failure(actions, "AS-2", format!("{why}; tentative ID2 {} dropped", attempt.id2));
                return attempt
                    .asked
                    .reply(&self.identity, outcome)
                    .with::<RefusalCause>(&RefusalCause::FUNCTION_UNREACHABLE)
                    .because(&why)
                    .send(actions);
            }
        };
        let body = super::reply::body(answer);
        let from = find::<OriginHost>(body).zip(find::<OriginRealm>(body));
        let (true, Some((function, realm))) = (outcome.is_success(), from) else {
            let cause = match outcome {
                Outcome::MOVING => RefusalCause::MOVING,
                Outcome::UNABLE_TO_DELIVER => RefusalCause::FUNCTION_UNREACHABLE,
                _ => RefusalCause::FUNCTION_REFUSED,
            };
            failure(actions, "AS-2", format!("message 3 says {outcome}; tentative ID2 {} dropped", attempt.id2));
            let passed_on = if outcome.is_success() { Outcome::UNABLE_TO_COMPLY } else { outcome };
            return attempt
                .asked
                .reply(&self.identity, passed_on)
                .with::<RefusalCause>(&cause)
                .with_option::<ErrorMessage>(find::<ErrorMessage>(body).as_ref())
                .send(actions);
        };
        let ue = BoundUe { id1: attempt.id1, function: function.to_owned(), realm: realm.to_owned() };
        let Attempt { asked, application, user, id2, .. } = attempt;
        let registration = self
            .registrations
            .entry((application.clone(), id2.as_str().to_owned()))
            .or_insert_with(|| Registration { ues: Vec::new(), epuid: None });
        registration.ues.retain(|bound| bound.id1 != ue.id1);
        if registration.ues.len() >= MOST_UES {
            let oldest = registration.ues.remove(0);
            failure(actions, "AS-2", format!("ID2 {id2} has too many UEs: ID1 {} is forgotten", oldest.id1));
        }
        report(actions, "message 3", format!("ID2 {id2} is registered with {function}"));
        registration.ues.push(ue);
        self.users.insert((application, user), id2.clone());
        report(actions, "message 4", format!("success to {}", asked.sender.peer));
        asked.reply(&self.identity, Outcome::SUCCESS).with::<OriginAppLayerUserId>(&id2.as_str()).send(actions);
    }
}

/// What a well-formed message 1 asks for.
struct Wish {
    id1: Pduid,
    id3: Option<FunctionAddress>,
}

impl<A: UserAuthenticator> Element for AppServer<A> {
    fn applications(&self) -> &[u32] {
        APPLICATIONS
    }

    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Request { ticket, sender, header, message } => {
                let asked = Asked { ticket, sender: sender.clone(), header, message: message.to_vec() };
                match (header.application, header.code) {
                    (pc3::APPLICATION, super::COMMAND_B) => self.message_1(now, asked, actions),
                    (pc2::APPLICATION | pc2::APPLICATION_FIRST, 8_388_676) => self.action_request(&asked, actions),
                    _ => asked.unknown(&self.identity, APPLICATIONS, actions),
                }
            }
            Event::Answer { token, result } => {
                if let Some(attempt) = self.pending.take(token) {
                    self.message_3(attempt, result, actions);
                }
            }
            Event::Undelivered { .. } | Event::Stored { .. } | Event::Timer { .. } => {}
        }
    }
}
