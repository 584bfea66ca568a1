//! A file that is written as a stream and is there whole or not at all.
//!
//! It grows under a name of its own beside the place where it will be, private to its owner, and takes its name
//! only when all of it is on the disk. A writer that ends early leaves what was there before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file under way.
#[derive(Debug)]
pub(super) struct WholeFile {
    draft: PathBuf,
    path: PathBuf,
    /// `None` once it has its name.
    file: Option<BufWriter<File>>,
}

impl WholeFile {
    /// Begins the file that will be at `path`, mode 0600.
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut draft = std::ffi::OsString::from(".");
        draft.push(name);
        draft.push(format!(".{:016x}", fastrand::u64(..)));
        let draft = path.with_file_name(draft);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        Ok(Self {
            draft,
            path: path.to_owned(),
            file: Some(BufWriter::new(file)),
        })
    }

    /// Makes it durable and gives it its name.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            let placed = file
                .into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|file| file.sync_all())
                .and_then(|()| fs::rename(&self.draft, &self.path));
            if placed.is_err() {
                // The first error is the one that counts.
                let _ = fs::remove_file(&self.draft);
            }
            placed?;
        }
        let folder = self.path.parent().filter(|folder| *folder != Path::new(""));
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn it_is_there_whole_and_private_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.csv");
        fs::write(&path, "old").unwrap();
        let mut given_up = WholeFile::begin(&path).unwrap();
        given_up.write_all(b"half of").unwrap();
        drop(given_up);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        let mut file = WholeFile::begin(&path).unwrap();
        file.write_all(b"all of it").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "all of it");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::read_dir(home.path()).unwrap().count(),
            1,
            "a draft was left"
        );
    }
}
