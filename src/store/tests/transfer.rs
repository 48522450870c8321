//! A store of an older schema, a store as text, a store that is looked at.

use super::durability::{content, fill, open};
use super::*;
use crate::registration::identifiers::{Id1Allocator, Id1Layout, Id1Space, NetworkKey};
use crate::store::embedded::{self, About, Options, SKIPPED_BLOCKS, TransferError};
use crate::store::engine::MOST_DELETIONS;
use redb::TableDefinition;
use std::fs;
use std::path::Path;

type Octets = TableDefinition<'static, &'static [u8], &'static [u8]>;
type Pairs = TableDefinition<'static, (u64, u64), ()>;

/// Writes straight into the file, past everything that keeps it in order.
fn tamper(path: &Path, work: impl FnOnce(&redb::WriteTransaction)) {
    let database = redb::Database::create(path).unwrap();
    let transaction = database.begin_write().unwrap();
    work(&transaction);
    transaction.commit().unwrap();
}

fn insert(transaction: &redb::WriteTransaction, table: &'static str, key: &[u8], value: &[u8]) {
    let table: Octets = TableDefinition::new(table);
    transaction.open_table(table).unwrap().insert(key, value).unwrap();
}

fn records() -> Vec<Stored> {
    (1..=20)
        .map(|number| {
            let mut context = context(number);
            context.bindings.push(binding("chat.example", &format!("user {number}")));
            let expires_at = Some(UnixSeconds(1_800_000_000 + number));
            Stored { version: Cursor(number + 5), expires_at, context }
        })
        .collect()
}

/// Of an app server: two users, one of them on two UEs.
fn users() -> [UserRegistration; 2] {
    let mut alice = users::registration("chat.example", "a1", "alice@chat.example", &[1, 2]);
    alice.epuid = Some(Epuid { epuid: "e1".into(), function: "pf1.example".into() });
    [alice, users::registration("chat.example", "b1", "bob@chat.example", &[3])]
}

// Schemas ------------------------------------------------------------------------------------------------------------

/// A file as the first proselink wrote it: five indexes beside the contexts.
fn write_schema_1(path: &Path, records: &[Stored]) {
    tamper(path, |transaction| {
        for stored in records {
            let imsi = stored.context.imsi.packed();
            insert(transaction, "contexts", &imsi.to_be_bytes(), &encoding::encode(stored));
            let rows: [(&'static str, u64); 4] = [
                ("by id1", stored.context.id1.id1.into()),
                ("by id2", imsi ^ 0x5555),
                ("expiry", stored.expires_at.unwrap().0),
                ("changes", stored.version.0),
            ];
            for (table, number) in rows {
                let table: Pairs = TableDefinition::new(table);
                transaction.open_table(table).unwrap().insert((number, imsi), ()).unwrap();
            }
        }
        let deletions: Pairs = TableDefinition::new("deletions");
        for cursor in 3..=5 {
            transaction.open_table(deletions).unwrap().insert((cursor, imsi(100 + cursor).packed()), ()).unwrap();
        }
        insert(transaction, "values", b"id1/block/4", &7u64.to_be_bytes());
        for (registration, version) in users().into_iter().zip(26..) {
            let key = engine::users::record_key(&registration.application, &registration.id2);
            for lead in engine::users::lead_keys(&registration) {
                insert(transaction, "user keys", &lead, registration.id2.as_str().as_bytes());
            }
            let record = encoding::users::encode(&StoredUser { version: Cursor(version), registration });
            insert(transaction, "users", &key, &record);
        }
        insert(transaction, "system", b"sequence", &27u64.to_be_bytes());
        insert(transaction, "system", b"horizon", &2u64.to_be_bytes());
        insert(transaction, "system", b"schema", &1u64.to_be_bytes());
    });
}

#[test]
fn a_store_of_schema_1_is_brought_up_with_all_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old");
    let records = records();
    write_schema_1(&path, &records);
    // Once to bring it up, once to see that it is.
    for _ in 0..2 {
        let store = open(&path).unwrap();
        assert_eq!(store.contexts(None, 99).unwrap(), records);
        assert_eq!(store.cursor(), Ok(Cursor(27)));
        let registrations = store.users(None, 99).unwrap().into_iter().map(|stored| stored.registration);
        assert_eq!(registrations.collect::<Vec<_>>(), users());
        assert_eq!(store.user_on("chat.example", id1(2)).unwrap().unwrap().registration.id2.as_str(), "a1");
        assert_eq!(next_block(&store, 4), Ok(7));
        assert_eq!(store.get_by_id1(id1(7)).unwrap().unwrap().context.imsi, imsi(7));
        let users = store.find_by_id2("chat.example", &"user 9".parse().unwrap(), 9).unwrap();
        assert_eq!(users.iter().map(|stored| stored.context.imsi).collect::<Vec<_>>(), [imsi(9)]);
        let due = store.due(UnixSeconds(1_800_000_002), 99).unwrap();
        assert_eq!(due, [(UnixSeconds(1_800_000_001), imsi(1)), (UnixSeconds(1_800_000_002), imsi(2))]);
        let changes = store.changes(Cursor(2), 99).unwrap();
        assert_eq!(changes.len(), 23);
        assert_eq!(changes[0], Change { cursor: Cursor(3), imsi: imsi(103), kind: ChangeKind::Deleted });
        assert!(matches!(store.changes(Cursor(1), 99), Err(StoreError::CursorTooOld { .. })));
    }
    assert_eq!(embedded::check(&path).unwrap().inconsistencies, []);
    let mut store = open(&path).unwrap();
    assert_eq!(version(one(&mut store, put(context(50), Condition::Absent))), Cursor(28));
}

