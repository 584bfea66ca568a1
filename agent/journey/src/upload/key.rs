//! The name of an object: bucket and key by template.
//!
//! The default key is what the pipeline behind the bucket parses: HydroCam's handler splits the last part
//! of the key on `_` and takes the date at index 2 and the time at index 3
//! (`2024/August/image_capture_2024-08-09_14-30-00.jpg`).

use chrono::{DateTime, Datelike as _, FixedOffset};

use crate::identity::{Sha256, SiteName};

/// What a template can name, and what each stands for.
pub const PLACEHOLDERS: [(&str, &str); 13] = [
    ("site", "name of the site"),
    ("year", "year of capture, four digits"),
    ("month", "month of capture, 01 to 12"),
    ("month_name", "month of capture, in English: August"),
    ("day", "day of capture, 01 to 31"),
    ("date", "date of capture: 2024-08-09"),
    ("time", "time of capture: 14-30-00"),
    ("kind", "image or video"),
    (
        "ext",
        "extension by content: jpg, png, webp, tif, heic, avif, mp4, mkv",
    ),
    ("stem", "name of the camera's file without its extension"),
    ("name", "name of the camera's file"),
    ("sha256", "SHA-256 of the bytes, 64 hexadecimal digits"),
    ("sha8", "the first 8 digits of it"),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The longest key that S3 takes, in bytes of UTF-8.
const LONGEST: usize = 1024;

/// A parsed template: text and placeholders in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(&'static str),
}

/// Why a text is no [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// A placeholder that does not exist.
    #[error("there is no placeholder {{{0}}}: take one of {1}")]
    Unknown(String, String),
    /// A `{` or `}` without its partner.
    #[error("a {{ or }} stands alone")]
    Unbalanced,
    /// Nothing at all, or a part between slashes that is empty, `.` or `..`.
    #[error("a key has no empty part, no '.' and no '..' between its slashes")]
    EmptyPart,
}

/// What the placeholders stand for, for one image.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    /// The site.
    pub site: &'a SiteName,
    /// The capture time, in the site's zone.
    pub captured: DateTime<FixedOffset>,
    /// `image` or `video`.
    pub kind: &'a str,
    /// The extension of the content's format, without the dot.
    pub extension: &'a str,
    /// The file's name as bytes; need not be UTF-8.
    pub name: &'a [u8],
    /// The digest.
    pub sha256: Sha256,
}

impl Template {
    /// Parses a template such as `{year}/{month_name}/{name}`.
    ///
    /// # Errors
    /// When a placeholder is unknown, a brace stands alone, or a part between slashes is empty.
    pub fn parse(source: &str) -> Result<Self, BadTemplate> {
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some(at) = rest.find(['{', '}']) {
            let (text, tail) = rest.split_at(at);
            if !text.is_empty() {
                pieces.push(Piece::Text(text.to_owned()));
            }
            let inner = tail.strip_prefix('{').ok_or(BadTemplate::Unbalanced)?;
            let (name, after) = inner.split_once('}').ok_or(BadTemplate::Unbalanced)?;
            pieces.push(Piece::Field(placeholder(name)?));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        if source
            .split('/')
            .any(|part| matches!(part, "" | "." | ".."))
        {
            return Err(BadTemplate::EmptyPart);
        }
        Ok(Self {
            source: source.to_owned(),
            pieces,
        })
    }

    /// The names of images whose capture time is not known: no date in them, and no two alike.
    pub fn undated() -> Self {
        Self {
            source: "undated/{sha8}_{name}".to_owned(),
            pieces: vec![
                Piece::Text("undated/".to_owned()),
                Piece::Field("sha8"),
                Piece::Text("_".to_owned()),
                Piece::Field("name"),
            ],
        }
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The names of the placeholders it uses, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(name) => Some(*name),
            Piece::Text(_) => None,
        })
    }

    /// The name for one image; at most 1024 bytes, cut from the front of its last part where it is longer.
    pub fn render(&self, naming: &Naming<'_>) -> String {
        let mut name = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => name.push_str(text),
                Piece::Field(field) => name.push_str(&naming.value(field)),
            }
        }
        shorten(name)
    }
}

fn placeholder(name: &str) -> Result<&'static str, BadTemplate> {
    PLACEHOLDERS
        .iter()
        .map(|(known, _)| *known)
        .find(|known| *known == name)
        .ok_or_else(|| {
            let known: Vec<_> = PLACEHOLDERS.iter().map(|(name, _)| *name).collect();
            BadTemplate::Unknown(name.to_owned(), known.join(", "))
        })
}

impl Naming<'_> {
    fn value(&self, field: &str) -> String {
        let at = self.captured;
        match field {
            "site" => self.site.to_string(),
            "year" => at.format("%Y").to_string(),
            "month" => at.format("%m").to_string(),
            "month_name" => MONTHS[at.month0() as usize].to_owned(),
            "day" => at.format("%d").to_string(),
            "date" => at.format("%Y-%m-%d").to_string(),
            "time" => at.format("%H-%M-%S").to_string(),
            "kind" => self.kind.to_owned(),
            "ext" => self.extension.to_owned(),
            "stem" => {
                let name = tame(self.name);
                name.rsplit_once('.')
                    .map_or(name.clone(), |(stem, _)| stem.to_owned())
            }
            "name" => tame(self.name),
            "sha256" => self.sha256.to_string(),
            "sha8" => self.sha256.to_string()[..8].to_owned(),
            // `placeholder` lets nothing else through.
            _ => String::new(),
        }
    }
}

