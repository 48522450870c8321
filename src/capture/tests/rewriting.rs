//! Messages rewritten in place, wherever their octets lie.

use std::net::IpAddr;

use super::*;
use crate::capture::rewrite::{Other, RewriteError, Rewriter, Rewritten, Settings, rewrite};

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

    fn hardware(&mut self, address: [u8; 6]) -> [u8; 6] {
        if self.addresses { address.map(|octet| octet ^ 0xf0) } else { address }
    }

    fn rest(&mut self, octets: &mut [u8]) {
        octets.iter_mut().filter(|octet| **octet == b'x').for_each(|octet| *octet = b'z');
    }
}

fn translated_with(file: &[u8], addresses: bool, settings: Settings) -> Result<(Vec<u8>, Rewritten), RewriteError> {
    let mut fresh = Vec::new();
    let done = rewrite(file, &mut fresh, &settings, &mut Translator { addresses })?;
    Ok((fresh, done))
}

fn translated(file: &[u8], addresses: bool) -> (Vec<u8>, Rewritten) {
    translated_with(file, addresses, Settings::default()).unwrap()
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
    // Also in steps of a frame or two, where what belongs together is not in memory at once.
    for (addresses, step) in [(false, 4 << 20), (true, 1500), (true, 4 << 20)] {
        let (fresh, done) = translated_with(file, addresses, Settings { step, ..Settings::default() }).unwrap();
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

/// Options of a packet or interface, which end with none.
fn options(big: bool, rows: &[(u16, &[u8])]) -> Vec<u8> {
    let half = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut out = Vec::new();
    for (code, value) in rows {
        out.extend(half(*code));
        out.extend(half(value.len() as u16));
        out.extend_from_slice(value);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    if !rows.is_empty() {
        out.extend([0; 4]);
    }
    out
}

#[test]
fn blocks_and_options_that_name_someone_are_taken_out() {
    for big in [false, true] {
        let frame = ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &[data(3, 1, 0, 46, &long_watchdog(7, 100))])));
        let file = |more: bool| {
            let names: &[(u16, &[u8])] =
                if more { &[(2, b"eth0"), (9, &[6]), (11, b"host name.lab")] } else { &[(9, &[6])] };
            let mut interface = interface(big, 1, &[]);
            interface.truncate(16);
            interface.extend(options(big, names));
            let mut file = [section(big), block(big, 1, &interface[8..])].concat();
            if more {
                file.extend(block(big, 4, b"\0\x01\0\x0d\x0a\0\0\x01name.lab\0\0\0\0\0\0\0\0"));
                file.extend(block(big, 10, b"secrets of someone"));
                file.extend(block(big, 0xbad, &[0; 100_000]));
            }
            let mut packet = enhanced(big, 0, 7, &frame)[8..].to_vec();
            packet.truncate(20 + frame.len().next_multiple_of(4));
            packet.extend(options(big, if more { &[(1, b"sent by xxxx"), (2, &[0; 4])] } else { &[(2, &[0; 4])] }));
            file.extend(block(big, 6, &packet));
            file
        };
        let (fresh, done) = translated(&file(true), false);
        assert_eq!(fresh.len(), file(false).len(), "{done:?}");
        assert_eq!(heard(&fresh).0.len(), 1);
        let removed: Vec<(&str, u64)> = done.removed.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        let names = [
            "blocks of names",
            "blocks of secrets",
            "capture filters",
            "comments",
            "custom blocks",
            "names of interfaces",
        ];
        assert_eq!(removed, names.map(|name| (name, 1)));
        // Kept where asked, but for what opens or names everything.
        let settings = Settings { other: Other::Keep, ..Settings::default() };
        let (kept, done) = translated_with(&file(true), false, settings).unwrap();
        let has = |words: &[u8]| kept.windows(words.len()).any(|window| window == words);
        assert!(has(b"sent by zzzz") && has(b"host name.lab") && !has(b"secrets"));
        assert_eq!(done.removed.len(), 2, "{:?}", done.removed);
    }
}

/// Frames with what is ours and what is not, and what becomes of each.
#[test]
fn what_is_not_understood_becomes_zeros_or_goes_or_is_named() {
    let diameter = ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &[data(3, 1, 0, 46, &long_watchdog(7, 100))])));
    let dns = ethernet(&ipv4((1, 2), 17, &summed((1, 2), 17, 6, udp((40_000, 53), b"mme xxxx of 10.0.0.1"))));
    let arp_fields: &[u8] = &[0, 1, 8, 0, 6, 4, 0, 1, 2, 2, 2, 2, 2, 2, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];
    let arp = [&[2; 12][..], &[8, 6], arp_fields, b"left in a buffer"].concat();
    let lldp = [&[2; 12][..], &[0x88, 0xcc], b"switch xxxx of a lab"].concat();
    // INIT with an address, a cookie of which no one knows what is in it.
    let init = {
        let mut chunk = vec![2, 0, 0, 36, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1];
        chunk.extend([0, 5, 0, 8, 10, 0, 0, 1, 0, 7, 0, 8, 10, 0, 0, 1]);
        ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &[chunk])))
    };
    let file = pcap(1, &[diameter, dns, arp, lldp, init]);
    let (fresh, done) = translated(&file, true);
    assert_eq!(fresh.len(), file.len());
    let has = |file: &[u8], words: &[u8]| file.windows(words.len()).any(|window| window == words);
    for words in [&b"xxxx"[..], b"buffer", &[10, 0, 0, 1], &[2; 6]] {
        assert!(has(&file, words) && !has(&fresh, words), "{words:?}");
    }
    let told: Vec<(&str, u64)> = done.blanked.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    let names =
        ["DNS (UDP port 53)", "LLDP, Ethernet type 0x88cc", "SCTP cookies, heartbeats and texts", "octets behind ARP"];
    assert_eq!(told, names.map(|name| (name, 1)));

    let (fresh, done) = translated_with(&file, true, Settings { other: Other::Drop, ..Settings::default() }).unwrap();
    assert_eq!((done.dropped.len(), done.dropped_frames, done.blanked.len()), (2, 2, 2), "{done:?}");
    assert_eq!(heard(&fresh).1.frames, 3);

    let (fresh, done) = translated_with(&file, true, Settings { other: Other::Keep, ..Settings::default() }).unwrap();
    assert_eq!(done.kept.len(), 4, "{done:?}");
    assert!(has(&fresh, b"switch zzzz of a lab") && has(&fresh, b"buffer"));
}

/// What belongs together but lies further apart than is waited for is cut, and its end becomes zeros.
#[test]
fn memory_is_bounded_by_what_was_asked_for() {
    let message = long_watchdog(7, 3000);
    let packet = |chunk: Vec<u8>| ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &[chunk])));
    let mut frames = vec![packet(data(2, 1, 0, 46, &message[..1500]))];
    frames.extend((0..50).map(|number| packet(data(3, 10 + number, 1, 46, &long_watchdog(number, 1000)))));
    frames.push(packet(data(1, 2, 0, 46, &message[1500..])));
    let (fresh, done) =
        translated_with(&pcap(1, &frames), false, Settings { step: 1000, reach: 10_000, ..Settings::default() })
            .unwrap();
    assert_eq!((done.messages, done.cut, done.unread), (51, 1, 1));
    assert!(!fresh.windows(4).any(|window| window == b"xxxx"));
    let (_, done) = translated_with(&pcap(1, &frames), false, Settings { step: 1000, ..Settings::default() }).unwrap();
    assert_eq!((done.messages, done.cut), (51, 0));
}
