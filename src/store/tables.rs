//! What an engine has to offer: three ordered maps of octets, and five ordered sets of pairs that index them.

use super::StoreError;

/// An ordered map from octets to octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Map {
    /// IMSI, big-endian -> record.
    Contexts,
    /// Application and ID2 -> record: users of an app server.
    Users,
    /// Application and user name, or application and ID1 -> ID2.
    UserKeys,
    /// Text -> octets: values beside the contexts.
    Values,
    /// Text -> number, big-endian: the store's own.
    System,
}

/// An ordered set of pairs of numbers; the second is an IMSI, packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Index {
    /// ID1, present or previous. One pair an ID1.
    Id1s,
    /// Hash of application and ID2.
    Users,
    /// Moment of expiry, in seconds.
    Expiry,
    /// Version of the context. One pair a context.
    Changes,
    /// Cursor of a deletion that is not yet forgotten.
    Deletions,
}

pub(super) type Octets = Vec<u8>;
pub(super) type Pair = (u64, u64);

/// Reading at one moment.
pub(super) trait Tables {
    fn get(&self, map: Map, key: &[u8]) -> Result<Option<Octets>, StoreError>;

    /// Entries with keys from `from` on, in order, at most `limit`.
    fn range(&self, map: Map, from: &[u8], limit: usize) -> Result<Vec<(Octets, Octets)>, StoreError>;

    /// Pairs from `from` on, in order, at most `limit`.
    fn pairs(&self, index: Index, from: Pair, limit: usize) -> Result<Vec<Pair>, StoreError>;

    fn count(&self, map: Map) -> Result<u64, StoreError>;
}

/// Changing within one transaction.
pub(super) trait TablesMut: Tables {
    fn put(&mut self, map: Map, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    fn remove(&mut self, map: Map, key: &[u8]) -> Result<(), StoreError>;

    fn add(&mut self, index: Index, pair: Pair) -> Result<(), StoreError>;

    fn discard(&mut self, index: Index, pair: Pair) -> Result<(), StoreError>;
}
