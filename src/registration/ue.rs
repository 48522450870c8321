//! The UE's side of PC3: asks for ID1 by way of the MME, registers its user with the app server.
//!
//! ```text
//!            allocate: message 5             register: message 1
//! Detached ────────────────────► WaitsForId1 ─► Attached ────────► WaitsForResult ─► Registered
//!     ▲          refused, silent      │             ▲      refused, silent │             │ change_function: message 5
//!     └───────────────────────────────┘             └──────────────────────┘             │ with the old ID1 and ID3
//! ```
//! One element plays any number of UEs, named by their place in the configuration: a demo has one, a load thousands.

use serde::Deserialize;

use super::ALL_SERVICES;
use super::config::{self, Identity};
use super::credential::{Credential, Proof, Secret};
use super::element::{Action, Destination, Element, Event, NoAnswer, Now};
use super::exchange::{Entropy, NO_STATE, Pending, Sessions, address_avps, failure, report, send, vendor_specific};
use super::identifiers::{FunctionAddress, Id2, Imsi, Pduid, UnixSeconds};
use super::reply::{Asked, Outcome, address_of, body, silence};
use crate::avp::dictionary::{
    Declared, ErrorMessage, ProseFunctionAddress, ProseFunctionId, RefusalCause, UserCredentialType,
};
use crate::interfaces::pc3;
use crate::message::{Command, find};

/// What the UEs of one element are configured with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UeConfig {
    /// Where messages 5 go.
    pub mme: Destination,
    /// Where messages 1 go.
    pub app_server: Destination,
    /// The application to register with, a ProSe Application ID.
    pub application: String,
    /// Whether message 1 carries ID3; without it the app server finds the function by the network in ID1.
    #[serde(default = "yes")]
    pub tell_id3: bool,
    /// The UEs.
    pub devices: Vec<Device>,
}

/// One UE and its user.
#[derive(Clone, Deserialize)]
#[serde(try_from = "DeviceSection")]
pub struct Device {
    /// IMSI, 6 to 15 digits.
    pub imsi: Imsi,
    /// UE-ProSe-Capability, in the bits of ProSe-Permission.
    pub capability: u32,
    /// The user's name at the app server.
    pub user: String,
    /// What proves the user there: of `password`, `key_file` (PEM) and `key` (its text) the one that is written.
    pub credential: Credential,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceSection {
    #[serde(deserialize_with = "config::parsed")]
    imsi: Imsi,
    #[serde(default = "all_services")]
    capability: u32,
    user: String,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    key_file: Option<String>,
    #[serde(default)]
    key: Option<String>,
}

impl TryFrom<DeviceSection> for Device {
    type Error = &'static str;

    fn try_from(section: DeviceSection) -> Result<Self, Self::Error> {
        let DeviceSection { imsi, capability, user, password, key_file, key } = section;
        let credential = match (password, key_file, key) {
            (Some(password), None, None) => Credential::Password(Secret::new(password)),
            (None, Some(file), None) => Credential::KeyFile(file),
            (None, None, Some(key)) => Credential::KeyText(Secret::new(key)),
            _ => return Err("one of password, key_file and key is needed"),
        };
        Ok(Self { imsi, capability, user, credential })
    }
}

const fn yes() -> bool {
    true
}

const fn all_services() -> u32 {
    ALL_SERVICES
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("imsi", &self.imsi).field("capability", &self.capability).finish_non_exhaustive()
    }
}

/// What a UE holds after message 6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// ID1.
    pub id1: Pduid,
    /// ID3, when the function told it.
    pub id3: Option<FunctionAddress>,
    /// First second in which ID1 is no longer good.
    pub valid_until: UnixSeconds,
}

/// How far a UE is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It has no ID1.
    Detached,
    /// Message 5 is under way.
    WaitsForId1,
    /// It has an ID1 and is not registered.
    Attached,
    /// Message 1 is under way.
    WaitsForResult,
    /// Message 4 said success: its user is known to the app server by this ID2.
    Registered {
        /// ID2.
        id2: Id2,
    },
}

