//! SCTP associations and TCP connections.

use super::*;

fn ids(found: &[Brief]) -> Vec<u32> {
    found.iter().map(|message| message.2).collect()
}

mod sctp {
    use super::*;

    fn message(id: u32) -> Vec<u8> {
        watchdog(id, "mme.example")
    }

    #[test]
    fn bundled_chunks_and_bundled_messages_are_counted_within_the_frame() {
        let two = [message(1), message(2)].concat();
        let packet =
            build::sctp(PORTS, TAG, &[data(3, 1, 0, 46, &two), chunk(132, 0, &[0; 8]), data(7, 2, 0, 0, &message(3))]);
        let (found, _) = read(&sctp_file(&[packet]));
        assert_eq!(found, [(1, 0, 1, 40), (1, 1, 2, 40), (1, 2, 3, 40)]);
    }

    #[test]
    fn interleaved_fragments_of_two_messages() {
        let (a, b) = (message(1), message(2));
        let packets = [
            build::sctp(PORTS, TAG, &[i_data(2, 1, 10, 46, &a[..15]), i_data(6, 2, 10, 46, &b[..20])]),
            build::sctp(PORTS, TAG, &[i_data(5, 4, 10, 1, &b[20..]), i_data(0, 3, 10, 1, &a[15..30])]),
            build::sctp(PORTS, TAG, &[i_data(1, 5, 10, 2, &a[30..])]),
            build::sctp(PORTS, TAG, &[i_data(3, 6, 11, 46, &message(3))]),
        ];
        let (found, _) = read(&sctp_file(&packets));
        assert_eq!(found, [(2, 0, 2, 40), (3, 0, 1, 40), (4, 0, 3, 40)]);
    }

    #[test]
    fn a_lost_fragment_holds_up_nothing_and_fits_in_later_across_the_wrap() {
        let a = message(1);
        let packets = [
            build::sctp(PORTS, TAG, &[data(2, u32::MAX - 1, 7, 46, &a[..12])]),
            build::sctp(PORTS, TAG, &[data(1, 0, 7, 46, &a[24..])]),
            build::sctp(PORTS, TAG, &[data(3, 1, 8, 46, &message(2))]),
            build::sctp(PORTS, TAG, &[data(0, u32::MAX, 7, 46, &a[12..24])]),
        ];
        let (found, statistics) = read(&sctp_file(&packets));
        assert_eq!(found, [(3, 0, 2, 40), (4, 0, 1, 40)]);
        assert_eq!(statistics.sctp_incomplete, 0);
    }

    #[test]
    fn a_retransmission_in_another_bundle_is_no_second_message() {
        let chunk = |n| data(3, n, n as u16, 46, &message(n));
        let packets = [
            build::sctp(PORTS, TAG, &[chunk(1)]),
            build::sctp(PORTS, TAG, &[chunk(2)]),
            build::sctp(PORTS, TAG, &[chunk(2)]),
            build::sctp(PORTS, TAG, &[chunk(1), chunk(2), chunk(3)]),
        ];
        let (found, statistics) = read(&sctp_file(&packets));
        assert_eq!(ids(&found), [1, 2, 3]);
        assert_eq!(statistics.duplicate_chunks, 3);
    }

    #[test]
    fn new_associations_on_the_same_ports_begin_anew() {
        let talk = |tag: u32, id| {
            [
                build::sctp(PORTS, 0, &[init(1, tag + 1, 100, &[])]),
                build::sctp(PORTS, tag, &[data(3, 100, 0, 46, &message(id))]),
                build::sctp(PORTS, tag, &[chunk(14, 0, &[])]),
            ]
        };
        let file = sctp_file(&[talk(TAG, 1), talk(TAG + 10, 1), talk(TAG, 2)].concat());
        let mut reader = Reader::from_bytes(&file);
        let mut seen = Vec::new();
        while let Some(found) = reader.next_message().unwrap() {
            seen.push((found.frame, found.association));
        }
        assert_eq!(seen, [(2, 0), (5, 1), (8, 2)]);
    }

    #[test]
    fn two_paths_are_one_association() {
        let listed = [0, 5, 0, 8, 10, 0, 0, 3];
        let there = |hosts, packet: Vec<u8>| ethernet(&ipv4(hosts, 132, &packet));
        let back = (PORTS.1, PORTS.0);
        let frames = [
            there((1, 2), build::sctp(PORTS, 0, &[init(1, 77, 1, &listed)])),
            there((2, 1), build::sctp(back, 77, &[init(2, TAG, 1, &[])])),
            there((1, 2), build::sctp(PORTS, TAG, &[data(3, 1, 0, 46, &message(1))])),
            there((3, 4), build::sctp(PORTS, TAG, &[data(3, 1, 0, 46, &message(1)), data(3, 2, 1, 46, &message(2))])),
            there((2, 3), build::sctp(back, 77, &[data(3, 1, 0, 46, &message(3))])),
        ];
        let file = pcap(1, &frames);
        let mut reader = Reader::from_bytes(&file);
        let mut seen = Vec::new();
        while let Some(found) = reader.next_message().unwrap() {
            seen.push((found.frame, found.association));
        }
        assert_eq!(seen, [(3, 0), (4, 0), (5, 0)]);
        assert_eq!(reader.statistics().associations, 1);
    }

