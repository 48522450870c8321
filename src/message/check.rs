//! All that is wrong with a message, collected: formats, groups, and the grammar of its command.
//!
//! A clean message is walked once and nothing is allocated for it.

use super::declare::{CommandDefinition, ERROR_ANSWER};
use super::header::{CommandFlags, HEADER_LENGTH, Header, VERSION};
use crate::avp::dictionary::{self, Definition, FailedAvp, Member};
use crate::avp::fault::{self, Fault, FaultKind, Place};
use crate::avp::format::{Kind, Verdict};
use crate::avp::{Avp, Avps};

/// How deep groups may be nested. The deepest of any 3GPP application is six.
pub const NESTING_LIMIT: usize = 16;

/// How many faults of one message are kept: a message of nothing but faults must not cost more than it weighs.
pub const FAULT_LIMIT: usize = 64;

/// The most members a grammar of the tables may name; checked by a test.
const MEMBER_LIMIT: usize = 96;

/// What a check is strict about.
#[derive(Clone, Copy, Debug)]
pub struct Strictness {
    /// An unknown AVP with the M flag is a fault. True for a receiver; an onlooker that merely lacks a dictionary has
    /// no reason to complain.
    pub unknown_mandatory: bool,
}

/// Collects the faults of a message. `command` is its definition, when it is known: without it only the header, the
/// lengths and the formats of known AVPs are judged.
#[must_use]
pub fn check(message: &[u8], command: Option<&CommandDefinition>, strictness: Strictness) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Some(header) = Header::parse(message) else {
        let kind = FaultKind::MessageLength { stated: message.len(), present: message.len() };
        return vec![Fault::of_header(kind)];
    };
    check_header(&header, message.len(), command, &mut faults);
    let error_answer = header.flags.is_error() && !header.is_request();
    let grammar = match command {
        Some(_) if error_answer => Some((ERROR_ANSWER, true)),
        Some(command) => Some((command.members, true)),
        None => None,
    };
    judge(message, grammar, strictness, faults)
}

/// Why a receiver cannot read `message` as `command`. Unlike [`check`] it takes an answer with the E bit for no other
/// grammar than the command's own.
pub(crate) fn refusal(message: &[u8], command: &CommandDefinition) -> Vec<Fault> {
    let strictness = Strictness { unknown_mandatory: true };
    let Some(header) = Header::parse(message) else { return check(message, Some(command), strictness) };
    let mut faults = Vec::new();
    check_header(&header, message.len(), Some(command), &mut faults);
    judge(message, Some((command.members, true)), strictness, faults)
}

fn judge(message: &[u8], grammar: Option<Grammar>, strictness: Strictness, faults: Vec<Fault>) -> Vec<Fault> {
    let mut walk = Check { strictness, faults };
    walk.members(message.get(HEADER_LENGTH..).unwrap_or_default(), HEADER_LENGTH, grammar, None);
    walk.faults
}

/// True when a known AVP has no fault, nor any of its members.
pub(crate) fn fits(avp: &Avp<'_>, definition: &'static Definition) -> bool {
    let mut check = Check { strictness: Strictness { unknown_mandatory: true }, faults: Vec::new() };
    check.data(avp, definition, 0, None);
    check.faults.is_empty()
}

/// Judges the header against itself, the octets present, and the command.
fn check_header(header: &Header, present: usize, command: Option<&CommandDefinition>, faults: &mut Vec<Fault>) {
    let mut fault = |kind| faults.push(Fault::of_header(kind));
    if header.version != VERSION {
        fault(FaultKind::UnsupportedVersion(header.version));
    }
    let stated = header.length as usize;
    if stated < HEADER_LENGTH || !stated.is_multiple_of(4) || stated != present {
        fault(FaultKind::MessageLength { stated, present });
    }
    if header.flags.has_reserved() {
        fault(FaultKind::ReservedBits(header.flags.0 & CommandFlags::RESERVED));
    }
    if header.flags.is_contradictory() {
        fault(FaultKind::ContradictoryFlags("a request has the E bit, which belongs to answers"));
    }
    if !header.is_request() && header.flags.is_retransmitted() {
        fault(FaultKind::ContradictoryFlags("an answer has the T bit, which belongs to requests"));
    }
    if let Some(command) = command
        && header.is_request()
        && header.flags.is_proxiable() != command.proxiable
    {
        fault(FaultKind::ContradictoryFlags(if command.proxiable {
            "the P bit is clear in a request whose command is proxiable"
        } else {
            "the P bit is set in a request whose command is not proxiable"
        }));
    }
}

/// True when [`check`] finds nothing wrong with the header.
#[inline]
pub(crate) fn header_fits(header: &Header, present: usize, command: Option<&CommandDefinition>) -> bool {
    let flags = header.flags;
    let usual = if header.is_request() {
        !flags.is_error() && command.is_none_or(|command| command.proxiable == flags.is_proxiable())
    } else {
        !flags.is_retransmitted()
    };
    usual
        && header.version == VERSION
        && header.length as usize == present
        && present >= HEADER_LENGTH
        && present.is_multiple_of(4)
        && !flags.has_reserved()
}

