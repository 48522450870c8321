//! The command line: a file a verb.
//!
//! Data goes to standard output, the rest to standard error. A closed pipe is success. tshark's letters keep their
//! meaning. Exit codes are those of [`exit`].

pub mod anonymize;
mod begin;
mod call;
pub mod case;
pub mod config;
pub mod conform;
pub mod conversation;
pub mod decode;
pub mod demo;
pub mod dict;
pub mod diff;
pub mod doctor;
pub mod exit;
pub mod ladder;
pub mod load;
pub mod manual;
mod output;
pub mod party;
pub mod replay;
pub mod run;
pub mod send;
pub mod show;
pub mod store;
pub mod user;
pub mod verify;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

/// What was typed.
#[derive(Debug, Parser)]
#[command(
    name = "proselink",
    version,
    about = "Diameter over SCTP for 3GPP Proximity Services",
    long_about = "Diameter over SCTP for 3GPP Proximity Services: reads any capture of Diameter, runs the elements of \
                  PC2, PC3 and PC4, and verifies what they said.",
    after_help = EXIT_CODES,
    arg_required_else_help = true,
    max_term_width = 120
)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    verb: Verb,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  good, also when the reader of a pipe goes away
  1  checked, and it differs or failed
  2  the command line or the configuration can not be used
  3  the transport or the environment failed
  4  the input is malformed, or of a format that is not read
  130  interrupted";

/// What every verb understands.
#[derive(Clone, Debug, Args)]
pub struct Globals {
    /// Colour on standard output; NO_COLOR is honoured
    #[arg(long, alias = "colour", global = true, value_name = "WHEN", default_value = "auto", help_heading = "Global")]
    color: When,
    /// Say more on standard error: -v what happens, -vv details, -vvv all
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global")]
    verbose: u8,
    /// What to say on standard error, e.g. `warn`, `debug`, `proselink::net=trace`; also PROSELINK_LOG
    #[arg(long, global = true, value_name = "FILTER", help_heading = "Global")]
    log: Option<String>,
    /// How the log is written: as text, or a JSON object a line
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", help_heading = "Global")]
    log_format: LogFormat,
    /// A dictionary beside the built-in one, as `dict import` writes it; may be repeated; also PROSELINK_DICTIONARY, and
    /// `dictionary` in the configuration of `run`
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global")]
    dictionary: Vec<PathBuf>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// For machines: an object a line, with the spans it happened in
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    /// On a terminal that can show it
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Read captures, or one message in hexadecimal, and show the Diameter messages in them
    Decode(decode::DecodeArgs),
    /// Judge captures: grammar, transactions, and the registration procedure
    Verify(verify::VerifyArgs),
    /// What differs between two conversations or two messages, AVP by AVP and by meaning
    Diff(diff::DiffArgs),
    /// Give subscribers pseudonyms in a capture, so that it can be given away
    Anonymize(anonymize::AnonymizeArgs),
    /// Captures as tests: make a case of a capture, and hold cases against what is there now
    Case(case::CaseArgs),
    /// Draw who said what to whom: as text, SVG or Mermaid
    Ladder(ladder::LadderArgs),
    /// Register a UE once through: six parties in one process, real SCTP on loopback, a capture of it all
    Demo(demo::DemoArgs),
    /// Run one element from its configuration file: UE, MME, HSS, function or app server
    Run(run::RunArgs),
    /// A UE against real nodes, from one command line: register, or get an ID1
    Ue(party::ue::UeArgs),
    /// An MME against real nodes, from one command line: serve UEs, or attach one
    Mme(party::serve::MmeArgs),
    /// An HSS for MMEs and functions, from one command line
    Hss(party::serve::HssArgs),
    /// An app server for UEs and functions, from one command line
    AppServer(party::serve::AppServerArgs),
    /// The dictionary: give it to other tools, take in theirs, show and judge
    Dict(dict::DictArgs),
    /// What this machine can do, and what to type where it cannot
    Doctor(doctor::DoctorArgs),
    /// Judge configuration files
    Config(config::ConfigArgs),
    /// Judge a live peer by suites of conformance cases: the base protocol, PC2, PC3, PC4a, your own
    Conform(Box<conform::ConformArgs>),
    /// Put load on a peer: throughput, and latency in percentiles
    Load(load::LoadArgs),
    /// Look into a running node: UEs, one UE, moves, peers
    Show(show::ShowArgs),
    /// Make the ID1 of a UE invalid at once, at a running function
    Revoke(show::RevokeArgs),
    /// Make a running function forget a UE, and tell its app servers and the HSS
    Deregister(show::DeregisterArgs),
    /// Begin a procedure of 3GPP at a running function or app server, and hear what comes of it
    Begin(begin::BeginArgs),
    /// Say again what a capture says, to a live peer or as one, and compare what comes back
    Replay(Box<replay::ReplayArgs>),
    /// Send requests from a file to a peer, and print its answers
    Send(send::SendArgs),
    /// Make what proves a user to an app server: a key pair, or the hash of a password
    User(user::UserArgs),
    /// Back up, restore and check the store of a function
    Store(store::StoreArgs),
    /// Write the manual pages
    Man(manual::ManArgs),
    /// Write what a shell needs to complete our command line
    Completions(manual::CompletionsArgs),
}

