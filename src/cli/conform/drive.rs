//! One case over real connections: what the machine wants is done, what happens is told to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::conform::{Action, Case, Event, Machine, Outcome, Settings, Spoken, Suite, Verdict, Who};
use crate::net::{Association, Endpoint, Listener, Net, NetError, Outgoing, Sender, Transport};

/// How long the end of a connection is waited for between two cases.
const ENDING: Duration = Duration::from_millis(1500);
/// How long a peer may take to forget a connection that has ended: it gives no sign of it. A slow one takes longer.
const FORGETTING: Duration = Duration::from_millis(30);
const SLOWLY_FORGETTING: Duration = Duration::from_millis(700);
/// How often an address to listen at is tried.
const LISTENING: u32 = 30;
/// Messages and events waiting to be looked at.
const QUEUE: usize = 1024;

/// Where the peer is.
#[derive(Clone, Debug)]
pub struct Remote {
    pub peer: Endpoint,
    pub from: Vec<IpAddr>,
    pub udp_port: Option<u16>,
}

/// What a case has come to.
#[derive(Debug)]
pub struct Played {
    pub outcome: Outcome,
    pub spoken: Vec<Spoken>,
    /// Who the peer is.
    pub peer: Option<Who>,
}

/// What a task tells of its connection.
enum News {
    Up(Association),
    Event(Event),
}

/// A connection, or one to be.
struct Link {
    number: u64,
    task: JoinHandle<()>,
    sender: Option<Sender>,
    addresses: Option<(SocketAddr, SocketAddr)>,
    /// Open still when the last case ended: who the peer is.
    kept: Option<Who>,
}

/// Holds the connections.
pub struct Driver {
    net: Net,
    remote: Remote,
    /// Where a party is called.
    listen: Vec<(String, Endpoint)>,
    /// Of the parties of the case that is played: a peer that could call at other times would find nobody to answer.
    listeners: BTreeMap<String, Arc<Mutex<Listener>>>,
    links: BTreeMap<String, Link>,
    news: mpsc::Receiver<(String, u64, News)>,
    tell: mpsc::Sender<(String, u64, News)>,
    number: u64,
    connected: bool,
    /// How long the peer is given to forget a connection that has ended.
    forgetting: Duration,
    /// Connections that are ending.
    ending: Vec<JoinHandle<()>>,
}

impl Driver {
    /// Listens where it is wanted.
    ///
    /// # Errors
    /// When an address cannot be used.
    pub async fn new(net: Net, remote: Remote, listen: &[(String, Endpoint)]) -> Result<Self, NetError> {
        let (tell, news) = mpsc::channel(QUEUE);
        let (links, listeners, ending, listen) = (BTreeMap::new(), BTreeMap::new(), Vec::new(), listen.to_vec());
        let (number, connected, forgetting) = (0, false, FORGETTING);
        let driver = Self { net, remote, listen, listeners, links, news, tell, number, connected, forgetting, ending };
        for (_, endpoint) in &driver.listen {
            // Whether it can be done is told before the first case.
            driver.listener(endpoint).await?;
        }
        Ok(driver)
    }

    /// A socket that was dropped is closed a moment later, by the task that has it.
    async fn listener(&self, endpoint: &Endpoint) -> Result<Listener, NetError> {
        let mut attempts = 0;
        loop {
            match self.net.listen_at(endpoint, Transport::Sctp).await {
                Err(NetError::Bind { .. }) if attempts < LISTENING => attempts += 1,
                result => return result,
            }
            tokio::time::sleep(FORGETTING).await;
        }
    }

    /// Listens for these parties and for no others, and ends what is left of others.
    async fn listen_for(&mut self, parties: &BTreeSet<&str>) -> Result<(), NetError> {
        let others: Vec<String> =
            self.links.keys().filter(|party| !parties.contains(party.as_str())).cloned().collect();
        for party in others {
            self.end(&party, false);
        }
        self.listeners.retain(|party, _| parties.contains(party.as_str()));
        for (party, endpoint) in &self.listen {
            if parties.contains(party.as_str()) && !self.listeners.contains_key(party) {
                let listener = self.listener(endpoint).await?;
                self.listeners.insert(party.clone(), Arc::new(Mutex::new(listener)));
            }
        }
        self.wait_for_ends().await;
        Ok(())
    }

