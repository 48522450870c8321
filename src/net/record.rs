//! Records what crosses the transports into one capture, each packet exactly once.
//!
//! - A packet of embedded SCTP, over UDP or IP, is recorded as it is, when it is sent; one that came in is recorded only when its sender
//!   is not recorded here too. So several elements in one process share a recorder and no packet is there twice, and an
//!   element alone records both directions. It is recorded before it leaves, so causes stand before effects.
//! - TCP and the kernel's SCTP show messages, not packets: a conversation is made up around them, from handshake to
//!   teardown, by the same rule.
//! - Over TLS the messages are recorded as this node reads and writes them, in the clear, as a TCP conversation. Port 5868
//!   stands there as 3868, because readers take 5868 for TLS, and a comment at each message tells what protected it.
//!
//! Blocks are made in memory under a short lock; a thread writes them to the file. When the file cannot keep up the
//! recorder waits rather than lose a packet. Dropping the last handle writes the rest.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use super::sctp::edge::chunk;
use super::{Backend, DIAMETER_PORT, DIAMETER_TLS_PORT};
use crate::capture::write::{self, CaptureWriter, Data, Direction, SctpConversation, TcpConversation, WriteError};

/// Says something about a message for the packet's comment. Of a message that needs several packets it sees the first
/// part only.
pub type Annotate = dyn Fn(&[u8]) -> Option<String> + Send + Sync;

/// A handle to a recorder; clones record into the same capture.
#[derive(Clone)]
pub struct Recorder {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to write, or the end has come.
    work: Condvar,
    /// There is room again.
    room: Condvar,
    annotate: Option<Box<Annotate>>,
}

struct State {
    capture: CaptureWriter<Vec<u8>>,
    frame: Vec<u8>,
    /// The time of the last packet, so that time never runs backwards in the file.
    last: u64,
    locals: HashSet<SocketAddr>,
    conversations: HashMap<(SocketAddr, SocketAddr), Conversation>,
    closed: bool,
    failure: Option<String>,
}

struct Conversation {
    kind: Kind,
    /// Ends of it that are recorded here and open.
    ends: u8,
    seen: u8,
    closed: bool,
}

enum Kind {
    Sctp(SctpConversation),
    Tcp(TcpConversation),
}

