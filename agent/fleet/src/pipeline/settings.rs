//! `[pipeline]` of a scenario: how the pipeline behind the buckets behaves. The default is the reference pipeline.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::times::Times;

/// What a scenario says of the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", default)]
pub struct Settings {
    /// Whether each site has a function of its own.
    pub functions: Functions,
    /// Executions that the account allows at once, of all functions.
    pub account_concurrency: u32,
    /// Executions of one function at once; absent: as many as the account allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved_concurrency: Option<u32>,
    /// How long an instance without work is kept for the next event.
    #[serde(with = "crate::units::duration")]
    pub keep_warm: Duration,
    /// From the object's creation to the first try to begin: notification, queue, what of a start is not billed.
    pub delivery: Spread,
    /// Billed time of an execution. The measured one includes a cold start.
    pub service: Spread,
    /// Added to `service` on a new instance.
    pub cold_start: Spread,
    /// An execution is ended after this time, and has failed.
    #[serde(with = "crate::units::duration")]
    pub timeout: Duration,
    /// Share of executions that fail, 0 to 1.
    pub error_rate: f64,
    /// How often a failed execution is tried again.
    pub retries: u32,
    /// An event that is this old is dropped.
    #[serde(with = "crate::units::duration")]
    pub max_event_age: Duration,
    /// Memory of an instance, in MB (of 2^20 bytes, as AWS counts).
    pub memory_mb: u32,
    /// Whether a result object is written for each image.
    pub results: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            functions: Functions::EachSite,
            account_concurrency: 1000,
            reserved_concurrency: None,
            keep_warm: Duration::from_secs(600),
            delivery: Spread::Measured,
            service: Spread::Measured,
            cold_start: Spread::Constant(Duration::ZERO),
            timeout: Duration::from_secs(781),
            error_rate: 0.0,
            retries: 2,
            max_event_age: Duration::from_secs(6 * 3600),
            memory_mb: 6200,
            results: false,
        }
    }
}

/// Which functions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Functions {
    /// One for each site, with instances of its own.
    EachSite,
    /// One for all sites.
    One,
}

/// A distribution as a scenario names it: `"measured"`, `{ constant = "200ms" }` or `{ csv = "times.csv" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Spread {
    /// As measured at the reference pipeline. For `cold_start`: nothing is added, the service times include it.
    Measured,
    /// Always this time.
    #[serde(with = "crate::units::duration")]
    Constant(Duration),
    /// The first column of a CSV file, in seconds; a first line that is no number is its heading. The path is relative to
    /// the scenario's folder.
    Csv(PathBuf),
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A number outside its range.
    #[error("pipeline.{key}: {value} is not {range}")]
    Range {
        /// The setting.
        key: &'static str,
        /// What it says.
        value: String,
        /// What it may be.
        range: &'static str,
    },
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that holds no times, or something else besides.
    #[error("{}: {what}", path.display())]
    NoTimes {
        /// The file.
        path: PathBuf,
        /// What it holds instead.
        what: String,
    },
}

/// Settings that were checked, with every file read: what [`Cloud`](super::cloud::Cloud) is made of.
#[derive(Debug, Clone)]
pub struct Habits {
    pub(super) settings: Settings,
    pub(super) delivery: Times,
    pub(super) service: Times,
    pub(super) cold_start: Times,
}

impl Habits {
    /// The settings they were made of.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl Settings {
    /// Checks all of them and reads the files they name, which lie relative to `folder`.
    ///
    /// # Errors
    /// A number out of range; a file that cannot be read or holds no times.
    pub fn resolve(&self, folder: &Path) -> Result<Habits, SettingsError> {
        self.check()?;
        Ok(Habits {
            delivery: self.delivery.read(folder, Times::measured_delivery())?,
            service: self.service.read(folder, Times::measured_service())?,
            cold_start: self
                .cold_start
                .read(folder, Times::constant(Duration::ZERO))?,
            settings: self.clone(),
        })
    }

