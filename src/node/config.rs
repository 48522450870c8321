//! The configuration of one node: a TOML file, its words those of freeDiameter.conf where it has them.
//!
//! ```toml
//! identity = "function.epc.mnc001.mcc001.3gppnetwork.org"
//! realm = "epc.mnc001.mcc001.3gppnetwork.org"
//! listen = ["127.0.0.14"]                # [TRANSPORT:]ADDRESS[+ADDRESS...][:PORT], the port 3868 unless said otherwise
//!                                        # "sctp-kernel:10.0.0.1+10.0.1.1": all addresses of one SCTP endpoint
//! transport = "sctp-embedded"            # sctp, sctp-kernel, sctp-embedded, sctp-raw, tcp, tls
//! tc = 30                                # seconds before a lost connection is tried again, doubled by each attempt in vain
//! tc_max = 120                           # seconds that doubling ends at; four times tc unless said otherwise
//! tw = 30                                # seconds of silence before a peer is asked
//! reopen = 1                             # seconds between the three watchdogs that a peer answers before it is trusted again
//! store = "function.redb"                # of a function or an app server: what must outlive a crash
//! dictionary = ["lab.json"]              # AVPs beside the built-in ones, as `dict import` writes them
//! metrics = "127.0.0.1:9868"             # /metrics, /health and /ready over HTTP; left out: none
//! admin = "function.sock"                # Unix socket for `proselink show`, for its owner alone; left out: none
//! drain = 5                              # seconds that a stop waits for answers that are under way
//! linger = 0.0001                        # seconds that it watches for the next message while they come thick: answers are
//!                                        # faster, a core is busier; 0 to sleep at once
//! threads = 1                            # of the event loop; more help many associations, and cost each message a little
//!
//! [[peer]]                               # nobody else is let in
//! identity = "hss.epc.mnc001.mcc001.3gppnetwork.org"
//! connect_to = "127.0.0.13"              # as in listen, or a name: "tcp:hss.example:3870"; left out: it connects to us
//! certificate_name = "hss1.lab"          # over TLS: what its certificate names, when that is not its identity
//!
//! [sctp]                                 # all of it may be left out
//! outgoing_streams = 16
//! incoming_streams = 64
//! rto_initial = 1.0                      # seconds, as the next three
//! rto_minimum = 0.3
//! rto_maximum = 5.0
//! heartbeat_interval = 3                 # 0 for never
//! path_retransmissions = 2               # these two: kernel SCTP
//! association_retransmissions = 8
//! mtu = 1500                             # embedded SCTP
//!
//! [tls]                                  # for "tls:" in listen and connect_to; PEM, paths from this file's folder
//! certificate = "function.pem"           # ours, then those between it and the authority
//! key = "function.key"
//! ca = "ca.pem"                          # whom we believe: authorities, or peers' own self-signed certificates
//!
//! [[route]]                              # for what is not for a peer and its realm
//! realm = "epc.mnc002.mcc001.3gppnetwork.org"   # "*": every realm that has no route of its own
//! application = 16777251                 # left out: all
//! hosts = ["dra.example"]                # peers, the preferred one first; share = true: all alike, by Session-Id
//!
//! [private]                              # our own numbers, where the lab has other plans for them
//! vendor = 32473
//!
//! [function]                             # one of ue, mme, hss, function, app_server, responder, relay, redirect
//! plmn = "001-01"
//! id1_validity = 43200                   # seconds; retention = 86400 more, in which an ID1 that has run out may be renewed
//! most_pending = 65536                   # requests under way or waiting; then 3004 DIAMETER_TOO_BUSY
//! retry_first = 1                        # seconds before an app server that is down is tried again, doubled each time
//! retry_most = 60                        # seconds that doubling ends at
//! move_hold = 600                        # seconds for which a UE that comes back from a move nobody confirmed is served only
//!                                        # after the function that fetched its context has been asked
//! moved_memory = 120                     # seconds for which it is remembered at the least where a UE has moved to
//!
//! [function.overload]                    # all of it may be left out
//! shed_from = 80                         # per cent of most_pending from which the least important (DRMP) are turned away and
//!                                        # others are asked by OC-OLR to send less
//! most_under_way = 16384                 # exchanges at a time; what waits begins by its DRMP
//! most_of_a_ue = 16                      # requests of one UE that wait for the one under way
//! most_untold = 65536                    # messages about moves and farewells in memory; the others wait in the store
//!
//! [function.standard]                    # the procedures of 3GPP; all of it may be left out
//! code_validity = 3600                   # seconds that an announced code is good
//! match_refresh = 600                    # seconds after which a match has to be reported again
//! range = 500                            # metres that are near
//! approach_speed = 70                    # metres a second; what cannot come true in its window is refused (0: nothing is)
//! longest_window = 86400                 # seconds that a proximity request may last
//! most_entries = 100000                  # of each kind kept: proximity requests, codes, monitors
//!
//! [[function.standard.networks]]         # over PC6 and PC7: nobody else is answered
//! plmn = "001-02"
//! host = "function.epc.mnc002.mcc001.3gppnetwork.org"   # a peer, or behind one: [[route]] with its realm, and
//! realm = "epc.mnc002.mcc001.3gppnetwork.org"           # application = 16777340
//! via = ["dra.example"]                  # agents that may bring its requests; left out: the function itself alone
//! direct_allowed = 0x3ff                 # ProSe-Direct-Allowed of its users here; discovery_range likewise
//! validity = 3600                        # seconds that an authorization of its users holds
//! proximity = true                       # whether its users may ask for ours
//! ```
//!
//! Users of an app server prove themselves by a key (message 1 is signed with Ed25519) or by a password:
//!
//! ```toml
//! [app_server]
//! applications = ["mcc001.mnc01.ProSeApp.Chat"]
//! keys = "chat.keys"                     # users with public keys, NAME:KEY a line; `proselink user key` makes such a line
//! passwords = "chat.passwords"           # users with passwords, NAME:HASH a line; `proselink user hash` makes such a line
//! lab = false                            # true: passwords are taken over connections that TLS does not protect, too
//! proof_window = 60                      # seconds that the clock of a signed proof may be off
//! most_pending = 65536                   # requests under way; then 3004 DIAMETER_TOO_BUSY
//! shed_from = 80                         # as in [function.overload]
//!
//! [[app_server.users]]                   # or here: key, password, or both
//! name = "user1@chat.example"
//! key = "lNV1...="                       # base64 or hexadecimal
//!
//! [[app_server.account]]                 # users as the standard knows them; who registered by message 1 needs none for
//! application = "mcc001.mnc01.ProSeApp.Chat"   # map requests
//! aluid = "alice@chat.example"           # found_by = ["bob@chat.example"]: whose map requests find her; left out: anybody's
//! rpauid = "alice.r"                     # for restricted discovery, with discovered_by = ["bob.r"]: who may discover her
//! user = "user1@chat.example"            # whose UEs are hers; or pduids = ["00f1100123456789"]
//! metadata = "likes chess"               # for whoever has met her
//!
//! [[ue.devices]]                         # at the UE: of password, key_file and key (the PEM itself) one
//! imsi = "001010000000001"
//! user = "user1@chat.example"
//! key_file = "user1.key"                 # PKCS#8 PEM, from this file's folder
//! ```
//!
//! All of their keys stand at [`AppServerConfig`] and [`Device`](crate::registration::ue::Device). `[responder]` answers whatever it is asked; its keys stand at [`ResponderConfig`].
//!
//! A relay agent is `[relay]`, with `proxy_info = true` for Proxy-Info in what it forwards. A redirect agent is
//!
//! ```toml
//! [[redirect.route]]
//! realm = "example"                      # "*" and application as in [[route]]
//! hosts = ["aaa://hss.example:3868;transport=sctp"]
//! usage = "ALL_REALM"                    # DONT_CACHE unless said otherwise; the names of RFC 6733 section 6.13
//! cache_time = 3600                      # seconds
//! ```
//!
//! What is wrong is told with file, line and column, and every section refuses keys it does not know.

