//! A `[[weather]]` entry as it is written in a scenario, and what it means.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;
use weir_store::faults::Rule;

use super::change::Step;
use super::link::{Down, Shape};
use super::power::BootClock;
use super::reading::Reading;
use super::sites::Sites;
use super::spell::{Fuzz, Kind, Lasts, Repeat, Spell};
use crate::units;

/// Keys of every entry.
const ALWAYS: [&str; 7] = ["what", "sites", "from", "for", "every", "count", "jitter"];

/// What can happen, each with the keys that say how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Named {
    LinkDown,
    LinkSlow,
    LinkFlapping,
    PowerCut,
    ClockStep,
    ClockDrift,
    DiskFull,
    StoreFault,
    Random,
}

impl Named {
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::LinkDown => &["how"],
            Self::LinkSlow => &["rate", "latency", "latency_jitter", "loss"],
            Self::LinkFlapping => &["how", "period", "duty"],
            Self::PowerCut => &["clock", "set_after"],
            Self::ClockStep => &["seconds", "to"],
            Self::ClockDrift => &["seconds_per_day"],
            Self::DiskFull => &["free"],
            Self::StoreFault => &["rules"],
            Self::Random => &["per_day", "longest"],
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    what: Named,
    #[serde(default)]
    sites: Option<Text<Sites>>,
    #[serde(default)]
    from: Option<Text<Span>>,
    #[serde(default, rename = "for")]
    lasts: Option<Text<Lasts>>,
    #[serde(default)]
    every: Option<Text<Span>>,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    jitter: Option<Text<Span>>,
    #[serde(default)]
    how: Option<How>,
    #[serde(default)]
    rate: Option<Text<ByteRate>>,
    #[serde(default)]
    latency: Option<Text<Span>>,
    #[serde(default)]
    latency_jitter: Option<Text<Span>>,
    #[serde(default)]
    loss: Option<f64>,
    #[serde(default)]
    period: Option<Text<Span>>,
    #[serde(default)]
    duty: Option<f64>,
    #[serde(default)]
    clock: Option<Shown>,
    #[serde(default)]
    set_after: Option<Text<Span>>,
    #[serde(default)]
    seconds: Option<i64>,
    #[serde(default)]
    to: Option<Text<Moment>>,
    #[serde(default)]
    seconds_per_day: Option<i64>,
    #[serde(default)]
    free: Option<Text<Bytes>>,
    #[serde(default)]
    rules: Option<Vec<Rule>>,
    #[serde(default)]
    per_day: Option<f64>,
    #[serde(default)]
    longest: Option<Text<Span>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum How {
    Refused,
    Silent,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Shown {
    #[serde(rename = "kept")]
    Kept,
    #[serde(rename = "last")]
    Last,
    #[serde(rename = "1970")]
    Epoch,
}

/// A value that is written as text.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String", bound = "T: Parsed")]
struct Text<T>(T);

trait Parsed: Sized {
    fn parse(text: &str) -> Result<Self, String>;
}

impl<T: Parsed> TryFrom<String> for Text<T> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        T::parse(&text).map(Self)
    }
}

#[derive(Debug, Clone, Copy)]
struct Span(Duration);
#[derive(Debug, Clone, Copy)]
struct Bytes(u64);
#[derive(Debug, Clone, Copy)]
struct ByteRate(u64);
#[derive(Debug, Clone, Copy)]
struct Moment(DateTime<Utc>);

impl Parsed for Span {
    fn parse(text: &str) -> Result<Self, String> {
        let parsed = units::parse_duration(text);
        parsed
            .map(Self)
            .map_err(|wrong| format!("{text:?} is no duration such as \"6h\": it {wrong}"))
    }
}

impl Parsed for Bytes {
    fn parse(text: &str) -> Result<Self, String> {
        let parsed = units::parse_size(text);
        parsed
            .map(Self)
            .map_err(|wrong| format!("{text:?} is no size such as \"64KiB\": it {wrong}"))
    }
}

impl Parsed for ByteRate {
    fn parse(text: &str) -> Result<Self, String> {
        let size = text
            .trim()
            .strip_suffix("/s")
            .and_then(|size| units::parse_size(size).ok());
        let rate = size.filter(|bytes| *bytes > 0).map(Self);
        rate.ok_or_else(|| format!("{text:?} is no rate such as \"64KiB/s\""))
    }
}

impl Parsed for Moment {
    fn parse(text: &str) -> Result<Self, String> {
        let day = || {
            Some(
                text.parse::<NaiveDate>()
                    .ok()?
                    .and_time(NaiveTime::MIN)
                    .and_utc(),
            )
        };
        let moment = text.parse().ok().or_else(day).map(Self);
        moment.ok_or_else(|| {
            format!("{text:?} is no moment such as \"1970-01-01\" or \"2026-03-01T12:00:00Z\"")
        })
    }
}

impl Parsed for Lasts {
    fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == "rest" {
            return Ok(Self::Rest);
        }
        let Span(time) = Span::parse(text)
            .map_err(|wrong| format!("{wrong}; or \"rest\" for what does not end"))?;
        if time.is_zero() {
            return Err("it must last longer than 0s".to_owned());
        }
        Ok(Self::For(time))
    }
}

impl Parsed for Sites {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|wrong: super::sites::NotSites| wrong.to_string())
    }
}

