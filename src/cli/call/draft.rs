//! Requests from a file: JSON as `decode --json` prints it (one object, an array, or one after another), or the same in
//! YAML. What the user leaves out and every request has is filled in.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::place::locate;
use crate::avp::dictionary::{
    AuthApplicationId, AuthSessionState, DestinationHost, DestinationRealm, Drmp, OriginHost, OriginRealm, SessionId,
    VendorSpecificApplicationId, write_avp,
};
use crate::avp::{Avps, Key};
use crate::interfaces::{self, INTERFACES, names};
use crate::message::declare::finish_message;
use crate::message::json::{self, JsonError};
use crate::message::{CommandFlags, HEADER_LENGTH, Header};
use crate::peer::{Capabilities, Local};

/// The most octets of a file with requests.
const LIMIT: u64 = 64 << 20;

/// One object of a file, not understood yet.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it says.
    pub value: Value,
    /// The file, as messages say it.
    file: String,
    /// The text it was read from; what `value` is of it; how many lines are before.
    text: Arc<str>,
    path: String,
    before: usize,
}

/// A request that is whole but for what every request has.
#[derive(Clone, Debug)]
pub struct Draft {
    bytes: Vec<u8>,
    header: Header,
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// What is wrong, with file, line and column.
pub fn read(path: &Path) -> Result<Vec<Document>, String> {
    let name = path.display().to_string();
    let mut text = String::new();
    let read = if name == "-" {
        io::stdin().take(LIMIT + 1).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_string(&mut text))
    };
    read.map_err(|error| format!("{name}: {error}"))?;
    if text.len() as u64 > LIMIT {
        return Err(format!("{name}: more than {LIMIT} octets"));
    }
    parse(&name, &text)
}

/// Reads the documents of a text.
///
/// # Errors
/// As [`read`].
pub fn parse(file: &str, text: &str) -> Result<Vec<Document>, String> {
    let is_json = text.trim_start().starts_with(['{', '[']);
    let found = if is_json { json_documents(file, text)? } else { yaml_documents(file, text)? };
    let mut documents = Vec::new();
    for (value, text, before) in found {
        // Shared: an array of many requests is one text.
        let text: Arc<str> = text.into();
        let mut add = |value, path| {
            documents.push(Document { value, file: file.to_owned(), text: Arc::clone(&text), path, before });
        };
        match value {
            Value::Array(list) => list.into_iter().enumerate().for_each(|(at, value)| add(value, format!("[{at}]."))),
            value => add(value, String::new()),
        }
    }
    if documents.is_empty() {
        return Err(format!("{file}: there is no request in it"));
    }
    Ok(documents)
}

type Found<'t> = (Value, &'t str, usize);

/// One value after another, as NDJSON has them, or a single one over many lines.
fn json_documents<'t>(file: &str, text: &'t str) -> Result<Vec<Found<'t>>, String> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut found = Vec::new();
    loop {
        let start = stream.byte_offset();
        match stream.next() {
            None => return Ok(found),
            Some(Ok(value)) => {
                let part = text.get(start..stream.byte_offset()).unwrap_or_default();
                let blank = part.len() - part.trim_start().len();
                let before = text.get(..start + blank).unwrap_or_default().matches('\n').count();
                found.push((value, part.trim_start(), before));
            }
            Some(Err(error)) => {
                let words = error.to_string();
                let what = words.split(" at line ").next().unwrap_or(&words);
                return Err(format!("{file}:{}:{}: no JSON: {what}", error.line(), error.column()));
            }
        }
    }
}

