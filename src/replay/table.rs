//! What stands for what: the captured value on one side, the live one on the other.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use thiserror::Error;

use super::script::{End, Side};
use crate::avp::dictionary::{
    self, AcctMultiSessionId, BannedPduid, DestinationHost, DestinationRealm, EventTimestamp, HostIpAddress, OldPduid,
    OriginAppLayerUserId, OriginHost, OriginRealm, OriginStateId, Pduid, ProxyInfo, SessionId, TargetPduid, write_raw,
    write_whole,
};
use crate::avp::format::Kind;
use crate::avp::{Avps, Key};
use crate::message::check::NESTING_LIMIT;
use crate::message::declare::finish_message;
use crate::message::{HEADER_LENGTH, json};

/// State of RFC 4072, which the typed tables have no need of.
const STATE: Key = Key::new(dictionary::IETF, 24);

/// Values that share what they stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Class {
    Session,
    Host(Side),
    Realm(Side),
    /// ID1 and ID4 under all their names.
    Pduid,
    /// An AVP of its own.
    Own(Key),
}

/// An AVP that the user wants changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    key: Key,
    /// The value it must have; any when `None`.
    old: Option<Vec<u8>>,
    new: Vec<u8>,
}

/// Why a change cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?}: {what}; NAME=VALUE or NAME=OLD=>NEW is expected, e.g. User-Name=001010000000002")]
pub struct ChangeError {
    text: String,
    what: String,
}

impl std::str::FromStr for Change {
    type Err = ChangeError;

    fn from_str(text: &str) -> Result<Self, ChangeError> {
        let wrong = |what: String| ChangeError { text: text.to_owned(), what };
        let (name, value) = text.split_once('=').ok_or_else(|| wrong("there is no `=`".to_owned()))?;
        let definition =
            dictionary::by_name(name).ok_or_else(|| wrong(format!("the dictionary has no AVP called {name}")))?;
        let read = |value: &str| -> Result<Vec<u8>, ChangeError> {
            let as_text = Value::String(value.to_owned());
            let number =
                value.parse::<i64>().ok().map(Value::from).or_else(|| value.parse::<u64>().ok().map(Value::from));
            let number = number.filter(|_| {
                !matches!(
                    definition.kind,
                    Kind::UTF8String | Kind::OctetString | Kind::DiameterIdentity | Kind::DiameterURI
                )
            });
            let avp = serde_json::json!([{"name": name, "value": number.unwrap_or(as_text)}]);
            let octets = json::avps_from_json(&avp, name).map_err(|error| wrong(error.to_string()))?;
            let data = Avps::new(&octets).next().and_then(Result::ok).map(|avp| avp.data.to_vec());
            Ok(data.unwrap_or_default())
        };
        let (old, new) = match value.split_once("=>") {
            Some((old, new)) => (Some(read(old)?), read(new)?),
            None => (None, read(value)?),
        };
        Ok(Self { key: definition.key, old, new })
    }
}

/// What the name of a side of a conversation has become.
#[derive(Clone, Debug)]
struct Name {
    captured: Vec<u8>,
    live: Vec<u8>,
    /// It takes the place of all origins on that side, not of the captured one alone.
    of_origins: bool,
    /// The same of destinations.
    of_destinations: bool,
}

/// The substitutions of one run. Grows by what is learned, at most one entry an AVP of the script.
#[derive(Clone, Debug, Default)]
pub struct Table {
    values: HashMap<(Class, Vec<u8>), Vec<u8>>,
    /// What the names of the two sides of a conversation have become.
    names: HashMap<(usize, Class), Name>,
    changes: Vec<Change>,
    kept: HashSet<Key>,
    learned: HashSet<Key>,
}

/// Who speaks to whom, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'a> {
    pub conversation: usize,
    pub from: Side,
    /// Our address, our Origin-State-Id: for what we send.
    pub address: Option<std::net::IpAddr>,
    pub origin_state: Option<u32>,
    /// Seconds between then and now.
    pub shift: i64,
    /// The live request and the captured one, of an answer.
    pub echo: Option<(&'a [u8], &'a [u8])>,
}

