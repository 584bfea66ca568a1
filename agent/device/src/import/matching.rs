//! Whose a file is: by what was said, by the folder it lies in, or by its name.

use std::path::{Path, PathBuf};

use crate::config::{FilePattern, Site};

/// The rules by which files find their sites; a site is its number in the list of the import's sites.
#[derive(Debug)]
pub(super) struct Matching {
    /// Everything is this site's.
    forced: Option<usize>,
    directories: Vec<(PathBuf, usize)>,
    patterns: Vec<(FilePattern, usize)>,
    names: Vec<String>,
}

/// Whose a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    /// This site's.
    Site(usize),
    /// Nobody's.
    None,
    /// Several sites' patterns stand for it.
    Several(Vec<usize>),
}

impl Matching {
    /// The rules of `sites`; `forced` when all is the first one's.
    pub(super) fn new(sites: &[Site], forced: bool) -> Self {
        let numbered = || sites.iter().enumerate();
        let real = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        Self {
            forced: forced.then_some(0),
            directories: numbered()
                .flat_map(|(number, site)| {
                    site.directories
                        .iter()
                        .map(move |path| (real(path), number))
                })
                .collect(),
            patterns: numbered()
                .flat_map(|(number, site)| {
                    site.matches
                        .iter()
                        .map(move |pattern| (pattern.clone(), number))
                })
                .collect(),
            names: sites.iter().map(|site| site.name.to_string()).collect(),
        }
    }

    /// The site that a manifest names.
    pub(super) fn named(&self, name: &str) -> Fit {
        let found = self.names.iter().position(|known| known == name);
        found.map_or(Fit::None, Fit::Site)
    }

    /// Whose the file at `path` is, of the source at `base`.
    pub(super) fn fit(&self, base: &Path, path: &Path) -> Fit {
        if let Some(site) = self.forced {
            return Fit::Site(site);
        }
        let inside = self
            .directories
            .iter()
            .find(|(folder, _)| path.starts_with(folder));
        if let Some((_, site)) = inside {
            return Fit::Site(*site);
        }
        let below = path.strip_prefix(base).unwrap_or(path).to_string_lossy();
        // The name of what was given counts too: `weir upload /media/first-dam`.
        let named = base.file_name().map_or_else(
            || below.to_string(),
            |name| format!("{}/{below}", name.to_string_lossy()),
        );
        let mut fits: Vec<usize> = self
            .patterns
            .iter()
            .filter(|(pattern, _)| pattern.fits(&below) || pattern.fits(&named))
            .map(|(_, site)| *site)
            .collect();
        fits.sort_unstable();
        fits.dedup();
        match fits.as_slice() {
            [] => Fit::None,
            [site] => Fit::Site(*site),
            _ => Fit::Several(fits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(toml: &str) -> Vec<Site> {
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("weir.toml");
        std::fs::write(
            &file,
            format!("state.directory = \"/var/lib/weir-of-a-test\"\n{toml}"),
        )
        .unwrap();
        crate::config::Config::load(Some(&file), [])
            .unwrap_or_else(|faults| panic!("{faults}"))
            .sites
    }

    #[test]
    fn a_file_is_its_folders_or_its_patterns_and_never_a_guess() {
        let sites = sites(
            "[[site]]\nname = \"north\"\ndirectory = \"/srv/camera/north\"\nmatch = [\"N-*\", \"north\"]\n\
             [[site]]\nname = \"south\"\nmatch = \"south/**\"\n[[site]]\nname = \"both\"\nmatch = \"*twice*\"\n\
             [[site]]\nname = \"again\"\nmatch = \"twice\"\n",
        );
        let matching = Matching::new(&sites, false);
        let fit =
            |base: &str, path: &str| matching.fit(Path::new(base), &Path::new(base).join(path));
        assert_eq!(fit("/media/card", "DCIM/N-0001.JPG"), Fit::Site(0));
        assert_eq!(fit("/media/north", "DCIM/1.JPG"), Fit::Site(0));
        assert_eq!(fit("/srv/camera/north", "x.jpg"), Fit::Site(0));
        assert_eq!(fit("/srv/camera", "north/x.jpg"), Fit::Site(0));
        assert_eq!(fit("/media/card", "south/a/b.jpg"), Fit::Site(1));
        assert_eq!(fit("/media/card", "DCIM/1.JPG"), Fit::None);
        assert_eq!(fit("/media/card", "twice/1.JPG"), Fit::Several(vec![2, 3]));
        assert_eq!(
            Matching::new(&sites, true).fit(Path::new("/media"), Path::new("/media/x")),
            Fit::Site(0)
        );
        assert_eq!(matching.named("south"), Fit::Site(1));
        assert_eq!(matching.named("west"), Fit::None);
    }
}
