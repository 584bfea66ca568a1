//! Reading TOML with the place of every fault.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

/// One fault of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and where the rest does not say so, what would be right.
    pub message: String,
}

/// All that is wrong with a scenario, in the order of places; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// The scenario's file, or its name in the library.
    pub origin: String,
    /// Each fault.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            let end = if i == 0 { "" } else { "\n" };
            let Fault {
                line,
                column,
                message,
            } = fault;
            write!(f, "{end}{}:{line}:{column}: {message}", self.origin)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A text that is read, and what is wrong with it so far.
pub(super) struct Reading<'t> {
    text: &'t str,
    faults: Vec<Fault>,
}

impl<'t> Reading<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self {
            text,
            faults: Vec::new(),
        }
    }

    /// Notes a fault at a byte of the text.
    pub(super) fn complain(&mut self, at: usize, message: impl Into<String>) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        self.faults.push(Fault {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        });
    }

    /// Reads `value` as a `T`; notes why it is none.
    pub(super) fn read<T: DeserializeOwned>(&mut self, value: Spanned<DeValue<'_>>) -> Option<T> {
        let at = value.span().start;
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(read) => Some(read),
            Err(error) => {
                let at = error.span().map_or(at, |span| span.start);
                self.complain(at, error.message().replace('\n', "; "));
                None
            }
        }
    }

    /// `read`, unless something was wrong.
    pub(super) fn finish<T>(mut self, origin: &str, read: T) -> Result<T, Faults> {
        if self.faults.is_empty() {
            return Ok(read);
        }
        self.faults.sort();
        Err(Faults {
            origin: origin.to_owned(),
            faults: self.faults,
        })
    }
}
