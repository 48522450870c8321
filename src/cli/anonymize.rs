//! `proselink anonymize`: a capture that can be given away.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use ring::hmac;

use super::output::{self, Output};
use super::{Globals, exit};
use crate::anonymize::{Anonymizer, Keyed, Options, Report};
use crate::capture::rewrite::{Other, RewriteError, Rewritten, Settings, rewrite, survey};
use crate::message::json::write_text;
use crate::message::text::{Ink, Palette};

/// The arguments of `anonymize`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AnonymizeArgs {
    /// The capture (pcap, pcapng, also gzip); `-` for standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to write; compressed when its name ends in .gz
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The key, at least 16 letters; others on this machine may see it. Without any of these it is
    /// PROSELINK_ANONYMIZE_KEY of the environment
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A file that has the key
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    key_file: Option<PathBuf>,
    /// Make a random key and write it to this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "key_file"])]
    new_key: Option<PathBuf>,
    /// The names of hosts and realms, too
    #[arg(long)]
    hosts: bool,
    /// The IP addresses of packets, too
    #[arg(long)]
    addresses: bool,
    /// Leave out packets of other protocols (DNS, HTTP, S1AP, ...); without this they keep their size and become zeros
    #[arg(long)]
    drop_other: bool,
    /// Keep other protocols, comments and names of interfaces, in which only known identities are replaced
    #[arg(long, conflicts_with = "drop_other")]
    keep_other: bool,
    /// The report as one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  proselink anonymize trace.pcapng public.pcapng --new-key lab.key
      identities, credentials and addresses in AVPs get pseudonyms; the key is kept for the next file
  proselink anonymize more.pcap public-2.pcap --key-file lab.key
      the same subscriber has the same pseudonym in both
  proselink anonymize trace.pcapng public.pcapng --key-file lab.key --hosts --addresses
      hosts, realms and the addresses of packets, too
  proselink anonymize trace.pcapng public.pcapng --key-file lab.key --drop-other
      without the packets that carry neither Diameter nor its transport
  PROSELINK_ANONYMIZE_KEY=... proselink anonymize --json in.pcapng out.pcapng | jq .left

Pseudonyms are as long as what they stand for, so nothing changes its size; checksums are put right. An IMSI keeps its
PLMN, a telephone number its first two digits, a name its length and punctuation. Ethernet addresses always get pseudonyms;
what is not understood becomes zeros. The report says what was changed and what was left: read it before you give the file
away. The file is read twice and may be of any size.";

/// Octets of a key at least.
const LEAST_KEY: usize = 16;
const VARIABLE: &str = "PROSELINK_ANONYMIZE_KEY";

/// HMAC-SHA-256: a pseudorandom function by its definition (RFC 2104, FIPS 198-1), with keys of any length.
struct Hmac(hmac::Key);

