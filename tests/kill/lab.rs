//! The network that is killed: two functions and an app server or two as processes of `proselink run`, and around them, in
//! this process, the UEs with the HSS and the MME.

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use proselink::net::{Net, Options, Transport};
use proselink::node::users::PrivateKey;
use proselink::node::{self, Handle, PeerSettings, Settings};
use proselink::peer::watchdog::Intervals;
use proselink::peer::{self, Expected, Local};
use proselink::registration::app_server::PublicKey;
use proselink::registration::hss::{HssConfig, Subscriber};
use proselink::registration::mme::MmeConfig;
use proselink::registration::{ALL_SERVICES, Destination, FunctionPeer, Hss, Identity, Mme};

use crate::judge;
use crate::load::{Account, Application, Counts, Load, Work};
use crate::random::Random;

pub const REALM: &str = "epc.mnc001.mcc001.3gppnetwork.org";
pub const PLMN: &str = "001-01";
pub const NETWORK_KEY: [u8; 16] = *b"a key of the lab";

/// A node of the lab and where it listens.
#[derive(Clone, Debug)]
pub struct Place {
    pub name: String,
    pub at: SocketAddr,
    /// Its store, when that is not beside its configuration.
    pub store: Option<PathBuf>,
    /// What stands in front of its command, e.g. `ip netns exec NAME`.
    pub within: Vec<String>,
}

impl Place {
    pub fn host(&self) -> String {
        format!("{}.{REALM}", self.name)
    }

    fn destination(&self) -> Destination {
        Destination { host: Some(self.host()), realm: REALM.to_owned() }
    }
}

/// Who there is.
#[derive(Clone, Debug)]
pub struct Places {
    pub ue: Place,
    pub mme: Place,
    pub hss: Place,
    pub functions: [Place; 2],
    pub app_servers: Vec<Place>,
}

impl Places {
    /// All on loopback, at ports that are free.
    pub fn on_loopback(subnet: u8) -> Self {
        let place = |name: &str, last| {
            let ip = IpAddr::V4(Ipv4Addr::new(127, 81, subnet, last));
            let port = TcpListener::bind((ip, 0)).and_then(|socket| socket.local_addr()).expect("a free port").port();
            Place { name: name.to_owned(), at: SocketAddr::new(ip, port), store: None, within: Vec::new() }
        };
        Self {
            ue: place("ue", 1),
            mme: place("mme", 2),
            hss: place("hss", 3),
            functions: [place("function1", 4), place("function2", 5)],
            app_servers: vec![place("app-server1", 6)],
        }
    }

    pub fn processes(&self) -> impl Iterator<Item = &Place> {
        self.functions.iter().chain(&self.app_servers)
    }
}

/// How long things take in this lab.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub transport: &'static str,
    pub tc: f64,
    pub reopen: f64,
    pub answer_timeout: f64,
}

/// The ProSe Application ID of an app server.
fn application(number: usize) -> String {
    format!("mcc001.mnc01.ProSeApp.Lab{number}")
}

fn user(number: usize) -> String {
    format!("user{number}@lab.example")
}

fn imsi(number: usize) -> String {
    format!("00101{:010}", number + 1)
}

/// The processes, in the order of [`Places::processes`]; killed when they are dropped, also by a test that fails.
struct Processes(Vec<Option<Child>>);

