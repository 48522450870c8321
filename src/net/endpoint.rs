//! Where a node listens or connects to, as configurations and command lines write it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::Transport;
use crate::avp::format::DiameterUri;

/// The most addresses of one endpoint.
const MOST_HOSTS: usize = 16;

/// `[TRANSPORT:]HOST[+HOST...][:PORT]`, e.g. `10.0.0.1`, `tcp:hss.example:3870`, `sctp:10.0.0.1+10.0.1.1`,
/// `tls:[2001:db8::1]:5868`. Several hosts are the addresses of one multi-homed SCTP endpoint; elsewhere they are tried in
/// turn.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Over what; that of the node when `None`.
    pub transport: Option<Transport>,
    /// Its addresses or names, between 1 and 16.
    pub hosts: Vec<Host>,
    /// SCTP or TCP port; the registered one of the transport when `None`.
    pub port: Option<u16>,
}

/// An address, or a name that is looked up each time a connection is opened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An IP address.
    Address(IpAddr),
    /// A name.
    Name(String),
}

impl Endpoint {
    /// The addresses that are written as such.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.hosts.iter().filter_map(|host| match host {
            Host::Address(address) => Some(*address),
            Host::Name(_) => None,
        })
    }

    /// The first name, when one is written.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.hosts.iter().find_map(|host| match host {
            Host::Address(_) => None,
            Host::Name(name) => Some(name.as_str()),
        })
    }

    /// Its transport, which is `default` when none is written.
    #[must_use]
    pub fn transport_or(&self, default: Transport) -> Transport {
        self.transport.unwrap_or(default)
    }

    /// Its port, which is the registered one of its transport when none is written.
    #[must_use]
    pub fn port_or(&self, default: Transport) -> u16 {
        self.port.unwrap_or_else(|| self.transport_or(default).port())
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self { transport: None, hosts: vec![Host::Address(address.ip())], port: Some(address.port()) }
    }
}

impl TryFrom<&DiameterUri> for Endpoint {
    type Error = String;

    /// A URI without a transport is SCTP, as 3GPP's interfaces are (RFC 3588 section 4.3); `aaas` is TLS.
    fn try_from(uri: &DiameterUri) -> Result<Self, String> {
        if let Some(protocol) = uri.protocol.as_deref().filter(|protocol| *protocol != "diameter") {
            return Err(format!("`{uri}` speaks {protocol}, not diameter"));
        }
        let transport = match (uri.secure, uri.transport.as_deref()) {
            (false, None | Some("sctp")) => Transport::Sctp,
            (false, Some("tcp")) => Transport::Tcp,
            (true, None | Some("tcp")) => Transport::Tls,
            (true, Some("sctp")) => return Err(format!("`{uri}` wants DTLS over SCTP, which is not there")),
            (_, Some(other)) => return Err(format!("`{uri}` wants {other}, over which Diameter does not go")),
        };
        Ok(Self { transport: Some(transport), hosts: vec![host(&uri.host)?], port: Some(uri.port) })
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.get(..3).is_some_and(|scheme| scheme.eq_ignore_ascii_case("aaa")) && text.contains("://") {
            return Self::try_from(&text.parse::<DiameterUri>()?);
        }
        let wrong = |what: &str| {
            format!(
                "\"{text}\" is no address: {what}; ADDRESS, ADDRESS:PORT or TRANSPORT:ADDRESS:PORT is expected, e.g. \
                 127.0.0.14:3868, sctp:10.0.0.1+10.0.1.1 or tcp:[::1]:3868"
            )
        };
        let (transport, rest) = match text.split_once(':') {
            Some((word, rest)) if !rest.is_empty() => match word.parse() {
                Ok(transport) => (Some(transport), rest),
                Err(_) => (None, text),
            },
            _ => (None, text),
        };
        let of = |list: &str| {
            let hosts = list.split('+').map(host).collect::<Result<Vec<_>, _>>();
            hosts.map_err(|reason| wrong(&reason))
        };
        // A bare IPv6 address has colons of its own.
        let (hosts, port) = match rest.rsplit_once(':') {
            Some(_) if rest.split('+').all(|one| one.parse::<IpAddr>().is_ok()) => (of(rest)?, None),
            Some((hosts, port)) if !port.contains(']') => {
                let port: Option<u16> = port.parse().ok().filter(|port| *port != 0);
                (of(hosts)?, Some(port.ok_or_else(|| wrong("the port is no number from 1 to 65535"))?))
            }
            _ => (of(rest)?, None),
        };
        if hosts.len() > MOST_HOSTS {
            return Err(wrong("these are more than 16 addresses"));
        }
        Ok(Self { transport, hosts, port })
    }
}

