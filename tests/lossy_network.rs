//! Embedded SCTP through a network that loses, delays and reorders: every request is answered exactly once.
//!
//! Two network namespaces, a veth pair between them, netem at both ends of it, and this test once more in each namespace:
//! as the one that asks and as the one that answers. Both count. It wants root and netem: `scripts/test raw-sctp` runs it
//! in a guest, `cargo test --test lossy_network -- --ignored --show-output` here.

#![cfg(feature = "net")]

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, Command, Stdio};

use proselink::net::{Association, Incoming, Net, Options, Outgoing, Transport};

/// Requests sent.
const REQUESTS: u32 = 10_000;
/// Of these, how many wait for their answer at a time.
const OUTSTANDING: u32 = 128;
/// Octets of a request and of its answer: an S6a Update-Location-Request and what a short answer to it takes.
const LENGTHS: (usize, usize) = (380, 216);
/// The streams they are spread over.
const STREAMS: u16 = 16;
/// What the network does to every packet, on either way.
const IMPAIRMENT: &str = "delay 20ms 4ms loss 2% reorder 10% 25%";
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 77, 0, 1));
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(10, 77, 0, 2)), 3868);
/// Says to this program that it is one of the two ends, and over what.
const ROLE: &str = "PROSELINK_LOSSY_NETWORK";

#[test]
#[ignore = "wants root and netem: scripts/test raw-sctp"]
fn over_ip_every_request_is_answered_exactly_once() {
    prove(Transport::EmbeddedSctpIp);
}

#[test]
#[ignore = "wants root and netem: scripts/test raw-sctp"]
fn over_udp_every_request_is_answered_exactly_once() {
    prove(Transport::EmbeddedSctp);
}

fn prove(transport: Transport) {
    let network = match Network::new() {
        Ok(network) => network,
        Err(reason) => return println!("skipped: no lossy network can be made here: {reason}"),
    };
    let mut server = network.run(Network::SERVER, "answer", transport);
    let mut said = server.lines();
    let listening = said.by_ref().find(|line| line.starts_with("listening ") || line.starts_with("skipped: "));
    let listening = listening.expect("the end that answers has ended");
    if listening.starts_with("skipped: ") {
        return println!("{listening}");
    }
    let mut client = network.run(Network::CLIENT, "ask", transport);
    let of_client: Vec<String> = client.lines().collect();
    assert!(client.0.wait().unwrap().success(), "{of_client:#?}");
    let of_server: Vec<String> = said.collect();
    assert!(server.0.wait().unwrap().success(), "{of_server:#?}");

    let (asked, answered) = (counted(&of_client), counted(&of_server));
    println!(
        "{transport} on Linux {}: {IMPAIRMENT}",
        std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap().trim()
    );
    println!("the end that asks:    {asked}");
    println!("the end that answers: {answered}");
    let whole = format!("{REQUESTS} came, {REQUESTS} different, 0 twice, 0 strange, closed gracefully");
    assert_eq!((asked.as_str(), answered.as_str()), (whole.as_str(), whole.as_str()));
    for place in [Network::CLIENT, Network::SERVER] {
        let (sent, lost) = network.sent_and_lost(place);
        println!("netem of the {place}: {sent} packets passed on, {lost} lost");
        // 2 % of a few thousand: fewer than a tenth of that would mean that nothing has been tried.
        assert!(sent > 1000 && lost * 500 > sent, "the network was a good one: {sent} packets, {lost} lost");
    }
}

/// The line of the counts, without its first word.
fn counted(said: &[String]) -> String {
    let found = said.iter().find_map(|line| line.strip_prefix("counted "));
    found.unwrap_or_else(|| panic!("nothing was counted: {said:#?}")).to_owned()
}

/// Two namespaces and a bad wire; removed when dropped.
struct Network {
    name: String,
}

impl Network {
    const CLIENT: &'static str = "client";
    const SERVER: &'static str = "server";

    fn new() -> Result<Self, String> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("proselink-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let network = Self { name };
        let places = [Self::CLIENT, Self::SERVER].map(|place| network.namespace(place));
        for place in &places {
            run("ip", &format!("netns add {place}"))?;
        }
        let [client, server] = &places;
        run("ip", &format!("-n {client} link add wire type veth peer name wire netns {server}"))?;
        for (place, address) in places.iter().zip([CLIENT, SERVER.ip()]) {
            run("ip", &format!("-n {place} address add {address}/24 dev wire"))?;
            run("ip", &format!("-n {place} link set wire up"))?;
            run("tc", &format!("-n {place} qdisc add dev wire root netem limit 100000 {IMPAIRMENT}"))?;
        }
        Ok(network)
    }

    fn namespace(&self, place: &str) -> String {
        format!("{}-{place}", self.name)
    }

