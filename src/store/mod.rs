//! What must outlive a crash: UE contexts, and a few values beside them.
//!
//! ```text
//! procedures ─► Write ─► ContextStore::apply ─► durable ─► WriteOutcome ─► answers leave
//!                            │
//!                engine.rs: conditions, indexes, change log     the same over every engine
//!                            │
//!                indexes.rs: made from the contexts, in memory
//!                tables.rs: get, put, remove, range             all that an engine has to offer
//!                   memory.rs       embedded/ (one redb file)
//! ```
//!
//! The trait is shaped for a store shared by several functions: every write may carry a condition on the version it
//! was based on, contexts expire by an index and not by a scan, and whoever follows the store asks for the changes
//! since a cursor. One [`ContextStore::apply`] is one durable transaction however many writes it carries; the
//! committer gathers the writes of many tasks into it.

mod context;
mod encoding;
mod engine;
mod indexes;
pub mod memory;
#[cfg(feature = "net")]
mod portable;
mod tables;
mod user;

#[cfg(feature = "net")]
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the committer is a thread")]
pub mod committer;
#[cfg(feature = "net")]
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the engine on disk")]
pub mod embedded;

pub use context::{AllowedPlmn, Binding, Id1Grant, MovedFrom, Subscription, UeContext, UeState};
pub use encoding::RecordFault;
pub use memory::MemoryStore;
pub use user::{BoundUe, Epuid, StoredUser, UserReader, UserRegistration};

#[cfg(feature = "net")]
pub use committer::{Committer, CommitterCounter};
#[cfg(feature = "net")]
pub use embedded::{EmbeddedReader, EmbeddedStore};

use crate::registration::identifiers::{Id2, Imsi, Pduid, Reservation, UnixSeconds};
use std::path::PathBuf;

/// A point in the history of a store. Later changes have greater cursors; a context's version is the cursor of the
/// write that made it, so that no version ever comes twice, not even after a context was deleted and made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(pub u64);

impl Cursor {
    /// Before the first change: where a follower begins that has nothing yet.
    pub const START: Cursor = Cursor(0);
}

/// A context as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The write that made it; the value for [`Condition::Version`].
    pub version: Cursor,
    /// When [`ContextReader::due`] will name it. The store itself deletes nothing.
    pub expires_at: Option<UnixSeconds>,
    pub context: UeContext,
}

/// What must hold for a write to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Always,
    /// There is no context of this IMSI.
    Absent,
    /// The context is still the one that was read.
    Version(Cursor),
}

/// One change wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Makes or replaces the context of its IMSI.
    Put { context: Box<UeContext>, expires_at: Option<UnixSeconds>, condition: Condition },
    /// Forgets the context of an IMSI, its ID1s and its bindings.
    Delete { imsi: Imsi, condition: Condition },
    /// Sets a value beside the contexts. With `expected`, only if the value is (`Some`) or is not there (`None`).
    PutValue { key: String, value: Vec<u8>, expected: Option<Option<Vec<u8>>> },
    /// Removes a value beside the contexts.
    DeleteValue { key: String },
    /// Makes or replaces the registration of an app server's user. UEs that another registration of the application has
    /// are taken from it. A conflict, too, when the user has another ID2.
    PutUser { registration: Box<UserRegistration>, condition: Condition },
    /// Forgets the registration of an app server's user.
    DeleteUser { application: Box<str>, id2: Id2, condition: Condition },
    /// Forgets deletions up to a cursor, at most [`MOST_TRIMMED`] at once: all followers have seen them.
    TrimDeletions { through: Cursor },
}

/// Deletions forgotten by one [`Write::TrimDeletions`], so that it never holds up other writes.
pub const MOST_TRIMMED: usize = 4096;

/// What became of one write. A write that was refused changed nothing; the others of its batch are not touched by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum WriteOutcome {
    /// Done, and durable once `apply` has returned. `version` is the new version of the context, or of the store for
    /// other writes.
    Done { version: Cursor },
    /// The condition does not hold: this version is there, or none.
    Conflict { found: Option<Cursor> },
    /// An ID1 of the context belongs to another UE.
    Id1Taken { id1: Pduid, by: Imsi },
    /// There is nothing to delete.
    Absent,
    /// The value is not the expected one.
    ValueConflict,
}

impl WriteOutcome {
    /// Whether the write was done.
    #[must_use]
    pub fn is_done(self) -> bool {
        matches!(self, WriteOutcome::Done { .. })
    }
}

/// A change of a context, for followers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub cursor: Cursor,
    pub imsi: Imsi,
    pub kind: ChangeKind,
}

/// What happened to a context last; only the last change of each is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Put,
    Deleted,
}

