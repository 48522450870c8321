//! `proselink conform`: suites of cases against a live peer.
//!
//! ```text
//! conform.rs   what was typed, which cases, the run        drive.rs     one case over real connections
//! report.rs    text and JSON as it goes                    baseline.rs  failures that are known
//! junit.rs, page.rs, capture.rs  what is left behind: JUnit, an HTML page, a capture of a case
//! ```

mod baseline;
mod capture;
mod drive;
mod junit;
mod page;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::Value;

use super::call::{Early, TlsArgs, duration, machine_name};
use super::output::{self, Output};
use super::{Globals, exit};
use crate::conform::{Case, SUITES, Settings, Suite, Verdict, Who};
use crate::net::{Backend, Endpoint, Net, Options, Transport};
use baseline::Baseline;
use drive::Driver;
use report::{CaseReport, Paper};

/// The arguments of `conform`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ConformArgs {
    /// The peer: `aaa://HOST:PORT;transport=tcp` (or sctp), `aaas://HOST` for TLS, or TRANSPORT:HOST:PORT
    #[arg(short, long, value_name = "URI", required_unless_present = "list")]
    peer: Option<Endpoint>,
    /// A suite: base, pc2, pc2-app-server, pc3, pc4a, pc4a-function, pc6, a file in TOML, or a folder of such files; base unless
    /// said otherwise
    #[arg(short, long, value_name = "SUITE")]
    suite: Vec<String>,
    /// Play this case only; `*` stands for any letters
    #[arg(long, value_name = "NAME")]
    case: Vec<String>,
    /// Say which cases there are, and play none
    #[arg(long)]
    list: bool,
    /// Our Origin-Host; from the machine's name unless said otherwise
    #[arg(long, value_name = "HOST")]
    identity: Option<String>,
    /// Our Origin-Realm; the identity without its first label unless said otherwise
    #[arg(long, value_name = "REALM")]
    realm: Option<String>,
    /// Give a parameter of the suite another value
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Play the slow cases as well, which wait for the peer's watchdog, or only these; one that --case names in full is
    /// always played
    #[arg(long, value_name = "WHICH", num_args = 0..=1, require_equals = true, default_missing_value = "also")]
    slow: Option<Slow>,
    /// The peer's Tw in seconds, 30 unless said otherwise; plays the slow cases as well
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=600))]
    tw: Option<u32>,
    /// Let the peer connect to us here, where a case has it so; with the name of a party before `=`, `called` otherwise
    #[arg(long, value_name = "[PARTY=]ENDPOINT", value_parser = listening)]
    listen: Vec<(String, Endpoint)>,
    /// Call from this address of ours
    #[arg(long, value_name = "ADDRESS")]
    from: Vec<IpAddr>,
    /// The peer's UDP port, where SCTP travels over UDP: 9899 for our own SCTP unless said otherwise, none for the kernel's
    #[arg(long, value_name = "PORT")]
    udp_port: Option<u16>,
    /// Our own UDP port, where SCTP travels over UDP; any unless the peer must find us
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    own_udp_port: u16,
    #[command(flatten)]
    tls: TlsArgs,
    /// How long an answer, and a connection before, is waited for
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    timeout: Duration,
    /// How long nothing must come to be called silence
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration)]
    silence: Duration,
    /// Failures that are known, a line each: they are told, and do not count; of several files all hold
    #[arg(long, value_name = "FILE")]
    baseline: Vec<PathBuf>,
    /// Write what fails now into the baseline; reasons that stand there stay
    #[arg(long, visible_alias = "update-baseline", requires = "baseline")]
    write_baseline: bool,
    /// A capture of each case that does not pass, in this folder
    #[arg(long, value_name = "DIR")]
    captures: Option<PathBuf>,
    /// A report in JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// A report as one HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// One JSON object a line for each case, and one for the whole
    #[arg(long)]
    json: bool,
}

/// What `--slow` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Slow {
    /// All cases.
    Also,
    /// The slow ones.
    Only,
}

const EXAMPLES: &str = "\
Examples:
  proselink conform --peer 'aaa://hss.example:3868;transport=tcp' --identity mme.example --realm example
      is it a Diameter node? the base protocol, RFC 6733
  proselink conform --suite pc2 --peer tcp:127.0.0.14 --junit pc2.xml --html pc2.html --captures failed
      PC2, with reports, and a capture of each case that does not pass
  proselink conform --suite my.toml --case 'mine-*' --peer 127.0.0.14 --set imsi=001010000000001
      cases of your own over SCTP; docs/conformance.md shows how to write them
  proselink conform --suite base --suite lab-suites --peer tcp:10.0.0.1
      those that come along, and all of a folder
  proselink conform --peer tcp:10.0.0.1 --listen tcp:0.0.0.0:3870
      the peer connects to us too: its CER, the election
  proselink conform --peer tcp:10.0.0.1 --tw 6 --slow=only
      its watchdog, which it is to send after six seconds of silence: the slow cases
  proselink conform --peer tcp:10.0.0.1 --baseline known.txt --write-baseline
      what fails today is known from now on
  proselink conform --list --suite base --suite pc4a

