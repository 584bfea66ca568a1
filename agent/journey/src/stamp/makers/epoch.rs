//! Names that are seconds or milliseconds since 1970, alone or behind a word for a picture.
//!
//! A number of ten or thirteen digits is a time only when it is all of the name (rpicam `--timestamp`, Arlo) or what
//! stands before it says picture, because most such numbers elsewhere are serials.

use std::sync::LazyLock;

use super::super::moment::Moment;
use super::super::spelling::run;
use super::super::template::Template;

/// Words that programs put before the time of a picture, in lower case.
const WORDS: [&[u8]; 19] = [
    b"image",
    b"img",
    b"photo",
    b"pic",
    b"picture",
    b"snapshot",
    b"snap",
    b"frame",
    b"capture",
    b"cap",
    b"screenshot",
    b"camera",
    b"cam",
    b"timelapse",
    b"still",
    b"video",
    b"vid",
    b"clip",
    b"test",
];

static NUMBERS: LazyLock<[Template; 3]> =
    LazyLock::new(|| ["{e}", "{E}", "{e}.{F}"].map(Template::library));

/// The moment that a stem states as a number.
pub(super) fn read(stem: &[u8]) -> Option<Moment> {
    let number = WORDS
        .iter()
        .find_map(|word| {
            let (start, rest) = stem.split_at_checked(word.len())?;
            // `cam2_`: a picture of one of several.
            let count = run(rest, 0, u8::is_ascii_digit);
            let rest = &rest[count..];
            let separator = matches!(rest.first()?, b'_' | b'-' | b'.' | b' ');
            (count <= 3 && separator && start.eq_ignore_ascii_case(word)).then(|| &rest[1..])
        })
        .unwrap_or(stem);
    NUMBERS.iter().find_map(|template| template.read(number))
}
