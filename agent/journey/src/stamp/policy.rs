//! What becomes of a picture whose capture time is doubtful: the site's policy.

use super::capture::{CaptureTime, Source};
use super::warning::Warning;

/// What a site wants done with pictures whose capture time is doubtful
/// ([`CaptureTime::is_doubtful`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Doubtful {
    /// File them under the best moment there is: the modification time where a clock is proven wrong.
    #[default]
    Mtime,
    /// File them under keys that pretend no date.
    Undated,
    /// Keep them back until a person has looked.
    Hold,
}

/// Where a picture goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filing {
    /// Under its capture time.
    Dated,
    /// Under a key without a date.
    Undated,
    /// Nowhere until a person has looked; then under its capture time.
    Held,
}

/// A capture time after the policy, and where its picture goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// The capture time.
    pub capture: CaptureTime,
    /// Where the picture goes.
    pub filing: Filing,
}

impl Doubtful {
    /// Its name, as the configuration has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mtime => "mtime",
            Self::Undated => "undated",
            Self::Hold => "hold",
        }
    }

    /// Applies the policy.
    pub fn file(self, capture: CaptureTime) -> Filed {
        let filing = match self {
            _ if !capture.is_doubtful() => Filing::Dated,
            Self::Mtime => {
                return Filed {
                    capture: by_mtime(capture),
                    filing: Filing::Dated,
                };
            }
            Self::Undated => Filing::Undated,
            Self::Hold => Filing::Held,
        };
        Filed { capture, filing }
    }
}

/// Takes the modification time where the chosen moment is contradicted by a clock: it then is the earlier of the
/// two, and one at which the picture cannot have been taken later. Sources that merely disagree are no reason:
/// the file may be a copy, and its time that of the copying.
fn by_mtime(mut capture: CaptureTime) -> CaptureTime {
    let chosen = capture.source;
    let about = |warning: &Warning| match warning {
        Warning::AfterModification { source, .. } | Warning::Future { source, .. } => {
            *source == chosen
        }
        _ => false,
    };
    let mtime = capture
        .candidates
        .iter()
        .find(|c| c.source == Source::Mtime);
    let Some(mtime) = mtime.filter(|mtime| !mtime.unsure && Some(mtime.at) < capture.at) else {
        return capture;
    };
    let proven = capture.warnings.iter().any(about);
    let itself_possible = !capture.warnings.iter().any(|warning| {
        matches!(
            warning,
            Warning::ResetClock {
                source: Source::Mtime
            } | Warning::BeforeSite {
                source: Source::Mtime
            } | Warning::ImplausibleYear {
                source: Source::Mtime
            }
        )
    });
    if proven && itself_possible {
        capture.at = Some(mtime.at);
        capture.precision = mtime.precision;
        capture.source = Source::Mtime;
        capture
            .warnings
            .push(Warning::TakenFromMtime { instead_of: chosen });
    }
    capture
}
