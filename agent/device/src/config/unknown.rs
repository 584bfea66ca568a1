//! Keys, sections and variables that nobody reads: refused, with the one that was probably meant.

use super::environment;
use super::fault::Origin;
use super::form::{Complaint, type_of, unknown};
use super::reader::Reader;
use super::suggest::nearest;

/// Refuses what the file and the environment hold beyond the settings that `reader` has read by now.
pub(super) fn refuse(reader: &mut Reader<'_>) {
    let settings = reader
        .settings()
        .iter()
        .filter(|setting| setting.block.is_none());
    let known: Vec<_> = settings
        .map(|setting| (setting.section.clone(), setting.key.clone()))
        .collect();
    refuse_in_file(reader, &known);
    refuse_in_environment(reader, &known);
}

fn refuse_in_file(reader: &mut Reader<'_>, known: &[(String, String)]) {
    let Some(file) = reader.file() else { return };
    for (section, value) in file
        .root()
        .iter()
        .filter(|(section, _)| section.get_ref() != "site")
    {
        let (name, at) = (section.get_ref().as_ref(), file.origin(section.span()));
        if !known.iter().any(|(known, _)| known == name) {
            let sections = known
                .iter()
                .map(|(section, _)| section.as_str())
                .chain(["site"]);
            let complaint = match known.iter().find(|(_, key)| key == name) {
                Some((home, _)) => elsewhere("key", name, home),
                None => unknown("section", name, sections),
            };
            reader.complain(&at, Some(name.to_owned()), vec![complaint]);
            continue;
        }
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("this is {}", type_of(value.get_ref()));
            let suggestion = Some(format!("write [{name}] and its keys below"));
            reader.complain(
                &at,
                Some(name.to_owned()),
                vec![Complaint::new(message, suggestion)],
            );
            continue;
        };
        for (key, _) in table {
            let word = key.get_ref().as_ref();
            if !known
                .iter()
                .any(|(known, key)| known == name && key == word)
            {
                let complaint = unknown_key(name, word, known);
                reader.complain(
                    &file.origin(key.span()),
                    Some(format!("{name}.{word}")),
                    vec![complaint],
                );
            }
        }
    }
}

/// The complaint of an unknown key of a known section.
fn unknown_key(section: &str, word: &str, known: &[(String, String)]) -> Complaint {
    if let Some((home, _)) = known.iter().find(|(_, key)| key == word) {
        return elsewhere("key", word, home);
    }
    let (near, far): (Vec<_>, Vec<_>) = known.iter().partition(|(known, _)| known == section);
    let complaint = unknown("key", word, near.iter().map(|(_, key)| key.as_str()));
    if complaint.suggestion.is_some() {
        return complaint;
    }
    let other = nearest(word, far.iter().map(|(_, key)| key.as_str()));
    let home = far.iter().find(|(_, key)| Some(key.as_str()) == other);
    let suggestion = home.map(|(section, key)| format!("did you mean {key:?} of [{section}]?"));
    Complaint {
        suggestion,
        ..complaint
    }
}

fn elsewhere(what: &str, word: &str, home: &str) -> Complaint {
    let suggestion = Some(format!("{word} belongs in [{home}]"));
    Complaint {
        suggestion,
        ..unknown(what, word, [])
    }
}

fn refuse_in_environment(reader: &mut Reader<'_>, known: &[(String, String)]) {
    let known: Vec<_> = known
        .iter()
        .map(|(section, key)| environment::variable(section, key))
        .collect();
    let given = reader.environment().overrides();
    for variable in given.filter(|given| !known.iter().any(|known| known == given)) {
        let mut complaint = unknown("variable", variable, known.iter().map(String::as_str));
        if variable.starts_with("WEIR_SITE__") {
            complaint.suggestion = Some("sites can be given in a file only".to_owned());
        }
        let origin = Origin::Environment {
            variable: variable.to_owned(),
        };
        reader.complain(&origin, None, vec![complaint]);
    }
}
