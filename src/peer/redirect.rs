//! Redirects: what a redirect agent says is followed and remembered, and an agent that says it. RFC 6733 sections 2.8.3,
//! 6.1.8 and 6.12 to 6.14.
//!
//! Following goes to configured peers only: nobody becomes a peer because another says so.

use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;
use std::time::Duration;

use siphasher::sip::SipHasher13;

use super::answers;
use super::routing::Facts;
use crate::avp::dictionary::{RedirectHost, RedirectHostUsage, RedirectMaxCacheTime, ResultCode, write_avp};
use crate::avp::{Avps, DiameterUri};
use crate::message::declare::finish_message;
use crate::message::{HEADER_LENGTH, Header, find};

/// Hosts of one indication that are looked at.
const HOST_LIMIT: usize = 8;

/// The longest time that a redirect is remembered, whatever the agent says.
const LONGEST: Duration = Duration::from_secs(86_400);

/// The usages of cached redirects in the order of precedence that RFC 6733 section 6.13 gives them. `ALL_HOST` comes last
/// and is asked for by [`Redirects::of_host`].
const PRECEDENCE: [i32; 5] = [
    RedirectHostUsage::ALL_SESSION,
    RedirectHostUsage::ALL_USER,
    RedirectHostUsage::REALM_AND_APPLICATION,
    RedirectHostUsage::ALL_REALM,
    RedirectHostUsage::ALL_APPLICATION,
];

/// What an answer with 3006 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indication {
    /// Redirect-Host, in its order: at most eight.
    pub hosts: Vec<DiameterUri>,
    /// Redirect-Host-Usage; `DONT_CACHE` when absent or unknown.
    pub usage: i32,
    /// Redirect-Max-Cache-Time; zero when absent: then it is for this request alone.
    pub cache_time: Duration,
}

impl Indication {
    /// Reads an answer; `None` when it is no redirect indication. Hosts that are no DiameterURI are left out.
    #[must_use]
    pub fn read(answer: &[u8]) -> Option<Self> {
        let header = Header::parse(answer)?;
        let body = Avps::new(answer.get(HEADER_LENGTH..)?);
        if header.is_request()
            || !header.flags.is_error()
            || find::<ResultCode>(body) != Some(ResultCode::DIAMETER_REDIRECT_INDICATION)
        {
            return None;
        }
        let hosts = body.map_while(Result::ok).filter(|avp| avp.key.0 == RedirectHost::KEY);
        let hosts = hosts.filter_map(|avp| str::from_utf8(avp.data).ok()?.parse().ok());
        let usage = find::<RedirectHostUsage>(body).unwrap_or(RedirectHostUsage::DONT_CACHE);
        let seconds = find::<RedirectMaxCacheTime>(body).unwrap_or(0);
        Some(Self {
            hosts: hosts.take(HOST_LIMIT).collect(),
            usage,
            cache_time: Duration::from_secs(seconds.into()).min(LONGEST),
        })
    }
}

/// The redirects that are remembered. Bounded in number; the oldest is forgotten first.
#[derive(Debug)]
pub struct Redirects {
    known: HashMap<(i32, u64), Known>,
    order: VecDeque<((i32, u64), u64)>,
    serial: u64,
    limit: usize,
    seed: u64,
}

#[derive(Debug)]
struct Known {
    hosts: Vec<String>,
    until: Duration,
    serial: u64,
}

impl Redirects {
    /// Remembers so many. The names by which they are found are hashed with `seed`, which peers do not know.
    #[must_use]
    pub fn new(limit: usize, seed: u64) -> Self {
        Self { known: HashMap::new(), order: VecDeque::new(), serial: 0, limit: limit.max(1), seed }
    }

    /// True when none is remembered, so that no request needs to be looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Remembers what `redirector` said of a request, as far as it wants that. False when it is for this request alone,
    /// or the request has not what the usage goes by.
    pub fn learn(
        &mut self,
        now: Duration,
        request: &Facts<'_>,
        application: u32,
        redirector: &str,
        indication: &Indication,
    ) -> bool {
        let key = if indication.usage == RedirectHostUsage::ALL_HOST {
            Some(self.host_key(redirector))
        } else {
            self.key(indication.usage, request, application)
        };
        let Some(key) = key.filter(|_| !indication.cache_time.is_zero() && !indication.hosts.is_empty()) else {
            return false;
        };
        self.serial += 1;
        let hosts = indication.hosts.iter().map(|uri| uri.host.clone()).collect();
        self.known.insert(key, Known { hosts, until: now + indication.cache_time, serial: self.serial });
        self.order.push_back((key, self.serial));
        while self.order.len() > self.limit {
            let Some((key, serial)) = self.order.pop_front() else { break };
            if self.known.get(&key).is_some_and(|known| known.serial == serial) {
                self.known.remove(&key);
            }
        }
        true
    }

    /// The hosts that a request is redirected to, by the usage that goes before the others.
    pub fn find(&mut self, now: Duration, request: &Facts<'_>, application: u32) -> Option<&[String]> {
        let key = PRECEDENCE.into_iter().find_map(|usage| {
            let key = self.key(usage, request, application)?;
            self.is_fresh(now, key).then_some(key)
        })?;
        self.known.get(&key).map(|known| &known.hosts[..])
    }

