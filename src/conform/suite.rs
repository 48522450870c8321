//! A suite as its file has it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::build::{self, Variables};
use crate::avp::dictionary;

/// The largest suite read, in octets.
const LIMIT: usize = 4 << 20;
/// The most cases of a suite, and steps of a case.
const MOST: usize = 5000;

/// Why a text is no suite.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {what}")]
pub struct SuiteError {
    /// The file as the caller named it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub what: String,
}

/// A suite.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// A short name for reports.
    pub suite: String,
    /// What it judges.
    pub title: String,
    /// What the peer must be given for it to be judged: configuration, subscribers.
    #[serde(default)]
    pub about: String,
    /// Values that `${NAME}` stands for unless the user says otherwise.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
    /// Whom we play.
    #[serde(default)]
    pub parties: BTreeMap<String, Party>,
    /// Messages that steps send, by name.
    #[serde(default)]
    pub messages: BTreeMap<String, Spanned<Value>>,
    /// Steps that several cases begin with, by name.
    #[serde(default)]
    pub sequences: BTreeMap<String, Vec<Spanned<Step>>>,
    /// The cases.
    #[serde(default, rename = "case")]
    pub cases: Vec<Spanned<Case>>,
    /// Where each line of the file begins.
    #[serde(skip)]
    lines: Vec<usize>,
}

/// Somebody we play: one connection at a time.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Origin-Host; that of the command line when absent.
    pub identity: Option<String>,
    /// Origin-Realm; that of the command line when absent.
    pub realm: Option<String>,
    /// What our CER or CEA advertises; the relay application when none are given.
    #[serde(default)]
    pub applications: Vec<Value>,
    /// The peer connects to us.
    #[serde(default)]
    pub listens: bool,
}

/// A case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Unique in its suite.
    pub name: String,
    /// A sentence of what the peer should do.
    pub title: String,
    /// What it rests on.
    pub clause: String,
    /// `must` or `should`.
    #[serde(default = "must")]
    pub level: String,
    /// The party of steps without `on`.
    #[serde(default = "tester")]
    pub on: String,
    /// The capabilities are exchanged before the first step of a party.
    #[serde(default = "yes")]
    pub open: bool,
    /// At the end each connection that is left must still answer a watchdog.
    #[serde(default = "yes")]
    pub alive: bool,
    /// Parameters without which the case cannot be played.
    #[serde(default)]
    pub needs: Vec<String>,
    /// When the case makes sense over some transports only: `tcp`, `tls`, `sctp`, `stream` for the first two, or a list.
    pub transport: Option<OneOrMore>,
    /// It waits for the peer's watchdog, and is played when that is asked for.
    #[serde(default)]
    pub slow: bool,
    /// The peer's own watchdogs and disconnects are answered when no step waits for them.
    #[serde(default = "yes")]
    pub automatic: bool,
    /// Sequences played before the steps. What fails in them makes the case inconclusive.
    #[serde(default)]
    pub before: Vec<String>,
    /// What happens.
    #[serde(default)]
    pub steps: Vec<Spanned<Step>>,
}

/// One text or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

impl OneOrMore {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        };
        all.iter().map(String::as_str)
    }
}

/// One step. Of `send`, `answer`, `hex`, `again`, `expect`, `one_of`, `connect`, `close`, `abort`, `calm`, `only_if` and
/// `back` exactly one stands in it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The party.
    pub on: Option<String>,
    /// Sends this message.
    pub send: Option<String>,
    /// Answers the last request taken, with this message.
    pub answer: Option<String>,
    /// Sends these octets.
    pub hex: Option<String>,
    /// Sends the octets sent last once more.
    #[serde(default)]
    pub again: bool,
    /// Waits for this.
    pub expect: Option<Expectation>,
    /// Waits for any of these.
    pub one_of: Option<Vec<Expectation>>,
    /// Opens a connection, capabilities exchanged if the case is `open`.
    #[serde(default)]
    pub connect: bool,
    /// Closes the connection in order.
    #[serde(default)]
    pub close: bool,
    /// Aborts the connection.
    #[serde(default)]
    pub abort: bool,
    /// The case goes on when this holds, and is not run otherwise; as `when` compares.
    pub only_if: Option<[String; 3]>,
    /// Waits until no watchdog of the peer's has come for so many seconds, answering those that come: a peer that has lost
    /// us before asks several times at the beginning, RFC 3539 section 3.4.1, REOPEN. Reckoned as `within`.
    pub calm: Option<Value>,
    /// Plays so many steps before this one again, until `until` seconds of the case's own steps have passed.
    pub back: Option<usize>,
    /// See `back`; reckoned as `within`.
    pub until: Option<Value>,
    /// When it does not come true the case shows nothing.
    #[serde(default)]
    pub precondition: bool,
    /// Left out when the connection is gone.
    #[serde(default)]
    pub if_up: bool,
    /// Left out unless it holds: `[text, "<" or ">" or "=" or "!=", text]`, as host names are compared.
    pub when: Option<[String; 3]>,
    /// Seconds to wait, in place of those of the command line: a number, or sums and products such as `"2 * ${tw} + 4"`.
    pub within: Option<Value>,
    /// A name for the request sent, for `to` of a later expectation.
    pub label: Option<String>,
    /// SCTP stream to send on.
    #[serde(default)]
    pub stream: u16,
    /// SCTP payload protocol identifier to send with; that of Diameter when absent.
    pub ppid: Option<u32>,
    /// Change of the message: AVPs left out, by name or path.
    #[serde(default)]
    pub remove: Vec<String>,
    /// AVPs put where the AVP of the same name stands, or behind the last.
    #[serde(default)]
    pub replace: Vec<Value>,
    /// AVPs put behind the last.
    #[serde(default)]
    pub add: Vec<Value>,
    /// AVPs put before the first.
    #[serde(default)]
    pub first: Vec<Value>,
    /// Fields of the header.
    #[serde(default)]
    pub header: BTreeMap<String, Value>,
    /// Damage to the octets.
    #[serde(default)]
    pub octets: Vec<Edit>,
}