/// Octets in memory beyond which recording waits for the file.
const AHEAD: usize = 16 << 20;

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recorder {
    /// Records into a new file; one that exists is replaced.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: &Path, annotate: Option<Box<Annotate>>) -> Result<Self, WriteError> {
        Self::new(std::fs::File::create(path)?, annotate)
    }

    /// Records into a writer; it is written to in large pieces.
    ///
    /// # Errors
    /// When its thread cannot be started.
    pub fn new(mut writer: impl Write + Send + 'static, annotate: Option<Box<Annotate>>) -> Result<Self, WriteError> {
        let capture = CaptureWriter::new(Vec::with_capacity(1 << 16), "proselink")?;
        let state = State {
            capture,
            frame: Vec::new(),
            last: 0,
            locals: HashSet::new(),
            conversations: HashMap::new(),
            closed: false,
            failure: None,
        };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), work: Condvar::new(), room: Condvar::new(), annotate });
        let of_thread = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("recorder".to_owned()).spawn(move || of_thread.write_out(&mut writer))?;
        Ok(Self { handle: Arc::new(Handle { shared, thread: Mutex::new(Some(thread)) }) })
    }

    /// Writes what is left and ends the recording; what comes later is not recorded. Answers the number of packets.
    ///
    /// # Errors
    /// When the file could not be written.
    pub fn finish(&self) -> Result<u64, WriteError> {
        self.handle.finish();
        let state = self.handle.shared.lock();
        match &state.failure {
            Some(failure) => Err(std::io::Error::other(failure.clone()).into()),
            None => Ok(state.capture.packets()),
        }
    }

    /// How many packets have been recorded so far.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.handle.shared.lock().capture.packets()
    }

    /// Says that `local` is recorded here, so that what it sends is not recorded again where it comes in.
    pub(crate) fn register(&self, local: SocketAddr) {
        self.handle.shared.lock().locals.insert(local);
    }

    /// An SCTP packet of the embedded stack is about to leave; the addresses are those underneath.
    pub(crate) fn packet_sent(&self, backend: Backend, local: SocketAddr, remote: SocketAddr, packet: &[u8]) {
        let comment = self.comment(packet);
        let mut state = self.handle.shared.wait_for_room();
        state.packet(backend, local, remote, packet, comment.as_deref());
        drop(state);
        self.handle.shared.work.notify_one();
    }

    /// An SCTP packet has come in.
    pub(crate) fn packet_received(&self, backend: Backend, remote: SocketAddr, local: SocketAddr, packet: &[u8]) {
        if self.handle.shared.lock().locals.contains(&remote) {
            return;
        }
        self.packet_sent(backend, remote, local, packet);
    }

    /// A connection of the kernel's is up. `client`: this end opened it.
    pub(crate) fn opened(&self, backend: Backend, local: SocketAddr, remote: SocketAddr, client: bool) -> Track {
        let key = if client { (local, remote) } else { (remote, local) };
        let mut guard = self.handle.shared.wait_for_room();
        let state = &mut *guard;
        state.locals.insert(local);
        let mut conversation = state.conversations.remove(&key).unwrap_or_else(|| {
            let seed = now_ns();
            let mut kind = match backend {
                Backend::Tcp => Kind::Tcp(TcpConversation::new(key.0, key.1, seed)),
                Backend::Tls => Kind::Tcp(TcpConversation::new(key.0, in_clear(key.1), seed)),
                Backend::KernelSctp | Backend::EmbeddedSctp | Backend::EmbeddedSctpIp => {
                    Kind::Sctp(SctpConversation::new(key.0, key.1, None, seed))
                }
            };
            let result = state.emit(|emit| match &mut kind {
                Kind::Tcp(conversation) => conversation.open(emit),
                Kind::Sctp(conversation) => conversation.open(emit),
            });
            state.note(result);
            Conversation { kind, ends: 0, seen: 0, closed: false }
        });
        conversation.ends += 1;
        conversation.seen += 1;
        state.conversations.insert(key, conversation);
        drop(guard);
        self.handle.shared.work.notify_one();
        let direction = if client { Direction::ToServer } else { Direction::ToClient };
        Track { recorder: self.clone(), key, remote, direction, protected: backend == Backend::Tls, open: true }
    }

    /// What the annotator says about the messages that begin in an SCTP packet.
    fn comment(&self, packet: &[u8]) -> Option<String> {
        let annotate = self.handle.shared.annotate.as_ref()?;
        let mut words: Option<String> = None;
        let mut rest = packet.get(12..).unwrap_or_default();
        while let [kind, flags, high, low, ..] = *rest {
            let length = usize::from(u16::from_be_bytes([high, low]));
            let Some(chunk) = rest.get(..length.max(4)) else { break };
            if kind == chunk::DATA && flags & Data::BEGIN != 0 {
                let said = chunk.get(16..).and_then(annotate);
                words = match (words, said) {
                    (Some(words), Some(said)) => Some(words + "; " + &said),
                    (words, said) => words.or(said),
                };
            }
            rest = rest.get(length.max(4).next_multiple_of(4)..).unwrap_or_default();
        }
        words
    }
}

/// One end of a made-up conversation; dropping it closes it.
#[derive(Debug)]
pub(crate) struct Track {
    recorder: Recorder,
    key: (SocketAddr, SocketAddr),
    remote: SocketAddr,
    /// The way from this end.
    direction: Direction,
    /// By TLS.
    protected: bool,
    open: bool,
}

impl Track {
    /// A message is about to leave.
    pub(crate) fn sent(&self, bytes: &[u8], stream: u16, ppid: u32) {
        self.message(self.direction, bytes, stream, ppid);
    }

    /// A message has come in.
    pub(crate) fn received(&self, bytes: &[u8], stream: u16, ppid: u32) {
        if !self.recorder.handle.shared.lock().locals.contains(&self.remote) {
            self.message(self.direction.reverse(), bytes, stream, ppid);
        }
    }

    /// The connection ends; `by_us`: this end began it; `abort`: not gracefully.
    pub(crate) fn closed(mut self, by_us: bool, abort: bool) {
        self.close(by_us, abort);
    }

