//! The procedure as a user meets it: the binary, real sockets, six processes, a process that is killed.
//!
//! Every test takes UDP ports of its own, so that they run beside one another and beside a demo.

#![cfg(feature = "net")]

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use proselink::capture::Reader;
use proselink::message::Header;
use proselink::registration::identifiers::Imsi;
use proselink::store::embedded::{EmbeddedStore, Options};
use proselink::store::{ContextReader as _, UeState, UserReader as _};
use proselink::verify;

const PROSELINK: &str = env!("CARGO_BIN_EXE_proselink");

/// The loopback addresses of the six parties.
const ADDRESSES: [&str; 6] = ["127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.14", "127.0.0.15", "127.0.0.16"];

/// A UDP port that is free at all six addresses.
fn free_port() -> u16 {
    (0..100)
        .map(|_| UdpSocket::bind((ADDRESSES[0], 0)).unwrap().local_addr().unwrap().port())
        .find(|port| ADDRESSES.iter().all(|address| UdpSocket::bind((*address, *port)).is_ok()))
        .expect("some port is free")
}

fn demo(folder: &Path, arguments: &[&str]) -> Output {
    let port = free_port().to_string();
    Command::new(PROSELINK)
        .current_dir(folder)
        .args(["demo", "--port", &port])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// How often each command code of an application is in a capture, as (code, request).
fn commands(path: &Path) -> HashMap<(u32, bool), usize> {
    let mut reader = Reader::open(path).unwrap();
    let mut counts = HashMap::new();
    while let Some(message) = reader.next_message().unwrap() {
        let header = Header::parse(message.bytes).unwrap();
        if header.application != 0 {
            *counts.entry((header.code, header.is_request())).or_default() += 1;
        }
    }
    counts
}

#[test]
fn the_demo_registers_and_moves_one_ue_and_verifies_its_own_capture() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &[]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    assert_eq!(stderr, "");
    // The messages in their order: each line is looked for behind the last.
    let mut rest = stdout.as_str();
    for label in [
        "5 IAR PC3",
        "ULR S6a",
        "ULA S6a",
        "5 MIR PC4",
        "PIR PC4a",
        "PIA PC4a",
        "6 MIA PC4",
        "6 IAA PC3",
        "1 URR PC3",
        "2 XAR PC2",
        "3 XAA PC2",
        "4 URA PC3",
        "5 IAR PC3",
        "5 MIR PC4",
        "G1 CTR PC4",
        "G2 CTA PC4",
        "U1 PXR PC2",
        "U2 PXA PC2",
        "\nRegistered: UE 00101",
        "Moved: it is ID4",
        "\nverified: ",
    ] {
        let at = rest.find(label).unwrap_or_else(|| panic!("{label} is missing or too early:\n{stdout}"));
        rest = &rest[at + label.len()..];
    }
    assert!(!stdout.contains('\x1b'), "no colour in a pipe");
    assert!(!stdout.contains("001010000000001"), "the subscriber is masked");
    let ladder = stdout.lines().take_while(|line| !line.is_empty());
    assert!(ladder.map(|line| line.chars().count()).max().unwrap() <= 100, "{stdout}");

    let capture = folder.path().join("demo.pcapng");
    let report = verify::verify_file(&capture).unwrap();
    assert!(report.is_good(), "{:?}", report.findings);
    assert_eq!((report.registrations, report.moves, report.associations), (1, 1, 10));
    assert_eq!(report.requests, report.answered);
    let commands = commands(&capture);
    for (code, count) in [(8_388_727, 1), (8_388_676, 1), (16_777_215, 2), (16_777_214, 5), (316, 2), (8_388_664, 2)] {
        assert_eq!((commands[&(code, true)], commands[&(code, false)]), (count, count), "{code}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing but the capture is left");
}

#[test]
fn the_demo_of_a_refusal_shows_that_no_message_5_leaves_the_mme() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &["--deny"]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}{}", text(&output.stderr));
    for words in ["NOT_SUBSCRIBED", "UE_NOT_CAPABLE", "no message 5 left the MME"] {
        assert!(stdout.contains(words), "{stdout}");
    }
    assert!(!stdout.contains("MIR"), "{stdout}");
    let capture = folder.path().join("demo.pcapng");
    // Command A: the UE's two requests and the MME's answers, and none between MME and function.
    let commands = commands(&capture);
    assert_eq!((commands[&(16_777_214, true)], commands[&(16_777_214, false)]), (2, 2));
    assert_eq!(commands[&(316, true)], 1, "the HSS is asked only about the UE that is capable");
}

