//! The six parties in one process, each with an address, an SCTP endpoint and peers of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::net::{DIAMETER_PORT, Net, NetError, Options, Recorder, Transport};
use crate::node::users::{PrivateKey, SecretError};
use crate::node::{self, Handle, NodeError, Observer, PeerSettings, Settings};
use crate::peer::{self, Expected, Local};
use crate::registration::app_server::User;
use crate::registration::credential::Credential;
use crate::registration::function::{AppServerPeer, FunctionConfig};
use crate::registration::hss::{HssConfig, Subscriber};
use crate::registration::identifiers::{DigitsError, Imsi, PlmnId};
use crate::registration::mme::MmeConfig;
use crate::registration::ue::{Device, UeConfig};
use crate::registration::{
    ALL_SERVICES, AppServer, AppServerConfig, Destination, Function, FunctionPeer, Hss, Identity, Mme, Ue,
};
use crate::store::committer::CommitterThread;
use crate::store::embedded::{EmbeddedReader, EmbeddedStore, Options as StoreOptions};
use crate::store::{Committer, StoreError};

/// The realm of the demo's network, as TS 23.003 section 19.2 forms it: the test network 001-01.
pub const REALM: &str = "epc.mnc001.mcc001.3gppnetwork.org";
/// The application that users register with.
pub const APPLICATION: &str = "mcc001.mnc01.ProSeApp.Demo";

/// The parties in the ladder's order: name of the host, last octet of its address.
const HOSTS: [(&str, u8); 6] =
    [("ue", 11), ("mme", 12), ("hss", 13), ("function", 14), ("app-server", 15), ("function2", 16)];

/// Places of the parties in [`HOSTS`].
pub const UE: usize = 0;
/// The MME.
pub const MME: usize = 1;
/// The HSS.
pub const HSS: usize = 2;
/// The function that serves the UE first.
pub const FUNCTION: usize = 3;
/// The app server.
pub const APP_SERVER: usize = 4;
/// The function it moves to.
pub const FUNCTION_2: usize = 5;

/// Who connects to whom.
const LINKS: [(usize, usize); 9] = [
    (UE, MME),
    (UE, APP_SERVER),
    (MME, HSS),
    (MME, FUNCTION),
    (MME, FUNCTION_2),
    (FUNCTION, HSS),
    (FUNCTION_2, HSS),
    (FUNCTION_2, FUNCTION),
    (APP_SERVER, FUNCTION),
];
/// Links that the move needs as well.
const LINK_OF_MOVE: (usize, usize) = (APP_SERVER, FUNCTION_2);

/// What the demo is to show.
#[derive(Clone, Debug)]
pub struct Scene {
    /// UEs that may register.
    pub ues: usize,
    /// The UEs of a refusal instead: one whose subscription is wanting, one that is not capable.
    pub deny: bool,
    /// UDP port of every endpoint.
    pub port: u16,
    /// Folder of the two stores.
    pub store: PathBuf,
    /// Makes ID1 unguessable; new in every demo.
    pub network_key: [u8; 16],
}

/// The parties, running.
pub struct Network {
    /// The UEs.
    pub ue: Handle<Ue>,
    mme: Handle<Mme>,
    hss: Handle<Hss>,
    function: Handle<Function<EmbeddedReader>>,
    function_2: Handle<Function<EmbeddedReader>>,
    app_server: Handle<AppServer<EmbeddedReader>>,
    stores: Vec<CommitterThread<EmbeddedStore>>,
}

/// Why the demo cannot run.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A node did not start or stop.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A UDP port is taken.
    #[error(
        "UDP port {port} at {address} cannot be used: {reason}. Another demo or `proselink run` may have it; choose \
         another with --port"
    )]
    Port {
        /// The port.
        port: u16,
        /// The address.
        address: IpAddr,
        /// The system's words.
        reason: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An element cannot start.
    #[error("{0}")]
    Element(String),
}

/// The loopback address of a party.
#[must_use]
pub const fn address(party: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, HOSTS[party].1))
}

/// The Origin-Host of a party.
#[must_use]
pub fn host(party: usize) -> String {
    format!("{}.{REALM}", HOSTS[party].0)
}

/// The party of an Origin-Host.
#[must_use]
pub fn party(host: &str) -> Option<usize> {
    let name = host.split('.').next()?;
    HOSTS.iter().position(|(known, _)| *known == name)
}

/// IMSI of the UE at a place: of the test network 001-01.
pub fn imsi(place: usize) -> Result<Imsi, DigitsError> {
    format!("00101{:010}", place + 1).parse()
}

