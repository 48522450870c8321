//! The handle of an association, the same for every transport, and the side of it a transport's driver holds.
//!
//! Two bounded queues join them, with backpressure both ways. A driver that serves many associations from one task is
//! woken by a call that says which; one wake stands for any number of messages, so that they leave together.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, mpsc, watch};

use super::path::{self, Path, PathChange, PathEvent};
use super::{Backend, Incoming, Info, NetError, Options, Outgoing};

/// One association with a peer. Dropping it closes it in the background; [`Association::close`] waits for the end.
#[derive(Debug)]
pub struct Association {
    sender: Sender,
    incoming: mpsc::Receiver<Incoming>,
}

/// Sends on an association; as many clones as wanted.
#[derive(Clone, Debug)]
pub struct Sender {
    outgoing: mpsc::Sender<Outgoing>,
    shared: Arc<Shared>,
}

struct Shared {
    info: Info,
    message_limit: usize,
    receive_octets: usize,
    wake: Box<dyn Fn() + Send + Sync>,
    /// The driver has been woken and has not looked yet.
    woken: AtomicBool,
    /// Tells a reader who does not wait in [`Association::recv`].
    ready: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// The reader has been told and has not looked yet.
    told: AtomicBool,
    /// The reader reads no further until what it has sent has left.
    held: AtomicBool,
    send_octets: usize,
    /// Octets in the queue of messages to be sent.
    queued: AtomicUsize,
    /// The driver holds messages back for want of room.
    starved: AtomicBool,
    /// Octets in the queue of messages to be read.
    waiting: AtomicUsize,
    wish: AtomicU8,
    paths: watch::Sender<Vec<Path>>,
    end: OnceLock<Result<(), NetError>>,
    ended: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("info", &self.info).field("end", &self.end).finish_non_exhaustive()
    }
}

/// What the holder of the handle wants of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// Go on.
    Open = 0,
    /// Send what is queued, then end gracefully.
    Close = 1,
    /// End now.
    Abort = 2,
}

impl Shared {
    fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            (self.wake)();
        }
    }

    /// What was sent has left, or never will: a reader that waits for it reads on.
    fn release(&self) -> bool {
        let held = self.held.swap(false, Ordering::AcqRel);
        if held && let Some(ready) = self.ready.get() {
            ready();
        }
        held
    }

    fn tell(&self) {
        if let Some(ready) = self.ready.get()
            && !self.told.swap(true, Ordering::AcqRel)
        {
            ready();
        }
    }

    fn wish(&self, wish: Wish) {
        if self.wish.fetch_max(wish as u8, Ordering::AcqRel) < wish as u8 {
            self.wake();
        }
    }

    fn closed(&self) -> NetError {
        match self.end.get() {
            Some(Err(error)) => error.clone(),
            _ => NetError::Closed { remote: self.info.remote },
        }
    }

    async fn wait(&self) -> Result<(), NetError> {
        loop {
            // Registered before the look, so that an end in between is not missed.
            let ended = self.ended.notified();
            if let Some(end) = self.end.get() {
                return end.clone();
            }
            ended.await;
        }
    }
}

impl Sender {
    /// Queues a message; waits while the queue is full. What was queued leaves in order. Cancel-safe: a message is queued
    /// or not.
    ///
    /// # Errors
    /// [`NetError::MessageSize`], or the reason the association has ended.
    pub async fn send(&self, message: Outgoing) -> Result<(), NetError> {
        self.check(&message)?;
        let permit = self.outgoing.reserve().await.map_err(|_| self.shared.closed())?;
        self.shared.queued.fetch_add(message.bytes.len(), Ordering::AcqRel);
        permit.send(message);
        self.shared.wake();
        Ok(())
    }

