//! Pseudonyms: one to one, consistent, of the same form.

use std::collections::HashSet;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use super::*;
use crate::avp::AvpFlags;

/// A key for tests; what users have is HMAC-SHA-256.
struct Sip(u64);

impl Keyed for Sip {
    fn hash(&self, input: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        for (at, part) in out.chunks_exact_mut(8).enumerate() {
            let mut hasher = SipHasher24::new_with_keys(self.0, at as u64);
            hasher.write(input);
            part.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        out
    }
}

fn treated(anonymizer: &mut Anonymizer<'_>, name: &str, data: &[u8]) -> Vec<u8> {
    let definition = dictionary::by_name(name).unwrap();
    let mut message = vec![0; HEADER_LENGTH];
    dictionary::write_raw(definition.key, AvpFlags(definition.flags().0), data, &mut message);
    let length = message.len();
    anonymizer.message(&mut message, true);
    assert_eq!(message.len(), length);
    let avp = Avps::new(&message[HEADER_LENGTH..]).next().unwrap().unwrap();
    assert_eq!(avp.data.len(), data.len());
    avp.data.to_vec()
}

fn text(octets: &[u8]) -> &str {
    str::from_utf8(octets).unwrap()
}

const ALL: Options = Options { hosts: true, packets: true };

#[test]
fn an_imsi_keeps_its_plmn_and_is_the_same_wherever_it_stands() {
    let keyed = Sip(1);
    let mut anonymizer = Anonymizer::new(&keyed, Options::default());
    let one = treated(&mut anonymizer, "User-Name", b"001010000000001");
    assert_eq!(&one[..5], b"00101");
    assert_ne!(one, b"001010000000001");
    assert!(one.iter().all(u8::is_ascii_digit));
    assert_eq!(treated(&mut anonymizer, "Subscription-Id-Data", b"001010000000001"), one);
    // With a digit in front and a realm behind it is a NAI.
    let nai = treated(&mut anonymizer, "User-Name", b"0001010000000001@nai.epc.mnc001.mcc001.3gppnetwork.org");
    assert_eq!(text(&nai), format!("0{}@nai.epc.mnc001.mcc001.3gppnetwork.org", text(&one)));
    // A network code of three digits.
    assert_eq!(&treated(&mut anonymizer, "User-Name", b"310410123456789")[..6], b"310410");
    // Another key gives another pseudonym, the same key the same.
    let (same, other) = (Sip(1), Sip(2));
    assert_eq!(treated(&mut Anonymizer::new(&same, ALL), "User-Name", b"001010000000001"), one);
    assert_ne!(treated(&mut Anonymizer::new(&other, ALL), "User-Name", b"001010000000001"), one);
}

#[test]
fn no_two_subscribers_become_one() {
    let keyed = Sip(3);
    let mut anonymizer = Anonymizer::new(&keyed, ALL);
    let mut seen = HashSet::new();
    for number in 0..2000 {
        assert!(seen.insert(treated(&mut anonymizer, "User-Name", format!("00101{number:010}").as_bytes())));
    }
    // All names of two letters are permuted among themselves.
    let mut seen = HashSet::new();
    for a in b'a'..=b'z' {
        for b in b'a'..=b'z' {
            assert!(seen.insert(treated(&mut anonymizer, "App-Layer-User-Id", &[a, b])));
        }
    }
    assert_eq!(seen.len(), 26 * 26);
    // A single letter has no way to stay what it is.
    for a in b'a'..=b'z' {
        assert_ne!(treated(&mut anonymizer, "App-Layer-User-Id", &[a]), [a]);
    }
}

#[test]
fn a_number_is_one_in_half_octets_as_text_and_in_uris() {
    let keyed = Sip(4);
    let mut anonymizer = Anonymizer::new(&keyed, Options::default());
    // +49 170 1234567
    let packed = treated(&mut anonymizer, "MSISDN", &[0x94, 0x71, 0x10, 0x32, 0x54, 0x76]);
    let plain = treated(&mut anonymizer, "Subscription-Id-Data", b"491701234567");
    let uri = treated(&mut anonymizer, "Public-Identity", b"tel:+491701234567");
    let sip = treated(&mut anonymizer, "Public-Identity", b"sip:+491701234567@ims.example;user=phone");
    assert_eq!(&plain[..2], b"49");
    assert_ne!(plain, b"491701234567");
    let digits: String = packed.iter().map(|octet| format!("{}{}", octet & 15, octet >> 4)).collect();
    assert_eq!(digits, text(&plain));
    assert_eq!(text(&uri), format!("tel:+{digits}"));
    assert_eq!(text(&sip), format!("sip:+{digits}@ims.example;user=phone"));
}

#[test]
fn hosts_stay_within_their_realms_and_plain_words_stay() {
    let keyed = Sip(5);
    let mut anonymizer = Anonymizer::new(&keyed, ALL);
    let host = treated(&mut anonymizer, "Origin-Host", b"MME7.site-12.operator.com");
    let realm = treated(&mut anonymizer, "Origin-Realm", b"operator.com");
    let uri = treated(&mut anonymizer, "Redirect-Host", b"aaa://mme7.site-12.operator.com:3868;transport=sctp");
    assert!(text(&host).ends_with(&format!(".{}", text(&realm))), "{} {}", text(&host), text(&realm));
    assert!(text(&realm).ends_with(".com") && !text(&realm).contains("operator"));
    assert_eq!(text(&uri), format!("aaa://{}:3868;transport=sctp", text(&host).to_ascii_lowercase()));
    assert!(text(&host).starts_with(|letter: char| letter.is_ascii_uppercase()));
    let session = treated(&mut anonymizer, "Session-Id", b"mme7.site-12.operator.com;12;34;001010000000001");
    let imsi = treated(&mut anonymizer, "User-Name", b"001010000000001");
    assert_eq!(text(&session), format!("{};12;34;{}", text(&host).to_ascii_lowercase(), text(&imsi)));
    let odd = treated(&mut anonymizer, "Session-Id", b"acct-17;mme7.site-12.operator.com;55555");
    assert!(text(&odd).contains(&format!(";{};55555", text(&host).to_ascii_lowercase())), "{}", text(&odd));
    let network = b"epc.mnc001.mcc001.3gppnetwork.org";
    assert_eq!(treated(&mut anonymizer, "Origin-Realm", network), network);
    let mut modest = Anonymizer::new(&keyed, Options::default());
    assert_eq!(treated(&mut modest, "Origin-Host", b"mme7.operator.com"), b"mme7.operator.com");
    assert_eq!(modest.report().left.get("Origin-Host"), Some(&1));
}

#[test]
fn addresses_stay_in_their_range() {
    let keyed = Sip(6);
    let mut anonymizer = Anonymizer::new(&keyed, ALL);
    for (address, start) in
        [("10.1.2.3", "10."), ("192.168.7.9", "192.168."), ("8.8.4.4", "8."), ("2001:db8::7", "2001:")]
    {
        let address: IpAddr = address.parse().unwrap();
        let other = anonymizer.pseudonym_of(address);
        assert!(other.to_string().starts_with(start), "{address} {other}");
        assert_ne!(other, address);
        assert_eq!(anonymizer.pseudonym_of(address), other);
    }
    for address in ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"] {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(anonymizer.pseudonym_of(address), address);
    }
    let mapped: IpAddr = "::ffff:10.1.2.3".parse().unwrap();
    let plain = anonymizer.pseudonym_of("10.1.2.3".parse().unwrap());
    assert_eq!(anonymizer.pseudonym_of(mapped).to_string(), format!("::ffff:{plain}"));
    // The AVP is the same address.
    let IpAddr::V4(plain) = plain else { panic!("{plain}") };
    let avp = treated(&mut anonymizer, "Host-IP-Address", &[0, 1, 10, 1, 2, 3]);
    assert_eq!(avp[2..], plain.octets());
    let prefix = treated(&mut anonymizer, "Framed-IPv6-Prefix", &[0, 64, 0x20, 1, 0xd, 0xb8, 0, 1, 0, 2]);
    assert_eq!(prefix[..4], [0, 64, 0x20, 1]);
    assert_ne!(prefix[4..], [0xd, 0xb8, 0, 1, 0, 2]);
}

