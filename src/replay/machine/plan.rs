//! What is settled before a replay, and what it asks of whoever has the connections.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;

use super::outcome::Report;
use crate::avp::Key;
use crate::replay::script::Side;

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As fast as the live peer answers.
    Answered,
    /// The pauses of the capture, divided by this.
    Scaled(f64),
}

/// A connection: which side of which conversation we play on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkPlan {
    /// Place in `Script::conversations`.
    pub conversation: usize,
    /// Our side.
    pub side: Side,
}

/// What is settled beforehand.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The connections, each with a number: its place here.
    pub links: Vec<LinkPlan>,
    /// How fast.
    pub pace: Pace,
    /// How long an answer is waited for.
    pub answer_wait: Duration,
    /// How long a request of the live peer is waited for; without an end when `None`.
    pub request_wait: Option<Duration>,
    /// A request that the capture has no more of is answered as one before it that is alike.
    pub again: bool,
    /// AVPs that a live request must have as the captured one, beside the command.
    pub matching: Vec<Key>,
    /// Seconds since 1970, for Session-Ids.
    pub serial: u64,
    /// Where identifiers begin.
    pub random: u32,
    /// Our Origin-State-Id.
    pub origin_state: u32,
}

/// Us on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// Origin-Host.
    pub identity: String,
    /// Origin-Realm.
    pub realm: String,
    /// Host-IP-Address.
    pub address: IpAddr,
}

/// The node that our messages are for: the live peer, or whoever plays the other side behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Far {
    /// Its Origin-Host.
    pub identity: String,
    /// Its Origin-Realm.
    pub realm: String,
    /// It advertises the relay application: nodes behind it have names of their own.
    pub relays: bool,
}

/// What is to be done.
#[derive(Debug)]
pub enum Action {
    /// Send a message.
    Send {
        /// On which connection.
        link: usize,
        /// On which SCTP stream.
        stream: u16,
        /// The whole message.
        message: Bytes,
    },
    /// Tell the user.
    Tell(Box<Report>),
}
