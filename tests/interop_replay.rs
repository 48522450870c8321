//! `proselink replay` against a live freeDiameter: traces of S6a, Gx, Rx and Cx are said to one that answers them
//! (`tests/freediameter/answer.c`), to one that knows no application, and through one that stands in the middle. Over TCP and
//! TLS on any machine, over the kernel's SCTP where there is one (`scripts/kernel-sctp`).
//!
//! `scripts/test interop` installs it and runs these.

#![cfg(feature = "net")]

#[path = "support/interop/mod.rs"]
mod interop;
#[path = "support/source.rs"]
mod source;
#[path = "support/traces.rs"]
mod traces;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use interop::freediameter::{self, FreeDiameter};
use interop::program::Program;
use interop::stories::RealPeer;
use interop::{built, free_port, missing_transport, name};
use proselink::net::Transport;
use serde_json::Value;
use traces::{TRACES, Trace};

const PROSELINK: &str = env!("CARGO_BIN_EXE_proselink");

/// Our dictionary as freeDiameter loads it, and the extension that answers.
fn extensions() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let sources = ["tests/freediameter/answer.c", "src/catalogue/freediameter_c.rs", "src/avp/dictionary/foreign.rs"];
    FOLDER.get_or_init(|| {
        built("freediameter-answers", &sources, &["dictionary.fdx", "answer.fdx"], |to| {
            let export = ["dict", "export", "--freediameter-c", "--all", "-o"];
            let output = Command::new(PROSELINK).args(export).arg(to.join("dictionary.c")).output().expect("it runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let answer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/freediameter/answer.c");
            for (source, extension) in [(to.join("dictionary.c"), "dictionary.fdx"), (answer, "answer.fdx")] {
                let output = Command::new("cc")
                    .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-o"])
                    .args([&to.join(extension), &source])
                    .output()
                    .expect("cc is there");
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
        })
    })
}

fn missing(transport: Transport) -> bool {
    let headers = Path::new("/usr/include/freeDiameter/extension.h");
    let no_headers =
        (!headers.exists()).then(|| format!("no {}: apt-get install libfreediameter-dev", headers.display()));
    let why = missing_transport(transport).or_else(freediameter::missing).or(no_headers);
    if let Some(why) = &why {
        println!("skipped: {why}");
    }
    why.is_some()
}

/// A freeDiameter with other extensions than that of the other stories.
async fn start(story: &str, transport: Transport, connects: Vec<(String, u16)>, more: &str) -> (FreeDiameter, Program) {
    let peer = FreeDiameter {
        identity: name("peer"),
        transport,
        port: free_port(),
        watchdog: 30,
        connects,
        admits: vec![name("a")],
        asks: Vec::new(),
        folder: interop::folder(&format!("replay-{story}-{transport}")),
    };
    peer.write();
    let file = peer.folder.join("fd.conf");
    let text = std::fs::read_to_string(&file).expect("its configuration");
    let kept: String = text.lines().filter(|line| !line.contains("purge.fdx")).fold(String::new(), |mut kept, line| {
        let _ = writeln!(kept, "{line}");
        kept
    });
    std::fs::write(&file, kept + more).expect("a file");
    let program = peer.start();
    program.says(1, "freeDiameterd daemon initialized").await;
    (peer, program)
}

/// The answering server: no relay, so that what names another host of the realm is for itself.
fn answering() -> String {
    let of = |trace: &Trace| {
        let commands: String = trace.commands.iter().map(|code| format!(":{code}")).collect();
        format!("{}{commands}", trace.application)
    };
    let served: Vec<String> = TRACES.iter().map(of).collect();
    let folder = extensions().display();
    format!(
        "NoRelay;\nLoadExtension = \"{folder}/dictionary.fdx\";\nLoadExtension = \"{folder}/answer.fdx\" : \"{}\";\n",
        served.join(",")
    )
}

