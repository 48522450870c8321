//! The users of the configuration, and of the files beside it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;

use crate::registration::config;

/// A user of the configuration: at least one of key and password.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// User-Name.
    pub name: String,
    /// The public half of the user's Ed25519 key.
    #[serde(default, deserialize_with = "config::parsed_option")]
    pub key: Option<PublicKey>,
    /// An argon2id hash of the user's password, as `proselink user hash` prints it.
    #[serde(default, deserialize_with = "config::parsed_option")]
    pub password: Option<PasswordHash>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

impl User {
    /// A user with a key.
    #[must_use]
    pub fn with_key(name: &str, key: PublicKey) -> Self {
        Self { name: name.to_owned(), key: Some(key), password: None }
    }

    /// A user with a password.
    #[must_use]
    pub fn with_password(name: &str, hash: PasswordHash) -> Self {
        Self { name: name.to_owned(), key: None, password: Some(hash) }
    }
}

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

/// An argon2id hash in PHC format: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`. Its parameters are judged where hashes
/// are made.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Arc<str>);

impl PasswordHash {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(hidden)")
    }
}

/// What is no key or hash. What was there instead is not shown: it may be a secret in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// No key.
    #[error(
        "a public key is expected: 32 octets of Ed25519 in base64 or hexadecimal, as `proselink user key` prints it, or \
         the base64 of `openssl pkey -pubout`"
    )]
    Key,
    /// No hash.
    #[error("a hash that begins with $argon2id$ is expected, as `proselink user hash` prints it")]
    Hash,
    /// No name in front.
    #[error("NAME:VALUE is expected")]
    Line,
    /// A name twice.
    #[error("this user is there twice")]
    Twice,
}

/// What SubjectPublicKeyInfo of an Ed25519 key begins with. RFC 8410 section 4.
const KEY_INFO: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl FromStr for PublicKey {
    type Err = UserError;

    fn from_str(text: &str) -> Result<Self, UserError> {
        let bare = text.trim_end_matches('=').as_bytes();
        let hexadecimal = if bare.len() == 64 { data_encoding::HEXLOWER_PERMISSIVE.decode(bare).ok() } else { None };
        let octets = hexadecimal.or_else(|| data_encoding::BASE64_NOPAD.decode(bare).ok()).ok_or(UserError::Key)?;
        let key = octets.strip_prefix(&KEY_INFO).unwrap_or(&octets);
        key.try_into().map(Self).map_err(|_| UserError::Key)
    }
}

impl fmt::Display for PublicKey {
    /// In base64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::BASE64.encode(&self.0))
    }
}

impl FromStr for PasswordHash {
    type Err = UserError;

    fn from_str(text: &str) -> Result<Self, UserError> {
        let parts = text.strip_prefix("$argon2id$").map(|rest| rest.split('$').count());
        if parts == Some(4) { Ok(Self(text.into())) } else { Err(UserError::Hash) }
    }
}

/// Reads a file of users: a `NAME:VALUE` a line, blank lines and those that begin with `#` left out. The value is what
/// stands behind the last colon.
///
/// # Errors
/// The number of the line, from 1, and what is wrong with it.
pub fn read<T: FromStr<Err = UserError>>(text: &str) -> Result<Vec<(String, T)>, (usize, UserError)> {
    let mut names = std::collections::HashSet::new();
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(at, line)| {
            let (name, value) = line.rsplit_once(':').ok_or((at + 1, UserError::Line))?;
            let name = name.trim();
            if name.is_empty() {
                return Err((at + 1, UserError::Line));
            }
            if !names.insert(name) {
                return Err((at + 1, UserError::Twice));
            }
            let value = value.trim().parse().map_err(|why| (at + 1, why))?;
            Ok((name.to_owned(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_every_form_they_come_in() {
        let key = PublicKey(*b"thirty-two octets of a public ky");
        let hexadecimal = data_encoding::HEXUPPER.encode(&key.0);
        let info = data_encoding::BASE64.encode(&[&KEY_INFO[..], &key.0].concat());
        for text in [key.to_string(), key.to_string().trim_end_matches('=').to_owned(), hexadecimal, info] {
            assert_eq!(text.parse(), Ok(key), "{text}");
        }
        for text in ["", "AAAA", "not base64 at all", &"0".repeat(62)] {
            assert_eq!(text.parse::<PublicKey>(), Err(UserError::Key), "{text}");
        }
    }

    #[test]
    fn a_file_of_users_is_read_line_by_line() {
        let hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA";
        let users = read::<PasswordHash>(&format!("# users\n\nalice:{hash}\n urn:bob : {hash} \n")).unwrap();
        assert_eq!(users.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["alice", "urn:bob"]);
        assert!(!format!("{users:?}").contains("aGFzaA"), "hashes are not shown");
        for (text, expected) in [
            ("alice", (1, UserError::Line)),
            ("\n:x", (2, UserError::Line)),
            ("alice:secret", (1, UserError::Hash)),
            (&format!("alice:{hash}\nalice:{hash}"), (2, UserError::Twice)),
        ] {
            assert_eq!(read::<PasswordHash>(text), Err(expected), "{text}");
        }
    }
}
