use proptest::prelude::*;

use super::*;
use crate::avp::dictionary::{Declared, ProsePermission, UserName, write_raw};
use crate::avp::{AvpFlags, Key};
use crate::interfaces::{self, INTERFACES, pc4};
use crate::message::{Command, Envelope};

const RECEIVER: Strictness = Strictness { unknown_mandatory: true };
const ENVELOPE: Envelope = Envelope { application: pc4::hss::APPLICATION, hop_by_hop: 1, end_to_end: 2 };

fn request<'a>() -> pc4::hss::ProseSubscriberInformationRequest<'a> {
    pc4::hss::ProseSubscriberInformationRequest {
        session_id: "f.example;1;1",
        auth_session_state: 1,
        origin_host: "f.example",
        origin_realm: "example",
        destination_realm: "example",
        user_name: "001010000000001",
        ..Default::default()
    }
}

/// A message from parts, its length counted.
fn message(flags: u8, code: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Header {
        version: VERSION,
        length: (HEADER_LENGTH + body.len()) as u32,
        flags: CommandFlags(flags),
        code,
        application: ENVELOPE.application,
        hop_by_hop: 1,
        end_to_end: 2,
    }
    .to_bytes()
    .to_vec();
    out.extend_from_slice(body);
    out
}

fn avp(vendor: u32, code: u32, flags: u8, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_raw(Key::new(vendor, code), AvpFlags(flags), data, &mut out);
    out
}

fn faults_of(message: &[u8]) -> Vec<(u32, Vec<u32>, usize, Vec<u8>)> {
    let header = Header::parse(message).unwrap();
    let faults = check(message, interfaces::command_of(&header), RECEIVER);
    faults
        .into_iter()
        .map(|fault| {
            let path = fault.path.iter().map(|key| key.code()).collect();
            (fault.result_code(), path, fault.offset, fault.failed)
        })
        .collect()
}

/// A sound PIR with `extra` at its end; gives the message and where `extra` begins.
fn with(extra: &[u8]) -> (Vec<u8>, usize) {
    let sound = request().to_bytes(ENVELOPE);
    let mut body = sound[HEADER_LENGTH..].to_vec();
    body.extend_from_slice(extra);
    (message(0xc0, 8_388_664, &body), sound.len())
}

#[test]
fn a_sound_request_has_no_fault_and_comes_back() {
    let bytes = request().to_bytes(ENVELOPE);
    assert_eq!(faults_of(&bytes), []);
    assert_eq!(pc4::hss::ProseSubscriberInformationRequest::decode(&bytes), Ok(request()));
    let message = pc4::hss::Message::decode(&bytes);
    assert!(matches!(message, Ok(pc4::hss::Message::ProseSubscriberInformationRequest(_))));
}

#[test]
fn an_unknown_mandatory_avp_is_5001_with_itself() {
    let odd = avp(99, 7, 0xc0, b"odd");
    let (bytes, at) = with(&odd);
    assert_eq!(faults_of(&bytes), [(5001, vec![7], at, odd.clone())]);
    let onlooker = Strictness { unknown_mandatory: false };
    assert_eq!(check(&bytes, interfaces::command_of(&Header::parse(&bytes).unwrap()), onlooker), []);
    assert_eq!(faults_of(&with(&avp(99, 7, 0x80, b"odd")).0), [], "without M it is ignored");
}

#[test]
fn an_unknown_mandatory_member_comes_with_the_groups_around_it() {
    let odd = avp(99, 7, 0xc0, b"odd");
    let group = [avp(10415, 3702, 0xc0, &[0, 0, 0, 1]), odd.clone()].concat();
    let (bytes, at) = with(&avp(10415, 3701, 0xc0, &group));
    assert_eq!(faults_of(&bytes), [(5001, vec![3701, 7], at + 12 + 16, avp(10415, 3701, 0xc0, &odd))]);
}

