//! `sctp-proto` over a UDP socket, nothing else: the floor.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sctp_proto::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier, ServerConfig, StreamEvent, TransportConfig,
};

use crate::{LENGTH, Meter, STREAMS, Turn};

struct End {
    socket: UdpSocket,
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    buffer: Vec<u8>,
    up: bool,
}

impl End {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut server = ServerConfig::default();
        server.transport = Arc::new(transport());
        let mut config = EndpointConfig::new();
        // As ours: IP packets of 1,500 octets.
        config.max_payload_size(1408);
        let endpoint = Endpoint::new(Arc::new(config), Some(Arc::new(server)));
        Self { socket, endpoint, association: None, buffer: vec![0; 65_536], up: false }
    }

    fn connect(&mut self, to: SocketAddr) {
        let mut config = ClientConfig::default();
        config.transport = Arc::new(transport().with_local_port(50_000).with_remote_port(3868));
        self.association = Some(self.endpoint.connect(config, to).unwrap());
        self.flush();
    }

    fn flush(&mut self) {
        let Some((_, association)) = &mut self.association else { return };
        while let Some(transmit) = association.poll_transmit(Instant::now()) {
            if let Payload::RawEncode(packets) = transmit.payload {
                for packet in packets {
                    let _ = self.socket.send_to(&packet, transmit.remote);
                }
            }
        }
    }

    /// Waits for packets or the next timer, at most `patience`, and takes what is there.
    fn receive(&mut self, patience: Duration) {
        let now = Instant::now();
        let timer = self.association.as_ref().and_then(|(_, association)| association.poll_timeout());
        let wait = timer.map_or(patience, |at| at.saturating_duration_since(now).min(patience));
        if !wait.is_zero() {
            let mut poll = libc::pollfd { fd: self.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            let time = libc::timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
            // SAFETY: one descriptor, which lives; the time outlives the call.
            unsafe { libc::ppoll(&raw mut poll, 1, &raw const time, std::ptr::null()) };
        }
        let now = Instant::now();
        for _ in 0..64 {
            let Ok((length, from)) = self.socket.recv_from(&mut self.buffer) else { break };
            let packet = Bytes::copy_from_slice(&self.buffer[..length]);
            match self.endpoint.handle(now, from, None, None, packet) {
                Some((handle, DatagramEvent::NewAssociation(association))) => {
                    self.association = Some((handle, association));
                }
                Some((_, DatagramEvent::AssociationEvent(event))) => {
                    if let Some((_, association)) = &mut self.association {
                        association.handle_event(event);
                    }
                }
                None => {}
            }
        }
        if let Some((_, association)) = &mut self.association
            && association.poll_timeout().is_some_and(|at| at <= now)
        {
            association.handle_timeout(now);
        }
    }

    /// Calls `take` for every message that has come, with its stream.
    fn messages(&mut self, mut take: impl FnMut(&mut Association, u16)) {
        let Some((_, association)) = &mut self.association else { return };
        while let Some(event) = association.poll() {
            match event {
                Event::Connected => {
                    self.up = true;
                    for stream in 0..STREAMS {
                        let _ = association.open_stream(stream, PayloadProtocolIdentifier::Binary);
                    }
                }
                Event::Stream(StreamEvent::Readable { id }) => {
                    while let Some(chunks) = association.stream(id).ok().and_then(|mut stream| stream.read().ok()?) {
                        assert_eq!(chunks.read(&mut self.buffer).unwrap(), LENGTH);
                        take(association, id);
                    }
                }
                Event::AssociationLost { reason } => panic!("lost: {reason}"),
                _ => {}
            }
        }
    }

    fn echo(&mut self, patience: Duration) {
        self.receive(patience);
        self.messages(|association, id| send(association, id));
        self.flush();
    }
}

fn send(association: &mut Association, id: u16) {
    association.stream(id).unwrap().write(&[7; LENGTH]).unwrap();
}

fn transport() -> TransportConfig {
    TransportConfig::default()
        .with_max_num_inbound_streams(STREAMS)
        .with_max_num_outbound_streams(STREAMS)
        .with_max_receive_buffer_size(2 << 20)
        .with_rto_min_ms(300)
}

/// The end that asks, step by step.
struct Asking {
    end: End,
    outstanding: u64,
    sent: u64,
    got: u64,
    meter: Meter,
}

impl Asking {
    fn new(outstanding: u64, turn: Duration, to: SocketAddr) -> Self {
        let mut end = End::new();
        end.connect(to);
        Self { end, outstanding, sent: 0, got: 0, meter: Meter::new(turn) }
    }

    fn step(&mut self, patience: Duration) -> Option<Turn> {
        self.end.receive(patience);
        let (mut done, meter, got) = (None, &mut self.meter, &mut self.got);
        self.end.messages(|_, _| {
            *got += 1;
            done = meter.echo().or(done);
        });
        if self.end.up
            && let Some((_, association)) = &mut self.end.association
        {
            while self.sent - self.got < self.outstanding {
                send(association, self.sent as u16 % STREAMS);
                self.sent += 1;
            }
        }
        self.end.flush();
        done
    }
}

const PATIENCE: Duration = Duration::from_millis(50);

pub fn one_thread(outstanding: u64, turn: Duration) -> Turn {
    let mut server = End::new();
    let mut client = Asking::new(outstanding, turn, server.socket.local_addr().unwrap());
    loop {
        // Neither waits: at any time one of the two has something to do.
        server.echo(Duration::ZERO);
        if let Some(done) = client.step(Duration::ZERO) {
            return done;
        }
    }
}

pub fn two_threads(outstanding: u64, turn: Duration) -> Turn {
    let mut server = End::new();
    let to = server.socket.local_addr().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            server.echo(PATIENCE);
        }
    });
    let mut client = Asking::new(outstanding, turn, to);
    let done = loop {
        if let Some(done) = client.step(PATIENCE) {
            break done;
        }
    };
    stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();
    done
}
