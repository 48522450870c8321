//! Single packets: IP headers around UDP, TCP and SCTP, and SCTP packets chunk by chunk, with all their checksums.

use std::net::{IpAddr, SocketAddr};

use super::WriteError;

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
pub(super) fn add(mut sum: u64, octets: &[u8]) -> u64 {
    let mut words = octets.chunks_exact(4);
    for word in &mut words {
        sum += u64::from(u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    }
    let mut last = [0; 4];
    let rest = words.remainder();
    last[..rest.len()].copy_from_slice(rest);
    sum + u64::from(u32::from_be_bytes(last))
}

pub(super) fn fold(mut sum: u64) -> u16 {
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
