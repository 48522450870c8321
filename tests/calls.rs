//! `send`, `load`, `doctor` and `config` as users meet them: the real binary in two processes over loopback.

#[path = "support/command.rs"]
mod command;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;

use command::{err, lines, out, proselink, run, with_input};

/// The value of the first AVP of that name.
fn avp<'v>(message: &'v Value, name: &str) -> Option<&'v Value> {
    message["avps"].as_array()?.iter().find(|avp| avp["name"] == name).map(|avp| &avp["value"])
}

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));

/// A responder in a process of its own, over TCP and embedded SCTP.
struct Server {
    process: Child,
    folder: tempfile::TempDir,
    tcp: String,
    sctp: String,
    udp_port: String,
}

impl Server {
    fn start(responder: &str) -> Self {
        Self::start_with("", "tcp", tempfile::tempdir().unwrap(), responder)
    }

    /// With more lines of configuration, and TLS instead of TCP when that is said.
    fn start_with(lines: &str, stream: &str, folder: tempfile::TempDir, responder: &str) -> Self {
        let port = TcpListener::bind((HOST, 0)).unwrap().local_addr().unwrap().port();
        let udp_port = UdpSocket::bind((HOST, 0)).unwrap().local_addr().unwrap().port();
        let (tcp, sctp) = (format!("{stream}:{HOST}:{port}"), format!("sctp-embedded:{HOST}:3868"));
        let peers: String = ["", "-1", "-2"].map(|n| format!("[[peer]]\nidentity = \"client{n}.example\"\n")).concat();
        let config = format!(
            "identity = \"server.example\"\nrealm = \"example\"\nlisten = [\"{tcp}\", \"{sctp}\"]\nudp_port = \
             {udp_port}\n{peers}{lines}[responder]\n{responder}\n"
        );
        let path = folder.path().join("server.toml");
        fs::write(&path, config).unwrap();
        let mut process = proselink(&["run", "-c", path.to_str().unwrap()]).stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.contains("listens at"), "{first}");
        Self { process, folder, tcp, sctp, udp_port: udp_port.to_string() }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// `verb --peer tcp:... --identity client.example` and the rest.
    fn call(&self, verb: &str, rest: &[&str], input: &str) -> Output {
        let arguments = [&[verb, "--peer", self.tcp.as_str(), "--identity", "client.example"], rest].concat();
        with_input(&arguments, input)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const SUCCESS: &str = "applications = [\"S6a\", { id = 16777215, vendor = 999999 }]\nany_command = true\nstrict = true\n\
                       copy = [\"User-Name\"]";

fn update_location() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ulr.json")).unwrap()
}

#[test]
fn a_request_is_sent_and_its_answer_printed() {
    let server = Server::start(SUCCESS);
    let capture = server.folder.path().join("exchange.pcapng");
    let capture = capture.to_str().unwrap();
    for peer in [&server.tcp, &server.sctp] {
        let arguments = [
            "send",
            "--peer",
            peer,
            "--udp-port",
            &server.udp_port,
            "--identity",
            "client.example",
            "-w",
            capture,
            "-",
        ];
        let output = with_input(&arguments, update_location());
        assert_eq!((output.status.code(), err(&output)), (Some(0), ""), "{peer}");
        let [answer] = &lines(&output)[..] else { panic!("{}", out(&output)) };
        assert_eq!(answer["command"], "Update-Location-Answer");
        assert_eq!(avp(answer, "Result-Code"), Some(&2001.into()));
        assert_eq!(avp(answer, "User-Name"), Some(&"001010000000001".into()));
        assert!(answer["took"].as_f64().unwrap() > 0.0);
        // The whole exchange is in the capture, from CER to DPA.
        let seen: Vec<_> = lines(&run(&["decode", "--json", capture])).iter().map(|it| it["code"].clone()).collect();
        assert_eq!((seen.first(), seen.last()), (Some(&257.into()), Some(&282.into())), "{seen:?}");
    }
    let tree = server.call("send", &["--tree", "--echo", "-"], &update_location());
    assert!(out(&tree).contains("Update-Location-Request (316)") && out(&tree).contains("DIAMETER_SUCCESS"));
}

#[test]
fn several_requests_in_yaml_known_and_unknown() {
    let server = Server::start(SUCCESS);
    let yaml = "\
command: Device-Watchdog-Request
---
# a command that no table knows, of an application that none knows
code: 16777214
flags: 192
application: 16777215
avps:
  - {name: User-Name, value: 'nobody'}
  - {code: 16777215, vendor: 999999, flags: 192, value: '00000001'}
";
    let output = server.call("send", &["-"], yaml);
    assert_eq!((output.status.code(), err(&output)), (Some(0), ""));
    let answers = lines(&output);
    let codes: Vec<_> = answers.iter().map(|answer| answer["code"].as_u64().unwrap()).collect();
    assert_eq!(codes, [280, 16_777_214]);
    assert_eq!(avp(&answers[1], "User-Name"), Some(&"nobody".into()));
}

#[test]
fn an_error_is_printed_and_told_in_the_exit_code() {
    let server = Server::start(SUCCESS);
    let output = server.call("send", &["-"], r#"{"command": "Update-Location-Request"}"#);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let answer = &lines(&output)[0];
    assert_eq!(avp(answer, "Result-Code"), Some(&5005.into()));
    assert!(avp(answer, "Error-Message").unwrap().as_str().unwrap().contains("Auth-Session-State"));
    // Sent as it stands it has not even an origin.
    let output = server.call("send", &["--bare", "-"], r#"{"code": 316, "flags": 192, "application": 16777251}"#);
    assert_eq!((output.status.code(), lines(&output).len()), (Some(1), 1), "{}", err(&output));
}

#[test]
fn a_peer_that_refuses_is_explained() {
    let server = Server::start(SUCCESS);
    let stranger = ["send", "--peer", &server.tcp, "--identity", "stranger.example", "-"];
    let output = with_input(&stranger, update_location());
    assert_eq!((output.status.code(), out(&output)), (Some(3), ""));
    for words in ["DIAMETER_UNKNOWN_PEER", "identity = \"stranger.example\"", "--identity"] {
        assert!(err(&output).contains(words), "{words}: {}", err(&output));
    }
    let output = server.call("send", &["--application", "Gx", "-"], &update_location());
    assert_eq!(output.status.code(), Some(3));
    for words in ["DIAMETER_NO_COMMON_APPLICATION", "Gx (16777238)", "S6a (16777251)", "--application"] {
        assert!(err(&output).contains(words), "{words}: {}", err(&output));
    }
    let output = server.call("send", &["--peer-identity", "other.example", "-"], &update_location());
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("calls itself server.example, --peer-identity says other.example"));
}

#[test]
fn a_cer_of_ones_own_tries_the_peer() {
    let server = Server::start(SUCCESS);
    let cer = server.file("cer.json", r#"{"avps": [{"name": "Host-IP-Address", "value": "192.0.2.1"}]}"#);
    let output = server.call("send", &["--cer", cer.to_str().unwrap(), "-"], &update_location());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let cer = server.file("cer.yaml", "remove: [Product-Name]\n");
    let output = server.call("send", &["--cer", cer.to_str().unwrap(), "-"], &update_location());
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("DIAMETER_MISSING_AVP"), "{}", err(&output));
}

#[test]
fn a_wrong_request_is_told_with_its_place() {
    for (text, words) in [
        (
            "{\"command\": \"ULR\",\n \"application\": \"S6a\",\n \"avps\": [{\"name\": \"RAT-Type\", \"value\": \"fast\"}]}",
            "-:3:41: avps[0].value: ",
        ),
        ("{\"command\"", "-:1:10: no JSON: "),
        (
            "command: Update-Location\navps:\n- name: Nonsense\n",
            "-:3:9: avps[0].name: the dictionary has no `Nonsense`",
        ),
    ] {
        for verb in ["send", "load"] {
            let output = with_input(&[verb, "--peer", "tcp:127.0.0.1:1", "-"], text);
            assert_eq!(output.status.code(), Some(2), "{}", err(&output));
            assert!(err(&output).contains(words), "{}\nshould say\n{words}", err(&output));
        }
    }
    let output = with_input(&["send", "--peer", "aaa://host;transport=pigeon", "-"], "{}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn who_does_not_answer_is_named() {
    // Nobody is there.
    let port = TcpListener::bind((HOST, 0)).unwrap().local_addr().unwrap().port();
    let peer = format!("tcp:{HOST}:{port}");
    let output = with_input(&["send", "--peer", &peer, "-"], update_location());
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("cannot connect to 127.0.0.1"), "{}", err(&output));
    // Somebody is there and says nothing.
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let peer = format!("tcp:{HOST}:{}", listener.local_addr().unwrap().port());
    let output = with_input(&["send", "--peer", &peer, "--timeout", "200ms", "-"], update_location());
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("sent no CEA within 200ms"), "{}", err(&output));
    // The peer is good and its answer late.
    let server = Server::start("applications = [\"S6a\"]\ndelay = 3600");
    let output = server.call("send", &["--timeout", "300ms", "-"], &update_location());
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("request 1 was not answered within 300ms"), "{}", err(&output));
    let output = server.call("load", &["--timeout", "300ms", "--count", "5", "--json", "-"], &update_location());
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert_eq!((&lines(&output)[0]["sent"], &lines(&output)[0]["unanswered"]["timeout"]), (&5.into(), &5.into()));
}

