//! Walks what was given, a folder at a time, holding nothing but the way down. Blocks.

use std::fs::{self, DirEntry, File, ReadDir};
use std::io::{self, Cursor, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use weir_journey::import::{Candidate, candidate, look_into};
use weir_journey::settle::{Structure, inspect};

use super::sources::Source;
use crate::exchange::{Entry, Manifest};

/// Deeper than this no camera goes; a file system that leads in circles does.
const DEEPEST: usize = 64;
/// Bytes by which a file is told that has not the name of a picture.
const HEAD: u64 = 4096;

/// A file that is worth reading.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Its absolute path.
    pub(super) path: PathBuf,
    /// The number of its source.
    pub(super) source: usize,
    /// What a manifest says of it.
    pub(super) entry: Option<Entry>,
}

/// A step of the walk.
#[derive(Debug)]
pub(super) enum Walked {
    /// A picture or video, by its name or its first bytes.
    File(Box<Found>),
    /// Something else, passed over.
    Passed,
    /// What cannot be read, and why.
    Fault(PathBuf, String),
}

/// A walk through one source.
pub(super) struct Walk {
    source: usize,
    begin: Option<PathBuf>,
    levels: Vec<ReadDir>,
    manifests: Vec<Manifest>,
    /// Told before the walk goes on.
    faults: Vec<(PathBuf, String)>,
}

impl Walk {
    /// A walk through the source of number `number`.
    pub(super) fn new(source: &Source, number: usize) -> Self {
        let mut walk = Self {
            source: number,
            begin: Some(source.root.clone()),
            levels: Vec::new(),
            manifests: Vec::new(),
            faults: Vec::new(),
        };
        // Part of a stick may have been given.
        for above in source.root.ancestors().skip(1) {
            walk.read_manifest(above);
        }
        walk
    }

    fn read_manifest(&mut self, folder: &Path) {
        match Manifest::of(folder) {
            Ok(None) => {}
            Ok(Some(manifest)) => {
                if manifest.damaged() > 0 {
                    let why = format!(
                        "{} lines of its manifest are damaged: their files are taken as any others",
                        manifest.damaged()
                    );
                    self.faults.push((folder.to_owned(), why));
                }
                self.manifests.push(manifest);
            }
            Err(error) => self.faults.push((folder.to_owned(), error.to_string())),
        }
    }

    fn enter(&mut self, folder: &Path) -> io::Result<()> {
        self.levels.push(fs::read_dir(folder)?);
        self.read_manifest(folder);
        Ok(())
    }

    fn look_at(&mut self, entry: &DirEntry) -> Option<Walked> {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                if !look_into(&entry.file_name()) || self.levels.len() >= DEEPEST {
                    return None;
                }
                self.enter(&path)
                    .err()
                    .map(|error| Walked::Fault(path, error.to_string()))
            }
            Ok(kind) if kind.is_file() => Some(self.judge(path)),
            // Links and special files are nobody's pictures.
            Ok(_) => None,
            Err(error) => Some(Walked::Fault(path, error.to_string())),
        }
    }

    fn judge(&mut self, path: PathBuf) -> Walked {
        let is_picture = match candidate(path.file_name().unwrap_or_default()) {
            Candidate::Passed => Ok(false),
            Candidate::Picture => Ok(true),
            Candidate::Unknown => begins_as_picture(&path),
        };
        match is_picture {
            Ok(false) => Walked::Passed,
            Ok(true) => match self.entry_of(&path) {
                Ok(entry) => Walked::File(Box::new(Found {
                    path,
                    source: self.source,
                    entry,
                })),
                Err(why) => Walked::Fault(path, why),
            },
            Err(error) => Walked::Fault(path, error.to_string()),
        }
    }

    /// What the nearest manifest says of a file.
    fn entry_of(&mut self, path: &Path) -> Result<Option<Entry>, String> {
        for manifest in self.manifests.iter_mut().rev() {
            if let Some(entry) = manifest.entry(path).map_err(|error| error.to_string())? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}

impl Iterator for Walk {
    type Item = Walked;

    fn next(&mut self) -> Option<Walked> {
        if let Some(root) = self.begin.take() {
            if root.is_file() {
                return Some(self.judge(root));
            }
            if let Err(error) = self.enter(&root) {
                return Some(Walked::Fault(root, error.to_string()));
            }
        }
        loop {
            if let Some((path, why)) = self.faults.pop() {
                return Some(Walked::Fault(path, why));
            }
            match self.levels.last_mut()?.next() {
                None => drop(self.levels.pop()),
                Some(Ok(entry)) => {
                    if let Some(walked) = self.look_at(&entry) {
                        return Some(walked);
                    }
                }
                Some(Err(error)) => {
                    // An error in the middle may come again for ever: leave the folder.
                    self.levels.pop();
                    return Some(Walked::Fault(PathBuf::new(), error.to_string()));
                }
            }
        }
    }
}

/// Whether a file begins as a picture or video does.
fn begins_as_picture(path: &Path) -> io::Result<bool> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head)?;
    let inspection = inspect(&mut Cursor::new(head), |_| {})?;
    Ok(matches!(
        inspection.structure,
        Structure::Whole(_) | Structure::Partial { .. }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_journey::fixtures::Picture;

    fn walked(root: &Path) -> (Vec<String>, usize, usize) {
        let source = super::super::sources::find(&[root.to_owned()])
            .unwrap()
            .remove(0);
        let (mut files, mut passed, mut faults) = (Vec::new(), 0, 0);
        for walked in Walk::new(&source, 0) {
            match walked {
                Walked::File(found) => {
                    files.push(source.relative(&found.path).display().to_string())
                }
                Walked::Passed => passed += 1,
                Walked::Fault(..) => faults += 1,
            }
        }
        files.sort();
        (files, passed, faults)
    }

    #[test]
    fn a_card_is_walked_for_its_pictures_and_what_is_beside_them_is_counted() {
        let card = tempfile::tempdir().unwrap();
        let jpeg = Picture::new(1).jpeg();
        for (path, bytes) in [
            ("DCIM/100RECNX/RCNX0001.JPG", jpeg.as_slice()),
            ("DCIM/101RECNX/RCNX0001.JPG", &jpeg),
            ("DCIM/no-extension", &jpeg),
            ("DCIM/cut.jpg", b"\xFF\xD8\xFF"),
            ("DCIM/Thumbs.db", b"x"),
            ("DCIM/notes.txt", b"by hand"),
            ("DCIM/GOPR0001.THM", &jpeg),
            ("System Volume Information/x.jpg", &jpeg),
            (".Trashes/old.jpg", &jpeg),
        ] {
            let path = card.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        std::os::unix::fs::symlink("..", card.path().join("DCIM/round")).unwrap();
        let (files, passed, faults) = walked(card.path());
        assert_eq!(
            files,
            [
                "DCIM/100RECNX/RCNX0001.JPG",
                "DCIM/101RECNX/RCNX0001.JPG",
                "DCIM/cut.jpg",
                "DCIM/no-extension"
            ]
        );
        assert_eq!((passed, faults), (3, 0));
        assert_eq!(walked(&card.path().join("DCIM/cut.jpg")).0, ["cut.jpg"]);
    }
}
