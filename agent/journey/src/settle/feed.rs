//! Cuts a stream that arrives in arbitrary chunks into the pieces that a format's walk asks for.
//!
//! A walk never sees a chunk, so its answer cannot depend on where chunks end: it names the piece it wants,
//! receives exactly that, and names the next.

/// The next piece that a walk wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// This many bytes (not 0) in one slice. They may be held until complete, so the number is bounded by
    /// the walk.
    Take(usize),
    /// Nothing of the next so many bytes; may be 0. The walk's next step gets an empty slice.
    Skip(u64),
    /// Nothing up to and with the next such byte. The walk's next step gets an empty slice.
    Until(u8),
    /// Nothing more; the walk knows its answer.
    Rest,
}

/// A format's structure as a machine over pieces.
pub(super) trait Walk {
    /// What the walk wants at the start of the file.
    fn start(&self) -> Want;

    /// Takes the piece wanted and says what is wanted next. `at` is the position in the file after it.
    fn step(&mut self, piece: &[u8], at: u64) -> Want;
}

/// A walk and the state of its current want.
#[derive(Debug)]
pub(super) struct Feed<W> {
    walk: W,
    want: Want,
    held: Vec<u8>,
    at: u64,
}

impl<W: Walk> Feed<W> {
    pub(super) fn new(walk: W) -> Self {
        let want = walk.start();
        Self {
            walk,
            want,
            held: Vec::new(),
            at: 0,
        }
    }

    /// Takes the next bytes of the file.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        loop {
            // A finished `Skip` is acted on even when no byte follows, so that the end of a file on a
            // boundary is seen as one.
            if let Want::Skip(0) = self.want {
                self.want = self.walk.step(&[], self.at);
                continue;
            }
            if bytes.is_empty() {
                return;
            }
            let used = match self.want {
                Want::Rest => bytes.len(),
                Want::Skip(n) => {
                    let used = bytes.len().min(usize::try_from(n).unwrap_or(usize::MAX));
                    self.at += used as u64;
                    self.want = Want::Skip(n - used as u64);
                    used
                }
                Want::Until(byte) => self.until(byte, bytes),
                Want::Take(n) => self.take(n, bytes),
            };
            bytes = &bytes[used..];
        }
    }

    fn until(&mut self, byte: u8, bytes: &[u8]) -> usize {
        let Some(found) = memchr::memchr(byte, bytes) else {
            self.at += bytes.len() as u64;
            return bytes.len();
        };
        self.at += found as u64 + 1;
        self.want = self.walk.step(&[], self.at);
        found + 1
    }

    fn take(&mut self, n: usize, bytes: &[u8]) -> usize {
        let missing = n - self.held.len();
        let used = bytes.len().min(missing);
        self.at += used as u64;
        if self.held.is_empty() && used == n {
            self.want = self.walk.step(&bytes[..n], self.at);
        } else {
            self.held.extend_from_slice(&bytes[..used]);
            if used == missing {
                self.want = self.walk.step(&self.held, self.at);
                self.held = Vec::new();
            }
        }
        used
    }

    /// The walk, as far as the bytes took it.
    pub(super) fn finish(self) -> W {
        self.walk
    }
}
