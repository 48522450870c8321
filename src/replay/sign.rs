//! Message 1 of the framed PC3, signed anew: a captured proof was good for one moment and one ID1.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::script::{Script, Side};
use crate::avp::Avps;
use crate::avp::dictionary::{ProofNonce, ProofTime, UserCredential, UserCredentialType, write_raw, write_whole};
use crate::interfaces::pc3::{APPLICATION, UserRegistrationRequest};
use crate::message::declare::finish_message;
use crate::message::{Command, HEADER_LENGTH, Header};
use crate::registration::Entropy;
use crate::registration::credential::{Proof, Signer};
use crate::registration::identifiers::{FunctionAddress, Pduid};

/// The keys of the users whose proofs are signed anew.
#[derive(Clone)]
pub struct Signers {
    keys: HashMap<String, Arc<dyn Signer>>,
    entropy: Entropy,
}

impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signers({})", self.keys.len())
    }
}

impl Signers {
    /// No keys yet. `seed` comes from the operating system's randomness: no nonce is used twice.
    #[must_use]
    pub fn new(seed: [u8; 16]) -> Self {
        Self { keys: HashMap::new(), entropy: Entropy::new(seed) }
    }

    /// Signs for this user with this key from now on; true when it had one already.
    pub fn add(&mut self, user: &str, key: Arc<dyn Signer>) -> bool {
        self.keys.insert(user.to_owned(), key).is_some()
    }

    /// Whether there is a key of this user.
    #[must_use]
    pub fn has(&self, user: &str) -> bool {
        self.keys.contains_key(user)
    }

    /// A message 1 with another proof of now (since 1970), of the ID1 and to the realm that it has become; `None` for what is
    /// none, carries no proof, or is of another user.
    pub(super) fn sign(&mut self, message: &[u8], unix: Duration) -> Option<Vec<u8>> {
        let header = Header::parse(message)?;
        if self.keys.is_empty() || !is_message_1(&header) {
            return None;
        }
        let request = UserRegistrationRequest::decode(message).ok()?;
        let key = self.keys.get(request.user_name)?;
        if request.user_credential_type != UserCredentialType::SIGNED_PROOF {
            return None;
        }
        let name = request.prose_function_id.and_then(|name| FunctionAddress::from_name_octets(name).ok());
        let address = request.prose_function_address.and_then(|address| address.ip()).map(FunctionAddress::from);
        let id3 = name.or(address);
        let time = u64::try_from(unix.as_millis()).unwrap_or(u64::MAX);
        let nonce = self.entropy.sixteen();
        let proof = Proof {
            user: request.user_name,
            id1: Pduid::from_octets(request.pduid).ok()?,
            id3: id3.as_ref(),
            application: request.prose_app_id,
            realm: request.destination_realm,
            time,
            nonce,
        };
        let signature = key.sign(&proof.octets());
        let (head, body) = message.split_at_checked(HEADER_LENGTH)?;
        let mut out = Vec::with_capacity(message.len());
        out.extend_from_slice(head);
        for avp in Avps::new(body).map_while(Result::ok) {
            match avp.key.0 {
                UserCredential::KEY => write_raw(avp.key, avp.flags, &signature, &mut out),
                ProofTime::KEY => write_raw(avp.key, avp.flags, &time.to_be_bytes(), &mut out),
                ProofNonce::KEY => write_raw(avp.key, avp.flags, &nonce, &mut out),
                _ => write_whole(&avp, &mut out),
            }
        }
        finish_message(0, &mut out);
        *out.first_mut()? = *head.first()?;
        Some(out)
    }
}

fn is_message_1(header: &Header) -> bool {
    header.is_request() && header.application == APPLICATION && header.code == UserRegistrationRequest::DEFINITION.code
}

/// The users whose proofs a side of some conversations carries, each with the first frame: whoever replays them needs their
/// keys. `ours` says whether we play that side.
pub fn proved(script: &Script, ours: impl Fn(usize, Side) -> bool) -> BTreeMap<String, u64> {
    let mut users = BTreeMap::new();
    for step in script.steps.iter().filter(|step| is_message_1(&step.header) && ours(step.conversation, step.from)) {
        if let Ok(request) = UserRegistrationRequest::decode(&step.bytes)
            && request.user_credential_type == UserCredentialType::SIGNED_PROOF
        {
            users.entry(request.user_name.to_owned()).or_insert(step.frame);
        }
    }
    users
}
