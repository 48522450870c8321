//! From a capture to a script: which conversations, who is who in them, and the steps in the order of the capture.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use crate::avp::Avps;
use crate::avp::dictionary::{OriginHost, OriginRealm};
use crate::capture::{self, CaptureError, CapturedMessage, Reader, Statistics, TcpPayload, Timestamp, Transport};
use crate::interfaces::base::APPLICATION;
use crate::message::{HEADER_LENGTH, Header, find};

/// Base commands that are done live: capabilities exchange, watchdog, disconnect.
const LIVE: [u32; 3] = [257, 280, 282];
const CAPABILITIES_EXCHANGE: u32 = 257;

/// The ports a server listens at, where no CER tells who is who.
const SERVER_PORTS: std::ops::RangeInclusive<u16> = 3868..=3873;

/// One of the two sides of a captured association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// Opened the association.
    Client,
    /// Was called.
    Server,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// The word in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// A side of a captured association, as it presented itself; names are empty where nothing tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// IP address and SCTP or TCP port.
    pub address: SocketAddr,
    /// Origin-Host of CER or CEA, else of its first message.
    pub identity: String,
    /// Origin-Realm, from the same message.
    pub realm: String,
}

impl End {
    /// Whether this is the host: by its Origin-Host in full, or by the first label of it.
    #[must_use]
    pub fn is(&self, host: &str) -> bool {
        let name = self.identity.as_str();
        let label = name.split('.').next().filter(|label| !label.is_empty());
        name.eq_ignore_ascii_case(host) || label.is_some_and(|label| label.eq_ignore_ascii_case(host))
    }
}

/// A captured association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its number in the capture.
    pub association: u32,
    /// SCTP or TCP.
    pub transport: Transport,
    /// Who opened it.
    pub client: End,
    /// Who was called.
    pub server: End,
    /// How many of its messages are steps.
    pub steps: usize,
}

impl Conversation {
    /// One of its sides.
    #[must_use]
    pub const fn end(&self, side: Side) -> &End {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }
}

/// A captured message that is to be said or heard again.
#[derive(Clone, Debug)]
pub struct Step {
    /// Frame of the capture.
    pub frame: u64,
    /// Its place among the messages of that frame.
    pub index: u32,
    /// When, from the first step on.
    pub at: Duration,
    /// When, in seconds since 1970; 0 where the capture does not say.
    pub unix: i64,
    /// Place in [`Script::conversations`].
    pub conversation: usize,
    /// Who said it.
    pub from: Side,
    /// SCTP stream.
    pub stream: u16,
    /// Its header.
    pub header: Header,
    /// The whole message.
    pub bytes: Bytes,
    /// The answer of a request, the request of an answer, where the capture has it.
    pub partner: Option<usize>,
    /// For an answer: its sender asked something itself between the request and it, and waits for its turn.
    pub nested: bool,
}

impl Step {
    /// The AVPs.
    #[must_use]
    pub fn body(&self) -> Avps<'_> {
        Avps::new(self.bytes.get(HEADER_LENGTH..).unwrap_or_default())
    }
}

/// What a script may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps. 200,000 unless changed.
    pub steps: usize,
    /// Octets of all steps. 256 MiB unless changed.
    pub octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 200_000, octets: 256 << 20 }
    }
}

/// Which associations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// This one; its number as `decode --json` tells it.
    pub association: Option<u32>,
    /// Those in which all of these hosts take part, by Origin-Host or its first label.
    pub hosts: Vec<String>,
    /// All that are left; otherwise there must be one.
    pub all: bool,
}

