//! The move of a UE from one function to another of the same network. Requirements F-4, F-6 and F3-1.
//!
//! ```text
//! new function                          old function                      app servers
//! message 5 with ID1, ID3
//!      ├────────────── G1 {ID1} ──────────►│ Registered
//!      │                                   │ write: Moving, new binds are refused
//!      │◄───────────── G2 {context} ───────┤
//! write: context with ID4
//! message 6 {ID4, ID5}
//!      ├────────────── U1 {ID2, ID4, ID5} ─────────────────────────────────►│   each until it answers
//!      ├────────────── CRR {ID1} ─────────►│
//!      │                                   │ write: Moved, kept a while to name the new function
//!      │◄───────────── CRA ────────────────┤ PNR to the HSS
//! ```

use std::collections::BTreeMap;

use super::deliveries::Parcel;
use super::tell::Leaving;
use super::{After, Allocation, Function, Job, Step, Stop, Waiting, seconds};
use crate::avp::Avps;
use crate::avp::dictionary::{
    ContextMove, ExperimentalResultCode, OldPduid, OldProseFunctionAddress, OldProseFunctionId, Pduid as PduidAvp,
    ProseFunctionAddress, ProseFunctionId, ProseRequestType, write_avp,
};
use crate::interfaces::pc2;
use crate::interfaces::pc4::function as pc4;
use crate::message::{Command, find};
use crate::registration::config::same_host;
use crate::registration::element::{Action, Destination, NoAnswer, Now, Token};
use crate::registration::exchange::{NO_STATE, address_avps, failure, report, send, vendor_specific};
use crate::registration::identifiers::{FunctionAddress, Id2, Imsi, Pduid, UnixSeconds};
use crate::registration::reply::{Asked, Outcome, address_of, body, silence};
use crate::store::{Binding, ContextReader, Cursor, Id1Grant, MovedFrom, UeContext, UeState, Write};

use super::allocate::Handed;

/// Tries of CRR that the old function answers, but not well, before it is left to that function's timer.
const MOST_RELEASES: u32 = 16;

/// Functions that G1 is sent on to, one after the other, while each names the next.
const MOST_HOPS: u8 = 4;

/// What app servers may know of a UE that moved on before they answered U1: by application, the ID1s and ID3s since the
/// last that is known to be theirs, oldest first. It is the value of the move's mark in the store.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(BTreeMap<String, Vec<MovedFrom>>);

/// Most of them kept an application: the oldest, which is most likely the one, and the latest.
const MOST_EARLIER: usize = 8;

impl Known {
    /// As the store keeps it: JSON, `{application: [[ID1, ID3], ...]}`.
    pub fn to_value(&self) -> Vec<u8> {
        let text = |known: &MovedFrom| [known.id1.to_string(), known.function.to_string()];
        let texts: BTreeMap<_, Vec<_>> =
            self.0.iter().map(|(application, all)| (application, all.iter().map(text).collect())).collect();
        serde_json::to_vec(&texts).unwrap_or_default()
    }

    /// Back from the store. What cannot be read is as good as absent: U1 then quotes the last move alone.
    fn from_value(value: &[u8]) -> Self {
        let texts: BTreeMap<String, Vec<[String; 2]>> = serde_json::from_slice(value).unwrap_or_default();
        let read =
            |[id1, function]: [String; 2]| Some(MovedFrom { id1: id1.parse().ok()?, function: function.parse().ok()? });
        let all = texts.into_iter().map(|(application, all)| (application, all.into_iter().filter_map(read).collect()));
        Self(all.collect())
    }

    /// All that the app server of `application` may know, the last move included.
    pub fn candidates(&self, application: &str, last: Option<&MovedFrom>) -> Vec<MovedFrom> {
        let mut all = self.0.get(application).cloned().unwrap_or_default();
        all.extend(last.filter(|last| !all.contains(last)).cloned());
        if all.len() > MOST_EARLIER {
            all.drain(1..all.len() - (MOST_EARLIER - 1));
        }
        all
    }
}

/// Key prefix of the marks of moves that are not finished.
pub(super) const MOVES: &str = "move/";
/// Key prefix of what the old functions of UEs that came here have yet to hear.
pub(super) const RELEASES: &str = "release/";

