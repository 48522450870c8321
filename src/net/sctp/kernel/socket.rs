//! One SCTP socket: `sctp-rs` where it does, system calls beside it where it does not. The only place with `unsafe`.
//!
//! What `sctp-rs` 0.3.1 does otherwise than needed:
//! - `socket()` failing with EPROTONOSUPPORT comes out as EBADF; sockets it makes are inherited by child processes; connecting
//!   that is given up leaks the descriptor, and every refusal is ECONNREFUSED. So sockets are made, bound, connected and
//!   accepted with socket2 and [`options`], and handed to it for the rest.
//! - Receiving takes 4,096 octets at a time without saying where a message ends (MSG_EOR), and keeps nothing of a change of
//!   a peer's address. [`SctpSocket::receive`] is `recvmsg` itself.
//! - Sending may answer `WouldBlock` for ever, because what the runtime knows of readiness is never cleared; and on drop the
//!   descriptor is closed before it is deregistered, when its number may be another socket's already, while the runtime
//!   keeps the registration for good. [`SctpSocket::registration`] is the way to mend both.
//! - It has no NODELAY, no RTO, no heartbeats, no UDP encapsulation: [`options`].

use std::io::{Error, ErrorKind, Result as IoResult};
use std::mem::ManuallyDrop;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use bytes::BytesMut;
use sctp_rs::{ConnectedSocket, Event, RcvInfo, SendData, SendInfo, SubscribeEventAssocId};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::net::{Options, Outgoing, Path, PathChange, PathEvent, PathState};

/// Numbers of Linux, from its `linux/sctp.h`; what they mean stands in RFC 6458 section 8 and RFC 6951 section 6.
mod number {
    use libc::c_int;

    pub(super) const RTOINFO: c_int = 0;
    pub(super) const ASSOCINFO: c_int = 1;
    pub(super) const INITMSG: c_int = 2;
    pub(super) const NODELAY: c_int = 3;
    pub(super) const PEER_ADDR_PARAMS: c_int = 9;
    pub(super) const GET_PEER_ADDR_INFO: c_int = 15;
    pub(super) const DELAYED_SACK: c_int = 16;
    pub(super) const BINDX_ADD: c_int = 100;
    pub(super) const CONNECTX: c_int = 110;
    pub(super) const REMOTE_UDP_ENCAPS_PORT: c_int = 132;

    /// A flag of `SendInfo`.
    pub(super) const UNORDERED: u16 = 1;
    /// A flag of a received message.
    pub(super) const MSG_NOTIFICATION: c_int = 0x8000;
    /// A flag of PEER_ADDR_PARAMS.
    pub(super) const SPP_HB_ENABLE: u32 = 1;

    /// Types of notifications.
    pub(super) const ASSOC_CHANGE: u16 = 0x8001;
    pub(super) const PEER_ADDR_CHANGE: u16 = 0x8002;
    pub(super) const SHUTDOWN_EVENT: u16 = 0x8005;
    pub(super) const PARTIAL_DELIVERY_EVENT: u16 = 0x8006;
}

/// Room made for what comes in; a longer message takes several calls.
const ROOM: usize = 16 << 10;
/// The least room left before more is made. Notifications fit.
const LEAST_ROOM: usize = 4 << 10;

/// What one call has received.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// Octets of a message, appended to the buffer.
    Part {
        /// The stream.
        stream: u16,
        /// The payload protocol identifier.
        ppid: u32,
        /// The message ends here.
        end: bool,
    },
    /// Something about the association.
    Notice(Notice),
    /// The peer sends nothing more.
    End,
}

/// What the kernel tells of an association. RFC 6458 section 6.1.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// It has failed, with the cause of an ABORT or 0.
    CommLost { cause: u16 },
    /// The peer has begun anew.
    Restart,
    /// Both sides have shut it down.
    ShutdownComplete,
    /// The peer shuts it down.
    Shutdown,
    /// Something has happened to a path.
    Path(PathChange),
    /// The rest of the message begun will not come.
    DeliveryAborted,
    /// Nothing of interest.
    Other,
}

