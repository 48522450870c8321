//! What counts as a difference, and which messages belong together.

use serde_json::Value;

use super::*;
use crate::interfaces::names;
use crate::message::json;

/// A message from JSON as `decode --json` prints it, with names for numbers.
fn message(text: &str) -> Vec<u8> {
    let value: Value = serde_json::from_str(text).unwrap();
    let find = |name: &str, application: Option<u32>| {
        let stem = name.rsplit_once('-').unwrap().0;
        let code = names::codes_of(stem).next()?;
        let flags = if name.ends_with("Request") { 0xc0 } else { 0x40 };
        Some((application?, code, crate::message::CommandFlags(flags)))
    };
    json::message_from_json(&value, &find).unwrap()
}

fn update_location_answer(avps: &str) -> Vec<u8> {
    message(&format!(r#"{{"command":"Update-Location-Answer","application":16777251,"avps":[{avps}]}}"#))
}

fn told(expected: &[u8], actual: &[u8], rules: &Rules) -> Vec<String> {
    compare(expected, actual, rules).iter().map(ToString::to_string).collect()
}

fn rules(text: &str) -> Rules {
    serde_json::from_str(text).unwrap()
}

const SESSION: &str = r#"{"name":"Session-Id","value":"mme.example;1;2"}"#;
const HOST: &str = r#"{"name":"Origin-Host","value":"hss.example"}"#;
const RESULT: &str = r#"{"name":"Result-Code","value":2001}"#;

fn apn(context: u32, name: &str) -> String {
    format!(
        r#"{{"name":"APN-Configuration","avps":[{{"name":"Context-Identifier","value":{context}}},
            {{"name":"PDN-Type","value":0}},{{"name":"Service-Selection","value":"{name}"}}]}}"#
    )
}

