//! A case as the machine plays it, without a connection: what the peer says is written here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::avp::dictionary::ResultCode;
use crate::interfaces::base::{DeviceWatchdogAnswer, DisconnectPeerAnswer};
use crate::message::{Command, Envelope, Header};
use crate::peer::{Local, capabilities};

fn settings() -> Settings {
    let own = Who { host: "a.example".to_owned(), realm: "example".to_owned() };
    let (timeout, silence) = (Duration::from_secs(5), Duration::from_millis(500));
    Settings { own, peer: None, timeout, silence, seed: 7 << 32 | 9, parameters: BTreeMap::new() }
}

const DWR: &str = r#"
suite = "test"
title = "t"
[messages.dwr]
command = "Device-Watchdog-Request"
avps = [{ name = "Origin-Host", value = "${identity}" }, { name = "Origin-Realm", value = "${realm}" }]
[[case]]
name = "one"
title = "t"
clause = "RFC 6733 5.5"
"#;

/// A peer that answers everything as it should, but for what `bend` does to its answers to the case's own watchdogs.
fn play(steps: &str, bend: impl Fn(usize, &mut Vec<Vec<u8>>)) -> Outcome {
    let suite = Suite::parse("test", &format!("{DWR}{steps}")).unwrap_or_else(|error| panic!("{error}"));
    let mut machine = Machine::new(Arc::new(suite), 0, settings()).unwrap();
    let (local, remote) = ("127.0.0.1:1000".parse().unwrap(), "127.0.0.1:3868".parse().unwrap());
    let mut now = Duration::ZERO;
    let mut actions = machine.handle(now, "", Event::Tick);
    let mut watchdogs = 0;
    for _ in 0..1000 {
        if let Some(outcome) = machine.outcome() {
            return outcome.clone();
        }
        if actions.is_empty() {
            now = machine.wakes_at().unwrap_or(now).max(now);
            actions = machine.handle(now, "tester", Event::Tick);
            continue;
        }
        let mut more = Vec::new();
        for (party, action) in std::mem::take(&mut actions) {
            let events = match action {
                Action::Open => vec![Event::Up(local, remote)],
                Action::Send(bytes, ..) => {
                    let header = Header::parse(&bytes).unwrap();
                    let envelope = Envelope::answering(&header);
                    let (result_code, origin_host) = (ResultCode::DIAMETER_SUCCESS, "b.example");
                    let origin_realm = "example";
                    let mut answers = match header.code {
                        257 => {
                            vec![capabilities::cea(&Local::new("b.example", "example", vec![]), &header, 2001, None)]
                        }
                        282 => vec![
                            DisconnectPeerAnswer { result_code, origin_host, origin_realm, ..Default::default() }
                                .to_bytes(envelope),
                        ],
                        _ => vec![
                            DeviceWatchdogAnswer { result_code, origin_host, origin_realm, ..Default::default() }
                                .to_bytes(envelope),
                        ],
                    };
                    if header.code == 280 {
                        bend(watchdogs, &mut answers);
                        watchdogs += 1;
                    }
                    answers.into_iter().map(|bytes| Event::Message(bytes, 0, 46)).collect()
                }
                Action::Close | Action::Abort => Vec::new(),
            };
            for event in events {
                more.extend(machine.handle(now, &party, event));
            }
        }
        actions = more;
    }
    panic!("the case does not end")
}

#[test]
fn a_peer_that_does_as_it_should_passes() {
    let steps = r#"steps = [{ send = "dwr" }, { expect = { result = 2001, capture = { host = "Origin-Host" } } },
        { send = "dwr" }, { expect = { values = { "Origin-Host" = "${host}" } } }, { expect = { silence = true } }]"#;
    let outcome = play(steps, |_, _| ());
    assert_eq!((outcome.verdict, outcome.words.as_str()), (Verdict::Pass, ""));
    assert_eq!(outcome.captured, [("host".to_owned(), "b.example".into())]);
}

/// What the peer does to its second watchdog answer, the first of the case; what is said of it.
#[test]
fn what_an_answer_has_wrong_is_said() {
    let steps = r#"steps = [{ send = "dwr" }, { expect = { result = 2001 } }]"#;
    type Bend = fn(&mut Vec<Vec<u8>>);
    let rows: [(Bend, Verdict, &str); 7] = [
        (|answers| answers.clear(), Verdict::Fail, "an answer with 2001 was expected, nothing came within 5s"),
        (|answers| answers[0][15] ^= 1, Verdict::Fail, "the request's Hop-by-Hop Identifier is"),
        (|answers| answers[0][19] ^= 1, Verdict::Fail, "the request's End-to-End Identifier is"),
        (|answers| answers[0][4] |= 0x40, Verdict::Fail, "P should be the same"),
        (|answers| answers[0][4] |= 0x20, Verdict::Fail, "the E flag is set and should be clear"),
        (|answers| answers[0][30] = 0x13, Verdict::Fail, "Result-Code 2001 DIAMETER_SUCCESS was expected"),
        (|answers| answers[0][4] |= 0x10, Verdict::Fail, "T and reserved bits are clear in answers"),
    ];
    for (bend, verdict, words) in rows {
        let outcome = play(steps, |number, answers| {
            if number == 1 {
                bend(answers)
            }
        });
        assert_eq!(outcome.verdict, verdict, "{words}: {}", outcome.words);
        assert!(outcome.words.contains(words), "{words}\n{}", outcome.words);
        assert_eq!(outcome.line, Some(11));
    }
}

