//! What `verify` finds, proved: a generator puts one fault of one kind at a time into clean captures, mends checksums and
//! lengths so that nothing else is wrong, and looks for the finding at its frame under its clause.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use proselink::avp::dictionary::{self, Declared};
use proselink::avp::{Avp, AvpFlags, Avps, Key, Kind};
use proselink::capture::write::{CaptureWriter, Direction, Message, SctpConversation, set_crc32c};
use proselink::capture::{Reader, Transport};
use proselink::interfaces::{self, pc2, pc3, pc4};
use proselink::message::{HEADER_LENGTH, Header};
use proselink::verify::{CHECKS, Input, Options, Report, checks, verify, verify_captures};

/// Sites that a kind is injected at in one capture.
const SITES: usize = 6;

/// A message, and how it travels.
#[derive(Clone)]
struct Sent {
    association: u32,
    source: SocketAddr,
    destination: SocketAddr,
    bytes: Vec<u8>,
    ppid: u32,
    stream: u16,
    /// Seconds of silence before it.
    silence: u64,
}

impl Sent {
    fn header(&self) -> Header {
        Header::parse(&self.bytes).expect("a message has a header")
    }

    fn is(&self, code: u32, request: bool) -> bool {
        let header = self.header();
        header.application == 0 && header.code == code && header.is_request() == request
    }

