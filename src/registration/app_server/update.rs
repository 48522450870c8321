//! What a function asks of the app server by PXR: to follow a UE that has moved (message U1).

use super::{AppServer, Job, Step, id2_of, seconds};
use crate::avp::dictionary::{
    ContextMove, ExperimentalResultCode, OldPduid, OldProseFunctionAddress, OldProseFunctionId, OriginAppLayerUserId,
    Pduid as PduidAvp, ProseAppId, ProseFunctionAddress, ProseFunctionId, ProseRequestType,
};
use crate::avp::{Address, Fault};
use crate::interfaces::pc2;
use crate::message::Command;
use crate::registration::config::same_host;
use crate::registration::element::{Action, Now, Report};
use crate::registration::exchange::failure;
use crate::registration::identifiers::{FunctionAddress, Pduid};
use crate::registration::reply::{Asked, Outcome, address_of, bad_value, missing, optional, required};
use crate::store::{Condition, ContextReader, StoreError, StoredUser, UserReader, UserRegistration, Write};

type Request<'a> = pc2::ProXimityActionRequest<'a>;

impl<R: UserReader + ContextReader> AppServer<R> {
    /// PXR, by its ProSe-Request-Type.
    pub(super) fn action_request(&mut self, now: Now, asked: Asked, actions: &mut Vec<Action>) {
        let request = match Request::decode(&asked.message) {
            Ok(request) => request,
            Err(faults) => return asked.refuse(&self.identity, &faults, actions),
        };
        match request.prose_request_type {
            ProseRequestType::APPLICATION_REGISTRATION_FOR_PROSE => {
                match optional::<ContextMove>(&request.extra, &asked.message) {
                    Ok(Some(ContextMove::DEREGISTERED)) => self.run(now, Job::Farewell(asked), 0, actions),
                    Ok(Some(_)) => self.run(now, Job::Move(asked), 0, actions),
                    Ok(None) => self.run(now, Job::Register(asked), 0, actions),
                    Err(fault) => self.refuse(&asked, &fault, actions),
                }
            }
            ProseRequestType::PROSE_MAP_REQUEST..=ProseRequestType::AUTHORIZATION_MONITOR_ACE_OPEN => {
                self.standard_request(&asked, &request, actions);
            }
            _ => {
                let fault = bad_value::<ProseRequestType>(&asked.message, "ProSe-Request-Type of PXR");
                self.refuse(&asked, &fault, actions);
            }
        }
    }

    pub(super) fn refuse(&self, asked: &Asked, fault: &Fault, actions: &mut Vec<Action>) {
        failure(actions, "PXR", format!("refused: {fault}"));
        asked.refuse(&self.identity, std::slice::from_ref(fault), actions);
    }

    /// U1: a UE of ours is served by another function, and has another ID1. Requirements AS-5 and AS-6.
    pub(super) fn context_move(
        &mut self,
        now: Now,
        asked: &Asked,
        actions: &mut Vec<Action>,
    ) -> Result<Step, StoreError> {
        let wish = match Move::read(&asked.message) {
            Ok(wish) => wish,
            Err(faults) => {
                if let Some(fault) = faults.first() {
                    failure(actions, "AS-5", format!("U1 refused: {fault}"));
                }
                asked.refuse(&self.identity, &faults, actions);
                return Ok(Step::Over);
            }
        };
        let Move { id2, application, id4, id5, old_id1, .. } = &wish;
        let stored = match id2_of(id2) {
            Some(id2) => self.reader.user(application, &id2)?,
            None => None,
        };
        let done = format!("ID2 {id2} has ID4 {id4} at {id5} now, no longer {old_id1}");
        let done = Action::Report(Report { step: "AS-5", text: done, failure: false });
        let success = asked.reply(&self.identity, Outcome::SUCCESS).action();
        match self.judge_move(&wish, asked, stored.as_ref().map(|stored| &stored.registration)) {
            Verdict::Moved => {
                let Some(StoredUser { version, mut registration }) = stored else { return Ok(Step::Over) };
                let peer = asked.sender.peer.as_str();
                registration.ues.retain(|ue| ue.id1 != *id4 || ue.id1 == *old_id1);
                for ue in registration.ues.iter_mut().filter(|ue| ue.id1 == *old_id1) {
                    ue.id1 = *id4;
                    ue.function = peer.into();
                    ue.bound_at = seconds(now);
                }
                let condition = Condition::Version(version);
                let write = Write::PutUser { registration: Box::new(registration), condition };
                return Ok(Step::Write { write, held: vec![done, success] });
            }
            Verdict::Repeated => actions.extend([done, success]),
            Verdict::OtherRealm => {
                let why = format!("{} is of another realm than the function of ID2", asked.sender.peer);
                failure(actions, "AS-5", &why);
                asked.reply(&self.identity, Outcome::REJECTED).because(&why).send(actions);
            }
            Verdict::Refused(code, why) => {
                let outcome = Outcome::tgpp(code);
                failure(actions, "AS-5", format!("U1 of {} refused: {why}; {outcome}", asked.sender.peer));
                asked.reply(&self.identity, outcome).because(why).send(actions);
            }
        }
        Ok(Step::Over)
    }

