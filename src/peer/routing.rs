//! Where a request goes, and whether one that has come is ours. RFC 6733 section 6.1.
//!
//! [`Table`] is both tables of RFC 6733 section 2.7: the peers by name, and the realms with their routes. Looking a
//! request up costs two searches by halves and allocates nothing, however many peers there are.

use crate::avp::dictionary::{DestinationHost, DestinationRealm, ResultCode, RouteRecord, SessionId, UserName};
use crate::avp::{Avps, Malformed};
use crate::message::{HEADER_LENGTH, Header};

/// May a request go to a peer?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is open, and the watchdog trusts it.
    Ready,
    /// As `Ready`, but as many requests wait for its answers as may.
    Full,
    /// No.
    Away,
}

/// What routing asks of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// May a request go to it?
    pub standing: Standing,
    /// It takes part in the application of the request, or relays all.
    pub serves: bool,
}

/// A row of the realm routing table: requests for a realm (and one application, or all) go to these hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealmRoute {
    /// Destination-Realm; `*` for every realm that has no row of its own.
    pub realm: String,
    /// Application-Id; all when `None`.
    pub application: Option<u32>,
    /// Hosts of the peers, in order of preference.
    pub hosts: Vec<String>,
    /// The hosts are equals: requests are spread over those that are ready, all of one session to the same. Otherwise
    /// the first that is ready has all.
    pub share: bool,
}

/// Why a request cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unroutable {
    /// The realm or host is known, and no usable peer leads there: 3002.
    UnableToDeliver,
    /// Nothing is known of the realm: 3003.
    RealmNotServed,
    /// A peer leads there, and as many requests wait for its answers as may: 3004.
    TooBusy,
}

impl Unroutable {
    /// The Result-Code that says so.
    #[must_use]
    pub const fn result_code(self) -> u32 {
        match self {
            Self::UnableToDeliver => ResultCode::DIAMETER_UNABLE_TO_DELIVER,
            Self::RealmNotServed => ResultCode::DIAMETER_REALM_NOT_SERVED,
            Self::TooBusy => ResultCode::DIAMETER_TOO_BUSY,
        }
    }
}

/// What a request asks of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// Destination-Host, when there is one.
    pub host: Option<&'a [u8]>,
    /// Destination-Realm.
    pub realm: &'a [u8],
    /// Application-Id.
    pub application: u32,
    /// The same for all requests of one session: chooses among equals.
    pub session: u64,
}

/// The AVPs of a request that routing looks at, where they lie.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Destination-Host.
    pub host: Option<&'a [u8]>,
    /// Destination-Realm.
    pub realm: Option<&'a [u8]>,
    /// Session-Id.
    pub session: Option<&'a [u8]>,
    /// User-Name.
    pub user: Option<&'a [u8]>,
    /// From the first Route-Record to the end.
    records: Avps<'a>,
}

impl<'a> Facts<'a> {
    /// Walks once over a message.
    ///
    /// # Errors
    /// Where an AVP is malformed, in octets from the message's start, and how: what stands behind it cannot be known.
    pub fn read(message: &'a [u8]) -> Result<Self, (usize, Malformed)> {
        let mut walk = Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default());
        let mut facts = Self { host: None, realm: None, session: None, user: None, records: Avps::new(&[]) };
        let mut recorded = false;
        loop {
            let here = walk;
            let avp = match walk.next() {
                None => return Ok(facts),
                Some(Ok(avp)) => avp,
                Some(Err(malformed)) => return Err((message.len() - here.rest().len(), malformed)),
            };
            match avp.key.0 {
                DestinationHost::KEY => facts.host = facts.host.or(Some(avp.data)),
                DestinationRealm::KEY => facts.realm = facts.realm.or(Some(avp.data)),
                SessionId::KEY => facts.session = facts.session.or(Some(avp.data)),
                UserName::KEY => facts.user = facts.user.or(Some(avp.data)),
                RouteRecord::KEY if !recorded => {
                    recorded = true;
                    facts.records = here;
                }
                _ => {}
            }
        }
    }

    /// True when the node stands in a Route-Record.
    #[must_use]
    pub fn has_passed(&self, identity: &str) -> bool {
        let mut records = self.records.map_while(Result::ok).filter(|avp| avp.key.0 == RouteRecord::KEY);
        records.any(|avp| avp.data.eq_ignore_ascii_case(identity.as_bytes()))
    }

    /// What the request asks of the table.
    #[must_use]
    pub fn query(&self, application: u32) -> Query<'a> {
        Query {
            host: self.host,
            realm: self.realm.unwrap_or_default(),
            application,
            session: session_number(self.session.unwrap_or_default()),
        }
    }
}