fn yaml_documents<'t>(file: &str, text: &'t str) -> Result<Vec<Found<'t>>, String> {
    let values: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| {
        let place = error.location().map(|at| format!(":{}:{}", at.line(), at.column())).unwrap_or_default();
        let words = error.without_snippet().to_string();
        let what = words.lines().next().unwrap_or_default();
        format!("{file}{place}: neither JSON nor YAML: {what}")
    })?;
    // Where each document begins, for places within it.
    let mut parts = Vec::new();
    let (mut begin, mut at, mut line, mut begin_line) = (0, 0, 0, 0);
    for each in text.split_inclusive('\n') {
        if each.starts_with("---") {
            parts.push((text.get(begin..at).unwrap_or_default(), begin_line));
            (begin, begin_line) = (at + each.len(), line + 1);
        }
        at += each.len();
        line += 1;
    }
    parts.push((text.get(begin..).unwrap_or_default(), begin_line));
    parts.retain(|(part, _)| part.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#')));
    let mut parts = parts.into_iter();
    Ok(values
        .into_iter()
        .filter(|value| !value.is_null())
        .map(|value| {
            let (part, before) = parts.next().unwrap_or_default();
            (value, part, before)
        })
        .collect())
}

impl Document {
    /// Understands it as a request.
    ///
    /// # Errors
    /// What is wrong, with file, line, column and the path within the request.
    pub fn draft(&self) -> Result<Draft, String> {
        self.draft_of(&self.value)
    }

    /// The message it is, request or answer, octet by octet.
    ///
    /// # Errors
    /// As [`Document::draft`].
    pub fn message(&self) -> Result<Vec<u8>, String> {
        message(&self.value).map_err(|error| self.placed(&error))
    }

    /// [`Document::draft`] of another value that was made of this one.
    ///
    /// # Errors
    /// As there; the place is that in the file.
    pub fn draft_of(&self, value: &Value) -> Result<Draft, String> {
        draft(value).map_err(|error| self.placed(&error))
    }

    fn placed(&self, error: &JsonError) -> String {
        let path = format!("{}{}", self.path, error.at);
        match locate(&self.text, &path) {
            // The first line of a later document may begin behind another one's end, where columns are not known.
            Some((line, column)) => format!("{}:{}:{column}: {error}", self.file, self.before + line),
            None => format!("{}: {error}", self.file),
        }
    }
}

fn draft(value: &Value) -> Result<Draft, JsonError> {
    let wrong = |at: &str, what: String| JsonError { at: at.to_owned(), what };
    let bytes = message(value)?;
    let header = Header::parse(&bytes).ok_or_else(|| wrong("message", "it has no header".to_owned()))?;
    if !header.is_request() {
        return Err(wrong("flags", "the R flag (128) is clear, and only a request is answered".to_owned()));
    }
    Ok(Draft { bytes, header })
}

fn message(value: &Value) -> Result<Vec<u8>, JsonError> {
    let wrong = |at: &str, what: String| JsonError { at: at.to_owned(), what };
    let mut value = value.clone();
    let named = match (value.get("application"), value.get("application_name")) {
        (Some(Value::String(name)), _) if !name.starts_with("0x") => Some(("application", name.clone())),
        (None, Some(Value::String(name))) => Some(("application_name", name.clone())),
        _ => None,
    };
    if let Some((at, name)) = named {
        let id = names::ids_of(&name).next();
        let id = id.ok_or_else(|| wrong(at, format!("no application is called {name:?}; write its number")))?;
        if let Value::Object(object) = &mut value {
            object.insert("application".to_owned(), id.into());
        }
    }
    if let Some(Value::String(name)) = value.get("command")
        && value.get("code").is_none()
        && find_command(name, value.get("application").and_then(Value::as_u64)).is_none()
    {
        let what = "is no command that is known; write `code`, `flags` and `application`, or for a known command of \
                    several applications its `application`";
        return Err(wrong("command", format!("{name:?} {what}")));
    }
    json::message_from_json(&value, &|name, application| find_command(name, application.map(u64::from)))
}

