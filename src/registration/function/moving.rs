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

use super::{After, Allocation, Function, Job, Step, Stop, Waiting, seconds};
use crate::avp::dictionary::{
    ContextMove, ExperimentalResultCode, OldPduid, OldProseFunctionAddress, OldProseFunctionId, Pduid as PduidAvp,
    ProseFunctionAddress, ProseRequestType, UeContext as UeContextAvp, UserName, group, write_avp,
};
use crate::avp::{Avps, Fault};
use crate::interfaces::pc2;
use crate::interfaces::pc4::function as pc4;
use crate::message::Command;
use crate::registration::config::{FunctionPeer, same_host};
use crate::registration::element::{Action, Destination, NoAnswer, Now, Report};
use crate::registration::exchange::{NO_STATE, address_avps, failure, report, send, vendor_specific};
use crate::registration::identifiers::{Fqdn, FunctionAddress, Id2, Imsi, Pduid, UnixSeconds};
use crate::registration::reply::{Asked, Outcome, address_of, bad_value, silence};
use crate::store::{Binding, ContextReader, Id1Grant, MovedFrom, Stored, UeContext, UeState, Write};

use super::allocate::Handed;
use super::subscription;

/// U1 to one app server.
#[derive(Clone, Debug)]
pub(super) struct Update {
    pub imsi: Imsi,
    pub application: Box<str>,
    pub attempt: u32,
    /// How many old ID1s the app server may know.
    pub candidates: usize,
}

/// CRR to the old function.
#[derive(Clone, Debug)]
pub(super) struct Release {
    pub imsi: Imsi,
    pub id1: Pduid,
    pub host: String,
    pub attempt: u32,
}

impl Release {
    /// Key of the mark that the old function is not known to have been told.
    fn key(&self) -> String {
        format!("{RELEASES}{}", self.id1)
    }

    /// The mark, found at the next start, should this run end before the old function has answered.
    pub fn mark(&self) -> Write {
        let value = [format!("{:016x}", self.imsi.packed()), self.host.clone()];
        Write::PutValue { key: self.key(), value: serde_json::to_vec(&value).unwrap_or_default(), expected: None }
    }

    /// Back from the store.
    fn from_mark(key: &str, value: &[u8]) -> Option<Self> {
        let id1 = key.strip_prefix(RELEASES)?.parse().ok()?;
        let [packed, host]: [String; 2] = serde_json::from_slice(value).ok()?;
        let imsi = Imsi::from_packed(u64::from_str_radix(&packed, 16).ok()?)?;
        Some(Self { imsi, id1, host, attempt: 0 })
    }
}

/// Tries of CRR before it is left to the old function's timer.
const MOST_RELEASES: u32 = 16;

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
    fn candidates(&self, application: &str, last: Option<&MovedFrom>) -> Vec<MovedFrom> {
        let mut all = self.0.get(application).cloned().unwrap_or_default();
        all.extend(last.filter(|last| !all.contains(last)).cloned());
        if all.len() > MOST_EARLIER {
            all.drain(1..all.len() - (MOST_EARLIER - 1));
        }
        all
    }
}

/// Key prefix of the marks of moves that are not finished.
const MOVES: &str = "move/";
/// Key prefix of the marks of old functions that have not confirmed.
const RELEASES: &str = "release/";

/// Most bindings taken over from another function.
const MOST_HANDED: usize = 1024;

/// Key of the mark that the move of a UE is not finished.
pub(super) fn move_key(imsi: Imsi) -> String {
    format!("{MOVES}{:016x}", imsi.packed())
}

impl<R: ContextReader> Function<R> {
    // The new function -------------------------------------------------------------------------------------------------

