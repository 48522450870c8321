//! Which AVPs of one level belong together, and which of them stand elsewhere.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Order;
use super::tree::Node;
use crate::avp::Key;
use crate::avp::dictionary::Member;
use crate::folding::Folding;

/// Pairs that are weighed against one another at most; longer lists of one AVP are paired in their order.
const WEIGHED: usize = 4096;

/// AVPs that belong together, by their places on the two sides.
#[derive(Debug, Default)]
pub(super) struct Matching {
    forth: Vec<Option<usize>>,
    back: Vec<Option<usize>>,
    several: HashSet<Key, Folding>,
}

impl Matching {
    /// The actual counterpart of an expected AVP.
    pub fn of_expected(&self, at: usize) -> Option<usize> {
        self.forth.get(at).copied().flatten()
    }

    /// The expected counterpart of an actual AVP.
    pub fn of_actual(&self, at: usize) -> Option<usize> {
        self.back.get(at).copied().flatten()
    }

    /// True when an AVP of that kind stands there more than once, on either side.
    pub fn several(&self, key: Key) -> bool {
        self.several.contains(&key)
    }

    fn join(&mut self, expected: usize, actual: usize) {
        if let (Some(forth), Some(back)) = (self.forth.get_mut(expected), self.back.get_mut(actual)) {
            (*forth, *back) = (Some(actual), Some(expected));
        }
    }
}

/// Pairs the AVPs of one level: those that mean the same first, then groups by how much they share, then in order.
pub(super) fn matching(expected: &[Node<'_>], actual: &[Node<'_>]) -> Matching {
    let mut matching =
        Matching { forth: vec![None; expected.len()], back: vec![None; actual.len()], several: HashSet::default() };
    matching.several.extend(expected.iter().chain(actual).filter(|node| node.number > 1).map(|node| node.avp.key));

    let mut equals: HashMap<u64, VecDeque<usize>, Folding> = HashMap::default();
    for (at, node) in actual.iter().enumerate().filter(|(_, node)| !node.ignored) {
        equals.entry(node.fingerprint).or_default().push_back(at);
    }
    for (at, node) in expected.iter().enumerate().filter(|(_, node)| !node.ignored) {
        if let Some(other) = equals.get_mut(&node.fingerprint).and_then(VecDeque::pop_front) {
            matching.join(at, other);
        }
    }

    let mut left: HashMap<Key, (Vec<usize>, Vec<usize>), Folding> = HashMap::default();
    for (at, node) in expected.iter().enumerate().filter(|(_, node)| !node.ignored) {
        if matching.of_expected(at).is_none() {
            left.entry(node.avp.key).or_default().0.push(at);
        }
    }
    for (at, node) in actual.iter().enumerate().filter(|(_, node)| !node.ignored) {
        if matching.of_actual(at).is_none() {
            left.entry(node.avp.key).or_default().1.push(at);
        }
    }
    for (ours, theirs) in left.into_values() {
        let many = ours.len().saturating_mul(theirs.len());
        let grouped = ours.first().and_then(|at| expected.get(*at)).is_some_and(|node| node.members.is_some());
        if (2..=WEIGHED).contains(&many) && grouped {
            for (ours, theirs) in weigh(&ours, &theirs, expected, actual) {
                matching.join(ours, theirs);
            }
        } else {
            ours.into_iter().zip(theirs).for_each(|(ours, theirs)| matching.join(ours, theirs));
        }
    }
    matching
}

