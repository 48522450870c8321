//! What must hold after any number of deaths: the stores, read when nobody has them open, beside what the UEs were told.
//!
//! - Every registration that was answered with success stands at the function that owns the UE.
//! - None is doubled: an application once a UE, an ID2 at one UE, an ID1 in one context of a store.
//! - Every ID1 that was issued was issued once, and lies in a block that its function has on disk as taken.
//! - Every UE with an ID1 has exactly one owner.
//! - An app server has the ID2 of every registration that was answered with success, for its user alone; and once no move
//!   is under way, by the ID1 and the function that the UE has.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use proselink::registration::identifiers::{FunctionAddress, Id1Layout, Id1Space, Imsi, NetworkKey, Pduid};
use proselink::store::embedded::{EmbeddedStore, Options};
use proselink::store::{self, ContextReader as _, UeContext, UeState, UserReader as _, UserRegistration};

use crate::lab::{NETWORK_KEY, PLMN};
use crate::load::Account;

/// What a function's store holds.
pub struct Held {
    host: String,
    contexts: BTreeMap<Imsi, UeContext>,
    next_blocks: [u64; 2],
}

/// Reads a store as the function would after a crash.
pub fn read(path: &Path, host: &str) -> Held {
    let store = EmbeddedStore::open(path, Options::default().create(false)).unwrap_or_else(|error| panic!("{error}"));
    let mut contexts = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store.contexts(after, 4096).unwrap_or_else(|error| panic!("{error}"));
        let Some(last) = page.last() else { break };
        after = Some(last.context.imsi);
        contexts.extend(page.into_iter().map(|stored| (stored.context.imsi, stored.context)));
    }
    let next_blocks = [0, 1].map(|allocator| store::next_block(&store, allocator).expect("the block can be read"));
    Held { host: host.to_owned(), contexts, next_blocks }
}

/// What an app server's store holds, by user.
pub type Users = BTreeMap<String, UserRegistration>;

/// Reads the store of an app server.
pub fn read_users(path: &Path) -> Users {
    let store = EmbeddedStore::open(path, Options::default().create(false)).unwrap_or_else(|error| panic!("{error}"));
    let reader = store.reader();
    let (mut users, mut after) = (Users::new(), None::<UserRegistration>);
    loop {
        let from = after.as_ref().map(|last| (&*last.application, &last.id2));
        let page = reader.users(from, 4096).unwrap_or_else(|error| panic!("{error}"));
        let Some(last) = page.last() else { return users };
        after = Some(last.registration.clone());
        for stored in page {
            let before = users.insert(stored.registration.user.to_string(), stored.registration);
            assert_eq!(before, None, "a user is registered twice");
        }
    }
}

/// All stores of a lab.
pub struct Stores {
    pub functions: [Held; 2],
    pub app_servers: Vec<Users>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What must not be.
    pub wrong: Vec<String>,
    /// Registrations that an app server follows by another ID1 or to another function than the UE has.
    pub astray: Vec<String>,
    /// App servers that some function has still to tell of a move.
    pub untold: usize,
    /// UEs whose old function has not been told that they have gone.
    pub unreleased: usize,
    /// Registrations that were acknowledged and are there.
    pub registrations: usize,
    /// Different ID1s that UEs were given.
    pub issued: usize,
}

/// Judges the stores against what the UEs were told. `applications` are those of [`Account::acknowledged`], in its order.
pub fn judge(stores: &Stores, accounts: &[Account], applications: &[String]) -> Verdict {
    let Stores { functions: stores, app_servers } = stores;
    let mut verdict = Verdict::default();
    once(stores, &mut verdict);
    issued(stores, accounts, &mut verdict);
    for (number, account) in accounts.iter().enumerate() {
        let of_ue = [0, 1].map(|at: usize| stores[at].contexts.get(&account.imsi));
        if account.held.is_none() {
            continue;
        }
        let owner = match owner(stores, of_ue) {
            Ok(at) => at,
            Err(why) => {
                verdict.wrong.push(format!("UE {number}: {why}; it holds {:?}", account.held));
                continue;
            }
        };
        let Some(context) = of_ue[owner] else { continue };
        verdict.untold += context.bindings.iter().filter(|binding| binding.update_pending).count();
        let other = of_ue[1 - owner];
        verdict.unreleased += usize::from(other.is_some_and(|other| matches!(other.state, UeState::Moving { .. })));
        for ((application, id2), users) in applications.iter().zip(&account.acknowledged).zip(app_servers) {
            let Some(id2) = id2 else { continue };
            let known = users.get(&account.user);
            if known.is_none_or(|known| known.id2.as_str() != id2) {
                let found = known.map(|known| known.id2.as_str());
                verdict.wrong.push(format!("UE {number}: {id2} was acknowledged, its app server knows {found:?}"));
            }
            // Which ID1 the app server has is certain when it owes no answer to a U1.
            let told = context.binding(application).is_some_and(|binding| !binding.update_pending);
            let follows = known.is_some_and(|known| {
                known.ues.iter().any(|ue| ue.id1 == context.id1.id1 && *ue.function == stores[owner].host)
            });
            if told && !follows && context.state == UeState::Registered {
                verdict.astray.push(format!("UE {number}: {} at the function, {known:?}", context.id1.id1));
            }
            match context.binding(application) {
                Some(binding) if binding.id2.as_str() == id2 => verdict.registrations += 1,
                found => verdict.wrong.push(format!(
                    "UE {number}: {id2} of {application} was acknowledged, {} has {:?} ({:?}), the other {other:?}",
                    stores[owner].host,
                    found.map(|binding| binding.id2.as_str()),
                    context.state,
                )),
            }
        }
    }
    verdict
}

