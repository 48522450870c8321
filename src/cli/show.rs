//! `proselink show`, `revoke` and `deregister`: a look into a running node, and a word to it, through its admin socket.

mod table;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::table::Table;
use super::call::Early;
use super::{Globals, exit};
use crate::node::admin::MOST_SHOWN;
use crate::node::config;

/// The arguments of `show`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    #[command(subcommand)]
    what: What,
    /// The node's admin socket
    #[arg(long, value_name = "PATH", global = true, conflicts_with = "config", help_heading = "Node")]
    admin: Option<PathBuf>,
    /// The node's configuration, which names its admin socket
    #[arg(short, long, value_name = "FILE", global = true, help_heading = "Node")]
    config: Option<PathBuf>,
    /// A JSON object a line instead of the table
    #[arg(long, global = true)]
    json: bool,
    /// IMSI and MSISDN whole; the node notes in its log that they were shown
    #[arg(long, global = true)]
    clear: bool,
}

/// What is looked at.
#[derive(Debug, Subcommand)]
enum What {
    /// The UEs of a function: state, ID1, how long it is good, users bound
    #[command(after_help = "Examples:\n  proselink show ues --admin function.sock --limit 20")]
    Ues {
        /// UEs at the most, in the order of their IMSI
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=MOST_SHOWN))]
        limit: u64,
    },
    /// All that a function knows of one UE
    #[command(after_help = "Examples:\n  proselink show ue 001010000000001 --admin function.sock --clear")]
    Ue {
        /// Its IMSI, or an ID1 of 16 hexadecimal digits
        #[arg(value_name = "IMSI")]
        ue: String,
    },
    /// The UEs that come from another function or go to one, and who has yet to be told
    #[command(after_help = "Examples:\n  proselink show moves --admin function.sock")]
    Moves {
        /// UEs at the most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=MOST_SHOWN))]
        limit: u64,
    },
    /// The peers of any node, and why one is down
    #[command(after_help = "Examples:\n  proselink show peers --admin hss.sock")]
    Peers,
}

const EXAMPLES: &str = "\
Examples:
  proselink show ues --admin function.sock                       a table of the UEs
  proselink show ue 001010000000001 -c examples/function.toml    one of them; the configuration has admin = \"PATH\"
  proselink show moves --admin function.sock --json              JSON, an object a line
  proselink show peers --admin function.sock

The node has `admin = \"function.sock\"` in its configuration or was started with --admin. Only the user who runs it (and
root) can open the socket. IMSI and MSISDN are masked unless --clear is given.

Exit codes: 0 shown, 1 there is no such UE or the node has none, 2 the command line cannot be used, 3 no node answers.";

/// The arguments of `revoke`.
#[derive(Debug, Args)]
#[command(after_help = REVOKE_EXAMPLES)]
pub struct RevokeArgs {
    #[command(flatten)]
    order: OrderArgs,
}

/// The arguments of `deregister`.
#[derive(Debug, Args)]
#[command(after_help = DEREGISTER_EXAMPLES)]
pub struct DeregisterArgs {
    #[command(flatten)]
    order: OrderArgs,
}

