//! The HSS: who is subscribed to what. It answers the MME (S6a ULR) and the function (PC4a PIR, PNR, PSR), and tells the
//! function of changes (UPR) and of its own restart (RSR). TS 29.272, TS 29.344.
//!
//! Subscribers come from the configuration; which MME and which function serve them is learnt from their requests.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Deserialize;

use super::config::{self, Identity, same_host};
use super::element::{Action, Destination, Element, Event, Now};
use super::exchange::{Entropy, NO_STATE, Pending, Sessions, failure, report, send, vendor_specific};
use super::features;
use super::identifiers::{Imsi, Msisdn, PlmnId};
use super::reply::{Asked, Outcome, bad_value, missing, silence};
use crate::avp::dictionary::group::{
    ProseAllowedPlmn, ProseInitialLocationInformation as Location, ProseSubscriptionData as ProseData,
    SubscriptionData as S6aData,
};
use crate::avp::dictionary::{self, ExperimentalResultCode, PnrFlags, ProsePermission, UlaFlags, UprFlags};
use crate::interfaces::pc4::hss as pc4a;
use crate::interfaces::s6a;
use crate::message::Command;

/// What an HSS is configured with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HssConfig {
    /// The subscriptions it holds.
    #[serde(default)]
    pub subscribers: Vec<Subscriber>,
    /// Origin-Hosts of the functions that may ask for ProSe data; empty for all peers.
    #[serde(default)]
    pub functions: Vec<String>,
}

/// One subscription.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// IMSI, 6 to 15 digits.
    #[serde(deserialize_with = "config::parsed")]
    pub imsi: Imsi,
    /// Telephone number.
    #[serde(default, deserialize_with = "config::parsed_option")]
    pub msisdn: Option<Msisdn>,
    /// ProSe-Permission, bit by bit; absent: no subscription to ProSe; 0: subscribed, but nothing is allowed.
    #[serde(default)]
    pub prose_permission: Option<u32>,
    /// Networks in which ProSe is allowed; empty for no restriction.
    #[serde(default)]
    pub allowed_plmns: Vec<AllowedNetwork>,
    /// Names of the resources of this HSS that the subscription rests on: Reset-ID, as text. A reset may be of some only.
    #[serde(default)]
    pub reset_ids: Vec<String>,
}

/// A network in which ProSe is allowed. TS 29.344 6.3.4.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedNetwork {
    /// The network, e.g. `001-01`.
    #[serde(deserialize_with = "config::parsed")]
    pub plmn: PlmnId,
    /// Authorized-Discovery-Range.
    #[serde(default)]
    pub discovery_range: Option<u32>,
    /// ProSe-Direct-Allowed, bit by bit.
    #[serde(default)]
    pub direct_allowed: Option<u32>,
}

/// A node that serves a subscriber: Origin-Host and Origin-Realm.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Serving {
    host: String,
    realm: String,
}

#[derive(Debug)]
struct Record {
    subscriber: Subscriber,
    mme: Option<Serving>,
    visited: Option<PlmnId>,
    /// When the MME was last heard, since the node started.
    seen: Duration,
    function: Option<Serving>,
    /// What the function said was taken back, by network: revocation bits of PNR-Flags.
    revoked: BTreeMap<[u8; 3], u32>,
}

/// What waits for an answer: UPR or RSR, and whom it concerns.
#[derive(Debug)]
enum Waiting {
    Update(Imsi),
    Reset,
}

/// The HSS as an element.
#[derive(Debug)]
pub struct Hss {
    identity: Identity,
    functions: Vec<String>,
    records: HashMap<Imsi, Record>,
    pending: Pending<Waiting>,
    sessions: Sessions,
}

const APPLICATIONS: &[u32] = &[s6a::APPLICATION, pc4a::APPLICATION];

/// Updates and resets that may wait for an answer at a time.
const MOST_PENDING: usize = 4096;
/// Networks whose revocations are kept for a subscriber.
const MOST_REVOKED: usize = 64;

impl Hss {
    /// An HSS that holds what `config` says. `seed` comes from the operating system's randomness.
    #[must_use]
    pub fn new(identity: Identity, config: HssConfig, seed: [u8; 16]) -> Self {
        let records = config.subscribers.into_iter().map(|subscriber| (subscriber.imsi, Record::new(subscriber)));
        let sessions = Sessions::new(&identity.host, &mut Entropy::new(seed));
        Self {
            records: records.collect(),
            functions: config.functions,
            pending: Pending::new(MOST_PENDING),
            sessions,
            identity,
        }
    }

