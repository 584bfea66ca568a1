//! A scenario: one TOML file that describes a run. What the command line says goes before it.
//!
//! Unknown keys are refused, and every table and entry that is wrong is told with its line.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::forecast::Forecast;
use super::link::Shape;
use super::reading::{Faults, Reading};
use super::spell::Spell;
use super::{library, written};
use crate::{camera, pipeline, units};

/// A run, described.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it shows, and what to look at in the report.
    pub about: String,
    /// Where paths in it begin: the folder of its file.
    pub folder: PathBuf,
    /// `[run]`.
    pub run: Run,
    /// `[camera]`.
    pub camera: camera::Settings,
    /// `[pipeline]`.
    pub pipeline: pipeline::Settings,
    /// `[device]`: goes into the configuration file of every agent, table by table.
    pub device: toml::Table,
    /// `[[weather]]`.
    pub weather: Vec<Spell>,
}

/// How large a run is, and what the gate is to keep.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// How many sites.
    pub sites: u32,
    /// How long it lasts, of the fleet's time.
    #[serde(with = "units::duration")]
    pub length: Duration,
    /// What all that is random is drawn from.
    pub seed: u64,
    /// When it starts.
    pub start: DateTime<Utc>,
    /// Whether time is simulated.
    pub clock: Time,
    /// The cameras took pictures for this long before the start: they lie there when the agents begin.
    #[serde(with = "units::duration")]
    pub backlog: Duration,
    /// Time from a site to the store and back again, each, in fair weather; absent: 40 ms in virtual time, nothing but
    /// the sockets' own in real time.
    #[serde(with = "units::duration_option")]
    pub link_latency: Option<Duration>,
    /// Bytes a second of a site's link in fair weather, each way; absent: 1 MiB in virtual time, no bound in real time.
    #[serde(deserialize_with = "units::size_option::deserialize")]
    pub link_rate: Option<u64>,
    /// The most sites that may be in the pipeline at once.
    pub max_concurrent_sites: u32,
    /// The most images that one site may have in it.
    pub max_in_flight_per_site: u32,
    /// How long a site stays in the pipeline after its upload.
    pub hold: Hold,
    /// Longest that a result is waited for.
    #[serde(with = "units::duration")]
    pub hold_limit: Duration,
    /// Who counts the sites.
    pub gate: Gate,
    /// How long after its length what is owed may take to be uploaded.
    #[serde(with = "units::duration")]
    pub drain: Duration,
    /// How soon after the last fault a fresh image must be stored at every site; `"off"` where the scenario means to
    /// hold images back.
    #[serde(deserialize_with = "or_off")]
    pub fresh_within: Option<Duration>,
}

impl Default for Run {
    /// A week of 300 sites from a midnight of `Etc/GMT+7`, in virtual time.
    fn default() -> Self {
        Self {
            sites: 300,
            length: Duration::from_secs(7 * 86_400),
            seed: 1,
            start: DateTime::from_timestamp(1_772_348_400, 0).unwrap_or_default(),
            clock: Time::Virtual,
            backlog: Duration::ZERO,
            link_latency: None,
            link_rate: None,
            max_concurrent_sites: 300,
            max_in_flight_per_site: 1,
            hold: Hold::Upload,
            hold_limit: Duration::from_secs(15 * 60),
            gate: Gate::Local,
            drain: Duration::from_secs(48 * 3600),
            fresh_within: Some(Duration::from_secs(60)),
        }
    }
}

/// A duration, or `"off"`.
fn or_off<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    if text.trim() == "off" {
        return Ok(None);
    }
    let time = units::parse_duration(&text).map(Some);
    time.map_err(|wrong| {
        serde::de::Error::custom(format!("{text:?} {wrong}; write a duration or \"off\""))
    })
}

/// Whose time a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Time {
    /// A paused clock: as fast as the machine goes, and the same for the same seed.
    Virtual,
    /// The clock on the wall.
    Real,
}

/// Who counts the sites in the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// One gate in the fleet's process.
    Local,
    /// Every site by itself, through objects in a bucket.
    S3,
}

/// How long a site stays in the pipeline: `"upload"`, a time such as `"22s"`, or `"result"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Until the upload is verified.
    Upload,
    /// So much longer.
    For(Duration),
    /// Until the result is there.
    Result,
}

impl std::str::FromStr for Hold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "upload" => Ok(Self::Upload),
            "result" => Ok(Self::Result),
            time => {
                let time = units::parse_duration(time).map(Self::For);
                time.map_err(|_| format!("{text:?} is not known here: write \"upload\", \"result\" or a time such as \"22s\""))
            }
        }
    }
}

impl fmt::Display for Hold {
    /// As the agent's configuration has it too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload => f.write_str("upload"),
            Self::Result => f.write_str("result"),
            Self::For(time) => f.write_str(&units::show_duration(*time)),
        }
    }
}

