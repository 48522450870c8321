//! The associations of one address, without the socket: packets, wakes and time come in, packets go out.
//!
//! The work is done in rounds. Whatever happens to an association only marks it; [`Pump::work`] then serves each marked
//! one once: events, messages to the reader, messages to the wire, packets. So everything that came together leaves
//! together.
//!
//! ```text
//! pump/receive.rs   what a packet does      pump/serve.rs   what an association gets done in a round
//! ```

mod receive;
mod serve;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use sctp_proto::{AssociationHandle, ClientConfig, EndpointConfig, EndpointEvent, ServerConfig, TransportConfig};
use tokio::sync::mpsc;

use super::edge::Edge;
use super::peer::{Path, Peer, Phase, Waiter};
use crate::capture::write::SctpPacketBuilder;
use crate::net::{Association, Backend, NetError, Options};

pub(super) struct Pump {
    options: Arc<Options>,
    backend: Backend,
    local: SocketAddr,
    /// The largest receive window shown to a peer.
    window: u32,
    stack: sctp_proto::Endpoint,
    peers: HashMap<u64, Box<Peer>>,
    next_id: u64,
    by_tag: HashMap<u32, u64>,
    /// Associations that are up or that we open.
    by_path: HashMap<Path, u64>,
    /// Associations that a peer opens, with the peer's tag, oldest first in `half_open_order`.
    half_open: HashMap<(Path, u32), u64>,
    half_open_order: VecDeque<u64>,
    listeners: HashMap<u16, mpsc::Sender<Association>>,
    timers: BinaryHeap<Reverse<(Instant, u64)>>,
    marked: Vec<u64>,
    next_port: u16,
    builder: SctpPacketBuilder,
    arena: BytesMut,
    /// Where packets on their way into the stack lie, many in one allocation.
    packets: BytesMut,
    scratch: Vec<u8>,
    wakes: mpsc::UnboundedSender<u64>,
    /// Packets to be sent, in order.
    pub(super) out: Vec<(SocketAddr, BytesMut)>,
}

const ARENA: usize = 16 << 10;
/// IPv6 and UDP headers, the SCTP common header, and two DATA headers: the stack forgets to count one when it bundles.
const OVERHEAD: u32 = 40 + 8 + 12 + 2 * 16;

impl Pump {
    pub(super) fn new(
        options: Arc<Options>,
        backend: Backend,
        local: SocketAddr,
        window: u32,
        first_port: u16,
        wakes: mpsc::UnboundedSender<u64>,
    ) -> Self {
        let mut config = EndpointConfig::new();
        config.max_payload_size((u32::from(options.mtu).saturating_sub(OVERHEAD) & !3).max(512));
        let mut server = ServerConfig::default();
        server.transport = Arc::new(transport(&options));
        Self {
            stack: sctp_proto::Endpoint::new(Arc::new(config), Some(Arc::new(server))),
            options,
            backend,
            local,
            window,
            peers: HashMap::new(),
            next_id: 0,
            by_tag: HashMap::new(),
            by_path: HashMap::new(),
            half_open: HashMap::new(),
            half_open_order: VecDeque::new(),
            listeners: HashMap::new(),
            timers: BinaryHeap::new(),
            marked: Vec::new(),
            next_port: first_port,
            builder: SctpPacketBuilder::new(0, 0, 0),
            arena: BytesMut::with_capacity(ARENA),
            packets: BytesMut::with_capacity(ARENA),
            scratch: Vec::new(),
            wakes,
            out: Vec::new(),
        }
    }

    /// Whether there is nothing left to do for anyone.
    pub(super) fn is_idle(&mut self) -> bool {
        self.listeners.retain(|_, listener| !listener.is_closed());
        self.listeners.is_empty() && self.peers.is_empty()
    }

    pub(super) fn listen(&mut self, port: u16, listener: mpsc::Sender<Association>) -> Result<(), NetError> {
        self.listeners.retain(|_, listener| !listener.is_closed());
        if self.listeners.contains_key(&port) {
            let local = SocketAddr::new(self.local.ip(), port);
            let reason = "another listener of this program has the SCTP port".to_owned();
            return Err(NetError::Bind { local, backend: self.backend, reason });
        }
        self.listeners.insert(port, listener);
        Ok(())
    }

    pub(super) fn connect(&mut self, now: Instant, lower: SocketAddr, port: u16, waiter: Waiter) {
        let result = if self.peers.len() >= self.options.maximum_associations {
            Err(format!("{} associations are open already, which is the limit", self.peers.len()))
        } else {
            self.free_port(lower, port).and_then(|local| {
                let transport = transport(&self.options).with_local_port(local).with_remote_port(port);
                let mut config = ClientConfig::default();
                config.transport = Arc::new(transport);
                self.stack.connect(config, lower).map(|opened| (local, opened)).map_err(|error| error.to_string())
            })
        };
        match result {
            Ok((local, (handle, stack))) => {
                let path = (lower, port, local);
                let edge = self.new_edge();
                let id = self.insert(handle, stack, edge, path, Phase::Opening(Some(waiter)), now);
                self.by_path.insert(path, id);
            }
            Err(reason) => {
                let remote = SocketAddr::new(lower.ip(), port);
                let _ = waiter.send(Err(NetError::Connect { remote, backend: self.backend, reason }));
            }
        }
    }

