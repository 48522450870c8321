//! What proves a user to an app server: a password, or a signed proof. What both sides of message 1 share.

use std::fmt;
use std::sync::Arc;

use super::identifiers::{FunctionAddress, Pduid};

/// Octets that nobody may see: not shown by `Debug`, wiped when they are dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Keeps `octets`.
    #[must_use]
    pub fn new(octets: impl Into<Vec<u8>>) -> Self {
        Self(octets.into())
    }

    /// The octets, for whoever needs them.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        // Else the compiler may leave it out, since nobody reads the octets any more.
        std::hint::black_box(&self.0);
    }
}

/// Length of an Ed25519 signature in octets.
pub const SIGNATURE_OCTETS: usize = 64;
/// Length of Proof-Nonce in octets.
pub const NONCE_OCTETS: usize = 16;

/// Makes Ed25519 signatures (RFC 8032).
pub trait Signer: Send + Sync {
    /// The signature of `octets`.
    fn sign(&self, octets: &[u8]) -> [u8; SIGNATURE_OCTETS];
}

/// How a UE proves its user.
#[derive(Clone)]
pub enum Credential {
    /// By a password: User-Credential-Type PASSWORD.
    Password(Secret),
    /// By a key that has not been read yet: a file in PEM.
    KeyFile(String),
    /// By a key that has not been read yet: PEM.
    KeyText(Secret),
    /// By a key: User-Credential-Type SIGNED_PROOF.
    Key(Arc<dyn Signer>),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password(hidden)",
            Self::KeyFile(_) | Self::KeyText(_) | Self::Key(_) => "Key(hidden)",
        })
    }
}

/// What a signed proof is about. Whoever changes one of it needs another signature.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// User-Name.
    pub user: &'a str,
    /// ID1.
    pub id1: Pduid,
    /// ID3, when message 1 carries one.
    pub id3: Option<&'a FunctionAddress>,
    /// ProSe-App-Id.
    pub application: &'a str,
    /// Realm of the app server: Destination-Realm at the UE, its own at the server. In any letter case.
    pub realm: &'a str,
    /// Proof-Time: milliseconds since 1970-01-01 UTC.
    pub time: u64,
    /// Proof-Nonce: random, another in every proof.
    pub nonce: [u8; NONCE_OCTETS],
}

impl Proof<'_> {
    /// Keeps these signatures apart from all others that the same key may make.
    const DOMAIN: &'static [u8] = b"proselink user proof 1";

    /// What is signed: the domain, then each field with its length in front, four octets, most significant first.
    ///
    /// The fields: user name; ID1, 8 octets; ID3, empty when there is none, else an octet (1 name, 4 IPv4, 6 IPv6) and
    /// the name in lower case or the address; application; realm in lower case; time, 8 octets; nonce, 16 octets.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        let id3 = match self.id3 {
            None => Vec::new(),
            Some(FunctionAddress::Fqdn(name)) => [&[1], name.as_str().as_bytes()].concat(),
            Some(FunctionAddress::Ipv4(address)) => [&[4], address.octets().as_slice()].concat(),
            Some(FunctionAddress::Ipv6(address)) => [&[6], address.octets().as_slice()].concat(),
        };
        let (id1, time, realm) = (self.id1.to_octets(), self.time.to_be_bytes(), self.realm.to_ascii_lowercase());
        let fields: [&[u8]; 8] = [
            Self::DOMAIN,
            self.user.as_bytes(),
            &id1,
            &id3,
            self.application.as_bytes(),
            realm.as_bytes(),
            &time,
            &self.nonce,
        ];
        let mut octets = Vec::with_capacity(256);
        for field in fields {
            octets.extend_from_slice(&(field.len() as u32).to_be_bytes());
            octets.extend_from_slice(field);
        }
        octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof() -> Proof<'static> {
        Proof {
            user: "alice",
            id1: Pduid::from(0x00f1_1012_3456_789a),
            id3: None,
            application: "app",
            realm: "Example.ORG",
            time: 1,
            nonce: [9; 16],
        }
    }

    #[test]
    fn the_signed_octets_are_those_of_the_specification() {
        let name = "PF1.example.org".parse().unwrap();
        let octets = Proof { id3: Some(&name), ..proof() }.octets();
        let expected = [
            &b"\0\0\0\x16proselink user proof 1\0\0\0\x05alice\0\0\0\x08\x00\xf1\x10\x12\x34\x56\x78\x9a"[..],
            b"\0\0\0\x10\x01pf1.example.org\0\0\0\x03app\0\0\0\x0bexample.org\0\0\0\x08\0\0\0\0\0\0\0\x01\0\0\0\x10",
            &[9; 16],
        ]
        .concat();
        assert_eq!(octets, expected);
    }

    #[test]
    fn no_two_proofs_are_signed_alike() {
        let (v4, v6) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        let all = [
            proof(),
            Proof { user: "alic", application: "eapp", ..proof() },
            Proof { id1: Pduid::from(1), ..proof() },
            Proof { id3: Some(&v4), ..proof() },
            Proof { id3: Some(&v6), ..proof() },
            Proof { realm: "example.com", ..proof() },
            Proof { time: 2, ..proof() },
            Proof { nonce: [8; 16], ..proof() },
        ];
        let distinct: std::collections::HashSet<_> = all.iter().map(Proof::octets).collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("correct horse");
        assert_eq!(format!("{secret:?} {:?}", Credential::Password(secret.clone())), "Secret(hidden) Password(hidden)");
    }
}