fn subscription(configurations: &[String]) -> String {
    format!(r#"{{"name":"Subscription-Data","avps":[{}]}}"#, configurations.join(","))
}

#[test]
fn the_order_counts_only_where_the_grammar_fixes_it() {
    let one = update_location_answer(&[SESSION, HOST, RESULT].join(","));
    let two = update_location_answer(&[SESSION, RESULT, HOST].join(","));
    assert_eq!(told(&one, &two, &Rules::default()), [""; 0]);
    assert_eq!(
        told(&one, &two, &rules(r#"{"order":"strict"}"#)).len(),
        1,
        "one of the two has moved, whichever: {:?}",
        told(&one, &two, &rules(r#"{"order":"strict"}"#))
    );
    let late = update_location_answer(&[HOST, SESSION, RESULT].join(","));
    assert_eq!(told(&one, &late, &Rules::default()), ["Session-Id: place 1 -> place 2"]);
    assert_eq!(told(&one, &late, &rules(r#"{"order":"free"}"#)), [""; 0]);
}

#[test]
fn route_records_keep_their_order() {
    let record = |name: &str| format!(r#"{{"name":"Route-Record","value":"{name}"}}"#);
    let one = update_location_answer(&[record("a.example"), record("b.example"), record("c.example")].join(","));
    let two = update_location_answer(&[record("b.example"), record("c.example"), record("a.example")].join(","));
    assert_eq!(told(&one, &two, &Rules::default()), ["Route-Record[1]: place 1 -> place 3"]);
}

#[test]
fn a_change_deep_inside_names_its_path() {
    let one = update_location_answer(&subscription(&[apn(1, "internet"), apn(2, "ims"), apn(3, "mms")]));
    let two = update_location_answer(&subscription(&[apn(3, "mms"), apn(2, "lab"), apn(1, "internet")]));
    let path = "Subscription-Data/APN-Configuration[2]/Service-Selection";
    assert_eq!(told(&one, &two, &Rules::default()), [format!("{path}: ims -> lab")]);
    for ignored in
        [path, "Service-Selection", "APN-Configuration[2]", "/Subscription-Data/*/493", "Subscription-Data/**"]
    {
        let rules = rules(&format!(r#"{{"ignore":["{ignored}"]}}"#));
        assert_eq!(told(&one, &two, &rules), [""; 0], "{ignored}");
    }
    for other in ["/APN-Configuration", "APN-Configuration[1]", "Subscription-Data/Service-Selection"] {
        let rules = rules(&format!(r#"{{"ignore":["{other}"]}}"#));
        assert_eq!(told(&one, &two, &rules).len(), 1, "{other}");
    }
}

#[test]
fn what_is_missing_and_what_was_added() {
    let one = update_location_answer(&subscription(&[apn(1, "internet"), apn(2, "ims")]));
    let two = update_location_answer(&subscription(&[apn(2, "ims"), apn(3, "lab"), apn(4, "mms")]));
    let found = compare(&one, &two, &Rules::default());
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "Subscription-Data/APN-Configuration[1]/Context-Identifier: 1 -> 3",
            "Subscription-Data/APN-Configuration[1]/Service-Selection: internet -> lab",
            "Subscription-Data/APN-Configuration[3]: { Context-Identifier 4, PDN-Type 0  IPV4, Service-Selection mms } was \
             added",
        ]
    );
    assert_eq!(found[2].kind, Kind::Added);
    let mut patch = String::new();
    write_differences(&found[1..], &crate::message::text::Palette::default(), &mut patch);
    assert_eq!(
        patch,
        "- Subscription-Data/APN-Configuration[1]/Service-Selection: internet\n\
         + Subscription-Data/APN-Configuration[1]/Service-Selection: lab\n\
         + Subscription-Data/APN-Configuration[3]:\n\
         +   Context-Identifier: 4\n\
         +   PDN-Type: 0  IPV4\n\
         +   Service-Selection: mms\n"
    );
    let mut line = String::from("{");
    write_json(&found[2], &mut line);
    line.push('}');
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["kind"], "added");
    assert_eq!(line["expected"], Value::Null);
    assert_eq!(line["actual"]["avps"][2]["value"], "mms");
}

#[test]
fn names_compare_without_case_and_uris_with_their_defaults() {
    let avps = |host: &str, uri: &str| {
        update_location_answer(&format!(
            r#"{{"name":"Origin-Host","value":"{host}"}},{{"name":"Redirect-Host","value":"{uri}"}}"#
        ))
    };
    let one = avps("HSS.example", "aaa://Hss.Example");
    let two = avps("hss.EXAMPLE", "aaa://hss.example:3868;transport=tcp;protocol=diameter");
    assert_eq!(told(&one, &two, &Rules::default()), [""; 0]);
    assert_eq!(
        told(&one, &avps("hss.example", "aaa://hss.example;transport=sctp"), &Rules::default()),
        ["Redirect-Host: aaa://Hss.Example -> aaa://hss.example;transport=sctp"]
    );
}

#[test]
fn identities_stand_for_one_another() {
    let one = update_location_answer(&[SESSION, HOST].join(","));
    let two = update_location_answer(
        r#"{"name":"Session-Id","value":"mme.lab;1;2"},{"name":"Origin-Host","value":"hss.lab"}"#,
    );
    let rules = rules(r#"{"normalise":{"identities":{"hss.example":"hss.lab","MME.example":"mme.lab"}}}"#);
    assert_eq!(told(&one, &two, &rules), [""; 0]);
    assert_eq!(told(&one, &two, &Rules::default()).len(), 2);
}

#[test]
fn renewed_ids_stand_for_one_another_over_the_whole_conversation() {
    let answer =
        |session: &str| update_location_answer(&format!(r#"{{"name":"Session-Id","value":"{session}"}},{RESULT}"#));
    let rules = Rules::renewed();
    let mut comparer = Comparer::new(&rules);
    assert_eq!(comparer.compare(&answer("a;1;1"), &answer("b;7;7")), []);
    assert_eq!(comparer.compare(&answer("a;1;1"), &answer("b;7;7")), []);
    assert_eq!(comparer.compare(&answer("a;1;2"), &answer("b;7;8")), []);
    let wrong = comparer.compare(&answer("a;1;2"), &answer("b;7;7"));
    assert_eq!(wrong[0].to_string(), "Session-Id: a;1;2 -> b;7;7");
}

#[test]
fn moments_count_by_their_distance_and_numbers_within_a_tolerance() {
    let answer = |time: &str, timer: u32| {
        update_location_answer(&format!(
            r#"{{"name":"Event-Timestamp","value":"{time}"}},{{"name":"Authorization-Lifetime","value":{timer}}}"#
        ))
    };
    let mut rules = Rules::renewed();
    rules.tolerance.push(Tolerance { path: "Authorization-Lifetime".parse().unwrap(), within: 5.0 });
    assert_eq!(rules.judge(), Ok(()));
    let mut comparer = Comparer::new(&rules);
    let one = answer("2026-11-02T09:00:00Z", 100);
    assert_eq!(comparer.compare(&one, &answer("2026-11-20T10:00:00Z", 105)), []);
    let late = comparer.compare(&one, &answer("2026-11-20T10:00:07Z", 106));
    let lines: Vec<String> = late.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        ["Event-Timestamp: 2026-11-02T09:00:00Z -> 2026-11-20T10:00:07Z", "Authorization-Lifetime: 100 -> 106"]
    );
}

#[test]
fn what_is_left_of_an_id1_may_be_a_second_less_in_another_run() {
    let left = |seconds: u32| update_location_answer(&format!(r#"{{"name":"PDUID-Validity-Time","value":{seconds}}}"#));
    let rules = Rules::renewed();
    assert_eq!(told(&left(43_200), &left(43_199), &rules), [""; 0]);
    assert_eq!(told(&left(43_200), &left(3600), &rules).len(), 1);
}

#[test]
fn header_flags_and_octets_that_are_no_avp() {
    let one = update_location_answer(&[SESSION, RESULT].join(","));
    let mut two = one.clone();
    two[4] |= 0x20;
    two[24] &= !0x40;
    two.extend_from_slice(&[1, 2, 3]);
    let found = compare(&one, &two, &Rules::default());
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "header/flags: 64 -P-- -> 96 -PE-",
            "Session-Id (flags): -M- -> ---",
            "(octets behind the last AVP): 010203 was added"
        ]
    );
    let mut ids = one.clone();
    ids[12..20].fill(9);
    assert_eq!(told(&one, &ids, &Rules::default()), [""; 0]);
    assert_eq!(told(&one, &ids, &rules(r#"{"header":["hop-by-hop"]}"#)).len(), 1);
    assert_eq!(told(&one, &one[..7], &Rules::default()).len(), 1);
    assert_eq!(told(&one[..7], &one[..7], &Rules::default()), [""; 0]);
}

#[test]
fn a_rules_file_that_can_not_be_used_is_explained() {
    for (text, words) in [
        (r#"{"ignore":["Nobody-Knows"]}"#, "no AVP is called `Nobody-Knows`"),
        (r#"{"ignore":["a//b"]}"#, "no AVP is called `a`"),
        (r#"{"ignore":["Origin-Host/"]}"#, "a step is empty"),
        (r#"{"ignore":["Origin-Host[0]"]}"#, "`[0]` is no number from 1 up"),
        (r#"{"ignored":[]}"#, "unknown field `ignored`"),
        (r#"{"order":"loose"}"#, "unknown variant `loose`"),
    ] {
        let error = serde_json::from_str::<Rules>(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    let ids = rules(r#"{"normalise":{"ids":["Session-Id | Nobody-Knows"]}}"#);
    assert!(ids.judge().unwrap_err().contains("no AVP is called `Nobody-Knows`"));
    assert_eq!(Rules::renewed().judge(), Ok(()));
    let text = serde_json::to_string(&Rules::renewed()).unwrap();
    assert_eq!(serde_json::from_str::<Rules>(&text).unwrap(), Rules::renewed(), "nothing was dropped");
}

/// A request or answer of session `session`, from 1 (the client) or 2.
fn spoken(request: bool, identifier: u32, session: &str, more: &str) -> Vec<u8> {
    let command = if request { "Update-Location-Request" } else { "Update-Location-Answer" };
    message(&format!(
        r#"{{"command":"{command}","application":16777251,"hop_by_hop":{identifier},
            "avps":[{{"name":"Session-Id","value":"{session}"}},{more}]}}"#
    ))
}

fn entries(messages: &[Vec<u8>]) -> Vec<Entry<'_>> {
    let sender = |bytes: &[u8]| if bytes[4] & 0x80 != 0 { 1 } else { 2 };
    messages.iter().map(|bytes| Entry { association: 0, sender: sender(bytes), bytes }).collect()
}

#[test]
fn messages_pair_by_session_and_answers_follow_their_requests() {
    let expected = [
        spoken(true, 1, "a", HOST),
        spoken(true, 2, "b", HOST),
        spoken(false, 1, "a", RESULT),
        spoken(false, 2, "b", RESULT),
    ];
    // The answers change places, that of the first session says something else, and one more request comes.
    let other = r#"{"name":"Result-Code","value":5001}"#;
    let actual = [
        spoken(true, 7, "a", HOST),
        spoken(true, 8, "b", HOST),
        spoken(false, 8, "b", RESULT),
        spoken(true, 9, "c", HOST),
        spoken(false, 7, "a", other),
    ];
    let pairs = pair(&entries(&expected), &entries(&actual), &Rules::default());
    let plain: Vec<_> = pairs.iter().map(|pair| (pair.expected, pair.actual)).collect();
    assert_eq!(
        plain,
        [(Some(0), Some(0)), (Some(1), Some(1)), (Some(2), Some(4)), (Some(3), Some(2)), (None, Some(3))]
    );
}

#[test]
fn a_message_lost_in_the_middle_is_told_and_its_neighbours_keep_their_counterparts() {
    let user = |number: u32| format!(r#"{{"name":"User-Name","value":"{number}"}},{HOST}"#);
    let expected: Vec<_> = (0..6).map(|at| spoken(true, at, "s", &user(at))).collect();
    // New sessions, and the third is lost; the fifth is another.
    let actual: Vec<_> = [0, 1, 3, 9, 5].iter().map(|at| spoken(true, 100 + at, "t", &user(*at))).collect();
    let pairs = pair(&entries(&expected), &entries(&actual), &Rules::default());
    let plain: Vec<_> = pairs.iter().map(|pair| (pair.expected, pair.actual)).collect();
    assert_eq!(plain.len(), 6);
    let pairs = pair(&entries(&expected), &entries(&actual), &Rules::renewed());
    let by_rules: Vec<_> = pairs.iter().map(|pair| (pair.expected, pair.actual)).collect();
    assert!(by_rules.contains(&(Some(3), Some(2))) && by_rules.contains(&(Some(5), Some(4))), "{by_rules:?}");
    assert!(by_rules.contains(&(Some(2), None)) || by_rules.contains(&(Some(4), None)), "{by_rules:?}");
}

#[test]
fn associations_pair_by_what_they_carry() {
    let one = spoken(true, 1, "a", HOST);
    let two = spoken(true, 1, "b", HOST);
    let expected =
        [Entry { association: 0, sender: 10, bytes: &one }, Entry { association: 1, sender: 20, bytes: &two }];
    let actual = [Entry { association: 5, sender: 1, bytes: &two }, Entry { association: 6, sender: 3, bytes: &one }];
    let pairs = pair(&expected, &actual, &Rules::default());
    let plain: Vec<_> = pairs.iter().map(|pair| (pair.expected, pair.actual)).collect();
    assert_eq!(plain, [(Some(0), Some(1)), (Some(1), Some(0))]);
}

#[test]
fn a_deep_nest_of_groups_and_ten_thousand_members_end_in_good_time() {
    let mut nest = String::new();
    for _ in 0..16 {
        nest.push_str(r#"{"name":"Failed-AVP","avps":["#);
    }
    nest.push_str(&"]}".repeat(16));
    let deep = update_location_answer(&nest);
    assert_eq!(told(&deep, &deep, &Rules::default()), [""; 0]);
    let many = |first: u32| {
        update_location_answer(&(first..first + 10_000).map(|at| apn(at, "x")).collect::<Vec<_>>().join(","))
    };
    let found = compare(&many(0), &many(5_000), &Rules::default());
    assert_eq!(found.len(), DIFFERENCE_LIMIT);
}
