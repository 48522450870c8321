//! One association of the embedded stack, as the [pump](super::pump) keeps it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use sctp_proto::{AssociationHandle, Event, PayloadProtocolIdentifier, ReliabilityType, StreamEvent};
use tokio::sync::oneshot;

use super::edge::{self, Edge};
use crate::net::association::Driver;
use crate::net::{Association, Backend, NetError, Options};

/// Where a peer is: its UDP address (over IP the port is 132), its SCTP port, our SCTP port.
pub(super) type Path = (SocketAddr, u16, u16);

/// Who gets the association a client opens.
pub(super) type Waiter = oneshot::Sender<Result<Association, NetError>>;

pub(super) struct Peer {
    pub(super) id: u64,
    pub(super) handle: AssociationHandle,
    pub(super) backend: Backend,
    pub(super) stack: sctp_proto::Association,
    pub(super) edge: Edge,
    pub(super) path: Path,
    pub(super) phase: Phase,
    pub(super) marked: bool,
    pub(super) scheduled: Option<Instant>,
    /// Outgoing streams: opened, and whether the last message was unordered.
    pub(super) streams: Vec<Option<bool>>,
    /// Streams with messages not yet delivered.
    pub(super) readable: VecDeque<u16>,
    /// Octets written and not acknowledged, as of the last look.
    pub(super) buffered: usize,
    /// Since when data or a heartbeat waits for a sign of life.
    pub(super) waiting_since: Option<Instant>,
    /// When the peer last sent anything.
    pub(super) heard: Instant,
    /// When the last heartbeat left that is not answered.
    pub(super) asked: Option<Instant>,
    /// When patience with the handshake or the shutdown ends.
    pub(super) deadline: Option<Instant>,
    /// The peer has asked for shutdown and this side still has something to do.
    pub(super) shutdown_held: bool,
    pub(super) shutdown_complete: bool,
}

pub(super) enum Phase {
    /// We open it.
    Opening(Option<Waiter>),
    /// The peer opens it.
    HalfOpen,
    Up(Driver),
    /// SHUTDOWN has been sent or received.
    Closing(Driver),
}

impl Phase {
    pub(super) fn driver(&mut self) -> Option<&mut Driver> {
        match self {
            Self::Up(driver) | Self::Closing(driver) => Some(driver),
            Self::Opening(_) | Self::HalfOpen => None,
        }
    }
}

/// Octets handed to the stack and not yet acknowledged, beyond which messages wait in the association's queue.
const SEND_AHEAD: usize = 256 << 10;

impl Peer {
    pub(super) fn remote(&self) -> SocketAddr {
        SocketAddr::new(self.path.0.ip(), self.path.1)
    }

    pub(super) fn not_connected(&self, reason: &str) -> NetError {
        NetError::Connect { remote: self.remote(), backend: self.backend, reason: reason.to_owned() }
    }

    pub(super) fn aborted(&self, code: u16) -> NetError {
        let reason = edge::cause_name(code);
        match self.phase {
            Phase::Opening(_) => self.not_connected(&format!("it refused: {reason}")),
            _ => NetError::Aborted { remote: self.remote(), reason: reason.to_owned() },
        }
    }

    /// A packet with the right tag has come: the peer lives.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.asked = None;
        if self.waiting_since.is_some() {
            self.waiting_since = (self.buffered > 0).then_some(now);
        }
    }

    /// When the next heartbeat is due: once an interval without a word from the peer, more often while one is unanswered.
    /// Associations that came up together do not ask together.
    pub(super) fn heartbeat_due(&self, options: &Options) -> Option<Instant> {
        if !matches!(self.phase, Phase::Up(_)) || options.heartbeat_interval.is_zero() {
            return None;
        }
        match self.asked {
            Some(asked) => asked.checked_add(options.rto_maximum.min(options.path_timeout / 4)),
            None => {
                let apart = options.heartbeat_interval.mul_f64(f64::from(self.edge.local_tag % 64) / 256.0);
                self.heard.checked_add(options.heartbeat_interval)?.checked_add(apart)
            }
        }
    }

    /// Remembers a stream that has become readable.
    pub(super) fn note_readable(&mut self, event: &Event) {
        if let Event::Stream(StreamEvent::Readable { id }) = event
            && !self.readable.contains(id)
        {
            self.readable.push_back(*id);
        }
    }

    /// Whether messages wait in the association's queue.
    pub(super) fn queued(&mut self) -> bool {
        self.phase.driver().is_some_and(|driver| !driver.outgoing.is_empty())
    }

    /// Takes messages from the association's queue into the stack, as far ahead as allowed.
    pub(super) fn write(&mut self, now: Instant) -> Result<(), NetError> {
        let remote = self.remote();
        let Phase::Up(driver) = &mut self.phase else { return Ok(()) };
        if self.buffered > 0 {
            self.buffered = 0;
            for (id, _) in (0u16..).zip(&self.streams).filter(|(_, state)| state.is_some()) {
                self.buffered += self.stack.stream(id).and_then(|stream| stream.buffered_amount()).unwrap_or_default();
            }
        }
        while self.buffered < SEND_AHEAD
            && let Ok(message) = driver.outgoing.try_recv()
        {
            let lost = |reason: String| NetError::Lost { remote, reason };
            let Some(place) = self.edge.sent.place(message.ppid) else {
                return Err(lost(format!("identifier {} is one too many for the embedded stack", message.ppid)));
            };
            let id = message.stream % (self.streams.len().clamp(1, 0xffff) as u16);
            let state = self.streams.get_mut(usize::from(id));
            if let Some(state) = state {
                if state.is_none() {
                    // A stream the peer has used already is open.
                    let _ = self.stack.open_stream(id, PayloadProtocolIdentifier::Unknown);
                }
                let mut stream = self.stack.stream(id).map_err(|error| lost(error.to_string()))?;
                if state.unwrap_or_default() != message.unordered {
                    let _ = stream.set_reliability_params(message.unordered, ReliabilityType::Reliable, 0);
                }
                *state = Some(message.unordered);
                self.buffered += message.bytes.len();
                let written =
                    stream.set_default_payload_type(place).and_then(|()| stream.write_chunks(&mut [message.bytes]));
                written.map_err(|error| lost(error.to_string()))?;
            }
        }
        if self.buffered == 0 && self.asked.is_none() {
            self.waiting_since = None;
        } else if self.waiting_since.is_none() {
            self.waiting_since = Some(now);
        }
        Ok(())
    }
}
