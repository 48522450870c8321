//! `proselink store` as an operator uses it: backup, restore, check; a full disk, and a store that is in use.
#![cfg(all(unix, feature = "net"))]

#[path = "support/command.rs"]
mod command;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use command::{err, lines, out, proselink, run, with_input};
use proselink::node::admin::{Desk, Server};
use proselink::registration::NoReply;
use proselink::registration::identifiers::{Pduid, UnixSeconds};
use proselink::store::embedded::{self, EmbeddedStore, Options, SKIPPED_BLOCKS};
use proselink::store::{
    Binding, BoundUe, Condition, ContextReader as _, ContextStore as _, Id1Grant, Subscription, UeContext, UeState,
    UserReader as _, UserRegistration, Write, next_block, reservation_key,
};

fn context(number: u64) -> UeContext {
    UeContext {
        imsi: format!("00101{number:010}").parse().unwrap(),
        msisdn: format!("4917{number:08}").parse().ok(),
        id1: Id1Grant { id1: Pduid::from(number), valid_until: UnixSeconds(1_800_000_000) },
        previous_id1: Vec::new(),
        subscription: Subscription::default(),
        bindings: vec![Binding {
            application: "chat.example".into(),
            app_server_host: "as1.example".into(),
            app_server_realm: "example".into(),
            id2: format!("user{number}").parse().unwrap(),
            bound_at: UnixSeconds(1_790_000_000),
            update_pending: false,
        }],
        state: UeState::Registered,
        moved_from: None,
    }
}

fn store_of(path: &Path, contexts: u64) -> EmbeddedStore {
    let mut store = EmbeddedStore::open(path, Options::default()).unwrap();
    let writes: Vec<Write> = (0..contexts)
        .map(|number| Write::Put {
            context: Box::new(context(number)),
            expires_at: Some(UnixSeconds(1_800_086_400)),
            condition: Condition::Absent,
        })
        .collect();
    assert!(store.apply(&writes).unwrap().iter().all(|outcome| outcome.is_done()));
    store
}

/// A folder, a store of 50 UEs in it, and the names of a backup and of a copy.
fn place() -> (tempfile::TempDir, [PathBuf; 3]) {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["function.redb", "backup.ndjson", "copy.redb"].map(|name| folder.path().join(name));
    (folder, paths)
}

fn store(verb: &str, arguments: &[&Path]) -> Output {
    let mut words = vec!["store", verb];
    words.extend(arguments.iter().map(|path| path.to_str().unwrap()));
    run(&words)
}

