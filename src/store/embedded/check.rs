//! Looks at every record of a store, and names what does not fit.

use super::super::encoding::users as user_encoding;
use super::super::engine::users::{lead_keys, led_to, record_key};
use super::super::portable::Counts;
use super::super::tables::Map;
use super::super::{ID1_BLOCKS, StoreError, encoding, engine};
use super::Options;
use super::file::{guarded, open_database};
use super::new_file::{Unfinished, unfinished_beside};
use super::schema::SCHEMA_KEY;
use super::tables::Snapshot;
use crate::registration::identifiers::{Id2, Imsi, Pduid};
use redb::Database;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    pub counts: Counts,
    /// ID1s, present and previous, and users bound, in contexts.
    pub id1s: u64,
    pub bindings: u64,
    /// UEs of an app server's users.
    pub user_ues: u64,
    /// Contexts being handed over, and contexts handed over.
    pub moving: u64,
    pub moved: u64,
    /// The first [`MOST_TOLD`] of them.
    pub inconsistencies: Vec<Inconsistency>,
    /// All of them.
    pub found: u64,
    /// Files beside the store that were not finished. They are no fault of the store.
    pub unfinished: Vec<Unfinished>,
}

/// Inconsistencies kept with their words.
pub const MOST_TOLD: usize = 10_000;

/// Something that should not be, and whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inconsistency {
    pub about: About,
    pub what: String,
}

/// Which record it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Context(Imsi),
    /// The place of a context's record that cannot be read: its version.
    ContextRecord(Vec<u8>),
    /// The registration of an app server's user.
    User {
        application: Box<str>,
        id2: Id2,
    },
    /// The key of a registration that cannot be read, or of a name or a UE that leads to one.
    UserKey(Vec<u8>),
    Value(String),
    Deletion(u64),
    System(String),
}

impl fmt::Display for About {
    /// An IMSI with its network and stars, keys in which one may be without that part; [`About::reveal`] has all of it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            About::Context(imsi) => write!(formatter, "context {imsi}"),
            About::ContextRecord(key) => write!(formatter, "context at {}", data_encoding::HEXLOWER.encode(key)),
            About::User { application, id2 } => write!(formatter, "user {id2} of application {application}"),
            About::UserKey(_) => formatter.write_str("key of a user"),
            About::Value(key) => {
                let parts: Vec<&str> = key.split('/').map(|part| if part.len() > 12 { "*" } else { part }).collect();
                write!(formatter, "value {:?}", parts.join("/"))
            }
            About::Deletion(cursor) => write!(formatter, "deletion {cursor}"),
            About::System(key) => write!(formatter, "number {key:?} of the store"),
        }
    }
}

impl About {
    /// As `Display`, with all digits of an IMSI, and whole keys.
    #[must_use]
    pub fn reveal(&self) -> String {
        match self {
            About::Context(imsi) => format!("context {}", imsi.reveal()),
            About::UserKey(key) => format!("key {} of a user", data_encoding::HEXLOWER.encode(key)),
            About::Value(key) => format!("value {key:?}"),
            other => other.to_string(),
        }
    }
}

/// Verifies every page of the store at `path`, then reads every record.
///
/// # Errors
/// The store cannot be opened: there is none, it is in use, damaged in its pages, or of a newer version.
pub fn check(path: &Path) -> Result<CheckReport, StoreError> {
    let database = open_database(path, &Options::default().create(false))?;
    let report = guarded(path, || walk(&database, path))?;
    Ok(CheckReport { unfinished: unfinished_beside(path), ..report })
}

fn walk(database: &Database, path: &Path) -> Result<CheckReport, StoreError> {
    let snapshot = Snapshot::of(database, path)?;
    let mut walk = Walk::default();
    snapshot.each(Map::System, |key, value| {
        let name = String::from_utf8_lossy(key).into_owned();
        match value.try_into().map(u64::from_be_bytes) {
            Err(_) => walk.find(About::System(name), format!("it has {} octets instead of 8", value.len())),
            Ok(number) if key == engine::SEQUENCE => walk.cursor = number,
            Ok(number) if key == engine::HORIZON => walk.horizon = number,
            Ok(_) if key == SCHEMA_KEY => {}
            Ok(_) => walk.find(About::System(name), "nothing is known of it".to_owned()),
        }
        Ok::<_, StoreError>(())
    })?;
    if walk.horizon > walk.cursor {
        let what = format!("deletions are forgotten up to {}, the last change was {}", walk.horizon, walk.cursor);
        walk.find(About::System("horizon".to_owned()), what);
    }
    snapshot.each(Map::Contexts, |key, record| {
        walk.context(key, record);
        Ok::<_, StoreError>(())
    })?;
    snapshot.each(Map::Users, |key, record| walk.user(&snapshot, key, record))?;
    snapshot.each(Map::UserKeys, |key, id2| walk.lead(&snapshot, key, id2))?;
    snapshot.each(Map::Values, |key, value| {
        walk.value(key, value);
        Ok::<_, StoreError>(())
    })?;
    snapshot.each(Map::Deleted, |key, value| {
        walk.deletion(key, value);
        Ok::<_, StoreError>(())
    })?;
    Ok(walk.report)
}

#[derive(Default)]
struct Walk {
    report: CheckReport,
    cursor: u64,
    horizon: u64,
    imsis: HashSet<Imsi>,
    /// The IMSI that holds each ID1.
    holders: HashMap<Pduid, Imsi>,
    /// The versions of contexts and users; a million of them are 16 MB.
    versions: HashSet<u64>,
}

