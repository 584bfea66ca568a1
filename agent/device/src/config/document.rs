//! A configuration file's text with places: which value stands where.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Faults, Origin};

/// A parsed TOML text that knows the line of everything in it.
#[derive(Debug)]
pub(super) struct Document<'t> {
    path: PathBuf,
    text: &'t str,
    root: DeTable<'t>,
}

impl<'t> Document<'t> {
    /// Parses `text`, which was read from `path`.
    ///
    /// # Errors
    /// Every syntax error. What lies between two syntax errors would be guesswork, so nothing else is judged then.
    pub(super) fn parse(path: &Path, text: &'t str) -> Result<Self, Faults> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let faults = errors.iter().map(|error| Fault {
            origin: origin(path, text, error.span().unwrap_or_default()),
            key: None,
            message: format!("not TOML: {}", error.message().replace('\n', "; ")),
            suggestion: None,
        });
        match Faults::of(faults.collect()) {
            Some(faults) => Err(faults),
            None => Ok(Self {
                path: path.to_owned(),
                text,
                root: root.into_inner(),
            }),
        }
    }

    /// The outermost table.
    pub(super) fn root(&self) -> &DeTable<'t> {
        &self.root
    }

    /// The value of `section.key`.
    pub(super) fn get(&self, section: &str, key: &str) -> Option<&Spanned<DeValue<'t>>> {
        self.root.get(section)?.get_ref().as_table()?.get(key)
    }

    /// The text at `span`, as it was written.
    pub(super) fn slice(&self, span: Range<usize>) -> &'t str {
        self.text.get(span).unwrap_or_default()
    }

    /// Where `span` begins.
    pub(super) fn origin(&self, span: Range<usize>) -> Origin {
        origin(&self.path, self.text, span)
    }
}

fn origin(path: &Path, text: &str, span: Range<usize>) -> Origin {
    let (line, column) = position(text.as_bytes(), span.start);
    Origin::File {
        path: path.to_owned(),
        line: Some(line),
        column: Some(column),
    }
}

/// Line and column, both from 1, of the byte at `offset`; columns count characters.
pub(super) fn position(text: &[u8], offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line_start = last_newline(before).map_or(0, |newline| newline + 1);
    let lines = before.iter().filter(|&&byte| byte == b'\n').count();
    // A character of UTF-8 is one byte that is not a continuation.
    let characters = before[line_start..]
        .iter()
        .filter(|&&byte| byte & 0xC0 != 0x80)
        .count();
    (lines + 1, characters + 1)
}

fn last_newline(bytes: &[u8]) -> Option<usize> {
    bytes.iter().rposition(|&byte| byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_position_is_where_an_editor_shows_it(lines in proptest::collection::vec("[a-zé☂]{0,6}", 1..6), pick: u8) {
            let text = lines.join("\n");
            let offsets: Vec<_> = text.char_indices().map(|(offset, _)| offset).collect();
            prop_assume!(!offsets.is_empty());
            let offset = offsets[usize::from(pick) % offsets.len()];
            let (line, column) = position(text.as_bytes(), offset);
            let ends_before: usize = lines[..line - 1].iter().map(|l| l.chars().count() + 1).sum();
            prop_assert_eq!(ends_before + column - 1, text[..offset].chars().count());
            prop_assert!(column <= lines[line - 1].chars().count() + 1);
        }
    }

    #[test]
    fn every_syntax_error_is_told() {
        let text = "[upload]\ntimeout = \n[gate]\norder = oldest\n";
        let faults = Document::parse(Path::new("w.toml"), text).expect_err("broken");
        let lines: Vec<_> = faults.iter().map(|fault| fault.to_string()).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("w.toml:2:"), "{lines:?}");
        assert!(lines[1].starts_with("w.toml:4:9: not TOML: "), "{lines:?}");
    }

    #[test]
    fn a_key_given_twice_is_told_with_its_line() {
        let faults = Document::parse(
            Path::new("w.toml"),
            "[gate]\norder = \"oldest\"\norder = \"oldest\"\n",
        );
        let faults = faults.expect_err("twice");
        assert!(
            faults.to_string().starts_with("w.toml:3:1: not TOML: "),
            "{faults}"
        );
    }
}
