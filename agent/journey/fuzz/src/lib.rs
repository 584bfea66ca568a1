//! What must hold of every input, one function a parser. Fuzz targets call them with what libFuzzer invents, the
//! crate's own tests with the seeds.

use std::io::Cursor;
use std::path::Path;

use weir_journey::settle::{MAX_EXIF, Structure, inspect};
use weir_journey::stamp::{CaptureTime, Evidence, Pattern, Rules, Source, Zone, stamp};

/// A name or a path, in any encoding: the answer is stored and read back as it is.
pub fn path(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let path = path_of(data, &text);
    check(&stamp(&Evidence::of(path), &rules()));
}

/// An EXIF block.
pub fn exif(data: &[u8]) {
    let evidence = Evidence {
        exif: Some(data),
        ..Evidence::of(Path::new("a.jpg"))
    };
    check(&stamp(&evidence, &rules()));
}

/// A pattern and, behind a line break, a path for it: the pattern is its text, and what it reads is of the calendar.
pub fn pattern(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pattern, path) = text
        .split_once('\n')
        .unwrap_or((&text, "20240809_143000.jpg"));
    let Ok(pattern) = pattern.parse::<Pattern>() else {
        return;
    };
    assert_eq!(
        pattern.to_string().parse::<Pattern>().as_ref(),
        Ok(&pattern)
    );
    let rules = Rules {
        patterns: vec![pattern],
        ..rules()
    };
    check(&stamp(&Evidence::of(Path::new(path)), &rules));
}

/// A file, behind what its format begins with.
pub fn file(begin: &[u8], data: &[u8]) {
    let bytes = [begin, data].concat();
    let mut shown = 0;
    let found = inspect(&mut Cursor::new(&bytes), |chunk| shown += chunk.len())
        .expect("memory can be read");
    assert_eq!(found.len, bytes.len() as u64);
    assert_eq!(shown, bytes.len());
    assert!(
        found
            .exif
            .as_ref()
            .is_none_or(|block| block.len() <= MAX_EXIF)
    );
    if let (Structure::Whole(_), Some(block)) = (found.structure, found.exif) {
        exif(&block);
    }
}

/// What files of each container begin with; the rest is for the fuzzer.
pub const BEGINS: [(&str, &[u8]); 7] = [
    ("jpeg", b"\xFF\xD8\xFF"),
    ("png", b"\x89PNG\r\n\x1A\n"),
    ("webp", b"RIFF"),
    ("tiff", b"II*\0"),
    ("heif", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
    ("mp4", b"\0\0\0\x18ftypisom\0\0\x02\0isommp42"),
    ("matroska", b"\x1A\x45\xDF\xA3"),
];

fn rules() -> Rules {
    Rules {
        zone: Some("America/Denver".parse::<Zone>().expect("IANA")),
        ..Rules::default()
    }
}

fn check(found: &CaptureTime) {
    assert_eq!(found.at.is_none(), found.source == Source::None);
    let stored = serde_json::to_string(found).expect("plain values");
    let read: CaptureTime = serde_json::from_str(&stored).expect("its own form");
    assert_eq!(&read, found);
}

#[cfg(unix)]
fn path_of<'a>(data: &'a [u8], _: &'a str) -> &'a Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(data))
}

#[cfg(not(unix))]
fn path_of<'a>(_: &'a [u8], text: &'a str) -> &'a Path {
    Path::new(text)
}
