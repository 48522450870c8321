//! Message 5: the UE asks for ID1. Requirements F-1 and F3-1, first half.

use super::{After, Function, Job, Step, Stop, Waiting};
use crate::avp::dictionary::{
    ExperimentalResultCode, OldPduid, OldProseFunctionAddress, OldProseFunctionId, Pduid as PduidAvp,
    PduidValidityTime, ProseFunctionAddress, ProseFunctionId, RefusalCause, UserName,
};
use crate::interfaces::pc4::{hss as pc4a, mme as pc4};
use crate::message::Command;
use crate::registration::config::same_host;
use crate::registration::element::{Action, NoAnswer, Now, Report};
use crate::registration::exchange::{NO_STATE, address_avps, failure, report, send, vendor_specific};
use crate::registration::identifiers::{AllocateError, Imsi, Msisdn, Pduid};
use crate::registration::reply::{Asked, Outcome, address_of, bad_value, silence};
use crate::store::{Binding, ContextReader, Cursor, Id1Grant, MovedFrom, Subscription, UeContext, UeState, Write};

use super::moving::{Known, Release, move_key};

/// A message 5 under way.
#[derive(Debug)]
pub(super) struct Allocation {
    pub asked: Asked,
    pub imsi: Imsi,
    /// The old ID1 and ID3, when the UE comes from another function.
    pub old: Option<MovedFrom>,
    /// What the HSS said.
    pub subscription: Subscription,
    pub msisdn: Option<Msisdn>,
    /// What the old function handed over.
    pub handed: Option<Handed>,
    /// An ID1 already taken for this message, should the write have to be done again.
    pub id1: Option<Pduid>,
    /// Our own context when another function was asked: its version, `None` for none. It must be the same still when the
    /// answer is acted on, or we have handed it out in between.
    pub basis: Option<Option<Cursor>>,
    /// The function that we handed the context to has been asked whether it took it.
    pub asked_back: bool,
}

/// What G2 brought.
#[derive(Clone, Debug)]
pub(super) struct Handed {
    /// The old ID1 and how long it is good.
    pub grant: Id1Grant,
    pub bindings: Vec<Binding>,
    /// What app servers know that have not followed an earlier move, by application.
    pub known: Known,
    /// Origin-Host of the old function.
    pub host: String,
}

impl<R: ContextReader> Function<R> {
    pub(super) fn message_5(&mut self, asked: Asked, actions: &mut Vec<Action>) {
        let peer = &asked.sender.peer;
        if !self.config.mmes.iter().any(|mme| same_host(mme, peer)) {
            let why = format!("{peer} is no MME of this function");
            failure(actions, "message 5", &why);
            return asked.reply(&self.identity, Outcome::REJECTED).because(&why).send(actions);
        }
        let (imsi, old) = {
            let request = match pc4::IdentifierAllocationRequest::decode(&asked.message) {
                Ok(request) => request,
                Err(faults) => return asked.refuse(&self.identity, &faults, actions),
            };
            let Ok(imsi) = request.user_name.parse::<Imsi>() else {
                let fault = bad_value::<UserName>(&asked.message, "IMSI of 6 to 15 digits");
                return asked.refuse(&self.identity, &[fault], actions);
            };
            let id1 = match request.old_pduid.map(Pduid::from_octets).transpose() {
                Ok(id1) => id1,
                Err(_) => {
                    let fault = bad_value::<OldPduid>(&asked.message, "PDUID of 8 octets");
                    return asked.refuse(&self.identity, &[fault], actions);
                }
            };
            let function = match address_of::<OldProseFunctionId, OldProseFunctionAddress>(
                &asked.message,
                request.old_prose_function_id,
                request.old_prose_function_address,
            ) {
                Ok(function) => function,
                Err(fault) => return asked.refuse(&self.identity, &[fault], actions),
            };
            (imsi, id1.zip(function).map(|(id1, function)| MovedFrom { id1, function }))
        };
        let old = old.filter(|old| !self.is_own(&old.function));
        match &old {
            None => report(actions, "message 5", format!("{imsi} asks for an ID1")),
            Some(old) => {
                report(actions, "message 5", format!("{imsi} comes from {} with ID1 {}", old.function, old.id1))
            }
        }
        let allocation = Allocation {
            asked,
            imsi,
            old,
            subscription: Subscription::default(),
            msisdn: None,
            handed: None,
            id1: None,
            basis: None,
            asked_back: false,
        };
        self.profile_request(Box::new(allocation), actions);
    }

