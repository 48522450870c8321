//! Our node on both ends.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use proselink::interfaces::s6a;
use proselink::message::{Command, Envelope};
use proselink::net::{Net, Options, Transport};
use proselink::node::agent::RelayElement;
use proselink::node::{self, Handle, PeerSettings, Settings};
use proselink::peer::{self, Expected, Local};
use proselink::registration::Identity;
use proselink::registration::element::{Action, Destination, Element, Event, Now, Token};
use proselink_benches::{HSS, MME, REALM, command_b, command_b_answer};
use tokio::sync::oneshot;

use crate::{Error, Round, Until};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

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

/// Origin-Host of the relay.
const DRA: &str = "dra01.epc.operator.example";

fn settings(identity: &str, listen: Option<SocketAddr>, peers: &[(&str, Option<SocketAddr>)]) -> Settings {
    let mut settings = Settings::new(Local { origin_state: 1, ..Local::new(identity, REALM, vec![LOOPBACK]) });
    settings.transport = Transport::Tcp;
    settings.listen = listen.into_iter().map(Into::into).collect();
    settings.peers = peers
        .iter()
        .map(|(peer, connect_to)| PeerSettings {
            expected: Expected { identity: (*peer).to_owned(), realm: None, addresses: vec![LOOPBACK] },
            connect_to: connect_to.map(Into::into),
            udp_port: None,
            settings: peer::Settings::default(),
        })
        .collect();
    settings
}

async fn start<E: Element + Send + 'static>(settings: Settings, element: E) -> Result<Handle<E>, Error> {
    Ok(node::start(settings, Net::new(Options::default()), element, None, None).await?)
}

/// Starts the server; what is relayed comes from the relay.
pub async fn serve(address: &str) -> Result<Handle<Hss>, Error> {
    start(settings(HSS, Some(address.parse()?), &[(MME, None), (DRA, None)]), Hss).await
}

/// Starts a relay to the server.
pub async fn relay(address: &str, server: &str) -> Result<Handle<RelayElement>, Error> {
    let identity = Identity { host: DRA.to_owned(), realm: REALM.to_owned() };
    let settings = settings(DRA, Some(address.parse()?), &[(MME, None), (HSS, Some(server.parse()?))]);
    start(settings, RelayElement::new(&identity, false, [0; 16])).await
}

/// Starts the client of the server, or of the relay, and waits until it may send.
pub async fn connect(address: &str, relayed: bool) -> Result<Handle<Mme>, Error> {
    let next = if relayed { DRA } else { HSS };
    let node = start(settings(MME, None, &[(next, Some(address.parse()?))]), Mme::new()).await?;
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