    fn avps(&self) -> Vec<Avp<'_>> {
        Avps::new(&self.bytes[HEADER_LENGTH..]).map_while(Result::ok).collect()
    }

    fn find(&self, key: Key) -> Option<Vec<u8>> {
        self.avps().iter().find(|avp| avp.key == key).map(|avp| avp.data.to_vec())
    }

    /// Puts other AVPs in place of those there are, and mends the length.
    fn assemble(&mut self, avps: impl IntoIterator<Item = Vec<u8>>) -> bool {
        let mut out = self.bytes[..HEADER_LENGTH].to_vec();
        avps.into_iter().for_each(|avp| out.extend(avp));
        let length = out.len() as u32;
        out[..4].copy_from_slice(&((1 << 24) | length).to_be_bytes());
        self.bytes = out;
        true
    }

    /// Each AVP as `change` wants it; false when nothing changed.
    fn change(&mut self, mut change: impl FnMut(&Avp<'_>) -> Vec<Vec<u8>>) -> bool {
        let new: Vec<Vec<u8>> = self.avps().iter().flat_map(&mut change).collect();
        let old: Vec<Vec<u8>> = self.avps().iter().map(|avp| avp.whole.to_vec()).collect();
        new != old && self.assemble(new)
    }

    /// The first AVP of a key with other data.
    fn with(&mut self, key: Key, data: impl Fn(&[u8]) -> Vec<u8>) -> bool {
        let mut done = false;
        self.change(|avp| {
            if avp.key != key || std::mem::replace(&mut done, true) {
                return vec![avp.whole.to_vec()];
            }
            vec![raw(avp.key, avp.flags, &data(avp.data))]
        })
    }

    fn without(&mut self, key: Key) -> bool {
        self.change(|avp| if avp.key == key { vec![] } else { vec![avp.whole.to_vec()] })
    }

    fn and(&mut self, avp: Vec<u8>) -> bool {
        let mut avps: Vec<Vec<u8>> = self.avps().iter().map(|avp| avp.whole.to_vec()).collect();
        avps.push(avp);
        self.assemble(avps)
    }

    /// Where an AVP that `wanted` likes begins in the message.
    fn place(&self, mut wanted: impl FnMut(&Avp<'_>) -> bool) -> Option<usize> {
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

fn raw(key: Key, flags: AvpFlags, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    dictionary::write_raw(key, flags, data, &mut out);
    out
}

fn key<A: Declared>() -> Key {
    A::DEFINITION.key
}

/// Another last octet: another digit, letter or number.
fn other(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    if let Some(last) = data.last_mut() {
        *last = if *last == b'3' { b'4' } else { b'3' };
    }
    data
}

/// How the associations of a scene end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Closed,
    Aborted,
}

/// A capture as packets, and the packet that brings each message.
struct Scene {
    packets: Vec<(u64, Vec<u8>)>,
    /// By message: the packet of its last DATA chunk.
    of: Vec<usize>,
    /// Packets that close associations, by association.
    closing: HashMap<u32, usize>,
}

impl Scene {
    fn of(messages: &[Sent], end: impl Fn(u32) -> End) -> Self {
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

    fn file(&self) -> Vec<u8> {
        let mut writer = CaptureWriter::new(Vec::new(), "made by a test").expect("memory takes all");
        for (time, packet) in &self.packets {
            writer.write_packet(*time, packet, None).expect("memory takes all");
        }
        writer.finish().expect("memory takes all")
    }

    fn judge(&self) -> Report {
        verify(&mut Reader::from_bytes(&self.file())).expect("what we write is sound")
    }

    /// The SCTP packet in packet number `at`.
    fn sctp(&mut self, at: usize) -> &mut [u8] {
        let packet = &mut self.packets[at].1;
        let header = if packet[0] >> 4 == 4 { 20 } else { 40 };
        &mut packet[header..]
    }

    /// Changes a packet and mends its checksum.
    fn mend(&mut self, at: usize, change: impl FnOnce(&mut [u8])) {
        let packet = self.sctp(at);
        change(packet);
        set_crc32c(packet);
    }

    /// Packets with DATA that go the way of packet `at` on its association, from there on.
    fn later(&mut self, at: usize) -> Vec<usize> {
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
struct Injected {
    scene: Scene,
    at: Vec<usize>,
}

type Inject = fn(&[Sent], usize) -> Option<Injected>;

fn whole(messages: &[Sent]) -> Scene {
    Scene::of(messages, |_| End::Closed)
}

/// Changes one message, and expects the finding there.
fn change(messages: &[Sent], at: usize, change: impl FnOnce(&mut Sent) -> bool) -> Option<Injected> {
    let mut messages = messages.to_vec();
    if !change(&mut messages[at]) {
        return None;
    }
    let scene = whole(&messages);
    let at = vec![scene.of[at]];
    Some(Injected { scene, at })
}

/// Likewise, in a message for which `wanted` holds.
fn change_if(
    messages: &[Sent],
    at: usize,
    wanted: impl FnOnce(&Sent) -> bool,
    how: impl FnOnce(&mut Sent) -> bool,
) -> Option<Injected> {
    if wanted(&messages[at]) { change(messages, at, how) } else { None }
}

/// Another list of messages; the finding is expected at number `found` of it.
fn list(messages: &[Sent], found: usize) -> Option<Injected> {
    let scene = whole(messages);
    let at = vec![*scene.of.get(found)?];
    Some(Injected { scene, at })
}

/// The answer to the request at `at`.
fn answer_of(messages: &[Sent], at: usize) -> Option<usize> {
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

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn is_answer(message: &Sent) -> bool {
    !message.header().is_request()
}

fn succeeds(message: &Sent) -> bool {
    is_answer(message)
        && message.find(key::<dictionary::ResultCode>()).is_some_and(|code| code == 2001_u32.to_be_bytes())
}

/// A message of an application: behind the capabilities, before the disconnect.
fn is_application(message: &Sent) -> bool {
    message.header().application != 0
}

fn result(message: &mut Sent, code: u32) -> bool {
    message.with(key::<dictionary::ResultCode>(), |_| code.to_be_bytes().to_vec())
}

/// A pair of watchdogs put in before message `at`, by who sent it.
fn watchdog(messages: &mut Vec<Sent>, at: usize, number: u32, state: Option<u32>, answered: bool) {
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

/// What can be wrong in one message or in the order of messages: kind, checks that tell it, beginning of the clause.
#[rustfmt::skip]
const KINDS: &[(&str, &[&str], &str, Inject)] = &[
    ("another version", &["version"], "RFC 6733", |m, at| change(m, at, |s| { s.bytes[0] = 2; true })),
    ("message length too long", &["message-length"], "RFC 6733", |m, at| change(m, at, |s| {
        let length = s.bytes.len() as u32 + 8; put(&mut s.bytes, 0, &((1 << 24) | length).to_be_bytes()); true
    })),
    ("reserved command flag", &["command-flags-reserved"], "RFC 6733", |m, at| change(m, at, |s| { s.bytes[4] |= 2; true })),
    ("request with E", &["command-flags"], "RFC 6733", |m, at| change_if(m, at, |s| !is_answer(s), |s| { s.bytes[4] |= 0x20; true })),
    ("answer with T", &["command-flags"], "RFC 6733", |m, at| change_if(m, at, is_answer, |s| { s.bytes[4] |= 0x10; true })),
    ("request with the wrong P", &["command-flags"], "RFC 6733", |m, at| change_if(m, at, |s| !is_answer(s), |s| { s.bytes[4] ^= 0x40; true })),
    ("AVP length past the end", &["avp-length"], "", |m, at| change(m, at, |s| {
        let Some(last) = s.avps().len().checked_sub(1) else { return false };
        let mut count = 0;
        let Some(place) = s.place(|_| { count += 1; count == last + 1 }) else { return false };
        s.bytes[place + 5] = 1; true
    })),
    ("AVP length below its header", &["avp-length"], "", |m, at| change(m, at, |s| {
        let Some(place) = s.place(|_| true) else { return false };
        put(&mut s.bytes, place + 5, &[0, 0, 4]); true
    })),
    ("number with octets too many", &["avp-data-length"], "", |m, at| change(m, at, |s| {
        let mut done = false;
        s.change(|avp| {
            let number = dictionary::lookup(avp.key).is_some_and(|d| matches!(d.kind, Kind::Unsigned32 | Kind::Enumerated));
            if !number || std::mem::replace(&mut done, true) { return vec![avp.whole.to_vec()]; }
            vec![raw(avp.key, avp.flags, &[avp.data, &[0; 4]].concat())]
        })
    })),
    ("host name with a blank", &["avp-data"], "", |m, at| change(m, at, |s| s.with(key::<dictionary::OriginHost>(), |host| {
        let mut host = host.to_vec(); host[1] = b' '; host
    }))),
    ("text that is no UTF-8", &["avp-data"], "", |m, at| change(m, at, |s| s.with(key::<dictionary::UserName>(), |name| {
        let mut name = name.to_vec(); name[1] = 0xff; name
    }))),
    ("unknown AVP with M", &["avp-unknown"], "", |m, at| change(m, at, |s| s.and(raw(Key::new(0, 65_000), AvpFlags(0x40), &[0; 4])))),
    ("required AVP missing", &["avp-missing"], "", |m, at| change(m, at, |s| s.without(key::<dictionary::OriginRealm>()))),
    ("AVP twice", &["avp-too-many"], "", |m, at| change(m, at, |s| s.change(|avp| {
        let twice = avp.key == key::<dictionary::OriginRealm>();
        vec![avp.whole.to_vec(); if twice { 2 } else { 1 }]
    }))),
    ("AVP that a group does not allow", &["avp-not-allowed"], "", |m, at| change(m, at, |s| {
        s.with(key::<dictionary::VendorSpecificApplicationId>(), |data| {
            [data, &raw(key::<dictionary::OriginStateId>(), AvpFlags(0x40), &[0; 4])].concat()
        })
    })),
    ("required AVP missing in a group", &["avp-missing"], "", |m, at| change(m, at, |s| {
        s.with(key::<dictionary::VendorSpecificApplicationId>(), |data| {
            Avps::new(data).flatten().filter(|avp| avp.key != key::<dictionary::VendorId>()).flat_map(|avp| avp.whole.to_vec()).collect()
        })
    })),
    ("Session-Id not first", &["session-first"], "RFC 6733 section 8.8", |m, at| change_if(m, at, is_application, |s| {
        let mut avps: Vec<Vec<u8>> = s.avps().iter().map(|avp| avp.whole.to_vec()).collect();
        avps.swap(0, 1);
        s.find(key::<dictionary::SessionId>()).is_some() && s.assemble(avps)
    })),
    ("reserved AVP flag", &["avp-flags-reserved"], "RFC 6733 section 4.1", |m, at| change(m, at, |s| {
        let Some(place) = s.place(|avp| avp.key == key::<dictionary::OriginHost>()) else { return false };
        s.bytes[place + 4] |= 4; true
    })),
    ("padding that is not zero", &["avp-padding"], "RFC 6733 section 4.1", |m, at| change(m, at, |s| {
        let mut length = 0;
        let Some(place) = s.place(|avp| { length = avp.length(); !avp.padding().is_empty() }) else { return false };
        s.bytes[place + length] = 7; true
    })),
    ("answer lost", &["unanswered", "watchdog-unanswered"], "RFC", |m, at| {
        let answer = answer_of(m, at)?;
        let mut m = m.to_vec(); m.remove(answer);
        list(&m, at)
    }),
    ("answer twice", &["answered-twice"], "RFC 6733", |m, at| {
        if !is_answer(&m[at]) || !is_application(&m[at]) { return None; }
        let mut m = m.to_vec(); m.insert(at + 1, m[at].clone());
        list(&m, at + 1)
    }),
    ("request lost", &["answer-without-request"], "RFC 6733", |m, at| {
        let answer = answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec(); m.remove(at);
        list(&m, answer - 1)
    }),
    ("answer under another Hop-by-Hop id", &["answer-without-request"], "RFC 6733", |m, at| {
        change_if(m, at, is_answer, |s| { put(&mut s.bytes, 12, &[0xee; 4]); true })
    }),
    ("answer under another End-to-End id", &["answer-differs"], "RFC 6733", |m, at| {
        change_if(m, at, is_answer, |s| { put(&mut s.bytes, 16, &[0xee; 4]); true })
    }),
    ("answer of another application", &["answer-differs"], "RFC 6733", |m, at| {
        change_if(m, at, |s| is_answer(s) && is_application(s), |s| { put(&mut s.bytes, 8, &[0, 0, 0, 1]); true })
    }),
    ("answer of another command", &["answer-differs"], "RFC 6733", |m, at| {
        change_if(m, at, |s| is_answer(s) && is_application(s), |s| { put(&mut s.bytes, 5, &[0, 9, 9]); true })
    }),
    ("answer with another P", &["answer-differs"], "RFC 6733", |m, at| change_if(m, at, is_answer, |s| { s.bytes[4] ^= 0x40; true })),
    ("answer of another session", &["session-differs"], "RFC 6733 section 8.8", |m, at| {
        change_if(m, at, is_answer, |s| s.with(key::<dictionary::SessionId>(), other))
    }),
    ("Hop-by-Hop id of an open request", &["hop-by-hop-reused"], "RFC 6733 section 3", |m, at| {
        answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec(); let mut again = m[at].clone();
        put(&mut again.bytes, 16, &[0xee; 4]);
        m.insert(at + 1, again);
        list(&m, at + 1)
    }),
    ("End-to-End id used again", &["end-to-end-reused"], "RFC 6733 section 3", |m, at| {
        let answer = answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec();
        let (mut asked, mut answered) = (m[at].clone(), m[answer].clone());
        put(&mut asked.bytes, 12, &[0xee; 4]);
        put(&mut answered.bytes, 12, &[0xee; 4]);
        m.splice(answer + 1..answer + 1, [asked, answered]);
        list(&m, answer + 1)
    }),
    ("answer that is late", &["answer-late"], "RFC", |m, at| change_if(m, at, is_answer, |s| { s.silence = 12; true })),
    ("Proxy-Info not brought back", &["proxy-info"], "RFC 6733 section 6.2", |m, at| {
        let answer = answer_of(m, at).filter(|answer| is_application(&m[at]) && m[*answer].bytes[4] & 0x20 == 0)?;
        let mut m = m.to_vec();
        let members = [
            raw(key::<dictionary::ProxyHost>(), AvpFlags(0x40), b"relay.example.net"),
            raw(key::<dictionary::ProxyState>(), AvpFlags(0x40), b"abcd"),
        ].concat();
        m[at].and(raw(key::<dictionary::ProxyInfo>(), AvpFlags(0x40), &members));
        list(&m, answer)
    }),
    ("no result", &["result", "avp-missing"], "", |m, at| change_if(m, at, succeeds, |s| s.without(key::<dictionary::ResultCode>()))),
    ("two results", &["result"], "RFC 6733 section 7.1", |m, at| change_if(m, at, |s| succeeds(s) && is_application(s), |s| {
        let members = [
            raw(key::<dictionary::VendorId>(), AvpFlags(0x40), &10415_u32.to_be_bytes()),
            raw(key::<dictionary::ExperimentalResultCode>(), AvpFlags(0x40), &5001_u32.to_be_bytes()),
        ].concat();
        s.and(raw(key::<dictionary::ExperimentalResult>(), AvpFlags(0x40), &members))
    })),
    ("result of no class", &["result-class"], "RFC 6733 section 7.1", |m, at| change_if(m, at, succeeds, |s| result(s, 6001))),
    ("protocol error without E", &["error-flag"], "RFC 6733 section 7.2", |m, at| change_if(m, at, succeeds, |s| result(s, 3002))),
    ("success with E", &["error-flag"], "RFC 6733 section 7.2", |m, at| change_if(m, at, succeeds, |s| { s.bytes[4] |= 0x20; true })),
    ("error without Failed-AVP", &["failed-avp"], "RFC 6733 section 7.1.5", |m, at| change_if(m, at, succeeds, |s| result(s, 5001))),
    ("no capabilities exchange", &["capabilities-first"], "RFC 6733 section 5.3", |m, at| {
        if !m[at].is(257, true) { return None; }
        let association = m[at].association;
        let first = m.iter().filter(|s| s.header().code != 257 || s.association != association).position(|s| s.association == association)?;
        let m: Vec<_> = m.iter().filter(|s| s.header().code != 257 || s.association != association).cloned().collect();
        list(&m, first)
    }),
    ("capabilities asked for by the side that was called", &["capabilities-side"], "RFC 6733 section 5.6", |m, at| {
        // The called side asks first; the scene opens from the side that asked in truth.
        let answer = answer_of(m, at).filter(|_| m[at].is(257, true))?;
        let mut m = m.to_vec();
        let (caller, called) = (m[at].source, m[at].destination);
        (m[at].source, m[at].destination) = (called, caller);
        (m[answer].source, m[answer].destination) = (caller, called);
        let mut opening = m[at].clone();
        (opening.source, opening.destination) = (caller, called);
        let scene = open_from(&m, m[at].association, caller, called);
        let at = vec![scene.of[at]];
        Some(Injected { scene, at })
    }),
    ("message before CEA", &["capabilities-unanswered"], "RFC 6733 section 5.3", |m, at| {
        let answer = answer_of(m, at).filter(|_| m[at].is(257, true))?;
        let next = (answer + 1..m.len()).find(|n| m[*n].association == m[at].association && m[*n].source == m[at].source)?;
        let mut m = m.to_vec();
        let moved = m.remove(next);
        m.insert(answer, moved);
        list(&m, answer)
    }),
    ("message after refused capabilities", &["capabilities-refused"], "RFC 6733 section 5.3", |m, at| {
        if !m[at].is(257, false) { return None; }
        let next = (at + 1..m.len()).find(|n| m[*n].association == m[at].association)?;
        let mut m = m.to_vec();
        result(&mut m[at], 5010);
        list(&m, next)
    }),
    ("capabilities a second time", &["capabilities-again"], "RFC 6733 section 5.6", |m, at| {
        let answer = answer_of(m, at).filter(|_| m[at].is(257, true))?;
        let mut m = m.to_vec();
        let (mut asked, mut answered) = (m[at].clone(), m[answer].clone());
        for message in [&mut asked, &mut answered] { put(&mut message.bytes, 12, &[0xee; 8]); }
        m.splice(answer + 1..answer + 1, [asked, answered]);
        list(&m, answer + 1)
    }),
    ("application that was not offered", &["application-not-offered"], "RFC 6733 section 5.3", |m, at| {
        if !m[at].is(257, true) { return None; }
        let next = (at + 1..m.len()).find(|n| m[*n].association == m[at].association && is_application(&m[*n]))?;
        let mut m = m.to_vec();
        let other_one = 16_777_999_u32.to_be_bytes();
        let (auth, group) = (key::<dictionary::AuthApplicationId>(), key::<dictionary::VendorSpecificApplicationId>());
        m[at].change(|avp| {
            if avp.key == auth { return vec![raw(avp.key, avp.flags, &other_one)]; }
            if avp.key != group { return vec![avp.whole.to_vec()]; }
            let members: Vec<u8> = avp.members().flatten().flat_map(|member| {
                if member.key == auth { raw(member.key, member.flags, &other_one) } else { member.whole.to_vec() }
            }).collect();
            vec![raw(avp.key, avp.flags, &members)]
        });
        list(&m, next)
    }),
    ("another Origin-Host in DPR", &["origin-changed"], "RFC 6733 section 5.3", |m, at| {
        change_if(m, at, |s| s.is(282, true), |s| s.with(key::<dictionary::OriginHost>(), other))
    }),
    ("Origin-State-Id that goes back", &["origin-state"], "RFC 6733 section 8.16", |m, at| {
        answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec();
        watchdog(&mut m, at, 1, Some(4), true);
        watchdog(&mut m, at, 2, Some(9), true);
        m[at + 2].silence = 5;
        list(&m, at + 2)
    }),
    ("watchdog without answer", &["watchdog-unanswered"], "RFC 3539", |m, at| {
        answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec();
        watchdog(&mut m, at, 1, None, false);
        list(&m, at)
    }),
    ("watchdogs too soon after one another", &["watchdog-early"], "RFC 3539", |m, at| {
        answer_of(m, at).filter(|_| is_application(&m[at]))?;
        let mut m = m.to_vec();
        watchdog(&mut m, at, 1, None, true);
        watchdog(&mut m, at, 2, None, true);
        list(&m, at + 2)
    }),
    ("request after DPR", &["after-disconnect"], "RFC 6733 section 5.4", |m, at| {
        answer_of(m, at).filter(|_| m[at].is(282, true))?;
        let mut m = m.to_vec();
        watchdog(&mut m, at, 1, None, true);
        // The watchdog of the side that says goodbye comes behind its goodbye.
        m[at..at + 3].rotate_right(1);
        list(&m, at + 1)
    }),
    ("message after DPA", &["after-disconnect"], "RFC 6733 section 5.4", |m, at| {
        if !m[at].is(282, false) { return None; }
        let mut m = m.to_vec();
        let asked = m[at].clone();
        m.insert(at + 1, asked);
        watchdog(&mut m, at + 1, 1, None, true);
        m.remove(at + 3);
        list(&m, at + 1)
    }),
    ("closed without DPR", &["closed-without-disconnect"], "RFC 6733 section 5.4", |m, at| {
        if !m[at].is(282, true) { return None; }
        let association = m[at].association;
        let m: Vec<_> = m.iter().filter(|s| s.association != association || s.header().code != 282).cloned().collect();
        let scene = whole(&m);
        let at = vec![*scene.closing.get(&association)?];
        Some(Injected { scene, at })
    }),
    ("ended by ABORT", &["abort"], "RFC 9260 section 9.1", |m, at| {
        if !m[at].is(282, true) { return None; }
        let association = m[at].association;
        let scene = Scene::of(m, |this| if this == association { End::Aborted } else { End::Closed });
        let at = vec![*scene.closing.get(&association)?];
        Some(Injected { scene, at })
    }),
    ("wrong CRC32c", &["crc32c"], "RFC 9260 section 6.8", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        scene.sctp(at)[8] ^= 0x55;
        Some(Injected { scene, at: vec![at] })
    }),
    ("PPID of another protocol", &["ppid"], "RFC 6733 section 2.1", |m, at| change(m, at, |s| { s.ppid = 18; true })),
    ("no PPID", &["ppid-zero"], "RFC 6733 section 2.1", |m, at| change(m, at, |s| { s.ppid = 0; true })),
    ("stream that was not agreed on", &["stream"], "RFC 9260 section 5.1.1", |m, at| change(m, at, |s| { s.stream = 77; true })),
    ("stream sequence number passed over", &["stream-sequence"], "RFC 9260 section 6.6", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        if scene.sctp(at)[13] & 2 == 0 { return None; }
        scene.mend(at, |packet| packet[22] ^= 0x40);
        Some(Injected { scene, at: vec![at] })
    }),
    ("TSN passed over", &["tsn-gap"], "RFC 9260 section 6.2", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        for index in scene.later(at) {
            scene.mend(index, |packet| {
                let tsn = u32::from_be_bytes([packet[16], packet[17], packet[18], packet[19]]).wrapping_add(1);
                put(packet, 16, &tsn.to_be_bytes());
            });
        }
        Some(Injected { scene, at: vec![at] })
    }),
    ("TSN used twice", &["tsn-reused"], "RFC 9260 section 6.2", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        let later = scene.later(at);
        let next = *later.get(1)?;
        let tsn = scene.sctp(at)[16..20].to_vec();
        scene.mend(next, |packet| put(packet, 16, &tsn));
        for index in later.into_iter().skip(2) {
            scene.mend(index, |packet| {
                let tsn = u32::from_be_bytes([packet[16], packet[17], packet[18], packet[19]]).wrapping_sub(1);
                put(packet, 16, &tsn.to_be_bytes());
            });
        }
        Some(Injected { scene, at: vec![next] })
    }),
    ("packet sent again", &["retransmission"], "RFC 9260 section 6.3", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        let again = scene.packets[at].clone();
        scene.packets.insert(at + 1, again);
        Some(Injected { scene, at: vec![at + 1] })
    }),
    ("another verification tag", &["verification-tag"], "RFC 9260 section 8.5", |m, at| {
        if !is_application(&m[at]) { return None; }
        let mut scene = whole(m);
        let at = scene.of[at];
        scene.mend(at, |packet| packet[5] ^= 0x55);
        Some(Injected { scene, at: vec![at] })
    }),
    ("chunk longer than its packet", &["chunk-length"], "RFC 9260 section 3.2", |m, at| {
        let mut scene = whole(m);
        let at = scene.of[at];
        scene.mend(at, |packet| packet[14] = packet[14].wrapping_add(16));
        Some(Injected { scene, at: vec![at] })
    }),
    ("message 1 with another ID1", &["message-1-id1"], "UE-1", |m, at| of(m, at, pc3::APPLICATION, B, true, |s| s.with(key::<dictionary::Pduid>(), other))),
    ("message 1 with another ID3", &["message-1-id3"], "UE-3", |m, at| of(m, at, pc3::APPLICATION, B, true, |s| s.with(key::<dictionary::ProseFunctionId>(), other))),
    ("message 2 with another ID1", &["message-2-unasked"], "AS-1", |m, at| of(m, at, pc2::APPLICATION, XAR, true, |s| s.with(key::<dictionary::Pduid>(), other))),
    ("message 2 without ID1", &["message-2-incomplete"], "F-2", |m, at| of(m, at, pc2::APPLICATION, XAR, true, |s| s.without(key::<dictionary::Pduid>()))),
    ("message 2 without ID2", &["message-2-incomplete"], "AS-2", |m, at| of(m, at, pc2::APPLICATION, XAR, true, |s| s.without(key::<dictionary::OriginAppLayerUserId>()))),
    ("message 2 to another function", &["message-2-function"], "AS-3", |m, at| {
        // An ID3 that is an address names no host to hold message 2 against.
        let named = |s: &Sent| s.header().application == pc3::APPLICATION && s.find(key::<dictionary::ProseFunctionId>()).is_some();
        if !m.iter().any(named) || m.iter().any(|s| s.find(key::<dictionary::ProseFunctionAddress>()).is_some()) { return None; }
        of(m, at, pc2::APPLICATION, XAR, true, |s| s.with(key::<dictionary::DestinationHost>(), other))
    }),
    ("message 4 with another ID2", &["message-4-id2"], "AS-2", |m, at| of(m, at, pc3::APPLICATION, B, false, |s| s.with(key::<dictionary::OriginAppLayerUserId>(), other))),
    ("message 5 for another UE", &["message-5-unasked"], "UE-2", |m, at| of(m, at, pc4::mme::APPLICATION, A, true, |s| s.with(key::<dictionary::UserName>(), other))),
    ("message 5 with another capability", &["message-5-altered"], "UE-2", |m, at| of(m, at, pc4::mme::APPLICATION, A, true, |s| s.with(key::<dictionary::UeProseCapability>(), other))),
    ("message 5 of a UE capable of nothing", &["message-5-incapable"], "MME-2", |m, at| of(m, at, pc4::mme::APPLICATION, A, true, |s| s.with(key::<dictionary::UeProseCapability>(), |_| vec![0; 4]))),
    ("message 6 without ID1", &["message-6-incomplete"], "F-1", |m, at| of(m, at, pc4::mme::APPLICATION, A, false, |s| s.without(key::<dictionary::Pduid>()))),
    ("message 6 without validity", &["message-6-incomplete"], "registration procedure", |m, at| of(m, at, pc4::mme::APPLICATION, A, false, |s| s.without(key::<dictionary::PduidValidityTime>()))),
    ("message 6 with another ID1 at the UE", &["message-6-altered"], "MME-3", |m, at| of(m, at, pc3::APPLICATION, A, false, |s| s.with(key::<dictionary::Pduid>(), other))),
    ("message G1 with another ID1", &["message-g1-id1"], "F-4", |m, at| of(m, at, pc4::function::APPLICATION, A, true, |s| s.with(key::<dictionary::Pduid>(), other))),
    ("message G2 without a context", &["message-g2-context"], "F-4", |m, at| of(m, at, pc4::function::APPLICATION, A, false, |s| s.without(key::<dictionary::UeContext>()))),
    ("message U1 without its marker", &["message-u1-incomplete"], "AS-5", |m, at| of(m, at, pc2::APPLICATION, PXR, true, |s| s.without(key::<dictionary::ContextMove>()))),
    ("message U1 with another old ID1", &["message-u1-binding"], "AS-5", |m, at| of(m, at, pc2::APPLICATION, PXR, true, |s| s.with(key::<dictionary::OldPduid>(), other))),
    ("message U1 with another ID5", &["message-u1-sender"], "AS-6", |m, at| of(m, at, pc2::APPLICATION, PXR, true, |s| s.with(key::<dictionary::ProseFunctionId>(), other))),
];

const A: u32 = dictionary::private::COMMAND_A;
const B: u32 = dictionary::private::COMMAND_B;
const XAR: u32 = 8_388_727;
const PXR: u32 = 8_388_676;

/// A message of the procedure, changed.
fn of(
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
fn open_from(messages: &[Sent], association: u32, caller: SocketAddr, called: SocketAddr) -> Scene {
    let mut messages = messages.to_vec();
    let first = messages.iter().position(|message| message.association == association).expect("it has messages");
    let silent = Sent { source: caller, destination: called, bytes: vec![0; 24], ppid: 99, ..messages[first].clone() };
    messages.insert(first, silent);
    let mut scene = whole(&messages);
    scene.of.remove(first);
    scene
}

/// The messages of a capture, SCTP between two addresses a side at most, as they can be written anew.
fn read(path: &Path) -> Vec<Sent> {
    let mut reader = Reader::open(path).expect("the capture is there");
    let mut messages = Vec::new();
    while let Some(message) = reader.next_message().expect("the capture is sound") {
        if message.transport == Transport::Sctp && message.source.is_ipv4() {
            messages.push(Sent {
                association: message.association,
                source: message.source,
                destination: message.destination,
                bytes: message.bytes.to_vec(),
                ppid: 46,
                stream: 0,
                silence: 0,
            });
        }
    }
    messages
}

/// Captures of the repository that are clean when they are written anew.
fn clean() -> Vec<(String, Vec<Sent>)> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let folders = |path: &Path| -> Vec<PathBuf> {
        let mut found: Vec<_> =
            std::fs::read_dir(path).expect("a folder").flatten().map(|entry| entry.path()).collect();
        found.retain(|path| path.is_dir());
        found.sort();
        found
    };
    let mut found = Vec::new();
    for case in folders(&captures).iter().flat_map(|interface| folders(interface)) {
        let messages = read(&case.join("input.pcapng"));
        let known = messages.iter().all(|message| interfaces::command_of(&message.header()).is_some());
        if known && !messages.is_empty() && whole(&messages).judge().findings.is_empty() {
            found.push((case.strip_prefix(&captures).expect("within").display().to_string(), messages));
        }
    }
    found
}

#[test]
fn each_single_fault_is_found_in_its_frame_under_its_clause() {
    let clean = clean();
    assert!(clean.len() >= 10, "{} clean captures", clean.len());
    assert!(clean.iter().any(|(name, _)| name.ends_with("registered-and-moved")), "the demo's registration is clean");
    let mut table = format!("{:52} {:>8} {:>6}  checks\n", "kind", "injected", "found");
    let (mut overlooked, mut ids) = (Vec::new(), std::collections::BTreeSet::new());
    for (kind, expected, clause, inject) in KINDS {
        let (mut injected, mut found) = (0, 0);
        for (name, messages) in &clean {
            let mut sites = 0;
            for at in 0..messages.len() {
                if sites >= SITES {
                    break;
                }
                let Some(fault) = inject(messages, at) else { continue };
                sites += 1;
                injected += 1;
                let report = fault.scene.judge();
                let frames: Vec<u64> = fault.at.iter().map(|packet| *packet as u64 + 1).collect();
                let hit = report.findings.iter().find(|finding| {
                    expected.contains(&finding.check.id)
                        && frames.contains(&finding.frame)
                        && finding.clause.starts_with(clause)
                        && !finding.clause.is_empty()
                });
                match hit {
                    Some(hit) => {
                        found += 1;
                        ids.insert(hit.check.id);
                    }
                    None => overlooked.push(format!(
                        "{kind} in {name}, message {at}, frames {frames:?}: {:#?}",
                        report.findings.iter().map(ToString::to_string).collect::<Vec<_>>()
                    )),
                }
            }
        }
        let _ = writeln!(table, "{kind:52} {injected:>8} {found:>6}  {}", expected.join(", "));
        if injected == 0 {
            overlooked.push(format!("{kind}: no site for it in any capture"));
        }
    }
    println!("{table}\n{} kinds, {} of {} checks", KINDS.len(), ids.len(), CHECKS.len());
    assert!(overlooked.is_empty(), "{} overlooked:\n{}", overlooked.len(), overlooked.join("\n"));
    assert!(KINDS.len() >= 40);
    assert!(KINDS.iter().flat_map(|(_, expected, _, _)| *expected).all(|id| checks::by_id(id).is_some()));
}

/// A registration and move as the demo records it, as often as it takes to make 100,000 messages, each time another UE.
#[test]
fn a_clean_capture_of_100000_messages_gives_no_finding() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let one = read(&captures.join("registration/registered-and-moved/input.pcapng"));
    let is_between_neighbours = |message: &Sent| message.header().application == 0;
    let ids: Vec<Vec<u8>> = {
        let mut found: Vec<Vec<u8>> = Vec::new();
        let keys =
            [key::<dictionary::Pduid>(), key::<dictionary::OldPduid>(), key::<dictionary::OriginAppLayerUserId>()];
        let imsi = |data: &[u8]| data.len() == 15 && data.iter().all(u8::is_ascii_digit);
        for avp in one.iter().flat_map(Sent::avps) {
            let named = keys.contains(&avp.key) || avp.key == key::<dictionary::UserName>() && imsi(avp.data);
            if named && !found.contains(&avp.data.to_vec()) {
                found.push(avp.data.to_vec());
            }
        }
        found
    };
    assert!(ids.len() >= 4, "{} identifiers", ids.len());
    let (mut head, rest): (Vec<Sent>, Vec<Sent>) =
        one.iter().cloned().partition(|m| m.is(257, true) || m.is(257, false));
    let (tail, body): (Vec<Sent>, Vec<Sent>) = rest.into_iter().partition(is_between_neighbours);
    let mut number = 0_u32;
    while head.len() + tail.len() < 100_000 {
        number += 1;
        for message in &body {
            let mut message = message.clone();
            for id in &ids {
                // The last digits or octets count the UEs: in base 64 where any letter will do.
                let mut new = id.clone();
                let length = new.len();
                if new.iter().all(u8::is_ascii_digit) {
                    let digits = format!("{number:05}");
                    new[length - 6..length - 1].copy_from_slice(digits.as_bytes());
                } else if length == 8 {
                    new[length - 4..length - 1].copy_from_slice(&number.to_be_bytes()[1..]);
                } else {
                    let letters = format!("{number:05}");
                    new[length - 5..].copy_from_slice(letters.as_bytes());
                }
                let mut at = HEADER_LENGTH;
                while let Some(step) = message.bytes[at..].windows(length).position(|octets| octets == id) {
                    message.bytes[at + step..at + step + length].copy_from_slice(&new);
                    at += step + length;
                }
            }
            for place in [12, 16] {
                let old = u32::from_be_bytes(message.bytes[place..place + 4].try_into().expect("four"));
                let new = old.wrapping_add(number.wrapping_mul(1 << 12));
                put(&mut message.bytes, place, &new.to_be_bytes());
            }
            head.push(message);
        }
    }
    head.extend(tail);
    let report = whole(&head).judge();
    let few: Vec<_> = report.findings.iter().take(5).map(ToString::to_string).collect();
    assert!(report.findings.is_empty(), "{} findings: {few:#?}", report.findings.len());
    assert!(report.messages >= 100_000, "{} messages", report.messages);
    assert_eq!((report.registrations, report.moves), (u64::from(number), u64::from(number)));
    let unknown = head.iter().filter(|message| interfaces::command_of(&message.header()).is_none()).count();
    assert_eq!(unknown, 0);
    println!("{} messages of {number} UEs, no finding", report.messages);
}

/// The captures are judged together, under names.
fn together(files: &[Vec<u8>]) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs: Vec<_> = files
        .iter()
        .enumerate()
        .map(|(number, octets)| {
            let path = folder.path().join(format!("{number}.pcapng"));
            std::fs::write(&path, octets).expect("a folder takes a file");
            Input { name: number.to_string(), open: Box::new(move || Reader::open(&path)) }
        })
        .collect();
    verify_captures(&inputs, Options { steps: true }, |capture, error| panic!("capture {capture}: {error}"))
}

