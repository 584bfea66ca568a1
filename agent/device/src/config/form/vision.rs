//! Forms of what is said about a camera's view: sizes, regions, pictures to be made.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde_json::json;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use weir_journey::infer::{Derivative, Overlay, PictureFormat, Roi, Size, Step};

use super::{Complaint, Form, Shape, Written, type_of};

/// The longest side of a picture or reference frame, in pixels.
const LONGEST_SIDE: u32 = 65_535;

/// A size in pixels as it is written: `1920x1080`.
pub(in crate::config) struct Frame(pub(in crate::config) Size);

impl FromStr for Frame {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (width, height) = text.split_once('x').ok_or("is no size")?;
        let side = |word: &str| {
            let side = word.trim().parse().ok();
            side.filter(|side| (1..=LONGEST_SIDE).contains(side))
                .ok_or("has a side that is no number from 1 to 65535")
        };
        Ok(Self(Size {
            width: side(width)?,
            height: side(height)?,
        }))
    }
}

/// An overlay as it is written: `640px jpeg`.
pub(in crate::config) struct WrittenOverlay(pub(in crate::config) Overlay);

impl FromStr for WrittenOverlay {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (width, format) = text
            .trim()
            .split_once(' ')
            .ok_or("lacks a width or a format")?;
        let width = width.strip_suffix("px").ok_or("has a width without px")?;
        let width = width
            .parse()
            .ok()
            .filter(|width| (16..=8192).contains(width));
        Ok(Self(Overlay {
            width: width.ok_or("has a width that is no number from 16 to 8192")?,
            format: format_of(format.trim()).ok_or("has an unknown format")?,
        }))
    }
}

fn format_of(word: &str) -> Option<PictureFormat> {
    match word {
        "jpeg" => Some(PictureFormat::Jpeg),
        "png" => Some(PictureFormat::Png),
        _ => None,
    }
}

/// A number from 0 to 1.
pub(in crate::config) fn share() -> Form<f64> {
    Form::new(
        "a number from 0 to 1, such as 0.5".to_owned(),
        json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Written::Literal,
        |value| {
            let number: f64 = match value {
                DeValue::Float(number) => number.as_str().parse().ok()?,
                DeValue::Integer(number) => number.as_str().parse().ok()?,
                _ => return None,
            };
            let fits = (0.0..=1.0).contains(&number);
            Some(fits.then_some(number).ok_or("is out of range"))
        },
    )
}

/// Regions by their names, in the order in which they are written.
pub(in crate::config) fn regions() -> Form<Vec<Roi>> {
    let expected = "regions by name, each a list of at least 3 corners [x, y] in whole pixels, such as \
                    { ROI1 = [[0, 0], [99, 0], [99, 50]] }";
    let corner =
        json!({ "type": "array", "items": { "type": "integer" }, "minItems": 2, "maxItems": 2 });
    let polygon = json!({ "type": "array", "items": corner, "minItems": 3 });
    let schema = json!({
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,39}$" },
        "additionalProperties": polygon,
    });
    each(expected, schema, |value| {
        let mut entries: Vec<_> = value.as_table()?.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        Some(entries.into_iter().map(region).collect())
    })
}

fn region(
    (name, points): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>),
) -> Result<Roi, Complaint> {
    let word = name.get_ref().as_ref();
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !word.starts_with(|c: char| c.is_ascii_alphabetic())
        || word.len() > 40
        || !word.chars().all(known)
    {
        let message = format!(
            "{word:?} can be no region's name, which is a letter and up to 39 more letters, digits, \"_\" or \"-\""
        );
        return Err(at(message, name.span()));
    }
    let corners = points.get_ref().as_array();
    let corners = corners.map(|corners| {
        corners
            .iter()
            .map(|point| corner(point.get_ref()))
            .collect()
    });
    match corners {
        Some(Some(points)) if Vec::len(&points) >= 3 => Ok(Roi {
            name: word.to_owned(),
            points,
        }),
        Some(Some(_)) => Err(at(
            format!("{word} has fewer than 3 corners"),
            points.span(),
        )),
        _ => Err(at(
            format!("{word} is no list of corners [x, y] in whole pixels"),
            points.span(),
        )),
    }
}

