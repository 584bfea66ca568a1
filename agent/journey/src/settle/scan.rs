//! One pass over a file's bytes: its beginning tells the format, whose walk takes the rest.

use std::io::{self, Read, Seek};

use super::bmff::{self, Bmff};
use super::feed::Feed;
use super::foreign::Foreign;
use super::format::Format;
use super::items::Extent;
use super::jpeg::Jpeg;
use super::matroska::{self, Matroska};
use super::png::{self, Png};
use super::positioned::fill_at;
use super::structure::{Inspection, MAX_EXIF, Structure};
use super::tiff;
use super::webp::WebP;

/// Bytes by which a format is told: an EBML header with its document type and most `ftyp` boxes fit.
const HEAD: usize = 256;
/// So many zeros end no compressed picture; they are space that was reserved and never written.
const UNWRITTEN: u64 = 4096;

/// The state of a pass. Its answer does not depend on how the bytes are cut.
#[derive(Debug)]
pub(super) struct Scan {
    head: Vec<u8>,
    walk: Option<Chosen>,
    len: u64,
    /// Where the last byte that is not zero ends.
    written: u64,
}

#[derive(Debug)]
enum Chosen {
    Jpeg(Feed<Jpeg>),
    Png(Feed<Png>),
    WebP(Feed<WebP>),
    /// Read by position, after the pass.
    Tiff,
    Bmff(Format, Feed<Bmff>),
    Matroska(Feed<Matroska>),
    Foreign(Foreign),
}

impl Scan {
    pub(super) fn new() -> Self {
        Self {
            head: Vec::with_capacity(HEAD),
            walk: None,
            len: 0,
            written: 0,
        }
    }

    /// Takes the next bytes of the file.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            self.written = self.len + last as u64 + 1;
        }
        self.len += bytes.len() as u64;
        if self.walk.is_none() {
            let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
            self.head.extend_from_slice(head);
            if self.head.len() < HEAD {
                return;
            }
            self.choose();
            bytes = rest;
        }
        match &mut self.walk {
            Some(Chosen::Jpeg(feed)) => feed.push(bytes),
            Some(Chosen::Png(feed)) => feed.push(bytes),
            Some(Chosen::WebP(feed)) => feed.push(bytes),
            Some(Chosen::Bmff(_, feed)) => feed.push(bytes),
            Some(Chosen::Matroska(feed)) => feed.push(bytes),
            Some(Chosen::Tiff | Chosen::Foreign(_)) | None => {}
        }
    }

    /// Chooses the walk by the head, and lets it take the head.
    fn choose(&mut self) -> &mut Chosen {
        let head = self.head.as_slice();
        let mut chosen = if head.starts_with(&[0xFF, 0xD8, 0xFF]) {
            Chosen::Jpeg(Feed::new(Jpeg::default()))
        } else if head.starts_with(png::SIGNATURE) {
            Chosen::Png(Feed::new(Png::default()))
        } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP".as_slice()) {
            Chosen::WebP(Feed::new(WebP::default()))
        } else if tiff::recognise(head) {
            Chosen::Tiff
        } else if let Some(format) = bmff::recognise(head) {
            Chosen::Bmff(format, Feed::new(Bmff::new(format)))
        } else if matroska::recognise(head) {
            Chosen::Matroska(Feed::new(Matroska::default()))
        } else {
            Chosen::Foreign(Foreign::of(head))
        };
        match &mut chosen {
            Chosen::Jpeg(feed) => feed.push(head),
            Chosen::Png(feed) => feed.push(head),
            Chosen::WebP(feed) => feed.push(head),
            Chosen::Bmff(_, feed) => feed.push(head),
            Chosen::Matroska(feed) => feed.push(head),
            Chosen::Tiff | Chosen::Foreign(_) => {}
        }
        self.walk.insert(chosen)
    }

    /// The finding, once every byte was pushed. Formats whose parts lie anywhere are read in a few small
    /// pieces from `source`, which must hold the same bytes.
    ///
    /// # Errors
    /// Those of the source.
    pub(super) fn finish<R: Read + Seek>(mut self, source: &mut R) -> io::Result<Inspection> {
        let len = self.len;
        if len == 0 {
            return Ok(Inspection {
                len,
                structure: Structure::Empty,
                exif: None,
            });
        }
        if self.walk.is_none() {
            self.choose();
        }
        let (format, verdict, exif) = match self.walk {
            Some(Chosen::Jpeg(feed)) => with(Format::Jpeg, feed.finish().finish()),
            Some(Chosen::Png(feed)) => with(Format::Png, feed.finish().finish()),
            Some(Chosen::WebP(feed)) => {
                let (verdict, end, exif) = feed.finish().finish();
                (Format::WebP, written_to(self.written, end, verdict), exif)
            }
            Some(Chosen::Tiff) => match tiff::check(source, len, &self.head)? {
                Ok(exif) => (Format::Tiff, Ok(()), exif),
                Err(missing) => (Format::Tiff, Err(missing), None),
            },
            Some(Chosen::Bmff(format, feed)) => {
                let (verdict, end, extents) = feed.finish().finish(len);
                let verdict = written_to(self.written, end, verdict);
                (format, verdict, exif_item(source, &extents)?)
            }
            Some(Chosen::Matroska(feed)) => (Format::Mkv, feed.finish().finish(), None),
            Some(Chosen::Foreign(_)) if self.written == 0 => {
                return Ok(foreign(len, Foreign::Zeros));
            }
            Some(Chosen::Foreign(kind)) => return Ok(foreign(len, kind)),
            None => return Ok(foreign(len, Foreign::Unknown)),
        };
        let structure = match verdict {
            Ok(()) => Structure::Whole(format),
            Err(missing) => Structure::Partial { format, missing },
        };
        Ok(Inspection {
            len,
            structure,
            exif: exif.filter(|block| is_tiff(block)),
        })
    }
}

