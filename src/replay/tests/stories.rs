//! Small conversations made by hand, in virtual time: pace, matching, learning, names behind a relay, signatures.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::script::{Conversation, End, Step};
use super::super::*;
use super::{far, near, plan, table};
use crate::avp::Avps;
use crate::avp::dictionary::{
    self, DestinationHost, OriginHost, ProofNonce, ProofTime, ResultCode, SessionId, UserCredential,
    UserCredentialType, UserName, group::VendorSpecificApplicationId,
};
use crate::diff::Rules;
use crate::interfaces::pc3::{APPLICATION, UserRegistrationRequest};
use crate::message::{Command, Envelope, HEADER_LENGTH, Header, find, json};
use crate::registration::credential::{SIGNATURE_OCTETS, Signer};

const MS: Duration = Duration::from_millis(1);
const CREDIT_CONTROL: u32 = 272;
const GX: u32 = 16_777_238;

/// A message: `number` is both of its identifiers.
fn message(flags: u8, (application, code): (u32, u32), number: u32, avps: &Value) -> Bytes {
    let body = json::avps_from_json(avps, "avps").unwrap();
    let mut out = vec![1];
    out.extend(&((HEADER_LENGTH + body.len()) as u32).to_be_bytes()[1..]);
    out.push(flags);
    out.extend(&code.to_be_bytes()[1..]);
    for word in [application, number, number] {
        out.extend(word.to_be_bytes());
    }
    out.extend(body);
    out.into()
}

fn avps(host: &str, session: &str, more: &Value) -> Value {
    let mut avps = vec![
        json!({"name": "Session-Id", "value": session}),
        json!({"name": "Origin-Host", "value": host}),
        json!({"name": "Origin-Realm", "value": "old"}),
    ];
    avps.extend(more.as_array().unwrap().clone());
    avps.into()
}

fn request(number: u32, session: &str, more: &Value) -> Bytes {
    message(0xc0, (GX, CREDIT_CONTROL), number, &avps("client.old", session, more))
}

fn answer(number: u32, session: &str, more: &Value) -> Bytes {
    let mut all = vec![json!({"name": "Result-Code", "value": 2001})];
    all.extend(more.as_array().unwrap().clone());
    message(0x40, (GX, CREDIT_CONTROL), number, &avps("server.old", session, &all.into()))
}

/// One association between `client.old` and `server.old`, each message with its time in milliseconds.
fn script(steps: &[(Side, u64, Bytes)]) -> Script {
    let end = |name: &str, port: u16| End {
        address: ([192, 0, 2, 1], port).into(),
        identity: format!("{name}.old"),
        realm: "old".to_owned(),
    };
    let conversation = Conversation {
        association: 0,
        transport: crate::capture::Transport::Tcp,
        client: end("client", 4000),
        server: end("server", 3868),
        steps: steps.len(),
    };
    let steps = steps.iter().enumerate().map(|(at, (from, ms, bytes))| Step {
        frame: at as u64 + 1,
        index: 0,
        at: MS * *ms as u32,
        unix: 0,
        conversation: 0,
        from: *from,
        stream: 0,
        header: Header::parse(bytes).unwrap(),
        bytes: bytes.clone(),
        partner: None,
        nested: false,
    });
    let mut script = Script { conversations: vec![conversation], steps: steps.collect(), ..Script::default() };
    script.join();
    script
}

fn machine<'r>(script: Script, side: Side, pace: Pace, rules: &'r Rules, table: Table) -> Machine<'r> {
    let mut machine = Machine::new(script, plan(side, pace), table, Signers::new([3; 16]), rules);
    let (us, them) = if side == Side::Client { ("client", "server") } else { ("server", "client") };
    machine.up(0, near(us), &far(them));
    machine
}

/// What is sent and told when the machine goes on.
fn advance(machine: &mut Machine<'_>, now: Duration) -> (Vec<Bytes>, Vec<Outcome>, Option<Duration>) {
    let mut actions = Vec::new();
    let until = machine.advance(now, Duration::ZERO, &mut actions);
    let (sent, told) = sort(actions);
    (sent, told, until)
}

fn hear(machine: &mut Machine<'_>, message: Bytes, now: Duration) -> (Vec<Bytes>, Vec<Outcome>) {
    let mut actions = Vec::new();
    machine.hear(0, message, now, Duration::ZERO, &mut actions);
    sort(actions)
}

