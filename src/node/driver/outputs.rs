//! What a peer's machine wants, carried out.

use std::sync::Arc;

use super::{Driver, Input, exchange};
use crate::message::Header;
use crate::node::Observation;
use crate::peer::requests::set_retransmitted;
use crate::peer::{DownReason, Lane, Output, Status, Unanswered, capabilities};
use crate::registration::element::{Element, Event, Now, Sender};

impl<E: Element + Send + 'static> Driver<E> {
    /// Carries out what a peer wants; `stream` is that of the message it has just handled.
    pub(super) fn drain_peer(&mut self, now: Now, at: usize, stream: Option<u16>) {
        let mut any = false;
        while let Some(output) = self.peers[at].machine.poll_output() {
            any = true;
            match output {
                Output::Connect => self.connect(at),
                Output::Send { connection, message, lane } => {
                    let stream = match lane {
                        Lane::Base => 0,
                        Lane::Same => stream.unwrap_or(0),
                        Lane::Session(number) => self.spread(connection, number),
                    };
                    self.observe_sent(at, &message);
                    self.send(connection, message, stream);
                }
                Output::Close { connection } => {
                    if let Some(connection) = self.connections.get(&connection) {
                        connection.sender.begin_close();
                    }
                }
                Output::Request { connection, header, message } => {
                    self.observe_received(at, &header, &message);
                    self.handle_request(now, at, connection, stream.unwrap_or(0), header, &message);
                }
                Output::Answer { token: errand, request, message, took } => {
                    if let Some(header) = Header::parse(&message) {
                        self.peers[at].tally.took(header.application, took);
                        self.observe_received(at, &header, &message);
                        if let Some(observer) = &self.observer {
                            observer(&self.local.identity, &Observation::Answered { header: &header, took });
                        }
                    }
                    exchange::end(&errand.span, &message, took);
                    if !self.goes_elsewhere(now, at, &errand, &request, &message) {
                        let event = Event::Answer { token: errand.token, result: Ok(&message) };
                        errand.span.in_scope(|| self.element.handle(now, event, &mut self.actions));
                    }
                }
                Output::NoAnswer { pending, why } => {
                    self.peers[at].tally.unanswered(why);
                    match why {
                        Unanswered::Timeout => {
                            exchange::give_up(&pending.token.span, "no answer in time");
                            self.unanswered(now, at, &pending);
                        }
                        Unanswered::Failover => {
                            exchange::give_up(&pending.token.span, "the peer is lost; sent another way");
                            let mut message = pending.message.to_vec();
                            set_retransmitted(&mut message);
                            self.send_request(now, pending.token, message, false);
                        }
                    }
                }
                Output::Up(capabilities) => {
                    let entry = &mut self.peers[at];
                    entry.trouble = None;
                    entry.span.in_scope(|| {
                        let applications = capabilities::list(&capabilities.applications);
                        tracing::info!(product = %capabilities.product, %applications, "peer is up");
                    });
                    if let Some(connection) = entry.machine.connection().and_then(|id| self.connections.get(&id)) {
                        entry.tally.watch_paths(connection.sender.paths());
                    }
                    self.table.learn(at, &capabilities.realm, capabilities.is_relay());
                    entry.sender =
                        Arc::new(Sender { peer: capabilities.identity, realm: capabilities.realm, protected: false });
                    self.views_stale = true;
                    self.unpark(now);
                }
                Output::Down(reason) => {
                    let entry = &mut self.peers[at];
                    let words = entry.machine.explain_down(&reason);
                    entry.span.in_scope(|| tracing::info!("peer is down: {words}"));
                    if reason == DownReason::Watchdog {
                        entry.tally.watchdog_failed();
                    }
                    entry.trouble = Some(words);
                    self.views_stale = true;
                }
                Output::Trouble(words) => {
                    let entry = &mut self.peers[at];
                    // Attempts in vain are told once, until something else happens.
                    if entry.trouble.as_deref().is_none_or(|old| !same_but_numbers(old, &words)) {
                        entry.span.in_scope(|| tracing::warn!("{words}"));
                    }
                    entry.trouble = Some(words);
                    self.views_stale = true;
                }
                Output::Refused(refusal) => {
                    let entry = &mut self.peers[at];
                    entry.span.in_scope(|| tracing::error!("{refusal}"));
                    entry.tally.refused();
                    entry.trouble = Some(refusal.to_string());
                    self.views_stale = true;
                }
                Output::State { from, event, to } => {
                    self.peers[at].span.in_scope(|| tracing::debug!(%from, %event, %to, "state"));
                    self.views_stale = true;
                }
                Output::Watchdog { from, to } => {
                    self.peers[at].span.in_scope(|| tracing::debug!(%from, %to, "watchdog"));
                    self.views_stale = true;
                    if to == Status::Suspect {
                        self.peers[at].tally.watchdog_failed();
                    }
                    if to == Status::Okay {
                        self.unpark(now);
                    }
                }
                Output::Malformed(words) => {
                    self.peers[at].tally.malformed();
                    self.peers[at].span.in_scope(|| tracing::debug!("{words}"));
                }
                Output::Note(words) => self.peers[at].span.in_scope(|| tracing::debug!("{words}")),
            }
        }
        self.peers_due = self.peers_due.min(self.peers[at].machine.next_deadline());
        if any {
            self.peers[at].tally.pending(self.peers[at].machine.pending());
        }
    }

    pub(super) fn connect(&mut self, at: usize) {
        let entry = &mut self.peers[at];
        let Some(endpoint) = entry.connect_to.clone() else { return };
        entry.tally.connects();
        entry.connecting += 1;
        let udp_port = entry.udp_port;
        let id = self.new_connection();
        let (net, transport, inputs) = (self.net.clone(), self.settings.transport, self.inputs.clone());
        let locals = self.local.addresses.clone();
        tokio::spawn(async move {
            let result = net.connect_to(&endpoint, transport, &locals, udp_port).await;
            let _ = inputs.send(Input::Connected { peer: at, id, result }).await;
        });
    }

    pub(super) fn observe_received(&self, peer: usize, header: &Header, message: &[u8]) {
        if let Some(observer) = &self.observer {
            let from = &self.peers[peer].machine.expected().identity;
            observer(&self.local.identity, &Observation::Received { from, header, message });
        }
    }

    pub(super) fn observe_sent(&self, peer: usize, message: &[u8]) {
        if let Some(observer) = &self.observer
            && let Some(header) = Header::parse(message)
            && header.application != 0
        {
            let to = &self.peers[peer].machine.expected().identity;
            observer(&self.local.identity, &Observation::Sent { to, header: &header, message });
        }
    }
}

/// True when two paragraphs differ in numbers at most, such as the time until the next attempt.
fn same_but_numbers(one: &str, other: &str) -> bool {
    let words = |text: &'_ str| text.chars().filter(|letter| !letter.is_ascii_digit()).collect::<String>();
    words(one) == words(other)
}
