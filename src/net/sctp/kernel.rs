//! SCTP sockets of the kernel, one association a socket, through `sctp-rs`.
//!
//! What `sctp-rs` 0.3.1 does otherwise than needed is dealt with here:
//! - it answers EBADF where `socket()` said that there is no SCTP: [`probe`] asks first;
//! - it has no NODELAY and no RTO, and does not show its descriptors: sockets are made, bound, connected and accepted with
//!   socket2, and then handed to it for sending and receiving with stream and identifier;
//! - it reads 4,096 octets at a time and does not say where a message ends: a Diameter message says so itself;
//! - its send may answer `WouldBlock` for ever, because it does not clear what it knows of readiness: a second descriptor
//!   is waited on;
//! - dropped, it closes its descriptor before it deregisters it, when the number may already be another socket's: it is
//!   closed here and the registration, some hundred octets, is left to the runtime.

use std::collections::HashMap;
use std::io::{Error, ErrorKind, Result as IoResult};
use std::mem::ManuallyDrop;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use sctp_rs::{
    AssocChangeState, ConnectedSocket, Event, Notification, NotificationOrData, RcvInfo, SendData, SendInfo,
    SubscribeEventAssocId,
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, mpsc};

use crate::message::framing::{self, Frame};
use crate::net::association::{Driver, NotDelivered, Wish, pair};
use crate::net::record::Track;
use crate::net::{Association, Backend, Incoming, Info, Listener, NetError, Options, Outgoing};

/// Associations that wait for `accept`.
const BACKLOG: i32 = 128;
/// Socket options of level IPPROTO_SCTP. RFC 6458 section 8.1, numbers of Linux.
const SCTP_RTOINFO: libc::c_int = 0;
const SCTP_INITMSG: libc::c_int = 2;
const SCTP_NODELAY: libc::c_int = 3;
/// A flag of `SendInfo`.
const SCTP_UNORDERED: u16 = 1;

/// Whether the kernel gives SCTP sockets.
///
/// # Errors
/// Why not, as a sentence for the log.
pub fn probe() -> Result<(), String> {
    match socket(Domain::IPV4) {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.raw_os_error() {
            Some(libc::EPROTONOSUPPORT | libc::ESOCKTNOSUPPORT) => {
                format!("the kernel has no SCTP, or its module is not loaded ({error})")
            }
            _ => format!("the kernel refuses an SCTP socket ({error})"),
        }),
    }
}

/// Opens an association, from `local` when given (port 0 for any).
///
/// # Errors
/// [`NetError::Bind`], [`NetError::Connect`].
pub async fn connect(
    local: Option<SocketAddr>,
    remote: SocketAddr,
    options: Arc<Options>,
) -> Result<Association, NetError> {
    let failed = |reason: String| NetError::Connect { remote, backend: Backend::KernelSctp, reason };
    let socket = prepare(Domain::for_address(remote), &options).map_err(|error| failed(error.to_string()))?;
    if let Some(local) = local {
        socket.bind(&local.into()).map_err(|error| bind_error(local, &error))?;
    }
    let opening = async {
        match socket.connect(&remote.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
            _ => {}
        }
        let socket = watch(socket, Interest::WRITABLE)?;
        drop(socket.writable().await?);
        match socket.get_ref().take_error()? {
            Some(error) => Err(error),
            None => Ok(socket.into_inner()),
        }
    };
    match tokio::time::timeout(options.connect_timeout, opening).await {
        Ok(opened) => opened
            .and_then(|socket| start(socket, true, Arc::clone(&options)))
            .map_err(|error| failed(error.to_string())),
        Err(_) => Err(failed(format!("no answer within {:?}", options.connect_timeout))),
    }
}

/// Listens at `local`.
///
/// # Errors
/// [`NetError::Bind`].
pub fn listen(local: SocketAddr, options: Arc<Options>) -> Result<Listener, NetError> {
    let bound = || {
        let socket = prepare(Domain::for_address(local), &options)?;
        socket.bind(&local.into())?;
        socket.listen(BACKLOG)?;
        let local = address(socket.local_addr()?)?;
        Ok((watch(socket, Interest::READABLE)?, local))
    };
    let (socket, local) = bound().map_err(|error: Error| bind_error(local, &error))?;
    if let Some(recorder) = &options.recorder {
        recorder.register(local);
    }
    let (accepted, incoming) = mpsc::channel(1);
    tokio::spawn(accept(socket, accepted, options));
    Ok(Listener::new(local, None, incoming))
}

fn bind_error(local: SocketAddr, error: &Error) -> NetError {
    NetError::Bind { local, backend: Backend::KernelSctp, reason: error.to_string() }
}

