//! Every AVP exactly once, and the look-up by key and by name.
//!
//! The tables are plain declarations (`declare` tells what follows from a line): [`base`] for the IETF's AVPs,
//! [`tgpp`] for those 3GPP defines elsewhere and ProSe uses, [`prose`] for TS 29.343, 29.344 and 29.345, [`private`]
//! for the numbers that no standard has, and [`foreign`] for those of other reference points, which are only read.
//! [`overlay`] is what a process is told beside them.

pub(crate) mod declare;

pub mod base;
pub mod foreign;
pub mod overlay;
pub mod private;
pub mod prose;
pub mod tgpp;

#[rustfmt::skip]
mod markers {
    #![allow(ambiguous_glob_reexports, reason = "TABLE and group stand in each table and are named by their table")]
    pub use super::{base::*, private::*, prose::*, tgpp::*};
}
pub use markers::*;
pub use overlay::everything;

use crate::avp::format::Kind;
use crate::avp::{Avp, AvpFlags, Key};
use crate::message::check;

/// The Grouped AVPs as structs.
pub mod group {
    pub use super::base::group::*;
    pub use super::private::group::*;
    pub use super::prose::group::*;
    pub use super::tgpp::group::*;
}

/// The tables, in the order in which listings show them.
pub const TABLES: [&[&Definition]; 8] = [
    base::TABLE,
    tgpp::TABLE,
    prose::TABLE,
    private::TABLE,
    foreign::ietf::TABLE,
    foreign::ims::TABLE,
    foreign::charging::TABLE,
    foreign::access::TABLE,
];

/// The IETF as a vendor.
pub const IETF: u32 = 0;
/// 3GPP as a vendor.
pub const TGPP: u32 = 10415;

/// Whether the M flag is set by a sender. Receivers do not refuse an AVP for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Set it.
    Must,
    /// The sender decides; we set it not.
    May,
    /// Leave it clear.
    MustNot,
}

/// One row of a command's or group's grammar.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Vendor and code of the AVP, here again because a walk compares them for every AVP.
    pub key: Key,
    /// The AVP.
    pub definition: &'static Definition,
    /// The least number of times it stands there.
    pub least: u32,
    /// The most; `u32::MAX` for no bound.
    pub most: u32,
    /// True when the AVP stands first.
    pub fixed: bool,
}

/// All that is known of an AVP.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Name as its specification prints it.
    pub name: &'static str,
    /// Name of the marker type and, for groups, of the struct; empty for rows of [`foreign`], which have neither.
    pub rust_name: &'static str,
    /// Vendor and code.
    pub key: Key,
    /// Data format.
    pub kind: Kind,
    /// Rule of the M flag.
    pub mandatory: Rule,
    /// Where it is defined.
    pub clause: &'static str,
    /// Named values, or named bits when `bits` is set.
    pub values: &'static [(&'static str, i64)],
    /// True when the values are bits of a mask.
    pub bits: bool,
    /// Members of a Grouped AVP.
    pub members: &'static [Member],
    /// True when a Grouped AVP may hold AVPs that its grammar does not name.
    pub open: bool,
}

impl Definition {
    /// AVP code.
    #[must_use]
    pub const fn code(&self) -> u32 {
        self.key.code()
    }

    /// Vendor-Id, 0 for the IETF.
    #[must_use]
    pub const fn vendor(&self) -> u32 {
        self.key.vendor()
    }

    /// The flags a sender sets.
    #[must_use]
    pub const fn flags(&self) -> AvpFlags {
        let vendor = if self.vendor() == IETF { 0 } else { AvpFlags::VENDOR };
        let mandatory = if matches!(self.mandatory, Rule::Must) { AvpFlags::MANDATORY } else { 0 };
        AvpFlags(vendor | mandatory)
    }

    /// True for numbers of our own: they stand in no standard, and every listing says so.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        self.vendor() == private::VENDOR
    }

    /// The name of a value, when it has one and the values are no bits.
    #[must_use]
    pub fn value_name(&self, number: i64) -> Option<&'static str> {
        if self.bits {
            return None;
        }
        self.values.iter().find(|(_, value)| *value == number).map(|(name, _)| *name)
    }

    /// What a number means: the name of a value, or the names of the bits set (`A | B`, unknown bits in hexadecimal).
    #[must_use]
    pub fn meaning(&self, number: i64) -> Option<String> {
        if !self.bits {
            return self.value_name(number).map(str::to_owned);
        }
        let mut left = number;
        let mut names: Vec<String> = Vec::new();
        for (name, bit) in self.values.iter().filter(|(_, bit)| number & bit != 0) {
            names.push((*name).to_owned());
            left &= !bit;
        }
        if left != 0 {
            names.push(format!("{left:#x}"));
        }
        (!names.is_empty()).then(|| names.join(" | "))
    }

    /// The member of a group that `key` names.
    #[must_use]
    pub fn member(&self, key: Key) -> Option<&'static Member> {
        self.members.iter().find(|member| member.definition.key == key)
    }

    /// An instance with the least data its format allows, zero filled, header and padding included: what a Failed-AVP
    /// carries for an AVP that is missing. RFC 6733 section 7.5.
    #[must_use]
    pub fn sample(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_raw(self.key, self.flags(), self.kind.sample(), &mut out);
        out
    }
}