/// Makes a socket without an association.
pub(super) fn new(domain: Domain) -> IoResult<Socket> {
    Socket::new(domain, Type::STREAM, Some(Protocol::from(libc::IPPROTO_SCTP)))
}

/// Gives a new socket what it needs before it binds. Sockets accepted inherit it.
pub(super) fn options(socket: &Socket, options: &Options) -> IoResult<()> {
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    let fd = socket.as_raw_fd();
    // The kernel takes no message larger than the send buffer and, other than RFC 6458 section 8.1.26, none in parts. More
    // than net.core.wmem_max is granted to CAP_NET_ADMIN alone.
    let wanted = options.message_limit.saturating_mul(2);
    let forced = libc::c_int::try_from(wanted).unwrap_or(libc::c_int::MAX);
    if set(fd, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &forced).is_err() {
        let _ = socket.set_send_buffer_size(wanted);
    }
    if set(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &forced).is_err() {
        let _ = socket.set_recv_buffer_size(wanted);
    }
    let sctp = libc::IPPROTO_SCTP;
    set(fd, sctp, number::NODELAY, &1i32)?;
    let milliseconds =
        |duration: std::time::Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX).clamp(1, 1 << 30);
    let rto = [options.rto_initial, options.rto_maximum, options.rto_minimum].map(milliseconds);
    set(fd, sctp, number::RTOINFO, &[0, rto[0], rto[1], rto[2]])?;
    // Streams out and in; attempts and patience as the kernel likes, connecting has its own.
    set(fd, sctp, number::INITMSG, &[options.outgoing_streams.max(1), options.incoming_streams.max(1), 0, 0])?;
    let association = AssociationParameters {
        // The kernel refuses more than its paths allow, once it has paths.
        maximum_retransmissions: options.association_retransmissions.max(1),
        ..AssociationParameters::default()
    };
    set(fd, sctp, number::ASSOCINFO, &association)?;
    let path = PathParameters {
        association: 0,
        address: [0; STORAGE],
        heartbeat_interval: milliseconds(options.heartbeat_interval),
        maximum_retransmissions: options.path_retransmissions.max(1),
        path_mtu: 0,
        sack_delay: 0,
        flags: number::SPP_HB_ENABLE,
        flow_label: 0,
        dscp: 0,
        gap: 0,
    };
    set(fd, sctp, number::PEER_ADDR_PARAMS, &path)?;
    if options.immediate_sack {
        // Association, delay as it is, a SACK for each packet.
        set(fd, sctp, number::DELAYED_SACK, &[0u32, 0, 1])?;
    }
    Ok(())
}

/// Packets to the peer go in UDP to that port. RFC 6951 section 6.1.
pub(super) fn encapsulate(socket: &Socket, port: u16) -> IoResult<()> {
    let value = Encapsulation { association: 0, address: Storage([0; STORAGE]), port: port.to_be() };
    set(socket.as_raw_fd(), libc::IPPROTO_SCTP, number::REMOTE_UDP_ENCAPS_PORT, &value)
}

/// Binds to all of `addresses`, which have one port. RFC 6458 section 9.1.
pub(super) fn bind(socket: &Socket, addresses: &[SocketAddr]) -> IoResult<()> {
    set_octets(socket.as_raw_fd(), number::BINDX_ADD, &packed(addresses))
}

/// Begins connecting to a peer that has all of `addresses`; it is connected when the socket is writable without an error.
/// RFC 6458 section 9.9.
pub(super) fn connect(socket: &Socket, addresses: &[SocketAddr]) -> IoResult<()> {
    match set_octets(socket.as_raw_fd(), number::CONNECTX, &packed(addresses)) {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(()),
        result => result,
    }
}

/// Registers a socket with the runtime.
pub(super) fn watch(socket: Socket, interest: Interest) -> IoResult<AsyncFd<Socket>> {
    // SAFETY: a Socket owns its descriptor, keeps it open and shows the same one until it is dropped, with the AsyncFd.
    unsafe { AsyncFd::register_with_interest(socket, interest) }.map_err(Error::from)
}

