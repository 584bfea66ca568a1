//! Moments from a CSV file, replayed from the start of the run.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

/// Moments from a file: one row a picture.
///
/// The column of times is called `time`, `timestamp`, `at` or `captured_at`. Its cells are either all numbers, seconds
/// since the start of the run, or all moments of ISO 8601 (without an offset: UTC), of which the first of the file
/// falls on the start of the run. With a column `site` a row is of that site alone, otherwise of every site.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    file: PathBuf,
    /// Since the start of the run, in rising order; `None` until the file was read.
    rows: Option<Arc<[Row]>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    at: Duration,
    site: Option<u32>,
}

/// Why a file is no trace.
#[derive(Debug, thiserror::Error)]
pub enum NotATrace {
    /// It cannot be read, or is no CSV.
    #[error("the trace cannot be read: {0}")]
    Csv(#[from] csv::Error),
    /// No column of times.
    #[error("the trace has no column of times: call it time, timestamp, at or captured_at")]
    NoTimes,
    /// No row.
    #[error("the trace has no row")]
    Empty,
    /// A cell is not what its column wants.
    #[error("row {row} of the trace has {text:?} where {want} must be")]
    Cell {
        /// Number of the row, from 1, the header not counted.
        row: usize,
        /// What stands there.
        text: String,
        /// What must.
        want: &'static str,
    },
}

impl Trace {
    /// The trace in this file, which is not read yet.
    pub fn in_file(file: PathBuf) -> Self {
        Self { file, rows: None }
    }

    /// The file, as the schedule names it.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Takes the moments from the opened file.
    ///
    /// # Errors
    /// It cannot be read, has no column of times, no row, or a cell that is neither a number of seconds nor a moment.
    pub fn read(&mut self, from: impl Read) -> Result<(), NotATrace> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(from);
        let header = reader.headers()?.clone();
        let column = |names: &[&str]| header.iter().position(|name| names.contains(&name));
        let times =
            column(&["time", "timestamp", "at", "captured_at"]).ok_or(NotATrace::NoTimes)?;
        let sites = column(&["site"]);
        let mut read = Vec::new();
        for (nth, record) in reader.records().enumerate() {
            let record = record?;
            let cell = |column: usize| record.get(column).unwrap_or_default();
            let site = sites
                .map(|column| site(nth + 1, cell(column)))
                .transpose()?;
            read.push((time(nth + 1, cell(times))?, site));
        }
        self.rows = Some(from_start(&read)?);
        Ok(())
    }

    /// The moments of a site.
    pub(super) fn of_site(&self, site: u32) -> Box<dyn Iterator<Item = Duration> + Send> {
        let rows = self.rows.clone();
        let rows = rows.unwrap_or_else(|| panic!("{} was not read", self.file.display()));
        let mut last = None;
        Box::new((0..rows.len()).filter_map(move |nth| {
            let Row { at, site: of } = rows[nth];
            // A moment that is there twice is one picture.
            let new = of.is_none_or(|of| of == site) && last != Some(at);
            last = if new { Some(at) } else { last };
            new.then_some(at)
        }))
    }

    /// From the start of the run to the second after the last moment.
    pub(super) fn length(&self) -> Option<Duration> {
        let last = self.rows.as_ref()?.last()?;
        Some(last.at + Duration::from_secs(1))
    }
}

/// A cell of the column of times.
#[derive(Debug, Clone, Copy)]
enum Time {
    Since(Duration),
    Moment(DateTime<Utc>),
}

fn time(row: usize, text: &str) -> Result<Time, NotATrace> {
    let seconds = text.parse::<f64>().ok();
    let since = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let moment = || {
        let local = |form| NaiveDateTime::parse_from_str(text, form).ok();
        DateTime::parse_from_rfc3339(text)
            .map(|at| at.to_utc())
            .ok()
            .or_else(|| local("%Y-%m-%dT%H:%M:%S%.f").map(|at| at.and_utc()))
            .or_else(|| local("%Y-%m-%d %H:%M:%S%.f").map(|at| at.and_utc()))
    };
    since
        .map(Time::Since)
        .or_else(|| moment().map(Time::Moment))
        .ok_or_else(|| NotATrace::Cell {
            row,
            text: text.to_owned(),
            want: "seconds since the start, or a moment such as 2024-08-09T14:30:00Z,",
        })
}

fn site(row: usize, text: &str) -> Result<u32, NotATrace> {
    let digits = text.strip_prefix("site").unwrap_or(text);
    digits.parse().ok().filter(|site| *site > 0).ok_or_else(|| {
        let text = text.to_owned();
        let want = "the number of a site, from 1,";
        NotATrace::Cell { row, text, want }
    })
}

/// The rows since the start of the run, in order.
fn from_start(read: &[(Time, Option<u32>)]) -> Result<Arc<[Row]>, NotATrace> {
    let moments = read.iter().filter_map(|(time, _)| match time {
        Time::Moment(at) => Some(*at),
        Time::Since(_) => None,
    });
    let first = moments.min();
    let mut rows = Vec::with_capacity(read.len());
    for (nth, (time, site)) in read.iter().enumerate() {
        let at = match (time, first) {
            (Time::Since(at), None) => *at,
            (Time::Moment(at), Some(first)) => (*at - first).to_std().unwrap_or_default(),
            (Time::Since(at), Some(_)) => {
                return Err(NotATrace::Cell {
                    row: nth + 1,
                    text: format!("{} seconds", at.as_secs_f64()),
                    want: "a moment, as in the other rows,",
                });
            }
            (Time::Moment(_), None) => unreachable!("its moment is among those"),
        };
        rows.push(Row { at, site: *site });
    }
    rows.sort_unstable();
    if rows.is_empty() {
        return Err(NotATrace::Empty);
    }
    Ok(rows.into())
}