/// An AVP of the tables as a type: its definition, its value, and both directions between value and data.
pub trait Declared {
    /// The value: borrowed from the message where it has a length of its own.
    type Value<'a>;
    /// The row of the tables.
    const DEFINITION: &'static Definition;
    /// Reads the data; `None` when it does not fit the format, or the grammar of a group.
    fn read(data: &[u8]) -> Option<Self::Value<'_>>;
    /// Appends the data, without padding.
    fn write(value: &Self::Value<'_>, out: &mut Vec<u8>);
}

/// Appends one AVP, header and padding included, with the flags that its definition asks for.
#[inline]
pub fn write_avp<A: Declared>(value: &A::Value<'_>, out: &mut Vec<u8>) {
    let definition = A::DEFINITION;
    let start = out.len();
    let flags = definition.flags();
    if flags.has_vendor() {
        let mut head = [0; 12];
        head[..4].copy_from_slice(&definition.code().to_be_bytes());
        head[8..].copy_from_slice(&definition.vendor().to_be_bytes());
        out.extend_from_slice(&head);
    } else {
        let mut head = [0; 8];
        head[..4].copy_from_slice(&definition.code().to_be_bytes());
        out.extend_from_slice(&head);
    }
    A::write(value, out);
    finish(start, flags, out);
}

/// Appends one AVP from its parts, padding included.
pub fn write_raw(key: Key, flags: AvpFlags, data: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&key.code().to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    if flags.has_vendor() {
        out.extend_from_slice(&key.vendor().to_be_bytes());
    }
    out.extend_from_slice(data);
    finish(start, flags, out);
}

/// Appends one AVP as it was received; padding that was missing at the end of a group is put in.
#[inline]
pub(crate) fn write_whole(avp: &Avp<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(avp.whole);
    let missing = avp.length().next_multiple_of(4).saturating_sub(avp.whole.len());
    out.extend_from_slice(&[0; 3][..missing.min(3)]);
}

/// Writes flags and length of the AVP that begins at `start`, and pads it. A length of more than 24 bits does not fit
/// the field; messages of such a size are refused by the framing on their way out.
#[inline]
fn finish(start: usize, flags: AvpFlags, out: &mut Vec<u8>) {
    let length = out.len() - start;
    let word = (u32::from(flags.0) << 24) | (length as u32 & 0xff_ffff);
    if let Some(field) = out.get_mut(start + 4..start + 8) {
        field.copy_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(&[0; 3][..length.wrapping_neg() & 3]);
}

/// Takes an AVP that a grammar does not name. A mandatory one must at least be known (RFC 6733 section 4.1), and a known
/// one must fit its format and grammar: the typed decode accepts nothing that the check finds a fault in.
#[inline]
pub(crate) fn take_extra<'a>(avp: Avp<'a>, extra: &mut Vec<Avp<'a>>) -> Option<()> {
    let sound = match lookup(avp.key) {
        Some(definition) => check::fits(&avp, definition),
        None => !avp.flags.is_mandatory(),
    };
    extra.push(avp);
    sound.then_some(())
}

/// Takes an AVP in a group that does not end in `*[AVP]`: one that is known does not belong there, one that is not may
/// come from a later release.
#[inline]
pub(crate) fn take_unknown<'a>(avp: Avp<'a>, extra: &mut Vec<Avp<'a>>) -> Option<()> {
    let belongs = lookup(avp.key).is_none() && !avp.flags.is_mandatory();
    extra.push(avp);
    belongs.then_some(())
}

/// Takes a member of Failed-AVP, which is there because it does not fit.
#[inline]
pub(crate) fn take_failed<'a>(avp: Avp<'a>, extra: &mut Vec<Avp<'a>>) -> Option<()> {
    extra.push(avp);
    Some(())
}

/// A hash table over all keys, made by the compiler: open addressing, twice as many slots as needed or more.
const SLOTS: usize = 4096;
static INDEX: [u16; SLOTS] = index();
const VACANT: u16 = u16::MAX;

