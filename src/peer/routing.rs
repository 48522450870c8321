//! Where a request goes, and whether one that has come is ours. RFC 6733 section 6.1.

use crate::avp::Avps;
use crate::avp::dictionary::{DestinationHost, DestinationRealm, ResultCode, RouteRecord};
use crate::message::{HEADER_LENGTH, Header};

/// What routing knows of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Its Origin-Host.
    pub host: &'a str,
    /// Its Origin-Realm: from its CER or CEA, or else from the configuration; empty when neither is there yet.
    pub realm: &'a str,
    /// It is open, and the watchdog trusts it.
    pub usable: bool,
    /// It takes part in the application of the request, or relays all.
    pub serves: bool,
    /// It relays: any destination may be sent to it.
    pub relay: bool,
}

/// A row of the realm routing table: requests for a realm (and one application, or all) go to these hosts, the first
/// that is usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealmRoute {
    /// Destination-Realm.
    pub realm: String,
    /// Application-Id; all when `None`.
    pub application: Option<u32>,
    /// Hosts of the peers, in order of preference.
    pub hosts: Vec<String>,
}

/// Why a request cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unroutable {
    /// The realm or host is known, and no usable peer leads there: 3002.
    UnableToDeliver,
    /// Nothing is known of the realm: 3003.
    RealmNotServed,
}

impl Unroutable {
    /// The Result-Code that says so.
    #[must_use]
    pub const fn result_code(self) -> u32 {
        match self {
            Self::UnableToDeliver => ResultCode::DIAMETER_UNABLE_TO_DELIVER,
            Self::RealmNotServed => ResultCode::DIAMETER_REALM_NOT_SERVED,
        }
    }
}

/// Finds the peer for a request: the Destination-Host when it is a usable peer, else the routes of the realm, else a
/// peer of the realm, else a relay. Answers the position among the candidates.
///
/// # Errors
/// Why there is none.
pub fn route(
    host: Option<&str>,
    realm: &str,
    application: u32,
    routes: &[RealmRoute],
    peers: &[Candidate<'_>],
) -> Result<usize, Unroutable> {
    let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    let by_host = |host: &str| peers.iter().position(|peer| peer.usable && is(peer.host, host));
    if let Some(host) = host
        && let Some(at) = by_host(host)
    {
        return Ok(at);
    }
    let mut known = peers.iter().any(|peer| is(peer.realm, realm) || host.is_some_and(|host| is(peer.host, host)));
    for row in routes.iter().filter(|row| is(&row.realm, realm)) {
        known = true;
        if row.application.is_none_or(|only| only == application)
            && let Some(at) = row.hosts.iter().find_map(|host| by_host(host))
        {
            return Ok(at);
        }
    }
    // A host that is named and is no peer can only be reached through a relay.
    let direct = peers.iter().position(|peer| peer.usable && peer.serves && host.is_none() && is(peer.realm, realm));
    let relay = || peers.iter().position(|peer| peer.usable && peer.relay);
    direct.or_else(relay).ok_or(if known { Unroutable::UnableToDeliver } else { Unroutable::RealmNotServed })
}

/// Why a request that has come is not ours: what to answer, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOurs {
    /// 3002, 3003 or 3005.
    pub result_code: u32,
    /// Why.
    pub words: String,
}

/// Judges whether a request that has come is for this node, which forwards nothing. RFC 6733 sections 6.1.3 to 6.1.6.
///
/// # Errors
/// 3005 when this node is in Route-Record, 3002 for another host, 3003 for another realm.
pub fn is_ours(identity: &str, realm: &str, message: &[u8], header: &Header) -> Result<(), NotOurs> {
    if !header.flags.is_proxiable() {
        return Ok(());
    }
    let (mut to_host, mut to_realm) = (None, None);
    for avp in Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default()).map_while(Result::ok) {
        match avp.key.0 {
            DestinationHost::KEY => to_host = Some(avp.data),
            DestinationRealm::KEY => to_realm = Some(avp.data),
            RouteRecord::KEY if avp.data.eq_ignore_ascii_case(identity.as_bytes()) => {
                return Err(NotOurs {
                    result_code: ResultCode::DIAMETER_LOOP_DETECTED,
                    words: format!("{identity} stands in Route-Record: the request has been here before"),
                });
            }
            _ => {}
        }
    }
    match (to_host, to_realm) {
        (Some(host), _) if host.eq_ignore_ascii_case(identity.as_bytes()) => Ok(()),
        (Some(host), _) => Err(NotOurs {
            result_code: ResultCode::DIAMETER_UNABLE_TO_DELIVER,
            words: format!("{identity} is no agent and cannot deliver to {}", host.escape_ascii()),
        }),
        (None, Some(to)) if !to.eq_ignore_ascii_case(realm.as_bytes()) => Err(NotOurs {
            result_code: ResultCode::DIAMETER_REALM_NOT_SERVED,
            words: format!("{identity} serves the realm {realm}, not {}", to.escape_ascii()),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HSS: Candidate<'static> =
        Candidate { host: "hss.home", realm: "home", usable: true, serves: true, relay: false };
    const DRA: Candidate<'static> =
        Candidate { host: "dra.home", realm: "home", usable: true, serves: true, relay: true };
    const MME: Candidate<'static> =
        Candidate { host: "mme.home", realm: "home", usable: true, serves: false, relay: false };

    #[test]
    fn the_host_when_it_is_a_peer() {
        assert_eq!(route(Some("HSS.home"), "home", 1, &[], &[MME, HSS]), Ok(1));
    }

    #[test]
    fn else_a_peer_of_the_realm_that_serves_the_application() {
        assert_eq!(route(None, "home", 1, &[], &[MME, HSS]), Ok(1));
    }

    #[test]
    fn the_table_of_realms_goes_before() {
        let row = RealmRoute { realm: "far".into(), application: Some(1), hosts: vec!["x".into(), "hss.home".into()] };
        assert_eq!(route(None, "far", 1, std::slice::from_ref(&row), &[MME, HSS]), Ok(1));
        assert_eq!(route(None, "far", 2, &[row], &[MME, HSS]), Err(Unroutable::UnableToDeliver));
    }

    #[test]
    fn a_relay_takes_what_no_peer_is_named_for() {
        assert_eq!(route(Some("hlr.away"), "away", 1, &[], &[MME, DRA]), Ok(1));
    }

    #[test]
    fn unable_to_deliver_and_realm_not_served() {
        let down = Candidate { usable: false, ..HSS };
        assert_eq!(route(Some("hss.home"), "home", 1, &[], &[down]), Err(Unroutable::UnableToDeliver));
        assert_eq!(route(Some("other.home"), "home", 1, &[], &[HSS]), Err(Unroutable::UnableToDeliver));
        assert_eq!(route(None, "away", 1, &[], &[HSS]), Err(Unroutable::RealmNotServed));
        assert_eq!(Unroutable::RealmNotServed.result_code(), 3003);
    }
}
