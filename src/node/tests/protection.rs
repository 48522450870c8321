//! Nodes over TLS: who is believed, and what each is told who is not.

use super::*;
use crate::net::tls::lab::{Authority, load, node};

/// A purger that notes whether it was asked over a protected connection.
struct Guarded {
    purger: Purger,
    protected: Vec<bool>,
}

impl Element for Guarded {
    fn applications(&self) -> &[u32] {
        self.purger.applications()
    }

    fn handle(&mut self, now: Now, event: Event<'_>, actions: &mut Vec<Action>) {
        if let Event::Request { sender, .. } = &event {
            self.protected.push(sender.protected);
        }
        self.purger.handle(now, event, actions);
    }
}

fn guarded(identity: &str) -> Guarded {
    Guarded { purger: Purger::new(identity), protected: Vec::new() }
}

/// Each test its own two addresses.
fn addresses() -> [IpAddr; 2] {
    static NEXT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(1);
    let x = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    [[127, 78, x, 1].into(), [127, 78, x, 2].into()]
}

/// The node a.example that connects to b.example over the transport.
fn pair_over(transport: &str) -> [Settings; 2] {
    let [at_a, at_b] = addresses();
    let mut a = settings("a.example", at_a);
    let mut b = settings("b.example", at_b);
    let endpoint: Endpoint = format!("{transport}:{at_b}").parse().unwrap();
    a.peers = vec![PeerSettings { connect_to: Some(endpoint.clone()), ..peer("b.example", at_b, true) }];
    b.peers = vec![peer("a.example", at_a, false)];
    b.listen = vec![endpoint];
    [a, b]
}

/// Where a node with this certificate is at home.
fn net_of(authority: &Authority, name: &str) -> Net {
    let (credentials, _) = load(&authority.sign(&node(name))).unwrap();
    Net::new(Options { tls: Some(credentials), ..Options::default() })
}

