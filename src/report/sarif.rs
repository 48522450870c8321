//! A verdict as SARIF 2.1.0, the exchange format of static analysis (OASIS, 2020): a rule a check, a result a finding.
//!
//! A capture is binary: a place in it is no line. Where a finding is stands as a logical location, by frame and AVP, and
//! as properties.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::message::text::write_escaped;
use crate::verify::{CHECKS, Finding, Report, Severity};

/// Where the format is described; SARIF 2.1.0 section 3.13.3.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The verdict. `unread` are captures that could not be read, with the reason: notifications of the tool.
#[must_use]
pub fn document(report: &Report, unread: &[(String, String)]) -> Value {
    let rules: Vec<Value> = CHECKS
        .iter()
        .map(|check| {
            json!({
                "id": check.id,
                "shortDescription": { "text": check.title },
                "fullDescription": { "text": format!("{} ({})", check.title, check.clause) },
                "defaultConfiguration": { "level": level(check.severity) },
                "properties": { "tags": [check.area.name()], "clause": check.clause },
            })
        })
        .collect();
    let rule_index: HashMap<&str, usize> = CHECKS.iter().enumerate().map(|(at, check)| (check.id, at)).collect();
    let artifacts: Vec<Value> = report
        .captures
        .iter()
        .map(|capture| json!({ "location": { "uri": uri(&capture.name) }, "roles": ["analysisTarget"] }))
        .collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| result(report, finding, rule_index.get(finding.check.id).copied()))
        .collect();
    let notifications: Vec<Value> = unread
        .iter()
        .map(|(name, why)| {
            json!({
                "level": "error",
                "message": { "text": escaped(why) },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(name) } } }],
            })
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "invocations": [{
                "executionSuccessful": unread.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "artifacts": artifacts,
            "results": results,
            "properties": { "errors": report.errors, "notes": report.notes },
        }],
    })
}

fn result(report: &Report, finding: &Finding, rule: Option<usize>) -> Value {
    let name = report.capture_name(finding.capture);
    let mut at = if finding.frame > 0 { format!("frame {}", finding.frame) } else { "capture".to_owned() };
    if finding.index > 0 {
        let _ = write!(at, ", message {}", finding.index + 1);
    }
    if !finding.path.is_empty() {
        at.push_str(", ");
        at.push_str(&finding.path);
    }
    let mut location = Map::new();
    location.insert(
        "physicalLocation".to_owned(),
        json!({ "artifactLocation": { "uri": uri(name), "index": finding.capture } }),
    );
    location.insert("logicalLocations".to_owned(), json!([{ "fullyQualifiedName": escaped(&at), "kind": "message" }]));
    let mut out = Map::new();
    out.insert("ruleId".to_owned(), json!(finding.check.id));
    if let Some(rule) = rule {
        out.insert("ruleIndex".to_owned(), json!(rule));
    }
    out.insert("level".to_owned(), json!(level(finding.severity())));
    out.insert(
        "message".to_owned(),
        json!({ "text": escaped(&format!("{at}: {} [{}]", finding.text(), finding.clause)) }),
    );
    out.insert("locations".to_owned(), json!([location]));
    let print = format!("{}:{}:{}:{}", finding.check.id, finding.frame, finding.index, finding.path);
    out.insert("partialFingerprints".to_owned(), json!({ "place/v1": escaped(&print) }));
    out.insert(
        "properties".to_owned(),
        json!({
            "frame": finding.frame,
            "index": finding.index,
            "avp": escaped(&finding.path),
            "clause": finding.clause,
            "found": escaped(&finding.found),
            "expected": escaped(&finding.expected),
            "ue": finding.ue,
        }),
    );
    Value::Object(out)
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Note => "note",
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    write_escaped(text, &mut out);
    out
}

/// A path as a URI reference, RFC 3986 section 4.1.
fn uri(path: &str) -> String {
    let mut out = String::new();
    // A first segment with a colon would read as a scheme.
    if path.split('/').next().is_some_and(|first| first.contains(':')) {
        out.push_str("./");
    }
    for octet in path.bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(octet)),
            _ => {
                let _ = write!(out, "%{octet:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri_reference() {
        assert_eq!(uri("captures/a b#1.pcap"), "captures/a%20b%231.pcap");
        assert_eq!(uri("c:x.pcap"), "./c%3Ax.pcap");
    }
}
