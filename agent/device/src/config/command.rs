//! `weir config init`, `check` and `show`: what they print and how they end.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::{Value, json};

use super::fault::{Faults, Origin};
use super::load::{Loaded, load};
use super::reader::Setting;
use super::{manual, models};

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What a command prints on its standard output, and its exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text, with its last line ended.
    pub text: String,
    /// 0, or 2 when the configuration is at fault.
    pub exit: u8,
}

/// `weir config check`: whether the configuration is fine, or all its faults.
pub fn check(
    path: Option<&Path>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    format: Format,
) -> Answer {
    match load(path, variables) {
        Ok(loaded) => match models::missing(&loaded) {
            Some(faults) => wrong(&faults, format),
            None => Answer {
                text: fine(&loaded, format),
                exit: 0,
            },
        },
        Err(faults) => wrong(&faults, format),
    }
}

/// `weir config show`: the value of every setting and where it came from, or all faults.
pub fn show(
    path: Option<&Path>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    format: Format,
) -> Answer {
    match load(path, variables) {
        Ok(loaded) => Answer {
            text: listing(&loaded.settings, format),
            exit: 0,
        },
        Err(faults) => wrong(&faults, format),
    }
}

fn wrong(faults: &Faults, format: Format) -> Answer {
    let text = match format {
        Format::Text => format!("{faults}\n"),
        Format::Json => format!(
            "{:#}\n",
            json!({ "fine": false, "faults": faults.iter().collect::<Vec<_>>() })
        ),
    };
    Answer { text, exit: 2 }
}

fn fine(loaded: &Loaded, format: Format) -> String {
    let Loaded {
        config,
        file,
        notes,
        ..
    } = loaded;
    let sites = config.sites.len();
    if format == Format::Json {
        return format!(
            "{:#}\n",
            json!({ "fine": true, "file": file, "sites": sites, "notes": notes })
        );
    }
    let plural = if sites == 1 { "site" } else { "sites" };
    let from = file
        .as_ref()
        .map_or("no file, defaults only".to_owned(), |path| {
            path.display().to_string()
        });
    let mut text = format!("configuration is fine: {sites} {plural} ({from})\n");
    if sites == 0 {
        text.push_str("note: without a [[site]] there is nothing to watch\n");
    }
    notes
        .iter()
        .for_each(|note| text.push_str(&format!("note: {note}\n")));
    text
}

fn listing(settings: &[Setting], format: Format) -> String {
    let settings = settings.iter().filter(|setting| !setting.text.is_empty());
    if format == Format::Json {
        let list: Vec<_> = settings.map(as_json).collect();
        return format!("{:#}\n", Value::from(list));
    }
    let mut text = String::new();
    let mut heading = None;
    for setting in settings {
        let this = (&setting.section, setting.block);
        if heading.replace(this) != Some(this) {
            let gap = if text.is_empty() { "" } else { "\n" };
            let (open, close) = if setting.block.is_some() {
                ("[[", "]]")
            } else {
                ("[", "]")
            };
            text.push_str(&format!("{gap}{open}{}{close}\n", setting.section));
        }
        text.push_str(&format!(
            "{} = {} # {}\n",
            setting.key,
            shown(setting),
            setting.origin
        ));
    }
    text
}

fn as_json(setting: &Setting) -> Value {
    let value = shown(setting).parse::<toml::Value>().ok();
    json!({
        "section": setting.section,
        "block": setting.block,
        "key": setting.key,
        "value": value,
        "origin": setting.origin,
    })
}

/// The value as it may be shown: a command line may hold a secret.
fn shown(setting: &Setting) -> &str {
    let secret = setting.section == "store"
        && setting.key == "credential_process"
        && setting.origin != Origin::Default;
    if secret {
        "\"(set, not shown)\""
    } else {
        &setting.text
    }
}

/// Why no configuration was written.
#[derive(Debug, thiserror::Error)]
pub enum InitFault {
    /// There is a file already.
    #[error("{} is there already; --force replaces it", .0.display())]
    Exists(PathBuf),
    /// The file system refused.
    #[error("{} cannot be written: {source}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// `weir config init`: a file to start from, with every setting and its meaning.
///
/// Without `output` the file is the text; with it, it is written there whole or not at all, readable by all, and the
/// text says so. A file that is there is replaced only with `force`.
///
/// # Errors
/// [`InitFault`]; nothing has changed then.
pub fn init(output: Option<&Path>, force: bool) -> Result<String, InitFault> {
    let text = manual::starting_file();
    let Some(path) = output else { return Ok(text) };
    match write_whole(path, text.as_bytes(), force) {
        Ok(()) => Ok(format!("wrote {}\n", path.display())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(InitFault::Exists(path.to_owned()))
        }
        Err(source) => Err(InitFault::Unwritable {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Writes a file beside `path`, durably, and moves it there.
fn write_whole(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let draft = folder.join(format!(
        ".{}.{}.draft",
        name.to_string_lossy(),
        std::process::id()
    ));
    let written = write_draft(&draft, bytes).and_then(|()| {
        if replace {
            std::fs::rename(&draft, path)
        } else {
            // Fails where a file is, with no moment in between.
            renameat_with(CWD, &draft, CWD, path, RenameFlags::NOREPLACE).map_err(io::Error::from)
        }
    });
    if let Err(error) = written {
        // The draft may not even be there; the first error is the one that counts.
        let _ = std::fs::remove_file(&draft);
        return Err(error);
    }
    File::open(folder)?.sync_all()
}

fn write_draft(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(draft)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(bytes)?;
    file.sync_all()
}