/// The words that reach it.
fn reach(peer: &FreeDiameter) -> Vec<String> {
    let at = |file: &str| peer.folder.join(file).display().to_string();
    let port = peer.port;
    let mut words: Vec<String> = vec!["--peer".to_owned()];
    match peer.transport {
        Transport::Tls => {
            words.push(format!("tls:127.0.0.1:{port}"));
            for (option, file) in [("--certificate", "a.pem"), ("--key", "a.key"), ("--ca", "authority.pem")] {
                words.extend([option.to_owned(), at(file)]);
            }
        }
        Transport::KernelSctp => words.push(format!("sctp-kernel:127.0.0.1:{port}")),
        _ => words.push(format!("tcp:127.0.0.1:{port}")),
    }
    words
}

/// A replay to its end: exit code, the steps, the summary.
fn replay(trace: &Trace, folder: &Path, more: &[String]) -> (Option<i32>, Vec<Value>, String) {
    let file = folder.join(format!("{}.pcapng", trace.name));
    std::fs::write(&file, trace.capture("sctp")).expect("a capture");
    let live = folder.join(format!("{}-live.pcapng", trace.name));
    let mut command = Command::new(PROSELINK);
    command.arg("replay").arg(&file).args(["--json", "-w"]).arg(&live).args(more);
    let Output { status, stdout, stderr } = command.output().expect("proselink runs");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let told: Vec<Value> = String::from_utf8_lossy(&stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{said}")))
        .collect();
    let steps: Vec<Value> = told.into_iter().filter(|line| line["type"] == "step").collect();
    assert_eq!(steps.len(), trace.requests(), "{}: it runs to its end\n{said}", trace.name);
    (status.code(), steps, said)
}

/// What was recorded is judged by `verify`: nothing is found but what contains these words, and that in so many answers.
fn judge(trace: &Trace, folder: &Path, but: &str, in_answers: usize) {
    let live = folder.join(format!("{}-live.pcapng", trace.name));
    let output = Command::new(PROSELINK).arg("verify").arg(&live).output().expect("proselink runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let found: Vec<&str> = said.lines().filter(|line| line.contains(": error: ")).collect();
    assert_eq!(found.len(), in_answers, "{}: {said}", trace.name);
    assert!(found.iter().all(|line| line.contains(but)), "{}: {said}", trace.name);
    assert_eq!(output.status.success(), in_answers == 0, "{}: {said}", trace.name);
}

/// What an answer of the extension lacks of the captured one: what only an application could put there.
fn lacking(command: u64) -> &'static [&'static str] {
    match command {
        318 => &["Authentication-Info missing"],
        316 => &["ULA-Flags missing", "Subscription-Data missing"],
        321 => &["Vendor-Specific-Application-Id missing"],
        265 => &["IP-CAN-Type missing", "RAT-Type missing"],
        // The extension repeats it, the captured server did not.
        275 => &["Auth-Application-Id added"],
        // A first registration has a result of its own.
        300 => &[
            "Vendor-Specific-Application-Id missing",
            "Experimental-Result missing",
            "Result-Code added",
            "Server-Name missing",
        ],
        303 => &[
            "Vendor-Specific-Application-Id missing",
            "User-Name missing",
            "Public-Identity missing",
            "SIP-Number-Auth-Items missing",
            "SIP-Auth-Data-Item missing",
        ],
        301 => &["Vendor-Specific-Application-Id missing", "User-Name missing", "User-Data missing"],
        302 => &["Vendor-Specific-Application-Id missing", "Server-Name missing"],
        _ => &[],
    }
}

/// Each request is answered with success by a real server, and differs from the captured answer by what is named above.
async fn answered(transport: Transport) {
    if missing(transport) {
        return;
    }
    let (peer, program) = start("answers", transport, Vec::new(), &answering()).await;
    for trace in &TRACES {
        let (code, steps, said) = replay(trace, &peer.folder, &reach(&peer));
        let mut lacks = 0;
        for step in &steps {
            assert_eq!(step["actual"], 2001, "{}: {step}", trace.name);
            let differences = step["differences"].as_array().expect("a list");
            let mut found: Vec<String> = differences
                .iter()
                .map(|one| format!("{} {}", one["path"].as_str().unwrap_or(""), one["kind"].as_str().unwrap_or("")))
                .collect();
            let command = step["code"].as_u64().expect("a code");
            // The rules of the first credit control alone.
            let rules = ["QoS-Information missing"];
            let first = command == 272 && step["frame"] == steps[0]["frame"];
            let mut wanted = if first { rules.to_vec() } else { lacking(command).to_vec() };
            found.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{}: {step}", trace.name);
            lacks += wanted.len();
        }
        assert_eq!(code, Some(i32::from(lacks > 0)), "{said}");
        judge(trace, &peer.folder, "", 0);
        println!("{} over {transport}: {} requests, {lacks} differences, all expected", trace.name, steps.len());
    }
    for trace in &TRACES {
        for command in trace.commands.iter().filter(|code| **code != 258) {
            program.says(1, &format!("answer: command {command} of application {}", trace.application)).await;
        }
    }
}

/// One that knows no application relays by default, and has nobody to relay to: 3002 to every request.
async fn refused(transport: Transport) {
    if missing(transport) {
        return;
    }
    let (peer, _program) = start("refuses", transport, Vec::new(), "").await;
    for trace in &TRACES {
        let (code, steps, said) = replay(trace, &peer.folder, &reach(&peer));
        assert_eq!(code, Some(1), "{said}");
        for step in &steps {
            // What names its host is for itself, and it has no such application.
            let to_host = [318, 316, 321, 275, 303, 301].contains(&step["code"].as_u64().unwrap_or(0))
                || step["code"] == 272 && step["frame"] != steps[0]["frame"];
            assert_eq!(step["actual"], if to_host { 3007 } else { 3002 }, "{}: {step}", trace.name);
        }
        // RFC 6733 section 6.2 has the P bit of the request in the answer; freeDiameter clears it in errors.
        judge(trace, &peer.folder, "the P bit is 0", steps.len());
    }
}

/// Both ends of the capture are ours and freeDiameter relays between them: every answer is the captured one.
async fn relayed(transport: Transport) {
    if missing(transport) {
        return;
    }
    let listen = if transport == Transport::KernelSctp { "sctp-kernel" } else { "tcp" };
    for trace in &TRACES {
        // Another one each time: whom we tell that we do not want to talk to him does not come back.
        let port = free_port();
        let (peer, _program) = start("relays", transport, vec![(name("b"), port)], "").await;
        let mut words = reach(&peer);
        words.extend(["--as", "both", "--timeout", "60s", "--listen"].map(str::to_owned));
        words.push(format!("{listen}:127.0.0.1:{port}"));
        let file = peer.folder.join(format!("{}.pcapng", trace.name));
        std::fs::write(&file, trace.capture("tcp")).expect("a capture");
        let mut command = Command::new(PROSELINK);
        command.arg("replay").arg(&file).arg("--json").args(&words);
        let output = command.output().expect("proselink runs");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{}: {said}", trace.name);
        let told: Vec<Value> = said
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|one: &Value| one["type"] == "step")
            .collect();
        let of = |outcome: &str| told.iter().filter(|step| step["outcome"] == outcome).count();
        assert_eq!((of("same"), of("asked")), (trace.requests(), trace.requests()), "{}: {said}", trace.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_freediameter_answers_every_request() {
    answered(Transport::Tcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tls_freediameter_answers_every_request() {
    answered(Transport::Tls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn kernel_sctp_freediameter_answers_every_request() {
    answered(Transport::KernelSctp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_freediameter_without_the_applications_refuses_every_request() {
    refused(Transport::Tcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn tcp_both_ends_with_freediameter_in_the_middle() {
    relayed(Transport::Tcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/test interop"]
async fn kernel_sctp_both_ends_with_freediameter_in_the_middle() {
    relayed(Transport::KernelSctp).await;
}
