//! The sockets under embedded SCTP: UDP (RFC 6951) or raw IP (protocol 132), many packets a system call.
//!
//! `sendmmsg` and `recvmmsg` have no safe interface, hence `unsafe` here and nowhere else under the embedded stack. Every
//! array handed to the kernel lives in the calling function, with its length; what the kernel has written is read only as
//! far as it says.

use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixDatagram;

use bytes::BytesMut;
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Type};
use tokio::io::unix::AsyncFd;

use crate::net::{Backend, NetError};

/// Packets of one system call.
pub(super) const BATCH: usize = 32;
/// The largest packet, and room for padding behind it.
const SLOT: usize = 65_536 + 8;
/// What the socket is asked to buffer; the kernel gives what it allows.
const SOCKET_BUFFER: usize = 2 << 20;
/// What stands where a UDP port would in the address of a peer over IP: the protocol number of SCTP.
pub(super) const IP_PORT: u16 = 132;

/// One socket, bound to one local address.
#[derive(Debug)]
pub(super) struct Socket {
    socket: AsyncFd<socket2::Socket>,
    local: SocketAddr,
    backend: Backend,
    /// Octets the kernel buffers.
    buffered: usize,
    /// Held while the socket lives: its name says to other processes that SCTP over IP is spoken at the address.
    _claim: Option<UnixDatagram>,
}

/// Room for packets that come in; the kernel touches only what it needs of it.
pub(super) struct Batch {
    octets: Box<[u8]>,
    packets: Vec<(SocketAddr, usize, usize)>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { octets: vec![0; SLOT * BATCH].into_boxed_slice(), packets: Vec::with_capacity(BATCH) }
    }

    /// Calls `take` with the sender of each packet, a buffer that begins with it and has room for padding, its length.
    pub(super) fn each(&mut self, mut take: impl FnMut(SocketAddr, &mut [u8], usize)) {
        for (from, at, length) in self.packets.drain(..) {
            let end = (at / SLOT + 1) * SLOT;
            if let Some(buffer) = self.octets.get_mut(at..end) {
                take(from, buffer, length);
            }
        }
    }
}

impl Socket {
    /// Binds a UDP socket. Within a tokio runtime.
    pub(super) fn udp(local: SocketAddr) -> Result<Self, NetError> {
        let backend = Backend::EmbeddedSctp;
        let bound = || {
            let socket = socket2::Socket::new(Domain::for_address(local), Type::DGRAM.nonblocking(), None)?;
            Self::bind(socket, local, backend, None)
        };
        bound().map_err(|error: io::Error| NetError::Bind { local, backend, reason: error.to_string() })
    }

    /// Binds a raw socket for SCTP at one address. Within a tokio runtime.
    pub(super) fn ip(local: IpAddr) -> Result<Self, NetError> {
        let backend = Backend::EmbeddedSctpIp;
        let local = SocketAddr::new(local, 0);
        let refused = |reason: String| NetError::Bind { local, backend, reason };
        if local.ip().is_unspecified() || local.ip().is_multicast() {
            let reason = "SCTP over IP answers from the address it is called at: give one address of this machine";
            return Err(refused(reason.to_owned()));
        }
        let socket = raw(local.is_ipv4())?;
        // Every raw socket of an address gets every packet: a second stack would abort the first one's associations.
        let name = format!("proselink sctp over ip {}", local.ip());
        let claim = std::os::unix::net::SocketAddr::from_abstract_name(name)
            .and_then(|name| UnixDatagram::bind_addr(&name))
            .map_err(|error| match error.kind() {
                ErrorKind::AddrInUse => refused("another process speaks SCTP over IP at this address".to_owned()),
                _ => refused(error.to_string()),
            })?;
        Self::bind(socket, local, backend, Some(claim)).map_err(|error| refused(error.to_string()))
    }

    fn bind(
        socket: socket2::Socket,
        local: SocketAddr,
        backend: Backend,
        claim: Option<UnixDatagram>,
    ) -> io::Result<Self> {
        // Refused or cut down, the default still works.
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
        fragmentation_allowed(&socket, local.is_ipv4());
        socket.bind(&local.into())?;
        let buffered = socket.recv_buffer_size().unwrap_or(1 << 17);
        let local = match backend {
            Backend::EmbeddedSctpIp => SocketAddr::new(local.ip(), IP_PORT),
            _ => socket.local_addr()?.as_socket().unwrap_or(local),
        };
        // SAFETY: the descriptor is the socket's, which nobody closes or exchanges before the `AsyncFd` is dropped.
        #[allow(unsafe_code, reason = "the contract of AsyncFd")]
        let socket = unsafe { AsyncFd::register(socket) }.map_err(io::Error::from)?;
        Ok(Self { socket, local, backend, buffered, _claim: claim })
    }

