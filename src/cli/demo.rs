//! `proselink demo`: the whole procedure once through, six parties in one process, real SCTP packets over real UDP
//! sockets on loopback.

pub(super) mod describe;
mod failures;
mod ladder;
pub(super) mod network;
mod staged;
mod summary;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::sync::{mpsc, watch};

use self::describe::{Described, describe, step};
use self::ladder::Ladder;
use self::network::{Network, NetworkError, Scene};
use self::summary::Latencies;
use super::{Globals, exit};
use crate::avp::dictionary::{RefusalCause, private};
use crate::interfaces::{pc2, pc4};
use crate::net::Recorder;
use crate::node::{Observation, Observer};
use crate::registration::Ue;
use crate::registration::identifiers::FunctionAddress;
use crate::registration::ue::{Attachment, Phase, Refused};
use crate::verify;

/// The arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// Register this many UEs, and show how long each step takes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    ues: u32,
    /// Show refusals instead: a UE without a subscription, and one that is not capable
    #[arg(long, conflicts_with = "ues")]
    deny: bool,
    /// Show every row of the failure table instead, each with its ladder and its verdict
    #[arg(long, conflicts_with_all = ["ues", "deny"])]
    failures: bool,
    /// Only this row of the failure table, e.g. mme-not-capable
    #[arg(long, value_name = "NAME", requires = "failures")]
    row: Option<String>,
    /// The capture to write
    #[arg(short = 'w', long = "write", value_name = "FILE", default_value = "demo.pcapng")]
    write: PathBuf,
    /// A summary as JSON on standard output instead of the ladder
    #[arg(long)]
    json: bool,
    /// Keep the functions' stores in this folder; without it they are forgotten afterwards
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The UDP port under SCTP; tools know 9899 without being told
    #[arg(long, value_name = "PORT", default_value_t = crate::capture::write::SCTP_UDP_PORT,
          value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// UEs whose registration is under way at a time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    outstanding: u32,
}

const EXAMPLES: &str = "\
Examples:
  proselink demo                     register one UE, then move it to another function
  proselink demo --ues 1000          a thousand UEs, with latency percentiles of each step
  proselink demo --deny              what a refusal looks like: no message 5 leaves the MME
  proselink demo --failures          each row of the failure table on the wire, in one capture
  proselink demo --failures --row app-server-bad-credential
  proselink demo --json -w out.pcapng";

/// How long the procedure may take before it has failed: for one UE, and more for many.
const PATIENCE: Duration = Duration::from_secs(30);
const PATIENCE_EACH: Duration = Duration::from_millis(50);

/// An application message that has left a party.
struct Seen {
    at: Duration,
    from: usize,
    to: usize,
    message: Described,
}

/// What the end of the procedure is known by.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// U2 that came to the function.
    updates: u64,
    /// CRA: the old function has let go.
    releases: u64,
    /// PNA: the HSS has been told.
    notifications: u64,
    /// Messages 5 that left the MME.
    messages_5: u64,
}

/// What the demo has to say at its end.
#[derive(Debug, Default)]
struct Outcome {
    /// One sentence.
    sentence: String,
    /// What was not as it should be.
    failures: Vec<String>,
    registered: u64,
    moved: u64,
    refused: u64,
    registering: Duration,
    moving: Duration,
}

/// Why the demo ends early.
enum Early {
    Usage(String),
    Environment(String),
    Interrupted,
}

impl From<NetworkError> for Early {
    fn from(error: NetworkError) -> Self {
        Self::Environment(error.to_string())
    }
}

/// Runs the verb; the result is the exit code.
pub fn run(args: DemoArgs, globals: &Globals) -> u8 {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("the system gives no threads: {error}"), exit::ENVIRONMENT),
    };
    let colour = !args.json && globals.choice(&std::io::stdout());
    let story =
        async { if args.failures { failures::conduct(&args, colour).await } else { conduct(&args, colour).await } };
    match runtime.block_on(story) {
        Ok(code) => code,
        Err(Early::Usage(words)) => complain(&words, exit::USAGE),
        Err(Early::Environment(words)) => complain(&words, exit::ENVIRONMENT),
        Err(Early::Interrupted) => complain("interrupted", exit::INTERRUPTED),
    }
}