impl Table {
    /// A table that changes what the user wants changed, and leaves alone the AVPs `kept`. `learned`: AVPs whose live values
    /// replace the captured ones, beside those that are known to be handed out.
    #[must_use]
    pub fn new(changes: Vec<Change>, kept: HashSet<Key>, learned: HashSet<Key>) -> Self {
        let mut table = Self { kept, learned, ..Self::default() };
        for change in &changes {
            // One value under several names: an ID1 that is changed is changed wherever it is spoken of.
            if let (Some(old), Some(class @ (Class::Pduid | Class::Own(_)))) =
                (&change.old, table.class(change.key, Side::Client))
            {
                table.values.insert((class, old.clone()), change.new.clone());
            }
        }
        table.changes = changes;
        table
    }

    /// Tells what host and realm of one side of a conversation have become. Other names on that side belong to nodes behind
    /// it and stay, where it is a relay (`relays`) or has the name of the captured one; else it stands for them all. Those in
    /// whose names we speak stay anyway (`ours`).
    pub fn name(
        &mut self,
        conversation: usize,
        side: Side,
        captured: &End,
        live: (&str, &str),
        relays: bool,
        ours: bool,
    ) {
        let alone = !relays && !live.0.eq_ignore_ascii_case(&captured.identity);
        let names = [
            (Class::Host(side), captured.identity.as_str(), live.0),
            (Class::Realm(side), captured.realm.as_str(), live.1),
        ];
        for (class, captured, live) in names {
            let name = Name {
                captured: captured.as_bytes().to_vec(),
                live: live.as_bytes().to_vec(),
                of_origins: alone && !ours || captured.is_empty(),
                of_destinations: alone || captured.is_empty(),
            };
            self.names.insert((conversation, class), name);
        }
    }

    /// What the Origin-Host of a message becomes.
    pub(super) fn host(&self, setting: &Setting<'_>, captured: &[u8]) -> String {
        let live = self.value(<OriginHost as dictionary::Declared>::DEFINITION.key, captured, setting, 0);
        String::from_utf8_lossy(live.as_deref().unwrap_or(captured)).into_owned()
    }

    /// The class of an AVP in a message from that side.
    fn class(&self, key: Key, from: Side) -> Option<Class> {
        Some(match key.0 {
            SessionId::KEY => Class::Session,
            OriginHost::KEY => Class::Host(from),
            OriginRealm::KEY => Class::Realm(from),
            DestinationHost::KEY => Class::Host(from.other()),
            DestinationRealm::KEY => Class::Realm(from.other()),
            Pduid::KEY | TargetPduid::KEY | BannedPduid::KEY | OldPduid::KEY => Class::Pduid,
            OriginAppLayerUserId::KEY | AcctMultiSessionId::KEY | dictionary::Class::KEY => Class::Own(key),
            _ if key == STATE || self.learned.contains(&key) => Class::Own(key),
            _ => return None,
        })
    }

    /// The live session of a captured one.
    pub(super) fn session(&self, captured: &[u8]) -> Option<&[u8]> {
        self.values.get(&(Class::Session, captured.to_vec())).map(Vec::as_slice)
    }

    /// Says which live session a captured one has become.
    pub(super) fn set_session(&mut self, captured: &[u8], live: &[u8]) {
        self.values.insert((Class::Session, captured.to_vec()), live.to_vec());
    }

    /// Learns from a live message what it hands out where the captured one handed out something else.
    pub(super) fn learn(&mut self, captured: &[u8], live: &[u8], from: Side) {
        let body = |message: &'_ [u8]| message.get(HEADER_LENGTH..).unwrap_or_default().to_vec();
        self.learn_level(&body(captured), &body(live), from, 0);
    }

    fn learn_level(&mut self, captured: &[u8], live: &[u8], from: Side, depth: usize) {
        let mut theirs: HashMap<Key, Vec<&[u8]>> = HashMap::new();
        for avp in Avps::new(live).map_while(Result::ok) {
            theirs.entry(avp.key).or_default().push(avp.data);
        }
        let mut seen: HashMap<Key, usize> = HashMap::new();
        for avp in Avps::new(captured).map_while(Result::ok) {
            let place = seen.entry(avp.key).or_insert(0);
            let data = theirs.get(&avp.key).and_then(|all| all.get(*place)).copied();
            *place += 1;
            let Some(data) = data else { continue };
            if self.kept.contains(&avp.key) {
                continue;
            }
            if let Some(class) = self.class(avp.key, from) {
                let destination = avp.key.0 == DestinationHost::KEY || avp.key.0 == DestinationRealm::KEY;
                if !destination {
                    self.values.entry((class, avp.data.to_vec())).or_insert_with(|| data.to_vec());
                }
            } else if depth < NESTING_LIMIT && is_group(avp.key) {
                self.learn_level(avp.data, data, from, depth + 1);
            }
        }
    }

