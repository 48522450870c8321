//! `proselink config`: what stands in configuration files, without running anything.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Globals, exit};
use crate::node::config;

/// The arguments of `config`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ConfigArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Read configurations and tell what is wrong with file, line and column
    #[command(after_help = EXAMPLES)]
    Check {
        /// The files
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
}

const EXAMPLES: &str = "\
Examples:
  proselink config check examples/hss.toml
  proselink config check *.toml && systemctl reload proselink

`proselink doctor -c FILE` also tries whether what stands there works on this machine.

Exit codes: 0 all are good, 2 one is not, 3 one cannot be read.";

impl ConfigArgs {
    /// The files.
    pub(super) fn configurations(&self) -> &[PathBuf] {
        let Verb::Check { files } = &self.verb;
        files
    }
}

/// Runs the verb; the result is the exit code.
pub fn run(args: ConfigArgs, _globals: &Globals) -> u8 {
    let Verb::Check { files } = args.verb;
    let mut code = exit::GOOD;
    for path in files {
        match config::load(&path) {
            Ok(config) => {
                for warning in &config.warnings {
                    eprintln!("warning: {warning}");
                }
                let settings = &config.settings;
                let listen: Vec<_> = settings.listen.iter().map(ToString::to_string).collect();
                let line = format!(
                    "{}: good: {} of {}, {} peers, listens at {}",
                    path.display(),
                    settings.local.identity,
                    settings.local.realm,
                    settings.peers.len(),
                    if listen.is_empty() { "no address".to_owned() } else { listen.join(", ") }
                );
                if let Err(error) = super::output::say(&line) {
                    return exit::of_output(&error);
                }
            }
            Err(error) => {
                eprintln!("{error}");
                code = code.max(if error.place.is_none() && !path.is_file() { exit::ENVIRONMENT } else { exit::USAGE });
            }
        }
    }
    code
}
