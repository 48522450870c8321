//! IP packets: IPv4 and IPv6 with extension headers, fragments put together again, UDP and the tunnels in it.
//!
//! The total length of the header is respected against Ethernet padding; a packet cut by the snap length is passed on with
//! what it has, and its true length beside it.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Timestamp;
use crate::folding::Folding;

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const SCTP: u8 = 132;

/// What one IP packet carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram<'a> {
    pub source: IpAddr,
    pub destination: IpAddr,
    /// The protocol after all extension headers.
    pub protocol: u8,
    /// As much of the payload as was captured.
    pub payload: &'a [u8],
    /// Length of the payload as it was sent; more than was captured where the snap length cut.
    pub sent: usize,
    pub fragment: Option<Fragment>,
}

/// Where in its packet a fragment belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    identification: u32,
    offset: usize,
    more: bool,
}

impl Fragment {
    pub const fn identification(self) -> u32 {
        self.identification
    }

    pub const fn offset(self) -> usize {
        self.offset
    }

    pub const fn more(self) -> bool {
        self.more
    }
}

/// Reads the headers of an IP packet; `None` when it ends within them or is not IP.
#[inline]
pub(super) fn parse(packet: &[u8]) -> Option<Datagram<'_>> {
    match packet.first()? >> 4 {
        4 => parse_v4(packet),
        6 => parse_v6(packet),
        _ => None,
    }
}

#[inline]
fn parse_v4(packet: &[u8]) -> Option<Datagram<'_>> {
    let head: &[u8; 20] = packet.first_chunk()?;
    let header = usize::from(head[0] & 0x0f) * 4;
    // Zero where the sender left segmentation to the network card: then all that is there belongs to it.
    let total = match usize::from(u16::from_be_bytes([head[2], head[3]])) {
        0 => packet.len(),
        total => total,
    };
    if header < 20 || total < header {
        return None;
    }
    let payload = packet.get(header..total.min(packet.len()))?;
    let place = u16::from_be_bytes([head[6], head[7]]);
    let (offset, more) = (usize::from(place & 0x1fff) * 8, place & 0x2000 != 0);
    let fragment = (offset != 0 || more).then(|| Fragment {
        identification: u32::from(u16::from_be_bytes([head[4], head[5]])),
        offset,
        more,
    });
    Some(Datagram {
        source: IpAddr::V4(Ipv4Addr::new(head[12], head[13], head[14], head[15])),
        destination: IpAddr::V4(Ipv4Addr::new(head[16], head[17], head[18], head[19])),
        protocol: head[9],
        payload,
        sent: total - header,
        fragment,
    })
}

fn parse_v6(packet: &[u8]) -> Option<Datagram<'_>> {
    let head: &[u8; 40] = packet.first_chunk()?;
    let mut sent = match usize::from(u16::from_be_bytes([head[4], head[5]])) {
        // A jumbogram, or segmentation left to the network card.
        0 => packet.len() - 40,
        length => length,
    };
    let mut payload = &packet[40..packet.len().min(40 + sent)];
    let mut protocol = head[6];
    let mut fragment = None;
    // Each extension header takes at least eight octets, so this ends; the bound is for order's sake.
    for _ in 0..16 {
        let length = match protocol {
            0 | 43 | 60 | 135 | 139 | 140 => (usize::from(*payload.get(1)?) + 1) * 8,
            51 => (usize::from(*payload.get(1)?) + 2) * 4,
            44 => {
                let field: &[u8; 8] = payload.first_chunk()?;
                let place = u16::from_be_bytes([field[2], field[3]]);
                let (offset, more) = (usize::from(place & 0xfff8), place & 1 != 0);
                if offset != 0 || more {
                    let identification = u32::from_be_bytes([field[4], field[5], field[6], field[7]]);
                    fragment = Some(Fragment { identification, offset, more });
                }
                8
            }
            _ => break,
        };
        protocol = *payload.first()?;
        payload = payload.get(length..)?;
        sent = sent.checked_sub(length)?;
        if fragment.is_some() {
            // What follows is fragmented: it is read when the packet is whole.
            break;
        }
    }
    let address = |at: usize| {
        let mut octets = [0; 16];
        octets.copy_from_slice(&head[at..at + 16]);
        IpAddr::V6(Ipv6Addr::from(octets))
    };
    Some(Datagram { source: address(8), destination: address(24), protocol, payload, sent, fragment })
}

/// Ports and payload of a UDP datagram.
pub(super) struct User<'a> {
    pub source: u16,
    pub destination: u16,
    pub payload: &'a [u8],
    /// The payload's length as sent.
    pub sent: usize,
}

/// Reads a UDP header; `None` when it is not whole.
pub(super) fn parse_udp<'a>(datagram: &Datagram<'a>) -> Option<User<'a>> {
    let head: &[u8; 8] = datagram.payload.first_chunk()?;
    let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let sent = match usize::from(word(4)) {
        0 => datagram.sent,
        length => length.min(datagram.sent),
    }
    .checked_sub(8)?;
    let rest = &datagram.payload[8..];
    Some(User { source: word(0), destination: word(2), payload: &rest[..sent.min(rest.len())], sent })
}

