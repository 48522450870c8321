//! The reading side: all counters as OpenMetrics text.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::{BOUNDS, Count, Metrics, PeerCounts, lock};
use crate::net::path::{Path, PathState};
use crate::peer::{State, Status};

type Labels<'a> = [(&'static str, &'a str)];

pub(super) fn text(metrics: &Metrics) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(metrics.clone()));
    let mut out = String::new();
    // A String takes all that is written to it.
    let _ = text::encode(&mut out, &registry);
    out
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let out = &mut encoder;
        self.of_node(out)?;
        let peers: Vec<_> = self.peers().clone();
        let peers: Vec<&PeerCounts> = peers.iter().map(AsRef::as_ref).collect();
        of_messages(out, &peers)?;
        of_requests(out, &peers)?;
        of_peers(out, &peers)
    }
}

impl Metrics {
    fn of_node(&self, out: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let all = &self.0;
        let mut build = family(out, "proselink_build", "The program", None, MetricType::Info)?;
        build.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])?;
        let seconds = Some(&Unit::Seconds);
        family(out, "process_start_time", "Start of the node, since 1970", seconds, MetricType::Gauge)?
            .encode_gauge(&all.begun_unix.as_secs_f64())?;
        if let Some(octets) = resident_memory() {
            family(out, "process_resident_memory", "Memory in use", Some(&Unit::Bytes), MetricType::Gauge)?
                .encode_gauge(&octets)?;
        }
        let beat = self.last_beat().unwrap_or_else(|| all.begun.elapsed()).as_secs_f64();
        family(
            out,
            "proselink_heartbeat_age",
            "Since the node's task gave a sign of life",
            seconds,
            MetricType::Gauge,
        )?
        .encode_gauge(&beat)?;
        plain(out, "proselink_reloads", "Configurations read again and taken", &all.reloads)?;
        plain(out, "proselink_reloads_refused", "Configurations read again and refused", &all.reloads_refused)?;

        let connections = &all.connections;
        let help = "Connections that are open, peers that have not said who they are included";
        family(out, "proselink_connections", help, None, MetricType::Gauge)?
            .encode_gauge(&(connections.open.get() as u64))?;
        plain(out, "proselink_connections_accepted", "Connections that listeners took", &connections.accepted)?;
        let help = "Connections dropped before the peer was known";
        let mut dropped = family(out, "proselink_connections_dropped", help, None, MetricType::Counter)?;
        for (reason, count) in [
            ("limit", &connections.over_limit),
            ("no_cer", &connections.no_cer),
            ("silent", &connections.silent),
            ("refused", &connections.refused),
        ] {
            counter(&mut dropped, &[("reason", reason)], count.get())?;
        }

        let help = "Requests of peers that wait for our answer";
        family(out, "proselink_requests_in_progress", help, None, MetricType::Gauge)?
            .encode_gauge(&(all.in_progress.get() as u64))?;
        let help = "Requests of ours that wait for a peer to come up";
        family(out, "proselink_requests_parked", help, None, MetricType::Gauge)?
            .encode_gauge(&(all.parked.get() as u64))?;
        plain(out, "proselink_duplicate_requests", "Requests that came twice", &all.duplicates)?;
        if let Some(counter) = &*lock(&all.store) {
            let counts = counter.counts();
            for (name, help, value) in [
                ("proselink_store_commits", "Transactions made durable", counts.commits),
                ("proselink_store_writes", "Writes in them", counts.writes),
                ("proselink_store_failures", "Transactions that failed", counts.failures),
            ] {
                family(out, name, help, None, MetricType::Counter)?
                    .encode_counter::<NoLabelSet, _, f64>(&value, None)?;
            }
        }
        Ok(())
    }
}

