//! Looking into a running node through a Unix socket that only its owner can open.
//!
//! A visitor sends one line, a JSON object, and gets lines of JSON back; the last one is `{"end": ...}` or
//! `{"error": "..."}`, so that an answer that was cut off is known as such.
//!
//! ```text
//! {"ask":"peers"}                              {"peer":"hss.example","state":"I-Open","usable":true}
//!                                              {"end":{"node":"function.example","shown":1,"total":1}}
//! {"ask":"ues","limit":2}                      {"imsi":"00101**********","id1":"00f110...",...}
//! {"ask":"ue","ue":"001010000000001"}          {"imsi":"00101**********","msisdn":"49*********",...}
//! {"ask":"moves"}                              {"direction":"in","imsi":"00101**********",...}
//! {"ask":"revoke","ue":"00f1100000000001"}     what the function did, and whether it is durable
//! {"ask":"deregister","ue":"001010000000001"}  likewise
//! {"ask":"begin","wish":{"begin":"locate",...}}  {"begun":true}, or {"procedure":1,"news":[...]}
//! {"ask":"news","procedure":1}                 {"procedure":1,"news":[...]}: what has come of it since
//! {"ask":"export"}                             the store as `proselink store export` writes it, as of one moment
//! ```
//! IMSI and MSISDN are masked unless `"clear":true` is asked for; an export is whole, and ends with its own last line. Contexts are read beside the node's task, a page at a
//! time, so that no question holds up a registration. `socket.rs` makes the socket, `question.rs` judges a line,
//! `answer.rs` answers it, `view.rs` says what of a context is shown.

mod answer;
mod question;
mod socket;
mod view;

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::WriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::PeerView;
use crate::registration::{self, NoReply};
use crate::store::ContextReader;
use crate::store::embedded::TransferError;

pub use question::{MOST_SHOWN, Question};

/// Visitors at a time; more wait.
const MOST_VISITORS: usize = 8;

/// Octets of a question.
const MOST_QUESTION: u64 = 4096;

/// How long a visitor may take to ask.
const ASKING: Duration = Duration::from_secs(5);

/// How long a visitor may take to read on.
const READING: Duration = Duration::from_secs(10);

/// How long an answer may take.
const LIFE: Duration = Duration::from_secs(120);

/// How long an export may take.
const LIFE_OF_EXPORT: Duration = Duration::from_secs(3600);

/// Parts of an answer, each a page, that are made before the visitor has read the first.
const AHEAD: usize = 4;

/// Contexts as the desk reads them.
pub type Contexts = Arc<dyn ContextReader + Send + Sync>;

/// Writes the whole store as text, as of one moment, while the node goes on.
pub type Export = Arc<dyn Fn(&mut dyn io::Write) -> Result<(), TransferError> + Send + Sync>;

/// Asks the element in the node's task: [`Element::operate`](registration::Element::operate).
pub type Operate = Arc<dyn Fn(registration::Inquiry) -> Reply + Send + Sync>;

/// What the element says, once its turn has come.
pub type Reply = Pin<Box<dyn Future<Output = Result<serde_json::Value, NoReply>> + Send>>;

/// What a visitor may look at.
#[derive(Clone)]
pub struct Desk {
    /// Origin-Host of the node.
    pub identity: String,
    /// What it plays, as its section is called: `function`, `mme`.
    pub role: &'static str,
    /// Its peers.
    pub peers: watch::Receiver<Vec<PeerView>>,
    /// The UE contexts; only a function has them.
    pub contexts: Option<Contexts>,
    /// The store of a function or an app server, for a backup.
    pub export: Option<Export>,
    /// The element.
    pub operate: Operate,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("identity", &self.identity).field("role", &self.role).finish_non_exhaustive()
    }
}

