//! What came of each file so far, in the order of the walk: in a file without a name, so that a million files take no
//! memory and a killed import leaves nothing behind.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::queue::{FileIdentity, ImageId};

/// Bytes gathered before they are written.
const BUFFER: usize = 64 * 1024;

/// What the intake made of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) path: PathBuf,
    /// The number of its source.
    pub(super) source: usize,
    /// The number of its site.
    pub(super) site: usize,
    pub(super) made: Made,
}

/// What it was made into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Made {
    /// An image of the queue.
    Image {
        id: ImageId,
        /// It was verified when the import came to the file, or another file with its bytes was there.
        before: bool,
        /// As which the file was read.
        identity: FileIdentity,
    },
    /// Set aside, and why.
    Refused(String),
    /// Not taken this time, and why.
    Failed(String),
}

/// The records, written at the end and read from wherever.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    end: Mutex<End>,
}

#[derive(Debug, Default)]
struct End {
    /// Bytes in the file.
    written: u64,
    buffer: Vec<u8>,
}

impl Spool {
    /// A spool in `folder`, which must exist.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let path = folder.join(format!("spool-{}", std::process::id()));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(Self {
            file,
            end: Mutex::default(),
        })
    }

    /// Adds a record.
    pub(super) fn push(&self, record: &Record) -> io::Result<()> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        encode(record, &mut end.buffer);
        if end.buffer.len() >= BUFFER {
            self.flush(&mut end)?;
        }
        Ok(())
    }

    fn flush(&self, end: &mut End) -> io::Result<()> {
        self.file.write_all_at(&end.buffer, end.written)?;
        end.written += end.buffer.len() as u64;
        end.buffer.clear();
        Ok(())
    }

    /// Records from the byte `from` on, each with the byte at which the next one begins; about a hundred.
    pub(super) fn read(&self, from: u64) -> io::Result<Vec<(Record, u64)>> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        self.flush(&mut end)?;
        let length = (end.written.saturating_sub(from)).min(BUFFER as u64) as usize;
        drop(end);
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, from)?;
        let (mut records, mut rest) = (Vec::new(), bytes.as_slice());
        while let Some(record) = decode(&mut rest).filter(|_| records.len() < 100) {
            records.push((record, from + (length - rest.len()) as u64));
        }
        Ok(records)
    }
}

fn encode(record: &Record, to: &mut Vec<u8>) {
    let text = |bytes: &[u8], to: &mut Vec<u8>| {
        // A path has at most 4096 bytes; a reason is ours.
        let bytes = &bytes[..bytes.len().min(16 * 1024)];
        to.extend((bytes.len() as u32).to_le_bytes());
        to.extend(bytes);
    };
    text(record.path.as_os_str().as_bytes(), to);
    to.extend((record.source as u32).to_le_bytes());
    to.extend((record.site as u32).to_le_bytes());
    match &record.made {
        Made::Image {
            id,
            before,
            identity,
        } => {
            to.push(u8::from(*before));
            let stat = [identity.size, identity.device, identity.inode];
            let times = [id.0, identity.mtime_ns, identity.ctime_ns];
            stat.iter()
                .for_each(|number| to.extend(number.to_le_bytes()));
            times
                .iter()
                .for_each(|number| to.extend(number.to_le_bytes()));
        }
        Made::Refused(why) => {
            to.push(2);
            text(why.as_bytes(), to);
        }
        Made::Failed(why) => {
            to.push(3);
            text(why.as_bytes(), to);
        }
    }
}

/// Takes a record off the front; `None`, and nothing taken, when it is not all there.
fn decode(from: &mut &[u8]) -> Option<Record> {
    let mut rest = *from;
    let length = word(&mut rest)?;
    let path = PathBuf::from(OsString::from_vec(take(&mut rest, length)?.to_vec()));
    let (source, site) = (word(&mut rest)?, word(&mut rest)?);
    let made = match take(&mut rest, 1)?.first()? {
        before @ (0 | 1) => {
            let mut long = || Some(i64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?));
            let [size, device, inode] = [long()?, long()?, long()?].map(i64::cast_unsigned);
            let (id, mtime_ns, ctime_ns) = (ImageId(long()?), long()?, long()?);
            let identity = FileIdentity {
                size,
                device,
                inode,
                mtime_ns,
                ctime_ns,
            };
            let before = *before == 1;
            Made::Image {
                id,
                before,
                identity,
            }
        }
        kind => {
            let length = word(&mut rest)?;
            let why = String::from_utf8_lossy(take(&mut rest, length)?).into_owned();
            if *kind == 2 {
                Made::Refused(why)
            } else {
                Made::Failed(why)
            }
        }
    };
    *from = rest;
    Some(Record {
        path,
        source,
        site,
        made,
    })
}

fn take<'b>(rest: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn word(rest: &mut &[u8]) -> Option<usize> {
    Some(u32::from_le_bytes(take(rest, 4)?.try_into().ok()?) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn records()(path in proptest::collection::vec(1u8.., 1..200), source in 0usize..9, site in 0usize..9,
                     kind in 0u8..4, numbers: [i64; 6], why in ".{0,80}") -> Record {
            let identity = FileIdentity {
                size: numbers[0].cast_unsigned(), device: numbers[1].cast_unsigned(),
                inode: numbers[2].cast_unsigned(), mtime_ns: numbers[3], ctime_ns: numbers[4],
            };
            let made = match kind {
                2 => Made::Refused(why),
                3 => Made::Failed(why),
                before => Made::Image { id: ImageId(numbers[5]), before: before == 1, identity },
            };
            Record { path: PathBuf::from(OsString::from_vec(path)), source, site, made }
        }
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out_in_order_whenever_it_is_read(records in proptest::collection::vec(records(), 0..300), look_after in 0usize..300) {
            let room = tempfile::tempdir().unwrap();
            let spool = Spool::create(room.path()).unwrap();
            let (mut out, mut at) = (Vec::new(), 0);
            for (number, record) in records.iter().enumerate() {
                spool.push(record).unwrap();
                if number == look_after {
                    for (record, next) in spool.read(at).unwrap() { out.push(record); at = next; }
                }
            }
            loop {
                let batch = spool.read(at).unwrap();
                if batch.is_empty() { break }
                for (record, next) in batch { out.push(record); at = next; }
            }
            prop_assert_eq!(out, records);
            prop_assert_eq!(std::fs::read_dir(room.path()).unwrap().count(), 0);
        }
    }
}
