//! The manual: `defaults.toml` as a list of sections and keys, each with the comment above it, joined with the
//! [shapes](super::form::Shape) that the readers gave.
//!
//! The convention of that file: `# text` is meaning, `#key = value` and `#[[section]]` are settings that are left
//! out, with an example; the comment directly above a line belongs to it.

use std::path::Path;

use super::environment::Environment;
use super::form::Shape;
use super::load::{self, DEFAULTS};
use super::reader::Setting;

/// A section and its keys, in the order of the file.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) meaning: String,
    pub(super) keys: Vec<Key>,
}

impl Section {
    /// Whether it may be repeated, `[[name]]`.
    pub(super) fn repeats(&self) -> bool {
        self.name == "site"
    }
}

/// A key and all that is to be said of it.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) meaning: String,
    /// The default, or for a key of a site an example, as TOML text.
    pub(super) value: &'static str,
    pub(super) shape: Shape,
}

/// The manual.
///
/// # Panics
/// When the built-in defaults do not load: a fault of this program, which its tests exclude.
pub(super) fn sections() -> Vec<Section> {
    let example = with_example();
    // Read as a file, so that the example site is read too, and with nothing of this machine.
    let file = Some((Path::new("defaults.toml"), example.as_str()));
    let loaded = load::read(file, &Environment::default(), true, |_, _, _, _| Vec::new());
    let settings = loaded
        .unwrap_or_else(|faults| panic!("the built-in defaults are wrong:\n{faults}"))
        .settings;
    let mut sections: Vec<Section> = Vec::new();
    let mut meaning: Vec<&str> = Vec::new();
    for line in DEFAULTS.lines() {
        let content = uncommented(line);
        if let Some(name) = content.strip_prefix('[') {
            let name = name.trim_matches(['[', ']']);
            sections.push(Section {
                name,
                meaning: join(&mut meaning),
                keys: Vec::new(),
            });
        } else if let Some((name, value)) = content
            .split_once(" = ")
            .filter(|_| !content.starts_with('#'))
        {
            let section = sections.last_mut().expect("a key stands in a section");
            let shape = shape_of(&settings, section.name, name);
            section.keys.push(Key {
                name,
                meaning: join(&mut meaning),
                value,
                shape,
            });
        } else if let Some(text) = line.strip_prefix('#') {
            meaning.push(text.trim());
        } else {
            meaning.clear();
        }
    }
    sections
}

fn shape_of(settings: &[Setting], section: &str, key: &str) -> Shape {
    let setting = settings
        .iter()
        .find(|setting| setting.section == section && setting.key == key);
    setting
        .unwrap_or_else(|| panic!("nobody reads {section}.{key}"))
        .shape
        .clone()
}

/// Takes the comment collected so far as one text.
fn join(lines: &mut Vec<&str>) -> String {
    std::mem::take(lines).join(" ")
}

/// A line with a setting that is left out, as if it were not; any other line as it is.
fn uncommented(line: &'static str) -> &'static str {
    line.strip_prefix('#')
        .filter(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()))
        .unwrap_or(line)
}

/// The defaults with the example of a site.
pub(super) fn with_example() -> String {
    DEFAULTS
        .lines()
        .map(|line| format!("{}\n", uncommented(line)))
        .collect()
}

/// The file to start from: the defaults with every setting left out, so that a later default takes effect.
pub(super) fn starting_file() -> String {
    let leave_out = |line: &str| match line.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => format!("#{line}\n"),
        false => format!("{line}\n"),
    };
    DEFAULTS.lines().map(leave_out).collect()
}
