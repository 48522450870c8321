//! What a packet does.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use sctp_proto::DatagramEvent;

use super::super::edge::{self, Head, cause, chunk};
use super::super::peer::{Peer, Phase};
use super::{ARENA, Pump};
use crate::net::NetError;

impl Pump {
    /// Takes a packet: `buffer[..length]`, with room for padding behind.
    pub(in crate::net::sctp) fn packet(&mut self, now: Instant, from: SocketAddr, buffer: &mut [u8], length: usize) {
        let head = match edge::inspect(&buffer[..length]) {
            Ok(head) => head,
            Err(refusal) => {
                tracing::debug!(%from, local = %self.local, %refusal, "packet dropped");
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
        peer.heard(now);
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

    pub(super) fn feed(&mut self, peer: &mut Peer, now: Instant, packet: &[u8]) {
        if packet.len() <= edge::COMMON_HEADER {
            return;
        }
        let packet = self.kept(packet);
        if let Some((handle, DatagramEvent::AssociationEvent(event))) =
            self.stack.handle(now, peer.path.0, None, None, packet)
            && handle == peer.handle
        {
            peer.stack.handle_event(event);
        }
    }

    /// A copy of a packet for the stack, which keeps what it needs of it.
    fn kept(&mut self, packet: &[u8]) -> Bytes {
        if self.packets.capacity() < packet.len() {
            self.packets.reserve(packet.len().max(ARENA));
        }
        self.packets.extend_from_slice(packet);
        self.packets.split().freeze()
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
        let packet = self.kept(&buffer[..admitted.length]);
        // Anything but a new association would be a tag that two peers share; the second asks again with another.
        if let Some((handle, DatagramEvent::NewAssociation(stack))) = self.stack.handle(now, from, None, None, packet) {
            let id = self.insert(handle, stack, edge, path, Phase::HalfOpen, now);
            self.half_open.insert((path, tag), id);
            self.half_open_order.push_back(id);
        }
    }
}
