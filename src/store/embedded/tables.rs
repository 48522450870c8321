//! A moment of the store, and a transaction on it.
//!
//! The contexts are in memory, all of them, as their records; the file holds them in the order of their versions. So what
//! is written goes to the end of one table, and what it takes the place of stands near what was written with it, hours
//! before or just now: a commit touches few pages however many UEs there are. By IMSI, which comes in no order, each write
//! had a page of its own to read, copy, checksum and write, and each look-up one to find.

use super::super::indexes::{Index, Pair, in_order};
use super::super::tables::{Map, Octets, Tables, TablesMut};
use super::super::{Cursor, RecordFault, StoreError, encoding, engine};
use super::changed::Changed;
use super::contexts::{ChangedContexts, Contexts, Loading, Record};
use super::file::fault;
use redb::{
    Database, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

type MapDefinition = TableDefinition<'static, &'static [u8], &'static [u8]>;
type ReadMap = ReadOnlyTable<&'static [u8], &'static [u8]>;
type WriteMap<'a> = redb::Table<'a, &'static [u8], &'static [u8]>;

/// Version of a context -> record.
pub(super) const CONTEXTS: MapDefinition = TableDefinition::new("contexts by version");

pub(super) fn definition(map: Map) -> MapDefinition {
    match map {
        Map::Contexts => CONTEXTS,
        other => TableDefinition::new(other.name()),
    }
}

/// A store that is open.
pub(super) struct Open {
    /// In front of the database, so that it is let go first.
    pub(super) moment: Moment,
    pub(super) database: Database,
}

/// The store as the last commit left it. It is replaced with every commit, so that a reader opens nothing.
pub(super) struct Moment {
    maps: Snapshot,
    contexts: Contexts,
    cursor: Cursor,
}

/// The records as of one commit.
pub(super) struct Snapshot {
    contexts: ReadMap,
    users: ReadMap,
    user_keys: ReadMap,
    values: ReadMap,
    system: ReadMap,
    deleted: ReadMap,
    path: PathBuf,
}

/// What a durable transaction has changed in memory.
pub(super) struct Committed {
    contexts: ChangedContexts,
    changed: Changed,
    cursor: Cursor,
}

/// Contexts and indexes of a store that was closed, and the commit they belong to.
pub(super) struct Kept {
    contexts: Contexts,
    cursor: Cursor,
}

/// The number in a key of [`Map::Contexts`].
fn number(key: &[u8]) -> u64 {
    key.try_into().map(u64::from_be_bytes).unwrap_or_default()
}

impl Snapshot {
    pub(super) fn of(database: &Database, path: &Path) -> Result<Self, StoreError> {
        let failed = |error| fault(path, "reading the store", error);
        let transaction = database.begin_read().map_err(|error| failed(error.into()))?;
        let open = |map| transaction.open_table(definition(map)).map_err(|error| failed(error.into()));
        Ok(Snapshot {
            contexts: open(Map::Contexts)?,
            users: open(Map::Users)?,
            user_keys: open(Map::UserKeys)?,
            values: open(Map::Values)?,
            system: open(Map::System)?,
            deleted: open(Map::Deleted)?,
            path: path.to_owned(),
        })
    }

    fn map(&self, map: Map) -> &ReadMap {
        match map {
            Map::Contexts => &self.contexts,
            Map::Users => &self.users,
            Map::UserKeys => &self.user_keys,
            Map::Values => &self.values,
            Map::System => &self.system,
            Map::Deleted => &self.deleted,
        }
    }

    fn reading(&self, error: redb::StorageError) -> StoreError {
        fault(&self.path, "reading the store", error.into())
    }

    pub(super) fn get(&self, map: Map, key: &[u8]) -> Result<Option<Octets>, StoreError> {
        get(self.map(map), key).map_err(|error| self.reading(error))
    }

    pub(super) fn count(&self, map: Map) -> Result<u64, StoreError> {
        self.map(map).len().map_err(|error| self.reading(error))
    }

    /// Calls `each` with every entry in order, until it fails.
    pub(super) fn each<E: From<StoreError>>(
        &self,
        map: Map,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for entry in self.map(map).iter().map_err(|error| self.reading(error))? {
            let (key, value) = entry.map_err(|error| self.reading(error))?;
            each(key.value(), value.value())?;
        }
        Ok(())
    }

    pub(super) fn system(&self, key: &[u8]) -> Result<u64, StoreError> {
        match self.get(Map::System, key)?.map(|value| value.as_slice().try_into().map(u64::from_be_bytes)) {
            None => Ok(0),
            Some(Ok(number)) => Ok(number),
            Some(Err(_)) => Err(RecordFault::Value { what: "a number of the store" }.into()),
        }
    }

    /// All contexts and what leads to them.
    fn load(&self) -> Result<Contexts, StoreError> {
        let damaged = |what: String| StoreError::Damaged {
            path: self.path.clone(),
            detail: format!("{what}; `proselink store check` names it"),
        };
        let count = usize::try_from(self.count(Map::Contexts)?).unwrap_or_default();
        let mut loading = Loading::with_capacity(count);
        self.each(Map::Contexts, |key, record| {
            let version = loading.push(record).map_err(|fault| damaged(format!("a record cannot be read: {fault}")))?;
            if key != version.to_be_bytes() {
                return Err(damaged("a record is not where its version should be".to_owned()));
            }
            Ok(())
        })?;
        let contexts = loading.finish().map_err(|error| StoreError::Io {
            action: "starting a thread for an index of the store",
            detail: error.to_string(),
        })?;
        contexts.ok_or_else(|| damaged("a UE has two records".to_owned()))
    }
}

impl Moment {
    /// The present moment of `database`. `kept` is what an earlier opening had in memory, used when it still fits.
    pub(super) fn of(database: &Database, path: &Path, kept: Option<Kept>) -> Result<Self, StoreError> {
        let maps = Snapshot::of(database, path)?;
        let cursor = Cursor(maps.system(engine::SEQUENCE)?);
        let contexts = match kept {
            Some(kept) if kept.cursor == cursor => kept.contexts,
            _ => maps.load()?,
        };
        Ok(Moment { maps, contexts, cursor })
    }

    /// Moves on to the commit that `committed` tells of.
    pub(super) fn advance(&mut self, database: &Database, committed: Committed) -> Result<(), StoreError> {
        self.contexts.take_over(committed.contexts, committed.changed);
        self.cursor = committed.cursor;
        self.maps = Snapshot::of(database, &self.maps.path)?;
        Ok(())
    }

    pub(super) fn keep(self) -> Kept {
        Kept { contexts: self.contexts, cursor: self.cursor }
    }

    fn record(&self, imsi: u64) -> Option<&[u8]> {
        self.contexts.record(imsi)
    }
}

impl Tables for Moment {
    fn get(&self, map: Map, key: &[u8]) -> Result<Option<Octets>, StoreError> {
        match map {
            Map::Contexts => Ok(self.record(number(key)).map(<[u8]>::to_vec)),
            _ => self.maps.get(map, key),
        }
    }

    fn range(&self, map: Map, from: &[u8], limit: usize) -> Result<Vec<(Octets, Octets)>, StoreError> {
        match map {
            Map::Contexts => {
                let imsis = self.contexts.imsis(number(from)).take(limit);
                let entry = |imsi: u64| Some((imsi.to_be_bytes().to_vec(), self.record(imsi)?.to_vec()));
                Ok(imsis.filter_map(entry).collect())
            }
            _ => range(self.maps.map(map), from, limit).map_err(|error| self.maps.reading(error)),
        }
    }

    fn count(&self, map: Map) -> Result<u64, StoreError> {
        self.maps.count(map)
    }

    fn imsis(&self, index: Index, first: u64, limit: usize) -> Vec<u64> {
        in_order(self.contexts.of(index, first), limit)
    }

    fn records(&self, index: Index, first: u64, limit: usize) -> Result<Vec<Octets>, StoreError> {
        Ok(self.contexts.records_of(index, first, limit))
    }

    fn pairs(&self, index: Index, from: Pair, limit: usize) -> Vec<Pair> {
        self.contexts.from(index, from).take(limit).collect()
    }
}

/// A transaction: all tables opened once for a whole batch, and what it changes in the indexes.
pub(super) struct Batch<'a> {
    contexts: WriteMap<'a>,
    users: WriteMap<'a>,
    user_keys: WriteMap<'a>,
    values: WriteMap<'a>,
    system: WriteMap<'a>,
    deleted: WriteMap<'a>,
    moment: &'a Moment,
    changed_contexts: ChangedContexts,
    changed: Changed,
    path: &'a Path,
}

