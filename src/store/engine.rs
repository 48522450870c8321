//! What the store means, over any tables: conditions, indexes, expiry, the log of changes.

pub(super) mod users;

use super::encoding::{self, RecordFault};
use super::indexes::{Index, Pair};
use super::tables::{Map, Octets, Tables, TablesMut};
use super::{
    Binding, Change, ChangeKind, Condition, Cursor, MOST_TRIMMED, StoreError, Stored, UeContext, Write, WriteOutcome,
};
use crate::registration::identifiers::{Id2, Imsi, Pduid, UnixSeconds};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// Cursor of the last change.
pub(super) const SEQUENCE: &[u8] = b"sequence";
/// Deletions up to this cursor are forgotten.
pub(super) const HORIZON: &[u8] = b"horizon";

/// Deletions remembered for followers; whoever is further behind reads all contexts anew.
pub(super) const MOST_DELETIONS: u64 = 65_536;

/// Contexts read in search of a user whose hash is shared, before the search gives up.
const MOST_SHARING_A_HASH: usize = 1024;

// Reading ------------------------------------------------------------------------------------------------------------

pub(super) fn get(tables: &impl Tables, imsi: Imsi) -> Result<Option<Stored>, StoreError> {
    get_packed(tables, imsi.packed())
}

fn get_packed(tables: &impl Tables, imsi: u64) -> Result<Option<Stored>, StoreError> {
    match tables.get(Map::Contexts, &imsi.to_be_bytes())? {
        Some(record) => Ok(Some(encoding::decode(&record)?)),
        None => Ok(None),
    }
}

pub(super) fn get_by_id1(tables: &impl Tables, id1: Pduid) -> Result<Option<Stored>, StoreError> {
    let record = tables.records(Index::Id1s, id1.into(), 1)?.into_iter().next();
    Ok(record.map(|record| encoding::decode(&record)).transpose()?)
}

/// The packed IMSI that holds `id1`.
fn owner(tables: &impl Tables, id1: Pduid) -> Option<u64> {
    tables.imsis(Index::Id1s, id1.into(), 1).first().copied()
}

pub(super) fn find_by_id2(
    tables: &impl Tables,
    application: &str,
    id2: &Id2,
    limit: usize,
) -> Result<Vec<Stored>, StoreError> {
    let hash = user_hash(application, id2.as_str());
    let mut found = Vec::new();
    for record in tables.records(Index::Users, hash, MOST_SHARING_A_HASH)? {
        if found.len() == limit {
            break;
        }
        let stored = encoding::decode(&record)?;
        // The hash only narrows the search: the context itself says whose it is.
        let is_user = |binding: &Binding| &*binding.application == application && binding.id2 == *id2;
        if stored.context.bindings.iter().any(is_user) {
            found.push(stored);
        }
    }
    Ok(found)
}

pub(super) fn due(
    tables: &impl Tables,
    now: UnixSeconds,
    limit: usize,
) -> Result<Vec<(UnixSeconds, Imsi)>, StoreError> {
    let page = tables.pairs(Index::Expiry, (0, 0), limit);
    let due = page.into_iter().take_while(|(at, _)| *at <= now.0);
    due.map(|(at, imsi)| Ok((UnixSeconds(at), unpacked(imsi)?))).collect()
}

pub(super) fn changes(tables: &impl Tables, after: Cursor, limit: usize) -> Result<Vec<Change>, StoreError> {
    let oldest = Cursor(system(tables, HORIZON)?);
    if after != Cursor::START && after < oldest {
        return Err(StoreError::CursorTooOld { after, oldest });
    }
    let Some(from) = after.0.checked_add(1) else { return Ok(Vec::new()) };
    let mut changes = Vec::new();
    for (cursor, imsi) in tables.pairs(Index::Changes, (from, 0), limit) {
        changes.push(Change { cursor: Cursor(cursor), imsi: unpacked(imsi)?, kind: ChangeKind::Put });
    }
    for (key, value) in tables.range(Map::Deleted, &from.to_be_bytes(), limit)? {
        let (cursor, imsi) = deletion(&key, &value)?;
        changes.push(Change { cursor: Cursor(cursor), imsi, kind: ChangeKind::Deleted });
    }
    changes.sort_unstable_by_key(|change| change.cursor);
    changes.truncate(limit);
    Ok(changes)
}

pub(super) fn contexts(tables: &impl Tables, after: Option<Imsi>, limit: usize) -> Result<Vec<Stored>, StoreError> {
    let from = after.map_or(0, |imsi| imsi.packed().saturating_add(1)).to_be_bytes();
    let page = tables.range(Map::Contexts, &from, limit)?;
    page.iter().map(|(_, record)| Ok(encoding::decode(record)?)).collect()
}

pub(super) fn cursor(tables: &impl Tables) -> Result<Cursor, StoreError> {
    system(tables, SEQUENCE).map(Cursor)
}

pub(super) fn value(tables: &impl Tables, key: &str) -> Result<Option<Octets>, StoreError> {
    tables.get(Map::Values, key.as_bytes())
}

