//! `weir timestamp`: when pictures were taken and how that is known, of files, or of what the queue holds.

mod files;
mod restamp;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use weir_journey::stamp::Rules;

use super::args::Timestamp;
use super::output::Failed;
use crate::config::{Config, Site};

pub(super) fn timestamp(
    config: Option<&Path>,
    asked: &Timestamp,
    json: bool,
) -> Result<ExitCode, Failed> {
    if asked.restamp {
        let config = super::load(config)?;
        return restamp::restamp(&config, asked, json);
    }
    let sites = Sites::find(config, asked)?;
    files::tell(asked, &sites, json)
}

/// Whose rules a file is judged by.
struct Sites {
    configured: Vec<Site>,
    /// The one that was asked for.
    named: Option<usize>,
}

impl Sites {
    /// Those of the configuration. It need not be there; one that is wrong is a failure only where it was asked for.
    fn find(path: Option<&Path>, asked: &Timestamp) -> Result<Self, Failed> {
        let needed = path.is_some() || asked.site.is_some();
        let configured = match super::load(path) {
            Ok(config) => config.sites,
            Err(failed) if needed => return Err(failed),
            Err(failed) => {
                let first = failed.to_string();
                let first = first.lines().next().unwrap_or_default();
                eprintln!("weir: no site's rules are used: {first} (see `weir config check`)");
                Vec::new()
            }
        };
        let named = match &asked.site {
            None => None,
            Some(name) => Some(position(&configured, name)?),
        };
        Ok(Self { configured, named })
    }

    /// The site that was asked for, or the one in whose folder a file lies.
    fn of(&self, path: &Path) -> Option<&Site> {
        if let Some(named) = self.named {
            return self.configured.get(named);
        }
        let path = std::path::absolute(path).ok()?;
        let holds = |site: &&Site| {
            site.directories
                .iter()
                .any(|folder| path.starts_with(folder))
        };
        self.configured.iter().find(holds)
    }
}

pub(super) fn position(sites: &[Site], name: &str) -> Result<usize, Failed> {
    let found = sites.iter().position(|site| site.name.as_str() == name);
    found.ok_or_else(|| {
        let known: Vec<_> = sites.iter().map(|site| site.name.as_str()).collect();
        let known = if known.is_empty() {
            "no site is configured".to_owned()
        } else {
            format!("configured are {}", known.join(", "))
        };
        Failed::Usage(format!("--site {name}: there is no such site; {known}"))
    })
}

/// A site's rules, with what the command line says instead.
fn overridden(mut rules: Rules, asked: &Timestamp) -> Rules {
    if let Some(zone) = &asked.timezone {
        rules.zone = Some(zone.zone());
    }
    let own = std::mem::take(&mut rules.patterns);
    rules.patterns = asked.patterns.iter().cloned().chain(own).collect();
    rules
}

/// The configuration's site of a row.
fn site_of<'c>(config: &'c Config, name: &str) -> Option<&'c Site> {
    config.sites.iter().find(|site| site.name.as_str() == name)
}

/// A path as text; what is not UTF-8 is replaced.
fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Every regular file of the paths asked for: files as they are, folders with all below them, in order of name.
/// What cannot be looked at comes as an error with its path.
pub(super) fn walk(
    paths: &[PathBuf],
) -> impl Iterator<Item = Result<PathBuf, (PathBuf, std::io::Error)>> {
    let mut open: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    std::iter::from_fn(move || {
        loop {
            // Links are followed where they were asked for; `below` leaves them out, so that no loop goes on for ever.
            let path = open.pop()?;
            let kind = match path.metadata() {
                Ok(kind) => kind,
                Err(error) => return Some(Err((path, error))),
            };
            if kind.is_file() {
                return Some(Ok(path));
            }
            if !kind.is_dir() {
                // Opening a pipe would wait for ever.
                return Some(Err((
                    path,
                    std::io::Error::other("is neither a file nor a folder"),
                )));
            }
            match below(&path) {
                Ok(mut entries) => open.append(&mut entries),
                Err(error) => return Some(Err((path, error))),
            }
        }
    })
}

/// The entries of a folder, last first, without links and hidden ones.
fn below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if (kind.is_file() || kind.is_dir()) && !hidden {
            entries.push(entry.path());
        }
    }
    entries.sort_unstable_by(|one, other| other.cmp(one));
    Ok(entries)
}
