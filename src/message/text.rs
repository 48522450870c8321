//! A message as text: the tree that people read, one AVP a line.
//!
//! ```text
//! Update-Location-Request (316)  S6a (16777251)  RP--  380 octets  hop-by-hop 0x0000002a  end-to-end 0x0000002b
//!   Visited-PLMN-Id (1407 3GPP)                  VM-   15  001-01
//!   ^ name (code, vendor)                        ^flags ^AVP Length  ^value and what it means
//! ```
//!
//! What is wrong stands below the AVP it is about, behind a `!`. Text of the network is escaped: nothing in a message
//! can steer the terminal. Colours come from outside as a [`Palette`]; the plain one leaves no trace.

use std::fmt::Write as _;

use super::check::NESTING_LIMIT;
use super::header::{HEADER_LENGTH, Header};
use crate::avp::dictionary::{self, Definition, private};
use crate::avp::format::{Address, Kind, Time, Verdict};
use crate::avp::{Avp, Avps, Fault, FaultKind, Key, Malformed};
use crate::interfaces::{self, names};

mod meaning;

/// What is written before and after each kind of word.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// Names of commands.
    pub command: Ink,
    /// Names of AVPs.
    pub name: Ink,
    /// Codes, flags, lengths.
    pub detail: Ink,
    /// What a value means.
    pub meaning: Ink,
    /// Private numbers.
    pub private: Ink,
    /// Faults.
    pub fault: Ink,
}

/// One pair of marks around a word.
#[derive(Clone, Debug, Default)]
pub struct Ink {
    /// Before.
    pub on: String,
    /// After.
    pub off: String,
}

impl Ink {
    fn on<'a>(&'a self, out: &mut String) -> &'a Self {
        out.push_str(&self.on);
        self
    }

    fn off(&self, out: &mut String) {
        out.push_str(&self.off);
    }
}

/// Column of the flags, counted from the beginning of a line.
const FLAGS_COLUMN: usize = 54;

/// Appends the whole message: the header's line, then the tree. `faults` are those of [`super::check::check`].
pub fn write_message(message: &[u8], faults: &[Fault], palette: &Palette, out: &mut String) {
    let Some(header) = Header::parse(message) else {
        let _ = writeln!(out, "{} octets, fewer than a Diameter header has", message.len());
        return;
    };
    write_header(&header, palette, out);
    for fault in faults.iter().filter(|fault| fault.path.is_empty()) {
        write_fault(fault, 1, palette, out);
    }
    let tree = Tree { faults, palette };
    tree.members(message.get(HEADER_LENGTH..).unwrap_or_default(), HEADER_LENGTH, 1, out);
}

/// Appends the header's line.
pub fn write_header(header: &Header, palette: &Palette, out: &mut String) {
    palette.command.on(out);
    write_command_name(header, out);
    palette.command.off(out);
    let detail = palette.detail.on(out);
    let _ = write!(out, " ({})  ", header.code);
    detail.off(out);
    match names::application_name(header.application) {
        Some(name) => out.push_str(name),
        None => out.push_str("application"),
    }
    palette.detail.on(out);
    let _ = write!(out, " ({})  {}  ", header.application, header.flags);
    let _ = write!(out, "{} octets  hop-by-hop {:#010x}", header.length, header.hop_by_hop);
    let _ = write!(out, "  end-to-end {:#010x}", header.end_to_end);
    if header.version != super::header::VERSION {
        let _ = write!(out, "  version {}", header.version);
    }
    palette.detail.off(out);
    if is_private(header.application) {
        out.push_str("  ");
        palette.private.on(out);
        out.push_str("private");
        palette.private.off(out);
    }
    out.push('\n');
}

/// Appends the name of a message's command, or `command 506 request` where it has none.
pub fn write_command_name(header: &Header, out: &mut String) {
    match names::command_name(header) {
        Some(name) => {
            out.push_str(name.stem);
            out.push_str(name.ending());
        }
        None => {
            let _ = write!(out, "command {} {}", header.code, if header.is_request() { "request" } else { "answer" });
        }
    }
}

/// True for an application of our own numbers.
#[must_use]
pub fn is_private(application: u32) -> bool {
    interfaces::of_application(application).is_some_and(|interface| interface.vendor == private::VENDOR)
}

struct Tree<'t> {
    faults: &'t [Fault],
    palette: &'t Palette,
}

