//! From the messages of captures to a ladder: who a transport address is, told by what was said over it.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::super::Place;
use super::super::describe::{Described, describe};
use super::{Ladder, Said};
use crate::avp::Avps;
use crate::avp::dictionary::OriginHost;
use crate::capture::{CapturedMessage, Timestamp};
use crate::message::text::write_escaped;
use crate::message::{HEADER_LENGTH, Header, find};

/// Ends of associations remembered; beyond these, parties are known by their addresses.
const SIDE_LIMIT: usize = 1 << 16;

/// Letters kept of an identity.
const IDENTITY_LIMIT: usize = 255;

/// One end of an association: capture, association, transport address.
type Side = (u32, u32, SocketAddr);

/// What is known of one end.
#[derive(Debug, Default)]
struct Known {
    /// Origin-Host of its CER or CEA: the peer itself.
    announced: Option<String>,
    /// Origin-Host of its first message.
    origin: Option<String>,
    /// It sent messages of several origins: an agent, and none of these names is its own.
    agent: bool,
}

struct Pending {
    place: Place,
    time: Timestamp,
    from: Side,
    to: Side,
    described: Described,
}

/// Takes messages in order and makes a [`Ladder`] of the first of them.
pub struct Collector {
    limit: usize,
    sides: HashMap<Side, Known>,
    messages: Vec<Pending>,
    left_out: u64,
}

impl Collector {
    /// Draws at most `limit` messages; more are counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, sides: HashMap::new(), messages: Vec::new(), left_out: 0 }
    }

    /// Takes a message of a capture: what it tells of its sender, and, where it is `drawn`, the message itself.
    pub fn message(&mut self, capture: u32, message: &CapturedMessage<'_>, drawn: bool) {
        let from = (capture, message.association, message.source);
        let to = (capture, message.association, message.destination);
        let Some(header) = Header::parse(message.bytes) else { return };
        self.learn(from, &header, message.bytes);
        if !drawn {
            return;
        }
        if self.messages.len() >= self.limit {
            self.left_out += 1;
            return;
        }
        if let Some(described) = describe(message.bytes) {
            let place = Place { capture, frame: message.frame, index: message.index };
            self.messages.push(Pending { place, time: message.time, from, to, described });
        }
    }

    fn learn(&mut self, side: Side, header: &Header, bytes: &[u8]) {
        const CAPABILITIES_EXCHANGE: u32 = 257;
        let capabilities = header.application == 0 && header.code == CAPABILITIES_EXCHANGE;
        let full = self.sides.len() >= SIDE_LIMIT;
        let known = match self.sides.entry(side) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(_) if full => return,
            std::collections::hash_map::Entry::Vacant(place) => place.insert(Known::default()),
        };
        if known.agent && (known.announced.is_some() || !capabilities) {
            return;
        }
        let Some(host) = find::<OriginHost>(Avps::new(bytes.get(HEADER_LENGTH..).unwrap_or_default())) else { return };
        match &known.origin {
            None => known.origin = Some(identity(host)),
            Some(origin) => known.agent |= !origin.eq_ignore_ascii_case(&identity(host)),
        }
        if capabilities && known.announced.is_none() {
            known.announced = Some(identity(host));
        }
    }

    /// Messages taken to be drawn.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// True when there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The ladder of all messages taken.
    #[must_use]
    pub fn finish(self, title: impl Into<String>) -> Ladder {
        let (mut messages, parties, left_out) = self.resolve();
        // Several captures come one after the other.
        messages.sort_by_key(|said| said.time);
        let mut ladder = Ladder::new(title, messages, left_out);
        parties.place(&mut ladder);
        ladder
    }

    /// All messages taken, each with who sent it and to whom; what is known of these parties; how many were left out.
    #[must_use]
    pub fn resolve(self) -> (Vec<Said>, Parties, u64) {
        let sides = self.sides;
        let identity_of = |side: &Side| {
            let known = sides.get(side);
            let announced = known.and_then(|known| known.announced.clone());
            let origin = || known.filter(|known| !known.agent).and_then(|known| known.origin.clone());
            announced.or_else(origin).unwrap_or_else(|| side.2.to_string())
        };
        let mut parties = Parties::default();
        let messages = self
            .messages
            .into_iter()
            .map(|Pending { place, time, from, to, described }| {
                let mut party = |side: Side| {
                    let identity = identity_of(&side);
                    let address = side.2.ip().to_string();
                    let addresses = parties.addresses.entry(identity.clone()).or_default();
                    if addresses.len() < 2 && !addresses.contains(&address) && !identity.starts_with(&address) {
                        addresses.push(address);
                    }
                    identity
                };
                Said { place, time, from: party(from), to: party(to), described }
            })
            .collect();
        (messages, parties, self.left_out)
    }
}

/// What is known of the parties beside their identities.
#[derive(Clone, Debug, Default)]
pub struct Parties {
    /// At most two addresses of each.
    addresses: HashMap<String, Vec<String>>,
}

impl Parties {
    /// Tells a ladder the addresses of its columns.
    pub fn place(&self, ladder: &mut Ladder) {
        for participant in &mut ladder.participants {
            if let Some(addresses) = self.addresses.get(&participant.identity) {
                participant.detail = match addresses.as_slice() {
                    [first, _, ..] => format!("{first}, …"),
                    addresses => addresses.concat(),
                };
            }
        }
    }
}

fn identity(host: &str) -> String {
    let mut out = String::new();
    write_escaped(host, &mut out);
    match out.char_indices().nth(IDENTITY_LIMIT) {
        Some((at, _)) => out[..at].to_owned(),
        None => out,
    }
}
