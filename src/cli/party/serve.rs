//! `proselink mme|hss|app-server`: a server for a lab, until Ctrl-C. Whoever calls is let in, unless --peer says who may.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use toml::Table;

use super::counterpart::{Calling, Known};
use super::{Counterpart, Folder, PartyArgs, Stage, act, lines, secret, settings, ue};
use crate::cli::Globals;
use crate::cli::call::Early;
use crate::cli::run::{self, Manner};
use crate::interfaces::{pc2, pc3, pc4, s6a};
use crate::net::{Endpoint, Transport};
use crate::node::PeerSettings;
use crate::node::config::{Config, Fixed, Role, Sctp};
use crate::node::{Settings, users};
use crate::peer::{self, Expected, Local};
use crate::registration::app_server::User;
use crate::registration::hss::Subscriber;
use crate::registration::identifiers::Imsi;
use crate::registration::mme::KnownSubscriber;
use crate::registration::{ALL_SERVICES, AppServerConfig, HssConfig, MmeConfig};

/// Callers that nobody named, at a time.
const GUESTS: usize = 256;

/// Where a server listens and whom it lets in.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Listen here: [TRANSPORT:]ADDRESS[:PORT]
    #[arg(long, value_name = "ENDPOINT", required = true)]
    listen: Vec<Endpoint>,
    /// Let in this Origin-Host and no other; everybody unless said otherwise
    #[arg(long, value_name = "HOST")]
    peer: Vec<String>,
    /// Let `proselink show` look in through this Unix socket
    #[arg(long, value_name = "PATH")]
    admin: Option<PathBuf>,
    #[command(flatten)]
    party: PartyArgs,
}

/// The arguments of `mme`.
#[derive(Debug, Args)]
#[command(after_help = MME_EXAMPLES)]
pub struct MmeArgs {
    #[command(subcommand)]
    what: MmeWhat,
}

#[derive(Debug, Subcommand)]
enum MmeWhat {
    /// Serve UEs: judge them, carry messages 5 and 6
    #[command(after_help = MME_EXAMPLES)]
    Serve(MmeServeArgs),
    /// Get an ID1 for one UE from a function, as its MME does
    #[command(after_help = MME_EXAMPLES)]
    Attach(ue::AllocateArgs),
}

#[derive(Debug, Args)]
struct MmeServeArgs {
    /// A function, as [NAME@]ENDPOINT; the first serves a UE unless it has moved away from there
    #[arg(long, value_name = "PEER", required = true)]
    function: Vec<Counterpart>,
    /// The HSS to ask about subscriptions
    #[arg(long, value_name = "PEER", required_unless_present = "imsi")]
    hss: Option<Counterpart>,
    /// Without an HSS: a UE that is subscribed
    #[arg(long, value_name = "DIGITS", conflicts_with = "hss")]
    imsi: Vec<Imsi>,
    #[command(flatten)]
    serve: ServeArgs,
}

const MME_EXAMPLES: &str = "\
Examples:
  proselink mme serve --listen tcp:127.0.0.12 --function function.example@tcp:127.0.0.14 \\
    --hss hss.example@tcp:127.0.0.13 --plmn 001-01
  proselink mme serve --listen tcp:127.0.0.12 --function tcp:127.0.0.14 --imsi 001010000000001
  proselink mme attach --imsi 001010000000001 --function 'aaa://127.0.0.14;transport=tcp' -w attach.pcapng

Exit codes: 0 stopped in order (or ID1 given), 1 the UE was refused, 2 the command line cannot be used, 3 the transport
failed.";

/// The arguments of `hss`.
#[derive(Debug, Args)]
#[command(after_help = HSS_EXAMPLES)]
pub struct HssArgs {
    #[command(subcommand)]
    what: HssWhat,
}

#[derive(Debug, Subcommand)]
enum HssWhat {
    /// Answer MMEs (S6a) and functions (PC4a) about subscribers
    #[command(after_help = HSS_EXAMPLES)]
    Serve(HssServeArgs),
}

#[derive(Debug, Args)]
struct HssServeArgs {
    /// A subscriber who may use ProSe
    #[arg(long, value_name = "DIGITS", required_unless_present = "subscribers")]
    imsi: Vec<Imsi>,
    /// ProSe-Permission of --imsi, bit by bit
    #[arg(long, value_name = "BITS", default_value_t = ALL_SERVICES)]
    permission: u32,
    /// A TOML file of subscribers: [[subscribers]], as below [hss] in a configuration
    #[arg(long, visible_alias = "subscriber", value_name = "FILE")]
    subscribers: Option<PathBuf>,
    #[command(flatten)]
    serve: ServeArgs,
}

const HSS_EXAMPLES: &str = "\
Examples:
  proselink hss serve --listen tcp:127.0.0.13 --imsi 001010000000001
  proselink hss serve --listen sctp-embedded:127.0.0.13 --subscribers subscribers.toml --plmn 001-01 -w hss.pcapng

A file of subscribers:
  [[subscribers]]
  imsi = \"001010000000001\"
  msisdn = \"491510000001\"
  prose_permission = 255

