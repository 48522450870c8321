//! The kernel's stack in earnest: two namespaces joined by two cables, a peer with two addresses, cables that are cut.
//!
//! Run in user-mode Linux by `scripts/test kernel-sctp`, one after the other. What crosses is captured; where
//! PROSELINK_CAPTURES names a folder the captures stay there.

mod lab;

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::*;
use crate::capture::AssociationStep;
use crate::capture::write::{Data, SctpPacketBuilder};
use crate::net::path::{Path, PathState};
use crate::net::tests::Handmade;
use crate::net::{DIAMETER_PORT, Incoming, Net, Outgoing, Recorder, Remote, Transport};
use lab::{A_FAR, A_NEAR, B_FAR, B_NEAR, Lab, Story};

/// The UDP port of the kernel's SCTP, and that of the embedded one.
const KERNEL_UDP: u16 = 9899;
const EMBEDDED_UDP: u16 = 9900;

/// A Device-Watchdog-Request that a dissector can read to its end: what it is long by is a Proxy-State.
fn message(length: usize, fill: u8) -> Bytes {
    let mut bytes = vec![fill; length];
    bytes[..20].copy_from_slice(&[1, 0, 0, 0, 0x80, 0, 1, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, fill]);
    bytes[1..4].copy_from_slice(&(length as u32).to_be_bytes()[1..]);
    if length > 20 {
        bytes[20..28].copy_from_slice(&[0, 0, 0, 33, 0x40, 0, 0, 0]);
        bytes[25..28].copy_from_slice(&(length as u32 - 20).to_be_bytes()[1..]);
    }
    bytes.into()
}

/// Answers every message with itself, on its stream and with its identifier.
async fn echo(mut association: Association) -> Result<(), NetError> {
    while let Some(Incoming { bytes, stream, ppid }) = association.recv().await? {
        association.send(Outgoing { bytes, stream, unordered: false, ppid }).await?;
    }
    association.close().await
}

/// Messages of every size there and back, on several streams, with any identifier.
async fn exchange(association: &mut Association) {
    let several = [(20, 0, 46), (5_000, 3, 46), (60_000, 15, 0), (1 << 20, 7, 46), (5_000, 1, 47), (1 << 20, 2, 46)];
    for (number, (length, stream, ppid)) in (1u8..).zip(several) {
        let bytes = message(length, number);
        association.send(Outgoing { bytes, stream, unordered: false, ppid }).await.unwrap();
    }
    // What is on different streams may come in any order.
    let mut due: Vec<_> = (1u8..).zip(several).collect();
    while !due.is_empty() {
        let got = association.recv().await.unwrap().unwrap();
        let at = due.iter().position(|(number, _)| got.bytes[19] == *number).unwrap();
        let (number, (length, stream, ppid)) = due.remove(at);
        assert!(got.bytes == message(length, number), "{length} octets on stream {stream}");
        assert_eq!((got.stream, got.ppid), (stream, ppid));
    }
}

fn quick() -> Options {
    Options {
        rto_initial: Duration::from_millis(200),
        rto_minimum: Duration::from_millis(100),
        rto_maximum: Duration::from_millis(500),
        heartbeat_interval: Duration::from_millis(300),
        ..Options::default()
    }
}

async fn until(paths: &mut watch::Receiver<Vec<Path>>, remote: std::net::IpAddr, state: PathState) {
    let is = |paths: &Vec<Path>| paths.iter().any(|path| path.remote == remote && path.state == state);
    paths.wait_for(is).await.unwrap();
}

fn at(ip: std::net::IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip, port)
}

