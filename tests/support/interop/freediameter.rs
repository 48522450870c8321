//! freeDiameter: its configuration, its certificates, our extension, its start.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use proselink::net::Transport;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};

use super::program::Program;
use super::stories::RealPeer;
use super::{REALM, built, is_installed, name};

/// The daemon of Debian's package.
pub const DAEMON: &str = "freeDiameterd";

const EXTENSIONS: &str = "/usr/lib/freeDiameter";
const HEADERS: &str = "/usr/include/freeDiameter/extension.h";

/// How many octets the extension's requests carry, one request each.
pub const SIZES: [usize; 3] = [100, 5_000, 60_000];

/// freeDiameter says REBOOTING when it is told to end.
const REBOOTING: i32 = 0;

/// What is missing here, or nothing.
pub fn missing() -> Option<String> {
    if !is_installed(DAEMON) {
        return Some("freeDiameterd is not installed: apt-get install freediameter freediameter-extensions".to_owned());
    }
    if !Path::new(EXTENSIONS).join("acl_wl.fdx").exists() {
        return Some(format!("no extensions in {EXTENSIONS}: apt-get install freediameter-extensions"));
    }
    if !Path::new(HEADERS).exists() {
        return Some("no headers for the extension: apt-get install libfreediameter-dev".to_owned());
    }
    (!is_installed("cc")).then(|| "no C compiler for the extension: apt-get install gcc".to_owned())
}

/// A freeDiameter to be.
#[derive(Clone, Debug)]
pub struct FreeDiameter {
    /// Identity.
    pub identity: String,
    /// TCP, TLS or the kernel's SCTP.
    pub transport: Transport,
    /// Where it listens, at all addresses: it refuses 127.x in ListenOn.
    pub port: u16,
    /// TwTimer in seconds.
    pub watchdog: u32,
    /// Whom it connects to, at 127.0.0.1: identity and port.
    pub connects: Vec<(String, u16)>,
    /// Who may connect to it.
    pub admits: Vec<String>,
    /// Whom its extension asks.
    pub asks: Vec<String>,
    /// Where its files are.
    pub folder: PathBuf,
}

impl FreeDiameter {
    /// Writes its files: configuration and certificates.
    ///
    /// # Panics
    /// When they cannot be written, or the compiler refuses the extension.
    pub fn write(&self) {
        let at = |file: &str| self.folder.join(file);
        let holders = [("certificate", self.identity.clone()), ("a", name("a")), ("b", name("b"))];
        certificates(&self.folder, &holders);
        // The word lets peers in without TLS.
        let clear = if self.transport == Transport::Tls { "" } else { "ALLOW_IPSEC " };
        std::fs::write(at("acl.conf"), format!("{clear}{}\n", self.admits.join(" "))).expect("acl.conf");
        std::fs::write(at("fd.conf"), self.configuration()).expect("fd.conf");
    }

    fn configuration(&self) -> String {
        let at = |file: &str| self.folder.join(file).display().to_string();
        // One transport alone, or it tries the other when the first fails.
        let over_tcp = matches!(self.transport, Transport::Tcp | Transport::Tls);
        let other = if over_tcp { "No_SCTP" } else { "No_TCP" };
        let (plain, secure) = if self.transport == Transport::Tls { (0, self.port) } else { (self.port, 0) };
        let no_tls = if self.transport == Transport::Tls { "" } else { "No_TLS; " };
        let mut text = format!(
            r#"Identity = "{identity}";
Realm = "{REALM}";
Port = {plain};
SecPort = {secure};
No_IPv6;
{other};
TcTimer = 1;
TwTimer = {watchdog};
TLS_Cred = "{certificate}", "{key}";
TLS_CA = "{authority}";
LoadExtension = "{EXTENSIONS}/acl_wl.fdx" : "{acl}";
LoadExtension = "{purge}" : "{asks}";
"#,
            identity = self.identity,
            watchdog = self.watchdog,
            certificate = at("certificate.pem"),
            key = at("certificate.key"),
            authority = at("authority.pem"),
            acl = at("acl.conf"),
            purge = extension().display(),
            asks = self.asks.join(","),
        );
        for (peer, port) in &self.connects {
            let _ = writeln!(
                text,
                r#"ConnectPeer = "{peer}" {{ ConnectTo = "127.0.0.1"; Port = {port}; {no_tls}{other}; }};"#
            );
        }
        text
    }
}

impl RealPeer for FreeDiameter {
    fn start(&self) -> Program {
        let mut command = Command::new(DAEMON);
        command.arg("-c").arg(self.folder.join("fd.conf"));
        Program::start("freeDiameter", &command, &self.folder.join("fd.log"))
    }

    fn make_it_ask(&self, program: &mut Program) -> &'static [usize] {
        program.signal("USR1");
        &SIZES
    }

    fn answered(&self, host: &str, octets: usize) -> String {
        format!("purge: {host} answered 2001, {octets} octets")
    }

    fn stop(&self, program: &mut Program) {
        program.signal("TERM");
    }

    fn cause(&self) -> i32 {
        REBOOTING
    }

    fn relays(&self) -> bool {
        true
    }
}

/// Our extension, compiled from `tests/freediameter/purge.c`.
fn extension() -> &'static Path {
    static EXTENSION: OnceLock<PathBuf> = OnceLock::new();
    let source = "tests/freediameter/purge.c";
    EXTENSION.get_or_init(|| {
        let folder = built("freediameter", &[source], &["purge.fdx"], |to| {
            let output = Command::new("cc")
                .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
                .args([&to.join("purge.fdx"), &Path::new(env!("CARGO_MANIFEST_DIR")).join(source)])
                .output()
                .expect("cc is there");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
        folder.join("purge.fdx")
    })
}

/// Writes `authority.pem`, and `FILE.pem` and `FILE.key` for each identity, which the authority signs. They name it in the
/// common name, as freeDiameter's guide has it. freeDiameter wants certificates without TLS too.
pub fn certificates(folder: &Path, holders: &[(&str, String)]) {
    let write = |file: String, text| std::fs::write(folder.join(file), text).expect("a file");
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "interoperability test");
    write("authority.pem".to_owned(), params.self_signed(&key).expect("a certificate").pem());
    let issuer = Issuer::new(params, key);
    for (file, identity) in holders {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, identity.as_str());
        write(format!("{file}.pem"), params.signed_by(&key, &issuer).expect("a certificate").pem());
        write(format!("{file}.key"), key.serialize_pem());
    }
}

/// A freeDiameter between a node that connects to it and one that it connects to.
pub fn between(folder: &Path, transport: Transport, watchdog: u32, port: u16, ports_of_b: u16) -> FreeDiameter {
    FreeDiameter {
        identity: name("peer"),
        transport,
        port,
        watchdog,
        connects: vec![(name("b"), ports_of_b)],
        admits: vec![name("a")],
        asks: vec![name("a"), name("b")],
        folder: folder.to_owned(),
    }
}
