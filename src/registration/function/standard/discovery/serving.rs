//! The serving side of discovery: what the functions of other networks ask by PDR, PMR and PIR.

use super::super::{Entry, Function, Kept, Network, Refusal, hex, user_of};
use super::{ANNOUNCING, AppCode, MONITORING, MOST_FILTERS, Response, app_code, open_alone};
use crate::avp::dictionary::ExperimentalResultCode as Code;
use crate::avp::dictionary::{
    self, DiscoveryAuthResponse, DiscoveryType, MatchReport, Mic, PmrFlags, ProseAppCode, ProseAppCodeInfo, ProseAppId,
    ProseDirectAllowed, ProseValidityTimer, group,
};
use crate::interfaces::pc6;
use crate::message::Command;
use crate::registration::element::{Action, Now};
use crate::registration::exchange::report;
use crate::registration::identifiers::PlmnId;
use crate::registration::reply::{Asked, Outcome, bad_value, missing};
use crate::store::ContextReader;

impl<R: ContextReader> Function<R> {
    /// PDR, by its Discovery-Type.
    pub(in crate::registration::function::standard) fn discovery_request(
        &mut self,
        now: Now,
        asked: &Asked,
        network: &Network,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let request = pc6::ProseDiscoveryRequest::decode(&asked.message)?;
        let wish = &request.discovery_auth_request;
        use DiscoveryType as Type;
        let respond = match wish.discovery_type {
            ANNOUNCING => self.open_announcing(now, asked, network, wish),
            MONITORING => self.open_monitoring(now, asked, network, wish),
            Type::ANNOUNCING_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY
            | Type::DISCOVEREE_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY
            | Type::DISCOVERER_ANNOUNCING_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY => {
                self.restricted_announcing(now, asked, network, wish)
            }
            Type::MONITORING_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY
            | Type::DISCOVERER_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY => {
                return self.restricted_monitoring(now, asked, network, wish, request.discovery_entry_id, actions);
            }
            Type::MONITORING_UPDATE_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY => {
                return self.monitoring_update(now, asked, network, wish, request.discovery_entry_id, actions);
            }
            Type::MONITORING_RESPONSE_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY => {
                return self.monitoring_response(now, asked, network, wish, request.discovery_entry_id, actions);
            }
            unknown => {
                let why = format!("Discovery-Type {unknown} has no use here");
                Err(Refusal::because(Code::DIAMETER_ERROR_INVALID_DISCOVERY_TYPE, why))
            }
        }?;
        report(actions, "PDA", format!("a user of {} may discover, type {}", network.plmn, wish.discovery_type));
        let mut held = Vec::new();
        self.answer_discovery(asked, &respond.group(wish.discovery_type), request.discovery_entry_id, &mut held);
        let entries = respond.lasting.into_iter().collect();
        self.keep(now, entries, Vec::new(), Kept::Answer(asked.clone(), held), actions);
        Ok(())
    }

    pub(in crate::registration::function::standard) fn answer_discovery(
        &self,
        asked: &Asked,
        response: &group::DiscoveryAuthResponse<'_>,
        entry: Option<u32>,
        actions: &mut Vec<Action>,
    ) {
        asked
            .reply(&self.identity, Outcome::SUCCESS)
            .with::<DiscoveryAuthResponse>(response)
            .with_option::<dictionary::DiscoveryEntryId>(entry.as_ref())
            .send(actions);
    }

    /// Type 0: a user of the other network announces in ours.
    fn open_announcing(
        &mut self,
        now: Now,
        asked: &Asked,
        network: &Network,
        wish: &group::DiscoveryAuthRequest<'_>,
    ) -> Result<Response, Refusal> {
        let message = asked.message.as_slice();
        user_of(message, wish.user_identity.as_ref().ok_or_else(missing::<dictionary::UserIdentity>)?)?;
        let application = wish.prose_app_id.ok_or_else(missing::<ProseAppId>)?;
        let code = app_code(message, wish.prose_app_code.ok_or_else(missing::<ProseAppCode>)?)?;
        let validity = wish.prose_validity_timer.ok_or_else(missing::<ProseValidityTimer>)?;
        if network.direct_allowed & ProseDirectAllowed::ANNOUNCE == 0 {
            let why = format!("users of {} may not announce here", network.plmn);
            return Err(Refusal::because(Code::DIAMETER_ERROR_ANNOUNCING_UNAUTHORIZED_IN_PLMN, why));
        }
        let until = Self::window_end(now, validity.min(network.validity));
        let host = network.host.to_ascii_lowercase();
        let entry = Entry::GuestCode { host: host.clone(), code: hex(code), application: application.to_owned() };
        let key = (host.into(), Box::from(code));
        if !self.standard.discovery.guests.insert(now.elapsed, until, key, application.into()) {
            return Err(Refusal::Because(Outcome::TOO_BUSY, "too many codes are announced".to_owned()));
        }
        Ok(Response::with(Some((until, entry))))
    }

