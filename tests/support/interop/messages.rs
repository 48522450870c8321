//! What a node sends and receives, as it happens: the recorder of its capture is asked for comments, so it shows each
//! message once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proselink::avp::Avps;
use proselink::avp::dictionary::{DisconnectCause, OriginHost, ResultCode};
use proselink::message::{HEADER_LENGTH, Header, find};
use proselink::net::Recorder;
use tokio::sync::watch;
use tokio::time::timeout;

use super::PATIENCE;

/// Command codes of RFC 6733.
pub const CAPABILITIES_EXCHANGE: u32 = 257;
/// Device-Watchdog.
pub const WATCHDOG: u32 = 280;
/// Disconnect-Peer.
pub const DISCONNECT: u32 = 282;

/// A message that crossed the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Origin-Host.
    pub from: String,
    /// Command code.
    pub code: u32,
    /// A request, or an answer.
    pub request: bool,
    /// In octets.
    pub length: usize,
    /// Result-Code.
    pub result: Option<u32>,
    /// Disconnect-Cause.
    pub cause: Option<i32>,
}

/// The messages of one node, and the capture they are in.
#[derive(Debug)]
pub struct Messages {
    seen: watch::Receiver<Vec<Seen>>,
    /// Goes into the node's options.
    pub recorder: Recorder,
    /// The capture's file.
    pub capture: PathBuf,
}

impl Messages {
    /// Records into a new file.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn record(capture: &Path) -> Self {
        let (sender, seen) = watch::channel(Vec::new());
        let sender = Arc::new(sender);
        let annotate = move |message: &[u8]| {
            let seen = read(message)?;
            let comment = format!("{seen:?}");
            sender.send_modify(|list: &mut Vec<Seen>| list.push(seen));
            Some(comment)
        };
        let recorder = Recorder::create(capture, Some(Box::new(annotate))).expect("a capture");
        Self { seen, recorder, capture: capture.to_owned() }
    }

    /// All so far.
    pub fn all(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// How many there are that are meant, so far.
    pub fn count(&self, meant: impl Fn(&Seen) -> bool) -> usize {
        self.seen.borrow().iter().filter(|seen| meant(seen)).count()
    }

    /// Waits until there are `count` that are meant.
    ///
    /// # Panics
    /// When they do not come; `what` says of what.
    pub async fn come(&self, count: usize, what: &str, meant: impl Fn(&Seen) -> bool) {
        let mut seen = self.seen.clone();
        let enough = seen.wait_for(|list| list.iter().filter(|seen| meant(seen)).count() >= count);
        let came = timeout(PATIENCE, enough).await.is_ok_and(|result| result.is_ok());
        let list: Vec<String> = self.all().iter().map(|seen| format!("{seen:?}")).collect();
        assert!(came, "{what} was to be seen {count} times among\n{}", list.join("\n"));
    }
}

fn read(message: &[u8]) -> Option<Seen> {
    let header = Header::parse(message)?;
    let body = || Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
    Some(Seen {
        from: find::<OriginHost>(body()).unwrap_or_default().to_owned(),
        code: header.code,
        request: header.is_request(),
        length: message.len(),
        result: find::<ResultCode>(body()),
        cause: find::<DisconnectCause>(body()),
    })
}
