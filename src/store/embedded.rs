//! The store in one file, through redb.
//!
//! - One [`ContextStore::apply`] is one transaction in two phases, each with its own `fsync`: after a crash the newest
//!   commit is either whole or was never answered. (In one phase redb falls back to the commit before when the newest
//!   is damaged, which would lose answered registrations without a word.)
//! - Opening verifies every page against its checksum, unless told not to: a file cut short or with a flipped bit is
//!   refused with a sentence. One bit escapes: the one in redb's header that says which of its two commits is newer.
//!   Flipped by the disk, it looks like a crash before the newest commit was finished.
//! - A new file is made under another name and linked into place whole, so that an empty file is never mistaken for a
//!   new store.
//! - After a failed write redb wants to be opened anew; this is done at the next use.
//!
//! [`EmbeddedStore`] writes, any number of [`EmbeddedReader`]s read beside it without waiting for it.

use super::tables::{Index, Map, Octets, Pair, Tables, TablesMut};
use super::{
    Change, ContextReader, ContextStore, Cursor, StoreError, Stored, StoredUser, UserReader, Write, WriteOutcome,
    engine,
};
use crate::registration::identifiers::{Id2, Imsi, Pduid, UnixSeconds};
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    WriteTransaction,
};
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

type MapDefinition = TableDefinition<'static, &'static [u8], &'static [u8]>;
type IndexDefinition = TableDefinition<'static, Pair, ()>;

const CONTEXTS: MapDefinition = TableDefinition::new("contexts");
const USER_RECORDS: MapDefinition = TableDefinition::new("users");
const USER_KEYS: MapDefinition = TableDefinition::new("user keys");
const VALUES: MapDefinition = TableDefinition::new("values");
const SYSTEM: MapDefinition = TableDefinition::new("system");
const ID1S: IndexDefinition = TableDefinition::new("by id1");
const USERS: IndexDefinition = TableDefinition::new("by id2");
const EXPIRY: IndexDefinition = TableDefinition::new("expiry");
const CHANGES: IndexDefinition = TableDefinition::new("changes");
const DELETIONS: IndexDefinition = TableDefinition::new("deletions");

/// Of the tables above; a record has its own.
const SCHEMA: u64 = 1;
const SCHEMA_KEY: &[u8] = b"schema";

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    create: bool,
    verify: bool,
    cache_octets: usize,
}

impl Default for Options {
    /// Makes the store when there is none, verifies it when there is one, keeps 64 MiB of it in memory.
    fn default() -> Self {
        Options { create: true, verify: true, cache_octets: 64 << 20 }
    }
}

impl Options {
    /// Whether a store that is not there is made. Without it a lost file is an error rather than a fresh start.
    #[must_use]
    pub fn create(self, create: bool) -> Self {
        Options { create, ..self }
    }

    /// Whether all pages are read and checked on opening. Without it opening takes no time after a clean stop, and
    /// damage shows later, or not at all.
    #[must_use]
    pub fn verify(self, verify: bool) -> Self {
        Options { verify, ..self }
    }

    /// Memory for pages of the file.
    #[must_use]
    pub fn cache_octets(self, cache_octets: usize) -> Self {
        Options { cache_octets, ..self }
    }
}

/// The one writer of a store file. Its contexts are read through [`ContextReader`], here or from a
/// [`EmbeddedReader`].
#[derive(Debug)]
pub struct EmbeddedStore {
    reader: EmbeddedReader,
}

/// Reads the store while its writer writes. Cheap to clone, and good for any thread.
#[derive(Clone, Debug)]
pub struct EmbeddedReader {
    file: Arc<StoreFile>,
}

#[derive(Debug)]
struct StoreFile {
    path: PathBuf,
    options: Options,
    /// `None` after a failed write, until the next use opens the file anew.
    database: RwLock<Option<Database>>,
}

impl EmbeddedStore {
    /// Opens the store at `path`.
    ///
    /// # Errors
    /// Another process has it, it is damaged, it is no store, it comes from a newer version, or the disk fails: each
    /// with its own variant and sentence.
    pub fn open(path: impl Into<PathBuf>, options: Options) -> Result<Self, StoreError> {
        let path = path.into();
        if options.create && !path.exists() {
            create(&path, &options)?;
        }
        let database = RwLock::new(Some(open(&path, &options)?));
        Ok(EmbeddedStore { reader: EmbeddedReader { file: Arc::new(StoreFile { path, options, database }) } })
    }

