//! One Diameter message: its header, its framing, the check of its grammar, and the declaration that turns it into a
//! typed command.

pub mod check;
pub mod declare;
pub mod filter;
pub mod framing;
pub mod header;
pub mod json;
pub mod renumber;
pub mod text;

pub use declare::{Command, CommandDefinition, Envelope, find};
pub use framing::DEFAULT_MESSAGE_LIMIT;
pub use header::{CommandFlags, HEADER_LENGTH, Header};
