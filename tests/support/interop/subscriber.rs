//! An element that asks for purges and answers them (S6a, Purge-UE): the AVP Class carries as many octets as wanted
//! there and back.

use std::collections::HashMap;

use proselink::avp::Avps;
use proselink::avp::dictionary::{Class, DestinationHost, OriginHost, ResultCode, SessionId};
use proselink::interfaces::s6a;
use proselink::message::{Command as _, Envelope, HEADER_LENGTH, find};
use proselink::node::Handle;
use proselink::registration::element::{Action, Destination, Element, Event, NoAnswer, Now, Token};
use tokio::time::timeout;

use super::{PATIENCE, REALM};

/// The octet at a place of what travels: a piece that is lost or out of place shows.
fn octet_at(at: usize) -> u8 {
    (at * 7 + (at >> 8) * 13 + (at >> 16)) as u8
}

fn is_whole(octets: &[u8]) -> bool {
    octets.iter().enumerate().all(|(at, octet)| *octet == octet_at(at))
}

/// What came with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// Origin-Host.
    pub from: String,
    /// Result-Code of an answer; 0 for a request.
    pub result: u32,
    /// Octets in Class, when they are those that were sent.
    pub octets: Option<usize>,
}

fn came(message: &[u8]) -> Came {
    let body = || Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
    Came {
        from: find::<OriginHost>(body()).unwrap_or_default().to_owned(),
        result: find::<ResultCode>(body()).unwrap_or(0),
        octets: find::<Class>(body()).filter(|octets| is_whole(octets)).map(<[u8]>::len),
    }
}

/// Asks and answers.
#[derive(Debug)]
pub struct Subscriber {
    identity: String,
    next: u64,
    answers: HashMap<u64, Result<Came, NoAnswer>>,
    /// The requests that came, in order.
    pub asked: Vec<Came>,
}

impl Subscriber {
    /// An element of a node with this Origin-Host.
    pub fn new(identity: &str) -> Self {
        Self { identity: identity.to_owned(), next: 0, answers: HashMap::new(), asked: Vec::new() }
    }

    /// A request whose whole length is `length` octets.
    fn ask(&mut self, host: &str, length: usize, actions: &mut Vec<Action>) -> u64 {
        self.next += 1;
        let session = format!("{};{};purge", self.identity, self.next);
        let request = s6a::PurgeUeRequest {
            session_id: &session,
            auth_session_state: 1,
            origin_host: &self.identity,
            origin_realm: REALM,
            destination_host: Some(host),
            destination_realm: REALM,
            user_name: "001010000000001",
            ..Default::default()
        };
        let mut message = request.to_bytes(Envelope { application: s6a::APPLICATION, hop_by_hop: 0, end_to_end: 0 });
        let octets: Vec<u8> = (0..length - message.len() - 8).map(octet_at).collect();
        append_class(&mut message, &octets);
        assert_eq!(message.len(), length, "a length that fits");
        let destination = Destination { host: Some(host.to_owned()), realm: REALM.to_owned() };
        actions.push(Action::Send { token: Token(self.next), destination, message });
        self.next
    }

    fn answer(&self, message: &[u8], envelope: Envelope) -> Vec<u8> {
        let body = || Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
        let meant = find::<DestinationHost>(body()).is_none_or(|host| host == self.identity);
        let answer = s6a::PurgeUeAnswer {
            session_id: find::<SessionId>(body()).unwrap_or_default(),
            result_code: Some(if meant {
                ResultCode::DIAMETER_SUCCESS
            } else {
                ResultCode::DIAMETER_UNABLE_TO_DELIVER
            }),
            auth_session_state: 1,
            origin_host: &self.identity,
            origin_realm: REALM,
            ..Default::default()
        };
        let mut answer = answer.to_bytes(envelope);
        append_class(&mut answer, find::<Class>(body()).unwrap_or_default());
        answer
    }
}

/// Appends the AVP to a message and counts its length anew.
fn append_class(message: &mut Vec<u8>, octets: &[u8]) {
    const CLASS: u32 = 25;
    const MANDATORY: u32 = 0x40 << 24;
    message.extend_from_slice(&CLASS.to_be_bytes());
    message.extend_from_slice(&(MANDATORY | (octets.len() + 8) as u32).to_be_bytes());
    message.extend_from_slice(octets);
    message.resize(message.len().next_multiple_of(4), 0);
    let length = message.len() as u32;
    message[..4].copy_from_slice(&((1 << 24) | length).to_be_bytes());
}

impl Element for Subscriber {
    fn applications(&self) -> &[u32] {
        &[s6a::APPLICATION]
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Request { ticket, header, message, .. } => {
                self.asked.push(came(message));
                let (hop_by_hop, end_to_end) = (header.hop_by_hop, header.end_to_end);
                let envelope = Envelope { application: header.application, hop_by_hop, end_to_end };
                actions.push(Action::Answer { ticket, message: self.answer(message, envelope) });
            }
            Event::Answer { token, result } => {
                self.answers.insert(token.0, result.map(came));
            }
            Event::Undelivered { .. } | Event::Stored { .. } | Event::Authenticated { .. } | Event::Timer { .. } => {}
        }
    }
}

/// Sends a request of `length` octets to `host` and gives its answer.
///
/// # Panics
/// When there is none in time.
pub async fn ask(node: &Handle<Subscriber>, host: &str, length: usize) -> Result<Came, NoAnswer> {
    let to = host.to_owned();
    let token = node.call(move |element, _, actions| element.ask(&to, length, actions)).await.expect("the node runs");
    let answer = node.follow(move |element, _, _| element.answers.remove(&token));
    timeout(PATIENCE, answer).await.expect("an answer comes, or the word that none does").expect("the node runs")
}

/// Waits until `host` has sent requests that carry each of these numbers of octets.
///
/// # Panics
/// When they do not come.
pub async fn is_asked(node: &Handle<Subscriber>, host: &str, sizes: &'static [usize]) {
    let host = host.to_owned();
    let wait = node.follow(move |element: &mut Subscriber, _, _| {
        let from_host = |size: &usize| element.asked.iter().any(|came| came.from == host && came.octets == Some(*size));
        sizes.iter().all(from_host).then_some(())
    });
    timeout(PATIENCE, wait).await.expect("the requests come").expect("the node runs");
}
