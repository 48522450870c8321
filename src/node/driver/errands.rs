//! Between the element and its peers: requests that come and their answers, requests that leave, writes and timers.

use std::time::Duration;

use bytes::Bytes;
use tracing::Span;

use super::exchange;
use super::forward::Tried;
use super::{Driver, Errand, Input, Observation, Return, TICKET_SPAN};
use crate::message::Header;
use crate::peer::requests::{Arrival, Duplicates, set_end_to_end, set_hop_by_hop};
use crate::peer::{ConnectionId, answers};
use crate::registration::element::{Action, Element, Event, Now, Ticket, Token};

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
        // An agent judges no duplicates: that is for the server. RFC 6733 section 5.5.4.
        let key = if self.local.is_agent() { None } else { Duplicates::<Ticket>::key(message, header.end_to_end) };
        let ticket = Ticket(self.next_ticket);
        let span = exchange::begin(&self.peers[at].span, true, &header, message);
        let back =
            Return { connection, stream, hop_by_hop: header.hop_by_hop, key, since: now.elapsed, span: span.clone() };
        match key.map(|key| self.duplicates.arrive(now.elapsed, key, ticket)) {
            Some(Arrival::InProgress(earlier)) if self.tickets.contains_key(&earlier) => {
                self.tickets.insert(earlier, back);
                self.count_duplicate();
                return;
            }
            Some(Arrival::Answered(answer)) => {
                let mut answer = answer.to_vec();
                set_hop_by_hop(&mut answer, header.hop_by_hop);
                self.send(connection, answer.into(), stream);
                self.count_duplicate();
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
        span.in_scope(|| self.element.handle(now, event, &mut self.actions));
    }

    fn count_duplicate(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.duplicate();
        }
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
                let (tried, span) = (Tried::default(), Span::none());
                let errand = Errand { token, destination: Some(destination), tried, span };
                self.send_request(now, errand, message, true);
            }
            Action::Forward { ticket, message } => {
                let (tried, span) = (Tried::default(), Span::none());
                let errand = Errand { token: Token(ticket.0), destination: None, tried, span };
                self.send_request(now, errand, message, true);
            }
            Action::Answer { ticket, mut message } => {
                let Some(back) = self.tickets.remove(&ticket) else {
                    tracing::warn!("an answer comes too late: nobody waits for it");
                    return;
                };
                set_hop_by_hop(&mut message, back.hop_by_hop);
                exchange::end(&back.span, &message, now.elapsed.saturating_sub(back.since));
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
            Action::Authenticate { token, question } => self.authenticate(token, question),
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
}
