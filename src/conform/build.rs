//! Messages of a suite: variables put in, AVPs changed, octets damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::suite::{Edit, Step};
use crate::avp::{Avps, Key, dictionary};
use crate::interfaces::INTERFACES;
use crate::message::header::HEADER_LENGTH;
use crate::message::{CommandDefinition, CommandFlags, json};

/// Names that the machine gives values to.
const OWN: [&str; 14] = [
    "identity",
    "identity_in_capitals",
    "realm",
    "address",
    "peer_host",
    "peer_realm",
    "session",
    "session2",
    "session3",
    "digits",
    "last_hop_by_hop",
    "last_end_to_end",
    "timeout",
    "silence",
];

/// How deep variables may stand in variables.
const DEPTH: usize = 4;

/// What `${NAME}` stands for.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    values: BTreeMap<String, Value>,
    /// Names that will have a value when the case runs.
    promised: BTreeSet<String>,
}

/// Why a text with variables has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unset {
    /// Nobody gives it a value.
    Unknown(String),
    /// A step before should have captured it.
    NotYet(String),
}

impl std::fmt::Display for Unset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(f, "nothing gives ${{{name}}} a value: neither a parameter nor a capture of a step before")
            }
            Self::NotYet(name) => write!(f, "${{{name}}} has no value yet"),
        }
    }
}

impl Variables {
    /// These, and those that the machine sets.
    #[must_use]
    pub fn new(values: BTreeMap<String, Value>) -> Self {
        Self { values, promised: OWN.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// Gives a variable a value.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// Its value, variables within not put in.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    pub(super) fn promise(&mut self, name: &str) {
        self.promised.insert(name.to_owned());
    }

    /// A text with its variables put in; a variable alone keeps its type.
    pub(super) fn text(&self, text: &str) -> Result<Value, Unset> {
        self.put_in(text, 0)
    }

    fn put_in(&self, text: &str, depth: usize) -> Result<Value, Unset> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, behind)) = after.split_once('}') else { break };
            let value = match self.values.get(name) {
                None if name.starts_with("octets:") => zeros(name)?,
                Some(Value::String(inner)) if inner.contains("${") && depth < DEPTH => self.put_in(inner, depth + 1)?,
                Some(value) => value.clone(),
                None if self.promised.contains(name) => return Err(Unset::NotYet(name.to_owned())),
                None => return Err(Unset::Unknown(name.to_owned())),
            };
            if before.is_empty() && behind.is_empty() && out.is_empty() {
                return Ok(value);
            }
            out.push_str(before);
            match value {
                Value::String(text) => out.push_str(&text),
                other => out.push_str(&other.to_string()),
            }
            rest = behind;
        }
        out.push_str(rest);
        Ok(Value::String(out))
    }

    /// A value with all variables within put in.
    pub(super) fn fill(&self, value: &Value) -> Result<Value, Unset> {
        Ok(match value {
            Value::String(text) if text.contains("${") => self.text(text)?,
            Value::Array(list) => Value::Array(list.iter().map(|one| self.fill(one)).collect::<Result<_, _>>()?),
            Value::Object(fields) => {
                let fill = |(name, one): (&String, &Value)| Ok((name.clone(), self.fill(one)?));
                Value::Object(fields.iter().map(fill).collect::<Result<_, Unset>>()?)
            }
            other => other.clone(),
        })
    }

    /// With values for all that the machine sets, to try a message before there is a connection.
    fn with_samples(&self) -> Self {
        let mut sampled = self.clone();
        for (name, value) in [
            ("identity", "a.example"),
            ("identity_in_capitals", "A.EXAMPLE"),
            ("realm", "example"),
            ("address", "127.0.0.1"),
            ("peer_host", "b.example"),
            ("peer_realm", "example"),
            ("session", "a.example;1;1"),
            ("session2", "a.example;1;2"),
            ("session3", "a.example;1;3"),
            ("digits", "0000000001"),
        ] {
            sampled.values.entry(name.to_owned()).or_insert_with(|| value.into());
        }
        for name in ["last_hop_by_hop", "last_end_to_end", "timeout", "silence"] {
            sampled.values.entry(name.to_owned()).or_insert_with(|| 1.into());
        }
        sampled
    }
}

/// The longest wait, in seconds.
const LONGEST: f64 = 3600.0;

