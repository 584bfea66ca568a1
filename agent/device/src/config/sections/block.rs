//! A block of a section that may be repeated: its keys have no defaults, and the file alone gives them.

use std::ops::Range;

use toml::de::DeTable;

use crate::config::fault::{Fault, Origin};
use crate::config::form::{Form, unknown};
use crate::config::reader::{Reader, Setting};

/// One block while it is read.
pub(super) struct Block<'r, 'a> {
    pub(super) reader: &'r mut Reader<'a>,
    pub(super) table: &'a DeTable<'a>,
    pub(super) header: Range<usize>,
    /// The section it repeats.
    pub(super) section: &'static str,
    /// Which of the blocks, from 1.
    pub(super) number: usize,
}

impl Block<'_, '_> {
    /// Reads a key that must be there.
    pub(super) fn required<T: 'static>(&mut self, key: &str, form: Form<T>) -> Option<T> {
        if !self.table.contains_key(key) {
            let suggestion = format!("add {key}: {}", form.shape.expected);
            self.fault(key, "is missing".to_owned(), Some(suggestion));
        }
        self.optional(key, form)
    }

    /// Reads a key that may be left out.
    pub(super) fn optional<T: 'static>(&mut self, key: &str, form: Form<T>) -> Option<T> {
        let value = self.table.get(key);
        let text = value
            .zip(self.reader.file())
            .map(|(value, file)| file.slice(value.span()).to_owned());
        let origin = self.origin(key);
        self.reader.remember(Setting {
            section: self.section.to_owned(),
            block: Some(self.number),
            key: key.to_owned(),
            text: text.unwrap_or_default(),
            origin: origin.clone(),
            shape: form.shape.clone(),
        });
        match form.read(value?.get_ref()) {
            Ok(value) => Some(value),
            Err(complaints) => {
                self.reader
                    .complain(&origin, Some(self.path(key)), complaints);
                None
            }
        }
    }

    /// Refuses the keys that were not read by now.
    pub(super) fn refuse_unknown_keys(&mut self) {
        let settings = self
            .reader
            .settings()
            .iter()
            .filter(|setting| setting.block == Some(self.number));
        let known: Vec<_> = settings.map(|setting| setting.key.clone()).collect();
        for (key, _) in self
            .table
            .iter()
            .filter(|(key, _)| !known.iter().any(|k| k == key.get_ref()))
        {
            let complaint = unknown("key", key.get_ref(), known.iter().map(String::as_str));
            let origin = self.at(key.span());
            self.reader
                .complain(&origin, Some(self.path(key.get_ref())), vec![complaint]);
        }
    }

    /// Shows `text` as the value of `key`: for values that are worked out.
    pub(super) fn show_as(&mut self, key: &str, text: String) {
        if let Some(setting) = self.reader.of_block(self.number, key) {
            setting.text = text;
        }
    }

    /// Shows what a key that is left out stands for, and where that was written.
    pub(super) fn show_left_out(&mut self, key: &str, text: &str, origin: Origin) {
        let setting = self.reader.of_block(self.number, key);
        if let Some(setting) = setting.filter(|setting| setting.text.is_empty()) {
            setting.text = toml::Value::from(text).to_string();
            setting.origin = origin;
        }
    }

    /// Where the value of `key` was written, or the block when it was not.
    pub(super) fn origin(&self, key: &str) -> Origin {
        self.at(self
            .table
            .get(key)
            .map_or(self.header.clone(), |value| value.span()))
    }

    fn at(&self, span: Range<usize>) -> Origin {
        self.reader
            .file()
            .map_or(Origin::Default, |file| file.origin(span))
    }

    /// The path of `key`: `site[1].name`.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}[{}].{key}", self.section, self.number)
    }

    /// Records a fault of `key`.
    pub(super) fn fault(&mut self, key: &str, message: String, suggestion: Option<String>) {
        let fault = Fault {
            origin: self.origin(key),
            key: Some(self.path(key)),
            message,
            suggestion,
        };
        self.reader.fault(fault);
    }
}