/// The IP packet of a user in a GTP-U message (TS 29.281 clause 5): a T-PDU, with or without extension headers.
pub(super) fn gtp_payload(message: &[u8]) -> Option<&[u8]> {
    let head: &[u8; 8] = message.first_chunk()?;
    // Version 1, protocol type GTP, message type G-PDU.
    if head[0] & 0xf0 != 0x30 || head[1] != 255 {
        return None;
    }
    let end = (8 + usize::from(u16::from_be_bytes([head[2], head[3]]))).min(message.len());
    let mut rest = message.get(8..end)?;
    if head[0] & 7 != 0 {
        let mut next = *rest.get(3)?;
        rest = &rest[4..];
        if head[0] & 4 == 0 {
            next = 0;
        }
        while next != 0 {
            let length = usize::from(*rest.first()?) * 4;
            if length == 0 {
                return None;
            }
            next = *rest.get(length - 1)?;
            rest = &rest[length..];
        }
    }
    Some(rest)
}

/// The Ethernet frame in a VXLAN packet (RFC 7348 section 5).
pub(super) fn vxlan_frame(message: &[u8]) -> Option<&[u8]> {
    (message.first()? & 0x08 != 0).then(|| message.get(8..)).flatten()
}

/// Packets of which some fragments are here; bounded in number, octets and age.
pub(super) struct Fragments {
    waiting: HashMap<Key, Waiting, Folding>,
    /// Keys in the order of their first fragment; the oldest leaves first.
    order: VecDeque<Key>,
    octets: usize,
    limit: usize,
    /// Packets given up before they were whole.
    pub abandoned: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    identification: u32,
}

struct Waiting {
    since: Timestamp,
    data: Vec<u8>,
    /// What is filled, as ranges in order that do not touch.
    filled: Vec<(usize, usize)>,
    total: Option<usize>,
}

/// Packets waiting at once.
const MAXIMUM_WAITING: usize = 1024;
/// Holes in one packet; more is an attack.
const MAXIMUM_RANGES: usize = 64;
/// The longest payload an IPv6 packet can be made of.
const MAXIMUM_PACKET: usize = 65_535;
/// Older beginnings are not completed any more: their identification may have come round. RFC 8200 section 4.5.
const MAXIMUM_AGE: i64 = 60_000_000_000;

impl Fragments {
    pub fn new(limit: usize) -> Self {
        Self { waiting: HashMap::default(), order: VecDeque::new(), octets: 0, limit, abandoned: 0 }
    }

    /// Takes in a fragment; gives the payload when it was the last one missing.
    pub fn insert(&mut self, datagram: &Datagram<'_>, fragment: Fragment, now: Timestamp) -> Option<Vec<u8>> {
        let end = fragment.offset + datagram.payload.len();
        if datagram.payload.len() < datagram.sent || datagram.payload.is_empty() || end > MAXIMUM_PACKET {
            // Cut by the snap length: the packet can not become whole.
            return None;
        }
        let key = Key {
            source: datagram.source,
            destination: datagram.destination,
            protocol: datagram.protocol,
            identification: fragment.identification,
        };
        let waiting = self.waiting.entry(key).or_insert_with(|| {
            self.order.push_back(key);
            Waiting { since: now, data: Vec::new(), filled: Vec::new(), total: None }
        });
        if now.0.saturating_sub(waiting.since.0).saturating_abs() > MAXIMUM_AGE {
            self.abandoned += 1;
            self.octets -= waiting.data.len();
            *waiting = Waiting { since: now, data: Vec::new(), filled: Vec::new(), total: None };
        }
        if waiting.data.len() < end {
            self.octets += end - waiting.data.len();
            waiting.data.resize(end, 0);
        }
        waiting.data[fragment.offset..end].copy_from_slice(datagram.payload);
        if !fragment.more {
            waiting.total = Some(end);
        }
        waiting.fill(fragment.offset, end);
        if waiting.is_whole() {
            let mut done = self.waiting.remove(&key)?;
            self.order.retain(|other| *other != key);
            self.octets -= done.data.len();
            done.data.truncate(done.total.unwrap_or_default());
            return Some(done.data);
        }
        if waiting.filled.len() > MAXIMUM_RANGES {
            self.forget(key);
        }
        while self.octets > self.limit || self.waiting.len() > MAXIMUM_WAITING {
            let Some(oldest) = self.order.front().copied() else { break };
            self.forget(oldest);
        }
        None
    }

    fn forget(&mut self, key: Key) {
        if let Some(gone) = self.waiting.remove(&key) {
            self.octets -= gone.data.len();
            self.abandoned += 1;
        }
        self.order.retain(|other| *other != key);
    }
}

