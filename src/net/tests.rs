//! Real sockets on loopback, every transport through the same handle.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::*;

/// Each test its own address 127.1.x.1 and its server's 127.1.x.2, so that all use the registered ports at once.
fn addresses() -> (IpAddr, IpAddr) {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let x = NEXT.fetch_add(1, Ordering::Relaxed);
    ([127, 1, x, 1].into(), [127, 1, x, 2].into())
}

fn message(length: usize, fill: u8) -> Bytes {
    let mut bytes = vec![fill; length];
    bytes[0] = 1;
    bytes[1..4].copy_from_slice(&(length as u32).to_be_bytes()[1..]);
    bytes.into()
}

struct Lab {
    net: Net,
    client: IpAddr,
    server: SocketAddr,
    transport: Transport,
}

impl Lab {
    fn new(transport: Transport, options: Options) -> Self {
        let (client, server) = addresses();
        Self { net: Net::new(options), client, server: SocketAddr::new(server, DIAMETER_PORT), transport }
    }

    async fn pair(&self) -> (Association, Association, Listener) {
        let mut listener = self.net.listen(self.transport, self.server).await.unwrap();
        let client = self.net.connect(self.transport, Some(self.client), self.server).await.unwrap();
        let server = listener.accept().await.unwrap();
        (client, server, listener)
    }
}

/// Every transport that this machine has. The kernel's SCTP is there in user-mode Linux, SCTP over IP where that is not
/// and the tests may open raw sockets.
fn transports() -> Vec<Transport> {
    let mut all = vec![Transport::EmbeddedSctp, Transport::Tcp];
    match sctp::kernel::probe() {
        Ok(()) => all.push(Transport::KernelSctp),
        Err(reason) => eprintln!("without kernel SCTP: {reason}"),
    }
    match sctp::embedded::available_over_ip() {
        Ok(()) => all.push(Transport::EmbeddedSctpIp),
        Err(reason) => eprintln!("without SCTP over IP: {reason}"),
    }
    all
}

/// Answers every message with itself, on its stream and with its identifier.
async fn echo(mut association: Association) -> Result<(), NetError> {
    while let Some(Incoming { bytes, stream, ppid }) = association.recv().await? {
        association.send(Outgoing { bytes, stream, unordered: false, ppid }).await?;
    }
    association.close().await
}