impl<'a> Batch<'a> {
    pub(super) fn open(
        transaction: &'a WriteTransaction,
        moment: &'a Moment,
        path: &'a Path,
    ) -> Result<Self, StoreError> {
        let open = |map| {
            transaction.open_table(definition(map)).map_err(|error| fault(path, "writing the store", error.into()))
        };
        Ok(Batch {
            contexts: open(Map::Contexts)?,
            users: open(Map::Users)?,
            user_keys: open(Map::UserKeys)?,
            values: open(Map::Values)?,
            system: open(Map::System)?,
            deleted: open(Map::Deleted)?,
            moment,
            changed_contexts: ChangedContexts::new(),
            changed: Changed::default(),
            path,
        })
    }

    /// What the indexes have to take over when the transaction is durable.
    pub(super) fn into_committed(self) -> Result<Committed, StoreError> {
        Ok(Committed { cursor: engine::cursor(&self)?, contexts: self.changed_contexts, changed: self.changed })
    }

    fn record(&self, imsi: u64) -> Option<&[u8]> {
        match self.changed_contexts.get(&imsi) {
            Some(changed) => changed.as_ref().map(|record| &*record.octets),
            None => self.moment.record(imsi),
        }
    }

    /// Takes the record of a context out of the file.
    fn take_out(&mut self, imsi: u64) -> Result<(), StoreError> {
        let Some(version) = self.record(imsi).map(encoding::version).transpose()? else { return Ok(()) };
        let path = self.path;
        let removed = self.contexts.remove(version.to_be_bytes().as_slice()).map(drop);
        removed.map_err(|error| fault(path, "writing the store", error.into()))
    }

