//! The procedures of TS 29.343 beside those of the patent: what a function asks by PXR, and XAR for a change of who may
//! discover whom.
//!
//! ```text
//! type 0         a user has an EPUID at a function             5590 5592 5593
//! type 1         where is another user?                        5590 5591 5594 5595
//! types 2 to 10  restricted discovery: who may find whom       5596 5597 5598 5599 5600 5601 5602
//! type 11        a ban is carried out                          5596
//! types 12, 13   open discovery with suffixes of ours          5598 5599 5602
//! ```
//! Application-Data is between the UE's application and its server, and no specification says its form: here a list of
//! RPAUIDs with commas (types 4, 5, 8), the number of suffixes wanted (3, 12), any text (13).

use std::collections::HashMap;

use serde::Deserialize;

use super::{AppServer, Step, id2_of};
use crate::avp::Fault;
use crate::avp::dictionary::ExperimentalResultCode as Code;
use crate::avp::dictionary::{
    AllowedSuffixesNumber, ApplicationData, BannedUserTarget, Declared, MonitorTarget, OriginAppLayerUserId,
    Pduid as PduidAvp, ProseAppCodeSuffixRange, ProseAppId, ProseApplicationMetadata, ProseCodeSuffixMask,
    ProseFunctionId, ProseRequestType as Type, ProseRestrictedCodeSuffixRange, RequestingEpuid, RequestingRpauid,
    TargetAppLayerUserId, TargetPduid, TargetRpauid, TargetedEpuid, group,
};
use crate::interfaces::pc2;
use crate::message::Command;
use crate::registration::config;
use crate::registration::element::{Action, Destination, NoAnswer, Report, Token};
use crate::registration::exchange::{NO_STATE, Pending, failure, report, send};
use crate::registration::identifiers::{FunctionAddress, Pduid};
use crate::registration::reply::{Asked, Outcome, Reply, missing, silence};
use crate::store::{Condition, ContextReader, Epuid, StoreError, StoredUser, UserReader, Write, WriteOutcome};

type Request<'a> = pc2::ProXimityActionRequest<'a>;

/// A user of an application as the standard knows them: `[[app_server.account]]`. Users that message 3 has confirmed
/// have their ID2 for an ALUID and need no account.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// ProSe Application ID.
    pub application: String,
    /// The user's name in it: ALUID.
    pub aluid: String,
    /// Whose map requests find this user, ALUIDs; absent: anybody's.
    #[serde(default)]
    pub found_by: Option<Vec<String>>,
    /// The user's RPAUID, for restricted discovery.
    #[serde(default)]
    pub rpauid: Option<String>,
    /// RPAUIDs of those that may discover this user; absent: nobody.
    #[serde(default)]
    pub discovered_by: Vec<String>,
    /// Whether the user may announce.
    #[serde(default = "yes")]
    pub announce: bool,
    /// The user of message 1 whose UEs are this user's: their ID1s are the PDUIDs.
    #[serde(default)]
    pub user: Option<String>,
    /// PDUIDs of UEs that message 1 did not bring, 16 hexadecimal digits each.
    #[serde(default, deserialize_with = "config::parsed_list")]
    pub pduids: Vec<Pduid>,
    /// ProSe-Application-Metadata for whoever has met this user.
    #[serde(default)]
    pub metadata: Option<String>,
}

const fn yes() -> bool {
    true
}

/// Suffixes that one request may be given.
const MOST_SUFFIXES: u32 = 4096;
/// Targets that one request may name.
const MOST_TARGETS: usize = 32;

/// What the standard procedures have brought.
#[derive(Debug)]
pub(super) struct Standard {
    /// The function that asked for a RPAUID last: host and realm.
    functions: HashMap<String, (String, String)>,
    suffixes: u16,
    pending: Pending<Paused>,
}

/// What waits for an event.
#[derive(Debug)]
enum Paused {
    /// The write of a ban; then functions are told.
    Ban { rpauid: String, banned: String },
    /// The write that lifts one.
    Lift,
    /// XAA.
    Told(String),
}

