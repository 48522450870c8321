//! Connections: taken, opened, named by their first message, read, written, ended.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::{Connection, Driver, IDENTIFY_SPAN, PORTION, TELL_SPAN, is_named};
use crate::avp::Avps;
use crate::avp::dictionary::OriginHost;
use crate::message::{HEADER_LENGTH, Header, find};
use crate::net::association::Taken;
use crate::net::{Association, Incoming, NetError, Outgoing};
use crate::node::PeerSettings;
use crate::peer::{ConnectionId, Expected, capabilities, explain};
use crate::registration::element::{Element, Now};

impl Connection {
    /// Ends the connection of someone who may not come in; what still comes on it is not looked at.
    pub(super) fn drop_stranger(&mut self) {
        self.dropped = true;
        self.sender.abort();
    }
}

impl<E: Element + Send + 'static> Driver<E> {
    fn adopt(&mut self, id: ConnectionId, association: Association, peer: Option<usize>) {
        let ready = Arc::clone(&self.ready);
        association.on_ready(move || ready.push(id));
        let connection = Connection { sender: association.sender(), association, peer, dropped: false };
        self.connections.insert(id, connection);
        if let Some(metrics) = &self.metrics {
            metrics.connections().open.set(self.connections.len());
        }
    }

    /// Handles a portion of what has come on a connection, or its end; how many messages that were.
    pub(super) fn take_turn(&mut self, id: ConnectionId) -> usize {
        let Some(connection) = self.connections.get_mut(&id) else { return 0 };
        // A peer that does not take our answers need not be asked for more requests.
        if connection.peer.is_some() && connection.sender.holds_back() {
            return 0;
        }
        let mut inbox = std::mem::take(&mut self.inbox);
        let taken = connection.association.take_ready(PORTION, |message| inbox.push(message));
        let (now, count) = (self.now(), inbox.len());
        for message in inbox.drain(..) {
            self.handle_message(now, id, message);
            if !self.follows.is_empty() {
                self.settle(now);
            }
        }
        self.inbox = inbox;
        match taken {
            Taken::All => {}
            Taken::Some => self.turns.push_back(id),
            Taken::End(error) => {
                let malformed = matches!(error, Some(NetError::Framing { .. }));
                let words = error.map_or_else(|| "the connection was closed".to_owned(), |error| error.to_string());
                self.handle_closed(now, id, &words, malformed);
            }
        }
        self.settle(now);
        count
    }

    pub(super) fn new_connection(&mut self) -> ConnectionId {
        self.next_connection += 1;
        ConnectionId(self.next_connection)
    }

    pub(super) fn handle_accepted(&mut self, now: Now, association: Association) {
        let remote = association.info().remote;
        if let Some(metrics) = &self.metrics {
            metrics.connections().accepted.add(1);
        }
        let ip = remote.ip();
        // One host must not take the places of all others.
        let of_this_host = self.stranger_hosts.get(&ip).copied().unwrap_or(0);
        let of_all_hosts: usize = self.stranger_hosts.values().sum();
        if self.stopping.is_some()
            || of_all_hosts >= self.settings.unidentified_limit
            || of_this_host >= self.settings.unidentified_host_limit
        {
            tracing::debug!(%remote, "too many connections whose peer has not said who it is; this one is dropped");
            if let Some(metrics) = &self.metrics {
                metrics.connections().over_limit.add(1);
            }
            self.turned_away += 1;
            if now.elapsed >= self.turned_away_told {
                self.turned_away_told = now.elapsed + TELL_SPAN;
                tracing::warn!(
                    %remote,
                    dropped = self.turned_away,
                    "too many connections whose peer has not said who it is; the latest are dropped"
                );
            }
            association.abort();
            return;
        }
        let known = self
            .settings
            .peers
            .iter()
            .any(|peer| peer.expected.addresses.is_empty() || peer.expected.addresses.contains(&ip));
        if !known && self.settings.guests == 0 {
            tracing::warn!(
                %remote,
                "no peer may come from this address; to let one in, add \"{ip}\" to the addresses of its [[peer]]"
            );
        }
        self.stranger_hosts.insert(ip, of_this_host + 1);
        let id = self.new_connection();
        self.strangers.push_back((now.elapsed + IDENTIFY_SPAN, id));
        self.adopt(id, association, None);
    }

    pub(super) fn handle_connected(
        &mut self,
        now: Now,
        peer: usize,
        id: ConnectionId,
        result: Result<Association, NetError>,
    ) {
        let Some(entry) = self.peers.get_mut(peer) else { return };
        entry.connecting = entry.connecting.saturating_sub(1);
        match result {
            Ok(association) => match self.judge_protection(peer, association.info(), true) {
                Ok(()) => {
                    let info = association.info();
                    let span = &self.peers[peer].span;
                    span.in_scope(|| tracing::debug!(local = %info.local, remote = %info.remote, "connected"));
                    self.adopt(id, association, Some(peer));
                    self.peers[peer].machine.handle_connected(now.elapsed, id);
                }
                Err(distrust) => self.refuse_called(now, peer, association, distrust),
            },
            Err(error) => {
                entry.tally.connect_failed();
                let to = entry.connect_to.as_ref().map(ToString::to_string).unwrap_or_default();
                let next = entry.machine.next_attempt(now.elapsed);
                let words = explain::not_reached(&self.local, entry.machine.expected(), &to, &error.to_string(), next);
                entry.machine.handle_connect_failed(now.elapsed, &words);
            }
        }
        self.drain_peer(now, peer, None);
    }

    pub(super) fn handle_closed(&mut self, now: Now, id: ConnectionId, words: &str, malformed: bool) {
        let Some(connection) = self.connections.remove(&id) else { return };
        if let Some(metrics) = &self.metrics {
            metrics.connections().open.set(self.connections.len());
        }
        match connection.peer {
            Some(peer) => {
                let entry = &mut self.peers[peer];
                if malformed {
                    entry.tally.malformed();
                }
                entry.machine.handle_closed(now.elapsed, id, words);
                if !entry.machine.state().is_open() {
                    entry.tally.no_paths();
                }
                self.drain_peer(now, peer, None);
            }
            None => self.no_stranger_now(connection.sender.info().remote.ip()),
        }
    }

    /// A connection whose peer had not said who it is has done so or is gone.
    fn no_stranger_now(&mut self, host: IpAddr) {
        if let Some(count) = self.stranger_hosts.get_mut(&host) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.stranger_hosts.remove(&host);
            }
        }
    }

    pub(super) fn handle_message(&mut self, now: Now, id: ConnectionId, message: Incoming) {
        let Some(connection) = self.connections.get(&id) else { return };
        let bytes = self.settings.private.received(message.bytes);
        match connection.peer {
            Some(peer) => {
                let entry = &mut self.peers[peer];
                entry.tally.received(&bytes);
                entry.machine.handle_message(now.elapsed, id, bytes);
                self.drain_peer(now, peer, Some(message.stream));
            }
            None if connection.dropped => {}
            None => self.identify(now, id, &bytes),
        }
    }

    /// The first message of a connection that a peer has opened: it must be a CER that may stand.
    fn identify(&mut self, now: Now, id: ConnectionId, message: &Bytes) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let remote = connection.sender.info().remote;
        let cer = Header::parse(message)
            .filter(|header| header.is_request() && header.code == 257 && header.application == 0);
        let Some(header) = cer else {
            tracing::warn!(%remote, "the first message is no CER; the connection is dropped");
            if let Some(metrics) = &self.metrics {
                metrics.connections().no_cer.add(1);
            }
            connection.drop_stranger();
            return;
        };
        let peers = &self.peers;
        let guest = self.guest(message);
        let mut found = None;
        let judged = capabilities::judge_cer(&self.local, remote.ip(), message, &header, |identity| {
            found = peers.iter().position(|peer| peer.is_listed() && is_named(peer.machine.expected(), identity));
            found.map(|at| peers[at].machine.expected()).or(guest.as_ref().map(|guest| &guest.expected))
        });
        if let (Ok(_), None, Some(guest)) = (&judged, found, &guest) {
            found = self.let_in(now, guest);
        }
        let judged = match found.and_then(|at| self.refuse_caller(at, id, &header)) {
            Some(refusal) if judged.is_ok() => Err(refusal),
            _ => judged,
        };
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match (judged, found) {
            (Ok(capabilities), Some(peer)) => {
                connection.peer = Some(peer);
                self.no_stranger_now(remote.ip());
                self.peers[peer].tally.received(message);
                self.peers[peer].machine.handle_cer(now.elapsed, id, header, capabilities);
                self.drain_peer(now, peer, None);
            }
            (Err(refusal), found) => {
                tracing::warn!(%remote, "peer refused: {refusal}");
                if let Some(metrics) = &self.metrics {
                    metrics.connections().refused.add(1);
                }
                if let Some(peer) = found {
                    self.peers[peer].tally.refused();
                    self.peers[peer].trouble = Some(refusal.to_string());
                    self.views_stale = true;
                }
                if let Some(answer) = refusal.answer {
                    let _ = connection.sender.try_send(Outgoing::new(self.settings.private.sent(answer.into())));
                }
                // One CER a connection: what still comes is not looked at.
                connection.dropped = true;
                connection.sender.begin_close();
            }
            // A CER is only good when a peer was found for it, or a place for a guest.
            (Ok(_), None) => connection.drop_stranger(),
        }
    }

    /// Whoever presents themselves, as a peer, where guests are let in.
    fn guest(&self, cer: &Bytes) -> Option<PeerSettings> {
        if self.settings.guests == 0 {
            return None;
        }
        let identity = find::<OriginHost>(Avps::new(cer.get(HEADER_LENGTH..)?))?.to_owned();
        Some(PeerSettings {
            expected: Expected { identity, realm: None, addresses: Vec::new() },
            connect_to: None,
            udp_port: None,
            settings: crate::peer::Settings { any_command: self.element.takes_any_command(), ..Default::default() },
        })
    }

    /// Makes a guest a peer, in the place of one that has gone where there are too many; `None` when all of them stay.
    fn let_in(&mut self, now: Now, guest: &PeerSettings) -> Option<usize> {
        let guests = self.peers.iter().filter(|peer| peer.guest && !peer.retired).count();
        if guests >= self.settings.guests {
            let gone = |peer: &super::PeerEntry| {
                peer.guest && !peer.retired && peer.machine.state() == crate::peer::State::Closed
            };
            let at = self.peers.iter().position(gone)?;
            self.peers[at].retired = true;
        }
        self.add_peer(now, guest);
        self.tabulate();
        self.views_stale = true;
        let named =
            |peer: &super::PeerEntry| peer.is_listed() && is_named(peer.machine.expected(), &guest.expected.identity);
        let at = self.peers.iter().position(named)?;
        self.peers[at].guest = true;
        Some(at)
    }

    pub(super) fn send(&mut self, id: ConnectionId, message: Bytes, stream: u16) {
        let Some(connection) = self.connections.get(&id) else { return };
        if let Some(peer) = connection.peer {
            self.peers[peer].tally.sent(&message);
        }
        let message = self.settings.private.sent(message);
        match connection.sender.try_send(Outgoing::new(message).on_stream(stream)) {
            Ok(()) | Err(NetError::Closed { .. }) => {}
            Err(NetError::QueueFull { remote }) => {
                tracing::error!(%remote, "the peer takes nothing any more; the connection is dropped");
                connection.sender.abort();
            }
            Err(error) => tracing::warn!("a message was not sent: {error}"),
        }
    }
}
