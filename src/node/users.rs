//! What proves users: hashes of passwords and Ed25519 keys, as files and commands have them; and the judging itself.

use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use argon2::password_hash::phc;
use argon2::{Argon2, Params, PasswordHasher as _, PasswordVerifier as _};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{self, PemObject as _};
use thiserror::Error;

use crate::registration::app_server::users;
use crate::registration::app_server::{PasswordHash, PublicKey, Question, User, UserError};
use crate::registration::credential::{Credential, SIGNATURE_OCTETS, Secret, Signer};
use crate::registration::{AppServerConfig, UeConfig};

/// What is wrong with a password's hash or a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// The hash is none that is understood.
    #[error("this is no argon2id hash in PHC format ({0}); `proselink user hash` makes one")]
    Hash(String),
    /// Judging it would take too much.
    #[error(
        "its parameters ask for {kibibytes} KiB and {passes} passes; at most {MOST_KIBIBYTES} KiB and {MOST_PASSES} are allowed"
    )]
    Expensive {
        /// Memory of one hash.
        kibibytes: u32,
        /// Passes over it.
        passes: u32,
    },
    /// The text is no PEM of a private key.
    #[error(
        "-----BEGIN PRIVATE KEY----- is expected, as `proselink user key` or `openssl genpkey -algorithm ed25519` writes it"
    )]
    NoKey,
    /// A key that needs a passphrase.
    #[error("the private key is encrypted; take the passphrase off with `openssl pkey -in FILE -out FILE2`")]
    Encrypted,
    /// Another kind of key.
    #[error("the private key is no Ed25519 key in PKCS#8 ({0})")]
    Kind(String),
    /// The system gives no randomness.
    #[error("the system gives no randomness: {0}")]
    Randomness(String),
}

/// Memory that one hash may take, in KiB.
const MOST_KIBIBYTES: u32 = 1 << 20;
/// Passes that one hash may make.
const MOST_PASSES: u32 = 64;
/// A file of a key is no longer than this.
const MOST_KEY_OCTETS: u64 = 64 << 10;
/// A file of users is no longer than this.
const MOST_USERS_OCTETS: u64 = 1 << 30;

/// Answers a question about a user. Takes its time: not for a task that others wait for.
///
/// # Errors
/// The hash of the user is none, or there is no memory for it: nobody can tell.
pub fn judge(question: &Question) -> Result<bool, String> {
    match question {
        Question::Password { hash, password } => {
            match Argon2::default().verify_password(password.reveal(), hash.as_str()) {
                Ok(()) => Ok(true),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error.to_string()),
            }
        }
        Question::Signature { key, octets, signature } => {
            Ok(UnparsedPublicKey::new(&ED25519, key.0).verify(octets, signature).is_ok())
        }
    }
}

/// The argon2id hash of a password with a new salt: 19 MiB, two passes, as OWASP asks.
///
/// # Errors
/// No randomness, or no memory.
pub fn hash(password: &[u8]) -> Result<PasswordHash, SecretError> {
    hash_with(password, Params::default())
}

fn hash_with(password: &[u8], params: Params) -> Result<PasswordHash, SecretError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| SecretError::Randomness(error.to_string()))?;
    let made = Argon2::from(params).hash_password_with_salt(password, &salt);
    let made = made.map_err(|error| SecretError::Hash(error.to_string()))?.to_string();
    made.parse().map_err(|error: UserError| SecretError::Hash(error.to_string()))
}

/// Whether a hash can be judged, and at what cost.
fn affordable(hash: &PasswordHash) -> Result<(), SecretError> {
    let wrong = |error: argon2::password_hash::Error| SecretError::Hash(error.to_string());
    let parsed = phc::PasswordHash::new(hash.as_str()).map_err(|error| SecretError::Hash(error.to_string()))?;
    if parsed.salt.is_none() || parsed.hash.is_none() {
        return Err(SecretError::Hash("salt or hash is missing".to_owned()));
    }
    let params = Params::try_from(&parsed).map_err(wrong)?;
    let (kibibytes, passes) = (params.m_cost(), params.t_cost());
    if kibibytes > MOST_KIBIBYTES || passes > MOST_PASSES {
        return Err(SecretError::Expensive { kibibytes, passes });
    }
    Ok(())
}

/// An Ed25519 private key.
pub struct PrivateKey(Ed25519KeyPair);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(of {})", self.public())
    }
}

