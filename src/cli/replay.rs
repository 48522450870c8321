//! `proselink replay`: a capture said again, to a live peer or as one.
//!
//! ```text
//! link.rs     connections: capabilities exchange, watchdog and disconnect live      report.rs  what is told
//! conduct.rs  connections and the machine brought together
//! ```

mod conduct;
mod link;
mod report;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;

use self::conduct::Replay;
use super::call::{Early, SelfArgs, duration};
use super::output::{self, Output};
use super::{Globals, exit};
use crate::avp::{Key, dictionary};
use crate::capture::Reader;
use crate::diff::{Pattern, Rules};
use crate::net::{Endpoint, Options, Transport};
use crate::node::users;
use crate::replay::{
    Change, Limits, LinkPlan, Machine, Pace, Plan, Script, ScriptError, Selection, Side, Signers, Table, proved,
};

/// The arguments of `replay`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// The capture to replay (pcap, pcapng, also gzip); `-` for standard input
    #[arg(value_name = "CAPTURE")]
    capture_read: PathBuf,
    /// The live peer, or the node in the middle: `aaa://HOST:PORT;transport=tcp` (or sctp), `aaas://HOST` for TLS, or
    /// TRANSPORT:HOST:PORT; repeated with `NAME@` in front, for the associations of the capture with that host
    #[arg(short, long, value_name = "[NAME@]URI", required_unless_present = "listen")]
    peer: Vec<Whom>,
    /// Listen here for the live peer: [TRANSPORT:]ADDRESS[:PORT]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Endpoint>,
    /// Whom we play: `client` (so with --peer alone) or `server` (so with --listen alone) of the association, `both` with the
    /// live node in the middle, or a host of the capture on all of its associations, calling where it called
    #[arg(long = "as", value_name = "client|server|both|HOST")]
    role: Option<Role>,
    /// This association of the capture alone, by its number
    #[arg(long, value_name = "N")]
    association: Option<u32>,
    /// The associations in which this host takes part, by Origin-Host or its first label; twice: those between the two
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// All associations that are left, each over a connection of its own
    #[arg(long)]
    all: bool,
    /// Keep the pauses of the capture, divided by this: 1 as captured, 10 ten times as fast; as fast as answered without
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    speed: Option<f64>,
    /// Change an AVP wherever it is sent: NAME=VALUE, or NAME=OLD=>NEW for that value alone
    #[arg(long, value_name = "CHANGE")]
    set: Vec<Change>,
    /// Leave this AVP as captured
    #[arg(long, value_name = "NAME", value_parser = avp)]
    keep: Vec<Key>,
    /// Values of this AVP that the live peer gives replace the captured ones in what follows
    #[arg(long, value_name = "NAME", value_parser = avp)]
    learn: Vec<Key>,
    /// A request of the live peer is one of the capture only if this AVP is the same
    #[arg(long, value_name = "NAME", value_parser = avp)]
    r#match: Vec<Key>,
    /// Sign the proofs of this user anew, with the private key in this file (PEM, as `proselink user key` makes it): a captured
    /// proof was good for one moment
    #[arg(long, value_name = "USER=FILE")]
    sign: Vec<Sign>,
    /// What does not count in the comparison: a file of rules, as `proselink diff` takes it
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// This AVP does not count in the comparison
    #[arg(long, value_name = "PATH")]
    ignore: Vec<Pattern>,
    /// Go on listening and answering when the capture is exhausted or the peer has left
    #[arg(long, requires = "listen")]
    stay: bool,
    /// While we listen: end when nothing is due and nothing has come for so long; what has not been asked is told, and the
    /// exit code is 1. 5m unless said otherwise, no end with --stay
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "listen")]
    idle: Option<Duration>,
    /// One JSON object a line for each request, then a summary
    #[arg(long)]
    json: bool,
    /// The summary alone
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    selves: SelfArgs,
}

/// Whom we play.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    /// Who opened the association.
    Client,
    /// Who was called: requests are answered as in the capture.
    Server,
    /// Both, with the live node in the middle.
    Both,
    /// This host, wherever it takes part.
    Host(String),
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "client" => Self::Client,
            "server" => Self::Server,
            "both" => Self::Both,
            "" => return Err("client, server, both or a host of the capture is expected".to_owned()),
            host => Self::Host(host.to_owned()),
        })
    }
}

