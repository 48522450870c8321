//! `source.json` of a hand-written case: messages by the names of their AVPs, and how they travel. The capture follows
//! from it octet by octet: times, tags and sequence numbers are counted, never drawn.

use std::collections::VecDeque;
use std::net::SocketAddr;

use proselink::capture::write::{
    CaptureWriter, Data, SctpPacketBuilder, TcpSegment, sctp_packet, tcp_packet, udp_packet,
};
use proselink::interfaces::INTERFACES;
use proselink::message::{Header, json};
use serde::Deserialize;
use serde_json::{Value, json};

/// A whole `source.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    conversations: Vec<Conversation>,
}

/// One association or connection, from its handshake to its end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    transport: Transport,
    /// Who connects.
    client: Side,
    /// Who is called.
    server: Side,
    /// What CER and CEA announce, and with them a DPR and DPA at the end; none of the four when empty.
    applications: Vec<u32>,
    #[serde(default)]
    end: Ending,
    messages: Vec<Step>,
}

/// How a conversation ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ending {
    /// DPR and DPA, then SHUTDOWN or FIN, all begun by the client.
    #[default]
    Closed,
    /// Nothing more is heard.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Transport {
    /// SCTP as it is, IP protocol 132.
    Sctp,
    /// The same with I-DATA chunks. RFC 8260.
    SctpInterleaving,
    /// SCTP over UDP, port 9899 on both sides. RFC 6951.
    SctpOverUdp,
    Tcp,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Side {
    /// IP address and port (of SCTP or TCP).
    address: SocketAddr,
    /// Origin-Host.
    host: String,
    /// Origin-Realm.
    realm: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    from: From,
    /// Goes with the packet.
    comment: Option<String>,
    /// SCTP stream.
    #[serde(default)]
    stream: u16,
    /// SCTP payload protocol identifier.
    #[serde(default = "diameter")]
    ppid: u32,
    /// Octets in one chunk or segment at most.
    #[serde(default = "unfragmented")]
    fragment: usize,
    /// Waits for the next message of the same side, and shares its packet.
    #[serde(default)]
    bundled: bool,
    /// Is sent a second time, as if the acknowledgement had been lost.
    #[serde(default)]
    again: bool,
    /// As `decode --json` prints it; see `proselink::message::json` for what may be left away. Hop-by-Hop and End-to-End
    /// ids that are left away are counted for a request, and those of the oldest open request of
    /// that command for an answer.
    message: Value,
}

const fn diameter() -> u32 {
    46
}