mod agents;
mod file;
mod sctp;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::ops::Range;
use std::path::{Path, PathBuf};

use file::File;

use super::Settings;
use crate::generic::ResponderConfig;
use crate::net::Credentials;
use crate::registration::{AppServerConfig, FunctionConfig, HssConfig, Identity, MmeConfig, UeConfig};

pub use agents::{RedirectConfig, RelayConfig};
pub use sctp::Sctp;

/// A configuration that has been read and judged.
#[derive(Debug)]
pub struct Config {
    /// The node.
    pub settings: Settings,
    /// The local UDP port of embedded SCTP; 9899 when the file says nothing.
    pub udp_port: Option<u16>,
    /// Worker threads of its event loop; 1 when the file says nothing.
    pub threads: NonZeroU8,
    /// How SCTP is to behave.
    pub sctp: Sctp,
    /// Where a capture of all traffic goes.
    pub capture: Option<PathBuf>,
    /// Dictionaries beside the built-in one; whoever runs the node has installed them before, see [`dictionaries`].
    pub dictionary: Vec<PathBuf>,
    /// The store's file.
    pub store: Option<PathBuf>,
    /// Our certificate and whom we believe, for TLS.
    pub tls: Option<Credentials>,
    /// Where metrics are shown over HTTP.
    pub metrics: Option<SocketAddr>,
    /// Where the admin socket is.
    pub admin: Option<PathBuf>,
    /// What cannot change while the node runs.
    pub fixed: Fixed,
    /// What it plays.
    pub role: Role,
    /// What is good and yet doubtful: a certificate that ends soon.
    pub warnings: Vec<ConfigError>,
}