#[tokio::test]
async fn messages_of_every_size_come_back_whole() {
    for transport in transports() {
        let (mut client, server, _listener) = Lab::new(transport, Options::default()).pair().await;
        let server = tokio::spawn(echo(server));
        for (length, fill) in [(20, 1), (5_000, 2), (60_000, 3), (1 << 20, 4)] {
            let sent = message(length, fill);
            match client.send(Outgoing::new(sent.clone())).await {
                Err(NetError::MessageSize { limit, .. }) if transport == Transport::KernelSctp => {
                    eprintln!("skipped: {length} octets, the kernel's send buffer allows {limit}");
                    continue;
                }
                sent => sent.unwrap(),
            }
            let got = client.recv().await.unwrap().unwrap();
            assert_eq!(got.bytes.len(), sent.len());
            assert!(got.bytes == sent && got.ppid == 46);
        }
        client.close().await.unwrap();
        server.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn many_messages_cross_both_ways_in_order_on_each_stream() {
    for transport in transports() {
        let (client, server, _listener) = Lab::new(transport, Options::default()).pair().await;
        let run = |mut association: Association| async move {
            let sender = association.sender();
            let sending = tokio::spawn(async move {
                for number in 0..3000u32 {
                    let mut bytes = message(100 + 4 * (number as usize % 400), 0).to_vec();
                    bytes[16..20].copy_from_slice(&number.to_be_bytes());
                    sender.send(Outgoing::new(bytes.into()).on_stream((number % 7) as u16)).await.unwrap();
                }
            });
            let mut next = [0u32, 1, 2, 3, 4, 5, 6];
            for _ in 0..3000 {
                let got = association.recv().await.unwrap().unwrap();
                let number = u32::from_be_bytes(got.bytes[16..20].try_into().unwrap());
                assert_eq!(number, next[(number % 7) as usize]);
                next[(number % 7) as usize] += 7;
                if transport != Transport::Tcp {
                    assert_eq!(u32::from(got.stream), number % 7);
                }
            }
            sending.await.unwrap();
            association
        };
        let (client, server) = tokio::join!(run(client), run(server));
        let (client, server) = tokio::join!(client.close(), server.close());
        client.unwrap();
        server.unwrap();
    }
}

#[tokio::test]
async fn a_graceful_end_is_seen_after_the_last_message() {
    for transport in transports() {
        let (client, mut server, _listener) = Lab::new(transport, Options::default()).pair().await;
        for fill in 0..50 {
            client.send(Outgoing::new(message(2000, fill))).await.unwrap();
        }
        let sender = client.sender();
        let closing = tokio::spawn(client.close());
        for fill in 0..50 {
            assert_eq!(server.recv().await.unwrap().unwrap().bytes[20], fill);
        }
        assert_eq!(server.recv().await, Ok(None));
        closing.await.unwrap().unwrap();
        let error = sender.send(Outgoing::new(message(20, 0))).await.unwrap_err();
        assert!(matches!(error, NetError::Closed { .. }), "{error}");
    }
}

#[tokio::test]
async fn an_abort_is_not_taken_for_a_graceful_end() {
    for transport in transports() {
        let (client, mut server, _listener) = Lab::new(transport, Options::default()).pair().await;
        client.abort();
        let error = server.recv().await.unwrap_err();
        assert!(matches!(error, NetError::Aborted { .. }), "{error}");
    }
}

#[tokio::test]
async fn nobody_there_is_said_plainly() {
    for transport in transports() {
        let lab = Lab::new(transport, Options { connect_timeout: Duration::from_millis(300), ..Options::default() });
        let error = lab.net.connect(transport, Some(lab.client), lab.server).await.unwrap_err();
        assert!(error.to_string().starts_with("cannot connect to 127.1."), "{error}");
        assert!(matches!(error, NetError::Connect { .. }));
    }
    // A port without a listener behind a UDP address that speaks SCTP refuses at once.
    let lab = Lab::new(Transport::EmbeddedSctp, Options::default());
    let (_client, _server, _listener) = lab.pair().await;
    let other = SocketAddr::new(lab.server.ip(), 3869);
    let error = lab.net.connect(lab.transport, Some(lab.client), other).await.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_message_over_the_limit_is_not_sent_and_not_taken() {
    for transport in transports() {
        let (client, _server, _listener) = Lab::new(transport, Options::default()).pair().await;
        let error = client.send(Outgoing::new(message((1 << 20) + 4, 0))).await.unwrap_err();
        assert_eq!(error, NetError::MessageSize { length: (1 << 20) + 4, limit: 1 << 20 });
    }
    let small = Options { message_limit: 1000, ..Options::default() };
    let lab = Lab::new(Transport::Tcp, small);
    let mut listener = lab.net.listen(Transport::Tcp, lab.server).await.unwrap();
    let client = Net::new(Options::default()).connect(Transport::Tcp, None, lab.server).await.unwrap();
    client.send(Outgoing::new(message(2000, 0))).await.unwrap();
    let error = listener.accept().await.unwrap().recv().await.unwrap_err();
    assert!(error.to_string().contains("states a length of 2000, more than the limit of 1000"), "{error}");
}

#[tokio::test]
async fn the_identifier_on_the_wire_is_the_senders() {
    let (mut client, server, _listener) = Lab::new(Transport::EmbeddedSctp, Options::default()).pair().await;
    let server = tokio::spawn(echo(server));
    for (ppid, unordered) in [(46, false), (47, true), (0, false), (46 << 24, true), (12, false)] {
        client.send(Outgoing { bytes: message(40, 1), stream: 3, unordered, ppid }).await.unwrap();
        let got = client.recv().await.unwrap().unwrap();
        assert_eq!((got.ppid, got.stream), (ppid, 3));
    }
    client.close().await.unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_slow_reader_slows_the_sender_and_loses_nothing() {
    for transport in transports() {
        let options = Options { receive_queue: 4, send_queue: 4, ..Options::default() };
        let (client, mut server, _listener) = Lab::new(transport, options).pair().await;
        let sending = tokio::spawn(async move {
            for number in 0..400u32 {
                client.send(Outgoing::new(message(20_000, number as u8))).await.unwrap();
            }
            client.close().await
        });
        for number in 0..400u32 {
            if number % 50 == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(server.recv().await.unwrap().unwrap().bytes[100], number as u8);
        }
        assert_eq!(server.recv().await, Ok(None));
        sending.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn garbage_does_not_stop_an_endpoint() {
    let lab = Lab::new(Transport::EmbeddedSctp, Options::default());
    let (mut client, server, _listener) = lab.pair().await;
    let udp = server.info().encapsulation.unwrap().0;
    let server = tokio::spawn(echo(server));
    let hostile = std::net::UdpSocket::bind((lab.client, 0)).unwrap();
    let mut builder = crate::capture::write::SctpPacketBuilder::new(1, 3868, 0);
    for round in 0..200u32 {
        let mut bytes: Vec<u8> = (0..round).map(|at| (at * 7 + round * 13) as u8).collect();
        hostile.send_to(&bytes, udp).unwrap();
        bytes.resize(bytes.len().max(20), 0);
        crate::capture::write::set_crc32c(&mut bytes);
        hostile.send_to(&bytes, udp).unwrap();
        // Handshakes that are never completed, more than are kept.
        builder.restart(1000 + round as u16, 3868, 0);
        builder.init(crate::capture::write::Init {
            tag: round + 1,
            window: 65_535,
            outgoing_streams: 1,
            incoming_streams: 1,
            tsn: 1,
        });
        hostile.send_to(builder.finish(), udp).unwrap();
    }
    for fill in 0..20 {
        client.send(Outgoing::new(message(400, fill))).await.unwrap();
        assert_eq!(client.recv().await.unwrap().unwrap().bytes[20], fill);
    }
    client.close().await.unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn one_address_serves_many_in_both_roles() {
    let lab = Lab::new(Transport::EmbeddedSctp, Options::default());
    let mut first = lab.net.listen(lab.transport, lab.server).await.unwrap();
    let mut second = lab.net.listen(lab.transport, SocketAddr::new(lab.client, DIAMETER_PORT)).await.unwrap();
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(lab.net.connect(lab.transport, Some(lab.client), lab.server).await.unwrap());
        tokio::spawn(echo(first.accept().await.unwrap()));
        let back = SocketAddr::new(lab.client, DIAMETER_PORT);
        open.push(lab.net.connect(lab.transport, Some(lab.server.ip()), back).await.unwrap());
        tokio::spawn(echo(second.accept().await.unwrap()));
    }
    for (fill, association) in open.iter_mut().enumerate() {
        association.send(Outgoing::new(message(100, fill as u8))).await.unwrap();
        assert_eq!(association.recv().await.unwrap().unwrap().bytes[50], fill as u8);
    }
    for association in open {
        association.close().await.unwrap();
    }
}

#[tokio::test]
async fn over_ipv6_the_embedded_stack_runs_over_udp_and_over_ip() {
    let server = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), DIAMETER_PORT);
    if let Err(error) = std::net::UdpSocket::bind((server.ip(), 0)) {
        return eprintln!("without IPv6: {error}");
    }
    let over_ip = transports().contains(&Transport::EmbeddedSctpIp).then_some(Transport::EmbeddedSctpIp);
    for transport in [Some(Transport::EmbeddedSctp), over_ip].into_iter().flatten() {
        let net = Net::new(Options { udp_port: 9996, ..Options::default() });
        let mut listener = net.listen(transport, server).await.unwrap();
        // One address in both roles: what it sends to itself comes back to it.
        let mut client = net.connect(transport, Some(server.ip()), server).await.unwrap();
        let echo = tokio::spawn(echo(listener.accept().await.unwrap()));
        for length in [20, 60_000] {
            client.send(Outgoing::new(message(length, 6))).await.unwrap();
            assert_eq!(client.recv().await.unwrap().unwrap().bytes, message(length, 6));
        }
        client.close().await.unwrap();
        echo.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn sctp_over_ip_says_what_stands_in_its_way() {
    let lab = Lab::new(Transport::EmbeddedSctpIp, Options::default());
    let error = lab.net.listen(lab.transport, SocketAddr::new([0, 0, 0, 0].into(), 3868)).await.unwrap_err();
    assert!(error.to_string().ends_with("give one address of this machine"), "{error}");
    match lab.net.listen(lab.transport, lab.server).await {
        Ok(_listener) => {
            let other = Net::new(Options::default()).listen(lab.transport, lab.server).await.unwrap_err();
            let words = "cannot use 127.1.";
            assert!(other.to_string().starts_with(words) && other.to_string().contains("another process"), "{other}");
        }
        Err(error) => {
            let words = error.to_string();
            assert!(matches!(error, NetError::Unavailable { backend: Backend::EmbeddedSctpIp, .. }), "{error}");
            assert!(words.contains("CAP_NET_RAW") || words.contains("modprobe -r sctp"), "{words}");
        }
    }
}

/// A peer made by hand: completes handshakes from one SCTP port as often as wanted.
pub(in crate::net) struct Handmade {
    pub(in crate::net) socket: tokio::net::UdpSocket,
    pub(in crate::net) to: SocketAddr,
}

impl Handmade {
    pub(in crate::net) const PORT: u16 = 3868;

    async fn packet(&self, builder: &mut crate::capture::write::SctpPacketBuilder) -> Vec<u8> {
        self.socket.send_to(builder.finish(), self.to).await.unwrap();
        let mut reply = vec![0; 2000];
        let (length, _) = self.socket.recv_from(&mut reply).await.unwrap();
        reply.truncate(length);
        reply
    }

    /// INIT and COOKIE ECHO; answers the tag to send with.
    pub(in crate::net) async fn handshake(&self, tag: u32) -> u32 {
        let init =
            crate::capture::write::Init { tag, window: 65_535, outgoing_streams: 4, incoming_streams: 4, tsn: 1 };
        let mut builder = crate::capture::write::SctpPacketBuilder::new(Self::PORT, DIAMETER_PORT, 0);
        let reply = self.packet(builder.init(init)).await;
        assert_eq!(reply[12], sctp::edge::chunk::INIT_ACK);
        let theirs = u32::from_be_bytes(reply[16..20].try_into().unwrap());
        let cookie = usize::from(u16::from_be_bytes([reply[34], reply[35]]));
        builder.restart(Self::PORT, DIAMETER_PORT, theirs);
        let reply = self.packet(builder.cookie_echo(&reply[36..32 + cookie])).await;
        assert_eq!(reply[12], sctp::edge::chunk::COOKIE_ACK);
        theirs
    }
}

#[tokio::test]
async fn a_peer_that_lost_its_state_is_noticed_with_the_next_message() {
    let lab = Lab::new(Transport::EmbeddedSctp, Options::default());
    let server = lab.server;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (up, listening) = tokio::sync::oneshot::channel();
    runtime.spawn(async move {
        let net = Net::new(Options::default());
        let mut listener = net.listen(Transport::EmbeddedSctp, server).await.unwrap();
        up.send(()).unwrap();
        let association = listener.accept().await.unwrap();
        std::future::pending::<()>().await;
        drop((association, net));
    });
    listening.await.unwrap();
    let mut client = lab.net.connect(lab.transport, Some(lab.client), server).await.unwrap();
    tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(5))).await.unwrap();
    let _again = lab.net.listen(lab.transport, server).await.unwrap();
    client.send(Outgoing::new(message(40, 0))).await.unwrap();
    let error = client.recv().await.unwrap_err();
    assert!(matches!(error, NetError::Aborted { .. }), "{error}");
}

/// Passes datagrams on in both directions, but not all of them, and some twice or late.
async fn bad_network(between: tokio::net::UdpSocket, client: SocketAddr, server: SocketAddr) {
    let mut buffer = vec![0; 65_536];
    let mut late: Option<(Vec<u8>, SocketAddr)> = None;
    for count in 1u32.. {
        let (length, from) = between.recv_from(&mut buffer).await.unwrap();
        let to = if from == server { client } else { server };
        match count % 23 {
            7 => continue,
            11 => late = Some((buffer[..length].to_vec(), to)),
            13 => {
                between.send_to(&buffer[..length], to).await.unwrap();
                between.send_to(&buffer[..length], to).await.unwrap();
                if let Some((bytes, to)) = late.take() {
                    between.send_to(&bytes, to).await.unwrap();
                }
            }
            _ => {
                between.send_to(&buffer[..length], to).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn every_message_crosses_a_bad_network_exactly_once() {
    let options = Options { rto_minimum: Duration::from_millis(50), ..Options::default() };
    let lab = Lab::new(Transport::EmbeddedSctp, options);
    let mut listener = lab.net.listen(lab.transport, lab.server).await.unwrap();
    let server = listener.encapsulation().unwrap();
    let between = tokio::net::UdpSocket::bind((server.ip(), 0)).await.unwrap();
    let udp_port = Some(between.local_addr().unwrap().port());
    let client = SocketAddr::new(lab.client, 9899);
    let network = tokio::spawn(bad_network(between, client, server));
    let remote = Remote { udp_port, ..Remote::from(lab.server) };
    let mut association = lab.net.connect(lab.transport, Some(lab.client), remote).await.unwrap();
    let server = tokio::spawn(echo(listener.accept().await.unwrap()));
    let sender = association.sender();
    let sending = tokio::spawn(async move {
        for number in 0..500u32 {
            sender.send(Outgoing::new(message(100 + 4 * (number as usize * 37 % 1000), number as u8))).await.unwrap();
        }
    });
    for number in 0..500u32 {
        let got = association.recv().await.unwrap().unwrap();
        assert_eq!(got.bytes.len(), 100 + 4 * (number as usize * 37 % 1000));
        assert_eq!(got.bytes[20], number as u8);
    }
    sending.await.unwrap();
    association.close().await.unwrap();
    server.await.unwrap().unwrap();
    network.abort();
}

fn tshark(file: &std::path::Path, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("tshark").arg("-r").arg(file).args(["-o", "sctp.checksum:CRC-32C"]).args(arguments).output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            eprintln!("skipped: tshark cannot be run here ({error})");
            None
        }
    }
}

/// A watchdog request that tshark can read to the end.
fn watchdog(length: usize) -> Bytes {
    let mut bytes = message(length, b'x').to_vec();
    bytes[4..12].copy_from_slice(&[0x80, 0, 1, 24, 0, 0, 0, 0]);
    bytes[20..24].copy_from_slice(&269u32.to_be_bytes());
    bytes[24..28].copy_from_slice(&(length as u32 - 20).to_be_bytes());
    bytes.into()
}

#[tokio::test]
async fn the_record_of_both_ends_has_every_packet_once() {
    let directory = tempfile::tempdir().unwrap();
    for transport in transports() {
        let file = directory.path().join(format!("{transport:?}.pcapng"));
        let annotate = |bytes: &[u8]| Some(format!("{} octets of command {}", bytes[3], bytes[7]));
        let recorder = Recorder::create(&file, Some(Box::new(annotate))).unwrap();
        let options = Options { recorder: Some(recorder.clone()), ..Options::default() };
        let (mut client, server, _listener) = Lab::new(transport, options).pair().await;
        let server = tokio::spawn(echo(server));
        for length in [40, 20_000, 100] {
            client.send(Outgoing::new(watchdog(length))).await.unwrap();
            client.recv().await.unwrap().unwrap();
        }
        client.close().await.unwrap();
        server.await.unwrap().unwrap();
        let packets = recorder.finish().unwrap();

        let Some(frames) = tshark(&file, &["-T", "fields", "-e", "frame.number"]) else { return };
        assert_eq!(frames.lines().count() as u64, packets);
        let lengths = tshark(&file, &["-Y", "diameter", "-T", "fields", "-e", "diameter.length"]).unwrap();
        assert_eq!(lengths.lines().collect::<Vec<_>>(), ["40", "40", "20000", "20000", "100", "100"]);
        let faults = tshark(&file, &["-Y", "_ws.malformed || _ws.expert.severity >= \"Warning\"", "-V"]).unwrap();
        assert_eq!(faults, "");
        let comments = tshark(&file, &["-Y", "frame.comment", "-T", "fields", "-e", "frame.comment"]).unwrap();
        assert_eq!(comments.lines().count(), 6, "{comments}");
        assert!(comments.starts_with("40 octets of command 24"), "{comments}");
        if matches!(transport, Transport::EmbeddedSctp | Transport::EmbeddedSctpIp) {
            let sums = tshark(&file, &["-T", "fields", "-e", "sctp.checksum.status"]).unwrap();
            assert!(sums.lines().all(|status| status == "1"), "{sums}");
            let ppids =
                tshark(&file, &["-Y", "sctp.chunk_type == 0", "-T", "fields", "-e", "sctp.data_payload_proto_id"]);
            assert!(ppids.unwrap().lines().flat_map(|line| line.split(',')).all(|ppid| ppid == "46"));
            let kinds = tshark(&file, &["-T", "fields", "-e", "sctp.chunk_type"]).unwrap();
            let kinds: Vec<&str> = kinds.lines().flat_map(|line| line.split(',')).collect();
            assert_eq!(kinds[..4], ["1", "2", "10", "11"]);
            // A SACK that was delayed may leave after SHUTDOWN has.
            let others: Vec<&str> = kinds.into_iter().filter(|kind| *kind != "3").collect();
            assert_eq!(others[others.len() - 3..], ["7", "8", "14"]);
            let under = tshark(&file, &["-T", "fields", "-e", "ip.proto"]).unwrap();
            let protocol = if transport == Transport::EmbeddedSctp { "17" } else { "132" };
            assert!(under.lines().all(|under| under == protocol), "{under}");
        }
    }
}

#[tokio::test]
async fn the_record_of_one_end_has_both_directions() {
    let directory = tempfile::tempdir().unwrap();
    for transport in transports() {
        let file = directory.path().join(format!("{transport:?}.pcapng"));
        let recorder = Recorder::create(&file, None).unwrap();
        let lab = Lab::new(transport, Options { recorder: Some(recorder.clone()), ..Options::default() });
        let other = Net::new(Options::default());
        let mut listener = other.listen(transport, lab.server).await.unwrap();
        let mut client = lab.net.connect(transport, Some(lab.client), lab.server).await.unwrap();
        let server = tokio::spawn(echo(listener.accept().await.unwrap()));
        client.send(Outgoing::new(watchdog(40))).await.unwrap();
        client.recv().await.unwrap().unwrap();
        client.close().await.unwrap();
        server.await.unwrap().unwrap();
        recorder.finish().unwrap();
        let Some(lengths) = tshark(&file, &["-Y", "diameter", "-T", "fields", "-e", "ip.src"]) else { return };
        let ends: Vec<String> = [lab.client, lab.server.ip()].map(|ip| ip.to_string()).into();
        assert_eq!(lengths.lines().collect::<Vec<_>>(), ends);
    }
}

/// Not a test: `cargo test --release --lib -- --ignored --nocapture rate`.
#[test]
#[ignore = "a measurement"]
fn rate() {
    use tokio::runtime::Builder;
    for transport in transports() {
        for window in [1usize, 64] {
            for (name, mut builder) in [("one", Builder::new_current_thread()), ("two", Builder::new_multi_thread())] {
                let runtime = builder.worker_threads(2).enable_all().build().unwrap();
                let rate = runtime.block_on(async { tokio::spawn(echo_rate(transport, window)).await.unwrap() });
                println!("{transport:?}, {window} outstanding, {name} thread(s): {rate:.0} echoes/s");
            }
        }
    }
}

/// Echoes of message b's size in a second.
async fn echo_rate(transport: Transport, window: usize) -> f64 {
    let (mut client, server, _listener) = Lab::new(transport, Options::default()).pair().await;
    let server = tokio::spawn(echo(server));
    let count = if window == 1 { 30_000 } else { 200_000 };
    let bytes = message(380, 0);
    let start = std::time::Instant::now();
    for number in 0..count + window {
        if number >= window {
            client.recv().await.unwrap().unwrap();
        }
        if number < count {
            client.send(Outgoing::new(bytes.clone()).on_stream(number as u16 % 16)).await.unwrap();
        }
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    client.close().await.unwrap();
    server.await.unwrap().unwrap();
    rate
}
