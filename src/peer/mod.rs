//! A Diameter node without input and output: what RFC 6733 wants between two neighbours, as values and steps.
//!
//! ```text
//! table.rs         the peer state table of RFC 6733 section 5.6      watchdog.rs   the algorithm of RFC 3539
//! machine.rs       one peer: bytes and time in, outputs out          capabilities.rs   CER and CEA, built and judged
//! requests.rs      identifiers, answers waited for, duplicates       routing.rs    which peer, and is it ours
//! answers.rs       protocol errors                                    output.rs     what a peer wants done or known
//! relay.rs         what an agent does to messages                     redirect.rs   redirects followed, remembered, told
//! explain.rs       why two nodes do not talk, for people
//! ```
//!
//! The contract of [`Peer`]: call one `handle_*` (or a command such as [`Peer::send_request`]), then drain
//! [`Peer::poll_output`] to the end, then wait until [`Peer::next_deadline`] at the latest; repeat. Time is a duration
//! since any fixed moment and never goes back.

pub mod answers;
pub mod capabilities;
pub mod explain;
mod machine;
mod output;
pub mod redirect;
pub mod relay;
pub mod requests;
pub mod routing;
pub mod table;
pub mod watchdog;

pub use capabilities::{Capabilities, Expected, Local, Refusal};
pub use machine::Peer;
pub use output::{ConnectionId, DownReason, Lane, Output, Settings, Unanswered};
pub use table::State;
pub use watchdog::{Intervals, Status};
