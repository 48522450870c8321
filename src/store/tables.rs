//! What an engine has to offer: ordered maps of octets. Where an engine keeps them is its own affair. The indexes of the
//! contexts are not among them: they are made from the contexts, in memory, see [`super::indexes`].
//!
//! A new kind of record is a new line of [`Map`]: an engine makes the map when a store does not have it yet, so that it
//! needs no new schema unless older versions must keep their hands off.

use super::StoreError;
use super::indexes::{Index, Pair};

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
    /// Cursor of a deletion that is not yet forgotten -> IMSI, both big-endian.
    Deleted,
}

impl Map {
    #[cfg(feature = "net")]
    pub(super) const ALL: [Map; 6] = [Map::Contexts, Map::Users, Map::UserKeys, Map::Values, Map::System, Map::Deleted];

    /// Its name in a file.
    #[cfg(feature = "net")]
    pub(super) const fn name(self) -> &'static str {
        match self {
            Map::Contexts => "contexts",
            Map::Users => "users",
            Map::UserKeys => "user keys",
            Map::Values => "values",
            Map::System => "system",
            Map::Deleted => "deleted",
        }
    }
}

pub(super) type Octets = Vec<u8>;

/// Reading at one moment.
pub(super) trait Tables {
    fn get(&self, map: Map, key: &[u8]) -> Result<Option<Octets>, StoreError>;

    /// Entries with keys from `from` on, in order, at most `limit`.
    fn range(&self, map: Map, from: &[u8], limit: usize) -> Result<Vec<(Octets, Octets)>, StoreError>;

    fn count(&self, map: Map) -> Result<u64, StoreError>;

    /// The IMSIs of the pairs of an index with `first`, in order, of at most `limit` of them.
    fn imsis(&self, index: Index, first: u64, limit: usize) -> Vec<u64>;

    /// The records of these contexts.
    fn records(&self, index: Index, first: u64, limit: usize) -> Result<Vec<Octets>, StoreError> {
        let imsis = self.imsis(index, first, limit).into_iter();
        imsis.filter_map(|imsi| self.get(Map::Contexts, &imsi.to_be_bytes()).transpose()).collect()
    }

    /// Pairs of an ordered index from `from` on, in order, at most `limit`.
    fn pairs(&self, index: Index, from: Pair, limit: usize) -> Vec<Pair>;
}

/// Changing within one transaction.
pub(super) trait TablesMut: Tables {
    fn put(&mut self, map: Map, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    fn remove(&mut self, map: Map, key: &[u8]) -> Result<(), StoreError>;

    /// The contexts of these IMSIs and the holders of these ID1s will be wanted: where the way to them is long, it is walked
    /// to all at once.
    fn approach(&self, imsis: &[u64], id1s: &[u64]) {
        let _ = (imsis, id1s);
    }

    fn add(&mut self, index: Index, pair: Pair);

    fn discard(&mut self, index: Index, pair: Pair);
}
