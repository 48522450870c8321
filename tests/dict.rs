//! The dictionary given away and taken in: tshark and freeDiameter read what is exported, and what is imported is known in
//! text, JSON, filters and the encoder.

#![cfg(feature = "net")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/command.rs"]
mod command;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use command::{err, out, proselink, run};

fn there(tool: &str, argument: &str) -> bool {
    let there = Command::new(tool).arg(argument).output().is_ok();
    if !there {
        println!("skipped: {tool} is not installed");
    }
    there
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The captures of a folder, at any depth.
fn captures(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            captures(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "pcapng") {
            found.push(path);
        }
    }
}

/// Wireshark's data folder with our export in it: the files are links, `diameter/Custom.xml` is ours.
fn wireshark_with_ours(folder: &Path, system: &Path) {
    std::fs::create_dir_all(folder.join("diameter")).expect("a folder");
    for (from, to) in [(system.to_owned(), folder.to_owned()), (system.join("diameter"), folder.join("diameter"))] {
        for entry in std::fs::read_dir(from).expect("Wireshark's data").flatten() {
            let place = to.join(entry.file_name());
            if entry.file_name() != "diameter" && entry.file_name() != "Custom.xml" {
                std::os::unix::fs::symlink(entry.path(), place).expect("a link");
            }
        }
    }
}

/// A command as an ordinary user: Wireshark does not heed WIRESHARK_DATA_DIR when root runs it.
fn ordinary_user(tool: &str) -> Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
    if !root {
        return Command::new(tool);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", tool]);
    command
}