#[test]
fn a_missing_avp_is_5005_with_a_sample() {
    let bytes = message(0xc0, 8_388_664, &avp(0, 263, 0x40, b"s"));
    let missing: Vec<_> = faults_of(&bytes).into_iter().map(|(code, path, _, failed)| (code, path, failed)).collect();
    assert_eq!(missing.len(), 5);
    assert!(missing.contains(&(5005, vec![1], UserName::DEFINITION.sample())));
    let group = with(&avp(10415, 3701, 0xc0, &[])).0;
    let sample = avp(10415, 3701, 0xc0, &ProsePermission::DEFINITION.sample());
    assert_eq!(faults_of(&group)[0], (5005, vec![3701, 3702], group.len(), sample));
}

#[test]
fn one_too_many_is_5009_once_with_the_first_that_is() {
    let second = avp(0, 1, 0x40, b"second");
    let (bytes, at) = with(&[second.clone(), avp(0, 1, 0x40, b"third")].concat());
    assert_eq!(faults_of(&bytes), [(5009, vec![1], at, second)]);
}

#[test]
fn a_member_that_a_closed_group_lacks_is_5008() {
    let odd = avp(0, 1, 0x40, b"x");
    let group = avp(0, 260, 0x40, &[avp(0, 266, 0x40, &[0, 0, 40, 175]), odd.clone()].concat());
    let (bytes, at) = with(&group);
    assert_eq!(faults_of(&bytes), [(5008, vec![260, 1], at + 8 + 12, avp(0, 260, 0x40, &odd))]);
}

#[test]
fn wrong_lengths_and_values_are_told_apart() {
    let (bytes, at) = with(&avp(0, 278, 0x40, &[1, 2, 3]));
    assert_eq!(faults_of(&bytes), [(5014, vec![278], at, avp(0, 278, 0x40, &[0; 4]))]);
    let broken = avp(0, 281, 0, &[0xff]);
    let (bytes, at) = with(&broken);
    assert_eq!(faults_of(&bytes), [(5004, vec![281], at, broken)]);
}

#[test]
fn a_length_that_lies_is_5014_with_its_header() {
    let mut lies = avp(0, 278, 0x40, &[0; 4]);
    lies[7] = 200;
    let (bytes, at) = with(&lies);
    assert_eq!(faults_of(&bytes), [(5014, vec![278], at, avp(0, 278, 0x40, &[0; 4]))]);
    let (bytes, at) = with(&[0, 0, 1, 22]);
    assert_eq!(faults_of(&bytes), [(5014, vec![278], at, avp(0, 278, 0, &[0; 4]))]);
}

#[test]
fn the_header_is_judged() {
    let codes = |bytes: &[u8]| faults_of(bytes).iter().map(|fault| fault.0).collect::<Vec<_>>();
    let sound = request().to_bytes(ENVELOPE);
    for (at, value, expected) in [
        (0, 2, vec![5011]),
        (3, sound[3] + 4, vec![5015]),
        (4, 0xc1, vec![5013]),
        (4, 0xe0, vec![3008]),
        (4, 0x80, vec![3008]),
    ] {
        let mut bytes = sound.clone();
        bytes[at] = value;
        assert_eq!(codes(&bytes), expected, "octet {at} as {value:#x}");
    }
}

#[test]
fn an_error_answer_need_not_follow_its_grammar() {
    let body = [avp(0, 264, 0x40, b"a"), avp(0, 296, 0x40, b"b"), avp(0, 268, 0x40, &3001_u32.to_be_bytes())].concat();
    assert_eq!(faults_of(&message(0x60, 8_388_664, &body)), []);
    assert_ne!(faults_of(&message(0x40, 8_388_664, &body)), []);
}

#[test]
fn groups_nested_too_deep_are_refused_and_cost_no_stack() {
    let mut bytes = Vec::new();
    for _ in 0..5000 {
        bytes = avp(0, 284, 0x40, &bytes);
    }
    let (bytes, _) = with(&bytes);
    assert!(faults_of(&bytes).iter().any(|fault| fault.0 == 5012 && fault.1.len() == NESTING_LIMIT + 1));
}

#[test]
fn a_message_of_nothing_but_faults_keeps_a_few() {
    let (bytes, _) = with(&avp(99, 7, 0xc0, b"").repeat(10_000));
    assert_eq!(check(&bytes, None, RECEIVER).len(), FAULT_LIMIT);
}