/// Key of a ban in the store.
fn ban_key(rpauid: &str, banned: &str) -> String {
    format!("ban/{}", serde_json::json!([rpauid, banned]))
}

/// Key of the EPUID of an account that no message 3 has confirmed: JSON, `[EPUID, function]`.
fn epuid_key(application: &str, aluid: &str) -> String {
    format!("account/{}", serde_json::json!([application, aluid]))
}

impl Standard {
    pub fn new(most: usize) -> Self {
        Self { functions: HashMap::new(), suffixes: 0, pending: Pending::beside(most) }
    }

    /// The next `count` suffixes, first and last. They come again when all have been given.
    fn take_suffixes(&mut self, count: u32) -> ([u8; 2], [u8; 2]) {
        let count = u16::try_from(count.min(MOST_SUFFIXES)).unwrap_or(1).max(1);
        let first = if self.suffixes.checked_add(count).is_some() { self.suffixes } else { 0 };
        self.suffixes = first + count;
        (first.to_be_bytes(), (first + (count - 1)).to_be_bytes())
    }
}

/// A refusal by one of the codes, or a fault.
enum Refusal {
    Code(u32, &'static str),
    Fault(Fault),
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

/// A name of an application's user, as the standard knows it.
enum Known {
    /// Message 3 has confirmed it.
    User(Box<StoredUser>),
    /// It is configured.
    Account,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

const fn refuse<T>(code: u32, why: &'static str) -> Result<T, Refusal> {
    Err(Refusal::Code(code, why))
}

impl<R: UserReader + ContextReader> AppServer<R> {
    /// PXR of a type of TS 29.343, but the registration of an application.
    pub(super) fn standard_request(&mut self, asked: &Asked, request: &Request<'_>, actions: &mut Vec<Action>) {
        let kind = request.prose_request_type;
        let reply = match kind {
            Type::PROSE_MAP_REQUEST => self.map_request(asked, request),
            Type::AUTHORIZATION_ANNOUNCE | Type::AUTHORIZATION_RESPONSE => self.announce(asked, request),
            Type::AUTHORIZATION_ANNOUNCE_ACE => self.announce_extended(asked, request),
            Type::AUTHORIZATION_MONITOR | Type::AUTHORIZATION_MONITOR_ACE | Type::AUTHORIZATION_QUERY => {
                self.monitor(asked, request)
            }
            Type::MONITOR_PERMISSION | Type::QUERY_PERMISSION => self.permission(asked, request, false),
            Type::AUTHORIZATION_MATCH_REPORT => self.permission(asked, request, true),
            Type::AUTHORIZATION_UPDATE => self.update_report(asked, request),
            _ => self.open_extended(asked, request),
        };
        match reply {
            Ok(reply) => {
                report(actions, "PXR", format!("type {kind} of {}: success", asked.sender.peer));
                reply.send(actions);
            }
            Err(refusal) => self.refused(asked, kind, &refusal, actions),
        }
    }

    fn refused(&self, asked: &Asked, kind: u32, refusal: &Refusal, actions: &mut Vec<Action>) {
        match refusal {
            Refusal::Fault(fault) => self.refuse(asked, fault, actions),
            Refusal::Store(why) => self.unreadable(asked, "PXR", why, actions),
            Refusal::Code(code, why) => {
                let outcome = Outcome::tgpp(*code);
                failure(actions, "PXR", format!("type {kind} of {}: {why}; {outcome}", asked.sender.peer));
                asked.reply(&self.identity, outcome).because(why).send(actions);
            }
        }
    }

    fn success<'q>(&self, asked: &'q Asked) -> Reply<'q> {
        asked.reply(&self.identity, Outcome::SUCCESS)
    }

    /// Type 0: a user of ours has an EPUID. TS 23.303 5.5.4.
    pub(super) fn application_registration(
        &mut self,
        asked: &Asked,
        actions: &mut Vec<Action>,
    ) -> Result<Step, StoreError> {
        let request = match Request::decode(&asked.message) {
            Ok(request) => request,
            Err(faults) => {
                asked.refuse(&self.identity, &faults, actions);
                return Ok(Step::Over);
            }
        };
        match self.epuid_told(asked, &request) {
            Ok(write) => {
                let text = format!("type 0 of {}: success", asked.sender.peer);
                let held =
                    vec![Action::Report(Report { step: "PXR", text, failure: false }), self.success(asked).action()];
                if let Some(write) = write {
                    return Ok(Step::Write { write, held });
                }
                actions.extend(held);
            }
            Err(Refusal::Store(why)) => return Err(why),
            Err(refusal) => self.refused(asked, request.prose_request_type, &refusal, actions),
        }
        Ok(Step::Over)
    }

    /// The write of an EPUID; none where it is known already, or is an account's.
    fn epuid_told(&mut self, asked: &Asked, request: &Request<'_>) -> Result<Option<Write>, Refusal> {
        let aluid = request.origin_app_layer_user_id.ok_or_else(missing::<OriginAppLayerUserId>)?;
        let pfid = request.prose_function_id.ok_or_else(missing::<ProseFunctionId>)?;
        let epuid = request.requesting_epuid.ok_or_else(missing::<RequestingEpuid>)?;
        if request.prose_app_id.is_some_and(|id| !self.config.applications.iter().any(|own| own == id)) {
            return refuse(Code::DIAMETER_ERROR_APP_REGISTER_REJECT, "the application is not served here");
        }
        let Some((application, known)) = self.known(request.prose_app_id, aluid)? else {
            return refuse(Code::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN, "the user is unknown");
        };
        let peer = asked.sender.peer.as_str();
        let pfid = FunctionAddress::from_name_octets(pfid).ok().filter(|pfid| self.is_host(pfid, peer));
        let Some(pfid) = pfid else {
            return refuse(Code::DIAMETER_ERROR_PFID_UNKNOWN, "ProSe-Function-ID is not the peer");
        };
        if epuid.is_empty() || epuid.len() > 64 {
            return refuse(Code::DIAMETER_ERROR_APP_REGISTER_REJECT, "Requesting-EPUID has no or more than 64 octets");
        }
        let epuid = Epuid { epuid: epuid.into(), function: pfid.to_string().into() };
        match known {
            Known::User(stored) => {
                let StoredUser { version, mut registration } = *stored;
                if registration.epuid.as_ref() == Some(&epuid) {
                    return Ok(None);
                }
                registration.epuid = Some(epuid);
                let condition = Condition::Version(version);
                Ok(Some(Write::PutUser { registration: Box::new(registration), condition }))
            }
            // There are no more of these than accounts.
            Known::Account => {
                if self.epuid_of(&application, aluid, Known::Account)?.as_ref() == Some(&epuid) {
                    return Ok(None);
                }
                let value = serde_json::to_vec(&(&*epuid.epuid, &*epuid.function)).unwrap_or_default();
                Ok(Some(Write::PutValue { key: epuid_key(&application, aluid), value, expected: None }))
            }
        }
    }

    /// Type 1: where another user can be found. TS 23.303 5.5.5 steps 2 and 3.
    fn map_request<'q>(&mut self, asked: &'q Asked, request: &Request<'_>) -> Result<Reply<'q>, Refusal> {
        let origin = request.origin_app_layer_user_id.ok_or_else(missing::<OriginAppLayerUserId>)?;
        let target = request.target_app_layer_user_id.ok_or_else(missing::<TargetAppLayerUserId>)?;
        let Some((application, asking)) = self.known(request.prose_app_id, origin)? else {
            return refuse(Code::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN, "the user who asks is unknown");
        };
        let registered = self.epuid_of(&application, origin, asking)?;
        let peer = asked.sender.peer.as_str();
        if !registered.is_some_and(|epuid| epuid.function.parse().is_ok_and(|pfid| self.is_host(&pfid, peer))) {
            let why = "the user who asks is not registered by this function";
            return refuse(Code::DIAMETER_ERROR_MAP_REQUEST_REJECT, why);
        }
        let known = self.known(Some(&application), target)?;
        let found = match known {
            Some((_, known)) => self.epuid_of(&application, target, known)?,
            None => None,
        };
        let Some(Epuid { epuid, function }) = found else {
            return refuse(Code::DIAMETER_ERROR_TARGET_ALUID_UNKNOWN, "the other user is unknown or not registered");
        };
        let account = self.config.account.iter().find(|it| it.application == application && it.aluid == target);
        let found_by = account.and_then(|account| account.found_by.as_ref());
        if found_by.is_some_and(|allowed| !allowed.iter().any(|name| name == origin)) {
            return refuse(Code::DIAMETER_ERROR_PROSE_MAP_REQUEST_DISALLOWED, "the other user does not allow it");
        }
        Ok(self.success(asked).with::<TargetedEpuid>(&&*epuid).with::<ProseFunctionId>(&function.as_bytes()))
    }

    /// Types 2 and 7: the user may announce, and these are the user's PDUIDs.
    fn announce<'q>(&mut self, asked: &'q Asked, request: &Request<'_>) -> Result<Reply<'q>, Refusal> {
        let pduids = self.announcer(asked, request)?;
        Ok(with_pduids::<PduidAvp>(self.success(asked), &pduids))
    }

    /// Type 3: the same with suffixes that the server gives out.
    fn announce_extended<'q>(&mut self, asked: &'q Asked, request: &Request<'_>) -> Result<Reply<'q>, Refusal> {
        let pduids = self.announcer(asked, request)?;
        let wanted = suffixes(request)?;
        let (first, last) = self.standard.take_suffixes(wanted);
        let range = group::ProseRestrictedCodeSuffixRange {
            beginning_suffix: &first,
            ending_suffix: Some(&last),
            extra: Vec::new(),
        };
        let reply = with_pduids::<PduidAvp>(self.success(asked), &pduids);
        Ok(reply.with::<ProseRestrictedCodeSuffixRange>(&range))
    }

    /// The PDUIDs of the user who wants to announce.
    fn announcer(&mut self, asked: &Asked, request: &Request<'_>) -> Result<Vec<Pduid>, Refusal> {
        let account = self.requesting(request)?;
        let pduids = self.pduids(account)?;
        if !account.announce || pduids.is_empty() {
            return refuse(Code::DIAMETER_ERROR_AUTHORIZATION_REJECT, "the user may not announce");
        }
        let rpauid = account.rpauid.clone().unwrap_or_default();
        let function = (asked.sender.peer.clone(), asked.sender.realm.clone());
        self.standard.functions.insert(rpauid, function);
        Ok(pduids)
    }

    /// Types 4, 5 and 8: whom of those in Application-Data the user may discover.
    fn monitor<'q>(&mut self, asked: &'q Asked, request: &Request<'_>) -> Result<Reply<'q>, Refusal> {
        let account = self.requesting(request)?;
        let data = application_data(request)?;
        let names: Vec<&str> = data.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if names.is_empty() || names.len() > MOST_TARGETS {
            return refuse(Code::DIAMETER_ERROR_INVALID_APPLICATION_DATA, "Application-Data is no list of RPAUIDs");
        }
        let mut targets: Vec<(&str, Pduid)> = Vec::with_capacity(names.len());
        for name in names {
            if let Some(target) = self.by_rpauid(Some(&account.application), name)
                && self.may_discover(account, target)?
                && let Some(pduid) = self.pduids(target)?.first()
            {
                targets.push((name, *pduid));
            }
        }
        if targets.is_empty() {
            let why = "none of the targets may be discovered";
            return refuse(Code::DIAMETER_ERROR_UNKNOWN_OR_INVALID_TARGET_SET, why);
        }
        let extended = request.prose_request_type == Type::AUTHORIZATION_MONITOR_ACE;
        let allowed = targets.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
        let mut reply = with_pduids::<PduidAvp>(self.success(asked), &self.pduids(account)?);
        for (name, pduid) in targets {
            let pduid = pduid.to_octets();
            let masks = if extended { vec![any_suffix()] } else { Vec::new() };
            reply = reply.with::<MonitorTarget>(&group::MonitorTarget {
                target_rpauid: name,
                pduid: &pduid,
                metadata_indicator: None,
                prose_code_suffix_mask: masks,
                extra: Vec::new(),
            });
        }
        Ok(reply.with::<ApplicationData>(&allowed.as_str()))
    }

    /// Types 6, 9 and 10: may this user discover that one? With `matched` they have met.
    fn permission<'q>(&mut self, asked: &'q Asked, request: &Request<'_>, matched: bool) -> Result<Reply<'q>, Refusal> {
        let account = self.requesting(request)?;
        let target = request.target_rpauid.ok_or_else(missing::<TargetRpauid>)?;
        let Some(target) = self.by_rpauid(Some(&account.application), target) else {
            return refuse(Code::DIAMETER_ERROR_TARGET_RPAUID_UNKNOWN, "the target is unknown");
        };
        if !self.may_discover(account, target)? || self.pduids(target)?.is_empty() {
            return refuse(Code::DIAMETER_ERROR_DISCOVERY_NOT_PERMITTED, "the target does not allow it");
        }
        let mut reply = self.success(asked);
        if matched {
            reply = with_pduids::<PduidAvp>(reply, &self.pduids(account)?);
        }
        reply = with_pduids::<TargetPduid>(reply, &self.pduids(target)?);
        let metadata = target.metadata.as_deref().filter(|_| matched);
        Ok(reply.with_option::<ProseApplicationMetadata>(metadata.as_ref()))
    }

    /// Type 11: what has come of a ban.
    fn update_report<'q>(&mut self, asked: &'q Asked, request: &Request<'_>) -> Result<Reply<'q>, Refusal> {
        self.requesting(request)?;
        if request.banned_user_target.is_empty() {
            return Err(missing::<BannedUserTarget>().into());
        }
        Ok(self.success(asked))
    }

    /// Types 12 and 13: open discovery of an application of ours, with suffixes.
    fn open_extended<'q>(&mut self, asked: &'q Asked, request: &Request<'_>) -> Result<Reply<'q>, Refusal> {
        let application = request.prose_app_id.ok_or_else(missing::<ProseAppId>)?;
        if !self.config.applications.iter().any(|own| own == application) {
            return refuse(Code::DIAMETER_ERROR_AUTHORIZATION_REJECT, "the application is not served here");
        }
        if request.prose_request_type == Type::AUTHORIZATION_MONITOR_ACE_OPEN {
            application_data(request)?;
            return Ok(self.success(asked).with::<ProseCodeSuffixMask>(&any_suffix()));
        }
        let wanted = suffixes(request)?;
        let (first, last) = self.standard.take_suffixes(wanted);
        let range =
            group::ProseAppCodeSuffixRange { beginning_suffix: &first, ending_suffix: Some(&last), extra: Vec::new() };
        Ok(self.success(asked).with::<ProseAppCodeSuffixRange>(&range))
    }

    /// The user `rpauid` bans another: permission is refused from now on, durably, and XAR type 11 tells the function that
    /// asked for the user last, else the one that serves their UE. False when either is unknown, or too much is under way.
    pub fn ban(&mut self, rpauid: &str, banned: &str, actions: &mut Vec<Action>) -> bool {
        let known = |name| self.by_rpauid(None, name).is_some();
        if !known(rpauid) || !known(banned) || self.standard.pending.is_full() {
            return false;
        }
        let (rpauid, banned) = (rpauid.to_owned(), banned.to_owned());
        let write = Write::PutValue { key: ban_key(&rpauid, &banned), value: Vec::new(), expected: None };
        let token = self.standard.pending.insert(Paused::Ban { rpauid, banned });
        actions.push(Action::Store { token, writes: vec![write] });
        true
    }

    /// The user `rpauid` allows again what a ban has forbidden; functions ask anew, so none is told. False when there is
    /// no such ban.
    pub fn lift(&mut self, rpauid: &str, banned: &str, actions: &mut Vec<Action>) -> bool {
        let key = ban_key(rpauid, banned);
        if self.standard.pending.is_full() || !self.reader.value(&key).is_ok_and(|value| value.is_some()) {
            return false;
        }
        let token = self.standard.pending.insert(Paused::Lift);
        actions.push(Action::Store { token, writes: vec![Write::DeleteValue { key }] });
        true
    }

    /// The write of a ban; false when the token is not one of ours.
    pub(super) fn standard_stored(
        &mut self,
        token: Token,
        result: &Result<Vec<WriteOutcome>, String>,
        actions: &mut Vec<Action>,
    ) -> bool {
        let Some(paused) = self.standard.pending.take(token) else { return false };
        let done = result.as_ref().is_ok_and(|outcomes| outcomes.iter().all(|outcome| outcome.is_done()));
        match paused {
            _ if !done => failure(actions, "ban", "it could not be recorded"),
            Paused::Ban { rpauid, banned } => self.tell_of_ban(&rpauid, &banned, actions),
            Paused::Lift | Paused::Told(_) => report(actions, "ban", "lifted"),
        }
        true
    }

    /// The function that asked for a user last, else the one that serves a UE of theirs.
    fn function_of(&self, rpauid: &str) -> Option<(String, String)> {
        let asked = self.standard.functions.get(rpauid).cloned();
        asked.or_else(|| {
            let account = self.by_rpauid(None, rpauid)?;
            let stored = self.reader.user_named(&account.application, account.user.as_ref()?).ok()??;
            let ue = stored.registration.ues.last()?;
            Some((ue.function.to_string(), ue.realm.to_string()))
        })
    }

    fn tell_of_ban(&mut self, rpauid: &str, banned: &str, actions: &mut Vec<Action>) {
        let target = self.by_rpauid(None, banned).and_then(|account| self.pduids(account).ok()?.first().copied());
        let (Some(pduid), Some((host, realm))) = (target, self.function_of(rpauid)) else {
            return report(actions, "ban", "recorded; no function has to know of it");
        };
        let session = self.sessions.next();
        let token = self.standard.pending.insert(Paused::Told(format!("ban told to {host}")));
        let pduid = pduid.to_octets();
        let request = pc2::ProXimityApplicationRequest {
            session_id: &session,
            auth_application_id: self.config.pc2_application,
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_realm: &realm,
            destination_host: Some(&host),
            prose_request_type: Type::AUTHORIZATION_UPDATE,
            requesting_rpauid: Some(rpauid),
            banned_user_target: vec![group::BannedUserTarget {
                target_rpauid: banned,
                target_pduid: &pduid,
                extra: Vec::new(),
            }],
            ..Default::default()
        };
        let destination = Destination { host: Some(host.clone()), realm: realm.clone() };
        send(self.config.pc2_application, &request, token, destination, actions);
    }

    /// XAA of a ban; false when the token is not one of ours.
    pub(super) fn standard_answer(
        &mut self,
        token: Token,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) -> bool {
        let Some(paused) = self.standard.pending.take(token) else { return false };
        let Paused::Told(what) = paused else { return true };
        let outcome = Outcome::of_result(result);
        match result {
            Err(why) => failure(actions, "XAA type 11", format!("{what}: {}", silence(why))),
            Ok(_) if outcome.is_success() => report(actions, "XAA type 11", format!("{what}: {outcome}")),
            Ok(_) => failure(actions, "XAA type 11", format!("{what}: {outcome}")),
        }
        true
    }

    /// The application in which a name is known, by message 3 or by an account: the one named, else any.
    fn known(&self, application: Option<&str>, aluid: &str) -> Result<Option<(String, Known)>, StoreError> {
        for own in self.config.applications.iter().filter(|own| application.is_none_or(|id| id == own.as_str())) {
            if let Some(id2) = id2_of(aluid)
                && let Some(stored) = self.reader.user(own, &id2)?
            {
                return Ok(Some((own.clone(), Known::User(Box::new(stored)))));
            }
            if self.config.account.iter().any(|it| it.application == *own && it.aluid == aluid) {
                return Ok(Some((own.clone(), Known::Account)));
            }
        }
        Ok(None)
    }

    fn epuid_of(&self, application: &str, aluid: &str, known: Known) -> Result<Option<Epuid>, StoreError> {
        let value = match known {
            Known::User(stored) => return Ok(stored.registration.epuid),
            Known::Account => self.reader.value(&epuid_key(application, aluid))?,
        };
        let read = value.and_then(|value| serde_json::from_slice::<(String, String)>(&value).ok());
        Ok(read.map(|(epuid, function)| Epuid { epuid: epuid.into(), function: function.into() }))
    }

    fn by_rpauid(&self, application: Option<&str>, rpauid: &str) -> Option<&Account> {
        let mut accounts = self.config.account.iter();
        accounts.find(|account| {
            account.rpauid.as_deref() == Some(rpauid) && application.is_none_or(|id| id == account.application)
        })
    }

    fn requesting(&self, request: &Request<'_>) -> Result<&Account, Refusal> {
        let rpauid = request.requesting_rpauid.ok_or_else(missing::<RequestingRpauid>)?;
        match self.by_rpauid(request.prose_app_id, rpauid) {
            Some(account) => Ok(account),
            None => refuse(Code::DIAMETER_ERROR_REQUESTING_RPAUID_UNKNOWN, "the RPAUID is unknown"),
        }
    }

    fn may_discover(&self, account: &Account, target: &Account) -> Result<bool, StoreError> {
        let (Some(who), Some(whom)) = (&account.rpauid, &target.rpauid) else { return Ok(false) };
        Ok(target.discovered_by.contains(who) && self.reader.value(&ban_key(whom, who))?.is_none())
    }

    /// The PDUIDs of a user: those of the account, and the ID1s that messages 1 to 3 have brought.
    fn pduids(&self, account: &Account) -> Result<Vec<Pduid>, StoreError> {
        let mut pduids = account.pduids.clone();
        if let Some(user) = &account.user
            && let Some(stored) = self.reader.user_named(&account.application, user)?
        {
            pduids.extend(stored.registration.ues.iter().map(|ue| ue.id1));
        }
        Ok(pduids)
    }
}

fn with_pduids<'q, D>(reply: Reply<'q>, pduids: &[Pduid]) -> Reply<'q>
where
    D: for<'v> Declared<Value<'v> = &'v [u8]>,
{
    pduids.iter().fold(reply, |reply, pduid| reply.with::<D>(&pduid.to_octets().as_slice()))
}