type Verdict = Result<(), &'static str>;
type Exif = Option<Vec<u8>>;

fn with(format: Format, (verdict, exif): (Verdict, Exif)) -> (Format, Verdict, Exif) {
    (format, verdict, exif)
}

/// The verdict on a picture whose compressed data ends at `end`, when only zeros come after `written`. Formats
/// that give their sizes ahead of the data look whole as soon as their space is reserved.
fn written_to(written: u64, end: u64, verdict: Verdict) -> Verdict {
    match end.saturating_sub(written) {
        UNWRITTEN.. => verdict.and(Err("its last part, where there are only zeros")),
        _ => verdict,
    }
}

fn foreign(len: u64, kind: Foreign) -> Inspection {
    Inspection {
        len,
        structure: Structure::Foreign(kind),
        exif: None,
    }
}

fn is_tiff(block: &[u8]) -> bool {
    block.starts_with(b"II*\0") || block.starts_with(b"MM\0*")
}

/// The TIFF structure of a HEIF EXIF item: the item begins with the distance to it, in four bytes (ISO/IEC
/// 23008-12, A.2.1).
fn exif_item<R: Read + Seek>(source: &mut R, extents: &[Extent]) -> io::Result<Exif> {
    let mut item = Vec::new();
    for extent in extents {
        let len = usize::try_from(extent.len).unwrap_or(usize::MAX);
        if len > MAX_EXIF.saturating_sub(item.len()) {
            return Ok(None);
        }
        let start = item.len();
        item.resize(start + len, 0);
        if !fill_at(source, extent.at, &mut item[start..])? {
            return Ok(None);
        }
    }
    let Some((distance, rest)) = item.split_first_chunk::<4>() else {
        return Ok(None);
    };
    Ok(rest
        .get(u32::from_be_bytes(*distance) as usize..)
        .map(<[u8]>::to_vec))
}
