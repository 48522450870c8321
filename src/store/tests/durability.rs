//! What only a file can go through: sudden death, damage, a full disk, two owners, a new version.

use super::*;
use crate::registration::identifiers::{Id1Allocator, Id1Layout, Id1Space, NetworkKey};
use crate::store::embedded::Options;
use crate::store::memory::Fault;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(super) fn open(path: &Path) -> Result<EmbeddedStore, StoreError> {
    EmbeddedStore::open(path, Options::default())
}

pub(super) fn fill(store: &mut impl ContextStore, contexts: std::ops::Range<u64>) {
    let writes: Vec<Write> = contexts.map(|number| put(context(number), Condition::Always)).collect();
    assert!(store.apply(&writes).unwrap().iter().all(|outcome| outcome.is_done()));
}

#[test]
fn what_was_applied_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut store = open(&path).unwrap();
    fill(&mut store, 0..100);
    assert!(one(&mut store, Write::Delete { imsi: imsi(3), condition: Condition::Always }).is_done());
    let before = (store.contexts(None, 999).unwrap(), store.changes(Cursor::START, 999).unwrap(), store.cursor());
    drop(store);
    let store = open(&path).unwrap();
    let after = (store.contexts(None, 999).unwrap(), store.changes(Cursor::START, 999).unwrap(), store.cursor());
    assert_eq!(before, after);
    assert_eq!(store.count(), Ok(99));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left of its making");
}

#[test]
fn a_reader_sees_what_the_writer_has_committed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder.path().join("store")).unwrap();
    let reader = store.reader();
    assert_eq!(reader.get(imsi(1)), Ok(None));
    fill(&mut store, 1..2);
    assert!(reader.get(imsi(1)).unwrap().is_some());
}

#[test]
fn each_refusal_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let missing = EmbeddedStore::open(&path, Options::default().create(false)).unwrap_err();
    assert_eq!(missing, StoreError::Missing { path: path.clone() });
    let nowhere = open(&folder.path().join("no/such/folder")).unwrap_err();
    assert!(matches!(&nowhere, StoreError::Io { action: "making the store", .. }), "{nowhere}");

    let store = open(&path).unwrap();
    assert_eq!(open(&path).unwrap_err(), StoreError::Locked { path: path.clone() });
    drop(store);

    let other = folder.path().join("other");
    fs::write(&other, "a text file, and long enough to be taken for more than it is\n".repeat(99)).unwrap();
    assert_eq!(open(&other).unwrap_err(), StoreError::NotAStore { path: other.clone() });
    fs::write(&other, "").unwrap();
    assert!(matches!(open(&other), Err(StoreError::Damaged { .. })), "an empty file is no new store");
    fs::remove_file(&other).unwrap();
    let foreign = redb::Database::create(&other).unwrap();
    drop(foreign);
    assert_eq!(open(&other).unwrap_err(), StoreError::NotAStore { path: other });
}

#[test]
fn a_newer_schema_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(open(&path).unwrap());
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let system: redb::TableDefinition<&[u8], &[u8]> = redb::TableDefinition::new("system");
    transaction.open_table(system).unwrap().insert(&b"schema"[..], &9u64.to_be_bytes()[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert_eq!(open(&path).unwrap_err(), StoreError::NewerSchema { path, found: 9, supported: 2 });
}

// Damage -------------------------------------------------------------------------------------------------------------

/// Everything a store says.
pub(super) type Content =
    (Vec<Stored>, Vec<StoredUser>, Vec<Change>, Vec<(UnixSeconds, Imsi)>, Vec<(String, Vec<u8>)>, Cursor);

pub(super) fn content(store: &(impl ContextReader + UserReader)) -> Result<Content, StoreError> {
    Ok((
        store.contexts(None, usize::MAX)?,
        store.users(None, usize::MAX)?,
        store.changes(Cursor::START, usize::MAX)?,
        store.due(UnixSeconds(u64::MAX), usize::MAX)?,
        store.values("", None, usize::MAX)?,
        store.cursor()?,
    ))
}

/// A store after several commits: its octets as a crash right after the last one leaves them, and as a clean stop does.
fn crashed_and_closed(folder: &Path) -> (Vec<u8>, Vec<u8>, Content) {
    let path = folder.join("whole");
    let mut store = open(&path).unwrap();
    for commit in 0..5 {
        fill(&mut store, commit * 7..commit * 7 + 20);
        let value = Write::PutValue { key: format!("v/{commit}"), value: vec![commit as u8; 9], expected: None };
        assert!(one(&mut store, value).is_done());
    }
    let content = content(&store).unwrap();
    let crashed = fs::read(&path).unwrap();
    drop(store);
    (crashed, fs::read(&path).unwrap(), content)
}

/// Opens `octets` as a store: `Ok` with everything in it, or an error with a sentence. Anything else is silent loss.
fn opens_whole_or_says_so(folder: &Path, octets: &[u8], content_before: &Content, what: &str) -> bool {
    let path = folder.join("damaged");
    fs::write(&path, octets).unwrap();
    let opened = open(&path).and_then(|store| content(&store));
    match opened {
        Ok(content) => {
            assert!(content == *content_before, "{what}: opened with something missing");
            true
        }
        Err(StoreError::Damaged { .. } | StoreError::NotAStore { .. } | StoreError::Record(_)) => false,
        Err(other) => panic!("{what}: {other}"),
    }
}

#[test]
fn a_file_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (crashed, closed, content) = crashed_and_closed(folder.path());
    for whole in [&crashed, &closed] {
        assert!(opens_whole_or_says_so(folder.path(), whole, &content, "whole"));
        for sixteenth in 0..16 {
            let length = whole.len() * sixteenth / 16 + sixteenth;
            let cut = &whole[..length];
            opens_whole_or_says_so(folder.path(), cut, &content, &format!("cut to {length} of {}", whole.len()));
        }
        let cut = &whole[..whole.len() / 2];
        assert!(!opens_whole_or_says_so(folder.path(), cut, &content, "cut in half"));
    }
}

