//! Bans: an app server says who may discover a user no longer (XAR type 11), functions tell one another (PDR types 7 and
//! 8), and the app server hears what came of it (PXR type 11).

use super::super::{Entry, Function, Kept, Network, Pause, Refusal, Waiting, hex, key, refusal, says, to_network};
use super::{BAN, Ban, MOST_TARGETS, RestrictedCode, app_identifier};
use crate::avp::dictionary::ExperimentalResultCode as Code;
use crate::avp::dictionary::{
    self, BannedUserTarget, DiscoveryType as Type, ProseRequestType, ProseRestrictedCode, RequestingRpauid, ResultCode,
    group,
};
use crate::interfaces::pc2;
use crate::registration::config::same_host;
use crate::registration::element::{Action, NoAnswer, Now};
use crate::registration::exchange::{NO_STATE, failure, report, send};
use crate::registration::identifiers::Pduid;
use crate::registration::reply::{Asked, Outcome, bad_value, missing};
use crate::store::ContextReader;

impl Ban {
    fn lasting(&self) -> Entry {
        Entry::Ban {
            entry: self.entry,
            code: hex(&self.code),
            application: self.application.to_string(),
            requesting: self.requesting.to_string(),
            banned: self.banned.to_string(),
            pduid: self.pduid.to_string(),
            host: self.host.to_string(),
        }
    }
}

impl<R: ContextReader> Function<R> {
    /// XAR type 11: some may discover a user no longer. TS 29.343, TS 29.345 5.10.
    pub(in crate::registration::function) fn authorization_update(
        &mut self,
        now: Now,
        asked: &Asked,
        request: &pc2::ProXimityApplicationRequest<'_>,
        actions: &mut Vec<Action>,
    ) {
        let refuse = |outcome: Outcome, why: &str, actions: &mut Vec<Action>| {
            failure(actions, "XAR type 11", format!("refused: {why}; {outcome}"));
            asked.reply(&self.identity, outcome).because(why).send(actions);
        };
        let host = request.origin_host;
        let server = self.config.app_servers.iter().find(|it| same_host(&it.host, &asked.sender.peer));
        let Some(server) = server.filter(|_| same_host(host, &asked.sender.peer)) else {
            return refuse(Outcome::REJECTED, "the sender is no app server of this function", actions);
        };
        let fault = match (request.requesting_rpauid, request.banned_user_target.first()) {
            (None, _) => Some(missing::<RequestingRpauid>()),
            (_, None) => Some(missing::<BannedUserTarget>()),
            _ => None,
        };
        if let Some(fault) = fault {
            return asked.refuse(&self.identity, &[fault], actions);
        }
        let requesting = request.requesting_rpauid.unwrap_or_default();
        let Some(announced) = self.standard.restricted.announced.get(now.elapsed, requesting).cloned() else {
            let outcome = Outcome::tgpp(Code::DIAMETER_ERROR_REQUESTING_RPAUID_UNKNOWN);
            return refuse(outcome, "the user announces nothing here", actions);
        };
        if !server.applications.iter().any(|application| **application == *announced.application) {
            let outcome = Outcome::tgpp(Code::DIAMETER_ERROR_AUTHORIZATION_REJECT);
            return refuse(outcome, "the user is another app server's", actions);
        }
        let (code, restricted) = (announced.code, &self.standard.restricted);
        let first = (code, Box::from(""), Box::from(""));
        let monitors = restricted.monitors.keys(now.elapsed, first.., |key| key.0 == code);
        let mut bans = Vec::new();
        for target in request.banned_user_target.iter().take(MOST_TARGETS) {
            let Ok(pduid) = Pduid::from_octets(target.target_pduid) else {
                let fault = bad_value::<BannedUserTarget>(&asked.message, "Target-PDUID of 8 octets");
                return asked.refuse(&self.identity, &[fault], actions);
            };
            let theirs = monitors.iter().filter(|(.., rpauid)| **rpauid == *target.target_rpauid);
            bans.extend(theirs.map(|(_, host, banned)| Ban {
                entry: 0,
                code,
                application: announced.application.clone(),
                requesting: requesting.into(),
                banned: banned.clone(),
                pduid,
                host: host.clone(),
            }));
        }
        if bans.is_empty() {
            let outcome = Outcome::tgpp(Code::DIAMETER_ERROR_TARGET_RPAUID_UNKNOWN);
            return refuse(outcome, "none of them monitors the user", actions);
        }
        report(actions, "XAR type 11", format!("{} users may discover {} no longer", bans.len(), announced.imsi));
        let (mut entries, mut gone) = (Vec::new(), Vec::new());
        for ban in &mut bans {
            gone.push(key::monitor(&code, &ban.host, &ban.banned));
            match ban.host.is_empty() {
                true => gone.push(key::monitored(&code, &ban.banned)),
                false => {
                    ban.entry = self.standard.discovery.next_entry();
                    entries.push((now.elapsed + BAN, ban.lasting()));
                }
            }
        }
        let held = vec![asked.reply(&self.identity, Outcome::SUCCESS).action()];
        self.keep(now, entries, gone, Kept::Bans(asked.clone(), held, bans), actions);
    }