/// A demo's stores, written by a proselink of schema 1.
#[test]
fn stores_that_a_proselink_of_schema_1_wrote_are_brought_up() {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = |name: &str, packed: &[u8]| {
        let path = folder.path().join(name);
        let mut octets = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut octets).unwrap();
        fs::write(&path, octets).unwrap();
        assert_eq!(embedded::check(&path).unwrap().inconsistencies, []);
        open(&path).unwrap()
    };
    let function = unpacked("function", include_bytes!("schema-1/function2.redb.gz"));
    let registered = function.get("001010000000001".parse().unwrap()).unwrap().unwrap();
    assert_eq!((registered.version, registered.context.state), (Cursor(2), UeState::Registered));
    let [previous, ..] = registered.context.previous_id1.as_slice() else { panic!("it moved") };
    assert_eq!(function.get_by_id1(previous.id1).unwrap().unwrap().context.imsi, registered.context.imsi);
    assert_eq!(next_block(&function, 1), Ok(1));
    let app_server = unpacked("app server", include_bytes!("schema-1/app-server.redb.gz"));
    let user = app_server.user_named("mcc001.mnc01.ProSeApp.Demo", "user1@demo.example").unwrap().unwrap();
    assert_eq!(user.registration.id2, registered.context.bindings[0].id2);
    assert_eq!(user.registration.ues[0].id1, registered.context.id1.id1);
}

#[test]
fn deletions_are_remembered_up_to_a_bound() {
    let mut store = MemoryStore::new();
    let extra = 100;
    for number in 0..MOST_DELETIONS + extra {
        let writes =
            [put(context(1), Condition::Absent), Write::Delete { imsi: imsi(1), condition: Condition::Always }];
        assert!(store.apply(&writes).unwrap().iter().all(|outcome| outcome.is_done()), "{number}");
    }
    let too_old = store.changes(Cursor(2 * extra - 1), 1);
    assert_eq!(too_old, Err(StoreError::CursorTooOld { after: Cursor(2 * extra - 1), oldest: Cursor(2 * extra) }));
    let kept = store.changes(Cursor(2 * extra), usize::MAX).unwrap();
    assert_eq!(kept.len() as u64, MOST_DELETIONS);
}