/// A number that is the same for all requests of one session.
#[must_use]
pub fn session_number(session: &[u8]) -> u64 {
    use std::hash::Hasher;
    let mut hash = siphasher::sip::SipHasher13::new_with_keys(0x7365_7373, 0x696f_6e73);
    hash.write(session);
    hash.finish()
}

/// The peer table and the realm routing table. Peers are named by their position.
#[derive(Clone, Debug, Default)]
pub struct Table {
    peers: Vec<Known>,
    /// Positions by the hash of the identity, sorted.
    hosts: Vec<(u64, usize)>,
    /// Sorted by the hash of the name.
    realms: Vec<(u64, Realm)>,
    /// The rows of realm `*`.
    default: Vec<Row>,
    relays: Vec<usize>,
    shares: bool,
}

#[derive(Clone, Debug)]
struct Known {
    identity: String,
    realm: String,
}

#[derive(Clone, Debug, Default)]
struct Realm {
    name: String,
    rows: Vec<Row>,
    peers: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Row {
    application: Option<u32>,
    hosts: Vec<usize>,
    share: bool,
}

impl Table {
    /// The tables of these peers (identity, and realm where the configuration has it) and routes. Within a realm, rows of
    /// one application go before rows of all. A host of a route that is no peer is left out.
    #[must_use]
    pub fn new<'p>(peers: impl IntoIterator<Item = (&'p str, Option<&'p str>)>, routes: &[RealmRoute]) -> Self {
        let mut table = Self::default();
        for (at, (identity, realm)) in peers.into_iter().enumerate() {
            table.peers.push(Known { identity: identity.to_owned(), realm: String::new() });
            table.hosts.push((fold(identity.as_bytes()), at));
            if let Some(realm) = realm {
                table.learn(at, realm, false);
            }
        }
        table.hosts.sort_unstable();
        for route in routes {
            let hosts = route.hosts.iter().filter_map(|host| table.host(host.as_bytes())).collect();
            let row = Row { application: route.application, hosts, share: route.share };
            let rows = if route.realm == "*" { &mut table.default } else { &mut table.realm_mut(&route.realm).rows };
            rows.push(row);
            rows.sort_by_key(|row| row.application.is_none());
            table.shares |= route.share;
        }
        table
    }

    /// Notes what a peer has said of itself: its realm, and whether it relays.
    pub fn learn(&mut self, at: usize, realm: &str, relay: bool) {
        self.relays.retain(|other| *other != at);
        if relay {
            self.relays.push(at);
            self.relays.sort_unstable();
        }
        let Some(known) = self.peers.get_mut(at) else { return };
        if realm.is_empty() || known.realm == realm {
            return;
        }
        let old = std::mem::replace(&mut known.realm, realm.to_owned());
        if !old.is_empty() {
            self.realm_mut(&old).peers.retain(|other| *other != at);
        }
        let peers = &mut self.realm_mut(realm).peers;
        peers.push(at);
        peers.sort_unstable();
    }

    /// The peer of this name.
    #[must_use]
    pub fn host(&self, name: &[u8]) -> Option<usize> {
        let hash = fold(name);
        let first = self.hosts.partition_point(|(other, _)| *other < hash);
        let same = self.hosts.get(first..)?.iter().take_while(|(other, _)| *other == hash);
        let is = |at: usize| self.peers.get(at).is_some_and(|one| one.identity.as_bytes().eq_ignore_ascii_case(name));
        same.map(|(_, at)| *at).find(|at| is(*at))
    }

    /// True when some route shares among equals, so that the session's number matters.
    #[must_use]
    pub const fn shares(&self) -> bool {
        self.shares
    }

    /// The identity of a peer.
    #[must_use]
    pub fn identity(&self, at: usize) -> &str {
        self.peers.get(at).map_or("", |known| &known.identity)
    }

    fn realm(&self, name: &[u8]) -> Option<&Realm> {
        let hash = fold(name);
        let first = self.realms.partition_point(|(other, _)| *other < hash);
        let mut same = self.realms.get(first..)?.iter().take_while(|(other, _)| *other == hash);
        same.find(|(_, realm)| realm.name.as_bytes().eq_ignore_ascii_case(name)).map(|(_, realm)| realm)
    }

