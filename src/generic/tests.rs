//! What a peer would see of the two.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::avp::Avps;
use crate::interfaces::{self, s6a};
use crate::message::check::{Strictness, check};
use crate::message::{CommandFlags, HEADER_LENGTH, Header, json};
use crate::registration::Identity;
use crate::registration::element::{Action, Element, Event, NoAnswer, Now, Sender, Ticket, Token};

fn identity(host: &str) -> Identity {
    Identity { host: host.to_owned(), realm: "example".to_owned() }
}

fn find_command(name: &str, _: Option<u32>) -> Option<(u32, u32, CommandFlags)> {
    (name == "Update-Location-Request").then_some((s6a::APPLICATION, 316, CommandFlags(0xc0)))
}

fn update_location() -> Vec<u8> {
    let value = json!({"command": "Update-Location-Request", "hop_by_hop": 7, "end_to_end": 8, "avps": [
        {"name": "Session-Id", "value": "a;1;1"},
        {"name": "Vendor-Specific-Application-Id", "avps": [
            {"name": "Vendor-Id", "value": 10415}, {"name": "Auth-Application-Id", "value": 16_777_251}]},
        {"name": "Auth-Session-State", "value": 1},
        {"name": "Origin-Host", "value": "mme.example"},
        {"name": "Origin-Realm", "value": "example"},
        {"name": "Destination-Realm", "value": "example"},
        {"name": "Proxy-Info", "avps": [
            {"name": "Proxy-Host", "value": "dra.example"}, {"name": "Proxy-State", "value": "0a0b"}]},
        {"name": "User-Name", "value": "001010000000001"},
        {"name": "RAT-Type", "value": 1004},
        {"name": "ULR-Flags", "value": 34},
        {"name": "Visited-PLMN-Id", "value": "00f110"},
    ]});
    json::message_from_json(&value, &find_command).unwrap()
}

/// A request without a grammar in our tables.
fn unknown(code: u32, application: u32) -> Vec<u8> {
    let value = json!({"code": code, "flags": 0xc0, "application": application, "avps": [
        {"name": "Origin-Host", "value": "a.example"},
        {"name": "Session-Id", "value": "late;1"},
        {"code": 416, "value": 1},
        {"code": 0xff_ffff, "vendor": 999_999, "flags": 192, "value": "01020304"},
    ]});
    json::message_from_json(&value, &find_command).unwrap()
}

fn ask(responder: &mut Responder, message: &[u8]) -> Vec<Action> {
    let sender = Sender { peer: "mme.example".to_owned(), realm: "example".to_owned(), protected: false };
    let header = Header::parse(message).unwrap();
    let mut actions = Vec::new();
    let event = Event::Request { ticket: Ticket(3), sender: &sender, header, message };
    responder.handle(Now::default(), event, &mut actions);
    actions
}

fn answer(responder: &mut Responder, message: &[u8]) -> Vec<u8> {
    match ask(responder, message).pop() {
        Some(Action::Answer { ticket: Ticket(3), message }) => message,
        other => panic!("{other:?}"),
    }
}

/// The keys of an answer in their order, and the Result-Code.
fn read(answer: &[u8]) -> (Vec<u32>, Option<u32>) {
    let avps: Vec<_> = Avps::new(&answer[HEADER_LENGTH..]).map(Result::unwrap).collect();
    let result = avps.iter().find(|avp| avp.code() == 268).map(|avp| u32::from_be_bytes(avp.data.try_into().unwrap()));
    (avps.iter().map(|avp| avp.code()).collect(), result)
}

fn responder(config: &str) -> Responder {
    let config: ResponderConfig = serde_json::from_str(config).unwrap();
    Responder::new(identity("hss.example"), config)
}

#[test]
fn an_answer_fits_its_grammar() {
    let mut responder = responder(r#"{"applications": ["S6a"], "strict": true}"#);
    assert_eq!(responder.applications(), [s6a::APPLICATION]);
    let answer = answer(&mut responder, &update_location());
    let header = Header::parse(&answer).unwrap();
    assert_eq!((header.flags.to_string(), header.hop_by_hop, header.end_to_end), ("-P--".to_owned(), 7, 8));
    let (codes, result) = read(&answer);
    assert_eq!(codes, [263, 260, 277, 268, 264, 296, 284], "Session-Id first, Proxy-Info last");
    assert_eq!(result, Some(2001));
    let faults = check(&answer, interfaces::command_of(&header), Strictness { unknown_mandatory: true });
    assert_eq!(faults, []);
}

#[test]
fn every_command_of_every_interface_is_answered_in_its_grammar() {
    for interface in interfaces::INTERFACES {
        for command in interface.commands.iter().filter(|command| command.request && command.proxiable) {
            let application = interface.applications[0];
            let value = json!({"code": command.code, "flags": command.flags().0, "application": application});
            let request = json::message_from_json(&value, &find_command).unwrap();
            let mut responder = Responder::new(identity("hss.example"), ResponderConfig::new(&[application]));
            let mut answer = answer(&mut responder, &request);
            // The request had no Session-Id, so the answer has none: the one thing that is missing.
            let session = [0, 0, 1, 7, 0x40, 0, 0, 12, b's', b';', b'1', b';'];
            answer.splice(HEADER_LENGTH..HEADER_LENGTH, session);
            crate::message::declare::finish_message(0, &mut answer);
            let header = Header::parse(&answer).unwrap();
            let faults = check(&answer, interfaces::command_of(&header), Strictness { unknown_mandatory: true });
            assert_eq!(faults, [], "{} {}", interface.name, command.name);
        }
    }
}

#[test]
fn what_is_configured_for_a_command_goes_before() {
    let mut responder = responder(
        r#"{"applications": [16777251], "answer": [{"command": "Update-Location", "copy": ["User-Name"],
            "result": {"vendor": 10415, "code": 5001}, "avps": [{"name": "ULA-Flags", "value": 1}]}]}"#,
    );
    let (codes, result) = read(&answer(&mut responder, &update_location()));
    assert_eq!((codes, result), (vec![263, 260, 277, 1, 297, 264, 296, 1406, 284], None));
}

