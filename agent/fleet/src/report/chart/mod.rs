//! Charts as inline SVG: axes, and layers drawn in their order. Colours are classes (`c1` to `c5`), which the page's
//! style gives a value for each way of being looked at.

mod axis;

use std::fmt::Write as _;

pub(super) use axis::{Axis, Measure};

use super::words::escape;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 236.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 40.0;

/// One of the five colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    First = 1,
    Second,
    Third,
    Fourth,
    Quiet,
}

impl Colour {
    fn class(self) -> String {
        format!("c{}", self as u8)
    }
}

/// What is drawn. A value that is no number breaks a line.
#[derive(Debug, Clone)]
pub(super) enum Layer {
    /// The plot's whole height between two x: a time that was special.
    Shade { from: f64, to: f64 },
    /// The plot's whole width between two y: what was measured elsewhere.
    Span { low: f64, high: f64, label: String },
    /// The plot's whole width at one y: a limit.
    Limit { at: f64, label: String },
    /// From point to point.
    Line(Vec<(f64, f64)>),
    /// Each value until the next point, and the area below it.
    Step(Vec<(f64, f64)>),
    /// Between two lines: x, low, high.
    Band(Vec<(f64, f64, f64)>),
    /// From x to x, from zero to y.
    Bars(Vec<(f64, f64, f64)>),
    /// At x: the range, the middle half and the median.
    Boxes(Vec<Whisker>),
}

/// How the values at one x spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Whisker {
    pub(super) x: f64,
    /// Low end, lower quarter, median, upper quarter, high end.
    pub(super) y: [f64; 5],
}

/// A chart; `title` and `about` are what those hear who do not see it.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) about: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) layers: Vec<(Colour, Layer)>,
    /// What each colour is; `true`: a line, else an area.
    pub(super) legend: Vec<(Colour, bool, String)>,
}

