//! The section `[tls]`.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use toml::Spanned;

use super::file::Wrong;
use crate::net::Credentials;
use crate::net::tls::{Files, Part};

/// Of a configuration that speaks of TLS and has no section for it.
pub(super) const MISSING: &str = "for TLS the node needs a section [tls] with certificate = \"NODE.pem\", key = \
                                  \"NODE.key\" and ca = \"CA.pem\"";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsSection {
    certificate: Spanned<PathBuf>,
    key: Spanned<PathBuf>,
    ca: Spanned<PathBuf>,
}

impl TlsSection {
    /// Reads the files; their paths start from `folder`. What is doubtful goes into `warnings`.
    pub(super) fn judge(&self, folder: &Path, identity: &str, warnings: &mut Vec<Wrong>) -> Result<Credentials, Wrong> {
        let span = |part| match part {
            Part::Certificate => Some(self.certificate.span()),
            Part::Key => Some(self.key.span()),
            Part::Ca => Some(self.ca.span()),
        };
        let files = Files {
            certificate: folder.join(self.certificate.get_ref()),
            key: folder.join(self.key.get_ref()),
            ca: folder.join(self.ca.get_ref()),
        };
        let loaded = Credentials::load(&files, SystemTime::now());
        let (credentials, doubts) = loaded.map_err(|error| (span(error.part), error.to_string()))?;
        warnings.extend(doubts.into_iter().map(|doubt| (span(doubt.part), doubt.words)));
        let certificate = credentials.certificate();
        if !certificate.covers(identity) {
            let words = format!(
                "{} does not name {identity} but {certificate}: peers that compare the two will refuse this node",
                files.certificate.display()
            );
            warnings.push((span(Part::Certificate), words));
        }
        Ok(credentials)
    }
}
