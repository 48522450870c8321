//! Captures written: a pcapng file of raw IP packets, and the packets of whole SCTP and TCP conversations made from
//! nothing but the messages they carried.
//!
//! Everything written here opens in Wireshark without a complaint: lengths, IP, UDP and TCP checksums and the CRC32c of
//! SCTP are right. Pure: time is an argument, tags and sequence numbers follow from the addresses and a seed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use thiserror::Error;

mod packet;

pub use packet::{Data, Init, SctpPacketBuilder, TcpSegment, sctp_packet, set_crc32c, tcp_packet, udp_packet};

/// The UDP port of SCTP over UDP. RFC 6951 section 6.
pub const SCTP_UDP_PORT: u16 = 9899;

/// Why a packet could not be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The file or pipe behind the writer failed.
    #[error("the capture cannot be written: {0}")]
    Io(#[from] std::io::Error),
    /// One address is IPv4 and the other IPv6.
    #[error("a packet cannot go from {source_address} to {destination_address}: one is IPv4, the other IPv6")]
    MixedFamilies {
        /// Where the packet would come from.
        source_address: IpAddr,
        /// Where it would go.
        destination_address: IpAddr,
    },
    /// The packet would not fit the IP length field.
    #[error("an IP packet with {length} octets of payload would be longer than its length field can say")]
    TooLong {
        /// Octets of payload.
        length: usize,
    },
}

impl From<pcap_file::PcapError> for WriteError {
    fn from(error: pcap_file::PcapError) -> Self {
        match error {
            pcap_file::PcapError::IoError(error) => Self::Io(error),
            other => Self::Io(std::io::Error::other(other)),
        }
    }
}

/// Writes one pcapng section with one interface: raw IP packets, time in nanoseconds.
pub struct CaptureWriter<W: Write> {
    inner: PcapNgWriter<W>,
    packets: u64,
}

impl<W: Write> CaptureWriter<W> {
    /// Begins the file: section header (naming this program) and the description of its one interface.
    ///
    /// The writer is written to in small pieces; hand over a `BufWriter` for a file.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn new(writer: W, interface: &str) -> Result<Self, WriteError> {
        let section = SectionHeaderBlock {
            options: vec![SectionHeaderOption::UserApplication(Cow::Borrowed(concat!(
                "proselink ",
                env!("CARGO_PKG_VERSION")
            )))],
            ..SectionHeaderBlock::default()
        };
        let mut inner = PcapNgWriter::with_section_header(writer, section)?;
        inner.write_pcapng_block(InterfaceDescriptionBlock {
            linktype: DataLink::RAW,
            snaplen: 0,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Owned(shorten(interface).to_owned())),
                // pcap-file counts in nanoseconds whatever the interface says, so the interface must say nanoseconds.
                InterfaceDescriptionOption::IfTsResol(9),
            ],
        })?;
        Ok(Self { inner, packets: 0 })
    }

    /// Appends one IP packet, seen `time_ns` nanoseconds after 1970-01-01 00:00 UTC.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write_packet(&mut self, time_ns: u64, packet: &[u8], comment: Option<&str>) -> Result<(), WriteError> {
        let length = u32::try_from(packet.len()).map_err(|_| WriteError::TooLong { length: packet.len() })?;
        let options = match comment {
            Some(text) => vec![EnhancedPacketOption::Comment(Cow::Borrowed(shorten(text)))],
            None => Vec::new(),
        };
        self.inner.write_pcapng_block(EnhancedPacketBlock {
            interface_id: 0,
            timestamp: Duration::from_nanos(time_ns),
            original_len: length,
            data: Cow::Borrowed(packet),
            options,
        })?;
        self.packets += 1;
        Ok(())
    }

    /// Packets written so far.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// The writer behind.
    pub fn get_mut(&mut self) -> &mut W {
        self.inner.get_mut()
    }

    /// Flushes and hands the writer back.
    ///
    /// # Errors
    /// When the writer fails to flush.
    pub fn finish(self) -> Result<W, WriteError> {
        let mut writer = self.inner.into_inner();
        writer.flush()?;
        Ok(writer)
    }
}

/// An option's length field has 16 bits, and a comment is for people.
fn shorten(text: &str) -> &str {
    const LONGEST: usize = 1000;
    match text.char_indices().take_while(|(at, _)| *at <= LONGEST).last() {
        Some((at, _)) if text.len() > LONGEST => text.get(..at).unwrap_or_default(),
        _ => text,
    }
}

