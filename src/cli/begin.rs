//! `proselink begin`: a procedure of 3GPP at a running function or app server, through its admin socket.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};

use super::call::Early;
use super::show::{Answer, ask, socket};
use super::{Globals, exit};

/// The arguments of `begin`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BeginArgs {
    /// register, authorize, proximity, cancel, location, announce, monitor, match, announce-restricted, monitor-restricted,
    /// ask, locate, withdraw; at an app server: ban, lift
    #[arg(value_name = "PROCEDURE")]
    procedure: String,
    /// What belongs to it, e.g. imsi=001010000000001; what is missing is said
    #[arg(value_name = "KEY=VALUE")]
    values: Vec<String>,
    /// The node's admin socket
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    admin: Option<PathBuf>,
    /// The node's configuration, which names its admin socket
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Seconds to wait for what comes of it; 0: only begin it
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u32,
}

const EXAMPLES: &str = "\
Examples:
  proselink begin register imsi=001010000000001 application=mcc001.mnc01.ProSeApp.Chat aluid=alice --admin function.sock
  proselink begin authorize imsi=001010000000001 plmn=001-02 -c function.toml
  proselink begin proximity imsi=001010000000001 application=mcc001.mnc01.ProSeApp.Chat target=bob window=3600 \\
      location=52.52,13.40 --admin function.sock
  proselink begin monitor-restricted imsi=001010000000001 application=mcc001.mnc01.ProSeApp.Chat rpauid=alice.r \\
      targets=bob.r model_b=true --admin function.sock
  proselink begin ask kind=9 application=mcc001.mnc01.ProSeApp.Chat rpauid=alice.r target=bob.r --admin function.sock
  proselink begin ban rpauid=bob.r banned=alice.r --admin app-server.sock

Each line of standard output is a JSON object: what has come of the procedure. `cargo doc` has all keys, at
proselink::registration::standard::Wish; [function.standard] says which networks there are.

Exit codes: 0 it has come true or runs, 1 it was refused, 2 the command line cannot be used, 3 no node answers, or nothing
came of it in time.";

/// Values that are numbers, not texts.
const NUMBERS: [&str; 7] = ["window", "range", "interval", "reports", "counter", "kind", "suffixes"];

/// Runs the verb; the result is the exit code.
pub fn run(args: BeginArgs, _globals: &Globals) -> u8 {
    perform(&args).unwrap_or_else(|early| {
        eprintln!("proselink begin: {}", early.words);
        early.code
    })
}

/// The wish as the admin socket reads it.
fn wish(procedure: &str, values: &[String]) -> Result<Value, Early> {
    let mut wish = Map::new();
    wish.insert("begin".to_owned(), procedure.into());
    for text in values {
        let (key, value) = text.split_once('=').ok_or_else(|| Early::usage(format!("{text:?} is no KEY=VALUE")))?;
        let value = match key {
            "wlan" | "model_b" => value.parse::<bool>().map(Value::from).ok(),
            _ if NUMBERS.contains(&key) => value.parse::<u32>().map(Value::from).ok(),
            _ => Some(value.into()),
        };
        let value = value.ok_or_else(|| Early::usage(format!("{text:?}: expected a number, or true or false")))?;
        if wish.insert(key.to_owned(), value).is_some() {
            return Err(Early::usage(format!("{key} stands there twice")));
        }
    }
    Ok(Value::Object(wish))
}

fn perform(args: &BeginArgs) -> Result<u8, Early> {
    let wish = wish(&args.procedure, &args.values)?;
    let path = socket(args.admin.as_deref(), args.config.as_deref())?;
    let end = Instant::now() + Duration::from_secs(u64::from(args.wait));
    let mut pause = Duration::from_millis(20);
    let mut question = json!({"ask": "begin", "wish": wish});
    let (mut over, mut good, mut heard) = (false, true, false);
    loop {
        let mut procedure = None;
        match once(&path, &question, &mut |value| {
            procedure = value.get("procedure").and_then(Value::as_u64);
            let news = value.get("news").and_then(Value::as_array);
            let mut stdout = std::io::stdout().lock();
            for news in news.into_iter().flatten() {
                heard = true;
                over |= news.get("over").and_then(Value::as_bool).unwrap_or(true);
                good &= news.get("success").and_then(Value::as_bool).unwrap_or(false);
                writeln!(stdout, "{news}")?;
            }
            if procedure.is_none() {
                (over, heard) = (true, true);
                writeln!(stdout, "{value}")?;
            }
            stdout.flush()
        })? {
            Some(code) => return Ok(code),
            None if over || Instant::now() >= end => break,
            None => {}
        }
        question = json!({"ask": "news", "procedure": procedure});
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(500));
    }
    if !heard && args.wait > 0 {
        return Err(Early::environment(format!("nothing came of it in {} s", args.wait)));
    }
    Ok(if good { exit::GOOD } else { exit::DIFFERS })
}

/// One question; an exit code when that was the end of it.
fn once(
    path: &Path,
    question: &Value,
    take: &mut dyn FnMut(&Value) -> std::io::Result<()>,
) -> Result<Option<u8>, Early> {
    match ask(path, question, take)? {
        Answer::Whole(_) => Ok(None),
        Answer::Deaf(error) => Ok(Some(exit::of_output(&error))),
        Answer::Refused(words) => {
            eprintln!("proselink begin: {words}");
            Ok(Some(exit::DIFFERS))
        }
    }
}