#[test]
fn a_backup_is_restored_and_checked() {
    let (folder, [original, backup, copy]) = place();
    drop(store_of(&original, 50));
    let exported = store("export", &[&original, Path::new("-w"), &backup]);
    assert_eq!(exported.status.code(), Some(0), "{}", err(&exported));
    assert!(
        out(&exported).ends_with("backup.ndjson: 50 contexts, 0 users, 0 values, 0 deletions\n"),
        "{}",
        err(&exported)
    );
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);

    let piped = store("export", &[&original]);
    assert_eq!(piped.stdout, fs::read(&backup).unwrap());
    let records = lines(&piped);
    assert_eq!(records[0]["proselink_store"], 1);
    assert_eq!(records[1]["context"]["imsi"], "001010000000000");
    assert_eq!(records[51]["end"]["contexts"], 50);

    let imported = with_input(&["store", "import", copy.to_str().unwrap()], &piped.stdout);
    assert_eq!(imported.status.code(), Some(0), "{}", err(&imported));
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let checked = store("check", &[&copy]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    assert!(out(&checked).contains("  contexts: 0 moving, 0 moved, 50 ID1s, 50 bindings;"), "{}", out(&checked));
    assert!(out(&checked).ends_with("all of it fits\n"));
    let store = EmbeddedStore::open(&copy, Options::default().create(false)).unwrap();
    assert_eq!(store.get(context(7).imsi).unwrap().unwrap().context, context(7));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn nothing_is_overwritten() {
    let (_folder, [original, backup, _]) = place();
    drop(store_of(&original, 5));
    fs::write(&backup, "mine").unwrap();
    let refused = store("export", &[&original, Path::new("-w"), &backup]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(err(&refused).contains("which is left alone"), "{}", err(&refused));
    assert_eq!(fs::read(&backup).unwrap(), b"mine");
    let text = store("export", &[&original]).stdout;
    let refused = with_input(&["store", "import", original.to_str().unwrap()], &text);
    assert_eq!(refused.status.code(), Some(3));
    assert!(err(&refused).contains("which is left alone"), "{}", err(&refused));
}

#[test]
fn a_store_in_use_a_damaged_one_and_none_are_told_apart() {
    let (_folder, [original, backup, copy]) = place();
    let held = store_of(&original, 5);
    for verb in ["export", "check"] {
        let refused = store(verb, &[&original]);
        assert_eq!(refused.status.code(), Some(3), "{verb}");
        assert!(err(&refused).contains("in use by another process"), "{}", err(&refused));
        let refused = store(verb, &[&copy]);
        assert_eq!(refused.status.code(), Some(3), "{verb}");
        assert!(err(&refused).contains("there is no store at"), "{}", err(&refused));
    }
    drop(held);
    let octets = fs::read(&original).unwrap();
    fs::write(&original, &octets[..octets.len() - 4096]).unwrap();
    fs::write(&backup, "no store at all, but a text of some length\n".repeat(200)).unwrap();
    for verb in ["export", "check"] {
        for path in [&original, &backup] {
            let refused = store(verb, &[path]);
            assert_eq!(refused.status.code(), Some(4), "{verb} {}: {}", path.display(), err(&refused));
            assert_eq!(err(&refused).lines().count(), 1, "{}", err(&refused));
        }
    }
    let refused = with_input(&["store", "import", copy.to_str().unwrap()], "{\"proselink_store\":1}\n");
    assert_eq!(refused.status.code(), Some(4), "{}", err(&refused));
    assert!(!copy.exists());
}

#[test]
fn a_full_disk_leaves_no_half_a_backup_and_no_half_a_store() {
    let (folder, [original, backup, copy]) = place();
    drop(store_of(&original, 2000));
    assert_eq!(store("export", &[&original, Path::new("-w"), &backup]).status.code(), Some(0));
    let full = folder.path().join("full.ndjson");
    let limited = |arguments: &str, blocks: u32| {
        // A file may grow to so many blocks; without the signal the write fails, as on a full disk.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" store {arguments}");
        let binary = env!("CARGO_BIN_EXE_proselink");
        Command::new("sh").args(["-c", &script, binary]).current_dir(folder.path()).output().unwrap()
    };
    // The store itself is larger than the limit already: what is there may be written, nothing may be added.
    let exported = limited("export function.redb -w full.ndjson", 200);
    assert_eq!(exported.status.code(), Some(3), "{}", err(&exported));
    assert!(!full.exists());
    let imported = limited("import copy.redb -r backup.ndjson", 200);
    assert_eq!(imported.status.code(), Some(3), "{}", err(&imported));
    assert!(err(&imported).contains("no space is left"), "{}", err(&imported));
    assert!(!copy.exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing unfinished is left");
    assert_eq!(store("check", &[&original]).status.code(), Some(0), "the store itself is unharmed");
}

#[test]
fn a_restored_function_goes_on_behind_every_id1_it_may_have_given_out() {
    let (folder, [original, backup, copy]) = place();
    let mut held = store_of(&original, 3);
    let reserved = Write::PutValue { key: reservation_key(4), value: 7u64.to_be_bytes().to_vec(), expected: None };
    assert!(held.apply(&[reserved]).unwrap()[0].is_done());
    drop(held);
    assert_eq!(store("export", &[&original, Path::new("-w"), &backup]).status.code(), Some(0));
    let imported = store("import", &[&copy, Path::new("-r"), &backup]);
    assert!(out(&imported).contains("allocator 4 goes on with block 4103 of ID1s"), "{}", err(&imported));
    let block = |path: &Path| next_block(&EmbeddedStore::open(path, Options::default()).unwrap(), 4).unwrap();
    assert_eq!(block(&copy), 7 + SKIPPED_BLOCKS);
    let moved = folder.path().join("moved.redb");
    let same = ["--skip-id1-blocks", "0"].map(Path::new);
    let imported = store("import", &[&moved, Path::new("-r"), &backup, same[0], same[1]]);
    assert_eq!(imported.status.code(), Some(0), "{}", err(&imported));
    assert_eq!(block(&moved), 7);
    assert_eq!(store("export", &[&moved]).stdout, fs::read(&backup).unwrap());
}

#[test]
fn the_store_of_an_app_server_is_backed_up_and_checked_too() {
    let (_folder, [original, backup, copy]) = place();
    let mut held = EmbeddedStore::open(&original, Options::default()).unwrap();
    let alice = UserRegistration {
        application: "chat.example".into(),
        id2: "a1".parse().unwrap(),
        user: "alice@chat.example".into(),
        ues: vec![BoundUe {
            id1: Pduid::from(7),
            function: "pf1.example".into(),
            realm: "example".into(),
            bound_at: UnixSeconds(1_790_000_000),
        }],
        epuid: None,
    };
    let put = Write::PutUser { registration: Box::new(alice.clone()), condition: Condition::Absent };
    assert!(held.apply(&[put]).unwrap()[0].is_done());
    drop(held);
    assert_eq!(store("export", &[&original, Path::new("-w"), &backup]).status.code(), Some(0));
    let imported = store("import", &[&copy, Path::new("-r"), &backup]);
    assert!(out(&imported).contains(": 0 contexts, 1 users, 0 values"), "{}", err(&imported));
    let restored = EmbeddedStore::open(&copy, Options::default().create(false)).unwrap();
    let found = restored.user_on("chat.example", Pduid::from(7)).unwrap().unwrap();
    assert_eq!(found.registration, alice);
    drop(restored);
    let checked = store("check", &[&copy]);
    assert_eq!(checked.status.code(), Some(0), "{}", out(&checked));
    assert!(out(&checked).contains("users: on 1 UEs"), "{}", out(&checked));
}

/// What the check says is in a store that it finds in order, and nothing when there is no such store.
fn fits(path: &Path) -> bool {
    let checked = store("check", &[path]);
    match checked.status.code() {
        Some(0) => true,
        Some(3) if err(&checked).contains("there is no store at") => false,
        code => panic!("{code:?}: {}{}", out(&checked), err(&checked)),
    }
}

/// Files in the folder that are not finished.
fn unfinished(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().contains(".new-")).count()
}

#[test]
fn an_export_that_is_killed_leaves_nothing_that_passes_for_one() {
    let (folder, [original, backup, copy]) = place();
    drop(store_of(&original, 3000));
    // Through a pipe: it is killed while it waits for its reader, so what came out of it is cut short.
    for taken in [1usize, 5_000, 123_456] {
        let mut child =
            proselink(&["store", "export", original.to_str().unwrap()]).stdout(Stdio::piped()).spawn().unwrap();
        let mut text = vec![0; taken];
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut text).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        out.read_to_end(&mut text).unwrap();
        let refused = with_input(&["store", "import", copy.to_str().unwrap()], &text);
        assert_eq!(refused.status.code(), Some(4), "{}", err(&refused));
        let said = ["was cut short", "not JSON"].iter().any(|said| err(&refused).contains(said));
        assert!(said, "{taken}: {}", err(&refused));
        assert!(!copy.exists());
    }
    // Into a file: it is killed as soon as there is one.
    let arguments = ["store", "export", original.to_str().unwrap(), "-w", backup.to_str().unwrap()];
    let mut child = proselink(&arguments).stderr(Stdio::null()).spawn().unwrap();
    while fs::read_dir(folder.path()).unwrap().count() < 2 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let _ = child.kill();
    child.wait().unwrap();
    if backup.exists() {
        assert_eq!(store("import", &[&copy, Path::new("-r"), &backup]).status.code(), Some(0), "it was whole");
        fs::remove_file(&backup).unwrap();
    }
    assert_eq!(store("export", &[&original, Path::new("-w"), &backup]).status.code(), Some(0));
    assert_eq!(unfinished(folder.path()), 0, "the next export removes what the killed one left");
    assert!(fits(&original), "what was exported is unharmed");
}

#[test]
fn an_import_that_is_killed_leaves_no_store() {
    let (folder, [original, _, copy]) = place();
    drop(store_of(&original, 3000));
    let text = store("export", &[&original]).stdout;
    for given in [0, 10, text.len() / 2, text.len() - 1] {
        let mut child = proselink(&["store", "import", copy.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It waits for the rest, and is killed.
        let mut input = child.stdin.take().unwrap();
        input.write_all(&text[..given]).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!fits(&copy), "{given}");
    }
    // What was left is not in the way.
    let imported = with_input(&["store", "import", copy.to_str().unwrap()], &text);
    assert_eq!(imported.status.code(), Some(0), "{}", err(&imported));
    assert!(fits(&copy));
    assert_eq!(unfinished(folder.path()), 0, "and it is gone");
}

/// A backup is of one moment while a writer goes on: nothing that was durable before it began is missing, and all of it fits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_of_one_moment_and_whole() {
    let (folder, [original, backup, copy]) = place();
    let mut writer = store_of(&original, 500);
    let reader = writer.reader();
    let (_peers, peers) = tokio::sync::watch::channel(Vec::new());
    let exporting = reader.clone();
    let desk = Desk {
        identity: "function.example".to_owned(),
        role: "function",
        peers,
        contexts: None,
        export: Some(Arc::new(move |mut out| embedded::export(&exporting, &mut out).map(drop))),
        operate: Arc::new(|_| Box::pin(async { Err(NoReply::NotHere) })),
    };
    let socket = folder.path().join("function.sock");
    let _server = Server::start(&socket, desk).unwrap();
    let (stop, ends) = std::sync::mpsc::channel::<()>();
    let load = std::thread::spawn(move || {
        let mut round = 0;
        // UEs come, and those that are there are bound anew, so that each has a record that moves.
        while ends.try_recv().is_err() {
            let writes: Vec<Write> = (0..50)
                .flat_map(|number| [number, 500 + round * 50 + number])
                .map(|number| Write::Put {
                    context: Box::new(context(number)),
                    expires_at: Some(UnixSeconds(1_800_086_400 + round)),
                    condition: Condition::Always,
                })
                .collect();
            assert!(writer.apply(&writes).unwrap().iter().all(|outcome| outcome.is_done()));
            round += 1;
        }
        writer
    });
    for _ in 0..3 {
        let before = (reader.count().unwrap(), reader.cursor().unwrap());
        let (socket, to) = (socket.clone(), backup.clone());
        let export = move || store("backup", &[Path::new("--admin"), &socket, Path::new("-w"), &to]);
        let exported = tokio::task::spawn_blocking(export).await.unwrap();
        assert_eq!(exported.status.code(), Some(0), "{}", err(&exported));
        let imported = store("import", &[&copy, Path::new("-r"), &backup]);
        assert_eq!(imported.status.code(), Some(0), "{}", err(&imported));
        let checked = store("check", &[&copy]);
        assert!(out(&checked).ends_with("all of it fits\n"), "{}{}", out(&checked), err(&checked));
        let copied = EmbeddedStore::open(&copy, Options::default()).unwrap();
        let found = (copied.count().unwrap(), copied.cursor().unwrap());
        assert!(found.0 >= before.0 && found.1 >= before.1, "{found:?} after {before:?}");
        // A commit is in it whole or not at all.
        assert_eq!((found.0 % 50, found.1.0 % 100), (0, 0), "{found:?}");
        drop(copied);
        fs::remove_file(&backup).unwrap();
        fs::remove_file(&copy).unwrap();
    }
    stop.send(()).unwrap();
    load.join().unwrap();
}

#[test]
fn a_check_names_what_a_killed_import_or_export_left() {
    let (folder, [original, ..]) = place();
    drop(store_of(&original, 1));
    for left in ["function.redb.new-1", "backup.ndjson.new-2"] {
        fs::write(folder.path().join(left), "half").unwrap();
    }
    let making = fs::File::create(folder.path().join("other.ndjson.new-3")).unwrap();
    making.try_lock().unwrap();
    let checked = store("check", &[&original]);
    assert_eq!(checked.status.code(), Some(0), "the store itself is good: {}", err(&checked));
    let text = out(&checked);
    for left in
        ["function.redb.new-1: left by", "backup.ndjson.new-2: left by", "other.ndjson.new-3: a process is making"]
    {
        assert!(text.contains(left), "{text}");
    }
    assert!(text.contains("remove it") && text.ends_with("all of it fits\n"), "{text}");
}
