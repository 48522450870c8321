//! `proselink anonymize`: a capture that can be given away.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use ring::hmac;

use super::output::{self, Output};
use super::{Globals, exit};
use crate::anonymize::{Anonymizer, Keyed, Options, Report};
use crate::capture::rewrite::{Rewritten, rewrite};
use crate::message::json::write_text;
use crate::message::text::Palette;

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
  PROSELINK_ANONYMIZE_KEY=... proselink anonymize --json in.pcapng out.pcapng | jq .left

Pseudonyms are as long as what they stand for, so nothing changes its size; checksums are put right. An IMSI keeps its
PLMN, a telephone number its first two digits, a name its length and punctuation. The report says what was changed and
what was left: read it before you give the file away.";

/// The most octets of an unpacked capture.
const LIMIT: u64 = 1 << 30;
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
    let file = read(&args.input)?;
    let keyed = Hmac(hmac::Key::new(hmac::HMAC_SHA256, &key(args)?));
    let options = Options { hosts: args.hosts, packets: args.addresses };
    let mut anonymizer = Anonymizer::new(&keyed, options);
    let (fresh, done) = rewrite(&file, crate::capture::Options::default(), &mut anonymizer)
        .map_err(|error| (format!("{}: {error}", args.input.display()), exit::of_capture(&error)))?;
    drop(file);
    if let Some(damage) = &done.damage {
        // What is behind the damage could not be read, and would be given away as it is.
        let words = format!("{}: {damage}; nothing was written", args.input.display());
        return Err((words, exit::of_capture(damage)));
    }
    let report = anonymizer.report();
    write(&args.output, &fresh).map_err(|error| (format!("{}: {error}", args.output.display()), exit::ENVIRONMENT))?;
    if args.json {
        to_json(args, &done, &report, out);
    } else {
        to_text(args, &done, &report, palette, out);
    }
    Ok(())
}

fn key(args: &AnonymizeArgs) -> Result<Vec<u8>, Early> {
    let usage = |words: String| (words, exit::USAGE);
    if let Some(path) = &args.new_key {
        let mut octets = [0; 32];
        getrandom::fill(&mut octets).map_err(|error| (format!("no random key: {error}"), exit::ENVIRONMENT))?;
        let text = data_encoding::HEXLOWER.encode(&octets);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        options
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

/// The whole capture, unpacked.
fn read(path: &Path) -> Result<Vec<u8>, Early> {
    let wrong = |error: io::Error| {
        let code = if error.kind() == io::ErrorKind::InvalidData { exit::MALFORMED } else { exit::ENVIRONMENT };
        (format!("{}: {error}", path.display()), code)
    };
    let mut octets = Vec::new();
    if path == Path::new("-") {
        io::stdin().take(LIMIT + 1).read_to_end(&mut octets).map_err(wrong)?;
    } else {
        File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut octets)).map_err(wrong)?;
    }
    if octets.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(octets.as_slice())
            .take(LIMIT + 1)
            .read_to_end(&mut unpacked)
            .map_err(|error| (format!("{}: the gzip data is damaged: {error}", path.display()), exit::MALFORMED))?;
        octets = unpacked;
    }
    if octets.len() as u64 > LIMIT {
        let words =
            format!("{}: more than {LIMIT} octets; cut it in parts (editcap -c) and use one key", path.display());
        return Err((words, exit::USAGE));
    }
    Ok(octets)
}

fn write(path: &Path, octets: &[u8]) -> io::Result<()> {
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut encoder = GzEncoder::new(File::create(path)?, Compression::default());
        encoder.write_all(octets)?;
        return encoder.finish()?.flush();
    }
    fs::write(path, octets)
}

fn to_text(args: &AnonymizeArgs, done: &Rewritten, report: &Report, palette: &Palette, out: &mut String) {
    let Rewritten { frames, messages, changed_frames, checksums, crc32c, .. } = done;
    let _ = writeln!(
        out,
        "{}: {messages} messages in {frames} frames; {changed_frames} frames changed, {} identities have a pseudonym",
        args.output.display(),
        report.identities
    );
    let list =
        |title: &str, on: &str, off: &str, counts: &std::collections::BTreeMap<String, u64>, out: &mut String| {
            if !counts.is_empty() {
                let _ = writeln!(out, "{title}:");
            }
            for (name, count) in counts {
                let _ = writeln!(out, "  {on}{name}{off} {count}");
            }
        };
    list("changed", &palette.meaning.on, &palette.meaning.off, &report.changed, out);
    list("left", &palette.fault.on, &palette.fault.off, &report.left, out);
    let mut more: Vec<String> = Vec::new();
    let mut say = |count: u64, what: &str| {
        if count > 0 {
            more.push(format!("{count} {what}"));
        }
    };
    say(report.elsewhere, "identities outside of their AVPs replaced");
    say(report.addresses, "addresses have a pseudonym");
    say(checksums + crc32c, "checksums put right");
    say(done.crc32c_left, "SCTP packets whose checksum was not right before, left so");
    say(done.fragments_left, "packets in IP fragments that are not whole, their checksums left");
    say(done.cut, "messages that are not whole");
    say(done.unread, "SCTP fragments or TCP octets that are no Diameter, searched for known identities only");
    say(done.blocks, "blocks of names or secrets taken out");
    for line in more {
        let _ = writeln!(out, "{line}");
    }
    if !args.hosts {
        let _ = writeln!(out, "hosts and realms were left: --hosts");
    }
    let _ = if args.addresses {
        writeln!(out, "link-layer addresses, and what ARP, ICMP and DNS say of addresses, were left")
    } else {
        writeln!(out, "addresses of packets were left: --addresses")
    };
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
        ("identities", report.identities),
        ("elsewhere", report.elsewhere),
        ("addresses", report.addresses),
        ("checksums", done.checksums),
        ("crc32c", done.crc32c),
        ("crc32c_left", done.crc32c_left),
        ("fragments_left", done.fragments_left),
        ("cut", done.cut),
        ("unread", done.unread),
        ("blocks", done.blocks),
    ] {
        let _ = write!(out, r#","{name}":{number}"#);
    }
    for (name, counts) in [("changed", &report.changed), ("left", &report.left)] {
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
