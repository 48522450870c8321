//! Connections: taken, opened, named by their first message, read, written, ended.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Connection, Driver, IDENTIFY_SPAN, Input, is_named};
use crate::message::Header;
use crate::net::{Association, Incoming, NetError, Outgoing};
use crate::peer::{ConnectionId, State, capabilities};
use crate::registration::element::{Element, Now};

impl<E: Element + Send + 'static> Driver<E> {
    fn adopt(&mut self, now: Now, id: ConnectionId, association: Association, peer: Option<usize>) {
        let connection = Connection { sender: association.sender(), peer, deadline: now.elapsed + IDENTIFY_SPAN };
        self.connections.insert(id, connection);
        let inputs = self.inputs.clone();
        tokio::spawn(read(id, association, inputs));
    }

    pub(super) fn new_connection(&mut self) -> ConnectionId {
        self.next_connection += 1;
        ConnectionId(self.next_connection)
    }

    pub(super) fn handle_accepted(&mut self, now: Now, association: Association) {
        let remote = association.info().remote;
        if self.stopping.is_some() || self.unidentified >= self.settings.unidentified_limit {
            tracing::warn!(%remote, "too many connections whose peer has not said who it is; this one is dropped");
            association.abort();
            return;
        }
        // Strangers are not worth a handshake: no peer may come from that address.
        let ip = remote.ip();
        let known = self
            .settings
            .peers
            .iter()
            .any(|peer| peer.expected.addresses.is_empty() || peer.expected.addresses.contains(&ip));
        if !known {
            tracing::warn!(
                %remote,
                "no peer may come from this address; to let one in, add \"{ip}\" to the addresses of its [[peer]]"
            );
        }
        self.unidentified += 1;
        let id = self.new_connection();
        self.adopt(now, id, association, None);
    }

    pub(super) fn handle_connected(
        &mut self,
        now: Now,
        peer: usize,
        id: ConnectionId,
        result: Result<Association, NetError>,
    ) {
        let Some(entry) = self.peers.get_mut(peer) else { return };
        match result {
            Ok(association) => {
                if let Err(distrust) = self.judge_protection(peer, association.info(), true) {
                    self.refuse_called(now, peer, association, distrust);
                    return;
                }
                let Some(entry) = self.peers.get_mut(peer) else { return };
                let info = association.info();
                entry.span.in_scope(|| tracing::debug!(local = %info.local, remote = %info.remote, "connected"));
                self.adopt(now, id, association, Some(peer));
                self.peers[peer].machine.handle_connected(now.elapsed, id);
            }
            Err(error) => {
                entry.trouble = Some(error.to_string());
                entry.machine.handle_connect_failed(now.elapsed, &error.to_string());
                self.views_stale = true;
            }
        }
    }

    pub(super) fn handle_closed(&mut self, now: Now, id: ConnectionId, words: &str) {
        let Some(connection) = self.connections.remove(&id) else { return };
        match connection.peer {
            Some(peer) => {
                let entry = &mut self.peers[peer];
                if entry.machine.state() == State::WaitICea {
                    entry.trouble = Some(format!("the connection ended before CEA came: {words}"));
                    self.views_stale = true;
                }
                entry.machine.handle_closed(now.elapsed, id, words);
            }
            None => self.unidentified = self.unidentified.saturating_sub(1),
        }
    }

    pub(super) fn handle_message(&mut self, now: Now, id: ConnectionId, message: Incoming) {
        let Some(connection) = self.connections.get(&id) else { return };
        let bytes = self.settings.private.received(message.bytes);
        match connection.peer {
            Some(peer) => {
                self.peers[peer].machine.handle_message(now.elapsed, id, bytes);
                self.drain_peer(now, peer, Some(message.stream));
            }
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
            connection.sender.abort();
            return;
        };
        let peers = &self.peers;
        let mut found = None;
        let judged = capabilities::judge_cer(&self.local, remote.ip(), message, &header, |identity| {
            found = peers.iter().position(|peer| is_named(peer.machine.expected(), identity));
            found.map(|at| peers[at].machine.expected())
        });
        let judged = match found.and_then(|at| self.refuse_caller(at, id, &header)) {
            Some(refusal) if judged.is_ok() => Err(refusal),
            _ => judged,
        };
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match (judged, found) {
            (Ok(capabilities), Some(peer)) => {
                connection.peer = Some(peer);
                self.unidentified = self.unidentified.saturating_sub(1);
                self.peers[peer].machine.handle_cer(now.elapsed, id, header, capabilities);
                self.drain_peer(now, peer, None);
            }
            (Err(refusal), found) => {
                tracing::warn!(%remote, "peer refused: {refusal}");
                if let Some(peer) = found {
                    self.peers[peer].trouble = Some(refusal.to_string());
                    self.views_stale = true;
                }
                if let Some(answer) = refusal.answer {
                    let _ = connection.sender.try_send(Outgoing::new(self.settings.private.sent(answer.into())));
                }
                connection.sender.begin_close();
            }
            // A CER is only good when a peer was found for it.
            (Ok(_), None) => connection.sender.abort(),
        }
    }

    pub(super) fn send(&mut self, id: ConnectionId, message: Bytes, stream: u16) {
        let Some(connection) = self.connections.get(&id) else { return };
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

/// Carries an association's messages to the task until it ends.
async fn read<E>(id: ConnectionId, mut association: Association, inputs: mpsc::Sender<Input<E>>) {
    let words = loop {
        match association.recv().await {
            Ok(Some(message)) => {
                if inputs.send(Input::Message { id, message }).await.is_err() {
                    return;
                }
            }
            Ok(None) => break "the connection was closed".to_owned(),
            Err(error) => break error.to_string(),
        }
    };
    // Closed from our side too, and over: a shutdown is not cut short by the end of the process.
    let _ = association.close().await;
    let _ = inputs.send(Input::Closed { id, words }).await;
}