/// Most bindings taken over from another function.
const MOST_HANDED: usize = 1024;

/// Key of the mark that the move of a UE, which got ID4 by it, is not finished. Each move has a key of its own, so that the
/// end of one never takes the mark of the next.
pub(super) fn move_key(imsi: Imsi, id4: Pduid) -> String {
    format!("{MOVES}{:016x}/{id4}", imsi.packed())
}

/// Key of the old function's host, until that function has let `id1` go.
pub(super) fn release_key(imsi: Imsi, id1: Pduid) -> String {
    format!("{RELEASES}{:016x}/{id1}", imsi.packed())
}

/// The UE and the ID1 of a key under `prefix`.
pub(super) fn parse_key(prefix: &str, key: &str) -> Option<(Imsi, Pduid)> {
    let (packed, rest) = key.strip_prefix(prefix)?.split_once('/')?;
    let imsi = Imsi::from_packed(u64::from_str_radix(packed, 16).ok()?)?;
    let id1 = rest.split('/').next()?.parse().ok()?;
    Some((imsi, id1))
}

impl<R: ContextReader> Function<R> {
    // The new function -------------------------------------------------------------------------------------------------

    /// G1.
    pub(super) fn context_request(&mut self, now: Now, allocation: Box<Allocation>, actions: &mut Vec<Action>) {
        let Some(old) = &allocation.old else { return self.run(now, Job::Allocate(allocation), 0, actions) };
        let peer = self.config.functions.iter().find(|function| function.is_at(&old.function)).cloned();
        let Some(peer) = peer.filter(|peer| same_host(&peer.realm, &self.identity.realm)) else {
            let text = format!("{} is no function of this network: {} starts anew", old.function, allocation.imsi);
            failure(actions, "G1", text);
            return self.run(now, Job::Allocate(allocation), 0, actions);
        };
        let session = self.sessions.next();
        let id1 = old.id1.to_octets();
        report(actions, "G1", format!("context of ID1 {} is fetched from {}", old.id1, peer.host));
        let (ticket, brings) = (allocation.asked.ticket, old.id1);
        let user = allocation.imsi.reveal();
        let token = self.pending.insert(Waiting::Context(allocation));
        let request = pc4::ContextTransferRequest {
            session_id: &session,
            vendor_specific_application_id: vendor_specific(pc4::APPLICATION),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: Some(&peer.host),
            destination_realm: &peer.realm,
            pduid: &id1,
            user_name: Some(&user),
            ..Default::default()
        };
        send(pc4::APPLICATION, &request, token, peer.destination(), actions);
        // Two functions that ask each other for the same UE must not wait for each other.
        let is_of_function = |asked: &Asked| asked.header.application == pc4::APPLICATION;
        for asked in self.turns.abroad(ticket, brings, is_of_function) {
            self.dispatch(now, asked, None, actions);
        }
    }