#[test]
fn a_protocol_error_has_the_e_bit_and_no_more_than_it_needs() {
    let mut responder = responder(r#"{"applications": ["S6a"], "result": "DIAMETER_TOO_BUSY"}"#);
    let answer = answer(&mut responder, &update_location());
    assert_eq!(Header::parse(&answer).unwrap().flags.to_string(), "-PE-");
    assert_eq!(read(&answer), (vec![263, 268, 264, 296, 284], Some(3004)));
}

#[test]
fn commands_without_a_name_are_answered_when_that_is_wanted() {
    let any = r#"{"applications": [{"id": 16777215, "vendor": 999999}], "any_command": true,
        "copy": ["999999:16777215"]}"#;
    let mut tolerant = responder(any);
    assert_eq!(tolerant.vendor_of(0xff_ffff), Some(999_999));
    let request = unknown(0xff_fffe, 0xff_ffff);
    assert_eq!(read(&answer(&mut tolerant, &request)), (vec![263, 416, 0xff_ffff, 268, 264, 296], Some(2001)));
    let mut plain = responder(r#"{"applications": [16777215]}"#);
    assert_eq!(read(&answer(&mut plain, &request)).1, Some(3001));
}

#[test]
fn requests_that_cannot_be_read_are_refused_with_what_is_wrong() {
    let mut lenient = Responder::new(identity("hss.example"), ResponderConfig::new(&[s6a::APPLICATION]));
    let mut cut = update_location();
    let last = cut.len() - 16 + 7;
    cut[last] = 200;
    assert_eq!(read(&answer(&mut lenient, &cut)).1, Some(5014));
    // Without its User-Name it can be answered, but does not fit.
    let value = json!({"code": 316, "flags": 192, "application": s6a::APPLICATION, "avps": []});
    let empty = json::message_from_json(&value, &find_command).unwrap();
    assert_eq!(read(&answer(&mut lenient, &empty)).1, Some(2001));
    let mut strict = responder(r#"{"applications": ["S6a"], "strict": true}"#);
    let (codes, result) = read(&answer(&mut strict, &empty));
    assert_eq!((result, codes.contains(&279)), (Some(5005), true));
}

#[test]
fn an_answer_may_be_held_back() {
    let mut responder = responder(r#"{"applications": ["S6a"], "delay": 0.5}"#);
    let actions = ask(&mut responder, &update_location());
    let [Action::SetTimer { token, after }] = actions[..] else { panic!("{actions:?}") };
    assert_eq!(after, Duration::from_millis(500));
    let mut actions = Vec::new();
    responder.handle(Now::default(), Event::Timer { token }, &mut actions);
    assert!(matches!(&actions[..], [Action::Answer { ticket: Ticket(3), .. }]), "{actions:?}");
}

#[test]
fn a_wrong_configuration_is_told() {
    for (config, words) in [
        (r#"{"applications": ["S6z"]}"#, "no application is called \"S6z\""),
        (r#"{"applications": [1], "result": "FINE"}"#, "no Result-Code is called \"FINE\""),
        (r#"{"applications": [1], "delay": -1}"#, "-1 is no time to wait"),
        (r#"{"applications": [1], "copy": ["Nonsense"]}"#, "\"Nonsense\" is no AVP"),
        (r#"{"applications": [1], "answer": [{"command": "Nonsense"}]}"#, "no command is called \"Nonsense\""),
        (
            r#"{"applications": [1], "answer": [{"command": 1, "avps": [{"name": "User-Name", "value": 1}]}]}"#,
            "avps[0].value: expected a text for User-Name",
        ),
    ] {
        let error = serde_json::from_str::<ResponderConfig>(config).unwrap_err().to_string();
        assert!(error.contains(words), "{error}\nshould be\n{words}");
    }
}

#[test]
fn a_client_sends_what_it_is_given_and_keeps_the_answers() {
    let mut client = Client::new(identity("mme.example"), vec![s6a::APPLICATION]);
    let mut actions = Vec::new();
    let first = client.send(update_location(), &mut actions).unwrap();
    let second = client.send(unknown(1, 2), &mut actions).unwrap();
    let [Action::Send { token, destination, message }, Action::Send { .. }] = &actions[..] else { panic!() };
    assert_eq!((destination.realm.as_str(), destination.host.as_deref()), ("example", None));
    assert_eq!((message, client.waiting()), (&update_location(), 2));
    let event = Event::Answer { token: *token, result: Ok(b"answer") };
    client.handle(Now::default(), event, &mut Vec::new());
    let event = Event::Answer { token: Token(second.0), result: Err(NoAnswer::Timeout) };
    client.handle(Now::default(), event, &mut Vec::new());
    assert_eq!(client.take(first), Some(Ok(b"answer".to_vec())));
    assert_eq!((client.take(first), client.take(second)), (None, Some(Err(NoAnswer::Timeout))));
}
