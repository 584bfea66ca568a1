//! Finding the accepted bytes again on the disk.
//!
//! An image may lie at several paths (hard links, copies). A file whose `stat` equals the recorded one is taken
//! at its word; any other is read and hashed before it is sent, so that a file which was replaced since
//! never goes up under the name of the one that was accepted.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;
use sha2::Digest as _;
use weir_journey::identity::Sha256;

use crate::queue::{Dossier, FileIdentity, Place};

/// What became of the accepted bytes.
#[derive(Debug)]
pub(crate) enum Found {
    /// Here they are.
    Here(Arc<File>),
    /// Other files, or none, are at all the paths; those that are there want another look.
    Gone {
        /// Paths at which another file lies now.
        replaced: Vec<PathBuf>,
    },
    /// The camera's folder itself is away: a card that was pulled, a mount that failed.
    Away,
    /// The card or folder that it was imported from is away: nothing is left of it from here down.
    Unplugged(PathBuf),
    /// A path could not be read, and none of the others has the bytes.
    Unreadable(io::Error),
}

/// Looks for the bytes of an image at all the paths known of it. Blocks.
pub(crate) fn find(dossier: &Dossier, folders: &[PathBuf]) -> Found {
    let mut replaced = Vec::new();
    let mut unreadable = None;
    for place in std::iter::once(&dossier.image.place).chain(&dossier.elsewhere) {
        match open(place, dossier.image.sha256) {
            Ok(Some(file)) => return Found::Here(Arc::new(file)),
            Ok(None) => replaced.push(place.path.clone()),
            Err(error) if is_absent(&error) => {}
            Err(error) => unreadable = Some(error),
        }
    }
    let place = &dossier.image.place;
    let imported = !folders.iter().any(|folder| place.path.starts_with(folder));
    if imported
        && replaced.is_empty()
        && let Some(folder) = unplugged(place)
    {
        return Found::Unplugged(folder);
    }
    if let Some(error) = unreadable {
        return Found::Unreadable(error);
    }
    if replaced.is_empty() && is_away(place, folders) {
        return Found::Away;
    }
    Found::Gone { replaced }
}

/// What is away of the way to an imported file: the first folder on it that is not there or cannot be looked at (a card
/// that was pulled and is still mounted), or its own folder when that is on another file system by now. `None` when the
/// folder is there, and the file alone is not.
fn unplugged(place: &Place) -> Option<PathBuf> {
    let folders: Vec<_> = place.path.ancestors().skip(1).collect();
    let mut from_the_top = folders.iter().rev();
    let missing = from_the_top.find(|folder| device_of(folder).is_none());
    let own = folders.first()?;
    missing
        .or_else(|| (device_of(own) != Some(place.identity.device)).then_some(own))
        .map(|folder| folder.to_path_buf())
}

/// The file at a place when it holds the bytes, `None` when it holds others.
fn open(place: &Place, sha256: Sha256) -> io::Result<Option<File>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(&place.path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() != place.identity.size {
        return Ok(None);
    }
    if FileIdentity::from(&metadata) == place.identity || hash(&mut file)? == sha256 {
        return Ok(Some(file));
    }
    Ok(None)
}

/// Whether a file still holds the bytes of a digest. Blocks.
///
/// # Errors
/// The system's, when it cannot be read to its end.
pub(crate) fn holds(file: &File, sha256: Sha256) -> io::Result<bool> {
    Ok(hash(&mut &*file)? == sha256)
}

fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

