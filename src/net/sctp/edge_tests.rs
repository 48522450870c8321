use super::*;
use proptest::prelude::*;

fn edge() -> Edge {
    Edge::new(16, 64, 100_000, false)
}

fn with_room(packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.extend_from_slice(&[0xee; 8]);
    buffer
}

fn admit(edge: &mut Edge, packet: &[u8]) -> (Admitted, Vec<u8>) {
    let head = inspect(packet).unwrap();
    let mut buffer = with_room(packet);
    let admitted = edge.admit(&mut buffer, packet.len(), &head, false);
    buffer.truncate(admitted.length);
    (admitted, buffer)
}

const INIT: Init = Init { tag: 7, window: 70_000, outgoing_streams: 5, incoming_streams: 3, tsn: 1000 };

#[test]
fn addresses_in_an_init_do_not_reach_the_stack_and_streams_are_the_smaller_of_offer_and_limit() {
    let mut packet = SctpPacketBuilder::new(3868, 3868, 0);
    let mut value = Vec::from(&[0, 0, 0, 7, 0, 1, 0x11, 0x70, 0, 5, 0, 3, 0, 0, 3, 0xe8][..]);
    value.extend_from_slice(&[0, 5, 0, 8, 127, 0, 0, 1]); // IPv4 address
    value.extend_from_slice(&[0, 9, 0, 8, 0, 0, 0, 1]); // cookie preservative
    value.extend_from_slice(&[0x80, 8, 0, 7, 130, 192, 64, 0]); // supported extensions, padded
    value.extend_from_slice(&[0, 6, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]); // IPv6 address
    packet.chunk(chunk::INIT, 0, &[&value]);
    let bytes = packet.finish().to_vec();
    assert_eq!(inspect(&bytes).unwrap().init, Some(INIT));
    let mut edge = edge();
    let (admitted, left) = admit(&mut edge, &bytes);
    assert_eq!(admitted.length, 32);
    assert_eq!(left, SctpPacketBuilder::new(3868, 3868, 0).init(INIT).finish());
    assert_eq!((edge.outgoing_streams, edge.incoming_streams, edge.peer_tag), (3, 5, 7));
}

#[test]
fn the_cookie_of_an_init_ack_stays() {
    let mut packet = SctpPacketBuilder::new(3868, 40_000, 9);
    let cookie = [0xab; 30];
    let mut value = init_bytes();
    value.extend_from_slice(&[0, 5, 0, 8, 127, 0, 0, 1]);
    value.extend_from_slice(&[0, 7, 0, 34]);
    value.extend_from_slice(&cookie);
    value.extend_from_slice(&[0, 0, 0x80, 0, 0, 4]);
    packet.chunk(chunk::INIT_ACK, 0, &[&value]);
    let bytes = packet.finish().to_vec();
    let (_, left) = admit(&mut edge(), &bytes);
    assert_eq!(left, SctpPacketBuilder::new(3868, 40_000, 9).init_ack(INIT, &cookie).finish());
}

fn init_bytes() -> Vec<u8> {
    let mut packet = SctpPacketBuilder::new(1, 1, 0);
    packet.init(INIT).finish()[16..].to_vec()
}

#[test]
fn every_identifier_survives_the_stack_both_ways() {
    let mut edge = edge();
    let mut table = PpidTable::default();
    for ppid in [46, 47, 0, 0x2e00_0000, 99] {
        let place = table.place(ppid).unwrap();
        assert_eq!(table.identifier(place), ppid);
        let data = Data { tsn: 1, stream: 0, ssn: 0, ppid, flags: Data::BEGIN | Data::END };
        let packet = SctpPacketBuilder::new(1, 2, 3).data(data, b"diameter").finish().to_vec();
        let (_, inside) = admit(&mut edge, &packet);
        assert!(inspect(&inside).is_ok());
        let place = u32_at(&inside, 24);
        assert_eq!(edge.received.wire(place), ppid, "{ppid} came in");
        let place = edge.sent.place(ppid).unwrap() as u32;
        let data = Data { ppid: place, ..data };
        let mut inside = SctpPacketBuilder::new(1, 2, 3).data(data, b"diameter").finish().to_vec();
        edge.dispatch(&mut inside);
        assert_eq!(inside, packet, "{ppid} went out");
    }
    assert_eq!(table.place(100), None);
    assert_eq!(table.place(46), Some(PayloadProtocolIdentifier::String));
}

#[test]
fn shutdown_acknowledges_what_was_last_sacked() {
    let mut edge = edge();
    let mut sack = SctpPacketBuilder::new(1, 2, 3).sack(4242, 1 << 20).finish().to_vec();
    assert!(edge.dispatch(&mut sack).only_sack);
    assert_eq!(sack, SctpPacketBuilder::new(1, 2, 3).sack(4242, 100_000).finish());
    let mut shutdown = SctpPacketBuilder::new(1, 2, 3).shutdown(1).finish().to_vec();
    edge.dispatch(&mut shutdown);
    assert_eq!(shutdown, SctpPacketBuilder::new(1, 2, 3).shutdown(4242).finish());
}