    /// This program once more, inside a namespace, as one end.
    fn run(&self, place: &str, end: &str, transport: Transport) -> End {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(place)]).arg(program);
        command.args(["--ignored", "--exact", "one_end", "--nocapture"]).env(ROLE, format!("{end} {transport}"));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        End(command.spawn().unwrap())
    }

    /// Packets that netem at one place has let pass, and that it has dropped.
    fn sent_and_lost(&self, place: &str) -> (u64, u64) {
        let text = run("tc", &format!("-n {} -s qdisc show dev wire", self.namespace(place))).unwrap();
        // "Sent 412 bytes 5 pkt (dropped 1, overlimits 0 requeues 0)"
        let words: Vec<&str> = text.split([' ', '\n', ',']).collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse().ok());
        let position = |what: &str| words.iter().position(|word| *word == what);
        let sent = position("pkt").and_then(|at| number(at - 1));
        let lost = position("(dropped").and_then(|at| number(at + 1));
        sent.zip(lost).unwrap_or_else(|| panic!("{text}"))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for place in [Self::CLIENT, Self::SERVER] {
            let _ = run("ip", &format!("netns delete {}", self.namespace(place)));
        }
    }
}

/// A process that does not outlive the test.
struct End(Child);

impl End {
    fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        BufReader::new(self.0.stdout.take().unwrap()).lines().map(Result::unwrap)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, arguments: &str) -> Result<String, String> {
    let output = Command::new(program).args(arguments.split(' ')).output().map_err(|e| format!("{program}: {e}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{program} {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}

/// What came in, number by number.
struct Count {
    seen: Vec<bool>,
    came: u32,
    twice: u32,
    strange: u32,
}

impl Count {
    fn new() -> Self {
        Self { seen: vec![false; REQUESTS as usize], came: 0, twice: 0, strange: 0 }
    }

    fn note(&mut self, bytes: &[u8], length: usize) {
        self.came += 1;
        let number = bytes.get(12..16).map_or(u32::MAX, |four| u32::from_be_bytes(four.try_into().unwrap()));
        let expected = message(length, number, bytes[4] & 0x80);
        match self.seen.get_mut(number as usize) {
            Some(seen) if *bytes == expected => self.twice += u32::from(std::mem::replace(seen, true)),
            _ => self.strange += 1,
        }
    }

    fn tell(&self) {
        let different = self.seen.iter().filter(|seen| **seen).count();
        let Self { came, twice, strange, .. } = self;
        println!("\ncounted {came} came, {different} different, {twice} twice, {strange} strange, closed gracefully");
    }
}

/// A message whose Hop-by-Hop and End-to-End identifiers are its number, and so is every octet behind.
fn message(length: usize, number: u32, flags: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(&(1 << 24 | length as u32).to_be_bytes());
    bytes.extend_from_slice(&[flags, 0, 1, 60, 1, 0, 0, 35]);
    while bytes.len() < length {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes
}

/// Not a test of its own: one end, in its namespace.
#[test]
#[ignore = "a part of the others"]
fn one_end() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (end, transport) = role.split_once(' ').unwrap();
    let transport: Transport = transport.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let net = Net::new(Options::default());
        if end == "answer" {
            let mut listener = match net.listen(transport, SERVER).await {
                Ok(listener) => listener,
                Err(error) => return println!("\nskipped: {error}"),
            };
            println!("\nlistening {SERVER}");
            answer(listener.accept().await.unwrap()).await;
        } else {
            ask(net.connect(transport, Some(CLIENT), SERVER).await.unwrap()).await;
        }
    });
}

async fn ask(mut association: Association) {
    eprintln!("{:?}", association.info());
    let (mut count, mut next) = (Count::new(), 0);
    while count.came < REQUESTS {
        while next < REQUESTS && next - count.came < OUTSTANDING {
            let request = message(LENGTHS.0, next, 0x80);
            association.send(Outgoing::new(request.into()).on_stream(next as u16 % STREAMS)).await.unwrap();
            next += 1;
        }
        let Some(answer) = association.recv().await.unwrap() else { break };
        count.note(&answer.bytes, LENGTHS.1);
    }
    // An answer too many would be overtaken by nothing on its stream: one more request on every stream brings it to light.
    for stream in 0..STREAMS {
        let last = message(LENGTHS.0, REQUESTS + u32::from(stream), 0x80);
        association.send(Outgoing::new(last.into()).on_stream(stream)).await.unwrap();
    }
    let mut last = 0;
    while last < STREAMS
        && let Some(answer) = association.recv().await.unwrap()
    {
        match answer.bytes == message(LENGTHS.1, REQUESTS + u32::from(answer.stream), 0) {
            true => last += 1,
            false => count.note(&answer.bytes, LENGTHS.1),
        }
    }
    association.close().await.unwrap();
    count.tell();
}

async fn answer(mut association: Association) {
    let mut count = Count::new();
    while let Some(Incoming { bytes, stream, .. }) = association.recv().await.unwrap() {
        let number = u32::from_be_bytes(bytes[12..16].try_into().unwrap());
        if number < REQUESTS {
            count.note(&bytes, LENGTHS.0);
        }
        let answer = message(LENGTHS.1, number, 0);
        association.send(Outgoing::new(answer.into()).on_stream(stream)).await.unwrap();
    }
    association.close().await.unwrap();
    count.tell();
}
