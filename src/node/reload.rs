//! What changes when a node that runs is given other settings, and how it is said.
//!
//! | what | how it changes |
//! |---|---|
//! | a peer that is the same | nothing: its connection stays |
//! | a peer that is new | connected to, or let in |
//! | a peer that is gone | DPR with DO_NOT_WANT_TO_TALK_TO_YOU, then the end of its connection |
//! | a peer's timers, limits, or more addresses it may come from | in place: its connection stays |
//! | a peer otherwise | DPR with REBOOTING, the end of its connection, then as if new |
//! | routes, listeners, the drain time | in place; connections that a listener has taken stay |
//! | identity, realm, private numbers | need a restart, and stay as they are |

use std::fmt;

use super::{PeerSettings, Settings};
use crate::net::Endpoint;
use crate::peer;
use crate::peer::routing::RealmRoute;

/// What a reload has changed, and what it could not.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ReloadReport {
    /// What has changed, in the order in which it was done.
    pub changes: Vec<Change>,
    /// Keys and sections whose change needs a restart; the old ones go on.
    pub restart: Vec<String>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Listens no more.
    ListenerRemoved(String),
    /// Listens there too.
    ListenerAdded(String),
    /// A peer is no longer one.
    PeerRemoved(String),
    /// A peer is new.
    PeerAdded(String),
    /// A peer has changed.
    PeerChanged {
        /// Its Origin-Host.
        identity: String,
        /// Keys of its section.
        keys: Vec<&'static str>,
        /// Its connection ends and is made anew; otherwise it stays.
        remade: bool,
    },
    /// A row of the realm routing table is gone.
    RouteRemoved(String),
    /// A row of the realm routing table is new.
    RouteAdded(String),
    /// How long a stop waits for answers, in seconds.
    Drain(u64),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ListenerRemoved(at) => write!(f, "listener {at} removed"),
            Self::ListenerAdded(at) => write!(f, "listener {at} added"),
            Self::PeerRemoved(identity) => write!(f, "peer {identity} removed"),
            Self::PeerAdded(identity) => write!(f, "peer {identity} added"),
            Self::PeerChanged { identity, keys, remade } => {
                let how = if *remade { "connected anew" } else { "its connection stays" };
                write!(f, "peer {identity} changed ({}), {how}", keys.join(", "))
            }
            Self::RouteRemoved(route) => write!(f, "route {route} removed"),
            Self::RouteAdded(route) => write!(f, "route {route} added"),
            Self::Drain(seconds) => write!(f, "drain is {seconds} s"),
        }
    }
}

impl fmt::Display for ReloadReport {
    /// A sentence a change, joined by `; `.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() && self.restart.is_empty() {
            return f.write_str("nothing has changed");
        }
        let mut said: Vec<String> = self.changes.iter().map(ToString::to_string).collect();
        if !self.restart.is_empty() {
            said.push(format!("changed, and needs a restart: {}", self.restart.join(", ")));
        }
        f.write_str(&said.join("; "))
    }
}

/// What is to be done to one peer.
#[derive(Clone, Debug)]
pub(super) enum PeerStep {
    Add(Box<PeerSettings>),
    Remove(String),
    Remake(Box<PeerSettings>),
    Adjust(Box<PeerSettings>),
}

/// The way from one configuration to another.
#[derive(Debug)]
pub(super) struct Plan {
    /// What the node will run with: the new settings, with the old ones where a restart is needed.
    pub settings: Settings,
    pub steps: Vec<PeerStep>,
    pub listen: Vec<Endpoint>,
    pub unlisten: Vec<Endpoint>,
    pub report: ReloadReport,
}

