//! The charts of the page, a module a part of it.

mod journey;
mod pipeline;
mod queues;

pub(super) use journey::journey;
pub(super) use pipeline::pipeline;
pub(super) use queues::queues;

use crate::record::Sample;
use crate::report::Run;
use crate::report::bins::{Steps, seconds, spacing};
use crate::report::chart::{Axis, Chart, Colour, Layer, Measure};
use crate::report::outage::{Outage, outages};
use crate::report::words::escape;

/// A chart under its title and one sentence of what is to be seen, or why there is none.
fn figure(id: &str, title: &str, seen: &str, chart: Result<Chart, &str>) -> String {
    let content = match chart {
        Ok(chart) => chart.svg(),
        Err(why) => format!("<p class=\"none\">{}</p>\n", escape(why)),
    };
    format!(
        "<figure id=\"{id}\">\n<figcaption><b>{}</b><span>{}</span></figcaption>\n{content}</figure>\n",
        escape(title),
        escape(seen)
    )
}

fn grid(figures: &[String]) -> String {
    format!("<div class=\"figures\">\n{}</div>\n", figures.concat())
}

/// The time that the charts show.
struct Span {
    steps: Steps,
    axis: Axis,
    shades: Vec<(Colour, Layer)>,
}

impl Span {
    fn of(run: &Run) -> Option<Self> {
        let moments = run.samples.iter().map(|sample| seconds(sample.at));
        let start = moments.clone().fold(f64::INFINITY, f64::min);
        let start = start.min(seconds(run.summary.told.start));
        let end = moments.fold(seconds(run.summary.told.end), f64::max);
        let steps = Steps::between(start, end, spacing(&run.samples))?;
        let last = steps.start + steps.width * steps.count as f64;
        let shade = |one: &Outage| Layer::Shade {
            from: seconds(one.from),
            to: seconds(one.to),
        };
        let found = outages(
            &run.samples,
            u32::try_from(run.sites.len()).unwrap_or(u32::MAX),
        );
        Some(Self {
            steps,
            axis: Axis::between(Measure::Moment, steps.start, last, "UTC"),
            shades: found
                .iter()
                .map(|one| (Colour::Quiet, shade(one)))
                .collect(),
        })
    }

    fn chart(&self, title: &str, about: &str, y: Axis, layers: Vec<(Colour, Layer)>) -> Chart {
        let mut all = self.shades.clone();
        all.extend(layers);
        Chart {
            title: title.to_owned(),
            about: about.to_owned(),
            x: self.axis.clone(),
            y,
            layers: all,
            legend: Vec::new(),
        }
    }

    fn samples(
        &self,
        run: &Run,
        of: impl Fn(&Sample) -> f64,
        fold: fn(f64, f64) -> f64,
    ) -> Vec<(f64, f64)> {
        self.steps.samples(&run.samples, of, fold)
    }
}

fn highest(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|point| point.1).fold(0.0, f64::max)
}

/// Without the steps that have no sample, as steps and areas need it.
fn known(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    points
        .into_iter()
        .filter(|point| !point.1.is_nan())
        .collect()
}

const NO_SAMPLES: &str = "No samples were recorded.";
