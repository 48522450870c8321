//! `proselink load registration`: how many whole registrations a second a function carries out, and how fast.
//!
//! ```text
//! registration.rs   the verb                 crowd.rs    the UEs, paced and timed
//! network.rs        the parties around them  report.rs   the figures
//! ```

mod crowd;
mod network;
mod report;

use std::io::{IsTerminal as _, Write as _};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use self::crowd::Plan;
use self::network::Network;
use self::report::Report;
use super::rate;
use crate::cli::call::{Early, TlsArgs, duration};
use crate::cli::exit;
use crate::cli::party::Counterpart;
use crate::net::{Endpoint, Transport};
use crate::registration::identifiers::PlmnId;

/// The arguments of `load registration`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RegistrationArgs {
    /// UEs, each of which registers once
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    ues: u32,
    /// Registrations a second; as fast as others end unless said otherwise
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// Registrations that may be under way at a time
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    outstanding: u32,
    /// Leave the first registrations out of all figures
    #[arg(long, value_name = "N", default_value_t = 0)]
    warm_up: u32,
    /// The first UE's number, the last digits of its IMSI
    #[arg(long, value_name = "N", default_value_t = 1)]
    first: u64,
    /// The network, whose head every IMSI has
    #[arg(long, value_name = "PLMN", default_value = "001-01")]
    plmn: PlmnId,
    /// The function, as [NAME@]ENDPOINT; without it one of our own, with HSS and a store on disk
    #[arg(long, value_name = "PEER")]
    function: Option<Counterpart>,
    /// The ProSe Application ID
    #[arg(long, value_name = "ID", default_value = "mcc001.mnc01.ProSeApp.Demo")]
    application: String,
    /// With --function: play its HSS, too, and listen here for it
    #[arg(long, value_name = "ENDPOINT", requires = "function")]
    hss_listen: Option<Endpoint>,
    /// With --function: our MME's Origin-Host; mme.REALM unless said otherwise
    #[arg(long, value_name = "HOST", requires = "function")]
    mme_identity: Option<String>,
    /// With --function: our app server's Origin-Host; app-server.REALM unless said otherwise
    #[arg(long, value_name = "HOST", requires = "function")]
    app_server_identity: Option<String>,
    /// With --function: call it from this address, as its MME
    #[arg(long, value_name = "ADDRESS", requires = "function")]
    mme_from: Option<IpAddr>,
    /// With --function: call it from this address, as its app server
    #[arg(long, value_name = "ADDRESS", requires = "function")]
    app_server_from: Option<IpAddr>,
    /// The function's UDP port, where SCTP travels over UDP: 9899 for the embedded stack, no UDP for the kernel's
    #[arg(long, value_name = "PORT")]
    udp_port: Option<u16>,
    /// Between our own parties: sctp-embedded, tcp, ...
    #[arg(long, value_name = "TRANSPORT", default_value = "sctp-embedded")]
    over: Transport,
    /// Without --function: a commit of its own for each write, to see what group commit is worth
    #[arg(long, conflicts_with = "function")]
    commit_each: bool,
    /// Keep our stores in this folder; without it they are in the folder for temporary files
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// How long the parties may take to find each other
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    timeout: Duration,
    /// One JSON object instead of the table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tls: TlsArgs,
}

const EXAMPLES: &str = "\
Examples:
  proselink load registration --ues 20000
      a network of our own over embedded SCTP: as many as it can, durable
  proselink load registration --ues 20000 --rate 500 --json
      500 a second: does it keep up, and how long does a registration take?
  proselink load registration --ues 2000 --commit-each
      what a commit for each write costs
  proselink load registration --ues 10000 --function function.example@tcp:10.0.0.14 --hss-listen tcp:10.0.0.13
      any function; we play UEs, MME, app server and HSS

A registration is messages 5 and 6 by way of the MME, who asks the HSS where it is ours, then 1 to 4 by way of the app
server; users prove themselves by signed proofs. It has ended when message 4 says success: ID1 and ID2 are durable at a
function of ours, and the registration at the app server. With --rate its latency counts from the moment
it was due, also when it had to wait for room (no coordinated omission).

The function must know our MME and app server as peers, let the app server register users for the application, and have
an HSS that knows the subscribers, or --hss-listen.

Exit codes: 0 all are registered, 1 some are not, 2 the command line cannot be used, 3 the transport failed.";

/// How often the progress is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Runs the verb; the result is the exit code.
pub fn run(args: &RegistrationArgs) -> u8 {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(perform(args));
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(Early::environment(format!("the system gives no threads: {error}"))),
    };
    result.unwrap_or_else(|early| {
        eprintln!("proselink load registration: {}", early.words);
        early.code
    })
}

async fn perform(args: &RegistrationArgs) -> Result<u8, Early> {
    let plan = Plan {
        ues: args.ues as usize,
        rate: args.rate,
        outstanding: args.outstanding as usize,
        warm_up: args.warm_up as usize,
    };
    if plan.warm_up >= plan.ues {
        return Err(Early::usage("--warm-up is as many as --ues: nothing would be left to count"));
    }
    let network = Network::start(args, plan).await?;
    let before = (network.commits(), super::engine::cpu_of_all());
    let begun = Instant::now();
    network.crowd.call(|crowd, now, actions| crowd.go(now, actions)).await.map_err(Early::environment)?;
    let ended = network.crowd.follow(|crowd, _, _| crowd.outcome());
    let progress = show(&network, plan.ues);
    let (tally, interrupted) = tokio::select! {
        tally = ended => (tally.map_err(Early::environment)?, false),
        () = progress => return Err(Early::environment("a node of ours has stopped")),
        _ = tokio::signal::ctrl_c() => {
            (network.crowd.call(|crowd, _, _| crowd.so_far()).await.map_err(Early::environment)?, true)
        }
    };
    let wall = begun.elapsed();
    let cpu = super::engine::cpu_of_all().saturating_sub(before.1);
    let commits = network.commits().zip(before.0).map(|(after, before)| {
        let [function, app_server] =
            [0, 1].map(|at| (after[at].commits - before[at].commits, after[at].writes - before[at].writes));
        report::Commits { function, app_server, each: args.commit_each }
    });
    let function = network.function().to_owned();
    network.stop().await?;
    let report = Report { tally, plan, wall, cpu, commits, function, over: args.over.to_string() };
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

/// Shows the progress on a terminal; ends when the crowd's node does.
async fn show(network: &Network, ues: usize) {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(ues as u64) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("registering [{bar:40}] {pos}/{len} {per_sec} {eta}") {
        bar.set_style(style.progress_chars("=> "));
    }
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        match network.crowd.call(|crowd, _, _| crowd.ended()).await {
            Ok(ended) => bar.set_position(ended as u64),
            Err(_) => return,
        }
    }
}
