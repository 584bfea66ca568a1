//! What the agent makes of a store that fails, refuses, lies, hangs or goes away, by scripted faults of the
//! embedded store. Judged from the store's side.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod outages;
mod parts;
mod refusals;
