//! The six parties in one process, each with an address, an SCTP endpoint and peers of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::staged::Staged;
use crate::net::{DIAMETER_PORT, Net, NetError, Options, Recorder, Transport};
use crate::node::users::{PrivateKey, SecretError};
use crate::node::{self, Handle, NodeError, Observer, PeerSettings, Settings};
use crate::peer::{self, Expected, Local};
use crate::registration::app_server::User;
use crate::registration::credential::Credential;
use crate::registration::function::{AppServerPeer, FunctionConfig, OverloadSettings};
use crate::registration::hss::{HssConfig, Subscriber};
use crate::registration::identifiers::{DigitsError, Imsi, PlmnId};
use crate::registration::mme::MmeConfig;
use crate::registration::ue::{Device, UeConfig};
use crate::registration::{
    ALL_SERVICES, AppServer, AppServerConfig, Destination, Element, Function, FunctionPeer, Hss, Identity, Mme, Ue,
};
use crate::store::committer::CommitterThread;
use crate::store::embedded::{EmbeddedReader, EmbeddedStore, Options as StoreOptions};
use crate::store::{Committer, StoreError};

/// The realm of the demo's network, as TS 23.003 section 19.2 forms it: the test network 001-01.
pub const REALM: &str = "epc.mnc001.mcc001.3gppnetwork.org";
/// The application that users register with.
pub const APPLICATION: &str = "mcc001.mnc01.ProSeApp.Demo";
/// One that the functions allow no app server.
pub const OTHER_APPLICATION: &str = "mcc001.mnc01.ProSeApp.Other";

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
    /// The number of the first UE, from 0: scenes that share a capture tell of different subscribers.
    pub first: usize,
    /// The UEs of a refusal instead: one whose subscription is wanting, one that is not capable.
    pub deny: bool,
    /// UDP port of every endpoint.
    pub port: u16,
    /// Folder of the two stores.
    pub store: PathBuf,
    /// Makes ID1 unguessable; new in every demo.
    pub network_key: [u8; 16],
}

/// How each party is set up, to be changed before [`Network::raise`].
pub struct Plan {
    /// The UEs.
    pub ue: UeConfig,
    /// The MME.
    pub mme: MmeConfig,
    /// The HSS.
    pub hss: HssConfig,
    /// The functions: the one that serves the UE first, the one it moves to.
    pub functions: [FunctionConfig; 2],
    /// The app server.
    pub app_server: AppServerConfig,
    /// Who connects to whom. A party without a link is heard of by nobody.
    pub links: Vec<(usize, usize)>,
    /// The realm of the second function.
    pub second_realm: &'static str,
    /// An application that the MME and the first function claim to have, and their elements have not.
    pub claimed: Option<u32>,
    /// How long the app server waits for answers, and a party that stops for its own, where that is not the default.
    pub answer_wait: Option<Duration>,
    /// Folder of the two stores.
    store: PathBuf,
}

/// The parties, running.
pub struct Network {
    /// The UEs.
    pub ue: Handle<Ue>,
    /// The MME.
    pub mme: Handle<Staged<Mme>>,
    /// The HSS.
    pub hss: Handle<Hss>,
    /// The function that serves the UE first; none once it has been stopped.
    pub function: Option<Handle<ServingFunction>>,
    /// The function that it moves to.
    pub function_2: Handle<ServingFunction>,
    /// The app server.
    pub app_server: Handle<AppServer<EmbeddedReader>>,
    stores: Vec<CommitterThread<EmbeddedStore>>,
}

/// A function of the demo.
pub type ServingFunction = Staged<Function<EmbeddedReader>>;

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

/// What a party is called in words.
#[must_use]
pub const fn name(party: usize) -> &'static str {
    HOSTS[party].0
}

/// The party of an Origin-Host.
#[must_use]
pub fn party(host: &str) -> Option<usize> {
    let name = host.split('.').next()?;
    HOSTS.iter().position(|(known, _)| *known == name)
}

