//! Names under which programs write a file that they will rename when it is whole.

use std::ffi::OsStr;
use std::fmt;

/// Why a name is left alone until it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// It begins with a dot. rsync (`.name.AbC123`), Syncthing (`.syncthing.name.tmp`) and GIO
    /// (`.goutputstream-AbC123`) write under such names.
    Hidden,
    /// It ends as names of unfinished or editor's files do.
    Temporary,
}

/// Endings of unfinished files, in lower case: `~` of editors, then those of browsers, FTP and sync clients,
/// torrent clients and vim.
const ENDINGS: [&[u8]; 11] = [
    b"~",
    b".tmp",
    b".temp",
    b".part",
    b".partial",
    b".filepart",
    b".crdownload",
    b".download",
    b".swp",
    b".!qb",
    b".uploading",
];

/// Why a file or directory of this name (its last component, in any encoding) is left alone, if it is.
pub fn leave_alone(name: &OsStr) -> Option<Ignored> {
    let name = name.as_encoded_bytes();
    let ends = |ending: &&[u8]| {
        name.len()
            .checked_sub(ending.len())
            .is_some_and(|start| name[start..].eq_ignore_ascii_case(ending))
    };
    if name.starts_with(b".") {
        Some(Ignored::Hidden)
    } else if ENDINGS.iter().any(ends) {
        Some(Ignored::Temporary)
    } else {
        None
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hidden => "its name begins with a dot",
            Self::Temporary => "its name is one of unfinished files",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;

    #[test]
    fn names_of_unfinished_files_are_known() {
        for name in [
            ".a.jpg.Xy12Zq",
            ".syncthing.a.jpg.tmp",
            ".goutputstream-AB12CD",
            "a.jpg~",
            "a.jpg.tmp",
            "a.TEMP",
            "a.jpg.Part",
            "a.partial",
            "a.jpg.filepart",
            "a.jpg.crdownload",
            "a.download",
            "a.swp",
            "a.jpg.!qB",
            "a.jpg.uploading",
        ] {
            assert!(leave_alone(OsStr::new(name)).is_some(), "{name}");
        }
    }

    #[test]
    fn names_of_pictures_are_not() {
        for name in [
            "a.jpg", "tmp.jpg", "apart", "part", "a.partly", "~a.jpg", "temp", "",
        ] {
            assert_eq!(leave_alone(OsStr::new(name)), None, "{name}");
        }
    }

    #[test]
    fn a_name_need_not_be_text() {
        assert_eq!(leave_alone(OsStr::from_bytes(b"\xFFbild.jpg")), None);
        assert_eq!(
            leave_alone(OsStr::from_bytes(b"\xFF.TMP")),
            Some(Ignored::Temporary)
        );
    }
}