const fn unfragmented() -> usize {
    1408
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum From {
    Client,
    Server,
}

/// The time of the first packet, 2026-11-02 09:00 UTC, in nanoseconds, and the time between two.
const START: u64 = 1_793_610_000_000_000_000;
const STEP: u64 = 1_000_000;

/// Makes the capture.
///
/// # Errors
/// What is wrong with the source, and where.
pub fn capture(source: &str) -> Result<Vec<u8>, String> {
    let source: Source = serde_json::from_str(source).map_err(|error| error.to_string())?;
    let mut writer = CaptureWriter::new(Vec::new(), "case").map_err(|error| error.to_string())?;
    for (number, conversation) in source.conversations.iter().enumerate() {
        let mut line = Line::new(conversation, number as u32);
        conversation.play(&mut line).map_err(|error| format!("conversations[{number}]: {error}"))?;
        for (packet, comment) in line.packets {
            let time = START + STEP * writer.packets();
            writer.write_packet(time, &packet, comment.as_deref()).map_err(|error| error.to_string())?;
        }
    }
    writer.finish().map_err(|error| error.to_string())
}

impl Conversation {
    fn play(&self, line: &mut Line) -> Result<(), String> {
        line.open()?;
        let mut ids = Ids::default();
        let mut say = |step: &Step, line: &mut Line| -> Result<(), String> {
            let octets = ids.number(step.from, octets_of(&step.message)?)?;
            line.message(step, &octets)
        };
        if !self.applications.is_empty() {
            for (from, command) in [(From::Client, "Request"), (From::Server, "Answer")] {
                let step = base(from, self.greeting(from, command));
                say(&step, line).map_err(|error| format!("greeting: {error}"))?;
            }
        }
        for (number, step) in self.messages.iter().enumerate() {
            say(step, line).map_err(|error| format!("messages[{number}]: {error}"))?;
        }
        if self.end == Ending::Lost {
            return Ok(());
        }
        if !self.applications.is_empty() {
            let names = json!([{"name": "Origin-Host", "value": self.client.host},
                               {"name": "Origin-Realm", "value": self.client.realm},
                               {"name": "Disconnect-Cause", "value": "REBOOTING"}]);
            let request = json!({"command": "Disconnect-Peer-Request", "avps": names});
            let names = json!([{"name": "Result-Code", "value": "DIAMETER_SUCCESS"},
                               {"name": "Origin-Host", "value": self.server.host},
                               {"name": "Origin-Realm", "value": self.server.realm}]);
            let answer = json!({"command": "Disconnect-Peer-Answer", "avps": names});
            for (from, message) in [(From::Client, request), (From::Server, answer)] {
                say(&base(from, message), line).map_err(|error| format!("farewell: {error}"))?;
            }
        }
        line.close()
    }

    /// CER or CEA.
    fn greeting(&self, from: From, kind: &str) -> Value {
        let side = if from == From::Client { &self.client } else { &self.server };
        let mut avps = vec![
            json!({"name": "Origin-Host", "value": side.host}),
            json!({"name": "Origin-Realm", "value": side.realm}),
            json!({"name": "Host-IP-Address", "value": side.address.ip().to_string()}),
            json!({"name": "Vendor-Id", "value": 32473}),
            json!({"name": "Product-Name", "value": "proselink"}),
        ];
        if kind == "Answer" {
            avps.insert(0, json!({"name": "Result-Code", "value": "DIAMETER_SUCCESS"}));
        }
        for application in &self.applications {
            let vendor =
                INTERFACES.iter().find(|known| known.applications.contains(application)).map_or(10415, |it| it.vendor);
            avps.push(json!({"name": "Vendor-Specific-Application-Id", "avps": [
                {"name": "Vendor-Id", "value": vendor}, {"name": "Auth-Application-Id", "value": application},
            ]}));
        }
        json!({"command": format!("Capabilities-Exchange-{kind}"), "avps": avps})
    }
}

/// A message of the base protocol goes on stream 0 in a packet of its own.
fn base(from: From, message: Value) -> Step {
    let (ppid, fragment) = (diameter(), unfragmented());
    Step { from, comment: None, stream: 0, ppid, fragment, bundled: false, again: false, message }
}

/// A message by its JSON; commands go by their names.
fn octets_of(message: &Value) -> Result<Vec<u8>, String> {
    let find = |name: &str, application: Option<u32>| {
        INTERFACES
            .iter()
            .filter(|interface| application.is_none_or(|id| interface.applications.contains(&id)))
            .find_map(|interface| {
                let command = interface.commands.iter().find(|command| command.name == name)?;
                let application = application.or(interface.applications.first().copied())?;
                Some((application, command.code, command.flags()))
            })
    };
    json::message_from_json(message, &find).map_err(|error| error.to_string())
}

/// Hop-by-Hop and End-to-End ids of both sides.
#[derive(Default)]
struct Ids {
    /// Requests sent so far, client first.
    sent: [u32; 2],
    /// Requests that await an answer.
    open: [VecDeque<Open>; 2],
}

struct Open {
    /// Application and command.
    command: (u32, u32),
    /// Hop-by-Hop and End-to-End id.
    ids: (u32, u32),
}

impl Ids {
    /// Puts the ids into a message that states none.
    fn number(&mut self, from: From, mut octets: Vec<u8>) -> Result<Vec<u8>, String> {
        let header = Header::parse(&octets).ok_or("a message has a header")?;
        let (side, other) = if from == From::Client { (0, 1) } else { (1, 0) };
        let stated = (header.hop_by_hop, header.end_to_end);
        let command = (header.application, header.code);
        let ids = if header.is_request() {
            self.sent[side] += 1;
            let count = self.sent[side];
            let first = if side == 0 { 0x0100_0000 } else { 0x0200_0000 };
            let ids = if stated == (0, 0) { (first + count, 0x6e00_0000 + first + count) } else { stated };
            self.open[side].push_back(Open { command, ids });
            ids
        } else {
            let asks = |open: &Open| open.command == command && (stated == (0, 0) || open.ids.0 == stated.0);
            let asked = self.open[other].iter().position(asks).and_then(|at| self.open[other].remove(at));
            match asked {
                Some(asked) if stated == (0, 0) => asked.ids,
                _ => stated,
            }
        };
        octets[12..16].copy_from_slice(&ids.0.to_be_bytes());
        octets[16..20].copy_from_slice(&ids.1.to_be_bytes());
        Ok(octets)
    }
}

/// The packets of one conversation as they are made.
struct Line {
    transport: Transport,
    ends: [End; 2],
    packets: Vec<(Vec<u8>, Option<String>)>,
}

struct End {
    address: SocketAddr,
    /// Verification tag.
    tag: u32,
    /// TSN of the next chunk, or sequence number of the next octet.
    next: u32,
    /// Next stream sequence number, or message identifier, of each stream.
    streams: Vec<(u16, u32)>,
    /// Chunks or octets that wait for the next message.
    held: Vec<Piece>,
}

/// A DATA or I-DATA chunk, or a segment of TCP.
#[derive(Clone)]
struct Piece {
    flags: u8,
    stream: u16,
    /// Stream sequence number or message identifier.
    message: u32,
    /// Fragment number within the message.
    fragment: u32,
    ppid: u32,
    payload: Vec<u8>,
}

const UDP_PORT: u16 = proselink::capture::write::SCTP_UDP_PORT;
const WINDOW: u32 = 0x0010_0000;
const STREAMS: u16 = 16;
const COOKIE: &[u8] = b"cookie of a case";
/// Supported Extensions (RFC 5061 section 4.2.7): RE-CONFIG, FORWARD TSN, I-DATA, I-FORWARD TSN.
const EXTENSIONS: &[u8] = &[0x80, 0x08, 0, 8, 130, 192, 64, 194];
const I_DATA: u8 = 64;

impl Line {
    fn new(conversation: &Conversation, number: u32) -> Self {
        let end = |address, side: u32| End {
            address,
            tag: 0x5ca1_0000 + 0x100 * number + side,
            next: 100_000 * (side + 1) + 1_000_000 * number,
            streams: Vec::new(),
            held: Vec::new(),
        };
        let ends = [end(conversation.client.address, 0), end(conversation.server.address, 1)];
        Self { transport: conversation.transport, ends, packets: Vec::new() }
    }

    fn open(&mut self) -> Result<(), String> {
        if self.transport == Transport::Tcp {
            self.segment(0, TcpSegment::SYN, &[], None)?;
            self.segment(1, TcpSegment::SYN | TcpSegment::ACK, &[], None)?;
            return self.segment(0, TcpSegment::ACK, &[], None);
        }
        let init = |end: &End| {
            let mut value = end.tag.to_be_bytes().to_vec();
            value.extend(WINDOW.to_be_bytes());
            value.extend(STREAMS.to_be_bytes());
            value.extend(STREAMS.to_be_bytes());
            value.extend(end.next.to_be_bytes());
            value
        };
        let extensions = if self.transport == Transport::SctpInterleaving { EXTENSIONS } else { &[] };
        let (first, second) = (init(&self.ends[0]), init(&self.ends[1]));
        let cookie = [&[0, 7, 0, 4 + COOKIE.len() as u8], COOKIE].concat();
        self.packet(0, Some(0), None, |packet| packet.chunk(1, 0, &[&first, extensions]))?;
        self.packet(1, None, None, |packet| packet.chunk(2, 0, &[&second, &cookie, extensions]))?;
        self.packet(0, None, None, |packet| packet.cookie_echo(COOKIE))?;
        self.packet(1, None, None, SctpPacketBuilder::cookie_ack)
    }

    /// The client ends it.
    fn close(&mut self) -> Result<(), String> {
        if self.transport == Transport::Tcp {
            self.segment(0, TcpSegment::FIN | TcpSegment::ACK, &[], None)?;
            self.segment(1, TcpSegment::FIN | TcpSegment::ACK, &[], None)?;
            return self.segment(0, TcpSegment::ACK, &[], None);
        }
        let cumulative = self.ends[1].next.wrapping_sub(1);
        self.packet(0, None, None, |packet| packet.shutdown(cumulative))?;
        self.packet(1, None, None, SctpPacketBuilder::shutdown_ack)?;
        self.packet(0, None, None, |packet| packet.shutdown_complete(false))
    }

    fn message(&mut self, step: &Step, octets: &[u8]) -> Result<(), String> {
        if step.fragment == 0 {
            return Err("`fragment` is 0, expected at least one octet".to_owned());
        }
        let side = if step.from == From::Client { 0 } else { 1 };
        let end = &mut self.ends[side];
        let message = match end.streams.iter_mut().find(|(stream, _)| *stream == step.stream) {
            Some((_, next)) => {
                *next += 1;
                *next
            }
            None => {
                end.streams.push((step.stream, 0));
                0
            }
        };
        let last = octets.len().div_ceil(step.fragment) - 1;
        let (stream, ppid) = (step.stream, step.ppid);
        end.held.extend(octets.chunks(step.fragment).enumerate().map(|(at, payload)| Piece {
            flags: if at == 0 { Data::BEGIN } else { 0 } | if at == last { Data::END } else { 0 },
            stream,
            message,
            fragment: at as u32,
            ppid,
            payload: payload.to_vec(),
        }));
        if step.bundled {
            return Ok(());
        }
        let pieces = std::mem::take(&mut end.held);
        // Whole messages that waited share one packet; fragments have one each.
        let packets: Vec<&[Piece]> = if last == 0 { vec![&pieces] } else { pieces.chunks(1).collect() };
        let first = end.next;
        for round in 0..=u32::from(step.again) {
            self.ends[side].next = first;
            for (at, pieces) in packets.iter().enumerate() {
                let comment = match (&step.comment, at, round) {
                    (Some(comment), 0, 0) => Some(comment.clone()),
                    (_, 0, 1) => Some("sent again".to_owned()),
                    _ => None,
                };
                self.pieces(side, pieces, comment)?;
            }
        }
        self.acknowledge(1 - side)
    }

    fn pieces(&mut self, side: usize, pieces: &[Piece], comment: Option<String>) -> Result<(), String> {
        if self.transport == Transport::Tcp {
            let payload: Vec<u8> = pieces.iter().flat_map(|piece| piece.payload.iter().copied()).collect();
            return self.segment(side, TcpSegment::ACK | TcpSegment::PSH, &payload, comment);
        }
        let interleaving = self.transport == Transport::SctpInterleaving;
        let mut tsn = self.ends[side].next;
        self.ends[side].next = tsn.wrapping_add(pieces.len() as u32);
        self.packet(side, None, comment, |packet| {
            for piece in pieces {
                let Piece { flags, stream, message, fragment, ppid, .. } = *piece;
                if interleaving {
                    // The first fragment has the PPID where the others have their number. RFC 8260 section 2.1.
                    let last = if fragment == 0 { ppid } else { fragment };
                    let words = [tsn, u32::from(stream) << 16, message, last].map(u32::to_be_bytes);
                    packet.chunk(I_DATA, flags, &[words.as_flattened(), &piece.payload]);
                } else {
                    packet.data(Data { tsn, stream, ssn: message as u16, ppid, flags }, &piece.payload);
                }
                tsn = tsn.wrapping_add(1);
            }
            packet
        })
    }

    fn acknowledge(&mut self, side: usize) -> Result<(), String> {
        if self.transport == Transport::Tcp {
            return self.segment(side, TcpSegment::ACK, &[], None);
        }
        let cumulative = self.ends[1 - side].next.wrapping_sub(1);
        self.packet(side, None, None, |packet| packet.sack(cumulative, WINDOW))
    }

    fn packet(
        &mut self,
        side: usize,
        tag: Option<u32>,
        comment: Option<String>,
        chunks: impl FnOnce(&mut SctpPacketBuilder) -> &mut SctpPacketBuilder,
    ) -> Result<(), String> {
        let (from, to) = (&self.ends[side], &self.ends[1 - side]);
        let mut builder = SctpPacketBuilder::new(from.address.port(), to.address.port(), tag.unwrap_or(to.tag));
        let packet = chunks(&mut builder).finish();
        let mut frame = Vec::new();
        let (source, destination) = (from.address.ip(), to.address.ip());
        if self.transport == Transport::SctpOverUdp {
            udp_packet(&mut frame, (source, UDP_PORT).into(), (destination, UDP_PORT).into(), packet)
        } else {
            sctp_packet(&mut frame, source, destination, packet)
        }
        .map_err(|error| error.to_string())?;
        self.packets.push((frame, comment));
        Ok(())
    }

    fn segment(&mut self, side: usize, flags: u8, payload: &[u8], comment: Option<String>) -> Result<(), String> {
        let (from, to) = (&self.ends[side], &self.ends[1 - side]);
        let acknowledgement = if flags & TcpSegment::ACK != 0 { to.next } else { 0 };
        let segment = TcpSegment { sequence: from.next, acknowledgement, flags };
        let mut frame = Vec::new();
        tcp_packet(&mut frame, from.address, to.address, segment, payload).map_err(|error| error.to_string())?;
        // SYN and FIN count as an octet each. RFC 9293 section 3.4.
        let marks = u32::from(flags & (TcpSegment::SYN | TcpSegment::FIN) != 0);
        self.ends[side].next = from.next.wrapping_add(payload.len() as u32 + marks);
        self.packets.push((frame, comment));
        Ok(())
    }
}
