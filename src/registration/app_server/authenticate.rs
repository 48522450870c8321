//! Who the user is. Requirement AS-1.
//!
//! What can be judged at once is judged by a [`UserAuthenticator`]; what takes its time is a [`Question`] that the node
//! answers beside its task, so that one user's hash holds up no other:
//!
//! ```text
//! message 1 ─► begin: kind, time, who ─► Action::Authenticate ─► (hash, signature) ─► Event::Authenticated ─► finish: replay
//! ```

use std::fmt;
use std::sync::Arc;

use crate::registration::credential::{SIGNATURE_OCTETS, Secret};
use crate::registration::element::Now;
use crate::registration::identifiers::{FunctionAddress, Pduid};

use super::proofs::Nonce;
use super::users::{PasswordHash, PublicKey};

/// What message 1 says of its user, and what it is bound to.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// User-Name.
    pub user: &'a str,
    /// User-Credential-Type.
    pub kind: i32,
    /// User-Credential.
    pub credential: &'a [u8],
    /// Proof-Time, milliseconds since 1970-01-01 UTC.
    pub time: Option<u64>,
    /// Proof-Nonce.
    pub nonce: Option<[u8; 16]>,
    /// ID1.
    pub id1: Pduid,
    /// ID3, when message 1 carries one.
    pub id3: Option<&'a FunctionAddress>,
    /// ProSe-App-Id.
    pub application: &'a str,
    /// Realm of this server.
    pub realm: &'a str,
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
    /// A password that anybody on the way could read.
    #[error("a password is taken over a protected connection only: connect over TLS, or prove the user by a key")]
    Unprotected,
    /// A proof from another time.
    #[error("the proof was made {off} s {direction}, at most {window} are allowed: is the clock right?", direction = if *.early { "in the future" } else { "ago" })]
    Stale {
        /// By how many seconds its time is not ours.
        off: u64,
        /// Whether it is ahead of ours.
        early: bool,
        /// How many are allowed.
        window: u64,
    },
    /// A proof from before this server's memory of nonces begins.
    #[error("the proof was made before this server started: make another")]
    Forgotten,
    /// A proof that was used before.
    #[error("the proof was used before: make another")]
    Replayed,
    /// More proofs are remembered than there is room for.
    #[error("too many proofs at a time: try again later")]
    Busy,
}

/// A way to prove users. It keeps what it needs against replays itself, hence `&mut`.
pub trait UserAuthenticator: fmt::Debug + Send {
    /// The User-Credential-Type that it judges.
    fn kind(&self) -> i32;

    /// The server starts: called once, before any claim.
    fn start(&mut self, _now: Now) {}

    /// Judges what can be judged at once, and asks what takes its time.
    ///
    /// # Errors
    /// The user is not proved.
    fn begin(&mut self, now: Now, claim: &Claim<'_>) -> Result<Inquiry, NotProved>;

    /// The question was answered with yes: is the proof good for this once?
    ///
    /// # Errors
    /// It was used before, or nobody could tell.
    fn finish(&mut self, _now: Now, _pledge: &Pledge) -> Result<(), NotProved> {
        Ok(())
    }
}

/// What an authenticator wants to know, and what it keeps until it does.
#[derive(Debug)]
pub struct Inquiry {
    /// What takes its time.
    pub question: Question,
    /// Comes back to [`UserAuthenticator::finish`].
    pub pledge: Pledge,
}

/// What an authenticator keeps while its question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pledge {
    /// False for an unknown user: the question is asked of a stranger's secret, to take the same time, and its answer
    /// does not count.
    pub genuine: bool,
    /// What must not come twice.
    pub nonce: Option<Nonce>,
}

/// A computation that takes its time and needs nothing but these values.
#[derive(Clone, Debug)]
pub enum Question {
    /// Is this the password of the hash? Takes tens of milliseconds and of megabytes.
    Password {
        /// An argon2id hash in PHC format.
        hash: PasswordHash,
        /// What message 1 carries.
        password: Secret,
    },
    /// Is this the Ed25519 signature of the octets?
    Signature {
        /// The user's key.
        key: PublicKey,
        /// What was signed.
        octets: Arc<[u8]>,
        /// What message 1 carries.
        signature: [u8; SIGNATURE_OCTETS],
    },
}

impl Question {
    /// Whether its cost is that of a memory-hard hash, so that few may be answered at a time.
    #[must_use]
    pub const fn is_costly(&self) -> bool {
        matches!(self, Self::Password { .. })
    }
}
