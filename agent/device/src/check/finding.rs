//! What a check found: one sentence, and for everything that is not well what to do about it.

use std::fmt;
use std::time::Instant;

use serde::Serialize;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Not asked, for the reason given.
    Skipped,
    /// It works, and somebody should know.
    Warn,
    /// Images will not arrive, or not as they should.
    Fail,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

/// What one check found. As JSON, the object that `weir check --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check, by a name that scripts may rely on: `clock.store`.
    pub check: &'static str,
    /// What was checked: a site, a folder, a host.
    pub subject: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was found, as one sentence.
    pub detail: String,
    /// What to do about it; there whenever the outcome is a warning or a failure.
    pub fix: Option<String>,
    /// Milliseconds that it took.
    pub elapsed_ms: u64,
}

/// A check under way: knows its name, its subject, and when it began.
#[derive(Debug)]
pub(super) struct Check {
    name: &'static str,
    subject: String,
    begun: Instant,
}

impl Check {
    pub(super) fn begin(name: &'static str, subject: impl fmt::Display) -> Self {
        Self {
            name,
            subject: subject.to_string(),
            begun: Instant::now(),
        }
    }

    pub(super) fn ok(self, detail: impl fmt::Display) -> Finding {
        self.end(Outcome::Ok, detail, None)
    }

    pub(super) fn skipped(self, why: impl fmt::Display) -> Finding {
        self.end(Outcome::Skipped, why, None)
    }

    pub(super) fn warn(self, detail: impl fmt::Display, fix: impl Into<String>) -> Finding {
        self.end(Outcome::Warn, detail, Some(fix.into()))
    }

    pub(super) fn fail(self, detail: impl fmt::Display, fix: impl Into<String>) -> Finding {
        self.end(Outcome::Fail, detail, Some(fix.into()))
    }

    /// Ends it as a pure judgement says.
    pub(super) fn judged(self, judgement: Judgement) -> Finding {
        let Judgement {
            outcome,
            detail,
            fix,
        } = judgement;
        self.end(outcome, detail, fix)
    }

    fn end(self, outcome: Outcome, detail: impl fmt::Display, fix: Option<String>) -> Finding {
        Finding {
            check: self.name,
            subject: self.subject,
            outcome,
            detail: detail.to_string(),
            fix,
            elapsed_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// An outcome with its sentences, decided from values alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) outcome: Outcome,
    pub(super) detail: String,
    pub(super) fix: Option<String>,
}

impl Judgement {
    pub(super) fn ok(detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Ok,
            detail: detail.into(),
            fix: None,
        }
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Skipped,
            detail: why.into(),
            fix: None,
        }
    }

    pub(super) fn warn(detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Warn,
            detail: detail.into(),
            fix: Some(fix.into()),
        }
    }

    pub(super) fn fail(detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Fail,
            detail: detail.into(),
            fix: Some(fix.into()),
        }
    }
}

/// How many checks ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// As they should be.
    pub ok: u64,
    /// With a warning.
    pub warn: u64,
    /// Failed.
    pub fail: u64,
    /// Not asked.
    pub skipped: u64,
}

impl Summary {
    /// Counts one more.
    pub fn count(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Ok => &mut self.ok,
            Outcome::Warn => &mut self.warn,
            Outcome::Fail => &mut self.fail,
            Outcome::Skipped => &mut self.skipped,
        } += 1;
    }
}