impl Network {
    /// Starts all six and waits until every link is up.
    ///
    /// # Errors
    /// A port is taken, the store cannot be used, or a link does not come up.
    pub async fn start(scene: &Scene, recorder: Option<Recorder>, observer: Observer) -> Result<Self, NetworkError> {
        let element = |words: &dyn std::fmt::Display| NetworkError::Element(words.to_string());
        // A lone UE waits for nobody, so acknowledgements would be held back for company that never comes.
        let immediate_sack = scene.ues <= 2;
        let net = Net::new(Options { udp_port: scene.port, recorder, immediate_sack, ..Options::default() });
        let watch = || Some(observer.clone());
        let plmn: PlmnId = "001-01".parse().map_err(|error| element(&error))?;
        let mut stores = Vec::new();

        let hss = Hss::new(identity(HSS), hss_config(scene).map_err(|error| element(&error))?, seed()?);
        let hss = start(HSS, &net, hss, None, watch()).await?;
        let mut functions = Vec::new();
        for (at, (this, other)) in [(FUNCTION, FUNCTION_2), (FUNCTION_2, FUNCTION)].into_iter().enumerate() {
            let store = open_store(&scene.store, HOSTS[this].0)?;
            let config = function_config(plmn, at as u16, other, scene.network_key);
            let function =
                Function::new(identity(this), config, store.reader(), seed()?).map_err(|error| element(&error))?;
            let (committer, thread) = Committer::start(store, 4096)?;
            stores.push(thread);
            functions.push(start(this, &net, function, Some(committer), watch()).await?);
        }
        let known =
            |party| FunctionPeer { host: host(party), realm: REALM.to_owned(), addresses: vec![address(party)] };
        let mme = MmeConfig {
            plmn,
            hss: Some(destination(HSS)),
            subscribers: Vec::new(),
            functions: vec![known(FUNCTION), known(FUNCTION_2)],
            services: ALL_SERVICES,
            most_pending: 65_536,
        };
        let mme = Mme::new(identity(MME), mme, seed()?).map_err(|error| element(&error))?;
        let mme = start(MME, &net, mme, None, watch()).await?;
        let keys = (0..scene.ues).map(|_| Ok(PrivateKey::generate()?.0)).collect::<Result<Vec<_>, SecretError>>();
        let keys = keys.map_err(|error| element(&error))?;
        let app_server = AppServerConfig {
            users: keys
                .iter()
                .enumerate()
                .map(|(place, key)| User::with_key(&user_name(place), key.public()))
                .collect(),
            functions: vec![known(FUNCTION), known(FUNCTION_2)],
            ..AppServerConfig::new(vec![APPLICATION.to_owned()])
        };
        let store = open_store(&scene.store, HOSTS[APP_SERVER].0)?;
        let app_server = AppServer::new(identity(APP_SERVER), app_server, store.reader(), seed()?)
            .map_err(|error| element(&error))?;
        let (committer, thread) = Committer::start(store, 4096)?;
        stores.push(thread);
        let app_server = start(APP_SERVER, &net, app_server, Some(committer), watch()).await?;
        let ue = UeConfig {
            mme: destination(MME),
            app_server: destination(APP_SERVER),
            application: APPLICATION.to_owned(),
            tell_id3: true,
            devices: devices(scene, keys).map_err(|error| element(&error))?,
        };
        let ue = start(UE, &net, Ue::new(identity(UE), ue, seed()?), None, watch()).await?;
        let (function_2, function) = (functions.pop(), functions.pop());
        let (Some(function), Some(function_2)) = (function, function_2) else {
            return Err(NetworkError::Element("a function is missing".to_owned()));
        };
        let network = Self { ue, mme, hss, function, function_2, app_server, stores };
        network.ready().await?;
        Ok(network)
    }

    async fn ready(&self) -> Result<(), NodeError> {
        const PATIENCE: Duration = Duration::from_secs(10);
        tokio::try_join!(
            self.ue.ready(PATIENCE),
            self.mme.ready(PATIENCE),
            self.hss.ready(PATIENCE),
            self.function.ready(PATIENCE),
            self.function_2.ready(PATIENCE),
            self.app_server.ready(PATIENCE),
        )?;
        Ok(())
    }

    /// Stops all six in order: DPR and SHUTDOWN on every association.
    ///
    /// # Errors
    /// A node or a store did not end in order.
    pub async fn stop(self) -> Result<(), NetworkError> {
        // Whoever connects leaves before those it connects to, so that each association sees one DPR.
        self.ue.stop().await?;
        self.app_server.stop().await?;
        self.mme.stop().await?;
        self.function_2.stop().await?;
        self.function.stop().await?;
        self.hss.stop().await?;
        for store in self.stores {
            tokio::task::spawn_blocking(move || store.join())
                .await
                .map_err(|error| NetworkError::Element(error.to_string()))??;
        }
        Ok(())
    }
}

