//! How a file gets to where it is.

use std::time::Duration;

use super::seed::{Purpose, stream};

/// How a file gets to where it is. Whoever writes closes the file with its last byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    /// Created, written and closed at the moment of the shot.
    AtOnce,
    /// Written under another name in the same folder at the moment of the shot, then renamed.
    RenamedIn {
        /// The path under which it is written, below the camera's folder.
        under: String,
    },
    /// Created at the moment of the shot and written on.
    InPieces {
        /// How long after the shot, and how many more bytes; the first at the shot itself. Together they are all.
        pieces: Vec<(Duration, usize)>,
    },
    /// Truncated, written and closed at the moment of the shot: the file of another shot was there.
    Overwriting {
        /// The number of that shot.
        shot: u64,
    },
}

impl Manner {
    /// A file of `bytes` in three to eight pieces, over half to one and a half of `about`.
    pub(super) fn in_pieces(bytes: usize, about: Duration, of: (u64, u32, u64)) -> Self {
        let (seed, site, shot) = of;
        let mut rng = stream(Purpose::Pieces, seed, site, shot);
        let all = about.mul_f64(0.5 + rng.f64());
        let number = rng.usize(3..=8);
        let mut cuts: Vec<usize> = (1..number).map(|_| rng.usize(0..=bytes)).collect();
        cuts.extend([0, bytes]);
        cuts.sort_unstable();
        let gap = all / (number as u32 - 1);
        let pieces = (0_u32..).zip(cuts.windows(2));
        Self::InPieces {
            pieces: pieces
                .map(|(nth, cut)| (gap * nth, cut[1] - cut[0]))
                .collect(),
        }
    }

    /// When the last byte is there, after the shot.
    pub fn done(&self) -> Duration {
        match self {
            Self::InPieces { pieces } => pieces.last().map_or(Duration::ZERO, |(at, _)| *at),
            _ => Duration::ZERO,
        }
    }
}