#[test]
fn a_load_counts_every_answer_and_no_two_requests_are_alike() {
    let server = Server::start(SUCCESS);
    let capture = server.folder.path().join("load.pcapng");
    let capture = capture.to_str().unwrap();
    let request = update_location().replace("001010000000001", "00101{n}");
    let output = server.call(
        "load",
        &["--count", "1000", "--outstanding", "16", "--connections", "2", "-w", capture, "--json", "-"],
        &request,
    );
    assert_eq!((output.status.code(), err(&output)), (Some(0), ""));
    let [report] = &lines(&output)[..] else { panic!("{}", out(&output)) };
    assert_eq!((&report["sent"], &report["answered"], &report["never_sent"]), (&1000.into(), &1000.into(), &0.into()));
    assert_eq!(report["results"][0]["name"], "DIAMETER_SUCCESS");
    assert_eq!(report["results"][0]["count"], 1000);
    let messages = lines(&run(&["decode", "--json", "-Y", "diameter.cmd.code == 316", capture]));
    let requests: Vec<_> = messages.iter().filter(|it| it["command"] == "Update-Location-Request").collect();
    assert_eq!((messages.len(), requests.len()), (2000, 1000));
    for name in ["Session-Id", "User-Name"] {
        let mut values: Vec<_> = requests.iter().map(|it| avp(it, name).unwrap().as_str().unwrap()).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 1000, "{name}");
    }
    let mut users: Vec<_> = requests.iter().map(|it| avp(it, "User-Name").unwrap().as_str().unwrap()).collect();
    users.sort_unstable();
    assert_eq!((users[0], users[999]), ("001010000000001", "001010000001000"));
}

