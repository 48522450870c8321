//! Configurations as a file gives them.

use serde_json::json;

use crate::registration::identifiers::FunctionAddress;
use crate::registration::{
    AppServer, AppServerConfig, Function, FunctionConfig, HssConfig, Identity, Mme, MmeConfig, UeConfig,
};
use crate::store::MemoryStore;

fn identity(name: &str) -> Identity {
    Identity { host: format!("{name}.example.org"), realm: "example.org".into() }
}

#[test]
fn the_least_that_each_party_needs() {
    let ue: UeConfig = serde_json::from_value(json!({
        "mme": { "host": "mme.example.org", "realm": "example.org" },
        "app_server": { "realm": "example.org" },
        "application": "mcc001.mnc01.ProSeApp.Chat",
        "devices": [{ "imsi": "001010123456789", "user": "alice", "password": "secret" }],
    }))
    .unwrap();
    assert_eq!((ue.tell_id3, ue.devices[0].capability, ue.app_server.host), (true, 0xff, None));
    let shown = format!("{:?}", ue.devices);
    assert!(!shown.contains("secret") && !shown.contains("123456789"), "{shown}");

    let mme: MmeConfig = serde_json::from_value(json!({
        "plmn": "001-01",
        "functions": [{ "host": "pf1.example.org", "realm": "example.org", "addresses": ["192.0.2.1", "2001:db8::1"] }],
    }))
    .unwrap();
    assert_eq!((mme.hss.is_none(), mme.functions[0].addresses.len()), (true, 2));
    assert!(Mme::new(identity("mme"), MmeConfig { functions: Vec::new(), ..mme }, [0; 16]).is_err());

    let hss: HssConfig = serde_json::from_value(json!({
        "subscribers": [{
            "imsi": "001010123456789", "msisdn": "+4915112345678", "prose_permission": 3,
            "allowed_plmns": [{ "plmn": "001-01", "direct_allowed": 7 }],
        }],
    }))
    .unwrap();
    assert!(hss.subscribers[0].msisdn.is_some());

    let (key, hash) = ("11".repeat(32), "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGlkZGVu");
    let server: AppServerConfig = serde_json::from_value(json!({
        "applications": ["mcc001.mnc01.ProSeApp.Chat"],
        "users": [{ "name": "alice", "key": key, "password": hash }],
        "id3_realms": ["example.org"],
    }))
    .unwrap();
    assert_eq!((server.users[0].key.unwrap().0, server.lab, server.proof_window), ([0x11; 32], false, 60));
    let shown = format!("{server:?} {:?}", server.users[0].password);
    assert!(!shown.contains("aGlkZGVu"), "{shown}");
    let start = |config| AppServer::new(identity("as1"), config, MemoryStore::new(), [0; 16]).map(drop);
    assert!(start(server.clone()).is_ok());
    let none = AppServerConfig { applications: Vec::new(), ..server.clone() };
    assert!(start(none).is_err());
    let timeless = AppServerConfig { proof_window: 0, ..server.clone() };
    assert!(start(timeless).is_err());
    let not_pc2 = AppServerConfig { pc2_application: 4, ..server };
    assert!(start(not_pc2).is_err());
}

fn function() -> serde_json::Value {
    json!({
        "plmn": "001-01",
        "allocator": 3,
        "network_key": "000102030405060708090a0b0c0d0e0f",
        "hss": { "realm": "example.org" },
        "mmes": ["mme.example.org"],
        "app_servers": [{ "host": "as1.example.org", "realm": "example.org", "applications": ["a"] }],
    })
}

#[test]
fn a_function_tells_its_own_name_unless_told_otherwise() {
    let start = |config: serde_json::Value| {
        let config: FunctionConfig = serde_json::from_value(config).unwrap();
        Function::new(identity("pf1"), config, MemoryStore::new(), [0; 16])
    };
    assert_eq!(start(function()).unwrap().address().to_string(), "pf1.example.org");
    let mut config = function();
    config["address"] = json!("2001:db8::1");
    assert!(matches!(start(config).unwrap().address(), FunctionAddress::Ipv6(_)));
    for (field, value) in [("allocator", json!(64)), ("id1_validity", json!(0)), ("pc2_application", json!(1))] {
        let mut config = function();
        config[field] = value;
        let why = start(config).unwrap_err().to_string();
        assert!(why.starts_with(field), "{why}");
    }
}

#[test]
fn what_is_wrong_in_a_file_is_named() {
    for (field, value, expected) in [
        ("plmn", json!("1"), "a PLMN"),
        ("network_key", json!("0011"), "32 hexadecimal digits"),
        ("address", json!("not a name"), "label"),
        ("validity", json!(1), "unknown field `validity`"),
    ] {
        let mut config = function();
        config[field] = value;
        let why = serde_json::from_value::<FunctionConfig>(config).unwrap_err().to_string();
        assert!(why.contains(expected), "{why}");
    }
}
