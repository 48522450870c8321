//! What became of each message.

use std::collections::HashMap;
use std::time::Duration;

use crate::diff::Difference;
use crate::message::Header;
use crate::replay::script::Side;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Our request was answered as in the capture.
    Same,
    /// It was answered otherwise.
    Differs,
    /// It was not answered in time, or the connection ended before.
    Unanswered,
    /// The capture has no answer to it, the live peer gave one.
    Surplus,
    /// It was not sent: there was no connection any more.
    NotSent,
    /// The live peer asked as in the capture.
    Asked,
    /// It asked otherwise.
    AskedOtherwise,
    /// It did not ask what it asked in the capture.
    NotAsked,
    /// It asked once more what the capture has, and was answered in the same way.
    Again,
    /// It asked what the capture does not have, and was refused.
    Refused,
    /// It answered what nobody had asked.
    Stray,
}

impl Outcome {
    /// The word in text and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::Unanswered => "unanswered",
            Self::Surplus => "surplus-answer",
            Self::NotSent => "not-sent",
            Self::Asked => "asked",
            Self::AskedOtherwise => "asked-otherwise",
            Self::NotAsked => "not-asked",
            Self::Again => "again",
            Self::Refused => "refused",
            Self::Stray => "stray-answer",
        }
    }

    /// As in the capture.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Same | Self::Asked | Self::Again)
    }
}

/// What became of a message, in full.
#[derive(Clone, Debug)]
pub struct Report {
    /// The frame of the captured request; 0 for what the capture does not have.
    pub frame: u64,
    /// Its place in the frame.
    pub index: u32,
    /// The frame of the captured answer.
    pub answer_frame: Option<u64>,
    /// Place in [`Script::conversations`](crate::replay::Script::conversations).
    pub conversation: usize,
    /// The association in the capture.
    pub association: u32,
    /// Who asks.
    pub from: Side,
    /// The header of the request.
    pub header: Header,
    /// What became of it.
    pub outcome: Outcome,
    /// Result-Code, or the code of Experimental-Result, in the captured answer.
    pub expected: Option<u32>,
    /// That in the live one.
    pub actual: Option<u32>,
    /// From the request to its answer.
    pub took: Option<Duration>,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// How many of each outcome.
#[derive(Clone, Debug, Default)]
pub struct Totals(pub(super) HashMap<Outcome, u64>);

impl Totals {
    /// How many had that outcome.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0.get(&outcome).copied().unwrap_or(0)
    }

    /// How many there are.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.values().sum()
    }

    /// All is as in the capture.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.0.iter().all(|(outcome, count)| outcome.is_good() || *count == 0)
    }
}
