//! `proselink replay`: a capture said again, to a live peer or as one.
//!
//! ```text
//! link.rs     connections: capabilities exchange, watchdog and disconnect live      report.rs  what is told
//! ```

mod link;
mod report;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use tokio::sync::mpsc;

use self::link::{Heard, Link, Opened};
use self::report::Summary;
use super::call::{Caller, Early, SelfArgs};
use super::output::{self, Output};
use super::{Globals, exit};
use crate::avp::{Key, dictionary};
use crate::capture::Reader;
use crate::diff::{Pattern, Rules};
use crate::message::text::Palette;
use crate::net::{Association, Endpoint, Listener, NetError, Options, Transport};
use crate::replay::{
    Action, Change, Far, Limits, LinkPlan, Machine, Near, Pace, Plan, Script, ScriptError, Selection, Side, Table,
};

/// The arguments of `replay`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// The capture to replay (pcap, pcapng, also gzip); `-` for standard input
    #[arg(value_name = "CAPTURE")]
    capture_read: PathBuf,
    /// The live peer, or the node in the middle: `aaa://HOST:PORT;transport=tcp` (or sctp), `aaas://HOST` for TLS, or
    /// TRANSPORT:HOST:PORT
    #[arg(short, long, value_name = "URI", required_unless_present = "listen")]
    peer: Option<Endpoint>,
    /// Listen here for the live peer: [TRANSPORT:]ADDRESS[:PORT]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Endpoint>,
    /// Which side of the capture we play; the client with --peer, the server with --listen unless said otherwise
    #[arg(long = "as", value_name = "SIDE")]
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
    /// What does not count in the comparison: a file of rules, as `proselink diff` takes it
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// This AVP does not count in the comparison
    #[arg(long, value_name = "PATH")]
    ignore: Vec<Pattern>,
    /// Go on listening and answering when the peer has left
    #[arg(long, requires = "listen")]
    stay: bool,
    /// One JSON object a line for each request, then a summary
    #[arg(long)]
    json: bool,
    /// The summary alone
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    selves: SelfArgs,
}

/// Which side of the capture is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Who opened the association
    Client,
    /// Who was called: requests are answered as in the capture
    Server,
    /// Both, with the live node in the middle
    Both,
}

const EXAMPLES: &str = "\
Examples:
  proselink replay trace.pcap --peer 'aaa://hss.example:3868;transport=tcp'
      the client's side of the trace, as fast as the peer answers; what differs from the captured answers
  proselink replay demo.pcapng --host mme --host function --peer 127.0.0.14 --realm example -w live.pcapng
      what the MME said to the function, over SCTP; then `proselink verify live.pcapng`
  proselink replay trace.pcap --listen tcp:127.0.0.1:3868 --stay
      a server that answers as the captured one did
  proselink replay trace.pcap --as both --peer tcp:relay.example:3868 --speed 1
      both sides through a node in the middle, with the pauses of the capture
  proselink replay trace.pcap --peer tcp:127.0.0.1:3868 --set 'User-Name=001010000000001=>001010000000002'
      for another subscriber

New in every run, and the same over all of it: Hop-by-Hop and End-to-End Identifier, Session-Id, origin and
destination, Host-IP-Address, Event-Timestamp, Origin-State-Id. Without --identity we are who the captured node was.

Exit codes: 0 all is as in the capture, 1 something differs or was not answered, 2 the command line cannot be used,
3 no connection, or it was lost, 4 the capture cannot be read.";

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
    let selection = Selection { association: args.association, hosts: args.host.clone(), all: args.all };
    let script = read(&args.capture_read, &selection)?;
    let role = args.role.unwrap_or(if args.peer.is_some() { Role::Client } else { Role::Server });
    if role == Role::Both && args.peer.is_none() {
        return Err(Early::usage("--as both needs --peer: the node in the middle"));
    }
    let sides: &[Side] = match role {
        Role::Client => &[Side::Client],
        Role::Server => &[Side::Server],
        Role::Both => &[Side::Client, Side::Server],
    };
    let conversations = 0..script.conversations.len();
    let links: Vec<LinkPlan> = conversations
        .flat_map(|conversation| sides.iter().map(move |side| LinkPlan { conversation, side: *side }))
        .collect();
    let rules = rules(&args, role)?;
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let named = args.selves.is_named();
    if let Some(end) = links.first().map(|link| script.conversations[link.conversation].end(link.side)) {
        args.selves.presume(&end.identity, &end.realm);
    }
    let target = args.peer.clone().or_else(|| args.listen.clone());
    let Some(target) = target else { return Err(Early::usage("--peer or --listen is needed")) };
    let udp_port = if args.listen.is_some() { args.selves.udp_port() } else { 0 };
    let caller = args.selves.settle(target, script.applications().into_iter(), udp_port, Options::default())?;
    let plan = Plan {
        links,
        pace: args.speed.map_or(Pace::Answered, Pace::Scaled),
        answer_wait: caller.timeout,
        request_wait: if args.listen.is_some() && role == Role::Server { None } else { Some(caller.timeout) },
        again: role == Role::Server,
        matching: args.r#match.clone(),
        serial: unix.as_secs(),
        random: getrandom::u32().unwrap_or(unix.subsec_nanos()),
        origin_state: unix.as_secs() as u32,
    };
    let keys = |keys: &[Key]| keys.iter().copied().collect::<HashSet<_>>();
    let table = Table::new(args.set.clone(), keys(&args.keep), keys(&args.learn));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Early::environment(format!("the system gives no event loop: {error}")))?;
    let identifier = plan.random ^ 0x2aaa_aaaa;
    let mut replay = Replay {
        machine: Machine::new(script, plan.clone(), table, &rules),
        plan,
        caller: &caller,
        listen: args.listen.clone().filter(|_| role != Role::Client || args.peer.is_none()),
        dials: args.peer.is_some(),
        role,
        named,
        stay: args.stay,
        began: Instant::now(),
        links: Vec::new(),
        identifier,
        summary: Summary::default(),
        json: args.json,
        quiet: args.quiet,
        palette: output::palette(globals),
        output,
        lost: None,
    };
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

