//! Names of files that a camera writes again and again (`latest.jpg`, `*.cur.jpg`).

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::str::FromStr;

/// A file name in which `*` stands for any characters and `?` for one byte. There is no other magic.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamePattern(String);

/// A text that can be no file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no file name: it must not be empty or hold a \"/\"")]
pub struct NotAName;

impl NamePattern {
    /// Whether a file's name is of this pattern, letter for letter.
    pub fn matches(&self, name: &OsStr) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut at, mut from) = (0, 0);
        // Where to go on when what follows the last star does not fit: the star takes one byte more.
        let mut star: Option<(usize, usize)> = None;
        while from < name.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    star = Some((at + 1, from));
                    at += 1;
                }
                Some(&byte) if byte == b'?' || byte == name[from] => {
                    at += 1;
                    from += 1;
                }
                _ => match star {
                    Some((after, taken)) => {
                        star = Some((after, taken + 1));
                        (at, from) = (after, taken + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|&byte| byte == b'*')
    }
}

impl FromStr for NamePattern {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        if text.is_empty() || text.contains(['/', '\0']) || text == "." || text == ".." {
            return Err(NotAName);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As one would explain it.
    fn plainly(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), None) => plainly(rest, name),
            (Some((b'*', rest)), Some((_, tail))) => plainly(rest, name) || plainly(pattern, tail),
            (Some((b'?', rest)), Some((_, tail))) => plainly(rest, tail),
            (Some((one, rest)), Some((other, tail))) => one == other && plainly(rest, tail),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn a_name_matches_as_it_would_be_explained(pattern in "[ab*?]{1,8}", name in "[ab.]{0,10}") {
            let parsed: NamePattern = pattern.parse().unwrap();
            prop_assert_eq!(parsed.matches(OsStr::new(&name)), plainly(pattern.as_bytes(), name.as_bytes()));
        }
    }

    #[test]
    fn a_name_is_a_name() {
        for (text, ok) in [
            ("latest.jpg", true),
            ("*.cur.jpg", true),
            ("", false),
            ("a/b.jpg", false),
            ("..", false),
        ] {
            assert_eq!(text.parse::<NamePattern>().is_ok(), ok, "{text}");
        }
    }
}
