//! The keys of `[responder]`.
//!
//! ```toml
//! [responder]
//! applications = [16777251, "Gx", { id = 16777215, vendor = 999999 }]
//! result = "DIAMETER_SUCCESS"            # a name, a number, or { vendor = 10415, code = 5001 }
//! any_command = true                     # commands without a name are answered too, and not with 3001
//! delay = 0.02                           # seconds before an answer leaves
//! copy = ["User-Name", "999999:16777215"]  # AVPs an answer repeats: a name, or VENDOR:CODE
//! strict = true                          # requests that do not fit their grammar are refused
//!
//! [[responder.answer]]                   # otherwise for one command
//! command = "Update-Location"            # a name or a code
//! result = 5012
//! avps = [{ name = "Error-Message", value = "no" }]  # as `decode --json` prints them
//! ```

use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::avp::Key;
use crate::avp::dictionary::{self, Declared, ResultCode};
use crate::interfaces::names;
use crate::message::json;

/// What a responder is configured with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponderConfig {
    /// The applications it serves; `0xffffffff` for all.
    pub applications: Vec<ApplicationConfig>,
    /// The result of its answers. Default DIAMETER_SUCCESS.
    #[serde(default)]
    pub result: ResultConfig,
    /// Requests of commands that have no name are answered too; otherwise with 3001.
    #[serde(default)]
    pub any_command: bool,
    /// Requests are judged by their command's grammar, and refused with the code of their first fault. Otherwise only
    /// those whose AVPs cannot be told apart are.
    #[serde(default)]
    pub strict: bool,
    /// How long an answer is held back. In seconds.
    #[serde(default, deserialize_with = "seconds")]
    pub delay: Duration,
    /// AVPs of a request that its answer repeats, besides those every answer does.
    #[serde(default)]
    pub copy: Vec<AvpName>,
    /// What is otherwise for some commands; the first that fits counts.
    #[serde(default)]
    pub answer: Vec<AnswerConfig>,
}

impl ResponderConfig {
    /// Success to every request of these applications, whatever its command.
    #[must_use]
    pub fn new(applications: &[u32]) -> Self {
        Self {
            applications: applications.iter().map(|&id| ApplicationConfig { id, vendor: None }).collect(),
            result: ResultConfig::default(),
            any_command: true,
            strict: false,
            delay: Duration::ZERO,
            copy: Vec::new(),
            answer: Vec::new(),
        }
    }
}

/// How one command is answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerConfig {
    /// Which.
    pub command: CommandName,
    /// Of which application; of any when absent.
    #[serde(default)]
    pub application: Option<ApplicationConfig>,
    /// The result.
    #[serde(default)]
    pub result: Option<ResultConfig>,
    /// More AVPs of the answer, whole, one behind another. In the file an array as `decode --json` prints it.
    #[serde(default, deserialize_with = "avps")]
    pub avps: Vec<u8>,
    /// AVPs that are repeated.
    #[serde(default)]
    pub copy: Vec<AvpName>,
    /// How long the answer is held back. In seconds.
    #[serde(default, deserialize_with = "some_seconds")]
    pub delay: Option<Duration>,
}

/// An application: its number, its name, or `{ id, vendor }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplicationConfig {
    /// Application-Id.
    pub id: u32,
    /// Its vendor, where the tables do not know it.
    pub vendor: Option<u32>,
}

/// A command: its code, or the codes of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandName(Vec<u32>);

impl CommandName {
    /// True when it names the command of that code.
    #[must_use]
    pub fn is(&self, code: u32) -> bool {
        self.0.contains(&code)
    }
}

impl From<u32> for CommandName {
    fn from(code: u32) -> Self {
        Self(vec![code])
    }
}

/// An AVP by its name, or as `VENDOR:CODE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvpName(pub Key);

