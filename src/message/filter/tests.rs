use super::*;
use crate::avp::AvpFlags;
use crate::avp::Key;
use crate::avp::dictionary::write_raw;
use crate::message::CommandFlags;
use proptest::prelude::*;

fn put(key: Key, data: &[u8], out: &mut Vec<u8>) {
    write_raw(key, AvpFlags(if key.vendor() == 0 { 0x40 } else { 0xc0 }), data, out);
}

/// An Update-Location-Answer with an Experimental-Result, two Route-Records, a visited network and an address.
fn message() -> Vec<u8> {
    let mut body = Vec::new();
    put(Key::new(0, 263), b"mme.example;1;2", &mut body);
    let mut result = Vec::new();
    put(Key::new(0, 266), &10415_u32.to_be_bytes(), &mut result);
    put(Key::new(0, 298), &5001_u32.to_be_bytes(), &mut result);
    put(Key::new(0, 297), &result, &mut body);
    put(Key::new(0, 282), b"one.example", &mut body);
    put(Key::new(0, 282), b"two.example", &mut body);
    put(Key::new(10415, 1407), &[0x00, 0xf1, 0x10], &mut body);
    put(Key::new(0, 257), &[0, 1, 10, 1, 2, 3], &mut body);
    put(Key::new(0, 55), &[0xdc, 0, 0, 0], &mut body);
    let header = Header {
        version: 1,
        length: 20 + body.len() as u32,
        flags: CommandFlags(0x40),
        code: 316,
        application: 16_777_251,
        hop_by_hop: 0xdead_beef,
        end_to_end: 7,
    };
    [&header.to_bytes()[..], &body].concat()
}

fn holds(text: &str) -> bool {
    let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let message = message();
    filter.matches(&Subject {
        message: &message,
        header: Header::parse(&message).unwrap(),
        frame: 12,
        time: Some(1_500_000_000),
        sctp: Some(true),
        source: Some("192.0.2.1:3868".parse().unwrap()),
        destination: Some("192.0.2.2:40000".parse().unwrap()),
        ppid: Some(46),
        stream: Some(1),
    })
}

