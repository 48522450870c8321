//! What only time and ill will show: nodes at half their rate whose peers are killed, and nodes among hostile ones.
//! `scripts/test soak` runs these for half a minute; the whole soak is
//!
//!     PROSELINK_SOAK_SECONDS=1800 cargo test --release --test soak -- --ignored --nocapture soak_with

#![cfg(feature = "net")]

mod hostile;
mod node;
mod process;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use proselink::net::{DIAMETER_PORT, Transport};
use proselink::node::Handle;

use hostile::Hostiles;
use node::{Client, End, Pace};
use process::{ORDER, Process, Samples};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 78, 1, 1));
const CLIENT: &str = "client.soak.example";

/// How long the soak lasts.
fn seconds() -> u64 {
    std::env::var("PROSELINK_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20).clamp(6, 7200)
}

/// Not a test: a peer in a process of its own, started and killed by the others.
#[test]
#[ignore = "the others start it"]
fn plays_a_peer() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let words: Vec<&str> = order.split(' ').collect();
    let [identity, at, transport, udp_port, ref clients @ ..] = words[..] else { panic!("{order}") };
    let clients: Vec<_> = clients
        .iter()
        .map(|client| {
            let (identity, ip) = client.split_once('@').expect("IDENTITY@ADDRESS");
            (identity.to_owned(), ip.parse().expect("an address"))
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let net = node::net(udp_port.parse().expect("a port"));
        let transport = transport.parse().expect("a transport");
        let _node = node::serve(identity, at.parse().expect("an address"), transport, net, &clients).await;
        println!("ready");
        // Ends with whoever started it.
        let _ = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await;
    });
    std::process::exit(0);
}

async fn pace(client: &Handle<Client>, pace: Pace) {
    client.call(move |client, now, actions| client.set_pace(now, pace, actions)).await.expect("the node runs");
}

/// Requests per second with 64 outstanding. Goes on until every table of the servers that has a limit is full: what
/// they remember of requests makes their memory grow until then.
async fn highest_rate(client: &Handle<Client>, servers: u64) -> f64 {
    const REMEMBERED: u64 = 65_536;
    pace(client, Pace::Outstanding(64)).await;
    let begun = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let sent = client.call(|client, _, _| client.sent).await.expect("the node runs");
        if sent > (servers + 2) * REMEMBERED || begun.elapsed() > Duration::from_secs(60) {
            return sent as f64 / begun.elapsed().as_secs_f64();
        }
    }
}

/// Waits until every request has ended. Each must, by its answer or by the end of its wait.
async fn drained(client: &Handle<Client>) {
    pace(client, Pace::Still).await;
    let all = client.follow(|client, _, _| (client.outstanding() == 0).then_some(()));
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("every request ends").expect("the node runs");
}

// The node has a thread of its own: starting a process does not hold it up.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "takes half a minute and more: scripts/test soak"]
async fn soak_with_a_peer_killed_again_and_again() {
    let span = Duration::from_secs(seconds());
    // Every minute in a soak of half an hour.
    let kill_every = (span / 30).clamp(Duration::from_secs(4), Duration::from_secs(60));
    let servers: Vec<(String, SocketAddr)> = (0..3)
        .map(|number| (format!("server{number}.soak.example"), SocketAddr::new(LOCAL, node::free_port(LOCAL))))
        .collect();
    let order = |(identity, at): &(String, SocketAddr)| format!("{identity} {at} tcp 0 {CLIENT}@{LOCAL}");
    let mut processes: Vec<_> = servers.iter().map(|server| Process::start(&order(server))).collect();
    // In turn to each by name, and to whichever the realm gives.
    let hosts = servers.iter().map(|(identity, _)| Some(identity.clone())).chain([None]).collect();
    let client = node::connect(Client::new(CLIENT, hosts), LOCAL, Transport::Tcp, node::net(0), &servers).await;

    let rate = highest_rate(&client, servers.len() as u64).await / 2.0;
    drained(&client).await;
    client.call(|client, _, _| drop(client.take_latency())).await.expect("the node runs");
    pace(&client, Pace::Rate(rate)).await;
    println!("{:?} at {rate:.0} requests/s, a peer killed every {kill_every:?}", span);

    let begun = Instant::now();
    let (mut next_kill, mut kills) = (kill_every, 0);
    // The first server is never killed: its memory is looked at, as the client's.
    let (mut ours, mut theirs) = (Samples::default(), Samples::default());
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    while begun.elapsed() < span {
        ticks.tick().await;
        ours.push(process::resident(std::process::id()));
        theirs.push(process::resident(processes[0].id()));
        if begun.elapsed() >= next_kill {
            let victim = 1 + kills % (servers.len() - 1);
            processes[victim].kill();
            processes[victim] = Process::start(&order(&servers[victim]));
            kills += 1;
            next_kill += kill_every;
        }
    }
    drained(&client).await;
    let latency = client.call(|client, _, _| client.take_latency()).await.expect("the node runs");
    let client = client.stop().await.expect("the node ends");

    let per_second = latency.len() as f64 / span.as_secs_f64();
    println!("{} requests, {per_second:.0} answers/s, {kills} kills, held back {}", client.sent, client.held_back);
    println!("ends: {:?}", client.ends);
    println!(
        "latency, us: p50 {} p99 {} max {}",
        latency.value_at_quantile(0.5),
        latency.value_at_quantile(0.99),
        latency.max()
    );
    for (name, samples) in [("client", &ours), ("server", &theirs)] {
        let (first, last) = samples.thirds();
        println!("memory of the {name}, KiB: first third {first}, last third {last}, highest {}", samples.highest());
    }
    assert_eq!(client.astray, 0, "a request ended twice");
    assert_eq!(client.ends.values().sum::<u64>(), client.sent, "a request was lost without a word");
    assert!(kills > 0 && client.ends.get(&End::Answer(2001)).is_some_and(|good| *good > client.sent / 2));
    for (name, samples) in [("client", &ours), ("server", &theirs)] {
        let (first, last) = samples.thirds();
        assert!(last <= first + first / 8 + 16 * 1024, "the {name}'s memory grows: {first} to {last} KiB");
    }
}

