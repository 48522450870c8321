//! Our node on both ends.

use std::time::{Duration, Instant};

use proselink::interfaces::s6a;
use proselink::message::{Command, Envelope};
use proselink::net::{Net, Options, Transport};
use proselink::node::{self, Handle, PeerSettings, Settings};
use proselink::peer::{self, Expected, Local};
use proselink::registration::element::{Action, Destination, Element, Event, Now, Token};
use proselink_benches::{HSS, MME, REALM, command_b, command_b_answer};
use tokio::sync::oneshot;

use crate::{Error, Round, Until};

/// Answers every Update-Location-Request.
pub struct Hss;

impl Element for Hss {
    fn applications(&self) -> &[u32] {
        &[s6a::APPLICATION]
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        if let Event::Request { ticket, header, message, .. } = event
            && s6a::UpdateLocationRequest::decode(message).is_ok()
        {
            let message = command_b_answer().to_bytes(Envelope::answering(&header));
            actions.push(Action::Answer { ticket, message });
        }
    }
}

/// Keeps so many requests outstanding.
pub struct Mme {
    begun: Vec<Instant>,
    until: Until,
    start: Instant,
    sent: u64,
    answered: u64,
    failed: u64,
    latencies: Vec<u32>,
    done: Option<oneshot::Sender<Result<Round, String>>>,
}

impl Mme {
    fn new() -> Self {
        let start = Instant::now();
        let until = Until::Count(0);
        Self { begun: Vec::new(), until, start, sent: 0, answered: 0, failed: 0, latencies: Vec::new(), done: None }
    }

    fn ask(&mut self, slot: usize, actions: &mut Vec<Action>) {
        let message = command_b().to_bytes(Envelope { application: s6a::APPLICATION, hop_by_hop: 0, end_to_end: 0 });
        let destination = Destination { host: Some(HSS.to_owned()), realm: REALM.to_owned() };
        self.begun[slot] = Instant::now();
        self.sent += 1;
        actions.push(Action::Send { token: Token(slot as u64), destination, message });
    }

    fn begin(&mut self, outstanding: usize, until: Until, done: oneshot::Sender<Result<Round, String>>) {
        (self.until, self.start, self.done) = (until, Instant::now(), Some(done));
        (self.sent, self.answered, self.failed) = (0, 0, 0);
        self.begun = vec![self.start; outstanding];
        self.latencies = Vec::with_capacity(1 << 20);
    }
}

impl Element for Mme {
    fn applications(&self) -> &[u32] {
        &[s6a::APPLICATION]
    }

    fn handle(&mut self, _now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        let Event::Answer { token, result } = event else { return };
        let slot = token.0 as usize;
        let good = result.is_ok_and(|answer| {
            s6a::UpdateLocationAnswer::decode(answer).is_ok_and(|answer| answer.result_code == Some(2001))
        });
        self.answered += 1;
        self.failed += u64::from(!good);
        self.latencies.push(self.begun[slot].elapsed().as_nanos().min(u128::from(u32::MAX)) as u32);
        if !self.until.is_over(self.start, self.sent) {
            self.ask(slot, actions);
        } else if self.answered == self.sent
            && let Some(done) = self.done.take()
        {
            let latencies = std::mem::take(&mut self.latencies);
            let round = Round { transactions: self.answered, elapsed: self.start.elapsed(), latencies };
            let failed = self.failed;
            let _ = done.send(if failed == 0 { Ok(round) } else { Err(format!("{failed} requests failed")) });
        }
    }
}

fn settings(identity: &str, peer: &str, address: &str, listens: bool) -> Result<Settings, Error> {
    let address: std::net::SocketAddr = address.parse()?;
    let mut settings = Settings::new(Local {
        identity: identity.to_owned(),
        realm: REALM.to_owned(),
        addresses: vec![address.ip()],
        vendor: 0,
        product: "proselink".to_owned(),
        firmware: None,
        origin_state: 1,
        applications: Vec::new(),
        vendors: Vec::new(),
    });
    settings.transport = Transport::Tcp;
    settings.listen = if listens { vec![address.into()] } else { Vec::new() };
    settings.peers = vec![PeerSettings {
        expected: Expected { identity: peer.to_owned(), realm: None, addresses: vec![address.ip()] },
        connect_to: (!listens).then(|| address.into()),
        udp_port: None,
        settings: peer::Settings::default(),
    }];
    Ok(settings)
}

/// Starts the server.
pub async fn serve(address: &str) -> Result<Handle<Hss>, Error> {
    Ok(node::start(settings(HSS, MME, address, true)?, Net::new(Options::default()), Hss, None, None).await?)
}

/// Starts the client and waits until it may send.
pub async fn connect(address: &str) -> Result<Handle<Mme>, Error> {
    let settings = settings(MME, HSS, address, false)?;
    let node = node::start(settings, Net::new(Options::default()), Mme::new(), None, None).await?;
    node.ready(Duration::from_secs(60)).await?;
    Ok(node)
}

/// One round.
pub async fn round(node: &Handle<Mme>, outstanding: usize, until: Until) -> Result<Round, Error> {
    let (done, result) = oneshot::channel();
    node.call(move |mme, _, actions| {
        mme.begin(outstanding, until, done);
        for slot in 0..outstanding {
            mme.ask(slot, actions);
        }
    })
    .await?;
    Ok(result.await??)
}
