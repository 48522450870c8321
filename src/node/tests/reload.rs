//! Other settings while nodes run: who notices and who does not.

use super::*;

/// An endpoint over TCP that is free now.
fn free_endpoint() -> Endpoint {
    let address = std::net::TcpListener::bind((B, 0)).unwrap().local_addr().unwrap();
    Endpoint { transport: Some(Transport::Tcp), ..address.into() }
}

/// A node that listens and lets `a.example` in.
async fn server(net: &Net, identity: &str, endpoint: &Endpoint) -> Handle<Purger> {
    let mut settings = settings(identity, B);
    settings.listen = vec![endpoint.clone()];
    settings.peers = vec![peer("a.example", A, false)];
    settings.metrics = Some(Metrics::new());
    start(settings, net.clone(), Purger::new(identity), None, None).await.unwrap()
}

fn towards(identity: &str, endpoint: &Endpoint) -> PeerSettings {
    PeerSettings { connect_to: Some(endpoint.clone()), ..peer(identity, B, true) }
}

/// A sample of a node's metrics, by the beginning of its line.
fn sample(metrics: &Metrics, name: &str) -> u64 {
    let text = metrics.text();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).trim().parse().unwrap()
}

fn words(report: &ReloadReport) -> Vec<String> {
    report.changes.iter().map(ToString::to_string).collect()
}