    /// Whether there was any connection yet.
    pub const fn was_connected(&self) -> bool {
        self.connected
    }

    /// Plays a case of a suite; `None` when there is no such case.
    ///
    /// # Errors
    /// When an address to listen at can no longer be used.
    pub async fn play(
        &mut self,
        suite: &Arc<Suite>,
        case: usize,
        settings: &Settings,
    ) -> Result<Option<Played>, NetError> {
        let Some(parties) = suite.cases.get(case).map(|case| case.get_ref().parties()) else { return Ok(None) };
        self.listen_for(&parties).await?;
        let Some(machine) = Machine::new(Arc::clone(suite), case, settings.clone()) else { return Ok(None) };
        let Some((mut played, mut broken)) = self.run(suite, machine).await else { return Ok(None) };
        // A connection whose capabilities the case exchanges itself is refused as long as the last one is not forgotten.
        let calls = |case: &Case| !case.open && !case.slow && parties.iter().all(|party| Self::calls(suite, party));
        let again = suite.cases.get(case).is_some_and(|case| calls(case.get_ref()));
        if again && matches!(played.outcome.verdict, Verdict::Fail | Verdict::Inconclusive) {
            self.forgetting = SLOWLY_FORGETTING;
            tokio::time::sleep(self.forgetting).await;
            // Other identifiers, or the peer might take what it has seen for what comes twice.
            let settings = Settings { seed: settings.seed.wrapping_add(1 << 11), ..settings.clone() };
            if let Some(machine) = Machine::new(Arc::clone(suite), case, settings)
                && let Some(second) = self.run(suite, machine).await
            {
                (played, broken) = second;
            }
            self.forgetting = FORGETTING;
        }
        for party in broken {
            if let Some(machine) = Machine::mending(Arc::clone(suite), case, settings.clone(), &party) {
                self.run(suite, machine).await;
            }
        }
        Ok(Some(played))
    }

    /// It is we who open the connection of a party.
    fn calls(suite: &Suite, party: &str) -> bool {
        !suite.party(party).is_some_and(|party| party.listens)
    }

    async fn run(&mut self, suite: &Suite, mut machine: Machine) -> Option<(Played, Vec<String>)> {
        let begun = Instant::now();
        self.forget_dead();

        for (party, link) in &mut self.links {
            if let (Some(who), Some((local, remote))) = (link.kept.take(), link.addresses)
                && suite.party(party).is_some()
            {
                machine.keep(party, local, remote, who);
            }
        }
        let mut todo = machine.handle(begun.elapsed(), "", Event::Tick);
        loop {
            for (party, action) in std::mem::take(&mut todo) {
                self.act(&party, action).await;
            }
            if let Some(outcome) = machine.outcome() {
                let outcome = outcome.clone();
                self.settle(&machine).await;
                let peer = machine.peer().cloned();
                let broken = machine.broken().map(str::to_owned).collect();
                return Some((Played { outcome, spoken: machine.spoken().to_vec(), peer }, broken));
            }
            let wait = machine.wakes_at().map_or(Duration::from_secs(1), |at| at.saturating_sub(begun.elapsed()));
            match timeout(wait, self.news.recv()).await {
                Ok(Some((party, number, news))) => {
                    let current = self.links.get_mut(&party).filter(|link| link.number == number);
                    let Some(link) = current else { continue };
                    let event = match news {
                        News::Event(event) => event,
                        News::Up(association) => {
                            let info = association.info();
                            let addresses = (info.local, info.remote);
                            link.sender = Some(association.sender());
                            link.addresses = Some(addresses);
                            link.task = tokio::spawn(read(party.clone(), number, association, self.tell.clone()));
                            self.connected = true;
                            Event::Up(addresses.0, addresses.1)
                        }
                    };
                    todo = machine.handle(begun.elapsed(), &party, event);
                }
                Ok(None) => return None,
                Err(_) => todo = machine.handle(begun.elapsed(), "", Event::Tick),
            }
        }
    }

