//! `proselink dict`: the dictionary given away, taken in, shown and judged.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand};

use super::output::Output;
use super::{Globals, exit};
use crate::avp::dictionary::{self, Definition, IETF, Rule};
use crate::catalogue::{self, Catalogue, CatalogueError, Finding, SIZE_LIMIT, Severity};
use crate::interfaces::names;

/// The arguments of `dict`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DictArgs {
    #[command(subcommand)]
    what: What,
}

const EXAMPLES: &str = "\
Examples:
  proselink dict show PDUID                one AVP: code, format, flags, values, members
  proselink dict show 10415/3604           the same by vendor and code
  proselink dict export --wireshark -o Custom.xml
      for Wireshark: place it as diameter/Custom.xml in its data folder
  proselink dict export --freediameter-c -o proselink.c
      an extension of freeDiameter, to be built with cc
  proselink dict import vendor.xml --into lab.json
  proselink --dictionary lab.json decode trace.pcapng
      what other tools know, read here
  proselink dict lint lab.json             codes, names, formats, flags and values that conflict";

const EXPORT_EXAMPLES: &str = "\
Examples:
  proselink dict export --wireshark -o Custom.xml
  proselink dict export --wireshark --beside /usr/share/wireshark/diameter/dictionary.xml -o Custom.xml
  proselink dict export --freediameter --all -o dictionary.json

Wireshark includes diameter/Custom.xml of its data folder. Without the rights to write there, copy the folder (not heeded for root):
  cp -r /usr/share/wireshark wireshark && cp Custom.xml wireshark/diameter/
  WIRESHARK_DATA_DIR=$PWD/wireshark tshark -r demo.pcapng";

const IMPORT_EXAMPLES: &str = "\
Examples:
  proselink dict import vendor.xml --into lab.json
      AVPs of Wireshark's XML; all of them, or none when one conflicts
  proselink dict import /usr/share/wireshark/diameter/dictionary.xml --into lab.json --skip-conflicts
  proselink --dictionary lab.json decode trace.pcapng";

const SHOW_EXAMPLES: &str = "\
Examples:
  proselink dict show PDUID                by name
  proselink dict show 10415/3604           by vendor and code
  proselink dict show 268 --json";

const LINT_EXAMPLES: &str = "\
Examples:
  proselink dict lint                      our own tables
  proselink dict lint lab.json vendor.xml  files of other tools, too";

#[derive(Debug, Subcommand)]
enum What {
    /// Write the dictionary for another tool
    Export(ExportArgs),
    /// Take AVPs from the dictionary of another tool, all of them or none
    Import(ImportArgs),
    /// Show AVPs by name or code
    Show(ShowArgs),
    /// Judge dictionaries; without a file our own
    Lint(LintArgs),
}

#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES, group = ArgGroup::new("format").required(true))]
struct ExportArgs {
    /// XML for diameter/Custom.xml in Wireshark's data folder
    #[arg(long, group = "format")]
    wireshark: bool,
    /// JSON for freeDiameter's extension dict_json
    #[arg(long, group = "format")]
    freediameter: bool,
    /// C for an extension of freeDiameter, where there is no dict_json
    #[arg(long, group = "format")]
    freediameter_c: bool,
    /// Our own JSON, which holds everything
    #[arg(long, group = "format")]
    json: bool,
    /// All that is known, not only what proximity services add
    #[arg(long)]
    all: bool,
    /// Leave out what this dictionary has; may be repeated
    #[arg(long, value_name = "FILE")]
    beside: Vec<PathBuf>,
    /// Where to write; else standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = IMPORT_EXAMPLES)]
struct ImportArgs {
    /// Dictionaries: Wireshark's XML, freeDiameter's JSON, or our own
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The dictionary to add to, made when it is not there; without it nothing is written
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// Leave out what conflicts and take the rest
    #[arg(long)]
    skip_conflicts: bool,
}

#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES)]
struct ShowArgs {
    /// Names, codes, or VENDOR/CODE
    #[arg(value_name = "NAME|CODE", required = true)]
    what: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = LINT_EXAMPLES)]