    /// The address; its port is UDP's, or [`IP_PORT`].
    pub(super) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// What it carries SCTP over.
    pub(super) const fn backend(&self) -> Backend {
        self.backend
    }

    /// Octets the kernel buffers of what comes in, its own overhead included.
    pub(super) const fn buffered(&self) -> usize {
        self.buffered
    }

    /// Waits until something can be received. Cancel-safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await.map(|mut ready| ready.retain_ready())
    }

    /// Takes what has come in, at most [`BATCH`] packets; answers how many were taken from the kernel.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] when there is nothing; anything else is about an earlier packet.
    pub(super) fn receive(&self, batch: &mut Batch) -> io::Result<usize> {
        batch.packets.clear();
        let mut taken = 0;
        let emptied = self.socket.try_io(tokio::io::Interest::READABLE, |socket| {
            taken = receive_many(socket.as_raw_fd(), batch)?;
            // Fewer than there was room for: nothing is left, and asking once more to be told so would cost as much.
            if taken < BATCH { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        if taken == 0 {
            emptied?;
        }
        if self.backend == Backend::EmbeddedSctpIp {
            let octets = &batch.octets;
            batch.packets.retain_mut(|packet| self.strip(octets, packet));
        }
        Ok(taken)
    }

    /// Leaves the IPv4 header away, which a raw socket shows; whether the packet is for us.
    fn strip(&self, octets: &[u8], (from, at, length): &mut (SocketAddr, usize, usize)) -> bool {
        from.set_port(IP_PORT);
        if from.is_ipv6() {
            return true;
        }
        let Some(header) = octets.get(*at..*at + *length) else { return false };
        let [first, ..] = *header else { return false };
        let size = usize::from(first & 15) * 4;
        let destination = header.get(16..20).and_then(|four| <[u8; 4]>::try_from(four).ok()).map(IpAddr::from);
        if first >> 4 != 4 || size < 20 || *length < size || destination != Some(self.local.ip()) {
            return false;
        }
        *at += size;
        *length -= size;
        true
    }

    /// Sends packets in their order and waits where the kernel wants it; one that cannot be sent is left out, as the
    /// network would.
    pub(super) async fn send(&self, packets: &[(SocketAddr, BytesMut)]) {
        let mut rest = packets;
        while !rest.is_empty() {
            let over_ip = self.backend == Backend::EmbeddedSctpIp;
            let sent = self
                .socket
                .try_io(tokio::io::Interest::WRITABLE, |socket| send_many(socket.as_raw_fd(), rest, over_ip));
            match sent {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => match self.socket.writable().await {
                    Ok(mut ready) => ready.retain_ready(),
                    Err(_) => return,
                },
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    if let Some(((to, _), others)) = rest.split_first() {
                        tracing::debug!(local = %self.local, %to, %error, "packet not sent");
                        rest = others;
                    }
                }
            }
        }
    }
}

/// A raw socket for SCTP, not yet bound.
///
/// # Errors
/// [`NetError::Unavailable`] with what to do about it.
pub(super) fn raw(v4: bool) -> Result<socket2::Socket, NetError> {
    let unavailable = |reason: String| NetError::Unavailable { backend: Backend::EmbeddedSctpIp, reason };
    if kernel_has_sctp() {
        let reason = "the kernel's own SCTP is loaded and would abort every association of another: use the transport \
                      sctp (the kernel's) or sctp-embedded (over UDP), or unload it with `modprobe -r sctp` and keep it \
                      away with `echo install sctp /bin/false > /etc/modprobe.d/no-sctp.conf`";
        return Err(unavailable(reason.to_owned()));
    }
    let domain = if v4 { Domain::IPV4 } else { Domain::IPV6 };
    socket2::Socket::new(domain, Type::RAW.nonblocking(), Some(Protocol::from(i32::from(IP_PORT)))).map_err(|error| {
        unavailable(match error.kind() {
            ErrorKind::PermissionDenied => "a raw socket needs the capability CAP_NET_RAW: run as root, or `setcap \
                                            cap_net_raw+ep` the program, or AmbientCapabilities=CAP_NET_RAW in its \
                                            unit; sctp-embedded (over UDP) needs none"
                .to_owned(),
            _ => error.to_string(),
        })
    })
}

/// Whether this kernel has SCTP of its own in it now. Asking for a socket would load it.
#[must_use]
pub fn kernel_has_sctp() -> bool {
    std::path::Path::new("/proc/sys/net/sctp").exists() || std::path::Path::new("/proc/net/sctp").exists()
}

/// A path may carry less than our packets: then IP takes them apart rather than that they are lost for good.
#[allow(unsafe_code, reason = "a socket option without a safe interface")]
fn fragmentation_allowed(socket: &socket2::Socket, v4: bool) {
    let (level, option, value) = if v4 {
        (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_DONT)
    } else {
        (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_DONT)
    };
    // SAFETY: the value outlives the call and its length is told. A refusal leaves the default, which works.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        );
    }
}

