//! Looking after an element that runs: its peers as they come and go, its configuration when it changes, its end.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior};

use super::{Early, Manner, systemd};
use crate::node::config::{self, Config, Role};
use crate::node::metrics::{Metrics, http};
use crate::node::{Handle, Heartbeat, NodeError, PeerView};
use crate::registration::element::Element;

/// How often the configuration file is looked at, and how often the node's task is asked for a sign of life.
const LOOK: Duration = Duration::from_secs(1);

/// How long the node may take to accept another configuration.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a file looks like from outside. A change is acted on when two looks have shown the same.
type Stamp = Option<(SystemTime, u64)>;

/// Whoever looks after one element.
pub struct Attendant {
    manner: Manner,
    identity: String,
    /// The parts of the configuration that a node cannot take while it runs.
    fixed: config::Fixed,
    /// The file as it was read last, and as it was seen last.
    read: Stamp,
    seen: Stamp,
    look: Interval,
    hangup: Signal,
    stop: StopSignals,
    metrics: Option<Metrics>,
    /// Peers that come and go are told on standard output.
    tells: bool,
    told: HashMap<String, String>,
    watchdog: Option<JoinHandle<()>>,
    _http: Option<http::Server>,
}

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// How an element ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order: peers told, answers waited for.
    InOrder,
    /// At once, because it was asked to a second time.
    AtOnce,
}

impl Attendant {
    /// Prepares: signals, metrics and the watchdog; what the node needs for that is put into its settings.
    pub async fn new(manner: Manner, config: &mut Config) -> Result<Self, Early> {
        let tells = !matches!(config.role, Role::Ue(_));
        let stamp = stamp(&manner.path);
        let on = |kind: SignalKind| signal(kind).map_err(Early::environment);
        let hangup = on(SignalKind::hangup())?;
        let stop = StopSignals { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? };
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let identity = config.settings.local.identity.clone();
        let metrics = config.metrics.map(|_| Metrics::new());
        let mut http = None;
        if let (Some(address), Some(metrics)) = (config.metrics, &metrics) {
            let server = http::Server::start(address, metrics.clone()).await;
            let server = server.map_err(|error| Early::environment(format!("metrics at {address}: {error}")))?;
            if !address.ip().is_loopback() {
                tracing::warn!(%address, "metrics are shown to whoever can reach this address");
            }
            manner.say(&format!("{identity} shows metrics at http://{}/metrics", server.local()));
            http = Some(server);
        }
        config.settings.metrics.clone_from(&metrics);
        let mut watchdog = None;
        let every = systemd::watchdog();
        if every.is_some() || metrics.is_some() {
            // The node's task must not wait for the service manager: it wakes a task that tells it.
            let alive = Arc::new(Notify::new());
            let beats = Arc::clone(&alive);
            let counted = metrics.clone();
            let beat = move || {
                if let Some(metrics) = &counted {
                    metrics.beat();
                }
                beats.notify_one();
            };
            config.settings.heartbeat =
                Some(Heartbeat { every: every.unwrap_or(LOOK).min(LOOK), beat: Arc::new(beat) });
            if every.is_some() {
                watchdog = Some(tokio::spawn(async move {
                    loop {
                        alive.notified().await;
                        systemd::tell(&[NotifyState::Watchdog]);
                    }
                }));
            }
        }
        Ok(Self {
            manner,
            identity,
            fixed: config.fixed.clone(),
            read: stamp,
            seen: stamp,
            look,
            hangup,
            stop,
            metrics,
            tells,
            told: HashMap::new(),
            watchdog,
            _http: http,
        })
    }

    /// How the element is played.
    pub const fn manner(&self) -> &Manner {
        &self.manner
    }

    /// Where its configuration is.
    pub fn path(&self) -> &Path {
        &self.manner.path
    }

