//! Queries of model B in another network: PDR type 6 before the targets are sought. TS 29.345 5.3, TS 23.303 5.3.3A.

use super::super::{Function, Network, Pause, Procedure, number_of, refusal, to_network, user_identity};
use super::Seeking;
use crate::avp::dictionary::{DiscoveryType as Type, group};
use crate::registration::element::{Action, NoAnswer, Now};
use crate::registration::identifiers::{Imsi, Pduid};
use crate::registration::reply::Outcome;
use crate::store::ContextReader;

/// PDR type 6 under way, and who is sought after it.
#[derive(Debug)]
pub(in crate::registration::function) struct Queries {
    procedure: Procedure,
    imsi: Imsi,
    sought: Vec<(Seeking, Pduid)>,
}

impl<R: ContextReader> Function<R> {
    /// PDR type 6: may the UE send queries in the other network?
    pub(super) fn query_there(
        &mut self,
        procedure: Procedure,
        imsi: Imsi,
        rpauid: &str,
        network: &Network,
        sought: Vec<(Seeking, Pduid)>,
        actions: &mut Vec<Action>,
    ) {
        let number = match self.allowed_ue(imsi, 0).and_then(|stored| number_of(&stored)) {
            Ok(number) => number,
            Err(why) => return self.refuse(procedure, "PDR", why, actions),
        };
        let entry = self.standard.discovery.next_entry();
        to_network!(
            self,
            network,
            Pause::Queries(Queries { procedure, imsi, sought }),
            actions,
            ProseDiscoveryRequest {
                discovery_auth_request: group::DiscoveryAuthRequest {
                    discovery_type: Type::DISCOVERER_ANNOUNCING_REQUEST_FOR_RESTRICTED_PROSE_DIRECT_DISCOVERY,
                    user_identity: Some(user_identity(&number)),
                    requesting_rpauid: Some(rpauid),
                    ..Default::default()
                },
                discovery_entry_id: Some(entry),
            }
        );
    }

    /// PDA type 6.
    pub(in crate::registration::function::standard) fn queries_allowed(
        &mut self,
        now: Now,
        queries: Queries,
        result: Result<&[u8], NoAnswer>,
        actions: &mut Vec<Action>,
    ) {
        let Queries { procedure, imsi, sought } = queries;
        if !Outcome::of_result(result).is_success() {
            let why = format!("{imsi} may not send queries there: {}", refusal(result));
            return self.refuse(procedure, "PDA", why, actions);
        }
        self.seek_all(now, sought, actions);
    }

    pub(super) fn seek_all(&mut self, now: Now, sought: Vec<(Seeking, Pduid)>, actions: &mut Vec<Action>) {
        for (seeking, pduid) in sought {
            self.seek(now, seeking, pduid, actions);
        }
    }
}
