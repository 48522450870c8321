//! Configurations read, and what is said of those that are wrong.

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::net::Transport;
use crate::node::users;

const GOOD: &str = r#"
identity = "hss.example"
realm = "example"
listen = ["127.0.0.13", "tcp:127.0.0.13:3869"]
transport = "sctp-embedded"
tc = 2

[[peer]]
identity = "mme.example"
addresses = ["127.0.0.12"]

[[peer]]
identity = "function.example"
connect_to = "127.0.0.14"
udp_port = 9900
tw = 6

[hss]
"#;

fn read(text: &str) -> Result<Config, String> {
    parse(Path::new("conf/hss.toml"), text).map_err(|error| error.to_string())
}

#[test]
fn a_file_becomes_settings() {
    let config = read(GOOD).unwrap();
    let settings = &config.settings;
    assert_eq!(settings.listen[0].to_string(), "127.0.0.13");
    assert_eq!(settings.listen[1].to_string(), "tcp:127.0.0.13:3869");
    assert_eq!(settings.local.addresses, ["127.0.0.13".parse::<IpAddr>().unwrap()]);
    assert_eq!(settings.transport, Transport::EmbeddedSctp);
    let [mme, function] = &settings.peers[..] else { panic!() };
    assert_eq!((mme.connect_to.clone(), mme.settings.intervals.connect), (None, Duration::from_secs(2)));
    assert_eq!(function.udp_port, Some(9900));
    assert_eq!(function.expected.addresses, ["127.0.0.14".parse::<IpAddr>().unwrap()]);
    assert_eq!(function.settings.intervals.watchdog, Duration::from_secs(6));
    assert!(matches!(config.role, Role::Hss(_)));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (from, to, words) in [
        ("tc = 2", "tc = -1", "conf/hss.toml:6:6: tc is -1, expected 0.1 to 86400 seconds"),
        ("tw = 6", "tw = 5", "conf/hss.toml:16:6: tw is 5, expected 6 to 86400 seconds"),
        ("tc = 2", "tz = 2", "conf/hss.toml:6:1: unknown field `tz`"),
        ("tc = 2", "tc = ", "conf/hss.toml:6:6: "),
        ("\"sctp-embedded\"", "\"udp\"", "conf/hss.toml:5:13: \"udp\" is no transport"),
        ("\"127.0.0.14\"", "\"udp:1.2.3.4\"", "conf/hss.toml:14:14: \"udp:1.2.3.4\" is no address"),
        ("[\"127.0.0.13\"", "[\"hss.example\"", "conf/hss.toml:4:11: \"hss.example\" is no address: a node listens"),
        ("function.example", "MME.example", "conf/hss.toml:13:12: the peer MME.example is there twice"),
        ("\"mme.example\"", "\"hss.example\"", "conf/hss.toml:9:12: the peer hss.example is this node itself"),
        ("[hss]", "[private]\nvendor = 10415\n[hss]", "vendor 10415 is a standard's; take one of your own"),
        ("[hss]", "[sctp]\nmtu = 100\n[hss]", "conf/hss.toml:19:7: mtu is 100, expected 576 to 9000"),
        ("[hss]", "[sctp]\nrto_initial = 9\n[hss]", "conf/hss.toml:19:15: rto_minimum 300ms, rto_initial 9s and"),
        ("[hss]", "", "conf/hss.toml: the node has no role"),
        ("[hss]", "[hss]\ncolour = 1", "conf/hss.toml:19:1: unknown field `colour`"),
        ("realm = \"example\"", "", "missing field `realm`"),
        ("realm = \"example\"", "realm = \"ex ample\"", "conf/hss.toml:3:9: realm is no host or realm name"),
    ] {
        let error = read(&GOOD.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(words), "{error}\nshould be\n{words}");
    }
}

#[test]
fn agents_are_read_with_their_routes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let relay = load(&folder.join("relay.toml")).unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(relay.role, Role::Relay(RelayConfig { proxy_info: false })));
    let [own, default] = &relay.settings.routes[..] else { panic!() };
    assert_eq!((own.hosts.len(), own.share, &*default.realm), (2, false, "*"));
    let intervals = relay.settings.peers[0].settings.intervals;
    assert_eq!((intervals.connect.as_secs(), intervals.connect_limit.as_secs()), (2, 30));
    let redirect = load(&folder.join("redirect.toml")).unwrap_or_else(|error| panic!("{error}"));
    let Role::Redirect(RedirectConfig { rows }) = &redirect.role else { panic!() };
    assert_eq!((rows[0].usage, rows[0].cache_time, rows[0].hosts[0].port), (3, 3600, 3868));
    let intervals = redirect.settings.peers[0].settings.intervals;
    assert_eq!(intervals.connect_limit, 4 * intervals.connect, "four times tc unless said otherwise");
}

#[test]
fn what_is_wrong_with_an_agent_is_told_with_its_place() {
    let section = "[[redirect.route]]\nrealm = \"*\"\nhosts = [\"aaa://x\"]\nusage = \"ALL_REALM\"\ncache_time = 1";
    let good = GOOD.replacen("[hss]", section, 1);
    assert!(read(&good).is_ok());
    for (from, to, words) in [
        ("aaa://x", "x", "conf/hss.toml:20:10: `x` is no DiameterURI"),
        ("[\"aaa://x\"]", "[]", "the redirect for realm * has no hosts"),
        ("ALL_REALM", "ALL", "conf/hss.toml:21:9: \"ALL\" is no usage, expected one of DONT_CACHE, ALL_SESSION"),
        ("cache_time = 1", "", "conf/hss.toml:21:9: a usage other than DONT_CACHE needs cache_time"),
        ("tc = 2", "tc = 2\ntc_max = 1", "conf/hss.toml:7:10: tc_max is 1, expected 2 to"),
        ("tc = 2", "tc = 2\n[relay]\nproxy = true", "conf/hss.toml:8:1: unknown field `proxy`"),
    ] {
        let error = read(&good.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(words), "{error}\nshould be\n{words}");
    }
}

#[test]
fn the_examples_are_good_and_fit_together() {
    use crate::registration::Credential;
    use crate::registration::app_server::Question;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let load = |name: &str| load(&folder.join(name)).unwrap_or_else(|error| panic!("{error}"));
    let names = ["ue.toml", "mme.toml", "hss.toml", "function.toml", "app-server.toml", "function2.toml"];
    let configs: Vec<_> = names.into_iter().map(load).collect();
    // Each peer of each is one of the six, names it back, and exactly one of the two connects.
    for one in &configs {
        let this = &one.settings.local.identity;
        for peer in &one.settings.peers {
            let other = configs.iter().find(|other| other.settings.local.identity == peer.expected.identity).unwrap();
            let back = other.settings.peers.iter().find(|back| back.expected.identity == *this).unwrap();
            assert_ne!(peer.connect_to.is_some(), back.connect_to.is_some(), "{this}");
            assert!(back.expected.addresses.iter().all(|ip| one.settings.local.addresses.contains(ip)), "{this}");
        }
    }
    // The UE's key is that of a user of the app server.
    let (Role::Ue(ue), Role::AppServer(server)) = (&configs[0].role, &configs[4].role) else { panic!() };
    let (device, user) = (&ue.devices[0], &server.users[0]);
    assert_eq!(user.name, device.user);
    let Credential::Key(key) = &device.credential else { panic!() };
    let question = Question::Signature { key: user.key.unwrap(), octets: b"x"[..].into(), signature: key.sign(b"x") };
    assert_eq!(users::judge(&question), Ok(true));
}
