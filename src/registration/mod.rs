//! The registration procedure without input and output.