/// The pairs that share most, each AVP in one of them.
fn weigh(ours: &[usize], theirs: &[usize], expected: &[Node<'_>], actual: &[Node<'_>]) -> Vec<(usize, usize)> {
    let sorted = |nodes: &[Node<'_>], at: usize| nodes.get(at).map(sorted_members).unwrap_or_default();
    let our_members: Vec<Vec<u64>> = ours.iter().map(|at| sorted(expected, *at)).collect();
    let their_members: Vec<Vec<u64>> = theirs.iter().map(|at| sorted(actual, *at)).collect();
    let mut pairs = Vec::with_capacity(ours.len() * theirs.len());
    for (i, (at, one)) in ours.iter().zip(&our_members).enumerate() {
        for (j, (other, two)) in theirs.iter().zip(&their_members).enumerate() {
            pairs.push((std::cmp::Reverse(shared(one, two)), i.abs_diff(j), *at, *other));
        }
    }
    pairs.sort_unstable();
    let (mut taken, mut given) = (HashSet::new(), HashSet::new());
    let mut chosen = Vec::new();
    for (_, _, at, other) in pairs {
        if !taken.contains(&at) && !given.contains(&other) {
            taken.insert(at);
            given.insert(other);
            chosen.push((at, other));
        }
    }
    chosen
}

fn sorted_members(node: &Node<'_>) -> Vec<u64> {
    sorted_fingerprints(node.members.as_deref().unwrap_or_default())
}

/// The fingerprints of what counts on a level, sorted.
pub(super) fn sorted_fingerprints(nodes: &[Node<'_>]) -> Vec<u64> {
    let mut fingerprints: Vec<u64> = nodes.iter().filter(|node| !node.ignored).map(|node| node.fingerprint).collect();
    fingerprints.sort_unstable();
    fingerprints
}

/// How many values two sorted lists share.
pub(super) fn shared(one: &[u64], two: &[u64]) -> usize {
    let (mut one, mut two) = (one.iter().peekable(), two.iter().peekable());
    let mut count = 0;
    while let (Some(a), Some(b)) = (one.peek(), two.peek()) {
        match a.cmp(b) {
            std::cmp::Ordering::Less => drop(one.next()),
            std::cmp::Ordering::Greater => drop(two.next()),
            std::cmp::Ordering::Equal => {
                count += 1;
                one.next();
                two.next();
            }
        }
    }
    count
}

const SESSION_ID: Key = Key::new(0, 263);
const ROUTE_RECORD: Key = Key::new(0, 282);
const PROXY_INFO: Key = Key::new(0, 284);

/// The expected AVPs whose counterparts stand elsewhere, where the order counts: the fewest that explain it.
pub(super) fn moved(
    expected: &[Node<'_>],
    actual: &[Node<'_>],
    matching: &Matching,
    grammar: Option<&[Member]>,
    order: Order,
) -> HashSet<usize> {
    let pairs = |wanted: &dyn Fn(Key) -> bool| -> Vec<(usize, usize)> {
        let all = expected.iter().enumerate().filter(|(_, node)| wanted(node.avp.key));
        all.filter_map(|(at, _)| Some((at, matching.of_expected(at)?))).collect()
    };
    match order {
        Order::Free => HashSet::new(),
        Order::Strict => out_of_order(&pairs(&|_| true)),
        Order::Grammar => {
            let mut moved = out_of_order(&pairs(&|key| key == ROUTE_RECORD));
            moved.extend(out_of_order(&pairs(&|key| key == PROXY_INFO)));
            // A fixed member stands before all that is not fixed. RFC 6733 section 3.2.
            let fixed = |key: Key| match grammar {
                Some(members) => members.iter().any(|member| member.fixed && member.key == key),
                None => key == SESSION_ID,
            };
            let in_place = |nodes: &[Node<'_>], at: usize| {
                nodes.get(..at).is_some_and(|before| before.iter().all(|node| fixed(node.avp.key)))
            };
            for (at, other) in pairs(&fixed) {
                if in_place(expected, at) != in_place(actual, other) {
                    moved.insert(at);
                }
            }
            moved
        }
    }
}

/// Of pairs in the order of the expected side, those outside a longest run that keeps the order of the actual side.
fn out_of_order(pairs: &[(usize, usize)]) -> HashSet<usize> {
    // Patience: `ends[n]` is the pair that ends the run of n + 1 with the smallest actual place.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    let place = |pair: usize| pairs.get(pair).map_or(0, |(_, actual)| *actual);
    for (pair, (_, actual)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| place(*end) < *actual);
        before.push(length.checked_sub(1).and_then(|at| ends.get(at).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = pair,
            None => ends.push(pair),
        }
    }
    let mut moved: HashSet<usize> = pairs.iter().map(|(expected, _)| *expected).collect();
    let mut at = ends.last().copied();
    while let Some(pair) = at {
        if let Some((expected, _)) = pairs.get(pair) {
            moved.remove(expected);
        }
        at = before.get(pair).copied().flatten();
    }
    moved
}