#[test]
fn a_demo_of_many_ues_gives_percentiles_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let output = demo(folder.path(), &["--ues", "20", "--json", "--store", store.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["good"], &summary["registered"], &summary["moved"]), (&true.into(), &20.into(), &20.into()));
    assert_eq!(summary["capture"]["verified"], true);
    assert!(summary["steps"].as_array().unwrap().iter().any(|step| step["count"] == 20));
    // Every user is in the store of the function that serves the UEs now.
    let store = EmbeddedStore::open(store.join("function2.redb"), Options::default().create(false)).unwrap();
    assert_eq!(store.count().unwrap(), 20);
    assert!(store.contexts(None, 50).unwrap().iter().all(|stored| stored.context.bindings.len() == 1));
}

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _taken = UdpSocket::bind((ADDRESSES[3], port)).unwrap();
    let output = Command::new(PROSELINK)
        .current_dir(folder.path())
        .args(["demo", "--port", &port.to_string()])
        .output()
        .unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains(&format!("UDP port {port} at 127.0.0.14")) && stderr.contains("--port"), "{stderr}");
}

#[test]
fn a_bad_configuration_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    std::fs::write(&file, "identity = \"a\"\nrealm = 7\n").unwrap();
    let run = |path: &Path| Command::new(PROSELINK).args(["run", "-c"]).arg(path).output().unwrap();
    let output = run(&file);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("x.toml:2:9: "), "{}", text(&output.stderr));
    assert_eq!(run(&folder.path().join("none.toml")).status.code(), Some(3));
}

/// A process of one element; killed when it is dropped.
struct Element {
    child: Child,
}

impl Element {
    /// Starts an element that says everything it does in its log, and waits until it listens.
    fn start(lab: &Lab, name: &str) -> Self {
        let log = std::fs::File::options().append(true).create(true).open(lab.path("log")).unwrap();
        let mut child = lab.command(name).arg("-vvv").stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains(" listens at "), "{name}: {line}");
        Self { child }
    }

    /// SIGTERM, and the exit code.
    fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Element {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The samples in a folder of their own, on a port of their own.
struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        Self::with("")
    }

    /// The samples with more at the end of each file.
    fn with(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = format!("udp_port = {}", free_port());
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        for name in ["ue", "mme", "hss", "function", "app-server", "function2"] {
            let file = format!("{name}.toml");
            let text = std::fs::read_to_string(examples.join(&file)).unwrap();
            assert!(text.contains("udp_port = 9899"), "{file}");
            let text = text.replace("udp_port = 9899", &port) + more;
            std::fs::write(folder.path().join(&file), text).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(PROSELINK);
        command.current_dir(self.folder.path()).args(["run", "-c", &format!("{name}.toml")]).stdin(Stdio::null());
        command
    }

    fn servers(&self) -> Vec<Element> {
        ["hss", "function", "function2", "mme", "app-server"].map(|name| Element::start(self, name)).into()
    }

    fn register(&self, arguments: &[&str]) -> Output {
        self.command("ue").args(arguments).output().unwrap()
    }

    /// The context of the one subscriber in a function's store, read as the function would after a crash.
    fn context(&self, name: &str) -> Option<proselink::store::UeContext> {
        let store = EmbeddedStore::open(self.path(name), Options::default().create(false)).unwrap();
        let imsi: Imsi = "001010000000001".parse().unwrap();
        store.get(imsi).unwrap().map(|stored| stored.context)
    }
}

/// What follows a word in a line, e.g. the identifier after `ID1`.
fn after(text: &str, word: &str) -> String {
    let mut words = text.split([' ', ',', '\n']).skip_while(|found| *found != word);
    words.nth(1).unwrap_or_else(|| panic!("no {word} in {text}")).to_owned()
}

