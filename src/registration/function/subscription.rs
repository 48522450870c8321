//! The rest of PC4a: what the HSS tells (UPR, RSR) and what it is told or asked (PNR, PSR). TS 29.344.

use super::deliveries::Parcel;
use super::lifecycle::{Cause, KeyAndHost};
use super::moving::parse_key;
use super::tell::Leaving;
use super::{After, Function, Step, Stop, Waiting, seconds};
use crate::avp::dictionary::{
    ExperimentalResultCode, PnrFlags, ProseSubscriptionData, UprFlags, UserName, VisitedPlmnId, group,
};
use crate::interfaces::pc4::hss as pc4a;
use crate::message::Command;
use crate::registration::config::same_host;
use crate::registration::element::{Action, NoAnswer, Now, Report};
use crate::registration::exchange::{NO_STATE, failure, report, send, vendor_specific};
use crate::registration::identifiers::{Imsi, Pduid, PlmnId};
use crate::registration::reply::{Asked, Outcome, bad_value, missing, silence};
use crate::store::{AllowedPlmn, ContextReader, Cursor, Subscription, UeContext, UeState, Write};

/// Key prefix of the UEs that have gone and of which the HSS has yet to hear so.
pub(super) const PURGES: &str = "purge/";
/// For how long it is told, in seconds.
const PURGE_HOLD: u64 = 24 * 3600;

impl<R: ContextReader> Function<R> {
    /// Whether a request comes from the HSS; if not, the answer says so.
    fn is_from_hss(&self, asked: &Asked, actions: &mut Vec<Action>) -> bool {
        let hss = &self.config.hss;
        let proven = match &hss.host {
            Some(host) => same_host(host, &asked.sender.peer),
            None => same_host(&hss.realm, &asked.sender.realm),
        };
        if !proven {
            let why = format!("{} is not the HSS of this function", asked.sender.peer);
            failure(actions, "PC4a", &why);
            asked.reply(&self.identity, Outcome::REJECTED).because(&why).send(actions);
        }
        proven
    }