fn sort(actions: Vec<Action>) -> (Vec<Bytes>, Vec<Outcome>) {
    let (mut sent, mut told) = (Vec::new(), Vec::new());
    for action in actions {
        match action {
            Action::Send { message, .. } => sent.push(message),
            Action::Tell(report) => told.push(report.outcome),
        }
    }
    (sent, told)
}

fn body(message: &[u8]) -> Avps<'_> {
    Avps::new(&message[HEADER_LENGTH..])
}

/// The live peer's answer: as captured, from `server.new`, to the request that has been sent.
fn reply(to: &Bytes, code: u32, more: &Value) -> Bytes {
    let header = Header::parse(to).unwrap();
    let session = find::<SessionId>(body(to)).unwrap();
    let mut all = vec![json!({"name": "Result-Code", "value": code})];
    all.extend(more.as_array().unwrap().clone());
    let flags = if code / 1000 == 3 { 0x60 } else { 0x40 };
    let mut answer = message(flags, (GX, CREDIT_CONTROL), 0, &avps("server.new", session, &all.into())).to_vec();
    answer[12..16].copy_from_slice(&header.hop_by_hop.to_be_bytes());
    answer[16..20].copy_from_slice(&header.end_to_end.to_be_bytes());
    answer.into()
}

fn none() -> Value {
    json!([])
}

/// Two requests a second apart, each answered after 100 ms.
fn two(more: &Value, given: &Value) -> Script {
    script(&[
        (Side::Client, 0, request(1, "s1", &none())),
        (Side::Server, 100, answer(1, "s1", given)),
        (Side::Client, 1100, request(2, "s2", more)),
        (Side::Server, 1200, answer(2, "s2", &none())),
    ])
}

#[test]
fn pauses_are_those_of_the_capture_divided_by_the_speed() {
    let rules = Rules::renewed();
    let mut client = machine(two(&none(), &none()), Side::Client, Pace::Scaled(10.0), &rules, table());
    let (sent, _, _) = advance(&mut client, Duration::ZERO);
    assert_eq!(sent.len(), 1);
    let (_, told) = hear(&mut client, reply(&sent[0], 2001, &none()), MS * 5);
    assert_eq!(told, [Outcome::Same]);
    let (sent, _, until) = advance(&mut client, MS * 5);
    assert_eq!((sent.len(), until), (0, Some(MS * 105)), "a second is a tenth of it");
    let (sent, _, _) = advance(&mut client, MS * 104);
    assert!(sent.is_empty());
    let (sent, _, _) = advance(&mut client, MS * 105);
    assert_eq!(sent.len(), 1);

    // The server takes as long for its answers.
    let mut server = machine(two(&none(), &none()), Side::Server, Pace::Scaled(10.0), &rules, table());
    let asked = request(9, "live;1", &none());
    let (sent, told) = hear(&mut server, asked, MS * 50);
    assert_eq!((sent.len(), told), (0, vec![Outcome::Asked]));
    let (sent, _, until) = advance(&mut server, MS * 50);
    assert_eq!((sent.len(), until), (0, Some(MS * 60)));
    assert_eq!(advance(&mut server, MS * 60).0.len(), 1);
}

fn user(name: &str) -> Value {
    json!([{"name": "User-Name", "value": name}])
}

#[test]
fn a_request_is_one_of_the_capture_only_if_what_must_match_does() {
    let rules = Rules::renewed();
    let of = || {
        script(&[
            (Side::Client, 0, request(1, "s1", &user("alice"))),
            (Side::Server, 1, answer(1, "s1", &none())),
            (Side::Client, 2, request(2, "s2", &user("bob"))),
            (Side::Server, 3, answer(2, "s2", &json!([{"name": "Error-Message", "value": "bob's"}]))),
        ])
    };
    let key = dictionary::by_name("User-Name").unwrap().key;
    for (matching, asked, outcome) in [
        (vec![], "bob", Outcome::Asked),
        (vec![key], "bob", Outcome::Asked),
        (vec![], "carol", Outcome::AskedOtherwise),
        (vec![key], "carol", Outcome::Refused),
    ] {
        let strict = !matching.is_empty();
        let plan = Plan { matching, ..plan(Side::Server, Pace::Answered) };
        let mut server = Machine::new(of(), plan, table(), Signers::new([3; 16]), &rules);
        server.up(0, near("server"), &far("client"));
        let (sent, told) = hear(&mut server, request(9, "live;1", &user(asked)), Duration::ZERO);
        assert_eq!(told, [outcome], "{asked}, {strict}");
        let result = find::<ResultCode>(body(&sent[0]));
        assert_eq!(result, Some(if outcome == Outcome::Refused { 3001 } else { 2001 }));
        assert_eq!(find::<SessionId>(body(&sent[0])), Some("live;1"));
        let of_bob = find::<dictionary::ErrorMessage>(body(&sent[0])) == Some("bob's");
        assert_eq!(of_bob, asked == "bob", "the answer to bob is that of bob");
    }
}

