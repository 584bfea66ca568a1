//! A condition on what was found in an image, as it is written: `stage > 1.5`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::report::{Flag, Report};

/// A condition on what was found in an image.
///
/// Either the name of a [`Flag`] (`dark`), which is met when the camera's picture has it; or a quantity, one of `>`,
/// `>=`, `<` and `<=`, and a number. The quantities are `stage` (in the unit of the site's stage model), `water` (share
/// of the frame, 0 to 1), `iou`, the camera's `brightness`, `contrast`, `burnt`, `sharpness`, `plain` and `difference`,
/// `label` with a label's name (its probability), and the name of a region (its pixels that are water).
///
/// A condition on what the report does not have is never met, whichever way it compares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition(Form);

#[derive(Debug, Clone, PartialEq)]
enum Form {
    Flag(Flag),
    Compared {
        quantity: Quantity,
        relation: Relation,
        bound: f64,
    },
}

/// What can be compared with a number.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Quantity {
    Stage,
    Water,
    Iou,
    Brightness,
    Contrast,
    Burnt,
    Sharpness,
    Plain,
    Difference,
    Label(String),
    Roi(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// Why a text is no [`Condition`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is no condition: {why}; write one like \"dark\", \"stage > 1.5\", \"water < 0.2\", \
     \"ROI1 >= 12000\" or \"label River > 0.8\""
)]
pub struct NotACondition {
    text: String,
    why: &'static str,
}

impl NotACondition {
    /// Why not, without the text.
    pub const fn why(&self) -> &'static str {
        self.why
    }
}

/// The quantities that go by one name.
const QUANTITIES: [(&str, Quantity); 9] = [
    ("stage", Quantity::Stage),
    ("water", Quantity::Water),
    ("iou", Quantity::Iou),
    ("brightness", Quantity::Brightness),
    ("contrast", Quantity::Contrast),
    ("burnt", Quantity::Burnt),
    ("sharpness", Quantity::Sharpness),
    ("plain", Quantity::Plain),
    ("difference", Quantity::Difference),
];
const LABEL: &str = "label";

/// Longer signs before those that they begin with.
const RELATIONS: [(&str, Relation); 4] = [
    (">=", Relation::AtLeast),
    ("<=", Relation::AtMost),
    (">", Relation::Above),
    ("<", Relation::Below),
];

impl Condition {
    /// The name of the region that it is on, if it is on one: whoever reads a configuration sees that the site
    /// has it.
    pub fn names(&self) -> Option<&str> {
        match &self.0 {
            Form::Compared {
                quantity: Quantity::Roi(name),
                ..
            } => Some(name),
            _ => None,
        }
    }

    /// Why it is met, `stage > 1.5 (it is 1.82)`; `None` when it is not.
    pub fn met(&self, report: &Report) -> Option<String> {
        match &self.0 {
            Form::Flag(flag) => report.health.flags.contains(flag).then(|| self.to_string()),
            Form::Compared {
                quantity,
                relation,
                bound,
            } => {
                let found = quantity.of(report)?;
                relation
                    .holds(found, *bound)
                    .then(|| format!("{self} (it is {found})"))
            }
        }
    }
}

impl Quantity {
    /// Its value, where the report has one that is a number.
    fn of(&self, report: &Report) -> Option<f64> {
        let health = &report.health;
        let water = report.water.as_ref();
        let value = match self {
            Self::Stage => water?.stage.as_ref()?.value?,
            Self::Water => water?.share,
            Self::Iou => water?.iou?,
            Self::Brightness => health.brightness,
            Self::Contrast => health.contrast,
            Self::Burnt => health.burnt,
            Self::Sharpness => health.sharpness,
            Self::Plain => health.plain,
            Self::Difference => health.difference?,
            Self::Label(name) => probability(report, name)?,
            Self::Roi(name) => water?.rois.iter().find(|roi| roi.name == *name)?.water as f64,
        };
        (!value.is_nan()).then_some(value)
    }
}

/// A label's probability: what the models say together, or else the highest that one of them says.
fn probability(report: &Report, name: &str) -> Option<f64> {
    let together = report.together.iter().find(|label| label.label == name);
    let single = report.classes.iter().flat_map(|model| &model.labels);
    let highest = single
        .filter(|label| label.label == name)
        .map(|label| label.probability)
        .max_by(f64::total_cmp);
    together.map(|label| label.probability).or(highest)
}

impl Relation {
    fn holds(self, found: f64, bound: f64) -> bool {
        match self {
            Self::Above => found > bound,
            Self::AtLeast => found >= bound,
            Self::Below => found < bound,
            Self::AtMost => found <= bound,
        }
    }

    /// Where in a text the first relation stands, its sign's length, and which it is.
    fn find(text: &str) -> Option<(usize, usize, Self)> {
        let at = text.find(['<', '>'])?;
        let (sign, relation) = RELATIONS
            .iter()
            .find(|(sign, _)| text[at..].starts_with(sign))?;
        Some((at, sign.len(), *relation))
    }
}

impl FromStr for Condition {
    type Err = NotACondition;

    fn from_str(text: &str) -> Result<Self, NotACondition> {
        let not = |why| NotACondition {
            text: text.to_owned(),
            why,
        };
        let Some((at, length, relation)) = Relation::find(text) else {
            let flag = Flag::ALL
                .into_iter()
                .find(|flag| flag.name() == text.trim());
            return flag
                .map(|flag| Self(Form::Flag(flag)))
                .ok_or_else(|| not("it compares nothing, and is no sign of an ill camera"));
        };
        let bound = text[at + length..].trim().parse().ok();
        let bound = bound
            .filter(|bound: &f64| bound.is_finite())
            .ok_or_else(|| not("what follows the sign is no number"))?;
        let words: Vec<&str> = text[..at].split_whitespace().collect();
        let quantity = match words.as_slice() {
            [] => return Err(not("there is nothing before the sign")),
            [LABEL] => return Err(not("it does not say which label")),
            [LABEL, name @ ..] => Quantity::Label(name.join(" ")),
            [name] => QUANTITIES
                .into_iter()
                .find_map(|(known, quantity)| (known == *name).then_some(quantity))
                .unwrap_or_else(|| Quantity::Roi((*name).to_owned())),
            _ => return Err(not("there are several words before the sign")),
        };
        Ok(Self(Form::Compared {
            quantity,
            relation,
            bound,
        }))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Flag(flag) => f.write_str(flag.name()),
            Form::Compared {
                quantity,
                relation,
                bound,
            } => write!(f, "{quantity} {relation} {bound}"),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(name) => write!(f, "{LABEL} {name}"),
            Self::Roi(name) => f.write_str(name),
            known => {
                let name = QUANTITIES.iter().find(|(_, quantity)| quantity == known);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        })
    }
}

impl TryFrom<String> for Condition {
    type Error = NotACondition;

    fn try_from(text: String) -> Result<Self, NotACondition> {
        text.parse()
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

#[cfg(test)]
mod tests;
