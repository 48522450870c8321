//! Two networks as processes: a function, an HSS and an app server in each, and a relay agent between the functions. The
//! procedures of TS 29.343 and TS 29.345 are begun from the command line and cross real sockets.

#![cfg(feature = "net")]

#[path = "support/party.rs"]
#[allow(dead_code, reason = "each test file uses a part")]
mod party;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Output;

use party::{Lab, Node, REALM, both, proselink, text, word};
use serde_json::Value;

const ABROAD: &str = "epc.mnc002.mcc001.3gppnetwork.org";
const CHAT: &str = "mcc001.mnc01.ProSeApp.Chat";
const GAMES: &str = "mcc001.mnc02.ProSeApp.Games";
const ALICE: &str = "001010000000001";
const BOB: &str = "001020000000002";

/// One of the two networks.
struct Side {
    plmn: &'static str,
    realm: &'static str,
    other: (&'static str, &'static str),
    /// Added to the last part of its addresses.
    at: u8,
    imsi: &'static str,
    applications: [(&'static str, &'static str); 2],
}

const HOME: Side = Side {
    plmn: "001-01",
    realm: REALM,
    other: ("001-02", ABROAD),
    at: 10,
    imsi: ALICE,
    applications: [(CHAT, REALM), (GAMES, ABROAD)],
};
const AWAY: Side = Side { plmn: "001-02", realm: ABROAD, other: ("001-01", REALM), at: 20, imsi: BOB, ..HOME };

impl Side {
    fn address(&self, lab: &Lab, what: u8) -> String {
        format!("tcp:{}", lab.address(self.at + what))
    }

    fn head(&self, lab: &Lab, name: &str, what: u8) -> String {
        let (realm, listen) = (self.realm, self.address(lab, what));
        format!("identity = \"{name}.{realm}\"\nrealm = \"{realm}\"\nlisten = [\"{listen}\"]\ntc = 0.2\n")
    }

    /// What its function says once it can work.
    fn up(&self) -> [String; 2] {
        [format!("peer hss.{} is up", self.realm), format!("peer dra.{REALM} is up")]
    }

    fn hss(&self, lab: &Lab) -> PathBuf {
        let (realm, imsi) = (self.realm, self.imsi);
        let head = self.head(lab, "hss", 3);
        let text = format!(
            "{head}[[peer]]\nidentity = \"function.{realm}\"\n[hss]\n\
             [[hss.subscribers]]\nimsi = \"{imsi}\"\nmsisdn = \"49151000000{}\"\nprose_permission = 255\n",
            self.at
        );
        lab.write(&format!("hss{}.toml", self.at), &text)
    }

    /// The other function is no peer: its realm leads to the relay agent.
    fn function(&self, lab: &Lab) -> PathBuf {
        let (realm, at, plmn, (other, abroad)) = (self.realm, self.at, self.plmn, self.other);
        let head = self.head(lab, "function", 4);
        let (hss, relay) = (self.address(lab, 3), format!("tcp:{}", lab.address(9)));
        let servers: String = self
            .applications
            .iter()
            .map(|(application, of)| {
                format!(
                    "[[function.app_servers]]\nhost = \"app-server.{of}\"\nrealm = \"{of}\"\n\
                     applications = [\"{application}\"]\n"
                )
            })
            .collect();
        let text = format!(
            "{head}store = \"function{at}.redb\"\nadmin = \"function{at}.sock\"\n\
             [[peer]]\nidentity = \"mme.{realm}\"\n\
             [[peer]]\nidentity = \"hss.{realm}\"\nconnect_to = \"{hss}\"\n\
             [[peer]]\nidentity = \"dra.{REALM}\"\nconnect_to = \"{relay}\"\n\
             [[peer]]\nidentity = \"app-server.{REALM}\"\n[[peer]]\nidentity = \"app-server.{ABROAD}\"\n\
             [[route]]\nrealm = \"{abroad}\"\napplication = 16777340\nhosts = [\"dra.{REALM}\"]\n\
             [function]\nplmn = \"{plmn}\"\nallocator = 0\nnetwork_key = \"3031323334353637383961626364650{}\"\n\
             mmes = [\"mme.{realm}\"]\n[function.hss]\nhost = \"hss.{realm}\"\nrealm = \"{realm}\"\n{servers}\
             [[function.standard.networks]]\nplmn = \"{other}\"\nhost = \"function.{abroad}\"\nrealm = \"{abroad}\"\n\
             via = [\"dra.{REALM}\"]\ndirect_allowed = 1023\nvalidity = 1800\n",
            at / 10
        );
        lab.write(&format!("function{at}.toml"), &text)
    }

