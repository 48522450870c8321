//! ID3 and ID5: where a function is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// ID3 (and ID5), the address of a function: a name or an IP address.
///
/// A name travels as ProSe-Function-ID (3602), plain ASCII without length octets and without a final dot; an
/// address travels in an AVP of type Address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FunctionAddress {
    Fqdn(Fqdn),
    Ipv4(Ipv4Addr),
    Ipv6(Ipv6Addr),
}

/// A fully qualified domain name of letters, digits and hyphens, in lower case and without a final dot.
///
/// At least two labels, RFC 1123 2.1 and TS 23.003 19.4.2; a last label of digits alone is refused, being half an
/// IPv4 address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fqdn(Box<str>);

/// What is not the address of a function. Positions count labels from one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the address of a function is empty")]
    Empty,
    #[error("a name has at most 253 characters, this has {0}")]
    NameLength(usize),
    #[error("label {position} has {length} characters, 1 to 63 are allowed")]
    LabelLength { position: usize, length: usize },
    #[error("label {position} begins or ends with a hyphen")]
    Hyphen { position: usize },
    #[error("label {position} holds octet {octet:#04x}; letters, digits and hyphens are allowed")]
    Character { position: usize, octet: u8 },
    #[error("a name has at least two labels, such as pf.example.org")]
    NotQualified,
    #[error("a name that ends in digits is taken for an IPv4 address, and it is none")]
    Numeric,
    #[error("octet {0} of the name is not ASCII")]
    NotAscii(usize),
}

impl Fqdn {
    /// Longest name in characters, RFC 1035 3.1 less its length octets.
    pub const MOST_CHARACTERS: usize = 253;

    /// Checks and normalises a name; one final dot is taken off.
    ///
    /// # Errors
    /// Says which label breaks which rule.
    pub fn new(name: &str) -> Result<Self, AddressError> {
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.is_empty() {
            return Err(AddressError::Empty);
        }
        if name.len() > Self::MOST_CHARACTERS {
            return Err(AddressError::NameLength(name.len()));
        }
        let mut labels = 0;
        let mut last = "";
        for (index, label) in name.split('.').enumerate() {
            let position = index + 1;
            if label.is_empty() || label.len() > 63 {
                return Err(AddressError::LabelLength { position, length: label.len() });
            }
            if let Some(octet) = label.bytes().find(|octet| !octet.is_ascii_alphanumeric() && *octet != b'-') {
                return Err(AddressError::Character { position, octet });
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Err(AddressError::Hyphen { position });
            }
            labels = position;
            last = label;
        }
        if last.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(AddressError::Numeric);
        }
        if labels < 2 {
            return Err(AddressError::NotQualified);
        }
        Ok(Fqdn(name.to_ascii_lowercase().into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this name is `realm` or lies below it, label by label and in any letter case.
    #[must_use]
    pub fn is_within(&self, realm: &str) -> bool {
        let realm = realm.strip_suffix('.').unwrap_or(realm);
        let Some(at) = self.0.len().checked_sub(realm.len()) else { return false };
        let below = at == 0 || self.0.as_bytes().get(at - 1) == Some(&b'.');
        !realm.is_empty()
            && below
            && self.0.as_bytes().get(at..).is_some_and(|tail| tail.eq_ignore_ascii_case(realm.as_bytes()))
    }
}

impl FunctionAddress {
    /// From the value of ProSe-Function-ID: a name in ASCII. A peer that writes an IP address as text is understood.
    ///
    /// # Errors
    /// Not ASCII, or not a name.
    pub fn from_name_octets(octets: &[u8]) -> Result<Self, AddressError> {
        match octets.iter().position(|octet| !octet.is_ascii()) {
            Some(position) => Err(AddressError::NotAscii(position)),
            None => std::str::from_utf8(octets).map_err(|_| AddressError::NotAscii(0))?.parse(),
        }
    }

    /// The name as ProSe-Function-ID carries it; `None` for an IP address, which travels in an Address AVP.
    #[must_use]
    pub fn name_octets(&self) -> Option<&[u8]> {
        self.fqdn().map(|name| name.as_str().as_bytes())
    }

    /// The IP address, when it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            FunctionAddress::Fqdn(_) => None,
            FunctionAddress::Ipv4(address) => Some(IpAddr::V4(*address)),
            FunctionAddress::Ipv6(address) => Some(IpAddr::V6(*address)),
        }
    }

