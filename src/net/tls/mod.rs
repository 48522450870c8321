//! Diameter over TLS, as RFC 6733 section 13.1 wants it: on a port of its own, before the first message, with certificates
//! on both sides.
//!
//! ```text
//! credentials.rs   our certificate and key, the authorities; files judged    certificate.rs   what a certificate names
//! judge.rs         whether a peer's certificate holds                         wire.rs          octets to the pump of TCP
//! explain.rs       what went wrong, and what to change
//! ```
//! Handshakes run beside the loop that accepts, each for as long as connecting may take; when there are more of them than
//! allowed the oldest must go, so that a crowd that never ends its handshakes keeps nobody out who does.

pub mod certificate;
pub mod credentials;
mod explain;
mod judge;
mod wire;

use std::collections::VecDeque;
use std::io::Result as IoResult;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{Connection, ProtocolVersion};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub use certificate::Certificate;
pub use credentials::{Credentials, CredentialsError, CredentialsFault, Doubt, Files, Part};

use super::{Association, Backend, Listener, NetError, Options, stream, tcp};
use wire::TlsWire;

/// What protects an association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: &'static str,
    /// The name of the cipher suite, as IANA has it.
    pub cipher_suite: String,
    /// What the peer's certificate says; its chain and time have been found good.
    pub certificate: Certificate,
}

/// Opens a connection, from `local` when given (port 0 for any). `name`: the peer's host name, when it is known, for peers
/// that choose their certificate by it.
///
/// # Errors
/// [`NetError::Bind`], [`NetError::Connect`]; [`NetError::Unavailable`] without credentials.
pub async fn connect(
    local: Option<SocketAddr>,
    remote: SocketAddr,
    name: Option<&str>,
    options: Arc<Options>,
) -> Result<Association, NetError> {
    let failed = |reason: String| NetError::Connect { remote, backend: Backend::Tls, reason };
    let seen = Arc::new(OnceLock::new());
    let config = credentials(&options)?.client(Arc::clone(&seen)).map_err(|error| failed(error.to_string()))?;
    let name = name.and_then(|name| ServerName::try_from(name.to_owned()).ok());
    let name = name.unwrap_or_else(|| ServerName::IpAddress(remote.ip().into()));
    let opening = async {
        let stream = tcp::open(local, remote, Backend::Tls).await?;
        let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        shaken.map_err(|error| failed(explain::handshake(&error, seen.get())))
    };
    match tokio::time::timeout(options.connect_timeout, opening).await {
        Ok(shaken) => {
            let (stream, tls) = shaken?.into_inner();
            start(stream, tls.into(), &seen, true, options).map_err(|error| failed(error.to_string()))
        }
        Err(_) => Err(failed(format!("no answer within {:?}", options.connect_timeout))),
    }
}

/// Listens at `local`.
///
/// # Errors
/// [`NetError::Bind`]; [`NetError::Unavailable`] without credentials.
pub fn listen(local: SocketAddr, options: Arc<Options>) -> Result<Listener, NetError> {
    let credentials = credentials(&options)?.clone();
    let (listener, local) = tcp::bind(local, Backend::Tls, &options)?;
    let (accepted, incoming) = mpsc::channel(1);
    let door = Door { credentials, options, shaking: JoinSet::new(), order: VecDeque::new(), told: None, untold: 0 };
    tokio::spawn(door.accept(listener, accepted));
    Ok(Listener::new(local, None, incoming))
}

fn credentials(options: &Options) -> Result<&Credentials, NetError> {
    options.tls.as_ref().ok_or_else(|| NetError::Unavailable {
        backend: Backend::Tls,
        reason: "this node has no certificate; write a section [tls] with certificate, key and ca".to_owned(),
    })
}

fn start(
    stream: TcpStream,
    tls: Connection,
    seen: &OnceLock<Certificate>,
    client: bool,
    options: Arc<Options>,
) -> IoResult<Association> {
    let mut info = tcp::info(&stream, Backend::Tls)?;
    let version = match tls.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS 1.3",
    };
    let cipher_suite = tls.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("unknown");
    // Without a certificate no handshake comes so far.
    let certificate = seen.get().cloned().ok_or_else(|| std::io::Error::other("the peer has shown no certificate"))?;
    info.protection = Some(Arc::new(Protection { version, cipher_suite: cipher_suite.to_owned(), certificate }));
    Ok(stream::start(TlsWire::new(stream, tls), info, client, options))
}

