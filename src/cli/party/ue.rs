//! `proselink ue`: a UE registers with real nodes; where a function stands in the place of the MME, this process plays the
//! MME, too.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use toml::Table;

use super::counterpart::{Calling, Known, calls};
use super::explain::{cause_name, explain};
use super::{Counterpart, Lines, PartyArgs, Stage, act, interrupted, lines, origin_state, secret, seed, settings};
use crate::cli::call::Early;
use crate::cli::run::say;
use crate::cli::{Globals, exit};
use crate::interfaces::{pc3, pc4, s6a};
use crate::net::{Endpoint, Host, Transport};
use crate::node::{self, Handle, NodeError, Observer, PeerSettings, Settings, users};
use crate::peer::{self, Expected, Local};
use crate::registration::identifiers::Imsi;
use crate::registration::ue::{Attachment, Phase, Refused};
use crate::registration::{ALL_SERVICES, Identity, Mme, MmeConfig, Ue, UeConfig};

/// The arguments of `ue`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UeArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Get an ID1 (messages 5 and 6) and register the user with it (messages 1 and 4)
    #[command(after_help = EXAMPLES)]
    Register(RegisterArgs),
    /// Get an ID1 and no more (messages 5 and 6)
    #[command(after_help = EXAMPLES)]
    Allocate(AllocateArgs),
}

/// The UE, and who stands between it and the function.
#[derive(Clone, Debug, Args)]
pub struct AllocateArgs {
    /// The UE's IMSI
    #[arg(long, value_name = "DIGITS")]
    imsi: Imsi,
    /// What the UE can do, in the bits of ProSe-Permission
    #[arg(long, value_name = "BITS", default_value_t = ALL_SERVICES)]
    capability: u32,
    /// The MME, as [NAME@]ENDPOINT: mme.example@tcp:127.0.0.12, or aaa://mme.example
    #[arg(long, value_name = "PEER", required_unless_present = "function", conflicts_with = "function")]
    mme: Option<Counterpart>,
    /// The function itself, as in --mme: this process plays the MME, too
    #[arg(long, value_name = "PEER")]
    function: Option<Counterpart>,
    /// With --function: the HSS that the MME asks; without it the UE counts as subscribed
    #[arg(long, value_name = "PEER", requires = "function")]
    hss: Option<Counterpart>,
    /// With --function: the MME's Origin-Host; mme.REALM unless said otherwise
    #[arg(long, value_name = "HOST", requires = "function")]
    mme_identity: Option<String>,
    #[command(flatten)]
    party: PartyArgs,
}

#[derive(Clone, Debug, Args)]
struct RegisterArgs {
    #[command(flatten)]
    allocate: AllocateArgs,
    /// The app server, as in --mme
    #[arg(long, value_name = "PEER")]
    app_server: Counterpart,
    /// The ProSe Application ID
    #[arg(long, value_name = "ID")]
    application: String,
    /// The user's name at the app server
    #[arg(long, value_name = "NAME")]
    user: String,
    /// A file whose first line is the user's password; - for standard input, which is read when nothing is said
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The user's private key in PEM instead, as `proselink user key` makes it: message 1 is signed
    #[arg(long, value_name = "FILE", conflicts_with = "password_file")]
    user_key: Option<PathBuf>,
    /// Leave ID3 out of message 1: the app server finds the function by the network in ID1
    #[arg(long)]
    no_id3: bool,
    /// Once registered, move to another function
    #[arg(long = "move")]
    moves: bool,
}

const EXAMPLES: &str = "\
Examples:
  proselink ue register --imsi 001010000000001 --mme 'aaa://127.0.0.12;transport=tcp' \\
    --app-server 'aaa://127.0.0.15;transport=tcp' --application mcc001.mnc01.ProSeApp.Demo \\
    --user alice --user-key alice.key
  proselink ue register --imsi 001010000000001 --function function.example@tcp:127.0.0.14 \\
    --app-server app-server.example@tcp:127.0.0.15 --application demo --user alice --password-file alice.password -w alice.pcapng
      without an MME: this process plays it, too; the app server takes a password over TLS, or with --lab
  proselink ue allocate --imsi 001010000000001 --function sctp-embedded:127.0.0.14 --from 127.0.0.12 --json

A PEER is [NAME@]ENDPOINT: its Origin-Host and how it is reached. Without NAME the name of an aaa:// URI counts; a bare
address is called once to learn the name, then again to work.

Exit codes: 0 registered (or ID1 given), 1 refused, and why, 2 the command line cannot be used, 3 not reached or refused as
a peer.";