/// A file name as part of a key: the characters that S3 calls safe stay, every other byte becomes `-`, so
/// that no reader has to decode anything.
fn tame(name: &[u8]) -> String {
    let tame: String = name
        .iter()
        .map(|&byte| match byte {
            b'0'..=b'9'
            | b'a'..=b'z'
            | b'A'..=b'Z'
            | b'!'
            | b'-'
            | b'_'
            | b'.'
            | b'\''
            | b'('
            | b')' => byte as char,
            _ => '-',
        })
        .collect();
    match tame.as_str() {
        "" | "." | ".." => "-".to_owned(),
        _ => tame,
    }
}

fn shorten(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let (folder, last) = name.rsplit_once('/').unwrap_or(("", &name));
    let room = LONGEST.saturating_sub(folder.len() + 1).max(1);
    let mut from = last.len().saturating_sub(room);
    while !last.is_char_boundary(from) {
        from += 1;
    }
    if folder.is_empty() {
        last[from..].to_owned()
    } else {
        format!("{folder}/{}", &last[from..])
    }
}

/// The key beside a taken one: `_` and eight digits of the SHA-256 before the extension.
///
/// HydroCam's handler still finds date and time in it, because it reads the third and fourth parts
/// between underscores and this one is the fifth.
pub fn beside(key: &str, sha256: &Sha256) -> String {
    let digits = sha256.to_string();
    let (folder, name) = key
        .rsplit_once('/')
        .map_or(("", key), |(folder, name)| (folder, name));
    let slash = if folder.is_empty() { "" } else { "/" };
    match name.rsplit_once('.') {
        Some((stem, ext)) if !stem.is_empty() => {
            format!("{folder}{slash}{stem}_{}.{ext}", &digits[..8])
        }
        _ => format!("{folder}{slash}{name}_{}", &digits[..8]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone as _;
    use proptest::prelude::*;

    fn naming<'a>(site: &'a SiteName, name: &'a [u8]) -> Naming<'a> {
        Naming {
            site,
            captured: FixedOffset::west_opt(7 * 3600)
                .unwrap()
                .with_ymd_and_hms(2024, 8, 9, 14, 30, 0)
                .unwrap(),
            kind: "image",
            extension: "jpg",
            name,
            sha256: Sha256([0xab; 32]),
        }
    }

    /// `extract_datetime_from_filename` of hydrocam/collector and the handler's splitting, word for word.
    fn hydrocam_reads(key: &str) -> Option<(String, String)> {
        let name = key.rsplit('/').next()?;
        let date = name.split('_').nth(2)?;
        let time = name.split('_').nth(3)?.split('.').next()?;
        Some((date.to_owned(), time.to_owned()))
    }

    #[test]
    fn the_default_key_is_what_the_pipeline_parses() {
        let site = "first-dam".parse().unwrap();
        let template =
            Template::parse("{year}/{month_name}/{kind}_capture_{date}_{time}.{ext}").unwrap();
        let key = template.render(&naming(&site, b"RCNX0001.JPG"));
        assert_eq!(key, "2024/August/image_capture_2024-08-09_14-30-00.jpg");
        let read = Some(("2024-08-09".to_owned(), "14-30-00".to_owned()));
        assert_eq!(hydrocam_reads(&key), read);
        let beside = beside(&key, &Sha256([0xab; 32]));
        assert_eq!(
            beside,
            "2024/August/image_capture_2024-08-09_14-30-00_abababab.jpg"
        );
        assert_eq!(hydrocam_reads(&beside), read);
    }

    #[test]
    fn a_key_without_a_date_is_as_its_template_says() {
        let undated = Template::undated();
        assert_eq!(Template::parse(undated.as_str()), Ok(undated.clone()));
        let site = "first-dam".parse().unwrap();
        let key = undated.render(&naming(&site, b"RCNX 0001.JPG"));
        assert_eq!(key, "undated/abababab_RCNX-0001.JPG");
    }

    #[test]
    fn what_is_wrong_with_a_template_is_said() {
        assert!(
            matches!(Template::parse("{yaer}"), Err(BadTemplate::Unknown(name, _)) if name == "yaer")
        );
        for bad in ["{year", "year}", "{a{b}}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
        for bad in ["", "/a", "a/", "a//b", "../{name}", "a/./b"] {
            assert_eq!(Template::parse(bad), Err(BadTemplate::EmptyPart), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_file_name_leaves_its_place_in_the_key(name: Vec<u8>) {
            let site = "a".parse().unwrap();
            let key = Template::parse("{year}/{name}").unwrap().render(&naming(&site, &name));
            prop_assert!(key.len() <= LONGEST);
            prop_assert!(key.starts_with("2024/"));
            let part = &key[5..];
            prop_assert!(!matches!(part, "" | "." | ".."));
            prop_assert!(!part.contains('/'));
        }

        #[test]
        fn two_images_that_share_a_key_get_two_keys(key in "[a-z/]{1,20}(\\.[a-z]{1,4})?", one: [u8; 32], other: [u8; 32]) {
            prop_assume!(one[..4] != other[..4]);
            prop_assert_ne!(beside(&key, &Sha256(one)), beside(&key, &Sha256(other)));
            prop_assert_ne!(beside(&key, &Sha256(one)), key);
        }
    }
}
