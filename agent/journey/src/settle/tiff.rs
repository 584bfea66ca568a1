//! TIFF 6.0 and BigTIFF: directories that point anywhere in the file, so they are read by position.
//!
//! Every directory of the chain, and those below it (SubIFDs), must lie in the file, and so must every strip
//! and tile that they list; at least one must list any. A writer fills in the pointer to the first directory
//! last, so a file without one is not finished.
//!
//! The tables read may not be longer together than the file (they would overlap, which no writer does), so
//! that time is linear in its length; directories are counted and never visited twice.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek};

use super::positioned::fill_at;
use super::tiff_excerpt::{Collected, excerpt};

const MAX_DIRECTORIES: usize = 4096;
const MAX_ENTRIES: u64 = 4096;
/// Bytes of tables that a small file may have read more than once, as when two directories share one.
const SLACK: u64 = 64 << 10;
/// Table values read at once.
const BATCH: u64 = 512;

const STRIP_OFFSETS: u16 = 273;
const STRIP_BYTE_COUNTS: u16 = 279;
const TILE_OFFSETS: u16 = 324;
const TILE_BYTE_COUNTS: u16 = 325;
const SUB_IFDS: u16 = 330;
/// Old-style JPEG in TIFF: a picture without strips.
const JPEG_OFFSET: u16 = 513;
const JPEG_LENGTH: u16 = 514;

const NO_DIRECTORY: &str = "its directory (IFD)";
const NO_DATA: &str = "image data that its directory points to";
const TANGLED: &str = "directories that a reader could follow";

/// What is missing, or the value; I/O errors apart.
pub(super) type Found<T> = io::Result<Result<T, &'static str>>;

/// Returns early with what is missing.
macro_rules! found {
    ($found:expr) => {
        match $found? {
            Ok(value) => value,
            Err(missing) => return Ok(Err(missing)),
        }
    };
}

/// Whether a file begins as a TIFF does.
pub(super) fn recognise(head: &[u8]) -> bool {
    Layout::of(head).is_some()
}

/// Checks the file behind its first bytes: whole, with an EXIF excerpt if there is one, or what is missing.
///
/// # Errors
/// Those of the source.
pub(super) fn check<R: Read + Seek>(
    source: &mut R,
    len: u64,
    head: &[u8],
) -> Found<Option<Vec<u8>>> {
    let Some((layout, first)) = Layout::of(head) else {
        return Ok(Err(NO_DIRECTORY));
    };
    let mut tiff = Tiff {
        source,
        layout,
        len,
        budget: len.saturating_add(SLACK),
    };
    let mut waiting = vec![first];
    let mut seen = BTreeSet::new();
    let mut pictures = 0;
    let mut collected = Collected::default();
    while let Some(at) = waiting.pop() {
        if !seen.insert(at) {
            continue;
        }
        if seen.len() > MAX_DIRECTORIES || waiting.len() > MAX_DIRECTORIES {
            return Ok(Err(TANGLED));
        }
        let directory = found!(tiff.directory(at));
        pictures += u64::from(found!(tiff.picture(&directory)));
        if at == first {
            found!(collected.gather(&mut tiff, &directory));
        }
        waiting.extend(Some(directory.next).filter(|next| *next != 0));
        waiting.extend(found!(tiff.below(&directory)));
    }
    if pictures == 0 {
        return Ok(Err(NO_DATA));
    }
    Ok(Ok(excerpt(layout.little, &collected)))
}

/// Byte order and width of offsets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) little: bool,
    big: bool,
}

impl Layout {
    /// The layout that a header announces, and the position of the first directory (0: none yet).
    fn of(head: &[u8]) -> Option<(Self, u64)> {
        let little = match head.get(..2)? {
            b"II" => true,
            b"MM" => false,
            _ => return None,
        };
        let mut layout = Self { little, big: false };
        match layout.number(head.get(2..4)?) {
            42 => Some((layout, layout.number(head.get(4..8)?))),
            43 if layout.number(head.get(4..6)?) == 8 => {
                layout.big = true;
                Some((layout, layout.number(head.get(8..16)?)))
            }
            _ => None,
        }
    }

