//! `proselink ue|mme|hss|app-server`: one party against a real counterpart, from one command line.
//!
//! ```text
//! party.rs          what they have in common: names, transports, the capture, the end
//! counterpart.rs    whom they talk to            lines.rs     each message as a line
//! ue.rs             register, allocate           serve.rs     MME, HSS and app server until Ctrl-C
//! explain.rs        why a UE was refused
//! ```
//! A party is the same element over the same node as with `proselink run`; the command line takes the place of the
//! configuration.

mod counterpart;
mod explain;
mod lines;
pub mod serve;
pub mod ue;

use std::future::Future;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

pub use self::counterpart::{Calling, Counterpart, Known, calls};
use self::lines::Lines;
use super::call::{Early, TlsArgs, duration};
use super::exit;
use crate::net::{Net, Options, Recorder};
use crate::peer::Local;
use crate::registration::identifiers::{Imsi, PlmnId};

/// What every party understands.
#[derive(Clone, Debug, Args)]
pub struct PartyArgs {
    /// Our Origin-Host; the party's name and the realm unless said otherwise: mme.REALM
    #[arg(long, value_name = "HOST", help_heading = "Party")]
    identity: Option<String>,
    /// Our Origin-Realm; that of the network unless said otherwise: epc.mnc001.mcc001.3gppnetwork.org
    #[arg(long, value_name = "REALM", help_heading = "Party")]
    realm: Option<String>,
    /// The network, e.g. 001-01; the head of the IMSI unless said otherwise
    #[arg(long, value_name = "PLMN", help_heading = "Party")]
    plmn: Option<PlmnId>,
    /// Call from this address of ours
    #[arg(long, value_name = "ADDRESS", help_heading = "Party")]
    from: Vec<IpAddr>,
    /// Our UDP port, where SCTP travels over UDP: any free one for a UE, 9899 for a server
    #[arg(long, value_name = "PORT", help_heading = "Party")]
    udp_port: Option<u16>,
    /// The counterparts' UDP port, where SCTP travels over UDP: 9899 for the embedded stack, no UDP for the kernel's
    #[arg(long, value_name = "PORT", help_heading = "Party")]
    peer_udp_port: Option<u16>,
    /// How long a connection and an answer are waited for
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, help_heading = "Party")]
    timeout: Duration,
    /// Record the exchange into this capture
    #[arg(short = 'w', long = "capture", visible_alias = "write", value_name = "FILE", help_heading = "Party")]
    capture: Option<PathBuf>,
    /// A JSON object a line: each message, and the outcome at the end
    #[arg(long, help_heading = "Party")]
    json: bool,
    #[command(flatten)]
    tls: TlsArgs,
}

/// A party about to act: its transports, and what it writes.
struct Stage {
    args: PartyArgs,
    net: Net,
    plmn: PlmnId,
    realm: String,
    recorder: Option<(Recorder, PathBuf)>,
}

impl Stage {
    /// Settles names and transports. The network follows from `imsi` where nothing else says it.
    fn set(args: PartyArgs, imsi: Option<Imsi>, udp_port: u16) -> Result<Self, Early> {
        let of_realm = args.realm.as_deref().and_then(|realm| PlmnId::from_realm(realm).ok());
        let plmn = match (args.plmn.or(of_realm), imsi) {
            (Some(plmn), _) => plmn,
            (None, Some(imsi)) => imsi.plmn(2).map_err(|error| Early::usage(format!("--imsi: {error}")))?,
            (None, None) => {
                let words = "which network? say --plmn 001-01, or --realm epc.mnc001.mcc001.3gppnetwork.org";
                return Err(Early::usage(words));
            }
        };
        let of_identity = args.identity.as_ref().and_then(|identity| identity.split_once('.')).map(|(_, realm)| realm);
        let realm = args.realm.clone().or(of_identity.map(str::to_owned)).unwrap_or_else(|| plmn.realm());
        for (name, option) in [(args.identity.as_deref().unwrap_or(&realm), "--identity"), (&*realm, "--realm")] {
            if name.is_empty() || name.len() > 255 || !name.bytes().all(|octet| octet.is_ascii_graphic()) {
                return Err(Early::usage(format!("{option}: {name:?} is no host or realm name")));
            }
        }
        let recorder = match &args.capture {
            None => None,
            Some(path) => match Recorder::create(path, None) {
                Ok(recorder) => Some((recorder, path.clone())),
                Err(error) => return Err(Early::environment(format!("{}: {error}", path.display()))),
            },
        };
        let options = Options {
            udp_port: args.udp_port.unwrap_or(udp_port),
            connect_timeout: args.timeout,
            tls: args.tls.credentials()?,
            recorder: recorder.as_ref().map(|(recorder, _)| recorder.clone()),
            // A lone UE waits for nobody, so acknowledgements would be held back for company that never comes.
            immediate_sack: true,
            ..Options::default()
        };
        Ok(Self { net: Net::new(options), args, plmn, realm, recorder })
    }

