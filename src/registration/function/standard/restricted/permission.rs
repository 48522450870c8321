//! The serving side of restricted discovery: a user of another network announces in ours, or looks for one of ours.

use super::super::discovery::Response;
use super::super::{Entry, Function, Kept, Network, Pause, Refusal, hex, read_answer, refusal, user_of};
use super::{LONGEST_NAME, Permission, Question, RestrictedCode};
use crate::avp::dictionary::ExperimentalResultCode as Code;
use crate::avp::dictionary::{
    self, DiscoveryType as Type, ProseDirectAllowed, ProseRequestType, ProseRestrictedCode, RequestingRpauid,
    TargetPduid, TargetRpauid, group,
};
use crate::interfaces::pc2;
use crate::registration::element::{Action, NoAnswer, Now};
use crate::registration::exchange::{failure, report};
use crate::registration::identifiers::Pduid;
use crate::registration::reply::{Asked, Outcome, bad_value, missing};
use crate::store::{ContextReader, UeState};

impl<R: ContextReader> Function<R> {
    /// PDR types 2, 4 and 6: a user of the other network announces in ours.
    pub(in crate::registration::function::standard) fn restricted_announcing(
        &mut self,
        now: Now,
        asked: &Asked,
        network: &Network,
        wish: &group::DiscoveryAuthRequest<'_>,
    ) -> Result<Response, Refusal> {
        let message = asked.message.as_slice();
        user_of(message, wish.user_identity.as_ref().ok_or_else(missing::<dictionary::UserIdentity>)?)?;
        wish.requesting_rpauid.ok_or_else(missing::<RequestingRpauid>)?;
        use ProseDirectAllowed as Bit;
        let needed = match wish.discovery_type {
            Type::DISCOVEREE_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY => Bit::DISCOVEREE,
            Type::DISCOVERER_ANNOUNCING_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY => Bit::DISCOVERER,
            _ => Bit::RESTRICTED_ANNOUNCE,
        };
        let code: Option<RestrictedCode> = match (wish.prose_restricted_code, needed) {
            (Some(code), _) => {
                let wrong =
                    || bad_value::<dictionary::DiscoveryAuthRequest>(message, "ProSe-Restricted-Code of 8 octets");
                Some(code.try_into().map_err(|_| wrong())?)
            }
            (None, Bit::RESTRICTED_ANNOUNCE) => return Err(missing::<ProseRestrictedCode>().into()),
            (None, _) => None,
        };
        if network.direct_allowed & needed == 0 {
            let why = format!("users of {} may not announce here", network.plmn);
            return Err(Refusal::because(Code::DIAMETER_ERROR_ANNOUNCING_UNAUTHORIZED_IN_PLMN, why));
        }
        let mut lasting = None;
        if let Some(code) = code {
            let validity = wish.prose_validity_timer.unwrap_or(network.validity).min(network.validity);
            let host = network.host.to_ascii_lowercase();
            let until = Self::window_end(now, validity);
            lasting = Some((until, Entry::RestrictedGuest { host: host.clone(), code: hex(&code) }));
            let key = (host.into(), code);
            if !self.standard.restricted.guests.insert(now.elapsed, until, key, ()) {
                return Err(Refusal::Because(Outcome::TOO_BUSY, "too many codes are announced".to_owned()));
            }
        }
        Ok(Response::with(lasting))
    }