    /// A number of up to eight bytes.
    fn number(self, bytes: &[u8]) -> u64 {
        let fold = |number, byte: &u8| number << 8 | u64::from(*byte);
        if self.little {
            bytes.iter().rev().fold(0, fold)
        } else {
            bytes.iter().fold(0, fold)
        }
    }

    /// Bytes of an offset, which is also what a value may have to stand in its entry.
    fn offset(self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// Bytes of an entry: tag, type, count and value.
    fn entry(self) -> usize {
        4 + 2 * self.offset()
    }
}

/// One field of a directory.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) tag: u16,
    pub(super) kind: u16,
    pub(super) count: u64,
    /// Where the values lie in the file, in the entry itself or elsewhere.
    at: u64,
}

impl Entry {
    /// Bytes of one value (TIFF 6.0, section 2; BigTIFF adds 16 to 18).
    fn width(&self) -> Option<u64> {
        match self.kind {
            1 | 2 | 6 | 7 => Some(1),
            3 | 8 => Some(2),
            4 | 9 | 11 | 13 => Some(4),
            5 | 10 | 12 | 16..=18 => Some(8),
            _ => None,
        }
    }

    /// Bytes of all values; `None` when the type is unknown or there are too many to count.
    pub(super) fn len(&self) -> Option<u64> {
        self.width()?.checked_mul(self.count)
    }

    /// Where the values end; `None` when that cannot be said.
    fn end(&self) -> Option<u64> {
        self.len().map(|len| self.at.saturating_add(len))
    }

    fn is_integer(&self) -> bool {
        matches!(self.kind, 3 | 4 | 13 | 16 | 18)
    }
}

#[derive(Debug)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
    next: u64,
}

impl Directory {
    fn integers(&self, tag: u16) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.tag == tag && entry.is_integer())
    }
}

/// A file under examination.
pub(super) struct Tiff<'a, R> {
    source: &'a mut R,
    layout: Layout,
    len: u64,
    /// Bytes of tables that may still be read.
    budget: u64,
}

