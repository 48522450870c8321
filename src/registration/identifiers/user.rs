//! ID2: the user at one application.

use std::fmt;

/// ID2, what an application server calls its user: opaque UTF-8, AVP Origin-App-Layer-User-Id (3600).
///
/// Unique within one application only; two applications may use the same text for two users.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id2(Box<str>);

/// What is not an ID2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Id2Error {
    #[error("an ID2 has at least one octet")]
    Empty,
    #[error("an ID2 has at most {most} octets, this has {0}", most = Id2::MOST_OCTETS)]
    Length(usize),
    #[error("an ID2 is UTF-8, octet {0} is not")]
    NotUtf8(usize),
}

impl Id2 {
    /// Longest ID2 accepted from an application server, in octets. Ours have 26.
    pub const MOST_OCTETS: usize = 1024;

    /// An ID2 as an application server wrote it.
    ///
    /// # Errors
    /// Empty, or longer than [`Id2::MOST_OCTETS`].
    pub fn new(text: &str) -> Result<Self, Id2Error> {
        match text.len() {
            0 => Err(Id2Error::Empty),
            length if length > Self::MOST_OCTETS => Err(Id2Error::Length(length)),
            _ => Ok(Id2(text.into())),
        }
    }

    /// From the value of an AVP.
    ///
    /// # Errors
    /// As [`Id2::new`], or not UTF-8.
    pub fn from_octets(octets: &[u8]) -> Result<Self, Id2Error> {
        let text = std::str::from_utf8(octets).map_err(|fault| Id2Error::NotUtf8(fault.valid_up_to()))?;
        Self::new(text)
    }

    /// A new ID2 out of 128 random bits: 26 letters and digits that say nothing about the user. The randomness has to
    /// be of the operating system's quality, since the uniqueness of ID2 rests on it.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        let mut text = data_encoding::BASE32_NOPAD.encode(&random);
        text.make_ascii_lowercase();
        Id2(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Id2 {
    type Err = Id2Error;

    fn from_str(text: &str) -> Result<Self, Id2Error> {
        Self::new(text)
    }
}

impl fmt::Display for Id2 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bits_make_26_characters() {
        assert_eq!(Id2::from_random([0; 16]).as_str(), "a".repeat(26));
        assert_eq!(Id2::from_random([0xff; 16]).as_str().len(), 26);
        assert_ne!(Id2::from_random([1; 16]), Id2::from_random([2; 16]));
    }

    #[test]
    fn any_text_is_an_id2_within_its_limits() {
        assert_eq!(Id2::new("alice@social.example").unwrap().to_string(), "alice@social.example");
        assert_eq!(Id2::new(""), Err(Id2Error::Empty));
        assert_eq!(Id2::new(&"x".repeat(1025)), Err(Id2Error::Length(1025)));
        assert_eq!(Id2::from_octets(b"ab\xff"), Err(Id2Error::NotUtf8(2)));
    }
}
