//! The file as it is written, and what is judged of it.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{Config, Fixed, RelayConfig, Role, agents, sctp, tls};
use crate::generic::ResponderConfig;
use crate::message::renumber::PrivateNumbers;
use crate::net::{Endpoint, Transport};
use crate::node::{PeerSettings, Settings, users};
use crate::peer::routing::RealmRoute;
use crate::peer::{self, Expected, Intervals, Local};
use crate::registration::{AppServerConfig, FunctionConfig, HssConfig, MmeConfig, UeConfig};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
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
    /// Read by [`super::dictionaries`], before the rest: AVPs may be named by what is learnt there.
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

/// Where something is wrong, and what.
pub(super) type Wrong = (Option<Range<usize>>, String);

impl File {
    pub(super) fn judge(self, path: &Path, warnings: &mut Vec<Wrong>) -> Result<Config, Wrong> {
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
pub(super) fn seconds(
    value: Option<&Spanned<f64>>,
    key: &str,
    least: f64,
    default: Duration,
) -> Result<Duration, Wrong> {
    const DAY: f64 = 86_400.0;
    let Some(value) = value else { return Ok(default) };
    let number = *value.get_ref();
    if (least..=DAY).contains(&number) {
        return Ok(Duration::from_secs_f64(number));
    }
    Err((Some(value.span()), format!("{key} is {number}, expected {least} to {DAY} seconds")))
}
