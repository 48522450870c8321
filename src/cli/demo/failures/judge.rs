//! What the capture tells of a row, held against what the row expects.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::describe::{Described, describe};
use super::super::ladder::{Ladder, PARTIES};
use super::super::network::{self, party_at};
use super::super::say;
use super::Played;
use crate::avp::dictionary::{Declared, ExperimentalResult, FailedAvp, RefusalCause, ResultCode};
use crate::avp::{Avps, fault::name_of};
use crate::capture::{CaptureError, Reader};
use crate::message::{HEADER_LENGTH, Header, find};
use crate::verify::Finding;

/// A message of an application, as the capture has it.
#[derive(Debug)]
pub struct Told {
    frame: u64,
    /// In nanoseconds.
    at: i64,
    from: usize,
    to: usize,
    described: Described,
    /// `mme > ue: 6 5003 NOT_SUBSCRIBED`.
    text: String,
}

/// Reads the messages of a capture; those of the base protocol are left out.
///
/// # Errors
/// What the reader says of the file.
pub fn read(path: &Path) -> Result<Vec<Told>, CaptureError> {
    let mut reader = Reader::open(path)?;
    let mut told = Vec::new();
    while let Some(message) = reader.next_message()? {
        let Some(header) = Header::parse(message.bytes).filter(|header| header.application != 0) else { continue };
        let (Some(from), Some(to), Some(described)) =
            (party_at(message.source.ip()), party_at(message.destination.ip()), describe(message.bytes))
        else {
            continue;
        };
        let text =
            format!("{} > {}: {}", network::name(from), network::name(to), words(&header, message.bytes, &described));
        told.push(Told { frame: message.frame, at: message.time.0, from, to, described, text });
    }
    Ok(told)
}

/// The message by its number in the procedure or its abbreviation; of an answer its result, cause and Failed-AVP.
fn words(header: &Header, message: &[u8], described: &Described) -> String {
    let name = if described.number.is_empty() { described.abbreviation.as_str() } else { described.number };
    let mut words = vec![name.to_owned()];
    if !header.is_request() {
        let body = Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
        if let Some(code) = find::<ResultCode>(body) {
            words.push(code.to_string());
        }
        if let Some(result) = find::<ExperimentalResult>(body) {
            words.push(format!("experimental {}", result.experimental_result_code));
        }
        if let Some(cause) = find::<RefusalCause>(body) {
            let name = RefusalCause::DEFINITION.value_name(i64::from(cause));
            words.push(name.map_or_else(|| cause.to_string(), str::to_owned));
        }
        for failed in body.map_while(Result::ok).filter(|avp| avp.key.0 == FailedAvp::KEY) {
            let members = failed.members().map_while(Result::ok);
            words.extend(members.map(|member| format!("Failed-AVP {}", name_of(member.key))));
        }
    }
    words.join(" ")
}

/// A row and what became of it.
pub struct Judged<'t> {
    played: Played,
    told: Vec<&'t Told>,
    /// What `verify` finds in its frames.
    pub findings: Vec<&'t Finding>,
}

impl<'t> Judged<'t> {
    /// Takes from the capture what belongs to a row.
    pub fn new(played: Played, told: &'t [Told], findings: &'t [Finding]) -> Self {
        let frames = played.frames.0..played.frames.1;
        let told = told.iter().filter(|told| frames.contains(&told.frame)).collect();
        let findings = findings.iter().filter(|finding| frames.contains(&finding.frame)).collect();
        Self { played, told, findings }
    }

    /// Exactly the messages that were expected, and exactly the findings.
    pub fn is_good(&self) -> bool {
        self.played.trouble.is_none() && self.messages_agree() && self.findings_agree()
    }

    fn messages_agree(&self) -> bool {
        self.told.iter().map(|told| told.text.as_str()).eq(self.played.row.expected.iter().copied())
    }

    fn findings_agree(&self) -> bool {
        let found = self.findings.iter().map(|finding| (finding.clause.as_ref(), finding.path.as_str()));
        found.eq(self.played.row.findings.iter().copied())
    }

    /// The row with its ladder and its verdict.
    pub fn print(&self, ladder: Ladder) {
        let row = self.played.row;
        say(&format!("{}: {} ({})", row.place, row.case, row.name));
        say(&format!("{}\n", row.story));
        say(&ladder.head());
        say(&ladder.pause());
        let begun = self.told.first().map_or(0, |told| told.at);
        for told in &self.told {
            let since = Duration::from_nanos(u64::try_from(told.at.saturating_sub(begun)).unwrap_or_default());
            for line in ladder.message(since, told.from, told.to, &told.described) {
                say(&line);
            }
        }
        say("");
        say(&format!("expected  {}", row.answer));
        let last = self.told.last().map_or("nothing", |told| told.text.as_str());
        say(&format!("came      {last}; {} messages in all", self.told.len()));
        for finding in &self.findings {
            say(&format!("verify    {finding}"));
        }
        if let Some(trouble) = &self.played.trouble {
            say(&format!("failed    {trouble}"));
        }
        if !self.messages_agree() {
            say("failed    other messages crossed than were expected:");
            row.expected.iter().for_each(|text| say(&format!("    expected  {text}")));
            self.told.iter().for_each(|told| say(&format!("    came      {} (frame {})", told.text, told.frame)));
        }
        if !self.findings_agree() {
            say("failed    verify finds other things than were broken:");
            row.findings.iter().for_each(|(requirement, avp)| say(&format!("    expected  {avp} [{requirement}]")));
        }
        if self.is_good() {
            say("verdict   as it should be, and nothing else crossed");
        }
        say("");
    }

    /// The row as JSON.
    pub fn json(&self) -> Value {
        let row = self.played.row;
        let findings = self.findings.iter().map(|finding| {
            json!({
                "id": finding.check.id,
                "frame": finding.frame,
                "index": finding.index,
                "requirement": finding.clause,
                "avp": finding.path,
                "text": finding.text(),
            })
        });
        let expected = row.findings.iter().map(|(requirement, avp)| json!({ "requirement": requirement, "avp": avp }));
        json!({
            "row": row.name,
            "place": row.place,
            "case": row.case,
            "answer": row.answer,
            "story": row.story,
            "requirements": row.requirements,
            "first_frame": self.played.frames.0,
            "last_frame": self.played.frames.1 - 1,
            "parties": row.links.iter().map(|(from, to)| [PARTIES[*from], PARTIES[*to]]).collect::<Vec<_>>(),
            "expected": row.expected,
            "came": self.told.iter().map(|told| told.text.as_str()).collect::<Vec<_>>(),
            "findings_expected": expected.collect::<Vec<_>>(),
            "findings": findings.collect::<Vec<_>>(),
            "trouble": self.played.trouble,
            "good": self.is_good(),
        })
    }
}
