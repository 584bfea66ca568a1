//! `[[site]]`: the camera sites whose images the device carries.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::str::FromStr;

use weir_journey::identity::SiteName;
use weir_journey::settle::NamePattern;
use weir_journey::stamp::{Doubtful, Pattern, Rules};

use super::block::Block;
use super::look::{self, Look};
use super::store::{BUCKET, KEY, Store};
use crate::config::fault::{Fault, Origin};
use crate::config::form::{Line, WrittenPath, camera_clock, day, list, one_or_more, text, word};
use crate::config::reader::{Reader, resolve};
use crate::config::template::{BucketName, BucketTemplate, KeyTemplate, NotABucket};
use crate::config::zone::TimeZoneName;
use crate::queue::products_name;

/// A camera site.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Its name; no two sites share one.
    pub name: SiteName,
    /// The folders its camera writes to, absolute; none inside another, of this site or any. May be empty when there
    /// are patterns.
    pub directories: Vec<PathBuf>,
    /// Which files of a card or folder are its own.
    pub matches: Vec<FilePattern>,
    /// Time zone in which its windows and days are meant, and its keys are written: the camera's, or UTC.
    pub timezone: TimeZoneName,
    /// What is said of its camera's clock and names.
    pub rules: Rules,
    /// What becomes of images whose capture time is doubtful.
    pub doubtful: Doubtful,
    /// Where its objects go.
    pub bucket: BucketName,
    /// How its objects are named.
    pub key: KeyTemplate,
    /// Files that its camera writes again and again in place.
    pub overwritten: Vec<NamePattern>,
    /// What is looked for in each of its images; `None` for no look.
    pub look: Option<Look>,
}

impl Site {
    /// A site that no configuration knows, with what is left out of a block: for an upload by hand.
    ///
    /// # Errors
    /// When the store's template gives it no bucket.
    pub fn unconfigured(name: SiteName, store: &Store) -> Result<Self, NotABucket> {
        Ok(Self {
            bucket: store.bucket.bucket_of(&name)?,
            name,
            directories: Vec::new(),
            matches: Vec::new(),
            timezone: TimeZoneName::default(),
            rules: Rules::default(),
            doubtful: Doubtful::default(),
            key: store.key.clone(),
            overwritten: Vec::new(),
            look: None,
        })
    }
}

/// A pattern of folders and files, as a shell has them (`*`, `?`, `[a-z]`, `**`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePattern(glob::Pattern);

impl FilePattern {
    /// How patterns are compared: as FAT does, without regard to capitals; `*` stays within a name.
    const OPTIONS: glob::MatchOptions = glob::MatchOptions {
        case_sensitive: false,
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };

    /// Whether it stands for a file at `path`: relative, its components separated by `/`. A pattern without `/` is
    /// compared with each component, one with `/` with the path and the folders it begins with.
    pub fn fits(&self, path: &str) -> bool {
        let is = |text: &str| self.0.matches_with(text, Self::OPTIONS);
        if self.0.as_str().contains('/') {
            let ends = path.match_indices('/').map(|(end, _)| end);
            is(path) || ends.into_iter().any(|end| is(&path[..end]))
        } else {
            path.split('/').any(is)
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for FilePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Line(text) = text.parse()?;
        if text.starts_with('/') {
            return Err("begins with \"/\", but is compared with paths below the one given".into());
        }
        let pattern = glob::Pattern::new(text.trim_end_matches('/'));
        pattern
            .map(Self)
            .map_err(|error| format!("is no pattern: {}", error.msg))
    }
}

/// What a time zone must be.
const ZONE: &str = "a time zone such as \"Etc/GMT+7\", \"America/Denver\" or \"-07:00\"";

/// What a pattern must be, as [`Pattern`] has it.
const PATTERN: &str = "a pattern of strptime for the file's name without its extension, such as \"cam_%Y%m%d_%H%M%S\"";

/// What a name must be, as [`SiteName`] has it.
const NAME: &str = "1 to 63 of a-z, 0-9, \"-\" and \".\", beginning and ending with a letter or digit, such as \"first-dam\"";

/// What can be done with doubtful images.
const DOUBTFUL: &[(&str, Doubtful)] = &[
    ("mtime", Doubtful::Mtime),
    ("undated", Doubtful::Undated),
    ("hold", Doubtful::Hold),
];

/// What the name of a file that is rewritten must be.
const REWRITTEN: &str = "a file name such as \"latest.jpg\" or \"*.cur.jpg\"";

/// A site's name, with an error that is part of a sentence.
struct Named(SiteName);

impl FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| "cannot name a site")
    }
}