    /// G1.
    pub(super) fn context_request(&mut self, now: Now, mut allocation: Box<Allocation>, actions: &mut Vec<Action>) {
        match self.reader.get(allocation.imsi) {
            Ok(stored) => {
                if allocation.basis.replace(stored.map(|stored| stored.version)).is_none() {
                    *self.taking.entry(allocation.imsi).or_default() += 1;
                }
            }
            Err(why) => {
                let job = Job::Allocate(allocation);
                return self.give_up(&job, Outcome::UNABLE_TO_COMPLY, &why.to_string(), actions);
            }
        }
        let Some(old) = &allocation.old else { return self.run(now, Job::Allocate(allocation), 0, actions) };
        let peer = self.config.functions.iter().find(|function| function.is_at(&old.function)).cloned();
        let Some(peer) = peer.filter(|peer| same_host(&peer.realm, &self.identity.realm)) else {
            let text = format!("{} is no function of this network: {} starts anew", old.function, allocation.imsi);
            failure(actions, "G1", text);
            return self.run(now, Job::Allocate(allocation), 0, actions);
        };
        let session = self.sessions.next();
        let id1 = old.id1.to_octets();
        let user = allocation.imsi.reveal();
        report(actions, "G1", format!("context of ID1 {} is fetched from {}", old.id1, peer.host));
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
    }

    /// A message 5 that fetched a context has come to its end.
    pub(super) fn end_taking(&mut self, job: &Job) {
        let Job::Allocate(allocation) = job else { return };
        if allocation.basis.is_some()
            && let Some(count) = self.taking.get_mut(&allocation.imsi)
        {
            *count -= 1;
            if *count == 0 {
                self.taking.remove(&allocation.imsi);
            }
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
        let outcome = Outcome::of_result(result);
        let unknown = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN);
        let why = match result {
            Err(why) => format!("old function: {}", silence(why)),
            Ok(_) if outcome == unknown => {
                let text = format!("the old function does not know ID1 of {}, which starts anew", allocation.imsi);
                failure(actions, "G2", text);
                return self.run(now, Job::Allocate(allocation), 0, actions);
            }
            Ok(_) if !outcome.is_success() => format!("old function: {outcome}"),
            Ok(answer) => match handed(now, answer, &allocation) {
                Ok(handed) => {
                    report(actions, "G2", format!("context with {} bindings has come", handed.bindings.len()));
                    allocation.handed = Some(handed);
                    return self.run(now, Job::Allocate(allocation), 0, actions);
                }
                Err(why) => why,
            },
        };
        failure(actions, "G2", &why);
        let outcome = match result {
            Err(_) => outcome,
            Ok(_) if outcome.is_transient() || outcome == Outcome::TOO_BUSY => outcome,
            Ok(_) => Outcome::UNABLE_TO_COMPLY,
        };
        let job = Job::Allocate(allocation);
        self.end_taking(&job);
        let Job::Allocate(allocation) = job else { return };
        allocation.asked.reply(&self.identity, outcome).because(&why).send(actions);
    }

    /// The context is ours and durable: every app server in it is told, and the old function.
    pub(super) fn tell_of_move(&mut self, imsi: Imsi, told: bool, release: Release, actions: &mut Vec<Action>) {
        if !told {
            self.tell_app_servers(imsi, actions);
        }
        self.release(release, actions);
    }

    fn tell_app_servers(&mut self, imsi: Imsi, actions: &mut Vec<Action>) {
        let stored = match self.reader.get(imsi) {
            Ok(stored) => stored,
            Err(why) => return failure(actions, "F3-1", why.to_string()),
        };
        let Some(stored) = stored else { return };
        for binding in stored.context.bindings.iter().filter(|binding| binding.update_pending) {
            let update = Update { imsi, application: binding.application.clone(), attempt: 0, candidates: 1 };
            self.update_of(&stored.context, update, actions);
        }
    }

    /// Takes up the moves that an earlier run left unfinished.
    pub(super) fn resume_moves(&mut self, actions: &mut Vec<Action>) {
        self.resume_updates(actions);
        self.resume_releases(actions);
    }