    /// PIR. The HSS is asked for every message 5, so that an ID1 never rests on a subscription of yesterday; what a
    /// reset (RSR) left in doubt is settled by the same question.
    fn profile_request(&mut self, allocation: Box<Allocation>, actions: &mut Vec<Action>) {
        let session = self.sessions.next();
        let user = allocation.imsi.reveal();
        let token = self.pending.insert(Waiting::Profile(allocation));
        let request = pc4a::ProseSubscriberInformationRequest {
            session_id: &session,
            vendor_specific_application_id: Some(vendor_specific(pc4a::APPLICATION)),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: self.config.hss.host.as_deref(),
            destination_realm: &self.config.hss.realm,
            user_name: &user,
            ..Default::default()
        };
        send(pc4a::APPLICATION, &request, token, self.config.hss.clone(), actions);
    }

    /// PIA: the subscription, or the refusal that message 6 passes on.
    pub(super) fn profile(
        &mut self,
        now: Now,
        mut allocation: Box<Allocation>,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let outcome = Outcome::of_result(result);
        let imsi = allocation.imsi;
        let refusal = |outcome: Outcome, cause: Option<i32>, why: &str, actions: &mut Vec<Action>| {
            failure(actions, "message 6", format!("{imsi} gets no ID1: {why}"));
            allocation
                .asked
                .reply(&self.identity, outcome)
                .with_option::<RefusalCause>(cause.as_ref())
                .because(why)
                .send(actions);
        };
        let answer = match result {
            Ok(answer) => answer,
            Err(why) => return refusal(outcome, None, &format!("HSS: {}", silence(why)), actions),
        };
        if !outcome.is_success() {
            let cause = match outcome {
                Outcome::Experimental { code, .. } => match code {
                    ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN
                    | ExperimentalResultCode::DIAMETER_ERROR_UNKNOWN_PROSE_SUBSCRIPTION => {
                        Some(RefusalCause::UNKNOWN_SUBSCRIPTION)
                    }
                    ExperimentalResultCode::DIAMETER_ERROR_PROSE_NOT_ALLOWED => Some(RefusalCause::PROSE_NOT_ALLOWED),
                    _ => None,
                },
                Outcome::Result(_) => None,
            };
            // A refusal is passed on; trouble of the HSS is not the UE's.
            let passed_on = if cause.is_some() { outcome } else { Outcome::UNABLE_TO_COMPLY };
            refusal(passed_on, cause, &format!("the HSS says {outcome}"), actions);
            if cause.is_some() {
                self.run(now, Job::Withdraw(imsi), 0, actions);
            }
            return;
        }
        let (subscription, msisdn) = match pc4a::ProseSubscriberInformationAnswer::decode(answer) {
            Ok(answer) => (super::subscription::read(&answer), answer.msisdn.and_then(|it| Msisdn::from_tbcd(it).ok())),
            Err(faults) => {
                let why = faults.first().map_or_else(|| "PIA cannot be read".to_owned(), |it| format!("PIA: {it}"));
                return refusal(Outcome::UNABLE_TO_COMPLY, None, &why, actions);
            }
        };
        if subscription.permission & self.config.services == 0 {
            let outcome = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_PROSE_NOT_ALLOWED);
            return refusal(outcome, Some(RefusalCause::PROSE_NOT_ALLOWED), "no ProSe service is allowed", actions);
        }
        report(actions, "PIA", format!("{imsi} may use ProSe, permission {:#x}", subscription.permission));
        allocation.subscription = subscription;
        allocation.msisdn = msisdn;
        if allocation.old.is_some() {
            self.context_request(now, allocation, actions);
        } else {
            self.run(now, Job::Allocate(allocation), 0, actions);
        }
    }

    /// The ID1 and the context, written before message 6 leaves.
    pub(super) fn allocate(
        &mut self,
        now: Now,
        allocation: &mut Allocation,
        actions: &mut Vec<Action>,
    ) -> Result<Step, Stop> {
        let stored = self.reader.get(allocation.imsi)?;
        if allocation.basis.is_some_and(|basis| basis != stored.as_ref().map(|stored| stored.version)) {
            return Err(Stop::Overtaken);
        }
        // Whether the function that we handed it to has taken it, only that function can say.
        if let (None, false, Some(stored)) = (&allocation.handed, allocation.asked_back, &stored)
            && let UeState::Moving { to, .. } | UeState::Moved { to, .. } = &stored.context.state
            && self.config.functions.iter().any(|function| function.is_at(to))
        {
            allocation.asked_back = true;
            allocation.old = Some(MovedFrom { id1: stored.context.id1.id1, function: to.clone() });
            return Err(Stop::AskBack);
        }
        let valid_until = self.until(now);
        let held = stored.as_ref().map(|stored| &stored.context).filter(|context| {
            let served_here = !matches!(context.state, UeState::Moved { .. });
            // What is handed over replaces what we had, unless ours is what became of it.
            let newer = allocation
                .handed
                .as_ref()
                .is_none_or(|handed| context.previous_id1.iter().any(|previous| previous.id1 == handed.grant.id1));
            served_here && newer
        });
        let renewed = held.is_some();
        let context = match held {
            Some(held) => UeContext {
                id1: Id1Grant { id1: held.id1.id1, valid_until },
                msisdn: allocation.msisdn.or(held.msisdn),
                subscription: allocation.subscription.clone(),
                state: UeState::Registered,
                ..held.clone()
            },
            None => {
                let id1 = self.new_id1(allocation, actions)?;
                let from = allocation.handed.as_ref().zip(allocation.old.as_ref());
                let (previous_id1, bindings) = match &allocation.handed {
                    Some(handed) => (vec![handed.grant], handed.bindings.clone()),
                    None => (Vec::new(), Vec::new()),
                };
                let moved_from = from.filter(|_| !bindings.is_empty());
                let moved_from =
                    moved_from.map(|(handed, old)| MovedFrom { id1: handed.grant.id1, function: old.function.clone() });
                UeContext {
                    imsi: allocation.imsi,
                    msisdn: allocation.msisdn,
                    id1: Id1Grant { id1, valid_until },
                    previous_id1,
                    subscription: allocation.subscription.clone(),
                    bindings,
                    state: UeState::Registered,
                    moved_from,
                }
            }
        };
        let id1 = context.id1.id1;
        let from = allocation.handed.as_ref().zip(allocation.old.as_ref());
        let moved = from.filter(|_| !renewed);
        let text = match (renewed, &moved) {
            (true, _) => format!("{} keeps ID1 {id1}, renewed", allocation.imsi),
            (false, None) => format!("{} gets ID1 {id1}", allocation.imsi),
            (false, Some((handed, _))) => format!(
                "{} gets ID4 {id1} in place of {}; {} bindings come from {}",
                allocation.imsi,
                handed.grant.id1,
                handed.bindings.len(),
                handed.host
            ),
        };
        let release = from.map(|(handed, _)| Release {
            imsi: allocation.imsi,
            id1: handed.grant.id1,
            host: handed.host.clone(),
            attempt: 0,
        });
        let mut writes = Vec::new();
        let expires_at = Some(valid_until.plus(self.config.retention));
        let marked = context.moved_from.is_some() && !renewed;
        writes.push(self.put(context, stored.as_ref(), expires_at));
        if let (true, Some(handed)) = (marked, &allocation.handed) {
            // Found at the next start, should this run end before all app servers know.
            let value = handed.known.to_value();
            writes.push(Write::PutValue { key: move_key(allocation.imsi), value, expected: None });
        }
        writes.extend(release.as_ref().map(Release::mark));
        let after = match release {
            None => After::Nothing,
            Some(release) => After::Moved { imsi: allocation.imsi, told: renewed, release },
        };
        let step = if moved.is_some() { "F3-1" } else { "F-1" };
        let held = vec![Action::Report(Report { step, text, failure: false }), self.message_6(&allocation.asked, id1)];
        Ok(Step::Write { writes, held, after })
    }

    fn new_id1(&mut self, allocation: &mut Allocation, actions: &mut Vec<Action>) -> Result<Pduid, Stop> {
        if let Some(id1) = allocation.id1 {
            return Ok(id1);
        }
        let id1 = match self.allocator.allocate() {
            Ok(id1) => id1,
            Err(AllocateError::ReserveFirst(_)) => return Err(Stop::NoBlock),
            Err(why @ AllocateError::Exhausted { .. }) => return Err(Stop::Exhausted(why.to_string())),
        };
        allocation.id1 = Some(id1);
        self.reserve_block(actions);
        Ok(id1)
    }

    /// Message 6: ID1, ID3, validity.
    fn message_6(&self, asked: &Asked, id1: Pduid) -> Action {
        let (name, address) = address_avps(&self.address);
        asked
            .reply(&self.identity, Outcome::SUCCESS)
            .with::<PduidAvp>(&id1.to_octets().as_slice())
            .with::<PduidValidityTime>(&self.config.id1_validity)
            .with_option::<ProseFunctionId>(name.as_ref())
            .with_option::<ProseFunctionAddress>(address.as_ref())
            .action()
    }
}
