//! A case as the machine plays it, without a connection: what the peer says is written here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::avp::dictionary::ResultCode;
use crate::interfaces::base::{DeviceWatchdogAnswer, DeviceWatchdogRequest, DisconnectPeerAnswer};
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

/// Where both are.
fn up() -> Event {
    Event::Up("127.0.0.1:1000".parse().unwrap(), "127.0.0.1:3868".parse().unwrap())
}

/// What a peer says that does as it should.
fn answer(request: &[u8]) -> Vec<u8> {
    let header = Header::parse(request).unwrap();
    let envelope = Envelope::answering(&header);
    let (result_code, origin_host, origin_realm) = (ResultCode::DIAMETER_SUCCESS, "b.example", "example");
    match header.code {
        257 => capabilities::cea(&Local::new("b.example", "example", vec![]), &header, 2001, None),
        282 => DisconnectPeerAnswer { result_code, origin_host, origin_realm, ..Default::default() }.to_bytes(envelope),
        _ => DeviceWatchdogAnswer { result_code, origin_host, origin_realm, ..Default::default() }.to_bytes(envelope),
    }
}

/// The peer's own watchdog.
fn dwr() -> Event {
    let request = DeviceWatchdogRequest { origin_host: "b.example", origin_realm: "example", ..Default::default() };
    Event::Message(request.to_bytes(Envelope { application: 0, hop_by_hop: 99, end_to_end: 99 }), 0, 46)
}

/// Plays a case; `peer` sees what is done and when, and says what happens then. Time passes only when nobody does anything.
fn stage(steps: &str, mut peer: impl FnMut(Duration, &Action) -> Vec<Event>) -> Outcome {
    let suite = Suite::parse("test", &format!("{DWR}{steps}")).unwrap_or_else(|error| panic!("{error}"));
    let mut machine = Machine::new(Arc::new(suite), 0, settings()).unwrap();
    let mut now = Duration::ZERO;
    let mut actions = machine.handle(now, "", Event::Tick);
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
            for event in peer(now, &action) {
                more.extend(machine.handle(now, &party, event));
            }
        }
        actions = more;
    }
    panic!("the case does not end")
}

/// A peer that answers everything as it should, but for what `bend` does to its answers to the case's own watchdogs.
fn play(steps: &str, bend: impl Fn(usize, &mut Vec<Vec<u8>>)) -> Outcome {
    let mut watchdogs = 0;
    stage(steps, |_, action| match action {
        Action::Open => vec![up()],
        Action::Send(bytes, ..) => {
            let mut answers = vec![answer(bytes)];
            if Header::parse(bytes).unwrap().code == 280 {
                bend(watchdogs, &mut answers);
                watchdogs += 1;
            }
            answers.into_iter().map(|bytes| Event::Message(bytes, 0, 46)).collect()
        }
        Action::Close | Action::Abort => Vec::new(),
    })
}

/// The code of a request that is sent; 0 for anything else.
fn sent(action: &Action) -> u32 {
    match action {
        Action::Send(bytes, ..) => Header::parse(bytes).filter(|it| it.is_request()).map_or(0, |it| it.code),
        _ => 0,
    }
}

/// A peer that does as it should.
fn good(action: &Action) -> Vec<Event> {
    match action {
        Action::Open => vec![up()],
        Action::Send(bytes, ..) if sent(action) != 0 => vec![Event::Message(answer(bytes), 0, 46)],
        _ => Vec::new(),
    }
}

