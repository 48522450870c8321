//! Transports: what carries Diameter messages between this node and another, and nothing of what they mean.
//!
//! A node opens one [`Net`], listens and connects through it, and gets an [`Association`] either way, whichever of the
//! transports is behind: SCTP in the kernel, SCTP embedded (over UDP), TCP, or TLS. A message goes in and comes out whole, with
//! its stream and payload protocol identifier.
//!
//! ```text
//! association.rs   the handle, and the driver's side of it      choose.rs   which backend, and why
//! endpoint.rs      transport, addresses and port as written
//! sctp/edge.rs     packets in and out of the embedded stack     sctp/pump.rs   its associations, without a socket
//! sctp/peer.rs     one of these associations                   sctp/embedded.rs the UDP socket under them
//! sctp/kernel.rs   SCTP sockets of the kernel                  path.rs      the ways to a peer of several addresses
//! tcp.rs tls/      sockets of byte streams                     stream.rs codec.rs  messages cut out of them
//! record.rs        all of it into one capture
//! ```

pub mod association;
pub mod choose;
pub mod codec;
pub mod endpoint;
pub mod path;
pub mod record;
pub mod sctp;
mod stream;
pub mod tcp;
pub mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

pub use association::{Association, Listener, Sender};
pub use choose::{Net, Remote, Transport};
pub use codec::{CodecError, MessageCodec};
pub use endpoint::{Endpoint, Host};
pub use path::{Path, PathChange, PathEvent, PathState};
pub use record::Recorder;
pub use tls::{Credentials, Protection};

use crate::message::framing::{DEFAULT_MESSAGE_LIMIT, FramingError};

/// The registered port of Diameter over SCTP and TCP. RFC 6733 section 11.4.
pub const DIAMETER_PORT: u16 = 3868;

/// The registered port of Diameter over TLS. RFC 6733 section 11.4.
pub const DIAMETER_TLS_PORT: u16 = 5868;

/// The payload protocol identifier of Diameter. RFC 6733 section 11.5.
pub const PPID_DIAMETER: u32 = 46;

/// The payload protocol identifier of Diameter protected by DTLS.
pub const PPID_DIAMETER_DTLS: u32 = 47;

/// A message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The whole message.
    pub bytes: Bytes,
    /// The SCTP stream wanted; taken modulo the streams agreed on. Nothing to TCP.
    pub stream: u16,
    /// May overtake others of its stream. Nothing to TCP.
    pub unordered: bool,
    /// Payload protocol identifier. Nothing to TCP.
    pub ppid: u32,
}

impl Outgoing {
    /// Ordered, on stream 0, as Diameter: right for every base message.
    #[must_use]
    pub const fn new(bytes: Bytes) -> Self {
        Self { bytes, stream: 0, unordered: false, ppid: PPID_DIAMETER }
    }

    /// The same on another stream.
    #[must_use]
    pub const fn on_stream(mut self, stream: u16) -> Self {
        self.stream = stream;
        self
    }
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The whole message.
    pub bytes: Bytes,
    /// The SCTP stream it came on; 0 over TCP.
    pub stream: u16,
    /// The payload protocol identifier it came with; 46 over TCP.
    pub ppid: u32,
}

/// What carries an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// SCTP sockets of the kernel.
    KernelSctp,
    /// The SCTP stack in this program, over UDP.
    EmbeddedSctp,
    /// The SCTP stack in this program, over IP.
    EmbeddedSctpIp,
    /// TCP sockets.
    Tcp,
    /// TLS over TCP sockets.
    Tls,
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::KernelSctp => "kernel SCTP",
            Self::EmbeddedSctp => "embedded SCTP",
            Self::EmbeddedSctpIp => "embedded SCTP over IP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        })
    }
}

/// What is known of an association once it is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// What carries it.
    pub backend: Backend,
    /// Our IP address and SCTP or TCP port.
    pub local: SocketAddr,
    /// The peer's.
    pub remote: SocketAddr,
    /// All of our IP addresses, that of `local` first; more than one over the kernel's SCTP only.
    pub local_addresses: Vec<IpAddr>,
    /// All of the peer's, that of `remote` first, as of the beginning; [`Sender::paths`] follows them.
    pub remote_addresses: Vec<IpAddr>,
    /// The UDP addresses underneath (ours, the peer's) where SCTP runs over UDP. RFC 6951.
    pub encapsulation: Option<(SocketAddr, SocketAddr)>,
    /// Streams to the peer; 1 over TCP.
    pub outgoing_streams: u16,
    /// Streams from the peer; 1 over TCP.
    pub incoming_streams: u16,
    /// What protects it, if anything does.
    pub protection: Option<Arc<Protection>>,
}

impl Info {
    /// One address and one stream each side.
    #[must_use]
    pub fn new(backend: Backend, local: SocketAddr, remote: SocketAddr) -> Self {
        Self {
            backend,
            local,
            remote,
            local_addresses: vec![local.ip()],
            remote_addresses: vec![remote.ip()],
            encapsulation: None,
            outgoing_streams: 1,
            incoming_streams: 1,
            protection: None,
        }
    }
}