/// Runs the verb; the result is the exit code.
pub fn run(args: UeArgs, _globals: &Globals) -> u8 {
    match args.what {
        What::Register(args) => {
            let RegisterArgs { allocate, app_server, application, user, password_file, user_key, no_id3, moves } = args;
            let server = Server { app_server, application, user, password_file, user_key, tell_id3: !no_id3, moves };
            act("ue register", play(allocate, Some(server)))
        }
        What::Allocate(args) => allocate("ue allocate", args),
    }
}

/// Gets an ID1, as the UE or, which is the same on the wire, as its MME.
pub fn allocate(verb: &str, args: AllocateArgs) -> u8 {
    act(verb, play(args, None))
}

/// Whom the user registers with.
struct Server {
    app_server: Counterpart,
    application: String,
    user: String,
    password_file: Option<PathBuf>,
    user_key: Option<PathBuf>,
    tell_id3: bool,
    moves: bool,
}

impl Server {
    /// What proves the user, as a key of a configuration and its value.
    fn proof(&self) -> Result<(&'static str, String), Early> {
        if let Some(file) = &self.user_key {
            let text = std::fs::read_to_string(file);
            return text
                .map(|pem| ("key", pem))
                .map_err(|error| Early::environment(format!("{}: {error}", file.display())));
        }
        Ok(("password", secret(self.password_file.as_deref().unwrap_or(Path::new("-")))?))
    }
}

async fn play(args: AllocateArgs, server: Option<Server>) -> Result<u8, Early> {
    // A UE that only wants an ID1 proves no user.
    let proof = server.as_ref().map_or(Ok(("password", "none".to_owned())), Server::proof)?;
    // Any free port of ours: the counterparts may run on this machine and have the registered one.
    let stage = Stage::set(args.party.clone(), Some(args.imsi), 0)?;
    let json = args.party.json;
    let lines = lines(json)?;
    let outcome = tokio::select! {
        outcome = perform(&args, server, proof, &stage, &lines) => outcome,
        code = interrupted() => Ok(Outcome { code, words: "interrupted".to_owned(), json: json!({"outcome": "interrupted"}) }),
    };
    lines.finish();
    stage.finish()?;
    let outcome = outcome?;
    if json {
        let mut value = json!({"v": 1});
        if let (Some(value), Value::Object(more)) = (value.as_object_mut(), outcome.json) {
            value.extend(more);
        }
        say(&value.to_string());
    } else {
        say(&outcome.words);
    }
    Ok(outcome.code)
}

/// What came of it.
struct Outcome {
    code: u8,
    words: String,
    json: Value,
}

