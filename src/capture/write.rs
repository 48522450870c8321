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

/// Protocol numbers of the IP header.
const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// Fills `frame` with an IP packet that holds a UDP datagram, checksums included.
///
/// # Errors
/// When the families differ or the payload does not fit.
pub fn udp_packet(
    frame: &mut Vec<u8>,
    source: SocketAddr,
    destination: SocketAddr,
    payload: &[u8],
) -> Result<(), WriteError> {
    let start = ip_header(frame, source.ip(), destination.ip(), UDP, payload.len() + 8)?;
    frame.extend_from_slice(&source.port().to_be_bytes());
    frame.extend_from_slice(&destination.port().to_be_bytes());
    // ip_header has judged the length.
    frame.extend_from_slice(&((payload.len() + 8) as u16).to_be_bytes());
    frame.extend_from_slice(&[0, 0]);
    frame.extend_from_slice(payload);
    let sum = match transport_checksum(source.ip(), destination.ip(), UDP, &frame[start..]) {
        // Zero would mean "no checksum". RFC 768.
        0 => 0xffff,
        sum => sum,
    };
    frame[start + 6..start + 8].copy_from_slice(&sum.to_be_bytes());
    Ok(())
}

/// Fills `frame` with an IP packet that holds an SCTP packet as it is (protocol 132).
///
/// # Errors
/// When the families differ or the packet does not fit.
pub fn sctp_packet(frame: &mut Vec<u8>, source: IpAddr, destination: IpAddr, packet: &[u8]) -> Result<(), WriteError> {
    ip_header(frame, source, destination, SCTP, packet.len())?;
    frame.extend_from_slice(packet);
    Ok(())
}

/// The fields of a TCP header that a synthetic conversation sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpSegment {
    /// Sequence number of the first octet.
    pub sequence: u32,
    /// Acknowledgement number; meaningful with [`TcpSegment::ACK`].
    pub acknowledgement: u32,
    /// FIN, SYN, RST, PSH, ACK bits.
    pub flags: u8,
}

impl TcpSegment {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
}

/// Fills `frame` with an IP packet that holds a TCP segment without options, checksums included.
///
/// # Errors
/// When the families differ or the payload does not fit.
pub fn tcp_packet(
    frame: &mut Vec<u8>,
    source: SocketAddr,
    destination: SocketAddr,
    segment: TcpSegment,
    payload: &[u8],
) -> Result<(), WriteError> {
    let start = ip_header(frame, source.ip(), destination.ip(), TCP, payload.len() + 20)?;
    frame.extend_from_slice(&source.port().to_be_bytes());
    frame.extend_from_slice(&destination.port().to_be_bytes());
    frame.extend_from_slice(&segment.sequence.to_be_bytes());
    frame.extend_from_slice(&segment.acknowledgement.to_be_bytes());
    // Five words of header, a window of 65535, no urgent data.
    frame.extend_from_slice(&[0x50, segment.flags, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend_from_slice(payload);
    let sum = transport_checksum(source.ip(), destination.ip(), TCP, &frame[start..]);
    frame[start + 16..start + 18].copy_from_slice(&sum.to_be_bytes());
    Ok(())
}

/// Clears `frame` and writes the IP header; answers where the payload begins.
fn ip_header(
    frame: &mut Vec<u8>,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    payload: usize,
) -> Result<usize, WriteError> {
    frame.clear();
    let too_long = |_| WriteError::TooLong { length: payload };
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let total = u16::try_from(payload + 20).map_err(too_long)?;
            // Version 4, five words; don't fragment; 64 hops.
            frame.extend_from_slice(&[0x45, 0]);
            frame.extend_from_slice(&total.to_be_bytes());
            frame.extend_from_slice(&[0, 0, 0x40, 0, 64, protocol, 0, 0]);
            frame.extend_from_slice(&source.octets());
            frame.extend_from_slice(&destination.octets());
            let sum = !fold(add(0, frame));
            frame[10..12].copy_from_slice(&sum.to_be_bytes());
            Ok(20)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let length = u16::try_from(payload).map_err(too_long)?;
            frame.extend_from_slice(&[0x60, 0, 0, 0]);
            frame.extend_from_slice(&length.to_be_bytes());
            frame.extend_from_slice(&[protocol, 64]);
            frame.extend_from_slice(&source.octets());
            frame.extend_from_slice(&destination.octets());
            Ok(40)
        }
        _ => Err(WriteError::MixedFamilies { source_address: source, destination_address: destination }),
    }
}