impl Plan {
    pub fn new(old: &Settings, mut new: Settings) -> Self {
        let mut report = ReloadReport::default();
        for (key, same) in [
            ("identity", old.local.identity == new.local.identity),
            ("realm", old.local.realm == new.local.realm),
            ("private", old.private == new.private),
        ] {
            if !same {
                report.restart.push(key.to_owned());
            }
        }
        new.private = old.private;
        new.metrics.clone_from(&old.metrics);
        new.heartbeat.clone_from(&old.heartbeat);
        let addresses = std::mem::take(&mut new.local.addresses);
        new.local = peer::Local { addresses, ..old.local.clone() };

        let [had, wants] = [old, &new].map(|settings| -> Vec<Endpoint> {
            settings.listen.iter().map(|endpoint| settings.whole(endpoint)).collect()
        });
        let unlisten: Vec<_> = had.iter().filter(|at| !wants.contains(at)).cloned().collect();
        let listen: Vec<_> = wants.iter().filter(|at| !had.contains(at)).cloned().collect();
        report.changes.extend(unlisten.iter().map(|at| Change::ListenerRemoved(at.to_string())));
        report.changes.extend(listen.iter().map(|at| Change::ListenerAdded(at.to_string())));

        let mut steps = Vec::new();
        for peer in &old.peers {
            if find(&new, peer).is_none() {
                let identity = peer.expected.identity.clone();
                report.changes.push(Change::PeerRemoved(identity.clone()));
                steps.push(PeerStep::Remove(identity));
            }
        }
        for peer in &new.peers {
            let identity = peer.expected.identity.clone();
            let Some(before) = find(old, peer) else {
                report.changes.push(Change::PeerAdded(identity));
                steps.push(PeerStep::Add(Box::new(peer.clone())));
                continue;
            };
            let (before, after) = (whole(old, before), whole(&new, peer));
            if before == after {
                continue;
            }
            let remade = !can_adjust(&before, &after);
            let keys = changed_keys(&before, &after);
            report.changes.push(Change::PeerChanged { identity, keys, remade });
            let peer = Box::new(peer.clone());
            steps.push(if remade { PeerStep::Remake(peer) } else { PeerStep::Adjust(peer) });
        }

        let route = |row: &RealmRoute| {
            let application = row.application.map_or_else(String::new, |id| format!(" application {id}"));
            let share = if row.share { ", shared" } else { "" };
            format!("{}{application} by {}{share}", row.realm, row.hosts.join(", "))
        };
        let only_in = |one: &[RealmRoute], other: &[RealmRoute]| -> Vec<String> {
            one.iter().filter(|row| !other.contains(row)).map(route).collect()
        };
        report.changes.extend(only_in(&old.routes, &new.routes).into_iter().map(Change::RouteRemoved));
        report.changes.extend(only_in(&new.routes, &old.routes).into_iter().map(Change::RouteAdded));
        if old.drain != new.drain {
            report.changes.push(Change::Drain(new.drain.as_secs()));
        }
        Self { settings: new, steps, listen, unlisten, report }
    }
}

fn find<'s>(settings: &'s Settings, peer: &PeerSettings) -> Option<&'s PeerSettings> {
    settings.peers.iter().find(|other| other.expected.identity.eq_ignore_ascii_case(&peer.expected.identity))
}

/// The peer with all said that its node's settings imply.
fn whole(settings: &Settings, peer: &PeerSettings) -> PeerSettings {
    let connect_to = peer.connect_to.as_ref().map(|endpoint| settings.whole(endpoint));
    PeerSettings { connect_to, ..peer.clone() }
}

/// Whether the connection may stay: only timers and limits differ, and no address is shut out that was let in.
fn can_adjust(before: &PeerSettings, after: &PeerSettings) -> bool {
    let (old, new) = (&before.expected.addresses, &after.expected.addresses);
    let shut_out = !new.is_empty() && (old.is_empty() || old.iter().any(|address| !new.contains(address)));
    let mut same = after.clone();
    same.expected.addresses.clone_from(old);
    same.settings = peer::Settings { connect: after.settings.connect, ..before.settings.clone() };
    !shut_out && same == *before
}

/// The keys of a `[[peer]]` section whose values differ.
fn changed_keys(before: &PeerSettings, after: &PeerSettings) -> Vec<&'static str> {
    let (old, new) = (&before.settings, &after.settings);
    let mut keys = Vec::new();
    for (key, same) in [
        ("identity", before.expected.identity == after.expected.identity),
        ("realm", before.expected.realm == after.expected.realm),
        ("connect_to", before.connect_to == after.connect_to),
        ("udp_port", before.udp_port == after.udp_port),
        ("addresses", before.expected.addresses == after.expected.addresses),
        ("tc", old.intervals.connect == new.intervals.connect),
        ("tc_max", old.intervals.connect_limit == new.intervals.connect_limit),
        ("tw", old.intervals.watchdog == new.intervals.watchdog),
        ("reopen", old.intervals.reopen == new.intervals.reopen),
        ("answer_timeout", old.answer_wait == new.answer_wait),
    ] {
        if !same {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        keys.push("settings");
    }
    keys
}
