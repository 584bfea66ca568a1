//! Times that folders state.

use std::path::Path;

use super::choose::Reading;

/// The time that the folders of a path state, with its name.
pub(super) fn read(_path: &Path) -> Option<Reading> {
    None
}