/// Seconds as a suite writes them: a number, or a text with sums and products of numbers.
pub(super) fn seconds(written: &Value, variables: &Variables) -> Result<Duration, String> {
    let value = variables.fill(written).map_err(|unset| unset.to_string())?;
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let product = |text: &str| text.split('*').map(number).product::<Option<f64>>();
    let sum = match &value {
        Value::String(text) => text.split('+').map(product).sum::<Option<f64>>(),
        value => value.as_f64(),
    };
    match sum.filter(|seconds| (0.0..=LONGEST).contains(seconds)) {
        Some(seconds) => Ok(Duration::from_secs_f64(seconds)),
        None => Err(format!("seconds up to {LONGEST} are expected, a number or sums and products, not {value}")),
    }
}

/// Whether seconds can be reckoned; what depends on captures is not judged.
pub(super) fn judge_seconds(written: &Value, variables: &Variables) -> Result<(), String> {
    let variables = variables.with_samples();
    match variables.fill(written) {
        Err(Unset::NotYet(_)) => Ok(()),
        _ => seconds(written, &variables).map(drop),
    }
}

/// `octets:NUMBER` is so many zeros in hexadecimal.
fn zeros(name: &str) -> Result<Value, Unset> {
    let number = name.strip_prefix("octets:").and_then(|number| number.parse::<usize>().ok());
    match number.filter(|number| *number <= 1 << 20) {
        Some(number) => Ok(Value::String("00".repeat(number))),
        None => Err(Unset::Unknown(name.to_owned())),
    }
}

/// A command by the name its specification prints.
pub(super) fn command_named(name: &str) -> Option<(u32, &'static CommandDefinition)> {
    INTERFACES.iter().find_map(|interface| {
        let command = interface.commands.iter().find(|command| command.name == name)?;
        interface.applications.first().map(|application| (*application, *command))
    })
}

/// Octets from hexadecimal digits, blanks between them allowed.
pub(super) fn octets(text: &str) -> Result<Vec<u8>, String> {
    let digits: String = text.split_whitespace().collect();
    data_encoding::HEXLOWER_PERMISSIVE
        .decode(digits.as_bytes())
        .map_err(|_| format!("{text:?} is no hexadecimal, two digits an octet"))
}

/// What can be said of a template before it is used.
pub(super) fn judge_template(template: &Value) -> Result<(), String> {
    let Some(fields) = template.as_object() else { return Err("expected a table".to_owned()) };
    const FIELDS: [&str; 10] =
        ["command", "code", "flags", "application", "version", "avps", "rest", "hop_by_hop", "end_to_end", "name"];
    match fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        Some(name) => Err(format!("a message has no `{name}`; it has {}", FIELDS.join(", "))),
        None => Ok(()),
    }
}

/// Whether the message of a step can be made; what depends on captures is not judged.
pub(super) fn judge(template: &Value, step: &Step, variables: &Variables) -> Result<(), String> {
    let changed = change(template, step)?;
    for edit in &step.octets {
        for text in [&edit.hex, &edit.append].into_iter().flatten() {
            // Variables stand in octets too.
            if !text.contains("${") {
                octets(text)?;
            }
        }
        if edit.hex.is_some() != edit.at.is_some() {
            return Err("an edit of octets has `at` and `hex`, or neither".to_owned());
        }
        if let Some(name) = edit.avp.as_ref().filter(|name| dictionary::by_name(name).is_none()) {
            return Err(format!("the dictionary has no `{name}`"));
        }
    }
    match variables.with_samples().fill(&changed) {
        Ok(filled) => encode(&filled).map(drop),
        Err(Unset::NotYet(_)) => Ok(()),
        Err(unknown) => Err(unknown.to_string()),
    }
}

/// The message of a step, its identifiers still those of the template, its octets sound.
pub(super) fn build(template: &Value, step: &Step, variables: &Variables) -> Result<Vec<u8>, String> {
    let changed = change(template, step)?;
    let filled = variables.fill(&changed).map_err(|unset| unset.to_string())?;
    encode(&filled)
}

fn encode(message: &Value) -> Result<Vec<u8>, String> {
    let find = |name: &str, application: Option<u32>| -> Option<(u32, u32, CommandFlags)> {
        let (first, command) = command_named(name)?;
        Some((application.unwrap_or(first), command.code, command.flags()))
    };
    json::message_from_json(message, &find).map_err(|error| error.to_string())
}