#[test]
fn a_file_cut_at_any_offset_is_refused_or_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (crashed, closed, content_before) = crashed_and_closed(folder.path());
    for (state, whole) in [("crashed", &crashed), ("closed", &closed)] {
        for _ in 0..60 {
            let length = usize::try_from(getrandom::u64().unwrap() % whole.len() as u64).unwrap();
            let what = format!("{state}, cut to {length} of {}", whole.len());
            opens_whole_or_says_so(folder.path(), &whole[..length], &content_before, &what);
            // Without its pages being verified less is noticed, but nothing panics.
            let path = folder.path().join("damaged");
            let options = Options::default().create(false).verify(false);
            if let Err(error) = EmbeddedStore::open(&path, options).and_then(|store| content(&store)) {
                assert!(!error.to_string().is_empty(), "{what}");
            }
        }
    }
}

/// Bit 0 of octet 9 says which of the two commits in a redb file is the newest. Flipped, the file is the one that a
/// crash between the two phases of the newest commit leaves, which redb has no reason to refuse: the commit before opens.
const NEWEST_COMMIT_BIT: usize = 9 * 8;

#[test]
fn a_flipped_bit_is_noticed_or_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let (crashed, closed, content) = crashed_and_closed(folder.path());
    // Every bit takes minutes; the header, where one bit chooses between two states of the file, is walked more densely.
    let every = std::env::var_os("PROSELINK_EVERY_BIT").is_some();
    let (in_header, behind) = if every { (1, 397) } else { (41, 29_989) };
    for (state, whole) in [("crashed", &crashed), ("closed", &closed)] {
        let mut refused = 0;
        for at in (0..512 * 8).step_by(in_header).chain((512 * 8..whole.len() * 8).step_by(behind)) {
            if at == NEWEST_COMMIT_BIT {
                continue;
            }
            let mut octets = whole.clone();
            octets[at / 8] ^= 1 << (at % 8);
            let what = format!("{state}, bit {} of octet {}", at % 8, at / 8);
            refused += usize::from(!opens_whole_or_says_so(folder.path(), &octets, &content, &what));
        }
        assert!(refused > 0, "{state}: none of the flipped bits was in use");
    }
}

// A full disk and a sudden death --------------------------------------------------------------------------------------

const CHILD_STORE: &str = "PROSELINK_TEST_STORE";
const CHILD_TASK: &str = "PROSELINK_TEST_TASK";

/// This test binary again, running [`child`] alone with `task` on the store at `path`.
fn start_child(path: &Path, task: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::durability::child", "--ignored", "--nocapture"])
        .env(CHILD_STORE, path)
        .env(CHILD_TASK, task)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "the other process of the tests below"]
