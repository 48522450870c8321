//! Other settings while the node runs: peers and listeners come, go, and change.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Driver, PeerEntry, REBOOTING};
use crate::avp::dictionary::DisconnectCause;
use crate::net::{Endpoint, Listener};
use crate::node::PeerSettings;
use crate::node::reload::{PeerStep, Plan};
use crate::peer::State;
use crate::peer::routing::Table;
use crate::registration::element::{Element, Now};

/// What the task is to change.
#[derive(Debug)]
pub(in crate::node) struct Reload {
    pub plan: Plan,
    /// The new ones, already open.
    pub listeners: Vec<(Endpoint, Listener)>,
    pub done: oneshot::Sender<()>,
}

impl<E: Element + Send + 'static> Driver<E> {
    pub(super) fn reload(&mut self, now: Now, reload: Reload) {
        let Reload { plan, listeners, done } = reload;
        if self.stopping.is_some() {
            // The sender hears that nothing was taken.
            return;
        }
        let Plan { settings, steps, unlisten, .. } = plan;
        for endpoint in &unlisten {
            if let Some(at) = self.listeners.iter().position(|(known, _)| known == endpoint) {
                self.listeners.swap_remove(at).1.abort();
            }
        }
        for (endpoint, listener) in listeners {
            let task = self.listen(listener);
            self.listeners.push((endpoint, task));
        }
        if *self.local != settings.local {
            self.local = Arc::new(settings.local.clone());
            for peer in &mut self.peers {
                peer.machine.set_local(Arc::clone(&self.local));
            }
        }
        for step in steps {
            self.change_peer(now, step);
        }
        self.settings = settings;
        self.tabulate();
        // Whoever is told that this is done looks at the new peers, not at the old.
        self.show_peers();
        let _ = done.send(());
    }

    fn change_peer(&mut self, now: Now, step: PeerStep) {
        let at = |driver: &Self, identity: &str| {
            let listed = driver.peers.iter().enumerate().filter(|(_, peer)| peer.is_listed());
            let mut named = listed.filter(|(_, peer)| super::is_named(peer.machine.expected(), identity));
            named.next().map(|(at, _)| at)
        };
        match step {
            PeerStep::Add(peer) => self.add_peer(now, &peer),
            PeerStep::Remove(identity) => {
                if let Some(at) = at(self, &identity) {
                    self.retire(now, at, DisconnectCause::DO_NOT_WANT_TO_TALK_TO_YOU, None);
                    if let Some(metrics) = &self.metrics {
                        metrics.forget(&identity);
                    }
                }
            }
            // REBOOTING: the peer may come back at once.
            PeerStep::Remake(peer) => match at(self, &peer.expected.identity) {
                Some(at) => self.retire(now, at, REBOOTING, Some(peer)),
                None => self.add_peer(now, &peer),
            },
            PeerStep::Adjust(peer) => match at(self, &peer.expected.identity) {
                Some(at) if self.peers[at].retired => self.peers[at].successor = Some(peer),
                Some(at) => {
                    let settings = crate::peer::Settings { connect: peer.connect_to.is_some(), ..peer.settings };
                    self.peers[at].machine.reconfigure(peer.expected, settings);
                    self.drain_peer(now, at, None);
                }
                None => self.add_peer(now, &peer),
            },
        }
    }

    pub(super) fn add_peer(&mut self, now: Now, peer: &PeerSettings) {
        // One that has only just been removed is waited for, lest its old connection and the new one meet.
        let leaving = (0..self.peers.len()).find(|at| {
            let entry = &self.peers[*at];
            entry.retired && !self.is_over(*at) && super::is_named(entry.machine.expected(), &peer.expected.identity)
        });
        if let Some(at) = leaving {
            self.peers[at].successor = Some(Box::new(peer.clone()));
            self.count_retiring();
            return;
        }
        let entry = PeerEntry::new(&self.local, peer, self.metrics.as_ref(), now.elapsed);
        self.peers_due = now.elapsed;
        match (0..self.peers.len()).find(|at| self.is_free(*at)) {
            Some(at) => self.peers[at] = entry,
            None => self.peers.push(entry),
        }
    }

    fn retire(&mut self, now: Now, at: usize, cause: i32, successor: Option<Box<PeerSettings>>) {
        let entry = &mut self.peers[at];
        if !entry.retired {
            entry.retired = true;
            entry.machine.stop(now.elapsed, cause);
        }
        entry.successor = successor;
        self.drain_peer(now, at, None);
        self.count_retiring();
    }

    /// Gives the places of peers whose connections have ended to those that follow them.
    pub(super) fn replace_retired(&mut self, now: Now) {
        for at in 0..self.peers.len() {
            if self.is_over(at)
                && let Some(peer) = self.peers[at].successor.take()
            {
                self.peers[at] = PeerEntry::new(&self.local, &peer, self.metrics.as_ref(), now.elapsed);
                self.peers_due = now.elapsed;
                self.views_stale = true;
                self.tabulate();
            }
        }
        self.count_retiring();
    }

    /// Makes the routing table anew. A place whose peer is none any more has no name in it.
    pub(super) fn tabulate(&mut self) {
        let named = self.peers.iter().map(|peer| {
            let expected = peer.machine.expected();
            if peer.is_listed() { (&*expected.identity, expected.realm.as_deref()) } else { ("", None) }
        });
        let mut table = Table::new(named, &self.settings.routes);
        for (at, peer) in self.peers.iter().enumerate().filter(|(_, peer)| peer.is_listed()) {
            let said = peer.machine.capabilities();
            table.learn(at, &said.realm, said.is_relay());
        }
        self.table = table;
    }

    fn count_retiring(&mut self) {
        self.retiring = self.peers.iter().filter(|peer| peer.retired && peer.successor.is_some()).count();
    }

    /// True when a retired peer has no connection any more, nor one that is being opened.
    fn is_over(&self, at: usize) -> bool {
        let entry = &self.peers[at];
        let idle = entry.retired && entry.connecting == 0 && entry.machine.state() == State::Closed;
        idle && !self.connections.values().any(|connection| connection.peer == Some(at))
    }

    fn is_free(&self, at: usize) -> bool {
        self.peers[at].successor.is_none() && self.is_over(at)
    }
}