    /// UPR: a subscription has changed or is gone. The answer waits for the write.
    pub(super) fn subscription_change(
        &mut self,
        now: Now,
        asked: &Asked,
        actions: &mut Vec<Action>,
    ) -> Result<Step, Stop> {
        let request = match pc4a::UpdateProseSubscriberDataRequest::decode(&asked.message) {
            Ok(request) => request,
            Err(faults) => {
                asked.refuse(&self.identity, &faults, actions);
                return Ok(Step::Over);
            }
        };
        if !self.is_from_hss(asked, actions) {
            return Ok(Step::Over);
        }
        let Ok(imsi) = request.user_name.parse::<Imsi>() else {
            let fault = bad_value::<UserName>(&asked.message, "IMSI of 6 to 15 digits");
            asked.refuse(&self.identity, &[fault], actions);
            return Ok(Step::Over);
        };
        let stored = self.reader.get(imsi)?;
        let Some(stored) = stored.filter(|it| !matches!(it.context.state, UeState::Moved { .. })) else {
            let outcome = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN);
            failure(actions, "UPR", format!("{imsi} is unknown here"));
            asked.reply(&self.identity, outcome).send(actions);
            return Ok(Step::Over);
        };
        let success = asked.reply(&self.identity, Outcome::SUCCESS).action();
        let flags = request.upr_flags;
        if flags & UprFlags::REMOVAL != 0 {
            return Ok(self.part(now, &stored, Cause::Removed, Some(success)));
        }
        let mut context = stored.context.clone();
        let subscription = &mut context.subscription;
        if flags & UprFlags::UPDATE != 0 {
            if request.prose_subscription_data.is_none() && request.visited_plmn_id.is_none() {
                asked.refuse(&self.identity, &[missing::<ProseSubscriptionData>()], actions);
                return Ok(Step::Over);
            }
            if let Some(data) = &request.prose_subscription_data {
                subscription.permission = data.prose_permission;
                subscription.allowed_plmns = allowed_plmns(data);
            }
            if let Some(visited) = request.visited_plmn_id {
                let Ok(visited) = PlmnId::from_slice(visited) else {
                    let fault = bad_value::<VisitedPlmnId>(&asked.message, "three octets of a PLMN");
                    asked.refuse(&self.identity, &[fault], actions);
                    return Ok(Step::Over);
                };
                subscription.visited_plmn = Some(visited);
            }
        }
        if flags & UprFlags::RESET_ID_UPDATE != 0 {
            subscription.reset_ids = request.reset_id.iter().map(|id| Box::from(*id)).collect();
        }
        if flags & UprFlags::RESET_ID_REMOVAL != 0 {
            subscription.reset_ids.clear();
        }
        let permission = subscription.permission;
        let text = format!("{imsi} has permission {permission:#x} now");
        let held = vec![Action::Report(Report { step: "UPR", text, failure: false }), success];
        let (mut writes, farewells) = self.without_service(now, &mut context);
        writes.insert(0, self.put(context, Some(&stored), stored.expires_at));
        Ok(Step::Write { writes, held, after: After::Changed { imsi, permission, farewells } })
    }

    /// The HSS has refused a UE that has a context: its bindings end, and binds of it are refused from now on.
    pub(super) fn withdraw(&self, now: Now, imsi: Imsi) -> Result<Step, Stop> {
        let Some(stored) = self.reader.get(imsi)? else { return Ok(Step::Over) };
        if stored.context.subscription.permission == 0 {
            return Ok(Step::Over);
        }
        let mut context = stored.context.clone();
        context.subscription.permission = 0;
        let text = format!("{imsi} may use ProSe no longer");
        let held = vec![Action::Report(Report { step: "F-2", text, failure: true })];
        let (mut writes, farewells) = self.without_service(now, &mut context);
        writes.insert(0, self.put(context, Some(&stored), stored.expires_at));
        Ok(Step::Write { writes, held, after: After::Changed { imsi, permission: 0, farewells } })
    }

    /// Ends the bindings of a UE that may use none of our services any more: its app servers are to hear so.
    fn without_service(&self, now: Now, context: &mut UeContext) -> (Vec<Write>, Vec<KeyAndHost>) {
        if context.subscription.permission & self.config.services != 0 {
            return (Vec::new(), Vec::new());
        }
        let (imsi, id1) = (context.imsi, context.id1.id1);
        context.bindings.drain(..).map(|binding| self.farewell(now, imsi, id1, &binding)).unzip()
    }

    /// RSR: the HSS has restarted. Every message 5 asks it anew, so nothing has to be marked.
    pub(super) fn reset_request(&self, asked: &Asked, actions: &mut Vec<Action>) {
        match pc4a::ResetRequest::decode(&asked.message) {
            Err(faults) => asked.refuse(&self.identity, &faults, actions),
            Ok(request) => {
                if self.is_from_hss(asked, actions) {
                    report(actions, "RSR", format!("{} has restarted", request.origin_host));
                    asked.reply(&self.identity, Outcome::SUCCESS).send(actions);
                }
            }
        }
    }

    /// Marks that the HSS has yet to hear that a UE has gone: the write, and its key.
    pub(super) fn purge_mark(&self, now: Now, imsi: Imsi, id1: Pduid) -> (Write, Box<str>) {
        let key = format!("{PURGES}{:016x}/{id1}", imsi.packed());
        let until = seconds(now).plus(PURGE_HOLD).0;
        (Write::PutValue { key: key.clone(), value: until.to_be_bytes().to_vec(), expected: None }, key.into())
    }

    /// What messages to the HSS queue under.
    pub(super) fn hss_lane(&self) -> String {
        self.config.hss.host.clone().unwrap_or_else(|| self.config.hss.realm.clone())
    }

    /// PNR: the HSS learns that a UE has gone, unless it has come back meanwhile.
    pub(super) fn send_purge(&mut self, now: Now, parcel: &Parcel, actions: &mut Vec<Action>) -> Leaving {
        let Parcel::Purge { key } = parcel else { return Leaving::Over };
        let Some((imsi, _)) = parse_key(PURGES, key) else { return Leaving::Over };
        let read = self.reader.value(key).and_then(|mark| Ok((mark, self.reader.get(imsi)?)));
        let (mark, stored) = match read {
            Ok(read) => read,
            Err(why) => return Leaving::Later(why.to_string()),
        };
        let until = mark.and_then(|mark| mark.try_into().ok()).map(u64::from_be_bytes);
        let is_here = stored.is_some_and(|stored| !matches!(stored.context.state, UeState::Moved { .. }));
        match until {
            None => return Leaving::Over,
            Some(_) if is_here => return Leaving::Over,
            Some(until) if until <= seconds(now).0 => {
                failure(actions, "PNR", format!("the HSS never heard that {imsi} has gone"));
                return Leaving::Over;
            }
            Some(_) => {}
        }
        let session = self.sessions.next();
        let user = imsi.reveal();
        let token = self.pending.insert_patient(Waiting::Parcel(parcel.clone(), Cursor::START));
        let request = pc4a::ProseNotifyRequest {
            session_id: &session,
            vendor_specific_application_id: Some(vendor_specific(pc4a::APPLICATION)),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: self.config.hss.host.as_deref(),
            destination_realm: &self.config.hss.realm,
            user_name: Some(&user),
            pnr_flags: Some(PnrFlags::PURGED_UE),
            ..Default::default()
        };
        send(pc4a::APPLICATION, &request, token, self.config.hss.clone(), actions);
        Leaving::Sent
    }

    /// PNA to a purge. What the HSS refuses for good it need not be told again.
    pub(super) fn purged(&mut self, now: Now, parcel: &Parcel, outcome: Outcome, actions: &mut Vec<Action>) {
        if outcome.is_transient() {
            let attempt = self.deliveries.in_vain(parcel);
            return self.later(now, parcel, &outcome.to_string(), attempt, actions);
        }
        if let Parcel::Purge { key } = parcel
            && let Some((imsi, _)) = parse_key(PURGES, key)
        {
            let text = format!("purge of {imsi}: {outcome}");
            if outcome.is_success() { report(actions, "PNA", text) } else { failure(actions, "PNA", text) }
        }
        self.over(parcel, actions);
    }

    /// PNR: a network has taken back what a UE may do in it; `flags` are the revocation bits of PNR-Flags.
    pub fn revocation(&mut self, imsi: Imsi, plmn: PlmnId, flags: u32, actions: &mut Vec<Action>) {
        let session = self.sessions.next();
        let user = imsi.reveal();
        let visited = plmn.to_octets();
        let what = format!("revocation of {imsi} in {plmn}");
        let token = self.pending.insert(Waiting::Told { step: "PNA", what });
        let request = pc4a::ProseNotifyRequest {
            session_id: &session,
            vendor_specific_application_id: Some(vendor_specific(pc4a::APPLICATION)),
            auth_session_state: NO_STATE,
            origin_host: &self.identity.host,
            origin_realm: &self.identity.realm,
            destination_host: self.config.hss.host.as_deref(),
            destination_realm: &self.config.hss.realm,
            user_name: Some(&user),
            visited_plmn_id: Some(&visited),
            pnr_flags: Some(flags & (PnrFlags::DIRECT_DISCOVERY_REVOKED | PnrFlags::DIRECT_COMMUNICATION_REVOKED)),
            ..Default::default()
        };
        send(pc4a::APPLICATION, &request, token, self.config.hss.clone(), actions);
    }
}

