//! What on a card is looked at, by its name.

use std::ffi::OsStr;

use crate::settle::leave_alone;

/// What the name of a file on a card makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Candidate {
    /// It has the name of a picture or video: what is none is set aside.
    Picture,
    /// Its first bytes must tell: what is none is passed over.
    Unknown,
    /// It is passed over.
    Passed,
}

/// Folders, in lower case, of Windows ("System Volume Information", "$RECYCLE.BIN", "RECYCLER", "FOUND.000" of chkdsk), of
/// ext4 ("lost+found"), of Android ("LOST.DIR") and of Synology's thumbnails ("@eaDir").
const FOLDERS: [&str; 6] = [
    "system volume information",
    "$recycle.bin",
    "recycler",
    "lost+found",
    "lost.dir",
    "@eadir",
];

/// Files, in lower case, of Windows Explorer and of Weir itself.
const FILES: [&str; 7] = [
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "autorun.inf",
    "indexervolumeguid",
    "wpsettings.dat",
    "weir-manifest.jsonl",
];

/// Extensions of files that hold a smaller copy of the picture or video beside them: thumbnails (DCF, GoPro, Canon) and
/// GoPro's low-resolution videos, and Canon's catalogues.
const COPIES: [&str; 3] = ["thm", "lrv", "ctg"];

/// Extensions of the formats that are taken.
const PICTURES: [&str; 19] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "tif", "tiff", "dng", "heic", "heif",
    "hif", "avif", "mp4", "m4v", "mov", "mkv", "webm",
];

/// Whether a folder of this name is looked into.
pub fn look_into(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    let found = name
        .strip_prefix("found.")
        .is_some_and(|number| number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()));
    // Hidden ones: .Trashes, .Trash-1000, .Spotlight-V100, .fseventsd, .thumbnails, .dtrash.
    !(name.starts_with('.') || found || FOLDERS.contains(&name.as_str()))
}

/// What a file of this name (its last component, in any encoding) is on a card.
pub fn candidate(name: &OsStr) -> Candidate {
    // Hidden ones: .DS_Store, and ._NAME.JPG, in which macOS keeps attributes.
    if leave_alone(name).is_some() {
        return Candidate::Passed;
    }
    let name = name.to_string_lossy().to_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if FILES.contains(&name.as_str()) || COPIES.contains(&extension) {
        Candidate::Passed
    } else if PICTURES.contains(&extension) {
        Candidate::Picture
    } else {
        Candidate::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settle::Format;
    use std::os::unix::ffi::OsStrExt as _;

    #[test]
    fn what_lies_beside_pictures_is_passed_over_and_no_picture_is() {
        for name in [
            "Thumbs.db",
            ".DS_Store",
            "._IMG_0001.JPG",
            "GOPR0001.THM",
            "GL010001.LRV",
            "M0100.CTG",
            "a.jpg.tmp",
        ] {
            assert_eq!(candidate(OsStr::new(name)), Candidate::Passed, "{name}");
        }
        for name in ["RCNX0001.JPG", "a.b.HEIC", "clip.MoV"] {
            assert_eq!(candidate(OsStr::new(name)), Candidate::Picture, "{name}");
        }
        for name in ["notes.txt", "IMG_0001", "jpg", "a.jpg.1", ""] {
            assert_eq!(candidate(OsStr::new(name)), Candidate::Unknown, "{name}");
        }
        assert_eq!(
            candidate(OsStr::from_bytes(b"\xFF.JPG")),
            Candidate::Picture
        );
    }

    #[test]
    fn every_format_that_is_taken_is_known_by_its_extension() {
        for format in Format::ALL {
            let name = format!("a.{}", format.extension());
            assert_eq!(candidate(OsStr::new(&name)), Candidate::Picture, "{format}");
        }
    }

    #[test]
    fn system_folders_are_not_entered_and_cameras_are() {
        for name in [
            "System Volume Information",
            "$RECYCLE.BIN",
            ".Trashes",
            "FOUND.000",
            "LOST.DIR",
            ".thumbnails",
        ] {
            assert!(!look_into(OsStr::new(name)), "{name}");
        }
        for name in ["DCIM", "100RECNX", "found", "FOUND.1", "2024-08-09", "MISC"] {
            assert!(look_into(OsStr::new(name)), "{name}");
        }
    }
}
