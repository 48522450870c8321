//! Captures: files, packets, streams, messages.
