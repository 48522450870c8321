//! TLS as the pump of byte streams wants it: octets in and out, nothing waits.

use std::io::{BufRead, Error, ErrorKind, IoSlice, Result as IoResult, Write};
use std::net::Shutdown;
use std::ops::Range;
use std::time::Duration;

use bytes::BytesMut;
use rustls::Connection;
use socket2::SockRef;
use tokio::net::TcpStream;

use super::explain;
use crate::net::stream::Wire;

/// Octets of the socket read at once: about one full record.
const RECORD: usize = 16 << 10;

/// A TLS connection whose handshake is complete.
pub(super) struct TlsWire {
    stream: TcpStream,
    tls: Connection,
    raw: Box<[u8]>,
    /// Of `raw`: read from the socket and not yet given to TLS.
    unread: Range<usize>,
    /// There is something to find although the socket says nothing: what came with the handshake, an end, a failure.
    awake: bool,
    failed: Option<Error>,
    /// Our close_notify is on its way.
    closing: bool,
    /// It has left.
    closed: bool,
}

/// What there is beyond what has been decrypted.
enum Beyond {
    /// More may come.
    More,
    /// The peer's close_notify has come.
    End,
    /// The socket has ended without it.
    Cut,
}

impl TlsWire {
    pub(super) fn new(stream: TcpStream, tls: Connection) -> Self {
        let raw = vec![0; RECORD].into_boxed_slice();
        Self { stream, tls, raw, unread: 0..0, awake: true, failed: None, closing: false, closed: false }
    }

    /// Moves what has been decrypted.
    fn drain(&mut self, into: &mut BytesMut) -> IoResult<Beyond> {
        let mut reader = self.tls.reader();
        loop {
            let length = match reader.fill_buf() {
                Ok([]) => return Ok(Beyond::End),
                Ok(chunk) => {
                    into.extend_from_slice(chunk);
                    chunk.len()
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Beyond::More),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Beyond::Cut),
                Err(error) => return Err(error),
            };
            reader.consume(length);
        }
    }

    /// Gives TLS a piece of what has been read; with nothing to give, the socket has ended.
    fn give(&mut self) -> IoResult<()> {
        let mut rest = self.raw.get(self.unread.clone()).unwrap_or_default();
        let length = rest.len();
        let taken = self.tls.read_tls(&mut rest)?;
        // After the peer's close_notify nothing is taken any more.
        self.unread.start += if taken == 0 { length } else { taken };
        let processed = self.tls.process_new_packets();
        if let Err(error) = processed {
            // The alert that tells the peer what was wrong.
            let _ = self.send_out();
            return Err(explain::broken(&error));
        }
        Ok(())
    }

    fn send_out(&mut self) -> IoResult<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut Socket(&self.stream)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// The socket takes nothing any more: the peer may have said why before it left.
    fn why(&mut self, error: Error) -> Error {
        let mut ignored = BytesMut::new();
        while let Ok(1..) = self.read_socket() {
            while !self.unread.is_empty() {
                if let Err(said) = self.give() {
                    return said;
                }
                let _ = self.drain(&mut ignored);
                ignored.clear();
            }
        }
        error
    }

    /// After our close_notify nothing that comes is wanted, and no alert may follow it; whoever has heard it may leave
    /// without a word, or with what we have sent unread.
    fn discard(&mut self) -> IoResult<usize> {
        match self.read_socket() {
            Ok(0) => Ok(0),
            Ok(_) => {
                self.unread = 0..0;
                Err(ErrorKind::WouldBlock.into())
            }
            Err(error) if error.kind() != ErrorKind::WouldBlock && self.closed => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn read_socket(&mut self) -> IoResult<usize> {
        let length = self.stream.try_read(&mut self.raw)?;
        self.unread = 0..length;
        Ok(length)
    }
}

impl Wire for TlsWire {
    fn try_read(&mut self, into: &mut BytesMut) -> IoResult<usize> {
        self.awake = false;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.closing {
            return self.discard();
        }
        let before = into.len();
        let mut have_read = false;
        loop {
            let beyond = self.drain(into)?;
            let got = into.len() - before;
            if !self.unread.is_empty() {
                if let Err(error) = self.give() {
                    self.drain(into)?;
                    if into.len() == before {
                        return Err(error);
                    }
                    // What came before the failure is delivered before it.
                    self.failed = Some(error);
                    self.awake = true;
                    return Ok(into.len() - before);
                }
                continue;
            }
            if got > 0 {
                self.awake = !matches!(beyond, Beyond::More);
                return Ok(got);
            }
            match beyond {
                Beyond::End => return Ok(0),
                Beyond::Cut => {
                    let words = "it was cut off, without the close_notify that ends TLS";
                    return Err(Error::new(ErrorKind::UnexpectedEof, words));
                }
                // Once a call: a peer that sends only what carries nothing does not hold the thread.
                Beyond::More if have_read => return Err(ErrorKind::WouldBlock.into()),
                Beyond::More => {
                    have_read = true;
                    if self.read_socket()? == 0 {
                        self.give()?;
                    }
                }
            }
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        if !self.flush()? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let taken = self.tls.writer().write(bytes)?;
        self.flush()?;
        Ok(taken)
    }

    fn flush(&mut self) -> IoResult<bool> {
        self.send_out().map_err(|error| if self.closing { error } else { self.why(error) })
    }

    fn finish(&mut self) -> IoResult<bool> {
        if !std::mem::replace(&mut self.closing, true) {
            self.tls.send_close_notify();
        }
        if !self.send_out()? {
            return Ok(false);
        }
        self.closed = true;
        SockRef::from(&self.stream).shutdown(Shutdown::Write).map(|()| true)
    }

    fn abort(&mut self) {
        // RST and no close_notify: the other side must not take it for a graceful end.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    async fn readable(&self) {
        if !self.awake {
            let _ = self.stream.readable().await;
        }
    }

    async fn writable(&self) {
        let _ = self.stream.writable().await;
    }
}

/// The socket as rustls writes to it.
struct Socket<'a>(&'a TcpStream);

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> IoResult<usize> {
        self.0.try_write_vectored(pieces)
    }

    fn flush(&mut self) -> IoResult<()> {
        Ok(())
    }
}
