//! A headless Chromium, spoken to through its pipe (`--remote-debugging-pipe`): JSON messages that end with a NUL.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub(super) struct Chromium {
    process: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    last: u64,
    session: Option<String>,
    /// What the page complained of, and each address that it asked for.
    pub(super) complaints: Vec<String>,
    pub(super) requests: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// # Panics
    /// Without a Chromium: a report that no browser has shown is not tested.
    pub(super) fn start() -> Self {
        let installed = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
        let name = NAMES.iter().find(installed).expect(
            "CHROMIUM IS MISSING: the report is tested in a real browser. apt-get install chromium, or run scripts/test",
        );
        let profile = tempfile::tempdir().expect("a directory");
        let mut process = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >&2", name])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .args(["--disable-dev-shm-usage", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a browser");
        let to = process.stdin.take().expect("a pipe");
        let out = BufReader::new(process.stdout.take().expect("a pipe"));
        let (tell, from) = channel();
        std::thread::spawn(move || {
            for message in out.split(0) {
                let message = message
                    .ok()
                    .and_then(|bytes| serde_json::from_slice(&bytes).ok());
                if message.is_none_or(|message| tell.send(message).is_err()) {
                    return;
                }
            }
        });
        let mut browser = Self {
            process,
            to,
            from,
            last: 0,
            session: None,
            complaints: Vec::new(),
            requests: Vec::new(),
            _profile: profile,
        };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", target);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for part in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{part}.enable"), json!({}));
        }
        browser
    }

    /// Opens a file and waits until it is there.
    pub(super) fn open(&mut self, file: &Path) {
        let url = format!("file://{}", file.display());
        self.complaints.clear();
        self.requests.clear();
        self.ask("Page.navigate", json!({ "url": url }));
        let ready = "new Promise(done => { const look = () => document.readyState === 'complete' && location.protocol === 'file:' \
            ? done(true) : setTimeout(look, 20); look(); })";
        assert_eq!(self.evaluate(ready), Value::Bool(true));
        self.requests.retain(|request| *request != url);
    }

    /// What an expression is worth on the page.
    pub(super) fn evaluate(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.ask("Runtime.evaluate", asked);
        assert!(answer.get("exceptionDetails").is_none(), "{answer}");
        answer["result"]["value"].clone()
    }

    /// Shows the page at a width, on a bright or dark screen.
    pub(super) fn screen(&mut self, width: u32, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let feature = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "features": feature }));
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", size);
    }

    /// All of the page as a PNG.
    pub(super) fn picture(&mut self) -> Vec<u8> {
        let answer = self.ask(
            "Page.captureScreenshot",
            json!({ "captureBeyondViewport": true }),
        );
        decoded(&answer)
    }

    /// The page as it is printed: a PDF.
    pub(super) fn print(&mut self) -> Vec<u8> {
        let asked = json!({ "printBackground": true, "preferCSSPageSize": true });
        let answer = self.ask("Page.printToPDF", asked);
        decoded(&answer)
    }

    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser listens");
        loop {
            let answer = self
                .from
                .recv_timeout(PATIENCE)
                .expect("the browser answers");
            self.note(&answer);
            if answer["id"] == self.last {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    fn note(&mut self, message: &Value) {
        let told = &message["params"];
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Log.entryAdded" | "Runtime.consoleAPICalled") => {
                self.complaints.push(told.to_string());
            }
            Some("Network.requestWillBeSent") => {
                let url = told["request"]["url"].as_str().unwrap_or_default();
                self.requests.push(url.to_owned());
            }
            _ => {}
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn decoded(answer: &Value) -> Vec<u8> {
    let text = answer["data"].as_str().expect("data");
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64")
}
