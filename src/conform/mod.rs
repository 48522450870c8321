//! Conformance: what a live peer should do, as data, and the judge of what it does.
//!
//! A [`Suite`] is TOML: parties that we play, messages in the JSON form of [`crate::message::json`], and cases whose steps
//! send and expect. [`Machine`] plays one case without IO: events and the time in, actions and in the end an [`Outcome`]
//! out.
//!
//! ```text
//! suite.rs    the file, read and judged, errors with line and column      build.rs  messages from templates, and their damage
//! machine.rs  a case as it runs; machine/ one step of it, what is around   judge.rs  is it what was expected?
//! script.rs   the messages that every case sends and takes                suites/   those that come with the program
//! ```

mod build;
mod judge;
mod machine;
mod script;
mod suite;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::Value;

pub use build::Variables;
pub use judge::essence;
pub use machine::{Action, Event, Machine, Said, Settings, Spoken, Who};
pub use suite::{Case, Expectation, OneOrMore, Party, Step, Suite, SuiteError};

/// The suites that come with the program: name and text.
pub const SUITES: &[(&str, &str)] = &[
    ("base", include_str!("suites/base.toml")),
    ("pc2", include_str!("suites/pc2.toml")),
    ("pc2-app-server", include_str!("suites/pc2-app-server.toml")),
    ("pc3", include_str!("suites/pc3.toml")),
    ("pc4a", include_str!("suites/pc4a.toml")),
    ("pc4a-function", include_str!("suites/pc4a-function.toml")),
    ("pc6", include_str!("suites/pc6.toml")),
];

/// What a case has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The peer did what the clause asks.
    Pass,
    /// It did something else.
    Fail,
    /// What the case rests on did not hold, so nothing is shown.
    Inconclusive,
    /// The case could not be played: the transport, or the suite itself.
    Error,
    /// The case was left out: what it takes is not given, or it makes no sense here. It counts neither way.
    NotRun,
}

impl Verdict {
    /// As reports and baselines write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
            Self::NotRun => "not run",
        }
    }
}

/// The end of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What it has shown.
    pub verdict: Verdict,
    /// What was expected and what came; empty for a pass.
    pub words: String,
    /// The clause that the failed step rests on; that of the case otherwise.
    pub clause: String,
    /// The line of the suite's file where the failed step begins.
    pub line: Option<usize>,
    /// How long it took.
    pub took: Duration,
    /// What a case has captured; never shown to users whole, since subscribers may be in it.
    pub captured: Vec<(String, Value)>,
}