/// Whom we call, and which host of the capture that is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Whom {
    host: Option<String>,
    endpoint: Endpoint,
}

impl FromStr for Whom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, rest) = match text.split_once('@') {
            Some((host, rest)) => (Some(host.to_owned()), rest),
            None => (None, text),
        };
        Ok(Self { host, endpoint: rest.parse()? })
    }
}

/// Whose proofs are signed anew, with which key.
#[derive(Clone, Debug)]
struct Sign {
    user: String,
    file: PathBuf,
}

impl FromStr for Sign {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((user, file)) if !user.is_empty() && !file.is_empty() => {
                Ok(Self { user: user.to_owned(), file: PathBuf::from(file) })
            }
            _ => Err("USER=FILE is expected, e.g. alice@chat.example=alice.key".to_owned()),
        }
    }
}

/// How long nothing may come while we listen.
const IDLE: Duration = Duration::from_secs(300);

const EXAMPLES: &str = "\
Examples:
  proselink replay trace.pcap --peer 'aaa://hss.example:3868;transport=tcp'
      the client's side of the trace, as fast as the peer answers; what differs from the captured answers
  proselink replay demo.pcapng --host mme --host function --peer 127.0.0.14 -w live.pcapng
      what the MME said to the function, over SCTP; then `proselink verify live.pcapng`
  proselink replay trace.pcap --listen tcp:127.0.0.1:3868 --stay
      a server that answers as the captured one did
  proselink replay demo.pcapng --as ue --peer mme@127.0.0.12 --peer app-server@127.0.0.15 \
    --sign user1@demo.example=user1.key
      all that the UE said, to two live nodes; message 1 is signed anew
  proselink replay trace.pcap --as both --peer tcp:relay.example:3868 --speed 1
      both sides through a node in the middle, with the pauses of the capture
  proselink replay trace.pcap --peer tcp:127.0.0.1:3868 --set 'User-Name=001010000000001=>001010000000002'
      for another subscriber

New in every run, and the same over all of it: Hop-by-Hop and End-to-End Identifier, Session-Id, origin and
destination, Host-IP-Address, Event-Timestamp, Origin-State-Id. Without --identity we are who the captured node was.

Exit codes: 0 all is as in the capture, 1 something differs, was not answered or not asked, 2 the command line cannot be
used, 3 no connection, or it was lost, 4 the capture cannot be read or has nothing to replay.";

fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse().unwrap_or(f64::NAN);
    if (0.001..=1_000_000.0).contains(&factor) {
        return Ok(factor);
    }
    Err(format!("{text:?} is no factor: a number above 0 is expected, such as 10"))
}

fn avp(text: &str) -> Result<Key, String> {
    let definition = dictionary::by_name(text);
    definition.map(|definition| definition.key).ok_or_else(|| format!("the dictionary has no AVP called {text}"))
}

/// Runs the verb; the result is the exit code.
pub fn run(args: ReplayArgs, globals: &Globals) -> u8 {
    let mut output = Output::new();
    output.live = true;
    let result = perform(args, globals, &mut output);
    if let Err(error) = output.flush() {
        return exit::of_output(&error);
    }
    result.unwrap_or_else(|early| {
        eprintln!("proselink replay: {}", early.words);
        early.code
    })
}