    /// The hosts that everything for `host` is redirected to.
    pub fn of_host(&mut self, now: Duration, host: &str) -> Option<&[String]> {
        let key = self.host_key(host);
        self.is_fresh(now, key).then_some(())?;
        self.known.get(&key).map(|known| &known.hosts[..])
    }

    /// True when it is there and its time is not over; one whose time is over is forgotten.
    fn is_fresh(&mut self, now: Duration, key: (i32, u64)) -> bool {
        let Some(known) = self.known.get(&key) else { return false };
        if known.until <= now {
            self.known.remove(&key);
            return false;
        }
        true
    }

    fn host_key(&self, host: &str) -> (i32, u64) {
        (RedirectHostUsage::ALL_HOST, self.hash(&host.to_ascii_lowercase().into_bytes(), 0))
    }

    fn key(&self, usage: i32, request: &Facts<'_>, application: u32) -> Option<(i32, u64)> {
        let realm = || request.realm.map(<[u8]>::to_ascii_lowercase);
        let hash = match usage {
            RedirectHostUsage::ALL_SESSION => self.hash(request.session?, 0),
            RedirectHostUsage::ALL_USER => self.hash(request.user?, 0),
            RedirectHostUsage::REALM_AND_APPLICATION => self.hash(&realm()?, application),
            RedirectHostUsage::ALL_REALM => self.hash(&realm()?, 0),
            RedirectHostUsage::ALL_APPLICATION => self.hash(&[], application),
            _ => return None,
        };
        Some((usage, hash))
    }

    fn hash(&self, name: &[u8], application: u32) -> u64 {
        let mut hash = SipHasher13::new_with_keys(self.seed, 0x7265_6469_7265_6374);
        hash.write_u32(application);
        hash.write(name);
        hash.finish()
    }
}

/// A row of a redirect agent: where requests for a realm (and one application, or all) are to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectRow {
    /// Destination-Realm; `*` for every realm that has no row of its own.
    pub realm: String,
    /// Application-Id; all when `None`.
    pub application: Option<u32>,
    /// Redirect-Host, at least one.
    pub hosts: Vec<DiameterUri>,
    /// Redirect-Host-Usage.
    pub usage: i32,
    /// Redirect-Max-Cache-Time in seconds.
    pub cache_time: u32,
}

/// A redirect agent's rules: it answers every request with where it should have gone.
#[derive(Clone, Debug)]
pub struct RedirectAgent {
    identity: String,
    realm: String,
    rows: Vec<RedirectRow>,
}

impl RedirectAgent {
    /// An agent of this name and realm. Of two rows for a realm, that of the application goes before that of all.
    #[must_use]
    pub fn new(identity: &str, realm: &str, mut rows: Vec<RedirectRow>) -> Self {
        rows.sort_by_key(|row| (row.realm == "*", row.application.is_none()));
        Self { identity: identity.to_owned(), realm: realm.to_owned(), rows }
    }

    /// The answer to a request whose header has been judged: 3006, or why not.
    #[must_use]
    pub fn answer(&self, header: &Header, message: &[u8]) -> Vec<u8> {
        let us = (self.identity.as_str(), self.realm.as_str());
        let refuse = |code, words: &str| answers::refuse_as_agent(us, message, header, code, words, false);
        let Ok(facts) = Facts::read(message) else {
            return refuse(ResultCode::DIAMETER_INVALID_AVP_LENGTH, "the AVPs of the request cannot be walked");
        };
        if facts.has_passed(&self.identity) {
            let words = format!("{} stands in Route-Record: the request has been here before", self.identity);
            return refuse(ResultCode::DIAMETER_LOOP_DETECTED, &words);
        }
        if !header.flags.is_proxiable() {
            let words = format!(
                "the P bit of command {} is clear, so that it may not be redirected, and {} serves none itself",
                header.code, self.identity
            );
            return refuse(ResultCode::DIAMETER_COMMAND_UNSUPPORTED, &words);
        }
        let Some(realm) = facts.realm else {
            let words = format!(
                "the request names no Destination-Realm, so it is for {}, which serves no application itself",
                self.identity
            );
            return refuse(ResultCode::DIAMETER_APPLICATION_UNSUPPORTED, &words);
        };
        let of_realm = |row: &&RedirectRow| row.realm == "*" || row.realm.as_bytes().eq_ignore_ascii_case(realm);
        let fits = |row: &&RedirectRow| row.application.is_none_or(|only| only == header.application);
        let Some(row) = self.rows.iter().find(|row| of_realm(row) && fits(row)) else {
            let known = self.rows.iter().any(|row| of_realm(&row));
            let words = format!(
                "{} has no redirect for realm {} and application {}",
                self.identity,
                realm.escape_ascii(),
                header.application
            );
            let code =
                if known { ResultCode::DIAMETER_UNABLE_TO_DELIVER } else { ResultCode::DIAMETER_REALM_NOT_SERVED };
            return refuse(code, &words);
        };
        let mut out = refuse(ResultCode::DIAMETER_REDIRECT_INDICATION, "go there yourself");
        for host in &row.hosts {
            write_avp::<RedirectHost>(&host.to_string().as_str(), &mut out);
        }
        write_avp::<RedirectHostUsage>(&row.usage, &mut out);
        if row.usage != RedirectHostUsage::DONT_CACHE {
            write_avp::<RedirectMaxCacheTime>(&row.cache_time, &mut out);
        }
        finish_message(0, &mut out);
        out
    }
}

#[cfg(test)]
#[path = "redirect_tests.rs"]
mod tests;
