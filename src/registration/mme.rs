//! The MME: judges whether a UE may use proximity services, and carries messages 5 and 6.
//!
//! ```text
//! message 5 of the UE ─► capable? ──no──► message 6: UE_NOT_CAPABLE
//!                           │ yes
//!                    ULR to the HSS, or the configured list
//!                           │
//!                     subscribed? ──no──► message 6: NOT_SUBSCRIBED
//!                           │ yes
//!                message 5 to the function ─► its message 6, carried to the UE
//! ```
//! Only the last line lets message 5 leave (requirements MME-1 and MME-2).

use std::collections::HashMap;

use serde::Deserialize;

use super::ALL_SERVICES;
use super::config::{self, FunctionPeer, Identity};
use super::element::{Action, Destination, Element, Event, NoAnswer, Now};
use super::exchange::{Entropy, NO_STATE, Pending, Sessions, failure, report, send, vendor_specific};
use super::identifiers::{FunctionAddress, Imsi, PlmnId};
use super::reply::{Asked, Outcome, address_of, bad_value, silence};
use crate::avp::dictionary::{
    ErrorMessage, ExperimentalResultCode, OldProseFunctionAddress, OldProseFunctionId, Pduid, PduidValidityTime,
    ProseFunctionAddress, ProseFunctionId, RatType, RefusalCause, UserName,
};
use crate::interfaces::{pc3, pc4::mme as pc4, s6a};
use crate::message::{Command, find};

/// What an MME is configured with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MmeConfig {
    /// The network it belongs to, e.g. `001-01`.
    #[serde(deserialize_with = "config::parsed")]
    pub plmn: PlmnId,
    /// The HSS to ask with ULR; absent: `subscribers` decides.
    #[serde(default)]
    pub hss: Option<Destination>,
    /// What is known of subscriptions without an HSS.
    #[serde(default)]
    pub subscribers: Vec<KnownSubscriber>,
    /// The functions of the network. The first serves a UE, unless the UE says it has moved away from it.
    pub functions: Vec<FunctionPeer>,
    /// The bits of capability and permission that count; one common bit is enough.
    #[serde(default = "all_services")]
    pub services: u32,
    /// Requests of UEs that may be under way at a time; further ones are answered DIAMETER_TOO_BUSY.
    #[serde(default = "most_pending")]
    pub most_pending: usize,
}

/// A subscription that the MME knows by configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownSubscriber {
    /// IMSI, 6 to 15 digits.
    #[serde(deserialize_with = "config::parsed")]
    pub imsi: Imsi,
    /// ProSe-Permission, bit by bit.
    pub prose_permission: u32,
}

const fn all_services() -> u32 {
    ALL_SERVICES
}

const fn most_pending() -> usize {
    65_536
}

/// UEs whose function is remembered; past it the choice falls back to the first function.
const MOST_SERVED: usize = 1_000_000;

/// A message 5 on its way.
#[derive(Debug)]
struct Allocation {
    asked: Asked,
    imsi: Imsi,
    /// Index into the configured functions.
    function: usize,
}

#[derive(Debug)]
enum Waiting {
    Subscription(Allocation),
    Function(Allocation),
}

/// The MME as an element.
#[derive(Debug)]
pub struct Mme {
    identity: Identity,
    config: MmeConfig,
    known: HashMap<Imsi, u32>,
    /// Which function gave a UE its ID1.
    served: HashMap<Imsi, usize>,
    pending: Pending<Waiting>,
    sessions: Sessions,
}

const APPLICATIONS: &[u32] = &[pc3::APPLICATION, pc4::APPLICATION, s6a::APPLICATION];

impl Mme {
    /// An MME. `seed` comes from the operating system's randomness.
    ///
    /// # Errors
    /// No function is configured.
    pub fn new(identity: Identity, config: MmeConfig, seed: [u8; 16]) -> Result<Self, config::ConfigError> {
        if config.functions.is_empty() {
            let why = "at least one function is needed to send message 5 to".to_owned();
            return Err(config::ConfigError::Value { field: "functions", why });
        }
        let sessions = Sessions::new(&identity.host, &mut Entropy::new(seed));
        let known = config.subscribers.iter().map(|known| (known.imsi, known.prose_permission)).collect();
        let pending = Pending::new(config.most_pending);
        Ok(Self { identity, config, known, served: HashMap::new(), pending, sessions })
    }

