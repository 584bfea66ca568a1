//! Where files are when nobody says: the search order of the configuration and the folder of the state.
//!
//! After the XDG base directory specification (<https://specifications.freedesktop.org/basedir-spec/latest/>), the
//! Filesystem Hierarchy Standard 3.0 and systemd.exec(5).

use std::path::{Path, PathBuf};

use super::environment::Environment;

/// The configuration of the whole machine.
const SYSTEM_FILE: &str = "/etc/weir/weir.toml";

/// Where a configuration file is looked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// This file, which must be there.
    Named(PathBuf),
    /// The first of these that is there; none need be.
    Among(Vec<PathBuf>),
}

/// Where the configuration is, given the path of the command line.
pub(super) fn config_file(named: Option<&Path>, environment: &Environment) -> Search {
    if let Some(path) = named {
        return Search::Named(path.to_owned());
    }
    if let Some(path) = environment.place("WEIR_CONFIG") {
        return Search::Named(path.into());
    }
    let user = xdg_folder(environment, "XDG_CONFIG_HOME", ".config");
    let user = user.map(|folder| folder.join("weir/weir.toml"));
    Search::Among(user.into_iter().chain([SYSTEM_FILE.into()]).collect())
}

/// The folder of the state, when none is set.
pub(super) fn state_directory(environment: &Environment, root: bool) -> Option<PathBuf> {
    // systemd gives a list with colons when a unit has several; the first is the unit's main one.
    let given = environment
        .place("STATE_DIRECTORY")
        .and_then(|list| std::env::split_paths(list).next());
    given
        .or_else(|| root.then(|| "/var/lib/weir".into()))
        .or_else(|| {
            let folder = xdg_folder(environment, "XDG_STATE_HOME", ".local/state")?;
            Some(folder.join("weir"))
        })
}

/// Where systemd puts the credential `keys` of a unit (`LoadCredential=`, systemd.exec(5)): readable by this process
/// alone, while the file it comes from is root's.
pub(super) fn handed_keys(environment: &Environment) -> Option<PathBuf> {
    let folder = PathBuf::from(environment.place("CREDENTIALS_DIRECTORY")?);
    folder.is_absolute().then(|| folder.join("keys"))
}

/// A base directory of the user. By the specification a relative one counts as not set.
fn xdg_folder(environment: &Environment, variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |variable| {
        environment
            .place(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::new(
            variables
                .iter()
                .map(|(name, value)| (name.into(), value.into())),
        )
    }

    #[test]
    fn the_command_line_wins_then_the_variable_then_the_user_then_the_system() {
        let all = environment(&[
            ("WEIR_CONFIG", "w.toml"),
            ("XDG_CONFIG_HOME", "/x"),
            ("HOME", "/h"),
        ]);
        assert_eq!(
            config_file(Some(Path::new("c.toml")), &all),
            Search::Named("c.toml".into())
        );
        assert_eq!(config_file(None, &all), Search::Named("w.toml".into()));
        let among = |variables, paths: &[&str]| {
            let paths = paths.iter().map(PathBuf::from).collect();
            assert_eq!(
                config_file(None, &environment(variables)),
                Search::Among(paths)
            );
        };
        among(
            &[("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")],
            &["/x/weir/weir.toml", SYSTEM_FILE],
        );
        among(
            &[("XDG_CONFIG_HOME", "x"), ("HOME", "/h")],
            &["/h/.config/weir/weir.toml", SYSTEM_FILE],
        );
        among(&[("WEIR_CONFIG", "")], &[SYSTEM_FILE]);
    }

    #[test]
    fn the_state_is_where_the_service_says_then_by_user() {
        let folder = |variables, root| state_directory(&environment(variables), root);
        assert_eq!(
            folder(&[("STATE_DIRECTORY", "/a:/b")], true),
            Some("/a".into())
        );
        assert_eq!(
            folder(&[("HOME", "/root")], true),
            Some("/var/lib/weir".into())
        );
        assert_eq!(
            folder(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")], false),
            Some("/s/weir".into())
        );
        assert_eq!(
            folder(&[("HOME", "/h")], false),
            Some("/h/.local/state/weir".into())
        );
        assert_eq!(folder(&[], false), None);
    }
}