async fn start<E: crate::registration::Element + Send + 'static>(
    party: usize,
    net: &Net,
    element: E,
    store: Option<Committer>,
    observer: Option<Observer>,
) -> Result<Handle<E>, NetworkError> {
    let started = node::start(settings(party), net.clone(), element, store, observer).await;
    started.map_err(|error| match error {
        NodeError::Listen(NetError::Bind { reason, .. }) => {
            NetworkError::Port { port: net.options().udp_port, address: address(party), reason }
        }
        other => NetworkError::Node(other),
    })
}

fn settings(party: usize) -> Settings {
    let local = Local { origin_state: 1, ..Local::new(host(party), REALM, vec![address(party)]) };
    let mut settings = Settings::new(local);
    settings.transport = Transport::EmbeddedSctp;
    settings.listen = vec![SocketAddr::new(address(party), DIAMETER_PORT).into()];
    for (from, to) in LINKS.into_iter().chain([LINK_OF_MOVE]) {
        let (other, connects) = match party {
            _ if party == from => (to, true),
            _ if party == to => (from, false),
            _ => continue,
        };
        let remote = SocketAddr::new(address(other), DIAMETER_PORT);
        settings.peers.push(PeerSettings {
            expected: Expected {
                identity: host(other),
                realm: Some(REALM.to_owned()),
                addresses: vec![address(other)],
            },
            connect_to: connects.then(|| remote.into()),
            udp_port: None,
            settings: peer::Settings::default(),
        });
    }
    settings
}

fn identity(party: usize) -> Identity {
    Identity { host: host(party), realm: REALM.to_owned() }
}

fn destination(party: usize) -> Destination {
    Destination { host: Some(host(party)), realm: REALM.to_owned() }
}

fn hss_config(scene: &Scene) -> Result<HssConfig, DigitsError> {
    let subscriber = |place: usize| {
        // The first UE of a refusal has no subscription to ProSe.
        let permission = if scene.deny && place == 0 { None } else { Some(ALL_SERVICES) };
        Ok(Subscriber {
            imsi: imsi(place)?,
            msisdn: format!("49151{:07}", place + 1).parse().ok(),
            prose_permission: permission,
            allowed_plmns: Vec::new(),
        })
    };
    let subscribers = (0..scene.ues).map(subscriber).collect::<Result<_, _>>()?;
    Ok(HssConfig { subscribers, functions: vec![host(FUNCTION), host(FUNCTION_2)] })
}

fn function_config(plmn: PlmnId, allocator: u16, other: usize, network_key: [u8; 16]) -> FunctionConfig {
    FunctionConfig {
        plmn,
        address: None,
        allocator,
        network_key,
        id1_validity: 12 * 3600,
        hss: destination(HSS),
        mmes: vec![host(MME)],
        app_servers: vec![AppServerPeer {
            host: host(APP_SERVER),
            realm: REALM.to_owned(),
            applications: vec![APPLICATION.to_owned()],
        }],
        functions: vec![FunctionPeer { host: host(other), realm: REALM.to_owned(), addresses: vec![address(other)] }],
        services: ALL_SERVICES,
        move_hold: 600,
        moved_memory: 120,
        retention: 24 * 3600,
        retry_first: 1,
        retry_most: 60,
        pc2_application: crate::interfaces::pc2::APPLICATION,
        most_bindings: 64,
        most_pending: 65_536,
    }
}

fn devices(scene: &Scene, keys: Vec<PrivateKey>) -> Result<Vec<Device>, DigitsError> {
    keys.into_iter()
        .enumerate()
        .map(|(place, key)| {
            // The second UE of a refusal can do nothing of what ProSe needs.
            let capability = if scene.deny && place == 1 { 0 } else { ALL_SERVICES };
            let credential = Credential::Key(Arc::new(key));
            Ok(Device { imsi: imsi(place)?, capability, user: user_name(place), credential })
        })
        .collect()
}

fn user_name(place: usize) -> String {
    format!("user{}@demo.example", place + 1)
}

fn open_store(folder: &Path, name: &str) -> Result<EmbeddedStore, StoreError> {
    EmbeddedStore::open(folder.join(format!("{name}.redb")), StoreOptions::default())
}

/// Randomness of the system for one element; without it identifiers could be guessed.
pub fn seed() -> Result<[u8; 16], NetworkError> {
    let mut seed = [0; 16];
    getrandom::fill(&mut seed)
        .map_err(|error| NetworkError::Element(format!("the system gives no randomness: {error}")))?;
    Ok(seed)
}
