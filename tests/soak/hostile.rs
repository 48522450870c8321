//! A hostile peer set: each of these runs against a node in a thread of its own while good peers are served.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use proselink::net::{DIAMETER_PORT, Options};
use proselink::peer::{Local, capabilities};
use socket2::{Domain, Socket, Type};

/// What all of them look at.
#[derive(Default)]
struct Shared {
    active: AtomicBool,
    over: AtomicBool,
    attempts: AtomicU64,
}

impl Shared {
    /// Waits for its hour and a little longer; false when all is over.
    fn go_on(&self, pause: Duration) -> bool {
        std::thread::sleep(pause);
        while !self.active.load(Ordering::Acquire) && !self.over.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(5));
        }
        !self.over.load(Ordering::Acquire)
    }

    fn attempted(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }
}

/// The set. Dropping it ends it.
pub struct Hostiles {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Hostiles {
    /// Against a TCP port. They do nothing until [`Hostiles::set_active`].
    pub fn over_tcp(target: SocketAddr) -> Self {
        Self::start(
            target,
            &[slowloris, lie, connect_and_stay, flood_with_cer, garbage, half_a_message, endless_message],
        )
    }

    /// Against embedded SCTP on a UDP port.
    pub fn over_sctp(target: SocketAddr) -> Self {
        Self::start(target, &[flood_with_init, datagrams_of_garbage])
    }

    fn start(target: SocketAddr, all: &[fn(&Shared, SocketAddr, IpAddr)]) -> Self {
        let shared = Arc::new(Shared::default());
        let threads = all.iter().zip(1..).map(|(&attack, number)| {
            let shared = Arc::clone(&shared);
            // Each comes from an address of its own.
            let source = IpAddr::V4(Ipv4Addr::new(127, 66, 0, number));
            std::thread::spawn(move || attack(&shared, target, source))
        });
        let threads = threads.collect();
        Self { shared, threads }
    }

    pub fn set_active(&self, active: bool) {
        self.shared.active.store(active, Ordering::Release);
    }

    /// Connections opened, and handshakes begun.
    pub fn attempts(&self) -> u64 {
        self.shared.attempts.load(Ordering::Relaxed)
    }
}

impl Drop for Hostiles {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn connect(shared: &Shared, target: SocketAddr, source: IpAddr) -> Option<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
    socket.bind(&SocketAddr::new(source, 0).into()).ok()?;
    socket.connect_timeout(&target.into(), Duration::from_secs(1)).ok()?;
    shared.attempted();
    let stream = TcpStream::from(socket);
    stream.set_write_timeout(Some(Duration::from_millis(100))).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(1))).ok()?;
    Some(stream)
}

fn cer() -> Vec<u8> {
    let stranger = Local {
        identity: "mallory.example".to_owned(),
        realm: "example".to_owned(),
        addresses: vec![IpAddr::V4(Ipv4Addr::new(127, 66, 0, 1))],
        vendor: 0,
        product: "mallory".to_owned(),
        firmware: None,
        origin_state: 1,
        applications: vec![proselink::interfaces::s6a::APPLICATION],
        vendors: Vec::new(),
    };
    capabilities::cer(&stranger, 1, 1)
}

/// A CER an octet a second, on a hundred connections.
fn slowloris(shared: &Shared, target: SocketAddr, source: IpAddr) {
    const CONNECTIONS: usize = 100;
    let cer = cer();
    let mut streams: VecDeque<(TcpStream, usize)> = VecDeque::new();
    while shared.go_on(Duration::from_secs(1) / CONNECTIONS as u32) {
        let next = if streams.len() < CONNECTIONS { None } else { streams.pop_front() };
        let Some((mut stream, sent)) = next.or_else(|| Some((connect(shared, target, source)?, 0))) else { continue };
        if stream.write_all(&cer[sent..=sent]).is_ok() && sent + 1 < cer.len() {
            streams.push_back((stream, sent + 1));
        }
    }
}

/// Lengths that lie: too long, too short, no multiple of four, and one that may be with nothing behind it.
fn lie(shared: &Shared, target: SocketAddr, source: IpAddr) {
    let mut held = VecDeque::new();
    for length in [0xff_ffff_u32, 12, 0, 1023, (1 << 20) - 4].into_iter().cycle() {
        if !shared.go_on(Duration::from_millis(5)) {
            return;
        }
        let Some(mut stream) = connect(shared, target, source) else { continue };
        let mut header = cer()[..20].to_vec();
        header[1..4].copy_from_slice(&length.to_be_bytes()[1..]);
        let _ = stream.write_all(&header);
        held.push_back(stream);
        held.truncate(50);
    }
}