// Text ---------------------------------------------------------------------------------------------------------------

fn exported(store: &EmbeddedStore) -> Vec<u8> {
    let mut text = Vec::new();
    embedded::export(&store.reader(), &mut text).unwrap();
    text
}

/// A store with something of every kind in it.
fn filled(path: &Path) -> EmbeddedStore {
    let mut store = open(path).unwrap();
    for stored in records() {
        assert!(one(&mut store, put(stored.context, Condition::Absent)).is_done());
    }
    for number in 3..6 {
        assert!(one(&mut store, Write::Delete { imsi: imsi(number), condition: Condition::Always }).is_done());
    }
    assert!(one(&mut store, Write::TrimDeletions { through: Cursor(21) }).is_done());
    for registration in users() {
        assert!(one(&mut store, users::put(&registration, Condition::Absent)).is_done());
    }
    let value = Write::PutValue { key: "id1/block/4".to_owned(), value: vec![0, 0, 0, 0, 0, 0, 1, 9], expected: None };
    assert!(one(&mut store, value).is_done());
    store
}

#[test]
fn an_export_makes_the_same_store_again_and_the_same_export() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("store"));
    let text = exported(&store);
    let copy = folder.path().join("copy");
    let counts = embedded::import(&copy, &mut text.as_slice(), 0).unwrap().counts;
    assert_eq!((counts.contexts, counts.users, counts.values, counts.deletions), (17, 2, 1, 2));
    let copied = open(&copy).unwrap();
    assert_eq!(content(&copied).unwrap(), content(&store).unwrap());
    assert_eq!(copied.changes(Cursor(3), 9), store.changes(Cursor(3), 9), "the horizon came along");
    assert_eq!(exported(&copied), text);
    drop(copied);
    assert_eq!(embedded::check(&copy).unwrap().found, 0);
    let again = embedded::import(&copy, &mut text.as_slice(), 0).unwrap_err();
    assert!(matches!(&again, TransferError::Store(StoreError::Exists { .. })), "{again}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing unfinished is left");
}

/// Writes a UE before every line it is given.
struct Meanwhile<'a> {
    store: &'a mut EmbeddedStore,
    written: u64,
    text: Vec<u8>,
}

impl std::io::Write for Meanwhile<'_> {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        if octets.contains(&b'\n') {
            assert!(one(self.store, put(context(1000 + self.written), Condition::Absent)).is_done());
            assert!(
                one(self.store, Write::Delete { imsi: imsi(10), condition: Condition::Always }).is_done()
                    || self.written > 0
            );
            self.written += 1;
        }
        self.text.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_export_is_of_one_moment_whatever_is_written_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = filled(&folder.path().join("store"));
    let before = exported(&store);
    let reader = store.reader();
    let mut meanwhile = Meanwhile { store: &mut store, written: 0, text: Vec::new() };
    embedded::export(&reader, &mut meanwhile).unwrap();
    assert!(meanwhile.written > 10);
    assert!(meanwhile.text == before);
    assert_ne!(exported(&store), before);
}

