//! The layers of a frame: what in them is understood, and the addresses that stand there.
//!
//! What is marked here is a header or a field known to name no one, or an address that was replaced. All else is not
//! understood, unless a message of Diameter was found there before.

use std::collections::HashMap;
use std::net::IpAddr;

use super::super::checksum::looks_like_sctp;
use super::super::ip::{self, Datagram};
use super::super::link::{self, ETHERNET};
use super::Rewriter;
use super::collect::{Packet, Piece, whole_of};
use super::spans::{Spans, offset_in};
use super::tally::{Tally, service};
use super::window::{MESSAGE, OTHER, SHOWN, Window};

pub(super) const ICMP: u8 = 1;
pub(super) const ICMP_V6: u8 = 58;
pub(super) const GTP_U: u16 = 2152;
pub(super) const VXLAN: u16 = 4789;
pub(super) const SCTP_TUNNELING: u16 = 9899;
/// Packets of which fragments wait.
pub(super) const WAITING: usize = 4096;

pub(super) struct Walk<'w, R> {
    pub window: &'w mut Window,
    pub rewriter: &'w mut R,
    pub tally: &'w mut Tally,
    waiting: HashMap<(Packet, bool), Vec<Piece>>,
}

impl<'w, R: Rewriter> Walk<'w, R> {
    pub fn new(window: &'w mut Window, rewriter: &'w mut R, tally: &'w mut Tally) -> Self {
        Self { window, rewriter, tally, waiting: HashMap::new() }
    }

    /// Walks the first `count` frames.
    pub fn frames(mut self, count: usize) {
        for at in 0..count {
            let Some(frame) = self.window.frames.get(at) else { return };
            let (link, spans) = (frame.link, Spans::one(frame.range.clone()));
            self.frame(link, &spans, false);
        }
        for (_, spans, _) in std::mem::take(&mut self.waiting).into_values().flatten() {
            self.other("IP fragments of packets that are not whole", &spans, true);
        }
    }

    /// Octets as they were, up to `limit` of them: headers are looked at, not payloads.
    fn head(&self, spans: &Spans, limit: usize) -> Vec<u8> {
        spans.sub(0..limit).read(&self.window.old).into_owned()
    }

    pub(super) fn show(&mut self, spans: &Spans) {
        self.window.mark(spans, SHOWN);
    }

    /// Notes what is not understood; `foreign` when it is a protocol of its own.
    pub(super) fn other(&mut self, name: &str, spans: &Spans, foreign: bool) {
        if !self.window.has_other(spans) {
            return;
        }
        let number = self.tally.number(name);
        for range in spans.ranges() {
            let at = self.window.frames.partition_point(|frame| frame.range.end <= range.start);
            if let Some(frame) = self.window.frames.get_mut(at) {
                frame.foreign |= foreign;
                if !frame.others.contains(&number) {
                    frame.others.push(number);
                }
            }
        }
    }

    fn frame(&mut self, link: u32, spans: &Spans, tunnelled: bool) {
        let old = spans.read(&self.window.old).into_owned();
        let packet = link::ip_packet(link, &old).and_then(|packet| Some((offset_in(&old, packet)?, packet.len())));
        match link {
            ETHERNET => self.hardware(spans, &[0, 6]),
            113 if old.get(4..6) == Some(&[0, 6]) => self.hardware(spans, &[6]),
            276 if old.get(11) == Some(&6) => self.hardware(spans, &[12]),
            _ => {}
        }
        if let Some((start, length)) = packet {
            self.show(&spans.sub(0..start));
            self.unused(link, &old, spans);
            return self.packet(&spans.sub(start..start + length), tunnelled);
        }
        let word = |at: usize| Some(u16::from_be_bytes(*old.get(at..)?.first_chunk()?));
        let (kind, mut start) = match link {
            ETHERNET => (word(12), 14),
            113 => (word(14), 16),
            276 => (word(0), 20),
            _ if link::is_known(link) => (None, 0),
            _ => {
                let name = format!("frames of link type {link}");
                return self.other(&name, spans, true);
            }
        };
        let mut kind = kind.unwrap_or_default();
        while matches!(kind, 0x8100 | 0x88a8 | 0x9100 | 0x9200) && start + 4 <= old.len() {
            kind = word(start + 2).unwrap_or_default();
            start += 4;
        }
        self.show(&spans.sub(0..start.min(old.len())));
        self.unused(link, &old, spans);
        let rest = spans.sub(start..old.len());
        match kind {
            0x0806 if old.get(start..start + 6) == Some(&[0, 1, 8, 0, 6, 4]) && old.len() >= start + 28 => {
                self.show(&rest.sub(0..28));
                self.hardware(&rest, &[8, 18]);
                self.addresses(&rest, &[14, 24], 4);
                self.other("octets behind ARP", &rest, false);
            }
            0 => self.other("frames without IP", &rest, true),
            1..0x600 => self.other("LLC (no Ethernet type)", &rest, true),
            0x0800 | 0x86dd => self.other("IP packets that can not be read", &rest, true),
            _ => {
                let name = match kind {
                    0x0806 => "ARP of another kind",
                    0x88cc => "LLDP",
                    0x888e => "EAPOL",
                    0x8863 => "PPPoE discovery",
                    _ => "",
                };
                let told = format!("{name}{}Ethernet type {kind:#06x}", if name.is_empty() { "" } else { ", " });
                self.other(&told, &rest, true);
            }
        }
    }

