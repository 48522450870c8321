//! The registrations of an app server: by (application, ID2), found by name and by UE too.

use super::super::encoding::users as encoding;
use super::super::tables::{Map, Octets, Tables, TablesMut};
use super::super::user::{StoredUser, UserRegistration};
use super::super::{Condition, Cursor, RecordFault, StoreError, WriteOutcome};
use crate::registration::identifiers::{Id2, Pduid};

/// What leads to an ID2 within an application.
#[derive(Clone, Copy)]
enum Lead<'a> {
    Name(&'a str),
    Ue(Pduid),
}

impl Lead<'_> {
    fn key(self, application: &str) -> Octets {
        match self {
            Self::Name(user) => key(b"n", application, user.as_bytes()),
            Self::Ue(id1) => key(b"u", application, &id1.to_octets()),
        }
    }
}

/// The length in front keeps one application's keys apart from another's.
fn key(kind: &[u8], application: &str, rest: &[u8]) -> Octets {
    let length = (application.len() as u64).to_be_bytes();
    [kind, length.as_slice(), application.as_bytes(), rest].concat()
}

/// The key of a registration's record.
pub(in super::super) fn record_key(application: &str, id2: &Id2) -> Octets {
    key(&[], application, id2.as_str().as_bytes())
}

/// The keys that lead to a registration: its user's name, and its UEs. What stands under each is the ID2.
pub(in super::super) fn lead_keys(registration: &UserRegistration) -> Vec<Octets> {
    let ues = registration.ues.iter().map(|ue| Lead::Ue(ue.id1));
    let leads = std::iter::once(Lead::Name(&registration.user)).chain(ues);
    leads.map(|lead| lead.key(&registration.application)).collect()
}

/// The key of the record that a key of [`lead_keys`] leads to, when `id2` stands under it; `None` when it is no such key.
#[cfg(feature = "net")]
pub(in super::super) fn led_to(lead: &[u8], id2: &[u8]) -> Option<Octets> {
    let ([b'n' | b'u'], application_and_rest) = lead.split_at_checked(1)? else { return None };
    let (length, _) = application_and_rest.split_first_chunk()?;
    let application = application_and_rest.get(..usize::try_from(u64::from_be_bytes(*length)).ok()?.checked_add(8)?)?;
    Some([application, id2].concat())
}

pub(in super::super) fn get(
    tables: &impl Tables,
    application: &str,
    id2: &Id2,
) -> Result<Option<StoredUser>, StoreError> {
    let record = tables.get(Map::Users, &record_key(application, id2))?;
    record.map(|record| encoding::decode(&record).map_err(StoreError::from)).transpose()
}

pub(in super::super) fn get_named(
    tables: &impl Tables,
    application: &str,
    user: &str,
) -> Result<Option<StoredUser>, StoreError> {
    led(tables, application, Lead::Name(user))
}

pub(in super::super) fn get_on(
    tables: &impl Tables,
    application: &str,
    id1: Pduid,
) -> Result<Option<StoredUser>, StoreError> {
    led(tables, application, Lead::Ue(id1))
}

fn led(tables: &impl Tables, application: &str, lead: Lead<'_>) -> Result<Option<StoredUser>, StoreError> {
    let Some(id2) = tables.get(Map::UserKeys, &lead.key(application))? else { return Ok(None) };
    let id2 = Id2::from_octets(&id2).map_err(|_| RecordFault::Value { what: "the ID2 of an index entry" })?;
    get(tables, application, &id2)
}

pub(in super::super) fn page(
    tables: &impl Tables,
    after: Option<(&str, &Id2)>,
    limit: usize,
) -> Result<Vec<StoredUser>, StoreError> {
    let from = after.map(|(application, id2)| [record_key(application, id2), vec![0]].concat()).unwrap_or_default();
    let page = tables.range(Map::Users, &from, limit)?;
    page.iter().map(|(_, record)| Ok(encoding::decode(record)?)).collect()
}

/// Makes or replaces a registration. Its UEs are taken from whoever had them in the same application; a registration
/// that is left without a UE is forgotten.
pub(super) fn put(
    tables: &mut impl TablesMut,
    sequence: &mut Cursor,
    registration: &UserRegistration,
    condition: Condition,
) -> Result<WriteOutcome, StoreError> {
    let application = &*registration.application;
    let old = get(tables, application, &registration.id2)?;
    if let Some(conflict) = conflict(condition, old.as_ref()) {
        return Ok(conflict);
    }
    if let Some(other) = get_named(tables, application, &registration.user)?
        && other.registration.id2 != registration.id2
    {
        return Ok(WriteOutcome::Conflict { found: Some(other.version) });
    }
    for ue in &registration.ues {
        if let Some(StoredUser { registration: mut other, .. }) = get_on(tables, application, ue.id1)?
            && other.id2 != registration.id2
        {
            let before = other.clone();
            other.ues.retain(|known| known.id1 != ue.id1);
            let left = (!other.ues.is_empty()).then_some(&other);
            replace(tables, sequence, Some(&before), left)?;
        }
    }
    replace(tables, sequence, old.as_ref().map(|old| &old.registration), Some(registration))?;
    Ok(WriteOutcome::Done { version: *sequence })
}

pub(super) fn delete(
    tables: &mut impl TablesMut,
    sequence: &mut Cursor,
    application: &str,
    id2: &Id2,
    condition: Condition,
) -> Result<WriteOutcome, StoreError> {
    let old = get(tables, application, id2)?;
    if let Some(conflict) = conflict(condition, old.as_ref()) {
        return Ok(conflict);
    }
    let Some(old) = old else { return Ok(WriteOutcome::Absent) };
    replace(tables, sequence, Some(&old.registration), None)?;
    Ok(WriteOutcome::Done { version: *sequence })
}

fn conflict(condition: Condition, old: Option<&StoredUser>) -> Option<WriteOutcome> {
    super::unless(condition, old.map(|stored| stored.version))
}

/// Puts `new` in the place of `old`, which has the same ID2, and mends what leads to it.
fn replace(
    tables: &mut impl TablesMut,
    sequence: &mut Cursor,
    old: Option<&UserRegistration>,
    new: Option<&UserRegistration>,
) -> Result<(), StoreError> {
    *sequence = Cursor(sequence.0 + 1);
    let keys = |registration: Option<&UserRegistration>| registration.map_or_else(Vec::new, lead_keys);
    let (before, after) = (keys(old), keys(new));
    for key in before.iter().filter(|key| !after.contains(key)) {
        tables.remove(Map::UserKeys, key)?;
    }
    match (new, old) {
        (Some(new), _) => {
            for key in after.iter().filter(|key| !before.contains(key)) {
                tables.put(Map::UserKeys, key, new.id2.as_str().as_bytes())?;
            }
            let stored = StoredUser { version: *sequence, registration: new.clone() };
            tables.put(Map::Users, &record_key(&new.application, &new.id2), &encoding::encode(&stored))
        }
        (None, Some(old)) => tables.remove(Map::Users, &record_key(&old.application, &old.id2)),
        (None, None) => Ok(()),
    }
}
