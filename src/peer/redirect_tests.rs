//! What redirects are remembered, for what and how long; what a redirect agent says.

use super::*;
use crate::avp::dictionary::ErrorReportingHost;
use crate::interfaces::s6a;
use crate::message::{Command, Envelope};

const SECOND: Duration = Duration::from_secs(1);

fn request(session: &str, realm: &str, user: &str) -> Vec<u8> {
    let request = s6a::PurgeUeRequest {
        session_id: session,
        auth_session_state: 1,
        origin_host: "a.example",
        origin_realm: "example",
        destination_realm: realm,
        user_name: user,
        ..Default::default()
    };
    request.to_bytes(Envelope { application: s6a::APPLICATION, hop_by_hop: 1, end_to_end: 2 })
}

fn indication(usage: i32, host: &str) -> Indication {
    let hosts = vec![format!("aaa://{host}").parse().unwrap()];
    Indication { hosts, usage, cache_time: 60 * SECOND }
}

fn row(realm: &str, application: Option<u32>, host: &str) -> RedirectRow {
    let hosts = vec![format!("aaa://{host};transport=sctp").parse().unwrap()];
    RedirectRow { realm: realm.to_owned(), application, hosts, usage: RedirectHostUsage::ALL_REALM, cache_time: 60 }
}

#[test]
fn each_usage_goes_by_what_its_name_says() {
    let told = request("s;1", "far", "001010000000001");
    let same_session = request("s;1", "other", "001010000000002");
    let same_realm = request("s;2", "FAR", "001010000000002");
    let same_user = request("s;3", "other", "001010000000001");
    let none = request("s;4", "other", "001010000000004");
    let all = [&told, &same_session, &same_realm, &same_user, &none];
    // Does a redirect of this usage hold for: the request itself, another of its session, of its realm, of its user, one
    // that shares none of these; and for the request in another application?
    for (usage, holds, other_application) in [
        (RedirectHostUsage::DONT_CACHE, [false; 5], false),
        (RedirectHostUsage::ALL_SESSION, [true, true, false, false, false], true),
        (RedirectHostUsage::ALL_REALM, [true, false, true, false, false], true),
        (RedirectHostUsage::REALM_AND_APPLICATION, [true, false, true, false, false], false),
        (RedirectHostUsage::ALL_APPLICATION, [true; 5], false),
        (RedirectHostUsage::ALL_USER, [true, false, false, true, false], true),
        (RedirectHostUsage::ALL_HOST, [false; 5], false),
    ] {
        let mut redirects = Redirects::new(10, 1);
        let facts = Facts::read(&told).unwrap();
        let learnt = redirects.learn(SECOND, &facts, 1, "agent.example", &indication(usage, "there.example"));
        assert_eq!(learnt, usage != RedirectHostUsage::DONT_CACHE, "{usage}");
        let found = all.map(|message| redirects.find(SECOND, &Facts::read(message).unwrap(), 1).is_some());
        assert_eq!(found, holds, "{usage}");
        assert_eq!(redirects.find(SECOND, &facts, 2).is_some(), other_application, "{usage}");
        let of_host = redirects.of_host(SECOND, "AGENT.example").is_some();
        assert_eq!(of_host, usage == RedirectHostUsage::ALL_HOST, "{usage}");
    }
}

#[test]
fn the_narrowest_usage_goes_before() {
    let told = request("s;1", "far", "001010000000001");
    let facts = Facts::read(&told).unwrap();
    let mut redirects = Redirects::new(10, 1);
    let order = [
        (RedirectHostUsage::ALL_APPLICATION, "application.example"),
        (RedirectHostUsage::ALL_REALM, "realm.example"),
        (RedirectHostUsage::REALM_AND_APPLICATION, "both.example"),
        (RedirectHostUsage::ALL_USER, "user.example"),
        (RedirectHostUsage::ALL_SESSION, "session.example"),
    ];
    for (usage, host) in order {
        redirects.learn(SECOND, &facts, 1, "agent.example", &indication(usage, host));
        assert_eq!(redirects.find(SECOND, &facts, 1).unwrap(), [host], "RFC 6733 section 6.13");
    }
}

