//! A network of single nodes for tests of the command line: processes at addresses of the test's own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub const PROSELINK: &str = env!("CARGO_BIN_EXE_proselink");
pub const REALM: &str = "epc.mnc001.mcc001.3gppnetwork.org";
pub const APPLICATION: &str = "mcc001.mnc01.ProSeApp.Demo";
pub const IMSI: &str = "001010000000001";

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder and a part of loopback that no other test has.
pub struct Lab {
    pub folder: tempfile::TempDir,
    net: String,
}

impl Lab {
    pub fn new() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let process = std::process::id();
        let net = format!(
            "127.{}.{}",
            2 + process % 60,
            (process / 60 % 25) * 10 + u32::from(NEXT.fetch_add(1, Ordering::Relaxed))
        );
        Self { folder: tempfile::tempdir().unwrap(), net }
    }

    pub fn address(&self, last: u8) -> String {
        format!("{}.{last}", self.net)
    }

    /// The function of this lab, as an option names it.
    pub fn function(&self, transport: &str) -> String {
        format!("function.{REALM}@{transport}:{}", self.address(14))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The configuration of a function that asks the HSS at .13 and knows an MME at .12 and an app server at .15.
    pub fn function_configuration(&self, transport: &str, more: &str) -> PathBuf {
        let text = format!(
            "identity = \"function.{REALM}\"\nrealm = \"{REALM}\"\nlisten = [\"{transport}:{own}\"]\ntc = 0.2\n\
             store = \"function.redb\"\nadmin = \"function.sock\"\n{more}\n\
             [[peer]]\nidentity = \"mme.{REALM}\"\n\
             [[peer]]\nidentity = \"hss.{REALM}\"\nconnect_to = \"{transport}:{hss}\"\n\
             [[peer]]\nidentity = \"app-server.{REALM}\"\n\
             [function]\nplmn = \"001-01\"\nallocator = 0\nnetwork_key = \"30313233343536373839616263646566\"\n\
             mmes = [\"mme.{REALM}\"]\n\
             [function.hss]\nhost = \"hss.{REALM}\"\nrealm = \"{REALM}\"\n\
             [[function.app_servers]]\nhost = \"app-server.{REALM}\"\nrealm = \"{REALM}\"\n\
             applications = [\"{APPLICATION}\"]\n",
            own = self.address(14),
            hss = self.address(13),
        );
        self.write("function.toml", &text)
    }
}

/// A node in a process of its own.
pub struct Node {
    child: Child,
    stdout: Receiver<String>,
    said: Vec<String>,
}

impl Node {
    /// Starts `proselink` with these words.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(PROSELINK)
            .args(arguments)
            .env_remove("PROSELINK_LOG")
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, stdout) = channel();
        let stream = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, stdout, said: Vec::new() }
    }

    /// Waits for a line on standard output with these words.
    pub fn says(&mut self, words: &str) -> String {
        loop {
            let line = self.stdout.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("\"{words}\" was never said, but:\n{}", self.said.join("\n")));
            self.said.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end, and gives the exit code and all lines.
    pub fn end(&mut self) -> (Option<i32>, Vec<String>) {
        let code = self.child.wait().unwrap().code();
        self.said.extend(self.stdout.iter());
        (code, std::mem::take(&mut self.said))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `proselink` to its end.
pub fn proselink(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROSELINK);
    command.args(arguments).env_remove("PROSELINK_LOG").stdin(Stdio::null()).output().unwrap()
}

pub fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap()
}

/// Both outputs, for a message of a test.
pub fn both(output: &Output) -> String {
    format!("{:?}\n{}\n{}", output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The words of a path.
pub fn word(path: &Path) -> &str {
    path.to_str().unwrap()
}