#[test]
fn a_load_at_a_rate_prints_a_table() {
    let server = Server::start(SUCCESS);
    let sctp = ["load", "--peer", &server.sctp, "--udp-port", &server.udp_port, "--identity", "client.example"];
    let rest = ["--rate", "1000", "--for", "300ms", "--warm-up", "100ms", "-"];
    let output = with_input(&[&sctp[..], &rest[..]].concat(), update_location());
    assert_eq!((output.status.code(), err(&output)), (Some(0), ""), "{}", out(&output));
    assert!(out(&output).contains("requests     200 sent, 200 answered, 0 not"), "{}", out(&output));
    for words in ["server.example (proselink) over embedded SCTP", "from when due", "p99.9", "2001 DIAMETER_SUCCESS"] {
        assert!(out(&output).contains(words), "{words}\n{}", out(&output));
    }
}

/// Certificates of an authority and its nodes, as files `NAME.pem`, `NAME.key` and `ca.pem`.
fn certificates(folder: &Path, nodes: &[&str]) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "authority of a test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    for name in nodes {
        let params = CertificateParams::new(vec![(*name).to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

#[test]
fn over_tls_both_sides_are_who_their_certificates_name() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path(), &["server.example", "client.example"]);
    let path = folder.path().to_owned();
    let file = move |name: &str| path.join(name).to_str().unwrap().to_owned();
    let tls = "[tls]\ncertificate = \"server.example.pem\"\nkey = \"server.example.key\"\nca = \"ca.pem\"\n";
    let server = Server::start_with(tls, "tls", folder, SUCCESS);
    let [certificate, key, ca] = ["client.example.pem", "client.example.key", "ca.pem"].map(file);
    let credentials = ["--certificate", &certificate, "--key", &key, "--ca", &ca];
    let output = server.call("send", &[&credentials[..], &["-"]].concat(), &update_location());
    assert_eq!((output.status.code(), err(&output)), (Some(0), ""));
    let rest = ["--count", "100", "--json", "-"];
    let output = server.call("load", &[&credentials[..], &rest].concat(), &update_location());
    assert_eq!((output.status.code(), &lines(&output)[0]["answered"]), (Some(0), &100.into()), "{}", err(&output));
    let other = ["--certificate-name", "other.example", "-"];
    let output = server.call("send", &[&credentials[..], &other].concat(), &update_location());
    assert_eq!(output.status.code(), Some(3));
    assert!(
        err(&output).contains("names server.example") && err(&output).contains("not other.example"),
        "{}",
        err(&output)
    );
    let output = server.call("send", &["-"], &update_location());
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("--certificate FILE --key FILE --ca FILE"), "{}", err(&output));
    let config = server.folder.path().join("server.toml");
    let output = run(&["doctor", "--json", "-c", config.to_str().unwrap()]);
    let check = lines(&output).into_iter().find(|check| check["check"] == "certificate").unwrap();
    assert_eq!(check["verdict"], "good", "{check}");
}

