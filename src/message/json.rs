//! A message as JSON, both ways: what `decode --json` prints is what `send` and the golden files of the cases read.
//!
//! Nothing is lost on the way: data that does not fit its format, padding that is not zero, and octets behind a
//! malformed AVP are kept in hexadecimal, so that the same octets come back.
//!
//! ```json
//! {"flags":192,"code":316,"application":16777251,"hop_by_hop":1,"end_to_end":2,"length":380,
//!  "command":"Update-Location-Request","application_name":"S6a",
//!  "avps":[{"code":277,"vendor":0,"flags":64,"name":"Auth-Session-State","value":1,"meaning":"NO_STATE_MAINTAINED"}]}
//! ```
//!
//! An AVP's content is one of: `value` (by its format), `avps` (the members of a group), `hex` (octets). Octets of known
//! and unknown OctetStrings are a `value` in hexadecimal too. When reading, `name` stands for `code` and `vendor`,
//! `flags` follow from the dictionary, and named values may be written by name (`"A | B"` for bits).

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use serde_json::Value;

use super::header::{CommandFlags, HEADER_LENGTH, Header, VERSION};
use crate::avp::dictionary::{self, Definition, IETF};
use crate::avp::format::{Address, Kind, Time, Verdict};
use crate::avp::{Avp, AvpFlags, Avps, Fault, Key};

use super::check::NESTING_LIMIT;

/// Why a JSON text is no message. `at` is a path such as `avps[3].value`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct JsonError {
    /// Where.
    pub at: String,
    /// What is wrong, and what was expected.
    pub what: String,
}

/// Appends the header's fields, `"flags":...` to `"length":...`, without braces.
pub fn write_header(header: &Header, out: &mut String) {
    let _ = write!(
        out,
        r#""flags":{},"code":{},"application":{},"hop_by_hop":{},"end_to_end":{},"length":{}"#,
        header.flags.0, header.code, header.application, header.hop_by_hop, header.end_to_end, header.length
    );
    if header.version != VERSION {
        let _ = write!(out, r#","version":{}"#, header.version);
    }
}

/// Appends the AVPs of a message or group as an array. Returns the octets behind the last well-formed AVP, which the
/// array does not show; empty when all are well formed.
pub fn write_avps<'a>(bytes: &'a [u8], out: &mut String) -> &'a [u8] {
    write_members(bytes, 0, out)
}

fn write_members<'a>(bytes: &'a [u8], depth: usize, out: &mut String) -> &'a [u8] {
    out.push('[');
    let mut walk = Avps::new(bytes);
    let mut rest = bytes;
    let mut first = true;
    while let Some(Ok(avp)) = walk.next() {
        if !first {
            out.push(',');
        }
        first = false;
        write_avp(&avp, depth, out);
        rest = walk.rest();
    }
    out.push(']');
    rest
}

