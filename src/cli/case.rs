//! `proselink case`: captures as tests. `docs/cases.md` is the guide.

pub mod folder;
pub mod judge;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use self::folder::{About, CASE, Case, INPUTS, MESSAGES, Origin, cases};
use self::judge::{Held, Strict, judge};
use super::diff::counted;
use super::output::{self, Output};
use super::{Globals, exit};
use crate::diff::Rules;
use crate::message::json::write_text;
use crate::message::text::Palette;

/// The arguments of `case`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct CaseArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a case of a capture: its messages, its roles and its verdict are what is expected from now on
    #[command(after_help = EXAMPLES)]
    New(NewArgs),
    /// Hold cases against what their captures say now, or against another capture of the same conversation
    #[command(after_help = EXAMPLES)]
    Run(RunArgs),
}

#[derive(Debug, Args)]
struct NewArgs {
    /// The capture (pcap, pcapng, also gzip)
    #[arg(value_name = "CAPTURE")]
    capture: PathBuf,
    /// The folder to make; named like the capture unless given
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// What happens in it, as one would tell it to a colleague
    #[arg(long, value_name = "TEXT")]
    story: Option<String>,
    /// A TOML file that says what does not count; without it the rules for the same conversation held twice
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Write over a case that is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Folders with cases in them, at any depth
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Hold the one case against this capture: a fresh recording of the same conversation
    #[arg(long, value_name = "CAPTURE")]
    capture: Option<PathBuf>,
    /// Write anew what is expected; the difference in version control is the review
    #[arg(long)]
    update: bool,
    /// Compare the golden files letter by letter, names and order included
    #[arg(long)]
    exact: bool,
    /// One JSON object a line: a case each, and a summary
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  proselink case new attach.pcapng -o cases/attach        make a case of a capture
  proselink case run cases                                all cases below a folder
  proselink case run cases/attach --capture fresh.pcapng  the same conversation, recorded again
  proselink case run --update cases                       what is there now is right
  proselink case run --json cases | jq 'select(.holds == false)'

Exit codes: 0 all hold, 1 one does not, 2 a case or the command line cannot be used, 4 the capture is malformed.";

/// Runs the verb; the result is the exit code.
pub fn run(args: CaseArgs, globals: &Globals) -> u8 {
    let mut output = Output::new();
    let result = match args.what {
        What::New(args) => make(&args, &mut output.text),
        What::Run(args) => run_all(&args, &output::palette(globals), &mut output),
    };
    if let Err(error) = output.flush() {
        return exit::of_output(&error);
    }
    result.unwrap_or_else(|(words, code)| {
        eprintln!("proselink case: {words}");
        code
    })
}

type Early = (String, u8);

/// From this line on `case.toml` is the program's.
const MARKER: &str = "# From here on what proselink found; `proselink case run --update` writes it anew.";

fn make(args: &NewArgs, out: &mut String) -> Result<u8, Early> {
    let environment = |words: String| (words, exit::ENVIRONMENT);
    let octets = fs::read(&args.capture)
        .map_err(|error| environment(format!("{}: the capture can not be opened: {error}", args.capture.display())))?;
    let folder = match &args.output {
        Some(folder) => folder.clone(),
        None => {
            let name = args.capture.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let stem = name.split('.').next().unwrap_or_default();
            if stem.is_empty() {
                return Err(("name the folder with -o".to_owned(), exit::USAGE));
            }
            PathBuf::from(stem)
        }
    };
    if folder.join(CASE).exists() && !args.force {
        let words = format!("{} is a case already; --force writes over it", folder.display());
        return Err((words, exit::USAGE));
    }
    let rules = match &args.rules {
        Some(path) => super::diff::read_rules(path).map_err(|words| (words, exit::USAGE))?,
        None => Rules::renewed(),
    };
    let input = input_name(&octets);
    let malformed = |words| (words, exit::MALFORMED);
    let held = Held::read(&args.capture, input).map_err(malformed)?;
    if held.messages.is_empty() {
        return Err(malformed(format!("{}: there is no Diameter message in it", args.capture.display())));
    }
    let count = held.report.messages;
    let story = args.story.clone().unwrap_or_else(|| {
        let names: Vec<&str> = held.roles.iter().map(|role| role.host.as_str()).take(8).collect();
        format!(
            "{} over {} between {}. (Say here what happens, and why it matters.)",
            counted(count, "message", "messages"),
            counted(held.report.associations, "association", "associations"),
            names.join(", ")
        )
    });
    let about = About {
        story,
        role: "the onlooker".to_owned(),
        clauses: Vec::new(),
        requirements: Vec::new(),
        origin: Origin::Lab,
        recorded: Some(format!(
            "`proselink case new {}` of {}",
            args.capture.file_name().unwrap_or_default().to_string_lossy(),
            env!("CARGO_PKG_VERSION")
        )),
        verdict: held.verdict(),
        tshark_complains: Vec::new(),
        rules: Some(rules),
        roles: held.roles.clone(),
        findings: held.findings(),
        faults: held.faults.clone(),
    };
    let text = to_toml(&about)?;
    let write = |name: &str, content: &[u8]| {
        fs::write(folder.join(name), content)
            .map_err(|error| environment(format!("{}: {error}", folder.join(name).display())))
    };
    fs::create_dir_all(&folder).map_err(|error| environment(format!("{}: {error}", folder.display())))?;
    // Another name of an earlier capture would be taken for the capture.
    for other in INPUTS.iter().filter(|other| **other != input) {
        let other = folder.join(other);
        if other.exists() {
            fs::remove_file(&other).map_err(|error| environment(format!("{}: {error}", other.display())))?;
        }
    }
    write(input, &octets)?;
    write(MESSAGES, held.messages.as_bytes())?;
    write(CASE, text.as_bytes())?;
    let _ = writeln!(
        out,
        "{}: {count} messages, verdict {}, {} findings; now write its story into {CASE}",
        folder.display(),
        about.verdict.name(),
        about.findings.len()
    );
    Ok(exit::GOOD)
}

/// The name that fits what the octets are.
fn input_name(octets: &[u8]) -> &'static str {
    let [pcapng, pcap, pcapng_gz, _] = INPUTS;
    match octets {
        [0x0a, 0x0d, 0x0d, 0x0a, ..] => pcapng,
        // Whatever is in it: readers look at the octets.
        [0x1f, 0x8b, ..] => pcapng_gz,
        _ => pcap,
    }
}

