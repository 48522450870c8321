//! What `verify` and `ladder` write for people and for other tools: JUnit read back, SARIF by its required members, the
//! page and the picture in a browser.
#![cfg(feature = "net")]

#[path = "support/browser.rs"]
mod browser;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/command.rs"]
mod command;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use proselink::capture::Reader;
use proselink::report::gather::{Gatherer, Limits};
use proselink::report::html;
use proselink::verify::{CHECKS, Options, verify_with};
use serde_json::Value;

use browser::{Browser, Size, on_a_phone, told, url};
use command::{err, lines, out, run};

/// A registration and a move, nothing wrong.
const GOOD: &str = "captures/registration/registered-and-moved/input.pcapng";
/// Two UEs, both refused.
const REFUSED: &str = "captures/registration/refused/input.pcapng";
/// One message 2 without an ID1, in frame 9.
const BAD: &str = "captures/pc2/message-2-without-id1/input.pcapng";

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}

/// The reports on captures, in a folder: `verify.html`, `verify.xml`, `verify.sarif`; and the exit code.
fn reports(captures: &[PathBuf]) -> (tempfile::TempDir, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| text(&folder.path().join(name)).to_owned();
    let files = [at("verify.html"), at("verify.xml"), at("verify.sarif")];
    let mut arguments = vec!["verify", "-q", "--html", &files[0], "--junit", &files[1], "--sarif", &files[2]];
    arguments.extend(captures.iter().map(|path| text(path)));
    let output = run(&arguments);
    (folder, output.status.code())
}

fn read(folder: &tempfile::TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The registration with its ID2 replaced by markup of the same length, so that everything else stays right.
fn hostile() -> Vec<u8> {
    const MARKUP: &str = "<img/src=x/onerror='boo=1'>";
    let path = case(GOOD);
    let decoded = run(&["decode", "--json", text(&path)]);
    let id2 = lines(&decoded)
        .iter()
        .flat_map(|message| message["avps"].as_array().cloned().unwrap_or_default())
        .find(|avp| avp["name"] == "Origin-App-Layer-User-Id")
        .and_then(|avp| avp["value"].as_str().map(str::to_owned))
        .expect("the registration carries an ID2");
    let markup: String = MARKUP.chars().take(id2.len()).collect();
    let markup = format!("{markup:x<0$}", id2.len());
    let mut octets = fs::read(path).unwrap();
    let mut replaced = 0;
    let mut at = 0;
    while let Some(found) = octets[at..].windows(id2.len()).position(|window| window == id2.as_bytes()) {
        at += found;
        octets[at..at + id2.len()].copy_from_slice(markup.as_bytes());
        replaced += 1;
    }
    assert!(replaced >= 4, "messages 2, 4 and U1 carry it");
    octets
}

#[test]
fn junit_is_read_back_with_a_case_for_every_check_of_every_capture() {
    let (folder, code) = reports(&[case(GOOD), case(BAD), case("captures/no-such.pcapng")]);
    assert_eq!(code, Some(3), "a capture is missing");
    let report = quick_junit::Report::deserialize_from_str(&read(&folder, "verify.xml")).unwrap();
    assert_eq!((report.test_suites.len(), report.failures, report.errors), (3, 1, 1));
    let [good, bad, missing] = &report.test_suites[..] else { panic!("three captures") };
    assert_eq!((good.tests, good.failures), (CHECKS.len(), 0));
    assert_eq!((bad.tests, bad.failures), (CHECKS.len(), 1));
    let failed = bad
        .test_cases
        .iter()
        .find(|case| matches!(case.status, quick_junit::TestCaseStatus::NonSuccess { .. }))
        .expect("one case fails");
    assert_eq!(failed.name.as_str(), "message-2-incomplete");
    assert_eq!(failed.classname.as_ref().map(|name| name.as_str()), Some("verify.procedure"));
    let quick_junit::TestCaseStatus::NonSuccess { message, description, .. } = &failed.status else { unreachable!() };
    assert!(message.as_ref().is_some_and(|words| words.contains("frame 9")), "{message:?}");
    assert!(description.as_ref().is_some_and(|words| words.contains("F-2")), "{description:?}");
    assert_eq!((missing.tests, missing.errors), (1, 1));
}

#[test]
fn sarif_has_what_its_schema_requires() {
    let (folder, code) = reports(&[case(GOOD), case(BAD)]);
    assert_eq!(code, Some(1));
    let sarif: Value = serde_json::from_str(&read(&folder, "verify.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let runs = sarif["runs"].as_array().expect("runs");
    let driver = &runs[0]["tool"]["driver"];
    assert!(driver["name"].is_string());
    let rules = driver["rules"].as_array().expect("rules");
    let ids: HashSet<&str> = rules.iter().map(|rule| rule["id"].as_str().expect("a rule has an id")).collect();
    assert_eq!(ids.len(), CHECKS.len(), "ids are unique");
    assert!(rules.iter().all(|rule| rule["shortDescription"]["text"].is_string()));
    assert!(runs[0]["invocations"][0]["executionSuccessful"].as_bool() == Some(true));
    let artifacts = runs[0]["artifacts"].as_array().expect("artifacts").len();
    let results = runs[0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 1);
    for result in results {
        assert!(result["message"]["text"].as_str().is_some_and(|words| !words.is_empty()));
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().expect("a level")));
        let rule = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(result["ruleId"], rules[rule]["id"]);
        let location = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        assert!((location["index"].as_u64().expect("an index") as usize) < artifacts);
        let uri = location["uri"].as_str().expect("a URI");
        assert!(uri.ends_with("input.pcapng") && !uri.contains([' ', '\\', '#']), "{uri}");
    }
    assert_eq!(results[0]["properties"]["frame"], 9);
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let (folder, _) = reports(&[case(GOOD), case(BAD)]);
    let page = read(&folder, "verify.html");
    for outside in ["src=", "@import", "url(", "<link", "<iframe", "http://", "https://", "//cdn"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(
        page.contains("name=\"viewport\"")
            && page.contains("prefers-color-scheme:dark")
            && page.contains("@media print")
    );
    // Every link within leads somewhere, and nothing has two places.
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let unique: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len());
    let links: Vec<&str> = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.len() > 50, "{}", links.len());
    for link in links {
        assert!(unique.contains(link), "#{link} leads nowhere");
    }
}