/// Runs the command line; the result is the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output; that it may be closed is no failure.
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::GOOD };
        }
    };
    if let Err(reason) = start_log(&cli.globals) {
        eprintln!("proselink: --log: {reason}");
        return exit::USAGE;
    }
    let mut dictionaries = cli.globals.dictionaries();
    for file in cli.verb.configurations() {
        dictionaries.extend(crate::node::config::dictionaries(file));
    }
    if let Err(error) = dict::install(&dictionaries) {
        eprintln!("proselink: dictionary: {error}");
        return error.code();
    }
    match cli.verb {
        Verb::Decode(args) => decode::run(args, &cli.globals),
        Verb::Verify(args) => verify::run(args, &cli.globals),
        Verb::Diff(args) => diff::run(args, &cli.globals),
        Verb::Anonymize(args) => anonymize::run(args, &cli.globals),
        Verb::Case(args) => case::run(args, &cli.globals),
        Verb::Ladder(args) => ladder::run(args, &cli.globals),
        Verb::Demo(args) => demo::run(args, &cli.globals),
        Verb::Run(args) => run::run(args, &cli.globals),
        Verb::Ue(args) => party::ue::run(args, &cli.globals),
        Verb::Mme(args) => party::serve::mme(args, &cli.globals),
        Verb::Hss(args) => party::serve::hss(args, &cli.globals),
        Verb::AppServer(args) => party::serve::app_server(args, &cli.globals),
        Verb::Doctor(args) => doctor::run(args, &cli.globals),
        Verb::Config(args) => config::run(args, &cli.globals),
        Verb::Conform(args) => conform::run(*args, &cli.globals),
        Verb::Load(args) => load::run(args, &cli.globals),
        Verb::Show(args) => show::run(args, &cli.globals),
        Verb::Revoke(args) => show::revoke(args, &cli.globals),
        Verb::Deregister(args) => show::deregister(args, &cli.globals),
        Verb::Begin(args) => begin::run(args, &cli.globals),
        Verb::Replay(args) => replay::run(*args, &cli.globals),
        Verb::Send(args) => send::run(args, &cli.globals),
        Verb::User(args) => user::run(args, &cli.globals),
        Verb::Store(args) => store::run(args, &cli.globals),
        Verb::Dict(args) => dict::run(args, &cli.globals),
        Verb::Man(args) => manual::man(&args),
        Verb::Completions(args) => manual::completions(&args),
    }
}

impl Verb {
    /// The configuration files that are read whole, and so may name dictionaries.
    fn configurations(&self) -> &[PathBuf] {
        match self {
            Self::Run(args) => args.configuration(),
            Self::Config(args) => args.configurations(),
            Self::Doctor(args) => args.configuration(),
            _ => &[],
        }
    }
}

fn start_log(globals: &Globals) -> Result<(), String> {
    let asked = globals.log.clone().or_else(|| std::env::var("PROSELINK_LOG").ok().filter(|_| globals.verbose == 0));
    let filter = match (asked, globals.verbose) {
        (Some(filter), _) => EnvFilter::try_new(filter).map_err(|error| error.to_string())?,
        (None, 0) => EnvFilter::new("warn"),
        (None, 1) => EnvFilter::new("info"),
        (None, 2) => EnvFilter::new("debug"),
        (None, _) => EnvFilter::new("trace"),
    };
    let colour = globals.choice(&std::io::stderr());
    // A second call in one process, as tests make it, keeps the first subscriber.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match globals.log_format {
        LogFormat::Text => log.with_ansi(colour).try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(true).try_init(),
    };
    Ok(())
}

impl Globals {
    /// The dictionaries beside the built-in one: those of the command line, else those of PROSELINK_DICTIONARY, which is
    /// a list as PATH is.
    fn dictionaries(&self) -> Vec<PathBuf> {
        if !self.dictionary.is_empty() {
            return self.dictionary.clone();
        }
        let list = std::env::var_os("PROSELINK_DICTIONARY").unwrap_or_default();
        std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect()
    }

    /// True when `stream` is to have colour: as asked, else when it is a terminal that can and NO_COLOR is not set.
    fn choice(&self, stream: &impl anstream::stream::RawStream) -> bool {
        match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto => anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_declared() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_has_examples() {
        for verb in Cli::command().get_subcommands() {
            let examples = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(examples.starts_with("Examples:"), "{} has no examples", verb.get_name());
            for part in verb.get_subcommands() {
                let examples = part.get_after_help().map(ToString::to_string).unwrap_or_default();
                let name = format!("{} {}", verb.get_name(), part.get_name());
                assert!(examples.starts_with("Examples:") || name == "config check", "{name} has no examples");
            }
        }
    }
}
