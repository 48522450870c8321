//! One association of the kernel's, between its socket and its handle.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use socket2::Socket;
use tokio::io::Interest;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};

use super::socket::{Notice, Received, SctpSocket};
use crate::net::association::{Driver, NotDelivered, Wish, pair};
use crate::net::record::Track;
use crate::net::sctp::edge;
use crate::net::{Association, Backend, Incoming, Info, NetError, Options, Outgoing, PathChange, PathEvent, PathState};

/// Calls of `recvmsg` before others have their turn.
const BATCH: usize = 64;

/// What a listener gives its associations.
pub(super) struct Accepted {
    /// Where an association goes that a peer begins anew on the same socket.
    pub(super) listener: mpsc::Sender<Association>,
    /// Its place among those allowed, free again when it is dropped.
    pub(super) _permit: OwnedSemaphorePermit,
}

pub(super) struct Connection {
    socket: SctpSocket,
    driver: Driver,
    woken: Arc<Notify>,
    /// The kernel takes messages, as far as is known.
    writable: bool,
    /// The message the kernel had no room for.
    unsent: Option<Outgoing>,
    /// The message that is coming in, whole when `begun` says nothing more.
    buffer: BytesMut,
    /// Stream and identifier of the message in `buffer`.
    begun: Option<(u16, u32)>,
    /// A message the reader had no room for.
    received: Option<Incoming>,
    /// The peer sends nothing more.
    ended: bool,
    /// Our shutdown has been asked for.
    finished: bool,
    /// Why messages could not be sent any more while others could still be read.
    refused: Option<NetError>,
    deadline: Option<Instant>,
    options: Arc<Options>,
    track: Option<Track>,
    accepted: Option<Accepted>,
}

/// Starts the task of a socket whose association is up. `called`: the address that was called first; of several the kernel
/// names the last as the peer's.
pub(super) fn start(
    socket: Socket,
    called: Option<SocketAddr>,
    accepted: Option<Accepted>,
    options: Arc<Options>,
) -> std::io::Result<Association> {
    let local = address(&socket.local_addr()?)?;
    let remote = match called {
        Some(called) => called,
        None => address(&socket.peer_addr()?)?,
    };
    let granted = socket.send_buffer_size()?;
    let socket = SctpSocket::new(socket)?;
    socket.subscribe()?;
    let info = describe(&socket, local, remote)?;
    let options = if granted < options.message_limit {
        tracing::warn!(
            %remote,
            "the kernel takes SCTP messages of up to {granted} octets only, not {}; to change that, type: \
             sysctl -w net.core.wmem_max={}",
            options.message_limit,
            options.message_limit,
        );
        Arc::new(Options { message_limit: granted, ..Options::clone(&options) })
    } else {
        options
    };
    let woken = Arc::new(Notify::new());
    let wake = Arc::clone(&woken);
    let (association, driver) = pair(info, &options, move || wake.notify_one());
    let client = accepted.is_none();
    let mut connection = Connection {
        socket,
        driver,
        woken,
        writable: false,
        unsent: None,
        buffer: BytesMut::new(),
        begun: None,
        received: None,
        ended: false,
        finished: false,
        refused: None,
        deadline: None,
        track: None,
        options,
        accepted,
    };
    connection.opened(client);
    tokio::spawn(connection.run());
    Ok(association)
}

fn address(address: &socket2::SockAddr) -> std::io::Result<SocketAddr> {
    let address = address.as_socket().ok_or_else(|| Error::new(ErrorKind::InvalidData, "no IP address"))?;
    Ok(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

fn describe(socket: &SctpSocket, local: SocketAddr, remote: SocketAddr) -> std::io::Result<Info> {
    let status = socket.sctp().sctp_get_status(0)?;
    let (local_addresses, remote_addresses) = socket.addresses(local, remote);
    let local = SocketAddr::new(local_addresses.first().copied().unwrap_or(local.ip()), local.port());
    let encapsulation = match socket.encapsulation() {
        0 => None,
        port => {
            super::udp_port().ok().map(|ours| (SocketAddr::new(local.ip(), ours), SocketAddr::new(remote.ip(), port)))
        }
    };
    Ok(Info {
        local_addresses,
        remote_addresses,
        encapsulation,
        outgoing_streams: status.outstreams.max(1),
        incoming_streams: status.instreams.max(1),
        ..Info::new(Backend::KernelSctp, local, remote)
    })
}

fn lost(remote: SocketAddr, error: &Error) -> NetError {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            NetError::Aborted { remote, reason: error.to_string() }
        }
        ErrorKind::TimedOut => {
            NetError::Lost { remote, reason: "the peer does not answer at any of its addresses".to_owned() }
        }
        _ => NetError::Lost { remote, reason: error.to_string() },
    }
}

