//! The checksums of every layer whose octets changed.

use std::collections::HashMap;
use std::ops::Range;

use super::super::checksum::{Checksum, Scratch, looks_like_sctp};
use super::super::ip::{self, Datagram};
use super::super::link;
use super::super::write::set_crc32c;
use super::Rewritten;
use super::collect::{Packet, Piece, whole_of};
use super::spans::{Spans, offset_in};
use super::walk::{GTP_U, ICMP, ICMP_V6, SCTP_TUNNELING, VXLAN, WAITING};
use super::window::Window;

/// Puts right the checksums of the first `count` frames.
pub(super) fn repair(window: &mut Window, count: usize, done: &mut Rewritten) {
    let Window { old, new, frames, .. } = window;
    // What is in tunnels first: the checksums around it cover its own, also where its fragments lie in several frames.
    for inner in [true, false] {
        let mut repair = Repair { file: old, fresh: new, done, inner, waiting: HashMap::new() };
        for frame in frames.iter().take(count) {
            let Some(octets) = old.get(frame.range.clone()) else { continue };
            if let Some(packet) = link::ip_packet(frame.link, octets)
                && let Some(start) = offset_in(old, packet)
            {
                repair.packet(&Spans::one(start..start + packet.len()), false);
            }
        }
        repair.done.fragments_left += repair.left();
    }
}

struct Repair<'r> {
    file: &'r [u8],
    fresh: &'r mut [u8],
    done: &'r mut Rewritten,
    /// What is repaired in this pass: packets in tunnels, or those in frames.
    inner: bool,
    /// By packet, and whether it is in a tunnel.
    waiting: HashMap<(Packet, bool), Vec<Piece>>,
}

impl Repair<'_> {
    /// An IP packet, in a frame or in a tunnel.
    fn packet(&mut self, spans: &Spans, tunnelled: bool) {
        let file = self.file;
        let old = spans.read(file);
        let Some(datagram) = ip::parse(&old) else { return };
        let Some(start) = offset_in(&old, datagram.payload) else { return };
        let payload = spans.sub(start..start + datagram.payload.len());
        if self.inner == tunnelled && datagram.source.is_ipv4() {
            let header = spans.sub(0..start);
            self.adjust(&header, &header, 10, false);
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
        if let Some(whole) = whole_of(waiting) {
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
            ICMP | 2 if now => self.adjust(payload, payload, 2, false),
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

    fn sctp(&mut self, packet: &Spans, whole: bool) {
        let old = packet.read(self.file);
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
