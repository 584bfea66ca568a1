//! Matroska and WebM (RFC 9559 on EBML, RFC 8794).
//!
//! A segment with a size must have all of it. A recorder that streams leaves the size unknown: then the file
//! must end exactly between two elements of a cluster or of the segment. Either way a cluster must be there.
//! What follows a segment of known size is allowed.

use super::feed::{Walk, Want};

pub(super) const EBML: [u8; 4] = [0x1A, 0x45, 0xDF, 0xA3];
const SEGMENT: u64 = 0x1853_8067;
const CLUSTER: u64 = 0x1F43_B675;

#[derive(Debug, Default)]
pub(super) struct Matroska {
    state: State,
    id: u64,
    segment: Option<Segment>,
    cluster: bool,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    /// Where it ends, when its size is known.
    end: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first byte of an element's identifier was asked for; it tells the length of the whole.
    #[default]
    Id,
    /// The rest of the identifier and the first byte of the size were asked for.
    IdRest,
    /// The rest of the size was asked for; here are its bits so far and its width in bytes.
    Size {
        bits: u64,
        width: u32,
    },
    Body,
    End,
    Broken,
}

impl Walk for Matroska {
    fn start(&self) -> Want {
        Want::Take(1)
    }

    fn step(&mut self, piece: &[u8], at: u64) -> Want {
        match (self.state, piece) {
            (State::Id, &[first]) => match first.leading_zeros() as usize {
                rest @ 0..=3 => {
                    self.id = u64::from(first);
                    self.want(State::IdRest, Want::Take(rest + 1))
                }
                _ => self.want(State::Broken, Want::Rest),
            },
            (State::IdRest, [rest @ .., size]) => {
                self.id = rest
                    .iter()
                    .fold(self.id, |id, byte| id << 8 | u64::from(*byte));
                self.size(*size, at)
            }
            (State::Size { bits, width }, rest) => {
                let bits = rest
                    .iter()
                    .fold(bits, |bits, byte| bits << 8 | u64::from(*byte));
                self.element(bits, width, at)
            }
            (State::Body, _) => self.next(at),
            _ => Want::Rest,
        }
    }
}

impl Matroska {
    fn want(&mut self, state: State, want: Want) -> Want {
        self.state = state;
        want
    }

    fn size(&mut self, first: u8, at: u64) -> Want {
        let width = first.leading_zeros() + 1;
        let bits = u64::from(first) & (0xFF >> width);
        match width {
            1 => self.element(bits, width, at),
            2..=8 => self.want(State::Size { bits, width }, Want::Take(width as usize - 1)),
            _ => self.want(State::Broken, Want::Rest),
        }
    }

    /// An element's header is read; its body begins at `at`.
    fn element(&mut self, size: u64, width: u32, at: u64) -> Want {
        let known = (size != (1 << (7 * width)) - 1).then_some(size);
        let within = self.segment.and_then(|segment| segment.end);
        match (self.id, known) {
            (SEGMENT, _) if self.segment.is_none() => {
                self.segment = Some(Segment {
                    end: known.map(|size| at.saturating_add(size)),
                });
                self.next(at)
            }
            // A cluster of unknown size ends where an element begins that is none of a cluster's; its
            // children are walked as if they were the segment's.
            (CLUSTER, None) => {
                self.cluster = true;
                self.next(at)
            }
            (_, None) => self.want(State::Broken, Want::Rest),
            (_, Some(size)) if within.is_some_and(|end| at.saturating_add(size) > end) => {
                self.want(State::Broken, Want::Rest)
            }
            (id, Some(size)) => {
                self.cluster |= id == CLUSTER && size > 0;
                self.want(State::Body, Want::Skip(size))
            }
        }
    }

    fn next(&mut self, at: u64) -> Want {
        match self.segment {
            Some(Segment { end: Some(end) }) if at >= end => self.want(State::End, Want::Rest),
            _ => self.want(State::Id, Want::Take(1)),
        }
    }

    /// What the file lacks, if anything. It ended between two elements if an identifier's first byte was wanted.
    pub(super) fn finish(self) -> Result<(), &'static str> {
        match (self.state, self.segment) {
            (State::Broken, _) => Err("a readable element where one must be"),
            (_, None) => Err("its segment"),
            (State::End, _) if self.cluster => Ok(()),
            (State::Id, Some(Segment { end: None })) if self.cluster => Ok(()),
            (State::End, _) => Err("its media data (a cluster)"),
            _ if !self.cluster => Err("its media data (a cluster)"),
            _ => Err("the rest of its segment"),
        }
    }
}

/// Whether an EBML header announces Matroska or WebM.
pub(super) fn recognise(head: &[u8]) -> bool {
    head.starts_with(&EBML)
        && [b"matroska".as_slice(), b"webm"]
            .iter()
            .any(|kind| memchr::memmem::find(head, kind).is_some())
}