impl Chart {
    /// As an SVG element with its legend.
    pub(super) fn svg(&self) -> String {
        let mut svg = format!(
            "<div class=\"plot\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\"><title>{}</title><desc>{}</desc>\n",
            escape(&self.title),
            escape(&self.title),
            escape(&self.about)
        );
        self.frame(&mut svg);
        for (colour, layer) in &self.layers {
            self.layer(&mut svg, *colour, layer);
        }
        svg.push_str("</svg></div>\n");
        if !self.legend.is_empty() {
            svg.push_str("<ul class=\"legend\">");
            for (colour, line, name) in &self.legend {
                let kind = if *line { "line" } else { "area" };
                let _ = write!(
                    svg,
                    "<li><i class=\"{kind} {}\"></i>{}</li>",
                    colour.class(),
                    escape(name)
                );
            }
            svg.push_str("</ul>\n");
        }
        svg
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - TOP - BOTTOM)
    }

    fn frame(&self, svg: &mut String) {
        let (right, base) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, name) in self.y.ticks(5.0) {
            let y = self.y(value);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 7.0,
                y + 3.8,
                escape(&name)
            );
        }
        for (value, name) in self.x.ticks(7.0) {
            let x = self.x(value);
            let _ = writeln!(
                svg,
                "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{base}\" y2=\"{:.1}\"/><text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{}\">{}</text>",
                base + 4.0,
                base + 16.0,
                if x > right - 14.0 { "end" } else { "middle" },
                escape(&name)
            );
        }
        let _ = writeln!(
            svg,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{base}\" y2=\"{base}\"/><text class=\"name\" x=\"4\" y=\"12\">{}</text><text class=\"name\" x=\"{right}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            escape(&self.y.label),
            HEIGHT - 6.0,
            escape(&self.x.label)
        );
    }

    fn layer(&self, svg: &mut String, colour: Colour, layer: &Layer) {
        let class = colour.class();
        let (right, base) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let _ = match layer {
            Layer::Shade { from, to } => {
                let (left, end) = (self.x(*from), self.x(*to));
                writeln!(
                    svg,
                    "<rect class=\"shade\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{}\"/>",
                    (end - left).max(1.0),
                    base - TOP
                )
            }
            Layer::Span { low, high, label } => {
                let (top, bottom) = (self.y(*high), self.y(*low));
                writeln!(
                    svg,
                    "<rect class=\"span {class}\" x=\"{LEFT}\" y=\"{top:.1}\" width=\"{}\" height=\"{:.1}\"/><text class=\"note {class}\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                    right - LEFT,
                    (bottom - top).max(1.5),
                    right - 4.0,
                    bottom + 13.0,
                    escape(label)
                )
            }
            Layer::Limit { at, label } => {
                let y = self.y(*at);
                writeln!(
                    svg,
                    "<line class=\"limit {class}\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"note {class}\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                    right - 4.0,
                    y - 5.0,
                    escape(label)
                )
            }
            Layer::Line(points) => writeln!(
                svg,
                "<path class=\"line {class}\" d=\"{}\"/>",
                self.line(points)
            ),
            Layer::Step(points) => {
                self.step(svg, &class, points);
                Ok(())
            }
            Layer::Band(points) => writeln!(
                svg,
                "<path class=\"band {class}\" d=\"{}\"/>",
                self.band(points)
            ),
            Layer::Bars(bars) => {
                self.bars(svg, &class, bars);
                Ok(())
            }
            Layer::Boxes(boxes) => {
                for one in boxes {
                    self.whisker(svg, &class, one);
                }
                Ok(())
            }
        };
    }

    fn bars(&self, svg: &mut String, class: &str, bars: &[(f64, f64, f64)]) {
        let base = HEIGHT - BOTTOM;
        for (from, to, height) in bars {
            let (left, end, top) = (self.x(*from), self.x(*to), self.y(*height));
            let _ = writeln!(
                svg,
                "<rect class=\"bar {class}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                left + 0.5,
                (end - left - 1.0).max(0.8),
                base - top
            );
        }
    }

    fn step(&self, svg: &mut String, class: &str, points: &[(f64, f64)]) {
        let line = self.steps(points);
        let area = points.first().map_or(String::new(), |first| {
            format!("{line}V{:.1}H{:.1}Z", HEIGHT - BOTTOM, self.x(first.0))
        });
        let _ = writeln!(
            svg,
            "<path class=\"under {class}\" d=\"{area}\"/><path class=\"line {class}\" d=\"{line}\"/>"
        );
    }

    fn whisker(&self, svg: &mut String, class: &str, one: &Whisker) {
        let x = self.x(one.x);
        let [low, lower, median, upper, high] = one.y.map(|value| self.y(value));
        let _ = writeln!(
            svg,
            "<line class=\"whisker {class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\"/><rect class=\"box {class}\" x=\"{:.1}\" y=\"{upper:.1}\" width=\"9\" height=\"{:.1}\"/><line class=\"median {class}\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{median:.1}\" y2=\"{median:.1}\"/>",
            x - 4.5,
            (lower - upper).max(1.0),
            x - 6.5,
            x + 6.5
        );
    }

    fn line(&self, points: &[(f64, f64)]) -> String {
        let mut path = String::new();
        let mut open = false;
        for (x, y) in points {
            if y.is_nan() {
                open = false;
                continue;
            }
            let command = if open { 'L' } else { 'M' };
            let _ = write!(path, "{command}{:.1} {:.1}", self.x(*x), self.y(*y));
            if !open {
                // A point alone is a dot: round ends make one of a line of no length.
                path.push_str("h0");
            }
            open = true;
        }
        path
    }

    fn steps(&self, points: &[(f64, f64)]) -> String {
        let mut path = String::new();
        let mut last = f64::NAN;
        for (x, y) in points {
            let (x, y) = (self.x(*x), self.y(*y));
            if path.is_empty() {
                let _ = write!(path, "M{x:.1} {y:.1}");
            } else if y != last {
                let _ = write!(path, "H{x:.1}V{y:.1}");
            }
            last = y;
        }
        if let Some((x, _)) = points.last() {
            let _ = write!(path, "H{:.1}", self.x(*x));
        }
        path
    }

    fn band(&self, points: &[(f64, f64, f64)]) -> String {
        let mut path = String::new();
        for run in points.split(|(_, low, high)| low.is_nan() || high.is_nan()) {
            let ahead = run.iter().map(|(x, low, _)| (x, low));
            let back = run.iter().rev().map(|(x, _, high)| (x, high));
            for (place, (x, y)) in ahead.chain(back).enumerate() {
                let command = if place == 0 { 'M' } else { 'L' };
                let _ = write!(path, "{command}{:.1} {:.1}", self.x(*x), self.y(*y));
            }
            if !run.is_empty() {
                path.push('Z');
            }
        }
        path
    }
}
