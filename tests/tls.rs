//! TLS as a user sets it up: certificates by the script that the README names, a section in the configuration, and what
//! is said when a file is wrong.

#![cfg(feature = "net")]

use std::path::Path;
use std::process::{Command, Output};

const HSS: &str = "hss.example";

/// Makes the lab's certificates below `folder`; false where openssl is not there.
fn certificates(folder: &Path) -> bool {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: openssl is not installed");
        return false;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/lab-certificates");
    let output = Command::new(script).args(["lab", HSS, "mme.example"]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ca.pem\nhss.example.pem\nmme.example.pem\n");
    true
}

fn check(folder: &Path, identity: &str, certificate: &str, key: &str, ca: &str) -> Output {
    let text = format!(
        "identity = \"{identity}\"\nrealm = \"example\"\nlisten = [\"tls:127.0.0.13\"]\n\n[tls]\ncertificate = \
         \"{certificate}\"\nkey = \"{key}\"\nca = \"{ca}\"\n\n[[peer]]\nidentity = \"mme.example\"\n\n[hss]\n"
    );
    std::fs::write(folder.join("hss.toml"), text).unwrap();
    let arguments = ["run", "-c", "hss.toml", "--check"];
    Command::new(env!("CARGO_BIN_EXE_proselink")).args(arguments).current_dir(folder).output().unwrap()
}

#[test]
fn the_certificates_of_the_script_are_good_and_others_are_refused_with_file_and_place() {
    let folder = tempfile::tempdir().unwrap();
    if !certificates(folder.path()) {
        return;
    }
    let [certificate, key, ca] = ["lab/hss.example.pem", "lab/hss.example.key", "lab/ca.pem"];
    let good = check(folder.path(), HSS, certificate, key, ca);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    assert_eq!(String::from_utf8_lossy(&good.stderr), "");

    let other = check(folder.path(), "other.example", certificate, key, ca);
    assert!(other.status.success());
    let warning = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(warning.contains("hss.toml:6:15: ") && warning.contains("does not name other.example"), "{warning}");

    for (certificate, key, ca, words) in [
        (certificate, "lab/mme.example.key", ca, "hss.toml:7:7: lab/mme.example.key: it is not the key of"),
        ("lab/nobody.pem", key, ca, "hss.toml:6:15: lab/nobody.pem: it cannot be read: "),
        (certificate, key, "hss.toml", "hss.toml:8:6: hss.toml: it holds no certificate"),
    ] {
        let bad = check(folder.path(), HSS, certificate, key, ca);
        assert!(!bad.status.success());
        let error = String::from_utf8_lossy(&bad.stderr).into_owned();
        assert!(error.contains(words), "{error}\nshould be\n{words}");
    }
}
