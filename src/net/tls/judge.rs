//! Whether a peer's certificate holds: its chain and its time. Whom it names is compared with CER and CEA later, because
//! only there the peer says who it is; and the certificates of labs name their node in the common name, which the
//! libraries of the web do not look at.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use super::certificate::Certificate;

/// Whom this node believes.
#[derive(Debug)]
pub(super) struct Trusted {
    pub(super) roots: Arc<RootCertStore>,
    /// Every certificate of the ca file. A node that shows one of these itself is believed as it is: a self-signed
    /// certificate is its own authority.
    pub(super) listed: Vec<CertificateDer<'static>>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    /// Judges chains of those that connect to us.
    pub(super) clients: Arc<dyn ClientCertVerifier>,
}

impl Trusted {
    fn is_listed(&self, certificate: &CertificateDer<'_>) -> bool {
        self.listed.iter().any(|listed| listed.as_ref() == certificate.as_ref())
    }

    /// Judges the certificate of a node that we call, or our own.
    pub(super) fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, between, now, self.algorithms.all)
    }
}

/// Judges the certificate of one connection and keeps what it says.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) trusted: Arc<Trusted>,
    pub(super) seen: Arc<OnceLock<Certificate>>,
}

impl Judge {
    /// True when nothing is left to be judged; false when its chain is.
    fn look(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> Result<bool, Error> {
        let read = Certificate::parse(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let read = self.seen.get_or_init(|| read);
        if !self.trusted.is_listed(certificate) {
            return Ok(false);
        }
        let second = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if second < read.not_before {
            return Err(CertificateError::NotValidYet.into());
        }
        if second > read.not_after {
            return Err(CertificateError::Expired.into());
        }
        Ok(true)
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.look(certificate, now)? {
            self.trusted.judge(certificate, between, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.trusted.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.trusted.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trusted.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Judge {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.trusted.clients.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.look(certificate, now)? {
            return Ok(ClientCertVerified::assertion());
        }
        self.trusted.clients.verify_client_cert(certificate, between, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.trusted.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.trusted.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trusted.algorithms.supported_schemes()
    }
}