async fn perform(
    args: &AllocateArgs,
    server: Option<Server>,
    proof: (&'static str, String),
    stage: &Stage,
    lines: &Lines,
) -> Result<Outcome, Early> {
    let ue_identity = stage.identity("ue");
    let mme_identity = args.mme_identity.clone().unwrap_or_else(|| format!("mme.{}", stage.realm));
    let own = if args.function.is_some() { vec![ue_identity.clone(), mme_identity.clone()] } else { Vec::new() };
    let observer = lines.observer(own);
    let calling = stage.calling(&ue_identity, &[pc3::APPLICATION]);
    // Whom the UE knows: the MME, real or ours, and the app server.
    let mut peers = Vec::new();
    let mut from = args.party.from.clone();
    let (mme, ours) = match (&args.mme, &args.function) {
        (Some(mme), _) => {
            let known = mme.resolve(&calling).await?;
            from.push(known.from);
            peers.push(known.peer(&calling));
            (known.destination(), None)
        }
        (None, Some(function)) => {
            let ours = OwnMme::start(args, function, stage, &mme_identity, &ue_identity, &observer).await?;
            let address = ours.address;
            peers.push(calls(&mme_identity, &tcp(address)));
            from.push(address.ip());
            let realm = stage.realm.clone();
            (crate::registration::Destination { host: Some(mme_identity.clone()), realm }, Some(ours))
        }
        (None, None) => return Err(Early::usage("--mme or --function is needed")),
    };
    let app_server = match &server {
        Some(server) => {
            let known = server.app_server.resolve(&calling).await?;
            from.push(known.from);
            peers.push(known.peer(&calling));
            Some(known)
        }
        None => None,
    };
    let element = ue_config(args, server.as_ref(), proof, &mme, app_server.as_ref())?;
    let identity = Identity { host: ue_identity.clone(), realm: stage.realm.clone() };
    let ue = Ue::new(identity, element, seed()?);
    let ue = node::start(
        ue_settings(stage, &ue_identity, from, peers, &calling),
        stage.net.clone(),
        ue,
        None,
        Some(observer),
    );
    let ue = ue.await.map_err(Early::environment)?;
    let outcome = converse(args, server.as_ref(), &ue, ours.as_ref()).await;
    // Whoever connects leaves before those it connects to, so that each association sees one DPR.
    let stopped = ue.stop().await;
    if let Some(ours) = ours {
        ours.handle.stop().await.map_err(Early::environment)?;
    }
    let outcome = outcome?;
    stopped.map_err(Early::environment)?;
    Ok(outcome)
}

fn ue_settings(
    stage: &Stage,
    identity: &str,
    mut from: Vec<IpAddr>,
    peers: Vec<PeerSettings>,
    calling: &Calling,
) -> Settings {
    let mut seen = std::collections::HashSet::new();
    from.retain(|address| seen.insert(*address));
    let mut settings =
        Settings::new(Local { origin_state: origin_state(), ..Local::new(identity, &*stage.realm, from) });
    settings.transport = Transport::Sctp;
    settings.peers = peers;
    for peer in &mut settings.peers {
        peer.settings.answer_wait = calling.timeout;
    }
    settings
}

/// The UE's configuration; without an app server there is nobody to register with.
fn ue_config(
    args: &AllocateArgs,
    server: Option<&Server>,
    proof: (&'static str, String),
    mme: &crate::registration::Destination,
    app_server: Option<&Known>,
) -> Result<UeConfig, Early> {
    let destination = |host: &str, realm: &str| {
        Table::from_iter([("host".to_owned(), host.into()), ("realm".to_owned(), realm.into())])
    };
    let app_server = app_server.map_or(("nobody.invalid", "invalid"), |known| (&*known.identity, &*known.realm));
    let device = Table::from_iter([
        ("imsi".to_owned(), args.imsi.reveal().into()),
        ("capability".to_owned(), i64::from(args.capability).into()),
        ("user".to_owned(), server.map_or("nobody", |server| &*server.user).into()),
        (proof.0.to_owned(), proof.1.into()),
    ]);
    let mut config: UeConfig = settings(Table::from_iter([
        ("mme".to_owned(), destination(mme.host.as_deref().unwrap_or_default(), &mme.realm).into()),
        ("app_server".to_owned(), destination(app_server.0, app_server.1).into()),
        ("application".to_owned(), server.map_or("", |server| &*server.application).into()),
        ("tell_id3".to_owned(), server.is_none_or(|server| server.tell_id3).into()),
        ("devices".to_owned(), toml::Value::Array(vec![device.into()])),
    ]))?;
    users::read_keys(&mut config, Path::new("")).map_err(Early::usage)?;
    Ok(config)
}

/// An MME of ours between the UE and a real function.
struct OwnMme {
    handle: Handle<Mme>,
    address: SocketAddr,
}

impl OwnMme {
    async fn start(
        args: &AllocateArgs,
        function: &Counterpart,
        stage: &Stage,
        identity: &str,
        ue: &str,
        observer: &Observer,
    ) -> Result<Self, Early> {
        let calling = stage.calling(identity, &[pc4::mme::APPLICATION, s6a::APPLICATION]);
        let function = function.resolve(&calling).await?;
        let hss = match &args.hss {
            Some(hss) => Some(hss.resolve(&calling).await?),
            None => None,
        };
        let mut config = MmeConfig {
            plmn: stage.plmn,
            hss: hss.as_ref().map(Known::destination),
            subscribers: Vec::new(),
            functions: vec![function.function()],
            services: ALL_SERVICES,
            most_pending: 64,
        };
        if hss.is_none() {
            config.subscribers = super::serve::subscribers([args.imsi], ALL_SERVICES);
        }
        let mut from = args.party.from.clone();
        from.extend([&Some(function.clone()), &hss].into_iter().flatten().map(|known| known.from));
        let all = [Some(function), hss];
        let peers = all.iter().flatten().map(|known| known.peer(&calling)).collect();
        let mut settings = ue_settings(stage, identity, from, peers, &calling);
        settings.peers.push(PeerSettings {
            expected: Expected { identity: ue.to_owned(), realm: None, addresses: Vec::new() },
            connect_to: None,
            udp_port: None,
            settings: peer::Settings { answer_wait: calling.timeout, ..peer::Settings::default() },
        });
        let identity = Identity { host: identity.to_owned(), realm: stage.realm.clone() };
        let mut last = None;
        // Another process may have the address; there are sixteen million.
        for _ in 0..8 {
            let address = own_address()?;
            settings.listen = vec![tcp(address)];
            let mme = Mme::new(identity.clone(), config.clone(), seed()?).map_err(Early::usage)?;
            match node::start(settings.clone(), stage.net.clone(), mme, None, Some(observer.clone())).await {
                Ok(handle) => return Ok(Self { handle, address }),
                Err(error) => last = Some(error),
            }
        }
        Err(Early::environment(last.map_or_else(|| "no address".to_owned(), |error| error.to_string())))
    }
}

/// An address of loopback that hardly anybody else has, for the leg between our UE and our MME.
fn own_address() -> Result<SocketAddr, Early> {
    let [one, two, three, ..] = seed()?;
    let ip = IpAddr::V4(Ipv4Addr::new(127, 64 | one & 0x3f, two, three.clamp(1, 254)));
    Ok(SocketAddr::new(ip, Transport::Tcp.port()))
}

fn tcp(address: SocketAddr) -> Endpoint {
    Endpoint { transport: Some(Transport::Tcp), hosts: vec![Host::Address(address.ip())], port: Some(address.port()) }
}

/// What a UE has come to.
type State = (Option<Phase>, Option<Attachment>, Option<Refused>);

fn state(ue: &Ue) -> State {
    (ue.phase(0).cloned(), ue.attachment(0).cloned(), ue.refused(0).cloned())
}

async fn converse(
    args: &AllocateArgs,
    server: Option<&Server>,
    ue: &Handle<Ue>,
    ours: Option<&OwnMme>,
) -> Result<Outcome, Early> {
    let patience = args.party.timeout;
    if let Some(ours) = ours {
        ours.handle.ready(patience).await.map_err(not_ready)?;
    }
    ue.ready(patience).await.map_err(not_ready)?;
    let registers = server.is_some();
    let started =
        ue.call(move |ue, now, actions| if registers { ue.register(now, 0, actions) } else { ue.allocate(0, actions) });
    started.await.map_err(Early::environment)?;
    let settled = ue.follow(|ue, _, _| ue.is_idle(0).then(|| state(ue))).await.map_err(Early::environment)?;
    let (phase, Some(held), None) = settled else { return Ok(refusal(args.imsi, settled)) };
    let id2 = match phase {
        Some(Phase::Registered { id2 }) => Some(id2.as_str().to_owned()),
        _ => None,
    };
    let imsi = args.imsi.to_string();
    let (mut words, mut value) = match (&id2, server) {
        (Some(id2), Some(server)) => (
            format!("registered: {imsi} is {}; its user is ID2 {id2} of {}", holds(&held), server.application),
            json!({"outcome": "registered", "imsi": imsi, "application": server.application, "id2": id2}),
        ),
        _ => (format!("allocated: {imsi} is {}", holds(&held)), json!({"outcome": "allocated", "imsi": imsi})),
    };
    if let Some(value) = value.as_object_mut() {
        value.extend(told(&held));
    }
    if server.is_some_and(|server| server.moves) {
        let before = held.clone();
        ue.call(|ue, _, actions| ue.change_function(0, actions)).await.map_err(Early::environment)?;
        let settled = ue.follow(move |ue, _, _| ue.is_idle(0).then(|| state(ue))).await.map_err(Early::environment)?;
        let (_, Some(held), None) = settled else { return Ok(refusal(args.imsi, settled)) };
        if held.id1 == before.id1 {
            words.push_str("; it has not moved: the MME knows no other function");
            return Ok(Outcome { code: exit::DIFFERS, words, json: value });
        }
        words.push_str(&format!("; moved: it is {} now", holds(&held)));
        if let Some(value) = value.as_object_mut() {
            value.insert("moved".to_owned(), Value::Object(told(&held).collect()));
        }
    }
    Ok(Outcome { code: exit::GOOD, words, json: value })
}

fn not_ready(error: NodeError) -> Early {
    Early::environment(error)
}

fn holds(held: &Attachment) -> String {
    let by = held.id3.as_ref().map_or_else(|| "an unnamed function".to_owned(), ToString::to_string);
    format!("ID1 {} of {by}", held.id1)
}

fn told(held: &Attachment) -> impl Iterator<Item = (String, Value)> {
    let id3 = held.id3.as_ref().map(ToString::to_string);
    [
        ("id1".to_owned(), held.id1.to_string().into()),
        ("id3".to_owned(), id3.into()),
        ("valid_until".to_owned(), held.valid_until.0.into()),
    ]
    .into_iter()
}

/// A UE that did not get what it wanted.
fn refusal(imsi: Imsi, (_, held, refused): State) -> Outcome {
    let refused = refused.unwrap_or_else(|| Refused { cause: None, code: None, text: "nobody says why".to_owned() });
    let (advice, step) = (explain(&refused), if held.is_some() { "message 4" } else { "message 6" });
    let json = json!({
        "outcome": "refused",
        "imsi": imsi.to_string(),
        "step": step,
        "code": refused.code,
        "cause": refused.cause,
        "cause_name": cause_name(&refused),
        "text": refused.text,
        "explanation": advice,
    });
    Outcome { code: exit::DIFFERS, words: format!("refused by {step}: {imsi}: {}\n{advice}", refused.text), json }
}