fn complain(words: &str, code: u8) -> u8 {
    eprintln!("proselink: {words}");
    code
}

/// A line on standard output. A reader that went away is no failure, and nothing else can be done about one.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// What a packet's comment says of the message in it.
fn annotate(message: &[u8]) -> Option<String> {
    let described = describe(message)?;
    let (label, carried) = (described.label(), described.identifiers);
    Some(if carried.is_empty() { label } else { format!("{label}: {carried}") })
}

async fn conduct(args: &DemoArgs, colour: bool) -> Result<u8, Early> {
    let ues = if args.deny { 2 } else { args.ues as usize };
    let folder = Folder::open(args.store.as_deref()).map_err(Early::Environment)?;
    let recorder = Recorder::create(&args.write, Some(Box::new(annotate)))
        .map_err(|error| Early::Environment(format!("{}: {error}", args.write.display())))?;
    let scene = Scene {
        ues,
        first: 0,
        deny: args.deny,
        port: args.port,
        store: folder.path.clone(),
        network_key: network::seed()?,
    };

    let draws = !args.json && ues <= 2;
    let (seen, to_draw) = mpsc::unbounded_channel();
    let (counts_in, counts) = watch::channel(Counts::default());
    let latencies = Arc::new(Mutex::new(Latencies::default()));
    let begun = Instant::now();
    let observer = observer(begun, draws.then_some(seen), counts_in, Arc::clone(&latencies));
    let network = Network::start(&scene, Some(recorder.clone()), observer).await?;
    let artist = tokio::spawn(draw(to_draw, Ladder { colour }, draws));

    let patience = PATIENCE + PATIENCE_EACH * u32::try_from(ues).unwrap_or(u32::MAX);
    let story = async {
        if args.deny {
            deny(&network, &counts).await
        } else if ues == 1 {
            once(&network, counts).await
        } else {
            many(&network, ues, args, counts, &latencies).await
        }
    };
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(patience, story) => outcome,
        _ = tokio::signal::ctrl_c() => {
            let _ = network.stop().await;
            let _ = recorder.finish();
            return Err(Early::Interrupted);
        }
    };
    let outcome = match outcome {
        Ok(outcome) => outcome?,
        Err(_) => Outcome {
            sentence: format!("The procedure was not over after {} s.", patience.as_secs()),
            failures: vec!["the procedure was not over in time".to_owned()],
            ..Outcome::default()
        },
    };
    network.stop().await?;
    let _ = artist.await;
    let packets =
        recorder.finish().map_err(|error| Early::Environment(format!("{}: {error}", args.write.display())))?;
    let verdict = verify::verify_file(&args.write)
        .map_err(|error| Early::Environment(format!("{}: {error}", args.write.display())))?;
    let latencies = latencies.lock().unwrap_or_else(PoisonError::into_inner);
    let good = outcome.failures.is_empty() && verdict.is_good() && agrees(&outcome, &verdict);
    if args.json {
        say(&as_json(args, ues, &outcome, &verdict, packets, &latencies, begun.elapsed(), good).to_string());
    } else {
        report(args, ues, &outcome, &verdict, packets, &latencies);
    }
    Ok(if good { exit::GOOD } else { exit::DIFFERS })
}

/// The capture tells of as many registrations, moves and refusals as the parties do.
fn agrees(outcome: &Outcome, verdict: &verify::Report) -> bool {
    (verdict.registrations, verdict.moves, verdict.refusals) == (outcome.registered, outcome.moved, outcome.refused)
}

