//! Pseudonyms for what names subscribers in a capture: consistent, keyed, and of the same length.
//!
//! ```text
//! cipher.rs      a keyed permutation of texts, digits and octets of any length
//! identities.rs  which AVP names whom, and how it is read
//! words.rs       subscribers, numbers, names, URIs, hosts, addresses
//! remains.rs     what still stands somewhere else in the file
//! ```
//!
//! **Design.** A pseudonym is a permutation of the values of one form (digits stay digits, letters letters, a length its
//! length), chosen by a key. So two subscribers never become one, one becomes the same everywhere and in every file that is
//! treated with the same key, and no segment or chunk changes its size: [`crate::capture::rewrite`] writes values back to
//! where they came from. The permutation is a Feistel network of ten rounds whose round function is a keyed hash that the
//! caller brings, as NIST SP 800-38G does with AES; without the key nothing leads back but trying all keys. Whoever has the
//! key can compute the pseudonym of a known number: the key is to be kept as the original is, or thrown away.
//!
//! What the length-preserving form costs: how long a name is, and where its dots are, stays visible; of a name of one or two
//! letters little can be hidden.

mod cipher;
mod identities;
mod remains;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::avp::format::Kind;
use crate::avp::{Avps, Key, dictionary};
use crate::capture::rewrite::Rewriter;
use crate::message::HEADER_LENGTH;
use crate::message::check::NESTING_LIMIT;

pub use cipher::Keyed;

use cipher::Cipher;
use identities::{Table, Treatment};
use remains::Remains;

/// What is to be changed beside the subscribers' identities, credentials, and the addresses in AVPs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The names of hosts and realms, too. Words that name no one (`epc`, `mnc001`, `3gppnetwork`, `org`, ...) stay.
    pub hosts: bool,
    /// The IP addresses of packets, too, and those in SCTP's INIT.
    pub packets: bool,
}

/// What was changed and what was left, by the names of AVPs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Values changed.
    pub changed: BTreeMap<String, u64>,
    /// Values that tell of subscribers or of the network and stay: locations, hosts where not asked, what is not understood.
    pub left: BTreeMap<String, u64>,
    /// Identities met again outside of their AVPs (in documents, and in comments and other protocols where they are kept) and
    /// replaced there.
    pub elsewhere: u64,
    /// Addresses of packets that have a pseudonym.
    pub addresses: u64,
    /// Addresses of Ethernet that have a pseudonym.
    pub hardware: u64,
    /// Different identities that have a pseudonym.
    pub identities: u64,
}

/// Gives pseudonyms. Feed it to [`crate::capture::rewrite::survey`], then, after [`Anonymizer::surveyed`], to
/// [`crate::capture::rewrite::rewrite`]: what names someone in one message is then found in others, too.
pub struct Anonymizer<'k> {
    cipher: Cipher<'k>,
    options: Options,
    table: Table,
    report: Report,
    /// Texts and what became of them, by how they were read: for the same again, and for the search for what remains.
    spoken: BTreeMap<&'static str, HashMap<Vec<u8>, Vec<u8>>>,
    spoken_texts: usize,
    remains: Remains,
    addresses: HashMap<IpAddr, IpAddr>,
    hardware: HashMap<[u8; 6], [u8; 6]>,
}

/// Kinds of AVPs that the report names, beside one name for more.
const NAMES: usize = 1000;
/// Octets of an AVP header that name no one: code, flags, length.
const AVP_HEADER: usize = 8;
/// Texts that are remembered; those beyond are computed each time, and not searched for elsewhere.
const REMEMBERED: usize = 1 << 20;

impl<'k> Anonymizer<'k> {
    /// An anonymizer whose pseudonyms follow from the key in `keyed`.
    #[must_use]
    pub fn new(keyed: &'k dyn Keyed, options: Options) -> Self {
        Self {
            cipher: Cipher::new(keyed),
            options,
            table: Table::new(),
            report: Report::default(),
            spoken: BTreeMap::new(),
            spoken_texts: 0,
            remains: Remains::default(),
            addresses: HashMap::new(),
            hardware: HashMap::new(),
        }
    }

    /// All messages were shown once: what they name is searched for from now on, and the report begins anew.
    pub fn surveyed(&mut self) {
        self.report = Report::default();
        let texts = self.spoken.values().flatten();
        self.remains = Remains::new(texts.map(|(before, after)| (before.as_slice(), after.as_slice())));
    }

    /// What was done.
    #[must_use]
    pub fn report(mut self) -> Report {
        self.report.identities = self.spoken_texts as u64;
        self.report.addresses = self.addresses.iter().filter(|(one, other)| one != other).count() as u64;
        self.report.hardware = self.hardware.iter().filter(|(one, other)| one != other).count() as u64;
        self.report
    }