impl Tree<'_> {
    /// Writes the neighbours in `bytes`, which lie `start` octets into the message.
    fn members(&self, bytes: &[u8], start: usize, depth: usize, out: &mut String) {
        let mut walk = Avps::new(bytes);
        loop {
            let before = walk.rest();
            let offset = start + (bytes.len() - before.len());
            match walk.next() {
                None => break,
                Some(Ok(avp)) => self.avp(&avp, offset, depth, out),
                Some(Err(malformed)) => {
                    self.rest(before, malformed, offset, depth, out);
                    break;
                }
            }
        }
        // What is absent has no line of its own.
        if self.faults.is_empty() {
            return;
        }
        for fault in self
            .faults
            .iter()
            .filter(|fault| fault.kind == FaultKind::Missing && fault.offset == start && fault.path.len() == depth)
        {
            write_fault(fault, depth, self.palette, out);
        }
    }

    fn avp(&self, avp: &Avp<'_>, offset: usize, depth: usize, out: &mut String) {
        let definition = dictionary::lookup(avp.key);
        let width = write_label(avp.key, definition, depth, self.palette, out);
        pad(FLAGS_COLUMN.saturating_sub(width).max(1), out);
        let detail = self.palette.detail.on(out);
        let _ = write!(out, "{} {:>4}", avp.flags, avp.length());
        detail.off(out);
        let group = match definition {
            Some(definition) if definition.kind == Kind::Grouped => is_group(avp.data) && depth <= NESTING_LIMIT,
            _ => false,
        };
        if !group {
            out.push_str("  ");
            write_value(avp, definition, self.palette, out);
        }
        let padding = avp.padding();
        if padding.iter().any(|octet| *octet != 0) {
            out.push_str("  padding ");
            data_encoding::HEXLOWER.encode_append(padding, out);
        }
        out.push('\n');
        for fault in self.faults {
            if fault.offset == offset && fault.kind != FaultKind::Missing && fault.path.last() == Some(&avp.key) {
                write_fault(fault, depth + 1, self.palette, out);
            }
        }
        if group {
            self.members(avp.data, offset + avp.header_length(), depth + 1, out);
        }
    }

    /// Octets that are no AVP.
    fn rest(&self, bytes: &[u8], malformed: Malformed, offset: usize, depth: usize, out: &mut String) {
        pad(depth * 2, out);
        self.palette.fault.on(out);
        let _ = write!(out, "! octet {offset}: {malformed}: ");
        self.palette.fault.off(out);
        data_encoding::HEXLOWER.encode_append(bytes, out);
        out.push('\n');
    }
}

/// Data of a Grouped AVP is shown as a tree unless not even its first member can be told.
fn is_group(data: &[u8]) -> bool {
    data.is_empty() || matches!(Avps::new(data).next(), Some(Ok(_)))
}

/// Appends indentation, name, code and vendor; returns the columns taken.
fn write_label(key: Key, definition: Option<&Definition>, depth: usize, palette: &Palette, out: &mut String) -> usize {
    pad(depth * 2, out);
    palette.name.on(out);
    let start = out.len();
    out.push_str(definition.map_or("AVP", |definition| definition.name));
    let mut width = depth * 2 + (out.len() - start);
    let ink = if key.vendor() == private::VENDOR { &palette.private } else { &palette.detail };
    palette.name.off(out);
    ink.on(out);
    let start = out.len();
    let _ = match (key.vendor(), names::vendor_name(key.vendor())) {
        (0, _) => write!(out, " ({})", key.code()),
        (_, Some(vendor)) => write!(out, " ({} {vendor})", key.code()),
        (vendor, None) => write!(out, " ({} vendor {vendor})", key.code()),
    };
    width += out.len() - start;
    ink.off(out);
    width
}

fn pad(width: usize, out: &mut String) {
    for _ in 0..width {
        out.push(' ');
    }
}

fn write_fault(fault: &Fault, depth: usize, palette: &Palette, out: &mut String) {
    pad(depth * 2, out);
    palette.fault.on(out);
    let _ = write!(out, "! {fault}");
    palette.fault.off(out);
    out.push('\n');
}

