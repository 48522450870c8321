//! The parties around the UEs: MME and app server always; function, store and HSS where there is none of somebody else's.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use toml::{Table, Value};

use super::RegistrationArgs;
use super::crowd::{Crowd, Plan};
use crate::capture::write::SCTP_UDP_PORT;
use crate::cli::call::Early;
use crate::cli::party::{Calling, Folder, Known, calls, origin_state, seed, settings};
use crate::interfaces::{pc2, pc4};
use crate::net::{Endpoint, Host, Net, Options};
use crate::node::users::PrivateKey;
use crate::node::{self, Handle, PeerSettings, Settings};
use crate::peer::{self, Expected, Local};
use crate::registration::app_server::{PublicKey, User};
use crate::registration::credential::Credential;
use crate::registration::element::Element;
use crate::registration::hss::Subscriber;
use crate::registration::identifiers::Imsi;
use crate::registration::ue::Device;
use crate::registration::{
    ALL_SERVICES, AppServer, AppServerConfig, Function, FunctionConfig, Hss, HssConfig, Identity, Mme, MmeConfig,
    UeConfig,
};
use crate::store::committer::{CommitterCounts, CommitterThread};
use crate::store::embedded::{EmbeddedReader, EmbeddedStore, Options as StoreOptions};
use crate::store::{Committer, CommitterCounter};

/// Writes that one commit may carry in a group, and when each write has one of its own.
const GROUP: usize = 8192;
const ALONE: usize = 1;

/// Users, and proofs that the app server remembers: those of the largest load.
const MOST_PROOFS: usize = 10_000_000;

/// Requests that a party lets be under way: more than there are UEs at a time.
const MOST_PENDING: i64 = 1 << 20;

/// The parties, running.
pub struct Network {
    /// The UEs.
    pub crowd: Handle<Crowd>,
    mme: Handle<Mme>,
    app_server: (Handle<AppServer<EmbeddedReader>>, Kept),
    hss: Option<Handle<Hss>>,
    function: Option<(Handle<Function<EmbeddedReader>>, Kept)>,
    name: String,
    _folder: Folder,
}

/// A store on disk, and what it has done.
struct Kept {
    thread: CommitterThread<EmbeddedStore>,
    counter: CommitterCounter,
}

impl Kept {
    /// Opens a store; `each`: every write is a commit of its own.
    fn open(path: PathBuf, each: bool) -> Result<(EmbeddedReader, Committer, Self), Early> {
        let store = EmbeddedStore::open(path, StoreOptions::default()).map_err(Early::environment)?;
        let reader = store.reader();
        let most = if each { ALONE } else { GROUP };
        let (committer, thread) = Committer::start_bounded(store, 65_536, most).map_err(Early::environment)?;
        let counter = committer.counter();
        Ok((reader, committer, Self { thread, counter }))
    }

    async fn close(self) -> Result<(), Early> {
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        joined.map_err(Early::environment)?.map_err(Early::environment).map(drop)
    }
}

/// Where our own parties are and how they are called.
struct Place<'a> {
    args: &'a RegistrationArgs,
    realm: String,
    net: Net,
    /// The part of loopback that nobody else is likely to have.
    block: [u8; 2],
}

const UE: u8 = 11;
const MME: u8 = 12;
const HSS: u8 = 13;
const FUNCTION: u8 = 14;
const APP_SERVER: u8 = 15;

