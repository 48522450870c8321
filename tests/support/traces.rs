//! Traces of S6a, Gx, Rx and Cx as a core speaks them, made from JSON by our own encoder: what is replayed against real nodes,
//! since captures of others are no part of this project.

use serde_json::{Value, json};

use super::source;

/// Who asks in every trace.
pub const CLIENT: &str = "a.example.net";
/// Who is asked.
pub const SERVER: &str = "b.example.net";
/// The realm of both.
pub const REALM: &str = "example.net";

/// A trace: one association, and what is said there.
pub struct Trace {
    /// Of the interface.
    pub name: &'static str,
    /// Application-Id.
    pub application: u32,
    /// Codes of its commands.
    pub commands: &'static [u32],
    /// Requests and answers.
    messages: fn(&mut Pen),
}

/// All of them.
pub const TRACES: [Trace; 4] = [
    Trace { name: "s6a", application: 16_777_251, commands: &[318, 316, 321], messages: s6a },
    Trace { name: "gx", application: 16_777_238, commands: &[272, 258], messages: gx },
    Trace { name: "rx", application: 16_777_236, commands: &[265, 275], messages: rx },
    Trace { name: "cx", application: 16_777_216, commands: &[300, 301, 302, 303], messages: cx },
];

impl Trace {
    /// The capture, in SCTP or TCP.
    ///
    /// # Panics
    /// When the source is wrong.
    pub fn capture(&self, transport: &str) -> Vec<u8> {
        let mut pen = Pen { trace: self.application, session: String::new(), messages: Vec::new() };
        (self.messages)(&mut pen);
        let side = |address: &str, host: &str| json!({"address": address, "host": host, "realm": REALM});
        let conversation = json!({
            "transport": transport,
            "client": side("192.0.2.1:40000", CLIENT),
            "server": side("192.0.2.2:3868", SERVER),
            "applications": [self.application],
            "messages": pen.messages,
        });
        let source = json!({"conversations": [conversation]}).to_string();
        source::capture(&source).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// How many requests the client says.
    pub fn requests(&self) -> usize {
        let mut pen = Pen { trace: self.application, session: String::new(), messages: Vec::new() };
        (self.messages)(&mut pen);
        pen.messages.len() / 2
    }
}

/// Writes requests of the client, each with its answer.
struct Pen {
    trace: u32,
    session: String,
    messages: Vec<Value>,
}

impl Pen {
    /// A session from here on.
    fn session(&mut self, number: u32) {
        self.session = format!("{CLIENT};1793610000;{number}");
    }

