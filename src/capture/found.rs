//! What one step of reading brought to light: messages and where their octets lie.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::oddity::{Oddity, OddityKind};
use super::{AssociationEvent, AssociationStep, Statistics, Timestamp, Transport};

/// A message found, waiting to be handed out.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub frame: u64,
    pub index: u32,
    pub time: Timestamp,
    pub carrier: Carrier,
    pub place: Place,
}

/// Over what a message came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carrier {
    pub transport: Transport,
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub ppid: Option<u32>,
    pub stream: Option<u16>,
    pub association: u32,
    /// 0 from the side that was seen first, else 1.
    pub direction: u8,
}

/// Where the octets of a message lie.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In the frame as it stands in the file's buffer.
    Frame(Range<usize>),
    /// Put together in the sink.
    Assembled(Range<usize>),
}

/// Collects what the flows find in one frame.
#[derive(Default)]
pub(super) struct Sink {
    pub frame: u64,
    pub time: Timestamp,
    /// Index of the next message within the frame.
    pub index: u32,
    pub statistics: Statistics,
    /// Associations and connections met, which number them.
    flows: u32,
    /// Address and length of the frame's octets, to know a message that lies in them.
    base: usize,
    length: usize,
    found: Vec<Found>,
    next: usize,
    assembled: Vec<u8>,
    /// What an observer is told once the frame is read.
    pub told: Vec<Told>,
}

/// Something that an observer is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    Oddity(Oddity),
    Step(AssociationEvent),
}

impl Sink {
    /// The number of a new association or connection.
    pub fn next_flow(&mut self) -> u32 {
        let number = self.flows;
        self.flows = number.wrapping_add(1);
        number
    }

    /// Begins a frame. All found before has been taken.
    #[inline]
    pub fn begin(&mut self, time: Timestamp, octets: &[u8]) {
        self.frame += 1;
        self.time = time;
        self.index = 0;
        self.base = octets.as_ptr() as usize;
        self.length = octets.len();
        self.found.clear();
        self.next = 0;
        if self.assembled.capacity() > KEPT {
            self.assembled = Vec::new();
        }
        self.assembled.clear();
    }

    /// Notes something odd about what `carrier` brought.
    #[cold]
    pub fn odd(&mut self, carrier: &Carrier, kind: OddityKind) {
        self.told.push(Told::Oddity(Oddity {
            frame: self.frame,
            time: self.time,
            association: carrier.association,
            source: carrier.source,
            destination: carrier.destination,
            kind,
        }));
    }

    /// Notes a step of a connection.
    pub fn step(&mut self, carrier: &Carrier, step: AssociationStep) {
        self.told.push(Told::Step(AssociationEvent {
            frame: self.frame,
            time: self.time,
            association: carrier.association,
            source: carrier.source,
            destination: carrier.destination,
            step,
        }));
    }

    /// Adds a message. One that lies in the frame stays there, any other is copied.
    #[inline]
    pub fn add(&mut self, carrier: Carrier, message: &[u8]) {
        let offset = (message.as_ptr() as usize).wrapping_sub(self.base);
        let place = if offset < self.length && message.len() <= self.length - offset {
            Place::Frame(offset..offset + message.len())
        } else {
            let start = self.assembled.len();
            self.assembled.extend_from_slice(message);
            Place::Assembled(start..self.assembled.len())
        };
        match carrier.transport {
            Transport::Sctp => self.statistics.sctp_messages += 1,
            Transport::Tcp => self.statistics.tcp_messages += 1,
        }
        self.found.push(Found { frame: self.frame, index: self.index, time: self.time, carrier, place });
        self.index += 1;
    }

    /// The next message to hand out.
    #[inline]
    pub fn take(&mut self) -> Option<Found> {
        let found = self.found.get(self.next)?.clone();
        self.next += 1;
        Some(found)
    }

    pub fn assembled(&self, range: Range<usize>) -> &[u8] {
        self.assembled.get(range).unwrap_or_default()
    }

    /// Forgets where the frame lay: from here on everything found is copied.
    pub fn leave_frame(&mut self) {
        (self.base, self.length) = (0, 0);
    }
}

/// More room than this is given back after use.
const KEPT: usize = 4 << 20;

/// Addresses of an IP packet with the ports of what it carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Path {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub source_port: u16,
    pub destination_port: u16,
}

impl Path {
    pub fn reversed(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }

    pub fn sender(self) -> SocketAddr {
        SocketAddr::new(self.source, self.source_port)
    }

    pub fn receiver(self) -> SocketAddr {
        SocketAddr::new(self.destination, self.destination_port)
    }
}