/// A site's folder and where it was written.
#[derive(Debug)]
pub(in crate::config) struct Claim {
    /// The site's name, or its number where the name is at fault.
    pub(in crate::config) site: String,
    pub(in crate::config) directory: PathBuf,
    /// `site[1].directory`.
    pub(in crate::config) key: String,
    pub(in crate::config) origin: Origin,
}

/// Reads every block. A site that is wrong is left out, its faults recorded; its folders are claimed all the same.
pub(in crate::config) fn read(reader: &mut Reader<'_>, store: &Store) -> (Vec<Site>, Vec<Claim>) {
    let (mut sites, mut claims) = (Vec::new(), Vec::new());
    let mut names = HashMap::new();
    for (index, (header, table)) in reader.blocks("site").into_iter().enumerate() {
        let number = index + 1;
        let mut block = Block {
            reader,
            table,
            header,
            section: "site",
            number,
        };
        let name = read_name(&mut block, &mut names);
        let matches = read_matches(&mut block);
        let directories = read_directories(&mut block);
        claims.extend(directories.iter().map(|directory| {
            Claim {
                site: name
                    .as_ref()
                    .map_or_else(|| block.number.to_string(), SiteName::to_string),
                directory: directory.clone(),
                key: block.path("directory"),
                origin: block.origin("directory"),
            }
        }));
        let site = read_rest(&mut block, name, (directories, matches), store);
        block.refuse_unknown_keys();
        if let Some(site) = site {
            show_effective(&mut block, &site);
            sites.push(site);
        }
    }
    refuse_names_of_products(reader, &sites, &names);
    (sites, claims)
}

/// Refuses the names that the products of a site that is looked at need for themselves.
fn refuse_names_of_products(
    reader: &mut Reader<'_>,
    sites: &[Site],
    names: &HashMap<SiteName, (usize, Origin)>,
) {
    /// The longest name of which the queue can make one for its products.
    const LONGEST: usize = 54;
    for site in sites.iter().filter(|site| site.look.is_some()) {
        let own = names.get(&site.name);
        let (at, message) = match products_name(&site.name) {
            Err(_) => (
                own,
                format!(
                    "a site whose images are looked at has a name of at most {LONGEST} characters"
                ),
            ),
            Ok(products) => (
                names.get(&products),
                format!(
                    "what is made of the images of {} is kept under this name",
                    site.name
                ),
            ),
        };
        if let Some((number, origin)) = at {
            reader.fault(Fault {
                origin: origin.clone(),
                key: Some(format!("site[{number}].name")),
                message,
                suggestion: Some("choose another name".to_owned()),
            });
        }
    }
}

/// Has the settings shown as they take effect: paths absolute, and what is left out from where it is taken.
fn show_effective(block: &mut Block<'_, '_>, site: &Site) {
    let directories = site
        .directories
        .iter()
        .map(|directory| directory.to_string_lossy().into_owned());
    match directories.collect::<Vec<_>>().as_slice() {
        [] => {}
        [one] => block.show_as("directory", toml::Value::from(one.as_str()).to_string()),
        many => block.show_as("directory", toml::Value::from(many.to_vec()).to_string()),
    }
    let (bucket, key) = (
        block.reader.origin("store.bucket"),
        block.reader.origin("store.key"),
    );
    block.show_left_out("doubtful", site.doubtful.name(), Origin::Default);
    block.show_left_out("bucket", site.bucket.as_str(), bucket);
    block.show_left_out("key", site.key.as_str(), key);
}