    /// PDR type 7, or at once where the monitor is ours. The ban is durable.
    pub(in crate::registration::function::standard) fn ban(&mut self, now: Now, ban: Ban, actions: &mut Vec<Action>) {
        let code = ban.code;
        let restricted = &mut self.standard.restricted;
        restricted.monitors.remove(&(code, ban.host.clone(), ban.banned.clone()));
        if ban.host.is_empty() {
            restricted.monitored.remove(&(code, ban.banned.clone()));
            return self.ban_over(&ban, true, actions);
        }
        let Some(network) = self.config.standard.networks.iter().find(|it| same_host(&it.host, &ban.host)).cloned()
        else {
            return self.ban_over(&ban, false, actions);
        };
        let entry = ban.entry;
        if self.standard.restricted.bans.get(now.elapsed, &entry).is_none() {
            self.standard.restricted.bans.remember(now.elapsed, now.elapsed + BAN, entry, ban.clone());
        }
        let (banned, pduid, application) = (ban.banned.clone(), ban.pduid.to_octets(), ban.application.clone());
        to_network!(
            self,
            network,
            Pause::Banned(ban),
            actions,
            ProseDiscoveryRequest {
                discovery_auth_request: group::DiscoveryAuthRequest {
                    discovery_type: Type::MONITORING_UPDATE_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY,
                    app_identifier: Some(app_identifier(&application)),
                    prose_restricted_code: Some(&code),
                    banned_rpauid: Some(&banned),
                    banned_pduid: Some(&pduid),
                    ..Default::default()
                },
                discovery_entry_id: Some(entry),
            }
        );
    }

    /// PDA type 7; the outcome itself comes with type 8. A function that knows of no such monitor (5640) has none left.
    pub(in crate::registration::function::standard) fn ban_answer(
        &mut self,
        now: Now,
        ban: Ban,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let outcome = Outcome::of_result(result);
        if outcome.is_success() {
            return report(actions, "PDA", format!("{} ends a monitor", ban.host));
        }
        failure(actions, "PDA", format!("{} does not end a monitor: {}", ban.host, refusal(result)));
        if result.is_err() || outcome.is_transient() {
            // It is told again until the ban has run out.
            return self.standard.restricted.again.push((now.elapsed, ban));
        }
        let gone = says(result, Code::DIAMETER_ERROR_NO_ASSOCIATED_RESTRICTED_CODE);
        self.ban_over(&ban, gone, actions);
    }

    /// PXR type 11 tells the app server what has come of the ban.
    fn ban_over(&mut self, ban: &Ban, done: bool, actions: &mut Vec<Action>) {
        if ban.entry != 0 {
            self.standard.restricted.bans.remove(&ban.entry);
            self.no_longer(vec![key::ban(ban.entry)], actions);
        }
        let text = format!("a monitor of {}", ban.application);
        match done {
            true => report(actions, "ban", format!("{text} has ended")),
            false => return failure(actions, "ban", format!("{text} could not be ended")),
        }
        let Ok(server) = self.server_of(&ban.application) else { return };
        let session = self.sessions.next();
        let pause = Pause::Told("PXA type 11", format!("end of a monitor of {}", ban.application));
        let token = self.pending.insert(Waiting::Standard(Box::new(pause)));
        let pduid = ban.pduid.to_octets();
        let request = pc2::ProXimityActionRequest {
            session_id: &session,
            auth_application_id: self.config.pc2_application,
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_realm: &server.realm,
            destination_host: server.host.as_deref(),
            prose_request_type: ProseRequestType::AUTHORIZATION_UPDATE,
            requesting_rpauid: Some(&ban.requesting),
            prose_app_id: Some(&ban.application),
            banned_user_target: vec![group::BannedUserTarget {
                target_rpauid: &ban.banned,
                target_pduid: &pduid,
                extra: Vec::new(),
            }],
            ..Default::default()
        };
        send(self.config.pc2_application, &request, token, server.clone(), actions);
    }