impl Keyed for Hmac {
    fn hash(&self, input: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.0, input);
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

type Early = (String, u8);

/// Runs the verb; the result is the exit code.
pub fn run(args: AnonymizeArgs, globals: &Globals) -> u8 {
    let mut output = Output::new();
    let result = perform(&args, &output::palette(globals), &mut output.text);
    if let Err(error) = output.flush() {
        return exit::of_output(&error);
    }
    match result {
        Ok(()) => exit::GOOD,
        Err((words, code)) => {
            eprintln!("proselink anonymize: {words}");
            code
        }
    }
}

fn perform(args: &AnonymizeArgs, palette: &Palette, out: &mut String) -> Result<(), Early> {
    let same = fs::canonicalize(&args.input).ok().zip(fs::canonicalize(&args.output).ok());
    if same.is_some_and(|(input, output)| input == output) {
        return Err(("OUT is IN: the original would be lost".to_owned(), exit::USAGE));
    }
    let mut input = open(&args.input, &args.output)?;
    let keyed = Hmac(hmac::Key::new(hmac::HMAC_SHA256, &key(args)?));
    let mut anonymizer = Anonymizer::new(&keyed, Options { hosts: args.hosts, packets: args.addresses });
    let other = match (args.drop_other, args.keep_other) {
        (true, _) => Other::Drop,
        (_, true) => Other::Keep,
        _ => Other::Blank,
    };
    let settings = Settings { other, ..Settings::default() };
    let wrong = |error: RewriteError| match error {
        RewriteError::Capture(error) => {
            // What is behind a damage could not be read, and would be given away as it is.
            (format!("{}: {error}; nothing was written", args.input.display()), exit::of_capture(&error))
        }
        RewriteError::Write(error) => (format!("{}: {error}", args.output.display()), exit::ENVIRONMENT),
    };
    survey(&input, &settings, &mut anonymizer).map_err(wrong)?;
    anonymizer.surveyed();
    input.rewind().map_err(|error| (format!("{}: {error}", args.input.display()), exit::ENVIRONMENT))?;
    let mut output = Target::create(&args.output).map_err(|error| wrong(RewriteError::Write(error)))?;
    let done = rewrite(&input, &mut output.sink, &settings, &mut anonymizer).map_err(wrong)?;
    output.finish().map_err(|error| wrong(RewriteError::Write(error)))?;
    let report = anonymizer.report();
    if args.json {
        to_json(args, &done, &report, out);
    } else {
        to_text(args, &done, &report, palette, out);
    }
    Ok(())
}

/// The capture, from its beginning and once more: what can be read only once is put aside next to the output.
fn open(path: &Path, output: &Path) -> Result<File, Early> {
    let wrong = |error: io::Error| (format!("{}: {error}", path.display()), exit::ENVIRONMENT);
    let from_input = path == Path::new("-");
    if !from_input {
        let file = File::open(path).map_err(wrong)?;
        let data = file.metadata().map_err(wrong)?;
        if data.is_file() {
            return Ok(file);
        }
        if data.is_dir() {
            return Err((format!("{}: it is a folder, expected a capture", path.display()), exit::ENVIRONMENT));
        }
    }
    let aside = beside(output, "in");
    let copy = || -> io::Result<File> {
        let mut file = private().read(true).open(&aside)?;
        // It has no name any more: whatever happens, it goes with this process.
        #[cfg(unix)]
        fs::remove_file(&aside)?;
        if from_input {
            io::copy(&mut io::stdin().lock(), &mut file)?;
        } else {
            io::copy(&mut File::open(path)?, &mut file)?;
        }
        file.rewind()?;
        Ok(file)
    };
    copy().map_err(|error| (format!("{}: {error}", aside.display()), exit::ENVIRONMENT))
}

/// A new file that nobody else reads.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.{what}", std::process::id()));
    path.with_file_name(name)
}

/// The output: written under another name, so that half a file never has the right one.
struct Target {
    sink: Sink,
    /// Its name until it is whole, and then.
    names: Option<(PathBuf, PathBuf)>,
}

enum Sink {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl io::Write for Sink {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(octets),
            Self::Gzip(file) => file.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Gzip(file) => file.flush(),
        }
    }
}

impl Target {
    fn create(path: &Path) -> io::Result<Self> {
        // A device or a pipe is written to as it is.
        let special = fs::metadata(path).is_ok_and(|data| !data.is_file());
        let (file, names) = if special {
            (OpenOptions::new().write(true).open(path)?, None)
        } else {
            let aside = beside(path, "part");
            (File::create_new(&aside)?, Some((aside, path.to_owned())))
        };
        let file = BufWriter::new(file);
        let sink = if path.extension().is_some_and(|extension| extension == "gz") {
            Sink::Gzip(GzEncoder::new(file, Compression::default()))
        } else {
            Sink::Plain(file)
        };
        Ok(Self { sink, names })
    }

    fn finish(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Plain(file) => file.flush()?,
            Sink::Gzip(file) => {
                file.try_finish()?;
                file.get_mut().flush()?;
            }
        }
        match self.names.take() {
            Some((aside, path)) => fs::rename(aside, path),
            None => Ok(()),
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some((aside, _)) = &self.names {
            let _ = fs::remove_file(aside);
        }
    }
}

fn key(args: &AnonymizeArgs) -> Result<Vec<u8>, Early> {
    let usage = |words: String| (words, exit::USAGE);
    if let Some(path) = &args.new_key {
        let mut octets = [0; 32];
        getrandom::fill(&mut octets).map_err(|error| (format!("no random key: {error}"), exit::ENVIRONMENT))?;
        let text = data_encoding::HEXLOWER.encode(&octets);
        private()
            .open(path)
            .and_then(|mut file| writeln!(file, "{text}"))
            .map_err(|error| (format!("{}: {error}", path.display()), exit::ENVIRONMENT))?;
        return Ok(text.into_bytes());
    }
    let key = match (&args.key, &args.key_file) {
        (Some(key), _) => key.clone().into_bytes(),
        (None, Some(path)) => {
            let mut key = Vec::new();
            File::open(path)
                .and_then(|file| file.take(4096).read_to_end(&mut key))
                .map_err(|error| (format!("{}: {error}", path.display()), exit::ENVIRONMENT))?;
            while key.last().is_some_and(u8::is_ascii_whitespace) {
                key.pop();
            }
            key
        }
        (None, None) => std::env::var(VARIABLE).map(String::into_bytes).map_err(|_| {
            usage(format!("a key is needed: --new-key FILE, --key-file FILE, --key KEY, or {VARIABLE}"))
        })?,
    };
    if key.len() < LEAST_KEY {
        return Err(usage(format!("the key has {} octets, expected {LEAST_KEY} or more", key.len())));
    }
    Ok(key)
}

