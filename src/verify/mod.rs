//! Checks on a capture.