/// What PKCS#8 puts in front of the 32 octets of a key. RFC 8410 section 7.
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

impl PrivateKey {
    /// A new key, and its PKCS#8 PEM.
    ///
    /// # Errors
    /// No randomness.
    pub fn generate() -> Result<(Self, Secret), SecretError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| SecretError::Randomness(error.to_string()))?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|error| SecretError::Kind(error.to_string()))?;
        let text = data_encoding::BASE64.encode(&[&PKCS8_HEAD[..], &seed].concat());
        let pem = Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"));
        seed.fill(0);
        Ok((Self(pair), pem))
    }

    /// A key out of its PKCS#8 PEM.
    ///
    /// # Errors
    /// It is none, is encrypted, or is another kind of key.
    pub fn from_pem(text: &[u8]) -> Result<Self, SecretError> {
        let der = PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
            _ if text.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED) => SecretError::Encrypted,
            pem::Error::NoItemsFound => SecretError::NoKey,
            _ => SecretError::NoKey,
        })?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_der());
        pair.map(Self).map_err(|error| SecretError::Kind(error.to_string()))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(key)
    }
}

const ENCRYPTED: &[u8] = b"BEGIN ENCRYPTED PRIVATE KEY";

impl Signer for PrivateKey {
    fn sign(&self, octets: &[u8]) -> [u8; SIGNATURE_OCTETS] {
        let mut signature = [0; SIGNATURE_OCTETS];
        signature.copy_from_slice(self.0.sign(octets).as_ref());
        signature
    }
}

/// Reads the files that an app server's users stand in, and judges all of its users.
///
/// # Errors
/// The first thing that is wrong, with file and line.
pub fn read_users(config: &mut AppServerConfig, folder: &Path) -> Result<(), String> {
    if let Some(file) = &config.keys {
        let users = lines::<PublicKey>(&folder.join(file))?;
        config.users.extend(users.into_iter().map(|(name, key)| User::with_key(&name, key)));
    }
    if let Some(file) = &config.passwords {
        let users = lines::<PasswordHash>(&folder.join(file))?;
        config.users.extend(users.into_iter().map(|(name, hash)| User::with_password(&name, hash)));
    }
    let (mut keys, mut passwords) = (std::collections::HashSet::new(), std::collections::HashSet::new());
    for user in &config.users {
        if user.key.is_none() && user.password.is_none() {
            return Err(format!("the user {} has neither key nor password", user.name));
        }
        let again = user.key.is_some() && !keys.insert(&user.name);
        if again || user.password.is_some() && !passwords.insert(&user.name) {
            return Err(format!("the user {} is there twice", user.name));
        }
        if let Some(hash) = &user.password {
            affordable(hash).map_err(|error| format!("the password of {}: {error}", user.name))?;
        }
    }
    Ok(())
}

fn lines<T: FromStr<Err = UserError>>(path: &Path) -> Result<Vec<(String, T)>, String> {
    let text = text(path, MOST_USERS_OCTETS)?;
    let text = std::str::from_utf8(text.reveal()).map_err(|_| format!("{}: it is no text", path.display()))?;
    users::read(text).map_err(|(line, error)| format!("{}:{line}: {error}", path.display()))
}

/// Reads the keys that UEs prove their users by.
///
/// # Errors
/// The first thing that is wrong.
pub fn read_keys(config: &mut UeConfig, folder: &Path) -> Result<(), String> {
    for device in &mut config.devices {
        let (of, pem) = match &device.credential {
            Credential::KeyFile(file) => {
                let path = folder.join(file);
                (path.display().to_string(), text(&path, MOST_KEY_OCTETS)?)
            }
            Credential::KeyText(pem) => (format!("the key of {}", device.user), pem.clone()),
            Credential::Password(_) | Credential::Key(_) => continue,
        };
        let key = PrivateKey::from_pem(pem.reveal()).map_err(|error| format!("{of}: {error}"))?;
        device.credential = Credential::Key(Arc::new(key));
    }
    Ok(())
}

/// Reads a user's private key.
///
/// # Errors
/// The file cannot be read, or is no key; with its name.
pub fn read_key(path: &Path) -> Result<PrivateKey, String> {
    let pem = text(path, MOST_KEY_OCTETS)?;
    PrivateKey::from_pem(pem.reveal()).map_err(|error| format!("{}: {error}", path.display()))
}