impl Place<'_> {
    fn address(&self, party: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(127, self.block[0], self.block[1], party))
    }

    fn endpoint(&self, party: u8) -> Endpoint {
        Endpoint {
            transport: Some(self.args.over),
            hosts: vec![Host::Address(self.address(party))],
            port: Some(self.args.over.port()),
        }
    }

    fn identity(&self, party: u8) -> Identity {
        let own = match party {
            MME => self.args.mme_identity.clone(),
            APP_SERVER => self.args.app_server_identity.clone(),
            _ => None,
        };
        let name = match party {
            UE => "ue",
            MME => "mme",
            HSS => "hss",
            FUNCTION => "function",
            _ => "app-server",
        };
        Identity { host: own.unwrap_or_else(|| format!("{name}.{}", self.realm)), realm: self.realm.clone() }
    }

    /// A party that calls some, and that others call.
    fn settings(&self, party: u8, from: Vec<IpAddr>, call: Vec<PeerSettings>, called_by: &[String]) -> Settings {
        let Identity { host, realm } = self.identity(party);
        let mut settings = Settings::new(Local { origin_state: origin_state(), ..Local::new(host, realm, from) });
        settings.transport = self.args.over;
        settings.peers = call;
        settings.peers.extend(called_by.iter().map(|identity| PeerSettings {
            expected: Expected { identity: identity.clone(), realm: None, addresses: Vec::new() },
            connect_to: None,
            udp_port: None,
            settings: peer::Settings::default(),
        }));
        settings
    }

    async fn start<E: Element + Send + 'static>(
        &self,
        settings: Settings,
        element: E,
        store: Option<Committer>,
    ) -> Result<Handle<E>, Early> {
        node::start(settings, self.net.clone(), element, store, None).await.map_err(Early::environment)
    }
}

impl Network {
    /// Starts all parties and waits until they have found each other.
    pub async fn start(args: &RegistrationArgs, plan: Plan) -> Result<Self, Early> {
        let [one, two, ..] = seed()?;
        let options = Options {
            // Each of our parties has an address of its own; whoever calls another's function may share one.
            udp_port: if args.function.is_some() { 0 } else { args.udp_port.unwrap_or(SCTP_UDP_PORT) },
            connect_timeout: args.timeout,
            tls: args.tls.credentials()?,
            ..Options::default()
        };
        let place =
            Place { args, realm: args.plmn.realm(), net: Net::new(options), block: [64 | one & 0x3f, two.max(1)] };
        // One key for all users: what it takes to prove one is the same.
        let key = Arc::new(PrivateKey::generate().map_err(Early::environment)?.0);
        let mut parties = Parties { place, hss: None, function: None, folder: Folder::open(args.store.clone())? };
        let known = match &args.function {
            Some(function) => {
                if let Some(listen) = &args.hss_listen {
                    parties.hss(listen.clone(), true).await?;
                }
                let calling = parties.calling(MME, args.mme_from, &[pc4::mme::APPLICATION]);
                function.resolve(&calling).await?
            }
            None => {
                let at = parties.place.endpoint(HSS);
                parties.hss(at, false).await?;
                parties.function().await?
            }
        };
        let mme = parties.mme(&known).await?;
        let app_server = parties.app_server(&known, key.public()).await?;
        let crowd = parties.crowd(plan, &key).await?;
        let Parties { hss, function, folder, .. } = parties;
        let network = Self { crowd, mme, app_server, hss, function, name: known.identity, _folder: folder };
        network.ready(args.timeout).await?;
        Ok(network)
    }

    async fn ready(&self, patience: Duration) -> Result<(), Early> {
        let function = async {
            match &self.function {
                Some((function, ..)) => function.ready(patience).await,
                None => Ok(()),
            }
        };
        let all = tokio::try_join!(
            self.mme.ready(patience),
            self.app_server.0.ready(patience),
            self.crowd.ready(patience),
            function
        );
        all.map(drop).map_err(Early::environment)
    }

    /// The function's Origin-Host.
    pub fn function(&self) -> &str {
        &self.name
    }

    /// What the stores of our own function and of the app server have done; `None` where the function is somebody else's.
    pub fn commits(&self) -> Option<[CommitterCounts; 2]> {
        let function = self.function.as_ref().map(|(_, kept)| kept.counter.counts())?;
        Some([function, self.app_server.1.counter.counts()])
    }

    /// Stops all in order: whoever connects leaves before those it connects to.
    pub async fn stop(self) -> Result<(), Early> {
        self.crowd.stop().await.map_err(Early::environment)?;
        self.app_server.0.stop().await.map_err(Early::environment)?;
        self.app_server.1.close().await?;
        self.mme.stop().await.map_err(Early::environment)?;
        if let Some((function, kept)) = self.function {
            function.stop().await.map_err(Early::environment)?;
            kept.close().await?;
        }
        if let Some(hss) = self.hss {
            hss.stop().await.map_err(Early::environment)?;
        }
        Ok(())
    }
}

