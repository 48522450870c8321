//! One frame on its way through the layers, and the tables that outlive it.

use super::checksum::looks_like_sctp;
use super::found::Sink;
use super::ip::{self, Datagram, Fragments};
use super::sctp::{Associations, Envelope};
use super::tcp::Connections;
use super::{IpFragment, Observer, Options, link};

/// All state between frames.
pub(super) struct Flows {
    fragments: Fragments,
    associations: Associations,
    connections: Connections,
}

const GTP_U: u16 = 2152;
const VXLAN: u16 = 4789;
/// SCTP over UDP. RFC 6951 section 8.
const SCTP_TUNNELING: u16 = 9899;

impl Flows {
    pub fn new(options: Options) -> Self {
        Self {
            fragments: Fragments::new(options.max_memory / 4),
            associations: Associations::new(&options),
            connections: Connections::new(&options),
        }
    }

    /// Reads one frame.
    #[inline]
    pub fn frame(&mut self, link: u32, frame: &[u8], sink: &mut Sink, observer: &mut impl Observer) {
        match link::ip_packet(link, frame) {
            Some(packet) => self.packet(packet, false, sink, observer),
            None if !link::is_known(link) => sink.statistics.unknown_link += 1,
            None => {}
        }
    }

    /// Gives up everything that still waited for octets. The file is at its end.
    pub fn finish(&mut self, sink: &mut Sink) {
        self.connections.finish(sink);
        self.associations.finish(sink);
    }

    #[inline]
    fn packet(&mut self, packet: &[u8], tunnelled: bool, sink: &mut Sink, observer: &mut impl Observer) {
        let Some(datagram) = ip::parse(packet) else { return };
        sink.statistics.ip_packets += 1;
        let Some(fragment) = datagram.fragment else { return self.datagram(&datagram, tunnelled, sink, observer) };
        sink.statistics.ip_fragments += 1;
        observer.ip_fragment(&IpFragment {
            source: datagram.source,
            destination: datagram.destination,
            protocol: datagram.protocol,
            identification: fragment.identification(),
            offset: fragment.offset(),
            more: fragment.more(),
            data: datagram.payload,
        });
        let whole = self.fragments.insert(&datagram, fragment, sink.time);
        sink.statistics.ip_abandoned = self.fragments.abandoned;
        if let Some(payload) = whole {
            let whole = Datagram { payload: &payload, sent: payload.len(), fragment: None, ..datagram };
            self.datagram(&whole, tunnelled, sink, observer);
        }
    }

    /// Carries the payload to its protocol. ICMP is not among them: what it quotes was sent before.
    #[inline]
    fn datagram(&mut self, datagram: &Datagram<'_>, tunnelled: bool, sink: &mut Sink, observer: &mut impl Observer) {
        match datagram.protocol {
            ip::SCTP => {
                let envelope = Envelope {
                    source: datagram.source,
                    destination: datagram.destination,
                    encapsulated: false,
                    sent: datagram.sent,
                };
                self.associations.packet(&envelope, datagram.payload, sink, observer);
            }
            ip::TCP => self.connections.segment(datagram, sink, observer),
            ip::UDP => self.user(datagram, tunnelled, sink, observer),
            _ => {}
        }
    }

    fn user(&mut self, datagram: &Datagram<'_>, tunnelled: bool, sink: &mut Sink, observer: &mut impl Observer) {
        let Some(user) = ip::parse_udp(datagram) else { return };
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
                sink.statistics.tunnelled += 1;
                return self.packet(inner, true, sink, observer);
            }
        }
        if looks_like_sctp(user.payload, is_port(SCTP_TUNNELING)) {
            let envelope = Envelope {
                source: datagram.source,
                destination: datagram.destination,
                encapsulated: true,
                sent: user.sent,
            };
            self.associations.packet(&envelope, user.payload, sink, observer);
        }
    }
}