fn observer(
    begun: Instant,
    seen: Option<mpsc::UnboundedSender<Seen>>,
    counts: watch::Sender<Counts>,
    latencies: Arc<Mutex<Latencies>>,
) -> Observer {
    Arc::new(move |who, observation| match observation {
        Observation::Sent { to, header, message } => {
            if header.application == pc4::mme::APPLICATION && header.is_request() {
                counts.send_modify(|counts| counts.messages_5 += 1);
            }
            if let Some(seen) = &seen
                && let (Some(from), Some(to), Some(message)) =
                    (network::party(who), network::party(to), describe(message))
            {
                let _ = seen.send(Seen { at: begun.elapsed(), from, to, message });
            }
        }
        Observation::Answered { header, took } => {
            const PXR: u32 = 8_388_676;
            const PNR: u32 = 8_388_666;
            if let Some(step) = step(header.application, header.code) {
                latencies.lock().unwrap_or_else(PoisonError::into_inner).record(step, *took);
            }
            match (header.application, header.code) {
                (pc2::APPLICATION, PXR) => counts.send_modify(|counts| counts.updates += 1),
                (pc4::hss::APPLICATION, PNR) => counts.send_modify(|counts| counts.notifications += 1),
                (pc4::function::APPLICATION, private::COMMAND_B) => counts.send_modify(|counts| counts.releases += 1),
                _ => {}
            }
        }
        Observation::Received { .. } | Observation::Report(_) => {}
    })
}

/// Draws the ladder as it happens.
async fn draw(mut seen: mpsc::UnboundedReceiver<Seen>, ladder: Ladder, draws: bool) {
    if !draws {
        return;
    }
    say(&ladder.head());
    say(&ladder.pause());
    while let Some(Seen { at, from, to, message }) = seen.recv().await {
        for line in ladder.message(at, from, to, &message) {
            say(&line);
        }
    }
    say("");
}

/// What became of a UE.
type State = (Option<Phase>, Option<Attachment>, Option<Refused>);

fn state_of(ue: &Ue, device: usize) -> State {
    (ue.phase(device).cloned(), ue.attachment(device).cloned(), ue.refused(device).cloned())
}

async fn register(network: &Network, device: usize) -> Result<State, NetworkError> {
    network.ue.call(move |ue, now, actions| ue.register(now, device, actions)).await?;
    Ok(network.ue.follow(move |ue, _, _| ue.is_idle(device).then(|| state_of(ue, device))).await?)
}

/// One UE: registration, then the move.
async fn once(network: &Network, mut counts: watch::Receiver<Counts>) -> Result<Outcome, Early> {
    let mut outcome = Outcome::default();
    let started = Instant::now();
    let (phase, attachment, refused) = register(network, 0).await?;
    outcome.registering = started.elapsed();
    let imsi = network::imsi(0).map_err(|error| Early::Environment(error.to_string()))?;
    let (Some(Phase::Registered { id2 }), Some(held)) = (phase, attachment) else {
        let why = refused.map_or_else(|| "nobody says why".to_owned(), |refused| refused.text);
        outcome.sentence = format!("Not registered: UE {imsi}: {why}.");
        outcome.failures.push(outcome.sentence.clone());
        return Ok(outcome);
    };
    outcome.registered = 1;
    let application = network::APPLICATION;
    let home = short(held.id3.as_ref());
    outcome.sentence =
        format!("Registered: UE {imsi} is ID1 {} of {home}; its user is ID2 {id2} of {application}.", held.id1);

    let started = Instant::now();
    network.ue.call(|ue, _, actions| ue.change_function(0, actions)).await.map_err(NetworkError::from)?;
    let id1 = held.id1;
    let settled = move |ue: &mut Ue| {
        let moved = ue.attachment(0).is_some_and(|held| held.id1 != id1) || ue.refused(0).is_some();
        moved.then(|| state_of(ue, 0))
    };
    let (_, moved, refused) = network.ue.follow(move |ue, _, _| settled(ue)).await.map_err(NetworkError::from)?;
    match (moved, refused) {
        (Some(moved), None) => {
            let all = |counts: &Counts| counts.updates >= 1 && counts.releases >= 1 && counts.notifications >= 1;
            let _ = counts.wait_for(all).await;
            outcome.moved = 1;
            let to = short(moved.id3.as_ref());
            outcome.sentence.push_str(&format!(" Moved: it is ID4 {} of {to}, and the app server knows.", moved.id1));
        }
        (_, refused) => {
            let why = refused.map_or_else(|| "nobody says why".to_owned(), |refused| refused.text);
            outcome.sentence.push_str(&format!(" Not moved: {why}."));
            outcome.failures.push(format!("the UE has not moved: {why}"));
        }
    }
    outcome.moving = started.elapsed();
    Ok(outcome)
}