pub(super) fn values(
    tables: &impl Tables,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Octets)>, StoreError> {
    // The first key after `after` is `after` with a zero octet behind it.
    let next = after.map(|after| [after.as_bytes(), &[0]].concat());
    let from = next.as_deref().unwrap_or_default().max(prefix.as_bytes());
    let mut values = Vec::new();
    for (key, value) in tables.range(Map::Values, from, limit)? {
        if !key.starts_with(prefix.as_bytes()) {
            break;
        }
        let key = String::from_utf8(key).map_err(|_| RecordFault::Value { what: "the key of a value" })?;
        values.push((key, value));
    }
    Ok(values)
}

// Writing ------------------------------------------------------------------------------------------------------------

/// Does what holds of `batch`, in order; the caller commits.
pub(super) fn apply(tables: &mut impl TablesMut, batch: &[Write]) -> Result<Vec<WriteOutcome>, StoreError> {
    let start = cursor(tables)?;
    let mut sequence = start;
    let mut outcomes = Vec::with_capacity(batch.len());
    for some in batch.chunks(TOGETHER) {
        approach(tables, some);
        for write in some {
            outcomes.push(write_one(tables, &mut sequence, write)?);
        }
    }
    if sequence != start {
        tables.put(Map::System, SEQUENCE, &sequence.0.to_be_bytes())?;
        bound_deletions(tables, sequence)?;
    }
    Ok(outcomes)
}

/// Writes that are approached together.
const TOGETHER: usize = 256;

fn approach(tables: &impl TablesMut, batch: &[Write]) {
    let (mut imsis, mut id1s) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
    for write in batch {
        match write {
            Write::Put { context, .. } => {
                imsis.push(context.imsi.packed());
                id1s.extend(context.grants().map(|grant| u64::from(grant.id1)));
            }
            Write::Delete { imsi, .. } => imsis.push(imsi.packed()),
            _ => {}
        }
    }
    // One alone has nobody to walk beside.
    if imsis.len() > 1 {
        tables.approach(&imsis, &id1s);
    }
}

fn write_one(tables: &mut impl TablesMut, sequence: &mut Cursor, write: &Write) -> Result<WriteOutcome, StoreError> {
    match write {
        Write::Put { context, expires_at, condition } => put(tables, sequence, context, *expires_at, *condition),
        Write::Delete { imsi, condition } => delete(tables, sequence, *imsi, *condition),
        Write::PutValue { key, value, expected } => {
            if let Some(expected) = expected
                && tables.get(Map::Values, key.as_bytes())? != *expected
            {
                return Ok(WriteOutcome::ValueConflict);
            }
            tables.put(Map::Values, key.as_bytes(), value)?;
            Ok(WriteOutcome::Done { version: *sequence })
        }
        Write::DeleteValue { key } => match tables.get(Map::Values, key.as_bytes())? {
            None => Ok(WriteOutcome::Absent),
            Some(_) => {
                tables.remove(Map::Values, key.as_bytes())?;
                Ok(WriteOutcome::Done { version: *sequence })
            }
        },
        Write::PutUser { registration, condition } => users::put(tables, sequence, registration, *condition),
        Write::DeleteUser { application, id2, condition } => {
            users::delete(tables, sequence, application, id2, *condition)
        }
        Write::TrimDeletions { through } => trim(tables, *sequence, *through),
    }
}

fn put(
    tables: &mut impl TablesMut,
    sequence: &mut Cursor,
    context: &UeContext,
    expires_at: Option<UnixSeconds>,
    condition: Condition,
) -> Result<WriteOutcome, StoreError> {
    let imsi = context.imsi.packed();
    let old = get_packed(tables, imsi)?;
    if let Some(conflict) = conflict(condition, old.as_ref()) {
        return Ok(conflict);
    }
    for grant in context.grants() {
        match owner(tables, grant.id1) {
            Some(by) if by != imsi => return Ok(WriteOutcome::Id1Taken { id1: grant.id1, by: unpacked(by)? }),
            _ => {}
        }
    }
    *sequence = Cursor(sequence.0 + 1);
    let new = Stored { version: *sequence, expires_at, context: context.clone() };
    tables.put(Map::Contexts, &imsi.to_be_bytes(), &encoding::encode(&new))?;
    reindex(tables, old.as_ref(), Some(&new));
    Ok(WriteOutcome::Done { version: *sequence })
}

fn delete(
    tables: &mut impl TablesMut,
    sequence: &mut Cursor,
    imsi: Imsi,
    condition: Condition,
) -> Result<WriteOutcome, StoreError> {
    let old = get(tables, imsi)?;
    if let Some(conflict) = conflict(condition, old.as_ref()) {
        return Ok(conflict);
    }
    let Some(old) = old else { return Ok(WriteOutcome::Absent) };
    *sequence = Cursor(sequence.0 + 1);
    tables.remove(Map::Contexts, &imsi.packed().to_be_bytes())?;
    tables.put(Map::Deleted, &sequence.0.to_be_bytes(), &imsi.packed().to_be_bytes())?;
    reindex(tables, Some(&old), None);
    Ok(WriteOutcome::Done { version: *sequence })
}

