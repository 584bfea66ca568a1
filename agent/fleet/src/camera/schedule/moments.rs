//! The moments of each kind of schedule, lazily: a year of pictures takes no memory.

use std::iter;
use std::time::Duration;

use super::super::seed::{Purpose, stream};
use super::{Daylight, Rate, Span};

type Moments = Box<dyn Iterator<Item = Duration> + Send>;

/// Names have seconds: closer pictures of one site would share one.
const CLOSEST: Duration = Duration::from_secs(1);

pub(super) fn every(
    period: Duration,
    jitter: Duration,
    daylight: Option<Daylight>,
    span: Span,
) -> Moments {
    let period = period.max(CLOSEST);
    let since_epoch = (span.start - chrono::DateTime::UNIX_EPOCH)
        .to_std()
        .unwrap_or_default();
    let into = Duration::from_nanos((since_epoch.as_nanos() % period.as_nanos()) as u64);
    let first = if into.is_zero() {
        Duration::ZERO
    } else {
        period - into
    };
    let jitter = jitter.min(period - CLOSEST);
    // Marks that no picture comes of, by night, are not looked at beyond the run's end.
    let marks = iter::successors(Some(first), move |at| at.checked_add(period))
        .take_while(move |at| *at < span.length);
    let by_day =
        move |at: &Duration| daylight.is_none_or(|day| day.has(span.zone, span.start + *at));
    Box::new(
        marks
            .enumerate()
            .filter(move |(_, at)| by_day(at))
            .map(move |(number, mark)| {
                let mut rng = stream(Purpose::Jitter, span.seed, span.site, number as u64);
                mark + millis(jitter.mul_f64(rng.f64()))
            }),
    )
}

pub(super) fn bursts(
    rate: Rate,
    pictures: u32,
    apart: Duration,
    daylight: Option<Daylight>,
    span: Span,
) -> Moments {
    let apart = apart.max(CLOSEST);
    let mean = rate.per.as_secs_f64() / f64::from(rate.count.max(1));
    let mut rng = stream(Purpose::Bursts, span.seed, span.site, 0);
    let mut from = Duration::ZERO;
    let firsts = iter::from_fn(move || {
        // Gaps of a Poisson process, on whole seconds, from the end of the burst before.
        let gap = Duration::from_secs_f64((-mean * (1.0 - rng.f64()).ln()).ceil());
        let at = from.checked_add(gap)?;
        from = at + apart * pictures;
        Some(at)
    });
    let firsts = firsts.take_while(move |at| *at < span.length);
    let by_day =
        move |at: &Duration| daylight.is_none_or(|day| day.has(span.zone, span.start + *at));
    Box::new(
        firsts
            .filter(by_day)
            .flat_map(move |at| (0..pictures).map(move |nth| at + apart * nth)),
    )
}

pub(super) fn rate(rate: Rate, length: Duration, span: Span) -> Moments {
    let nth = move |k: u64| {
        let nanos = rate.per.as_nanos() * u128::from(k) / u128::from(rate.count.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    };
    let (first, sites) = (u64::from(span.site.max(1) - 1), span.sites.max(1));
    Box::new(
        (first..)
            .step_by(sites as usize)
            .map(nth)
            .take_while(move |at| *at < length),
    )
}

pub(super) fn staircase(
    steps: &[u32],
    repeat: u32,
    apart: Duration,
    pause: Duration,
    span: Span,
) -> Moments {
    let apart = apart.max(CLOSEST);
    let step = apart * repeat.saturating_sub(1) + pause.max(CLOSEST);
    let mine: Vec<u32> = (0_u32..)
        .zip(steps)
        .filter(|(_, at_once)| span.site <= **at_once)
        .map(|(nth, _)| nth)
        .collect();
    Box::new(
        mine.into_iter()
            .flat_map(move |nth| (0..repeat).map(move |k| step * nth + apart * k)),
    )
}

/// Whole milliseconds: what EXIF can say.
fn millis(duration: Duration) -> Duration {
    Duration::from_millis(duration.as_millis() as u64)
}
