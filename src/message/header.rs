//! The Diameter header: twenty octets in front of every message. RFC 6733 section 3.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |    Version    |                 Message Length                |
//! | Command Flags |                  Command Code                 |
//! |                         Application-Id                        |
//! |                      Hop-by-Hop Identifier                    |
//! |                      End-to-End Identifier                    |
//! ```

use std::fmt;

/// Length of the header in octets.
pub const HEADER_LENGTH: usize = 20;

/// The only version there is; any other is answered with 5011.
pub const VERSION: u8 = 1;

/// The largest length the 24-bit field can state, rounded down to a multiple of four.
pub const MAXIMUM_LENGTH: usize = 0xff_fffc;

/// The command flags octet. RFC 6733 section 3.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CommandFlags(pub u8);

impl CommandFlags {
    /// R: the message is a request.
    pub const REQUEST: u8 = 0x80;
    /// P: agents may proxy, relay or redirect the message.
    pub const PROXIABLE: u8 = 0x40;
    /// E: the answer holds a protocol error and need not follow the command's grammar.
    pub const ERROR: u8 = 0x20;
    /// T: the request may have been sent before.
    pub const RETRANSMITTED: u8 = 0x10;
    /// The bits a sender leaves zero; one set is answered with 5013.
    pub const RESERVED: u8 = 0x0f;

    /// True for a request.
    #[must_use]
    pub const fn is_request(self) -> bool {
        self.0 & Self::REQUEST != 0
    }

    /// True when agents may forward the message.
    #[must_use]
    pub const fn is_proxiable(self) -> bool {
        self.0 & Self::PROXIABLE != 0
    }

    /// True for an answer that carries a protocol error.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 & Self::ERROR != 0
    }

    /// True when the request may be a copy of an earlier one.
    #[must_use]
    pub const fn is_retransmitted(self) -> bool {
        self.0 & Self::RETRANSMITTED != 0
    }

    /// True when a reserved bit is set.
    #[must_use]
    pub const fn has_reserved(self) -> bool {
        self.0 & Self::RESERVED != 0
    }

    /// True for the combination a receiver answers with 3008: a request with the E bit. RFC 6733 section 3.
    #[must_use]
    pub const fn is_contradictory(self) -> bool {
        self.is_request() && self.is_error()
    }
}

impl fmt::Debug for CommandFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CommandFlags {
    /// `RP--` and the like, a dash for each clear bit; reserved bits follow in hexadecimal when set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bit, letter) in
            [(Self::REQUEST, 'R'), (Self::PROXIABLE, 'P'), (Self::ERROR, 'E'), (Self::RETRANSMITTED, 'T')]
        {
            write!(f, "{}", if self.0 & bit != 0 { letter } else { '-' })?;
        }
        if self.has_reserved() {
            write!(f, "+{:#x}", self.0 & Self::RESERVED)?;
        }
        Ok(())
    }
}

/// The twenty octets in front of a message, as values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// Protocol version, 1.
    pub version: u8,
    /// Length of the whole message in octets, header and padding included; 24 bits.
    pub length: u32,
    /// Command flags.
    pub flags: CommandFlags,
    /// Command code; 24 bits.
    pub code: u32,
    /// Application-Id; 0 for the base protocol.
    pub application: u32,
    /// Matches an answer to its request on one connection; replaced at each hop.
    pub hop_by_hop: u32,
    /// With Origin-Host detects duplicates; never changed by agents.
    pub end_to_end: u32,
}

impl Header {
    /// Reads the header at the start of `bytes`; `None` when fewer than twenty octets are there. No field is judged.
    #[must_use]
    #[inline]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; HEADER_LENGTH] = bytes.first_chunk()?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        Some(Self {
            version: head[0],
            length: word(0) & 0xff_ffff,
            flags: CommandFlags(head[4]),
            code: word(4) & 0xff_ffff,
            application: word(8),
            hop_by_hop: word(12),
            end_to_end: word(16),
        })
    }

    /// The header as it goes on the wire. Length and code keep their low 24 bits.
    #[must_use]
    #[inline]
    pub fn to_bytes(self) -> [u8; HEADER_LENGTH] {
        let mut out = [0; HEADER_LENGTH];
        out[0..4].copy_from_slice(&((u32::from(self.version) << 24) | (self.length & 0xff_ffff)).to_be_bytes());
        out[4..8].copy_from_slice(&((u32::from(self.flags.0) << 24) | (self.code & 0xff_ffff)).to_be_bytes());
        out[8..12].copy_from_slice(&self.application.to_be_bytes());
        out[12..16].copy_from_slice(&self.hop_by_hop.to_be_bytes());
        out[16..20].copy_from_slice(&self.end_to_end.to_be_bytes());
        out
    }

    /// True for a request.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        self.flags.is_request()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCHDOG: [u8; 20] =
        [1, 0, 0, 88, 0x80, 0, 1, 24, 0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];

    #[test]
    fn one_vector_both_directions() {
        let header = Header::parse(&WATCHDOG).unwrap();
        assert_eq!((header.version, header.length, header.code, header.application), (1, 88, 280, 0));
        assert!(header.is_request() && !header.flags.is_proxiable());
        assert_eq!((header.hop_by_hop, header.end_to_end), (0x1122_3344, 0x5566_7788));
        assert_eq!(header.to_bytes(), WATCHDOG);
    }

    #[test]
    fn nineteen_octets_are_no_header() {
        assert_eq!(Header::parse(&WATCHDOG[..19]), None);
    }

    #[test]
    fn flags_read_as_letters() {
        assert_eq!(CommandFlags(0xc0).to_string(), "RP--");
        assert_eq!(CommandFlags(0x21).to_string(), "--E-+0x1");
        assert!(CommandFlags(0xa0).is_contradictory());
    }
}
