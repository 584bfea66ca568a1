//! Deletes a file whose image is stored: only while it is the file that was read. Blocks.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use crate::queue::FileIdentity;

/// What became of it.
#[derive(Debug)]
pub enum Removal {
    /// It is gone, by us.
    Removed,
    /// It was not there any more.
    Gone,
    /// Another file, or other content, is there now: it stays.
    Changed,
    /// The system refused.
    Failed(io::Error),
}

/// Deletes the file at `path` if `stat` shows what it showed when the file was read. The caller knows that its image is
/// durably verified.
pub fn remove(path: &Path, read_as: &FileIdentity) -> Removal {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let open = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let same = open.and_then(|file| {
        let stat = file.metadata()?;
        Ok(stat.is_file() && FileIdentity::from(&stat) == *read_as)
    });
    match same {
        Ok(true) => match fs::remove_file(path) {
            Ok(()) => Removal::Removed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Removal::Gone,
            Err(error) => Removal::Failed(error),
        },
        Ok(false) => Removal::Changed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Removal::Gone,
        Err(error) => Removal::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_file_that_was_read_is_deleted() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("a.jpg");
        fs::write(&path, "read").unwrap();
        let read_as = FileIdentity::from(&fs::metadata(&path).unwrap());
        // Replaced by a file of the same size and time.
        let other = room.path().join("b.jpg");
        fs::write(&other, "RAED").unwrap();
        let times =
            fs::FileTimes::new().set_modified(fs::metadata(&path).unwrap().modified().unwrap());
        File::options()
            .write(true)
            .open(&other)
            .unwrap()
            .set_times(times)
            .unwrap();
        fs::rename(&path, room.path().join("kept")).unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(matches!(remove(&path, &read_as), Removal::Changed));
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
        assert!(matches!(remove(&path, &read_as), Removal::Gone));
        let kept = room.path().join("kept");
        let read_as = FileIdentity::from(&fs::metadata(&kept).unwrap());
        assert!(matches!(remove(&kept, &read_as), Removal::Removed));
        assert!(!kept.exists());
    }
}