/// Which UE of which function.
#[derive(Debug, Args)]
struct OrderArgs {
    /// The UE: its IMSI, or its ID1 of 16 hexadecimal digits
    #[arg(value_name = "IMSI")]
    ue: String,
    /// The function's admin socket
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    admin: Option<PathBuf>,
    /// The function's configuration, which names its admin socket
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

const REVOKE_EXAMPLES: &str = "\
Examples:
  proselink revoke 001010000000001 --admin function.sock
  proselink revoke 00f1100123456789 -c function.toml

The ID1 is good for nothing from then on and its bindings end; the UE gets another when it asks. The answer says what the
function has begun; its log and `proselink show ue` tell of the end.

Exit codes: 0 begun, 1 there is no such UE, 2 the command line cannot be used, 3 no node answers.";

const DEREGISTER_EXAMPLES: &str = "\
Examples:
  proselink deregister 001010000000001 --admin function.sock

The function forgets the UE; its app servers and the HSS are told, again and again until they know (`proselink show moves`).

Exit codes: 0 begun, 1 there is no such UE, 2 the command line cannot be used, 3 no node answers.";

/// How long the node may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest line of an answer.
const MOST_LINE: u64 = 4 << 20;

/// Runs the verb; the result is the exit code.
pub fn run(args: ShowArgs, _globals: &Globals) -> u8 {
    perform(&args).unwrap_or_else(|early| {
        eprintln!("proselink show: {}", early.words);
        early.code
    })
}

/// Runs `revoke`; the result is the exit code.
pub fn revoke(args: RevokeArgs, _globals: &Globals) -> u8 {
    order("revoke", &args.order)
}

/// Runs `deregister`; the result is the exit code.
pub fn deregister(args: DeregisterArgs, _globals: &Globals) -> u8 {
    order("deregister", &args.order)
}

/// Tells a function to do something about a UE; what it answers is written as it is.
fn order(verb: &str, args: &OrderArgs) -> u8 {
    let mut durable = true;
    let told = socket(args.admin.as_deref(), args.config.as_deref()).and_then(|path| {
        let mut stdout = std::io::stdout().lock();
        ask(&path, &json!({"ask": verb, "ue": args.ue}), |value| {
            durable = value.get("durable") != Some(&Value::Bool(false));
            writeln!(stdout, "{value}")
        })
    });
    let (words, code) = match told {
        Ok(Answer::Whole(_)) if durable => return exit::GOOD,
        Ok(Answer::Whole(_)) => {
            ("begun, and not durable yet: look again with `proselink show ue`".to_owned(), exit::DIFFERS)
        }
        Ok(Answer::Deaf(error)) => return exit::of_output(&error),
        Ok(Answer::Refused(words)) => (words, exit::DIFFERS),
        Err(early) => (early.words, early.code),
    };
    eprintln!("proselink {verb}: {words}");
    code
}

fn perform(args: &ShowArgs) -> Result<u8, Early> {
    let question = match &args.what {
        What::Ues { limit } => json!({"ask": "ues", "limit": limit, "clear": args.clear}),
        What::Ue { ue } => json!({"ask": "ue", "ue": ue, "clear": args.clear}),
        What::Moves { limit } => json!({"ask": "moves", "limit": limit, "clear": args.clear}),
        What::Peers => json!({"ask": "peers", "limit": MOST_SHOWN}),
    };
    let path = socket(args.admin.as_deref(), args.config.as_deref())?;
    let mut stdout = std::io::stdout().lock();
    let mut table = match args.what {
        What::Ues { .. } => Table::ues(),
        What::Ue { .. } => Table::one(),
        What::Moves { .. } => Table::moves(),
        What::Peers => Table::peers(),
    };
    let end =
        ask(
            &path,
            &question,
            |value| {
                if args.json { writeln!(stdout, "{value}") } else { table.add(value, &mut stdout) }
            },
        )?;
    let text = match end {
        Answer::Whole(end) if args.json => format!("{end}\n"),
        Answer::Whole(end) => table.finish(end.get("end").unwrap_or(&Value::Null)),
        Answer::Refused(words) => {
            eprintln!("proselink show: {words}");
            return Ok(exit::DIFFERS);
        }
        Answer::Deaf(error) => return Ok(exit::of_output(&error)),
    };
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    Ok(written.map_or_else(|error| exit::of_output(&error), |()| exit::GOOD))
}

/// Which socket.
pub(super) fn socket(admin: Option<&Path>, config: Option<&Path>) -> Result<PathBuf, Early> {
    if let Some(path) = admin {
        return Ok(path.to_owned());
    }
    let Some(file) = config else {
        return Err(Early::usage("which node? say --admin PATH, or -c FILE with the configuration that names it"));
    };
    let config = config::load(file).map_err(Early::usage)?;
    let none = || Early::usage(format!("{} has no admin socket: write admin = \"PATH\" into it", file.display()));
    config.admin.ok_or_else(none)
}

/// How an answer ends.
pub(super) enum Answer {
    /// With its last line.
    Whole(Value),
    /// With the node's word that there is none.
    Refused(String),
    /// Standard output takes no more.
    Deaf(std::io::Error),
}

/// Asks a node, and gives every line of the answer but the last to `take`.
pub(super) fn ask(
    path: &Path,
    question: &Value,
    mut take: impl FnMut(&Value) -> std::io::Result<()>,
) -> Result<Answer, Early> {
    let failed = |what: &str, error: std::io::Error| Early::environment(format!("{}: {what}: {error}", path.display()));
    let stream = UnixStream::connect(path).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "no node listens there: is it running, with this admin path?",
            std::io::ErrorKind::ConnectionRefused => "the node that made it is gone",
            std::io::ErrorKind::PermissionDenied => "it is for the user who runs the node (or root)",
            _ => "it cannot be used",
        };
        failed(why, error)
    })?;
    for set in [UnixStream::set_read_timeout, UnixStream::set_write_timeout] {
        set(&stream, Some(PATIENCE)).map_err(|error| failed("the socket", error))?;
    }
    (&stream).write_all(format!("{question}\n").as_bytes()).map_err(|error| failed("asking", error))?;
    let mut reader = BufReader::new(&stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(MOST_LINE).read_until(b'\n', &mut line);
        if read.map_err(|error| failed("the answer", error))? == 0 {
            return Err(Early::environment(format!("{}: the node ended in the middle of its answer", path.display())));
        }
        let value: Value = serde_json::from_slice(&line)
            .map_err(|error| Early::environment(format!("{}: this is no answer: {error}", path.display())))?;
        if let Some(words) = value.get("error").and_then(Value::as_str) {
            return Ok(Answer::Refused(words.to_owned()));
        }
        if value.get("end").is_some() {
            return Ok(Answer::Whole(value));
        }
        if let Err(error) = take(&value) {
            return Ok(Answer::Deaf(error));
        }
    }
}
