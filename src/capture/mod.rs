//! Captures: files, packets, streams, messages.

pub mod write;
