//! `proselink store`: backup, restore and check of the store of a function or an app server.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::say;
use super::show::{Answer, ask};
use super::{Globals, exit};
use crate::store::StoreError;
use crate::store::embedded::{self, CheckReport, Counts, EmbeddedStore, NewFile, Options, TransferError, Unfinished};

/// The arguments of `store`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StoreArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write all of a store as text, an object a line, as of one moment
    ///
    /// The copy is complete: IMSIs and MSISDNs stand in it in clear. The file is made with mode 0600, and appears under
    /// its name only when it is whole.
    #[command(alias = "backup", after_help = EXAMPLES)]
    Export {
        /// The store; left away, that of the running node behind --admin
        #[arg(value_name = "STORE", required_unless_present = "admin")]
        store: Option<PathBuf>,
        /// The admin socket of a function or app server that runs with the store, and goes on while it is copied
        #[arg(long, value_name = "PATH", conflicts_with = "store")]
        admin: Option<PathBuf>,
        /// The file to write; `-` is standard output
        #[arg(short = 'w', long = "write", value_name = "FILE", default_value = "-")]
        write: PathBuf,
    },
    /// Make a new store from an export: whole, or not at all
    ///
    /// Nothing is overwritten: there must be no file of that name.
    #[command(alias = "restore", after_help = EXAMPLES)]
    Import {
        /// The store to make
        #[arg(value_name = "STORE")]
        store: PathBuf,
        /// The export; `-` is standard input
        #[arg(short = 'r', long = "read", value_name = "FILE", default_value = "-")]
        read: PathBuf,
        /// Blocks of ID1s (65,536 each) to pass over
        ///
        /// What the function gave out after the export is not in it, and must not be given out again: it goes on so many
        /// blocks behind where the export left it, and has 262,144 of them. Write 0 only when the function did not run
        /// since the export, as for a move to another machine: the store is then the very same.
        #[arg(long, value_name = "N", default_value_t = embedded::SKIPPED_BLOCKS)]
        skip_id1_blocks: u64,
    },
    /// Verify every page and every record of a store, and name what does not fit, and files that were not finished beside it
    #[command(after_help = EXAMPLES)]
    Check {
        /// The store
        #[arg(value_name = "STORE")]
        store: PathBuf,
        /// Show IMSIs with all their digits, and keys whole
        #[arg(long)]
        clear: bool,
    },
}

const EXAMPLES: &str = "\
Examples:
  proselink store export function.redb -w backup.ndjson    a backup; IMSIs in clear, mode 0600
  proselink store export function.redb | zstd > backup.ndjson.zst
  proselink store backup --admin function.sock -w backup.ndjson    of a function that runs
  proselink store import restored.redb -r backup.ndjson    ID1s go on behind all that may have been given out since
  proselink store import moved.redb -r backup.ndjson --skip-id1-blocks 0    the very same store
  proselink store check function.redb

A store that is in use is exported through --admin; for all else the function or app server has to be stopped first. A store
of an older schema is brought up on the way.

Exit codes: 0 good, 1 an inconsistency was found, 3 the store is in use, missing or there already, or the disk fails,
4 the store or the export is damaged or no such thing.";

struct Failure {
    words: String,
    code: u8,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Damaged { .. }
            | StoreError::NotAStore { .. }
            | StoreError::NewerSchema { .. }
            | StoreError::Record(_) => exit::MALFORMED,
            _ => exit::ENVIRONMENT,
        };
        Failure { words: error.to_string(), code }
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        let code = match error {
            TransferError::Store(error) => return error.into(),
            TransferError::Write(ref error) => exit::of_output(error),
            TransferError::Read(_) => exit::ENVIRONMENT,
            _ => exit::MALFORMED,
        };
        Failure { words: error.to_string(), code }
    }
}

impl Failure {
    fn file(path: &Path, error: &io::Error) -> Self {
        Failure { words: format!("{}: {error}", path.display()), code: exit::ENVIRONMENT }
    }
}