#[test]
fn the_page_says_what_it_leaves_out() {
    let octets = fs::read(case(REFUSED)).unwrap();
    let verdict = verify_with(&mut Reader::from_bytes(&octets), Options { steps: true }, "").unwrap();
    let page = |limits: Limits| {
        let mut gatherer = Gatherer::new(&verdict, limits);
        let mut reader = Reader::from_bytes(&octets);
        while let Some(message) = reader.next_message().unwrap() {
            gatherer.message(0, &message);
        }
        html::page(&gatherer.finish("refused", &[])).unwrap()
    };
    let whole = page(Limits::default());
    assert!(!whole.contains("not drawn") && !whole.contains("Left out"), "nothing is left out");
    assert!(page(Limits { ues: 1, ..Limits::default() }).contains("1 more UEs are not drawn"));
    let small = page(Limits { octets: 1, ..Limits::default() });
    assert!(small.contains("Left out, for the page would have grown too large"));
    let opened = |page: &str| page.matches("class=\"avps\"").count();
    assert!(opened(&whole) >= 6 && opened(&small) == 1, "{} of {}", opened(&small), opened(&whole));
}

#[test]
fn markup_in_a_message_stays_text_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("<b>hostile&.pcapng");
    fs::write(&capture, hostile()).unwrap();
    let (reports, _) = reports(std::slice::from_ref(&capture));
    let page = read(&reports, "verify.html");
    assert!(page.contains("&lt;img&#x2f;src") || page.contains("&lt;img/src"), "it is shown");
    let drawn = run(&["ladder", "--svg", text(&capture)]);
    for markup in [page.as_str(), out(&drawn), &read(&reports, "verify.xml")] {
        assert!(!markup.contains("<img"), "an element of the network's");
        assert!(!markup.contains("<b>hostile"), "an element of the file's name");
    }
}

