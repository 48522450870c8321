//! The old function's part of a move: G1 hands the context out, CRR lets the UE go. Requirements F-4 and F-6.

use super::{After, Function, Step, Stop, seconds, subscription};
use crate::avp::Fault;
use crate::avp::dictionary::{
    ExperimentalResultCode, Pduid as PduidAvp, ProseFunctionAddress, ProseFunctionId, UeContext as UeContextAvp,
    UserName, group,
};
use crate::interfaces::pc4::function as pc4;
use crate::message::Command;
use crate::registration::config::{FunctionPeer, same_host};
use crate::registration::element::{Action, Now, Report};
use crate::registration::exchange::{address_avps, failure};
use crate::registration::identifiers::{Fqdn, FunctionAddress, Imsi, Pduid, UnixSeconds};
use crate::registration::reply::{Asked, Outcome, bad_value};
use crate::store::{ContextReader, MovedFrom, Stored, Subscription, UeContext, UeState};

impl<R: ContextReader> Function<R> {
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
        if imsi.is_some_and(|imsi| self.turns.is_abroad(imsi)) {
            return Ok(self.fetching(asked, actions));
        }
        let Some(stored) = self.context_of(asked, request.pduid, "G1", actions)? else { return Ok(Step::Over) };
        if self.turns.is_abroad(stored.context.imsi) {
            return Ok(self.fetching(asked, actions));
        }
        if let UeState::Moved { to, .. } = &stored.context.state {
            // Who asks for it himself may have lost it: it has nothing to go on to.
            let outcome = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_USER_UNKNOWN);
            failure(actions, "G1", format!("{} has moved on to {to} already", stored.context.imsi));
            if peer.is_at(to) {
                asked.reply(&self.identity, outcome).send(actions);
            } else {
                self.moved_on(asked, to, actions);
            }
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
        // As long as nobody confirms, the context is the UE's only one: it lives no shorter than its ID1.
        let forget_after = seconds(now).plus(self.config.move_hold).max(context.id1.valid_until);
        let writes = vec![self.put(context, Some(&stored), Some(forget_after))];
        Ok(Step::Write { writes, held, after: After::Nothing })
    }

    /// G2.
    fn message_g2(&self, now: Now, asked: &Asked, context: &UeContext) -> Action {
        let user = context.imsi.reveal();
        let msisdn = context.msisdn.map(|msisdn| msisdn.to_tbcd());
        let plmns = subscription::plmn_octets(&context.subscription);
        // The present ID1, also when an earlier one was asked for: it is what app servers know.
        let id1 = context.id1.id1.to_octets();
        let valid = seconds(now).until(context.id1.valid_until);
        let known = self.known(context);
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
        let context = &stored.context;
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
                let text = format!("{imsi} is served by {to} now");
                let (context, forget_after) = self.remembrance(now, context, to.clone());
                let held = vec![Action::Report(Report { step: "F-6", text, failure: false }), success];
                let (mark, purge) = self.purge_mark(now, imsi, stored.context.id1.id1);
                let writes = vec![self.put(context, Some(&stored), Some(forget_after)), mark];
                Ok(Step::Write { writes, held, after: After::Gone(imsi, purge) })
            }
            UeState::Moved { to, .. } if peer.is_at(to) => {
                actions.push(success);
                Ok(Step::Over)
            }
            state => {
                let to = match state {
                    UeState::Registered => &self.address,
                    UeState::Moving { to, .. } | UeState::Moved { to, .. } => to,
                };
                failure(actions, "F-6", format!("release of {imsi} refused: it is at {to}, not at {}", peer.host));
                self.moved_on(asked, to, actions);
                Ok(Step::Over)
            }
        }
    }

    /// G1 while we ask for the same UE ourselves.
    fn fetching(&self, asked: &Asked, actions: &mut Vec<Action>) -> Step {
        let why = "this function is fetching the same UE: try again";
        failure(actions, "G1", why);
        asked.reply(&self.identity, Outcome::TOO_BUSY).because(why).send(actions);
        Step::Over
    }

    /// What stays of a UE that is served elsewhere, and until when: where it is, for as long as the UE itself may believe to
    /// be here. Its message 6 from there may have been lost, and who forgot it too soon would become a second owner.
    pub(super) fn remembrance(&self, now: Now, context: &UeContext, to: FunctionAddress) -> (UeContext, UnixSeconds) {
        let own = context.id1.valid_until.plus(self.config.retention);
        let forget_after = seconds(now).plus(self.config.moved_memory).max(own);
        let context = UeContext {
            imsi: context.imsi,
            msisdn: None,
            id1: context.id1,
            previous_id1: context.previous_id1.clone(),
            subscription: Subscription::default(),
            bindings: Vec::new(),
            state: UeState::Moved { to, forget_after },
            moved_from: None,
        };
        (context, forget_after)
    }

    /// The UE is elsewhere: the answer names where.
    pub(super) fn moved_on(&self, asked: &Asked, to: &FunctionAddress, actions: &mut Vec<Action>) {
        let (name, address) = address_avps(to);
        asked
            .reply(&self.identity, Outcome::MOVING)
            .with_option::<ProseFunctionId>(name.as_ref())
            .with_option::<ProseFunctionAddress>(address.as_ref())
            .because(&format!("the UE is at {to}"))
            .send(actions);
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