fn corner(point: &DeValue<'_>) -> Option<[i32; 2]> {
    let coordinates = point.as_array()?;
    let whole = |value: &Spanned<DeValue<'_>>| {
        let integer = value.get_ref().as_integer()?;
        let number = i32::from_str_radix(integer.as_str(), integer.radix()).ok()?;
        // Far enough outside of every frame; the sums of the polygon filling stay within their integers.
        (-100_000..=100_000).contains(&number).then_some(number)
    };
    let coordinates: Option<Vec<i32>> = coordinates.iter().map(whole).collect();
    coordinates?.try_into().ok()
}

/// Pictures to be made of every image.
pub(in crate::config) fn derivatives() -> Form<Vec<Derivative>> {
    let expected = "a list in brackets, each item such as { name = \"small\", steps = [\"resize 480 270\"], format = \
                    \"jpeg\" }";
    let item = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "pattern": "^[a-z0-9-]{1,40}$" },
            "steps": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            "format": { "enum": ["jpeg", "png"] },
        },
        "required": ["name", "steps", "format"],
        "additionalProperties": false,
    });
    let schema = json!({ "type": "array", "items": item });
    each(expected, schema, |value| {
        let mut names = BTreeSet::new();
        let items = value.as_array()?.iter().map(|item| {
            let table = item.get_ref().as_table();
            let table = table
                .ok_or_else(|| at(format!("this is {}", type_of(item.get_ref())), item.span()))?;
            let derivative = derivative(table, item.span())?;
            if names.insert(derivative.name.clone()) {
                return Ok(derivative);
            }
            Err(at(
                format!("a derivative {} is there already", derivative.name),
                item.span(),
            ))
        });
        Some(items.collect())
    })
}

fn derivative(table: &DeTable<'_>, span: std::ops::Range<usize>) -> Result<Derivative, Complaint> {
    const KEYS: [&str; 3] = ["name", "steps", "format"];
    if let Some((key, _)) = table
        .iter()
        .find(|(key, _)| !KEYS.contains(&key.get_ref().as_ref()))
    {
        return Err(Complaint {
            span: Some(key.span()),
            ..super::unknown("key", key.get_ref(), KEYS)
        });
    }
    let value = |key: &str| {
        let value = table.get(key);
        value.ok_or_else(|| at(format!("{key} is missing"), span.clone()))
    };
    let (name, steps, format) = (value("name")?, value("steps")?, value("format")?);
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let word = name.get_ref().as_str();
    let word = word.filter(|word| (1..=40).contains(&word.len()) && word.bytes().all(known));
    let word = word.ok_or_else(|| {
        at(
            "a name is 1 to 40 of a-z, 0-9 and \"-\"".to_owned(),
            name.span(),
        )
    })?;
    let items = steps.get_ref().as_array().filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| {
        at(
            "steps is no list of at least one step".to_owned(),
            steps.span(),
        )
    })?;
    let steps: Result<Vec<Step>, Complaint> = items
        .iter()
        .map(|step| {
            let text = step.get_ref().as_str().unwrap_or_default();
            text.parse::<Step>()
                .map_err(|error| at(error.to_string(), step.span()))
        })
        .collect();
    let known = format.get_ref().as_str().and_then(format_of);
    Ok(Derivative {
        name: word.to_owned(),
        steps: steps?,
        format: known
            .ok_or_else(|| at("a format is \"jpeg\" or \"png\"".to_owned(), format.span()))?,
    })
}

fn at(message: String, span: std::ops::Range<usize>) -> Complaint {
    Complaint {
        span: Some(span),
        ..Complaint::new(message, None)
    }
}