    /// Cooked headers have room for eight octets of address; what is not used of it was left there by others.
    fn unused(&mut self, link: u32, old: &[u8], spans: &Spans) {
        let (at, used) = match link {
            113 => (6, old.get(5)),
            276 => (12, old.get(11)),
            _ => return,
        };
        let used = if used == Some(&6) { 6 } else { 0 };
        let room = spans.sub(at + used..at + 8);
        self.window.mark(&room, OTHER);
        self.other("addresses of cooked headers", &room, false);
    }

    /// Addresses of six octets that begin there.
    fn hardware(&mut self, spans: &Spans, places: &[usize]) {
        for at in places {
            let place = spans.sub(*at..at + 6);
            if let Ok(octets) = <[u8; 6]>::try_from(&*place.read(&self.window.old)) {
                place.write(&self.rewriter.hardware(octets), &mut self.window.new);
            }
        }
    }

    /// IP addresses of so many octets that begin there.
    pub(super) fn addresses(&mut self, spans: &Spans, places: &[usize], width: usize) {
        for at in places {
            let place = spans.sub(*at..at + width);
            let old = place.read(&self.window.old);
            let address = match (<[u8; 4]>::try_from(&*old), <[u8; 16]>::try_from(&*old)) {
                (Ok(octets), _) => IpAddr::from(octets),
                (_, Ok(octets)) => IpAddr::from(octets),
                _ => continue,
            };
            match self.rewriter.address(address) {
                Some(IpAddr::V4(other)) if address.is_ipv4() => place.write(&other.octets(), &mut self.window.new),
                Some(IpAddr::V6(other)) if address.is_ipv6() => place.write(&other.octets(), &mut self.window.new),
                _ => {}
            }
        }
    }

    /// An IP packet, in a frame or in a tunnel.
    fn packet(&mut self, spans: &Spans, tunnelled: bool) {
        let old = spans.read(&self.window.old).into_owned();
        let parsed = ip::parse(&old);
        let Some((datagram, start)) = parsed.and_then(|it| Some((it, offset_in(&old, it.payload)?))) else {
            return self.other("IP packets that can not be read", spans, true);
        };
        let payload = spans.sub(start..start + datagram.payload.len());
        if datagram.source.is_ipv4() {
            self.show(&spans.sub(0..20));
            self.addresses(spans, &[12, 16], 4);
            // Routes and times of routers, by their addresses.
            self.other("options of IPv4", &spans.sub(20..start), false);
        } else {
            // A routing header has addresses behind its first eight octets.
            let shown = if old.get(6) == Some(&43) { 48 } else { start };
            self.show(&spans.sub(0..shown));
            self.addresses(spans, &[8, 24], 16);
            self.other("routing headers of IPv6", &spans.sub(shown..start), false);
        }
        let Some(fragment) = datagram.fragment else {
            self.datagram(&datagram, &payload, tunnelled);
            return self.other("octets behind IP packets", &spans.sub(start + payload.len()..old.len()), false);
        };
        let packet = (datagram.source, datagram.destination, datagram.protocol, fragment.identification());
        let key = (packet, tunnelled);
        if self.waiting.len() >= WAITING && !self.waiting.contains_key(&key) {
            for (_, spans, _) in std::mem::take(&mut self.waiting).into_values().flatten() {
                self.other("IP fragments of packets that are not whole", &spans, true);
            }
        }
        let waiting = self.waiting.entry(key).or_default();
        waiting.push((fragment.offset(), payload, fragment.more()));
        if let Some(whole) = whole_of(waiting) {
            self.waiting.remove(&key);
            let octets = whole.read(&self.window.old).into_owned();
            let whole_datagram = Datagram { payload: &octets, sent: octets.len(), fragment: None, ..datagram };
            self.datagram(&whole_datagram, &whole, tunnelled);
        }
    }

