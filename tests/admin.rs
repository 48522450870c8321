//! A look into a running node: `proselink show`.

#![cfg(feature = "net")]

#[path = "support/party.rs"]
#[allow(dead_code, reason = "each test file uses a part")]
mod party;

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};

use party::{IMSI, Lab, Node, REALM, both, proselink, text, word};
use serde_json::Value;

#[test]
fn an_operator_sees_ues_moves_and_peers_of_a_function() {
    let lab = Lab::new();
    let listen = format!("tcp:{}", lab.address(13));
    let mut hss =
        Node::start(&["hss", "serve", "--listen", &listen, "--imsi", IMSI, "--admin", word(&lab.path("hss.sock"))]);
    hss.says("listens at");
    hss.says("answers `proselink show");
    let configuration = lab.function_configuration("tcp", "");
    let mut function = Node::start(&["run", "-c", word(&configuration)]);
    function.says(&format!("peer hss.{REALM} is up"));
    let socket = lab.path("function.sock");
    let about = std::fs::metadata(&socket).unwrap();
    assert!(about.file_type().is_socket());
    assert_eq!(about.permissions().mode() & 0o777, 0o600);

    let none = proselink(&["show", "ues", "-c", word(&configuration)]);
    assert_eq!(none.status.code(), Some(0), "{}", both(&none));
    assert!(text(&none.stdout).contains("0 UEs of function."), "{}", both(&none));
    let attach = proselink(&["mme", "attach", "--imsi", IMSI, "--function", &lab.function("tcp")]);
    assert_eq!(attach.status.code(), Some(0), "{}", both(&attach));

    let ues = proselink(&["show", "ues", "--admin", word(&socket), "--json"]);
    let lines: Vec<Value> = text(&ues.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["imsi"], &lines[0]["state"]), (&"00101**********".into(), &"registered".into()));
    assert_eq!(lines[1]["end"]["total"], 1);
    let id1 = lines[0]["id1"].as_str().unwrap();

    let ue = proselink(&["show", "ue", id1, "--admin", word(&socket)]);
    assert!(text(&ue.stdout).contains("00101**********"), "{}", both(&ue));
    assert!(!text(&ue.stdout).contains(IMSI), "{}", both(&ue));
    let ue = proselink(&["show", "ue", IMSI, "--admin", word(&socket), "--clear"]);
    assert!(text(&ue.stdout).contains(IMSI), "{}", both(&ue));
    let other = proselink(&["show", "ue", "001010000000099", "--admin", word(&socket)]);
    assert_eq!(other.status.code(), Some(1), "{}", both(&other));
    assert!(text(&other.stderr).contains("no such UE"), "{}", both(&other));

    // A backup while it runs, which makes a store that is whole.
    let (backup, copy) = (lab.path("backup.ndjson"), lab.path("copy.redb"));
    let exported = proselink(&["store", "backup", "--admin", word(&socket), "-w", word(&backup)]);
    assert_eq!(exported.status.code(), Some(0), "{}", both(&exported));
    assert!(text(&exported.stdout).contains("backup.ndjson: 1 contexts, 0 users"), "{}", both(&exported));
    assert_eq!(std::fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    for words in [["store", "import", word(&copy), "-r", word(&backup)].as_slice(), &["store", "check", word(&copy)]] {
        let output = proselink(words);
        assert_eq!(output.status.code(), Some(0), "{}", both(&output));
    }
    let hss = proselink(&["store", "backup", "--admin", word(&lab.path("hss.sock")), "-w", word(&lab.path("no"))]);
    assert_eq!(hss.status.code(), Some(3), "{}", both(&hss));
    assert!(text(&hss.stderr).contains("it has no store") && !lab.path("no").exists(), "{}", both(&hss));

    let nobody = proselink(&["revoke", "001010000000099", "--admin", word(&socket)]);
    assert_eq!(nobody.status.code(), Some(1), "{}", both(&nobody));
    let moves = proselink(&["show", "moves", "--admin", word(&socket)]);
    assert!(text(&moves.stdout).contains("0 moves of function."), "{}", both(&moves));
    let peers = proselink(&["show", "peers", "--admin", word(&socket)]);
    assert!(text(&peers.stdout).contains(&format!("hss.{REALM}")), "{}", both(&peers));
    let peers = proselink(&["show", "peers", "--admin", word(&lab.path("hss.sock")), "--json"]);
    assert!(text(&peers.stdout).contains(&format!("function.{REALM}")), "a guest: {}", both(&peers));
    let ues = proselink(&["show", "ues", "--admin", word(&lab.path("hss.sock"))]);
    assert_eq!(ues.status.code(), Some(1), "{}", both(&ues));
    assert!(text(&ues.stderr).contains("only a function has UEs"), "{}", both(&ues));
}