#[test]
fn secrets_documents_and_what_remains() {
    let keyed = Sip(7);
    let mut anonymizer = Anonymizer::new(&keyed, Options::default());
    let secret: Vec<u8> = (0..32).collect();
    let kasme = treated(&mut anonymizer, "KASME", &secret);
    assert_ne!(kasme, secret);
    let word = treated(&mut anonymizer, "User-Credential", b"Passw0rd");
    assert!(word.iter().all(u8::is_ascii_alphanumeric) && word != b"Passw0rd");
    let pduid = treated(&mut anonymizer, "PDUID", &[0, 0xf1, 0x10, 1, 2, 3, 4, 5]);
    assert_eq!(pduid[..3], [0, 0xf1, 0x10]);
    assert_eq!(treated(&mut anonymizer, "Old-PDUID", &[0, 0xf1, 0x10, 1, 2, 3, 4, 5]), pduid);
    let alice = treated(&mut anonymizer, "Public-Identity", b"sip:alice@ims.example");
    let xml = b"<IMS><PrivateID>alice@ims.example</PrivateID><Identity>sip:alice@ims.example</Identity></IMS>";
    let document = treated(&mut anonymizer, "User-Data", xml);
    assert!(!text(&document).contains("alice"), "{}", text(&document));
    assert!(text(&document).contains(text(&alice)), "{}", text(&document));
    let mut file = b"..said alice, not malice; alice2 neither".to_vec();
    anonymizer.surveyed();
    anonymizer.rest(&mut file);
    let name = &text(&alice)[4..9];
    assert_eq!(text(&file), format!("..said {name}, not malice; alice2 neither"));
    assert_eq!(anonymizer.report().elsewhere, 1);
}