/// True when as many AVPs of a row as may be stand in `bytes` before the last `left` octets.
fn is_too_many(row: &Member, bytes: &[u8], left: usize) -> bool {
    if row.most == u32::MAX || row.most == 1 {
        return row.most == 1;
    }
    let before = bytes.get(..bytes.len() - left.min(bytes.len())).unwrap_or_default();
    let count = Avps::new(before).map_while(Result::ok).filter(|avp| avp.key == row.key).count();
    count >= row.most as usize
}

/// A grammar: its rows, and whether it ends in `*[AVP]`.
type Grammar = (&'static [Member], bool);

struct Check {
    strictness: Strictness,
    faults: Vec<Fault>,
}

impl Check {
    fn push(&mut self, fault: Fault) {
        if self.faults.len() < FAULT_LIMIT {
            self.faults.push(fault);
        }
    }

    /// Walks the neighbours in `bytes`, which lie `start` octets into the message.
    fn members(&mut self, bytes: &[u8], start: usize, grammar: Option<Grammar>, place: Option<&Place<'_>>) {
        // A bit for each row: it was met; it was met too often, and that was told.
        let (mut met, mut told) = (0_u128, 0_u128);
        let (rows, open) = grammar.unwrap_or((&[], true));
        // Senders follow the grammar's order mostly, so the next row is looked for behind the last.
        let mut last = 0;
        let mut walk = Avps::new(bytes);
        loop {
            let before = walk.rest();
            let offset = start + (bytes.len() - before.len());
            let avp = match walk.next() {
                None => break,
                Some(Ok(avp)) => avp,
                Some(Err(malformed)) => {
                    let (key, failed) = fault::header_of(before);
                    self.push(Place::fault(place, FaultKind::Malformed(malformed), key, offset, failed));
                    break;
                }
            };
            let (behind, ahead) = (&rows[..last], &rows[last..]);
            let at = ahead
                .iter()
                .position(|row| row.key == avp.key)
                .map(|at| at + last)
                .or_else(|| behind.iter().position(|row| row.key == avp.key));
            if let Some(at) = at {
                last = at;
                let bit = 1_u128.checked_shl(at as u32).unwrap_or_default();
                // The fault is told once, at the first that is too many.
                if met & bit != 0 && told & bit == 0 && is_too_many(&rows[at], bytes, before.len()) {
                    told |= bit;
                    let kind = FaultKind::TooMany { most: rows[at].most };
                    self.push(Place::fault(place, kind, avp.key, offset, fault::copy_of(&avp)));
                }
                met |= bit;
                self.data(&avp, rows[at].definition, offset, place);
            } else if let Some(definition) = dictionary::lookup(avp.key) {
                if !open {
                    self.push(Place::fault(place, FaultKind::NotAllowed, avp.key, offset, fault::copy_of(&avp)));
                }
                self.data(&avp, definition, offset, place);
            } else if avp.flags.is_mandatory() && self.strictness.unknown_mandatory {
                self.push(Place::fault(place, FaultKind::UnknownMandatory, avp.key, offset, fault::copy_of(&avp)));
            }
        }
        for (at, row) in rows.iter().enumerate() {
            if row.least > 0 && met >> at.min(MEMBER_LIMIT) & 1 == 0 {
                let fault = fault::missing(place, row.definition, start);
                self.push(fault);
            }
        }
    }

    /// Walks through a Failed-AVP. Its members are there because they do not fit: only their headers are judged. RFC 6733
    /// section 7.5.
    fn failed(&mut self, avp: &Avp<'_>, offset: usize, place: &Place<'_>) {
        let mut walk = avp.members();
        loop {
            let before = walk.rest();
            match walk.next() {
                None => break,
                Some(Ok(_)) => {}
                Some(Err(malformed)) => {
                    let (key, failed) = fault::header_of(before);
                    let offset = offset + avp.header_length() + (avp.data.len() - before.len());
                    self.push(Place::fault(Some(place), FaultKind::Malformed(malformed), key, offset, failed));
                    break;
                }
            }
        }
    }

    /// Judges the data of one AVP, and looks into groups.
    fn data(&mut self, avp: &Avp<'_>, definition: &'static Definition, offset: usize, place: Option<&Place<'_>>) {
        if definition.kind == Kind::Grouped {
            if Place::depth(place) >= NESTING_LIMIT {
                let kind = FaultKind::TooDeep { limit: NESTING_LIMIT };
                self.push(Place::fault(place, kind, avp.key, offset, Vec::new()));
                return;
            }
            let inside = Place { parent: place, key: avp.key, flags: avp.flags };
            if avp.key.0 == FailedAvp::KEY {
                self.failed(avp, offset, &inside);
                return;
            }
            let grammar = (definition.members, definition.open);
            self.members(avp.data, offset + avp.header_length(), Some(grammar), Some(&inside));
            return;
        }
        let kind = match definition.kind.judge(avp.data) {
            Verdict::Good => return,
            Verdict::BadLength => FaultKind::BadLength {
                format: definition.kind.name(),
                present: avp.data.len(),
                expected: definition.kind.fixed_length(),
            },
            Verdict::BadValue => FaultKind::BadValue { expected: definition.kind.name() },
        };
        let failed = if matches!(kind, FaultKind::BadLength { .. }) {
            fault::header_of(avp.whole).1
        } else {
            fault::copy_of(avp)
        };
        self.push(Place::fault(place, kind, avp.key, offset, failed));
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
