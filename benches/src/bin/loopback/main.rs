//! Requests and answers over TCP on the machine itself: our node on both ends, with its whole peer machine, beside the
//! crate `diameter` on both ends. Request b and its answer, built from values and decoded for every transaction.
//!
//!     loopback [--rounds N] [--seconds S] [--outstanding 1,64] [--threads N]   both, in alternating rounds
//!     loopback --count N ours|rival [--outstanding 64]                        one of them, both ends in one thread: to
//!                                                                             be counted or profiled
//!
//! Every end is a process of its own and lives through all rounds, so that CPU time is told by side. Only what the two
//! did in the same run on the same machine may be compared.

mod ours;
mod rival;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What one round gave, as the client saw it.
#[derive(Debug, Default)]
pub struct Round {
    transactions: u64,
    elapsed: Duration,
    /// Nanoseconds from handing over the request until the answer was judged.
    latencies: Vec<u32>,
}

/// When a round ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    Elapsed(Duration),
    Count(u64),
}

impl Until {
    fn is_over(self, begun: Instant, sent: u64) -> bool {
        match self {
            Self::Elapsed(span) => begun.elapsed() >= span,
            Self::Count(count) => sent >= count,
        }
    }
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let threads = value(&words, "--threads").map_or(Ok(0), str::parse)?;
    let outstanding = value(&words, "--outstanding");
    match words[..] {
        ["server", which, address, ..] => serve(which, address, &runtime(threads)?),
        ["client", which, address, ..] => ask(which, address, &runtime(threads)?),
        _ => match value(&words, "--count") {
            Some(count) => {
                let which = if words.contains(&"rival") { "rival" } else { "ours" };
                counted(which, count.parse()?, outstanding.unwrap_or("64").parse()?)
            }
            None => {
                let rounds = value(&words, "--rounds").map_or(Ok(5), str::parse)?;
                let seconds = value(&words, "--seconds").map_or(Ok(2.0), str::parse)?;
                let outstanding = outstanding.unwrap_or("1,64").split(',').map(str::parse).collect::<Result<_, _>>()?;
                compare(rounds, Duration::from_secs_f64(seconds), outstanding, threads)
            }
        },
    }
}

fn value<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| *word == name)?;
    words.get(at + 1).copied()
}

/// One thread for all, or so many workers.
fn runtime(threads: usize) -> std::io::Result<Runtime> {
    match threads {
        0 => Builder::new_current_thread().enable_all().build(),
        _ => Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
    }
}

fn free_address() -> std::io::Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// Serves until its standard input ends.
fn serve(which: &str, address: &str, runtime: &Runtime) -> Result<(), Error> {
    runtime.block_on(async {
        match which {
            "ours" => {
                let _node = ours::serve(address).await?;
                println!("ready");
                wait_for_end().await;
            }
            _ => {
                let server = rival::serve(address).await?;
                println!("ready");
                tokio::select! {
                    () = wait_for_end() => {}
                    () = server => {}
                }
            }
        }
        Ok::<_, Error>(())
    })?;
    std::process::exit(0);
}

async fn wait_for_end() {
    let _ = tokio::task::spawn_blocking(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    })
    .await;
}

/// Asks: each line `OUTSTANDING NANOSECONDS` is a round.
fn ask(which: &str, address: &str, runtime: &Runtime) -> Result<(), Error> {
    let ours = if which == "ours" { Some(runtime.block_on(ours::connect(address))?) } else { None };
    let rival = if which == "ours" { None } else { Some(runtime.block_on(rival::connect(address))?) };
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let Some((outstanding, span)) = line.split_once(' ') else { continue };
        let (outstanding, span) = (outstanding.parse()?, Until::Elapsed(Duration::from_nanos(span.parse()?)));
        let mut round = match (&ours, &rival) {
            (Some(ours), _) => runtime.block_on(ours::round(ours, outstanding, span))?,
            (_, Some(rival)) => runtime.block_on(rival::round(rival, outstanding, span))?,
            _ => return Err("nobody to ask".into()),
        };
        round.latencies.sort_unstable();
        let [p50, p99] = [50, 99].map(|p| round.latencies.get(round.latencies.len() * p / 100).copied().unwrap_or(0));
        println!("{} {} {p50} {p99}", round.transactions, round.elapsed.as_nanos());
    }
    std::process::exit(0);
}

/// Both ends in one thread and so many transactions.
fn counted(which: &str, count: u64, outstanding: usize) -> Result<(), Error> {
    let runtime = runtime(0)?;
    let address = free_address()?;
    let until = Until::Count(count);
    let round = runtime.block_on(async {
        match which {
            "ours" => {
                let _server = ours::serve(&address).await?;
                ours::round(&ours::connect(&address).await?, outstanding, until).await
            }
            _ => {
                let server = rival::serve(&address).await?;
                tokio::spawn(server);
                rival::round(&rival::connect(&address).await?, outstanding, until).await
            }
        }
    })?;
    println!("{which}: {} transactions in {:?}", round.transactions, round.elapsed);
    std::process::exit(0);
}

