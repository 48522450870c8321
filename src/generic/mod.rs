//! Two elements of any application, without input and output: a [`Client`] that sends whole requests and keeps the
//! answers, and a [`Responder`] that answers whatever it is asked.
//!
//! They know no procedure, so they stand beside [`crate::registration`] and not within it; both rooms share its
//! [`Element`](crate::registration::Element), which is all that a node asks for. They serve to try another node, to
//! measure, and to stand in for a server that is missing in a lab.

mod client;
mod responder;
#[cfg(test)]
mod tests;

pub use client::{Client, RequestNumber};
pub use responder::{AnswerConfig, ApplicationConfig, AvpName, CommandName, Responder, ResponderConfig, ResultConfig};
