//! Agents as elements: a node that relays or redirects what others ask. The rules stand in [`crate::peer::relay`] and
//! [`crate::peer::redirect`]; the tables are the node's.

use crate::interfaces::base::APPLICATION_RELAY;
use crate::peer::redirect::{RedirectAgent, RedirectRow};
use crate::peer::relay::{Relay, Returned};
use crate::registration::Identity;
use crate::registration::element::{Action, Element, Event, Now, Report, Ticket};

/// The Application-Id that relays and redirect agents advertise. RFC 6733 section 2.4.
const APPLICATIONS: [u32; 1] = [APPLICATION_RELAY];

/// A relay agent. RFC 6733 section 2.8.1.
#[derive(Debug)]
pub struct RelayElement {
    relay: Relay,
    /// Answers whose Proxy-Info was not as we sent it.
    odd: u64,
}

impl RelayElement {
    /// A relay; `proxy_info` adds Proxy-Info to what it forwards, protected by `key`.
    #[must_use]
    pub fn new(identity: &Identity, proxy_info: bool, key: [u8; 16]) -> Self {
        Self { relay: Relay::new(&identity.host, &identity.realm, proxy_info, key), odd: 0 }
    }
}

impl Element for RelayElement {
    fn applications(&self) -> &[u32] {
        &APPLICATIONS
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Request { ticket, sender, header, message } => {
                actions.push(match self.relay.forward(&sender.peer, &header, message, ticket.0) {
                    Ok(message) => Action::Forward { ticket, message },
                    Err(message) => Action::Answer { ticket, message },
                });
            }
            Event::Answer { token, result: Ok(answer) } => {
                let Returned { message, odd } = self.relay.returned(answer, token.0);
                if let Some(why) = odd {
                    self.odd += 1;
                    // A server that never copies it must not fill the log: the first, second, fourth and so on are told.
                    if self.odd.is_power_of_two() {
                        let text = format!("{why}; so far {} answers", self.odd);
                        actions.push(Action::Report(Report { step: "relay", text, failure: true }));
                    }
                }
                actions.push(Action::Answer { ticket: Ticket(token.0), message });
            }
            Event::Undelivered { ticket, message, result_code, words } => {
                if let Some(message) = self.relay.undelivered(message, result_code, words) {
                    actions.push(Action::Answer { ticket, message });
                }
            }
            // It asks nothing itself, writes nothing and sets no timer.
            Event::Answer { result: Err(_), .. }
            | Event::Stored { .. }
            | Event::Authenticated { .. }
            | Event::Timer { .. } => {}
        }
    }
}

/// A redirect agent. RFC 6733 section 2.8.3.
#[derive(Debug)]
pub struct RedirectElement {
    agent: RedirectAgent,
}

impl RedirectElement {
    /// A redirect agent with these rows.
    #[must_use]
    pub fn new(identity: &Identity, rows: Vec<RedirectRow>) -> Self {
        Self { agent: RedirectAgent::new(&identity.host, &identity.realm, rows) }
    }
}

impl Element for RedirectElement {
    fn applications(&self) -> &[u32] {
        &APPLICATIONS
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        if let Event::Request { ticket, header, message, .. } = event {
            actions.push(Action::Answer { ticket, message: self.agent.answer(&header, message) });
        }
    }
}