/// The name of a function without its realm.
fn short(address: Option<&FunctionAddress>) -> String {
    match address {
        Some(FunctionAddress::Fqdn(name)) => name.as_str().split('.').next().unwrap_or_default().to_owned(),
        Some(address) => address.to_string(),
        None => "an unnamed function".to_owned(),
    }
}

/// Two UEs that are refused, each for its reason.
async fn deny(network: &Network, counts: &watch::Receiver<Counts>) -> Result<Outcome, Early> {
    let mut outcome = Outcome::default();
    let mut causes = Vec::new();
    for (device, cause) in [(0, RefusalCause::NOT_SUBSCRIBED), (1, RefusalCause::UE_NOT_CAPABLE)] {
        let imsi = network::imsi(device).map_err(|error| Early::Environment(error.to_string()))?;
        let (phase, attachment, refused) = register(network, device).await?;
        let found = refused.as_ref().and_then(|refused| refused.cause);
        if found == Some(cause) && attachment.is_none() && phase == Some(Phase::Detached) {
            outcome.refused += 1;
        } else {
            outcome.failures.push(format!("UE {imsi} should be refused with cause {cause}, and is not"));
        }
        causes.push(format!("UE {imsi}: {}", refused.map_or_else(|| "not refused".to_owned(), |why| why.text)));
    }
    let left = counts.borrow().messages_5;
    if left > 0 {
        outcome.failures.push(format!("{left} messages 5 left the MME"));
    }
    let none =
        if left == 0 { "no message 5 left the MME".to_owned() } else { format!("{left} messages 5 left the MME") };
    outcome.sentence = format!("Refused, and {none}. {}.", causes.join(". "));
    Ok(outcome)
}

/// What [`many`] does with each UE.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Register,
    Move,
}

async fn many(
    network: &Network,
    ues: usize,
    args: &DemoArgs,
    mut counts: watch::Receiver<Counts>,
    latencies: &Arc<Mutex<Latencies>>,
) -> Result<Outcome, Early> {
    let mut outcome = Outcome::default();
    let started = Instant::now();
    let registered = each(network, ues, args, Task::Register, latencies).await?;
    outcome.registering = started.elapsed();
    outcome.registered = registered as u64;
    if registered < ues {
        outcome.failures.push(format!("{} of {ues} UEs are not registered", ues - registered));
    }
    let started = Instant::now();
    let moved = each(network, ues, args, Task::Move, latencies).await?;
    if moved < ues {
        outcome.failures.push(format!("{} of {ues} UEs have not moved", ues - moved));
    }
    let all = move |counts: &Counts| {
        [counts.updates, counts.releases, counts.notifications].into_iter().all(|count| count >= moved as u64)
    };
    let _ = counts.wait_for(all).await;
    outcome.moving = started.elapsed();
    outcome.moved = moved as u64;
    outcome.sentence = format!(
        "Registered: {registered} of {ues} UEs in {:.2} s, {:.0} a second; moved: {moved} in {:.2} s, {:.0} a second.",
        outcome.registering.as_secs_f64(),
        rate(registered, outcome.registering),
        outcome.moving.as_secs_f64(),
        rate(moved, outcome.moving),
    );
    Ok(outcome)
}