/// Why the last attempt of a UE failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Refusal-Cause, when the answer carried one.
    pub cause: Option<i32>,
    /// Result-Code or Experimental-Result-Code; `None` when no answer came.
    pub code: Option<u32>,
    /// The same in words.
    pub text: String,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    attachment: Option<Attachment>,
    /// A message 5 or 1 has not been answered yet.
    under_way: bool,
    /// Message 1 follows as soon as message 6 has come.
    register_next: bool,
    refused: Option<Refused>,
}

#[derive(Clone, Copy, Debug)]
enum Waiting {
    Message6 { device: usize, moving: bool },
    Message4 { device: usize },
}

/// UEs as an element.
#[derive(Debug)]
pub struct Ue {
    identity: Identity,
    config: UeConfig,
    states: Vec<State>,
    pending: Pending<Waiting>,
    sessions: Sessions,
    entropy: Entropy,
}

const APPLICATIONS: &[u32] = &[pc3::APPLICATION];

impl Ue {
    /// The UEs of `config`, all detached. `seed` comes from the operating system's randomness.
    #[must_use]
    pub fn new(identity: Identity, config: UeConfig, seed: [u8; 16]) -> Self {
        let mut entropy = Entropy::new(seed);
        let sessions = Sessions::new(&identity.host, &mut entropy);
        let detached = || State {
            phase: Phase::Detached,
            attachment: None,
            under_way: false,
            register_next: false,
            refused: None,
        };
        let states = config.devices.iter().map(|_| detached()).collect();
        Self { identity, config, states, pending: Pending::new(usize::MAX), sessions, entropy }
    }