Verdicts: pass, fail, inconclusive (what the case rests on did not hold), error (it could not be
played), not run (it was left out: the summary says why).
Exit codes: 0 all that were run pass or are known, 1 some do not, 2 the suite or the command line
cannot be used, 3 no connection.";

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn listening(text: &str) -> Result<(String, Endpoint), String> {
    let (party, endpoint) = text.split_once('=').unwrap_or(("called", text));
    Ok((party.to_owned(), endpoint.parse()?))
}

/// Runs the verb; the result is the exit code.
pub fn run(args: ConformArgs, globals: &Globals) -> u8 {
    let mut output = Output::new();
    output.live = true;
    let result = if args.list { list(&args, &mut output) } else { perform(args, globals, &mut output) };
    if let Err(error) = output.flush() {
        return exit::of_output(&error);
    }
    result.unwrap_or_else(|early| {
        eprintln!("proselink conform: {}", early.words);
        early.code
    })
}

/// The largest file of a suite or baseline, in octets.
const LIMIT: u64 = 8 << 20;

fn text_of(path: &Path) -> Result<String, Early> {
    let name = path.display();
    let about = fs::metadata(path).map_err(|error| Early::usage(format!("{name}: {error}")))?;
    if about.len() > LIMIT {
        return Err(Early::usage(format!("{name}: more than {LIMIT} octets")));
    }
    fs::read_to_string(path).map_err(|error| Early::usage(format!("{name}: {error}")))
}

fn suites(names: &[String]) -> Result<Vec<Suite>, Early> {
    let base = ["base".to_owned()];
    let names = if names.is_empty() { &base[..] } else { names };
    let mut suites: Vec<Suite> = Vec::new();
    for name in names {
        let path = Path::new(name);
        if let Some((name, text)) = SUITES.iter().find(|(known, _)| known == name) {
            suites.push(Suite::parse(name, text).map_err(Early::usage)?);
        } else if path.is_dir() {
            for file in suites_in(path)? {
                suites.push(Suite::parse(&file.display().to_string(), &text_of(&file)?).map_err(Early::usage)?);
            }
        } else if name.contains(['.', '/']) {
            suites.push(Suite::parse(name, &text_of(path)?).map_err(Early::usage)?);
        } else {
            let known: Vec<&str> = SUITES.iter().map(|(known, _)| *known).collect();
            let known = known.join(", ");
            let words =
                format!("no suite is called {name:?}: there are {known}, files in TOML, and folders of such files");
            return Err(Early::usage(words));
        }
    }
    let mut seen = BTreeSet::new();
    match suites.iter().find(|suite| !seen.insert(suite.suite.as_str())) {
        Some(twice) => {
            Err(Early::usage(format!("two suites are called {:?}: reports could not tell them apart", twice.suite)))
        }
        None => Ok(suites),
    }
}

/// The suites of a folder, by name.
fn suites_in(folder: &Path) -> Result<Vec<PathBuf>, Early> {
    let failed = |error: io::Error| Early::usage(format!("{}: {error}", folder.display()));
    let entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    if files.is_empty() {
        return Err(Early::usage(format!("{}: there is no suite, a file *.toml, in this folder", folder.display())));
    }
    Ok(files)
}

/// Whether a case is asked for by name.
fn is_wanted(names: &[String], case: &Case) -> bool {
    names.is_empty() || names.iter().any(|name| matches(name, &case.name))
}

/// Whether a pattern, in which each `*` stands for any letters, is that of a name.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| name.strip_prefix(start)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(end) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(end)
}

fn list(args: &ConformArgs, output: &mut Output) -> Result<u8, Early> {
    for suite in suites(&args.suite)? {
        for case in suite.cases.iter().map(|case| case.get_ref()).filter(|case| is_wanted(&args.case, case)) {
            if args.json {
                let line = serde_json::json!({"suite": suite.suite, "case": case.name, "clause": case.clause,
                    "level": case.level, "title": case.title});
                output.text.push_str(&format!("{line}\n"));
            } else {
                output.text.push_str(&format!("{}/{}  {}  {}\n", suite.suite, case.name, case.clause, case.title));
            }
        }
    }
    Ok(exit::GOOD)
}