    #[test]
    fn two_directions_on_two_paths_are_joined_when_a_trace_begins_in_the_middle() {
        let there = |hosts, packet: Vec<u8>| ethernet(&ipv4(hosts, 132, &packet));
        let back = (PORTS.1, PORTS.0);
        let frames = [
            // Each side heard first on a path of its own, then both on one.
            there((2, 3), build::sctp(back, TAG + 1, &[data(3, 1, 0, 46, &message(1))])),
            there((1, 2), build::sctp(PORTS, TAG, &[data(3, 1, 0, 46, &message(2))])),
            there(
                (2, 1),
                build::sctp(back, TAG + 1, &[data(3, 2, 1, 46, &message(3)), data(3, 1, 0, 46, &message(1))]),
            ),
            there((1, 2), build::sctp(PORTS, TAG, &[data(3, 2, 1, 46, &message(4)), data(3, 1, 0, 46, &message(2))])),
        ];
        let file = pcap(1, &frames);
        let mut reader = Reader::from_bytes(&file);
        let mut seen = Vec::new();
        while let Some(found) = reader.next_message().unwrap() {
            seen.push((found.frame, found.association));
        }
        assert_eq!(seen, [(1, 0), (2, 1), (3, 0), (4, 0)], "known as one from the third frame on, nothing twice");
        assert_eq!(reader.statistics().associations, 1);
    }

    #[test]
    fn equal_tags_between_other_hosts_prove_nothing() {
        let frames: Vec<_> = (1..4)
            .map(|n| ethernet(&ipv4((n, 9), 132, &build::sctp(PORTS, 1, &[data(3, 1, 0, 46, &message(5))]))))
            .collect();
        let (found, statistics) = read(&pcap(1, &frames));
        assert_eq!((found.len(), statistics.associations), (3, 3));
    }

    #[test]
    fn a_connection_from_an_address_to_itself_has_two_directions() {
        let ports = (3868, 3868);
        let frames: Vec<_> = [(TAG, 1), (TAG + 1, 1), (TAG, 2), (TAG + 1, 2)]
            .iter()
            .map(|(tag, tsn)| {
                ethernet(&ipv4((1, 1), 132, &build::sctp(ports, *tag, &[data(3, *tsn, 0, 46, &message(1))])))
            })
            .collect();
        let (found, statistics) = read(&pcap(1, &frames));
        assert_eq!((found.len(), statistics.associations), (4, 1));
    }

    #[derive(Default)]
    struct Notes(Vec<String>);

    impl Observer for Notes {
        fn sctp_packet(&mut self, packet: &SctpPacket<'_>) {
            self.0.push(format!("{} {:?}", packet.frame, packet.checksum));
        }

        fn association(&mut self, event: &crate::capture::AssociationEvent) {
            self.0.push(format!("{} {} {:?}", event.frame, event.association, event.step));
        }
    }

    #[test]
    fn an_observer_sees_checksums_and_the_life_of_an_association() {
        let good = build::sctp(PORTS, TAG, &[data(3, 1, 0, 46, &message(1))]);
        let (mut bad, mut zero, mut adler) = (good.clone(), good.clone(), good.clone());
        bad[9] ^= 1;
        zero[8..12].fill(0);
        adler[8..12].fill(0);
        let (a, b) = adler.iter().fold((1_u32, 0_u32), |(a, b), octet| {
            let a = (a + u32::from(*octet)) % 65_521;
            (a, (a + b) % 65_521)
        });
        adler[8..12].copy_from_slice(&(b << 16 | a).to_be_bytes());
        let begin = build::sctp(PORTS, 0, &[init(1, 77, 1, &[])]);
        let end = build::sctp(PORTS, TAG, &[chunk(6, 0, &[])]);
        let file = sctp_file(&[begin, good, bad, zero, adler, end]);
        let (mut reader, mut notes) = (Reader::from_bytes(&file), Notes::default());
        while reader.next_message_with(&mut notes).unwrap().is_some() {}
        let expected = ["1 Good", "1 0 Init", "2 Good", "3 Bad", "4 Zero", "5 Adler32", "6 Good", "6 0 Abort"];
        assert_eq!(notes.0, expected);
        assert_eq!(reader.statistics().messages(), 1);
    }
}

mod tcp {
    use super::*;

    fn segment(sequence: u32, payload: &[u8]) -> Vec<u8> {
        build::tcp(PORTS, sequence, 16, payload)
    }

    fn stream(count: u32) -> Vec<u8> {
        (0..count).flat_map(|n| watchdog(n, "mme.example")).collect()
    }

    #[test]
    fn octet_by_octet_across_the_wrap() {
        let stream = stream(3);
        let start = u32::MAX - 50;
        let segments: Vec<_> = (0..120).map(|n| segment(start.wrapping_add(n as u32), &stream[n..=n])).collect();
        assert_eq!(read(&tcp_file(&segments)).0, [(40, 0, 0, 40), (80, 0, 1, 40), (120, 0, 2, 40)]);
    }

