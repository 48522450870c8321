//! What proves who this node is and whom it believes: read from PEM files, judged at once.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ClientConfig, RootCertStore, ServerConfig};
use thiserror::Error;

use super::certificate::{Certificate, date};
use super::judge::{Judge, Trusted};

/// The three files, each in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The node's certificate, then those between it and the authority.
    pub certificate: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
    /// The authorities whose certificates are believed.
    pub ca: PathBuf,
}

/// Which of the [`Files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The node's certificate.
    Certificate,
    /// Its key.
    Key,
    /// The authorities.
    Ca,
}

/// Credentials that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: {fault}", path.display())]
pub struct CredentialsError {
    /// Which of the files.
    pub part: Part,
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: CredentialsFault,
}

/// What is wrong with a file of credentials.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CredentialsFault {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It is longer than any such file.
    #[error("it is longer than {MOST_OCTETS} octets; is it the right file?")]
    Long,
    /// Its PEM is damaged.
    #[error("it is no good PEM: {0}")]
    Pem(String),
    /// It holds no certificate.
    #[error("it holds no certificate; a PEM file with -----BEGIN CERTIFICATE----- is expected")]
    NoCertificate,
    /// It holds no key.
    #[error("it holds no private key; a PEM file with -----BEGIN PRIVATE KEY----- is expected")]
    NoKey,
    /// Its key is encrypted.
    #[error("its private key is encrypted; take the passphrase off with `openssl pkey -in FILE -out FILE2`")]
    Encrypted,
    /// One of its certificates cannot be read.
    #[error("its certificate number {number} cannot be used: {reason}")]
    Certificate {
        /// From 1.
        number: usize,
        /// What is wrong.
        reason: String,
    },
    /// The key is of no kind that is supported.
    #[error("its private key cannot be used ({0}); RSA of 2048 bits and more, ECDSA P-256 and P-384, and Ed25519 can")]
    Key(String),
    /// The key belongs to another certificate.
    #[error("it is not the key of {}, whose first certificate names {certificate}", path.display())]
    Mismatch {
        /// The file of the certificate.
        path: PathBuf,
        /// What the certificate says.
        certificate: Box<Certificate>,
    },
    /// The certificate is not valid any more.
    #[error("the certificate of {certificate} has expired on {}; get a new one", date(certificate.not_after))]
    Expired {
        /// What the certificate says.
        certificate: Box<Certificate>,
    },
    /// The certificate is not valid yet.
    #[error("the certificate of {certificate} is not valid before {}; is the clock right?", date(certificate.not_before))]
    Early {
        /// What the certificate says.
        certificate: Box<Certificate>,
    },
}

/// What is doubtful about good credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Which of the files.
    pub part: Part,
    /// A sentence.
    pub words: String,
}

/// What proves who this node is and whom it believes. Clones are one: what replaces one replaces all.
#[derive(Clone)]
pub struct Credentials {
    current: Arc<RwLock<Arc<Current>>>,
}

struct Current {
    provider: Arc<CryptoProvider>,
    own: Arc<SingleCertAndKey>,
    certificate: Certificate,
    trusted: Arc<Trusted>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("certificate", &self.current().certificate).finish_non_exhaustive()
    }
}

impl Credentials {
    /// Reads and judges the files at the time `now`, and says what is doubtful about them.
    ///
    /// # Errors
    /// The first thing that makes them useless.
    pub fn load(files: &Files, now: SystemTime) -> Result<(Self, Vec<Doubt>), CredentialsError> {
        let read =
            |part, path: &Path| read(path).map_err(|fault| CredentialsError { part, path: path.to_owned(), fault });
        let texts = Texts {
            certificate: read(Part::Certificate, &files.certificate)?,
            key: read(Part::Key, &files.key)?,
            ca: read(Part::Ca, &files.ca)?,
        };
        texts.judge(files, now)
    }

    /// What this node's certificate says.
    #[must_use]
    pub fn certificate(&self) -> Certificate {
        self.current().certificate.clone()
    }

    /// Puts others in their place: for the connections that begin from now on.
    pub fn replace(&self, others: &Self) {
        let others = others.current();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = others;
    }

    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    #[cfg(test)]
    pub(super) fn trusted(&self) -> Arc<Trusted> {
        Arc::clone(&self.current().trusted)
    }

    #[cfg(test)]
    pub(super) fn own(&self) -> Arc<SingleCertAndKey> {
        Arc::clone(&self.current().own)
    }

    /// For one connection that we open; its certificate is put into `seen`.
    pub(super) fn client(&self, seen: Arc<OnceLock<Certificate>>) -> Result<ClientConfig, rustls::Error> {
        let current = self.current();
        let judge = Arc::new(Judge { trusted: Arc::clone(&current.trusted), seen });
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&current.provider))
            .with_protocol_versions(&[&TLS12, &TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(judge)
            .with_client_cert_resolver(Arc::clone(&current.own) as _);
        // A session taken up again would not be judged again.
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    /// For one connection that a peer opens; its certificate is put into `seen`.
    pub(super) fn server(&self, seen: Arc<OnceLock<Certificate>>) -> Result<ServerConfig, rustls::Error> {
        let current = self.current();
        let judge = Arc::new(Judge { trusted: Arc::clone(&current.trusted), seen });
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&current.provider))
            .with_protocol_versions(&[&TLS12, &TLS13])?
            .with_client_cert_verifier(judge)
            .with_cert_resolver(Arc::clone(&current.own) as _);
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.ignore_client_order = true;
        Ok(config)
    }
}

