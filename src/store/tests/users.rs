//! The registrations of an app server's users, the same over every engine.

use super::*;

pub fn registration(application: &str, id2: &str, user: &str, ues: &[u64]) -> UserRegistration {
    let ues = ues.iter().map(|&number| BoundUe {
        id1: id1(number),
        function: "pf1.example".into(),
        realm: "example".into(),
        bound_at: UnixSeconds(1_800_000_000),
    });
    UserRegistration {
        application: application.into(),
        id2: id2.parse().unwrap(),
        user: user.into(),
        ues: ues.collect(),
        epuid: None,
    }
}

pub fn put(registration: &UserRegistration, condition: Condition) -> Write {
    Write::PutUser { registration: Box::new(registration.clone()), condition }
}

fn id2(text: &str) -> Id2 {
    text.parse().unwrap()
}

/// Who is found by each way there is to a registration.
fn found(store: &impl UserReader, application: &str, name: &str, ue: u64) -> [Option<String>; 2] {
    [store.user_named(application, name), store.user_on(application, id1(ue))]
        .map(|found| found.unwrap().map(|stored| stored.registration.id2.to_string()))
}

fn tell(store: &mut (impl ContextStore + UserReader)) {
    let alice = registration("chat", "a1", "alice", &[1, 2]);
    let first = version(one(store, put(&alice, Condition::Absent)));
    assert_eq!(store.user("chat", &id2("a1")).unwrap().unwrap().registration, alice);
    assert_eq!(found(store, "chat", "alice", 2), [Some("a1".into()), Some("a1".into())]);
    assert_eq!(found(store, "chat", "bob", 3), [None, None]);
    assert_eq!(found(store, "games", "alice", 1), [None, None], "another application knows nothing of it");

    // A condition lets one of two writers through, and a user has one ID2.
    let conflict = WriteOutcome::Conflict { found: Some(first) };
    assert_eq!(one(store, put(&alice, Condition::Absent)), conflict);
    assert_eq!(one(store, put(&alice, Condition::Version(Cursor(77)))), conflict);
    assert_eq!(one(store, put(&registration("chat", "a2", "alice", &[3]), Condition::Absent)), conflict);
    let second = version(one(store, put(&alice, Condition::Version(first))));
    assert!(second > first);

    // The same name and UE in another application are somebody else's.
    let games = registration("games", "a1", "alice", &[1]);
    let _ = version(one(store, put(&games, Condition::Absent)));
    assert_eq!(store.user_count(), Ok(2));

    // Bob takes one UE, then the other: whoever is left without any is forgotten.
    let _ = version(one(store, put(&registration("chat", "b1", "bob", &[2]), Condition::Absent)));
    let left = store.user("chat", &id2("a1")).unwrap().unwrap();
    assert_eq!(left.registration.ues.iter().map(|ue| ue.id1).collect::<Vec<_>>(), [id1(1)]);
    assert!(left.version > second, "whoever read it before must read it again");
    let _ = version(one(store, put(&registration("chat", "b1", "bob", &[2, 1]), Condition::Always)));
    assert_eq!((store.user("chat", &id2("a1")), found(store, "chat", "alice", 1)[0].clone()), (Ok(None), None));
    assert_eq!(found(store, "chat", "bob", 1), [Some("b1".into()), Some("b1".into())]);

    // A UE that is let go leads nowhere; a page goes on behind another.
    let _ = version(one(store, put(&registration("chat", "b1", "bob", &[1]), Condition::Always)));
    assert_eq!(found(store, "chat", "bob", 2)[1], None);
    let page = store.users(None, 1).unwrap();
    let rest = store.users(Some((&page[0].registration.application, &page[0].registration.id2)), 9).unwrap();
    let ids = page.iter().chain(&rest).map(|stored| stored.registration.id2.as_str()).collect::<Vec<_>>();
    assert_eq!(ids, ["b1", "a1"]);

    let delete = |condition| Write::DeleteUser { application: "chat".into(), id2: id2("b1"), condition };
    assert!(matches!(one(store, delete(Condition::Version(second))), WriteOutcome::Conflict { .. }));
    assert!(one(store, delete(Condition::Always)).is_done());
    assert_eq!(one(store, delete(Condition::Always)), WriteOutcome::Absent);
    assert_eq!((found(store, "chat", "bob", 1), store.user_count()), ([None, None], Ok(1)));
}

#[test]
fn users_in_memory() {
    tell(&mut MemoryStore::new());
}

#[cfg(feature = "net")]
#[test]
fn users_in_a_file_and_after_it_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let open = || EmbeddedStore::open(folder.path().join("store"), Default::default()).unwrap();
    tell(&mut open());
    let store = open();
    assert_eq!(found(&store.reader(), "games", "alice", 1), [Some("a1".into()), Some("a1".into())]);
}