fn perform(args: ConformArgs, globals: &Globals, output: &mut Output) -> Result<u8, Early> {
    let Some(peer) = args.peer.clone() else { return Err(Early::usage("--peer is missing")) };
    let mut suites = suites(&args.suite)?;
    if args.write_baseline && args.baseline.len() > 1 {
        return Err(Early::usage("--write-baseline writes one --baseline, several are given"));
    }
    let mut known = Baseline::default();
    for path in args.baseline.iter().filter(|path| !args.write_baseline || path.exists()) {
        let more = Baseline::parse(&path.display().to_string(), &text_of(path)?).map_err(Early::usage)?;
        known = known.and(more);
    }
    let own = own(&args);
    let parameters = parameters(&args, &suites)?;
    for suite in &mut suites {
        for (name, _) in &args.listen {
            if let Some(party) = suite.parties.get_mut(name) {
                party.listens = true;
            }
        }
    }
    for (name, _) in &args.listen {
        if !suites.iter().any(|suite| suite.parties.contains_key(name)) {
            return Err(Early::usage(format!("--listen: no party of the suite is called {name:?}")));
        }
    }
    let tls = args.tls.credentials()?;
    if tls.is_none() && peer.transport_or(Transport::Sctp) == Transport::Tls {
        return Err(Early::usage("for TLS both sides show a certificate: --certificate FILE --key FILE --ca FILE"));
    }
    let options = Options { udp_port: args.own_udp_port, connect_timeout: args.timeout, tls, ..Options::default() };
    let net = Net::new(options);
    let backend = net.backend(peer.transport_or(Transport::Sctp)).map_err(Early::environment)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let settings = Settings {
        own,
        peer: None,
        timeout: args.timeout,
        silence: args.silence,
        // Seconds in the high half, as Session-Ids have them; identifiers are made of the low one.
        seed: since.as_secs() << 32 | u64::from(since.subsec_nanos()),
        parameters,
    };
    let mut paper = Paper::new(output::palette(globals), args.json, peer.to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(Early::environment)?;
    let run =
        Run { args: &args, peer: &peer, net, backend, settings, suites: suites.into_iter().map(Arc::new).collect() };
    let reports = runtime.block_on(run.play(&known, &mut paper, output))?;
    runtime.shutdown_timeout(Duration::from_millis(200));
    finish(&args, &known, &reports, remote_is_sctp(backend), &mut paper, output)
}

fn finish(
    args: &ConformArgs,
    known: &Baseline,
    reports: &[CaseReport],
    sctp: bool,
    paper: &mut Paper,
    output: &mut Output,
) -> Result<u8, Early> {
    let write = |path: &Path, text: &str| {
        fs::write(path, text).map_err(|error| Early::environment(format!("{}: {error}", path.display())))
    };
    paper.summary(reports, known, &mut output.text);
    if let Some(path) = &args.junit {
        write(path, &junit::document(reports).map_err(Early::environment)?)?;
    }
    if let Some(path) = &args.html {
        let page = page::page(reports, paper.peer(), sctp);
        write(path, &crate::report::cases::page(&page).map_err(Early::environment)?)?;
    }
    if let Some(path) = args.baseline.first().filter(|_| args.write_baseline) {
        write(path, &known.with(reports))?;
        return Ok(exit::GOOD);
    }
    let good = reports.iter().all(|report| !report.is_bad() || report.known);
    Ok(if good { exit::GOOD } else { exit::DIFFERS })
}

fn own(args: &ConformArgs) -> Who {
    let host = args.identity.clone().unwrap_or_else(machine_name);
    let realm = args.realm.clone().unwrap_or_else(|| {
        let (_, realm) = host.split_once('.').unwrap_or(("", &host));
        realm.to_owned()
    });
    Who { host, realm }
}

/// What `--set` says, each of the type that the suite gives it.
fn parameters(args: &ConformArgs, suites: &[Suite]) -> Result<BTreeMap<String, Value>, Early> {
    let mut found = BTreeMap::new();
    if let Some(seconds) = args.tw.filter(|_| suites.iter().any(|suite| suite.parameters.contains_key("tw"))) {
        found.insert("tw".to_owned(), seconds.into());
    }
    for (name, text) in &args.set {
        let default = suites.iter().find_map(|suite| suite.parameters.get(name));
        let needed = |suite: &Suite| suite.cases.iter().any(|case| case.get_ref().needs.contains(name));
        let value = match default {
            Some(Value::Number(_)) => {
                let number = text.parse::<i64>().map(Value::from);
                number.map_err(|_| Early::usage(format!("--set {name}: a whole number is expected, not {text:?}")))?
            }
            None if !suites.iter().any(needed) => {
                let all: BTreeSet<&str> =
                    suites.iter().flat_map(|suite| suite.parameters.keys()).map(String::as_str).collect();
                let all: Vec<&str> = all.into_iter().collect();
                let words = format!("--set: the suite has no parameter {name:?}; it has {}", all.join(", "));
                return Err(Early::usage(words));
            }
            _ => Value::String(text.clone()),
        };
        found.insert(name.clone(), value);
    }
    Ok(found)
}

/// A run over suites.
struct Run<'a> {
    args: &'a ConformArgs,
    peer: &'a Endpoint,
    net: Net,
    backend: Backend,
    settings: Settings,
    suites: Vec<Arc<Suite>>,
}

