//! Which messages of two conversations belong together.
//!
//! Associations are paired by the messages that they share, then by what they carry, then in their order; their sides by
//! who sent the CER, or spoke first. Within a pair of associations requests of one side and one command are paired where
//! they mean the same, then by session, then by how much they share, in order. Answers follow their requests.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher as _};

use siphasher::sip::SipHasher13;

use super::rules::Compiled;
use super::{Rules, level, tree};
use crate::avp::{Avps, Key};
use crate::message::{HEADER_LENGTH, Header};

/// A message of a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The association or connection; any number.
    pub association: u32,
    /// Who sent it: any number that tells the two sides of an association apart.
    pub sender: u64,
    /// The message.
    pub bytes: &'a [u8],
}

/// Two messages that belong together, by their places in the two lists; or one that has no counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Place in the expected list; `None` for a message that was added.
    pub expected: Option<usize>,
    /// Place in the actual list; `None` for one that is missing.
    pub actual: Option<usize>,
}

/// Pairs that are weighed against one another at most; longer lists are paired in their order.
const WEIGHED: usize = 4096;
const SESSION_ID: Key = Key::new(0, 263);
const CAPABILITIES: u32 = 257;

/// Pairs two conversations. The pairs come in the order of the expected one, what was added behind the message that it
/// follows.
#[must_use]
pub fn pair(expected: &[Entry<'_>], actual: &[Entry<'_>], rules: &Rules) -> Vec<Pair> {
    let compiled = Compiled::new(rules);
    let ours = Side::new(expected, &compiled, true);
    let theirs = Side::new(actual, &compiled, false);
    let associations = pair_associations(&ours, &theirs);
    let mut joined = Joined { forth: vec![None; expected.len()], back: vec![None; actual.len()] };

    let requests = |known: &Known| known.request;
    let lanes = |side: &Side<'_>, wanted: &dyn Fn(&Known) -> bool, translate: &dyn Fn(u32) -> Option<u32>| {
        let mut lanes: HashMap<Lane, Vec<usize>> = HashMap::new();
        let mut order = Vec::new();
        for (at, known) in side.known.iter().enumerate().filter(|(_, known)| wanted(known)) {
            let Some(association) = translate(known.association) else { continue };
            let lane = Lane { association, ..known.lane() };
            lanes.entry(lane).or_insert_with(|| {
                order.push(lane);
                Vec::new()
            });
            if let Some(lane) = lanes.get_mut(&lane) {
                lane.push(at);
            }
        }
        (order, lanes)
    };
    let align = |wanted: &dyn Fn(&Known) -> bool, joined: &mut Joined| {
        let (order, ours_by) = lanes(&ours, wanted, &|association| associations.get(&association).copied());
        let (_, theirs_by) = lanes(&theirs, wanted, &Some);
        for lane in order {
            if let (Some(one), Some(two)) = (ours_by.get(&lane), theirs_by.get(&lane)) {
                align_lane(one, two, &ours, &theirs, &compiled, joined);
            }
        }
    };
    align(&requests, &mut joined);

    // An answer belongs to what answers the counterpart of its request.
    let answered: HashMap<usize, usize> =
        theirs.asked.iter().enumerate().rev().filter_map(|(at, asked)| Some(((*asked)?, at))).collect();
    let mut taken = HashSet::new();
    for (at, asked) in ours.asked.iter().enumerate() {
        let counterpart = asked.and_then(|asked| joined.forth.get(asked).copied().flatten());
        if let Some(other) = counterpart.and_then(|request| answered.get(&request))
            && taken.insert(*other)
        {
            joined.join(at, *other);
        }
    }
    align(&|known: &Known| !known.request && known.alone, &mut joined);
    joined.in_order()
}