Exit codes: 0 stopped in order, 2 the command line or the file cannot be used, 3 the transport failed.";

/// The arguments of `app-server`.
#[derive(Debug, Args)]
#[command(after_help = APP_SERVER_EXAMPLES)]
pub struct AppServerArgs {
    #[command(subcommand)]
    what: AppServerWhat,
}

#[derive(Debug, Subcommand)]
enum AppServerWhat {
    /// Prove users, allot ID2, register it with the function
    #[command(after_help = APP_SERVER_EXAMPLES)]
    Serve(AppServerServeArgs),
}

#[derive(Debug, Args)]
struct AppServerServeArgs {
    /// A function, as [NAME@]ENDPOINT: message 2 goes to these and to no others
    #[arg(long, value_name = "PEER", required = true)]
    function: Vec<Counterpart>,
    /// A ProSe Application ID that it serves
    #[arg(long, value_name = "ID", required = true)]
    application: Vec<String>,
    /// A user who may register
    #[arg(long, value_name = "NAME", requires = "password_file", required_unless_present_any = ["users", "keys", "passwords"])]
    user: Option<String>,
    /// A file whose first line is that user's password; - for standard input
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// A TOML file of users: [[users]], as below [app_server] in a configuration
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Users with public keys, a line each, as `proselink user key` prints it
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Users with hashes of passwords, a line each, as `proselink user hash` prints it
    #[arg(long, value_name = "FILE")]
    passwords: Option<PathBuf>,
    /// A lab: take passwords over connections that TLS does not protect, too
    #[arg(long)]
    lab: bool,
    /// Keep the registrations in this file; without it they are forgotten at the end
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    #[command(flatten)]
    serve: ServeArgs,
}

const APP_SERVER_EXAMPLES: &str = "\
Examples:
  proselink app-server serve --listen tcp:127.0.0.15 --function function.example@tcp:127.0.0.14 \\
    --application mcc001.mnc01.ProSeApp.Demo --user alice --password-file alice.password --lab --plmn 001-01
  proselink app-server serve --listen tls:10.0.0.15 --certificate as.pem --key as.key --ca ca.pem \\
    --function function.example@tls:10.0.0.14 --application demo --keys demo.keys --store as.redb --plmn 001-01

Exit codes: 0 stopped in order, 2 the command line or the file cannot be used, 3 the transport failed.";

/// Runs `mme`; the result is the exit code.
pub fn mme(args: MmeArgs, _globals: &Globals) -> u8 {
    match args.what {
        MmeWhat::Attach(args) => ue::allocate("mme attach", args),
        MmeWhat::Serve(args) => act("mme serve", serve_mme(args)),
    }
}

/// Runs `hss`; the result is the exit code.
pub fn hss(args: HssArgs, _globals: &Globals) -> u8 {
    let HssWhat::Serve(args) = args.what;
    act("hss serve", serve_hss(args))
}

/// Runs `app-server`; the result is the exit code.
pub fn app_server(args: AppServerArgs, _globals: &Globals) -> u8 {
    let AppServerWhat::Serve(args) = args.what;
    act("app-server serve", serve_app_server(args))
}

async fn serve_mme(args: MmeServeArgs) -> Result<u8, Early> {
    let MmeServeArgs { function, hss, imsi, serve } = args;
    let stage = stage(&serve, imsi.first().copied())?;
    let identity = stage.identity("mme");
    let calling = stage.calling(&identity, &[pc4::mme::APPLICATION, s6a::APPLICATION, pc3::APPLICATION]);
    let functions = resolve(&function, &calling).await?;
    let hss = resolve(hss.as_slice(), &calling).await?;
    let config = MmeConfig {
        plmn: stage.plmn,
        hss: hss.first().map(Known::destination),
        subscribers: subscribers(imsi, ALL_SERVICES),
        functions: functions.iter().map(Known::function).collect(),
        services: ALL_SERVICES,
        most_pending: 65_536,
    };
    let peers: Vec<_> = functions.iter().chain(&hss).map(|known| known.peer(&calling)).collect();
    play(stage, serve, &identity, peers, Role::Mme(config), None).await
}

async fn serve_hss(args: HssServeArgs) -> Result<u8, Early> {
    let HssServeArgs { imsi, permission, subscribers, serve } = args;
    let mut config = match &subscribers {
        Some(path) => read::<HssConfig>(path)?,
        None => settings(Table::new())?,
    };
    for imsi in &imsi {
        let one = Table::from_iter([
            ("imsi".to_owned(), imsi.reveal().into()),
            ("prose_permission".to_owned(), i64::from(permission).into()),
        ]);
        config.subscribers.push(settings::<Subscriber>(one)?);
    }
    let first = config.subscribers.first().map(|subscriber| subscriber.imsi);
    let stage = stage(&serve, first)?;
    let identity = stage.identity("hss");
    play(stage, serve, &identity, Vec::new(), Role::Hss(config), None).await
}

