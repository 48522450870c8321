//! `proselink user`: what proves a user to an app server.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Globals, exit};
use crate::node::users::{self, PrivateKey};
use crate::registration::credential::Secret;

/// The arguments of `user`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UserArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key pair: the private key into a file, the line for the app server's file of keys to standard output
    #[command(after_help = EXAMPLES)]
    Key {
        /// User-Name
        #[arg(value_name = "NAME")]
        name: String,
        /// Where the private key goes, in PKCS#8 PEM; an existing key is kept and its line printed
        #[arg(short, long, value_name = "FILE")]
        private: PathBuf,
    },
    /// Hash a password with argon2id: it is read from standard input, one line; the line for the app server's file of
    /// passwords goes to standard output
    #[command(after_help = EXAMPLES)]
    Hash {
        /// User-Name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

const EXAMPLES: &str = "\
Examples:
  proselink user key alice@chat.example --private alice.key >>chat.keys
  proselink user hash alice@chat.example >>chat.passwords
  printf %s \"$PASSWORD\" | proselink user hash alice@chat.example

A key of OpenSSL does as well: `openssl genpkey -algorithm ed25519 -out alice.key`, then `proselink user key` as above.

Exit codes: 0 done, 2 the name, password or key cannot be used, 3 a file cannot be read or written.";

/// A password is no longer than this.
const MOST_PASSWORD_OCTETS: u64 = 1024;

/// Why there is no line.
struct Failure {
    code: u8,
    words: String,
}

fn usage(words: impl ToString) -> Failure {
    Failure { code: exit::USAGE, words: words.to_string() }
}

fn environment(words: impl ToString) -> Failure {
    Failure { code: exit::ENVIRONMENT, words: words.to_string() }
}

/// Runs the verb; the result is the exit code.
pub fn run(args: UserArgs, _globals: &Globals) -> u8 {
    let line = match &args.verb {
        Verb::Key { name, private } => checked(name).and_then(|()| key(name, private)),
        Verb::Hash { name } => checked(name).and_then(|()| hash(name)),
    };
    match line {
        Ok(line) => super::output::say(&line).map_or_else(|error| exit::of_output(&error), |()| exit::GOOD),
        Err(Failure { code, words }) => {
            eprintln!("proselink: {words}");
            code
        }
    }
}

/// A name must survive in a line of a file.
fn checked(name: &str) -> Result<(), Failure> {
    if name.is_empty()
        || name.trim() != name
        || name.starts_with('#')
        || name.contains(|letter: char| letter.is_control())
    {
        let words = "the name is empty, begins with # or a blank, ends with a blank, or has control characters";
        return Err(usage(words));
    }
    Ok(())
}

fn key(name: &str, path: &Path) -> Result<String, Failure> {
    let key = if path.exists() {
        let text =
            Secret::new(std::fs::read(path).map_err(|error| environment(format!("{}: {error}", path.display())))?);
        PrivateKey::from_pem(text.reveal()).map_err(|error| usage(format!("{}: {error}", path.display())))?
    } else {
        let (key, text) = PrivateKey::generate().map_err(environment)?;
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        file.and_then(|mut file| file.write_all(text.reveal()).and_then(|()| file.sync_all()))
            .map_err(|error| environment(format!("{}: {error}", path.display())))?;
        key
    };
    Ok(format!("{name}:{}", key.public()))
}

fn hash(name: &str) -> Result<String, Failure> {
    let stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        eprint!("password of {name} (it is shown as you type): ");
    }
    let mut line = Vec::new();
    stdin.take(MOST_PASSWORD_OCTETS + 2).read_until(b'\n', &mut line).map_err(environment)?;
    let password = Secret::new(line);
    let bare = password.reveal();
    let bare = bare.strip_suffix(b"\n").unwrap_or(bare);
    let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
    if bare.is_empty() {
        return Err(usage("no password came on standard input"));
    }
    if bare.len() as u64 > MOST_PASSWORD_OCTETS {
        return Err(usage(format!("the password has more than {MOST_PASSWORD_OCTETS} octets")));
    }
    let hash = users::hash(bare).map_err(environment)?;
    Ok(format!("{name}:{}", hash.as_str()))
}
