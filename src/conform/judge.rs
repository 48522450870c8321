//! Whether a message is what was expected, and what it says otherwise.

use std::fmt::Write as _;

use serde_json::Value;

use super::build::{Variables, command_named};
use super::suite::Expectation;
use crate::avp::dictionary::{self, ExperimentalResult, FailedAvp, OriginHost, OriginRealm, ResultCode, SessionId};
use crate::avp::{Avps, FaultKind, Key};
use crate::interfaces;
use crate::message::check::{Strictness, check};
use crate::message::text::{self, Palette};
use crate::message::{CommandFlags, HEADER_LENGTH, Header, find, json};

/// Result codes wanted: each a code, or a class by its first digit.
pub(super) fn codes(value: &Value) -> Result<Vec<Codes>, String> {
    let one = |value: &Value| match value {
        Value::Number(number) => {
            let code = number.as_u64().and_then(|code| u32::try_from(code).ok());
            code.map(Codes::One).ok_or_else(|| format!("{number} is no result code"))
        }
        Value::String(class) => match class.strip_suffix("xxx").map(str::parse) {
            Some(Ok(class @ 1..=5)) => Ok(Codes::Class(class)),
            _ => Err(format!("{class:?} is no class of result codes such as \"2xxx\"")),
        },
        other => Err(format!("{other} is no result code")),
    };
    match value {
        Value::Array(list) => list.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

/// One result code, or a thousand of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codes {
    One(u32),
    Class(u32),
}

impl Codes {
    const fn holds(self, code: u32) -> bool {
        match self {
            Self::One(one) => one == code,
            Self::Class(class) => code / 1000 == class,
        }
    }
}

fn said(codes: &[Codes]) -> String {
    let words: Vec<String> = codes
        .iter()
        .map(|code| match code {
            Codes::One(code) => code_name(*code),
            Codes::Class(class) => format!("{class}xxx"),
        })
        .collect();
    words.join(" or ")
}

fn code_name(code: u32) -> String {
    let definition = <ResultCode as dictionary::Declared>::DEFINITION;
    match definition.value_name(i64::from(code)) {
        Some(name) => format!("{code} {name}"),
        None => code.to_string(),
    }
}

/// Flags that are to be set and clear.
pub(super) fn flags(text: &str) -> Result<(u8, u8), String> {
    let (mut set, mut clear, mut negated) = (0, 0, false);
    for letter in text.chars() {
        let bit = match letter {
            '-' => {
                negated = true;
                continue;
            }
            'R' => CommandFlags::REQUEST,
            'P' => CommandFlags::PROXIABLE,
            'E' => CommandFlags::ERROR,
            'T' => CommandFlags::RETRANSMITTED,
            _ => return Err(format!("`flags` has R, P, E and T, each with or without -, not {letter:?}")),
        };
        *(if negated { &mut clear } else { &mut set }) |= bit;
        negated = false;
    }
    Ok((set, clear))
}

/// Might the message be what is waited for? When it is `late`, an answer that only looks like the one wanted is too.
pub(super) fn is_meant(expectation: &Expectation, asked: Option<&Header>, header: &Header, late: bool) -> bool {
    if let Some(name) = &expectation.request {
        let code = command_named(name).map(|(_, command)| command.code);
        return header.is_request() && code == Some(header.code);
    }
    let answers = |asked: &Header| (asked.hop_by_hop, asked.code) == (header.hop_by_hop, header.code);
    let near = |asked: &Header| late && (asked.end_to_end == header.end_to_end || asked.code == header.code);
    !header.is_request() && asked.is_none_or(|asked| answers(asked) || near(asked))
}

/// Whether a message came with the payload protocol identifier that is wanted.
pub(super) fn ppid(expectation: &Expectation, found: u32) -> Result<(), String> {
    match expectation.ppid {
        Some(wanted) if wanted != found => {
            Err(format!("payload protocol identifier {wanted} was expected, {found} came"))
        }
        _ => Ok(()),
    }
}

/// What the message was expected to be and is not; otherwise what it gives to variables.
pub(super) fn judge(
    expectation: &Expectation,
    message: &[u8],
    asked: Option<&[u8]>,
    variables: &Variables,
) -> Result<Vec<(String, Value)>, String> {
    let header = Header::parse(message).ok_or("what came is shorter than a header")?;
    if expectation.request.is_none() {
        sound_answer(expectation, message, &header, asked)?;
    } else {
        sound_request(expectation, message, &header)?;
    }
    results(expectation, message)?;
    if let Some(text) = &expectation.flags {
        let (set, clear) = flags(text)?;
        if header.flags.0 & set != set || header.flags.0 & clear != 0 {
            return Err(format!("command flags {text} were expected, {} came", header.flags));
        }
    }
    failed(expectation, message)?;
    let text = json::message_to_json(message).unwrap_or_default();
    let tree: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let avps = tree.get("avps").unwrap_or(&Value::Null);
    for path in &expectation.has {
        if all(avps, path).is_empty() {
            return Err(format!("{path} was expected and is not there"));
        }
    }
    for path in &expectation.lacks {
        if !all(avps, path).is_empty() {
            return Err(format!("{path} should not be there"));
        }
    }
    for (path, wanted) in &expectation.values {
        let wanted = variables.fill(wanted).map_err(|unset| unset.to_string())?;
        let found = all(avps, path);
        if found.is_empty() {
            return Err(format!("{path} was expected and is not there"));
        }
        if !found.iter().any(|avp| is_value(avp, &wanted)) {
            // Whose it is is nobody's business who reads a report.
            if ["User-Name", "MSISDN"].iter().any(|name| path.ends_with(name)) {
                return Err(format!("{path} has another value than expected"));
            }
            let shown: Vec<String> = found.iter().map(|avp| content(avp).to_string()).collect();
            return Err(format!("{path} is {}, expected {wanted}", shown.join(", ")));
        }
    }
    let mut captured = Vec::new();
    for (name, path) in &expectation.capture {
        let found = all(avps, path);
        let avp = found.first().ok_or_else(|| format!("{path} was expected and is not there"))?;
        captured.push((name.clone(), content(avp).clone()));
    }
    Ok(captured)
}

/// What holds for every answer. RFC 6733 sections 3, 6.2, 7.1.
fn sound_answer(
    expectation: &Expectation,
    message: &[u8],
    header: &Header,
    asked: Option<&[u8]>,
) -> Result<(), String> {
    let strict = |what: &str| !expectation.lenient.iter().any(|word| word == what);
    let body = body(message);
    let result = find::<ResultCode>(body);
    if strict("header") {
        if header.flags.is_retransmitted() || header.flags.has_reserved() {
            return Err(format!(
                "the answer's command flags are {}: T and reserved bits are clear in answers",
                header.flags
            ));
        }
        if let Some(asked) = asked.and_then(Header::parse) {
            for (what, asked, answered) in [
                ("Command-Code", asked.code, header.code),
                ("Application-Id", asked.application, header.application),
                ("Hop-by-Hop Identifier", asked.hop_by_hop, header.hop_by_hop),
                ("End-to-End Identifier", asked.end_to_end, header.end_to_end),
            ] {
                if asked != answered {
                    return Err(format!("the request's {what} is {asked}, the answer's {answered}"));
                }
            }
        }
    }
    // Of protocol errors one case judges this, or every case would fail for it. RFC 6733 section 6.2.
    if let Some(asked) = asked.and_then(Header::parse).filter(|_| strict("P") && !header.flags.is_error())
        && asked.flags.is_proxiable() != header.flags.is_proxiable()
    {
        return Err(format!(
            "the request's command flags are {}, the answer's {}: P should be the same",
            asked.flags, header.flags
        ));
    }
    // A permanent failure may go either way where the command's own answer cannot be built. RFC 6733 section 7.1.5.
    if strict("E")
        && let Some(code) = result
        && code / 1000 != 5
        && (code / 1000 == 3) != header.flags.is_error()
    {
        let (is, should) = if header.flags.is_error() { ("set", "clear") } else { ("clear", "set") };
        return Err(format!("the E flag is {is} and should be {should} with Result-Code {}", code_name(code)));
    }
    if strict("result") {
        match (result, find::<ExperimentalResult>(body).is_some()) {
            (None, false) => return Err("there is neither Result-Code nor Experimental-Result".to_owned()),
            // RFC 6733 allows both in an answer with the E flag.
            (Some(_), true) if !header.flags.is_error() => {
                return Err("there are both Result-Code and Experimental-Result".to_owned());
            }
            _ => {}
        }
    }
    if strict("origin") && (find::<OriginHost>(body).is_none() || find::<OriginRealm>(body).is_none()) {
        return Err("Origin-Host or Origin-Realm is missing".to_owned());
    }
    if strict("session")
        && let Some(asked) = asked
        && let Some(session) = find::<SessionId>(self::body(asked))
    {
        match find::<SessionId>(body) {
            Some(copy) if copy == session => {}
            Some(copy) => return Err(format!("the request's Session-Id is {session}, the answer's {copy}")),
            None => return Err("the answer has no Session-Id, the request had one".to_owned()),
        }
    }
    if strict("grammar") { grammar(message, header, result.is_none_or(|code| code / 1000 == 2)) } else { Ok(()) }
}

/// What holds for every request of the peer. RFC 6733 sections 3, 6.1.
fn sound_request(expectation: &Expectation, message: &[u8], header: &Header) -> Result<(), String> {
    let strict = |what: &str| !expectation.lenient.iter().any(|word| word == what);
    if strict("header") && (header.flags.is_error() || header.flags.has_reserved()) {
        return Err(format!(
            "the request's command flags are {}: E and reserved bits are clear in requests",
            header.flags
        ));
    }
    if strict("grammar") { grammar(message, header, true) } else { Ok(()) }
}

/// Lengths, formats, and what the command's grammar asks for. An answer that refuses may lack what could not be built.
fn grammar(message: &[u8], header: &Header, whole: bool) -> Result<(), String> {
    let faults = check(message, interfaces::command_of(header), Strictness { unknown_mandatory: false });
    let failed = Key(FailedAvp::KEY);
    let matters = faults.iter().find(|fault| {
        // What is in Failed-AVP is wrong by nature.
        !fault.path.contains(&failed) && (whole || !matches!(fault.kind, FaultKind::Missing))
    });
    matters.map_or(Ok(()), |fault| Err(format!("it does not fit its grammar: {fault}")))
}

fn results(expectation: &Expectation, message: &[u8]) -> Result<(), String> {
    let result = find::<ResultCode>(body(message));
    let experimental = find::<ExperimentalResult>(body(message)).map(|result| result.experimental_result_code);
    let wanted = |value: &Option<Value>| value.as_ref().map(codes).transpose();
    let (first, second) = (wanted(&expectation.result)?, wanted(&expectation.experimental)?);
    let fits = |wanted: &Option<Vec<Codes>>, found: Option<u32>| {
        wanted.as_ref().is_some_and(|wanted| found.is_some_and(|code| wanted.iter().any(|one| one.holds(code))))
    };
    // With both given either will do.
    if first.is_none() && second.is_none() || fits(&first, result) || fits(&second, experimental) {
        return Ok(());
    }
    let mut words = String::new();
    if let Some(first) = &first {
        let _ = write!(words, "Result-Code {}", said(first));
    }
    if let Some(second) = &second {
        let or = if words.is_empty() { "" } else { " or " };
        let _ = write!(words, "{or}Experimental-Result-Code {}", said(second));
    }
    let came = match (result, experimental) {
        (Some(code), _) => format!("Result-Code {}", code_name(code)),
        (None, Some(code)) => format!("Experimental-Result-Code {code}"),
        (None, None) => "neither".to_owned(),
    };
    Err(format!("{words} was expected, {came} came{}", reason(message)))
}

/// The peer's own words, if it gives any.
fn reason(message: &[u8]) -> String {
    find::<dictionary::ErrorMessage>(body(message)).map_or_else(String::new, |words| {
        let mut escaped = String::new();
        text::write_escaped(words, &mut escaped);
        format!(" (\"{escaped}\")")
    })
}

fn failed(expectation: &Expectation, message: &[u8]) -> Result<(), String> {
    let paths: Vec<&str> = match &expectation.failed {
        None => return Ok(()),
        Some(Value::String(path)) => vec![path],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(_) => Vec::new(),
    };
    let walk = || body(message).map_while(Result::ok).filter(|avp| avp.key.0 == FailedAvp::KEY);
    let found: Vec<String> = walk().map(|avp| shape(avp.data, 0)).collect();
    if paths.is_empty() {
        return if found.is_empty() {
            Ok(())
        } else {
            Err(format!("Failed-AVP ({}) should not be there", found.join(", ")))
        };
    }
    if walk().any(|avp| paths.iter().any(|path| leads(avp.data, path))) {
        return Ok(());
    }
    let wanted = paths.join(" or ");
    if found.is_empty() {
        Err(format!("Failed-AVP with {wanted} was expected, there is none{}", reason(message)))
    } else {
        Err(format!("Failed-AVP with {wanted} was expected, it holds {}", found.join(", ")))
    }
}

/// The key at the start of octets that may be no whole AVP, as Failed-AVP holds them.
fn first_key(octets: &[u8]) -> Option<Key> {
    let code = u32::from_be_bytes(*octets.first_chunk()?);
    let vendor = match octets.get(4)? & 0x80 {
        0 => 0,
        _ => u32::from_be_bytes(octets.get(8..12)?.try_into().ok()?),
    };
    Some(Key::new(vendor, code))
}

fn leads(data: &[u8], path: &str) -> bool {
    let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some(wanted) = key_of(name) else { return false };
    let mut walk = Avps::new(data);
    loop {
        let octets = walk.rest();
        match walk.next() {
            Some(Ok(avp)) if avp.key == wanted => {
                if rest.is_none_or(|rest| leads(avp.data, rest)) {
                    return true;
                }
            }
            Some(Ok(_)) => {}
            Some(Err(_)) => return rest.is_none() && first_key(octets) == Some(wanted),
            None => return false,
        }
    }
}

fn shape(data: &[u8], depth: usize) -> String {
    let mut names = Vec::new();
    let mut walk = Avps::new(data);
    loop {
        let octets = walk.rest();
        match walk.next() {
            Some(Ok(avp)) => {
                let grouped =
                    dictionary::lookup(avp.key).is_some_and(|it| it.kind == crate::avp::format::Kind::Grouped);
                let inner = if grouped && depth < 4 && !avp.data.is_empty() {
                    shape(avp.data, depth + 1)
                } else {
                    String::new()
                };
                let name = crate::avp::fault::name_of(avp.key);
                names.push(if inner.is_empty() { name } else { format!("{name}/{inner}") });
            }
            Some(Err(_)) => {
                names.push(first_key(octets).map_or_else(|| "octets".to_owned(), crate::avp::fault::name_of));
                break;
            }
            None => break,
        }
    }
    if names.is_empty() { "nothing".to_owned() } else { names.join(" ") }
}

fn key_of(name: &str) -> Option<Key> {
    match name.split_once(':') {
        Some((vendor, code)) => Some(Key::new(vendor.parse().ok()?, code.parse().ok()?)),
        None => dictionary::by_name(name).map(|definition| definition.key),
    }
}

/// Every AVP that a path leads to.
fn all<'v>(avps: &'v Value, path: &str) -> Vec<&'v Value> {
    let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some(wanted) = key_of(name) else { return Vec::new() };
    let number = |avp: &Value, field: &str| avp.get(field).and_then(Value::as_u64);
    let is_it = |avp: &&Value| {
        number(avp, "code") == Some(u64::from(wanted.code()))
            && number(avp, "vendor") == Some(u64::from(wanted.vendor()))
    };
    let here = avps.as_array().into_iter().flatten().filter(is_it);
    match rest {
        None => here.collect(),
        Some(rest) => here.filter_map(|avp| avp.get("avps")).flat_map(|members| all(members, rest)).collect(),
    }
}

