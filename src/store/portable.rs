//! A store as text, an object a line (NDJSON): for backups, and for moving between versions and machines.
//!
//! ```text
//! {"proselink_store":1,"schema":2,"cursor":8,"horizon":0}
//! {"context":{"version":8,"expires_at":1800086400,"imsi":"001010000000001",...}}
//! {"user":{"version":7,"application":"chat.example","id2":"a1","user":"alice","ues":[...],"epuid":null}}
//! {"value":{"key":"id1/block/1","octets":"0000000000000004"}}
//! {"deleted":{"cursor":5,"imsi":"001010000000002"}}
//! {"end":{"contexts":1,"users":1,"values":1,"deletions":1}}
//! ```
//! The first line says what follows, the last that nothing is missing. Identifiers are in clear: it is a complete copy.

use super::context::{AllowedPlmn, Binding, Id1Grant, MovedFrom, Subscription, UeContext, UeState};
use super::user::{BoundUe, Epuid, StoredUser, UserRegistration};
use super::{Cursor, Stored};
use crate::registration::identifiers::UnixSeconds;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

/// Of the lines.
pub(super) const FORMAT: u64 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Line {
    Header(Header),
    Context { context: Box<Context> },
    User { user: Box<User> },
    Value { value: Value },
    Deleted { deleted: Deletion },
    End { end: Counts },
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) proselink_store: u64,
    /// Of the store that was exported, for people.
    pub(super) schema: u64,
    pub(super) cursor: u64,
    pub(super) horizon: u64,
}

/// A value beside the contexts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Value {
    pub(super) key: String,
    octets: String,
}

/// A deletion that is not yet forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deletion {
    pub(super) cursor: u64,
    pub(super) imsi: String,
}

/// How many records of each kind a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// UE contexts of a function.
    pub contexts: u64,
    /// Registrations of an app server.
    pub users: u64,
    pub values: u64,
    pub deletions: u64,
}

/// Why a line is not what it should be. No identifier is quoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    #[error("it is no record of a store: {0}")]
    Json(String),
    #[error("{what} is not one")]
    Field { what: &'static str },
}

impl Value {
    pub(super) fn new(key: String, octets: &[u8]) -> Self {
        Value { key, octets: HEXLOWER.encode(octets) }
    }

