//! What the fields of a date and a time say together.
//!
//! Fields are noted one by one as they are found. A field that is said twice must say the same twice, and the moment is
//! one that exists and whose parts are all there, or none.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Offset as _, Timelike as _, Utc};

use super::capture::Precision;
use super::spelling::digits;

const YEARS: std::ops::RangeInclusive<u32> = 1970..=2099;
/// Moments that a name may state as seconds since 1970: from 13 March 2011 to 18 May 2033. Ten digits below that may be
/// month, day, hour, minute and second, and above it most numbers are no time.
const EPOCHS: std::ops::Range<i64> = 1_300_000_000..2_000_000_000;

/// What a number of a date and a time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Year,
    ShortYear,
    Month,
    Day,
    DayOfYear,
    Hour,
    Hour12,
    Minute,
    Second,
}
/// What a text states: a local time, or a moment when there is an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) local: NaiveDateTime,
    pub(super) offset: Option<FixedOffset>,
    pub(super) precision: Precision,
}

/// What the fields of a form have said so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    numbers: [Option<u32>; 9],
    pub(super) afternoon: Option<bool>,
    pub(super) nanos: Option<u32>,
    pub(super) offset: Option<FixedOffset>,
    epoch: Option<DateTime<Utc>>,
}
impl Said {
    /// Notes a number, unless it was said otherwise before.
    pub(super) fn put(&mut self, place: Place, number: u32) -> Option<()> {
        let slot = &mut self.numbers[place as usize];
        (*slot.get_or_insert(number) == number).then_some(())
    }

    /// Notes the digits after a decimal point.
    pub(super) fn put_fraction(&mut self, fraction: &[u8]) -> Option<()> {
        let width = u32::try_from(fraction.len()).ok()?;
        let nanos =
            digits(fraction)?.checked_mul(10_u32.checked_pow(9_u32.checked_sub(width)?)?)?;
        self.nanos = Some(nanos);
        Some(())
    }

    /// Notes seconds since 1970, or milliseconds when there are thirteen digits.
    pub(super) fn put_epoch(&mut self, text: &[u8]) -> Option<()> {
        let (seconds, millis) = text.split_at_checked(10)?;
        let seconds = i64::from(digits(seconds)?);
        if !EPOCHS.contains(&seconds) {
            return None;
        }
        if !millis.is_empty() {
            self.put_fraction(millis)?;
        }
        self.epoch = Some(DateTime::from_timestamp(seconds, 0)?);
        Some(())
    }

    /// Takes the hour for one of twelve.
    pub(super) fn halve_day(&mut self, afternoon: bool) -> Option<()> {
        self.numbers[Place::Hour12 as usize] = Some(self.numbers[Place::Hour as usize].take()?);
        self.afternoon = Some(afternoon);
        Some(())
    }

    fn number(&self, place: Place) -> Option<u32> {
        self.numbers[place as usize]
    }

    /// The moment, when what was said is one.
    pub(super) fn moment(&self) -> Option<Moment> {
        if let Some(epoch) = self.epoch {
            let precision = if self.nanos.is_some() {
                Precision::Subsecond
            } else {
                Precision::Second
            };
            let local = epoch.naive_utc().with_nanosecond(self.nanos.unwrap_or(0))?;
            return Some(Moment {
                local,
                offset: Some(Utc.fix()),
                precision,
            });
        }
        let date = self.date()?;
        let second = self.number(Place::Second);
        let (hour, precision) = match (self.hour()?, self.number(Place::Minute), second) {
            (None, None, None) if self.nanos.is_none() => (0, Precision::Day),
            (Some(hour), Some(_), None) if self.nanos.is_none() => (hour, Precision::Minute),
            (Some(hour), Some(_), Some(_)) if self.nanos.is_none() => (hour, Precision::Second),
            (Some(hour), Some(_), Some(_)) => (hour, Precision::Subsecond),
            // An hour alone, or parts without the greater ones.
            _ => return None,
        };
        let minute = self.number(Place::Minute).unwrap_or(0);
        let local =
            date.and_hms_nano_opt(hour, minute, second.unwrap_or(0), self.nanos.unwrap_or(0))?;
        Some(Moment {
            local,
            offset: self.offset,
            precision,
        })
    }

    fn date(&self) -> Option<NaiveDate> {
        let year = match (self.number(Place::Year), self.number(Place::ShortYear)) {
            (Some(year), None) => year,
            (None, Some(short)) => 2000 + short,
            (Some(year), Some(short)) if year % 100 == short => year,
            _ => return None,
        };
        let year = i32::try_from(Some(year).filter(|year| YEARS.contains(year))?).ok()?;
        match (
            self.number(Place::Month),
            self.number(Place::Day),
            self.number(Place::DayOfYear),
        ) {
            (Some(month), Some(day), None) => NaiveDate::from_ymd_opt(year, month, day),
            (None, None, Some(day)) => NaiveDate::from_yo_opt(year, day),
            _ => None,
        }
    }

    /// The hour of 24, if any; `None` outside when what was said of it contradicts itself.
    fn hour(&self) -> Option<Option<u32>> {
        match (
            self.number(Place::Hour),
            self.number(Place::Hour12),
            self.afternoon,
        ) {
            (hour, None, None) => Some(hour),
            (None, Some(hour @ 1..=12), Some(afternoon)) => {
                Some(Some(hour % 12 + if afternoon { 12 } else { 0 }))
            }
            _ => None,
        }
    }
}