    /// Queues a message if there is room.
    ///
    /// # Errors
    /// [`NetError::QueueFull`], [`NetError::MessageSize`], or the reason the association has ended.
    pub fn try_send(&self, message: Outgoing) -> Result<(), NetError> {
        self.check(&message)?;
        let full = || NetError::QueueFull { remote: self.shared.info.remote };
        let permit = self.outgoing.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => full(),
            mpsc::error::TrySendError::Closed(()) => self.shared.closed(),
        })?;
        if self.shared.queued.load(Ordering::Acquire) >= self.shared.send_octets {
            return Err(full());
        }
        self.shared.queued.fetch_add(message.bytes.len(), Ordering::AcqRel);
        permit.send(message);
        self.shared.wake();
        Ok(())
    }

    fn check(&self, message: &Outgoing) -> Result<(), NetError> {
        let (length, limit) = (message.bytes.len(), self.shared.message_limit);
        if length == 0 || length > limit {
            return Err(NetError::MessageSize { length, limit });
        }
        if self.shared.wish.load(Ordering::Acquire) != Wish::Open as u8 {
            return Err(self.shared.closed());
        }
        Ok(())
    }

    /// True when a quarter of the queue, or less, is free: what need not be sent now should not be.
    #[must_use]
    pub fn is_congested(&self) -> bool {
        let octets = self.shared.queued.load(Ordering::Acquire);
        4 * self.outgoing.capacity() <= self.outgoing.max_capacity()
            || octets.saturating_mul(4) >= self.shared.send_octets.saturating_mul(3)
    }

    /// For a reader that answers what it reads: true when it had better not read on. Its `ready` is then called when all
    /// that was queued has left.
    pub(crate) fn holds_back(&self) -> bool {
        if !self.is_congested() || self.outgoing.is_closed() {
            return false;
        }
        self.shared.held.store(true, Ordering::SeqCst);
        // The queue may have emptied, or closed, between the look and the flag: nobody would call then.
        let holds = self.is_congested() && !self.outgoing.is_closed();
        holds || !self.shared.held.swap(false, Ordering::AcqRel)
    }

    /// What is known of the association.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.shared.info
    }

    /// The ways to the peer, now and whenever one changes; none over TCP. Only the kernel's SCTP has more than one.
    #[must_use]
    pub fn paths(&self) -> watch::Receiver<Vec<Path>> {
        self.shared.paths.subscribe()
    }

    /// Begins a graceful end: what is queued is sent, nothing more is accepted. See [`Association::close`].
    pub fn begin_close(&self) {
        self.shared.wish(Wish::Close);
    }

    /// Ends the association at once; what is queued is lost, the peer sees an abort.
    pub fn abort(&self) {
        self.shared.wish(Wish::Abort);
    }

    /// Waits until the association has ended, whoever ended it.
    ///
    /// # Errors
    /// How it ended, if not gracefully.
    pub async fn ended(&self) -> Result<(), NetError> {
        self.shared.wait().await
    }
}

impl Association {
    /// The next message; `None` when the peer has ended the association gracefully and everything has been read.
    /// Cancel-safe: a message is delivered or stays.
    ///
    /// # Errors
    /// How the association ended, if not gracefully; said after everything that came before has been read.
    pub async fn recv(&mut self) -> Result<Option<Incoming>, NetError> {
        match self.incoming.recv().await {
            Some(message) => {
                self.taken(&message);
                Ok(Some(message))
            }
            None => match self.sender.shared.end.get() {
                Some(Err(error)) => Err(error.clone()),
                _ => Ok(None),
            },
        }
    }

    /// The next message if one is there already.
    pub fn try_recv(&mut self) -> Option<Incoming> {
        let message = self.incoming.try_recv().ok()?;
        self.taken(&message);
        Some(message)
    }

    /// From now on `ready` is called when messages or the end wait to be taken, once for any number of them until
    /// [`Association::take_ready`] has looked. For whoever reads many associations in one task.
    pub(crate) fn on_ready(&self, ready: impl Fn() + Send + Sync + 'static) {
        let _ = self.sender.shared.ready.set(Box::new(ready));
        self.sender.shared.tell();
    }