    pub(super) fn octets(&self) -> Result<Vec<u8>, LineFault> {
        octets(&self.octets, "the octets of a value")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Context {
    version: u64,
    expires_at: Option<u64>,
    imsi: String,
    msisdn: Option<String>,
    id1: Grant,
    previous_id1: Vec<Grant>,
    subscription: PortableSubscription,
    bindings: Vec<PortableBinding>,
    state: State,
    moved_from: Option<From>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    id1: String,
    valid_until: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortableSubscription {
    permission: u32,
    allowed_plmns: Vec<Allowed>,
    visited_plmn: Option<String>,
    hss: Option<String>,
    reset_ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    plmn: Option<String>,
    discovery_range: Option<u32>,
    direct_allowed: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortableBinding {
    application: String,
    app_server_host: String,
    app_server_realm: String,
    id2: String,
    bound_at: u64,
    update_pending: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum State {
    Registered,
    Moving { to: String, since: u64 },
    Moved { to: String, forget_after: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    id1: String,
    function: String,
}

/// The registration of an app server's user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    version: u64,
    application: String,
    id2: String,
    user: String,
    ues: Vec<PortableUe>,
    epuid: Option<PortableEpuid>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortableUe {
    id1: String,
    function: String,
    realm: String,
    bound_at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortableEpuid {
    epuid: String,
    function: String,
}

// Into text. Every member is named, so that one that is new cannot be left out of a backup. -----------------------------

impl Context {
    pub(super) fn of(stored: &Stored) -> Self {
        let Stored { version, expires_at, context } = stored;
        let UeContext { imsi, msisdn, id1, previous_id1, subscription, bindings, state, moved_from } = context;
        Context {
            version: version.0,
            expires_at: expires_at.map(|at| at.0),
            imsi: imsi.reveal(),
            msisdn: msisdn.map(|msisdn| msisdn.reveal()),
            id1: Grant::of(id1),
            previous_id1: previous_id1.iter().map(Grant::of).collect(),
            subscription: PortableSubscription::of(subscription),
            bindings: bindings.iter().map(PortableBinding::of).collect(),
            state: match state {
                UeState::Registered => State::Registered,
                UeState::Moving { to, since } => State::Moving { to: to.to_string(), since: since.0 },
                UeState::Moved { to, forget_after } => {
                    State::Moved { to: to.to_string(), forget_after: forget_after.0 }
                }
            },
            moved_from: moved_from
                .as_ref()
                .map(|MovedFrom { id1, function }| From { id1: id1.to_string(), function: function.to_string() }),
        }
    }

    /// # Errors
    /// A member is not what its name says.
    pub(super) fn stored(&self) -> Result<Stored, LineFault> {
        Ok(Stored {
            version: Cursor(self.version),
            expires_at: self.expires_at.map(UnixSeconds),
            context: UeContext {
                imsi: parsed(&self.imsi, "an IMSI")?,
                msisdn: self.msisdn.as_ref().map(|msisdn| parsed(msisdn, "an MSISDN")).transpose()?,
                id1: self.id1.grant()?,
                previous_id1: self.previous_id1.iter().map(Grant::grant).collect::<Result<_, _>>()?,
                subscription: self.subscription.subscription()?,
                bindings: self.bindings.iter().map(PortableBinding::binding).collect::<Result<_, _>>()?,
                state: match &self.state {
                    State::Registered => UeState::Registered,
                    State::Moving { to, since } => {
                        UeState::Moving { to: parsed(to, "the address of a function")?, since: UnixSeconds(*since) }
                    }
                    State::Moved { to, forget_after } => UeState::Moved {
                        to: parsed(to, "the address of a function")?,
                        forget_after: UnixSeconds(*forget_after),
                    },
                },
                moved_from: match &self.moved_from {
                    None => None,
                    Some(From { id1, function }) => Some(MovedFrom {
                        id1: parsed(id1, "an ID1")?,
                        function: parsed(function, "the address of a function")?,
                    }),
                },
            },
        })
    }
}

impl Grant {
    fn of(grant: &Id1Grant) -> Self {
        let Id1Grant { id1, valid_until } = grant;
        Grant { id1: id1.to_string(), valid_until: valid_until.0 }
    }

    fn grant(&self) -> Result<Id1Grant, LineFault> {
        Ok(Id1Grant { id1: parsed(&self.id1, "an ID1")?, valid_until: UnixSeconds(self.valid_until) })
    }
}

impl PortableSubscription {
    fn of(subscription: &Subscription) -> Self {
        let Subscription { permission, allowed_plmns, visited_plmn, hss, reset_ids } = subscription;
        PortableSubscription {
            permission: *permission,
            allowed_plmns: allowed_plmns
                .iter()
                .map(|AllowedPlmn { plmn, discovery_range, direct_allowed }| Allowed {
                    plmn: plmn.map(|plmn| plmn.to_string()),
                    discovery_range: *discovery_range,
                    direct_allowed: *direct_allowed,
                })
                .collect(),
            visited_plmn: visited_plmn.map(|plmn| plmn.to_string()),
            hss: hss.as_deref().map(str::to_owned),
            reset_ids: reset_ids.iter().map(|id| HEXLOWER.encode(id)).collect(),
        }
    }

    fn subscription(&self) -> Result<Subscription, LineFault> {
        let plmn = |plmn: &Option<String>| plmn.as_ref().map(|plmn| parsed(plmn, "a PLMN")).transpose();
        Ok(Subscription {
            permission: self.permission,
            allowed_plmns: (self.allowed_plmns.iter())
                .map(|allowed| {
                    Ok(AllowedPlmn {
                        plmn: plmn(&allowed.plmn)?,
                        discovery_range: allowed.discovery_range,
                        direct_allowed: allowed.direct_allowed,
                    })
                })
                .collect::<Result<_, LineFault>>()?,
            visited_plmn: plmn(&self.visited_plmn)?,
            hss: self.hss.as_deref().map(Into::into),
            reset_ids: (self.reset_ids.iter())
                .map(|id| octets(id, "a reset id").map(Into::into))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl PortableBinding {
    fn of(binding: &Binding) -> Self {
        let Binding { application, app_server_host, app_server_realm, id2, bound_at, update_pending } = binding;
        PortableBinding {
            application: application.to_string(),
            app_server_host: app_server_host.to_string(),
            app_server_realm: app_server_realm.to_string(),
            id2: id2.as_str().to_owned(),
            bound_at: bound_at.0,
            update_pending: *update_pending,
        }
    }

    fn binding(&self) -> Result<Binding, LineFault> {
        Ok(Binding {
            application: self.application.as_str().into(),
            app_server_host: self.app_server_host.as_str().into(),
            app_server_realm: self.app_server_realm.as_str().into(),
            id2: parsed(&self.id2, "an ID2")?,
            bound_at: UnixSeconds(self.bound_at),
            update_pending: self.update_pending,
        })
    }
}

impl User {
    pub(super) fn of(stored: &StoredUser) -> Self {
        let StoredUser { version, registration } = stored;
        let UserRegistration { application, id2, user, ues, epuid } = registration;
        User {
            version: version.0,
            application: application.to_string(),
            id2: id2.as_str().to_owned(),
            user: user.to_string(),
            ues: ues.iter().map(PortableUe::of).collect(),
            epuid: (epuid.as_ref()).map(|Epuid { epuid, function }| PortableEpuid {
                epuid: epuid.to_string(),
                function: function.to_string(),
            }),
        }
    }

    /// # Errors
    /// A member is not what its name says.
    pub(super) fn stored(&self) -> Result<StoredUser, LineFault> {
        Ok(StoredUser {
            version: Cursor(self.version),
            registration: UserRegistration {
                application: self.application.as_str().into(),
                id2: parsed(&self.id2, "an ID2")?,
                user: self.user.as_str().into(),
                ues: self.ues.iter().map(PortableUe::ue).collect::<Result<_, _>>()?,
                epuid: (self.epuid.as_ref()).map(|PortableEpuid { epuid, function }| Epuid {
                    epuid: epuid.as_str().into(),
                    function: function.as_str().into(),
                }),
            },
        })
    }
}

impl PortableUe {
    fn of(ue: &BoundUe) -> Self {
        let BoundUe { id1, function, realm, bound_at } = ue;
        PortableUe {
            id1: id1.to_string(),
            function: function.to_string(),
            realm: realm.to_string(),
            bound_at: bound_at.0,
        }
    }

    fn ue(&self) -> Result<BoundUe, LineFault> {
        Ok(BoundUe {
            id1: parsed(&self.id1, "an ID1")?,
            function: self.function.as_str().into(),
            realm: self.realm.as_str().into(),
            bound_at: UnixSeconds(self.bound_at),
        })
    }
}

pub(super) fn parsed<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T, LineFault> {
    text.parse().map_err(|_| LineFault::Field { what })
}

fn octets(text: &str, what: &'static str) -> Result<Vec<u8>, LineFault> {
    HEXLOWER.decode(text.as_bytes()).map_err(|_| LineFault::Field { what })
}

impl Line {
    /// The line without its end.
    pub(super) fn text(&self) -> Result<String, LineFault> {
        serde_json::to_string(self).map_err(|error| LineFault::Json(error.to_string()))
    }

    /// # Errors
    /// It is none of the kinds.
    pub(super) fn parse(text: &str) -> Result<Self, LineFault> {
        // What the reader of JSON says of a value may quote it: its kind and place are enough.
        serde_json::from_str(text).map_err(|error| {
            let words = if error.is_data() { "its members are not those of any kind of record" } else { "not JSON" };
            LineFault::Json(format!("{words} (column {})", error.column()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::encoding::tests::stored;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_context_survives_as_text(stored in stored()) {
            let line = Line::Context { context: Box::new(Context::of(&stored)) };
            let read = Line::parse(&line.text().unwrap()).unwrap();
            let Line::Context { context } = read else { panic!("another kind of line") };
            prop_assert_eq!(context.stored(), Ok(stored));
        }

        #[test]
        fn any_user_survives_as_text(stored in crate::store::encoding::users::tests::stored()) {
            let line = Line::User { user: Box::new(User::of(&stored)) };
            let Line::User { user } = Line::parse(&line.text().unwrap()).unwrap() else { panic!("another kind") };
            prop_assert_eq!(user.stored(), Ok(stored));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,80}") {
            let _ = Line::parse(&text);
        }
    }

    #[test]
    fn a_line_that_is_none_is_named_without_its_content() {
        let fault = Line::parse(r#"{"context":{"imsi":"001010000000001"}}"#).unwrap_err();
        assert!(!fault.to_string().contains("00101"), "{fault}");
        assert!(Line::parse("{").unwrap_err().to_string().contains("not JSON"));
    }
}
