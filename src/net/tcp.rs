//! Diameter over TCP.

use std::io::Result as IoResult;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::stream::{self, Wire};
use super::{Association, Backend, Info, Listener, NetError, Options};

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
    match tokio::time::timeout(options.connect_timeout, open(local, remote, Backend::Tcp)).await {
        Ok(stream) => start(stream?, true, options).map_err(|error| failed(error.to_string())),
        Err(_) => Err(failed(format!("no answer within {:?}", options.connect_timeout))),
    }
}

/// Listens at `local`.
///
/// # Errors
/// [`NetError::Bind`].
pub fn listen(local: SocketAddr, options: Arc<Options>) -> Result<Listener, NetError> {
    let (listener, local) = bind(local, Backend::Tcp, &options)?;
    let (accepted, incoming) = mpsc::channel(1);
    tokio::spawn(accept(listener, accepted, options));
    Ok(Listener::new(local, None, incoming))
}

/// Connects a socket, for whatever is to run over it.
pub(super) async fn open(
    local: Option<SocketAddr>,
    remote: SocketAddr,
    backend: Backend,
) -> Result<TcpStream, NetError> {
    let failed = |error: std::io::Error| NetError::Connect { remote, backend, reason: error.to_string() };
    let socket = if remote.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.map_err(failed)?;
    if let Some(local) = local {
        socket.bind(local).map_err(|error| bind_error(local, backend, &error))?;
    }
    socket.connect(remote).await.map_err(failed)
}

/// Binds a socket that listens, and the address it got.
pub(super) fn bind(
    local: SocketAddr,
    backend: Backend,
    options: &Options,
) -> Result<(TcpListener, SocketAddr), NetError> {
    let bound = || {
        let socket = if local.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(local)?;
        let listener = socket.listen(BACKLOG)?;
        let local = listener.local_addr()?;
        Ok((listener, local))
    };
    let (listener, local) = bound().map_err(|error: std::io::Error| bind_error(local, backend, &error))?;
    if let Some(recorder) = &options.recorder {
        recorder.register(local);
    }
    Ok((listener, local))
}

fn bind_error(local: SocketAddr, backend: Backend, error: &std::io::Error) -> NetError {
    NetError::Bind { local, backend, reason: error.to_string() }
}

/// The next connection that is within the limit.
pub(super) async fn next(
    listener: &TcpListener,
    limit: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => match Arc::clone(limit).try_acquire_owned() {
                Ok(permit) => return (stream, remote, permit),
                Err(_) => tracing::warn!(%remote, "connection refused: the limit is reached"),
            },
            Err(error) => {
                // Out of file descriptors, as a rule: others must end first.
                tracing::warn!(%error, "accepting");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Counts a connection until it has ended.
pub(super) fn hold(permit: OwnedSemaphorePermit, association: &Association) {
    let sender = association.sender();
    tokio::spawn(async move {
        let _ = sender.ended().await;
        drop(permit);
    });
}

async fn accept(listener: TcpListener, accepted: mpsc::Sender<Association>, options: Arc<Options>) {
    let limit = Arc::new(Semaphore::new(options.maximum_associations));
    loop {
        let (stream, remote, permit) = tokio::select! {
            next = next(&listener, &limit) => next,
            () = accepted.closed() => return,
        };
        match start(stream, false, Arc::clone(&options)) {
            Ok(association) => {
                hold(permit, &association);
                if accepted.send(association).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::debug!(%remote, %error, "connection gone before it was accepted"),
        }
    }
}

fn start(stream: TcpStream, client: bool, options: Arc<Options>) -> IoResult<Association> {
    let info = info(&stream, Backend::Tcp)?;
    Ok(stream::start(stream, info, client, options))
}

/// What is known of a connection; small messages leave it at once from now on.
pub(super) fn info(stream: &TcpStream, backend: Backend) -> IoResult<Info> {
    stream.set_nodelay(true)?;
    let (local, remote) = (stream.local_addr()?, stream.peer_addr()?);
    Ok(Info::new(backend, local, remote))
}

impl Wire for TcpStream {
    fn try_read(&mut self, into: &mut BytesMut) -> IoResult<usize> {
        self.try_read_buf(into)
    }

    // A read that fills less than its room says that there is no more, and spares asking.
    async fn read(&mut self, into: &mut BytesMut) -> IoResult<usize> {
        self.read_buf(into).await
    }

    fn try_write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        TcpStream::try_write(self, bytes)
    }

    fn flush(&mut self) -> IoResult<bool> {
        Ok(true)
    }

    fn finish(&mut self) -> IoResult<bool> {
        SockRef::from(&*self).shutdown(Shutdown::Write).map(|()| true)
    }

    fn abort(&mut self) {
        // RST instead of FIN: the other side must not take it for a graceful end.
        let _ = SockRef::from(&*self).set_linger(Some(Duration::ZERO));
    }

    async fn readable(&self) {
        // An error of the socket is found by reading.
        let _ = TcpStream::readable(self).await;
    }

    async fn writable(&self) {
        let _ = TcpStream::writable(self).await;
    }
}