#[test]
fn no_grammar_has_more_rows_than_are_counted() {
    let commands = INTERFACES.iter().flat_map(|interface| interface.commands).map(|command| command.members.len());
    let groups = dictionary::all().map(|definition| definition.members.len());
    assert!(commands.chain(groups).max() <= Some(MEMBER_LIMIT));
}

#[test]
fn reset_is_known_under_both_codes() {
    for code in [322, pc4::hss::RESET_SECOND_CODE] {
        assert_eq!(interfaces::command(pc4::hss::APPLICATION, code, true).unwrap().name, "Reset-Request");
    }
}

#[test]
fn an_abbreviation_is_shared_but_never_within_an_application() {
    for interface in INTERFACES {
        for (at, command) in interface.commands.iter().enumerate() {
            for other in &interface.commands[at + 1..] {
                assert_ne!(command.abbreviation, other.abbreviation, "{}", interface.name);
                assert_ne!((command.code, command.request), (other.code, other.request), "{}", interface.name);
            }
        }
    }
}

/// Any command of any interface with any of its members, mostly sound: what a generator of peers would send.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let commands: Vec<_> = INTERFACES
        .iter()
        .flat_map(|interface| interface.commands.iter().map(|command| (interface.applications[0], *command)))
        .collect();
    let pieces = proptest::collection::vec((any::<prop::sample::Index>(), 0..20_u8), 0..6);
    (0..commands.len(), pieces).prop_map(move |(at, changes)| {
        let (application, command) = commands[at];
        let mut avps: Vec<Vec<u8>> = Vec::new();
        for member in command.members {
            if member.least > 0 || member.definition.code() % 3 == 0 {
                avps.push(sound_avp(member.definition, 0));
            }
        }
        for (index, change) in changes {
            let place = index.index(avps.len().max(1));
            match change {
                0..3 if !avps.is_empty() => {
                    avps.remove(place);
                }
                3..6 if !avps.is_empty() => avps.push(avps[place].clone()),
                6 => avps.push(avp(99, 7, 0xc0, b"odd")),
                7..9 => avps.push(avp(99, 7, 0x80, b"odd")),
                9..11 if !avps.is_empty() => {
                    let octet = index.index(avps[place].len());
                    avps[place][octet] ^= 1 << (change % 8);
                }
                _ => {}
            }
        }
        let mut bytes = message(command.flags().0, command.code, &avps.concat());
        bytes[8..12].copy_from_slice(&application.to_be_bytes());
        bytes
    })
}

/// An instance of an AVP that its format and grammar accept.
fn sound_avp(definition: &Definition, depth: usize) -> Vec<u8> {
    let data = match definition.kind {
        Kind::Grouped if depth < 8 => definition
            .members
            .iter()
            .filter(|member| member.least > 0)
            .flat_map(|member| sound_avp(member.definition, depth + 1))
            .collect(),
        Kind::DiameterIdentity => b"a.example".to_vec(),
        Kind::DiameterURI => b"aaa://a.example".to_vec(),
        kind => kind.sample().to_vec(),
    };
    avp(definition.vendor(), definition.code(), definition.flags().0, &data)
}

