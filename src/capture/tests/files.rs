//! File formats.

use std::io::Write;

use super::*;

fn packet() -> Vec<u8> {
    ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &[data(3, 1, 0, 46, &watchdog(7, "mme.example"))])))
}

fn times(file: &[u8]) -> Vec<String> {
    let mut reader = Reader::from_bytes(file);
    let mut times = Vec::new();
    while let Some(message) = reader.next_message().unwrap() {
        times.push(message.time.to_string());
    }
    times
}

/// A pcap of one packet at 5 s and 6 units.
fn variant(magic: u32, big: bool, extra: usize) -> Vec<u8> {
    let word = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let half = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let length = word(packet().len() as u32);
    [
        &word(magic)[..],
        &half(2),
        &half(4),
        &[0; 12],
        &word(1),
        &word(5),
        &word(6),
        &length,
        &length,
        &vec![0; extra],
        &packet(),
    ]
    .concat()
}

#[test]
fn every_variant_of_pcap() {
    for big in [false, true] {
        assert_eq!(times(&variant(0xa1b2_c3d4, big, 0)), ["5.000006000"]);
        assert_eq!(times(&variant(0xa1b2_3c4d, big, 0)), ["5.000000006"]);
        assert_eq!(times(&variant(0xa1b2_cd34, big, 8)), ["5.000006000"]);
    }
}

#[test]
fn sections_of_both_byte_orders_with_their_own_interfaces() {
    let nanoseconds = [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
    let binary_and_offset = [0, 9, 0, 1, 0x8a, 0, 0, 0, 0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 100];
    let other =
        |ssn| ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &[data(3, u32::from(ssn), ssn, 46, &watchdog(7, "a"))])));
    let old = [&[0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0][..], &[60 + 44, 0, 0, 0].repeat(2), &other(30)[..]].concat();
    assert_eq!(other(30).len(), 14 + 20 + 12 + 16 + 32);
    let mut old = old;
    let length = (other(30).len() as u32).to_le_bytes();
    old[12..16].copy_from_slice(&length);
    old[16..20].copy_from_slice(&length);
    let simple = [&(other(31).len() as u32).to_le_bytes()[..], &other(31)].concat();
    let file = [
        section(false),
        interface(false, 1, &[]),
        interface(false, 1, &nanoseconds),
        enhanced(false, 0, 1_000_001, &other(1)),
        enhanced(false, 1, 1_000_000_002, &other(2)),
        block(false, 0x0bad, b"nobody knows me"),
        block(false, 2, &old),
        block(false, 3, &simple),
        section(true),
        interface(true, 1, &binary_and_offset),
        enhanced(true, 0, 512, &other(3)),
    ]
    .concat();
    let expected = ["1.000001000", "1.000000002", "0.000004000", "0.000000000", "100.500000000"];
    assert_eq!(times(&file), expected);
}

#[test]
fn a_simple_packet_ends_at_the_snap_length_of_its_interface() {
    let mut limited = interface(false, 1, &[]);
    limited[12] = 60;
    let simple = [&(packet().len() as u32).to_le_bytes()[..], &packet()[..60]].concat();
    let (found, statistics) = read(&[section(false), limited, block(false, 3, &simple)].concat());
    assert!(found.is_empty());
    assert_eq!((statistics.cut, statistics.checksum_unjudged), (1, 1));
}

#[test]
fn gzip_is_opened_and_its_damage_told() {
    let frames: Vec<_> = (0..50)
        .map(|n| ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &[data(3, n, 0, 46, &watchdog(n, "mme.example"))]))))
        .collect();
    let file = pcap(1, &frames);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(&file).unwrap();
    let packed = packer.finish().unwrap();
    assert_eq!(read(&packed).0.len(), 50);
    let (found, _, error) = read_all(&packed[..packed.len() - 9]);
    assert!(found.len() <= 50);
    assert!(error.unwrap().contains("gzip"));
}

#[test]
fn other_formats_are_named() {
    for (head, name) in [
        (&b"snoop\0\0\0\0\0\0\x02\0\0\0\x04"[..], "snoop"),
        (b"btsnoop\0\0\0\0\x01", "btsnoop"),
        (b"GMBU\0\0\0\0", "Network Monitor 2"),
        (b"\x28\xb5\x2f\xfd....", "zstd"),
        // Endace: time, type 2 (Ethernet), flags, 80 octets, no loss, 60 on the wire.
        (&[0, 0, 0, 0, 0, 0, 0, 0x60, 2, 4, 0, 80, 0, 0, 0, 60, 0, 0], "ERF"),
    ] {
        let (_, _, error) = read_all(head);
        let error = error.unwrap();
        assert!(error.contains(name) && error.contains("not a format this reader supports"), "{error}");
    }
    for (bytes, sentence) in [(&b"GIF89a and so on"[..], "not a capture"), (b"", "empty"), (b"\x0a", "too few")] {
        assert!(read_all(bytes).2.unwrap().contains(sentence));
    }
}

#[test]
fn times_before_the_epoch_and_far_ones_are_written_with_nine_decimals() {
    assert_eq!(Timestamp(-1_500_000_000).to_string(), "-1.500000000");
    assert_eq!(Timestamp(i64::MAX).to_string(), "9223372036.854775807");
}