/// The handshake with one that has connected.
async fn shake_hands(
    stream: TcpStream,
    credentials: &Credentials,
    seen: &Arc<OnceLock<Certificate>>,
    patience: Duration,
) -> Result<(TcpStream, Connection), String> {
    let config = credentials.server(Arc::clone(seen)).map_err(|error| error.to_string())?;
    let shaken = TlsAcceptor::from(Arc::new(config)).accept(stream);
    match tokio::time::timeout(patience, shaken).await {
        Ok(Ok(shaken)) => {
            let (stream, tls) = shaken.into_inner();
            Ok((stream, tls.into()))
        }
        Ok(Err(error)) => Err(explain::handshake(&error, seen.get())),
        Err(_) => Err(format!("it was not complete within {patience:?}")),
    }
}

/// A handshake that has come to its end.
struct Shaken {
    remote: SocketAddr,
    permit: OwnedSemaphorePermit,
    seen: Arc<OnceLock<Certificate>>,
    result: Result<(TcpStream, Connection), String>,
}

/// Where peers come in.
struct Door {
    credentials: Credentials,
    options: Arc<Options>,
    shaking: JoinSet<Shaken>,
    /// The handshakes, oldest first, with some that are over.
    order: VecDeque<AbortHandle>,
    /// When a failure was last logged, and how many have not been since.
    told: Option<Instant>,
    untold: u32,
}

impl Door {
    async fn accept(mut self, listener: TcpListener, accepted: mpsc::Sender<Association>) {
        let limit = Arc::new(Semaphore::new(self.options.maximum_associations));
        loop {
            tokio::select! {
                (stream, remote, permit) = tcp::next(&listener, &limit) => self.shake(stream, remote, permit),
                Some(shaken) = self.shaking.join_next() => {
                    let Some(association) = shaken.ok().and_then(|shaken| self.admit(shaken)) else { continue };
                    if accepted.send(association).await.is_err() {
                        return;
                    }
                }
                () = accepted.closed() => return,
            }
        }
    }

    fn shake(&mut self, stream: TcpStream, remote: SocketAddr, permit: OwnedSemaphorePermit) {
        while self.shaking.len() >= self.options.maximum_handshakes.max(1) {
            match self.order.pop_front() {
                Some(oldest) if oldest.is_finished() => {}
                Some(oldest) => {
                    oldest.abort();
                    self.tell(format_args!("the oldest of too many TLS handshakes is given up"));
                    break;
                }
                None => break,
            }
        }
        while self.order.front().is_some_and(AbortHandle::is_finished) {
            self.order.pop_front();
        }
        let (credentials, patience) = (self.credentials.clone(), self.options.connect_timeout);
        let handle = self.shaking.spawn(async move {
            let seen = OnceLock::new().into();
            let result = shake_hands(stream, &credentials, &seen, patience).await;
            Shaken { remote, permit, seen, result }
        });
        self.order.push_back(handle);
    }

    fn admit(&mut self, shaken: Shaken) -> Option<Association> {
        let Shaken { remote, permit, seen, result } = shaken;
        let started = result.and_then(|(stream, tls)| {
            start(stream, tls, &seen, false, Arc::clone(&self.options)).map_err(|error| error.to_string())
        });
        match started {
            Ok(association) => {
                tcp::hold(permit, &association);
                Some(association)
            }
            Err(reason) => {
                self.tell(format_args!("the TLS handshake with {remote} failed: {reason}"));
                None
            }
        }
    }

    /// Not more often than once a second: strangers fill no disk.
    fn tell(&mut self, words: std::fmt::Arguments<'_>) {
        if self.told.is_some_and(|at| at.elapsed() < Duration::from_secs(1)) {
            self.untold = self.untold.saturating_add(1);
            return;
        }
        match std::mem::take(&mut self.untold) {
            0 => tracing::warn!("{words}"),
            untold => tracing::warn!(untold, "{words}"),
        }
        self.told = Some(Instant::now());
    }
}

#[cfg(test)]
pub(crate) mod lab;
#[cfg(test)]
mod tests;
