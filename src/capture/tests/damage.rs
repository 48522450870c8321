//! Whatever stands in the file: an answer, in bounded time and memory, and first all that is right.

use proptest::prelude::*;

use super::*;

fn capture() -> Vec<u8> {
    let frames: Vec<_> = (0..6)
        .map(|n| ethernet(&ipv4((1, 2), 132, &sctp(PORTS, TAG, &[data(3, n, 0, 46, &watchdog(n, "mme.example"))]))))
        .collect();
    pcap(1, &frames)
}

fn capture_ng() -> Vec<u8> {
    let stream: Vec<u8> = (0..6).flat_map(|n| watchdog(n, "mme.example")).collect();
    let mut file = [section(true), interface(true, 1, &[]), block(true, 5, &[0; 40])].concat();
    for (n, part) in stream.chunks(31).enumerate() {
        let frame = ethernet(&ipv4((1, 2), 6, &tcp(PORTS, n as u32 * 31, 16, part)));
        file.extend(enhanced(true, 0, n as u64, &frame));
    }
    file
}

#[test]
fn a_cut_anywhere_delivers_what_is_before_it() {
    for file in [capture(), capture_ng()] {
        let (all, ..) = read_all(&file);
        assert_eq!(all.len(), 6);
        let mut clean_ends = 0;
        for length in 0..file.len() {
            let (found, statistics, error) = read_all(&file[..length]);
            assert_eq!(found, all[..found.len()], "cut at {length}");
            assert_eq!(found.len(), all.iter().filter(|message| message.0 <= statistics.frames).count());
            clean_ends += usize::from(error.is_none());
        }
        assert!(clean_ends < 30, "only between records");
    }
}

#[test]
fn the_offset_points_at_the_damaged_record() {
    let mut file = capture();
    let second = 24 + 16 + (file.len() - 24) / 6 - 16;
    file[second + 11] = 0xff;
    let (found, _, error) = read_all(&file);
    assert_eq!(found.len(), 1);
    assert!(error.unwrap().contains(&format!("offset {second}")));
    let mut file = capture_ng();
    let at = file.len() - 4;
    file[at] ^= 1;
    assert!(read_all(&file).2.unwrap().contains("the length at the end"));
}

#[test]
fn ten_thousand_associations_and_connections_fit_into_small_tables() {
    let frames: Vec<_> = (0..10_000_u32)
        .map(|n| {
            let ports = (n as u16 + 1, 3868);
            let message = watchdog(n, "mme.example");
            if n % 2 == 0 {
                ethernet(&ipv4((1, 2), 132, &sctp(ports, TAG + n, &[data(3, 5, 0, 46, &message)])))
            } else {
                ethernet(&ipv4((1, 2), 6, &tcp(ports, n, 16, &message)))
            }
        })
        .collect();
    let file = pcap(1, &frames);
    let options = Options { max_flows: 100, ..Options::default() };
    let mut reader = Reader::with_options(&file[..], options);
    let mut count = 0;
    while reader.next_message().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 10_000);
    assert_eq!(reader.statistics().evicted, 9_800);
}

#[test]
fn fragments_and_holes_without_end_stay_within_memory() {
    let options = Options { max_memory: 100_000, ..Options::default() };
    let frames: Vec<_> = (0..3000_u32)
        .map(|n| {
            if n % 2 == 0 {
                let begin = data(2, n * 10, n as u16, 46, &long_watchdog(n, 1200));
                ethernet(&ipv4((1, 2), 132, &sctp((n as u16 % 50 + 1, 3868), TAG, &[begin])))
            } else {
                ethernet(&ipv4((1, 2), 6, &tcp((n as u16 % 50 + 1, 3868), n * 2000, 16, &[1; 1200])))
            }
        })
        .collect();
    let file = pcap(1, &frames);
    let mut reader = Reader::with_options(&file[..], options);
    while reader.next_message().unwrap().is_some() {}
    assert!(reader.statistics().sctp_incomplete >= 1500 - 100);
}

