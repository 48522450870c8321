//! What an onlooker wants to know of the transport beside messages: gaps, copies, disorder.

use std::net::SocketAddr;

use super::Timestamp;

/// Something odd between frames and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// Frame number, from 1.
    pub frame: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Number of the association or connection.
    pub association: u32,
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// What is odd.
    pub kind: OddityKind,
}

/// What is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OddityKind {
    /// DATA chunks are missing before this one.
    TsnGap {
        /// First TSN that is missing.
        first: u32,
        /// How many.
        missing: u32,
    },
    /// A chunk that was missing came after all.
    TsnFilled {
        /// Its TSN.
        tsn: u32,
    },
    /// A chunk that was there before: sent again, or captured twice.
    Retransmission {
        /// Its TSN.
        tsn: u32,
    },
    /// A chunk with the TSN of another one.
    TsnReused {
        /// The TSN.
        tsn: u32,
    },
    /// The stream sequence number is not the next one of its stream.
    StreamSequence {
        /// Stream.
        stream: u16,
        /// The number expected.
        expected: u16,
        /// The number found.
        found: u16,
    },
    /// A packet between the ends of an association under a verification tag that is not the association's.
    VerificationTag {
        /// The tag found.
        found: u32,
        /// The tag that was agreed on.
        expected: u32,
        /// The association that lives on this path.
        of: u32,
    },
    /// A chunk whose length cannot be.
    BadChunk,
    /// Octets of a TCP stream were never captured.
    TcpGap,
    /// A TCP segment that was there before.
    TcpRetransmission,
    /// Octets in a TCP stream, where a message should begin, are none: the next one was searched for.
    TcpPlaceLost,
}
