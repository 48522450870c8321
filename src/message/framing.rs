//! Where one message ends and the next begins in a stream of octets. RFC 6733 section 3: the header states the length.
//!
//! Pure: bytes in, a verdict out. The tokio-util codec over it is in `net`.

use thiserror::Error;

use super::header::{HEADER_LENGTH, VERSION};

/// The largest message accepted when nothing else is configured, in octets: 1 MiB.
pub const DEFAULT_MESSAGE_LIMIT: usize = 1 << 20;

/// What the buffered octets amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// At least this many octets more are needed before the next verdict; never zero.
    Need(usize),
    /// The buffer begins with a whole message of this many octets.
    Message(usize),
}

/// Octets that cannot be the beginning of a message. The stream is lost: where the next message begins is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FramingError {
    /// The first octet of the stream is not the version 1. RFC 6733 section 7.1.5: 5011.
    #[error("octet {offset} of the stream should begin a Diameter message, but the version there is {found}, not 1")]
    Version {
        /// Where the message begins in the stream, in octets.
        offset: u64,
        /// The octet found.
        found: u8,
    },
    /// The stated length is smaller than the header. 5015.
    #[error(
        "the message at octet {offset} states a length of {stated}, less than the {HEADER_LENGTH} octets of its header"
    )]
    TooShort {
        /// Where the message begins in the stream, in octets.
        offset: u64,
        /// The length the header states, in octets.
        stated: usize,
    },
    /// The stated length is not a multiple of four. 5015.
    #[error("the message at octet {offset} states a length of {stated}, which is not a multiple of 4")]
    Unaligned {
        /// Where the message begins in the stream, in octets.
        offset: u64,
        /// The length the header states, in octets.
        stated: usize,
    },
    /// The message is longer than this side accepts. 5015.
    #[error("the message at octet {offset} states a length of {stated}, more than the limit of {limit} octets")]
    OverLimit {
        /// Where the message begins in the stream, in octets.
        offset: u64,
        /// The length the header states, in octets.
        stated: usize,
        /// The configured limit, in octets.
        limit: usize,
    },
}

impl FramingError {
    /// The Result-Code an answer would carry: 5011 DIAMETER_UNSUPPORTED_VERSION or 5015 DIAMETER_INVALID_MESSAGE_LENGTH.
    #[must_use]
    pub const fn result_code(&self) -> u32 {
        match self {
            Self::Version { .. } => 5011,
            Self::TooShort { .. } | Self::Unaligned { .. } | Self::OverLimit { .. } => 5015,
        }
    }
}

/// Judges the octets buffered from `offset` of a stream on; see [`Frame`]. A message of exactly `limit` octets passes.
/// Behind the first message, which shows that this is Diameter, a message of another version passes too: its length stands
/// at the same place, and it is for the peer machine to answer 5011.
///
/// # Errors
/// As soon as the octets present show that no acceptable message begins here, before the message is complete.
#[inline]
pub fn examine(buffered: &[u8], offset: u64, limit: usize) -> Result<Frame, FramingError> {
    match *buffered {
        [] => Ok(Frame::Need(HEADER_LENGTH)),
        [version, ..] if version != VERSION && offset == 0 => Err(FramingError::Version { offset, found: version }),
        [_, a, b, c, ..] => {
            let stated = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            if stated < HEADER_LENGTH {
                Err(FramingError::TooShort { offset, stated })
            } else if stated % 4 != 0 {
                Err(FramingError::Unaligned { offset, stated })
            } else if stated > limit {
                Err(FramingError::OverLimit { offset, stated, limit })
            } else if stated > buffered.len() {
                Ok(Frame::Need(stated - buffered.len()))
            } else {
                Ok(Frame::Message(stated))
            }
        }
        _ => Ok(Frame::Need(HEADER_LENGTH - buffered.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judge(bytes: &[u8]) -> Result<Frame, FramingError> {
        examine(bytes, 100, 1000)
    }

    #[test]
    fn a_message_is_known_when_its_last_octet_is_there() {
        let mut bytes = vec![0; 24];
        bytes[0] = 1;
        bytes[3] = 24;
        assert_eq!(judge(&[]), Ok(Frame::Need(20)));
        assert_eq!(judge(&bytes[..1]), Ok(Frame::Need(19)));
        assert_eq!(judge(&bytes[..4]), Ok(Frame::Need(20)));
        assert_eq!(judge(&bytes[..23]), Ok(Frame::Need(1)));
        assert_eq!(judge(&bytes), Ok(Frame::Message(24)));
        bytes.extend_from_slice(&[7; 9]);
        assert_eq!(judge(&bytes), Ok(Frame::Message(24)));
    }

    #[test]
    fn each_fault_says_where_and_what() {
        assert_eq!(examine(&[2], 0, 1000), Err(FramingError::Version { offset: 0, found: 2 }));
        assert_eq!(judge(&[2]), Ok(Frame::Need(19)), "a message of the next version behind others");
        assert_eq!(judge(&[1, 0, 0, 16]), Err(FramingError::TooShort { offset: 100, stated: 16 }));
        assert_eq!(judge(&[1, 0, 0, 21]), Err(FramingError::Unaligned { offset: 100, stated: 21 }));
        let error = judge(&[1, 0, 0x10, 0]).unwrap_err();
        assert_eq!(error, FramingError::OverLimit { offset: 100, stated: 4096, limit: 1000 });
        assert_eq!(error.result_code(), 5015);
        assert_eq!(
            error.to_string(),
            "the message at octet 100 states a length of 4096, more than the limit of 1000 octets"
        );
        assert_eq!(examine(&[0], 0, 1000).unwrap_err().result_code(), 5011);
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        assert_eq!(examine(&[1, 0, 0x10, 0], 0, 4096), Ok(Frame::Need(4092)));
    }

    proptest! {
        #[test]
        fn any_octets_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..64), limit in 0usize..128) {
            match examine(&bytes, 0, limit) {
                Ok(Frame::Need(more)) => prop_assert!(more > 0),
                Ok(Frame::Message(length)) => prop_assert!(length >= 20 && length <= bytes.len() && length <= limit),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
