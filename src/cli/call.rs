//! Calling a peer from the command line: what `send` and `load` have in common.
//!
//! ```text
//! call.rs       whom we call, as whom, over what       draft.rs      requests from JSON and YAML
//! dialogue.rs   one connection: CER, requests, DPR     place.rs      line and column of what is wrong in them
//! ```
//!
//! A test tool shows what a peer does with what it is sent, so it neither repeats requests nor comes back by itself: the
//! peer machine of a node stays out of it.

mod dialogue;
pub mod draft;
mod place;

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::Value;

pub use dialogue::{Dialogue, Heard};

use super::exit;
use crate::capture::write::SCTP_UDP_PORT;
use crate::interfaces::base::APPLICATION_RELAY;
use crate::interfaces::names;
use crate::net::tls::Files;
use crate::net::{Backend, Credentials, Endpoint, Host, Net, Options, Recorder, Transport};
use crate::peer::Local;
use draft::Draft;

/// Whom to call, and as whom.
#[derive(Clone, Debug, Args)]
pub struct CallArgs {
    /// The peer: `aaa://HOST:PORT;transport=tcp` (or sctp), `aaas://HOST` for TLS, or TRANSPORT:HOST:PORT
    #[arg(short, long, value_name = "URI")]
    peer: Endpoint,
    #[command(flatten)]
    selves: SelfArgs,
}

/// As whom, and how: what is left of [`CallArgs`] where nobody may be called.
#[derive(Clone, Debug, Args)]
pub struct SelfArgs {
    /// Our Origin-Host; from the machine's name unless said otherwise
    #[arg(long, value_name = "HOST")]
    identity: Option<String>,
    /// Our Origin-Realm; the identity without its first label unless said otherwise
    #[arg(long, value_name = "REALM")]
    realm: Option<String>,
    /// The Origin-Host that the peer must have; any unless said otherwise
    #[arg(long, value_name = "HOST")]
    peer_identity: Option<String>,
    /// Advertise this application and no other; those of the requests unless said otherwise
    #[arg(long, value_name = "ID", value_parser = application)]
    application: Vec<u32>,
    /// A CER in JSON or YAML whose AVPs replace those of ours; `"remove": [NAME]` leaves some out
    #[arg(long, value_name = "FILE")]
    cer: Option<PathBuf>,
    /// Call from this address of ours
    #[arg(long, value_name = "ADDRESS")]
    from: Vec<IpAddr>,
    /// The peer's UDP port, where SCTP travels over UDP: 9899 unless said otherwise; the kernel's SCTP does so only if it is
    /// said
    #[arg(long, value_name = "PORT")]
    udp_port: Option<u16>,
    #[command(flatten)]
    tls: TlsArgs,
    /// How long an answer, and the connection before, is waited for
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    timeout: Duration,
    /// Record the exchange into this capture
    #[arg(short = 'w', long = "capture", visible_alias = "write", value_name = "FILE")]
    capture: Option<PathBuf>,
}

/// Who we are over TLS, and whom we believe.
#[derive(Clone, Debug, Args)]
pub struct TlsArgs {
    /// TLS: our certificate in PEM, then those between it and the authority
    #[arg(long, value_name = "FILE", requires_all = ["key", "ca"], help_heading = "TLS")]
    certificate: Option<PathBuf>,
    /// TLS: its private key in PEM
    #[arg(long, value_name = "FILE", requires = "certificate", help_heading = "TLS")]
    key: Option<PathBuf>,
    /// TLS: the authorities we believe, in PEM
    #[arg(long, value_name = "FILE", requires = "certificate", help_heading = "TLS")]
    ca: Option<PathBuf>,
    /// TLS: the name that the peer's certificate must have; its Origin-Host unless said otherwise
    #[arg(long, value_name = "HOST", help_heading = "TLS")]
    pub certificate_name: Option<String>,
}

impl TlsArgs {
    /// What the options say, read; `None` when they say nothing.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn credentials(&self) -> Result<Option<Credentials>, Early> {
        let (Some(certificate), Some(key), Some(ca)) = (&self.certificate, &self.key, &self.ca) else {
            return Ok(None);
        };
        let files = Files { certificate: certificate.clone(), key: key.clone(), ca: ca.clone() };
        let (credentials, doubts) = Credentials::load(&files, SystemTime::now()).map_err(Early::usage)?;
        for doubt in doubts {
            eprintln!("proselink: {}", doubt.words);
        }
        Ok(Some(credentials))
    }
}

/// Why a call ends early, for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Early {
    /// What and why.
    pub words: String,
    /// The exit code.
    pub code: u8,
}

