//! A stored context as octets.
//!
//! Written by hand rather than by a general serialiser: a million UEs with three applications each live in one file,
//! and a record that names nothing and repeats nothing is a third of its JSON. A schema octet in front lets a later
//! layout live beside this one, a CRC32c behind tells a damaged record from a different one.
//!
//! ```text
//! schema 1 │ version │ expires+1 │ imsi 8 │ flags │ [msisdn 8] │ id1 8, until │ n × (id1 8, until) │ permission │
//! n × allowed PLMN │ [visited 3] │ [hss] │ n × reset-id │ state │ [moved from: id1 8, address] │ n × binding │ crc32c 4
//! ```
//! Numbers are LEB128, texts have their length in front. A text that was in the record before is written as its place
//! in the order of texts; a host below its realm is written without the realm.

#[cfg(feature = "net")]
mod index;
pub(super) mod users;

#[cfg(feature = "net")]
pub(super) use index::{id1, index, version};

use super::context::{AllowedPlmn, Binding, Id1Grant, MovedFrom, Subscription, UeContext, UeState};
use super::{Cursor, Stored};
use crate::registration::identifiers::{Fqdn, FunctionAddress, Id2, Imsi, Msisdn, Pduid, PlmnId, UnixSeconds};

/// Why a record of the store cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    #[error("its checksum does not match, the file is damaged")]
    Checksum,
    #[error("it ends at octet {at} within {what}")]
    Short { at: usize, what: &'static str },
    #[error("{what} at octet {at} cannot be one")]
    Field { at: usize, what: &'static str },
    #[error("{left} octets follow its end")]
    Trailing { left: usize },
    #[error("it has schema {found}, this proselink knows up to {SCHEMA}")]
    Schema { found: u8 },
    #[error("{what} is not readable")]
    Value { what: &'static str },
}

/// Of a record; the file has its own.
pub(super) const SCHEMA: u8 = 1;

const HAS_MSISDN: u8 = 1;
const HAS_VISITED_PLMN: u8 = 2;
const HAS_HSS: u8 = 4;
const HAS_MOVED_FROM: u8 = 8;

const HAS_PLMN: u8 = 1;
const HAS_RANGE: u8 = 2;
const HAS_DIRECT: u8 = 4;

const UPDATE_PENDING: u8 = 1;
const HOST_IN_REALM: u8 = 2;

const CHECKSUM_OCTETS: usize = 4;

/// The record of `stored`.
pub(super) fn encode(stored: &Stored) -> Vec<u8> {
    let context = &stored.context;
    let mut out = Encoder { octets: Vec::with_capacity(256), texts: Vec::new() };
    out.octet(SCHEMA);
    out.number(stored.version.0);
    out.number(stored.expires_at.map_or(0, |at| at.0.saturating_add(1)));
    out.octets(&context.imsi.packed().to_be_bytes());
    let subscription = &context.subscription;
    out.octet(
        flag(context.msisdn.is_some(), HAS_MSISDN)
            | flag(subscription.visited_plmn.is_some(), HAS_VISITED_PLMN)
            | flag(subscription.hss.is_some(), HAS_HSS)
            | flag(context.moved_from.is_some(), HAS_MOVED_FROM),
    );
    if let Some(msisdn) = context.msisdn {
        out.octets(&msisdn.packed().to_be_bytes());
    }
    out.grant(&context.id1);
    out.number(context.previous_id1.len() as u64);
    context.previous_id1.iter().for_each(|grant| out.grant(grant));
    out.subscription(subscription);
    match &context.state {
        UeState::Registered => out.octet(0),
        UeState::Moving { to, since } => out.state(1, to, *since),
        UeState::Moved { to, forget_after } => out.state(2, to, *forget_after),
    }
    if let Some(MovedFrom { id1, function }) = &context.moved_from {
        out.octets(&id1.to_octets());
        out.address(function);
    }
    out.number(context.bindings.len() as u64);
    context.bindings.iter().for_each(|binding| out.binding(binding));
    let checksum = crc32c::crc32c(&out.octets);
    out.octets(&checksum.to_be_bytes());
    out.octets
}

/// What stands behind the checksum is a record of this schema.
fn open(record: &[u8]) -> Result<Decoder<'_>, RecordFault> {
    let body = record.len().checked_sub(CHECKSUM_OCTETS).ok_or(RecordFault::Short { at: 0, what: "the checksum" })?;
    let (body, checksum) = record.split_at(body);
    if crc32c::crc32c(body).to_be_bytes() != checksum {
        return Err(RecordFault::Checksum);
    }
    open_body(body)
}

/// A record without its checksum.
fn open_body(body: &[u8]) -> Result<Decoder<'_>, RecordFault> {
    let mut input = Decoder { octets: body, at: 0, texts: Vec::new() };
    match input.octet("the schema")? {
        SCHEMA => {}
        found => return Err(RecordFault::Schema { found }),
    }
    Ok(input)
}