async fn trouble<E>(handle: &Handle<E>) -> String {
    let mut views = handle.views.clone();
    let views = views.wait_for(|views| views.iter().any(|view| view.trouble.is_some())).await.unwrap();
    views[0].trouble.clone().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_element_is_told_whether_tls_protects_what_it_is_asked() {
    let lab = Authority::new("lab");
    for (transport, protected) in [("tls", true), ("tcp", false)] {
        let [a, b] = pair_over(transport);
        let b = start(b, net_of(&lab, "b.example"), guarded("b.example"), None, None).await.unwrap();
        let a = start(a, net_of(&lab, "a.example"), guarded("a.example"), None, None).await.unwrap();
        a.ready(PATIENCE).await.unwrap();
        b.ready(PATIENCE).await.unwrap();
        for (from, to) in [(&a, "b.example"), (&b, "a.example")] {
            let token = from.call(move |element, _, actions| element.purger.purge(to, actions)).await.unwrap();
            let answered =
                move |element: &mut Guarded, _: Now, _: &mut Vec<Action>| element.purger.answered.get(&token).copied();
            assert_eq!(from.follow(answered).await.unwrap(), Ok(2001));
        }
        let (a, b) = tokio::join!(a.stop(), b.stop());
        assert_eq!((a.unwrap().protected, b.unwrap().protected), (vec![protected], vec![protected]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_whose_certificate_names_another_is_refused_and_both_say_why() {
    let lab = Authority::new("lab");
    let [a, b] = pair_over("tls");
    // It calls itself a.example and has the certificate of mallory.
    let b = start(b, net_of(&lab, "b.example"), Purger::new("b.example"), None, None).await.unwrap();
    let a = start(a, net_of(&lab, "mallory.example"), Purger::new("a.example"), None, None).await.unwrap();
    let (told, known) = tokio::join!(trouble(&a), trouble(&b));
    for words in [&told, &known] {
        assert!(
            words.contains(
                "names mallory.example (subject CN=mallory.example, issued by CN=lab) and not a.example, as its CER \
                 says; give that node a certificate of a.example, or, if this one is its own, write certificate_name = \
                 \"mallory.example\" into the [[peer]] section of a.example at b.example"
            ),
            "{words}"
        );
        assert!(words.contains("[5012]"), "{words}");
    }
    assert!(!b.peers()[0].is_usable());
    let (a, b) = tokio::join!(a.stop(), b.stop());
    assert_eq!(a.unwrap().asked + b.unwrap().asked, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_not_who_was_called_hears_nothing_of_us() {
    let lab = Authority::new("lab");
    let [a, b] = pair_over("tls");
    let b = start(b, net_of(&lab, "mallory.example"), Purger::new("b.example"), None, None).await.unwrap();
    let a = start(a, net_of(&lab, "a.example"), Purger::new("a.example"), None, None).await.unwrap();
    let words = trouble(&a).await;
    assert!(words.contains("and not b.example, which is expected there"), "{words}");
    assert!(words.contains("certificate_name = \"mallory.example\""), "{words}");
    let (a, b) = tokio::join!(a.stop(), b.stop());
    a.unwrap();
    b.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_not_who_was_called_is_called_again() {
    let lab = Authority::new("lab");
    let [mut a, b] = pair_over("tls");
    a.peers[0].settings.intervals.connect = Duration::from_millis(50);
    let mut mallory = net_of(&lab, "mallory.example").listen_at(&b.listen[0], b.transport).await.unwrap();
    let a = start(a, net_of(&lab, "a.example"), Purger::new("a.example"), None, None).await.unwrap();
    for _ in 0..3 {
        let mut association = mallory.accept().await.unwrap();
        assert_eq!(association.recv().await, Ok(None), "no word was said");
    }
    a.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_name_stands_in_for_the_identity() {
    let lab = Authority::new("lab");
    let [mut a, mut b] = pair_over("tls");
    a.peers[0].settings.certificate_name = Some("hss-1.lab".to_owned());
    b.peers[0].settings.certificate_name = Some("mme-1.lab".to_owned());
    let b = start(b, net_of(&lab, "hss-1.lab"), Purger::new("b.example"), None, None).await.unwrap();
    let a = start(a, net_of(&lab, "mme-1.lab"), Purger::new("a.example"), None, None).await.unwrap();
    a.ready(PATIENCE).await.unwrap();
    b.ready(PATIENCE).await.unwrap();
    let (a, b) = tokio::join!(a.stop(), b.stop());
    a.unwrap();
    b.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_of_whom_tls_is_wanted_does_not_get_in_without() {
    let lab = Authority::new("lab");
    let [a, mut b] = pair_over("tcp");
    b.peers[0].settings.certificate_name = Some("a.example".to_owned());
    let b = start(b, net_of(&lab, "b.example"), Purger::new("b.example"), None, None).await.unwrap();
    let a = start(a, net_of(&lab, "a.example"), Purger::new("a.example"), None, None).await.unwrap();
    let (told, known) = tokio::join!(trouble(&a), trouble(&b));
    for words in [told, known] {
        assert!(words.contains("a.example comes over TCP in the clear"), "{words}");
        assert!(words.contains("[5017]"), "{words}");
    }
    let (a, b) = tokio::join!(a.stop(), b.stop());
    a.unwrap();
    b.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_certificate_the_peer_does_not_know_learns_it() {
    let (lab, other) = (Authority::new("lab"), Authority::new("elsewhere"));
    let [a, b] = pair_over("tls");
    let mut pem = other.sign(&node("a.example"));
    pem[2] = lab.0.pem();
    let (credentials, doubts) = load(&pem).unwrap();
    assert_eq!(doubts.len(), 1);
    let of_a = Net::new(Options { tls: Some(credentials), ..Options::default() });
    let b = start(b, net_of(&lab, "b.example"), Purger::new("b.example"), None, None).await.unwrap();
    let a = start(a, of_a, Purger::new("a.example"), None, None).await.unwrap();
    let words = trouble(&a).await;
    assert!(words.contains("it does not know who signed the certificate of this node"), "{words}");
    let (a, b) = tokio::join!(a.stop(), b.stop());
    a.unwrap();
    b.unwrap();
}