fn rules(args: &ReplayArgs, role: Role) -> Result<Rules, Early> {
    let mut rules = Rules::renewed();
    if let Some(path) = &args.rules {
        let text = fs::read_to_string(path).map_err(|error| Early::usage(format!("{}: {error}", path.display())))?;
        rules = toml::from_str(&text).map_err(|error| Early::usage(format!("{}: {error}", path.display())))?;
        rules.judge().map_err(|words| Early::usage(format!("{}: {words}", path.display())))?;
    }
    rules.ignore.extend(args.ignore.iter().cloned());
    if role == Role::Both {
        // What every node in the middle adds.
        rules.ignore.extend(["Route-Record", "Proxy-Info"].iter().filter_map(|name| name.parse().ok()));
    }
    Ok(rules)
}

struct Replay<'a> {
    machine: Machine<'a>,
    plan: Plan,
    caller: &'a Caller,
    /// Where the server's side is waited for.
    listen: Option<Endpoint>,
    /// The other links call the peer.
    dials: bool,
    role: Role,
    /// The user says who we are.
    named: bool,
    stay: bool,
    began: Instant,
    links: Vec<Option<Link>>,
    identifier: u32,
    summary: Summary,
    json: bool,
    quiet: bool,
    palette: Palette,
    output: &'a mut Output,
    /// Why a connection ended early.
    lost: Option<String>,
}

