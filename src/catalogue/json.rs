//! Our own JSON: everything a catalogue holds, one AVP a line.
//!
//! ```json
//! {"proselink_dictionary": 1,
//!  "vendors": [{"id":10415,"name":"3GPP"}],
//!  "avps": [{"name":"Monitor-Target","code":3607,"vendor":10415,"type":"Grouped","mandatory":"must-not",
//!            "members":[{"avp":"Target-RPAUID","vendor":10415,"least":1,"most":1}]}]}
//! ```

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value as Json;

use super::{Catalogue, CatalogueError, Format, freediameter};

/// The version that is written and read.
pub const VERSION: u64 = 1;

/// Reads our own JSON, or freeDiameter's.
pub(super) fn parse_any(text: &str) -> Result<(Format, Catalogue), CatalogueError> {
    let mut value: Json = serde_json::from_str(text).map_err(|error| CatalogueError::Syntax {
        file: "JSON".to_owned(),
        line: error.line(),
        what: error.to_string(),
    })?;
    let Some(version) = value.as_object_mut().and_then(|object| object.remove("proselink_dictionary")) else {
        return freediameter::from_json(&value).map(|catalogue| (Format::FreeDiameter, catalogue));
    };
    if version.as_u64() != Some(VERSION) {
        let what = format!("version {version}, but this program reads {VERSION}");
        return Err(super::content("proselink_dictionary", what));
    }
    let catalogue = serde_json::from_value(value).map_err(|error| super::content("JSON", error.to_string()))?;
    Ok((Format::Proselink, catalogue))
}

/// Writes our own JSON.
#[must_use]
pub fn write(catalogue: &Catalogue) -> String {
    let mut out = format!("{{\"proselink_dictionary\": {VERSION}");
    section("vendors", &catalogue.vendors, &mut out);
    section("applications", &catalogue.applications, &mut out);
    section("commands", &catalogue.commands, &mut out);
    section("avps", &catalogue.avps, &mut out);
    out.push_str("}\n");
    out
}

fn section<T: Serialize>(name: &str, rows: &[T], out: &mut String) {
    let _ = write!(out, ",\n\"{name}\": [");
    for (at, row) in rows.iter().enumerate() {
        out.push_str(if at == 0 { "\n  " } else { ",\n  " });
        // Structs of numbers and texts have no way to fail.
        out.push_str(&serde_json::to_string(row).unwrap_or_default());
    }
    out.push(']');
}

/// A format by its name.
pub(super) mod kind {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::avp::format::Kind;

    pub fn serialize<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(kind.name())
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Kind, D::Error> {
        let name = String::deserialize(from)?;
        Kind::named(&name).ok_or_else(|| {
            let all: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            D::Error::custom(format!("`{name}` is no format; expected one of {}", all.join(", ")))
        })
    }
}

/// The M flag's rule by its word.
pub(super) mod rule {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::avp::dictionary::Rule;

    pub const fn may() -> Rule {
        Rule::May
    }

    pub const fn word(rule: Rule) -> &'static str {
        match rule {
            Rule::Must => "must",
            Rule::May => "may",
            Rule::MustNot => "must-not",
        }
    }

    pub fn serialize<S: Serializer>(rule: &Rule, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(word(*rule))
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Rule, D::Error> {
        match String::deserialize(from)?.as_str() {
            "must" => Ok(Rule::Must),
            "may" => Ok(Rule::May),
            "must-not" => Ok(Rule::MustNot),
            other => Err(D::Error::custom(format!("`{other}`: expected must, may or must-not"))),
        }
    }
}

pub(super) use rule::word as rule_word;
