//! Random faults: the script of one site, drawn.

use std::time::Duration;

use weir_store::Operation;
use weir_store::faults::{Action, Refusal, Rule};

use super::change::Step;
use super::link::{Down, Shape};
use super::power::BootClock;
use super::spell::{Fuzz, Kind};

const DAY: f64 = 86_400.0;
/// The shortest fault, in seconds.
const SHORTEST: f64 = 5.0;

/// What befalls one site from `from` to `to`: what, from when, and until when.
pub(super) fn script(
    fuzz: Fuzz,
    from: Duration,
    to: Duration,
    rng: &mut fastrand::Rng,
) -> Vec<(Kind, Duration, Duration)> {
    let mut script = Vec::new();
    let mut at = from.as_secs_f64();
    loop {
        // A Poisson process: the gaps are exponential. 1 - f64() is never 0.
        at += -(1.0 - rng.f64()).ln() * DAY / fuzz.per_day.max(1e-9);
        if at >= to.as_secs_f64() {
            return script;
        }
        let longest = fuzz.longest.as_secs_f64().max(SHORTEST);
        let lasts = SHORTEST * (longest / SHORTEST).powf(rng.f64());
        let kind = kind(rng);
        let begins = millis(at);
        script.push((kind, begins, (begins + millis(lasts)).min(to)));
    }
}

/// Whole milliseconds, as tokio's clock counts.
fn millis(seconds: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time in a run"
    )]
    Duration::from_millis((seconds * 1000.0) as u64)
}

fn kind(rng: &mut fastrand::Rng) -> Kind {
    match rng.u8(0..10) {
        0 | 1 => Kind::LinkDown(down(rng)),
        2 => Kind::LinkSlow(shape(rng)),
        3 => Kind::LinkFlapping {
            down: down(rng),
            period: Duration::from_secs(rng.u64(10..600)),
            duty: 0.1 + 0.8 * rng.f64(),
        },
        4 | 5 => Kind::PowerCut {
            clock: [BootClock::Kept, BootClock::Last, BootClock::Epoch][rng.usize(..3)],
            set_after: Duration::from_secs(rng.u64(1..600)),
        },
        6 => Kind::ClockStep(step(rng)),
        7 => Kind::DiskFull {
            free_bytes: rng.u64(0..200_000),
        },
        _ => Kind::StoreFault(vec![rule(rng)]),
    }
}

fn down(rng: &mut fastrand::Rng) -> Down {
    if rng.bool() {
        Down::Refused
    } else {
        Down::Silent
    }
}

fn shape(rng: &mut fastrand::Rng) -> Shape {
    Shape {
        latency: Duration::from_millis(rng.u64(20..3000)),
        latency_jitter: Duration::from_millis(rng.u64(0..3000)),
        bytes_per_second: rng.bool().then(|| rng.u64(2_000..200_000)),
        loss: 0.5 * rng.f64(),
    }
}

/// Back or ahead, by minutes or by years.
fn step(rng: &mut fastrand::Rng) -> Step {
    let size = 10_f64.powf(1.0 + 6.5 * rng.f64());
    #[expect(clippy::cast_possible_truncation, reason = "below a year")]
    let seconds = size as i64;
    Step::By(if rng.bool() { seconds } else { -seconds })
}

fn rule(rng: &mut fastrand::Rng) -> Rule {
    let action = match rng.u8(0..11) {
        0 => Action::Error(Refusal::SlowDown),
        1 => Action::Error(Refusal::InternalError),
        2 => Action::Error(Refusal::ServiceUnavailable),
        3 => Action::Error(Refusal::TooManyRequests),
        4 => Action::Hang,
        5 => Action::Cut {
            after_bytes: rng.u64(0..30_000),
        },
        6 => Action::WrongEtag,
        7 => Action::WrongChecksum,
        8 => Action::Delay {
            milliseconds: rng.u64(10..90_000),
        },
        9 => Action::Slow {
            bytes_per_second: rng.u64(500..50_000),
        },
        _ => Action::LostAnswer,
    };
    let rule = Rule::new(action).rate(0.05 + 0.95 * rng.f64(), rng.u64(..));
    match rng.u8(0..3) {
        0 => rule.on(Operation::PutObject),
        1 => rule.on(Operation::HeadObject),
        _ => rule,
    }
}