struct End {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl End {
    fn start(role: &str, which: &str, address: &str, threads: usize) -> Result<Self, Error> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([role, which, address, "--threads", &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take().ok_or("no input")?, child.stdout.take().ok_or("no output")?);
        let mut end = Self { child, input, output: BufReader::new(output) };
        match end.line()?.trim() {
            "ready" => Ok(end),
            line => Err(format!("the {role} of {which} said {line:?}").into()),
        }
    }

    fn line(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line)
    }

    /// User and system time so far. The kernel's ticks are 10 ms.
    fn cpu(&self) -> Result<Duration, Error> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let behind = stat.rsplit_once(')').ok_or("no name in stat")?.1;
        let ticks: Vec<u64> = behind.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
        Ok(Duration::from_millis(10 * ticks.iter().sum::<u64>()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Figures of one round.
#[derive(Clone, Copy, Debug)]
struct Figures {
    rate: f64,
    p50: f64,
    p99: f64,
    client: f64,
    server: f64,
}

fn one_round(server: &End, client: &mut End, outstanding: usize, span: Duration) -> Result<Figures, Error> {
    let before = (server.cpu()?, client.cpu()?);
    writeln!(client.input, "{outstanding} {}", span.as_nanos())?;
    let line = client.line()?;
    let after = (server.cpu()?, client.cpu()?);
    let numbers: Vec<f64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [transactions, elapsed, p50, p99] = numbers[..] else { return Err(format!("no figures: {line:?}").into()) };
    let each = |before: Duration, after: Duration| (after - before).as_secs_f64() * 1e6 / transactions;
    Ok(Figures {
        rate: transactions / (elapsed / 1e9),
        p50: p50 / 1e3,
        p99: p99 / 1e3,
        client: each(before.1, after.1),
        server: each(before.0, after.0),
    })
}

fn compare(rounds: usize, span: Duration, outstanding: Vec<usize>, threads: usize) -> Result<(), Error> {
    let kinds = ["ours", "rival"];
    let names = ["proselink", "crate diameter"];
    let mut ends = Vec::new();
    for which in kinds {
        let address = free_address()?;
        let server = End::start("server", which, &address, threads)?;
        ends.push((server, End::start("client", which, &address, threads)?));
    }
    let flavour = if threads == 0 { "one thread".to_owned() } else { format!("{threads} worker threads") };
    println!("{rounds} rounds of {span:?} each, alternating; {flavour} an end; min / median / max");
    for outstanding in outstanding {
        println!("\n{outstanding} outstanding");
        let mut all: [Vec<Figures>; 2] = [Vec::new(), Vec::new()];
        // The first round warms up and is not told.
        for round in 0..=rounds {
            for ((server, client), figures) in ends.iter_mut().zip(&mut all) {
                let one = one_round(server, client, outstanding, span)?;
                if round > 0 {
                    figures.push(one);
                }
            }
        }
        for (name, figures) in names.iter().zip(&all) {
            println!("  {name}");
            println!("    transactions/s        {}", spread(figures, 0, |one| one.rate));
            println!("    p50, us               {}", spread(figures, 1, |one| one.p50));
            println!("    p99, us               {}", spread(figures, 1, |one| one.p99));
            println!("    CPU of client, us     {}", spread(figures, 2, |one| one.client));
            println!("    CPU of server, us     {}", spread(figures, 2, |one| one.server));
            println!("    CPU of both, us       {}", spread(figures, 2, |one| one.client + one.server));
        }
        let ratio = |of: fn(&Figures) -> f64| median(&all[0], of) / median(&all[1], of);
        println!(
            "  ours to theirs: throughput {:.2}, CPU {:.2}, p50 {:.2}, p99 {:.2}",
            ratio(|one| one.rate),
            ratio(|one| one.client + one.server),
            ratio(|one| one.p50),
            ratio(|one| one.p99)
        );
    }
    Ok(())
}

fn sorted(figures: &[Figures], of: fn(&Figures) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = figures.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(figures: &[Figures], of: fn(&Figures) -> f64) -> f64 {
    let values = sorted(figures, of);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn spread(figures: &[Figures], digits: usize, of: fn(&Figures) -> f64) -> String {
    let values = sorted(figures, of);
    let [Some(least), Some(most)] = [values.first(), values.last()] else { return String::new() };
    format!("{least:.digits$} / {:.digits$} / {most:.digits$}", median(figures, of))
}

/// The dictionary of the rival, shared.
pub fn dictionary() -> Arc<diameter::dictionary::Dictionary> {
    proselink_benches::rival_dictionary()
}