    fn check(&self) -> Result<(), SettingsError> {
        let range = |fits: bool, key, value: String, range| {
            fits.then_some(())
                .ok_or(SettingsError::Range { key, value, range })
        };
        range(
            (0.0..=1.0).contains(&self.error_rate),
            "error_rate",
            self.error_rate.to_string(),
            "a share from 0 to 1",
        )?;
        range(
            self.account_concurrency > 0,
            "account_concurrency",
            self.account_concurrency.to_string(),
            "at least 1",
        )?;
        range(
            self.memory_mb > 0,
            "memory_mb",
            self.memory_mb.to_string(),
            "at least 1",
        )?;
        range(
            !self.max_event_age.is_zero(),
            "max_event_age",
            crate::units::show_duration(self.max_event_age),
            "longer than 0s",
        )?;
        range(
            !self.timeout.is_zero(),
            "timeout",
            crate::units::show_duration(self.timeout),
            "longer than 0s",
        )
    }
}

impl Spread {
    fn read(&self, folder: &Path, measured: Times) -> Result<Times, SettingsError> {
        match self {
            Self::Measured => Ok(measured),
            Self::Constant(time) => Ok(Times::constant(*time)),
            Self::Csv(path) => {
                let path = folder.join(path);
                let text =
                    std::fs::read_to_string(&path).map_err(|source| SettingsError::Read {
                        path: path.clone(),
                        source,
                    })?;
                times_of(&text).map_err(|what| SettingsError::NoTimes { path, what })
            }
        }
    }
}

/// The first column, in seconds.
fn times_of(text: &str) -> Result<Times, String> {
    let mut times = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let cell = line.split(',').next().unwrap_or_default().trim();
        let time = cell
            .parse::<f64>()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        match time {
            Some(time) => times.push(time),
            None if number == 0 || cell.is_empty() => {}
            None => {
                return Err(format!(
                    "line {}: {cell:?} is no time in seconds",
                    number + 1
                ));
            }
        }
    }
    Times::sample(times).ok_or_else(|| "holds no times".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_the_reference_pipeline_and_all_of_it_is_read_back() {
        let nothing: Settings = toml::from_str("").unwrap();
        assert_eq!(nothing, Settings::default());
        let shown = toml::to_string(&nothing).unwrap();
        assert_eq!(
            toml::from_str::<Settings>(&shown).unwrap(),
            nothing,
            "{shown}"
        );
    }

    #[test]
    fn settings_are_written_as_the_documentation_says() {
        let settings: Settings = toml::from_str(
            "functions = \"one\"\nservice = { constant = \"200ms\" }\ncold_start = { constant = \"5s\" }\n\
             delivery = { csv = \"t.csv\" }\nreserved_concurrency = 5\nkeep_warm = \"15m\"\nresults = true",
        )
        .unwrap();
        assert_eq!(settings.functions, Functions::One);
        assert_eq!(
            settings.service,
            Spread::Constant(Duration::from_millis(200))
        );
        assert_eq!(settings.delivery, Spread::Csv("t.csv".into()));
        assert_eq!(settings.reserved_concurrency, Some(5));
        assert!(
            toml::from_str::<Settings>("concurrency = 3").is_err(),
            "an unknown key"
        );
    }

    #[test]
    fn numbers_out_of_range_are_refused_by_name() {
        for (key, settings) in [
            (
                "error_rate",
                Settings {
                    error_rate: 1.5,
                    ..Settings::default()
                },
            ),
            (
                "error_rate",
                Settings {
                    error_rate: f64::NAN,
                    ..Settings::default()
                },
            ),
            (
                "account_concurrency",
                Settings {
                    account_concurrency: 0,
                    ..Settings::default()
                },
            ),
            (
                "max_event_age",
                Settings {
                    max_event_age: Duration::ZERO,
                    ..Settings::default()
                },
            ),
        ] {
            let said = settings.resolve(Path::new(".")).unwrap_err().to_string();
            assert!(said.contains(key), "{said}");
        }
    }

    #[test]
    fn times_come_from_a_file_beside_the_scenario() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            service: Spread::Csv("t.csv".into()),
            ..Settings::default()
        };
        let resolve = || settings.resolve(folder.path());
        assert!(matches!(resolve(), Err(SettingsError::Read { .. })));
        let write = |text: &str| std::fs::write(folder.path().join("t.csv"), text).unwrap();
        write("seconds,site\n1.5,a\n2.5,b\n\n");
        assert_eq!(
            resolve().unwrap().service.quantile(1.0),
            Duration::from_millis(2500)
        );
        for (text, said) in [
            ("seconds\n", "no times"),
            ("1\nx\n", "line 2: \"x\""),
            ("1\n-3\n", "line 2: \"-3\""),
        ] {
            write(text);
            assert!(resolve().unwrap_err().to_string().contains(said));
        }
    }
}
