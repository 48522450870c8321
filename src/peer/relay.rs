//! The relay agent: a request goes on with a Route-Record, its answer goes back as it came. RFC 6733 sections 2.8.1,
//! 6.1 and 6.2.
//!
//! ```text
//!   request   Hop-by-Hop of the sender kept, replaced at the next hop   answer   given back
//!             End-to-End, AVPs, unknown ones too                                 End-to-End, AVPs untouched
//!             + Route-Record (whom it came from)                                 nothing added
//!             + Proxy-Info, when wanted                                          - that Proxy-Info
//! ```
//!
//! A message is never decoded and encoded again: one copy, and what is added stands behind it.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use super::answers;
use super::routing::Facts;
use crate::avp::dictionary::{
    Declared, ProxyHost, ProxyInfo, ProxyState, ResultCode, RouteRecord, write_avp, write_raw,
};
use crate::avp::{Avps, Fault, FaultKind, fault};
use crate::message::declare::finish_message;
use crate::message::{HEADER_LENGTH, Header, find};

/// The longest that one AVP makes a message: Route-Record with a name of 255 octets.
const RECORD_LENGTH: usize = 8 + 256;

/// Octets of our Proxy-State: a number, and a MAC over it.
const STATE_LENGTH: usize = 16;

/// A relay agent's rules, without its tables.
#[derive(Clone, Debug)]
pub struct Relay {
    identity: String,
    realm: String,
    /// Our Proxy-Info with a state of zeros at its end, when one is to be added.
    proxy_info: Option<Vec<u8>>,
    key: [u8; 16],
}

/// An answer on its way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The whole answer.
    pub message: Vec<u8>,
    /// What is odd about it, when something is.
    pub odd: Option<&'static str>,
}

impl Relay {
    /// A relay of this name and realm. `proxy_info` adds a Proxy-Info to every request, its Proxy-State protected by
    /// `key`.
    #[must_use]
    pub fn new(identity: &str, realm: &str, proxy_info: bool, key: [u8; 16]) -> Self {
        let proxy_info = proxy_info.then(|| {
            let mut inside = Vec::new();
            write_avp::<ProxyHost>(&identity, &mut inside);
            write_avp::<ProxyState>(&&[0; STATE_LENGTH][..], &mut inside);
            let mut whole = Vec::new();
            let definition = <ProxyInfo as Declared>::DEFINITION;
            write_raw(definition.key, definition.flags(), &inside, &mut whole);
            whole
        });
        Self { identity: identity.to_owned(), realm: realm.to_owned(), proxy_info, key }
    }

    /// Makes the request that goes on out of one that came from `from`, whose header has been judged. The Hop-by-Hop
    /// Identifier is the sender's still. `state` names the request; [`Relay::returned`] wants it back.
    ///
    /// # Errors
    /// The answer, when the request goes no further: 3005 when it has been here, 3001 when it may not be forwarded, 3002
    /// with Destination-Host and no Destination-Realm, 3007 when it is meant for this node, 5014 when its AVPs cannot be
    /// walked.
    pub fn forward(&self, from: &str, header: &Header, message: &[u8], state: u64) -> Result<Vec<u8>, Vec<u8>> {
        let refuse = |code, words: &str| {
            let us = (self.identity.as_str(), self.realm.as_str());
            Err(answers::refuse_as_agent(us, message, header, code, words, false))
        };
        let facts = match Facts::read(message) {
            Ok(facts) => facts,
            Err((offset, malformed)) => {
                let (key, failed) = fault::header_of(message.get(offset..).unwrap_or_default());
                let fault = Fault { kind: FaultKind::Malformed(malformed), path: vec![key], offset, failed };
                return Err(answers::refuse_fault(&self.identity, &self.realm, message, header, &fault));
            }
        };
        // RFC 6733 section 6.1.3.
        if facts.has_passed(&self.identity) {
            let words = format!(
                "{} stands in Route-Record: the request has been here before and came back from {from}; look for \
                 routes that point at each other",
                self.identity
            );
            return refuse(ResultCode::DIAMETER_LOOP_DETECTED, &words);
        }
        if !header.flags.is_proxiable() {
            let words = format!(
                "the P bit of command {} is clear, so that it may not be forwarded, and {} is a relay, which serves \
                 none itself",
                header.code, self.identity
            );
            return refuse(ResultCode::DIAMETER_COMMAND_UNSUPPORTED, &words);
        }
        let for_us = |host: &[u8]| host.eq_ignore_ascii_case(self.identity.as_bytes());
        match (facts.host, facts.realm) {
            (Some(host), _) if for_us(host) => {
                let words = format!("{} is a relay and serves no application itself", self.identity);
                return refuse(ResultCode::DIAMETER_APPLICATION_UNSUPPORTED, &words);
            }
            (None, None) => {
                let words = format!(
                    "the request names neither Destination-Host nor Destination-Realm, so it is for {}, which is a \
                     relay and serves no application itself",
                    self.identity
                );
                return refuse(ResultCode::DIAMETER_APPLICATION_UNSUPPORTED, &words);
            }
            (Some(_), None) => {
                let words = "the request has Destination-Host and no Destination-Realm";
                return refuse(ResultCode::DIAMETER_UNABLE_TO_DELIVER, words);
            }
            (_, Some(_)) => {}
        }
        let proxy_info = self.proxy_info.as_deref().unwrap_or_default();
        if message.len() + RECORD_LENGTH + proxy_info.len() > crate::message::header::MAXIMUM_LENGTH {
            let words = "the message is too long for another Route-Record";
            return refuse(ResultCode::DIAMETER_UNABLE_TO_DELIVER, words);
        }
        let mut out = Vec::with_capacity(message.len() + 8 + from.len() + 3 + proxy_info.len());
        out.extend_from_slice(message);
        write_avp::<RouteRecord>(&from, &mut out);
        if !proxy_info.is_empty() {
            out.extend_from_slice(proxy_info);
            let at = out.len() - STATE_LENGTH;
            if let Some(field) = out.get_mut(at..) {
                field.copy_from_slice(&self.proxy_state(state, header.end_to_end));
            }
        }
        finish_message(0, &mut out);
        Ok(out)
    }

