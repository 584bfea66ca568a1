//! The file names by which makers and programs say when a picture was taken.
//!
//! A row is added to one of the tables by adding a row: its example is tested. The first row that fits decides, also
//! when it decides that such names state no time. What fits no row is read by [`epoch`] and [`generic`], or states
//! nothing.

mod cameras;
mod epoch;
mod generic;
mod observatories;
mod phones;
mod programs;
pub(super) mod scheme;
pub(super) mod stem;
mod time_of_day;

use std::ffi::OsStr;
use std::sync::LazyLock;

use super::capture::Source;
use super::choose::Reading;
use super::moment::Moment;
use super::template::Template;
use generic::Guess;
use scheme::{Clock, Scheme};

/// The scheme of a [`Reading`] from a name that no maker's scheme describes.
pub(super) const GENERIC: &str = "generic";
/// The scheme of a [`Reading`] from a number of seconds or milliseconds since 1970.
const EPOCH: &str = "epoch";

/// What a file's name says of its moment.
#[derive(Debug, Clone)]
pub(super) enum Named {
    Time(Reading),
    /// It states a time that can be read in two ways, so it is not read.
    Ambiguous,
    Nothing,
}

static SCHEMES: LazyLock<Vec<(&Scheme, Template)>> = LazyLock::new(|| {
    [
        observatories::ROWS,
        programs::ROWS,
        cameras::ROWS,
        phones::ROWS,
    ]
    .into_iter()
    .flatten()
    .map(|scheme| (scheme, Template::library(scheme.template)))
    .collect()
});

/// What a file's name (its last component, in any encoding) says of its moment.
pub(super) fn read(name: &OsStr) -> Named {
    let Some(stem) = stem::of(name) else {
        return Named::Nothing;
    };
    let reading = |moment: Moment, clock: Clock, scheme| Reading {
        source: Source::Filename,
        raw: name.to_string_lossy().into_owned(),
        local: moment.local,
        offset: moment.offset.or(clock.offset()),
        precision: moment.precision,
        scheme: Some(scheme),
    };
    let by_row = SCHEMES
        .iter()
        .find_map(|(scheme, template)| Some((scheme, template.read(stem)?)));
    match by_row {
        Some((scheme, _)) if scheme.clock == Clock::Unclear => return Named::Ambiguous,
        Some((scheme, moment)) => return Named::Time(reading(moment, scheme.clock, scheme.maker)),
        None => {}
    }
    if let Some(moment) = epoch::read(stem) {
        return Named::Time(reading(moment, Clock::Utc, EPOCH));
    }
    match generic::read(stem) {
        Guess::Time(moment) => Named::Time(reading(moment, Clock::Local, GENERIC)),
        Guess::Ambiguous => Named::Ambiguous,
        Guess::Nothing => Named::Nothing,
    }
}

#[cfg(test)]
mod tests;