    /// How many UEs there are.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.states.len()
    }

    /// How far a UE is; `None` when there is no such UE.
    #[must_use]
    pub fn phase(&self, device: usize) -> Option<&Phase> {
        self.states.get(device).map(|state| &state.phase)
    }

    /// What a UE got by message 6.
    #[must_use]
    pub fn attachment(&self, device: usize) -> Option<&Attachment> {
        self.states.get(device)?.attachment.as_ref()
    }

    /// Why the last attempt of a UE failed; `None` when it went well.
    #[must_use]
    pub fn refused(&self, device: usize) -> Option<&Refused> {
        self.states.get(device)?.refused.as_ref()
    }

    /// True when no message of the UE is under way.
    #[must_use]
    pub fn is_idle(&self, device: usize) -> bool {
        self.states.get(device).is_none_or(|state| !state.under_way)
    }

    /// Asks for ID1, or for its renewal: message 5. Requirement UE-2. Does nothing while another message of this UE is
    /// under way.
    pub fn allocate(&mut self, device: usize, actions: &mut Vec<Action>) {
        if self.is_idle(device) {
            self.message_5(device, false, actions);
        }
    }

    /// Registers the user: message 1, after message 5 where ID1 is missing or has run out (requirement UE-1). Does
    /// nothing while another message of this UE is under way.
    pub fn register(&mut self, now: Now, device: usize, actions: &mut Vec<Action>) {
        if !self.is_idle(device) {
            return;
        }
        let valid = self.attachment(device).is_some_and(|held| now.unix.as_secs() < held.valid_until.0);
        if valid {
            self.message_1(now, device, actions);
        } else if let Some(state) = self.states.get_mut(device) {
            state.register_next = true;
            self.message_5(device, false, actions);
        }
    }

    /// The UE is served by another function from now on: message 5 with the old ID1 and ID3. Does nothing while another
    /// message of this UE is under way.
    pub fn change_function(&mut self, device: usize, actions: &mut Vec<Action>) {
        if self.is_idle(device) {
            self.message_5(device, true, actions);
        }
    }

    fn message_5(&mut self, device: usize, moving: bool, actions: &mut Vec<Action>) {
        let (Some(state), Some(settings)) = (self.states.get_mut(device), self.config.devices.get(device)) else {
            return;
        };
        let old = if moving { state.attachment.clone() } else { None };
        let session = self.sessions.next();
        let user = settings.imsi.reveal();
        let old_id1 = old.as_ref().map(|old| old.id1.to_octets());
        let (old_name, old_address) = old.as_ref().and_then(|old| old.id3.as_ref()).map_or((None, None), address_avps);
        let request = pc3::UeIdentifierAllocationRequest {
            session_id: &session,
            vendor_specific_application_id: vendor_specific(pc3::APPLICATION),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: self.config.mme.host.as_deref(),
            destination_realm: &self.config.mme.realm,
            user_name: &user,
            ue_prose_capability: settings.capability,
            old_pduid: old_id1.as_ref().map(<[u8; 8]>::as_slice),
            old_prose_function_id: old_name,
            old_prose_function_address: old_address,
            ..Default::default()
        };
        if !matches!(state.phase, Phase::Registered { .. }) {
            state.phase = Phase::WaitsForId1;
        }
        state.refused = None;
        state.under_way = true;
        let token = self.pending.insert(Waiting::Message6 { device, moving });
        send(pc3::APPLICATION, &request, token, self.config.mme.clone(), actions);
        let with = if moving { " with the old ID1 and ID3" } else { "" };
        report(actions, "UE-2", format!("{} asks its MME for an ID1{with}", settings.imsi));
    }

    fn message_6(
        &mut self,
        now: Now,
        device: usize,
        moving: bool,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let (Some(state), Some(settings)) = (self.states.get_mut(device), self.config.devices.get(device)) else {
            return;
        };
        state.under_way = false;
        match given(now, result) {
            Ok(attachment) => {
                let valid = UnixSeconds(now.unix.as_secs()).until(attachment.valid_until);
                let text = format!(
                    "{} holds ID1 {} for {valid} s{}",
                    settings.imsi,
                    attachment.id1,
                    if moving { ", given by another function" } else { "" }
                );
                state.attachment = Some(attachment);
                if state.phase == Phase::WaitsForId1 {
                    state.phase = Phase::Attached;
                }
                report(actions, "message 6", text);
                if std::mem::take(&mut state.register_next) {
                    self.message_1(now, device, actions);
                }
            }
            Err(refused) => {
                failure(actions, "message 6", format!("{} gets no ID1: {}", settings.imsi, refused.text));
                state.register_next = false;
                state.refused = Some(refused);
                if state.phase == Phase::WaitsForId1 {
                    state.phase = if state.attachment.is_some() { Phase::Attached } else { Phase::Detached };
                }
            }
        }
    }

    /// Requirement UE-3: ID3 travels when the UE has one and is to tell it.
    fn message_1(&mut self, now: Now, device: usize, actions: &mut Vec<Action>) {
        let (Some(state), Some(settings)) = (self.states.get_mut(device), self.config.devices.get(device)) else {
            return;
        };
        let Some(attachment) = &state.attachment else { return };
        let session = self.sessions.next();
        let id1 = attachment.id1.to_octets();
        let id3 = attachment.id3.as_ref().filter(|_| self.config.tell_id3);
        let (name, address) = id3.map_or((None, None), address_avps);
        let nonce = self.entropy.sixteen();
        let proof = Proof {
            user: &settings.user,
            id1: attachment.id1,
            id3,
            application: &self.config.application,
            realm: &self.config.app_server.realm,
            time: u64::try_from(now.unix.as_millis()).unwrap_or(u64::MAX),
            nonce,
        };
        let signature = match &settings.credential {
            Credential::Key(key) => Some(key.sign(&proof.octets())),
            Credential::Password(_) | Credential::KeyFile(_) | Credential::KeyText(_) => None,
        };
        let (kind, credential) = match (&settings.credential, &signature) {
            (_, Some(signature)) => (UserCredentialType::SIGNED_PROOF, signature.as_slice()),
            (Credential::Password(password), None) => (UserCredentialType::PASSWORD, password.reveal()),
            (Credential::Key(_) | Credential::KeyFile(_) | Credential::KeyText(_), None) => {
                failure(actions, "message 1", "the user's key has not been read");
                state.refused = Some(in_words("the user's key has not been read"));
                return;
            }
        };
        let request = pc3::UserRegistrationRequest {
            session_id: &session,
            vendor_specific_application_id: vendor_specific(pc3::APPLICATION),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: self.config.app_server.host.as_deref(),
            destination_realm: &self.config.app_server.realm,
            pduid: &id1,
            prose_function_id: name,
            prose_function_address: address,
            prose_app_id: &self.config.application,
            user_name: &settings.user,
            user_credential_type: kind,
            user_credential: credential,
            proof_time: signature.map(|_| proof.time),
            proof_nonce: signature.is_some().then_some(nonce.as_slice()),
            ..Default::default()
        };
        let token = self.pending.insert(Waiting::Message4 { device });
        send(pc3::APPLICATION, &request, token, self.config.app_server.clone(), actions);
        let with = id3.map_or_else(|| "without ID3".to_owned(), |id3| format!("ID3 {id3}"));
        report(actions, "message 1", format!("user registers with ID1 {}, {with}", attachment.id1));
        state.phase = Phase::WaitsForResult;
        state.under_way = true;
        state.refused = None;
    }

    /// Requirement UE-4: message 4 is the result, and that is all.
    fn message_4(&mut self, device: usize, result: Result<&[u8], NoAnswer>, actions: &mut Vec<Action>) {
        let Some(state) = self.states.get_mut(device) else { return };
        state.under_way = false;
        let registered = judged(result).and_then(|answer| {
            let answer = pc3::UserRegistrationAnswer::decode(answer).map_err(|faults| unreadable(&faults))?;
            let id2 = answer.origin_app_layer_user_id.ok_or("message 4 carries no ID2");
            id2.and_then(|id2| Id2::new(id2).map_err(|_| "message 4 carries an ID2 of no use")).map_err(in_words)
        });
        match registered {
            Ok(id2) => {
                report(actions, "message 4", format!("user is registered as {id2}"));
                state.phase = Phase::Registered { id2 };
            }
            Err(refused) => {
                failure(actions, "message 4", format!("user is not registered: {}", refused.text));
                state.phase = Phase::Attached;
                state.refused = Some(refused);
            }
        }
    }
}