/// Damage to the octets of a message, done in the order it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The first AVP of this name, from whose first octet `at` counts; from the message's otherwise.
    pub avp: Option<String>,
    /// Where `hex` is written over what stands there.
    pub at: Option<usize>,
    /// The octets written at `at`.
    pub hex: Option<String>,
    /// Octets put behind the last.
    pub append: Option<String>,
    /// How many octets are cut off at the end.
    pub cut: Option<usize>,
    /// Message Length becomes what there is plus this.
    pub length: Option<i64>,
}

/// What should come: by default the answer to the request sent last.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The party, where it is not that of the step.
    pub on: Option<String>,
    /// The label of the request whose answer is meant.
    pub to: Option<String>,
    /// A request of this name.
    pub request: Option<String>,
    /// The end of the connection.
    #[serde(default)]
    pub closed: bool,
    /// Nothing, for as long as silence takes.
    #[serde(default)]
    pub silence: bool,
    /// Result-Code: a number, a list, or a class as `"2xxx"`.
    pub result: Option<Value>,
    /// Experimental-Result-Code, likewise.
    pub experimental: Option<Value>,
    /// AVPs that Failed-AVP holds: a path, or a list of which one is enough; `false` for no Failed-AVP.
    pub failed: Option<Value>,
    /// Command flags that are set, and with `-` before them that are clear: `"E"`, `"-P"`.
    pub flags: Option<String>,
    /// Paths of AVPs that are there.
    #[serde(default)]
    pub has: Vec<String>,
    /// Paths of AVPs that are not.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// Values by path; `{ not = }`, `{ prefix = }`, `{ min =, max = }` or `{ digits = }` in place of a value.
    #[serde(default)]
    pub values: BTreeMap<String, Value>,
    /// Variables taken from paths.
    #[serde(default)]
    pub capture: BTreeMap<String, String>,
    /// What is not judged of the answer: `header`, `P`, `E`, `session`, `origin`, `result`, `grammar`.
    #[serde(default)]
    pub lenient: Vec<String>,
    /// The SCTP payload protocol identifier it comes with.
    pub ppid: Option<u32>,
    /// The clause, where it is not that of the case.
    pub clause: Option<String>,
    /// The case is over when this came.
    #[serde(default)]
    pub ends: bool,
}

fn must() -> String {
    "must".to_owned()
}

fn tester() -> String {
    "tester".to_owned()
}

const fn yes() -> bool {
    true
}

/// What may stand in `transport`.
const TRANSPORTS: [&str; 4] = ["tcp", "tls", "sctp", "stream"];

/// What may stand in `lenient`.
pub(super) const LENIENT: [&str; 7] = ["header", "P", "E", "session", "origin", "result", "grammar"];

impl Suite {
    /// Reads a suite; `file` is how errors name it.
    ///
    /// # Errors
    /// The first thing that is wrong, with line and column.
    pub fn parse(file: &str, text: &str) -> Result<Self, SuiteError> {
        let lines: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let error = |at: usize, what: String| {
            let line = lines.partition_point(|start| *start <= at).max(1);
            let start = lines.get(line - 1).copied().unwrap_or_default();
            let column = text.get(start..at).map_or(1, |before| before.chars().count() + 1);
            SuiteError { file: file.to_owned(), line, column, what }
        };
        if text.len() > LIMIT {
            return Err(error(0, format!("{} octets are more than the {LIMIT} that a suite may have", text.len())));
        }
        let mut suite: Self = toml::from_str(text).map_err(|wrong| {
            let at = wrong.span().map_or(0, |span| span.start);
            error(at, wrong.message().trim().to_owned())
        })?;
        suite.begin_cases().map_err(|(at, what)| error(at, what))?;
        suite.judge().map_err(|(at, what)| error(at, what))?;
        suite.lines = lines;
        Ok(suite)
    }