/// Who sends a message of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the side that opened it.
    ToServer,
    /// From the side that was called.
    ToClient,
}

/// One message of a conversation that is made up.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Who sends it.
    pub direction: Direction,
    /// The whole Diameter message.
    pub bytes: &'a [u8],
    /// Payload protocol identifier, 46 as a rule. Without meaning over TCP.
    pub ppid: u32,
    /// SCTP stream. Without meaning over TCP.
    pub stream: u16,
    /// Goes with the first packet of the message.
    pub comment: Option<&'a str>,
}

/// Takes each packet of a conversation: the IP packet and its comment.
pub type Emit<'a> = dyn FnMut(&[u8], Option<&str>) -> Result<(), WriteError> + 'a;

/// A whole SCTP association made up from its messages: handshake, DATA with a SACK after each message, shutdown.
pub struct SctpConversation {
    /// Client first, then server.
    sides: [SctpSide; 2],
    /// UDP ports (client, server) where the association is carried over UDP.
    udp: Option<(u16, u16)>,
    builder: SctpPacketBuilder,
    frame: Vec<u8>,
}

struct SctpSide {
    address: SocketAddr,
    tag: u32,
    next_tsn: u32,
    ssn: HashMap<u16, u16>,
}

/// Octets of a message in one DATA chunk: an IPv6 packet over UDP stays below 1,500.
const FRAGMENT: usize = 1408;
const WINDOW: u32 = 1 << 20;
const STREAMS: u16 = 64;

impl SctpConversation {
    /// `client` and `server` are IP address and SCTP port. With `udp` the packets travel over UDP between those ports.
    #[must_use]
    pub fn new(client: SocketAddr, server: SocketAddr, udp: Option<(u16, u16)>, seed: u64) -> Self {
        let side = |address: SocketAddr, salt: u64| {
            let number = scatter(seed, salt, client, server);
            SctpSide {
                address,
                tag: (number >> 32) as u32 | 1,
                // Far from the wrap, so that a reader sees rising numbers.
                next_tsn: (number as u32 >> 1) | 1,
                ssn: HashMap::new(),
            }
        };
        Self {
            sides: [side(client, 1), side(server, 2)],
            udp,
            builder: SctpPacketBuilder::new(0, 0, 0),
            frame: Vec::with_capacity(1600),
        }
    }

    /// INIT, INIT ACK, COOKIE ECHO, COOKIE ACK.
    ///
    /// # Errors
    /// What `emit` answers, or addresses of two families.
    pub fn open(&mut self, emit: &mut Emit<'_>) -> Result<(), WriteError> {
        let init = |side: &SctpSide| Init {
            tag: side.tag,
            window: WINDOW,
            outgoing_streams: STREAMS,
            incoming_streams: STREAMS,
            tsn: side.next_tsn,
        };
        let (first, second) = (init(&self.sides[0]), init(&self.sides[1]));
        let cookie = scatter(u64::from(first.tag), 3, self.sides[0].address, self.sides[1].address).to_be_bytes();
        self.packet(Direction::ToServer, Some(0), emit, None, |packet| packet.init(first))?;
        self.packet(Direction::ToClient, None, emit, None, |packet| packet.init_ack(second, &cookie))?;
        self.packet(Direction::ToServer, None, emit, None, |packet| packet.cookie_echo(&cookie))?;
        self.packet(Direction::ToClient, None, emit, None, SctpPacketBuilder::cookie_ack)
    }

    /// The message, in as many DATA chunks as it needs, and the other side's SACK.
    ///
    /// # Errors
    /// What `emit` answers, or addresses of two families.
    pub fn message(&mut self, message: &Message<'_>, emit: &mut Emit<'_>) -> Result<(), WriteError> {
        let from = message.direction.index();
        let ssn = {
            let next = self.sides[from].ssn.entry(message.stream).or_default();
            let ssn = *next;
            *next = next.wrapping_add(1);
            ssn
        };
        let pieces = message.bytes.len().div_ceil(FRAGMENT);
        for (at, payload) in message.bytes.chunks(FRAGMENT).enumerate() {
            let tsn = self.next_tsn(from);
            let flags = if at == 0 { Data::BEGIN } else { 0 } | if at + 1 == pieces { Data::END } else { 0 };
            let data = Data { tsn, stream: message.stream, ssn, ppid: message.ppid, flags };
            let comment = if at == 0 { message.comment } else { None };
            self.packet(message.direction, None, emit, comment, |packet| packet.data(data, payload))?;
        }
        let cumulative = self.sides[from].next_tsn.wrapping_sub(1);
        self.packet(message.direction.reverse(), None, emit, None, |packet| packet.sack(cumulative, WINDOW))
    }

