//! One set of stories for every engine, and what only a file on disk can go through.

mod contract;
#[cfg(feature = "net")]
#[allow(unsafe_code, reason = "a full disk is played by a limit of the process")]
mod durability;
#[cfg(feature = "net")]
mod scale;
#[cfg(feature = "net")]
mod transfer;
mod users;

use super::*;
use crate::registration::identifiers::PlmnId;

pub fn imsi(number: u64) -> Imsi {
    format!("00101{number:010}").parse().unwrap()
}

pub fn id1(number: u64) -> Pduid {
    let plmn: PlmnId = "001-01".parse().unwrap();
    Pduid::new(plmn, number)
}

pub fn binding(application: &str, id2: &str) -> Binding {
    Binding {
        application: application.into(),
        app_server_host: "as1.epc.mnc001.mcc001.3gppnetwork.org".into(),
        app_server_realm: "epc.mnc001.mcc001.3gppnetwork.org".into(),
        id2: id2.parse().unwrap(),
        bound_at: UnixSeconds(1_800_000_000),
        update_pending: false,
    }
}

/// A UE that has its ID1 and is bound nowhere.
pub fn context(number: u64) -> UeContext {
    UeContext {
        imsi: imsi(number),
        msisdn: Some(format!("4917{number:08}").parse().unwrap()),
        id1: Id1Grant { id1: id1(number), valid_until: UnixSeconds(1_800_003_600) },
        previous_id1: Vec::new(),
        subscription: Subscription {
            permission: 3,
            allowed_plmns: vec![AllowedPlmn {
                plmn: "001-01".parse().ok(),
                discovery_range: Some(2),
                direct_allowed: Some(7),
            }],
            ..Subscription::default()
        },
        bindings: Vec::new(),
        state: UeState::Registered,
        moved_from: None,
    }
}

pub fn stored_with_three_applications() -> Stored {
    let mut context = context(1);
    for application in ["chat.example.org", "games.example.org", "transport.example.org"] {
        context.bindings.push(binding(application, "abcdefghijklmnopqrstuvwxyz"));
    }
    Stored { version: Cursor(1), expires_at: Some(UnixSeconds(1_800_003_600)), context }
}

pub fn put(context: UeContext, condition: Condition) -> Write {
    let expires_at = Some(context.id1.valid_until);
    Write::Put { context: Box::new(context), expires_at, condition }
}

/// Applies one write.
pub fn one(store: &mut impl ContextStore, write: Write) -> WriteOutcome {
    match *store.apply(&[write]).unwrap() {
        [outcome] => outcome,
        ref outcomes => panic!("one write, {} outcomes", outcomes.len()),
    }
}

pub fn version(outcome: WriteOutcome) -> Cursor {
    match outcome {
        WriteOutcome::Done { version } => version,
        other => panic!("{other:?}"),
    }
}
