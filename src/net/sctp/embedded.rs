//! Embedded SCTP: one UDP socket, bound to one local address, for any number of associations in both roles. RFC 6951.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

use super::peer::Waiter;
use super::pump::Pump;
use crate::net::{Association, Backend, Listener, NetError, Options};

/// A UDP address that speaks SCTP. Clones are handles of the same; it ends when no handle, listener or association is
/// left.
#[derive(Clone, Debug)]
pub struct Endpoint {
    local: SocketAddr,
    commands: mpsc::Sender<Command>,
}

enum Command {
    Connect { udp: SocketAddr, port: u16, waiter: Waiter },
    Listen { port: u16, reply: oneshot::Sender<Result<Listener, NetError>> },
}

/// Datagrams taken from the socket before associations are served: what comes together is answered together.
const BATCH: usize = 64;
/// What the socket is asked to buffer; the kernel gives what it allows.
const SOCKET_BUFFER: usize = 2 << 20;
/// The largest datagram, and room for padding.
const LARGEST: usize = 65_536;
/// Associations that wait for `accept`.
const BACKLOG: usize = 128;

impl Endpoint {
    /// Binds a UDP socket and starts its task. To be called within a tokio runtime.
    ///
    /// # Errors
    /// [`NetError::Bind`].
    pub fn bind(udp: SocketAddr, options: Arc<Options>) -> Result<Self, NetError> {
        let refused = |error: std::io::Error| NetError::Bind {
            local: udp,
            backend: Backend::EmbeddedSctp,
            reason: error.to_string(),
        };
        let domain = socket2::Domain::for_address(udp);
        let socket = socket2::Socket::new(domain, socket2::Type::DGRAM.nonblocking(), None).map_err(refused)?;
        // Refused or cut down, the default still works.
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
        socket.bind(&udp.into()).map_err(refused)?;
        let granted = socket.recv_buffer_size().unwrap_or(1 << 17);
        // The kernel counts its own overhead, about as much again for a packet of 1,500 octets and far more for small ones.
        let window = u32::try_from(granted / 4).unwrap_or(u32::MAX);
        let socket = UdpSocket::from_std(socket.into()).map_err(refused)?;
        let local = socket.local_addr().map_err(refused)?;
        if let Some(recorder) = &options.recorder {
            recorder.register(local);
        }
        let (commands, command_end) = mpsc::channel(64);
        let (wakes, wake_end) = mpsc::unbounded_channel();
        // Where the dynamic ports begin is nobody's business; a repeat would meet a peer that still knows the last one.
        let first_port = getrandom::u32().map_or(0xc000, |random| random as u16 | 0xc000);
        let pump = Pump::new(Arc::clone(&options), local, window, first_port, wakes);
        let task = Task { socket, local, options, pump, commands: command_end, wakes: wake_end };
        tokio::spawn(task.run());
        Ok(Self { local, commands })
    }

    /// The UDP address.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Opens an association with SCTP port `port` behind the UDP address `udp`.
    ///
    /// # Errors
    /// [`NetError::Connect`]: refused, or no answer in time.
    pub async fn connect(&self, udp: SocketAddr, port: u16) -> Result<Association, NetError> {
        let (waiter, opened) = oneshot::channel();
        let remote = SocketAddr::new(udp.ip(), port);
        let backend = Backend::EmbeddedSctp;
        let stopped = || NetError::Connect { remote, backend, reason: "its UDP socket has stopped".to_owned() };
        self.commands.send(Command::Connect { udp, port, waiter }).await.map_err(|_| stopped())?;
        opened.await.map_err(|_| stopped())?
    }

    /// Takes associations on SCTP port `port`.
    ///
    /// # Errors
    /// [`NetError::Bind`] when the port is taken.
    pub async fn listen(&self, port: u16) -> Result<Listener, NetError> {
        let (reply, listener) = oneshot::channel();
        let stopped = || NetError::Bind {
            local: self.local,
            backend: Backend::EmbeddedSctp,
            reason: "its UDP socket has stopped".to_owned(),
        };
        self.commands.send(Command::Listen { port, reply }).await.map_err(|_| stopped())?;
        listener.await.map_err(|_| stopped())?
    }
}

struct Task {
    socket: UdpSocket,
    local: SocketAddr,
    options: Arc<Options>,
    pump: Pump,
    commands: mpsc::Receiver<Command>,
    wakes: mpsc::UnboundedReceiver<u64>,
}

impl Task {
    async fn run(mut self) {
        let mut buffer = vec![0; LARGEST + 8];
        let mut held = true;
        loop {
            let timeout = self.pump.next_timeout();
            // Without a handle the end of a listener is seen only by looking.
            let look = (!held).then(|| Instant::now() + Duration::from_millis(500));
            let until = timeout.into_iter().chain(look).min();
            let sleep = tokio::time::sleep_until(until.unwrap_or_else(Instant::now).into());
            tokio::select! {
                ready = self.socket.readable() => {
                    if ready.is_ok() {
                        self.receive(&mut buffer);
                    }
                }
                Some(id) = self.wakes.recv() => self.pump.mark(id),
                command = self.commands.recv(), if held => match command {
                    Some(command) => self.command(command),
                    None => held = false,
                },
                () = sleep, if until.is_some() => {}
            }
            while let Ok(id) = self.wakes.try_recv() {
                self.pump.mark(id);
            }
            let now = Instant::now();
            self.pump.expire(now);
            self.pump.work(now);
            self.send().await;
            if !held && self.pump.is_idle() {
                return;
            }
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Connect { udp, port, waiter } => self.pump.connect(Instant::now(), udp, port, waiter),
            Command::Listen { port, reply } => {
                let (accepted, listener) = mpsc::channel(BACKLOG);
                let listened = self
                    .pump
                    .listen(port, accepted)
                    .map(|()| Listener::new(SocketAddr::new(self.local.ip(), port), Some(self.local), listener));
                let _ = reply.send(listened);
            }
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) {
        let now = Instant::now();
        for _ in 0..BATCH {
            match self.socket.try_recv_from(&mut buffer[..LARGEST]) {
                Ok((length, from)) => {
                    if let Some(recorder) = &self.options.recorder {
                        recorder.datagram_received(from, self.local, &buffer[..length]);
                    }
                    self.pump.datagram(now, from, buffer, length);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // An ICMP message about an earlier datagram: nothing is wrong with the socket.
                Err(error) => tracing::trace!(local = %self.local, %error, "receiving"),
            }
        }
    }

    async fn send(&mut self) {
        let mut out = std::mem::take(&mut self.pump.out);
        for (to, packet) in &out {
            if let Some(recorder) = &self.options.recorder {
                recorder.datagram_sent(self.local, *to, packet);
            }
            let mut sent = self.socket.try_send_to(packet, *to);
            while sent.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
                if self.socket.writable().await.is_err() {
                    break;
                }
                sent = self.socket.try_send_to(packet, *to);
            }
            if let Err(error) = sent {
                tracing::debug!(local = %self.local, %to, %error, "datagram not sent");
            }
        }
        out.clear();
        self.pump.out = out;
    }
}