fn file_of(packets: Vec<(u64, Vec<u8>)>) -> Vec<u8> {
    Scene { packets, of: Vec::new(), closing: HashMap::new() }.file()
}

#[test]
fn a_registration_is_followed_over_captures_of_each_leg_of_each_hour_and_of_both_ends() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let scene = whole(&read(&captures.join("registration/registered-and-moved/input.pcapng")));
    let mut legs: std::collections::BTreeMap<Vec<u8>, Vec<(u64, Vec<u8>)>> = std::collections::BTreeMap::new();
    for (time, packet) in &scene.packets {
        let (source, destination) =
            ([&packet[12..16], &packet[20..22]].concat(), [&packet[16..20], &packet[22..24]].concat());
        let ends = if source < destination { [source, destination] } else { [destination, source] }.concat();
        legs.entry(ends).or_default().push((*time, packet.clone()));
    }
    assert!(legs.len() > 5, "{} legs", legs.len());
    let (first, second) = scene.packets.split_at(scene.packets.len() / 2);
    for (files, copies) in [
        // Backwards, as the order in which they are given means nothing.
        (legs.into_values().rev().map(file_of).collect::<Vec<_>>(), 0),
        (vec![file_of(second.to_vec()), file_of(first.to_vec())], 0),
        (vec![scene.file(), scene.file()], scene.of.len() as u64),
    ] {
        let report = together(&files);
        assert_eq!(report.findings.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
        assert_eq!((report.registrations, report.moves, report.captures.len()), (1, 1, files.len()));
        assert_eq!(report.captures.iter().map(|capture| capture.copies).sum::<u64>(), copies);
        assert_eq!(report.ues.len(), 1);
        let steps: Vec<_> = report.ues[0].steps.iter().map(|step| step.name).collect();
        for name in ["5", "6", "1", "2", "3", "4", "G1", "G2", "U1", "U2"] {
            assert!(steps.contains(&name), "{name} is missing: {steps:?}");
        }
    }
}
