//! Upload windows: the hours of the week in which images may go up, in the site's own time.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, Duration, NaiveDateTime, NaiveTime, Timelike as _, Weekday};

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

/// One window, such as `22:00-06:00`, `mon-fri 22:00-06:00` or `sat,sun 00:00-24:00`. A window that runs past
/// midnight belongs to the day on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// By days from Monday.
    days: [bool; 7],
    /// Minutes from midnight.
    from: u16,
    /// Minutes from midnight, up to 1440.
    to: u16,
}

/// Why a text is no [`Window`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no window: write '22:00-06:00', 'mon-fri 22:00-06:00' or 'sat,sun 00:00-24:00'")]
pub struct BadWindow(String);

impl FromStr for Window {
    type Err = BadWindow;

    fn from_str(text: &str) -> Result<Self, BadWindow> {
        let bad = || BadWindow(text.to_owned());
        let words: Vec<_> = text.split_whitespace().collect();
        let (days, hours) = match words[..] {
            [hours] => ([true; 7], hours),
            [days, hours] => (parse_days(days).ok_or_else(bad)?, hours),
            _ => return Err(bad()),
        };
        let (from, to) = hours.split_once('-').ok_or_else(bad)?;
        let from = parse_minute(from).filter(|&m| m < 1440).ok_or_else(bad)?;
        let to = parse_minute(to).ok_or_else(bad)?;
        if from == to {
            return Err(bad());
        }
        Ok(Self { days, from, to })
    }
}

fn parse_days(text: &str) -> Option<[bool; 7]> {
    let index = |name: &str| {
        DAYS.iter()
            .position(|(known, _)| name.eq_ignore_ascii_case(known))
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (index(first)?, index(last)?);
        loop {
            days[day] = true;
            if day == last {
                break;
            }
            day = (day + 1) % 7;
        }
    }
    Some(days)
}

fn parse_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<u16>().ok())?
    };
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    (minute < 60 && hour * 60 + minute <= 1440).then_some(hour * 60 + minute)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != [true; 7] {
            let names: Vec<_> = DAYS
                .iter()
                .zip(self.days)
                .filter(|(_, on)| *on)
                .map(|((name, _), _)| *name)
                .collect();
            write!(f, "{} ", names.join(","))?;
        }
        let (from, to) = (self.from, self.to);
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            from / 60,
            from % 60,
            to / 60,
            to % 60
        )
    }
}

impl Window {
    fn begins_on(&self, day: Weekday) -> bool {
        self.days[day.num_days_from_monday() as usize]
    }

    fn holds(&self, at: NaiveDateTime) -> bool {
        let minute = (at.hour() * 60 + at.minute()) as u16;
        let today = at.weekday();
        if self.from < self.to {
            return self.begins_on(today) && (self.from..self.to).contains(&minute);
        }
        (self.begins_on(today) && minute >= self.from)
            || (self.begins_on(today.pred()) && minute < self.to)
    }
}

/// All windows of the configuration; none means always.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Windows(pub Vec<Window>);

impl Windows {
    /// Whether images may go up at the site's local time `at`.
    pub fn open_at(&self, at: NaiveDateTime) -> bool {
        self.0.is_empty() || self.0.iter().any(|window| window.holds(at))
    }

    /// How long from the site's local time `at` until the next window opens; zero while one is open.
    pub fn opens_in(&self, at: NaiveDateTime) -> Duration {
        if self.open_at(at) {
            return Duration::zero();
        }
        // The next opening is a beginning of some window within the coming eight days.
        (0..=8)
            .flat_map(|ahead| {
                let date = at.date() + Duration::days(ahead);
                self.0
                    .iter()
                    .filter(move |window| window.begins_on(date.weekday()))
                    .filter_map(move |window| {
                        let seconds = u32::from(window.from) * 60;
                        let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0)?;
                        Some(date.and_time(time))
                    })
            })
            .filter(|opening| *opening > at)
            .min()
            .map_or(Duration::days(1), |opening| opening - at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;
    use proptest::prelude::*;

    fn windows(texts: &[&str]) -> Windows {
        Windows(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    /// 2024-08-05 is a Monday.
    fn at(day: u32, hour: u32, minute: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2024, 8, day)
            .unwrap()
            .and_hms_opt(hour, minute, 0)
            .unwrap()
    }

    #[test]
    fn a_window_past_midnight_belongs_to_the_day_it_begins_on() {
        let nights = windows(&["mon-fri 22:00-06:00"]);
        assert!(nights.open_at(at(9, 23, 0)), "Friday night");
        assert!(nights.open_at(at(10, 5, 59)), "still Friday's");
        assert!(!nights.open_at(at(10, 22, 30)), "Saturday night");
        assert!(
            !nights.open_at(at(5, 3, 0)),
            "Monday morning is Sunday's night"
        );
        assert_eq!(nights.opens_in(at(10, 6, 0)), Duration::hours(64));
    }

    #[test]
    fn no_windows_means_always() {
        assert!(windows(&[]).open_at(at(5, 3, 0)));
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for bad in [
            "",
            "22:00",
            "25:00-26:00",
            "22:00-22:00",
            "22-06",
            "foo 22:00-06:00",
            "mon 1:00-2:00",
            "24:00-01:00",
            "mon fri 01:00-02:00",
        ] {
            assert!(bad.parse::<Window>().is_err(), "{bad}");
        }
        assert!("sat,sun 00:00-24:00".parse::<Window>().is_ok());
    }

    proptest! {
        #[test]
        fn windows_open_exactly_when_they_say(days in proptest::array::uniform7(any::<bool>()), from in 0u16..1440, to in 1u16..=1440, minute in 0i64..20_000) {
            prop_assume!(from != to && days.contains(&true));
            let window = Window { days, from, to };
            prop_assert_eq!(window.to_string().parse::<Window>(), Ok(window.clone()));
            let windows = Windows(vec![window]);
            let now = at(1, 0, 0) + Duration::minutes(minute);
            let wait = windows.opens_in(now);
            prop_assert!(windows.open_at(now + wait));
            prop_assert_eq!(wait.is_zero(), windows.open_at(now));
            if wait > Duration::minutes(1) {
                prop_assert!(!windows.open_at(now + wait - Duration::minutes(1)));
            }
        }
    }
}