    /// Looks after the element until it is told to stop.
    pub async fn attend<E: Element + Send + 'static>(&mut self, handle: &Handle<E>) {
        let mut views = handle.watch_peers();
        let first = views.borrow_and_update().clone();
        systemd::tell(&[NotifyState::Ready, NotifyState::Status(&summary(&first))]);
        self.tell(&first);
        loop {
            tokio::select! {
                () = self.stop.recv() => return,
                _ = self.hangup.recv() => self.reload(handle).await,
                _ = self.look.tick() => {
                    if self.has_changed() {
                        self.reload(handle).await;
                    }
                }
                changed = views.changed() => {
                    if changed.is_err() {
                        // The node's task has ended; whoever stops it is told why.
                        return;
                    }
                    let views = views.borrow_and_update().clone();
                    systemd::tell(&[NotifyState::Status(&summary(&views))]);
                    self.tell(&views);
                }
            }
        }
    }

    /// Stops the element: in order, or at once when a second signal comes.
    pub async fn end<E: Element + Send + 'static>(&mut self, handle: Handle<E>) -> Result<End, NodeError> {
        systemd::tell(&[NotifyState::Stopping, NotifyState::Status("disconnecting")]);
        tokio::select! {
            stopped = handle.stop() => stopped.map(|_| End::InOrder),
            () = self.stop.recv() => Ok(End::AtOnce),
        }
    }

    /// True when the file is another than was read last, and whoever writes it has come to an end.
    fn has_changed(&mut self) -> bool {
        let now = stamp(&self.manner.path);
        let settled = now == self.seen;
        self.seen = now;
        // A file that is gone is being replaced, or will be missed at the next start: there is nothing to read.
        settled && now.is_some() && now != self.read
    }

    async fn reload<E: Element + Send + 'static>(&mut self, handle: &Handle<E>) {
        systemd::reloading();
        self.read = stamp(&self.manner.path);
        self.seen = self.read;
        let taken = match config::load(&self.manner.path) {
            Ok(config) => self.take(handle, config).await,
            Err(error) => {
                tracing::error!("{error}; nothing is changed");
                None
            }
        };
        if let Some(metrics) = &self.metrics {
            metrics.reloaded(taken.is_some());
        }
        if let Some(words) = taken {
            tracing::info!("{words}");
            if self.tells {
                self.manner.say(&words);
            }
        }
        let status = summary(&handle.peers());
        systemd::tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
    }

    /// Hands a configuration to the node, and says what has changed; `None` when it was not taken.
    async fn take<E: Element + Send + 'static>(&mut self, handle: &Handle<E>, config: Config) -> Option<String> {
        let Config { settings, fixed, .. } = config;
        // A node that hangs must not keep the attendant from hearing that it is to stop.
        let Ok(taken) = tokio::time::timeout(PATIENCE, handle.reload(settings)).await else {
            tracing::error!("the node does not take the configuration");
            return None;
        };
        match taken {
            Ok(mut report) => {
                report.restart.extend(self.fixed.differences(&fixed));
                Some(format!("{} read {} again: {report}", self.identity, self.path().display()))
            }
            Err(error) => {
                tracing::error!("{}: {error}; nothing is changed", self.path().display());
                None
            }
        }
    }

    /// Says what has changed about the peers since it was said last.
    fn tell(&mut self, views: &[PeerView]) {
        self.told.retain(|identity, _| views.iter().any(|view| view.identity == *identity));
        for view in views {
            let Some(line) = line(view) else { continue };
            let told = self.told.entry(view.identity.clone()).or_default();
            if *told != line {
                if self.tells {
                    self.manner.say(&format!("{}: peer {} {line}", self.identity, view.identity));
                }
                *told = line;
            }
        }
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.abort();
        }
    }
}

/// Where a peer stands, in words; `None` while it is on its way and nothing is wrong.
fn line(view: &PeerView) -> Option<String> {
    use crate::peer::Status;
    if !view.state.is_open() {
        return view.trouble.as_ref().map(|trouble| format!("is down: {trouble}"));
    }
    let words = match view.status {
        Status::Okay => "is up",
        Status::Suspect => "does not answer the watchdog; no requests go to it",
        Status::Reopen => "is connected again, and used once it has answered three watchdogs",
        Status::Initial | Status::Down => return None,
    };
    Some(words.to_owned())
}

/// The peers in one line, for the service manager.
fn summary(views: &[PeerView]) -> String {
    const MOST_NAMES: usize = 5;
    let down: Vec<&str> = views.iter().filter(|view| !view.is_usable()).map(|view| &*view.identity).collect();
    let mut words = format!("{} of {} peers up", views.len() - down.len(), views.len());
    if let Some(first) = down.get(..down.len().min(MOST_NAMES)).filter(|first| !first.is_empty()) {
        words.push_str("; down: ");
        words.push_str(&first.join(", "));
        if down.len() > MOST_NAMES {
            words.push_str(", and more");
        }
    }
    words
}

fn stamp(path: &Path) -> Stamp {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::{State, Status};

    fn view(identity: &str, state: State, status: Status, trouble: Option<&str>) -> PeerView {
        PeerView { identity: identity.to_owned(), state, status, trouble: trouble.map(str::to_owned) }
    }

    #[test]
    fn a_peer_is_told_of_when_there_is_something_to_tell() {
        assert_eq!(line(&view("a", State::Closed, Status::Initial, None)), None);
        assert_eq!(line(&view("a", State::WaitConnAck, Status::Initial, None)), None);
        let refused = view("a", State::Closed, Status::Down, Some("it wants TLS"));
        assert_eq!(line(&refused).as_deref(), Some("is down: it wants TLS"));
        assert_eq!(line(&view("a", State::IOpen, Status::Okay, None)).as_deref(), Some("is up"));
        assert!(line(&view("a", State::ROpen, Status::Reopen, None)).is_some_and(|line| line.contains("three")));
    }

    #[test]
    fn the_status_names_who_is_missing_but_not_all_of_many() {
        assert_eq!(summary(&[]), "0 of 0 peers up");
        let up = view("up", State::IOpen, Status::Okay, None);
        let down = |name: &str| view(name, State::Closed, Status::Down, None);
        assert_eq!(summary(&[up.clone(), down("d")]), "1 of 2 peers up; down: d");
        let many: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(down).to_vec();
        assert_eq!(summary(&many), "0 of 6 peers up; down: a, b, c, d, e, and more");
    }
}