/// The first answer hands an address out, the second request speaks of it.
#[test]
fn what_the_live_peer_hands_out_replaces_what_was_captured_once_it_is_to_be_learned() {
    let rules = Rules::renewed();
    let address = |octets: &str| json!([{"name": "Framed-IP-Address", "value": octets}]);
    let key = dictionary::by_name("Framed-IP-Address").unwrap().key;
    for (learned, wanted) in [(vec![], [10, 0, 0, 1]), (vec![key], [10, 9, 9, 9])] {
        let table = Table::new(Vec::new(), HashSet::new(), learned.into_iter().collect());
        let of = two(&address("0a000001"), &address("0a000001"));
        let mut client = machine(of, Side::Client, Pace::Answered, &rules, table);
        let (sent, _, _) = advance(&mut client, Duration::ZERO);
        hear(&mut client, reply(&sent[0], 2001, &address("0a090909")), MS);
        let (sent, _, _) = advance(&mut client, MS);
        let found = body(&sent[0]).flatten().find(|avp| avp.key == key).unwrap().data;
        assert_eq!(found, wanted);
    }
}

#[test]
fn what_is_set_is_changed_and_what_is_kept_stays() {
    let rules = Rules::renewed();
    let session = dictionary::by_name("Session-Id").unwrap().key;
    let changes = vec!["User-Name=alice=>carol".parse().unwrap()];
    let table = Table::new(changes, [session].into(), HashSet::new());
    let of = script(&[
        (Side::Client, 0, request(1, "s1", &user("alice"))),
        (Side::Client, 1, request(2, "s2", &user("bob"))),
    ]);
    let mut client = machine(of, Side::Client, Pace::Answered, &rules, table);
    let (sent, _, _) = advance(&mut client, Duration::ZERO);
    let said: Vec<_> =
        sent.iter().map(|one| (find::<UserName>(body(one)).unwrap(), find::<SessionId>(body(one)).unwrap())).collect();
    assert_eq!(said, [("carol", "s1"), ("bob", "s2")]);
}

/// An ID1 that is given otherwise than captured is another one under all its names.
#[test]
fn a_value_that_is_changed_is_changed_under_all_its_names() {
    let rules = Rules::renewed();
    let id1 = |name: &str| json!([{"name": name, "value": "00f1100000000001"}]);
    let changes = vec!["PDUID=00f1100000000001=>00f1100000000002".parse().unwrap()];
    let table = Table::new(changes, HashSet::new(), HashSet::new());
    let of = script(&[(Side::Client, 0, request(1, "s1", &id1("Old-PDUID")))]);
    let mut client = machine(of, Side::Client, Pace::Answered, &rules, table);
    let (sent, _, _) = advance(&mut client, Duration::ZERO);
    let key = dictionary::by_name("Old-PDUID").unwrap().key;
    let found = body(&sent[0]).flatten().find(|avp| avp.key == key).unwrap().data;
    assert_eq!(found.last(), Some(&2));
}

