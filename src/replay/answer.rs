//! Requests of the live peer matched with captured ones.

use std::collections::HashMap;

use super::machine::Near;
use super::script::{Script, Side, Step};
use crate::avp::dictionary::{HostIpAddress, OriginStateId, ProxyInfo, ResultCode, RouteRecord, SessionId};
use crate::avp::{Avps, Key};
use crate::message::{HEADER_LENGTH, Header, find};
use crate::peer::answers;

/// Captured requests that are looked at for one live request.
const LOOKED_AT: usize = 256;

/// Captured requests by who asks what.
#[derive(Debug, Default)]
pub struct Index {
    requests: HashMap<(usize, Side, u32, u32), Vec<usize>>,
    none: Vec<usize>,
}

impl Index {
    pub fn new(script: &Script) -> Self {
        let mut index = Self::default();
        for (at, step) in script.steps.iter().enumerate().filter(|(_, step)| step.header.is_request()) {
            let Header { application, code, .. } = step.header;
            index.requests.entry((step.conversation, step.from, application, code)).or_default().push(at);
        }
        index
    }

    /// The requests of a side of a conversation that are of the same command, in their order.
    pub fn of(&self, conversation: usize, from: Side, header: &Header) -> &[usize] {
        self.requests.get(&(conversation, from, header.application, header.code)).unwrap_or(&self.none)
    }
}

/// A live request in search of its captured one.
pub struct Search<'a> {
    pub live: &'a [u8],
    pub matching: &'a [Key],
}

impl Search<'_> {
    /// The captured request that is most like the live one, the first of several; those that lack what must match are none.
    /// `expected` says how a captured request would look now.
    pub fn best<'s>(
        &self,
        candidates: impl Iterator<Item = (usize, &'s Step)>,
        expected: &dyn Fn(&Step) -> Vec<u8>,
    ) -> Option<usize> {
        let body = |message: &'_ [u8]| -> Vec<(Key, Vec<u8>)> {
            let walk = Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
            walk.map_while(Result::ok).map(|avp| (avp.key, avp.data.to_vec())).collect()
        };
        let mut live = HashMap::<Key, Vec<Vec<u8>>>::new();
        for (key, data) in body(self.live) {
            live.entry(key).or_default().push(data);
        }
        let session = find::<SessionId>(Avps::new(self.live.get(HEADER_LENGTH..).unwrap_or_default()));
        let mut best: Option<(usize, usize)> = None;
        for (at, step) in candidates.take(LOOKED_AT) {
            let wanted = expected(step);
            let has = |key: Key, data: &[u8]| live.get(&key).is_some_and(|all| all.iter().any(|one| one == data));
            let avps = body(&wanted);
            let matches = self.matching.iter().all(|key| {
                let mut of_key = avps.iter().filter(|(other, _)| other == key).peekable();
                of_key.peek().is_some() == live.contains_key(key) && of_key.all(|(key, data)| has(*key, data))
            });
            if !matches {
                continue;
            }
            let renewed =
                |key: Key| matches!(key.0, OriginStateId::KEY | HostIpAddress::KEY | ProxyInfo::KEY | RouteRecord::KEY);
            let mut score = avps.iter().filter(|(key, data)| !renewed(*key) && has(*key, data)).count();
            let walk = Avps::new(wanted.get(HEADER_LENGTH..).unwrap_or_default());
            // One session is one conversation.
            if session.is_some() && find::<SessionId>(walk) == session {
                score += 1000;
            }
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, at));
            }
        }
        best.map(|(_, at)| at)
    }
}

/// The answer to what the capture does not have.
pub fn refuse(near: &Near, message: &[u8], header: &Header) -> Vec<u8> {
    let code = ResultCode::DIAMETER_COMMAND_UNSUPPORTED;
    answers::refuse(&near.identity, &near.realm, message, header, code, "the capture has no such request")
}