/// A socket with an association.
pub(super) struct SctpSocket {
    inner: ManuallyDrop<ConnectedSocket>,
    fd: RawFd,
}

// `registration` reads the one field of `ConnectedSocket`; a type with another one would be larger.
const _: () = assert!(
    size_of::<ConnectedSocket>() == size_of::<AsyncFd<RawFd>>()
        && align_of::<ConnectedSocket>() == align_of::<AsyncFd<RawFd>>()
);

impl SctpSocket {
    pub(super) fn new(socket: Socket) -> IoResult<Self> {
        let fd = socket.as_raw_fd();
        let inner = ConnectedSocket::from_rawfd(fd)?;
        // From here on the descriptor is closed by `drop` below.
        let _ = socket.into_raw_fd();
        Ok(Self { inner: ManuallyDrop::new(inner), fd })
    }

    /// For what `sctp-rs` does.
    pub(super) fn sctp(&self) -> &ConnectedSocket {
        &self.inner
    }

    /// What the runtime knows of the descriptor.
    pub(super) fn registration(&self) -> &AsyncFd<RawFd> {
        // SAFETY: ConnectedSocket of 0.3.1, the version Cargo.toml pins, is a structure of this one field; by the
        // assertion above nothing stands before or behind it.
        unsafe { &*std::ptr::from_ref::<ConnectedSocket>(&self.inner).cast::<AsyncFd<RawFd>>() }
    }

    /// Asks for what [`SctpSocket::receive`] can tell.
    pub(super) fn subscribe(&self) -> IoResult<()> {
        self.sctp().sctp_request_rcvinfo(true)?;
        let events = [Event::Association, Event::Address, Event::Shutdown, Event::PartialDelivery];
        self.sctp().sctp_subscribe_events(&events, SubscribeEventAssocId::Future)
    }

    /// Hands a message to the kernel, whole or not at all.
    pub(super) async fn send(&self, message: &Outgoing, stream: u16) -> IoResult<()> {
        let flags = if message.unordered { number::UNORDERED } else { 0 };
        let info = SendInfo { sid: stream, flags, ppid: message.ppid.to_be(), ..SendInfo::default() };
        self.sctp().sctp_send(SendData { payload: message.bytes.to_vec(), snd_info: Some(info) }).await
    }

    /// Receives what is there, a message's octets behind those in `buffer`.
    pub(super) fn receive(&self, buffer: &mut BytesMut) -> IoResult<Received> {
        if buffer.capacity() - buffer.len() < LEAST_ROOM {
            buffer.reserve(ROOM);
        }
        let begin = buffer.len();
        let room = buffer.spare_capacity_mut();
        let mut part = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
        // Aligned as a control message header is.
        let mut control = [0usize; 16];
        // SAFETY: a message header of zeros is a valid value.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = size_of_val(&control) as _;
        // SAFETY: the header describes memory that outlives the call and is written to by nobody else.
        let length = unsafe { libc::recvmsg(self.fd, &raw mut header, 0) };
        let length = usize::try_from(length).map_err(|_| Error::last_os_error())?;
        // SAFETY: the kernel has written that many octets into the spare capacity.
        unsafe { buffer.set_len(begin + length) };
        let end = header.msg_flags & libc::MSG_EOR != 0;
        if header.msg_flags & number::MSG_NOTIFICATION != 0 {
            let notice = notice(buffer.get(begin..).unwrap_or_default());
            buffer.truncate(begin);
            return Ok(Received::Notice(notice));
        }
        if length == 0 {
            return Ok(Received::End);
        }
        // SAFETY: the kernel has filled in the header and the control messages it describes.
        let first = unsafe { libc::CMSG_FIRSTHDR(&raw const header).as_ref() };
        let about = first.filter(|first| {
            (first.cmsg_level, first.cmsg_type) == (libc::IPPROTO_SCTP, sctp_rs::CmsgType::RcvInfo as i32)
        });
        let Some(about) = about else {
            return Err(Error::new(ErrorKind::InvalidData, "the kernel did not say which stream a message came on"));
        };
        // SAFETY: a control message of this type carries this structure, in memory aligned for it.
        let info: RcvInfo = unsafe { libc::CMSG_DATA(std::ptr::from_ref(about)).cast::<RcvInfo>().read_unaligned() };
        Ok(Received::Part { stream: info.sid, ppid: u32::from_be(info.ppid), end })
    }

