//! What any element needs of a machine.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use super::Check;
use super::port::{Kind, Taken, try_bind};
use crate::capture::write::SCTP_UDP_PORT;
use crate::net::sctp::{embedded, kernel};
use crate::net::{DIAMETER_PORT, DIAMETER_TLS_PORT};
use crate::node::config::Config;

/// How long a tool of the system may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// All checks of the machine. With a configuration the ports are its own, and are looked at there.
pub fn checks(config: Option<&Config>) -> Vec<Check> {
    let mut checks = vec![kernel_sctp(), raw_sockets()];
    if config.is_none() {
        checks.push(port("UDP encapsulation", Kind::Udp, SCTP_UDP_PORT));
        checks.push(port("port 3868/tcp", Kind::Tcp, DIAMETER_PORT));
        checks.push(port("port 5868/tcp", Kind::Tcp, DIAMETER_TLS_PORT));
        if kernel::probe().is_ok() {
            checks.push(port("port 3868/sctp", Kind::Sctp, DIAMETER_PORT));
        }
    }
    checks.extend([clock(), open_files(config), socket_buffers(), memory()]);
    checks
}

fn kernel_sctp() -> Check {
    let name = "kernel SCTP";
    match kernel::probe() {
        Ok(()) => Check::good(name, "the kernel gives SCTP sockets"),
        Err(reason) => {
            let mend = if forbidden_module() {
                "the module is forbidden in /etc/modprobe.d: take the lines with sctp out, then: sudo modprobe sctp"
            } else if Path::new("/proc/modules").exists() {
                "sudo modprobe sctp; where there is no such module: sudo apt install linux-modules-extra-$(uname -r)"
            } else {
                "this kernel takes no modules: boot one with CONFIG_IP_SCTP=y, or go on with embedded SCTP"
            };
            Check::warn(name, format!("{reason}; SCTP is embedded and goes over UDP"), mend)
        }
    }
}

/// Whether the machine's administrator has forbidden the module.
fn forbidden_module() -> bool {
    let Ok(folder) = fs::read_dir("/etc/modprobe.d") else { return false };
    folder.flatten().filter_map(|file| fs::read_to_string(file.path()).ok()).any(|text| {
        text.lines().any(|line| {
            let mut words = line.split_whitespace();
            matches!(words.next(), Some("blacklist" | "install")) && words.next() == Some("sctp")
        })
    })
}

fn raw_sockets() -> Check {
    let name = "raw sockets";
    match Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::SCTP)) {
        Ok(_) => match embedded::available_over_ip() {
            Ok(()) => Check::good(name, "embedded SCTP can go over IP (sctp-raw)"),
            Err(error) => Check::warn(name, error.to_string(), "nothing, where the kernel's SCTP is what you want"),
        },
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let program =
                std::env::current_exe().map_or_else(|_| "proselink".to_owned(), |it| it.display().to_string());
            Check::warn(
                name,
                "not allowed: embedded SCTP goes over UDP, not over IP (sctp-raw)",
                format!("sudo setcap cap_net_raw+ep {program}"),
            )
        }
        Err(error) => Check::warn(name, format!("none here: {error}"), "go on with sctp-embedded, which goes over UDP"),
    }
}

/// A registered port at every address.
fn port(name: &str, kind: Kind, number: u16) -> Check {
    let mend = |who: &str| match kind {
        Kind::Udp => format!("stop {who}, or choose another with udp_port = NUMBER"),
        Kind::Tcp | Kind::Sctp => {
            format!("stop {who}, or choose another port in listen, e.g. listen = [\"tcp:ADDRESS:3869\"]")
        }
    };
    match try_bind(kind, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), number)) {
        Ok(()) => Check::good(name, format!("{number}/{} is free", kind.name())),
        Err(Taken::By(Some(who))) => {
            Check::warn(name, format!("{number}/{} is taken by {who}", kind.name()), mend(&who))
        }
        Err(Taken::By(None)) => {
            let words = format!("{number}/{} is taken, by whom cannot be seen", kind.name());
            Check::warn(name, words, format!("sudo ss -anp 'sport = :{number}' tells by whom; {}", mend("it")))
        }
        Err(Taken::NotAllowed) => {
            Check::warn(name, format!("{number}/{} is not allowed", kind.name()), "run as a user who may, e.g. root")
        }
        Err(Taken::NoSuchAddress) => Check::warn(name, "there is no IPv4 here", "listen at IPv6 addresses"),
        Err(Taken::Otherwise(words)) => Check::warn(name, words, "see the system's words"),
    }
}

