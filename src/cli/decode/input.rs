//! What `decode` reads: captures, raw messages, hexadecimal; told apart by their first octets, not by their names.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::capture::{CaptureError, Reader};
use crate::cli::exit;
use crate::message::header::VERSION;
use crate::message::{HEADER_LENGTH, Header};

/// The most hexadecimal or raw octets that are read at once.
const LIMIT: u64 = 64 << 20;

/// The least digits of an argument that is taken for a message and not for a file: a header's.
const LEAST_DIGITS: usize = HEADER_LENGTH * 2;

/// One input, not opened yet.
#[derive(Debug)]
pub enum Input {
    /// A file.
    File(PathBuf, String),
    /// Standard input.
    Standard,
    /// Hexadecimal from the command line.
    Hex(String),
}

/// An input by its content.
pub enum Opened {
    /// A capture.
    Capture(Box<Reader<'static>>),
    /// Messages end to end.
    Messages(Vec<u8>),
    /// Messages in JSON, as `decode --json` prints them.
    Json(String),
}

/// Why an input can not be read.
#[derive(Debug, Error)]
pub enum InputError {
    /// The file could not be opened.
    #[error(transparent)]
    Open(CaptureError),
    /// Reading failed.
    #[error("reading failed: {0}")]
    Read(#[from] io::Error),
    /// The text is not hexadecimal.
    #[error("column {column}: `{found}` is no hexadecimal digit")]
    Digit {
        /// Counted from 1.
        column: usize,
        /// What is there.
        found: char,
    },
    /// Half an octet is left.
    #[error("an odd number of hexadecimal digits ({0})")]
    Odd(usize),
    /// The text is no JSON, for it is no UTF-8.
    #[error("octet {0}: neither a capture nor text")]
    Text(usize),
    /// More than is read at once.
    #[error("more than {LIMIT} octets outside a capture")]
    TooLong,
}

impl InputError {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Open(error) => exit::of_capture(error),
            Self::Read(_) => exit::ENVIRONMENT,
            Self::Digit { .. } | Self::Odd(_) | Self::Text(_) | Self::TooLong => exit::MALFORMED,
        }
    }
}

/// The inputs of a command line; standard input when it names none and something is piped in.
pub fn collect<'a>(hex: &[String], files: impl Iterator<Item = &'a PathBuf>) -> Result<Vec<Input>, &'static str> {
    let mut inputs = Vec::new();
    if !hex.is_empty() {
        inputs.push(Input::Hex(hex.join(" ")));
    }
    // A message may be typed with blanks and so come as several arguments.
    let mut typed = String::new();
    for path in files {
        match path.to_str() {
            Some("-") => inputs.push(Input::Standard),
            Some(text) if is_hex(text) && !path.exists() => {
                typed.push_str(text);
                typed.push(' ');
            }
            _ => inputs.push(Input::File(path.clone(), path.to_string_lossy().into_owned())),
        }
    }
    if typed.bytes().filter(u8::is_ascii_hexdigit).count() >= LEAST_DIGITS {
        inputs.push(Input::Hex(typed));
    } else if !typed.is_empty() {
        inputs.extend(typed.split_whitespace().map(|name| Input::File(PathBuf::from(name), name.to_owned())));
    }
    if inputs.is_empty() {
        if io::stdin().is_terminal() {
            return Err("expected a capture, `-` for standard input, or a message in hexadecimal; see --help");
        }
        inputs.push(Input::Standard);
    }
    Ok(inputs)
}

impl Input {
    /// One argument: `-`, a file, or a message in hexadecimal.
    pub fn named(path: &Path) -> Self {
        match path.to_str() {
            Some("-") => Self::Standard,
            Some(text) if text.len() >= LEAST_DIGITS && is_hex(text) && !path.exists() => Self::Hex(text.to_owned()),
            _ => Self::File(path.to_owned(), path.to_string_lossy().into_owned()),
        }
    }

    /// The name as messages about it say it.
    pub fn name(&self) -> &str {
        match self {
            Self::File(_, name) => name,
            Self::Standard => "-",
            Self::Hex(_) => "hex",
        }
    }

    /// True when it may come as it happens, and so must be shown as it comes.
    pub fn is_live(&self) -> bool {
        match self {
            Self::File(..) | Self::Hex(_) => false,
            Self::Standard => !Path::new("/dev/stdin").metadata().is_ok_and(|data| data.is_file()),
        }
    }

    /// Opens it and looks at its first octets.
    pub fn open(self) -> Result<Opened, InputError> {
        match self {
            Self::Hex(text) => Ok(Opened::Messages(parse_hex(text.as_bytes())?)),
            Self::File(path, _) => {
                let file = File::open(path).map_err(|error| InputError::Open(CaptureError::Open(error)))?;
                tell(file)
            }
            Self::Standard => tell(io::stdin()),
        }
    }
}