/// What is known of a message.
struct Known {
    association: u32,
    /// 0 for the side that began.
    role: u8,
    application: u32,
    code: u32,
    request: bool,
    /// An answer whose request is not there.
    alone: bool,
    fingerprint: u64,
    /// Of the Session-Id; 0 without one.
    session: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Lane {
    association: u32,
    role: u8,
    application: u32,
    code: u32,
}

impl Known {
    const fn lane(&self) -> Lane {
        Lane { association: self.association, role: self.role, application: self.application, code: self.code }
    }
}

struct Side<'a> {
    entries: &'a [Entry<'a>],
    known: Vec<Known>,
    /// For an answer, the place of its request.
    asked: Vec<Option<usize>>,
}

impl<'a> Side<'a> {
    fn new(entries: &'a [Entry<'a>], rules: &Compiled, expected: bool) -> Self {
        let headers: Vec<Option<Header>> = entries.iter().map(|entry| Header::parse(entry.bytes)).collect();
        let mut first: HashMap<u32, (u64, bool)> = HashMap::new();
        for (entry, header) in entries.iter().zip(&headers) {
            let begins = header.is_some_and(|header| header.code == CAPABILITIES && header.is_request());
            let role = first.entry(entry.association).or_insert((entry.sender, begins));
            if begins && !role.1 {
                *role = (entry.sender, true);
            }
        }
        // Of each identifier the last request of each sender: an answer comes from whoever did not ask.
        let mut open: HashMap<(u32, u32), Vec<(u64, usize)>> = HashMap::new();
        let mut asked = Vec::with_capacity(entries.len());
        let mut known = Vec::with_capacity(entries.len());
        for (at, (entry, header)) in entries.iter().zip(&headers).enumerate() {
            let request = header.is_none_or(|header| header.is_request());
            let identifier = (entry.association, header.map_or(0, |header| header.hop_by_hop));
            let begun_by = first.get(&entry.association).map_or(0, |(sender, _)| *sender);
            let request_of = if request {
                let askers = open.entry(identifier).or_default();
                if let Some((_, last)) = askers.iter_mut().find(|(sender, _)| *sender == entry.sender) {
                    *last = at;
                } else if askers.len() < SENDERS {
                    askers.push((entry.sender, at));
                }
                None
            } else {
                let askers = open.get(&identifier).into_iter().flatten();
                askers.filter(|(sender, _)| *sender != entry.sender).map(|(_, at)| *at).max()
            };
            let body = entry.bytes.get(HEADER_LENGTH..).unwrap_or_default();
            let (nodes, _) = tree::build(body, rules, expected);
            known.push(Known {
                association: entry.association,
                role: u8::from(begun_by != entry.sender),
                application: header.map_or(0, |header| header.application),
                code: header.map_or(0, |header| header.code),
                request,
                alone: request_of.is_none(),
                fingerprint: tree::fingerprint(&nodes),
                session: session(body),
            });
            asked.push(request_of);
        }
        Self { entries, known, asked }
    }

    fn members(&self, at: usize, rules: &Compiled, expected: bool) -> Vec<u64> {
        let body = self.entries.get(at).and_then(|entry| entry.bytes.get(HEADER_LENGTH..)).unwrap_or_default();
        level::sorted_fingerprints(&tree::build(body, rules, expected).0)
    }
}

/// Senders that are told apart on one association; there should be two.
const SENDERS: usize = 4;

fn session(body: &[u8]) -> u64 {
    let found = Avps::new(body).map_while(Result::ok).find(|avp| avp.key == SESSION_ID);
    found.map_or(0, |avp| {
        let mut hasher = SipHasher13::new();
        avp.data.hash(&mut hasher);
        hasher.finish()
    })
}