fn application_data<'a>(request: &Request<'a>) -> Result<&'a str, Refusal> {
    match request.application_data {
        Some(data) => Ok(data),
        None => refuse(Code::DIAMETER_ERROR_MISSING_APPLICATION_DATA, "Application-Data is needed"),
    }
}

/// How many suffixes are given: as many as wanted, within Allowed-Suffixes-Number.
fn suffixes(request: &Request<'_>) -> Result<u32, Refusal> {
    let allowed = request.allowed_suffixes_number.ok_or_else(missing::<AllowedSuffixesNumber>)?;
    let wanted: u32 = match application_data(request)?.trim().parse() {
        Ok(wanted) if wanted > 0 => wanted,
        _ => {
            let why = "Application-Data is no number of suffixes";
            return refuse(Code::DIAMETER_ERROR_INVALID_APPLICATION_DATA, why);
        }
    };
    match wanted.min(allowed) {
        0 => refuse(Code::DIAMETER_ERROR_AUTHORIZATION_REJECT, "no suffix is allowed"),
        count => Ok(count.min(MOST_SUFFIXES)),
    }
}

/// Suffixes here have two octets, and a monitor hears all of them.
fn any_suffix<'a>() -> group::ProseCodeSuffixMask<'a> {
    group::ProseCodeSuffixMask { suffix_code: &[0, 0], suffix_mask: vec![&[0, 0]], extra: Vec::new() }
}