    /// The operator changes what a subscription allows (`None`: takes ProSe out of it); the function that serves the UE
    /// is told with UPR. False when there is no such subscription.
    pub fn change_permission(&mut self, imsi: Imsi, permission: Option<u32>, actions: &mut Vec<Action>) -> bool {
        let Some(record) = self.records.get_mut(&imsi) else { return false };
        record.subscriber.prose_permission = permission;
        let flags = if permission.is_some() { UprFlags::UPDATE } else { UprFlags::REMOVAL };
        self.update(imsi, flags, actions);
        true
    }

    /// The operator moves a subscription to other resources of the HSS; the function that serves the UE is told with UPR.
    /// False when there is no such subscription.
    pub fn change_reset_ids(&mut self, imsi: Imsi, reset_ids: Vec<String>, actions: &mut Vec<Action>) -> bool {
        let Some(record) = self.records.get_mut(&imsi) else { return false };
        let flags = if reset_ids.is_empty() { UprFlags::RESET_ID_REMOVAL } else { UprFlags::RESET_ID_UPDATE };
        record.subscriber.reset_ids = reset_ids;
        self.update(imsi, flags, actions);
        true
    }

    /// UPR to the function that serves a UE, if any does.
    fn update(&mut self, imsi: Imsi, flags: u32, actions: &mut Vec<Action>) {
        let Some(record) = self.records.get_mut(&imsi) else { return };
        let Some(function) = record.function.clone() else { return };
        if flags & UprFlags::REMOVAL != 0 {
            record.function = None;
        }
        if self.pending.is_full() {
            return failure(actions, "UPR", format!("{} is not told: too many updates wait", function.host));
        }
        let session = self.sessions.next();
        let user = imsi.reveal();
        let plmns = plmn_octets(&record.subscriber);
        let visited = record.visited.map(PlmnId::to_octets);
        let is_update = flags & UprFlags::UPDATE != 0;
        let request = pc4a::UpdateProseSubscriberDataRequest {
            session_id: &session,
            vendor_specific_application_id: Some(vendor_specific(pc4a::APPLICATION)),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: &function.host,
            destination_realm: &function.realm,
            user_name: &user,
            prose_subscription_data: if is_update { prose_data(&record.subscriber, &plmns) } else { None },
            visited_plmn_id: visited.as_ref().filter(|_| is_update).map(<[u8; 3]>::as_slice),
            upr_flags: flags,
            reset_id: match flags & UprFlags::RESET_ID_UPDATE {
                0 => Vec::new(),
                _ => record.subscriber.reset_ids.iter().map(String::as_bytes).collect(),
            },
            ..Default::default()
        };
        let token = self.pending.insert(Waiting::Update(imsi));
        send(pc4a::APPLICATION, &request, token, function.clone().into(), actions);
        report(actions, "UPR", format!("subscription of {imsi} changed, {} is told", function.host));
    }

    /// The HSS has restarted: every function that serves a subscriber is told with RSR.
    pub fn reset(&mut self, actions: &mut Vec<Action>) {
        self.reset_of(&[], &[], actions);
    }

    /// A part of the HSS has restarted: the subscriptions whose IMSI begins with one of `users`, or that rest on one of
    /// the resources `ids`; both empty for all. Every function that serves a subscriber is told with RSR.
    pub fn reset_of(&mut self, users: &[&str], ids: &[&str], actions: &mut Vec<Action>) {
        let mut functions: Vec<Serving> = self.records.values().filter_map(|record| record.function.clone()).collect();
        functions.sort_by(|left, right| left.host.cmp(&right.host));
        functions.dedup();
        for function in functions {
            let session = self.sessions.next();
            let request = pc4a::ResetRequest {
                session_id: &session,
                vendor_specific_application_id: Some(vendor_specific(pc4a::APPLICATION)),
                origin_host: &self.identity.host,
                origin_realm: &self.identity.realm,
                destination_host: &function.host,
                destination_realm: &function.realm,
                user_id: users.to_vec(),
                reset_id: ids.iter().map(|id| id.as_bytes()).collect(),
                ..Default::default()
            };
            let token = self.pending.insert(Waiting::Reset);
            send(pc4a::APPLICATION, &request, token, function.clone().into(), actions);
        }
    }

    /// The Origin-Host of the function that serves a subscriber.
    #[must_use]
    pub fn serving_function(&self, imsi: Imsi) -> Option<&str> {
        self.records.get(&imsi)?.function.as_ref().map(|serving| serving.host.as_str())
    }

