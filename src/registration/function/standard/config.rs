//! What the standard procedures are configured with: `[function.standard]`.

use serde::Deserialize;

use crate::registration::config;
use crate::registration::element::Destination;
use crate::registration::identifiers::PlmnId;

/// `[function.standard]`: the procedures of TS 29.343 and TS 29.345.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StandardConfig {
    /// The functions of other networks, over PC6 and PC7.
    pub networks: Vec<Network>,
    /// For how many seconds an announced code is good.
    pub code_validity: u32,
    /// Seconds after which a match has to be reported again.
    pub match_refresh: u32,
    /// Metres at which two UEs are near, when a request does not say.
    pub range: u32,
    /// Metres a second at which two UEs approach at the most; a proximity request that could not come true within its
    /// window is refused. 0: all are taken.
    pub approach_speed: u32,
    /// Seconds that a proximity request may last.
    pub longest_window: u32,
    /// Entries of each kind kept at a time: proximity requests of ours, those for our UEs, codes, monitors.
    pub most_entries: usize,
}

impl Default for StandardConfig {
    fn default() -> Self {
        Self {
            networks: Vec::new(),
            code_validity: 3600,
            match_refresh: 600,
            range: 500,
            approach_speed: 70,
            longest_window: 24 * 3600,
            most_entries: 100_000,
        }
    }
}

/// Another network, and what its users may do in ours. TS 29.345.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The network, e.g. `001-02`.
    #[serde(deserialize_with = "config::parsed")]
    pub plmn: PlmnId,
    /// Origin-Host of its function.
    pub host: String,
    /// Origin-Realm of its function.
    pub realm: String,
    /// Origin-Hosts of relay and proxy agents that may bring its requests: they are believed when they name its function
    /// as the origin. Without them only a connection with the function itself is.
    #[serde(default)]
    pub via: Vec<String>,
    /// ProSe-Direct-Allowed of its users in our network, bit by bit; 0: nothing. TS 29.344 6.3.5.
    #[serde(default = "everything")]
    pub direct_allowed: u32,
    /// Authorized-Discovery-Range of its users.
    #[serde(default)]
    pub discovery_range: Option<u32>,
    /// Seconds for which an authorization of its users holds.
    #[serde(default = "validity")]
    pub validity: u32,
    /// Whether its users may ask for the proximity of ours.
    #[serde(default = "yes")]
    pub proximity: bool,
}

impl Network {
    pub(super) fn destination(&self) -> Destination {
        Destination { host: Some(self.host.clone()), realm: self.realm.clone() }
    }
}

const fn everything() -> u32 {
    0x3ff
}

const fn validity() -> u32 {
    3600
}

const fn yes() -> bool {
    true
}
