//! A script of faults: which requests go wrong, and how.
//!
//! A [`Rule`] picks requests by operation, bucket, key and number or rate, and names an [`Action`]. For a request the
//! first rule that applies is played. Rules can be changed while the store runs, through a [`Faults`] handle, and are
//! plain data, so that a JSON (or TOML) file can hold them:
//!
//! ```
//! let rules: Vec<weir_store::faults::Rule> = serde_json::from_str(r#"[
//!     { "operation": "PutObject", "key": "2024/*", "when": { "requests": { "from": 3, "to": 5 } }, "action": { "error": "slow_down" } },
//!     { "bucket": "site1-*", "when": { "rate": { "probability": 0.1, "seed": 7 } }, "action": "lost_answer" },
//!     { "action": { "delay": { "milliseconds": 20 } } }
//! ]"#)?;
//! # assert_eq!(rules.len(), 3);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod play;
mod script;

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub(crate) use self::play::{Cut, Lie, falsify, refusal};
use self::script::Script;
use crate::request::{Operation, Target};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// The body is read, nothing is done, and this error is the answer.
    Error(Refusal),
    /// The body is read and no answer ever comes.
    Hang,
    /// The connection is closed when this many bytes of the request's body have arrived, or all of a shorter one;
    /// nothing is done.
    Cut {
        /// Bytes of the body as sent, with chunk framing.
        after_bytes: u64,
    },
    /// The request is done, and its answer carries another ETag.
    WrongEtag,
    /// The request is done, and its answer carries another checksum.
    WrongChecksum,
    /// The request is done, and the connection is closed instead of an answer.
    LostAnswer,
    /// The request begins this much later.
    Delay {
        /// Milliseconds of tokio's time.
        milliseconds: u64,
    },
    /// Both bodies flow at this rate.
    Slow {
        /// Bytes a second of tokio's time; 0 is taken as 1.
        bytes_per_second: u64,
    },
    /// The store's clock is off for this request: its `Date` and its judgement of the signature's age.
    ClockOff {
        /// Positive: the store is ahead.
        seconds: i64,
    },
}

/// An error answer, as S3 gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// 500 `InternalError`.
    InternalError,
    /// 503 `SlowDown`.
    SlowDown,
    /// 503 `ServiceUnavailable`.
    ServiceUnavailable,
    /// 429 `TooManyRequests`.
    TooManyRequests,
    /// 403 `AccessDenied`.
    AccessDenied,
    /// 403 `InvalidAccessKeyId`.
    InvalidAccessKeyId,
    /// 403 `SignatureDoesNotMatch`.
    SignatureDoesNotMatch,
}

/// Which of the requests that a rule's pattern matches are hit. They are counted from 1, for each rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// Every one.
    #[default]
    Always,
    /// Numbers `from` to `to`, both included.
    Requests {
        /// First number.
        from: u64,
        /// Last number.
        to: u64,
    },
    /// Each with this probability, decided by seed and number alone, so that a run can be repeated.
    Rate {
        /// 0.0 to 1.0.
        probability: f64,
        /// Any number.
        seed: u64,
    },
}

/// One line of the script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only this operation; any if absent.
    #[serde(default)]
    pub operation: Option<Operation>,
    /// Glob over the bucket's name (`*` any run of characters, `?` one); any if absent.
    #[serde(default)]
    pub bucket: Option<String>,
    /// Glob over the key; `*` also matches `/`.
    #[serde(default)]
    pub key: Option<String>,
    /// Which of the matching requests.
    #[serde(default)]
    pub when: When,
    /// What happens to them.
    pub action: Action,
}

impl Rule {
    /// A rule for every request.
    pub fn new(action: Action) -> Self {
        Self {
            operation: None,
            bucket: None,
            key: None,
            when: When::Always,
            action,
        }
    }

    /// Only `operation`.
    #[must_use]
    pub fn on(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Only buckets whose name matches `glob`.
    #[must_use]
    pub fn bucket(mut self, glob: impl Into<String>) -> Self {
        self.bucket = Some(glob.into());
        self
    }

    /// Only keys that match `glob`.
    #[must_use]
    pub fn key(mut self, glob: impl Into<String>) -> Self {
        self.key = Some(glob.into());
        self
    }

    /// Only these of the matching requests, counted from 1.
    #[must_use]
    pub fn requests(mut self, numbers: RangeInclusive<u64>) -> Self {
        self.when = When::Requests {
            from: *numbers.start(),
            to: *numbers.end(),
        };
        self
    }

    /// Each matching request with `probability`, repeatably for a `seed`.
    #[must_use]
    pub fn rate(mut self, probability: f64, seed: u64) -> Self {
        self.when = When::Rate { probability, seed };
        self
    }
}

/// The script of a running store; clones change the same one.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Script>>);

impl Faults {
    /// Replaces the script; counting begins anew.
    pub fn set(&self, rules: impl IntoIterator<Item = Rule>) {
        *self.script() = Script::default();
        rules.into_iter().for_each(|rule| self.push(rule));
    }

    /// Adds a rule at the end, with its own count.
    pub fn push(&self, rule: Rule) {
        self.script().push(rule);
    }

    /// No more faults. Requests that hang go on hanging.
    pub fn clear(&self) {
        self.set([]);
    }

    /// Counts the request and says what happens to it.
    pub(crate) fn decide(&self, target: &Target) -> Option<Action> {
        self.script().decide(target)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
