//! A schedule as one line of text.

use std::fmt;
use std::path::PathBuf;
use std::str::{FromStr, SplitWhitespace};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Daylight, REFERENCE_STEPS, Rate, Schedule, Trace};
use crate::units::{NotAQuantity, parse_duration, show_duration};

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotASchedule {
    /// It begins with no known word.
    #[error(
        "{0:?} is no schedule: it begins with every, bursts, rate, staircase or trace, as in \"every 30m\", \
         \"bursts 6/d of 5 apart 2s\", \"rate 1/s for 180s\", \"staircase 5,10,20 repeat 5 apart 60s pause 10m\" \
         or \"trace times.csv\""
    )]
    Kind(String),
    /// A word that this schedule does not have.
    #[error("{word:?} means nothing here: a schedule of this kind is written {like}")]
    Word {
        /// The word.
        word: String,
        /// How it is written.
        like: &'static str,
    },
    /// A word is not there.
    #[error("{what} is missing: a schedule of this kind is written {like}")]
    Missing {
        /// What.
        what: &'static str,
        /// How it is written.
        like: &'static str,
    },
    /// A duration cannot be read.
    #[error("{what}: {fault}")]
    Duration {
        /// What is to be a duration.
        what: &'static str,
        /// Why it is not.
        fault: NotAQuantity,
    },
    /// A quantity is outside what is allowed.
    #[error("{what} {text:?} is not allowed: {allowed}")]
    Value {
        /// What.
        what: &'static str,
        /// As it was written.
        text: String,
        /// What may stand there.
        allowed: &'static str,
    },
}

const EVERY: &str = "every 30m [jitter 20s] [daylight 6-20]";
const BURSTS: &str = "bursts 6/d of 5 apart 2s [daylight 6-20]";
const RATE: &str = "rate 1/s for 180s";
const STAIRCASE: &str = "staircase [5,10,20] [repeat 5] [apart 60s] [pause 10m]";
const TRACE: &str = "trace times.csv";

const SECOND: Duration = Duration::from_secs(1);

impl FromStr for Schedule {
    type Err = NotASchedule;

    fn from_str(text: &str) -> Result<Self, NotASchedule> {
        let mut words = text.split_whitespace();
        match words.next() {
            Some("every") => every(Words { words, like: EVERY }),
            Some("bursts") => bursts(Words {
                words,
                like: BURSTS,
            }),
            Some("rate") => rate(Words { words, like: RATE }),
            Some("staircase") => staircase(Words {
                words,
                like: STAIRCASE,
            }),
            Some("trace") => match text.trim().split_once(char::is_whitespace) {
                Some((_, file)) => Ok(Schedule::Trace(Trace::in_file(PathBuf::from(file.trim())))),
                None => Err(NotASchedule::Missing {
                    what: "the file",
                    like: TRACE,
                }),
            },
            // `--every 30m`, and the short form of scenarios.
            Some(_) if parse_duration(text).is_ok() => {
                let words = text.split_whitespace();
                every(Words { words, like: EVERY })
            }
            _ => Err(NotASchedule::Kind(text.to_owned())),
        }
    }
}

/// The words behind the first.
struct Words<'t> {
    words: SplitWhitespace<'t>,
    like: &'static str,
}

