//! Diameter over TCP. One task a connection; what is queued leaves in one write.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_util::codec::Decoder;

use super::association::{Driver, NotDelivered, Wish, pair};
use super::record::Track;
use super::{
    Association, Backend, CodecError, Incoming, Info, Listener, MessageCodec, NetError, Options, PPID_DIAMETER,
};

/// Octets put together for one write.
const COALESCED: usize = 256 << 10;
/// Octets read at once.
const READ: usize = 64 << 10;
/// Connections that wait for `accept`.
const BACKLOG: u32 = 128;

/// Opens a connection, from `local` when given (port 0 for any).
///
/// # Errors
/// [`NetError::Bind`], [`NetError::Connect`].
pub async fn connect(
    local: Option<SocketAddr>,
    remote: SocketAddr,
    options: Arc<Options>,
) -> Result<Association, NetError> {
    let failed = |reason: String| NetError::Connect { remote, backend: Backend::Tcp, reason };
    let socket = if remote.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.map_err(|error| failed(error.to_string()))?;
    if let Some(local) = local {
        socket.bind(local).map_err(|error| bind_error(local, &error))?;
    }
    match tokio::time::timeout(options.connect_timeout, socket.connect(remote)).await {
        Ok(Ok(stream)) => start(stream, true, options).map_err(|error| failed(error.to_string())),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!("no answer within {:?}", options.connect_timeout))),
    }
}

/// Listens at `local`.
///
/// # Errors
/// [`NetError::Bind`].
pub fn listen(local: SocketAddr, options: Arc<Options>) -> Result<Listener, NetError> {
    let bound = || {
        let socket = if local.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(local)?;
        let listener = socket.listen(BACKLOG)?;
        let local = listener.local_addr()?;
        Ok((listener, local))
    };
    let (listener, local) = bound().map_err(|error: std::io::Error| bind_error(local, &error))?;
    if let Some(recorder) = &options.recorder {
        recorder.register(local);
    }
    let (accepted, incoming) = mpsc::channel(1);
    tokio::spawn(accept(listener, accepted, options));
    Ok(Listener::new(local, None, incoming))
}

fn bind_error(local: SocketAddr, error: &std::io::Error) -> NetError {
    NetError::Bind { local, backend: Backend::Tcp, reason: error.to_string() }
}

