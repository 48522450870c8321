//! What requests need: a place to wait for their answer, a Session-Id, a destination; and numbers nobody can guess.

use std::collections::HashMap;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use super::element::{Action, Destination, Report, Token};
use super::identifiers::FunctionAddress;
use crate::avp::Address;
use crate::avp::dictionary::group::VendorSpecificApplicationId;
use crate::avp::dictionary::{AuthSessionState, TGPP, private};
use crate::interfaces;
use crate::message::{Command, Envelope};

/// Auth-Session-State of every message here: nobody keeps a session.
pub(crate) const NO_STATE: i32 = AuthSessionState::NO_STATE_MAINTAINED;

/// What waits for an event, by token, never more than a bound.
#[derive(Debug)]
pub(super) struct Pending<T> {
    waiting: HashMap<Token, (bool, T)>,
    next: u64,
    most: usize,
    /// Those that do not count against the bound.
    patient: usize,
}

impl<T> Pending<T> {
    /// An empty table for at most `most` requests of others at a time.
    pub fn new(most: usize) -> Self {
        Self { waiting: HashMap::new(), next: 1, most, patient: 0 }
    }

    /// An empty table whose tokens are none of those of [`new`](Self::new): an element may have one of each.
    pub fn beside(most: usize) -> Self {
        Self { next: 1 << 63, ..Self::new(most) }
    }

    /// Whether a new request of others has to be turned away. What a request already taken leads to is always let in.
    pub fn is_full(&self) -> bool {
        self.len() >= self.most
    }

    /// How many wait, without the patient.
    pub fn len(&self) -> usize {
        self.waiting.len().saturating_sub(self.patient)
    }

    /// Keeps `what` and names it.
    pub fn insert(&mut self, what: T) -> Token {
        self.put(false, what)
    }

    /// Keeps what waits for a timer and so takes no request's place.
    pub fn insert_patient(&mut self, what: T) -> Token {
        self.patient += 1;
        self.put(true, what)
    }

    fn put(&mut self, patient: bool, what: T) -> Token {
        let token = Token(self.next);
        self.next = self.next.wrapping_add(1);
        self.waiting.insert(token, (patient, what));
        token
    }

    /// Takes out what waits for `token`; `None` when nothing does any more.
    pub fn take(&mut self, token: Token) -> Option<T> {
        let (patient, what) = self.waiting.remove(&token)?;
        self.patient -= usize::from(patient);
        Some(what)
    }
}

/// Makes Session-Ids: `host;high;low`, unique for ever as long as the high part differs between runs. RFC 6733
/// section 8.8.
#[derive(Debug)]
pub(super) struct Sessions {
    host: String,
    high: u32,
    low: u32,
}

impl Sessions {
    pub fn new(host: &str, entropy: &mut Entropy) -> Self {
        Self { host: host.to_owned(), high: entropy.number() as u32, low: 0 }
    }

    pub fn next(&mut self) -> String {
        self.low = self.low.wrapping_add(1);
        format!("{};{};{}", self.host, self.high, self.low)
    }
}

/// Numbers that nobody can tell beforehand: SipHash-2-4 over a counter, keyed with a seed from the operating system.
#[derive(Clone)]
pub(crate) struct Entropy {
    hasher: SipHasher24,
    counter: u64,
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy(hidden)")
    }
}

impl Entropy {
    pub fn new(seed: [u8; 16]) -> Self {
        Self { hasher: SipHasher24::new_with_key(&seed), counter: 0 }
    }

    /// The next 64 bits.
    pub fn number(&mut self) -> u64 {
        let mut hasher = self.hasher;
        hasher.write_u64(self.counter);
        self.counter = self.counter.wrapping_add(1);
        hasher.finish()
    }

    /// The next 128 bits.
    pub fn sixteen(&mut self) -> [u8; 16] {
        ((u128::from(self.number()) << 64) | u128::from(self.number())).to_be_bytes()
    }
}

/// Vendor-Specific-Application-Id of an application. It borrows nothing; the lifetime is for the struct it goes into.
pub(crate) fn vendor_specific<'a>(application: u32) -> VendorSpecificApplicationId<'a> {
    let vendor_id = interfaces::of_application(application).map_or(TGPP, |interface| interface.vendor);
    VendorSpecificApplicationId {
        vendor_id,
        auth_application_id: Some(application),
        acct_application_id: None,
        extra: Vec::new(),
    }
}

/// Sends a request.
pub(super) fn send<'a>(
    application: u32,
    command: &impl Command<'a>,
    token: Token,
    destination: Destination,
    actions: &mut Vec<Action>,
) {
    let envelope = Envelope { application, hop_by_hop: 0, end_to_end: 0 };
    actions.push(Action::Send { token, destination, message: command.to_bytes(envelope) });
}

/// The two AVPs one of which carries ID3 or ID5.
pub(super) fn address_avps<'a>(address: &'a FunctionAddress) -> (Option<&'a [u8]>, Option<Address<'a>>) {
    (address.name_octets(), address.ip().map(Address::from))
}

/// Tells the operator.
pub(super) fn report(actions: &mut Vec<Action>, step: &'static str, text: impl Into<String>) {
    actions.push(Action::Report(Report { step, text: text.into(), failure: false }));
}

/// Tells the operator of something gone wrong.
pub(super) fn failure(actions: &mut Vec<Action>, step: &'static str, text: impl Into<String>) {
    actions.push(Action::Report(Report { step, text: text.into(), failure: true }));
}

/// The vendor whose Experimental-Result-Codes are our own.
pub(super) const OWN: u32 = private::VENDOR;
