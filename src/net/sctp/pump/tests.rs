//! A peer made by hand, packet by packet, and a clock that jumps: no socket, no waiting.

use std::time::Duration;

use bytes::Bytes;

use super::super::edge::chunk;
use super::*;
use crate::capture::write::{Data, Init};
use crate::net::{Incoming, Outgoing};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)), 9899);
const REMOTE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 9899);
const NOTHING: [u8; 0] = [];
const INIT: Init = Init { tag: 1111, window: 65_535, outgoing_streams: 4, incoming_streams: 4, tsn: 1 };

/// The pump under test and its peer's side of the wire.
struct Desk {
    pump: Pump,
    now: Instant,
    wakes: mpsc::UnboundedReceiver<u64>,
    accepted: mpsc::Receiver<Association>,
    builder: SctpPacketBuilder,
}

impl Desk {
    fn new(options: Options) -> Self {
        Self::over(Backend::EmbeddedSctp, options)
    }

    fn over(backend: Backend, options: Options) -> Self {
        let (wake, wakes) = mpsc::unbounded_channel();
        let mut pump = Pump::new(Arc::new(options), backend, LOCAL, 100_000, 50_000, wake);
        let (listener, accepted) = mpsc::channel(16);
        pump.listen(3868, listener).unwrap();
        Self { pump, now: Instant::now(), wakes, accepted, builder: SctpPacketBuilder::new(3868, 3868, 0) }
    }

    /// What the pump has to say by now.
    fn said(&mut self) -> Vec<Vec<u8>> {
        while let Ok(id) = self.wakes.try_recv() {
            self.pump.mark(id);
        }
        self.pump.expire(self.now);
        self.pump.work(self.now);
        self.pump.out.drain(..).map(|(_, packet)| packet.to_vec()).collect()
    }

    /// What it has to say after a while.
    fn after(&mut self, while_: Duration) -> Vec<Vec<u8>> {
        self.now += while_;
        self.said()
    }

    /// Takes a packet to the pump and its answers back.
    fn give(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        self.pump.packet(self.now, REMOTE, &mut with_room(packet), packet.len());
        self.said()
    }

    /// A packet to the tag that one or more chunks make.
    fn send(
        &mut self,
        tag: u32,
        chunks: impl FnOnce(&mut SctpPacketBuilder) -> &mut SctpPacketBuilder,
    ) -> Vec<Vec<u8>> {
        let mut builder = self.builder.clone();
        builder.restart(3868, 3868, tag);
        chunks(&mut builder);
        let packet = builder.finish().to_vec();
        self.give(&packet)
    }

    /// INIT; answers our tag, our first TSN and the cookie of the INIT ACK.
    fn init(&mut self, init: Init) -> (u32, u32, Vec<u8>) {
        let said = self.send(0, |packet| packet.init(init));
        let [reply] = &said[..] else { panic!("{said:?}") };
        read_init_ack(reply)
    }

    /// The whole handshake: our tag, our first TSN, the association.
    fn handshake(&mut self, init: Init) -> (u32, u32, Association) {
        let (tag, tsn, cookie) = self.init(init);
        let said = self.send(tag, |packet| packet.cookie_echo(&cookie));
        assert_eq!(kinds(&said), [chunk::COOKIE_ACK]);
        (tag, tsn, self.accepted.try_recv().unwrap())
    }
}

fn read_init_ack(reply: &[u8]) -> (u32, u32, Vec<u8>) {
    assert_eq!(reply[12], chunk::INIT_ACK);
    let four = |at: usize| u32::from_be_bytes(reply[at..at + 4].try_into().unwrap());
    assert_eq!(reply[32..34], [0, 7], "the cookie is the only parameter");
    let length = usize::from(u16::from_be_bytes([reply[34], reply[35]]));
    (four(16), four(28), reply[36..32 + length].to_vec())
}

/// The kinds of all chunks.
fn kinds(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut kinds = Vec::new();
    for packet in packets {
        let mut at = 12;
        while at + 4 <= packet.len() {
            kinds.push(packet[at]);
            at += usize::from(u16::from_be_bytes([packet[at + 2], packet[at + 3]])).next_multiple_of(4);
        }
    }
    kinds
}

