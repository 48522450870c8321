//! Two network namespaces, two cables between them, and captures of what crosses.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io::{BufWriter, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::capture::write::CaptureWriter;
use crate::capture::{AssociationEvent, AssociationStep, Checksum, Observer, Reader, SctpPacket};
use crate::net::sctp::edge::chunk;

/// The ends of the cables: a0 and b0 here, a1 and b1 far away.
pub(super) const A_NEAR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 201, 0, 1));
pub(super) const B_NEAR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 201, 1, 1));
pub(super) const A_FAR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 201, 0, 2));
pub(super) const B_FAR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 201, 1, 2));

pub(super) struct Lab {
    /// Tasks here have their sockets in the far namespace.
    far: tokio::runtime::Handle,
    /// Ends the thread of `far`.
    end: Option<(tokio::sync::oneshot::Sender<()>, JoinHandle<()>)>,
    _files: Option<tempfile::TempDir>,
    directory: PathBuf,
}

impl Lab {
    /// `None`, having said why, where there is no SCTP in the kernel or the network cannot be laid.
    pub(super) fn new() -> Option<Self> {
        if let Err(reason) = super::probe() {
            eprintln!("skipped: {reason}");
            return None;
        }
        for tool in ["ip", "tc", "ethtool"] {
            if Command::new(tool).arg("--version").output().is_err() {
                eprintln!("skipped: {tool} is missing");
                return None;
            }
        }
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        println!("kernel SCTP of Linux {}", release.trim());
        run("ip netns add far");
        for (cable, near, far) in [("a", A_NEAR, A_FAR), ("b", B_NEAR, B_FAR)] {
            run(&format!("ip link add {cable}0 type veth peer name {cable}1 netns far"));
            for (place, end, address) in [("", 0, near), ("ip netns exec far ", 1, far)] {
                // The kernel leaves checksums and cutting into packets to the card, and a capture shows what it gave the
                // card: a card that does neither makes it show what crosses.
                for what in ["tx-checksum-sctp", "tx-sctp-segmentation", "gso"] {
                    run(&format!("{place}ethtool -K {cable}{end} {what} off"));
                }
                run(&format!("{place}ip addr add {address}/24 dev {cable}{end}"));
                run(&format!("{place}ip link set {cable}{end} up"));
            }
        }
        run("ip netns exec far ip link set lo up");
        let (end, ended) = tokio::sync::oneshot::channel();
        let (handle, handed) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            enter("/run/netns/far");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            handle.send(runtime.handle().clone()).unwrap();
            let _ = runtime.block_on(ended);
        });
        let far = handed.recv().unwrap();
        let (files, directory) = match std::env::var_os("PROSELINK_CAPTURES") {
            Some(directory) => (None, directory.into()),
            None => {
                let files = tempfile::tempdir().unwrap();
                let directory = files.path().to_owned();
                (Some(files), directory)
            }
        };
        Some(Self { far, end: Some((end, thread)), _files: files, directory })
    }

    pub(super) fn capture_file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Runs in the far namespace.
    pub(super) async fn far<F>(&self, future: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.far_task(future).await.unwrap()
    }

    /// Begins something in the far namespace.
    pub(super) fn far_task<F>(&self, future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.far.spawn(future)
    }

    /// Lets nothing out at an end of a cable any more, unseen by the card, or everything again.
    pub(super) fn cable(&self, end: &str, whole: bool) {
        lose(end, whole, "");
    }

    pub(super) fn far_cable(&self, end: &str, whole: bool) {
        lose(end, whole, "ip netns exec far ");
    }

    /// Captures what crosses the near ends.
    pub(super) fn capture(&self, file: &Path) -> Capture {
        // Every protocol of Ethernet, in network order.
        let all = socket2::Protocol::from(i32::from(0x0003u16.to_be()));
        // No packet may be missed.
        std::fs::write("/proc/sys/net/core/rmem_max", "33554432").unwrap();
        let mut socket = socket2::Socket::new(socket2::Domain::PACKET, socket2::Type::RAW, Some(all)).unwrap();
        socket.set_recv_buffer_size(32 << 20).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut writer = CaptureWriter::new(BufWriter::new(File::create(file).unwrap()), "near").unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut frame = vec![0; 1 << 16];
            loop {
                let Ok(length) = socket.read(&mut frame) else {
                    // Nothing came for a while.
                    if stopped.load(Ordering::Acquire) {
                        return;
                    }
                    continue;
                };
                // Ethernet with IPv4 in it.
                if frame[12..14] == [8, 0] {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
                    writer.write_packet(u64::try_from(now).unwrap(), &frame[14..length], None).unwrap();
                }
            }
        });
        Capture { stop, thread }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.end.take() {
            drop(end);
            let _ = thread.join();
        }
        for command in ["ip link del a0", "ip link del b0", "ip netns del far"] {
            let mut words = command.split(' ');
            let _ = Command::new(words.next().unwrap()).args(words).output();
        }
    }
}