#[test]
fn a_ladder_is_drawn_as_text_svg_and_mermaid() {
    let path = case(GOOD);
    let path = text(&path);
    let plain = run(&["ladder", path, "-Y", "diameter.applicationId != 0"]);
    assert_eq!(plain.status.code(), Some(0), "{}", err(&plain));
    let head = out(&plain).lines().nth(1).expect("a head");
    assert_eq!(
        head.split_whitespace().collect::<Vec<_>>(),
        ["ue", "mme", "hss", "function", "app-server", "function2"]
    );
    let arrows = |text: &str| text.matches("->").count() + text.matches("<-").count();
    assert_eq!(arrows(out(&plain)), 28, "the messages of a registration and a move\n{}", out(&plain));

    let svg = run(&["ladder", path, "--svg", "-Y", "diameter.applicationId != 0"]);
    assert_eq!(out(&svg).matches("class=\"line\"").count(), 28);
    let mermaid = run(&["ladder", path, "--mermaid", "-Y", "diameter.applicationId != 0"]);
    let lines: Vec<&str> = out(&mermaid).lines().collect();
    assert_eq!(lines[0], "sequenceDiagram");
    assert_eq!(lines.iter().filter(|line| line.contains("participant ")).count(), 6);
    assert_eq!(lines.iter().filter(|line| line.contains("->>P")).count(), 28);

    let few = run(&["ladder", path, "-c", "5"]);
    assert_eq!(arrows(out(&few)), 5);
    assert!(out(&few).contains("... and 63 messages more"), "{}", out(&few));
}

#[test]
fn a_ladder_of_one_ue_follows_it_by_any_of_its_names() {
    let path = case(GOOD);
    let path = text(&path);
    let by_number = run(&["ladder", path, "--ue", "1"]);
    assert_eq!(by_number.status.code(), Some(0), "{}", err(&by_number));
    assert!(out(&by_number).starts_with("UE 1 of input.pcapng\n") && !out(&by_number).contains("CER"));
    let decoded = run(&["decode", "--json", path]);
    let of = |name: &str, key: &str| {
        let messages = lines(&decoded);
        let mut avps = messages.iter().flat_map(|it| it["avps"].as_array().cloned().unwrap_or_default());
        avps.find(|avp| avp["name"] == name).and_then(|avp| avp[key].as_str().map(str::to_owned)).expect("it is there")
    };
    for name in [of("Origin-App-Layer-User-Id", "value"), of("User-Name", "value")] {
        let by_name = run(&["ladder", path, "--ue", &name]);
        assert_eq!(out(&by_name), out(&by_number), "{name}: {}", err(&by_name));
    }
    let nobody = run(&["ladder", path, "--ue", "nobody"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(err(&nobody).contains("1 UE followed"), "{}", err(&nobody));
}

#[test]
fn a_ladder_of_nothing_says_so() {
    let path = case(GOOD);
    let nothing = run(&["ladder", text(&path), "-Y", "diameter.cmd.code == 1"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(err(&nothing).contains("no message that the filter accepts"));
    assert_eq!(run(&["ladder", text(&path), "-Y", "("]).status.code(), Some(2));
    assert_eq!(run(&["ladder", "captures/no-such.pcapng"]).status.code(), Some(3));
}

/// What the browser is asked of the page on a phone.
const LOOK: &str = "
    const links = [...page.querySelectorAll('a[href^=\"#\"]')];
    const shown = element => view.getComputedStyle(element).display !== 'none';
    return {
        wide: page.documentElement.scrollWidth, inner: view.innerWidth,
        dead: links.filter(link => !page.getElementById(link.getAttribute('href').slice(1))).length,
        narrow: [...page.querySelectorAll('svg.narrow')].filter(shown).length,
        roomy: [...page.querySelectorAll('svg.wide')].filter(shown).length,
        images: page.images.length, boo: typeof view.boo,
        back: view.getComputedStyle(page.body).backgroundColor,
    };";

#[test]
fn a_browser_shows_the_page_on_a_phone_in_the_dark_and_on_paper() {
    let Some(browser) = Browser::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("hostile.pcapng");
    fs::write(&capture, hostile()).unwrap();
    let (reports, _) = reports(&[capture, case(REFUSED), case(BAD)]);
    let page = reports.path().join("verify.html");

    let phone = on_a_phone(&read(&reports, "verify.html"), 390, LOOK, &folder.path().join("phone.html"));
    let light = told(&browser.dom(&url(&phone), &["--window-size=800,2000"]));
    assert_eq!(light["inner"], 390, "{light}");
    assert!(light["wide"].as_u64().is_some_and(|wide| wide <= 390), "nothing is wider than the phone: {light}");
    assert_eq!(light["dead"], 0, "{light}");
    assert!(light["narrow"].as_u64() > Some(0) && light["roomy"] == 0, "{light}");
    assert!(light["images"] == 0 && light["boo"] == "undefined", "nothing of the network became an element: {light}");
    let dark = told(&browser.dom(&url(&phone), &["--window-size=800,2000", "--blink-settings=preferredColorScheme=0"]));
    assert_ne!(light["back"], dark["back"], "the dark is dark");

    let (size, octets) = browser.picture(&url(&page), &folder.path().join("page.png"), &["--window-size=1200,900"]);
    assert_eq!(size, Size { width: 1200, height: 900 });
    assert!(octets > 30_000, "{octets} octets: an empty picture");
    let paper = browser.print(&url(&page), &folder.path().join("page.pdf"));
    assert!(paper.starts_with(b"%PDF-") && paper.len() > 20_000, "{} octets", paper.len());
}

/// Chooses each message of the first ladder's drawing, as a finger does, and looks whether its tree is open then.
const CHOOSE: &str = "<script>addEventListener('load', async () => {
    const pause = () => new Promise(done => setTimeout(done, 20));
    const links = [...document.querySelectorAll('svg.wide a, .finding a')];
    let opened = 0, shut = 0, trees = 0;
    for (const link of links) {
        const target = document.getElementById(link.getAttribute('href').slice(1));
        const details = target.closest('details');
        if (!details) continue;
        if (details.open) continue;
        shut++;
        link.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true, view: window}));
        await pause();
        if (details.open && target.getBoundingClientRect().height > 20) opened++;
        if (target.querySelectorAll('.avps p').length > 3) trees++;
    }
    const told = document.createElement('pre');
    told.id = 'told';
    told.textContent = JSON.stringify({shut, opened, trees});
    document.body.append(told);
});</script></body>";

