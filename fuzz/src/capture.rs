//! Capture files, and SCTP packets in them.

use std::collections::BTreeSet;
use std::io::{self, Read};

use proselink::capture::{AssociationEvent, Observer, Options, Reader, SctpPacket, Statistics};

/// Small limits are reached by small inputs.
const SMALL: Options = Options { max_message: 512, max_memory: 2048, max_flows: 3 };

/// What a reader made of a capture.
#[derive(Debug, PartialEq)]
struct Seen {
    messages: Vec<(u64, u32, u32, Vec<u8>)>,
    error: Option<String>,
    statistics: Statistics,
}

/// Sees everything, and counts what the statistics count too.
#[derive(Default)]
struct Counts {
    packets: u64,
    steps: u64,
}

impl Observer for Counts {
    fn sctp_packet(&mut self, packet: &SctpPacket<'_>) {
        let _ = format!("{packet:?}");
        self.packets += 1;
    }

    fn association(&mut self, event: &AssociationEvent) {
        let _ = format!("{event:?}");
        self.steps += 1;
    }
}

/// Reads to the end; an error comes once, then nothing.
fn read(input: impl Read + Send, options: Options) -> Seen {
    let mut reader = Reader::with_options(input, options);
    let mut counts = Counts::default();
    let mut messages = Vec::new();
    let error = loop {
        match reader.next_message_with(&mut counts) {
            Ok(Some(message)) => {
                assert!((20..=options.max_message).contains(&message.bytes.len()));
                messages.push((message.frame, message.index, message.association, message.bytes.to_vec()));
            }
            Ok(None) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    for _ in 0..2 {
        assert!(matches!(reader.next_message(), Ok(None)), "more after the end");
    }
    let statistics = *reader.statistics();
    assert_eq!(statistics.messages(), messages.len() as u64);
    assert_eq!(counts.packets, statistics.sctp_packets);
    let checksums = statistics.checksum_good
        + statistics.checksum_bad
        + statistics.checksum_zero
        + statistics.checksum_adler32
        + statistics.checksum_unjudged;
    assert_eq!(checksums, statistics.sctp_packets);
    assert!(statistics.duplicate_chunks <= statistics.data_chunks);
    assert!(statistics.tcp_retransmissions <= statistics.tcp_segments);
    assert!(statistics.sctp_over_udp <= statistics.sctp_packets);
    // A frame and an index name one message. (Their order is not that of frames: what a gap held back comes at the end.)
    let places: BTreeSet<_> = messages.iter().map(|(frame, index, ..)| (frame, index)).collect();
    assert_eq!(places.len(), messages.len(), "two messages at one place");
    assert!(messages.iter().all(|message| (1..=statistics.frames).contains(&message.0)));
    Seen { messages, error, statistics }
}

/// Hands out a few octets at a time, as a slow pipe does.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 % 61 + 1;
        let length = self.1.min(self.0.len()).min(buffer.len());
        let (now, later) = self.0.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.0 = later;
        Ok(length)
    }
}

/// A capture file of any octets: it ends, and a slow pipe gives the same as a file.
pub fn capture_file(data: &[u8]) {
    let at_once = read(data, Options::default());
    let slowly = read(Trickle(data, 0), Options::default());
    assert_eq!(at_once, slowly);
    read(data, SMALL);
}

/// SCTP packets of any chunks. The input is a list of packets: an octet of choices, two of length, then the chunks.
/// Choices: 1 the other direction, 2 a wrong checksum, 4 other ports, 8 over UDP, 16 another tag.
pub fn sctp_chunk(data: &[u8]) {
    let mut file = pcap_header();
    let mut rest = data;
    let mut packets = 0;
    while let Some(([choices, high, low], more)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(more.len());
        let (chunks, more) = more.split_at(length);
        rest = more;
        packets += 1;
        record(&mut file, packets, &packet(*choices, chunks));
    }
    let seen = read(&file[..], Options::default());
    assert_eq!(seen.error, None);
    assert_eq!(seen.statistics.frames, u64::from(packets));
    let (least, octets) = (20, data.len());
    assert!(seen.messages.iter().map(|message| message.3.len()).sum::<usize>() <= octets);
    assert!(seen.messages.len() <= octets / least);
    read(&file[..], SMALL);
}

/// The header of a pcap of raw IP packets.
pub(crate) fn pcap_header() -> Vec<u8> {
    let mut file = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    file.extend_from_slice(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    file.extend_from_slice(&101_u32.to_le_bytes());
    file
}

/// Appends a packet that was captured `second` seconds after the epoch.
pub(crate) fn record(file: &mut Vec<u8>, second: u32, packet: &[u8]) {
    let length = packet.len() as u32;
    for word in [second, 0, length, length] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    file.extend_from_slice(packet);
}

/// An IPv4 packet of SCTP.
pub(crate) fn packet(choices: u8, chunks: &[u8]) -> Vec<u8> {
    let (mut from, mut to) = (1, 2);
    let (mut source, mut destination) = if choices & 4 == 0 { (40000_u16, 3868_u16) } else { (40001, 9999) };
    if choices & 1 != 0 {
        std::mem::swap(&mut from, &mut to);
        std::mem::swap(&mut source, &mut destination);
    }
    let mut sctp = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    sctp.extend_from_slice(&[0, 0, if choices & 16 == 0 { 7 } else { 8 }, from]);
    sctp.extend_from_slice(&[0; 4]);
    sctp.extend_from_slice(chunks);
    let sum = crc32c::crc32c(&sctp) ^ u32::from(choices & 2);
    sctp[8..12].copy_from_slice(&sum.to_le_bytes());
    let protocol = if choices & 8 == 0 {
        132
    } else {
        let length = (8 + sctp.len()).min(0xffff) as u16;
        let mut udp = [9899_u16, 9899, length, 0].map(u16::to_be_bytes).concat();
        udp.append(&mut sctp);
        sctp = udp;
        17
    };
    let total = (20 + sctp.len()).min(0xffff) as u16;
    let [high, low] = total.to_be_bytes();
    let mut out = vec![0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, from, 10, 0, 0, to];
    out.append(&mut sctp);
    out
}
