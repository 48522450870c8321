use super::*;
use crate::avp::AvpFlags;
use crate::avp::dictionary::write_raw;
use crate::message::CommandFlags;
use crate::message::check::{Strictness, check};
use proptest::prelude::*;

fn line(key: Key, flags: u8, data: &[u8]) -> String {
    let mut bytes = Vec::new();
    write_raw(key, AvpFlags(flags), data, &mut bytes);
    let mut out = String::new();
    let palette = Palette::default();
    Tree { faults: &[], palette: &palette }.members(&bytes, 0, 1, &mut out);
    // Alignment is looked at elsewhere.
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

const TGPP: u32 = 10415;

#[test]
fn values_read_as_both_communities_write_them() {
    for (key, flags, data, expected) in [
        (Key::new(0, 268), 0x40, &[0, 0, 7, 0xd1][..], "Result-Code (268) -M- 12 2001 DIAMETER_SUCCESS"),
        (Key::new(TGPP, 1407), 0xc0, &[0, 0xf1, 0x10], "Visited-PLMN-Id (1407 3GPP) VM- 15 00f110 001-01"),
        (Key::new(TGPP, 1407), 0xc0, &[0x13, 0x00, 0x14], "Visited-PLMN-Id (1407 3GPP) VM- 15 130014 310-410"),
        (Key::new(TGPP, 1407), 0xc0, &[0xfa, 0, 0], "Visited-PLMN-Id (1407 3GPP) VM- 15 fa0000"),
        (Key::new(TGPP, 701), 0xc0, &[0x94, 0x71, 0xf6], "MSISDN (701 3GPP) VM- 15 9471f6 49176"),
        (
            Key::new(TGPP, 3604),
            0x80,
            &[0, 0xf1, 0x10, 1, 2, 3, 4, 5],
            "PDUID (3604 3GPP) V-- 20 00f1100102030405 001-01 temporary 0102030405",
        ),
        (Key::new(0, 257), 0x40, &[0, 1, 127, 0, 0, 1], "Host-IP-Address (257) -M- 14 127.0.0.1"),
        (Key::new(0, 55), 0x40, &[0xdc, 0, 0, 0], "Event-Timestamp (55) -M- 12 2016-12-17T18:18:40Z"),
        (Key::new(0, 258), 0x40, &[1, 0, 0, 0x23], "Auth-Application-Id (258) -M- 12 16777251 S6a"),
        (Key::new(0, 266), 0x40, &[0, 0, 0x28, 0xaf], "Vendor-Id (266) -M- 12 10415 3GPP"),
        (
            Key::new(TGPP, 3705),
            0xc0,
            &[0, 0, 0, 0x13],
            "UPR-Flags (3705 3GPP) VM- 16 0x00000013 UPDATE | REMOVAL | 0x10",
        ),
        (Key::new(99, 7), 0x80, &[1, 2], "AVP (7 vendor 99) V-- 14 0102"),
        (Key::new(99, 7), 0x80, b"abc", "AVP (7 vendor 99) V-- 15 616263 \"abc\""),
        (Key::new(0, 278), 0x40, &[1, 2], "Origin-State-Id (278) -M- 10 0102"),
        (Key::new(32473, 14), 0x80, &[0, 0, 0, 3], "Refusal-Cause (14 private) V-- 16 3 UNKNOWN_SUBSCRIPTION"),
    ] {
        assert_eq!(line(key, flags, data), expected);
    }
}

#[test]
fn nothing_in_a_message_can_steer_the_terminal() {
    assert_eq!(line(Key::new(0, 1), 0x40, b"a\x1b[31mb\r\n"), r"User-Name (1) -M- 17 a\u{1b}[31mb\r\n");
    assert_eq!(line(Key::new(0, 1), 0x40, "a\u{202e}b".as_bytes()), r"User-Name (1) -M- 13 a\u{202e}b");
}

#[test]
fn faults_stand_below_their_avp() {
    let mut body = Vec::new();
    write_raw(Key::new(0, 264), AvpFlags(0x40), b"a b", &mut body);
    write_raw(Key::new(0, 278), AvpFlags(0x40), &[1, 2], &mut body);
    let header = Header {
        version: 1,
        length: 20 + body.len() as u32,
        flags: CommandFlags(0x80),
        code: 280,
        application: 0,
        hop_by_hop: 1,
        end_to_end: 2,
    };
    let message = [&header.to_bytes()[..], &body].concat();
    let faults = check(&message, interfaces::command_of(&header), Strictness { unknown_mandatory: true });
    let mut out = String::new();
    write_message(&message, &faults, &Palette::default(), &mut out);
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(
        lines[0],
        "Device-Watchdog-Request (280)  base (0)  R---  44 octets  hop-by-hop 0x00000001  end-to-end 0x00000002"
    );
    assert!(lines[1].starts_with("  Origin-Host (264)  ") && lines[1].ends_with("-M-   11  612062  \"a b\""), "{out}");
    assert!(lines[2].starts_with("    ! Origin-Host (264) at octet 20: the data is no DiameterIdentity"), "{out}");
    assert!(lines[4].starts_with("    ! Origin-State-Id (278) at octet 32: 2 octets of data are no"), "{out}");
    assert!(lines[5].starts_with("  ! Origin-Realm (296) at octet 20: the AVP is required and absent"), "{out}");
    assert_eq!(lines.len(), 6, "{out}");
}

proptest! {
    #[test]
    fn any_octets_are_shown(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut out = String::new();
        let faults = check(&bytes, None, Strictness { unknown_mandatory: true });
        write_message(&bytes, &faults, &Palette::default(), &mut out);
        prop_assert!(out.ends_with('\n'));
        prop_assert!(out.chars().all(|letter| letter == '\n' || !letter.is_control()));
    }

    #[test]
    fn any_octets_of_a_known_avp_are_shown(
        row in any::<prop::sample::Index>(),
        data in proptest::collection::vec(any::<u8>(), 0..24)
    ) {
        let all: Vec<_> = dictionary::all().collect();
        let definition = row.get(&all);
        let text = line(definition.key, definition.flags().0, &data);
        prop_assert!(text.starts_with(definition.name));
    }
}
