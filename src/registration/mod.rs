//! The registration procedure without input and output.

pub mod identifiers;
