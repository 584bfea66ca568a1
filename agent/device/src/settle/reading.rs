//! One file read once: its structure, its EXIF block and its digest in the same pass, and then made durable.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use sha2::Digest as _;
use weir_journey::identity::Sha256;
use weir_journey::settle::{Inspection, Observation, Structure, inspect};

use super::durable::Folders;

/// What one reading of a file gave.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) before: Observation,
    pub(super) inspection: Inspection,
    pub(super) sha256: Sha256,
    /// As the path's file was afterwards: another one, when the file was replaced meanwhile.
    pub(super) after: Observation,
}

/// What stands at a path.
#[derive(Debug)]
pub(super) enum Standing {
    /// A regular file.
    File(Observation),
    /// Nothing, or nothing that is looked at: a folder, a link, a pipe.
    Nothing,
    /// The system does not tell.
    Unknown(io::Error),
}

/// What stands at a path, links not followed. Blocks.
pub(super) fn look(path: &Path) -> Standing {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Standing::File(observation(&metadata)),
        Ok(_) => Standing::Nothing,
        Err(error) if is_absent(&error) => Standing::Nothing,
        Err(error) => Standing::Unknown(error),
    }
}

pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Reads a file to its end. A whole one is on the disk when this returns, and so is its name. Blocks.
///
/// # Errors
/// The system's; nothing follows from the file's content then.
pub(super) fn read(path: &Path, root: &Path, folders: &Folders) -> io::Result<Reading> {
    // Not following a link, and not waiting for the other end of a pipe that took the file's place.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let before = observation(&metadata);
    let (inspection, sha256) = digest(&mut &file)?;
    let mut after = observation(&file.metadata()?);
    if after == before && matches!(inspection.structure, Structure::Whole(_)) {
        folders.settle(&file, path, root)?;
        after = observation(&std::fs::symlink_metadata(path)?);
    }
    Ok(Reading {
        before,
        inspection,
        sha256,
        after,
    })
}

fn digest<R: Read + Seek>(source: &mut R) -> io::Result<(Inspection, Sha256)> {
    let mut hasher = sha2::Sha256::new();
    let inspection = inspect(source, |chunk| hasher.update(chunk))?;
    Ok((inspection, Sha256(hasher.finalize().into())))
}

fn observation(metadata: &Metadata) -> Observation {
    let nanoseconds =
        |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    Observation {
        size: metadata.len(),
        mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
        device: metadata.dev(),
    }
}