/// A form of several things, each with its own complaint at its own place.
fn each<T: 'static>(
    expected: &str,
    schema: serde_json::Value,
    read: impl Fn(&DeValue<'_>) -> Option<Vec<Result<T, Complaint>>> + 'static,
) -> Form<Vec<T>> {
    let suggestion = format!("write {expected}");
    let shape = Shape {
        expected: expected.to_owned(),
        schema,
        written: Written::Literal,
    };
    let read = move |value: &DeValue<'_>| {
        let Some(items) = read(value) else {
            let message = format!("this is {}", type_of(value));
            return Err(vec![Complaint::new(message, Some(suggestion.clone()))]);
        };
        let (mut good, mut complaints) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Ok(item) => good.push(item),
                Err(complaint) => complaints.push(Complaint {
                    suggestion: complaint.suggestion.or_else(|| Some(suggestion.clone())),
                    ..complaint
                }),
            }
        }
        if complaints.is_empty() {
            Ok(good)
        } else {
            Err(complaints)
        }
    };
    Form {
        shape,
        read: Box::new(read),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::reads;
    use super::super::text;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(width in 1..=LONGEST_SIDE, height in 1..=LONGEST_SIDE, overlay in 16u32..=8192) {
            let frame = reads(&text::<Frame>("a size"), &format!("\"{width}x{height}\""));
            prop_assert_eq!(frame.map(|Frame(size)| size), Some(Size { width, height }));
            let read = reads(&text::<WrittenOverlay>("an overlay"), &format!("\"{overlay}px png\""));
            let expected = Overlay { width: overlay, format: PictureFormat::Png };
            prop_assert_eq!(read.map(|WrittenOverlay(overlay)| overlay), Some(expected));
        }

        #[test]
        fn regions_are_read_in_the_order_in_which_they_are_written(
            names in proptest::collection::hash_set("[A-Za-z][A-Za-z0-9_-]{0,5}", 0..6),
            corner in proptest::array::uniform2(-100_000..=100_000i32),
        ) {
            let [x, y] = corner;
            let names: Vec<_> = names.into_iter().collect();
            let written: Vec<_> = names.iter().map(|name| format!("{name} = [[{x}, {y}], [1, 2], [3, 4]]")).collect();
            let read = reads(&regions(), &format!("{{ {} }}", written.join(", "))).unwrap();
            prop_assert_eq!(read.iter().map(|roi| roi.name.clone()).collect::<Vec<_>>(), names);
            prop_assert!(read.iter().all(|roi| roi.points == [corner, [1, 2], [3, 4]]));
        }

        #[test]
        fn no_text_breaks_the_parsers(words in "\\PC{0,12}") {
            let _ = (words.parse::<Frame>().is_ok(), words.parse::<WrittenOverlay>().is_ok());
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in ["\"0x3\"", "\"3\"", "\"3x70000\"", "\"3 by 4\"", "7"] {
            assert!(reads(&text::<Frame>("a size"), bad).is_none(), "{bad}");
        }
        for bad in [
            "\"640 jpeg\"",
            "\"640px\"",
            "\"8px jpeg\"",
            "\"640px gif\"",
            "640",
        ] {
            assert!(
                reads(&text::<WrittenOverlay>("an overlay"), bad).is_none(),
                "{bad}"
            );
        }
        for bad in ["1.5", "-1", "\"0.5\"", "nan"] {
            assert!(reads(&share(), bad).is_none(), "{bad}");
        }
        for bad in [
            "[]",
            "{ a = 3 }",
            "{ a = [[0, 0], [1, 1]] }",
            "{ a = [[0, 0], [1, 1], [1.5, 2]] }",
            "{ a = [[0, 0], [1, 1], [1, 2, 3]] }",
            "{ 1a = [[0, 0], [1, 1], [1, 2]] }",
        ] {
            assert!(reads(&regions(), bad).is_none(), "{bad}");
        }
        for bad in [
            "{}",
            "[3]",
            "[{ name = \"a\", steps = [\"grayscale\"] }]",
            "[{ name = \"A\", steps = [\"grayscale\"], format = \"png\" }]",
            "[{ name = \"a\", steps = [], format = \"png\" }]",
            "[{ name = \"a\", steps = [\"blur\"], format = \"png\" }]",
            "[{ name = \"a\", steps = [\"grayscale\"], format = \"gif\" }]",
            "[{ name = \"a\", steps = [\"grayscale\"], format = \"png\", size = 3 }]",
            "[{ name = \"a\", steps = [\"grayscale\"], format = \"png\" }, \
              { name = \"a\", steps = [\"rotate 90\"], format = \"png\" }]",
        ] {
            assert!(reads(&derivatives(), bad).is_none(), "{bad}");
        }
    }
}
