//! The finding of one reading.

use std::fmt;

use super::foreign::Foreign;
use super::format::Format;

/// The longest EXIF block that is captured, in bytes. JPEG cannot hold more than 64 KiB of it; a longer
/// block in another container is a picture in disguise and is left out, which costs only its evidence.
pub const MAX_EXIF: usize = 1 << 20;

/// What one reading of a file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Bytes read, from the first to the end of the file.
    pub len: u64,
    /// What the bytes are, and whether they are all there.
    pub structure: Structure,
    /// The EXIF block as a TIFF structure (it begins with `II` or `MM`), at most [`MAX_EXIF`] bytes. Not checked
    /// beyond that. Of a TIFF file, an excerpt with its descriptive tags.
    pub exif: Option<Vec<u8>>,
}

/// What a file is by its structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// All of a picture or video is there.
    Whole(Format),
    /// It begins as this format does, but does not end so, or not yet.
    Partial {
        /// What it began as.
        format: Format,
        /// What is not there, as the end of the sentence "lacks ...".
        missing: &'static str,
    },
    /// None of the formats that are taken.
    Foreign(Foreign),
    /// No byte at all.
    Empty,
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(format) => write!(f, "a whole {format}"),
            Self::Partial { format, missing } => {
                write!(
                    f,
                    "a {format} that is cut short or damaged: it lacks {missing}"
                )
            }
            Self::Foreign(foreign) => foreign.fmt(f),
            Self::Empty => f.write_str("an empty file"),
        }
    }
}