    fn app_server(&self, lab: &Lab, application: &str, accounts: &str) -> PathBuf {
        let at = self.at;
        let head = self.head(lab, "app-server", 5);
        let known: String = [&HOME, &AWAY]
            .map(|side| {
                let (realm, address) = (side.realm, side.address(lab, 4));
                format!("[[peer]]\nidentity = \"function.{realm}\"\nconnect_to = \"{address}\"\n")
            })
            .concat();
        let functions: String = [REALM, ABROAD]
            .map(|realm| format!("[[app_server.functions]]\nhost = \"function.{realm}\"\nrealm = \"{realm}\"\n"))
            .concat();
        let text = format!(
            "{head}store = \"app-server{at}.redb\"\nadmin = \"app-server{at}.sock\"\n\
             [[peer]]\nidentity = \"ue.{REALM}\"\n[[peer]]\nidentity = \"ue.{ABROAD}\"\n{known}\
             [app_server]\napplications = [\"{application}\"]\nkeys = \"users.keys\"\n{functions}{accounts}"
        );
        lab.write(&format!("app-server{at}.toml"), &text)
    }
}

/// An account of the chat, whose UEs are those of the user of the same name.
fn account(name: &str, other: &str) -> String {
    format!(
        "[[app_server.account]]\napplication = \"{CHAT}\"\naluid = \"{name}@chat.example\"\n\
         found_by = [\"{other}@chat.example\"]\nrpauid = \"{name}.r\"\ndiscovered_by = [\"{other}.r\"]\n\
         user = \"{name}\"\nmetadata = \"{name} likes chess\"\n"
    )
}

fn start(configuration: &Path, more: &[&str], says: &[String]) -> Node {
    let mut node = Node::start(&[&["run", "-c", word(configuration)], more].concat());
    node.says("listens at");
    for words in says {
        node.says(words);
    }
    node
}

