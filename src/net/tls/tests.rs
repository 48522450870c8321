//! TLS on real sockets: good peers, and every kind of bad one.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::lab::{Authority, load, load_at, load_in, node};
use super::*;
use crate::net::{DIAMETER_TLS_PORT, Incoming, Net, Options, Outgoing, Transport};

/// Each test its own two addresses.
fn addresses() -> (IpAddr, SocketAddr) {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let x = NEXT.fetch_add(1, Ordering::Relaxed);
    ([127, 2, x, 1].into(), SocketAddr::from(([127, 2, x, 2], DIAMETER_TLS_PORT)))
}

fn message(length: usize, fill: u8) -> Bytes {
    let mut bytes = vec![fill; length];
    bytes[0] = 1;
    bytes[1..4].copy_from_slice(&(length as u32).to_be_bytes()[1..]);
    bytes.into()
}

fn options(pem: &[String; 3]) -> Options {
    Options { tls: Some(load(pem).unwrap().0), ..Options::default() }
}

fn net(pem: &[String; 3]) -> Net {
    Net::new(options(pem))
}

async fn echo(mut association: Association) -> Result<(), NetError> {
    while let Some(Incoming { bytes, .. }) = association.recv().await? {
        association.send(Outgoing::new(bytes)).await?;
    }
    association.close().await
}

#[tokio::test]
async fn nodes_that_trust_each_other_exchange_messages_of_every_size() {
    let authority = Authority::new("lab");
    let (client, server) = addresses();
    let of_server = net(&authority.sign(&node("hss.example")));
    let of_client = net(&authority.sign(&node("mme.example")));
    let mut listener = of_server.listen(Transport::Tls, server).await.unwrap();
    let mut association = of_client.connect(Transport::Tls, Some(client), server).await.unwrap();
    let accepted = listener.accept().await.unwrap();
    let [ours, theirs] = [&association, &accepted].map(|one| one.info().protection.clone().unwrap());
    assert_eq!((ours.version, ours.certificate.covers("hss.example")), ("TLS 1.3", true));
    assert_eq!((theirs.version, theirs.certificate.covers("mme.example")), ("TLS 1.3", true));
    assert_eq!(association.info().backend, Backend::Tls);
    let echoing = tokio::spawn(echo(accepted));
    for (length, fill) in [(20, 1), (5_000, 2), (60_000, 3), (1 << 20, 4)] {
        let sent = message(length, fill);
        association.send(Outgoing::new(sent.clone())).await.unwrap();
        assert!(association.recv().await.unwrap().unwrap().bytes == sent);
    }
    association.close().await.unwrap();
    echoing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_slow_reader_slows_the_sender_and_the_end_comes_after_the_last_message() {
    let authority = Authority::new("lab");
    let (client, server) = addresses();
    let small = Options { receive_queue: 4, send_queue: 4, ..options(&authority.sign(&node("a.example"))) };
    let net = Net::new(small);
    let mut listener = net.listen(Transport::Tls, server).await.unwrap();
    let association = net.connect(Transport::Tls, Some(client), server).await.unwrap();
    let mut accepted = listener.accept().await.unwrap();
    let sending = tokio::spawn(async move {
        for number in 0..400u32 {
            association.send(Outgoing::new(message(20_000, number as u8))).await.unwrap();
        }
        association.close().await
    });
    for number in 0..400u32 {
        assert_eq!(accepted.recv().await.unwrap().unwrap().bytes[100], number as u8);
    }
    assert_eq!(accepted.recv().await, Ok(None));
    sending.await.unwrap().unwrap();
}

#[tokio::test]
async fn both_may_send_much_at_once() {
    let authority = Authority::new("lab");
    let (client, server) = addresses();
    let net = net(&authority.sign(&node("a.example")));
    let mut listener = net.listen(Transport::Tls, server).await.unwrap();
    let association = net.connect(Transport::Tls, Some(client), server).await.unwrap();
    let accepted = listener.accept().await.unwrap();
    let run = |mut association: Association| async move {
        let sender = association.sender();
        let sending = tokio::spawn(async move {
            for number in 0..2000u32 {
                let length = 100 + 4 * (number as usize * 37 % 5000);
                sender.send(Outgoing::new(message(length, number as u8))).await.unwrap();
            }
        });
        for number in 0..2000u32 {
            let got = association.recv().await.unwrap().unwrap().bytes;
            assert_eq!((got.len(), got[99]), (100 + 4 * (number as usize * 37 % 5000), number as u8));
        }
        sending.await.unwrap();
        association.close().await.unwrap();
    };
    tokio::join!(run(association), run(accepted));
}

#[tokio::test]
async fn an_abort_and_a_cut_are_not_taken_for_an_end() {
    let authority = Authority::new("lab");
    let (client, server) = addresses();
    let pem = authority.sign(&node("a.example"));
    let net = net(&pem);
    let mut listener = net.listen(Transport::Tls, server).await.unwrap();
    let association = net.connect(Transport::Tls, Some(client), server).await.unwrap();
    let mut accepted = listener.accept().await.unwrap();
    association.abort();
    let error = accepted.recv().await.unwrap_err();
    assert!(matches!(error, NetError::Aborted { .. }), "{error}");

    // A FIN of TCP alone is what somebody between the two can make.
    let config = load(&pem).unwrap().0.client(Arc::default()).unwrap();
    let stream = TcpStream::connect(server).await.unwrap();
    let name = ServerName::IpAddress(server.ip().into());
    let mut shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    shaken.write_all(&message(40, 1)).await.unwrap();
    shaken.flush().await.unwrap();
    let mut accepted = listener.accept().await.unwrap();
    shaken.get_mut().0.shutdown().await.unwrap();
    assert_eq!(accepted.recv().await.unwrap().unwrap().bytes.len(), 40);
    let error = accepted.recv().await.unwrap_err().to_string();
    assert!(error.contains("cut off, without the close_notify"), "{error}");
}

/// A node that is called and one that calls, the second not of this program. What the first says of the other's
/// certificate when it connects, then when it is connected to, and what the other hears.
async fn meeting(ours: &[String; 3], theirs: &Credentials) -> [String; 3] {
    let (client, server) = addresses();
    let net = net(ours);
    let listener = TcpListener::bind(server).await.unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(theirs.server(Arc::default()).unwrap()));
    let (calling, hears) = tokio::join!(net.connect(Transport::Tls, Some(client), server), async {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.err().unwrap()
    });
    let connector = TlsConnector::from(Arc::new(theirs.client(Arc::default()).unwrap()));
    let credentials = load(ours).unwrap().0;
    let (called, ()) = tokio::join!(
        async {
            let (stream, _) = listener.accept().await.unwrap();
            shake_hands(stream, &credentials, &Arc::default(), Duration::from_secs(60)).await
        },
        async {
            let stream = TcpStream::connect(server).await.unwrap();
            // In TLS 1.3 the one who calls is through before it has been judged.
            if let Ok(mut shaken) = connector.connect(ServerName::IpAddress(server.ip().into()), stream).await {
                let _ = shaken.read(&mut [0]).await;
            }
        }
    );
    [calling.unwrap_err().to_string(), called.err().unwrap(), explain::handshake(&hears, None)]
}

