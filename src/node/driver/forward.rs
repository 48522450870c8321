//! Where requests go, ours and those we forward: the tables asked, redirects followed, alternatives tried, and what is
//! said when nothing leads there.

use bytes::Bytes;

use super::exchange;
use super::{Connections, Driver, Errand, PARKED_LIMIT, PATIENCE, PeerEntry, is_named};
use crate::avp::Avps;
use crate::avp::dictionary::ResultCode;
use crate::message::{HEADER_LENGTH, Header, find};
use crate::peer::Status;
use crate::peer::redirect::Indication;
use crate::peer::requests::Pending;
use crate::peer::routing::{Candidate, Facts, Query, Standing, Unroutable, session_number};
use crate::registration::element::{Element, Event, NoAnswer, Now, Ticket};

/// The peers that a request has been to and that sent it elsewhere. So many, and then the last answer stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tried {
    peers: [usize; Self::LIMIT],
    count: usize,
}

impl Tried {
    const LIMIT: usize = 4;

    fn contains(&self, peer: usize) -> bool {
        self.peers.iter().take(self.count).any(|other| *other == peer)
    }

    /// One more; `None` when that were too many.
    fn and(mut self, peer: usize) -> Option<Self> {
        *self.peers.get_mut(self.count)? = peer;
        self.count += 1;
        Some(self)
    }
}

/// What routing asks of a peer. One whose connection is congested counts as one with too many requests: what would be sent
/// on top would end the connection.
fn candidate(peers: &[PeerEntry], connections: &Connections, at: usize, application: u32) -> Candidate {
    let Some(machine) = peers.get(at).map(|peer| &peer.machine) else {
        return Candidate { standing: Standing::Away, serves: false };
    };
    let mut candidate = machine.candidate(application);
    let connection = || machine.connection().and_then(|id| connections.get(&id));
    if candidate.standing == Standing::Ready && connection().is_some_and(|one| one.sender.is_congested()) {
        candidate.standing = Standing::Full;
    }
    candidate
}