fn key(avp: &Value) -> Option<Key> {
    let number = |name: &str| avp.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    match (number("code"), avp.get("name").and_then(Value::as_str)) {
        (Some(code), _) => Some(Key::new(number("vendor").unwrap_or(0), code)),
        (None, Some(name)) => dictionary::by_name(name).map(|definition| definition.key),
        (None, None) => None,
    }
}

/// The template with the changes that the step makes to its AVPs and header.
fn change(template: &Value, step: &Step) -> Result<Value, String> {
    let mut message = template.clone();
    let Some(fields) = message.as_object_mut() else { return Err("the message is no table".to_owned()) };
    for (name, value) in &step.header {
        if !["version", "flags", "code", "application", "hop_by_hop", "end_to_end"].contains(&name.as_str()) {
            return Err(format!("a header has no `{name}`"));
        }
        fields.insert(name.clone(), value.clone());
    }
    let avps = fields.entry("avps").or_insert_with(|| Value::Array(Vec::new()));
    let Some(avps) = avps.as_array_mut() else { return Err("`avps` is no array".to_owned()) };
    for path in &step.remove {
        if !remove(avps, path) {
            return Err(format!("remove: there is no `{path}` in the message"));
        }
    }
    for avp in &step.replace {
        let wanted = key(avp).ok_or_else(|| format!("replace: {avp} names no AVP"))?;
        match avps.iter_mut().find(|one| key(one) == Some(wanted)) {
            Some(place) => *place = avp.clone(),
            None => avps.push(avp.clone()),
        }
    }
    avps.extend(step.add.iter().cloned());
    avps.splice(0..0, step.first.iter().cloned());
    Ok(message)
}

/// Takes out every AVP of a path; false when there is none.
fn remove(avps: &mut Vec<Value>, path: &str) -> bool {
    let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some(wanted) = dictionary::by_name(name).map(|definition| definition.key) else { return false };
    let Some(rest) = rest else {
        let before = avps.len();
        avps.retain(|avp| key(avp) != Some(wanted));
        return avps.len() < before;
    };
    let mut removed = false;
    for avp in avps.iter_mut().filter(|avp| key(avp) == Some(wanted)) {
        if let Some(members) = avp.get_mut("avps").and_then(Value::as_array_mut) {
            removed |= remove(members, rest);
        }
    }
    removed
}

/// Damages a message.
pub(super) fn damage(message: &mut Vec<u8>, edits: &[Edit], variables: &Variables) -> Result<(), String> {
    let read = |text: &str| -> Result<Vec<u8>, String> {
        match variables.text(text).map_err(|unset| unset.to_string())? {
            Value::String(text) => octets(&text),
            other => octets(&other.to_string()),
        }
    };
    for edit in edits {
        let start = match &edit.avp {
            None => 0,
            Some(name) => place(message, name).ok_or_else(|| format!("octets: there is no `{name}` in the message"))?,
        };
        if let (Some(at), Some(hex)) = (edit.at, &edit.hex) {
            let new = read(hex)?;
            let from = start.saturating_add(at);
            let place = message.get_mut(from..from.saturating_add(new.len()));
            place
                .ok_or_else(|| format!("octets: {from} and what follows are not in the message"))?
                .copy_from_slice(&new);
        }
        if let Some(more) = &edit.append {
            message.extend_from_slice(&read(more)?);
        }
        if let Some(cut) = edit.cut {
            message.truncate(message.len().saturating_sub(cut));
        }
        if let Some(plus) = edit.length {
            let length = i64::try_from(message.len()).unwrap_or(i64::MAX).saturating_add(plus);
            let length = u32::try_from(length).ok().filter(|length| *length <= 0xff_ffff);
            let length = length.ok_or("octets: this length does not fit 24 bits")?;
            if let (Some(field), [_, bytes @ ..]) = (message.get_mut(1..4), length.to_be_bytes()) {
                field.copy_from_slice(&bytes);
            }
        }
    }
    Ok(())
}

/// Where the first AVP of a name begins.
fn place(message: &[u8], name: &str) -> Option<usize> {
    let wanted = dictionary::by_name(name)?.key;
    let mut walk = Avps::new(message.get(HEADER_LENGTH..)?);
    loop {
        let at = message.len() - walk.rest().len();
        if walk.next()?.ok()?.key == wanted {
            return Some(at);
        }
    }
}