    /// ABORT instead of SHUTDOWN when it is dropped.
    pub(super) fn abort_on_drop(&self) {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        let _ = set(self.fd, libc::SOL_SOCKET, libc::SO_LINGER, &linger);
    }

    /// The error that ended the association, said once.
    pub(super) fn take_error(&self) -> Option<Error> {
        let mut code = 0i32;
        get(self.fd, libc::SOL_SOCKET, libc::SO_ERROR, &mut code).ok()?;
        (code != 0).then(|| Error::from_raw_os_error(code))
    }

    /// Our addresses and the peer's, the primary one first.
    pub(super) fn addresses(&self, local: SocketAddr, remote: SocketAddr) -> (Vec<IpAddr>, Vec<IpAddr>) {
        let association = self.sctp().sctp_get_status(0).map_or(0, |status| status.assoc_id);
        let sorted = |found: IoResult<Vec<SocketAddr>>, first: SocketAddr| {
            let mut all = vec![first.ip()];
            all.retain(|address| !address.is_unspecified());
            for address in found.into_iter().flatten().map(|address| address.ip().to_canonical()) {
                if !all.contains(&address) {
                    all.push(address);
                }
            }
            all
        };
        let locals = sorted(self.sctp().sctp_getladdrs(association), local);
        (locals, sorted(self.sctp().sctp_getpaddrs(association), remote))
    }

    /// The peer's UDP port, 0 without encapsulation.
    pub(super) fn encapsulation(&self) -> u16 {
        let mut value = Encapsulation { association: 0, address: Storage([0; STORAGE]), port: 0 };
        let got = get(self.fd, libc::IPPROTO_SCTP, number::REMOTE_UDP_ENCAPS_PORT, &mut value);
        // A kernel before 5.11 does not know the option.
        got.map_or(0, |()| u16::from_be(value.port))
    }

    /// The paths as they are now.
    pub(super) fn paths(&self, remotes: &[IpAddr], port: u16) -> Vec<Path> {
        let primary = self.sctp().sctp_get_status(0).map(|status| status.peer_primary.address.ip().to_canonical());
        let state = |remote: IpAddr| {
            let mut info = PathInfo { association: 0, address: storage(SocketAddr::new(remote, port)), rest: [0; 5] };
            match get(self.fd, libc::IPPROTO_SCTP, number::GET_PEER_ADDR_INFO, &mut info) {
                Ok(()) if info.rest[0] == 0 => PathState::Unreachable,
                Ok(()) if info.rest[0] == 1 => PathState::PotentiallyFailed,
                Ok(()) if info.rest[0] == 3 => PathState::Unconfirmed,
                _ => PathState::Available,
            }
        };
        let path = |remote: &IpAddr| {
            let primary = primary.as_ref().is_ok_and(|primary| primary == remote);
            Path { remote: *remote, state: state(*remote), primary }
        };
        remotes.iter().map(path).collect()
    }
}

impl Drop for SctpSocket {
    fn drop(&mut self) {
        // SAFETY: as in `registration`; `inner` is not used any more and never dropped, so the field is moved out once.
        drop(unsafe { std::ptr::from_ref(self.registration()).read() });
        // SAFETY: `new` took the descriptor over, and `inner`, the only other one to close it, is never dropped.
        drop(unsafe { OwnedFd::from_raw_fd(self.fd) });
    }
}