/// Appends the value of one AVP and what it means: by its format where the data fits, otherwise as octets.
pub fn write_value(avp: &Avp<'_>, definition: Option<&Definition>, palette: &Palette, out: &mut String) {
    let data = avp.data;
    let Some(definition) = definition else {
        write_octets(data, out);
        return;
    };
    if definition.kind.judge(data) != Verdict::Good {
        write_octets(data, out);
        return;
    }
    match definition.kind {
        Kind::Unsigned32 | Kind::Time => {
            let number = data.try_into().map_or(0, u32::from_be_bytes);
            if definition.kind == Kind::Time {
                let _ = write!(out, "{}", Time(number));
            } else if definition.bits {
                let _ = write!(out, "{number:#010x}");
                write_bits(definition, i64::from(number), palette, out);
            } else {
                let _ = write!(out, "{number}");
                let special = meaning::of_number(avp.key, number);
                write_meaning(special.or_else(|| definition.value_name(i64::from(number))), palette, out);
            }
        }
        Kind::Enumerated | Kind::Integer32 => {
            let number = data.try_into().map_or(0, i32::from_be_bytes);
            let _ = write!(out, "{number}");
            write_meaning(definition.value_name(i64::from(number)), palette, out);
        }
        Kind::Unsigned64 => {
            let number = data.try_into().map_or(0, u64::from_be_bytes);
            if definition.bits {
                let _ = write!(out, "{number:#x}");
                write_bits(definition, number.cast_signed(), palette, out);
            } else {
                let _ = write!(out, "{number}");
                write_meaning(i64::try_from(number).ok().and_then(|it| definition.value_name(it)), palette, out);
            }
        }
        Kind::Integer64 => {
            let number = data.try_into().map_or(0, i64::from_be_bytes);
            let _ = write!(out, "{number}");
            write_meaning(definition.value_name(number), palette, out);
        }
        Kind::Float32 => {
            let _ = write!(out, "{}", data.try_into().map_or(0.0, f32::from_be_bytes));
        }
        Kind::Float64 => {
            let _ = write!(out, "{}", data.try_into().map_or(0.0, f64::from_be_bytes));
        }
        Kind::Address => {
            let address = Address::parse(data).unwrap_or_default();
            let _ = write!(out, "{address}");
            if let Address::Other(8, digits) = address
                && let Ok(digits) = str::from_utf8(digits)
            {
                palette.meaning.on(out);
                out.push_str("  E.164 ");
                write_escaped(digits, out);
                palette.meaning.off(out);
            }
        }
        Kind::UTF8String | Kind::DiameterIdentity | Kind::DiameterURI | Kind::IPFilterRule | Kind::QoSFilterRule => {
            write_escaped(str::from_utf8(data).unwrap_or_default(), out);
        }
        Kind::OctetString | Kind::Grouped => {
            let start = out.len();
            if !is_long_text(data) {
                data_encoding::HEXLOWER.encode_append(data, out);
                pad(usize::from(out.len() > start) * 2, out);
            }
            let before = out.len();
            palette.meaning.on(out);
            let after = out.len();
            if !meaning::of_octets(avp.key, data, out) {
                write_printable(data, out);
            }
            if out.len() == after {
                out.truncate(before);
                out.truncate(start + out[start..].trim_end().len());
            } else {
                palette.meaning.off(out);
            }
        }
    }
}

/// Octets without a format: hexadecimal, and as text too where they look like it.
fn write_octets(data: &[u8], out: &mut String) {
    if !is_long_text(data) {
        data_encoding::HEXLOWER.encode_append(data, out);
        if is_printable(data) {
            out.push_str("  ");
        }
    }
    write_printable(data, out);
}

fn is_printable(data: &[u8]) -> bool {
    data.len() > 1 && data.iter().all(|octet| matches!(octet, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
}

/// Text so long that the octets would only hide it: a user profile in XML, a session description.
fn is_long_text(data: &[u8]) -> bool {
    data.len() > 32 && is_printable(data)
}

fn write_printable(data: &[u8], out: &mut String) {
    if is_printable(data)
        && let Ok(text) = str::from_utf8(data)
    {
        out.push('"');
        write_escaped(text, out);
        out.push('"');
    }
}

/// Text with controls made visible; also those that turn the direction of writing.
pub fn write_escaped(text: &str, out: &mut String) {
    let mut plain = 0;
    for (at, letter) in text.char_indices() {
        let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if letter.is_control() || turns {
            out.push_str(&text[plain..at]);
            out.extend(letter.escape_default());
            plain = at + letter.len_utf8();
        }
    }
    out.push_str(&text[plain..]);
}

fn write_meaning(name: Option<&str>, palette: &Palette, out: &mut String) {
    if let Some(name) = name {
        out.push_str("  ");
        palette.meaning.on(out);
        out.push_str(name);
        palette.meaning.off(out);
    }
}

fn write_bits(definition: &Definition, number: i64, palette: &Palette, out: &mut String) {
    if number == 0 {
        return;
    }
    out.push_str("  ");
    palette.meaning.on(out);
    let mut left = number;
    let mut first = true;
    let mut bar = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.push_str(" | ");
        }
    };
    for (name, bit) in definition.values.iter().filter(|(_, bit)| number & bit != 0) {
        bar(out);
        out.push_str(name);
        left &= !bit;
    }
    if left != 0 {
        bar(out);
        let _ = write!(out, "{left:#x}");
    }
    palette.meaning.off(out);
}

/// Appends what one line says of a message beyond its header: the subscriber-free essentials, which are the session and
/// the result.
pub fn write_essence(message: &[u8], palette: &Palette, out: &mut String) {
    let body = Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
    let number = |data: &[u8]| data.try_into().ok().map(u32::from_be_bytes);
    for avp in body.map_while(Result::ok) {
        let code = match avp.key.0 {
            268 => number(avp.data),
            297 => avp
                .members()
                .map_while(Result::ok)
                .find(|member| member.key.0 == 298)
                .and_then(|member| number(member.data)),
            _ => continue,
        };
        let Some(code) = code else { continue };
        let good = code / 1000 == 2;
        let ink = if good { &palette.meaning } else { &palette.fault };
        out.push_str("  ");
        ink.on(out);
        let _ = write!(out, "{code}");
        let result = if avp.key.0 == 268 { Key::new(0, 268) } else { Key::new(0, 298) };
        if let Some(name) = dictionary::lookup(result).and_then(|known| known.value_name(i64::from(code))) {
            let _ = write!(out, " {name}");
        }
        ink.off(out);
    }
}

#[cfg(test)]
mod tests;
