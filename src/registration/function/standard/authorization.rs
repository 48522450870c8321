//! What a user may do in another network: PAR and PAA, both ways. TS 29.345 5.2.

use super::{
    Expiring, Function, Network, Pause, Procedure, Refusal, number_of, read_answer, refusal, says, to_network,
};
use super::{user_identity, user_of};
use crate::avp::dictionary::ExperimentalResultCode as Code;
use crate::avp::dictionary::{
    AuthorizedDiscoveryRange, PnrFlags, ProseDirectAllowed, ValidityTimeAnnounce, ValidityTimeCommunication,
    ValidityTimeMonitor, VisitedPlmnId,
};
use crate::interfaces::pc6;
use crate::message::Command;
use crate::registration::element::{Action, NoAnswer, Now};
use crate::registration::exchange::report;
use crate::registration::identifiers::{Imsi, PlmnId};
use crate::registration::reply::{Asked, Outcome, bad_value};
use crate::store::ContextReader;

/// What other networks allow our UEs.
#[derive(Debug)]
pub(super) struct State {
    granted: Expiring<(Imsi, [u8; 3]), u32>,
}

impl State {
    pub fn new(most: usize) -> Self {
        Self { granted: Expiring::new(most) }
    }

    pub fn sweep(&mut self, now: std::time::Duration) {
        self.granted.sweep(now);
    }
}

/// PAR under way.
#[derive(Debug)]
pub(in crate::registration::function) struct Asking {
    procedure: Procedure,
    imsi: Imsi,
    plmn: PlmnId,
}

impl<R: ContextReader> Function<R> {
    /// Asks the function of the network `plmn` what the UE `imsi` may do there: PAR. The news carries what PAA says.
    pub fn authorize(&mut self, imsi: Imsi, plmn: PlmnId, actions: &mut Vec<Action>) -> Procedure {
        let procedure = self.standard.procedures.begin();
        let begun = self.allowed_ue(imsi, 0).and_then(|stored| number_of(&stored)).and_then(|number| {
            let network = self.network_of(plmn).cloned();
            Ok((number, network.ok_or_else(|| format!("no function of {plmn} is configured"))?))
        });
        match begun {
            Ok((number, network)) => {
                let visited = plmn.to_octets();
                let pause = Pause::Authorization(Asking { procedure, imsi, plmn });
                to_network!(
                    self,
                    network,
                    pause,
                    actions,
                    ProseAuthorizationRequest { user_identity: user_identity(&number), visited_plmn_id: &visited }
                );
            }
            Err(why) => self.refuse(procedure, "PAR", why, actions),
        }
        procedure
    }

    /// ProSe-Direct-Allowed of a UE in another network, as long as PAA said it may be used.
    #[must_use]
    pub fn granted(&self, now: Now, imsi: Imsi, plmn: PlmnId) -> Option<u32> {
        self.standard.authorization.granted.get(now.elapsed, &(imsi, plmn.to_octets())).copied()
    }

    /// PAA. Where a network takes back what it allowed, the HSS is told (PNR).
    pub(super) fn authorized(
        &mut self,
        now: Now,
        asking: Asking,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let Asking { procedure, imsi, plmn } = asking;
        let key = (imsi, plmn.to_octets());
        if says(result, Code::DIAMETER_ERROR_UNAUTHORIZED_SERVICE_IN_THIS_PLMN) {
            let withdrawn = self.standard.authorization.granted.remove(&key).is_some();
            self.refuse(procedure, "PAA", format!("{imsi} may do nothing in {plmn}: {}", refusal(result)), actions);
            if withdrawn {
                let flags = PnrFlags::DIRECT_DISCOVERY_REVOKED | PnrFlags::DIRECT_COMMUNICATION_REVOKED;
                self.revocation(imsi, plmn, flags, actions);
            }
            return;
        }
        let answer = match read_answer::<pc6::ProseAuthorizationAnswer<'_>>(result) {
            Ok(answer) => answer,
            Err(why) => return self.refuse(procedure, "PAA", format!("{plmn} and {imsi}: {why}"), actions),
        };
        let allowed = answer.prose_direct_allowed.unwrap_or_default();
        let times = [
            ("Validity-Time-Announce", answer.validity_time_announce),
            ("Validity-Time-Monitor", answer.validity_time_monitor),
            ("Validity-Time-Communication", answer.validity_time_communication),
            ("Authorized-Discovery-Range", answer.authorized_discovery_range),
        ];
        let longest = times.iter().take(3).filter_map(|(_, time)| *time).max().unwrap_or_default();
        let until = Self::window_end(now, longest);
        self.standard.authorization.granted.remember(now.elapsed, until, key, allowed);
        let mut details = vec![("ProSe-Direct-Allowed", format!("{allowed:#x}"))];
        details.extend(times.into_iter().filter_map(|(name, value)| Some((name, value?.to_string()))));
        self.tell(procedure, "PAA", Ok(format!("{imsi} may use {allowed:#x} in {plmn}")), details, actions);
    }

    /// PAR: what a user of another network may do in ours.
    pub(super) fn authorization_request(
        &mut self,
        asked: &Asked,
        network: &Network,
        actions: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let request = pc6::ProseAuthorizationRequest::decode(&asked.message)?;
        user_of(&asked.message, &request.user_identity)?;
        let visited = PlmnId::from_slice(request.visited_plmn_id)
            .map_err(|_| bad_value::<VisitedPlmnId>(&asked.message, "three octets of a PLMN"))?;
        let refused = Code::DIAMETER_ERROR_UNAUTHORIZED_SERVICE_IN_THIS_PLMN;
        if visited != self.config.plmn {
            return Err(Refusal::because(refused, format!("{visited} is not the network of this function")));
        }
        let allowed = network.direct_allowed;
        if allowed == 0 {
            return Err(Refusal::because(refused, format!("users of {} may do nothing here", network.plmn)));
        }
        report(actions, "PAA", format!("a user of {} may use {allowed:#x} here", network.plmn));
        let may = |bits: u32| (allowed & bits != 0).then_some(network.validity);
        use ProseDirectAllowed as Bit;
        asked
            .reply(&self.identity, Outcome::SUCCESS)
            .with::<ProseDirectAllowed>(&allowed)
            .with_option::<ValidityTimeAnnounce>(may(Bit::ANNOUNCE | Bit::RESTRICTED_ANNOUNCE).as_ref())
            .with_option::<ValidityTimeMonitor>(may(Bit::MONITOR | Bit::RESTRICTED_MONITORING).as_ref())
            .with_option::<ValidityTimeCommunication>(may(Bit::COMMUNICATION | Bit::ONE_TO_ONE_COMMUNICATION).as_ref())
            .with_option::<AuthorizedDiscoveryRange>(network.discovery_range.as_ref())
            .send(actions);
        Ok(())
    }
}
