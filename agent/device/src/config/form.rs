//! Forms: what a value must look like, and how it is read.
//!
//! A form says the same thing four times from one source: to the reader of the value, to the user who got it wrong
//! (`expected`), to the reference, and to editors (`schema`, JSON Schema draft 2020-12). So they cannot drift apart.

mod quantity;
mod time;
mod vision;

use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use serde_json::{Value, json};
use toml::Spanned;
use toml::de::{DeArray, DeValue};

use super::suggest::did_you_mean;
pub(super) use quantity::{duration, integer, rate, size};
pub(super) use time::{camera_clock, day};
pub(super) use vision::{Frame, WrittenOverlay, derivatives, regions, share};

/// Why a value does not fit its form.
#[derive(Debug)]
pub(super) struct Complaint {
    /// The value, as it stands in a sentence; absent where the message is a sentence of its own.
    pub(super) subject: Option<String>,
    pub(super) message: String,
    pub(super) suggestion: Option<String>,
    /// The part of the value it is about, where it is not about all of it.
    pub(super) span: Option<Range<usize>>,
}

impl Complaint {
    /// What is wrong, subject and all.
    pub(super) fn sentence(&self) -> String {
        match &self.subject {
            Some(subject) => format!("{subject} {}", self.message),
            None => self.message.clone(),
        }
    }

    pub(super) fn new(message: String, suggestion: Option<String>) -> Self {
        Self {
            subject: None,
            message,
            suggestion,
            span: None,
        }
    }
}

/// What a value looks like.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// What is expected, in words: `a duration from 1s to 1h, such as "30s"`.
    pub(super) expected: String,
    /// The same as a JSON Schema.
    pub(super) schema: Value,
    written: Written,
}

/// How a value is written where there are no types: in the environment.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Written {
    Text,
    Literal,
    List,
}

impl Shape {
    /// The value that a variable's text stands for.
    pub(super) fn value_of<'t>(&self, text: &'t str) -> DeValue<'t> {
        let literal = || DeValue::parse(text.trim()).ok().map(Spanned::into_inner);
        let value = match self.written {
            Written::Text => None,
            Written::Literal => literal(),
            Written::List if text.trim_start().starts_with('[') => literal(),
            Written::List => {
                let mut items = DeArray::new();
                for item in text
                    .split(';')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                {
                    items.push(Spanned::new(0..0, DeValue::String(item.into())));
                }
                Some(DeValue::Array(items))
            }
        };
        value.unwrap_or(DeValue::String(text.into()))
    }
}

type Reading<T> = dyn Fn(&DeValue<'_>) -> Result<T, Vec<Complaint>>;

/// A shape and the function that reads values of it.
pub(super) struct Form<T> {
    pub(super) shape: Shape,
    read: Box<Reading<T>>,
}

impl<T: 'static> Form<T> {
    /// Reads a value.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(super) fn read(&self, value: &DeValue<'_>) -> Result<T, Vec<Complaint>> {
        (self.read)(value)
    }

    /// A form of one value: `read` says what is wrong, the shape what would be right.
    fn new<E: Display>(
        expected: String,
        schema: Value,
        written: Written,
        read: impl Fn(&DeValue<'_>) -> Option<Result<T, E>> + 'static,
    ) -> Self {
        let suggestion = format!("write {expected}");
        let read = move |value: &DeValue<'_>| {
            let (subject, message) = match read(value) {
                Some(Ok(value)) => return Ok(value),
                Some(Err(wrong)) => (quote(value), wrong.to_string()),
                None => ("this".to_owned(), format!("is {}", type_of(value))),
            };
            let complaint = Complaint::new(message, Some(suggestion.clone()));
            Err(vec![Complaint {
                subject: Some(subject),
                ..complaint
            }])
        };
        Self {
            shape: Shape {
                expected,
                schema,
                written,
            },
            read: Box::new(read),
        }
    }

    /// Never shows a value that is refused: it may hold a secret.
    pub(super) fn private(self) -> Self {
        let shape = self.shape.clone();
        let read = move |value: &DeValue<'_>| {
            self.read(value).map_err(|complaints| {
                let hide = |complaint| Complaint {
                    subject: Some("the value".to_owned()),
                    ..complaint
                };
                complaints.into_iter().map(hide).collect()
            })
        };
        Self {
            shape,
            read: Box::new(read),
        }
    }

    /// Takes `word` too, which stands for no value.
    pub(super) fn or(self, word: &'static str) -> Form<Option<T>> {
        let shape = Shape {
            expected: format!("{}, or {word:?}", self.shape.expected),
            schema: json!({ "anyOf": [{ "const": word }, self.shape.schema] }),
            written: self.shape.written,
        };
        let suggestion = format!("write {}", shape.expected);
        let read = move |value: &DeValue<'_>| match value.as_str() {
            Some(text) if text == word => Ok(None),
            _ => self.read(value).map(Some).map_err(|mut complaints| {
                complaints
                    .iter_mut()
                    .for_each(|c| c.suggestion = Some(suggestion.clone()));
                complaints
            }),
        };
        Form {
            shape,
            read: Box::new(read),
        }
    }
}

/// `true` or `false`.
pub(super) fn flag() -> Form<bool> {
    Form::new(
        "true or false".to_owned(),
        json!({ "type": "boolean" }),
        Written::Literal,
        |value| value.as_bool().map(Ok::<_, String>),
    )
}

