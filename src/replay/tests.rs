//! Both sides of a capture against one another, in memory.

mod stories;

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::*;
use crate::avp::Avps;
use crate::avp::dictionary::{OriginHost, SessionId};
use crate::capture::Reader;
use crate::diff::Rules;
use crate::message::{HEADER_LENGTH, find};

const UPDATE_LOCATION: &[u8] = include_bytes!("../../captures/s6a/update-location/input.pcapng");
const MOVED: &[u8] = include_bytes!("../../captures/registration/registered-and-moved/input.pcapng");

fn script(capture: &[u8], selection: &Selection) -> Result<Script, ScriptError> {
    Script::read(&mut Reader::from_bytes(capture), selection, Limits::default())
}

fn plan(side: Side, pace: Pace) -> Plan {
    Plan {
        links: vec![LinkPlan { conversation: 0, side }],
        pace,
        answer_wait: Duration::from_secs(10),
        request_wait: None,
        again: side == Side::Server,
        matching: Vec::new(),
        serial: 7,
        random: 1000,
        origin_state: 9,
    }
}

fn near(who: &str) -> Near {
    Near { identity: format!("{who}.new"), realm: "new".to_owned(), address: IpAddr::V4(Ipv4Addr::LOCALHOST) }
}

fn far(who: &str) -> Far {
    Far { identity: format!("{who}.new"), realm: "new".to_owned(), relays: false }
}

fn table() -> Table {
    Table::new(Vec::new(), HashSet::new(), HashSet::new())
}

#[test]
fn a_script_knows_who_is_who_and_what_belongs_together() {
    let script = script(UPDATE_LOCATION, &Selection::default()).unwrap();
    assert_eq!(script.conversations.len(), 1);
    let requests: Vec<_> = script.steps.iter().filter(|step| step.header.is_request()).collect();
    assert!(!requests.is_empty());
    for request in requests {
        let answer = &script.steps[request.partner.unwrap()];
        assert_eq!(answer.header.code, request.header.code);
        assert_eq!(answer.from, request.from.other());
    }
    assert!(script.steps.iter().all(|step| ![257, 280, 282].contains(&step.header.code)));
}

#[test]
fn several_associations_want_a_choice() {
    let error = script(MOVED, &Selection::default()).unwrap_err();
    assert!(error.to_string().contains("--association"), "{error}");
    let all = script(MOVED, &Selection { all: true, ..Selection::default() }).unwrap();
    assert!(all.conversations.len() > 1);
    let limits = Limits { steps: 1, ..Limits::default() };
    let many = Script::read(&mut Reader::from_bytes(MOVED), &Selection::default(), limits).unwrap_err();
    assert!(many.to_string().contains("more than 1 messages"), "{many}");
}

#[test]
fn both_sides_say_what_was_captured_under_other_names() {
    let rules = Rules::renewed();
    let script = script(UPDATE_LOCATION, &Selection::default()).unwrap();
    let old: Vec<_> =
        script.steps.iter().filter_map(|step| find::<SessionId>(step.body()).map(str::to_owned)).collect();
    let mut client =
        Machine::new(script.clone(), plan(Side::Client, Pace::Answered), table(), Signers::new([1; 16]), &rules);
    let mut server = Machine::new(script, plan(Side::Server, Pace::Answered), table(), Signers::new([1; 16]), &rules);
    client.up(0, near("client"), &far("server"));
    server.up(0, near("server"), &far("client"));
    let (now, unix) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..1000 {
        let mut said = Vec::new();
        for (machine, is_client) in [(&mut client, true), (&mut server, false)] {
            let mut actions = Vec::new();
            machine.advance(now, unix, &mut actions);
            said.extend(actions.into_iter().map(|action| (is_client, action)));
        }
        while let Some((by_client, action)) = said.pop() {
            let Action::Send { message, .. } = action else { continue };
            let body = Avps::new(&message[HEADER_LENGTH..]);
            let session = find::<SessionId>(body).unwrap();
            assert!(session.starts_with("client.new;") && !old.iter().any(|one| one == session), "{session}");
            let who = if by_client { "client.new" } else { "server.new" };
            assert_eq!(find::<OriginHost>(body), Some(who));
            let mut actions = Vec::new();
            let other = if by_client { &mut server } else { &mut client };
            other.hear(0, message, now, unix, &mut actions);
            said.extend(actions.into_iter().map(|action| (!by_client, action)));
        }
    }
    assert!(client.is_finished() && server.is_finished());
    assert!(client.totals().is_good() && client.totals().of(Outcome::Same) > 0, "{:?}", client.totals());
    assert!(server.totals().is_good() && server.totals().of(Outcome::Asked) > 0, "{:?}", server.totals());
}

#[test]
fn an_answer_is_waited_for_so_long_and_no_longer() {
    let rules = Rules::renewed();
    let script = script(UPDATE_LOCATION, &Selection::default()).unwrap();
    let mut client = Machine::new(script, plan(Side::Client, Pace::Answered), table(), Signers::new([1; 16]), &rules);
    client.up(0, near("client"), &far("server"));
    let mut actions = Vec::new();
    let until = client.advance(Duration::ZERO, Duration::ZERO, &mut actions);
    assert_eq!(until, Some(Duration::from_secs(10)));
    let mut now = Duration::ZERO;
    while let Some(until) = client.advance(now, Duration::ZERO, &mut actions) {
        now = until;
    }
    assert!(client.is_finished());
    assert!(client.totals().of(Outcome::Unanswered) > 0);
}

#[test]
fn changes_are_read_as_people_write_them() {
    assert!("User-Name=001010000000002".parse::<Change>().is_ok());
    assert!("CC-Request-Number=3=>4".parse::<Change>().is_ok());
    for (text, words) in [("User-Name", "no `=`"), ("No-Such=1", "no AVP called"), ("Result-Code=x", "Result-Code")] {
        let error = text.parse::<Change>().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