/// The Internet checksum over the pseudo-header and the segment, whose own checksum field is still zero.
fn transport_checksum(source: IpAddr, destination: IpAddr, protocol: u8, segment: &[u8]) -> u16 {
    let mut sum = segment.len() as u64 + u64::from(protocol);
    for address in [source, destination] {
        sum = match address {
            IpAddr::V4(address) => add(sum, &address.octets()),
            IpAddr::V6(address) => add(sum, &address.octets()),
        };
    }
    !fold(add(sum, segment))
}

/// Adds octets as big-endian words; 32 bits at a time give the same folded sum as 16. RFC 1071.
fn add(mut sum: u64, octets: &[u8]) -> u64 {
    let mut words = octets.chunks_exact(4);
    for word in &mut words {
        sum += u64::from(u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    }
    let mut last = [0; 4];
    let rest = words.remainder();
    last[..rest.len()].copy_from_slice(rest);
    sum + u64::from(u32::from_be_bytes(last))
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// The fixed part of INIT and INIT ACK. RFC 9260 section 3.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Init {
    /// The tag the other side puts into every packet.
    pub tag: u32,
    /// Receive window in octets.
    pub window: u32,
    /// Outgoing streams wanted.
    pub outgoing_streams: u16,
    /// Incoming streams allowed.
    pub incoming_streams: u16,
    /// The first TSN that will be used.
    pub tsn: u32,
}

/// The fixed part of a DATA chunk. RFC 9260 section 3.3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data {
    /// Transmission sequence number.
    pub tsn: u32,
    /// Stream identifier.
    pub stream: u16,
    /// Stream sequence number.
    pub ssn: u16,
    /// Payload protocol identifier; 46 is Diameter.
    pub ppid: u32,
    /// [`Data::BEGIN`], [`Data::END`], [`Data::UNORDERED`], [`Data::IMMEDIATE`].
    pub flags: u8,
}

impl Data {
    /// The last fragment of a message.
    pub const END: u8 = 1;
    /// The first fragment of a message.
    pub const BEGIN: u8 = 2;
    /// Delivered without regard to order; the stream sequence number means nothing.
    pub const UNORDERED: u8 = 4;
    /// The sender wants the SACK at once. RFC 7053.
    pub const IMMEDIATE: u8 = 8;
}

/// One SCTP packet, chunk by chunk; [`SctpPacketBuilder::finish`] sets the CRC32c.
#[derive(Clone, Debug)]
pub struct SctpPacketBuilder {
    bytes: Vec<u8>,
}

impl SctpPacketBuilder {
    /// Begins with the common header.
    #[must_use]
    pub fn new(source_port: u16, destination_port: u16, tag: u32) -> Self {
        let mut builder = Self { bytes: Vec::with_capacity(64) };
        builder.restart(source_port, destination_port, tag);
        builder
    }