impl<E: Element + Send + 'static> Driver<E> {
    /// Sends a request to the peer that leads to its destination. One that is coming up is waited for when `patient`.
    pub(super) fn send_request(&mut self, now: Now, mut errand: Errand, message: Vec<u8>, patient: bool) {
        let route = self.route(now, &errand, &message);
        if let (Ok(at), Some(header), true) = (route, Header::parse(&message), errand.span.is_none()) {
            errand.span = exchange::begin(&self.peers[at].span, false, &header, &message);
        }
        let (errand, message, why) = match route {
            Ok(at) => match self.peers[at].machine.send_request(now.elapsed, errand, message) {
                Ok(()) => {
                    self.drain_peer(now, at, None);
                    return;
                }
                Err((errand, message)) => (errand, message, Unroutable::UnableToDeliver),
            },
            Err(why) => (errand, message, why),
        };
        let hopeful = patient && why != Unroutable::TooBusy && self.parked.len() < PARKED_LIMIT;
        if hopeful && self.is_coming(now, &errand, &message) {
            self.parked.push_back((now.elapsed + PATIENCE, errand, message));
        } else {
            self.undelivered(now, &errand, &message, why);
        }
    }

    /// The peer for a request.
    fn route(&mut self, now: Now, errand: &Errand, message: &[u8]) -> Result<usize, Unroutable> {
        let application = application_of(message);
        // A forwarded request has no destination but its AVPs; one of ours is only looked at where redirects are known.
        let facts = match &errand.destination {
            Some(_) if self.redirects.is_empty() => None,
            _ => Some(Facts::read(message).map_err(|_| Unroutable::UnableToDeliver)?),
        };
        let redirected = match &facts {
            Some(facts) if !self.redirects.is_empty() => {
                let hosts = self.redirects.find(now.elapsed, facts, application).unwrap_or_default();
                let positions = hosts.iter().filter_map(|host| self.table.host(host.as_bytes()));
                let ready = |at: &usize| {
                    let standing = candidate(&self.peers, &self.connections, *at, application).standing;
                    standing == Standing::Ready && !errand.tried.contains(*at)
                };
                positions.into_iter().find(ready)
            }
            _ => None,
        };
        if let Some(at) = redirected {
            return Ok(at);
        }
        let query = match (&errand.destination, &facts) {
            (Some(to), _) => Query {
                host: to.host.as_deref().map(str::as_bytes),
                realm: to.realm.as_bytes(),
                application,
                session: if self.table.shares() { session_of(message) } else { 0 },
            },
            (None, Some(facts)) => facts.query(application),
            (None, None) => return Err(Unroutable::UnableToDeliver),
        };
        let forwarded = facts.as_ref().filter(|_| errand.destination.is_none());
        let at = self.table.find(&query, |at| {
            // RFC 6733 section 6.1.7: no peer that stands in a Route-Record, which is also the one it came from.
            let been = forwarded.is_some_and(|facts| facts.has_passed(self.table.identity(at)));
            (!been && !errand.tried.contains(at)).then(|| candidate(&self.peers, &self.connections, at, application))
        })?;
        if !self.redirects.is_empty() {
            let hosts = self.redirects.of_host(now.elapsed, self.table.identity(at)).unwrap_or_default();
            let mut positions = hosts.iter().filter_map(|host| self.table.host(host.as_bytes()));
            let other = positions.find(|other| {
                let standing = candidate(&self.peers, &self.connections, *other, application).standing;
                standing == Standing::Ready && !errand.tried.contains(*other)
            });
            return Ok(other.unwrap_or(at));
        }
        Ok(at)
    }

    /// True when an answer sent its request to another peer instead of being one: a redirect indication, or a peer that is
    /// too busy beside one that is not.
    pub(super) fn goes_elsewhere(
        &mut self,
        now: Now,
        at: usize,
        errand: &Errand,
        request: &Bytes,
        answer: &Bytes,
    ) -> bool {
        let Some(header) = Header::parse(answer).filter(|header| header.flags.is_error()) else { return false };
        let Some(tried) = errand.tried.and(at) else {
            self.peers[at].span.in_scope(|| tracing::warn!("a request has been sent elsewhere too often"));
            return false;
        };
        let errand = Errand { tried, ..errand.clone() };
        let to = match find::<ResultCode>(Avps::new(answer.get(HEADER_LENGTH..).unwrap_or_default())) {
            Some(ResultCode::DIAMETER_REDIRECT_INDICATION) => {
                self.redirected(now, at, &errand, header.application, request, answer)
            }
            // RFC 6733 section 7.1.3: "a Diameter node SHOULD attempt to send the message to an alternate peer".
            Some(ResultCode::DIAMETER_TOO_BUSY) if !self.is_named_in(request, at) => {
                self.route(now, &errand, request).ok()
            }
            _ => None,
        };
        let Some(to) = to else { return false };
        let sent = self.peers[to].machine.send_request(now.elapsed, errand, request.to_vec()).is_ok();
        if sent {
            self.drain_peer(now, to, None);
        }
        sent
    }

    /// True when a peer is the Destination-Host of a request, so that no other will do.
    fn is_named_in(&self, request: &[u8], at: usize) -> bool {
        let host = Facts::read(request).ok().and_then(|facts| facts.host);
        host.is_some_and(|host| host.eq_ignore_ascii_case(self.table.identity(at).as_bytes()))
    }

    /// Judges a redirect indication and remembers it: the peer that the request goes to now. Without one the reason is in
    /// the log, and the indication is given back as the answer.
    fn redirected(
        &mut self,
        now: Now,
        at: usize,
        errand: &Errand,
        application: u32,
        request: &[u8],
        answer: &[u8],
    ) -> Option<usize> {
        let indication = Indication::read(answer)?;
        if let Ok(facts) = Facts::read(request) {
            let redirector = self.table.identity(at);
            self.redirects.learn(now.elapsed, &facts, application, redirector, &indication);
        }
        let mut why = String::new();
        let mut found = None;
        for uri in &indication.hosts {
            match self.table.host(uri.host.as_bytes()) {
                None => why.push_str(&format!(
                    "; {} is no peer of ours: to follow, add a [[peer]] with identity = \"{}\" and connect_to = \
                     \"{}:{}\"",
                    uri.host, uri.host, uri.host, uri.port
                )),
                Some(peer) if errand.tried.contains(peer) => why.push_str(&format!("; {} has had it", uri.host)),
                Some(peer) => {
                    let machine = &mut self.peers[peer].machine;
                    if machine.candidate(application).standing == Standing::Ready {
                        found = Some(peer);
                        break;
                    }
                    machine.invite(now.elapsed);
                    self.peers_due = self.peers_due.min(machine.next_deadline());
                    why.push_str(&format!("; {} is {}", uri.host, machine.state()));
                }
            }
        }
        self.peers[at].span.in_scope(|| match found {
            Some(peer) => tracing::debug!(to = self.table.identity(peer), "a redirect is followed"),
            None => tracing::warn!("a redirect is not followed{why}"),
        });
        found
    }

    /// True when a peer that may lead there has not been up yet, or is on its way back. One that did not want to be talked
    /// to is asked again, now that there is traffic for it.
    fn is_coming(&mut self, now: Now, errand: &Errand, message: &[u8]) -> bool {
        let facts = Facts::read(message).ok();
        let (host, realm) = match (&errand.destination, &facts) {
            (Some(to), _) => (to.host.as_deref().map(str::as_bytes), to.realm.as_bytes()),
            (None, Some(facts)) => (facts.host, facts.realm.unwrap_or_default()),
            (None, None) => return false,
        };
        let mut coming = false;
        for entry in self.peers.iter_mut().filter(|entry| !entry.retired) {
            let expected = entry.machine.expected();
            let there = match host {
                Some(host) => str::from_utf8(host).is_ok_and(|host| is_named(expected, host)),
                None => expected.realm.as_ref().is_none_or(|expected| expected.as_bytes().eq_ignore_ascii_case(realm)),
            };
            if there {
                entry.machine.invite(now.elapsed);
                self.peers_due = self.peers_due.min(entry.machine.next_deadline());
                coming |= matches!(entry.machine.status(), Status::Initial | Status::Reopen);
            }
        }
        coming
    }

    /// A request reaches nobody: the element is told.
    pub(super) fn undelivered(&mut self, now: Now, errand: &Errand, message: &[u8], why: Unroutable) {
        let Some(destination) = &errand.destination else {
            let facts = Facts::read(message).ok();
            let text = |octets: Option<&[u8]>| octets.unwrap_or_default().escape_ascii().to_string();
            let (host, realm) = facts.map_or_else(Default::default, |facts| (text(facts.host), text(facts.realm)));
            let (us, application) = (&self.local.identity, application_of(message));
            let to = if host.is_empty() { format!("realm {realm}") } else { format!("{host} in realm {realm}") };
            let words = match why {
                Unroutable::RealmNotServed => format!("{us} has no route for realm {realm}"),
                Unroutable::UnableToDeliver => {
                    format!("no peer of {us} that is up leads to {to} for application {application}")
                }
                Unroutable::TooBusy => format!("too many requests of {us} wait for the peers that lead to {to}"),
            };
            self.not_forwarded(now, errand, message, why.result_code(), &words);
            return;
        };
        tracing::debug!(node = %self.local.identity, realm = %destination.realm, ?why, "no peer leads there");
        self.no_answer(now, errand, NoAnswer::Unreachable);
    }

    /// No answer has come in time.
    pub(super) fn unanswered(&mut self, now: Now, at: usize, pending: &Pending<Errand>) {
        if pending.token.destination.is_some() {
            self.no_answer(now, &pending.token, NoAnswer::Timeout);
            return;
        }
        let wait = self.peers[at].machine.answer_wait().as_secs();
        let words = format!("{} has not answered {} in {wait} s", self.table.identity(at), self.local.identity);
        let code = ResultCode::DIAMETER_UNABLE_TO_DELIVER;
        self.not_forwarded(now, &pending.token, &pending.message, code, &words);
    }

    fn not_forwarded(&mut self, now: Now, errand: &Errand, message: &[u8], result_code: u32, words: &str) {
        tracing::debug!(node = %self.local.identity, result_code, "{words}");
        let ticket = Ticket(errand.token.0);
        self.element.handle(now, Event::Undelivered { ticket, message, result_code, words }, &mut self.actions);
    }

    fn no_answer(&mut self, now: Now, errand: &Errand, why: NoAnswer) {
        let event = Event::Answer { token: errand.token, result: Err(why) };
        self.element.handle(now, event, &mut self.actions);
    }
}

fn application_of(message: &[u8]) -> u32 {
    Header::parse(message).map_or(0, |header| header.application)
}

fn session_of(message: &[u8]) -> u64 {
    let session =
        find::<crate::avp::dictionary::SessionId>(Avps::new(message.get(HEADER_LENGTH..).unwrap_or_default()));
    session_number(session.unwrap_or_default().as_bytes())
}
