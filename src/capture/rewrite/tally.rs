//! What was met that is not understood, by name.

use std::collections::{BTreeMap, HashMap};

use super::Other;

/// Names that are told apart; what comes later is counted together.
const NAMES: usize = 512;

/// Names of what is not understood, numbered, and the packets of each.
#[derive(Debug, Default)]
pub(super) struct Tally {
    names: Vec<String>,
    numbers: HashMap<String, u16>,
    packets: BTreeMap<(Other, u16), u64>,
}

impl Tally {
    /// The number of a name.
    pub fn number(&mut self, name: &str) -> u16 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let name = if self.names.len() < NAMES { name } else { "more kinds of packets" };
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u16;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// Counts a packet in which the named was treated so.
    pub fn count(&mut self, treated: Other, number: u16) {
        *self.packets.entry((treated, number)).or_default() += 1;
    }

    /// Packets by name that were treated so.
    pub fn told(&self, treated: Other) -> BTreeMap<String, u64> {
        let of = self.packets.iter().filter(|((how, _), _)| *how == treated);
        of.filter_map(|((_, number), count)| Some((self.names.get(usize::from(*number))?.clone(), *count))).collect()
    }
}

/// What travels over a port of TCP, UDP or SCTP, by the lower of the two.
pub(super) fn service(transport: &str, source: u16, destination: u16) -> String {
    let name = |port| SERVICES.iter().find(|(known, _)| *known == port).map(|(_, name)| *name);
    // A known port first, then the lower one; of two that anyone may take neither tells anything.
    let port = [destination, source].into_iter().find(|port| name(*port).is_some()).unwrap_or(source.min(destination));
    match name(port) {
        Some(name) => format!("{name} ({transport} port {port})"),
        None if port < EPHEMERAL => format!("{transport} port {port}"),
        None => format!("{transport} ports from {EPHEMERAL} up"),
    }
}

/// Where the ports begin that no one has registered. RFC 6335 section 6.
const EPHEMERAL: u16 = 49152;

const SERVICES: [(u16, &str); 27] = [
    (21, "FTP"),
    (22, "SSH"),
    (25, "SMTP"),
    (53, "DNS"),
    (67, "DHCP"),
    (68, "DHCP"),
    (80, "HTTP"),
    (123, "NTP"),
    (137, "NetBIOS"),
    (138, "NetBIOS"),
    (161, "SNMP"),
    (389, "LDAP"),
    (443, "HTTPS"),
    (500, "IKE"),
    (514, "syslog"),
    (546, "DHCPv6"),
    (547, "DHCPv6"),
    (1812, "RADIUS"),
    (1813, "RADIUS"),
    (1900, "SSDP"),
    (2123, "GTP-C"),
    (2152, "GTP-U"),
    (3868, "Diameter port, no Diameter message"),
    (5060, "SIP"),
    (5353, "mDNS"),
    (8805, "PFCP"),
    (27017, "MongoDB"),
];

/// What an SCTP payload protocol identifier announces. IANA.
pub(super) fn payload_protocol(ppid: u32) -> String {
    let name = match ppid {
        0 => "unspecified",
        2 => "M2UA",
        3 => "M3UA",
        4 => "SUA",
        5 => "M2PA",
        18 => "S1AP",
        24 => "SBc-AP",
        27 => "X2AP",
        46 | 47 => "Diameter, no message or not whole",
        51 => "WebRTC",
        60 => "NGAP",
        61 => "XnAP",
        62 => "F1AP",
        _ => return format!("SCTP payload protocol {ppid}"),
    };
    format!("{name} (SCTP payload protocol {ppid})")
}