fn content(avp: &Value) -> &Value {
    ["value", "hex", "avps"].iter().find_map(|field| avp.get(*field)).unwrap_or(&Value::Null)
}

fn is_value(avp: &Value, wanted: &Value) -> bool {
    let found = content(avp);
    let same = |wanted: &Value| match (found, wanted) {
        (Value::String(found), Value::String(wanted)) => found.eq_ignore_ascii_case(wanted),
        (found, Value::String(name)) => avp.get("meaning").and_then(Value::as_str) == Some(name) || found == wanted,
        (found, wanted) => found == wanted,
    };
    let Value::Object(rules) = wanted else { return same(wanted) };
    rules.iter().all(|(rule, wanted)| match (rule.as_str(), found) {
        ("not", _) => !same(wanted),
        ("prefix", Value::String(found)) => wanted.as_str().is_some_and(|start| found.starts_with(start)),
        ("digits", Value::String(found)) => wanted.as_u64() == Some(found.len() as u64),
        ("min", found) => found.as_i64() >= wanted.as_i64() && found.is_number(),
        ("max", found) => found.as_i64() <= wanted.as_i64() && found.is_number(),
        _ => false,
    })
}

fn body(message: &[u8]) -> Avps<'_> {
    Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default())
}

/// A message in a few words, without what tells who a subscriber is.
#[must_use]
pub fn essence(message: &[u8]) -> String {
    let Some(header) = Header::parse(message) else { return format!("{} octets", message.len()) };
    let mut out = String::new();
    text::write_command_name(&header, &mut out);
    let _ = write!(out, " [{}]", header.flags);
    let mut said = String::new();
    text::write_essence(message, &Palette::default(), &mut said);
    if !said.trim().is_empty() {
        let _ = write!(out, " {}", said.trim());
    }
    out
}