/// The parties as they are set up, one after another.
struct Parties<'a> {
    place: Place<'a>,
    hss: Option<Handle<Hss>>,
    function: Option<(Handle<Function<EmbeddedReader>>, Kept)>,
    folder: Folder,
}

impl Parties<'_> {
    fn calling(&self, party: u8, from: Option<IpAddr>, applications: &[u32]) -> Calling {
        let Identity { host, realm } = self.place.identity(party);
        let from: Vec<_> = from.into_iter().collect();
        let local = Local { applications: applications.to_vec(), ..Local::new(host, realm, from.clone()) };
        Calling {
            net: self.place.net.clone(),
            local,
            from,
            udp_port: self.place.args.udp_port,
            certificate_name: self.place.args.tls.certificate_name.clone(),
            timeout: self.place.args.timeout,
        }
    }

    async fn hss(&mut self, at: Endpoint, guests: bool) -> Result<(), Early> {
        let template: Subscriber = settings(table([
            ("imsi", "001010000000001".into()),
            ("prose_permission", i64::from(ALL_SERVICES).into()),
        ]))?;
        let mut config: HssConfig = settings(Table::new())?;
        for number in 0..self.place.args.ues {
            config.subscribers.push(Subscriber { imsi: imsi(self.place.args, number)?, ..template.clone() });
        }
        let called_by = [self.place.identity(FUNCTION).host];
        let from = at.addresses().collect();
        let mut settings = self.place.settings(HSS, from, Vec::new(), if guests { &[] } else { &called_by });
        settings.listen = vec![at];
        settings.guests = if guests { 16 } else { 0 };
        let hss = Hss::new(self.place.identity(HSS), config, seed()?);
        self.hss = Some(self.place.start(settings, hss, None).await?);
        Ok(())
    }

    /// Our own function, its store on disk.
    async fn function(&mut self) -> Result<Known, Early> {
        let place = &self.place;
        let own = place.identity(FUNCTION);
        let key = seed()?;
        let app_server = place.identity(APP_SERVER);
        let serves = Table::from_iter([
            ("host".to_owned(), app_server.host.clone().into()),
            ("realm".to_owned(), app_server.realm.into()),
            ("applications".to_owned(), vec![place.args.application.clone()].into()),
        ]);
        let config: FunctionConfig = settings(table([
            ("plmn", place.args.plmn.to_string().into()),
            ("allocator", 0.into()),
            ("network_key", data_encoding::HEXLOWER.encode(&key).into()),
            ("hss", destination(&place.identity(HSS))),
            ("mmes", vec![place.identity(MME).host].into()),
            ("app_servers", Value::Array(vec![serves.into()])),
            ("most_pending", MOST_PENDING.into()),
        ]))?;
        let path = self.folder.path.join("function.redb");
        let (reader, committer, kept) = Kept::open(path, place.args.commit_each)?;
        let function = Function::new(own.clone(), config, reader, seed()?).map_err(Early::usage)?;
        let called_by = [place.identity(MME).host, app_server.host];
        let hss = calls(&place.identity(HSS).host, &place.endpoint(HSS));
        let address = place.address(FUNCTION);
        let mut settings = place.settings(FUNCTION, vec![address], vec![hss], &called_by);
        settings.listen = vec![place.endpoint(FUNCTION)];
        let handle = place.start(settings, function, Some(committer)).await?;
        let endpoint = place.endpoint(FUNCTION);
        self.function = Some((handle, kept));
        Ok(Known { identity: own.host, realm: own.realm, endpoint, from: address })
    }

    async fn mme(&self, function: &Known) -> Result<Handle<Mme>, Early> {
        let place = &self.place;
        let subscribers = (0..place.args.ues).map(|number| imsi(place.args, number)).collect::<Result<Vec<_>, _>>()?;
        let config = MmeConfig {
            plmn: place.args.plmn,
            // The HSS is asked by the function; the MME has its subscriptions by configuration.
            hss: None,
            subscribers: crate::cli::party::serve::subscribers(subscribers, ALL_SERVICES),
            functions: vec![function.function()],
            services: ALL_SERVICES,
            most_pending: MOST_PENDING as usize,
        };
        let from = self.from(place.args.mme_from, function, MME);
        let calling = self.calling(MME, Some(from), &[]);
        let ue = [place.identity(UE).host];
        let mut settings = place.settings(MME, vec![from], vec![function.peer(&calling)], &ue);
        settings.listen = vec![place.endpoint(MME)];
        let mme = Mme::new(place.identity(MME), config, seed()?).map_err(Early::usage)?;
        place.start(settings, mme, None).await
    }

    async fn app_server(
        &self,
        function: &Known,
        key: PublicKey,
    ) -> Result<(Handle<AppServer<EmbeddedReader>>, Kept), Early> {
        let place = &self.place;
        let mut config: AppServerConfig = settings(table([
            ("applications", vec![place.args.application.clone()].into()),
            ("pc2_application", i64::from(pc2::APPLICATION).into()),
            ("most_pending", MOST_PENDING.into()),
        ]))?;
        config.functions.push(function.function());
        config.users = (0..place.args.ues).map(|number| User::with_key(&user(place.args, number), key)).collect();
        (config.most_proofs, config.most_users) = (MOST_PROOFS, MOST_PROOFS);
        let from = self.from(place.args.app_server_from, function, APP_SERVER);
        let calling = self.calling(APP_SERVER, Some(from), &[]);
        let ue = [place.identity(UE).host];
        let mut settings = place.settings(APP_SERVER, vec![from], vec![function.peer(&calling)], &ue);
        settings.listen = vec![place.endpoint(APP_SERVER)];
        let path = self.folder.path.join("app-server.redb");
        let (reader, committer, kept) = Kept::open(path, place.args.commit_each)?;
        let server = AppServer::new(place.identity(APP_SERVER), config, reader, seed()?).map_err(Early::usage)?;
        Ok((place.start(settings, server, Some(committer)).await?, kept))
    }

    /// The address that a party calls the function from.
    fn from(&self, said: Option<IpAddr>, function: &Known, party: u8) -> IpAddr {
        let ours = if self.place.args.function.is_some() { function.from } else { self.place.address(party) };
        said.unwrap_or(ours)
    }

    async fn crowd(&self, plan: Plan, key: &Arc<PrivateKey>) -> Result<Handle<Crowd>, Early> {
        let place = &self.place;
        let template: Device =
            settings(table([("imsi", "001010000000001".into()), ("user", "".into()), ("password", "".into())]))?;
        let mut config: UeConfig = settings(table([
            ("mme", destination(&place.identity(MME))),
            ("app_server", destination(&place.identity(APP_SERVER))),
            ("application", place.args.application.clone().into()),
            ("devices", Value::Array(Vec::new())),
        ]))?;
        for number in 0..place.args.ues {
            let (imsi, user) = (imsi(place.args, number)?, user(place.args, number));
            let credential = Credential::Key(Arc::clone(key) as Arc<_>);
            config.devices.push(Device { imsi, user, credential, ..template.clone() });
        }
        let call = [MME, APP_SERVER].map(|party| calls(&place.identity(party).host, &place.endpoint(party)));
        let settings = place.settings(UE, vec![place.address(UE)], call.to_vec(), &[]);
        let crowd = Crowd::new(place.identity(UE), config, seed()?, plan).map_err(Early::environment)?;
        place.start(settings, crowd, None).await
    }
}

/// The IMSI of a UE: the network's digits, then its number.
fn imsi(args: &RegistrationArgs, number: u32) -> Result<Imsi, Early> {
    let head: String = args.plmn.to_string().chars().filter(char::is_ascii_digit).collect();
    let width = 15 - head.len();
    let number = (args.first + u64::from(number)) % 10_u64.pow(width as u32);
    format!("{head}{number:0width$}").parse().map_err(Early::usage)
}

/// The name of a UE's user at the app server.
fn user(args: &RegistrationArgs, number: u32) -> String {
    format!("user{}@load.example", args.first + u64::from(number))
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn destination(identity: &Identity) -> Value {
    table([("host", identity.host.clone().into()), ("realm", identity.realm.clone().into())]).into()
}
