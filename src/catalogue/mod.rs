//! Dictionaries as values: our tables given away to other tools, theirs taken in, and one held against another.
//!
//! The tables of [`crate::avp::dictionary`] stay the one place for AVPs of our own. A [`Catalogue`] is a copy of them
//! ([`Catalogue::built_in`]), or what a file says: the dictionary of Wireshark ([`wireshark`]), that of freeDiameter's
//! `dict_json` ([`freediameter`]), or our own JSON ([`json`]). [`lint`] tells what is wrong in one, [`merge`] what two say
//! differently, and [`Catalogue::install`] lets the whole process read with what was learnt.

mod built_in;
pub mod freediameter;
pub mod freediameter_c;
pub mod json;
mod lint;
pub mod wireshark;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

pub use lint::{Finding, Known, Merged, Severity, lint, merge};

use crate::avp::Key;
use crate::avp::dictionary::overlay::{AlreadyInstalled, Overlay};
use crate::avp::dictionary::{Definition, Rule};
use crate::avp::format::Kind;

/// The most octets of a dictionary, with all files that it includes. Wireshark's has about one million.
pub const SIZE_LIMIT: usize = 16 << 20;

/// The most AVPs of a dictionary.
pub const AVP_LIMIT: usize = 50_000;

/// The most octets of a name.
const NAME_LIMIT: usize = 200;

/// A dictionary: what is known of vendors, applications, commands and AVPs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Vendors by their enterprise number.
    #[serde(default)]
    pub vendors: Vec<Vendor>,
    /// Applications.
    #[serde(default)]
    pub applications: Vec<Application>,
    /// Commands, requests and answers.
    #[serde(default)]
    pub commands: Vec<Command>,
    /// AVPs.
    #[serde(default)]
    pub avps: Vec<Entry>,
}

/// A vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// IANA's enterprise number.
    pub id: u32,
    /// Name.
    pub name: String,
}

/// An application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Application-Id.
    pub id: u32,
    /// Name.
    pub name: String,
}

/// A command; request and answer are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Command code.
    pub code: u32,
    /// Name without `-Request` and `-Answer`.
    pub name: String,
    /// The application it is meant for; none where any may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<u32>,
    /// Vendor of the application.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub vendor: u32,
    /// True when the P bit is set.
    #[serde(default, skip_serializing_if = "is_false")]
    pub proxiable: bool,
    /// Grammar of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request: Vec<Member>,
    /// Grammar of the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer: Vec<Member>,
}

/// An AVP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name as its specification prints it.
    pub name: String,
    /// AVP code.
    pub code: u32,
    /// Vendor-Id, 0 for the IETF.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub vendor: u32,
    /// Data format.
    #[serde(rename = "type", with = "json::kind")]
    pub kind: Kind,
    /// Rule of the M flag.
    #[serde(default = "json::rule::may", with = "json::rule")]
    pub mandatory: Rule,
    /// Named values, or named bits when `bits` is set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
    /// True when the values are bits of a mask.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bits: bool,
    /// Members of a Grouped AVP, where they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// Where it is defined.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub defined_in: String,
}

/// A named value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// Name.
    pub name: String,
    /// Number.
    pub value: i64,
}

/// One row of a grammar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Name of the AVP.
    pub avp: String,
    /// Its vendor.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub vendor: u32,
    /// The least number of times it stands there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub least: u32,
    /// The most; none for no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u32>,
    /// True when the AVP stands first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub first: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(word: &bool) -> bool {
    !*word
}

/// Why a text is no dictionary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Neither XML nor JSON.
    #[error("neither the XML of Wireshark (`<...>`) nor the JSON of freeDiameter or proselink (`{{...}}`)")]
    NoFormat,
    /// More octets than are read.
    #[error("more than {SIZE_LIMIT} octets with all files that it includes")]
    TooLong,
    /// More AVPs than are read.
    #[error("more than {AVP_LIMIT} AVPs")]
    TooMany,
    /// The XML or JSON is malformed.
    #[error("{file}: line {line}: {what}")]
    Syntax {
        /// The file, as it is included; the outermost has no name here.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A word or number that means nothing there.
    #[error("{at}: {what}")]
    Content {
        /// The element.
        at: String,
        /// What is wrong, and what was expected.
        what: String,
    },
    /// A file that is included could not be had.
    #[error("&{entity};: {file}: {what}")]
    Include {
        /// The entity.
        entity: String,
        /// The file.
        file: String,
        /// Why not.
        what: String,
    },
}

pub(crate) fn content(at: impl Into<String>, what: impl Into<String>) -> CatalogueError {
    CatalogueError::Content { at: at.into(), what: what.into() }
}

/// Gives the text of a file that a dictionary includes, or says why not. The name is a plain one, without any folder.
pub type Include<'i> = dyn FnMut(&str) -> Result<String, String> + 'i;

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Wireshark's `diameter/dictionary.xml`, or a file of those that it includes.
    Wireshark,
    /// JSON of freeDiameter's extension `dict_json`.
    FreeDiameter,
    /// Our own JSON.
    Proselink,
}

