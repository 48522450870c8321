//! Who is configured with what, unless a story says otherwise.

use super::*;

/// What each element is configured with; change it before [`Network::build`].
pub struct Plan {
    pub ue: UeConfig,
    pub mme: MmeConfig,
    pub hss: HssConfig,
    pub function: FunctionConfig,
    pub other: FunctionConfig,
    pub foreign: FunctionConfig,
    pub app_server: AppServerConfig,
    pub second_app_server: AppServerConfig,
}

pub fn address_of(place: Place) -> std::net::IpAddr {
    match place {
        Place::Function => "192.0.2.1".parse().unwrap(),
        _ => "2001:db8::2".parse().unwrap(),
    }
}

impl Default for Plan {
    fn default() -> Self {
        let to = |place: Place| Destination { host: Some(place.host()), realm: REALM.to_owned() };
        let peer = |place: Place| FunctionPeer {
            host: place.host(),
            realm: REALM.to_owned(),
            addresses: vec![address_of(place)],
        };
        let network = |place: Place, plmn: &str| standard::Network {
            plmn: plmn.parse().unwrap(),
            host: place.host(),
            realm: place.realm().to_owned(),
            via: Vec::new(),
            direct_allowed: 0x3ff,
            discovery_range: Some(2),
            validity: 1800,
            proximity: true,
        };
        let function = |place: Place, allocator| FunctionConfig {
            plmn: "001-01".parse().unwrap(),
            address: None,
            allocator,
            network_key: *b"sixteen octets!!",
            id1_validity: 3600,
            hss: to(Place::Hss),
            mmes: vec![Place::Mme.host()],
            app_servers: [(Place::AppServer, APPLICATION), (Place::SecondAppServer, GAMES)]
                .map(|(place, application)| AppServerPeer {
                    host: place.host(),
                    realm: REALM.to_owned(),
                    applications: vec![application.to_owned()],
                })
                .to_vec(),
            functions: vec![peer(if place == Place::Function { Place::Other } else { Place::Function })],
            services: 0xff,
            move_hold: 600,
            moved_memory: 120,
            retention: 7200,
            retry_first: 1,
            retry_most: 60,
            pc2_application: crate::interfaces::pc2::APPLICATION,
            most_bindings: 4,
            most_pending: 64,
            overload: OverloadSettings::default(),
            standard: StandardConfig { networks: vec![network(Place::Foreign, "001-02")], ..StandardConfig::default() },
        };
        let app_server = |application: &str| AppServerConfig {
            users: vec![user("alice", PASSWORD)],
            lab: true,
            functions: vec![peer(Place::Function), peer(Place::Other)],
            id3_realms: vec![REALM.to_owned()],
            most_pending: 64,
            most_users: 1000,
            ..AppServerConfig::new(vec![application.to_owned()])
        };
        Self {
            ue: UeConfig {
                mme: to(Place::Mme),
                app_server: to(Place::AppServer),
                application: APPLICATION.to_owned(),
                tell_id3: true,
                devices: vec![Device {
                    imsi: imsi(),
                    capability: 0xff,
                    user: "alice".to_owned(),
                    credential: Credential::Password(Secret::new(PASSWORD)),
                }],
            },
            mme: MmeConfig {
                plmn: "001-01".parse().unwrap(),
                hss: Some(to(Place::Hss)),
                subscribers: Vec::new(),
                functions: vec![peer(Place::Function), peer(Place::Other)],
                services: 0xff,
                most_pending: 64,
            },
            hss: HssConfig {
                subscribers: vec![Subscriber {
                    imsi: imsi(),
                    msisdn: Some("4915112345678".parse().unwrap()),
                    prose_permission: Some(0x03),
                    allowed_plmns: Vec::new(),
                    reset_ids: Vec::new(),
                }],
                functions: vec![Place::Function.host(), Place::Other.host(), Place::Foreign.host()],
            },
            function: function(Place::Function, 1),
            other: function(Place::Other, 2),
            foreign: FunctionConfig {
                plmn: "001-02".parse().unwrap(),
                functions: Vec::new(),
                standard: StandardConfig {
                    networks: vec![network(Place::Function, "001-01")],
                    ..StandardConfig::default()
                },
                ..function(Place::Foreign, 1)
            },
            app_server: app_server(APPLICATION),
            second_app_server: app_server(GAMES),
        }
    }
}