#[test]
fn six_processes_do_the_same_and_stop_in_order() {
    let lab = Lab::new();
    let servers = lab.servers();
    let output = lab.register(&["--move", "-w", "ue.pcapng"]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}{}", text(&output.stderr));
    let (id1, id2, id4) = (after(&stdout, "ID1"), after(&stdout, "ID2"), after(&stdout, "ID4"));
    assert_ne!(id1, id4);
    // What one element sees of the procedure is whole, from INIT to SHUTDOWN.
    let report = verify::verify_file(lab.path("ue.pcapng")).unwrap();
    assert!(report.is_good(), "{:?}", report.findings);
    assert_eq!(report.requests, report.answered);
    let commands = commands(&lab.path("ue.pcapng"));
    assert_eq!((commands[&(16_777_214, false)], commands[&(16_777_215, false)]), (2, 1));
    for server in servers {
        assert_eq!(server.terminate(), Some(0));
    }
    // Whoever reads the logs learns nothing of the subscriber: not in digits, not as octets.
    let log = std::fs::read_to_string(lab.path("log")).unwrap();
    assert!(log.contains("peer is up") && log.contains("MME-2"), "{log}");
    let msisdn = "491510000001";
    for secret in ["001010000000001", msisdn, "MC4CAQAwBQYDK2Vw", "user1@demo"] {
        let octets = data_encoding::HEXLOWER.encode(secret.as_bytes());
        assert!(!log.contains(secret) && !log.to_lowercase().contains(&octets), "{secret} is in the log");
    }
    let (old, new) = (lab.context("function.redb").unwrap(), lab.context("function2.redb").unwrap());
    assert!(matches!(old.state, UeState::Moved { .. }), "{:?}", old.state);
    assert_eq!((new.id1.id1.to_string(), new.bindings[0].id2.as_str()), (id4, id2.as_str()));
}

