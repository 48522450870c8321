//! SCTP sockets of the kernel, one association a socket, with any number of addresses on both sides.
//!
//! ```text
//! kernel/socket.rs       the socket: sctp-rs, and system calls beside it, with the reasons
//! kernel/connection.rs   the task between a socket and an association's handle
//! ```
//!
//! Over UDP (RFC 6951) the kernel speaks from the one port that `sysctl -w net.sctp.udp_port=9899` gives it. What it
//! listens to it then takes from UDP too, without being told; where it connects to, the peer's UDP port is named.

mod connection;
#[allow(unsafe_code, reason = "socket options of SCTP have no safe interface")]
mod socket;
#[cfg(test)]
mod tests;

use std::io::{Error, ErrorKind, Result as IoResult};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Semaphore, mpsc};

use crate::net::{Association, Backend, Listener, NetError, Options};
use connection::{Accepted, start};

/// Associations that wait in the kernel for the listener.
const BACKLOG: i32 = 128;
/// Associations that wait for `accept`.
const ACCEPTED: usize = 16;
/// The longest pause after the kernel has refused to give an association.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whether the kernel gives SCTP sockets.
///
/// # Errors
/// Why not, as a sentence for the log.
pub fn probe() -> Result<(), String> {
    match socket::new(Domain::IPV4) {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.raw_os_error() {
            Some(libc::EPROTONOSUPPORT | libc::ESOCKTNOSUPPORT) => {
                format!("the kernel has no SCTP, or its module is not loaded ({error})")
            }
            _ => format!("the kernel refuses an SCTP socket ({error})"),
        }),
    }
}

/// The UDP port at which the kernel takes and from which it sends SCTP over UDP. RFC 6951.
///
/// # Errors
/// Why there is none and what to type, as a sentence.
pub fn udp_port() -> Result<u16, String> {
    let Ok(text) = std::fs::read_to_string("/proc/sys/net/sctp/udp_port") else {
        return Err("this kernel does not carry SCTP over UDP; Linux 5.11 is the first that does".to_owned());
    };
    match text.trim().parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err("the kernel's SCTP does not use UDP yet; type: sysctl -w net.sctp.udp_port=9899".to_owned()),
    }
}

/// Opens an association with a peer that has all the addresses of `remotes`, from those of `locals` or, when it is empty,
/// from all of this machine (port 0 for any). Packets go in UDP when `udp_port`, the peer's, is given; see [`udp_port`].
///
/// # Errors
/// [`NetError::Bind`], [`NetError::Connect`].
pub async fn connect(
    locals: &[SocketAddr],
    remotes: &[SocketAddr],
    udp_port: Option<u16>,
    options: Arc<Options>,
) -> Result<Association, NetError> {
    let remote = remotes.first().copied().unwrap_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
    let failed = |reason: String| NetError::Connect { remote, backend: Backend::KernelSctp, reason };
    if udp_port.is_some() {
        self::udp_port().map_err(failed)?;
    }
    let socket = prepare(locals.iter().chain(remotes), &options).map_err(|error| failed(error.to_string()))?;
    bind(&socket, locals)?;
    let opening = async {
        if let Some(port) = udp_port {
            socket::encapsulate(&socket, port)?;
        }
        socket::connect(&socket, remotes)?;
        let socket = socket::watch(socket, Interest::WRITABLE)?;
        drop(socket.writable().await?);
        match socket.get_ref().take_error()? {
            Some(error) => Err(error),
            None => Ok(socket.into_inner()),
        }
    };
    match tokio::time::timeout(options.connect_timeout, opening).await {
        Ok(opened) => opened
            .and_then(|socket| start(socket, Some(remote), None, Arc::clone(&options)))
            .map_err(|error| failed(error.to_string())),
        Err(_) => Err(failed(format!("no answer within {:?}", options.connect_timeout))),
    }
}

/// Listens at all of `locals`, which have one port: associations are told all of them.
///
/// # Errors
/// [`NetError::Bind`].
pub fn listen(locals: &[SocketAddr], options: Arc<Options>) -> Result<Listener, NetError> {
    let local = locals.first().copied().unwrap_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
    let failed = |error: Error| bind_error(local, &error);
    let socket = prepare(locals.iter(), &options).map_err(failed)?;
    bind(&socket, locals)?;
    let listening = || {
        socket.listen(BACKLOG)?;
        let bound = socket.local_addr()?.as_socket().ok_or_else(|| Error::new(ErrorKind::InvalidData, "no address"))?;
        let local = if local.port() == 0 { SocketAddr::new(local.ip(), bound.port()) } else { local };
        Ok((local, socket::watch(socket, Interest::READABLE)?))
    };
    let (local, socket) = listening().map_err(failed)?;
    if let Some(recorder) = &options.recorder {
        recorder.register(local);
    }
    let (accepted, incoming) = mpsc::channel(ACCEPTED);
    tokio::spawn(accept(socket, accepted, options));
    Ok(Listener::new(local, None, incoming))
}

/// A socket for addresses of these families.
fn prepare<'a>(mut addresses: impl Iterator<Item = &'a SocketAddr>, options: &Options) -> IoResult<Socket> {
    // A socket of IPv6 takes addresses of both.
    let domain = if addresses.any(SocketAddr::is_ipv6) { Domain::IPV6 } else { Domain::IPV4 };
    let socket = socket::new(domain)?;
    socket::options(&socket, options)?;
    Ok(socket)
}

/// Binds to one address after the other, so that the error names the one.
fn bind(socket: &Socket, locals: &[SocketAddr]) -> Result<(), NetError> {
    for local in locals {
        socket::bind(socket, &[*local]).map_err(|error| bind_error(*local, &error))?;
    }
    Ok(())
}

fn bind_error(local: SocketAddr, error: &Error) -> NetError {
    NetError::Bind { local, backend: Backend::KernelSctp, reason: error.to_string() }
}

async fn accept(listener: AsyncFd<Socket>, accepted: mpsc::Sender<Association>, options: Arc<Options>) {
    let limit = Arc::new(Semaphore::new(options.maximum_associations));
    let mut pause = Duration::ZERO;
    loop {
        let taken = tokio::select! {
            taken = listener.async_io(Interest::READABLE, Socket::accept) => taken,
            () = accepted.closed() => return,
        };
        let socket = match taken {
            Ok((socket, _)) => {
                pause = Duration::ZERO;
                socket
            }
            Err(error) => {
                // Gone already, or out of descriptors: the listener goes on, and says so once.
                if pause.is_zero() {
                    tracing::warn!(%error, "no association can be accepted now");
                }
                pause = (pause * 2).clamp(Duration::from_millis(10), LONGEST_PAUSE);
                tokio::time::sleep(pause).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&limit).try_acquire_owned() else {
            tracing::warn!(limit = options.maximum_associations, "an association too many is aborted");
            let _ = socket.set_linger(Some(Duration::ZERO));
            continue;
        };
        let about = Accepted { listener: accepted.clone(), _permit: permit };
        let started =
            socket.set_nonblocking(true).and_then(|()| start(socket, None, Some(about), Arc::clone(&options)));
        match started {
            Ok(association) => {
                if accepted.send(association).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "an association has ended before it was accepted"),
        }
    }
}
