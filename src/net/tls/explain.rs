//! What went wrong with TLS, for people: what happened, and what to change.

use std::io::{Error, ErrorKind};

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use super::certificate::{Certificate, date};

/// A handshake that failed. `seen`: the peer's certificate, if it came so far.
pub(super) fn handshake(error: &Error, seen: Option<&Certificate>) -> String {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls(error, seen);
    }
    match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => {
            let how = if error.kind() == ErrorKind::UnexpectedEof { "closed" } else { "reset" };
            format!(
                "it {how} the connection in the middle of the TLS handshake; does it speak plain Diameter there? then \
                 write \"tcp:\" instead of \"tls:\""
            )
        }
        _ => error.to_string(),
    }
}

/// A connection that broke after the handshake.
pub(super) fn broken(error: &rustls::Error) -> Error {
    let kind = match error {
        rustls::Error::AlertReceived(_) => ErrorKind::ConnectionAborted,
        _ => ErrorKind::InvalidData,
    };
    Error::new(kind, tls(error, None))
}

fn tls(error: &rustls::Error, seen: Option<&Certificate>) -> String {
    match error {
        rustls::Error::AlertReceived(alert) => self::alert(*alert),
        rustls::Error::InvalidCertificate(error) => certificate(error, seen),
        rustls::Error::NoCertificatesPresented => {
            "it shows no certificate, and one is required; give it one (TLS_Cred in freeDiameter)".to_owned()
        }
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::MessageTooLarge) => {
            "what it sends is no TLS; does it speak plain Diameter? then let it connect to a \"tcp:\" endpoint, or write \
             \"tcp:\" instead of \"tls:\""
                .to_owned()
        }
        rustls::Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::ServerDoesNotSupportTls12Or13,
        ) => "it speaks neither TLS 1.2 nor 1.3; let it speak one of them".to_owned(),
        rustls::Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon
            | PeerIncompatible::NoKxGroupsInCommon
            | PeerIncompatible::NoSignatureSchemesInCommon,
        ) => format!("it has no method of encryption in common with this node ({error}); see its list of priorities"),
        _ => format!("TLS failed: {error}"),
    }
}

fn certificate(error: &CertificateError, seen: Option<&Certificate>) -> String {
    let whose = seen.map_or_else(|| "its certificate".to_owned(), |seen| format!("its certificate, of {seen},"));
    match error {
        _ if seen.is_some_and(|seen| !seen.is_version_3) => {
            format!("{whose} is an X.509 certificate of version 1, which TLS does not take; sign one of version 3")
        }
        CertificateError::UnknownIssuer => {
            format!("{whose} is signed by nobody in the ca file of this node; add its issuer's certificate there")
        }
        CertificateError::BadSignature => {
            format!(
                "{whose} names an issuer that is in the ca file of this node, but another key signed it; is it of an \
                 authority made anew?"
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            let since = seen.map_or_else(String::new, |seen| format!(" since {}", date(seen.not_after)));
            format!(
                "{whose} or its issuer's is out of date{since}; give it a new one, or set the clock of this machine"
            )
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            let from = seen.map_or_else(String::new, |seen| format!(" until {}", date(seen.not_before)));
            format!("{whose} is not valid yet{from}; is the clock of this machine right?")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!(
                "{whose} may not be used in this role; a Diameter node needs serverAuth and clientAuth in its extended \
                 key usage, or none at all"
            )
        }
        other => {
            let debug = format!("{other:?}");
            if debug.contains("CaUsedAsEndEntity") {
                return format!(
                    "{whose} is that of an authority; sign one for the node itself, or add this very certificate to the \
                     ca file of this node"
                );
            }
            format!("{whose} cannot be accepted: {other}")
        }
    }
}

fn alert(alert: AlertDescription) -> String {
    let advice = match alert {
        AlertDescription::UnknownCA => {
            "it does not know who signed the certificate of this node; add that authority to its own (TLS_CA in \
             freeDiameter)"
        }
        AlertDescription::CertificateExpired => {
            "it finds the certificate of this node out of date; are both clocks right?"
        }
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            "it wants a certificate of this node and got none that suits it"
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::AccessDenied => {
            "it does not accept the certificate of this node; see that it names this node's identity and is signed by an \
             authority the peer knows"
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "it has no method of encryption in common with this node, or wants a certificate of another kind"
        }
        AlertDescription::ProtocolVersion => "it speaks neither TLS 1.2 nor 1.3",
        _ => return format!("it ended TLS with the alert {alert:?}"),
    };
    format!("{advice} (TLS alert {alert:?})")
}
