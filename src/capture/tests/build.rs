//! Packets and files by hand, from the inside out.

use std::net::Ipv6Addr;

use crate::message::{CommandFlags, Header};

/// A Device-Watchdog-Request with an Origin-Host of `host` and a hop-by-hop identifier of `id`.
pub fn watchdog(id: u32, host: &str) -> Vec<u8> {
    let mut avp = vec![0, 0, 1, 8, 0x40];
    avp.extend_from_slice(&(8 + host.len() as u32).to_be_bytes()[1..]);
    avp.extend_from_slice(host.as_bytes());
    avp.resize(avp.len().next_multiple_of(4), 0);
    let header = Header {
        version: 1,
        length: (20 + avp.len()) as u32,
        flags: CommandFlags(0x80),
        code: 280,
        application: 0,
        hop_by_hop: id,
        end_to_end: 9,
    };
    [&header.to_bytes()[..], &avp].concat()
}

/// A watchdog request of exactly `length` octets.
pub fn long_watchdog(id: u32, length: usize) -> Vec<u8> {
    watchdog(id, &"x".repeat(length - 28))
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Any chunk.
pub fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let length = (4 + value.len()) as u16;
    padded([&[kind, flags], &length.to_be_bytes()[..], value].concat())
}

/// A DATA chunk. Flags: 1 end, 2 begin, 4 unordered.
pub fn data(flags: u8, tsn: u32, ssn: u16, ppid: u32, user: &[u8]) -> Vec<u8> {
    let head = [&tsn.to_be_bytes()[..], &[0, 5], &ssn.to_be_bytes(), &ppid.to_be_bytes()].concat();
    chunk(0, flags, &[&head, user].concat())
}

/// An I-DATA chunk; the last word is the PPID of a first fragment, else the fragment's number.
pub fn i_data(flags: u8, tsn: u32, message: u32, word: u32, user: &[u8]) -> Vec<u8> {
    let head = [&tsn.to_be_bytes()[..], &[0, 5, 0, 0], &message.to_be_bytes(), &word.to_be_bytes()].concat();
    chunk(64, flags, &[&head, user].concat())
}

pub fn init(kind: u8, tag: u32, tsn: u32, parameters: &[u8]) -> Vec<u8> {
    chunk(kind, 0, &[&tag.to_be_bytes()[..], &[0, 1, 0, 0, 0, 9, 0, 9], &tsn.to_be_bytes(), parameters].concat())
}

/// An SCTP packet with a right checksum.
pub fn sctp(ports: (u16, u16), tag: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut packet = [&ports.0.to_be_bytes()[..], &ports.1.to_be_bytes(), &tag.to_be_bytes(), &[0; 4]].concat();
    packet.extend(chunks.concat());
    let sum = crc32c::crc32c(&packet);
    packet[8..12].copy_from_slice(&sum.to_le_bytes());
    packet
}

/// A TCP segment. Flags: 1 FIN, 2 SYN, 4 RST, 16 ACK.
pub fn tcp(ports: (u16, u16), sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let head = [&ports.0.to_be_bytes()[..], &ports.1.to_be_bytes(), &sequence.to_be_bytes(), &[0; 4]].concat();
    [&head[..], &[0x50, flags, 0xff, 0xff, 0, 0, 0, 0], payload].concat()
}

pub fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    [&ports.0.to_be_bytes()[..], &ports.1.to_be_bytes(), &length.to_be_bytes(), &[0; 2], payload].concat()
}

/// An IPv4 packet from 10.0.0.`hosts.0` to 10.0.0.`hosts.1`.
pub fn ipv4(hosts: (u8, u8), protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_fragment(hosts, protocol, 0, payload)
}

pub fn ipv4_fragment(hosts: (u8, u8), protocol: u8, place: u16, payload: &[u8]) -> Vec<u8> {
    let total = (20 + payload.len()) as u16;
    let mut packet = vec![0x45, 0];
    packet.extend_from_slice(&total.to_be_bytes());
    packet.extend_from_slice(&[0, 77]);
    packet.extend_from_slice(&place.to_be_bytes());
    packet.extend_from_slice(&[64, protocol, 0, 0, 10, 0, 0, hosts.0, 10, 0, 0, hosts.1]);
    packet.extend_from_slice(payload);
    packet
}

pub fn ipv6(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16;
    let addresses = [Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2)];
    let head = [&[0x60, 0, 0, 0], &length.to_be_bytes()[..], &[protocol, 64]].concat();
    [&head[..], &addresses[0].octets(), &addresses[1].octets(), payload].concat()
}

pub fn ethernet(packet: &[u8]) -> Vec<u8> {
    let kind = if packet[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
    let mut frame = [&[2; 12][..], &kind, packet].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// A little-endian pcap of packets a second apart.
pub fn pcap(link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file =
        [&0xa1b2_c3d4_u32.to_le_bytes()[..], &[2, 0, 4, 0], &[0; 8], &[0, 0, 4, 0], &link.to_le_bytes()].concat();
    for (n, frame) in frames.iter().enumerate() {
        let length = (frame.len() as u32).to_le_bytes();
        file.extend([&(n as u32 + 1).to_le_bytes()[..], &[0; 4], &length, &length, frame].concat());
    }
    file
}

/// A pcapng block of either byte order; the body is padded.
pub fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let word = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let body = padded(body.to_vec());
    let length = word(12 + body.len() as u32);
    [&word(kind)[..], &length, &body, &length].concat()
}

pub fn section(big: bool) -> Vec<u8> {
    let body: &[u8] = if big { &[0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0] } else { &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0] };
    block(big, 0x0a0d_0d0a, &[body, &[0xff; 8]].concat())
}

pub fn interface(big: bool, link: u16, options: &[u8]) -> Vec<u8> {
    let link = if big { link.to_be_bytes() } else { link.to_le_bytes() };
    block(big, 1, &[&link[..], &[0; 6], options].concat())
}

/// An enhanced packet block.
pub fn enhanced(big: bool, interface: u32, ticks: u64, frame: &[u8]) -> Vec<u8> {
    let word = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let length = word(frame.len() as u32);
    let head = [word(interface), word((ticks >> 32) as u32), word(ticks as u32), length, length].concat();
    block(big, 6, &[&head, frame].concat())
}
