//! Requests on their way: hop-by-hop identifiers and the answers they wait for, end-to-end identifiers, and the requests
//! that come twice. RFC 6733 sections 3, 5.5.4 and 6.2.

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};
use std::time::Duration;

use bytes::Bytes;

use crate::avp::Avps;
use crate::avp::dictionary::OriginHost;
use crate::folding::Folding;
use crate::message::{CommandFlags, HEADER_LENGTH, find};

/// Where the identifiers and flags stand in a message.
const FLAGS: usize = 4;
const HOP_BY_HOP: std::ops::Range<usize> = 12..16;
const END_TO_END: std::ops::Range<usize> = 16..20;

/// Writes the Hop-by-Hop Identifier of a message. Nothing happens to octets too few for a header.
pub fn set_hop_by_hop(message: &mut [u8], identifier: u32) {
    if let Some(field) = message.get_mut(HOP_BY_HOP) {
        field.copy_from_slice(&identifier.to_be_bytes());
    }
}

/// Writes the End-to-End Identifier of a message. Nothing happens to octets too few for a header.
pub fn set_end_to_end(message: &mut [u8], identifier: u32) {
    if let Some(field) = message.get_mut(END_TO_END) {
        field.copy_from_slice(&identifier.to_be_bytes());
    }
}

/// Sets the T flag of a request that is sent a second time.
pub fn set_retransmitted(message: &mut [u8]) {
    if let Some(flags) = message.get_mut(FLAGS) {
        *flags |= CommandFlags::RETRANSMITTED;
    }
}

/// End-to-End Identifiers of one node: the low 12 bits of the start time, then 20 bits from a random start. Unique for
/// at least four minutes, a restart included.
#[derive(Clone, Debug)]
pub struct EndToEnd {
    next: u32,
}

impl EndToEnd {
    /// Begins at `unix` (time since 1970) with a random number, as RFC 6733 section 3 suggests.
    #[must_use]
    pub const fn new(unix: Duration, random: u32) -> Self {
        Self { next: ((unix.as_secs() as u32) << 20) | (random & 0xf_ffff) }
    }

    /// The next identifier.
    pub const fn allocate(&mut self) -> u32 {
        let identifier = self.next;
        self.next = self.next.wrapping_add(1);
        identifier
    }
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
pub struct Pending<T> {
    /// What the sender calls it.
    pub token: T,
    /// The request as it was sent.
    pub message: Bytes,
    /// When it was sent first.
    pub sent: Duration,
}

/// The requests on one connection that wait for their answers. Bounded in number and in time.
#[derive(Debug)]
pub struct Requests<T> {
    /// The identifiers are ours: no peer can choose them.
    pending: HashMap<u32, (Pending<T>, Duration), Folding>,
    /// Deadlines in their order, which is that of sending: the wait is the same for all. Answered ones are skipped.
    deadlines: VecDeque<(Duration, u32)>,
    next: u32,
    wait: Duration,
    limit: usize,
}

impl<T> Requests<T> {
    /// An empty table: answers are waited for so long, and so many requests may wait. `first` is where the
    /// Hop-by-Hop Identifiers begin.
    #[must_use]
    pub fn new(wait: Duration, limit: usize, first: u32) -> Self {
        Self { pending: HashMap::default(), deadlines: VecDeque::new(), next: first, wait, limit }
    }

    /// Other limits for the requests to come. Deadlines stay in the order of sending: after a shorter wait, a request may
    /// still wait as long as those before it.
    pub const fn set_limits(&mut self, wait: Duration, limit: usize) {
        self.wait = wait;
        self.limit = limit;
    }

    /// How many requests wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// True when none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// True when no more may be sent.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.pending.len() >= self.limit
    }

    /// Gives the message its Hop-by-Hop Identifier and notes that it waits. The caller has looked at
    /// [`Requests::is_full`].
    pub fn insert(&mut self, now: Duration, token: T, mut message: Vec<u8>) -> Bytes {
        while self.pending.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let identifier = self.next;
        self.next = self.next.wrapping_add(1);
        set_hop_by_hop(&mut message, identifier);
        let message = Bytes::from(message);
        let deadline = now + self.wait;
        self.pending.insert(identifier, (Pending { token, message: message.clone(), sent: now }, deadline));
        self.deadlines.push_back((deadline, identifier));
        message
    }

    /// The request that an answer with this Hop-by-Hop Identifier belongs to; `None` when nothing waits for it, and the
    /// answer is to be discarded.
    pub fn take(&mut self, hop_by_hop: u32) -> Option<Pending<T>> {
        let pending = self.pending.remove(&hop_by_hop).map(|(pending, _)| pending);
        self.prune();
        pending
    }