/// The party at an address.
#[must_use]
pub fn party_at(address: IpAddr) -> Option<usize> {
    let IpAddr::V4(address) = address else { return None };
    HOSTS.iter().position(|(_, last)| address.octets() == [127, 0, 0, *last])
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
        // A lone UE waits for nobody, so acknowledgements would be held back for company that never comes.
        let net = transports(scene.port, scene.ues <= 2, recorder);
        Self::raise(Plan::new(scene)?, &net, observer).await
    }

    /// [`Network::start`] with parties that are set up otherwise, over transports that may have carried others.
    ///
    /// # Errors
    /// As [`Network::start`].
    pub async fn raise(plan: Plan, net: &Net, observer: Observer) -> Result<Self, NetworkError> {
        let element = |words: &dyn std::fmt::Display| NetworkError::Element(words.to_string());
        let watch = || Some(observer.clone());
        let mut stores = Vec::new();

        let hss =
            start(&plan, HSS, net, Hss::new(plan.identity(HSS), plan.hss.clone(), seed()?), None, watch()).await?;
        let mut functions = Vec::new();
        for (this, config) in [FUNCTION, FUNCTION_2].into_iter().zip(&plan.functions) {
            let store = open_store(&plan.store, HOSTS[this].0)?;
            let function = Function::new(plan.identity(this), config.clone(), store.reader(), seed()?)
                .map_err(|error| element(&error))?;
            let claimed = plan.claimed.filter(|_| this == FUNCTION);
            let (committer, thread) = Committer::start(store, 4096)?;
            stores.push(thread);
            let function = Staged::new(function, claimed);
            functions.push(start(&plan, this, net, function, Some(committer), watch()).await?);
        }
        let mme = Mme::new(plan.identity(MME), plan.mme.clone(), seed()?).map_err(|error| element(&error))?;
        let mme = start(&plan, MME, net, Staged::new(mme, plan.claimed), None, watch()).await?;
        let store = open_store(&plan.store, HOSTS[APP_SERVER].0)?;
        let app_server = AppServer::new(plan.identity(APP_SERVER), plan.app_server.clone(), store.reader(), seed()?)
            .map_err(|error| element(&error))?;
        let (committer, thread) = Committer::start(store, 4096)?;
        stores.push(thread);
        let app_server = start(&plan, APP_SERVER, net, app_server, Some(committer), watch()).await?;
        let ue = Ue::new(plan.identity(UE), plan.ue.clone(), seed()?);
        let ue = start(&plan, UE, net, ue, None, watch()).await?;
        let (function_2, function) = (functions.pop(), functions.pop());
        let (Some(function), Some(function_2)) = (function, function_2) else {
            return Err(NetworkError::Element("a function is missing".to_owned()));
        };
        let network = Self { ue, mme, hss, function: Some(function), function_2, app_server, stores };
        network.ready().await?;
        Ok(network)
    }

    async fn ready(&self) -> Result<(), NodeError> {
        tokio::try_join!(
            linked(&self.ue),
            linked(&self.mme),
            linked(&self.hss),
            async { if let Some(function) = &self.function { linked(function).await } else { Ok(()) } },
            linked(&self.function_2),
            linked(&self.app_server),
        )?;
        Ok(())
    }

    /// Stops the first function, in order.
    ///
    /// # Errors
    /// When it did not end in order.
    pub async fn stop_function(&mut self) -> Result<(), NetworkError> {
        if let Some(function) = self.function.take() {
            function.stop().await?;
        }
        Ok(())
    }

    /// Stops all six in order: DPR and SHUTDOWN on every association.
    ///
    /// # Errors
    /// A node or a store did not end in order.
    pub async fn stop(mut self) -> Result<(), NetworkError> {
        // Whoever connects leaves before those it connects to, so that each association sees one DPR.
        self.ue.stop().await?;
        self.app_server.stop().await?;
        self.mme.stop().await?;
        self.function_2.stop().await?;
        if let Some(function) = self.function.take() {
            function.stop().await?;
        }
        self.hss.stop().await?;
        for store in self.stores {
            tokio::task::spawn_blocking(move || store.join())
                .await
                .map_err(|error| NetworkError::Element(error.to_string()))??;
        }
        Ok(())
    }
}

/// Embedded SCTP over UDP at a port, recorded.
pub fn transports(port: u16, immediate_sack: bool, recorder: Option<Recorder>) -> Net {
    Net::new(Options { udp_port: port, recorder, immediate_sack, ..Options::default() })
}

/// Waits until the links of a party are up; one that has none need not wait.
async fn linked<E: Element + Send + 'static>(node: &Handle<E>) -> Result<(), NodeError> {
    const PATIENCE: Duration = Duration::from_secs(10);
    if node.peers().is_empty() { Ok(()) } else { node.ready(PATIENCE).await }
}

async fn start<E: Element + Send + 'static>(
    plan: &Plan,
    party: usize,
    net: &Net,
    element: E,
    store: Option<Committer>,
    observer: Option<Observer>,
) -> Result<Handle<E>, NetworkError> {
    let started = node::start(plan.settings(party), net.clone(), element, store, observer).await;
    started.map_err(|error| match error {
        NodeError::Listen(NetError::Bind { reason, .. }) => {
            NetworkError::Port { port: net.options().udp_port, address: address(party), reason }
        }
        other => NetworkError::Node(other),
    })
}