    /// SHUTDOWN from the given side, SHUTDOWN ACK, SHUTDOWN COMPLETE.
    ///
    /// # Errors
    /// What `emit` answers, or addresses of two families.
    pub fn close(&mut self, direction: Direction, emit: &mut Emit<'_>) -> Result<(), WriteError> {
        let cumulative = self.sides[direction.reverse().index()].next_tsn.wrapping_sub(1);
        self.packet(direction, None, emit, None, |packet| packet.shutdown(cumulative))?;
        self.packet(direction.reverse(), None, emit, None, SctpPacketBuilder::shutdown_ack)?;
        self.packet(direction, None, emit, None, |packet| packet.shutdown_complete(false))
    }

    /// ABORT from the given side, cause 12 (user-initiated).
    ///
    /// # Errors
    /// What `emit` answers, or addresses of two families.
    pub fn abort(&mut self, direction: Direction, emit: &mut Emit<'_>) -> Result<(), WriteError> {
        self.packet(direction, None, emit, None, |packet| packet.abort(12, false))
    }

    fn next_tsn(&mut self, side: usize) -> u32 {
        let tsn = self.sides[side].next_tsn;
        self.sides[side].next_tsn = tsn.wrapping_add(1);
        tsn
    }

    fn packet(
        &mut self,
        direction: Direction,
        tag: Option<u32>,
        emit: &mut Emit<'_>,
        comment: Option<&str>,
        chunks: impl FnOnce(&mut SctpPacketBuilder) -> &mut SctpPacketBuilder,
    ) -> Result<(), WriteError> {
        let source = self.sides[direction.index()].address;
        let destination = &self.sides[direction.reverse().index()];
        self.builder.restart(source.port(), destination.address.port(), tag.unwrap_or(destination.tag));
        let packet = chunks(&mut self.builder).finish();
        match self.udp {
            Some((client, server)) => {
                let (from, to) = if direction == Direction::ToServer { (client, server) } else { (server, client) };
                let source = SocketAddr::new(source.ip(), from);
                udp_packet(&mut self.frame, source, SocketAddr::new(destination.address.ip(), to), packet)?;
            }
            None => sctp_packet(&mut self.frame, source.ip(), destination.address.ip(), packet)?,
        }
        emit(&self.frame, comment)
    }
}

/// A whole TCP connection made up from its messages: handshake, segments with an ACK after each message, FIN both ways.
pub struct TcpConversation {
    addresses: [SocketAddr; 2],
    next: [u32; 2],
    frame: Vec<u8>,
}

impl TcpConversation {
    /// `client` and `server` are IP address and TCP port.
    #[must_use]
    pub fn new(client: SocketAddr, server: SocketAddr, seed: u64) -> Self {
        let next = [1, 2].map(|salt| (scatter(seed, salt, client, server) as u32) >> 1);
        Self { addresses: [client, server], next, frame: Vec::with_capacity(1600) }
    }

    /// SYN, SYN ACK, ACK.
    ///
    /// # Errors
    /// What `emit` answers, or addresses of two families.
    pub fn open(&mut self, emit: &mut Emit<'_>) -> Result<(), WriteError> {
        self.segment(Direction::ToServer, TcpSegment::SYN, &[], emit, None)?;
        self.segment(Direction::ToClient, TcpSegment::SYN | TcpSegment::ACK, &[], emit, None)?;
        self.segment(Direction::ToServer, TcpSegment::ACK, &[], emit, None)
    }

    /// The message, in as many segments as it needs, and the other side's ACK.
    ///
    /// # Errors
    /// What `emit` answers, or addresses of two families.
    pub fn message(&mut self, message: &Message<'_>, emit: &mut Emit<'_>) -> Result<(), WriteError> {
        let pieces = message.bytes.len().div_ceil(FRAGMENT);
        for (at, payload) in message.bytes.chunks(FRAGMENT).enumerate() {
            let flags = TcpSegment::ACK | if at + 1 == pieces { TcpSegment::PSH } else { 0 };
            let comment = if at == 0 { message.comment } else { None };
            self.segment(message.direction, flags, payload, emit, comment)?;
        }
        self.segment(message.direction.reverse(), TcpSegment::ACK, &[], emit, None)
    }

