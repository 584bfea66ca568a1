//! Templates of bucket names and object keys, refused at load when they could not work.
//!
//! A template is text with placeholders in braces. A bucket's template knows `{site}` only, so that the bucket of
//! every site is known at load; a key's template knows all of [`PLACEHOLDERS`].

use std::fmt;
use std::str::FromStr;

use weir_journey::identity::SiteName;
use weir_journey::upload::{PLACEHOLDERS, Template};

use super::suggest::nearest;

/// Placeholders of which a key needs at least one, lest all images of a day share one key.
const DISTINGUISHING: [&str; 5] = ["time", "stem", "name", "sha256", "sha8"];

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotATemplate {
    /// A brace without its partner.
    #[error("has a brace without its partner")]
    LoneBrace,
    /// A placeholder that is not known here.
    #[error("has an unknown placeholder {{{name}}}{}", perhaps(.nearest.as_deref()))]
    UnknownPlaceholder {
        /// The placeholder, without its braces.
        name: String,
        /// The known one that is most like it.
        nearest: Option<String>,
    },
    /// Nothing in a key tells two images of a day apart.
    #[error(
        "gives all images of a day one key; add one of {{time}}, {{stem}}, {{name}}, {{sha256}}, {{sha8}}"
    )]
    SameForAll,
    /// Nothing in a derivative's key tells two derivatives of an image apart.
    #[error("gives all derivatives of an image one key; add {{name}}")]
    SameForAllDerivatives,
    /// A key that begins or ends with a slash or has an empty, `.` or `..` part.
    #[error("has an empty, \".\" or \"..\" part between slashes")]
    BadPath,
}

fn perhaps(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean {{{name}}}?)"))
}

/// The names of the placeholders in `template`, in order.
///
/// # Errors
/// [`NotATemplate::LoneBrace`] or [`NotATemplate::UnknownPlaceholder`].
fn placeholders<'t>(template: &'t str, known: &[&str]) -> Result<Vec<&'t str>, NotATemplate> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(brace) = rest.find(['{', '}']) {
        let inside = rest[brace..]
            .strip_prefix('{')
            .ok_or(NotATemplate::LoneBrace)?;
        let end = inside.find(['{', '}']).ok_or(NotATemplate::LoneBrace)?;
        let (name, after) = inside.split_at(end);
        rest = after.strip_prefix('}').ok_or(NotATemplate::LoneBrace)?;
        if !known.contains(&name) {
            let nearest = nearest(name, known.iter().copied()).map(str::to_owned);
            return Err(NotATemplate::UnknownPlaceholder {
                name: name.to_owned(),
                nearest,
            });
        }
        found.push(name);
    }
    Ok(found)
}

/// A template of object keys that is known to parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTemplate(Template);

impl KeyTemplate {
    /// The template itself.
    pub const fn template(&self) -> &Template {
        &self.0
    }

    /// The template as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for KeyTemplate {
    type Err = NotATemplate;

    fn from_str(text: &str) -> Result<Self, NotATemplate> {
        let found = placeholders(text, &PLACEHOLDERS.map(|(name, _)| name))?;
        if !found.iter().any(|name| DISTINGUISHING.contains(name)) {
            return Err(NotATemplate::SameForAll);
        }
        Template::parse(text)
            .map(Self)
            .map_err(|_| NotATemplate::BadPath)
    }
}

/// A template of the keys of derivatives: as a [`KeyTemplate`], but `{name}` is the derivative's own name and must be
/// there, lest all derivatives of an image share one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivativeKeyTemplate(String);

impl DerivativeKeyTemplate {
    /// The template of the keys of one derivative; `None` only for a name that breaks it, which none of a
    /// configuration does.
    pub fn of(&self, name: &str) -> Option<Template> {
        Template::parse(&self.0.replace("{name}", name)).ok()
    }
}

impl FromStr for DerivativeKeyTemplate {
    type Err = NotATemplate;