/// What the peer does, and what is concluded from it: where nothing can be played it is an error, where what the case rests
/// on does not hold it is inconclusive, and only where the case itself is concerned the peer has failed.
#[test]
fn errors_what_is_inconclusive_and_failures_are_told_apart() {
    const STEPS: &str = r#"steps = [{ send = "dwr" }, { expect = { result = 2001 } }]"#;
    let refused = stage(STEPS, |_, action| match action {
        Action::Open => vec![Event::Refused("connection refused".to_owned())],
        _ => Vec::new(),
    });
    assert_eq!(refused.verdict, Verdict::Error, "{}", refused.words);
    assert!(refused.words.contains("there is no connection: connection refused"), "{}", refused.words);

    let dumb = stage(STEPS, |_, _| Vec::new());
    assert_eq!((dumb.verdict, dumb.took), (Verdict::Error, Duration::from_secs(5)), "{}", dumb.words);
    assert!(dumb.words.contains("gives no sign"), "{}", dumb.words);

    let stranger = stage(STEPS, |_, action| match sent(action) {
        257 => {
            let Action::Send(bytes, ..) = action else { unreachable!() };
            let header = Header::parse(bytes).unwrap();
            let cea = capabilities::cea(&Local::new("b.example", "example", vec![]), &header, 3010, None);
            vec![Event::Message(cea, 0, 46)]
        }
        _ => good(action),
    });
    assert_eq!(stranger.verdict, Verdict::Inconclusive, "{}", stranger.words);
    assert!(stranger.words.contains("3010"), "{}", stranger.words);

    let no_cea = stage(STEPS, |_, action| if sent(action) == 257 { Vec::new() } else { good(action) });
    assert_eq!((no_cea.verdict, no_cea.words.as_str()), (Verdict::Inconclusive, "no CER or CEA within 5s"));

    let closes_on_cer = stage(STEPS, |_, action| match sent(action) {
        257 => vec![Event::Down(None)],
        _ => good(action),
    });
    assert_eq!(closes_on_cer.verdict, Verdict::Inconclusive, "{}", closes_on_cer.words);

    // The first watchdog is the machine's own, the second that of the case.
    for (dies_at, verdict) in [(1, Verdict::Inconclusive), (2, Verdict::Fail)] {
        let mut watchdogs = 0;
        let died = stage(STEPS, |_, action| {
            watchdogs += u32::from(sent(action) == 280);
            match sent(action) {
                280 if watchdogs >= dies_at => vec![Event::Down(Some("connection reset".to_owned()))],
                257 if watchdogs >= dies_at => vec![Event::Down(None)],
                _ => good(action),
            }
        });
        assert_eq!(died.verdict, verdict, "{}", died.words);
    }

    // A suite that asks for what it does not have.
    let unset = stage(r#"steps = [{ again = true }]"#, |_, action| good(action));
    assert_eq!(unset.verdict, Verdict::Error, "{}", unset.words);
    let nothing = stage(r#"steps = [{ answer = "dwr" }]"#, |_, action| good(action));
    assert_eq!((nothing.verdict, nothing.words.as_str()), (Verdict::Error, "there is no request to answer"));
}

#[test]
fn a_case_that_makes_no_sense_here_is_not_run() {
    let steps = |sign: &str| {
        format!(
            r#"steps = [{{ send = "dwr" }}, {{ expect = {{ capture = {{ peer = "Origin-Host" }} }} }},
        {{ only_if = ["${{identity}}", "{sign}", "${{peer}}"] }}, {{ expect = {{ silence = true }} }}]"#
        )
    };
    assert_eq!(stage(&steps("<"), |_, action| good(action)).verdict, Verdict::Pass);
    let other = stage(&steps(">"), |_, action| good(action));
    assert_eq!((other.verdict, other.words.as_str()), (Verdict::NotRun, "is for a.example > b.example"));
}

/// A peer that was lost asks several times at the beginning; a step that waits for calm answers all that, the case's own
/// steps see none of it.
#[test]
fn a_peer_that_asks_several_times_at_the_beginning_is_let_calm_down() {
    let steps = r#"automatic = false
        steps = [{ calm = 3 }, { send = "dwr" }, { expect = { result = 2001 } }, { expect = { silence = true }, within = 2 }]"#;
    let mut own = 0;
    let outcome = stage(steps, |_, action| {
        let mut events = good(action);
        // Three watchdogs, each after our answer to the one before.
        let is_answer = matches!(action, Action::Send(bytes, ..)
            if Header::parse(bytes).is_some_and(|it| !it.is_request() && it.code == 280));
        if own < 3 && (sent(action) == 257 || is_answer) {
            own += 1;
            events.push(dwr());
        }
        events
    });
    assert_eq!((outcome.verdict, own), (Verdict::Pass, 3), "{}", outcome.words);
    assert!(outcome.took >= Duration::from_secs(5), "{:?}", outcome.took);
}

#[test]
fn steps_are_played_again_until_their_time_has_passed() {
    let steps = r#"steps = [{ send = "dwr" }, { expect = { result = 2001 } }, { expect = { silence = true }, within = 3 },
        { back = 3, until = "2 * 4 + 1" }]"#;
    let mut watchdogs = 0;
    let outcome = stage(steps, |_, action| {
        watchdogs += u32::from(sent(action) == 280);
        good(action)
    });
    // One of the machine before, one after; in between at 0, 3 and 6 seconds.
    assert_eq!((outcome.verdict, watchdogs), (Verdict::Pass, 5), "{}", outcome.words);
    assert_eq!(outcome.took, Duration::from_secs(9));
}

#[test]
fn the_payload_protocol_identifier_is_judged_and_chosen() {
    let steps = r#"steps = [{ send = "dwr", ppid = 7 }, { expect = { result = 2001, ppid = 46 } }]"#;
    let mut seen = Vec::new();
    let outcome = stage(steps, |_, action| {
        if let Action::Send(_, _, ppid) = action {
            seen.push(*ppid);
        }
        good(action)
    });
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.words);
    assert!(seen.contains(&7) && seen.contains(&46), "{seen:?}");
    let zero = stage(steps, |_, action| match action {
        Action::Send(bytes, ..) => vec![Event::Message(answer(bytes), 0, 0)],
        _ => good(action),
    });
    assert!(zero.words.contains("payload protocol identifier 46 was expected, 0 came"), "{}", zero.words);
}

#[test]
fn cases_are_for_the_transports_that_they_name() {
    let case = |transport: &str| {
        let text = format!("{DWR}transport = {transport}\nsteps = [{{ send = \"dwr\" }}]");
        Suite::parse("test", &text).unwrap().cases[0].get_ref().clone()
    };
    let suits = |transport: &str| ["tcp", "tls", "sctp"].map(|kind| case(transport).suits(kind).is_ok());
    assert_eq!(suits("\"stream\""), [true, true, false]);
    assert_eq!(suits("\"sctp\""), [false, false, true]);
    assert_eq!(suits("[\"tcp\", \"sctp\"]"), [true, false, true]);
    assert_eq!(case("[\"tcp\", \"sctp\"]").suits("tls"), Err("is for TCP and SCTP".to_owned()));
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
        (r#"steps = [{ send = "dwr", within = "soon" }]"#, "`within`: seconds up to 3600 are expected"),
        (
            r#"steps = [{ send = "dwr" }, { back = 1, until = 9 }]"#,
            "`back` goes back over steps of which one waits for silence",
        ),
        (r#"steps = [{ send = "dwr" }, { back = 1 }]"#, "`back` and `until` go together"),
        (
            r#"transport = "udp"
steps = [{ send = "dwr" }]"#,
            "transport is one of tcp, tls, sctp, stream",
        ),
        (r#"before = ["x"]"#, "no sequence is called `x`"),
    ] {
        let error = Suite::parse("test", &format!("{DWR}{steps}\n")).expect_err(steps).to_string();
        assert!(error.contains(words), "{words}\n{error}");
    }
}
