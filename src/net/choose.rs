//! Which transport, and why: one place to listen and to connect from.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::sctp::{embedded, kernel};
use super::{
    Association, Backend, DIAMETER_PORT, DIAMETER_TLS_PORT, Endpoint, Host, Listener, NetError, Options, tcp, tls,
};

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
    /// Embedded SCTP over IP, protocol 132.
    EmbeddedSctpIp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

impl Transport {
    /// The registered port: 5868 for TLS, else 3868. RFC 6733 section 11.4.
    #[must_use]
    pub const fn port(self) -> u16 {
        if matches!(self, Self::Tls) { DIAMETER_TLS_PORT } else { DIAMETER_PORT }
    }
}

impl fmt::Display for Transport {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sctp => "sctp",
            Self::KernelSctp => "sctp-kernel",
            Self::EmbeddedSctp => "sctp-embedded",
            Self::EmbeddedSctpIp => "sctp-raw",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        })
    }
}

impl FromStr for Transport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sctp" => Ok(Self::Sctp),
            "sctp-kernel" => Ok(Self::KernelSctp),
            "sctp-embedded" => Ok(Self::EmbeddedSctp),
            "sctp-raw" => Ok(Self::EmbeddedSctpIp),
            "tcp" => Ok(Self::Tcp),
            "tls" => Ok(Self::Tls),
            _ => Err(format!("{text:?} is no transport: sctp, sctp-kernel, sctp-embedded, sctp-raw, tcp and tls are")),
        }
    }
}

/// Where a peer listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remote {
    /// IP address and SCTP or TCP port.
    pub address: SocketAddr,
    /// Further addresses of the same SCTP endpoint.
    pub more: Vec<IpAddr>,
    /// The peer's UDP port underneath SCTP. When `None`, [`Options::udp_port`] for embedded SCTP, and no UDP for the
    /// kernel's.
    pub udp_port: Option<u16>,
    /// Its host name, when it was looked up: TLS tells the peer which name was called.
    pub name: Option<String>,
}

impl From<SocketAddr> for Remote {
    fn from(address: SocketAddr) -> Self {
        Self { address, more: Vec::new(), udp_port: None, name: None }
    }
}

/// Opens associations; clones share the sockets of embedded SCTP, one a local address and backend.
#[derive(Clone, Debug)]
pub struct Net {
    options: Arc<Options>,
    endpoints: Arc<Mutex<HashMap<(Backend, IpAddr), embedded::Endpoint>>>,
    /// What [`Transport::Sctp`] is here, and why, once somebody has asked.
    sctp: Arc<OnceLock<(Backend, String)>>,
}

