//! `proselink load`: how many requests a peer answers, and how fast.

mod engine;
pub mod registration;
mod report;
mod template;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::{ArgMatches, Args, Command, FromArgMatches};
use indicatif::{ProgressBar, ProgressStyle};

use self::engine::{Plan, Progress, Tally};
use self::report::Report;
use self::template::Template;
use super::call::draft::{self, Document};
use super::call::{CallArgs, Caller, Early, duration};
use super::{Globals, exit};
use crate::net::Options;

/// The arguments of `load`: requests of the user's own, or `registration`.
#[derive(Debug)]
pub enum LoadArgs {
    /// Requests from a file to a peer.
    Requests(Box<RequestArgs>),
    /// Whole registrations.
    Registration(Box<registration::RegistrationArgs>),
}

// By hand: what requests need must not be asked of `registration`, and clap derives no optional group with groups in it.
impl Args for LoadArgs {
    fn augment_args(command: Command) -> Command {
        let about = "Whole registrations, messages 5 and 6 and 1 to 4, with a function or with a network of our own";
        let registration = registration::RegistrationArgs::augment_args(Command::new(REGISTRATION).about(about));
        RequestArgs::augment_args(command)
            .subcommand(registration)
            .args_conflicts_with_subcommands(true)
            .subcommand_negates_reqs(true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for LoadArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand_matches(REGISTRATION) {
            Some(matches) => {
                registration::RegistrationArgs::from_arg_matches(matches).map(Box::new).map(Self::Registration)
            }
            None => RequestArgs::from_arg_matches(matches).map(Box::new).map(Self::Requests),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

const REGISTRATION: &str = "registration";

/// What requests are sent, and to whom.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RequestArgs {
    /// Requests in JSON or YAML, sent in turn; `{n:4}` in a text is the request's number in four digits
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    call: CallArgs,
    /// Requests a second, over all connections; as fast as answers come unless said otherwise
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// Requests that may wait for their answers, on each connection
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    outstanding: u32,
    /// For how long requests are sent
    #[arg(long = "for", value_name = "TIME", default_value = "10s", value_parser = duration)]
    span: Duration,
    /// Stop after this many requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Connections, each with an identity of its own: `{n:1}` in --identity is its number, which otherwise follows the first
    /// label: host-1.example, host-2.example
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    /// Leave the first requests out of all figures
    #[arg(long, value_name = "TIME", value_parser = duration)]
    warm_up: Option<Duration>,
    /// The first request's number
    #[arg(long, value_name = "N", default_value_t = 1)]
    first: u64,
    /// One JSON object instead of the table
    #[arg(long)]
    json: bool,
}

// clap takes a bare {n} for the end of a line, so the number is written with its width here.
const EXAMPLES: &str = "\
Examples:
  proselink load --peer 'aaa://hss.example;transport=tcp' examples/ulr.json --rate 20000 --outstanding 1000 --for 30s
      20,000 requests a second: does it keep up, and how long does an answer take?
  proselink load registration --ues 20000 --rate 500
      whole registrations instead; see `proselink load registration --help`
  proselink load --peer tcp:127.0.0.1:3868 examples/ulr.json --outstanding 64 --warm-up 2s --json
      as many as it can with 64 waiting, as JSON
  proselink load --peer tcp:127.0.0.1 --connections 4 --identity 'mme{n:1}.example' --realm example examples/ulr.json
      over four connections: mme1.example to mme4.example

Every request has a Session-Id and identifiers of its own. Its number makes other values differ too:
  {\"name\": \"User-Name\", \"value\": \"00101{n:10}\"}        00101 and ten digits
  {\"name\": \"MSISDN\", \"value\": \"94{n:8}\"}               hexadecimal: 94 and eight digits, two an octet

With --rate the latency of a request counts from the moment it was due, also when it had to wait for room, so that a
peer that stalls is not flattered (no coordinated omission). `from sending` tells what the wire alone took.

Exit codes: 0 every request was answered, whatever the answer, 1 some were not or never left, 2 the request or the
command line cannot be used, 3 no connection or refused.";

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().unwrap_or(f64::NAN);
    if (0.001..=100_000_000.0).contains(&rate) {
        return Ok(rate);
    }
    Err(format!("{text:?} is no rate: requests a second are expected"))
}

/// Runs the verb; the result is the exit code.
pub fn run(args: LoadArgs, _globals: &Globals) -> u8 {
    let args = match args {
        LoadArgs::Registration(args) => return registration::run(&args),
        LoadArgs::Requests(args) => *args,
    };
    perform(args).unwrap_or_else(|early| {
        eprintln!("proselink load: {}", early.words);
        early.code
    })
}

fn perform(args: RequestArgs) -> Result<u8, Early> {
    let documents = draft::read(&args.file).map_err(Early::usage)?;
    let zeroed = documents.iter().map(template::probe).collect::<Result<Vec<_>, _>>().map_err(Early::usage)?;
    let outstanding = args.outstanding as usize;
    let options = Options { send_queue: outstanding + 16, receive_queue: outstanding + 16, ..Options::default() };
    if args.warm_up.is_some_and(|warm_up| warm_up >= args.span) {
        return Err(Early::usage("--warm-up is as long as --for: nothing would be left to count"));
    }
    let caller = Arc::new(args.call.settle(zeroed.iter(), options)?);
    let connections = u64::from(args.connections);
    let plans = (0..connections).map(|number| Plan {
        rate: args.rate.map(|rate| rate / connections as f64),
        outstanding,
        span: args.span,
        warm_up: args.warm_up.unwrap_or_default(),
        // The first ones take what does not divide.
        count: args.count.map_or(u64::MAX, |count| (count + connections - 1 - number) / connections),
        timeout: caller.timeout,
        first: args.first + number,
        step: connections,
    });
    let shared = Arc::new(Shared {
        documents,
        caller: Arc::clone(&caller),
        progress: Progress::default(),
        barrier: Barrier::new(usize::from(args.connections)),
        failure: Mutex::new(None),
        connections,
        serial: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
    });
    let (finished, results) = mpsc::channel();
    let begun = Instant::now();
    for (number, plan) in plans.enumerate() {
        let (shared, finished) = (Arc::clone(&shared), finished.clone());
        let named = std::thread::Builder::new().name(format!("load-{}", number + 1));
        let work = move || {
            let _ = finished.send(shared.work(number as u64 + 1, &plan));
        };
        named.spawn(work).map_err(|error| Early::environment(format!("the system gives no thread: {error}")))?;
    }
    drop(finished);
    let mut outcomes = Vec::new();
    let interrupted = watch(&shared.progress, args.span, &results, &mut outcomes)?;
    let wall = begun.elapsed();
    let failure = shared.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    drop(shared);
    if let Ok(caller) = Arc::try_unwrap(caller) {
        caller.finish()?;
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    let mut tally = Tally::new().map_err(Early::environment)?;
    let (mut cpu, mut peer) = (Duration::ZERO, String::new());
    for outcome in outcomes {
        let outcome = outcome?;
        tally.add(&outcome.tally);
        cpu += outcome.cpu + outcome.tally.pacing;
        peer = outcome.peer;
    }
    let report = Report { tally, cpu, peer, connections, outstanding, rate: args.rate, wall };
    let text = if args.json { report.json() } else { report.text() };
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        return Ok(exit::of_output(&error));
    }
    Ok(match () {
        () if interrupted => exit::INTERRUPTED,
        () if report.is_good() => exit::GOOD,
        () => exit::DIFFERS,
    })
}

/// What the threads have in common.
struct Shared {
    documents: Vec<Document>,
    caller: Arc<Caller>,
    progress: Progress,
    /// They begin together.
    barrier: Barrier,
    failure: Mutex<Option<Early>>,
    connections: u64,
    serial: u64,
}

/// What came of one connection.
struct Outcome {
    tally: Tally,
    cpu: Duration,
    peer: String,
}

impl Shared {
    /// A connection in a thread of its own, from the call to the parting.
    fn work(&self, number: u64, plan: &Plan) -> Result<Outcome, Early> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let opened = runtime
            .map_err(|error| Early::environment(format!("the system gives no event loop: {error}")))
            .and_then(|runtime| {
                let dialogue = runtime.block_on(self.caller.call_alone(self.identity(number)))?;
                let templates = self
                    .documents
                    .iter()
                    .map(|document| Template::new(document, &dialogue, self.serial))
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(Early::usage)?;
                Ok((runtime, dialogue, templates))
            });
        if let Err(early) = &opened {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| early.clone());
        }
        self.barrier.wait();
        let (runtime, mut dialogue, templates) = opened?;
        let failed = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        runtime.block_on(async {
            if let Some(early) = failed {
                dialogue.close().await;
                return Err(early);
            }
            let before = engine::cpu_of("/proc/thread-self");
            let ran = engine::run(plan, templates, &mut dialogue, &self.progress, Instant::now()).await;
            let cpu = engine::cpu_of("/proc/thread-self").saturating_sub(before);
            let peer =
                format!("{} ({}) over {}", dialogue.peer().identity, dialogue.peer().product, dialogue.info().backend);
            dialogue.close().await;
            Ok(Outcome { tally: ran.map_err(Early::environment)?, cpu, peer })
        })
    }

    /// The name of a connection; `None` for our own.
    fn identity(&self, number: u64) -> Option<String> {
        let own = self.caller.identity();
        if let Some(numbered) = template::numbered(own, number) {
            return Some(numbered);
        }
        (self.connections > 1).then(|| match own.split_once('.') {
            Some((first, rest)) => format!("{first}-{number}.{rest}"),
            None => format!("{own}-{number}"),
        })
    }
}

/// Shows the progress until every connection is done; true when the user ended it.
fn watch(
    progress: &Progress,
    span: Duration,
    results: &mpsc::Receiver<Result<Outcome, Early>>,
    outcomes: &mut Vec<Result<Outcome, Early>>,
) -> Result<bool, Early> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Early::environment(format!("the system gives no event loop: {error}")))?;
    let (interrupt, interrupted) = mpsc::channel();
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = interrupt.send(());
        }
    });
    let bar = if std::io::stderr().is_terminal() {
        let bar = ProgressBar::new(span.as_millis().try_into().unwrap_or(u64::MAX));
        let style = ProgressStyle::with_template("{bar:40} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.with_style(style)
    } else {
        ProgressBar::hidden()
    };
    let begun = Instant::now();
    let mut stopped = false;
    loop {
        match results.recv_timeout(Duration::from_millis(200)) {
            Ok(outcome) => outcomes.push(outcome),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if !stopped && interrupted.try_recv().is_ok() {
            stopped = true;
            progress.stop.store(true, Ordering::Relaxed);
        }
        let (sent, answered) = (progress.sent.load(Ordering::Relaxed), progress.answered.load(Ordering::Relaxed));
        bar.set_position(begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX));
        bar.set_message(format!("{sent} sent, {answered} answered"));
    }
    bar.finish_and_clear();
    runtime.shutdown_background();
    Ok(stopped)
}