/// Result-Code or Experimental-Result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultConfig {
    /// Result-Code; 3xxx with the E bit.
    Result(u32),
    /// Experimental-Result.
    Experimental {
        /// Vendor-Id.
        vendor: u32,
        /// Experimental-Result-Code.
        code: u32,
    },
}

impl Default for ResultConfig {
    fn default() -> Self {
        Self::Result(ResultCode::DIAMETER_SUCCESS)
    }
}

/// A number, a text, or a small table; what most values here may be.
#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Number(u32),
    Text(String),
    Application {
        id: u32,
        #[serde(default)]
        vendor: Option<u32>,
    },
    Result {
        vendor: u32,
        code: u32,
    },
}

impl<'de> Deserialize<'de> for ApplicationConfig {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        match Word::deserialize(input) {
            Ok(Word::Number(id)) => Ok(Self { id, vendor: None }),
            Ok(Word::Application { id, vendor }) => Ok(Self { id, vendor }),
            Ok(Word::Text(name)) => names::ids_of(&name)
                .next()
                .map(|id| Self { id, vendor: None })
                .ok_or_else(|| D::Error::custom(format!("no application is called {name:?}; write its number"))),
            _ => Err(D::Error::custom(
                "expected an application: its number, its name such as \"S6a\", or { id = NUMBER, vendor = NUMBER }",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for ResultConfig {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        match Word::deserialize(input) {
            Ok(Word::Number(code)) => Ok(Self::Result(code)),
            Ok(Word::Result { vendor, code }) => Ok(Self::Experimental { vendor, code }),
            Ok(Word::Text(name)) => {
                let known = ResultCode::DEFINITION.values.iter().find(|(known, _)| *known == name);
                let code = known.and_then(|(_, code)| u32::try_from(*code).ok());
                code.map(Self::Result)
                    .ok_or_else(|| D::Error::custom(format!("no Result-Code is called {name:?}; write its number")))
            }
            _ => Err(D::Error::custom(
                "expected a result: a number, a name such as \"DIAMETER_SUCCESS\", or { vendor = NUMBER, code = NUMBER }",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for CommandName {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        match Word::deserialize(input) {
            Ok(Word::Number(code)) => Ok(Self(vec![code])),
            Ok(Word::Text(name)) => {
                let stem = name.strip_suffix("-Request").or_else(|| name.strip_suffix("-Answer")).unwrap_or(&name);
                let codes: Vec<u32> = names::codes_of(stem).collect();
                if codes.is_empty() {
                    return Err(D::Error::custom(format!("no command is called {name:?}; write its code")));
                }
                Ok(Self(codes))
            }
            _ => Err(D::Error::custom("expected a command: its code, or its name such as \"Update-Location\"")),
        }
    }
}

impl<'de> Deserialize<'de> for AvpName {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let number = || {
            let (vendor, code) = text.split_once(':')?;
            Some(Key::new(vendor.parse().ok()?, code.parse().ok()?))
        };
        let key = number().or_else(|| dictionary::by_name(&text).map(|definition| definition.key));
        key.map(Self).ok_or_else(|| {
            D::Error::custom(format!("{text:?} is no AVP: a name of the dictionary or VENDOR:CODE is expected"))
        })
    }
}

fn avps<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<u8>, D::Error> {
    let value = serde_json::Value::deserialize(input)?;
    json::avps_from_json(&value, "avps").map_err(D::Error::custom)
}

/// Seconds, with or without a fraction, up to an hour.
struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = Duration;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("0 to 3600 seconds")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Duration, E> {
        if (0.0..=3600.0).contains(&value) {
            return Ok(Duration::from_secs_f64(value));
        }
        Err(E::custom(format!("{value} is no time to wait: 0 to 3600 seconds are expected")))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Duration, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Duration, E> {
        self.visit_f64(value as f64)
    }
}

fn seconds<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    input.deserialize_any(Seconds)
}

fn some_seconds<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
    seconds(input).map(Some)
}