#[test]
fn private_numbers_are_those_of_the_configuration() {
    let lab = Lab::with("\n[private]\nvendor = 50000\napplication_pc3 = 16777999\ncommand_b = 8389000\n");
    let servers = lab.servers();
    let output = lab.register(&["-w", "ue.pcapng"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let mut reader = Reader::open(lab.path("ue.pcapng")).unwrap();
    let mut seen = HashSet::new();
    while let Some(message) = reader.next_message().unwrap() {
        let header = Header::parse(message.bytes).unwrap();
        seen.insert((header.application, header.code));
    }
    assert!(seen.contains(&(16_777_999, 16_777_214)) && seen.contains(&(16_777_999, 8_389_000)), "{seen:?}");
    drop(servers);
}

#[test]
fn a_function_killed_after_message_4_still_knows_id2() {
    let lab = Lab::new();
    let mut servers = lab.servers();
    let output = lab.register(&[]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}{}", text(&output.stderr));
    servers.remove(1).kill();
    let (id1, id2) = (after(&stdout, "ID1"), after(&stdout, "ID2"));
    let context = lab.context("function.redb").unwrap();
    assert_eq!((context.id1.id1.to_string(), context.bindings[0].id2.as_str()), (id1.clone(), id2.as_str()));

    // It comes back, its peers find it again, and the UE is who it was.
    servers.push(Element::start(&lab, "function"));
    let begun = Instant::now();
    let again = loop {
        let output = lab.register(&[]);
        if output.status.success() {
            break text(&output.stdout);
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{}{}", text(&output.stdout), text(&output.stderr));
    };
    assert_eq!((after(&again, "ID1"), after(&again, "ID2")), (id1, id2));
}

#[test]
fn as_2_an_app_server_killed_after_message_4_still_knows_id2() {
    let lab = Lab::new();
    let mut servers = lab.servers();
    let output = lab.register(&[]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}{}", text(&output.stderr));
    servers.pop().unwrap().kill();
    let id2 = after(&stdout, "ID2");
    {
        let store = EmbeddedStore::open(lab.path("app-server.redb"), Options::default().create(false)).unwrap();
        let users = store.users(None, 9).unwrap();
        let [user] = &users[..] else { panic!("{users:?}") };
        assert_eq!((user.registration.id2.as_str(), user.registration.ues.len()), (id2.as_str(), 1));
        assert_eq!(user.registration.ues[0].id1.to_string(), after(&stdout, "ID1"));
    }
    // It comes back, and a UE that moves is followed: U1 finds the ID2 that was bound before.
    servers.push(Element::start(&lab, "app-server"));
    let begun = Instant::now();
    let again = loop {
        let output = lab.register(&["--move"]);
        if output.status.success() {
            break text(&output.stdout);
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{}{}", text(&output.stdout), text(&output.stderr));
    };
    assert_eq!(after(&again, "ID2"), id2);
    drop(servers);
    let store = EmbeddedStore::open(lab.path("app-server.redb"), Options::default().create(false)).unwrap();
    assert_eq!(store.users(None, 9).unwrap()[0].registration.ues[0].id1.to_string(), after(&again, "ID4"));
}

/// Runs a command of `proselink user`, and gives back its output.
fn user(lab: &Lab, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(PROSELINK)
        .current_dir(lab.folder.path())
        .arg("user")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

impl Lab {
    /// Exchanges a part of a file.
    fn replace(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{from} is not in {name}");
        std::fs::write(self.path(name), text.replacen(from, to, 1)).unwrap();
    }

    /// Takes out what the sample proves its user by, and writes something else there.
    fn prove_by(&self, line: &str) {
        let text = std::fs::read_to_string(self.path("ue.toml")).unwrap();
        let (head, tail) = text.split_once("# A key for examples").unwrap();
        let (_, tail) = tail.split_once("-----END PRIVATE KEY-----\n\"\"\"\n").unwrap();
        std::fs::write(self.path("ue.toml"), format!("{head}{line}\n{tail}")).unwrap();
    }
}

#[test]
fn as_1_a_user_with_a_password_registers_in_a_lab_and_nowhere_else() {
    let lab = Lab::new();
    let output = user(&lab, &["hash", "user1@demo.example"], "correct horse\n");
    let line = text(&output.stdout);
    assert!(line.starts_with("user1@demo.example:$argon2id$v=19$m=19456,t=2,p=1$"), "{line}");
    std::fs::write(lab.path("demo.passwords"), line).unwrap();
    lab.replace("app-server.toml", "[app_server]\n", "[app_server]\npasswords = \"demo.passwords\"\nlab = true\n");
    lab.prove_by("password = \"correct horse\"");
    let mut servers = lab.servers();
    let output = lab.register(&[]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));

    lab.replace("ue.toml", "correct horse", "wrong horse");
    let output = lab.register(&[]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains("BAD_CREDENTIAL") && stdout.contains("do not belong together"), "{stdout}");

    assert_eq!(servers.pop().unwrap().terminate(), Some(0));
    lab.replace("app-server.toml", "lab = true\n", "");
    servers.push(Element::start(&lab, "app-server"));
    lab.replace("ue.toml", "wrong horse", "correct horse");
    let stdout = text(&lab.register(&[]).stdout);
    assert!(stdout.contains("CREDENTIAL_UNPROTECTED") && stdout.contains("over TLS"), "{stdout}");
    let log = std::fs::read_to_string(lab.path("log")).unwrap();
    for secret in ["correct horse", "wrong horse", "$argon2id$"] {
        let octets = data_encoding::HEXLOWER.encode(secret.as_bytes());
        assert!(!log.contains(secret) && !log.to_lowercase().contains(&octets), "{secret} is in the log");
    }
}

#[test]
fn as_1_a_key_of_the_users_own_is_made_by_one_command() {
    let lab = Lab::new();
    let arguments = ["key", "user1@demo.example", "--private", "user1.key"];
    let output = user(&lab, &arguments, "");
    let line = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(lab.path("user1.key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(text(&user(&lab, &arguments, "").stdout), line, "a key that is there is kept");
    std::fs::write(lab.path("demo.keys"), line).unwrap();
    let config = std::fs::read_to_string(lab.path("app-server.toml")).unwrap();
    let (head, tail) = config.split_once("[[app_server.users]]").unwrap();
    let (_, tail) = tail.split_once("=\"\n").unwrap();
    let head = head.replacen("[app_server]\n", "[app_server]\nkeys = \"demo.keys\"\n", 1);
    std::fs::write(lab.path("app-server.toml"), format!("{head}{tail}")).unwrap();
    lab.prove_by("key_file = \"user1.key\"");
    let servers = lab.servers();
    let output = lab.register(&[]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    drop(servers);
    // What cannot be used is said.
    for (arguments, words) in [
        (&["hash", "alice"][..], "no password came"),
        (&["key", "", "--private", "x"][..], "the name is empty"),
        (&["key", "alice", "--private", "demo.keys"][..], "demo.keys: -----BEGIN PRIVATE KEY----- is expected"),
    ] {
        let output = user(&lab, arguments, "");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
}