/// Reads an entry, and notes all that is wrong with it.
pub(super) fn read(reading: &mut Reading<'_>, entry: Spanned<DeValue<'_>>) -> Option<Spell> {
    let at = entry.span().start;
    let keys: Vec<(String, usize)> = entry
        .get_ref()
        .as_table()
        .map(|table| {
            table
                .keys()
                .map(|key| (key.get_ref().to_string(), key.span().start))
                .collect()
        })
        .unwrap_or_default();
    let written: Written = reading.read(entry)?;
    let of_kind = written.what.keys();
    for (key, at) in &keys {
        if !ALWAYS.contains(&key.as_str()) && !of_kind.contains(&key.as_str()) {
            reading.complain(
                *at,
                format!(
                    "{key} says nothing here: what goes with it is {}",
                    of_kind.join(", ")
                ),
            );
        }
    }
    match written.meaning() {
        Ok(spell) => Some(spell),
        Err(wrong) => {
            let place = keys
                .iter()
                .find(|(key, _)| key == wrong.key)
                .map_or(at, |(_, at)| *at);
            reading.complain(place, wrong.message);
            None
        }
    }
}

/// What is wrong between the keys of an entry.
struct Wrong {
    key: &'static str,
    message: String,
}

fn wrong<T>(key: &'static str, message: &str) -> Result<T, Wrong> {
    let message = message.to_owned();
    Err(Wrong { key, message })
}

/// The value of a key that cannot be left out.
fn needed<T>(key: &'static str, value: Option<T>, such_as: &str) -> Result<T, Wrong> {
    let message = || format!("{key} is missing, such as {such_as}");
    value.ok_or_else(|| Wrong {
        key,
        message: message(),
    })
}

/// A value from 0 to 1.
fn share(key: &'static str, value: f64) -> Result<f64, Wrong> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        wrong(key, "give a number from 0 to 1")
    }
}

fn time(span: Option<Text<Span>>) -> Duration {
    span.map_or(Duration::ZERO, |Text(Span(time))| time)
}

impl Written {
    fn meaning(self) -> Result<Spell, Wrong> {
        let lasts = match (self.lasts, self.what) {
            (Some(Text(lasts)), _) => lasts,
            (None, Named::Random) => Lasts::Rest,
            (None, _) => needed(
                "for",
                None,
                "for = \"6h\", or \"rest\" for what does not end",
            )?,
        };
        let repeat = match (self.every, self.count) {
            (Some(Text(Span(every))), _) if every.is_zero() => {
                wrong("every", "every must be longer than 0s")?
            }
            (None, Some(_)) => wrong(
                "count",
                "count needs every, the time from one begin to the next",
            )?,
            (None, None) => None,
            (Some(Text(Span(every))), count) => Some(Repeat { every, count }),
        };
        Ok(Spell {
            kind: self.kind()?,
            sites: self.sites.map_or(Sites::All, |Text(sites)| sites),
            from: time(self.from),
            jitter: time(self.jitter),
            lasts,
            repeat,
        })
    }

    fn kind(&self) -> Result<Kind, Wrong> {
        let down = match self.how {
            None | Some(How::Refused) => Down::Refused,
            Some(How::Silent) => Down::Silent,
        };
        Ok(match self.what {
            Named::LinkDown => Kind::LinkDown(down),
            Named::LinkSlow => Kind::LinkSlow(self.shape()?),
            Named::LinkFlapping => Kind::LinkFlapping {
                down,
                period: match time(self.period) {
                    Duration::ZERO => needed("period", None, "period = \"10m\"")?,
                    period => period,
                },
                duty: share("duty", self.duty.unwrap_or(0.5))?,
            },
            Named::PowerCut => Kind::PowerCut {
                clock: match self.clock {
                    None | Some(Shown::Kept) => BootClock::Kept,
                    Some(Shown::Last) => BootClock::Last,
                    Some(Shown::Epoch) => BootClock::Epoch,
                },
                set_after: time(self.set_after),
            },
            Named::ClockStep => Kind::ClockStep(match (self.seconds, self.to) {
                (Some(seconds), None) => Step::By(seconds),
                (None, Some(Text(Moment(to)))) => Step::To(to),
                _ => wrong(
                    "seconds",
                    "give either seconds = 3600 or to = \"1970-01-01\"",
                )?,
            }),
            Named::ClockDrift => Kind::ClockDrift {
                seconds_per_day: needed(
                    "seconds_per_day",
                    self.seconds_per_day,
                    "seconds_per_day = 20",
                )?,
            },
            Named::DiskFull => Kind::DiskFull {
                free_bytes: self.free.map_or(0, |Text(Bytes(free))| free),
            },
            Named::StoreFault => {
                let rules = self.rules.clone().filter(|rules| !rules.is_empty());
                Kind::StoreFault(needed(
                    "rules",
                    rules,
                    "rules = [{ action = { error = \"slow_down\" } }]",
                )?)
            }
            Named::Random => self.random()?,
        })
    }

    fn shape(&self) -> Result<Shape, Wrong> {
        let shape = Shape {
            latency: time(self.latency),
            latency_jitter: time(self.latency_jitter),
            bytes_per_second: self.rate.map(|Text(ByteRate(rate))| rate),
            loss: share("loss", self.loss.unwrap_or(0.0))?,
        };
        if shape == Shape::CLEAR {
            wrong(
                "what",
                "it is not slow: give some of rate, latency, latency_jitter and loss",
            )?;
        }
        Ok(shape)
    }

    fn random(&self) -> Result<Kind, Wrong> {
        let per_day = self.per_day.unwrap_or(2.0);
        if !(per_day > 0.0 && per_day <= 1000.0) {
            wrong(
                "per_day",
                "per_day is how many faults a site has in a day: above 0, at most 1000",
            )?;
        }
        let longest = match time(self.longest) {
            Duration::ZERO => Duration::from_secs(4 * 3600),
            longest => longest,
        };
        Ok(Kind::Random(Fuzz { per_day, longest }))
    }
}