/// A UE gets its ID1 from a function and registers its user with the chat.
fn register(lab: &Lab, side: &Side, user: &str) {
    let function = format!("function.{}@{}", side.realm, side.address(lab, 4));
    let server = format!("app-server.{REALM}@{}", HOME.address(lab, 5));
    let key = lab.path(&format!("{user}.key"));
    let words = [
        "ue",
        "register",
        "--realm",
        side.realm,
        "--imsi",
        side.imsi,
        "--function",
        &function,
        "--app-server",
        &server,
    ];
    let more = ["--application", CHAT, "--user", user, "--user-key", word(&key)];
    let output = proselink(&[&words[..], &more[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", both(&output));
}

/// `proselink begin` at the function of a side, or at the app server of the chat.
fn begin(lab: &Lab, admin: &str, words: &[&str]) -> Output {
    let admin = lab.path(admin);
    proselink(&[&["begin"], words, &["--admin", word(&admin)]].concat())
}

/// The last news of a procedure of a number, which no command waits for any more.
fn come_of(admin: &Path, procedure: u64) -> String {
    let begun = std::time::Instant::now();
    loop {
        let mut stream = UnixStream::connect(admin).unwrap();
        writeln!(stream, "{{\"ask\":\"news\",\"procedure\":{procedure}}}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        if answer.contains("\"over\":true") {
            return answer;
        }
        assert!(begun.elapsed() < party::PATIENCE, "{answer}");
    }
}

/// The news of a procedure that comes true.
fn news(output: &Output) -> Vec<Value> {
    assert_eq!(output.status.code(), Some(0), "{}", both(output));
    assert!(!both(output).contains(ALICE) && !both(output).contains(BOB), "in clear: {}", both(output));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn detail(news: &[Value], avp: &str) -> String {
    let details = news.iter().flat_map(|news| news["details"].as_array().unwrap());
    let mut found = details.filter(|detail| detail["avp"] == avp).map(|it| it["value"].as_str().unwrap().to_owned());
    found.next().unwrap_or_else(|| panic!("{news:?}"))
}

/// Both networks, alice registered in ours and bob in the other.
struct Networks {
    lab: Lab,
    home: Node,
    away: Node,
    chat_server: Node,
    chat_configuration: PathBuf,
    /// The relay agent, both HSSs and the other app server.
    _others: Vec<Node>,
}

impl Networks {
    /// `more` is for the command line of our function.
    fn start(more: impl FnOnce(&Lab) -> Vec<String>) -> Self {
        let lab = Lab::new();
        let keys: String = ["alice", "bob"]
            .map(|user| {
                let key = lab.path(&format!("{user}.key"));
                let made = proselink(&["user", "key", user, "--private", word(&key)]);
                assert_eq!(made.status.code(), Some(0), "{}", both(&made));
                text(&made.stdout).to_owned()
            })
            .concat();
        lab.write("users.keys", &keys);
        let relay = format!(
            "identity = \"dra.{REALM}\"\nrealm = \"{REALM}\"\nlisten = [\"tcp:{}\"]\n\
             [[peer]]\nidentity = \"function.{REALM}\"\n[[peer]]\nidentity = \"function.{ABROAD}\"\n[relay]\n",
            lab.address(9)
        );
        let mut others = vec![start(&lab.write("relay.toml", &relay), &[], &[])];
        others.extend([&HOME, &AWAY].map(|side| start(&side.hss(&lab), &[], &[])));
        let more = more(&lab);
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let mut home = start(&HOME.function(&lab), &more, &[]);
        let mut away = start(&AWAY.function(&lab), &[], &[]);
        let games = format!("[[app_server.account]]\napplication = \"{GAMES}\"\naluid = \"bob@games.example\"\n");
        let chat_configuration =
            HOME.app_server(&lab, CHAT, &[account("alice", "bob"), account("bob", "alice")].concat());
        let mut chat_server = Node::start(&["run", "-c", word(&chat_configuration)]);
        let mut games_server = Node::start(&["run", "-c", word(&AWAY.app_server(&lab, GAMES, &games))]);
        chat_server.all(&functions());
        games_server.all(&functions());
        others.push(games_server);
        for (function, side) in [(&mut home, &HOME), (&mut away, &AWAY)] {
            function.all(&side.up());
        }
        register(&lab, &HOME, "alice");
        register(&lab, &AWAY, "bob");
        Self { lab, home, away, chat_server, chat_configuration, _others: others }
    }
}

fn functions() -> [String; 2] {
    [REALM, ABROAD].map(|realm| format!("peer function.{realm} is up"))
}

#[test]
fn the_procedures_of_3gpp_between_two_functions_and_two_app_servers_over_a_relay_agent() {
    let capturing = |lab: &Lab| vec!["-w".to_owned(), word(&lab.path("function.pcapng")).to_owned()];
    let Networks { lab, mut home, away: _away, chat_server, chat_configuration, _others } = Networks::start(capturing);
    let capture = lab.path("function.pcapng");
    let (at_home, abroad, at_chat) = ("function10.sock", "function20.sock", "app-server10.sock");
    let (alice, bob) = (format!("imsi={ALICE}"), format!("imsi={BOB}"));
    let (chat, games) = (format!("application={CHAT}"), format!("application={GAMES}"));

    // PXR type 0 at both app servers.
    news(&begin(&lab, at_home, &["register", &alice, &chat, "aluid=alice@chat.example"]));
    let first = news(&begin(&lab, abroad, &["register", &bob, &chat, "aluid=bob@chat.example"]));
    let second = news(&begin(&lab, abroad, &["register", &bob, &games, "aluid=bob@games.example"]));
    assert_eq!(detail(&first, "Requesting-EPUID"), detail(&second, "Requesting-EPUID"), "an EPUID is the UE's");
    let stranger = begin(&lab, abroad, &["register", &bob, &games, "aluid=nobody"]);
    assert_eq!(stranger.status.code(), Some(1), "{}", both(&stranger));
    assert!(text(&stranger.stdout).contains("5590"), "{}", both(&stranger));

    // PAR over the relay agent.
    let told = news(&begin(&lab, at_home, &["authorize", &alice, "plmn=001-02"]));
    assert_eq!(detail(&told, "ProSe-Direct-Allowed"), "0x3ff");
    let nowhere = begin(&lab, at_home, &["authorize", &alice, "plmn=001-03"]);
    assert_eq!(nowhere.status.code(), Some(1), "{}", both(&nowhere));

    // PXR type 1 and PRR; bob comes near: PLR, ALR. Then once more, and alice wants it no longer: PCR.
    let far = ["location", &bob, "location=52.52,13.80"];
    assert_eq!(begin(&lab, abroad, &far).status.code(), Some(0));
    let wish = ["proximity", &alice, &chat, "target=bob@chat.example", "window=3600", "location=52.52,13.40"];
    let admin = lab.path(at_home);
    let wish = [&["begin"], &wish[..], &["--wait", "60", "--admin", word(&admin)]].concat();
    let mut waiting = Node::start(&wish);
    waiting.says("\"over\":false");
    assert_eq!(begin(&lab, abroad, &["location", &bob, "location=52.52,13.401"]).status.code(), Some(0));
    let near = waiting.says("\"over\":true");
    assert!(near.contains("\"success\":true") && near.contains("bob@chat.example"), "{near}");
    assert_eq!(waiting.end().0, Some(0));
    assert_eq!(begin(&lab, abroad, &far).status.code(), Some(0));
    let mut waiting = Node::start(&wish);
    waiting.says("\"over\":false");
    let cancel = ["cancel", &alice, &chat, "target=bob@chat.example"];
    assert_eq!(begin(&lab, at_home, &cancel).status.code(), Some(0));
    waiting.says("\"over\":true");
    let again = begin(&lab, at_home, &cancel);
    assert_eq!(again.status.code(), Some(1), "{}", both(&again));

    // Open discovery: PDR types 0 and 1, PMR.
    let told = news(&begin(&lab, abroad, &["announce", &bob, &chat, "plmn=001-01", "metadata=bob likes chess"]));
    let code = detail(&told, "ProSe-App-Code");
    let told = news(&begin(&lab, at_home, &["monitor", &alice, &chat, "plmn=001-02"]));
    assert_eq!(detail(&told, "ProSe-App-Code"), code);
    let code = format!("code={code}");
    let told = news(&begin(&lab, at_home, &["match", &alice, &code, "mic=01020304", "counter=5", "plmn=001-01"]));
    assert_eq!(detail(&told, "ProSe-Application-Metadata"), "bob likes chess");

    // Restricted discovery: PXR types 2, 4 and 6, PDR type 3; the ban by XAR type 11, PDR types 7 and 8.
    news(&begin(&lab, abroad, &["announce-restricted", &bob, &chat, "rpauid=bob.r"]));
    let seek = ["monitor-restricted", &alice, &chat, "rpauid=alice.r", "targets=bob.r"];
    assert_eq!(detail(&news(&begin(&lab, at_home, &seek)), "Target-RPAUID"), "bob.r");
    let ban = begin(&lab, at_chat, &["ban", "rpauid=bob.r", "banned=alice.r"]);
    assert_eq!(ban.status.code(), Some(0), "{}", both(&ban));
    // A ban holds, and a lifted one ends, once that is durable; an app server that was away is trusted after a while.
    let until = |words: &str| {
        let begun = std::time::Instant::now();
        loop {
            let output = begin(&lab, at_home, &seek);
            if text(&output.stdout).contains(words) {
                return output;
            }
            assert!(begun.elapsed() < party::PATIENCE, "{}", both(&output));
        }
    };
    assert_eq!(until("5597").status.code(), Some(1));

    // She is banned after a restart of the app server, too, until the ban is lifted.
    drop(chat_server);
    let mut chat_server = Node::start(&["run", "-c", word(&chat_configuration)]);
    chat_server.all(&functions());
    assert_eq!(until("5597").status.code(), Some(1));
    assert_eq!(begin(&lab, at_chat, &["lift", "rpauid=bob.r", "banned=alice.r"]).status.code(), Some(0));
    assert_eq!(detail(&news(&until("Target-RPAUID")), "Target-RPAUID"), "bob.r");
    let wrong = begin(&lab, at_chat, &["authorize", &alice, "plmn=001-02"]);
    assert_eq!(wrong.status.code(), Some(1), "{}", both(&wrong));

    // PSR: the HSS of this network has never heard of an MME.
    let nowhere = begin(&lab, at_home, &["locate", &alice]);
    assert_eq!(nowhere.status.code(), Some(1), "{}", both(&nowhere));
    assert!(text(&nowhere.stdout).contains("5612"), "{}", both(&nowhere));

    home.signal("TERM");
    assert_eq!(home.end().0, Some(0));
    let decoded = proselink(&["decode", "--json", word(&capture)]);
    assert_eq!(decoded.status.code(), Some(0), "{}", text(&decoded.stderr));
    let crossed: BTreeSet<String> = text(&decoded.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|value| value["command"].as_str().map(str::to_owned))
        .collect();
    let commands = [
        "ProSe-Authorization-Request",
        "ProSe-Discovery-Request",
        "ProSe-Match-Request",
        "ProSe-Proximity-Request",
        "ProSe-Location-Update-Request",
        "ProSe-Alert-Request",
        "ProSe-Cancellation-Request",
        "ProXimity-Action-Request",
        "ProSe-Initial-Location-Information-Request",
    ];
    for command in commands {
        assert!(crossed.contains(command), "no {command}: {crossed:?}");
    }
}

/// What was acknowledged survives SIGKILL of both functions, right after the acknowledgement, and what was ended stays so.
#[test]
fn proximity_requests_and_announced_codes_survive_kill_9_of_both_functions() {
    let Networks { lab, mut home, mut away, mut chat_server, _others, .. } = Networks::start(|_| Vec::new());
    let (at_home, abroad) = ("function10.sock", "function20.sock");
    let (alice, bob, chat) = (format!("imsi={ALICE}"), format!("imsi={BOB}"), format!("application={CHAT}"));
    news(&begin(&lab, at_home, &["register", &alice, &chat, "aluid=alice@chat.example"]));
    news(&begin(&lab, abroad, &["register", &bob, &chat, "aluid=bob@chat.example"]));
    let announce = ["announce", &bob, &chat, "plmn=001-01", "metadata=bob likes chess"];
    let code = detail(&news(&begin(&lab, abroad, &announce)), "ProSe-App-Code");
    let wish = ["begin", "proximity", &alice, &chat, "target=bob@chat.example", "window=3600", "location=52.52,13.40"];
    let admin = lab.path(at_home);
    let mut waiting = Node::start(&[&wish[..], &["--wait", "60", "--admin", word(&admin)]].concat());
    waiting.says("\"over\":false");
    drop(waiting);
    for function in [&mut home, &mut away] {
        function.signal("KILL");
        function.end();
    }
    for (function, side) in [(&mut home, &HOME), (&mut away, &AWAY)] {
        *function = Node::start(&["run", "-c", word(&lab.path(&format!("function{}.toml", side.at)))]);
        function.says("listens at");
    }
    home.all(&HOME.up());
    away.all(&AWAY.up());
    chat_server.all(&functions());
    // The code is whose it was.
    let code = format!("code={code}");
    let met = ["match", &alice, &code, "mic=01020304", "counter=5", "plmn=001-01"];
    assert_eq!(detail(&news(&begin(&lab, at_home, &met)), "ProSe-Application-Metadata"), "bob likes chess");
    // The request runs at both ends: bob comes near, and then there is nothing left to cancel.
    assert_eq!(begin(&lab, abroad, &["location", &bob, "location=52.52,13.401"]).status.code(), Some(0));
    let cancel = ["cancel", &alice, &chat, "target=bob@chat.example"];
    let near = come_of(&admin, 2);
    assert!(near.contains("\"success\":true") && near.contains("bob@chat.example"), "{near}");
    let again = begin(&lab, at_home, &cancel);
    assert_eq!(again.status.code(), Some(1), "{}", both(&again));
    // And what is over stays over.
    home.signal("KILL");
    home.end();
    home = Node::start(&["run", "-c", word(&lab.path("function10.toml"))]);
    home.all(&HOME.up());
    let again = begin(&lab, at_home, &cancel);
    assert_eq!(again.status.code(), Some(1), "{}", both(&again));
}
