//! Users with keys: a signed proof is good once, and for a while.

use std::collections::HashSet;
use std::hash::Hasher as _;
use std::time::Duration;

use siphasher::sip::SipHasher24;

use super::authenticate::{Claim, Inquiry, NotProved, Pledge, Question, UserAuthenticator};
use super::passwords::Decoyed;
use super::users::{PublicKey, User};
use crate::avp::dictionary::UserCredentialType;
use crate::registration::credential::{NONCE_OCTETS, Proof};
use crate::registration::element::Now;

/// A nonce of one user: another user's does not use it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nonce {
    user: u64,
    nonce: [u8; NONCE_OCTETS],
}

/// Proves users by Ed25519 signatures; keeps their public keys only.
#[derive(Debug)]
pub struct SignedProofs {
    keys: Decoyed<PublicKey>,
    seed: [u8; 16],
    window: Duration,
    /// Proofs from before are refused: nobody knows whether they were used. Milliseconds since 1970.
    begun: u64,
    memory: Memory,
}

impl SignedProofs {
    /// The users that have keys. A proof may be `window` old or ahead; at most `most` are remembered that long.
    #[must_use]
    pub fn new(users: &[User], window: Duration, most: usize, seed: [u8; 16]) -> Self {
        let keys = users.iter().filter_map(|user| Some((user.name.clone(), user.key?)));
        let keys = Decoyed::new(keys, seed);
        Self { keys, seed, window, begun: 0, memory: Memory::new(2 * window, most) }
    }
}

impl UserAuthenticator for SignedProofs {
    fn kind(&self) -> i32 {
        UserCredentialType::SIGNED_PROOF
    }

    fn start(&mut self, now: Now) {
        self.begun = milliseconds(now);
    }

    fn begin(&mut self, now: Now, claim: &Claim<'_>) -> Result<Inquiry, NotProved> {
        let (Some(time), Some(nonce)) = (claim.time, claim.nonce) else { return Err(NotProved::Mismatch) };
        let signature = claim.credential.try_into().map_err(|_| NotProved::Mismatch)?;
        let present = milliseconds(now);
        let off = Duration::from_millis(present.abs_diff(time));
        if off > self.window {
            let (off, window) = (off.as_secs(), self.window.as_secs());
            return Err(NotProved::Stale { off, early: time > present, window });
        }
        if time < self.begun {
            return Err(NotProved::Forgotten);
        }
        let Claim { user, id1, id3, application, realm, .. } = *claim;
        let (key, genuine) = self.keys.of(user).ok_or(NotProved::Kind)?;
        let octets = Proof { user, id1, id3, application, realm, time, nonce }.octets().into();
        let mut hasher = SipHasher24::new_with_key(&self.seed);
        hasher.write(user.as_bytes());
        let nonce = Nonce { user: hasher.finish(), nonce };
        let question = Question::Signature { key: *key, octets, signature };
        Ok(Inquiry { question, pledge: Pledge { genuine, nonce: Some(nonce) } })
    }

    /// Only what a key has signed takes room in the memory.
    fn finish(&mut self, now: Now, pledge: &Pledge) -> Result<(), NotProved> {
        pledge.nonce.map_or(Err(NotProved::Mismatch), |nonce| self.memory.remember(now.elapsed, nonce))
    }
}

fn milliseconds(now: Now) -> u64 {
    u64::try_from(now.unix.as_millis()).unwrap_or(u64::MAX)
}

/// What was seen during the last `span`, in two halves, of which the older goes when the younger is as old as that.
#[derive(Debug)]
struct Memory {
    span: Duration,
    most: usize,
    turned: Duration,
    young: HashSet<Nonce>,
    old: HashSet<Nonce>,
}

impl Memory {
    fn new(span: Duration, most: usize) -> Self {
        Self { span, most, turned: Duration::ZERO, young: HashSet::new(), old: HashSet::new() }
    }

    fn remember(&mut self, now: Duration, nonce: Nonce) -> Result<(), NotProved> {
        let age = now.saturating_sub(self.turned);
        if age >= self.span {
            self.old = std::mem::take(&mut self.young);
            if age >= 2 * self.span {
                self.old = HashSet::new();
            }
            self.turned = now;
        }
        if self.young.contains(&nonce) || self.old.contains(&nonce) {
            return Err(NotProved::Replayed);
        }
        if self.young.len() + self.old.len() >= self.most {
            return Err(NotProved::Busy);
        }
        self.young.insert(nonce);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_remembered_for_its_span_and_the_memory_is_bounded() {
        let nonce = |number: u8| Nonce { user: 1, nonce: [number; NONCE_OCTETS] };
        let at = Duration::from_secs;
        let mut memory = Memory::new(at(120), 2);
        assert_eq!(memory.remember(at(100), nonce(1)), Ok(()));
        assert_eq!(memory.remember(at(130), nonce(2)), Ok(()), "the halves change");
        for time in [131, 219] {
            assert_eq!(memory.remember(at(time), nonce(1)), Err(NotProved::Replayed));
        }
        assert_eq!(memory.remember(at(131), Nonce { user: 2, ..nonce(1) }), Err(NotProved::Busy));
        assert_eq!(memory.remember(at(250), nonce(3)), Ok(()), "the first has been forgotten");
        assert_eq!(memory.remember(at(250), nonce(2)), Err(NotProved::Replayed));
        assert_eq!(memory.remember(at(1000), nonce(2)), Ok(()));
    }
}
