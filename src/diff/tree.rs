//! A message as a tree of its AVPs, each with what the rules say of it and a fingerprint of what counts in it.

use std::collections::HashMap;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

use super::path::Step;
use super::rules::{Compiled, Verdict};
use super::{Side, values};
use crate::avp::dictionary::{self, Definition};
use crate::avp::format::Kind;
use crate::avp::{Avp, Avps, Key};
use crate::folding::Folding;
use crate::message::check::NESTING_LIMIT;

/// One AVP.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub avp: Avp<'a>,
    pub definition: Option<&'static Definition>,
    /// Which of its kind it is on its level, from 1.
    pub number: u32,
    /// The rules say that it does not count.
    pub ignored: bool,
    pub verdict: Verdict,
    /// The members of a group that is well formed.
    pub members: Option<Vec<Node<'a>>>,
    /// Of key, value and members, as far as they count; order does not.
    pub fingerprint: u64,
}

impl Node<'_> {
    pub const fn step(&self, several: bool) -> Step {
        Step::Avp { key: self.avp.key, number: self.number, several }
    }

    pub fn side(&self) -> Side {
        let mut octets = Vec::with_capacity(self.avp.length() + 3);
        dictionary::write_raw(self.avp.key, self.avp.flags, self.avp.data, &mut octets);
        Side::Avp(octets)
    }
}

/// The tree of a message's body, and the octets behind the last well-formed AVP. `expected` tells which side it is:
/// identities of the expected side are called as the actual side calls them.
pub(super) fn build<'a>(body: &'a [u8], rules: &Compiled, expected: bool) -> (Vec<Node<'a>>, &'a [u8]) {
    members(body, rules, expected, &mut Vec::new())
}

fn members<'a>(
    body: &'a [u8],
    rules: &Compiled,
    expected: bool,
    steps: &mut Vec<(Key, u32)>,
) -> (Vec<Node<'a>>, &'a [u8]) {
    let mut nodes = Vec::new();
    let mut numbers: HashMap<Key, u32, Folding> = HashMap::default();
    let mut walk = Avps::new(body);
    let mut rest = body;
    while let Some(Ok(avp)) = walk.next() {
        let number = numbers.entry(avp.key).or_default();
        *number += 1;
        steps.push((avp.key, *number));
        nodes.push(node(avp, *number, rules, expected, steps));
        steps.pop();
        rest = walk.rest();
    }
    (nodes, rest)
}

fn node<'a>(avp: Avp<'a>, number: u32, rules: &Compiled, expected: bool, steps: &mut Vec<(Key, u32)>) -> Node<'a> {
    let definition = dictionary::lookup(avp.key);
    let verdict = rules.verdict(steps);
    let grouped = definition.is_some_and(|definition| definition.kind == Kind::Grouped);
    let inside = if grouped && !verdict.ignored && steps.len() <= NESTING_LIMIT {
        let (nodes, rest) = members(avp.data, rules, expected, steps);
        rest.is_empty().then_some(nodes)
    } else {
        None
    };
    let mut hasher = SipHasher13::new();
    hasher.write_u64(avp.key.0);
    match &inside {
        Some(nodes) => {
            // A sum does not know of order.
            let counted = nodes.iter().filter(|node| !node.ignored);
            hasher.write_u64(counted.fold(0, |sum: u64, node| sum.wrapping_add(node.fingerprint)));
        }
        None if verdict.is_loose() => {}
        None => hasher.write(&values::canonical(definition, avp.data, rules, expected)),
    }
    let fingerprint = hasher.finish();
    Node { avp, definition, number, ignored: verdict.ignored, verdict, members: inside, fingerprint }
}

/// A fingerprint of a message's body: equal for two that mean the same, as far as one message can tell.
pub(super) fn fingerprint(nodes: &[Node<'_>]) -> u64 {
    let counted = nodes.iter().filter(|node| !node.ignored);
    counted.fold(0, |sum: u64, node| sum.wrapping_add(node.fingerprint))
}