/// Reading. Each call sees one consistent moment, after some `apply` and before the next.
pub trait ContextReader {
    /// The context of a subscription.
    fn get(&self, imsi: Imsi) -> Result<Option<Stored>, StoreError>;

    /// The context that holds `id1`, as its present or as a previous one; [`UeContext::grant`] tells until when.
    fn get_by_id1(&self, id1: Pduid) -> Result<Option<Stored>, StoreError>;

    /// The contexts bound to a user of an application, at most `limit`: one user may have several UEs.
    fn find_by_id2(&self, application: &str, id2: &Id2, limit: usize) -> Result<Vec<Stored>, StoreError>;

    /// Contexts whose `expires_at` is not after `now`, earliest first, at most `limit`. Costs as much as it returns.
    fn due(&self, now: UnixSeconds, limit: usize) -> Result<Vec<(UnixSeconds, Imsi)>, StoreError>;

    /// The last change of every context changed after `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::CursorTooOld`] when deletions after `after` are already forgotten. [`Cursor::START`] always works.
    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, StoreError>;

    /// All contexts in the order of their keys, a page at a time: those after `after`, at most `limit`.
    fn contexts(&self, after: Option<Imsi>, limit: usize) -> Result<Vec<Stored>, StoreError>;

    /// How many contexts there are.
    fn count(&self) -> Result<u64, StoreError>;

    /// The cursor of the last change.
    fn cursor(&self) -> Result<Cursor, StoreError>;

    /// A value beside the contexts.
    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Values whose key begins with `prefix` and comes after `after`, in order, at most `limit`.
    fn values(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
}

/// Writing.
pub trait ContextStore: ContextReader {
    /// Judges each write against the ones before it and makes all that hold durable in one transaction. One outcome
    /// a write, in order.
    ///
    /// # Errors
    /// The storage failed. Nothing was answered as done; after a failure in the very act of committing the writes may
    /// be found done later, so a retry has to carry its condition.
    fn apply(&mut self, batch: &[Write]) -> Result<Vec<WriteOutcome>, StoreError>;
}

/// The storage itself failed. Clonable, since one transaction may have carried many writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("the store {} is in use by another process; stop it, or give this function a file of its own", .path.display())]
    Locked { path: PathBuf },
    #[error("the store {} is damaged ({detail}); nothing in it was changed: restore it from a backup", .path.display())]
    Damaged { path: PathBuf, detail: String },
    #[error("{} is not a store of proselink", .path.display())]
    NotAStore { path: PathBuf },
    #[error("there is no store at {}", .path.display())]
    Missing { path: PathBuf },
    #[error("there is a file at {} already, which is left alone; choose another name", .path.display())]
    Exists { path: PathBuf },
    #[error("the store {} was written by a newer proselink (schema {found}, this one knows {supported})", .path.display())]
    NewerSchema { path: PathBuf, found: u64, supported: u64 },
    #[error("no space is left for the store")]
    Full,
    #[error("{action} failed: {detail}")]
    Io { action: &'static str, detail: String },
    #[error("a record of the store cannot be read: {0}")]
    Record(#[from] RecordFault),
    #[error("the changes after {} are no longer complete, the oldest usable cursor is {}: read all contexts anew", .after.0, .oldest.0)]
    CursorTooOld { after: Cursor, oldest: Cursor },
    #[error("more writes wait for the store than its queue holds")]
    Busy,
    #[error("the store is closed")]
    Closed,
}

/// Key of the value that holds an allocator's first block never reserved.
#[must_use]
pub fn reservation_key(allocator: u16) -> String {
    format!("{ID1_BLOCKS}{allocator}")
}

/// In front of the number of an allocator.
const ID1_BLOCKS: &str = "id1/block/";

/// The write that makes a block of ID1s durable, on the condition that nobody else took it.
#[must_use]
pub fn reserve(reservation: Reservation) -> Write {
    let expected = match reservation.block() {
        0 => None,
        block => Some(block.to_be_bytes().to_vec()),
    };
    Write::PutValue {
        key: reservation_key(reservation.allocator()),
        value: reservation.next_block().to_be_bytes().to_vec(),
        expected: Some(expected),
    }
}

/// What [`Id1Allocator::resume`](crate::registration::identifiers::Id1Allocator::resume) asks for: the first block of
/// `allocator` never reserved.
///
/// # Errors
/// The storage failed, or the value is not a block number.
pub fn next_block(store: &impl ContextReader, allocator: u16) -> Result<u64, StoreError> {
    match store.value(&reservation_key(allocator))? {
        None => Ok(0),
        Some(octets) => match octets.as_slice().try_into() {
            Ok(octets) => Ok(u64::from_be_bytes(octets)),
            Err(_) => Err(RecordFault::Value { what: "the block number of an ID1 allocator" }.into()),
        },
    }
}

#[cfg(test)]
mod tests;
