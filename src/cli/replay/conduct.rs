//! The connections and the machine brought together: who is called, who is waited for, and when it ends.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::super::call::{Caller, Early};
use super::super::exit;
use super::super::output::Output;
use super::Role;
use super::link::{self, Heard, Link, Opened};
use super::report::{self, Between, Summary};
use crate::message::text::Palette;
use crate::net::{Association, Endpoint, Listener, NetError, Transport};
use crate::replay::{Action, Far, LinkPlan, Machine, Near, Plan, Report, Script, Side};

/// What the user wants of it.
pub struct Settings {
    /// Where we listen.
    pub listen: Option<Endpoint>,
    /// Whom each link calls; `None` where it is waited for.
    pub peers: Vec<Option<Endpoint>>,
    /// The user says who we are.
    pub named: bool,
    /// Go on when all is done.
    pub stay: bool,
    /// How long nothing may come while we listen.
    pub idle: Option<Duration>,
    pub json: bool,
    pub quiet: bool,
    pub palette: Palette,
}

/// A replay under way.
pub struct Replay<'a> {
    machine: Machine<'a>,
    plan: Plan,
    role: Role,
    settings: Settings,
    caller: &'a Caller,
    began: Instant,
    /// When something was heard or said last.
    active: Instant,
    links: Vec<Option<Link>>,
    /// Links on which a message of an application has come.
    used: Vec<bool>,
    identifier: u32,
    summary: Summary,
    output: &'a mut Output,
    /// Why a connection ended early.
    lost: Option<String>,
    /// Nothing has come for too long.
    given_up: bool,
}

/// Since 1970.
fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn broken(error: std::io::Error) -> Early {
    Early { words: format!("standard output: {error}"), code: exit::of_output(&error) }
}

impl<'a> Replay<'a> {
    /// One that has not begun.
    pub fn new(
        machine: Machine<'a>,
        plan: Plan,
        role: Role,
        settings: Settings,
        caller: &'a Caller,
        output: &'a mut Output,
    ) -> Self {
        let now = Instant::now();
        let identifier = plan.random ^ 0x2aaa_aaaa;
        Self {
            links: plan.links.iter().map(|_| None).collect(),
            used: vec![false; plan.links.len()],
            machine,
            plan,
            role,
            settings,
            caller,
            began: now,
            active: now,
            identifier,
            summary: Summary::default(),
            output,
            lost: None,
            given_up: false,
        }
    }

    /// Who we are on a link.
    fn name(&self, link: LinkPlan) -> (String, String) {
        let local = self.caller.local();
        let conversation = self.machine.script().conversations.get(link.conversation);
        match conversation.map(|conversation| conversation.end(link.side)) {
            Some(end)
                if !end.identity.is_empty()
                    && (!self.settings.named || self.role == Role::Both && link.side == Side::Server) =>
            {
                (end.identity.clone(), end.realm.clone())
            }
            _ => (local.identity.clone(), local.realm.clone()),
        }
    }