    fn map(&self, map: Map) -> &WriteMap<'a> {
        match map {
            Map::Contexts => &self.contexts,
            Map::Users => &self.users,
            Map::UserKeys => &self.user_keys,
            Map::Values => &self.values,
            Map::System => &self.system,
            Map::Deleted => &self.deleted,
        }
    }

    fn map_mut(&mut self, map: Map) -> &mut WriteMap<'a> {
        match map {
            Map::Contexts => &mut self.contexts,
            Map::Users => &mut self.users,
            Map::UserKeys => &mut self.user_keys,
            Map::Values => &mut self.values,
            Map::System => &mut self.system,
            Map::Deleted => &mut self.deleted,
        }
    }

    fn reading(&self, error: redb::StorageError) -> StoreError {
        fault(self.path, "reading the store", error.into())
    }
}

impl Tables for Batch<'_> {
    fn get(&self, map: Map, key: &[u8]) -> Result<Option<Octets>, StoreError> {
        match map {
            Map::Contexts => Ok(self.record(number(key)).map(<[u8]>::to_vec)),
            _ => get(self.map(map), key).map_err(|error| self.reading(error)),
        }
    }

    fn range(&self, map: Map, from: &[u8], limit: usize) -> Result<Vec<(Octets, Octets)>, StoreError> {
        match map {
            Map::Contexts => {
                let kept = self.moment.contexts.imsis(number(from));
                let kept = kept.filter(|imsi| !self.changed_contexts.contains_key(imsi)).take(limit);
                let imsis: BTreeSet<u64> =
                    kept.chain(self.changed_contexts.range(number(from)..).map(|(imsi, _)| *imsi)).collect();
                let entry = |imsi: u64| Some((imsi.to_be_bytes().to_vec(), self.record(imsi)?.to_vec()));
                Ok(imsis.into_iter().filter_map(entry).take(limit).collect())
            }
            _ => range(self.map(map), from, limit).map_err(|error| self.reading(error)),
        }
    }

    fn count(&self, map: Map) -> Result<u64, StoreError> {
        self.map(map).len().map_err(|error| self.reading(error))
    }

    fn imsis(&self, index: Index, first: u64, limit: usize) -> Vec<u64> {
        in_order(self.changed.of(self.moment.contexts.of(index, first), index, first), limit)
    }

    fn pairs(&self, index: Index, from: Pair, limit: usize) -> Vec<Pair> {
        self.changed.from(self.moment.contexts.from(index, from), index, from).take(limit).collect()
    }
}

impl TablesMut for Batch<'_> {
    fn put(&mut self, map: Map, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let path = self.path;
        let version;
        let key = if map == Map::Contexts {
            self.take_out(number(key))?;
            let record = Record { id1: encoding::id1(value)?, octets: value.into() };
            self.changed_contexts.insert(number(key), Some(record));
            version = encoding::version(value)?.to_be_bytes();
            version.as_slice()
        } else {
            key
        };
        let put = self.map_mut(map).insert(key, value).map(drop);
        put.map_err(|error| fault(path, "writing the store", error.into()))
    }

    fn remove(&mut self, map: Map, key: &[u8]) -> Result<(), StoreError> {
        if map == Map::Contexts {
            self.take_out(number(key))?;
            self.changed_contexts.insert(number(key), None);
            return Ok(());
        }
        let path = self.path;
        let removed = self.map_mut(map).remove(key).map(drop);
        removed.map_err(|error| fault(path, "writing the store", error.into()))
    }

    fn approach(&self, imsis: &[u64], id1s: &[u64]) {
        self.moment.contexts.approach(imsis, id1s);
    }

    fn add(&mut self, index: Index, pair: Pair) {
        self.changed.add(index, pair);
    }

    fn discard(&mut self, index: Index, pair: Pair) {
        self.changed.discard(index, pair);
    }
}

fn get(
    map: &impl ReadableTable<&'static [u8], &'static [u8]>,
    key: &[u8],
) -> Result<Option<Octets>, redb::StorageError> {
    Ok(map.get(key)?.map(|value| value.value().to_vec()))
}

fn range(
    map: &impl ReadableTable<&'static [u8], &'static [u8]>,
    from: &[u8],
    limit: usize,
) -> Result<Vec<(Octets, Octets)>, redb::StorageError> {
    let mut page = Vec::new();
    for entry in map.range(from..)?.take(limit) {
        let (key, value) = entry?;
        page.push((key.value().to_vec(), value.value().to_vec()));
    }
    Ok(page)
}
