//! A `model.toml` as it is written, and how it becomes a [`Manifest`].
//!
//! The task decides which keys there are, so a manifest is read twice: once for its task, then as that task's form.
//! What does not fit is told with its line.

mod check;
mod picture;
mod task;

use std::collections::HashSet;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use super::ModelError;
use super::manifest::{Manifest, OnnxFile, Task};
use check::{CheckForm, check};
use task::{classification, segmentation, tabular};

/// How many values of an output a check has at most, and how many rows of a table.
pub(crate) const CHECKED: usize = 64;

/// Reads the text of the manifest at `path`.
///
/// # Errors
/// What does not fit, with its place.
pub(super) fn parse(path: &Path, text: &str) -> Result<Manifest, ModelError> {
    read(text).map_err(|wrong| {
        let place = match wrong.at {
            None => path.display().to_string(),
            Some(at) => {
                let (line, column) = position(text, at);
                format!("{}:{line}:{column}", path.display())
            }
        };
        ModelError::Manifest {
            place,
            what: wrong.what,
        }
    })
}

/// What does not fit, and the byte where it stands.
#[derive(Debug)]
struct Wrong {
    at: Option<usize>,
    what: String,
}

impl From<toml::de::Error> for Wrong {
    fn from(error: toml::de::Error) -> Self {
        Self {
            at: error.span().map(|span| span.start),
            what: error.message().replace('\n', "; "),
        }
    }
}

/// That the value `of` a key is wrong.
fn wrong<T>(of: &Spanned<T>, what: impl Into<String>) -> Wrong {
    Wrong {
        at: Some(of.span().start),
        what: what.into(),
    }
}

#[derive(Deserialize)]
struct Head {
    task: TaskName,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum TaskName {
    Segmentation,
    Classification,
    Tabular,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<I, O> {
    #[serde(rename = "task")]
    _task: TaskName,
    title: Spanned<String>,
    version: Spanned<String>,
    licence: Spanned<String>,
    provenance: Spanned<String>,
    file: FileForm,
    input: I,
    output: O,
    check: Spanned<CheckForm>,
    #[serde(default)]
    figures: toml::Table,
}

fn read(text: &str) -> Result<Manifest, Wrong> {
    let head: Head = toml::from_str(text)?;
    match head.task {
        TaskName::Segmentation => manifest(text, segmentation),
        TaskName::Classification => manifest(text, classification),
        TaskName::Tabular => manifest(text, tabular),
    }
}

fn manifest<I: DeserializeOwned, O: DeserializeOwned>(
    text: &str,
    task: impl FnOnce(I, O) -> Result<Task, Wrong>,
) -> Result<Manifest, Wrong> {
    let form: Form<I, O> = toml::from_str(text)?;
    if form.title.get_ref().contains('\n') {
        return Err(wrong(&form.title, "`title` is one line"));
    }
    let task = task(form.input, form.output)?;
    Ok(Manifest {
        title: said("title", form.title)?,
        version: said("version", form.version)?,
        licence: said("licence", form.licence)?,
        provenance: said("provenance", form.provenance)?,
        file: form.file.read()?,
        check: check(form.check, &task)?,
        task,
        figures: form.figures,
    })
}

fn said(key: &str, text: Spanned<String>) -> Result<String, Wrong> {
    if text.get_ref().trim().is_empty() {
        return Err(wrong(&text, format!("`{key}` is empty: say it")));
    }
    Ok(text.into_inner())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    name: Spanned<String>,
    sha256: Spanned<String>,
}

impl FileForm {
    fn read(self) -> Result<OnnxFile, Wrong> {
        let name = self.name.get_ref();
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            return Err(wrong(
                &self.name,
                "`name` is that of a file in this folder, without \"/\"",
            ));
        }
        let sha256 = self.sha256.get_ref().to_ascii_lowercase();
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong(
                &self.sha256,
                "`sha256` has 64 hexadecimal digits: write what sha256sum prints",
            ));
        }
        Ok(OnnxFile {
            name: self.name.into_inner(),
            sha256,
        })
    }
}

fn distinct(key: &str, names: Spanned<Vec<String>>) -> Result<Vec<String>, Wrong> {
    let mut seen = HashSet::new();
    let list = names.get_ref();
    if list.is_empty()
        || !list
            .iter()
            .all(|name| !name.trim().is_empty() && seen.insert(name))
    {
        return Err(wrong(
            &names,
            format!("`{key}` has one or more names, all different"),
        ));
    }
    Ok(names.into_inner())
}

/// Line and column, both from 1, of the byte at `offset`; columns count characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}