    /// FIN from the given side, then from the other, each acknowledged.
    ///
    /// # Errors
    /// What `emit` answers, or addresses of two families.
    pub fn close(&mut self, direction: Direction, emit: &mut Emit<'_>) -> Result<(), WriteError> {
        self.segment(direction, TcpSegment::FIN | TcpSegment::ACK, &[], emit, None)?;
        self.segment(direction.reverse(), TcpSegment::FIN | TcpSegment::ACK, &[], emit, None)?;
        self.segment(direction, TcpSegment::ACK, &[], emit, None)
    }

    /// RST from the given side.
    ///
    /// # Errors
    /// What `emit` answers, or addresses of two families.
    pub fn abort(&mut self, direction: Direction, emit: &mut Emit<'_>) -> Result<(), WriteError> {
        self.segment(direction, TcpSegment::RST | TcpSegment::ACK, &[], emit, None)
    }

    fn segment(
        &mut self,
        direction: Direction,
        flags: u8,
        payload: &[u8],
        emit: &mut Emit<'_>,
        comment: Option<&str>,
    ) -> Result<(), WriteError> {
        let (from, to) = (direction.index(), direction.reverse().index());
        let acknowledgement = if flags & TcpSegment::ACK != 0 { self.next[to] } else { 0 };
        let segment = TcpSegment { sequence: self.next[from], acknowledgement, flags };
        tcp_packet(&mut self.frame, self.addresses[from], self.addresses[to], segment, payload)?;
        // SYN and FIN count as one octet each. RFC 9293 section 3.4.
        let consumed = payload.len() as u32 + u32::from(flags & (TcpSegment::SYN | TcpSegment::FIN) != 0);
        self.next[from] = self.next[from].wrapping_add(consumed);
        emit(&self.frame, comment)
    }
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn reverse(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::ToServer => 0,
            Self::ToClient => 1,
        }
    }
}

/// Writes a whole SCTP association (INIT to SHUTDOWN COMPLETE) that carries `messages`, its packets `step_ns` apart from
/// `start_ns` on. `udp` as in [`SctpConversation::new`]. Answers the time after the last packet.
///
/// # Errors
/// When the writer fails, or the addresses are of two families.
pub fn synthesize_association<W: Write>(
    writer: &mut CaptureWriter<W>,
    (client, server): (SocketAddr, SocketAddr),
    udp: Option<(u16, u16)>,
    (start_ns, step_ns): (u64, u64),
    messages: &[Message<'_>],
) -> Result<u64, WriteError> {
    let mut time = start_ns;
    let mut emit = |packet: &[u8], comment: Option<&str>| {
        writer.write_packet(time, packet, comment)?;
        time += step_ns;
        Ok(())
    };
    let mut conversation = SctpConversation::new(client, server, udp, start_ns);
    conversation.open(&mut emit)?;
    for message in messages {
        conversation.message(message, &mut emit)?;
    }
    conversation.close(Direction::ToServer, &mut emit)?;
    Ok(time)
}

/// The same over TCP.
///
/// # Errors
/// When the writer fails, or the addresses are of two families.
pub fn synthesize_connection<W: Write>(
    writer: &mut CaptureWriter<W>,
    (client, server): (SocketAddr, SocketAddr),
    (start_ns, step_ns): (u64, u64),
    messages: &[Message<'_>],
) -> Result<u64, WriteError> {
    let mut time = start_ns;
    let mut emit = |packet: &[u8], comment: Option<&str>| {
        writer.write_packet(time, packet, comment)?;
        time += step_ns;
        Ok(())
    };
    let mut conversation = TcpConversation::new(client, server, start_ns);
    conversation.open(&mut emit)?;
    for message in messages {
        conversation.message(message, &mut emit)?;
    }
    conversation.close(Direction::ToServer, &mut emit)?;
    Ok(time)
}

/// Numbers that differ from conversation to conversation and are the same on every run.
fn scatter(seed: u64, salt: u64, client: SocketAddr, server: SocketAddr) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = siphasher::sip::SipHasher13::new_with_keys(seed, salt);
    (client, server).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