impl Net {
    /// Nothing is opened yet, and the kernel is not asked for SCTP before somebody wants it: to ask would load the kernel's
    /// own where there is one, which embedded SCTP over IP cannot live beside.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options: Arc::new(options), endpoints: Arc::default(), sctp: Arc::default() }
    }

    /// The backend of [`Transport::Sctp`] here, and why it is that one; the kernel is asked the first time.
    #[must_use]
    pub fn sctp_backend(&self) -> (Backend, &str) {
        let (backend, reason) = self.sctp.get_or_init(|| {
            let (backend, reason) = match kernel::probe() {
                Ok(()) => (Backend::KernelSctp, "the kernel gave an SCTP socket".to_owned()),
                Err(reason) => (Backend::EmbeddedSctp, reason),
            };
            tracing::info!(%backend, %reason, "SCTP backend");
            (backend, reason)
        });
        (*backend, reason)
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
        self.listen_on(transport, &[local.ip()], local.port()).await
    }

    /// Takes associations at an endpoint as configurations write it, over `default` when it names no transport. Within a
    /// tokio runtime.
    ///
    /// # Errors
    /// [`NetError::Bind`], also when it has no address; [`NetError::Unavailable`].
    pub async fn listen_at(&self, endpoint: &Endpoint, default: Transport) -> Result<Listener, NetError> {
        let locals: Vec<_> = endpoint.addresses().collect();
        self.listen_on(endpoint.transport_or(default), &locals, endpoint.port_or(default)).await
    }

    async fn listen_on(&self, transport: Transport, locals: &[IpAddr], port: u16) -> Result<Listener, NetError> {
        let backend = self.backend(transport)?;
        let first = *locals.first().ok_or_else(|| NetError::Bind {
            local: SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
            backend,
            reason: "a node listens at addresses, not at names".to_owned(),
        })?;
        let local = SocketAddr::new(first, port);
        if locals.len() > 1 && backend != Backend::KernelSctp {
            let reason = "several addresses of one endpoint are for the kernel's SCTP; write one, or an entry each";
            return Err(NetError::Bind { local, backend, reason: reason.to_owned() });
        }
        match backend {
            Backend::KernelSctp => {
                let locals: Vec<_> = locals.iter().map(|local| SocketAddr::new(*local, port)).collect();
                kernel::listen(&locals, Arc::clone(&self.options))
            }
            Backend::EmbeddedSctp | Backend::EmbeddedSctpIp => self.endpoint(backend, first)?.listen(port).await,
            Backend::Tcp => tcp::listen(local, Arc::clone(&self.options)),
            Backend::Tls => tls::listen(local, Arc::clone(&self.options)),
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
        self.connect_from(transport, local.as_slice(), remote.into()).await
    }

    /// Opens an association to an endpoint as configurations write it, over `default` when it names no transport. Names
    /// are looked up now; of several addresses each is tried in turn, but SCTP is told of all. `locals`: our own
    /// addresses, of which those of the peer's family are used; any when empty.
    ///
    /// # Errors
    /// [`NetError::Name`], [`NetError::Connect`] of the last address tried, [`NetError::Bind`],
    /// [`NetError::Unavailable`].
    pub async fn connect_to(
        &self,
        endpoint: &Endpoint,
        default: Transport,
        locals: &[IpAddr],
        udp_port: Option<u16>,
    ) -> Result<Association, NetError> {
        let transport = endpoint.transport_or(default);
        let port = endpoint.port_or(default);
        let mut found: Vec<IpAddr> = Vec::new();
        for host in &endpoint.hosts {
            match host {
                Host::Address(address) => found.push(*address),
                Host::Name(name) => found.extend(resolve(name, self.options.connect_timeout).await?),
            }
        }
        let mut seen = std::collections::HashSet::new();
        found.retain(|address| seen.insert(*address));
        let of_family = |address: IpAddr| {
            let same = |local: &&IpAddr| local.is_ipv4() == address.is_ipv4() && !local.is_unspecified();
            locals.iter().filter(same).copied().collect::<Vec<_>>()
        };
        if self.backend(transport)? == Backend::KernelSctp && endpoint.hosts.len() > 1 {
            let mut rest = found.into_iter();
            let Some(first) = rest.next() else { return Err(nobody(endpoint)) };
            let remote = Remote { address: SocketAddr::new(first, port), more: rest.collect(), udp_port, name: None };
            return self.connect_from(transport, &of_family(first), remote).await;
        }
        let mut failure = nobody(endpoint);
        for address in found {
            let name = endpoint.name().map(str::to_owned);
            let remote = Remote { udp_port, name, ..Remote::from(SocketAddr::new(address, port)) };
            match self.connect_from(transport, &of_family(address), remote).await {
                Ok(association) => return Ok(association),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn connect_from(
        &self,
        transport: Transport,
        locals: &[IpAddr],
        remote: Remote,
    ) -> Result<Association, NetError> {
        let Remote { address, more, udp_port, name } = remote;
        let first = locals.first().copied();
        let from = first.map(|local| SocketAddr::new(local, 0));
        match self.backend(transport)? {
            Backend::KernelSctp => {
                let locals: Vec<_> = locals.iter().map(|local| SocketAddr::new(*local, 0)).collect();
                let more = more.into_iter().map(|ip| SocketAddr::new(ip, address.port()));
                let remotes: Vec<_> = std::iter::once(address).chain(more).collect();
                kernel::connect(&locals, &remotes, udp_port, Arc::clone(&self.options)).await
            }
            backend @ (Backend::EmbeddedSctp | Backend::EmbeddedSctpIp) => {
                let local = first.map_or_else(|| route(address, backend), Ok)?;
                let lower = SocketAddr::new(address.ip(), udp_port.unwrap_or(self.options.udp_port));
                self.endpoint(backend, local)?.connect(lower, address.port()).await
            }
            Backend::Tcp => tcp::connect(from, address, Arc::clone(&self.options)).await,
            Backend::Tls => tls::connect(from, address, name.as_deref(), Arc::clone(&self.options)).await,
        }
    }

    /// What carries associations of a transport here.
    ///
    /// # Errors
    /// [`NetError::Unavailable`].
    pub fn backend(&self, transport: Transport) -> Result<Backend, NetError> {
        match transport {
            Transport::Sctp => Ok(self.sctp_backend().0),
            Transport::KernelSctp => match self.sctp_backend() {
                (Backend::KernelSctp, _) => Ok(Backend::KernelSctp),
                (_, reason) => Err(NetError::Unavailable { backend: Backend::KernelSctp, reason: reason.to_owned() }),
            },
            Transport::EmbeddedSctp => Ok(Backend::EmbeddedSctp),
            Transport::EmbeddedSctpIp => Ok(Backend::EmbeddedSctpIp),
            Transport::Tcp => Ok(Backend::Tcp),
            Transport::Tls => Ok(Backend::Tls),
        }
    }

    fn endpoint(&self, backend: Backend, local: IpAddr) -> Result<embedded::Endpoint, NetError> {
        let mut endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = endpoints.get(&(backend, local)) {
            return Ok(endpoint.clone());
        }
        let options = Arc::clone(&self.options);
        let endpoint = if backend == Backend::EmbeddedSctpIp {
            embedded::Endpoint::over_ip(local, options)?
        } else {
            embedded::Endpoint::over_udp(SocketAddr::new(local, self.options.udp_port), options)?
        };
        endpoints.insert((backend, local), endpoint.clone());
        Ok(endpoint)
    }
}

/// The address this machine would use towards `remote`; nothing is sent.
fn route(remote: SocketAddr, backend: Backend) -> Result<IpAddr, NetError> {
    let any: IpAddr = if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let found = std::net::UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(remote)?;
        socket.local_addr()
    });
    found.map(|local| local.ip()).map_err(|error| NetError::Connect {
        remote,
        backend,
        reason: format!("no way there: {error}"),
    })
}

/// The addresses of a name, in the resolver's order.
async fn resolve(name: &str, patience: Duration) -> Result<Vec<IpAddr>, NetError> {
    let failed = |reason: String| NetError::Name { name: name.to_owned(), reason };
    match tokio::time::timeout(patience, tokio::net::lookup_host((name, 0))).await {
        Ok(Ok(found)) => Ok(found.map(|address| address.ip()).collect()),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!("no answer within {patience:?}"))),
    }
}

fn nobody(endpoint: &Endpoint) -> NetError {
    NetError::Name { name: endpoint.to_string(), reason: "it has no address".to_owned() }
}
