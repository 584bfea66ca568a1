//! Polygons of pixels, as OpenCV fills them (`cv2.fillPoly` with whole corners and `LINE_8`).
//!
//! A polygon is its outline, drawn as lines, and what lies between pairs of its edges in each row (even-odd), with
//! the edges' places as fixed-point numbers of 16 binary digits. The arithmetic is that of `CollectPolyEdges` and
//! `FillEdgeCollection` in OpenCV 4 (`modules/imgproc/src/drawing.cpp`, Apache License 2.0), because the pixels must
//! be the same ones: a stage model is trained on counts of such pixels.

use weir_journey::infer::Size;

use super::line::{Point, clip, line};
use super::mask::pixels;

/// Binary digits behind the point of an edge's place.
const DIGITS: u32 = 16;
const ONE: i128 = 1 << DIGITS;

/// An edge that is not level.
struct Edge {
    /// The row it begins in.
    from: i128,
    /// The row it has left.
    to: i128,
    /// Its place in row `from`, in 65,536ths of a pixel.
    x: i128,
    /// How far it moves from one row to the next.
    step: i128,
}

impl Edge {
    /// The edge between two corners; `None` for a level one.
    fn between(frame: Size, a: Point, b: Point) -> Option<Self> {
        if a.y == b.y {
            return None;
        }
        // Of an edge that leaves the frame, the part within decides its slope; its whole part, where the clipped
        // one is level. Its ends are the clipped ones in any case.
        let (mut on_a, mut on_b) = (a, b);
        if !(a.within(frame) && b.within(frame)) {
            let (clipped_a, clipped_b, _) = clip(frame, a, b);
            (on_a.x, on_b.x) = (clipped_a.x, clipped_b.x);
            if clipped_a.y != clipped_b.y {
                (on_a.y, on_b.y) = (clipped_a.y, clipped_b.y);
            }
        }
        let step = (on_b.x - on_a.x) * ONE / (on_b.y - on_a.y);
        let (top, on_top, bottom) = if a.y < b.y {
            (a, on_a, b)
        } else {
            (b, on_b, a)
        };
        Some(Self {
            from: top.y,
            to: bottom.y,
            x: on_top.x * ONE + (top.y - on_top.y) * step,
            step,
        })
    }

    fn place(&self, row: i128) -> i128 {
        self.x + (row - self.from) * self.step
    }
}

/// Which pixels of the frame belong to a polygon, row by row. Its corners may lie anywhere, and its edges cross.
pub(super) fn fill(frame: Size, corners: &[[i32; 2]]) -> Vec<bool> {
    let width = frame.width as usize;
    let mut filled = vec![false; pixels(frame)];
    let corners: Vec<Point> = corners.iter().copied().map(Point::from).collect();
    let Some(&last) = corners.last() else {
        return filled;
    };
    let mut edges = Vec::with_capacity(corners.len());
    let mut before = last;
    for &corner in &corners {
        line(frame, before, corner, |x, y| filled[y * width + x] = true);
        edges.extend(Edge::between(frame, before, corner));
        before = corner;
    }
    let mut places = Vec::with_capacity(edges.len());
    for (row, line) in (0..).zip(filled.chunks_exact_mut(width.max(1))) {
        places.clear();
        let crossing = edges
            .iter()
            .filter(|edge| (edge.from..edge.to).contains(&row));
        places.extend(crossing.map(|edge| edge.place(row)));
        places.sort_unstable();
        // The outline is closed, so every row crosses an even number of edges.
        for pair in places.chunks_exact(2) {
            let first = ((pair[0] + ONE - 1) >> DIGITS).clamp(0, width as i128) as usize;
            let behind = ((pair[1] >> DIGITS) + 1).clamp(0, width as i128) as usize;
            if first < behind {
                line[first..behind].fill(true);
            }
        }
    }
    filled
}