impl Connection {
    /// To be called when an association begins on the socket.
    fn opened(&mut self, client: bool) {
        let Info { local, remote, .. } = *self.driver.info();
        self.track =
            self.options.recorder.as_ref().map(|recorder| recorder.opened(Backend::KernelSctp, local, remote, client));
        // What has happened before the first notification was asked for.
        for path in self.socket.paths(&self.driver.info().remote_addresses, remote.port()) {
            let event = match path.state {
                PathState::Unconfirmed => PathEvent::Unconfirmed,
                PathState::Available => PathEvent::Available,
                PathState::PotentiallyFailed => PathEvent::PotentiallyFailed,
                PathState::Unreachable => PathEvent::Unreachable,
            };
            self.driver.path_changed(PathChange { remote: path.remote, event });
            if path.primary {
                self.driver.path_changed(PathChange { remote: path.remote, event: PathEvent::Primary });
            }
        }
    }

    async fn run(mut self) {
        let end = loop {
            match self.round().await {
                Ok(Some(room)) => {
                    if let Err(error) = self.wait(room).await {
                        break Err(error);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if end.is_err() {
            self.socket.abort_on_drop();
        }
        if let Some(track) = self.track.take() {
            track.closed(self.driver.wish() != Wish::Open, end.is_err());
        }
        let Self { socket, mut driver, .. } = self;
        drop(socket);
        driver.end(end);
    }

    /// Does what can be done now. `None`: the association has ended gracefully; otherwise whether there is room to read.
    async fn round(&mut self) -> Result<Option<bool>, NetError> {
        self.driver.looking();
        let wish = self.driver.wish();
        let remote = self.driver.info().remote;
        if wish == Wish::Abort {
            return Err(NetError::Closed { remote });
        }
        if wish == Wish::Close || self.ended {
            self.driver.outgoing.close();
        }
        if wish == Wish::Close {
            self.deadline = self.deadline.or_else(|| Instant::now().checked_add(self.options.close_timeout));
        }
        let room = self.read(wish).await?;
        if self.ended && room {
            // The kernel completes the shutdown by itself and takes no more messages.
            return self.refused.take().map_or(Ok(None), Err);
        }
        self.write().await?;
        if wish == Wish::Close && self.unsent.is_none() && self.driver.outgoing.is_empty() && !self.finished {
            let shut = self.socket.sctp().shutdown(std::net::Shutdown::Write);
            shut.map_err(|error| lost(remote, &error))?;
            self.finished = true;
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let reason = format!("the shutdown was not complete after {:?}", self.options.close_timeout);
            return Err(NetError::Lost { remote, reason });
        }
        Ok(Some(room))
    }

    async fn wait(&mut self, room: bool) -> Result<(), NetError> {
        let until = self.deadline.unwrap_or_else(Instant::now);
        let remote = self.driver.info().remote;
        let registration = self.socket.registration();
        tokio::select! {
            () = self.woken.notified() => Ok(()),
            readable = registration.readable(), if room && !self.ended => {
                readable.map(drop).map_err(|error| lost(remote, &error))
            }
            writable = registration.writable(), if !self.writable => {
                self.writable = true;
                writable.map(drop).map_err(|error| lost(remote, &error))
            }
            () = tokio::time::sleep_until(until.into()), if self.deadline.is_some() => Ok(()),
        }
    }

    /// Hands messages to the kernel until it has no room.
    async fn write(&mut self) -> Result<(), NetError> {
        let Info { remote, outgoing_streams, .. } = *self.driver.info();
        while self.writable {
            let message = match self.unsent.take() {
                Some(message) => message,
                None => match self.driver.outgoing.try_recv() {
                    Ok(message) => {
                        if let Some(track) = &self.track {
                            track.sent(&message.bytes, message.stream % outgoing_streams, message.ppid);
                        }
                        message
                    }
                    Err(_) => break,
                },
            };
            // Ready at once, as is the same question `sctp-rs` asks: only the line below takes it back.
            let mut ready = self.socket.registration().writable().await.map_err(|error| lost(remote, &error))?;
            match self.socket.send(&message, message.stream % outgoing_streams).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready.clear_ready();
                    self.writable = false;
                    self.unsent = Some(message);
                }
                Err(error)
                    if error.kind() == ErrorKind::BrokenPipe || error.raw_os_error() == Some(libc::ESHUTDOWN) =>
                {
                    // What the peer sent before it shut down is still read.
                    let reason = "the peer has shut it down while messages were waiting to be sent".to_owned();
                    self.refused = Some(NetError::Lost { remote, reason });
                    self.driver.outgoing.close();
                    while self.driver.outgoing.try_recv().is_ok() {}
                }
                Err(error) => return Err(lost(remote, &error)),
            }
        }
        Ok(())
    }

    /// Receives and delivers what is there; `false` when the reader has no room.
    async fn read(&mut self, wish: Wish) -> Result<bool, NetError> {
        for _ in 0..BATCH {
            if !self.deliver(wish) {
                return Ok(false);
            }
            if self.ended {
                return Ok(true);
            }
            let Self { socket, buffer, .. } = self;
            match socket.registration().try_io(Interest::READABLE, |_| socket.receive(buffer)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                received => self.take(received)?,
            }
        }
        tokio::task::yield_now().await;
        Ok(self.deliver(wish))
    }

    /// Delivers what waits; `false` when the reader has no room.
    fn deliver(&mut self, wish: Wish) -> bool {
        match self.driver.has_room() {
            Err(NotDelivered::Full) if wish == Wish::Open => return false,
            Ok(()) => {
                if let Some(message) = self.received.take() {
                    let _ = self.driver.deliver(message);
                }
            }
            Err(_) => self.received = None,
        }
        true
    }

    fn take(&mut self, received: std::io::Result<Received>) -> Result<(), NetError> {
        let remote = self.driver.info().remote;
        match received {
            Ok(Received::Part { stream, ppid, end }) => return self.assemble(stream, ppid, end),
            Ok(Received::End) => self.ended = true,
            Ok(Received::Notice(notice)) => match notice {
                Notice::CommLost { cause } => {
                    let error = self.socket.take_error().filter(|error| error.kind() == ErrorKind::TimedOut);
                    return Err(error.map_or_else(
                        || NetError::Aborted { remote, reason: edge::cause_name(cause).to_owned() },
                        |error| lost(remote, &error),
                    ));
                }
                Notice::Restart => return self.restart(),
                Notice::ShutdownComplete => self.ended = true,
                // Nothing more can be sent; what has come in can still be read.
                Notice::Shutdown => self.driver.outgoing.close(),
                Notice::Path(change) => self.driver.path_changed(change),
                Notice::DeliveryAborted => {
                    tracing::warn!(%remote, octets = self.buffer.len(), "the peer has given up a message half sent");
                    self.begun = None;
                    self.buffer.clear();
                }
                Notice::Other => {}
            },
            // Also when our own shutdown is complete and there is no association left to read from.
            Err(error) if error.raw_os_error() == Some(libc::ENOTCONN) && self.finished => self.ended = true,
            Err(error) => return Err(lost(remote, &error)),
        }
        Ok(())
    }

    /// Puts the parts of a message together. The kernel does not begin another before it has given the last part.
    fn assemble(&mut self, stream: u16, ppid: u32, end: bool) -> Result<(), NetError> {
        let remote = self.driver.info().remote;
        let (stream, ppid) = *self.begun.get_or_insert((stream, ppid));
        let limit = self.options.message_limit;
        if self.buffer.len() > limit {
            let reason = format!("it sent an SCTP message of more than {limit} octets");
            return Err(NetError::Lost { remote, reason });
        }
        if !end {
            // Room for the rest at once, if it is Diameter, instead of ever more of it.
            if let [_, high, middle, low, ..] = *self.buffer {
                let stated = u32::from_be_bytes([0, high, middle, low]) as usize;
                self.buffer.reserve(stated.min(limit).saturating_sub(self.buffer.len()));
            }
            return Ok(());
        }
        self.begun = None;
        let message = Incoming { bytes: self.buffer.split().freeze(), stream, ppid };
        if let Some(track) = &self.track {
            track.received(&message.bytes, message.stream, message.ppid);
        }
        self.received = Some(message);
        Ok(())
    }

    /// The peer has lost its state and begins again: the old association ends, and what came with a listener goes to it
    /// anew.
    fn restart(&mut self) -> Result<(), NetError> {
        let Info { local, remote, .. } = *self.driver.info();
        let end = NetError::Lost { remote, reason: "the peer has restarted".to_owned() };
        let Some(accepted) = &self.accepted else { return Err(end) };
        let listener = accepted.listener.clone();
        let info = describe(&self.socket, local, remote).map_err(|error| lost(remote, &error))?;
        let wake = Arc::clone(&self.woken);
        let (association, driver) = pair(info, &self.options, move || wake.notify_one());
        let mut old = std::mem::replace(&mut self.driver, driver);
        old.end(Err(end));
        if let Some(track) = self.track.take() {
            track.closed(false, true);
        }
        self.unsent = None;
        self.received = None;
        self.begun = None;
        self.buffer.clear();
        (self.ended, self.finished, self.refused, self.deadline) = (false, false, None, None);
        self.opened(false);
        listener.try_send(association).map_err(|_| NetError::Closed { remote })
    }
}
