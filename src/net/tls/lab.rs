//! Authorities and nodes of a lab, for tests.

use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::{Credentials, CredentialsError, Doubt, Files};

/// An authority of a lab.
pub(crate) struct Authority(pub(crate) CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn sign(&self, params: &CertificateParams) -> [String; 3] {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        [certificate.pem(), key.serialize_pem(), self.0.pem()]
    }
}

/// A certificate of a node that is named as labs do it: in the common name alone.
pub(crate) fn node(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

pub(crate) fn load(pem: &[String; 3]) -> Result<(Credentials, Vec<Doubt>), CredentialsError> {
    load_in(pem, 2026)
}

/// As if it were the middle of that year.
pub(crate) fn load_in(pem: &[String; 3], year: i64) -> Result<(Credentials, Vec<Doubt>), CredentialsError> {
    load_at(pem, ((year - 1970) as u64 * 31_557_600) + 182 * 86_400)
}

pub(crate) fn load_at(pem: &[String; 3], second: u64) -> Result<(Credentials, Vec<Doubt>), CredentialsError> {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key, ca] = ["node.pem", "node.key", "ca.pem"].map(|name| folder.path().join(name));
    for (path, text) in [&certificate, &key, &ca].into_iter().zip(pem) {
        std::fs::write(path, text).unwrap();
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
    Credentials::load(&Files { certificate, key, ca }, now).map_err(|mut error| {
        error.path = error.path.file_name().unwrap().into();
        error
    })
}
