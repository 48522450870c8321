//! What is shown of what was counted.

use std::time::Duration;

use super::*;
use crate::interfaces::s6a::{self, UpdateLocationRequest};
use crate::message::{Command as _, CommandFlags, Envelope, Header};
use crate::net::path::PathState;
use crate::peer::{State, Status, Unanswered};

const PEER: &str = "mme.example";

fn lines(metrics: &Metrics, beginning: &str) -> Vec<String> {
    metrics.text().lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
}

fn header(application: u32, code: u32, flags: u8) -> Vec<u8> {
    let header =
        Header { version: 1, length: 20, flags: CommandFlags(flags), code, application, hop_by_hop: 1, end_to_end: 1 };
    header.to_bytes().to_vec()
}

#[test]
fn a_request_is_counted_by_its_names_and_tells_of_no_subscriber() {
    let metrics = Metrics::new();
    let mut tally = Metrics::peer(Some(&metrics), PEER);
    let request = UpdateLocationRequest {
        session_id: "mme.example;1;2;001010123456789",
        origin_host: PEER,
        origin_realm: "example",
        user_name: "001010123456789",
        ..Default::default()
    };
    let request = request.to_bytes(Envelope { application: s6a::APPLICATION, hop_by_hop: 1, end_to_end: 1 });
    tally.received(&request);
    tally.received(&request);
    tally.sent(&crate::peer::answers::refuse("hss", "example", &request, &Header::parse(&request).unwrap(), 5012, ""));
    let labels = "peer=\"mme.example\",application=\"S6a\"";
    assert_eq!(
        lines(&metrics, "proselink_messages_received_total"),
        [format!("proselink_messages_received_total{{{labels},command=\"Update-Location-Request\"}} 2")]
    );
    assert_eq!(
        lines(&metrics, "proselink_messages_sent_total"),
        [format!("proselink_messages_sent_total{{{labels},command=\"Update-Location-Answer\"}} 1")]
    );
    assert_eq!(
        lines(&metrics, "proselink_answers_sent_total"),
        [format!("proselink_answers_sent_total{{{labels},code_of=\"base\",result=\"5012\"}} 1")]
    );
    assert_eq!(
        lines(&metrics, "proselink_received_bytes_total"),
        [format!("proselink_received_bytes_total{{peer=\"{PEER}\"}} {}", 2 * request.len())]
    );
    assert!(!metrics.text().contains("00101"), "{}", metrics.text());
}

#[test]
fn what_has_no_name_is_other_however_much_of_it_comes() {
    let metrics = Metrics::new();
    let mut tally = Metrics::peer(Some(&metrics), PEER);
    for number in 0..20_000 {
        tally.received(&header(5_000_000 + number, 4_000_000 + number, 0xc0));
    }
    // Every code that has a name, under every application that has one.
    for application in (0..400).chain(16_777_200..16_777_400) {
        for code in 257..400 {
            tally.received(&header(application, code, 0xc0));
        }
    }
    let shown = lines(&metrics, "proselink_messages_received_total");
    assert!(shown.len() <= 600, "{}", shown.len());
    let other = "proselink_messages_received_total{peer=\"mme.example\",application=\"other\",command=\"other\"} ";
    assert!(shown.iter().any(|line| line.starts_with(other)));
    let total: u64 = shown.iter().filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
    assert_eq!(total, 20_000 + 600 * 143, "none is lost");
}

#[test]
fn times_fall_into_their_buckets() {
    let metrics = Metrics::new();
    let mut tally = Metrics::peer(Some(&metrics), PEER);
    for microseconds in [1, 100, 101, 3_000, 20_000_000] {
        tally.took(s6a::APPLICATION, Duration::from_micros(microseconds));
    }
    let name = "proselink_request_duration_seconds";
    let count = |end: &str| {
        let beginning = format!("{name}_bucket{{le=\"{end}\",peer=\"{PEER}\",application=\"S6a\"}} ");
        let line = lines(&metrics, &beginning).pop().unwrap_or_else(|| panic!("{beginning}\n{}", metrics.text()));
        line[beginning.len()..].parse::<u64>().unwrap()
    };
    assert_eq!([count("0.0001"), count("0.00025"), count("0.005"), count("10.0"), count("+Inf")], [2, 3, 4, 4, 5]);
    let labels = format!("{{peer=\"{PEER}\",application=\"S6a\"}}");
    assert_eq!(lines(&metrics, &format!("{name}_count")), [format!("{name}_count{labels} 5")]);
    assert_eq!(lines(&metrics, &format!("{name}_sum")), [format!("{name}_sum{labels} 20.003202")]);
}

#[test]
fn a_peer_that_comes_back_goes_on_where_it_was_and_one_that_is_forgotten_is_gone() {
    let metrics = Metrics::new();
    let tally = Metrics::peer(Some(&metrics), PEER);
    tally.connects();
    tally.unanswered(Unanswered::Timeout);
    let path = Path { remote: "127.0.0.1".parse().unwrap(), state: PathState::Unreachable, primary: true };
    let (changes, paths) = watch::channel(vec![path.clone()]);
    tally.watch_paths(paths);
    drop(tally);
    let tally = Metrics::peer(Some(&metrics), "MME.example");
    tally.connects();
    assert_eq!(lines(&metrics, "proselink_connects_total"), ["proselink_connects_total{peer=\"mme.example\"} 2"]);
    let labels = "peer=\"mme.example\",address=\"127.0.0.1\"";
    let state = |state: &str| lines(&metrics, &format!("proselink_sctp_path_state{{{labels},state=\"{state}\"}}"));
    assert!(state("unreachable")[0].ends_with("} 1") && state("available")[0].ends_with("} 0"));
    changes.send_replace(vec![Path { state: PathState::Available, ..path }]);
    assert!(state("unreachable")[0].ends_with("} 0") && state("available")[0].ends_with("} 1"));
    assert_eq!(lines(&metrics, "proselink_sctp_path_primary"), [format!("proselink_sctp_path_primary{{{labels}}} 1")]);
    tally.no_paths();
    assert!(lines(&metrics, "proselink_sctp_path").is_empty());
    metrics.forget(PEER);
    tally.connects();
    assert!(!metrics.text().contains("peer="), "{}", metrics.text());
}

#[test]
fn ready_is_a_node_that_listens_has_a_peer_and_does_not_stop() {
    let metrics = Metrics::new();
    let ready = || metrics.readiness().ready;
    assert!(!ready(), "it does not listen yet");
    metrics.listens();
    assert!(ready(), "a node without peers lacks none");
    let tally = Metrics::peer(Some(&metrics), PEER);
    assert!(!ready());
    tally.standing(State::IOpen, Status::Reopen);
    assert!(!ready(), "not trusted yet");
    tally.standing(State::IOpen, Status::Okay);
    assert_eq!(metrics.readiness().words, "1 of 1 peers can be used\nmme.example I-Open, watchdog OKAY\n");
    assert!(ready());
    metrics.stops();
    assert!(!ready());
}

#[test]
fn without_metrics_nothing_is_counted_and_nothing_breaks() {
    let mut tally = Metrics::peer(None, PEER);
    tally.received(&header(0, 257, 0x80));
    tally.sent(&[]);
    tally.took(0, Duration::MAX);
    tally.pending(1);
}