    fn avps(&mut self, octets: &mut [u8], depth: usize, whole: bool) {
        let mut at = 0;
        while let Some(rest) = octets.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(Ok(avp)) = Avps::new(rest).next() else {
                if whole {
                    self.leave("octets behind the last AVP");
                    self.search(octets.get_mut(at..).unwrap_or_default());
                } else {
                    // Half a name is one, too.
                    self.leave("AVPs that are not whole, made zero");
                    octets.get_mut(at + AVP_HEADER..).unwrap_or_default().fill(0);
                }
                return;
            };
            let (key, start, length) = (avp.key, at + avp.header_length(), avp.data.len());
            at += avp.whole.len();
            if let Some(data) = octets.get_mut(start..start + length) {
                self.avp(key, data, depth);
            }
        }
    }

    fn avp(&mut self, key: Key, data: &mut [u8], depth: usize) {
        let definition = dictionary::lookup(key);
        let kind = definition.map(|definition| definition.kind);
        if kind == Some(Kind::Grouped) {
            if depth < NESTING_LIMIT {
                self.avps(data, depth + 1, true);
            } else {
                self.leave("groups that are nested too deep");
            }
            return;
        }
        let Some(definition) = definition else {
            let name = match key.vendor() {
                0 => format!("AVP {} (in no dictionary)", key.code()),
                vendor => format!("AVP {} of vendor {vendor} (in no dictionary)", key.code()),
            };
            self.leave(&name);
            return self.search(data);
        };
        let treatment = match (self.table.of(key), definition.kind) {
            (Some(treatment), _) => treatment,
            (None, Kind::Address) => Treatment::Address,
            (None, Kind::DiameterIdentity) => Treatment::Host,
            (None, Kind::DiameterURI) => Treatment::Uri,
            (None, Kind::IPFilterRule | Kind::QoSFilterRule) => Treatment::Filter,
            // It names no one by itself, but someone may have put a name in.
            (None, Kind::OctetString | Kind::UTF8String) => return self.search(data),
            (None, _) => return,
        };
        let before = data.to_vec();
        let treated = self.treat(treatment, data);
        if !treated {
            self.leave(definition.name);
        } else if before != data {
            match self.report.changed.get_mut(definition.name) {
                Some(count) => *count += 1,
                None => {
                    self.report.changed.insert(definition.name.to_owned(), 1);
                }
            }
        }
    }

    /// Replaces what is known in octets that were not treated.
    fn search(&mut self, octets: &mut [u8]) {
        self.report.elsewhere += self.remains.replace(octets);
    }

    /// Changes a value; false when it is left though it may tell of someone.
    fn treat(&mut self, treatment: Treatment, data: &mut [u8]) -> bool {
        match treatment {
            Treatment::Subscriber => self.subscriber(data),
            Treatment::Number => self.packed_number(data),
            Treatment::Equipment => self.equipment(data),
            Treatment::Name => self.name(data),
            Treatment::Uri => self.uri(data),
            Treatment::Host if self.options.hosts => self.host(data),
            Treatment::Host => {
                // A subscriber may be part of a name.
                self.search(data);
                false
            }
            Treatment::Session => self.session(data),
            Treatment::Secret => self.secret(data),
            Treatment::Temporary => self.temporary(data),
            Treatment::Address => self.address_avp(data),
            Treatment::RawAddress => self.raw_address(data),
            Treatment::Prefix => self.prefix(data),
            Treatment::Document => self.document(data),
            Treatment::Filter => self.filter(data),
            Treatment::Left => {
                self.search(data);
                false
            }
        }
    }

    fn leave(&mut self, what: &str) {
        if let Some(count) = self.report.left.get_mut(what) {
            *count += 1;
            return;
        }
        let what = if self.report.left.len() < NAMES { what } else { "more AVPs" };
        *self.report.left.entry(what.to_owned()).or_default() += 1;
    }

    /// What a text became when it was read so before.
    fn known(&self, label: &'static str, before: &[u8]) -> Option<&[u8]> {
        self.spoken.get(label)?.get(before).map(Vec::as_slice)
    }

    /// Notes what became of a text.
    fn remember(&mut self, label: &'static str, before: &[u8], after: &[u8]) {
        if before != after && self.spoken_texts < REMEMBERED {
            let new = self.spoken.entry(label).or_default().insert(before.to_vec(), after.to_vec());
            self.spoken_texts += usize::from(new.is_none());
        }
    }
}

impl Rewriter for Anonymizer<'_> {
    fn message(&mut self, message: &mut [u8], whole: bool) {
        if let Some(body) = message.get_mut(HEADER_LENGTH..) {
            self.avps(body, 0, whole);
        }
    }

    fn address(&mut self, address: IpAddr) -> Option<IpAddr> {
        self.options.packets.then(|| self.pseudonym_of(address))
    }

    fn hardware(&mut self, address: [u8; 6]) -> [u8; 6] {
        self.other_hardware(address)
    }

    fn rest(&mut self, octets: &mut [u8]) {
        self.search(octets);
    }
}