/// The one function that owns a UE.
fn owner(stores: &[Held; 2], of_ue: [Option<&UeContext>; 2]) -> Result<usize, String> {
    let is = |at: usize, to: &FunctionAddress| to.fqdn().is_some_and(|name| name.as_str() == stores[at].host);
    let states = of_ue.map(|context| context.map(|context| &context.state));
    let none = || Err(format!("nobody owns it: {of_ue:?}"));
    match states {
        [Some(UeState::Registered), Some(UeState::Registered)] => Err("both functions own it".to_owned()),
        [Some(UeState::Registered), _] => Ok(0),
        [_, Some(UeState::Registered)] => Ok(1),
        // Handed out and not taken yet: it is the old function's still.
        [Some(UeState::Moving { to: to_second, .. }), Some(UeState::Moving { to: to_first, .. })] => {
            if !is(1, to_second) || !is(0, to_first) {
                return none();
            }
            // The later of the two has taken the UE over with the ID1 of the earlier.
            let knows = |at: usize| match (of_ue[at], of_ue[1 - at]) {
                (Some(this), Some(other)) => this.previous_id1.iter().any(|grant| grant.id1 == other.id1.id1),
                _ => false,
            };
            match (knows(0), knows(1)) {
                (true, false) => Ok(0),
                (false, true) => Ok(1),
                _ => none(),
            }
        }
        [Some(UeState::Moving { .. }), _] => Ok(0),
        [_, Some(UeState::Moving { .. })] => Ok(1),
        _ => none(),
    }
}

/// An ID1 in one context, an ID2 at one UE, an application once in a context.
fn once(stores: &[Held; 2], verdict: &mut Verdict) {
    let mut of_id2: HashMap<(&str, &str), Imsi> = HashMap::new();
    let mut present: HashMap<Pduid, Imsi> = HashMap::new();
    for (store, context) in stores.iter().flat_map(|store| store.contexts.values().map(move |context| (store, context)))
    {
        let (imsi, host) = (context.imsi, &store.host);
        for grant in context.grants() {
            if *present.entry(grant.id1).or_insert(imsi) != imsi {
                verdict.wrong.push(format!("ID1 {} stands for two UEs, seen at {host}", grant.id1));
            }
        }
        let mut applications = HashSet::new();
        for binding in &context.bindings {
            if !applications.insert(&*binding.application) {
                verdict.wrong.push(format!("{imsi} is bound twice in {} at {host}", binding.application));
            }
            if *of_id2.entry((&*binding.application, binding.id2.as_str())).or_insert(imsi) != imsi {
                verdict.wrong.push(format!("ID2 {} is of two UEs, seen at {host}", binding.id2));
            }
        }
    }
}

/// Each ID1 given out once, by the function that its number names, from a block that is taken on disk.
fn issued(stores: &[Held; 2], accounts: &[Account], verdict: &mut Verdict) {
    let space = Id1Space::new(PLMN.parse().expect("a PLMN"), &NetworkKey(NETWORK_KEY), Id1Layout::default());
    let mut seen = HashMap::new();
    for (number, account) in accounts.iter().enumerate() {
        for held in &account.issued {
            if let Some(before) = seen.insert(held.id1, number) {
                verdict.wrong.push(format!("ID1 {} was issued to UE {before} and again to UE {number}", held.id1));
            }
            let Some(origin) = space.origin(held.id1) else {
                verdict.wrong.push(format!("ID1 {} is of no function", held.id1));
                continue;
            };
            let at = usize::from(origin.allocator).min(1);
            if stores[at].host != held.id3 || origin.block >= stores[at].next_blocks[at] {
                verdict
                    .wrong
                    .push(format!("ID1 {} of {} is from block {}, not taken", held.id1, held.id3, origin.block));
            }
        }
    }
    verdict.issued = seen.len();
}
