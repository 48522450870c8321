//! The associations of one UDP address, without the socket: datagrams, wakes and time come in, packets go out.
//!
//! The work is done in rounds. Whatever happens to an association only marks it; [`Pump::work`] then serves each marked
//! one once: events, messages to the reader, messages to the wire, packets. So everything that came together leaves
//! together.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use sctp_proto::{
    AssociationHandle, ClientConfig, DatagramEvent, EndpointConfig, EndpointEvent, Event, Payload, ServerConfig,
    TransportConfig,
};
use tokio::sync::mpsc;

use super::edge::{self, Edge, Head, cause, chunk};
use super::peer::{Path, Peer, Phase, Waiter};
use crate::capture::write::SctpPacketBuilder;
use crate::net::association::{NotDelivered, Wish, pair};
use crate::net::{Association, Backend, Incoming, Info, NetError, Options};

pub(super) struct Pump {
    options: Arc<Options>,
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
            return Err(NetError::Bind { local, backend: Backend::EmbeddedSctp, reason });
        }
        self.listeners.insert(port, listener);
        Ok(())
    }

    pub(super) fn connect(&mut self, now: Instant, udp: SocketAddr, port: u16, waiter: Waiter) {
        let result = if self.peers.len() >= self.options.maximum_associations {
            Err(format!("{} associations are open already, which is the limit", self.peers.len()))
        } else {
            self.free_port(udp, port).and_then(|local| {
                let transport = transport(&self.options).with_local_port(local).with_remote_port(port);
                let mut config = ClientConfig::default();
                config.transport = Arc::new(transport);
                self.stack.connect(config, udp).map(|opened| (local, opened)).map_err(|error| error.to_string())
            })
        };
        match result {
            Ok((local, (handle, stack))) => {
                let path = (udp, port, local);
                let edge = self.new_edge();
                let id = self.insert(handle, stack, edge, path, Phase::Opening(Some(waiter)), now);
                self.by_path.insert(path, id);
            }
            Err(reason) => {
                let remote = SocketAddr::new(udp.ip(), port);
                let _ = waiter.send(Err(NetError::Connect { remote, backend: Backend::EmbeddedSctp, reason }));
            }
        }
    }

    /// A local SCTP port from the dynamic range that no association to this peer has.
    fn free_port(&mut self, udp: SocketAddr, port: u16) -> Result<u16, String> {
        for _ in 0..=u16::MAX - FIRST_DYNAMIC_PORT {
            let candidate = self.next_port.max(FIRST_DYNAMIC_PORT);
            self.next_port = candidate.wrapping_add(1);
            if !self.by_path.contains_key(&(udp, port, candidate)) && !self.listeners.contains_key(&candidate) {
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

    /// Takes a datagram: `buffer[..length]`, with room for padding behind.
    pub(super) fn datagram(&mut self, now: Instant, from: SocketAddr, buffer: &mut [u8], length: usize) {
        let head = match edge::inspect(&buffer[..length]) {
            Ok(head) => head,
            Err(refusal) => {
                tracing::debug!(%from, local = %self.local, %refusal, "datagram dropped");
                return;
            }
        };
        if head.kind == chunk::INIT {
            self.init(now, from, buffer, length, &head);
            return;
        }
        let path = (from, head.source_port, head.destination_port);
        // The T bit: the sender had no association and sent our packet's tag, the peer's, back.
        let reflected = buffer[13] & 1 == 1 && matches!(head.kind, chunk::ABORT | chunk::SHUTDOWN_COMPLETE);
        let id = self.by_tag.get(&head.tag).copied().or_else(|| {
            let id = *self.by_path.get(&path)?;
            let peer = self.peers.get(&id)?;
            (reflected && peer.edge.peer_tag == head.tag && head.tag != 0).then_some(id)
        });
        let Some(mut peer) = id.and_then(|id| self.peers.remove(&id)) else {
            if let Some(reply) = edge::stray(&head, &mut self.builder) {
                self.out.push((from, BytesMut::from(reply)));
            }
            return;
        };
        if head.init.is_some() && !matches!(peer.phase, Phase::Opening(_)) {
            // A late copy of an INIT ACK: what it said has long been agreed on.
            self.peers.insert(peer.id, peer);
            return;
        }
        let hold = peer.buffered > 0 || !peer.readable.is_empty() || peer.queued();
        let admitted = peer.edge.admit(buffer, length, &head, hold);
        if peer.waiting_since.is_some() {
            peer.waiting_since = Some(now);
        }
        if let Some(code) = admitted.violation {
            let reason = format!("it broke the rules: {}", edge::cause_name(code));
            let end = Err(NetError::Lost { remote: peer.remote(), reason });
            self.finish(peer, end, Some(code));
            return;
        }
        if let Some(code) = admitted.abort {
            // What came before it in the same batch is still to be read.
            while let Some(event) = peer.stack.poll() {
                peer.note_readable(&event);
            }
            self.deliver(&mut peer);
            let end = Err(peer.aborted(code));
            self.finish(peer, end, None);
            return;
        }
        peer.shutdown_complete |= admitted.shutdown_complete;
        if admitted.shutdown
            && let Some(driver) = peer.phase.driver()
        {
            // Nothing new may be queued; what is queued still goes. RFC 9260 section 9.2.
            driver.outgoing.close();
            peer.deadline = peer.deadline.or_else(|| now.checked_add(self.options.close_timeout));
            peer.shutdown_held |= hold;
        }
        self.feed(&mut peer, now, &buffer[..admitted.length]);
        let id = peer.id;
        self.peers.insert(id, peer);
        self.mark(id);
    }

    fn feed(&mut self, peer: &mut Peer, now: Instant, packet: &[u8]) {
        if packet.len() <= edge::COMMON_HEADER {
            return;
        }
        let packet = Bytes::copy_from_slice(packet);
        if let Some((handle, DatagramEvent::AssociationEvent(event))) =
            self.stack.handle(now, peer.path.0, None, None, packet)
            && handle == peer.handle
        {
            peer.stack.handle_event(event);
        }
    }

    fn init(&mut self, now: Instant, from: SocketAddr, buffer: &mut [u8], length: usize, head: &Head) {
        let path = (from, head.source_port, head.destination_port);
        let tag = head.init.map_or(0, |init| init.tag);
        if let Some(id) = self.half_open.get(&(path, tag)).copied() {
            // Our INIT ACK was lost: the stack answers again with the same cookie.
            if let Some(mut peer) = self.peers.remove(&id) {
                let admitted = peer.edge.admit(buffer, length, head, false);
                self.feed(&mut peer, now, &buffer[..admitted.length]);
                self.peers.insert(id, peer);
                self.mark(id);
            }
            return;
        }
        if let Some(peer) = self.by_path.get(&path).and_then(|id| self.peers.get(id))
            && (peer.edge.peer_tag == tag || matches!(peer.phase, Phase::Opening(_)))
        {
            // A late copy, at which the stack would close the association; or both sides open at once from the same ports.
            return;
        }
        let refusal = match self.listeners.get(&head.destination_port) {
            Some(listener) if listener.is_closed() => Some(cause::USER_INITIATED),
            None => Some(cause::USER_INITIATED),
            Some(_) if self.peers.len() >= self.options.maximum_associations => Some(cause::OUT_OF_RESOURCE),
            Some(_) => None,
        };
        if let Some(cause) = refusal {
            let reply = BytesMut::from(edge::refuse(head, cause, &mut self.builder));
            self.out.push((from, reply));
            return;
        }
        while self.half_open.len() >= self.options.maximum_handshakes.max(1) {
            // The oldest has had the most time; a real peer asks again.
            let Some(oldest) = self.half_open_order.pop_front() else { break };
            if let Some(peer) = self.peers.remove(&oldest) {
                if matches!(peer.phase, Phase::HalfOpen) {
                    self.finish(peer, Ok(()), None);
                } else {
                    self.peers.insert(oldest, peer);
                }
            }
        }
        let mut edge = self.new_edge();
        let admitted = edge.admit(buffer, length, head, false);
        let packet = Bytes::copy_from_slice(&buffer[..admitted.length]);
        // Anything but a new association would be a tag that two peers share; the second asks again with another.
        if let Some((handle, DatagramEvent::NewAssociation(stack))) = self.stack.handle(now, from, None, None, packet) {
            let id = self.insert(handle, stack, edge, path, Phase::HalfOpen, now);
            self.half_open.insert((path, tag), id);
            self.half_open_order.push_back(id);
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

    fn serve(&mut self, mut peer: Box<Peer>, now: Instant) {
        while let Some(event) = peer.stack.poll() {
            match event {
                Event::Connected => match self.connected(peer) {
                    Some(up) => peer = up,
                    None => return,
                },
                Event::HandshakeFailed { reason } => {
                    let end = Err(peer.not_connected(&reason.to_string()));
                    return self.finish(peer, end, None);
                }
                Event::AssociationLost { reason } => {
                    let end = if peer.shutdown_complete {
                        Ok(())
                    } else {
                        let limit = self.options.message_limit;
                        let reason = format!("{reason} (it broke SCTP, or sent a message over {limit} octets)");
                        Err(NetError::Lost { remote: peer.remote(), reason })
                    };
                    let abort = end.is_err().then_some(cause::USER_INITIATED);
                    return self.finish(peer, end, abort);
                }
                event => peer.note_readable(&event),
            }
        }
        // The stack asks to be forgotten when shutdown begins; it is forgotten when it is complete.
        while peer.stack.poll_endpoint_event().is_some() {}

        if let Some(driver) = peer.phase.driver() {
            driver.looking();
        }
        match peer.phase.driver().map(|driver| driver.wish()) {
            Some(Wish::Abort) => {
                let end = Err(NetError::Closed { remote: peer.remote() });
                return self.finish(peer, end, Some(cause::USER_INITIATED));
            }
            Some(Wish::Close) if peer.deadline.is_none() => {
                peer.deadline = now.checked_add(self.options.close_timeout);
                if let Some(driver) = peer.phase.driver() {
                    driver.outgoing.close();
                }
            }
            _ => {}
        }
        self.deliver(&mut peer);
        if let Err(error) = peer.write(now) {
            return self.finish(peer, Err(error), Some(cause::USER_INITIATED));
        }
        self.wind_down(&mut peer, now);
        self.transmit(&mut peer, now);
        if peer.shutdown_complete && !peer.stack.is_closed() {
            return self.finish(peer, Ok(()), None);
        }
        if let Some(end) = self.overdue(&mut peer, now) {
            return self.finish(peer, Err(end), Some(cause::USER_INITIATED));
        }
        self.schedule(&mut peer);
        self.peers.insert(peer.id, peer);
    }

    /// The handshake is complete: hands the association to whoever asked for it.
    fn connected(&mut self, mut peer: Box<Peer>) -> Option<Box<Peer>> {
        let info = Info {
            backend: Backend::EmbeddedSctp,
            local: SocketAddr::new(self.local.ip(), peer.path.2),
            remote: peer.remote(),
            encapsulation: Some((self.local, peer.path.0)),
            outgoing_streams: peer.edge.outgoing_streams,
            incoming_streams: peer.edge.incoming_streams,
            protection: None,
        };
        peer.streams = vec![None; usize::from(peer.edge.outgoing_streams)];
        peer.deadline = None;
        let (id, wakes) = (peer.id, self.wakes.clone());
        let (association, driver) = pair(info, &self.options, move || {
            let _ = wakes.send(id);
        });
        match std::mem::replace(&mut peer.phase, Phase::Up(driver)) {
            Phase::Opening(Some(waiter)) => {
                // Nobody waits any more: the association is dropped and thereby closed.
                let _ = waiter.send(Ok(association));
            }
            Phase::HalfOpen => {
                self.half_open.remove(&(peer.path, peer.edge.peer_tag));
                self.half_open_order.retain(|id| *id != peer.id);
                if let Some(old) = self.by_path.insert(peer.path, peer.id)
                    && let Some(old) = self.peers.remove(&old)
                {
                    // The cookie proves that it is the peer: it has lost its state and begins again.
                    let reason = "the peer has restarted".to_owned();
                    let end = Err(NetError::Lost { remote: old.remote(), reason });
                    self.finish(old, end, None);
                    self.by_path.insert(peer.path, peer.id);
                }
                let taken = self.listeners.get(&peer.path.2).is_some_and(|to| to.try_send(association).is_ok());
                if !taken {
                    let end = Err(NetError::Closed { remote: peer.remote() });
                    self.finish(peer, end, Some(cause::OUT_OF_RESOURCE));
                    return None;
                }
            }
            Phase::Opening(None) | Phase::Up(_) | Phase::Closing(_) => {}
        }
        tracing::debug!(local = %self.local, peer = %peer.path.0, port = peer.path.1, "association is up");
        Some(peer)
    }

    /// Hands messages to the reader while it has room; once nobody reads they are dropped.
    fn deliver(&mut self, peer: &mut Peer) {
        let Peer { phase, readable, stack, edge, .. } = peer;
        let Some(driver) = phase.driver() else { return };
        while let Some(&id) = readable.front() {
            let reading = match driver.has_room() {
                Ok(()) => true,
                Err(NotDelivered::Full) if driver.wish() == Wish::Open => return,
                Err(_) => false,
            };
            let read = stack.stream(id).and_then(|mut stream| stream.read());
            let Ok(Some(chunks)) = read else {
                readable.pop_front();
                continue;
            };
            if !reading {
                continue;
            }
            let length = chunks.len();
            if self.arena.capacity() < length {
                self.arena.reserve(length.max(ARENA));
            }
            self.arena.resize(length, 0);
            if chunks.read(&mut self.arena).is_ok() {
                let bytes = self.arena.split().freeze();
                let _ = driver.deliver(Incoming { bytes, stream: id, ppid: edge.received.identifier(chunks.ppi) });
            }
        }
    }

    /// Moves a shutdown on once there is nothing left to send or to read.
    fn wind_down(&mut self, peer: &mut Peer, now: Instant) {
        if peer.deadline.is_none() || peer.buffered > 0 || peer.queued() {
            return;
        }
        if peer.shutdown_held && !peer.readable.is_empty() {
            // The reader is slow, not the peer: the shutdown's time begins when everything has been read.
            peer.deadline = now.checked_add(self.options.close_timeout);
        }
        if peer.shutdown_held && peer.readable.is_empty() {
            peer.shutdown_held = false;
            self.builder.restart(peer.path.1, peer.path.2, peer.edge.local_tag);
            // The stack does not look at the TSN.
            let packet = Bytes::copy_from_slice(self.builder.shutdown(0).finish());
            self.feed(peer, now, &packet);
            return;
        }
        if let Phase::Up(driver) = &peer.phase
            && driver.wish() == Wish::Close
            && !peer.stack.is_closing()
            && peer.stack.shutdown().is_ok()
        {
            while peer.stack.poll_endpoint_event().is_some() {}
            let phase = std::mem::replace(&mut peer.phase, Phase::HalfOpen);
            peer.phase = match phase {
                Phase::Up(driver) => Phase::Closing(driver),
                other => other,
            };
        }
    }

    /// Collects the packets of an association; a lone SACK joins a DATA packet if there is room.
    fn transmit(&mut self, peer: &mut Peer, now: Instant) {
        let first = self.out.len();
        let mut sack: Option<BytesMut> = None;
        // One poll collects everything, but only one chunk of a shutdown.
        for _ in 0..3 {
            let Some(transmit) = peer.stack.poll_transmit(now) else { break };
            let Payload::RawEncode(packets) = transmit.payload else { break };
            for packet in packets {
                let mut packet = packet.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
                let dispatched = peer.edge.dispatch(&mut packet);
                packet.truncate(dispatched.length);
                peer.shutdown_complete |= dispatched.shutdown_complete;
                if peer.edge.local_tag != 0 && matches!(peer.phase, Phase::Opening(_) | Phase::HalfOpen) {
                    self.by_tag.insert(peer.edge.local_tag, peer.id);
                }
                if dispatched.only_sack {
                    sack = Some(packet);
                } else {
                    self.out.push((peer.path.0, packet));
                }
            }
            if !peer.stack.is_closing() {
                break;
            }
        }
        if let Some(sack) = sack {
            let room = usize::from(self.options.mtu).saturating_sub(48);
            let partner = self.out[first..].iter_mut().find(|(_, packet)| {
                packet.get(12) == Some(&chunk::DATA) && packet.len() + sack.len() - edge::COMMON_HEADER <= room
            });
            match partner {
                Some((_, packet)) => {
                    edge::bundle(&mut self.scratch, &sack, packet);
                    packet.clear();
                    packet.extend_from_slice(&self.scratch);
                }
                None => self.out.push((peer.path.0, sack)),
            }
        }
    }

    /// Why patience has ended, if it has.
    fn overdue(&self, peer: &mut Peer, now: Instant) -> Option<NetError> {
        let remote = peer.remote();
        if peer.deadline.is_some_and(|deadline| deadline <= now) {
            return Some(match peer.phase {
                Phase::Opening(_) | Phase::HalfOpen => {
                    peer.not_connected(&format!("no answer within {:?}", self.options.connect_timeout))
                }
                Phase::Up(_) | Phase::Closing(_) => NetError::Lost {
                    remote,
                    reason: format!("the shutdown was not complete after {:?}", self.options.close_timeout),
                },
            });
        }
        let silent = peer.waiting_since.and_then(|since| since.checked_add(self.options.path_timeout));
        silent.filter(|until| *until <= now).map(|_| NetError::Lost {
            remote,
            reason: format!("it has not acknowledged anything for {:?}", self.options.path_timeout),
        })
    }

    fn schedule(&mut self, peer: &mut Peer) {
        let silent = peer.waiting_since.and_then(|since| since.checked_add(self.options.path_timeout));
        let next = [peer.stack.poll_timeout(), peer.deadline, silent].into_iter().flatten().min();
        if let Some(next) = next
            && peer.scheduled.is_none_or(|scheduled| next < scheduled)
        {
            peer.scheduled = Some(next);
            self.timers.push(Reverse((next, peer.id)));
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