fn unix() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl Replay<'_> {
    /// Who we are on a link.
    fn name(&self, link: LinkPlan) -> (String, String) {
        let local = self.caller.local();
        let conversation = self.machine.script().conversations.get(link.conversation);
        match conversation.map(|conversation| conversation.end(link.side)) {
            Some(end)
                if !end.identity.is_empty()
                    && (!self.named || self.role == Role::Both && link.side == Side::Server) =>
            {
                (end.identity.clone(), end.realm.clone())
            }
            _ => (local.identity.clone(), local.realm.clone()),
        }
    }

    fn listens(&self, link: LinkPlan) -> bool {
        self.listen.is_some() && (link.side == Side::Server || !self.dials)
    }

    async fn conduct(&mut self) -> Result<u8, Early> {
        let (heard, mut hear) = mpsc::channel(1024);
        self.links = self.plan.links.iter().map(|_| None).collect();
        let mut listener = match &self.listen {
            None => None,
            Some(endpoint) => {
                let opened = self.caller.net().listen_at(endpoint, Transport::Sctp).await;
                let listener = opened.map_err(|error: NetError| Early::environment(error))?;
                let local = listener.local();
                let words = if self.json {
                    format!(r#"{{"v":1,"type":"listening","address":"{local}"}}"#)
                } else {
                    format!("listens at {local}")
                };
                self.output.text.push_str(&words);
                self.output.text.push('\n');
                self.output.flush().map_err(|error| Early {
                    words: format!("standard output: {error}"),
                    code: exit::of_output(&error),
                })?;
                Some(listener)
            }
        };
        for at in 0..self.plan.links.len() {
            let Some(plan) = self.plan.links.get(at).copied().filter(|plan| !self.listens(*plan)) else { continue };
            let (identity, realm) = self.name(plan);
            let opened = Opened::called(self.caller.call_as(identity, realm).await?);
            self.up(at, opened, &heard);
        }
        // Both sides must be there before one speaks.
        while self.role == Role::Both && self.links.iter().any(Option::is_none) {
            let waiting = tokio::time::timeout(self.caller.timeout, accept(&mut listener)).await;
            let Ok(Some(association)) = waiting else {
                let words = format!("the node in the middle did not connect within {:?}", self.caller.timeout);
                return Err(Early::environment(words));
            };
            self.accept(association, &heard).await;
        }
        loop {
            let mut actions = Vec::new();
            let until = self.machine.advance(self.began.elapsed(), unix(), &mut actions);
            self.carry_out(actions).await?;
            let open = self.links.iter().any(Option::is_some);
            if self.machine.is_finished() && (listener.is_none() || self.role == Role::Both || !open && !self.stay) {
                break;
            }
            let timer = async {
                match until {
                    Some(until) => tokio::time::sleep_until((self.began + until).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((link, what)) = hear.recv() => self.hear(link, what).await?,
                association = accept(&mut listener) => match association {
                    Some(association) => self.accept(association, &heard).await,
                    None => return Err(Early::environment("the transport that listens has ended")),
                },
                () = timer => {}
            }
        }
        let links = self.links.iter_mut().filter_map(Option::take).collect();
        link::close(links, &mut hear, self.identifier).await;
        if let Some(words) = self.lost.take() {
            return Err(Early::environment(format!("a connection ended before the replay: {words}")));
        }
        Ok(if self.machine.totals().is_good() { exit::GOOD } else { exit::DIFFERS })
    }

    fn up(&mut self, at: usize, opened: Opened, heard: &mpsc::Sender<(usize, Heard)>) {
        let near = Near {
            identity: opened.local.identity.clone(),
            realm: opened.local.realm.clone(),
            address: opened.address(),
        };
        let far = Far { identity: opened.peer.identity.clone(), realm: opened.peer.realm.clone() };
        tracing::info!(peer = %far.identity, product = %opened.peer.product, "connected");
        self.machine.up(at, near, &far);
        if let Some(link) = self.links.get_mut(at) {
            *link = Some(opened.start(at, heard.clone()));
        }
    }

    /// Takes a connection that has come in as one of the links that wait for it.
    async fn accept(&mut self, association: Association, heard: &mpsc::Sender<(usize, Heard)>) {
        let mut place = None;
        let remote = association.info().remote;
        let script = self.machine.script();
        let free: Vec<usize> = (0..self.links.len())
            .filter(|at| matches!(self.links.get(*at), Some(None)))
            .filter(|at| self.plan.links.get(*at).is_some_and(|plan| self.listens(*plan)))
            .collect();
        let opened = Opened::accepted(self.caller, association, |peer| {
            let is = |at: &&usize| {
                let plan = self.plan.links.get(**at);
                let other =
                    plan.and_then(|plan| Some(script.conversations.get(plan.conversation)?.end(plan.side.other())));
                other.is_some_and(|end| end.identity.eq_ignore_ascii_case(peer))
            };
            let at = *free.iter().find(is).or_else(|| free.first())?;
            place = Some(at);
            self.plan.links.get(at).map(|plan| self.name(*plan))
        });
        match (opened.await, place) {
            (Ok(opened), Some(at)) => self.up(at, opened, heard),
            (Ok(_), None) => {}
            (Err(words), _) => eprintln!("proselink replay: {remote} is no peer: {words}"),
        }
    }

    async fn hear(&mut self, link: usize, what: Heard) -> Result<(), Early> {
        match what {
            Heard::Message(message) => {
                let mut actions = Vec::new();
                self.machine.hear(link, message, self.began.elapsed(), unix(), &mut actions);
                self.carry_out(actions).await
            }
            Heard::Parted => Ok(()),
            Heard::End(why) => {
                if let Some(entry) = self.links.get_mut(link) {
                    *entry = None;
                }
                if !self.stay {
                    if !self.machine.is_finished() && (self.role != Role::Server || why.is_some()) {
                        self.lost = Some(why.unwrap_or_else(|| "the peer has closed it".to_owned()));
                    }
                    self.machine.down(link);
                }
                Ok(())
            }
        }
    }

    async fn carry_out(&mut self, actions: Vec<Action>) -> Result<(), Early> {
        for action in actions {
            match action {
                Action::Send { link, stream, message } => self.send(link, stream, message).await,
                Action::Tell(report) => {
                    self.summary.add(&report);
                    let out = &mut self.output.text;
                    match (self.quiet, self.json) {
                        (true, _) => {}
                        (false, true) => report::step_json(&report, out),
                        (false, false) => report::step_text(&report, &self.palette, out),
                    }
                    self.output.message_done().map_err(|error| Early {
                        words: format!("standard output: {error}"),
                        code: exit::of_output(&error),
                    })?;
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, link: usize, stream: u16, message: Bytes) {
        let Some(Some(entry)) = self.links.get(link) else { return };
        // That it has ended is told by its reader.
        if let Err(early) = entry.send(message, stream).await {
            tracing::warn!("{}", early.words);
        }
    }

    /// The summary, unless nothing was tried.
    fn close(&mut self, result: &Result<u8, Early>) {
        if result.is_err()
            && self.links.iter().all(Option::is_none)
            && self.lost.is_none()
            && !self.machine.is_finished()
        {
            return;
        }
        let totals = self.machine.totals();
        if self.json {
            self.summary.json(totals, &mut self.output.text);
        } else {
            self.summary.text(totals, &self.palette, &mut self.output.text);
        }
    }
}

async fn accept(listener: &mut Option<Listener>) -> Option<Association> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}