    /// Makes the answer that goes back out of the one that came: the Hop-by-Hop Identifier is still that of the next hop;
    /// a Proxy-Info of ours is taken out, all others stay in their order.
    #[must_use]
    pub fn returned(&self, answer: &[u8], state: u64) -> Returned {
        if self.proxy_info.is_none() {
            return Returned { message: answer.to_vec(), odd: None };
        }
        let mut walk = Avps::new(answer.get(HEADER_LENGTH..).unwrap_or_default());
        let mut ours = None;
        loop {
            let from = answer.len() - walk.rest().len();
            let Some(Ok(avp)) = walk.next() else { break };
            if avp.key.0 == ProxyInfo::KEY
                && find::<ProxyHost>(avp.members()).is_some_and(|host| host.eq_ignore_ascii_case(&self.identity))
            {
                ours = Some((from..answer.len() - walk.rest().len(), avp));
            }
        }
        let Some((range, avp)) = ours else {
            let odd = Some("the answer lacks our Proxy-Info, which RFC 6733 section 6.2 wants copied");
            return Returned { message: answer.to_vec(), odd };
        };
        let end_to_end = Header::parse(answer).map_or(0, |header| header.end_to_end);
        let kept = find::<ProxyState>(avp.members()) == Some(&self.proxy_state(state, end_to_end)[..]);
        let odd = (!kept).then_some("our Proxy-State has been changed on its way");
        let mut message = Vec::with_capacity(answer.len());
        message.extend_from_slice(answer.get(..range.start).unwrap_or_default());
        message.extend_from_slice(answer.get(range.end..).unwrap_or_default());
        finish_message(0, &mut message);
        Returned { message, odd }
    }

    /// The answer to a request that [`Relay::forward`] made and that reached nobody.
    #[must_use]
    pub fn undelivered(&self, forwarded: &[u8], code: u32, words: &str) -> Option<Vec<u8>> {
        let header = Header::parse(forwarded)?;
        let us = (self.identity.as_str(), self.realm.as_str());
        Some(answers::refuse_as_agent(us, forwarded, &header, code, words, self.proxy_info.is_some()))
    }

    fn proxy_state(&self, state: u64, end_to_end: u32) -> [u8; STATE_LENGTH] {
        let mut mac = SipHasher24::new_with_key(&self.key);
        mac.write_u64(state);
        mac.write_u32(end_to_end);
        let mut octets = [0; STATE_LENGTH];
        octets[..8].copy_from_slice(&state.to_be_bytes());
        octets[8..].copy_from_slice(&mac.finish().to_be_bytes());
        octets
    }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