    /// What the function that serves a subscriber said was taken back in a network: revocation bits of PNR-Flags.
    #[must_use]
    pub fn revoked(&self, imsi: Imsi, plmn: PlmnId) -> u32 {
        self.records.get(&imsi).and_then(|record| record.revoked.get(&plmn.to_octets())).copied().unwrap_or_default()
    }

    fn request(&mut self, now: Now, asked: &Asked, actions: &mut Vec<Action>) {
        if asked.header.application == pc4a::APPLICATION
            && !self.functions.is_empty()
            && !self.functions.iter().any(|host| same_host(host, &asked.sender.peer))
        {
            let why = format!("{} is none of the functions this HSS serves", asked.sender.peer);
            failure(actions, "PC4a", &why);
            asked.reply(&self.identity, Outcome::REJECTED).because(&why).send(actions);
            return;
        }
        if asked.header.application == pc4a::APPLICATION && features::refused(asked, &self.identity, actions) {
            return;
        }
        let message = asked.message.as_slice();
        let answered = match (asked.header.application, asked.header.code) {
            (s6a::APPLICATION, 316) => {
                s6a::UpdateLocationRequest::decode(message).map(|request| self.location(now, asked, &request, actions))
            }
            (pc4a::APPLICATION, 8_388_664) => pc4a::ProseSubscriberInformationRequest::decode(message)
                .map(|request| self.information(asked, &request, actions)),
            (pc4a::APPLICATION, 8_388_666) => {
                pc4a::ProseNotifyRequest::decode(message).map(|request| self.notification(asked, &request, actions))
            }
            (pc4a::APPLICATION, 8_388_713) => pc4a::ProseInitialLocationInformationRequest::decode(message)
                .map(|request| self.initial_location(now, asked, &request, actions)),
            _ => {
                asked.unknown(&self.identity, APPLICATIONS, actions);
                Ok(())
            }
        };
        if let Err(faults) = answered {
            asked.refuse(&self.identity, &faults, actions);
        }
    }

