//! What a file in a camera directory is, whether all of it is there, and when it is taken.
//!
//! Promises:
//! - [`inspect()`] reads a source once, from start to end, and says whether it is a whole picture or video by
//!   its structure, never by its name. Its answer does not depend on how the bytes arrive, its memory is
//!   bounded whatever the file holds, and no content makes it panic or loop.
//! - [`Settling`] decides from `stat` values, events and two clocks when a file is read and what follows:
//!   a half-written file is never taken, a whole one always is in the end, and what is neither is set aside
//!   with a [`Reason`] after a while without change.
//! - [`leave_alone`] knows the names under which programs write before they rename.
//!
//! Completeness is what is checked here, not health: a picture whose pixels were damaged on the way is still
//! the only picture of its moment, and is taken.

mod bmff;
mod decide;
#[cfg(test)]
mod decide_model;
mod feed;
mod foreign;
mod format;
mod inspect;
mod items;
mod jpeg;
mod matroska;
mod names;
mod pattern;
mod png;
mod positioned;
mod reason;
mod scan;
mod structure;
mod tiff;
mod tiff_excerpt;
mod webp;

pub use decide::{Cause, Now, Observation, Outcome, Patience, Settling, Verdict};
pub use foreign::Foreign;
pub use format::{Format, Kind};
pub use inspect::inspect;
pub use names::{Ignored, leave_alone};
pub use pattern::{NamePattern, NotAName};
pub use reason::Reason;
pub use structure::{Inspection, MAX_EXIF, Structure};

#[cfg(any(test, feature = "fixtures"))]
pub(crate) use png::crc32;