#[test]
fn addresses_as_text_stay_addresses() {
    let keyed = Sip(8);
    let mut anonymizer = Anonymizer::new(&keyed, Options::default());
    let mut seen = HashSet::new();
    for address in ["10.1.22.133", "10.1.22.134", "192.168.7.9", "2001:db8::7f", "fe80::a0:0:9", "8.8.4.4"] {
        let rule = format!("permit in ip from {address} 3868 to !{address}/24");
        let fresh = treated(&mut anonymizer, "Flow-Description", rule.as_bytes());
        let words: Vec<&str> = text(&fresh).split(' ').collect();
        let other: IpAddr = words[4].parse().unwrap();
        assert_ne!(words[4], address);
        assert_eq!(words[4].split(['.', ':']).next(), address.split(['.', ':']).next());
        assert_eq!(text(&fresh), format!("permit in ip from {other} 3868 to !{other}/24"));
        assert!(seen.insert(other));
    }
    assert_eq!(
        treated(&mut anonymizer, "Flow-Description", b"permit in ip from any to any"),
        b"permit in ip from any to any"
    );
}

#[test]
fn ethernet_addresses_keep_their_kind() {
    let keyed = Sip(9);
    let mut anonymizer = Anonymizer::new(&keyed, Options::default());
    let other = anonymizer.hardware([0x52, 0x54, 0, 1, 2, 3]);
    assert_ne!(other, [0x52, 0x54, 0, 1, 2, 3]);
    assert_eq!(other[0] & 3, 2, "locally administered, of one station");
    assert_eq!(anonymizer.hardware([0x52, 0x54, 0, 1, 2, 3]), other);
    for address in [[0; 6], [255; 6], [1, 0, 0x5e, 0, 0, 1], [0x33, 0x33, 0, 0, 0, 1]] {
        assert_eq!(anonymizer.hardware(address), address);
    }
    // A solicited node is the same in its group address of both layers.
    let group = anonymizer.pseudonym_of("ff02::1:ff12:3456".parse().unwrap());
    let IpAddr::V6(group) = group else { panic!("{group}") };
    let hardware = anonymizer.hardware([0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
    assert_eq!(hardware[3..], group.octets()[13..]);
    assert_ne!(hardware[3..], [0x12, 0x34, 0x56]);
}

/// What S1AP, GTP-C and DNS say of someone whom a message named.
#[test]
fn other_protocols_that_are_kept_say_the_pseudonym_in_their_own_form() {
    let keyed = Sip(10);
    let mut anonymizer = Anonymizer::new(&keyed, ALL);
    let imsi = treated(&mut anonymizer, "User-Name", b"001010123456789");
    let host = treated(&mut anonymizer, "Origin-Host", b"mme7.core.operator.com");
    anonymizer.surveyed();
    let half = |digits: &[u8]| -> Vec<u8> {
        let digit = |at: usize| digits.get(at).map_or(15, |digit| digit - b'0');
        (0..digits.len().div_ceil(2)).map(|at| digit(2 * at + 1) << 4 | digit(2 * at)).collect()
    };
    let said = |imsi: &[u8], host: &[u8]| {
        let mut octets = [&[1, 0, 8, 0][..], &half(imsi), &[0xf6, 9], &half(&imsi[1..])].concat();
        for label in host.split(|octet| *octet == b'.') {
            octets.push(label.len() as u8);
            octets.extend_from_slice(label);
        }
        octets
    };
    let mut octets = said(b"001010123456789", b"mme7.core.operator.com");
    anonymizer.rest(&mut octets);
    assert_eq!(octets, said(&imsi, &host));
    assert_eq!(anonymizer.report().elsewhere, 3);
}

#[test]
fn what_was_treated_is_not_searched_again() {
    let keyed = Sip(11);
    let mut anonymizer = Anonymizer::new(&keyed, ALL);
    // One is text by its format, the other octets.
    let host = treated(&mut anonymizer, "Origin-Host", b"function.operator.com");
    anonymizer.surveyed();
    assert_eq!(treated(&mut anonymizer, "ProSe-Function-ID", b"function.operator.com"), host);
    // In an AVP that has no treatment a name that is known is found.
    let told = treated(&mut anonymizer, "Product-Name", b"ours, of function.operator.com");
    assert_eq!(text(&told), format!("ours, of {}", text(&host)));
}