    /// Message 5 from a UE.
    fn message_5(&mut self, asked: Asked, actions: &mut Vec<Action>) {
        if self.pending.is_full() {
            asked.reply(&self.identity, Outcome::TOO_BUSY).send(actions);
            return;
        }
        let (imsi, capability, old) = {
            let request = match pc3::UeIdentifierAllocationRequest::decode(&asked.message) {
                Ok(request) => request,
                Err(faults) => return asked.refuse(&self.identity, &faults, actions),
            };
            let Ok(imsi) = request.user_name.parse::<Imsi>() else {
                let fault = bad_value::<UserName>(&asked.message, "IMSI of 6 to 15 digits");
                return asked.refuse(&self.identity, &[fault], actions);
            };
            let old = address_of::<OldProseFunctionId, OldProseFunctionAddress>(
                &asked.message,
                request.old_prose_function_id,
                request.old_prose_function_address,
            );
            match old {
                Ok(old) => (imsi, request.ue_prose_capability, old),
                Err(fault) => return asked.refuse(&self.identity, &[fault], actions),
            }
        };
        report(actions, "message 5", format!("{imsi} asks for an ID1"));
        if capability & self.config.services == 0 {
            let cause = RefusalCause::UE_NOT_CAPABLE;
            return self.refuse(&asked, imsi, Outcome::REJECTED, cause, "the UE is not capable", actions);
        }
        let function = self.function_for(imsi, old.as_ref());
        let allocation = Allocation { asked, imsi, function };
        match self.config.hss.clone() {
            Some(hss) => self.ask_subscription(allocation, hss, actions),
            None => {
                let permission = self.known.get(&imsi).copied();
                self.judge(allocation, permission, actions);
            }
        }
    }

    /// The function for a UE: on a move one that it has not moved away from, else the one it had, else the first.
    fn function_for(&self, imsi: Imsi, old: Option<&FunctionAddress>) -> usize {
        let moved_away = |function: &FunctionPeer| old.is_some_and(|old| function.is_at(old));
        match self.served.get(&imsi) {
            Some(served) if self.config.functions.get(*served).is_some_and(|function| !moved_away(function)) => *served,
            _ => self.config.functions.iter().position(|function| !moved_away(function)).unwrap_or(0),
        }
    }

    fn ask_subscription(&mut self, allocation: Allocation, hss: Destination, actions: &mut Vec<Action>) {
        let session = self.sessions.next();
        let user = allocation.imsi.reveal();
        let plmn = self.config.plmn.to_octets();
        let request = s6a::UpdateLocationRequest {
            session_id: &session,
            vendor_specific_application_id: Some(vendor_specific(s6a::APPLICATION)),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: hss.host.as_deref(),
            destination_realm: &hss.realm,
            user_name: &user,
            rat_type: RatType::EUTRAN,
            // S6a/S6d-Indicator and Initial-Attach. TS 29.272 7.3.7.
            ulr_flags: 0x22,
            visited_plmn_id: &plmn,
            ..Default::default()
        };
        let token = self.pending.insert(Waiting::Subscription(allocation));
        send(s6a::APPLICATION, &request, token, hss.clone(), actions);
    }