async fn accept(listener: TcpListener, accepted: mpsc::Sender<Association>, options: Arc<Options>) {
    let limit = Arc::new(tokio::sync::Semaphore::new(options.maximum_associations));
    loop {
        let stream = tokio::select! {
            stream = listener.accept() => stream,
            () = accepted.closed() => return,
        };
        match stream {
            Ok((stream, remote)) => {
                let Ok(permit) = Arc::clone(&limit).try_acquire_owned() else {
                    tracing::warn!(%remote, "connection refused: the limit is reached");
                    continue;
                };
                match start(stream, false, Arc::clone(&options)) {
                    Ok(association) => {
                        let sender = association.sender();
                        tokio::spawn(async move {
                            let _ = sender.ended().await;
                            drop(permit);
                        });
                        if accepted.send(association).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => tracing::debug!(%remote, %error, "connection gone before it was accepted"),
                }
            }
            Err(error) => {
                // Out of file descriptors, as a rule: others must end first.
                tracing::warn!(%error, "accepting");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

fn start(stream: TcpStream, client: bool, options: Arc<Options>) -> std::io::Result<Association> {
    stream.set_nodelay(true)?;
    let (local, remote) = (stream.local_addr()?, stream.peer_addr()?);
    let info =
        Info { backend: Backend::Tcp, local, remote, encapsulation: None, outgoing_streams: 1, incoming_streams: 1 };
    let woken = Arc::new(Notify::new());
    let wake = Arc::clone(&woken);
    let (association, driver) = pair(info, &options, move || wake.notify_one());
    let track = options.recorder.as_ref().map(|recorder| recorder.opened(Backend::Tcp, local, remote, client));
    let connection = Connection {
        stream,
        driver,
        woken,
        codec: MessageCodec::with_limit(options.message_limit),
        read: BytesMut::with_capacity(READ),
        write: BytesMut::new(),
        finished: false,
        ended: false,
        failed: None,
        deadline: None,
        options,
        track,
    };
    tokio::spawn(connection.run());
    Ok(association)
}

struct Connection {
    stream: TcpStream,
    driver: Driver,
    woken: Arc<Notify>,
    codec: MessageCodec,
    read: BytesMut,
    write: BytesMut,
    /// Our FIN has been sent.
    finished: bool,
    /// The peer's FIN has come.
    ended: bool,
    failed: Option<std::io::Error>,
    deadline: Option<Instant>,
    options: Arc<Options>,
    track: Option<Track>,
}

impl Connection {
    async fn run(mut self) {
        let end = loop {
            match self.round() {
                Ok(Some(room)) => self.wait(room).await,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if end.is_err() {
            // RST instead of FIN: the other side must not take it for a graceful end.
            let _ = SockRef::from(&self.stream).set_linger(Some(std::time::Duration::ZERO));
        }
        if let Some(track) = self.track.take() {
            let by_us = self.driver.wish() != Wish::Open;
            track.closed(by_us, end.is_err());
        }
        // Closed before it is told, so that whoever waited may bind the address again.
        drop(self.stream);
        self.driver.end(end);
    }

    /// Does what can be done now. `None`: the connection has ended gracefully; otherwise whether there is room to read.
    fn round(&mut self) -> Result<Option<bool>, NetError> {
        let remote = self.driver.info().remote;
        self.driver.looking();
        let wish = self.driver.wish();
        if wish == Wish::Abort {
            return Err(NetError::Closed { remote });
        }
        if wish == Wish::Close || self.ended {
            self.driver.outgoing.close();
            self.deadline = self.deadline.or_else(|| Instant::now().checked_add(self.options.close_timeout));
        }
        // What came before the failure is still delivered.
        let room = self.deliver(wish)?;
        if let Some(error) = self.failed.take_if(|_| room) {
            return Err(lost(remote, &error));
        }
        self.write_out()?;
        let written = self.write.is_empty() && self.driver.outgoing.is_empty();
        if self.ended && room {
            if !self.read.is_empty() {
                let reason = format!("it ended {} octets into a message", self.read.len());
                return Err(NetError::Lost { remote, reason });
            }
            if written {
                return Ok(None);
            }
        }
        if wish == Wish::Close && written && !self.finished {
            let shut = SockRef::from(&self.stream).shutdown(std::net::Shutdown::Write);
            shut.map_err(|error| lost(remote, &error))?;
            self.finished = true;
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let reason = format!("it was not closed after {:?}", self.options.close_timeout);
            return Err(NetError::Lost { remote, reason });
        }
        Ok(Some(room))
    }

    fn write_out(&mut self) -> Result<(), NetError> {
        let remote = self.driver.info().remote;
        loop {
            while self.write.len() < COALESCED
                && let Ok(message) = self.driver.outgoing.try_recv()
            {
                if let Some(track) = &self.track {
                    track.sent(&message.bytes, 0, PPID_DIAMETER);
                }
                self.write.extend_from_slice(&message.bytes);
            }
            if self.write.is_empty() {
                return Ok(());
            }
            match self.stream.try_write(&self.write) {
                Ok(written) => self.write.advance(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(lost(remote, &error)),
            }
        }
    }

    /// Hands over what has been read; `false` when the reader has no room.
    fn deliver(&mut self, wish: Wish) -> Result<bool, NetError> {
        let remote = self.driver.info().remote;
        loop {
            let reading = match self.driver.has_room() {
                Ok(()) => true,
                Err(NotDelivered::Full) if wish == Wish::Open => return Ok(false),
                Err(_) => false,
            };
            match self.codec.decode(&mut self.read) {
                Ok(Some(bytes)) => {
                    if let Some(track) = &self.track {
                        track.received(&bytes, 0, PPID_DIAMETER);
                    }
                    if reading {
                        let _ = self.driver.deliver(Incoming { bytes, stream: 0, ppid: PPID_DIAMETER });
                    }
                }
                Ok(None) => return Ok(true),
                Err(CodecError::Framing(error)) => return Err(NetError::Framing { remote, error }),
                Err(CodecError::Io(error)) => return Err(lost(remote, &error)),
            }
        }
    }

    async fn wait(&mut self, room: bool) {
        let until = self.deadline.unwrap_or_else(Instant::now);
        tokio::select! {
            () = self.woken.notified() => {}
            _ = self.stream.readable(), if room && !self.ended && self.failed.is_none() => {
                // Messages already handed over share the buffer: a new one only when this one is nearly used up.
                if self.read.capacity() - self.read.len() < READ / 16 {
                    self.read.reserve(READ);
                }
                match self.stream.try_read_buf(&mut self.read) {
                    Ok(0) => self.ended = true,
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => self.failed = Some(error),
                }
            }
            _ = self.stream.writable(), if !self.write.is_empty() => {}
            () = tokio::time::sleep_until(until.into()), if self.deadline.is_some() => {}
        }
    }
}

fn lost(remote: SocketAddr, error: &std::io::Error) -> NetError {
    match error.kind() {
        ErrorKind::ConnectionReset => NetError::Aborted { remote, reason: "connection reset".to_owned() },
        _ => NetError::Lost { remote, reason: error.to_string() },
    }
}