fn hash(file: &mut (impl Read + Seek)) -> io::Result<Sha256> {
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    file.rewind()?;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Sha256(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    // A link or a folder where the file was is another file, which says nothing of ours.
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    ) || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Whether the camera's folder that holds the place is gone, or is another file system than it was.
fn is_away(place: &Place, folders: &[PathBuf]) -> bool {
    folders
        .iter()
        .filter(|folder| place.path.starts_with(folder))
        .any(|folder| device_of(folder).is_none_or(|device| device != place.identity.device))
}

fn device_of(folder: &Path) -> Option<u64> {
    std::fs::metadata(folder)
        .ok()
        .filter(std::fs::Metadata::is_dir)
        .map(|metadata| metadata.dev())
}

impl From<&std::fs::Metadata> for FileIdentity {
    fn from(metadata: &std::fs::Metadata) -> Self {
        Self {
            size: metadata.len(),
            device: metadata.dev(),
            inode: metadata.ino(),
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{DeviceClock, Image, ImageId, SiteId};
    use weir_journey::queue::State;

    struct Camera(tempfile::TempDir);

    impl Camera {
        fn write(&self, name: &str, bytes: &[u8]) -> Place {
            let path = self.0.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let identity = FileIdentity::from(&std::fs::metadata(&path).unwrap());
            Place { path, identity }
        }

        fn find(&self, place: &Place, elsewhere: Vec<Place>, bytes: &[u8]) -> Found {
            let folders = [self.0.path().to_owned()];
            find(&dossier(place.clone(), elsewhere, bytes), &folders)
        }
    }

    fn dossier(place: Place, elsewhere: Vec<Place>, bytes: &[u8]) -> Dossier {
        let image = Image {
            id: ImageId(1),
            site: SiteId(1),
            site_name: "first-dam".parse().unwrap(),
            sha256: Sha256(sha2::Sha256::digest(bytes).into()),
            place,
            format: 1,
            captured_ms: 0,
            offset_s: 0,
            capture: "{}".into(),
            accepted_ms: 0,
            clock: DeviceClock::default(),
            dated: true,
            held: false,
            unplugged: false,
            flagged: false,
            state: State::Uploading,
            unsure: false,
            attempts: 0,
            next_at_ms: None,
            target: None,
            multipart: None,
            etag: None,
            verified_ms: None,
            proof: None,
            receipt_ms: None,
            removed: None,
            refusal: None,
            failure: None,
            fix: None,
            parent: None,
            products_of: None,
            infer: crate::queue::Infer::Unwanted,
            findings: None,
            urgency: crate::queue::Urgency::Usual,
            look_hold: crate::queue::LookHold::None,
        };
        Dossier {
            image,
            elsewhere,
            parts: Vec::new(),
        }
    }

    #[test]
    fn the_accepted_bytes_are_found_wherever_they_lie_and_others_are_never_taken_for_them() {
        let camera = Camera(tempfile::tempdir().unwrap());
        let place = camera.write("a.jpg", b"accepted");
        assert!(matches!(
            camera.find(&place, vec![], b"accepted"),
            Found::Here(_)
        ));
        // Touched, but the same bytes: what stat says differs, the digest does not.
        let touched = camera.write("a.jpg", b"accepted");
        assert!(matches!(
            camera.find(&place, vec![], b"accepted"),
            Found::Here(_)
        ));
        // Replaced by another file of the same length.
        camera.write("a.jpg", b"replaced");
        let Found::Gone { replaced } = camera.find(&place, vec![], b"accepted") else {
            panic!("a replaced file was taken for the accepted one");
        };
        assert_eq!(replaced, [touched.path]);
        let copy = camera.write("copy.jpg", b"accepted");
        assert!(matches!(
            camera.find(&place, vec![copy], b"accepted"),
            Found::Here(_)
        ));
    }

    #[test]
    fn a_pulled_card_is_told_from_a_deleted_file() {
        let camera = Camera(tempfile::tempdir().unwrap());
        let place = camera.write("a.jpg", b"accepted");
        std::fs::remove_file(&place.path).unwrap();
        let gone = camera.find(&place, vec![], b"accepted");
        assert!(matches!(gone, Found::Gone { replaced } if replaced.is_empty()));
        std::fs::remove_dir(camera.0.path()).unwrap();
        assert!(matches!(
            camera.find(&place, vec![], b"accepted"),
            Found::Away
        ));
    }

    #[test]
    fn an_imported_file_is_waited_for_with_its_folder_and_gone_without_it() {
        let card = Camera(tempfile::tempdir().unwrap());
        std::fs::create_dir_all(card.0.path().join("DCIM/100")).unwrap();
        let place = card.write("DCIM/100/a.jpg", b"accepted");
        let elsewhere = [PathBuf::from("/srv/camera")];
        let look = || find(&dossier(place.clone(), vec![], b"accepted"), &elsewhere);
        assert!(matches!(look(), Found::Here(_)));
        std::fs::remove_file(&place.path).unwrap();
        assert!(matches!(look(), Found::Gone { replaced } if replaced.is_empty()));
        let folder = card.0.path().join("DCIM");
        std::fs::rename(&folder, card.0.path().join("pulled")).unwrap();
        assert!(matches!(look(), Found::Unplugged(gone) if gone == folder));
        // Another file system in its place, as when a card is unmounted and its mount point stays.
        std::fs::create_dir_all(place.path.parent().unwrap()).unwrap();
        let mut other = place.clone();
        other.identity.device ^= 1;
        let found = find(&dossier(other, vec![], b"accepted"), &elsewhere);
        assert!(matches!(found, Found::Unplugged(gone) if gone == place.path.parent().unwrap()));
    }

    #[test]
    fn a_link_in_the_place_of_the_file_is_not_followed() {
        let camera = Camera(tempfile::tempdir().unwrap());
        let place = camera.write("a.jpg", b"accepted");
        std::fs::rename(&place.path, camera.0.path().join("b.jpg")).unwrap();
        std::os::unix::fs::symlink("b.jpg", &place.path).unwrap();
        assert!(matches!(
            camera.find(&place, vec![], b"accepted"),
            Found::Gone { .. }
        ));
    }

    #[test]
    fn rotten_bytes_are_noticed_although_stat_shows_nothing() {
        let camera = Camera(tempfile::tempdir().unwrap());
        let place = camera.write("a.jpg", b"rotten");
        let file = File::open(&place.path).unwrap();
        let digest = |bytes: &[u8]| Sha256(sha2::Sha256::digest(bytes).into());
        assert!(holds(&file, digest(b"rotten")).unwrap());
        assert!(!holds(&file, digest(b"fresh!")).unwrap());
    }
}
