//! What one configuration needs: its addresses and ports, its peers' names, its files.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Check;
use super::port::{Kind, Taken, try_bind};
use crate::capture::write::SCTP_UDP_PORT;
use crate::net::sctp::embedded;
use crate::net::{Backend, Credentials, Endpoint, Net, Options, Transport};
use crate::node::config::Config;

/// How long a name may take to be looked up.
const PATIENCE: Duration = Duration::from_secs(5);

/// All checks of a configuration.
pub fn checks(config: &Config) -> Vec<Check> {
    let net = Net::new(Options::default());
    let settings = &config.settings;
    let mut checks = Vec::new();
    let mut carriers = BTreeSet::new();
    for endpoint in &settings.listen {
        checks.extend(listens(config, &net, endpoint, &mut carriers));
    }
    for peer in &settings.peers {
        if let Some(endpoint) = &peer.connect_to {
            checks.push(connects(&net, endpoint, settings.transport, &peer.expected.identity));
        }
    }
    let metrics = |place| tried("metrics", Kind::Tcp, place, "metrics", "metrics over HTTP");
    checks.extend(config.metrics.map(metrics));
    checks.extend(config.tls.as_ref().map(certificate));
    checks.extend(config.store.as_deref().map(|path| writable("store", path)));
    checks.extend(config.capture.as_deref().map(|path| writable("capture", path)));
    checks
}

/// A place to listen at: its transport, its addresses, its port. `carriers` are the UDP addresses already looked at.
fn listens(config: &Config, net: &Net, endpoint: &Endpoint, carriers: &mut BTreeSet<SocketAddr>) -> Vec<Check> {
    let default = config.settings.transport;
    let name = format!("listen {endpoint}");
    let backend = match net.backend(endpoint.transport_or(default)) {
        Ok(backend) => backend,
        Err(error) => return vec![unavailable(name, &error.to_string())],
    };
    let port = endpoint.port_or(default);
    let over = backend.to_string();
    let mut found = Vec::new();
    for address in endpoint.addresses() {
        let place = SocketAddr::new(address, port);
        let check = match backend {
            Backend::Tcp | Backend::Tls => tried(&name, Kind::Tcp, place, "listen", &over),
            Backend::KernelSctp => tried(&name, Kind::Sctp, place, "listen", &over),
            Backend::EmbeddedSctp => {
                let udp = SocketAddr::new(address, config.udp_port.unwrap_or(SCTP_UDP_PORT));
                if !carriers.insert(udp) {
                    continue;
                }
                tried(&name, Kind::Udp, udp, "udp_port", &over)
            }
            Backend::EmbeddedSctpIp => over_ip(&name, address),
        };
        found.push(check);
    }
    found
}

/// `key`: the line of the configuration; `purpose`: who listens there.
fn tried(name: &str, kind: Kind, place: SocketAddr, key: &str, purpose: &str) -> Check {
    let at = format!("{place}/{}", kind.name());
    match try_bind(kind, place) {
        Ok(()) => Check::good(name, format!("{at} is free, for {purpose}")),
        Err(Taken::By(who)) => {
            let who = who.unwrap_or_else(|| "a process that cannot be seen".to_owned());
            // An element under its own name is most likely this one.
            let own = if who.starts_with("proselink ") { ", perhaps this very element" } else { "" };
            Check::bad(name, format!("{at} is taken by {who}{own}"), format!("stop it, or write another port in {key}"))
        }
        Err(Taken::NoSuchAddress) => Check::bad(
            name,
            format!("{} is no address of this machine", place.ip()),
            format!("sudo ip address add {}/32 dev lo, or write an address of `ip address` in {key}", place.ip()),
        ),
        Err(Taken::NotAllowed) => {
            Check::bad(name, format!("{at} is not allowed for this user"), format!("write a port from 1024 in {key}"))
        }
        Err(Taken::Otherwise(words)) => Check::bad(name, format!("{at}: {words}"), "see the system's words"),
    }
}