    /// The line, from 1, that an offset of the file stands in.
    #[must_use]
    pub fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).max(1)
    }

    /// The party of this name.
    #[must_use]
    pub fn party(&self, name: &str) -> Option<&Party> {
        self.parties.get(name)
    }

    /// Puts the sequences in front of the steps.
    fn begin_cases(&mut self) -> Result<(), (usize, String)> {
        self.parties.entry(tester()).or_default();
        for spanned in &mut self.cases {
            let at = spanned.span().start;
            let case = spanned.get_mut();
            let mut steps = Vec::new();
            for name in &case.before {
                let sequence = self.sequences.get(name);
                let unknown = || (at, format!("case `{}`: no sequence is called `{name}`", case.name));
                steps.extend(sequence.ok_or_else(unknown)?.iter().cloned().map(|mut step| {
                    step.get_mut().precondition = true;
                    step
                }));
            }
            steps.append(&mut case.steps);
            case.steps = steps;
        }
        Ok(())
    }

    fn judge(&self) -> Result<(), (usize, String)> {
        let known = Variables::new(self.parameters.clone());
        for (name, message) in &self.messages {
            let at = message.span().start;
            build::judge_template(message.get_ref()).map_err(|what| (at, format!("message `{name}`: {what}")))?;
        }
        let mut names = BTreeSet::new();
        if self.cases.len() > MOST {
            return Err((0, format!("more than {MOST} cases")));
        }
        for spanned in &self.cases {
            let case = spanned.get_ref();
            let at = spanned.span().start;
            let wrong = |what: String| (at, format!("case `{}`: {what}", case.name));
            if !names.insert(case.name.as_str()) {
                return Err(wrong("another case has the same name".to_owned()));
            }
            let plain = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
            if case.name.is_empty() || !case.name.bytes().all(plain) {
                return Err(wrong("a name has small letters, digits and hyphens".to_owned()));
            }
            if !["must", "should"].contains(&case.level.as_str()) {
                return Err(wrong(format!("level is `must` or `should`, not `{}`", case.level)));
            }
            let mut transports = case.transport.iter().flat_map(OneOrMore::iter);
            if let Some(unknown) = transports.find(|kind| !TRANSPORTS.contains(kind)) {
                return Err(wrong(format!(
                    "transport is one of {}, or a list, not `{unknown}`",
                    TRANSPORTS.join(", ")
                )));
            }
            if case.steps.is_empty() || case.steps.len() > MOST {
                return Err(wrong(format!("a case has between 1 and {MOST} steps")));
            }
            let mut variables = known.clone();
            let mut labels = BTreeSet::new();
            for (number, step) in case.steps.iter().enumerate() {
                let at = step.span().start;
                let wrong = |what: String| (at, format!("case `{}`, step {}: {what}", case.name, number + 1));
                self.judge_step(case, number, step.get_ref(), &mut variables, &mut labels).map_err(wrong)?;
            }
        }
        Ok(())
    }

    fn judge_step<'s>(
        &'s self,
        case: &'s Case,
        number: usize,
        step: &'s Step,
        variables: &mut Variables,
        labels: &mut BTreeSet<&'s str>,
    ) -> Result<(), String> {
        let verbs = [
            step.send.is_some(),
            step.answer.is_some(),
            step.hex.is_some(),
            step.again,
            step.expect.is_some(),
            step.one_of.is_some(),
            step.connect,
            step.close,
            step.abort,
            step.calm.is_some(),
            step.only_if.is_some(),
            step.back.is_some(),
        ];
        if verbs.iter().filter(|verb| **verb).count() != 1 {
            let verbs = "send, answer, hex, again, expect, one_of, connect, close, abort, calm, only_if and back";
            return Err(format!("exactly one of {verbs} is expected"));
        }
        let party = step.on.as_ref().unwrap_or(&case.on);
        let known_party = |name: &str| match self.parties.contains_key(name) {
            true => Ok(()),
            false => Err(format!("no party is called `{name}`")),
        };
        known_party(party)?;
        if let Some(name) = step.send.as_ref().or(step.answer.as_ref()) {
            let Some(template) = self.messages.get(name) else { return Err(format!("no message is called `{name}`")) };
            build::judge(template.get_ref(), step, variables)?;
        }
        if let Some(text) = &step.hex {
            build::octets(text)?;
        }
        for (word, condition) in [("when", &step.when), ("only_if", &step.only_if)] {
            if let Some([_, sign, _]) = condition
                && !["<", ">", "=", "!="].contains(&sign.as_str())
            {
                return Err(format!("`{word}` compares by <, >, = or !=, not by `{sign}`"));
            }
        }
        for (word, written) in [("within", &step.within), ("until", &step.until), ("calm", &step.calm)] {
            if let Some(written) = written {
                build::judge_seconds(written, variables).map_err(|what| format!("`{word}`: {what}"))?;
            }
        }
        if step.back.is_some() != step.until.is_some() {
            return Err("`back` and `until` go together".to_owned());
        }
        if let Some(back) = step.back {
            // Without a pause among them the steps would be played without end in no time.
            let again = number.checked_sub(back).and_then(|first| case.steps.get(first..number)).unwrap_or_default();
            let pauses = |step: &Spanned<Step>| step.get_ref().expectations().iter().any(|one| one.silence);
            if !again.iter().any(pauses) || again.iter().any(|step| step.get_ref().back.is_some()) {
                return Err("`back` goes back over steps of which one waits for silence, and none goes back".to_owned());
            }
        }
        if let Some(label) = &step.label {
            labels.insert(label);
        }
        for expectation in step.expectations() {
            if let Some(name) = &expectation.on {
                known_party(name)?;
            }
            if let Some(label) = expectation.to.as_ref().filter(|label| !labels.contains(label.as_str())) {
                return Err(format!("no request before has the label `{label}`"));
            }
            expectation.judge()?;
            for (name, path) in &expectation.capture {
                known_path(path)?;
                variables.promise(name);
            }
        }
        Ok(())
    }
}

