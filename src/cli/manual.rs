//! `proselink man` and `proselink completions`: both made from the command line's own declaration.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::output::Output;
use super::{Cli, exit};

/// The arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManArgs {
    /// The folder for a page each verb, made when it is not there; without it the main page goes to standard output
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

const MAN_EXAMPLES: &str = "\
Examples:
  proselink man | man -l -                     the main page
  proselink man /usr/local/share/man/man1      proselink.1, proselink-decode.1 and so on";

/// The arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  proselink completions bash > /etc/bash_completion.d/proselink
  proselink completions zsh > ~/.zfunc/_proselink
  proselink completions fish > ~/.config/fish/completions/proselink.fish";

/// Runs `man`.
pub fn man(args: &ManArgs) -> u8 {
    let command = Cli::command();
    let result = match &args.folder {
        Some(folder) => std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(command.disable_help_subcommand(true), folder)),
        None => {
            let mut page = Vec::new();
            return match clap_mangen::Man::new(command).render(&mut page) {
                Ok(()) => print(&String::from_utf8_lossy(&page)),
                Err(_) => exit::ENVIRONMENT,
            };
        }
    };
    match (result, &args.folder) {
        (Err(error), Some(folder)) => {
            eprintln!("proselink man: {}: {error}", folder.display());
            exit::ENVIRONMENT
        }
        _ => exit::GOOD,
    }
}

/// Runs `completions`.
pub fn completions(args: &CompletionsArgs) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "proselink", &mut script);
    print(&String::from_utf8_lossy(&script))
}

fn print(text: &str) -> u8 {
    let mut output = Output::new();
    output.text.push_str(text);
    match output.flush() {
        Ok(()) => exit::GOOD,
        Err(error) => exit::of_output(&error),
    }
}