/// Reads a name that none of `names` is.
fn read_name(
    block: &mut Block<'_, '_>,
    names: &mut HashMap<SiteName, (usize, Origin)>,
) -> Option<SiteName> {
    let Named(name) = block.required("name", text::<Named>(NAME))?;
    let origin = block.origin("name");
    match names.entry(name.clone()) {
        Entry::Occupied(first) => block.fault(
            "name",
            format!("a site {name} is at {} already", first.get().1),
            None,
        ),
        Entry::Vacant(vacant) => drop(vacant.insert((block.number, origin))),
    }
    Some(name)
}

/// Reads the patterns of files; none when there are none, or they are at fault.
fn read_matches(block: &mut Block<'_, '_>) -> Vec<FilePattern> {
    let pattern = text::<FilePattern>("a pattern such as \"FD-*.jpg\"");
    block
        .optional("match", one_or_more(pattern))
        .unwrap_or_default()
}

/// Reads the folders, made absolute; none when they are at fault, or left out beside patterns.
fn read_directories(block: &mut Block<'_, '_>) -> Vec<PathBuf> {
    let path = text::<WrittenPath>("a path such as \"/srv/camera/first-dam\"");
    let written = if block.table.contains_key("match") {
        block.optional("directory", one_or_more(path))
    } else {
        block.required("directory", one_or_more(path))
    };
    let written = written.unwrap_or_default();
    let origin = block.origin("directory");
    written
        .into_iter()
        .map(|WrittenPath(path)| resolve(&origin, &path))
        .collect()
}

/// Reads what may be left out.
fn read_rest(
    block: &mut Block<'_, '_>,
    name: Option<SiteName>,
    (directories, matches): (Vec<PathBuf>, Vec<FilePattern>),
    store: &Store,
) -> Option<Site> {
    let timezone = block.optional("timezone", text::<TimeZoneName>(ZONE));
    let rules = Rules {
        zone: timezone.as_ref().map(TimeZoneName::zone),
        patterns: block
            .optional("patterns", list(text::<Pattern>(PATTERN)))
            .unwrap_or_default(),
        camera_clock: block
            .optional("camera_clock_offset", camera_clock())
            .unwrap_or_default(),
        since: block.optional("since", day()),
    };
    let doubtful = block.optional("doubtful", word(DOUBTFUL));
    let bucket = block.optional("bucket", text::<BucketTemplate>(BUCKET));
    let key = block.optional("key", text::<KeyTemplate>(KEY));
    let names = list(text::<NamePattern>(REWRITTEN));
    let overwritten = block.optional("overwritten", names);
    let look = look::read(block);
    let name = name?;
    let (template, at, subject) = match &bucket {
        Some(own) => (own, "bucket", ""),
        None => (&store.bucket, "name", "store.bucket "),
    };
    let bucket = template
        .bucket_of(&name)
        .map_err(|error| block.fault(at, format!("{subject}{error}"), None));
    Some(Site {
        name,
        directories,
        matches,
        timezone: timezone.unwrap_or_default(),
        rules,
        doubtful: doubtful.unwrap_or_default(),
        bucket: bucket.ok()?,
        key: key.unwrap_or_else(|| store.key.clone()),
        overwritten: overwritten.unwrap_or_default(),
        look,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_names_on_the_way_or_for_folders_from_the_start() {
        let fits = |pattern: &str, path: &str| pattern.parse::<FilePattern>().unwrap().fits(path);
        for (pattern, path) in [
            ("first-dam", "first-dam/a.jpg"),
            ("first-dam", "DCIM/FIRST-DAM/100/a.jpg"),
            ("FD-*.jpg", "DCIM/fd-0001.JPG"),
            ("DCIM/1??RECNX", "dcim/100RECNX/RCNX0001.JPG"),
            ("DCIM/**/north_*", "DCIM/a/b/north_1.jpg"),
            ("north/", "north/x.jpg"),
        ] {
            assert!(fits(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("dam", "first-dam/a.jpg"),
            ("FD-*.jpg", "FD-/x.png"),
            ("100RECNX/*", "DCIM/100RECNX/a.jpg"),
            ("DCIM/*", "x/DCIM/a.jpg"),
            ("a*b", "a/b"),
        ] {
            assert!(!fits(pattern, path), "{pattern} {path}");
        }
    }
}