    /// Takes what has come after a call of `ready`, at most `limit` messages, and gives each to `take`. When the limit
    /// was reached it is to be called again, without another call of `ready`.
    pub(crate) fn take_ready(&mut self, limit: usize, mut take: impl FnMut(Incoming)) -> Taken {
        // Before the look: what comes after it is told anew.
        self.sender.shared.told.store(false, Ordering::SeqCst);
        for _ in 0..limit {
            match self.incoming.try_recv() {
                Ok(message) => {
                    self.taken(&message);
                    take(message);
                }
                Err(mpsc::error::TryRecvError::Empty) => return Taken::All,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    return Taken::End(match self.sender.shared.end.get() {
                        Some(Err(error)) => Some(error.clone()),
                        _ => None,
                    });
                }
            }
        }
        // Nobody else is to tell of what is left.
        if self.sender.shared.told.swap(true, Ordering::AcqRel) { Taken::All } else { Taken::Some }
    }

    fn taken(&self, message: &Incoming) {
        let shared = &self.sender.shared;
        shared.waiting.fetch_sub(message.bytes.len(), Ordering::AcqRel);
        if shared.starved.swap(false, Ordering::AcqRel) {
            shared.wake();
        }
    }

    /// See [`Sender::send`].
    ///
    /// # Errors
    /// As there.
    pub async fn send(&self, message: Outgoing) -> Result<(), NetError> {
        self.sender.send(message).await
    }

    /// Another way to send on this association, for another task.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// What is known of the association.
    #[must_use]
    pub fn info(&self) -> &Info {
        self.sender.info()
    }

    /// See [`Sender::paths`].
    #[must_use]
    pub fn paths(&self) -> watch::Receiver<Vec<Path>> {
        self.sender.paths()
    }

    /// Ends gracefully: what is queued is sent and acknowledged, then SHUTDOWN runs its course (FIN over TCP). Messages
    /// that still come in are dropped.
    ///
    /// # Errors
    /// When it could not end gracefully within [`Options::close_timeout`], or had failed before.
    pub async fn close(self) -> Result<(), NetError> {
        self.sender.begin_close();
        self.sender.ended().await
    }

    /// Ends at once; the peer sees an abort.
    pub fn abort(self) {
        self.sender.abort();
    }
}

impl Drop for Association {
    fn drop(&mut self) {
        self.sender.shared.wish(Wish::Close);
    }
}

/// What [`Association::take_ready`] has left.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Nothing, or `ready` has been called for it.
    All,
    /// Perhaps more.
    Some,
    /// The association has ended and all has been taken; how, if not gracefully.
    End(Option<NetError>),
}

/// Takes associations that peers open. Dropping it stops listening; associations already taken go on.
#[derive(Debug)]
pub struct Listener {
    local: SocketAddr,
    encapsulation: Option<SocketAddr>,
    incoming: mpsc::Receiver<Association>,
}

impl Listener {
    pub(crate) fn new(
        local: SocketAddr,
        encapsulation: Option<SocketAddr>,
        incoming: mpsc::Receiver<Association>,
    ) -> Self {
        Self { local, encapsulation, incoming }
    }

    /// The next association; `None` when the transport behind has ended. Cancel-safe.
    pub async fn accept(&mut self) -> Option<Association> {
        self.incoming.recv().await
    }

    /// The IP address and SCTP or TCP port listened on.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// The UDP address underneath, for embedded SCTP.
    #[must_use]
    pub const fn encapsulation(&self) -> Option<SocketAddr> {
        self.encapsulation
    }
}

/// The driver's side of an association.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) outgoing: Outbox,
    incoming: Option<mpsc::Sender<Incoming>>,
    shared: Arc<Shared>,
}

/// The messages to be sent.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: mpsc::Receiver<Outgoing>,
    shared: Arc<Shared>,
}

impl Outbox {
    /// The next message, if one is there.
    pub(crate) fn try_recv(&mut self) -> Result<Outgoing, mpsc::error::TryRecvError> {
        match self.queue.try_recv() {
            Ok(message) => {
                self.shared.queued.fetch_sub(message.bytes.len(), Ordering::AcqRel);
                Ok(message)
            }
            Err(error) => {
                self.shared.release();
                Err(error)
            }
        }
    }

