//! The inputs to begin with, made here so that none has to be kept: one message of each command, files of each format.

use std::io::Write;

use proselink::avp::dictionary::{self, Member, write_raw};
use proselink::avp::format::Kind;
use proselink::interfaces::INTERFACES;
use proselink::message::{HEADER_LENGTH, Header};

use crate::capture::{packet, pcap_header, record};

/// Name, target and seeds of every target.
#[must_use]
pub fn all() -> Vec<(&'static str, fn(&[u8]), Vec<Vec<u8>>)> {
    vec![
        ("message", crate::message, messages()),
        ("avp", crate::avp, avps()),
        ("framing", crate::framing, streams()),
        ("sctp_chunk", crate::sctp_chunk, chunks()),
        ("capture_file", crate::capture_file, captures()),
    ]
}

/// Data that each format accepts.
fn sample(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::UTF8String => "żółw".as_bytes(),
        Kind::DiameterIdentity => b"a.example",
        Kind::DiameterURI => b"aaa://a.example:3868;transport=sctp",
        Kind::IPFilterRule | Kind::QoSFilterRule => b"permit in ip from any to any",
        Kind::OctetString => &[0x21, 0x43],
        Kind::Float32 => &[0x3f, 0x80, 0, 0],
        kind => kind.sample(),
    }
}

fn members(members: &[Member], depth: usize, optional: bool, out: &mut Vec<u8>) {
    for member in members.iter().filter(|member| optional || member.least > 0) {
        let definition = member.definition;
        let mut data = Vec::new();
        if definition.kind == Kind::Grouped {
            if depth < 3 {
                self::members(definition.members, depth + 1, optional && depth == 0, &mut data);
            }
        } else {
            data.extend_from_slice(sample(definition.kind));
        }
        write_raw(definition.key, definition.flags(), &data, out);
    }
}

/// A message of every command: what it must have, and what it may.
#[must_use]
pub fn messages() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for interface in INTERFACES {
        for command in interface.commands {
            for optional in [false, true] {
                let mut body = Vec::new();
                members(command.members, 0, optional, &mut body);
                let header = Header {
                    version: 1,
                    length: (HEADER_LENGTH + body.len()) as u32,
                    flags: command.flags(),
                    code: command.code,
                    application: interface.applications[0],
                    hop_by_hop: 1,
                    end_to_end: 2,
                };
                all.push([&header.to_bytes()[..], &body].concat());
            }
        }
    }
    all
}

fn avps() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = dictionary::all().map(|definition| sample(definition.kind).to_vec()).collect();
    all.sort();
    all.dedup();
    all.extend([b"2026-11-05T13:27:56Z".to_vec(), b"aaas://[2001:db8::1]:5868;protocol=diameter".to_vec()]);
    all.extend(messages().into_iter().step_by(7).map(|message| message[HEADER_LENGTH..].to_vec()));
    all
}

fn streams() -> Vec<Vec<u8>> {
    let pair: Vec<u8> = messages().into_iter().take(2).flatten().collect();
    [[0, 255], [10, 255], [63, 8]].into_iter().map(|head| [&head[..], &pair].concat()).collect()
}

fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, flags];
    out.extend_from_slice(&((4 + value.len()) as u16).to_be_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// A DATA chunk of stream 5 and PPID 46. Flags: 1 end, 2 begin, 4 unordered.
fn data(flags: u8, tsn: u8, number: u8, user: &[u8]) -> Vec<u8> {
    chunk(0, flags, &[&[0, 0, 0, tsn, 0, 5, 0, number, 0, 0, 0, 46], user].concat())
}

/// An I-DATA chunk; `word` is the PPID of a first fragment, else the fragment's number.
fn i_data(flags: u8, tsn: u8, number: u8, word: u8, user: &[u8]) -> Vec<u8> {
    chunk(64, flags, &[&[0, 0, 0, tsn, 0, 5, 0, 0, 0, 0, 0, number, 0, 0, 0, word], user].concat())
}

/// Lists of packets: each with its choices and its chunks.
fn conversations() -> Vec<Vec<(u8, Vec<u8>)>> {
    let message = &messages()[0];
    let (first, second) = message.split_at(24);
    let init = |kind| chunk(kind, 0, &[0, 0, 7, 2, 0, 1, 0, 0, 0, 9, 0, 9, 0, 0, 0, 1, 0, 5, 0, 8, 10, 0, 0, 9]);
    let whole = vec![
        (0, init(1)),
        (1, init(2)),
        (0, chunk(10, 0, b"cook")),
        (1, chunk(11, 0, &[])),
        (0, data(3, 1, 0, message)),
        (1, chunk(3, 0, &[0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])),
        (0, data(3, 1, 0, message)),
        (0, [data(2, 2, 1, first), data(1, 3, 1, second)].concat()),
        (1, chunk(7, 0, &[0, 0, 0, 3])),
        (0, chunk(8, 0, &[])),
        (1, chunk(14, 0, &[])),
    ];
    let over_udp = whole.iter().map(|(choices, chunks)| (choices | 8, chunks.clone())).collect();
    vec![
        whole,
        over_udp,
        vec![
            (0, data(1, 9, 3, second)),
            (0, data(2, 8, 3, first)),
            (4, data(7, 1, 0, message)),
            (2, data(3, 12, 4, message)),
        ],
        vec![(0, i_data(2, 1, 0, 46, first)), (0, i_data(1, 2, 0, 1, second)), (1, i_data(7, 1, 9, 47, message))],
        vec![
            (0, data(2, 1, 0, first)),
            (0, chunk(192, 0, &[0, 0, 0, 2, 0, 5, 0, 0])),
            (0, data(3, 3, 1, message)),
            (1, chunk(6, 1, &[0, 12, 0, 4])),
            (16, init(1)),
            (
                16,
                chunk(
                    193,
                    0,
                    &[0, 0, 0, 1, 0, 5, 0, 8, 10, 0, 0, 1, 192, 1, 0, 16, 0, 0, 0, 1, 0, 5, 0, 8, 10, 0, 0, 8],
                ),
            ),
        ],
    ]
}

fn chunks() -> Vec<Vec<u8>> {
    let list = |packets: Vec<(u8, Vec<u8>)>| {
        packets
            .into_iter()
            .flat_map(|(choices, chunks)| {
                let [high, low] = (chunks.len() as u16).to_be_bytes();
                [&[choices, high, low], &chunks[..]].concat()
            })
            .collect()
    };
    conversations().into_iter().map(list).collect()
}

/// A pcapng block, little-endian.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (12 + body.len().next_multiple_of(4)) as u32;
    let mut out = [kind.to_le_bytes(), length.to_le_bytes()].concat();
    out.extend_from_slice(body);
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend_from_slice(&length.to_le_bytes());
    out
}

fn tcp(sequence: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![0x9c, 0x40, 0x0f, 0x1c, 0, 0, 0, sequence, 0, 0, 0, 0, 0x50, flags, 255, 255, 0, 0, 0, 0];
    segment.extend_from_slice(payload);
    let mut out = vec![0x60, 0, 0, 0, 0, segment.len() as u8, 6, 64];
    out.extend_from_slice(
        &[&[0x20, 1, 0x0d, 0xb8][..], &[0; 11], &[1], &[0x20, 1, 0x0d, 0xb8], &[0; 11], &[2]].concat(),
    );
    out.append(&mut segment);
    out
}

fn captures() -> Vec<Vec<u8>> {
    let message = &messages()[0];
    let mut all = Vec::new();
    for conversation in conversations() {
        let mut file = pcap_header();
        for (second, (choices, chunks)) in conversation.iter().enumerate() {
            record(&mut file, second as u32, &packet(*choices, chunks));
        }
        all.push(file);
    }
    let mut file = pcap_header();
    let (first, second) = message.split_at(30);
    for segment in [tcp(0, 2, &[]), tcp(1, 16, first), tcp(1, 16, first), tcp(31, 24, second), tcp(200, 17, message)] {
        record(&mut file, 3, &segment);
    }
    all.push(file);
    // pcapng: nanoseconds, an offset, an enhanced and a simple packet.
    let frame = packet(0, &data(3, 1, 0, message));
    let length = (frame.len() as u32).to_le_bytes();
    let section = block(0x0a0d_0d0a, &[&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0], &[0xff; 8][..]].concat());
    let options = [9, 0, 1, 0, 9, 0, 0, 0, 14, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let interface = block(1, &[&[101, 0, 0, 0, 0, 0, 0, 0], &options[..]].concat());
    let enhanced = block(6, &[&[0; 4], &[1, 0, 0, 0, 2, 0, 0, 0][..], &length, &length, &frame].concat());
    let simple = block(3, &[&length[..], &frame].concat());
    all.push([section, interface, enhanced, simple].concat());
    // Ethernet with a VLAN tag, in a big-endian file with nanoseconds.
    let tagged = [&[2; 12][..], &[0x81, 0, 0, 7, 8, 0], &frame].concat();
    let mut file = vec![0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 1];
    for word in [1, 5, tagged.len() as u32, tagged.len() as u32] {
        file.extend_from_slice(&word.to_be_bytes());
    }
    file.extend_from_slice(&tagged);
    all.push(file);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    if gzip.write_all(&all[0]).is_ok()
        && let Ok(file) = gzip.finish()
    {
        all.push(file);
    }
    all
}
