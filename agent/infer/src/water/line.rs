//! Straight lines of pixels, as OpenCV draws them (`cv2.line` with `LINE_8` and a thickness of 1).
//!
//! The arithmetic is that of `LineIterator` and `clipLine` in OpenCV 4 (`modules/imgproc/src/drawing.cpp`, Apache
//! License 2.0), because the pixels must be the same ones; numbers are wide enough for any corner.

use weir_journey::infer::Size;

/// A place in pixels, which may lie outside of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) x: i128,
    pub(super) y: i128,
}

impl From<[i32; 2]> for Point {
    fn from([x, y]: [i32; 2]) -> Self {
        Self {
            x: x.into(),
            y: y.into(),
        }
    }
}

impl Point {
    /// Whether it lies in the frame.
    pub(super) fn within(self, frame: Size) -> bool {
        (0..i128::from(frame.width)).contains(&self.x)
            && (0..i128::from(frame.height)).contains(&self.y)
    }
}

/// The sides of the frame beyond which a coordinate lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    Behind,
}

impl Side {
    fn of(at: i128, last: i128) -> Option<Self> {
        if at < 0 {
            Some(Self::Before)
        } else if at > last {
            Some(Self::Behind)
        } else {
            None
        }
    }

    /// The frame's last coordinate on this side.
    const fn border(self, last: i128) -> i128 {
        match self {
            Self::Before => 0,
            Self::Behind => last,
        }
    }
}

/// The part of a line within the frame, and whether there is one. Both ends are moved along the line to the upper or
/// lower border first, then to the left or right one, rounding towards zero. Where nothing of the line is within the
/// frame, they are as far as they were moved until that was known: the polygon's edges depend on it.
pub(super) fn clip(frame: Size, mut a: Point, mut b: Point) -> (Point, Point, bool) {
    let (right, bottom) = (i128::from(frame.width) - 1, i128::from(frame.height) - 1);
    if right < 0 || bottom < 0 {
        return (a, b, false);
    }
    let column = |point: Point| Side::of(point.x, right);
    let row = |point: Point| Side::of(point.y, bottom);
    let same = |one: Option<Side>, other: Option<Side>| one.is_some() && one == other;
    if same(column(a), column(b)) || same(row(a), row(b)) {
        return (a, b, false);
    }
    // Each end in turn, and the second along the line that the first has shortened.
    if let Some(side) = row(a) {
        let y = side.border(bottom);
        a.x += (y - a.y) * (b.x - a.x) / (b.y - a.y);
        a.y = y;
    }
    if let Some(side) = row(b) {
        let y = side.border(bottom);
        b.x += (y - b.y) * (b.x - a.x) / (b.y - a.y);
        b.y = y;
    }
    if same(column(a), column(b)) {
        return (a, b, false);
    }
    if let Some(side) = column(a) {
        let x = side.border(right);
        a.y += (x - a.x) * (b.y - a.y) / (b.x - a.x);
        a.x = x;
    }
    if let Some(side) = column(b) {
        let x = side.border(right);
        b.y += (x - b.x) * (b.y - a.y) / (b.x - a.x);
        b.x = x;
    }
    (a, b, true)
}

/// Calls `draw` with the column and row of each pixel of a line within the frame, both ends included.
pub(super) fn line(frame: Size, a: Point, b: Point, mut draw: impl FnMut(usize, usize)) {
    let (a, b, within) = clip(frame, a, b);
    if !within {
        return;
    }
    // Always from left to right: rounding would differ otherwise.
    let (a, b) = if b.x < a.x { (b, a) } else { (a, b) };
    let (across, along) = (b.x - a.x, (b.y - a.y).abs());
    let down = (b.y - a.y).signum();
    let steep = along > across;
    let (long, short) = if steep {
        (along, across)
    } else {
        (across, along)
    };
    let (mut x, mut y) = (a.x, a.y);
    let mut error = long - 2 * short;
    for _ in 0..=long {
        if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) {
            draw(x, y);
        }
        let aside = error < 0;
        error += if aside { 2 * long } else { 0 } - 2 * short;
        x += i128::from(!steep || aside);
        if steep || aside {
            y += down;
        }
    }
}