/// Times stand in AVPs and End-to-End Identifiers, and logs of two nodes are compared.
fn clock() -> Check {
    let name = "clock";
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Check::good(name, "synchronised, systemd-timesyncd says");
    }
    match answer_of("timedatectl", &["show", "--property=NTPSynchronized", "--value"]).as_deref().map(str::trim) {
        Some("yes") => Check::good(name, "synchronised, timedatectl says"),
        Some("no") => Check::warn(
            name,
            "not synchronised: times in AVPs and in logs will not fit those of other nodes",
            "sudo timedatectl set-ntp true, or: sudo apt install chrony",
        ),
        _ => Check::warn(
            name,
            "whether it is synchronised is not known: neither systemd-timesyncd nor timedatectl says so",
            "`chronyc tracking` or `ntpq -p` tells, where one of them keeps the time",
        ),
    }
}

/// What a tool prints; `None` when it is not there, fails, or takes too long.
fn answer_of(tool: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(tool);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(_)) | Err(_) => return None,
            Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
    io::read_to_string(child.stdout.take()?).ok()
}

fn open_files(config: Option<&Config>) -> Check {
    let name = "open files";
    let text = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = text.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    let Some(soft) = soft else {
        return Check::warn(name, "the limit is not known", "ulimit -n tells it");
    };
    let limit: u64 = soft.parse().unwrap_or(u64::MAX);
    // A connection each, those that have not said who they are, and what the process itself has open.
    let peers = config.map_or(0, |config| config.settings.peers.len() + config.settings.unidentified_limit);
    let needed = peers as u64 + 64;
    let mend = "ulimit -n 65536; in a systemd unit: LimitNOFILE=65536";
    match limit {
        _ if limit < needed => Check::bad(name, format!("{soft} are allowed, {needed} may be needed"), mend),
        _ if limit < 1024 => Check::warn(name, format!("{soft} are allowed: few connections"), mend),
        _ => Check::good(name, format!("{soft} are allowed")),
    }
}

fn socket_buffers() -> Check {
    let name = "socket buffers";
    // A message may have 1 MiB, and should fit whole.
    const WANTED: u64 = 1 << 20;
    let limit = |which: &str| {
        let text = fs::read_to_string(format!("/proc/sys/net/core/{which}"));
        text.ok().and_then(|text| text.trim().parse::<u64>().ok())
    };
    match (limit("rmem_max"), limit("wmem_max")) {
        (Some(receive), Some(send)) if receive.min(send) >= WANTED => {
            Check::good(name, format!("up to {} KiB to receive, {} KiB to send", receive >> 10, send >> 10))
        }
        (Some(receive), Some(send)) => Check::warn(
            name,
            format!("up to {} KiB to receive, {} KiB to send: bursts over UDP may be lost", receive >> 10, send >> 10),
            "sudo sysctl -w net.core.rmem_max=4194304 net.core.wmem_max=4194304",
        ),
        _ => Check::warn(name, "the limits are not known", "sysctl net.core.rmem_max net.core.wmem_max"),
    }
}

fn memory() -> Check {
    let name = "memory";
    const WANTED: u64 = 256 << 20;
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = text.lines().find_map(|line| {
        let kibibytes: u64 = line.strip_prefix("MemAvailable:")?.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes << 10)
    });
    // A container's bound, where there is one.
    let bound = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse::<u64>().ok());
    let Some(available) = available.into_iter().chain(bound).min() else {
        return Check::warn(name, "what is free is not known", "free -m tells it");
    };
    let words = format!("{} MiB are available", available >> 20);
    if available < WANTED {
        return Check::warn(name, words, "free some, or give the container more: 256 MiB are ample for an element");
    }
    Check::good(name, words)
}