#[tokio::test]
async fn whoever_has_been_told_of_our_end_may_leave_as_it_likes() {
    let authority = Authority::new("lab");
    let pem = authority.sign(&node("a.example"));
    let net = net(&pem);
    let (_, server) = addresses();
    let mut listener = net.listen(Transport::Tls, server).await.unwrap();
    for last in [&b""[..], b"no record of TLS"] {
        let config = load(&pem).unwrap().0.client(Arc::default()).unwrap();
        let stream = TcpStream::connect(server).await.unwrap();
        let name = ServerName::IpAddress(server.ip().into());
        let mut shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let accepted = listener.accept().await.unwrap();
        let closing = tokio::spawn(accepted.close());
        assert_eq!(shaken.read(&mut [0]).await.unwrap(), 0);
        // Garbage after the end is nobody's business any more.
        shaken.get_mut().0.write_all(last).await.unwrap();
        let _ = socket2::SockRef::from(shaken.get_ref().0).set_linger(Some(Duration::ZERO));
        drop(shaken);
        closing.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_refused_on_both_sides_with_what_to_change() {
    let authority = Authority::new("lab");
    let ours = authority.sign(&node("hss.example"));
    let valid = |name, from, until| {
        let mut params = node(name);
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params
    };
    let mut purpose = node("signer.example");
    purpose.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    let mut authority_itself = node("ca.example");
    authority_itself.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let with_our_ca = |mut pem: [String; 3]| {
        pem[2].clone_from(&ours[2]);
        pem
    };
    for (pem, year, says, hears) in [
        (
            with_our_ca(Authority::new("elsewhere").sign(&node("mme.example"))),
            2026,
            "its certificate, of mme.example (subject CN=mme.example, issued by CN=elsewhere), is signed by nobody in \
             the ca file of this node; add its issuer's certificate there",
            "it does not know who signed the certificate of this node",
        ),
        (with_our_ca(Authority::new("lab").sign(&node("mme.example"))), 2026, "but another key signed it", "alert"),
        (
            authority.sign(&valid("mme.example", 2020, 2021)),
            2020,
            "is out of date since 2021-01-01T00:00:00Z",
            "it finds the certificate of this node out of date",
        ),
        (
            authority.sign(&valid("mme.example", 2090, 2091)),
            2090,
            "is not valid yet until 2090-01-01T00:00:00Z",
            "alert",
        ),
        (authority.sign(&purpose), 2026, "a Diameter node needs serverAuth and clientAuth", "it does not accept"),
        (authority.sign(&authority_itself), 2026, "is that of an authority; sign one for the node itself", "alert"),
    ] {
        let [calling, called, heard] = meeting(&ours, &load_in(&pem, year).unwrap().0).await;
        assert!(calling.contains(says), "{calling}\nshould be\n{says}");
        assert!(called.contains(says), "{called}\nshould be\n{says}");
        assert!(heard.contains(hears), "{heard}\nshould be\n{hears}");
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_good_when_it_is_listed_itself() {
    let mut params = node("mme.example");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap().pem();
    let ours = Authority::new("lab").sign(&node("hss.example"));
    let theirs = net(&[own.clone(), key.serialize_pem(), ours[2].clone()]);
    let both = net(&[ours[0].clone(), ours[1].clone(), format!("{}{own}", ours[2])]);
    for (called, calling) in [(&both, &theirs), (&theirs, &both)] {
        let (client, server) = addresses();
        let mut listener = called.listen(Transport::Tls, server).await.unwrap();
        let association = calling.connect(Transport::Tls, Some(client), server).await.unwrap();
        let accepted = listener.accept().await.unwrap();
        tokio::spawn(echo(accepted));
        association.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_peer_without_a_certificate_is_refused() {
    let authority = Authority::new("lab");
    let mut params = node("hss.example");
    params.subject_alt_names = vec![SanType::DnsName("hss.example".try_into().unwrap())];
    let credentials = load(&authority.sign(&params)).unwrap().0;
    for versions in [&[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        let calling = tokio::spawn(async move {
            let stream = TcpStream::connect(to).await.unwrap();
            let name = ServerName::try_from("hss.example").unwrap();
            match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
                Ok(mut shaken) => shaken.read(&mut [0]).await.map(|_| ()),
                Err(error) => Err(error),
            }
        });
        let (stream, _) = listener.accept().await.unwrap();
        let words = shake_hands(stream, &credentials, &Arc::default(), Duration::from_secs(60)).await.err().unwrap();
        assert!(words.starts_with("it shows no certificate, and one is required"), "{words}");
        calling.await.unwrap().unwrap_err();
    }
}

#[tokio::test]
async fn a_peer_that_refuses_our_certificate_is_quoted() {
    let ours = Authority::new("lab").sign(&node("mme.example"));
    let theirs = Authority::new("elsewhere").sign(&node("hss.example"));
    let mut mixed = ours;
    // It trusts its own authority alone, and so do we: ours is another's.
    mixed[2].clone_from(&theirs[2]);
    let (client, server) = addresses();
    let mut listener = net(&theirs).listen(Transport::Tls, server).await.unwrap();
    let association = net(&mixed).connect(Transport::Tls, Some(client), server).await;
    let heard = match association {
        Ok(mut association) => {
            // As a node does: it sends at once, and the refusal is on its way.
            let _ = association.send(Outgoing::new(message(200, 0))).await;
            association.recv().await.unwrap_err().to_string()
        }
        Err(error) => error.to_string(),
    };
    assert!(heard.contains("it does not know who signed the certificate of this node"), "{heard}");
    tokio::select! {
        biased;
        accepted = listener.accept() => panic!("{accepted:?}"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn an_old_peer_of_tls_1_2_lasts_for_weeks() {
    let authority = Authority::new("lab");
    let ours = net(&authority.sign(&node("hss.example")));
    let theirs = load(&authority.sign(&node("mme.example"))).unwrap().0;
    let (_, server) = addresses();
    let mut listener = ours.listen(Transport::Tls, server).await.unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let judge = Arc::new(judge::Judge { trusted: theirs.trusted(), seen: Arc::default() });
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(judge)
        .with_client_cert_resolver(theirs.own());
    let stream = TcpStream::connect(server).await.unwrap();
    let name = ServerName::IpAddress(server.ip().into());
    let (shaken, accepted) =
        tokio::join!(TlsConnector::from(Arc::new(config)).connect(name, stream), listener.accept());
    let protection = accepted.unwrap().info().protection.clone().unwrap();
    assert_eq!(protection.version, "TLS 1.2");
    assert!(protection.cipher_suite.contains("CHACHA20"), "{}", protection.cipher_suite);
    shaken.unwrap();
}

#[tokio::test]
async fn what_is_no_tls_and_what_never_ends_its_handshake_keep_nobody_out() {
    let authority = Authority::new("lab");
    let pem = authority.sign(&node("hss.example"));
    let few = Options { maximum_handshakes: 4, ..options(&pem) };
    let (client, server) = addresses();
    let mut listener = Net::new(few).listen(Transport::Tls, server).await.unwrap();
    // Each of these stays silent, or stops in the middle of a record; none is ended from this side.
    let mut slow = Vec::new();
    for number in 0..20u8 {
        let mut stream = TcpStream::connect(server).await.unwrap();
        stream.write_all(&[0x16, 3, 1, 2, 0, 1][..usize::from(number % 7)]).await.unwrap();
        slow.push(stream);
    }
    // Garbage, and Diameter in the clear.
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &message(100, 0), &[0x16, 3, 1, 0, 5, 9, 9, 9, 9, 9], &[0xff; 5000]] {
        let mut stream = TcpStream::connect(server).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut heard = Vec::new();
        // An alert or a reset, but an end.
        let _ = stream.read_to_end(&mut heard).await;
    }
    let association = net(&pem).connect(Transport::Tls, Some(client), server).await.unwrap();
    let accepted = listener.accept().await.unwrap();
    assert_eq!(accepted.info().remote, association.info().local);
    // Of the slow ones all but four have been given up.
    let mut ended = 0;
    for stream in &mut slow[..16] {
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard).await;
        ended += 1;
    }
    assert_eq!(ended, 16);
}

#[tokio::test]
async fn a_handshake_takes_as_long_as_connecting_may() {
    let pem = Authority::new("lab").sign(&node("hss.example"));
    let hasty = Options { connect_timeout: Duration::from_millis(50), ..options(&pem) };
    let (client, server) = addresses();
    // Nobody answers: the socket listens, and that is all.
    let silent = TcpListener::bind(server).await.unwrap();
    let error = Net::new(hasty.clone()).connect(Transport::Tls, Some(client), server).await.unwrap_err().to_string();
    assert!(error.ends_with("over TLS: no answer within 50ms"), "{error}");
    drop(silent);
    // Nobody asks.
    let _listener = Net::new(hasty).listen(Transport::Tls, server).await.unwrap();
    let mut stream = TcpStream::connect(server).await.unwrap();
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    assert!(heard.is_empty());
}

#[tokio::test]
async fn plain_diameter_is_recognized_in_both_roles() {
    let pem = Authority::new("lab").sign(&node("hss.example"));
    let credentials = load(&pem).unwrap().0;
    let (client, server) = addresses();
    let listener = TcpListener::bind(server).await.unwrap();
    let (words, _stream) = tokio::join!(
        async {
            let (stream, _) = listener.accept().await.unwrap();
            shake_hands(stream, &credentials, &Arc::default(), Duration::from_secs(60)).await.err().unwrap()
        },
        async {
            let mut stream = TcpStream::connect(server).await.unwrap();
            stream.write_all(&message(200, 0)).await.unwrap();
            stream
        }
    );
    assert!(words.contains("does it speak plain Diameter? then let it connect to a \"tcp:\" endpoint"), "{words}");
    drop(listener);
    let _plain = net(&pem).listen(Transport::Tcp, server).await.unwrap();
    let error = net(&pem).connect(Transport::Tls, Some(client), server).await.unwrap_err().to_string();
    assert!(error.contains("write \"tcp:\" instead of \"tls:\""), "{error}");
}

#[tokio::test]
async fn without_credentials_there_is_no_tls() {
    let (client, server) = addresses();
    let net = Net::new(Options::default());
    let error = net.connect(Transport::Tls, Some(client), server).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "TLS is not available here: this node has no certificate; write a section [tls] with certificate, key and ca"
    );
    assert!(matches!(net.listen(Transport::Tls, server).await, Err(NetError::Unavailable { .. })));
}

#[tokio::test]
async fn new_credentials_are_for_the_connections_that_come_after() {
    let authority = Authority::new("lab");
    let (first, second) = (authority.sign(&node("a.example")), authority.sign(&node("b.example")));
    let options = options(&first);
    let credentials = options.tls.clone().unwrap();
    let net = Net::new(options);
    let (client, server) = addresses();
    let mut listener = net.listen(Transport::Tls, server).await.unwrap();
    for (name, replaced) in [("a.example", false), ("b.example", true)] {
        if replaced {
            credentials.replace(&load(&second).unwrap().0);
        }
        let association = net.connect(Transport::Tls, Some(client), server).await.unwrap();
        let accepted = listener.accept().await.unwrap();
        for one in [&association, &accepted] {
            assert!(one.info().protection.as_ref().unwrap().certificate.covers(name));
        }
    }
}

#[test]
fn credentials_that_cannot_be_used_say_which_file_and_why() {
    let authority = Authority::new("lab");
    let good = authority.sign(&node("hss.example"));
    let other = authority.sign(&node("mme.example"));
    let [certificate, key, ca] = good.clone();
    let broken = certificate.replace("MII", "M!I");
    let mut old = node("hss.example");
    old.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    for (pem, part, words) in [
        ([key.clone(), key.clone(), ca.clone()], Part::Certificate, "node.pem: it holds no certificate"),
        ([certificate.clone(), certificate.clone(), ca.clone()], Part::Key, "node.key: it holds no private key"),
        ([certificate.clone(), key.clone(), String::new()], Part::Ca, "ca.pem: it holds no certificate"),
        ([broken, key.clone(), ca.clone()], Part::Certificate, "node.pem: it is no good PEM"),
        ([certificate.clone(), encrypted, ca.clone()], Part::Key, "node.key: its private key is encrypted"),
        (
            [certificate, other[1].clone(), ca],
            Part::Key,
            "whose first certificate names hss.example (subject CN=hss.example, issued by CN=lab)",
        ),
        (
            authority.sign(&old),
            Part::Certificate,
            "node.pem: the certificate of hss.example (subject CN=hss.example, issued by CN=lab) has expired on \
             2021-01-01T00:00:00Z; get a new one",
        ),
    ] {
        let error = load(&pem).err().unwrap();
        assert_eq!(error.part, part, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let nowhere = Files { certificate: "nowhere/a.pem".into(), key: "b".into(), ca: "c".into() };
    let error = Credentials::load(&nowhere, SystemTime::now()).err().unwrap().to_string();
    assert!(error.starts_with("nowhere/a.pem: it cannot be read: No such file"), "{error}");
}

#[test]
fn doubtful_credentials_are_told_of() {
    let authority = Authority::new("lab");
    let mut short = node("hss.example");
    short.not_after = rcgen::date_time_ymd(2030, 2, 1);
    let pem = authority.sign(&short);
    let (_, doubts) = load_at(&pem, 1_894_838_400).unwrap(); // 2030-01-17
    let words: Vec<_> = doubts.iter().map(|doubt| doubt.words.as_str()).collect();
    assert_eq!(words, ["the certificate of hss.example (subject CN=hss.example, issued by CN=lab) expires in 15 days"]);
    let mut foreign = Authority::new("elsewhere").sign(&node("hss.example"));
    foreign[2].clone_from(&pem[2]);
    let (_, doubts) = load(&foreign).unwrap();
    assert!(doubts[0].words.contains("does not lead to the authorities of"), "{doubts:?}");
    assert_eq!(load(&authority.sign(&node("hss.example"))).unwrap().1, []);
}
