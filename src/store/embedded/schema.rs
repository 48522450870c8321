//! Versions of a store's tables.
//!
//! | schema | what it has |
//! |---|---|
//! | 1 | contexts by IMSI, users, values, deletions; the indexes of the contexts beside them, as tables |
//! | 2 | contexts by version, users, values, deletions (as octets); the indexes are made from the contexts |
//!
//! A store is brought up in one transaction: it is of the old schema or of the new one, wherever the machine stops.

use super::super::engine::{HORIZON, MOST_DELETIONS};
use super::super::indexes::Index;
use super::super::tables::Map;
use super::super::{StoreError, encoding};
use super::file::fault;
use super::tables::{CONTEXTS, definition};
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use std::path::Path;

/// Of the tables; a record has its own.
pub(super) const SCHEMA: u64 = 2;
pub(super) const SCHEMA_KEY: &[u8] = b"schema";

type PairsOfSchema1 = TableDefinition<'static, (u64, u64), ()>;

const CONTEXTS_OF_SCHEMA_1: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("contexts");
const DELETIONS_OF_SCHEMA_1: PairsOfSchema1 = TableDefinition::new("deletions");
const INDEXES_OF_SCHEMA_1: [PairsOfSchema1; 4] = [
    TableDefinition::new("by id1"),
    TableDefinition::new("by id2"),
    TableDefinition::new("expiry"),
    TableDefinition::new("changes"),
];

/// Makes the tables of a new store.
pub(super) fn initialise(database: &Database) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    make_tables(&transaction)?;
    set_schema(&transaction)?;
    Ok(transaction.commit()?)
}

/// Sees to it that the store has the present schema and all tables.
pub(super) fn bring_up(database: &Database, path: &Path) -> Result<(), StoreError> {
    let failed = |error| fault(path, "opening the store", error);
    match read_schema(database).map_err(failed)? {
        None | Some(0) => Err(StoreError::NotAStore { path: path.to_owned() }),
        Some(found) if found > SCHEMA => {
            Err(StoreError::NewerSchema { path: path.to_owned(), found, supported: SCHEMA })
        }
        Some(SCHEMA) if has_all_tables(database).map_err(failed)? => Ok(()),
        Some(found) => {
            migrate(database, found, path)?;
            if found != SCHEMA {
                tracing::info!("the store {} was of schema {found} and now has schema {SCHEMA}", path.display());
            }
            Ok(())
        }
    }
}

fn read_schema(database: &Database) -> Result<Option<u64>, redb::Error> {
    let transaction = database.begin_read()?;
    let system = match transaction.open_table(definition(Map::System)) {
        Ok(system) => system,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let schema = system.get(SCHEMA_KEY)?;
    Ok(schema.and_then(|schema| schema.value().try_into().ok()).map(u64::from_be_bytes))
}

fn has_all_tables(database: &Database) -> Result<bool, redb::Error> {
    let transaction = database.begin_read()?;
    let names: Vec<String> =
        transaction.list_tables()?.map(|table| redb::TableHandle::name(&table).to_owned()).collect();
    Ok(Map::ALL.iter().all(|map| names.iter().any(|name| name == redb::TableHandle::name(&definition(*map)))))
}

fn migrate(database: &Database, from: u64, path: &Path) -> Result<(), StoreError> {
    let failed = |error| fault(path, "migrating the store", error);
    let mut transaction = database.begin_write().map_err(|error| failed(error.into()))?;
    transaction.set_two_phase_commit(true);
    make_tables(&transaction).map_err(failed)?;
    if from < 2 {
        contexts_from_1_to_2(&transaction, path)?;
        from_1_to_2(&transaction).map_err(failed)?;
    }
    set_schema(&transaction).map_err(failed)?;
    transaction.commit().map_err(|error| failed(error.into()))
}

/// The contexts go from the order of their IMSIs to that of their versions.
fn contexts_from_1_to_2(transaction: &WriteTransaction, path: &Path) -> Result<(), StoreError> {
    let failed = |error| fault(path, "migrating the store", error);
    let unread = |what: String| StoreError::Damaged { path: path.to_owned(), detail: what };
    {
        let old = transaction.open_table(CONTEXTS_OF_SCHEMA_1).map_err(|error| failed(error.into()))?;
        let mut new = transaction.open_table(CONTEXTS).map_err(|error| failed(error.into()))?;
        let mut versions = Vec::new();
        for entry in old.iter().map_err(|error| failed(error.into()))? {
            let (key, record) = entry.map_err(|error| failed(error.into()))?;
            let mut version = 0;
            let read = encoding::index(record.value(), |index, (first, _)| {
                if index == Index::Changes {
                    version = first;
                }
            });
            read.map_err(|fault| unread(format!("a record cannot be read: {fault}")))?;
            versions.push((version, key.value().to_vec()));
        }
        versions.sort_unstable();
        for (version, key) in versions {
            let record = old.get(key.as_slice()).map_err(|error| failed(error.into()))?;
            let Some(record) = record else { continue };
            let before = new.insert(version.to_be_bytes().as_slice(), record.value());
            if before.map_err(|error| failed(error.into()))?.is_some() {
                return Err(unread(format!("two contexts have the version {version}")));
            }
        }
    }
    transaction.delete_table(CONTEXTS_OF_SCHEMA_1).map(drop).map_err(|error| failed(error.into()))
}

/// The indexes go, the deletions become octets; schema 1 never forgot any, so the oldest go on the way.
fn from_1_to_2(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    {
        let old = transaction.open_table(DELETIONS_OF_SCHEMA_1)?;
        let mut new = transaction.open_table(definition(Map::Deleted))?;
        let excess = old.len()?.saturating_sub(MOST_DELETIONS);
        let mut horizon = None;
        for (place, entry) in old.iter()?.enumerate() {
            let (cursor, imsi) = entry?.0.value();
            if (place as u64) < excess {
                horizon = Some(cursor);
            } else {
                new.insert(&cursor.to_be_bytes()[..], &imsi.to_be_bytes()[..])?;
            }
        }
        if let Some(horizon) = horizon {
            transaction.open_table(definition(Map::System))?.insert(HORIZON, &horizon.to_be_bytes()[..])?;
        }
    }
    transaction.delete_table(DELETIONS_OF_SCHEMA_1)?;
    for index in INDEXES_OF_SCHEMA_1 {
        transaction.delete_table(index)?;
    }
    Ok(())
}

fn make_tables(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    for map in Map::ALL {
        transaction.open_table(definition(map))?;
    }
    Ok(())
}

fn set_schema(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(definition(Map::System))?.insert(SCHEMA_KEY, &SCHEMA.to_be_bytes()[..])?;
    Ok(())
}
