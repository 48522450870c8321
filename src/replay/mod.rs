//! A capture becomes a live conversation: what was said is said again, with identifiers of its own, and what comes back is
//! compared with what came back then.
//!
//! ```text
//! script.rs    capture -> conversations with two sides, and steps in their order
//! table.rs     what stands for what: sessions, names, values the live peer hands out
//! machine.rs   events and the time in, messages and outcomes out
//! answer.rs    requests matched with captured ones, and their answers
//! sign.rs      what is proved by a signature, signed anew
//! ```
//!
//! Nothing here has a socket or a clock. Capabilities exchange, watchdogs and disconnects are no steps: whoever holds the
//! connections does them live. A script is bounded by [`Limits`]; what is over them is an error and never cut off silently.

mod answer;
mod machine;
mod script;
mod sign;
mod table;
#[cfg(test)]
mod tests;

pub use machine::{Action, Far, LinkPlan, Machine, Near, Outcome, Pace, Plan, Report, Totals};
pub use script::{Conversation, End, Limits, Script, ScriptError, Selection, Side, Step};
pub use sign::{Signers, proved};
pub use table::{Change, ChangeError, Table};
