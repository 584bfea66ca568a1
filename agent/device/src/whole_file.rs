//! A file that is there whole or not at all: written under a hidden name beside it, made durable, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file on its way. Dropped unfinished, it leaves nothing and changes nothing.
#[derive(Debug)]
pub(crate) struct WholeFile {
    /// `None` once it has its name.
    to: Option<BufWriter<File>>,
    temporary: PathBuf,
    path: PathBuf,
}

impl WholeFile {
    /// Begins the file that will be at `path`. What an earlier attempt left half-written is replaced.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        Self::begin_with(path, 0o666)
    }

    /// The same, for nobody but its owner.
    pub(crate) fn begin_private(path: &Path) -> io::Result<Self> {
        Self::begin_with(path, 0o600)
    }

    fn begin_with(path: &Path, mode: u32) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".part");
        let temporary = path.with_file_name(hidden);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&temporary)?;
        Ok(Self {
            to: Some(BufWriter::new(file)),
            temporary,
            path: path.to_owned(),
        })
    }

    /// Makes the file durable and gives it its name; `ready` may still change it before, its times for one.
    ///
    /// # Errors
    /// Those of the system; the old file is still there then.
    pub(crate) fn finish(mut self, ready: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let Some(to) = self.to.take() else {
            return Ok(());
        };
        let done = to.into_inner().map_err(io::IntoInnerError::into_error);
        let done = done.and_then(|file| {
            ready(&file)?;
            file.sync_all()?;
            fs::rename(&self.temporary, &self.path)?;
            sync_directory_of(&self.path)
        });
        if done.is_err() {
            let _ = fs::remove_file(&self.temporary);
        }
        done
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            Some(to) => to.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if self.to.take().is_some() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Makes the names in the folder of `path` durable, where its file system can.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, Unsupported};
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), InvalidInput | Unsupported) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_file_stays_until_the_new_one_is_whole() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("receipt");
        fs::write(&path, "old").unwrap();
        let mut file = WholeFile::begin(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let mut file = WholeFile::begin(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        file.finish(|_| Ok(())).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1);
    }
}