/// One of a few words, each with its meaning.
pub(super) fn word<T: Copy + 'static>(words: &'static [(&'static str, T)]) -> Form<T> {
    let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
    let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    let (last, others) = quoted
        .split_last()
        .map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
    let expected = format!("{} or {last}", others.join(", "));
    let schema = json!({ "enum": names });
    Form::new(expected, schema, Written::Text, move |value| {
        let text = value.as_str()?;
        let known = words
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, meaning)| *meaning);
        Some(known.ok_or("is not known here"))
    })
}

/// A text that a type of its own understands; `expected` says what that is.
pub(super) fn text<T>(expected: &str) -> Form<T>
where
    T: FromStr<Err: Display> + 'static,
{
    let schema = json!({ "type": "string", "minLength": 1 });
    Form::new(expected.to_owned(), schema, Written::Text, |value| {
        let text = value.as_str()?;
        Some(if text.is_empty() {
            Err("is empty".to_owned())
        } else {
            text.parse().map_err(|e: T::Err| e.to_string())
        })
    })
}

/// A list of values of one form; every bad one is told, at its own place.
pub(super) fn list<T: 'static>(item: Form<T>) -> Form<Vec<T>> {
    let shape = Shape {
        expected: format!("a list in brackets, each item {}", item.shape.expected),
        schema: json!({ "type": "array", "items": item.shape.schema }),
        written: Written::List,
    };
    let suggestion = format!("write {}", shape.expected);
    let read = move |value: &DeValue<'_>| match value.as_array() {
        Some(items) => read_items(&item, items),
        None => Err(vec![Complaint::new(
            format!("this is {}", type_of(value)),
            Some(suggestion.clone()),
        )]),
    };
    Form {
        shape,
        read: Box::new(read),
    }
}

/// One value, or a list of at least one.
pub(super) fn one_or_more<T: 'static>(item: Form<T>) -> Form<Vec<T>> {
    let shape = Shape {
        expected: format!("{}, or a list of such", item.shape.expected),
        schema: json!({ "anyOf": [item.shape.schema, { "type": "array", "items": item.shape.schema, "minItems": 1 }] }),
        written: Written::Text,
    };
    let suggestion = format!("write {}", shape.expected);
    let read = move |value: &DeValue<'_>| match value.as_array() {
        Some(items) if items.is_empty() => Err(vec![Complaint::new(
            "the list is empty".to_owned(),
            Some(suggestion.clone()),
        )]),
        Some(items) => read_items(&item, items),
        None => item.read(value).map(|value| vec![value]),
    };
    Form {
        shape,
        read: Box::new(read),
    }
}

fn read_items<T: 'static>(form: &Form<T>, items: &DeArray<'_>) -> Result<Vec<T>, Vec<Complaint>> {
    let mut read = Vec::with_capacity(items.len());
    let mut complaints = Vec::new();
    for item in items.iter() {
        match form.read(item.get_ref()) {
            Ok(value) => read.push(value),
            Err(wrong) => complaints.extend(wrong.into_iter().map(|complaint| Complaint {
                span: complaint.span.or(Some(item.span())),
                ..complaint
            })),
        }
    }
    if complaints.is_empty() {
        Ok(read)
    } else {
        Err(complaints)
    }
}

/// A value as it stands in a sentence.
fn quote(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        other => type_of(other).to_owned(),
    }
}

/// What a value is, with its article.
pub(super) fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A text taken as it is, within one line.
#[derive(Debug)]
pub(super) struct Line(pub(super) String);

impl FromStr for Line {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains(|c: char| c.is_control()) {
            Err("has a control character")
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// A path as it is written, before it is known where a relative one starts.
#[derive(Debug)]
pub(super) struct WrittenPath(pub(super) std::path::PathBuf);

impl FromStr for WrittenPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "~" || text.starts_with("~/") {
            return Err("begins with \"~\", which only a shell expands");
        }
        let Line(text) = text.parse()?;
        Ok(Self(text.into()))
    }
}

/// The complaint of a key nobody reads.
pub(super) fn unknown<'k>(
    what: &str,
    word: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Complaint {
    Complaint::new(
        format!("unknown {what} {word:?}"),
        did_you_mean(word, known),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What `form` reads from a TOML value, if anything.
    pub(super) fn reads<T: 'static>(form: &Form<T>, toml: &str) -> Option<T> {
        let value = DeValue::parse(toml).expect("TOML");
        form.read(value.get_ref()).ok()
    }

    #[test]
    fn a_path_is_one_line_that_needs_no_shell() {
        let form = text::<WrittenPath>("a path");
        for bad in [r#""~""#, r#""~/a""#, r#""a\nb""#, r#""""#, "1"] {
            assert!(reads(&form, bad).is_none(), "{bad}");
        }
        assert!(reads(&form, r#""a b/~c é""#).is_some());
    }

    #[test]
    fn a_private_value_is_not_told() {
        let form = text::<WrittenPath>("a path").private().or("off");
        let value = DeValue::String("~/hunter2".into());
        let complaints = form.read(&value).expect_err("a complaint");
        assert_eq!(
            complaints[0].sentence(),
            "the value begins with \"~\", which only a shell expands"
        );
    }
}
