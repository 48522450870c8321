//! What a store of a million UEs costs.
//!
//! `store [--ues N] [--folder FOLDER] [--seconds S] [--cache MiB]`: fills a store with 10,000 UEs of three applications each and then
//! with N (1,000,000 unless told otherwise), and tells at both sizes what it costs to register, to look up and to expire a
//! UE; then the file, the memory, and the time from start to serving. At last, whole registrations a second with group
//! commit and with a commit for each.
//!
//! CPU time is user and system of this process; on a busy machine it is what can be compared.

mod registrations;
mod subscriber;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use proselink::registration::identifiers::UnixSeconds;
use proselink::store::embedded::{EmbeddedStore, Options};
use proselink::store::{Condition, ContextReader as _, ContextStore as _, Cursor, StoreError, Write, WriteOutcome};

/// As the binary `proselink`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use subscriber::{APPLICATIONS, Subscriber};

/// UEs whose writes share a commit.
const TOGETHER: u64 = 512;
/// UEs measured at each size.
const SAMPLE: u64 = 10 * TOGETHER;
const SMALL: u64 = 10_000;

fn main() -> ExitCode {
    let mut settings = Settings { ues: 1_000_000, folder: std::env::temp_dir(), seconds: 5, cache: Options::default() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let good = match argument.as_str() {
            "--ues" => value.parse().map(|ues| settings.ues = ues).is_ok() && settings.ues > 2 * SMALL,
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
            eprintln!("store [--ues N, more than {}] [--folder FOLDER] [--seconds S]", 2 * SMALL);
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
    folder: PathBuf,
    seconds: u64,
    cache: Options,
}

fn measure(settings: &Settings, folder: &Path) -> Result<(), StoreError> {
    let path = folder.join("store.redb");
    let mut store = EmbeddedStore::open(&path, settings.cache.clone())?;
    let mut next = 0;
    let mut costs = Vec::new();
    for size in [SMALL, settings.ues] {
        let lap = Lap::start();
        while next < size - SAMPLE {
            let numbers = next..(next + 4096).min(size - SAMPLE);
            next = numbers.end;
            let writes: Vec<Write> = numbers.map(|number| Subscriber(number).complete()).collect();
            done(store.apply(&writes)?);
        }
        println!("{} UEs in the store after {:.1} s", store.count()?, lap.wall().as_secs_f64());
        costs.push(costs_at(&mut store, &mut next)?);
        println!("  file {} MB, resident {} MB", length(&path) / 1_000_000, resident() / 1_000_000);
    }
    println!("{:24}{:>14}{:>14}{:>8}  (CPU time)", "per UE", "at 10,000", "at full size", "ratio");
    if let [small, large] = costs.as_slice() {
        for (small, large) in small.iter().zip(large) {
            let (low, high) = (small.cpu.as_secs_f64() * 1e6, large.cpu.as_secs_f64() * 1e6);
            println!("{:24}{low:>11.1} us{high:>11.1} us{:>8.2}", small.what, high / low);
        }
        println!("{:24}{:>14}{:>14}{:>8}  (wall)", "", "", "", "");
        for (small, large) in small.iter().zip(large) {
            let (low, high) = (small.wall.as_secs_f64() * 1e6, large.wall.as_secs_f64() * 1e6);
            println!("{:24}{low:>11.1} us{high:>11.1} us{:>8.2}", small.what, high / low);
        }
    }
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
        let found = store.get(Subscriber(1).imsi())?.is_some() && store.count()? == count;
        println!(
            "from start to serving, {what}: {:.2} s (CPU {:.2} s), whole: {found}",
            lap.wall().as_secs_f64(),
            lap.cpu().as_secs_f64()
        );
        println!("  resident {} MB", resident() / 1_000_000);
    }
    drop(std::fs::remove_file(&crashed));
    registrations::compare(&path, &settings.cache, settings.ues, Duration::from_secs(settings.seconds))
}

/// What one thing costs a UE.
struct Cost {
    what: &'static str,
    wall: Duration,
    cpu: Duration,
}

/// Registers, looks up and expires [`SAMPLE`] UEs at the present size.
fn costs_at(store: &mut EmbeddedStore, next: &mut u64) -> Result<Vec<Cost>, StoreError> {
    let numbers = *next..*next + SAMPLE;
    *next = numbers.end;
    let mut costs = Vec::new();
    let lap = Lap::start();
    for from in numbers.clone().step_by(TOGETHER as usize) {
        register(store, from..from + TOGETHER)?;
    }
    costs.push(lap.cost("register, 3 applications", SAMPLE));

    // Of all sizes the same share: every UE that is there is as likely.
    let total = *next;
    let lap = Lap::start();
    for at in 0..SAMPLE {
        let subscriber = Subscriber(at.wrapping_mul(7_919_777) % total);
        assert!(store.get_by_id1(subscriber.id1())?.is_some(), "an ID1 is lost");
    }
    costs.push(lap.cost("look up by ID1", SAMPLE));
    let lap = Lap::start();
    for at in 0..SAMPLE {
        let subscriber = Subscriber(at.wrapping_mul(7_919_777) % total);
        let [application, ..] = APPLICATIONS;
        assert!(!store.find_by_id2(application, &subscriber.id2(application), 8)?.is_empty(), "a user is lost");
    }
    costs.push(lap.cost("look up by ID2", SAMPLE));

    let lap = Lap::start();
    let mut expired = 0;
    while expired < SAMPLE {
        let due = store.due(UnixSeconds(u64::MAX), TOGETHER as usize)?;
        expired += due.len() as u64;
        let writes: Vec<Write> =
            due.iter().map(|(_, imsi)| Write::Delete { imsi: *imsi, condition: Condition::Always }).collect();
        done(store.apply(&writes)?);
    }
    costs.push(lap.cost("expire", SAMPLE));
    // They come back: the size stays what it was. The first to come are the first to go, give or take one second's.
    let writes: Vec<Write> = (0..SAMPLE + 24).map(|number| Subscriber(number).complete()).collect();
    for outcome in store.apply(&writes)? {
        assert!(matches!(outcome, WriteOutcome::Done { .. } | WriteOutcome::Conflict { .. }), "{outcome:?}");
    }
    Ok(costs)
}

/// Registers as a function does: message 5, then message 2 of each application, each its own write.
fn register(store: &mut EmbeddedStore, numbers: std::ops::Range<u64>) -> Result<(), StoreError> {
    let mut versions: Vec<Cursor> = Vec::new();
    for bound in 0..=APPLICATIONS.len() {
        let conditions = (numbers.clone().zip(0..)).map(|(number, place): (u64, usize)| {
            (number, versions.get(place).map_or(Condition::Absent, |version| Condition::Version(*version)))
        });
        let writes: Vec<Write> =
            conditions.map(|(number, condition)| Subscriber(number).bound(bound, condition)).collect();
        versions = done(store.apply(&writes)?);
    }
    Ok(())
}

/// The versions made; all writes were done, or this is no measurement.
fn done(outcomes: Vec<WriteOutcome>) -> Vec<Cursor> {
    let version = |outcome| match outcome {
        WriteOutcome::Done { version } => version,
        other => panic!("a write was refused: {other:?}"),
    };
    outcomes.into_iter().map(version).collect()
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

    fn cost(&self, what: &'static str, times: u64) -> Cost {
        Cost { what, wall: self.wall() / times as u32, cpu: self.cpu() / times as u32 }
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
