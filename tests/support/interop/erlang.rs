//! Erlang/OTP's diameter: our program for it (`tests/erlang/`), compiled and started.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use proselink::net::Transport;

use super::program::Program;
use super::stories::RealPeer;
use super::{built, is_installed, name};

/// How many octets the program's requests carry, one request each.
pub const SIZES: [usize; 3] = [100, 5_000, 60_000];

/// Disconnect-Cause of a service that is stopped.
const REBOOTING: i32 = 0;

/// What is missing here, or nothing.
pub fn missing() -> Option<String> {
    let all = ["erl", "erlc", "diameterc"].into_iter().all(is_installed);
    (!all).then(|| "Erlang is not installed: apt-get install erlang-base erlang-dev erlang-diameter".to_owned())
}

/// A peer made of it.
#[derive(Clone, Debug)]
pub struct Erlang {
    /// TCP or the kernel's SCTP.
    pub transport: Transport,
    /// Where it listens, at 127.0.0.1.
    pub port: u16,
    /// Where it connects to, at 127.0.0.1.
    pub peer_port: u16,
    /// Tw in seconds.
    pub watchdog: u32,
    /// Where its log is.
    pub folder: PathBuf,
}

impl RealPeer for Erlang {
    fn start(&self) -> Program {
        let mut command = Command::new("erl");
        command.args(["-noshell", "-run", "purge", "main", "-extra", &name("peer")]);
        command.arg(if self.transport == Transport::Tcp { "tcp" } else { "sctp" });
        command.args([self.port.to_string(), self.peer_port.to_string(), self.watchdog.to_string()]);
        command.args([name("a"), name("b")]).current_dir(compiled());
        Program::start("Erlang", &command, &self.folder.join("erlang.log"))
    }

    fn make_it_ask(&self, program: &mut Program) -> &'static [usize] {
        program.tell("ask");
        &SIZES
    }

    fn answered(&self, host: &str, octets: usize) -> String {
        format!("purge: {host} answered 2001, {octets} octets")
    }

    fn takes_requests(&self, host: &str) -> Option<String> {
        // What comes before its watchdog is in OKAY it throws away, RFC 3539 section 3.4, a moment after its CEA too.
        Some(format!("purge: {host} is up"))
    }

    fn stop(&self, program: &mut Program) {
        program.tell("stop");
    }

    fn cause(&self) -> i32 {
        REBOOTING
    }

    fn relays(&self) -> bool {
        false
    }
}

/// The folder of the compiled program.
fn compiled() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let sources = ["tests/erlang/s6a.dia", "tests/erlang/purge.erl"];
    FOLDER.get_or_init(|| {
        built("erlang", &sources, &["s6a.beam", "purge.beam"], |to| {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/erlang");
            let run = |program: &str, file: PathBuf| {
                let output = Command::new(program).arg(file).current_dir(to).output();
                let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
                let said = [output.stdout, output.stderr].concat();
                assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&said));
            };
            run("diameterc", source.join("s6a.dia"));
            run("erlc", to.join("s6a.erl"));
            run("erlc", source.join("purge.erl"));
        })
    })
}