fn to_text(args: &AnonymizeArgs, done: &Rewritten, report: &Report, palette: &Palette, out: &mut String) {
    let Rewritten { frames, messages, changed_frames, checksums, crc32c, .. } = done;
    let _ = writeln!(
        out,
        "{}: {messages} messages in {frames} frames; {changed_frames} frames changed, {} identities have a pseudonym",
        args.output.display(),
        report.identities
    );
    let mut list = |title: &str, shown: &Ink, counts: &BTreeMap<String, u64>| {
        if !counts.is_empty() {
            let _ = writeln!(out, "{title}:");
        }
        for (name, count) in counts {
            let _ = writeln!(out, "  {}{name}{} {count}", shown.on, shown.off);
        }
    };
    list("changed (values)", &palette.meaning, &report.changed);
    list("left (values)", &palette.fault, &report.left);
    list("made zero (packets that carry it)", &palette.meaning, &done.blanked);
    list("left out (packets that carry it)", &palette.meaning, &done.dropped);
    list("left, known identities in it replaced (packets that carry it)", &palette.fault, &done.kept);
    list("taken out of the file (options and blocks)", &palette.meaning, &done.removed);
    let mut more: Vec<String> = Vec::new();
    let mut say = |count: u64, what: &str| {
        if count > 0 {
            more.push(format!("{count} {what}"));
        }
    };
    say(report.elsewhere, "identities outside of their AVPs replaced");
    say(report.addresses, "IP addresses have a pseudonym");
    say(report.hardware, "Ethernet addresses have a pseudonym");
    say(checksums + crc32c, "checksums put right");
    say(done.crc32c_left, "SCTP packets whose checksum was not right before, left so");
    say(done.fragments_left, "packets in IP fragments that are not whole, their checksums left");
    say(done.cut, "messages that are not whole");
    for line in more {
        let _ = writeln!(out, "{line}");
    }
    if !args.hosts {
        let _ = writeln!(out, "hosts and realms were left: --hosts");
    }
    if !args.addresses {
        let _ = writeln!(out, "IP addresses of packets were left: --addresses");
    }
}

fn to_json(args: &AnonymizeArgs, done: &Rewritten, report: &Report, out: &mut String) {
    out.push_str(r#"{"v":1,"type":"anonymized","in":"#);
    write_text(&args.input.display().to_string(), out);
    out.push_str(r#","out":"#);
    write_text(&args.output.display().to_string(), out);
    let _ = write!(out, r#","hosts":{},"packets":{}"#, args.hosts, args.addresses);
    for (name, number) in [
        ("frames", done.frames),
        ("messages", done.messages),
        ("changed_frames", done.changed_frames),
        ("dropped_frames", done.dropped_frames),
        ("identities", report.identities),
        ("elsewhere", report.elsewhere),
        ("addresses", report.addresses),
        ("hardware", report.hardware),
        ("checksums", done.checksums),
        ("crc32c", done.crc32c),
        ("crc32c_left", done.crc32c_left),
        ("fragments_left", done.fragments_left),
        ("cut", done.cut),
        ("unread", done.unread),
    ] {
        let _ = write!(out, r#","{name}":{number}"#);
    }
    for (name, counts) in [
        ("changed", &report.changed),
        ("left", &report.left),
        ("blanked", &done.blanked),
        ("dropped", &done.dropped),
        ("kept", &done.kept),
        ("removed", &done.removed),
    ] {
        let _ = write!(out, r#","{name}":{{"#);
        for (at, (avp, count)) in counts.iter().enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            write_text(avp, out);
            let _ = write!(out, ":{count}");
        }
        out.push('}');
    }
    out.push_str("}\n");
}
