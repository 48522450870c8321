//! Two functions, two app servers and 10,000 UEs as processes in network namespaces of their own. UEs move back and forth
//! while links are cut at random. `scripts/lab-moves` makes the namespaces and runs this in the one of the UEs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

use proselink::net::DIAMETER_PORT;

use crate::lab::{Lab, Place, Places, Times};
use crate::load::Work;
use crate::random::{self, Random};

/// The namespaces' names begin with it; each link's end at the hub is named after whom it leads to.
const PREFIX: &str = "PROSELINK_LAB";

const TIMES: Times = Times { transport: "sctp-embedded", tc: 0.5, reopen: 0.1, answer_timeout: 2.0 };
const UNDER_WAY: usize = 200;

/// Whose link is cut.
const LINKS: [&str; 5] = ["f1", "f2", "s1", "s2", "ue"];

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn places(prefix: &str) -> Places {
    let place = |name: &str, last, namespace: Option<&str>| Place {
        name: name.to_owned(),
        at: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 77, 0, last)), DIAMETER_PORT),
        store: None,
        within: namespace.map_or_else(Vec::new, |namespace| {
            ["ip", "netns", "exec", &format!("{prefix}-{namespace}")].map(str::to_owned).into()
        }),
    };
    Places {
        ue: place("ue", 5, None),
        mme: place("mme", 6, None),
        hss: place("hss", 7, None),
        functions: [place("function1", 1, Some("f1")), place("function2", 2, Some("f2"))],
        app_servers: vec![place("app-server1", 3, Some("s1")), place("app-server2", 4, Some("s2"))],
    }
}

fn set_link(prefix: &str, link: &str, state: &str) {
    let (hub, link) = (format!("{prefix}-hub"), format!("v-{link}"));
    let done = Command::new("ip").args(["-n", &hub, "link", "set", &link, state]).status();
    assert!(done.is_ok_and(|status| status.success()), "{link} cannot be set {state}");
}

/// How long a link is away: mostly less than anybody notices, sometimes longer than anybody waits.
fn cut(random: &mut Random, long: bool) -> Duration {
    let (from, to) = match random.below(20) {
        0 if long => (6_000, 15_000),
        0..5 => (1_000, 3_000),
        _ => (50, 1_000),
    };
    Duration::from_millis((from + random.below(to - from)) as u64)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/lab-moves makes the namespaces it needs"]
async fn ues_move_back_and_forth_while_links_are_cut() {
    let Ok(prefix) = std::env::var(PREFIX) else {
        return println!("skipped: scripts/lab-moves makes the namespaces for this");
    };
    let span = Duration::from_secs(number("PROSELINK_LAB_SECONDS", 60).clamp(10, 3600));
    let ues = number("PROSELINK_LAB_UES", 10_000).clamp(1, 1_000_000) as usize;
    let folder = tempfile::tempdir().expect("a folder");
    let seed = random::seed("moves");
    let mut random = Random::new(seed);
    let mut lab = Lab::start(folder.path(), places(&prefix), TIMES, ues, usize::MAX, Random::new(seed ^ 1)).await;
    lab.work(Work::Everything { under_way: UNDER_WAY }).await;
    let begun = Instant::now();
    let (mut cuts, mut away) = (0, Duration::ZERO);
    while begun.elapsed() < span {
        tokio::time::sleep(Duration::from_millis(random.below(1_500) as u64)).await;
        let link = LINKS[random.below(LINKS.len())];
        let cut = cut(&mut random, span > Duration::from_secs(120));
        set_link(&prefix, link, "down");
        tokio::time::sleep(cut).await;
        set_link(&prefix, link, "up");
        cuts += 1;
        away += cut;
    }
    let (_, counts) = lab.told().await;
    println!("moves: {ues} UEs for {:?}, {cuts} cuts of {away:?} in all; {counts:?}", begun.elapsed());
    let (verdict, counts) = crate::settle(&mut lab).await;
    lab.stop().await;
    println!(
        "moves: {} registrations are there, {} ID1s were issued, each once; settled after {:?}; {counts:?}",
        verdict.registrations,
        verdict.issued,
        begun.elapsed(),
    );
    assert!(verdict.registrations > 0 && counts.moved > 0 && cuts > 0, "there was no load: {counts:?}");
}