impl<R: Read + Seek> Tiff<'_, R> {
    /// `len` bytes from `at` on.
    pub(super) fn bytes(&mut self, at: u64, len: u64) -> Found<Vec<u8>> {
        if at.checked_add(len).is_none_or(|end| end > self.len) {
            return Ok(Err(NO_DIRECTORY));
        }
        let Some(budget) = self.budget.checked_sub(len) else {
            return Ok(Err(TANGLED));
        };
        self.budget = budget;
        let mut bytes = vec![0; len as usize];
        Ok(if fill_at(self.source, at, &mut bytes)? {
            Ok(bytes)
        } else {
            Err(NO_DIRECTORY)
        })
    }

    /// The directory at `at`.
    pub(super) fn directory(&mut self, at: u64) -> Found<Directory> {
        if at == 0 {
            return Ok(Err(NO_DIRECTORY));
        }
        let Layout { big, .. } = self.layout;
        let (entry, offset) = (self.layout.entry(), self.layout.offset());
        let count_len = if big { 8 } else { 2 };
        let count = found!(self.bytes(at, count_len));
        let count = self.layout.number(&count);
        if count > MAX_ENTRIES {
            return Ok(Err(TANGLED));
        }
        let table_at = at + count_len;
        let table = found!(self.bytes(table_at, count * entry as u64 + offset as u64));
        let (entries, next) = table.split_at(count as usize * entry);
        let entries: Vec<Entry> = entries
            .chunks_exact(entry)
            .zip((table_at..).step_by(entry))
            .map(|(bytes, at)| self.entry(bytes, at))
            .collect();
        // No type is 0: zeros were reserved here and the entry is yet to be written.
        let unwritten = |entry: &Entry| entry.kind == 0;
        let beyond = |entry: &Entry| entry.end().is_some_and(|end| end > self.len);
        if entries
            .iter()
            .any(|entry| unwritten(entry) || beyond(entry))
        {
            return Ok(Err(NO_DIRECTORY));
        }
        Ok(Ok(Directory {
            entries,
            next: self.layout.number(next),
        }))
    }

    fn entry(&self, bytes: &[u8], at: u64) -> Entry {
        let offset = self.layout.offset();
        let (count, value) = bytes[4..].split_at(offset);
        let mut entry = Entry {
            tag: self.layout.number(&bytes[..2]) as u16,
            kind: self.layout.number(&bytes[2..4]) as u16,
            count: self.layout.number(count),
            at: at + 4 + offset as u64,
        };
        if entry.len().is_none_or(|len| len > offset as u64) {
            entry.at = self.layout.number(value);
        }
        entry
    }

    /// All bytes of a field, which the caller has found short enough.
    pub(super) fn value(&mut self, entry: &Entry) -> Found<Vec<u8>> {
        let Some(len) = entry.len() else {
            return Ok(Err(NO_DIRECTORY));
        };
        self.bytes(entry.at, len)
    }

    /// The position that a field points to.
    pub(super) fn pointer(&mut self, entry: &Entry) -> Found<u64> {
        Ok(Ok(found!(self.batch(entry, 0))
            .first()
            .copied()
            .unwrap_or(0)))
    }

    /// Up to [`BATCH`] values of an integer field from index `from` on.
    fn batch(&mut self, entry: &Entry, from: u64) -> Found<Vec<u64>> {
        let (Some(width), true) = (entry.width(), entry.is_integer()) else {
            return Ok(Err(NO_DIRECTORY));
        };
        let count = (entry.count - from.min(entry.count)).min(BATCH);
        let Some(at) = from
            .checked_mul(width)
            .and_then(|skip| entry.at.checked_add(skip))
        else {
            return Ok(Err(NO_DIRECTORY));
        };
        let bytes = found!(self.bytes(at, count * width));
        Ok(Ok(bytes
            .chunks_exact(width as usize)
            .map(|value| self.layout.number(value))
            .collect()))
    }

    /// Whether a directory lists image data; what is missing if some of it is not in the file.
    fn picture(&mut self, directory: &Directory) -> Found<bool> {
        let mut any = false;
        for (offsets, counts) in [
            (STRIP_OFFSETS, STRIP_BYTE_COUNTS),
            (TILE_OFFSETS, TILE_BYTE_COUNTS),
            (JPEG_OFFSET, JPEG_LENGTH),
        ] {
            let Some(offsets) = directory.integers(offsets).filter(|entry| entry.count > 0) else {
                continue;
            };
            any = true;
            found!(self.within(offsets, directory.integers(counts)));
        }
        Ok(Ok(any))
    }

    /// Whether each offset, with its byte count where there is one, stays in the file.
    fn within(&mut self, offsets: &Entry, counts: Option<&Entry>) -> Found<()> {
        let mut from = 0;
        while from < offsets.count {
            let starts = found!(self.batch(offsets, from));
            let lengths = match counts {
                Some(counts) => found!(self.batch(counts, from)),
                None => Vec::new(),
            };
            let lengths = lengths.into_iter().chain(std::iter::repeat(0));
            let beyond =
                |(at, len): (u64, u64)| at.checked_add(len).is_none_or(|end| end > self.len);
            from += starts.len() as u64;
            if starts.into_iter().zip(lengths).any(beyond) {
                return Ok(Err(NO_DATA));
            }
        }
        Ok(Ok(()))
    }

    /// The directories below one.
    fn below(&mut self, directory: &Directory) -> Found<Vec<u64>> {
        match directory.integers(SUB_IFDS) {
            Some(entry) => self.batch(entry, 0),
            None => Ok(Ok(Vec::new())),
        }
    }
}

pub(super) use found;
