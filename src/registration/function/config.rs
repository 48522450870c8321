//! What a function is configured with.

use serde::Deserialize;

use super::standard::StandardConfig;
use crate::interfaces::pc2;
use crate::registration::ALL_SERVICES;
use crate::registration::config::{self, FunctionPeer};
use crate::registration::element::Destination;
use crate::registration::identifiers::{FunctionAddress, PlmnId};

/// What a function is configured with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionConfig {
    /// The network it belongs to, e.g. `001-01`; stands in every ID1.
    #[serde(deserialize_with = "config::parsed")]
    pub plmn: PlmnId,
    /// ID3, what message 6 tells the UE: a name or an IP address. Absent: the Origin-Host.
    #[serde(default, deserialize_with = "config::parsed_option")]
    pub address: Option<FunctionAddress>,
    /// Number of this function among those of the network, 0 to 63; no two may have the same.
    pub allocator: u16,
    /// Secret of the network that makes ID1s unguessable, 32 hexadecimal digits, the same in all its functions.
    #[serde(deserialize_with = "config::sixteen")]
    pub network_key: [u8; 16],
    /// For how many seconds an ID1 is good.
    #[serde(default = "id1_validity")]
    pub id1_validity: u32,
    /// The HSS.
    pub hss: Destination,
    /// Origin-Hosts of the MMEs that may send message 5.
    pub mmes: Vec<String>,
    /// App servers that may send message 2, and the applications each may register users for.
    pub app_servers: Vec<AppServerPeer>,
    /// The other functions of the same network.
    #[serde(default)]
    pub functions: Vec<FunctionPeer>,
    /// The bits of ProSe-Permission that count; one is enough.
    #[serde(default = "all_services")]
    pub services: u32,
    /// Seconds for which a UE that comes back from a move nobody confirmed is served only after the function that fetched its
    /// context has been asked; and for which such a context is kept at the least. It is kept as long as its ID1 is good.
    #[serde(default = "move_hold")]
    pub move_hold: u64,
    /// Seconds for which is remembered at the least where a UE has moved to, to name the new function to late requests. It is
    /// remembered as long as the UE's old ID1 could have been renewed.
    #[serde(default = "moved_memory")]
    pub moved_memory: u64,
    /// Seconds for which a context outlives its ID1, so that the UE may renew it.
    #[serde(default = "retention")]
    pub retention: u64,
    /// Seconds before an app server or function that is down is tried again; doubled each time.
    #[serde(default = "retry_first")]
    pub retry_first: u64,
    /// Seconds between tries at the most.
    #[serde(default = "retry_most")]
    pub retry_most: u64,
    /// The PC2 application to use: 16777350, or 16777337 for app servers of release 12.
    #[serde(default = "pc2_application")]
    pub pc2_application: u32,
    /// Applications one UE may have users bound in.
    #[serde(default = "most_bindings")]
    pub most_bindings: usize,
    /// Requests that may be under way or wait at a time; further ones are answered DIAMETER_TOO_BUSY.
    #[serde(default = "most_pending")]
    pub most_pending: usize,
    /// What happens before that bound is reached.
    #[serde(default)]
    pub overload: OverloadSettings,
    /// The procedures of 3GPP beside those of the patent.
    #[serde(default)]
    pub standard: StandardConfig,
}

/// How a function behaves when more comes than it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OverloadSettings {
    /// From which percentage of `most_pending` the least important requests (DRMP 15) are answered DIAMETER_TOO_BUSY and
    /// others are asked by OC-OLR to send less, 1 to 100. RFC 7683, RFC 7944.
    pub shed_from: u8,
    /// Exchanges under way at a time; further requests wait, the more important ones (DRMP) begin first.
    pub most_under_way: usize,
    /// Requests about one UE that wait for the one under way; further ones are answered DIAMETER_TOO_BUSY.
    pub most_of_a_ue: usize,
    /// Messages to app servers and other functions, about moves and farewells, that are kept in memory; the others stay in
    /// the store until there is room.
    pub most_untold: usize,
}

impl Default for OverloadSettings {
    fn default() -> Self {
        Self { shed_from: 80, most_under_way: 16_384, most_of_a_ue: 16, most_untold: 65_536 }
    }
}

/// An app server as the function knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppServerPeer {
    /// Its Origin-Host.
    pub host: String,
    /// Its Origin-Realm.
    pub realm: String,
    /// The ProSe Application IDs it may register users for.
    pub applications: Vec<String>,
}

const fn id1_validity() -> u32 {
    12 * 3600
}
const fn all_services() -> u32 {
    ALL_SERVICES
}
const fn move_hold() -> u64 {
    600
}
const fn moved_memory() -> u64 {
    120
}
const fn retention() -> u64 {
    24 * 3600
}
const fn retry_first() -> u64 {
    1
}
const fn retry_most() -> u64 {
    60
}
const fn pc2_application() -> u32 {
    pc2::APPLICATION
}
const fn most_bindings() -> usize {
    64
}
const fn most_pending() -> usize {
    65_536
}