async fn ask(node: &Handle<Purger>, host: &'static str) -> Result<u32, NoAnswer> {
    let token = node.call(move |purger, _, actions| purger.purge(host, actions)).await.unwrap();
    node.follow(move |purger, _, _| purger.answered.get(&token).copied()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_the_same_notices_nothing_of_others_that_come_and_go() {
    let net = net(Transport::Tcp);
    let [at_b, at_c, at_d] = [free_endpoint(), free_endpoint(), free_endpoint()];
    let b = server(&net, "b.example", &at_b).await;
    let c = server(&net, "c.example", &at_c).await;
    let d = server(&net, "d.example", &at_d).await;
    let metrics = Metrics::new();
    let mut before = settings("a.example", A);
    before.peers = vec![towards("c.example", &at_c), towards("b.example", &at_b)];
    before.metrics = Some(metrics.clone());
    let a = start(before.clone(), net, Purger::new("a.example"), None, None).await.unwrap();
    a.ready(PATIENCE).await.unwrap();

    let mut after = before.clone();
    after.peers = vec![towards("b.example", &at_b), towards("d.example", &at_d)];
    after.drain = Duration::from_secs(2);
    after.routes = vec![RealmRoute {
        realm: "far".to_owned(),
        application: None,
        hosts: vec!["d.example".to_owned()],
        share: false,
    }];
    let report = a.reload(after.clone()).await.unwrap();
    assert_eq!(
        words(&report),
        ["peer c.example removed", "peer d.example added", "route far by d.example added", "drain is 2 s"]
    );
    a.ready(PATIENCE).await.unwrap();
    let mut listed: Vec<_> = a.peers().into_iter().map(|view| view.identity).collect();
    listed.sort_unstable();
    assert_eq!(listed, ["b.example", "d.example"]);

    // The one that went was told why, and in order.
    let mut views = c.watch_peers();
    let told = views.wait_for(|views| views[0].state == State::Closed && views[0].trouble.is_some()).await.unwrap();
    assert_eq!(told[0].trouble.as_deref(), Some("the peer disconnects: DO_NOT_WANT_TO_TALK_TO_YOU"));
    drop(told);
    // The one that stayed has the connection it had.
    assert_eq!(sample(&metrics, "proselink_connects_total{peer=\"b.example\"}"), 1);
    assert_eq!(sample(b.settings.lock().await.metrics.as_ref().unwrap(), "proselink_connections_accepted_total"), 1);
    assert_eq!(ask(&a, "b.example").await, Ok(2001));
    assert_eq!(ask(&a, "d.example").await, Ok(2001));
    assert_eq!(ask(&a, "c.example").await, Err(NoAnswer::Unreachable));
    assert!(!metrics.text().contains("c.example"), "a peer that went is counted no more");

    // The same once more changes nothing, and the way back brings the peer back.
    assert_eq!(a.reload(after).await.unwrap(), ReloadReport::default());
    a.reload(before).await.unwrap();
    assert_eq!(ask(&a, "b.example").await, Ok(2001));
    assert_eq!(sample(&metrics, "proselink_connects_total{peer=\"b.example\"}"), 1);
    a.ready(PATIENCE).await.unwrap();
    assert_eq!(ask(&a, "c.example").await, Ok(2001));
    let (a, b, c, d) = tokio::join!(a.stop(), b.stop(), c.stop(), d.stop());
    assert_eq!((a.unwrap().asked, b.unwrap().asked, c.unwrap().asked, d.unwrap().asked), (0, 2, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timers_change_in_place_and_what_names_the_connection_makes_it_anew() {
    let net = net(Transport::Tcp);
    let [first, second] = [free_endpoint(), free_endpoint()];
    let b = server(&net, "b.example", &first).await;
    let metrics = Metrics::new();
    let mut settings = settings("a.example", A);
    settings.peers = vec![towards("b.example", &first)];
    settings.metrics = Some(metrics.clone());
    let a = start(settings.clone(), net.clone(), Purger::new("a.example"), None, None).await.unwrap();
    a.ready(PATIENCE).await.unwrap();

    settings.peers[0].settings.intervals.watchdog = Duration::from_secs(6);
    settings.peers[0].expected.addresses.push(A);
    let report = a.reload(settings.clone()).await.unwrap();
    assert_eq!(words(&report), ["peer b.example changed (addresses, tw), its connection stays"]);
    assert_eq!(ask(&a, "b.example").await, Ok(2001));
    assert_eq!(sample(&metrics, "proselink_connects_total{peer=\"b.example\"}"), 1);

    // The peer listens elsewhere too, and the way to it changes: told that this is no farewell, it is there again.
    let mut of_b = b.settings.lock().await.clone();
    of_b.listen.push(second.clone());
    let report = b.reload(of_b).await.unwrap();
    assert_eq!(words(&report), [format!("listener {second} added")]);
    settings.peers[0].connect_to = Some(second);
    let report = a.reload(settings.clone()).await.unwrap();
    assert_eq!(words(&report), ["peer b.example changed (connect_to), connected anew"]);
    let mut views = a.watch_peers();
    // One attempt more than one is turned down when the peer has not seen the end of the old connection yet.
    let anew = || sample(&metrics, "proselink_connects_total{peer=\"b.example\"}") >= 2;
    views.wait_for(|views| anew() && views.iter().all(PeerView::is_usable)).await.unwrap();
    assert_eq!(ask(&a, "b.example").await, Ok(2001));

    // What cannot change while it runs is said, and stays.
    settings.local.realm = "other".to_owned();
    let report = a.reload(settings).await.unwrap();
    assert_eq!(report.to_string(), "changed, and needs a restart: realm");
    assert_eq!(ask(&a, "b.example").await, Ok(2001));
    let (a, b) = tokio::join!(a.stop(), b.stop());
    assert_eq!(a.unwrap().asked + b.unwrap().asked, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_can_listen_nothing_changes() {
    let net = net(Transport::Tcp);
    let [at_b, free] = [free_endpoint(), free_endpoint()];
    let b = server(&net, "b.example", &at_b).await;
    let mut of_a = settings("a.example", A);
    of_a.peers = vec![towards("b.example", &at_b)];
    let a = start(of_a.clone(), net, Purger::new("a.example"), None, None).await.unwrap();
    a.ready(PATIENCE).await.unwrap();

    let mut wrong = of_a;
    // One that is free, and one that b holds.
    wrong.listen = vec![free.clone(), at_b];
    wrong.peers.clear();
    assert!(matches!(a.reload(wrong).await, Err(NodeError::Listen(_))));
    assert_eq!(ask(&a, "b.example").await, Ok(2001));
    let (a, b) = tokio::join!(a.stop(), b.stop());
    assert_eq!((a.unwrap().asked, b.unwrap().asked), (0, 1));
}
