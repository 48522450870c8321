//! `proselink doctor`: what this machine can do, and what to type where it cannot.
//!
//! Each check tries the thing itself (opens the socket, binds the port, looks the name up) and so needs to know nothing
//! of distributions; what it opened is closed again at once.

mod configured;
mod machine;
mod port;

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::{Globals, exit, output};
use crate::message::json;
use crate::message::text::Palette;
use crate::node::config;

/// The version of the JSON lines. A key that changes its meaning or goes away raises it; a new key does not.
const JSON_VERSION: u32 = 1;

/// The arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    /// Look also at what this configuration needs
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON object a line for each check
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  proselink doctor                               kernel SCTP, raw sockets, ports, time, limits
  proselink doctor -c examples/hss.toml          also: can this element run here?
  proselink doctor --json | jq -r 'select(.verdict != \"good\") | .mend'

A check is good, a warning (it works, but not as well as it could, or something unconfigured is missing), or bad
(something configured cannot work). Below a line stands what to type to mend it.

Exit codes: 0 all that is needed is there, 1 something configured cannot work, 2 the configuration cannot be used.";

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// As it should be.
    Good,
    /// It could be better, or is not known.
    Warn,
    /// What is needed is not there.
    Bad,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Check {
    name: String,
    verdict: Verdict,
    /// What was found.
    words: String,
    /// What to type or change.
    mend: Option<String>,
}

impl Check {
    fn good(name: impl Into<String>, words: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Good, words: words.into(), mend: None }
    }

    fn warn(name: impl Into<String>, words: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Warn, words: words.into(), mend: Some(mend.into()) }
    }

    fn bad(name: impl Into<String>, words: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Bad, words: words.into(), mend: Some(mend.into()) }
    }
}

impl DoctorArgs {
    /// The configuration that is looked at.
    pub(super) fn configuration(&self) -> &[PathBuf] {
        self.config.as_slice()
    }
}

/// Runs the verb; the result is the exit code.
pub fn run(args: DoctorArgs, globals: &Globals) -> u8 {
    let mut checks = Vec::new();
    let mut code = exit::GOOD;
    let config = match args.config.as_deref().map(|path| (path, config::load(path))) {
        None => None,
        Some((path, Ok(config))) => {
            checks.push(Check::good("configuration", format!("{} is good", path.display())));
            for warning in &config.warnings {
                let mend = "correct the file";
                checks.push(Check::warn("configuration", warning.to_string(), mend));
            }
            Some(config)
        }
        Some((_, Err(error))) => {
            code = exit::USAGE;
            let mend = "correct the file; `proselink config check FILE` reads it again";
            checks.push(Check::bad("configuration", error.to_string(), mend));
            None
        }
    };
    checks.extend(machine::checks(config.as_ref()));
    if let Some(config) = &config {
        checks.extend(configured::checks(config));
    }
    if code == exit::GOOD && checks.iter().any(|check| check.verdict == Verdict::Bad) {
        code = exit::DIFFERS;
    }
    let text = if args.json { as_json(&checks) } else { as_text(&checks, &output::palette(globals)) };
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => code,
        Err(error) => exit::of_output(&error),
    }
}

fn as_text(checks: &[Check], palette: &Palette) -> String {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for check in checks {
        let ink = match check.verdict {
            Verdict::Good => &palette.meaning,
            Verdict::Warn => &palette.private,
            Verdict::Bad => &palette.fault,
        };
        let word = check.verdict.word();
        out.push_str(&format!("{}{word:<4}{}  {:<width$}  {}\n", ink.on, ink.off, check.name, check.words));
        if let Some(mend) = &check.mend {
            out.push_str(&format!("      {:<width$}  -> {mend}\n", ""));
        }
    }
    out
}

fn as_json(checks: &[Check]) -> String {
    let mut out = String::new();
    for check in checks {
        out.push_str(&format!(r#"{{"v":{JSON_VERSION},"check":"#));
        json::write_text(&check.name, &mut out);
        out.push_str(&format!(r#","verdict":"{}","text":"#, check.verdict.word()));
        json::write_text(&check.words, &mut out);
        out.push_str(r#","mend":"#);
        match &check.mend {
            Some(mend) => json::write_text(mend, &mut out),
            None => out.push_str("null"),
        }
        out.push_str("}\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> [Check; 2] {
        [Check::good("memory", "enough"), Check::bad("port 3868/tcp", "taken by \"x\"", "choose another")]
    }

    #[test]
    fn one_line_a_check_and_one_for_what_to_type() {
        let text = as_text(&two(), &Palette::default());
        assert_eq!(
            text,
            "good  memory         enough\nbad   port 3868/tcp  taken by \"x\"\n                     -> choose another\n"
        );
    }

    #[test]
    fn one_object_a_check() {
        let text = as_json(&two());
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["mend"], &lines[1]["verdict"]), (&serde_json::Value::Null, &"bad".into()));
    }
}