/// The actual association of each expected one.
fn pair_associations(ours: &Side<'_>, theirs: &Side<'_>) -> HashMap<u32, u32> {
    let places = |side: &Side<'_>| {
        let mut order = Vec::new();
        let mut seen = HashSet::new();
        for known in &side.known {
            if seen.insert(known.association) {
                order.push(known.association);
            }
        }
        order
    };
    let (our_order, their_order) = (places(ours), places(theirs));
    // Messages that mean the same and stand in few associations tell which of these belong together.
    const FEW: usize = 4;
    let mut holders: HashMap<u64, Vec<u32>> = HashMap::new();
    for known in &theirs.known {
        let holders = holders.entry(token(known)).or_default();
        if holders.len() <= FEW && !holders.contains(&known.association) {
            holders.push(known.association);
        }
    }
    let mut votes: HashMap<(u32, u32), usize> = HashMap::new();
    for known in &ours.known {
        let holders = holders.get(&token(known)).filter(|holders| holders.len() <= FEW);
        for association in holders.into_iter().flatten() {
            *votes.entry((known.association, *association)).or_default() += 1;
        }
    }
    let rank = |order: &[u32]| order.iter().enumerate().map(|(at, it)| (*it, at)).collect::<HashMap<u32, usize>>();
    let (our_rank, their_rank) = (rank(&our_order), rank(&their_order));
    let mut ballots: Vec<_> = votes.into_iter().collect();
    ballots.sort_unstable_by_key(|((one, two), count)| {
        (std::cmp::Reverse(*count), our_rank.get(one).copied(), their_rank.get(two).copied())
    });
    let mut pairs = HashMap::new();
    let mut given = HashSet::new();
    for ((one, two), _) in ballots {
        if !pairs.contains_key(&one) && given.insert(two) {
            pairs.insert(one, two);
        }
    }
    // Then those that carry the same commands, then whichever are left.
    for by_content in [true, false] {
        let mut left: HashMap<u64, VecDeque<u32>> = HashMap::new();
        let ours_carry = if by_content { carried(ours) } else { HashMap::new() };
        let theirs_carry = if by_content { carried(theirs) } else { HashMap::new() };
        for association in their_order.iter().filter(|association| !given.contains(*association)) {
            let content = theirs_carry.get(association).copied().unwrap_or_default();
            left.entry(content).or_default().push_back(*association);
        }
        for association in &our_order {
            if pairs.contains_key(association) {
                continue;
            }
            let content = ours_carry.get(association).copied().unwrap_or_default();
            if let Some(other) = left.get_mut(&content).and_then(VecDeque::pop_front) {
                pairs.insert(*association, other);
                given.insert(other);
            }
        }
    }
    pairs
}

/// What a message means, with its command.
fn token(known: &Known) -> u64 {
    let mut hasher = SipHasher13::new();
    (known.fingerprint, known.application, known.code, known.request, known.role).hash(&mut hasher);
    hasher.finish()
}

/// The commands of each association, as one number.
fn carried(side: &Side<'_>) -> HashMap<u32, u64> {
    let mut commands: HashSet<Lane> = HashSet::new();
    let mut sums: HashMap<u32, u64> = HashMap::new();
    for known in &side.known {
        if commands.insert(known.lane()) {
            let mut hasher = SipHasher13::new();
            (known.role, known.application, known.code).hash(&mut hasher);
            let sum = sums.entry(known.association).or_default();
            *sum = sum.wrapping_add(hasher.finish());
        }
    }
    sums
}

struct Joined {
    forth: Vec<Option<usize>>,
    back: Vec<Option<usize>>,
}

impl Joined {
    fn join(&mut self, expected: usize, actual: usize) {
        if let (Some(forth), Some(back)) = (self.forth.get_mut(expected), self.back.get_mut(actual)) {
            (*forth, *back) = (Some(actual), Some(expected));
        }
    }

    fn in_order(self) -> Vec<Pair> {
        let mut first = Vec::new();
        let mut after: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut last = None;
        for (at, counterpart) in self.back.iter().enumerate() {
            match (counterpart, last) {
                (Some(expected), _) => last = Some(*expected),
                (None, None) => first.push(at),
                (None, Some(last)) => after.entry(last).or_default().push(at),
            }
        }
        let added = |at: usize| Pair { expected: None, actual: Some(at) };
        let mut pairs: Vec<Pair> = first.into_iter().map(added).collect();
        for (at, actual) in self.forth.into_iter().enumerate() {
            pairs.push(Pair { expected: Some(at), actual });
            pairs.extend(after.remove(&at).into_iter().flatten().map(added));
        }
        pairs
    }
}