/// The packet and room for padding behind it.
fn with_room(packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + 8, 0xee);
    buffer
}

fn data(tsn: u32) -> Data {
    Data { tsn, stream: 2, ssn: (tsn - 1) as u16, ppid: 46, flags: Data::BEGIN | Data::END }
}

fn message(fill: u8) -> Bytes {
    let mut bytes = vec![fill; 40];
    bytes[..4].copy_from_slice(&[1, 0, 0, 40]);
    bytes.into()
}

async fn ending(association: &mut Association) -> String {
    association.recv().await.unwrap_err().to_string()
}

#[test]
fn a_peer_that_lists_its_addresses_is_served_and_may_speak_from_any_of_them() {
    let mut desk = Desk::new(Options::default());
    let mut value = Vec::from(&[0, 0, 4, 0x57, 0, 0, 0xff, 0xff, 0, 4, 0, 4, 0, 0, 0, 1][..]);
    value.extend_from_slice(&[0, 12, 0, 8, 0, 5, 0, 6]); // supported address types
    value.extend_from_slice(&[0, 5, 0, 8, 10, 0, 0, 1]); // IPv4 address
    value.extend_from_slice(&[0, 5, 0, 8, 10, 0, 1, 1]);
    value.extend_from_slice(&[0x80, 0, 0, 4, 0xc0, 0, 0, 4]); // ECN, FORWARD TSN
    let said = desk.send(0, |packet| packet.chunk(chunk::INIT, 0, &[&value]));
    let (tag, tsn, cookie) = read_init_ack(&said[0]);
    desk.send(tag, |packet| packet.cookie_echo(&cookie).data(data(1), &message(1)));
    let mut association = desk.accepted.try_recv().unwrap();
    assert_eq!(association.info().remote, SocketAddr::new(REMOTE.ip(), 3868));
    assert_eq!(association.try_recv(), Some(Incoming { bytes: message(1), stream: 2, ppid: 46 }));
    // From its other address, with the right tag.
    let mut packet = SctpPacketBuilder::new(3868, 3868, tag);
    let packet = packet.data(data(2), &message(2)).finish();
    desk.pump.packet(desk.now, "10.0.1.1:9899".parse().unwrap(), &mut with_room(packet), packet.len());
    desk.said();
    assert_eq!(association.try_recv().unwrap().bytes, message(2));
    association.sender().try_send(Outgoing::new(message(3))).unwrap();
    let said = desk.said();
    assert_eq!(said.last().unwrap()[said.last().unwrap().len() - 56 + 4..][..4], tsn.to_be_bytes());
}

#[tokio::test]
async fn a_peer_that_restarts_ends_its_old_association_and_gets_a_new_one() {
    let mut desk = Desk::new(Options::default());
    let (_, _, mut first) = desk.handshake(INIT);
    assert_eq!((first.info().outgoing_streams, first.info().incoming_streams), (4, 4));
    // A late copy of the first INIT changes nothing, nor does a new one alone: anybody can send it.
    assert_eq!(kinds(&desk.send(0, |packet| packet.init(INIT))), NOTHING);
    let (tag, _, cookie) = desk.init(Init { tag: 2222, ..INIT });
    assert_eq!(first.try_recv(), None);
    // The cookie comes back only from where the INIT came from.
    desk.send(tag, |packet| packet.cookie_echo(&cookie));
    assert_eq!(ending(&mut first).await, "the association with 10.0.0.1:3868 is lost: the peer has restarted");
    let mut second = desk.accepted.try_recv().unwrap();
    // A last word before the abort is heard.
    let mut packet = SctpPacketBuilder::new(3868, 3868, tag);
    let packet = packet.data(data(1), &message(9)).finish();
    desk.pump.packet(desk.now, REMOTE, &mut with_room(packet), packet.len());
    desk.send(tag, |packet| packet.abort(12, false));
    assert_eq!(second.try_recv().unwrap().bytes, message(9));
    assert_eq!(ending(&mut second).await, "10.0.0.1:3868 aborted the association: user-initiated abort");
    assert!(desk.pump.peers.is_empty() && desk.pump.by_tag.is_empty() && desk.pump.by_path.is_empty());
}

