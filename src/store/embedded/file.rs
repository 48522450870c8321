//! Making and opening a store's file, and what can be wrong with it.

use super::super::StoreError;
use super::new_file::NewFile;
use super::tables::{Committed, Kept, Moment, Open};
use super::{Options, schema};
use redb::Database;
use redb::backends::FileBackend;
use std::fmt;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

pub(super) struct StoreFile {
    path: PathBuf,
    options: Options,
    state: RwLock<State>,
}

enum State {
    Open(Box<Open>),
    /// After a failed write, until the next use opens the file anew.
    Closed(Option<Box<Kept>>),
}

impl fmt::Debug for StoreFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StoreFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl StoreFile {
    pub(super) fn open(path: PathBuf, options: Options) -> Result<Self, StoreError> {
        if options.create && !path.exists() {
            match make(&path, options.cache_octets, |_| Ok(())) {
                // Another process was faster.
                Err(StoreError::Exists { .. }) => {}
                made => made?,
            }
        }
        let state = RwLock::new(State::Open(Box::new(open(&path, &options, None)?)));
        Ok(StoreFile { path, options, state })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Does `work` with the store, opened anew when a failure closed it.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Open) -> Result<T, StoreError>) -> Result<T, StoreError> {
        loop {
            if let State::Open(open) = &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
                return work(open);
            }
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            if let State::Closed(kept) = &mut *state {
                *state = State::Open(Box::new(open(&self.path, &self.options, kept.take().map(|kept| *kept))?));
            }
        }
    }

    /// Does `work` with the store as the last commit left it.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Moment) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.with(|open| work(&open.moment))
    }

    /// Lets readers see what was committed.
    pub(super) fn advance(&self, committed: Committed) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let State::Open(open) = &mut *state {
            let Open { moment, database } = &mut **open;
            if moment.advance(database, committed).is_err() {
                Self::close_state(&mut state);
            }
        }
    }

    /// Closes the file until the next use. What is in memory stays: read anew it would hold up everybody for seconds,
    /// and a full disk may refuse many writes.
    pub(super) fn close(&self) {
        Self::close_state(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn close_state(state: &mut State) {
        if let State::Open(open) = std::mem::replace(state, State::Closed(None)) {
            let Open { moment, database } = *open;
            let kept = moment.keep();
            drop(database);
            *state = State::Closed(Some(Box::new(kept)));
        }
    }
}

/// Makes a store under another name, lets `fill` put records into it, and links it to `path` whole.
pub(super) fn make(
    path: &Path,
    cache_octets: usize,
    fill: impl FnOnce(&Database) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let action = "making the store";
    let io = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => StoreError::Exists { path: path.to_owned() },
        _ => fault(path, action, error.into()),
    };
    let new = NewFile::make(path).map_err(io)?;
    fill_new(new.file().try_clone().map_err(io)?, path, cache_octets, fill)?;
    new.finish().map_err(io)
}

fn fill_new(
    file: File,
    path: &Path,
    cache_octets: usize,
    fill: impl FnOnce(&Database) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = |error| fault(path, "making the store", error);
    let mut builder = Database::builder();
    let backend = FileBackend::new(file).map_err(|error| failed(error.into()))?;
    let made = builder.set_cache_size(cache_octets).create_with_backend(backend);
    let database = made.map_err(|error| failed(error.into()))?;
    schema::initialise(&database).map_err(failed)?;
    fill(&database)?;
    database.close().map_err(|error| failed(error.into()))
}

fn open(path: &Path, options: &Options, kept: Option<Kept>) -> Result<Open, StoreError> {
    let database = open_database(path, options)?;
    let moment = guarded(path, || Moment::of(&database, path, kept))?;
    Ok(Open { moment, database })
}

/// Opens the file and brings it up to the present schema.
pub(super) fn open_database(path: &Path, options: &Options) -> Result<Database, StoreError> {
    let action = "opening the store";
    let length = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(StoreError::Missing { path: path.to_owned() }),
        Err(error) => return Err(fault(path, action, error.into())),
    };
    if length == 0 {
        return Err(StoreError::Damaged { path: path.to_owned(), detail: "the file is empty".to_owned() });
    }
    guarded(path, || {
        let database = Database::builder()
            .set_cache_size(options.cache_octets)
            .set_check_integrity_on_open(options.verify)
            .open(path)
            .map_err(|error| fault(path, action, error.into()))?;
        schema::bring_up(&database, path)?;
        Ok(database)
    })
}

/// redb asserts what it trusts of a file, so that a damaged one may end in a panic, above all when it is opened without
/// being verified. Nothing of what `work` holds outlives it, so nothing half done can be seen.
pub(super) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it makes no sense");
        Err(StoreError::Damaged { path: path.to_owned(), detail: words.to_owned() })
    })
}

/// What went wrong, in our words.
pub(super) fn fault(path: &Path, action: &'static str, error: redb::Error) -> StoreError {
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