/// An answer that is only told.
pub(super) fn told(step: &'static str, what: &str, result: Result<&[u8], NoAnswer>, actions: &mut Vec<Action>) {
    let outcome = Outcome::of_result(result);
    match result {
        Ok(_) if outcome.is_success() => report(actions, step, format!("{what}: {outcome}")),
        Ok(_) => failure(actions, step, format!("{what}: {outcome}")),
        Err(why) => failure(actions, step, format!("{what}: {}", silence(why))),
    }
}

/// What PIA says.
pub(super) fn read(answer: &pc4a::ProseSubscriberInformationAnswer<'_>) -> Subscription {
    let data = answer.prose_subscription_data.as_ref();
    Subscription {
        permission: data.map_or(0, |data| data.prose_permission),
        allowed_plmns: data.map(allowed_plmns).unwrap_or_default(),
        visited_plmn: answer.visited_plmn_id.and_then(|octets| PlmnId::from_slice(octets).ok()),
        hss: Some(answer.origin_host.into()),
        reset_ids: answer.reset_id.iter().map(|id| Box::from(*id)).collect(),
    }
}

fn allowed_plmns(data: &group::ProseSubscriptionData<'_>) -> Vec<AllowedPlmn> {
    let read = |allowed: &group::ProseAllowedPlmn<'_>| AllowedPlmn {
        plmn: allowed.visited_plmn_id.and_then(|octets| PlmnId::from_slice(octets).ok()),
        discovery_range: allowed.authorized_discovery_range,
        direct_allowed: allowed.prose_direct_allowed,
    };
    data.prose_allowed_plmn.iter().map(read).collect()
}

/// The octets that [`write`] borrows.
pub(super) fn plmn_octets(subscription: &Subscription) -> Vec<Option<[u8; 3]>> {
    subscription.allowed_plmns.iter().map(|allowed| allowed.plmn.map(PlmnId::to_octets)).collect()
}

/// ProSe-Subscription-Data as G2 carries it.
pub(super) fn write<'a>(subscription: &Subscription, plmns: &'a [Option<[u8; 3]>]) -> group::ProseSubscriptionData<'a> {
    let allowed = subscription.allowed_plmns.iter().zip(plmns).map(|(allowed, plmn)| group::ProseAllowedPlmn {
        visited_plmn_id: plmn.as_ref().map(<[u8; 3]>::as_slice),
        authorized_discovery_range: allowed.discovery_range,
        prose_direct_allowed: allowed.direct_allowed,
        extra: Vec::new(),
    });
    group::ProseSubscriptionData {
        prose_permission: subscription.permission,
        prose_allowed_plmn: allowed.collect(),
        ..Default::default()
    }
}