fn perform(mut args: ReplayArgs, globals: &Globals, output: &mut Output) -> Result<u8, Early> {
    let role = args.role.clone().unwrap_or(if args.peer.is_empty() { Role::Server } else { Role::Client });
    let mut selection = Selection { association: args.association, hosts: args.host.clone(), all: args.all };
    if let Role::Host(host) = &role {
        selection.hosts.push(host.clone());
        selection.all = true;
    }
    let script = read(&args.capture_read, &selection)?;
    let links = links(&script, &role);
    let peers = peers(&args, &script, &links, &role)?;
    warn(&args, &script, &links);
    let rules = rules(&args, &role)?;
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let named = args.selves.is_named();
    if let Some(end) = links.first().map(|link| script.conversations[link.conversation].end(link.side)) {
        args.selves.presume(&end.identity, &end.realm);
    }
    let mut targets: Vec<Endpoint> = peers.iter().flatten().chain(&args.listen).cloned().collect();
    // Whichever wants certificates.
    targets.sort_by_key(|target| target.transport_or(Transport::Sctp) != Transport::Tls);
    let Some(target) = targets.into_iter().next() else { return Err(Early::usage("--peer or --listen is needed")) };
    let udp_port = if args.listen.is_some() { args.selves.udp_port() } else { 0 };
    let caller = args.selves.clone().settle(target, script.applications().into_iter(), udp_port, Options::default())?;
    let mut seed = [0; 16];
    getrandom::fill(&mut seed)
        .map_err(|error| Early::environment(format!("the system gives no randomness: {error}")))?;
    let [a, b, c, d, ..] = seed;
    let plan = Plan {
        pace: args.speed.map_or(Pace::Answered, Pace::Scaled),
        answer_wait: caller.timeout,
        // Whoever listens waits as long as --idle says.
        request_wait: if args.listen.is_some() && role != Role::Both { None } else { Some(caller.timeout) },
        again: matches!(role, Role::Server | Role::Host(_)),
        matching: args.r#match.clone(),
        serial: unix.as_secs(),
        random: u32::from_be_bytes([a, b, c, d]),
        origin_state: unix.as_secs() as u32,
        links,
    };
    let keys = |keys: &[Key]| keys.iter().copied().collect::<HashSet<_>>();
    let table = Table::new(args.set.clone(), keys(&args.keep), keys(&args.learn));
    let mut signers = Signers::new(seed.map(|octet| octet ^ 0xa5));
    for Sign { user, file } in &args.sign {
        let key = users::read_key(file).map_err(Early::usage)?;
        if signers.add(user, Arc::new(key)) {
            return Err(Early::usage(format!("--sign names {user} twice")));
        }
    }
    let machine = Machine::new(script, plan.clone(), table, signers, &rules);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Early::environment(format!("the system gives no event loop: {error}")))?;
    let settings = conduct::Settings {
        listen: args.listen.clone().filter(|_| peers.iter().any(Option::is_none)),
        peers,
        named,
        stay: args.stay,
        idle: args.idle.or((!args.stay).then_some(IDLE)),
        json: args.json,
        quiet: args.quiet,
        palette: output::palette(globals),
    };
    let mut replay = Replay::new(machine, plan, role, settings, &caller, output);
    let result = runtime.block_on(async {
        let interrupted = async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            result = replay.conduct() => result,
            () = interrupted => Ok(exit::INTERRUPTED),
        }
    });
    replay.close(&result);
    caller.finish()?;
    result
}

/// Which side of which association is ours.
fn links(script: &Script, role: &Role) -> Vec<LinkPlan> {
    let mut links = Vec::new();
    for (conversation, ends) in script.conversations.iter().enumerate() {
        let sides: &[Side] = match role {
            Role::Client => &[Side::Client],
            Role::Server => &[Side::Server],
            Role::Both => &[Side::Client, Side::Server],
            Role::Host(host) if ends.client.is(host) => &[Side::Client],
            Role::Host(_) => &[Side::Server],
        };
        links.extend(sides.iter().map(|side| LinkPlan { conversation, side: *side }));
    }
    links
}

