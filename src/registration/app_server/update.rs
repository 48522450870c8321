//! What a function asks of the app server by PXR: to follow a UE that has moved (message U1), the standard registration
//! and the map request of TS 29.343.

use super::{AppServer, UserAuthenticator};
use crate::avp::dictionary::{
    ContextMove, ExperimentalResultCode, OldPduid, OldProseFunctionAddress, OldProseFunctionId, OriginAppLayerUserId,
    Pduid as PduidAvp, ProseAppId, ProseFunctionAddress, ProseFunctionId, ProseRequestType, TargetAppLayerUserId,
    TargetedEpuid,
};
use crate::avp::{Address, Fault};
use crate::interfaces::pc2;
use crate::message::Command;
use crate::registration::config::same_host;
use crate::registration::element::Action;
use crate::registration::exchange::{failure, report};
use crate::registration::identifiers::{FunctionAddress, Pduid};
use crate::registration::reply::{Asked, Outcome, address_of, bad_value, missing, optional, required};

type Request<'a> = pc2::ProXimityActionRequest<'a>;

impl<A: UserAuthenticator> AppServer<A> {
    /// PXR, by its ProSe-Request-Type.
    pub(super) fn action_request(&mut self, asked: &Asked, actions: &mut Vec<Action>) {
        let request = match Request::decode(&asked.message) {
            Ok(request) => request,
            Err(faults) => return asked.refuse(&self.identity, &faults, actions),
        };
        let answered = match request.prose_request_type {
            ProseRequestType::APPLICATION_REGISTRATION_FOR_PROSE => {
                match optional::<ContextMove>(&request.extra, &asked.message) {
                    Ok(Some(_)) => self.context_move(asked, &request, actions),
                    Ok(None) => self.application_registration(asked, &request, actions),
                    Err(fault) => Err(fault),
                }
            }
            ProseRequestType::PROSE_MAP_REQUEST => self.map_request(asked, &request, actions),
            // Discovery has RPAUIDs and this server has allotted none.
            ProseRequestType::AUTHORIZATION_ANNOUNCE..=ProseRequestType::AUTHORIZATION_UPDATE => {
                let code = ExperimentalResultCode::DIAMETER_ERROR_REQUESTING_RPAUID_UNKNOWN;
                asked.reply(&self.identity, Outcome::tgpp(code)).send(actions);
                Ok(())
            }
            ProseRequestType::AUTHORIZATION_ANNOUNCE_ACE_OPEN | ProseRequestType::AUTHORIZATION_MONITOR_ACE_OPEN => {
                let code = ExperimentalResultCode::DIAMETER_ERROR_AUTHORIZATION_REJECT;
                asked.reply(&self.identity, Outcome::tgpp(code)).send(actions);
                Ok(())
            }
            _ => Err(bad_value::<ProseRequestType>(&asked.message, "ProSe-Request-Type of PXR")),
        };
        if let Err(fault) = answered {
            failure(actions, "PXR", format!("refused: {fault}"));
            asked.refuse(&self.identity, &[fault], actions);
        }
    }

    /// U1: a UE of ours is served by another function, and has another ID1. Requirements AS-5 and AS-6.
    fn context_move(&mut self, asked: &Asked, request: &Request<'_>, actions: &mut Vec<Action>) -> Result<(), Fault> {
        let message = asked.message.as_slice();
        let id2 = request.origin_app_layer_user_id.ok_or_else(missing::<OriginAppLayerUserId>)?;
        let application = request.prose_app_id.ok_or_else(missing::<ProseAppId>)?;
        let id4 = id1_of::<PduidAvp>(message, required::<PduidAvp>(&request.extra, message)?)?;
        let old_id1 = id1_of::<OldPduid>(message, required::<OldPduid>(&request.extra, message)?)?;
        let id5_address: Option<Address<'_>> = optional::<ProseFunctionAddress>(&request.extra, message)?;
        let id5 = address_of::<ProseFunctionId, ProseFunctionAddress>(message, request.prose_function_id, id5_address)?
            .ok_or_else(missing::<ProseFunctionId>)?;
        let old_id3 = address_of::<OldProseFunctionId, OldProseFunctionAddress>(
            message,
            optional::<OldProseFunctionId>(&request.extra, message)?,
            optional::<OldProseFunctionAddress>(&request.extra, message)?,
        )?
        .ok_or_else(missing::<OldProseFunctionId>)?;

        let peer = asked.sender.peer.as_str();
        let proven = same_host(peer, request.origin_host) && self.is_host(&id5, peer);
        let verdict = match self.registrations.get_mut(&(application.to_owned(), id2.to_owned())) {
            None => Verdict::Refused(ExperimentalResultCode::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN, "ID2 is unknown"),
            Some(_) if !proven => {
                Verdict::Refused(ExperimentalResultCode::DIAMETER_ERROR_PFID_UNKNOWN, "ID5 is not the peer")
            }
            Some(registration) => {
                let functions = &self.config.functions;
                let known = |host: &str, address: &FunctionAddress| {
                    address.fqdn().is_some_and(|name| same_host(name.as_str(), host))
                        || functions.iter().any(|function| same_host(&function.host, host) && function.is_at(address))
                };
                let repeated = registration.ues.iter().any(|ue| ue.id1 == id4 && same_host(&ue.function, peer));
                let old = registration.ues.iter_mut().find(|ue| ue.id1 == old_id1 && known(&ue.function, &old_id3));
                match old {
                    Some(ue) if !same_host(&ue.realm, &asked.sender.realm) => Verdict::OtherRealm,
                    Some(ue) => {
                        ue.id1 = id4;
                        ue.function = peer.to_owned();
                        Verdict::Moved
                    }
                    None if repeated => Verdict::Moved,
                    None => Verdict::Refused(
                        ExperimentalResultCode::DIAMETER_ERROR_APP_REGISTER_REJECT,
                        "the old ID1 and ID3 are not those of this ID2",
                    ),
                }
            }
        };
        match verdict {
            Verdict::Moved => {
                report(actions, "AS-5", format!("ID2 {id2} has ID4 {id4} at {id5} now, no longer {old_id1}"));
                asked.reply(&self.identity, Outcome::SUCCESS).send(actions);
            }
            Verdict::OtherRealm => {
                let why = format!("{peer} is of another realm than the function of ID2");
                failure(actions, "AS-5", &why);
                asked.reply(&self.identity, Outcome::REJECTED).because(&why).send(actions);
            }
            Verdict::Refused(code, why) => {
                let outcome = Outcome::tgpp(code);
                failure(actions, "AS-5", format!("U1 of {peer} refused: {why}; {outcome}"));
                asked.reply(&self.identity, outcome).because(why).send(actions);
            }
        }
        Ok(())
    }