/// An address, in brackets or not, or a name.
fn host(text: &str) -> Result<Host, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(text).parse() {
        return Ok(Host::Address(address));
    }
    let label = |label: &str| {
        let good = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(good)
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    // What ends in digits is a mistyped address.
    let numeric = name.rsplit('.').next().is_none_or(|last| last.bytes().all(|octet| octet.is_ascii_digit()));
    if bare.is_none() && name.len() <= 253 && name.split('.').all(label) && !numeric {
        return Ok(Host::Name(name.to_owned()));
    }
    Err(format!("\"{text}\" is neither an IP address nor a host name"))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Endpoint {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(transport) = self.transport {
            write!(f, "{transport}:")?;
        }
        for (at, host) in self.hosts.iter().enumerate() {
            let plus = if at == 0 { "" } else { "+" };
            write!(f, "{plus}{host}")?;
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_and_written() {
        for (text, written) in [
            ("127.0.0.14", "127.0.0.14"),
            ("127.0.0.14:3869", "127.0.0.14:3869"),
            ("::1", "[::1]"),
            ("[::1]", "[::1]"),
            ("[2001:db8::1]:5868", "[2001:db8::1]:5868"),
            ("tcp:10.0.0.1", "tcp:10.0.0.1"),
            ("sctp:10.0.0.1+10.0.1.1:3868", "sctp:10.0.0.1+10.0.1.1:3868"),
            ("sctp-kernel:[::1]+[::2]:3868", "sctp-kernel:[::1]+[::2]:3868"),
            ("sctp:::1+::2", "sctp:[::1]+[::2]"),
            ("tls:hss.example.net", "tls:hss.example.net"),
            ("hss.example.net:3870", "hss.example.net:3870"),
            ("localhost", "localhost"),
            ("aaa://hss.example.net", "sctp:hss.example.net:3868"),
            ("aaa://[::1]:3870;transport=tcp", "tcp:[::1]:3870"),
            ("aaas://hss.example.net", "tls:hss.example.net:5868"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(endpoint.to_string(), written);
            assert_eq!(written.parse(), Ok(endpoint));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, words) in [
            ("", "neither an IP address nor a host name"),
            ("127.0.0.300", "\"127.0.0.300\" is neither"),
            ("127.0.0.1:0", "the port is no number from 1 to 65535"),
            ("127.0.0.1:70000", "the port is no number from 1 to 65535"),
            ("10.0.0.1+", "\"\" is neither"),
            ("udp:10.0.0.1", "\"udp:10.0.0.1\" is no address"),
            ("ho st", "\"ho st\" is neither"),
            ("aaa://h;transport=udp", "over which Diameter does not go"),
            ("aaas://h;transport=sctp", "DTLS over SCTP, which is not there"),
            ("aaa://h;protocol=radius", "speaks radius"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert!(error.contains(words), "{error}\nshould say\n{words}");
        }
        let many = vec!["10.0.0.1"; 17].join("+");
        assert!(many.parse::<Endpoint>().unwrap_err().contains("more than 16"));
    }

    #[test]
    fn ports_are_those_registered() {
        let port = |text: &str| text.parse::<Endpoint>().unwrap().port_or(Transport::Sctp);
        assert_eq!((port("h.example"), port("tls:h.example"), port("tcp:h.example:1")), (3868, 5868, 1));
    }
}