    fn judge_move(&self, wish: &Move<'_>, asked: &Asked, registration: Option<&UserRegistration>) -> Verdict {
        let peer = asked.sender.peer.as_str();
        let Some(registration) = registration else {
            return Verdict::Refused(ExperimentalResultCode::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN, "ID2 is unknown");
        };
        if !same_host(peer, wish.origin_host) || !self.is_host(&wish.id5, peer) {
            return Verdict::Refused(ExperimentalResultCode::DIAMETER_ERROR_PFID_UNKNOWN, "ID5 is not the peer");
        }
        let old =
            registration.ues.iter().find(|ue| ue.id1 == wish.old_id1 && self.is_host(&wish.old_id3, &ue.function));
        let repeated = || registration.ues.iter().any(|ue| ue.id1 == wish.id4 && same_host(&ue.function, peer));
        match old {
            Some(ue) if !same_host(&ue.realm, &asked.sender.realm) => Verdict::OtherRealm,
            Some(_) => Verdict::Moved,
            None if repeated() => Verdict::Repeated,
            None => Verdict::Refused(
                ExperimentalResultCode::DIAMETER_ERROR_APP_REGISTER_REJECT,
                "the old ID1 and ID3 are not those of this ID2",
            ),
        }
    }

    /// Whether `address` names the host `peer`.
    pub(super) fn is_host(&self, address: &FunctionAddress, peer: &str) -> bool {
        address.fqdn().is_some_and(|name| same_host(name.as_str(), peer))
            || self.config.functions.iter().any(|function| same_host(&function.host, peer) && function.is_at(address))
    }
}

/// U1 as far as it can be read.
struct Move<'a> {
    origin_host: &'a str,
    id2: &'a str,
    application: &'a str,
    id4: Pduid,
    id5: FunctionAddress,
    old_id1: Pduid,
    old_id3: FunctionAddress,
}

impl<'a> Move<'a> {
    fn read(message: &'a [u8]) -> Result<Self, Vec<Fault>> {
        let request = Request::decode(message)?;
        Self::of(&request, message).map_err(|fault| vec![fault])
    }

    fn of(request: &Request<'a>, message: &'a [u8]) -> Result<Self, Fault> {
        let id5_address: Option<Address<'_>> = optional::<ProseFunctionAddress>(&request.extra, message)?;
        let id5 = address_of::<ProseFunctionId, ProseFunctionAddress>(message, request.prose_function_id, id5_address)?;
        let old_id3 = address_of::<OldProseFunctionId, OldProseFunctionAddress>(
            message,
            optional::<OldProseFunctionId>(&request.extra, message)?,
            optional::<OldProseFunctionAddress>(&request.extra, message)?,
        )?;
        Ok(Self {
            origin_host: request.origin_host,
            id2: request.origin_app_layer_user_id.ok_or_else(missing::<OriginAppLayerUserId>)?,
            application: request.prose_app_id.ok_or_else(missing::<ProseAppId>)?,
            id4: id1_of::<PduidAvp>(message, required::<PduidAvp>(&request.extra, message)?)?,
            id5: id5.ok_or_else(missing::<ProseFunctionId>)?,
            old_id1: id1_of::<OldPduid>(message, required::<OldPduid>(&request.extra, message)?)?,
            old_id3: old_id3.ok_or_else(missing::<OldProseFunctionId>)?,
        })
    }
}

enum Verdict {
    Moved,
    Repeated,
    OtherRealm,
    Refused(u32, &'static str),
}

fn id1_of<A: crate::avp::dictionary::Declared>(message: &[u8], octets: &[u8]) -> Result<Pduid, Fault> {
    Pduid::from_octets(octets).map_err(|_| bad_value::<A>(message, "PDUID of 8 octets"))
}