#[test]
fn an_export_that_is_not_whole_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("store"));
    let text = String::from_utf8(exported(&store)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let copy = folder.path().join("copy");
    let refused = |text: &str| {
        let error = embedded::import(&copy, &mut text.as_bytes(), SKIPPED_BLOCKS).unwrap_err();
        assert!(!copy.exists(), "{error}");
        assert!(!error.to_string().contains("001010000000"), "no IMSI is told: {error}");
        error
    };
    for kept in 0..lines.len() {
        let error = refused(&lines[..kept].join("\n"));
        assert!(matches!(error, TransferError::CutShort { .. } | TransferError::NoHeader), "{kept}: {error}");
    }
    let without = |missing: usize| {
        let kept = lines.iter().enumerate().filter(|(place, _)| *place != missing).map(|(_, line)| *line);
        kept.collect::<Vec<_>>().join("\n")
    };
    assert!(matches!(refused(&without(3)), TransferError::Incomplete { .. }));
    assert!(matches!(
        refused(&text.replacen("\"proselink_store\":1", "\"proselink_store\":2", 1)),
        TransferError::NewerFormat { found: 2 }
    ));
    let twice = text.replacen(lines[2], &format!("{}\n{}", lines[2], lines[2]), 1);
    assert!(refused(&twice).to_string().starts_with("line 4: "));
    let spoiled = text.replacen("\"imsi\":\"00101", "\"imsi\":\"x", 1);
    assert_eq!(refused(&spoiled).to_string(), "line 2: an IMSI is not one");
    assert!(refused(&format!("{text}{}\n", lines[1])).to_string().contains("follows the last line"));
    assert!(matches!(refused("GET / HTTP/1.1\r\n"), TransferError::NoHeader));
    let alice = text.lines().find(|line| line.contains("alice@chat.example")).unwrap();
    let same_name = alice.replace("\"a1\"", "\"c1\"").replace("\"version\":24", "\"version\":3");
    let same_name = refused(&text.replacen(alice, &format!("{alice}\n{same_name}"), 1)).to_string();
    assert!(same_name.ends_with("its user or one of its UEs was in a line before"), "{same_name}");
}