#[test]
fn these_accept_the_message() {
    for text in [
        "diameter",
        "sctp && !tcp",
        "diameter.cmd.code == 316",
        "diameter.cmd.code eq 0x13c and diameter.applicationId == 16777251",
        "diameter.cmd.code == \"Update-Location\"",
        "diameter.cmd.code == Update-Location-Request",
        "diameter.applicationId == S6a",
        "diameter.flags.request == 0 && diameter.flags.proxyable == true && diameter.flags.error == False",
        // A bare flag asks for the field.
        "diameter.flags.request",
        "diameter.flags & 0x40",
        "!(diameter.flags & 0x80)",
        "diameter.flags & 0xc0 == 0x40",
        "diameter.hopbyhopid == 0xdeadbeef && diameter.endtoendid < 8 && diameter.version == 1 && diameter.length > 100",
        "diameter.Experimental-Result-Code == 5001",
        "diameter.Experimental-Result-Code == DIAMETER_ERROR_USER_UNKNOWN",
        "diameter.Experimental-Result-Code in {2001, 5000..5010}",
        "diameter.Experimental-Result-Code in { 5001 }",
        "diameter.avp.code == 298 and diameter.avp.vendorId == 3GPP",
        "diameter.Session-Id contains \"example;1\"",
        "diameter.Session-Id contains mme",
        "diameter.Route-Record == \"one.example\" && diameter.Route-Record == \"two.example\"",
        "diameter.Route-Record !== \"one.example\"",
        "diameter.Visited-PLMN-Id == 00:f1:10",
        "diameter.Visited-PLMN-Id == 00f110",
        "diameter.Host-IP-Address == 10.1.2.3 && diameter.Host-IP-Address == 10.0.0.0/8",
        "diameter.Event-Timestamp > 2016-01-01T00:00:00Z",
        "diameter.Experimental-Result",
        "frame.number == 12",
        "frame.time_epoch >= 1.5 && frame.time_epoch < 1.500000001",
        "ip.addr == 192.0.2.2 && ip.src == 192.0.2.1 && ip.dst != 192.0.2.1",
        "ip.addr == 192.0.2.0/30",
        "sctp.port == 3868 && sctp.srcport == 3868 && sctp.dstport == 40000",
        "sctp.data_payload_proto_id == 46",
        "not tcp.port or ipv6",
        "tcp or sctp and diameter",
        "((diameter))",
        "!!diameter",
        "diameter.avp.flags.mandatory == 1 && diameter.avp.len == 12",
        "diameter.flags===64",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn these_refuse_it() {
    for text in [
        "tcp",
        "ipv6.addr == ::1",
        "diameter.cmd.code != 316",
        "diameter.Result-Code",
        // Not there, so nothing differs: Wireshark 4.
        "diameter.Result-Code != 2001",
        "diameter.Route-Record != \"one.example\"",
        "diameter.Route-Record === \"one.example\"",
        "sctp.port != 3868",
        "tcp.port == 3868",
        "diameter.Experimental-Result-Code in {1..5000, 6000}",
        "diameter.Session-Id contains \"EXAMPLE\"",
        "diameter.Host-IP-Address == 11.0.0.0/8",
        "diameter.avp.unknown",
        "diameter.Experimental-Result-Code & 0x2000",
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn errors_point_at_the_column() {
    for (text, expected) in [
        ("", "column 1: expected a field, `!` or `(`, found the end"),
        (
            "diameter.Result-Cod == 1",
            "column 1: unknown field `diameter.Result-Cod`; did you mean `diameter.Result-Code`?",
        ),
        ("diameter.cmd.cod == 1", "column 1: unknown field `diameter.cmd.cod`; did you mean `diameter.cmd.code`?"),
        ("diameter.cmd.code == ", "column 22: expected a value for `diameter.cmd.code`, found the end"),
        ("diameter.cmd.code = 1", "column 19: `=` has no meaning here"),
        (
            "diameter.cmd.code == 010",
            "column 22: expected a number (decimal or 0x) or the name of a value for `diameter.cmd.code`, found `010`",
        ),
        ("(diameter", "column 10: expected `)`, found the end"),
        ("diameter )", "column 10: expected `&&`, `||` or the end, found `)`"),
        ("diameter.flags.request > 0", "column 24: `diameter.flags.request`: a flag is only equal or not"),
        ("diameter.cmd.code contains 3", "column 19: `diameter.cmd.code`: `contains` needs a text or octets"),
        ("diameter.User-Name matches \"x\"", "column 20: `matches` is not supported; use `contains` or `==`"),
        ("diameter.User-Name == \"x", "column 23: the text has no closing `\"`"),
        (
            "ip.addr == 1.2.3",
            "column 12: expected an IP address, or a network such as 10.0.0.0/8 for `ip.addr`, found `1.2.3`",
        ),
        ("tcp == 1", "column 5: `tcp`: only its presence can be asked"),
        (
            "tcp.port == sctp.port",
            "column 13: `sctp.port` is a field; two fields can not be compared, expected a value",
        ),
        ("tcp.port in 1", "column 13: expected `{`, found `1`"),
        (
            "nonsense.thing.at.all",
            "column 1: unknown field `nonsense.thing.at.all`; known are diameter.*, frame.number, ip.*, ipv6.*, sctp.*, tcp.*",
        ),
    ] {
        assert_eq!(Filter::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    let deep = "(".repeat(200);
    assert!(Filter::parse(&deep).unwrap_err().to_string().ends_with("nested deeper than 100"));
}

proptest! {
    #[test]
    fn any_text_is_answered(text in ".{0,60}") {
        let _ = Filter::parse(&text);
    }

    #[test]
    fn any_words_are_answered(words in proptest::collection::vec(prop::sample::select(vec![
        "diameter", "diameter.cmd.code", "==", "!=", "in", "{", "}", "..", ",", "1", "0x2", "(", ")", "!", "&&", "||",
        "\"a\"", "ip.addr", "1.2.3.4/8", "&", "contains", "diameter.User-Name", "diameter.flags.T",
    ]), 0..12)) {
        let text = words.join(" ");
        if let Ok(filter) = Filter::parse(&text) {
            let message = message();
            let _ = filter.matches(&Subject {
                message: &message[..message.len() - 5],
                header: Header::parse(&message).unwrap(),
                frame: 1, time: None, sctp: None, source: None, destination: None, ppid: None, stream: None,
            });
        }
    }
}