    fn from_str(text: &str) -> Result<Self, NotATemplate> {
        if !placeholders(text, &PLACEHOLDERS.map(|(name, _)| name))?.contains(&"name") {
            return Err(NotATemplate::SameForAllDerivatives);
        }
        text.replace("{name}", "name").parse::<KeyTemplate>()?;
        Ok(Self(text.to_owned()))
    }
}

/// A template of bucket names; its one placeholder is `{site}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketTemplate(String);

impl FromStr for BucketTemplate {
    type Err = NotATemplate;

    fn from_str(text: &str) -> Result<Self, NotATemplate> {
        placeholders(text, &["site"])?;
        Ok(Self(text.to_owned()))
    }
}

impl BucketTemplate {
    /// The bucket of `site`.
    ///
    /// # Errors
    /// When S3 could not have a bucket of that name.
    pub fn bucket_of(&self, site: &SiteName) -> Result<BucketName, NotABucket> {
        let name = self.0.replace("{site}", site.as_str());
        name.parse().map_err(|_| NotABucket(name))
    }
}

/// The name of a bucket, by the rules of S3: 3 to 63 of `a-z`, `0-9`, `-` and `.`, beginning and ending with a letter
/// or digit (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BucketName(String);

impl BucketName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BucketName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (3..=63).contains(&text.len()) && text.parse::<SiteName>().is_ok();
        fits.then(|| Self(text.to_owned()))
            .ok_or("cannot name a bucket")
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that no bucket can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "names the bucket {0:?}, but a bucket's name is 3 to 63 of a-z, 0-9, '-' and '.', beginning and ending with a \
     letter or digit"
)]
pub struct NotABucket(pub String);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_known_placeholder_is_found_in_order(
            picks in proptest::collection::vec(0..PLACEHOLDERS.len(), 0..8),
            between in "[a-z/_.-]{0,4}",
        ) {
            let names: Vec<_> = picks.iter().map(|&pick| PLACEHOLDERS[pick].0).collect();
            let text: String = names.iter().map(|name| format!("{between}{{{name}}}")).collect();
            prop_assert_eq!(placeholders(&text, &PLACEHOLDERS.map(|(name, _)| name)), Ok(names));
        }

        #[test]
        fn no_text_breaks_the_parsers(text: String) {
            let _ = (text.parse::<KeyTemplate>(), text.parse::<BucketTemplate>());
        }
    }

    fn key_fault(text: &str) -> NotATemplate {
        text.parse::<KeyTemplate>().expect_err(text)
    }

    #[test]
    fn keys_that_cannot_work_are_refused() {
        assert_eq!(key_fault("{year}/{time"), NotATemplate::LoneBrace);
        assert_eq!(key_fault("{year}}/{time}"), NotATemplate::LoneBrace);
        assert_eq!(key_fault("{year}/{date}.jpg"), NotATemplate::SameForAll);
        for bad in ["/{time}", "{time}/", "a//{time}", "../{time}", "a/./{time}"] {
            assert_eq!(key_fault(bad), NotATemplate::BadPath, "{bad}");
        }
        assert_eq!(
            key_fault("{yeer}/{time}").to_string(),
            "has an unknown placeholder {yeer} (did you mean {year}?)"
        );
    }

    #[test]
    fn a_bucket_is_known_from_its_site_alone() {
        let site: SiteName = "first-dam".parse().expect("a site");
        let template: BucketTemplate = "{site}-image".parse().expect("a template");
        assert_eq!(
            template.bucket_of(&site).map(|b| b.to_string()),
            Ok("first-dam-image".into())
        );
        assert!("{year}-image".parse::<BucketTemplate>().is_err());
        for bad in ["{site}_image", "Hydro-{site}", "ab", "{site}-"] {
            let template: BucketTemplate = bad.parse().expect("a template");
            assert!(template.bucket_of(&site).is_err(), "{bad}");
        }
    }
}
