//! Figures at full size; nothing is asserted about time. `PROSELINK_UES` says how many UEs.

use super::*;
use crate::store::embedded::Options;
use std::time::Instant;

const PER_COMMIT: u64 = 1000;

/// As an allocator spreads them: neighbours in time are strangers in the index.
fn scattered(number: u64) -> Pduid {
    id1(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24)
}

fn registered(number: u64) -> UeContext {
    let mut context = context(number);
    context.id1 = Id1Grant { id1: scattered(number), valid_until: UnixSeconds(1_800_000_000 + number % 3600) };
    for (application, server) in
        [("chat.example.org", "as1"), ("games.example.org", "as2"), ("maps.example.org", "as3")]
    {
        let mut bound = binding(application, Id2::from_random((u128::from(number) << 64).to_be_bytes()).as_str());
        bound.app_server_host = format!("{server}.{}", bound.app_server_realm).into();
        context.bindings.push(bound);
    }
    context
}

#[test]
#[ignore = "measures for a minute or more; best with --release --nocapture"]
fn registering_looking_up_expiring_and_reopening() {
    let ues: u64 = std::env::var("PROSELINK_UES").ok().and_then(|ues| ues.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut store = EmbeddedStore::open(&path, Options::default()).unwrap();
    let mut lap = Instant::now();
    for from in (0..ues).step_by(PER_COMMIT as usize) {
        let writes: Vec<Write> =
            (from..from + PER_COMMIT).map(|number| put(registered(number), Condition::Absent)).collect();
        assert!(store.apply(&writes).unwrap().iter().all(|outcome| outcome.is_done()));
        let done = from + PER_COMMIT;
        if done == 10_000 || done.is_multiple_of((ues / 4).max(1)) {
            println!("{done} registered, {:?} since the line before", lap.elapsed());
            lap = Instant::now();
        }
    }
    println!("file {} MB", std::fs::metadata(&path).unwrap().len() / 1_000_000);
    let look_up = Instant::now();
    for number in 0..10_000 {
        assert!(store.get_by_id1(scattered(number * 7919 % ues)).unwrap().is_some());
    }
    println!("look up by ID1 {:?}", look_up.elapsed() / 10_000);
    let single = Instant::now();
    for number in 0..100 {
        assert!(one(&mut store, put(registered(number), Condition::Always)).is_done());
    }
    println!("one write a commit {:?}", single.elapsed() / 100);
    let many = Instant::now();
    let writes: Vec<Write> = (0..PER_COMMIT).map(|number| put(registered(number), Condition::Always)).collect();
    assert!(store.apply(&writes).unwrap().iter().all(|outcome| outcome.is_done()));
    println!("{PER_COMMIT} writes a commit, each {:?}", many.elapsed() / PER_COMMIT as u32);
    let expire = Instant::now();
    let due = store.due(UnixSeconds(u64::MAX), PER_COMMIT as usize).unwrap();
    let writes: Vec<Write> =
        due.iter().map(|(_, imsi)| Write::Delete { imsi: *imsi, condition: Condition::Always }).collect();
    assert!(store.apply(&writes).unwrap().iter().all(|outcome| outcome.is_done()));
    println!("expire {PER_COMMIT} in one commit, each {:?}", expire.elapsed() / PER_COMMIT as u32);
    let crashed = folder.path().join("crashed");
    std::fs::copy(&path, &crashed).unwrap();
    drop(store);
    for (what, path, verify) in
        [("closed, verified", &path, true), ("closed, trusted", &path, false), ("crashed, trusted", &crashed, false)]
    {
        let reopen = Instant::now();
        let store = EmbeddedStore::open(path, Options::default().verify(verify)).unwrap();
        assert_eq!(store.count(), Ok(ues - PER_COMMIT));
        println!("reopen, {what} {:?}", reopen.elapsed());
    }
}
