//! ISO base media files (ISO/IEC 14496-12): HEIC and AVIF pictures, MP4 and QuickTime videos.
//!
//! The boxes of the file are walked to its end. A picture needs its `meta` box and every byte that its items
//! point to; a video its `moov` and media data, in `mdat` or in fragments. A box without a size goes to the
//! end of the file.
//!
//! Trailing bytes are allowed once these are there: when no box header can be read where one would be, or
//! when the last box is cut short and its type is none that writers of these formats use. A cut box of a
//! known type means that the rest is still to come.

use super::feed::{Walk, Want};
use super::format::{Format, Kind};
use super::items::{Extent, Items};

/// A box's size and type.
const HEADER: u64 = 8;
/// `ftyp` lists brands of four bytes each; those seen in the field have under 20.
const MAX_FTYP: u64 = 4096;
/// The longest `meta` box that is parsed: room for some ten thousand tiles. The items of a longer one are not
/// checked.
const MAX_META: u64 = 512 << 10;
const KNOWN: [&[u8; 4]; 19] = [
    b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"meta", b"mfra", b"sidx", b"ssix", b"emsg",
    b"prft", b"pdin", b"uuid", b"free", b"skip", b"wide", b"udta", b"idat", b"mpvd",
];

#[derive(Debug)]
pub(super) struct Bmff {
    format: Format,
    state: State,
    current: [u8; 4],
    media: Media,
    items: Items,
}

/// The parts that were found whole.
#[derive(Debug, Default, Clone, Copy)]
struct Media {
    moov: bool,
    mdat: bool,
    meta: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    /// A box's 64-bit size was asked for.
    Large,
    Meta,
    Skipped,
    /// A box that goes to the end of the file.
    Open,
    /// Bytes that are no box.
    Trailing,
}

/// The format that a first box announces, if these boxes can be such a file at all.
pub(super) fn recognise(head: &[u8]) -> Option<Format> {
    let (size, rest) = head.split_first_chunk::<4>()?;
    let (name, rest) = rest.split_first_chunk::<4>()?;
    match name {
        b"ftyp" => {
            let len = u64::from(u32::from_be_bytes(*size)).clamp(HEADER, MAX_FTYP) - HEADER;
            brands(&rest[..rest.len().min(len as usize)])
        }
        // QuickTime before 2001 had no ftyp.
        b"moov" | b"mdat" | b"wide" => Some(Format::Mp4),
        _ => None,
    }
}

/// The format of an `ftyp` body: a major brand, a version, compatible brands.
fn brands(body: &[u8]) -> Option<Format> {
    let (all, _) = body.as_chunks::<4>();
    let major = all.first()?;
    let has = |brand: &[u8; 4]| all.contains(brand);
    match major {
        b"avif" | b"avis" => Some(Format::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
            Some(Format::Heic)
        }
        b"mif1" | b"mif2" | b"msf1" | b"miaf" if has(b"avif") || has(b"avis") => Some(Format::Avif),
        b"mif1" | b"mif2" | b"msf1" | b"miaf" => Some(Format::Heic),
        // JPEG 2000, JPEG XL and Canon raw files share the container but not the contents.
        b"jp2 " | b"jpx " | b"jpm " | b"mjp2" | b"jxl " | b"crx " => None,
        _ => Some(Format::Mp4),
    }
}

impl Bmff {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            state: State::Header,
            current: [0; 4],
            media: Media::default(),
            items: Items::default(),
        }
    }
}

impl Walk for Bmff {
    fn start(&self) -> Want {
        Want::Take(HEADER as usize)
    }

    fn step(&mut self, piece: &[u8], at: u64) -> Want {
        match self.state {
            State::Header => self.header(piece),
            State::Large => {
                let size = piece.first_chunk().map_or(0, |b| u64::from_be_bytes(*b));
                match size.checked_sub(2 * HEADER) {
                    Some(body) => self.body(body),
                    None => self.want(State::Trailing, Want::Rest),
                }
            }
            State::Meta => {
                self.items.read(piece, at - piece.len() as u64);
                self.found()
            }
            State::Skipped => self.found(),
            State::Open | State::Trailing => Want::Rest,
        }
    }
}

impl Bmff {
    fn want(&mut self, state: State, want: Want) -> Want {
        self.state = state;
        want
    }

    fn header(&mut self, header: &[u8]) -> Want {
        let Some((size, name)) = header
            .split_first_chunk::<4>()
            .and_then(|(size, name)| Some((u32::from_be_bytes(*size), *name.first_chunk::<4>()?)))
        else {
            return self.want(State::Trailing, Want::Rest);
        };
        if !name.iter().all(|byte| matches!(byte, 0x20..=0x7E | 0xA9)) {
            return self.want(State::Trailing, Want::Rest);
        }
        self.current = name;
        match size {
            0 => {
                self.note();
                self.want(State::Open, Want::Rest)
            }
            1 => self.want(State::Large, Want::Take(HEADER as usize)),
            size => match u64::from(size).checked_sub(HEADER) {
                Some(body) => self.body(body),
                None => self.want(State::Trailing, Want::Rest),
            },
        }
    }

    fn body(&mut self, len: u64) -> Want {
        if &self.current == b"meta" && (1..=MAX_META).contains(&len) {
            self.want(State::Meta, Want::Take(len as usize))
        } else {
            self.want(State::Skipped, Want::Skip(len))
        }
    }

    /// The current box is whole; the next one is wanted.
    fn found(&mut self) -> Want {
        self.note();
        self.want(State::Header, Want::Take(HEADER as usize))
    }

    fn note(&mut self) {
        match &self.current {
            b"moov" => self.media.moov = true,
            b"mdat" => self.media.mdat = true,
            b"meta" => self.media.meta = true,
            _ => {}
        }
    }

    /// What a file of `len` bytes lacks, if anything, where the data of its items ends, and where its EXIF
    /// item lies.
    pub(super) fn finish(self, len: u64) -> (Result<(), &'static str>, u64, Vec<Extent>) {
        (self.verdict(len), self.items.end(), self.items.exif())
    }

    fn verdict(&self, len: u64) -> Result<(), &'static str> {
        let cut = matches!(self.state, State::Large | State::Meta | State::Skipped);
        if cut && KNOWN.contains(&&self.current) {
            return Err("the rest of its last box");
        }
        let Media { moov, mdat, meta } = self.media;
        let sequence = moov && mdat;
        match self.format.kind() {
            Kind::Video if !moov => Err("its index (moov)"),
            Kind::Video if !mdat => Err("its media data (mdat)"),
            Kind::Image if !meta && !sequence => Err("its index (meta)"),
            Kind::Image if self.items.end() > len => Err("bytes that its items point to"),
            // An index that was written while its data was not: zeros follow where `mdat` would begin.
            Kind::Image if !mdat && !self.items.are_inside() => Err("its image data"),
            _ => Ok(()),
        }
    }
}