/// Kernel and embedded stack, each calling the other, over UDP; the kernel's side has two addresses, vanishes without a
/// word, comes back on the same ports, and shuts down in order.
#[tokio::test]
#[ignore = "changes the network: for a guest"]
async fn kernel_and_embedded_understand_each_other() {
    let Some(lab) = Lab::new() else { return };
    lab.far(async { std::fs::write("/proc/sys/net/sctp/udp_port", KERNEL_UDP.to_string()).unwrap() }).await;
    let file = lab.capture_file("kernel-and-embedded.pcapng");
    let recorder = Recorder::create(&file, None).unwrap();
    let embedded = Net::new(Options { udp_port: EMBEDDED_UDP, recorder: Some(recorder.clone()), ..Options::default() });
    let mut listener = embedded.listen(Transport::EmbeddedSctp, at(A_NEAR, DIAMETER_PORT)).await.unwrap();

    // The kernel calls.
    let call = || async {
        let (locals, remote) = ([at(A_FAR, 3870), at(B_FAR, 3870)], [at(A_NEAR, DIAMETER_PORT)]);
        connect(&locals, &remote, Some(EMBEDDED_UDP), Arc::new(quick())).await.unwrap()
    };
    let mut of_kernel = lab.far(call()).await;
    let mut first = listener.accept().await.unwrap();
    println!("{:?}\n{:?}", of_kernel.info(), first.info());
    assert_eq!(of_kernel.info().local_addresses, [A_FAR, B_FAR]);
    assert_eq!(of_kernel.info().encapsulation, Some((at(A_FAR, KERNEL_UDP), at(A_NEAR, EMBEDDED_UDP))));
    let vanishing = of_kernel.sender();
    drop(lab.far_task(echo(of_kernel)));
    exchange(&mut first).await;

    // It vanishes: its ABORT is lost on the way, and the embedded side knows nothing.
    lab.far_cable("a1", false);
    vanishing.abort();
    vanishing.ended().await.unwrap_err();
    // It calls again before anything gets through: late words of the embedded side meet an association that passes them
    // over, not a stranger who would abort the old one.
    let again = lab.far_task(call());
    lab.far(std::future::ready(())).await;
    lab.far_cable("a1", true);
    of_kernel = again.await.unwrap();
    let second = listener.accept().await.unwrap();
    let error = first.recv().await.unwrap_err();
    assert!(error.to_string().contains("has restarted"), "{error}");
    let echoing = tokio::spawn(echo(second));
    lab.far(async move {
        exchange(&mut of_kernel).await;
        of_kernel.close().await.unwrap();
    })
    .await;
    echoing.await.unwrap().unwrap();

    // The embedded side calls.
    let mut of_far = lab
        .far(async { listen(&[at(A_FAR, DIAMETER_PORT), at(B_FAR, DIAMETER_PORT)], Arc::new(quick())).unwrap() })
        .await;
    let remote = Remote { udp_port: Some(KERNEL_UDP), ..Remote::from(at(A_FAR, DIAMETER_PORT)) };
    let mut calling = embedded.connect(Transport::EmbeddedSctp, Some(A_NEAR), remote).await.unwrap();
    let echoing = lab.far_task(async move { echo(of_far.accept().await.unwrap()).await });
    exchange(&mut calling).await;
    calling.close().await.unwrap();
    echoing.await.unwrap().unwrap();

    recorder.finish().unwrap();
    let story = Story::read(&file);
    println!("{story}");
    story.every_checksum_is_good();
    let of_client: Vec<_> = story.steps(at(A_FAR, 3870)).collect();
    let begin = [AssociationStep::Init, AssociationStep::CookieEcho];
    let end = [AssociationStep::Shutdown, AssociationStep::ShutdownComplete];
    assert_eq!(of_client, [begin, begin, end].concat());
    let of_server: Vec<_> = story.steps_to(at(A_FAR, 3870)).collect();
    let begin = [AssociationStep::InitAck, AssociationStep::CookieAck];
    assert_eq!(of_server, [&begin[..], &begin, &[AssociationStep::ShutdownAck]].concat());
    // INIT twice from the client, INIT ACK from the server in the other direction.
    assert_eq!(story.addresses_listed(at(A_FAR, 3870)), [vec![A_FAR, B_FAR], vec![A_FAR, B_FAR]]);
    assert_eq!(story.addresses_listed(at(A_FAR, DIAMETER_PORT)), [vec![A_FAR, B_FAR]]);
}

