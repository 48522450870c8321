//! The pump of a byte stream: messages cut out of it, and messages put into it. One task a connection; what is queued
//! leaves in one write.

use std::future::Future;
use std::io::{ErrorKind, Result as IoResult};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use tokio::sync::Notify;
use tokio_util::codec::Decoder;

use super::association::{Driver, NotDelivered, Wish, pair};
use super::record::Track;
use super::{Association, CodecError, Incoming, Info, MessageCodec, NetError, Options, PPID_DIAMETER};

/// Octets put together for one write.
const COALESCED: usize = 256 << 10;
/// Octets read at once.
pub(super) const READ: usize = 64 << 10;

/// What carries the octets: a TCP socket, or TLS over one. Nothing here waits but [`Wire::readable`] and
/// [`Wire::writable`]; what cannot be done now answers `WouldBlock`.
pub(super) trait Wire: Send + Sync + 'static {
    /// Appends what has come; 0 when the peer has ended in order.
    fn try_read(&mut self, into: &mut BytesMut) -> IoResult<usize>;

    /// Waits for octets and appends them; 0 when the peer has ended in order. Cancel-safe.
    fn read(&mut self, into: &mut BytesMut) -> impl Future<Output = IoResult<usize>> + Send {
        async {
            loop {
                self.readable().await;
                match self.try_read(into) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    read => return read,
                }
            }
        }
    }

    /// Takes octets to be sent; how many it took.
    fn try_write(&mut self, bytes: &[u8]) -> IoResult<usize>;

    /// Sends what was taken and has not left; true when nothing is held back.
    fn flush(&mut self) -> IoResult<bool>;

    /// Says that nothing more will be sent; true when that has left.
    fn finish(&mut self) -> IoResult<bool>;

    /// Makes the other side see an abort when this is dropped.
    fn abort(&mut self);

    fn readable(&self) -> impl Future<Output = ()> + Send;

    fn writable(&self) -> impl Future<Output = ()> + Send;
}

/// Starts the pump of a connection that is up. `client`: this end opened it.
pub(super) fn start<W: Wire>(wire: W, info: Info, client: bool, options: Arc<Options>) -> Association {
    let track =
        options.recorder.as_ref().map(|recorder| recorder.opened(info.backend, info.local, info.remote, client));
    let woken = Arc::new(Notify::new());
    let wake = Arc::clone(&woken);
    let (association, driver) = pair(info, &options, move || wake.notify_one());
    let connection = Connection {
        wire,
        driver,
        woken,
        codec: MessageCodec::with_limit(options.message_limit),
        read: BytesMut::with_capacity(READ),
        write: BytesMut::new(),
        held_back: false,
        finished: false,
        ended: false,
        failed: None,
        deadline: None,
        options,
        track,
    };
    tokio::spawn(connection.run());
    association
}

struct Connection<W> {
    wire: W,
    driver: Driver,
    woken: Arc<Notify>,
    codec: MessageCodec,
    read: BytesMut,
    write: BytesMut,
    /// The wire has taken octets and not sent them.
    held_back: bool,
    /// Our end has been sent.
    finished: bool,
    /// The peer's end has come.
    ended: bool,
    failed: Option<std::io::Error>,
    deadline: Option<Instant>,
    options: Arc<Options>,
    track: Option<Track>,
}

impl<W: Wire> Connection<W> {
    async fn run(mut self) {
        let end = loop {
            match self.round() {
                Ok(Some(room)) => self.wait(room).await,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if end.is_err() {
            self.wire.abort();
        }
        if let Some(track) = self.track.take() {
            let by_us = self.driver.wish() != Wish::Open;
            track.closed(by_us, end.is_err());
        }
        // Closed before it is told, so that whoever waited may bind the address again.
        drop(self.wire);
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
        let written = self.write.is_empty() && !self.held_back && self.driver.outgoing.is_empty();
        if self.ended && room && !self.read.is_empty() {
            let reason = format!("it ended {} octets into a message", self.read.len());
            return Err(NetError::Lost { remote, reason });
        }
        let over = self.ended && room;
        if written && (over || wish == Wish::Close) && !self.finished {
            self.finished = match self.wire.finish() {
                Ok(finished) => finished,
                // A peer that has ended may be gone and need not hear of our end.
                Err(_) if over => true,
                Err(error) => return Err(lost(remote, &error)),
            };
            self.held_back = !self.finished;
        }
        if over && self.finished {
            return Ok(None);
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
                self.held_back = !self.wire.flush().map_err(|error| lost(remote, &error))?;
                return Ok(());
            }
            match self.wire.try_write(&self.write) {
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
        let reading = room && !self.ended && self.failed.is_none();
        // Messages already handed over share the buffer: a new one only when this one is nearly used up.
        if reading && self.read.capacity() - self.read.len() < READ / 16 {
            self.read.reserve(READ);
        }
        if !self.held_back && self.write.is_empty() {
            tokio::select! {
                () = self.woken.notified() => {}
                read = self.wire.read(&mut self.read), if reading => self.have_read(read),
                () = tokio::time::sleep_until(until.into()), if self.deadline.is_some() => {}
            }
            return;
        }
        tokio::select! {
            () = self.woken.notified() => {}
            () = self.wire.readable(), if reading => {
                let read = self.wire.try_read(&mut self.read);
                self.have_read(read);
            }
            () = self.wire.writable() => {}
            () = tokio::time::sleep_until(until.into()), if self.deadline.is_some() => {}
        }
    }

    fn have_read(&mut self, read: IoResult<usize>) {
        match read {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => self.failed = Some(error),
        }
    }
}

fn lost(remote: SocketAddr, error: &std::io::Error) -> NetError {
    match error.kind() {
        ErrorKind::ConnectionReset => NetError::Aborted { remote, reason: "connection reset".to_owned() },
        ErrorKind::ConnectionAborted => NetError::Aborted { remote, reason: error.to_string() },
        _ => NetError::Lost { remote, reason: error.to_string() },
    }
}
