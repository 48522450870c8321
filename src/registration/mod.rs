//! The registration procedure without input and output.

pub mod element;
pub mod identifiers;
