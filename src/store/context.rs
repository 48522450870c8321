//! What a function knows about one UE.

use crate::registration::identifiers::{FunctionAddress, Id2, Imsi, Msisdn, Pduid, PlmnId, UnixSeconds};

/// The ProSe UE context: what message 5 opens, message 2 completes and a move hands over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UeContext {
    pub imsi: Imsi,
    pub msisdn: Option<Msisdn>,
    /// The ID1 the UE holds.
    pub id1: Id1Grant,
    /// ID1s it held before and that are still honoured.
    pub previous_id1: Vec<Id1Grant>,
    pub subscription: Subscription,
    /// The user at each application, one binding an application.
    pub bindings: Vec<Binding>,
    pub state: UeState,
    /// Set while application servers still have to be told that the UE moved here.
    pub moved_from: Option<MovedFrom>,
}

/// An ID1 and how long it is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id1Grant {
    pub id1: Pduid,
    /// First second in which it is no longer good.
    pub valid_until: UnixSeconds,
}

/// What the HSS said about the UE, TS 29.344 6.3.2 and 6.2.4.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// ProSe-Permission (3702), bit by bit.
    pub permission: u32,
    /// ProSe-Allowed-PLMN (3703), one each.
    pub allowed_plmns: Vec<AllowedPlmn>,
    /// Visited-PLMN-Id, where the UE was registered when the HSS answered.
    pub visited_plmn: Option<PlmnId>,
    /// Origin-Host of the HSS that answered; whom a reset and a purge concern.
    pub hss: Option<Box<str>>,
    /// Reset-ID (1670), opaque.
    pub reset_ids: Vec<Box<[u8]>>,
}

/// Where direct discovery and communication are allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedPlmn {
    /// Absent: any network.
    pub plmn: Option<PlmnId>,
    /// Authorized-Discovery-Range (3708).
    pub discovery_range: Option<u32>,
    /// ProSe-Direct-Allowed (3704), bit by bit.
    pub direct_allowed: Option<u32>,
}

/// A user of an application on this UE, recorded by message 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub application: Box<str>,
    /// Origin-Host of the application server that bound it.
    pub app_server_host: Box<str>,
    /// Origin-Realm of the application server that bound it.
    pub app_server_realm: Box<str>,
    pub id2: Id2,
    pub bound_at: UnixSeconds,
    /// The application server has not yet confirmed the move (U1, U2).
    pub update_pending: bool,
}

/// Who owns the UE now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UeState {
    /// This function.
    Registered,
    /// This function still, but the context was handed out: new binds are refused and pointed to `to`.
    Moving { to: FunctionAddress, since: UnixSeconds },
    /// `to`; the context is kept for late repeats until `forget_after`.
    Moved { to: FunctionAddress, forget_after: UnixSeconds },
}

/// Where a UE came from: what U1 has to quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedFrom {
    pub id1: Pduid,
    pub function: FunctionAddress,
}

impl UeContext {
    /// The grant of `id1`, present or previous.
    #[must_use]
    pub fn grant(&self, id1: Pduid) -> Option<&Id1Grant> {
        self.grants().find(|grant| grant.id1 == id1)
    }

    /// The present grant and then the previous ones.
    pub fn grants(&self) -> impl Iterator<Item = &Id1Grant> {
        std::iter::once(&self.id1).chain(&self.previous_id1)
    }

    /// The user at `application`.
    #[must_use]
    pub fn binding(&self, application: &str) -> Option<&Binding> {
        self.bindings.iter().find(|binding| &*binding.application == application)
    }
}