    /// The record of User-Name, or the answer that there is none.
    fn record<'s>(
        &'s mut self,
        asked: &Asked,
        user_name: &str,
        step: &'static str,
        actions: &mut Vec<Action>,
    ) -> Option<(Imsi, &'s mut Record)> {
        let Ok(imsi) = user_name.parse::<Imsi>() else {
            let fault = bad_value::<dictionary::UserName>(&asked.message, "IMSI of 6 to 15 digits");
            asked.refuse(&self.identity, &[fault], actions);
            return None;
        };
        match self.records.get_mut(&imsi) {
            Some(record) => Some((imsi, record)),
            None => {
                report(actions, step, format!("{imsi} is unknown"));
                let outcome = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN);
                asked.reply(&self.identity, outcome).send(actions);
                None
            }
        }
    }

    /// ULR: the MME learns what the subscription says, ProSe included (requirement MME-1).
    fn location(
        &mut self,
        now: Now,
        asked: &Asked,
        request: &s6a::UpdateLocationRequest<'_>,
        actions: &mut Vec<Action>,
    ) {
        let Ok(visited) = PlmnId::from_slice(request.visited_plmn_id) else {
            let fault = bad_value::<dictionary::VisitedPlmnId>(&asked.message, "three octets of a PLMN");
            asked.refuse(&self.identity, &[fault], actions);
            return;
        };
        let identity = self.identity.clone();
        let Some((imsi, record)) = self.record(asked, request.user_name, "ULR", actions) else { return };
        record.mme = Some(Serving::new(request.origin_host, request.origin_realm));
        let moved = record.visited.replace(visited).is_some_and(|before| before != visited);
        record.seen = now.elapsed;
        let plmns = plmn_octets(&record.subscriber);
        let msisdn = record.subscriber.msisdn.map(|msisdn| msisdn.to_tbcd());
        let data = S6aData {
            msisdn: msisdn.as_deref(),
            prose_subscription_data: prose_data(&record.subscriber, &plmns),
            ..Default::default()
        };
        report(actions, "ULA", format!("subscription of {imsi} given to {}", request.origin_host));
        asked
            .reply(&identity, Outcome::SUCCESS)
            .with::<UlaFlags>(&1)
            .with::<dictionary::SubscriptionData>(&data)
            .send(actions);
        // The function keeps the registered network beside the subscription.
        if moved {
            self.update(imsi, UprFlags::UPDATE, actions);
        }
    }

    /// PIR: unknown 5001, no ProSe subscription 5610, nothing allowed 5611, else the data. TS 29.344 5.2.
    fn information(
        &mut self,
        asked: &Asked,
        request: &pc4a::ProseSubscriberInformationRequest<'_>,
        actions: &mut Vec<Action>,
    ) {
        let identity = self.identity.clone();
        let Some((imsi, record)) = self.record(asked, request.user_name, "PIR", actions) else { return };
        let refusal = match record.subscriber.prose_permission {
            None => Some(ExperimentalResultCode::DIAMETER_ERROR_UNKNOWN_PROSE_SUBSCRIPTION),
            Some(_) if !record.is_allowed() => Some(ExperimentalResultCode::DIAMETER_ERROR_PROSE_NOT_ALLOWED),
            Some(_) => None,
        };
        if let Some(code) = refusal {
            let outcome = Outcome::tgpp(code);
            report(actions, "PIA", format!("{imsi}: {outcome}"));
            asked.reply(&identity, outcome).send(actions);
            return;
        }
        record.function = Some(Serving::new(request.origin_host, request.origin_realm));
        let plmns = plmn_octets(&record.subscriber);
        let msisdn = record.subscriber.msisdn.map(|msisdn| msisdn.to_tbcd());
        let visited = record.visited.map(PlmnId::to_octets);
        report(actions, "PIA", format!("ProSe subscription of {imsi} given to {}", request.origin_host));
        let mut reply = asked.reply(&identity, Outcome::SUCCESS);
        if let Some(data) = prose_data(&record.subscriber, &plmns) {
            reply = reply.with::<dictionary::ProseSubscriptionData>(&data);
        }
        reply = reply
            .with_option::<dictionary::Msisdn>(msisdn.as_deref().as_ref())
            .with_option::<dictionary::VisitedPlmnId>(visited.as_ref().map(<[u8; 3]>::as_slice).as_ref());
        for id in &record.subscriber.reset_ids {
            reply = reply.with::<dictionary::ResetId>(&id.as_bytes());
        }
        reply.send(actions);
    }

    /// PNR: the function has let a subscriber go, or withdrawn an authorization.
    fn notification(&mut self, asked: &Asked, request: &pc4a::ProseNotifyRequest<'_>, actions: &mut Vec<Action>) {
        let Some(user_name) = request.user_name else {
            let fault = missing::<dictionary::UserName>();
            asked.refuse(&self.identity, &[fault], actions);
            return;
        };
        let identity = self.identity.clone();
        let Some((imsi, record)) = self.record(asked, user_name, "PNR", actions) else { return };
        let flags = request.pnr_flags.unwrap_or_default();
        let known = PnrFlags::DIRECT_DISCOVERY_REVOKED | PnrFlags::DIRECT_COMMUNICATION_REVOKED;
        if flags & PnrFlags::PURGED_UE != 0 && flags & known != 0 {
            let fault = bad_value::<PnrFlags>(&asked.message, "PNR-Flags with Purged UE alone");
            asked.refuse(&identity, &[fault], actions);
            return;
        }
        let serves = record.function.as_ref().is_some_and(|serving| same_host(&serving.host, request.origin_host));
        if flags & PnrFlags::PURGED_UE != 0 {
            // After a move the old function purges a UE that another serves by now: its registration stays.
            if serves {
                record.function = None;
                record.revoked.clear();
            }
            report(actions, "PNA", format!("{} has purged {imsi}", request.origin_host));
        } else if flags & known != 0 {
            let visited = request.visited_plmn_id.ok_or_else(missing::<dictionary::VisitedPlmnId>).and_then(|octets| {
                let wrong = |_| bad_value::<dictionary::VisitedPlmnId>(&asked.message, "three octets of a PLMN");
                PlmnId::from_slice(octets).map_err(wrong)
            });
            match visited {
                Err(fault) => return asked.refuse(&identity, &[fault], actions),
                Ok(visited) => {
                    if serves
                        && (record.revoked.len() < MOST_REVOKED || record.revoked.contains_key(&visited.to_octets()))
                    {
                        *record.revoked.entry(visited.to_octets()).or_default() |= flags & known;
                    }
                    report(actions, "PNA", format!("authorizations of {imsi} in {visited} are withdrawn"));
                }
            }
        }
        asked.reply(&identity, Outcome::SUCCESS).send(actions);
    }

    /// PSR: where the UE is, as far as its MME tells.
    fn initial_location(
        &mut self,
        now: Now,
        asked: &Asked,
        request: &pc4a::ProseInitialLocationInformationRequest<'_>,
        actions: &mut Vec<Action>,
    ) {
        let identity = self.identity.clone();
        let Some((_, record)) = self.record(asked, request.user_name, "PSR", actions) else { return };
        let Some(mme) = &record.mme else {
            let outcome = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_UE_LOCATION_UNKNOWN);
            asked.reply(&identity, outcome).send(actions);
            return;
        };
        let age = now.elapsed.saturating_sub(record.seen).as_secs() / 60;
        let location = Location {
            mme_name: Some(&mme.host),
            age_of_location_information: Some(u32::try_from(age).unwrap_or(u32::MAX)),
            ..Default::default()
        };
        let visited = record.visited.map(PlmnId::to_octets);
        asked
            .reply(&identity, Outcome::SUCCESS)
            .with::<dictionary::ProseInitialLocationInformation>(&location)
            .with_option::<dictionary::VisitedPlmnId>(visited.as_ref().map(<[u8; 3]>::as_slice).as_ref())
            .send(actions);
    }
}