/// Two hosts ask through one relay: each keeps its name, and the relay's becomes ours. What they ask is for the live peer,
/// unless that is a relay too, or has the name of the captured one.
#[test]
fn hosts_behind_a_relay_keep_their_names() {
    let rules = Rules::renewed();
    let of = |host: &str, number: u32, to: &str| {
        let to = json!([{"name": "Destination-Host", "value": to}, {"name": "Destination-Realm", "value": "old"}]);
        message(0xc0, (GX, CREDIT_CONTROL), number, &avps(host, &format!("{host};1"), &to))
    };
    let of = || {
        script(&[
            (Side::Client, 0, of("mme1.old", 1, "hss1.old")),
            (Side::Client, 1, of("mme2.old", 2, "hss2.old")),
            (Side::Client, 2, of("client.old", 3, "server.old")),
        ])
    };
    let far_as = |identity: &str, relays| Far { identity: identity.to_owned(), realm: "new".to_owned(), relays };
    let all = ["server.new", "server.new", "server.new"];
    let kept = ["hss1.old", "hss2.old", "server.new"];
    let same = ["hss1.old", "hss2.old", "server.old"];
    for (far, to) in
        [(far_as("server.new", false), all), (far_as("server.new", true), kept), (far_as("server.old", false), same)]
    {
        let mut client = Machine::new(of(), plan(Side::Client, Pace::Answered), table(), Signers::new([3; 16]), &rules);
        client.up(0, near("client"), &far);
        let (sent, _, _) = advance(&mut client, Duration::ZERO);
        let origins: Vec<_> = sent.iter().map(|one| find::<OriginHost>(body(one)).unwrap()).collect();
        assert_eq!(origins, ["mme1.old", "mme2.old", "client.new"]);
        let sessions: Vec<_> = sent.iter().map(|one| find::<SessionId>(body(one)).unwrap()).collect();
        assert!(origins.iter().zip(&sessions).all(|(host, session)| session.starts_with(&format!("{host};"))));
        let destinations: Vec<_> = sent.iter().map(|one| find::<DestinationHost>(body(one)).unwrap()).collect();
        assert_eq!(destinations, to);
    }
}

/// A relay that cannot deliver answers itself: nothing is learned from it about who the server is.
#[test]
fn an_error_on_the_way_teaches_no_names() {
    let rules = Rules::renewed();
    let to = json!([{"name": "Destination-Host", "value": "server.old"}]);
    let mut client = machine(two(&to, &none()), Side::Client, Pace::Answered, &rules, table());
    let relay = Far { identity: "server.old".to_owned(), realm: "old".to_owned(), relays: true };
    client.up(0, near("client"), &relay);
    let (sent, _, _) = advance(&mut client, Duration::ZERO);
    let (_, told) = hear(&mut client, reply(&sent[0], 3002, &none()), MS);
    assert_eq!(told, [Outcome::Differs]);
    let (sent, _, _) = advance(&mut client, MS);
    assert_eq!(find::<DestinationHost>(body(&sent[0])), Some("server.old"));
}

/// The captured server asked something itself before it answered: the answer waits for that, but not for ever.
#[test]
fn an_answer_waits_for_what_its_node_asks_before_and_no_longer_than_an_answer_is_waited_for() {
    let rules = Rules::renewed();
    let asks = |number| message(0xc0, (GX, 258), number, &avps("server.old", "s1", &none()));
    let of = || {
        script(&[
            (Side::Client, 0, request(1, "s0", &none())),
            (Side::Server, 1, answer(1, "s0", &none())),
            (Side::Client, 2, request(2, "s1", &user("bob"))),
            (Side::Server, 3, asks(3)),
            (Side::Server, 4, answer(2, "s1", &none())),
        ])
    };
    // In order: it asks, then it answers.
    let mut server = machine(of(), Side::Server, Pace::Answered, &rules, table());
    hear(&mut server, request(8, "live;0", &none()), Duration::ZERO);
    let (sent, _) = hear(&mut server, request(9, "live;1", &user("bob")), Duration::ZERO);
    assert!(sent.is_empty(), "not yet");
    let (sent, _, _) = advance(&mut server, Duration::ZERO);
    let codes: Vec<u32> = sent.iter().map(|one| Header::parse(one).unwrap().code).collect();
    assert_eq!(codes, [258, CREDIT_CONTROL]);
    // The first request never comes, so its own one does not leave either: the answer leaves in the end.
    let mut server = machine(of(), Side::Server, Pace::Answered, &rules, table());
    let (sent, _) = hear(&mut server, request(9, "live;1", &user("bob")), Duration::ZERO);
    assert!(sent.is_empty());
    let (sent, _, until) = advance(&mut server, Duration::ZERO);
    assert_eq!((sent.len(), until), (0, Some(Duration::from_secs(10))));
    let (sent, _, _) = advance(&mut server, Duration::from_secs(10));
    assert_eq!(Header::parse(&sent[0]).unwrap().code, CREDIT_CONTROL);
}