#[test]
fn our_init_ack_offers_our_streams_and_no_extensions() {
    let mut value = init_bytes();
    value.extend_from_slice(&[0, 7, 0, 8, 1, 2, 3, 4, 0x80, 8, 0, 6, 130, 192]);
    let mut packet = SctpPacketBuilder::new(3868, 1, 7).chunk(chunk::INIT_ACK, 0, &[&value]).finish().to_vec();
    let mut edge = edge();
    let length = edge.dispatch(&mut packet).length;
    let expected = Init { outgoing_streams: 16, incoming_streams: 64, ..INIT };
    assert_eq!(packet[..length], *SctpPacketBuilder::new(3868, 1, 7).init_ack(expected, &[1, 2, 3, 4]).finish());
    assert_eq!(edge.local_tag, 7);
}

#[test]
fn errors_and_unknown_chunks_are_taken_out_and_abort_is_told() {
    let data = Data { tsn: 1, stream: 0, ssn: 0, ppid: 46, flags: 3 };
    let mut packet = SctpPacketBuilder::new(1, 2, 3);
    packet.chunk(chunk::ERROR, 0, &[&[0, 8, 0, 4]]).chunk(0xc1, 0, &[b"odd"]).data(data, b"1234");
    packet.chunk(0x81, 0, &[]);
    let (admitted, left) = admit(&mut edge(), packet.finish());
    let place = PayloadProtocolIdentifier::String as u32;
    assert_eq!(left, SctpPacketBuilder::new(1, 2, 3).data(Data { ppid: place, ..data }, b"1234").finish());
    assert_eq!(admitted.abort, None);

    let mut packet = SctpPacketBuilder::new(1, 2, 3);
    packet.chunk(chunk::ABORT, 0, &[&[0, 13, 0xff, 0xff]]);
    let (admitted, left) = admit(&mut edge(), packet.finish());
    assert_eq!(admitted.abort, Some(13));
    assert_eq!(left, SctpPacketBuilder::new(1, 2, 3).chunk(chunk::ABORT, 0, &[]).finish());
}

#[test]
fn data_outside_the_agreement_is_a_violation() {
    let far = Data { tsn: 1, stream: 64, ssn: 0, ppid: 46, flags: 3 };
    let packet = SctpPacketBuilder::new(1, 2, 3).data(far, b"1234").finish().to_vec();
    assert_eq!(admit(&mut edge(), &packet).0.violation, Some(cause::INVALID_STREAM));
    let packet = SctpPacketBuilder::new(1, 2, 3).data(Data { stream: 0, ..far }, b"").finish().to_vec();
    assert_eq!(admit(&mut edge(), &packet).0.violation, Some(cause::NO_USER_DATA));
}

#[test]
fn a_sack_travels_in_front_of_data() {
    let sack = SctpPacketBuilder::new(1, 2, 3).sack(5, 6000).finish().to_vec();
    let data = Data { tsn: 1, stream: 0, ssn: 0, ppid: 46, flags: 3 };
    let packet = SctpPacketBuilder::new(1, 2, 3).data(data, b"1234").finish().to_vec();
    let mut both = Vec::new();
    bundle(&mut both, &sack, &packet);
    assert_eq!(both, SctpPacketBuilder::new(1, 2, 3).sack(5, 6000).data(data, b"1234").finish());
}

#[test]
fn packets_for_nobody_are_answered_as_the_standard_says() {
    let mut builder = SctpPacketBuilder::new(1, 1, 1);
    let head = |kind| Head { source_port: 10, destination_port: 20, tag: 30, kind, init: None };
    let reply = stray(&head(chunk::DATA), &mut builder).unwrap();
    assert_eq!(reply, SctpPacketBuilder::new(20, 10, 30).chunk(chunk::ABORT, 1, &[]).finish());
    let reply = stray(&head(chunk::SHUTDOWN_ACK), &mut builder).unwrap();
    assert_eq!(reply, SctpPacketBuilder::new(20, 10, 30).shutdown_complete(true).finish());
    assert_eq!(stray(&head(chunk::ABORT), &mut builder), None);
}

proptest! {
    /// Whatever a datagram holds: no panic, and what is left for the stack is a packet.
    #[test]
    fn any_datagram_is_survived(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0u8..16, fix in any::<bool>()) {
        if bytes.len() > 16 {
            bytes[12] = kind;
            if fix {
                let length = (bytes.len() - 12) as u16;
                bytes[14..16].copy_from_slice(&length.to_be_bytes());
            }
            set_crc32c(&mut bytes);
        }
        let mut edge = edge();
        if let Ok(head) = inspect(&bytes) {
            let mut buffer = with_room(&bytes);
            let admitted = edge.admit(&mut buffer, bytes.len(), &head, false);
            prop_assert!(admitted.length >= COMMON_HEADER && admitted.length.is_multiple_of(4));
            prop_assert!(admitted.length <= bytes.len().next_multiple_of(4));
        }
        edge.dispatch(&mut bytes);
    }
}
