//! What of a context is shown.

use serde_json::{Map, Value, json};

use crate::registration::identifiers::{Imsi, Msisdn, UnixSeconds};
use crate::store::{Stored, UeState};

/// How a context is shown: at which time, and with how much of the subscriber.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lens {
    pub now: UnixSeconds,
    pub clear: bool,
}

impl Lens {
    fn imsi(self, imsi: Imsi) -> String {
        if self.clear { imsi.reveal() } else { imsi.to_string() }
    }

    fn msisdn(self, msisdn: Msisdn) -> String {
        if self.clear { msisdn.reveal() } else { msisdn.to_string() }
    }

    /// A UE in one line.
    pub fn line(self, stored: &Stored) -> Value {
        let context = &stored.context;
        let pending = context.bindings.iter().filter(|binding| binding.update_pending).count();
        json!({
            "imsi": self.imsi(context.imsi),
            "id1": context.id1.id1.to_string(),
            "state": state(&context.state),
            "valid_for": self.now.until(context.id1.valid_until),
            "bindings": context.bindings.len(),
            "updates_pending": pending,
        })
    }

    /// All of a UE.
    pub fn whole(self, stored: &Stored) -> Value {
        let context = &stored.context;
        let grant = |grant: &crate::store::Id1Grant| json!({"id1": grant.id1.to_string(), "valid_for": self.now.until(grant.valid_until)});
        let bindings = context.bindings.iter().map(|binding| {
            json!({
                "application": binding.application,
                "app_server": binding.app_server_host,
                "app_server_realm": binding.app_server_realm,
                "id2": binding.id2.as_str(),
                "bound_at": binding.bound_at.0,
                "update_pending": binding.update_pending,
            })
        });
        let subscription = &context.subscription;
        let allowed = subscription.allowed_plmns.iter().map(|allowed| {
            json!({
                "plmn": allowed.plmn.map(|plmn| plmn.to_string()),
                "discovery_range": allowed.discovery_range,
                "direct_allowed": allowed.direct_allowed,
            })
        });
        let mut shown = json!({
            "imsi": self.imsi(context.imsi),
            "msisdn": context.msisdn.map(|msisdn| self.msisdn(msisdn)),
            "id1": context.id1.id1.to_string(),
            "valid_for": self.now.until(context.id1.valid_until),
            "valid_until": context.id1.valid_until.0,
            "previous_id1": context.previous_id1.iter().map(grant).collect::<Vec<_>>(),
            "subscription": {
                "permission": subscription.permission,
                "allowed_plmns": allowed.collect::<Vec<_>>(),
                "visited_plmn": subscription.visited_plmn.map(|plmn| plmn.to_string()),
                "hss": subscription.hss,
            },
            "bindings": bindings.collect::<Vec<_>>(),
            "version": stored.version.0,
            "forgotten_at": stored.expires_at.map(|at| at.0),
        });
        if let Some(shown) = shown.as_object_mut() {
            place(stored, shown);
        }
        shown
    }

    /// A UE that comes or goes; `None` for one at rest.
    pub fn moving(self, stored: &Stored) -> Option<Value> {
        let context = &stored.context;
        let direction = match (&context.state, &context.moved_from) {
            (UeState::Registered, None) => return None,
            (UeState::Registered, Some(_)) => "in",
            (UeState::Moving { .. } | UeState::Moved { .. }, _) => "out",
        };
        let waiting = context
            .bindings
            .iter()
            .filter(|binding| binding.update_pending)
            .map(|binding| json!({"application": binding.application, "app_server": binding.app_server_host}));
        let mut shown = json!({
            "direction": direction,
            "imsi": self.imsi(context.imsi),
            "id1": context.id1.id1.to_string(),
            "waits_for": waiting.collect::<Vec<_>>(),
        });
        if let Some(shown) = shown.as_object_mut() {
            place(stored, shown);
        }
        Some(shown)
    }
}

const fn state(state: &UeState) -> &'static str {
    match state {
        UeState::Registered => "registered",
        UeState::Moving { .. } => "moving",
        UeState::Moved { .. } => "moved",
    }
}

/// Who has the UE, where it goes, where it came from.
fn place(stored: &Stored, shown: &mut Map<String, Value>) {
    let context = &stored.context;
    shown.insert("state".to_owned(), state(&context.state).into());
    match &context.state {
        UeState::Registered => {}
        UeState::Moving { to, since } => {
            shown.insert("to".to_owned(), to.to_string().into());
            shown.insert("since".to_owned(), since.0.into());
        }
        UeState::Moved { to, forget_after } => {
            shown.insert("to".to_owned(), to.to_string().into());
            shown.insert("forget_after".to_owned(), forget_after.0.into());
        }
    }
    if let Some(from) = &context.moved_from {
        shown.insert("from".to_owned(), from.function.to_string().into());
        shown.insert("old_id1".to_owned(), from.id1.to_string().into());
    }
}