fn text(path: &Path, most: u64) -> Result<Secret, String> {
    let wrong = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let mut octets = Vec::new();
    std::fs::File::open(path).map_err(wrong)?.take(most + 1).read_to_end(&mut octets).map_err(wrong)?;
    if octets.len() as u64 > most {
        return Err(format!("{} is longer than {most} octets; is it the right file?", path.display()));
    }
    Ok(Secret::new(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One pass over 8 KiB: for tests only.
    fn quick(password: &str) -> PasswordHash {
        hash_with(password.as_bytes(), Params::new(8, 1, 1, None).unwrap()).unwrap()
    }

    #[test]
    fn a_password_is_known_by_its_hash() {
        let hash = quick("correct horse");
        let ask = |hash: &PasswordHash, password: &str| {
            judge(&Question::Password { hash: hash.clone(), password: Secret::new(password) })
        };
        assert_eq!((ask(&hash, "correct horse"), ask(&hash, "wrong")), (Ok(true), Ok(false)));
        assert_ne!(hash, quick("correct horse"), "every hash has a salt of its own");
        let damaged: PasswordHash = "$argon2id$v=19$m=8,t=1,p=1$*$*".parse().unwrap();
        assert!(ask(&damaged, "x").is_err(), "nobody can tell");
        assert!(matches!(affordable(&damaged), Err(SecretError::Hash(_))));
        let dear: PasswordHash = hash.as_str().replace("m=8", "m=4000000").parse().unwrap();
        assert_eq!(affordable(&dear), Err(SecretError::Expensive { kibibytes: 4_000_000, passes: 1 }));
    }

    #[test]
    fn a_key_signs_and_its_public_half_tells() {
        let (key, pem) = PrivateKey::generate().unwrap();
        let again = PrivateKey::from_pem(pem.reveal()).unwrap();
        assert_eq!(key.public(), again.public());
        let ask = |octets: &[u8], signature| {
            judge(&Question::Signature { key: key.public(), octets: octets.into(), signature })
        };
        assert_eq!(ask(b"one", again.sign(b"one")), Ok(true));
        assert_eq!(ask(b"two", again.sign(b"one")), Ok(false));
        assert!(!format!("{key:?} {pem:?}").contains("BEGIN"), "a private key is not shown");
    }

    /// RFC 8410 section 10.3: the key of its example, as OpenSSL writes it.
    #[test]
    fn a_key_of_openssl_is_read() {
        let pem = "-----BEGIN PRIVATE KEY-----\n\
                   MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                   -----END PRIVATE KEY-----\n";
        let public = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
        assert_eq!(PrivateKey::from_pem(pem.as_bytes()).unwrap().public(), public.parse().unwrap());
        assert_eq!(PrivateKey::from_pem(b"nothing").unwrap_err(), SecretError::NoKey);
        let encrypted = pem.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE").replace("END P", "END ENCRYPTED P");
        assert_eq!(PrivateKey::from_pem(encrypted.as_bytes()).unwrap_err(), SecretError::Encrypted);
        let other = pem.replace("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vu");
        assert!(matches!(PrivateKey::from_pem(other.as_bytes()), Err(SecretError::Kind(_))));
    }

    #[test]
    fn files_of_users_are_read_and_judged() {
        let folder = tempfile::tempdir().unwrap();
        let (key, _) = PrivateKey::generate().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("keys", &format!("alice:{}\n", key.public()));
        write("passwords", &format!("# of the lab\nalice:{}\n", quick("a").as_str()));
        let files = || AppServerConfig {
            keys: Some("keys".to_owned()),
            passwords: Some("passwords".to_owned()),
            ..AppServerConfig::new(vec!["app".to_owned()])
        };
        let mut config = files();
        read_users(&mut config, folder.path()).unwrap();
        assert_eq!(config.users.len(), 2);
        let error = read_users(&mut config, folder.path()).unwrap_err();
        assert_eq!(error, "the user alice is there twice");
        write("passwords", "alice:\nbob:secret");
        let error = read_users(&mut files(), folder.path()).unwrap_err();
        assert!(error.contains("passwords:1: a hash that begins with $argon2id$"), "{error}");
        assert!(!error.contains("secret"), "{error}");
        let error = read_users(&mut files(), Path::new("nowhere")).unwrap_err();
        assert!(error.contains("nowhere/keys cannot be read"), "{error}");
    }
}