impl<'t> Words<'t> {
    fn need(&mut self, what: &'static str) -> Result<&'t str, NotASchedule> {
        let missing = NotASchedule::Missing {
            what,
            like: self.like,
        };
        self.words.next().ok_or(missing)
    }

    fn duration(&mut self, what: &'static str) -> Result<Duration, NotASchedule> {
        let text = self.need(what)?;
        parse_duration(text).map_err(|fault| NotASchedule::Duration { what, fault })
    }

    /// A distance from picture to picture: a second at least.
    fn distance(&mut self, what: &'static str) -> Result<Duration, NotASchedule> {
        let distance = self.duration(what)?;
        let allowed = "at least 1s, for the names of pictures have seconds";
        check(distance >= SECOND, what, &show_duration(distance), allowed)?;
        Ok(distance)
    }

    fn count(&mut self, what: &'static str) -> Result<u32, NotASchedule> {
        let text = self.need(what)?;
        count(what, text)
    }

    fn unknown<T>(&self, word: &str) -> Result<T, NotASchedule> {
        Err(NotASchedule::Word {
            word: word.to_owned(),
            like: self.like,
        })
    }
}

fn check(
    holds: bool,
    what: &'static str,
    text: &str,
    allowed: &'static str,
) -> Result<(), NotASchedule> {
    let refused = || NotASchedule::Value {
        what,
        text: text.to_owned(),
        allowed,
    };
    holds.then_some(()).ok_or_else(refused)
}

fn count(what: &'static str, text: &str) -> Result<u32, NotASchedule> {
    let number = text.parse().unwrap_or(0);
    check(
        (1..=1_000_000).contains(&number),
        what,
        text,
        "a whole number from 1 to 1000000",
    )?;
    Ok(number)
}

fn every(mut words: Words<'_>) -> Result<Schedule, NotASchedule> {
    let period = words.distance("the period")?;
    let (mut jitter, mut daylight) = (Duration::ZERO, None);
    while let Some(word) = words.words.next() {
        match word {
            "jitter" => jitter = words.duration("the jitter")?,
            "daylight" => daylight = Some(hours(words.need("the hours of day")?)?),
            other => return words.unknown(other),
        }
    }
    let allowed = "at most the period less a second, so that pictures keep their order";
    check(
        jitter <= period - SECOND,
        "the jitter",
        &show_duration(jitter),
        allowed,
    )?;
    Ok(Schedule::Every {
        period,
        jitter,
        daylight,
    })
}

fn bursts(mut words: Words<'_>) -> Result<Schedule, NotASchedule> {
    let rate = per(words.need("how many bursts in which time")?)?;
    let (mut pictures, mut apart, mut daylight) = (5, 2 * SECOND, None);
    while let Some(word) = words.words.next() {
        match word {
            "of" => pictures = words.count("the pictures of a burst")?,
            "apart" => apart = words.distance("the time between pictures")?,
            "daylight" => daylight = Some(hours(words.need("the hours of day")?)?),
            other => return words.unknown(other),
        }
    }
    Ok(Schedule::Bursts {
        rate,
        pictures,
        apart,
        daylight,
    })
}

fn rate(mut words: Words<'_>) -> Result<Schedule, NotASchedule> {
    let rate = per(words.need("how many pictures in which time")?)?;
    match words.need("for how long")? {
        "for" => {}
        other => return words.unknown(other),
    }
    let length = words.duration("the length")?;
    match words.words.next() {
        Some(other) => words.unknown(other),
        None => Ok(Schedule::Rate { rate, length }),
    }
}

fn staircase(mut words: Words<'_>) -> Result<Schedule, NotASchedule> {
    let (mut steps, mut repeat) = (REFERENCE_STEPS.to_vec(), 5);
    let (mut apart, mut pause) = (60 * SECOND, 600 * SECOND);
    while let Some(word) = words.words.next() {
        match word {
            "repeat" => repeat = words.count("the pictures of a step")?,
            "apart" => apart = words.distance("the time between pictures")?,
            "pause" => pause = words.distance("the pause between steps")?,
            list if list.starts_with(|c: char| c.is_ascii_digit()) => {
                let step = |text: &str| count("a step", text);
                steps = list.split(',').map(step).collect::<Result<_, _>>()?;
            }
            other => return words.unknown(other),
        }
    }
    Ok(Schedule::Staircase {
        steps,
        repeat,
        apart,
        pause,
    })
}

/// Reads `6/d` or `100/5m`.
fn per(text: &str) -> Result<Rate, NotASchedule> {
    let allowed = "a whole number, a slash and a time, as in 1/s, 6/d or 100/5m";
    let (number, time) = text.split_once('/').unwrap_or((text, ""));
    let time = match time {
        unit if unit.starts_with(char::is_alphabetic) => parse_duration(&format!("1{unit}")),
        other => parse_duration(other),
    };
    let per = time.unwrap_or_default();
    check(!per.is_zero(), "the rate", text, allowed)?;
    Ok(Rate {
        count: count("the rate", number)?,
        per,
    })
}

/// Reads `6-20`.
fn hours(text: &str) -> Result<Daylight, NotASchedule> {
    let allowed = "two hours of 0 to 24, the first the smaller, as in 6-20";
    let hour = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
    let (from, until) = text.split_once('-').unwrap_or(("", ""));
    let (from, until) = (hour(from), hour(until));
    check(from < until && until <= 24, "daylight", text, allowed)?;
    Ok(Daylight { from, until })
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |duration: &Duration| show_duration(*duration);
        match self {
            Self::Every {
                period,
                jitter,
                daylight,
            } => {
                write!(f, "every {}", show(period))?;
                if !jitter.is_zero() {
                    write!(f, " jitter {}", show(jitter))?;
                }
                by_day(f, *daylight)
            }
            Self::Bursts {
                rate,
                pictures,
                apart,
                daylight,
            } => {
                write!(f, "bursts {rate} of {pictures} apart {}", show(apart))?;
                by_day(f, *daylight)
            }
            Self::Rate { rate, length } => write!(f, "rate {rate} for {}", show(length)),
            Self::Staircase {
                steps,
                repeat,
                apart,
                pause,
            } => {
                let steps: Vec<_> = steps.iter().map(u32::to_string).collect();
                let (apart, pause) = (show(apart), show(pause));
                let steps = steps.join(",");
                write!(
                    f,
                    "staircase {steps} repeat {repeat} apart {apart} pause {pause}"
                )
            }
            Self::Trace(trace) => write!(f, "trace {}", trace.file().display()),
        }
    }
}

fn by_day(f: &mut fmt::Formatter<'_>, daylight: Option<Daylight>) -> fmt::Result {
    match daylight {
        Some(Daylight { from, until }) => write!(f, " daylight {from}-{until}"),
        None => Ok(()),
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = show_duration(self.per);
        let one = per
            .strip_prefix('1')
            .filter(|unit| unit.chars().all(char::is_alphabetic));
        write!(f, "{}/{}", self.count, one.unwrap_or(&per))
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