    /// A reader of the same file.
    #[must_use]
    pub fn reader(&self) -> EmbeddedReader {
        self.reader.clone()
    }

    fn write(&self, database: &Database, batch: &[Write]) -> Result<Vec<WriteOutcome>, StoreError> {
        let file = &self.reader.file;
        let mut transaction = database.begin_write().map_err(|error| file.writing(error))?;
        transaction.set_two_phase_commit(true);
        let outcomes = {
            let mut tables = WriteTables::open(&transaction, file)?;
            engine::apply(&mut tables, batch)?
        };
        // A batch in which nothing holds has nothing to sync.
        if outcomes.iter().any(|outcome| outcome.is_done()) {
            transaction.commit().map_err(|error| file.writing(error))?;
        } else {
            transaction.abort().map_err(|error| file.writing(error))?;
        }
        Ok(outcomes)
    }
}

impl ContextStore for EmbeddedStore {
    fn apply(&mut self, batch: &[Write]) -> Result<Vec<WriteOutcome>, StoreError> {
        let result = self.reader.file.with(|database| self.write(database, batch));
        if matches!(result, Err(StoreError::Io { .. } | StoreError::Full)) {
            // What redb holds in memory is no longer to be trusted; the file is.
            *self.reader.file.database.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        result
    }
}

/// Each read is a read transaction of its own.
macro_rules! read {
    ($self:ident, $read:expr) => {
        $self.file.with(|database| {
            let transaction = database.begin_read().map_err(|error| $self.file.reading(error))?;
            $read(&ReadTables { transaction: &transaction, file: &$self.file })
        })
    };
}

impl ContextReader for EmbeddedReader {
    fn get(&self, imsi: Imsi) -> Result<Option<Stored>, StoreError> {
        read!(self, |tables: &ReadTables| engine::get(tables, imsi))
    }

    fn get_by_id1(&self, id1: Pduid) -> Result<Option<Stored>, StoreError> {
        read!(self, |tables: &ReadTables| engine::get_by_id1(tables, id1))
    }

    fn find_by_id2(&self, application: &str, id2: &Id2, limit: usize) -> Result<Vec<Stored>, StoreError> {
        read!(self, |tables: &ReadTables| engine::find_by_id2(tables, application, id2, limit))
    }

    fn due(&self, now: UnixSeconds, limit: usize) -> Result<Vec<(UnixSeconds, Imsi)>, StoreError> {
        read!(self, |tables: &ReadTables| engine::due(tables, now, limit))
    }

    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, StoreError> {
        read!(self, |tables: &ReadTables| engine::changes(tables, after, limit))
    }

    fn contexts(&self, after: Option<Imsi>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        read!(self, |tables: &ReadTables| engine::contexts(tables, after, limit))
    }

    fn count(&self) -> Result<u64, StoreError> {
        read!(self, |tables: &ReadTables| tables.count(Map::Contexts))
    }

    fn cursor(&self) -> Result<Cursor, StoreError> {
        read!(self, |tables: &ReadTables| engine::cursor(tables))
    }

    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        read!(self, |tables: &ReadTables| engine::value(tables, key))
    }

    fn values(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        read!(self, |tables: &ReadTables| engine::values(tables, prefix, after, limit))
    }
}

impl ContextReader for EmbeddedStore {
    fn get(&self, imsi: Imsi) -> Result<Option<Stored>, StoreError> {
        self.reader.get(imsi)
    }

    fn get_by_id1(&self, id1: Pduid) -> Result<Option<Stored>, StoreError> {
        self.reader.get_by_id1(id1)
    }

    fn find_by_id2(&self, application: &str, id2: &Id2, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.reader.find_by_id2(application, id2, limit)
    }

    fn due(&self, now: UnixSeconds, limit: usize) -> Result<Vec<(UnixSeconds, Imsi)>, StoreError> {
        self.reader.due(now, limit)
    }

    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.reader.changes(after, limit)
    }

    fn contexts(&self, after: Option<Imsi>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.reader.contexts(after, limit)
    }

    fn count(&self) -> Result<u64, StoreError> {
        self.reader.count()
    }

    fn cursor(&self) -> Result<Cursor, StoreError> {
        self.reader.cursor()
    }

    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.reader.value(key)
    }

    fn values(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.reader.values(prefix, after, limit)
    }
}