/// Two addresses each; a cable is cut in the middle of the requests, and mended.
#[tokio::test]
#[ignore = "changes the network: for a guest"]
async fn kernel_to_kernel_survives_the_loss_of_a_path() {
    let Some(lab) = Lab::new() else { return };
    let file = lab.capture_file("kernel-to-kernel.pcapng");
    let capture = lab.capture(&file);
    let record = lab.capture_file("kernel-record.pcapng");
    let recorder = Recorder::create(&record, None).unwrap();
    let options = Arc::new(Options { recorder: Some(recorder.clone()), ..quick() });
    let far = [at(A_FAR, DIAMETER_PORT), at(B_FAR, DIAMETER_PORT)];
    let mut listener = lab.far(async move { listen(&far, Arc::new(quick())).unwrap() }).await;
    let mut client = connect(&[at(A_NEAR, 0), at(B_NEAR, 0)], &far, None, options).await.unwrap();
    let server = lab.far(async move { listener.accept().await.unwrap() }).await;
    println!("{:?}\n{:?}", client.info(), server.info());
    assert_eq!(client.info().local_addresses, [A_NEAR, B_NEAR]);
    assert_eq!(client.info().remote_addresses, [A_FAR, B_FAR]);
    assert_eq!(server.info().remote_addresses, [A_NEAR, B_NEAR]);
    let (mut of_client, mut of_server) = (client.paths(), server.paths());
    let echoing = lab.far_task(echo(server));
    exchange(&mut client).await;
    until(&mut of_client, B_FAR, PathState::Available).await;
    until(&mut of_server, B_NEAR, PathState::Available).await;

    let (stop, mut stopped) = watch::channel(false);
    let requests = tokio::spawn(async move {
        let mut number = 0u32;
        while !*stopped.borrow_and_update() {
            number += 1;
            let mut bytes = message(380, 0).to_vec();
            bytes[16..20].copy_from_slice(&number.to_be_bytes());
            let stream = (number % 16) as u16;
            client.send(Outgoing::new(bytes.clone().into()).on_stream(stream)).await.unwrap();
            // One at a time: an answer lost, doubled or late would be seen here.
            let got = client.recv().await.unwrap().unwrap();
            assert!(got.bytes == bytes && got.stream == stream, "request {number}");
        }
        (client, number)
    });
    lab.cable("a0", false);
    lab.far_cable("a1", false);
    until(&mut of_client, A_FAR, PathState::Unreachable).await;
    println!("the client: {:?}", of_client.borrow());
    until(&mut of_server, A_NEAR, PathState::Unreachable).await;
    println!("the server: {:?}", of_server.borrow());
    lab.cable("a0", true);
    lab.far_cable("a1", true);
    until(&mut of_client, A_FAR, PathState::Available).await;
    until(&mut of_server, A_NEAR, PathState::Available).await;
    stop.send(true).unwrap();
    let (mut client, number) = requests.await.unwrap();
    println!("{number} requests, each answered once");
    exchange(&mut client).await;
    client.close().await.unwrap();
    echoing.await.unwrap().unwrap();

    capture.finish();
    let story = Story::read(&file);
    println!("{story}");
    story.every_checksum_is_good();
    assert_eq!(story.associations, 1);
    assert!(story.data_between(A_NEAR, A_FAR) > 0 && story.data_between(B_NEAR, B_FAR) > 0);
    let messages = 2 * (u64::from(number) + 2 * 6);
    assert_eq!(story.messages, messages);
    // The record, made of the messages alone, tells the same.
    recorder.finish().unwrap();
    let story = Story::read(&record);
    story.every_checksum_is_good();
    assert_eq!((story.associations, story.messages), (1, messages));
}

/// The peer loses its memory and calls again from the same ports: whoever listens gets a new association.
#[tokio::test]
#[ignore = "changes the network: for a guest"]
async fn a_peer_that_restarts_gets_a_new_association_from_the_listener() {
    let Some(lab) = Lab::new() else { return };
    let listening = lab.far(async {
        std::fs::write("/proc/sys/net/sctp/udp_port", KERNEL_UDP.to_string()).unwrap();
        listen(&[at(A_FAR, DIAMETER_PORT)], Arc::new(quick())).unwrap()
    });
    let mut listener = listening.await;
    let socket = tokio::net::UdpSocket::bind(at(A_NEAR, EMBEDDED_UDP)).await.unwrap();
    let peer = Handmade { socket, to: at(A_FAR, KERNEL_UDP) };
    peer.handshake(1111).await;
    let mut first = listener.accept().await.unwrap();
    assert_eq!(first.info().encapsulation, Some((at(A_FAR, KERNEL_UDP), at(A_NEAR, EMBEDDED_UDP))));
    let tag = peer.handshake(2222).await;
    let mut second = listener.accept().await.unwrap();
    let error = first.recv().await.unwrap_err();
    assert!(error.to_string().contains("has restarted"), "{error}");
    let mut builder = SctpPacketBuilder::new(Handmade::PORT, DIAMETER_PORT, tag);
    let data = Data { tsn: 1, stream: 2, ssn: 0, ppid: 0, flags: 3 };
    peer.socket.send_to(builder.data(data, &message(40, 9)).finish(), peer.to).await.unwrap();
    assert_eq!(second.recv().await, Ok(Some(Incoming { bytes: message(40, 9), stream: 2, ppid: 0 })));
    // What is no Diameter, and shorter than its header, arrives as it was sent: it is not the transport's to judge.
    let data = Data { tsn: 2, stream: 2, ssn: 1, ppid: 46, flags: 3 };
    builder.restart(Handmade::PORT, DIAMETER_PORT, tag);
    peer.socket.send_to(builder.data(data, &[1, 0, 0, 200, 5]).finish(), peer.to).await.unwrap();
    assert_eq!(second.recv().await.unwrap().unwrap().bytes[..], [1, 0, 0, 200, 5]);
    builder.restart(Handmade::PORT, DIAMETER_PORT, tag);
    peer.socket.send_to(builder.abort(12, false).finish(), peer.to).await.unwrap();
    let error = second.recv().await.unwrap_err();
    assert!(error.to_string().ends_with("aborted the association: user-initiated abort"), "{error}");
}