impl Early {
    pub fn usage(words: impl std::fmt::Display) -> Self {
        Self { words: words.to_string(), code: exit::USAGE }
    }

    pub fn environment(words: impl std::fmt::Display) -> Self {
        Self { words: words.to_string(), code: exit::ENVIRONMENT }
    }
}

/// Everything that is settled before the first connection.
#[derive(Clone)]
pub struct Caller {
    pub peer: Endpoint,
    pub timeout: Duration,
    net: Net,
    local: Local,
    from: Vec<IpAddr>,
    /// The peer's; what its stack usually does when `None`.
    udp_port: Option<u16>,
    expected: Option<String>,
    /// The name in the peer's certificate, where it is not its Origin-Host.
    certificate_name: Option<String>,
    /// What replaces AVPs of our CER.
    cer: Option<Value>,
    recorder: Option<(Recorder, PathBuf)>,
}

impl CallArgs {
    /// Settles names, applications and options. The requests say which applications are advertised.
    ///
    /// # Errors
    /// What cannot be used.
    pub fn settle<'d>(self, requests: impl Iterator<Item = &'d Draft>, options: Options) -> Result<Caller, Early> {
        self.selves.settle(self.peer, requests.map(Draft::application), 0, options)
    }
}

impl SelfArgs {
    /// Our Origin-Host and Origin-Realm, where the user says nothing.
    pub fn presume(&mut self, identity: &str, realm: &str) {
        if self.identity.is_none() && !identity.is_empty() {
            self.identity = Some(identity.to_owned());
            self.realm.get_or_insert_with(|| realm.to_owned());
        }
    }

    /// Whether the user says who we are.
    pub const fn is_named(&self) -> bool {
        self.identity.is_some()
    }

    /// The UDP port of the peer, and ours where we listen.
    pub fn udp_port(&self) -> u16 {
        self.udp_port.unwrap_or(SCTP_UDP_PORT)
    }

    /// [`CallArgs::settle`] with a peer, which may be where we listen ourselves; `udp_port` is ours, 0 for any.
    ///
    /// # Errors
    /// As there.
    pub fn settle(
        self,
        peer: Endpoint,
        requested: impl Iterator<Item = u32>,
        udp_port: u16,
        options: Options,
    ) -> Result<Caller, Early> {
        let identity = match self.identity {
            Some(identity) => identity,
            None => machine_name(),
        };
        let realm = self.realm.unwrap_or_else(|| {
            let (_, realm) = identity.split_once('.').unwrap_or(("", &identity));
            realm.to_owned()
        });
        for (name, option) in [(&identity, "--identity"), (&realm, "--realm")] {
            if name.is_empty() || name.len() > 255 || !name.bytes().all(|octet| octet.is_ascii_graphic()) {
                return Err(Early::usage(format!("{option}: {name:?} is no host or realm name")));
            }
        }
        let mut applications = self.application;
        if applications.is_empty() {
            applications = requested.filter(|application| *application != 0).collect();
            applications.sort_unstable();
            applications.dedup();
        }
        if applications.is_empty() {
            // Messages between neighbours alone: nothing to have in common but everything.
            applications.push(APPLICATION_RELAY);
        }
        let cer = match &self.cer {
            None => None,
            Some(path) => Some(draft::read_cer(path).map_err(Early::usage)?),
        };
        let tls = self.tls.credentials()?;
        if tls.is_none() && peer.transport_or(Transport::Sctp) == Transport::Tls {
            let words = "for TLS both sides show a certificate: --certificate FILE --key FILE --ca FILE";
            return Err(Early::usage(words));
        }
        let recorder = match self.capture {
            None => None,
            Some(path) => match Recorder::create(&path, None) {
                Ok(recorder) => Some((recorder, path)),
                Err(error) => return Err(Early::environment(format!("{}: {error}", path.display()))),
            },
        };
        let options = Options {
            // 0 is any free port of ours: the peer may run on this machine and have the registered one.
            udp_port,
            connect_timeout: self.timeout,
            tls,
            recorder: recorder.as_ref().map(|(recorder, _)| recorder.clone()),
            ..options
        };
        let local = Local { applications, ..Local::new(identity, realm, Vec::new()) };
        Ok(Caller {
            peer,
            timeout: self.timeout,
            net: Net::new(options),
            local,
            from: self.from,
            udp_port: self.udp_port,
            expected: self.peer_identity,
            certificate_name: self.tls.certificate_name,
            cer,
            recorder,
        })
    }
}

