//! A running element: its peers, its part of the procedure, its store and its transports, joined by one task.
//!
//! ```text
//!  association tasks ─┐                         ┌─► peers (pure) ──► associations, connect tasks
//!  listener tasks ────┤   bounded               │      │  ▲
//!  store's answers ───┼─► queue ──► driver.rs ──┤      ▼  │
//!  calls, stop ───────┤   of inputs             └─► element (pure) ──► committer, timers
//!  (time) ────────────┘
//! ```
//! The task owns all state, so nothing is locked; it waits for nothing but the queue and the next deadline, so one slow
//! peer holds up no other: a peer that takes nothing any more is dropped when its queue is full.

pub mod admin;
pub mod agent;
pub mod config;
mod driver;
pub mod metrics;
pub mod reload;
pub mod users;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::message::Header;
use crate::message::renumber::PrivateNumbers;
use crate::net::{Endpoint, Net, NetError, Transport};
use crate::peer::routing::RealmRoute;
use crate::peer::{self, Expected, Local, State, Status};
use crate::registration::element::{Action, Element, NoReply, Now, Report};
use crate::store::Committer;

pub use metrics::Metrics;
pub use reload::ReloadReport;

use driver::{Driver, Input};

/// How a node is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who it is. The applications are those of its element; what stands here is not looked at.
    pub local: Local,
    /// Where it listens.
    pub listen: Vec<Endpoint>,
    /// Over what, where an endpoint does not say.
    pub transport: Transport,
    /// Its peers; nobody else is let in, but for guests.
    pub peers: Vec<PeerSettings>,
    /// Peers that nobody named and that are let in all the same, at a time. Default 0: a lab's stand-in may want some.
    pub guests: usize,
    /// The realm routing table, beside what the peers say of themselves.
    pub routes: Vec<RealmRoute>,
    /// The private numbers on the wire, where they are not ours.
    pub private: PrivateNumbers,
    /// How long a stop waits for answers that are under way. Default 5 s.
    pub drain: Duration,
    /// How long it watches for the next message before it sleeps, while messages come as thick as that; at most 500 us, zero
    /// to sleep at once. Default 100 us.
    pub linger: Duration,
    /// Connections whose peer has not said who it is. Default 64.
    pub unidentified_limit: usize,
    /// As many of them from one address. Default 16.
    pub unidentified_host_limit: usize,
    /// Requests that peers may have waiting here. Default 65,536.
    pub ticket_limit: usize,
    /// Where it counts what it does.
    pub metrics: Option<Metrics>,
    /// Called by the node's task as long as it is alive.
    pub heartbeat: Option<Heartbeat>,
}

/// A sign of life: a task that hangs gives none.
#[derive(Clone)]
pub struct Heartbeat {
    /// How often.
    pub every: Duration,
    /// What is called, in the node's task: it must not wait.
    pub beat: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat").field("every", &self.every).finish_non_exhaustive()
    }
}

impl Settings {
    /// The defaults, for a node without peers.
    #[must_use]
    pub fn new(local: Local) -> Self {
        Self {
            local,
            listen: Vec::new(),
            transport: Transport::default(),
            peers: Vec::new(),
            guests: 0,
            routes: Vec::new(),
            private: PrivateNumbers::default(),
            drain: Duration::from_secs(5),
            linger: Duration::from_micros(100),
            unidentified_limit: 64,
            unidentified_host_limit: 16,
            ticket_limit: 65_536,
            metrics: None,
            heartbeat: None,
        }
    }

    /// The endpoint with its transport and port said, so that two that mean the same are equal.
    fn whole(&self, endpoint: &Endpoint) -> Endpoint {
        let transport = Some(endpoint.transport_or(self.transport));
        Endpoint { transport, port: Some(endpoint.port_or(self.transport)), hosts: endpoint.hosts.clone() }
    }
}

/// One peer of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerSettings {
    /// Who it is and where it may come from.
    pub expected: Expected,
    /// Where to connect to; `None` when the peer connects to us.
    pub connect_to: Option<Endpoint>,
    /// The peer's UDP port, for embedded SCTP; that of [`Net`] when `None`.
    pub udp_port: Option<u16>,
    /// Timers and limits. `connect` follows from `connect_to`.
    pub settings: peer::Settings,
}