/// No descriptor is left when a peer calls: it is let in as soon as there is one.
#[tokio::test]
#[ignore = "uses up what the process may open: for a guest"]
async fn a_listener_outlives_a_lack_of_descriptors() {
    if let Err(reason) = probe() {
        return eprintln!("skipped: {reason}");
    }
    let local = at([127, 0, 3, 1].into(), DIAMETER_PORT);
    let mut listener = listen(&[local], Arc::new(Options::default())).unwrap();
    let mut held = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        held.push(file);
    }
    held.pop();
    let client = connect(&[], &[local], None, Arc::new(Options::default())).await.unwrap();
    held.clear();
    let server = listener.accept().await.unwrap();
    let echoing = tokio::spawn(echo(server));
    client.close().await.unwrap();
    echoing.await.unwrap().unwrap();
}

/// One association more than is allowed is refused, and only that one.
#[tokio::test]
#[ignore = "wants SCTP in the kernel: for a guest"]
async fn an_association_too_many_is_aborted() {
    if let Err(reason) = probe() {
        return eprintln!("skipped: {reason}");
    }
    let local = at([127, 0, 3, 2].into(), DIAMETER_PORT);
    let options = Arc::new(Options { maximum_associations: 1, ..Options::default() });
    let mut listener = listen(&[local], Arc::clone(&options)).unwrap();
    let first = connect(&[], &[local], None, Arc::clone(&options)).await.unwrap();
    let server = listener.accept().await.unwrap();
    // The kernel has completed the handshake before anybody is asked.
    let mut second = connect(&[], &[local], None, Arc::clone(&options)).await.unwrap();
    let error = second.recv().await.unwrap_err();
    assert!(matches!(error, NetError::Aborted { .. }), "{error}");
    let echoing = tokio::spawn(echo(server));
    first.close().await.unwrap();
    echoing.await.unwrap().unwrap();
    let third = connect(&[], &[local], None, options).await.unwrap();
    assert!(listener.accept().await.is_some());
    drop(third);
}

/// What cannot be is said with what to type.
#[tokio::test]
#[ignore = "wants SCTP in the kernel: for a guest"]
async fn what_hinders_is_said() {
    if let Err(reason) = probe() {
        return eprintln!("skipped: {reason}");
    }
    let options = Arc::new(Options::default());
    let here = at([127, 0, 3, 3].into(), DIAMETER_PORT);
    let error = connect(&[], &[here], Some(EMBEDDED_UDP), Arc::clone(&options)).await.unwrap_err().to_string();
    assert!(error.ends_with("type: sysctl -w net.sctp.udp_port=9899"), "{error}");
    let error = connect(&[], &[here], None, Arc::clone(&options)).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot connect to 127.0.3.3:3868 over kernel SCTP: Connection refused"), "{error}");
    let elsewhere = at([192, 0, 2, 1].into(), DIAMETER_PORT);
    let error = listen(&[here, elsewhere], Arc::clone(&options)).unwrap_err().to_string();
    assert!(error.starts_with("cannot use 192.0.2.1:3868 for kernel SCTP: Cannot assign"), "{error}");
    let six = at("::1".parse().unwrap(), DIAMETER_PORT);
    let mut listener = listen(&[six, here], Arc::clone(&options)).unwrap();
    let client = connect(&[], &[six], None, options).await.unwrap();
    let server = listener.accept().await.unwrap();
    assert_eq!(client.info().remote, six);
    assert!(client.info().remote_addresses.contains(&here.ip()), "{:?}", client.info());
    drop((client, server));
}
