//! A camera station: folders that cameras write to, a state directory, a configuration, and the program.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::agent::Agent;
use super::s3::{ACCESS_KEY, S3, SECRET_KEY};
use super::{http, wait};

/// The site that most tests have.
pub(crate) const SITE: &str = "first-dam";
/// Its bucket, as the default names it.
pub(crate) const BUCKET: &str = "first-dam-image";

/// Everything of a device, in a directory of its own.
pub(crate) struct Station {
    home: TempDir,
    sites: Vec<String>,
    of_sites: String,
    settings: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    /// TOML behind the sites.
    blocks: String,
    pub(crate) port: u16,
}

impl Station {
    /// A station of one site, its camera folder made and empty, its bucket made.
    pub(crate) fn new(s3: &S3) -> Self {
        Self::with_sites(s3, &[SITE])
    }

    /// A station of these sites.
    pub(crate) fn with_sites(s3: &S3, sites: &[&str]) -> Self {
        let station = Self::at(&s3.endpoint(), ACCESS_KEY, SECRET_KEY, sites);
        for site in sites {
            s3.make(&format!("{site}-image"));
        }
        station
    }

    /// A station that sends to any S3 service.
    pub(crate) fn at(endpoint: &str, access: &str, secret: &str, sites: &[&str]) -> Self {
        let home = TempDir::new().unwrap();
        let keys = home.path().join("keys");
        let mut file = fs::OpenOptions::new();
        file.create_new(true).write(true).mode(0o600);
        std::io::Write::write_all(
            &mut file.open(&keys).unwrap(),
            format!("access_key_id = {access}\nsecret_access_key = {secret}\n").as_bytes(),
        )
        .unwrap();
        let port = free_port();
        let mut station = Self {
            home,
            sites: sites.iter().map(|&site| site.to_owned()).collect(),
            of_sites: String::new(),
            settings: BTreeMap::new(),
            environment: BTreeMap::new(),
            blocks: String::new(),
            port,
        };
        // As the defaults, but faster: the tests are about what happens, not when.
        for (setting, value) in [
            ("state.directory", "state"),
            ("settle.quiet", "200ms"),
            ("settle.give_up", "1s"),
            ("gate.probe_first", "100ms"),
            ("gate.probe_max", "400ms"),
            ("store.endpoint", endpoint),
            ("store.credentials_file", "keys"),
            // The machine's own disk is none of the tests' business.
            ("retain.min_free", "0%"),
            ("retain.min_free_inodes", "0%"),
            ("upload.timeout", "10s"),
            ("upload.backoff_first", "100ms"),
            ("upload.backoff_max", "400ms"),
            ("daemon.listen", &format!("127.0.0.1:{port}")),
        ] {
            station.set(setting, value);
        }
        for site in sites {
            fs::create_dir(station.camera_of(site)).unwrap();
        }
        station
    }

    /// Gives a setting another value than the station's.
    pub(crate) fn set(&mut self, setting: &str, value: &str) {
        self.settings
            .insert(setting.to_owned(), format!("{value:?}"));
    }

    /// Gives a setting that is a number another value.
    pub(crate) fn set_number(&mut self, setting: &str, value: u32) {
        self.settings.insert(setting.to_owned(), value.to_string());
    }

    /// Adds TOML to the configuration, behind the sites.
    pub(crate) fn add(&mut self, toml: &str) {
        self.blocks.push_str(toml);
    }

    /// Gives a setting a value as TOML has it.
    pub(crate) fn set_toml(&mut self, setting: &str, value: &str) {
        self.settings.insert(setting.to_owned(), value.to_owned());
    }

    /// Gives every site a further line of its block.
    pub(crate) fn every_site(&mut self, line: &str) {
        self.of_sites.push_str(line);
        self.of_sites.push('\n');
    }

    /// Gives the agent a variable of its environment.
    pub(crate) fn environment(&mut self, name: &str, value: impl Into<String>) {
        self.environment.insert(name.to_owned(), value.into());
    }

