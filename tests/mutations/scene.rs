//! Captures as messages and packets that can be changed and written anew.

use std::collections::HashMap;
use std::net::SocketAddr;

use proselink::avp::dictionary::{self, Declared};
use proselink::avp::{Avp, AvpFlags, Avps, Key};
use proselink::capture::Reader;
use proselink::capture::write::{CaptureWriter, Direction, Message, SctpConversation, set_crc32c};
use proselink::message::{HEADER_LENGTH, Header};
use proselink::verify::{Report, verify};

/// A message, and how it travels.
#[derive(Clone)]
pub struct Sent {
    pub association: u32,
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub bytes: Vec<u8>,
    pub ppid: u32,
    pub stream: u16,
    /// Seconds of silence before it.
    pub silence: u64,
}

impl Sent {
    pub fn header(&self) -> Header {
        Header::parse(&self.bytes).expect("a message has a header")
    }

    pub fn is(&self, code: u32, request: bool) -> bool {
        let header = self.header();
        header.application == 0 && header.code == code && header.is_request() == request
    }

    pub fn avps(&self) -> Vec<Avp<'_>> {
        Avps::new(&self.bytes[HEADER_LENGTH..]).map_while(Result::ok).collect()
    }

    pub fn find(&self, key: Key) -> Option<Vec<u8>> {
        self.avps().iter().find(|avp| avp.key == key).map(|avp| avp.data.to_vec())
    }

    /// Puts other AVPs in place of those there are, and mends the length.
    pub fn assemble(&mut self, avps: impl IntoIterator<Item = Vec<u8>>) -> bool {
        let mut out = self.bytes[..HEADER_LENGTH].to_vec();
        avps.into_iter().for_each(|avp| out.extend(avp));
        let length = out.len() as u32;
        out[..4].copy_from_slice(&((1 << 24) | length).to_be_bytes());
        self.bytes = out;
        true
    }

    /// Each AVP as `change` wants it; false when nothing changed.
    pub fn change(&mut self, mut change: impl FnMut(&Avp<'_>) -> Vec<Vec<u8>>) -> bool {
        let new: Vec<Vec<u8>> = self.avps().iter().flat_map(&mut change).collect();
        let old: Vec<Vec<u8>> = self.avps().iter().map(|avp| avp.whole.to_vec()).collect();
        new != old && self.assemble(new)
    }

    /// The first AVP of a key with other data.
    pub fn with(&mut self, key: Key, data: impl Fn(&[u8]) -> Vec<u8>) -> bool {
        let mut done = false;
        self.change(|avp| {
            if avp.key != key || std::mem::replace(&mut done, true) {
                return vec![avp.whole.to_vec()];
            }
            vec![raw(avp.key, avp.flags, &data(avp.data))]
        })
    }

    pub fn without(&mut self, key: Key) -> bool {
        self.change(|avp| if avp.key == key { vec![] } else { vec![avp.whole.to_vec()] })
    }

    pub fn and(&mut self, avp: Vec<u8>) -> bool {
        let mut avps: Vec<Vec<u8>> = self.avps().iter().map(|avp| avp.whole.to_vec()).collect();
        avps.push(avp);
        self.assemble(avps)
    }

    /// Where an AVP that `wanted` likes begins in the message.
    pub fn place(&self, mut wanted: impl FnMut(&Avp<'_>) -> bool) -> Option<usize> {
        let mut at = HEADER_LENGTH;
        for avp in self.avps() {
            if wanted(&avp) {
                return Some(at);
            }
            at += avp.whole.len();
        }
        None
    }
}

pub fn raw(key: Key, flags: AvpFlags, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    dictionary::write_raw(key, flags, data, &mut out);
    out
}

pub fn key<A: Declared>() -> Key {
    A::DEFINITION.key
}

/// Another last octet: another digit, letter or number.
pub fn other(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    if let Some(last) = data.last_mut() {
        *last = if *last == b'3' { b'4' } else { b'3' };
    }
    data
}

/// How the associations of a scene end.
#[derive(Clone, Copy, PartialEq)]
pub enum End {
    Closed,
    Aborted,
}

/// A capture as packets, and the packet that brings each message.
pub struct Scene {
    pub packets: Vec<(u64, Vec<u8>)>,
    /// By message: the packet of its last DATA chunk.
    pub of: Vec<usize>,
    /// Packets that close associations, by association.
    pub closing: HashMap<u32, usize>,
}

impl Scene {
    pub fn of(messages: &[Sent], end: impl Fn(u32) -> End) -> Self {
        let mut time = 1_700_000_000_000_000_000_u64;
        let mut packets: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut of = Vec::new();
        let mut conversations: HashMap<u32, (SocketAddr, SctpConversation)> = HashMap::new();
        let mut order = Vec::new();
        for message in messages {
            time += message.silence * 1_000_000_000;
            let before = packets.len();
            let mut emit = |packet: &[u8], _: Option<&str>| {
                time += 1000;
                packets.push((time, packet.to_vec()));
                Ok(())
            };
            let mut opened = 0;
            let (client, conversation) = conversations.entry(message.association).or_insert_with(|| {
                order.push(message.association);
                let seed = u64::from(message.association) + 7;
                let mut conversation = SctpConversation::new(message.source, message.destination, None, seed);
                conversation.open(&mut emit).expect("a handshake");
                opened = 4;
                (message.source, conversation)
            });
            let direction = if message.source == *client { Direction::ToServer } else { Direction::ToClient };
            let sent =
                Message { direction, bytes: &message.bytes, ppid: message.ppid, stream: message.stream, comment: None };
            conversation.message(&sent, &mut emit).expect("a packet");
            // The packet of the last DATA chunk is the one before the last SACK.
            assert!(packets.len() > before + opened);
            of.push(packets.len() - 2);
        }
        let mut closing = HashMap::new();
        for association in order {
            let mut emit = |packet: &[u8], _: Option<&str>| {
                time += 1000;
                packets.push((time, packet.to_vec()));
                Ok(())
            };
            let (_, conversation) = conversations.get_mut(&association).expect("it was opened");
            let mut first = Vec::new();
            let mut noting = |packet: &[u8], comment: Option<&str>| {
                first.push(());
                emit(packet, comment)
            };
            match end(association) {
                End::Closed => conversation.close(Direction::ToServer, &mut noting).expect("packets"),
                End::Aborted => conversation.abort(Direction::ToServer, &mut noting).expect("a packet"),
            }
            closing.insert(association, packets.len() - first.len());
        }
        Self { packets, of, closing }
    }

    pub fn file(&self) -> Vec<u8> {
        let mut writer = CaptureWriter::new(Vec::new(), "made by a test").expect("memory takes all");
        for (time, packet) in &self.packets {
            writer.write_packet(*time, packet, None).expect("memory takes all");
        }
        writer.finish().expect("memory takes all")
    }

    pub fn judge(&self) -> Report {
        verify(&mut Reader::from_bytes(&self.file())).expect("what we write is sound")
    }

    /// The SCTP packet in packet number `at`.
    pub fn sctp(&mut self, at: usize) -> &mut [u8] {
        let packet = &mut self.packets[at].1;
        let header = if packet[0] >> 4 == 4 { 20 } else { 40 };
        &mut packet[header..]
    }

    /// Changes a packet and mends its checksum.
    pub fn mend(&mut self, at: usize, change: impl FnOnce(&mut [u8])) {
        let packet = self.sctp(at);
        change(packet);
        set_crc32c(packet);
    }

    /// Packets with DATA that go the way of packet `at` on its association, from there on.
    pub fn later(&mut self, at: usize) -> Vec<usize> {
        let tag = self.sctp(at)[4..8].to_vec();
        (at..self.packets.len())
            .filter(|index| {
                let packet = self.sctp(*index);
                packet[4..8] == tag[..] && packet[12] == 0
            })
            .collect()
    }
}

/// A fault that was put in: the capture with it, and the packets at which it must be found.
pub struct Injected {
    pub scene: Scene,
    pub at: Vec<usize>,
}

pub type Inject = fn(&[Sent], usize) -> Option<Injected>;

pub fn whole(messages: &[Sent]) -> Scene {
    Scene::of(messages, |_| End::Closed)
}

/// Changes one message, and expects the finding there.
pub fn change(messages: &[Sent], at: usize, change: impl FnOnce(&mut Sent) -> bool) -> Option<Injected> {
    let mut messages = messages.to_vec();
    if !change(&mut messages[at]) {
        return None;
    }
    let scene = whole(&messages);
    let at = vec![scene.of[at]];
    Some(Injected { scene, at })
}

/// Likewise, in a message for which `wanted` holds.
pub fn change_if(
    messages: &[Sent],
    at: usize,
    wanted: impl FnOnce(&Sent) -> bool,
    how: impl FnOnce(&mut Sent) -> bool,
) -> Option<Injected> {
    if wanted(&messages[at]) { change(messages, at, how) } else { None }
}

/// Another list of messages; the finding is expected at number `found` of it.
pub fn list(messages: &[Sent], found: usize) -> Option<Injected> {
    let scene = whole(messages);
    let at = vec![*scene.of.get(found)?];
    Some(Injected { scene, at })
}

/// The answer to the request at `at`.
pub fn answer_of(messages: &[Sent], at: usize) -> Option<usize> {
    let asked = messages[at].header();
    if !asked.is_request() {
        return None;
    }
    (at + 1..messages.len()).find(|other| {
        let header = messages[*other].header();
        messages[*other].association == messages[at].association
            && !header.is_request()
            && header.hop_by_hop == asked.hop_by_hop
            && messages[*other].source != messages[at].source
    })
}

pub fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

pub fn is_answer(message: &Sent) -> bool {
    !message.header().is_request()
}

pub fn succeeds(message: &Sent) -> bool {
    is_answer(message)
        && message.find(key::<dictionary::ResultCode>()).is_some_and(|code| code == 2001_u32.to_be_bytes())
}

/// A message of an application: behind the capabilities, before the disconnect.
pub fn is_application(message: &Sent) -> bool {
    message.header().application != 0
}

pub fn result(message: &mut Sent, code: u32) -> bool {
    message.with(key::<dictionary::ResultCode>(), |_| code.to_be_bytes().to_vec())
}

/// A pair of watchdogs put in before message `at`, by who sent it.
pub fn watchdog(messages: &mut Vec<Sent>, at: usize, number: u32, state: Option<u32>, answered: bool) {
    let asking = messages[at].clone();
    let host = |message: &Sent, own: bool| {
        messages
            .iter()
            .find(|other| {
                other.association == message.association
                    && other.header().code == 257
                    && (other.source == message.source) == own
            })
            .map(|other| {
                let find = |key| other.find(key).unwrap_or_default();
                let realm = find(key::<dictionary::OriginRealm>());
                (find(key::<dictionary::OriginHost>()), realm)
            })
            .unwrap_or_default()
    };
    let make = |request: bool| {
        let (name, realm) = host(&asking, request);
        let mut bytes = vec![1, 0, 0, 20, if request { 0x80 } else { 0 }, 0, 1, 24, 0, 0, 0, 0];
        bytes.extend((0x7000_0000 + number).to_be_bytes());
        bytes.extend((0x7100_0000 + number).to_be_bytes());
        let (source, destination) =
            if request { (asking.source, asking.destination) } else { (asking.destination, asking.source) };
        let mut message = Sent { source, destination, bytes, silence: 0, ..asking.clone() };
        let flags = AvpFlags(AvpFlags::MANDATORY);
        let mut avps = Vec::new();
        if !request {
            avps.push(raw(key::<dictionary::ResultCode>(), flags, &2001_u32.to_be_bytes()));
        }
        avps.push(raw(key::<dictionary::OriginHost>(), flags, &name));
        avps.push(raw(key::<dictionary::OriginRealm>(), flags, &realm));
        if let Some(state) = state.filter(|_| request) {
            avps.push(raw(key::<dictionary::OriginStateId>(), flags, &state.to_be_bytes()));
        }
        message.assemble(avps);
        message
    };
    let pair = if answered { vec![make(true), make(false)] } else { vec![make(true)] };
    messages.splice(at..at, pair);
}

pub const A: u32 = dictionary::private::COMMAND_A;
pub const B: u32 = dictionary::private::COMMAND_B;
pub const XAR: u32 = 8_388_727;
pub const PXR: u32 = 8_388_676;

/// A message of the procedure, changed.
pub fn of(
    messages: &[Sent],
    at: usize,
    application: u32,
    code: u32,
    request: bool,
    how: impl FnOnce(&mut Sent) -> bool,
) -> Option<Injected> {
    let header = messages[at].header();
    let it = (header.application, header.code, header.is_request()) == (application, code, request);
    // In a capture of one leg alone there is nothing to hold the identifiers against.
    let is_whole = messages.len() > 20;
    if it && is_whole && (request || succeeds(&messages[at])) { change(messages, at, how) } else { None }
}

/// A scene in which the association is opened by `caller`, whoever speaks first.
pub fn open_from(messages: &[Sent], association: u32, caller: SocketAddr, called: SocketAddr) -> Scene {
    let mut messages = messages.to_vec();
    let first = messages.iter().position(|message| message.association == association).expect("it has messages");
    let silent = Sent { source: caller, destination: called, bytes: vec![0; 24], ppid: 99, ..messages[first].clone() };
    messages.insert(first, silent);
    let mut scene = whole(&messages);
    scene.of.remove(first);
    scene
}
