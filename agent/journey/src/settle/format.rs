//! The formats that are taken, and their names elsewhere: file extension, media type, database code.

use std::fmt;

/// A format that is taken, recognised by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// JPEG (ITU-T T.81), any process: baseline, progressive, arithmetic, lossless, JPEG-LS.
    Jpeg,
    /// PNG (W3C, ISO/IEC 15948), animated ones included.
    Png,
    /// WebP (RFC 9649).
    WebP,
    /// TIFF 6.0 and BigTIFF, and what is built on them, such as DNG.
    Tiff,
    /// HEIF pictures (ISO/IEC 23008-12) other than AVIF.
    Heic,
    /// AVIF (AOMedia), still or sequence.
    Avif,
    /// MP4 and QuickTime video (ISO/IEC 14496-12).
    Mp4,
    /// Matroska and WebM video (RFC 9559).
    Mkv,
}

/// Whether a file holds one moment or a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A picture.
    Image,
    /// A moving picture.
    Video,
}

impl Format {
    /// All formats, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Jpeg,
        Self::Png,
        Self::WebP,
        Self::Tiff,
        Self::Heic,
        Self::Avif,
        Self::Mp4,
        Self::Mkv,
    ];

    /// The usual file name extension, without its dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Tiff => "tif",
            Self::Heic => "heic",
            Self::Avif => "avif",
            Self::Mp4 => "mp4",
            Self::Mkv => "mkv",
        }
    }

    /// The media type (IANA registry) for a `Content-Type` header.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Tiff => "image/tiff",
            Self::Heic => "image/heic",
            Self::Avif => "image/avif",
            Self::Mp4 => "video/mp4",
            Self::Mkv => "video/matroska",
        }
    }

    /// Picture or video.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Mp4 | Self::Mkv => Kind::Video,
            _ => Kind::Image,
        }
    }

    /// The number that stands for the format in a database. Never reused, never changed.
    pub const fn code(self) -> u8 {
        match self {
            Self::Jpeg => 1,
            Self::Png => 2,
            Self::WebP => 3,
            Self::Tiff => 4,
            Self::Heic => 5,
            Self::Avif => 6,
            Self::Mp4 => 7,
            Self::Mkv => 8,
        }
    }

    /// The format of a [`Format::code`], or `None` for a number that stands for none.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.code() == code)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Tiff => "TIFF",
            Self::Heic => "HEIC",
            Self::Avif => "AVIF",
            Self::Mp4 => "MP4",
            Self::Mkv => "MKV",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_in_databases_of_the_field_keep_their_meaning() {
        let codes: Vec<_> = Format::ALL
            .iter()
            .map(|f| (f.code(), f.extension()))
            .collect();
        let frozen = [
            (1, "jpg"),
            (2, "png"),
            (3, "webp"),
            (4, "tif"),
            (5, "heic"),
            (6, "avif"),
            (7, "mp4"),
            (8, "mkv"),
        ];
        assert_eq!(codes, frozen);
    }

    proptest! {
        #[test]
        fn a_code_means_one_format_or_none(code: u8) {
            match Format::from_code(code) {
                Some(format) => prop_assert_eq!(format.code(), code),
                None => prop_assert!(!(1..=8).contains(&code)),
            }
        }
    }

    #[test]
    fn the_kind_agrees_with_the_media_type() {
        for format in Format::ALL {
            let video = format.content_type().starts_with("video/");
            assert_eq!(format.kind() == Kind::Video, video, "{format}");
        }
    }
}
