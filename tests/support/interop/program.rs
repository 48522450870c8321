//! A process of a peer.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use tokio::sync::watch;
use tokio::time::timeout;

use super::PATIENCE;

/// A running program whose lines are read. It is killed when dropped, and by the kernel when this process dies.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: watch::Receiver<Vec<String>>,
}

impl Program {
    /// Starts it. Its output and errors are kept, and written to the file `log` too.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(name: &str, command: &Command, log: &Path) -> Self {
        // The kernel ends it with the thread that starts it: that of the test.
        let mut with_end = Command::new("setpriv");
        with_end.args(["--pdeathsig", "KILL"]).arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            with_end.current_dir(folder);
        }
        let mut child = with_end
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        let (sender, lines) = watch::channel(Vec::new());
        let sender = Arc::new(sender);
        let file = Arc::new(std::fs::OpenOptions::new().create(true).append(true).open(log).expect("a log file"));
        let streams: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("piped")), Box::new(child.stderr.take().expect("piped"))];
        for stream in streams {
            let (sender, file) = (Arc::clone(&sender), Arc::clone(&file));
            thread::spawn(move || {
                for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    let _ = writeln!(&*file, "{line}");
                    sender.send_modify(|lines| lines.push(line));
                }
            });
        }
        let input = child.stdin.take();
        Self { name: name.to_owned(), child, input, lines }
    }

    /// Its lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// Waits for `count` lines that contain `words`.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn says(&self, count: usize, words: &str) {
        let mut lines = self.lines.clone();
        let said = lines.wait_for(|lines| lines.iter().filter(|line| line.contains(words)).count() >= count);
        let came = timeout(PATIENCE, said).await.is_ok_and(|result| result.is_ok());
        assert!(came, "{} has not said {words:?} {count} times:\n{}", self.name, self.lines().join("\n"));
    }

    /// Waits until it has closed its output, as it does at its end.
    pub async fn falls_silent(&self) {
        let mut lines = self.lines.clone();
        while lines.changed().await.is_ok() {}
    }

    /// Writes a line to its standard input.
    ///
    /// # Panics
    /// When it takes none any more.
    pub fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        writeln!(input, "{line}").and_then(|()| input.flush()).expect("it reads its input");
    }

    /// Sends it a signal, e.g. `TERM`.
    ///
    /// # Panics
    /// When it is gone already.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "{} cannot be sent SIG{signal}", self.name);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it goes on.
    pub async fn ended(mut self) -> ExitStatus {
        let (name, lines, process) = (self.name.clone(), self.lines.clone(), self.child.id().to_string());
        let wait = tokio::task::spawn_blocking(move || self.child.wait());
        if let Ok(status) = timeout(PATIENCE, wait).await {
            return status.expect("the waiting thread ends").expect("it can be waited for");
        }
        let _ = Command::new("kill").args(["-s", "KILL", &process]).status();
        panic!("{name} goes on:\n{}", lines.borrow().join("\n"))
    }

    /// Ends it with SIGKILL, as a crash would.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
