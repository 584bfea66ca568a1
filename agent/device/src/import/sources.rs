//! The cards, folders and files that were given, and the sites of this import.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{ImportError, Request};
use crate::config::{Config, Site};

/// A card, folder or file that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Absolute and without links.
    pub(super) root: PathBuf,
    /// What paths are told relative to: the folder itself, or that of the file.
    pub(super) base: PathBuf,
    /// The device number of its file system.
    device: u64,
}

impl Source {
    /// Looks at what was given. Blocks.
    fn find(given: &Path) -> Result<Self, ImportError> {
        let cannot = |error: io::Error| {
            ImportError::Usage(format!(
                "cannot read {}: {error}; give the folder where the card is mounted",
                given.display()
            ))
        };
        let root = std::fs::canonicalize(given).map_err(cannot)?;
        let stat = std::fs::metadata(&root).map_err(cannot)?;
        let base = if stat.is_dir() {
            std::fs::read_dir(&root).map_err(cannot)?;
            root.clone()
        } else if stat.is_file() {
            root.parent().unwrap_or(Path::new("/")).to_owned()
        } else {
            return Err(cannot(io::Error::other("neither a folder nor a file")));
        };
        Ok(Self {
            root,
            base,
            device: stat.dev(),
        })
    }

    /// A path as it is told: below what was given.
    pub(super) fn relative<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.base).unwrap_or(path)
    }

    /// Whether it is still there: a card that was pulled is not, whether or not its mount point is. Blocks.
    pub(super) fn is_there(&self) -> bool {
        let Ok(stat) = std::fs::metadata(&self.root) else {
            return false;
        };
        // A card that is pulled and still mounted shows its own folder from memory, but not what is in it.
        let readable = || match std::fs::read_dir(&self.root) {
            Ok(mut entries) => !matches!(entries.next(), Some(Err(_))),
            Err(_) => false,
        };
        stat.dev() == self.device && (stat.is_file() || readable())
    }
}

/// Looks at all that was given; what lies inside another one is left out. Blocks.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<Source>, ImportError> {
    let mut sources = paths
        .iter()
        .map(|path| Source::find(path))
        .collect::<Result<Vec<_>, _>>()?;
    sources.sort_by(|one, other| one.root.cmp(&other.root));
    sources.dedup_by(|later, earlier| later.root.starts_with(&earlier.root));
    Ok(sources)
}

/// The sites of an import: those of the configuration, or with `--site` that one alone.
pub(super) fn sites(config: &Config, request: &Request) -> Result<Vec<Site>, ImportError> {
    let Some(name) = &request.site else {
        if request.timezone.is_some() {
            let why = "--timezone goes with --site; without it each site has its own `timezone` in the configuration";
            return Err(ImportError::Usage(why.to_owned()));
        }
        return Ok(config.sites.clone());
    };
    let mut site = match config.sites.iter().find(|site| site.name == *name) {
        Some(site) => site.clone(),
        None if config.sites.is_empty() => {
            let site = Site::unconfigured(name.clone(), &config.store);
            site.map_err(|error| ImportError::Usage(format!("--site {name}: {error}")))?
        }
        None => {
            let names: Vec<_> = config.sites.iter().map(|site| site.name.as_str()).collect();
            return Err(ImportError::Usage(format!(
                "the configuration has no site {name}: it has {}; add a [[site]] block with that name",
                names.join(", ")
            )));
        }
    };
    if let Some(zone) = &request.timezone {
        site.rules.zone = Some(zone.zone());
        site.timezone = zone.clone();
    }
    Ok(vec![site])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_inside_another_is_taken_once() {
        let room = tempfile::tempdir().unwrap();
        let card = room.path().join("card");
        std::fs::create_dir_all(card.join("DCIM")).unwrap();
        std::fs::write(card.join("a.jpg"), "x").unwrap();
        std::os::unix::fs::symlink(&card, room.path().join("link")).unwrap();
        let given = ["card/DCIM", "card", "link", "card/a.jpg"].map(|name| room.path().join(name));
        let found = find(&given).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].is_there());
        assert_eq!(
            found[0].relative(&found[0].root.join("a.jpg")),
            Path::new("a.jpg")
        );
        let file = find(&given[3..]).unwrap().remove(0);
        assert_eq!(file.relative(&file.root), Path::new("a.jpg"));
        std::fs::remove_dir_all(&card).unwrap();
        assert!(!found[0].is_there() && !file.is_there());
        assert!(matches!(find(&given), Err(ImportError::Usage(_))));
    }
}
