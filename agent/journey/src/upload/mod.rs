//! What goes to the store under which name, and what its answer means.

mod answer;
mod backoff;
mod key;
mod metadata;

pub use answer::{Answer, Cause, Scope, Transport, Verdict, judge};
pub use backoff::{BadSchedule, Schedule};
pub use key::{BadTemplate, Naming, PLACEHOLDERS, Template, beside};
pub use metadata::{Described, metadata};
