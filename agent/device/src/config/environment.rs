//! Overrides from the environment: `WEIR_<SECTION>__<KEY>`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::fault::{Fault, Origin};

/// The variables that say where files are; no other is kept, for some hold secrets.
const PLACES: [&str; 6] = [
    "CREDENTIALS_DIRECTORY",
    "WEIR_CONFIG",
    "STATE_DIRECTORY",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "HOME",
];

/// The environment the configuration is read in; passed in, never asked of the process.
#[derive(Default)]
pub(super) struct Environment {
    overrides: BTreeMap<String, String>,
    places: BTreeMap<String, OsString>,
    handed_keys: Option<PathBuf>,
    faults: Vec<Fault>,
}

impl Environment {
    /// Sorts the variables of a process: those of the form `WEIR_A__B` override settings, the rest say where files are.
    pub(super) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (variable, value) in variables {
            let Ok(variable) = variable.into_string() else {
                continue;
            };
            if !is_override(&variable) {
                if PLACES.contains(&variable.as_str()) {
                    environment.places.insert(variable, value);
                }
                continue;
            }
            match value.into_string() {
                Ok(value) => drop(environment.overrides.insert(variable, value)),
                Err(_) => environment.faults.push(Fault {
                    origin: Origin::Environment { variable },
                    key: None,
                    message: "is not UTF-8".to_owned(),
                    suggestion: None,
                }),
            }
        }
        environment
    }

    /// The override of `section.key`: the variable's name and its text.
    pub(super) fn get(&self, section: &str, key: &str) -> Option<(&str, &str)> {
        let (variable, value) = self.overrides.get_key_value(&variable(section, key))?;
        Some((variable, value))
    }

    /// The names of all overrides.
    pub(super) fn overrides(&self) -> impl Iterator<Item = &str> {
        self.overrides.keys().map(String::as_str)
    }

    /// A variable that says where files are; set to nothing is the same as not set, as the XDG rules have it.
    pub(super) fn place(&self, variable: &str) -> Option<&OsString> {
        self.places.get(variable).filter(|value| !value.is_empty())
    }

    /// Says that the supervisor has handed over the file of keys at `path`.
    pub(super) fn hand_keys(&mut self, path: PathBuf) {
        self.handed_keys = Some(path);
    }

    /// The file of keys that the supervisor has handed over.
    pub(super) fn handed_keys(&self) -> Option<&Path> {
        self.handed_keys.as_deref()
    }

    /// What is wrong with the overrides as such.
    pub(super) fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

/// The variable that overrides `section.key`.
pub(super) fn variable(section: &str, key: &str) -> String {
    format!(
        "WEIR_{}__{}",
        section.to_ascii_uppercase(),
        key.to_ascii_uppercase()
    )
}

fn is_override(variable: &str) -> bool {
    variable
        .strip_prefix("WEIR_")
        .is_some_and(|rest| rest.contains("__"))
}