fn trim(tables: &mut impl TablesMut, sequence: Cursor, through: Cursor) -> Result<WriteOutcome, StoreError> {
    let page = tables.range(Map::Deleted, &[], MOST_TRIMMED)?;
    let mut horizon = None;
    for (key, value) in page {
        let (cursor, _) = deletion(&key, &value)?;
        if cursor > through.0 {
            break;
        }
        tables.remove(Map::Deleted, &key)?;
        horizon = Some(cursor);
    }
    if let Some(horizon) = horizon {
        tables.put(Map::System, HORIZON, &horizon.to_be_bytes())?;
    }
    Ok(WriteOutcome::Done { version: sequence })
}

/// Forgets the oldest deletions on top of [`MOST_DELETIONS`]: a store from which UEs come and go for years stays small.
fn bound_deletions(tables: &mut impl TablesMut, sequence: Cursor) -> Result<(), StoreError> {
    // As many as one batch may add are forgotten by it, so this keeps up.
    while let excess @ 1.. = tables.count(Map::Deleted)?.saturating_sub(MOST_DELETIONS) {
        let last =
            tables.range(Map::Deleted, &[], MOST_TRIMMED.min(usize::try_from(excess).unwrap_or(MOST_TRIMMED)))?;
        let Some((key, value)) = last.last() else { break };
        let (through, _) = deletion(key, value)?;
        let _ = trim(tables, sequence, Cursor(through))?;
    }
    Ok(())
}

/// Cursor and IMSI of a deletion.
pub(super) fn deletion(key: &[u8], value: &[u8]) -> Result<(u64, Imsi), StoreError> {
    match (key.try_into(), value.try_into()) {
        (Ok(cursor), Ok(imsi)) => Ok((u64::from_be_bytes(cursor), unpacked(u64::from_be_bytes(imsi))?)),
        _ => Err(RecordFault::Value { what: "a deletion" }.into()),
    }
}

fn conflict(condition: Condition, old: Option<&Stored>) -> Option<WriteOutcome> {
    unless(condition, old.map(|stored| stored.version))
}

/// The conflict, unless the condition holds of the version there is.
fn unless(condition: Condition, found: Option<Cursor>) -> Option<WriteOutcome> {
    let holds = match condition {
        Condition::Always => true,
        Condition::Absent => found.is_none(),
        Condition::Version(version) => found == Some(version),
    };
    (!holds).then_some(WriteOutcome::Conflict { found })
}

/// Takes out the index entries that only the old context has and puts in those that only the new one has: a bind
/// leaves ID1 and expiry alone.
fn reindex(tables: &mut impl TablesMut, old: Option<&Stored>, new: Option<&Stored>) {
    let before = old.map(entries).unwrap_or_default();
    let after = new.map(entries).unwrap_or_default();
    for (index, pair) in before.iter().filter(|entry| after.binary_search(entry).is_err()) {
        tables.discard(*index, *pair);
    }
    for (index, pair) in after.iter().filter(|entry| before.binary_search(entry).is_err()) {
        tables.add(*index, *pair);
    }
}

/// The index entries of a context, in order.
pub(super) fn entries(stored: &Stored) -> Vec<(Index, Pair)> {
    let context = &stored.context;
    let imsi = context.imsi.packed();
    let id1s = context.grants().map(|grant| (Index::Id1s, (u64::from(grant.id1), imsi)));
    let users = context.bindings.iter();
    let users = users.map(|binding| (Index::Users, (user_hash(&binding.application, binding.id2.as_str()), imsi)));
    let expiry = stored.expires_at.iter().map(|at| (Index::Expiry, (at.0, imsi)));
    let change = std::iter::once((Index::Changes, (stored.version.0, imsi)));
    let mut entries: Vec<_> = id1s.chain(users).chain(expiry).chain(change).collect();
    entries.sort_unstable();
    entries
}

/// Eight octets in the place of two long texts, in three index entries a UE. Without a secret: an application server
/// that makes two users share a hash makes its own look-ups longer and nothing else.
pub(super) fn user_hash(application: &str, id2: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(&(application.len() as u64).to_be_bytes());
    hasher.write(application.as_bytes());
    hasher.write(id2.as_bytes());
    hasher.finish()
}

pub(super) fn system(tables: &impl Tables, key: &[u8]) -> Result<u64, StoreError> {
    let what = "a number of the store";
    match tables.get(Map::System, key)?.map(|value| value.as_slice().try_into().map(u64::from_be_bytes)) {
        None => Ok(0),
        Some(Ok(number)) => Ok(number),
        Some(Err(_)) => Err(RecordFault::Value { what }.into()),
    }
}

fn unpacked(imsi: u64) -> Result<Imsi, StoreError> {
    Imsi::from_packed(imsi).ok_or(RecordFault::Value { what: "the IMSI of an index entry" }.into())
}