    /// Begins the next packet in the same buffer.
    pub fn restart(&mut self, source_port: u16, destination_port: u16, tag: u32) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&source_port.to_be_bytes());
        self.bytes.extend_from_slice(&destination_port.to_be_bytes());
        self.bytes.extend_from_slice(&tag.to_be_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
    }

    /// Appends a chunk made of pieces, padded. Its length field keeps the low 16 bits: a chunk is at most 65,535 octets.
    pub fn chunk(&mut self, kind: u8, flags: u8, pieces: &[&[u8]]) -> &mut Self {
        let length = 4 + pieces.iter().map(|piece| piece.len()).sum::<usize>();
        self.bytes.extend_from_slice(&[kind, flags]);
        self.bytes.extend_from_slice(&(length as u16).to_be_bytes());
        for piece in pieces {
            self.bytes.extend_from_slice(piece);
        }
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// DATA.
    pub fn data(&mut self, data: Data, payload: &[u8]) -> &mut Self {
        let mut head = [0; 12];
        head[0..4].copy_from_slice(&data.tsn.to_be_bytes());
        head[4..6].copy_from_slice(&data.stream.to_be_bytes());
        head[6..8].copy_from_slice(&data.ssn.to_be_bytes());
        head[8..12].copy_from_slice(&data.ppid.to_be_bytes());
        self.chunk(0, data.flags, &[&head, payload])
    }

    /// INIT; alone in its packet, whose tag is zero.
    pub fn init(&mut self, init: Init) -> &mut Self {
        self.chunk(1, 0, &[&init_value(init)])
    }

    /// INIT ACK with its state cookie (parameter 7); alone in its packet.
    pub fn init_ack(&mut self, init: Init, cookie: &[u8]) -> &mut Self {
        let length = (cookie.len() as u16 + 4).to_be_bytes();
        self.chunk(2, 0, &[&init_value(init), &[0, 7], &length, cookie])
    }

    /// SACK: all up to `cumulative` received, no gaps.
    pub fn sack(&mut self, cumulative: u32, window: u32) -> &mut Self {
        self.chunk(3, 0, &[&cumulative.to_be_bytes(), &window.to_be_bytes(), &[0; 4]])
    }

    /// HEARTBEAT with its opaque information.
    pub fn heartbeat(&mut self, information: &[u8]) -> &mut Self {
        let length = (information.len() as u16 + 4).to_be_bytes();
        self.chunk(4, 0, &[&[0, 1], &length, information])
    }

    /// ABORT with one cause without content; `reflected` sets the T bit: the tag is the receiver's own.
    pub fn abort(&mut self, cause: u16, reflected: bool) -> &mut Self {
        self.chunk(6, u8::from(reflected), &[&cause.to_be_bytes(), &[0, 4]])
    }

    /// SHUTDOWN.
    pub fn shutdown(&mut self, cumulative: u32) -> &mut Self {
        self.chunk(7, 0, &[&cumulative.to_be_bytes()])
    }

    /// SHUTDOWN ACK.
    pub fn shutdown_ack(&mut self) -> &mut Self {
        self.chunk(8, 0, &[])
    }

    /// COOKIE ECHO.
    pub fn cookie_echo(&mut self, cookie: &[u8]) -> &mut Self {
        self.chunk(10, 0, &[cookie])
    }

    /// COOKIE ACK.
    pub fn cookie_ack(&mut self) -> &mut Self {
        self.chunk(11, 0, &[])
    }

    /// SHUTDOWN COMPLETE; `reflected` sets the T bit.
    pub fn shutdown_complete(&mut self, reflected: bool) -> &mut Self {
        self.chunk(14, u8::from(reflected), &[])
    }

    /// The packet with its CRC32c.
    pub fn finish(&mut self) -> &[u8] {
        set_crc32c(&mut self.bytes);
        &self.bytes
    }
}

fn init_value(init: Init) -> [u8; 16] {
    let mut value = [0; 16];
    value[0..4].copy_from_slice(&init.tag.to_be_bytes());
    value[4..8].copy_from_slice(&init.window.to_be_bytes());
    value[8..10].copy_from_slice(&init.outgoing_streams.to_be_bytes());
    value[10..12].copy_from_slice(&init.incoming_streams.to_be_bytes());
    value[12..16].copy_from_slice(&init.tsn.to_be_bytes());
    value
}

/// Puts the CRC32c into an SCTP packet's header. RFC 9260 section 6.8 and appendix A: little-endian. A packet shorter
/// than the common header is left alone.
pub fn set_crc32c(packet: &mut [u8]) {
    if packet.len() >= 12 {
        packet[8..12].fill(0);
        let sum = crc32c::crc32c(packet);
        packet[8..12].copy_from_slice(&sum.to_le_bytes());
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
#[path = "write_tests.rs"]
mod tests;
