//! Settles a file at once: for cards and folders that nobody writes to.
//!
//! The quiet of a camera is not waited for; what `stat` says before and after the reading must agree, and the structure
//! must be whole, as always. What is not is set aside at once. Files in hand are noted as in the daemon.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;
use weir_journey::identity::Sha256;
use weir_journey::settle::{Inspection, Observation, Reason, Structure};

use super::durable::Durable;
use super::in_hand::InHand;
use super::reading::{Fault, Reading, look, read};
use super::{Seen, Settled};
use crate::watch::RootId;

/// How often a file that changes while it is read is read again.
const TRIES: usize = 3;

/// The means of settling at once.
#[derive(Debug)]
pub struct AtOnce {
    readers: Semaphore,
    in_hand: InHand,
    durable: Durable,
}

/// What became of a file.
#[derive(Debug)]
pub enum Settling {
    /// Whole, and durable on disk.
    Whole(Box<Settled>),
    /// Not to be taken as it is.
    Refused(Seen, Reason),
    /// Somebody is writing to it.
    Changing,
    /// It is not there any more, or is no regular file.
    Gone,
    /// The system could not read it now.
    Failed(io::Error),
}

impl AtOnce {
    /// Opens the notes of files in hand below `notes`, which it makes; gives the files that were in hand when the last
    /// process died there. They stay noted until [`AtOnce::forget`].
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn open(notes: &Path, readers: NonZeroUsize) -> io::Result<(Self, Vec<PathBuf>)> {
        let found = InHand::open(notes, readers.get())?;
        let this = Self {
            readers: Semaphore::new(readers.get()),
            in_hand: found.slots,
            durable: Durable::default(),
        };
        Ok((this, found.suspects))
    }

    /// Forgets the files that the last process died with.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn forget(notes: &Path) -> io::Result<()> {
        InHand::forget(notes)
    }

    /// Settles the file at `path`, which lies below `directory`.
    pub async fn settle(self: &Arc<Self>, root: RootId, directory: &Path, path: &Path) -> Settling {
        for _ in 0..TRIES {
            let reading = match self.read(path).await {
                Ok(reading) => reading,
                Err(Fault::Gone | Fault::NotAFile) => return Settling::Gone,
                Err(Fault::Lasting(error)) => return unreadable(root, path, error).await,
                Err(fault) => return Settling::Failed(system(fault)),
            };
            let seen = Seen {
                root,
                path: path.to_owned(),
                observation: reading.after,
            };
            let still = reading.before == reading.after;
            match (
                reading.inspection.structure,
                Reason::against(&reading.inspection.structure),
            ) {
                (Structure::Whole(format), _)
                    if still && reading.inspection.len == reading.after.size =>
                {
                    if let Err(error) = self.durable.keep(reading.file, path, directory).await {
                        return match error.kind() {
                            io::ErrorKind::NotFound => Settling::Gone,
                            _ => Settling::Failed(error),
                        };
                    }
                    return Settling::Whole(Box::new(Settled {
                        seen,
                        format,
                        inspection: reading.inspection,
                        sha256: reading.sha256,
                        copy: None,
                    }));
                }
                (_, Some(reason)) if still => return Settling::Refused(seen, reason),
                _ => {}
            }
        }
        Settling::Changing
    }

    async fn read(self: &Arc<Self>, path: &Path) -> Result<Reading, Fault> {
        // Nobody closes the semaphore.
        let _permit = self.readers.acquire().await;
        let (this, path) = (Arc::clone(self), path.to_owned());
        let reading = crate::blocking::spawn(move || {
            let _note = this.in_hand.note(&path);
            read(&path)
        });
        reading
            .await
            .unwrap_or_else(|ended| Err(Fault::Passing(io::Error::other(ended))))
    }
}

async fn unreadable(root: RootId, path: &Path, error: String) -> Settling {
    let owned = path.to_owned();
    let looked = crate::blocking::spawn(move || look(&owned)).await;
    match looked {
        Ok(Ok(observation)) => {
            let path = path.to_owned();
            let seen = Seen {
                root,
                path,
                observation,
            };
            Settling::Refused(seen, Reason::Unreadable { error })
        }
        Ok(Err(Fault::Gone | Fault::NotAFile)) => Settling::Gone,
        Ok(Err(_)) | Err(_) => Settling::Failed(io::Error::other(error)),
    }
}

fn system(fault: Fault) -> io::Error {
    match fault {
        Fault::Passing(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

/// What a look at a whole file gave, with nothing kept of it.
#[derive(Debug)]
pub struct Glance {
    /// Which content it had.
    pub observation: Observation,
    /// What the reading found, EXIF included.
    pub inspection: Inspection,
    /// SHA-256 of its content.
    pub sha256: Sha256,
}

/// Reads a file and leaves no trace of it: for a plan. Blocks.
///
/// # Errors
/// It is gone, is no regular file, or cannot be read.
pub fn glance(path: &Path) -> io::Result<Glance> {
    let reading = read(path).map_err(system)?;
    Ok(Glance {
        observation: reading.after,
        inspection: reading.inspection,
        sha256: reading.sha256,
    })
}

/// What `stat` shows at `path` as it is compared with what was judged before; `None` when no regular file is there.
///
/// # Errors
/// The system could not look now.
pub fn seen_now(root: RootId, path: &Path) -> io::Result<Option<Seen>> {
    match look(path) {
        Ok(observation) => Ok(Some(Seen {
            root,
            path: path.to_owned(),
            observation,
        })),
        Err(Fault::Gone | Fault::NotAFile) => Ok(None),
        Err(fault) => Err(system(fault)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_journey::fixtures::Picture;

    #[tokio::test]
    async fn a_whole_file_is_taken_at_once_and_any_other_is_told() {
        let room = tempfile::tempdir().expect("tempdir");
        let (at_once, suspects) =
            AtOnce::open(&room.path().join("notes"), NonZeroUsize::MIN).expect("opened");
        assert!(suspects.is_empty());
        let at_once = Arc::new(at_once);
        let settle = |name: &str, bytes: Option<&[u8]>| {
            let path = room.path().join(name);
            if let Some(bytes) = bytes {
                std::fs::write(&path, bytes).expect("written");
            }
            let at_once = Arc::clone(&at_once);
            let directory = room.path().to_owned();
            async move { at_once.settle(RootId(0), &directory, &path).await }
        };
        let jpeg = Picture::new(1).jpeg();
        let Settling::Whole(settled) = settle("a.jpg", Some(&jpeg)).await else {
            panic!("a whole picture was not taken");
        };
        assert_eq!(settled.inspection.len, jpeg.len() as u64);
        let cut = settle("b.jpg", Some(&jpeg[..jpeg.len() / 2])).await;
        assert!(matches!(
            cut,
            Settling::Refused(_, Reason::Truncated { .. })
        ));
        let text = settle("c.jpg", Some(b"not found")).await;
        assert!(matches!(text, Settling::Refused(_, Reason::NotAnImage(_))));
        assert!(matches!(settle("d.jpg", None).await, Settling::Gone));
        std::fs::create_dir(room.path().join("e.jpg")).expect("made");
        assert!(matches!(settle("e.jpg", None).await, Settling::Gone));
    }
}