    /// A local SCTP port from the dynamic range that no association to this peer has.
    fn free_port(&mut self, lower: SocketAddr, port: u16) -> Result<u16, String> {
        for _ in 0..=u16::MAX - FIRST_DYNAMIC_PORT {
            let candidate = self.next_port.max(FIRST_DYNAMIC_PORT);
            self.next_port = candidate.wrapping_add(1);
            if !self.by_path.contains_key(&(lower, port, candidate)) && !self.listeners.contains_key(&candidate) {
                return Ok(candidate);
            }
        }
        Err("no local SCTP port is free".to_owned())
    }

    fn new_edge(&self) -> Edge {
        let options = &self.options;
        let (outgoing, incoming) = (options.outgoing_streams.max(1), options.incoming_streams.max(1));
        Edge::new(outgoing, incoming, self.window, options.immediate_sack)
    }

    fn insert(
        &mut self,
        handle: AssociationHandle,
        stack: sctp_proto::Association,
        edge: Edge,
        path: Path,
        phase: Phase,
        now: Instant,
    ) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let peer = Peer {
            id,
            handle,
            backend: self.backend,
            stack,
            edge,
            path,
            phase,
            marked: false,
            scheduled: None,
            streams: Vec::new(),
            readable: VecDeque::new(),
            buffered: 0,
            waiting_since: None,
            heard: now,
            asked: None,
            deadline: now.checked_add(self.options.connect_timeout),
            shutdown_held: false,
            shutdown_complete: false,
        };
        self.peers.insert(id, Box::new(peer));
        self.mark(id);
        id
    }

    /// Has the association served in the next round.
    pub(super) fn mark(&mut self, id: u64) {
        if let Some(peer) = self.peers.get_mut(&id)
            && !peer.marked
        {
            peer.marked = true;
            self.marked.push(id);
        }
    }

    /// When [`Pump::expire`] is due.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Marks the associations whose timers are due.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(&Reverse((at, id))) = self.timers.peek()
            && at <= now
        {
            self.timers.pop();
            if let Some(peer) = self.peers.get_mut(&id)
                && peer.scheduled == Some(at)
            {
                peer.scheduled = None;
                peer.stack.handle_timeout(now);
                self.mark(id);
            }
        }
    }

    /// Serves every marked association.
    pub(super) fn work(&mut self, now: Instant) {
        while let Some(id) = self.marked.pop() {
            if let Some(mut peer) = self.peers.remove(&id) {
                peer.marked = false;
                self.serve(peer, now);
            }
        }
    }

    /// Forgets an association that has been taken out of `peers` and tells everyone who waits on it.
    fn finish(&mut self, mut peer: Box<Peer>, end: Result<(), NetError>, abort: Option<u16>) {
        if let Some(cause) = abort
            && peer.edge.peer_tag != 0
        {
            self.builder.restart(peer.path.2, peer.path.1, peer.edge.peer_tag);
            let packet = BytesMut::from(self.builder.abort(cause, false).finish());
            self.out.push((peer.path.0, packet));
        }
        self.stack.handle_event(peer.handle, EndpointEvent::drained());
        if self.by_tag.get(&peer.edge.local_tag) == Some(&peer.id) {
            self.by_tag.remove(&peer.edge.local_tag);
        }
        if self.by_path.get(&peer.path) == Some(&peer.id) {
            self.by_path.remove(&peer.path);
        }
        match &mut peer.phase {
            Phase::Opening(waiter) => {
                if let (Some(waiter), Err(error)) = (waiter.take(), end) {
                    let _ = waiter.send(Err(error));
                }
            }
            Phase::HalfOpen => {
                self.half_open.remove(&(peer.path, peer.edge.peer_tag));
                self.half_open_order.retain(|id| *id != peer.id);
            }
            Phase::Up(driver) | Phase::Closing(driver) => {
                if let Err(error) = &end {
                    tracing::debug!(local = %self.local, %error, "association has ended");
                }
                driver.end(end);
            }
        }
    }
}

/// Where the dynamic ports begin.
const FIRST_DYNAMIC_PORT: u16 = 49_152;

fn transport(options: &Options) -> TransportConfig {
    let milliseconds = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1);
    let limit = u32::try_from(options.message_limit).unwrap_or(u32::MAX);
    TransportConfig::default()
        .with_max_send_message_size(limit)
        .with_max_receive_message_size(limit)
        // A whole message must fit while others wait to be read, or the stack gives up.
        .with_max_receive_buffer_size(limit.saturating_mul(2).max(1 << 20))
        .with_max_num_outbound_streams(options.outgoing_streams.max(1))
        .with_max_num_inbound_streams(options.incoming_streams.max(1))
        .with_rto_initial_ms(milliseconds(options.rto_initial))
        .with_rto_min_ms(milliseconds(options.rto_minimum))
        .with_rto_max_ms(milliseconds(options.rto_maximum))
}

#[cfg(test)]
mod tests;
