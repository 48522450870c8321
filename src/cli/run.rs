//! `proselink run`: one element alone, from its configuration file.

mod attend;
mod systemd;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use self::attend::{Attendant, End};
use super::call::Early;
use super::{Globals, exit};
use crate::generic::Responder;
use crate::net::{Backend, Net, NetError, Options, Recorder};
use crate::node::admin::{self, Desk};
use crate::node::agent::{RedirectElement, RelayElement};
use crate::node::config::{self, Config, Role};
use crate::node::{self, Handle, NodeError, Observer};
use crate::registration::element::Element;
use crate::registration::ue::Phase;
use crate::registration::{AppServer, Function, Hss, Mme, Ue};
use crate::store::Committer;
use crate::store::committer::CommitterThread;
use crate::store::embedded::{self, EmbeddedReader, EmbeddedStore, Options as StoreOptions};

/// The arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// The configuration of the element
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Record all traffic into this capture
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    write: Option<PathBuf>,
    /// Read and judge the configuration, and run nothing
    #[arg(long)]
    check: bool,
    /// Let `proselink show` look in through this Unix socket, instead of `admin` in the configuration
    #[arg(long, value_name = "PATH")]
    admin: Option<PathBuf>,
    /// A UE: once registered, move to another function
    #[arg(long = "move")]
    moves: bool,
}

const EXAMPLES: &str = "\
Examples:
  proselink run -c examples/hss.toml             an HSS, until Ctrl-C
  proselink run -c examples/ue.toml              a UE: registers, prints the result, ends
  proselink run -c examples/mme.toml -w mme.pcapng -v
  proselink run -c examples/function.toml --admin function.sock
  proselink run -c examples/hss.toml --log debug --log-format json
  proselink run -c examples/function.toml --check";

/// How long a UE waits for its MME and app server.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an element is played, beside what its configuration says.
#[derive(Clone, Default)]
pub(super) struct Manner {
    /// The configuration's file, which is read again when it changes.
    pub path: PathBuf,
    /// A UE moves on once it is registered.
    pub moves: bool,
    /// The element's own words, and those about its peers, are JSON objects.
    pub json: bool,
    /// Sees what the node sends and receives.
    pub observer: Option<Observer>,
}

impl From<NodeError> for Early {
    fn from(error: NodeError) -> Self {
        Self::environment(error)
    }
}

impl RunArgs {
    /// Its configuration.
    pub(super) fn configuration(&self) -> &[PathBuf] {
        std::slice::from_ref(&self.config)
    }
}

/// Runs the verb; the result is the exit code.
pub fn run(args: RunArgs, _globals: &Globals) -> u8 {
    let result = config::load(&args.config).map_err(|error| {
        let code = if error.place.is_none() && !args.config.exists() { exit::ENVIRONMENT } else { exit::USAGE };
        Early { words: error.to_string(), code }
    });
    let result = result.and_then(|config| {
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        if args.check {
            say(&format!("{}: good", args.config.display()));
            return Ok(exit::GOOD);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads.get().into())
            .enable_all()
            .build()
            .map_err(|error| Early::environment(format!("the system gives no threads: {error}")))?;
        let result = runtime.block_on(play(&args, config));
        // A name that is being looked up must not hold up the end.
        runtime.shutdown_background();
        result
    });
    result.unwrap_or_else(|early| {
        eprintln!("proselink: {}", early.words);
        early.code
    })
}

/// A line on standard output, at once: whoever started the element may wait for it.
pub(super) fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

impl Manner {
    /// Says something about the element.
    pub fn say(&self, text: &str) {
        if self.json {
            say(&serde_json::json!({"v": 1, "note": text}).to_string());
        } else {
            say(text);
        }
    }
}

async fn play(args: &RunArgs, mut config: Config) -> Result<u8, Early> {
    if args.admin.is_some() {
        config.admin.clone_from(&args.admin);
    }
    let manner = Manner { path: args.config.clone(), moves: args.moves, ..Manner::default() };
    let mut options = Options::default();
    if let Some(port) = config.udp_port {
        options.udp_port = port;
    }
    config.sctp.apply(&mut options);
    options.tls.clone_from(&config.tls);
    let capture = args.write.clone().or(config.capture.clone());
    let recorder = match &capture {
        Some(path) => {
            let recorder = Recorder::create(path, None)
                .map_err(|error| Early::environment(format!("{}: {error}", path.display())))?;
            options.recorder = Some(recorder.clone());
            Some(recorder)
        }
        None => None,
    };
    let net = Net::new(options);
    let result = perform(manner, config, net).await;
    if let (Some(recorder), Some(path)) = (recorder, capture) {
        recorder.finish().map_err(|error| Early::environment(format!("{}: {error}", path.display())))?;
    }
    result
}