impl UserReader for EmbeddedReader {
    fn user(&self, application: &str, id2: &Id2) -> Result<Option<StoredUser>, StoreError> {
        read!(self, |tables: &ReadTables| engine::users::get(tables, application, id2))
    }

    fn user_named(&self, application: &str, user: &str) -> Result<Option<StoredUser>, StoreError> {
        read!(self, |tables: &ReadTables| engine::users::get_named(tables, application, user))
    }

    fn user_on(&self, application: &str, id1: Pduid) -> Result<Option<StoredUser>, StoreError> {
        read!(self, |tables: &ReadTables| engine::users::get_on(tables, application, id1))
    }

    fn users(&self, after: Option<(&str, &Id2)>, limit: usize) -> Result<Vec<StoredUser>, StoreError> {
        read!(self, |tables: &ReadTables| engine::users::page(tables, after, limit))
    }

    fn user_count(&self) -> Result<u64, StoreError> {
        read!(self, |tables: &ReadTables| tables.count(Map::Users))
    }
}

impl UserReader for EmbeddedStore {
    fn user(&self, application: &str, id2: &Id2) -> Result<Option<StoredUser>, StoreError> {
        self.reader.user(application, id2)
    }

    fn user_named(&self, application: &str, user: &str) -> Result<Option<StoredUser>, StoreError> {
        self.reader.user_named(application, user)
    }

    fn user_on(&self, application: &str, id1: Pduid) -> Result<Option<StoredUser>, StoreError> {
        self.reader.user_on(application, id1)
    }

    fn users(&self, after: Option<(&str, &Id2)>, limit: usize) -> Result<Vec<StoredUser>, StoreError> {
        self.reader.users(after, limit)
    }

    fn user_count(&self) -> Result<u64, StoreError> {
        self.reader.user_count()
    }
}

// The file -----------------------------------------------------------------------------------------------------------

impl StoreFile {
    /// Does `work` with the database, opened anew when a failure closed it.
    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        loop {
            if let Some(database) = &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
                return work(database);
            }
            let mut closed = self.database.write().unwrap_or_else(PoisonError::into_inner);
            if closed.is_none() {
                *closed = Some(open(&self.path, &self.options)?);
            }
        }
    }

    fn reading(&self, error: impl Into<redb::Error>) -> StoreError {
        fault(&self.path, "reading the store", error.into())
    }

    fn writing(&self, error: impl Into<redb::Error>) -> StoreError {
        fault(&self.path, "writing the store", error.into())
    }
}

/// Makes an empty store under another name and links it to `path`, unless another process was faster.
fn create(path: &Path, options: &Options) -> Result<(), StoreError> {
    let action = "making the store";
    let io = |error: std::io::Error| fault(path, action, error.into());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let unfinished = path.with_file_name(name);
    let _ = fs::remove_file(&unfinished);
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    {
        // It holds subscribers' identities.
        use std::os::unix::fs::OpenOptionsExt;
        file.mode(0o600);
    }
    let file = file.open(&unfinished).map_err(io)?;
    let made = initialise(&unfinished, options)
        .map_err(|error| fault(path, action, error))
        .and_then(|()| file.sync_all().map_err(io))
        .and_then(|()| match fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(io(error)),
            _ => Ok(()),
        });
    let _ = fs::remove_file(&unfinished);
    made?;
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The name itself has to outlive a power cut too.
    fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)
}

fn initialise(path: &Path, options: &Options) -> Result<(), redb::Error> {
    let database = Database::builder().set_cache_size(options.cache_octets).create(path)?;
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    for map in [CONTEXTS, USER_RECORDS, USER_KEYS, VALUES] {
        transaction.open_table(map)?;
    }
    for index in [ID1S, USERS, EXPIRY, CHANGES, DELETIONS] {
        transaction.open_table(index)?;
    }
    transaction.open_table(SYSTEM)?.insert(SCHEMA_KEY, &SCHEMA.to_be_bytes()[..])?;
    transaction.commit()?;
    Ok(database.close()?)
}

