//! Upload windows: the days and hours in which uploads may start, in the site's own time.
//!
//! Written `[DAYS ]HH:MM-HH:MM`, where DAYS is a list of days and ranges of days (`mon-fri`, `sat,sun`, `fri-mon`);
//! without DAYS, every day.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, Duration, NaiveDateTime, NaiveTime, Weekday, WeekdaySet};

/// A span of hours on some days of the week, in the site's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The days on which the window opens.
    pub days: WeekdaySet,
    /// When it opens.
    pub from: NaiveTime,
    /// When it closes, the first moment outside; no later than `from`, it closes on the day after.
    pub to: NaiveTime,
}

/// Why a text is not a [`Window`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAWindow {
    /// Not two times of day with a dash between them.
    #[error("has no hours of the form HH:MM-HH:MM")]
    NoHours,
    /// Not a time of day.
    #[error("has {0:?}, which is no time of day")]
    NotATime(String),
    /// Not a day of the week.
    #[error("has {0:?}, which is no day (mon, tue, wed, thu, fri, sat, sun)")]
    NotADay(String),
}

/// The days as they are written, Monday first.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

impl FromStr for Window {
    type Err = NotAWindow;

    fn from_str(text: &str) -> Result<Self, NotAWindow> {
        let text = text.trim();
        let (days, hours) = match text.rsplit_once(' ') {
            Some((days, hours)) => (parse_days(days)?, hours),
            None => (WeekdaySet::ALL, text),
        };
        let (from, to) = hours.split_once('-').ok_or(NotAWindow::NoHours)?;
        // The end of a day is the start of the next, which is what a window that wraps means already.
        let to = if to == "24:00" { "00:00" } else { to };
        Ok(Self {
            days,
            from: parse_time(from)?,
            to: parse_time(to)?,
        })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != WeekdaySet::ALL {
            let days = DAYS.iter().filter(|(_, day)| self.days.contains(*day));
            let names: Vec<_> = days.map(|(name, _)| *name).collect();
            write!(f, "{} ", names.join(","))?;
        }
        write!(
            f,
            "{}-{}",
            self.from.format("%H:%M"),
            self.to.format("%H:%M")
        )
    }
}

fn parse_days(text: &str) -> Result<WeekdaySet, NotAWindow> {
    let mut days = WeekdaySet::EMPTY;
    for item in text.split(',') {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        let (first, last) = (parse_day(first)?, parse_day(last)?);
        let mut day = first;
        days.insert(day);
        while day != last {
            day = day.succ();
            days.insert(day);
        }
    }
    Ok(days)
}

fn parse_day(text: &str) -> Result<Weekday, NotAWindow> {
    let name = text.trim().to_ascii_lowercase();
    let day = DAYS
        .iter()
        .find(|(day, _)| *day == name)
        .map(|(_, day)| *day);
    day.ok_or_else(|| NotAWindow::NotADay(text.trim().to_owned()))
}

fn parse_time(text: &str) -> Result<NaiveTime, NotAWindow> {
    NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| NotAWindow::NotATime(text.to_owned()))
}

impl Window {
    fn holds(&self, at: NaiveDateTime) -> bool {
        let (today, time) = (at.weekday(), at.time());
        if self.from < self.to {
            return self.days.contains(today) && (self.from..self.to).contains(&time);
        }
        (self.days.contains(today) && time >= self.from)
            || (self.days.contains(today.pred()) && time < self.to)
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
                let opens = move |window: &&Window| window.days.contains(date.weekday());
                self.0
                    .iter()
                    .filter(opens)
                    .map(move |window| date.and_time(window.from))
            })
            .filter(|opening| *opening > at)
            .min()
            .map_or(Duration::days(1), |opening| opening - at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(hour: u32, minute: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hour, minute, 0).expect("a time of day")
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(
            days in proptest::collection::vec(0_usize..7, 1..7),
            hours in (0_u32..24, 0_u32..60, 0_u32..24, 0_u32..60),
        ) {
            let days = days.into_iter().map(|day| DAYS[day].1).collect();
            let window = Window { days, from: time(hours.0, hours.1), to: time(hours.2, hours.3) };
            prop_assert_eq!(window.to_string().parse(), Ok(window));
        }

        #[test]
        fn no_text_breaks_the_parser(text: String) {
            let _ = text.parse::<Window>();
        }
    }

    #[test]
    fn days_wrap_and_add_up() {
        let days = |text: &str| text.parse::<Window>().expect("a window").days;
        assert_eq!(days("22:00-06:00"), WeekdaySet::ALL);
        assert_eq!(
            days("fri-mon 22:00-06:00"),
            [Weekday::Fri, Weekday::Sat, Weekday::Sun, Weekday::Mon]
                .into_iter()
                .collect()
        );
        assert_eq!(
            days("Mon, wed 00:00-24:00"),
            [Weekday::Mon, Weekday::Wed].into_iter().collect()
        );
    }

    #[test]
    fn a_whole_day_begins_and_ends_at_midnight() {
        let window: Window = "sun 00:00-24:00".parse().expect("a window");
        assert_eq!((window.from, window.to), (time(0, 0), time(0, 0)));
    }

    #[test]
    fn the_fault_is_named() {
        let fault = |text: &str| text.parse::<Window>().expect_err(text);
        assert_eq!(fault("mon-fri"), NotAWindow::NotATime("mon".into()));
        assert_eq!(fault("always"), NotAWindow::NoHours);
        assert_eq!(
            fault("workdays 08:00-12:00"),
            NotAWindow::NotADay("workdays".into())
        );
        assert_eq!(fault("08:00-25:00"), NotAWindow::NotATime("25:00".into()));
    }

    fn windows(texts: &[&str]) -> Windows {
        Windows(
            texts
                .iter()
                .map(|text| text.parse().expect("a window"))
                .collect(),
        )
    }

    /// 2024-08-05 is a Monday.
    fn at(day: u32, hour: u32, minute: u32) -> NaiveDateTime {
        let date = chrono::NaiveDate::from_ymd_opt(2024, 8, day).expect("a date");
        date.and_time(time(hour, minute))
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

    proptest! {
        #[test]
        fn windows_open_exactly_when_they_say(
            days in proptest::collection::vec(0_usize..7, 1..7), from in 0u32..1440, to in 0u32..1440, minute in 0i64..20_000,
        ) {
            let days = days.into_iter().map(|day| DAYS[day].1).collect();
            let window = Window { days, from: time(from / 60, from % 60), to: time(to / 60, to % 60) };
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