/// A thousand connections a second.
fn connect_and_stay(shared: &Shared, target: SocketAddr, source: IpAddr) {
    let mut held = VecDeque::new();
    while shared.go_on(Duration::from_micros(900)) {
        held.extend(connect(shared, target, source));
        if held.len() > 200 {
            held.pop_front();
        }
    }
}

/// A good CER from nobody that is known, many times on each connection.
fn flood_with_cer(shared: &Shared, target: SocketAddr, source: IpAddr) {
    let many = cer().repeat(50);
    while shared.go_on(Duration::from_millis(5)) {
        if let Some(mut stream) = connect(shared, target, source) {
            let _ = stream.write_all(&many);
            let _ = stream.read(&mut [0; 4096]);
        }
    }
}

fn noise(state: &mut u64, into: &mut [u8]) {
    for octet in into {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *octet = *state as u8;
    }
}

fn garbage(shared: &Shared, target: SocketAddr, source: IpAddr) {
    let (mut state, mut octets) = (0x9e37_79b9_7f4a_7c15, [0; 4096]);
    while shared.go_on(Duration::from_millis(5)) {
        noise(&mut state, &mut octets);
        if let Some(mut stream) = connect(shared, target, source) {
            let _ = stream.write_all(&octets);
        }
    }
}

fn half_a_message(shared: &Shared, target: SocketAddr, source: IpAddr) {
    let cer = cer();
    while shared.go_on(Duration::from_millis(5)) {
        if let Some(mut stream) = connect(shared, target, source) {
            let _ = stream.write_all(&cer[..cer.len() / 2]);
        }
    }
}

/// A message as long as messages may be, then another, without an end.
fn endless_message(shared: &Shared, target: SocketAddr, source: IpAddr) {
    let mut header = cer()[..20].to_vec();
    header[1..4].copy_from_slice(&(1_u32 << 20).to_be_bytes()[1..]);
    let (body, mut left) = ([0; 32 << 10], 0);
    let mut stream = None;
    while shared.go_on(Duration::from_millis(5)) {
        let Some(open) = stream.as_mut() else {
            stream = connect(shared, target, source);
            left = 0;
            continue;
        };
        let written = if left == 0 {
            left = (1 << 20) - header.len();
            open.write_all(&header)
        } else {
            let length = body.len().min(left);
            left -= length;
            open.write_all(&body[..length])
        };
        if written.is_err() {
            stream = None;
        }
    }
}

/// INITs that nobody follows up, from many ports.
fn flood_with_init(shared: &Shared, target: SocketAddr, source: IpAddr) {
    let sockets: Vec<UdpSocket> = (0..20).filter_map(|_| UdpSocket::bind((source, 0)).ok()).collect();
    let mut tag = 1_u32;
    for socket in sockets.iter().cycle() {
        if !shared.go_on(Duration::from_millis(1)) {
            return;
        }
        tag = tag.wrapping_mul(0x9e37_79b9).wrapping_add(1);
        let mut packet = Vec::with_capacity(32);
        packet.extend_from_slice(&(tag as u16 | 1).to_be_bytes());
        packet.extend_from_slice(&DIAMETER_PORT.to_be_bytes());
        packet.extend_from_slice(&[0; 8]);
        // INIT: tag, window, streams both ways, first TSN.
        packet.extend_from_slice(&[1, 0, 0, 20]);
        packet.extend_from_slice(&(tag | 1).to_be_bytes());
        packet.extend_from_slice(&65_536_u32.to_be_bytes());
        packet.extend_from_slice(&[0, 16, 0, 16]);
        packet.extend_from_slice(&tag.to_be_bytes());
        let sum = crc32c::crc32c(&packet);
        packet[8..12].copy_from_slice(&sum.to_le_bytes());
        if socket.send_to(&packet, target).is_ok() {
            shared.attempted();
        }
    }
}

fn datagrams_of_garbage(shared: &Shared, target: SocketAddr, source: IpAddr) {
    let Ok(socket) = UdpSocket::bind((source, 0)) else { return };
    let (mut state, mut octets) = (0x2545_f491_4f6c_dd1d, [0; 1200]);
    while shared.go_on(Duration::from_millis(2)) {
        noise(&mut state, &mut octets);
        let _ = socket.send_to(&octets, target);
    }
}

/// What a node may hold of connections that nobody has named: its limit, and as many on their way in or out.
pub fn half_open_bound(unidentified_limit: usize) -> usize {
    2 * unidentified_limit + Options::default().maximum_handshakes
}
