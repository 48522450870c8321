//! A store of two hands.

use std::cell::RefCell;

use super::*;

/// A store that an element reads and the network writes.
#[derive(Clone, Debug, Default)]
pub struct Shared(pub Rc<RefCell<MemoryStore>>);

impl ContextReader for Shared {
    fn get(&self, imsi: Imsi) -> Result<Option<Stored>, StoreError> {
        self.0.borrow().get(imsi)
    }
    fn get_by_id1(&self, id1: Pduid) -> Result<Option<Stored>, StoreError> {
        self.0.borrow().get_by_id1(id1)
    }
    fn find_by_id2(&self, application: &str, id2: &Id2, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.0.borrow().find_by_id2(application, id2, limit)
    }
    fn due(&self, now: UnixSeconds, limit: usize) -> Result<Vec<(UnixSeconds, Imsi)>, StoreError> {
        self.0.borrow().due(now, limit)
    }
    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.0.borrow().changes(after, limit)
    }
    fn contexts(&self, after: Option<Imsi>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.0.borrow().contexts(after, limit)
    }
    fn count(&self) -> Result<u64, StoreError> {
        self.0.borrow().count()
    }
    fn cursor(&self) -> Result<Cursor, StoreError> {
        self.0.borrow().cursor()
    }
    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.borrow().value(key)
    }
    fn values(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.0.borrow().values(prefix, after, limit)
    }
}

impl UserReader for Shared {
    fn user(&self, application: &str, id2: &Id2) -> Result<Option<StoredUser>, StoreError> {
        self.0.borrow().user(application, id2)
    }
    fn user_named(&self, application: &str, user: &str) -> Result<Option<StoredUser>, StoreError> {
        self.0.borrow().user_named(application, user)
    }
    fn user_on(&self, application: &str, id1: Pduid) -> Result<Option<StoredUser>, StoreError> {
        self.0.borrow().user_on(application, id1)
    }
    fn users(&self, after: Option<(&str, &Id2)>, limit: usize) -> Result<Vec<StoredUser>, StoreError> {
        self.0.borrow().users(after, limit)
    }
    fn user_count(&self) -> Result<u64, StoreError> {
        self.0.borrow().user_count()
    }
}