/// The keys and sections of a file that a node takes when it starts and never again, each with a sum of its value: enough
/// to tell a change, and no secret is kept.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Fixed(BTreeMap<String, u64>);

impl Fixed {
    /// Keys that [`Handle::reload`](super::Handle::reload) takes, or tells about by itself.
    const TAKEN: [&str; 14] = [
        "identity",
        "realm",
        "private",
        "listen",
        "addresses",
        "transport",
        "tc",
        "tc_max",
        "tw",
        "reopen",
        "answer_timeout",
        "drain",
        "peer",
        "route",
    ];

    fn of(text: &str) -> Self {
        let table: toml::Table = text.parse().unwrap_or_default();
        let sums = table.into_iter().filter(|(key, _)| !Self::TAKEN.contains(&key.as_str())).map(|(key, value)| {
            let key = if value.is_table() { format!("[{key}]") } else { key };
            let mut hasher = std::collections::hash_map::DefaultHasher::new();
            value.to_string().hash(&mut hasher);
            (key, hasher.finish())
        });
        Self(sums.collect())
    }

    /// What is in one of the two and not the same in the other.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let all: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        all.into_iter().filter(|key| self.0.get(*key) != other.0.get(*key)).cloned().collect()
    }
}

/// What a node plays.
#[derive(Debug)]
pub enum Role {
    /// `[ue]`.
    Ue(UeConfig),
    /// `[mme]`.
    Mme(MmeConfig),
    /// `[hss]`.
    Hss(HssConfig),
    /// `[function]`.
    Function(Box<FunctionConfig>),
    /// `[app_server]`.
    AppServer(Box<AppServerConfig>),
    /// `[responder]`.
    Responder(ResponderConfig),
    /// `[relay]`.
    Relay(RelayConfig),
    /// `[redirect]`.
    Redirect(RedirectConfig),
}

/// What is wrong with a configuration file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// Line and column, from 1; `None` when the file cannot be read at all.
    pub place: Option<(usize, usize)>,
    /// What is wrong, and what was expected.
    pub words: String,
}

impl fmt::Display for ConfigError {
    /// `FILE:LINE:COLUMN: words`, as compilers write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.words)
    }
}

impl std::error::Error for ConfigError {}

impl Role {
    /// Its name, which is that of its section.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ue(_) => "ue",
            Self::Mme(_) => "mme",
            Self::Hss(_) => "hss",
            Self::Function(_) => "function",
            Self::AppServer(_) => "app_server",
            Self::Responder(_) => "responder",
            Self::Relay(_) => "relay",
            Self::Redirect(_) => "redirect",
        }
    }
}

impl Config {
    /// The node's name as its element knows it.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { host: self.settings.local.identity.clone(), realm: self.settings.local.realm.clone() }
    }
}

/// Reads and judges a configuration file. Relative paths in it start from its folder.
///
/// # Errors
/// The first thing that is wrong.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
        file: path.to_owned(),
        place: None,
        words: format!("the configuration cannot be read: {error}"),
    })?;
    parse(path, &text)
}

/// The dictionaries that a configuration file names under `dictionary`, from its folder. They are to be installed before
/// [`load`]. What is wrong with the file is left to that.
#[must_use]
pub fn dictionaries(path: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    let names = table.get("dictionary").and_then(toml::Value::as_array).into_iter().flatten();
    names.filter_map(toml::Value::as_str).map(|name| from_folder(path, Path::new(name))).collect()
}

/// A path of a configuration file, from its folder.
fn from_folder(configuration: &Path, path: &Path) -> PathBuf {
    configuration.parent().unwrap_or(Path::new("")).join(path)
}

/// Judges the text of a configuration file; `path` is for messages and for relative paths.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let wrong = |span: Option<Range<usize>>, words: String| ConfigError {
        file: path.to_owned(),
        place: span.map(|span| place(text, span.start)),
        words,
    };
    let file: File =
        toml::from_str(text).map_err(|error| wrong(error.span(), error.message().trim_end().replace('\n', " ")))?;
    let mut warnings = Vec::new();
    let mut config = file.judge(path, &mut warnings).map_err(|(span, words)| wrong(span, words))?;
    config.warnings = warnings.into_iter().map(|(span, words)| wrong(span, words)).collect();
    config.fixed = Fixed::of(text);
    Ok(config)
}

/// Line and column of an octet, both from 1; the column counts characters.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