/// Decodes by the interface's enum and says whether the typed struct was made.
fn decodes(bytes: &[u8]) -> bool {
    let header = Header::parse(bytes).unwrap();
    match interfaces::of_application(header.application).unwrap().name {
        "base" => interfaces::base::Message::decode(bytes).is_ok(),
        "PC2" => interfaces::pc2::Message::decode(bytes).is_ok(),
        "PC3" => interfaces::pc3::Message::decode(bytes).is_ok(),
        "PC4a" => interfaces::pc4::hss::Message::decode(bytes).is_ok(),
        "PC4-MME" => interfaces::pc4::mme::Message::decode(bytes).is_ok(),
        "PC4-function" => interfaces::pc4::function::Message::decode(bytes).is_ok(),
        "PC6/PC7" => interfaces::pc6::Message::decode(bytes).is_ok(),
        "S6a" => interfaces::s6a::Message::decode(bytes).is_ok(),
        other => panic!("{other} is not dispatched"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// The typed structs and the check are two readings of one table: they must agree on every message.
    #[test]
    fn a_message_decodes_exactly_when_it_has_no_fault(bytes in any_message()) {
        let header = Header::parse(&bytes).unwrap();
        let faults = check(&bytes, interfaces::command_of(&header), RECEIVER);
        prop_assert_eq!(decodes(&bytes), faults.is_empty(), "{:?}", faults);
    }

    #[test]
    fn any_octets_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = check(&bytes, None, RECEIVER);
    }
}

#[test]
fn a_known_avp_the_grammar_does_not_name_must_fit_too() {
    for extra in [
        // A route record that is no identity, and a group whose member runs past its end.
        avp(0, 282, 0x40, b"not an identity"),
        avp(0, 260, 0x40, &[0, 0, 1, 10, 0x40, 0, 1, 12]),
        // A User-Name in a group that does not end in `*[AVP]`.
        avp(0, 260, 0x40, &[avp(0, 266, 0x40, &[0, 0, 40, 175]), avp(0, 1, 0x40, b"a")].concat()),
    ] {
        let (message, _) = with(&extra);
        let faults = check(&message, Some(pc4::hss::ProseSubscriberInformationRequest::DEFINITION), RECEIVER);
        assert_eq!(faults.is_empty(), pc4::hss::ProseSubscriberInformationRequest::decode(&message).is_ok());
        assert!(!faults.is_empty());
    }
}

#[test]
fn what_failed_may_be_told() {
    for member in [avp(0, 99_999, 0x40, &[1]), avp(0, 268, 0x40, &[1]), avp(0, 257, 0x40, &[7])] {
        let (message, _) = with(&avp(0, 279, 0x40, &member));
        assert_eq!(faults_of(&message), []);
        let request = pc4::hss::ProseSubscriberInformationRequest::decode(&message).unwrap();
        let failed = dictionary::FailedAvp::read(request.extra[0].data).unwrap();
        assert_eq!(failed.extra.len(), 1);
    }
    // But it must be a list of AVPs.
    let (message, at) = with(&avp(0, 279, 0x40, &[0, 0, 1, 1, 0, 0, 0, 99]));
    let faults = faults_of(&message);
    assert_eq!((faults[0].0, &faults[0].1[..], faults[0].2), (5014, &[279, 257][..], at + 8));
    assert!(pc4::hss::ProseSubscriberInformationRequest::decode(&message).is_err());
}

#[test]
fn an_error_answer_is_sound_and_yet_not_the_command() {
    let mut body = avp(0, 268, 0x40, &3002_u32.to_be_bytes());
    body.extend(avp(0, 264, 0x40, b"a.example"));
    body.extend(avp(0, 296, 0x40, b"a.example"));
    let code = pc4::hss::ProseSubscriberInformationAnswer::DEFINITION.code;
    let message = message(0x60, code, &body);
    assert_eq!(faults_of(&message), []);
    let refused = pc4::hss::ProseSubscriberInformationAnswer::decode(&message).unwrap_err();
    assert!(refused.iter().any(|fault| fault.kind == FaultKind::Missing), "{refused:?}");
}

#[test]
fn a_header_fits_when_nothing_is_found_in_it() {
    let commands =
        [None, Some(crate::interfaces::command(0, 280, true)), Some(crate::interfaces::command(16_777_251, 316, true))];
    for command in commands.map(Option::flatten) {
        for flags in 0..=u8::MAX {
            for (version, length, present) in [(1, 20, 20), (2, 20, 20), (1, 24, 20), (1, 16, 16), (1, 22, 22)] {
                let mut header = Header::parse(&[0; 20]).unwrap();
                (header.version, header.length, header.flags) = (version, length, CommandFlags(flags));
                let mut faults = Vec::new();
                check_header(&header, present, command, &mut faults);
                assert_eq!(header_fits(&header, present, command), faults.is_empty(), "{header:?} {faults:?}");
            }
        }
    }
}
