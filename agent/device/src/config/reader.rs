//! The collecting reader: reads every setting from the layer that wins, and collects faults instead of stopping.
//!
//! A value that is wrong is recorded and its default is read in its place, so that reading goes on; the result is
//! thrown away at the end when there were faults. The reader also remembers what was read and from where: that list
//! is what `weir config show` prints, what unknown keys are told from, and what the reference is made of.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::environment::Environment;
use super::fault::{Fault, Faults, Origin};
use super::form::{self, Complaint, Form, Shape, WrittenPath};
use super::sections::Ramp;

/// A setting that was read: its effective value and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    /// `upload`, or `site`.
    pub(super) section: String,
    /// Which of the section's blocks, from 1; `None` where a section has but one.
    pub(super) block: Option<usize>,
    /// The key within the section.
    pub(super) key: String,
    /// The value as TOML text.
    pub(super) text: String,
    /// Where the value was written.
    pub(super) origin: Origin,
    /// What the value must look like.
    pub(super) shape: Shape,
}

impl Setting {
    /// Whether this is `section.key`, outside blocks.
    fn is(&self, name: &str) -> bool {
        self.block.is_none() && name.split_once('.') == Some((&self.section, &self.key))
    }
}

/// Reads settings from the defaults, a file and the environment, each hiding those before it.
pub(super) struct Reader<'a> {
    defaults: &'a Document<'a>,
    file: Option<&'a Document<'a>>,
    environment: &'a Environment,
    faults: Vec<Fault>,
    settings: Vec<Setting>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        defaults: &'a Document<'a>,
        file: Option<&'a Document<'a>>,
        environment: &'a Environment,
    ) -> Self {
        Self {
            defaults,
            file,
            environment,
            faults: environment.faults().to_vec(),
            settings: Vec::new(),
        }
    }

    /// Reads `section.key`.
    ///
    /// # Panics
    /// When the built-in defaults lack the key or do not fit `form`: a fault of this program, which its tests exclude.
    pub(super) fn get<T: 'static>(&mut self, name: &str, form: Form<T>) -> T {
        let (section, key) = name.split_once('.').unwrap_or((name, ""));
        let default = self
            .defaults
            .get(section, key)
            .unwrap_or_else(|| panic!("{name} has no default"));
        let (value, text, origin) = self.winner(section, key, &form.shape).unwrap_or_else(|| {
            (
                Cow::Borrowed(default.get_ref()),
                self.defaults.slice(default.span()).to_owned(),
                Origin::Default,
            )
        });
        self.settings.push(Setting {
            section: section.to_owned(),
            block: None,
            key: key.to_owned(),
            text,
            origin: origin.clone(),
            shape: form.shape.clone(),
        });
        form.read(&value).unwrap_or_else(|complaints| {
            self.complain(&origin, Some(name.to_owned()), complaints);
            let read = form.read(default.get_ref());
            read.unwrap_or_else(|wrong| panic!("the default of {name} is wrong: {wrong:?}"))
        })
    }

    /// The value of the last layer that has one, its text and its place.
    fn winner(
        &self,
        section: &str,
        key: &str,
        shape: &Shape,
    ) -> Option<(Cow<'a, DeValue<'a>>, String, Origin)> {
        if let Some((variable, text)) = self.environment.get(section, key) {
            let value = shape.value_of(text);
            let shown = match value {
                DeValue::String(_) => toml::Value::from(text).to_string(),
                _ => text.to_owned(),
            };
            let origin = Origin::Environment {
                variable: variable.to_owned(),
            };
            return Some((Cow::Owned(value), shown, origin));
        }
        let file = self.file?;
        let value = file.get(section, key)?;
        Some((
            Cow::Borrowed(value.get_ref()),
            file.slice(value.span()).to_owned(),
            file.origin(value.span()),
        ))
    }

    /// Reads a path; a relative one starts where [`resolve`] says. `""` is `None`.
    pub(super) fn path(&mut self, name: &str) -> Option<PathBuf> {
        let WrittenPath(path) = self.get(name, form::text("a path").or(""))?;
        let path = resolve(&self.origin(name), &path);
        self.show_as(name, &path.to_string_lossy());
        Some(path)
    }

    /// Reads two waits, of which the first must not be longer than the other.
    pub(super) fn ramp(&mut self, first_name: &str, max_name: &str, longest: Duration) -> Ramp {
        let range = Duration::from_millis(100)..=longest;
        let first = self.get(first_name, form::duration(range.clone()));
        let max = self.get(max_name, form::duration(range));
        if first > max {
            self.blame(
                &[max_name, first_name],
                format!("{max_name} is shorter than {first_name}"),
                None,
            );
        }
        Ramp { first, max }
    }

    /// Where `name` was written, once it was read.
    pub(super) fn origin(&self, name: &str) -> Origin {
        let read = self.settings.iter().find(|setting| setting.is(name));
        read.map_or(Origin::Default, |setting| setting.origin.clone())
    }

    /// Shows `text` as the value of `name` from here on: for values that are worked out.
    pub(super) fn show_as(&mut self, name: &str, text: &str) {
        if let Some(setting) = self.settings.iter_mut().find(|setting| setting.is(name)) {
            setting.text = toml::Value::from(text).to_string();
        }
    }

    /// Records a fault between settings, at the first of `names` that somebody set.
    pub(super) fn blame(&mut self, names: &[&str], message: String, suggestion: Option<String>) {
        let set = names
            .iter()
            .find(|name| self.origin(name) != Origin::Default)
            .or(names.first());
        let Some(name) = set else { return };
        let origin = self.origin(name);
        self.fault(Fault {
            origin,
            key: Some((*name).to_owned()),
            message,
            suggestion,
        });
    }

    /// Records a fault.
    pub(super) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Records what is wrong with the value at `origin`.
    pub(super) fn complain(
        &mut self,
        origin: &Origin,
        key: Option<String>,
        complaints: Vec<Complaint>,
    ) {
        for complaint in complaints {
            let message = complaint.sentence();
            let Complaint {
                span, suggestion, ..
            } = complaint;
            let origin = match (span, self.file, origin) {
                (Some(span), Some(file), Origin::File { .. }) => file.origin(span),
                _ => origin.clone(),
            };
            self.faults.push(Fault {
                origin,
                key: key.clone(),
                message,
                suggestion,
            });
        }
    }

    /// The blocks of `[[name]]` in the file, none when there is no such thing.
    pub(super) fn blocks(&mut self, name: &str) -> Vec<(Range<usize>, &'a DeTable<'a>)> {
        let Some((file, value)) = self
            .file
            .and_then(|file| Some((file, file.root().get(name)?)))
        else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            let message = format!("this is {}", form::type_of(value.get_ref()));
            let complaint = Complaint::new(
                message,
                Some(format!("write [[{name}]], with two brackets, before each")),
            );
            self.complain(
                &file.origin(value.span()),
                Some(name.to_owned()),
                vec![complaint],
            );
            return Vec::new();
        };
        let tables = items
            .iter()
            .filter_map(|item| Some((item.span(), item.get_ref().as_table()?)));
        let tables: Vec<_> = tables.collect();
        if tables.len() < items.len() {
            let complaint = Complaint::new("not every item is a table".to_owned(), None);
            self.complain(
                &file.origin(value.span()),
                Some(name.to_owned()),
                vec![complaint],
            );
        }
        tables
    }

    /// What was read so far.
    pub(super) fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// The file that is read, if there is one.
    pub(super) fn file(&self) -> Option<&'a Document<'a>> {
        self.file
    }

    /// The environment that is read.
    pub(super) fn environment(&self) -> &'a Environment {
        self.environment
    }

    /// Adds a setting of a block to what was read.
    pub(super) fn remember(&mut self, setting: Setting) {
        self.settings.push(setting);
    }

    /// What was read of `key` of a block.
    pub(super) fn of_block(&mut self, number: usize, key: &str) -> Option<&mut Setting> {
        self.settings
            .iter_mut()
            .find(|setting| setting.block == Some(number) && setting.key == key)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// The faults, if there were any.
    pub(super) fn finish(self) -> Result<Vec<Setting>, Faults> {
        Faults::of(self.faults).map_or(Ok(self.settings), Err)
    }
}

/// Where a path written at `origin` leads: a relative one starts at the file's folder, or at the working directory.
pub(super) fn resolve(origin: &Origin, path: &Path) -> PathBuf {
    let base = match origin {
        Origin::File { path, .. } => path.parent().unwrap_or(Path::new("")),
        Origin::Environment { .. } | Origin::Default => Path::new(""),
    };
    let joined = base.join(path);
    // Fails only when there is no working directory; the path is then as good as it gets.
    std::path::absolute(&joined).unwrap_or(joined)
}
