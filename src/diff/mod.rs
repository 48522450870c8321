//! Two messages compared AVP by AVP, by meaning and not by octets; and two conversations, message by message.
//!
//! ```text
//! rules.rs   what does not count: paths, names that stand for one another, ids and times that are renewed
//! path.rs    where an AVP stands, and the patterns that meet it
//! tree.rs    a message as a tree, each node with a fingerprint of what counts
//! level.rs   which AVPs of one level belong together, and which have moved
//! pair.rs    which messages of two conversations belong together
//! show.rs    a patch for people, JSON for machines
//! ```
//!
//! ```
//! use proselink::diff::{Rules, compare};
//! use proselink::interfaces::base::DeviceWatchdogRequest;
//! use proselink::message::{Command, Envelope};
//!
//! let request = DeviceWatchdogRequest { origin_host: "a.example", origin_realm: "example", ..Default::default() };
//! let other = DeviceWatchdogRequest { origin_host: "B.example", ..request.clone() };
//! let envelope = Envelope { application: 0, hop_by_hop: 1, end_to_end: 2 };
//! let differences = compare(&request.to_bytes(envelope), &other.to_bytes(envelope), &Rules::default());
//! assert_eq!(differences[0].to_string(), "Origin-Host: a.example -> B.example");
//! ```
//!
//! What is the same by meaning: AVPs in another order where the grammar leaves it free; padding, and the lengths that
//! follow from it; letters of host and realm names in either case (RFC 6733 section 4.3.1), defaults of a DiameterURI
//! written out; blanks in filter rules. The order counts for members that a grammar fixes, and for Route-Record and
//! Proxy-Info among themselves (RFC 6733 sections 6.1.9 and 6.2). Hop-by-Hop and End-to-End identifiers count only
//! where the rules say so.

mod level;
mod pair;
mod path;
mod rules;
mod show;
#[cfg(test)]
mod tests;
mod tree;
mod values;

use crate::avp::dictionary::{self, Definition, Member};
use crate::interfaces;
use crate::message::{HEADER_LENGTH, Header};

pub use pair::{Entry, Pair, pair};
pub use path::{Path, Pattern, PatternError, Step};
pub use rules::{HeaderField, Normalise, Order, Rules, Tolerance};
pub use show::{write_difference, write_differences, write_json};

use rules::Compiled;
use tree::Node;
use values::Correspondence;

/// Differences of one pair of messages that are kept; what is more is not looked for.
pub const DIFFERENCE_LIMIT: usize = 4096;

/// What is the matter with an AVP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It was expected and is not there.
    Missing,
    /// It is there and was not expected.
    Added,
    /// It has another value, or other flags.
    Changed,
    /// It stands at another place, where the order counts.
    Moved,
    /// A field of the header has another value.
    Header,
}

impl Kind {
    /// The word in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Moved => "moved",
            Self::Header => "header",
        }
    }
}

/// What stands on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// An AVP, header and sound padding included.
    Avp(Vec<u8>),
    /// A number, and what it means where that is known.
    Number(u64, String),
    /// Octets that are no AVP: behind the last one, or a message without a header.
    Octets(Vec<u8>),
    /// The flags of an AVP.
    Flags(crate::avp::AvpFlags),
    /// A place among the AVPs of the level, from 1.
    Place(usize),
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where; as the expected message counts, or the actual one for what is added.
    pub path: Path,
    /// What is the matter.
    pub kind: Kind,
    /// What was expected; `None` for what is added.
    pub expected: Option<Side>,
    /// What is there; `None` for what is missing.
    pub actual: Option<Side>,
}

/// Compares two messages. The differences stand in the order of the expected message, those of one level with what is
/// added at its end; none when the two mean the same. Any octets will do: what is no message or no AVP is compared as it is.
#[must_use]
pub fn compare(expected: &[u8], actual: &[u8], rules: &Rules) -> Vec<Difference> {
    Comparer::new(rules).compare(expected, actual)
}

/// Compares the messages of one conversation, pair after pair: ids that are renewed must stand for one another, and times
/// must be apart by as much, over all of it.
#[derive(Debug)]
pub struct Comparer<'r> {
    rules: &'r Rules,
    compiled: Compiled,
    renewed: Correspondence,
}

impl<'r> Comparer<'r> {
    /// A comparer that has seen nothing yet.
    #[must_use]
    pub fn new(rules: &'r Rules) -> Self {
        Self { rules, compiled: Compiled::new(rules), renewed: Correspondence::default() }
    }