/// The context in a record.
pub(super) fn decode(record: &[u8]) -> Result<Stored, RecordFault> {
    let mut input = open(record)?;
    let version = Cursor(input.number("the version")?);
    let expires_at = input.number("the expiry")?.checked_sub(1).map(UnixSeconds);
    let imsi = input.packed("the IMSI", Imsi::from_packed)?;
    let flags = input.octet("the flags")?;
    let msisdn = match flags & HAS_MSISDN {
        0 => None,
        _ => Some(input.packed("the MSISDN", Msisdn::from_packed)?),
    };
    let id1 = input.grant()?;
    let previous_id1 = input.list("the previous ID1s", Decoder::grant)?;
    let subscription = input.subscription(flags)?;
    let state = input.state()?;
    let moved_from = match flags & HAS_MOVED_FROM {
        0 => None,
        _ => Some(MovedFrom { id1: input.id1()?, function: input.address()? }),
    };
    let bindings = input.list("the bindings", Decoder::binding)?;
    input.end()?;
    let context = UeContext { imsi, msisdn, id1, previous_id1, subscription, bindings, state, moved_from };
    Ok(Stored { version, expires_at, context })
}

fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

/// The part of `host` in front of `.realm`, when it lies below it.
fn below<'a>(host: &'a str, realm: &str) -> Option<&'a str> {
    let head = host.strip_suffix(realm)?.strip_suffix('.')?;
    (!realm.is_empty()).then_some(head)
}

struct Encoder<'a> {
    octets: Vec<u8>,
    texts: Vec<&'a str>,
}

impl<'a> Encoder<'a> {
    fn octet(&mut self, octet: u8) {
        self.octets.push(octet);
    }

    fn octets(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.octet(value as u8 | 0x80);
            value >>= 7;
        }
        self.octet(value as u8);
    }

    fn blob(&mut self, octets: &[u8]) {
        self.number(octets.len() as u64);
        self.octets(octets);
    }

    /// Zero and the text, or the place from one where it stood before.
    fn text(&mut self, text: &'a str) {
        match self.texts.iter().position(|known| *known == text) {
            Some(place) => self.number(place as u64 + 1),
            None => {
                self.octet(0);
                self.blob(text.as_bytes());
                self.texts.push(text);
            }
        }
    }

    fn grant(&mut self, grant: &Id1Grant) {
        self.octets(&grant.id1.to_octets());
        self.number(grant.valid_until.0);
    }

    fn subscription(&mut self, subscription: &'a Subscription) {
        self.number(subscription.permission.into());
        self.number(subscription.allowed_plmns.len() as u64);
        for allowed in &subscription.allowed_plmns {
            self.octet(
                flag(allowed.plmn.is_some(), HAS_PLMN)
                    | flag(allowed.discovery_range.is_some(), HAS_RANGE)
                    | flag(allowed.direct_allowed.is_some(), HAS_DIRECT),
            );
            if let Some(plmn) = allowed.plmn {
                self.octets(&plmn.to_octets());
            }
            for number in [allowed.discovery_range, allowed.direct_allowed].into_iter().flatten() {
                self.number(number.into());
            }
        }
        if let Some(plmn) = subscription.visited_plmn {
            self.octets(&plmn.to_octets());
        }
        if let Some(hss) = &subscription.hss {
            self.text(hss);
        }
        self.number(subscription.reset_ids.len() as u64);
        for reset_id in &subscription.reset_ids {
            self.blob(reset_id);
        }
    }

    fn state(&mut self, tag: u8, to: &'a FunctionAddress, at: UnixSeconds) {
        self.octet(tag);
        self.address(to);
        self.number(at.0);
    }

    fn address(&mut self, address: &'a FunctionAddress) {
        match address {
            FunctionAddress::Fqdn(name) => {
                self.octet(0);
                self.text(name.as_str());
            }
            FunctionAddress::Ipv4(address) => {
                self.octet(4);
                self.octets(&address.octets());
            }
            FunctionAddress::Ipv6(address) => {
                self.octet(6);
                self.octets(&address.octets());
            }
        }
    }

    fn binding(&mut self, binding: &'a Binding) {
        let head = below(&binding.app_server_host, &binding.app_server_realm);
        self.octet(flag(binding.update_pending, UPDATE_PENDING) | flag(head.is_some(), HOST_IN_REALM));
        self.text(&binding.application);
        self.text(&binding.app_server_realm);
        self.text(head.unwrap_or(&binding.app_server_host));
        self.blob(binding.id2.as_str().as_bytes());
        self.number(binding.bound_at.0);
    }
}