/// Pairs the messages of one lane.
fn align_lane(one: &[usize], two: &[usize], ours: &Side<'_>, theirs: &Side<'_>, rules: &Compiled, joined: &mut Joined) {
    let fingerprint = |known: &Known| Some(known.fingerprint);
    let session = |known: &Known| Some(known.session).filter(|session| *session != 0);
    let by_meaning: &dyn Fn(&Known) -> Option<u64> = &fingerprint;
    for token in [by_meaning, &session] {
        let mut waiting: HashMap<u64, VecDeque<usize>> = HashMap::new();
        for at in two.iter().filter(|at| joined.back.get(**at).is_some_and(Option::is_none)) {
            if let Some(token) = theirs.known.get(*at).and_then(token) {
                waiting.entry(token).or_default().push_back(*at);
            }
        }
        for at in one {
            if joined.forth.get(*at).is_some_and(Option::is_none)
                && let Some(token) = ours.known.get(*at).and_then(token)
                && let Some(other) = waiting.get_mut(&token).and_then(VecDeque::pop_front)
            {
                joined.join(*at, other);
            }
        }
    }
    let left = |list: &[usize], taken: &[Option<usize>]| -> Vec<usize> {
        list.iter().copied().filter(|at| taken.get(*at).is_some_and(Option::is_none)).collect()
    };
    let (one, two) = (left(one, &joined.forth), left(two, &joined.back));
    let many = one.len().saturating_mul(two.len());
    if one.len() == two.len() || many == 0 || many > WEIGHED {
        one.into_iter().zip(two).for_each(|(one, two)| joined.join(one, two));
        return;
    }
    let ours: Vec<Vec<u64>> = one.iter().map(|at| ours.members(*at, rules, true)).collect();
    let theirs: Vec<Vec<u64>> = two.iter().map(|at| theirs.members(*at, rules, false)).collect();
    for (i, j) in best(&ours, &theirs) {
        if let (Some(one), Some(two)) = (one.get(i), two.get(j)) {
            joined.join(*one, *two);
        }
    }
}

/// The pairs, in order on both sides, that share most. As many as the shorter side has.
fn best(ours: &[Vec<u64>], theirs: &[Vec<u64>]) -> Vec<(usize, usize)> {
    let width = theirs.len() + 1;
    // Each pair counts, so that no message is left over on both sides.
    let weight = |i: usize, j: usize| match (ours.get(i), theirs.get(j)) {
        (Some(one), Some(two)) => 4 * level::shared(one, two) + 1,
        _ => 0,
    };
    let mut sums = vec![0_usize; (ours.len() + 1) * width];
    let mut weights = vec![0_usize; ours.len() * theirs.len()];
    let at = |sums: &[usize], i: usize, j: usize| sums.get(i * width + j).copied().unwrap_or_default();
    for i in 0..ours.len() {
        for j in 0..theirs.len() {
            let weight = weight(i, j);
            if let Some(place) = weights.get_mut(i * theirs.len() + j) {
                *place = weight;
            }
            let sum = at(&sums, i, j + 1).max(at(&sums, i + 1, j)).max(at(&sums, i, j) + weight);
            if let Some(place) = sums.get_mut((i + 1) * width + j + 1) {
                *place = sum;
            }
        }
    }
    let (mut i, mut j) = (ours.len(), theirs.len());
    let mut pairs = Vec::new();
    while i > 0 && j > 0 {
        let weight = weights.get((i - 1) * theirs.len() + j - 1).copied().unwrap_or_default();
        if at(&sums, i, j) == at(&sums, i - 1, j - 1) + weight {
            (i, j) = (i - 1, j - 1);
            pairs.push((i, j));
        } else if at(&sums, i, j) == at(&sums, i - 1, j) {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    pairs
}
