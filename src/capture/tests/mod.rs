//! Whole captures by hand, and what a reader finds in them.

pub mod build;
mod damage;
mod files;
mod packets;
mod rewriting;
mod streams;

use build::*;

use super::{Observer, Options, Reader, SctpPacket, Statistics, Timestamp, Transport};
use crate::message::Header;

/// A message as the tests compare it: frame, index, hop-by-hop identifier, length.
type Brief = (u64, u32, u32, usize);

fn read(file: &[u8]) -> (Vec<Brief>, Statistics) {
    let (found, statistics, error) = read_all(file);
    assert_eq!(error, None);
    (found, statistics)
}

fn read_all(file: &[u8]) -> (Vec<Brief>, Statistics, Option<String>) {
    let mut reader = Reader::from_bytes(file);
    let mut found = Vec::new();
    loop {
        match reader.next_message() {
            Ok(Some(message)) => {
                let header = Header::parse(message.bytes).unwrap();
                found.push((message.frame, message.index, header.hop_by_hop, message.bytes.len()));
            }
            Ok(None) => return (found, *reader.statistics(), None),
            Err(error) => {
                assert!(reader.next_message().unwrap().is_none());
                return (found, *reader.statistics(), Some(error.to_string()));
            }
        }
    }
}

/// Frames in a pcap, each one an SCTP packet from host 1 to host 2.
fn sctp_file(packets: &[Vec<u8>]) -> Vec<u8> {
    let frames: Vec<_> = packets.iter().map(|packet| ethernet(&ipv4((1, 2), 132, packet))).collect();
    pcap(1, &frames)
}

/// Likewise of TCP segments.
fn tcp_file(segments: &[Vec<u8>]) -> Vec<u8> {
    let frames: Vec<_> = segments.iter().map(|segment| ethernet(&ipv4((1, 2), 6, segment))).collect();
    pcap(1, &frames)
}

const PORTS: (u16, u16) = (40_000, 3868);
const TAG: u32 = 0x1234_5678;
