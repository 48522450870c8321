//! Messages rewritten in place, wherever their octets lie.

use std::net::IpAddr;

use super::*;
use crate::capture::rewrite::{Rewriter, Rewritten, rewrite};

/// Says `y` for `x` in messages, and 10.9.9.n for 10.0.0.n.
#[derive(Default)]
struct Translator {
    addresses: bool,
}

impl Rewriter for Translator {
    fn message(&mut self, message: &mut [u8], _: bool) {
        message.iter_mut().skip(28).filter(|octet| **octet == b'x').for_each(|octet| *octet = b'y');
    }

    fn address(&mut self, address: IpAddr) -> Option<IpAddr> {
        match address {
            IpAddr::V4(address) if self.addresses => {
                let [.., last] = address.octets();
                Some(IpAddr::from([10, 9, 9, last]))
            }
            _ => None,
        }
    }

    fn rest(&mut self, _: &mut [u8]) {}
}

fn translated(file: &[u8], addresses: bool) -> (Vec<u8>, Rewritten) {
    rewrite(file, Options::default(), &mut Translator { addresses }).unwrap()
}

fn heard(file: &[u8]) -> (Vec<(u64, Vec<u8>)>, Statistics) {
    let mut reader = Reader::from_bytes(file);
    let mut found = Vec::new();
    while let Some(message) = reader.next_message().unwrap() {
        found.push((message.frame, message.bytes.to_vec()));
    }
    (found, *reader.statistics())
}

/// No `x` is left in the file, the messages are as many in the same frames, and the reader counts the same of all.
fn assert_translated(file: &[u8]) -> Vec<u8> {
    let (before, statistics) = heard(file);
    assert!(!before.is_empty());
    let mut last = Vec::new();
    for addresses in [false, true] {
        let (fresh, done) = translated(file, addresses);
        assert!(done.damage.is_none());
        let left = fresh.windows(4).filter(|window| *window == b"xxxx").count();
        assert_eq!((fresh.len(), left), (file.len(), 0), "{done:?}");
        let (after, again) = heard(&fresh);
        assert_eq!(statistics, again);
        let frames = |found: &[(u64, Vec<u8>)]| found.iter().map(|(frame, it)| (*frame, it.len())).collect::<Vec<_>>();
        assert_eq!(frames(&before), frames(&after));
        assert!(after.iter().all(|(_, message)| message.ends_with(b"y")), "every octet of each message");
        last = fresh;
    }
    last
}

fn words(octets: &[u8]) -> u64 {
    let word = |pair: &[u8]| u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    octets.chunks(2).map(word).sum()
}

/// The sum of an IPv4 packet's UDP datagram or TCP segment with its pseudo header: all ones when the checksum is right.
fn transport_sum(packet: &[u8], payload: &[u8]) -> u16 {
    let mut sum = words(&packet[12..20]) + u64::from(packet[9]) + payload.len() as u64 + words(payload);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// Fills in the checksum at `field` of the payload of a packet between two hosts.
fn summed(hosts: (u8, u8), protocol: u8, field: usize, mut payload: Vec<u8>) -> Vec<u8> {
    let packet = ipv4(hosts, protocol, &payload);
    let sum = !transport_sum(&packet, &payload);
    payload[field..field + 2].copy_from_slice(&sum.to_be_bytes());
    payload
}

#[test]
fn fragments_of_a_user_message_and_their_copies() {
    let message = long_watchdog(7, 3000);
    let packet = |chunk: Vec<u8>| ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &[chunk])));
    // The TSN comes round between them; the second is sent twice, and the last comes before it.
    let first = packet(data(2, u32::MAX, 0, 46, &message[..1200]));
    let second = packet(data(0, 0, 0, 46, &message[1200..2400]));
    let third = packet(data(1, 1, 0, 46, &message[2400..]));
    assert_translated(&pcap(1, &[first, third, second.clone(), second]));
    let [one, two] = [long_watchdog(8, 2000), long_watchdog(9, 2000)];
    let interleaved = [
        packet(i_data(2, 1, 5, 46, &one[..1000])),
        packet(i_data(2, 2, 6, 46, &two[..1000])),
        packet(i_data(1, 3, 6, 1, &two[1000..])),
        packet(i_data(1, 4, 5, 1, &one[1000..])),
    ];
    assert_translated(&pcap(1, &interleaved));
}

