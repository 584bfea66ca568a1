//! The file of static keys: `store.credentials_file`.
//!
//! A `name = value` per line, the value with or without quotes, comments and one `[section]` header allowed, and the
//! names with or without the `aws_` of the shared AWS files: so both a TOML file and a one-profile file of the AWS
//! tools will do. Nobody but the owner may have any right to it; a file that systemd hands to one unit may have rights
//! for its group, which are how an access list shows. No part of it is ever shown.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// More than any file of keys needs; a larger one is something else.
const LARGEST: u64 = 64 * 1024;

/// Keys as a file holds them.
#[derive(Clone, PartialEq, Eq)]
pub struct StaticKeys {
    /// The id of the access key; no secret, yet not shown either.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// The token of temporary keys.
    pub session_token: Option<String>,
}

impl fmt::Debug for StaticKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticKeys(..)")
    }
}

/// Why a file of keys is refused. Fatal at start; later, a reason to park uploads.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileFault {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is a folder, a pipe, a device, or far too large.
    #[error("{} is not a small regular file", .path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner have rights to it.
    #[error("{} is open to others than its owner (mode {mode:04o})", .path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A line that is none of those allowed.
    #[error("{}:{line}: neither \"name = value\" with a known name, nor a comment", .path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// A key that must be there is not, or is empty.
    #[error("{} has no {name}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The name that is missing.
        name: &'static str,
    },
}

impl KeyFileFault {
    /// What would put it right, where one command does.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::OpenToOthers { path, .. } => Some(format!("run: chmod 600 {}", path.display())),
            _ => None,
        }
    }
}

/// Below it systemd keeps what it hands to units, each unit's closed to all others (systemd.exec(5), "CREDENTIALS").
const HANDED: &str = "/run/credentials";

/// The rights that nobody may have.
fn forbidden(path: &Path) -> u32 {
    if path.starts_with(HANDED) {
        0o007
    } else {
        0o077
    }
}

/// Whether the file at `path` is there and holds more than comments and blank lines; a unit without keys is handed
/// such a one. What is wrong with it is [`read`]'s to say.
pub fn says_something(path: &Path) -> bool {
    match std::fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes)
            .lines()
            .map(str::trim)
            .any(|line| !line.is_empty() && !line.starts_with(['#', ';'])),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Reads the keys of the file at `path`.
///
/// # Errors
/// [`KeyFileFault`], when the file is not readable, not private or not complete.
pub fn read(path: &Path) -> Result<StaticKeys, KeyFileFault> {
    let unreadable = |source| KeyFileFault::Unreadable {
        path: path.to_owned(),
        source,
    };
    // Asked before it is opened: opening a pipe would wait for its other end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(KeyFileFault::NotAFile {
            path: path.to_owned(),
        });
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(KeyFileFault::NotAFile {
            path: path.to_owned(),
        });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & forbidden(path) != 0 {
        return Err(KeyFileFault::OpenToOthers {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = String::new();
    file.take(LARGEST)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<StaticKeys, KeyFileFault> {
    let (mut id, mut secret, mut token) = (None, None, None);
    let mut headers = 0;
    for (index, line) in text.lines().enumerate() {
        let bad = || KeyFileFault::BadLine {
            path: path.to_owned(),
            line: index + 1,
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') && line.ends_with(']') && headers == 0 {
            headers += 1;
            continue;
        }
        let (name, value) = line.split_once('=').ok_or_else(bad)?;
        let name = name.trim();
        let slot = match name.strip_prefix("aws_").unwrap_or(name) {
            "access_key_id" => &mut id,
            "secret_access_key" => &mut secret,
            "session_token" => &mut token,
            _ => return Err(bad()),
        };
        if slot.replace(unquote(value.trim()).to_owned()).is_some() {
            return Err(bad());
        }
    }
    let present = |value: Option<String>, name| {
        let value = value.filter(|value| !value.is_empty());
        value.ok_or_else(|| KeyFileFault::Missing {
            path: path.to_owned(),
            name,
        })
    };
    Ok(StaticKeys {
        access_key_id: present(id, "access_key_id")?,
        secret_access_key: present(secret, "secret_access_key")?,
        session_token: token.filter(|token| !token.is_empty()),
    })
}

/// The text between a pair of like quotes, or all of it. Keys hold no escapes (base64).
fn unquote(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;

    fn keys_of(text: &str) -> Result<StaticKeys, KeyFileFault> {
        parse(Path::new("keys"), text)
    }

    #[test]
    fn toml_and_aws_files_are_the_same_keys() {
        let toml = keys_of("# keys\naccess_key_id = \"AKIA\"\nsecret_access_key = 's/+=x'\n")
            .expect("toml");
        let aws = keys_of("[default]\naws_access_key_id=AKIA\naws_secret_access_key = s/+=x\n")
            .expect("aws");
        assert!(toml == aws);
        assert_eq!(toml.secret_access_key, "s/+=x");
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_shown() {
        let cases = [
            ("access_key_id = A\nsecret_key = hunter2", "keys:2: "),
            (
                "access_key_id = A\nsecret_access_key = hunter2\nhunter2",
                "keys:3: ",
            ),
            ("access_key_id = A\naccess_key_id = hunter2", "keys:2: "),
            (
                "[a]\naccess_key_id = A\nsecret_access_key = hunter2\n[b]",
                "keys:4: ",
            ),
            ("secret_access_key = hunter2", "keys has no access_key_id"),
            (
                "access_key_id = hunter2\nsecret_access_key = ''",
                "keys has no secret_access_key",
            ),
        ];
        for (text, start) in cases {
            let fault = keys_of(text).expect_err(text);
            assert!(fault.to_string().starts_with(start), "{fault}");
            assert!(!format!("{fault} {fault:?}").contains("hunter2"), "{fault}");
        }
        let keys = keys_of("access_key_id = A\nsecret_access_key = hunter2").expect("keys");
        assert!(!format!("{keys:?}").contains("hunter2"));
    }

    #[test]
    fn only_a_private_file_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        std::fs::write(&path, "access_key_id = A\nsecret_access_key = S\n").expect("written");
        for mode in [0o600, 0o400, 0o640, 0o604, 0o610, 0o602] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
            match read(&path) {
                Ok(_) => assert!(mode & 0o077 == 0, "{mode:o} was read"),
                Err(fault) => {
                    assert!(mode & 0o077 != 0, "{fault}");
                    assert_eq!(
                        fault.remedy(),
                        Some(format!("run: chmod 600 {}", path.display()))
                    );
                }
            }
        }
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
        std::fs::write(&path, "#".repeat(LARGEST as usize + 1)).expect("written");
        assert!(matches!(read(&path), Err(KeyFileFault::NotAFile { .. })));
        assert!(matches!(
            read(folder.path()),
            Err(KeyFileFault::NotAFile { .. })
        ));
        assert!(matches!(
            read(&folder.path().join("none")),
            Err(KeyFileFault::Unreadable { .. })
        ));
    }
}
