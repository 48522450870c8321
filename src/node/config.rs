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
mod sctp;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{PeerSettings, Settings, users};
use crate::generic::ResponderConfig;
use crate::message::renumber::PrivateNumbers;
use crate::net::{Credentials, Endpoint, Transport};
use crate::peer::routing::RealmRoute;
use crate::peer::{self, Expected, Intervals, Local};
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    identity: Spanned<String>,
    realm: Spanned<String>,
    #[serde(default)]
    listen: Vec<Spanned<String>>,
    /// The addresses of the node, when they are not those it listens at.
    #[serde(default)]
    addresses: Vec<IpAddr>,
    transport: Option<Spanned<String>>,
    udp_port: Option<u16>,
    tc: Option<Spanned<f64>>,
    tc_max: Option<Spanned<f64>>,
    tw: Option<Spanned<f64>>,
    reopen: Option<Spanned<f64>>,
    answer_timeout: Option<Spanned<f64>>,
    store: Option<PathBuf>,
    capture: Option<PathBuf>,
    /// Read by [`dictionaries`], before the rest: AVPs may be named by what is learnt there.
    #[serde(default)]
    dictionary: Vec<PathBuf>,
    metrics: Option<Spanned<String>>,
    admin: Option<PathBuf>,
    drain: Option<Spanned<f64>>,
    linger: Option<Spanned<f64>>,
    threads: Option<NonZeroU8>,
    private: Option<Spanned<PrivateNumbers>>,
    #[serde(default)]
    sctp: sctp::SctpSection,
    tls: Option<tls::TlsSection>,
    #[serde(default)]
    peer: Vec<PeerSection>,
    #[serde(default)]
    route: Vec<RouteSection>,
    ue: Option<Spanned<UeConfig>>,
    mme: Option<Spanned<MmeConfig>>,
    hss: Option<Spanned<HssConfig>>,
    function: Option<Spanned<Box<FunctionConfig>>>,
    app_server: Option<Spanned<AppServerConfig>>,
    responder: Option<Spanned<ResponderConfig>>,
    relay: Option<Spanned<RelayConfig>>,
    redirect: Option<Spanned<agents::RedirectSection>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerSection {
    identity: Spanned<String>,
    realm: Option<String>,
    connect_to: Option<Spanned<String>>,
    #[serde(default)]
    addresses: Vec<IpAddr>,
    udp_port: Option<u16>,
    certificate_name: Option<Spanned<String>>,
    tc: Option<Spanned<f64>>,
    tc_max: Option<Spanned<f64>>,
    tw: Option<Spanned<f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteSection {
    realm: String,
    application: Option<u32>,
    hosts: Vec<Spanned<String>>,
    #[serde(default)]
    share: bool,
}

type Wrong = (Option<Range<usize>>, String);

impl File {
    fn judge(self, path: &Path, warnings: &mut Vec<Wrong>) -> Result<Config, Wrong> {
        let identity = name(&self.identity, "identity")?;
        let realm = name(&self.realm, "realm")?;
        let listen = self.listen.iter().map(listening).collect::<Result<Vec<_>, _>>()?;
        let transport = match &self.transport {
            None => Transport::default(),
            Some(text) => text.get_ref().parse().map_err(|words: String| (Some(text.span()), words))?,
        };
        let mut addresses: Vec<IpAddr> = self.addresses;
        addresses.extend(listen.iter().flat_map(Endpoint::addresses));
        // No peer can use the address that stands for all of them.
        addresses.retain(|address| !address.is_unspecified());
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.is_empty() {
            let words = "the node has no address: write listen = [\"ADDRESS\"], or addresses = [\"ADDRESS\"] for a \
                         node that only connects or listens at all of its addresses";
            return Err((None, words.to_owned()));
        }
        let local = Local::new(identity.clone(), realm, addresses);
        let mut settings = Settings { listen, transport, ..Settings::new(local) };
        if let Some(private) = &self.private {
            private.get_ref().judge().map_err(|words| (Some(private.span()), words))?;
            settings.private = *private.get_ref();
        }
        settings.drain = seconds(self.drain.as_ref(), "drain", 0.0, settings.drain)?;
        settings.linger = seconds(self.linger.as_ref(), "linger", 0.0, settings.linger)?;
        let metrics = self.metrics.as_ref().map(socket).transpose()?;
        let default = peer::Settings::default();
        let answer_wait = seconds(self.answer_timeout.as_ref(), "answer_timeout", 0.1, default.answer_wait)?;
        let connect = seconds(self.tc.as_ref(), "tc", 0.1, default.intervals.connect)?;
        let watchdog = seconds(self.tw.as_ref(), "tw", LEAST_TW, default.intervals.watchdog)?;
        let reopen = seconds(self.reopen.as_ref(), "reopen", LEAST_REOPEN, default.intervals.reopen)?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let (mut ue, mut app_server) = (self.ue, self.app_server);
        if let Some(section) = &mut ue {
            let span = section.span();
            users::read_keys(section.get_mut(), &folder).map_err(|words| (Some(span), words))?;
        }
        if let Some(section) = &mut app_server {
            let span = section.span();
            users::read_users(section.get_mut(), &folder).map_err(|words| (Some(span), words))?;
        }
        let tls = self.tls.as_ref().map(|section| section.judge(&folder, &identity, warnings)).transpose()?;
        let over_tls = |endpoint: &Endpoint| endpoint.transport_or(transport) == Transport::Tls;
        if tls.is_none() {
            let connecting = self.peer.iter().filter_map(|section| section.connect_to.as_ref());
            for text in self.listen.iter().chain(connecting) {
                if endpoint(text).is_ok_and(|endpoint| over_tls(&endpoint)) {
                    return Err((Some(text.span()), tls::MISSING.to_owned()));
                }
            }
        }
        for section in self.peer {
            let connect = seconds(section.tc.as_ref(), "tc", 0.1, connect)?;
            let limit = section.tc_max.as_ref().or(self.tc_max.as_ref());
            let of_peer = Intervals {
                connect,
                connect_limit: seconds(limit, "tc_max", connect.as_secs_f64(), 4 * connect)?,
                watchdog: seconds(section.tw.as_ref(), "tw", LEAST_TW, watchdog)?,
                reopen,
            };
            let identity = name(&section.identity, "identity")?;
            let again = settings.peers.iter().any(|peer| peer.expected.identity.eq_ignore_ascii_case(&identity));
            if again || identity.eq_ignore_ascii_case(&settings.local.identity) {
                let what = if again { "is there twice" } else { "is this node itself" };
                return Err((Some(section.identity.span()), format!("the peer {identity} {what}")));
            }
            let connect_to = section.connect_to.as_ref().map(endpoint).transpose()?;
            let of_certificate =
                section.certificate_name.as_ref().map(|text| name(text, "certificate_name")).transpose()?;
            let mut addresses = section.addresses;
            addresses.extend(connect_to.iter().flat_map(Endpoint::addresses));
            addresses.sort_unstable();
            addresses.dedup();
            settings.peers.push(PeerSettings {
                expected: Expected { identity, realm: section.realm, addresses },
                udp_port: section.udp_port,
                settings: peer::Settings {
                    connect: connect_to.is_some(),
                    intervals: of_peer,
                    answer_wait,
                    certificate_name: of_certificate,
                    ..default.clone()
                },
                connect_to,
            });
        }
        for RouteSection { realm, application, hosts: named, share } in self.route {
            let mut hosts = Vec::new();
            for host in named {
                if !settings.peers.iter().any(|peer| peer.expected.identity.eq_ignore_ascii_case(host.get_ref())) {
                    return Err((Some(host.span()), format!("{} is none of the peers", host.get_ref())));
                }
                hosts.push(host.into_inner());
            }
            settings.routes.push(RealmRoute { realm, application, hosts, share });
        }
        let store = self.store.map(|store| folder.join(store));
        let relay = self.relay.map(|one| (one.span(), Role::Relay(one.into_inner())));
        let redirect = match self.redirect {
            Some(one) => Some((one.span(), Role::Redirect(one.into_inner().judge()?))),
            None => None,
        };
        let role = role([
            ue.map(|one| (one.span(), Role::Ue(one.into_inner()))),
            self.mme.map(|one| (one.span(), Role::Mme(one.into_inner()))),
            self.hss.map(|one| (one.span(), Role::Hss(one.into_inner()))),
            self.function.map(|one| (one.span(), Role::Function(one.into_inner()))),
            app_server.map(|one| (one.span(), Role::AppServer(Box::new(one.into_inner())))),
            self.responder.map(|one| (one.span(), Role::Responder(one.into_inner()))),
            relay,
            redirect,
        ])?;
        if store.is_none() && matches!(role, Role::Function(_) | Role::AppServer(_)) {
            let who = if matches!(role, Role::Function(_)) { "a function" } else { "an app server" };
            return Err((None, format!("{who} needs a store: write store = \"FILE.redb\"")));
        }
        let capture = self.capture.map(|capture| folder.join(capture));
        let admin = self.admin.map(|admin| folder.join(admin));
        Ok(Config {
            settings,
            udp_port: self.udp_port,
            threads: self.threads.unwrap_or(NonZeroU8::MIN),
            sctp: self.sctp.judge()?,
            capture,
            dictionary: self.dictionary.iter().map(|name| folder.join(name)).collect(),
            store,
            tls,
            metrics,
            admin,
            fixed: Fixed::default(),
            role,
            warnings: Vec::new(),
        })
    }
}

/// RFC 3539 section 3.4.1 forbids a watchdog interval below six seconds.
const LEAST_TW: f64 = 6.0;

/// RFC 3539 asks for three watchdogs and leaves open how fast: what a lab may want.
const LEAST_REOPEN: f64 = 0.01;

/// The one role there is.
fn role(sections: [Option<(Range<usize>, Role)>; 8]) -> Result<Role, Wrong> {
    let mut found = sections.into_iter().flatten();
    match (found.next(), found.next()) {
        (Some((_, role)), None) => Ok(role),
        (None, _) => {
            let words = "the node has no role: write one of [ue], [mme], [hss], [function], [app_server], \
                         [responder], [relay], [[redirect.route]]";
            Err((None, words.to_owned()))
        }
        (_, Some((span, _))) => {
            Err((Some(span), "the node has a second role: each plays one, in a process of its own".to_owned()))
        }
    }
}

/// A host or realm name.
fn name(text: &Spanned<String>, key: &str) -> Result<String, Wrong> {
    let value = text.get_ref();
    let good = !value.is_empty() && value.len() <= 255 && value.bytes().all(|octet| octet.is_ascii_graphic());
    if good {
        Ok(value.clone())
    } else {
        Err((Some(text.span()), format!("{key} is no host or realm name: printable ASCII without blanks is expected")))
    }
}

/// An IP address and a port.
fn socket(text: &Spanned<String>) -> Result<SocketAddr, Wrong> {
    text.get_ref().parse().map_err(|_| {
        let words = format!("\"{}\" is no address and port, such as 127.0.0.1:9868", text.get_ref());
        (Some(text.span()), words)
    })
}

/// Where to connect to.
fn endpoint(text: &Spanned<String>) -> Result<Endpoint, Wrong> {
    text.get_ref().parse().map_err(|words: String| (Some(text.span()), words))
}

/// Where to listen: names are for others to look up.
fn listening(text: &Spanned<String>) -> Result<Endpoint, Wrong> {
    let endpoint = endpoint(text)?;
    match endpoint.name() {
        None => Ok(endpoint),
        Some(name) => {
            let words = format!("\"{name}\" is no address: a node listens at addresses, e.g. 127.0.0.14:3868");
            Err((Some(text.span()), words))
        }
    }
}

/// A time in seconds, at least `least` and at most a day.
fn seconds(value: Option<&Spanned<f64>>, key: &str, least: f64, default: Duration) -> Result<Duration, Wrong> {
    const DAY: f64 = 86_400.0;
    let Some(value) = value else { return Ok(default) };
    let number = *value.get_ref();
    if (least..=DAY).contains(&number) {
        return Ok(Duration::from_secs_f64(number));
    }
    Err((Some(value.span()), format!("{key} is {number}, expected {least} to {DAY} seconds")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
identity = "hss.example"
realm = "example"
listen = ["127.0.0.13", "tcp:127.0.0.13:3869"]
transport = "sctp-embedded"
tc = 2

[[peer]]
identity = "mme.example"
addresses = ["127.0.0.12"]

[[peer]]
identity = "function.example"
connect_to = "127.0.0.14"
udp_port = 9900
tw = 6

[hss]
"#;

    fn read(text: &str) -> Result<Config, String> {
        parse(Path::new("conf/hss.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_becomes_settings() {
        let config = read(GOOD).unwrap();
        let settings = &config.settings;
        assert_eq!(settings.listen[0].to_string(), "127.0.0.13");
        assert_eq!(settings.listen[1].to_string(), "tcp:127.0.0.13:3869");
        assert_eq!(settings.local.addresses, ["127.0.0.13".parse::<IpAddr>().unwrap()]);
        assert_eq!(settings.transport, Transport::EmbeddedSctp);
        let [mme, function] = &settings.peers[..] else { panic!() };
        assert_eq!((mme.connect_to.clone(), mme.settings.intervals.connect), (None, Duration::from_secs(2)));
        assert_eq!(function.udp_port, Some(9900));
        assert_eq!(function.expected.addresses, ["127.0.0.14".parse::<IpAddr>().unwrap()]);
        assert_eq!(function.settings.intervals.watchdog, Duration::from_secs(6));
        assert!(matches!(config.role, Role::Hss(_)));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (from, to, words) in [
            ("tc = 2", "tc = -1", "conf/hss.toml:6:6: tc is -1, expected 0.1 to 86400 seconds"),
            ("tw = 6", "tw = 5", "conf/hss.toml:16:6: tw is 5, expected 6 to 86400 seconds"),
            ("tc = 2", "tz = 2", "conf/hss.toml:6:1: unknown field `tz`"),
            ("tc = 2", "tc = ", "conf/hss.toml:6:6: "),
            ("\"sctp-embedded\"", "\"udp\"", "conf/hss.toml:5:13: \"udp\" is no transport"),
            ("\"127.0.0.14\"", "\"udp:1.2.3.4\"", "conf/hss.toml:14:14: \"udp:1.2.3.4\" is no address"),
            (
                "[\"127.0.0.13\"",
                "[\"hss.example\"",
                "conf/hss.toml:4:11: \"hss.example\" is no address: a node listens",
            ),
            ("function.example", "MME.example", "conf/hss.toml:13:12: the peer MME.example is there twice"),
            ("\"mme.example\"", "\"hss.example\"", "conf/hss.toml:9:12: the peer hss.example is this node itself"),
            ("[hss]", "[private]\nvendor = 10415\n[hss]", "vendor 10415 is a standard's; take one of your own"),
            ("[hss]", "[sctp]\nmtu = 100\n[hss]", "conf/hss.toml:19:7: mtu is 100, expected 576 to 9000"),
            ("[hss]", "[sctp]\nrto_initial = 9\n[hss]", "conf/hss.toml:19:15: rto_minimum 300ms, rto_initial 9s and"),
            ("[hss]", "", "conf/hss.toml: the node has no role"),
            ("[hss]", "[hss]\ncolour = 1", "conf/hss.toml:19:1: unknown field `colour`"),
            ("realm = \"example\"", "", "missing field `realm`"),
            ("realm = \"example\"", "realm = \"ex ample\"", "conf/hss.toml:3:9: realm is no host or realm name"),
        ] {
            let error = read(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(words), "{error}\nshould be\n{words}");
        }
    }

    #[test]
    fn agents_are_read_with_their_routes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let relay = load(&folder.join("relay.toml")).unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(relay.role, Role::Relay(RelayConfig { proxy_info: false })));
        let [own, default] = &relay.settings.routes[..] else { panic!() };
        assert_eq!((own.hosts.len(), own.share, &*default.realm), (2, false, "*"));
        let intervals = relay.settings.peers[0].settings.intervals;
        assert_eq!((intervals.connect.as_secs(), intervals.connect_limit.as_secs()), (2, 30));
        let redirect = load(&folder.join("redirect.toml")).unwrap_or_else(|error| panic!("{error}"));
        let Role::Redirect(RedirectConfig { rows }) = &redirect.role else { panic!() };
        assert_eq!((rows[0].usage, rows[0].cache_time, rows[0].hosts[0].port), (3, 3600, 3868));
        let intervals = redirect.settings.peers[0].settings.intervals;
        assert_eq!(intervals.connect_limit, 4 * intervals.connect, "four times tc unless said otherwise");
    }

    #[test]
    fn what_is_wrong_with_an_agent_is_told_with_its_place() {
        let section = "[[redirect.route]]\nrealm = \"*\"\nhosts = [\"aaa://x\"]\nusage = \"ALL_REALM\"\ncache_time = 1";
        let good = GOOD.replacen("[hss]", section, 1);
        assert!(read(&good).is_ok());
        for (from, to, words) in [
            ("aaa://x", "x", "conf/hss.toml:20:10: `x` is no DiameterURI"),
            ("[\"aaa://x\"]", "[]", "the redirect for realm * has no hosts"),
            ("ALL_REALM", "ALL", "conf/hss.toml:21:9: \"ALL\" is no usage, expected one of DONT_CACHE, ALL_SESSION"),
            ("cache_time = 1", "", "conf/hss.toml:21:9: a usage other than DONT_CACHE needs cache_time"),
            ("tc = 2", "tc = 2\ntc_max = 1", "conf/hss.toml:7:10: tc_max is 1, expected 2 to"),
            ("tc = 2", "tc = 2\n[relay]\nproxy = true", "conf/hss.toml:8:1: unknown field `proxy`"),
        ] {
            let error = read(&good.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(words), "{error}\nshould be\n{words}");
        }
    }

    #[test]
    fn the_examples_are_good_and_fit_together() {
        use crate::registration::Credential;
        use crate::registration::app_server::Question;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let load = |name: &str| load(&folder.join(name)).unwrap_or_else(|error| panic!("{error}"));
        let names = ["ue.toml", "mme.toml", "hss.toml", "function.toml", "app-server.toml", "function2.toml"];
        let configs: Vec<_> = names.into_iter().map(load).collect();
        // Each peer of each is one of the six, names it back, and exactly one of the two connects.
        for one in &configs {
            let this = &one.settings.local.identity;
            for peer in &one.settings.peers {
                let other =
                    configs.iter().find(|other| other.settings.local.identity == peer.expected.identity).unwrap();
                let back = other.settings.peers.iter().find(|back| back.expected.identity == *this).unwrap();
                assert_ne!(peer.connect_to.is_some(), back.connect_to.is_some(), "{this}");
                assert!(back.expected.addresses.iter().all(|ip| one.settings.local.addresses.contains(ip)), "{this}");
            }
        }
        // The UE's key is that of a user of the app server.
        let (Role::Ue(ue), Role::AppServer(server)) = (&configs[0].role, &configs[4].role) else { panic!() };
        let (device, user) = (&ue.devices[0], &server.users[0]);
        assert_eq!(user.name, device.user);
        let Credential::Key(key) = &device.credential else { panic!() };
        let question =
            Question::Signature { key: user.key.unwrap(), octets: b"x"[..].into(), signature: key.sign(b"x") };
        assert_eq!(users::judge(&question), Ok(true));
    }
}
