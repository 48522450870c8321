//! What a visitor asks, judged.

use serde::Deserialize;

use crate::registration::identifiers::{Imsi, Pduid};
use crate::registration::standard::Wish;

/// The most that one answer shows.
pub const MOST_SHOWN: u64 = 1_000_000;

/// UEs of an answer when nothing is said.
const SHOWN: u64 = 100;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub ask: Ask,
    /// Lines at the most.
    pub limit: u64,
    /// IMSI and MSISDN whole.
    pub clear: bool,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The peers.
    Peers,
    /// All UEs, in the order of their IMSI.
    Ues,
    /// One UE.
    Ue(Named),
    /// The UEs that come or go.
    Moves,
    /// Make the ID1 of a UE invalid at once.
    Revoke(Named),
    /// Forget a UE; app servers and HSS are told.
    Deregister(Named),
    /// Begin a procedure of 3GPP.
    Begin(Box<Wish>),
    /// What has come of one.
    News(u64),
    /// All of the store.
    Export,
}

/// How a UE is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its IMSI.
    Imsi(Imsi),
    /// By an ID1 it holds or held.
    Id1(Pduid),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    ask: String,
    ue: Option<String>,
    limit: Option<u64>,
    wish: Option<Wish>,
    procedure: Option<u64>,
    #[serde(default)]
    clear: bool,
}

impl Question {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, and what is expected.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let line: Line = serde_json::from_slice(line).map_err(|error| format!("this is no question: {error}"))?;
        let ask = match (&*line.ask, &line.ue) {
            ("begin", None) => {
                let wish = line.wish.ok_or("\"wish\" is missing: an object with \"begin\" and what belongs to it")?;
                Ask::Begin(Box::new(wish))
            }
            ("news", None) => Ask::News(line.procedure.ok_or("\"procedure\" is missing: the number that begin gave")?),
            ("export", None) => Ask::Export,
            ("peers", None) => Ask::Peers,
            ("ues", None) => Ask::Ues,
            ("moves", None) => Ask::Moves,
            ("ue", Some(name)) => Ask::Ue(Named::parse(name)?),
            ("revoke", Some(name)) => Ask::Revoke(Named::parse(name)?),
            ("deregister", Some(name)) => Ask::Deregister(Named::parse(name)?),
            ("ue" | "revoke" | "deregister", None) => {
                return Err("\"ue\" is missing: an IMSI, or an ID1 of 16 hexadecimal digits".to_owned());
            }
            ("peers" | "ues" | "moves" | "begin" | "news" | "export", Some(_)) => {
                return Err(format!("{} takes no \"ue\"", line.ask));
            }
            _ => {
                return Err(
                    "\"ask\" is none of peers, ues, ue, moves, revoke, deregister, begin, news, export".to_owned()
                );
            }
        };
        let limit = line.limit.unwrap_or(SHOWN);
        if !(1..=MOST_SHOWN).contains(&limit) {
            return Err(format!("\"limit\" is a number from 1 to {MOST_SHOWN}"));
        }
        Ok(Self { ask, limit, clear: line.clear })
    }

    /// What is asked, in a word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.ask {
            Ask::Peers => "peers",
            Ask::Ues => "ues",
            Ask::Ue(_) => "ue",
            Ask::Moves => "moves",
            Ask::Revoke(_) => "revoke",
            Ask::Deregister(_) => "deregister",
            Ask::Begin(_) => "begin",
            Ask::News(_) => "news",
            Ask::Export => "export",
        }
    }
}

impl Named {
    /// As it is read.
    #[must_use]
    pub fn reveal(self) -> String {
        match self {
            Self::Imsi(imsi) => imsi.reveal(),
            Self::Id1(id1) => id1.to_string(),
        }
    }

    /// Sixteen hexadecimal digits are an ID1, 6 to 15 decimal ones an IMSI. What is wrong is said without the digits.
    ///
    /// # Errors
    /// The text is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() == 16 {
            return text.parse().map(Self::Id1).map_err(|_| "an ID1 has 16 hexadecimal digits".to_owned());
        }
        text.parse().map(Self::Imsi).map_err(|error| format!("this is no IMSI: {error}"))
    }
}
