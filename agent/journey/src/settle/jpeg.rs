//! JPEG from SOI to its own EOI (ITU-T T.81, annex B).
//!
//! Segments are stepped over by their length, so a thumbnail's EOI inside APP1 is never mistaken for the
//! picture's. Entropy-coded data is searched for the next marker; stuffed zeros, restart markers, fill bytes
//! and codes that are no markers (JPEG-LS stuffs bits, not bytes) are data. Whatever follows the EOI is
//! allowed: cameras pad to a block, append second pictures (MPF) or a video.

use super::feed::{Walk, Want};

const EXIF: &[u8] = b"Exif\0\0";
/// Bytes of a segment's length field, which counts itself.
const LENGTH: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Jpeg {
    state: State,
    frame: bool,
    scan: bool,
    exif: Option<Vec<u8>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// SOI was asked for; after it, a marker is searched.
    #[default]
    Start,
    /// Between markers, or in entropy-coded data; an 0xFF was asked for.
    Data,
    /// The byte after 0xFF was asked for.
    Marker,
    /// A segment's length was asked for.
    Length(u8),
    /// The body of an APP1 segment was asked for.
    App1,
    /// A segment is being stepped over.
    Body,
    End,
    /// A segment's length that no segment has, or a second start before the end.
    Broken,
}

impl Walk for Jpeg {
    fn start(&self) -> Want {
        Want::Take(2)
    }

    fn step(&mut self, piece: &[u8], _at: u64) -> Want {
        match (self.state, piece) {
            (State::Start, _) => self.want(State::Data, Want::Until(0xFF)),
            (State::Data, _) => self.want(State::Marker, Want::Take(1)),
            (State::Marker, &[code]) => self.marker(code),
            (State::Length(code), &[high, low]) => {
                self.segment(code, usize::from(u16::from_be_bytes([high, low])))
            }
            (State::App1, body) => {
                if let Some(tiff) = body.strip_prefix(EXIF) {
                    self.exif.get_or_insert_with(|| tiff.to_vec());
                }
                self.want(State::Data, Want::Until(0xFF))
            }
            (State::Body, _) => self.want(State::Data, Want::Until(0xFF)),
            _ => self.want(State::Broken, Want::Rest),
        }
    }
}

impl Jpeg {
    fn want(&mut self, state: State, want: Want) -> Want {
        self.state = state;
        want
    }

    fn marker(&mut self, code: u8) -> Want {
        match code {
            0xFF => self.want(State::Marker, Want::Take(1)),
            0xD9 => self.want(State::End, Want::Rest),
            0xD8 => self.want(State::Broken, Want::Rest),
            // RST has no length; below 0xC0 nothing is a marker in use (stuffing, TEM, reserved codes).
            0xD0..=0xD7 | 0x00..=0xBF => self.want(State::Data, Want::Until(0xFF)),
            _ => self.want(State::Length(code), Want::Take(LENGTH)),
        }
    }

    fn segment(&mut self, code: u8, length: usize) -> Want {
        let Some(body) = length.checked_sub(LENGTH) else {
            return self.want(State::Broken, Want::Rest);
        };
        match code {
            // SOF0..15 but DHT (C4), JPG (C8) and DAC (CC), and JPEG-LS's SOF55.
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7 => self.frame = true,
            0xDA => self.scan = true,
            0xE1 if body > EXIF.len() && self.exif.is_none() => {
                return self.want(State::App1, Want::Take(body));
            }
            _ => {}
        }
        self.want(State::Body, Want::Skip(body as u64))
    }

    /// What the file lacks, if anything, and its EXIF block.
    pub(super) fn finish(self) -> (Result<(), &'static str>, Option<Vec<u8>>) {
        let verdict = match self.state {
            State::Broken => Err("a readable segment where one must be"),
            State::End if !self.frame => Err("its frame header (SOF)"),
            State::End if !self.scan => Err("its image data (SOS)"),
            State::End => Ok(()),
            _ => Err("its end marker (EOI)"),
        };
        (verdict, self.exif)
    }
}
