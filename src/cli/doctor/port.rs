//! Who has a port: the system's tables of sockets, and the processes that hold them.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

/// What a port is tried for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Tcp,
    Udp,
    /// The kernel's.
    Sctp,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// Why an address cannot be listened at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Somebody has the port; who, when that can be seen.
    By(Option<String>),
    /// The address is none of this machine's.
    NoSuchAddress,
    /// Ports below 1024, and so on.
    NotAllowed,
    /// Something else, in the system's words.
    Otherwise(String),
}

/// Binds an address as a node would, and lets it go.
///
/// # Errors
/// Why that cannot be.
pub fn try_bind(kind: Kind, address: SocketAddr) -> Result<(), Taken> {
    let (form, protocol) = match kind {
        Kind::Tcp => (Type::STREAM, Protocol::TCP),
        Kind::Udp => (Type::DGRAM, Protocol::UDP),
        Kind::Sctp => (Type::STREAM, Protocol::SCTP),
    };
    let bound = || -> io::Result<()> {
        let socket = Socket::new(Domain::for_address(address), form, Some(protocol))?;
        if kind != Kind::Udp {
            // As listeners do; connections that have just ended do not count.
            socket.set_reuse_address(true)?;
        }
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        if kind == Kind::Udp { Ok(()) } else { socket.listen(1) }
    };
    bound().map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Taken::By(holder(kind, address)),
        io::ErrorKind::AddrNotAvailable => Taken::NoSuchAddress,
        io::ErrorKind::PermissionDenied => Taken::NotAllowed,
        _ => Taken::Otherwise(error.to_string()),
    })
}

/// The process that holds a port, as `name (pid 12)`; `None` when it cannot be seen.
fn holder(kind: Kind, address: SocketAddr) -> Option<String> {
    let table = match kind {
        Kind::Tcp => "tcp",
        Kind::Udp => "udp",
        Kind::Sctp => return None,
    };
    let inodes: Vec<u64> = [table.to_owned(), format!("{table}6")]
        .iter()
        .filter_map(|name| fs::read_to_string(format!("/proc/net/{name}")).ok())
        .flat_map(|text| text.lines().filter_map(|line| inode(kind, address, line)).collect::<Vec<_>>())
        .collect();
    process_of(&inodes)
}

/// The inode of a line of /proc/net/tcp or udp when it holds the port: `0: 0100007F:0F1C 00000000:0000 0A ... inode`.
fn inode(kind: Kind, address: SocketAddr, line: &str) -> Option<u64> {
    const LISTEN: &str = "0A";
    let mut words = line.split_whitespace();
    let (ip, port) = words.nth(1)?.split_once(':')?;
    if u16::from_str_radix(port, 16).ok()? != address.port() {
        return None;
    }
    let state = words.nth(1)?;
    if kind == Kind::Tcp && state != LISTEN {
        return None;
    }
    let any = ip.bytes().all(|digit| digit == b'0') || address.ip().is_unspecified();
    let same = match address.ip() {
        IpAddr::V4(v4) => u32::from_str_radix(ip, 16).is_ok_and(|number| number.to_ne_bytes() == v4.octets()),
        IpAddr::V6(_) => ip.len() == 32,
    };
    if !any && !same {
        return None;
    }
    words.nth(5)?.parse().ok()
}

/// The process that has a socket of one of these inodes open.
fn process_of(inodes: &[u64]) -> Option<String> {
    let wanted: Vec<String> = inodes.iter().filter(|it| **it != 0).map(|inode| format!("socket:[{inode}]")).collect();
    if wanted.is_empty() {
        return None;
    }
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let name = process.file_name();
        let Some(pid) = name.to_str().filter(|name| name.bytes().all(|octet| octet.is_ascii_digit())) else { continue };
        // Processes of others are not for our eyes, unless we are root.
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        let holds = files.flatten().any(|file| {
            fs::read_link(file.path()).is_ok_and(|link| wanted.iter().any(|wanted| link.as_os_str() == wanted.as_str()))
        });
        if holds {
            let command = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (pid {pid})", command.trim()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_port_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let Err(Taken::By(Some(who))) = try_bind(Kind::Tcp, address) else { panic!("it is free") };
        assert!(who.ends_with(&format!("(pid {})", std::process::id())), "{who}");
        drop(listener);
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let Err(Taken::By(who)) = try_bind(Kind::Udp, socket.local_addr().unwrap()) else { panic!("it is free") };
        assert!(who.is_some());
        assert_eq!(try_bind(Kind::Tcp, "192.0.2.1:3868".parse().unwrap()), Err(Taken::NoSuchAddress));
    }
}
