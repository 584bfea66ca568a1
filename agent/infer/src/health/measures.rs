//! The quantities of one picture's luma.

use weir_journey::infer::Size;

/// From 0.98 of the range on a pixel is burnt out.
const BURNT: u8 = 250;
/// Side of a block, pixels; those at the right and lower edge are cut off.
const BLOCK: usize = 20;
/// A block has structure when the standard deviation of the Laplacian in it is at least this, of a range of 1: about
/// three levels, above sensor noise in a shrunk picture and the artefacts of JPEG in a sky.
const STRUCTURE: f64 = 0.012;

/// See [`weir_journey::infer::Health`].
pub(super) struct Measures {
    pub(super) brightness: f64,
    pub(super) contrast: f64,
    pub(super) burnt: f64,
    pub(super) sharpness: f64,
    pub(super) plain: f64,
}

/// Of the luma of a picture of that size, which has pixels.
pub(super) fn of(luma: &[u8], size: Size) -> Measures {
    let level = Moments::of(luma.iter().map(|&level| f64::from(level) / 255.0));
    let burnt = luma.iter().filter(|&&level| level >= BURNT).count();
    let laplacian = Laplacian::of(luma, size);
    Measures {
        brightness: level.mean(),
        contrast: level.variance().sqrt(),
        burnt: burnt as f64 / luma.len() as f64,
        sharpness: laplacian.variance(),
        plain: laplacian.plain(),
    }
}

/// Count, sum and sum of squares.
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        values.fold(Self::default(), Self::with)
    }

    fn with(self, value: f64) -> Self {
        Self {
            count: self.count + 1.0,
            sum: self.sum + value,
            squares: self.squares + value * value,
        }
    }

    fn mean(self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    fn variance(self) -> f64 {
        (self.squares / self.count.max(1.0) - self.mean().powi(2)).max(0.0)
    }
}

/// What a pixel differs from its four neighbours by, of a range of 1, for all but the outermost pixels.
struct Laplacian {
    rows: Vec<Vec<f64>>,
}

impl Laplacian {
    fn of(luma: &[u8], size: Size) -> Self {
        let rows: Vec<&[u8]> = luma.chunks_exact(size.width as usize).collect();
        let at = |row: &[u8], x: usize| f64::from(row[x]) / 255.0;
        let inner = 1..(size.width as usize).saturating_sub(1).max(1);
        let rows = rows.array_windows().map(|&[above, row, below]| {
            let differences = inner.clone().map(|x| {
                at(above, x) + at(below, x) + at(row, x - 1) + at(row, x + 1) - 4.0 * at(row, x)
            });
            differences.collect()
        });
        Self {
            rows: rows.collect(),
        }
    }

    fn variance(&self) -> f64 {
        Moments::of(self.rows.iter().flatten().copied()).variance()
    }

    /// The share of blocks without structure. A picture smaller than a block is one.
    fn plain(&self) -> f64 {
        let width = self.rows.first().map_or(0, Vec::len);
        let columns = (width / BLOCK).max(1);
        let (mut blocks, mut plain) = (0u32, 0u32);
        for rows in self.rows.chunks(BLOCK) {
            if rows.len() < BLOCK && blocks > 0 {
                break;
            }
            let mut moments = vec![Moments::default(); columns];
            for row in rows {
                for (values, moments) in row.chunks(BLOCK).zip(&mut moments) {
                    *moments = values.iter().copied().fold(*moments, Moments::with);
                }
            }
            let without = |moments: &&Moments| moments.variance() < STRUCTURE * STRUCTURE;
            plain += moments.iter().filter(without).count() as u32;
            blocks += columns as u32;
        }
        f64::from(plain) / f64::from(blocks.max(1))
    }
}