struct Decoder<'a> {
    octets: &'a [u8],
    at: usize,
    texts: Vec<&'a str>,
}

impl<'a> Decoder<'a> {
    fn octets(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], RecordFault> {
        let taken = self.at.checked_add(length).and_then(|end| self.octets.get(self.at..end));
        let taken = taken.ok_or(RecordFault::Short { at: self.at, what })?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], RecordFault> {
        let at = self.at;
        self.octets(N, what)?.try_into().map_err(|_| RecordFault::Short { at, what })
    }

    fn octet(&mut self, what: &'static str) -> Result<u8, RecordFault> {
        self.array(what).map(|[octet]| octet)
    }

    fn number(&mut self, what: &'static str) -> Result<u64, RecordFault> {
        let start = self.at;
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let octet = self.octet(what)?;
            let bits = u64::from(octet & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if octet < 0x80 {
                return Ok(value);
            }
        }
        Err(RecordFault::Field { at: start, what })
    }

    fn number32(&mut self, what: &'static str) -> Result<u32, RecordFault> {
        let at = self.at;
        self.number(what)?.try_into().map_err(|_| RecordFault::Field { at, what })
    }

    fn packed<T>(&mut self, what: &'static str, from: impl Fn(u64) -> Option<T>) -> Result<T, RecordFault> {
        let at = self.at;
        from(u64::from_be_bytes(self.array(what)?)).ok_or(RecordFault::Field { at, what })
    }

    /// The number of items of a list; every item takes an octet or more, which bounds what it may claim.
    fn length(&mut self, what: &'static str) -> Result<u64, RecordFault> {
        let at = self.at;
        let length = self.number(what)?;
        let left = (self.octets.len() - self.at) as u64;
        if length > left {
            return Err(RecordFault::Field { at, what });
        }
        Ok(length)
    }

    fn list<T>(
        &mut self,
        what: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T, RecordFault>,
    ) -> Result<Vec<T>, RecordFault> {
        (0..self.length(what)?).map(|_| item(self)).collect()
    }

    fn end(&self) -> Result<(), RecordFault> {
        match self.octets.len() - self.at {
            0 => Ok(()),
            left => Err(RecordFault::Trailing { left }),
        }
    }

