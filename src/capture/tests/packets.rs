//! Links, IP, tunnels.

use super::*;

fn packet() -> Vec<u8> {
    sctp(PORTS, TAG, &[data(3, 1, 0, 46, &watchdog(7, "mme.example"))])
}

fn assert_one(link: u32, frame: Vec<u8>) {
    let (found, statistics) = read(&pcap(link, &[frame]));
    assert_eq!(found, [(1, 0, 7, 40)], "link type {link}, {statistics:?}");
    assert_eq!(statistics.checksum_good, 1);
}

#[test]
fn one_message_over_every_link() {
    let ip = ipv4((1, 2), 132, &packet());
    let ethernet_tail = |tail: &[u8]| [&[2; 12][..], tail, &ip].concat();
    assert_one(1, ethernet(&ip));
    assert_one(1, ethernet_tail(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0]));
    assert_one(1, ethernet_tail(&[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64]));
    assert_one(113, [&[0; 14][..], &[8, 0], &ip].concat());
    assert_one(276, [&[8, 0][..], &[0; 18], &ip].concat());
    assert_one(0, [&[2, 0, 0, 0][..], &ip].concat());
    assert_one(101, ip.clone());
    assert_one(228, ip);
}

#[test]
fn over_ipv6_with_addresses_as_they_are() {
    let file = pcap(229, &[ipv6(132, &packet())]);
    let mut reader = Reader::from_bytes(&file);
    let message = reader.next_message().unwrap().unwrap();
    assert_eq!(message.source.to_string(), "[2001:db8::1]:40000");
    assert_eq!(message.destination.to_string(), "[2001:db8::2]:3868");
    assert_eq!((message.transport, message.ppid, message.stream), (Transport::Sctp, Some(46), Some(5)));
}

#[test]
fn fragments_of_ip_in_the_wrong_order() {
    let packet = sctp(PORTS, TAG, &[data(3, 1, 0, 46, &long_watchdog(7, 2000))]);
    let fragment = |from: usize, to: usize| {
        let more = if to < packet.len() { 0x2000 } else { 0 };
        ethernet(&ipv4_fragment((1, 2), 132, more | (from / 8) as u16, &packet[from..to]))
    };
    let (found, statistics) = read(&pcap(1, &[fragment(1400, packet.len()), fragment(0, 800), fragment(800, 1400)]));
    assert_eq!(found, [(3, 0, 7, 2000)]);
    assert_eq!((statistics.ip_fragments, statistics.checksum_good), (3, 1));
}

#[test]
fn one_level_of_tunnel_is_opened() {
    let inner = ipv4((1, 2), 132, &packet());
    let gtp = [&[0x30, 255][..], &(inner.len() as u16).to_be_bytes(), &[0, 0, 0, 1], &inner].concat();
    let outer = ipv4((8, 9), 17, &udp((2152, 2152), &gtp));
    assert_one(1, ethernet(&outer));
    let vxlan = [&[8, 0, 0, 0, 0, 0, 1, 0][..], &ethernet(&inner)].concat();
    assert_one(1, ethernet(&ipv4((8, 9), 17, &udp((50_000, 4789), &vxlan))));
    let nested = [&[0x30, 255][..], &(outer.len() as u16).to_be_bytes(), &[0, 0, 0, 1], &outer].concat();
    assert!(read(&pcap(1, &[ethernet(&ipv4((8, 9), 17, &udp((2152, 2152), &nested)))])).0.is_empty());
}

#[test]
fn sctp_over_udp_on_its_port_and_recognised_on_others() {
    assert_one(1, ethernet(&ipv4((1, 2), 17, &udp((9899, 9899), &packet()))));
    assert_one(1, ethernet(&ipv4((1, 2), 17, &udp((40_001, 36_000), &packet()))));
    let mut broken = packet();
    broken[8] ^= 1;
    let file = |port| pcap(1, &[ethernet(&ipv4((1, 2), 17, &udp((40_001, port), &broken)))]);
    assert!(read(&file(36_000)).0.is_empty(), "without port and checksum it could be anything");
    assert_eq!(read(&file(9899)).0.len(), 1);
}

#[test]
fn what_icmp_quotes_is_not_read_again() {
    let quoted = [&[3, 4, 0, 0, 0, 0, 0, 0][..], &ipv4((1, 2), 132, &packet())].concat();
    let (found, statistics) = read(&pcap(1, &[ethernet(&ipv4((2, 1), 1, &quoted))]));
    assert!(found.is_empty());
    assert_eq!(statistics.sctp_packets, 0);
}

#[test]
fn a_packet_cut_by_the_snap_length_gives_the_chunks_that_are_whole() {
    let chunks = [data(3, 1, 0, 46, &watchdog(7, "mme.example")), data(3, 2, 1, 46, &watchdog(8, "hss.example"))];
    let whole = ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &chunks)));
    for length in 0..whole.len() {
        let (found, statistics) = read(&pcap(1, &[whole[..length].to_vec()]));
        assert_eq!(found.len(), usize::from(length >= 14 + 20 + 12 + 56), "{length}");
        assert!(statistics.checksum_bad == 0);
    }
}
