//! A node as those who operate it meet it: the binary, its signals, its configuration, its metrics, its log, and the
//! service manager above it.

#![cfg(feature = "net")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use proselink::interfaces::s6a::{self, UpdateLocationRequest};
use proselink::message::{Command as _, Envelope, Header};
use proselink::peer::{Local, capabilities};

const PROSELINK: &str = env!("CARGO_BIN_EXE_proselink");

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// An address on loopback that is free now.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A node in a process of its own.
struct Node {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    said: Vec<String>,
}

impl Node {
    fn start(configuration: &Path, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(PROSELINK)
            .args(["run", "-c", configuration.to_str().unwrap()])
            .args(more)
            .env_remove("PROSELINK_LOG")
            .env_remove("NOTIFY_SOCKET")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self { child, stdout, stderr, said: Vec::new() }
    }

    /// Waits for a line on standard output with these words.
    fn says(&mut self, words: &str) -> String {
        loop {
            let line = self.stdout.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("\"{words}\" was never said, but:\n{}", self.said.join("\n")));
            self.said.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Waits for a line on standard error with these words.
    fn logs(&self, words: &str) -> String {
        let mut seen = Vec::new();
        loop {
            let line = self.stderr.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("\"{words}\" was never logged, but:\n{}", seen.join("\n")));
            if line.contains(words) {
                return line;
            }
            seen.push(line);
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn exit(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A configuration of a node that answers Update-Location over TCP; `peers` are whole sections.
fn configuration(identity: &str, keys: &str, peers: &str) -> String {
    format!(
        "identity = \"{identity}\"\nrealm = \"example\"\ntransport = \"tcp\"\naddresses = [\"127.0.0.1\"]\ntc = 0.2\n{keys}\n\
         {peers}\n[responder]\napplications = [16777251]\n"
    )
}

fn listening_peer(identity: &str) -> String {
    format!("[[peer]]\nidentity = \"{identity}\"\naddresses = [\"127.0.0.1\"]\n")
}

fn put(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    // Replaced whole, as careful editors do.
    let draft = folder.path().join(format!("{name}.new"));
    fs::write(&draft, text).unwrap();
    fs::rename(&draft, &path).unwrap();
    path
}

/// Status and body of a page, and the head.
fn get(address: &str, page: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {page} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned(), head.to_owned())
}

/// Reads metrics as Prometheus would, and judges their form.
fn metrics(address: &str) -> String {
    let (status, text, head) = get(address, "/metrics");
    assert_eq!(status, 200);
    assert!(head.to_ascii_lowercase().contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    let (mut family, mut kind) = (String::new(), String::new());
    let (mut helps, mut seen) = (Vec::new(), std::collections::HashSet::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(!words.is_empty() && !helps.contains(&name), "{line}");
            helps.push(name);
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, of) = typed.split_once(' ').unwrap();
            assert_eq!(helps.last(), Some(&name), "HELP comes before TYPE");
            assert!(["counter", "gauge", "histogram", "info"].contains(&of), "{line}");
            assert!(name.starts_with("proselink_") || name.starts_with("process_"), "{line}");
            (family, kind) = (name.to_owned(), of.to_owned());
        } else if let Some(unit) = line.strip_prefix("# UNIT ") {
            let (name, unit) = unit.split_once(' ').unwrap();
            assert!(name.ends_with(&format!("_{unit}")), "{line}");
        } else if line != "# EOF" {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
            let name = series.split('{').next().unwrap();
            let endings: &[&str] = match &*kind {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_sum", "_count"],
                "info" => &["_info"],
                _ => &[""],
            };
            assert!(endings.iter().any(|ending| *name == format!("{family}{ending}")), "{line}");
            assert!(value.parse::<f64>().is_ok_and(|value| value >= 0.0), "{line}");
            assert!(seen.insert(series.to_owned()), "twice: {line}");
        }
    }
    text
}

/// The value of a series.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
}

#[test]
fn a_configuration_changes_while_its_node_runs_and_metrics_tell_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (at_hub, shown) = (free(), free());
    let keys = format!("listen = [\"{at_hub}\"]\nmetrics = \"{shown}\"\ndrain = 1");
    let of_hub = |peers: &[&str]| {
        let peers: String = peers.iter().map(|peer| listening_peer(peer)).collect();
        configuration("hub.example", &keys, &peers)
    };
    let at = put(&folder, "hub.toml", &of_hub(&["edge.example"]));
    let mut hub = Node::start(&at, &[], &[]);
    hub.says(&format!("hub.example shows metrics at http://{shown}/metrics"));
    hub.says("hub.example listens at");
    assert_eq!(get(&shown, "/health").0, 200);
    let (status, words, _) = get(&shown, "/ready");
    assert_eq!((status, words.lines().next()), (503, Some("0 of 1 peers can be used")));