    fn resume_releases(&mut self, actions: &mut Vec<Action>) {
        let mut after: Option<String> = None;
        loop {
            let page = match self.reader.values(RELEASES, after.as_deref(), 256) {
                Ok(page) => page,
                Err(why) => return failure(actions, "F-6", why.to_string()),
            };
            let Some((last, _)) = page.last() else { return };
            after = Some(last.clone());
            for (key, value) in page {
                // A mark may stand although the context beside it was not written: others were faster. Only whoever has
                // taken a UE over may have it released.
                let taken = |release: &Release| {
                    let stored = self.reader.get(release.imsi);
                    stored.map_or(true, |stored| stored.is_some_and(|it| it.context.grant(release.id1).is_some()))
                };
                match Release::from_mark(&key, &value).filter(taken) {
                    Some(release) => self.release(release, actions),
                    None => self.tidy(key, actions),
                }
            }
        }
    }

    /// Removes a mark on which nothing depends any more.
    fn tidy(&mut self, key: String, actions: &mut Vec<Action>) {
        let token = self.pending.insert(Waiting::Tidied);
        actions.push(Action::Store { token, writes: vec![Write::DeleteValue { key }] });
    }

    fn resume_updates(&mut self, actions: &mut Vec<Action>) {
        let mut after: Option<String> = None;
        loop {
            let page = match self.reader.values(MOVES, after.as_deref(), 256) {
                Ok(page) => page,
                Err(why) => return failure(actions, "F3-1", why.to_string()),
            };
            let Some((last, _)) = page.last() else { return };
            after = Some(last.clone());
            for (key, _) in page {
                let packed = key.strip_prefix(MOVES).and_then(|digits| u64::from_str_radix(digits, 16).ok());
                let unfinished = packed.and_then(Imsi::from_packed).filter(|imsi| {
                    let stored = self.reader.get(*imsi);
                    // Where the store does not answer the mark stays.
                    stored.map_or(true, |stored| stored.is_some_and(|stored| stored.context.moved_from.is_some()))
                });
                match unfinished {
                    Some(imsi) => {
                        report(actions, "F3-1", format!("move of {imsi} is taken up again"));
                        self.tell_app_servers(imsi, actions);
                    }
                    None => self.tidy(key, actions),
                }
            }
        }
    }

    /// U1, unless the UE or the binding has gone meanwhile.
    pub(super) fn update(&mut self, update: Update, actions: &mut Vec<Action>) {
        match self.reader.get(update.imsi) {
            Ok(Some(stored)) => self.update_of(&stored.context, update, actions),
            Ok(None) => {}
            Err(why) => failure(actions, "F3-1", why.to_string()),
        }
    }

    fn update_of(&mut self, context: &UeContext, update: Update, actions: &mut Vec<Action>) {
        let Some(binding) = context.binding(&update.application).filter(|binding| binding.update_pending) else {
            return;
        };
        match context.state {
            UeState::Registered => {}
            // The next function tells the app servers, unless the UE comes back.
            UeState::Moving { .. } => {
                let after = self.back_off(update.attempt.max(1));
                return self.timer(Waiting::UpdateAgain(update), after, actions);
            }
            UeState::Moved { .. } => return,
        }
        // Which of them an app server knows that has missed a move cannot be told: its answer may have been lost, or
        // have crossed with the context. One after the other is quoted.
        let candidates = self.known(context.imsi).candidates(&update.application, context.moved_from.as_ref());
        let Some(old) = candidates.get(update.attempt as usize % candidates.len().max(1)) else { return };
        let update = Update { candidates: candidates.len(), ..update };
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
        let session = self.sessions.next();
        let destination = Destination {
            host: Some(binding.app_server_host.to_string()),
            realm: binding.app_server_realm.to_string(),
        };
        report(
            actions,
            "U1",
            format!("{} is told: ID2 {} has ID4 {}", binding.app_server_host, binding.id2, context.id1.id1),
        );
        let token = self.pending.insert(Waiting::Update(update));
        let request = pc2::ProXimityActionRequest {
            session_id: &session,
            auth_application_id: self.config.pc2_application,
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_realm: &binding.app_server_realm,
            destination_host: Some(&binding.app_server_host),
            prose_request_type: ProseRequestType::APPLICATION_REGISTRATION_FOR_PROSE,
            origin_app_layer_user_id: Some(binding.id2.as_str()),
            prose_function_id: name,
            prose_app_id: Some(&binding.application),
            extra: Avps::new(&own).map_while(Result::ok).collect(),
            ..Default::default()
        };
        send(self.config.pc2_application, &request, token, destination, actions);
    }