    fn realm_mut(&mut self, name: &str) -> &mut Realm {
        let hash = fold(name.as_bytes());
        let first = self.realms.partition_point(|(other, _)| *other < hash);
        let same = self.realms[first..].iter().take_while(|(other, _)| *other == hash);
        let at = same.clone().position(|(_, realm)| realm.name.eq_ignore_ascii_case(name)).map(|at| first + at);
        let at = at.unwrap_or_else(|| {
            self.realms.insert(first, (hash, Realm { name: name.to_owned(), ..Realm::default() }));
            first
        });
        &mut self.realms[at].1
    }

    /// Finds the peer for a request: the Destination-Host when it is a peer that is ready, else the routes of the realm,
    /// else a peer of the realm, else the routes of `*`, else a relay. `judge` says how it stands with a peer; one that
    /// may not be chosen (the request has been there) is `None`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find(&self, query: &Query<'_>, judge: impl Fn(usize) -> Option<Candidate>) -> Result<usize, Unroutable> {
        let mut full = false;
        let mut ready = |at: usize| {
            let candidate = judge(at);
            full |= candidate.is_some_and(|candidate| candidate.standing == Standing::Full);
            candidate.filter(|candidate| candidate.standing == Standing::Ready)
        };
        let mut known = false;
        if let Some(at) = query.host.and_then(|host| self.host(host)) {
            known = true;
            // Whether it serves the application is for it to say: 3007 tells more than 3002.
            if ready(at).is_some() {
                return Ok(at);
            }
        }
        let mut serves = |at: usize| ready(at).is_some_and(|candidate| candidate.serves);
        let realm = self.realm(query.realm);
        known |= realm.is_some();
        if let Some(realm) = realm {
            if let Some(at) = choose(&realm.rows, query, &mut serves) {
                return Ok(at);
            }
            // A host that is named and is no peer can only be reached through an agent.
            if query.host.is_none()
                && let Some(at) = realm.peers.iter().copied().find(|at| serves(*at))
            {
                return Ok(at);
            }
        }
        known |= self.default.iter().any(|row| row.application.is_none_or(|only| only == query.application));
        let found = choose(&self.default, query, &mut serves);
        found.or_else(|| self.relays.iter().copied().find(|at| serves(*at))).ok_or(if full {
            Unroutable::TooBusy
        } else if known {
            Unroutable::UnableToDeliver
        } else {
            Unroutable::RealmNotServed
        })
    }
}

/// The first row with a host that serves; among equals, the one that the session's number chooses.
fn choose(rows: &[Row], query: &Query<'_>, serves: &mut impl FnMut(usize) -> bool) -> Option<usize> {
    let fits = |row: &&Row| row.application.is_none_or(|only| only == query.application);
    rows.iter().filter(fits).find_map(|row| {
        let mut hosts = row.hosts.iter().copied();
        if !row.share {
            return hosts.find(|at| serves(*at));
        }
        let count = hosts.clone().filter(|at| serves(*at)).count() as u64;
        let chosen = query.session.checked_rem(count)?;
        hosts.filter(|at| serves(*at)).nth(chosen as usize)
    })
}