fn child() {
    let (Some(path), Ok(task)) = (std::env::var_os(CHILD_STORE), std::env::var(CHILD_TASK)) else { return };
    match task.as_str() {
        "register" => register_until_killed(Path::new(&path)),
        "fill the disk" => fill_the_disk(Path::new(&path)),
        other => panic!("unknown task {other}"),
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

fn space() -> Id1Space {
    Id1Space::new("001-01".parse().unwrap(), &NetworkKey([3; 16]), Id1Layout::new(6, 8).unwrap())
}

/// Registers UE after UE, one to eight a commit, and names each only once it is durable.
fn register_until_killed(path: &Path) {
    let mut store = open(path).unwrap();
    let mut allocator = Id1Allocator::resume(space(), 9, next_block(&store, 9).unwrap()).unwrap();
    let mut number = store.count().unwrap();
    loop {
        if let Some(reservation) = allocator.reservation() {
            assert!(one(&mut store, reserve(reservation)).is_done());
            allocator.reserved(reservation);
        }
        let contexts: Vec<UeContext> = (0..=number % 8)
            .map(|ahead| {
                let mut context = context(number + ahead);
                context.id1.id1 = allocator.allocate().unwrap();
                context.bindings.push(binding("chat.example", &format!("user {}", number + ahead)));
                context
            })
            .collect();
        let writes: Vec<Write> = contexts.iter().map(|context| put(context.clone(), Condition::Absent)).collect();
        assert!(store.apply(&writes).unwrap().iter().all(|outcome| outcome.is_done()));
        for context in contexts {
            say(&format!("registered {} {}", context.imsi.reveal(), context.id1.id1));
            number += 1;
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_it_had_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(open(&path).unwrap());
    let mut answered: BTreeMap<String, String> = BTreeMap::new();
    let mut issued = HashSet::new();
    for _round in 0..6 {
        let moment = getrandom::u32().unwrap();
        let mut child = start_child(&path, "register");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        // The child goes on writing while this process counts: where the kill meets it is left to the scheduler.
        for line in lines {
            let line = line.unwrap();
            let Some(registered) = line.strip_prefix("registered ") else { continue };
            let (imsi, id1) = registered.split_once(' ').unwrap();
            assert!(issued.insert(id1.to_owned()), "{id1} was issued twice");
            assert_eq!(answered.insert(imsi.to_owned(), id1.to_owned()), None, "a UE was registered twice");
            seen += 1;
            if seen == 5 + moment % 150 {
                for _ in 0..moment >> 12 {
                    std::hint::spin_loop();
                }
                child.kill().unwrap();
            }
        }
        assert!(!child.wait().unwrap().success());
        assert!(seen >= 5, "the child ended by itself");

        let store = open(&path).unwrap();
        for (imsi, id1) in &answered {
            let id1 = id1.parse().unwrap();
            let stored = store.get_by_id1(id1).unwrap().unwrap_or_else(|| panic!("{id1} is lost (moment {moment})"));
            assert_eq!(stored.context.imsi.reveal(), *imsi);
            assert_eq!(stored.context.id1.id1, id1);
        }
        let all = store.contexts(None, usize::MAX).unwrap();
        assert!(all.len() - answered.len() <= 8, "more than the commit under way is there without an answer");
        let distinct: HashSet<Pduid> = all.iter().map(|stored| stored.context.id1.id1).collect();
        assert_eq!(distinct.len(), all.len());
        // What was committed and not answered counts as issued.
        for stored in all {
            answered.entry(stored.context.imsi.reveal()).or_insert_with(|| {
                issued.insert(stored.context.id1.id1.to_string());
                stored.context.id1.id1.to_string()
            });
        }
    }
}

/// Writes until the file may not grow, then again when it may.
fn fill_the_disk(path: &Path) {
    let mut store = open(path).unwrap();
    fill(&mut store, 0..10);
    let limit = fs::metadata(path).unwrap().len() + 65_536;
    limit_file_size(limit);
    let mut number = 10;
    let full = loop {
        let writes: Vec<Write> = (number..number + 50).map(|number| put(context(number), Condition::Absent)).collect();
        match store.apply(&writes) {
            Ok(_) => number += 50,
            Err(error) => break error,
        }
    };
    assert_eq!(full, StoreError::Full);
    assert_eq!(store.count(), Ok(number), "what was committed before is read, opened anew");
    limit_file_size(libc::RLIM_INFINITY);
    fill(&mut store, number..number + 50);
    say(&format!("filled {}", number + 50));
}

fn limit_file_size(octets: u64) {
    let limit = libc::rlimit { rlim_cur: octets, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: both calls take plain values and a pointer that lives through the call. Ignoring the signal makes the
    // write fail instead of the process.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}

#[test]
fn a_full_disk_is_said_and_the_store_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let child = start_child(&path, "fill the disk").wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}");
    let filled = said.lines().find_map(|line| line.strip_prefix("filled ")).unwrap();
    assert_eq!(open(&path).unwrap().count().unwrap(), filled.parse::<u64>().unwrap());
}

// Group commit -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn many_tasks_share_a_commit_and_each_gets_its_own_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store")).unwrap();
    let reader = store.reader();
    let (committer, thread) = Committer::start(store, 64).unwrap();
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let (committer, reader) = (committer.clone(), reader.clone());
            tokio::spawn(async move {
                // Two tasks for each UE: one of them comes second.
                let outcomes = committer.apply(vec![put(context(number / 2), Condition::Absent)]).await.unwrap();
                assert!(reader.get(imsi(number / 2)).unwrap().is_some(), "answered before it was there");
                outcomes[0].is_done()
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += usize::from(task.await.unwrap());
    }
    assert_eq!(done, 100);
    let counts = committer.counts();
    assert_eq!(counts.writes, 200);
    assert!(counts.commits < 200, "{counts:?}");
    drop(committer);
    assert_eq!(thread.join().unwrap().count(), Ok(100));
}

#[tokio::test]
async fn a_failed_commit_is_told_to_all_who_shared_it() {
    let mut store = MemoryStore::new();
    store.inject(1, Fault::Full);
    let (committer, thread) = Committer::start(store, 4).unwrap();
    assert_eq!(committer.apply(vec![put(context(1), Condition::Absent)]).await, Err(StoreError::Full));
    let pending = committer.submit(vec![put(context(1), Condition::Absent)]).unwrap();
    assert!(pending.outcome().await.unwrap()[0].is_done());
    assert_eq!(committer.counts().failures, 1);
    drop(committer);
    assert_eq!(thread.join().unwrap().count(), Ok(1));
}