/// What a node shows of its work, as it happens.
#[derive(Debug)]
pub enum Observation<'a> {
    /// A message of an application is about to leave.
    Sent {
        /// Origin-Host of the peer it goes to.
        to: &'a str,
        /// Its header.
        header: &'a Header,
        /// The whole message.
        message: &'a [u8],
    },
    /// A message of an application has come.
    Received {
        /// Origin-Host of the peer it came from.
        from: &'a str,
        /// Its header.
        header: &'a Header,
        /// The whole message.
        message: &'a [u8],
    },
    /// An answer to a request of ours has come.
    Answered {
        /// Its header.
        header: &'a Header,
        /// Since the request was sent.
        took: Duration,
    },
    /// The element has something to say. Without an observer it goes to the log.
    Report(&'a Report),
}

/// Sees what a node does. Called in the node's task: it must not wait.
pub type Observer = Arc<dyn Fn(&str, &Observation<'_>) + Send + Sync>;

/// What is known of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerView {
    /// Its Origin-Host.
    pub identity: String,
    /// State of RFC 6733.
    pub state: State,
    /// Status of RFC 3539.
    pub status: Status,
    /// Why it was refused or is down, when it is.
    pub trouble: Option<String>,
}

impl PeerView {
    /// True when requests may go to it.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.state.is_open() && matches!(self.status, Status::Okay)
    }
}