pub(super) struct Capture {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Capture {
    /// Takes what is still on its way, and ends.
    pub(super) fn finish(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap();
    }
}

fn run(command: &str) {
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

fn lose(end: &str, whole: bool, place: &str) {
    match whole {
        true => run(&format!("{place}tc qdisc del dev {end} root")),
        false => run(&format!("{place}tc qdisc add dev {end} root netem loss 100%")),
    }
}

/// Moves this thread into a network namespace.
#[allow(unsafe_code, reason = "there is no safe interface to it")]
fn enter(namespace: &str) {
    use std::os::fd::AsRawFd;
    let file = File::open(namespace).unwrap();
    // SAFETY: the descriptor is open; only this thread is moved.
    assert_eq!(unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) }, 0);
}

/// What a capture shows of SCTP.
#[derive(Default)]
pub(super) struct Story {
    checksums: BTreeMap<String, u64>,
    steps: Vec<AssociationEvent>,
    /// Senders of an INIT or INIT ACK, and the addresses it lists.
    listed: Vec<(SocketAddr, Vec<IpAddr>)>,
    data: BTreeMap<(IpAddr, IpAddr), u64>,
    pub(super) associations: u64,
    pub(super) messages: u64,
}

impl Story {
    pub(super) fn read(file: &Path) -> Self {
        let mut story = Self::default();
        let mut reader = Reader::open(file).unwrap();
        while reader.next_message_with(&mut story).unwrap().is_some() {}
        story.associations = reader.statistics().associations;
        story.messages = reader.statistics().sctp_messages;
        story
    }

    pub(super) fn every_checksum_is_good(&self) {
        assert_eq!(self.checksums.keys().collect::<Vec<_>>(), [&format!("{:?}", Checksum::Good)]);
    }

    pub(super) fn steps(&self, source: SocketAddr) -> impl Iterator<Item = AssociationStep> {
        self.steps.iter().filter(move |event| event.source == source).map(|event| event.step)
    }

    pub(super) fn steps_to(&self, destination: SocketAddr) -> impl Iterator<Item = AssociationStep> {
        self.steps.iter().filter(move |event| event.destination == destination).map(|event| event.step)
    }

    pub(super) fn addresses_listed(&self, source: SocketAddr) -> Vec<Vec<IpAddr>> {
        self.listed.iter().filter(|(from, _)| *from == source).map(|(_, listed)| listed.clone()).collect()
    }

    /// Packets with data, either way.
    pub(super) fn data_between(&self, a: IpAddr, b: IpAddr) -> u64 {
        [(a, b), (b, a)].iter().filter_map(|pair| self.data.get(pair)).sum()
    }
}

impl Observer for Story {
    fn sctp_packet(&mut self, packet: &SctpPacket<'_>) {
        *self.checksums.entry(format!("{:?}", packet.checksum)).or_default() += 1;
        let mut rest = packet.chunks;
        while let [kind, _, high, low, ..] = *rest {
            let length = usize::from(u16::from_be_bytes([high, low]));
            match kind {
                chunk::DATA => {
                    *self.data.entry((packet.source.ip(), packet.destination.ip())).or_default() += 1;
                    break;
                }
                chunk::INIT | chunk::INIT_ACK => {
                    self.listed.push((packet.source, addresses(&rest[20..length])));
                }
                _ => {}
            }
            rest = rest.get(length.max(4).next_multiple_of(4)..).unwrap_or_default();
        }
    }

    fn association(&mut self, event: &AssociationEvent) {
        self.steps.push(*event);
    }
}

/// The IPv4 addresses among the parameters of an INIT. RFC 9260 section 3.3.2.1.
fn addresses(mut parameters: &[u8]) -> Vec<IpAddr> {
    let mut found = Vec::new();
    while let [class, kind, high, low, ..] = *parameters {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if [class, kind] == [0, 5]
            && let Some(ip) = parameters.get(4..).and_then(|rest| rest.first_chunk::<4>())
        {
            found.push(IpAddr::from(*ip));
        }
        parameters = parameters.get(length.max(4).next_multiple_of(4)..).unwrap_or_default();
    }
    found.sort_unstable();
    found
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} associations, {} messages, CRC32c {:?}", self.associations, self.messages, self.checksums)?;
        for AssociationEvent { frame, source, destination, step, .. } in &self.steps {
            writeln!(f, "  frame {frame}: {source} -> {destination} {step:?}")?;
        }
        for (source, listed) in &self.listed {
            writeln!(f, "  {source} lists {listed:?}")?;
        }
        for ((source, destination), packets) in &self.data {
            writeln!(f, "  {packets} packets with data from {source} to {destination}")?;
        }
        Ok(())
    }
}
