//! What a store of a million UEs costs.
//!
//! `store [--ues N] [--rounds R] [--folder FOLDER] [--seconds S] [--cache MiB]`: fills one store with 10,000 UEs of three
//! applications each and another with N (1,000,000 unless told otherwise), and tells side by side what it costs to register,
//! to look up and to expire a UE in both; then file, memory, and the time from start to serving. At last, whole registrations
//! a second with group commit and with a commit for each.
//!
//! CPU time is user and system of this process; on a busy machine it is what can be compared.

mod registrations;
mod sides;
mod subscriber;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use proselink::store::embedded::{EmbeddedStore, Options};
use proselink::store::{ContextReader as _, StoreError};

/// As the binary `proselink`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use sides::{SMALL, Side};
use subscriber::Subscriber;

fn main() -> ExitCode {
    let mut settings =
        Settings { ues: 1_000_000, rounds: 11, folder: std::env::temp_dir(), seconds: 5, cache: Options::default() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let good = match argument.as_str() {
            "--ues" => value.parse().map(|ues| settings.ues = ues).is_ok() && settings.ues > 2 * SMALL,
            "--rounds" => value.parse().map(|rounds| settings.rounds = rounds).is_ok() && settings.rounds > 0,
            "--seconds" => value.parse().map(|seconds| settings.seconds = seconds).is_ok(),
            "--cache" => {
                value.parse().map(|mb: usize| settings.cache = Options::default().cache_octets(mb << 20)).is_ok()
            }
            "--folder" => {
                settings.folder = PathBuf::from(&value);
                settings.folder.is_dir()
            }
            _ => false,
        };
        if !good {
            eprintln!(
                "store [--ues N, more than {}] [--rounds R] [--folder FOLDER] [--seconds S] [--cache MiB]",
                2 * SMALL
            );
            return ExitCode::from(2);
        }
    }
    let folder = settings.folder.join(format!("proselink-store-{}", std::process::id()));
    let result = std::fs::create_dir(&folder)
        .map_err(|error| StoreError::Io { action: "making a folder", detail: error.to_string() })
        .and_then(|()| measure(&settings, &folder));
    let _ = std::fs::remove_dir_all(&folder);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("store: {error}");
            ExitCode::from(3)
        }
    }
}

struct Settings {
    ues: u64,
    rounds: usize,
    folder: PathBuf,
    seconds: u64,
    cache: Options,
}

fn measure(settings: &Settings, folder: &Path) -> Result<(), StoreError> {
    let path = folder.join("store.redb");
    let mut small = Side::fill(&folder.join("small.redb"), &settings.cache, SMALL)?;
    let mut large = Side::fill(&path, &settings.cache, settings.ues)?;
    sides::compare(&mut small, &mut large, settings.rounds)?;
    println!("file {} MB, resident {} MB", length(&path) / 1_000_000, resident() / 1_000_000);
    drop(small);
    let Side { store, oldest, .. } = large;
    let crashed = folder.join("crashed.redb");
    // Durable, so that the disk is not still at it when the stores are opened.
    std::fs::copy(&path, &crashed)
        .and_then(|_| std::fs::File::open(&crashed)?.sync_all())
        .map_err(|error| StoreError::Io { action: "copying the store", detail: error.to_string() })?;
    let count = store.count()?;
    drop(store);
    for (what, path, verify) in [
        ("stopped, all pages verified", &path, true),
        ("stopped, pages trusted", &path, false),
        ("killed, all pages verified", &crashed, true),
    ] {
        let lap = Lap::start();
        let store = EmbeddedStore::open(path, settings.cache.clone().verify(verify))?;
        let found = store.get(Subscriber(oldest).imsi())?.is_some() && store.count()? == count;
        println!(
            "from start to serving, {what}: {:.2} s (CPU {:.2} s), whole: {found}",
            lap.wall().as_secs_f64(),
            lap.cpu().as_secs_f64()
        );
        println!("  resident {} MB", resident() / 1_000_000);
    }
    drop(std::fs::remove_file(&crashed));
    registrations::compare(&path, &settings.cache, count + oldest, Duration::from_secs(settings.seconds))
}

/// Since a moment: the clock on the wall, and the time that this process was given.
struct Lap {
    wall: Instant,
    cpu: Duration,
}

impl Lap {
    fn start() -> Self {
        Lap { wall: Instant::now(), cpu: cpu_time() }
    }

    fn wall(&self) -> Duration {
        self.wall.elapsed()
    }

    fn cpu(&self) -> Duration {
        cpu_time() - self.cpu
    }
}

fn cpu_time() -> Duration {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call fills the structure it is given, which zeroes are good for too.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let of = |time: libc::timeval| Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64);
    of(usage.ru_utime) + of(usage.ru_stime)
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Resident memory of this process, in octets.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}
