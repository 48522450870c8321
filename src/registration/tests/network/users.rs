//! Passwords and keys of users, and who judges them.

use super::*;

/// A user whose password stands where its hash should: what hashes are worth is tested where they are made.
pub fn user(name: &str, password: &str) -> User {
    User::with_password(name, format!("$argon2id$v=19$m=8,t=1,p=1$none${password}").parse().unwrap())
}

/// A key that signs with SipHash and is its own public half, in the place of Ed25519.
pub struct ToyKey(pub [u8; 32]);

impl ToyKey {
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0)
    }
}

impl Signer for ToyKey {
    fn sign(&self, octets: &[u8]) -> [u8; SIGNATURE_OCTETS] {
        use std::hash::Hasher as _;
        let mut signature = [0; SIGNATURE_OCTETS];
        for (number, chunk) in signature.chunks_mut(8).enumerate() {
            let mut hasher = siphasher::sip::SipHasher24::new_with_keys(number as u64, 0);
            hasher.write(&self.0);
            hasher.write(octets);
            chunk.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        signature
    }
}

pub fn judge(question: &Question) -> Result<bool, String> {
    match question {
        Question::Password { hash, password } => {
            let expected = hash.as_str().rsplit('$').next().unwrap();
            if expected == "damaged" {
                Err("the hash is damaged".to_owned())
            } else {
                Ok(expected.as_bytes() == password.reveal())
            }
        }
        Question::Signature { key, octets, signature } => Ok(ToyKey(key.0).sign(octets) == *signature),
    }
}