impl Plan {
    /// The parties of a scene.
    ///
    /// # Errors
    /// When a subscriber has no number.
    pub fn new(scene: &Scene) -> Result<Self, NetworkError> {
        let element = |words: &dyn std::fmt::Display| NetworkError::Element(words.to_string());
        let plmn: PlmnId = "001-01".parse().map_err(|error| element(&error))?;
        let function = |at, other| function_config(plmn, at, other, scene.network_key);
        let known = |party| peer_function(party, REALM);
        let keys = scene.places().map(|_| Ok(PrivateKey::generate()?.0)).collect::<Result<Vec<_>, SecretError>>();
        let keys = keys.map_err(|error| element(&error))?;
        let users: Vec<_> =
            scene.places().zip(&keys).map(|(place, key)| User::with_key(&user_name(place), key.public())).collect();
        Ok(Self {
            ue: UeConfig {
                mme: destination(MME),
                app_server: destination(APP_SERVER),
                application: APPLICATION.to_owned(),
                tell_id3: true,
                devices: devices(scene, keys).map_err(|error| element(&error))?,
            },
            mme: MmeConfig {
                plmn,
                hss: Some(destination(HSS)),
                subscribers: Vec::new(),
                functions: vec![known(FUNCTION), known(FUNCTION_2)],
                services: ALL_SERVICES,
                most_pending: 65_536,
            },
            hss: hss_config(scene).map_err(|error| element(&error))?,
            functions: [function(0, FUNCTION_2), function(1, FUNCTION)],
            app_server: AppServerConfig {
                users,
                functions: vec![known(FUNCTION), known(FUNCTION_2)],
                ..AppServerConfig::new(vec![APPLICATION.to_owned()])
            },
            links: LINKS.into_iter().chain([LINK_OF_MOVE]).collect(),
            second_realm: REALM,
            claimed: None,
            answer_wait: None,
            store: scene.store.clone(),
        })
    }

    fn realm(&self, party: usize) -> &'static str {
        if party == FUNCTION_2 { self.second_realm } else { REALM }
    }

    fn identity(&self, party: usize) -> Identity {
        let realm = self.realm(party);
        Identity { host: format!("{}.{realm}", HOSTS[party].0), realm: realm.to_owned() }
    }

    fn settings(&self, party: usize) -> Settings {
        let Identity { host, realm } = self.identity(party);
        let local = Local { origin_state: 1, ..Local::new(host, &realm, vec![address(party)]) };
        let mut settings = Settings::new(local);
        settings.transport = Transport::EmbeddedSctp;
        settings.listen = vec![SocketAddr::new(address(party), DIAMETER_PORT).into()];
        if let Some(wait) = self.answer_wait {
            settings.drain = wait;
        }
        for (from, to) in self.links.iter().copied() {
            let (other, connects) = match party {
                _ if party == from => (to, true),
                _ if party == to => (from, false),
                _ => continue,
            };
            let remote = SocketAddr::new(address(other), DIAMETER_PORT);
            let Identity { host, realm } = self.identity(other);
            let mut of_peer = peer::Settings::default();
            if let Some(wait) = self.answer_wait.filter(|_| party == APP_SERVER) {
                of_peer.answer_wait = wait;
            }
            settings.peers.push(PeerSettings {
                expected: Expected { identity: host, realm: Some(realm), addresses: vec![address(other)] },
                connect_to: connects.then(|| remote.into()),
                udp_port: None,
                settings: of_peer,
            });
        }
        settings
    }
}

impl Scene {
    /// The numbers of its UEs.
    fn places(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.ues
    }
}

/// A function as its neighbours know it.
pub fn peer_function(party: usize, realm: &str) -> FunctionPeer {
    let host = format!("{}.{realm}", HOSTS[party].0);
    FunctionPeer { host, realm: realm.to_owned(), addresses: vec![address(party)] }
}

/// Where requests to a party go.
pub fn destination(party: usize) -> Destination {
    Destination { host: Some(host(party)), realm: REALM.to_owned() }
}

fn hss_config(scene: &Scene) -> Result<HssConfig, DigitsError> {
    let subscriber = |place: usize| {
        // The first UE of a refusal has no subscription to ProSe.
        let permission = if scene.deny && place == scene.first { None } else { Some(ALL_SERVICES) };
        Ok(Subscriber {
            imsi: imsi(place)?,
            msisdn: format!("49151{:07}", place + 1).parse().ok(),
            prose_permission: permission,
            allowed_plmns: Vec::new(),
        })
    };
    let subscribers = scene.places().map(subscriber).collect::<Result<_, _>>()?;
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
        functions: vec![peer_function(other, REALM)],
        services: ALL_SERVICES,
        move_hold: 600,
        moved_memory: 120,
        retention: 24 * 3600,
        retry_first: 1,
        retry_most: 60,
        pc2_application: crate::interfaces::pc2::APPLICATION,
        most_bindings: 64,
        most_pending: 65_536,
        overload: OverloadSettings::default(),
    }
}

fn devices(scene: &Scene, keys: Vec<PrivateKey>) -> Result<Vec<Device>, DigitsError> {
    scene
        .places()
        .zip(keys)
        .map(|(place, key)| {
            // The second UE of a refusal can do nothing of what ProSe needs.
            let capability = if scene.deny && place == scene.first + 1 { 0 } else { ALL_SERVICES };
            let credential = Credential::Key(Arc::new(key));
            Ok(Device { imsi: imsi(place)?, capability, user: user_name(place), credential })
        })
        .collect()
}

/// The name of the user at a place, at the app server.
pub fn user_name(place: usize) -> String {
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