    /// Our Origin-Host as `party`: what the user says, or the party's name in the realm.
    fn identity(&self, party: &str) -> String {
        self.args.identity.clone().unwrap_or_else(|| format!("{party}.{}", self.realm))
    }

    /// How `identity`, which takes part in `applications`, calls its counterparts.
    fn calling(&self, identity: &str, applications: &[u32]) -> Calling {
        let local = Local::new(identity, &*self.realm, self.args.from.clone());
        Calling {
            net: self.net.clone(),
            local: Local { applications: applications.to_vec(), ..local },
            from: self.args.from.clone(),
            udp_port: self.args.peer_udp_port,
            certificate_name: self.args.tls.certificate_name.clone(),
            timeout: self.args.timeout,
        }
    }

    fn finish(self) -> Result<(), Early> {
        let Some((recorder, path)) = self.recorder else { return Ok(()) };
        recorder.finish().map(drop).map_err(|error| Early::environment(format!("{}: {error}", path.display())))
    }
}

/// A name for a node that starts now. Grows with every start, so that peers see a restart. RFC 6733 section 8.16.
pub fn origin_state() -> u32 {
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    unix.as_secs() as u32
}

/// From the system's randomness.
pub fn seed() -> Result<[u8; 16], Early> {
    let mut seed = [0; 16];
    getrandom::fill(&mut seed)
        .map_err(|error| Early::environment(format!("the system gives no randomness: {error}")))?;
    Ok(seed)
}

/// The folder of a store; removed at the end unless it was asked for.
pub struct Folder {
    pub path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// Makes the folder where there is none.
    pub fn open(wanted: Option<PathBuf>) -> Result<Self, Early> {
        let temporary = wanted.is_none();
        let path = match wanted {
            Some(path) => path,
            None => std::env::temp_dir().join(format!("proselink-{:032x}", u128::from_be_bytes(seed()?))),
        };
        std::fs::create_dir_all(&path).map_err(|error| Early::environment(format!("{}: {error}", path.display())))?;
        Ok(Self { path, temporary })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// A value that a configuration could have, made from what the command line says.
pub fn settings<T: serde::de::DeserializeOwned>(table: toml::Table) -> Result<T, Early> {
    toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| Early::usage(error.message()))
}

/// The first line of a file; `-` is standard input.
fn secret(path: &Path) -> Result<String, Early> {
    const MOST: u64 = 4096;
    let read = |input: &mut dyn std::io::Read| {
        let mut text = String::new();
        input.take(MOST).read_to_string(&mut text).map(|_| text)
    };
    let text = if path.as_os_str() == "-" {
        read(&mut std::io::stdin().lock())
    } else {
        std::fs::File::open(path).and_then(|mut file| read(&mut file))
    };
    let text = text.map_err(|error| Early::environment(format!("{}: {error}", path.display())))?;
    let first = text.lines().next().unwrap_or_default();
    if first.is_empty() {
        return Err(Early::usage(format!("{}: the first line is the password, and it is empty", path.display())));
    }
    Ok(first.to_owned())
}

/// Runs a party in a runtime of its own; the result is the exit code.
fn act(verb: &str, party: impl Future<Output = Result<u8, Early>>) -> u8 {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(party);
            // A name that is being looked up must not hold up the end.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(Early::environment(format!("the system gives no threads: {error}"))),
    };
    result.unwrap_or_else(|early| {
        eprintln!("proselink {verb}: {}", early.words);
        early.code
    })
}

fn lines(json: bool) -> Result<Lines, Early> {
    Lines::start(json).map_err(|error| Early::environment(format!("the system gives no thread: {error}")))
}

/// Ends when the user says so.
async fn interrupted() -> u8 {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    exit::INTERRUPTED
}
