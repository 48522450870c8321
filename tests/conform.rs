//! `proselink conform` against our own elements: every suite passes; what a tester writes is judged, reported, captured and
//! kept in a baseline; every command of docs/conformance.md runs.

#![cfg(feature = "net")]

#[path = "support/browser.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod browser;
mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use browser::{Browser, on_a_phone, told, url};
use support::proselink;

const NETWORK: &str = "epc.mnc001.mcc001.3gppnetwork.org";
const ABROAD: &str = "epc.mnc002.mcc001.3gppnetwork.org";

/// Three watchdogs before requests go to a peer that comes back, and soon.
const REOPEN: &str = "reopen = 0.1";

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// A port of TCP that is free at 127.0.0.1.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A port of UDP that is free at 127.0.0.1.
fn free_udp_port() -> u16 {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// An element of ours that runs until the test is over.
struct Element {
    child: Child,
    /// Where it listens.
    at: String,
}

impl Element {
    /// Starts it over TCP from its configuration but for `listen`, and waits until it listens.
    fn start(folder: &Path, name: &str, config: &str) -> Self {
        Self::start_over("tcp", folder, name, config)
    }

    fn start_over(transport: &str, folder: &Path, name: &str, config: &str) -> Self {
        let port = free_port();
        let at = format!("{transport}:127.0.0.1:{port}");
        let file = folder.join(format!("{name}.toml"));
        std::fs::write(&file, format!("listen = [\"{at}\"]\n{config}")).unwrap();
        let mut command = proselink();
        command.args(["run", "-c"]).arg(&file).current_dir(folder).stdout(Stdio::piped());
        let log = std::fs::File::create(folder.join(format!("{name}.log"))).unwrap();
        let mut child = command.stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let log = std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap();
        assert!(line.contains(" listens at "), "{name}: {line}{log}");
        Self { child, at }
    }
}

impl Drop for Element {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What answers S6a, and knows `a.example.net` and `z.example.net`: a name before its own and one behind. `before` stands
/// before the peers, `of_a` and `of_z` in their sections.
fn responder_config(before: &str, of_a: &str, of_z: &str) -> String {
    format!(
        "identity = \"peer.example.net\"\nrealm = \"example.net\"\ntc = 0.3\ntc_max = 0.3\n{before}\n\
         [[peer]]\nidentity = \"a.example.net\"\n{of_a}\n[[peer]]\nidentity = \"z.example.net\"\n{of_z}\n\
         [responder]\napplications = [\"S6a\"]\nstrict = true\n"
    )
}

fn responder(folder: &Path, of_z: &str) -> Element {
    Element::start(folder, "responder", &responder_config("", "", of_z))
}

fn function(folder: &Path) -> Element {
    let config = format!(
        r#"identity = "function.{NETWORK}"
realm = "{NETWORK}"
store = "function.redb"
{REOPEN}
peer = [{{ identity = "mme.{NETWORK}" }}, {{ identity = "hss.{NETWORK}" }}, {{ identity = "app-server.{NETWORK}" }},
  {{ identity = "function2.{NETWORK}" }}, {{ identity = "function.{ABROAD}" }}, {{ identity = "stranger.epc.mnc003.mcc001.3gppnetwork.org" }}]

[function]
plmn = "001-01"
allocator = 0
network_key = "30313233343536373839616263646566"
mmes = ["mme.{NETWORK}"]
hss = {{ host = "hss.{NETWORK}", realm = "{NETWORK}" }}

[[function.app_servers]]
host = "app-server.{NETWORK}"
realm = "{NETWORK}"
applications = ["mcc001.mnc01.ProSeApp.Demo"]

[[function.functions]]
host = "function2.{NETWORK}"
realm = "{NETWORK}"

[[function.standard.networks]]
plmn = "001-02"
host = "function.{ABROAD}"
realm = "{ABROAD}"
"#
    );
    Element::start(folder, "function", &config)
}

fn app_server(folder: &Path) -> Element {
    let mut hash = proselink()
        .args(["user", "hash", "user1@demo.example"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    hash.stdin.take().unwrap().write_all(b"let me in\n").unwrap();
    let line = text(&hash.wait_with_output().unwrap().stdout);
    let (_, hash) = line.trim().split_once(':').expect("NAME:HASH");
    let config = format!(
        r#"identity = "app-server.{NETWORK}"
realm = "{NETWORK}"
store = "app-server.redb"
{REOPEN}
peer = [{{ identity = "ue.{NETWORK}" }}, {{ identity = "function.{NETWORK}" }}]

[app_server]
applications = ["mcc001.mnc01.ProSeApp.Demo"]
lab = true

[[app_server.users]]
name = "user1@demo.example"
password = '{hash}'

[[app_server.account]]
application = "mcc001.mnc01.ProSeApp.Demo"
aluid = "alice@demo.example"
found_by = ["nobody"]
rpauid = "alice.r"
discovered_by = ["bob.r"]
pduids = ["00f1100123456789"]

[[app_server.account]]
application = "mcc001.mnc01.ProSeApp.Demo"
aluid = "bob@demo.example"
rpauid = "bob.r"
pduids = ["00f1100123456788"]

[[app_server.account]]
application = "mcc001.mnc01.ProSeApp.Demo"
aluid = "carol@demo.example"
rpauid = "carol.r"
announce = false

[[app_server.functions]]
host = "function.{NETWORK}"
realm = "{NETWORK}"
addresses = ["127.0.0.1"]
"#
    );
    Element::start(folder, "app-server", &config)
}

fn hss(folder: &Path) -> Element {
    let config = format!(
        r#"identity = "hss.{NETWORK}"
realm = "{NETWORK}"
peer = [{{ identity = "function.{NETWORK}" }}]

[hss]
functions = ["function.{NETWORK}"]
subscribers = [
  {{ imsi = "001010000000001", msisdn = "491510000001", prose_permission = 255 }},
  {{ imsi = "001010000000002" }},
  {{ imsi = "001010000000003", prose_permission = 0 }},
]
"#
    );
    Element::start(folder, "hss", &config)
}

fn conform(folder: &Path, arguments: &[&str]) -> Output {
    proselink().arg("conform").args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

/// A whole suite, of which every case passes; what is said of it.
fn passes(folder: &Path, least: usize, arguments: &[&str]) -> String {
    let output = conform(folder, arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    let passed = out.lines().filter(|line| line.starts_with("pass ")).count();
    assert!(passed >= least, "{passed} passed, {least} should have: {out}{err}");
    let lines: Vec<&str> = out.lines().collect();
    println!("{}", lines[lines.len().saturating_sub(6)..].join("\n"));
    out
}

#[test]
fn our_node_conforms_to_the_base_protocol_over_tcp() {
    let folder = tempfile::tempdir().unwrap();
    let node = responder(folder.path(), "");
    let said = passes(folder.path(), 90, &["--peer", &node.at, "--identity", "a.example.net"]);
    assert!(said.contains("pass         base/cer-wants-tls-afterwards"), "{said}");
    assert!(said.contains("each is for SCTP") && said.contains("each is slow: --slow, or --tw SECONDS"), "{said}");
    assert!(!said.contains("base/another-stream") && !said.contains("base/peer-watches"), "{said}");
}

/// What makes sense over SCTP alone is played, what makes sense over byte streams alone is not.
#[test]
fn our_node_conforms_to_the_base_protocol_over_sctp() {
    let folder = tempfile::tempdir().unwrap();
    let udp_port = free_udp_port();
    let config = responder_config(&format!("udp_port = {udp_port}\n"), "", "");
    let node = Element::start_over("sctp-embedded", folder.path(), "responder", &config);
    let arguments = ["--peer", &node.at, "--identity", "a.example.net", "--udp-port", &udp_port.to_string()];
    let said = passes(folder.path(), 90, &arguments);
    for case in ["another-stream", "every-stream", "payload-protocol-identifier", "sctp-abort-in-place-of-dpr"] {
        assert!(said.contains(&format!("pass         base/{case}")), "{case}\n{said}");
    }
    assert!(said.contains("each is for TCP and TLS") && said.contains("each is for TCP\n"), "{said}");
    assert!(!said.contains("base/message-in-two-parts") && !said.contains("base/cer-wants-tls-afterwards"), "{said}");
}

#[test]
fn our_node_conforms_to_the_base_protocol_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let mut both = String::new();
    for name in ["peer.example.net", "a.example.net"] {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        both.push_str(&made.cert.pem());
        std::fs::write(folder.path().join(format!("{name}.pem")), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join(format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
    }
    std::fs::write(folder.path().join("ca.pem"), both).unwrap();
    let tls = "\n[tls]\ncertificate = \"peer.example.net.pem\"\nkey = \"peer.example.net.key\"\nca = \"ca.pem\"\n";
    let node = Element::start_over("tls", folder.path(), "responder", &responder_config(tls, "", ""));
    let ours = ["--certificate", "a.example.net.pem", "--key", "a.example.net.key", "--ca", "ca.pem"];
    let arguments = [&["--peer", &node.at, "--identity", "a.example.net"], &ours[..]].concat();
    let said = passes(folder.path(), 90, &arguments);
    assert!(said.contains("pass         base/message-in-two-parts"), "{said}");
    assert!(!said.contains("base/cer-wants-tls-afterwards"), "{said}");
}

/// Under a name before the peer's and one behind, every case of the election is played.
#[test]
fn our_node_conforms_to_the_base_protocol_where_it_connects_to_us() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = [free_port(), free_port()].map(|port| format!("tcp:127.0.0.1:{port}"));
    let connect = |to: &str| format!("connect_to = \"{to}\"\n");
    let config = responder_config("", &connect(&first), &connect(&second));
    let node = Element::start(folder.path(), "responder", &config);
    let cases =
        ["--case", "peer-*", "--case", "election*", "--case", "second-connection-beside-its-own", "--timeout", "10s"];
    let mut played = String::new();
    for (identity, listen, least) in [("a.example.net", &first, 9), ("z.example.net", &second, 12)] {
        let arguments = ["--peer", &node.at, "--identity", identity, "--listen", listen];
        played.push_str(&passes(folder.path(), least, &[&arguments[..], &cases[..]].concat()));
    }
    for case in ["won-by-the-peer", "won-by-us", "without-case", "we-close-our-own", "the-other-is-gone"] {
        assert!(played.contains(&format!("pass         base/election-{case}\n")), "{case}\n{played}");
    }
    assert!(played.contains("each is for a.example.net > peer.example.net"), "{played}");
}

#[test]
fn our_function_conforms_to_pc2_pc4a_and_pc6() {
    let folder = tempfile::tempdir().unwrap();
    let node = function(folder.path());
    passes(folder.path(), 20, &["--suite", "pc2", "--peer", &node.at]);
    passes(folder.path(), 20, &["--suite", "pc4a-function", "--peer", &node.at]);
    passes(folder.path(), 35, &["--suite", "pc6", "--peer", &node.at]);
}

#[test]
fn our_app_server_conforms_to_pc3_and_pc2() {
    let folder = tempfile::tempdir().unwrap();
    let node = app_server(folder.path());
    passes(folder.path(), 20, &["--suite", "pc3", "--peer", &node.at]);
    passes(folder.path(), 37, &["--suite", "pc2-app-server", "--peer", &node.at]);
}

#[test]
fn our_hss_conforms_to_pc4a() {
    let folder = tempfile::tempdir().unwrap();
    let node = hss(folder.path());
    let identity = format!("function.{NETWORK}");
    passes(folder.path(), 20, &["--suite", "pc4a", "--peer", &node.at, "--identity", &identity]);
}

/// Every error that TS 29.343 and TS 29.344 name, those of the base protocol that each interface can bring about, and those of
/// the functions' own messages have a case that expects them.
#[test]
fn every_error_code_has_a_case() {
    let suite = |names: &[&str]| -> String {
        let wanted = proselink::conform::SUITES.iter().filter(|(name, _)| names.contains(name));
        wanted.map(|(_, text)| *text).collect()
    };
    let rows: [(&[&str], Vec<u32>); 4] = [
        (&["pc2", "pc2-app-server"], [(5590..=5602).collect(), vec![3007, 5001, 5004, 5005, 5009, 5014]].concat()),
        (&["pc3"], vec![3002, 4001, 5001, 5004, 5005, 5009]),
        (&["pc4a", "pc4a-function"], vec![5001, 5003, 5004, 5005, 5009, 5014, 5610, 5611, 5612]),
        (&["pc6"], vec![3001, 5001, 5003, 5004, 5005, 5009, 5014, 5630, 5632, 5635, 5636, 5638, 5641]),
    ];
    for (names, codes) in rows {
        let text = suite(names);
        for code in codes {
            let holds =
                |rest: &str| rest.split([']', '}']).next().is_some_and(|codes| codes.contains(&code.to_string()));
            let expects =
                |line: &str| ["result = ", "experimental = "].iter().any(|key| line.split(key).skip(1).any(holds));
            assert!(text.lines().any(expects), "{names:?} have no case that expects {code}");
        }
    }
}

/// A suite of a tester who expects what is not so.
const MINE: &str = r#"suite = "mine"
title = "What I want to see"

[parties.tester]
applications = [16777251]

[messages.dwr]
command = "Device-Watchdog-Request"
avps = [
  { name = "Origin-Host", value = "${identity}" },
  { name = "Origin-Realm", value = "${realm}" },
]

[[case]]
name = "good"
title = "A watchdog is answered"
clause = "RFC 6733 5.5"
steps = [{ send = "dwr" }, { expect = { result = 2001, capture = { host = "Origin-Host" } } },
  { send = "dwr" }, { expect = { values = { "Origin-Host" = "${host}" } } }]

[[case]]
name = "bad"
title = "A watchdog is <refused>"
clause = "none"
steps = [{ send = "dwr" }, { expect = { result = 5012 } }]

[[case]]
name = "unclear"
title = "What it rests on does not hold"
clause = "none"
steps = [{ send = "dwr" }, { expect = { silence = true }, precondition = true }]
"#;

/// What does not pass fails, is shown, captured, reported, and known from then on.
#[test]
fn what_does_not_pass_is_told_captured_and_known_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let node = responder(folder, "");
    std::fs::write(folder.join("my.toml"), MINE).unwrap();
    let common = ["--suite", "my.toml", "--peer", &node.at, "--identity", "a.example.net"];
    let run = |more: &[&str]| conform(folder, &[&common[..], more].concat());
    let output = run(&["--captures", "caps", "--junit", "j.xml", "--html", "h.html"]);
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}{}", text(&output.stderr));
    for words in [
        "pass         mine/good",
        "fail         mine/bad",
        "inconclusive mine/unclear",
        "Result-Code 5012 DIAMETER_UNABLE_TO_COMPLY was expected, Result-Code 2001 DIAMETER_SUCCESS came (none, line 25",
        "3 cases: 1 pass, 1 fail, 1 inconclusive",
        "captured in caps/mine-bad.pcapng",
    ] {
        assert!(out.contains(words), "{words}\n{out}");
    }
    let decoded = proselink().args(["decode", "--json", "caps/mine-bad.pcapng"]).current_dir(folder).output().unwrap();
    assert!(text(&decoded.stdout).lines().count() >= 4, "{}", text(&decoded.stdout));
    assert!(!folder.join("caps/mine-good.pcapng").exists());
    let junit = std::fs::read_to_string(folder.join("j.xml")).unwrap();
    assert!(junit.contains(r#"tests="3""#) && junit.contains(r#"failures="1""#), "{junit}");
    let html = std::fs::read_to_string(folder.join("h.html")).unwrap();
    assert!(html.contains("A watchdog is &lt;refused&gt;"), "{html}");
    assert!(!html.contains("http:") && !html.contains("https:") && !html.contains(" src="), "it needs nothing else");

    let written = run(&["--baseline", "known.txt", "--write-baseline"]);
    assert_eq!(written.status.code(), Some(0), "{}", text(&written.stderr));
    let baseline = std::fs::read_to_string(folder.join("known.txt")).unwrap();
    assert!(baseline.contains("mine/bad fail # none: Result-Code 5012"), "{baseline}");
    let known = run(&["--baseline", "known.txt", "--json"]);
    assert_eq!(known.status.code(), Some(0), "{}", text(&known.stdout));
    let lines: Vec<serde_json::Value> =
        text(&known.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!((&lines[1]["verdict"], &lines[1]["known"]), (&"fail".into(), &true.into()));
    assert_eq!(lines[3]["known"], 2);

    // What fails now and then is known when it fails, and no news when it passes.
    std::fs::write(folder.join("chance.txt"), "mine/good sometimes # a race\nmine/bad sometimes # a race\n").unwrap();
    std::fs::write(folder.join("rest.txt"), "mine/unclear inconclusive\n").unwrap();
    let chance = run(&["--baseline", "chance.txt", "--baseline", "rest.txt"]);
    let said = text(&chance.stdout);
    assert_eq!(chance.status.code(), Some(0), "{said}");
    assert!(
        said.contains("fail         mine/bad (known)") && !said.contains("is in the baseline and passes"),
        "{said}"
    );
    let stale = run(&["--baseline", "chance.txt", "--baseline", "known.txt", "--case", "good"]);
    assert_eq!(stale.status.code(), Some(0), "{}", text(&stale.stdout));
    std::fs::write(folder.join("known.txt"), "mine/good fail\nmine/bad nonsense\n").unwrap();
    let refused = run(&["--baseline", "known.txt"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("known.txt:2: "), "{}", text(&refused.stderr));
}

/// The reports as others read them: tshark the captures, a browser the page, an XML reader JUnit.
#[test]
fn the_reports_can_be_read_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("lab")).unwrap();
    std::fs::write(folder.join("lab/my.toml"), MINE).unwrap();
    std::fs::write(folder.join("lab/README"), "no suite").unwrap();
    let node = responder(folder, "");
    let common = ["--peer", &node.at, "--identity", "a.example.net", "--suite", "lab", "--suite", "base"];
    let reports = ["--captures", "caps", "--junit", "j.xml", "--html", "h.html"];
    let cases = ["--case", "good", "--case", "bad", "--case", "unclear", "--case", "dwr-*", "--case", "peer-watch*"];
    let output = conform(folder, &[&common[..], &reports[..], &cases[..]].concat());
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}{}", text(&output.stderr));
    assert!(said.contains("pass         mine/good") && said.contains("pass         base/dwr-is-answered"), "{said}");

    let junit = std::fs::read_to_string(folder.join("j.xml")).unwrap();
    for words in [
        "<testsuite name=\"mine\" tests=\"3\" skipped=\"0\" errors=\"1\" failures=\"1\"",
        "<skipped message=\"is slow: --slow, or --tw SECONDS (RFC 6733 5.5, RFC 3539 3.4.1)\" type=\"not run\"",
    ] {
        assert!(junit.contains(words), "{words}\n{junit}");
    }
    let mut reader = quick_xml::Reader::from_str(&junit);
    let mut cases = 0;
    loop {
        match reader.read_event().expect("JUnit is XML") {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(start) => cases += usize::from(start.name().as_ref() == b"testcase"),
            _ => {}
        }
    }
    assert!(cases > 15, "{cases}");

    let page = std::fs::read_to_string(folder.join("h.html")).unwrap();
    for words in
        ["Diameter base protocol, RFC 6733", "line 25 of the suite", "mine-bad.pcapng", "class=\"case not-run\""]
    {
        assert!(page.contains(words), "{words}");
    }
    captures_are_read_by_tshark(&folder.join("caps"), &node.at);
    let Some(browser) = Browser::find() else { return };
    const LOOK: &str = "
        const links = [...page.querySelectorAll('a[href^=\"#\"]')];
        const cases = [...page.querySelectorAll('details.case')];
        return {
            wide: page.documentElement.scrollWidth,
            dead: links.filter(link => !page.getElementById(link.getAttribute('href').slice(1))).length,
            open: cases.filter(it => it.open).map(it => it.id).join(' '),
            trees: page.querySelectorAll('.avps p').length,
            back: view.getComputedStyle(page.body).backgroundColor,
        };";
    let phone = on_a_phone(&page, 400, LOOK, &folder.join("phone.html"));
    let light = told(&browser.dom(&url(&phone), &["--window-size=800,2000"]));
    assert!(light["wide"].as_u64().is_some_and(|wide| wide <= 400), "nothing is wider than the phone: {light}");
    assert_eq!((&light["dead"], &light["open"]), (&0.into(), &"mine.bad mine.unclear".into()), "{light}");
    assert!(light["trees"].as_u64() > Some(100), "{light}");
    let dark = told(&browser.dom(&url(&phone), &["--window-size=800,2000", "--blink-settings=preferredColorScheme=0"]));
    assert_ne!(light["back"], dark["back"], "the dark is dark");
    let page = url(&folder.join("h.html"));
    let dom = browser.dom(&format!("{page}#base.dwr-is-answered"), &[]);
    assert!(dom.contains("id=\"base.dwr-is-answered\" open=\"\""), "an address opens its case");
    let paper = browser.print(&page, &folder.join("page.pdf"));
    assert!(paper.starts_with(b"%PDF-") && paper.len() > 20_000, "{} octets", paper.len());
}

/// Each capture of a folder: every message is Diameter, none is malformed.
fn captures_are_read_by_tshark(folder: &Path, at: &str) {
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("skipped: tshark is not installed");
        return;
    }
    let (_, port) = at.rsplit_once(':').expect("a port");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        let read = |filter: &str| {
            let mut command = Command::new("tshark");
            command.arg("-r").arg(&file).args(["-d", &format!("tcp.port=={port},diameter"), "-Y", filter]);
            text(&command.output().unwrap().stdout).lines().count()
        };
        assert!(read("diameter.cmd.code == 280") >= 4, "{}", file.display());
        assert_eq!(read("_ws.malformed || tcp.analysis.flags"), 0, "{}", file.display());
    }
}

#[test]
fn what_cannot_be_played_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = format!("tcp:127.0.0.1:{}", free_port());
    let output = conform(folder.path(), &["--peer", &nobody, "--timeout", "1s"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("there is no connection"), "{}", text(&output.stderr));
    std::fs::write(
        folder.path().join("my.toml"),
        "suite = \"mine\"\ntitle = \"t\"\n[[case]]\nname = \"a\"\ntitle = \"t\"\nclause = \"c\"\nsteps = [{ send = \"x\" }]\n",
    )
    .unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for (arguments, words) in [
        (&["--suite", "my.toml"][..], "my.toml:7:10: case `a`, step 1: no message is called `x`"),
        (&["--suite", "nothing"], "no suite is called \"nothing\""),
        (&["--suite", "empty"], "empty: there is no suite, a file *.toml, in this folder"),
        (&["--suite", "base", "--suite", "base"], "two suites are called \"base\""),
        (&["--case", "peer-watches-*"], "is slow: --slow, or --tw SECONDS"),
        (&["--slow=never"], "invalid value 'never' for '--slow"),
        (&["--set", "colour=blue"], "the suite has no parameter \"colour\"; it has application, command"),
        (&["--listen", "mars=tcp:127.0.0.1:1"], "no party of the suite is called \"mars\""),
        (&["--case", "nothing"], "no case has this name"),
        (&["--case", "election"], "needs --listen called=ENDPOINT"),
    ] {
        let output = conform(folder.path(), &[&["--peer", &nobody], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(words), "{words}\n{}", text(&output.stderr));
    }
}

/// The console blocks and files of docs/conformance.md, as a reader would use them.
#[test]
fn every_command_of_the_guide_runs() {
    let guide = include_str!("../docs/conformance.md");
    let folder = tempfile::tempdir().unwrap();
    let node = responder(folder.path(), "\n[[peer]]\nidentity = \"client.example.org\"\n");
    let block = |language: &str| {
        let (_, rest) = guide.split_once(&format!("```{language}\n")).expect("a block");
        rest.split_once("```").expect("its end").0.to_owned()
    };
    std::fs::write(folder.path().join("my.toml"), block("toml")).unwrap();
    let (mut inside, mut run) = (false, 0);
    for line in guide.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            line if inside && line.starts_with("$ proselink conform ") => {
                let typed = line.trim_start_matches("$ proselink ").replace("tcp:127.0.0.20", &node.at);
                let words: Vec<&str> = typed.split_whitespace().map(|word| word.trim_matches('\'')).collect();
                let output = proselink().args(&words).current_dir(folder.path()).output().unwrap();
                let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
                assert_eq!(output.status.code(), Some(0), "{typed}\n{said}");
                run += 1;
            }
            _ => {}
        }
    }
    assert!(run >= 5, "{run} commands");
}

/// Whoever calls the help sees what a verdict is.
#[test]
fn the_help_tells_of_verdicts_and_exit_codes() {
    let output = Command::new(env!("CARGO_BIN_EXE_proselink")).args(["conform", "--help"]).output().unwrap();
    let help = text(&output.stdout);
    for words in [
        "Verdicts: pass, fail, inconclusive",
        "Exit codes: 0 all that were run pass or are known",
        "docs/conformance.md",
    ] {
        assert!(help.contains(words), "{words}\n{help}");
    }
}
