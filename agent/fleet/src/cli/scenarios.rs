//! `weir-fleet scenarios`.

use std::process::ExitCode;

use super::Failed;
use super::output::{Manner, json, print};
use crate::weather::library;
use crate::weather::scenario::{Scenario, ScenarioError};

/// Lists the library, or prints the scenario of this name.
///
/// # Errors
/// [`Failed::Usage`] when there is none of this name.
pub(super) fn scenarios(name: Option<&str>, manner: Manner) -> Result<ExitCode, Failed> {
    if let Some(name) = name {
        let entries = library::entries();
        let found = entries.iter().find(|entry| entry.name == name);
        let found = found.ok_or_else(|| Failed::usage(ScenarioError::Unknown(name.to_owned())))?;
        print(found.text)?;
        return Ok(ExitCode::SUCCESS);
    }
    for entry in library::entries() {
        let scenario = Scenario::find(entry.name).map_err(Failed::work)?;
        if manner.json {
            let (name, about) = (entry.name, scenario.about.trim());
            json(&serde_json::json!({ "name": name, "about": about }))?;
        } else {
            let about = first_sentence(&scenario.about);
            print(&format!("{:22} {about}\n", entry.name))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Up to the first full stop, on one line.
fn first_sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = line.find(". ").map_or(line.len(), |at| at + 1);
    line[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_ends_with_its_full_stop() {
        assert_eq!(
            first_sentence("\nIt costs 2.5 s\nor so. Not more.\n"),
            "It costs 2.5 s or so."
        );
        assert_eq!(first_sentence("Nothing more"), "Nothing more");
    }
}
