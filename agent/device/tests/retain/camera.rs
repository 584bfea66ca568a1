//! A camera that writes to a small disk, and knows which of its pictures came to lie there whole.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use crate::support::{Picture, hydrocam};

/// A camera and the pictures that it could write.
pub(crate) struct Camera {
    folder: PathBuf,
    size: usize,
    next: u32,
    /// Where each lies, and its bytes.
    pub(crate) written: Vec<(PathBuf, Vec<u8>)>,
    /// How often the disk had no room for one.
    pub(crate) refused: u64,
}

impl Camera {
    /// A camera whose pictures have at least so many bytes.
    pub(crate) fn new(folder: PathBuf, size: usize) -> Self {
        Self {
            folder,
            size,
            next: 0,
            written: Vec::new(),
            refused: 0,
        }
    }

    /// Takes a picture; whether the disk had room for it. A picture that it had none for is deleted, as cameras do
    /// that notice.
    pub(crate) fn take(&mut self) -> bool {
        self.next += 1;
        let bytes = Picture::new(u64::from(self.next)).sized(self.size).jpeg();
        let path = self.folder.join(hydrocam(self.next));
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(&bytes)?;
            // Where blocks are given late, want of room shows late.
            file.sync_all()
        });
        if written.is_err() {
            self.refused += 1;
            let _ = fs::remove_file(&path);
            return false;
        }
        self.written.push((path, bytes));
        true
    }

    /// The bytes of all that were written.
    pub(crate) fn pictures(&self) -> Vec<Vec<u8>> {
        self.written
            .iter()
            .map(|(_, bytes)| bytes.clone())
            .collect()
    }

    /// How many of them still lie there.
    pub(crate) fn local(&self) -> usize {
        self.written
            .iter()
            .filter(|(path, _)| path.exists())
            .count()
    }
}