/// Plays an element until it ends: a UE when it is registered, all others when they are told to stop.
pub(super) async fn perform(manner: Manner, mut config: Config, net: Net) -> Result<u8, Early> {
    let identity = config.identity();
    // Grows with every start, so that peers see a restart. RFC 6733 section 8.16.
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    config.settings.local.origin_state = unix.as_secs() as u32;
    let mut seed = [0; 16];
    getrandom::fill(&mut seed)
        .map_err(|error| Early::environment(format!("the system gives no randomness: {error}")))?;
    let mut attendant = Attendant::new(manner, &mut config).await?;
    let attendant = &mut attendant;
    let Config { settings, role, store, admin, .. } = config;
    let path = attendant.path().display().to_string();
    let mut stage = Stage { attendant, net, settings, admin, role: role.name(), contexts: None, export: None };
    match role {
        Role::Ue(role) => {
            let (handle, _door) = stage.start(Ue::new(identity, role, seed), None).await?;
            register(handle, stage.attendant).await
        }
        Role::Mme(role) => {
            let mme = Mme::new(identity, role, seed).map_err(|error| Early::usage(format!("{path}: [mme] {error}")))?;
            stage.serve(mme, None).await
        }
        Role::Hss(role) => stage.serve(Hss::new(identity, role, seed), None).await,
        Role::AppServer(role) => {
            let file = store.ok_or_else(|| Early::usage(format!("{path}: an app server needs a store")))?;
            let store = EmbeddedStore::open(file, StoreOptions::default()).map_err(Early::environment)?;
            let server = AppServer::new(identity, *role, store.reader(), seed)
                .map_err(|error| Early::usage(format!("{path}: [app_server] {error}")))?;
            stage.export = Some(exporting(store.reader()));
            let (committer, thread) = Committer::start(store, 4096).map_err(Early::environment)?;
            closed(thread, stage.serve(server, Some(committer)).await?).await
        }
        Role::Responder(role) => stage.serve(Responder::new(identity, role), None).await,
        Role::Relay(role) => stage.serve(RelayElement::new(&identity, role.proxy_info, seed), None).await,
        Role::Redirect(role) => stage.serve(RedirectElement::new(&identity, role.rows), None).await,
        Role::Function(role) => {
            let file = store.ok_or_else(|| Early::usage(format!("{path}: a function needs a store")))?;
            let store = EmbeddedStore::open(file, StoreOptions::default()).map_err(Early::environment)?;
            let function = Function::new(identity, *role, store.reader(), seed)
                .map_err(|error| Early::usage(format!("{path}: [function] {error}")))?;
            stage.contexts = Some(Arc::new(store.reader()));
            stage.export = Some(exporting(store.reader()));
            let (committer, thread) = Committer::start(store, 4096).map_err(Early::environment)?;
            closed(thread, stage.serve(function, Some(committer)).await?).await
        }
    }
}

/// What an element needs to be played.
struct Stage<'a> {
    attendant: &'a mut Attendant,
    net: Net,
    settings: node::Settings,
    admin: Option<PathBuf>,
    /// The element's part.
    role: &'static str,
    /// The contexts of a function, for the admin socket.
    contexts: Option<admin::Contexts>,
    /// Its store, for a backup through the admin socket.
    export: Option<admin::Export>,
}

fn exporting(reader: EmbeddedReader) -> admin::Export {
    Arc::new(move |mut out| embedded::export(&reader, &mut out).map(drop))
}

impl Stage<'_> {
    /// Starts the element and, where one is wanted, its admin socket, which lives as long as it is kept.
    async fn start<E: Element + Send + 'static>(
        &mut self,
        element: E,
        store: Option<Committer>,
    ) -> Result<(Handle<E>, Option<admin::Server>), Early> {
        let handle = start(self.settings.clone(), &self.net, element, store, self.attendant.manner()).await?;
        let Some(path) = &self.admin else { return Ok((handle, None)) };
        let desk = Desk {
            identity: handle.identity().to_owned(),
            role: self.role,
            peers: handle.watch_peers(),
            contexts: self.contexts.take(),
            export: self.export.take(),
            operate: handle.operator(),
        };
        let server = admin::Server::start(path, desk).map_err(Early::environment)?;
        let shown = path.display();
        self.attendant.manner().say(&format!("{} answers `proselink show --admin {shown}`", handle.identity()));
        Ok((handle, Some(server)))
    }

    /// A server runs until it is told to stop, and that is a success; a second word ends it at once, and that is none.
    async fn serve<E: Element + Send + 'static>(mut self, element: E, store: Option<Committer>) -> Result<u8, Early> {
        let (handle, door) = self.start(element, store).await?;
        let identity = handle.identity().to_owned();
        self.attendant.attend(&handle).await;
        drop(door);
        let end = self.attendant.end(handle).await?;
        let (words, code) = match end {
            End::InOrder => ("has stopped", exit::GOOD),
            End::AtOnce => ("has stopped at once", exit::INTERRUPTED),
        };
        self.attendant.manner().say(&format!("{identity} {words}"));
        Ok(code)
    }
}

