//! Deletes one file, if it is the one that was meant. Blocks.
//!
//! Promises: nothing outside the folder is touched, whatever links lie inside it; a file that is not, byte for
//! byte, what the queue knows stays.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat, unlinkat};
use rustix::io::Errno;
use weir_journey::identity::Sha256;

use crate::queue::{FileIdentity, Place};
use crate::upload::holds;

/// What became of a file.
#[derive(Debug)]
pub(super) enum Erased {
    /// It was deleted, or was gone already.
    Gone,
    /// Another file has its name: that one stays.
    Replaced,
    /// Its folder is away (a card that was pulled, a mount that failed), and nothing is known of it.
    Away,
    /// It could not be deleted.
    Refused(io::Error),
}

/// Deletes the file at `place`, which lies below `folder`, if it still holds these bytes.
pub(super) fn erase(place: &Place, sha256: Sha256, folder: &Path) -> Erased {
    match try_erase(place, sha256, folder) {
        Ok(erased) => erased,
        Err(Errno::NOENT | Errno::NOTDIR) if is_there(folder, place) => Erased::Gone,
        Err(Errno::NOENT | Errno::NOTDIR) => Erased::Away,
        // A link where a folder was: what lies behind it is not ours.
        Err(Errno::LOOP) => Erased::Replaced,
        Err(errno) => Erased::Refused(errno.into()),
    }
}

/// Whether the folder is the one in which the file was seen: there, and on the same device.
fn is_there(folder: &Path, place: &Place) -> bool {
    std::fs::metadata(folder).is_ok_and(|stat| stat.is_dir() && stat.dev() == place.identity.device)
}

fn try_erase(place: &Place, sha256: Sha256, folder: &Path) -> Result<Erased, Errno> {
    let Some((parent, name)) = place.path.parent().zip(place.path.file_name()) else {
        return Ok(Erased::Replaced);
    };
    let directory = open_below(folder, parent)?;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::RDONLY;
    let stat = statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile
        || u64::try_from(stat.st_size) != Ok(place.identity.size)
    {
        return Ok(Erased::Replaced);
    }
    let file = File::from(openat(&directory, name, flags, Mode::empty())?);
    let identity = |file: &File| {
        file.metadata()
            .map(|metadata| FileIdentity::from(&metadata))
    };
    let Ok(before) = identity(&file) else {
        return Ok(Erased::Replaced);
    };
    // Another link to it was deleted, its mode was changed, the card has another device number now: the bytes tell.
    if before != place.identity && !matches!(holds(&file, sha256), Ok(true)) {
        return Ok(Erased::Replaced);
    }
    let now = statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if now.st_ino != before.inode || !matches!(identity(&file), Ok(after) if after == before) {
        return Ok(Erased::Replaced);
    }
    unlinkat(&directory, name, AtFlags::empty())?;
    Ok(Erased::Gone)
}

/// Opens the directory `parent`, at or below `folder`, without following a link on the way from there.
fn open_below(folder: &Path, parent: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let below = parent.strip_prefix(folder).map_err(|_| Errno::LOOP)?;
    let mut directory = rustix::fs::open(folder, flags, Mode::empty())?;
    for part in below.components() {
        let Component::Normal(name) = part else {
            return Err(Errno::LOOP);
        };
        directory = openat(&directory, name, flags | OFlags::NOFOLLOW, Mode::empty())
            // Asked for a directory and not to follow links, the kernel calls a link no directory.
            .map_err(|errno| match errno {
                Errno::NOTDIR if is_link(&directory, name) => Errno::LOOP,
                other => other,
            })?;
    }
    Ok(directory)
}

fn is_link(directory: &OwnedFd, name: &std::ffi::OsStr) -> bool {
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Digest as _;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn digest(bytes: &[u8]) -> Sha256 {
        Sha256(sha2::Sha256::digest(bytes).into())
    }

    fn place(path: &Path) -> Place {
        Place {
            path: path.to_owned(),
            identity: FileIdentity::from(&fs::symlink_metadata(path).unwrap()),
        }
    }

    #[test]
    fn only_the_very_file_goes() {
        let camera = tempfile::tempdir().unwrap();
        let path = camera.path().join("2024/08/a.jpg");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"stored").unwrap();
        let stored = place(&path);
        // Replaced by bytes that the store does not have, of the same length.
        fs::write(&path, b"fresh!").unwrap();
        assert!(matches!(
            erase(&stored, digest(b"stored"), camera.path()),
            Erased::Replaced
        ));
        assert!(path.exists());
        // Touched, and another link: the same bytes.
        fs::write(&path, b"stored").unwrap();
        let link = camera.path().join("link.jpg");
        fs::hard_link(&path, &link).unwrap();
        for name in [&path, &link] {
            let at = Place {
                path: name.clone(),
                ..stored.clone()
            };
            assert!(matches!(
                erase(&at, digest(b"stored"), camera.path()),
                Erased::Gone
            ));
            assert!(!name.exists());
        }
        assert!(matches!(
            erase(&stored, digest(b"stored"), camera.path()),
            Erased::Gone
        ));
    }

    #[test]
    fn no_link_leads_out_of_the_folder() {
        let room = tempfile::tempdir().unwrap();
        let (camera, outside) = (room.path().join("camera"), room.path().join("outside"));
        fs::create_dir_all(&camera).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("a.jpg"), b"stored").unwrap();
        symlink(&outside, camera.join("day")).unwrap();
        symlink(outside.join("a.jpg"), camera.join("a.jpg")).unwrap();
        let identity = place(&outside.join("a.jpg")).identity;
        for path in [
            camera.join("day/a.jpg"),
            camera.join("a.jpg"),
            camera.join("../outside/a.jpg"),
            outside.join("a.jpg"),
        ] {
            let at = Place { path, identity };
            let erased = erase(&at, digest(b"stored"), &camera);
            assert!(matches!(erased, Erased::Replaced), "{at:?}: {erased:?}");
        }
        assert!(outside.join("a.jpg").exists());
    }

    #[test]
    fn a_pulled_card_is_no_deleted_file() {
        let room = tempfile::tempdir().unwrap();
        let camera = room.path().join("camera");
        fs::create_dir(&camera).unwrap();
        fs::write(camera.join("a.jpg"), b"stored").unwrap();
        let at = place(&camera.join("a.jpg"));
        fs::remove_dir_all(&camera).unwrap();
        assert!(matches!(
            erase(&at, digest(b"stored"), &camera),
            Erased::Away
        ));
        // An empty mount point of another file system in its place.
        fs::create_dir(&camera).unwrap();
        let elsewhere = Place {
            identity: FileIdentity {
                device: at.identity.device + 1,
                ..at.identity
            },
            ..at
        };
        assert!(matches!(
            erase(&elsewhere, digest(b"stored"), &camera),
            Erased::Away
        ));
    }
}