/// Appends the faults of a message as an array.
pub fn write_faults(faults: &[Fault], out: &mut String) {
    out.push('[');
    for (at, fault) in faults.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let _ = write!(out, r#"{{"result_code":{},"offset":{},"path":["#, fault.result_code(), fault.offset);
        for (at, key) in fault.path.iter().enumerate() {
            let _ = write!(out, "{}[{},{}]", if at > 0 { "," } else { "" }, key.vendor(), key.code());
        }
        out.push_str(r#"],"text":"#);
        write_text(&fault.to_string(), out);
        out.push('}');
    }
    out.push(']');
}

/// Appends a text in quotes, escaped as JSON asks.
pub fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    for (at, octet) in text.bytes().enumerate() {
        let escape = match octet {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 | 0x7f => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        if escape.is_empty() {
            let _ = write!(out, "\\u{octet:04x}");
        } else {
            out.push_str(escape);
        }
        plain = at + 1;
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

fn write_hex(octets: &[u8], out: &mut String) {
    out.push('"');
    data_encoding::HEXLOWER.encode_append(octets, out);
    out.push('"');
}

fn write_avp(avp: &Avp<'_>, depth: usize, out: &mut String) {
    let definition = dictionary::lookup(avp.key);
    let _ = write!(out, r#"{{"code":{},"vendor":{},"flags":{},"name":"#, avp.code(), avp.vendor(), avp.flags.0);
    match definition {
        Some(definition) => write_text(definition.name, out),
        None => out.push_str("null"),
    }
    out.push(',');
    match definition {
        Some(definition) if definition.kind == Kind::Grouped => write_group(avp, depth, out),
        Some(definition) if definition.kind.judge(avp.data) == Verdict::Good => write_value(avp.data, definition, out),
        Some(_) => write_content("hex", avp.data, out),
        None => write_content("value", avp.data, out),
    }
    // Sound padding is zeros to the next multiple of four; anything else is told.
    let padding = avp.padding();
    if padding.len() != avp.length().wrapping_neg() & 3 || padding.iter().any(|octet| *octet != 0) {
        out.push(',');
        write_content("padding", padding, out);
    }
    out.push('}');
}

fn write_content(name: &str, octets: &[u8], out: &mut String) {
    let _ = write!(out, r#""{name}":"#);
    write_hex(octets, out);
}

/// A group whose data is no list of AVPs is shown as octets: its members cannot be told.
fn write_group(avp: &Avp<'_>, depth: usize, out: &mut String) {
    let before = out.len();
    out.push_str(r#""avps":"#);
    let sound = depth < NESTING_LIMIT && write_members(avp.data, depth + 1, out).is_empty();
    if !sound {
        out.truncate(before);
        write_content("hex", avp.data, out);
    }
}

fn write_value(data: &[u8], definition: &Definition, out: &mut String) {
    let before = out.len();
    out.push_str(r#""value":"#);
    let signed = |data: &[u8]| -> i64 {
        match *data {
            [a, b, c, d] => i64::from(i32::from_be_bytes([a, b, c, d])),
            _ => data.try_into().map_or(0, i64::from_be_bytes),
        }
    };
    let number = match definition.kind {
        Kind::Unsigned32 => {
            let value = data.try_into().map_or(0, u32::from_be_bytes);
            let _ = write!(out, "{value}");
            Some(i64::from(value))
        }
        Kind::Unsigned64 => {
            let value = data.try_into().map_or(0, u64::from_be_bytes);
            let _ = write!(out, "{value}");
            i64::try_from(value).ok()
        }
        Kind::Integer32 | Kind::Integer64 | Kind::Enumerated => {
            let value = signed(data);
            let _ = write!(out, "{value}");
            Some(value)
        }
        Kind::Float32 | Kind::Float64 => {
            let value = if data.len() == 4 {
                f64::from(data.try_into().map_or(0.0, f32::from_be_bytes))
            } else {
                data.try_into().map_or(0.0, f64::from_be_bytes)
            };
            if value.is_finite() {
                let _ = write!(out, "{value:?}");
            } else {
                // JSON has no word for infinities and NaNs, of which there are many.
                out.truncate(before);
                write_content("hex", data, out);
            }
            None
        }
        Kind::Time => {
            let time = Time(data.try_into().map_or(0, u32::from_be_bytes));
            let _ = write!(out, "\"{time}\"");
            None
        }
        Kind::Address => {
            let _ = write!(out, "\"{}\"", Address::parse(data).unwrap_or_default());
            None
        }
        Kind::UTF8String | Kind::DiameterIdentity | Kind::DiameterURI | Kind::IPFilterRule | Kind::QoSFilterRule => {
            write_text(str::from_utf8(data).unwrap_or_default(), out);
            None
        }
        Kind::OctetString | Kind::Grouped => {
            write_hex(data, out);
            None
        }
    };
    if let Some(meaning) = number.and_then(|number| definition.meaning(number)) {
        out.push_str(r#","meaning":"#);
        write_text(&meaning, out);
    }
}

/// The whole message as one JSON object with the header's fields, the names, `avps`, and `rest` where octets are left
/// that are no AVP.
#[must_use]
pub fn message_to_json(message: &[u8]) -> Option<String> {
    let header = Header::parse(message)?;
    let mut out = String::with_capacity(message.len() * 6);
    out.push('{');
    write_header(&header, &mut out);
    out.push_str(r#","avps":"#);
    let rest = write_avps(message.get(HEADER_LENGTH..).unwrap_or_default(), &mut out);
    if !rest.is_empty() {
        out.push(',');
        write_content("rest", rest, &mut out);
    }
    out.push('}');
    Some(out)
}

/// Finds a command by its name, and its application where that is stated: gives application, code and flags.
pub type FindCommand<'f> = dyn Fn(&str, Option<u32>) -> Option<(u32, u32, CommandFlags)> + 'f;

/// Reads a message from its JSON object. Message Length is always counted anew; `version` is 1 unless stated; `command`
/// may stand for `code` when `find_code` knows the name.
///
/// # Errors
/// The first place that is no part of a message, with what was expected there.
pub fn message_from_json(value: &Value, find_code: &FindCommand<'_>) -> Result<Vec<u8>, JsonError> {
    let object = value.as_object().ok_or_else(|| error("message", "expected an object"))?;
    let number = |name: &str, most: u32| -> Result<Option<u32>, JsonError> {
        match object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                small(value, most).map(Some).ok_or_else(|| error(name, format!("expected a number from 0 to {most}")))
            }
        }
    };
    let application = number("application", u32::MAX)?;
    let named = match object.get("command") {
        Some(Value::String(name)) => find_code(name, application),
        _ => None,
    };
    let code = match (number("code", 0xff_ffff)?, named) {
        (Some(code), _) => code,
        (None, Some((_, code, _))) => code,
        (None, None) => return Err(error("code", "missing, and `command` names no known command")),
    };
    let flags = match (number("flags", 255)?, named) {
        (Some(flags), _) => CommandFlags(flags as u8),
        (None, Some((_, _, flags))) => flags,
        (None, None) => return Err(error("flags", "missing, and `command` names no known command")),
    };
    let application = application
        .or(named.map(|(application, _, _)| application))
        .ok_or_else(|| error("application", "missing, and `command` names no known command"))?;
    let header = Header {
        version: number("version", 255)?.map_or(VERSION, |version| version as u8),
        length: 0,
        flags,
        code,
        application,
        hop_by_hop: number("hop_by_hop", u32::MAX)?.unwrap_or(0),
        end_to_end: number("end_to_end", u32::MAX)?.unwrap_or(0),
    };
    let mut out = header.to_bytes().to_vec();
    if let Some(avps) = object.get("avps") {
        read_avps(avps, "avps", 0, &mut out)?;
    }
    if let Some(rest) = object.get("rest") {
        out.extend_from_slice(&hex(rest, "rest")?);
    }
    if out.len() > super::header::MAXIMUM_LENGTH {
        return Err(error("message", format!("{} octets do not fit the 24-bit Message Length", out.len())));
    }
    let length = out.len() as u32;
    out[..4].copy_from_slice(&((u32::from(header.version) << 24) | length).to_be_bytes());
    Ok(out)
}

/// Reads the AVPs of a JSON array, as they stand in `avps`. `at` is where the array is, for errors.
///
/// # Errors
/// The first place that is no AVP, with what was expected there.
pub fn avps_from_json(value: &Value, at: &str) -> Result<Vec<u8>, JsonError> {
    let mut out = Vec::new();
    read_avps(value, at, 0, &mut out)?;
    Ok(out)
}

fn error(at: impl Into<String>, what: impl Into<String>) -> JsonError {
    JsonError { at: at.into(), what: what.into() }
}

fn small(value: &Value, most: u32) -> Option<u32> {
    let number = match value {
        Value::String(text) => u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()?,
        value => value.as_u64()?,
    };
    u32::try_from(number).ok().filter(|number| *number <= most)
}

fn hex(value: &Value, at: &str) -> Result<Vec<u8>, JsonError> {
    value
        .as_str()
        .and_then(|text| data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok())
        .ok_or_else(|| error(at, "expected octets in hexadecimal, two digits each"))
}

fn read_avps(value: &Value, at: &str, depth: usize, out: &mut Vec<u8>) -> Result<(), JsonError> {
    let avps = value.as_array().ok_or_else(|| error(at, "expected an array of AVPs"))?;
    if depth > NESTING_LIMIT {
        return Err(error(at, format!("groups are nested deeper than {NESTING_LIMIT}")));
    }
    for (index, avp) in avps.iter().enumerate() {
        read_avp(avp, &format!("{at}[{index}]"), depth, out)?;
    }
    Ok(())
}

fn read_avp(value: &Value, at: &str, depth: usize, out: &mut Vec<u8>) -> Result<(), JsonError> {
    let object = value.as_object().ok_or_else(|| error(at, "expected an object"))?;
    let name = object.get("name").and_then(Value::as_str);
    let number = |field: &str| -> Result<Option<u32>, JsonError> {
        match object.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => small(value, u32::MAX)
                .map(Some)
                .ok_or_else(|| error(format!("{at}.{field}"), "expected a number from 0 to 4294967295")),
        }
    };
    let key = match (number("code")?, name) {
        (Some(code), _) => Key::new(number("vendor")?.unwrap_or(IETF), code),
        (None, Some(name)) => {
            dictionary::by_name(name)
                .ok_or_else(|| error(format!("{at}.name"), format!("the dictionary has no `{name}`")))?
                .key
        }
        (None, None) => return Err(error(at, "expected `code` and `vendor`, or `name`")),
    };
    let definition = dictionary::lookup(key);
    let flags = match number("flags")? {
        Some(flags) => {
            AvpFlags(u8::try_from(flags).map_err(|_| error(format!("{at}.flags"), "expected a number from 0 to 255"))?)
        }
        None => definition.map_or(AvpFlags(if key.vendor() == IETF { 0 } else { AvpFlags::VENDOR }), Definition::flags),
    };
    if !flags.has_vendor() && key.vendor() != IETF {
        return Err(error(format!("{at}.flags"), "a vendor other than 0 needs the V flag (128)"));
    }
    let mut data = Vec::new();
    if let Some(octets) = object.get("hex") {
        data = hex(octets, &format!("{at}.hex"))?;
    } else if let Some(members) = object.get("avps") {
        read_avps(members, &format!("{at}.avps"), depth + 1, &mut data)?;
    } else if let Some(value) = object.get("value") {
        data = read_value(value, definition, &format!("{at}.value"))?;
    }
    let length = data.len() + if flags.has_vendor() { 12 } else { 8 };
    if length > 0xff_ffff {
        return Err(error(at, format!("{length} octets do not fit the 24-bit AVP Length")));
    }
    dictionary::write_raw(key, flags, &data, out);
    if let Some(padding) = object.get("padding") {
        let padding = hex(padding, &format!("{at}.padding"))?;
        out.truncate(out.len() - (length.wrapping_neg() & 3));
        out.extend_from_slice(&padding);
    }
    Ok(())
}

/// Reads a value by its format: the opposite of [`write_value`].
fn read_value(value: &Value, definition: Option<&'static Definition>, at: &str) -> Result<Vec<u8>, JsonError> {
    let Some(definition) = definition else { return hex(value, at) };
    let wrong = |what: &str| error(at, format!("expected {what} for {} ({})", definition.name, definition.kind.name()));
    let integer = || -> Result<i128, JsonError> {
        match value {
            Value::Number(number) => number
                .as_i64()
                .map(i128::from)
                .or_else(|| number.as_u64().map(i128::from))
                .ok_or_else(|| wrong("a whole number")),
            Value::String(text) => {
                named_number(text, definition).ok_or_else(|| wrong("a number or a name that the dictionary gives"))
            }
            _ => Err(wrong("a number")),
        }
    };
    let text = || value.as_str().ok_or_else(|| wrong("a text"));
    let range = || wrong("a number within the format's range");
    Ok(match definition.kind {
        Kind::Unsigned32 => u32::try_from(integer()?).map_err(|_| range())?.to_be_bytes().to_vec(),
        Kind::Unsigned64 => u64::try_from(integer()?).map_err(|_| range())?.to_be_bytes().to_vec(),
        Kind::Integer32 | Kind::Enumerated => i32::try_from(integer()?).map_err(|_| range())?.to_be_bytes().to_vec(),
        Kind::Integer64 => i64::try_from(integer()?).map_err(|_| range())?.to_be_bytes().to_vec(),
        Kind::Float32 => (value.as_f64().ok_or_else(|| wrong("a number"))? as f32).to_be_bytes().to_vec(),
        Kind::Float64 => value.as_f64().ok_or_else(|| wrong("a number"))?.to_be_bytes().to_vec(),
        Kind::Time => text()?.parse::<Time>().map_err(|what| error(at, what))?.0.to_be_bytes().to_vec(),
        Kind::Address => read_address(text()?).ok_or_else(|| wrong("an IP address, or `family:hexadecimal`"))?,
        Kind::UTF8String | Kind::DiameterIdentity | Kind::DiameterURI | Kind::IPFilterRule | Kind::QoSFilterRule => {
            let data = text()?.as_bytes();
            if definition.kind.judge(data) != Verdict::Good {
                return Err(wrong("a text that fits the format"));
            }
            data.to_vec()
        }
        Kind::OctetString => hex(value, at)?,
        Kind::Grouped => return Err(wrong("`avps` or `hex`")),
    })
}

/// The number of a name, or of several joined by `|` for bits; `0x` numbers may stand among them.
fn named_number(text: &str, definition: &Definition) -> Option<i128> {
    let one = |name: &str| -> Option<i64> {
        match name.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(digits, 16).ok(),
            None => definition.values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value),
        }
    };
    if definition.bits {
        text.split('|').map(|name| one(name.trim())).try_fold(0, |sum, bit| Some(sum | i128::from(bit?)))
    } else {
        one(text.trim()).map(i128::from)
    }
}

fn read_address(text: &str) -> Option<Vec<u8>> {
    use crate::avp::format::Format as _;
    let mut data = Vec::new();
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        Address::write(&Address::from(address), &mut data);
        return Some(data);
    }
    let (family, octets) = text.split_once(':')?;
    let family: u16 = family.parse().ok().filter(|family| *family != 1 && *family != 2)?;
    let octets = data_encoding::HEXLOWER_PERMISSIVE.decode(octets.as_bytes()).ok()?;
    Address::write(&Address::Other(family, &octets), &mut data);
    Some(data)
}
