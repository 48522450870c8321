//! What a capture holds, as a case tells it, and the comparison of the two.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::Path;

use super::folder::{Case, Faults, Finding, MESSAGES, Role, Side, Verdict, first_difference};
use crate::avp::{Fault, Key};
use crate::capture::{CapturedMessage, Reader};
use crate::cli::conversation::{Conversation, text_of};
use crate::cli::decode::{Found, write_json};
use crate::cli::diff::{self, Tally};
use crate::diff::Rules;
use crate::interfaces;
use crate::message::Header;
use crate::message::check::{Strictness, check};
use crate::message::text::Palette;
use crate::verify::{Report, verify};

/// What a capture holds.
#[derive(Debug)]
pub struct Held {
    /// What `decode --json` prints of it.
    pub messages: String,
    /// What `verify` says of it.
    pub report: Report,
    /// Messages of known commands whose typed decode fails.
    pub faults: Vec<Faults>,
    /// Who takes part.
    pub roles: Vec<Role>,
}

impl Held {
    /// Reads a capture; `name` is what its lines in JSON call it.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(path: &Path, name: &str) -> Result<Self, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("{name}: {error}");
        let mut reader = Reader::open(path).map_err(|error| wrong(&error))?;
        let (mut messages, mut faults, mut roles) = (String::new(), Vec::new(), Roles::default());
        while let Some(message) = reader.next_message().map_err(|error| wrong(&error))? {
            let Some(header) = Header::parse(message.bytes) else { continue };
            let found = Found {
                file: name,
                bytes: message.bytes,
                frame: message.frame,
                index: message.index,
                captured: Some(&message),
            };
            write_json(&found, &header, &mut messages);
            faults.extend(faults_of(&message, &header));
            roles.message(&message, &header);
        }
        let mut reader = Reader::open(path).map_err(|error| wrong(&error))?;
        let report = verify(&mut reader).map_err(|error| wrong(&error))?;
        Ok(Self { messages, report, faults, roles: roles.finish() })
    }

    /// The verdict as a case says it.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        if self.report.is_good() { Verdict::Good } else { Verdict::NotGood }
    }

    /// The findings as a case says them.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let findings = self.report.findings.iter();
        findings
            .map(|finding| Finding {
                id: finding.check.id.to_owned(),
                frame: finding.frame,
                index: finding.index.into(),
                requirement: finding.clause.to_string(),
                avp: finding.path.clone(),
            })
            .collect()
    }
}

/// The faults of a known command that a receiver refuses. Error answers follow no command's grammar.
fn faults_of(message: &CapturedMessage<'_>, header: &Header) -> Option<Faults> {
    let command = interfaces::command_of(header).filter(|_| !header.flags.is_error())?;
    let faults = check(message.bytes, Some(command), Strictness { unknown_mandatory: true });
    if faults.is_empty() {
        return None;
    }
    let result_codes = faults.iter().map(Fault::result_code).collect();
    Some(Faults { frame: message.frame, index: message.index.into(), result_codes })
}

/// Who takes part in a conversation, as its messages come.
#[derive(Default)]
struct Roles {
    /// By association: who began.
    began: BTreeMap<u32, String>,
    /// By the name of a node, in the order met.
    order: Vec<String>,
    by_name: BTreeMap<String, (Role, Vec<u32>)>,
    /// What the node of an address called itself.
    names: BTreeMap<(u32, std::net::SocketAddr), String>,
}

const ORIGIN_HOST: Key = Key::new(0, 264);
const ORIGIN_REALM: Key = Key::new(0, 296);
/// Nodes that are told apart; captures of load generators may have more.
const ROLE_LIMIT: usize = 256;

impl Roles {
    fn message(&mut self, message: &CapturedMessage<'_>, header: &Header) {
        // An agent passes on what others call themselves: only the base protocol's own messages name the neighbour.
        let place = (message.association, message.source);
        let own = header.application == 0 && matches!(header.code, 257 | 280 | 282);
        let said = text_of(message.bytes, ORIGIN_HOST);
        let name = match (self.names.get(&place), said) {
            (Some(name), _) if !own => name.clone(),
            (_, Some(said)) => said,
            (known, None) => known.cloned().unwrap_or_else(|| message.source.to_string()),
        };
        self.names.insert(place, name.clone());
        let begins = header.is_request() && (header.code == 257 || !self.began.contains_key(&message.association));
        if begins && (header.code == 257 || !self.began.contains_key(&message.association)) {
            self.began.entry(message.association).or_insert_with(|| name.clone());
        }
        if !self.by_name.contains_key(&name) {
            if self.order.len() >= ROLE_LIMIT {
                return;
            }
            self.order.push(name.clone());
        }
        let (role, associations) = self.by_name.entry(name.clone()).or_insert_with(|| {
            let realm = text_of(message.bytes, ORIGIN_REALM).unwrap_or_default();
            (Role { host: name, realm, side: Side::Client, requests: 0, answers: 0 }, Vec::new())
        });
        if header.is_request() {
            role.requests += 1;
        } else {
            role.answers += 1;
        }
        if !associations.contains(&message.association) && associations.len() < ROLE_LIMIT {
            associations.push(message.association);
        }
    }

