//! Each message that a party sends or receives, as one line.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli::demo::describe::{Described, describe};
use crate::message::Header;
use crate::node::{Observation, Observer};

/// Lines that wait to be written; when standard output takes no more, further ones are counted only.
const MOST_WAITING: usize = 4096;

/// A message as it is told.
struct Line {
    at: Duration,
    from: String,
    to: String,
    sent: bool,
    request: bool,
    message: Described,
    /// Hop-by-Hop and End-to-End identifiers.
    identifiers: (u32, u32),
}

/// The writer of the lines. Nodes must not wait for standard output, so it has a thread.
pub struct Lines {
    queue: SyncSender<Option<Line>>,
    lost: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Lines {
    /// Begins to write.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(json: bool) -> std::io::Result<Self> {
        let (queue, lines) = sync_channel(MOST_WAITING);
        let thread = std::thread::Builder::new().name("lines".to_owned()).spawn(move || write(&lines, json))?;
        Ok(Self { queue, lost: Arc::default(), thread })
    }

    /// For nodes. What one of `own` gets from another one of them is told once, as sent.
    pub fn observer(&self, own: Vec<String>) -> Observer {
        let (queue, lost, begun) = (self.queue.clone(), Arc::clone(&self.lost), Instant::now());
        Arc::new(move |node, observation| {
            let (peer, sent, header, message) = match observation {
                Observation::Sent { to, header, message } => (*to, true, *header, *message),
                Observation::Received { from, header, message } if !own.iter().any(|own| own == from) => {
                    (*from, false, *header, *message)
                }
                Observation::Report(report) if report.failure => {
                    tracing::warn!(%node, step = report.step, "{}", report.text);
                    return;
                }
                Observation::Report(report) => {
                    tracing::info!(%node, step = report.step, "{}", report.text);
                    return;
                }
                Observation::Received { .. } | Observation::Answered { .. } => return,
            };
            let Some(line) = Line::new(begun.elapsed(), node, peer, sent, header, message) else { return };
            if queue.try_send(Some(line)).is_err() {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        })
    }

    /// Ends once everything told so far is written.
    pub fn finish(self) {
        let _ = self.queue.send(None);
        let _ = self.thread.join();
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 {
            eprintln!("proselink: {lost} messages are not shown: standard output did not take them in time");
        }
    }
}

impl Line {
    fn new(at: Duration, node: &str, peer: &str, sent: bool, header: &Header, message: &[u8]) -> Option<Self> {
        let message = describe(message)?;
        let (from, to) = if sent { (node, peer) } else { (peer, node) };
        Some(Self {
            at,
            from: from.to_owned(),
            to: to.to_owned(),
            sent,
            request: header.is_request(),
            message,
            identifiers: (header.hop_by_hop, header.end_to_end),
        })
    }

    fn text(&self) -> String {
        let (from, to) = (short(&self.from), short(&self.to));
        let (label, carried) = (self.message.label(), &self.message.identifiers);
        format!("{:>8.3} s  {from:>12} -> {to:<12} {label:<12} {carried}", self.at.as_secs_f64()).trim_end().to_owned()
    }

    fn json(&self) -> String {
        json!({
            "v": 1,
            "at": self.at.as_secs_f64(),
            "direction": if self.sent { "sent" } else { "received" },
            "from": self.from,
            "to": self.to,
            "message": self.message.number,
            "command": self.message.abbreviation,
            "reference_point": self.message.reference_point,
            "request": self.request,
            "refused": self.message.refused,
            "carries": self.message.identifiers,
            "hop_by_hop": self.identifiers.0,
            "end_to_end": self.identifiers.1,
        })
        .to_string()
    }
}

fn write(lines: &Receiver<Option<Line>>, json: bool) {
    while let Ok(Some(line)) = lines.recv() {
        let text = if json { line.json() } else { line.text() };
        let mut stdout = std::io::stdout().lock();
        // A reader that has gone is no failure, and the messages go on without it.
        let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }
}

/// A host without its realm.
fn short(host: &str) -> &str {
    host.split('.').next().unwrap_or(host)
}