#[tokio::test]
async fn the_peer_shuts_down_after_everything_it_said_has_been_read() {
    let mut desk = Desk::new(Options::default());
    let (tag, tsn, mut association) = desk.handshake(INIT);
    desk.send(tag, |packet| packet.data(data(1), &message(1)));
    let said = desk.send(tag, |packet| packet.shutdown(tsn.wrapping_sub(1)));
    assert!(kinds(&said).contains(&chunk::SHUTDOWN_ACK), "{said:?}");
    let said = desk.send(tag, |packet| packet.shutdown_complete(false));
    assert_eq!(kinds(&said), NOTHING);
    assert_eq!(association.recv().await.unwrap().unwrap().bytes, message(1));
    assert_eq!(association.recv().await, Ok(None));
    association.close().await.unwrap();
    assert!(desk.pump.peers.is_empty());
}

#[tokio::test]
async fn we_shut_down_after_everything_we_said_has_been_acknowledged() {
    let mut desk = Desk::new(Options::default());
    let (tag, tsn, association) = desk.handshake(INIT);
    desk.send(tag, |packet| packet.data(data(1), &message(1)).data(data(2), &message(2)));
    assert_eq!(kinds(&desk.after(Duration::from_millis(200))), [chunk::SACK]);
    let sender = association.sender();
    sender.try_send(Outgoing::new(message(3))).unwrap();
    sender.begin_close();
    assert!(kinds(&desk.said()).contains(&chunk::DATA));
    // Not before the peer has it.
    let mut said = desk.send(tag, |packet| packet.sack(tsn, 65_535));
    said.retain(|packet| packet[12] == chunk::SHUTDOWN);
    let [shutdown] = &said[..] else { panic!("{said:?}") };
    assert_eq!(shutdown[16..20], 2u32.to_be_bytes(), "it acknowledges what the peer said");
    let said = desk.send(tag, |packet| packet.shutdown_ack());
    assert_eq!(kinds(&said), [chunk::SHUTDOWN_COMPLETE]);
    sender.ended().await.unwrap();
    drop(association);
    assert!(desk.pump.peers.is_empty());
}

#[test]
fn handshakes_that_are_never_completed_are_bounded_in_number_and_in_time() {
    let options = Options { maximum_handshakes: 16, ..Options::default() };
    let patience = options.connect_timeout;
    let mut desk = Desk::new(options);
    for tag in 1..=1000 {
        desk.init(Init { tag, ..INIT });
        assert!(desk.pump.peers.len() <= 16 && desk.pump.half_open.len() <= 16);
    }
    assert_eq!((desk.pump.peers.len(), desk.pump.half_open_order.len()), (16, 16));
    // The last one can still be completed, the first is asked to begin again.
    let (tag, _, cookie) = desk.init(Init { tag: 1000, ..INIT });
    let said = desk.send(tag, |packet| packet.cookie_echo(&cookie));
    assert_eq!(kinds(&said), [chunk::COOKIE_ACK]);
    desk.after(patience);
    assert_eq!((desk.pump.peers.len(), desk.pump.half_open_order.len()), (1, 0));
    assert_eq!(desk.pump.by_tag.len(), 1);
}

#[tokio::test]
async fn a_peer_that_falls_silent_is_reported_when_it_owes_an_acknowledgement() {
    let mut desk = Desk::new(Options::default());
    let (_, _, mut association) = desk.handshake(INIT);
    association.sender().try_send(Outgoing::new(message(0))).unwrap();
    assert!(kinds(&desk.said()).contains(&chunk::DATA));
    let mut again = 0;
    for _ in 0..29 {
        again += kinds(&desk.after(Duration::from_secs(1))).iter().filter(|kind| **kind == chunk::DATA).count();
    }
    assert!(again >= 5, "sent again {again} times");
    let said = desk.after(Duration::from_secs(1));
    assert_eq!(kinds(&said).last(), Some(&chunk::ABORT));
    let words = "the association with 10.0.0.1:3868 is lost: it has not acknowledged anything for 30s";
    assert_eq!(ending(&mut association).await, words);
}

