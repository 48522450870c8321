//! JSON there and back, and what is wrong with it.

use super::*;
use proptest::prelude::*;

fn no_names(_: &str, _: Option<u32>) -> Option<(u32, u32, CommandFlags)> {
    None
}

fn there_and_back(message: &[u8]) -> Vec<u8> {
    let text = message_to_json(message).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    message_from_json(&value, &no_names).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn message(body: &[u8]) -> Vec<u8> {
    let length = (HEADER_LENGTH + body.len()) as u32;
    let header = Header {
        version: 1,
        length,
        flags: CommandFlags(0x80),
        code: 280,
        application: 0,
        hop_by_hop: 1,
        end_to_end: 2,
    };
    [&header.to_bytes()[..], body].concat()
}

#[test]
fn an_avp_of_each_shape_reads_well() {
    let mut body = Vec::new();
    for (key, flags, data) in [
        (Key::new(0, 268), 0x40, &[0, 0, 0x07, 0xd1][..]),
        (Key::new(0, 1), 0x40, b"al\"ice\n"),
        (Key::new(0, 257), 0x40, &[0, 1, 10, 0, 0, 1]),
        (Key::new(0, 257), 0x40, &[0, 8, 0x34]),
        (Key::new(0, 55), 0x40, &[0xff; 4]),
        (Key::new(10415, 3705), 0xc0, &[0, 0, 0, 3]),
        (Key::new(99, 99), 0x80, &[1, 2, 3]),
        (Key::new(0, 278), 0x40, &[1, 2]),
        (Key::new(0, 260), 0x40, &[0, 0, 1, 10, 0x40, 0, 0, 12, 0, 0, 40, 175]),
        (Key::new(0, 260), 0x40, &[1, 2, 3]),
    ] {
        dictionary::write_raw(key, AvpFlags(flags), data, &mut body);
    }
    let message = message(&body);
    let text = message_to_json(&message).unwrap();
    for expected in [
        r#"{"code":268,"vendor":0,"flags":64,"name":"Result-Code","value":2001,"meaning":"DIAMETER_SUCCESS"}"#,
        r#""name":"User-Name","value":"al\"ice\n""#,
        r#""value":"10.0.0.1""#,
        r#""value":"8:34""#,
        r#""value":"2036-02-07T06:28:15Z""#,
        r#""name":"UPR-Flags","value":3,"meaning":"UPDATE | REMOVAL""#,
        r#"{"code":99,"vendor":99,"flags":128,"name":null,"value":"010203"}"#,
        r#""name":"Origin-State-Id","hex":"0102""#,
        r#""avps":[{"code":266,"vendor":0,"flags":64,"name":"Vendor-Id","value":10415,"meaning":"TGPP"}]"#,
        r#""name":"Vendor-Specific-Application-Id","hex":"010203""#,
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert_eq!(there_and_back(&message), message);
}

#[test]
fn odd_padding_and_octets_behind_the_last_avp_survive() {
    let message = message(&[0, 0, 0, 1, 0x40, 0, 0, 9, b'x', 7, 8, 9, 1, 2, 3, 4]);
    assert_eq!(there_and_back(&message), message);
    let text = message_to_json(&message).unwrap();
    assert!(text.contains(r#""padding":"070809""#) && text.contains(r#""rest":"01020304""#), "{text}");
}

#[test]
fn a_hand_written_request_needs_names_only() {
    let value = serde_json::json!({
        "command": "Device-Watchdog-Request",
        "avps": [
            {"name": "Origin-Host", "value": "a.example"},
            {"name": "Auth-Session-State", "value": "NO_STATE_MAINTAINED"},
            {"name": "UPR-Flags", "value": "UPDATE | 0x10"},
        ],
    });
    let find = |name: &str, _: Option<u32>| {
        (name == "Device-Watchdog-Request").then_some((0, 280, CommandFlags(CommandFlags::REQUEST)))
    };
    let message = message_from_json(&value, &find).unwrap();
    let header = Header::parse(&message).unwrap();
    assert_eq!((header.code, header.flags.0, header.length as usize), (280, 0x80, message.len()));
    let avps: Vec<_> = Avps::new(&message[20..]).map(Result::unwrap).collect();
    assert_eq!(avps[0].flags, AvpFlags(0x40));
    assert_eq!((avps[1].data, avps[2].data), (&[0, 0, 0, 1][..], &[0, 0, 0, 0x11][..]));
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (avp, expected) in [
        (serde_json::json!({"value": 1}), "avps[0]: expected `code` and `vendor`, or `name`"),
        (serde_json::json!({"name": "No-Such"}), "avps[0].name: the dictionary has no `No-Such`"),
        (
            serde_json::json!({"name": "Result-Code", "value": -1}),
            "avps[0].value: expected a number within the format's range for Result-Code (Unsigned32)",
        ),
        (
            serde_json::json!({"code": 1, "vendor": 5, "flags": 0}),
            "avps[0].flags: a vendor other than 0 needs the V flag (128)",
        ),
    ] {
        let value = serde_json::json!({"code": 280, "flags": 128, "application": 0, "avps": [avp]});
        assert_eq!(message_from_json(&value, &no_names).unwrap_err().to_string(), expected);
    }
}

proptest! {
    #[test]
    fn any_body_comes_back_as_it_was(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let message = message(&body);
        prop_assert_eq!(there_and_back(&message), message);
    }

    #[test]
    fn any_known_avp_comes_back_as_it_was(
        rows in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), proptest::collection::vec(any::<u8>(), 0..24)), 0..12)
    ) {
        let all: Vec<_> = dictionary::all().collect();
        let mut body = Vec::new();
        for (index, flags, data) in rows {
            let definition = index.get(&all);
            let data = match definition.kind.fixed_length() {
                Some(length) if data.len() > 3 => data.into_iter().chain([0; 8]).take(length).collect(),
                _ => data,
            };
            let vendor = definition.flags().0 & AvpFlags::VENDOR;
            dictionary::write_raw(definition.key, AvpFlags(flags & 0x7f | vendor), &data, &mut body);
        }
        let message = message(&body);
        prop_assert_eq!(there_and_back(&message), message);
    }
}