/// Why a node does not run.
#[derive(Clone, Debug, Error)]
pub enum NodeError {
    /// It cannot listen.
    #[error(transparent)]
    Listen(#[from] NetError),
    /// Its task has ended.
    #[error("the node has stopped")]
    Stopped,
    /// Its peers did not become usable.
    #[error("{identity} waited in vain for {missing}")]
    NotReady {
        /// The node.
        identity: String,
        /// The peers that are missing, each with its trouble.
        missing: String,
    },
}

/// A node that runs. Dropping the handle stops it without waiting.
#[derive(Debug)]
pub struct Handle<E> {
    identity: String,
    inputs: mpsc::Sender<Input<E>>,
    views: watch::Receiver<Vec<PeerView>>,
    task: JoinHandle<E>,
    net: Net,
    /// What the element says of all its peers.
    any_command: bool,
    /// What it runs with: the last settings that were taken.
    settings: Mutex<Settings>,
}

/// Starts a node: it listens when this returns, and connects from then on. Within a tokio runtime.
///
/// # Errors
/// When it cannot listen.
pub async fn start<E>(
    mut settings: Settings,
    net: Net,
    element: E,
    store: Option<Committer>,
    observer: Option<Observer>,
) -> Result<Handle<E>, NodeError>
where
    E: Element + Send + 'static,
{
    settings.local.applications = element.applications().to_vec();
    let vendors =
        element.applications().iter().filter_map(|&application| Some((application, element.vendor_of(application)?)));
    settings.local.vendors = vendors.collect();
    let any_command = element.takes_any_command();
    for peer in &mut settings.peers {
        peer.settings.any_command |= any_command;
    }
    let identity = settings.local.identity.clone();
    let mut listeners = Vec::with_capacity(settings.listen.len());
    for endpoint in &settings.listen {
        listeners.push((settings.whole(endpoint), net.listen_at(endpoint, settings.transport).await?));
    }
    let (inputs, queue) = mpsc::channel(driver::QUEUE);
    let unseen = |peer: &PeerSettings| PeerView {
        identity: peer.expected.identity.clone(),
        state: State::Closed,
        status: Status::Initial,
        trouble: None,
    };
    let (views_in, views) = watch::channel(settings.peers.iter().map(unseen).collect());
    let driver = Driver::new(settings.clone(), net.clone(), element, store, observer, inputs.clone(), views_in);
    let task = tokio::spawn(driver.run(queue, listeners));
    Ok(Handle { identity, inputs, views, task, net, any_command, settings: Mutex::new(settings) })
}

impl<E: Element + Send + 'static> Handle<E> {
    /// The node's Origin-Host.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// What is known of the peers now.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerView> {
        self.views.borrow().clone()
    }

    /// Calls the element in the node's task; what it wants done is done.
    ///
    /// # Errors
    /// When the node has stopped.
    pub async fn call<R: Send + 'static>(
        &self,
        call: impl FnOnce(&mut E, Now, &mut Vec<Action>) -> R + Send + 'static,
    ) -> Result<R, NodeError> {
        let (reply, answer) = oneshot::channel();
        let call = Box::new(move |element: &mut E, now: Now, actions: &mut Vec<Action>| {
            let _ = reply.send(call(element, now, actions));
        });
        self.inputs.send(Input::Call(call)).await.map_err(|_| NodeError::Stopped)?;
        answer.await.map_err(|_| NodeError::Stopped)
    }

    /// Calls the element now and after whatever happens to it, until the call gives a value.
    ///
    /// # Errors
    /// When the node stops before.
    pub async fn follow<R: Send + 'static>(
        &self,
        mut call: impl FnMut(&mut E, Now, &mut Vec<Action>) -> Option<R> + Send + 'static,
    ) -> Result<R, NodeError> {
        let (reply, answer) = oneshot::channel();
        let mut reply = Some(reply);
        let follow = Box::new(move |element: &mut E, now: Now, actions: &mut Vec<Action>| {
            let Some(value) = call(element, now, actions) else { return false };
            if let Some(reply) = reply.take() {
                let _ = reply.send(value);
            }
            true
        });
        self.inputs.send(Input::Follow(follow)).await.map_err(|_| NodeError::Stopped)?;
        answer.await.map_err(|_| NodeError::Stopped)
    }

    /// Waits until requests may go to every peer.
    ///
    /// # Errors
    /// After `patience`: which peers are missing and why.
    pub async fn ready(&self, patience: Duration) -> Result<(), NodeError> {
        let all = self.until(|views| !views.is_empty() && views.iter().all(PeerView::is_usable));
        if let Ok(result) = tokio::time::timeout(patience, all).await {
            return result;
        }
        let missing = self.peers().into_iter().filter(|view| !view.is_usable()).map(|view| {
            let trouble = view.trouble.unwrap_or_else(|| format!("{}, watchdog {}", view.state, view.status));
            format!("{} ({trouble})", view.identity)
        });
        Err(NodeError::NotReady { identity: self.identity.clone(), missing: missing.collect::<Vec<_>>().join("; ") })
    }

    /// Waits until what is known of the peers is as wanted.
    ///
    /// # Errors
    /// When the node stops before.
    pub async fn until(&self, mut wanted: impl FnMut(&[PeerView]) -> bool) -> Result<(), NodeError> {
        let mut views = self.views.clone();
        let found = views.wait_for(|views| wanted(views)).await;
        found.map(|_| ()).map_err(|_| NodeError::Stopped)
    }

    /// The peers as they change, for whoever tells of them.
    #[must_use]
    pub fn watch_peers(&self) -> watch::Receiver<Vec<PeerView>> {
        self.views.clone()
    }

    /// Takes other settings while the node runs. Peers that are the same stay connected; see [`reload`] for the rest.
    ///
    /// # Errors
    /// When it cannot listen where it should, or has stopped; then all is as it was.
    pub async fn reload(&self, mut settings: Settings) -> Result<ReloadReport, NodeError> {
        for peer in &mut settings.peers {
            peer.settings.any_command |= self.any_command;
        }
        let mut current = self.settings.lock().await;
        let plan = reload::Plan::new(&current, settings);
        let mut listeners = Vec::with_capacity(plan.listen.len());
        for endpoint in &plan.listen {
            listeners.push((endpoint.clone(), self.net.listen_at(endpoint, plan.settings.transport).await?));
        }
        let (settings, report) = (plan.settings.clone(), plan.report.clone());
        let (done, taken) = oneshot::channel();
        let input = Input::Reload(Box::new(driver::Reload { plan, listeners, done }));
        self.inputs.send(input).await.map_err(|_| NodeError::Stopped)?;
        taken.await.map_err(|_| NodeError::Stopped)?;
        *current = settings;
        Ok(report)
    }

    /// A way to ask the element what an operator asks, for whoever outlives a borrow of the handle.
    #[must_use]
    pub fn operator(&self) -> admin::Operate {
        let inputs = self.inputs.clone();
        Arc::new(move |question| {
            let inputs = inputs.clone();
            let (reply, answer) = oneshot::channel();
            let call = Box::new(move |element: &mut E, now: Now, actions: &mut Vec<Action>| {
                let _ = reply.send(element.operate(now, &question, actions));
            });
            Box::pin(async move {
                let stopped = || NoReply::Store(NodeError::Stopped.to_string());
                inputs.send(Input::Call(call)).await.map_err(|_| stopped())?;
                answer.await.map_err(|_| stopped())?
            })
        })
    }

    /// Begins to stop: DPR to every peer once the answers under way have come. [`Handle::stopped`] waits for the end.
    pub async fn begin_stop(&self) {
        let _ = self.inputs.send(Input::Stop).await;
    }

    /// Waits for the end and gives the element back.
    ///
    /// # Errors
    /// When the task did not end in order.
    pub async fn stopped(self) -> Result<E, NodeError> {
        self.task.await.map_err(|_| NodeError::Stopped)
    }

    /// Stops: DPR to all, the connections closed in order, then the end.
    ///
    /// # Errors
    /// As [`Handle::stopped`].
    pub async fn stop(self) -> Result<E, NodeError> {
        self.begin_stop().await;
        self.stopped().await
    }
}

#[cfg(test)]
mod tests;
