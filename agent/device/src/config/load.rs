//! Loading: find the file, read every section, compare with the disk, and only then say what is wrong.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::document::{Document, position};
use super::environment::Environment;
use super::fault::{Fault, Faults, Origin};
use super::locate::{self, Search};
use super::reader::{Reader, Setting};
use super::sections::site::Claim;
use super::sections::{
    daemon, gate, infer, pipeline, retain, settle, site, state, store, upload, verify, watch,
};
use super::{Config, State, Store, disk, key_file, unknown};

/// The built-in defaults: every key with its meaning.
pub(super) const DEFAULTS: &str = include_str!("defaults.toml");

/// A configuration with what is told about it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) config: Config,
    /// Every setting with its effective value and where it came from.
    pub(super) settings: Vec<Setting>,
    /// The file that was read.
    pub(super) file: Option<PathBuf>,
    /// What is worth knowing but no fault.
    pub(super) notes: Vec<String>,
}

/// Loads the configuration of `path`, or of where it is looked for.
pub(super) fn load(
    path: Option<&Path>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, Faults> {
    let mut environment = Environment::new(variables);
    let handed = locate::handed_keys(&environment);
    if let Some(keys) = handed.filter(|path| key_file::says_something(path)) {
        environment.hand_keys(keys);
    }
    let file = find(locate::config_file(path, &environment))?;
    let root = rustix::process::geteuid().is_root();
    let text = file
        .as_ref()
        .map(|(path, text)| (path.as_path(), text.as_str()));
    let mut loaded = read(text, &environment, root, disk::compare)?;
    loaded.file = file.map(|(path, _)| path);
    if cfg!(not(feature = "infer")) {
        refuse_looks(&loaded.settings)?;
    }
    Ok(loaded)
}

/// Refuses what a program without models cannot do, rather than leave it undone. The manual tells of it all the same.
fn refuse_looks(settings: &[Setting]) -> Result<(), Faults> {
    let keys = ["model", "derivatives", "first", "later", "skip"];
    let of_sites = settings.iter().filter(|setting| setting.section == "site");
    let given = of_sites.filter(|one| keys.contains(&one.key.as_str()) && !one.text.is_empty());
    let faults = given.map(|setting| Fault {
        origin: setting.origin.clone(),
        key: Some(format!(
            "site[{}].{}",
            setting.block.unwrap_or(1),
            setting.key
        )),
        message: "this weir was built without models on the device (feature \"infer\")".to_owned(),
        suggestion: Some("leave the key out, or install a weir that has them".to_owned()),
    });
    Faults::of(faults.collect()).map_or(Ok(()), Err)
}

/// The file of a search, and its text.
fn find(search: Search) -> Result<Option<(PathBuf, String)>, Faults> {
    let (paths, must) = match search {
        Search::Named(path) => (vec![path], true),
        Search::Among(paths) => (paths, false),
    };
    for path in paths {
        match std::fs::read(&path) {
            Ok(bytes) => return decode(&path, bytes).map(|text| Some((path, text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must => {}
            Err(error) => {
                let origin = Origin::File {
                    path,
                    line: None,
                    column: None,
                };
                let message = format!("cannot be read: {error}");
                return Err(Fault {
                    origin,
                    key: None,
                    message,
                    suggestion: None,
                }
                .into());
            }
        }
    }
    Ok(None)
}

fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, Faults> {
    String::from_utf8(bytes).map_err(|error| {
        let (line, column) = position(error.as_bytes(), error.utf8_error().valid_up_to());
        let origin = Origin::File {
            path: path.to_owned(),
            line: Some(line),
            column: Some(column),
        };
        Fault {
            origin,
            key: None,
            message: "not UTF-8".to_owned(),
            suggestion: None,
        }
        .into()
    })
}

/// Compares what was read with the disk: records faults, gives notes.
pub(super) type Compare = fn(&mut Reader<'_>, &State, &Store, &[Claim]) -> Vec<String>;

/// Reads a configuration from the text of a file and the environment; touches no disk but through `compare`.
pub(super) fn read(
    file: Option<(&Path, &str)>,
    environment: &Environment,
    root: bool,
    compare: Compare,
) -> Result<Loaded, Faults> {
    let defaults = Document::parse(Path::new("defaults.toml"), DEFAULTS)?;
    let file = file
        .map(|(path, text)| Document::parse(path, text))
        .transpose()?;
    let mut reader = Reader::new(&defaults, file.as_ref(), environment);
    // In the order of the manual, which `weir config show` keeps; sites last, as TOML wants its tables of many.
    let state = state::read(&mut reader, root);
    let watch = watch::read(&mut reader);
    let settle = settle::read(&mut reader);
    let gate = gate::read(&mut reader);
    let pipeline = pipeline::read(&mut reader);
    let infer = infer::read(&mut reader);
    let store = store::read(&mut reader);
    let upload = upload::read(&mut reader);
    let verify = verify::read(&mut reader);
    let retain = retain::read(&mut reader);
    let daemon = daemon::read(&mut reader);
    let (sites, claims) = site::read(&mut reader, &store);
    pipeline::compare(&mut reader, &pipeline, &sites);
    infer::compare(&mut reader, &infer, &sites);
    let notes = compare(&mut reader, &state, &store, &claims);
    unknown::refuse(&mut reader);
    let settings = reader.finish()?;
    let config = Config {
        state,
        sites,
        watch,
        settle,
        gate,
        pipeline,
        infer,
        store,
        upload,
        verify,
        retain,
        daemon,
    };
    Ok(Loaded {
        config,
        settings,
        file: None,
        notes,
    })
}
