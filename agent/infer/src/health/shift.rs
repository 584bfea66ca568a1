//! How far a view moved between two prints.
//!
//! Every displacement up to a quarter of the picture is tried: the gradients of one print are correlated with those
//! of the other where they overlap. Gradients do not see the light's level, and their strength is compressed, so that
//! a shadow's edge counts little more than the many weak edges of a landscape.

use super::print::{PRINT, Small};

const WIDTH: usize = PRINT.width as usize;
const HEIGHT: usize = PRINT.height as usize;
/// Farthest displacements that are tried, print pixels.
const FARTHEST: [i32; 2] = [WIDTH as i32 / 4, HEIGHT as i32 / 4];
/// Gradients of so many levels count half of a strong one.
const HALF: f32 = 6.0;
/// Mean square of the compressed gradients from which on a print shows enough.
const ENOUGH: f32 = 0.02;
/// From this correlation on the prints show the same.
const SAME: f32 = 0.45;
/// By so much a displacement must fit better than every other that is not next to it, none among them.
const CLEAR: f32 = 0.12;

/// How far the view moved from `earlier` to `later`, right and down, as shares of width and height: what was at x is
/// at x + moved. `None` where it cannot be told.
pub(super) fn between(earlier: &Small, later: &Small) -> Option<[f64; 2]> {
    let (earlier, later) = (Field::of(earlier), Field::of(later));
    if earlier.strength().min(later.strength()) < ENOUGH {
        return None;
    }
    let fits = Fits::of(&earlier, &later);
    let ([right, down], best) = fits.best();
    let second = fits.best_away_from([right, down]);
    if best < SAME || best - second < CLEAR {
        return None;
    }
    let refined = |before, after| f64::from(peak(before, best, after));
    let x = f64::from(right) + refined(fits.at([right - 1, down]), fits.at([right + 1, down]));
    let y = f64::from(down) + refined(fits.at([right, down - 1]), fits.at([right, down + 1]));
    Some([x / WIDTH as f64, y / HEIGHT as f64])
}

/// Where a parabola through three values at -1, 0 and 1 peaks, the middle one being the largest.
fn peak(before: Option<f32>, middle: f32, after: Option<f32>) -> f32 {
    let (Some(before), Some(after)) = (before, after) else {
        return 0.0;
    };
    let bend = 2.0 * middle - before - after;
    if bend <= f32::EPSILON {
        return 0.0;
    }
    (0.5 * (after - before) / bend).clamp(-0.5, 0.5)
}

/// The compressed gradients of a print, to the right and down; none at its border.
struct Field(Vec<[f32; 2]>);

impl Field {
    fn of(print: &Small) -> Self {
        let level = |x: usize, y: usize| f32::from(print.levels()[y * WIDTH + x]);
        let mut field = vec![[0.0; 2]; WIDTH * HEIGHT];
        for y in 1..HEIGHT - 1 {
            for x in 1..WIDTH - 1 {
                let right = level(x + 1, y) - level(x - 1, y);
                let down = level(x, y + 1) - level(x, y - 1);
                let weight = 1.0 / (right.hypot(down) + 2.0 * HALF);
                field[y * WIDTH + x] = [right * weight, down * weight];
            }
        }
        Self(field)
    }

    fn strength(&self) -> f32 {
        self.0.iter().map(|[x, y]| x * x + y * y).sum::<f32>() / self.0.len() as f32
    }

    /// The correlation with `later` moved by `moved`, over the pixels that both have: -1 to 1.
    fn fit(&self, later: &Self, [right, down]: [i32; 2]) -> f32 {
        let from = |moved: i32| (-moved).max(0) as usize;
        let len = |moved: i32, side: usize| side - moved.unsigned_abs() as usize;
        let to = |moved: i32| moved.max(0) as usize;
        let (mut both, mut one, mut other) = (0.0, 0.0, 0.0);
        for row in 0..len(down, HEIGHT) {
            let columns = len(right, WIDTH);
            let here = &self.0[(from(down) + row) * WIDTH + from(right)..][..columns];
            let there = &later.0[(to(down) + row) * WIDTH + to(right)..][..columns];
            for ([ax, ay], [bx, by]) in here.iter().zip(there) {
                both += ax * bx + ay * by;
                one += ax * ax + ay * ay;
                other += bx * bx + by * by;
            }
        }
        both / (one * other).sqrt().max(f32::MIN_POSITIVE)
    }
}

/// How well the prints fit at every displacement.
struct Fits(Vec<([i32; 2], f32)>);

impl Fits {
    fn of(earlier: &Field, later: &Field) -> Self {
        let [right, down] = FARTHEST;
        let all = (-down..=down).flat_map(|y| (-right..=right).map(move |x| [x, y]));
        Self(
            all.map(|moved| (moved, earlier.fit(later, moved)))
                .collect(),
        )
    }

    fn best(&self) -> ([i32; 2], f32) {
        let better =
            |one: ([i32; 2], f32), two: &([i32; 2], f32)| if two.1 > one.1 { *two } else { one };
        self.0.iter().fold(([0, 0], f32::MIN), better)
    }

    /// The best fit of those that are more than two pixels away.
    fn best_away_from(&self, [right, down]: [i32; 2]) -> f32 {
        let away = |moved: &[i32; 2]| moved[0].abs_diff(right).max(moved[1].abs_diff(down)) > 2;
        let fits = self
            .0
            .iter()
            .filter(|(moved, _)| away(moved))
            .map(|&(_, fit)| fit);
        fits.fold(f32::MIN, f32::max)
    }

    fn at(&self, moved: [i32; 2]) -> Option<f32> {
        let found = self.0.iter().find(|(other, _)| *other == moved);
        found.map(|&(_, fit)| fit)
    }
}