    /// Whether `address` names the host `peer`.
    fn is_host(&self, address: &FunctionAddress, peer: &str) -> bool {
        address.fqdn().is_some_and(|name| same_host(name.as_str(), peer))
            || self.config.functions.iter().any(|function| same_host(&function.host, peer) && function.is_at(address))
    }

    /// Type 0 without the marker: a user of ours has an EPUID. TS 23.303, TS 29.343.
    fn application_registration(
        &mut self,
        asked: &Asked,
        request: &Request<'_>,
        actions: &mut Vec<Action>,
    ) -> Result<(), Fault> {
        let id2 = request.origin_app_layer_user_id.ok_or_else(missing::<OriginAppLayerUserId>)?;
        let pfid = request.prose_function_id.ok_or_else(missing::<ProseFunctionId>)?;
        let peer = asked.sender.peer.as_str();
        let pfid = FunctionAddress::from_name_octets(pfid).ok().filter(|pfid| self.is_host(pfid, peer));
        let registration = self.find_user(request.prose_app_id, id2);
        let outcome = match (registration, pfid) {
            (None, _) => Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN),
            (Some(_), None) => Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_PFID_UNKNOWN),
            (Some(registration), Some(pfid)) => {
                if let Some(epuid) = request.requesting_epuid {
                    registration.epuid = Some((epuid.to_owned(), pfid.to_string()));
                }
                Outcome::SUCCESS
            }
        };
        report(actions, "PXR type 0", format!("registration of {id2} by {peer}: {outcome}"));
        asked.reply(&self.identity, outcome).send(actions);
        Ok(())
    }

    /// Type 1: where another user can be found.
    fn map_request(&mut self, asked: &Asked, request: &Request<'_>, actions: &mut Vec<Action>) -> Result<(), Fault> {
        let origin = request.origin_app_layer_user_id.ok_or_else(missing::<OriginAppLayerUserId>)?;
        let target = request.target_app_layer_user_id.ok_or_else(missing::<TargetAppLayerUserId>)?;
        if self.find_user(request.prose_app_id, origin).is_none() {
            let code = ExperimentalResultCode::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN;
            asked.reply(&self.identity, Outcome::tgpp(code)).send(actions);
            return Ok(());
        }
        let found = self.find_user(request.prose_app_id, target).and_then(|registration| registration.epuid.clone());
        let reply = match &found {
            None => {
                let code = ExperimentalResultCode::DIAMETER_ERROR_TARGET_ALUID_UNKNOWN;
                asked.reply(&self.identity, Outcome::tgpp(code))
            }
            Some((epuid, pfid)) => asked
                .reply(&self.identity, Outcome::SUCCESS)
                .with::<TargetedEpuid>(&epuid.as_str())
                .with::<ProseFunctionId>(&pfid.as_bytes()),
        };
        reply.send(actions);
        Ok(())
    }

    /// The registration of an ID2: in the application named, else in any that this server has.
    fn find_user(&mut self, application: Option<&str>, id2: &str) -> Option<&mut super::Registration> {
        let applications = match application {
            Some(application) => vec![application.to_owned()],
            None => self.config.applications.clone(),
        };
        let key = applications
            .into_iter()
            .map(|application| (application, id2.to_owned()))
            .find(|key| self.registrations.contains_key(key))?;
        self.registrations.get_mut(&key)
    }
}

enum Verdict {
    Moved,
    OtherRealm,
    Refused(u32, &'static str),
}

fn id1_of<A: crate::avp::dictionary::Declared>(message: &[u8], octets: &[u8]) -> Result<Pduid, Fault> {
    Pduid::from_octets(octets).map_err(|_| bad_value::<A>(message, "PDUID of 8 octets"))
}
