//! Addresses of packets, and the checksums of every layer whose octets changed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Range;

use super::super::checksum::{Checksum, Scratch, looks_like_sctp};
use super::super::ip::{self, Datagram};
use super::super::link;
use super::super::sctp::{CHUNK_HEADER, COMMON_HEADER};
use super::super::write::set_crc32c;
use super::collect::assemble;
use super::spans::{Spans, offset_in};
use super::{Frame, Rewriter, Rewritten};

const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;
const GTP_U: u16 = 2152;
const VXLAN: u16 = 4789;
const SCTP_TUNNELING: u16 = 9899;
/// Packets of which fragments wait.
const WAITING: usize = 4096;

pub(super) fn repair(
    frames: &[Frame],
    file: &[u8],
    fresh: &mut [u8],
    rewriter: &mut impl Rewriter,
    done: &mut Rewritten,
) {
    // What is in tunnels first: the checksums around it cover its own, also where its fragments lie in several frames.
    for inner in [true, false] {
        let mut repair = Repair { file, fresh, rewriter, done, inner, waiting: HashMap::new() };
        for frame in frames {
            let Some(octets) = file.get(frame.range.clone()) else { continue };
            if let Some(packet) = link::ip_packet(frame.link, octets)
                && let Some(start) = offset_in(file, packet)
            {
                repair.packet(&Spans::one(start..start + packet.len()), false);
            }
        }
        repair.done.fragments_left += repair.left();
    }
}

type Packet = (IpAddr, IpAddr, u8, u32);
/// Where a fragment belongs, where it lies, and whether more follow.
type Piece = (usize, Spans, bool);

struct Repair<'r, R> {
    file: &'r [u8],
    fresh: &'r mut [u8],
    rewriter: &'r mut R,
    done: &'r mut Rewritten,
    /// What is repaired in this pass: packets in tunnels, or those in frames.
    inner: bool,
    /// By packet, and whether it is in a tunnel.
    waiting: HashMap<(Packet, bool), Vec<Piece>>,
}