/// Reads a dictionary of any format that is read; the content tells which.
///
/// # Errors
/// What is wrong with it, and where; nothing is taken from a text with an error.
pub fn parse(text: &str, include: &mut Include<'_>) -> Result<(Format, Catalogue), CatalogueError> {
    if text.len() > SIZE_LIMIT {
        return Err(CatalogueError::TooLong);
    }
    let (format, catalogue) = match text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).chars().next() {
        Some('<') => (Format::Wireshark, wireshark::parse(text, include)?),
        Some('{') => json::parse_any(text)?,
        _ => return Err(CatalogueError::NoFormat),
    };
    if catalogue.avps.len() > AVP_LIMIT {
        return Err(CatalogueError::TooMany);
    }
    catalogue.check_names()?;
    Ok((format, catalogue))
}

impl Entry {
    /// Vendor and code.
    #[must_use]
    pub const fn key(&self) -> Key {
        Key::new(self.vendor, self.code)
    }
}

impl Catalogue {
    /// Names are shown on terminals and stand in lines: they are short, and hold no controls.
    fn check_names(&self) -> Result<(), CatalogueError> {
        let values = self.avps.iter().flat_map(|avp| &avp.values).map(|value| ("value", &value.name));
        let members = self.avps.iter().flat_map(|avp| &avp.members);
        let members = members.chain(self.commands.iter().flat_map(|it| it.request.iter().chain(&it.answer)));
        let names = (self.vendors.iter().map(|it| ("vendor", &it.name)))
            .chain(self.applications.iter().map(|it| ("application", &it.name)))
            .chain(self.commands.iter().map(|it| ("command", &it.name)))
            .chain(self.avps.iter().map(|it| ("avp", &it.name)))
            .chain(self.avps.iter().filter(|it| !it.defined_in.is_empty()).map(|it| ("defined_in", &it.defined_in)))
            .chain(members.map(|it| ("member", &it.avp)))
            .chain(values);
        for (what, name) in names {
            if name.is_empty() || name.len() > NAME_LIMIT || name.chars().any(char::is_control) {
                let shown = name.escape_debug().take(40).collect::<String>();
                return Err(content(
                    format!("{what} `{shown}`"),
                    format!("a name has 1 to {NAME_LIMIT} octets and no control characters"),
                ));
            }
        }
        Ok(())
    }

    /// Lets the whole process read with what this catalogue knows and the tables do not. What it takes of memory stays
    /// taken. Groups are read without their grammar, as those of other reference points are.
    ///
    /// # Errors
    /// When a catalogue was installed already.
    pub fn install(&self) -> Result<(), AlreadyInstalled> {
        let word = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let avps = self.avps.iter().map(|avp| -> &'static Definition {
            let values: Vec<_> = avp.values.iter().map(|value| (word(&value.name), value.value)).collect();
            Box::leak(Box::new(Definition {
                name: word(&avp.name),
                rust_name: "",
                key: avp.key(),
                kind: avp.kind,
                mandatory: avp.mandatory,
                clause: word(&avp.defined_in),
                values: values.leak(),
                bits: avp.bits,
                members: &[],
                open: true,
            }))
        });
        Overlay::new(
            avps,
            self.commands.iter().map(|command| (command.code, command.application, word(&command.name))),
            self.applications.iter().map(|application| (application.id, word(&application.name))),
            self.vendors.iter().map(|vendor| (vendor.id, word(&vendor.name))),
        )
        .install()
    }

    /// Leaves out what `other` has: AVPs by vendor and code, commands by code, applications and vendors by number.
    #[must_use]
    pub fn without(mut self, other: &Self) -> Self {
        let avps: HashSet<_> = other.avps.iter().map(Entry::key).collect();
        let commands: HashSet<_> = other.commands.iter().map(|command| command.code).collect();
        let applications: HashSet<_> = other.applications.iter().map(|application| application.id).collect();
        let vendors: HashSet<_> = other.vendors.iter().map(|vendor| vendor.id).collect();
        self.avps.retain(|avp| !avps.contains(&avp.key()));
        self.commands.retain(|command| !commands.contains(&command.code));
        self.applications.retain(|application| !applications.contains(&application.id));
        self.vendors.retain(|vendor| !vendors.contains(&vendor.id));
        self
    }

    /// The catalogue for tools that want a name to stand for one AVP of its vendor: a later one has its code behind it.
    #[must_use]
    pub fn with_distinct_names(mut self) -> Self {
        let mut names = HashSet::new();
        for avp in &mut self.avps {
            if !names.insert((avp.vendor, avp.name.clone())) {
                avp.name = format!("{}-{}", avp.name, avp.code);
            }
        }
        self
    }

    /// The commands as tools see them that know a command by its code alone: a code with several meanings is one, its
    /// name made of all of them, without application and grammar.
    #[must_use]
    pub fn commands_by_code(&self) -> Vec<Command> {
        let mut found: Vec<Command> = Vec::new();
        let mut places: std::collections::HashMap<u32, usize> = std::collections::HashMap::new();
        for command in &self.commands {
            match places.get(&command.code).and_then(|at| found.get_mut(*at)) {
                None => {
                    places.insert(command.code, found.len());
                    found.push(command.clone());
                }
                Some(first) => {
                    if !first.name.split('/').any(|name| name == command.name) {
                        first.name = format!("{}/{}", first.name, command.name);
                    }
                    first.application = None;
                    first.request.clear();
                    first.answer.clear();
                }
            }
        }
        // A name stands for one code: Reset of PC4a has two.
        let mut names = HashSet::new();
        for command in &mut found {
            if !names.insert(command.name.clone()) {
                command.name = format!("{}-{}", command.name, command.code);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