impl Waiting {
    fn fill(&mut self, mut start: usize, mut end: usize) {
        self.filled.retain(|&(from, to)| {
            let apart = to < start || end < from;
            if !apart {
                start = start.min(from);
                end = end.max(to);
            }
            apart
        });
        let at = self.filled.partition_point(|&(from, _)| from < start);
        self.filled.insert(at, (start, end));
    }

    fn is_whole(&self) -> bool {
        matches!((self.total, self.filled.as_slice()), (Some(total), [(0, end)]) if *end >= total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(place: u16, payload: &[u8]) -> Vec<u8> {
        let total = (20 + payload.len()) as u16;
        let mut packet = vec![0x45, 0, 0, 0, 0, 7, 0, 0, 64, 132, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet[2..4].copy_from_slice(&total.to_be_bytes());
        packet[6..8].copy_from_slice(&place.to_be_bytes());
        packet.extend_from_slice(payload);
        packet
    }

    fn v6(next: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend_from_slice(&(rest.len() as u16).to_be_bytes());
        packet.extend_from_slice(&[next, 64]);
        packet.extend_from_slice(&[0x20; 32]);
        packet.extend_from_slice(rest);
        packet
    }

    #[test]
    fn padding_is_not_payload_and_a_cut_packet_tells_its_length() {
        let mut packet = v4(0, b"abcd");
        packet.extend_from_slice(&[0; 22]);
        let datagram = parse(&packet).unwrap();
        assert_eq!((datagram.payload, datagram.sent, datagram.protocol), (&b"abcd"[..], 4, SCTP));
        let datagram = parse(&packet[..22]).unwrap();
        assert_eq!((datagram.payload, datagram.sent), (&b"ab"[..], 4));
        assert!(parse(&packet[..19]).is_none());
    }

    #[test]
    fn extension_headers_are_passed() {
        let hop_by_hop = [60, 0, 1, 4, 0, 0, 0, 0];
        let destination = [132, 0, 1, 4, 0, 0, 0, 0];
        let packet = v6(0, &[&hop_by_hop[..], &destination, b"payload!"].concat());
        let datagram = parse(&packet).unwrap();
        assert_eq!((datagram.protocol, datagram.payload, datagram.sent), (SCTP, &b"payload!"[..], 8));
        assert!(parse(&v6(0, &[60, 200])).is_none());
    }

    #[test]
    fn fragments_out_of_order_and_twice_become_one_packet() {
        let payload: Vec<u8> = (0..100).collect();
        let mut fragments = Fragments::new(1 << 20);
        let mut whole = None;
        for (from, to) in [(48, 100), (0, 24), (0, 24), (24, 48)] {
            let more = if to < 100 { 0x2000 } else { 0 };
            let packet = v4(more | (from / 8) as u16, &payload[from..to]);
            let datagram = parse(&packet).unwrap();
            let result = fragments.insert(&datagram, datagram.fragment.unwrap(), Timestamp(0));
            assert!(whole.is_none() || result.is_none());
            whole = whole.or(result);
        }
        assert_eq!(whole.unwrap(), payload);
        assert_eq!(fragments.octets, 0);
    }

    #[test]
    fn fragments_of_ipv6_too() {
        let first = v6(44, &[&[132, 0, 0, 1, 0, 0, 0, 9][..], &[1; 16]].concat());
        let last = v6(44, &[&[132, 0, 0, 16, 0, 0, 0, 9][..], &[2; 5]].concat());
        let mut fragments = Fragments::new(1 << 20);
        let datagram = parse(&last).unwrap();
        assert!(fragments.insert(&datagram, datagram.fragment.unwrap(), Timestamp(0)).is_none());
        let datagram = parse(&first).unwrap();
        let whole = fragments.insert(&datagram, datagram.fragment.unwrap(), Timestamp(0)).unwrap();
        assert_eq!(whole, [&[1; 16][..], &[2; 5]].concat());
    }

    #[test]
    fn fragments_that_never_end_stay_within_the_limit() {
        let mut fragments = Fragments::new(100_000);
        for n in 0..5000_u16 {
            let mut packet = v4(0x2000, &[0; 1400]);
            packet[4..6].copy_from_slice(&n.to_be_bytes());
            let datagram = parse(&packet).unwrap();
            fragments.insert(&datagram, datagram.fragment.unwrap(), Timestamp(0));
            assert!(fragments.octets <= 100_000);
        }
        assert!(fragments.abandoned > 4900 && fragments.order.len() == fragments.waiting.len());
    }

    #[test]
    fn a_gtp_packet_with_an_extension_header_opens() {
        let plain = [&[0x30, 255, 0, 4, 0, 0, 0, 1][..], b"user"].concat();
        assert_eq!(gtp_payload(&plain), Some(&b"user"[..]));
        let extended = [&[0x34, 255, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0][..], b"user"].concat();
        assert_eq!(gtp_payload(&extended), Some(&b"user"[..]));
        assert_eq!(gtp_payload(&[0x30, 1, 0, 4, 0, 0, 0, 1, 0]), None);
    }
}
