//! A store in memory for tests and for the procedures' own stories, with faults on order.

use super::indexes::{Index, Indexes, Pair, in_order};
use super::tables::{Map, Octets, Tables, TablesMut};
use super::{
    Change, ContextReader, ContextStore, Cursor, StoreError, Stored, StoredUser, UserReader, Write, WriteOutcome,
    engine,
};
use crate::registration::identifiers::{Id2, Imsi, Pduid, UnixSeconds};
use std::collections::BTreeMap;

/// What goes wrong with one [`ContextStore::apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk refuses: nothing is written, the next attempt may succeed.
    Refused,
    /// The disk is full: nothing is written.
    Full,
    /// The machine stops before the commit: nothing is written, and nothing works until [`MemoryStore::restart`].
    CrashBefore,
    /// The machine stops after the commit and before the answer: all is written, and the caller never learns.
    CrashAfter,
}

/// A [`ContextStore`] that forgets everything with its process.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    tables: MemoryTables,
    applies: u64,
    faults: BTreeMap<u64, Fault>,
    down: bool,
}

impl MemoryStore {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Orders a fault for the `nth` apply from now, counted from one.
    pub fn inject(&mut self, nth: u64, fault: Fault) {
        self.faults.insert(self.applies.saturating_add(nth), fault);
    }

    /// Comes back after a crash with all that was committed.
    pub fn restart(&mut self) {
        self.down = false;
    }

    fn up(&self) -> Result<&MemoryTables, StoreError> {
        if self.down { Err(StoreError::Closed) } else { Ok(&self.tables) }
    }
}

impl ContextStore for MemoryStore {
    fn apply(&mut self, batch: &[Write]) -> Result<Vec<WriteOutcome>, StoreError> {
        self.up()?;
        self.applies += 1;
        let fault = self.faults.remove(&self.applies);
        match fault {
            Some(Fault::Refused) => {
                return Err(StoreError::Io { action: "writing the store", detail: "the disk refused".to_owned() });
            }
            Some(Fault::Full) => return Err(StoreError::Full),
            Some(Fault::CrashBefore) => {
                self.down = true;
                return Err(StoreError::Closed);
            }
            Some(Fault::CrashAfter) | None => {}
        }
        let outcomes = engine::apply(&mut self.tables, batch)?;
        if fault == Some(Fault::CrashAfter) {
            self.down = true;
            return Err(StoreError::Closed);
        }
        Ok(outcomes)
    }
}

impl ContextReader for MemoryStore {
    fn get(&self, imsi: Imsi) -> Result<Option<Stored>, StoreError> {
        engine::get(self.up()?, imsi)
    }

    fn get_by_id1(&self, id1: Pduid) -> Result<Option<Stored>, StoreError> {
        engine::get_by_id1(self.up()?, id1)
    }

    fn find_by_id2(&self, application: &str, id2: &Id2, limit: usize) -> Result<Vec<Stored>, StoreError> {
        engine::find_by_id2(self.up()?, application, id2, limit)
    }

    fn due(&self, now: UnixSeconds, limit: usize) -> Result<Vec<(UnixSeconds, Imsi)>, StoreError> {
        engine::due(self.up()?, now, limit)
    }

    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, StoreError> {
        engine::changes(self.up()?, after, limit)
    }

    fn contexts(&self, after: Option<Imsi>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        engine::contexts(self.up()?, after, limit)
    }

    fn count(&self) -> Result<u64, StoreError> {
        self.up()?.count(Map::Contexts)
    }

    fn cursor(&self) -> Result<Cursor, StoreError> {
        engine::cursor(self.up()?)
    }

    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        engine::value(self.up()?, key)
    }

    fn values(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        engine::values(self.up()?, prefix, after, limit)
    }
}

impl UserReader for MemoryStore {
    fn user(&self, application: &str, id2: &Id2) -> Result<Option<StoredUser>, StoreError> {
        engine::users::get(self.up()?, application, id2)
    }

    fn user_named(&self, application: &str, user: &str) -> Result<Option<StoredUser>, StoreError> {
        engine::users::get_named(self.up()?, application, user)
    }

    fn user_on(&self, application: &str, id1: Pduid) -> Result<Option<StoredUser>, StoreError> {
        engine::users::get_on(self.up()?, application, id1)
    }

    fn users(&self, after: Option<(&str, &Id2)>, limit: usize) -> Result<Vec<StoredUser>, StoreError> {
        engine::users::page(self.up()?, after, limit)
    }

    fn user_count(&self) -> Result<u64, StoreError> {
        self.up()?.count(Map::Users)
    }
}

#[derive(Clone, Debug, Default)]
struct MemoryTables {
    contexts: BTreeMap<Octets, Octets>,
    users: BTreeMap<Octets, Octets>,
    user_keys: BTreeMap<Octets, Octets>,
    values: BTreeMap<Octets, Octets>,
    system: BTreeMap<Octets, Octets>,
    deleted: BTreeMap<Octets, Octets>,
    indexes: Indexes,
}

impl MemoryTables {
    fn map(&self, map: Map) -> &BTreeMap<Octets, Octets> {
        match map {
            Map::Contexts => &self.contexts,
            Map::Users => &self.users,
            Map::UserKeys => &self.user_keys,
            Map::Values => &self.values,
            Map::System => &self.system,
            Map::Deleted => &self.deleted,
        }
    }

    fn map_mut(&mut self, map: Map) -> &mut BTreeMap<Octets, Octets> {
        match map {
            Map::Contexts => &mut self.contexts,
            Map::Users => &mut self.users,
            Map::UserKeys => &mut self.user_keys,
            Map::Values => &mut self.values,
            Map::System => &mut self.system,
            Map::Deleted => &mut self.deleted,
        }
    }
}

impl Tables for MemoryTables {
    fn get(&self, map: Map, key: &[u8]) -> Result<Option<Octets>, StoreError> {
        Ok(self.map(map).get(key).cloned())
    }

    fn range(&self, map: Map, from: &[u8], limit: usize) -> Result<Vec<(Octets, Octets)>, StoreError> {
        let page = self.map(map).range::<[u8], _>((std::ops::Bound::Included(from), std::ops::Bound::Unbounded));
        Ok(page.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn count(&self, map: Map) -> Result<u64, StoreError> {
        Ok(self.map(map).len() as u64)
    }

    fn imsis(&self, index: Index, first: u64, limit: usize) -> Vec<u64> {
        in_order(self.indexes.of(index, first), limit)
    }

    fn pairs(&self, index: Index, from: Pair, limit: usize) -> Vec<Pair> {
        self.indexes.from(index, from).take(limit).collect()
    }
}

impl TablesMut for MemoryTables {
    fn put(&mut self, map: Map, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.map_mut(map).insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn remove(&mut self, map: Map, key: &[u8]) -> Result<(), StoreError> {
        self.map_mut(map).remove(key);
        Ok(())
    }

    fn add(&mut self, index: Index, pair: Pair) {
        self.indexes.add(index, pair);
    }

    fn discard(&mut self, index: Index, pair: Pair) {
        self.indexes.discard(index, pair);
    }
}