/// Embedded SCTP over IP has no port of the kernel's; the address and the right to the socket are what it needs.
fn over_ip(name: &str, address: IpAddr) -> Check {
    use socket2::{Domain, Protocol, Socket, Type};
    let place = SocketAddr::new(address, 0);
    let bound = Socket::new(Domain::for_address(place), Type::RAW, Some(Protocol::SCTP))
        .and_then(|socket| socket.bind(&place.into()));
    match bound {
        Ok(()) => match embedded::available_over_ip() {
            Ok(()) => Check::good(name, format!("{address} can be used over IP")),
            Err(error) => {
                Check::bad(name, error.to_string(), "write sctp-kernel: or sctp-embedded: before the address")
            }
        },
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Check::bad(
            name,
            "raw sockets are not allowed",
            "sudo setcap cap_net_raw+ep $(command -v proselink), or write sctp-embedded: before the address",
        ),
        Err(error) => Check::bad(name, format!("{address}: {error}"), "write an address of `ip address` in listen"),
    }
}

fn unavailable(name: String, words: &str) -> Check {
    let mend = "sudo modprobe sctp, or write sctp-embedded: or tcp: before the address";
    Check::bad(name, words, mend)
}

/// Where a peer is: its transport, and its name.
fn connects(net: &Net, endpoint: &Endpoint, default: Transport, identity: &str) -> Check {
    let name = format!("peer {identity}");
    if let Err(error) = net.backend(endpoint.transport_or(default)) {
        return unavailable(name, &error.to_string());
    }
    let Some(host) = endpoint.name() else {
        return Check::good(name, format!("{endpoint} needs no look-up"));
    };
    match look_up(host) {
        Ok(addresses) => {
            let list: BTreeSet<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
            Check::good(name, format!("{host} is {}", list.into_iter().collect::<Vec<_>>().join(", ")))
        }
        Err(words) => Check::bad(
            name,
            format!("{host} cannot be looked up: {words}"),
            format!("write its address in connect_to, or a line for {host} in /etc/hosts"),
        ),
    }
}

/// The addresses of a name. The resolver has no time limit of its own, so it works beside.
fn look_up(host: &str) -> Result<Vec<SocketAddr>, String> {
    let (found, answer) = mpsc::channel();
    let host = host.to_owned();
    let work = move || {
        let result = (host.as_str(), 0).to_socket_addrs();
        let _ = found.send(result.map(Iterator::collect::<Vec<_>>).map_err(|error| error.to_string()));
    };
    std::thread::Builder::new().name("resolver".to_owned()).spawn(work).map_err(|error| error.to_string())?;
    answer.recv_timeout(PATIENCE).unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
}

/// How long the node's certificate is valid; that it is valid today was judged when it was read.
fn certificate(credentials: &Credentials) -> Check {
    const SOON: i64 = 30;
    let certificate = credentials.certificate();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let days = certificate.not_after.saturating_sub(i64::try_from(now).unwrap_or(i64::MAX)) / 86_400;
    let until =
        jiff::Timestamp::from_second(certificate.not_after).map_or_else(|_| "?".to_owned(), |at| at.to_string());
    let words = format!("{certificate} until {until}, {days} days from now");
    if days < SOON {
        return Check::warn("certificate", words, "have it renewed, and put the new one in its place");
    }
    Check::good("certificate", words)
}

/// A file that the element writes.
fn writable(name: &str, path: &Path) -> Check {
    let shown = path.display();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let tried = if path.exists() {
        fs::OpenOptions::new().append(true).open(path).map(drop)
    } else {
        // A file of our own beside it: the store itself is not ours to make.
        let probe = folder.join(format!(".proselink-doctor-{}", std::process::id()));
        let made = fs::OpenOptions::new().write(true).create_new(true).open(&probe).map(drop);
        let _ = fs::remove_file(&probe);
        made
    };
    match tried {
        Ok(()) => Check::good(name, format!("{shown} can be written")),
        Err(error) => {
            let mend = if folder.is_dir() {
                format!("sudo chown $(id -un) {}, or write another path", folder.display())
            } else {
                format!("mkdir -p {}", folder.display())
            };
            Check::bad(name, format!("{shown} cannot be written: {error}"), mend)
        }
    }
}
