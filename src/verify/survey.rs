//! One walk over the AVPs of a message for all that the rooms of this module ask about.

use std::hash::Hasher as _;

use crate::avp::Avps;
use crate::avp::dictionary::{
    ExperimentalResult, ExperimentalResultCode, FailedAvp, OriginHost, OriginStateId, ProxyInfo, ResultCode, SessionId,
    SubscriptionData, UserName,
};
use crate::folding::FoldingHasher;
use crate::message::HEADER_LENGTH;

/// What stands in a message, at its top level.
#[derive(Default)]
pub(super) struct Survey<'a> {
    pub session: Option<&'a [u8]>,
    /// True when an AVP stands before the Session-Id.
    pub session_late: bool,
    pub origin_host: Option<&'a [u8]>,
    pub user_name: Option<&'a [u8]>,
    pub result: Option<u32>,
    pub experimental: Option<u32>,
    pub failed: bool,
    pub origin_state: Option<u32>,
    /// A digest of all Proxy-Info; zero without.
    pub proxies: u64,
    /// True with Subscription-Data.
    pub subscription: bool,
}

pub(super) fn number(data: &[u8]) -> Option<u32> {
    data.try_into().ok().map(u32::from_be_bytes)
}

/// A digest of octets; zero for none.
pub(super) fn digest(octets: Option<&[u8]>) -> u64 {
    octets.map_or(0, |octets| {
        let mut hasher = FoldingHasher::default();
        hasher.write(octets);
        hasher.finish() | 1
    })
}

impl<'a> Survey<'a> {
    /// Takes in a Proxy-Info.
    pub fn proxy(&mut self, data: &[u8]) {
        self.proxies = self.proxies.rotate_left(7) ^ digest(Some(data));
    }

    pub fn of(message: &'a [u8]) -> Self {
        let mut survey = Self::default();
        let mut first = true;
        for avp in Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default()).map_while(Result::ok) {
            match avp.key.0 {
                SessionId::KEY if survey.session.is_none() => {
                    survey.session = Some(avp.data);
                    survey.session_late = !first;
                }
                OriginHost::KEY => survey.origin_host = Some(avp.data),
                UserName::KEY => survey.user_name = Some(avp.data),
                ResultCode::KEY => survey.result = number(avp.data),
                ExperimentalResult::KEY => {
                    let code =
                        avp.members().map_while(Result::ok).find(|member| member.key.0 == ExperimentalResultCode::KEY);
                    survey.experimental = Some(code.and_then(|code| number(code.data)).unwrap_or_default());
                }
                FailedAvp::KEY => survey.failed = true,
                OriginStateId::KEY => survey.origin_state = number(avp.data),
                ProxyInfo::KEY => survey.proxy(avp.data),
                SubscriptionData::KEY => survey.subscription = true,
                _ => {}
            }
            first = false;
        }
        survey
    }
}
