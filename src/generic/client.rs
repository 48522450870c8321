//! A client of any application: whole requests go out, their answers are kept until they are taken.

use std::collections::HashMap;

use crate::avp::Avps;
use crate::avp::dictionary::{DestinationHost, DestinationRealm, ResultCode};
use crate::message::{HEADER_LENGTH, find};
use crate::peer::answers;
use crate::registration::Identity;
use crate::registration::element::{Action, Destination, Element, Event, NoAnswer, Now, Token};

/// Requests that may wait for their answers, or their answers to be taken.
const LIMIT: usize = 1 << 20;

/// Names a request of a [`Client`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestNumber(pub u64);

/// Sends what it is given. A peer that asks it something is told 3001: it serves nothing.
#[derive(Debug)]
pub struct Client {
    identity: Identity,
    applications: Vec<u32>,
    next: u64,
    waiting: usize,
    answers: HashMap<RequestNumber, Result<Vec<u8>, NoAnswer>>,
}

impl Client {
    /// A client of these applications, which its node advertises; `0xffffffff` stands for all of them.
    #[must_use]
    pub fn new(identity: Identity, applications: Vec<u32>) -> Self {
        Self { identity, applications, next: 0, waiting: 0, answers: HashMap::new() }
    }

    /// Sends a whole request to where its Destination-Host and Destination-Realm say; without a realm to a peer of the
    /// client's own. The node fills in Hop-by-Hop and End-to-End Identifier. `None` when 2^20 requests wait already.
    pub fn send(&mut self, request: Vec<u8>, actions: &mut Vec<Action>) -> Option<RequestNumber> {
        let body = Avps::new(request.get(HEADER_LENGTH..).unwrap_or_default());
        let destination = Destination {
            host: find::<DestinationHost>(body).map(str::to_owned),
            realm: find::<DestinationRealm>(body).unwrap_or(&self.identity.realm).to_owned(),
        };
        self.send_to(destination, request, actions)
    }

    /// Sends a whole request to a destination, whatever stands in it.
    pub fn send_to(
        &mut self,
        destination: Destination,
        request: Vec<u8>,
        actions: &mut Vec<Action>,
    ) -> Option<RequestNumber> {
        if self.waiting + self.answers.len() >= LIMIT {
            return None;
        }
        self.next += 1;
        self.waiting += 1;
        actions.push(Action::Send { token: Token(self.next), destination, message: request });
        Some(RequestNumber(self.next))
    }

    /// The whole answer to a request, or why there is none; `None` while it is waited for, and once it was taken.
    pub fn take(&mut self, number: RequestNumber) -> Option<Result<Vec<u8>, NoAnswer>> {
        self.answers.remove(&number)
    }

    /// How many requests wait for their answers.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting
    }
}

impl Element for Client {
    fn applications(&self) -> &[u32] {
        &self.applications
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Answer { token, result } => {
                self.waiting = self.waiting.saturating_sub(1);
                self.answers.insert(RequestNumber(token.0), result.map(<[u8]>::to_vec));
            }
            Event::Request { ticket, header, message, .. } => {
                let Identity { host, realm } = &self.identity;
                let code = ResultCode::DIAMETER_COMMAND_UNSUPPORTED;
                let message = answers::refuse(host, realm, message, &header, code, "this node is a client");
                actions.push(Action::Answer { ticket, message });
            }
            Event::Undelivered { .. } | Event::Stored { .. } | Event::Authenticated { .. } | Event::Timer { .. } => {}
        }
    }
}