/// Reads a notification.
fn notice(octets: &[u8]) -> Notice {
    let u16_at = |at: usize| octets.get(at..).and_then(|rest| rest.first_chunk()).map(|two| u16::from_ne_bytes(*two));
    let u32_at = |at: usize| octets.get(at..).and_then(|rest| rest.first_chunk()).map(|four| u32::from_ne_bytes(*four));
    match (u16_at(0), u16_at(8)) {
        (Some(number::ASSOC_CHANGE), Some(1)) => Notice::CommLost { cause: u16_at(10).map_or(0, u16::from_be) },
        (Some(number::ASSOC_CHANGE), Some(2)) => Notice::Restart,
        (Some(number::ASSOC_CHANGE), Some(3)) => Notice::ShutdownComplete,
        (Some(number::SHUTDOWN_EVENT), _) => Notice::Shutdown,
        (Some(number::PARTIAL_DELIVERY_EVENT), _) => Notice::DeliveryAborted,
        (Some(number::PEER_ADDR_CHANGE), _) => {
            let event = match u32_at(8 + STORAGE) {
                Some(0) => PathEvent::Available,
                Some(1) => PathEvent::Unreachable,
                Some(2) => PathEvent::Removed,
                Some(3) => PathEvent::Added,
                Some(4) => PathEvent::Primary,
                Some(5) => PathEvent::Confirmed,
                Some(6) => PathEvent::PotentiallyFailed,
                _ => return Notice::Other,
            };
            let remote = octets.get(8..).and_then(address);
            remote.map_or(Notice::Other, |remote| Notice::Path(PathChange { remote, event }))
        }
        _ => Notice::Other,
    }
}

/// The size of `sockaddr_storage`.
const STORAGE: usize = size_of::<libc::sockaddr_storage>();

/// `struct sctp_assocparams`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct AssociationParameters {
    association: i32,
    maximum_retransmissions: u16,
    peers_addresses: u16,
    peers_window: u32,
    window: u32,
    cookie_life: u32,
}

/// `struct sctp_paddrparams`: no gaps between, one at the end.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct PathParameters {
    association: i32,
    address: [u8; STORAGE],
    heartbeat_interval: u32,
    maximum_retransmissions: u16,
    path_mtu: u32,
    sack_delay: u32,
    flags: u32,
    flow_label: u32,
    dscp: u8,
    gap: u8,
}

/// `struct sctp_paddrinfo`, packed and aligned to 4: state, congestion window, round trip, RTO, MTU.
#[derive(Clone, Copy)]
#[repr(C)]
struct PathInfo {
    association: i32,
    address: [u8; STORAGE],
    rest: [i32; 5],
}

#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Storage([u8; STORAGE]);

/// `struct sctp_udpencaps`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Encapsulation {
    association: i32,
    address: Storage,
    port: u16,
}

/// A `sockaddr_in` or `sockaddr_in6` as it lies in memory.
fn octets(address: SocketAddr) -> Vec<u8> {
    let port = address.port().to_be_bytes();
    match address {
        SocketAddr::V4(address) => {
            let family = (libc::AF_INET as u16).to_ne_bytes();
            [&family[..], &port, &address.ip().octets(), &[0; 8]].concat()
        }
        SocketAddr::V6(address) => {
            let family = (libc::AF_INET6 as u16).to_ne_bytes();
            let (flow, scope) = (address.flowinfo().to_be_bytes(), address.scope_id().to_ne_bytes());
            [&family[..], &port, &flow, &address.ip().octets(), &scope].concat()
        }
    }
}

fn packed(addresses: &[SocketAddr]) -> Vec<u8> {
    addresses.iter().flat_map(|address| octets(*address)).collect()
}

fn storage(address: SocketAddr) -> [u8; STORAGE] {
    let mut storage = [0; STORAGE];
    for (to, from) in storage.iter_mut().zip(octets(address)) {
        *to = from;
    }
    storage
}

