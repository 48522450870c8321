//! What a function says when a UE has gone: PXR of type 0 with Context-Move DEREGISTERED. The user stays known and keeps
//! the ID2; only the UE is no longer theirs.

use super::{AppServer, Step, id2_of};
use crate::avp::Fault;
use crate::avp::dictionary::{
    ExperimentalResultCode, OriginAppLayerUserId, Pduid as PduidAvp, ProseAppId, ProseFunctionAddress, ProseFunctionId,
};
use crate::interfaces::pc2;
use crate::message::Command;
use crate::registration::config::same_host;
use crate::registration::element::{Action, Report};
use crate::registration::exchange::failure;
use crate::registration::identifiers::{FunctionAddress, Pduid};
use crate::registration::reply::{Asked, Outcome, address_of, bad_value, missing, optional, required};
use crate::store::{Condition, ContextReader, StoreError, StoredUser, UserReader, Write};

type Request<'a> = pc2::ProXimityActionRequest<'a>;

/// A farewell as far as it can be read.
struct Farewell<'a> {
    origin_host: &'a str,
    id2: &'a str,
    application: &'a str,
    id1: Pduid,
    function: FunctionAddress,
}

impl<'a> Farewell<'a> {
    fn of(request: &Request<'a>, message: &'a [u8]) -> Result<Self, Fault> {
        let address = optional::<ProseFunctionAddress>(&request.extra, message)?;
        let function =
            address_of::<ProseFunctionId, ProseFunctionAddress>(message, request.prose_function_id, address)?;
        Ok(Self {
            origin_host: request.origin_host,
            id2: request.origin_app_layer_user_id.ok_or_else(missing::<OriginAppLayerUserId>)?,
            application: request.prose_app_id.ok_or_else(missing::<ProseAppId>)?,
            id1: Pduid::from_octets(required::<PduidAvp>(&request.extra, message)?)
                .map_err(|_| bad_value::<PduidAvp>(message, "PDUID of 8 octets"))?,
            function: function.ok_or_else(missing::<ProseFunctionId>)?,
        })
    }
}

impl<R: UserReader + ContextReader> AppServer<R> {
    /// Takes leave of a UE: only the function that serves it may say so, and what is gone already is gone.
    pub(super) fn farewell(&self, asked: &Asked, actions: &mut Vec<Action>) -> Result<Step, StoreError> {
        let message = asked.message.as_slice();
        let read =
            Request::decode(message).and_then(|request| Farewell::of(&request, message).map_err(|fault| vec![fault]));
        let wish = match read {
            Ok(wish) => wish,
            Err(faults) => {
                asked.refuse(&self.identity, &faults, actions);
                return Ok(Step::Over);
            }
        };
        let peer = asked.sender.peer.as_str();
        let stored = match id2_of(wish.id2) {
            Some(id2) => self.reader.user(wish.application, &id2)?,
            None => None,
        };
        let mut refuse = |code, why: &str| {
            let outcome = Outcome::tgpp(code);
            failure(actions, "farewell", format!("of {peer} refused: {why}; {outcome}"));
            asked.reply(&self.identity, outcome).because(why).send(actions);
            Ok(Step::Over)
        };
        let Some(StoredUser { version, mut registration }) = stored else {
            return refuse(ExperimentalResultCode::DIAMETER_ERROR_ORIGIN_ALUID_UNKNOWN, "ID2 is unknown");
        };
        if !same_host(peer, wish.origin_host) || !self.is_host(&wish.function, peer) {
            return refuse(ExperimentalResultCode::DIAMETER_ERROR_PFID_UNKNOWN, "the function named is not the peer");
        }
        let Some(at) = registration.ues.iter().position(|ue| ue.id1 == wish.id1) else {
            asked.reply(&self.identity, Outcome::SUCCESS).send(actions);
            return Ok(Step::Over);
        };
        if !registration.ues.get(at).is_some_and(|ue| same_host(&ue.function, peer)) {
            return refuse(ExperimentalResultCode::DIAMETER_ERROR_PFID_UNKNOWN, "another function serves the UE");
        }
        registration.ues.remove(at);
        let text = format!("ID2 {} has no UE with ID1 {} any more", wish.id2, wish.id1);
        let held = vec![
            Action::Report(Report { step: "farewell", text, failure: false }),
            asked.reply(&self.identity, Outcome::SUCCESS).action(),
        ];
        let write = Write::PutUser { registration: Box::new(registration), condition: Condition::Version(version) };
        Ok(Step::Write { write, held })
    }
}