    fn datagram(&mut self, datagram: &Datagram<'_>, payload: &Spans, tunnelled: bool) {
        let length = payload.len();
        let octet = |at: usize| datagram.payload.get(at).copied().unwrap_or_default();
        let word = |at: usize| u16::from_be_bytes([octet(at), octet(at + 1)]);
        match datagram.protocol {
            ip::SCTP => self.sctp(payload, (word(0), word(2))),
            ip::TCP => {
                let header = usize::from(octet(12) >> 4) * 4;
                if header < 20 {
                    return self.other("TCP segments that can not be read", payload, true);
                }
                self.show(&payload.sub(0..header.min(length)));
                self.foreign(&service("TCP", word(0), word(2)), &payload.sub(header..length));
            }
            ip::UDP => self.user(datagram, payload, tunnelled),
            ICMP => {
                // A redirect has an address in the second half.
                self.show(&payload.sub(0..if octet(0) == 5 { 4 } else { 8 }));
                self.other("ICMP", payload, true);
            }
            ICMP_V6 if datagram.source.is_ipv6() => self.neighbours(datagram.payload, payload),
            2 => {
                self.show(&payload.sub(0..8));
                self.other("IGMP", payload, true);
            }
            50 => {
                self.show(&payload.sub(0..8));
                self.other("ESP (IP protocol 50)", payload, true);
            }
            other => self.other(&format!("IP protocol {other}"), payload, true),
        }
    }

    /// What a stream carries that is no Diameter; a frame is foreign when it carries no message at all.
    pub(super) fn foreign(&mut self, name: &str, spans: &Spans) {
        let has_message = spans.read(&self.window.marks).contains(&MESSAGE);
        self.other(name, spans, !has_message);
    }

    /// ICMPv6: neighbour discovery (RFC 4861) has addresses of both kinds.
    fn neighbours(&mut self, octets: &[u8], payload: &Spans) {
        let (head, targets): (usize, &[usize]) = match octets.first() {
            Some(133) => (8, &[]),
            Some(134) => (16, &[]),
            Some(135 | 136) => (24, &[8]),
            Some(137) => (40, &[8, 24]),
            _ => {
                self.show(&payload.sub(0..8));
                return self.other("ICMPv6", payload, true);
            }
        };
        self.show(&payload.sub(0..head));
        self.addresses(payload, targets, 16);
        let mut at = head;
        while let Some([kind, words, ..]) = octets.get(at..).and_then(<[u8]>::first_chunk::<8>) {
            let option = payload.sub(at..at + usize::from(*words) * 8);
            match (kind, words) {
                (1 | 2, 1) => {
                    self.show(&option);
                    self.hardware(&option, &[2]);
                }
                (5, 1) => self.show(&option),
                (3, 4) => {
                    self.show(&option);
                    self.addresses(&option, &[16], 16);
                }
                (_, 0) => break,
                _ => self.show(&option.sub(0..2)),
            }
            at += usize::from(*words) * 8;
        }
        self.other("ICMPv6", payload, true);
    }

    fn user(&mut self, datagram: &Datagram<'_>, payload: &Spans, tunnelled: bool) {
        let found = ip::parse_udp(datagram);
        let start = found.as_ref().and_then(|user| offset_in(datagram.payload, user.payload));
        let (Some(user), Some(start)) = (found, start) else {
            return self.other("UDP datagrams that can not be read", payload, true);
        };
        self.show(&payload.sub(0..8));
        let data = payload.sub(start..start + user.payload.len());
        let is_port = |port| user.source == port || user.destination == port;
        if !tunnelled && is_port(GTP_U) {
            if let Some(at) = ip::gtp_payload(user.payload).and_then(|inner| offset_in(user.payload, inner)) {
                self.show(&data.sub(0..at));
                return self.packet(&data.sub(at..data.len()), true);
            }
        } else if !tunnelled && user.destination == VXLAN && ip::vxlan_frame(user.payload).is_some() {
            self.show(&data.sub(0..8));
            return self.frame(ETHERNET, &data.sub(8..data.len()), true);
        }
        if looks_like_sctp(user.payload, is_port(SCTP_TUNNELING)) {
            let head = self.head(&data, 4);
            let word = |at: usize| head.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |it| u16::from_be_bytes(*it));
            return self.sctp(&data, (word(0), word(2)));
        }
        self.other(&service("UDP", user.source, user.destination), payload, true);
    }
}
