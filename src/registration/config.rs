//! Values that the configurations of several parties share, and how they are read.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};

use super::element::Destination;
use super::identifiers::FunctionAddress;

/// Who an element is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Origin-Host.
    pub host: String,
    /// Origin-Realm.
    pub realm: String,
}

/// A ProSe Function as its neighbours know it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionPeer {
    /// Its Origin-Host.
    pub host: String,
    /// Its Origin-Realm.
    pub realm: String,
    /// The IP addresses that stand for it when ID3 or ID5 is no name.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

impl FunctionPeer {
    /// Whether `address` (ID3 or ID5) names this function.
    #[must_use]
    pub fn is_at(&self, address: &FunctionAddress) -> bool {
        match address {
            FunctionAddress::Fqdn(name) => same_host(name.as_str(), &self.host),
            FunctionAddress::Ipv4(address) => self.addresses.contains(&IpAddr::V4(*address)),
            FunctionAddress::Ipv6(address) => self.addresses.contains(&IpAddr::V6(*address)),
        }
    }

    /// Where requests to it go.
    #[must_use]
    pub fn destination(&self) -> Destination {
        Destination { host: Some(self.host.clone()), realm: self.realm.clone() }
    }
}

/// Compares two DiameterIdentities: names of hosts and realms, so without regard to case. RFC 6733 section 4.3.1.
#[must_use]
pub fn same_host(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
}

/// An element's configuration that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value that contradicts another, or that no element can work with.
    #[error("{field}: {why}")]
    Value {
        /// The configuration field.
        field: &'static str,
        /// What is wrong, and what to write instead.
        why: String,
    },
}

/// Reads a value that has a text form.
pub(super) fn parsed<'de, D: Deserializer<'de>, T>(input: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
{
    String::deserialize(input)?.parse().map_err(D::Error::custom)
}

/// Reads a value that has a text form and may be absent.
pub(super) fn parsed_option<'de, D: Deserializer<'de>, T>(input: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
{
    parsed(input).map(Some)
}

/// Reads a list of values that have a text form.
pub(super) fn parsed_list<'de, D: Deserializer<'de>, T>(input: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
{
    Vec::<String>::deserialize(input)?.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

/// Reads sixteen octets from 32 hexadecimal digits: a key, a salt.
pub(super) fn sixteen<'de, D: Deserializer<'de>>(input: D) -> Result<[u8; 16], D::Error> {
    let text = String::deserialize(input)?;
    data_encoding::HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .ok()
        .and_then(|octets| octets.try_into().ok())
        .ok_or_else(|| D::Error::custom("expected 32 hexadecimal digits"))
}
