//! The folder of a simulated site and the configuration of its agent.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use weir::config::{Config, Faults};

/// What is the same for all sites.
#[derive(Debug, Clone)]
pub struct Premises {
    /// Where the folders of the sites are made.
    pub folder: PathBuf,
    /// The store's address, as the agents are configured with it.
    pub endpoint: String,
    /// Key pair of the store; `None` leaves it to the environment of the process.
    pub keys: Option<(String, String)>,
    /// Settings of every agent, over what a simulation sets itself: tables of a `weir.toml`.
    pub device: toml::Table,
}

/// Why a site cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// A file or folder.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The settings of the scenario for agents.
    #[error("the [device] settings make no configuration: {0}")]
    Device(Faults),
}

/// The folder of a site.
#[derive(Debug, Clone)]
pub struct Home {
    folder: PathBuf,
}

impl Premises {
    /// Makes the folder that all sites share, with the file of keys.
    ///
    /// # Errors
    /// [`SetUpError::Io`].
    pub fn prepare(&self) -> Result<(), SetUpError> {
        make(&self.folder)?;
        let Some((id, secret)) = &self.keys else {
            return Ok(());
        };
        let path = self.keys_file();
        let mut text = toml::Table::new();
        text.insert("access_key_id".into(), id.as_str().into());
        text.insert("secret_access_key".into(), secret.as_str().into());
        write(&path, &text.to_string())?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
            .map_err(|source| SetUpError::Io { path, source })
    }

    fn keys_file(&self) -> PathBuf {
        self.folder.join("keys.toml")
    }

    /// Makes the folder of site `number` and loads the configuration of its agent.
    ///
    /// # Errors
    /// [`SetUpError`].
    pub fn settle(&self, number: u32) -> Result<(Home, Config), SetUpError> {
        let home = Home {
            folder: self.folder.join(name(number)),
        };
        make(&home.folder)?;
        make(&home.camera())?;
        let file = home.folder.join("weir.toml");
        write(&file, &self.settings(number).to_string())?;
        let config = Config::load(Some(&file), []).map_err(SetUpError::Device)?;
        Ok((home, config))
    }

    fn settings(&self, number: u32) -> toml::Table {
        let mut site = toml::Table::new();
        site.insert("name".into(), name(number).into());
        site.insert("directory".into(), "camera".into());
        site.insert("timezone".into(), "Etc/GMT+7".into());
        let mut store = toml::Table::new();
        store.insert("endpoint".into(), self.endpoint.as_str().into());
        store.insert("bucket".into(), "{site}-simulatedbucket".into());
        if self.keys.is_some() {
            let keys = self.keys_file();
            store.insert("credentials_file".into(), keys.display().to_string().into());
        }
        let ours = [
            ("state", vec![("directory", "state".into())]),
            ("daemon", vec![("listen", "".into())]),
            ("pipeline", vec![("control_bucket", CONTROL_BUCKET.into())]),
            // A look at the whole folder is for events that were missed, and the simulated camera's are not.
            ("watch", vec![("rescan", "1h".into())]),
            // The disk of the machine that simulates says nothing about the site's.
            (
                "retain",
                vec![("min_free", "0%".into()), ("keep", "6h".into())],
            ),
        ];
        let mut all = toml::Table::new();
        for (section, settings) in ours {
            let settings = settings
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value));
            all.insert(section.into(), toml::Value::Table(settings.collect()));
        }
        all.insert("store".into(), store.into());
        overlay(&mut all, &self.device);
        all.insert("site".into(), toml::Value::Array(vec![site.into()]));
        all
    }
}

impl Home {
    /// The camera's folder.
    pub fn camera(&self) -> PathBuf {
        self.folder.join("camera")
    }

    /// The folder for what the camera knows and the agent must not see: masks and stages.
    pub fn truth(&self) -> PathBuf {
        self.folder.join("truth")
    }

    /// The agent's state directory.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }
}

/// The name of a site.
pub fn name(number: u32) -> String {
    format!("site{number}")
}

/// The bucket of a site's images.
pub fn bucket(number: u32) -> String {
    format!("site{number}-simulatedbucket")
}

/// The bucket of what the pipeline makes of them.
pub fn result_bucket(number: u32) -> String {
    format!("site{number}-segmentedoutput")
}

/// The bucket of the slots that sites share, where they do.
pub const CONTROL_BUCKET: &str = "weir-fleet-control";

/// The number of the site whose images a bucket holds.
pub fn site_of_bucket(bucket: &str) -> Option<u32> {
    let number = bucket
        .strip_prefix("site")?
        .strip_suffix("-simulatedbucket")?;
    number.parse().ok()
}

/// Lays `over` onto `under`, table by table.
fn overlay(under: &mut toml::Table, over: &toml::Table) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(toml::Value::Table(under)), toml::Value::Table(over)) => overlay(under, over),
            _ => _ = under.insert(key.clone(), value.clone()),
        }
    }
}

fn make(path: &Path) -> Result<(), SetUpError> {
    std::fs::create_dir_all(path).map_err(|source| SetUpError::Io {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, text: &str) -> Result<(), SetUpError> {
    std::fs::write(path, text).map_err(|source| SetUpError::Io {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_a_scenario_go_over_those_of_the_simulation() {
        let folder = tempfile::tempdir().unwrap();
        let device = "[retain]\nkeep = \"1d\"\n[gate]\norder = \"oldest\"\n";
        let premises = Premises {
            folder: folder.path().join("sites"),
            endpoint: "http://127.0.0.1:1".into(),
            keys: Some(("weir".into(), "weir-secret".into())),
            device: device.parse().unwrap(),
        };
        premises.prepare().unwrap();
        let (home, config) = premises.settle(7).unwrap();
        assert!(home.camera().is_dir());
        assert_eq!(config.sites[0].name.as_str(), "site7");
        assert_eq!(config.sites[0].bucket.as_str(), bucket(7));
        assert_eq!(config.gate.order, weir_journey::gate::Order::Oldest);
        assert_eq!(site_of_bucket(&bucket(7)), Some(7));
        assert_eq!(site_of_bucket(&result_bucket(7)), None);
        let bad = Premises {
            device: "[gate]\nordre = 1\n".parse().unwrap(),
            ..premises
        };
        assert!(matches!(bad.settle(1), Err(SetUpError::Device(_))));
    }
}