#[test]
fn no_id1_given_out_after_the_export_is_given_out_by_the_imported_store() {
    let space = || Id1Space::new("001-01".parse().unwrap(), &NetworkKey([3; 16]), Id1Layout::new(6, 8).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    // Three starts of a function, with an export after the first.
    let give_out = |store: &mut EmbeddedStore, number: usize| -> Vec<Pduid> {
        let mut allocator = Id1Allocator::resume(space(), 4, next_block(store, 4).unwrap()).unwrap();
        let mut given_out = Vec::new();
        for _ in 0..number {
            if let Some(reservation) = allocator.reservation() {
                assert!(one(store, reserve(reservation)).is_done());
                allocator.reserved(reservation);
            }
            given_out.push(allocator.allocate().unwrap());
        }
        given_out
    };
    let mut store = open(&path).unwrap();
    let mut before: std::collections::HashSet<Pduid> = give_out(&mut store, 1000).into_iter().collect();
    let text = exported(&store);
    before.extend(give_out(&mut store, 5000));
    before.extend(give_out(&mut store, 5000));
    drop(store);
    let copy = folder.path().join("copy");
    let imported = embedded::import(&copy, &mut text.as_slice(), SKIPPED_BLOCKS).unwrap();
    let mut restored = open(&copy).unwrap();
    assert_eq!(imported.id1_blocks, [("4".to_owned(), next_block(&restored, 4).unwrap())]);
    assert!(give_out(&mut restored, 20_000).iter().all(|id1| !before.contains(id1)));
    // Without blocks passed over they would be given out again: the story above can fail.
    let same = folder.path().join("same");
    embedded::import(&same, &mut text.as_slice(), 0).unwrap();
    assert!(give_out(&mut open(&same).unwrap(), 5000).iter().any(|id1| before.contains(id1)));
    let spoiled = String::from_utf8(text).unwrap().replacen("\"octets\":\"00", "\"octets\":\"", 1);
    let refused = embedded::import(&folder.path().join("no"), &mut spoiled.as_bytes(), 0).unwrap_err();
    assert!(refused.to_string().ends_with("has 8 octets"), "{refused}");
}

// The check ----------------------------------------------------------------------------------------------------------

#[test]
fn a_check_names_every_record_that_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = filled(&path);
    let records = store.contexts(None, 99).unwrap();
    drop(store);
    let sound = embedded::check(&path).unwrap();
    assert_eq!((sound.found, sound.counts.contexts, sound.id1s, sound.bindings), (0, 17, 17, 17));

    let mut same_id1 = records[1].clone();
    same_id1.context.id1.id1 = records[0].context.id1.id1;
    let mut future = records[2].clone();
    future.version = Cursor(999);
    let mut twice = records[3].clone();
    twice.context.bindings.push(twice.context.bindings[0].clone());
    let mut spoiled = encoding::encode(&records[4]);
    spoiled[20] ^= 1;
    tamper(&path, |transaction| {
        let put = |at: Cursor, record: &[u8]| insert(transaction, "contexts by version", &at.0.to_be_bytes(), record);
        for stored in [&same_id1, &future, &twice] {
            put(stored.version, &encoding::encode(stored));
        }
        put(records[4].version, &spoiled);
        put(records[7].version, &encoding::encode(&records[8]));
        insert(transaction, "values", b"id1/block/4", b"short");
        insert(transaction, "deleted", &5000u64.to_be_bytes(), &imsi(1).packed().to_be_bytes());
        insert(transaction, "system", b"surprise", &1u64.to_be_bytes());
        let [alice, bob] = users();
        let mut leads = engine::users::lead_keys(&alice);
        insert(transaction, "user keys", &leads.remove(0), b"b1");
        leads.push(engine::users::lead_keys(&users::registration("chat.example", "x1", "eve", &[])).remove(0));
        insert(transaction, "user keys", &leads[2], b"nobody");
        let bobs = engine::users::record_key(&bob.application, &bob.id2);
        insert(transaction, "users", &bobs, b"no record");
    });
    let report = embedded::check(&path).unwrap();
    let told = |about: About, words: &str| {
        let fits = |found: &&embedded::Inconsistency| found.about == about && found.what.contains(words);
        assert!(report.inconsistencies.iter().any(|found| fits(&found)), "{about}: {words} in {report:#?}");
    };
    told(About::Context(records[1].context.imsi), "is another context's too");
    told(About::Context(records[2].context.imsi), "its version 999");
    told(About::Context(records[3].context.imsi), "bound twice");
    told(About::ContextRecord(records[4].version.0.to_be_bytes().to_vec()), "checksum");
    told(About::Context(records[8].context.imsi), "is not where its version should be");
    told(About::Context(records[8].context.imsi), "it has two records");
    told(About::Value("id1/block/4".to_owned()), "8 octets, not 5");
    told(About::Deletion(5000), "between the horizon");
    let alice = About::User { application: "chat.example".into(), id2: "a1".parse().unwrap() };
    told(alice, "its name leads to another user");
    told(
        About::UserKey(engine::users::record_key("chat.example", &"b1".parse().unwrap())),
        "its record cannot be read",
    );
    let eve = engine::users::lead_keys(&users::registration("chat.example", "x1", "eve", &[])).remove(0);
    told(About::UserKey(eve), "a user that is not there");
    told(About::System("surprise".to_owned()), "nothing is known");
    assert_eq!(report.found as usize, report.inconsistencies.len());
    assert!(!format!("{}", report.inconsistencies[0].about).contains("0000000001"));
    // Serving from it would lose the record that cannot be read without a word.
    let refused = open(&path).unwrap_err();
    assert!(matches!(&refused, StoreError::Damaged { detail, .. } if detail.contains("store check")), "{refused}");
}

#[test]
fn a_check_of_what_is_no_store_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    assert_eq!(embedded::check(&path).unwrap_err(), StoreError::Missing { path: path.clone() });
    let mut store = open(&path).unwrap();
    fill(&mut store, 0..9);
    assert_eq!(embedded::check(&path).unwrap_err(), StoreError::Locked { path: path.clone() });
    drop(store);
    let octets = fs::read(&path).unwrap();
    fs::write(&path, &octets[..octets.len() / 2]).unwrap();
    assert!(matches!(embedded::check(&path), Err(StoreError::Damaged { .. })));
    assert!(EmbeddedStore::open(&path, Options::default()).is_err());
}