fn of_messages(out: &mut DescriptorEncoder<'_>, peers: &[&PeerCounts]) -> Result<(), Error> {
    for received in [true, false] {
        let (name, help) = if received {
            ("proselink_messages_received", "Messages from peers")
        } else {
            ("proselink_messages_sent", "Messages to peers")
        };
        let mut out = family(out, name, help, None, MetricType::Counter)?;
        for peer in peers {
            for one in lock(&peer.commands).iter() {
                let value = if received { one.received.get() } else { one.sent.get() };
                if value > 0 {
                    let labels =
                        [("peer", &*peer.identity), ("application", one.application), ("command", &*one.command)];
                    counter(&mut out, &labels, value)?;
                }
            }
        }
    }
    for received in [true, false] {
        let (name, help) = if received {
            ("proselink_answers_received", "Answers from peers by result; code_of is base, 3gpp or other")
        } else {
            ("proselink_answers_sent", "Answers to peers by result; code_of is base, 3gpp or other")
        };
        let mut out = family(out, name, help, None, MetricType::Counter)?;
        for peer in peers {
            for one in lock(&peer.results).iter() {
                let value = if received { one.received.get() } else { one.sent.get() };
                if value > 0 {
                    let labels = [
                        ("peer", &*peer.identity),
                        ("application", one.application),
                        ("code_of", one.kind),
                        ("result", &*one.result),
                    ];
                    counter(&mut out, &labels, value)?;
                }
            }
        }
    }
    let help = "Octets of messages from peers";
    each(out, "proselink_received", help, Some(&Unit::Bytes), peers, |peer| peer.octets_received.get())?;
    let help = "Octets of messages to peers";
    each(out, "proselink_sent", help, Some(&Unit::Bytes), peers, |peer| peer.octets_sent.get())?;
    let help = "Octets that cannot be framed, and messages with a bad header or, between neighbours, bad AVPs";
    each(out, "proselink_decode_errors", help, None, peers, |peer| peer.malformed.get())
}

