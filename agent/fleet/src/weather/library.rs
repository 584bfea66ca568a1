//! The scenarios that come with the program.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its name, for `--scenario`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! entries {
    ($($name:literal),* $(,)?) => {
        [$(Entry { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")) }),*]
    };
}

/// All of them, the plainest first.
pub fn entries() -> &'static [Entry] {
    const ENTRIES: &[Entry] = &entries![
        "calm-week",
        "storm-outage",
        "cellular-misery",
        "sd-import",
        "flood",
        "pipeline-overload",
        "reference-experiment",
        "constant-rate",
        "power-and-clocks",
        "random-faults",
    ];
    ENTRIES
}

/// Their names.
pub fn names() -> Vec<&'static str> {
    entries().iter().map(|entry| entry.name).collect()
}