    fn message(&self, direction: Direction, bytes: &[u8], stream: u16, ppid: u32) {
        let shared = &self.recorder.handle.shared;
        let mut comment = shared.annotate.as_ref().and_then(|annotate| annotate(bytes));
        if self.protected {
            let words = format!("protected by TLS on port {}", self.key.1.port());
            comment = Some(comment.map_or_else(|| words.clone(), |comment| format!("{comment}; {words}")));
        }
        let message = write::Message { direction, bytes, ppid, stream, comment: comment.as_deref() };
        let mut guard = shared.wait_for_room();
        let state = &mut *guard;
        if let Some(mut conversation) = state.conversations.remove(&self.key) {
            if !conversation.closed {
                let result = state.emit(|emit| match &mut conversation.kind {
                    Kind::Tcp(conversation) => conversation.message(&message, emit),
                    Kind::Sctp(conversation) => conversation.message(&message, emit),
                });
                state.note(result);
            }
            state.conversations.insert(self.key, conversation);
        }
        drop(guard);
        shared.work.notify_one();
    }

    fn close(&mut self, by_us: bool, abort: bool) {
        if !std::mem::replace(&mut self.open, false) {
            return;
        }
        let direction = if by_us { self.direction } else { self.direction.reverse() };
        let shared = &self.recorder.handle.shared;
        let mut guard = shared.wait_for_room();
        let state = &mut *guard;
        if let Some(mut conversation) = state.conversations.remove(&self.key) {
            if !std::mem::replace(&mut conversation.closed, true) {
                let result = state.emit(|emit| match (&mut conversation.kind, abort) {
                    (Kind::Tcp(conversation), false) => conversation.close(direction, emit),
                    (Kind::Sctp(conversation), false) => conversation.close(direction, emit),
                    (Kind::Tcp(conversation), true) => conversation.abort(direction, emit),
                    (Kind::Sctp(conversation), true) => conversation.abort(direction, emit),
                });
                state.note(result);
            }
            conversation.ends = conversation.ends.saturating_sub(1);
            // The other end may be of this process and not have been seen yet: it must not begin a second conversation.
            let awaited = conversation.seen < 2 && state.locals.contains(&self.remote);
            if conversation.ends > 0 || awaited {
                state.conversations.insert(self.key, conversation);
            }
        }
        drop(guard);
        shared.work.notify_one();
    }
}

/// The port that readers of captures take for Diameter in the clear.
fn in_clear(mut server: SocketAddr) -> SocketAddr {
    if server.port() == DIAMETER_TLS_PORT {
        server.set_port(DIAMETER_PORT);
    }
    server
}

impl Drop for Track {
    fn drop(&mut self) {
        self.close(true, true);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for_room(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        while state.capture.get_mut().len() > AHEAD && !state.closed {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    fn write_out(&self, writer: &mut impl Write) {
        let mut full = Vec::new();
        loop {
            let mut state = self.lock();
            while state.capture.get_mut().is_empty() && !state.closed {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut full, state.capture.get_mut());
            let last = state.closed && full.is_empty();
            drop(state);
            self.room.notify_all();
            let result = if last { writer.flush() } else { writer.write_all(&full) };
            full.clear();
            if let Err(error) = result {
                tracing::error!(%error, "the capture cannot be written");
                self.lock().failure.get_or_insert(error.to_string());
            }
            if last {
                return;
            }
        }
    }
}

impl State {
    fn packet(&mut self, backend: Backend, from: SocketAddr, to: SocketAddr, packet: &[u8], comment: Option<&str>) {
        let mut frame = std::mem::take(&mut self.frame);
        let made = match backend {
            Backend::EmbeddedSctpIp => write::sctp_packet(&mut frame, from.ip(), to.ip(), packet),
            _ => write::udp_packet(&mut frame, from, to, packet),
        };
        let result = made.and_then(|()| self.emit(|emit| emit(&frame, comment)));
        self.frame = frame;
        self.note(result);
    }

    fn emit(&mut self, packets: impl FnOnce(&mut write::Emit<'_>) -> Result<(), WriteError>) -> Result<(), WriteError> {
        if self.closed {
            return Ok(());
        }
        let Self { capture, last, .. } = self;
        let now = now_ns();
        packets(&mut |packet, comment| {
            *last = now.max(*last + 1);
            capture.write_packet(*last, packet, comment)
        })
    }

    /// A packet that cannot be written down (an address of each family) is missed aloud.
    fn note(&mut self, result: Result<(), WriteError>) {
        if let Err(error) = result {
            tracing::error!(%error, "a packet is missing in the capture");
            self.failure.get_or_insert(error.to_string());
        }
    }
}

impl Handle {
    fn finish(&self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
        self.shared.room.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            self.shared.lock().failure.get_or_insert("the recorder's thread has panicked".to_owned());
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.finish();
    }
}

fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
