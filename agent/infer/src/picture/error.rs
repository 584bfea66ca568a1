//! Why a file gives no picture.

use std::io;

use weir_journey::infer::{Size, Trouble};

/// Why a file gives no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}: see that it is there and that the agent may read it")]
    Unreadable(#[source] io::Error),
    /// The file is larger than the limit.
    #[error(
        "the file has {bytes} bytes, above the limit of {limit}: have the camera make smaller files"
    )]
    FileTooLarge {
        /// Its size; of a file that still grows, what was read of it.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The picture has more pixels than the limit. Nothing was decoded.
    #[error(
        "the picture is {} x {} pixels, above the limit of {limit} pixels and of 65535 a side: have the camera make \
         smaller pictures",
        size.width, size.height
    )]
    TooManyPixels {
        /// What its header says.
        size: Size,
        /// The limit.
        limit: u64,
    },
    /// Neither JPEG nor PNG.
    #[error("the file is neither JPEG nor PNG by its first bytes: only those are decoded")]
    NotAPicture,
    /// It begins as a picture, but cannot be decoded.
    #[error("the {format} file is broken: {reason}: see whether other images of this camera are")]
    Broken {
        /// JPEG or PNG.
        format: &'static str,
        /// What is wrong with it, as the decoder says.
        reason: String,
    },
    /// A kind of JPEG or PNG that is not decoded, such as arithmetic coding or 12 bits.
    #[error(
        "this kind of {format} file is not decoded: {reason}: have the camera make baseline JPEG of 8 bits"
    )]
    Unsupported {
        /// JPEG or PNG.
        format: &'static str,
        /// What it is, as the decoder says.
        reason: String,
    },
}

impl PictureError {
    /// Whose fault it is: the device's if the file cannot be read, else the picture's.
    pub const fn trouble(&self) -> Trouble {
        match self {
            Self::Unreadable(_) => Trouble::Device,
            _ => Trouble::Picture,
        }
    }
}