impl Run<'_> {
    async fn play(
        mut self,
        known: &Baseline,
        paper: &mut Paper,
        output: &mut Output,
    ) -> Result<Vec<CaseReport>, Early> {
        let mut reports = Vec::new();
        if let Some(folder) = &self.args.captures {
            fs::create_dir_all(folder).map_err(|error| Early::environment(format!("{}: {error}", folder.display())))?;
        }
        let usual = (self.backend == Backend::EmbeddedSctp).then_some(crate::capture::write::SCTP_UDP_PORT);
        let (from, udp_port) = (self.args.from.clone(), self.args.udp_port.or(usual));
        let remote = drive::Remote { peer: self.peer.clone(), from, udp_port };
        let mut driver = Driver::new(self.net.clone(), remote, &self.args.listen).await.map_err(Early::environment)?;
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        for suite in std::mem::take(&mut self.suites) {
            for (number, case) in suite.cases.iter().enumerate() {
                let case = case.get_ref();
                if !is_wanted(&self.args.case, case) || self.args.slow == Some(Slow::Only) && !case.slow {
                    continue;
                }
                if let Some(why) = self.left_out(&suite, case) {
                    let report = CaseReport::not_run(&suite, case, why);
                    paper.case(&report, &mut output.text);
                    reports.push(report);
                    continue;
                }
                let played = driver.play(&suite, number, &self.settings);
                let played = tokio::select! {
                    biased;
                    _ = &mut interrupted => {
                        return Err(Early { words: "interrupted".to_owned(), code: exit::INTERRUPTED });
                    }
                    played = played => played,
                };
                let Some(played) = played.map_err(Early::environment)? else { continue };
                if !driver.was_connected() && played.outcome.verdict == Verdict::Error {
                    let words = format!("{}: {}", self.peer, played.outcome.words);
                    return Err(Early::environment(words));
                }
                self.settings.peer = self.settings.peer.take().or(played.peer.clone());
                let mut report = CaseReport::new(&suite, case, played);
                report.known = known.holds(&report);
                report.why = known.why(&report).map(str::to_owned);
                if let Some(folder) = self.args.captures.as_ref().filter(|_| report.is_bad()) {
                    let path = folder.join(format!("{}-{}.pcapng", suite.suite, case.name));
                    let failed =
                        |what: &dyn std::fmt::Display| Early::environment(format!("{}: {what}", path.display()));
                    let file = fs::File::create(&path).map_err(|error| failed(&error))?;
                    capture::write(&report, remote_is_sctp(self.backend), io::BufWriter::new(file))
                        .map_err(|error| failed(&error))?;
                    report.capture = Some(path);
                }
                paper.case(&report, &mut output.text);
                output.message_done().map_err(|error| early_of_output(&error))?;
                reports.push(report);
            }
        }
        driver.close().await;
        if reports.iter().all(|report| report.verdict == Verdict::NotRun) {
            return Err(Early::usage(report::nothing(&reports)));
        }
        Ok(reports)
    }

    /// Why a case cannot be played here; `None` when it can.
    fn left_out(&self, suite: &Suite, case: &Case) -> Option<String> {
        let kind = match self.backend {
            Backend::Tcp => "tcp",
            Backend::Tls => "tls",
            _ => "sctp",
        };
        if let Err(words) = case.suits(kind) {
            return Some(words);
        }
        if case.slow && self.args.slow.is_none() && self.args.tw.is_none() && !self.args.case.contains(&case.name) {
            return Some("is slow: --slow, or --tw SECONDS".to_owned());
        }
        let has = |name: &String| self.settings.parameters.contains_key(name) || suite.parameters.contains_key(name);
        if let Some(name) = case.needs.iter().find(|name| !has(name)) {
            return Some(format!("needs --set {name}=VALUE"));
        }
        let listened = |party: &str| self.args.listen.iter().any(|(name, _)| name == party);
        let unheard = |party: &&&str| suite.party(party).is_some_and(|it| it.listens) && !listened(party);
        let party = case.parties().iter().find(unheard).map(|party| (*party).to_owned());
        party.map(|party| format!("needs --listen {party}=ENDPOINT"))
    }
}

const fn remote_is_sctp(backend: Backend) -> bool {
    !matches!(backend, Backend::Tcp | Backend::Tls)
}

fn early_of_output(error: &io::Error) -> Early {
    Early { words: format!("standard output: {error}"), code: exit::of_output(error) }
}