impl<'de> Deserialize<'de> for Hold {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why there is no such scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Neither the library nor the disk has it.
    #[error("there is no scenario {0:?}: give a file, or one of {known}", known = library::names().join(", "))]
    Unknown(String),
    /// Its file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not understood.
    #[error(transparent)]
    Faulty(#[from] Faults),
}

impl Scenario {
    /// The scenario of the library with this name, or that of the file at this path.
    ///
    /// # Errors
    /// There is no such thing; it cannot be read; it is not understood.
    pub fn find(name_or_path: &str) -> Result<Self, ScenarioError> {
        if let Some(entry) = library::entries()
            .iter()
            .find(|entry| entry.name == name_or_path)
        {
            return Ok(Self::parse(entry.name, Path::new(""), entry.text)?);
        }
        let path = Path::new(name_or_path);
        if !path.exists() {
            return Err(ScenarioError::Unknown(name_or_path.to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::parse(
            name_or_path,
            path.parent().unwrap_or(Path::new("")),
            &text,
        )?)
    }

    /// Reads a scenario. `origin` is what faults are told with, paths begin in `folder`.
    ///
    /// # Errors
    /// All that is wrong with it: syntax first, then the first fault of each table and entry.
    pub fn parse(origin: &str, folder: &Path, text: &str) -> Result<Self, Faults> {
        let mut reading = Reading::of(text);
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            reading.complain(
                at,
                format!("not TOML: {}", error.message().replace('\n', "; ")),
            );
        }
        let mut scenario = Self {
            name: origin.to_owned(),
            about: String::new(),
            folder: folder.to_owned(),
            run: Run::default(),
            camera: camera::Settings::default(),
            pipeline: pipeline::Settings::default(),
            device: toml::Table::new(),
            weather: Vec::new(),
        };
        if errors.is_empty() {
            for (key, value) in root.into_inner() {
                scenario.take(&mut reading, &key, value);
            }
        }
        reading.finish(origin, scenario)
    }

    fn take(
        &mut self,
        reading: &mut Reading<'_>,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: Spanned<DeValue<'_>>,
    ) {
        /// Keeps what was there where the value is wrong: the scenario is thrown away then.
        fn put<T>(place: &mut T, read: Option<T>) {
            if let Some(read) = read {
                *place = read;
            }
        }
        match key.get_ref().as_ref() {
            "name" => put(&mut self.name, reading.read(value)),
            "about" => put(&mut self.about, reading.read(value)),
            "camera" => put(&mut self.camera, reading.read(value)),
            "pipeline" => put(&mut self.pipeline, reading.read(value)),
            "device" => put(&mut self.device, reading.read(value)),
            "run" => {
                let at = value.span().start;
                put(&mut self.run, reading.read(value));
                self.run
                    .check()
                    .unwrap_or_else(|wrong| reading.complain(at, wrong));
            }
            "weather" => {
                let at = value.span().start;
                let DeValue::Array(entries) = value.into_inner() else {
                    return reading.complain(
                        at,
                        "write [[weather]], with two brackets, before each entry",
                    );
                };
                let spells = entries
                    .into_iter()
                    .filter_map(|entry| written::read(reading, entry));
                self.weather = spells.collect();
            }
            other => {
                let at = key.span().start;
                reading.complain(at, format!("{other} is not known here: there are name, about, run, camera, pipeline, device and weather"));
            }
        }
    }

    /// The settings of every agent: `[device]`, and of `[run]` what agents have to know, where `[device]` does not say
    /// it.
    pub fn agents(&self) -> toml::Table {
        let run = &self.run;
        let gate = match run.gate {
            Gate::Local => "local",
            Gate::S3 => "s3",
        };
        let settings: [(&str, &str, toml::Value); 5] = [
            (
                "gate",
                "max_in_flight_per_site",
                run.max_in_flight_per_site.into(),
            ),
            (
                "pipeline",
                "max_concurrent_sites",
                run.max_concurrent_sites.into(),
            ),
            ("pipeline", "hold", run.hold.to_string().into()),
            (
                "pipeline",
                "hold_limit",
                units::show_duration(run.hold_limit).into(),
            ),
            ("pipeline", "gate", gate.into()),
        ];
        let mut agents = self.device.clone();
        for (section, key, value) in settings {
            let section = agents
                .entry(section)
                .or_insert_with(|| toml::Table::new().into());
            // What is no table is for the agent's own configuration to refuse.
            if let Some(section) = section.as_table_mut() {
                section.entry(key).or_insert(value);
            }
        }
        agents
    }

    /// The links of all sites in fair weather.
    pub fn fair_link(&self) -> Shape {
        let (latency, rate) = match self.run.clock {
            Time::Virtual => (Duration::from_millis(40), Some(1 << 20)),
            Time::Real => (Duration::ZERO, None),
        };
        let latency = self.run.link_latency.unwrap_or(latency);
        Shape {
            latency,
            latency_jitter: latency / 2,
            bytes_per_second: self.run.link_rate.or(rate),
            loss: 0.0,
        }
    }

    /// What befalls the sites of the run.
    pub fn forecast(&self) -> Forecast {
        Forecast::of(
            &self.weather,
            self.run.sites,
            self.run.seed,
            self.run.length,
        )
    }
}

impl Run {
    fn check(&self) -> Result<(), &'static str> {
        let needed = [
            (self.sites > 0, "sites must be at least 1"),
            (!self.length.is_zero(), "length must be longer than 0s"),
            (
                self.max_concurrent_sites > 0,
                "max_concurrent_sites must be at least 1",
            ),
            (
                self.max_in_flight_per_site > 0,
                "max_in_flight_per_site must be at least 1",
            ),
        ];
        needed
            .iter()
            .find(|(fits, _)| !fits)
            .map_or(Ok(()), |(_, wrong)| Err(*wrong))
    }
}

#[cfg(test)]
mod tests;
