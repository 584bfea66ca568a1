//! WebP: a RIFF file whose chunks fill it (RFC 9649, section 2).
//!
//! The RIFF header gives the file's length, so truncation shows at once. A last chunk of odd size may lack its
//! padding byte when the header does not count it, since some writers do neither. What follows the RIFF chunk
//! is not part of the picture and is allowed.

use super::feed::{Walk, Want};
use super::structure::MAX_EXIF;

/// `RIFF`, the size, `WEBP`.
const HEADER: usize = 12;
/// A chunk's name and size; also the part of the RIFF header that its size does not count.
const CHUNK: u64 = 8;

#[derive(Debug, Default)]
pub(super) struct WebP {
    state: State,
    /// Where the RIFF chunk ends, its padding byte not counted.
    end: u64,
    picture: bool,
    exif: Option<Vec<u8>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Header,
    Chunk,
    /// The EXIF chunk's body was asked for; whether a padding byte follows.
    Exif {
        padded: bool,
    },
    Skipped,
    End,
    Broken,
}

impl Walk for WebP {
    fn start(&self) -> Want {
        Want::Take(HEADER)
    }

    fn step(&mut self, piece: &[u8], at: u64) -> Want {
        match self.state {
            State::Header => {
                self.end = CHUNK + u64::from(le32(&piece[4..]));
                self.next(at)
            }
            State::Chunk => self.chunk(piece, at),
            State::Exif { padded } => {
                let block = piece.strip_prefix(b"Exif\0\0").unwrap_or(piece);
                self.exif = Some(block.to_vec());
                self.want(State::Skipped, Want::Skip(u64::from(padded)))
            }
            State::Skipped => self.next(at),
            State::End | State::Broken => Want::Rest,
        }
    }
}

impl WebP {
    fn want(&mut self, state: State, want: Want) -> Want {
        self.state = state;
        want
    }

    fn next(&mut self, at: u64) -> Want {
        if at >= self.end {
            self.want(State::End, Want::Rest)
        } else if self.end - at < CHUNK {
            self.want(State::Broken, Want::Rest)
        } else {
            self.want(State::Chunk, Want::Take(CHUNK as usize))
        }
    }

    fn chunk(&mut self, header: &[u8], at: u64) -> Want {
        let size = u64::from(le32(&header[4..]));
        if size > self.end.saturating_sub(at) {
            return self.want(State::Broken, Want::Rest);
        }
        self.picture |= matches!(&header[..4], b"VP8 " | b"VP8L" | b"ANMF");
        let padded = size % 2 == 1 && at + size < self.end;
        match usize::try_from(size) {
            Ok(len) if &header[..4] == b"EXIF" && (1..=MAX_EXIF).contains(&len) => {
                self.want(State::Exif { padded }, Want::Take(len))
            }
            _ => self.want(State::Skipped, Want::Skip(size + u64::from(padded))),
        }
    }

    /// What the file lacks, if anything, where it ends, and its EXIF block.
    pub(super) fn finish(self) -> (Result<(), &'static str>, u64, Option<Vec<u8>>) {
        let verdict = match self.state {
            State::Broken => Err("a chunk that fits its file"),
            State::End if !self.picture => Err("its image data (VP8 or VP8L)"),
            State::End => Ok(()),
            _ => Err("bytes that its RIFF header announces"),
        };
        (verdict, self.end, self.exif)
    }
}

/// The first four bytes as a little-endian number; 0 when there are fewer.
fn le32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |b| u32::from_le_bytes(*b))
}
