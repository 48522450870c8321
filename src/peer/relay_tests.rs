//! What a relay does to messages, octet by octet.

use proptest::prelude::*;

use super::*;
use crate::avp::AvpFlags;
use crate::avp::Key;
use crate::avp::dictionary::{
    DestinationHost, DestinationRealm, ErrorReportingHost, FailedAvp, OriginHost, OriginRealm, SessionId,
};
use crate::message::CommandFlags;

/// A request of an application and a command that nobody here knows, with an AVP that nobody knows at its end.
fn unknown_request(host: Option<&str>, realm: Option<&str>, more: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let header = Header {
        version: 1,
        length: 0,
        flags: CommandFlags(CommandFlags::REQUEST | CommandFlags::PROXIABLE),
        code: 4711,
        application: 0x0123_4567,
        hop_by_hop: 11,
        end_to_end: 22,
    };
    let mut message = header.to_bytes().to_vec();
    write_avp::<SessionId>(&"a.example;1;2", &mut message);
    write_avp::<OriginHost>(&"a.example", &mut message);
    write_avp::<OriginRealm>(&"example", &mut message);
    if let Some(host) = host {
        write_avp::<DestinationHost>(&host, &mut message);
    }
    if let Some(realm) = realm {
        write_avp::<DestinationRealm>(&realm, &mut message);
    }
    write_raw(Key::new(99_999, 7), AvpFlags(AvpFlags::VENDOR | AvpFlags::MANDATORY), b"odd", &mut message);
    more(&mut message);
    finish_message(0, &mut message);
    message
}

fn to_far() -> Vec<u8> {
    unknown_request(None, Some("far"), |_| ())
}

fn relay(proxy_info: bool) -> Relay {
    Relay::new("relay.example", "example", proxy_info, [7; 16])
}

fn forward(relay: &Relay, message: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    relay.forward("a.example", &Header::parse(message).unwrap(), message, 42)
}

fn code(answer: &[u8]) -> u32 {
    find::<ResultCode>(Avps::new(&answer[HEADER_LENGTH..])).unwrap()
}

fn proxies(message: &[u8]) -> Vec<&str> {
    let avps = Avps::new(&message[HEADER_LENGTH..]).map(Result::unwrap).filter(|avp| avp.key.0 == ProxyInfo::KEY);
    avps.map(|avp| find::<ProxyHost>(avp.members()).unwrap()).collect()
}

fn add_proxy(host: &str, message: &mut Vec<u8>) {
    let mut inside = Vec::new();
    write_avp::<ProxyHost>(&host, &mut inside);
    write_avp::<ProxyState>(&&b"state"[..], &mut inside);
    write_raw(<ProxyInfo as Declared>::DEFINITION.key, AvpFlags(AvpFlags::MANDATORY), &inside, message);
    finish_message(0, message);
}

/// The answer that a server makes of a request: the same Proxy-Info, in the same order.
fn answer_of(request: &[u8], code: u32) -> Vec<u8> {
    answers::refuse("server.far", "far", request, &Header::parse(request).unwrap(), code, "as you wish")
}

#[test]
fn a_request_goes_on_octet_for_octet_with_a_route_record_behind_it() {
    let request = to_far();
    let forwarded = forward(&relay(false), &request).unwrap();
    let mut record = Vec::new();
    write_avp::<RouteRecord>(&"a.example", &mut record);
    assert_eq!(forwarded[4..request.len()], request[4..], "all but the length");
    assert_eq!(forwarded[request.len()..], record);
    let header = Header::parse(&forwarded).unwrap();
    assert_eq!((header.length as usize, header.hop_by_hop, header.end_to_end), (forwarded.len(), 11, 22));
}

#[test]
fn the_records_of_others_stay_before_ours() {
    let request = unknown_request(None, Some("far"), |message| write_avp::<RouteRecord>(&"first.example", message));
    let forwarded = forward(&relay(false), &request).unwrap();
    let avps = Avps::new(&forwarded[HEADER_LENGTH..]).map(Result::unwrap);
    let records: Vec<_> = avps.filter(|avp| avp.key.0 == RouteRecord::KEY).map(|avp| avp.data).collect();
    assert_eq!(records, [b"first.example", &b"a.example"[..]]);
}

#[test]
fn an_answer_goes_back_octet_for_octet_error_or_not() {
    let forwarded = forward(&relay(false), &to_far()).unwrap();
    for code in [2001, 3004, 5012] {
        let answer = answer_of(&forwarded, code);
        let returned = relay(false).returned(&answer, 42);
        assert_eq!(returned, Returned { message: answer, odd: None });
    }
}

