//! A moment of the store, and a transaction on it.

use super::super::indexes::{Changed, Index, Indexes, Pair};
use super::super::tables::{Map, Octets, Tables, TablesMut};
use super::super::{Cursor, RecordFault, StoreError, engine};
use super::file::fault;
use redb::{
    Database, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction,
};
use std::path::{Path, PathBuf};

type MapDefinition = TableDefinition<'static, &'static [u8], &'static [u8]>;
type ReadMap = ReadOnlyTable<&'static [u8], &'static [u8]>;
type WriteMap<'a> = redb::Table<'a, &'static [u8], &'static [u8]>;

pub(super) fn definition(map: Map) -> MapDefinition {
    TableDefinition::new(map.name())
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
    indexes: Indexes,
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
    changed: Changed,
    cursor: Cursor,
}

/// Indexes of a store that was closed, and the commit they belong to.
pub(super) struct Kept {
    indexes: Indexes,
    cursor: Cursor,
}

/// Why the indexes of a record were not made.
enum Unread {
    Table(redb::StorageError),
    Record(RecordFault),
}

impl From<RecordFault> for Unread {
    fn from(fault: RecordFault) -> Self {
        Unread::Record(fault)
    }
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

    fn indexes(&self) -> Result<Indexes, StoreError> {
        let records = self.contexts.iter().map_err(|error| self.reading(error))?;
        // A record is copied: what redb lends has no octets to lend on.
        let records = records.map(|entry| match entry {
            Ok((_, record)) => Ok(record.value().to_vec()),
            Err(error) => Err(Unread::Table(error)),
        });
        Indexes::of_records(records).map_err(|unread| match unread {
            Unread::Table(error) => self.reading(error),
            Unread::Record(fault) => StoreError::Damaged {
                path: self.path.clone(),
                detail: format!("a record cannot be read: {fault}; `proselink store check` names it"),
            },
        })
    }
}

impl Moment {
    /// The present moment of `database`. `kept` are the indexes of an earlier opening, used when they still fit.
    pub(super) fn of(database: &Database, path: &Path, kept: Option<Kept>) -> Result<Self, StoreError> {
        let maps = Snapshot::of(database, path)?;
        let cursor = Cursor(maps.system(engine::SEQUENCE)?);
        let indexes = match kept {
            Some(kept) if kept.cursor == cursor => kept.indexes,
            _ => maps.indexes()?,
        };
        Ok(Moment { maps, indexes, cursor })
    }

    /// Moves on to the commit that `committed` tells of.
    pub(super) fn advance(&mut self, database: &Database, committed: Committed) -> Result<(), StoreError> {
        self.indexes.take_over(committed.changed);
        self.cursor = committed.cursor;
        self.maps = Snapshot::of(database, &self.maps.path)?;
        Ok(())
    }

    pub(super) fn keep(self) -> Kept {
        Kept { indexes: self.indexes, cursor: self.cursor }
    }
}

impl Tables for Moment {
    fn get(&self, map: Map, key: &[u8]) -> Result<Option<Octets>, StoreError> {
        self.maps.get(map, key)
    }

    fn range(&self, map: Map, from: &[u8], limit: usize) -> Result<Vec<(Octets, Octets)>, StoreError> {
        range(self.maps.map(map), from, limit).map_err(|error| self.maps.reading(error))
    }

    fn count(&self, map: Map) -> Result<u64, StoreError> {
        self.maps.count(map)
    }

    fn next(&self, index: Index, from: Pair) -> Option<Pair> {
        self.indexes.from(index, from).next()
    }

    fn pairs(&self, index: Index, from: Pair, limit: usize) -> Vec<Pair> {
        self.indexes.from(index, from).take(limit).collect()
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
            changed: Changed::default(),
            path,
        })
    }

    /// What the indexes have to take over when the transaction is durable.
    pub(super) fn into_committed(self) -> Result<Committed, StoreError> {
        Ok(Committed { cursor: engine::cursor(&self)?, changed: self.changed })
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
        get(self.map(map), key).map_err(|error| self.reading(error))
    }

    fn range(&self, map: Map, from: &[u8], limit: usize) -> Result<Vec<(Octets, Octets)>, StoreError> {
        range(self.map(map), from, limit).map_err(|error| self.reading(error))
    }

    fn count(&self, map: Map) -> Result<u64, StoreError> {
        self.map(map).len().map_err(|error| self.reading(error))
    }

    fn next(&self, index: Index, from: Pair) -> Option<Pair> {
        self.changed.from(&self.moment.indexes, index, from).next()
    }

    fn pairs(&self, index: Index, from: Pair, limit: usize) -> Vec<Pair> {
        self.changed.from(&self.moment.indexes, index, from).take(limit).collect()
    }
}

impl TablesMut for Batch<'_> {
    fn put(&mut self, map: Map, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let path = self.path;
        let put = self.map_mut(map).insert(key, value).map(drop);
        put.map_err(|error| fault(path, "writing the store", error.into()))
    }

    fn remove(&mut self, map: Map, key: &[u8]) -> Result<(), StoreError> {
        let path = self.path;
        let removed = self.map_mut(map).remove(key).map(drop);
        removed.map_err(|error| fault(path, "writing the store", error.into()))
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
