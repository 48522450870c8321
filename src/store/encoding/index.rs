//! The index entries of a record.

use super::super::engine::user_hash;
use super::super::indexes::{Index, Pair};
use super::{CHECKSUM_OCTETS, Decoder, HAS_MOVED_FROM, HAS_MSISDN, RecordFault, open, open_body};
use crate::registration::identifiers::{Imsi, Msisdn};

/// Tells the index entries of a record, those of [`entries`](super::engine::entries), without making the context: the start
/// of a store reads all of them.
pub(in super::super) fn index(record: &[u8], mut tell: impl FnMut(Index, Pair)) -> Result<(), RecordFault> {
    let mut input = open(record)?;
    let version = input.number("the version")?;
    let expires_at = input.number("the expiry")?.checked_sub(1);
    let imsi = input.packed("the IMSI", Imsi::from_packed)?.packed();
    tell(Index::Changes, (version, imsi));
    if let Some(at) = expires_at {
        tell(Index::Expiry, (at, imsi));
    }
    let flags = input.octet("the flags")?;
    if flags & HAS_MSISDN != 0 {
        input.packed("the MSISDN", Msisdn::from_packed)?;
    }
    tell(Index::Id1s, (input.grant()?.id1.into(), imsi));
    for _ in 0..input.length("the previous ID1s")? {
        tell(Index::Id1s, (input.grant()?.id1.into(), imsi));
    }
    input.subscription(flags)?;
    input.state()?;
    if flags & HAS_MOVED_FROM != 0 {
        input.id1()?;
        input.address()?;
    }
    for _ in 0..input.length("the bindings")? {
        let binding = input.raw_binding()?;
        tell(Index::Users, (user_hash(binding.application, binding.id2), imsi));
    }
    input.end()
}

/// A record whose checksum was right when it came into memory, or which was never elsewhere.
fn open_known(record: &[u8]) -> Result<Decoder<'_>, RecordFault> {
    open_body(record.get(..record.len().saturating_sub(CHECKSUM_OCTETS)).unwrap_or_default())
}

/// The version in a record that is known to be good.
pub(in super::super) fn version(record: &[u8]) -> Result<u64, RecordFault> {
    open_known(record)?.number("the version")
}

/// The present ID1 in a record that is known to be good.
pub(in super::super) fn id1(record: &[u8]) -> Result<u64, RecordFault> {
    let mut input = open_known(record)?;
    input.number("the version")?;
    input.number("the expiry")?;
    input.octets(IMSI_OCTETS, "the IMSI")?;
    if input.octet("the flags")? & HAS_MSISDN != 0 {
        input.octets(MSISDN_OCTETS, "the MSISDN")?;
    }
    input.id1().map(u64::from)
}

const IMSI_OCTETS: usize = 8;
const MSISDN_OCTETS: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::encode;
    use super::super::tests::stored;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_index_entries_of_a_record_are_those_of_its_context(stored in stored()) {
            let mut told = Vec::new();
            index(&encode(&stored), |index, pair| told.push((index, pair))).unwrap();
            told.sort_unstable();
            prop_assert_eq!(told, crate::store::engine::entries(&stored));
            let record = encode(&stored);
            prop_assert_eq!(version(&record), Ok(stored.version.0));
            prop_assert_eq!(id1(&record), Ok(stored.context.id1.id1.into()));
        }
    }
}
