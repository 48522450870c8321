//! What every engine has to do, told once.

use super::*;
use crate::registration::identifiers::{Id1Allocator, Id1Layout, Id1Space, NetworkKey};
use crate::store::memory::Fault;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Runs each story over a new store of each engine.
macro_rules! stories {
    ($($story:ident),* $(,)?) => {
        mod in_memory {
            $(#[test]
            fn $story() {
                super::$story(&mut super::MemoryStore::new());
            })*
        }

        #[cfg(feature = "net")]
        mod in_a_file {
            $(#[test]
            fn $story() {
                let folder = tempfile::tempdir().unwrap();
                super::$story(&mut super::EmbeddedStore::open(folder.path().join("store"), Default::default()).unwrap());
            })*
        }
    };
}

stories![
    a_context_is_found_by_all_its_identifiers,
    a_condition_on_the_version_lets_one_of_two_writers_through,
    a_version_never_comes_twice,
    an_id1_belongs_to_one_ue,
    a_replaced_id1_is_found_as_long_as_it_is_honoured,
    one_user_may_have_two_ues_and_two_applications_the_same_id2,
    writes_of_a_batch_see_the_ones_before_them,
    contexts_expire_in_order,
    a_follower_sees_the_last_change_of_each_context,
    forgotten_deletions_make_old_cursors_unusable,
    all_contexts_are_read_in_pages,
    values_are_kept_beside_the_contexts,
    a_block_of_id1s_is_reserved_once,
];

fn a_context_is_found_by_all_its_identifiers(store: &mut impl ContextStore) {
    let mut context = context(1);
    context.bindings.push(binding("chat.example", "u1"));
    let version = version(one(store, put(context.clone(), Condition::Absent)));
    let stored = Stored { version, expires_at: Some(UnixSeconds(1_800_003_600)), context };
    assert_eq!(store.get(imsi(1)), Ok(Some(stored.clone())));
    assert_eq!(store.get_by_id1(id1(1)), Ok(Some(stored.clone())));
    assert_eq!(store.find_by_id2("chat.example", &"u1".parse().unwrap(), 9), Ok(vec![stored]));
    assert_eq!(store.get(imsi(2)), Ok(None));
    assert_eq!(store.get_by_id1(id1(0)), Ok(None), "a smaller ID1 than any");
    assert_eq!(store.get_by_id1(id1(2)), Ok(None));
    assert_eq!(store.count(), Ok(1));

    let gone = one(store, Write::Delete { imsi: imsi(1), condition: Condition::Version(version) });
    assert!(gone.is_done());
    assert_eq!(store.get(imsi(1)), Ok(None));
    assert_eq!(store.get_by_id1(id1(1)), Ok(None));
    assert_eq!(store.find_by_id2("chat.example", &"u1".parse().unwrap(), 9), Ok(vec![]));
    assert_eq!(store.due(UnixSeconds(u64::MAX), 9), Ok(vec![]));
    assert_eq!(one(store, Write::Delete { imsi: imsi(1), condition: Condition::Always }), WriteOutcome::Absent);
    assert_eq!(store.count(), Ok(0));
}

fn a_condition_on_the_version_lets_one_of_two_writers_through(store: &mut impl ContextStore) {
    let read = version(one(store, put(context(1), Condition::Absent)));
    let first = version(one(store, put(context(1), Condition::Version(read))));
    let conflict = WriteOutcome::Conflict { found: Some(first) };
    assert_eq!(one(store, put(context(1), Condition::Version(read))), conflict);
    assert_eq!(one(store, put(context(1), Condition::Absent)), conflict);
    assert_eq!(one(store, Write::Delete { imsi: imsi(1), condition: Condition::Version(read) }), conflict);
    let nobody = WriteOutcome::Conflict { found: None };
    assert_eq!(one(store, put(context(2), Condition::Version(read))), nobody);
    assert_eq!(store.cursor(), Ok(first), "what was refused changed nothing");
}

