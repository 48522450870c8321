//! The messages of one input in memory: a capture, JSON as `decode --json` prints it, raw messages, hexadecimal.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;

use serde_json::Value;

use super::call::draft;
use super::decode::input::{Input, Opened};
use super::exit;
use crate::avp::{Avps, Key};
use crate::capture::{CapturedMessage, Reader, Transport};
use crate::diff::Entry;
use crate::message::filter::{Filter, Subject};
use crate::message::{HEADER_LENGTH, Header};

/// The most octets of messages that are held.
const LIMIT: usize = 512 << 20;

/// The messages of one input.
#[derive(Debug, Default)]
pub struct Conversation {
    octets: Vec<u8>,
    places: Vec<Place>,
    /// What ended the reading early, with its exit code; what came before is there.
    pub damage: Option<(String, u8)>,
}

/// Where a message stands.
#[derive(Clone, Debug)]
pub struct Place {
    range: Range<usize>,
    /// Frame of the capture, or number of the message, from 1.
    pub frame: u64,
    /// Place within the frame, from 0.
    pub index: u32,
    /// Association or connection.
    pub association: u32,
    /// Tells the sides of an association apart.
    pub sender: u64,
    /// Who sent it, where the input says so.
    pub source: Option<SocketAddr>,
}

impl Place {
    /// `frame 12` or `frame 12, message 2`.
    pub fn name(&self) -> String {
        match self.index {
            0 => format!("frame {}", self.frame),
            index => format!("frame {}, message {}", self.frame, index + 1),
        }
    }
}

impl Conversation {
    /// Reads an input whole, only messages that `filter` accepts.
    ///
    /// # Errors
    /// What is wrong, and the exit code.
    pub fn read(path: &Path, filter: Option<&Filter>) -> Result<Self, (String, u8)> {
        let input = Input::named(path);
        let name = input.name().to_owned();
        let opened = input.open().map_err(|error| (format!("{name}: {error}"), error.code()))?;
        match opened {
            Opened::Capture(mut reader) => Self::of_capture(&name, &mut reader, filter),
            Opened::Messages(octets) => Self::of_messages(&name, &octets, filter),
            Opened::Json(text) => Self::of_json(&name, &text, filter).map_err(|words| (words, exit::MALFORMED)),
        }
    }

