//! What an app server knows about one user of an application.

use crate::registration::identifiers::{Id2, Pduid, UnixSeconds};

use super::{Cursor, StoreError};

/// A user registered in an application: what message 3 confirmed, and what U1 changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRegistration {
    /// The application, a ProSe Application ID.
    pub application: Box<str>,
    /// ID2; with the application it names the registration.
    pub id2: Id2,
    /// User-Name of message 1; no other registration of the application has it.
    pub user: Box<str>,
    /// The UEs the user is registered with; no other registration of the application has one of them.
    pub ues: Vec<BoundUe>,
    /// From the standard registration of TS 29.343.
    pub epuid: Option<Epuid>,
}

/// A UE that a user is registered with, and the function that serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundUe {
    /// ID1, or ID4 after a move.
    pub id1: Pduid,
    /// Origin-Host of the function.
    pub function: Box<str>,
    /// Origin-Realm of the function.
    pub realm: Box<str>,
    /// When message 3 or U1 came.
    pub bound_at: UnixSeconds,
}

/// The EPC ProSe User ID of a user and the function that allotted it. TS 29.343.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epuid {
    /// Requesting-EPUID.
    pub epuid: Box<str>,
    /// ProSe-Function-ID.
    pub function: Box<str>,
}

/// A registration as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUser {
    /// The write that made it; the value for [`Condition::Version`](super::Condition::Version).
    pub version: Cursor,
    /// The registration.
    pub registration: UserRegistration,
}

/// Reading the registrations of an app server. Each call sees one consistent moment.
pub trait UserReader {
    /// The registration of an ID2.
    ///
    /// # Errors
    /// The storage failed, as in all of these.
    fn user(&self, application: &str, id2: &Id2) -> Result<Option<StoredUser>, StoreError>;

    /// The registration of a user by name.
    ///
    /// # Errors
    /// The storage failed.
    fn user_named(&self, application: &str, user: &str) -> Result<Option<StoredUser>, StoreError>;

    /// The registration that a UE belongs to.
    ///
    /// # Errors
    /// The storage failed.
    fn user_on(&self, application: &str, id1: Pduid) -> Result<Option<StoredUser>, StoreError>;

    /// All registrations in the order of their keys, a page at a time: those after `after`, at most `limit`.
    ///
    /// # Errors
    /// The storage failed.
    fn users(&self, after: Option<(&str, &Id2)>, limit: usize) -> Result<Vec<StoredUser>, StoreError>;

    /// How many registrations there are.
    ///
    /// # Errors
    /// The storage failed.
    fn user_count(&self) -> Result<u64, StoreError>;
}
