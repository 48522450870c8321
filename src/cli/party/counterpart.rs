//! Whom a party talks to: a name, an address, or both.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::str::FromStr;
use std::time::Duration;

use crate::cli::call::{Caller, Early, usual_udp_port};
use crate::net::{Endpoint, Host, Net, Transport};
use crate::node::PeerSettings;
use crate::peer::{self, Expected, Intervals, Local};
use crate::registration::{Destination, FunctionPeer};

/// `[NAME@]ENDPOINT`, as an option has it. The name is the Origin-Host; without it that of an `aaa://` URI, and for a bare
/// address the peer is asked once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterpart {
    name: Option<String>,
    endpoint: Endpoint,
}

impl FromStr for Counterpart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = match text.split_once('@') {
            Some((name, rest)) => (Some(name), rest),
            None => (None, text),
        };
        let endpoint: Endpoint = rest.parse()?;
        if let Some(name) = name
            && (name.len() > 255 || !name.contains('.') || !name.bytes().all(|octet| octet.is_ascii_graphic()))
        {
            return Err(format!("{name:?} before the @ is no Origin-Host such as mme.example"));
        }
        let of_uri = match endpoint.hosts.first() {
            Some(Host::Name(name)) if rest.contains("://") && name.contains('.') => Some(name.clone()),
            _ => None,
        };
        Ok(Self { name: name.map(str::to_owned).or(of_uri), endpoint })
    }
}

impl fmt::Display for Counterpart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}@")?;
        }
        write!(f, "{}", self.endpoint)
    }
}

/// How the counterparts are called.
#[derive(Clone)]
pub struct Calling {
    pub net: Net,
    /// Us, as the counterpart is to see us.
    pub local: Local,
    /// Our addresses, where the user has said some.
    pub from: Vec<IpAddr>,
    /// Their UDP port, where SCTP travels over UDP; `None` for what is usual with the backend.
    pub udp_port: Option<u16>,
    pub certificate_name: Option<String>,
    pub timeout: Duration,
}

/// A counterpart whose name is known.
#[derive(Clone, Debug)]
pub struct Known {
    pub identity: String,
    pub realm: String,
    pub endpoint: Endpoint,
    /// The address that we reach it from.
    pub from: IpAddr,
}

impl Counterpart {
    /// Learns what the command line does not say; a peer without a name is called once and asked.
    pub async fn resolve(&self, calling: &Calling) -> Result<Known, Early> {
        let endpoint = self.endpoint.clone();
        if let Some(identity) = &self.name {
            let realm = identity.split_once('.').map_or(identity.as_str(), |(_, realm)| realm).to_owned();
            let from = match calling.from.first() {
                Some(from) => *from,
                None => source(&endpoint).map_err(Early::environment)?,
            };
            return Ok(Known { identity: identity.clone(), realm, endpoint, from });
        }
        let Calling { net, local, from, udp_port, timeout, .. } = calling.clone();
        let caller = Caller::over(net, local, endpoint.clone(), from, udp_port, timeout);
        let dialogue = caller.call(None).await?;
        let peer = dialogue.peer();
        let (identity, realm) = (peer.identity.clone(), peer.realm.clone());
        let from = dialogue.info().local.ip();
        tracing::info!(%endpoint, %identity, "the peer has told its name");
        dialogue.close().await;
        Ok(Known { identity, realm, endpoint, from })
    }
}

impl Known {
    /// Where requests to it go.
    pub fn destination(&self) -> Destination {
        Destination { host: Some(self.identity.clone()), realm: self.realm.clone() }
    }

    /// As a function, under any of the addresses that may stand for it.
    pub fn function(&self) -> FunctionPeer {
        FunctionPeer {
            host: self.identity.clone(),
            realm: self.realm.clone(),
            addresses: self.endpoint.addresses().collect(),
        }
    }

    /// As a peer of a node, which calls it.
    pub fn peer(&self, calling: &Calling) -> PeerSettings {
        let mut peer = calls(&self.identity, &self.endpoint);
        peer.udp_port = calling.udp_port.or_else(|| usual_udp_port(&calling.net, &self.endpoint));
        peer.settings.certificate_name.clone_from(&calling.certificate_name);
        peer
    }
}

/// A peer that is called.
pub fn calls(identity: &str, endpoint: &Endpoint) -> PeerSettings {
    PeerSettings {
        expected: Expected { identity: identity.to_owned(), realm: None, addresses: Vec::new() },
        // A transport that nobody names is SCTP, as for `send` and `load`.
        connect_to: Some(Endpoint { transport: Some(endpoint.transport_or(Transport::Sctp)), ..endpoint.clone() }),
        udp_port: None,
        settings: peer::Settings { connect: true, intervals: eager(), ..peer::Settings::default() },
    }
}

/// A user waits: what does not come up is tried again soon.
fn eager() -> Intervals {
    let soon = Duration::from_millis(300);
    Intervals { connect: soon, connect_limit: 4 * soon, ..Intervals::default() }
}

/// The address that the system would reach an endpoint from. Nothing is sent.
fn source(endpoint: &Endpoint) -> Result<IpAddr, String> {
    let port = endpoint.port_or(Transport::Sctp);
    let mut last = format!("{endpoint} has no address");
    for host in &endpoint.hosts {
        let found: Vec<SocketAddr> = match host {
            Host::Address(address) => vec![SocketAddr::new(*address, port)],
            Host::Name(name) => match (name.as_str(), port).to_socket_addrs() {
                Ok(found) => found.collect(),
                Err(error) => {
                    last = format!("{name}: {error}");
                    continue;
                }
            },
        };
        for address in found {
            let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let tried = UdpSocket::bind(any).and_then(|socket| {
                socket.connect(address)?;
                socket.local_addr()
            });
            match tried {
                Ok(local) => return Ok(local.ip()),
                Err(error) => last = format!("{address}: {error}"),
            }
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_from_before_the_at_or_from_a_uri() {
        let name = |text: &str| text.parse::<Counterpart>().unwrap().name;
        assert_eq!(name("mme.example@tcp:127.0.0.12").as_deref(), Some("mme.example"));
        assert_eq!(name("aaa://mme.example;transport=tcp").as_deref(), Some("mme.example"));
        assert_eq!(name("aaa://127.0.0.12;transport=tcp"), None);
        assert_eq!(name("tcp:localhost"), None);
        assert!("mme@tcp:127.0.0.1".parse::<Counterpart>().unwrap_err().contains("no Origin-Host"));
        assert!("mme.example@".parse::<Counterpart>().is_err());
    }
}