    fn finish(mut self) -> Vec<Role> {
        let mut roles = Vec::new();
        for name in self.order {
            let Some((mut role, associations)) = self.by_name.remove(&name) else { continue };
            let began = |association: &u32| self.began.get(association).is_some_and(|first| *first == name);
            role.side = match (associations.iter().any(began), associations.iter().all(began)) {
                (_, true) => Side::Client,
                (true, false) => Side::Both,
                (false, false) => Side::Server,
            };
            roles.push(role);
        }
        roles
    }
}

/// How a case is held against a capture.
#[derive(Clone, Copy, Debug, Default)]
pub struct Strict {
    /// The golden file is compared letter by letter, not by meaning.
    pub exact: bool,
    /// The capture is another one than the case's: findings are compared without their frames, messages by rules for the
    /// same conversation held twice unless the case has its own.
    pub other: bool,
}

/// Compares what a case says with what a capture holds; complaints come in the order of the files, none when it holds.
pub fn judge(case: &Case, held: &Held, strict: Strict) -> Vec<String> {
    let mut complaints = Vec::new();
    match golden(case, held, strict) {
        Ok(None) => {}
        Ok(Some(complaint)) | Err(complaint) => complaints.push(complaint),
    }
    let about = &case.about;
    let (mut expected, mut found) = (about.findings.clone(), held.findings());
    if strict.other {
        for finding in expected.iter_mut().chain(&mut found) {
            (finding.frame, finding.index) = (0, 0);
        }
        let key = |finding: &Finding| (finding.id.clone(), finding.requirement.clone(), finding.avp.clone());
        expected.sort_by_key(key);
        found.sort_by_key(key);
    }
    if expected != found {
        let list = |findings: &[Finding]| findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n");
        let difference = first_difference(&list(&expected), &list(&found)).unwrap_or_default();
        let words: String = held.report.findings.iter().map(|finding| format!("  # {}\n", finding.text())).collect();
        let all = if found.is_empty() { "  nothing".to_owned() } else { list(&found) };
        complaints.push(format!("verify finds otherwise, {difference}\n  all it finds:\n{all}\n{words}"));
    }
    if held.verdict() != about.verdict {
        complaints.push(format!("verify says {}, expected {}", held.verdict().name(), about.verdict.name()));
    }
    if !strict.other && held.faults != about.faults {
        complaints
            .push(format!("receivers find other faults\n  expected {:?}\n  found    {:?}", about.faults, held.faults));
    }
    if !strict.other && !about.roles.is_empty() && about.roles != held.roles {
        let list = |roles: &[Role]| roles.iter().map(|role| format!("{role:?}")).collect::<Vec<_>>().join("\n");
        let difference = first_difference(&list(&about.roles), &list(&held.roles)).unwrap_or_default();
        complaints.push(format!("others take part, {difference}"));
    }
    complaints
}

/// Messages shown of a golden file that differs.
const SHOWN: usize = 8;

fn golden(case: &Case, held: &Held, strict: Strict) -> Result<Option<String>, String> {
    let kept = fs::read_to_string(case.folder.join(MESSAGES)).map_err(|error| format!("{MESSAGES}: {error}"))?;
    if kept == held.messages {
        return Ok(None);
    }
    if strict.exact {
        return Ok(first_difference(&kept, &held.messages)
            .map(|difference| format!("{MESSAGES} differs from a fresh decode, {difference}")));
    }
    let read = |name: &str, text: &str| {
        if text.trim().is_empty() { Ok(Conversation::default()) } else { Conversation::of_json(name, text, None) }
    };
    let (expected, actual) = (read(MESSAGES, &kept)?, read("capture", &held.messages)?);
    let rules = match &case.about.rules {
        Some(rules) => rules.clone(),
        None if strict.other => Rules::renewed(),
        None => Rules::default(),
    };
    let (mut tally, mut patch, mut shown) = (Tally::default(), String::new(), 0);
    let compared = diff::compare(&expected, &actual, &rules, |found| {
        tally.count(&found);
        let before = patch.len();
        if shown < SHOWN {
            diff::write_found(&found, &Palette::default(), &mut patch);
            shown += usize::from(patch.len() > before);
        }
        Ok::<(), Infallible>(())
    });
    match compared {
        Ok(()) => {}
        Err(never) => match never {},
    }
    if tally.is_same() {
        return Ok(None);
    }
    let told = tally.differing + tally.missing + tally.added;
    let more =
        if told > shown as u64 { format!("... and {} messages more\n", told - shown as u64) } else { String::new() };
    Ok(Some(format!("the messages differ from {MESSAGES}: {tally}\n{patch}{more}")))
}