/// Puts every UE through a task, so many at a time; answers how many it went well with.
async fn each(
    network: &Network,
    ues: usize,
    args: &DemoArgs,
    task: Task,
    latencies: &Arc<Mutex<Latencies>>,
) -> Result<usize, Early> {
    let (words, step) = match task {
        Task::Register => ("registering", "registration, 5 to 4"),
        Task::Move => ("moving", "move, 5 to 6"),
    };
    let bar = if args.json { ProgressBar::hidden() } else { ProgressBar::new(ues as u64) };
    if let Ok(style) = ProgressStyle::with_template("{prefix:>12} [{bar:40}] {pos}/{len} {per_sec} {eta}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(words);
    let latencies = Arc::clone(latencies);
    let outstanding = args.outstanding as usize;
    let shown = bar.clone();
    let mut next = 0;
    let mut well = 0;
    let mut under_way: Vec<(usize, Instant, Option<Attachment>)> = Vec::with_capacity(outstanding);
    let follow = move |ue: &mut Ue, now, actions: &mut Vec<_>| {
        under_way.retain(|(device, started, before)| {
            let over = match task {
                Task::Register => ue.is_idle(*device),
                Task::Move => ue.refused(*device).is_some() || ue.attachment(*device) != before.as_ref(),
            };
            if over {
                let good = ue.refused(*device).is_none() && matches!(ue.phase(*device), Some(Phase::Registered { .. }));
                well += usize::from(good);
                latencies.lock().unwrap_or_else(PoisonError::into_inner).record(step, started.elapsed());
                shown.inc(1);
            }
            !over
        });
        while under_way.len() < outstanding && next < ues {
            under_way.push((next, Instant::now(), ue.attachment(next).cloned()));
            match task {
                Task::Register => ue.register(now, next, actions),
                Task::Move => ue.change_function(next, actions),
            }
            next += 1;
        }
        (under_way.is_empty() && next == ues).then_some(well)
    };
    let well = network.ue.follow(follow).await.map_err(NetworkError::from)?;
    bar.finish_and_clear();
    Ok(well)
}

fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

fn report(
    args: &DemoArgs,
    ues: usize,
    outcome: &Outcome,
    verdict: &verify::Report,
    packets: u64,
    latencies: &Latencies,
) {
    say(&outcome.sentence);
    if ues > 2 {
        say("");
        say(latencies.table().trim_end());
        say("");
    }
    say(&format!(
        "{}: {packets} packets, {} messages, {} associations, {} of {} requests answered",
        args.write.display(),
        verdict.messages,
        verdict.associations,
        verdict.answered,
        verdict.requests,
    ));
    for failure in &outcome.failures {
        say(&format!("failed: {failure}"));
    }
    for finding in verdict.findings.iter().take(50) {
        say(&finding.to_string());
    }
    if !agrees(outcome, verdict) {
        say(&format!(
            "failed: the capture tells of {} registrations, {} moves and {} refusals, the parties of {}, {} and {}",
            verdict.registrations, verdict.moves, verdict.refusals, outcome.registered, outcome.moved, outcome.refused
        ));
    } else if verdict.is_good() {
        say("verified: every message well-formed, every request answered, the identifiers carried as they should be");
    } else {
        say(&format!("not verified: {} errors", verdict.errors));
    }
}

#[allow(clippy::too_many_arguments, reason = "the parts of one object")]
fn as_json(
    args: &DemoArgs,
    ues: usize,
    outcome: &Outcome,
    verdict: &verify::Report,
    packets: u64,
    latencies: &Latencies,
    elapsed: Duration,
    good: bool,
) -> serde_json::Value {
    let findings: Vec<_> = verdict.findings.iter().take(50).map(ToString::to_string).collect();
    json!({
        "v": 1,
        "good": good,
        "ues": ues,
        "registered": outcome.registered,
        "moved": outcome.moved,
        "refused": outcome.refused,
        "seconds": elapsed.as_secs_f64(),
        "registrations_per_second": rate(outcome.registered as usize, outcome.registering),
        "moves_per_second": rate(outcome.moved as usize, outcome.moving),
        "steps": latencies.json(),
        "sentence": outcome.sentence,
        "failures": outcome.failures,
        "capture": {
            "file": args.write.display().to_string(),
            "packets": packets,
            "messages": verdict.messages,
            "associations": verdict.associations,
            "requests": verdict.requests,
            "answered": verdict.answered,
            "verified": verdict.is_good(),
            "errors": verdict.errors,
            "findings": findings,
        },
    })
}

/// The folder of the stores; removed at the end unless it was asked for.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn open(wanted: Option<&Path>) -> Result<Self, String> {
        let (path, temporary) = match wanted {
            Some(path) => (path.to_owned(), false),
            None => {
                let number = getrandom::u64().map_err(|error| format!("the system gives no randomness: {error}"))?;
                (std::env::temp_dir().join(format!("proselink-demo-{number:016x}")), true)
            }
        };
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, temporary })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