/// `case.toml`: what people write first, then what the program found.
fn to_toml(about: &About) -> Result<String, Early> {
    let wrong = |error: toml::ser::Error| (format!("{CASE}: {error}"), exit::ENVIRONMENT);
    let people = About { roles: Vec::new(), findings: Vec::new(), faults: Vec::new(), ..about.clone() };
    let people = toml::to_string(&people).map_err(wrong)?;
    Ok(format!("{people}\n{}", found_toml(about).map_err(wrong)?))
}

/// The program's half of `case.toml`.
fn found_toml(about: &About) -> Result<String, toml::ser::Error> {
    #[derive(serde::Serialize)]
    struct Of<'a> {
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        roles: &'a [folder::Role],
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        findings: &'a [folder::Finding],
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        faults: &'a [folder::Faults],
    }
    let found = toml::to_string(&Of { roles: &about.roles, findings: &about.findings, faults: &about.faults })?;
    Ok(format!("{MARKER}\n{found}"))
}

fn run_all(args: &RunArgs, palette: &Palette, output: &mut Output) -> Result<u8, Early> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for folder in &args.folders {
        let (cases, wrong) = cases(folder);
        found.extend(cases);
        errors.extend(wrong);
    }
    if args.capture.is_some() && (found.len() != 1 || !errors.is_empty()) {
        let words = format!("--capture is held against one case, and there are {}", found.len());
        return Err((words, exit::USAGE));
    }
    let (mut held, mut changed) = (0_usize, 0_usize);
    for case in &found {
        let complaints = match one(case, args) {
            Ok(Outcome::Judged(complaints)) => complaints,
            Ok(Outcome::Updated(is_new)) => {
                changed += usize::from(is_new);
                Vec::new()
            }
            Err(complaint) => vec![complaint],
        };
        held += usize::from(complaints.is_empty());
        if args.json {
            output.text.push_str(r#"{"v":1,"type":"case","name":"#);
            write_text(&case.name, &mut output.text);
            let _ = write!(output.text, r#","holds":{},"complaints":["#, complaints.is_empty());
            for (at, complaint) in complaints.iter().enumerate() {
                output.text.push_str(if at > 0 { "," } else { "" });
                write_text(complaint, &mut output.text);
            }
            output.text.push_str("]}\n");
        } else {
            for complaint in &complaints {
                let fault = &palette.fault;
                let _ = writeln!(output.text, "{}{}{}: {complaint}", fault.on, case.name, fault.off);
            }
        }
        if let Err(error) = output.message_done() {
            return Ok(exit::of_output(&error));
        }
    }
    for error in &errors {
        eprintln!("proselink case: {error}");
    }
    let whole = found.len();
    if whole == 0 && errors.is_empty() {
        return Err(("there is no case in it".to_owned(), exit::USAGE));
    }
    let out = &mut output.text;
    if args.json {
        let (fail, unusable) = (whole - held, errors.len());
        let _ = writeln!(
            out,
            r#"{{"v":1,"type":"summary","cases":{whole},"hold":{held},"fail":{fail},"unusable":{unusable},"updated":{changed}}}"#
        );
    } else if whole > 0 {
        let ink = if held == whole { &palette.meaning } else { &palette.fault };
        let _ = write!(out, "{}{held} of {whole} cases hold{}", ink.on, ink.off);
        let _ = if args.update { writeln!(out, ", {changed} of them written anew") } else { writeln!(out) };
    }
    Ok(match (held == whole, errors.is_empty()) {
        (_, false) => exit::USAGE,
        (true, true) => exit::GOOD,
        (false, true) => exit::DIFFERS,
    })
}

enum Outcome {
    Judged(Vec<String>),
    /// What was expected was written; true when it was something else before.
    Updated(bool),
}

fn one(case: &Case, args: &RunArgs) -> Result<Outcome, String> {
    let input = case.folder.join(case.input);
    let (path, other) = args.capture.as_ref().map_or((input.as_path(), false), |path| (path.as_path(), true));
    let held = Held::read(path, case.input)?;
    if !args.update {
        return Ok(Outcome::Judged(judge(case, &held, Strict { exact: args.exact, other })));
    }
    let write = |path: &Path, content: &[u8]| -> Result<bool, String> {
        if fs::read(path).is_ok_and(|kept| kept == content) {
            return Ok(false);
        }
        fs::write(path, content).map_err(|error| format!("{}: {error}", path.display())).map(|()| true)
    };
    let mut is_new = false;
    if other {
        let octets = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = input_name(&octets);
        if name != case.input {
            return Err(format!("the capture is to be of the same format as {}; make a new case of it", case.input));
        }
        is_new |= write(&input, &octets)?;
    }
    is_new |= write(&case.folder.join(MESSAGES), held.messages.as_bytes())?;
    is_new |= update_about(case, &held)?;
    // What only people may change is still judged.
    let text = fs::read_to_string(case.folder.join(CASE)).map_err(|error| format!("{CASE}: {error}"))?;
    let about = toml::from_str(&text).map_err(|error| format!("{CASE}: {error}"))?;
    let case = Case { folder: case.folder.clone(), name: case.name.clone(), input: case.input, about };
    let complaints = judge(&case, &held, Strict::default());
    Ok(if complaints.is_empty() { Outcome::Updated(is_new) } else { Outcome::Judged(complaints) })
}

/// Writes the program's half of `case.toml`, and the verdict, where the case has such a half.
fn update_about(case: &Case, held: &Held) -> Result<bool, String> {
    let path = case.folder.join(CASE);
    let text = fs::read_to_string(&path).map_err(|error| format!("{CASE}: {error}"))?;
    let Some((people, _)) = text.split_once(MARKER) else { return Ok(false) };
    let about = About {
        verdict: held.verdict(),
        roles: held.roles.clone(),
        findings: held.findings(),
        faults: held.faults.clone(),
        ..case.about.clone()
    };
    let found = found_toml(&about).map_err(|error| format!("{CASE}: {error}"))?;
    let people: String = people
        .split_inclusive('\n')
        .map(|line| match line.strip_prefix("verdict = ") {
            Some(_) => format!("verdict = \"{}\"\n", about.verdict.name()),
            None => line.to_owned(),
        })
        .collect();
    let fresh = format!("{people}{found}");
    if fresh == text {
        return Ok(false);
    }
    fs::write(&path, fresh).map_err(|error| format!("{CASE}: {error}")).map(|()| true)
}