    /// A request that goes to the realm, and to the host where `to_host`; `common` is in the request and its answer.
    fn exchange(&mut self, code: u32, common: &Value, request: &Value, answer: &Value, to_host: bool) {
        let own = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let session = json!({"name": "Session-Id", "value": self.session});
        let origin = |host: &str| {
            [json!({"name": "Origin-Host", "value": host}), json!({"name": "Origin-Realm", "value": REALM})]
        };
        let mut asked = vec![session.clone()];
        asked.extend(own(common));
        asked.extend(origin(CLIENT));
        asked.push(json!({"name": "Destination-Realm", "value": REALM}));
        if to_host {
            asked.push(json!({"name": "Destination-Host", "value": SERVER}));
        }
        asked.extend(own(request));
        let mut answered = vec![session];
        answered.extend(own(common));
        answered.extend(own(answer));
        answered.extend(origin(SERVER));
        for (from, flags, avps) in [("client", 0xc0, asked), ("server", 0x40, answered)] {
            let message = json!({"flags": flags, "code": code, "application": self.trace, "avps": avps});
            self.messages.push(json!({"from": from, "message": message}));
        }
    }
}

fn success() -> Value {
    json!({"name": "Result-Code", "value": "DIAMETER_SUCCESS"})
}

fn vendor_specific(application: u32) -> Value {
    json!({"name": "Vendor-Specific-Application-Id", "avps": [
        {"name": "Vendor-Id", "value": 10415}, {"name": "Auth-Application-Id", "value": application},
    ]})
}

fn state() -> Value {
    json!({"name": "Auth-Session-State", "value": "NO_STATE_MAINTAINED"})
}

/// An MME: authentication, location, and the UE leaves.
fn s6a(pen: &mut Pen) {
    let common = json!([state()]);
    let imsi = json!({"name": "User-Name", "value": "001010000000007"});
    let plmn = json!({"name": "Visited-PLMN-Id", "value": "00f110"});
    let result = json!([success(), vendor_specific(pen.trace)]);
    pen.session(1);
    let wanted = json!({"name": "Requested-EUTRAN-Authentication-Info", "avps": [
        {"name": "Number-Of-Requested-Vectors", "value": 1}, {"name": "Immediate-Response-Preferred", "value": 1},
    ]});
    let given = json!({"name": "Authentication-Info", "avps": [{"name": "E-UTRAN-Vector", "avps": [
        {"name": "RAND", "value": "000102030405060708090a0b0c0d0e0f"}, {"name": "XRES", "value": "1011121314151617"},
        {"name": "AUTN", "value": "202122232425262728292a2b2c2d2e2f"},
        {"name": "KASME", "value": "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f"},
    ]}]});
    pen.exchange(318, &common, &json!([imsi, wanted, plmn]), &json!([success(), given]), true);
    pen.session(2);
    let location = json!([imsi, {"name": "RAT-Type", "value": 1004}, {"name": "ULR-Flags", "value": 34}, plmn]);
    let known = json!([success(), {"name": "ULA-Flags", "value": 1}, {"name": "Subscription-Data", "avps": [
        {"name": "Subscriber-Status", "value": 0}, {"name": "MSISDN", "value": "0011325476f8"},
        {"name": "Network-Access-Mode", "value": 2},
    ]}]);
    pen.exchange(316, &common, &location, &known, true);
    pen.session(3);
    pen.exchange(321, &common, &json!([imsi]), &result, true);
}

/// A gateway: a bearer comes, changes and goes.
fn gx(pen: &mut Pen) {
    pen.session(4);
    for (number, kind) in ["INITIAL_REQUEST", "UPDATE_REQUEST", "TERMINATION_REQUEST"].into_iter().enumerate() {
        let common = json!([
            {"name": "Auth-Application-Id", "value": pen.trace}, {"name": "CC-Request-Type", "value": kind},
            {"name": "CC-Request-Number", "value": number},
        ]);
        let subscriber = json!({"name": "Subscription-Id", "avps": [
            {"name": "Subscription-Id-Type", "value": "END_USER_IMSI"},
            {"name": "Subscription-Id-Data", "value": "001010000000007"},
        ]});
        let asks = json!([subscriber, {"name": "Framed-IP-Address", "value": "0a2d0002"},
                          {"name": "Called-Station-Id", "value": "internet"}]);
        let rules = json!([success(), {"name": "QoS-Information", "avps": [
            {"name": "APN-Aggregate-Max-Bitrate-UL", "value": 50_000_000},
            {"name": "APN-Aggregate-Max-Bitrate-DL", "value": 100_000_000},
        ]}]);
        let answer = if number == 0 { rules } else { json!([success()]) };
        pen.exchange(272, &common, &asks, &answer, number > 0);
    }
}

/// A P-CSCF: a call is set up and ends.
fn rx(pen: &mut Pen) {
    pen.session(5);
    let common = json!([{"name": "Auth-Application-Id", "value": pen.trace}]);
    let media = json!({"name": "Media-Component-Description", "avps": [
        {"name": "Media-Component-Number", "value": 1}, {"name": "Media-Type", "value": "AUDIO"},
        {"name": "Flow-Status", "value": 2},
    ]});
    let asks = json!([media, {"name": "Framed-IP-Address", "value": "0a2d0002"}]);
    let granted = json!([success(), {"name": "IP-CAN-Type", "value": 5}, {"name": "RAT-Type", "value": 1004}]);
    pen.exchange(265, &common, &asks, &granted, false);
    let ends = json!([{"name": "Termination-Cause", "value": "DIAMETER_LOGOUT"}]);
    pen.exchange(275, &json!([]), &json!([common[0], ends[0]]), &json!([success()]), true);
}

/// I-CSCF and S-CSCF in one: a user registers and is called.
fn cx(pen: &mut Pen) {
    const TGPP: u32 = 10415;
    let avp = |code: u32, value: Value| json!({"code": code, "vendor": TGPP, "flags": 192, "value": value});
    let common = json!([vendor_specific(pen.trace), state()]);
    let user = json!({"name": "User-Name", "value": "alice@ims.example.net"});
    let public = avp(601, json!("sip:alice@ims.example.net"));
    let server = avp(602, json!("sip:s-cscf.ims.example.net:6060"));
    let first = json!({"name": "Experimental-Result", "avps": [
        {"name": "Vendor-Id", "value": TGPP}, {"name": "Experimental-Result-Code", "value": 2001},
    ]});
    pen.session(6);
    let asks = json!([user, public, avp(600, json!("696d732e6578616d706c652e6e6574")), avp(623, json!(0))]);
    pen.exchange(300, &common, &asks, &json!([first, server]), false);
    pen.session(7);
    let item = json!({"code": 612, "vendor": TGPP, "flags": 192, "avps": [avp(608, json!("Digest-AKAv1-MD5"))]});
    let given = json!({"code": 612, "vendor": TGPP, "flags": 192, "avps": [
        avp(613, json!(1)), avp(608, json!("Digest-AKAv1-MD5")), avp(609, json!("00010203")),
    ]});
    let asks = json!([user, public, avp(607, json!(1)), item, server]);
    pen.exchange(303, &common, &asks, &json!([success(), user, public, avp(607, json!(1)), given]), true);
    pen.session(8);
    let asks = json!([user, public, server, avp(614, json!(1)), avp(624, json!(0))]);
    let profile = avp(606, json!("3c494d53537562736372697074696f6e2f3e"));
    pen.exchange(301, &common, &asks, &json!([success(), user, profile]), true);
    pen.session(9);
    pen.exchange(302, &common, &json!([public]), &json!([success(), server]), false);
}