fn open(path: &Path, options: &Options) -> Result<Database, StoreError> {
    let action = "opening the store";
    let length = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(StoreError::Missing { path: path.to_owned() }),
        Err(error) => return Err(fault(path, action, error.into())),
    };
    if length == 0 {
        return Err(StoreError::Damaged { path: path.to_owned(), detail: "the file is empty".to_owned() });
    }
    let database = Database::builder()
        .set_cache_size(options.cache_octets)
        .set_check_integrity_on_open(options.verify)
        .open(path)
        .map_err(|error| fault(path, action, error.into()))?;
    match schema(&database).map_err(|error| fault(path, action, error))? {
        Some(SCHEMA) => Ok(database),
        Some(found) if found > SCHEMA => {
            Err(StoreError::NewerSchema { path: path.to_owned(), found, supported: SCHEMA })
        }
        _ => Err(StoreError::NotAStore { path: path.to_owned() }),
    }
}

fn schema(database: &Database) -> Result<Option<u64>, redb::Error> {
    let transaction = database.begin_read()?;
    let system = match transaction.open_table(SYSTEM) {
        Ok(system) => system,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let schema = ReadableTable::get(&system, SCHEMA_KEY)?;
    Ok(schema.and_then(|schema| schema.value().try_into().ok()).map(u64::from_be_bytes))
}

/// What went wrong, in our words.
fn fault(path: &Path, action: &'static str, error: redb::Error) -> StoreError {
    let path = path.to_owned();
    match error {
        redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => StoreError::Locked { path },
        redb::Error::Corrupted(detail) => StoreError::Damaged { path, detail },
        redb::Error::TableTypeMismatch { .. }
        | redb::Error::TypeDefinitionChanged { .. }
        | redb::Error::TableIsMultimap(_) => StoreError::NotAStore { path },
        redb::Error::UpgradeRequired(format) => {
            StoreError::Damaged { path, detail: format!("its file format {format} is too old") }
        }
        redb::Error::Io(error) => match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => StoreError::Full,
            // redb's words for a file that does not begin as its files do.
            ErrorKind::InvalidData => StoreError::NotAStore { path },
            ErrorKind::UnexpectedEof => StoreError::Damaged { path, detail: "the file was cut short".to_owned() },
            _ => StoreError::Io { action, detail: format!("{}: {error}", path.display()) },
        },
        error => StoreError::Io { action, detail: format!("{}: {error}", path.display()) },
    }
}

// Its tables ---------------------------------------------------------------------------------------------------------

fn map_definition(map: Map) -> MapDefinition {
    match map {
        Map::Contexts => CONTEXTS,
        Map::Users => USER_RECORDS,
        Map::UserKeys => USER_KEYS,
        Map::Values => VALUES,
        Map::System => SYSTEM,
    }
}

fn index_definition(index: Index) -> IndexDefinition {
    match index {
        Index::Id1s => ID1S,
        Index::Users => USERS,
        Index::Expiry => EXPIRY,
        Index::Changes => CHANGES,
        Index::Deletions => DELETIONS,
    }
}

type OpenMap<'a> = redb::Table<'a, &'static [u8], &'static [u8]>;
type OpenIndex<'a> = redb::Table<'a, Pair, ()>;

/// Opens a table at the moment it is read.
struct ReadTables<'a> {
    transaction: &'a ReadTransaction,
    file: &'a StoreFile,
}

/// Opens all tables once for a whole batch.
struct WriteTables<'a> {
    contexts: OpenMap<'a>,
    user_records: OpenMap<'a>,
    user_keys: OpenMap<'a>,
    values: OpenMap<'a>,
    system: OpenMap<'a>,
    id1s: OpenIndex<'a>,
    users: OpenIndex<'a>,
    expiry: OpenIndex<'a>,
    changes: OpenIndex<'a>,
    deletions: OpenIndex<'a>,
    file: &'a StoreFile,
}

impl ReadTables<'_> {
    fn map(&self, map: Map) -> Result<impl ReadableTable<&'static [u8], &'static [u8]>, StoreError> {
        self.transaction.open_table(map_definition(map)).map_err(|error| self.file.reading(error))
    }
}

impl Tables for ReadTables<'_> {
    fn get(&self, map: Map, key: &[u8]) -> Result<Option<Octets>, StoreError> {
        get(&self.map(map)?, key).map_err(|error| self.file.reading(error))
    }

    fn range(&self, map: Map, from: &[u8], limit: usize) -> Result<Vec<(Octets, Octets)>, StoreError> {
        range(&self.map(map)?, from, limit).map_err(|error| self.file.reading(error))
    }

    fn pairs(&self, index: Index, from: Pair, limit: usize) -> Result<Vec<Pair>, StoreError> {
        let open = self.transaction.open_table(index_definition(index)).map_err(|error| self.file.reading(error))?;
        pairs(&open, from, limit).map_err(|error| self.file.reading(error))
    }

    fn count(&self, map: Map) -> Result<u64, StoreError> {
        self.map(map)?.len().map_err(|error| self.file.reading(error))
    }
}