/// The UDP port of a peer that nobody has told: `None` where SCTP does without UDP, as the kernel's does.
pub fn usual_udp_port(net: &Net, peer: &Endpoint) -> Option<u16> {
    let kernel = net.backend(peer.transport_or(Transport::Sctp)) == Ok(Backend::KernelSctp);
    (!kernel).then_some(SCTP_UDP_PORT)
}

impl Caller {
    /// Calls a peer over transports that are there already, to learn who it is.
    pub fn over(
        net: Net,
        local: Local,
        peer: Endpoint,
        from: Vec<IpAddr>,
        udp_port: Option<u16>,
        timeout: Duration,
    ) -> Self {
        Self {
            peer,
            timeout,
            net,
            local,
            from,
            udp_port,
            expected: None,
            certificate_name: None,
            cer: None,
            recorder: None,
        }
    }

    /// Our Origin-Host.
    pub fn identity(&self) -> &str {
        &self.local.identity
    }

    /// Us.
    pub const fn local(&self) -> &Local {
        &self.local
    }

    /// What opens connections.
    pub const fn net(&self) -> &Net {
        &self.net
    }

    /// Calls the peer under another name and realm.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn call_as(&self, identity: String, realm: String) -> Result<Dialogue, Early> {
        Dialogue::open(self, Local { identity, realm, ..self.local.clone() }).await
    }

    /// Calls the peer with our own name, or with another one.
    ///
    /// # Errors
    /// Why there is no connection, in a paragraph that says what to change.
    pub async fn call(&self, identity: Option<String>) -> Result<Dialogue, Early> {
        let mut local = self.local.clone();
        if let Some(identity) = identity {
            local.identity = identity;
        }
        Dialogue::open(self, local).await
    }

    /// [`Caller::call`] with transports of its own, for a thread with a runtime of its own.
    ///
    /// # Errors
    /// As there.
    pub async fn call_alone(&self, identity: Option<String>) -> Result<Dialogue, Early> {
        let alone = Self { net: Net::new(self.net.options().clone()), recorder: None, ..self.clone() };
        alone.call(identity).await
    }

    /// The peer's UDP port; `None` where SCTP does without UDP.
    fn peer_udp_port(&self) -> Option<u16> {
        self.udp_port.or_else(|| usual_udp_port(&self.net, &self.peer))
    }

    /// The name that the peer should have by its URI; `None` for an address, which is nobody's Origin-Host.
    fn name_of_uri(&self) -> Option<&str> {
        match self.peer.hosts.first()? {
            Host::Name(name) => Some(name),
            Host::Address(_) => None,
        }
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// When the capture cannot be written.
    pub fn finish(self) -> Result<(), Early> {
        match self.recorder {
            None => Ok(()),
            Some((recorder, path)) => {
                recorder.finish().map(drop).map_err(|error| Early::environment(format!("{}: {error}", path.display())))
            }
        }
    }
}

/// An Application-Id by number or name.
fn application(text: &str) -> Result<u32, String> {
    let hexadecimal = text.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let number = text.parse().ok().or(hexadecimal);
    number.or_else(|| names::ids_of(text).next()).ok_or_else(|| {
        format!("{text:?} is no application: its number, or a name such as S6a, Gx or relay is expected")
    })
}

/// A time such as `500ms`, `10s`, `2m` or `1h`; a number alone is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let scale = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => 0.0,
    };
    let seconds = digits.parse::<f64>().unwrap_or(f64::NAN) * scale;
    if seconds > 0.0 && seconds <= 30.0 * 86_400.0 {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(format!("{text:?} is no time: a number and ms, s, m or h are expected, such as 10s"))
}

/// The machine's name, made a host name of two labels at least.
pub fn machine_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name.trim().chars().filter(char::is_ascii_graphic).collect();
    match name.as_str() {
        "" => "proselink.localdomain".to_owned(),
        name if name.contains('.') => name.to_owned(),
        name => format!("{name}.localdomain"),
    }
}

/// A Session-Id of our own: RFC 6733 section 8.8. Unique by the time and the number.
pub fn session_id(identity: &str, number: u64) -> String {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{identity};{};{number};{}", unix.as_secs(), unix.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        for (text, milliseconds) in [("10s", 10_000), ("0.5", 500), ("250ms", 250), ("2m", 120_000), ("1h", 3_600_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "-1s", "10 s", "5d", "inf", "1e99", "0"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn applications_by_number_and_name() {
        assert_eq!(application("S6a"), Ok(16_777_251));
        assert_eq!(application("0xffffff"), Ok(0xff_ffff));
        assert_eq!(application("relay"), Ok(u32::MAX));
        assert!(application("S6z").is_err());
    }
}
