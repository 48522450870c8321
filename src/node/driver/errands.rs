//! Between the element and its peers: requests that come and their answers, requests that leave, writes and timers.

use std::time::Duration;

use bytes::Bytes;

use super::{Driver, Errand, Input, Observation, PARKED_LIMIT, PATIENCE, Return, TICKET_SPAN, is_named};
use crate::message::Header;
use crate::peer::requests::{Arrival, Duplicates, set_end_to_end, set_hop_by_hop};
use crate::peer::{ConnectionId, Status, answers, routing};
use crate::registration::element::{Action, Destination, Element, Event, NoAnswer, Now, Ticket, Token};

impl<E: Element + Send + 'static> Driver<E> {
    pub(super) fn handle_request(
        &mut self,
        now: Now,
        at: usize,
        connection: ConnectionId,
        stream: u16,
        header: Header,
        message: &[u8],
    ) {
        let key = Duplicates::<Ticket>::key(message, header.end_to_end);
        let ticket = Ticket(self.next_ticket);
        let back = Return { connection, stream, hop_by_hop: header.hop_by_hop, key };
        match key.map(|key| self.duplicates.arrive(now.elapsed, key, ticket)) {
            Some(Arrival::InProgress(earlier)) if self.tickets.contains_key(&earlier) => {
                self.tickets.insert(earlier, back);
                return;
            }
            Some(Arrival::Answered(answer)) => {
                let mut answer = answer.to_vec();
                set_hop_by_hop(&mut answer, header.hop_by_hop);
                self.send(connection, answer.into(), stream);
                return;
            }
            Some(Arrival::New | Arrival::InProgress(_)) | None => {}
        }
        self.forget_tickets(now.elapsed);
        if self.tickets.len() >= self.settings.ticket_limit || self.stopping.is_some() {
            let (identity, realm) = (&self.local.identity, &self.local.realm);
            let busy = crate::avp::dictionary::ResultCode::DIAMETER_TOO_BUSY;
            let answer =
                answers::refuse(identity, realm, message, &header, busy, "more requests wait than are allowed");
            self.send(connection, answer.into(), stream);
            return;
        }
        self.next_ticket += 1;
        self.tickets.insert(ticket, back);
        self.ticket_ages.push_back((now.elapsed + TICKET_SPAN, ticket));
        let sender = self.sender_over(at, connection);
        let event = Event::Request { ticket, sender: &sender, header, message };
        self.element.handle(now, event, &mut self.actions);
    }

    fn forget_tickets(&mut self, now: Duration) {
        while let Some(&(until, ticket)) = self.ticket_ages.front()
            && (until <= now || !self.tickets.contains_key(&ticket))
        {
            self.ticket_ages.pop_front();
            self.tickets.remove(&ticket);
        }
    }

    pub(super) fn carry_out(&mut self, now: Now, action: Action) {
        match action {
            Action::Send { token, destination, mut message } => {
                set_end_to_end(&mut message, self.end_to_end.allocate());
                self.send_request(now, Errand { token, destination }, message, true);
            }
            Action::Answer { ticket, mut message } => {
                let Some(back) = self.tickets.remove(&ticket) else {
                    tracing::warn!("an answer comes too late: nobody waits for it");
                    return;
                };
                set_hop_by_hop(&mut message, back.hop_by_hop);
                let message = Bytes::from(message);
                if let Some(key) = back.key {
                    self.duplicates.answered(key, message.clone());
                }
                if let Some(peer) = self.connections.get(&back.connection).and_then(|one| one.peer) {
                    self.observe_sent(peer, &message);
                }
                self.send(back.connection, message, back.stream);
            }
            Action::Store { token, writes } => self.store(token, writes),
            Action::SetTimer { token, after } => {
                let at = now.elapsed + after;
                if let Some(old) = self.timers.insert(token, at) {
                    self.timer_order.remove(&(old, token));
                }
                self.timer_order.insert((at, token));
            }
            Action::CancelTimer { token } => {
                if let Some(old) = self.timers.remove(&token) {
                    self.timer_order.remove(&(old, token));
                }
            }
            Action::Report(report) => match &self.observer {
                Some(observer) => observer(&self.local.identity, &Observation::Report(&report)),
                None if report.failure => {
                    tracing::warn!(node = %self.local.identity, step = report.step, "{}", report.text);
                }
                None => tracing::info!(node = %self.local.identity, step = report.step, "{}", report.text),
            },
        }
    }

    fn store(&mut self, token: Token, writes: Vec<crate::store::Write>) {
        let inputs = self.inputs.clone();
        let submitted = match &self.store {
            Some(store) => store.submit(writes).map_err(|error| error.to_string()),
            None => Err("this node has no store".to_owned()),
        };
        tokio::spawn(async move {
            let result = match submitted {
                Ok(pending) => pending.outcome().await.map_err(|error| error.to_string()),
                Err(error) => Err(error),
            };
            let _ = inputs.send(Input::Stored { token, result }).await;
        });
    }

    /// Sends a request to the peer that leads to its destination. One that is coming up is waited for when `patient`.
    pub(super) fn send_request(&mut self, now: Now, errand: Errand, message: Vec<u8>, patient: bool) {
        let application = Header::parse(&message).map_or(0, |header| header.application);
        let (host, realm) = (errand.destination.host.as_deref(), errand.destination.realm.as_str());
        let candidates: Vec<_> = self.peers.iter().map(|peer| peer.machine.candidate(application)).collect();
        let found = routing::route(host, realm, application, &self.routes, &candidates);
        let (errand, message) = match found {
            Ok(at) => match self.peers[at].machine.send_request(now.elapsed, errand, message) {
                Ok(()) => {
                    self.drain_peer(now, at, None);
                    return;
                }
                Err(back) => back,
            },
            Err(_) => (errand, message),
        };
        let coming = patient && self.parked.len() < PARKED_LIMIT && self.is_coming(&errand.destination);
        if coming {
            self.parked.push_back((now.elapsed + PATIENCE, errand, message));
        } else {
            tracing::debug!(node = %self.local.identity, realm = %errand.destination.realm, "no peer leads there");
            self.no_answer(now, errand.token, NoAnswer::Unreachable);
        }
    }

    /// True when a peer that may lead there has not been up yet, or is on its way back.
    fn is_coming(&self, destination: &Destination) -> bool {
        self.peers.iter().any(|peer| {
            let expected = peer.machine.expected();
            let there = match &destination.host {
                Some(host) => is_named(expected, host),
                None => expected.realm.as_ref().is_none_or(|realm| realm.eq_ignore_ascii_case(&destination.realm)),
            };
            there && matches!(peer.machine.status(), Status::Initial | Status::Reopen)
        })
    }

    /// Tries again what waits for a peer.
    pub(super) fn unpark(&mut self, now: Now) {
        for (deadline, errand, message) in std::mem::take(&mut self.parked) {
            let waits = self.parked.len();
            self.send_request(now, errand, message, true);
            // What still waits keeps its deadline.
            if self.parked.len() > waits
                && let Some(last) = self.parked.back_mut()
            {
                last.0 = deadline;
            }
        }
    }

    pub(super) fn no_answer(&mut self, now: Now, token: Token, why: NoAnswer) {
        self.element.handle(now, Event::Answer { token, result: Err(why) }, &mut self.actions);
    }
}
