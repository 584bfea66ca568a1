//! `[state]`: where the agent keeps what must survive a restart.

use std::path::PathBuf;

use crate::config::locate;
use crate::config::reader::Reader;

/// Where the agent keeps what must survive a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Folder of the queue and of the agent's own files, absolute.
    pub directory: PathBuf,
}

/// Reads the section; `root` says whether the process is root's.
pub(in crate::config) fn read(reader: &mut Reader<'_>, root: bool) -> State {
    const KEY: &str = "state.directory";
    let directory = reader
        .path(KEY)
        .or_else(|| locate::state_directory(reader.environment(), root));
    if directory.is_none() {
        let suggestion = "set it, or one of $STATE_DIRECTORY, $XDG_STATE_HOME and $HOME";
        reader.blame(
            &[KEY],
            "there is no folder to keep the queue in".to_owned(),
            Some(suggestion.to_owned()),
        );
    }
    let directory = directory.unwrap_or_default();
    reader.show_as(KEY, &directory.to_string_lossy());
    State { directory }
}
