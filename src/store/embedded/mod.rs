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
//! - The contexts and their indexes are read into memory on opening; readers see them and the file as of the same commit.
//! - After a failed write redb wants to be opened anew; this is done at the next use.
//!
//! [`EmbeddedStore`] writes, any number of [`EmbeddedReader`]s read beside it without waiting for the disk.
//!
//! ```text
//! file.rs     making and opening a file, what can be wrong with it
//! new_file.rs a file that appears whole or not at all
//! schema.rs   versions of its tables, and how older ones are brought up
//! contexts.rs the contexts in memory, and what leads to them
//! changed.rs  what a transaction changes in the indexes
//! tables.rs   a moment of the store, and a transaction on it
//! transfer.rs a store as lines of text and back
//! check.rs    every record looked at
//! ```

mod changed;
mod check;
mod contexts;
mod file;
mod new_file;
mod schema;
mod tables;
mod transfer;

use super::tables::{Map, Tables as _};
use super::{
    Change, ContextReader, ContextStore, Cursor, StoreError, Stored, StoredUser, UserReader, Write, WriteOutcome,
    engine,
};
use crate::registration::identifiers::{Id2, Imsi, Pduid, UnixSeconds};
use file::{StoreFile, fault};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tables::{Batch, Open, Snapshot};

pub use super::portable::{Counts, LineFault};
pub use check::{About, CheckReport, Inconsistency, MOST_TOLD, check};
pub use new_file::{NewFile, Unfinished};
pub use transfer::{Imported, SKIPPED_BLOCKS, TransferError, export, import};

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    create: bool,
    verify: bool,
    cache_octets: usize,
}

impl Default for Options {
    /// Makes the store when there is none, verifies it when there is one, keeps up to 128 MiB of its pages in memory, beside
    /// the contexts, which are in memory anyhow: writes touch few pages, and mostly those of late.
    fn default() -> Self {
        Options { create: true, verify: true, cache_octets: 128 << 20 }
    }
}

impl Options {
    /// Whether a store that is not there is made. Without it a lost file is an error rather than a fresh start.
    #[must_use]
    pub fn create(self, create: bool) -> Self {
        Options { create, ..self }
    }

    /// Whether all pages are read and checked on opening. Without it only the records are, and other damage shows later, or
    /// not at all.
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

impl EmbeddedStore {
    /// Opens the store at `path`; one of an older schema is brought up to the present one.
    ///
    /// # Errors
    /// Another process has it, it is damaged, it is no store, it comes from a newer version, or the disk fails: each
    /// with its own variant and sentence.
    pub fn open(path: impl Into<PathBuf>, options: Options) -> Result<Self, StoreError> {
        Ok(EmbeddedStore { reader: EmbeddedReader { file: Arc::new(StoreFile::open(path.into(), options)?) } })
    }

    /// A reader of the same file.
    #[must_use]
    pub fn reader(&self) -> EmbeddedReader {
        self.reader.clone()
    }
}

impl EmbeddedReader {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// All records as of one moment, whatever is written meanwhile.
    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.file.with(|open| Snapshot::of(&open.database, self.file.path()))
    }
}

/// The outcomes, and what the readers have to learn once they are durable; `None` when nothing was done.
fn write(
    open: &Open,
    path: &Path,
    batch: &[Write],
) -> Result<(Vec<WriteOutcome>, Option<tables::Committed>), StoreError> {
    let failed = |error| fault(path, "writing the store", error);
    let mut transaction = open.database.begin_write().map_err(|error| failed(error.into()))?;
    transaction.set_two_phase_commit(true);
    let mut tables = Batch::open(&transaction, &open.moment, path)?;
    let outcomes = engine::apply(&mut tables, batch)?;
    // A batch in which nothing holds has nothing to sync.
    if outcomes.iter().any(|outcome| outcome.is_done()) {
        let committed = tables.into_committed()?;
        transaction.commit().map_err(|error| failed(error.into()))?;
        Ok((outcomes, Some(committed)))
    } else {
        drop(tables);
        transaction.abort().map_err(|error| failed(error.into()))?;
        Ok((outcomes, None))
    }
}

impl ContextStore for EmbeddedStore {
    fn apply(&mut self, batch: &[Write]) -> Result<Vec<WriteOutcome>, StoreError> {
        let file = &self.reader.file;
        match file.with(|open| write(open, file.path(), batch)) {
            Ok((outcomes, committed)) => {
                if let Some(committed) = committed {
                    file.advance(committed);
                }
                Ok(outcomes)
            }
            Err(error) => {
                if matches!(error, StoreError::Io { .. } | StoreError::Full) {
                    // What redb holds in memory is no longer to be trusted; the file is.
                    file.close();
                }
                Err(error)
            }
        }
    }
}

impl ContextReader for EmbeddedReader {
    fn get(&self, imsi: Imsi) -> Result<Option<Stored>, StoreError> {
        self.file.read(|tables| engine::get(tables, imsi))
    }

    fn get_by_id1(&self, id1: Pduid) -> Result<Option<Stored>, StoreError> {
        self.file.read(|tables| engine::get_by_id1(tables, id1))
    }

    fn find_by_id2(&self, application: &str, id2: &Id2, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.file.read(|tables| engine::find_by_id2(tables, application, id2, limit))
    }

    fn due(&self, now: UnixSeconds, limit: usize) -> Result<Vec<(UnixSeconds, Imsi)>, StoreError> {
        self.file.read(|tables| engine::due(tables, now, limit))
    }

    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.file.read(|tables| engine::changes(tables, after, limit))
    }

    fn contexts(&self, after: Option<Imsi>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.file.read(|tables| engine::contexts(tables, after, limit))
    }

    fn count(&self) -> Result<u64, StoreError> {
        self.file.read(|tables| tables.count(Map::Contexts))
    }

    fn cursor(&self) -> Result<Cursor, StoreError> {
        self.file.read(engine::cursor)
    }

    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.file.read(|tables| engine::value(tables, key))
    }

    fn values(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.file.read(|tables| engine::values(tables, prefix, after, limit))
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
        self.file.read(|tables| engine::users::get(tables, application, id2))
    }

    fn user_named(&self, application: &str, user: &str) -> Result<Option<StoredUser>, StoreError> {
        self.file.read(|tables| engine::users::get_named(tables, application, user))
    }

    fn user_on(&self, application: &str, id1: Pduid) -> Result<Option<StoredUser>, StoreError> {
        self.file.read(|tables| engine::users::get_on(tables, application, id1))
    }

    fn users(&self, after: Option<(&str, &Id2)>, limit: usize) -> Result<Vec<StoredUser>, StoreError> {
        self.file.read(|tables| engine::users::page(tables, after, limit))
    }

    fn user_count(&self) -> Result<u64, StoreError> {
        self.file.read(|tables| tables.count(Map::Users))
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