/// Whom each link calls; `None` where it is waited for.
fn peers(args: &ReplayArgs, script: &Script, links: &[LinkPlan], role: &Role) -> Result<Vec<Option<Endpoint>>, Early> {
    if *role == Role::Both && args.peer.is_empty() {
        return Err(Early::usage("--as both needs --peer: the node in the middle"));
    }
    if *role == Role::Both && args.listen.is_none() {
        return Err(Early::usage("--as both needs --listen: where the node in the middle finds the captured server"));
    }
    for whom in &args.peer {
        let known = |host: &String| links.iter().any(|link| other(script, *link).is_some_and(|end| end.is(host)));
        if let Some(host) = whom.host.as_ref().filter(|host| *role != Role::Both && !known(host)) {
            let hosts: Vec<&str> =
                links.iter().filter_map(|link| other(script, *link)).map(|end| end.identity.as_str()).collect();
            let words =
                format!("--peer {host}@: the capture has nothing to say to {host}, but to {}", hosts.join(", "));
            return Err(Early::usage(words));
        }
    }
    let mut peers = Vec::with_capacity(links.len());
    for link in links {
        let calls = match (args.peer.is_empty(), &args.listen) {
            (false, Some(_)) => link.side == Side::Client,
            (false, None) => *role != Role::Both || link.side == Side::Client,
            (true, _) => false,
        };
        if !calls {
            peers.push(None);
            continue;
        }
        let end = other(script, *link);
        let named = args.peer.iter().find(|whom| {
            let host = whom.host.as_ref();
            host.is_some_and(|host| *role == Role::Both || end.is_some_and(|end| end.is(host)))
        });
        let Some(whom) = named.or_else(|| args.peer.iter().find(|whom| whom.host.is_none())) else {
            let name = end.map(|end| end.identity.as_str()).unwrap_or_default();
            let words = format!("whom shall we call for {name}? say --peer {name}@URI, or leave it out with --host");
            return Err(Early::usage(words));
        };
        peers.push(Some(whom.endpoint.clone()));
    }
    Ok(peers)
}

/// Who is at the other end of a link.
fn other(script: &Script, link: LinkPlan) -> Option<&crate::replay::End> {
    script.conversations.get(link.conversation).map(|ends| ends.end(link.side.other()))
}

/// What the user should know of the capture before it is replayed.
fn warn(args: &ReplayArgs, script: &Script, links: &[LinkPlan]) {
    if script.cut > 0 {
        eprintln!(
            "proselink replay: {} packets were cut by the snap length: messages in them are missing; record with \
             `tcpdump -s 0`",
            script.cut
        );
    }
    if script.gaps > 0 {
        eprintln!("proselink replay: the capture has {} gaps: messages in them are missing", script.gaps);
    }
    if script.unreadable > 0 {
        eprintln!("proselink replay: {} messages without a usable header are left out", script.unreadable);
    }
    let ours = |conversation, side| links.contains(&LinkPlan { conversation, side });
    for (user, frame) in proved(script, ours) {
        if !args.sign.iter().any(|sign| sign.user == user) {
            eprintln!(
                "proselink replay: frame {frame}: a signed proof is good for one moment and will be refused; sign it anew \
                 with --sign {user}=FILE"
            );
        }
    }
}

fn read(path: &std::path::Path, selection: &Selection) -> Result<Script, Early> {
    let opened =
        if path == std::path::Path::new("-") { Ok(Reader::from_read(io::stdin())) } else { Reader::open(path) };
    let read = opened.map_err(ScriptError::from);
    let read = read.and_then(|mut reader| Script::read(&mut reader, selection, Limits::default()));
    read.map_err(|error| {
        let words = format!("{}: {error}", path.display());
        let code = match &error {
            ScriptError::Capture(error) => exit::of_capture(error),
            ScriptError::Several(_) => exit::USAGE,
            _ => exit::MALFORMED,
        };
        Early { words, code }
    })
}

fn rules(args: &ReplayArgs, role: &Role) -> Result<Rules, Early> {
    let mut rules = Rules::renewed();
    if let Some(path) = &args.rules {
        let text = fs::read_to_string(path).map_err(|error| Early::usage(format!("{}: {error}", path.display())))?;
        rules = toml::from_str(&text).map_err(|error| Early::usage(format!("{}: {error}", path.display())))?;
        rules.judge().map_err(|words| Early::usage(format!("{}: {words}", path.display())))?;
    }
    rules.ignore.extend(args.ignore.iter().cloned());
    if *role == Role::Both {
        // What every node in the middle adds.
        rules.ignore.extend(["Route-Record", "Proxy-Info"].iter().filter_map(|name| name.parse().ok()));
    }
    Ok(rules)
}