#[test]
fn an_operator_takes_an_id1_from_a_ue_and_then_ends_the_ue() {
    let lab = Lab::new();
    let listen = format!("tcp:{}", lab.address(13));
    let mut hss = Node::start(&["hss", "serve", "--listen", &listen, "--imsi", IMSI]);
    hss.says("listens at");
    let configuration = lab.function_configuration("tcp", "");
    let mut function = Node::start(&["run", "-c", word(&configuration)]);
    function.says(&format!("peer hss.{REALM} is up"));
    let socket = lab.path("function.sock");
    let admin = ["--admin", word(&socket)];
    let attach = || {
        let attach = proselink(&["mme", "attach", "--imsi", IMSI, "--function", &lab.function("tcp")]);
        assert_eq!(attach.status.code(), Some(0), "{}", both(&attach));
        let ues = proselink(&["show", "ues", admin[0], admin[1], "--json"]);
        let ue: Value = serde_json::from_str(text(&ues.stdout).lines().next().unwrap()).unwrap();
        assert_eq!(ue["state"], "registered");
        ue["id1"].as_str().unwrap().to_owned()
    };
    // What an operator was told is durable: the function knows the ID1 no more.
    let gone = |id1: &str| {
        let shown = proselink(&["show", "ue", id1, admin[0], admin[1]]);
        assert_eq!(shown.status.code(), Some(1), "{id1} is still there: {}", both(&shown));
    };
    let first = attach();
    assert_eq!(attach(), first, "as long as it holds the UE keeps it");

    let revoked = proselink(&["revoke", &first, admin[0], admin[1]]);
    assert_eq!(revoked.status.code(), Some(0), "{}", both(&revoked));
    assert!(text(&revoked.stdout).contains("\"durable\":true"), "{}", both(&revoked));
    assert!(text(&revoked.stdout).contains(&first) && !text(&revoked.stdout).contains(IMSI), "{}", both(&revoked));
    gone(&first);
    let second = attach();
    assert_ne!(second, first);

    let ended = proselink(&["deregister", IMSI, admin[0], admin[1]]);
    assert_eq!(ended.status.code(), Some(0), "{}", both(&ended));
    gone(&second);
    let nobody = proselink(&["deregister", IMSI, admin[0], admin[1]]);
    assert_eq!(nobody.status.code(), Some(1), "{}", both(&nobody));
    let third = attach();
    assert!(third != second && third != first, "{third}");
}

#[test]
fn the_socket_of_a_killed_node_is_replaced_and_that_of_a_stopped_one_is_gone() {
    let lab = Lab::new();
    let socket = lab.path("hss.sock");
    let listen = format!("tcp:{}", lab.address(13));
    let words = ["hss", "serve", "--listen", &listen, "--imsi", IMSI, "--admin", word(&socket)];
    let mut killed = Node::start(&words);
    killed.says("answers `proselink show");
    killed.signal("KILL");
    killed.end();
    assert!(socket.exists());
    let nobody = proselink(&["show", "peers", "--admin", word(&socket)]);
    assert_eq!(nobody.status.code(), Some(3), "{}", both(&nobody));
    assert!(text(&nobody.stderr).contains("is gone"), "{}", both(&nobody));
    let mut again = Node::start(&words);
    again.says("answers `proselink show");
    let shown = proselink(&["show", "peers", "--admin", word(&socket)]);
    assert_eq!(shown.status.code(), Some(0), "{}", both(&shown));
    again.signal("TERM");
    assert_eq!(again.end().0, Some(0));
    assert!(!socket.exists());
}

#[test]
fn a_question_without_a_node_says_what_to_type() {
    let output = proselink(&["show", "peers"]);
    assert_eq!(output.status.code(), Some(2), "{}", both(&output));
    assert!(text(&output.stderr).contains("--admin PATH"), "{}", both(&output));
    let output = proselink(&["show", "peers", "--admin", "/nonexistent/proselink.sock"]);
    assert_eq!(output.status.code(), Some(3), "{}", both(&output));
    assert!(text(&output.stderr).contains("no node listens there"), "{}", both(&output));
}
