//! How a peer is set up, and what it wants done or known.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::capabilities::{Capabilities, Refusal};
use super::requests::Pending;
use super::table::{Event, State};
use super::watchdog::{Intervals, Status};
use crate::avp::dictionary::DisconnectCause;
use crate::message::Header;

/// Names a connection. Chosen by whoever opens or accepts it; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// How a peer is treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// This node opens the connection; otherwise it waits for the peer to do so.
    pub connect: bool,
    /// Timers of watchdog and reconnection.
    pub intervals: Intervals,
    /// How long a connection may take to open, CEA and DPA to come, and the peer to close. Default 10 s.
    pub timeout: Duration,
    /// How long an answer is waited for. Default 10 s.
    pub answer_wait: Duration,
    /// How many requests may wait for answers. Default 65,536.
    pub pending_limit: usize,
    /// Requests of our applications whose command no table knows are handed on too; else they are answered with 3001.
    pub any_command: bool,
    /// The name in the peer's certificate, where that is not its identity. With it the peer must come over TLS.
    pub certificate_name: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect: false,
            intervals: Intervals::default(),
            timeout: Duration::from_secs(10),
            answer_wait: Duration::from_secs(10),
            pending_limit: 65_536,
            any_command: false,
            certificate_name: None,
        }
    }
}

/// Where a message travels: which SCTP stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Stream 0: messages between neighbours.
    Base,
    /// Any stream; requests of one session have the same number.
    Session(u64),
    /// The stream of the message that is being handled: its answer.
    Same,
}

/// Why a request is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The wait is over.
    Timeout,
    /// The connection is lost or the peer suspect: it may go another way, with the T flag and the same End-to-End
    /// Identifier.
    Failover,
}

/// Why a peer is no longer open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// The connection ended, in the transport's words.
    Connection(String),
    /// The watchdog was not answered.
    Watchdog,
    /// The peer sent DPR with this Disconnect-Cause.
    PeerDisconnects(i32),
    /// We send DPR with this Disconnect-Cause.
    WeDisconnect(i32),
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = |cause: i32| {
            let definition = <DisconnectCause as crate::avp::dictionary::Declared>::DEFINITION;
            definition.value_name(i64::from(cause)).map_or_else(|| cause.to_string(), str::to_owned)
        };
        match self {
            Self::Connection(words) => f.write_str(words),
            Self::Watchdog => f.write_str("the peer did not answer the watchdog"),
            Self::PeerDisconnects(number) => write!(f, "the peer disconnects: {}", cause(*number)),
            Self::WeDisconnect(number) => write!(f, "we disconnect: {}", cause(*number)),
        }
    }
}

/// What a peer wants done or known.
#[derive(Clone, Debug)]
pub enum Output<T> {
    /// Open a connection to the peer; say [`Peer::handle_connected`](super::Peer::handle_connected) or [`Peer::handle_connect_failed`](super::Peer::handle_connect_failed).
    Connect,
    /// Send a message.
    Send {
        /// By which connection.
        connection: ConnectionId,
        /// The whole message.
        message: Bytes,
        /// On which stream.
        lane: Lane,
    },
    /// End a connection gracefully, after what was sent on it. No word of its end is needed.
    Close {
        /// Which.
        connection: ConnectionId,
    },
    /// A request of an application; its header is good.
    Request {
        /// By which connection the answer leaves.
        connection: ConnectionId,
        /// Its header.
        header: Header,
        /// The whole request.
        message: Bytes,
    },
    /// The answer to a request.
    Answer {
        /// Which request.
        token: T,
        /// Its octets, as they were sent.
        request: Bytes,
        /// The whole answer.
        message: Bytes,
        /// How long it took.
        took: Duration,
    },
    /// A request will not be answered by this peer.
    NoAnswer {
        /// Which, and its octets.
        pending: Pending<T>,
        /// Why.
        why: Unanswered,
    },
    /// The peer is open.
    Up(Capabilities),
    /// The peer is not open any more.
    Down(DownReason),
    /// The peer is not open and will not soon be, for a reason other than [`Output::Refused`] or [`Output::Down`]: a
    /// paragraph for the operator.
    Trouble(String),
    /// The peer refused us or we refused it.
    Refused(Refusal),
    /// A change of state, for the log.
    State {
        /// Before.
        from: State,
        /// Why.
        event: Event,
        /// After.
        to: State,
    },
    /// A change of the watchdog's state, for the log.
    Watchdog {
        /// Before.
        from: Status,
        /// After.
        to: Status,
    },
    /// A message that cannot be read, and was answered or discarded, for the log.
    Malformed(String),
    /// Something odd that was dealt with, for the log.
    Note(String),
}