fn a_version_never_comes_twice(store: &mut impl ContextStore) {
    let old = version(one(store, put(context(1), Condition::Absent)));
    assert!(one(store, Write::Delete { imsi: imsi(1), condition: Condition::Always }).is_done());
    let new = version(one(store, put(context(1), Condition::Absent)));
    assert!(new > old);
    assert_eq!(one(store, put(context(1), Condition::Version(old))), WriteOutcome::Conflict { found: Some(new) });
}

fn an_id1_belongs_to_one_ue(store: &mut impl ContextStore) {
    assert!(one(store, put(context(1), Condition::Absent)).is_done());
    let mut thief = context(2);
    thief.id1.id1 = id1(1);
    assert_eq!(one(store, put(thief.clone(), Condition::Absent)), WriteOutcome::Id1Taken { id1: id1(1), by: imsi(1) });
    assert_eq!(store.get(imsi(2)), Ok(None));
    assert!(one(store, Write::Delete { imsi: imsi(1), condition: Condition::Always }).is_done());
    assert!(one(store, put(thief, Condition::Absent)).is_done());
}

fn a_replaced_id1_is_found_as_long_as_it_is_honoured(store: &mut impl ContextStore) {
    assert!(one(store, put(context(1), Condition::Absent)).is_done());
    let mut renewed = context(1);
    renewed.previous_id1 = vec![renewed.id1];
    renewed.id1 = Id1Grant { id1: id1(77), valid_until: UnixSeconds(1_800_007_200) };
    assert!(one(store, put(renewed.clone(), Condition::Always)).is_done());
    for honoured in [id1(1), id1(77)] {
        let found = store.get_by_id1(honoured).unwrap().unwrap();
        assert_eq!(found.context.grant(honoured).unwrap().id1, honoured);
    }
    renewed.previous_id1.clear();
    assert!(one(store, put(renewed, Condition::Always)).is_done());
    assert_eq!(store.get_by_id1(id1(1)), Ok(None));
    assert!(store.get_by_id1(id1(77)).unwrap().is_some());
}

fn one_user_may_have_two_ues_and_two_applications_the_same_id2(store: &mut impl ContextStore) {
    for number in [1, 2] {
        let mut context = context(number);
        context.bindings.push(binding("chat.example", "alice"));
        assert!(one(store, put(context, Condition::Absent)).is_done());
    }
    let mut other = context(3);
    other.bindings.push(binding("games.example", "alice"));
    assert!(one(store, put(other, Condition::Absent)).is_done());
    let alice = "alice".parse().unwrap();
    let of = |application, limit| -> Vec<Imsi> {
        let found = store.find_by_id2(application, &alice, limit).unwrap();
        found.iter().map(|stored| stored.context.imsi).collect()
    };
    assert_eq!(of("chat.example", 9), [imsi(1), imsi(2)]);
    assert_eq!(of("chat.example", 1), [imsi(1)]);
    assert_eq!(of("games.example", 9), [imsi(3)]);
    assert!(of("maps.example", 9).is_empty());
}

fn writes_of_a_batch_see_the_ones_before_them(store: &mut impl ContextStore) {
    let outcomes = store
        .apply(&[
            put(context(1), Condition::Absent),
            put(context(1), Condition::Absent),
            Write::Delete { imsi: imsi(1), condition: Condition::Always },
            put(context(1), Condition::Absent),
            Write::PutValue { key: "k".into(), value: vec![1], expected: Some(None) },
            Write::PutValue { key: "k".into(), value: vec![2], expected: Some(None) },
        ])
        .unwrap();
    let done = outcomes.iter().map(|outcome| outcome.is_done()).collect::<Vec<_>>();
    assert_eq!(done, [true, false, true, true, true, false]);
    assert_eq!(store.get(imsi(1)).unwrap().unwrap().version, Cursor(3));
    assert_eq!(store.apply(&[]), Ok(vec![]));
}