#[test]
fn a_browser_opens_every_message_that_is_chosen() {
    let Some(browser) = Browser::find() else { return };
    let (reports, _) = reports(&[case(GOOD), case(BAD)]);
    let page = read(&reports, "verify.html");

    // The page as it is, by its own script and under its own policy: an address with an anchor opens that message.
    let (_, anchor) = page.split_once("class=\"tree\" id=\"").expect("a message");
    let anchor = anchor.split('"').next().expect("an id");
    let dom = browser.dom(&format!("{}#{anchor}", url(&reports.path().join("verify.html"))), &[]);
    let (before, _) = dom.split_once(&format!("class=\"tree\" id=\"{anchor}\"")).expect("the message is there");
    let details = &before[before.rfind("<details").expect("it is within details")..];
    assert!(details.starts_with("<details class=") && details.contains("open=\"\""), "{details}");
    assert_eq!(dom.matches("<details").count() - 1, page.matches("<details").count() - 1);
    assert_eq!(dom.matches("open=\"\"").count(), 1, "the others stay shut");

    // A copy that also runs our fingers: the policy would not let them in.
    let policy = page.find("script-src 'sha256-").expect("a policy");
    let end = policy + page[policy..].find("\">").expect("its end");
    let mut copy = page.clone();
    copy.replace_range(policy..end, "script-src 'unsafe-inline'");
    let copy = copy.replace("</body>", CHOOSE);
    let path = reports.path().join("choose.html");
    fs::write(&path, copy).unwrap();
    let told = told(&browser.dom(&url(&path), &["--window-size=1200,900"]));
    assert!(told["shut"].as_u64() > Some(27), "{told}");
    assert_eq!(told["opened"], told["shut"], "{told}");
    assert_eq!(told["trees"], told["shut"], "{told}");
}

#[test]
fn a_browser_shows_the_picture() {
    let Some(browser) = Browser::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("ladder.svg");
    let capture = case(GOOD);
    let output = run(&["ladder", text(&capture), "--svg", "-o", text(&picture)]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let dom = browser.dom(&url(&picture), &[]);
    assert!(!dom.contains("parsererror"), "well-formed");
    assert_eq!(dom.matches("class=\"line\"").count(), 68);
    let (size, octets) =
        browser.picture(&url(&picture), &folder.path().join("ladder.png"), &["--window-size=1000,1400"]);
    assert_eq!(size, Size { width: 1000, height: 1400 });
    assert!(octets > 30_000, "{octets} octets: an empty picture");
}