    /// PDR type 7: a user of ours may monitor a code of the other network no longer. The outcome goes back with type 8.
    pub(in crate::registration::function::standard) fn monitoring_update(
        &mut self,
        now: Now,
        asked: &Asked,
        network: &Network,
        wish: &group::DiscoveryAuthRequest<'_>,
        entry: Option<u32>,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let message = asked.message.as_slice();
        let code = wish.prose_restricted_code.ok_or_else(missing::<ProseRestrictedCode>)?;
        let code: RestrictedCode = code
            .try_into()
            .map_err(|_| bad_value::<dictionary::DiscoveryAuthRequest>(message, "ProSe-Restricted-Code of 8 octets"))?;
        let banned = wish.banned_rpauid.ok_or_else(missing::<dictionary::BannedRpauid>)?;
        let pduid = wish.banned_pduid.ok_or_else(missing::<dictionary::BannedPduid>)?;
        let Some(imsi) = self.standard.restricted.monitored.remove(&(code, banned.into())) else {
            let why = "nobody here monitors the code under that name";
            return Err(Refusal::because(Code::DIAMETER_ERROR_NO_ASSOCIATED_RESTRICTED_CODE, why));
        };
        report(actions, "PDR type 7", format!("{imsi} may discover a user of {} no longer", network.plmn));
        let response = group::DiscoveryAuthResponse { discovery_type: wish.discovery_type, ..Default::default() };
        // Once the monitor is out of the store.
        let mut held = Vec::new();
        self.answer_discovery(asked, &response, entry, &mut held);
        let pause = Pause::Told("PDA type 8", format!("end of a monitor told to {}", network.host));
        to_network!(
            self,
            network,
            pause,
            &mut held,
            ProseDiscoveryRequest {
                discovery_auth_request: group::DiscoveryAuthRequest {
                    discovery_type: Type::MONITORING_RESPONSE_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY,
                    prose_restricted_code: Some(&code),
                    banned_rpauid: Some(banned),
                    banned_pduid: Some(pduid),
                    service_result: Some(group::ServiceResult {
                        service_result_code: Some(ResultCode::DIAMETER_SUCCESS),
                        ..Default::default()
                    }),
                    ..Default::default()
                },
                discovery_entry_id: entry,
            }
        );
        let gone = vec![key::monitored(&code, banned)];
        self.keep(now, Vec::new(), gone, Kept::Answer(asked.clone(), held), actions);
        Ok(())
    }

    /// PDR type 8: what has come of a ban of ours.
    pub(in crate::registration::function::standard) fn monitoring_response(
        &mut self,
        now: Now,
        asked: &Asked,
        network: &Network,
        wish: &group::DiscoveryAuthRequest<'_>,
        entry: Option<u32>,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let result = wish.service_result.as_ref().ok_or_else(missing::<dictionary::ServiceResult>)?;
        let known = entry.filter(|entry| {
            let ban = self.standard.restricted.bans.get(now.elapsed, entry);
            ban.is_some_and(|ban| same_host(&ban.host, &network.host) && wish.banned_rpauid == Some(&*ban.banned))
        });
        let Some(ban) = known.and_then(|entry| self.standard.restricted.bans.remove(&entry)) else {
            let why = "no ban waits for this report";
            return Err(Refusal::because(Code::DIAMETER_ERROR_NO_ASSOCIATED_RESTRICTED_CODE, why));
        };
        let response = group::DiscoveryAuthResponse { discovery_type: wish.discovery_type, ..Default::default() };
        self.answer_discovery(asked, &response, entry, actions);
        let done = result.service_result_code.is_none_or(|code| (2000..3000).contains(&code));
        self.ban_over(&ban, done, actions);
        Ok(())
    }
}
