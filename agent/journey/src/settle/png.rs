//! PNG from its signature to IEND (PNG specification, chapter 5).
//!
//! IHDR and IEND are checked by their CRC; of the others the type must be four letters, so that zeros written
//! ahead of the data are not taken for chunks.

use super::feed::{Walk, Want};
use super::structure::MAX_EXIF;

pub(super) const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
const IHDR_LEN: u32 = 13;
const CRC: usize = 4;
/// Lengths have 31 bits (5.3).
const MAX_CHUNK: u32 = i32::MAX as u32;

#[derive(Debug, Default)]
pub(super) struct Png {
    state: State,
    data: bool,
    exif: Option<Vec<u8>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Signature,
    /// A chunk's length and type were asked for; the first must be IHDR.
    First,
    Chunk,
    Ihdr,
    Exif,
    Skipped,
    Iend,
    End,
    Broken,
}

impl Walk for Png {
    fn start(&self) -> Want {
        Want::Take(SIGNATURE.len())
    }

    fn step(&mut self, piece: &[u8], _at: u64) -> Want {
        match self.state {
            State::Signature => self.want(State::First, Want::Take(8)),
            State::First => match chunk(piece) {
                Some((IHDR_LEN, b"IHDR")) => {
                    self.want(State::Ihdr, Want::Take(IHDR_LEN as usize + CRC))
                }
                _ => self.broken(),
            },
            State::Ihdr if crc_holds(b"IHDR", piece) => self.want(State::Chunk, Want::Take(8)),
            State::Chunk => self.chunk(piece),
            State::Exif => {
                self.exif = piece
                    .split_last_chunk::<CRC>()
                    .map(|(block, _)| block.to_vec());
                self.want(State::Chunk, Want::Take(8))
            }
            State::Skipped => self.want(State::Chunk, Want::Take(8)),
            State::Iend if crc_holds(b"IEND", piece) => self.want(State::End, Want::Rest),
            State::Ihdr | State::Iend | State::End | State::Broken => self.broken(),
        }
    }
}

impl Png {
    fn want(&mut self, state: State, want: Want) -> Want {
        self.state = state;
        want
    }

    fn broken(&mut self) -> Want {
        self.want(State::Broken, Want::Rest)
    }

    fn chunk(&mut self, header: &[u8]) -> Want {
        match chunk(header) {
            Some((0, b"IEND")) => self.want(State::Iend, Want::Take(CRC)),
            Some((len, b"eXIf")) if len as usize <= MAX_EXIF && self.exif.is_none() => {
                self.want(State::Exif, Want::Take(len as usize + CRC))
            }
            Some((len, name)) if len <= MAX_CHUNK && name.iter().all(u8::is_ascii_alphabetic) => {
                self.data |= name == b"IDAT" && len > 0;
                self.want(State::Skipped, Want::Skip(u64::from(len) + CRC as u64))
            }
            _ => self.broken(),
        }
    }

    /// What the file lacks, if anything, and its EXIF block.
    pub(super) fn finish(self) -> (Result<(), &'static str>, Option<Vec<u8>>) {
        let verdict = match self.state {
            State::Broken => Err("a readable chunk where one must be"),
            State::End if !self.data => Err("its image data (IDAT)"),
            State::End => Ok(()),
            _ => Err("its end (IEND)"),
        };
        (verdict, self.exif)
    }
}

/// A chunk's length and type.
fn chunk(header: &[u8]) -> Option<(u32, &[u8; 4])> {
    let (len, name) = header.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*len), name.first_chunk()?))
}

/// Whether `body` ends with the CRC of `name` and what comes before it.
fn crc_holds(name: &[u8; 4], body: &[u8]) -> bool {
    body.split_last_chunk::<CRC>()
        .is_some_and(|(data, crc)| crc32(&[name, data]) == u32::from_be_bytes(*crc))
}

/// CRC-32 of the parts in a row (PNG specification, annex D), bit by bit: it only sees a few bytes.
pub(crate) fn crc32(parts: &[&[u8]]) -> u32 {
    let fold = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    };
    !parts.iter().copied().flatten().fold(u32::MAX, fold)
}