#[test]
fn tshark_names_everything_with_our_export() {
    if !there("tshark", "--version") {
        return;
    }
    let system = Path::new("/usr/share/wireshark");
    if !system.join("diameter/dictionary.xml").exists() {
        println!("skipped: Wireshark's data are not in {}", system.display());
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // Another user reads there.
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("a mode");
    let demo = folder.path().join("demo.pcapng");
    let output = run(&["demo", "-w", text(&demo)]);
    assert!(output.status.success(), "{}", err(&output));
    let mut all = vec![demo];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    for room in ["pc2", "pc3", "pc4-mme", "pc4-function", "pc4a", "pc6", "registration"] {
        captures(&root.join(room), &mut all);
    }
    // Not the cases whose story is a broken message, or a number that nobody knows.
    all.retain(|capture| {
        let case = std::fs::read_to_string(capture.with_file_name("case.toml"));
        case.map_or(true, |case| !case.contains("verdict = \"not-good\""))
    });
    all.retain(|capture| !capture.components().any(|part| part.as_os_str().to_string_lossy().starts_with("unknown-")));
    let dictionary = system.join("diameter/dictionary.xml");
    for (way, beside) in [("whole", &[][..]), ("beside", &["--beside", text(&dictionary)])] {
        let data = folder.path().join(way);
        wireshark_with_ours(&data, system);
        let custom = data.join("diameter/Custom.xml");
        let output = run(&[&["dict", "export", "--wireshark", "-o", text(&custom)], beside].concat());
        assert!(output.status.success(), "{}", err(&output));
        for capture in &all {
            let readable = folder.path().join("input.pcapng");
            std::fs::copy(capture, &readable).expect("a copy");
            let tree = |data: &Path| {
                let mut command = ordinary_user("tshark");
                command.args(["-n", "-d", "udp.port==9899,sctp", "-V", "-O", "diameter", "-r"]).arg(&readable);
                let output = command.env("WIRESHARK_DATA_DIR", data).env("HOME", data).output().expect("tshark");
                // It complains of a dictionary that it can not read.
                let told = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(output.status.success(), "{}: {told}", capture.display());
                for word in ["Diameter Dictionary", "rror", "uplicate"] {
                    assert!(!told.contains(word), "{}: {told}", capture.display());
                }
                String::from_utf8_lossy(&output.stdout).into_owned()
            };
            let tree = tree(&data);
            assert!(tree.contains("AVP: "), "{}: no Diameter", capture.display());
            // Values that a case made up have no names anywhere.
            let unknown: Vec<_> = tree
                .lines()
                .filter(|line| line.contains("Unknown") || line.contains("unknown"))
                .filter(|line| {
                    !line.contains("Code (M") && !line.contains("DIAMETER_") && !line.contains("Error-Message")
                })
                .collect();
            assert!(unknown.is_empty(), "{way}: {}:\n{}", capture.display(), unknown.join("\n"));
        }
    }
}

#[test]
fn wiresharks_own_dictionary_is_imported_and_a_repeat_adds_nothing() {
    let system = Path::new("/usr/share/wireshark/diameter/dictionary.xml");
    if !system.exists() {
        println!("skipped: Wireshark is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let lab = folder.path().join("lab.json");
    // All or nothing: it conflicts in places, so nothing is written.
    let output = run(&["dict", "import", text(system), "--into", text(&lab)]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(out(&output).contains("nothing is taken") && !lab.exists());
    let output = run(&["dict", "import", text(system), "--into", text(&lab), "--skip-conflicts"]);
    assert!(output.status.success(), "{}", err(&output));
    println!("{}", out(&output).lines().rev().take(2).collect::<Vec<_>>().join("\n"));
    let first = std::fs::read(&lab).expect("it is written");
    assert!(first.len() > 50_000, "{}", first.len());
    let output = run(&["dict", "import", text(system), "--into", text(&lab), "--skip-conflicts"]);
    assert!(output.status.success() && out(&output).contains(": 0 AVPs added"), "{}", out(&output));
    assert_eq!(std::fs::read(&lab).expect("it is there"), first);
    // AVPs of other vendors are known then.
    let output = run(&["--dictionary", text(&lab), "dict", "show", "8164/1"]);
    assert!(output.status.success(), "{}", err(&output));
}

const LAB: &str = r#"{
  "Vendors": [{"Code": 65000, "Name": "Acme"}],
  "Applications": [{"Code": 16000000, "Name": "Acme test"}],
  "AVPs": [{"Code": 7, "Vendor": 65000, "Name": "Acme-Level", "Type": "Unsigned32", "Flags": {"Must": "VM"},
            "EnumValues": [{"Code": 1, "Name": "HIGH"}]}],
  "Commands": [{"Code": 9000, "Name": "Acme-Test-Request", "Application": "Acme test", "Flags": {"Must": "R"}},
               {"Code": 9000, "Name": "Acme-Test-Answer", "Application": "Acme test", "Flags": {"MustNot": "R"}}]
}"#;

#[test]
fn what_is_imported_is_known_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, lab) = (folder.path().join("acme.json"), folder.path().join("lab.json"));
    std::fs::write(&source, LAB).expect("a file");
    let output = run(&["dict", "import", text(&source), "--into", text(&lab)]);
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    // Version 1, 36 octets, R, command 9000, application 16000000; one AVP 7 of vendor 65000 with M.
    let message = "0100002480002328 00f42400 00000001 00000002 00000007 c0000010 0000fde8 00000001";
    let known = ["--dictionary", text(&lab)];
    let decode = |more: &[&str], options: &[&str]| {
        let output = run(&[options, &["decode", "--hex", message], more].concat());
        assert!(output.status.success(), "{}", err(&output));
        out(&output).to_owned()
    };
    let without = decode(&[], &[]);
    assert!(without.contains("command 9000 request") && !without.contains("Acme"), "{without}");
    let with = decode(&[], &known);
    for words in ["Acme-Test-Request (9000)  Acme test", "Acme-Level (7 Acme)", "1  HIGH"] {
        assert!(with.contains(words), "{words}: {with}");
    }
    let line: serde_json::Value = serde_json::from_str(&decode(&["--json"], &known)).expect("JSON");
    assert!(line.to_string().contains(r#""name":"Acme-Level","value":1,"meaning":"HIGH""#), "{line}");
    assert!(!decode(&["--oneline", "-Y", "diameter.Acme-Level == 1"], &known).is_empty());
    assert!(decode(&["--oneline", "-Y", "diameter.Acme-Level == 2"], &known).is_empty());
    assert_eq!(run(&["decode", "--hex", message, "-Y", "diameter.Acme-Level == 1"]).status.code(), Some(2));
    // The environment names it as well, and the source itself is a dictionary, too.
    let output =
        proselink(&["decode", "--hex", message]).env("PROSELINK_DICTIONARY", &source).output().expect("it runs");
    assert_eq!(out(&output), with);
    // What conflicts is refused, whole, before anything is read.
    let bad = folder.path().join("bad.json");
    std::fs::write(&bad, LAB.replace("65000, \"Name\": \"Acme-Level\"", "10415, \"Name\": \"PDUID\"")).expect("a file");
    let output = run(&["--dictionary", text(&bad), "decode", "--hex", message]);
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
    assert!(
        err(&output).contains("conflicts with what is known") && err(&output).contains("the name has code 3604"),
        "{}",
        err(&output)
    );
    let before = std::fs::read(&lab).expect("it is there");
    let output = run(&["dict", "import", text(&source), text(&bad), "--into", text(&lab)]);
    assert_eq!((output.status.code(), std::fs::read(&lab).expect("it is there")), (Some(1), before));
}

#[test]
fn show_and_lint_tell_what_is_known_and_what_is_wrong() {
    let output = run(&["dict", "show", "PDUID"]);
    assert!(out(&output).contains("PDUID  3604  vendor 10415 (3GPP)"), "{}", out(&output));
    let by_code = run(&["dict", "show", "10415/3604"]);
    assert_eq!(out(&by_code), out(&output));
    let output = run(&["dict", "show", "PDUI"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("there are PDUID"), "{}", err(&output));
    let output = run(&["dict", "show", "--json", "3GPP/3607"]);
    let line: serde_json::Value = serde_json::from_str(out(&output)).expect("JSON");
    assert_eq!((line["name"].as_str(), line["members"].as_array().map(Vec::len)), (Some("Monitor-Target"), Some(4)));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("twice.xml");
    let avp = "<avp name=\"A\" code=\"1\" vendor-id=\"V\"><type type-name=\"Time\"/></avp>";
    std::fs::write(&file, format!("<vendor vendor-id=\"V\" code=\"65000\"/>{avp}{avp}")).expect("a file");
    let output = run(&["dict", "lint", text(&file)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("error: code: A (65000/1): defined twice"), "{}", out(&output));
    for (name, content, code) in [("missing", None, 3), ("text", Some("hello"), 4)] {
        let file = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&file, content).expect("a file");
        }
        assert_eq!(run(&["dict", "lint", text(&file)]).status.code(), Some(code), "{name}");
    }
}

/// A node's configuration names its dictionaries, from its own folder, and may use what they name.
#[test]
fn the_configuration_of_a_node_names_dictionaries() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    std::fs::write(place("acme.json"), LAB).expect("a file");
    let configuration = |dictionary: &str| {
        let text = format!(
            "identity = \"responder.example\"\nrealm = \"example\"\nlisten = [\"tcp:127.0.0.1\"]\n{dictionary}\n\
             [responder]\napplications = [16000000]\n[[responder.answer]]\ncommand = \"Acme-Test\"\navps = [{{ name = \"Acme-Level\", value = 1 }}]\n"
        );
        std::fs::write(place("node.toml"), text).expect("a file");
    };
    let file = place("node.toml");
    for arguments in [&["run", "--check", "-c", text(&file)][..], &["config", "check", text(&file)]] {
        configuration("dictionary = [\"acme.json\"]");
        let output = run(arguments);
        assert!(output.status.success() && out(&output).contains("good"), "{arguments:?}: {}", err(&output));
        configuration("");
        let output = run(arguments);
        assert!(err(&output).contains("Acme"), "{arguments:?}: {}", err(&output));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        configuration("dictionary = [\"none.json\"]");
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains("none.json"), "{}", err(&output));
        configuration("dictionary = \"acme.json\"");
        assert_eq!(run(arguments).status.code(), Some(2), "a list is expected");
    }
}

#[test]
fn an_export_is_written_whole_and_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["--json", "--wireshark", "--freediameter"] {
        let file = folder.path().join("export");
        let output = run(&["dict", "export", format, "-o", text(&file)]);
        assert!(output.status.success() && output.stdout.is_empty(), "{}", err(&output));
        let output = run(&["dict", "import", text(&file)]);
        assert!(output.status.success(), "{format}: {}", out(&output));
        assert!(out(&output).contains("0 AVPs new"), "{format}: {}", out(&output));
    }
}