    /// The name, when it is one.
    #[must_use]
    pub fn fqdn(&self) -> Option<&Fqdn> {
        match self {
            FunctionAddress::Fqdn(name) => Some(name),
            FunctionAddress::Ipv4(_) | FunctionAddress::Ipv6(_) => None,
        }
    }
}

impl From<IpAddr> for FunctionAddress {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => FunctionAddress::Ipv4(address),
            IpAddr::V6(address) => FunctionAddress::Ipv6(address),
        }
    }
}

impl From<Fqdn> for FunctionAddress {
    fn from(name: Fqdn) -> Self {
        FunctionAddress::Fqdn(name)
    }
}

impl FromStr for FunctionAddress {
    type Err = AddressError;

    /// `pf1.example.org`, `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(text).parse::<Ipv6Addr>() {
            return Ok(FunctionAddress::Ipv6(address));
        }
        match text.parse::<Ipv4Addr>() {
            Ok(address) => Ok(FunctionAddress::Ipv4(address)),
            Err(_) => Fqdn::new(text).map(FunctionAddress::Fqdn),
        }
    }
}

impl FromStr for Fqdn {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Fqdn::new(text)
    }
}

impl fmt::Display for FunctionAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FunctionAddress::Fqdn(name) => name.fmt(formatter),
            FunctionAddress::Ipv4(address) => address.fmt(formatter),
            FunctionAddress::Ipv6(address) => address.fmt(formatter),
        }
    }
}

impl fmt::Display for Fqdn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Fqdn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fqdn({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Result<FunctionAddress, AddressError> {
        text.parse()
    }

    #[test]
    fn names_and_both_kinds_of_addresses_are_told_apart() {
        assert_eq!(parsed("PF1.Example.org.").unwrap().name_octets(), Some(&b"pf1.example.org"[..]));
        assert_eq!(parsed("192.0.2.1").unwrap(), FunctionAddress::Ipv4(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(parsed("[2001:db8::1]").unwrap(), parsed("2001:db8::1").unwrap());
        assert_eq!(parsed("192.0.2.1").unwrap().name_octets(), None);
    }

    #[test]
    fn each_broken_rule_is_named() {
        let label = "a".repeat(64);
        for (text, fault) in [
            ("", AddressError::Empty),
            (".", AddressError::Empty),
            ("pf", AddressError::NotQualified),
            ("192.0.2.300", AddressError::Numeric),
            ("pf..example.org", AddressError::LabelLength { position: 2, length: 0 }),
            (&format!("pf.{label}.org"), AddressError::LabelLength { position: 2, length: 64 }),
            ("-pf.example.org", AddressError::Hyphen { position: 1 }),
            ("pf.exa mple.org", AddressError::Character { position: 2, octet: b' ' }),
            ("pf.example.org/x", AddressError::Character { position: 3, octet: b'/' }),
            (&"abcd.".repeat(60), AddressError::NameLength(299)),
        ] {
            assert_eq!(parsed(text), Err(fault), "{text}");
        }
        assert_eq!(FunctionAddress::from_name_octets(b"pf.\xc3\xa9.org"), Err(AddressError::NotAscii(3)));
    }

    #[test]
    fn a_name_lies_within_a_realm_by_whole_labels() {
        let name = Fqdn::new("pf1.epc.example.org").unwrap();
        assert!(name.is_within("EPC.example.org"));
        assert!(name.is_within("pf1.epc.example.org."));
        assert!(!name.is_within("c.example.org"));
        assert!(!name.is_within("other.pf1.epc.example.org"));
        assert!(!name.is_within(""));
    }

    proptest! {
        #[test]
        fn what_is_accepted_reads_back_the_same(text in "[a-zA-Z0-9.:\\[\\]-]{0,40}") {
            if let Ok(address) = parsed(&text) {
                prop_assert_eq!(parsed(&address.to_string()), Ok(address));
            }
        }

        #[test]
        fn any_octets_are_answered(octets: Vec<u8>, text: String) {
            let _ = FunctionAddress::from_name_octets(&octets);
            if let Ok(name) = Fqdn::new("pf.example.org") {
                let _ = name.is_within(&text);
            }
            let _ = parsed(&text);
        }
    }
}