    fn blob(&mut self, what: &'static str) -> Result<&'a [u8], RecordFault> {
        let at = self.at;
        let length = self.number(what)?.try_into().map_err(|_| RecordFault::Field { at, what })?;
        self.octets(length, what)
    }

    fn text(&mut self, what: &'static str) -> Result<&'a str, RecordFault> {
        let at = self.at;
        let fault = RecordFault::Field { at, what };
        match self.number(what)?.checked_sub(1) {
            Some(place) => {
                let known = usize::try_from(place).ok().and_then(|place| self.texts.get(place));
                known.copied().ok_or(fault)
            }
            None => {
                let text = std::str::from_utf8(self.blob(what)?).map_err(|_| fault)?;
                self.texts.push(text);
                Ok(text)
            }
        }
    }

    fn id1(&mut self) -> Result<Pduid, RecordFault> {
        self.array("an ID1").map(|octets| Pduid::from(u64::from_be_bytes(octets)))
    }

    fn grant(&mut self) -> Result<Id1Grant, RecordFault> {
        Ok(Id1Grant { id1: self.id1()?, valid_until: UnixSeconds(self.number("a validity time")?) })
    }

    fn plmn(&mut self) -> Result<PlmnId, RecordFault> {
        let (at, what) = (self.at, "a PLMN");
        PlmnId::from_octets(self.array(what)?).map_err(|_| RecordFault::Field { at, what })
    }

    fn subscription(&mut self, flags: u8) -> Result<Subscription, RecordFault> {
        let permission = self.number32("the permission")?;
        let allowed_plmns = self.list("the allowed PLMNs", |input| {
            let flags = input.octet("an allowed PLMN")?;
            Ok(AllowedPlmn {
                plmn: if flags & HAS_PLMN != 0 { Some(input.plmn()?) } else { None },
                discovery_range: if flags & HAS_RANGE != 0 { Some(input.number32("a range")?) } else { None },
                direct_allowed: if flags & HAS_DIRECT != 0 { Some(input.number32("what is allowed")?) } else { None },
            })
        })?;
        let visited_plmn = if flags & HAS_VISITED_PLMN != 0 { Some(self.plmn()?) } else { None };
        let hss = if flags & HAS_HSS != 0 { Some(self.text("the HSS")?.into()) } else { None };
        let reset_ids = self.list("the reset ids", |input| input.blob("a reset id").map(Into::into))?;
        Ok(Subscription { permission, allowed_plmns, visited_plmn, hss, reset_ids })
    }

    fn state(&mut self) -> Result<UeState, RecordFault> {
        let (at, what) = (self.at, "the state");
        match self.octet(what)? {
            0 => Ok(UeState::Registered),
            1 => Ok(UeState::Moving { to: self.address()?, since: UnixSeconds(self.number(what)?) }),
            2 => Ok(UeState::Moved { to: self.address()?, forget_after: UnixSeconds(self.number(what)?) }),
            _ => Err(RecordFault::Field { at, what }),
        }
    }

    fn address(&mut self) -> Result<FunctionAddress, RecordFault> {
        let (at, what) = (self.at, "the address of a function");
        match self.octet(what)? {
            0 => Fqdn::new(self.text(what)?).map(Into::into).map_err(|_| RecordFault::Field { at, what }),
            4 => Ok(FunctionAddress::Ipv4(self.array::<4>(what)?.into())),
            6 => Ok(FunctionAddress::Ipv6(self.array::<16>(what)?.into())),
            _ => Err(RecordFault::Field { at, what }),
        }
    }

    fn raw_binding(&mut self) -> Result<RawBinding<'a>, RecordFault> {
        let flags = self.octet("a binding")?;
        let application = self.text("an application")?;
        let realm = self.text("the realm of an application server")?;
        let head = self.text("the host of an application server")?;
        let (at, what) = (self.at, "an ID2");
        let id2 = std::str::from_utf8(self.blob(what)?).map_err(|_| RecordFault::Field { at, what })?;
        Ok(RawBinding { flags, application, realm, head, id2, id2_at: at, bound_at: self.number("a moment")? })
    }

    fn binding(&mut self) -> Result<Binding, RecordFault> {
        let RawBinding { flags, application, realm, head, id2, id2_at, bound_at } = self.raw_binding()?;
        let host = if flags & HOST_IN_REALM != 0 { format!("{head}.{realm}").into() } else { head.into() };
        Ok(Binding {
            application: application.into(),
            app_server_host: host,
            app_server_realm: realm.into(),
            id2: Id2::new(id2).map_err(|_| RecordFault::Field { at: id2_at, what: "an ID2" })?,
            bound_at: UnixSeconds(bound_at),
            update_pending: flags & UPDATE_PENDING != 0,
        })
    }
}

/// A binding where it lies.
struct RawBinding<'a> {
    flags: u8,
    application: &'a str,
    realm: &'a str,
    head: &'a str,
    id2: &'a str,
    id2_at: usize,
    bound_at: u64,
}

#[cfg(test)]
pub(super) mod tests;
