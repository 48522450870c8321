//! The README and the guide stay true: every command in them is run, in its order, as a user would.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

/// The pages use the same loopback addresses, so one is followed after the other.
static ONE_PAGE: Mutex<()> = Mutex::new(());

/// The commands of the README: the lines after `$ ` in its console blocks.
fn commands(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            line if inside => found.extend(line.strip_prefix("$ ").map(str::to_owned)),
            _ => {}
        }
    }
    found
}

/// A folder that looks like the project to commands that read from it.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["captures", "scripts"] {
        std::os::unix::fs::symlink(project.join(name), folder.path().join(name)).expect("a link");
    }
    // Elements keep their stores beside their files.
    let examples = folder.path().join("examples");
    std::fs::create_dir(&examples).expect("a folder");
    for file in std::fs::read_dir(project.join("examples")).expect("the examples").flatten() {
        if file.path().extension().is_none_or(|extension| extension != "redb") {
            std::fs::copy(file.path(), examples.join(file.file_name())).expect("a copy");
        }
    }
    folder
}

/// Commands that end in `&`; they end with the test.
struct Background(Vec<Child>);

impl Background {
    /// Starts one, and waits until it says that it is ready.
    fn start(&mut self, binary: &str, arguments: &str, folder: &Path) {
        let mut command = Command::new(binary);
        let words = arguments.split_whitespace();
        let mut child = command.args(words).current_dir(folder).stdout(Stdio::piped()).spawn().expect("our command");
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        self.0.push(child);
        let said = stdout.read_line(&mut first);
        assert!(said.is_ok_and(|octets| octets > 0), "`{arguments}` says nothing");
        // Who finds nobody listening ends: a closed pipe is success.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Follows a page from its first command to the last; gives their number.
fn follow(text: &str) -> usize {
    let _alone = ONE_PAGE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = workplace();
    let binary = env!("CARGO_BIN_EXE_proselink");
    let mut run = 0;
    let mut background = Background(Vec::new());
    for command in commands(text) {
        if command == "scripts/test" {
            // It runs this test; that it is there and can be run is all to be said from within.
            let help = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(&command)).arg("--help").output();
            assert!(help.is_ok_and(|help| help.status.success()), "{command} --help");
            continue;
        }
        if command.starts_with("scripts/lab-certificates ") {
            if Command::new("openssl").arg("version").output().is_err() {
                println!("skipped: openssl is not installed for `{command}`");
                continue;
            }
            let output =
                Command::new("sh").args(["-c", &command]).current_dir(folder.path()).output().expect("a shell");
            assert!(output.status.success(), "`{command}`: {}", String::from_utf8_lossy(&output.stderr));
            continue;
        }
        let arguments = command
            .strip_prefix("cargo run --release -- ")
            .or_else(|| command.strip_prefix("proselink "))
            .unwrap_or_else(|| panic!("`{command}` is no command of ours"));
        if let Some(arguments) = arguments.strip_suffix(" &") {
            background.start(binary, arguments, folder.path());
            run += 1;
            continue;
        }
        // A shell reads the quotes, as it would for the user.
        let output = Command::new("sh")
            .args(["-c", &format!("\"{binary}\" {arguments}")])
            .current_dir(folder.path())
            .output()
            .expect("a shell");
        assert!(
            output.status.success(),
            "`{command}` exits with {:?}:\n{}\n{}",
            output.status.code(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let written = [" -w ", " -o "].iter().find_map(|option| arguments.split_once(option)?.1.split(' ').next());
        let wrote = written.is_some_and(|file| folder.path().join(file).metadata().is_ok_and(|file| file.len() > 0));
        assert!(wrote || !output.stdout.is_empty(), "`{command}` prints nothing and writes nothing");
        run += 1;
    }
    run
}

#[test]
fn every_command_of_the_readme_succeeds() {
    let run = follow(include_str!("../README.md"));
    assert!(run >= 7, "{run} commands");
}

#[test]
fn every_command_of_the_guide_succeeds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide");
    let mut pages = 0;
    for page in std::fs::read_dir(folder).expect("the guide").flatten() {
        let text = std::fs::read_to_string(page.path()).expect("a page");
        println!("{}", page.path().display());
        assert!(follow(&text) >= 2, "{}", page.path().display());
        pages += 1;
    }
    assert!(pages >= 5, "{pages} pages");
}

#[test]
fn every_link_of_the_papers_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for paper in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "docs/compliance.md",
        "docs/operations.md",
        "docs/cases.md",
        "docs/guide/connect.md",
        "docs/guide/read.md",
        "docs/guide/function.md",
        "docs/guide/replay.md",
        "docs/guide/conform.md",
        "docs/replay.md",
        "docs/conformance.md",
        "docs/verify.md",
        "captures/README.md",
    ] {
        let text = std::fs::read_to_string(root.join(paper)).unwrap_or_else(|error| panic!("{paper}: {error}"));
        let folder = root.join(paper).parent().expect("a paper lies in a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let link = link.split('#').next().unwrap_or_default();
            if !link.is_empty() && !link.contains("://") {
                assert!(folder.join(link).exists(), "{paper}: {link}");
            }
        }
    }
}