#[test]
fn a_redirect_is_forgotten_when_its_time_is_over_or_there_are_too_many() {
    let mut redirects = Redirects::new(100, 1);
    let message = request("s;1", "far", "001010000000001");
    let facts = Facts::read(&message).unwrap();
    redirects.learn(SECOND, &facts, 1, "agent.example", &indication(RedirectHostUsage::ALL_REALM, "x.example"));
    assert!(redirects.find(60 * SECOND, &facts, 1).is_some());
    assert!(redirects.find(61 * SECOND, &facts, 1).is_none());
    assert!(redirects.is_empty());
    for number in 0..1000 {
        let message = request("s;1", &format!("realm{number}"), "001010000000001");
        let facts = Facts::read(&message).unwrap();
        redirects.learn(SECOND, &facts, 1, "agent.example", &indication(RedirectHostUsage::ALL_REALM, "x.example"));
    }
    assert!(redirects.len() <= 100 && redirects.order.len() <= 100, "{}", redirects.len());
    let never = Indication { cache_time: Duration::ZERO, ..indication(RedirectHostUsage::ALL_REALM, "x.example") };
    assert!(!redirects.learn(SECOND, &facts, 1, "agent.example", &never), "without a time it is for this one alone");
}

#[test]
fn what_the_agent_says_is_read_back() {
    let rows = vec![row("*", None, "any.example"), row("far", None, "far.example"), row("far", Some(1), "one.example")];
    let agent = RedirectAgent::new("agent.example", "example", rows);
    let ask = |realm: &str, application: u32| {
        let mut message = request("s;1", realm, "001010000000001");
        message[8..12].copy_from_slice(&application.to_be_bytes());
        let answer = agent.answer(&Header::parse(&message).unwrap(), &message);
        Indication::read(&answer).unwrap()
    };
    let one = ask("FAR", 1);
    assert_eq!((one.hosts[0].to_string(), one.usage), ("aaa://one.example:3868;transport=sctp".to_owned(), 2));
    assert_eq!(one.cache_time, 60 * SECOND);
    assert_eq!(ask("far", 2).hosts[0].host, "far.example");
    assert_eq!(ask("nowhere", 2).hosts[0].host, "any.example");
}

#[test]
fn what_the_agent_cannot_redirect_it_refuses() {
    let rows = vec![row("far", Some(1), "one.example")];
    let agent = RedirectAgent::new("agent.example", "example", rows);
    let ask = |message: &[u8]| {
        let answer = agent.answer(&Header::parse(message).unwrap(), message);
        let body = Avps::new(&answer[HEADER_LENGTH..]);
        assert_eq!(find::<ErrorReportingHost>(body), Some("agent.example"));
        find::<ResultCode>(body).unwrap()
    };
    assert_eq!(ask(&request("s;1", "far", "001010000000001")), 3002, "the realm is known, its application is not");
    assert_eq!(ask(&request("s;1", "near", "001010000000001")), 3003);
    let mut local = request("s;1", "far", "001010000000001");
    local[4] = 0x80;
    assert_eq!(ask(&local), 3001);
}

#[test]
fn an_answer_that_is_no_indication_is_none() {
    let message = request("s;1", "far", "001010000000001");
    let header = Header::parse(&message).unwrap();
    for code in [2001, 3002, 5012] {
        assert_eq!(Indication::read(&answers::refuse("b", "c", &message, &header, code, "")), None);
    }
    assert_eq!(Indication::read(&message), None);
    let bare = answers::refuse("b", "c", &message, &header, 3006, "");
    assert!(Indication::read(&bare).unwrap().hosts.is_empty(), "nowhere to go");
}
