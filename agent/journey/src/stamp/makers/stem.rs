//! The part of a file's name that may state a time: without its extension and what copying adds.

use std::ffi::OsStr;

use crate::settle::leave_alone;

/// What programs append to the name of a copy or an edited picture, in lower case. A number may follow, in brackets or
/// after a space.
const COPIES: [&[u8]; 12] = [
    b" - copy",
    b" copy",
    b"_copy",
    b"-copy",
    b" - kopie",
    b" - copie",
    b" - copia",
    b"-edit",
    b"-edited",
    b"_edited",
    b" (edited)",
    b"-bearbeitet",
];

/// The stem of a file's name; `None` for the names of unfinished files, which state nothing that will last.
pub(in super::super) fn of(name: &OsStr) -> Option<&[u8]> {
    if leave_alone(name).is_some() {
        return None;
    }
    let mut stem = without_extension(name.as_encoded_bytes());
    while let Some(shorter) = without_copy(stem) {
        stem = shorter;
    }
    Some(stem)
}

/// A name without its extension: a dot and up to five letters and digits, with a letter first so that the seconds of
/// `14.30.00` are none.
pub(in super::super) fn without_extension(name: &[u8]) -> &[u8] {
    let Some(dot) = memchr::memrchr(b'.', name) else {
        return name;
    };
    let extension = &name[dot + 1..];
    let known = extension.first().is_some_and(u8::is_ascii_alphabetic)
        || extension.eq_ignore_ascii_case(b"3gp")
        || extension.eq_ignore_ascii_case(b"3g2");
    let like_one = known && extension.len() <= 5 && extension.iter().all(u8::is_ascii_alphanumeric);
    if like_one { &name[..dot] } else { name }
}

/// The name of what this one is a copy of, if it says that it is one.
fn without_copy(stem: &[u8]) -> Option<&[u8]> {
    without_number(stem, b"(", b")")
        .map(|rest| rest.strip_suffix(b" ").unwrap_or(rest))
        .or_else(|| without_number(stem, b"~", b""))
        .or_else(|| without_ending(stem))
        .or_else(|| without_ending(without_number(stem, b" ", b"")?))
        .filter(|rest| !rest.is_empty())
}

fn without_ending(stem: &[u8]) -> Option<&[u8]> {
    COPIES.iter().find_map(|ending| {
        let (rest, tail) = stem.split_at_checked(stem.len().checked_sub(ending.len())?)?;
        tail.eq_ignore_ascii_case(ending).then_some(rest)
    })
}

/// A name without the number of one to three digits that it ends with between `open` and `close`.
fn without_number<'a>(stem: &'a [u8], open: &[u8], close: &[u8]) -> Option<&'a [u8]> {
    let rest = stem.strip_suffix(close)?;
    let digits = rest
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    (1..=3)
        .contains(&digits)
        .then(|| rest[..rest.len() - digits].strip_suffix(open))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_copying_adds_is_not_part_of_the_stem() {
        for (name, stem) in [
            ("a.jpg", "a"),
            ("a.3gp", "a"),
            ("a", "a"),
            ("2024-08-09 14.30.00", "2024-08-09 14.30.00"),
            ("a (1).jpg", "a"),
            ("a(12).jpg", "a"),
            ("a~2.jpg", "a"),
            ("a - Copy.jpg", "a"),
            ("a - Copy (2).jpg", "a"),
            ("a copy 2.jpg", "a"),
            ("a_copy.JPG", "a"),
            ("a~2-EDIT.jpg", "a"),
            ("(1).jpg", "(1)"),
            ("a(2024).jpg", "a(2024)"),
            ("photocopy.jpg", "photocopy"),
        ] {
            assert_eq!(of(OsStr::new(name)), Some(stem.as_bytes()), "{name}");
        }
        assert_eq!(of(OsStr::new("IMG_20240809_143000.jpg.part")), None);
        assert_eq!(of(OsStr::new("._IMG_20240809_143000.jpg")), None);
    }
}