    fn known(&self, imsi: Imsi) -> Known {
        match self.reader.value(&move_key(imsi)) {
            Ok(Some(value)) => Known::from_value(&value),
            Ok(None) | Err(_) => Known::default(),
        }
    }

    /// U2, or the lack of it. One app server that is down does not hold up the others: each has its own tries.
    pub(super) fn updated(
        &mut self,
        now: Now,
        update: Update,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let outcome = Outcome::of_result(result);
        let Update { imsi, application, attempt, candidates } = update;
        if outcome.is_success() {
            report(actions, "U2", format!("app server of {application} knows of the move of {imsi}"));
            return self.run(now, Job::Confirm { imsi, application, gone: false }, 0, actions);
        }
        let gone = outcome == Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN);
        if gone {
            let text = format!("app server of {application} does not know the user: the binding is dropped");
            failure(actions, "U2", text);
            return self.run(now, Job::Confirm { imsi, application, gone: true }, 0, actions);
        }
        let attempt = attempt.saturating_add(1);
        let mismatch = outcome == Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_APP_REGISTER_REJECT);
        if mismatch && (attempt as usize) < candidates {
            return self.update(Update { imsi, application, attempt, candidates }, actions);
        }
        let after = self.back_off(attempt);
        let what = result.err().map_or_else(|| outcome.to_string(), |why| silence(why).to_owned());
        let text = format!("app server of {application}: {what}; try {} in {} s", attempt + 1, after.as_secs());
        failure(actions, "F3-1", text);
        self.timer(Waiting::UpdateAgain(Update { imsi, application, attempt, candidates }), after, actions);
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
            end = Some(Write::DeleteValue { key: move_key(imsi) });
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

    /// CRR.
    pub(super) fn release(&mut self, release: Release, actions: &mut Vec<Action>) {
        let Some(peer) = self.function_peer(&release.host).cloned() else { return };
        let session = self.sessions.next();
        let id1 = release.id1.to_octets();
        report(actions, "F-6", format!("{} may forget ID1 {}", peer.host, release.id1));
        let token = self.pending.insert(Waiting::Release(release));
        let request = pc4::ContextReleaseRequest {
            session_id: &session,
            vendor_specific_application_id: vendor_specific(pc4::APPLICATION),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: Some(&peer.host),
            destination_realm: &peer.realm,
            pduid: &id1,
            ..Default::default()
        };
        send(pc4::APPLICATION, &request, token, peer.destination(), actions);
    }

    /// CRA, or the lack of it.
    pub(super) fn released(
        &mut self,
        mut release: Release,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let outcome = Outcome::of_result(result);
        if outcome.is_success() {
            self.tidy(release.key(), actions);
            return report(actions, "F-6", format!("{} has let ID1 {} go", release.host, release.id1));
        }
        let silent = result.is_err();
        release.attempt += 1;
        if (silent || outcome.is_transient() || outcome == Outcome::UNABLE_TO_COMPLY) && release.attempt < MOST_RELEASES
        {
            let after = self.back_off(release.attempt);
            let text = format!(
                "{} does not confirm the move of {}; again in {} s",
                release.host,
                release.imsi,
                after.as_secs()
            );
            failure(actions, "F-6", text);
            self.timer(Waiting::ReleaseAgain(release), after, actions);
        } else {
            failure(actions, "F-6", format!("{} does not let ID1 {} go: {outcome}", release.host, release.id1));
            // Whoever answers has its reason; whoever is silent is asked once more at the next start.
            if !silent {
                self.tidy(release.key(), actions);
            }
        }
    }

    // The old function -------------------------------------------------------------------------------------------------

    /// The function of the same network that sent G1 or CRR, or the answer that it is none. Requirement F-4.
    fn proven_function(
        &self,
        asked: &Asked,
        origin_host: &str,
        step: &'static str,
        actions: &mut Vec<Action>,
    ) -> Option<FunctionPeer> {
        let sender = &asked.sender;
        let peer = self.function_peer(&sender.peer).filter(|peer| {
            same_host(origin_host, &sender.peer)
                && same_host(&sender.realm, &self.identity.realm)
                && same_host(&peer.realm, &self.identity.realm)
        });
        if peer.is_none() {
            let why = format!("{} of {} is no function of this network", sender.peer, sender.realm);
            failure(actions, step, format!("refused: {why}"));
            asked.reply(&self.identity, Outcome::REJECTED).because(&why).send(actions);
        }
        peer.cloned()
    }

    /// The context that G1 or CRR is about, or the answer that there is none.
    fn context_of(
        &self,
        asked: &Asked,
        pduid: &[u8],
        step: &'static str,
        actions: &mut Vec<Action>,
    ) -> Result<Option<Stored>, Stop> {
        let Ok(id1) = Pduid::from_octets(pduid) else {
            let fault: Fault = bad_value::<PduidAvp>(&asked.message, "PDUID of 8 octets");
            asked.refuse(&self.identity, &[fault], actions);
            return Ok(None);
        };
        let stored = self.reader.get_by_id1(id1)?;
        if stored.is_none() {
            let outcome = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN);
            failure(actions, step, format!("ID1 {id1} is unknown"));
            asked.reply(&self.identity, outcome).send(actions);
        }
        Ok(stored)
    }

    /// G1: the context is handed out; from the write on new binds are refused.
    pub(super) fn hand_out(&mut self, now: Now, asked: &Asked, actions: &mut Vec<Action>) -> Result<Step, Stop> {
        let request = match pc4::ContextTransferRequest::decode(&asked.message) {
            Ok(request) => request,
            Err(faults) => {
                asked.refuse(&self.identity, &faults, actions);
                return Ok(Step::Over);
            }
        };
        let Some(peer) = self.proven_function(asked, request.origin_host, "F-4", actions) else {
            return Ok(Step::Over);
        };
        let Ok(imsi) = request.user_name.map(str::parse::<Imsi>).transpose() else {
            let fault = bad_value::<UserName>(&asked.message, "IMSI of 6 to 15 digits");
            asked.refuse(&self.identity, &[fault], actions);
            return Ok(Step::Over);
        };
        // Two functions that fetch the same UE from one another must not both end up with it, or none.
        if imsi.is_some_and(|imsi| self.taking.contains_key(&imsi)) {
            let why = "this function is fetching the same UE: try again";
            failure(actions, "G1", why);
            asked.reply(&self.identity, Outcome::TOO_BUSY).because(why).send(actions);
            return Ok(Step::Over);
        }
        let Some(stored) = self.context_of(asked, request.pduid, "G1", actions)? else { return Ok(Step::Over) };
        if matches!(stored.context.state, UeState::Moved { .. }) {
            let outcome = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN);
            failure(actions, "G1", format!("{} has moved on already", stored.context.imsi));
            asked.reply(&self.identity, outcome).send(actions);
            return Ok(Step::Over);
        }
        let Ok(to) = Fqdn::new(&peer.host).map(FunctionAddress::Fqdn) else {
            asked.reply(&self.identity, Outcome::UNABLE_TO_COMPLY).because("the peer has no name").send(actions);
            return Ok(Step::Over);
        };
        let mut context = stored.context.clone();
        let text = format!("context of {} handed to {}", context.imsi, peer.host);
        let held =
            vec![Action::Report(Report { step: "G2", text, failure: false }), self.message_g2(now, asked, &context)];
        // Written also when it was handed out before: what is under way here on the old version must notice.
        context.state = UeState::Moving { to, since: seconds(now) };
        let forget_after = seconds(now).plus(self.config.move_hold);
        let writes = vec![self.put(context, Some(&stored), Some(forget_after))];
        Ok(Step::Write { writes, held, after: After::Nothing })
    }

    /// G2.
    fn message_g2(&self, now: Now, asked: &Asked, context: &UeContext) -> Action {
        let user = context.imsi.reveal();
        let msisdn = context.msisdn.map(|msisdn| msisdn.to_tbcd());
        let plmns = subscription::plmn_octets(&context.subscription);
        // The present ID1, by whichever it was asked for: it names this hand-over from now on.
        let id1 = context.id1.id1.to_octets();
        let valid = seconds(now).until(context.id1.valid_until);
        let known = self.known(context.imsi);
        // What each app server may still know, with octets to borrow from.
        let earlier: Vec<Vec<(MovedFrom, [u8; 8])>> = context
            .bindings
            .iter()
            .map(|binding| match binding.update_pending {
                true => known.candidates(&binding.application, context.moved_from.as_ref()),
                false => Vec::new(),
            })
            .map(|all| all.into_iter().map(|old| (old.clone(), old.id1.to_octets())).collect())
            .collect();
        let bindings = context.bindings.iter().zip(&earlier).map(|(binding, earlier)| group::ApplicationBinding {
            prose_app_id: &binding.application,
            origin_app_layer_user_id: binding.id2.as_str(),
            app_server_host: &binding.app_server_host,
            app_server_realm: &binding.app_server_realm,
            earlier_binding: earlier.iter().map(|(old, id1)| earlier_binding(old, id1)).collect(),
            extra: Vec::new(),
        });
        let group = group::UeContext {
            user_name: &user,
            msisdn: msisdn.as_deref(),
            prose_subscription_data: Some(subscription::write(&context.subscription, &plmns)),
            pduid: &id1,
            pduid_validity_time: u32::try_from(valid).unwrap_or(u32::MAX),
            application_binding: bindings.collect(),
            extra: Vec::new(),
        };
        asked.reply(&self.identity, Outcome::SUCCESS).with::<UeContextAvp>(&group).action()
    }

    /// CRR: the new function holds the context durably.
    pub(super) fn let_go(&mut self, now: Now, asked: &Asked, actions: &mut Vec<Action>) -> Result<Step, Stop> {
        let request = match pc4::ContextReleaseRequest::decode(&asked.message) {
            Ok(request) => request,
            Err(faults) => {
                asked.refuse(&self.identity, &faults, actions);
                return Ok(Step::Over);
            }
        };
        let Some(peer) = self.proven_function(asked, request.origin_host, "F-6", actions) else {
            return Ok(Step::Over);
        };
        let Some(stored) = self.context_of(asked, request.pduid, "F-6", actions)? else { return Ok(Step::Over) };
        let mut context = stored.context.clone();
        let imsi = context.imsi;
        if context.id1.id1.to_octets() != *request.pduid {
            // Late: the UE has come back since.
            let outcome = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN);
            failure(actions, "F-6", format!("release of {imsi} is of an earlier move"));
            asked.reply(&self.identity, outcome).send(actions);
            return Ok(Step::Over);
        }
        let success = asked.reply(&self.identity, Outcome::SUCCESS).action();
        match &context.state {
            UeState::Moving { to, .. } if peer.is_at(to) => {
                let to = to.clone();
                let forget_after = seconds(now).plus(self.config.moved_memory);
                let text = format!("{imsi} is served by {to} now");
                context.state = UeState::Moved { to, forget_after };
                let held = vec![Action::Report(Report { step: "F-6", text, failure: false }), success];
                let writes = vec![self.put(context, Some(&stored), Some(forget_after))];
                Ok(Step::Write { writes, held, after: After::Gone(imsi) })
            }
            UeState::Moved { to, .. } if peer.is_at(to) => {
                actions.push(success);
                Ok(Step::Over)
            }
            UeState::Registered | UeState::Moving { .. } | UeState::Moved { .. } => {
                let why = format!("the context was not handed to {}", peer.host);
                failure(actions, "F-6", format!("release of {imsi} refused: {why}"));
                asked.reply(&self.identity, Outcome::REJECTED).because(&why).send(actions);
                Ok(Step::Over)
            }
        }
    }
}

fn earlier_binding<'a>(old: &'a MovedFrom, id1: &'a [u8; 8]) -> group::EarlierBinding<'a> {
    let (name, address) = address_avps(&old.function);
    group::EarlierBinding {
        old_pduid: id1,
        old_prose_function_id: name,
        old_prose_function_address: address,
        extra: Vec::new(),
    }
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
