//! Supported-Features: what a request insists on. TS 29.229 section 7.2, which PC4a, PC6 and PC7 take over.

use super::config::Identity;
use super::element::Action;
use super::exchange::failure;
use super::reply::{Asked, Outcome, body};
use crate::avp::AvpFlags;
use crate::avp::dictionary::{Declared, ExperimentalResultCode, SupportedFeatures, TGPP, group};
use crate::interfaces::pc4::hss as pc4a;

/// The features of list 1 that we have: on PC4a bit 0, Reset-ID, as far as sources tell.
const fn ours(application: u32) -> u32 {
    if application == pc4a::APPLICATION { 1 } else { 0 }
}

/// Whether a request insists (M bit) on features that we do not have; the answer says so, and which we have.
pub(super) fn refused(asked: &Asked, identity: &Identity, actions: &mut Vec<Action>) -> bool {
    let ours = ours(asked.header.application);
    let insists = body(&asked.message).map_while(Result::ok).any(|avp| {
        avp.key.0 == SupportedFeatures::KEY
            && avp.flags.0 & AvpFlags::MANDATORY != 0
            && SupportedFeatures::read(avp.data).is_some_and(|wanted| {
                let known = if (wanted.vendor_id, wanted.feature_list_id) == (TGPP, 1) { ours } else { 0 };
                wanted.feature_list & !known != 0
            })
    });
    if insists {
        let outcome = Outcome::tgpp(ExperimentalResultCode::DIAMETER_ERROR_FEATURE_UNSUPPORTED);
        failure(actions, "features", format!("{} insists on features we do not have", asked.sender.peer));
        let features =
            group::SupportedFeatures { vendor_id: TGPP, feature_list_id: 1, feature_list: ours, extra: Vec::new() };
        asked.reply(identity, outcome).with::<SupportedFeatures>(&features).send(actions);
    }
    insists
}