    /// G2. A UE that the old function does not know starts anew; an old function that cannot be reached may still know
    /// it, so the UE is told to try again rather than lose its registrations.
    pub(super) fn context(
        &mut self,
        now: Now,
        mut allocation: Box<Allocation>,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        self.turns.back(allocation.asked.ticket);
        let outcome = Outcome::of_result(result);
        let unknown = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN);
        if outcome == Outcome::MOVING
            && let Some(next) = result.ok().and_then(function_named)
            && let Some(old) = &mut allocation.old
            && old.function != next
            && allocation.hops < MOST_HOPS
        {
            allocation.hops += 1;
            report(actions, "G2", format!("{} has moved on to {next}", allocation.imsi));
            if self.is_own(&next) {
                // What the old function let go came here, and stayed or went on from here.
                let imsi = allocation.imsi;
                allocation.old = self.left_for(now, imsi);
                return self.context_request(now, allocation, actions);
            }
            old.function = next;
            return self.context_request(now, allocation, actions);
        }
        let why = match result {
            Err(why) => format!("old function: {}", silence(why)),
            Ok(_) if outcome == unknown => {
                let asked = allocation.old.as_ref().map(|old| old.function.clone());
                let next = self.left_for(now, allocation.imsi).filter(|next| Some(&next.function) != asked.as_ref());
                if next.is_some() && allocation.hops < MOST_HOPS {
                    allocation.hops += 1;
                    allocation.old = next;
                    return self.context_request(now, allocation, actions);
                }
                let text = format!("the old function does not know ID1 of {}, which starts anew", allocation.imsi);
                failure(actions, "G2", text);
                return self.run(now, Job::Allocate(allocation), 0, actions);
            }
            Ok(_) if !outcome.is_success() => format!("old function: {outcome}"),
            Ok(answer) => match handed(now, answer, &allocation) {
                Ok(handed) => {
                    report(actions, "G2", format!("context with {} bindings has come", handed.bindings.len()));
                    if let Some(old) = &mut allocation.old {
                        old.id1 = handed.grant.id1;
                    }
                    allocation.handed = Some(handed);
                    return self.run(now, Job::Allocate(allocation), 0, actions);
                }
                Err(why) => why,
            },
        };
        failure(actions, "G2", &why);
        let outcome = match result {
            Err(_) => outcome,
            Ok(_) if outcome.is_transient() => outcome,
            Ok(_) => Outcome::UNABLE_TO_COMPLY,
        };
        allocation.asked.reply(&self.identity, outcome).because(&why).send(actions);
    }

    /// The context is ours and durable: every app server in it is told, and the old function.
    pub(super) fn tell_of_move(&mut self, now: Now, imsi: Imsi, id1: Pduid, host: &str, actions: &mut Vec<Action>) {
        self.tell_app_servers(now, imsi, actions);
        self.deliver(now, Parcel::Release { imsi, id1 }, host, actions);
    }

    pub(super) fn tell_app_servers(&mut self, now: Now, imsi: Imsi, actions: &mut Vec<Action>) {
        let stored = match self.reader.get(imsi) {
            Ok(stored) => stored,
            Err(why) => return failure(actions, "F3-1", why.to_string()),
        };
        let Some(stored) = stored else { return };
        for binding in stored.context.bindings.iter().filter(|binding| binding.update_pending) {
            let parcel = Parcel::Update { imsi, application: binding.application.clone() };
            self.deliver(now, parcel, &binding.app_server_host, actions);
        }
    }

    /// U1, unless the UE or the binding has gone meanwhile.
    pub(super) fn send_update(&mut self, parcel: &Parcel, actions: &mut Vec<Action>) -> Leaving {
        let Parcel::Update { imsi, application } = parcel else { return Leaving::Over };
        let stored = match self.reader.get(*imsi) {
            Ok(Some(stored)) => stored,
            Ok(None) => return Leaving::Over,
            Err(why) => return Leaving::Later(why.to_string()),
        };
        let context = &stored.context;
        let Some(binding) = context.binding(application).filter(|binding| binding.update_pending) else {
            return Leaving::Over;
        };
        match context.state {
            UeState::Registered => {}
            // The next function tells the app servers, unless the UE comes back.
            UeState::Moving { .. } => return Leaving::Later("the UE is about to move on".to_owned()),
            UeState::Moved { .. } => return Leaving::Over,
        }
        // Which of them an app server knows that has missed a move cannot be told: its answer may have been lost, or
        // have crossed with the context. One after the other is quoted.
        let candidates = self.known(context).candidates(application, context.moved_from.as_ref());
        self.deliveries.set_candidates(parcel, candidates.len());
        let attempt = self.deliveries.attempts(parcel) as usize;
        let Some(old) = candidates.get(attempt % candidates.len().max(1)) else { return Leaving::Over };
        let (name, address) = address_avps(&self.address);
        let (old_name, old_address) = address_avps(&old.function);
        let mut own = Vec::with_capacity(160);
        write_avp::<ContextMove>(&ContextMove::MOVED_TO_FUNCTION, &mut own);
        write_avp::<PduidAvp>(&context.id1.id1.to_octets().as_slice(), &mut own);
        if let Some(address) = address {
            write_avp::<ProseFunctionAddress>(&address, &mut own);
        }
        write_avp::<OldPduid>(&old.id1.to_octets().as_slice(), &mut own);
        if let Some(name) = old_name {
            write_avp::<OldProseFunctionId>(&name, &mut own);
        }
        if let Some(address) = old_address {
            write_avp::<OldProseFunctionAddress>(&address, &mut own);
        }
        report(
            actions,
            "U1",
            format!("{} is told: ID2 {} has ID4 {}", binding.app_server_host, binding.id2, context.id1.id1),
        );
        let user = PxrUser {
            host: &binding.app_server_host,
            realm: &binding.app_server_realm,
            application,
            id2: binding.id2.as_str(),
        };
        let token = self.pending.insert_patient(Waiting::Parcel(parcel.clone(), stored.version));
        let session = self.sessions.next();
        self.send_pxr(token, &session, &user, name, &own, actions);
        Leaving::Sent
    }

    /// PXR type 0 with AVPs of our own.
    pub(super) fn send_pxr(
        &self,
        token: Token,
        session: &str,
        user: &PxrUser<'_>,
        name: Option<&[u8]>,
        own: &[u8],
        actions: &mut Vec<Action>,
    ) {
        let destination = Destination { host: Some(user.host.to_owned()), realm: user.realm.to_owned() };
        let request = pc2::ProXimityActionRequest {
            session_id: session,
            auth_application_id: self.config.pc2_application,
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_realm: user.realm,
            destination_host: Some(user.host),
            prose_request_type: ProseRequestType::APPLICATION_REGISTRATION_FOR_PROSE,
            origin_app_layer_user_id: Some(user.id2),
            prose_function_id: name,
            prose_app_id: Some(user.application),
            extra: Avps::new(own).map_while(Result::ok).collect(),
            ..Default::default()
        };
        send(self.config.pc2_application, &request, token, destination, actions);
    }

    pub(super) fn known(&self, context: &UeContext) -> Known {
        match self.reader.value(&move_key(context.imsi, context.id1.id1)) {
            Ok(Some(value)) => Known::from_value(&value),
            Ok(None) | Err(_) => Known::default(),
        }
    }

    /// U2. The app server has answered; what it said decides.
    pub(super) fn updated(&mut self, now: Now, parcel: &Parcel, outcome: Outcome, actions: &mut Vec<Action>) {
        let Parcel::Update { imsi, application } = parcel else { return };
        let (imsi, application) = (*imsi, application.clone());
        if outcome.is_success() {
            report(actions, "U2", format!("app server of {application} knows of the move of {imsi}"));
            self.deliveries.done(parcel);
            return self.run(now, Job::Confirm { imsi, application, gone: false }, 0, actions);
        }
        if outcome == Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN) {
            let text = format!("app server of {application} does not know the user: the binding is dropped");
            failure(actions, "U2", text);
            self.deliveries.done(parcel);
            return self.run(now, Job::Confirm { imsi, application, gone: true }, 0, actions);
        }
        let attempt = self.deliveries.in_vain(parcel);
        let mismatch = outcome == Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_APP_REGISTER_REJECT);
        if mismatch && (attempt as usize) < self.deliveries.candidates(parcel) {
            self.deliveries.again(parcel);
            return;
        }
        self.later(now, parcel, &outcome.to_string(), attempt, actions);
    }

    /// An app server has answered: its part of the move is over, and with the last the whole move.
    pub(super) fn confirm(
        &self,
        imsi: Imsi,
        application: &str,
        gone: bool,
        actions: &mut Vec<Action>,
    ) -> Result<Step, Stop> {
        let Some(stored) = self.reader.get(imsi)? else { return Ok(Step::Over) };
        let mut context = stored.context.clone();
        if gone {
            context.bindings.retain(|binding| !(binding.update_pending && *binding.application == *application));
        }
        for binding in context.bindings.iter_mut().filter(|binding| *binding.application == *application) {
            binding.update_pending = false;
        }
        let mut held = Vec::new();
        let mut end = None;
        if context.moved_from.is_some() && !context.bindings.iter().any(|binding| binding.update_pending) {
            context.moved_from = None;
            end = Some(Write::DeleteValue { key: move_key(imsi, context.id1.id1) });
            report(&mut held, "F3-1", format!("all app servers of {imsi} know of the move"));
        }
        if context == stored.context {
            actions.extend(held);
            return Ok(Step::Over);
        }
        let mut writes = vec![self.put(context, Some(&stored), stored.expires_at)];
        writes.extend(end);
        Ok(Step::Write { writes, held, after: After::Nothing })
    }

    /// CRR, as long as we hold what the old function handed over.
    pub(super) fn send_release(&mut self, parcel: &Parcel, actions: &mut Vec<Action>) -> Leaving {
        let Parcel::Release { imsi, id1 } = parcel else { return Leaving::Over };
        let stored = match self.reader.get(*imsi) {
            Ok(stored) => stored,
            Err(why) => return Leaving::Later(why.to_string()),
        };
        // A write that was refused may have left its mark behind: whoever does not hold the UE releases nobody.
        let Some(stored) = stored.filter(|stored| stored.context.grant(*id1).is_some()) else { return Leaving::Over };
        let host = self.deliveries.host(parcel).unwrap_or_default();
        let Some(peer) = self.function_peer(&host).cloned() else { return Leaving::Over };
        let session = self.sessions.next();
        let octets = id1.to_octets();
        report(actions, "F-6", format!("{} may forget ID1 {id1}", peer.host));
        let token = self.pending.insert_patient(Waiting::Parcel(parcel.clone(), stored.version));
        let request = pc4::ContextReleaseRequest {
            session_id: &session,
            vendor_specific_application_id: vendor_specific(pc4::APPLICATION),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: Some(&peer.host),
            destination_realm: &peer.realm,
            pduid: &octets,
            ..Default::default()
        };
        send(pc4::APPLICATION, &request, token, peer.destination(), actions);
        Leaving::Sent
    }

    /// CRA. The old function has answered.
    pub(super) fn released(
        &mut self,
        now: Now,
        parcel: &Parcel,
        version: Cursor,
        answer: &[u8],
        actions: &mut Vec<Action>,
    ) {
        let Parcel::Release { imsi, id1 } = *parcel else { return };
        let outcome = Outcome::of_result(Ok(answer));
        let host = self.deliveries.host(parcel).unwrap_or_default();
        if outcome.is_success() {
            report(actions, "F-6", format!("{host} has let ID1 {id1} go"));
            return self.over(parcel, actions);
        }
        // The UE went back before it knew of its ID4, or on to somebody else: only one may keep it.
        if let (Outcome::MOVING, Some(to)) = (outcome, function_named(answer)) {
            let unchanged = self.reader.get(imsi).is_ok_and(|it| it.is_none_or(|stored| stored.version == version));
            if !unchanged {
                self.deliveries.again(parcel);
                return;
            }
            self.deliveries.done(parcel);
            return self.run(now, Job::Yield { imsi, id1, version, to }, 0, actions);
        }
        let attempt = self.deliveries.in_vain(parcel);
        if (outcome.is_transient() || outcome == Outcome::UNABLE_TO_COMPLY) && attempt < MOST_RELEASES {
            return self.later(now, parcel, &outcome.to_string(), attempt, actions);
        }
        failure(actions, "F-6", format!("{host} does not let ID1 {id1} go: {outcome}"));
        self.over(parcel, actions);
    }

    /// Another function serves a UE that we took over: our copy only names it from now on.
    pub(super) fn give_way(
        &mut self,
        now: Now,
        (imsi, id1): (Imsi, Pduid),
        version: Cursor,
        to: &FunctionAddress,
        actions: &mut Vec<Action>,
    ) -> Result<Step, Stop> {
        let stored = self.reader.get(imsi)?;
        let Some(stored) = stored.filter(|it| it.context.state == UeState::Registered && !self.is_own(to)) else {
            self.tidy(release_key(imsi, id1), actions);
            return Ok(Step::Over);
        };
        if stored.version != version {
            self.sweep_later(actions);
            return Ok(Step::Over);
        }
        let mark = move_key(imsi, stored.context.id1.id1);
        let (context, forget_after) = self.remembrance(now, &stored.context, to.clone());
        failure(actions, "F-6", format!("{imsi} is served by {to}: our copy of its context is given up"));
        let writes = vec![
            self.put(context, Some(&stored), Some(forget_after)),
            Write::DeleteValue { key: mark },
            Write::DeleteValue { key: release_key(imsi, id1) },
        ];
        Ok(Step::Write { writes, held: Vec::new(), after: After::Nothing })
    }

    /// The function that a UE of ours has left for, when it comes back without saying so: message 6 of that one may never
    /// have reached it. Whoever fetched the context and was not heard of for `move_hold` seconds is not asked.
    pub(super) fn left_for(&self, now: Now, imsi: Imsi) -> Option<MovedFrom> {
        let context = self.reader.get(imsi).ok()??.context;
        let id1 = context.id1.id1;
        match context.state {
            UeState::Registered => None,
            UeState::Moved { to: function, .. } => Some(MovedFrom { id1, function }),
            UeState::Moving { to: function, since } => {
                (seconds(now) < since.plus(self.config.move_hold)).then_some(MovedFrom { id1, function })
            }
        }
    }
}

