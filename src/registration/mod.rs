//! The registration procedure without input and output: six parties, each a machine that takes events and gives
//! actions ([`element`]).
//!
//! ```text
//!  ue.rs ──5──► mme.rs ──5──► function/ ──PIR──► hss.rs        app_server.rs
//!    ▲            │ ULR ─────────────────────────► │                │
//!    └─────6──────┴─────6───── allocate.rs                          │
//!    └──────────────────────────1───────────────────────────────────► authenticate the user, allot ID2
//!                              bind.rs ◄────────────2────────────── │
//!                              (durable) ───────────3─────────────► │
//!    ◄──────────────────────────4──────────────────────────────────-┘
//!          another function/   moving.rs ──G1──► moving.rs of the old one; U1 ──► app_server.rs
//! ```
//!
//! What they share: [`config`] (values of the configuration), `reply` (answers, and what an answer says), `exchange`
//! (pending requests, Session-Ids, entropy), [`identifiers`]. Which message is which stands in the table of
//! [`crate::interfaces::pc3`], [`pc4`](crate::interfaces::pc4) and [`pc2`](crate::interfaces::pc2).

pub mod app_server;
pub mod config;
pub mod credential;
pub mod element;
mod exchange;
mod features;
pub mod function;
pub mod hss;
pub mod identifiers;
pub mod mme;
mod overload;
mod reply;
#[cfg(test)]
mod tests;
pub mod ue;

pub use app_server::{AppServer, AppServerConfig};
pub use config::{FunctionPeer, Identity};
pub use credential::{Credential, Secret, Signer};
pub use element::{
    Action, Destination, Element, Event, Inquiry, NoAnswer, NoReply, Now, Report, Sender, Ticket, Token,
};
pub(crate) use exchange::Entropy;
pub use function::{Function, FunctionConfig, standard};
pub use hss::{Hss, HssConfig};
pub use mme::{Mme, MmeConfig};
pub use ue::{Ue, UeConfig};

pub(crate) use crate::avp::dictionary::private::{COMMAND_A, COMMAND_B};
#[cfg(feature = "net")]
pub(crate) use exchange::{NO_STATE, vendor_specific};

/// The bits of ProSe-Permission and of the UE's capability that have a meaning today. TS 29.344 6.3.3.
pub const ALL_SERVICES: u32 = 0xff;
