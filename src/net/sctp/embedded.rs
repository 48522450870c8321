//! Embedded SCTP: one socket, UDP (RFC 6951) or raw IP, bound to one local address, for any number of associations in
//! both roles.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::peer::Waiter;
use super::pump::Pump;
use super::socket::{self, BATCH, Batch, IP_PORT, Socket};
use crate::net::{Association, Backend, Listener, NetError, Options};

/// An address that speaks SCTP. Clones are handles of the same; it ends when no handle, listener or association is left.
#[derive(Clone, Debug)]
pub struct Endpoint {
    local: SocketAddr,
    backend: Backend,
    commands: mpsc::Sender<Command>,
}

enum Command {
    Connect { lower: SocketAddr, port: u16, waiter: Waiter },
    Listen { port: u16, reply: oneshot::Sender<Result<Listener, NetError>> },
}

/// Times the socket is emptied before associations are served: what comes together is answered together.
const ROUNDS: usize = 4;
/// Associations that wait for `accept`.
const BACKLOG: usize = 128;

/// Whether [`Endpoint::over_ip`] can work here.
///
/// # Errors
/// What stands in its way, and what to do about it.
pub fn available_over_ip() -> Result<(), NetError> {
    socket::raw(true).map(drop)
}

impl Endpoint {
    /// Binds a UDP socket and starts its task. To be called within a tokio runtime.
    ///
    /// # Errors
    /// [`NetError::Bind`].
    pub fn over_udp(local: SocketAddr, options: Arc<Options>) -> Result<Self, NetError> {
        Self::start(Socket::udp(local)?, options)
    }

    /// The same over IP, protocol 132, at one address.
    ///
    /// # Errors
    /// [`NetError::Bind`]; [`NetError::Unavailable`] without CAP_NET_RAW, and where the kernel's own SCTP is in the way.
    pub fn over_ip(local: IpAddr, options: Arc<Options>) -> Result<Self, NetError> {
        Self::start(Socket::ip(local)?, options)
    }

    fn start(socket: Socket, options: Arc<Options>) -> Result<Self, NetError> {
        // The kernel counts its own overhead, about as much again for a packet of 1,500 octets and far more for small ones.
        let window = u32::try_from(socket.buffered() / 4).unwrap_or(u32::MAX);
        let (local, backend) = (socket.local(), socket.backend());
        if let Some(recorder) = &options.recorder {
            recorder.register(local);
        }
        let (commands, command_end) = mpsc::channel(64);
        let (wakes, wake_end) = mpsc::unbounded_channel();
        // Where the dynamic ports begin is nobody's business; a repeat would meet a peer that still knows the last one.
        let first_port = getrandom::u32().map_or(0xc000, |random| random as u16 | 0xc000);
        let pump = Pump::new(Arc::clone(&options), backend, local, window, first_port, wakes);
        let task = Task { socket, options, pump, commands: command_end, wakes: wake_end };
        tokio::spawn(task.run());
        Ok(Self { local, backend, commands })
    }

    /// The UDP address; over IP the port is 132, the protocol number.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Opens an association with SCTP port `port` of the peer at `lower`: its UDP address; over IP the port of that does
    /// not count.
    ///
    /// # Errors
    /// [`NetError::Connect`]: refused, or no answer in time.
    pub async fn connect(&self, mut lower: SocketAddr, port: u16) -> Result<Association, NetError> {
        let (waiter, opened) = oneshot::channel();
        let (remote, backend) = (SocketAddr::new(lower.ip(), port), self.backend);
        if backend == Backend::EmbeddedSctpIp {
            lower.set_port(IP_PORT);
        }
        let stopped = || NetError::Connect { remote, backend, reason: "its socket has stopped".to_owned() };
        self.commands.send(Command::Connect { lower, port, waiter }).await.map_err(|_| stopped())?;
        opened.await.map_err(|_| stopped())?
    }

    /// Takes associations on SCTP port `port`.
    ///
    /// # Errors
    /// [`NetError::Bind`] when the port is taken.
    pub async fn listen(&self, port: u16) -> Result<Listener, NetError> {
        let (reply, listener) = oneshot::channel();
        let stopped =
            || NetError::Bind { local: self.local, backend: self.backend, reason: "its socket has stopped".to_owned() };
        self.commands.send(Command::Listen { port, reply }).await.map_err(|_| stopped())?;
        listener.await.map_err(|_| stopped())?
    }
}

struct Task {
    socket: Socket,
    options: Arc<Options>,
    pump: Pump,
    commands: mpsc::Receiver<Command>,
    wakes: mpsc::UnboundedReceiver<u64>,
}

impl Task {
    async fn run(mut self) {
        let mut batch = Batch::new();
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
                        self.receive(&mut batch);
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
            Command::Connect { lower, port, waiter } => self.pump.connect(Instant::now(), lower, port, waiter),
            Command::Listen { port, reply } => {
                let (accepted, listener) = mpsc::channel(BACKLOG);
                let local = self.socket.local();
                let encapsulation = (self.socket.backend() == Backend::EmbeddedSctp).then_some(local);
                let listened = self
                    .pump
                    .listen(port, accepted)
                    .map(|()| Listener::new(SocketAddr::new(local.ip(), port), encapsulation, listener));
                let _ = reply.send(listened);
            }
        }
    }

    fn receive(&mut self, batch: &mut Batch) {
        let now = Instant::now();
        let local = self.socket.local();
        for _ in 0..ROUNDS {
            match self.socket.receive(batch) {
                Ok(taken) => {
                    batch.each(|from, buffer, length| {
                        if let Some(recorder) = &self.options.recorder {
                            recorder.packet_received(self.socket.backend(), from, local, &buffer[..length]);
                        }
                        self.pump.packet(now, from, buffer, length);
                    });
                    if taken < BATCH {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // An ICMP message about an earlier packet: nothing is wrong with the socket.
                Err(error) => tracing::trace!(%local, %error, "receiving"),
            }
        }
    }

    async fn send(&mut self) {
        if self.pump.out.is_empty() {
            return;
        }
        let mut out = std::mem::take(&mut self.pump.out);
        if let Some(recorder) = &self.options.recorder {
            for (to, packet) in &out {
                recorder.packet_sent(self.socket.backend(), self.socket.local(), *to, packet);
            }
        }
        self.socket.send(&out).await;
        out.clear();
        self.pump.out = out;
    }
}