    async fn act(&mut self, party: &str, action: Action) {
        match action {
            Action::Open => {
                self.end(party, false);
                // The peer may take a second connection of the same name for a mistake.
                self.wait_for_ends().await;
                self.number += 1;
                let task = tokio::spawn(open(
                    self.net.clone(),
                    self.remote.clone(),
                    self.listeners.get(party).cloned(),
                    (party.to_owned(), self.number, self.tell.clone()),
                ));
                let link = Link { number: self.number, task, sender: None, addresses: None, kept: None };
                self.links.insert(party.to_owned(), link);
            }
            Action::Send(bytes, stream, ppid) => {
                if let Some(sender) = self.links.get(party).and_then(|link| link.sender.as_ref()) {
                    // A connection that is gone tells so itself.
                    let _ = sender.try_send(Outgoing { ppid, ..Outgoing::new(bytes.into()).on_stream(stream) });
                }
            }
            Action::Close => self.end(party, false),
            Action::Abort => self.end(party, true),
        }
    }

    fn end(&mut self, party: &str, abort: bool) {
        let Some(link) = self.links.remove(party) else { return };
        match link.sender {
            // It was not up yet.
            None => link.task.abort(),
            Some(sender) if abort => {
                sender.abort();
                self.ending.push(link.task);
            }
            Some(sender) => {
                sender.begin_close();
                self.ending.push(link.task);
            }
        }
    }

    async fn wait_for_ends(&mut self) {
        if self.ending.is_empty() {
            return;
        }
        for task in self.ending.drain(..) {
            let stop = task.abort_handle();
            if timeout(ENDING, task).await.is_err() {
                stop.abort();
            }
        }
        tokio::time::sleep(self.forgetting).await;
    }

    fn forget_dead(&mut self) {
        while let Ok((party, number, news)) = self.news.try_recv() {
            let is_end = matches!(news, News::Event(Event::Down(_) | Event::Refused(_)));
            if is_end && self.links.get(&party).is_some_and(|link| link.number == number) {
                self.links.remove(&party);
            }
        }
    }

    /// After a case: what is open stays, if it is worth it; the rest ends.
    async fn settle(&mut self, machine: &Machine) {
        let parties: Vec<String> = self.links.keys().cloned().collect();
        for party in parties {
            let who = machine.open_peer(&party).filter(|_| self.listeners.contains_key(&party)).cloned();
            match (who, self.links.get_mut(&party)) {
                (Some(who), Some(link)) => link.kept = Some(who),
                _ => self.end(&party, false),
            }
        }
        self.wait_for_ends().await;
    }

    /// Ends everything.
    pub async fn close(mut self) {
        let parties: Vec<String> = self.links.keys().cloned().collect();
        for party in parties {
            self.end(&party, false);
        }
        self.wait_for_ends().await;
    }
}

type Channel = (String, u64, mpsc::Sender<(String, u64, News)>);

/// Calls the peer, or waits until it calls.
async fn open(net: Net, remote: Remote, listener: Option<Arc<Mutex<Listener>>>, channel: Channel) {
    let (party, number, tell) = channel;
    let news = match listener {
        Some(listener) => match listener.lock().await.accept().await {
            Some(association) => News::Up(association),
            None => News::Event(Event::Refused("the listener has ended".to_owned())),
        },
        None => {
            let connecting = net.connect_to(&remote.peer, Transport::Sctp, &remote.from, remote.udp_port);
            match connecting.await {
                Ok(association) => News::Up(association),
                Err(error) => News::Event(Event::Refused(error.to_string())),
            }
        }
    };
    let _ = tell.send((party, number, news)).await;
}

/// Tells every message, and the end.
async fn read(party: String, number: u64, mut association: Association, tell: mpsc::Sender<(String, u64, News)>) {
    loop {
        let event = match association.recv().await {
            Ok(Some(message)) => Event::Message(message.bytes.to_vec(), message.stream, message.ppid),
            Ok(None) => Event::Down(None),
            Err(NetError::Closed { .. }) => Event::Down(None),
            Err(error) => Event::Down(Some(error.to_string())),
        };
        let is_end = matches!(event, Event::Down(_));
        if is_end {
            // Whoever goes on wants the connection to be gone.
            let _ = association.close().await;
            let _ = tell.try_send((party, number, News::Event(event)));
            return;
        }
        if tell.send((party.clone(), number, News::Event(event))).await.is_err() {
            return;
        }
    }
}