    /// The camera folder of the first site.
    pub(crate) fn camera(&self) -> PathBuf {
        self.camera_of(&self.sites[0])
    }

    /// The camera folder of a site.
    pub(crate) fn camera_of(&self, site: &str) -> PathBuf {
        self.home.path().join(site)
    }

    /// The state directory.
    pub(crate) fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// The station's own directory, on the same file system as its camera folders and watched by nobody.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The file that every run of the agent logs to.
    pub(crate) fn log(&self) -> PathBuf {
        self.home.path().join("weir.log")
    }

    /// Puts a file into the camera folder of the first site, in one go.
    pub(crate) fn drop_file(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.camera().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes the configuration and gives the program with it, in an environment that holds nothing else.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let config = self.write_configuration();
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command
            .args(arguments)
            .arg("--config")
            .arg(config)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .envs(&self.environment);
        command
    }

    /// Writes the configuration; gives its file.
    pub(crate) fn write_configuration(&self) -> PathBuf {
        let config = self.home.path().join("weir.toml");
        // Whole at every moment: an agent that was started just now may be reading it.
        let fresh = tempfile::NamedTempFile::new_in(self.home.path()).unwrap();
        fs::write(fresh.path(), self.toml()).unwrap();
        fresh.persist(&config).unwrap();
        config
    }

    fn toml(&self) -> String {
        let mut sections: BTreeMap<&str, String> = BTreeMap::new();
        for (setting, value) in &self.settings {
            let (section, key) = setting.split_once('.').unwrap();
            let lines = sections.entry(section).or_default();
            lines.push_str(&format!("{key} = {value}\n"));
        }
        let sites = self.sites.iter().map(|site| {
            format!(
                "[[site]]\nname = {site:?}\ndirectory = {site:?}\ntimezone = \"Etc/GMT+7\"\n{}",
                self.of_sites
            )
        });
        let sections = sections
            .iter()
            .map(|(section, lines)| format!("[{section}]\n{lines}"));
        sections.chain(sites).chain([self.blocks.clone()]).collect()
    }

    /// Starts the agent and waits until it watches.
    #[track_caller]
    pub(crate) fn start(&self) -> Agent {
        let mut agent = self.begin();
        agent.hears(" watches ");
        agent
    }

    /// Starts the agent and waits for nothing.
    pub(crate) fn begin(&self) -> Agent {
        Agent::spawn(self.command(&["run"]), self.log())
    }

    /// Runs the program to its end.
    pub(crate) fn weir(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What the program prints as JSON, one value a line; it must end well.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.weir(&[arguments, &["--json"]].concat());
        let (said, complained) = (text(&output.stdout), text(&output.stderr));
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{said}{complained}",
            output.status
        );
        said.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// All rows of the queue.
    #[track_caller]
    pub(crate) fn images(&self) -> Vec<Value> {
        self.json(&["queue", "list"])
    }

    /// The row of the file at `path`; null while there is none.
    #[track_caller]
    pub(crate) fn image(&self, path: &Path) -> Value {
        let path = path.to_str().unwrap();
        if !self.images().iter().any(|image| image["path"] == path) {
            return Value::Null;
        }
        self.json(&["queue", "show", path]).swap_remove(0)
    }

    /// The running agent's status, once it gives one.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        wait::find("the agent tells its status", || {
            let answer = http::get(self.port, "/status")?;
            serde_json::from_str(&answer.body).ok()
        })
    }

    /// How many images of all sites are in a state.
    #[track_caller]
    pub(crate) fn count(&self, state: &str) -> u64 {
        let status = self.status();
        let sites = status["sites"].as_array().cloned().unwrap_or_default();
        sites
            .iter()
            .filter_map(|site| site["images"][state].as_u64())
            .sum()
    }

    /// Waits until exactly so many images are in a state.
    #[track_caller]
    pub(crate) fn until(&self, state: &str, images: u64) {
        wait::until(&format!("{images} images are {state}"), || {
            self.count(state) == images
        });
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A port that is free now, outside the range that the kernel gives to outgoing connections.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 300) as u16 * 40;
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
