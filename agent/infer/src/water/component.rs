//! Patches of water that hang together.

use std::ops::Range;

/// A row's pixels from the first to the one behind the last, all of them water.
struct Run {
    row: usize,
    columns: Range<usize>,
}

/// Keeps the largest patch of the pixels (rows of `width`, which hang together by sides and corners); the first one of
/// those that are as large.
///
/// The pixels are joined run by run and not one by one: water is large and plain, so there are few runs.
pub(super) fn largest(wet: &[bool], width: usize) -> Vec<bool> {
    let runs = runs(wet, width);
    let mut patches = Patches::new(runs.len());
    // Runs of the row above that may still touch a run to come.
    let mut above = 0;
    for (at, run) in runs.iter().enumerate() {
        while runs[above].row + 1 < run.row
            || runs[above].row + 1 == run.row && runs[above].columns.end < run.columns.start
        {
            above += 1;
        }
        // A corner is enough, hence no gap on either side.
        let touching = runs[above..at]
            .iter()
            .take_while(|other| other.row < run.row && other.columns.start <= run.columns.end);
        for other in above..above + touching.count() {
            patches.join(other, at);
        }
    }
    let mut areas = vec![0; runs.len()];
    for (at, run) in runs.iter().enumerate() {
        areas[patches.find(at)] += run.columns.len();
    }
    // A patch goes by its first run, so the first of the largest is the first in the order of the rows.
    let mut largest = 0;
    for (at, &area) in areas.iter().enumerate() {
        if area > areas[largest] {
            largest = at;
        }
    }
    let mut kept = vec![false; wet.len()];
    for (at, run) in runs.iter().enumerate() {
        if patches.find(at) == largest {
            kept[run.row * width..][run.columns.clone()].fill(true);
        }
    }
    kept
}

/// The runs, row by row.
fn runs(wet: &[bool], width: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    for (row, pixels) in wet.chunks_exact(width.max(1)).enumerate() {
        let mut at = 0;
        while let Some(skipped) = pixels[at..].iter().position(|&wet| wet) {
            let start = at + skipped;
            let length = pixels[start..].iter().position(|&wet| !wet);
            let end = length.map_or(pixels.len(), |length| start + length);
            runs.push(Run {
                row,
                columns: start..end,
            });
            at = end;
        }
    }
    runs
}

/// Which runs belong together (disjoint sets); each set goes by its first run.
struct Patches(Vec<usize>);

impl Patches {
    fn new(runs: usize) -> Self {
        Self((0..runs).collect())
    }

    fn find(&mut self, mut run: usize) -> usize {
        while self.0[run] != run {
            // Paths are halved on the way, which keeps them short.
            self.0[run] = self.0[self.0[run]];
            run = self.0[run];
        }
        run
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find(one), self.find(other));
        self.0[one.max(other)] = one.min(other);
    }
}
