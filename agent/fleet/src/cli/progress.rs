//! How a run goes, as two lines on a terminal.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::{Manner, colours};
use crate::report::ClockKind;
use crate::report::words::count;
use crate::run::{Audience, Plan, Progress};
use crate::units::show_duration;

/// The lines, where somebody looks.
pub(super) struct Lines(Option<ProgressBar>);

impl Lines {
    /// Begins them: on a terminal, unless nobody wants it or the agents log there.
    pub(super) fn begin(plan: &Plan, manner: Manner) -> Self {
        let logs = std::env::var_os("RUST_LOG").is_some_and(|asked| !asked.is_empty());
        if manner.quiet || logs || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let length = plan.scenario.run.length.as_secs().max(1);
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        // The template is ours, and a test has it drawn.
        let style = ProgressStyle::with_template(template(colours()));
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(format!("setting up {} sites", plan.numbers().count()));
        bar.tick();
        Self(Some(bar))
    }

    /// Who keeps them up to date.
    pub(super) fn audience(&self, plan: &Plan) -> Audience {
        let Some(bar) = self.0.clone() else {
            return Arc::new(|_| ());
        };
        let time = plan.time();
        Arc::new(move |progress| {
            bar.set_position(progress.now.min(progress.length).as_secs());
            bar.set_prefix(place(progress, time));
            bar.set_message(figures(progress));
        })
    }

    /// Takes them away.
    pub(super) fn end(self) {
        self.0.iter().for_each(ProgressBar::finish_and_clear);
    }
}

const fn template(colours: bool) -> &'static str {
    if colours {
        "{bar:24.cyan} {percent:>3}%  {prefix}, {eta} left\n{wide_msg}"
    } else {
        "{bar:24} {percent:>3}%  {prefix}, {eta} left\n{wide_msg}"
    }
}

/// Where the run is in its time.
fn place(progress: &Progress, time: ClockKind) -> String {
    if progress.now > progress.length {
        return "waiting for the last images".to_owned();
    }
    let whose = match time {
        ClockKind::Virtual => "virtual",
        ClockKind::Real => "real",
    };
    let minute = progress.now.as_secs() / 60 * 60;
    let shown = if minute == 0 {
        progress.now.as_secs()
    } else {
        minute
    };
    let (now, length) = (Duration::from_secs(shown), progress.length);
    format!(
        "{} of {} of {whose} time",
        show_duration(now),
        show_duration(length)
    )
}

/// What is seen of the fleet.
fn figures(progress: &Progress) -> String {
    format!(
        "stored {} of {}, waiting {}, in pipeline {}/{}, errors {}",
        count(progress.stored),
        count(progress.captured),
        count(progress.sample.waiting),
        progress.inside,
        progress.cap,
        count(progress.errors),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_say_how_it_goes() {
        let mut progress = Progress {
            now: Duration::from_secs(90_061),
            length: Duration::from_secs(7 * 86_400),
            captured: 7_500,
            stored: 7_488,
            errors: 2,
            ..Progress::default()
        };
        progress.sample.waiting = 12;
        (progress.inside, progress.cap) = (9, 50);
        assert_eq!(
            figures(&progress),
            "stored 7,488 of 7,500, waiting 12, in pipeline 9/50, errors 2"
        );
        assert_eq!(
            place(&progress, ClockKind::Virtual),
            "1d1h1m of 7d of virtual time"
        );
        progress.now = progress.length + Duration::from_secs(1);
        let late = place(&progress, ClockKind::Real);
        assert_eq!(late, "waiting for the last images");
    }

    #[test]
    fn the_templates_can_be_drawn() {
        for colours in [true, false] {
            assert!(ProgressStyle::with_template(template(colours)).is_ok());
        }
    }
}