async fn serve_app_server(args: AppServerServeArgs) -> Result<u8, Early> {
    let AppServerServeArgs { function, application, user, password_file, users, keys, passwords, lab, store, serve } =
        args;
    let stage = stage(&serve, None)?;
    let identity = stage.identity("app-server");
    let calling = stage.calling(&identity, &[pc2::APPLICATION, pc2::APPLICATION_FIRST, pc3::APPLICATION]);
    let applications: toml::Value = application.into();
    let mut table = match &users {
        Some(path) => read::<Table>(path)?,
        None => Table::new(),
    };
    table.insert("applications".to_owned(), applications);
    for (key, file) in [("keys", &keys), ("passwords", &passwords)] {
        if let Some(file) = file {
            table.insert(key.to_owned(), file.to_string_lossy().into_owned().into());
        }
    }
    if lab {
        table.insert("lab".to_owned(), true.into());
    }
    let mut config: AppServerConfig = settings(table)?;
    if let (Some(user), Some(file)) = (user, password_file) {
        let hash = users::hash(secret(&file)?.as_bytes()).map_err(Early::environment)?;
        config.users.push(User::with_password(&user, hash));
    }
    users::read_users(&mut config, Path::new("")).map_err(Early::usage)?;
    let functions = resolve(&function, &calling).await?;
    config.functions.extend(functions.iter().map(Known::function));
    let peers: Vec<_> = functions.iter().map(|known| known.peer(&calling)).collect();
    let folder = if store.is_none() { Some(Folder::open(None)?) } else { None };
    let store = store.or(folder.as_ref().map(|folder| folder.path.join("app-server.redb")));
    play(stage, serve, &identity, peers, Role::AppServer(Box::new(config)), store).await
}

/// Subscriptions that an MME knows without an HSS.
pub fn subscribers(all: impl IntoIterator<Item = Imsi>, prose_permission: u32) -> Vec<KnownSubscriber> {
    all.into_iter().map(|imsi| KnownSubscriber { imsi, prose_permission }).collect()
}

fn stage(serve: &ServeArgs, imsi: Option<Imsi>) -> Result<Stage, Early> {
    let stage = Stage::set(serve.party.clone(), imsi, crate::capture::write::SCTP_UDP_PORT)?;
    if serve.listen.iter().any(|endpoint| endpoint.transport == Some(Transport::Tls))
        && stage.net.options().tls.is_none()
    {
        return Err(Early::usage("for TLS both sides show a certificate: --certificate FILE --key FILE --ca FILE"));
    }
    Ok(stage)
}

async fn resolve(counterparts: &[Counterpart], calling: &Calling) -> Result<Vec<Known>, Early> {
    let mut known = Vec::with_capacity(counterparts.len());
    for counterpart in counterparts {
        known.push(counterpart.resolve(calling).await?);
    }
    Ok(known)
}

/// Reads a part of a configuration.
fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Early> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Early::environment(format!("{}: {error}", path.display())))?;
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        Early::usage(format!("{}:{}: {}", path.display(), before.matches('\n').count() + 1, error.message()))
    })
}

/// Plays a server until it is told to stop.
async fn play(
    stage: Stage,
    serve: ServeArgs,
    identity: &str,
    mut peers: Vec<PeerSettings>,
    role: Role,
    store: Option<PathBuf>,
) -> Result<u8, Early> {
    let mut addresses = serve.party.from.clone();
    addresses.extend(serve.listen.iter().flat_map(Endpoint::addresses).filter(|address| !address.is_unspecified()));
    let mut seen = std::collections::HashSet::new();
    addresses.retain(|address| seen.insert(*address));
    if addresses.is_empty() {
        return Err(Early::usage("--listen at all addresses needs --from with one that others can call"));
    }
    for host in &serve.peer {
        peers.push(PeerSettings {
            expected: Expected { identity: host.clone(), realm: None, addresses: Vec::new() },
            connect_to: None,
            udp_port: None,
            settings: peer::Settings::default(),
        });
    }
    let mut settings = Settings::new(Local::new(identity, &*stage.realm, addresses));
    settings.listen.clone_from(&serve.listen);
    settings.transport = Transport::Sctp;
    settings.guests = if serve.peer.is_empty() { GUESTS } else { 0 };
    settings.peers = peers;
    if settings.guests > 0 && serve.listen.iter().flat_map(Endpoint::addresses).any(|address| !address.is_loopback()) {
        tracing::warn!("whoever can reach this address is let in; --peer HOST lets in some");
    }
    let config = Config {
        dictionary: Vec::new(),
        settings,
        udp_port: None,
        sctp: Sctp::default(),
        capture: None,
        store,
        threads: std::num::NonZeroU8::MIN,
        tls: None,
        metrics: None,
        admin: serve.admin,
        fixed: Fixed::default(),
        role,
        warnings: Vec::new(),
    };
    let lines = lines(serve.party.json)?;
    let manner = Manner {
        path: PathBuf::from("the command line"),
        json: serve.party.json,
        observer: Some(lines.observer(Vec::new())),
        ..Manner::default()
    };
    let ended = run::perform(manner, config, stage.net.clone()).await;
    lines.finish();
    stage.finish()?;
    ended
}