    /// Takes no further messages; those that are there stay.
    pub(crate) fn close(&mut self) {
        self.queue.close();
        self.shared.release();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

/// Why a message was not delivered: it comes back.
#[derive(Debug)]
pub(crate) enum NotDelivered {
    /// The driver is woken when there is room again.
    Full,
    /// Nobody will read it.
    Gone,
}

/// Both sides of an association that is up.
pub(crate) fn pair(info: Info, options: &Options, wake: impl Fn() + Send + Sync + 'static) -> (Association, Driver) {
    let (outgoing, outgoing_end) = mpsc::channel(options.send_queue.max(1));
    let (incoming_end, incoming) = mpsc::channel(options.receive_queue.max(1));
    let paths = match info.backend {
        Backend::KernelSctp | Backend::EmbeddedSctp | Backend::EmbeddedSctpIp => path::paths_to(&info.remote_addresses),
        Backend::Tcp | Backend::Tls => Vec::new(),
    };
    let shared = Arc::new(Shared {
        info,
        paths: watch::Sender::new(paths),
        message_limit: options.message_limit,
        receive_octets: options.receive_octets,
        wake: Box::new(wake),
        woken: AtomicBool::new(false),
        ready: OnceLock::new(),
        told: AtomicBool::new(false),
        held: AtomicBool::new(false),
        send_octets: options.send_octets,
        queued: AtomicUsize::new(0),
        starved: AtomicBool::new(false),
        waiting: AtomicUsize::new(0),
        wish: AtomicU8::new(Wish::Open as u8),
        end: OnceLock::new(),
        ended: Notify::new(),
    });
    let association = Association { sender: Sender { outgoing, shared: Arc::clone(&shared) }, incoming };
    let outgoing = Outbox { queue: outgoing_end, shared: Arc::clone(&shared) };
    (association, Driver { outgoing, incoming: Some(incoming_end), shared })
}

impl Driver {
    pub(crate) fn info(&self) -> &Info {
        &self.shared.info
    }

    /// Notes what has happened to a path, tells those who watch, and says it in the log.
    pub(crate) fn path_changed(&self, change: PathChange) {
        let PathChange { remote: address, event } = change;
        if !self.shared.paths.send_if_modified(|paths| path::apply(paths, change)) {
            return;
        }
        let remote = self.shared.info.remote;
        let paths = self.shared.paths.borrow();
        let available = paths.iter().filter(|path| path.state == path::PathState::Available).count();
        let of = paths.len();
        match event {
            PathEvent::Unreachable | PathEvent::PotentiallyFailed | PathEvent::Removed => {
                tracing::warn!(%remote, %address, ?event, "path: {change}; {available} of {of} left");
            }
            _ => tracing::info!(%remote, %address, ?event, "path: {change}; {available} of {of} in use"),
        }
    }

    /// To be called before looking at queue and wish, so that what comes after is told anew.
    pub(crate) fn looking(&self) {
        self.shared.woken.store(false, Ordering::Release);
    }

    pub(crate) fn wish(&self) -> Wish {
        match self.shared.wish.load(Ordering::Acquire) {
            0 => Wish::Open,
            1 => Wish::Close,
            _ => Wish::Abort,
        }
    }

    /// Whether a message can be delivered now; if not, the driver is woken when one can.
    pub(crate) fn has_room(&self) -> Result<(), NotDelivered> {
        let Some(incoming) = &self.incoming else { return Err(NotDelivered::Gone) };
        if incoming.is_closed() {
            return Err(NotDelivered::Gone);
        }
        let room = || {
            let waiting = self.shared.waiting.load(Ordering::Acquire);
            incoming.capacity() > 0 && (waiting == 0 || waiting < self.shared.receive_octets)
        };
        if room() {
            return Ok(());
        }
        // The reader may have emptied the queue between the look and the flag: look again.
        self.shared.starved.store(true, Ordering::Release);
        if room() { Ok(()) } else { Err(NotDelivered::Full) }
    }

    /// Delivers a message after [`Driver::has_room`] has said yes.
    pub(crate) fn deliver(&self, message: Incoming) -> Result<(), NotDelivered> {
        let Some(incoming) = &self.incoming else { return Err(NotDelivered::Gone) };
        let length = message.bytes.len();
        self.shared.waiting.fetch_add(length, Ordering::AcqRel);
        incoming.try_send(message).map_err(|error| {
            self.shared.waiting.fetch_sub(length, Ordering::AcqRel);
            match error {
                mpsc::error::TrySendError::Full(_) => NotDelivered::Full,
                mpsc::error::TrySendError::Closed(_) => NotDelivered::Gone,
            }
        })?;
        self.shared.tell();
        Ok(())
    }

    /// Says how the association ended and lets everyone who waits go.
    pub(crate) fn end(&mut self, end: Result<(), NetError>) {
        let _ = self.shared.end.set(end);
        self.incoming = None;
        self.outgoing.close();
        self.shared.tell();
        self.shared.ended.notify_waiters();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.shared.end.get().is_none() {
            let remote = self.shared.info.remote;
            self.end(Err(NetError::Lost { remote, reason: "its transport has stopped".to_owned() }));
        }
    }
}