impl<'a> WriteTables<'a> {
    fn open(transaction: &'a WriteTransaction, file: &'a StoreFile) -> Result<Self, StoreError> {
        let map = |map| transaction.open_table(map_definition(map)).map_err(|error| file.writing(error));
        let index = |index| transaction.open_table(index_definition(index)).map_err(|error| file.writing(error));
        Ok(WriteTables {
            contexts: map(Map::Contexts)?,
            user_records: map(Map::Users)?,
            user_keys: map(Map::UserKeys)?,
            values: map(Map::Values)?,
            system: map(Map::System)?,
            id1s: index(Index::Id1s)?,
            users: index(Index::Users)?,
            expiry: index(Index::Expiry)?,
            changes: index(Index::Changes)?,
            deletions: index(Index::Deletions)?,
            file,
        })
    }

    fn map(&self, map: Map) -> &OpenMap<'a> {
        match map {
            Map::Contexts => &self.contexts,
            Map::Users => &self.user_records,
            Map::UserKeys => &self.user_keys,
            Map::Values => &self.values,
            Map::System => &self.system,
        }
    }

    fn map_mut(&mut self, map: Map) -> &mut OpenMap<'a> {
        match map {
            Map::Contexts => &mut self.contexts,
            Map::Users => &mut self.user_records,
            Map::UserKeys => &mut self.user_keys,
            Map::Values => &mut self.values,
            Map::System => &mut self.system,
        }
    }

    fn index(&self, index: Index) -> &OpenIndex<'a> {
        match index {
            Index::Id1s => &self.id1s,
            Index::Users => &self.users,
            Index::Expiry => &self.expiry,
            Index::Changes => &self.changes,
            Index::Deletions => &self.deletions,
        }
    }

    fn index_mut(&mut self, index: Index) -> &mut OpenIndex<'a> {
        match index {
            Index::Id1s => &mut self.id1s,
            Index::Users => &mut self.users,
            Index::Expiry => &mut self.expiry,
            Index::Changes => &mut self.changes,
            Index::Deletions => &mut self.deletions,
        }
    }
}

impl Tables for WriteTables<'_> {
    fn get(&self, map: Map, key: &[u8]) -> Result<Option<Octets>, StoreError> {
        get(self.map(map), key).map_err(|error| self.file.reading(error))
    }

    fn range(&self, map: Map, from: &[u8], limit: usize) -> Result<Vec<(Octets, Octets)>, StoreError> {
        range(self.map(map), from, limit).map_err(|error| self.file.reading(error))
    }

    fn pairs(&self, index: Index, from: Pair, limit: usize) -> Result<Vec<Pair>, StoreError> {
        pairs(self.index(index), from, limit).map_err(|error| self.file.reading(error))
    }

    fn count(&self, map: Map) -> Result<u64, StoreError> {
        self.map(map).len().map_err(|error| self.file.reading(error))
    }
}

impl TablesMut for WriteTables<'_> {
    fn put(&mut self, map: Map, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let file = self.file;
        self.map_mut(map).insert(key, value).map(drop).map_err(|error| file.writing(error))
    }

    fn remove(&mut self, map: Map, key: &[u8]) -> Result<(), StoreError> {
        let file = self.file;
        self.map_mut(map).remove(key).map(drop).map_err(|error| file.writing(error))
    }

    fn add(&mut self, index: Index, pair: Pair) -> Result<(), StoreError> {
        let file = self.file;
        self.index_mut(index).insert(pair, ()).map(drop).map_err(|error| file.writing(error))
    }

    fn discard(&mut self, index: Index, pair: Pair) -> Result<(), StoreError> {
        let file = self.file;
        self.index_mut(index).remove(pair).map(drop).map_err(|error| file.writing(error))
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

fn pairs(index: &impl ReadableTable<Pair, ()>, from: Pair, limit: usize) -> Result<Vec<Pair>, redb::StorageError> {
    index.range(from..)?.take(limit).map(|entry| entry.map(|(pair, _)| pair.value())).collect()
}