struct LintArgs {
    /// Dictionaries; without any our own tables are judged
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Errors only
    #[arg(short, long)]
    quiet: bool,
}

/// Why a dictionary can not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum DictionaryError {
    /// The file could not be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// It is no dictionary.
    #[error("{0}: {1}")]
    Content(PathBuf, CatalogueError),
    /// It conflicts with what is known.
    #[error("{0}: {1} with what is known, the first: {2}; `proselink dict import --skip-conflicts` leaves them out")]
    Conflict(PathBuf, String, Finding),
    /// It can not be made the process's own.
    #[error(transparent)]
    Installed(#[from] dictionary::overlay::AlreadyInstalled),
}

impl DictionaryError {
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::File(..) => exit::ENVIRONMENT,
            Self::Content(..) => exit::MALFORMED,
            Self::Conflict(..) | Self::Installed(_) => exit::USAGE,
        }
    }
}

fn text_of(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(SIZE_LIMIT as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Reads a dictionary and what it includes from its own folder.
fn read(path: &Path) -> Result<Catalogue, DictionaryError> {
    let text = text_of(path).map_err(|error| DictionaryError::File(path.to_owned(), error))?;
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let mut include = |name: &str| text_of(&folder.join(name)).map_err(|error| error.to_string());
    let (_, catalogue) =
        catalogue::parse(&text, &mut include).map_err(|error| DictionaryError::Content(path.to_owned(), error))?;
    Ok(catalogue)
}

fn extend(base: &mut Catalogue, more: Catalogue) {
    base.vendors.extend(more.vendors);
    base.applications.extend(more.applications);
    base.commands.extend(more.commands);
    base.avps.extend(more.avps);
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Lets the whole process read with these dictionaries, all of them or none.
pub(super) fn install(files: &[PathBuf]) -> Result<(), DictionaryError> {
    if files.is_empty() {
        return Ok(());
    }
    let mut base = Catalogue::built_in();
    let mut learnt = Catalogue::default();
    for path in files {
        let merged = catalogue::merge(&base, &read(path)?);
        let conflicts = merged.conflicts();
        if let Some(first) = merged.findings.into_iter().find(|finding| finding.severity == Severity::Error) {
            return Err(DictionaryError::Conflict(path.clone(), count(conflicts, "conflict"), first));
        }
        extend(&mut base, merged.added.clone());
        extend(&mut learnt, merged.added);
    }
    Ok(learnt.install()?)
}

/// Runs the verb.
pub fn run(args: DictArgs, _globals: &Globals) -> u8 {
    let mut output = Output::new();
    let result = match args.what {
        What::Export(args) => export(&args, &mut output),
        What::Import(args) => import(&args, &mut output),
        What::Show(args) => Ok(show(&args, &mut output)),
        What::Lint(args) => lint(&args, &mut output),
    };
    let code = result.unwrap_or_else(|error| {
        eprintln!("proselink dict: {error}");
        error.code()
    });
    match output.flush() {
        Ok(()) => code,
        Err(error) => exit::of_output(&error).max(code),
    }
}

/// Writes a file whole or not at all.
fn replace(path: &Path, text: &str) -> Result<(), DictionaryError> {
    let error = |error| DictionaryError::File(path.to_owned(), error);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let written = std::fs::File::create(&new).and_then(|mut file| {
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&new, path)).map_err(|why| {
        let _ = std::fs::remove_file(&new);
        error(why)
    })
}

fn export(args: &ExportArgs, output: &mut Output) -> Result<u8, DictionaryError> {
    let all = Catalogue::built_in();
    let mut chosen = if args.all || !args.beside.is_empty() { all.clone() } else { Catalogue::proximity_services() };
    if args.wireshark && !args.all && args.beside.is_empty() {
        // Wireshark has PC4a itself, and a second definition of an AVP would take the place of the first.
        chosen.avps.retain(|avp| !avp.defined_in.starts_with("TS 29.344"));
        let pc4a = crate::interfaces::pc4::hss::APPLICATION;
        chosen.commands.retain(|command| command.application != Some(pc4a));
        chosen.applications.retain(|application| application.id != pc4a);
    }
    for path in &args.beside {
        chosen = chosen.without(&read(path)?);
    }
    let text = if args.wireshark {
        catalogue::wireshark::write(&chosen)
    } else if args.json {
        catalogue::json::write(&chosen)
    } else {
        // freeDiameter refuses a grammar whose members it does not know.
        let whole = if args.beside.is_empty() { chosen.with_members_from(&all) } else { chosen };
        let whole = whole.with_distinct_names();
        if args.freediameter {
            catalogue::freediameter::write(&whole)
        } else {
            catalogue::freediameter_c::write(&whole)
        }
    };
    match &args.output {
        Some(path) => replace(path, &text)?,
        None => output.text.push_str(&text),
    }
    Ok(exit::GOOD)
}

fn import(args: &ImportArgs, output: &mut Output) -> Result<u8, DictionaryError> {
    let mut base = Catalogue::built_in();
    let mut learnt = match &args.into {
        Some(path) if path.exists() => read(path)?,
        _ => Catalogue::default(),
    };
    extend(&mut base, learnt.clone());
    let (mut conflicts, mut added) = (0, 0);
    for path in &args.files {
        let merged = catalogue::merge(&base, &read(path)?);
        for finding in &merged.findings {
            let _ = writeln!(output.text, "{}: {finding}", path.display());
        }
        conflicts += merged.conflicts();
        added += merged.added.avps.len();
        let _ = writeln!(
            output.text,
            "{}: {} new, {} known, {} refused; {}",
            path.display(),
            count(merged.added.avps.len(), "AVP"),
            merged.known,
            merged.refused,
            count(merged.conflicts(), "conflict"),
        );
        extend(&mut base, merged.added.clone());
        extend(&mut learnt, merged.added);
    }
    if conflicts > 0 && !args.skip_conflicts {
        output.text.push_str("nothing is taken; --skip-conflicts leaves out what conflicts and takes the rest\n");
        return Ok(exit::DIFFERS);
    }
    match &args.into {
        Some(path) => {
            replace(path, &catalogue::json::write(&learnt))?;
            let _ = writeln!(
                output.text,
                "{}: {} added; use it with --dictionary, or PROSELINK_DICTIONARY",
                path.display(),
                count(added, "AVP")
            );
        }
        None => output.text.push_str("nothing is written without --into FILE\n"),
    }
    Ok(exit::GOOD)
}

fn matches_of(what: &str) -> Vec<&'static Definition> {
    let number =
        |text: &str| text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
    let same = |test: &dyn Fn(&Definition) -> bool| dictionary::everything().filter(|it| test(it)).collect();
    if let Some((vendor, code)) = what.split_once(['/', ':']) {
        let vendor = number(vendor).or_else(|| names::vendor_of(vendor));
        return match (vendor, number(code)) {
            (Some(vendor), Some(code)) => same(&|it| it.vendor() == vendor && it.code() == code),
            _ => Vec::new(),
        };
    }
    match number(what) {
        Some(code) => same(&|it| it.code() == code),
        None => same(&|it| it.name.eq_ignore_ascii_case(what)),
    }
}

fn show(args: &ShowArgs, output: &mut Output) -> u8 {
    let mut code = exit::GOOD;
    for what in &args.what {
        let found = matches_of(what);
        if found.is_empty() {
            let word = what.to_ascii_lowercase();
            let near: Vec<_> = dictionary::everything()
                .filter(|it| word.len() > 2 && it.name.to_ascii_lowercase().contains(&word))
                .map(|it| it.name)
                .take(8)
                .collect();
            let hint = if near.is_empty() { String::new() } else { format!("; there are {}", near.join(", ")) };
            eprintln!("proselink dict: no AVP `{}`{hint}", what.escape_debug());
            code = exit::DIFFERS;
        }
        for definition in found {
            if args.json { show_json(definition, &mut output.text) } else { show_text(definition, &mut output.text) }
        }
    }
    code
}

const fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Must => "M must be set",
        Rule::May => "M may be set",
        Rule::MustNot => "M must not be set",
    }
}

