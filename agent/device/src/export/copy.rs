//! Copies one image: hashed while it is read, durable before it has its name, read back from the medium. Blocks.

use std::fs::{self, File, FileTimes};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use rustix::fs::{Advice, fadvise};
use sha2::Digest as _;
use weir_journey::identity::Sha256;

use crate::queue::Dossier;
use crate::upload::source::{Found, find};
use crate::whole_file::WholeFile;

const CHUNK: usize = 256 * 1024;

/// What became of a copy.
pub(super) enum Copied {
    /// It is there, whole, with the bytes that were accepted.
    Whole,
    /// There is no space for it.
    Full,
    /// The accepted bytes are not to be had, and why.
    NotThere(String),
    /// The stick cannot be written.
    Failed(io::Error),
}

/// Copies the image's bytes to `to`, whose folders are made.
pub(super) fn copy(dossier: &Dossier, to: &Path) -> Copied {
    let file = match find(dossier, &[]) {
        Found::Here(file) => file,
        Found::Unreadable(error) => return Copied::NotThere(format!("it cannot be read: {error}")),
        Found::Gone { .. } | Found::Away | Found::Unplugged(_) => {
            return Copied::NotThere("its file is not there any more".to_owned());
        }
    };
    match written(&file, to) {
        Ok(sha256) if sha256 != dossier.image.sha256 => {
            let _ = fs::remove_file(to);
            Copied::NotThere("its bytes are no longer those that were accepted".to_owned())
        }
        Ok(sha256) => match read_back(to) {
            Ok(there) if there == sha256 => Copied::Whole,
            Ok(_) => {
                let _ = fs::remove_file(to);
                Copied::Failed(io::Error::other(
                    "it gives back other bytes than were written: use another stick",
                ))
            }
            Err(error) => Copied::Failed(error),
        },
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ) =>
        {
            Copied::Full
        }
        // FAT32 holds no file of 4 GiB.
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Copied::NotThere("it is too large for the file system of the stick".to_owned())
        }
        Err(error) => Copied::Failed(error),
    }
}

/// Writes the file; gives the digest of what was read.
fn written(mut from: &File, to: &Path) -> io::Result<Sha256> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    from.rewind()?;
    let modified = from.metadata()?.modified()?;
    let mut file = WholeFile::begin(to)?;
    let (mut hasher, mut chunk) = (sha2::Sha256::new(), vec![0; CHUNK]);
    loop {
        match from.read(&mut chunk)? {
            0 => break,
            count => {
                hasher.update(&chunk[..count]);
                file.write_all(&chunk[..count])?;
            }
        }
    }
    file.finish(|file| file.set_times(FileTimes::new().set_modified(modified)))?;
    Ok(Sha256(hasher.finalize().into()))
}

/// The digest of what the medium gives back, not the memory it was written from.
fn read_back(path: &Path) -> io::Result<Sha256> {
    let mut file = File::open(path)?;
    // What is not clean stays in memory; it was synced, so it is. A file system that knows no such advice reads from memory.
    let _ = fadvise(&file, 0, None, Advice::DontNeed);
    let (mut hasher, mut chunk) = (sha2::Sha256::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(Sha256(hasher.finalize().into())),
            count => hasher.update(&chunk[..count]),
        }
    }
}