/// After a good end the store is closed in order.
async fn closed(thread: CommitterThread<EmbeddedStore>, code: u8) -> Result<u8, Early> {
    if code == exit::GOOD {
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        joined.map_err(Early::environment)?.map_err(Early::environment)?;
    }
    Ok(code)
}

/// Starts an element and says where it listens.
pub(super) async fn start<E: Element + Send + 'static>(
    settings: node::Settings,
    net: &Net,
    element: E,
    store: Option<Committer>,
    manner: &Manner,
) -> Result<Handle<E>, Early> {
    let (identity, transport) = (settings.local.identity.clone(), settings.transport);
    let listen: Vec<_> = settings
        .listen
        .iter()
        .map(|endpoint| {
            let hosts: Vec<_> = endpoint.hosts.iter().map(ToString::to_string).collect();
            let over = net.backend(endpoint.transport_or(transport))?;
            Ok(format!("{}:{} over {over}", hosts.join("+"), endpoint.port_or(transport)))
        })
        .collect::<Result<_, NetError>>()
        .map_err(Early::environment)?;
    let handle = node::start(settings, net.clone(), element, store, manner.observer.clone()).await.map_err(|error| match error {
        NodeError::Listen(NetError::Bind { local, backend: Backend::EmbeddedSctp, reason }) => {
            Early::environment(format!(
                "UDP port {} at {} cannot be used: {reason}; another element may have it, choose another with udp_port",
                net.options().udp_port,
                local.ip()
            ))
        }
        other => other.into(),
    })?;
    if !listen.is_empty() {
        manner.say(&format!("{identity} listens at {}", listen.join(", ")));
    }
    Ok(handle)
}

/// A UE registers every device of its configuration, one after another, says what came of it, and ends.
async fn register(handle: Handle<Ue>, attendant: &mut Attendant) -> Result<u8, Early> {
    let moves = attendant.manner().moves;
    let outcome = tokio::select! {
        outcome = register_all(&handle, moves) => outcome,
        () = attendant.attend(&handle) => Ok(exit::INTERRUPTED),
    };
    match attendant.end(handle).await? {
        End::InOrder => outcome,
        End::AtOnce => Ok(exit::INTERRUPTED),
    }
}

async fn register_all(handle: &Handle<Ue>, moves: bool) -> Result<u8, Early> {
    handle.ready(PATIENCE).await?;
    let devices = handle.call(|ue, _, _| ue.devices()).await?;
    let mut code = exit::GOOD;
    for device in 0..devices {
        handle.call(move |ue, now, actions| ue.register(now, device, actions)).await?;
        let (phase, held, refused) = handle
            .follow(move |ue, _, _| {
                let over = ue.is_idle(device);
                over.then(|| (ue.phase(device).cloned(), ue.attachment(device).cloned(), ue.refused(device).cloned()))
            })
            .await?;
        let number = device + 1;
        let (Some(Phase::Registered { id2 }), Some(held)) = (phase, held) else {
            let why = refused.map_or_else(|| "nobody says why".to_owned(), |refused| refused.text);
            say(&format!("device {number} is not registered: {why}"));
            code = exit::DIFFERS;
            continue;
        };
        let by = held.id3.as_ref().map_or_else(|| "an unnamed function".to_owned(), ToString::to_string);
        say(&format!("device {number} is registered: ID1 {} of {by}, ID2 {id2}", held.id1));
        if moves && !move_on(handle, device, number).await? {
            code = exit::DIFFERS;
        }
    }
    Ok(code)
}

/// Moves a registered device to another function; false when that failed.
async fn move_on(handle: &Handle<Ue>, device: usize, number: usize) -> Result<bool, Early> {
    let before = handle.call(move |ue, _, _| ue.attachment(device).cloned()).await?;
    handle.call(move |ue, _, actions| ue.change_function(device, actions)).await?;
    let (held, refused) = handle
        .follow(move |ue, _, _| {
            let over = ue.refused(device).is_some() || ue.attachment(device) != before.as_ref();
            over.then(|| (ue.attachment(device).cloned(), ue.refused(device).cloned()))
        })
        .await?;
    match (held, refused) {
        (Some(held), None) => {
            let by = held.id3.as_ref().map_or_else(|| "an unnamed function".to_owned(), ToString::to_string);
            say(&format!("device {number} has moved: ID4 {} of {by}", held.id1));
            Ok(true)
        }
        (_, refused) => {
            let why = refused.map_or_else(|| "nobody says why".to_owned(), |refused| refused.text);
            say(&format!("device {number} has not moved: {why}"));
            Ok(false)
        }
    }
}