fn of_requests(out: &mut DescriptorEncoder<'_>, peers: &[&PeerCounts]) -> Result<(), Error> {
    let help = "From a request of ours to its answer";
    let mut times = family(out, "proselink_request_duration", help, Some(&Unit::Seconds), MetricType::Histogram)?;
    for peer in peers {
        for one in lock(&peer.spans).iter() {
            let mut buckets = Vec::with_capacity(BOUNDS.len() + 1);
            let mut count = 0;
            let ends = BOUNDS.iter().map(|bound| *bound as f64 / 1e6).chain([f64::INFINITY]);
            for (end, bucket) in ends.zip(&one.times.buckets) {
                let value = bucket.get();
                count += value;
                buckets.push((end, value));
            }
            let sum = one.times.nanoseconds.get() as f64 / 1e9;
            let labels: &Labels<'_> = &[("peer", &*peer.identity), ("application", one.application)];
            times.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
    }
    let help = "Requests of ours that the peer did not answer";
    let mut unanswered = family(out, "proselink_requests_unanswered", help, None, MetricType::Counter)?;
    for peer in peers {
        for (reason, count) in [("timeout", &peer.unanswered_timeout), ("failover", &peer.unanswered_failover)] {
            counter(&mut unanswered, &[("peer", &peer.identity), ("reason", reason)], count.get())?;
        }
    }
    let mut pending =
        family(out, "proselink_requests_pending", "Requests of ours that wait for answers", None, MetricType::Gauge)?;
    for peer in peers {
        gauge(&mut pending, &[("peer", &peer.identity)], peer.pending.get() as u64)?;
    }
    Ok(())
}

fn of_peers(out: &mut DescriptorEncoder<'_>, peers: &[&PeerCounts]) -> Result<(), Error> {
    let mut up = family(out, "proselink_peer_up", "1 when requests may go to the peer", None, MetricType::Gauge)?;
    for peer in peers {
        gauge(&mut up, &[("peer", &peer.identity)], u64::from(peer.is_usable()))?;
    }
    let help = "1 for the state of RFC 6733 section 5.6 that the peer is in";
    let mut states = family(out, "proselink_peer_state", help, None, MetricType::Gauge)?;
    for peer in peers {
        for state in State::ALL {
            let value = u64::from(peer.standing().0 == *state);
            gauge(&mut states, &[("peer", &peer.identity), ("state", state.name())], value)?;
        }
    }
    let help = "1 for the status of RFC 3539 section 3.4 that the peer has";
    let mut statuses = family(out, "proselink_peer_watchdog", help, None, MetricType::Gauge)?;
    for peer in peers {
        for status in Status::ALL {
            let value = u64::from(peer.standing().1 == *status);
            gauge(&mut statuses, &[("peer", &peer.identity), ("status", status.name())], value)?;
        }
    }
    let help = "Watchdogs that the peer did not answer in time";
    each(out, "proselink_watchdog_failures", help, None, peers, |peer| peer.watchdog_failures.get())?;
    let help = "Connections that we began to open";
    each(out, "proselink_connects", help, None, peers, |peer| peer.connects.get())?;
    let help = "Connections that could not be opened";
    each(out, "proselink_connect_failures", help, None, peers, |peer| peer.connects_failed.get())?;
    let help = "Capabilities exchanges that failed";
    each(out, "proselink_peer_refusals", help, None, peers, |peer| peer.refusals.get())?;
    let help = "1 for the state of each path of the peer's SCTP association";
    let mut paths = family(out, "proselink_sctp_path_state", help, None, MetricType::Gauge)?;
    let known: Vec<(&PeerCounts, Vec<Path>)> = peers
        .iter()
        .map(|peer| (*peer, lock(&peer.paths).as_ref().map(|paths| paths.borrow().clone()).unwrap_or_default()))
        .collect();
    let each_path = |write: &mut dyn FnMut(&PeerCounts, &str, &Path) -> Result<(), Error>| {
        known
            .iter()
            .try_for_each(|(peer, paths)| paths.iter().try_for_each(|path| write(peer, &path.remote.to_string(), path)))
    };
    each_path(&mut |peer, address, path| {
        PathState::ALL.iter().try_for_each(|state| {
            let labels = [("peer", &*peer.identity), ("address", address), ("state", &state.to_string())];
            gauge(&mut paths, &labels, u64::from(path.state == *state))
        })
    })?;
    let help = "1 for the path that is used as long as it is available";
    let mut primary = family(out, "proselink_sctp_path_primary", help, None, MetricType::Gauge)?;
    each_path(&mut |peer, address, path| {
        gauge(&mut primary, &[("peer", &peer.identity), ("address", address)], u64::from(path.primary))
    })
}

fn family<'a>(
    out: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &str,
    unit: Option<&'a Unit>,
    kind: MetricType,
) -> Result<MetricEncoder<'a>, Error> {
    out.encode_descriptor(name, help, unit, kind)
}

/// A counter without labels.
fn plain(out: &mut DescriptorEncoder<'_>, name: &str, help: &str, count: &Count) -> Result<(), Error> {
    let mut out = family(out, name, help, None, MetricType::Counter)?;
    out.encode_counter::<NoLabelSet, _, f64>(&count.get(), None)
}

/// A counter of each peer.
fn each(
    out: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    peers: &[&PeerCounts],
    value: impl Fn(&PeerCounts) -> u64,
) -> Result<(), Error> {
    let mut out = family(out, name, help, unit, MetricType::Counter)?;
    for peer in peers {
        counter(&mut out, &[("peer", &peer.identity)], value(peer))?;
    }
    Ok(())
}

fn counter(out: &mut MetricEncoder<'_>, labels: &Labels<'_>, value: u64) -> Result<(), Error> {
    out.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&value, None)
}

fn gauge(out: &mut MetricEncoder<'_>, labels: &Labels<'_>, value: u64) -> Result<(), Error> {
    out.encode_family(&labels)?.encode_gauge(&value)
}

/// Memory of this process in octets, where the system tells.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}