    /// ULA: the subscription, or why there is none.
    fn subscription(&mut self, allocation: Allocation, result: Result<&[u8], NoAnswer>, actions: &mut Vec<Action>) {
        let answer = match result {
            Ok(answer) => answer,
            Err(why) => {
                let outcome = Outcome::of_result(result);
                let why = format!("HSS: {}", silence(why));
                failure(actions, "MME-1", &why);
                return allocation.asked.reply(&self.identity, outcome).because(&why).send(actions);
            }
        };
        let outcome = Outcome::of(answer).unwrap_or(Outcome::UNABLE_TO_COMPLY);
        if outcome == Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN) {
            let cause = RefusalCause::UNKNOWN_SUBSCRIPTION;
            let (asked, imsi) = (&allocation.asked, allocation.imsi);
            return self.refuse(asked, imsi, outcome, cause, "the HSS does not know the UE", actions);
        }
        match (outcome.is_success(), s6a::UpdateLocationAnswer::decode(answer)) {
            (true, Ok(answer)) => {
                let permission = answer
                    .subscription_data
                    .and_then(|data| data.prose_subscription_data)
                    .map(|data| data.prose_permission);
                self.judge(allocation, permission, actions);
            }
            (true, Err(faults)) => {
                let why =
                    faults.first().map_or_else(|| "ULA cannot be read".to_owned(), |fault| format!("ULA: {fault}"));
                failure(actions, "MME-1", &why);
                allocation.asked.reply(&self.identity, Outcome::UNABLE_TO_COMPLY).because(&why).send(actions);
            }
            (false, _) => {
                failure(actions, "MME-1", format!("ULA: {outcome}"));
                let why = format!("the HSS answered {outcome}");
                allocation.asked.reply(&self.identity, Outcome::UNABLE_TO_COMPLY).because(&why).send(actions);
            }
        }
    }

    /// The second half of the judgement; the first, the capability, has been positive. Requirement MME-1.
    fn judge(&mut self, allocation: Allocation, permission: Option<u32>, actions: &mut Vec<Action>) {
        let request = pc3::UeIdentifierAllocationRequest::decode(&allocation.asked.message);
        let Ok(request) = request else { return };
        if permission.unwrap_or(0) & request.ue_prose_capability & self.config.services == 0 {
            let cause = RefusalCause::NOT_SUBSCRIBED;
            let why = match permission {
                None => "the UE is not subscribed to ProSe",
                Some(_) => "nothing the UE is capable of is subscribed",
            };
            return self.refuse(&allocation.asked, allocation.imsi, Outcome::REJECTED, cause, why, actions);
        }
        report(actions, "MME-1", format!("{} is capable and subscribed", allocation.imsi));
        let Some(function) = self.config.functions.get(allocation.function) else { return };
        let session = self.sessions.next();
        let plmn = self.config.plmn.to_octets();
        let onward = pc4::IdentifierAllocationRequest {
            session_id: &session,
            vendor_specific_application_id: vendor_specific(pc4::APPLICATION),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: Some(&function.host),
            destination_realm: &function.realm,
            user_name: request.user_name,
            ue_prose_capability: request.ue_prose_capability,
            visited_plmn_id: Some(&plmn),
            old_pduid: request.old_pduid,
            old_prose_function_id: request.old_prose_function_id,
            old_prose_function_address: request.old_prose_function_address,
            ..Default::default()
        };
        let mut sent = Vec::new();
        // The request borrows from the allocation, so it is written before the allocation is put away; the token is
        // the next one the table will give.
        let envelope = crate::message::Envelope { application: pc4::APPLICATION, hop_by_hop: 0, end_to_end: 0 };
        onward.encode(envelope, &mut sent);
        let destination = function.destination();
        let text = format!("message 5 for {} leaves for {}", allocation.imsi, function.host);
        let token = self.pending.insert(Waiting::Function(allocation));
        actions.push(Action::Send { token, destination, message: sent });
        report(actions, "MME-2", text);
    }

    /// Message 6 from the function, carried to the UE. Requirement MME-3.
    fn message_6(&mut self, allocation: Allocation, result: Result<&[u8], NoAnswer>, actions: &mut Vec<Action>) {
        let Allocation { asked, imsi, function } = allocation;
        let outcome = Outcome::of_result(result);
        let answer = match result {
            Ok(answer) => answer,
            Err(why) => {
                let why = format!("function: {}", silence(why));
                failure(actions, "MME-3", &why);
                let cause = RefusalCause::FUNCTION_UNREACHABLE;
                return asked.reply(&self.identity, outcome).with::<RefusalCause>(&cause).because(&why).send(actions);
            }
        };
        let body = super::reply::body(answer);
        let mut reply = asked.reply(&self.identity, outcome);
        if outcome.is_success() {
            let given = match pc4::IdentifierAllocationAnswer::decode(answer) {
                Ok(given) => given,
                Err(faults) => {
                    let why = faults.first().map_or_else(|| "unreadable".to_owned(), ToString::to_string);
                    failure(actions, "MME-3", format!("message 6 of the function: {why}"));
                    return asked.reply(&self.identity, Outcome::UNABLE_TO_COMPLY).because(&why).send(actions);
                }
            };
            reply = reply
                .with_option::<Pduid>(given.pduid.as_ref())
                .with_option::<PduidValidityTime>(given.pduid_validity_time.as_ref())
                .with_option::<ProseFunctionId>(given.prose_function_id.as_ref())
                .with_option::<ProseFunctionAddress>(given.prose_function_address.as_ref());
            if self.served.len() < MOST_SERVED || self.served.contains_key(&imsi) {
                self.served.insert(imsi, function);
            }
            report(actions, "MME-3", format!("message 6 carried to {imsi}"));
        } else {
            reply = reply
                .with_option::<RefusalCause>(find::<RefusalCause>(body).as_ref())
                .with_option::<ErrorMessage>(find::<ErrorMessage>(body).as_ref());
            report(actions, "MME-3", format!("refusal carried to {imsi}: {outcome}"));
        }
        reply.send(actions);
    }

    fn refuse(&self, asked: &Asked, imsi: Imsi, outcome: Outcome, cause: i32, why: &str, actions: &mut Vec<Action>) {
        report(actions, "MME-2", format!("{imsi} is refused: {why}; no message 5 leaves"));
        asked.reply(&self.identity, outcome).with::<RefusalCause>(&cause).because(why).send(actions);
    }
}

impl Element for Mme {
    fn applications(&self) -> &[u32] {
        APPLICATIONS
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Request { ticket, sender, header, message } => {
                let asked = Asked { ticket, sender: sender.clone(), header, message: message.to_vec() };
                if (header.application, header.code) == (pc3::APPLICATION, super::COMMAND_A) {
                    self.message_5(asked, actions);
                } else {
                    asked.unknown(&self.identity, APPLICATIONS, actions);
                }
            }
            Event::Answer { token, result } => match self.pending.take(token) {
                Some(Waiting::Subscription(allocation)) => self.subscription(allocation, result, actions),
                Some(Waiting::Function(allocation)) => self.message_6(allocation, result, actions),
                None => {}
            },
            Event::Undelivered { .. } | Event::Stored { .. } | Event::Authenticated { .. } | Event::Timer { .. } => {}
        }
    }
}
