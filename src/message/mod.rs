//! One Diameter message: its header, its framing, and the declarations that turn it into typed commands.

pub mod header;

pub use header::{CommandFlags, HEADER_LENGTH, Header};
