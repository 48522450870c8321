//! A browser without a screen, as Debian's package `chromium` brings one.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A browser with a profile of its own, so that tests may run side by side.
pub struct Browser {
    program: &'static str,
    profile: tempfile::TempDir,
}

/// The size of a picture, from its own header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl Browser {
    /// Finds one; says that the test is skipped where there is none.
    pub fn find() -> Option<Self> {
        let found = ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .find(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()));
        if found.is_none() {
            println!("skipped: chromium is not installed");
        }
        Some(Self { program: found?, profile: tempfile::tempdir().expect("a folder") })
    }

    fn run(&self, flags: &[&str], url: &str) -> Vec<u8> {
        let output = Command::new(self.program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--hide-scrollbars", "--virtual-time-budget=10000", "--disable-background-networking"])
            .arg(format!("--user-data-dir={}", self.profile.path().display()))
            .args(flags)
            .arg(url)
            .output()
            .expect("the browser starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// The page after its scripts have run, as HTML.
    pub fn dom(&self, url: &str, flags: &[&str]) -> String {
        let flags: Vec<&str> = flags.iter().copied().chain(["--dump-dom"]).collect();
        String::from_utf8(self.run(&flags, url)).expect("a page is UTF-8")
    }

    /// A picture of the page; its size, and how many octets it takes: an empty page takes few.
    pub fn picture(&self, url: &str, to: &Path, flags: &[&str]) -> (Size, usize) {
        let to_flag = format!("--screenshot={}", to.display());
        let flags: Vec<&str> = flags.iter().copied().chain([to_flag.as_str()]).collect();
        self.run(&flags, url);
        let octets = std::fs::read(to).expect("the picture is there");
        assert_eq!(octets.get(..8), Some(&b"\x89PNG\r\n\x1a\n"[..]), "a PNG");
        let number = |at: usize| octets[at..at + 4].iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet));
        (Size { width: number(16), height: number(20) }, octets.len())
    }

    /// The page printed, as PDF.
    pub fn print(&self, url: &str, to: &Path) -> Vec<u8> {
        self.run(&[&format!("--print-to-pdf={}", to.display()), "--no-pdf-header-footer"], url);
        std::fs::read(to).expect("the paper is there")
    }
}

/// A file as a URL.
pub fn url(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A page that shows another one in a frame as wide as a phone, and whose script `then` sees the frame's `page` and
/// `view`; what it returns becomes the text of the element `told`.
pub fn on_a_phone(page: &str, width: u32, then: &str, to: &Path) -> PathBuf {
    let escaped = page.replace('&', "&amp;").replace('"', "&quot;");
    let harness = format!(
        "<!doctype html><meta charset=utf-8><body><iframe style=\"border:0;width:{width}px;height:2000px\" srcdoc=\"{escaped}\">\
         </iframe><pre id=told></pre><script>onload = () => {{ const frame = document.querySelector('iframe'); \
         const page = frame.contentDocument, view = frame.contentWindow; \
         document.getElementById('told').textContent = JSON.stringify((() => {{ {then} }})()); }};</script>"
    );
    std::fs::write(to, harness).expect("the page is written");
    to.to_owned()
}

/// What a page of [`on_a_phone`] told.
pub fn told(dom: &str) -> serde_json::Value {
    let (_, rest) = dom.split_once("<pre id=\"told\">").expect("the harness ran");
    let (json, _) = rest.split_once("</pre>").expect("the harness ran");
    serde_json::from_str(&json.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")).expect("JSON")
}