impl<R: Rewriter> Repair<'_, R> {
    /// An IP packet, in a frame or in a tunnel.
    fn packet(&mut self, spans: &Spans, tunnelled: bool) {
        let old = spans.read(self.file);
        let Some(datagram) = ip::parse(&old) else { return };
        let Some(start) = offset_in(&old, datagram.payload) else { return };
        let payload = spans.sub(start..start + datagram.payload.len());
        if self.inner == tunnelled {
            self.addresses(spans, &datagram);
        }
        let Some(fragment) = datagram.fragment else {
            return self.datagram(&datagram, spans, &payload, tunnelled);
        };
        let packet = (datagram.source, datagram.destination, datagram.protocol, fragment.identification());
        let key = (packet, tunnelled);
        if self.waiting.len() >= WAITING && !self.waiting.contains_key(&key) {
            self.done.fragments_left += self.left();
            self.waiting.clear();
        }
        let waiting = self.waiting.entry(key).or_default();
        waiting.push((fragment.offset(), payload, fragment.more()));
        let total = waiting.iter().find(|(.., more)| !more).map(|(offset, spans, _)| offset + spans.len());
        let pieces: Vec<(usize, Spans)> = waiting.iter().map(|(offset, spans, _)| (*offset, spans.clone())).collect();
        let whole = assemble(&pieces);
        if total.is_some_and(|total| whole.len() >= total) {
            self.waiting.remove(&key);
            let octets = whole.read(self.file).into_owned();
            let whole_datagram = Datagram { payload: &octets, sent: octets.len(), fragment: None, ..datagram };
            self.datagram(&whole_datagram, spans, &whole, tunnelled);
        }
    }

    /// Packets of this pass that are not whole.
    fn left(&self) -> u64 {
        self.waiting.keys().filter(|(_, tunnelled)| *tunnelled == self.inner).count() as u64
    }

    /// Source and destination of a header, and the checksum of IPv4.
    fn addresses(&mut self, spans: &Spans, datagram: &Datagram<'_>) {
        let (first, width) = if datagram.source.is_ipv4() { (12, 4) } else { (8, 16) };
        for (address, at) in [(datagram.source, first), (datagram.destination, first + width)] {
            if let Some(other) = self.rewriter.address(address) {
                self.put_address(&spans.sub(at..at + width), other);
            }
        }
        if datagram.source.is_ipv4() {
            let header = spans.sub(0..20);
            self.adjust(&header, &header, 10, false);
        }
    }

    fn put_address(&mut self, place: &Spans, address: IpAddr) {
        match address {
            IpAddr::V4(address) if place.len() == 4 => place.write(&address.octets(), self.fresh),
            IpAddr::V6(address) if place.len() == 16 => place.write(&address.octets(), self.fresh),
            _ => {}
        }
    }

    fn datagram(&mut self, datagram: &Datagram<'_>, packet: &Spans, payload: &Spans, tunnelled: bool) {
        let (first, width) = if datagram.source.is_ipv4() { (12, 4) } else { (8, 16) };
        // What a checksum covers: the addresses, as the pseudo header has them, and all that follows.
        let mut covered = packet.sub(first..first + 2 * width);
        covered.extend(payload);
        let now = self.inner == tunnelled;
        match datagram.protocol {
            ip::SCTP if now => self.sctp(payload, datagram.payload.len() >= datagram.sent),
            ip::TCP if now => self.adjust(&covered, payload, 16, false),
            // Its checksum covers the addresses, that of ICMP does not. RFC 4443 section 2.3.
            ICMP_V6 if now && datagram.source.is_ipv6() => self.adjust(&covered, payload, 2, false),
            ICMP if now => self.adjust(payload, payload, 2, false),
            ip::UDP => {
                self.user(datagram, payload, tunnelled);
                if now {
                    self.adjust(&covered, payload, 6, true);
                }
            }
            _ => {}
        }
    }

    fn user(&mut self, datagram: &Datagram<'_>, payload: &Spans, tunnelled: bool) {
        let Some(user) = ip::parse_udp(datagram) else { return };
        let Some(start) = offset_in(datagram.payload, user.payload) else { return };
        let within = |range: Range<usize>| payload.sub(start + range.start..start + range.end);
        let is_port = |port| user.source == port || user.destination == port;
        if !tunnelled {
            let inner = if is_port(GTP_U) {
                ip::gtp_payload(user.payload)
            } else if user.destination == VXLAN {
                ip::vxlan_frame(user.payload).and_then(|frame| link::ip_packet(link::ETHERNET, frame))
            } else {
                None
            };
            if let Some(inner) = inner {
                if let Some(at) = offset_in(user.payload, inner) {
                    self.packet(&within(at..at + inner.len()), true);
                }
                return;
            }
        }
        if self.inner == tunnelled && looks_like_sctp(user.payload, is_port(SCTP_TUNNELING)) {
            self.sctp(&within(0..user.payload.len()), user.payload.len() >= user.sent);
        }
    }

    /// Addresses in INIT and INIT ACK, then the CRC32c.
    fn sctp(&mut self, packet: &Spans, whole: bool) {
        let old = packet.read(self.file);
        if let Some(chunk @ [1 | 2, _, high, low, ..]) = old.get(COMMON_HEADER..) {
            let end = usize::from(u16::from_be_bytes([*high, *low])).min(chunk.len());
            // Behind the chunk's header are 16 octets of fixed fields.
            let mut at = CHUNK_HEADER + 16;
            while let Some([a, b, c, d]) = chunk.get(at..end).and_then(<[u8]>::first_chunk::<4>) {
                let (kind, length) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
                let value = chunk.get(at + 4..(at + length).min(end)).unwrap_or_default();
                let address = match kind {
                    5 => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
                    6 => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
                    _ => None,
                };
                if let Some(other) = address.and_then(|address| self.rewriter.address(address)) {
                    let start = COMMON_HEADER + at + 4;
                    self.put_address(&packet.sub(start..start + value.len()), other);
                }
                if length < 4 {
                    break;
                }
                at += length.next_multiple_of(4);
            }
        }
        let mut new = packet.read(self.fresh).into_owned();
        if *new == *old {
            return;
        }
        if whole && Checksum::judge(&old, &mut Scratch::default()) == Checksum::Good {
            set_crc32c(&mut new);
            packet.write(&new, self.fresh);
            self.done.crc32c += 1;
        } else {
            self.done.crc32c_left += 1;
        }
    }

    /// Changes the checksum at `field` of `payload` by what changed in `covered`. RFC 1624 equation 3.
    fn adjust(&mut self, covered: &Spans, payload: &Spans, field: usize, may_be_absent: bool) {
        let place = payload.sub(field..field + 2);
        if place.len() != 2 {
            return;
        }
        let old = covered.read(self.file);
        let new = covered.read(self.fresh);
        if old == new {
            return;
        }
        let stated = place.read(self.file);
        let stated = u16::from_be_bytes([stated.first().copied().unwrap_or(0), stated.get(1).copied().unwrap_or(0)]);
        if stated == 0 && may_be_absent {
            return;
        }
        let mut sum = u64::from(!stated);
        for (before, after) in old.chunks(2).zip(new.chunks(2)) {
            if before != after {
                let word = |pair: &[u8]| {
                    u16::from_be_bytes([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)])
                };
                sum += u64::from(!word(before)) + u64::from(word(after));
            }
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        let mut fresh = !(sum as u16);
        if fresh == 0 && may_be_absent {
            fresh = 0xffff;
        }
        place.write(&fresh.to_be_bytes(), self.fresh);
        self.done.checksums += 1;
    }
}