#[allow(unsafe_code, reason = "recvmmsg has no safe interface")]
fn receive_many(socket: RawFd, batch: &mut Batch) -> io::Result<usize> {
    let mut names = [const { MaybeUninit::<libc::sockaddr_storage>::uninit() }; BATCH];
    let mut pieces = [const { libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 } }; BATCH];
    let mut headers = [EMPTY; BATCH];
    let slots = batch.octets.chunks_exact_mut(SLOT);
    for (((slot, name), piece), header) in slots.zip(&mut names).zip(&mut pieces).zip(&mut headers) {
        *piece = libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: SLOT - 8 };
        header.msg_hdr.msg_name = name.as_mut_ptr().cast();
        header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        header.msg_hdr.msg_iov = piece;
        header.msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: each header points at a slot, a name and a piece of its own, which live until the end of this function.
    let count = unsafe {
        libc::recvmmsg(
            socket,
            headers.as_mut_ptr(),
            BATCH as libc::c_uint,
            libc::MSG_DONTWAIT as _,
            std::ptr::null_mut(),
        )
    };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    for (index, (header, name)) in headers.iter().zip(&names).take(count).enumerate() {
        let mut storage = SockAddrStorage::zeroed();
        let length = header.msg_hdr.msg_namelen;
        if length > storage.size_of() || header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
            continue;
        }
        // SAFETY: the kernel has written `length` octets of the name, no more than both hold.
        let from = unsafe {
            std::ptr::copy_nonoverlapping(
                name.as_ptr().cast::<u8>(),
                std::ptr::from_mut(storage.view_as::<libc::sockaddr_storage>()).cast::<u8>(),
                length as usize,
            );
            SockAddr::new(storage, length)
        };
        if let Some(from) = from.as_socket() {
            batch.packets.push((from, index * SLOT, header.msg_len as usize));
        }
    }
    Ok(count)
}

#[allow(unsafe_code, reason = "sendmmsg has no safe interface")]
fn send_many(socket: RawFd, packets: &[(SocketAddr, BytesMut)], over_ip: bool) -> io::Result<usize> {
    let mut names: [MaybeUninit<SockAddr>; BATCH] = [const { MaybeUninit::uninit() }; BATCH];
    let mut pieces = [const { libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 } }; BATCH];
    let mut headers = [EMPTY; BATCH];
    let mut count = 0;
    for ((((to, packet), name), piece), header) in packets.iter().zip(&mut names).zip(&mut pieces).zip(&mut headers) {
        let mut to = *to;
        if over_ip {
            // A raw socket takes no port.
            to.set_port(0);
        }
        let name = name.write(to.into());
        // The kernel only reads what a piece to be sent points at.
        *piece = libc::iovec { iov_base: packet.as_ptr().cast_mut().cast(), iov_len: packet.len() };
        header.msg_hdr.msg_name = name.as_ptr().cast_mut().cast();
        header.msg_hdr.msg_namelen = name.len();
        header.msg_hdr.msg_iov = piece;
        header.msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    // SAFETY: `count` headers are filled; each points at a name and a piece which live until the end of this function.
    let sent = unsafe { libc::sendmmsg(socket, headers.as_mut_ptr(), count, libc::MSG_DONTWAIT as _) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Padding, which differs from C library to C library, makes it one that cannot be written down.
#[allow(unsafe_code, reason = "a structure of the C library")]
// SAFETY: all zero is a message header without name, pieces and control data.
const EMPTY: libc::mmsghdr = unsafe { std::mem::zeroed() };
