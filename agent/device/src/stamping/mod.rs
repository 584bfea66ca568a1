//! From a capture time to what a row says: the site's rules and its policy for doubtful times, applied when an
//! image is accepted, when the device's clock was put right, and when the operator stamps anew.

mod device_clock;

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use weir_journey::stamp::{CaptureTime, Cause, Change, Doubtful, Filed, Filing, Rules, restamp};

use crate::config::Site;
use crate::queue::{Held, Image, Retimed, Synchronised};
use crate::snapshot::spool;

pub(crate) use device_clock::{correction, of_device_clock};

/// What is said of the images of a site.
#[derive(Debug, Clone)]
pub(crate) struct Stamping {
    /// Its camera's folders: a path's part below them is evidence.
    pub(crate) folders: Vec<PathBuf>,
    /// Where copies of its files are: nothing of their paths but the name is evidence.
    spool: PathBuf,
    /// Its camera's clock and names.
    pub(crate) rules: Rules,
    /// Its policy.
    pub(crate) doubtful: Doubtful,
}

/// The columns of a row that tell its capture time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) captured_ms: i64,
    pub(crate) offset_s: i32,
    pub(crate) capture: String,
    pub(crate) dated: bool,
    pub(crate) held: Option<Held>,
}

impl Stamping {
    /// That of a site, whose copies are in the state directory `state`.
    pub(crate) fn of(site: &Site, state: &Path) -> Self {
        Self {
            folders: site.directories.clone(),
            spool: spool(state, site.name.as_str()),
            rules: site.rules.clone(),
            doubtful: site.doubtful,
        }
    }

    /// A path as it is evidence: below the folder that it lies in.
    pub(crate) fn below<'p>(&self, path: &'p Path) -> &'p Path {
        if path.starts_with(&self.spool) {
            return path.file_name().map_or(path, Path::new);
        }
        self.folders
            .iter()
            .find_map(|folder| path.strip_prefix(folder).ok())
            .unwrap_or(path)
    }

    /// What the rules of now make of a row: nothing, or its capture time and where that files it. `correction` puts
    /// its modification time right first.
    pub(crate) fn anew(&self, image: &Image, correction: Option<TimeDelta>) -> Option<Anew> {
        let kept: CaptureTime = serde_json::from_str(&image.capture).ok()?;
        let evidence = match correction {
            Some(add) => kept.with_mtime_corrected(add),
            None => kept.clone(),
        };
        // A clock that was right then is a witness still.
        let trusted = image.clock.synchronised == Synchronised::Yes;
        let then = DateTime::<Utc>::from_timestamp_millis(image.accepted_ms);
        let path = self.below(&image.place.path);
        let found = restamp(&evidence, path, &self.rules, then.filter(|_| trusted));
        let filed = self.doubtful.file(found);
        Some(Anew { kept, filed })
    }
}

/// A capture time found anew, beside the one of before.
#[derive(Debug, Clone)]
pub(crate) struct Anew {
    pub(crate) kept: CaptureTime,
    pub(crate) filed: Filed,
}

impl Anew {
    /// Whether image and capture time stay as they are.
    pub(crate) fn is_same(&self, image: &Image) -> bool {
        self.filed.capture == self.kept && (self.filed.filing != Filing::Undated) == image.dated
    }

    /// What the row says from now on, and why. Of an image that the store may know by its key the new time is only noted.
    pub(crate) fn retimed(
        self,
        image: &Image,
        why: Cause,
        at_ms: i64,
        synchronised: Synchronised,
    ) -> Option<Retimed> {
        let named = image.is_named();
        let change = Change {
            why,
            at_ms,
            was: self.kept.at,
            becomes: self.filed.capture.at,
            applied: !named,
        };
        let mut filed = self.filed;
        if named {
            filed.capture = self.kept;
        }
        if change.was != change.becomes {
            filed.capture.history.push(change);
        }
        let columns = columns(&filed, image.accepted_ms).ok()?;
        Some(Retimed {
            captured_ms: columns.captured_ms,
            offset_s: columns.offset_s,
            dated: columns.dated,
            capture: columns.capture,
            synchronised,
            held: columns.held,
        })
    }
}

/// The columns of an image. One without any time, which has no modification time even, is filed without a date and
/// sorted by `accepted_ms`.
///
/// # Errors
/// None that a capture time can cause; serde's signature has them.
pub(crate) fn columns(filed: &Filed, accepted_ms: i64) -> Result<Columns, serde_json::Error> {
    let at = filed.capture.at;
    Ok(Columns {
        captured_ms: at.map_or(accepted_ms, |at| at.timestamp_millis()),
        offset_s: at.map_or(0, |at| at.offset().local_minus_utc()),
        capture: serde_json::to_string(&filed.capture)?,
        dated: at.is_some() && filed.filing != Filing::Undated,
        held: (filed.filing == Filing::Held).then(|| held(&filed.capture)),
    })
}

fn held(capture: &CaptureTime) -> Held {
    let time = capture
        .at
        .map_or("unknown".to_owned(), |at| at.to_rfc3339());
    let why: Vec<_> = capture.warnings.iter().map(ToString::to_string).collect();
    let why = if why.is_empty() {
        format!("nothing but its {} states a time", capture.source)
    } else {
        why.join("; ")
    };
    Held {
        failure: format!("its capture time is doubtful: {time}, by {}: {why}", capture.source),
        fix: "`weir queue retry` sends it with that time, `weir queue drop` gives it up; `weir timestamp --restamp \
              --apply` stamps it anew after a correction of the configuration"
            .to_owned(),
    }
}