/// A hash of a name, letters without case: FNV-1a. The names in a table are those of the configuration and of peers that
/// have been let in, so nobody gains by making them collide.
fn fold(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(octet.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
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

    const HSS: usize = 0;
    const MME: usize = 1;
    const DRA: usize = 2;
    const TWIN: usize = 3;

    const READY: Candidate = Candidate { standing: Standing::Ready, serves: true };
    const AWAY: Candidate = Candidate { standing: Standing::Away, serves: true };

    /// `hss.home`, `mme.home` (which serves nothing), the relay `dra.home`, and `twin.home`, all ready but the twin.
    fn table(routes: &[RealmRoute]) -> Table {
        let peers = ["hss.home", "mme.home", "dra.home", "twin.home"].map(|name| (name, Some("home")));
        let mut table = Table::new(peers, routes);
        table.learn(DRA, "home", true);
        table
    }

    fn judge(at: usize) -> Option<Candidate> {
        Some(match at {
            MME => Candidate { serves: false, ..READY },
            TWIN => AWAY,
            _ => READY,
        })
    }

    fn ask<'a>(host: Option<&'a str>, realm: &'a str) -> Query<'a> {
        Query { host: host.map(str::as_bytes), realm: realm.as_bytes(), application: 1, session: 0 }
    }

    fn row(realm: &str, application: Option<u32>, hosts: &[&str]) -> RealmRoute {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        RealmRoute { realm: realm.to_owned(), application, hosts, share: false }
    }

    #[test]
    fn the_host_when_it_is_a_peer() {
        assert_eq!(table(&[]).find(&ask(Some("HSS.home"), "HOME"), judge), Ok(HSS));
        assert_eq!(table(&[]).find(&ask(Some("mme.home"), "home"), judge), Ok(MME), "it answers 3007 itself");
    }

    #[test]
    fn else_a_peer_of_the_realm_that_serves_the_application() {
        assert_eq!(table(&[]).find(&ask(None, "home"), judge), Ok(HSS));
    }

    #[test]
    fn the_table_of_realms_goes_before_and_the_row_of_the_application_before_that_of_all() {
        let rows = [row("far", None, &["dra.home"]), row("far", Some(1), &["unknown", "twin.home", "hss.home"])];
        let table = table(&rows);
        assert_eq!(table.find(&ask(None, "far"), judge), Ok(HSS), "the first that is ready");
        assert_eq!(table.find(&Query { application: 2, ..ask(None, "far") }, judge), Ok(DRA));
    }

    #[test]
    fn equals_share_and_a_session_stays_with_one() {
        let rows = [RealmRoute { share: true, ..row("far", None, &["hss.home", "twin.home", "dra.home"]) }];
        let table = table(&rows);
        let of = |session| table.find(&Query { session, ..ask(None, "far") }, judge).unwrap();
        assert_eq!((0..4).map(of).collect::<Vec<_>>(), [HSS, DRA, HSS, DRA], "the twin is away");
    }

    #[test]
    fn the_default_route_takes_every_realm_without_a_row() {
        let rows = [row("*", Some(1), &["twin.home", "hss.home"]), row("far", None, &["twin.home"])];
        let table = table(&rows);
        assert_eq!(table.find(&ask(Some("server.nowhere"), "nowhere"), judge), Ok(HSS));
        assert_eq!(table.find(&ask(None, "far"), judge), Ok(HSS), "its own row leads nowhere");
    }

    #[test]
    fn a_relay_takes_what_no_peer_is_named_for_unless_the_request_has_been_there() {
        assert_eq!(table(&[]).find(&ask(Some("hlr.away"), "away"), judge), Ok(DRA));
        let been = |at| if at == DRA { None } else { judge(at) };
        assert_eq!(table(&[]).find(&ask(Some("hlr.away"), "away"), been), Err(Unroutable::RealmNotServed));
    }

    #[test]
    fn unable_to_deliver_realm_not_served_and_too_busy() {
        let all = |standing| move |_| Some(Candidate { standing, ..READY });
        let table = table(&[]);
        assert_eq!(table.find(&ask(Some("hss.home"), "home"), all(Standing::Away)), Err(Unroutable::UnableToDeliver));
        assert_eq!(table.find(&ask(Some("x.home"), "home"), all(Standing::Away)), Err(Unroutable::UnableToDeliver));
        assert_eq!(table.find(&ask(None, "away"), all(Standing::Away)), Err(Unroutable::RealmNotServed));
        assert_eq!(table.find(&ask(None, "home"), all(Standing::Full)), Err(Unroutable::TooBusy));
        let codes = [Unroutable::UnableToDeliver, Unroutable::RealmNotServed, Unroutable::TooBusy];
        assert_eq!(codes.map(Unroutable::result_code), [3002, 3003, 3004]);
    }

    #[test]
    fn a_peer_that_says_another_realm_is_found_there() {
        let mut table = Table::new([("a.example", None)], &[]);
        assert_eq!(table.find(&ask(None, "example"), judge), Err(Unroutable::RealmNotServed));
        table.learn(0, "example", false);
        assert_eq!(table.find(&ask(None, "example"), judge), Ok(0));
        table.learn(0, "other", false);
        assert_eq!(table.find(&ask(None, "example"), judge), Err(Unroutable::UnableToDeliver));
        assert_eq!(table.find(&ask(None, "other"), judge), Ok(0));
    }

    #[test]
    fn a_thousand_peers_are_told_apart() {
        let names: Vec<_> = (0..1000).map(|at| format!("peer{at}.example")).collect();
        let table = Table::new(names.iter().map(|name| (name.as_str(), None)), &[]);
        for (at, name) in names.iter().enumerate() {
            assert_eq!(table.host(name.to_uppercase().as_bytes()), Some(at));
        }
        assert_eq!(table.host(b"peer1000.example"), None);
    }
}