    /// Compares the next pair; see [`compare`].
    pub fn compare(&mut self, expected: &[u8], actual: &[u8]) -> Vec<Difference> {
        let mut found = Vec::new();
        let (Some(expected_header), Some(actual_header)) = (Header::parse(expected), Header::parse(actual)) else {
            if expected != actual {
                found.push(Difference {
                    path: Path::default(),
                    kind: Kind::Header,
                    expected: Some(Side::Octets(expected.to_vec())),
                    actual: Some(Side::Octets(actual.to_vec())),
                });
            }
            return found;
        };
        self.header(&expected_header, &actual_header, &mut found);
        let (expected, expected_rest) =
            tree::build(expected.get(HEADER_LENGTH..).unwrap_or_default(), &self.compiled, true);
        let (actual, actual_rest) = tree::build(actual.get(HEADER_LENGTH..).unwrap_or_default(), &self.compiled, false);
        let grammar = interfaces::command_of(&expected_header).map(|command| command.members);
        let mut path = Path::default();
        self.level(&expected, &actual, grammar, &mut path, &mut found);
        if expected_rest != actual_rest {
            path.0.push(Step::Rest);
            let side = |rest: &[u8]| (!rest.is_empty()).then(|| Side::Octets(rest.to_vec()));
            let kind = match (expected_rest.is_empty(), actual_rest.is_empty()) {
                (true, _) => Kind::Added,
                (_, true) => Kind::Missing,
                _ => Kind::Changed,
            };
            found.push(Difference { path, kind, expected: side(expected_rest), actual: side(actual_rest) });
        }
        found.truncate(DIFFERENCE_LIMIT);
        if !self.compiled.numbered.is_empty() {
            found.retain(|difference| !self.compiled.numbered.iter().any(|pattern| difference.path.is_within(pattern)));
        }
        found
    }

    fn header(&self, expected: &Header, actual: &Header, found: &mut Vec<Difference>) {
        for field in &self.rules.header {
            let (ours, theirs) = (field.of(expected), field.of(actual));
            if ours != theirs {
                found.push(Difference {
                    path: Path(vec![Step::Header(*field)]),
                    kind: Kind::Header,
                    expected: Some(Side::Number(ours, field.meaning(expected))),
                    actual: Some(Side::Number(theirs, field.meaning(actual))),
                });
            }
        }
    }

    /// Compares the AVPs of one level: a message's, or a group's.
    fn level(
        &mut self,
        expected: &[Node<'_>],
        actual: &[Node<'_>],
        grammar: Option<&[Member]>,
        path: &mut Path,
        found: &mut Vec<Difference>,
    ) {
        let matching = level::matching(expected, actual);
        let order = level::moved(expected, actual, &matching, grammar, self.rules.order);
        for (at, node) in expected.iter().enumerate().filter(|(_, node)| !node.ignored) {
            if found.len() >= DIFFERENCE_LIMIT {
                return;
            }
            path.0.push(node.step(matching.several(node.avp.key)));
            match matching.of_expected(at).and_then(|other| Some((other, actual.get(other)?))) {
                Some((other, counterpart)) => {
                    if order.contains(&at) {
                        found.push(Difference {
                            path: path.clone(),
                            kind: Kind::Moved,
                            expected: Some(Side::Place(at + 1)),
                            actual: Some(Side::Place(other + 1)),
                        });
                    }
                    self.node(node, counterpart, path, found);
                }
                None => found.push(Difference {
                    path: path.clone(),
                    kind: Kind::Missing,
                    expected: Some(node.side()),
                    actual: None,
                }),
            }
            path.0.pop();
        }
        for (at, node) in actual.iter().enumerate().filter(|(_, node)| !node.ignored) {
            if matching.of_actual(at).is_none() && found.len() < DIFFERENCE_LIMIT {
                path.0.push(node.step(matching.several(node.avp.key)));
                found.push(Difference {
                    path: path.clone(),
                    kind: Kind::Added,
                    expected: None,
                    actual: Some(node.side()),
                });
                path.0.pop();
            }
        }
    }

    /// Compares two AVPs of one key.
    fn node(&mut self, expected: &Node<'_>, actual: &Node<'_>, path: &mut Path, found: &mut Vec<Difference>) {
        if self.rules.flags && expected.avp.flags != actual.avp.flags {
            path.0.push(Step::Flags);
            found.push(Difference {
                path: path.clone(),
                kind: Kind::Changed,
                expected: Some(Side::Flags(expected.avp.flags)),
                actual: Some(Side::Flags(actual.avp.flags)),
            });
            path.0.pop();
        }
        if let (Some(ours), Some(theirs)) = (&expected.members, &actual.members) {
            let grammar = expected.definition.map(|definition: &Definition| definition.members);
            self.level(ours, theirs, grammar, path, found);
            return;
        }
        if !self.renewed.same(expected, actual, &self.compiled) {
            found.push(Difference {
                path: path.clone(),
                kind: Kind::Changed,
                expected: Some(expected.side()),
                actual: Some(actual.side()),
            });
        }
    }
}

/// The definitions that have a name; several AVPs of different vendors may.
fn named(name: &str) -> impl Iterator<Item = &'static Definition> {
    dictionary::all().filter(move |definition| definition.name == name)
}