impl Case {
    /// The parties that it needs.
    #[must_use]
    pub fn parties(&self) -> BTreeSet<&str> {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for step in self.steps.iter().map(Spanned::get_ref) {
            names.insert(step.on.as_ref().unwrap_or(&self.on));
            names.extend(step.expectations().iter().filter_map(|one| one.on.as_deref()));
        }
        names
    }

    /// Whether it makes sense over `tcp`, `tls` or `sctp`; otherwise over which it does.
    ///
    /// # Errors
    /// In words.
    pub fn suits(&self, transport: &str) -> Result<(), String> {
        let Some(wanted) = &self.transport else { return Ok(()) };
        let holds = |kind: &str| kind == transport || kind == "stream" && transport != "sctp";
        if wanted.iter().any(holds) {
            return Ok(());
        }
        let name = |kind: &str| if kind == "stream" { "TCP and TLS".to_owned() } else { kind.to_uppercase() };
        Err(format!("is for {}", wanted.iter().map(name).collect::<Vec<_>>().join(" and ")))
    }
}

impl Step {
    /// What it waits for; nothing for a step that acts.
    pub fn expectations(&self) -> &[Expectation] {
        match (&self.expect, &self.one_of) {
            (Some(one), _) => std::slice::from_ref(one),
            (None, Some(list)) => list,
            (None, None) => &[],
        }
    }
}

impl Expectation {
    /// It waits for a message.
    pub(super) const fn of_message(&self) -> bool {
        !self.closed && !self.silence
    }

    fn judge(&self) -> Result<(), String> {
        if self.closed && self.silence || self.request.is_some() && !self.of_message() {
            return Err("of `request`, `closed` and `silence` one at most is expected".to_owned());
        }
        for codes in [&self.result, &self.experimental].into_iter().flatten() {
            super::judge::codes(codes)?;
        }
        if let Some(word) = self.lenient.iter().find(|word| !LENIENT.contains(&word.as_str())) {
            return Err(format!("`lenient` knows {}, not `{word}`", LENIENT.join(", ")));
        }
        let failed = match &self.failed {
            None | Some(Value::Bool(false)) => Vec::new(),
            Some(Value::String(path)) => vec![path.as_str()],
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
                list.iter().filter_map(Value::as_str).collect()
            }
            Some(_) => return Err("`failed` is a path, a list of paths, or false".to_owned()),
        };
        let plain = self.has.iter().chain(&self.lacks).chain(self.values.keys()).map(String::as_str);
        plain.chain(failed).try_for_each(known_path)?;
        if let Some(flags) = &self.flags {
            super::judge::flags(flags)?;
        }
        Ok(())
    }
}

/// A path such as `Experimental-Result/Vendor-Id`; an AVP without a name is written `VENDOR:CODE`.
fn known_path(path: &str) -> Result<(), String> {
    for name in path.split('/') {
        let number = name
            .split_once(':')
            .is_some_and(|(vendor, code)| vendor.parse::<u32>().is_ok() && code.parse::<u32>().is_ok());
        if !number && dictionary::by_name(name).is_none() {
            return Err(format!("the dictionary has no `{name}`; an AVP without a name is written VENDOR:CODE"));
        }
    }
    Ok(())
}