impl Drop for Processes {
    fn drop(&mut self) {
        for child in self.0.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Two functions, app servers and what is around them.
pub struct Lab {
    pub places: Places,
    folder: PathBuf,
    processes: Processes,
    pub load: Handle<Load>,
    mme: Handle<Mme>,
    hss: Handle<Hss>,
}

impl Lab {
    /// Writes the configurations, starts all and waits until the UEs reach their MME and app servers. `first` is the process
    /// that connects to all others, and so is back soonest when it is started again.
    pub async fn start(folder: &Path, places: Places, times: Times, ues: usize, first: usize, random: Random) -> Self {
        // One key for all users: whose it is does not matter here, and each user is known by name.
        let (key, _) = PrivateKey::generate().expect("a key");
        for at in 0..2 {
            write(folder, &places.functions[at].name, &function(&places, at, first, times));
        }
        for at in 0..places.app_servers.len() {
            write(folder, &places.app_servers[at].name, &app_server(&places, at, first, times, ues, &key.public()));
        }
        let transport: Transport = times.transport.parse().expect("a transport");
        let net = Net::new(Options::default());

        let subscriber = |number| Subscriber {
            imsi: imsi(number).parse().expect("an IMSI"),
            msisdn: None,
            prose_permission: Some(ALL_SERVICES),
            allowed_plmns: Vec::new(),
        };
        let hss = HssConfig { subscribers: (0..ues).map(subscriber).collect(), functions: Vec::new() };
        let hss = Hss::new(identity(&places.hss), hss, [1; 16]);
        let peers = [&places.mme, &places.functions[0], &places.functions[1]].map(|peer| (peer, false));
        let settings = settings(&places.hss, transport, times, &peers);
        let hss = node::start(settings, net.clone(), hss, None, None).await.expect("the HSS starts");

        let mme = MmeConfig {
            plmn: PLMN.parse().expect("a PLMN"),
            hss: Some(places.hss.destination()),
            subscribers: Vec::new(),
            functions: places.functions.iter().map(function_peer).collect(),
            services: ALL_SERVICES,
            most_pending: 65_536,
        };
        let mme = Mme::new(identity(&places.mme), mme, [2; 16]).expect("the MME is configured");
        let [one, two] = &places.functions;
        let peers = [(&places.ue, false), (&places.hss, true), (one, false), (two, false)];
        let settings = self::settings(&places.mme, transport, times, &peers);
        let mme = node::start(settings, net.clone(), mme, None, None).await.expect("the MME starts");

        let account =
            |number| Account::new(imsi(number).parse().expect("an IMSI"), user(number), places.app_servers.len());
        let applications = places.app_servers.iter().enumerate();
        let applications = applications
            .map(|(at, server)| Application { name: application(at), server: server.destination() })
            .collect();
        let accounts = (0..ues).map(account).collect();
        let load =
            Load::new(&places.ue.host(), places.mme.destination(), applications, Arc::new(key), accounts, random);
        let peers: Vec<_> =
            std::iter::once((&places.mme, true)).chain(places.app_servers.iter().map(|peer| (peer, false))).collect();
        let settings = self::settings(&places.ue, transport, times, &peers);
        let load = node::start(settings, net, load, None, None).await.expect("the UEs start");

        let processes = Processes(places.processes().map(|_| None).collect());
        let mut lab = Self { places, folder: folder.to_owned(), processes, load, mme, hss };
        for at in 0..lab.processes.0.len() {
            lab.spawn(at);
        }
        lab.load.ready(Duration::from_secs(60)).await.expect("the UEs reach MME and app servers");
        lab.mme.ready(Duration::from_secs(60)).await.expect("the MME reaches the functions");
        lab
    }

    fn place(&self, at: usize) -> &Place {
        self.places.processes().nth(at).expect("there is such a process")
    }

    /// The store of a process.
    fn store(&self, at: usize) -> PathBuf {
        let place = self.place(at);
        place.store.clone().unwrap_or_else(|| self.folder.join(format!("{}.redb", place.name)))
    }

    /// What the functions and the app servers have on disk; none of them may run.
    pub fn read_stores(&self) -> judge::Stores {
        let functions = [0, 1].map(|at: usize| judge::read(&self.store(at), &self.places.functions[at].host()));
        let app_servers = (2..self.processes.0.len()).map(|at| judge::read_users(&self.store(at))).collect();
        judge::Stores { functions, app_servers }
    }

    pub async fn work(&self, work: Work) {
        let set = self.load.call(move |load, now, actions| load.set_work(now, work, actions));
        set.await.expect("the UEs are there");
    }

    /// What the UEs were told.
    pub async fn told(&self) -> (Vec<Account>, Counts) {
        let told = self.load.call(|load, _, _| (load.accounts.clone(), load.counts.clone()));
        told.await.expect("the UEs are there")
    }

    /// Starts a process and waits for nothing.
    pub fn spawn(&mut self, at: usize) {
        let log = self.folder.join(format!("{}.log", self.place(at).name));
        let log = std::fs::File::options().append(true).create(true).open(log).expect("a log");
        let mut command = command(self.place(at), &self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.processes.0[at] = Some(command.spawn().expect("proselink starts"));
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self, at: usize) {
        if let Some(mut child) = self.processes.0[at].take() {
            assert_eq!(child.try_wait().expect("a child"), None, "{} ended by itself", self.place(at).name);
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    pub fn kill_all(&mut self) {
        for at in 0..self.processes.0.len() {
            self.kill(at);
        }
    }

    pub fn spawn_all(&mut self) {
        for at in 0..self.processes.0.len() {
            self.spawn(at);
        }
    }

    /// The applications, in the order of what each UE was acknowledged.
    pub fn applications(&self) -> Vec<String> {
        (0..self.places.app_servers.len()).map(application).collect()
    }

    /// The log of a process.
    pub fn log(&self, at: usize) -> String {
        std::fs::read_to_string(self.folder.join(format!("{}.log", self.place(at).name))).unwrap_or_default()
    }

    /// What the logs end with, for whoever has to find out.
    pub fn logs(&self) -> String {
        let end = |at| {
            let text = self.log(at);
            let lines: Vec<_> = text.lines().rev().take(20).collect();
            format!("--- {}\n{}\n", self.place(at).name, lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
        };
        (0..self.processes.0.len()).map(end).collect()
    }

    pub async fn stop(mut self) -> Load {
        self.kill_all();
        let load = self.load.stop().await.expect("the UEs stop");
        self.mme.stop().await.expect("the MME stops");
        self.hss.stop().await.expect("the HSS stops");
        load
    }
}

/// `proselink run` at a place, from the configuration of its name in `folder`.
pub fn command(place: &Place, folder: &Path) -> Command {
    let mut words = place.within.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_proselink")]);
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).arg("run").arg("-c").arg(folder.join(format!("{}.toml", place.name)));
    command.env_remove("PROSELINK_LOG");
    command
}

/// Starts a process whose standard output is wanted, and waits until it listens: its child and what it says from then on.
pub fn start(mut command: Command) -> Result<Child, std::process::Output> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("proselink starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its output");
    if line.contains(" listens at ") { Ok(child) } else { Err(child.wait_with_output().expect("it ends")) }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(format!("{name}.toml")), text).expect("the folder can be written");
}

fn identity(place: &Place) -> Identity {
    Identity { host: place.host(), realm: REALM.to_owned() }
}

fn function_peer(place: &Place) -> FunctionPeer {
    FunctionPeer { host: place.host(), realm: REALM.to_owned(), addresses: vec![place.at.ip()] }
}

/// The settings of a node in this process; a peer with `true` is one that it connects to.
fn settings(place: &Place, transport: Transport, times: Times, peers: &[(&Place, bool)]) -> Settings {
    let local = Local { origin_state: 1, ..Local::new(place.host(), REALM, vec![place.at.ip()]) };
    let mut settings = Settings { listen: vec![place.at.into()], transport, ..Settings::new(local) };
    let intervals = Intervals {
        watchdog: Duration::from_secs(6),
        connect: Duration::from_secs_f64(times.tc),
        connect_limit: Duration::from_secs_f64(times.tc),
        reopen: Duration::from_secs_f64(times.reopen),
    };
    settings.peers = peers
        .iter()
        .map(|&(peer, connects)| PeerSettings {
            expected: Expected { identity: peer.host(), realm: None, addresses: vec![peer.at.ip()] },
            connect_to: connects.then(|| peer.at.into()),
            udp_port: None,
            settings: peer::Settings {
                connect: connects,
                intervals,
                answer_wait: Duration::from_secs_f64(3.0 * times.answer_timeout),
                ..peer::Settings::default()
            },
        })
        .collect();
    settings
}

/// What all files begin with.
fn head(place: &Place, times: Times, peers: &[(&Place, bool)]) -> String {
    let Times { transport, tc, reopen, answer_timeout } = times;
    let mut text = format!(
        "identity = \"{}\"\nrealm = \"{REALM}\"\nlisten = [\"{}\"]\ntransport = \"{transport}\"\ntc = {tc}\ntc_max = {tc}\n\
         tw = 6\nreopen = {reopen}\nanswer_timeout = {answer_timeout}\nstore = \"{}\"\n",
        place.host(),
        place.at,
        place.store.clone().unwrap_or_else(|| format!("{}.redb", place.name).into()).display(),
    );
    for (peer, connects) in peers {
        let how = match connects {
            true => format!("connect_to = \"{}\"", peer.at),
            false => format!("addresses = [\"{}\"]", peer.at.ip()),
        };
        text.push_str(&format!("\n[[peer]]\nidentity = \"{}\"\n{how}\n", peer.host()));
    }
    text
}

/// Whether a process connects to another: the first to all, else the later to the earlier.
fn connects(this: usize, other: usize, first: usize) -> bool {
    this == first || (other != first && this > other)
}

fn function(places: &Places, at: usize, first: usize, times: Times) -> String {
    let (this, other) = (&places.functions[at], &places.functions[1 - at]);
    let mut peers = vec![(&places.mme, true), (&places.hss, true), (other, connects(at, 1 - at, first))];
    for (number, server) in places.app_servers.iter().enumerate() {
        peers.push((server, connects(at, 2 + number, first)));
    }
    let mut text = head(this, times, &peers);
    text.push_str(&format!(
        "\n[function]\nplmn = \"{PLMN}\"\nallocator = {at}\nnetwork_key = \"{}\"\nmmes = [\"{}\"]\nretry_first = 1\n\
         retry_most = 1\n\n[function.hss]\nhost = \"{}\"\nrealm = \"{REALM}\"\n\n[[function.functions]]\nhost = \"{}\"\n\
         realm = \"{REALM}\"\naddresses = [\"{}\"]\n",
        data_encoding::HEXLOWER.encode(&NETWORK_KEY),
        places.mme.host(),
        places.hss.host(),
        other.host(),
        other.at.ip(),
    ));
    for (number, server) in places.app_servers.iter().enumerate() {
        text.push_str(&format!(
            "\n[[function.app_servers]]\nhost = \"{}\"\nrealm = \"{REALM}\"\napplications = [\"{}\"]\n",
            server.host(),
            application(number),
        ));
    }
    text
}

fn app_server(places: &Places, number: usize, first: usize, times: Times, ues: usize, key: &PublicKey) -> String {
    let this = &places.app_servers[number];
    let at = 2 + number;
    let peers = [
        (&places.ue, true),
        (&places.functions[0], connects(at, 0, first)),
        (&places.functions[1], connects(at, 1, first)),
    ];
    let mut text = head(this, times, &peers);
    text.push_str(&format!("\n[app_server]\napplications = [\"{}\"]\n", application(number)));
    for function in &places.functions {
        text.push_str(&format!(
            "\n[[app_server.functions]]\nhost = \"{}\"\nrealm = \"{REALM}\"\naddresses = [\"{}\"]\n",
            function.host(),
            function.at.ip(),
        ));
    }
    for number in 0..ues {
        text.push_str(&format!("\n[[app_server.users]]\nname = \"{}\"\nkey = \"{key}\"\n", user(number)));
    }
    text
}