    /// PDR types 3 and 5: a user of the other network looks for one of ours. The app server is asked whether it may.
    pub(in crate::registration::function::standard) fn restricted_monitoring(
        &mut self,
        now: Now,
        asked: &Asked,
        network: &Network,
        wish: &group::DiscoveryAuthRequest<'_>,
        entry: Option<u32>,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let message = asked.message.as_slice();
        user_of(message, wish.user_identity.as_ref().ok_or_else(missing::<dictionary::UserIdentity>)?)?;
        let requesting = wish.requesting_rpauid.ok_or_else(missing::<RequestingRpauid>)?;
        let target = wish.target_rpauid.ok_or_else(missing::<TargetRpauid>)?;
        let pduid = wish.target_pduid.ok_or_else(missing::<TargetPduid>)?;
        let pduid = Pduid::from_octets(pduid)
            .map_err(|_| bad_value::<dictionary::DiscoveryAuthRequest>(message, "Target-PDUID of 8 octets"))?;
        if requesting.len() > LONGEST_NAME {
            let expected = "Requesting-RPAUID of at most 1024 octets";
            return Err(bad_value::<dictionary::DiscoveryAuthRequest>(message, expected).into());
        }
        let queries = wish.discovery_type == Type::DISCOVERER_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY;
        use ProseDirectAllowed as Bit;
        let needed = if queries { Bit::DISCOVERER } else { Bit::RESTRICTED_MONITORING };
        if network.direct_allowed & needed == 0 {
            let why = format!("users of {} may not look for ours", network.plmn);
            return Err(Refusal::because(Code::DIAMETER_ERROR_UNAUTHORIZED_SERVICE_IN_THIS_PLMN, why));
        }
        let registered = |state: &UeState| *state == UeState::Registered;
        if !self.reader.get_by_id1(pduid)?.is_some_and(|stored| registered(&stored.context.state)) {
            return Err(Refusal::because(Code::DIAMETER_ERROR_INVALID_TARGET_PDUID, "the PDUID is unknown"));
        }
        let Some(announced) = self.standard.restricted.announced.get(now.elapsed, target).cloned() else {
            let why = "the target announces nothing";
            return Err(Refusal::because(Code::DIAMETER_ERROR_NO_ASSOCIATED_RESTRICTED_CODE, why));
        };
        if announced.pduid != pduid {
            let why = "the RPAUID has another PDUID";
            return Err(Refusal::because(Code::DIAMETER_ERROR_INVALID_TARGET_RPAUID, why));
        }
        let kind = if queries { ProseRequestType::QUERY_PERMISSION } else { ProseRequestType::MONITOR_PERMISSION };
        let question = Question {
            kind,
            application: announced.application.to_string(),
            rpauid: Some(requesting.to_owned()),
            target: Some(target.to_owned()),
            ..Question::default()
        };
        let permission = Permission {
            asked: asked.clone(),
            kind: wish.discovery_type,
            entry,
            network: network.clone(),
            requesting: requesting.to_owned(),
            announced,
        };
        self.ask(&question, Pause::Permission(Box::new(permission)), actions)
            .map_err(|why| Refusal::Because(Outcome::UNABLE_TO_COMPLY, why))
    }

    /// PXA types 6 and 10, and after it PDA.
    pub(in crate::registration::function::standard) fn permitted(
        &mut self,
        now: Now,
        permission: Permission,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let Permission { asked, kind, entry, network, requesting, announced } = permission;
        let outcome = Outcome::of_result(result);
        let pduid = announced.pduid.to_octets();
        let is_target = read_answer::<pc2::ProXimityActionAnswer<'_>>(result)
            .is_ok_and(|answer| answer.target_pduid.is_empty() || answer.target_pduid.contains(&pduid.as_slice()));
        if !is_target {
            let outcome = match outcome {
                _ if result.is_err() => outcome,
                // The user has the PDUID no longer.
                Outcome::Result(_) => Outcome::tgpp(Code::DIAMETER_ERROR_INVALID_TARGET_PDUID),
                Outcome::Experimental { .. } => Outcome::tgpp(Code::DIAMETER_ERROR_INVALID_TARGET_RPAUID),
            };
            let why = format!("the app server does not allow it: {}", refusal(result));
            failure(actions, "PDA", &why);
            return asked.reply(&self.identity, outcome).because(&why).send(actions);
        }
        let validity = self.config.standard.code_validity.min(network.validity);
        let (host, until) = (network.host.to_ascii_lowercase(), Self::window_end(now, validity));
        let lasting = Entry::Monitor { code: hex(&announced.code), host: host.clone(), rpauid: requesting.clone() };
        let monitor = (announced.code, host.into(), requesting.into());
        self.standard.restricted.monitors.remember(now.elapsed, until, monitor, ());
        report(actions, "PDA", format!("a user of {} may discover {}", network.plmn, announced.imsi));
        let response = group::DiscoveryAuthResponse {
            discovery_type: kind,
            prose_restricted_code: Some(&announced.code),
            prose_validity_timer: Some(validity),
            ..Default::default()
        };
        let mut held = Vec::new();
        self.answer_discovery(&asked, &response, entry, &mut held);
        self.keep(now, vec![(until, lasting)], Vec::new(), Kept::Answer(asked, held), actions);
    }
}
