//! Single parties from the command line, each a process, against real counterparts.

#![cfg(feature = "net")]

#[path = "support/party.rs"]
#[allow(dead_code, reason = "each test file uses a part")]
mod party;

use party::{APPLICATION, IMSI, Lab, Node, REALM, both, proselink, text, word};
use serde_json::Value;

/// Function, HSS and app server of a lab, running.
struct Network {
    _hss: Node,
    _function: Node,
    app_server: Node,
}

impl Network {
    fn start(lab: &Lab, transport: &str, udp_port: &str) -> Self {
        let password = lab.write("alice.password", "correct horse\n");
        let listen = |last| format!("{transport}:{}", lab.address(last));
        let mut hss = Node::start(&["hss", "serve", "--listen", &listen(13), "--imsi", IMSI, "--udp-port", udp_port]);
        hss.says("listens at");
        let udp = format!("udp_port = {udp_port}");
        let configuration = lab.function_configuration(transport, &udp);
        let mut function = Node::start(&["run", "-c", word(&configuration)]);
        function.says("listens at");
        function.says(&format!("peer hss.{REALM} is up"));
        let (listen, of_function, store) = (listen(15), lab.function(transport), lab.path("app-server.redb"));
        let mut app_server = Node::start(&[
            "app-server",
            "serve",
            "--listen",
            &listen,
            "--function",
            &of_function,
            "--application",
            APPLICATION,
            "--lab",
            "--store",
            word(&store),
            "--user",
            "alice",
            "--password-file",
            word(&password),
            "--plmn",
            "001-01",
            "--udp-port",
            udp_port,
            "--peer-udp-port",
            udp_port,
        ]);
        app_server.says(&format!("peer function.{REALM} is up"));
        Self { _hss: hss, _function: function, app_server }
    }
}

/// `ue register` by way of the function itself.
fn register(lab: &Lab, transport: &str, udp_port: &str, more: &[&str]) -> std::process::Output {
    let function = lab.function(transport);
    let app_server = format!("aaa://{};transport=tcp", lab.address(15));
    let app_server = if transport == "tcp" { app_server } else { format!("{transport}:{}", lab.address(15)) };
    let mut words = vec![
        "ue",
        "register",
        "--imsi",
        IMSI,
        "--function",
        &function,
        "--app-server",
        &app_server,
        "--application",
        APPLICATION,
        "--user",
        "alice",
        "--peer-udp-port",
        udp_port,
    ];
    words.extend(more);
    proselink(&words)
}

#[test]
fn a_ue_registers_with_one_command_line_and_the_capture_verifies() {
    let lab = Lab::new();
    let mut network = Network::start(&lab, "tcp", "9899");
    let capture = lab.path("alice.pcapng");
    let password = lab.path("alice.password");
    let output = register(&lab, "tcp", "9899", &["--password-file", word(&password), "-w", word(&capture)]);
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    let said = text(&output.stdout);
    // Requirements UE-1 to UE-4: ID1 first, by way of the MME, then one message to the app server.
    let order: Vec<_> = [" 5 ", " 6 ", " 1 ", " 4 "].iter().map(|number| said.find(number).unwrap()).collect();
    assert!(order.is_sorted(), "{said}");
    assert!(said.contains("registered: 00101********** is ID1 00f110"), "{said}");
    assert!(!both(&output).contains(IMSI), "the IMSI is told whole");
    network.app_server.says(" 4 ");
    let verdict = proselink(&["verify", word(&capture)]);
    assert_eq!(verdict.status.code(), Some(0), "{}", both(&verdict));
}

