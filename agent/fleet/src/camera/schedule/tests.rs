use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn span(site: u32, sites: u32) -> Span {
    Span {
        site,
        sites,
        seed: 1,
        start: "2026-03-01T00:00:00Z".parse().unwrap(),
        length: 7 * DAY,
        zone: "Etc/GMT+7".parse().unwrap(),
    }
}

fn moments(schedule: &str, span: Span) -> Vec<Duration> {
    let schedule: Schedule = schedule.parse().unwrap();
    schedule.of_site(span).collect()
}

fn seconds() -> impl Strategy<Value = Duration> {
    (1..100_000_u64).prop_map(Duration::from_secs)
}

fn daylight() -> impl Strategy<Value = Option<Daylight>> {
    let hours =
        (0..24_u32, 1..=24_u32).prop_filter("day is not empty", |(from, until)| from < until);
    proptest::option::of(hours.prop_map(|(from, until)| Daylight { from, until }))
}

fn per() -> impl Strategy<Value = Rate> {
    (1..1000_u32, 1..100_000_u64).prop_map(|(count, seconds)| Rate {
        count,
        per: Duration::from_secs(seconds),
    })
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let steps = prop::collection::vec(1..400_u32, 1..12);
    prop_oneof![
        (seconds(), 0..100_000_u64, daylight()).prop_map(|(period, jitter, daylight)| {
            Schedule::Every {
                period,
                jitter: Duration::from_millis(jitter).min(period - SECOND),
                daylight,
            }
        }),
        (per(), 1..9_u32, seconds(), daylight()).prop_map(|(rate, pictures, apart, daylight)| {
            Schedule::Bursts {
                rate,
                pictures,
                apart,
                daylight,
            }
        }),
        (per(), seconds()).prop_map(|(rate, length)| Schedule::Rate { rate, length }),
        (steps, 1..9_u32, seconds(), seconds()).prop_map(|(steps, repeat, apart, pause)| {
            Schedule::Staircase {
                steps,
                repeat,
                apart,
                pause,
            }
        }),
    ]
}

proptest! {
    #[test]
    fn a_schedule_is_its_text(schedule in schedule()) {
        prop_assert_eq!(schedule.to_string().parse(), Ok(schedule));
    }

    #[test]
    fn no_text_breaks_the_parser(text in "(every|bursts|rate|staircase|trace)?[ 0-9a-z,/-]{0,30}") {
        let _ = text.parse::<Schedule>();
    }

    #[test]
    fn moments_rise_within_the_run_and_are_the_same_again(
        schedule in schedule(),
        seed: u64,
        site in 1..300_u32,
        into in 0..100_000_i64,
        length in 1..200_000_u64,
    ) {
        let span = Span {
            seed,
            length: Duration::from_secs(length),
            start: span(1, 1).start + chrono::TimeDelta::seconds(into),
            ..span(site, 300)
        };
        let all: Vec<_> = schedule.of_site(span).take(2000).collect();
        prop_assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
        prop_assert!(all.iter().all(|at| *at < span.length));
        if !matches!(schedule, Schedule::Rate { .. }) {
            prop_assert!(all.windows(2).all(|pair| pair[1] - pair[0] >= SECOND));
        }
        prop_assert_eq!(schedule.of_site(span).take(2000).collect::<Vec<_>>(), all);
    }

    #[test]
    fn marks_are_those_of_the_clock(minutes in 1..720_u64, into in 0..100_000_i64, jitter in 0..59_u64) {
        let start = span(1, 1).start + chrono::TimeDelta::seconds(into);
        let text = format!("every {minutes}m jitter {jitter}s");
        let all = moments(&text, Span { start, ..span(7, 300) });
        let period = minutes * 60;
        for at in &all {
            let since_mark = (start + *at).timestamp() as u64 % period;
            prop_assert!(since_mark <= jitter, "{at:?} is {since_mark} s after a mark");
        }
        let expected = 7 * 86_400 / period;
        prop_assert!((all.len() as u64).abs_diff(expected) <= 1, "{} for {expected}", all.len());
    }

    #[test]
    fn the_sites_share_a_rate_evenly(count in 1..50_u32, sites in 1..40_u32, length in 1..600_u64) {
        let text = format!("rate {count}/s for {length}s");
        let mut each = BTreeMap::new();
        let mut all = Vec::new();
        for site in 1..=sites {
            let mine = moments(&text, span(site, sites));
            each.insert(site, mine.len() as u64);
            all.extend(mine);
        }
        prop_assert_eq!(all.len() as u64, u64::from(count) * length);
        prop_assert!(each.values().max().unwrap() - each.values().min().unwrap() <= 1);
        all.sort();
        for second in 0..length {
            let within = all.iter().filter(|at| at.as_secs() == second).count();
            prop_assert_eq!(within as u32, count, "in second {}", second);
        }
    }

    #[test]
    fn so_many_sites_as_the_step_says_shoot_at_once(
        steps in prop::collection::vec(1..60_u32, 1..8),
        repeat in 1..5_u32,
    ) {
        let list: Vec<_> = steps.iter().map(u32::to_string).collect();
        let text = format!("staircase {} repeat {repeat} apart 20s pause 5m", list.join(","));
        let mut at_once = BTreeMap::<Duration, u32>::new();
        for site in 1..=60 {
            for at in moments(&text, span(site, 60)) {
                *at_once.entry(at).or_default() += 1;
            }
        }
        let seen: Vec<_> = at_once.values().copied().collect();
        let asked: Vec<_> = steps.iter().flat_map(|step| vec![*step; repeat as usize]).collect();
        prop_assert_eq!(seen, asked);
        let times: Vec<_> = at_once.keys().collect();
        for (nth, pair) in times.windows(2).enumerate() {
            let last_of_step = (nth + 1).is_multiple_of(repeat as usize);
            let gap = if last_of_step { 5 * MINUTE } else { 20 * SECOND };
            prop_assert_eq!(*pair[1] - *pair[0], gap);
        }
        let end = text.parse::<Schedule>().unwrap().length().unwrap();
        prop_assert!(*times[times.len() - 1] < end);
    }
}