impl Element for Hss {
    fn applications(&self) -> &[u32] {
        APPLICATIONS
    }

    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Request { ticket, sender, header, message } => {
                let asked = Asked { ticket, sender: sender.clone(), header, message: message.to_vec() };
                self.request(now, &asked, actions);
            }
            Event::Answer { token, result } => {
                let outcome = Outcome::of_result(result);
                match (self.pending.take(token), result) {
                    (Some(Waiting::Update(imsi)), Ok(_)) => {
                        let unknown = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN);
                        if outcome == unknown
                            && let Some(record) = self.records.get_mut(&imsi)
                        {
                            record.function = None;
                        }
                        let text = format!("update of {imsi}: {outcome}");
                        if outcome.is_success() {
                            report(actions, "UPA", text);
                        } else {
                            failure(actions, "UPA", text);
                        }
                    }
                    (Some(Waiting::Reset), Ok(_)) if outcome.is_success() => {
                        report(actions, "RSA", outcome.to_string())
                    }
                    (Some(Waiting::Reset), Ok(_)) => failure(actions, "RSA", outcome.to_string()),
                    (Some(_), Err(why)) => failure(actions, "PC4a", silence(why)),
                    (None, _) => {}
                }
            }
            Event::Undelivered { .. } | Event::Stored { .. } | Event::Authenticated { .. } | Event::Timer { .. } => {}
        }
    }
}

impl Record {
    const fn new(subscriber: Subscriber) -> Self {
        Self { subscriber, mme: None, visited: None, seen: Duration::ZERO, function: None, revoked: BTreeMap::new() }
    }

    /// Whether anything is allowed where the UE is now. Networks are named for the direct services alone: what goes by
    /// way of the core (EPC-level discovery, WLAN direct) is allowed everywhere.
    fn is_allowed(&self) -> bool {
        let permission = self.subscriber.prose_permission.unwrap_or_default();
        let everywhere = ProsePermission::EPC_LEVEL_PROSE_DISCOVERY | ProsePermission::EPC_SUPPORT_WLAN_DIRECT;
        let networks = &self.subscriber.allowed_plmns;
        let here = |visited: PlmnId| networks.iter().any(|allowed| allowed.plmn == visited);
        permission & everywhere != 0 || permission != 0 && (networks.is_empty() || self.visited.is_none_or(here))
    }
}

impl Serving {
    fn new(host: &str, realm: &str) -> Self {
        Self { host: host.to_owned(), realm: realm.to_owned() }
    }
}

impl From<Serving> for Destination {
    fn from(serving: Serving) -> Self {
        Self { host: Some(serving.host), realm: serving.realm }
    }
}

fn plmn_octets(subscriber: &Subscriber) -> Vec<[u8; 3]> {
    subscriber.allowed_plmns.iter().map(|allowed| allowed.plmn.to_octets()).collect()
}

/// ProSe-Subscription-Data; `None` without a ProSe subscription.
fn prose_data<'a>(subscriber: &'a Subscriber, plmns: &'a [[u8; 3]]) -> Option<ProseData<'a>> {
    let allowed = subscriber.allowed_plmns.iter().zip(plmns).map(|(allowed, plmn)| ProseAllowedPlmn {
        visited_plmn_id: Some(plmn),
        authorized_discovery_range: allowed.discovery_range,
        prose_direct_allowed: allowed.direct_allowed,
        extra: Vec::new(),
    });
    Some(ProseData {
        prose_permission: subscriber.prose_permission?,
        prose_allowed_plmn: allowed.collect(),
        ..Default::default()
    })
}
