//! Nothing lost, nothing doubled: functions and app servers as processes, killed with SIGKILL at random moments while UEs
//! register and move, and what their stores hold beside what the UEs were told. `scripts/test kill` runs these.

#![cfg(feature = "net")]

mod disk;
mod judge;
mod lab;
mod load;
mod namespaces;
mod random;

use std::time::{Duration, Instant};

use judge::Verdict;
use lab::{Lab, Places, Times};
use load::{Counts, Work};
use random::Random;

/// Kills of each process: PROSELINK_KILLS, or 200.
fn kills() -> usize {
    std::env::var("PROSELINK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(200).clamp(1, 100_000)
}

/// UEs, and how many of their requests are under way.
const UES: usize = 300;
const UNDER_WAY: usize = 24;
/// A process lives so long at the most. It dies within its start as well.
const LONGEST_LIFE: Duration = Duration::from_millis(600);
/// Kills between two looks into the stores.
const CHECK_EVERY: usize = 50;

/// For what is to come to an end by itself.
const PATIENCE: Duration = Duration::from_secs(180);

const TIMES: Times = Times { transport: "tcp", tc: 0.1, reopen: 0.01, answer_timeout: 1.0 };

/// Kills everything at once, looks, and starts everything again.
async fn check(lab: &mut Lab) -> (Verdict, Counts) {
    lab.kill_all();
    let stores = lab.read_stores();
    let (accounts, counts) = lab.told().await;
    let verdict = judge::judge(&stores, &accounts, &lab.applications());
    lab.spawn_all();
    let wrong: Vec<_> = verdict.wrong.iter().chain(&counts.wrong).collect();
    assert!(wrong.is_empty(), "{} faults: {:#?}\n{counts:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
    (verdict, counts)
}

/// No more load: each registration is shown once more, and every move comes to its end.
async fn settle(lab: &mut Lab) -> (Verdict, Counts) {
    lab.work(Work::Nothing).await;
    let still = lab.load.follow(|load, _, _| (load.under_way() == 0).then_some(()));
    tokio::time::timeout(PATIENCE, still).await.expect("every request ends").expect("the UEs are there");
    lab.work(Work::Confirm { under_way: UNDER_WAY }).await;
    let all = lab.load.follow(|load, _, _| (load.unconfirmed() == 0 && load.under_way() == 0).then_some(()));
    let begun = Instant::now();
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        let (_, counts) = lab.told().await;
        panic!("registrations that were acknowledged are refused: {counts:#?}\n{}", lab.logs());
    }
    lab.work(Work::Nothing).await;
    loop {
        let (verdict, counts) = check(lab).await;
        if verdict.untold == 0 && verdict.unreleased == 0 {
            assert!(verdict.astray.is_empty(), "{:#?}", verdict.astray);
            return (verdict, counts);
        }
        assert!(begun.elapsed() < PATIENCE, "moves without an end: {verdict:?}\n{}", lab.logs());
        // The functions go on by themselves, and tell nobody here.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// A process is killed again and again.
async fn killed_again_and_again(what: &str, victim: usize, subnet: u8) {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = random::seed(what);
    let mut random = Random::new(seed);
    let places = Places::on_loopback(subnet);
    let mut lab = Lab::start(folder.path(), places, TIMES, UES, victim, Random::new(seed ^ 1)).await;
    let begun = Instant::now();
    lab.work(Work::Everything { under_way: UNDER_WAY }).await;
    for kill in 1..=kills() {
        let life = LONGEST_LIFE.mul_f64(random.below(10_000) as f64 / 10_000.0);
        tokio::time::sleep(life).await;
        lab.kill(victim);
        lab.spawn(victim);
        if kill % CHECK_EVERY == 0 {
            check(&mut lab).await;
        }
    }
    let (verdict, counts) = settle(&mut lab).await;
    lab.stop().await;
    println!("{what}: {} kills in {:?}; {counts:?}", kills(), begun.elapsed());
    println!(
        "{what}: {} registrations are there, {} ID1s were issued, each once",
        verdict.registrations, verdict.issued
    );
    assert!(counts.registered > UES as u64 / 10 && counts.moved > 0, "there was no load: {counts:?}");
}

// The UEs have a thread of their own, and so do the HSS and the MME.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute: scripts/test kill"]
async fn a_function_killed_at_random_moments_loses_and_doubles_nothing() {
    killed_again_and_again("function", 0, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute: scripts/test kill"]
async fn a_third_function_killed_at_random_moments_loses_and_doubles_nothing() {
    killed_again_and_again("third function", 1, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute: scripts/test kill"]
async fn an_app_server_killed_at_random_moments_loses_and_doubles_nothing() {
    killed_again_and_again("app server", 2, 3).await;
}
