//! Procedures that begin at the function itself, and the news of them.
//!
//! What a UE asks over PC3 is XML over HTTP (TS 24.334) and not for this adapter, so these begin by a call: of an
//! operator, or of whoever speaks PC3. Each call gives a [`Procedure`]; what comes of it is [`News`].

use std::collections::VecDeque;

/// Names a procedure that a call has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Procedure(pub u64);

/// What has come of a procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// False when it went wrong.
    pub success: bool,
    /// True when nothing more will come.
    pub over: bool,
    /// One sentence; subscribers are masked.
    pub text: String,
    /// What the other side gave, by the name of its AVP.
    pub details: Vec<(&'static str, String)>,
}

/// News that nobody has fetched; the oldest makes room for the latest.
const MOST_NEWS: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Procedures {
    last: u64,
    news: VecDeque<(Procedure, News)>,
}

impl Procedures {
    pub fn begin(&mut self) -> Procedure {
        self.last = self.last.wrapping_add(1);
        Procedure(self.last)
    }

    /// One that an earlier run has begun; no other gets its number.
    pub fn resume(&mut self, number: u64) -> Procedure {
        self.last = self.last.max(number);
        Procedure(number)
    }

    pub fn tell(&mut self, procedure: Procedure, news: News) {
        if self.news.len() >= MOST_NEWS {
            self.news.pop_front();
        }
        self.news.push_back((procedure, news));
    }

    /// The oldest news of a procedure.
    pub fn take(&mut self, procedure: Procedure) -> Option<News> {
        let at = self.news.iter().position(|(of, _)| *of == procedure)?;
        self.news.remove(at).map(|(_, news)| news)
    }
}