fn contexts_expire_in_order(store: &mut impl ContextStore) {
    for (number, at) in [(1, 30), (2, 10), (3, 20)] {
        let write = Write::Put {
            context: Box::new(context(number)),
            expires_at: Some(UnixSeconds(at)),
            condition: Condition::Absent,
        };
        assert!(one(store, write).is_done());
    }
    let forever = Write::Put { context: Box::new(context(4)), expires_at: None, condition: Condition::Absent };
    assert!(one(store, forever).is_done());
    let due = |now, limit| -> Vec<(u64, Imsi)> {
        let due = store.due(UnixSeconds(now), limit).unwrap();
        due.into_iter().map(|(at, imsi)| (at.0, imsi)).collect()
    };
    assert_eq!(due(9, 9), []);
    assert_eq!(due(20, 9), [(10, imsi(2)), (20, imsi(3))]);
    assert_eq!(due(u64::MAX, 9).len(), 3);
    assert_eq!(due(u64::MAX, 1), [(10, imsi(2))]);
    // A renewal takes the old entry away.
    let later =
        Write::Put { context: Box::new(context(2)), expires_at: Some(UnixSeconds(40)), condition: Condition::Always };
    assert!(one(store, later).is_done());
    assert_eq!(store.due(UnixSeconds(25), 9), Ok(vec![(UnixSeconds(20), imsi(3))]));
}

fn changes(store: &impl ContextReader, after: u64, limit: usize) -> Vec<(u64, Imsi, ChangeKind)> {
    let changes = store.changes(Cursor(after), limit).unwrap();
    changes.into_iter().map(|change| (change.cursor.0, change.imsi, change.kind)).collect()
}

fn a_follower_sees_the_last_change_of_each_context(store: &mut impl ContextStore) {
    for number in [1, 2, 1, 3] {
        assert!(one(store, put(context(number), Condition::Always)).is_done());
    }
    assert!(one(store, Write::Delete { imsi: imsi(2), condition: Condition::Always }).is_done());
    let all = [(3, imsi(1), ChangeKind::Put), (4, imsi(3), ChangeKind::Put), (5, imsi(2), ChangeKind::Deleted)];
    assert_eq!(changes(store, 0, 9), all);
    assert_eq!(changes(store, 3, 9), all[1..]);
    assert_eq!(changes(store, 3, 1), all[1..2]);
    assert_eq!(changes(store, 5, 9), []);
    assert_eq!(changes(store, u64::MAX, 9), []);
    assert_eq!(store.cursor(), Ok(Cursor(5)));
}

fn forgotten_deletions_make_old_cursors_unusable(store: &mut impl ContextStore) {
    for number in 1..=3 {
        assert!(one(store, put(context(number), Condition::Always)).is_done());
    }
    for number in 1..=2 {
        assert!(one(store, Write::Delete { imsi: imsi(number), condition: Condition::Always }).is_done());
    }
    assert!(one(store, Write::TrimDeletions { through: Cursor(4) }).is_done());
    let too_old = StoreError::CursorTooOld { after: Cursor(3), oldest: Cursor(4) };
    assert_eq!(store.changes(Cursor(3), 9), Err(too_old));
    assert_eq!(changes(store, 4, 9), [(5, imsi(2), ChangeKind::Deleted)]);
    let from_nothing = [(3, imsi(3), ChangeKind::Put), (5, imsi(2), ChangeKind::Deleted)];
    assert_eq!(changes(store, 0, 9), from_nothing, "a follower that has nothing misses nothing");
}

fn all_contexts_are_read_in_pages(store: &mut impl ContextStore) {
    let writes: Vec<Write> = (0..10).map(|number| put(context(number), Condition::Absent)).collect();
    assert!(store.apply(&writes).unwrap().iter().all(|outcome| outcome.is_done()));
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.contexts(after, 4).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.context.imsi);
        seen.extend(page.iter().map(|stored| stored.context.imsi));
    }
    assert_eq!(seen, (0..10).map(imsi).collect::<Vec<_>>());
}

