//! One Diameter message: its header, its framing, and the declarations that turn it into typed commands.

pub mod framing;
pub mod header;

pub use framing::DEFAULT_MESSAGE_LIMIT;
pub use header::{CommandFlags, HEADER_LENGTH, Header};
