//! Users with passwords, kept as argon2id hashes.

use std::collections::HashMap;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use super::authenticate::{Claim, Inquiry, NotProved, Pledge, Question, UserAuthenticator};
use super::users::{PasswordHash, User};
use crate::avp::dictionary::UserCredentialType;
use crate::registration::credential::Secret;
use crate::registration::element::Now;

/// Proves users by name and password.
#[derive(Debug)]
pub struct Passwords {
    hashes: Decoyed<PasswordHash>,
    /// Whether a password is taken over a connection that is not protected.
    lab: bool,
}

impl Passwords {
    /// The users that have passwords. With `lab` they are taken in the clear.
    #[must_use]
    pub fn new(users: &[User], lab: bool, seed: [u8; 16]) -> Self {
        let hashes = users.iter().filter_map(|user| Some((user.name.clone(), user.password.clone()?)));
        Self { hashes: Decoyed::new(hashes, seed), lab }
    }
}

impl UserAuthenticator for Passwords {
    fn kind(&self) -> i32 {
        UserCredentialType::PASSWORD
    }

    fn begin(&mut self, _now: Now, claim: &Claim<'_>) -> Result<Inquiry, NotProved> {
        if !claim.protected && !self.lab {
            return Err(NotProved::Unprotected);
        }
        let (hash, genuine) = self.hashes.of(claim.user).ok_or(NotProved::Kind)?;
        let question = Question::Password { hash: hash.clone(), password: Secret::new(claim.credential) };
        Ok(Inquiry { question, pledge: Pledge { genuine, nonce: None } })
    }
}

/// What belongs to each user; for an unknown one that of somebody else, always the same, so that an unknown user takes
/// as much time as a wrong proof.
#[derive(Debug)]
pub(super) struct Decoyed<T> {
    values: Vec<T>,
    places: HashMap<String, usize>,
    seed: [u8; 16],
}

impl<T> Decoyed<T> {
    pub fn new(entries: impl Iterator<Item = (String, T)>, seed: [u8; 16]) -> Self {
        let mut decoyed = Self { values: Vec::new(), places: HashMap::new(), seed };
        for (name, value) in entries {
            decoyed.places.insert(name, decoyed.values.len());
            decoyed.values.push(value);
        }
        decoyed
    }

    /// The value, and whether it is the user's own; `None` when nobody has one.
    pub fn of(&self, user: &str) -> Option<(&T, bool)> {
        let mut hasher = SipHasher24::new_with_key(&self.seed);
        hasher.write(user.as_bytes());
        let decoy = hasher.finish().checked_rem(self.values.len() as u64)?;
        let own = self.places.get(user).copied();
        let value = self.values.get(own.unwrap_or(decoy as usize))?;
        Some((value, own.is_some()))
    }
}