/// The export in C, built with Debian's headers, is loaded by freeDiameter itself.
#[test]
#[ignore = "scripts/test interop"]
fn tcp_freediameter_loads_the_export() {
    if !there("freeDiameterd", "--version") || !there("cc", "--version") {
        return;
    }
    if !Path::new("/usr/include/freeDiameter/extension.h").exists() {
        println!("skipped: no headers of freeDiameter: apt-get install libfreediameter-dev");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    for selection in [&[][..], &["--all"]] {
        let output = run(&[&["dict", "export", "--freediameter-c", "-o", text(&place("d.c"))], selection].concat());
        assert!(output.status.success(), "{}", err(&output));
        let (source, extension) = (place("d.c"), place("d.fdx"));
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-o"])
            .args([&extension, &source])
            .output()
            .expect("a compiler");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        // What comes after our extension can not be loaded, so the daemon ends by itself, its dictionary being whole.
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        let configuration = format!(
            "Identity = \"peer.example.org\";\nRealm = \"example.org\";\nNo_SCTP;\nPort = {port};\nSecPort = 0;\n\
             LoadExtension = \"{}\";\nLoadExtension = \"/usr/lib/freeDiameter/dict_dcca.fdx\";\n\
             LoadExtension = \"{}\";\n",
            extension.display(),
            place("none.fdx").display()
        );
        std::fs::write(place("fd.conf"), configuration).expect("a file");
        let output = Command::new("freeDiameterd").arg("-c").arg(place("fd.conf")).output().expect("freeDiameterd");
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        let line = told.lines().find(|line| line.starts_with("proselink dictionary: "));
        let line = line.unwrap_or_else(|| panic!("not loaded:\n{told}"));
        assert!(line.ends_with(" rules"), "{line}");
        println!("{selection:?}: {line}");
    }
}

#[test]
fn manual_pages_are_made_and_are_well_formed() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(&["man", text(folder.path())]);
    assert!(output.status.success(), "{}", err(&output));
    let mut pages: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|it| it.path()).collect();
    pages.sort();
    let names: Vec<_> = pages.iter().filter_map(|page| page.file_name()?.to_str()).collect();
    for name in ["proselink.1", "proselink-decode.1", "proselink-dict.1", "proselink-dict-export.1"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert_eq!(out(&run(&["man"])).lines().next().map(|line| line.contains("ie")), Some(true));
    if !there("man", "--version") {
        return;
    }
    for page in &pages {
        let output = Command::new("man").args(["--warnings", "-E", "UTF-8", "-l"]).arg(page).output().expect("man");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.is_empty(), "{}: {told}", page.display());
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success() && out(&output).contains("proselink"), "{shell}");
        if shell == "bash" && there("bash", "--version") {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("proselink");
            std::fs::write(&file, &output.stdout).expect("a file");
            let output = Command::new("bash").arg("-n").arg(&file).output().expect("bash");
            assert!(output.status.success(), "{}", err(&output));
        }
    }
    assert_eq!(run(&["completions", "cmd"]).status.code(), Some(2));
}