    #[test]
    fn overlap_and_retransmission_are_passed_over() {
        let stream = stream(4);
        let part = |from: usize, to: usize| segment(1000 + from as u32, &stream[from..to]);
        let segments = [part(0, 50), part(0, 50), part(30, 90), part(20, 40), part(60, 160), part(0, 160)];
        let (found, statistics) = read(&tcp_file(&segments));
        assert_eq!(found, [(1, 0, 0, 40), (3, 0, 1, 40), (5, 0, 2, 40), (5, 1, 3, 40)]);
        assert_eq!(statistics.tcp_retransmissions, 3);
    }

    #[test]
    fn a_message_behind_a_hole_does_not_wait() {
        let stream = stream(4);
        let part = |from: usize, to: usize| segment(from as u32, &stream[from..to]);
        let (found, _) = read(&tcp_file(&[part(0, 40), part(80, 140), part(140, 160), part(40, 80)]));
        assert_eq!(found, [(1, 0, 0, 40), (2, 0, 2, 40), (4, 0, 1, 40), (4, 1, 3, 40)]);
    }

    #[test]
    fn a_hole_that_stays_is_given_up_and_the_next_message_found() {
        let stream = stream(5);
        let part = |from: usize, to: usize| segment(from as u32, &stream[from..to]);
        // Octets 50 to 70 are missing, and with them message 1; the rest begins in its middle.
        let (found, statistics) = read(&tcp_file(&[part(0, 50), part(70, 130), part(130, 200)]));
        assert_eq!(found, [(1, 0, 0, 40), (2, 0, 2, 40), (3, 0, 3, 40), (3, 1, 4, 40)]);
        assert_eq!(statistics.tcp_gaps, 1);
        let many: Vec<_> = (0..400).map(|n| watchdog(n, "mme.example")).collect();
        let mut segments: Vec<_> = many.iter().enumerate().map(|(n, m)| segment(n as u32 * 40 + 7, &m[7..])).collect();
        segments.truncate(100);
        segments.extend((100..400).map(|n| segment(n as u32 * 40, &many[n])));
        let (found, _) = read(&tcp_file(&segments));
        assert_eq!(found.len(), 300);
    }

    #[test]
    fn a_trace_that_begins_within_a_message() {
        let stream = stream(3);
        let (found, _) = read(&tcp_file(&[segment(13, &stream[13..70]), segment(70, &stream[70..])]));
        assert_eq!(ids(&found), [1, 2]);
    }

    #[test]
    fn a_trace_that_begins_out_of_order() {
        let stream = stream(2);
        let (found, _) = read(&tcp_file(&[segment(40, &stream[40..]), segment(0, &stream[..40])]));
        assert_eq!(ids(&found), [1, 0]);
    }

    #[test]
    fn other_protocols_are_left_alone_and_diameter_may_follow() {
        let mut segments = Vec::new();
        let mut at = 0;
        for _ in 0..200 {
            let text = b"POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\n\r\n\x01\x00\x00".repeat(4);
            segments.push(segment(at, &text));
            at += text.len() as u32;
        }
        segments.push(segment(at, &stream(1)));
        let (found, _) = read(&tcp_file(&segments));
        assert_eq!(found, [(201, 0, 0, 40)]);
    }

    #[test]
    fn ports_used_again_begin_a_new_connection() {
        let talk = |start: u32| {
            [build::tcp(PORTS, start, 2, &[]), segment(start + 1, &stream(1)), build::tcp(PORTS, start + 41, 4, &[])]
        };
        let file = tcp_file(&[talk(5000), talk(4000)].concat());
        let mut reader = Reader::from_bytes(&file);
        let mut seen = Vec::new();
        while let Some(found) = reader.next_message().unwrap() {
            seen.push((found.frame, found.association));
        }
        assert_eq!(seen, [(2, 0), (5, 1)]);
    }

    #[test]
    fn a_segment_cut_by_the_snap_length_loses_one_message_only() {
        let stream = stream(4);
        let mut frames: Vec<_> = [(0, 100), (100, 160)]
            .iter()
            .map(|&(from, to)| ethernet(&ipv4((1, 2), 6, &segment(from as u32, &stream[from..to]))))
            .collect();
        frames[0].truncate(14 + 40 + 60);
        let (found, statistics) = read(&pcap(1, &frames));
        assert_eq!((ids(&found), statistics.cut), (vec![0, 3], 1));
    }

    #[test]
    fn a_message_too_long_is_passed_over() {
        let stream = [watchdog(1, "a"), long_watchdog(2, 5000), watchdog(3, "b")].concat();
        let segments: Vec<_> =
            stream.chunks(1000).enumerate().map(|(n, part)| segment(n as u32 * 1000, part)).collect();
        let options = Options { max_message: 2000, ..Options::default() };
        let file = tcp_file(&segments);
        let mut reader = Reader::with_options(&file[..], options);
        let mut lengths = Vec::new();
        while let Some(found) = reader.next_message().unwrap() {
            lengths.push(found.bytes.len());
        }
        assert_eq!((lengths, reader.statistics().too_long), (vec![32, 32], 1));
    }
}