#[test]
fn what_a_case_rests_on_and_what_comes_after_it_are_judged_apart() {
    let steps = r#"steps = [{ send = "dwr" }, { expect = { result = 2001 } }]"#;
    let before = play(steps, |number, answers| {
        if number == 0 {
            answers.clear()
        }
    });
    assert_eq!(before.verdict, Verdict::Inconclusive, "{}", before.words);
    let after = play(steps, |number, answers| {
        if number == 2 {
            answers.clear()
        }
    });
    assert_eq!((after.verdict, after.clause.as_str()), (Verdict::Fail, "RFC 6733 5.5, 7"));
    let spared = play(&format!("alive = false\n{steps}"), |number, answers| {
        if number == 2 {
            answers.clear()
        }
    });
    assert_eq!(spared.verdict, Verdict::Pass, "{}", spared.words);
    let resting = r#"steps = [{ send = "dwr" }, { expect = { result = 5012 }, precondition = true }]"#;
    assert_eq!(play(resting, |_, _| ()).verdict, Verdict::Inconclusive);
}

#[test]
fn alternatives_silence_and_ends_are_heeded() {
    let either = r#"steps = [{ send = "dwr" }, { one_of = [{ result = 5012 }, { result = "2xxx", ends = true }] },
        { expect = { result = 1001 } }]"#;
    assert_eq!(play(either, |_, _| ()).verdict, Verdict::Pass);
    let silence = r#"steps = [{ send = "dwr" }, { expect = { silence = true } }]"#;
    let broken = play(silence, |_, _| ());
    assert!(broken.words.starts_with("nothing was expected, Device-Watchdog-Answer"), "{}", broken.words);
    assert_eq!(
        play(silence, |number, answers| if number == 1 {
            answers.clear()
        })
        .verdict,
        Verdict::Pass
    );
    let when = r#"steps = [{ send = "dwr", label = "x" }, { expect = { to = "x", result = 2001 } },
        { expect = { result = 1001 }, when = ["${identity}", ">", "${peer_host}"] }]"#;
    assert_eq!(play(when, |_, _| ()).verdict, Verdict::Pass);
}

#[test]
fn every_suite_that_comes_along_is_sound_and_large_enough() {
    for (name, text) in SUITES {
        let suite = Suite::parse(name, text).unwrap_or_else(|error| panic!("{error}"));
        let least = if *name == "base" { 60 } else { 20 };
        assert!(suite.cases.len() >= least, "{name} has {} cases", suite.cases.len());
        assert_eq!(suite.suite, *name);
    }
}

#[test]
fn a_mistake_in_a_suite_is_told_with_its_place() {
    for (steps, words) in [
        ("steps = []", "test:7:1: case `one`: a case has between 1 and 5000 steps"),
        (r#"steps = [{ send = "nothing" }]"#, "test:11:10: case `one`, step 1: no message is called `nothing`"),
        (r#"steps = [{ send = "dwr", expect = {} }]"#, "exactly one of send, answer"),
        (r#"steps = [{ sent = "dwr" }]"#, "test:11:12: unknown field `sent`"),
        (r#"steps = [{ send = "dwr", remove = ["User-Name"] }]"#, "there is no `User-Name` in the message"),
        (
            r#"steps = [{ send = "dwr", add = [{ name = "Origin-State-Id", value = "${x}" }] }]"#,
            "nothing gives ${x} a value",
        ),
        (
            r#"steps = [{ send = "dwr", add = [{ name = "Origin-State-Id", value = -1 }] }]"#,
            "avps[2].value: expected a number within the format's range",
        ),
        (r#"steps = [{ expect = { result = "6xxx" } }]"#, "is no class of result codes"),
        (r#"steps = [{ expect = { has = ["No-Such"] } }]"#, "the dictionary has no `No-Such`"),
        (r#"steps = [{ expect = { flags = "X" } }]"#, "`flags` has R, P, E and T"),
        (r#"steps = [{ expect = { lenient = ["all"] } }]"#, "`lenient` knows header"),
        (r#"steps = [{ expect = { to = "x" } }]"#, "no request before has the label `x`"),
        (r#"steps = [{ on = "x", close = true }]"#, "no party is called `x`"),
        (r#"before = ["x"]"#, "no sequence is called `x`"),
    ] {
        let error = Suite::parse("test", &format!("{DWR}{steps}\n")).expect_err(steps).to_string();
        assert!(error.contains(words), "{words}\n{error}");
    }
}
