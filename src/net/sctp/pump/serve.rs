//! What an association gets done in a round.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use sctp_proto::{Event, Payload};

use super::super::edge::{self, cause, chunk};
use super::super::peer::{Peer, Phase};
use super::{ARENA, Pump};
use crate::net::association::{NotDelivered, Wish, pair};
use crate::net::{Backend, Incoming, Info, NetError};

/// What a heartbeat brings back: there is one path, and any word from the peer will do, so it need not say anything.
const HEARTBEAT_INFORMATION: &[u8] = b"proselink   ";

impl Pump {
    pub(super) fn serve(&mut self, mut peer: Box<Peer>, now: Instant) {
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
        self.ask(&mut peer, now);
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
        let local = SocketAddr::new(self.local.ip(), peer.path.2);
        let info = Info {
            encapsulation: (self.backend == Backend::EmbeddedSctp).then_some((self.local, peer.path.0)),
            outgoing_streams: peer.edge.outgoing_streams,
            incoming_streams: peer.edge.incoming_streams,
            ..Info::new(self.backend, local, peer.remote())
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
    pub(super) fn deliver(&mut self, peer: &mut Peer) {
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

    /// Sends a heartbeat if one is due: a peer that is gone is noticed though nobody has anything to say to it. RFC 9260
    /// section 8.3.
    fn ask(&mut self, peer: &mut Peer, now: Instant) {
        if peer.heartbeat_due(&self.options).is_none_or(|due| due > now) {
            return;
        }
        peer.asked = Some(now);
        peer.waiting_since.get_or_insert(now);
        self.builder.restart(peer.path.2, peer.path.1, peer.edge.peer_tag);
        let packet = BytesMut::from(self.builder.heartbeat(HEARTBEAT_INFORMATION).finish());
        self.out.push((peer.path.0, packet));
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
            reason: match peer.buffered {
                0 => format!("it has not answered a heartbeat for {:?}", self.options.path_timeout),
                _ => format!("it has not acknowledged anything for {:?}", self.options.path_timeout),
            },
        })
    }

    fn schedule(&mut self, peer: &mut Peer) {
        let silent = peer.waiting_since.and_then(|since| since.checked_add(self.options.path_timeout));
        let heartbeat = peer.heartbeat_due(&self.options);
        let next = [peer.stack.poll_timeout(), peer.deadline, silent, heartbeat].into_iter().flatten().min();
        if let Some(next) = next
            && peer.scheduled.is_none_or(|scheduled| next < scheduled)
        {
            peer.scheduled = Some(next);
            self.timers.push(Reverse((next, peer.id)));
        }
    }
}