    /// Type 1: a user of the other network looks for announcers of ours.
    fn open_monitoring(
        &mut self,
        now: Now,
        asked: &Asked,
        network: &Network,
        wish: &group::DiscoveryAuthRequest<'_>,
    ) -> Result<Response, Refusal> {
        let message = asked.message.as_slice();
        user_of(message, wish.user_identity.as_ref().ok_or_else(missing::<dictionary::UserIdentity>)?)?;
        let application = wish.prose_app_id.ok_or_else(missing::<ProseAppId>)?;
        if network.direct_allowed & ProseDirectAllowed::MONITOR == 0 {
            let why = format!("users of {} may not monitor here", network.plmn);
            return Err(Refusal::because(Code::DIAMETER_ERROR_UNAUTHORIZED_SERVICE_IN_THIS_PLMN, why));
        }
        let filters = self.filters(now, application);
        if filters.is_empty() {
            let why = format!("nobody here announces {application}");
            return Err(Refusal::because(Code::DIAMETER_ERROR_NO_ASSOCIATED_DISCOVERY_FILTER, why));
        }
        // One Visited-PLMN-Id for all filters: said when all of them roam in the same network.
        let mut networks = filters.iter().map(|(_, roams)| *roams);
        let first = networks.next().flatten();
        Ok(Response {
            application: application.to_owned(),
            roams: first.filter(|_| networks.all(|other| other == first)).map(PlmnId::to_octets),
            codes: filters.into_iter().map(|(code, _)| code).collect(),
            validity: self.config.standard.code_validity.min(network.validity),
            lasting: None,
        })
    }

    /// PMR: whose codes are these? TS 29.345 5.4.
    pub(in crate::registration::function::standard) fn match_request(
        &mut self,
        now: Now,
        asked: &Asked,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let message = asked.message.as_slice();
        let request = pc6::ProseMatchRequest::decode(message)?;
        let wish = &request.match_request;
        open_alone(wish.discovery_type)?;
        user_of(message, wish.user_identity.as_ref().ok_or_else(missing::<dictionary::UserIdentity>)?)?;
        if wish.prose_app_code_info.is_empty() {
            return Err(missing::<ProseAppCodeInfo>().into());
        }
        let metadata = request.pmr_flags.unwrap_or_default() & PmrFlags::METADATA_REQUESTED != 0;
        let mut reply = asked.reply(&self.identity, Outcome::SUCCESS);
        let mut found = 0;
        for info in wish.prose_app_code_info.iter().take(MOST_FILTERS) {
            let code = app_code(message, info.prose_app_code)?;
            if info.mic.len() != 4 {
                return Err(bad_value::<Mic>(message, "four octets").into());
            }
            let known = <AppCode>::try_from(code).ok();
            let Some(known) = known.and_then(|code| self.standard.discovery.ours.get(now.elapsed, &code)) else {
                continue;
            };
            found += 1;
            reply = reply.with::<MatchReport>(&group::MatchReport {
                discovery_type: MONITORING,
                prose_app_code: Some(code),
                prose_app_id: Some(&known.application),
                prose_validity_timer: Some(self.config.standard.code_validity),
                prose_match_refresh_timer: Some(self.config.standard.match_refresh),
                prose_application_metadata: known.metadata.as_deref().filter(|_| metadata),
                ..Default::default()
            });
        }
        if found == 0 {
            let why = "no such code is announced";
            return Err(Refusal::because(Code::DIAMETER_ERROR_INVALID_APPLICATION_CODE, why));
        }
        report(actions, "PMA", format!("{found} codes are ours"));
        reply.send(actions);
        Ok(())
    }

    /// PIR: a user of the other network has met one that announces in ours. Nothing is kept of it: charging is not this
    /// function's. TS 29.345 5.5.
    pub(in crate::registration::function::standard) fn match_report_info(
        &mut self,
        asked: &Asked,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let request = pc6::ProseMatchReportInfoRequest::decode(&asked.message)?;
        let info = &request.match_report_info;
        open_alone(info.discovery_type)?;
        user_of(&asked.message, info.user_identity.as_ref().ok_or_else(missing::<dictionary::UserIdentity>)?)?;
        if info.prose_app_id.is_empty() {
            return Err(missing::<ProseAppId>().into());
        }
        report(
            actions,
            "PC6 PIR",
            format!("{} met an announcer of {}", asked.sender.peer, info.prose_app_id.join(", ")),
        );
        asked.reply(&self.identity, Outcome::SUCCESS).send(actions);
        Ok(())
    }
}