/// Why a transport fails. Clonable, because everyone who waits on an association is told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetError {
    /// The local address cannot be used.
    #[error("cannot use {local} for {backend}: {reason}")]
    Bind {
        /// The address wanted.
        local: SocketAddr,
        /// For what.
        backend: Backend,
        /// The system's words.
        reason: String,
    },
    /// A host name leads nowhere.
    #[error("{name} cannot be looked up: {reason}")]
    Name {
        /// The name.
        name: String,
        /// The resolver's words.
        reason: String,
    },
    /// The association did not come up.
    #[error("cannot connect to {remote} over {backend}: {reason}")]
    Connect {
        /// The peer.
        remote: SocketAddr,
        /// Over what.
        backend: Backend,
        /// What happened.
        reason: String,
    },
    /// The peer aborted.
    #[error("{remote} aborted the association: {reason}")]
    Aborted {
        /// The peer.
        remote: SocketAddr,
        /// Its cause.
        reason: String,
    },
    /// The association broke otherwise.
    #[error("the association with {remote} is lost: {reason}")]
    Lost {
        /// The peer.
        remote: SocketAddr,
        /// What happened.
        reason: String,
    },
    /// The peer sent what is no Diameter message.
    #[error("{remote} sent octets that cannot be framed: {error}")]
    Framing {
        /// The peer.
        remote: SocketAddr,
        /// Where and what.
        error: FramingError,
    },
    /// This side has closed or aborted the association, or the peer has closed it.
    #[error("the association with {remote} is closed")]
    Closed {
        /// The peer.
        remote: SocketAddr,
    },
    /// A message handed over for sending is empty or longer than the limit.
    #[error("a message of {length} octets cannot be sent: between 1 and {limit} are allowed")]
    MessageSize {
        /// Its length in octets.
        length: usize,
        /// The limit in octets.
        limit: usize,
    },
    /// The queue to the peer is full; only said by [`Sender::try_send`].
    #[error("the queue to {remote} is full")]
    QueueFull {
        /// The peer.
        remote: SocketAddr,
    },
    /// The transport does not exist on this machine.
    #[error("{backend} is not available here: {reason}")]
    Unavailable {
        /// Which.
        backend: Backend,
        /// Why.
        reason: String,
    },
}

/// How transports behave. The defaults suit a lab network and a loopback alike.
#[derive(Clone, Debug)]
pub struct Options {
    /// The longest message sent or accepted, in octets. Default 1 MiB.
    pub message_limit: usize,
    /// SCTP streams offered to send on. Default 16.
    pub outgoing_streams: u16,
    /// SCTP streams allowed to receive on. Default 64.
    pub incoming_streams: u16,
    /// Messages waiting to be sent, an association. Default 16,384: a peer that asks much at once is no peer that does not
    /// read, and a busy machine may not come to send for a while.
    pub send_queue: usize,
    /// Octets of messages waiting to be sent, an association, where the sender does not wait; one message more is always
    /// let in. Default 16 MiB.
    pub send_octets: usize,
    /// Messages waiting to be read, an association. Default 256.
    pub receive_queue: usize,
    /// Octets of messages waiting to be read, an association; one message more is always let in. Default 4 MiB.
    pub receive_octets: usize,
    /// The longest IP packet sent, in octets; embedded SCTP. Default 1500.
    pub mtu: u16,
    /// The local UDP port of embedded SCTP, and the peer's where [`Remote`] says nothing. Default 9899.
    pub udp_port: u16,
    /// RTO.Initial of SCTP, before a path's round trip has been measured. RFC 9260 section 16. Default 1 s.
    pub rto_initial: Duration,
    /// RTO.Min of SCTP. Default 300 ms.
    pub rto_minimum: Duration,
    /// RTO.Max of SCTP. Default 5 s.
    pub rto_maximum: Duration,
    /// Every packet with data is acknowledged at once instead of every second one, or after 200 ms; SCTP.
    pub immediate_sack: bool,
    /// HB.interval: how long a path is idle before a HEARTBEAT asks whether it still leads to the peer, the kernel's RTO
    /// or up to a quarter more not counted; zero for never. SCTP. RFC 9260 section 8.3. Default 3 s, a tenth of the
    /// standard's, so that a dead path is noticed in seconds.
    pub heartbeat_interval: Duration,
    /// Path.Max.Retrans: how many retransmissions or HEARTBEATs in a row may stay without an answer before a path is
    /// unreachable; kernel SCTP. RFC 9260 section 8.2. Default 2.
    pub path_retransmissions: u16,
    /// Association.Max.Retrans: how many in a row, over all paths, before the peer is unreachable; kernel SCTP. RFC 9260
    /// section 8.1. Default 8, which with the other defaults is half a minute.
    pub association_retransmissions: u16,
    /// How long connecting may take. Default 10 s.
    pub connect_timeout: Duration,
    /// How long a shutdown may take before it becomes an abort. Default 5 s.
    pub close_timeout: Duration,
    /// How long data or a heartbeat may wait for a sign of life from the peer; embedded SCTP. Default 30 s.
    pub path_timeout: Duration,
    /// Associations of one local address. Default 4096.
    pub maximum_associations: usize,
    /// Associations of one local address that peers have begun and not completed; embedded SCTP, TLS. Default 256.
    pub maximum_handshakes: usize,
    /// Our certificate and key and the authorities, for TLS; none without.
    pub tls: Option<Credentials>,
    /// Takes every packet into a capture.
    pub recorder: Option<Recorder>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            message_limit: DEFAULT_MESSAGE_LIMIT,
            outgoing_streams: 16,
            incoming_streams: 64,
            send_queue: 16_384,
            send_octets: 16 << 20,
            receive_queue: 256,
            receive_octets: 4 << 20,
            mtu: 1500,
            udp_port: crate::capture::write::SCTP_UDP_PORT,
            rto_initial: Duration::from_secs(1),
            rto_minimum: Duration::from_millis(300),
            rto_maximum: Duration::from_secs(5),
            immediate_sack: false,
            heartbeat_interval: Duration::from_secs(3),
            path_retransmissions: 2,
            association_retransmissions: 8,
            connect_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            path_timeout: Duration::from_secs(30),
            maximum_associations: 4096,
            maximum_handshakes: 256,
            tls: None,
            recorder: None,
        }
    }
}

#[cfg(test)]
mod tests;
