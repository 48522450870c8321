//! `proselink run`: one element alone, from its configuration file.

mod attend;
mod systemd;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use self::attend::{Attendant, End};
use super::{Globals, exit};
use crate::generic::Responder;
use crate::net::{Backend, Net, NetError, Options, Recorder};
use crate::node::agent::{RedirectElement, RelayElement};
use crate::node::config::{self, Config, Role};
use crate::node::{self, Handle, NodeError};
use crate::registration::element::Element;
use crate::registration::ue::Phase;
use crate::registration::{AppServer, Function, Hss, Mme, Ue};
use crate::store::Committer;
use crate::store::committer::CommitterThread;
use crate::store::embedded::{EmbeddedStore, Options as StoreOptions};

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
    /// A UE: once registered, move to another function
    #[arg(long = "move")]
    moves: bool,
}

const EXAMPLES: &str = "\
Examples:
  proselink run -c examples/hss.toml             an HSS, until Ctrl-C
  proselink run -c examples/ue.toml              a UE: registers, prints the result, ends
  proselink run -c examples/mme.toml -w mme.pcapng -v
  proselink run -c examples/hss.toml --log debug --log-format json
  proselink run -c examples/function.toml --check";

/// How long a UE waits for its MME and app server.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why an element ends early.
struct Early {
    words: String,
    code: u8,
}

impl Early {
    fn environment(words: impl std::fmt::Display) -> Self {
        Self { words: words.to_string(), code: exit::ENVIRONMENT }
    }

    fn usage(words: impl std::fmt::Display) -> Self {
        Self { words: words.to_string(), code: exit::USAGE }
    }
}

impl From<NodeError> for Early {
    fn from(error: NodeError) -> Self {
        Self::environment(error)
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
fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

async fn play(args: &RunArgs, config: Config) -> Result<u8, Early> {
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
    let result = perform(args, config, net).await;
    if let (Some(recorder), Some(path)) = (recorder, capture) {
        recorder.finish().map_err(|error| Early::environment(format!("{}: {error}", path.display())))?;
    }
    result
}

async fn perform(args: &RunArgs, mut config: Config, net: Net) -> Result<u8, Early> {
    let identity = config.identity();
    // Grows with every start, so that peers see a restart. RFC 6733 section 8.16.
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    config.settings.local.origin_state = unix.as_secs() as u32;
    let mut seed = [0; 16];
    getrandom::fill(&mut seed)
        .map_err(|error| Early::environment(format!("the system gives no randomness: {error}")))?;
    let tells = !matches!(config.role, Role::Ue(_));
    let mut attendant = Attendant::new(args.config.clone(), &mut config, tells).await?;
    let attendant = &mut attendant;
    let Config { settings, role, store, .. } = config;
    let path = args.config.display();
    match role {
        Role::Ue(role) => {
            let handle = start(settings, &net, Ue::new(identity, role, seed), None).await?;
            register(handle, attendant, args.moves).await
        }
        Role::Mme(role) => {
            let mme = Mme::new(identity, role, seed).map_err(|error| Early::usage(format!("{path}: [mme] {error}")))?;
            serve(start(settings, &net, mme, None).await?, attendant).await
        }
        Role::Hss(role) => serve(start(settings, &net, Hss::new(identity, role, seed), None).await?, attendant).await,
        Role::AppServer(role) => {
            let file = store.ok_or_else(|| Early::usage(format!("{path}: an app server needs a store")))?;
            let store = EmbeddedStore::open(file, StoreOptions::default()).map_err(Early::environment)?;
            let server = AppServer::new(identity, *role, store.reader(), seed)
                .map_err(|error| Early::usage(format!("{path}: [app_server] {error}")))?;
            let (committer, thread) = Committer::start(store, 4096).map_err(Early::environment)?;
            let code = serve(start(settings, &net, server, Some(committer)).await?, attendant).await?;
            closed(thread, code).await
        }
        Role::Responder(role) => {
            serve(start(settings, &net, Responder::new(identity, role), None).await?, attendant).await
        }
        Role::Relay(role) => {
            let relay = RelayElement::new(&identity, role.proxy_info, seed);
            serve(start(settings, &net, relay, None).await?, attendant).await
        }
        Role::Redirect(role) => {
            let redirect = RedirectElement::new(&identity, role.rows);
            serve(start(settings, &net, redirect, None).await?, attendant).await
        }
        Role::Function(role) => {
            let file = store.ok_or_else(|| Early::usage(format!("{path}: a function needs a store")))?;
            let store = EmbeddedStore::open(file, StoreOptions::default()).map_err(Early::environment)?;
            let function = Function::new(identity, *role, store.reader(), seed)
                .map_err(|error| Early::usage(format!("{path}: [function] {error}")))?;
            let (committer, thread) = Committer::start(store, 4096).map_err(Early::environment)?;
            let code = serve(start(settings, &net, function, Some(committer)).await?, attendant).await?;
            closed(thread, code).await
        }
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

async fn start<E: Element + Send + 'static>(
    settings: node::Settings,
    net: &Net,
    element: E,
    store: Option<Committer>,
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
    let handle = node::start(settings, net.clone(), element, store, None).await.map_err(|error| match error {
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
        say(&format!("{identity} listens at {}", listen.join(", ")));
    }
    Ok(handle)
}

/// A server runs until it is told to stop, and that is a success; a second word ends it at once, and that is none.
async fn serve<E: Element + Send + 'static>(handle: Handle<E>, attendant: &mut Attendant) -> Result<u8, Early> {
    let identity = handle.identity().to_owned();
    attendant.attend(&handle).await;
    match attendant.end(handle).await? {
        End::InOrder => {
            say(&format!("{identity} has stopped"));
            Ok(exit::GOOD)
        }
        End::AtOnce => {
            say(&format!("{identity} has stopped at once"));
            Ok(exit::INTERRUPTED)
        }
    }
}

/// A UE registers every device of its configuration, one after another, says what came of it, and ends.
async fn register(handle: Handle<Ue>, attendant: &mut Attendant, moves: bool) -> Result<u8, Early> {
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