/// HB.interval of RFC 9260 section 16.
const HALF_A_MINUTE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_idle_peer_that_is_gone_is_noticed_by_heartbeats() {
    let mut desk = Desk::new(Options { heartbeat_interval: HALF_A_MINUTE, ..Options::default() });
    let (_, _, mut association) = desk.handshake(INIT);
    assert_eq!(kinds(&desk.after(Duration::from_secs(29))), NOTHING);
    // At most a quarter late, so that not all ask at once.
    let said = desk.after(Duration::from_secs(9));
    assert_eq!(kinds(&said), [chunk::HEARTBEAT]);
    let mut asked = 0;
    for _ in 0..29 {
        asked += desk.after(Duration::from_secs(1)).len();
    }
    assert_eq!(asked, 5, "every five seconds while nothing comes back");
    assert_eq!(kinds(&desk.after(Duration::from_secs(1))).last(), Some(&chunk::ABORT));
    let words = "the association with 10.0.0.1:3868 is lost: it has not answered a heartbeat for 30s";
    assert_eq!(ending(&mut association).await, words);
    assert!(desk.pump.peers.is_empty());
}

#[test]
fn an_idle_peer_that_answers_heartbeats_stays() {
    let mut desk = Desk::new(Options { heartbeat_interval: HALF_A_MINUTE, ..Options::default() });
    let (tag, _, mut association) = desk.handshake(INIT);
    for tsn in 1..=20 {
        let said = desk.after(Duration::from_secs(38));
        let [heartbeat] = &said[..] else { panic!("{said:?}") };
        // Its parameter comes back, here with a message in the same packet.
        let information = heartbeat[16..].to_vec();
        desk.send(tag, |packet| {
            packet.chunk(chunk::HEARTBEAT_ACK, 0, &[&information]).data(data(tsn), &message(tsn as u8))
        });
        assert_eq!(association.try_recv().unwrap().bytes, message(tsn as u8));
        desk.after(Duration::from_millis(200)); // the SACK that was delayed
    }
}

#[test]
fn a_heartbeat_of_the_peer_is_answered_with_what_it_said() {
    let mut desk = Desk::new(Options::default());
    let (tag, _, _association) = desk.handshake(INIT);
    let said = desk.send(tag, |packet| packet.heartbeat(b"where and when: opaque to us"));
    let mut expected = SctpPacketBuilder::new(3868, 3868, INIT.tag);
    let information: &[&[u8]] = &[&[0, 1, 0, 32], b"where and when: opaque to us"];
    assert_eq!(said, [expected.chunk(chunk::HEARTBEAT_ACK, 0, information).finish().to_vec()]);
}

#[test]
fn over_ip_the_same_association_has_no_encapsulation() {
    let mut desk = Desk::over(Backend::EmbeddedSctpIp, Options::default());
    let (.., association) = desk.handshake(INIT);
    let info = association.info();
    assert_eq!((info.backend, info.encapsulation), (Backend::EmbeddedSctpIp, None));
    assert_eq!(info.local, SocketAddr::new(LOCAL.ip(), 3868));
}

#[test]
fn packets_with_a_wrong_tag_or_checksum_change_nothing() {
    let mut desk = Desk::new(Options::default());
    let (tag, _, mut association) = desk.handshake(INIT);
    let said = desk.send(tag ^ 1, |packet| packet.abort(12, false));
    assert_eq!(kinds(&said), NOTHING);
    let said = desk.send(tag ^ 1, |packet| packet.data(data(1), &message(1)));
    // RFC 9260 section 8.4: the sender may have lost track; its own tag comes back.
    assert_eq!(kinds(&said), [chunk::ABORT]);
    assert_eq!((said[0][13], &said[0][4..8]), (1, &(tag ^ 1).to_be_bytes()[..]));
    let mut packet = SctpPacketBuilder::new(3868, 3868, tag).abort(12, false).finish().to_vec();
    packet[9] ^= 4;
    assert_eq!(kinds(&desk.give(&packet)), NOTHING);
    desk.send(tag, |packet| packet.data(data(1), &message(1)));
    assert_eq!(association.try_recv().unwrap().bytes, message(1));
}