/// A request that nobody answered in the capture: an answer is surplus, silence is the same.
#[test]
fn what_the_capture_has_no_answer_to_may_be_answered_or_not() {
    let rules = Rules::renewed();
    let of = || script(&[(Side::Client, 0, request(1, "s1", &none()))]);
    let mut client = machine(of(), Side::Client, Pace::Answered, &rules, table());
    let (sent, told, until) = advance(&mut client, Duration::ZERO);
    assert_eq!((told.len(), until), (0, Some(Duration::from_secs(10))));
    assert!(!client.is_finished());
    let (_, told) = hear(&mut client, reply(&sent[0], 2001, &none()), MS);
    assert_eq!(told, [Outcome::Surplus]);
    assert!(client.is_finished());

    let mut client = machine(of(), Side::Client, Pace::Answered, &rules, table());
    advance(&mut client, Duration::ZERO);
    let (_, told, until) = advance(&mut client, Duration::from_secs(10));
    assert_eq!((told, until), (vec![Outcome::Same], None));
    assert!(client.is_finished() && client.totals().is_good());
}

#[test]
fn what_is_given_up_is_told() {
    let rules = Rules::renewed();
    let mut server = machine(two(&none(), &none()), Side::Server, Pace::Answered, &rules, table());
    hear(&mut server, request(9, "live;1", &none()), Duration::ZERO);
    assert_eq!(advance(&mut server, Duration::ZERO).2, None, "it waits for as long as it takes");
    assert!(!server.is_finished());
    server.abandon();
    let (_, told, _) = advance(&mut server, MS);
    assert_eq!(told, [Outcome::NotAsked]);
    assert!(server.is_finished() && !server.totals().is_good());
}

/// Signs with what is signed, as far as there is room.
struct Glass;

impl Signer for Glass {
    fn sign(&self, octets: &[u8]) -> [u8; SIGNATURE_OCTETS] {
        let mut signature = [0; SIGNATURE_OCTETS];
        let tail = &octets[octets.len() - SIGNATURE_OCTETS..];
        signature.copy_from_slice(tail);
        signature
    }
}

/// Message 1 of a user.
fn message_1(user: &str, kind: i32) -> Bytes {
    let signed = kind == UserCredentialType::SIGNED_PROOF;
    let request = UserRegistrationRequest {
        session_id: "ue.old;1",
        vendor_specific_application_id: VendorSpecificApplicationId {
            vendor_id: 32473,
            auth_application_id: Some(APPLICATION),
            acct_application_id: None,
            extra: Vec::new(),
        },
        origin_host: "ue.old",
        origin_realm: "old",
        destination_realm: "new",
        pduid: &[0, 0xf1, 0x10, 0, 0, 0, 0, 1],
        prose_app_id: "chat",
        user_name: user,
        user_credential_type: kind,
        user_credential: &[7; SIGNATURE_OCTETS],
        proof_time: signed.then_some(1),
        proof_nonce: signed.then_some(&[0; 16]),
        ..Default::default()
    };
    request.to_bytes(Envelope { application: APPLICATION, hop_by_hop: 1, end_to_end: 1 }).into()
}

/// Message 1 is signed anew: another time, another nonce, over the same octets as the UE signs.
#[test]
fn a_proof_is_made_anew() {
    let proof = message_1("alice", UserCredentialType::SIGNED_PROOF);
    let password = message_1("bob", UserCredentialType::PASSWORD);
    let of = script(&[(Side::Client, 0, password.clone()), (Side::Client, 1, proof.clone())]);
    assert!(proved(&of, |_, side| side == Side::Server).is_empty(), "the other side says it");
    let users: Vec<_> = proved(&of, |_, side| side == Side::Client).into_iter().collect();
    assert_eq!(users, [("alice".to_owned(), 2)]);

    let now = Duration::from_millis(1_800_000_000_123);
    let mut signers = Signers::new([5; 16]);
    assert_eq!(signers.sign(&proof, now), None, "nobody's key is there");
    for user in ["alice", "bob"] {
        assert!(!signers.add(user, Arc::new(Glass)) && signers.has(user));
    }
    assert_eq!(signers.sign(&password, now), None, "a password is as good as before");
    let (one, two) = (signers.sign(&proof, now).unwrap(), signers.sign(&proof, now).unwrap());
    for signed in [&one, &two] {
        assert_eq!(Header::parse(signed).unwrap().length as usize, signed.len());
        assert_eq!(find::<ProofTime>(body(signed)), Some(1_800_000_000_123));
        let nonce = find::<ProofNonce>(body(signed)).unwrap();
        let credential = find::<UserCredential>(body(signed)).unwrap();
        // Time and nonce are the last that is signed, each behind its length.
        assert!(credential.ends_with(nonce));
        assert!(credential.windows(8).any(|window| window == 1_800_000_000_123_u64.to_be_bytes()));
    }
    assert_ne!(find::<ProofNonce>(body(&one)), find::<ProofNonce>(body(&two)), "no nonce is used twice");
}