/// Runs the verb; the result is the exit code.
pub fn run(args: StoreArgs, _globals: &Globals) -> u8 {
    let result = match args.verb {
        Verb::Export { store, admin, write } => match (store, admin) {
            (Some(store), _) => export(&store, &write),
            (None, Some(admin)) => export_running(&admin, &write),
            (None, None) => {
                Err(Failure { words: "which store? say STORE or --admin PATH".to_owned(), code: exit::USAGE })
            }
        },
        Verb::Import { store, read, skip_id1_blocks } => import(&store, &read, skip_id1_blocks),
        Verb::Check { store, clear } => check(&store, clear),
    };
    result.unwrap_or_else(|failure| {
        // A closed pipe is no failure, and says nothing.
        if failure.code != exit::GOOD {
            eprintln!("proselink: {}", failure.words);
        }
        failure.code
    })
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn export(store: &Path, write: &Path) -> Result<u8, Failure> {
    let store = EmbeddedStore::open(store, Options::default().create(false))?;
    into_file(write, |mut out| Ok(embedded::export(&store.reader(), &mut out)?))
}

/// Takes the lines of an export from a node that runs with the store.
fn export_running(admin: &Path, write: &Path) -> Result<u8, Failure> {
    into_file(write, |out| {
        let asked = ask(admin, &json!({"ask": "export"}), |line| writeln!(out, "{line}"));
        let end = match asked.map_err(|early| Failure { words: early.words, code: early.code })? {
            Answer::Whole(end) => end,
            Answer::Refused(words) => return Err(Failure { words, code: exit::ENVIRONMENT }),
            Answer::Deaf(error) => return Err(TransferError::Write(error).into()),
        };
        writeln!(out, "{end}").and_then(|()| out.flush()).map_err(TransferError::Write)?;
        let counts = end.get("end").cloned().unwrap_or_default();
        serde_json::from_value(counts).map_err(|error| Failure {
            words: format!("{}: the export ends otherwise than one does: {error}", admin.display()),
            code: exit::MALFORMED,
        })
    })
}

/// Gives `fill` standard output, or a file that appears under its name when it is whole.
fn into_file(write: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<Counts, Failure>) -> Result<u8, Failure> {
    if is_dash(write) {
        fill(&mut BufWriter::new(io::stdout().lock()))?;
        return Ok(exit::GOOD);
    }
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => StoreError::Exists { path: write.to_owned() }.into(),
        _ => Failure::file(write, &error),
    };
    let new = NewFile::make(write).map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 20, new.file());
    let counts = fill(&mut out)?;
    drop(out);
    new.finish().map_err(failed)?;
    Ok(told(&format!("{}: {}", write.display(), in_words(&counts))))
}

fn in_words(counts: &Counts) -> String {
    let Counts { contexts, users, values, deletions } = counts;
    format!("{contexts} contexts, {users} users, {values} values, {deletions} deletions")
}

fn import(store: &Path, read: &Path, skip_id1_blocks: u64) -> Result<u8, Failure> {
    let imported = if is_dash(read) {
        embedded::import(store, &mut io::stdin().lock(), skip_id1_blocks)?
    } else {
        let file = File::open(read).map_err(|error| Failure::file(read, &error))?;
        let mut file = BufReader::with_capacity(1 << 20, file);
        embedded::import(store, &mut file, skip_id1_blocks).map_err(|error| {
            let of_export = !matches!(error, TransferError::Store(_));
            let failure = Failure::from(error);
            if of_export {
                Failure { words: format!("{}: {}", read.display(), failure.words), ..failure }
            } else {
                failure
            }
        })?
    };
    let mut text = format!("{}: {}", store.display(), in_words(&imported.counts));
    for (allocator, block) in &imported.id1_blocks {
        text.push_str(&format!("\nallocator {allocator} goes on with block {block} of ID1s"));
    }
    Ok(told(&text))
}

/// What was done, for people; the exit code.
fn told(text: &str) -> u8 {
    say(text).map_or_else(|error| exit::of_output(&error), |()| exit::GOOD)
}

fn check(store: &Path, clear: bool) -> Result<u8, Failure> {
    let report = embedded::check(store)?;
    let CheckReport { counts, id1s, bindings, user_ues, moving, moved, inconsistencies, found, unfinished } = report;
    let mut text = format!(
        "{}: {}\n  contexts: {moving} moving, {moved} moved, {id1s} ID1s, {bindings} bindings; users: on {user_ues} UEs\n",
        store.display(),
        in_words(&counts)
    );
    for inconsistency in &inconsistencies {
        let about = if clear { inconsistency.about.reveal() } else { inconsistency.about.to_string() };
        text.push_str(&format!("{about}: {}\n", inconsistency.what));
    }
    for Unfinished { path, is_being_made } in &unfinished {
        let path = path.display();
        text.push_str(&match is_being_made {
            true => format!("{path}: a process is making this file; leave it alone\n"),
            false => format!(
                "{path}: left by an import or export that was killed; the store lacks nothing of it, and identifiers may \
                 stand in it in clear: remove it\n"
            ),
        });
    }
    match found {
        0 => text.push_str("all of it fits"),
        _ => text.push_str(&format!("{found} inconsistencies")),
    }
    match say(&text) {
        Err(error) => Ok(exit::of_output(&error)),
        Ok(()) => Ok(if found == 0 { exit::GOOD } else { exit::DIFFERS }),
    }
}