#[test]
fn segments_out_of_order_and_cut_otherwise_when_sent_again() {
    let stream = [long_watchdog(1, 1500), long_watchdog(2, 1500), long_watchdog(3, 100)].concat();
    let segment = |from: usize, to: usize| {
        let sequence = 0xffff_fe00_u32.wrapping_add(from as u32);
        let segment = summed((1, 2), 6, 16, tcp(PORTS, sequence, 16, &stream[from..to]));
        ethernet(&ipv4((1, 2), 6, &segment))
    };
    let frames = [(0, 1000), (1000, 1400), (2000, 3100), (1200, 2100), (1400, 2000)];
    let fresh = assert_translated(&pcap(1, &frames.map(|(from, to)| segment(from, to))));
    let mut at = 24;
    for _ in frames {
        let length = u32::from_le_bytes([fresh[at + 8], fresh[at + 9], fresh[at + 10], fresh[at + 11]]) as usize;
        let packet = &fresh[at + 16 + 14..at + 16 + length];
        assert_eq!(transport_sum(packet, &packet[20..]), 0xffff);
        assert_eq!(packet[12..15], [10, 9, 9]);
        at += 16 + length;
    }
}

#[test]
fn fragments_of_ip_also_in_a_tunnel() {
    let user =
        summed((1, 2), 17, 6, udp((9899, 9899), &sctp(PORTS, TAG, &[data(3, 1, 0, 46, &long_watchdog(7, 2000))])));
    let fragment = |from: usize, to: usize| {
        let more = if to < user.len() { 0x2000 } else { 0 };
        ipv4_fragment((1, 2), 17, more | (from / 8) as u16, &user[from..to])
    };
    let parts = [(1400, user.len()), (0, 800), (800, 1400)];
    assert_translated(&pcap(1, &parts.map(|(from, to)| ethernet(&fragment(from, to)))));
    let tunnelled = parts.map(|(from, to)| {
        let inner = fragment(from, to);
        let gtp = [&[0x30, 255][..], &(inner.len() as u16).to_be_bytes(), &[0, 0, 0, 1], &inner].concat();
        ethernet(&ipv4((8, 9), 17, &summed((8, 9), 17, 6, udp((2152, 2152), &gtp))))
    });
    let fresh = assert_translated(&pcap(1, &tunnelled));
    // The checksum of each outer datagram is right, and that of the inner one, put together again.
    let mut at = 24;
    let mut whole = vec![0; user.len()];
    let mut inner_header = Vec::new();
    for (from, _) in parts {
        let length = u32::from_le_bytes([fresh[at + 8], fresh[at + 9], fresh[at + 10], fresh[at + 11]]) as usize;
        let packet = &fresh[at + 16 + 14..at + 16 + length];
        assert_eq!(transport_sum(packet, &packet[20..]), 0xffff);
        let inner = &packet[20 + 8 + 8..];
        whole[from..from + inner.len() - 20].copy_from_slice(&inner[20..]);
        inner_header = inner[..20].to_vec();
        at += 16 + length;
    }
    assert_eq!(transport_sum(&inner_header, &whole), 0xffff);
}

#[test]
fn what_was_cut_is_rewritten_as_far_as_it_is_there() {
    let mut frame = ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &[data(3, 1, 0, 46, &long_watchdog(7, 500))])));
    frame.truncate(300);
    let (fresh, done) = translated(&pcap(1, &[frame]), false);
    assert_eq!((done.messages, done.cut, done.crc32c_left), (1, 1, 1));
    assert!(!fresh.windows(4).any(|window| window == b"xxxx"));
}

#[test]
fn blocks_that_name_addresses_or_open_secrets_are_taken_out() {
    for big in [false, true] {
        let frame = ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &[data(3, 1, 0, 46, &long_watchdog(7, 100))])));
        let parts = |more: bool| {
            let mut file = [section(big), interface(big, 1, &[])].concat();
            if more {
                file.extend(block(big, 4, b"\0\x01\0\x0d\x0a\0\0\x01name.lab\0\0\0\0\0\0\0\0"));
                file.extend(block(big, 10, b"secrets of someone"));
            }
            file.extend(enhanced(big, 0, 7, &frame));
            file
        };
        let (fresh, done) = translated(&parts(true), false);
        assert_eq!(done.blocks, 2);
        assert_eq!(fresh.len(), parts(false).len());
        assert_eq!(heard(&fresh).0.len(), 1);
    }
    let error = rewrite(&[0x1f, 0x8b, 8, 0], Options::default(), &mut Translator::default()).unwrap_err();
    assert!(error.to_string().contains("gzip"), "{error}");
}
