use std::os::unix::fs::PermissionsExt as _;
use std::time::SystemTime;

use serde_json::Value;

use super::*;
use crate::peer::{State, Status};
use crate::registration::identifiers::{Id2, UnixSeconds};
use crate::store::{
    Binding, Condition, ContextStore as _, Id1Grant, MemoryStore, MovedFrom, Subscription, UeContext, UeState, Write,
};

/// The UE of a number; every third comes from another function, and its app server does not know yet.
fn context(number: u64) -> UeContext {
    let comes = number.is_multiple_of(3);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    UeContext {
        imsi: format!("00101{number:010}").parse().unwrap(),
        msisdn: Some(format!("49151{number:07}").parse().unwrap()),
        id1: Id1Grant { id1: format!("00f110{number:010x}").parse().unwrap(), valid_until: UnixSeconds(now + 3600) },
        previous_id1: Vec::new(),
        subscription: Subscription { permission: 255, ..Subscription::default() },
        bindings: vec![Binding {
            application: "app.example".into(),
            app_server_host: "as.example".into(),
            app_server_realm: "example".into(),
            id2: Id2::new("user-id2").unwrap(),
            bound_at: UnixSeconds(now),
            update_pending: comes,
        }],
        state: UeState::Registered,
        moved_from: comes
            .then(|| MovedFrom { id1: "00f1100000000009".parse().unwrap(), function: "old.example".parse().unwrap() }),
    }
}

fn desk(ues: u64) -> Desk {
    let mut store = MemoryStore::default();
    let puts: Vec<_> = (1..=ues)
        .map(|number| Write::Put { context: Box::new(context(number)), expires_at: None, condition: Condition::Always })
        .collect();
    let _ = store.apply(&puts).unwrap();
    let view =
        PeerView { identity: "hss.example".to_owned(), state: State::IOpen, status: Status::Okay, trouble: None };
    let (_, peers) = watch::channel(vec![view]);
    let operate: Operate = Arc::new(|_| Box::pin(async { Err(NoReply::NotHere) }));
    let contexts: Option<Contexts> = Some(Arc::new(store));
    Desk { identity: "function.example".to_owned(), role: "function", peers, contexts, export: None, operate }
}

/// All lines of an answer.
async fn ask(path: &Path, question: &str) -> Vec<Value> {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(question.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut octets = Vec::new();
    // A node that answers before it has read all of a bad question may reset the connection; what it said is there.
    let _ = stream.read_to_end(&mut octets).await;
    let text = String::from_utf8(octets).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_socket_is_its_owners_alone_and_goes_with_the_node() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("function.sock");
    let server = Server::start(&path, desk(1)).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = Server::start(&path, desk(1)).unwrap_err();
    assert!(matches!(again, AdminError::InUse { .. }), "{again}");
    drop(server);
    assert!(!path.exists());
}

#[tokio::test]
async fn what_a_dead_node_left_is_replaced_and_a_file_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("function.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "as after SIGKILL");
    drop(Server::start(&path, desk(1)).unwrap());
    std::fs::write(&path, "the operator's notes").unwrap();
    let refused = Server::start(&path, desk(1)).unwrap_err();
    assert!(matches!(refused, AdminError::NoSocket { .. }), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "the operator's notes");
}

#[tokio::test]
async fn all_ues_are_shown_over_many_pages_and_masked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("function.sock");
    let _server = Server::start(&path, desk(700)).unwrap();
    let all = ask(&path, "{\"ask\":\"ues\",\"limit\":1000}\n").await;
    assert_eq!(all.len(), 701);
    assert!(all[..700].iter().all(|ue| ue["imsi"] == "00101**********"));
    assert_eq!(all[700]["end"]["total"], 700);
    let some = ask(&path, "{\"ask\":\"ues\",\"limit\":300,\"clear\":true}\n").await;
    assert_eq!(some.len(), 301);
    assert_eq!(some[299]["imsi"], "001010000000300");
    assert_eq!(some[300]["end"]["shown"], 300);
}

#[tokio::test]
async fn one_ue_is_found_by_imsi_and_by_id1() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("function.sock");
    let _server = Server::start(&path, desk(5)).unwrap();
    for name in ["001010000000002", "00f1100000000002"] {
        let found = ask(&path, &format!("{{\"ask\":\"ue\",\"ue\":\"{name}\"}}\n")).await;
        assert_eq!(found[0]["id1"], "00f1100000000002");
        assert_eq!((&found[0]["imsi"], &found[0]["msisdn"]), (&"00101**********".into(), &"49**********".into()));
        assert_eq!(found[0]["bindings"][0]["id2"], "user-id2");
    }
    let none = ask(&path, "{\"ask\":\"ue\",\"ue\":\"001010000000009\"}\n").await;
    assert_eq!(none[0]["error"], "function.example has no such UE");
}