const fn slot(key: Key) -> usize {
    // A multiplicative hash: the high bits of the product depend on all of the key.
    (key.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.ilog2())) as usize
}

const fn row(number: u16) -> &'static Definition {
    TABLES[(number >> 12) as usize][(number & 0xfff) as usize]
}

const fn index() -> [u16; SLOTS] {
    let mut index = [VACANT; SLOTS];
    let mut table = 0;
    while table < TABLES.len() {
        let mut at = 0;
        while at < TABLES[table].len() {
            let mut place = slot(TABLES[table][at].key);
            while index[place] != VACANT {
                assert!(row(index[place]).key.0 != TABLES[table][at].key.0, "an AVP is declared twice");
                place = (place + 1) % SLOTS;
            }
            index[place] = ((table as u16) << 12) | at as u16;
            at += 1;
        }
        table += 1;
    }
    index
}

/// The definition of an AVP; `None` when neither the tables nor what was learnt beside them have one, which is no error:
/// such an AVP is data.
#[must_use]
#[inline]
pub fn lookup(key: Key) -> Option<&'static Definition> {
    let mut place = slot(key);
    loop {
        let number = INDEX[place];
        if number == VACANT {
            return overlay::lookup(key);
        }
        let definition = row(number);
        if definition.key == key {
            return Some(definition);
        }
        place = (place + 1) % SLOTS;
    }
}

/// The definition of the AVP of that name, letters compared exactly. Names that several vendors use go to the table
/// that comes first.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Definition> {
    all().find(|definition| definition.name == name).or_else(|| overlay::by_name(name))
}

/// All definitions of the tables, table after table; [`everything`] has those that were learnt, too.
pub fn all() -> impl Iterator<Item = &'static Definition> {
    TABLES.into_iter().flatten().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_avp_is_found_by_key_and_by_name() {
        for definition in all() {
            assert_eq!(lookup(definition.key).unwrap().name, definition.name);
            let named = by_name(definition.name).unwrap();
            assert!(named.key == definition.key || definition.rust_name.is_empty(), "{}", definition.name);
        }
        assert!(lookup(Key::new(99, 99)).is_none());
    }

    #[test]
    fn names_are_written_once() {
        let mut names = HashSet::new();
        for definition in all() {
            // Other reference points use some names twice: User-Data is an AVP of Cx and another of Sh.
            let fresh = names.insert(definition.name) || definition.rust_name.is_empty();
            assert!(fresh, "{} is declared twice", definition.name);
            let odd = definition.name.chars().find(|c| !c.is_ascii_alphanumeric() && !"-_".contains(*c));
            assert_eq!(odd, None, "{}", definition.name);
            assert!(!definition.clause.is_empty(), "{} has no clause", definition.name);
        }
    }

    #[test]
    fn only_groups_have_members_and_only_numbers_have_values() {
        for definition in all() {
            assert!(definition.members.is_empty() || definition.kind == Kind::Grouped, "{}", definition.name);
            let number = matches!(
                definition.kind,
                Kind::Enumerated | Kind::Unsigned32 | Kind::Unsigned64 | Kind::Integer32 | Kind::Integer64
            );
            assert!(definition.values.is_empty() || number, "{}", definition.name);
            let distinct: HashSet<_> = definition.values.iter().map(|(_, value)| value).collect();
            assert_eq!(distinct.len(), definition.values.len(), "{} names a value twice", definition.name);
            if definition.bits {
                assert!(definition.values.iter().all(|(_, bit)| bit.count_ones() == 1), "{}", definition.name);
            }
        }
    }

    #[test]
    fn the_index_is_at_most_half_full() {
        assert!(all().count() * 2 <= SLOTS);
    }

    #[test]
    fn meanings_of_values_and_bits() {
        assert_eq!(ResultCode::DEFINITION.meaning(2001).as_deref(), Some("DIAMETER_SUCCESS"));
        assert_eq!(ResultCode::DEFINITION.meaning(2999), None);
        assert_eq!(UprFlags::DEFINITION.meaning(0x13).as_deref(), Some("UPDATE | REMOVAL | 0x10"));
    }

    #[test]
    fn a_sample_is_a_whole_avp() {
        assert_eq!(UserName::DEFINITION.sample(), [0, 0, 0, 1, 0x40, 0, 0, 8]);
        assert_eq!(
            ProseRequestType::DEFINITION.sample(),
            [0, 0, 0x0e, 0x13, 0xc0, 0, 0, 16, 0, 0, 0x28, 0xaf, 0, 0, 0, 0]
        );
    }
}
