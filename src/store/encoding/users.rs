//! A stored user registration as octets, made like the record of a context.
//!
//! ```text
//! schema 1 │ version │ application │ id2 │ user │ n × (id1 8, function, realm, bound at) │ has epuid │ [epuid, function] │ crc32c 4
//! ```

use super::{CHECKSUM_OCTETS, Decoder, Encoder, RecordFault};
use crate::registration::identifiers::{Id2, UnixSeconds};
use crate::store::Cursor;
use crate::store::user::{BoundUe, Epuid, StoredUser, UserRegistration};

const SCHEMA: u8 = 1;

/// The record of `stored`.
pub fn encode(stored: &StoredUser) -> Vec<u8> {
    let registration = &stored.registration;
    let mut out = Encoder { octets: Vec::with_capacity(256), texts: Vec::new() };
    out.octet(SCHEMA);
    out.number(stored.version.0);
    out.text(&registration.application);
    out.blob(registration.id2.as_str().as_bytes());
    out.text(&registration.user);
    out.number(registration.ues.len() as u64);
    for ue in &registration.ues {
        out.octets(&ue.id1.to_octets());
        out.text(&ue.function);
        out.text(&ue.realm);
        out.number(ue.bound_at.0);
    }
    out.octet(u8::from(registration.epuid.is_some()));
    if let Some(Epuid { epuid, function }) = &registration.epuid {
        out.text(epuid);
        out.text(function);
    }
    let checksum = crc32c::crc32c(&out.octets);
    out.octets(&checksum.to_be_bytes());
    out.octets
}

/// The registration in a record.
pub fn decode(record: &[u8]) -> Result<StoredUser, RecordFault> {
    let body = record.len().checked_sub(CHECKSUM_OCTETS).ok_or(RecordFault::Short { at: 0, what: "the checksum" })?;
    let (body, checksum) = record.split_at(body);
    if crc32c::crc32c(body).to_be_bytes() != checksum {
        return Err(RecordFault::Checksum);
    }
    let mut input = Decoder { octets: body, at: 0, texts: Vec::new() };
    match input.octet("the schema")? {
        SCHEMA => {}
        found => return Err(RecordFault::Schema { found }),
    }
    let version = Cursor(input.number("the version")?);
    let application = input.text("an application")?.into();
    let (at, what) = (input.at, "an ID2");
    let id2 = Id2::from_octets(input.blob(what)?).map_err(|_| RecordFault::Field { at, what })?;
    let user = input.text("a user")?.into();
    let ues = input.list("the UEs", |input| {
        Ok(BoundUe {
            id1: input.id1()?,
            function: input.text("a function")?.into(),
            realm: input.text("a realm")?.into(),
            bound_at: UnixSeconds(input.number("a moment")?),
        })
    })?;
    let epuid = match input.octet("the EPUID")? {
        0 => None,
        _ => Some(Epuid { epuid: input.text("an EPUID")?.into(), function: input.text("a function")?.into() }),
    };
    match body.len() - input.at {
        0 => Ok(StoredUser { version, registration: UserRegistration { application, id2, user, ues, epuid } }),
        left => Err(RecordFault::Trailing { left }),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn stored() -> impl Strategy<Value = StoredUser> {
        let ue = (any::<u64>(), "(pf[0-9]|)", "(example|)", any::<u64>()).prop_map(|(id1, function, realm, at)| {
            BoundUe { id1: id1.into(), function: function.into(), realm: realm.into(), bound_at: UnixSeconds(at) }
        });
        let epuid = proptest::option::of(("\\PC{0,9}", "\\PC{0,9}"));
        (any::<u64>(), "\\PC{0,9}", "\\PC{1,9}", "\\PC{0,9}", proptest::collection::vec(ue, 0..4), epuid).prop_map(
            |(version, application, id2, user, ues, epuid)| StoredUser {
                version: Cursor(version),
                registration: UserRegistration {
                    application: application.into(),
                    id2: Id2::new(&id2).unwrap(),
                    user: user.into(),
                    ues,
                    epuid: epuid.map(|(epuid, function)| Epuid { epuid: epuid.into(), function: function.into() }),
                },
            },
        )
    }

    proptest! {
        #[test]
        fn any_registration_survives_and_a_changed_octet_is_noticed(
            stored in stored(), place: prop::sample::Index, bit in 0u8..8
        ) {
            let record = encode(&stored);
            let mut flipped = record.clone();
            let at = place.index(flipped.len());
            flipped[at] ^= 1 << bit;
            prop_assert_eq!(decode(&flipped), Err(RecordFault::Checksum));
            prop_assert!(decode(&record[..at]).is_err());
            prop_assert_eq!(decode(&record), Ok(stored));
        }

        #[test]
        fn any_octets_under_a_good_checksum_are_answered(mut octets: Vec<u8>, schema: bool) {
            if schema && !octets.is_empty() {
                octets[0] = SCHEMA;
            }
            octets.extend(crc32c::crc32c(&octets).to_be_bytes());
            let _ = decode(&octets);
        }
    }
}