/// A command by its name, with or without `-Request`, or its abbreviation where the application is stated.
fn find_command(name: &str, application: Option<u64>) -> Option<(u32, u32, CommandFlags)> {
    let application = application.and_then(|id| u32::try_from(id).ok());
    let stem = name.strip_suffix("-Request").unwrap_or(name);
    for interface in INTERFACES.iter().filter(|it| application.is_none_or(|id| it.applications.contains(&id))) {
        let mut commands = interface.commands.iter();
        let found = commands.find(|command| {
            let exact = command.name == name;
            exact
                || command.request && (command.stem() == stem || application.is_some() && command.abbreviation == name)
        });
        if let (Some(command), Some(first)) = (found, interface.applications.first()) {
            return Some((application.unwrap_or(*first), command.code, command.flags()));
        }
    }
    let application = application?;
    let codes = names::codes_of(stem);
    let code = codes
        .into_iter()
        .find(|code| names::command_stem(application, *code).is_some_and(|known| known.eq_ignore_ascii_case(stem)))?;
    Some((application, code, CommandFlags(CommandFlags::REQUEST | CommandFlags::PROXIABLE)))
}

impl Draft {
    /// Its application.
    pub const fn application(&self) -> u32 {
        self.header.application
    }

    /// Its header, but for the identifiers.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The request as it stands in the file.
    pub fn as_is(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// The whole request: Session-Id, Origin-Host, Origin-Realm, Destination-Realm and Destination-Host put in where they
    /// are absent and the command has them.
    pub fn complete(&self, local: &Local, peer: &Capabilities, session: &str) -> Vec<u8> {
        let body = self.bytes.get(HEADER_LENGTH..).unwrap_or_default();
        let has = |key: u64| Avps::new(body).map_while(Result::ok).any(|avp| avp.key.0 == key);
        let grammar = interfaces::command_of(&self.header).map(|command| command.members);
        // A command without a grammar here is taken for one of an application if it may be routed.
        let wants = |key: u64| match grammar {
            Some(members) => members.iter().any(|member| member.key == Key(key)),
            None => self.header.flags.is_proxiable(),
        };
        let absent = |key: u64| wants(key) && !has(key);
        let mut front = Vec::new();
        if absent(SessionId::KEY) {
            write_avp::<SessionId>(&session, &mut front);
        }
        let mut origin = Vec::new();
        // Between neighbours the origin stands in every message.
        if absent(OriginHost::KEY) || grammar.is_none() && !has(OriginHost::KEY) {
            write_avp::<OriginHost>(&local.identity.as_str(), &mut origin);
        }
        if absent(OriginRealm::KEY) || grammar.is_none() && !has(OriginRealm::KEY) {
            write_avp::<OriginRealm>(&local.realm.as_str(), &mut origin);
        }
        if absent(DestinationRealm::KEY) {
            write_avp::<DestinationRealm>(&peer.realm.as_str(), &mut origin);
        }
        // A relay finds the host itself.
        if absent(DestinationHost::KEY) && !peer.is_relay() {
            write_avp::<DestinationHost>(&peer.identity.as_str(), &mut origin);
        }
        // Behind what stands before the origin in most grammars.
        let leading = [
            SessionId::KEY,
            VendorSpecificApplicationId::KEY,
            AuthApplicationId::KEY,
            AuthSessionState::KEY,
            Drmp::KEY,
        ];
        let mut walk = Avps::new(body);
        let mut rest = body;
        while let Some(Ok(avp)) = walk.next()
            && leading.contains(&avp.key.0)
        {
            rest = walk.rest();
        }
        let (head, tail) = body.split_at(body.len() - rest.len());
        let header = self.bytes.get(..HEADER_LENGTH).unwrap_or_default();
        let mut out = [header, &front, head, &origin, tail].concat();
        let version = out.first().copied();
        finish_message(0, &mut out);
        // A version that was asked for stays.
        if let (Some(first), Some(version)) = (out.first_mut(), version) {
            *first = version;
        }
        out
    }
}

/// Reads what a CER is to say: `avps` that replace ours, `remove` with names, and fields of the header.
///
/// # Errors
/// As [`read`].
pub fn read_cer(path: &Path) -> Result<Value, String> {
    let documents = read(path)?;
    let [document] = &documents[..] else {
        return Err(format!("{}: one CER is expected, {} are there", path.display(), documents.len()));
    };
    let none = Value::Array(Vec::new());
    let avps = document.value.get("avps").unwrap_or(&none);
    json::avps_from_json(avps, "avps").map_err(|error| match locate(&document.text, &error.at) {
        Some((line, column)) => format!("{}:{line}:{column}: {error}", path.display()),
        None => format!("{}: {error}", path.display()),
    })?;
    Ok(document.value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> Local {
        Local::new("a.example", "example", Vec::new())
    }

    fn peer() -> Capabilities {
        Capabilities { identity: "hss.example".to_owned(), realm: "home".to_owned(), ..Capabilities::default() }
    }

    fn codes(text: &str) -> Vec<u32> {
        let draft = parse("f", text).unwrap()[0].draft().unwrap();
        let whole = draft.complete(&local(), &peer(), "a;1;2");
        assert_eq!(Header::parse(&whole).unwrap().length as usize, whole.len());
        Avps::new(&whole[20..]).map(|avp| avp.unwrap().code()).collect()
    }

    #[test]
    fn what_every_request_has_is_filled_in() {
        let ulr = r#"{"command": "Update-Location", "avps": [{"name": "Auth-Session-State", "value": 1},
            {"name": "User-Name", "value": "001010000000001"}]}"#;
        assert_eq!(codes(ulr), [263, 277, 264, 296, 283, 293, 1]);
        assert_eq!(codes(r#"{"command": "ULR", "application": "S6a", "avps": []}"#), [263, 264, 296, 283, 293]);
        assert_eq!(codes(r#"{"command": "Device-Watchdog-Request"}"#), [264, 296]);
        assert_eq!(codes(r#"{"code": 9999, "flags": 192, "application": 77}"#), [263, 264, 296, 283, 293]);
        let given = "command: Credit-Control\napplication: Gx\navps:\n- {name: Session-Id, value: x;1}\n- {name: \
                     Destination-Realm, value: r}\n";
        assert_eq!(codes(given), [263, 264, 296, 293, 283]);
    }

    #[test]
    fn several_requests_in_one_file() {
        let one = r#"{"code": 280, "flags": 128, "application": 0}"#;
        for text in [format!("{one}\n{one}\n"), format!("[{one}, {one}]"), format!("{one}{one}")] {
            assert_eq!(parse("f", &text).unwrap().len(), 2, "{text}");
        }
        let yaml = "# two\n---\ncode: 280\nflags: 128\napplication: 0\n---\ncode: 280\nflags: 1\napplication: 0\n";
        let documents = parse("f.yaml", yaml).unwrap();
        assert!(documents[0].draft().is_ok());
        let error = documents[1].draft().unwrap_err();
        assert_eq!(error, "f.yaml:8:8: flags: the R flag (128) is clear, and only a request is answered");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let wrong = |text: &str| match parse("f", text) {
            Err(words) => words,
            Ok(documents) => documents.last().unwrap().draft().unwrap_err(),
        };
        for (text, words) in [
            ("", "f: there is no request in it"),
            ("{\"code\": 1,\n \"flags\" 2}", "f:2:10: no JSON: expected `:`"),
            ("{\"command\": \"Nonsense\"}", "f:1:13: command: \"Nonsense\" is no command that is known"),
            ("{\"command\": \"X\", \"application\": \"S6z\"}", "f:1:33: application: no application is called \"S6z\""),
            (
                "{\"command\":\"ULR\",\"application\":\"S6a\",\"avps\":[\n {\"name\": \"User-Name\",\n  \"value\": 1}]}",
                "f:3:12: avps[0].value: expected a text for User-Name",
            ),
            (
                "{\"code\":280,\"flags\":128,\"application\":0}\n{\"code\":280,\"flags\":128,\"application\":0,\n\"avps\":1}",
                "f:3:8: avps: expected an array of AVPs",
            ),
            ("command: [\n", "f:"),
        ] {
            let error = wrong(text);
            assert!(error.starts_with(words), "{error}\nshould begin\n{words}");
        }
    }
}