/// Why there is no script.
#[derive(Debug, Error)]
pub enum ScriptError {
    /// The capture cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Nothing is left to say.
    #[error("nothing to replay: {0}")]
    Empty(String),
    /// Several associations, and no choice.
    #[error("the capture has {} associations with messages to replay; choose with --association or --host, or take --all:\n{}", .0.len(), list(.0))]
    Several(Vec<Conversation>),
    /// More than the limits.
    #[error("the capture has more than {limit} {what} to replay; cut it down, or choose an association")]
    TooLong {
        /// The limit.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
}

fn list(conversations: &[Conversation]) -> String {
    let shown = conversations.iter().take(20).map(|conversation| {
        let Conversation { association, client, server, steps, .. } = conversation;
        format!(
            "  --association {association}: {} ({}) to {} ({}), {steps} messages",
            client.identity, client.address, server.identity, server.address
        )
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// What is to be said and heard.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The associations, in the order of their first step.
    pub conversations: Vec<Conversation>,
    /// The messages, in the order of the capture.
    pub steps: Vec<Step>,
    /// Messages that are done live: CER, DWR, DPR and their answers.
    pub live: u64,
    /// Octets that passed for a message and have no header that can be used.
    pub unreadable: u64,
    /// DATA chunks and TCP segments cut by the snap length: messages may be missing.
    pub cut: u64,
    /// Messages of which parts were never captured, and gaps in TCP streams: messages are missing.
    pub gaps: u64,
}

/// Counts what is TLS.
#[derive(Default)]
struct Encrypted {
    segments: u64,
}

impl capture::Observer for Encrypted {
    fn tcp_payload(&mut self, payload: &TcpPayload<'_>) {
        // A record of TLS 1.x: alert, handshake or data.
        if matches!(payload.data, [0x15..=0x17, 3, 0..=4, ..]) {
            self.segments += 1;
        }
    }
}

/// Why a capture has no Diameter, and what to do.
fn without_diameter(seen: &Statistics, encrypted: u64, unreadable: u64) -> String {
    if encrypted > 0 {
        return format!(
            "the capture has no Diameter that can be read, and {encrypted} TCP segments of TLS; record where it is not \
             encrypted, as a node of ours does with -w, or let Wireshark decrypt and export it"
        );
    }
    if seen.cut > 0 {
        return format!(
            "the capture has no whole Diameter message: {} packets were cut by the snap length; record again with \
             `tcpdump -s 0`",
            seen.cut
        );
    }
    if unreadable > 0 {
        return format!("the {unreadable} messages of the capture have no Diameter header that can be used");
    }
    if seen.frames == 0 {
        return "the capture has no packets".to_owned();
    }
    if seen.data_chunks + seen.tcp_segments == 0 {
        return format!("none of the {} frames of the capture carries data over SCTP or TCP", seen.frames);
    }
    format!(
        "the capture has no Diameter: {} frames, {} SCTP DATA chunks and {} TCP segments with something else; was it \
         recorded at the right port?",
        seen.frames, seen.data_chunks, seen.tcp_segments
    )
}

/// A message as the first pass keeps it.
struct Kept {
    association: u32,
    source: SocketAddr,
    step: Step,
    time: Timestamp,
}

#[derive(Default)]
struct Found {
    transport: Option<Transport>,
    ends: Option<(SocketAddr, SocketAddr)>,
    /// Client and server by a CER.
    known: bool,
    names: HashMap<SocketAddr, (String, String, bool)>,
}

impl Script {
    /// Reads the script of a capture.
    ///
    /// # Errors
    /// [`ScriptError`].
    pub fn read(reader: &mut Reader<'_>, selection: &Selection, limits: Limits) -> Result<Self, ScriptError> {
        let mut script = Self::default();
        let mut found: HashMap<u32, Found> = HashMap::new();
        let mut kept: Vec<Kept> = Vec::new();
        let mut octets = 0_usize;
        let mut encrypted = Encrypted::default();
        while let Some(message) = reader.next_message_with(&mut encrypted)? {
            if selection.association.is_some_and(|only| only != message.association) {
                continue;
            }
            let whole = Header::parse(message.bytes).filter(|header| header.length as usize == message.bytes.len());
            let Some(header) = whole else {
                script.unreadable += 1;
                continue;
            };
            found.entry(message.association).or_default().see(&message, &header);
            if header.application == APPLICATION && LIVE.contains(&header.code) {
                script.live += 1;
                continue;
            }
            octets += message.bytes.len();
            for (over, limit, what) in [
                (kept.len() >= limits.steps, limits.steps, "messages"),
                (octets > limits.octets, limits.octets, "octets"),
            ] {
                if over {
                    return Err(ScriptError::TooLong { limit, what });
                }
            }
            let step = Step {
                frame: message.frame,
                index: message.index,
                at: Duration::ZERO,
                unix: message.time.as_nanoseconds() / 1_000_000_000,
                conversation: 0,
                from: Side::Client,
                stream: message.stream.unwrap_or(0),
                header,
                bytes: Bytes::copy_from_slice(message.bytes),
                partner: None,
                nested: false,
            };
            kept.push(Kept { association: message.association, source: message.source, step, time: message.time });
        }
        let seen = reader.statistics();
        if seen.messages() == 0 || kept.is_empty() && script.live == 0 && selection.association.is_none() {
            return Err(ScriptError::Empty(without_diameter(seen, encrypted.segments, script.unreadable)));
        }
        (script.cut, script.gaps) = (seen.cut, seen.tcp_gaps + seen.sctp_incomplete);
        script.choose(kept, &found, selection)?;
        script.join();
        Ok(script)
    }

    /// Keeps what was selected, and says who is who.
    fn choose(
        &mut self,
        kept: Vec<Kept>,
        found: &HashMap<u32, Found>,
        selection: &Selection,
    ) -> Result<(), ScriptError> {
        let mut places: HashMap<u32, Option<usize>> = HashMap::new();
        let mut first: Option<Timestamp> = None;
        let messages = kept.len();
        for Kept { association, source, mut step, time } in kept {
            let place = *places.entry(association).or_insert_with(|| {
                let conversation = found.get(&association)?.conversation(association)?;
                let wanted = |host: &String| conversation.client.is(host) || conversation.server.is(host);
                selection.hosts.iter().all(wanted).then(|| {
                    self.conversations.push(conversation);
                    self.conversations.len() - 1
                })
            });
            let Some(place) = place else { continue };
            let Some(conversation) = self.conversations.get_mut(place) else { continue };
            conversation.steps += 1;
            let first = *first.get_or_insert(time);
            let since = time.as_nanoseconds().saturating_sub(first.as_nanoseconds());
            step.at = Duration::from_nanos(u64::try_from(since).unwrap_or(0));
            step.conversation = place;
            step.from = if source == conversation.server.address { Side::Server } else { Side::Client };
            self.steps.push(step);
        }
        if self.steps.is_empty() {
            let why = match (messages, selection.association) {
                (0, Some(association)) if self.live == 0 => {
                    format!("the capture has no association {association}; `proselink decode` numbers them")
                }
                (0, _) => format!(
                    "its {} messages are CER, DWR, DPR and their answers, which are done live; no other is there",
                    self.live
                ),
                (messages, _) => {
                    let mut hosts: Vec<&str> = found.values().flat_map(Found::hosts).collect();
                    hosts.sort_unstable();
                    hosts.dedup();
                    hosts.truncate(20);
                    let wanted = selection.hosts.join(" and ");
                    let there = hosts.join(", ");
                    format!("none of the {messages} messages is of {wanted}; the hosts of the capture are {there}")
                }
            };
            return Err(ScriptError::Empty(why));
        }
        if self.conversations.len() > 1 && !selection.all {
            return Err(ScriptError::Several(std::mem::take(&mut self.conversations)));
        }
        Ok(())
    }

    /// Joins requests and answers, by association and the two identifiers.
    pub(super) fn join(&mut self) {
        let mut open: HashMap<(usize, Side, u32, u32, u32), usize> = HashMap::new();
        // A node that waits for what it has asked itself may have asked it on another association.
        let mut nodes: HashMap<&str, usize> = HashMap::new();
        let mut node_of: HashMap<(usize, Side), usize> = HashMap::new();
        for (place, conversation) in self.conversations.iter().enumerate() {
            for side in [Side::Client, Side::Server] {
                let identity = conversation.end(side).identity.as_str();
                let fresh = node_of.len();
                let node = if identity.is_empty() { fresh } else { *nodes.entry(identity).or_insert(fresh) };
                node_of.insert((place, side), node);
            }
        }
        let mut asked: HashMap<Option<&usize>, usize> = HashMap::new();
        let mut partners = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            let Header { code, hop_by_hop, end_to_end, .. } = step.header;
            let node = node_of.get(&(step.conversation, step.from));
            if step.header.is_request() {
                open.insert((step.conversation, step.from, code, hop_by_hop, end_to_end), at);
                asked.insert(node, at);
            } else if let Some(request) =
                open.remove(&(step.conversation, step.from.other(), code, hop_by_hop, end_to_end))
            {
                let nested = asked.get(&node).is_some_and(|own| *own > request);
                partners.push((request, at, nested));
            }
        }
        for (request, answer, nested) in partners {
            if let Some(step) = self.steps.get_mut(request) {
                step.partner = Some(answer);
            }
            if let Some(step) = self.steps.get_mut(answer) {
                step.partner = Some(request);
                step.nested = nested;
            }
        }
    }

    /// The applications of its messages, sorted.
    #[must_use]
    pub fn applications(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.steps.iter().map(|step| step.header.application).filter(|id| *id != 0).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Found {
    fn see(&mut self, message: &CapturedMessage<'_>, header: &Header) {
        self.transport = Some(message.transport);
        let exchange = header.application == APPLICATION && header.code == CAPABILITIES_EXCHANGE;
        let (from, to) = (message.source, message.destination);
        if self.ends.is_none() {
            let called = |address: SocketAddr| SERVER_PORTS.contains(&address.port());
            // Of two ports alike, whoever asks first has called.
            let turned = match (called(from), called(to)) {
                (true, false) => true,
                (false, true) => false,
                _ => !header.is_request(),
            };
            self.ends = Some(if turned { (to, from) } else { (from, to) });
        }
        if exchange && !self.known {
            self.known = true;
            self.ends = Some(if header.is_request() { (from, to) } else { (to, from) });
        }
        let known = self.names.get(&from).map(|(_, _, presented)| *presented);
        if known.is_none() || known == Some(false) && exchange {
            let body = Avps::new(message.bytes.get(HEADER_LENGTH..).unwrap_or_default());
            if let Some(host) = find::<OriginHost>(body) {
                let realm = find::<OriginRealm>(body).unwrap_or_default();
                self.names.insert(from, (host.to_owned(), realm.to_owned(), exchange));
            }
        }
    }

    fn hosts(&self) -> impl Iterator<Item = &str> {
        self.names.values().map(|(host, _, _)| host.as_str())
    }

    fn conversation(&self, association: u32) -> Option<Conversation> {
        let (client, server) = self.ends?;
        let end = |address: SocketAddr| {
            let (identity, realm) =
                self.names.get(&address).map(|(host, realm, _)| (host.clone(), realm.clone())).unwrap_or_default();
            End { address, identity, realm }
        };
        Some(Conversation {
            association,
            transport: self.transport?,
            client: end(client),
            server: end(server),
            steps: 0,
        })
    }
}
