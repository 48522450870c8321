//! What every case does around its own steps: connections, capabilities, watchdogs, parting.

use std::sync::Arc;
use std::time::Duration;

use super::line::{Heard, Link};
use super::{Action, Machine, PPID, Play, Said, Stop, Task};
use crate::conform::Verdict;
use crate::conform::judge;
use crate::conform::script::{self, Greeting};
use crate::message::Header;

/// How often a connection is tried that the peer closes before it is open, and the pause before the next.
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(150);
/// How long a peer may take to call us at least: its Tc is 30 seconds unless it is told otherwise. RFC 6733 section 12.
const CALLED: Duration = Duration::from_secs(45);
/// How long parting may take, when nothing is judged any more.
const PARTING: Duration = Duration::from_millis(700);

impl Machine {
    pub(super) fn pause(&mut self) -> Play {
        if self.clock(PAUSE).1 { Play::Done } else { Play::Wait }
    }

    pub(super) fn connect(&mut self, party: &str) -> Result<Play, Stop> {
        let timeout = self.settings.timeout;
        let timeout = if self.listens(party) { timeout.max(CALLED) } else { timeout };
        let (first, late) = self.clock(timeout);
        if first {
            let line = self.line(party);
            line.link = Link::Opening;
            (line.reason, line.sent, line.taken, line.parted) = (None, None, None, false);
            line.queue.clear();
            line.used = true;
            self.actions.push((party.to_owned(), Action::Open));
            return Ok(Play::Wait);
        }
        match self.link(party) {
            Link::Up | Link::Open => Ok(Play::Done),
            Link::Down => self.try_again(party, Verdict::Error, "there is no connection"),
            _ if late => {
                // A peer may have its reasons not to call; one that is called and gives no sign is not there.
                let (verdict, words) = match self.listens(party) {
                    true => (Verdict::Inconclusive, format!("has not connected to us as {}", self.who(party).host)),
                    false => (Verdict::Error, "gives no sign: there is no connection".to_owned()),
                };
                Err(Stop(verdict, format!("the peer {words} within {timeout:?}"), None))
            }
            _ => Ok(Play::Wait),
        }
    }

    /// A peer that has not noticed yet that the last connection is gone may refuse the next.
    fn try_again(&mut self, party: &str, verdict: Verdict, words: &str) -> Result<Play, Stop> {
        let opens = self.case().is_some_and(|case| case.open);
        let line = self.line(party);
        line.attempts += 1;
        if opens && line.attempts < ATTEMPTS {
            line.link = Link::Idle;
            // The task that failed, and the greeting behind it, are played again after the pause.
            let mut again = vec![Task::Pause];
            if !matches!(self.tasks.front(), Some(Task::Connect(_))) {
                again.push(Task::Connect(party.to_owned()));
            }
            if let Some(Task::Settle(_)) = self.tasks.front() {
                // Greeting puts another behind itself.
                self.tasks.pop_front();
                again.push(Task::Greet(party.to_owned()));
            }
            return Ok(Play::First(again));
        }
        let reason = line.reason.clone().unwrap_or_else(|| "the peer closed it".to_owned());
        Err(Stop(verdict, format!("{words}: {reason}"), None))
    }

    pub(super) fn greet(&mut self, party: &str) -> Result<Play, Stop> {
        let timeout = self.settings.timeout;
        let (first, late) = self.clock(timeout);
        let suite = Arc::clone(&self.suite);
        let address = self.line(party).local;
        let greeting = Greeting { who: self.who(party), address, party: suite.party(party) };
        if first && !self.listens(party) {
            let identifier = self.next_identifier();
            let cer = greeting.cer(identifier, &self.variables).map_err(|words| Stop(Verdict::Error, words, None))?;
            self.send(party, cer, 0, PPID);
        }
        let Some(Heard { bytes: message, .. }) = self.line(party).queue.pop_front() else {
            return match self.link(party) {
                Link::Down => self.try_again(party, Verdict::Inconclusive, "the capabilities were not exchanged"),
                _ if late => Err(Stop(Verdict::Inconclusive, format!("no CER or CEA within {timeout:?}"), None)),
                _ => Ok(Play::Wait),
            };
        };
        let who =
            greeting.judge(&message, self.listens(party)).map_err(|words| Stop(Verdict::Inconclusive, words, None))?;
        if self.listens(party) {
            let cea = greeting.cea(&message, &self.variables).map_err(|words| Stop(Verdict::Error, words, None))?;
            self.send(party, cea, 0, PPID);
        }
        let line = self.line(party);
        line.link = Link::Open;
        line.peer = Some(who.clone());
        self.settings.peer.get_or_insert(who);
        let settle = Task::Settle(party.to_owned());
        self.tasks.insert(self.tasks.len().min(1), settle);
        Ok(Play::Done)
    }