    /// When the next request has waited too long.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.front().map(|(deadline, _)| *deadline)
    }

    /// Takes the requests whose wait is over.
    pub fn expire(&mut self, now: Duration) -> Vec<Pending<T>> {
        let mut expired = Vec::new();
        while let Some(&(deadline, identifier)) = self.deadlines.front()
            && deadline <= now
        {
            self.deadlines.pop_front();
            // The identifier may meanwhile stand for a later request, once all 2^32 have been used.
            if self.pending.get(&identifier).is_some_and(|(_, at)| *at == deadline)
                && let Some((pending, _)) = self.pending.remove(&identifier)
            {
                expired.push(pending);
            }
        }
        self.prune();
        expired
    }

    /// Takes all that waits, in the order of sending: the connection is lost, or the peer suspect.
    pub fn take_all(&mut self) -> Vec<Pending<T>> {
        let order = std::mem::take(&mut self.deadlines);
        let taken = order.into_iter().filter_map(|(_, identifier)| self.pending.remove(&identifier));
        let taken = taken.map(|(pending, _)| pending).collect();
        self.pending.clear();
        taken
    }

    /// Drops deadlines of requests that have been answered, so that the queue is as short as the table.
    fn prune(&mut self) {
        while let Some((deadline, identifier)) = self.deadlines.front()
            && self.pending.get(identifier).is_none_or(|(_, at)| at != deadline)
        {
            self.deadlines.pop_front();
        }
        if self.deadlines.len() > 2 * self.pending.len() + 64 {
            let pending = &self.pending;
            self.deadlines.retain(|(deadline, id)| pending.get(id).is_some_and(|(_, at)| at == deadline));
        }
    }
}

/// What is known of a request that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival<R> {
    /// It is new, and noted.
    New,
    /// It is being worked on, for the one named; its answer goes to the latest copy.
    InProgress(R),
    /// It has been answered so.
    Answered(Bytes),
}

/// The requests that came lately, by Origin-Host and End-to-End Identifier, and their answers: a request that comes
/// again (T flag or not) is not acted on twice. RFC 6733 section 3, 5.5.4 and appendix C. Bounded in number, octets and
/// time; the oldest is forgotten first.
#[derive(Debug)]
pub struct Duplicates<R> {
    known: HashMap<(u64, u32), (State<R>, u64)>,
    order: VecDeque<((u64, u32), u64, Duration)>,
    serial: u64,
    octets: usize,
    limit: usize,
    octet_limit: usize,
    span: Duration,
}

#[derive(Debug)]
enum State<R> {
    InProgress(R),
    Answered(Bytes),
}

/// Names a request among those that came lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey((u64, u32));

impl<R: Copy> Duplicates<R> {
    /// Remembers so many requests and octets of answers for so long. RFC 6733 wants End-to-End Identifiers unique for
    /// four minutes.
    #[must_use]
    pub fn new(limit: usize, octet_limit: usize, span: Duration) -> Self {
        Self {
            known: HashMap::new(),
            order: VecDeque::new(),
            serial: 0,
            octets: 0,
            limit: limit.max(1),
            octet_limit,
            span,
        }
    }

    /// The key of a request; `None` without Origin-Host, so that it cannot be told from others.
    #[must_use]
    pub fn key(message: &[u8], end_to_end: u32) -> Option<RequestKey> {
        use std::hash::Hasher;
        let origin = find::<OriginHost>(Avps::new(message.get(HEADER_LENGTH..)?))?;
        // Two fixed keys: a peer that makes its own requests collide harms itself alone.
        let mut hash = siphasher::sip::SipHasher13::new_with_keys(0x7072_6f73, 0x656c_696e);
        for piece in origin.as_bytes().chunks(64) {
            let mut lower = [0; 64];
            let lower = lower.get_mut(..piece.len())?;
            lower.copy_from_slice(piece);
            lower.make_ascii_lowercase();
            hash.write(lower);
        }
        Some(RequestKey((hash.finish(), end_to_end)))
    }

    /// Notes a request, or says that it is known. `reference` is what [`Arrival::InProgress`] gives back for a copy.
    pub fn arrive(&mut self, now: Duration, key: RequestKey, reference: R) -> Arrival<R> {
        self.forget(now);
        match self.known.entry(key.0) {
            Entry::Occupied(known) => {
                return match &known.get().0 {
                    State::InProgress(reference) => Arrival::InProgress(*reference),
                    State::Answered(answer) => Arrival::Answered(answer.clone()),
                };
            }
            Entry::Vacant(new) => {
                self.serial += 1;
                new.insert((State::InProgress(reference), self.serial));
            }
        }
        self.order.push_back((key.0, self.serial, now));
        if self.order.len() > self.limit {
            self.forget_oldest();
        }
        Arrival::New
    }

