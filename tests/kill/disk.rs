//! Disks: a full one and a file cut short. The process refuses or ends with a sentence, and what it acknowledged is there.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use proselink::store::embedded::{EmbeddedStore, Options};
use proselink::store::{ContextReader as _, Stored};

use crate::judge;
use crate::lab::{self, Lab, Place, Places, Times};
use crate::load::Work;
use crate::random::{self, Random};

const TIMES: Times = Times { transport: "tcp", tc: 0.1, reopen: 0.01, answer_timeout: 1.0 };

/// Runs a function over a store until it refuses; `None` when it serves.
fn refuses(place: &Place, folder: &Path) -> Option<Output> {
    let mut command = lab::command(place, folder);
    command.stdin(Stdio::null());
    match lab::start(command) {
        Err(output) => Some(output),
        Ok(mut child) => {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            None
        }
    }
}

/// A folder with the files of a small lab whose UEs have registered and moved, left by SIGKILL.
async fn used(folder: &Path, subnet: u8, seed: u64, ues: usize) -> Places {
    let places = Places::on_loopback(subnet);
    let mut lab = Lab::start(folder, places.clone(), TIMES, ues, 0, Random::new(seed)).await;
    lab.work(Work::Everything { under_way: 8 }).await;
    let enough = lab.load.follow(move |load, _, _| {
        let counts = &load.counts;
        (counts.registered >= ues as u64 / 2 && counts.moved >= ues as u64).then_some(())
    });
    tokio::time::timeout(Duration::from_secs(60), enough).await.expect("UEs register").expect("the UEs are there");
    lab.kill_all();
    lab.stop().await;
    places
}

fn content(path: &Path) -> Vec<Stored> {
    let store = EmbeddedStore::open(path, Options::default().create(false)).expect("the store opens");
    store.contexts(None, usize::MAX).expect("the store can be read")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half a minute: scripts/test kill"]
async fn a_store_cut_short_is_refused_with_a_sentence_or_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = random::seed("store cut short");
    let mut random = Random::new(seed);
    let places = used(folder.path(), 4, seed, 60).await;
    let path = folder.path().join("function1.redb");
    let whole = std::fs::read(&path).expect("the store can be read");
    let before = content(&path);
    assert!(!before.is_empty());
    // As a crash left it, and cut at random places: most of the file is behind the first pages.
    let (mut refused, mut served) = (0, 0);
    for turn in 0..40 {
        let length = match turn {
            0 => 0,
            1 => whole.len() - 1,
            _ => random.below(whole.len()),
        };
        std::fs::write(&path, &whole[..length]).expect("the store can be written");
        match refuses(&places.functions[0], folder.path()) {
            Some(output) => {
                let words = String::from_utf8_lossy(&output.stderr).into_owned();
                let said = ["is damaged", "is no store"].iter().any(|said| words.contains(said));
                assert_eq!((output.status.code(), said), (Some(3), true), "cut to {length}: {words}");
                assert!(words.contains("function1.redb"), "cut to {length}: {words}");
                assert_eq!(std::fs::read(&path).expect("it is there"), &whole[..length], "nothing is written over it");
                refused += 1;
            }
            None => {
                assert_eq!(content(&path), before, "cut to {length}: something is missing, and nobody says so");
                served += 1;
            }
        }
    }
    println!("store cut short: {refused} of 40 refused with a sentence, {served} were whole in what counts");
    assert!(refused > 20, "{refused}");
    // The whole one still serves.
    std::fs::write(&path, &whole).expect("the store can be written");
    assert!(refuses(&places.functions[0], folder.path()).is_none());
    assert_eq!(content(&path), before);
}

/// The lab with a function whose files may not grow past a limit: as on a full disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half a minute: scripts/test kill"]
async fn a_function_on_a_full_disk_refuses_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = random::seed("full disk");
    let disk = match small_disk(folder.path()) {
        Ok(disk) => disk,
        Err(why) => return println!("skipped: no small disk for the store: {why}"),
    };
    let mut places = Places::on_loopback(5);
    places.functions[0].store = Some(disk.path("function1.redb"));
    let mut lab = Lab::start(folder.path(), places, TIMES, 1_000, 0, Random::new(seed)).await;
    lab.work(Work::Everything { under_way: 64 }).await;
    // It goes on until the disk is full. What is refused then is refused for that reason, and nothing else.
    let begun = Instant::now();
    while !lab.log(0).contains("no space is left for the store") {
        assert!(begun.elapsed() < Duration::from_secs(120), "the disk does not get full: {}", lab.logs());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let refused = lab.load.follow(|load, _, _| load.counts.failed.keys().any(|why| why.contains("5012")).then_some(()));
    tokio::time::timeout(Duration::from_secs(60), refused).await.expect("UEs are told").expect("the UEs are there");
    lab.work(Work::Nothing).await;
    // Nobody has ended; whoever is killed now finds what was acknowledged.
    lab.kill_all();
    let stores = lab.read_stores();
    let (accounts, counts) = lab.told().await;
    let verdict = judge::judge(&stores, &accounts, &lab.applications());
    println!("full disk: {} registrations are there; {counts:?}", verdict.registrations);
    assert!(verdict.wrong.is_empty() && verdict.registrations > 0, "{:#?}", verdict.wrong);
    drop(stores);
    // Room again, and it goes on.
    disk.enlarge();
    lab.spawn_all();
    // Also those that register again: by now most UEs may have registered once.
    let before = counts.registered + counts.registered_again;
    lab.work(Work::Everything { under_way: 64 }).await;
    let on = lab
        .load
        .follow(move |load, _, _| (load.counts.registered + load.counts.registered_again > before + 100).then_some(()));
    tokio::time::timeout(Duration::from_secs(60), on).await.expect("it goes on").expect("the UEs are there");
    lab.stop().await;
}

/// A file system of half a MiB.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }

    fn enlarge(&self) {
        let done = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()), "the disk can be enlarged");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn small_disk(folder: &Path) -> Result<SmallDisk, String> {
    let at = folder.join("disk");
    std::fs::create_dir(&at).map_err(|error| error.to_string())?;
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k", "proselink"]).arg(&at).output();
    let mounted = mounted.map_err(|error| error.to_string())?;
    if !mounted.status.success() {
        return Err(String::from_utf8_lossy(&mounted.stderr).trim().to_owned());
    }
    Ok(SmallDisk(at))
}