proptest! {
    #[test]
    fn any_octets_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..600), magic in 0..6_usize) {
        let magics: [&[u8]; 6] = [
            &[],
            &[0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &[0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 101, 0, 0, 0],
            &[0x0a, 0x0d, 0x0d, 0x0a],
            &[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0],
            &[0x1f, 0x8b, 8],
        ];
        read_all(&[magics[magic], &bytes].concat());
    }

    #[test]
    fn a_packet_of_any_octets_is_answered(
        packets in proptest::collection::vec(
            (0..8_usize, proptest::collection::vec(any::<u8>(), 0..200)), 0..20),
    ) {
        let frames: Vec<_> = packets
            .iter()
            .map(|(kind, bytes)| match kind {
                0 => bytes.clone(),
                1 => ethernet(&[&[0x45], &bytes[..]].concat()),
                2 => ethernet(&[&[0x60], &bytes[..]].concat()),
                3 => ethernet(&ipv4((1, 2), 132, bytes)),
                4 => ethernet(&ipv4((1, 2), 132, &[&sctp(PORTS, TAG, &[])[..], bytes].concat())),
                5 => ethernet(&ipv4((1, 2), 6, bytes)),
                6 => ethernet(&ipv4((1, 2), 17, &udp((2152, 9899), bytes))),
                _ => ethernet(&ipv6(0, bytes)),
            })
            .collect();
        read(&pcap(1, &frames));
    }

    #[test]
    fn a_few_wrong_octets_do_no_harm(
        which in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut file = if which { capture() } else { capture_ng() };
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        read_all(&file);
    }

    /// However a stream is cut into segments, shuffled a little and repeated: each message once.
    #[test]
    fn a_stream_in_any_segments_gives_each_message_once(
        cuts in proptest::collection::vec(1..80_usize, 1..40),
        swaps in proptest::collection::vec(0..60_usize, 0..10),
        repeats in proptest::collection::vec(0..60_usize, 0..10),
        start in any::<u32>(),
    ) {
        let stream: Vec<u8> = (0..20).flat_map(|n| watchdog(n, &"h".repeat(1 + n as usize * 3))).collect();
        let mut segments = vec![tcp(PORTS, start.wrapping_sub(1), 2, &[])];
        let (mut at, mut turn) = (0, 0);
        while at < stream.len() {
            let end = (at + cuts[turn % cuts.len()]).min(stream.len());
            segments.push(tcp(PORTS, start.wrapping_add(at as u32), 16, &stream[at..end]));
            (at, turn) = (end, turn + 1);
        }
        for n in repeats {
            let n = n.min(segments.len() - 1);
            segments.insert(n, segments[n].clone());
        }
        for n in swaps {
            if n > 0 && n + 1 < segments.len() {
                segments.swap(n, n + 1);
            }
        }
        let (found, _) = read(&tcp_file(&segments));
        let mut ids: Vec<_> = found.iter().map(|message| message.2).collect();
        ids.sort_unstable();
        prop_assert_eq!(ids, (0..20).collect::<Vec<_>>());
    }

    /// However messages are cut into fragments, bundled, shuffled and repeated: each message once.
    #[test]
    fn fragments_in_any_packets_give_each_message_once(
        sizes in proptest::collection::vec(8..60_usize, 1..10),
        swaps in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..12),
        bundles in proptest::collection::vec(1..4_usize, 1..6),
        interleaved in any::<bool>(),
        start in any::<u32>(),
    ) {
        let mut chunks = Vec::new();
        for n in 0..12_u32 {
            let message = watchdog(n, &"h".repeat(n as usize * 9));
            let mut parts = Vec::new();
            let mut at = 0;
            while at < message.len() {
                let end = (at + sizes[(n as usize + parts.len()) % sizes.len()]).min(message.len());
                parts.push(&message[at..end]);
                at = end;
            }
            for (number, part) in parts.iter().enumerate() {
                let flags = (u8::from(number == 0) * 2) | u8::from(number + 1 == parts.len());
                let tsn = start.wrapping_add(chunks.len() as u32);
                chunks.push(if interleaved {
                    let word = if number == 0 { 46 } else { number as u32 };
                    i_data(flags, tsn, n, word, part)
                } else {
                    data(flags, tsn, n as u16, 46, part)
                });
            }
        }
        for (a, b) in swaps {
            let (a, b) = (a.index(chunks.len()), b.index(chunks.len()));
            chunks.swap(a, b);
        }
        let repeated = [&chunks[..], &chunks[chunks.len() / 2..]].concat();
        let mut packets = Vec::new();
        let (mut at, mut turn) = (0, 0);
        while at < repeated.len() {
            let end = (at + bundles[turn % bundles.len()]).min(repeated.len());
            packets.push(sctp(PORTS, TAG, &repeated[at..end]));
            (at, turn) = (end, turn + 1);
        }
        let (found, _) = read(&sctp_file(&packets));
        let mut ids: Vec<_> = found.iter().map(|message| message.2).collect();
        ids.sort_unstable();
        prop_assert_eq!(ids, (0..12).collect::<Vec<_>>());
    }
}