/// Tells by the first octets what an input is.
fn tell(mut input: impl Read + Send + 'static) -> Result<Opened, InputError> {
    let mut first = vec![0; 4096];
    let mut length = 0;
    while length < HEADER_LENGTH {
        match input.read(&mut first[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    first.truncate(length);
    let raw = looks_raw(&first);
    let json = looks_json(&first);
    if !raw && !json && !looks_hex(&first) {
        return Ok(Opened::Capture(Box::new(Reader::from_read(io::Cursor::new(first).chain(input)))));
    }
    input.take(LIMIT).read_to_end(&mut first)?;
    if first.len() as u64 > LIMIT {
        return Err(InputError::TooLong);
    }
    if json {
        let text = String::from_utf8(first).map_err(|error| InputError::Text(error.utf8_error().valid_up_to()))?;
        return Ok(Opened::Json(text));
    }
    Ok(Opened::Messages(if raw { first } else { parse_hex(&first)? }))
}

/// A Diameter header. No capture format begins with 1 and a length in fours.
fn looks_raw(first: &[u8]) -> bool {
    Header::parse(first).is_some_and(|header| {
        header.version == VERSION
            && header.length >= 20
            && header.length.is_multiple_of(4)
            && !header.flags.has_reserved()
    })
}

/// An object or an array. No capture format begins with a brace, a bracket or blanks.
fn looks_json(first: &[u8]) -> bool {
    first.iter().find(|octet| !octet.is_ascii_whitespace()).is_some_and(|octet| matches!(octet, b'{' | b'['))
}

fn looks_hex(first: &[u8]) -> bool {
    first.iter().any(u8::is_ascii_hexdigit) && first.iter().all(|octet| is_hex_text(*octet))
}

fn is_hex_text(octet: u8) -> bool {
    octet.is_ascii_hexdigit() || octet.is_ascii_whitespace() || matches!(octet, b':' | b'x' | b'X' | b',' | b'-')
}

/// True for an argument that can be nothing else than hexadecimal.
fn is_hex(text: &str) -> bool {
    text.len() >= 2 && text.bytes().any(|octet| octet.is_ascii_hexdigit()) && text.bytes().all(is_hex_text)
}

/// Reads hexadecimal with blanks, colons, commas and `0x` between the octets.
fn parse_hex(text: &[u8]) -> Result<Vec<u8>, InputError> {
    let mut octets = Vec::with_capacity(text.len() / 2);
    let mut half = None;
    let mut digits = 0;
    let mut column = 0;
    while let Some(&letter) = text.get(column) {
        column += 1;
        if letter == b'0' && matches!(text.get(column), Some(b'x' | b'X')) {
            column += 1;
            continue;
        }
        let digit = match letter {
            b'0'..=b'9' => letter - b'0',
            b'a'..=b'f' => letter - b'a' + 10,
            b'A'..=b'F' => letter - b'A' + 10,
            b':' | b',' | b'-' => continue,
            _ if letter.is_ascii_whitespace() => continue,
            _ => return Err(InputError::Digit { column, found: char::from(letter) }),
        };
        digits += 1;
        match half.take() {
            None => half = Some(digit << 4),
            Some(high) => octets.push(high | digit),
        }
    }
    if half.is_some() { Err(InputError::Odd(digits)) } else { Ok(octets) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_as_people_paste_it() {
        for text in ["01000014", "01 00 00 14", "01:00:00:14", "0x01, 0x00, 0x00, 0x14", "0x01000014\n", "0100\n0014"] {
            assert_eq!(parse_hex(text.as_bytes()).unwrap(), [1, 0, 0, 0x14], "{text}");
        }
        assert_eq!(parse_hex(b"01 0g").unwrap_err().to_string(), "column 5: `g` is no hexadecimal digit");
        assert_eq!(parse_hex(b"010").unwrap_err().to_string(), "an odd number of hexadecimal digits (3)");
    }

    #[test]
    fn captures_are_neither_raw_nor_hexadecimal() {
        for magic in [[0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x0a, 0x0d, 0x0d, 0x0a], [0x1f, 0x8b, 8, 0]]
        {
            let mut first = magic.to_vec();
            first.resize(24, 0);
            assert!(!looks_raw(&first) && !looks_hex(&first));
        }
        assert!(looks_raw(&[1, 0, 0, 20, 0x80, 0, 1, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        assert!(looks_hex(b"01000014 80000118"));
    }

    #[test]
    fn typed_messages_may_have_blanks() {
        let words: Vec<PathBuf> =
            ["01000014", "80000118", "00000000", "00000001", "00000002"].map(PathBuf::from).into();
        let inputs = collect(&[], words.iter()).unwrap();
        assert!(matches!(&inputs[..], [Input::Hex(_)]), "{inputs:?}");
        let short = [PathBuf::from("cafe")];
        assert!(matches!(&collect(&[], short.iter()).unwrap()[..], [Input::File(..)]));
    }
}
