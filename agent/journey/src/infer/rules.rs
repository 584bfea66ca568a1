//! Which images of a site go first, later, or not at all, by what they show.

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::report::Report;

/// By which conditions a site's images leave the usual order. One condition of a list is enough.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Images that go before all others. They do so whatever else is true of them: a flood is sent even if the
    /// picture is dark.
    pub first: Vec<Condition>,
    /// Images that go after all others.
    pub later: Vec<Condition>,
    /// Images that are kept back until a person says otherwise, even if they would go later.
    pub skip: Vec<Condition>,
}

/// The course of an image, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The course.
    pub course: Course,
    /// The condition that decided, and what was found; `None` of the usual course.
    pub because: Option<String>,
}

/// When an image is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Course {
    /// Before all others.
    First,
    /// In the site's order.
    Usual,
    /// After all others.
    Later,
    /// Not before a person says so.
    Skip,
}

impl Rules {
    /// Whether there are none, so that no image has to be looked at before it is sent.
    pub fn is_empty(&self) -> bool {
        self.conditions().next().is_none()
    }

    /// All conditions, in the order in which they are asked.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.by_precedence()
            .into_iter()
            .flat_map(|(_, conditions)| conditions)
    }

    /// The course of an image in which this was found.
    pub fn decide(&self, report: &Report) -> Decision {
        for (course, conditions) in self.by_precedence() {
            if let Some(because) = conditions
                .iter()
                .find_map(|condition| condition.met(report))
            {
                return Decision {
                    course,
                    because: Some(because),
                };
            }
        }
        Decision {
            course: Course::Usual,
            because: None,
        }
    }

    fn by_precedence(&self) -> [(Course, &[Condition]); 3] {
        [
            (Course::First, &self.first),
            (Course::Skip, &self.skip),
            (Course::Later, &self.later),
        ]
    }
}

#[cfg(test)]
mod tests;