    /// Notes the answer of a request.
    pub fn answered(&mut self, key: RequestKey, answer: Bytes) {
        if let Some((state, _)) = self.known.get_mut(&key.0) {
            self.octets += answer.len();
            if let State::Answered(old) = state {
                self.octets -= old.len();
            }
            *state = State::Answered(answer);
        }
        while self.octets > self.octet_limit && self.forget_oldest() {}
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// True when nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn forget(&mut self, now: Duration) {
        while self.order.front().is_some_and(|(_, _, at)| *at + self.span <= now) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let Some((key, serial, _)) = self.order.pop_front() else { return false };
        if self.known.get(&key).is_some_and(|(_, of)| *of == serial)
            && let Some((State::Answered(answer), _)) = self.known.remove(&key)
        {
            self.octets -= answer.len();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Command, Envelope, Header};

    const SECOND: Duration = Duration::from_secs(1);

    fn request() -> Vec<u8> {
        let request = crate::interfaces::base::DeviceWatchdogRequest {
            origin_host: "a.example",
            origin_realm: "example",
            ..Default::default()
        };
        request.to_bytes(Envelope { application: 0, hop_by_hop: 0, end_to_end: 0 })
    }

    #[test]
    fn an_answer_finds_its_request_once() {
        let mut requests = Requests::new(10 * SECOND, 10, 0xffff_ffff);
        let first = requests.insert(Duration::ZERO, "first", request());
        let second = requests.insert(Duration::ZERO, "second", request());
        assert_eq!(Header::parse(&first).unwrap().hop_by_hop, 0xffff_ffff);
        assert_eq!(Header::parse(&second).unwrap().hop_by_hop, 0);
        assert_eq!(requests.take(0).unwrap().token, "second");
        assert!(requests.take(0).is_none(), "a second answer is discarded");
        assert!(requests.take(77).is_none(), "an answer that nobody asked for is discarded");
        assert_eq!(requests.len(), 1);
    }

    #[test]
    fn a_request_waits_so_long_and_no_longer() {
        let mut requests = Requests::new(10 * SECOND, 10, 5);
        requests.insert(SECOND, 1, request());
        requests.insert(2 * SECOND, 2, request());
        requests.take(5);
        assert_eq!(requests.next_deadline(), Some(12 * SECOND));
        assert!(requests.expire(11 * SECOND).is_empty());
        let expired = requests.expire(12 * SECOND);
        assert_eq!((expired.len(), expired[0].token, requests.next_deadline()), (1, 2, None));
    }

    #[test]
    fn the_table_has_a_limit_and_its_queue_no_more() {
        let mut requests = Requests::new(10 * SECOND, 2, 0);
        requests.insert(SECOND, 1, request());
        assert!(!requests.is_full());
        requests.insert(SECOND, 2, request());
        assert!(requests.is_full());
        for answered in 0..10_000_u32 {
            requests.take(answered + 1);
            requests.insert(SECOND, 3, request());
        }
        assert!(requests.deadlines.len() <= 2 * requests.len() + 64);
        assert_eq!(requests.take_all().iter().map(|pending| pending.token).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn end_to_end_identifiers_begin_with_the_time() {
        let mut identifiers = EndToEnd::new(Duration::from_secs(0x1234_5678), 0xfff0_0001);
        assert_eq!((identifiers.allocate(), identifiers.allocate()), (0x6780_0001, 0x6780_0002));
    }

    #[test]
    fn a_request_sent_again_has_the_t_flag_and_keeps_its_end_to_end_identifier() {
        let mut message = request();
        set_end_to_end(&mut message, 9);
        set_retransmitted(&mut message);
        set_hop_by_hop(&mut message, 3);
        let header = Header::parse(&message).unwrap();
        assert!(header.flags.is_retransmitted() && header.is_request());
        assert_eq!((header.hop_by_hop, header.end_to_end), (3, 9));
    }

    #[test]
    fn a_copy_of_a_request_is_not_acted_on() {
        let mut duplicates = Duplicates::new(10, 1000, 240 * SECOND);
        let message = request();
        let key = Duplicates::<u8>::key(&message, 1).unwrap();
        assert_eq!(duplicates.arrive(SECOND, key, 7), Arrival::New);
        assert_eq!(duplicates.arrive(SECOND, key, 8), Arrival::InProgress(7));
        duplicates.answered(key, Bytes::from_static(b"answer"));
        assert_eq!(duplicates.arrive(SECOND, key, 9), Arrival::Answered(Bytes::from_static(b"answer")));
        let other = Duplicates::<u8>::key(&message, 2).unwrap();
        assert_eq!(duplicates.arrive(SECOND, other, 9), Arrival::New);
        assert_eq!(duplicates.arrive(242 * SECOND, key, 9), Arrival::New, "forgotten after four minutes");
    }

    #[test]
    fn the_memory_of_requests_is_bounded() {
        let mut duplicates = Duplicates::new(100, 1000, 240 * SECOND);
        for identifier in 0..1000 {
            let key = Duplicates::<u32>::key(&request(), identifier).unwrap();
            duplicates.arrive(SECOND, key, identifier);
            duplicates.answered(key, Bytes::from(vec![0; 100]));
        }
        assert!(duplicates.len() <= 10 && duplicates.octets <= 1000, "{}", duplicates.len());
        assert_eq!(duplicates.order.len(), duplicates.len());
    }
}