#[tokio::test]
async fn moves_tell_where_from_and_who_is_yet_to_be_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("function.sock");
    let _server = Server::start(&path, desk(9)).unwrap();
    let moves = ask(&path, "{\"ask\":\"moves\"}\n").await;
    assert_eq!(moves.len(), 4);
    assert_eq!((&moves[0]["direction"], &moves[0]["from"]), (&"in".into(), &"old.example".into()));
    assert_eq!(moves[0]["waits_for"][0]["app_server"], "as.example");
}

/// What a function tells of its moves when it is asked itself: order, tries, causes.
fn deliveries(question: &registration::Inquiry) -> Result<Value, NoReply> {
    match question {
        registration::Inquiry::Moves { after: None, .. } => Ok(serde_json::json!({
            "moves": [{"kind": "move", "imsi": "00101**********", "id1": "00f1100000000003", "old_id1": "00f1100000000009",
                       "from": "old.example", "app_servers": [{"host": "as.example", "application": "app.example",
                       "state": "waiting", "attempts": 3, "next_attempt_in": 8, "last_cause": "no answer"}]}],
            "app_servers": [{"host": "as.example", "state": "down", "sent": 0, "queued": 1, "attempts": 3}],
            "next": "2",
        })),
        registration::Inquiry::Moves { .. } => Ok(serde_json::json!({
            "moves": [{"kind": "farewell", "imsi": "00101**********", "id1": "00f1100000000004", "app_servers": []}],
            "app_servers": [],
        })),
        registration::Inquiry::Revoke { ue } if ue == "00f1100000000003" => Ok(serde_json::json!({"begun": "revoke"})),
        _ => Err(NoReply::Unknown),
    }
}

#[tokio::test]
async fn a_function_tells_who_is_tried_again_and_does_what_an_operator_wants() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("function.sock");
    let operate: Operate = Arc::new(|question| Box::pin(async move { deliveries(&question) }));
    let _server = Server::start(&path, Desk { operate, ..desk(9) }).unwrap();
    let moves = ask(&path, "{\"ask\":\"moves\",\"clear\":true}\n").await;
    assert_eq!(moves.len(), 4, "{moves:?}");
    assert_eq!((&moves[0]["direction"], &moves[0]["imsi"]), (&"in".into(), &"001010000000003".into()));
    assert_eq!(moves[0]["app_servers"][0]["attempts"], 3);
    assert_eq!((&moves[1]["app_server"], &moves[1]["state"]), (&"as.example".into(), &"down".into()));
    assert_eq!((&moves[2]["direction"], &moves[3]["end"]["shown"]), (&"farewell".into(), &2.into()));
    let revoked = ask(&path, "{\"ask\":\"revoke\",\"ue\":\"00f1100000000003\"}\n").await;
    assert_eq!(revoked[0]["begun"], "revoke");
    let unknown = ask(&path, "{\"ask\":\"deregister\",\"ue\":\"001010000000009\"}\n").await;
    assert_eq!(unknown[0]["error"], NoReply::Unknown.to_string());
}

#[tokio::test]
async fn questions_that_are_none_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("function.sock");
    let _server = Server::start(&path, desk(1)).unwrap();
    let long = format!("{{\"ask\":\"{}\"}}\n", "x".repeat(5000));
    for (question, words) in [
        ("\n", "this is no question"),
        ("{\"ask\":\"ues\"}", "then a line feed"),
        ("{\"ask\":\"secrets\"}\n", "none of peers, ues, ue, moves, revoke, deregister"),
        ("{\"ask\":\"ue\"}\n", "\"ue\" is missing"),
        ("{\"ask\":\"ue\",\"ue\":\"12345\"}\n", "6 to 15 digits"),
        ("{\"ask\":\"ues\",\"limit\":0}\n", "from 1 to 1000000"),
        ("{\"ask\":\"ues\",\"sql\":\"drop\"}\n", "unknown field"),
        (&long, "at most 4096 octets"),
    ] {
        let answer = ask(&path, question).await;
        let error = answer[0]["error"].as_str().unwrap();
        assert!(error.contains(words), "{error}\nshould say\n{words}");
    }
    let mut mme = desk(0);
    (mme.contexts, mme.role) = (None, "mme");
    let path = folder.path().join("mme.sock");
    let _server = Server::start(&path, mme).unwrap();
    let answer = ask(&path, "{\"ask\":\"ues\"}\n").await;
    assert!(answer[0]["error"].as_str().unwrap().contains("only a function has UEs"));
    assert_eq!(ask(&path, "{\"ask\":\"peers\"}\n").await[0]["usable"], true);
}