impl Element for Ue {
    fn applications(&self) -> &[u32] {
        APPLICATIONS
    }

    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            // Nobody asks a UE for anything in this procedure.
            Event::Request { ticket, sender, header, message } => {
                let asked = Asked { ticket, sender: sender.clone(), header, message: message.to_vec() };
                asked.unknown(&self.identity, APPLICATIONS, actions);
            }
            Event::Answer { token, result } => match self.pending.take(token) {
                Some(Waiting::Message6 { device, moving }) => self.message_6(now, device, moving, result, actions),
                Some(Waiting::Message4 { device }) => self.message_4(device, result, actions),
                None => {}
            },
            Event::Undelivered { .. } | Event::Stored { .. } | Event::Authenticated { .. } | Event::Timer { .. } => {}
        }
    }
}

/// ID1, ID3 and validity out of message 6.
fn given(now: Now, result: Result<&[u8], NoAnswer>) -> Result<Attachment, Refused> {
    let message = judged(result)?;
    let answer = pc3::UeIdentifierAllocationAnswer::decode(message).map_err(|faults| unreadable(&faults))?;
    let id1 = answer.pduid.ok_or("message 6 carries no ID1").map_err(in_words)?;
    let id1 = Pduid::from_octets(id1).map_err(|why| in_words(&why.to_string()))?;
    let id3 = address_of::<ProseFunctionId, ProseFunctionAddress>(
        message,
        answer.prose_function_id,
        answer.prose_function_address,
    )
    .map_err(|fault| unreadable(&[fault]))?;
    let seconds = answer.pduid_validity_time.unwrap_or_default();
    Ok(Attachment { id1, id3, valid_until: UnixSeconds(now.unix.as_secs()).plus(u64::from(seconds)) })
}

/// An answer of success, or the refusal.
fn judged(result: Result<&[u8], NoAnswer>) -> Result<&[u8], Refused> {
    let answer = result.map_err(|why| in_words(silence(why)))?;
    let outcome = Outcome::of(answer).unwrap_or(Outcome::UNABLE_TO_COMPLY);
    if outcome.is_success() {
        return Ok(answer);
    }
    let cause = find::<RefusalCause>(body(answer));
    let mut text = outcome.to_string();
    if let Some(name) = cause.and_then(|cause| RefusalCause::DEFINITION.value_name(i64::from(cause))) {
        text = format!("{text}, {name}");
    }
    if let Some(why) = find::<ErrorMessage>(body(answer)) {
        text = format!("{text} ({why})");
    }
    Err(Refused { cause, code: Some(outcome.code()), text })
}

fn in_words(why: &str) -> Refused {
    Refused { cause: None, code: None, text: why.to_owned() }
}

fn unreadable(faults: &[crate::avp::Fault]) -> Refused {
    in_words(&faults.first().map_or_else(|| "the answer cannot be read".to_owned(), ToString::to_string))
}