#[test]
fn the_doctor_says_what_to_type() {
    let output = run(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    let checks = lines(&output);
    for name in ["kernel SCTP", "raw sockets", "UDP encapsulation", "port 3868/tcp", "clock", "open files", "memory"] {
        let check = checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(check["verdict"] == "good", check["mend"].is_null(), "{check}");
    }
    let server = Server::start(SUCCESS);
    let path = server.folder.path().join("server.toml");
    let output = run(&["doctor", "-c", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "its ports are taken by the server itself\n{}", out(&output));
    assert!(out(&output).contains(&format!("(pid {})", server.process.id())), "{}", out(&output));
}

#[test]
fn configurations_are_judged_without_running_them() {
    let server = Server::start(SUCCESS);
    let good = server.folder.path().join("server.toml");
    let good = good.to_str().unwrap();
    let output = run(&["config", "check", good]);
    assert_eq!((output.status.code(), err(&output)), (Some(0), ""));
    assert!(out(&output).contains("good: server.example of example, 3 peers"), "{}", out(&output));
    let bad = server.file(
        "bad.toml",
        "identity = \"a\"\nrealm = \"b\"\nlisten = [\"127.0.0.1\"]\n[responder]\napplications = [\"S6z\"]\n",
    );
    let output = run(&["config", "check", good, bad.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("bad.toml:5:"), "{}", err(&output));
    assert!(err(&output).contains("no application is called \"S6z\""), "{}", err(&output));
    assert_eq!(run(&["doctor", "-c", bad.to_str().unwrap()]).status.code(), Some(2));
    assert_eq!(run(&["config", "check", "no/such.toml"]).status.code(), Some(3));
}