#[test]
fn what_goes_no_further_is_answered_with_the_reason() {
    let nowhere = unknown_request(None, None, |_| ());
    let mut local = to_far();
    local[4] &= !CommandFlags::PROXIABLE;
    let looped = unknown_request(None, Some("far"), |message| {
        write_avp::<RouteRecord>(&"b.example", message);
        write_avp::<RouteRecord>(&"RELAY.example", message);
    });
    for (request, result, why) in [
        (looped, 3005, "it has been here"),
        (local, 3001, "the P bit is clear"),
        (unknown_request(Some("server.far"), None, |_| ()), 3002, "Destination-Host without Destination-Realm"),
        (unknown_request(Some("Relay.example"), Some("example"), |_| ()), 3007, "it is for the relay itself"),
        (nowhere, 3007, "it is for nobody, so for the relay itself"),
    ] {
        let answer = forward(&relay(false), &request).unwrap_err();
        let header = Header::parse(&answer).unwrap();
        assert_eq!((code(&answer), header.flags.is_error(), header.hop_by_hop), (result, true, 11), "{why}");
        let reporting = find::<ErrorReportingHost>(Avps::new(&answer[HEADER_LENGTH..]));
        assert_eq!(reporting, Some("relay.example"), "{why}");
    }
}

#[test]
fn avps_that_cannot_be_walked_are_answered_with_failed_avp() {
    let mut request = to_far();
    // The length of Origin-Realm runs past the end.
    let at = request.windows(4).position(|octets| octets == 296_u32.to_be_bytes()).unwrap();
    request[at + 5] = 0xff;
    let answer = forward(&relay(false), &request).unwrap_err();
    assert_eq!((code(&answer), Header::parse(&answer).unwrap().flags.is_error()), (5014, false));
    let failed = Avps::new(&answer[HEADER_LENGTH..]).map(Result::unwrap).find(|avp| avp.key.0 == FailedAvp::KEY);
    assert_eq!(failed.unwrap().members().next().unwrap().unwrap().key.0, OriginRealm::KEY);
}

#[test]
fn a_proxy_info_of_ours_comes_back_and_goes_no_further() {
    let mut request = to_far();
    add_proxy("first.example", &mut request);
    // A relay of our name further up, perhaps ourselves: its state is its own.
    add_proxy("relay.example", &mut request);
    let relay = relay(true);
    let forwarded = forward(&relay, &request).unwrap();
    assert_eq!(proxies(&forwarded), ["first.example", "relay.example", "relay.example"]);
    let answer = answer_of(&forwarded, 2001);
    let returned = relay.returned(&answer, 42);
    assert_eq!((proxies(&returned.message), returned.odd), (vec!["first.example", "relay.example"], None));
    let expected = answer_of(&request, 2001);
    assert_eq!(returned.message, expected, "as if the relay had never been there");
}

#[test]
fn a_proxy_state_that_was_changed_or_lost_is_told() {
    let relay = relay(true);
    let answer = answer_of(&forward(&relay, &to_far()).unwrap(), 2001);
    let changed = relay.returned(&answer, 43);
    assert!(changed.odd.unwrap().contains("changed") && proxies(&changed.message).is_empty());
    let lost = answer_of(&to_far(), 2001);
    let returned = relay.returned(&lost, 42);
    assert!(returned.odd.unwrap().contains("lacks") && returned.message == lost);
}

#[test]
fn a_request_that_reached_nobody_is_answered_as_the_sender_knows_it() {
    let mut request = to_far();
    add_proxy("first.example", &mut request);
    let relay = relay(true);
    let forwarded = forward(&relay, &request).unwrap();
    let answer = relay.undelivered(&forwarded, 3002, "no peer leads there").unwrap();
    assert_eq!((code(&answer), proxies(&answer)), (3002, vec!["first.example"]));
    let body = || Avps::new(&answer[HEADER_LENGTH..]);
    assert_eq!(find::<SessionId>(body()), Some("a.example;1;2"));
    assert_eq!(find::<ErrorReportingHost>(body()), Some("relay.example"));
    assert!(body().map(Result::unwrap).all(|avp| avp.key.0 != RouteRecord::KEY));
}

proptest! {
    #[test]
    fn any_octets_are_forwarded_or_answered(body in prop::collection::vec(any::<u8>(), 0..200), proxy in any::<bool>()) {
        let mut message = to_far()[..HEADER_LENGTH].to_vec();
        message.extend_from_slice(&body);
        let relay = relay(proxy);
        match forward(&relay, &message) {
            Ok(forwarded) => prop_assert_eq!(&forwarded[4..message.len()], &message[4..]),
            Err(answer) => prop_assert!(!Header::parse(&answer).unwrap().is_request()),
        }
        let _ = relay.returned(&message, 1);
        let _ = relay.undelivered(&message, 3002, "");
    }
}
