//! Which transport, and why: one place to listen and to connect from.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use super::sctp::{embedded, kernel};
use super::{Association, Backend, Listener, NetError, Options, tcp};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Transport {
    /// SCTP: the kernel's when it has one, else embedded.
    #[default]
    Sctp,
    /// The kernel's SCTP or none.
    KernelSctp,
    /// Embedded SCTP over UDP.
    EmbeddedSctp,
    /// TCP.
    Tcp,
}

impl FromStr for Transport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sctp" => Ok(Self::Sctp),
            "sctp-kernel" => Ok(Self::KernelSctp),
            "sctp-embedded" => Ok(Self::EmbeddedSctp),
            "tcp" => Ok(Self::Tcp),
            _ => Err(format!("{text:?} is no transport: sctp, sctp-kernel, sctp-embedded and tcp are")),
        }
    }
}

/// Where a peer listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Remote {
    /// IP address and SCTP or TCP port.
    pub address: SocketAddr,
    /// The UDP port underneath, for embedded SCTP; [`Options::udp_port`] when `None`.
    pub udp_port: Option<u16>,
}

impl From<SocketAddr> for Remote {
    fn from(address: SocketAddr) -> Self {
        Self { address, udp_port: None }
    }
}

/// Opens associations; clones share the UDP sockets of embedded SCTP, one a local address.
#[derive(Clone, Debug)]
pub struct Net {
    options: Arc<Options>,
    endpoints: Arc<Mutex<HashMap<IpAddr, embedded::Endpoint>>>,
    sctp: Backend,
    reason: Arc<str>,
}

impl Net {
    /// Probes for the kernel's SCTP and says which backend will be used and why.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let (sctp, reason) = match kernel::probe() {
            Ok(()) => (Backend::KernelSctp, "the kernel gave an SCTP socket".to_owned()),
            Err(reason) => (Backend::EmbeddedSctp, reason),
        };
        tracing::info!(backend = %sctp, %reason, "SCTP backend");
        Self { options: Arc::new(options), endpoints: Arc::default(), sctp, reason: reason.into() }
    }

    /// The backend of [`Transport::Sctp`] here, and why it is that one.
    #[must_use]
    pub fn sctp_backend(&self) -> (Backend, &str) {
        (self.sctp, &self.reason)
    }

    /// The options given.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Takes associations at `local` (IP address and SCTP or TCP port). Within a tokio runtime.
    ///
    /// # Errors
    /// [`NetError::Bind`], [`NetError::Unavailable`].
    pub async fn listen(&self, transport: Transport, local: SocketAddr) -> Result<Listener, NetError> {
        match self.backend(transport)? {
            Backend::KernelSctp => kernel::listen(local, Arc::clone(&self.options)),
            Backend::EmbeddedSctp => self.endpoint(local.ip())?.listen(local.port()).await,
            Backend::Tcp => tcp::listen(local, Arc::clone(&self.options)),
        }
    }

    /// Opens an association to `remote`, from the address `local` when given.
    ///
    /// # Errors
    /// [`NetError::Connect`], [`NetError::Bind`], [`NetError::Unavailable`].
    pub async fn connect(
        &self,
        transport: Transport,
        local: Option<IpAddr>,
        remote: impl Into<Remote>,
    ) -> Result<Association, NetError> {
        let Remote { address, udp_port } = remote.into();
        let from = local.map(|local| SocketAddr::new(local, 0));
        match self.backend(transport)? {
            Backend::KernelSctp => kernel::connect(from, address, Arc::clone(&self.options)).await,
            Backend::EmbeddedSctp => {
                let local = local.map_or_else(|| route(address), Ok)?;
                let udp = SocketAddr::new(address.ip(), udp_port.unwrap_or(self.options.udp_port));
                self.endpoint(local)?.connect(udp, address.port()).await
            }
            Backend::Tcp => tcp::connect(from, address, Arc::clone(&self.options)).await,
        }
    }

    fn backend(&self, transport: Transport) -> Result<Backend, NetError> {
        match transport {
            Transport::Sctp => Ok(self.sctp),
            Transport::KernelSctp if self.sctp != Backend::KernelSctp => {
                Err(NetError::Unavailable { backend: Backend::KernelSctp, reason: self.reason.to_string() })
            }
            Transport::KernelSctp => Ok(Backend::KernelSctp),
            Transport::EmbeddedSctp => Ok(Backend::EmbeddedSctp),
            Transport::Tcp => Ok(Backend::Tcp),
        }
    }

    fn endpoint(&self, local: IpAddr) -> Result<embedded::Endpoint, NetError> {
        let mut endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = endpoints.get(&local) {
            return Ok(endpoint.clone());
        }
        let udp = SocketAddr::new(local, self.options.udp_port);
        let endpoint = embedded::Endpoint::bind(udp, Arc::clone(&self.options))?;
        endpoints.insert(local, endpoint.clone());
        Ok(endpoint)
    }
}

/// The address this machine would use towards `remote`; nothing is sent.
fn route(remote: SocketAddr) -> Result<IpAddr, NetError> {
    let any: IpAddr = if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let found = std::net::UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(remote)?;
        socket.local_addr()
    });
    found.map(|local| local.ip()).map_err(|error| NetError::Connect {
        remote,
        backend: Backend::EmbeddedSctp,
        reason: format!("no way there: {error}"),
    })
}
