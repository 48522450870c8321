//! The transport as a node uses it: queues, tasks, checksums, any number of associations.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use proselink::net::{Association, Incoming, Net, Options, Outgoing, Transport};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::{LENGTH, Meter, STREAMS, Turn};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 99, 0, 1));
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 99, 0, 2)), 3868);

/// Answers every message with itself until the peer ends; says when it listens.
async fn answer(listening: oneshot::Sender<()>) {
    let net = Net::new(Options::default());
    let mut listener = net.listen(Transport::EmbeddedSctp, SERVER).await.unwrap();
    listening.send(()).unwrap();
    let mut association = listener.accept().await.unwrap();
    while let Ok(Some(Incoming { bytes, stream, ppid })) = association.recv().await {
        association.send(Outgoing { bytes, stream, unordered: false, ppid }).await.unwrap();
    }
    let _ = association.close().await;
}

async fn ask(outstanding: u64, turn: Duration) -> Turn {
    let net = Net::new(Options::default());
    let mut association = net.connect(Transport::EmbeddedSctp, Some(CLIENT), SERVER).await.unwrap();
    let bytes = Bytes::from_static(&[7; LENGTH]);
    let mut meter = Meter::new(turn);
    let (mut sent, mut got) = (0, 0);
    let done = loop {
        while sent - got < outstanding {
            association.send(Outgoing::new(bytes.clone()).on_stream(sent as u16 % STREAMS)).await.unwrap();
            sent += 1;
        }
        let mut next = Some(association.recv().await.unwrap().unwrap());
        let mut done = None;
        while let Some(echo) = next {
            assert_eq!(echo.bytes.len(), LENGTH);
            got += 1;
            done = meter.echo().or(done);
            next = association.try_recv();
        }
        if let Some(done) = done {
            break done;
        }
    };
    drain(association, sent - got).await;
    done
}

async fn drain(mut association: Association, mut left: u64) {
    while left > 0 {
        association.recv().await.unwrap().unwrap();
        left -= 1;
    }
    association.close().await.unwrap();
}

pub fn one_thread(outstanding: u64, turn: Duration) -> Turn {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(both(outstanding, turn))
}

pub fn one_runtime(outstanding: u64, turn: Duration) -> Turn {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let both = async move { tokio::spawn(both(outstanding, turn)).await.unwrap() };
    runtime.block_on(both)
}

async fn both(outstanding: u64, turn: Duration) -> Turn {
    let (up, listening) = oneshot::channel();
    let server = tokio::spawn(answer(up));
    listening.await.unwrap();
    let done = ask(outstanding, turn).await;
    server.await.unwrap();
    done
}

pub fn two_threads(outstanding: u64, turn: Duration) -> Turn {
    let (up, listening) = oneshot::channel();
    let server = std::thread::spawn(move || {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(answer(up));
    });
    listening.blocking_recv().unwrap();
    let done = Builder::new_current_thread().enable_all().build().unwrap().block_on(ask(outstanding, turn));
    server.join().unwrap();
    done
}
