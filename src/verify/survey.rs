//! One walk over the AVPs of a message for all that the rooms of this module ask about.

use std::hash::Hasher as _;

use crate::avp::dictionary::{
    ExperimentalResult, ExperimentalResultCode, FailedAvp, OriginHost, OriginStateId, ProxyInfo, ResultCode, SessionId,
    SubscriptionData, UserName,
};
use crate::avp::{Avps, Key};
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
    /// The first AVP whose reserved flags are set.
    pub reserved: Option<(Key, u8)>,
    /// The first AVP whose padding is not zero.
    pub padding: Option<Key>,
    /// The first AVP that lacks its padding.
    pub unpadded: Option<Key>,
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

    /// True when something is odd about its AVPs that no grammar tells.
    pub const fn is_odd(&self) -> bool {
        self.session_late || self.reserved.is_some() || self.padding.is_some() || self.unpadded.is_some()
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
            if avp.flags.0 & 0x1f != 0 && survey.reserved.is_none() {
                survey.reserved = Some((avp.key, avp.flags.0 & 0x1f));
            }
            if !avp.data.len().is_multiple_of(4) {
                let padding = avp.padding();
                if padding.iter().any(|octet| *octet != 0) {
                    survey.padding.get_or_insert(avp.key);
                }
                if !(avp.length() + padding.len()).is_multiple_of(4) {
                    survey.unpadded.get_or_insert(avp.key);
                }
            }
        }
        survey
    }
}