/// What the files hold.
struct Texts {
    certificate: Vec<u8>,
    key: Vec<u8>,
    ca: Vec<u8>,
}

impl Texts {
    fn judge(&self, files: &Files, now: SystemTime) -> Result<(Credentials, Vec<Doubt>), CredentialsError> {
        let wrong = |part, fault| {
            let path = match part {
                Part::Certificate => &files.certificate,
                Part::Key => &files.key,
                Part::Ca => &files.ca,
            };
            CredentialsError { part, path: path.clone(), fault }
        };
        let of_node = |fault| wrong(Part::Certificate, fault);
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let second = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        let provider = Arc::new(provider());
        let mut doubts = Vec::new();

        let chain = certificates(&self.certificate).map_err(of_node)?;
        let (der, between) = chain.split_first().ok_or_else(|| of_node(CredentialsFault::NoCertificate))?;
        let unusable = |reason| CredentialsFault::Certificate { number: 1, reason };
        let certificate = Certificate::parse(der).map_err(|reason| of_node(unusable(reason)))?;
        if !certificate.is_version_3 {
            let reason = "it is of X.509 version 1, and TLS needs version 3; sign one with extensions";
            return Err(of_node(unusable(reason.to_owned())));
        }
        if second > certificate.not_after {
            return Err(of_node(CredentialsFault::Expired { certificate: certificate.into() }));
        }
        if second < certificate.not_before {
            return Err(of_node(CredentialsFault::Early { certificate: certificate.into() }));
        }
        let left = certificate.not_after.saturating_sub(second) / DAY;
        if left < SOON {
            let words = format!("the certificate of {certificate} expires in {left} days");
            doubts.push(Doubt { part: Part::Certificate, words });
        }

        let key = key(&self.key).map_err(|fault| wrong(Part::Key, fault))?;
        let own = CertifiedKey::from_der(chain.clone(), key, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let certificate = Box::new(certificate.clone());
                wrong(Part::Key, CredentialsFault::Mismatch { path: files.certificate.clone(), certificate })
            }
            error @ rustls::Error::InvalidCertificate(_) => of_node(unusable(error.to_string())),
            error => wrong(Part::Key, CredentialsFault::Key(error.to_string())),
        })?;

        let trusted = self.trusted(&provider, second, &mut doubts).map_err(|fault| wrong(Part::Ca, fault))?;
        if !trusted.listed.contains(der) && trusted.judge(der, between, UnixTime::since_unix_epoch(since)).is_err() {
            let words = format!(
                "{} does not lead to the authorities of {}: peers that know only those will refuse {certificate}",
                files.certificate.display(),
                files.ca.display()
            );
            doubts.push(Doubt { part: Part::Ca, words });
        }
        let own = Arc::new(SingleCertAndKey::from(own));
        let current = Current { provider, own, certificate, trusted: Arc::new(trusted) };
        Ok((Credentials { current: Arc::new(RwLock::new(Arc::new(current))) }, doubts))
    }

    fn trusted(
        &self,
        provider: &Arc<CryptoProvider>,
        second: i64,
        doubts: &mut Vec<Doubt>,
    ) -> Result<Trusted, CredentialsFault> {
        let listed = certificates(&self.ca)?;
        let mut roots = RootCertStore::empty();
        for (at, der) in listed.iter().enumerate() {
            let unusable = |reason| CredentialsFault::Certificate { number: at + 1, reason };
            let read = Certificate::parse(der).map_err(unusable)?;
            roots.add(der.clone()).map_err(|error| unusable(error.to_string()))?;
            if second > read.not_after {
                let words = format!("the certificate of {read} has expired on {}", date(read.not_after));
                doubts.push(Doubt { part: Part::Ca, words });
            }
        }
        let roots = Arc::new(roots);
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider)).build();
        let clients = clients.map_err(|_| CredentialsFault::NoCertificate)?;
        Ok(Trusted { roots, listed, algorithms: provider.signature_verification_algorithms, clients })
    }
}

/// Of a file of credentials, in octets.
const MOST_OCTETS: u64 = 1 << 20;

const DAY: i64 = 86_400;

/// From how many days before its end a certificate is spoken of.
const SOON: i64 = 30;

fn read(path: &Path) -> Result<Vec<u8>, CredentialsFault> {
    let unreadable = |error: std::io::Error| CredentialsFault::Unreadable(error.to_string());
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut octets = Vec::new();
    file.take(MOST_OCTETS + 1).read_to_end(&mut octets).map_err(unreadable)?;
    if octets.len() as u64 > MOST_OCTETS { Err(CredentialsFault::Long) } else { Ok(octets) }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CredentialsFault> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| CredentialsFault::Pem(error.to_string()))?;
    if all.is_empty() { Err(CredentialsFault::NoCertificate) } else { Ok(all) }
}

fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, CredentialsFault> {
    use rustls::pki_types::pem::Error;
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        _ if pem.windows(9).any(|window| window == b"ENCRYPTED") => CredentialsFault::Encrypted,
        Error::NoItemsFound => CredentialsFault::NoKey,
        error => CredentialsFault::Pem(error.to_string()),
    })
}

/// ring's, where ChaCha20 comes first in TLS 1.2: AES-GCM there must end after 2^24 records, in the middle of a week.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    let of_old_chacha = [
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ];
    provider.cipher_suites.sort_by_key(|suite| {
        let is_old = suite.tls13().is_none();
        (is_old, is_old && !of_old_chacha.contains(&suite.suite()))
    });
    provider
}