fn show_text(avp: &Definition, out: &mut String) {
    let vendor = names::vendor_name(avp.vendor()).unwrap_or("unknown vendor");
    let private = if avp.is_private() { "  private" } else { "" };
    let _ = writeln!(out, "{}  {}  vendor {} ({vendor}){private}", avp.name, avp.code(), avp.vendor());
    let v = if avp.vendor() == IETF { "V must not be set" } else { "V must be set" };
    let _ = writeln!(out, "  {}, {v}, {}", avp.kind.name(), rule(avp.mandatory));
    if !avp.clause.is_empty() {
        let _ = writeln!(out, "  {}", avp.clause);
    }
    for (name, value) in avp.values {
        let _ =
            if avp.bits { writeln!(out, "  {value:#010x}  {name}") } else { writeln!(out, "  {value:>10}  {name}") };
    }
    for member in avp.members {
        let most = if member.most == u32::MAX { "*".to_owned() } else { member.most.to_string() };
        let _ = writeln!(out, "  {}..{most}  {} ({})", member.least, member.definition.name, member.definition.code());
    }
    if !avp.members.is_empty() && avp.open {
        out.push_str("  and any other AVP\n");
    }
}

fn show_json(avp: &Definition, out: &mut String) {
    let members: Vec<_> = avp.members.iter().map(|member| {
        let most = (member.most != u32::MAX).then_some(member.most);
        serde_json::json!({"avp": member.definition.name, "code": member.definition.code(), "vendor": member.definition.vendor(), "least": member.least, "most": most})
    }).collect();
    let values: Vec<_> =
        avp.values.iter().map(|(name, value)| serde_json::json!({"name": name, "value": value})).collect();
    let _ = writeln!(
        out,
        "{}",
        serde_json::json!({"v": 1, "name": avp.name, "code": avp.code(), "vendor": avp.vendor(), "type": avp.kind.name(),
            "flags": avp.flags().0, "bits": avp.bits, "values": values, "members": members, "open": avp.open,
            "private": avp.is_private(), "defined_in": avp.clause})
    );
}

fn lint(args: &LintArgs, output: &mut Output) -> Result<u8, DictionaryError> {
    let built_in = Catalogue::built_in();
    let mut worst = exit::GOOD;
    let mut judge = |who: &str, catalogue: &Catalogue, findings: Vec<Finding>| {
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let notes = findings.len() - errors;
        for finding in findings.iter().filter(|finding| !args.quiet || finding.severity == Severity::Error) {
            let _ = writeln!(output.text, "{who}: {finding}");
        }
        let sums = (count(catalogue.avps.len(), "AVP"), count(errors, "error"), count(notes, "note"));
        let _ = writeln!(output.text, "{who}: {}, {}, {}", sums.0, sums.1, sums.2);
        if errors > 0 {
            worst = exit::DIFFERS;
        }
    };
    if args.files.is_empty() {
        judge("built in", &built_in, catalogue::lint(&built_in, &Catalogue::default()));
    }
    for path in &args.files {
        let catalogue = read(path)?;
        let mut findings = catalogue::lint(&catalogue, &built_in);
        // What our tables say otherwise, beside what the file says twice.
        for finding in catalogue::merge(&built_in, &catalogue).findings {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        judge(&path.display().to_string(), &catalogue, findings);
    }
    Ok(worst)
}