    /// A captured message as it is to be now, but for the identifiers of its header.
    pub(super) fn rewrite(&self, message: &[u8], setting: &Setting<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(message.len() + 64);
        let (header, body) = message.split_at_checked(HEADER_LENGTH).unwrap_or((message, &[]));
        out.extend_from_slice(header);
        self.level(body, setting, 0, &mut out);
        if let Some((live, _)) = setting.echo {
            let body = Avps::new(live.get(HEADER_LENGTH..).unwrap_or_default());
            for avp in body.map_while(Result::ok).filter(|avp| avp.key.0 == ProxyInfo::KEY) {
                write_whole(&avp, &mut out);
            }
        }
        let version = header.first().copied();
        finish_message(0, &mut out);
        if let (Some(first), Some(version)) = (out.first_mut(), version) {
            *first = version;
        }
        out
    }

    fn level(&self, body: &[u8], setting: &Setting<'_>, depth: usize, out: &mut Vec<u8>) {
        let mut walk = Avps::new(body);
        loop {
            let rest = walk.rest();
            let avp = match walk.next() {
                None => return,
                // What cannot be told apart is said again as it was.
                Some(Err(_)) => return out.extend_from_slice(rest),
                Some(Ok(avp)) => avp,
            };
            if depth == 0 && setting.echo.is_some() && avp.key.0 == ProxyInfo::KEY {
                continue;
            }
            if let Some(data) = self.value(avp.key, avp.data, setting, depth) {
                write_raw(avp.key, avp.flags, &data, out);
            } else if depth < NESTING_LIMIT && is_group(avp.key) && !self.kept.contains(&avp.key) {
                let mut members = Vec::with_capacity(avp.data.len());
                self.level(avp.data, setting, depth + 1, &mut members);
                write_raw(avp.key, avp.flags, &members, out);
            } else {
                write_whole(&avp, out);
            }
        }
    }

    /// What an AVP's data becomes; `None` when it stays.
    fn value(&self, key: Key, data: &[u8], setting: &Setting<'_>, depth: usize) -> Option<Vec<u8>> {
        let change =
            self.changes.iter().find(|change| change.key == key && change.old.as_deref().is_none_or(|old| old == data));
        if let Some(change) = change {
            return Some(change.new.clone());
        }
        if self.kept.contains(&key) {
            return None;
        }
        if let Some(class) = self.class(key, setting.from) {
            let known = self.values.get(&(class, data.to_vec()));
            let name = self.names.get(&(setting.conversation, class));
            let destination = key.0 == DestinationHost::KEY || key.0 == DestinationRealm::KEY;
            let name = name.filter(|name| {
                let of_all = if destination { name.of_destinations } else { name.of_origins };
                of_all || name.captured.eq_ignore_ascii_case(data)
            });
            if let Some(value) = known.or_else(|| name.map(|name| &name.live)) {
                return Some(value.clone());
            }
        }
        match key.0 {
            HostIpAddress::KEY => {
                let mut out = Vec::new();
                let address = crate::avp::Address::from(setting.address?);
                <crate::avp::Address<'_> as crate::avp::format::Format>::write(&address, &mut out);
                Some(out)
            }
            OriginStateId::KEY => setting.origin_state.map(|state| state.to_be_bytes().to_vec()),
            EventTimestamp::KEY => {
                let then = u32::from_be_bytes(data.try_into().ok()?);
                Some(then.wrapping_add(setting.shift as u32).to_be_bytes().to_vec())
            }
            _ if depth == 0 => {
                // What the captured answer repeated of its request, the live one repeats of its own.
                let (live, captured) = setting.echo?;
                let of = |message: &'_ [u8]| -> Option<Vec<u8>> {
                    let body = Avps::new(message.get(HEADER_LENGTH..)?);
                    body.map_while(Result::ok).find(|avp| avp.key == key).map(|avp| avp.data.to_vec())
                };
                (of(captured)? == data).then(|| of(live)).flatten().filter(|live| live != data)
            }
            _ => None,
        }
    }
}

fn is_group(key: Key) -> bool {
    dictionary::lookup(key).is_some_and(|definition| definition.kind == Kind::Grouped)
}