/// The function that an answer names.
fn function_named(answer: &[u8]) -> Option<FunctionAddress> {
    let name = find::<ProseFunctionId>(body(answer));
    let address = find::<ProseFunctionAddress>(body(answer));
    address_of::<ProseFunctionId, ProseFunctionAddress>(answer, name, address).ok().flatten()
}

/// Whom a PXR is about, and where it goes.
pub(super) struct PxrUser<'a> {
    pub host: &'a str,
    pub realm: &'a str,
    pub application: &'a str,
    pub id2: &'a str,
}

/// The context out of G2, when it is that of the UE that message 5 is about.
fn handed(now: Now, answer: &[u8], allocation: &Allocation) -> Result<Handed, String> {
    let message = answer;
    let answer = pc4::ContextTransferAnswer::decode(message)
        .map_err(|faults| faults.first().map_or_else(|| "G2 cannot be read".to_owned(), |it| format!("G2: {it}")))?;
    let context = answer.ue_context.ok_or("G2 carries no context")?;
    let id1 = Pduid::from_octets(context.pduid).map_err(|why| format!("G2: {why}"))?;
    if context.user_name.parse() != Ok(allocation.imsi) {
        return Err("G2 carries the context of another UE".to_owned());
    }
    if context.application_binding.len() > MOST_HANDED {
        return Err(format!("G2 carries {} bindings", context.application_binding.len()));
    }
    let now = seconds(now);
    let mut bindings: Vec<Binding> = Vec::with_capacity(context.application_binding.len());
    let mut known = Known::default();
    for binding in &context.application_binding {
        let mut earlier = Vec::new();
        for old in binding.earlier_binding.iter().take(MOST_EARLIER) {
            let (name, address) = (old.old_prose_function_id, old.old_prose_function_address);
            let function = address_of::<OldProseFunctionId, OldProseFunctionAddress>(message, name, address)
                .map_err(|fault| format!("G2: {fault}"))?;
            let id1 = Pduid::from_octets(old.old_pduid).map_err(|why| format!("G2: {why}"))?;
            earlier.extend(function.map(|function| MovedFrom { id1, function }));
        }
        if !earlier.is_empty() {
            known.0.insert(binding.prose_app_id.to_owned(), earlier);
        }
        let id2 = Id2::new(binding.origin_app_layer_user_id).map_err(|why| format!("G2: {why}"))?;
        if bindings.iter().any(|other| *other.application == *binding.prose_app_id) {
            return Err("G2 carries two bindings of one application".to_owned());
        }
        bindings.push(Binding {
            application: binding.prose_app_id.into(),
            app_server_host: binding.app_server_host.into(),
            app_server_realm: binding.app_server_realm.into(),
            id2,
            bound_at: now,
            update_pending: true,
        });
    }
    let valid_until: UnixSeconds = now.plus(u64::from(context.pduid_validity_time));
    Ok(Handed { grant: Id1Grant { id1, valid_until }, bindings, known, host: answer.origin_host.to_owned() })
}