#[test]
fn by_day_means_by_day_in_the_zone_of_the_site() {
    use chrono::Timelike as _;
    for text in ["every 30m daylight 6-20", "bursts 40/d of 1 daylight 6-20"] {
        let span = span(3, 300);
        let all = moments(text, span);
        assert!(all.len() > 100, "{text}: {}", all.len());
        for at in all {
            let hour = span.zone.at(span.start + at).hour();
            assert!((6..20).contains(&hour), "{text}: {hour} h");
        }
    }
    // 00:00 UTC is 17:00 in the zone: day. A mark that is always by night gives no picture, and ends.
    assert_eq!(moments("every 1d daylight 6-20", span(1, 1)).len(), 7);
    assert!(moments("every 1d daylight 18-24", span(1, 1)).is_empty());
}

#[test]
fn bursts_come_as_often_as_asked() {
    let mut firsts = 0;
    for site in 1..=100 {
        let all = moments("bursts 6/d of 5 apart 2s", span(site, 100));
        assert_eq!(all.len() % 5, 0);
        for burst in all.chunks(5) {
            assert!(burst.windows(2).all(|pair| pair[1] - pair[0] == 2 * SECOND));
        }
        firsts += all.len() / 5;
    }
    // 4200 on average; the standard deviation is 65.
    assert!((3900..4500).contains(&firsts), "{firsts}");
    assert_ne!(
        moments("bursts 6/d", span(1, 100)),
        moments("bursts 6/d", span(2, 100))
    );
}

#[test]
fn a_trace_is_replayed_from_the_start() {
    let read = |text: &str| {
        let mut trace = Trace::in_file("times.csv".into());
        trace.read(text.as_bytes()).map(|()| Schedule::Trace(trace))
    };
    let of = |schedule: &Schedule, site| schedule.of_site(span(site, 9)).collect::<Vec<_>>();
    let moments = read("time,site\n2024-08-09T14:30:00Z,2\n2024-08-09 08:00:00,site1\n").unwrap();
    assert_eq!(of(&moments, 1), [Duration::ZERO]);
    assert_eq!(of(&moments, 2), [6 * HOUR + 30 * MINUTE]);
    assert!(of(&moments, 3).is_empty());
    assert_eq!(moments.length(), Some(6 * HOUR + 30 * MINUTE + SECOND));
    let seconds = read("what,at\nx,30.5\ny,10\nz,10\n").unwrap();
    for site in [1, 9] {
        assert_eq!(
            of(&seconds, site),
            [10 * SECOND, Duration::from_millis(30_500)]
        );
    }
    let said = |text: &str| read(text).unwrap_err().to_string();
    assert!(said("when\n1\n").contains("no column of times"));
    assert!(said("time\n").contains("no row"));
    assert!(said("time\n1\nsoon\n").starts_with("row 2 of the trace has \"soon\""));
    assert!(
        said("time\n2024-08-09T14:30:00Z\n5\n").starts_with("row 2 of the trace has \"5 seconds\"")
    );
    assert!(said("time,site\n1,0\n").contains("number of a site"));
    assert!(said("time\n-1\n").starts_with("row 1"));
}

#[test]
fn the_fault_of_a_schedule_is_named() {
    let said = |text: &str| text.parse::<Schedule>().unwrap_err().to_string();
    assert!(said("hourly").contains("it begins with every, bursts, rate, staircase or trace"));
    assert!(said("every 60").contains("has no unit"));
    assert!(said("every 30m jitter 30m").contains("at most the period less a second"));
    assert!(said("every 500ms").contains("at least 1s"));
    assert!(said("every 30m often").contains("\"often\" means nothing here"));
    assert!(said("rate 1/s").contains("for how long is missing"));
    assert!(said("rate many/s for 1m").contains("a whole number"));
    assert!(said("staircase 5,0").contains("a step \"0\""));
    assert!(said("every 30m daylight 20-6").contains("two hours of 0 to 24"));
    assert_eq!("1h".parse(), "every 1h".parse::<Schedule>());
}