/// Good peers at a steady pace, now in peace and now among the hostile ones.
async fn among_hostiles(transport: &str) {
    let server_id = "server.soak.example";
    let ip = |last| IpAddr::V4(Ipv4Addr::new(127, 78, 2, last));
    let clients: Vec<_> = (2..5).map(|number| (format!("client{number}.soak.example"), ip(number))).collect();
    let (udp_port, port) = match transport {
        "tcp" => (0, node::free_port(ip(1))),
        _ => (node::free_port(ip(1)), DIAMETER_PORT),
    };
    let at = SocketAddr::new(ip(1), port);
    let named: Vec<String> = clients.iter().map(|(identity, ip)| format!("{identity}@{ip}")).collect();
    let server = Process::start(&format!("{server_id} {at} {transport} {udp_port} {}", named.join(" ")));
    let kind: Transport = transport.parse().expect("a transport");
    let open = async |number: usize| {
        let (identity, ip) = &clients[number];
        let client = Client::new(identity, vec![Some(server_id.to_owned())]);
        node::connect(client, *ip, kind, node::net(udp_port), &[(server_id.to_owned(), at)]).await
    };
    let good = [open(0).await, open(1).await];
    let hostiles = match kind {
        Transport::Tcp => Hostiles::over_tcp(at),
        _ => Hostiles::over_sctp(SocketAddr::new(ip(1), udp_port)),
    };
    for client in &good {
        pace(client, Pace::Rate(500.0)).await;
    }
    // Warm, then told in turns, so that what else this machine does strikes both alike.
    let turns = (seconds() / 4).max(2);
    let (mut quiet, mut hostile) = (Vec::new(), Vec::new());
    let (mut memory, mut descriptors) = (Samples::default(), Samples::default());
    let before = process::resident(server.id()).expect("the server is there");
    for turn in 0..2 * turns + 1 {
        hostiles.set_active(turn % 2 == 0 && turn > 0);
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..=20 {
            ticks.tick().await;
            memory.push(process::resident(server.id()));
            descriptors.push(Some(process::descriptors(server.id()) as u64));
        }
        let mut latency = Histogram::<u64>::new(3).expect("three digits are good");
        for client in &good {
            let part = client.call(|client, _, _| client.take_latency()).await.expect("the node runs");
            latency.add(part).expect("any value fits");
        }
        let p99 = latency.value_at_quantile(0.99);
        match turn {
            0 => {}
            turn if turn % 2 == 0 => hostile.push(p99),
            _ => quiet.push(p99),
        }
    }
    quiet.sort_unstable();
    hostile.sort_unstable();
    let (calm, storm) = (quiet[quiet.len() / 2], hostile[hostile.len() / 2]);
    println!("{transport}: p99 in us, quiet {quiet:?}, among hostiles {hostile:?}");
    println!("{transport}: medians {calm} and {storm}, ratio {:.2}", storm as f64 / calm.max(1) as f64);

    // A good peer that comes now is let in all the same.
    hostiles.set_active(true);
    let begun = Instant::now();
    let newcomer = open(2).await;
    println!("{transport}: a good peer was let in after {:?}", begun.elapsed());
    while hostiles.attempts() < 10_000 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!(
        "{transport}: {} attempts; the server had {} descriptors and {} KiB at most, {before} before",
        hostiles.attempts(),
        descriptors.highest(),
        memory.highest()
    );
    drop(hostiles);
    for client in good.into_iter().chain([newcomer]) {
        drained(&client).await;
        let client = client.stop().await.expect("the node ends");
        assert_eq!(client.ends.values().sum::<u64>(), client.sent, "a request was lost without a word");
        assert_eq!(client.ends.keys().filter(|end| **end != End::Answer(2001)).count(), 0, "{:?}", client.ends);
    }
    let bound = hostile::half_open_bound(64);
    assert!(descriptors.highest() <= bound as u64, "{} descriptors, {bound} allowed", descriptors.highest());
    assert!(memory.highest() <= before + 128 * 1024, "{before} KiB, then {}", memory.highest());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "takes half a minute: scripts/test soak"]
async fn good_peers_among_hostile_ones_over_tcp() {
    among_hostiles("tcp").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "takes half a minute: scripts/test soak"]
async fn good_peers_among_hostile_ones_over_embedded_sctp() {
    among_hostiles("sctp-embedded").await;
}