    /// The messages of a capture; `name` is for what is wrong with it.
    ///
    /// # Errors
    /// When more is in it than is held.
    pub fn of_capture(name: &str, reader: &mut Reader<'_>, filter: Option<&Filter>) -> Result<Self, (String, u8)> {
        let mut this = Self::default();
        let mut senders = Numbers::default();
        loop {
            match reader.next_message() {
                Ok(Some(message)) => {
                    let Some(header) = Header::parse(message.bytes) else { continue };
                    if filter.is_none_or(|filter| filter.matches(&subject(&message, header))) {
                        let place = Place {
                            range: 0..0,
                            frame: message.frame,
                            index: message.index,
                            association: message.association,
                            sender: senders.of(&message.source.to_string()),
                            source: Some(message.source),
                        };
                        this.push(name, message.bytes, place)?;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    this.damage = Some((format!("{name}: {error}"), exit::of_capture(&error)));
                    break;
                }
            }
        }
        Ok(this)
    }

    /// Messages end to end, of one association.
    fn of_messages(name: &str, octets: &[u8], filter: Option<&Filter>) -> Result<Self, (String, u8)> {
        let mut this = Self::default();
        let mut senders = Numbers::default();
        let mut rest = octets;
        while !rest.is_empty() {
            let header = Header::parse(rest);
            let length = header.map_or(0, |header| header.length as usize);
            let Some((bytes, after)) = rest.split_at_checked(length).filter(|_| length >= HEADER_LENGTH) else {
                let offset = octets.len() - rest.len();
                this.damage = Some((format!("{name}: octet {offset}: no whole message begins here"), exit::MALFORMED));
                break;
            };
            this.alone(name, bytes, None, &mut senders, filter)?;
            rest = after;
        }
        Ok(this)
    }

    /// Messages in JSON. `src`, `dst` and `transport` tell associations apart where they are there.
    ///
    /// # Errors
    /// The first place that is no message.
    pub fn of_json(name: &str, text: &str, filter: Option<&Filter>) -> Result<Self, String> {
        let mut this = Self::default();
        let mut senders = Numbers::default();
        let mut ways = Numbers::default();
        for document in draft::parse(name, text)? {
            let bytes = document.message()?;
            let word = |key: &str| document.value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (source, destination, transport) = (word("src"), word("dst"), word("transport"));
            if source.is_empty() && destination.is_empty() {
                let frame = document.value.get("frame").and_then(Value::as_u64);
                this.alone(name, &bytes, frame, &mut senders, filter).map_err(|(words, _)| words)?;
                continue;
            }
            let Some(header) = Header::parse(&bytes) else { continue };
            let number = |key: &str| document.value.get(key).and_then(Value::as_u64);
            let frame = number("frame").unwrap_or(this.places.len() as u64 + 1);
            if filter.is_some_and(|filter| !filter.matches(&plain(&bytes, header, frame))) {
                continue;
            }
            let way = if source < destination { (&source, &destination) } else { (&destination, &source) };
            let place = Place {
                range: 0..0,
                frame,
                index: number("index").and_then(|index| u32::try_from(index).ok()).unwrap_or_default(),
                association: ways.of(&format!("{transport} {} {}", way.0, way.1)) as u32,
                sender: senders.of(&source),
                source: source.parse().ok(),
            };
            this.push(name, &bytes, place).map_err(|(words, _)| words)?;
        }
        Ok(this)
    }

    /// A message of which only its octets are known: its Origin-Host tells who sent it.
    fn alone(
        &mut self,
        name: &str,
        bytes: &[u8],
        frame: Option<u64>,
        senders: &mut Numbers,
        filter: Option<&Filter>,
    ) -> Result<(), (String, u8)> {
        let Some(header) = Header::parse(bytes) else { return Ok(()) };
        let frame = frame.unwrap_or(self.places.len() as u64 + 1);
        if filter.is_some_and(|filter| !filter.matches(&plain(bytes, header, frame))) {
            return Ok(());
        }
        let sender = senders.of(&text_of(bytes, ORIGIN_HOST).unwrap_or_default());
        self.push(name, bytes, Place { range: 0..0, frame, index: 0, association: 0, sender, source: None })
    }

    fn push(&mut self, name: &str, bytes: &[u8], place: Place) -> Result<(), (String, u8)> {
        let start = self.octets.len();
        if start + bytes.len() > LIMIT {
            let words = format!("{name}: more than {LIMIT} octets of messages; take a part of them with -Y");
            return Err((words, exit::USAGE));
        }
        self.octets.extend_from_slice(bytes);
        self.places.push(Place { range: start..self.octets.len(), ..place });
        Ok(())
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// True when there is none.
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// A message and where it stands.
    pub fn get(&self, at: usize) -> Option<(&Place, &[u8])> {
        let place = self.places.get(at)?;
        Some((place, self.octets.get(place.range.clone())?))
    }

    /// All messages, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Place, &[u8])> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// The messages as the pairing takes them.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        self.iter()
            .map(|(place, bytes)| Entry { association: place.association, sender: place.sender, bytes })
            .collect()
    }
}

const ORIGIN_HOST: Key = Key::new(0, 264);

/// The text of the first AVP of that key.
pub fn text_of(message: &[u8], key: Key) -> Option<String> {
    let body = message.get(HEADER_LENGTH..)?;
    let found = Avps::new(body).map_while(Result::ok).find(|avp| avp.key == key)?;
    str::from_utf8(found.data).ok().map(str::to_owned)
}

/// Numbers for names, in the order met.
#[derive(Default)]
struct Numbers(HashMap<String, u64>);

impl Numbers {
    fn of(&mut self, name: &str) -> u64 {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let number = self.0.len() as u64;
        self.0.insert(name.to_owned(), number);
        number
    }
}

fn subject<'m>(message: &'m CapturedMessage<'m>, header: Header) -> Subject<'m> {
    Subject {
        time: Some(message.time.as_nanoseconds()),
        sctp: Some(message.transport == Transport::Sctp),
        source: Some(message.source),
        destination: Some(message.destination),
        ppid: message.ppid,
        stream: message.stream,
        ..plain(message.bytes, header, message.frame)
    }
}

fn plain(bytes: &[u8], header: Header, frame: u64) -> Subject<'_> {
    Subject {
        message: bytes,
        header,
        frame,
        time: None,
        sctp: None,
        source: None,
        destination: None,
        ppid: None,
        stream: None,
    }
}