    let section = format!("[[peer]]\nidentity = \"hub.example\"\nconnect_to = \"{at_hub}\"\n");
    let mut edge = Node::start(&put(&folder, "edge.toml", &configuration("edge.example", "", &section)), &[], &[]);
    edge.says("edge.example: peer hub.example is up");
    hub.says("hub.example: peer edge.example is up");
    assert_eq!(get(&shown, "/ready").0, 200);
    let text = metrics(&shown);
    for (series, wanted) in [
        ("proselink_peer_up{peer=\"edge.example\"}", 1.0),
        ("proselink_peer_state{peer=\"edge.example\",state=\"R-Open\"}", 1.0),
        ("proselink_peer_state{peer=\"edge.example\",state=\"Closed\"}", 0.0),
        ("proselink_peer_watchdog{peer=\"edge.example\",status=\"OKAY\"}", 1.0),
        (
            "proselink_messages_received_total{peer=\"edge.example\",application=\"base\",\
             command=\"Capabilities-Exchange-Request\"}",
            1.0,
        ),
        (
            "proselink_answers_sent_total{peer=\"edge.example\",application=\"base\",code_of=\"base\",result=\"2001\"}",
            1.0,
        ),
        ("proselink_requests_pending{peer=\"edge.example\"}", 0.0),
        ("proselink_connections_accepted_total", 1.0),
        ("proselink_reloads_total", 0.0),
    ] {
        assert_eq!(value(&text, series), wanted, "{series}");
    }
    assert!(text.contains(&format!("proselink_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))), "{text}");

    // A configuration that is wrong is refused with its place, and all goes on.
    put(&folder, "hub.toml", &of_hub(&["edge.example"]).replace("tc = 0.2", "tc = -1"));
    hub.signal("HUP");
    let words = hub.logs("nothing is changed");
    assert!(words.contains("hub.toml:5:6: tc is -1"), "{words}");

    // A file that changes is noticed without a signal.
    put(&folder, "hub.toml", &of_hub(&["edge.example", "new.example"]));
    let words = hub.says("again: peer new.example added");
    assert!(words.ends_with("added"), "{words}");

    // A role cannot change while it is played, and that is said.
    put(&folder, "hub.toml", &(of_hub(&["edge.example", "new.example"]) + "delay = 0.1\n"));
    hub.signal("HUP");
    hub.says("again: changed, and needs a restart: [responder]");
    let text = metrics(&shown);
    // The file may have been read for its change as well as for the signal.
    assert!(value(&text, "proselink_reloads_total") >= 2.0 && value(&text, "proselink_reloads_refused_total") >= 1.0);
    assert_eq!(value(&text, "proselink_peer_up{peer=\"new.example\"}"), 0.0);
    // All this time the peer has kept its connection.
    assert_eq!(value(&text, "proselink_connections_accepted_total"), 1.0);
    assert_eq!(value(&text, "proselink_peer_up{peer=\"edge.example\"}"), 1.0);

    // A peer that is taken out is told so, in order.
    put(&folder, "hub.toml", &of_hub(&["new.example"]));
    hub.signal("HUP");
    hub.says("again: peer edge.example removed");
    edge.says("peer hub.example is down: the peer disconnects: DO_NOT_WANT_TO_TALK_TO_YOU");

    for node in [&mut hub, &mut edge] {
        node.signal("TERM");
        node.says("has stopped");
        assert_eq!(node.exit(), Some(0));
    }
}

/// A peer made of one socket, which can be as rude as it likes.
struct Rude(TcpStream);

impl Rude {
    /// Connects as `rude.example`.
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut peer = Self(stream);
        let local = Local {
            identity: "rude.example".to_owned(),
            realm: "example".to_owned(),
            addresses: vec!["127.0.0.1".parse().unwrap()],
            vendor: 0,
            product: "rude".to_owned(),
            firmware: None,
            origin_state: 0,
            applications: vec![s6a::APPLICATION],
            vendors: Vec::new(),
        };
        peer.0.write_all(&capabilities::cer(&local, 1, 1)).unwrap();
        assert_eq!(peer.read().code, 257);
        peer
    }

    /// The header of the next message.
    fn read(&mut self) -> Header {
        let mut head = [0; 20];
        self.0.read_exact(&mut head).unwrap();
        let header = Header::parse(&head).unwrap();
        let mut body = vec![0; header.length as usize - head.len()];
        self.0.read_exact(&mut body).unwrap();
        header
    }
}

#[test]
fn a_second_signal_ends_at_once_what_a_peer_holds_up() {
    let folder = tempfile::tempdir().unwrap();
    let address = free();
    let keys = format!("listen = [\"{address}\"]\ndrain = 1");
    let at = put(&folder, "hub.toml", &configuration("hub.example", &keys, &listening_peer("rude.example")));
    let mut hub = Node::start(&at, &[], &[]);
    hub.says("listens at");
    let mut rude = Rude::connect(&address);
    hub.says("peer rude.example is up");
    hub.signal("TERM");
    // DPR comes, and is not answered.
    assert_eq!(rude.read().code, 282);
    hub.signal("TERM");
    hub.says("has stopped at once");
    assert_eq!(hub.exit(), Some(130));
}

#[test]
fn the_log_has_a_span_an_exchange_and_no_subscriber_in_it() {
    const IMSI: &str = "001010123456789";
    let folder = tempfile::tempdir().unwrap();
    let address = free();
    let keys = format!("listen = [\"{address}\"]");
    let at = put(&folder, "hub.toml", &configuration("hub.example", &keys, &listening_peer("rude.example")));
    let mut hub = Node::start(&at, &["--log-format", "json", "--log", "trace"], &[]);
    hub.says("listens at");
    let mut rude = Rude::connect(&address);
    let session = format!("rude.example;1;2;{IMSI}");
    let request = UpdateLocationRequest {
        session_id: &session,
        auth_session_state: 1,
        origin_host: "rude.example",
        origin_realm: "example",
        destination_realm: "example",
        user_name: IMSI,
        rat_type: 1004,
        ulr_flags: 34,
        visited_plmn_id: &[0, 0xf1, 0x10],
        ..Default::default()
    };
    let request = request.to_bytes(Envelope { application: s6a::APPLICATION, hop_by_hop: 0x1234, end_to_end: 0x5678 });
    rude.0.write_all(&request).unwrap();
    assert_eq!(rude.read().hop_by_hop, 0x1234);
    drop(rude);
    hub.says("peer rude.example is down");
    hub.signal("TERM");
    assert_eq!(hub.exit(), Some(0));

    let log: Vec<String> = hub.stderr.iter().collect();
    let parsed: Vec<serde_json::Value> = log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answered = parsed.iter().find(|entry| entry["message"] == "answered");
    let answered = answered.unwrap_or_else(|| panic!("{}", log.join("\n")));
    let [peer, exchange] = answered["spans"].as_array().map(Vec::as_slice).unwrap() else { panic!("{answered}") };
    assert_eq!((&peer["node"], &peer["peer"]), (&"hub.example".into(), &"rude.example".into()));
    for (field, wanted) in [
        ("name", serde_json::Value::from("exchange")),
        ("direction", "in".into()),
        ("application", "S6a".into()),
        ("command", "Update-Location".into()),
        ("hop_by_hop", "0x00001234".into()),
        ("end_to_end", "0x00005678".into()),
        ("session", "rude.example;1;2;***".into()),
        ("result", 2001.into()),
    ] {
        assert_eq!(exchange[field], wanted, "{field}: {answered}");
    }
    assert!(exchange["took_us"].is_u64(), "{answered}");
    assert!(!log.iter().any(|line| line.contains(IMSI)), "the subscriber is in the log");
}

/// The service manager's side of `sd_notify`.
struct Manager(UnixDatagram);

impl Manager {
    fn hears(&self, words: &str) -> String {
        let mut seen = String::new();
        let mut octets = [0; 4096];
        loop {
            let length = self.0.recv(&mut octets).unwrap_or_else(|_| panic!("{words} was not said, but\n{seen}"));
            let text = std::str::from_utf8(&octets[..length]).unwrap();
            if text.contains(words) {
                return text.to_owned();
            }
            seen.push_str(text);
        }
    }
}

#[test]
fn the_service_manager_is_told_of_readiness_life_reload_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let manager = Manager(UnixDatagram::bind(&socket).unwrap());
    manager.0.set_read_timeout(Some(PATIENCE)).unwrap();
    let keys = format!("listen = [\"{}\"]", free());
    let at = put(&folder, "hub.toml", &configuration("hub.example", &keys, &listening_peer("edge.example")));
    let environment = [("NOTIFY_SOCKET", socket.to_str().unwrap()), ("WATCHDOG_USEC", "200000")];
    let mut hub = Node::start(&at, &[], &environment);
    assert!(manager.hears("READY=1").contains("STATUS=0 of 1 peers up; down: edge.example"));
    for _ in 0..3 {
        manager.hears("WATCHDOG=1");
    }
    hub.signal("HUP");
    assert!(manager.hears("RELOADING=1").contains("MONOTONIC_USEC="));
    manager.hears("READY=1");
    manager.hears("WATCHDOG=1");
    hub.signal("TERM");
    manager.hears("STOPPING=1");
    assert_eq!(hub.exit(), Some(0));
}

#[test]
fn the_unit_has_what_the_service_relies_on() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/proselink@.service");
    let text = fs::read_to_string(unit).unwrap();
    let directives: Vec<&str> = text.lines().filter(|line| !line.starts_with(['#', '[']) && !line.is_empty()).collect();
    for wanted in [
        "Type=notify",
        "NotifyAccess=main",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "Restart=on-failure",
        "RestartPreventExitStatus=2",
        "DynamicUser=yes",
        "StateDirectory=proselink/%i",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "SystemCallFilter=@system-service",
    ] {
        assert!(directives.contains(&wanted), "{wanted}");
    }
    assert!(directives.iter().any(|line| line.starts_with("WatchdogSec=")));
    // The command line of the unit is one that the binary understands.
    let line = directives.iter().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/proselink ")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let keys = format!("listen = [\"{}\"]", free());
    put(&folder, "hub.toml", &configuration("hub.example", &keys, ""));
    let line = line.replace("/etc/proselink/%i.toml", folder.path().join("hub.toml").to_str().unwrap());
    let good = Command::new(PROSELINK).args(line.split(' ')).arg("--check").output().unwrap();
    assert_eq!(good.status.code(), Some(0), "{good:?}");

    // systemd itself judges it, with the binary where this build has put it.
    let instance = folder.path().join("proselink@hub.service");
    fs::write(&instance, text.replace("/usr/local/bin/proselink", PROSELINK)).unwrap();
    match Command::new("systemd-analyze").arg("verify").arg("--man=no").arg(&instance).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => println!("skipped: systemd-analyze verify: {error}"),
    }
}