#[test]
fn a_ue_registers_over_embedded_sctp() {
    let lab = Lab::new();
    let _network = Network::start(&lab, "sctp-embedded", "9899");
    let password = lab.path("alice.password");
    let output = register(&lab, "sctp-embedded", "9899", &["--password-file", word(&password), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcome = lines.last().unwrap();
    assert_eq!((&outcome["outcome"], &outcome["id3"]), (&"registered".into(), &format!("function.{REALM}").into()));
    assert!(lines.iter().any(|line| line["message"] == "4" && line["direction"] == "received"));
}

#[test]
fn a_user_signs_message_1_and_no_password_crosses_an_open_wire() {
    let lab = Lab::new();
    let network = Network::start(&lab, "tcp", "9899");
    drop(network.app_server);
    let (key, listen, function) = (lab.path("bob.key"), format!("tcp:{}", lab.address(15)), lab.function("tcp"));
    let made = proselink(&["user", "key", "bob", "--private", word(&key)]);
    let (keys, store) = (lab.write("demo.keys", text(&made.stdout)), lab.path("as.redb"));
    let words = ["app-server", "serve", "--listen", &listen, "--function", &function, "--application", APPLICATION];
    let more = ["--keys", word(&keys), "--plmn", "001-01", "--store", word(&store)];
    let mut server = Node::start(&[&words[..], &more[..]].concat());
    server.says(&format!("peer function.{REALM} is up"));
    let words = ["ue", "register", "--imsi", IMSI, "--function", &function, "--app-server", &listen];
    let words = [&words[..], &["--application", APPLICATION, "--user", "bob"]].concat();
    let output = proselink(&[&words[..], &["--user-key", word(&key)]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    // AS-1: without TLS a password is refused unless the server is a lab's.
    let password = lab.path("alice.password");
    let output = proselink(&[&words[..], &["--password-file", word(&password)]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", both(&output));
    assert!(text(&output.stdout).contains("protected"), "{}", both(&output));
}

#[test]
fn a_wrong_password_is_explained() {
    let lab = Lab::new();
    let _network = Network::start(&lab, "tcp", "9899");
    let wrong = lab.write("mallory.password", "guess\n");
    let output = register(&lab, "tcp", "9899", &["--password-file", word(&wrong), "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", both(&output));
    let last = text(&output.stdout).lines().last().unwrap();
    let outcome: Value = serde_json::from_str(last).unwrap();
    assert_eq!((&outcome["outcome"], &outcome["cause_name"]), (&"refused".into(), &"BAD_CREDENTIAL".into()));
    assert!(outcome["explanation"].as_str().unwrap().contains("AS-1"));
    assert!(!both(&output).contains("guess"), "a password is told");
}

#[test]
fn a_subscriber_the_hss_does_not_know_gets_no_id1() {
    let lab = Lab::new();
    let _network = Network::start(&lab, "tcp", "9899");
    let function = lab.function("tcp");
    let output = proselink(&["mme", "attach", "--imsi", "001010000000077", "--function", &function]);
    assert_eq!(output.status.code(), Some(1), "{}", both(&output));
    assert!(text(&output.stdout).contains("UNKNOWN_SUBSCRIPTION"), "{}", both(&output));
    assert!(text(&output.stdout).contains("5610"), "{}", both(&output));
    // The MME asks the HSS itself: then no message 5 leaves. Requirement MME-2.
    let hss = format!("tcp:{}", lab.address(13));
    let output = proselink(&["ue", "allocate", "--imsi", "001010000000077", "--function", &function, "--hss", &hss]);
    assert_eq!(output.status.code(), Some(1), "{}", both(&output));
    assert!(!text(&output.stdout).contains("PC4 "), "{}", both(&output));
}

#[test]
fn an_mme_of_its_own_process_carries_messages_5_and_6() {
    let lab = Lab::new();
    let _network = Network::start(&lab, "tcp", "9899");
    let (listen, hss) = (format!("tcp:{}", lab.address(12)), format!("tcp:{}", lab.address(13)));
    let mut mme = Node::start(&[
        "mme",
        "serve",
        "--listen",
        &listen,
        "--function",
        &lab.function("tcp"),
        "--hss",
        &hss,
        "--plmn",
        "001-01",
        "--json",
    ]);
    mme.says(&format!("peer function.{REALM} is up"));
    let output = proselink(&["ue", "allocate", "--imsi", IMSI, "--mme", &format!("mme.{REALM}@{listen}")]);
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    assert!(text(&output.stdout).contains("allocated: 00101**********"), "{}", both(&output));
    mme.signal("INT");
    let (code, lines) = mme.end();
    assert_eq!(code, Some(0));
    assert!(lines.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("\"message\":\"5\"")), "{lines:?}");
}

#[test]
fn a_counterpart_that_is_not_there_is_told_and_has_its_exit_code() {
    let lab = Lab::new();
    let function = lab.function("tcp");
    let words = ["ue", "allocate", "--imsi", IMSI, "--function", &function, "--timeout", "1s"];
    let output = proselink(&words);
    assert_eq!(output.status.code(), Some(3), "{}", both(&output));
    assert!(text(&output.stderr).contains(&lab.address(14)), "{}", both(&output));
    let output = proselink(&["ue", "allocate", "--imsi", "12", "--function", &function]);
    assert_eq!(output.status.code(), Some(2), "{}", both(&output));
}

#[test]
fn a_load_registers_every_ue_over_embedded_sctp_and_says_how_fast() {
    let output = proselink(&["load", "registration", "--ues", "40", "--warm-up", "10", "--rate", "200", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["registered"], &report["refused"], &report["durable"]), (&30.into(), &0.into(), &true.into()));
    let p99 = report["latency_us"]["whole"]["p99"].as_f64().unwrap();
    assert!(p99 >= report["latency_us"]["whole"]["p50"].as_f64().unwrap());
    assert!(!both(&output).contains("0010100"), "an IMSI is told whole");
}

#[test]
fn a_commit_for_each_write_is_what_it_says() {
    let output = proselink(&["load", "registration", "--ues", "20", "--commit-each", "--over", "tcp", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    // One for ID1 and one for ID2 of each UE, and perhaps one that reserves ID1s.
    assert_eq!(report["commits"], report["writes"]);
    assert!((40..=41).contains(&report["commits"].as_u64().unwrap()), "{report}");
}

#[test]
fn a_load_drives_a_function_in_another_process_and_plays_its_hss() {
    let lab = Lab::new();
    let configuration = lab.function_configuration("tcp", "");
    let mut function = Node::start(&["run", "-c", word(&configuration)]);
    function.says("listens at");
    let hss = format!("tcp:{}", lab.address(13));
    let words = [
        "load",
        "registration",
        "--ues",
        "25",
        "--over",
        "tcp",
        "--function",
        &lab.function("tcp"),
        "--hss-listen",
        &hss,
    ];
    let output = proselink(&words);
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    assert!(text(&output.stdout).contains("25 registered, 0 not"), "{}", both(&output));
    let ues = proselink(&["show", "ues", "-c", word(&configuration)]);
    assert!(text(&ues.stdout).contains("25 UEs of function."), "{}", both(&ues));
}