/// The address in a `sockaddr_storage`.
fn address(storage: &[u8]) -> Option<IpAddr> {
    let family = u16::from_ne_bytes(*storage.first_chunk()?);
    match i32::from(family) {
        libc::AF_INET => storage.get(4..)?.first_chunk::<4>().map(|ip| IpAddr::from(*ip)),
        libc::AF_INET6 => storage.get(8..)?.first_chunk::<16>().map(|ip| IpAddr::from(*ip).to_canonical()),
        _ => None,
    }
}

/// Sets a socket option; `T` has no padding or is zeroed.
fn set<T: Copy>(fd: RawFd, level: libc::c_int, option: libc::c_int, value: &T) -> IoResult<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe { libc::setsockopt(fd, level, option, std::ptr::from_ref(value).cast(), length) };
    if result == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

fn set_octets(fd: RawFd, option: libc::c_int, value: &[u8]) -> IoResult<()> {
    let length = libc::socklen_t::try_from(value.len()).unwrap_or_default();
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe { libc::setsockopt(fd, libc::IPPROTO_SCTP, option, value.as_ptr().cast(), length) };
    // CONNECTX answers with the number of the association.
    if result >= 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// Reads a socket option into `value`, which says what is asked for; `T` is of integers.
fn get<T: Copy>(fd: RawFd, level: libc::c_int, option: libc::c_int, value: &mut T) -> IoResult<()> {
    let mut length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the pointers describe `value` and its length, which outlive the call; any octets make a valid `T`.
    let result = unsafe { libc::getsockopt(fd, level, option, std::ptr::from_mut(value).cast(), &raw mut length) };
    if result == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_as_long_as_the_kernels() {
        assert_eq!(size_of::<AssociationParameters>(), 20);
        assert_eq!(size_of::<PathParameters>(), 156);
        assert_eq!(size_of::<PathInfo>(), 152);
        assert_eq!(size_of::<Encapsulation>(), 144);
        assert_eq!(size_of::<RcvInfo>(), 28);
    }

    #[test]
    fn addresses_lie_as_the_kernel_wants_them() {
        let four: SocketAddr = "10.0.0.1:3868".parse().unwrap();
        assert_eq!(octets(four), [2, 0, 15, 28, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        let six: SocketAddr = "[2001:db8::1]:3868".parse().unwrap();
        assert_eq!(octets(six).len(), 28);
        for ip in [four, six] {
            assert_eq!(address(&storage(ip)), Some(ip.ip()));
        }
        assert_eq!(address(&storage("[::ffff:10.0.0.1]:1".parse().unwrap())), Some(four.ip()));
        assert_eq!(address(&[0; STORAGE]), None);
        assert_eq!(packed(&[four, six]).len(), 44);
    }

    /// A `struct sctp_paddr_change`.
    fn address_change(state: u32) -> Vec<u8> {
        let mut octets = number::PEER_ADDR_CHANGE.to_ne_bytes().to_vec();
        octets.extend([0; 6]);
        octets.extend(storage("10.0.1.1:3868".parse().unwrap()));
        octets.extend(state.to_ne_bytes());
        octets.extend([0; 8]);
        octets
    }

    #[test]
    fn a_change_of_an_address_is_read_whole() {
        let remote = IpAddr::from([10, 0, 1, 1]);
        let path = |event| Notice::Path(PathChange { remote, event });
        assert_eq!(notice(&address_change(0)), path(PathEvent::Available));
        assert_eq!(notice(&address_change(1)), path(PathEvent::Unreachable));
        assert_eq!(notice(&address_change(5)), path(PathEvent::Confirmed));
        assert_eq!(notice(&address_change(99)), Notice::Other);
    }

    #[test]
    fn a_notification_cut_anywhere_is_no_more_than_uninteresting() {
        let whole = address_change(1);
        for length in 0..8 + STORAGE + 4 {
            assert_eq!(notice(&whole[..length]), Notice::Other, "{length}");
        }
        let lost = [&number::ASSOC_CHANGE.to_ne_bytes()[..], &[0; 6], &[1, 0, 0, 12], &[0; 8]].concat();
        assert_eq!(notice(&lost), Notice::CommLost { cause: 12 });
    }
}