    async fn listen(&mut self) -> Result<Option<Listener>, Early> {
        let Some(endpoint) = &self.settings.listen else { return Ok(None) };
        let opened = self.caller.net().listen_at(endpoint, Transport::Sctp).await;
        let listener = opened.map_err(|error: NetError| Early::environment(error))?;
        let local = listener.local();
        let words = if self.settings.json {
            format!(r#"{{"v":1,"type":"listening","address":"{local}"}}"#)
        } else {
            format!("listens at {local}")
        };
        self.output.text.push_str(&words);
        self.output.text.push('\n');
        self.output.flush().map_err(broken)?;
        Ok(Some(listener))
    }

    /// Goes through the capture; the exit code at the end.
    ///
    /// # Errors
    /// No connection, a lost one, or nobody who reads what is told.
    pub async fn conduct(&mut self) -> Result<u8, Early> {
        let (heard, mut hear) = mpsc::channel(1024);
        let mut listener = self.listen().await?;
        for at in 0..self.plan.links.len() {
            let Some(plan) = self.plan.links.get(at).copied() else { continue };
            let Some(peer) = self.settings.peers.get(at).cloned().flatten() else { continue };
            let (identity, realm) = self.name(plan);
            let mut caller = self.caller.clone();
            caller.peer = peer;
            let called = caller.call_as(identity, realm).await.map_err(|mut early| {
                if early.words.contains("refused (os error") {
                    early.words += "; nobody listens there: check address, port and transport of --peer";
                }
                early
            });
            let opened = Opened::called(called?);
            self.up(at, opened, &heard);
        }
        // Both sides must be there before one speaks.
        while self.role == Role::Both && self.links.iter().any(Option::is_none) {
            let waiting = tokio::time::timeout(self.caller.timeout, accept(&mut listener)).await;
            let Ok(Some(association)) = waiting else {
                let words = format!(
                    "the node in the middle did not connect within {:?}: give it our --listen address as the one to \
                     connect to",
                    self.caller.timeout
                );
                return Err(Early::environment(words));
            };
            self.accept(association, &heard).await;
        }
        if self.role == Role::Both {
            self.settle(&mut hear).await?;
        }
        loop {
            let mut actions = Vec::new();
            let until = self.machine.advance(self.began.elapsed(), unix(), &mut actions);
            self.carry_out(actions).await?;
            if self.machine.is_finished() && !self.settings.stay {
                break;
            }
            let until = until.map(|until| self.began + until);
            // What is due has a time of its own.
            let idle = self.settings.idle.filter(|_| until.is_none() && listener.is_some());
            let idle = idle.map(|idle| (self.active + idle, idle));
            if let Some((at, idle)) = idle
                && Instant::now() >= at
            {
                if self.machine.is_finished() {
                    break;
                }
                eprintln!("proselink replay: nothing has come for {idle:?}, which is what --idle says");
                self.given_up = true;
                self.settings.stay = false;
                self.machine.abandon();
                continue;
            }
            let timer = async {
                match until.or(idle.map(|(at, _)| at)) {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((link, what)) = hear.recv() => self.hear(link, what).await?,
                association = accept(&mut listener) => match association {
                    Some(association) => self.accept(association, &heard).await,
                    None => return Err(Early::environment("the transport that listens has ended")),
                },
                () = timer => {}
            }
        }
        let links = self.links.iter_mut().filter_map(Option::take).collect();
        link::close(links, &mut hear, self.identifier).await;
        if let Some(words) = self.lost.take() {
            return Err(Early::environment(format!("a connection ended before the replay: {words}")));
        }
        Ok(if self.machine.totals().is_good() && !self.given_up { exit::GOOD } else { exit::DIFFERS })
    }

    /// The node in the middle relays to us when it has taken our CEA, which it shows by answering a watchdog.
    async fn settle(&mut self, hear: &mut mpsc::Receiver<(usize, Heard)>) -> Result<(), Early> {
        let mut asked = std::collections::HashSet::new();
        for at in 0..self.links.len() {
            if let (Some(None), Some(Some(link))) = (self.settings.peers.get(at), self.links.get(at)) {
                self.identifier = self.identifier.wrapping_add(1);
                link.watch(self.identifier);
                asked.insert(at);
            }
        }
        let deadline = tokio::time::Instant::now() + self.caller.timeout;
        while !asked.is_empty() {
            match tokio::time::timeout_at(deadline, hear.recv()).await {
                Ok(Some((link, Heard::Alive))) => {
                    asked.remove(&link);
                }
                Ok(Some((link, what))) => self.hear(link, what).await?,
                Ok(None) | Err(_) => {
                    let words = format!(
                        "the node in the middle connected and answers no watchdog within {:?}",
                        self.caller.timeout
                    );
                    return Err(Early::environment(words));
                }
            }
            if let Some(words) = self.lost.take() {
                return Err(Early::environment(format!("the node in the middle has left again: {words}")));
            }
        }
        Ok(())
    }

    fn up(&mut self, at: usize, opened: Opened, heard: &mpsc::Sender<(usize, Heard)>) {
        let near = Near {
            identity: opened.local.identity.clone(),
            realm: opened.local.realm.clone(),
            address: opened.address(),
        };
        let far = Far {
            identity: opened.peer.identity.clone(),
            realm: opened.peer.realm.clone(),
            relays: opened.peer.is_relay(),
        };
        self.active = Instant::now();
        let conversation = self.plan.links.get(at).map(|plan| plan.conversation);
        let conversations = &self.machine.script().conversations;
        let association = conversation.and_then(|at| conversations.get(at)).map_or(0, |ends| ends.association);
        let out = &mut self.output.text;
        match (self.settings.quiet, self.settings.json) {
            (true, _) => {}
            (false, true) => report::connected_json(association, &near.identity, &far.identity, out),
            (false, false) => {
                report::connected_text(association, &near.identity, &far.identity, &self.settings.palette, out);
            }
        }
        // A reader that is gone is told of when the next message is.
        let _ = self.output.message_done();
        tracing::info!(peer = %far.identity, product = %opened.peer.product, "connected");
        self.machine.up(at, near, &far);
        if let Some(link) = self.links.get_mut(at) {
            *link = Some(opened.start(at, heard.clone()));
        }
    }

    /// Takes a connection that has come in as one of the links that wait for it.
    async fn accept(&mut self, association: Association, heard: &mpsc::Sender<(usize, Heard)>) {
        let mut place = None;
        let remote = association.info().remote;
        let script = self.machine.script();
        let free: Vec<usize> = (0..self.links.len())
            .filter(|at| matches!(self.links.get(*at), Some(None)))
            .filter(|at| matches!(self.settings.peers.get(*at), Some(None)))
            .collect();
        let opened = Opened::accepted(self.caller, association, |peer| {
            let is = |at: &&usize| {
                let plan = self.plan.links.get(**at);
                let other =
                    plan.and_then(|plan| Some(script.conversations.get(plan.conversation)?.end(plan.side.other())));
                other.is_some_and(|end| end.identity.eq_ignore_ascii_case(peer))
            };
            let at = *free.iter().find(is).or_else(|| free.first())?;
            place = Some(at);
            self.plan.links.get(at).map(|plan| self.name(*plan))
        });
        match (opened.await, place) {
            (Ok(opened), Some(at)) => self.up(at, opened, heard),
            (Ok(_), None) => {}
            (Err(words), _) => eprintln!("proselink replay: {remote} is no peer: {words}"),
        }
    }

    async fn hear(&mut self, link: usize, what: Heard) -> Result<(), Early> {
        match what {
            Heard::Message(message) => {
                self.active = Instant::now();
                if let Some(used) = self.used.get_mut(link) {
                    *used = true;
                }
                let mut actions = Vec::new();
                self.machine.hear(link, message, self.began.elapsed(), unix(), &mut actions);
                self.carry_out(actions).await
            }
            Heard::Parted | Heard::Alive => Ok(()),
            Heard::End(why) => {
                if let Some(entry) = self.links.get_mut(link) {
                    *entry = None;
                }
                let waits = matches!(self.settings.peers.get(link), Some(None));
                let used = self.used.get(link).copied().unwrap_or(false);
                // Some call once to learn who is there, and then again.
                if self.settings.stay || waits && !used && self.role != Role::Both {
                    return Ok(());
                }
                if !self.machine.is_through() && (!waits || self.role == Role::Both || why.is_some()) {
                    self.lost = Some(why.unwrap_or_else(|| "the peer has closed it".to_owned()));
                }
                self.machine.down(link);
                Ok(())
            }
        }
    }

    async fn carry_out(&mut self, actions: Vec<Action>) -> Result<(), Early> {
        for action in actions {
            match action {
                Action::Send { link, stream, message } => self.send(link, stream, message).await,
                Action::Tell(report) => {
                    self.summary.add(&report);
                    let script = self.machine.script();
                    let between = between(script, &report);
                    let several = (script.conversations.len() > 1).then_some(between);
                    let out = &mut self.output.text;
                    match (self.settings.quiet, self.settings.json) {
                        (true, _) => {}
                        (false, true) => report::step_json(&report, between, out),
                        (false, false) => report::step_text(&report, several, &self.settings.palette, out),
                    }
                    self.output.message_done().map_err(broken)?;
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, link: usize, stream: u16, message: Bytes) {
        let Some(Some(entry)) = self.links.get(link) else { return };
        self.active = Instant::now();
        // That it has ended is told by its reader.
        if let Err(early) = entry.send(message, stream).await {
            tracing::warn!("{}", early.words);
        }
    }

    /// The summary, unless nothing was tried.
    pub fn close(&mut self, result: &Result<u8, Early>) {
        if result.is_err() && !self.machine.is_finished() && self.machine.totals().all() == 0 {
            return;
        }
        let totals = self.machine.totals();
        if self.settings.json {
            self.summary.json(totals, &mut self.output.text);
        } else {
            self.summary.text(totals, &self.settings.palette, &mut self.output.text);
        }
    }
}

/// The captured names of who asks and who is asked.
fn between<'s>(script: &'s Script, report: &Report) -> Between<'s> {
    let ends = script.conversations.get(report.conversation);
    let name = |side: Side| ends.map_or("", |ends| ends.end(side).identity.as_str());
    Between { asks: name(report.from), asked: name(report.from.other()) }
}

async fn accept(listener: &mut Option<Listener>) -> Option<Association> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}