impl Walk {
    fn find(&mut self, about: About, what: String) {
        self.report.found += 1;
        if self.report.inconsistencies.len() < MOST_TOLD {
            self.report.inconsistencies.push(Inconsistency { about, what });
        }
    }

    fn context(&mut self, key: &[u8], record: &[u8]) {
        self.report.counts.contexts += 1;
        let stored = match encoding::decode(record) {
            Ok(stored) => stored,
            Err(fault) => {
                return self.find(About::ContextRecord(key.to_owned()), format!("its record cannot be read: {fault}"));
            }
        };
        let about = About::Context(stored.context.imsi);
        if key != stored.version.0.to_be_bytes() {
            self.find(about.clone(), "its record is not where its version should be".to_owned());
        }
        if !self.imsis.insert(stored.context.imsi) {
            self.find(about.clone(), "it has two records".to_owned());
        }
        self.version(&about, stored.version.0);
        for grant in stored.context.grants() {
            self.report.id1s += 1;
            match self.holders.insert(grant.id1, stored.context.imsi) {
                None => {}
                Some(other) if other == stored.context.imsi => {
                    self.find(about.clone(), format!("it holds ID1 {} twice", grant.id1));
                }
                Some(_) => self.find(about.clone(), format!("its ID1 {} is another context's too", grant.id1)),
            }
        }
        let bindings = &stored.context.bindings;
        self.report.bindings += bindings.len() as u64;
        let mut applications = HashSet::new();
        for binding in bindings {
            if !applications.insert(&binding.application) {
                self.find(about.clone(), format!("it is bound twice in application {}", binding.application));
            }
        }
        match stored.context.state {
            crate::store::UeState::Registered => {}
            crate::store::UeState::Moving { .. } => self.report.moving += 1,
            crate::store::UeState::Moved { .. } => self.report.moved += 1,
        }
        if stored.expires_at.is_none() {
            self.find(about, "it never expires".to_owned());
        }
    }

    fn version(&mut self, about: &About, version: u64) {
        if version == 0 || version > self.cursor {
            let what = format!("its version {version} is not one up to the last change, {}", self.cursor);
            self.find(about.clone(), what);
        }
        if !self.versions.insert(version) {
            self.find(about.clone(), format!("its version {version} is another record's too"));
        }
    }

    fn user(&mut self, snapshot: &Snapshot, key: &[u8], record: &[u8]) -> Result<(), StoreError> {
        self.report.counts.users += 1;
        let stored = match user_encoding::decode(record) {
            Ok(stored) => stored,
            Err(fault) => {
                self.find(About::UserKey(key.to_owned()), format!("its record cannot be read: {fault}"));
                return Ok(());
            }
        };
        let registration = &stored.registration;
        self.report.user_ues += registration.ues.len() as u64;
        let about = About::User { application: registration.application.clone(), id2: registration.id2.clone() };
        if record_key(&registration.application, &registration.id2) != key {
            self.find(about.clone(), "its record is of another user".to_owned());
        }
        self.version(&about, stored.version.0);
        let id2 = registration.id2.as_str().as_bytes();
        for (place, lead) in lead_keys(registration).into_iter().enumerate() {
            let what = if place == 0 { "its name" } else { "one of its UEs" };
            match snapshot.get(Map::UserKeys, &lead)? {
                Some(found) if found == id2 => {}
                Some(_) => self.find(about.clone(), format!("{what} leads to another user")),
                None => self.find(about.clone(), format!("{what} does not lead to it")),
            }
        }
        Ok(())
    }

    /// A name or a UE that leads to a user which does not have it.
    fn lead(&mut self, snapshot: &Snapshot, key: &[u8], id2: &[u8]) -> Result<(), StoreError> {
        let record = match led_to(key, id2) {
            Some(user) => snapshot.get(Map::Users, &user)?,
            None => None,
        };
        let about = || About::UserKey(key.to_owned());
        match record.map(|record| user_encoding::decode(&record)) {
            None => self.find(about(), "it leads to a user that is not there".to_owned()),
            Some(Ok(stored)) if !lead_keys(&stored.registration).iter().any(|lead| lead == key) => {
                self.find(about(), "it leads to a user that is not of that name or UE".to_owned());
            }
            // A record that cannot be read was told already.
            Some(_) => {}
        }
        Ok(())
    }

    fn value(&mut self, key: &[u8], value: &[u8]) {
        self.report.counts.values += 1;
        let name = String::from_utf8_lossy(key).into_owned();
        if std::str::from_utf8(key).is_err() {
            self.find(About::Value(name.clone()), "its key is no text".to_owned());
        }
        if name.starts_with(ID1_BLOCKS) && value.len() != 8 {
            let what = format!("the block number of an ID1 allocator has 8 octets, not {}", value.len());
            self.find(About::Value(name), what);
        }
    }

    fn deletion(&mut self, key: &[u8], value: &[u8]) {
        self.report.counts.deletions += 1;
        match engine::deletion(key, value) {
            Err(fault) => {
                let cursor = key.try_into().map(u64::from_be_bytes).unwrap_or_default();
                self.find(About::Deletion(cursor), fault.to_string());
            }
            Ok((cursor, _)) if cursor > self.cursor || cursor <= self.horizon => {
                let (horizon, last) = (self.horizon, self.cursor);
                self.find(
                    About::Deletion(cursor),
                    format!("it is not between the horizon {horizon} and the last change {last}"),
                );
            }
            Ok((cursor, _)) if self.versions.contains(&cursor) => {
                self.find(About::Deletion(cursor), "its cursor is the version of a record too".to_owned());
            }
            Ok(_) => {}
        }
    }
}