    pub(super) fn watch(&mut self, party: &str) -> Result<Play, Stop> {
        let timeout = self.settings.timeout;
        let (first, late) = self.clock(timeout);
        if first {
            let identifier = self.next_identifier();
            let request = script::watchdog(&self.who(party), identifier);
            self.line(party).sent = Some(request.clone());
            self.send(party, request, 0, PPID);
        }
        let identifier = self.line(party).sent.as_deref().and_then(Header::parse).map(|header| header.hop_by_hop);
        let clause = || Some("RFC 6733 5.5, 7".to_owned());
        let answer = |heard: &Heard| {
            Header::parse(&heard.bytes).is_some_and(|it| !it.is_request() && Some(it.hop_by_hop) == identifier)
        };
        let line = self.line(party);
        if let Some(at) = line.queue.iter().position(answer) {
            let message = line.queue.remove(at).map(|heard| heard.bytes).unwrap_or_default();
            return match script::succeeds(&message) {
                true => {
                    self.line(party).sent = None;
                    Ok(Play::Done)
                }
                false => {
                    let words = format!("the watchdog is answered with {}", judge::essence(&message));
                    Err(Stop(Verdict::Fail, words, clause()))
                }
            };
        }
        match self.link(party) {
            Link::Down => {
                let reason = self.line(party).reason.clone().unwrap_or_else(|| "the peer closed it".to_owned());
                Err(Stop(Verdict::Fail, format!("the connection should go on, and is gone: {reason}"), clause()))
            }
            _ if late => Err(Stop(Verdict::Fail, format!("no watchdog is answered within {timeout:?}"), clause())),
            _ => Ok(Play::Wait),
        }
    }

    pub(super) fn settle(&mut self, party: &str) -> Result<Play, Stop> {
        if self.link(party) == Link::Down {
            // A peer that called some time ago may have given up since.
            return self.try_again(party, Verdict::Inconclusive, "the connection is gone before the first step");
        }
        let play = self.watch(party).map_err(|Stop(_, words, clause)| {
            Stop(Verdict::Inconclusive, format!("before the first step: {words}"), clause)
        })?;
        if matches!(play, Play::Done) {
            self.line(party).attempts = 0;
        }
        Ok(play)
    }

    /// DPR, DPA, the end; whatever happens.
    pub(super) fn part(&mut self, party: &str) -> Play {
        let (first, late) = self.clock(PARTING);
        let link = self.link(party);
        if link == Link::Open && self.line(party).parted {
            return self.end(party, false);
        }
        if first && link == Link::Open {
            let identifier = self.next_identifier();
            let request = script::disconnect(&self.who(party), identifier);
            let line = self.line(party);
            line.sent = Some(request.clone());
            self.send(party, request, 0, PPID);
            return Play::Wait;
        }
        match link {
            Link::Idle | Link::Down => Play::Done,
            Link::Open => {
                let sent = self.line(party).sent.as_deref().and_then(Header::parse);
                let parted = |heard: &Heard| {
                    Header::parse(&heard.bytes)
                        .is_some_and(|it| !it.is_request() && sent.is_some_and(|sent| sent.hop_by_hop == it.hop_by_hop))
                };
                let parted = self.line(party).queue.iter().any(parted);
                self.line(party).parted |= parted;
                if parted || late { self.end(party, late) } else { Play::Wait }
            }
            Link::Opening | Link::Up => self.end(party, link == Link::Opening),
        }
    }

    pub(super) fn end(&mut self, party: &str, abort: bool) -> Play {
        self.say(party, Said::Down(true, None));
        self.actions.push((party.to_owned(), if abort { Action::Abort } else { Action::Close }));
        self.line(party).link = Link::Down;
        Play::Done
    }
}
