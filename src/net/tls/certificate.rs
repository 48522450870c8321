//! What a certificate says of its holder, and whether that is the node that stands in a CER or CEA.

use std::fmt;

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

/// What a certificate names, and from when to when it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The whole subject, e.g. `O=Lab, CN=hss.example`.
    pub subject: String,
    /// The whole subject of who signed it.
    pub issuer: String,
    /// The subject's common names. They count only when `alternative` is `None`.
    pub common_names: Vec<String>,
    /// The names of subjectAltName that may be Diameter identities; `None` without that extension.
    pub alternative: Option<Vec<String>>,
    /// The first second it is valid, since 1970.
    pub not_before: i64,
    /// The last second it is valid, since 1970.
    pub not_after: i64,
    /// False for version 1, which TLS does not take.
    pub is_version_3: bool,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// What is wrong with its encoding.
    pub fn parse(der: &[u8]) -> Result<Self, String> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        if !rest.is_empty() {
            return Err(format!("{} octets follow it", rest.len()));
        }
        let subject = certificate.subject();
        let common_names = subject.iter_common_name().filter_map(|name| name.as_str().ok()).map(str::to_owned);
        let extension = certificate.subject_alternative_name().map_err(|error| error.to_string())?;
        let alternative = extension.map(|extension| {
            let names = extension.value.general_names.iter();
            names
                .filter_map(|name| match name {
                    GeneralName::DNSName(name) => Some((*name).to_owned()),
                    GeneralName::URI(uri) => host_of_uri(uri).map(str::to_owned),
                    _ => None,
                })
                .collect()
        });
        Ok(Self {
            subject: subject.to_string(),
            issuer: certificate.issuer().to_string(),
            common_names: common_names.collect(),
            alternative,
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            is_version_3: certificate.version() == X509Version::V3,
        })
    }

    /// The names that count: those of subjectAltName (dNSName, and the host of an `aaa:` or `aaas:` URI), or else, without
    /// that extension, the subject's common names. RFC 6125 section 6.4.4.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.alternative.as_ref().unwrap_or(&self.common_names).iter().map(String::as_str)
    }

    /// True when a node of this name may hold it. Case is nothing; `*.example` names every host right below `example`.
    #[must_use]
    pub fn covers(&self, identity: &str) -> bool {
        let identity = identity.trim_end_matches('.');
        !identity.is_empty() && self.names().any(|name| matches(name.trim_end_matches('.'), identity))
    }
}

impl fmt::Display for Certificate {
    /// Its names, its subject, its issuer. What comes from a stranger is escaped and cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.names().peekable();
        if names.peek().is_none() {
            f.write_str("no host name")?;
        }
        for (at, name) in names.by_ref().take(MOST_SHOWN).enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { ", " }, shown(name))?;
        }
        match names.count() {
            0 => {}
            more => write!(f, " and {more} more")?,
        }
        write!(f, " (subject {}, issued by {})", shown(&self.subject), shown(&self.issuer))
    }
}

/// Names of a certificate that a log line shows.
const MOST_SHOWN: usize = 8;

fn shown(text: &str) -> String {
    if text.is_empty() {
        return "empty".to_owned();
    }
    text.chars().take(128).flat_map(char::escape_debug).collect()
}

/// `aaa://HOST`, with whatever may follow. RFC 6733 section 4.3.1.
fn host_of_uri(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once("://")?;
    let is_diameter = scheme.eq_ignore_ascii_case("aaa") || scheme.eq_ignore_ascii_case("aaas");
    let host = rest.split([':', ';', '/']).next().unwrap_or_default();
    (is_diameter && !host.is_empty()).then_some(host)
}

fn matches(name: &str, identity: &str) -> bool {
    if name.eq_ignore_ascii_case(identity) {
        return true;
    }
    match (name.strip_prefix("*."), identity.split_once('.')) {
        // `*.org` would stand for too much.
        (Some(below), Some((first, rest))) => {
            !first.is_empty() && below.contains('.') && below.eq_ignore_ascii_case(rest)
        }
        _ => false,
    }
}

/// A second since 1970 as a date.
pub(super) fn date(second: i64) -> String {
    jiff::Timestamp::from_second(second).map_or_else(|_| format!("second {second}"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(common_names: &[&str], alternative: Option<&[&str]>) -> Certificate {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Certificate {
            subject: "CN=a".to_owned(),
            issuer: "CN=ca".to_owned(),
            common_names: own(common_names),
            alternative: alternative.map(own),
            not_before: 0,
            not_after: 0,
            is_version_3: true,
        }
    }

    #[test]
    fn the_common_name_counts_only_without_alternative_names() {
        assert!(named(&["hss.example"], None).covers("HSS.example."));
        assert!(!named(&["hss.example"], Some(&[])).covers("hss.example"));
        assert!(!named(&["hss.example"], Some(&["mme.example"])).covers("hss.example"));
        assert!(named(&["hss.example"], Some(&["mme.example", "a"])).covers("mme.example"));
        assert!(!named(&[], None).covers("hss.example"));
        assert!(!named(&[""], None).covers(""));
    }

    #[test]
    fn an_asterisk_stands_for_one_label() {
        let certificate = named(&[], Some(&["*.epc.example"]));
        assert!(certificate.covers("hss.epc.example"));
        for other in ["epc.example", "a.hss.epc.example", ".epc.example", "hss.example"] {
            assert!(!certificate.covers(other), "{other}");
        }
        assert!(!named(&[], Some(&["*.example"])).covers("hss.example"));
        assert!(!named(&[], Some(&["h*.epc.example"])).covers("hss.epc.example"));
    }

    #[test]
    fn the_host_of_a_diameter_uri_is_a_name() {
        for (uri, host) in [
            ("aaa://hss.example", Some("hss.example")),
            ("AAAS://hss.example:5868;transport=tcp", Some("hss.example")),
            ("aaa://hss.example;transport=tcp", Some("hss.example")),
            ("https://hss.example", None),
            ("aaa://", None),
            ("hss.example", None),
        ] {
            assert_eq!(host_of_uri(uri), host, "{uri}");
        }
    }

    #[test]
    fn a_strangers_names_do_not_break_the_log() {
        let text = named(&["a\nb\u{1b}[31m"], None).to_string();
        assert_eq!(text, "a\\nb\\u{1b}[31m (subject CN=a, issued by CN=ca)");
        let many: Vec<String> = (0..20).map(|number| format!("h{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(named(&[], Some(&many)).to_string().starts_with("h0, h1, h2, h3, h4, h5, h6, h7 and 12 more (subject"));
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(Certificate::parse(b"").is_err());
        assert!(Certificate::parse(&[0x30, 0x82, 0xff, 0xff, 1, 2]).is_err());
    }
}
