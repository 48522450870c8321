//! Who the user is. Requirement AS-1.

use serde::Deserialize;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::collections::HashMap;
use std::hash::Hasher;

use crate::avp::dictionary::UserCredentialType;
use crate::registration::config;
use crate::registration::element::Now;
use crate::registration::identifiers::{FunctionAddress, Pduid};

/// What message 1 says of its user, and what it is bound to.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// User-Name.
    pub user: &'a str,
    /// User-Credential-Type.
    pub kind: i32,
    /// User-Credential.
    pub credential: &'a [u8],
    /// ID1.
    pub id1: Pduid,
    /// ID3, when message 1 carries one.
    pub id3: Option<&'a FunctionAddress>,
    /// ProSe-App-Id.
    pub application: &'a str,
    /// Whether message 1 came over a protected connection.
    pub protected: bool,
}

/// Why a user is not who they say. What is known of them is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProved {
    /// No such user, or not their credential.
    #[error("user and credential do not belong together")]
    Mismatch,
    /// A kind of proof that this server does not take.
    #[error("this kind of credential is not taken here")]
    Kind,
}

/// A way to prove users. It keeps what it needs against replays itself, hence `&mut`.
pub trait UserAuthenticator {
    /// Judges the claim.
    ///
    /// # Errors
    /// The user is not proved.
    fn authenticate(&mut self, now: Now, claim: &Claim<'_>) -> Result<(), NotProved>;
}

/// A user of the configuration.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// User-Name.
    pub name: String,
    /// Salt, 32 hexadecimal digits, another for each user.
    #[serde(deserialize_with = "config::sixteen")]
    pub salt: [u8; 16],
    /// What [`User::verifier_of`] makes of salt and password, 32 hexadecimal digits.
    #[serde(deserialize_with = "config::sixteen")]
    pub verifier: [u8; 16],
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

impl User {
    /// How often the hash is repeated.
    const ROUNDS: usize = 4096;

    /// A user with a password.
    #[must_use]
    pub fn with_password(name: &str, salt: [u8; 16], password: &[u8]) -> Self {
        Self { name: name.to_owned(), salt, verifier: Self::verifier_of(salt, password) }
    }

    /// What is kept of a password: SipHash-2-4 of 128 bits, keyed with the salt and repeated. It keeps a lab's
    /// passwords out of its configuration files; it is no match for a memory-hard hash.
    #[must_use]
    pub fn verifier_of(salt: [u8; 16], password: &[u8]) -> [u8; 16] {
        let mut key = salt;
        for _ in 0..Self::ROUNDS {
            let mut hasher = SipHasher24::new_with_key(&key);
            hasher.write(password);
            key = hasher.finish128().as_bytes();
        }
        key
    }
}

/// Users with passwords.
#[derive(Debug)]
pub struct Passwords {
    users: HashMap<String, User>,
}

impl Passwords {
    /// The users, by name.
    #[must_use]
    pub fn new(users: Vec<User>) -> Self {
        Self { users: users.into_iter().map(|user| (user.name.clone(), user)).collect() }
    }
}

impl UserAuthenticator for Passwords {
    fn authenticate(&mut self, _now: Now, claim: &Claim<'_>) -> Result<(), NotProved> {
        if claim.kind != UserCredentialType::PASSWORD {
            return Err(NotProved::Kind);
        }
        let user = self.users.get(claim.user);
        // An unknown user costs as much time as a wrong password.
        let verifier = User::verifier_of(user.map_or([0; 16], |user| user.salt), claim.credential);
        let expected = user.map_or([0; 16], |user| user.verifier);
        let differs = verifier.iter().zip(expected).fold(0, |differs, (left, right)| differs | (left ^ right));
        if user.is_some() && std::hint::black_box(differs) == 0 { Ok(()) } else { Err(NotProved::Mismatch) }
    }
}