/// Why there is no admin socket.
#[derive(Debug, Error)]
pub enum AdminError {
    /// Another process answers at the path.
    #[error("the admin socket {} is in use: another node runs with it; give this one a path of its own", .path.display())]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// Something else has the name.
    #[error("{} is there and no socket; the admin socket takes no file's place, choose another path", .path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The system did not make it as private as it must be.
    #[error("the admin socket {} would be open to others (mode {mode:o}); it is not used", .path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// Permission bits.
        mode: u32,
    },
    /// The system refuses.
    #[error("the admin socket {}: {reason}", .path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
}

/// Answers visitors until it is dropped; then the socket is gone.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    stamp: socket::Stamp,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens at `path`. A socket that a dead process has left there is replaced. Within a tokio runtime.
    ///
    /// # Errors
    /// The path is taken or cannot be used.
    pub fn start(path: &Path, desk: Desk) -> Result<Self, AdminError> {
        let (listener, stamp) = socket::listen(path)?;
        let io = |reason| AdminError::Io { path: path.to_owned(), reason };
        let listener = UnixListener::from_std(listener).map_err(io)?;
        let owner = stamp.owner();
        let task = tokio::spawn(attend(listener, owner, desk));
        Ok(Self { path: path.to_owned(), stamp, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        // Only our own: a node that was started meanwhile may have put another there.
        if socket::Stamp::of(&self.path).is_ok_and(|now| now == self.stamp) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

async fn attend(listener: UnixListener, owner: u32, desk: Desk) {
    let places = Arc::new(Semaphore::new(MOST_VISITORS));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = desk.clone();
                tokio::spawn(async move {
                    visit(stream, owner, desk).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accepting a visitor of the admin socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// One question, one answer. A visitor that goes away or reads nothing is no error of the node.
async fn visit(mut stream: UnixStream, owner: u32, desk: Desk) {
    const ROOT: u32 = 0;
    let visitor = stream.peer_cred().map(|credentials| credentials.uid());
    // The permissions keep others out already, but not one who was handed the open socket.
    if !visitor.as_ref().is_ok_and(|uid| *uid == owner || *uid == ROOT) {
        tracing::warn!(?visitor, "a visitor of the admin socket is not its owner");
        return;
    }
    let (reading, mut writing) = stream.split();
    let mut line = Vec::new();
    let mut reading = BufReader::new(reading.take(MOST_QUESTION));
    let question = match timeout(ASKING, reading.read_until(b'\n', &mut line)).await {
        Ok(Ok(_)) if line.last() == Some(&b'\n') => Question::parse(&line),
        Ok(Ok(octets)) if octets as u64 >= MOST_QUESTION => {
            Err(format!("a question is one line of at most {MOST_QUESTION} octets"))
        }
        Ok(Ok(_)) => Err("a question is one line: a JSON object, then a line feed".to_owned()),
        Ok(Err(_)) | Err(_) => return,
    };
    let question = match question {
        Ok(question) => question,
        Err(words) => {
            let _ = timeout(READING, writing.write_all(&answer::error(&words))).await;
            return;
        }
    };
    tracing::info!(node = %desk.identity, asks = question.name(), clear = question.clear, "admin socket");
    let life = if question.ask == question::Ask::Export { LIFE_OF_EXPORT } else { LIFE };
    let _ = timeout(life, answer_in_pages(writing, desk, question)).await;
}

async fn answer_in_pages(mut writing: WriteHalf<'_>, desk: Desk, question: Question) {
    let (pages, mut answer) = mpsc::channel::<Vec<u8>>(AHEAD);
    // Reading contexts waits for the disk, so not in a task. It ends when nobody takes its pages.
    let work =
        tokio::task::spawn_blocking(move || answer::give(&desk, &question, |page| pages.blocking_send(page).is_ok()));
    while let Some(page) = answer.recv().await {
        if !matches!(timeout(READING, writing.write_all(&page)).await, Ok(Ok(()))) {
            break;
        }
    }
    drop(answer);
    let _ = work.await;
    let _ = writing.shutdown().await;
}

#[cfg(test)]
mod tests;