fn values_are_kept_beside_the_contexts(store: &mut impl ContextStore) {
    let set = |key: &str, value: &[u8], expected| Write::PutValue { key: key.into(), value: value.into(), expected };
    for (key, value) in [("a/1", b"one"), ("a/2", b"two"), ("b/1", b"six")] {
        assert!(one(store, set(key, value, None)).is_done());
    }
    assert_eq!(store.value("a/2"), Ok(Some(b"two".to_vec())));
    assert_eq!(store.value("a/3"), Ok(None));
    let keys = |prefix, after, limit| -> Vec<String> {
        store.values(prefix, after, limit).unwrap().into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(keys("a/", None, 9), ["a/1", "a/2"]);
    assert_eq!(keys("a/", Some("a/1"), 9), ["a/2"]);
    assert_eq!(keys("", None, 2), ["a/1", "a/2"]);
    assert_eq!(one(store, set("a/1", b"x", Some(Some(b"two".to_vec())))), WriteOutcome::ValueConflict);
    assert!(one(store, set("a/1", b"x", Some(Some(b"one".to_vec())))).is_done());
    assert!(one(store, Write::DeleteValue { key: "a/1".into() }).is_done());
    assert_eq!(one(store, Write::DeleteValue { key: "a/1".into() }), WriteOutcome::Absent);
    assert_eq!(store.cursor(), Ok(Cursor(0)), "values are not part of the contexts' history");
}

fn a_block_of_id1s_is_reserved_once(store: &mut impl ContextStore) {
    let space = || Id1Space::new("001-01".parse().unwrap(), &NetworkKey([7; 16]), Id1Layout::default());
    assert_eq!(next_block(store, 5), Ok(0));
    let mut first = Id1Allocator::resume(space(), 5, 0).unwrap();
    let second = Id1Allocator::resume(space(), 5, 0).unwrap();
    let reservation = first.reservation().unwrap();
    assert!(one(store, reserve(reservation)).is_done());
    first.reserved(reservation);
    assert!(first.allocate().is_ok());
    // Two functions started with one number by mistake: the second is told, and does not allocate.
    assert_eq!(one(store, reserve(second.reservation().unwrap())), WriteOutcome::ValueConflict);
    assert_eq!(next_block(store, 5), Ok(1));
    assert_eq!(next_block(store, 6), Ok(0));
    let restarted = Id1Allocator::resume(space(), 5, 1).unwrap();
    assert!(one(store, reserve(restarted.reservation().unwrap())).is_done());
}

#[test]
fn faults_on_order_change_nothing_or_everything() {
    let mut store = MemoryStore::new();
    store.inject(1, Fault::Full);
    store.inject(2, Fault::CrashBefore);
    assert_eq!(store.apply(&[put(context(1), Condition::Absent)]), Err(StoreError::Full));
    assert_eq!(store.get(imsi(1)), Ok(None));
    assert_eq!(store.apply(&[put(context(1), Condition::Absent)]), Err(StoreError::Closed));
    assert_eq!(store.get(imsi(1)), Err(StoreError::Closed));
    store.restart();
    assert_eq!(store.get(imsi(1)), Ok(None));
    store.inject(1, Fault::CrashAfter);
    assert_eq!(store.apply(&[put(context(1), Condition::Absent)]), Err(StoreError::Closed));
    store.restart();
    assert!(store.get(imsi(1)).unwrap().is_some());
    store.inject(1, Fault::Refused);
    assert!(matches!(store.apply(&[]), Err(StoreError::Io { .. })));
}

/// One step of a random history.
fn step() -> impl Strategy<Value = Write> {
    let condition = prop_oneof![
        Just(Condition::Always),
        Just(Condition::Absent),
        (0u64..9).prop_map(|v| Condition::Version(Cursor(v)))
    ];
    let write = (0u64..4, 0u64..6, proptest::option::of(0u64..5), "[ab]?", condition.clone());
    let ues = proptest::collection::btree_set(0u64..4, 0..3).prop_map(|ues| ues.into_iter().collect::<Vec<_>>());
    let user = ("(chat|games)", "[ab]", "[xy]", ues, condition.clone());
    prop_oneof![
        4 => write.prop_map(|(number, temporary, expires, user, condition)| {
            let mut context = context(number);
            context.id1.id1 = id1(temporary);
            if !user.is_empty() {
                context.bindings.push(binding("chat.example", &user));
            }
            Write::Put { context: Box::new(context), expires_at: expires.map(UnixSeconds), condition }
        }),
        1 => (0u64..4, condition.clone()).prop_map(|(number, condition)| Write::Delete { imsi: imsi(number), condition }),
        3 => user.prop_map(|(application, id2, user, ues, condition)| {
            let registration = super::users::registration(&application, &id2, &user, &ues);
            Write::PutUser { registration: Box::new(registration), condition }
        }),
        1 => ("(chat|games)", "[ab]", condition).prop_map(|(application, id2, condition)| {
            Write::DeleteUser { application: application.into(), id2: id2.parse().unwrap(), condition }
        }),
        1 => (0u64..20).prop_map(|through| Write::TrimDeletions { through: Cursor(through) }),
    ]
}

/// What a check finds, but for contexts that never expire, which the histories below make.
#[cfg(feature = "net")]
fn misfits(path: &std::path::Path) -> Vec<crate::store::embedded::Inconsistency> {
    let found = crate::store::embedded::check(path).unwrap().inconsistencies;
    found.into_iter().filter(|misfit| misfit.what != "it never expires").collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A file says what memory says after the same history, and says it still when it is opened anew; all of it fits, and
    /// its export makes it again.
    #[cfg(feature = "net")]
    #[test]
    fn both_engines_agree_and_a_restart_changes_nothing(
        history in proptest::collection::vec(step(), 0..30),
        restart in 0usize..30,
    ) {
        use super::durability::{content, open};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let mut memory = MemoryStore::new();
        let mut file = Some(open(&path).unwrap());
        for (place, writes) in history.chunks(3).enumerate() {
            if place == restart / 3 {
                drop(file.take());
                file = Some(open(&path).unwrap());
            }
            let file = file.as_mut().unwrap();
            prop_assert_eq!(file.apply(writes), memory.apply(writes));
            prop_assert_eq!(content(file), content(&memory));
        }
        drop(file);
        prop_assert_eq!(misfits(&path), []);
        let store = open(&path).unwrap();
        prop_assert_eq!(content(&store), content(&memory));
        let (mut text, copy) = (Vec::new(), folder.path().join("copy"));
        crate::store::embedded::export(&store.reader(), &mut text).unwrap();
        crate::store::embedded::import(&copy, &mut text.as_slice(), 0).unwrap();
        prop_assert_eq!(misfits(&copy), []);
        prop_assert_eq!(content(&open(&copy).unwrap()), content(&memory));
    }

    /// After any history the indexes say what a scan of all contexts says, no more and no less.
    #[test]
    fn indexes_never_part_from_the_contexts(history in proptest::collection::vec(step(), 0..40), batch in 1usize..5) {
        let mut store = MemoryStore::new();
        for writes in history.chunks(batch) {
            store.apply(writes).unwrap();
        }
        let all = store.contexts(None, usize::MAX).unwrap();
        let mut owners = BTreeMap::new();
        for stored in &all {
            for grant in stored.context.grants() {
                prop_assert_eq!(owners.insert(grant.id1, stored.context.imsi), None);
            }
            prop_assert_eq!(store.get(stored.context.imsi).unwrap(), Some(stored.clone()));
        }
        for temporary in 0..6 {
            let found = store.get_by_id1(id1(temporary)).unwrap();
            prop_assert_eq!(found.map(|stored| stored.context.imsi), owners.get(&id1(temporary)).copied());
        }
        for user in ["a", "b"] {
            let expected: Vec<_> =
                all.iter().filter(|stored| stored.context.bindings.iter().any(|bound| bound.id2.as_str() == user)).cloned().collect();
            prop_assert_eq!(store.find_by_id2("chat.example", &user.parse().unwrap(), 99).unwrap(), expected);
        }
        let mut expected: Vec<_> =
            all.iter().filter_map(|stored| Some((stored.expires_at?, stored.context.imsi))).collect();
        expected.sort();
        prop_assert_eq!(store.due(UnixSeconds(u64::MAX), 99).unwrap(), expected);
        let mut expected: Vec<_> = all.iter().map(|stored| (stored.version, stored.context.imsi)).collect();
        expected.sort();
        let puts = store.changes(Cursor::START, 99).unwrap().into_iter().filter(|change| change.kind == ChangeKind::Put);
        prop_assert_eq!(puts.map(|change| (change.cursor, change.imsi)).collect::<Vec<_>>(), expected);
    }
}