async fn accept(listener: AsyncFd<Socket>, accepted: mpsc::Sender<Association>, options: Arc<Options>) {
    let limit = Arc::new(tokio::sync::Semaphore::new(options.maximum_associations));
    loop {
        let taken = tokio::select! {
            taken = listener.async_io(Interest::READABLE, Socket::accept) => taken,
            () = accepted.closed() => return,
        };
        let started = taken.and_then(|(socket, _)| {
            let permit = Arc::clone(&limit).try_acquire_owned().map_err(Error::other)?;
            socket.set_nonblocking(true)?;
            Ok((start(socket, false, Arc::clone(&options))?, permit))
        });
        match started {
            Ok((association, permit)) => {
                let sender = association.sender();
                tokio::spawn(async move {
                    let _ = sender.ended().await;
                    drop(permit);
                });
                if accepted.send(association).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                // Gone already, over the limit, or out of descriptors: the listener goes on.
                tracing::warn!(%error, "association not accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

fn socket(domain: Domain) -> IoResult<Socket> {
    Socket::new(domain, Type::STREAM, Some(Protocol::from(libc::IPPROTO_SCTP)))
}

fn prepare(domain: Domain, options: &Options) -> IoResult<Socket> {
    let socket = socket(domain)?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    let fd = socket.as_raw_fd();
    // The kernel takes no message larger than the send buffer. Beyond net.core.wmem_max only CAP_NET_ADMIN helps; what is
    // granted is looked at when the association is up.
    let wanted = options.message_limit.saturating_mul(2);
    if set(fd, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &libc::c_int::try_from(wanted).unwrap_or(libc::c_int::MAX))
        .is_err()
    {
        let _ = socket.set_send_buffer_size(wanted);
    }
    let _ = socket.set_recv_buffer_size(wanted);
    set(fd, libc::IPPROTO_SCTP, SCTP_NODELAY, &1i32)?;
    let milliseconds = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    // Association 0, then initial, maximum, minimum.
    let rto = [options.rto_initial, options.rto_maximum, options.rto_minimum].map(milliseconds);
    set(fd, libc::IPPROTO_SCTP, SCTP_RTOINFO, &[0, rto[0], rto[1], rto[2]])?;
    // Streams out and in, attempts and patience as the kernel likes.
    set(
        fd,
        libc::IPPROTO_SCTP,
        SCTP_INITMSG,
        &[options.outgoing_streams.max(1), options.incoming_streams.max(1), 0, 0],
    )?;
    Ok(socket)
}

/// Sets a socket option; `T` is an array of integers or one.
fn set<T: Copy>(fd: RawFd, level: libc::c_int, option: libc::c_int, value: &T) -> IoResult<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the pointer and the length describe `value`, which outlives the call.
    let result = unsafe { libc::setsockopt(fd, level, option, std::ptr::from_ref(value).cast(), length) };
    if result == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// Registers a socket with the runtime.
fn watch(socket: Socket, interest: Interest) -> IoResult<AsyncFd<Socket>> {
    // SAFETY: a Socket owns its descriptor, keeps it open and shows the same one until it is dropped, with the AsyncFd.
    unsafe { AsyncFd::register_with_interest(socket, interest) }.map_err(Error::from)
}

fn address(address: socket2::SockAddr) -> IoResult<SocketAddr> {
    address.as_socket().ok_or_else(|| Error::new(ErrorKind::InvalidData, "no IP address"))
}

fn start(socket: Socket, client: bool, options: Arc<Options>) -> IoResult<Association> {
    let (local, remote) = (address(socket.local_addr()?)?, address(socket.peer_addr()?)?);
    let granted = socket.send_buffer_size()?;
    let writable = watch(socket.try_clone()?, Interest::WRITABLE)?;
    let socket = SctpSocket::new(socket)?;
    let sctp = socket.sctp();
    sctp.sctp_request_rcvinfo(true)?;
    sctp.sctp_subscribe_events(&[Event::Association, Event::Shutdown], SubscribeEventAssocId::Future)?;
    let status = sctp.sctp_get_status(0)?;
    let info = Info {
        backend: Backend::KernelSctp,
        local,
        remote,
        encapsulation: None,
        outgoing_streams: status.outstreams.max(1),
        incoming_streams: status.instreams.max(1),
        protection: None,
    };
    let woken = Arc::new(Notify::new());
    let wake = Arc::clone(&woken);
    let limit = options.message_limit.min(granted);
    let sending = Options { message_limit: limit, ..Options::clone(&options) };
    let (association, driver) = pair(info, &sending, move || wake.notify_one());
    let track = options.recorder.as_ref().map(|recorder| recorder.opened(Backend::KernelSctp, local, remote, client));
    let connection = Connection {
        writable,
        socket,
        driver,
        woken,
        unsent: None,
        parts: HashMap::new(),
        received: None,
        ended: false,
        finished: false,
        deadline: None,
        options,
        track,
    };
    tokio::spawn(connection.run());
    Ok(association)
}

/// `sctp-rs`'s socket with an end that does no harm; see the top of the file.
struct SctpSocket {
    inner: ManuallyDrop<ConnectedSocket>,
    fd: RawFd,
}

impl SctpSocket {
    fn new(socket: Socket) -> IoResult<Self> {
        let fd = socket.as_raw_fd();
        let inner = ConnectedSocket::from_rawfd(fd)?;
        // From here on the descriptor is closed by `drop` below.
        let _ = socket.into_raw_fd();
        Ok(Self { inner: ManuallyDrop::new(inner), fd })
    }

    fn sctp(&self) -> &ConnectedSocket {
        &self.inner
    }
}

impl Drop for SctpSocket {
    fn drop(&mut self) {
        // SAFETY: `new` took the descriptor over, and `inner`, the only other one to close it, is never dropped.
        drop(unsafe { OwnedFd::from_raw_fd(self.fd) });
    }
}

struct Connection {
    /// A second descriptor of the socket; dropped before the first, so that the kernel forgets both registrations.
    writable: AsyncFd<Socket>,
    socket: SctpSocket,
    driver: Driver,
    woken: Arc<Notify>,
    /// The message the kernel had no room for.
    unsent: Option<Outgoing>,
    /// Beginnings of messages, by stream, with their identifier.
    parts: HashMap<u16, (BytesMut, u32)>,
    /// A message the reader had no room for.
    received: Option<Incoming>,
    /// The peer sends nothing more.
    ended: bool,
    /// Our shutdown has been asked for.
    finished: bool,
    deadline: Option<Instant>,
    options: Arc<Options>,
    track: Option<Track>,
}

impl Connection {
    async fn run(mut self) {
        let end = loop {
            match self.round().await {
                Ok(Some(room)) => {
                    if let Err(error) = self.wait(room).await {
                        break Err(error);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if end.is_err() {
            // ABORT instead of SHUTDOWN.
            let _ = self.writable.get_ref().set_linger(Some(Duration::ZERO));
        }
        if let Some(track) = self.track.take() {
            track.closed(self.driver.wish() != Wish::Open, end.is_err());
        }
        let Self { writable, socket, mut driver, .. } = self;
        drop(writable);
        drop(socket);
        driver.end(end);
    }

    /// Does what can be done now. `None`: the association has ended gracefully; otherwise whether there is room to read.
    async fn round(&mut self) -> Result<Option<bool>, NetError> {
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
        let room = self.deliver(wish);
        if self.ended && room {
            // The kernel completes the shutdown by itself and takes no more messages.
            return Ok(None);
        }
        self.write().await?;
        if wish == Wish::Close && self.unsent.is_none() && self.driver.outgoing.is_empty() && !self.finished {
            let shut = self.socket.sctp().shutdown(std::net::Shutdown::Write);
            shut.map_err(|error| lost(remote, &error))?;
            self.finished = true;
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let reason = format!("the shutdown was not complete after {:?}", self.options.close_timeout);
            return Err(NetError::Lost { remote, reason });
        }
        Ok(Some(room))
    }

    /// Hands messages to the kernel until it has no room.
    async fn write(&mut self) -> Result<(), NetError> {
        let Info { remote, outgoing_streams, .. } = *self.driver.info();
        while let Some(message) = self.unsent.take().or_else(|| self.driver.outgoing.try_recv().ok()) {
            let stream = message.stream % outgoing_streams;
            let flags = if message.unordered { SCTP_UNORDERED } else { 0 };
            let info = SendInfo { sid: stream, flags, ppid: message.ppid.to_be(), ..SendInfo::default() };
            let data = SendData { payload: message.bytes.to_vec(), snd_info: Some(info) };
            // It never waits here: it believes the socket writable since it was made.
            match self.socket.sctp().sctp_send(data).await {
                Ok(()) => {
                    if let Some(track) = &self.track {
                        track.sent(&message.bytes, stream, message.ppid);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.unsent = Some(message);
                    break;
                }
                Err(error) => return Err(lost(remote, &error)),
            }
        }
        Ok(())
    }

    /// Delivers what waits; `false` when the reader has no room.
    fn deliver(&mut self, wish: Wish) -> bool {
        match self.driver.has_room() {
            Err(NotDelivered::Full) if wish == Wish::Open => return false,
            Ok(()) => {
                if let Some(message) = self.received.take() {
                    let _ = self.driver.deliver(message);
                }
            }
            Err(_) => self.received = None,
        }
        true
    }

    async fn wait(&mut self, room: bool) -> Result<(), NetError> {
        let until = self.deadline.unwrap_or_else(Instant::now);
        tokio::select! {
            () = self.woken.notified() => Ok(()),
            received = self.socket.sctp().sctp_recv(), if room && !self.ended => self.take(received),
            writable = self.writable.writable(), if self.unsent.is_some() => {
                if let Ok(mut guard) = writable {
                    // Asked anew when the kernel again has no room.
                    guard.clear_ready();
                }
                Ok(())
            }
            () = tokio::time::sleep_until(until.into()), if self.deadline.is_some() => Ok(()),
        }
    }

    fn take(&mut self, received: IoResult<NotificationOrData>) -> Result<(), NetError> {
        let remote = self.driver.info().remote;
        match received {
            Ok(NotificationOrData::Data(data)) if data.payload.is_empty() => {
                self.ended = true;
                Ok(())
            }
            Ok(NotificationOrData::Data(data)) => self.assemble(data.payload, &data.rcv_info.unwrap_or_default()),
            Ok(NotificationOrData::Notification(Notification::AssociationChange(change))) => match change.state {
                AssocChangeState::CommLost => {
                    let reason = format!("error {}", change.error);
                    Err(NetError::Aborted { remote, reason })
                }
                AssocChangeState::Restart => {
                    Err(NetError::Lost { remote, reason: "the peer has restarted".to_owned() })
                }
                AssocChangeState::ShutdownComplete => {
                    self.ended = true;
                    Ok(())
                }
                _ => Ok(()),
            },
            Ok(NotificationOrData::Notification(Notification::Shutdown(_))) => {
                // Nothing more can be sent; what has come in can still be read.
                self.driver.outgoing.close();
                Ok(())
            }
            Ok(NotificationOrData::Notification(Notification::Unsupported)) => Ok(()),
            // Also when our own shutdown is complete and there is no association left to read from.
            Err(error) if error.raw_os_error() == Some(libc::ENOTCONN) && self.finished => {
                self.ended = true;
                Ok(())
            }
            Err(error) => Err(lost(remote, &error)),
        }
    }

    /// Puts the parts of a message together; a whole one waits in `received`.
    fn assemble(&mut self, part: Vec<u8>, info: &RcvInfo) -> Result<(), NetError> {
        let remote = self.driver.info().remote;
        let (stream, limit) = (info.sid, self.options.message_limit);
        let framed =
            |bytes: &[u8]| framing::examine(bytes, 0, limit).map_err(|error| NetError::Framing { remote, error });
        let ppid = u32::from_be(info.ppid);
        let (bytes, ppid) = match self.parts.remove(&stream) {
            None => match framed(&part)? {
                Frame::Message(length) if length == part.len() => (Bytes::from(part), ppid),
                _ => {
                    self.parts.insert(stream, (BytesMut::from(&part[..]), ppid));
                    return self.cut(stream);
                }
            },
            Some((mut begun, ppid)) => {
                begun.extend_from_slice(&part);
                self.parts.insert(stream, (begun, ppid));
                return self.cut(stream);
            }
        };
        self.whole(Incoming { bytes, stream, ppid });
        Ok(())
    }

    /// Takes a message off the beginning of a stream's parts when it is whole.
    fn cut(&mut self, stream: u16) -> Result<(), NetError> {
        let remote = self.driver.info().remote;
        let Some((mut begun, ppid)) = self.parts.remove(&stream) else { return Ok(()) };
        match framing::examine(&begun, 0, self.options.message_limit) {
            Err(error) => Err(NetError::Framing { remote, error }),
            Ok(Frame::Need(more)) => {
                begun.reserve(more);
                self.parts.insert(stream, (begun, ppid));
                Ok(())
            }
            Ok(Frame::Message(length)) if length == begun.len() => {
                self.whole(Incoming { bytes: begun.freeze(), stream, ppid });
                Ok(())
            }
            Ok(Frame::Message(length)) => {
                let reason = format!("an SCTP message holds {} octets behind one of {length}", begun.len() - length);
                Err(NetError::Lost { remote, reason })
            }
        }
    }

    fn whole(&mut self, message: Incoming) {
        if let Some(track) = &self.track {
            track.received(&message.bytes, message.stream, message.ppid);
        }
        self.received = Some(message);
        self.deliver(self.driver.wish());
    }
}

fn lost(remote: SocketAddr, error: &Error) -> NetError {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            NetError::Aborted { remote, reason: error.to_string() }
        }
        _ => NetError::Lost { remote, reason: error.to_string() },
    }
}
